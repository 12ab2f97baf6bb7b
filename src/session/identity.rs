//! What makes two runs the same work: the graph, its sources, the layout of the sinks, the device where that shows in
//! the bits: adapter and driver. Not budget, tiles or threads. It does not know what the work is good for.

use crate::error::Result;
use crate::graph::Stage;
use crate::grid::{Dims, Region};
use crate::plan::{InputFrom, Output, Plan, Program, Step, input_regions, nodes_of, programs};
use crate::storage::{Identity, Reading};
use std::fmt::Write;

/// What making the outputs reads of each source, and what is stored there now.
///
/// # Errors
/// Sources that cannot be looked at, or are not what was opened.
pub(super) fn readings(outputs: &[Output]) -> Result<Vec<Reading>> {
    let arrays: Vec<_> = outputs.iter().map(|output| output.array.clone()).collect();
    let mut readings = Vec::new();
    for program in programs(&arrays)? {
        let boxes = input_regions(&program, &Region::whole(program.domain))?;
        for (input, boxes) in program.inputs.iter().zip(&boxes) {
            let InputFrom::Source(source) = &input.from else { continue };
            // The hull: what a view with steps passes over is looked at too. Of what nobody reads, nothing.
            let hull = boxes.hull();
            let rank = source.info().shape.len();
            let region = if hull.shape.len() == rank { hull } else { Region::whole(Dims::filled(rank, 0)) };
            readings.push(Reading::begin(source.clone(), region)?);
        }
    }
    Ok(readings)
}

/// The identity of a run on a device of this kind; none where a function of the user's takes part, of which nothing is known but its name.
pub(super) fn identity(outputs: &[Output], plan: &Plan, device: &str, readings: &[Reading]) -> Option<Identity> {
    let mut words = format!("stackmill {};", env!("CARGO_PKG_VERSION"));
    // What is computed, not how: passes depend on the budget where arrays are stored between them.
    let arrays: Vec<_> = outputs.iter().map(|output| output.array.clone()).collect();
    for program in programs(&arrays).ok()? {
        add_program(&mut words, &program)?;
    }
    readings.iter().for_each(|reading| add(&mut words, format_args!("{} {};", reading.region, reading.stamp)));
    if plan.passes.iter().filter_map(|pass| pass.gpu.as_ref()).any(|gpu| !gpu.sharing.exact) {
        add(&mut words, format_args!("on {device};"));
    }
    for output in outputs {
        let info = output.sink.info();
        // Not its name: the journal lies beside it, and the same work elsewhere is the same work.
        add(&mut words, format_args!("{} {info:?};", output.sink.layout()));
    }
    Some(Identity(format!("{:032x}", fnv(words.as_bytes()))))
}

/// Writing to a string does not fail.
fn add(words: &mut String, more: std::fmt::Arguments<'_>) {
    let _ = words.write_fmt(more);
}

fn add_program(words: &mut String, program: &Program) -> Option<()> {
    add(words, format_args!("pass {:?};", program.domain));
    for input in &program.inputs {
        match &input.from {
            InputFrom::Source(source) => add(words, format_args!("{} {} {:?};", source.name(), source.fingerprint(), input.info)),
            InputFrom::Late(_) => add(words, format_args!("late {} {:?};", input.name, input.info)),
        }
    }
    for step in &program.steps {
        add_step(words, step)?;
    }
    for fold in &program.folds {
        add(words, format_args!("{} {:?} of {} as {:?};", fold.origin.op, fold.fold, fold.value, fold.info));
    }
    for end in &program.sinks {
        add(words, format_args!("{} to {};", end.value, end.output));
    }
    Some(())
}

fn add_step(words: &mut String, step: &Step) -> Option<()> {
    add(words, format_args!("{} {} {:?} {:?} ", step.origin.op, step.origin.part, step.inputs, step.info));
    match &step.stage {
        Stage::Formula { formula, edge, constant } => add(words, format_args!("{formula:?} {edge:?} {constant:?};")),
        Stage::Line { axis, from, taps, edge, constant } => {
            add(words, format_args!("{axis} {from} {taps:?} {edge:?} {constant:?};"));
        }
        Stage::Window { window, edge, constant } => add(words, format_args!("{window:?} {edge:?} {constant:?};")),
        Stage::View(picks) => add(words, format_args!("{picks:?};")),
        Stage::Fold(fold) => add(words, format_args!("{fold:?};")),
        Stage::Scan(scan) => add(words, format_args!("{scan:?};")),
        Stage::Tiles(_) => return None,
    }
    Some(())
}

/// What scratch holds: which arrays of the graph, in which units.
pub(super) fn of_stored(outputs: &[Output], plan: &Plan) -> u64 {
    let roots: Vec<_> = outputs.iter().map(|output| output.array.clone()).collect();
    let nodes = nodes_of(&roots, &|_| false);
    let mut words = String::new();
    for stored in &plan.stored {
        let number = nodes.iter().position(|node| node.key() == stored.array.key());
        let (info, unit) = (stored.source.info(), stored.source.unit());
        add(&mut words, format_args!("{number:?} {} {:?} {unit:?};", info.dtype, info.shape));
    }
    (fnv(words.as_bytes()) >> 64) as u64
}

/// FNV-1a over 128 bits.
pub(super) fn fnv(bytes: &[u8]) -> u128 {
    let prime: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(prime))
}
