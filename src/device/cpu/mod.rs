//! The CPU: a tile is cut into blocks that fit a worker's cache; each block runs every step of the pass.
//! It makes no threads: it uses the pool that it is called in.

pub(super) mod block;
mod lanes;
pub mod line;
mod tape;
mod ways;

#[cfg(feature = "gpu")]
pub(super) use lanes::Number;
pub use ways::way;

use super::{Device, Host, InputData, Launched, Partial};
use crate::error::Result;
use crate::grid::{Dims, Grid, Region, indices};
use crate::plan::{Pass, Program};
use crate::tile::{Tile, View};
use block::{BlockValues, Scratch};
use rayon::prelude::*;
use std::sync::Mutex;
use std::time::Instant;

/// The CPU device. Workers' scratch is kept between the blocks of a pass.
#[derive(Default)]
pub struct Cpu {
    scratch: Mutex<Vec<Scratch>>,
    /// Runs every window by its meaning and no fast path: the oracle of the tests.
    meanings_only: bool,
}

impl Cpu {
    /// A CPU that uses no fast path: slow, and what the fast paths are judged by.
    #[must_use]
    pub fn by_meaning() -> Cpu {
        Cpu { scratch: Mutex::default(), meanings_only: true }
    }

    fn borrow(&self) -> Scratch {
        self.scratch.lock().ok().and_then(|mut all| all.pop()).unwrap_or_default()
    }

    fn give_back(&self, scratch: Scratch) {
        if let Ok(mut all) = self.scratch.lock() {
            all.push(scratch);
        }
    }
}

/// A block of a tile: where it lies, and the rows of each sink's tile that it writes.
struct Job<'t> {
    region: Region,
    rows: Vec<Vec<&'t mut [u8]>>,
}

impl Device for Cpu {
    fn launch(&self, pass: &Pass, tile: &Region, inputs: &[InputData<'_>], host: Host<'_>) -> Result<Launched> {
        let begun = Instant::now();
        let program = &pass.program;
        let grid = Grid::new(tile.shape, pass.block);
        let mut tiles: Vec<Tile> = Vec::with_capacity(program.sinks.len());
        for sink in &program.sinks {
            tiles.push(Tile::zeroed(program.info(sink.value)?.dtype, tile.shape));
        }
        let mut jobs: Vec<Job<'_>> = indices(Region::whole(grid.counts()))
            .map(|index| Job { region: moved(&grid.region(&index), &tile.start), rows: Vec::new() })
            .collect();
        for out in &mut tiles {
            for (job, rows) in jobs.iter_mut().zip(rows_of_blocks(out, &grid)) {
                job.rows.push(rows);
            }
        }
        let alone = begun.elapsed().as_secs_f64();
        let timed = |job: Job<'_>| {
            host.pulse.check()?;
            (host.between)();
            let (begun, elements) = (Instant::now(), job.region.shape.count());
            let partials = self.run(program, job, inputs)?;
            host.pulse.made(elements);
            Ok((partials, begun.elapsed().as_secs_f64()))
        };
        let done: Vec<(Vec<Partial>, f64)> = jobs.into_par_iter().map(timed).collect::<Result<_>>()?;
        let busy = Some(alone + done.iter().map(|(_, seconds)| seconds).sum::<f64>());
        Ok(Launched { tiles, partials: done.into_iter().flat_map(|(partials, _)| partials).collect(), busy })
    }

    fn rest(&self) {
        if let Ok(mut all) = self.scratch.lock() {
            all.clear();
        }
    }
}

impl Cpu {
    /// Computes one block on the thread that asks, whatever tile it belongs to.
    ///
    /// # Errors
    /// A fault of a kernel or of the plan.
    pub fn block(&self, program: &Program, block: &Region, inputs: &[InputData<'_>]) -> Result<Launched> {
        let mut tiles: Vec<Tile> = Vec::with_capacity(program.sinks.len());
        for sink in &program.sinks {
            tiles.push(Tile::zeroed(program.info(sink.value)?.dtype, block.shape));
        }
        let grid = Grid::new(block.shape, block.shape);
        let rows = tiles.iter_mut().flat_map(|tile| rows_of_blocks(tile, &grid)).collect();
        let partials = self.run(program, Job { region: *block, rows }, inputs)?;
        Ok(Launched { tiles, partials, busy: None })
    }

    fn run(&self, program: &Program, mut job: Job<'_>, inputs: &[InputData<'_>]) -> Result<Vec<Partial>> {
        let mut scratch = self.borrow();
        let values = BlockValues::compute(program, &job.region, inputs, &mut scratch, self.meanings_only)?;
        for (sink, rows) in program.sinks.iter().zip(&mut job.rows) {
            copy_rows(&values.view(sink.value, &job.region)?, rows);
        }
        let mut partials = Vec::with_capacity(program.folds.len());
        for (fold, end) in program.folds.iter().enumerate() {
            let state = end.fold.take(&values.view(end.value, &job.region)?, &job.region)?;
            partials.push(Partial { fold, region: job.region, state });
        }
        values.give_back(&mut scratch);
        self.give_back(scratch);
        Ok(partials)
    }
}

/// A region moved by the start of what it is relative to.
pub(super) fn moved(region: &Region, by: &Dims) -> Region {
    Region { start: region.start.zip_with(by, |a, b| a + b), shape: region.shape }
}

/// Shares the rows of a tile out to the blocks of a grid over it, each block's rows in C order.
fn rows_of_blocks<'t>(tile: &'t mut Tile, grid: &Grid) -> Vec<Vec<&'t mut [u8]>> {
    let size = tile.dtype.size();
    let counts = grid.counts();
    let rows = |index: Dims| grid.region(&index).shape.split_last().map_or(1, |(_, outer)| outer.iter().product());
    let mut blocks: Vec<Vec<&mut [u8]>> = indices(Region::whole(counts)).map(|index| Vec::with_capacity(rows(index))).collect();
    let Some((width, outer)) = tile.shape.split_last() else {
        blocks.iter_mut().for_each(|_| {});
        if let Some(block) = blocks.first_mut() {
            block.push(tile.data.bytes_mut());
        }
        return blocks;
    };
    let outer = Dims::from(outer);
    let last = outer.len();
    let piece = grid.unit[last] * size;
    for (number, row) in tile.data.bytes_mut().chunks_mut((*width * size).max(1)).enumerate() {
        let at = outer.index_of(number);
        let first: Dims = (0..last).map(|a| at[a] / grid.unit[a]).chain([0]).collect();
        let first = counts.linear_of(&first);
        for (x, part) in row.chunks_mut(piece).enumerate() {
            blocks[first + x].push(part);
        }
    }
    blocks
}

/// Copies a view's rows into rows.
fn copy_rows(view: &View<'_>, rows: &mut [&mut [u8]]) {
    let size = view.dtype.size();
    let (outer, row) = crate::tile::rows_of(&view.shape);
    let mut rows = rows.iter_mut();
    crate::tile::each_row(&outer, (view.offset, &view.strides), (0, &[0; crate::grid::MAX_RANK]), |source, _| {
        if let Some(target) = rows.next() {
            target.copy_from_slice(&view.bytes[source * size..(source + row) * size]);
        }
    });
}
