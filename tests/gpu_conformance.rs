//! The conformance matrix on a GPU: every op × dtype × edge × chunking, with trusted and with checked shaders. What is
//! exact has the CPU's bits; float work is within its op's bound of the slow meaning; no chunking changes a bit. A cell
//! that a GPU cannot run states why. Needs a Vulkan driver: without one it fails, it is never skipped.
//!
//! One cell alone: `STACKMILL_CELL=gaussian/u8/reflect cargo test --test gpu_conformance -- --nocapture`; another adapter:
//! `STACKMILL_GPU=nvidia`. A run takes a share of the cells; `STACKMILL_MATRIX=full` takes all, and with `BLESS=1` writes the
//! measured maxima into docs/ops.md.

#[path = "conformance/cases.rs"]
mod cases;
#[path = "conformance/cells.rs"]
mod cells;
#[path = "conformance/data.rs"]
#[allow(dead_code, reason = "the matrix of the CPU reads units too")]
mod data;
#[path = "conformance/derived.rs"]
mod derived;
#[path = "conformance/elementwise.rs"]
mod elementwise;
#[path = "conformance/oracle.rs"]
mod oracle;
#[path = "conformance/reductions.rs"]
mod reductions;
#[path = "conformance/windows.rs"]
mod windows;

use cases::{EMPTY, FLAT, SHAPE, cases};
use cells::{Cell, Sample};
use data::Values;
use oracle::{Case, Expected, agrees, expected, float, rounded, ulp};
use stackmill::device::gpu::numerics;
use stackmill::dtype::{Dtype, Number};
use stackmill::error::{Error, Family};
use stackmill::formats::memory::MemorySink;
use stackmill::graph::{Agreement, Array};
use stackmill::grid::Dims;
use stackmill::plan::Output;
use stackmill::session::{Options, Session};
use stackmill::tile::Tile;
use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;

/// Tiles per axis: one, ragged ones, ones below the halo.
const TILES: [Option<[usize; 3]>; 3] = [None, Some([3, 4, 5]), Some([2, 2, 3])];

fn device() -> String {
    std::env::var("STACKMILL_GPU").unwrap_or_else(|_| "llvmpipe".to_owned())
}

/// What one run made, and how a GPU took part in it.
struct Made {
    tile: Tile,
    /// Whether any step ran on the GPU.
    on_gpu: bool,
    /// Whether all of the GPU's steps have the CPU's bits.
    exact: bool,
    /// Why steps stayed on the CPU.
    reasons: Vec<String>,
}

fn run(array: &Array, device: &str, checked_shaders: bool, tile: Option<[usize; 3]>) -> Result<Made, Error> {
    let info = array.info()?.clone();
    let tile = tile.filter(|_| info.shape.len() == 3).map(|t| t.to_vec());
    let memory = Some(64 << 20);
    let options = Options { memory, threads: Some(2), tile, device: device.to_owned(), checked_shaders, ..Options::default() };
    let sink = Arc::new(MemorySink::new(info.clone()));
    let session = Session::new(vec![Output { array: array.clone(), sink: sink.clone() }], &options)?;
    let (mut on_gpu, mut exact, mut reasons) = (false, true, Vec::new());
    for pass in &session.plan().passes {
        match &pass.gpu {
            Some(gpu) => {
                on_gpu = true;
                exact &= gpu.sharing.exact;
                reasons.extend(gpu.sharing.refusals.iter().chain(&gpu.sharing.folds).flatten().cloned());
            }
            // The pass that writes a reduction's result computes nothing.
            None if pass.program.steps.is_empty() && pass.program.folds.is_empty() => {}
            None => reasons.extend(pass.on_cpu.clone()),
        }
    }
    let summary = session.run(&|_| Ok(()))?;
    let instead = summary.passes.iter().flat_map(|pass| &pass.notices).find(|notice| notice.contains("the CPU"));
    assert!(instead.is_none(), "planned for {device}: {instead:?}");
    Ok(Made { tile: Tile { dtype: info.dtype, shape: info.shape, data: sink.take()? }, on_gpu, exact, reasons })
}

fn applied(case: &Case) -> Array {
    let inputs: Vec<Array> = case.inputs.iter().map(Values::lent).collect();
    let args = case.op.args(Vec::new(), case.args.clone()).unwrap_or_else(|e| panic!("{}: {e}", case.words()));
    case.op.apply(&inputs, args, Location::caller())
}

/// NaN has many bits; all of them are one result.
fn same(a: &Tile, b: &Tile) -> Result<(), String> {
    if a.dtype != b.dtype || a.shape != b.shape {
        return Err(format!("{} {} and {} {}", a.dtype, a.shape, b.dtype, b.shape));
    }
    let size = a.dtype.size();
    for (k, (x, y)) in a.data.bytes().chunks_exact(size).zip(b.data.bytes().chunks_exact(size)).enumerate() {
        let numbers = || (stackmill::dtype::get(a.dtype, x), stackmill::dtype::get(b.dtype, y));
        if x != y && !(float(numbers().0).is_nan() && float(numbers().1).is_nan()) {
            let (x, y) = numbers();
            return Err(format!("at {}: {x} and {y}", a.shape.index_of(k)));
        }
    }
    Ok(())
}

/// A device may flush denormals: a distance below the least normal number is none.
fn is_flushed(wanted: &Expected, k: usize, found: f64) -> bool {
    let least = match wanted.dtype {
        Dtype::F32 => f64::from(f32::MIN_POSITIVE),
        _ => return false,
    };
    (found - float(wanted.numbers[k])).abs() < least
}

/// What a case means where denormal inputs are zeros; none where the device keeps them.
fn without_denormals(case: &Case) -> Option<Expected> {
    let keeps = numerics(&device()).unwrap_or_else(|e| panic!("{}: {e}", device())).keeps_denormals;
    let zero = |v: &Number| match v {
        Number::Float(v) if v.abs() < f64::from(f32::MIN_POSITIVE) => Number::Float(0f64.copysign(*v)),
        other => *other,
    };
    let flushed = |values: &Values| match values.dtype {
        Dtype::F32 => Values { numbers: values.numbers.iter().map(zero).collect(), ..values.clone() },
        _ => values.clone(),
    };
    let case = Case { inputs: case.inputs.iter().map(flushed).collect(), args: case.args.clone(), ..*case };
    (!keeps).then(|| expected(&case)).flatten()
}

/// Float work that ends in an integer differs by 1 only where the exact value lies within the work's bound of a tie.
fn is_near_a_tie(wanted: &Expected, k: usize, found: f64, declared: Agreement) -> bool {
    let Agreement::Ulp(n) = declared else { return false };
    let (low, high) = wanted.dtype.limits();
    let exact = float(wanted.numbers[k]).clamp(low as f64, high as f64);
    !wanted.dtype.is_float() && (found - exact).abs() <= 0.5 + f64::from(n) * ulp(Dtype::F32, wanted.scales[k].max(exact.abs()))
}

/// The largest distance from the meaning in ulps of the neighbourhood, or the first element that is too far.
fn judged(case: &Case, tile: &Tile) -> Result<f64, String> {
    let wanted = expected(case).ok_or("no oracle")?;
    let found = Values::of_bytes(tile.dtype, &tile.shape, tile.data.bytes());
    // What is exact on the CPU is float arithmetic here: it rounds once, and a device may round otherwise.
    let declared = if case.op.agreement == Agreement::Exact { Agreement::Ulp(1) } else { case.op.agreement };
    let flushed = without_denormals(case);
    let is_right_of_zeros = |k: usize, number: Number| {
        flushed.as_ref().is_some_and(|f| agrees(f, k, number, declared).is_ok() || is_flushed(f, k, float(number)))
    };
    let mut worst: f64 = 0.0;
    for (k, number) in found.numbers.iter().enumerate() {
        let (exact, got) = (float(wanted.numbers[k]), float(*number));
        if let Err(why) = agrees(&wanted, k, *number, declared)
            && !is_flushed(&wanted, k, got)
            && !is_right_of_zeros(k, *number)
            && !is_near_a_tie(&wanted, k, got, declared)
        {
            let index = Dims::from(&wanted.shape[..]).index_of(k);
            let read: Vec<String> = case.inputs.iter().filter_map(|i| i.numbers.get(k)).map(ToString::to_string).collect();
            return Err(format!("at {index}: got {number}, exact {exact} ({why}; inputs there: {})", read.join(", ")));
        }
        let near = float(rounded(wanted.numbers[k], wanted.dtype));
        if got.is_finite() && near.is_finite() && got != near && wanted.dtype.is_float() {
            worst = worst.max((got - exact).abs() / ulp(wanted.dtype, wanted.scales[k].max(near.abs())));
        }
    }
    Ok(worst)
}

/// What cells say.
#[derive(Default)]
struct Verdict {
    /// Cases that ran at least one step on the GPU, and all.
    on_gpu: usize,
    all: usize,
    reasons: BTreeMap<String, usize>,
    worst: f64,
    refused: Option<String>,
}

fn run_case(case: &Case, cell: &mut Verdict) -> Result<(), String> {
    let array = applied(case);
    let cpu = match run(&array, "cpu", false, None) {
        Ok(cpu) => cpu,
        Err(error) if error.family() == Family::Caller => {
            cell.refused = Some(error.what().to_owned());
            return Ok(());
        }
        Err(error) => return Err(format!("{} on the CPU: {error}", case.words())),
    };
    cell.all += 1;
    let mut first: Option<Tile> = None;
    for (checked, tile) in [false, true].into_iter().flat_map(|c| TILES.into_iter().map(move |t| (c, t))) {
        let words = || format!("{} [{} shaders, tile {tile:?}]", case.words(), if checked { "checked" } else { "trusted" });
        let made = run(&array, &device(), checked, tile).map_err(|e| format!("{}: {e}", words()))?;
        made.reasons.iter().for_each(|why| *cell.reasons.entry(why.clone()).or_default() += 1);
        if !made.on_gpu {
            return same(&cpu.tile, &made.tile).map_err(|why| format!("{}: {why}", words()));
        }
        cell.on_gpu += usize::from(first.is_none());
        match &first {
            Some(first) => same(first, &made.tile).map_err(|why| format!("{}: another tiling: {why}", words()))?,
            None if made.exact => same(&cpu.tile, &made.tile).map_err(|why| format!("{}: the CPU says {why}", words()))?,
            None => cell.worst = cell.worst.max(judged(case, &made.tile).map_err(|why| format!("{}: {why}", words()))?),
        }
        first.get_or_insert(made.tile);
    }
    Ok(())
}

fn run_cell(cell: &Cell) -> Result<Verdict, String> {
    let mut verdict = Verdict::default();
    for shape in [SHAPE, FLAT, EMPTY] {
        for case in cases(cell.op, cell.dtype, cell.edge, &shape) {
            run_case(&case, &mut verdict)
                .map_err(|why| format!("{why}\n  STACKMILL_CELL={cell} cargo test --test gpu_conformance"))?;
        }
    }
    Ok(verdict)
}

/// One line of the matrix: an op at a dtype, over the edges that ran.
fn words(row: &[(Cell, Result<Verdict, String>)], failures: &mut Vec<String>) -> String {
    let mut total = Verdict::default();
    for (_, result) in row {
        match result {
            Ok(cell) => {
                (total.on_gpu, total.all) = (total.on_gpu + cell.on_gpu, total.all + cell.all);
                total.worst = total.worst.max(cell.worst);
                total.refused = total.refused.or_else(|| cell.refused.clone());
                total.reasons.extend(cell.reasons.clone());
            }
            Err(why) => failures.push(why.clone()),
        }
    }
    let reasons: Vec<&str> = total.reasons.keys().map(String::as_str).collect();
    match (&total.refused, total.on_gpu, total.all) {
        (Some(why), 0, 0) => format!("refused: {why}"),
        (_, 0, 0) => "FAILED".to_owned(),
        (_, 0, _) if reasons.is_empty() => {
            failures.push(format!("{}: nothing ran on the GPU and nobody says why", row[0].0));
            "HOLE".to_owned()
        }
        (_, 0, _) => format!("CPU: {}", reasons.join("; ")),
        (_, _, _) => {
            let bits = if total.worst == 0.0 { "exact".to_owned() } else { format!("within {:.2} ulp", total.worst) };
            let parts = if reasons.is_empty() { String::new() } else { format!("; parts on the CPU: {}", reasons.join("; ")) };
            format!("GPU, {bits}{parts}")
        }
    }
}

const HEAD: &str = "# Ops on a GPU\n\n\
    Measured by `STACKMILL_MATRIX=full BLESS=1 cargo test --test gpu_conformance` on llvmpipe (Mesa 22.3.6), trusted and checked shaders alike,\n\
    over every edge, parameter set and tiling of the conformance matrix. `exact`: the CPU's bits (integers, order,\n\
    comparisons) or the rounded exact value. Otherwise the largest distance from the meaning in f64, in ulps of the largest\n\
    number that went into the element; the promised bound is the op's (`stackmill ops NAME`).\n\n\
    On every device: divide, floor_divide, remainder, sqrt, floor, ceil, rint, casts of floats, comparisons, min, max,\n\
    order and moves of floats have the CPU's bits, denormals included; integers make them. Sums, products, weighted windows and\n\
    elementary functions are the device's own arithmetic: where `stackmill doctor` says that it flushes denormals, those are zeros in\n\
    them, as numbers that go in and as results.\n\n\
    | op | dtype | where, and how near |\n| --- | --- | --- |\n";

#[test]
fn every_op_means_the_same_on_a_gpu() {
    let bless = std::env::var_os("BLESS").is_some();
    assert!(!bless || cells::sample() == Sample::Full, "docs/ops.md tells of all cells: BLESS=1 needs STACKMILL_MATRIX=full");
    let verdicts = cells::run_each(&cells::chosen(), run_cell);
    let (mut failures, mut lines) = (Vec::new(), String::new());
    for row in verdicts.chunk_by(|(a, _), (b, _)| a.op.name == b.op.name && a.dtype == b.dtype) {
        let (op, dtype, words) = (row[0].0.op.name, row[0].0.dtype, words(row, &mut failures));
        println!("{op:16} {:4}  {words}", dtype.name());
        lines += &format!("| {op} | {dtype} | {words} |\n");
    }
    assert!(failures.is_empty(), "{} cells fail:\n\n{}", failures.len(), failures.join("\n\n"));
    if bless {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ops.md"), HEAD.to_owned() + &lines).expect("docs/ops.md");
    }
}
