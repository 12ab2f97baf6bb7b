//! What a device makes of a reduction's blocks, and the states that come of it: those that the CPU takes of the elements.
//! It does not know devices.

use super::float_state::Double;
use super::reduced::Reduced;
use super::reductions::{Goal, Keeping, Reduction};
use crate::error::{Error, Result};
use crate::graph::{BlockFold, Fold, FoldedBlocks};
use crate::grid::{Dims, Region};
use crate::with_plain_type;

impl Reduction {
    /// What is made of each block; why nothing, where the numbers are too wide.
    pub(super) fn block_fold(&self) -> std::result::Result<BlockFold, String> {
        let greatest = matches!(self.goal, Goal::Greatest | Goal::GreatestPlace);
        match self.keeping {
            _ if self.dtype.size() == 8 => Err(format!("{}: GPUs have no 64-bit numbers", self.dtype)),
            Keeping::Key => Ok(BlockFold::Extreme { greatest }),
            Keeping::Place => Ok(BlockFold::Place { greatest }),
            Keeping::Wide => Err("squares of 64-bit integers are summed in 256 bits".to_owned()),
            Keeping::Integer if self.needs_squares() && self.dtype.size() == 4 => {
                Err(format!("squares of {} are summed in 128 bits", self.dtype))
            }
            Keeping::Integer => Ok(BlockFold::WholeSum { squares: self.needs_squares() }),
            Keeping::Exact | Keeping::InOrder if self.needs_squares() => Err("squares of floats are summed in f64".to_owned()),
            Keeping::Exact | Keeping::InOrder => Ok(BlockFold::SingleSum),
        }
    }

    /// The states of a box's outputs.
    pub(super) fn states_of(&self, blocks: &FoldedBlocks<'_>, region: &Region) -> Result<Vec<u8>> {
        let goal = self.kept(&region.shape);
        let mut state = self.start(goal.count());
        let size = self.state_bytes();
        let outputs = self.kept(&blocks.grid.counts);
        let mut own = |block: &Dims, part: &mut dyn FnMut(&mut [u8])| {
            let at: Dims = (0..block.len()).map(|a| if self.axes.contains(&a) { 0 } else { block[a] }).collect();
            let place = outputs.linear_of(&at) * size;
            part(&mut state[place..place + size]);
        };
        match self.keeping {
            Keeping::Integer if self.needs_squares() => {
                blocks.each(|block, [low, high, square_low, square_high]| {
                    let square = u128::from(wide(square_low, square_high));
                    own(block, &mut |state| self.join_one(state, &whole_state(wide(low, high).cast_signed().into(), square)));
                })?;
            }
            Keeping::Wide => return Err(Error::bug("a GPU folded 64-bit numbers")),
            Keeping::Integer => blocks.each(|block, [low, high]| {
                own(block, &mut |state| self.join_one(state, &whole_state(wide(low, high).cast_signed().into(), 0)));
            })?,
            Keeping::Exact | Keeping::InOrder => blocks.each(|block, [bits]| {
                let sum = Double::of(f32::from_bits(bits).into());
                own(block, &mut |state| self.add_totals(state, [sum, Double::default()]));
            })?,
            Keeping::Key => blocks.each(|block, [bits]| {
                own(block, &mut |state| self.join_one(state, &self.key_of(bits).to_ne_bytes()));
            })?,
            Keeping::Place => blocks.each(|block, [bits, at]| {
                let place = self.place_in(&blocks.grid.block, block, at, region);
                let part = [self.key_of(bits).to_ne_bytes(), place.to_ne_bytes()].concat();
                own(block, &mut |state| self.join_one(state, &part));
            })?,
        }
        Ok(state)
    }

    /// The ordered key of an element's bits.
    fn key_of(&self, bits: u32) -> u64 {
        let least = matches!(self.goal, Goal::Least | Goal::LeastPlace);
        let by_place = self.keeping == Keeping::Place;
        let bytes = u64::from(bits).to_le_bytes();
        with_plain_type!(self.dtype, T => {
            let element: T = bytemuck::pod_read_unaligned(&bytes[..size_of::<T>()]);
            if by_place { element.place_key(least) } else { element.key(least) }
        })
    }

    /// The flat index over the reduced axes of element `at` of a block.
    fn place_in(&self, extents: &Dims, block: &Dims, at: u32, region: &Region) -> u64 {
        let inside = extents.index_of(at as usize);
        let index: Dims = (0..block.len()).map(|a| block[a] * extents[a] + inside[a]).collect();
        self.place_of(&index, region)
    }
}

fn wide(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn whole_state(sum: i128, squares: u128) -> [u8; 32] {
    let mut state = [0; 32];
    state[..16].copy_from_slice(&sum.to_ne_bytes());
    state[16..].copy_from_slice(&squares.to_ne_bytes());
    state
}
