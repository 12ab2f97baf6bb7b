//! What of a pass is computed again while it runs, and by which program: the pass's own, with its floats in f64 between bounds.
//! It does not compute or compare anything; it says what, where and at which cost.

use super::budget::block_bytes;
use super::enclose::enclosed;
use super::program::Program;
use super::{Machine, Pass};
use crate::error::{Error, Result, Subject, bytes_text};
use crate::graph::Stage;
use crate::grid::{Dims, Grid, Region};
use crate::storage::Info;

/// Bytes of a block's values that are no reason for smaller blocks.
const SMALL: usize = 4 << 20;
/// The narrowest block along x.
const NARROW: usize = 64;

/// How a result is judged: by the numbers of ends of the program that checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// Equal bit for bit to this one; NaN equals NaN.
    Same(usize),
    /// From the first of these to the second.
    Between(usize, usize),
}

/// How a reduction of a tile is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum JudgedFold {
    /// Equal bit for bit to this one.
    Same(usize),
    /// Between those of the least and of the greatest elements, moved apart by a part of that of their magnitudes.
    Between {
        /// Of the least elements.
        least: usize,
        /// Of the greatest.
        greatest: usize,
        /// Of the magnitudes.
        magnitudes: usize,
        /// The part of it.
        by: f64,
    },
    /// Nothing is known of how it follows inexact elements: it is not judged.
    Unknown,
}

/// The checking of a pass.
#[derive(Clone)]
pub struct Check {
    /// How many of the pass's tiles are computed again.
    pub tiles: usize,
    /// What computes them: its sinks and folds are what results are judged by.
    pub program: Program,
    /// How each sink end of the pass is judged.
    pub sinks: Vec<Judged>,
    /// How each fold of the pass is judged.
    pub folds: Vec<JudgedFold>,
    /// The extents of a block: as much is computed again at once.
    pub block: Dims,
    /// Bytes that all that check at once hold.
    pub bytes: u64,
}

impl Check {
    /// The checking of `tiles` tiles of a pass. `given` describes its inputs as they come, `launchers` tiles are computed at once.
    ///
    /// # Errors
    /// A formula that reads too many arrays.
    pub fn of(pass: &Pass, given: &[Info], tiles: usize, launchers: usize) -> Result<Check> {
        let enclosed = enclosed(pass, given)?;
        let tiles = tiles.min(pass.sweep.tiles());
        let block = block_of(pass, &enclosed.program)?;
        let part = pass.sweep.block(&block);
        let scratch = block_bytes(&enclosed.program, &part)?.0 as u64;
        let results = super::budget::result_bytes(&enclosed.program, &part.shape, &part.shape);
        // Its own states and the device's, joined over a tile, and what they end as.
        let states: u64 =
            pass.program.folds.iter().chain(&enclosed.program.folds).map(|f| states(f, &pass.sweep.grid.unit)).sum();
        let bytes = (scratch + results + states) * launchers.min(tiles) as u64;
        Ok(Check { tiles, program: enclosed.program, sinks: enclosed.sinks, folds: enclosed.folds, block, bytes })
    }

    /// Whether a tile of a pass is computed again: one of each of as many equal parts of the sweep as there are to be, at a place
    /// that only the pass decides, so that a run repeats.
    #[must_use]
    pub fn takes(&self, pass: &Pass, tile: usize) -> bool {
        let all = pass.sweep.tiles();
        if self.tiles == 0 || tile >= all {
            return false;
        }
        let part = ((tile + 1) * self.tiles - 1) / all;
        let (first, end) = (part * all / self.tiles, (part + 1) * all / self.tiles);
        let seed = pass.program.domain.iter().fold(pass.number as u64, |seed, n| scattered(seed ^ *n as u64));
        first + (scattered(seed ^ part as u64) % (end - first).max(1) as u64) as usize == tile
    }

    /// The blocks of a tile, one after another.
    #[must_use]
    pub fn blocks(&self, tile: &Region) -> Grid {
        Grid::new(tile.shape, self.block)
    }
}

/// A number that looks random (splitmix64's step).
fn scattered(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn states(end: &super::FoldEnd, tile: &Dims) -> u64 {
    let axes = end.fold.axes();
    let outputs: usize = (0..tile.len()).filter(|a| !axes.contains(a)).map(|a| tile[a]).product();
    // Joined, as a partial of the block that is joined, and finished.
    outputs as u64 * (2 * end.fold.state_bytes() as u64 + end.info.dtype.size() as u64)
}

/// The pass's blocks, or smaller ones where their values take much: f64 takes more than what the pass has.
fn block_of(pass: &Pass, program: &Program) -> Result<Dims> {
    let rank = pass.block.len();
    let mut block = pass.block;
    let is_fixed = program.steps.iter().any(|s| matches!(s.stage, Stage::Tiles(_) | Stage::Scan(_)));
    let in_order = program.folds.iter().any(|f| f.fold.in_order());
    while !is_fixed && !in_order && block_bytes(program, &pass.sweep.block(&block))?.0 > SMALL {
        let align = |axis: usize| super::cut::fold_align(program, axis);
        let half = |axis: usize| (block[axis] / 2).next_multiple_of(align(axis)).max(1);
        let least = |axis: usize| if axis + 1 == rank { NARROW } else { 1 };
        let halves = (0..rank).filter(|axis| half(*axis) < block[*axis] && half(*axis) >= least(*axis));
        let Some(axis) = halves.max_by_key(|axis| block[*axis]) else { break };
        block = block.with(axis, half(axis));
    }
    Ok(block)
}

/// How often tiles are chosen anew to make room for the checking.
const TRIES: usize = 4;

/// A pass that leaves room for its checking.
///
/// # Errors
/// As those of `cut`; a budget that the checking does not fit.
pub fn checked(machine: &Machine, program: &Program, cut: impl Fn(&Machine) -> Result<Pass>) -> Result<Pass> {
    let given: Vec<Info> = program.inputs.iter().map(|input| input.info.clone()).collect();
    let mut spare = 0;
    let mut wanted = 0;
    for _ in 0..TRIES {
        let mut pass = cut(&Machine { memory: machine.memory.saturating_sub(spare), ..machine.clone() })?;
        let launchers = pass.gpu.as_ref().map_or(machine.threads, |gpu| gpu.gpus * gpu.slots);
        let check = Check::of(&pass, &given, machine.verify, launchers)?;
        wanted = pass.costs.predicted + check.bytes;
        if wanted <= machine.memory {
            pass.costs.scratch += check.bytes;
            pass.costs.predicted = wanted;
            pass.check = Some(check);
            return Ok(pass);
        }
        spare = spare.max(check.bytes) + check.bytes / 4;
    }
    let what =
        format!("memory: computing tiles again takes {} in all, budget is {}", bytes_text(wanted), bytes_text(machine.memory));
    Err(Error::caller(what)
        .on(Subject::Memory)
        .hint("verify fewer tiles than there are threads, raise memory, or use fewer threads"))
}
