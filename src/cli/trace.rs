//! A run as a file that ui.perfetto.dev and chrome://tracing show: a row a thread of each lane, a row a device that has a clock of
//! its own, and the bytes that are held.
//! It does not know what the work was; it is shown a [`Progress`] after each piece.

use crate::error::{Error, Result};
use crate::run::{DeviceSpan, Lane, Progress, Span};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Threads that one lane may have in a trace: rows of different lanes do not meet.
const MOST_WORKERS: usize = 10_000;
/// How the times of a device's row came about.
const CLOCK: &str =
    "the device's own, moved by the least that no work begins before it was sent or ends after it was seen to be done";

/// A trace that is written while the run goes on.
pub struct Trace {
    path: PathBuf,
    file: RefCell<BufWriter<File>>,
    rows: RefCell<BTreeSet<usize>>,
    is_first: Cell<bool>,
}

impl Trace {
    /// A new file, in place of an old one.
    ///
    /// # Errors
    /// A path that cannot be written.
    pub fn create(path: &Path) -> Result<Trace> {
        let file = File::create(path).map_err(|e| Error::io("write", path, &e))?;
        let (file, rows) = (RefCell::new(BufWriter::new(file)), RefCell::default());
        Ok(Trace { path: path.to_owned(), file, rows, is_first: Cell::new(true) })
    }

    /// Adds the work that was just done.
    ///
    /// # Errors
    /// A full disk.
    pub fn add(&self, progress: &Progress) -> Result<()> {
        progress.device_spans.iter().try_for_each(|span| self.add_of_device(span, progress.pass.0))?;
        let Some(span) = &progress.span else { return Ok(()) };
        let (row, name) = row_of(span);
        self.begin_row(row, &json!({"name": name}))?;
        let what = match span.lane {
            Lane::Read | Lane::Decode => "unit",
            _ => "tile",
        };
        let (start, micros) = (span.start * 1e6, span.seconds * 1e6);
        let args = json!({"pass": progress.pass.0});
        let title = format!("{what} {}", span.number);
        self.put(&json!({"name": title, "cat": span.lane.name(), "ph": "X", "pid": 1, "tid": row, "ts": start, "dur": micros, "args": args}))?;
        let held = json!({"bytes": progress.held});
        self.put(&json!({"name": "held by the ledger", "ph": "C", "pid": 1, "ts": progress.seconds * 1e6, "args": held}))
    }

    fn add_of_device(&self, span: &DeviceSpan, pass: usize) -> Result<()> {
        let row = (Lane::ALL.len() + 1) * MOST_WORKERS + span.device;
        self.begin_row(row, &json!({"name": format!("gpu {}: {}", span.device, span.name), "clock": CLOCK}))?;
        let (start, micros) = (span.start * 1e6, span.seconds * 1e6);
        let (title, args) = (format!("{}, tile {}", span.what, span.tile), json!({"pass": pass, "tile": span.tile}));
        self.put(
            &json!({"name": title, "cat": "device", "ph": "X", "pid": 1, "tid": row, "ts": start, "dur": micros, "args": args}),
        )
    }

    /// Names a row where it is new.
    fn begin_row(&self, row: usize, args: &Value) -> Result<()> {
        if !self.rows.borrow_mut().insert(row) {
            return Ok(());
        }
        self.put(&json!({"name": "thread_name", "ph": "M", "pid": 1, "tid": row, "args": args}))?;
        self.put(&json!({"name": "thread_sort_index", "ph": "M", "pid": 1, "tid": row, "args": {"sort_index": row}}))
    }

    /// Completes the file.
    ///
    /// # Errors
    /// A full disk.
    pub fn end(&self) -> Result<()> {
        let mut file = self.file.borrow_mut();
        let start = if self.is_first.get() { "[" } else { "" };
        writeln!(file, "{start}\n]").and_then(|()| file.flush()).map_err(|e| Error::io("write", &self.path, &e))
    }

    fn put(&self, event: &Value) -> Result<()> {
        let before = if self.is_first.replace(false) { "[\n" } else { ",\n" };
        write!(self.file.borrow_mut(), "{before}{event}").map_err(|e| Error::io("write", &self.path, &e))
    }
}

/// The row of a thread, in the order data flows, and what it is called.
fn row_of(span: &Span) -> (usize, String) {
    let lane = Lane::ALL.iter().position(|lane| *lane == span.lane).unwrap_or(0);
    ((lane + 1) * MOST_WORKERS + span.worker.min(MOST_WORKERS - 1), format!("{} {}", span.lane.name(), span.worker))
}
