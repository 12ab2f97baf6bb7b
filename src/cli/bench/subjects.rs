//! The ops that are measured, each a pipeline that a user would write. One list; help, tables and JSON follow it.
//! It does not know how they are run.

use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::graph::{Agreement, Array};
use crate::language::evaluate;

/// One row.
#[derive(Debug)]
pub struct Subject {
    /// What `--ops` calls it.
    pub name: &'static str,
    /// The pipeline.
    pub text: &'static str,
    /// What it reads.
    pub dtype: Dtype,
    /// The op whose record says how near devices are.
    record: &'static str,
}

const fn u16(name: &'static str, text: &'static str, record: &'static str) -> Subject {
    Subject { name, text, dtype: Dtype::U16, record }
}

/// All of them, in the order of the table.
pub static SUBJECTS: &[Subject] = &[
    u16("chain", "(astype(x, f32) - 100) / 1.7 |> clip(0, 65535) |> astype(u16)", "divide"),
    u16("threshold", "x > 32768", "greater"),
    u16("sum", "sum(x)", "sum"),
    u16("mean", "mean(x)", "mean"),
    u16("std", "std(x)", "std"),
    u16("gaussian2d", "gaussian([0, 2, 2])", "gaussian"),
    u16("gaussian3d", "gaussian(2)", "gaussian"),
    u16("median3", "median([1, 3, 3])", "median"),
    u16("median5", "median([1, 5, 5])", "median"),
    u16("tophat15", "white_tophat([1, 15, 15])", "white_tophat"),
    u16("sobel", "sobel_magnitude(axes=[1, 2])", "sobel_magnitude"),
    u16("maximum5", "maximum_filter([1, 5, 5])", "maximum_filter"),
    u16("uniform5", "uniform([1, 5, 5])", "uniform"),
    Subject { name: "gaussian2d_f32", text: "gaussian([0, 2, 2])", dtype: Dtype::F32, record: "gaussian" },
];

/// What is streamed.
pub static STREAM: Subject = u16("stream", "gaussian([0, 2, 2]) |> white_tophat([1, 15, 15])", "gaussian");

impl Subject {
    /// The pipeline over an array.
    ///
    /// # Errors
    /// A pipeline that the language refuses.
    pub fn of(&self, input: &Array) -> Result<Array> {
        evaluate(self.text, input, &[]).map(|made| made.result)
    }

    /// How near a device's results are to the exact ones.
    ///
    /// # Errors
    /// No such op.
    pub fn agreement(&self) -> Result<Agreement> {
        crate::ops::find(self.record).map(|op| op.agreement)
    }
}

/// Those of a list that were asked for, in the order of the list; all where none was.
///
/// # Errors
/// A name that is not in the list.
pub fn chosen<'l, T>(what: &str, list: &'l [T], name: impl Fn(&T) -> &'static str, asked: &[String]) -> Result<Vec<&'l T>> {
    let known = || list.iter().map(&name).collect::<Vec<_>>();
    if let Some(stranger) = asked.iter().map(|a| a.trim()).find(|a| !known().contains(a)) {
        let error = Error::caller(format!("'{stranger}' is no {what} of bench gpu"));
        return Err(error.hint(format!("any of: {}", known().join(", "))));
    }
    Ok(list.iter().filter(|one| asked.is_empty() || asked.iter().any(|a| a.trim() == name(one))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::data::noise;
    use crate::grid::Dims;

    #[test]
    fn every_pipeline_is_one_and_every_record_is_there() {
        for subject in SUBJECTS.iter().chain([&STREAM]) {
            let made = subject.of(&noise(subject.dtype, Dims::from([4, 40, 40])).unwrap());
            made.and_then(|array| array.info().cloned()).unwrap_or_else(|e| panic!("{}: {e}", subject.name));
            subject.agreement().unwrap_or_else(|e| panic!("{}: {e}", subject.name));
        }
    }

    #[test]
    fn the_help_names_them_all() {
        for subject in SUBJECTS {
            let named = crate::cli::bench::DATA.lines().find(|line| line.starts_with("Ops: ")).unwrap();
            assert!(named[5..].trim_end_matches('.').split(", ").any(|name| name == subject.name), "{}", subject.name);
        }
    }

    #[test]
    fn names_are_asked_for_in_any_order_and_strangers_are_refused() {
        let ask = |names: &[&str]| {
            let asked: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            chosen("op", SUBJECTS, |s| s.name, &asked).map(|all| all.iter().map(|s| s.name).collect::<Vec<_>>())
        };
        assert_eq!(ask(&[]).unwrap().len(), SUBJECTS.len());
        assert_eq!(ask(&["sobel", " sum"]).unwrap(), ["sum", "sobel"]);
        let error = ask(&["sum", "gausian"]).unwrap_err().to_string();
        assert!(error.contains("'gausian' is no op") && error.contains("gaussian2d, gaussian3d"), "{error}");
    }
}
