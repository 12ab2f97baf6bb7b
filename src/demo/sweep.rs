//! The best that one threshold of the raw stack can do: its local maxima above it, scored for every threshold.
//! It does not filter; it holds three planes and a bounded list of the highest maxima.

use crate::demo::score::{Matching, Score, Tolerance};
use crate::error::{Error, Result};
use std::collections::VecDeque;

/// The neighbourhood of a local maximum reaches this far in z, y, x: 3 × 7 × 7 voxels.
const REACH: [usize; 3] = [1, 3, 3];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Maximum {
    value: u16,
    place: [u32; 3],
}

/// Collects local maxima while the planes go by and then finds the threshold of the best F1.
pub struct ThresholdSweep {
    plane: [usize; 2],
    limit: usize,
    planes: VecDeque<Vec<u16>>,
    /// How many planes were fed.
    fed: usize,
    maxima: Vec<Maximum>,
    /// Maxima below this are beyond the limit already.
    floor: u16,
}

impl ThresholdSweep {
    /// For planes of `[rows, columns]`; keeps the 200 000 highest maxima, or twice as many for a moment (6 MiB).
    #[must_use]
    pub fn new(plane: [usize; 2]) -> Self {
        Self::keeping(plane, 200_000)
    }

    /// The same with another bound on the maxima kept.
    #[must_use]
    pub fn keeping(plane: [usize; 2], limit: usize) -> Self {
        let limit = limit.max(1);
        ThresholdSweep { plane, limit, planes: VecDeque::new(), fed: 0, maxima: Vec::new(), floor: 0 }
    }

    /// Takes the next plane.
    ///
    /// # Errors
    /// A plane of another size.
    pub fn feed(&mut self, plane: &[u16]) -> Result<()> {
        let [rows, columns] = self.plane;
        if plane.len() != rows.saturating_mul(columns) {
            let what = format!("plane {} has {} pixels, expected {rows} x {columns}", self.fed, plane.len());
            return Err(Error::bug(what));
        }
        let mut kept = if self.planes.len() == 3 { self.planes.pop_front().unwrap_or_default() } else { Vec::new() };
        kept.clear();
        kept.extend_from_slice(plane);
        self.planes.push_back(kept);
        self.fed += 1;
        if self.planes.len() >= 2 {
            self.collect(self.planes.len() - 2);
        }
        Ok(())
    }

    /// The threshold whose maxima at or above it have the best F1, and their score. Every threshold is tried, as far
    /// down as the list reaches.
    #[must_use]
    pub fn best(mut self, truth: &[[f64; 3]], within: Tolerance) -> (u16, Score) {
        if let Some(last) = self.planes.len().checked_sub(1) {
            self.collect(last);
        }
        self.shorten();
        let mut matching = Matching::new(truth, within);
        let mut best = (u16::MAX, matching.score());
        for (n, maximum) in self.maxima.iter().enumerate() {
            matching.add(maximum.place.map(f64::from));
            let is_cut = self.maxima.get(n + 1).is_none_or(|next| next.value != maximum.value);
            if is_cut && matching.score().f1() > best.1.f1() {
                best = (maximum.value, matching.score());
            }
        }
        best
    }

    /// Lists the maxima of the plane at this place of the window.
    fn collect(&mut self, at: usize) {
        let newest = self.planes.len() - 1;
        let z = self.fed - 1 - (newest - at);
        let before = at.checked_sub(REACH[0]).and_then(|n| self.planes.get(n));
        let after = self.planes.get(at + REACH[0]);
        let here = &self.planes[at];
        let columns = self.plane[1];
        for (n, value) in here.iter().enumerate().filter(|(_, value)| **value >= self.floor) {
            let (y, x) = (n / columns, n % columns);
            let tops =
                |plane: Option<&Vec<u16>>, ties_from| plane.is_none_or(|p| is_top(p, self.plane, [y, x], *value, ties_from));
            if tops(Some(here), n) && tops(after, 0) && tops(before, usize::MAX) {
                self.maxima.push(Maximum { value: *value, place: [z as u32, y as u32, x as u32] });
            }
        }
        if self.maxima.len() > self.limit.saturating_mul(2) {
            self.shorten();
        }
    }

    /// Puts the highest maxima first, ties in C order, and drops those beyond the limit.
    fn shorten(&mut self) {
        self.maxima.sort_unstable_by_key(|m| (std::cmp::Reverse(m.value), m.place));
        if let Some(first_dropped) = self.maxima.get(self.limit) {
            // A threshold takes all maxima of one value or none: the value that straddles the limit goes whole.
            let value = first_dropped.value;
            self.floor = value.saturating_add(1);
            self.maxima.retain(|m| m.value > value);
        }
    }
}

/// Whether no pixel of the neighbourhood in one plane is above `value`, nor equal to it before number `ties_from`: of
/// equal neighbours the first in C order is the maximum.
fn is_top(plane: &[u16], [rows, columns]: [usize; 2], [y, x]: [usize; 2], value: u16, ties_from: usize) -> bool {
    let (left, right) = (x.saturating_sub(REACH[2]), (x + REACH[2] + 1).min(columns));
    (y.saturating_sub(REACH[1])..(y + REACH[1] + 1).min(rows)).all(|row| {
        let first = row * columns + left;
        let near = plane.get(first..row * columns + right).unwrap_or_default();
        near.iter().zip(first..).all(|(other, at)| *other < value || *other == value && at >= ties_from)
    })
}
