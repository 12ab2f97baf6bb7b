//! The partial states of a tile's blocks: joined as they are made where their order does not matter, so that a tile holds one state for
//! each of its outputs however many blocks it has along the reduced axes.
//! It does not know how blocks are computed.

use super::Partial;
use crate::error::{Error, Result};
use crate::graph::Fold;
use crate::grid::{Dims, Region, indices};
use crate::plan::Program;
use std::sync::{Mutex, PoisonError};

/// The states of a tile.
pub(super) struct Gathered<'p> {
    program: &'p Program,
    tile: Region,
    /// Of each fold; none where blocks are kept apart.
    states: Vec<Option<Mutex<Vec<u8>>>>,
}

impl<'p> Gathered<'p> {
    /// The states of a tile of so many blocks; of one block there is nothing to join.
    pub fn new(program: &'p Program, tile: Region, blocks: usize) -> Gathered<'p> {
        let state = |fold: &dyn Fold| {
            let joins = blocks > 1 && !fold.in_order();
            joins.then(|| Mutex::new(fold.start(kept(&tile.shape, &fold.axes()).count())))
        };
        Gathered { program, tile, states: program.folds.iter().map(|end| state(&*end.fold)).collect() }
    }

    /// Joins the partial states of a block; gives those that are kept apart.
    pub fn join(&self, partials: Vec<Partial>) -> Result<Vec<Partial>> {
        let mut apart = Vec::new();
        for partial in partials {
            match self.states.get(partial.fold) {
                Some(Some(state)) => {
                    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                    let fold = &*self.program.folds[partial.fold].fold;
                    join_at(fold, &mut state, &self.tile, &partial)?;
                }
                Some(None) => apart.push(partial),
                None => return Err(Error::bug("a partial of no fold")),
            }
        }
        Ok(apart)
    }

    /// The partial states of the tile; those that were kept apart in the order of their blocks.
    pub fn all(self, apart: impl Iterator<Item = Partial>) -> Vec<Partial> {
        let region = self.tile;
        let joined = self.states.into_iter().enumerate().filter_map(|(fold, state)| {
            let state = state?.into_inner().unwrap_or_else(PoisonError::into_inner);
            Some(Partial { fold, region, state })
        });
        joined.chain(apart).collect()
    }
}

/// The extents that are not reduced.
fn kept(shape: &Dims, axes: &[usize]) -> Dims {
    (0..shape.len()).filter(|axis| !axes.contains(axis)).map(|axis| shape[axis]).collect()
}

/// Joins the state of a box into that of a larger one.
fn join_at(fold: &dyn Fold, state: &mut [u8], whole: &Region, partial: &Partial) -> Result<()> {
    let axes = fold.axes();
    let inside = partial.region.relative_to(&whole.start);
    let inside = Region { start: kept(&inside.start, &axes), shape: kept(&inside.shape, &axes) };
    let extents = kept(&whole.shape, &axes);
    fold.join(state, &partial.state, &mut indices(inside).map(|index| extents.linear_of(&index)))
}
