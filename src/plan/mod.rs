//! Planning: graph and machine in, plan out. Steps: fuse → reach → cut → budget → place → explain.
//! It is pure: no I/O, no thread, no clock, no device; the same graph and machine give the same bytes of `explain`.

mod budget;
mod check;
mod crowd;
mod cut;
mod enclose;
mod explain;
mod fitting;
mod frontier;
mod fuse;
mod levels;
mod pieces;
mod place;
mod program;
mod reach;
pub mod schedule;
mod search;
mod seconds;
mod single;
mod stored;
mod sweep;
mod touch;
mod traffic;
mod vram;
mod work;

pub use budget::{Costs, commit_region, process_bytes, unit_grid};
pub use check::{Check, Judged, JudgedFold};
pub use crowd::long_words;
pub use explain::explain;
pub use frontier::Reads;
pub use levels::{LEVELS, explain_at};
pub use pieces::Cut;
pub use place::{Placement, SMALL_JOB, Segment, Sharing};
pub use program::{FoldEnd, Input, InputFrom, Program, SinkEnd, Step, nodes_of};
pub use reach::{input_regions, reach_of, regions};
pub use stored::{Stored, Weighed, all_outputs};
pub use sweep::Sweep;
pub use touch::{Touch, UnitKey};
pub use traffic::{Traffic, traffic_of, traffic_of_pass};
pub use vram::{CLOCK_BYTES, serves, size_class, vram_bytes};
pub use work::{heaviest, work_of};

use crate::error::{Error, Result};
use crate::graph::Array;
use crate::grid::{Dims, Region};
use crate::storage::{Scratch, Sink};
use std::sync::Arc;

/// This computer in plain numbers, and what the user allows.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// Threads of the worker pool.
    pub threads: usize,
    /// Bytes that the run may add: the ledger, each lane's scratch, results held in memory.
    pub memory: u64,
    /// Bytes of one worker's share of the cache: blocks are cut to it.
    pub cache: usize,
    /// Extents that the user asks tiles to have, if any; rounded up to what commit units allow.
    pub tile: Option<Vec<usize>>,
    /// The device that was asked for: `auto`, `cpu`, `gpu` or part of an adapter's name.
    pub device: String,
    /// Bytes of a GPU's memory that the run may take, staging included.
    pub vram: u64,
    /// GPUs of one kind that the run is spread over.
    pub gpus: usize,
    /// Tiles of each pass that are computed again and compared.
    pub verify: usize,
}

/// One result to be made: an array and where it goes.
#[derive(Clone)]
pub struct Output {
    /// What to make.
    pub array: Array,
    /// Where to write it.
    pub sink: Arc<dyn Sink>,
}

/// One pass: a sweep of tiles over a domain, running one program.
pub struct Pass {
    /// Which pass of the plan it is, from 0.
    pub number: usize,
    /// What is run on each tile.
    pub program: Program,
    /// The tiles and their order.
    pub sweep: Sweep,
    /// The extents of a block: the part of a tile that one worker computes in its cache.
    pub block: Dims,
    /// Bytes.
    pub costs: Costs,
    /// What of it runs on a GPU; none where all of it runs on the CPU.
    pub gpu: Option<GpuPass>,
    /// Why all of it runs on the CPU where a GPU was asked for.
    pub on_cpu: Option<String>,
    /// What of it is computed again and compared, if anything is.
    pub check: Option<Check>,
}

impl Pass {
    /// Bytes of the results of a tile: outputs, partial states of folds.
    #[must_use]
    pub fn result_bytes(&self, tile: usize) -> u64 {
        budget::result_bytes(&self.program, &self.sweep.region(tile).shape)
    }
}

/// How a GPU takes part in a pass.
#[derive(Clone, Debug, PartialEq)]
pub struct GpuPass {
    /// Which steps run where, and why.
    pub sharing: Sharing,
    /// The extents of a block: the part of a tile that is one submission.
    pub block: Dims,
    /// Extents that a block's edges are multiples of.
    pub align: Dims,
    /// GPUs that take part.
    pub gpus: usize,
    /// Blocks in flight at once on each.
    pub slots: usize,
    /// Bytes of device memory that one block takes, staging included.
    pub block_bytes: u64,
}

/// What a run will do, before it does it.
pub struct Plan {
    /// The passes, in order.
    pub passes: Vec<Pass>,
    /// Where stages run, and why.
    pub placement: Placement,
    /// The machine that the plan is for.
    pub machine: Machine,
    /// Arrays that the run makes for itself, in scratch; outputs that come after the user's.
    pub stored: Vec<Stored>,
    /// What storing arrays was weighed against, where it was.
    pub weighed: Option<Weighed>,
}

impl Plan {
    /// The most bytes that the run will add.
    #[must_use]
    pub fn peak_bytes(&self) -> u64 {
        self.passes.iter().map(|p| p.costs.predicted).max().unwrap_or(0)
    }
}

/// How far an array looks into the one source that it is made of, before and after the place of an element, per axis. Asked in
/// the middle of the array, where no edge folds what is read.
///
/// # Errors
/// What makes the array impossible; one that reads several sources, or whose axes are not the source's.
pub fn reach_into_source(array: &Array) -> Result<Vec<(usize, usize)>> {
    let programs = programs(std::slice::from_ref(array))?;
    let [program] = &programs[..] else { return Err(Error::caller("a reduction reads everything")) };
    let middle: Dims = program.domain.iter().map(|n| n / 2).collect();
    let part = Region { start: middle, shape: Dims::filled(middle.len(), 1) };
    let read = input_regions(program, &part)?;
    let [boxes] = &read[..] else { return Err(Error::caller(format!("{} arrays are read", read.len()))) };
    let hull = boxes.hull();
    if hull.shape.len() != middle.len() {
        return Err(Error::caller("its axes are not those of what it reads"));
    }
    let around = |axis: usize| {
        let range = hull.range(axis);
        (middle[axis].saturating_sub(range.start), range.end.saturating_sub(middle[axis] + 1))
    };
    Ok((0..middle.len()).map(around).collect())
}

/// Bytes of what is read and of what is made to compute an array: how long it may take.
///
/// # Errors
/// What makes the array impossible.
pub fn bytes_touched(array: &Array) -> Result<u64> {
    let mut bytes = array.info()?.bytes();
    for program in programs(std::slice::from_ref(array))? {
        let read = input_regions(&program, &Region::whole(program.domain))?;
        let sizes =
            read.iter().zip(&program.inputs).map(|(boxes, input)| boxes.shape().count() as u64 * input.info.dtype.size() as u64);
        bytes = bytes.saturating_add(sizes.sum());
    }
    Ok(bytes)
}

/// The passes that make arrays where nothing is stored between them: what is computed, however it is.
///
/// # Errors
/// What makes an array impossible.
pub fn programs(arrays: &[Array]) -> Result<Vec<Program>> {
    fuse::passes(arrays, &[])
}

/// Plans a run that has no scratch.
///
/// # Errors
/// What makes an output impossible; a budget that the smallest legal tile does not fit.
pub fn plan(outputs: &[Output], machine: &Machine) -> Result<Plan> {
    plan_with(outputs, machine, None)
}

/// Plans a run that may store arrays of its own in scratch.
///
/// # Errors
/// As [`plan`].
pub fn plan_with(outputs: &[Output], machine: &Machine, scratch: Option<&dyn Scratch>) -> Result<Plan> {
    stored::chosen(outputs, machine, scratch)
}

/// Plans a run in which these arrays are stored.
fn planned(outputs: &[Output], machine: &Machine, stored: &[Stored]) -> Result<Plan> {
    let arrays: Vec<Array> = outputs.iter().map(|o| o.array.clone()).collect();
    let held = process_bytes(machine.threads) + outputs.iter().map(|o| o.sink.held_bytes()).sum::<u64>();
    let mut late = 0;
    let mut passes = Vec::new();
    let programs = fuse::passes(&arrays, stored)?;
    let outputs = &all_outputs(outputs, stored)[..];
    let placement = place::place(machine, outputs, &programs);
    if let Some(wish) = &machine.tile {
        cut::check_wish(wish, &programs.iter().map(|p| p.domain).collect::<Vec<_>>())?;
    }
    for program in programs {
        let fixed = budget::Fixed::of(&program, held + late);
        late += fixed.results;
        let number = passes.len();
        let cut = |machine: &Machine| {
            let pass = cut::cut(program.clone(), outputs, machine, &placement, &fixed)?;
            Ok(Pass { number, ..pass })
        };
        passes.push(if machine.verify == 0 { cut(machine)? } else { check::checked(machine, &program, cut)? });
    }
    Ok(Plan { passes, placement, machine: machine.clone(), stored: stored.to_vec(), weighed: None })
}
