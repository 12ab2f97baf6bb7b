//! Until when a unit is needed: the last tile of a sweep that reads it, found by search in closed form, not by lists.
//! It does not know what is held; a wrong answer would cost a second read, never a wrong result.

use crate::error::Result;
use crate::grid::{Dims, Grid, Region, Runs};
use crate::plan::{Pass, input_regions};
use std::collections::HashMap;

/// Answers kept between questions; forgotten when there are too many.
const REMEMBERED: usize = 1 << 20;

/// The last uses of the units of one pass.
pub struct LastUse {
    counts: Dims,
    /// Per input and axis, the domain axis that moves it; none where several do or none does.
    drivers: Vec<Vec<Option<usize>>>,
    memory: HashMap<(usize, usize, usize), usize>,
}

impl LastUse {
    /// Finds which domain axis moves which input axis.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn new(pass: &Pass) -> Result<LastUse> {
        let counts = pass.sweep.grid.counts();
        let mut moved: Vec<Vec<Vec<usize>>> = pass.program.inputs.iter().map(|i| vec![Vec::new(); i.info.shape.len()]).collect();
        let first = Dims::filled(counts.len(), 0);
        if counts.count() > 0 {
            let here = input_regions(&pass.program, &pass.sweep.grid.region(&first))?;
            for axis in (0..counts.len()).filter(|a| counts[*a] > 1) {
                let there = input_regions(&pass.program, &pass.sweep.grid.region(&first.with(axis, counts[axis] - 1)))?;
                for (input, boxes) in there.iter().enumerate() {
                    for own in (0..boxes.0.len()).filter(|own| boxes.0[*own] != here[input].0[*own]) {
                        moved[input][own].push(axis);
                    }
                }
            }
        }
        let only = |axes: Vec<usize>| if let [axis] = axes[..] { Some(axis) } else { None };
        let drivers = moved.into_iter().map(|axes| axes.into_iter().map(only).collect()).collect();
        Ok(LastUse { counts, drivers, memory: HashMap::new() })
    }

    /// The number of the last tile that reads a unit.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn tile(&mut self, pass: &Pass, input: usize, grid: &Grid, unit: &Dims) -> Result<usize> {
        let mut last: Dims = self.counts.iter().map(|n| n.saturating_sub(1)).collect();
        let region = grid.region(unit);
        for own in 0..unit.len() {
            let Some(axis) = self.drivers.get(input).and_then(|d| d[own]) else { continue };
            let known = self.memory.get(&(input, own, unit[own])).copied();
            let found = match known {
                Some(found) => found,
                None => self.search(pass, (input, own), axis, &region)?,
            };
            if self.memory.len() >= REMEMBERED {
                self.memory.clear();
            }
            self.memory.insert((input, own, unit[own]), found);
            last[axis] = last[axis].min(found);
        }
        Ok(self.counts.linear_of(&last))
    }

    /// The largest tile index along a domain axis whose need of an input axis meets the unit.
    fn search(&self, pass: &Pass, (input, own): (usize, usize), axis: usize, unit: &Region) -> Result<usize> {
        let range = unit.range(own);
        let need = |tile: usize| -> Result<Runs> {
            let index = Dims::filled(self.counts.len(), 0).with(axis, tile);
            let mut all = input_regions(&pass.program, &pass.sweep.grid.region(&index))?;
            Ok(all.swap_remove(input).0.swap_remove(own))
        };
        let end = self.counts[axis] - 1;
        let meets = |runs: &Runs| runs.ranges().iter().any(|r| r.start < range.end && range.start < r.end);
        let (first, last) = (need(0)?, need(end)?);
        if meets(&last) {
            return Ok(end);
        }
        let falling = first.hull().start > last.hull().start;
        let (mut low, mut high) = (0, end);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let hull = need(middle)?.hull();
            let reached = if falling { hull.end > range.start } else { hull.start < range.end };
            if reached { low = middle } else { high = middle - 1 }
        }
        Ok(low)
    }
}
