//! A plan told shorter and longer than `explain` tells it: in a few lines; step by step; with what runs.
//! It does not know what runs: whoever knows the devices says so.

use super::explain::{explain_weighed, put};
use super::program::{InputFrom, Program, SinkEnd, Step};
use super::reach::regions;
use super::{Pass, Plan, explain};
use crate::error::{Error, Result, bytes_text};
use crate::graph::{LineTaps, Stage};

/// How much is told: from the least to all of it.
pub const LEVELS: std::ops::RangeInclusive<u8> = 1..=4;

/// What runs for each step of a pass and then for each fold, line by line.
pub type Running<'r> = &'r dyn Fn(&Pass) -> Vec<Vec<String>>;

/// A plan as text: 1 is a few lines, 2 what [`explain`] tells, 3 tapes, taps and regions beside it, 4 what runs beside that.
///
/// # Errors
/// Another level.
pub fn explain_at(plan: &Plan, level: u8, running: Running<'_>) -> Result<String> {
    match level {
        1 => Ok(brief(plan)),
        2 => Ok(explain(plan)),
        3 => Ok(explain(plan) + &steps(plan, None)?),
        4 => Ok(explain(plan) + &steps(plan, Some(running))?),
        other => {
            let what = format!("there is no level {other} to explain at");
            let hint =
                "1: a few lines, 2: stages, tiles, bytes, 3: also tapes, taps and regions, 4: also what runs, as WGSL on a GPU";
            Err(Error::caller(what).hint(hint))
        }
    }
}

fn brief(plan: &Plan) -> String {
    let mut text = String::new();
    let (passes, device, bytes) = (plan.passes.len(), &plan.placement.device, bytes_text(plan.peak_bytes()));
    let plural = if passes == 1 { "" } else { "es" };
    put(&mut text, 0, &format!("{passes} pass{plural} on {device}, {bytes} of memory predicted"));
    plan.weighed.iter().for_each(|weighed| explain_weighed(&mut text, weighed));
    for (number, pass) in plan.passes.iter().enumerate() {
        let program = &pass.program;
        let read = |input: &super::Input| match input.from {
            InputFrom::Source(_) => format!("{} {} {}", input.name, input.info.dtype, input.info.shape),
            InputFrom::Late(_) => format!("{} of an earlier pass", input.name),
        };
        let reads: Vec<String> = program.inputs.iter().map(read).collect();
        let folds = program.folds.iter().map(|end| end.origin.op.clone());
        let written = |end: &SinkEnd| match plan.stored.iter().any(|stored| stored.output == end.output) {
            true => "scratch".to_owned(),
            false => format!("output {}", end.output + 1),
        };
        let made: Vec<String> = folds.chain(program.sinks.iter().map(written)).collect();
        let on = if pass.gpu.is_some() { "gpu" } else { "cpu" };
        let (reads, made) = (reads.join(", "), made.join(", "));
        put(&mut text, 0, &format!("pass {} on {on}: {reads} -> {made}; {} tiles", number + 1, pass.sweep.tiles()));
    }
    text
}

fn steps(plan: &Plan, running: Option<Running<'_>>) -> Result<String> {
    let mut text = String::new();
    for (number, pass) in plan.passes.iter().enumerate() {
        let program = &pass.program;
        let block = pass.sweep.block(pass.gpu.as_ref().map_or(&pass.block, |gpu| &gpu.block));
        put(&mut text, 0, &format!("steps of pass {}, for the block {block} in the middle", number + 1));
        let held = regions(program, &block)?;
        let runs = running.map(|running| running(pass)).unwrap_or_default();
        let all = |value: usize| held[value].parts().iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        for (value, input) in program.inputs.iter().enumerate() {
            put(&mut text, 1, &format!("{} {}: {}", input.name, input.info.dtype, all(value)));
        }
        for (number, step) in program.steps.iter().enumerate() {
            let value = program.inputs.len() + number;
            put(&mut text, 1, &format!("s{number} {} {}: {}", step.origin.op, step.info.dtype, all(value)));
            inside(program, step).iter().for_each(|line| put(&mut text, 2, line));
            runs.get(number).into_iter().flatten().for_each(|line| put(&mut text, 2, line));
        }
        for (number, end) in program.folds.iter().enumerate() {
            put(&mut text, 1, &format!("{}: {} bytes of state an element", end.fold.words(), end.fold.state_bytes()));
            runs.get(program.steps.len() + number).into_iter().flatten().for_each(|line| put(&mut text, 2, line));
        }
    }
    Ok(text)
}

/// The tape of a formula, the taps of a line, the size of a window.
fn inside(program: &Program, step: &Step) -> Vec<String> {
    let names: Vec<String> = step.inputs.iter().map(|v| program.name(*v)).collect();
    match (&step.stage, &step.tape) {
        (Stage::Formula { .. }, Some(tape)) => tape.told(&names),
        (Stage::Line { axis, from, taps: LineTaps::Weights(weights), .. }, _) => {
            let weights: Vec<String> = weights.iter().map(|w| format!("{w:?}")).collect();
            vec![format!("axis {axis} from {from:+}: {}", weights.join(" "))]
        }
        (Stage::Line { axis, from, taps, .. }, _) => vec![format!("axis {axis} from {from:+}: {} elements", taps.len())],
        (Stage::Window { window, .. }, _) => vec![window.words()],
        (Stage::View(picks), _) => {
            let pick = |(own, p): (usize, &crate::graph::Pick)| match p.axis {
                Some(axis) => format!("axis {own}: {} + {} * index of axis {axis}", p.start, p.step),
                None => format!("axis {own}: {}", p.start),
            };
            picks.iter().enumerate().map(pick).collect()
        }
        _ => Vec::new(),
    }
}
