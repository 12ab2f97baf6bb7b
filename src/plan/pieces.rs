//! Units held in pieces: a tile further along an axis often reads only the end of a unit, so that what lies before it can go as soon as no
//! tile here reads it any more.
//! It does not know which pieces are held; that is the flow's.

use super::touch::UnitKey;
use crate::grid::{Grid, Region};

/// The most pieces that a unit is held in.
pub(super) const MOST: usize = 8;

/// How the units of an input are held in pieces: of so many elements along one axis, which divide a unit's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The axis.
    pub axis: usize,
    /// A piece's extent along it.
    pub extent: usize,
}

impl Cut {
    /// The pieces that let everything before the first element go that tiles further on read, or nearly: that element lies `at` in
    /// a unit of `unit` elements, and moves on by `step` from tile to tile. None where only whole units go.
    #[must_use]
    pub fn along(axis: usize, unit: usize, at: usize, step: usize) -> Option<Cut> {
        let common = common_divisor(common_divisor(unit, at), step);
        let divides = |extent: &usize| unit.is_multiple_of(*extent) && unit / extent <= MOST;
        let extent = if divides(&common) { common } else { (1..=unit).find(divides)? };
        (extent < unit).then_some(Cut { axis, extent })
    }

    /// The grid of the pieces of these units.
    #[must_use]
    pub fn grid(&self, units: &Grid) -> Grid {
        Grid::new(units.shape, units.unit.with(self.axis, self.extent))
    }

    /// The unit that a piece is a part of.
    #[must_use]
    pub fn unit_of(&self, units: &Grid, (input, piece): UnitKey) -> UnitKey {
        let index = self.grid(units).counts().index_of(piece);
        (input, units.counts().linear_of(&index.with(self.axis, index[self.axis] * self.extent / units.unit[self.axis])))
    }

    /// The pieces of a unit, each with the part of the unit that it is.
    pub fn pieces_of(&self, units: &Grid, (input, unit): UnitKey) -> impl Iterator<Item = (UnitKey, Region)> + use<> {
        let (pieces, axis) = (self.grid(units), self.axis);
        let index = units.counts().index_of(unit);
        let region = units.region(&index);
        let first = region.start[axis] / self.extent;
        let count = region.shape[axis].div_ceil(self.extent);
        (first..first + count).map(move |place| {
            let index = index.with(axis, place);
            ((input, pieces.counts().linear_of(&index)), pieces.region(&index).relative_to(&region.start))
        })
    }
}

/// The greatest common divisor; of 0 and a number the number.
pub(super) fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Dims;

    #[test]
    fn pieces_end_where_later_tiles_begin_to_read() {
        assert_eq!(Cut::along(0, 16, 8, 16), Some(Cut { axis: 0, extent: 8 }));
        assert_eq!(Cut::along(0, 64, 60, 64), Some(Cut { axis: 0, extent: 8 }), "eight pieces at most");
        assert_eq!(Cut::along(0, 16, 0, 16), None, "units go whole");
        assert_eq!(Cut::along(0, 1, 0, 4), None);
        assert_eq!(Cut::along(0, 13, 5, 13), None, "a prime number of planes has no parts but single ones");
    }

    #[test]
    fn pieces_make_their_units() {
        let units = Grid::new(Dims::from([21, 10, 7]), Dims::from([8, 4, 7]));
        let cut = Cut { axis: 0, extent: 2 };
        let mut seen = 0;
        for unit in 0..units.counts().count() {
            let whole = units.region(&units.counts().index_of(unit)).shape;
            let mut elements = 0;
            for (piece, part) in cut.pieces_of(&units, (3, unit)) {
                assert_eq!(cut.unit_of(&units, piece), (3, unit));
                assert!(Region::whole(whole).contains(&part));
                elements += part.shape.count();
                seen += 1;
            }
            assert_eq!(elements, whole.count());
        }
        assert_eq!(seen, cut.grid(&units).counts().count());
    }
}
