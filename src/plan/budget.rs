//! Bytes: what a block, a tile and a pass hold at once. Every figure is an upper bound of what the run holds.
//! It does not choose extents; it prices them.

use super::Output;
use super::fitting::{Fitting, Held};
use super::frontier::{Frontier, Reads, Streams};
use super::pieces::Cut;
use super::program::{InputFrom, Program};
use super::reach::{input_regions, regions};
use super::sweep::Sweep;
use crate::error::Result;
use crate::graph::{LineTaps, Stage};
use crate::grid::{Boxes, Dims, Edge, Grid, Region};

/// What a process takes as it runs, whatever it runs: code that is touched for the first time, a heap of small things, what the system's
/// libraries keep; and each of its threads, a stack and what a C library keeps for it.
const PROCESS_BYTES: u64 = 6 << 20;
const THREAD_BYTES: u64 = 160 << 10;

/// Bytes that the process itself takes as it runs on so many threads.
#[must_use]
pub fn process_bytes(threads: usize) -> u64 {
    PROCESS_BYTES + THREAD_BYTES * threads as u64
}

/// Bytes that a pass needs whatever its tiles are.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Fixed {
    /// Results held in memory, late values of earlier passes, and the process itself.
    pub held: u64,
    /// Results of this pass's folds, held from now on.
    pub results: u64,
}

impl Fixed {
    /// The fixed bytes of a program.
    #[must_use]
    pub fn of(program: &Program, held: u64) -> Fixed {
        let kept = program.folds.iter().filter(|end| end.stored.is_none());
        Fixed { held, results: kept.map(|end| end.info.bytes()).sum() }
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.held + self.results
    }
}

/// Stored units on their way to be decoded, beyond one for each worker: what keeps the readers ahead. Small units are done so
/// soon that more are on their way, as long as all of them are few bytes: a worker shall find the next one without being told.
const READ_AHEAD: usize = 1;
const SMALL_AHEAD: usize = 4;
const SMALL_BYTES: u64 = 2 << 20;

/// The bytes of a pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// Held whatever the tiles are: results, states.
    pub fixed: u64,
    /// Scratch of all workers together.
    pub scratch: u64,
    /// Decoded bytes of the units that one tile reads.
    pub tile_units: u64,
    /// Results of one tile: outputs, partial states.
    pub tile_out: u64,
    /// Tiles at once whose units are held: that wait for them or compute.
    pub ahead: usize,
    /// Tiles at once whose results are held: that compute, are encoded or wait to be written.
    pub behind: usize,
    /// Units between the beginning of their read and the end of their decoding, and their stored bytes together.
    pub reading: (usize, u64),
    /// Commit units between the beginning of their encoding and the end of their write, and their bytes together.
    pub writing: (usize, u64),
    /// How each input's units are held in pieces; empty where all are held whole.
    pub cuts: Vec<Option<Cut>>,
    /// Streams whose units are decoded in order.
    pub streams: Streams,
    /// Decoded units held at once: those of the tiles in flight, those kept for later tiles.
    pub units: u64,
    /// Units are kept for later tiles at the same place along the axes before this one.
    pub kept: usize,
    /// The ledger's limit: units and tiles in flight never hold more.
    pub ledger: u64,
    /// The most bytes that the pass adds.
    pub predicted: u64,
    /// How often units are read.
    pub reads: Reads,
    /// Elements computed per element of the result, halos included: 1 without halos.
    pub recompute: f64,
}

impl Costs {
    /// How often a stored unit is decoded, on the average.
    #[must_use]
    pub fn decoded_factor(&self) -> f64 {
        self.read_factor() * self.streams.again
    }

    /// How often each decoded byte is read: 1 where the frontier fits.
    #[must_use]
    pub fn read_factor(&self) -> f64 {
        self.reads.factor()
    }
}

/// Bytes of a tile in flight.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct TileBytes {
    /// Decoded units.
    pub units: u64,
    /// Results.
    pub out: u64,
}

impl TileBytes {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.units + self.out
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

/// Bytes of the results of one tile that is computed in blocks: outputs, partial states.
#[must_use]
pub fn result_bytes(program: &Program, shape: &Dims, block: &Dims) -> u64 {
    let output = |value: usize| shape.count() as u64 * program.element_bytes(value) as u64;
    program.sinks.iter().map(|end| output(end.value)).sum::<u64>() + partials_bytes(program, shape, block)
}

/// Bytes of the partial states of one tile: one an output, and where they join in order one for each block.
fn partials_bytes(program: &Program, shape: &Dims, block: &Dims) -> u64 {
    let state = |end: &super::FoldEnd| {
        let axes = end.fold.axes();
        let blocks = |axis: &usize| shape[*axis].div_ceil(block[*axis].max(1));
        let times: usize = if end.fold.in_order() { axes.iter().map(blocks).product() } else { 1 };
        (partial_bytes(&axes, shape) * times) as u64 * end.fold.state_bytes() as u64
    };
    program.folds.iter().map(state).sum()
}

/// Bytes of the states that tiles join: of a panel of the sweep, and of its result where that is stored, and written.
fn states_bytes(program: &Program, sweep: &Sweep) -> u64 {
    let of = |end: &super::FoldEnd| {
        let first = sweep.at(&Dims::filled(sweep.grid.shape.len(), 0));
        let outputs = sweep.panel(&first, &end.fold.axes()).shape.count() as u64;
        let result = if end.stored.is_some() { 2 * end.info.dtype.size() as u64 } else { 0 };
        let panel = if end.info.shape.count() as u64 > outputs { end.info.dtype.size() as u64 } else { 0 };
        outputs * (end.fold.state_bytes() as u64 + result.max(panel))
    };
    program.folds.iter().map(of).sum()
}

/// Bytes of the results of so many tiles at most: no more outputs than there are.
pub(super) fn results_bytes(program: &Program, sweep: &Sweep, block: &Dims, tiles: usize) -> u64 {
    let partials = partials_bytes(program, &sweep.grid.unit, block).saturating_mul(tiles as u64);
    let outputs = |shape: &Dims| result_bytes(program, shape, block) - partials_bytes(program, shape, block);
    let some = outputs(&sweep.grid.unit).saturating_mul(tiles as u64);
    some.min(outputs(&sweep.grid.shape)).saturating_add(partials)
}

/// Bytes of one tile of a pass; `block` where it is known.
///
/// # Errors
/// A program that reads values that do not exist.
pub fn tile_bytes(program: &Program, tile: &Region, block: Option<&Dims>) -> Result<TileBytes> {
    let mut bytes = TileBytes::default();
    for (input, needs) in input_regions(program, tile)?.iter().enumerate() {
        if let Some(grid) = unit_grid(program, input) {
            let extent = |units: &Region, a: usize| {
                (units.range(a).end * grid.unit[a]).min(grid.shape[a]).saturating_sub(units.start[a] * grid.unit[a])
            };
            let elements = |units: Region| (0..units.shape.len()).map(|a| extent(&units, a)).product::<usize>() as u64;
            bytes.units += units_of(&grid, needs).into_iter().map(elements).sum::<u64>() * program.element_bytes(input) as u64;
        }
    }
    bytes.out = result_bytes(program, &tile.shape, block.unwrap_or(&tile.shape));
    Ok(bytes)
}

/// The stored bytes of a sweep's largest unit, and what decoding one takes beside it and its result.
fn stored_unit(program: &Program) -> (u64, u64) {
    let sources = program.inputs.iter().filter_map(|input| match &input.from {
        InputFrom::Source(source) if source.lend().is_none() => Some(source),
        _ => None,
    });
    sources.fold((0, 0), |(stored, scratch), s| (stored.max(s.most_stored()), scratch.max(s.decoding_bytes())))
}

/// The bytes of a commit unit that is encoded and not yet written, its copy out of the tile among them; what encoding one takes
/// beside them; and how many of them a tile has. The largest over the sinks.
fn commit_unit(program: &Program, outputs: &[Output], tile: &Region) -> (u64, u64, usize) {
    let (mut held, mut scratch, mut count) = (0, 0, 0);
    for end in &program.sinks {
        let Some(sink) = outputs.get(end.output).map(|o| &o.sink) else { continue };
        let unit = commit_region(&**sink, tile);
        count += tile.shape.count().div_ceil(unit.shape.count().max(1));
        let raw = unit.shape.count() as u64 * program.element_bytes(end.value) as u64;
        scratch = scratch.max(sink.encoding_bytes(&unit) + if unit.shape == tile.shape { 0 } else { raw });
        held = held.max(sink.encoded_bytes(&unit));
    }
    (held, scratch, count)
}

/// The region of the first commit unit of a tile.
pub fn commit_region(sink: &dyn crate::storage::Sink, tile: &Region) -> Region {
    sink.unit().map_or(*tile, |unit| Region { start: tile.start, shape: tile.shape.zip_with(&unit, usize::min) })
}

/// Outputs of a fold over a box: the product of the extents that are not reduced.
fn partial_bytes(axes: &[usize], shape: &Dims) -> usize {
    (0..shape.len()).filter(|a| !axes.contains(a)).map(|a| shape[a]).product()
}

/// Bytes that one worker holds while it computes block after block: its buffers, a padded copy, registers; and how many elements
/// are computed per element of the result.
///
/// # Errors
/// A program that reads values that do not exist.
pub fn block_bytes(program: &Program, block: &Region) -> Result<(usize, f64)> {
    let regions = regions(program, block)?;
    let size = |value: usize| regions[value].shape().count() * program.element_bytes(value);
    let (mut piece, mut padded, mut registers, mut lines, mut foreign, mut elements) = (0, 0, 0, 0, 0, 0usize);
    for (number, step) in program.steps.iter().enumerate() {
        let out = &regions[program.inputs.len() + number];
        let largest = step.inputs.iter().map(|v| size(*v)).max().unwrap_or(0);
        let window = step.inputs.iter().enumerate().map(|(k, v)| window_bytes(program, step, k, *v, out)).max().unwrap_or(0);
        padded = padded.max(if reads_around(step) { largest.max(window) } else { 0 });
        registers = registers.max(step.tape.as_ref().map_or(0, |tape| (tape.registers + tape.steps.len()) * 8192));
        lines = lines.max(line_bytes(step, out, program.element_bytes(program.inputs.len() + number)));
        let made = size(program.inputs.len() + number);
        piece = piece.max(if out.parts().len() > 1 { made } else { 0 });
        foreign = foreign.max(match &step.stage {
            // The function's own arrays: copies of what it reads, and what it gives.
            Stage::Tiles(_) => 2 * step.inputs.iter().map(|v| size(*v)).sum::<usize>() + largest.max(window) + made,
            Stage::Scan(_) => made,
            _ => 0,
        });
        elements += out.shape().count();
    }
    let mut buffers = vec![0; program.values()];
    for (value, slot) in program.slots().into_iter().enumerate() {
        // An input that lies in memory in one piece is looked at where it is.
        let is_lent = value < program.inputs.len() && unit_grid(program, value).is_none() && regions[value].parts().len() <= 1;
        buffers[slot] = buffers[slot].max(if is_lent { 0 } else { size(value) });
    }
    let buffers: usize = buffers.iter().sum();
    // What a block folds into, before it is joined.
    let folded = |end: &super::FoldEnd| partial_bytes(&end.fold.axes(), &block.shape) * end.fold.state_bytes();
    let folded: usize = program.folds.iter().filter(|end| !end.fold.in_order()).map(folded).sum();
    let made = block.shape.count().max(1) * program.steps.len().max(1);
    Ok((buffers + piece + padded + registers + lines + foreign + folded, elements as f64 / made as f64))
}

/// Outputs of a row whose windows along an axis are computed together.
const STRIP: usize = 512;

/// What windows along an axis take beside their rows: where these lie, the taps or what is known of the windows that overlap.
fn line_bytes(step: &super::program::Step, out: &Boxes, element: usize) -> usize {
    let Stage::Line { axis, taps, .. } = &step.stage else { return 0 };
    let (extents, window) = (out.shape(), taps.len());
    let (line, row) = (extents[*axis], extents.last().copied().unwrap_or(1));
    let places = 2 * size_of::<usize>() * (line + window);
    places
        + match taps {
            LineTaps::Weights(_) => window * (size_of::<(usize, f64)>() + element),
            _ if axis + 1 == extents.len() => 2 * (STRIP.max(2 * window).min(row) + window) * element,
            _ => (window.min(line) + 1) * STRIP.min(row) * element,
        }
}

/// Whether a step may read what lies outside its input, so that a padded copy is made.
fn reads_around(step: &super::program::Step) -> bool {
    match &step.stage {
        Stage::Formula { formula, .. } => !formula.is_pointwise(),
        // Windows across rows look at the rows of an edge where they lie; a constant edge has none.
        Stage::Line { axis, edge, .. } => *edge == Edge::Constant || axis + 1 == step.info.shape.len(),
        Stage::Window { .. } | Stage::Tiles(_) => true,
        Stage::View(_) | Stage::Fold(_) | Stage::Scan(_) => false,
    }
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
    let (scratch, recompute) = block_bytes(program, &sweep.block(block))?;
    let tile = worst_tile(program, sweep, Some(block))?;
    let (stored, decoding) = stored_unit(program);
    let (encoded, encoding, parts) =
        commit_unit(program, outputs, &Region { start: Dims::filled(sweep.grid.shape.len(), 0), shape: sweep.grid.unit });
    let mut frontier = Frontier::new(program, *sweep)?;
    // A worker keeps what it computes in while it decodes or encodes; a tile that is computed notes its blocks.
    let a_worker = |decoding: u64| scratch as u64 + decoding.max(encoding) + note_bytes(program, &sweep.grid.unit, block);
    let scratch = a_worker(decoding) * threads as u64;
    let streams = frontier.streams(program)?;
    let fixed = (fixed.total() + states_bytes(program, sweep)).saturating_add(streams.bytes);
    let distinct = usize::try_from(frontier.reads(0)?.distinct).unwrap_or(usize::MAX);
    let fitting = Fitting {
        program,
        sweep,
        block,
        left: memory.saturating_sub(fixed.saturating_add(scratch)),
        tile_out: tile.out,
        stored,
        encoded,
        parts,
        threads,
        reading: read_ahead(threads, stored).min(distinct),
    };
    let in_pieces = a_worker(decoding + tallest_unit(program)) * threads as u64;
    let Held { kept, flight, units, cuts } = fitting.held(&mut frontier, streams.kept, in_pieces - scratch)?;
    let scratch = if cuts.is_empty() { scratch } else { in_pieces };
    let ledger = units.saturating_add(results_bytes(program, sweep, block, flight.behind));
    let lanes = flight.reading as u64 * stored + flight.writing as u64 * encoded;
    Ok(Costs {
        fixed,
        scratch,
        tile_units: tile.units,
        tile_out: tile.out,
        ahead: flight.ahead,
        behind: flight.behind,
        reading: (flight.reading, flight.reading as u64 * stored),
        writing: (flight.writing, flight.writing as u64 * encoded),
        units,
        kept,
        cuts,
        streams,
        ledger,
        predicted: ledger.saturating_add(lanes + fixed + scratch),
        reads: frontier.reads(kept)?,
        recompute,
    })
}

/// Decoded bytes of the largest unit of all sources.
fn tallest_unit(program: &Program) -> u64 {
    let units = (0..program.inputs.len()).filter_map(|input| Some((input, unit_grid(program, input)?)));
    units.map(|(input, grid)| (grid.unit.count() * program.element_bytes(input)) as u64).max().unwrap_or(0)
}

/// Units on their way at once, of so many stored bytes.
fn read_ahead(threads: usize, stored: u64) -> usize {
    let small = usize::try_from(SMALL_BYTES / stored.max(1)).unwrap_or(usize::MAX);
    (threads + READ_AHEAD).max(small.min(SMALL_AHEAD * threads))
}

/// Bytes of what is noted of a block while its tile is computed: its region, its rows' list, its result's.
const BLOCK_NOTES: usize = 320;

/// Bytes of what is noted of a tile's blocks, and of the places of its rows in them.
fn note_bytes(program: &Program, tile: &Dims, block: &Dims) -> u64 {
    let Some((width, outer)) = tile.split_last() else { return 0 };
    let pieces = width.div_ceil(block[outer.len()].max(1));
    let rows = program.sinks.len() * outer.iter().product::<usize>() * pieces;
    (rows * size_of::<&mut [u8]>() + Grid::new(*tile, *block).counts().count() * BLOCK_NOTES) as u64
}

/// The largest tile: extents differ only at the ends of each axis, where edges fold and units are cut.
pub fn worst_tile(program: &Program, sweep: &Sweep, block: Option<&Dims>) -> Result<TileBytes> {
    let mut worst = TileBytes::default();
    let rank = sweep.grid.shape.len();
    let middle: Dims = sweep.counts().iter().map(|n| n / 2).collect();
    let mut index = middle;
    for axis in 0..rank {
        let mut best = (0, index[axis]);
        for place in sweep.telling(axis) {
            let bytes = tile_bytes(program, &sweep.at(&index.with(axis, place)), block)?;
            if bytes.total() > best.0 {
                best = (bytes.total(), place);
            }
        }
        index[axis] = best.1;
    }
    if sweep.tiles() > 0 {
        worst = tile_bytes(program, &sweep.at(&index), block)?;
    }
    Ok(worst)
}
