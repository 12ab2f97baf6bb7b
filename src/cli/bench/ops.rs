//! The table of ops: each on the GPU by its own clock, on all threads of the CPU by the wall's, and whether their answers agree.
//! It does not know the ops: it is given pipelines.

use super::data::{BELOW, noise};
use super::gpu::Setting;
use super::judge::{Verdict, bound, judge};
use super::played::{Prepared, median};
use super::report::{Report, progress};
use super::subjects::Subject;
use super::table::{digits, digits_or_none, table};
use crate::dtype::Dtype;
use crate::error::{Error, Result, bytes_text};
use crate::grid::Dims;
use crate::plan::Traffic;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Extents from what any driver does at once to what fills a large GPU; each has eight times the elements of the one before.
const RUNGS: [[usize; 3]; 4] = [[4, 128, 256], [8, 256, 512], [8, 1024, 1024], [16, 2048, 2048]];
/// Where extents are chosen, this many times the seconds of a first run must be left: that run, and some that count.
const RUNS: f64 = 2.5;
/// Runs of which the median is taken.
const REPEATS: usize = 15;
/// The largest array that is made: with it, what ops make, and as much again is held.
const HELD: u64 = 8;

/// What was found of one op.
struct Row {
    subject: &'static Subject,
    shape: Dims,
    traffic: Traffic,
    /// Bytes of what is read and of what is made, once each.
    ideal_bytes: u64,
    kernel_seconds: Option<f64>,
    gpu_seconds: f64,
    cpu_seconds: f64,
    runs: [usize; 2],
    verdict: Verdict,
    on_the_cpu: Option<String>,
}

/// Measures and tells the ops.
///
/// # Errors
/// What stops a run; an array that memory does not hold.
pub fn measure(
    setting: &Setting<'_>,
    subjects: &[&'static Subject],
    size: Option<&[usize]>,
    limit: Duration,
    report: &mut Report,
) -> Result<()> {
    let begun = Instant::now();
    let shape = match size {
        Some(size) => Dims::from(size),
        None => climbed(setting, subjects, limit),
    };
    let count = subjects.len();
    let mut rows = Vec::new();
    for (k, &subject) in subjects.iter().enumerate() {
        let left = limit.saturating_sub(begun.elapsed()) / u32::try_from(count - k).unwrap_or(1);
        progress(&format!("ops: {} of {shape} ({} of {count})", subject.name, k + 1));
        let Some(row) = report.heed(subject.name, row(setting, subject, shape, left)) else { continue };
        if row.verdict.is_wrong() {
            report.wrong(format!("{} of {shape}: {}", subject.name, row.verdict));
        }
        rows.push(row);
    }
    let figures: Vec<Value> = rows.iter().map(|row| figures(row, setting.copied)).collect();
    report.tell("ops", &told(&rows, setting), Some(Value::Array(figures)))
}

/// Whether memory holds an array of these extents and what is made of it.
///
/// # Errors
/// It does not.
pub fn fits(size: &[usize]) -> Result<()> {
    let elements = size.iter().try_fold(1u64, |n, d| n.checked_mul(*d as u64));
    let (available, needed) = (crate::os::available_bytes().unwrap_or(u64::MAX), elements.and_then(|n| n.checked_mul(HELD)));
    match needed {
        Some(needed) if needed <= available => Ok(()),
        _ => {
            let needed = needed.map_or("more than can be counted".to_owned(), bytes_text);
            let what = format!("--size {size:?} needs about {needed} of memory, {} are free", bytes_text(available));
            Err(Error::caller(what).hint("give smaller extents: --size 8,1024,1024"))
        }
    }
}

/// The largest extents that leave time for some runs; what fails there fails again where it is told.
fn climbed(setting: &Setting<'_>, subjects: &[&'static Subject], limit: Duration) -> Dims {
    let begun = Instant::now();
    let mut chosen = Dims::from(RUNGS[0]);
    for (k, rung) in RUNGS.iter().enumerate() {
        chosen = Dims::from(*rung);
        let Some(next) = RUNGS.get(k + 1) else { break };
        progress(&format!("ops: a first run of {chosen}, to choose extents"));
        let mut seconds = 0.0;
        for subject in subjects {
            let once = Instant::now();
            if row(setting, subject, chosen, Duration::ZERO).is_err() {
                return chosen;
            }
            seconds += once.elapsed().as_secs_f64();
        }
        let more = next.iter().product::<usize>() as f64 / chosen.count() as f64;
        let left = limit.saturating_sub(begun.elapsed()).as_secs_f64();
        if seconds * more * RUNS > left || fits(next).is_err() {
            break;
        }
    }
    chosen
}

fn row(setting: &Setting<'_>, subject: &'static Subject, shape: Dims, limit: Duration) -> Result<Row> {
    let input = setting.pool.install(|| noise(subject.dtype, shape))?;
    let array = subject.of(&input)?;
    let made = array.info()?.clone();
    let begun = Instant::now();
    let cpu = Prepared::on_cpu(&array, &setting.means, None)?;
    let (cpu_seconds, cpu_runs) = timed(&cpu, limit / 3)?;
    let gpu = Prepared::on_gpu(&array, &setting.means, None)?;
    let wanted = cpu.answer()?;
    gpu.play(None)?;
    let scale = if subject.dtype == Dtype::F32 { 1.0 } else { BELOW };
    let verdict = judge(&wanted, &gpu.answer()?, bound(gpu.is_exact(), made.dtype.is_float(), subject.agreement()?, scale))?;
    drop(wanted);
    let (kernel_seconds, gpu_seconds, gpu_runs) = timed_by_the_device(&gpu, limit.saturating_sub(begun.elapsed()))?;
    let ideal_bytes = shape.count() as u64 * subject.dtype.size() as u64 + made.bytes();
    let (traffic, on_the_cpu) = (gpu.traffic()?, gpu.on_the_cpu());
    let runs = [gpu_runs, cpu_runs];
    Ok(Row { subject, shape, traffic, ideal_bytes, kernel_seconds, gpu_seconds, cpu_seconds, runs, verdict, on_the_cpu })
}

/// Seconds of a run on the CPU; a first one does not count where there is time for others.
fn timed(cpu: &Prepared, limit: Duration) -> Result<(f64, usize)> {
    let begun = Instant::now();
    let first = cpu.play(None)?.summary.seconds;
    let mut found = Vec::new();
    while found.len() < REPEATS && begun.elapsed() < limit {
        found.push(cpu.play(None)?.summary.seconds);
    }
    let runs = found.len().max(1);
    Ok((if found.is_empty() { first } else { median(found)? }, runs))
}

/// Seconds of the kernels and of the whole of a run on the GPU, which has run once before.
fn timed_by_the_device(gpu: &Prepared, limit: Duration) -> Result<(Option<f64>, f64, usize)> {
    let begun = Instant::now();
    let (mut kernels, mut whole) = (Vec::new(), Vec::new());
    while whole.is_empty() || whole.len() < REPEATS && begun.elapsed() < limit {
        let played = gpu.play(None)?;
        kernels.extend(played.kernels);
        whole.push(played.summary.seconds);
    }
    let runs = whole.len();
    Ok((if kernels.is_empty() { None } else { Some(median(kernels)?) }, median(whole)?, runs))
}

impl Row {
    fn pixels(&self) -> f64 {
        self.shape.count() as f64
    }

    fn gpu_rate(&self) -> Option<f64> {
        self.kernel_seconds.map(|seconds| self.pixels() / seconds.max(1e-12) * 1e-9)
    }

    fn cpu_rate(&self) -> f64 {
        self.pixels() / self.cpu_seconds.max(1e-12) * 1e-9
    }

    fn bytes_a_pixel(&self) -> f64 {
        self.traffic.kernel_bytes() as f64 / self.pixels()
    }

    /// The share of the device's own copy: what moving input and output once would take, of what was taken.
    fn rho(&self, copied: Option<f64>) -> Option<f64> {
        Some(self.ideal_bytes as f64 / self.kernel_seconds?.max(1e-12) / copied?)
    }

    fn verdict(&self) -> String {
        match &self.on_the_cpu {
            Some(why) => format!("{}; on the CPU: {why}", self.verdict),
            None => self.verdict.to_string(),
        }
    }
}

fn figures(row: &Row, copied: Option<f64>) -> Value {
    let speed_up = row.gpu_rate().map(|rate| rate / row.cpu_rate());
    json!({
        "op": row.subject.name, "pipeline": row.subject.text, "dtype": row.subject.dtype.name(), "shape": row.shape.to_vec(),
        "dispatches": row.traffic.dispatches, "bytes_px": row.bytes_a_pixel(), "ideal_bytes_px": row.ideal_bytes as f64 / row.pixels(),
        "device_ms": row.kernel_seconds.map(|s| s * 1e3), "gpx_s": row.gpu_rate(), "rho": row.rho(copied),
        "gpu_run_ms": row.gpu_seconds * 1e3, "cpu_run_ms": row.cpu_seconds * 1e3, "cpu_gpx_s": row.cpu_rate(), "speed_up": speed_up,
        "gpu_runs": row.runs[0], "cpu_runs": row.runs[1], "verdict": row.verdict(), "is_wrong": row.verdict.is_wrong(),
    })
}

const HEAD: [&str; 12] = [
    "op",
    "dtype",
    "dispatches",
    "B/px",
    "kernels ms",
    "Gpx/s",
    "rho",
    "whole run ms",
    "CPU Gpx/s",
    "speed-up",
    "runs",
    "answer",
];

fn told(rows: &[Row], setting: &Setting<'_>) -> String {
    let line = |row: &Row| {
        let speed_up = row.gpu_rate().map(|rate| rate / row.cpu_rate());
        vec![
            row.subject.name.to_owned(),
            row.subject.dtype.name().to_owned(),
            row.traffic.dispatches.to_string(),
            digits(row.bytes_a_pixel()),
            digits_or_none(row.kernel_seconds.map(|s| s * 1e3)),
            digits_or_none(row.gpu_rate()),
            digits_or_none(row.rho(setting.copied)),
            digits(row.gpu_seconds * 1e3),
            digits(row.cpu_rate()),
            digits_or_none(speed_up),
            format!("{}, {}", row.runs[0], row.runs[1]),
            row.verdict(),
        ]
    };
    let shape = rows.first().map(|row| row.shape.to_string()).unwrap_or_default();
    let threads = setting.means.threads;
    let pipelines: String = rows.iter().map(|row| format!("* {}: `{}`\n", row.subject.name, row.subject.text)).collect();
    let clock =
        if rows.iter().all(|row| row.kernel_seconds.is_none()) { " The device has no clock: kernels are not timed." } else { "" };
    let copied = digits_or_none(setting.copied.map(|rate| rate * 1e-9));
    format!(
        "## Ops on {shape}\n\n\
         Kernels: the median by the device's own clock, transfers left out. B/px: bytes that kernels read and write for a pixel, counted\n\
         from the plan. rho: what copying input and output once would take, at the device's {copied} GB/s, of what the kernels took. Whole\n\
         run: from memory to memory, transfers included. CPU: whole runs on {threads} threads; speed-up: of kernels over it. Runs: of GPU,\n\
         of CPU.{clock}\n\n\
         {}\n{pipelines}",
        table(&HEAD, &rows.iter().map(line).collect::<Vec<_>>())
    )
}
