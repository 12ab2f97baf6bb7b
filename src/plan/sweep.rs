//! A sweep: the tiles of a domain one after another, as functions of their number. No list of tiles exists.
//! It does not know what a tile costs.

use crate::grid::{Dims, Grid, Region};

/// Tiles over a domain, axis by axis. Where a tile lies is told by *places*: one a axis, in the order of the sweep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sweep {
    /// The domain and the extents of a tile.
    pub grid: Grid,
    /// The axes, the slowest first.
    order: Dims,
}

impl Sweep {
    /// Tiles of these extents in C order, the last axis fastest.
    #[must_use]
    pub fn new(domain: Dims, tile: Dims) -> Sweep {
        Sweep { grid: Grid::new(domain, tile), order: (0..domain.len()).collect() }
    }

    /// The same order with tiles of other extents.
    #[must_use]
    pub fn with_tile(&self, tile: Dims) -> Sweep {
        Sweep { grid: Grid::new(self.grid.shape, tile), order: self.order }
    }

    /// The same tiles with these axes last, in this order: they are walked before any other moves.
    #[must_use]
    pub fn innermost(&self, axes: &[usize]) -> Sweep {
        let others = self.order.iter().filter(|axis| !axes.contains(axis));
        Sweep { grid: self.grid, order: others.chain(axes).copied().collect() }
    }

    /// The axes, the slowest first.
    #[must_use]
    pub fn order(&self) -> &Dims {
        &self.order
    }

    /// How many tiles there are.
    #[must_use]
    pub fn tiles(&self) -> usize {
        self.grid.counts().count()
    }

    /// How many tiles there are along each axis, in the order of the sweep.
    #[must_use]
    pub fn counts(&self) -> Dims {
        let counts = self.grid.counts();
        self.order.iter().map(|axis| counts[*axis]).collect()
    }

    /// The region of the tile at these places.
    #[must_use]
    pub fn at(&self, places: &Dims) -> Region {
        let mut index = *places;
        for (axis, place) in self.order.iter().zip(places.iter()) {
            index[*axis] = *place;
        }
        self.grid.region(&index)
    }

    /// The region of tile `number`.
    #[must_use]
    pub fn region(&self, number: usize) -> Region {
        self.at(&self.counts().index_of(number))
    }

    /// The number of the tile that an element lies in.
    #[must_use]
    pub fn number_at(&self, element: &Dims) -> usize {
        let index = element.zip_with(&self.grid.unit, |at, extent| at / extent.max(1));
        let places: Dims = self.order.iter().map(|axis| index[*axis]).collect();
        self.counts().linear_of(&places)
    }

    /// A few places along the axis that comes at `position` in the order, that between them show every kind of tile: both ends and
    /// the middle.
    #[must_use]
    pub fn telling(&self, position: usize) -> Vec<usize> {
        let n = self.grid.counts()[self.order[position]];
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
        let index: Dims = self.grid.counts().iter().map(|n| n / 2).collect();
        self.grid.region(&index)
    }

    /// What of the axes that are not among `reduced` is done when the last of the tiles beside `tile` is: its own part of them, if all
    /// tiles that differ only along `reduced` follow one another; else all of them.
    #[must_use]
    pub fn panel(&self, tile: &Region, reduced: &[usize]) -> Region {
        let counts = self.grid.counts();
        let last = self.order.iter().rposition(|axis| !reduced.contains(axis) && counts[*axis] > 1);
        let first = self.order.iter().position(|axis| reduced.contains(axis) && counts[*axis] > 1);
        let follow = counts.count() > 0 && last.zip(first).is_none_or(|(last, first)| last < first);
        let part = if follow { *tile } else { Region::whole(self.grid.shape) };
        let kept = |extents: &Dims| (0..extents.len()).filter(|axis| !reduced.contains(axis)).map(|axis| extents[axis]).collect();
        Region { start: kept(&part.start), shape: kept(&part.shape) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_lies_in_the_tile_of_its_number() {
        let domain = Dims::from(&[5, 7, 4][..]);
        for sweep in
            [Sweep::new(domain, Dims::from(&[2, 3, 4][..])), Sweep::new(domain, Dims::from(&[2, 3, 1][..])).innermost(&[0, 2])]
        {
            for number in 0..sweep.tiles() {
                let Region { start, shape } = sweep.region(number);
                let last = start.zip_with(&shape, |start, extent| start + extent - 1);
                assert_eq!((sweep.number_at(&start), sweep.number_at(&last)), (number, number), "{sweep:?}");
            }
        }
        assert_eq!(Sweep::new(Dims::default(), Dims::default()).number_at(&Dims::default()), 0);
    }
}
