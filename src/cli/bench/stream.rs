//! A stack that is streamed from memory to memory, through the GPU and by all threads of the CPU: how fast, what each lane did
//! meanwhile, and how near that is to what the computer could do.
//! It does not know how transfers were measured.

use super::super::trace::Trace;
use super::data::{BELOW, noise};
use super::gpu::Setting;
use super::judge::{Verdict, bound, judge};
use super::played::{Played, Prepared};
use super::raw::Fastest;
use super::report::{Report, progress};
use super::subjects::STREAM;
use super::table::{digits, digits_or_none, table};
use crate::dtype::Dtype;
use crate::error::{Error, Result, bytes_text};
use crate::grid::Dims;
use crate::run::{Lane, Summary};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::Duration;

/// The most that is streamed where nobody said how much.
const MOST: u64 = 2 << 30;
/// What is streamed first, to know how much the time allows.
const PILOT: u64 = 4 << 20;
/// The share of the time that is planned for: the rest is for what goes on more slowly with more.
const PLANNED: f64 = 0.7;
/// Planes have as many rows and columns where the stack has at least so many bytes.
const PLANES: [(u64, usize); 3] = [(128 << 20, 2048), (2 << 20, 1024), (0, 256)];
/// The most memory that a run may take for tiles.
const TILES: u64 = 4 << 30;

/// One run through the GPU and what was counted.
struct Through {
    played: Played,
    bytes: u64,
    spent: [f64; 3],
    vram: [u64; 3],
}

/// What the computer could do at most, in bytes of the stack a second; none where it was not measured.
#[derive(Clone, Copy)]
struct Limits {
    transfers: Option<f64>,
    kernels: Option<f64>,
    host: Option<f64>,
}

impl Limits {
    fn least(self) -> Option<(f64, &'static str)> {
        let all = [(self.transfers, "transfers"), (self.kernels, "kernels"), (self.host, "host copies")];
        all.into_iter().filter_map(|(rate, name)| Some((rate?, name))).min_by(|a, b| a.0.total_cmp(&b.0))
    }
}

/// Measures and tells the stream.
///
/// # Errors
/// What stops a run.
pub fn measure(
    setting: &Setting<'_>,
    (asked, trace): (Option<u64>, Option<&Path>),
    fastest: Option<Fastest>,
    limit: Duration,
    report: &mut Report,
) -> Result<()> {
    let available = crate::os::available_bytes().unwrap_or(4 << 30);
    let bytes = match asked {
        Some(bytes) => bytes,
        None => affordable(setting, (available / 4).min(MOST), limit)?,
    };
    let shape = shape_of(bytes);
    progress(&format!("stream: {} as {shape}", bytes_text(2 * shape.count() as u64)));
    let tiles = (available / 8).min(TILES);
    let (through, cpu, verdict) = both(setting, shape, tiles, trace)?;
    if verdict.is_wrong() {
        report.wrong(format!("the stream of {shape}: {verdict}"));
    }
    let rate = |seconds: f64| through.bytes as f64 / seconds.max(1e-9);
    let limits = Limits {
        transfers: fastest.map(|fastest| fastest.duplex),
        kernels: through.played.kernels.map(rate),
        // A byte is copied once on its way in and once on its way out.
        host: fastest.map(|fastest| fastest.host / 2.0),
    };
    let figures = figures(shape, &through, &cpu.summary, limits, &verdict);
    report.tell("stream", &told(shape, &through, &cpu.summary, limits, &verdict), Some(figures))
}

/// Whether memory holds a stack of so many bytes and what both devices make of it.
///
/// # Errors
/// It does not.
pub fn fits(bytes: u64) -> Result<()> {
    let available = crate::os::available_bytes().unwrap_or(u64::MAX);
    if bytes.saturating_mul(4) <= available {
        return Ok(());
    }
    let (asked, free) = (bytes_text(bytes), bytes_text(available));
    let what = format!("--stream {asked}: with both results and tiles that takes four times as much, {free} are free");
    Err(Error::caller(what).hint(format!("--stream {} at most", available / 4)))
}

/// Bytes that both devices get through in the time.
fn affordable(setting: &Setting<'_>, most: u64, limit: Duration) -> Result<u64> {
    progress("stream: a first run, to choose how much");
    let shape = shape_of(PILOT.min(most));
    // Kernels are compiled in the first of two.
    both(setting, shape, TILES / 16, None)?;
    let (through, cpu, _) = both(setting, shape, TILES / 16, None)?;
    let seconds = through.played.summary.seconds + cpu.summary.seconds;
    let affordable = PLANNED * limit.as_secs_f64() / seconds.max(1e-9) * through.bytes as f64;
    Ok((affordable as u64).clamp(PILOT.min(most), most))
}

fn shape_of(bytes: u64) -> Dims {
    let side = PLANES.iter().find(|(least, _)| bytes >= *least).map_or(256, |(_, side)| *side);
    let plane = 2 * (side * side) as u64;
    let planes = usize::try_from(bytes / plane).unwrap_or(usize::MAX).max(1);
    Dims::from([planes, side, side])
}

/// The stack through the GPU, then by the CPU, and whether they agree.
fn both(setting: &Setting<'_>, shape: Dims, tiles: u64, trace: Option<&Path>) -> Result<(Through, Played, Verdict)> {
    let input = setting.pool.install(|| noise(Dtype::U16, shape))?;
    let array = STREAM.of(&input)?;
    let bytes = array.info()?.bytes();
    let memory = Some(bytes + tiles);
    let gpu = Prepared::on_gpu(&array, &setting.means, memory)?;
    let trace = trace.map(Trace::create).transpose()?;
    let played = gpu.play(trace.as_ref())?;
    trace.map_or(Ok(()), |trace| trace.end())?;
    let found = gpu.answer()?;
    let predicted =
        gpu.plan().passes.iter().filter_map(|pass| pass.gpu.as_ref()).map(|gpu| gpu.block_bytes * gpu.slots as u64).max();
    let (spent, vram) = gpu.gpu().map_or(([0.0; 3], [0; 3]), |gpu| {
        (gpu.spent_seconds(), [predicted.unwrap_or(0), gpu.peak_bytes(), gpu.counted_peak_bytes()])
    });
    let exact = gpu.is_exact();
    drop(gpu);
    let cpu = Prepared::on_cpu(&array, &setting.means, memory)?;
    let of_cpu = cpu.play(None)?;
    let verdict = judge(&cpu.answer()?, &found, bound(exact, false, STREAM.agreement()?, BELOW).of_a_difference())?;
    Ok((Through { played, bytes, spent, vram }, of_cpu, verdict))
}

/// Seconds that a lane's threads were busy, taken together.
fn busy(summary: &Summary, lane: Lane) -> f64 {
    let place = Lane::ALL.iter().position(|l| *l == lane).unwrap_or(0);
    summary.passes.iter().map(|pass| pass.busy_seconds[place]).sum()
}

fn figures(shape: Dims, through: &Through, cpu: &Summary, limits: Limits, verdict: &Verdict) -> Value {
    let gb = |seconds: f64| through.bytes as f64 / seconds.max(1e-9) * 1e-9;
    let gpu = &through.played.summary;
    let lanes = |summary: &Summary| -> Map<String, Value> {
        Lane::ALL.iter().map(|lane| (format!("{}_s", lane.name()), json!(busy(summary, *lane)))).collect()
    };
    let [fill, wait, empty] = through.spent;
    let least = limits.least();
    let in_gb = |rate: Option<f64>| rate.map(|rate| rate * 1e-9);
    json!({
        "pipeline": STREAM.text, "dtype": "u16", "shape": shape.to_vec(), "bytes_in": through.bytes, "bytes_out": through.bytes,
        "gpu": {
            "seconds": gpu.seconds, "in_gb_s": gb(gpu.seconds), "out_gb_s": gb(gpu.seconds), "lanes": lanes(gpu),
            "device_threads": gpu.launchers(), "fill_s": fill, "wait_s": wait, "empty_s": empty, "kernels_s": through.played.kernels,
            "device_share": gpu.device_share(), "vram_predicted_bytes": through.vram[0], "vram_counted_bytes": through.vram[1],
            "vram_library_bytes": through.vram[2],
        },
        "cpu": {"seconds": cpu.seconds, "in_gb_s": gb(cpu.seconds), "out_gb_s": gb(cpu.seconds), "threads": cpu.threads, "lanes": lanes(cpu)},
        "limits": {
            "transfers_gb_s": in_gb(limits.transfers), "kernels_gb_s": in_gb(limits.kernels), "host_copies_gb_s": in_gb(limits.host),
            "least": least.map(|(_, name)| name), "least_gb_s": in_gb(least.map(|(rate, _)| rate)),
        },
        "share_of_least": least.map(|(rate, _)| gb(gpu.seconds) * 1e9 / rate), "speed_up": cpu.seconds / gpu.seconds.max(1e-9),
        "verdict": verdict.to_string(), "is_wrong": verdict.is_wrong(),
    })
}

fn told(shape: Dims, through: &Through, cpu: &Summary, limits: Limits, verdict: &Verdict) -> String {
    let gpu = &through.played.summary;
    let gb = |seconds: f64| digits(through.bytes as f64 / seconds.max(1e-9) * 1e-9);
    let row = |name: String, summary: &Summary| {
        let lanes = Lane::ALL.iter().map(|lane| digits(busy(summary, *lane)));
        [name, digits(summary.seconds), gb(summary.seconds), gb(summary.seconds)].into_iter().chain(lanes).collect::<Vec<_>>()
    };
    let rows =
        [row(format!("GPU, {} threads of its own", gpu.launchers()), gpu), row(format!("CPU, {} threads", cpu.threads), cpu)];
    let head = ["by", "seconds", "GB/s in", "GB/s out", "read s", "decode s", "compute s", "encode s", "write s"];
    let [fill, wait, empty] = through.spent;
    let rest = (busy(gpu, Lane::Compute) - fill - wait - empty).max(0.0);
    let spent = [vec![digits(fill), digits(wait), digits(empty), digits(rest), digits_or_none(through.played.kernels)]];
    let [predicted, counted, library] = through.vram.map(bytes_text);
    format!(
        "## Stream: {} of u16, {shape}, from memory to memory\n\n`{}`; seconds of a lane: of its threads, taken together.\n\n{}\n\
         What the threads of the GPU did, in seconds:\n\n{}\n{}\n* speed-up over the CPU: {}\n\
         * VRAM: {predicted} predicted, {counted} held at most, {library} by the graphics library's count\n* answer: {verdict}\n",
        bytes_text(through.bytes),
        STREAM.text,
        table(&head, &rows),
        table(&["fill", "wait for it", "empty", "the rest: queue, record, send", "its kernels, by its clock"], &spent),
        limits_words(through, limits),
        digits(cpu.seconds / gpu.seconds.max(1e-9)),
    )
}

fn limits_words(through: &Through, limits: Limits) -> String {
    let gb = |rate: Option<f64>| rate.map_or("not measured".to_owned(), |rate| format!("{} GB/s", digits(rate * 1e-9)));
    let reached = through.bytes as f64 / through.played.summary.seconds.max(1e-9);
    let share = limits.least().map_or("unknown".to_owned(), |(rate, name)| format!("{:.0} % ({name})", 100.0 * reached / rate));
    format!(
        "* each way at most: transfers both ways {}, kernels {}, host copies {}\n* share of the least of these: {share}",
        gb(limits.transfers),
        gb(limits.kernels),
        gb(limits.host)
    )
}
