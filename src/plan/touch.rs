//! Which stored units the tiles of a sweep touch, axis by axis, and until when each is needed: found in closed form and by
//! search, not by lists. It does not know what is held; what it remembers of its own answers is bounded.
//! Axes of the domain are told by their position in the order of the sweep.

use super::budget::{unit_grid, units_of};
use super::pieces::{Cut, common_divisor};
use super::program::Program;
use super::reach::input_regions;
use super::sweep::Sweep;
use crate::error::Result;
use crate::grid::{Boxes, Dims, Grid, Region, Runs, indices};
use std::collections::HashMap;
use std::sync::Arc;

/// A unit: which input, which number in its grid.
pub type UnitKey = (usize, usize);

/// Answers kept between questions; forgotten when there are too many.
const REMEMBERED: usize = 1 << 15;

/// For each input and each of its axes, the units that tiles at one place of one domain axis touch.
type Along = Arc<Vec<Vec<Runs>>>;

/// The units of one input, and how they follow the tiles.
#[derive(Debug)]
struct Units {
    grid: Grid,
    /// Per axis of the input, the domain axis that moves it; none where all tiles touch the same.
    drivers: Vec<Option<usize>>,
    /// Whether some axis is moved by several axes of the domain (`x + transpose(x)`) or read in several places at once
    /// (`x + flip(x)`): tiles are asked one by one then.
    entangled: bool,
    /// Per axis, how tiles lie across units.
    beats: Vec<Beat>,
}

/// How the tiles along an axis lie across units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Beat {
    /// The most units that any one tile touches, however its edges lie in them.
    pub most: usize,
    /// Units that a tile touches far from the array's edges, on the average.
    pub touched: f64,
    /// Units of these that the tile before does not touch, on the average.
    pub fresh: f64,
    /// Where units are held in pieces: the most elements from the beginning of a tile's first piece to the end of its last unit.
    pub reach: usize,
}

/// The units that a sweep's tiles touch.
pub struct Touch<'p> {
    program: &'p Program,
    sweep: Sweep,
    counts: Dims,
    inputs: Vec<Option<Units>>,
    along: HashMap<(usize, usize), Along>,
    last: HashMap<(usize, usize, usize), usize>,
    falls: HashMap<(usize, usize), bool>,
}

impl<'p> Touch<'p> {
    /// Finds which domain axis moves which input axis.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn new(program: &'p Program, sweep: Sweep) -> Result<Touch<'p>> {
        Touch::holding(program, sweep, &[])
    }

    /// The same of units that are held in pieces: pieces are told in place of units.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn holding(program: &'p Program, sweep: Sweep, cuts: &[Option<Cut>]) -> Result<Touch<'p>> {
        let counts = sweep.counts();
        let mut moved: Vec<Vec<Vec<usize>>> = program.inputs.iter().map(|i| vec![Vec::new(); i.info.shape.len()]).collect();
        let mut scattered = vec![false; program.inputs.len()];
        let first = Dims::filled(counts.len(), 0);
        if counts.count() > 0 {
            let here = input_regions(program, &sweep.at(&first))?;
            for (input, boxes) in here.iter().enumerate() {
                scattered[input] |= boxes.0.iter().any(|runs| is_scattered(runs, true));
            }
            for axis in (0..counts.len()).filter(|a| counts[*a] > 1) {
                for place in sweep.telling(axis) {
                    let there = input_regions(program, &sweep.at(&first.with(axis, place)))?;
                    let is_end = place == 0 || place + 1 == counts[axis];
                    for (input, boxes) in there.iter().enumerate() {
                        for own in (0..boxes.0.len()).filter(|own| boxes.0[*own] != here[input].0[*own]) {
                            moved[input][own].push(axis);
                            scattered[input] |= is_scattered(&boxes.0[own], is_end);
                        }
                    }
                }
            }
        }
        moved.iter_mut().flatten().for_each(Vec::dedup);
        let usual = usual_regions(program, &sweep, &counts)?;
        let units = |(input, moved): (usize, Vec<Vec<usize>>)| {
            let whole = unit_grid(program, input)?;
            let grid = cuts.get(input).copied().flatten().map_or(whole, |cut| cut.grid(&whole));
            let entangled = scattered[input] || moved.iter().any(|axes| axes.len() > 1);
            let drivers: Vec<Option<usize>> = moved.into_iter().map(|axes| axes.first().copied()).collect();
            let beats =
                (0..drivers.len()).map(|own| beat(&usual, (input, own), drivers[own], (&grid, whole.unit[own]))).collect();
            Some(Units { grid, drivers, entangled, beats })
        };
        let inputs = moved.into_iter().enumerate().map(units).collect();
        Ok(Touch { program, sweep, counts, inputs, along: HashMap::new(), last: HashMap::new(), falls: HashMap::new() })
    }

    /// Tiles along each axis.
    #[must_use]
    pub fn counts(&self) -> Dims {
        self.counts
    }

    /// The grid of an input's units, where it is read in units.
    #[must_use]
    pub fn grid(&self, input: usize) -> Option<&Grid> {
        self.inputs.get(input).and_then(Option::as_ref).map(|units| &units.grid)
    }

    /// How tiles lie across the units of an axis of an input.
    #[must_use]
    pub fn beat(&self, input: usize, own: usize) -> Beat {
        self.inputs.get(input).and_then(Option::as_ref).and_then(|units| units.beats.get(own).copied()).unwrap_or_default()
    }

    /// Whether an input's units follow several axes at once.
    #[must_use]
    pub fn is_entangled(&self, input: usize) -> bool {
        self.inputs.get(input).and_then(Option::as_ref).is_some_and(|units| units.entangled)
    }

    /// The domain axis that moves an axis of an input.
    #[must_use]
    pub fn driver(&self, input: usize, own: usize) -> Option<usize> {
        self.inputs.get(input).and_then(Option::as_ref).and_then(|units| units.drivers.get(own).copied().flatten())
    }

    /// The units along one axis of an input that tiles at `place` of the axis that moves it touch.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn spans(&mut self, input: usize, own: usize, place: usize) -> Result<Runs> {
        let axis = self.driver(input, own);
        let along = self.along(axis.unwrap_or(0), axis.map_or(0, |_| place))?;
        Ok(along.get(input).and_then(|axes| axes.get(own)).cloned().unwrap_or_default())
    }

    /// The first element along an axis of an input that tiles at a place of the axis that moves it read.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn first_element(&self, input: usize, own: usize, place: usize) -> Result<usize> {
        let first = Dims::filled(self.counts.len(), 0);
        let index = self.driver(input, own).map_or(first, |axis| first.with(axis, place));
        let regions = input_regions(self.program, &self.sweep.at(&index))?;
        Ok(regions.get(input).and_then(|boxes| boxes.0.get(own)).map_or(0, |runs| runs.hull().start))
    }

    fn along(&mut self, axis: usize, place: usize) -> Result<Along> {
        if let Some(known) = self.along.get(&(axis, place)) {
            return Ok(known.clone());
        }
        let first = Dims::filled(self.counts.len(), 0);
        let index = if axis < first.len() { first.with(axis, place) } else { first };
        let regions = input_regions(self.program, &self.sweep.at(&index))?;
        let of_input = |(units, boxes): (&Option<Units>, &Boxes)| {
            let Some(Units { grid, .. }) = units else { return Vec::new() };
            boxes.0.iter().enumerate().map(|(own, runs)| in_units(runs, grid.unit[own])).collect()
        };
        let found: Along = Arc::new(self.inputs.iter().zip(&regions).map(of_input).collect());
        if self.along.len() >= REMEMBERED {
            self.along.clear();
        }
        self.along.insert((axis, place), found.clone());
        Ok(found)
    }

    /// Adds the units that a tile touches to `keys`, in order.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn units(&mut self, tile: usize, keys: &mut Vec<UnitKey>) -> Result<()> {
        let index = self.counts.index_of(tile);
        for input in 0..self.inputs.len() {
            let Some(units) = &self.inputs[input] else { continue };
            let (grid, entangled) = (units.grid, units.entangled);
            if entangled {
                keys.extend(self.asked(input, &grid, tile)?.into_iter().map(|number| (input, number)));
                continue;
            }
            let from = keys.len();
            keys.push((input, 0));
            // Axis by axis: every number so far times the units of the next axis.
            for (own, count) in grid.counts().iter().enumerate() {
                let place = self.driver(input, own).map_or(0, |axis| index[axis]);
                let axis = self.driver(input, own);
                let along = self.along(axis.unwrap_or(0), place)?;
                let Some(runs) = along.get(input).and_then(|axes| axes.get(own)) else { continue };
                spread(keys, from, *count, runs);
            }
        }
        Ok(())
    }

    /// The units of an entangled input that a tile touches.
    fn asked(&self, input: usize, grid: &Grid, tile: usize) -> Result<Vec<usize>> {
        let regions = input_regions(self.program, &self.sweep.region(tile))?;
        let mut numbers = Vec::new();
        if let Some(boxes) = regions.get(input) {
            for part in units_of(grid, boxes) {
                numbers.extend(indices(part).map(|index| grid.counts().linear_of(&index)));
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// The number of the last tile that reads a unit, among those at the same place as `tile` along the axes before `kept`.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn last_use(&mut self, (input, number): UnitKey, tile: usize, kept: usize) -> Result<usize> {
        let here = self.counts.index_of(tile);
        let Some(Some(Units { grid, entangled, .. })) = self.inputs.get(input) else { return Ok(tile) };
        let (grid, entangled) = (*grid, *entangled);
        if entangled {
            return Ok(if kept == 0 { self.sweep.tiles().saturating_sub(1) } else { tile });
        }
        let mut last: Dims = (0..here.len()).map(|a| if a < kept { here[a] } else { self.counts[a].saturating_sub(1) }).collect();
        let unit = grid.counts().index_of(number);
        for own in 0..unit.len() {
            let Some(axis) = self.driver(input, own).filter(|axis| *axis >= kept) else { continue };
            let found = match self.last.get(&(input, own, unit[own])) {
                Some(known) => *known,
                None => self.search(input, own, axis, unit[own])?,
            };
            last[axis] = last[axis].min(found);
        }
        Ok(self.counts.linear_of(&last))
    }

    /// The largest tile index along a domain axis whose tiles touch this unit of an input's axis.
    fn search(&mut self, input: usize, own: usize, axis: usize, unit: usize) -> Result<usize> {
        let end = self.counts[axis] - 1;
        let last = self.spans(input, own, end)?;
        let (mut low, mut high) = (0, end);
        if last.ranges().iter().any(|r| r.contains(&unit)) {
            low = end;
        }
        let passed = if self.falls(input, own)? { self.grid(input).map_or(1, |g| g.counts()[own]) - 1 - unit } else { unit };
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.course(input, own, middle)?.0.0 <= passed { low = middle } else { high = middle - 1 }
        }
        if self.last.len() >= REMEMBERED {
            self.last.clear();
        }
        self.last.insert((input, own, unit), low);
        Ok(low)
    }

    /// Whether the sweep walks an axis of an input backwards.
    pub(super) fn falls(&mut self, input: usize, own: usize) -> Result<bool> {
        if let Some(known) = self.falls.get(&(input, own)) {
            return Ok(*known);
        }
        let places = self.driver(input, own).map_or(1, |axis| self.counts[axis].max(1));
        let (first, last) = (self.spans(input, own, 0)?, self.spans(input, own, places - 1)?);
        let (one, other) = (first.hull(), last.hull());
        let is_whole = first.ranges().len() == 1 && last.ranges().len() == 1;
        let falls = is_whole && (one.start > other.start || one.end > other.end);
        self.falls.insert((input, own), falls);
        Ok(falls)
    }

    /// The units that tiles at a place touch, counted in the direction in which the sweep moves: the first and the one behind
    /// the last; and how many lie elsewhere, where an edge wraps.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn course(&mut self, input: usize, own: usize, place: usize) -> Result<((usize, usize), usize)> {
        let places = self.driver(input, own).map_or(1, |axis| self.counts[axis].max(1));
        let count = self.grid(input).map_or(1, |g| g.counts()[own]);
        let falls = self.falls(input, own)?;
        let runs = self.spans(input, own, place)?;
        let expected = count * place / places;
        let expected = if falls { count - 1 - expected } else { expected };
        let away = |r: &std::ops::Range<usize>| r.start.saturating_sub(expected) + expected.saturating_sub(r.end - 1);
        let Some(main) = runs.ranges().iter().min_by_key(|r| away(r)) else { return Ok(((0, 0), 0)) };
        let far = runs.count() - main.len();
        Ok((if falls { (count - main.end, count - main.start) } else { (main.start, main.end) }, far))
    }

    /// The region of a unit of an input.
    #[must_use]
    pub fn region(&self, (input, number): UnitKey) -> Option<Region> {
        self.grid(input).map(|grid| grid.region(&grid.counts().index_of(number)))
    }
}

/// What a tile in the middle reads of each input, the next one along each axis, and all that are asked where the array's edges
/// cut short what the one in the middle reads: another may read more then.
struct Usual {
    here: Vec<Boxes>,
    next: Vec<Vec<Boxes>>,
    asked: Vec<Vec<Vec<Boxes>>>,
}

/// Tiles along an axis that are asked where none reads as much as it would far from the edges.
const ASKED: usize = 64;

fn usual_regions(program: &Program, sweep: &Sweep, counts: &Dims) -> Result<Usual> {
    let mut usual = Usual { here: Vec::new(), next: Vec::new(), asked: Vec::new() };
    if counts.count() == 0 {
        return Ok(usual);
    }
    let middle: Dims = counts.iter().map(|n| n / 2).collect();
    let regions = |index: &Dims| input_regions(program, &sweep.at(index));
    usual.here = regions(&middle)?;
    let is_cut = |boxes: &Boxes, input: usize| {
        let extents = program.inputs[input].info.shape;
        (0..boxes.0.len()).any(|own| boxes.0[own].hull().start == 0 || boxes.0[own].hull().end == extents[own])
    };
    let any_cut = usual.here.iter().enumerate().any(|(input, boxes)| is_cut(boxes, input));
    for (axis, count) in counts.iter().copied().enumerate() {
        let next = if count > middle[axis] + 1 { middle[axis] + 1 } else { middle[axis].saturating_sub(1) };
        usual.next.push(regions(&middle.with(axis, next))?);
        let places = if any_cut { count.min(ASKED) } else { 0 };
        let place = |k: usize| (count - 1) * k / (places - 1).max(1);
        usual.asked.push((0..places).map(|k| regions(&middle.with(axis, place(k)))).collect::<Result<_>>()?);
    }
    Ok(usual)
}

/// How tiles lie across the units of an axis. Where a tile's box begins moves from tile to tile by one step, so against the
/// units it begins at any multiple of what the step and a unit have in common.
fn beat(usual: &Usual, (input, own): (usize, usize), driver: Option<usize>, (grid, whole): (&Grid, usize)) -> Beat {
    let hull = |boxes: &[Boxes]| boxes.get(input).and_then(|b| b.0.get(own)).map(Runs::hull).unwrap_or_default();
    let (range, unit) = (hull(&usual.here), grid.unit[own]);
    let after = driver.and_then(|axis| usual.next.get(axis)).map_or(range.clone(), |boxes| hull(boxes));
    let step = after.start.abs_diff(range.start);
    let common = common_divisor(step, unit);
    let touched = |length: usize, latest: usize| (latest + length.saturating_sub(1)) / unit + 1;
    let cut = driver.and_then(|axis| usual.asked.get(axis)).into_iter().flatten().map(|boxes| hull(boxes));
    let cut = cut.filter(|range| range.start == 0 || range.end == grid.shape[own]);
    let reached = |range: &std::ops::Range<usize>| range.end.next_multiple_of(whole) - range.start / unit * unit;
    let asked: Vec<std::ops::Range<usize>> = cut.collect();
    let cut = asked.iter().map(|range| touched(range.len(), range.start % unit)).max().unwrap_or(0);
    let along = common_divisor(step, whole);
    let starts = (range.start % along..whole).step_by(along);
    let reach = starts.map(|start| reached(&(start..start + range.len()))).chain(asked.iter().map(reached)).max().unwrap_or(0);
    let phase = range.start % common;
    let most = touched(range.len(), unit - common + phase).max(cut).min(grid.counts()[own]);
    // Over all the places where a tile may begin in a unit, the whole units that it reaches into add up to this.
    let further = (phase + range.len().saturating_sub(1)) / common;
    let average = 1.0 + further as f64 / (unit / common) as f64;
    Beat { most, touched: average, fresh: average.min(step as f64 / unit as f64), reach }
}

/// Whether what a tile reads along an axis lies in two places; at the array's ends, where an edge that wraps reads a little of the
/// other end, whether both are large.
fn is_scattered(runs: &Runs, is_end: bool) -> bool {
    let [first, second] = runs.ranges() else { return false };
    !is_end || 2 * first.len().min(second.len()) >= first.len().max(second.len())
}

/// The units of an axis that these elements lie in.
fn in_units(runs: &Runs, unit: usize) -> Runs {
    let mut units = Runs::default();
    runs.ranges().iter().for_each(|r| units.add(r.start / unit..(r.end - 1) / unit + 1));
    units
}

/// Replaces the numbers from `from` on by each of them times `count` plus each unit of the runs.
fn spread(keys: &mut Vec<UnitKey>, from: usize, count: usize, runs: &Runs) {
    if let [only] = runs.ranges()
        && only.len() == 1
    {
        keys[from..].iter_mut().for_each(|key| key.1 = key.1 * count + only.start);
        return;
    }
    let before: Vec<UnitKey> = keys.drain(from..).collect();
    for (input, number) in before {
        keys.extend(runs.ranges().iter().flat_map(|r| r.clone()).map(|unit| (input, number * count + unit)));
    }
}
