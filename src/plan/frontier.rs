//! The frontier: decoded units that a sweep keeps because later tiles read them again.
//! It does not know which units are kept at run time; it bounds how many bytes they are.

use super::budget::{unit_grid, units_of};
use super::program::Program;
use super::reach::input_regions;
use super::sweep::Sweep;
use crate::error::Result;
use crate::grid::{Boxes, Dims, Grid, Runs};
use std::collections::BTreeMap;

/// Per axis of the sweep: the bytes to keep so that moving along this axis reads nothing twice, and how often units are
/// read if they are not kept.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Frontier {
    axes: Vec<(u64, f64)>,
}

/// The part of a frontier that is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kept {
    /// Bytes.
    pub bytes: u64,
    /// How often each stored byte is read.
    pub read_factor: f64,
}

impl Frontier {
    /// The frontier of a sweep, from its middle tile and the next one along each axis.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn of(program: &Program, sweep: &Sweep) -> Result<Frontier> {
        let counts = sweep.grid.counts();
        let mut axes = vec![(0, 1.0); counts.len()];
        let middle: Dims = counts.iter().map(|n| n / 2).collect();
        for axis in (0..counts.len()).filter(|a| counts[*a] > 1) {
            let here = middle.with(axis, (middle[axis]).min(counts[axis] - 2));
            let next = here.with(axis, here[axis] + 1);
            axes[axis] = shared(program, sweep, axis, &here, &next)?;
        }
        Ok(Frontier { axes })
    }

    /// Keeps axes from the innermost outward while they fit; the rest is read again.
    #[must_use]
    pub fn fitting(&self, room: u64) -> Kept {
        let mut kept = Kept { bytes: 0, read_factor: 1.0 };
        for (bytes, factor) in self.axes.iter().rev() {
            if kept.bytes.saturating_add(*bytes) <= room {
                kept.bytes += bytes;
            } else {
                kept.read_factor *= factor;
            }
        }
        kept
    }
}

/// What two neighbouring tiles along an axis share, over the whole extents of the faster axes; and what tiles far apart
/// share, where an axis is read backwards or wraps.
fn shared(program: &Program, sweep: &Sweep, axis: usize, here: &Dims, next: &Dims) -> Result<(u64, f64)> {
    let (a, b) = (sweep.grid.region(here), sweep.grid.region(next));
    let (a, b) = (input_regions(program, &a)?, input_regions(program, &b)?);
    let far = sampled(program, sweep, axis, here)?;
    let (mut bytes, mut factor) = (0u64, 1.0f64);
    for input in 0..program.inputs.len() {
        let Some(grid) = unit_grid(program, input) else { continue };
        let (ua, ub) = (units_of(&grid, &a[input]), units_of(&grid, &b[input]));
        let (Some(first), Some(second)) = (ua.first(), ub.first()) else { continue };
        let meet = first.intersection(second).map_or(Dims::filled(grid.shape.len(), 0), |m| m.shape);
        let needs: Vec<&Boxes> = far.iter().map(|needs| &needs[input]).collect();
        let alive: Dims = (0..grid.shape.len()).map(|own| meet[own].max(most_alive(&grid, &needs, own))).collect();
        // Tiles beside these along the faster axes touch more units of every axis that moves with them.
        let whole: u64 = (0..grid.shape.len())
            .map(|own| if moves_with(own, axis, grid.shape.len(), here.len()) { grid.counts()[own] } else { alive[own] } as u64)
            .product();
        bytes += whole * grid.unit.count() as u64 * program.element_bytes(input) as u64;
        if whole > 0 {
            let fresh = first.shape.count().saturating_sub(meet.count()).max(1);
            let again = if alive == meet { 1.0 } else { 2.0 };
            factor = factor.max(first.shape.count() as f64 / fresh as f64).max(again);
        }
    }
    Ok((bytes, factor))
}

/// Tiles along an axis that stand for all of them.
const SAMPLES: usize = 256;

/// What tiles spread evenly along an axis need, both ends among them.
fn sampled(program: &Program, sweep: &Sweep, axis: usize, here: &Dims) -> Result<Vec<Vec<Boxes>>> {
    let last = sweep.grid.counts()[axis] - 1;
    let count = SAMPLES.min(last + 1);
    let place = |k: usize| last * k / (count - 1).max(1);
    (0..count).map(|k| input_regions(program, &sweep.grid.region(&here.with(axis, place(k))))).collect()
}

/// The most units of one axis of an input that lie between a tile that has read them and one that will read them again.
fn most_alive(grid: &Grid, needs: &[&Boxes], own: usize) -> usize {
    let mut uses: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (tile, boxes) in needs.iter().enumerate() {
        for range in boxes.0.get(own).map(Runs::ranges).unwrap_or_default() {
            for unit in range.start / grid.unit[own]..=(range.end - 1) / grid.unit[own] {
                uses.entry(unit).or_insert((tile, tile)).1 = tile;
            }
        }
    }
    let alive = |after: usize| uses.values().filter(|(first, last)| *first <= after && after < *last).count();
    let most = (0..needs.len()).map(alive).max().unwrap_or(0);
    // Units that no sample touches are as many again, in proportion.
    (most * grid.counts()[own]).div_ceil(uses.len().max(1))
}

/// Whether an input's axis is swept inside one step along `axis`: the faster axes, aligned at the last one.
fn moves_with(own: usize, axis: usize, own_rank: usize, rank: usize) -> bool {
    own + rank > axis + own_rank
}
