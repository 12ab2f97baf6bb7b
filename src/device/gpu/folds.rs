//! Reductions of blocks on the device: what their kernel is told, and the states that come of its words.
//! It does not know how words come and go.

use super::words::{Parameters, Place, Words};
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::graph::{BlockGrid, FoldedBlocks};
use crate::grid::{Boxes, Region};
use crate::plan::schedule::{Laid, QUAD, Schedule};
use crate::plan::{FoldEnd, Program};
use crate::tile::Buffer;

/// The blocks of a fold in what a schedule computes.
fn grid_of(plan: &Schedule, end: &FoldEnd) -> BlockGrid {
    BlockGrid::new(&end.fold.axes(), &plan.block.shape, QUAD)
}

/// What the kernel of a fold is told: the offset of its parameters in bytes, the workgroups.
pub fn parameters(plan: &Schedule, program: &Program, fold: usize, words: &mut Words) -> Result<(u32, [u32; 3])> {
    let end = program.folds.get(fold).ok_or_else(|| Error::bug("a kernel of no fold"))?;
    let (grid, laid, shape) = (grid_of(plan, end), &plan.buffers[end.value], &plan.block.shape);
    let rank = shape.len();
    let at = laid.offset_of(&plan.block).ok_or_else(|| Error::bug("a fold's value does not hold its block"))?;
    let elements = Place::new(laid, &at, &vec![false; rank]);
    let blocks = Region::whole(grid.counts);
    let goal = Laid::new(&Boxes::one(&blocks), Dtype::U32);
    let told = Parameters {
        goal: Place::new(&goal, &blocks.start, &vec![false; rank]),
        reads: vec![elements.times(&grid.block), elements, Place::of(&grid.block), Place::of(shape)],
        extra: [u32::try_from(grid.plane()).map_err(|_| Error::bug("more blocks than a word counts"))?, 0, 0, 0],
    };
    if end.is_along_x(rank) { Ok(words.rows_of_blocks(&grid.counts, &told)) } else { Ok(words.parameters(&grid.counts, &told)) }
}

/// The state of a fold out of what the device made of its blocks.
pub fn state(plan: &Schedule, end: &FoldEnd, made: &Buffer) -> Result<Vec<u8>> {
    let words = bytemuck::try_cast_slice(made.bytes()).map_err(|_| Error::bug("words that are not aligned"))?;
    end.fold.take_blocks(&FoldedBlocks { grid: grid_of(plan, end), words }, &plan.block)
}
