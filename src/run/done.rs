//! Which parts of an output were written before: boxes, joined where they meet, so that a sweep's past is a few of them.
//! It does not know who wrote them.

use crate::grid::{Grid, Region, indices};

/// A set of boxes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Done(Vec<Region>);

impl Done {
    /// The set of these boxes.
    #[must_use]
    pub fn of(mut boxes: Vec<Region>) -> Done {
        boxes.sort_by_key(|part| part.start.to_vec());
        let mut done = Done::default();
        boxes.into_iter().for_each(|part| done.add(part));
        // Boxes that met nothing when they came may meet what grew since.
        let grown = std::mem::take(&mut done.0);
        grown.into_iter().for_each(|part| done.add(part));
        done
    }

    fn add(&mut self, part: Region) {
        let mut part = part;
        while let Some(last) = self.0.last() {
            let Some(both) = joined(last, &part) else { break };
            self.0.pop();
            part = both;
        }
        self.0.push(part);
    }

    /// Whether nothing is done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of a box is done; `units` are the boxes that are done whole or not at all.
    #[must_use]
    pub fn covers(&self, part: &Region, units: &Grid) -> bool {
        let holds = |part: &Region| self.0.iter().any(|done| done.contains(part));
        holds(part) || !self.0.is_empty() && indices(units.touching(part)).all(|index| holds(&units.region(&index)))
    }
}

/// Two boxes as one, where they differ along one axis only and meet there.
fn joined(first: &Region, second: &Region) -> Option<Region> {
    if first.contains(second) {
        return Some(*first);
    }
    let differs = |axis: &usize| first.range(*axis) != second.range(*axis);
    let mut axes = (0..first.shape.len()).filter(differs);
    let (axis, None) = (axes.next()?, axes.next()) else { return None };
    let (a, b) = (first.range(axis), second.range(axis));
    (a.end == b.start).then(|| Region { start: first.start, shape: first.shape.with(axis, b.end - a.start) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Dims;

    #[test]
    fn a_sweep_is_one_box_and_holes_are_seen() {
        let grid = Grid::new(Dims::from([5, 7, 9]), Dims::from([2, 3, 4]));
        let all: Vec<Region> = indices(Region::whole(grid.counts())).map(|index| grid.region(&index)).collect();
        let whole = Done::of(all.iter().rev().copied().collect());
        assert_eq!(whole.0, [Region::whole(grid.shape)]);
        for hole in 0..all.len() {
            let rest: Vec<Region> = all.iter().enumerate().filter(|(k, _)| *k != hole).map(|(_, r)| *r).collect();
            let done = Done::of(rest);
            assert!(done.0.len() <= 6, "{:?}", done.0);
            for (number, part) in all.iter().enumerate() {
                assert_eq!(done.covers(part, &grid), number != hole);
            }
            assert!(!done.covers(&Region::whole(grid.shape), &grid));
        }
        assert!(!Done::default().covers(&all[0], &grid) && Done::default().is_empty());
    }
}
