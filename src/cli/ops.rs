//! `ops`: the catalogue as a table a family, or one op with everything that its record says.
//! It does not know any op; it prints records, and applies them to tiny arrays to see the dtypes of their results.

use super::table::{columns, wrapped};
use crate::dtype::Dtype;
use crate::error::Result;
use crate::formats::memory::MemorySource;
use crate::graph::{Agreement, Args as OpArgs, Array, Op, Value};
use crate::grid::Dims;
use crate::ops::{FAMILIES, find};
use crate::storage::Info;
use crate::tile::Buffer;
use clap::Args;
use std::fmt::Write;
use std::panic::Location;
use std::sync::Arc;

/// The arguments of `ops`.
#[derive(Args, Debug)]
pub struct Ops {
    /// The op to describe
    name: Option<String>,
}

impl Ops {
    /// The list or the description.
    pub fn obey(&self) -> Result<String> {
        self.name.as_deref().map_or_else(|| Ok(list()), |name| find(name).map(description))
    }
}

/// Two lines an op: signature, agreement and whose meaning it has in columns, then what it does.
fn list() -> String {
    let mut text = String::new();
    for family in FAMILIES {
        let row = |op: &&'static Op| {
            [op.signature(), agreement(op.agreement), op.same_as.map_or(String::new(), |name| format!("= {name}"))]
        };
        let rows = columns(&family.iter().map(row).collect::<Vec<_>>());
        text += &family.first().map_or(String::new(), |op| op.family.to_uppercase());
        text.push('\n');
        for (line, op) in rows.lines().zip(*family) {
            let doc = op.doc.first().map_or("", |line| line.trim());
            // Writing to a string does not fail.
            let _ = writeln!(text, "{line}\n      {doc}");
        }
        text.push('\n');
    }
    text += "exact: bit for bit on every device. = NAME: the meaning, arguments and defaults of that function.\n";
    text += "stackmill ops NAME describes one of them.\n";
    text
}

fn agreement(agreement: Agreement) -> String {
    match agreement {
        Agreement::Exact => "exact".to_owned(),
        Agreement::Ulp(n) => format!("{n} ulp"),
        Agreement::Relative(factor) => format!("{factor:e} of the sum"),
    }
}

/// All that the record of an op says.
fn description(op: &'static Op) -> String {
    let mut text = format!("{}\n\n", op.signature());
    for line in op.doc {
        text += line.strip_prefix(' ').unwrap_or(line).trim_end();
        text.push('\n');
    }
    text.push('\n');
    let row = |name: &str, value: String| [name.to_owned(), value];
    let mut rows = vec![row("family", op.family.to_owned()), row("arrays", op.inputs.join(", "))];
    rows.extend(op.same_as.map(|name| row("same as", name.to_owned())));
    rows.push(row("devices", format!("agree {}", agreement_words(op.agreement))));
    rows.push(row("meaning", op.meaning.kind().to_owned()));
    rows.push(row("dtype", op.rule.words().to_owned()));
    text += &columns(&rows);
    parameters(op, &mut text);
    dtypes(op, &mut text);
    // Writing to a string does not fail.
    let _ = write!(text, "\nMeaning\n{}", source(op.source));
    text
}

fn agreement_words(agreement: Agreement) -> String {
    match agreement {
        Agreement::Exact => "bit for bit".to_owned(),
        Agreement::Ulp(n) => format!("within {n} units in the last place"),
        Agreement::Relative(factor) => format!("within {factor:e} of the sum of magnitudes"),
    }
}

fn parameters(op: &Op, text: &mut String) {
    if op.params.is_empty() {
        return;
    }
    text.push_str("\nParameters\n");
    for param in op.params {
        let default = param.default.map_or("must be given".to_owned(), |d| format!("default {}", d()));
        let _ = writeln!(text, "  {} ({}; {default})", param.name, param.kind);
        text.push_str(&wrapped(param.doc, 6));
    }
}

/// The dtype of the result for each dtype, all arrays being of that dtype (a condition is bool).
fn dtypes(op: &'static Op, text: &mut String) {
    let of = match op.inputs {
        [_] => "of the array",
        ["condition", ..] => "of both choices",
        _ => "of all arrays",
    };
    let mut rows = [[of.to_owned(), "result".to_owned()]].to_vec();
    let mut refusals: Vec<String> = Vec::new();
    for dtype in Dtype::ALL {
        let result = match result_dtype(op, dtype) {
            Ok(result) => result.to_string(),
            Err(error) => {
                let what = error.what().to_owned();
                if !refusals.contains(&what) {
                    refusals.push(what);
                }
                "refused".to_owned()
            }
        };
        rows.push([dtype.to_string(), result]);
    }
    let _ = writeln!(text, "\nDtypes of {}", op.words(&example(op)));
    text.push_str(&turned(&rows));
    refusals.iter().for_each(|what| text.push_str(&wrapped(&format!("refused: {what}"), 2)));
}

/// A table of two columns as one of two lines.
fn turned(rows: &[[String; 2]]) -> String {
    let line = |k: usize| -> String {
        let cell = |(at, row): (usize, &[String; 2])| {
            let width = row.iter().map(|c| c.chars().count()).max().unwrap_or(0);
            let cell = row.get(k).map_or("", String::as_str);
            format!("{}{cell:width$}", if at == 0 { "  " } else { " " })
        };
        rows.iter().enumerate().map(cell).collect::<String>().trim_end().to_owned()
    };
    format!("{}\n{}\n", line(0), line(1))
}

/// Applies the op to tiny arrays of a dtype.
fn result_dtype(op: &'static Op, dtype: Dtype) -> Result<Dtype> {
    let arrays = op.inputs.iter().map(|name| tiny(if *name == "condition" { Dtype::Bool } else { dtype }));
    let arrays = arrays.collect::<Result<Vec<_>>>()?;
    op.apply(&arrays, example(op), Location::caller()).dtype()
}

/// Parameters: defaults, or small values where they must be given.
fn example(op: &Op) -> OpArgs {
    OpArgs(op.params.iter().map(|p| p.default.map_or_else(|| small(p.kind), |d| d())).collect())
}

/// A value for a parameter that must be given.
fn small(kind: &str) -> Value {
    match kind {
        "number" | "number or length" => Value::Float(1.0),
        "dtype" => Value::Text("f32".to_owned()),
        k if k.contains("axis") => Value::Int(0),
        _ => Value::Int(1),
    }
}

fn tiny(dtype: Dtype) -> Result<Array> {
    let info = Info::new(Dims::from([2, 3, 4]), dtype).with_axes("ZYX")?;
    let bytes = Arc::new(Buffer::zeroed(24 * dtype.size()));
    Ok(Array::from_source(Arc::new(MemorySource::new(info, bytes)?)))
}

/// The text of a meaning as the compiler keeps it, its lines moved to a margin of two.
fn source(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text).trim();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let margin = lines.iter().skip(1).map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let moved =
        |line: &&str| format!("  {}\n", line.get(margin.min(line.len() - line.trim_start().len())..).unwrap_or(line).trim_end());
    lines.iter().map(moved).collect()
}
