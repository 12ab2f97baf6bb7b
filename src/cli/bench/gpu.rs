//! The parts in their order, each with its share of the time.
//! It does not know what a part measures.

use super::played::Means;
use super::raw;
use super::report::Report;
use super::subjects::{SUBJECTS, Subject, chosen};
use super::{OfGpu, ops, stream};
use crate::device::gpu::measure::Bench;
use crate::error::{Error, Result};
use crate::run::threads::pool;
use std::time::Duration;

/// The parts, in their order, and of the time about how much each may take; compiling takes what it takes.
const PARTS: [(&str, f64); 7] =
    [("header", 0.0), ("copy", 0.06), ("dispatch", 0.03), ("compile", 0.0), ("transfer", 0.15), ("ops", 0.46), ("stream", 0.3)];
/// What a copy may take where only its rate is wanted.
const SHORTLY: Duration = Duration::from_millis(50);
/// The buffer of such a copy.
const SMALL: u64 = 64 << 20;

/// What the parts have in common.
pub struct Setting<'p> {
    /// The adapter and the threads.
    pub means: Means,
    /// A pool of as many threads.
    pub pool: &'p rayon::ThreadPool,
    /// Bytes a second of the device's fastest copy, once they are known.
    pub copied: Option<f64>,
}

/// What is asked for, checked.
struct Asked {
    parts: Vec<&'static (&'static str, f64)>,
    subjects: Vec<&'static Subject>,
    seconds: f64,
}

impl Asked {
    fn of(args: &OfGpu) -> Result<Asked> {
        let parts = chosen("part", &PARTS, |part| part.0, &args.parts)?;
        let subjects = chosen("op", SUBJECTS, |subject| subject.name, &args.ops)?;
        if matches!(args.device.as_str(), "cpu" | "auto") {
            let error = Error::caller(format!("device '{}': bench gpu measures a GPU", args.device));
            return Err(error.hint("--device gpu, or part of an adapter's name; stackmill doctor lists them"));
        }
        args.size.iter().try_for_each(|size| ops::fits(&size.0))?;
        args.stream.map_or(Ok(()), stream::fits)?;
        Ok(Asked { parts, subjects, seconds: args.seconds })
    }

    fn wants(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part.0 == name)
    }

    /// The share of the time of a part, if it is asked for.
    fn limit(&self, name: &str) -> Option<Duration> {
        let all: f64 = self.parts.iter().map(|part| part.1).sum();
        let own = self.parts.iter().find(|part| part.0 == name)?.1;
        Some(Duration::from_secs_f64(self.seconds * own / all.max(1e-9)))
    }
}

/// Measures and tells what is asked for.
///
/// # Errors
/// Arguments that cannot be followed, no such device, one that fails, wrong answers.
pub fn measure(args: &OfGpu) -> Result<()> {
    let asked = Asked::of(args)?;
    let bench = Bench::open(&args.device)?;
    let facts = bench.facts();
    let threads = args.threads.unwrap_or_else(crate::os::cores);
    let mut report = Report::begin(args.json.as_deref(), args.markdown.as_deref())?;
    report.of(raw::adapter(&facts, threads));
    let pool = pool(threads)?;
    let mut setting = Setting { means: Means { adapter: facts.name.clone(), threads }, pool: &pool, copied: None };
    if asked.wants("header") {
        raw::header(&facts, threads, &mut report)?;
    }
    if let Some(limit) = asked.limit("copy") {
        let copied = raw::copy(&bench, limit, &mut report);
        setting.copied = report.heed("copy", copied).flatten();
    } else if asked.wants("ops") {
        setting.copied = bench.copy(SMALL, SHORTLY).ok().map(|copied| copied.bytes_a_second());
    }
    if let Some(limit) = asked.limit("dispatch") {
        let done = raw::dispatch(&bench, limit, &mut report);
        report.heed("dispatch", done);
    }
    if asked.wants("compile") {
        let done = raw::compile(&bench, &setting, &asked.subjects, &mut report);
        report.heed("compile", done);
    }
    let fastest = asked.limit("transfer").and_then(|limit| {
        let found = raw::transfer(&bench, threads, limit, &mut report);
        report.heed("transfer", found)
    });
    if let Some(limit) = asked.limit("ops") {
        let size = args.size.as_ref().map(|size| &size.0[..]);
        let done = ops::measure(&setting, &asked.subjects, size, limit, &mut report);
        report.heed("ops", done);
    }
    if let Some(limit) = asked.limit("stream") {
        let done = stream::measure(&setting, (args.stream, args.trace.as_deref()), fastest, limit, &mut report);
        report.heed("stream", done);
    }
    report.end()
}
