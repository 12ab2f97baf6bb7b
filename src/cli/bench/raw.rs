//! What the device does by itself, shown: header, copies, dispatches, compiling, transfers.
//! It does not know how they are measured.

use super::data::noise;
use super::gpu::Setting;
use super::played::Prepared;
use super::report::{Report, commit, progress};
use super::subjects::Subject;
use super::table::{digits, digits_or_none, table};
use crate::cli::doctor;
use crate::device::gpu::measure::{Bench, Copied, Facts, Mode, Moved, Text, Way};
use crate::error::{Error, Result, bytes_text};
use crate::grid::Dims;
use crate::run::threads::pool;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Buffers that are copied.
const COPIES: [u64; 3] = [64 << 20, 256 << 20, 1 << 30];
/// Threads that move data at once.
const THREADS: [usize; 4] = [1, 2, 4, 8];
/// Bytes of one transfer, where there is time, and where there is little.
const CHUNKS: [usize; 2] = [16 << 20, 4 << 20];
/// Below this a transfer is measured with small chunks.
const LITTLE: Duration = Duration::from_millis(150);
/// An array whose plan has all kernels of an op.
const PLANNED: [usize; 3] = [4, 128, 256];

/// What is known of the device, for a program.
#[must_use]
pub fn adapter(facts: &Facts, threads: usize) -> Value {
    let heap =
        |heap: &crate::device::gpu::measure::Heap| json!({"bytes": heap.bytes, "is_local": heap.is_local, "types": heap.types});
    let limits: Map<String, Value> = facts.limits.iter().map(|(name, limit)| ((*name).to_owned(), json!(limit))).collect();
    json!({
        "name": facts.name, "kind": facts.kind, "backend": facts.backend, "driver": facts.driver, "limits": limits,
        "heaps": facts.heaps.iter().map(heap).collect::<Vec<_>>(), "transfer": facts.transfer,
        "numerics": facts.numerics, "timestamps": facts.tick_ns.is_some(), "tick_ns": facts.tick_ns,
        "cpu_threads": threads, "simd": doctor::simd(),
    })
}

/// Tells what the device says of itself.
///
/// # Errors
/// A full disk.
pub fn header(facts: &Facts, threads: usize, report: &mut Report) -> Result<()> {
    let limit = |name: &str| facts.limits.iter().find(|(known, _)| *known == name).map_or(0, |(_, limit)| *limit);
    let mut rows = vec![
        ["adapter", &format!("{} ({}, {})", facts.name, facts.kind, facts.backend)].map(str::to_owned).to_vec(),
        vec!["driver".to_owned(), facts.driver.clone()],
        vec!["stackmill".to_owned(), format!("{}, commit {}", env!("CARGO_PKG_VERSION"), commit())],
        vec![
            "buffers".to_owned(),
            format!(
                "{} at most, {} of it in a kernel",
                bytes_text(limit("max_buffer_bytes")),
                bytes_text(limit("max_binding_bytes"))
            ),
        ],
        vec![
            "kernels".to_owned(),
            format!(
                "{} arrays, {} invocations and {} of shared memory a workgroup, subgroups of {} to {}",
                limit("storage_buffers_a_kernel"),
                limit("invocations_a_workgroup"),
                bytes_text(limit("workgroup_memory_bytes")),
                limit("subgroup_least"),
                limit("subgroup_most")
            ),
        ],
    ];
    for heap in &facts.heaps {
        let whose = if heap.is_local { "the device's" } else { "the computer's" };
        rows.push(vec!["memory".to_owned(), format!("{}, {whose}: {}", bytes_text(heap.bytes), heap.types.join("; "))]);
    }
    if facts.heaps.is_empty() {
        rows.push(vec!["memory".to_owned(), format!("{} does not tell", facts.backend)]);
    }
    let transfer = match facts.transfer {
        "unified" => "unified: the CPU writes and reads the kernels' own buffers",
        _ => "ring: through mapped staging buffers and copies",
    };
    rows.push(vec!["transfers".to_owned(), transfer.to_owned()]);
    rows.push(vec!["numerics".to_owned(), facts.numerics.clone()]);
    let clock = facts
        .tick_ns
        .map_or("none: device times are the wall clock's".to_owned(), |ns| format!("timestamps of {} ns", digits(ns)));
    rows.push(vec!["clock".to_owned(), clock]);
    rows.push(vec!["CPU".to_owned(), format!("{threads} threads, {}", doctor::simd())]);
    report.tell("header", &format!("# stackmill bench gpu\n\n{}", table(&["what", "found"], &rows)), None)
}

/// Copies of the device's own memory; gives bytes a second of the fastest.
///
/// # Errors
/// A device that copies nothing of any size.
pub fn copy(bench: &Bench, limit: Duration, report: &mut Report) -> Result<Option<f64>> {
    let (mut rows, mut figures, mut best) = (Vec::new(), Vec::new(), None::<f64>);
    for bytes in COPIES {
        let size = bytes_text(bytes);
        progress(&format!("copy: {size}"));
        match copied(bench, bytes, best, limit / 3) {
            Ok(copied) => {
                let (driver, kernel) = (copied.by_driver * 1e-9, copied.by_kernel.map(|rate| rate * 1e-9));
                best = Some(best.unwrap_or(0.0).max(copied.bytes_a_second()));
                if !copied.is_right {
                    report.wrong(format!("a copy of {size} has other bytes than what was copied"));
                }
                figures.push(json!({"bytes": bytes, "gb_s": copied.bytes_a_second() * 1e-9, "driver_gb_s": driver,
                    "kernel_gb_s": kernel, "is_wrong": !copied.is_right}));
                rows.push(vec![
                    size,
                    digits(driver),
                    digits_or_none(kernel),
                    if copied.is_right { "equal" } else { "WRONG" }.to_owned(),
                ]);
            }
            Err(error) => {
                figures.push(json!({"bytes": bytes, "gb_s": null, "why_not": error.what()}));
                rows.push(vec![size, "-".to_owned(), "-".to_owned(), format!("not copied: {}", error.what())]);
            }
        }
    }
    let text = format!(
        "## Copy, from one buffer of the device to another\n\nGB/s (10^9 bytes): bytes read and bytes written, taken together.\nBy the driver's copy of a buffer, and by a kernel of 16 bytes a lane. The faster of the two is what kernels are held against.\n\n{}",
        table(&["buffer", "driver GB/s", "kernel GB/s", "answer"], &rows)
    );
    report.tell("copy", &text, Some(Value::Array(figures)))?;
    Ok(best)
}

/// Copies a buffer, unless that would take much longer than the time allows: three copies prepare what one or more measure.
fn copied(bench: &Bench, bytes: u64, best: Option<f64>, limit: Duration) -> Result<Copied> {
    let seconds = best.map_or(0.0, |rate| 4.0 * 2.0 * bytes as f64 / rate);
    if seconds > 3.0 * limit.as_secs_f64() {
        let what = format!("about {} s, for which --seconds leaves {}", digits(seconds), digits(limit.as_secs_f64()));
        return Err(Error::machine(what));
    }
    bench.copy(bytes, limit)
}

/// What asking costs.
///
/// # Errors
/// A device that fails.
pub fn dispatch(bench: &Bench, limit: Duration, report: &mut Report) -> Result<()> {
    progress("dispatch");
    let dispatched = bench.dispatch(limit / 2)?;
    let answered = bench.answer(limit / 2)?;
    if !dispatched.is_right {
        report.wrong("dispatches were lost or ran twice".to_owned());
    }
    let figures = json!({
        "independent_us": dispatched.independent * 1e6, "dependent_us": dispatched.dependent * 1e6,
        "recording_us": dispatched.recording * 1e6, "submit_to_mapped_us": answered.median * 1e6,
        "least_submit_to_mapped_us": answered.least * 1e6, "is_wrong": !dispatched.is_right,
    });
    let row = |what: &str, seconds: f64| vec![what.to_owned(), digits(seconds * 1e6)];
    let rows = [
        row("a dispatch, each on a buffer of its own", dispatched.independent),
        row("a dispatch that needs the one before", dispatched.dependent),
        row("recording one, on the CPU", dispatched.recording),
        row("from submitting one until its result is mapped, median", answered.median),
        row("the same, the shortest", answered.least),
    ];
    report.tell("dispatch", &format!("## Dispatches\n\n{}", table(&["what", "us"], &rows)), Some(figures))
}

/// Compiling the kernels of the ops.
///
/// # Errors
/// A kernel that does not compile.
pub fn compile(bench: &Bench, setting: &Setting<'_>, subjects: &[&'static Subject], report: &mut Report) -> Result<()> {
    let texts = texts(bench, setting, subjects)?;
    progress(&format!("compile: {} kernels", texts.len()));
    let kernels: Vec<Text> = texts.iter().map(|(_, text)| text.clone()).collect();
    let compiled = setting.pool.install(|| bench.compile(&kernels))?;
    let [cold, warm] = [0, 1].map(|k| compiled.each.iter().map(|seconds| seconds[k]).sum::<f64>());
    let of = |k: usize, (op, text): &(&str, Text)| {
        let [cold, warm] = compiled.each[k];
        json!({"op": op, "kernel": text.name, "cold_ms": cold * 1e3, "warm_ms": warm * 1e3})
    };
    let mut figures: Vec<Value> = texts.iter().enumerate().map(|(k, text)| of(k, text)).collect();
    let (all, parallel) = (texts.len(), compiled.parallel);
    figures.push(json!({
        "op": "all", "kernel": format!("{all} kernels"), "cold_ms": cold * 1e3, "warm_ms": warm * 1e3,
        "parallel_ms": parallel * 1e3, "threads": compiled.threads,
    }));
    let row = |op: &str, kernel: String, seconds: [f64; 2]| {
        vec![op.to_owned(), kernel, digits(seconds[0] * 1e3), digits(seconds[1] * 1e3)]
    };
    let mut rows: Vec<Vec<String>> =
        texts.iter().zip(&compiled.each).map(|((op, text), each)| row(op, text.name.clone(), *each)).collect();
    rows.push(row("all", format!("{all}, one after another"), [cold, warm]));
    rows.push(vec![
        "all".to_owned(),
        format!("{all} at once, {} threads", compiled.threads),
        digits(parallel * 1e3),
        "-".to_owned(),
    ]);
    let text = format!(
        "## Compiling, in ms\n\nCold: a kernel that this driver never saw. Warm: the same once more. A kernel stands beside the first op that has it.\n\n{}",
        table(&["op", "kernel", "cold", "warm"], &rows)
    );
    report.tell("compile", &text, Some(Value::Array(figures)))
}

fn texts(bench: &Bench, setting: &Setting<'_>, subjects: &[&'static Subject]) -> Result<Vec<(&'static str, Text)>> {
    let mut all: Vec<(&'static str, Text)> = Vec::new();
    for subject in subjects {
        let input = setting.pool.install(|| noise(subject.dtype, Dims::from(PLANNED)))?;
        let prepared = Prepared::on_gpu(&subject.of(&input)?, &setting.means, None)?;
        for text in bench.texts(prepared.plan())? {
            if !all.iter().any(|(_, known)| known.is_same(&text)) {
                all.push((subject.name, text));
            }
        }
    }
    Ok(all)
}

/// The fastest transfers, in bytes a second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fastest {
    /// Each way while both are taken.
    pub duplex: f64,
    /// Copies from one place of the CPU's memory to another.
    pub host: f64,
}

/// Transfers between CPU and device, by several threads.
///
/// # Errors
/// A device that fails.
pub fn transfer(bench: &Bench, threads: usize, limit: Duration, report: &mut Report) -> Result<Fastest> {
    let modes: &[(Mode, &str)] =
        if bench.is_unified() { &[(Mode::Ring, "ring"), (Mode::Unified, "unified")] } else { &[(Mode::Ring, "ring")] };
    let counts: Vec<usize> = THREADS.into_iter().filter(|n| *n <= threads).collect();
    let each = limit / u32::try_from(counts.len() * (3 * modes.len() + 1)).unwrap_or(1);
    let chunk = CHUNKS[usize::from(each < LITTLE)];
    let (mut rows, mut figures, mut fastest) = (Vec::new(), Vec::new(), Fastest::default());
    for count in counts {
        let pool = pool(count)?;
        for (mode, name) in modes {
            progress(&format!("transfer: {name}, {count} threads"));
            let moved = |way: Way| pool.install(|| bench.transfer(*mode, way, chunk, each));
            let [up, down, duplex] = [moved(Way::Up)?, moved(Way::Down)?, moved(Way::Duplex)?];
            fastest.duplex = fastest.duplex.max(duplex.up.min(duplex.down));
            if !duplex.is_right {
                report.wrong(format!("{count} threads, {name}: what came back is not what went to the device"));
            }
            figures.push(of_transfer(name, [up, down, duplex]));
            rows.push(line_of(name, [up, down, duplex]));
        }
        let copied = pool.install(|| host_copy(chunk, each));
        fastest.host = fastest.host.max(copied);
        figures.push(json!({"mode": "host copy", "threads": count, "copy_gb_s": copied * 1e-9}));
        rows.push(vec![
            "host copy".to_owned(),
            count.to_string(),
            digits(copied * 1e-9),
            "-".to_owned(),
            "-".to_owned(),
            "-".to_owned(),
        ]);
    }
    let text = format!(
        "## Transfers between the CPU's memory and the device's, in GB/s\n\n\
         Chunks of {}; a thread copies into and out of mapped memory, two chunks in turn. Both: each way while the other goes on.\n\
         Host copy: the same threads copy within the CPU's memory, bytes counted once.\n\n{}",
        bytes_text(chunk as u64),
        table(&["mode", "threads", "up", "down", "both: up", "both: down"], &rows)
    );
    report.tell("transfer", &text, Some(Value::Array(figures)))?;
    Ok(fastest)
}

fn of_transfer(mode: &str, [up, down, duplex]: [Moved; 3]) -> Value {
    json!({
        "mode": mode, "threads": up.threads, "up_gb_s": up.up * 1e-9, "down_gb_s": down.down * 1e-9,
        "duplex_up_gb_s": duplex.up * 1e-9, "duplex_down_gb_s": duplex.down * 1e-9, "is_wrong": !duplex.is_right,
    })
}

fn line_of(mode: &str, [up, down, duplex]: [Moved; 3]) -> Vec<String> {
    let rates = [up.up, down.down, duplex.up, duplex.down].map(|rate| digits(rate * 1e-9));
    [mode.to_owned(), up.threads.to_string()].into_iter().chain(rates).collect()
}

/// Bytes a second that the threads of this pool copy within memory.
fn host_copy(chunk: usize, limit: Duration) -> f64 {
    let copied = rayon::broadcast(|_| {
        let (from, mut to) = (vec![1u8; chunk], vec![0u8; chunk]);
        let (begun, mut rounds) = (Instant::now(), 0usize);
        while rounds < 2 || begun.elapsed() < limit {
            to.copy_from_slice(std::hint::black_box(&from));
            std::hint::black_box(&mut to);
            rounds += 1;
        }
        (rounds * chunk) as f64 / begun.elapsed().as_secs_f64().max(1e-9)
    });
    copied.into_iter().sum()
}
