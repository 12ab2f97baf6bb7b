//! What is told: Markdown on standard output as soon as a part is done, the same and JSON in files. Counts what is wrong.
//! It does not know what was measured.

use crate::cli::{print, say};
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

/// A report that grows part by part.
pub struct Report {
    markdown: (Option<PathBuf>, String),
    json: Option<PathBuf>,
    adapter: Value,
    parts: Map<String, Value>,
    wrong: Vec<String>,
    failed: Vec<String>,
}

/// Says on standard error what is done now, and after how many seconds.
pub fn progress(what: &str) {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    let seconds = BEGUN.get_or_init(Instant::now).elapsed().as_secs_f64();
    say(&format!("bench gpu, {seconds:5.1} s: {what}"));
}

/// What the build was made from, where whoever built it said so.
#[must_use]
pub fn commit() -> &'static str {
    option_env!("STACKMILL_COMMIT").unwrap_or("unknown")
}

impl Report {
    /// Begins the files: a path that cannot be written is found before anything is measured.
    ///
    /// # Errors
    /// Such a path.
    pub fn begin(json: Option<&Path>, markdown: Option<&Path>) -> Result<Report> {
        let (adapter, parts, wrong, failed) = (Value::Null, Map::new(), Vec::new(), Vec::new());
        let (markdown, json) = ((markdown.map(Path::to_owned), String::new()), json.map(Path::to_owned));
        let report = Report { markdown, json, adapter, parts, wrong, failed };
        report.write()?;
        Ok(report)
    }

    /// Says which device it is.
    pub fn of(&mut self, adapter: Value) {
        self.adapter = adapter;
    }

    /// Tells a part: to whoever reads, and into the files.
    ///
    /// # Errors
    /// A full disk, a closed standard output.
    pub fn tell(&mut self, name: &str, text: &str, figures: Option<Value>) -> Result<()> {
        let text = format!("{text}\n");
        self.markdown.1 += &text;
        figures.map(|figures| self.parts.insert(name.to_owned(), figures));
        print(&text)?;
        self.write()
    }

    /// Remembers a wrong answer.
    pub fn wrong(&mut self, what: String) {
        progress(&format!("wrong: {what}"));
        self.wrong.push(what);
    }

    /// Remembers what could not be measured, and gives what could: the parts that follow may still be.
    pub fn heed<T>(&mut self, what: &str, done: Result<T>) -> Option<T> {
        match done {
            Ok(found) => Some(found),
            Err(error) => {
                let words = format!("{what}: {error}");
                progress(&format!("failed: {words}"));
                self.failed.push(words);
                None
            }
        }
    }

    /// Ends the report.
    ///
    /// # Errors
    /// Wrong answers; what could not be measured.
    pub fn end(&self) -> Result<()> {
        self.write()?;
        let counted = |what: &str, all: &[String]| match all {
            [] => None,
            [one] => Some(format!("{what}: {one}")),
            [first, rest @ ..] => Some(format!("{what}: {first} (and {} more)", rest.len())),
        };
        let wrong = counted("a wrong answer", &self.wrong);
        let Some(what) = wrong.or_else(|| counted("not measured", &self.failed)) else { return Ok(()) };
        Err(Error::machine(what).hint("report it with the output of stackmill doctor; --device cpu computes without the GPU"))
    }

    fn write(&self) -> Result<()> {
        let put = |path: &Option<PathBuf>, text: &str| -> Result<()> {
            let Some(path) = path else { return Ok(()) };
            std::fs::write(path, text).map_err(|e| Error::io("write", path, &e))
        };
        put(&self.markdown.0, &self.markdown.1)?;
        let figures = json!({
            "version": env!("CARGO_PKG_VERSION"), "commit": commit(), "adapter": self.adapter,
            "parts": self.parts, "wrong": self.wrong.len(), "wrong_answers": self.wrong, "failed": self.failed,
        });
        put(&self.json, &format!("{figures:#}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_answer_is_what_the_command_ends_with() {
        let mut report = Report::begin(None, None).unwrap();
        assert!(report.end().is_ok());
        report.wrong("sum at []: gpu 1, cpu 2".to_owned());
        report.wrong("mean".to_owned());
        let error = report.end().unwrap_err();
        assert_eq!(error.exit_code(), 1);
        assert!(error.to_string().contains("a wrong answer: sum at []: gpu 1, cpu 2 (and 1 more)"), "{error}");
    }

    #[test]
    fn what_fails_is_told_at_the_end_and_what_works_goes_on() {
        let mut report = Report::begin(None, None).unwrap();
        assert_eq!(report.heed("copy", Ok(3)), Some(3));
        assert!(report.end().is_ok());
        assert_eq!(report.heed::<()>("dispatch", Err(Error::machine("the device is lost"))), None);
        let error = report.end().unwrap_err();
        assert_eq!((error.exit_code(), error.what()), (1, "not measured: dispatch: the device is lost"));
    }
}
