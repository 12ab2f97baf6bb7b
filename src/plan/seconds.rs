//! About how long a plan takes: what ways of making the same are compared by. It is a rough estimate from rates that are the same for
//! every computer, so that plans repeat; it measures nothing.

use super::program::{InputFrom, Program};
use super::work::an_element;
use super::{Costs, Pass, Plan};
use crate::storage::Source;
use std::sync::Arc;

/// Decoded bytes a second and thread: zstd, deflate, shuffles.
const DECODED: f64 = 400e6;
/// The same of bytes that are stored as they are.
const COPIED: f64 = 3e9;
/// Bytes a second to and from a disk.
const DISK: f64 = 700e6;
/// Stored bytes for each decoded one.
const COMPRESSED: f64 = 0.6;
/// Operations on elements a second and thread, in rows that fill vectors; and elements that a step takes from the cache and puts back.
const OPERATIONS: f64 = 12e9;
const CACHED: f64 = 2e9;

/// Seconds in which one tile is handled, whatever it holds: told, admitted, joined, freed, by one thread. 69 million tiles of one
/// element took 44 minutes.
const A_TILE: f64 = 38e-6;

/// Seconds of all passes, one after another. What every way of making the outputs has in common, encoding them, is left out.
#[must_use]
pub fn seconds(plan: &Plan) -> f64 {
    plan.passes.iter().map(|pass| of_pass(plan, pass)).sum()
}

/// Lanes overlap: a pass takes as long as its busiest resource.
fn of_pass(plan: &Plan, pass: &Pass) -> f64 {
    let program = &pass.program;
    let is_stored = |source: &Arc<dyn Source>| plan.stored.iter().any(|stored| Arc::ptr_eq(&stored.source, source));
    let (mut raw, mut coded) = (0.0, 0.0);
    for input in &program.inputs {
        match &input.from {
            InputFrom::Source(source) if is_stored(source) => raw += input.info.bytes() as f64,
            InputFrom::Source(source) if source.lend().is_none() => coded += input.info.bytes() as f64,
            _ => {}
        }
    }
    // Which input is read how often is not told apart.
    let read = pass.costs.reads.bytes as f64;
    let (raw, coded) = (read * raw / (raw + coded).max(1.0), read * coded / (raw + coded).max(1.0));
    let elements = program.domain.count() as f64;
    let is_kept = |output: usize| plan.stored.iter().any(|stored| stored.output == output);
    let kept =
        program.sinks.iter().filter(|end| is_kept(end.output)).map(|end| elements * program.element_bytes(end.value) as f64);
    let folded = program.folds.iter().filter(|end| end.stored.is_some()).map(|end| end.info.bytes() as f64);
    let written: f64 = kept.chain(folded).sum();
    let computed = computing(program, &pass.costs);
    let busy = coded * pass.costs.streams.again / DECODED + (raw + written) / COPIED + computed;
    let threads = plan.machine.threads.max(1) as f64;
    (busy / threads).max((coded * COMPRESSED + raw + written) / DISK).max(of_tiles(pass.sweep.tiles()))
}

/// Seconds in which so many tiles are handled.
pub(super) fn of_tiles(tiles: usize) -> f64 {
    tiles as f64 * A_TILE
}

/// Seconds of a pass's reads, decodes and steps on so many threads, where none of its sources is stored in scratch.
pub(super) fn of_work(program: &Program, costs: &Costs, threads: usize) -> f64 {
    let decoded = costs.reads.bytes as f64 * costs.streams.again / DECODED;
    (decoded + computing(program, costs)) / threads.max(1) as f64
}

/// Seconds of a pass's steps on one thread.
fn computing(program: &Program, costs: &Costs) -> f64 {
    let steps: u64 = (0..program.steps.len()).map(|step| an_element(program, step)).sum();
    let an_element = steps as f64 / OPERATIONS + program.steps.len() as f64 / CACHED;
    program.domain.count() as f64 * costs.recompute.max(1.0) * an_element
}
