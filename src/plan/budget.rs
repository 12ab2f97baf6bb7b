//! Bytes: what a block, a tile and a pass hold at once. Every figure is an upper bound of what the run holds.
//! It does not choose extents; it prices them.

use super::Output;
use super::frontier::Frontier;
use super::program::{InputFrom, Program};
use super::reach::{input_regions, regions};
use super::sweep::Sweep;
use crate::error::Result;
use crate::graph::Stage;
use crate::grid::{Boxes, Dims, Grid, Region, indices};

/// Bytes that a pass needs whatever its tiles are.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Fixed {
    /// Results held in memory, late values of earlier passes.
    pub held: u64,
    /// States of this pass's folds.
    pub states: u64,
    /// Results of this pass's folds, held from now on.
    pub results: u64,
}

impl Fixed {
    /// The fixed bytes of a program.
    #[must_use]
    pub fn of(program: &Program, held: u64) -> Fixed {
        let states = program.folds.iter().map(|f| f.info.shape.count() as u64 * f.fold.state_bytes() as u64).sum();
        let results = program.folds.iter().map(|f| f.info.bytes()).sum();
        Fixed { held, states, results }
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.held + self.states + self.results
    }
}

/// The bytes of a pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// Held whatever the tiles are: results, states.
    pub fixed: u64,
    /// Scratch of all workers together.
    pub scratch: u64,
    /// Decoded bytes of the units that one tile reads.
    pub tile_units: u64,
    /// Stored bytes of those units.
    pub tile_stored: u64,
    /// Results of one tile: outputs, partial states, what encoding adds.
    pub tile_out: u64,
    /// Tiles in flight at once.
    pub depth: usize,
    /// Decoded units kept for later tiles.
    pub frontier: u64,
    /// The ledger's limit: units and tiles in flight never hold more.
    pub ledger: u64,
    /// The most bytes that the pass adds.
    pub predicted: u64,
    /// How often each stored byte is read: 1 where the frontier fits.
    pub read_factor: f64,
    /// Elements computed per element of the result, halos included: 1 without halos.
    pub recompute: f64,
}

/// Bytes of a tile in flight.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct TileBytes {
    /// Decoded units.
    pub units: u64,
    /// Stored units, while they are read and decoded.
    pub stored: u64,
    /// Results.
    pub out: u64,
}

impl TileBytes {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.units + self.stored + self.out
    }
}

/// The grid of an input's units; `None` where nothing is read: memory and late values are lent.
#[must_use]
pub fn unit_grid(program: &Program, input: usize) -> Option<Grid> {
    match &program.inputs.get(input)?.from {
        InputFrom::Source(source) if source.lend().is_none() => Some(Grid::new(source.info().shape, source.unit())),
        _ => None,
    }
}

/// The units of an input that a box of its runs touches, as boxes of unit indices.
#[must_use]
pub fn units_of(grid: &Grid, needs: &Boxes) -> Vec<Region> {
    let mut parts: Vec<Region> = Vec::new();
    for part in needs.parts() {
        let units = grid.touching(&part);
        if !parts.contains(&units) {
            parts.push(units);
        }
    }
    parts
}

/// Bytes of a set of units, decoded and stored; full units are assumed, so it is a bound.
fn unit_bytes(program: &Program, input: usize, grid: &Grid, units: &[Region]) -> (u64, u64) {
    let count: u64 = units.iter().map(|r| r.shape.count() as u64).sum();
    let decoded = grid.unit.count() as u64 * program.element_bytes(input) as u64;
    let InputFrom::Source(source) = &program.inputs[input].from else { return (0, 0) };
    let first = units.first().map(|r| r.start).unwrap_or_default();
    let stored = indices(Region { start: first, shape: units.first().map(|r| r.shape).unwrap_or_default() })
        .take(8)
        .map(|unit| source.stored_bytes(&unit))
        .max()
        .unwrap_or(0);
    (count * decoded, count * stored)
}

/// Bytes of one tile of a pass.
///
/// # Errors
/// A program that reads values that do not exist.
pub fn tile_bytes(program: &Program, outputs: &[Output], tile: &Region) -> Result<TileBytes> {
    let mut bytes = TileBytes::default();
    for (input, needs) in input_regions(program, tile)?.iter().enumerate() {
        if let Some(grid) = unit_grid(program, input) {
            let (decoded, stored) = unit_bytes(program, input, &grid, &units_of(&grid, needs));
            bytes.units += decoded;
            bytes.stored += stored;
        }
    }
    for end in &program.sinks {
        bytes.out += sink_bytes(program, outputs, end.value, end.output, tile);
    }
    for fold in &program.folds {
        bytes.out += partial_bytes(&fold.fold.axes(), &tile.shape) as u64 * fold.fold.state_bytes() as u64;
    }
    Ok(bytes)
}

/// A tile's result for a sink, the copy of one commit unit that encoding takes, and the encoded bytes.
fn sink_bytes(program: &Program, outputs: &[Output], value: usize, output: usize, tile: &Region) -> u64 {
    let raw = tile.shape.count() as u64 * program.element_bytes(value) as u64;
    let Some(sink) = outputs.get(output).map(|o| &o.sink) else { return raw };
    let unit = sink.unit().map_or(*tile, |unit| Region { start: tile.start, shape: tile.shape.zip_with(&unit, usize::min) });
    let units = (tile.shape.count() as u64).div_ceil(unit.shape.count().max(1) as u64);
    2 * raw + units * sink.encoded_bytes(&unit)
}

/// Outputs of a fold over a box: the product of the extents that are not reduced.
fn partial_bytes(axes: &[usize], shape: &Dims) -> usize {
    (0..shape.len()).filter(|a| !axes.contains(a)).map(|a| shape[a]).product()
}

/// Bytes that one worker holds while it computes a block: every live value, padded copies, registers.
///
/// # Errors
/// A program that reads values that do not exist.
pub fn block_bytes(program: &Program, block: &Region) -> Result<(usize, f64)> {
    let regions = regions(program, block)?;
    let last = program.last_readers();
    let size = |value: usize| regions[value].shape().count() * program.element_bytes(value);
    let mut live: usize = (0..program.inputs.len()).map(size).sum();
    let (mut peak, mut elements) = (live, 0usize);
    for (number, step) in program.steps.iter().enumerate() {
        let value = program.inputs.len() + number;
        let padded: usize = step.inputs.iter().map(|v| size(*v)).max().unwrap_or(0);
        let window =
            step.inputs.iter().enumerate().map(|(k, v)| window_bytes(program, step, k, *v, &regions[value])).max().unwrap_or(0);
        let foreign = match &step.stage {
            // The function's own arrays: copies of what it reads, and what it gives.
            Stage::Tiles(_) => 2 * step.inputs.iter().map(|v| size(*v)).sum::<usize>() + size(value),
            _ => 0,
        };
        let registers = step.tape.as_ref().map_or(0, |tape| (tape.registers + tape.steps.len()) * 8192);
        live += size(value);
        peak = peak.max(live + padded.max(window) + registers + foreign);
        elements += regions[value].shape().count();
        live -= step.inputs.iter().filter(|v| last[**v] == Some(number)).map(|v| size(*v)).sum::<usize>().min(live);
    }
    let made = block.shape.count().max(1) * program.steps.len().max(1);
    Ok((peak, elements as f64 / made as f64))
}

/// Bytes of the padded copy of an input of a neighbourhood.
fn window_bytes(program: &Program, step: &super::program::Step, k: usize, value: usize, out: &Boxes) -> usize {
    let extents = out.shape();
    let grown = |axis: usize| {
        let (first, last) = super::reach::reach_of(step, k, axis);
        extents[axis] + (last - first).unsigned_abs()
    };
    (0..extents.len()).map(grown).product::<usize>() * program.element_bytes(value)
}

/// Prices a pass whose tiles and blocks are chosen.
///
/// # Errors
/// A program that reads values that do not exist.
pub fn price(
    program: &Program,
    outputs: &[Output],
    sweep: &Sweep,
    block: &Dims,
    fixed: &Fixed,
    room: (u64, usize),
) -> Result<Costs> {
    let (memory, threads) = room;
    let (scratch, recompute) =
        block_bytes(program, &Region { start: sweep.middle().start, shape: block.zip_with(&sweep.middle().shape, usize::min) })?;
    let scratch = scratch as u64 * threads as u64;
    let tile = worst_tile(program, outputs, sweep)?;
    let left = memory.saturating_sub(fixed.total() + scratch);
    let frontier = Frontier::of(program, sweep)?;
    let kept = frontier.fitting(left.saturating_sub(tile.total()));
    let wish = threads + 2;
    let depth = usize::try_from(left.saturating_sub(kept.bytes) / tile.total().max(1)).unwrap_or(wish).clamp(1, wish);
    let ledger = kept.bytes + depth as u64 * tile.total();
    Ok(Costs {
        fixed: fixed.total(),
        scratch,
        tile_units: tile.units,
        tile_stored: tile.stored,
        tile_out: tile.out,
        depth,
        frontier: kept.bytes,
        ledger,
        predicted: fixed.total() + scratch + ledger,
        read_factor: kept.read_factor,
        recompute,
    })
}

/// The largest tile: extents differ only at the ends of each axis, where edges fold and units are cut.
pub fn worst_tile(program: &Program, outputs: &[Output], sweep: &Sweep) -> Result<TileBytes> {
    let mut worst = TileBytes::default();
    let rank = sweep.grid.shape.len();
    let middle: Dims = sweep.grid.counts().iter().map(|n| n / 2).collect();
    let mut index = middle;
    for axis in 0..rank {
        let mut best = (0, index[axis]);
        for place in sweep.telling(axis) {
            let bytes = tile_bytes(program, outputs, &sweep.grid.region(&index.with(axis, place)))?;
            if bytes.total() > best.0 {
                best = (bytes.total(), place);
            }
        }
        index[axis] = best.1;
    }
    if sweep.tiles() > 0 {
        worst = tile_bytes(program, outputs, &sweep.grid.region(&index))?;
    }
    Ok(worst)
}
