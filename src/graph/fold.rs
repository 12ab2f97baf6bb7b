//! Reductions as the engine runs them: states that are taken of boxes, joined and finished; and what a device may make of
//! a block in their place. It does not know which reductions there are.

use crate::error::{Error, Result};
use crate::grid::{Dims, Region, indices};
use crate::tile::{Tile, View};

/// A reduction. Its state is a tile of plain numbers, one or a few planes per output element.
/// Its `Debug` tells all that its results depend on.
pub trait Fold: Send + Sync + std::fmt::Debug {
    /// The reduced axes, ascending.
    fn axes(&self) -> Vec<usize>;
    /// Elements of one anchored block along each reduced axis, where the order of additions matters; else 1.
    fn block(&self, axis: usize, rank: usize) -> usize;
    /// Whether partial states must be joined in index order along the reduced axes.
    fn in_order(&self) -> bool;
    /// Bytes of state per output element.
    fn state_bytes(&self) -> usize;
    /// The state of nothing, for an output of this many elements.
    fn start(&self, outputs: usize) -> Vec<u8>;
    /// Folds a box of the input (`region` of the whole) into a state of its own outputs.
    ///
    /// # Errors
    /// A fault of the op.
    fn take(&self, input: &View<'_>, region: &Region) -> Result<Vec<u8>>;
    /// Joins a partial state into a box of the whole state: `places` maps partial outputs to whole outputs.
    ///
    /// # Errors
    /// A fault of the op.
    fn join(&self, state: &mut [u8], partial: &[u8], places: &mut dyn Iterator<Item = usize>) -> Result<()>;
    /// The result out of the whole state; `count` elements went into each output.
    ///
    /// # Errors
    /// A reduction of nothing that has no value.
    fn finish(&self, state: &[u8], count: u64, out: &mut Tile) -> Result<()>;
    /// What it does, for explanations.
    fn words(&self) -> String;
    /// What a device may make of each block instead of handing over its elements; else why it may not.
    ///
    /// # Errors
    /// The reason, for explanations.
    fn on_blocks(&self) -> std::result::Result<BlockFold, String> {
        Err("no kernel for this reduction".to_owned())
    }
    /// The state of a box out of what a device made of its blocks: bit for bit what [`Fold::take`] gives.
    ///
    /// # Errors
    /// A fold that has no such blocks.
    fn take_blocks(&self, _blocks: &FoldedBlocks<'_>, _region: &Region) -> Result<Vec<u8>> {
        Err(Error::bug("blocks of a reduction that makes none"))
    }
}

/// Elements of a block along x where it is reduced, and along each other reduced axis.
const BLOCK: (usize, usize) = (256, 16);

/// The extents of one block of a reduction over `axes`: 1 along those that are kept.
#[must_use]
pub fn fold_block(axes: &[usize], rank: usize) -> Dims {
    let extent = |axis: usize| match axes.contains(&axis) {
        true if axis + 1 == rank => BLOCK.0,
        true => BLOCK.1,
        false => 1,
    };
    (0..rank).map(extent).collect()
}

/// What a device makes of a block, in words of 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockFold {
    /// The f32 sum: along x 16 running sums, joined by halves, then row after row; where x is kept, element after element.
    SingleSum,
    /// The sum of integers in two words, the lower one first; and that of their squares in two more.
    WholeSum {
        /// Whether squares are summed too.
        squares: bool,
    },
    /// The bits of the least or greatest element; NaN where there is one.
    Extreme {
        /// Which of the two.
        greatest: bool,
    },
    /// The same with zeros of both signs equal, then its first place in the block, counted in C order.
    Place {
        /// Which of the two.
        greatest: bool,
    },
}

impl BlockFold {
    /// Words a block.
    #[must_use]
    pub fn words(self) -> usize {
        match self {
            BlockFold::SingleSum | BlockFold::Extreme { .. } => 1,
            BlockFold::WholeSum { squares: false } | BlockFold::Place { .. } => 2,
            BlockFold::WholeSum { squares: true } => 4,
        }
    }
}

/// How the results of a box's blocks lie: all blocks' first words, then all second ones; rows of blocks padded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockGrid {
    /// The extents of a block.
    pub block: Dims,
    /// Blocks per axis.
    pub counts: Dims,
    /// Words from one row of blocks to the next.
    pub pitch: usize,
}

impl BlockGrid {
    /// The blocks of a box, rows padded to a multiple of `quad`.
    #[must_use]
    pub fn new(axes: &[usize], shape: &Dims, quad: usize) -> BlockGrid {
        let block = fold_block(axes, shape.len());
        let counts = shape.zip_with(&block, usize::div_ceil);
        BlockGrid { block, counts, pitch: counts.last().copied().unwrap_or(1).next_multiple_of(quad) }
    }

    /// Words from all blocks' first words to their second ones.
    #[must_use]
    pub fn plane(&self) -> usize {
        let rows: usize = self.counts.iter().rev().skip(1).product();
        rows * self.pitch
    }
}

/// What a device made of a box's blocks.
pub struct FoldedBlocks<'w> {
    /// Where they lie.
    pub grid: BlockGrid,
    /// The words.
    pub words: &'w [u32],
}

impl FoldedBlocks<'_> {
    /// Calls `each(index of the block, its first words)` in C order.
    ///
    /// # Errors
    /// Fewer words than the grid says.
    pub fn each<const N: usize>(&self, mut each: impl FnMut(&Dims, [u32; N])) -> Result<()> {
        let width = self.grid.counts.last().copied().unwrap_or(1);
        for (number, index) in indices(Region::whole(self.grid.counts)).enumerate() {
            let at = number / width * self.grid.pitch + number % width;
            let mut words = [0; N];
            for (plane, word) in words.iter_mut().enumerate() {
                let found = self.words.get(plane * self.grid.plane() + at);
                *word = *found.ok_or_else(|| Error::bug("fewer words than blocks"))?;
            }
            each(&index, words);
        }
        Ok(())
    }
}
