//! A sweep: the tiles of a domain in C order, as functions of their number. No list of tiles exists.
//! It does not know what a tile costs.

use crate::grid::{Dims, Grid, Region};

/// Tiles over a domain, the last axis fastest: the order in which index-order folds may be joined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sweep {
    /// The domain and the extents of a tile.
    pub grid: Grid,
}

impl Sweep {
    /// How many tiles there are.
    #[must_use]
    pub fn tiles(&self) -> usize {
        self.grid.counts().count()
    }

    /// The region of tile `number`.
    #[must_use]
    pub fn region(&self, number: usize) -> Region {
        self.grid.region(&self.grid.counts().index_of(number))
    }

    /// A few tile indices along one axis that between them show every kind of tile: both ends and the middle.
    #[must_use]
    pub fn telling(&self, axis: usize) -> Vec<usize> {
        let n = self.grid.counts()[axis];
        let mut places: Vec<usize> = [0, 1, n.saturating_sub(1) / 2, n / 2, n.saturating_sub(2), n.saturating_sub(1)]
            .into_iter()
            .filter(|i| *i < n)
            .collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// A block of these extents, at most a tile's, as far from the array's edges as it can be: nowhere does one read more.
    #[must_use]
    pub fn block(&self, extents: &Dims) -> Region {
        let shape = extents.zip_with(&self.grid.unit, usize::min).zip_with(&self.grid.shape, usize::min);
        Region { start: self.grid.shape.zip_with(&shape, |n, s| (n - s) / 2), shape }
    }

    /// A tile in the middle: the usual one.
    #[must_use]
    pub fn middle(&self) -> Region {
        let counts = self.grid.counts();
        let index: Dims = counts.iter().map(|n| n / 2).collect();
        self.grid.region(&index)
    }
}
