//! A plan as text: passes, stages with their reach and why they joined, sweep, tiles, bytes, device.
//! It decides nothing; it reads the plan.

use super::program::{Program, Step};
use super::reach::reach_of;
use super::{Pass, Plan, Weighed};
use crate::error::bytes_text;
use crate::graph::Stage;
use std::fmt::Write;

/// Explains a plan. The same plan gives the same bytes.
#[must_use]
pub fn explain(plan: &Plan) -> String {
    let mut text = String::new();
    let passes = plan.passes.len();
    let line = format!(
        "plan: {passes} pass{} on {} ({}), {} threads, budget {}, predicted peak {}",
        if passes == 1 { "" } else { "es" },
        plan.placement.device,
        plan.placement.reason,
        plan.machine.threads,
        bytes_text(plan.machine.memory),
        bytes_text(plan.peak_bytes())
    );
    put(&mut text, 0, &line);
    plan.weighed.iter().for_each(|weighed| explain_weighed(&mut text, weighed));
    for (number, pass) in plan.passes.iter().enumerate() {
        explain_pass(&mut text, number, pass, plan);
    }
    text
}

/// Seconds as people say them: two digits at least.
fn time(seconds: f64) -> String {
    if seconds < 9.5 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") }
}

/// Whether arrays are stored between passes, and what the other way would take.
pub(super) fn explain_weighed(text: &mut String, weighed: &Weighed) {
    let Weighed { what, is_taken, with, without, why } = weighed;
    let line = match (is_taken, without) {
        (true, Some(without)) => format!("scratch: {what}: about {}, else {}; {why}", time(*with), time(*without)),
        (true, None) => format!("scratch: {what}: about {}; {why}", time(*with)),
        (false, _) => {
            let without = time(without.unwrap_or(f64::INFINITY));
            format!("scratch: none; with {what} it would take about {} instead of {without}", time(*with))
        }
    };
    put(text, 0, &line);
}

/// Writing to a string does not fail.
pub(super) fn put(text: &mut String, depth: usize, line: &str) {
    let _ = writeln!(text, "{:width$}{line}", "", width = 2 * depth);
}

fn explain_pass(text: &mut String, number: usize, pass: &Pass, plan: &Plan) {
    let program = &pass.program;
    put(text, 0, &format!("pass {}: domain {}", number + 1, program.domain));
    for input in &program.inputs {
        let info = &input.info;
        put(text, 1, &format!("read   {} {} {} {}", input.name, info.dtype, info.shape, info.letters()));
    }
    let stages = program.steps.iter().map(|s| s.stage_number + 1).max().unwrap_or(0);
    put(text, 1, &format!("group  {stages} stages, run one after another on each block of a tile"));
    explain_device(text, pass);
    let mut steps: Vec<(usize, &Step)> = program.steps.iter().enumerate().collect();
    steps.sort_by_key(|(_, step)| step.stage_number);
    steps.into_iter().for_each(|(k, step)| explain_step(text, program, k, step));
    for fold in &program.folds {
        let (words, folded, info) = (fold.fold.words(), program.name(fold.value), &fold.info);
        let whither = if fold.stored.is_some() { "in scratch" } else { "a late value" };
        put(text, 1, &format!("fold   {words} of {folded} -> {} {} ({whither}: later passes read it)", info.dtype, info.shape));
    }
    for sink in &program.sinks {
        let whither = match plan.stored.iter().find(|stored| stored.output == sink.output) {
            Some(stored) => format!("scratch in units of {}", stored.source.unit()),
            None => format!("output {}", sink.output + 1),
        };
        put(text, 1, &format!("write  {} to {whither}", program.name(sink.value)));
    }
    explain_sweep(text, pass);
}

/// Where the pass runs, where a GPU was asked for: its blocks, and each step that stays on the CPU with its reason.
fn explain_device(text: &mut String, pass: &Pass) {
    if let Some(why) = &pass.on_cpu {
        put(text, 1, &format!("device cpu: {why}"));
    }
    let Some(gpu) = &pass.gpu else { return };
    let bits = if gpu.sharing.exact { "the CPU's bits on any device" } else { "float work within its stated bound" };
    let (count, bytes) = (gpu.slots, bytes_text(gpu.block_bytes));
    let each = if gpu.gpus > 1 { format!(" on each of {} GPUs", gpu.gpus) } else { String::new() };
    put(text, 1, &format!("device gpu: blocks of {}, {count} in flight of {bytes} each{each}; {bits}", gpu.block));
    for (number, why) in gpu.sharing.refusals.iter().enumerate().filter_map(|(k, why)| why.as_ref().map(|w| (k, w))) {
        put(text, 2, &format!("s{number} on the CPU: {why}"));
    }
    for (fold, why) in pass.program.folds.iter().zip(&gpu.sharing.folds) {
        let how = match why {
            Some(why) => format!("on the CPU: {why}"),
            None => "on the GPU block by block; the CPU joins the blocks".to_owned(),
        };
        put(text, 2, &format!("{} {how}", fold.origin.op));
    }
}

fn explain_step(text: &mut String, program: &Program, number: usize, step: &Step) {
    let inputs: Vec<String> = step.inputs.iter().map(|v| program.name(*v)).collect();
    let rank = step.info.shape.len();
    let part = if step.origin.part.is_empty() { String::new() } else { format!(" ({})", step.origin.part) };
    let what = match &step.stage {
        Stage::Formula { formula, .. } => formula.words(&inputs, rank),
        Stage::Line { taps, edge, .. } => {
            format!("{} of {} taps, {} edge, of {}", line_words(taps), taps.len(), edge.name(), inputs.join(", "))
        }
        Stage::Window { window, edge, .. } => format!("{}, {} edge, of {}", window.words(), edge.name(), inputs.join(", ")),
        Stage::View(_) => format!("view of {}", inputs.join(", ")),
        Stage::Fold(fold) => fold.words(),
        Stage::Scan(scan) => format!("{} of {}", scan.words(), inputs.join(", ")),
        Stage::Tiles(tiles) => format!("{} of {}", tiles.words(), inputs.join(", ")),
    };
    put(text, 2, &format!("stage {} s{number} = {what}  [{}]", step.stage_number + 1, step.info.dtype));
    put(text, 4, &format!("{}{part}; {}; {}", step.origin.op, reach_words(step), step.why));
}

fn line_words(taps: &crate::graph::LineTaps) -> &'static str {
    match taps {
        crate::graph::LineTaps::Weights(_) => "weighted sum",
        crate::graph::LineTaps::Least(_) => "smallest",
        crate::graph::LineTaps::Greatest(_) => "largest",
    }
}

fn reach_words(step: &Step) -> String {
    if let Stage::Scan(scan) = &step.stage {
        return format!("reach: all of axis {}", scan.axis());
    }
    if let Stage::Tiles(tiles) = &step.stage {
        let reach =
            |walk: &crate::graph::Walk| walk.axis.map_or("all".to_owned(), |_| format!("-{}..+{}", walk.before, walk.after));
        return format!("reach: {}", tiles.walks(0).iter().map(reach).collect::<Vec<_>>().join(", "));
    }
    let axes = 0..step.info.shape.len();
    let reaches: Vec<(isize, isize)> = axes.map(|axis| reach_of(step, 0, axis)).collect();
    if reaches.iter().all(|r| *r == (0, 0)) {
        return "reach: its own place".to_owned();
    }
    let words: Vec<String> =
        reaches.iter().map(|(a, b)| if (a, b) == (&0, &0) { "0".to_owned() } else { format!("{a:+}..{b:+}") }).collect();
    format!("reach: [{}]", words.join(", "))
}

/// Blocks of the CPU, where it computes the pass.
fn blocks_words(pass: &Pass) -> String {
    match &pass.gpu {
        Some(_) => String::new(),
        None => format!(", blocks of {} in a worker's cache, {:.2} x recomputed for halos", pass.block, pass.costs.recompute),
    }
}

fn explain_sweep(text: &mut String, pass: &Pass) {
    let (sweep, costs) = (&pass.sweep, &pass.costs);
    let order: Vec<String> = sweep.order().iter().map(|a| format!("axis {a}")).collect();
    put(
        text,
        1,
        &format!(
            "sweep  {} tiles of {} ({}, the last fastest){}",
            sweep.tiles(),
            sweep.grid.unit,
            order.join(", "),
            blocks_words(pass)
        ),
    );
    if let Some(check) = &pass.check {
        let line = format!("verify {} tiles are computed again in f64, blocks of {} at a time", check.tiles, check.block);
        put(text, 1, &line);
    }
    let (reading, writing) = (costs.reading, costs.writing);
    let lanes = [
        format!("{} units read ahead {}", reading.0, bytes_text(reading.1)),
        format!("{} tiles read ahead and computed", costs.ahead),
        format!("{} tiles computed and written, results {} each", costs.behind, bytes_text(costs.tile_out)),
        format!("{} commit units written behind {}", writing.0, bytes_text(writing.1)),
    ];
    put(text, 1, &format!("lanes  {}", lanes.join("; ")));
    let factor = costs.read_factor();
    let times = if costs.kept > 0 && factor > 1.0 {
        format!("{factor:.2} x: what tiles further along axis {} read again does not fit", sweep.order()[costs.kept - 1])
    } else {
        "once".to_owned()
    };
    let open = match costs.streams.open {
        0 => String::new(),
        open => {
            let (bytes, again) = (bytes_text(costs.streams.bytes), costs.streams.again);
            let backwards = if again > 1.0 { format!(", backwards: each {again:.1} x") } else { String::new() };
            format!("; decoded in order{backwards}, {open} streams left in part {bytes}")
        }
    };
    let pieces = costs.cuts.iter().enumerate().filter_map(|(input, cut)| cut.map(|cut| (input, cut)));
    let pieces: Vec<String> = pieces
        .map(|(input, cut)| format!("of {} in pieces of {} along axis {}", pass.program.name(input), cut.extent, cut.axis))
        .collect();
    let pieces = if pieces.is_empty() { String::new() } else { format!(", {}", pieces.join(", ")) };
    put(text, 1, &format!("reads  every stored unit {times}; {} of decoded units held{pieces}{open}", bytes_text(costs.units)));
    put(
        text,
        1,
        &format!(
            "memory {} = {} ledger + {} on its way + {} scratch + {} held",
            bytes_text(costs.predicted),
            bytes_text(costs.ledger),
            bytes_text(costs.reading.1 + costs.writing.1),
            bytes_text(costs.scratch),
            bytes_text(costs.fixed)
        ),
    );
}
