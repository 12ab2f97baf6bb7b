//! What makes two runs the same work: the graph, its sources, the layout of the sinks, the kind of device where that shows in
//! the bits. Not budget, tiles or threads. It does not know what the work is good for.

use crate::graph::Stage;
use crate::plan::{InputFrom, Output, Pass, Plan, Step};
use crate::storage::Identity;
use std::fmt::Write;

/// The identity of a run; none where a function of the user's takes part, of which nothing is known but its name.
pub(super) fn identity(outputs: &[Output], plan: &Plan) -> Option<Identity> {
    let mut words = format!("stackmill {};", env!("CARGO_PKG_VERSION"));
    for pass in &plan.passes {
        add_pass(&mut words, pass)?;
    }
    for output in outputs {
        let info = output.sink.info();
        // Not its name: the journal lies beside it, and the same work elsewhere is the same work.
        add(&mut words, format_args!("{} {} {:?};", output.sink.layout(), info.dtype, info.shape));
    }
    Some(Identity(format!("{:032x}", fnv(words.as_bytes()))))
}

/// Writing to a string does not fail.
fn add(words: &mut String, more: std::fmt::Arguments<'_>) {
    let _ = words.write_fmt(more);
}

fn add_pass(words: &mut String, pass: &Pass) -> Option<()> {
    add(words, format_args!("pass {:?};", pass.program.domain));
    for input in &pass.program.inputs {
        match &input.from {
            InputFrom::Source(source) => add(words, format_args!("{} {};", source.name(), source.fingerprint())),
            InputFrom::Late(_) => add(words, format_args!("late {} {:?};", input.name, input.info)),
        }
    }
    if pass.gpu.as_ref().is_some_and(|gpu| !gpu.sharing.exact) {
        words.push_str("gpu;");
    }
    for step in &pass.program.steps {
        add_step(words, step)?;
    }
    for fold in &pass.program.folds {
        add(words, format_args!("{} {} of {} as {:?};", fold.origin.op, fold.fold.words(), fold.value, fold.info));
    }
    for end in &pass.program.sinks {
        add(words, format_args!("{} to {};", end.value, end.output));
    }
    Some(())
}

fn add_step(words: &mut String, step: &Step) -> Option<()> {
    add(
        words,
        format_args!("{} {} {:?} {} {:?} ", step.origin.op, step.origin.part, step.inputs, step.info.dtype, step.info.shape),
    );
    match &step.stage {
        Stage::Formula { formula, edge, constant } => add(words, format_args!("{formula:?} {edge:?} {constant:?};")),
        Stage::Line { axis, from, taps, edge, constant } => {
            add(words, format_args!("{axis} {from} {taps:?} {edge:?} {constant:?};"));
        }
        Stage::Window { window, edge, constant } => add(words, format_args!("{} {edge:?} {constant:?};", window.words())),
        Stage::View(picks) => add(words, format_args!("{picks:?};")),
        Stage::Fold(fold) => add(words, format_args!("{};", fold.words())),
        Stage::Scan(scan) => add(words, format_args!("{};", scan.words())),
        Stage::Tiles(_) => return None,
    }
    Some(())
}

/// FNV-1a over 128 bits.
fn fnv(bytes: &[u8]) -> u128 {
    let prime: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(prime))
}
