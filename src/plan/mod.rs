//! Planning: graph and machine in, plan out. Steps: fuse → reach → cut → budget → place → explain.
//! It is pure: no I/O, no thread, no clock, no device; the same graph and machine give the same bytes of `explain`.

mod budget;
mod cut;
mod explain;
mod frontier;
mod fuse;
mod place;
mod program;
mod reach;
mod sweep;

pub use budget::Costs;
pub use explain::explain;
pub use place::Placement;
pub use program::{FoldEnd, Input, InputFrom, Program, SinkEnd, Step};
pub use reach::{input_regions, reach_of, regions};
pub use sweep::Sweep;

use crate::error::Result;
use crate::graph::Array;
use crate::grid::Dims;
use crate::storage::Sink;
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
    /// The device that was asked for: `auto`, `cpu`, `gpu` or a name.
    pub device: String,
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
    /// What is run on each tile.
    pub program: Program,
    /// The tiles and their order.
    pub sweep: Sweep,
    /// The extents of a block: the part of a tile that one worker computes in its cache.
    pub block: Dims,
    /// Bytes.
    pub costs: Costs,
}

/// What a run will do, before it does it.
pub struct Plan {
    /// The passes, in order.
    pub passes: Vec<Pass>,
    /// Where stages run, and why.
    pub placement: Placement,
    /// The machine that the plan is for.
    pub machine: Machine,
}

impl Plan {
    /// The most bytes that the run will add.
    #[must_use]
    pub fn peak_bytes(&self) -> u64 {
        self.passes.iter().map(|p| p.costs.predicted).max().unwrap_or(0)
    }
}

/// Plans a run.
///
/// # Errors
/// What makes an output impossible; a budget that the smallest legal tile does not fit.
pub fn plan(outputs: &[Output], machine: &Machine) -> Result<Plan> {
    let placement = place::place(machine)?;
    let arrays: Vec<Array> = outputs.iter().map(|o| o.array.clone()).collect();
    let held: u64 = outputs.iter().map(|o| o.sink.held_bytes()).sum();
    let mut late = 0;
    let mut passes = Vec::new();
    let programs = fuse::passes(&arrays)?;
    if let Some(wish) = &machine.tile {
        cut::check_wish(wish, &programs.iter().map(|p| p.domain).collect::<Vec<_>>())?;
    }
    for program in programs {
        let fixed = budget::Fixed::of(&program, held + late);
        late += fixed.results;
        passes.push(cut::cut(program, outputs, machine, &fixed)?);
    }
    Ok(Plan { passes, placement, machine: machine.clone() })
}
