//! What a sweep holds of its sources: units of the tiles in flight, and those between a tile that read them and one that
//! reads them again; and how often units are read. It bounds; which units are held when is the flow's.
//!
//! A unit is needed from the first tile that touches it to the last, in the order of the sweep. Tiles compare axis by axis,
//! and along one axis units come and go in order, so how many are needed at once is a product of lengths: no list is made.

use super::budget::unit_grid;
use super::pieces::Cut;
use super::program::Program;
use super::sweep::Sweep;
use super::touch::Touch;
use crate::error::{Error, Result};
use crate::grid::{Dims, Runs};
use std::collections::HashMap;

/// Places along an axis whose units are counted one by one; of more, as many at both ends are, and those between go by averages.
const COUNTED: usize = 32;

/// The units of a sweep, in bytes.
pub struct Frontier<'p> {
    touch: Touch<'p>,
    sweep: Sweep,
    /// Bytes of an element, per input; 0 where nothing is read in units.
    sizes: Vec<u64>,
    axes: HashMap<(usize, usize), Traffic>,
    /// How units are held in pieces, and the units' extents along those axes.
    cuts: Vec<Option<(Cut, usize)>>,
}

/// How often units are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Reads {
    /// Units read, repeats counted.
    pub all: u64,
    /// Units that are touched at all.
    pub distinct: u64,
    /// Decoded bytes read, repeats counted.
    pub bytes: u64,
    /// Decoded bytes of the units that are touched at all.
    pub distinct_bytes: u64,
}

impl Reads {
    /// How often each decoded byte is read: 1 where nothing is read twice.
    #[must_use]
    pub fn factor(&self) -> f64 {
        if self.distinct_bytes == 0 { 1.0 } else { self.bytes as f64 / self.distinct_bytes as f64 }
    }
}

/// Along one axis of an input: the units of every place together, and how many differ.
#[derive(Clone, Copy)]
struct Traffic {
    all: f64,
    distinct: f64,
}

/// Of the units along one axis, in elements: those needed at or after a place, and after it; those first touched up to a place,
/// and before it. Each is a range that begins (`from`) or ends (`to`) somewhere in the order of the sweep.
struct Window {
    from: [usize; 3],
    to: [usize; 3],
    /// What at the far end a folded edge keeps throughout.
    far: usize,
}

/// Which units count along an axis: all, those that reach the place or beyond, those beyond it.
const ALL: usize = 0;
const HERE: usize = 1;
const BEYOND: usize = 2;

impl Window {
    fn count(&self, needed: usize, touched: usize) -> u64 {
        (self.to[touched].saturating_sub(self.from[needed]) + self.far) as u64
    }
}

/// Elements by how the last and first tiles of their units compare so far with the oldest and the newest tile in flight.
#[derive(Clone, Copy)]
struct Compared {
    equal: u64,
    later: u64,
    earlier: u64,
    inside: u64,
}

impl Compared {
    const START: Compared = Compared { equal: 1, later: 0, earlier: 0, inside: 0 };

    /// Looks at one more axis.
    fn along(self, units: &Window) -> Compared {
        let n = |needed, touched| units.count(needed, touched);
        let less = u64::saturating_sub;
        let both = n(BEYOND, BEYOND);
        let later = less(n(BEYOND, HERE), both);
        let earlier = less(n(HERE, BEYOND), both);
        let equal = less(less(n(HERE, HERE), both), later + earlier);
        let times = u64::saturating_mul;
        Compared {
            equal: times(self.equal, equal),
            later: times(self.equal, later).saturating_add(times(self.later, less(n(ALL, HERE), n(ALL, BEYOND)))),
            earlier: times(self.equal, earlier).saturating_add(times(self.earlier, less(n(HERE, ALL), n(BEYOND, ALL)))),
            inside: [
                (self.equal, both),
                (self.later, n(ALL, BEYOND)),
                (self.earlier, n(BEYOND, ALL)),
                (self.inside, n(ALL, ALL)),
            ]
            .iter()
            .fold(0, |sum: u64, (units, more)| sum.saturating_add(times(*units, *more))),
        }
    }

    fn total(self) -> u64 {
        self.equal.saturating_add(self.later).saturating_add(self.earlier).saturating_add(self.inside)
    }
}

/// What streams cost: see [`Frontier::streams`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Streams {
    /// Streams that are decoded in part at once.
    pub open: u64,
    /// Bytes that their sources keep of them.
    pub bytes: u64,
    /// The axes of the sweep along which units may be read again, from the outermost.
    pub kept: usize,
    /// How often a unit that is read is decoded on the average: more than once where a stream is walked backwards.
    pub again: f64,
}

impl<'p> Frontier<'p> {
    /// The frontier of a sweep.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn new(program: &'p Program, sweep: Sweep) -> Result<Frontier<'p>> {
        Frontier::holding(program, sweep, &[])
    }

    /// The frontier where units are held in pieces.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn holding(program: &'p Program, sweep: Sweep, cuts: &[Option<Cut>]) -> Result<Frontier<'p>> {
        let touch = Touch::holding(program, sweep, cuts)?;
        let unit = |input: usize, cut: Cut| unit_grid(program, input).map_or(1, |grid| grid.unit[cut.axis]);
        let cuts = cuts.iter().enumerate().map(|(input, cut)| cut.map(|cut| (cut, unit(input, cut)))).collect();
        let size = |input| touch.grid(input).map_or(0, |_| program.element_bytes(input) as u64);
        let sizes = (0..program.inputs.len()).map(size).collect();
        Ok(Frontier { touch, sweep, sizes, axes: HashMap::new(), cuts })
    }

    /// The most decoded bytes held while `depth` tiles in a row are in flight, where units are kept for tiles at the same place
    /// along the axes before `kept`.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn held(&mut self, depth: usize, kept: usize) -> Result<u64> {
        let counts = self.touch.counts();
        if self.sweep.tiles() == 0 {
            return Ok(0);
        }
        // From the first tile and from one in the middle, axis by axis to where more is held. Pieces for later tiles grow in number along
        // the way: there the search goes round again, and from the first and the last tiles of a place in the middle too.
        let (first, middle): (Dims, Dims) = (Dims::filled(counts.len(), 0), counts.iter().map(|n| n / 2).collect());
        let mut starts = vec![first, middle];
        if let Some(count) = counts.get(kept).filter(|_| !self.cuts.is_empty()) {
            let last: Dims = counts.iter().map(|n| n - 1).collect();
            starts.extend(
                [count / 2, 1.min(count - 1)].iter().flat_map(|place| [first.with(kept, *place), last.with(kept, *place)]),
            );
        }
        let mut most = 0;
        for start in starts {
            let (mut index, mut here, mut before) = (start, self.held_from(&start, depth, kept)?, 0);
            while here > before {
                before = if self.cuts.is_empty() { u64::MAX } else { here };
                for axis in 0..counts.len() {
                    let late = if self.cuts.is_empty() { Vec::new() } else { self.before_the_end(axis)? };
                    for place in self.sweep.telling(axis).into_iter().chain(late) {
                        let there = index.with(axis, place);
                        let held = self.held_from(&there, depth, kept)?;
                        if held > here {
                            (here, index) = (held, there);
                        }
                    }
                }
            }
            most = most.max(here);
        }
        Ok(most)
    }

    /// What one tile in the middle holds: the most is no less.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn held_in_the_middle(&mut self, kept: usize) -> Result<u64> {
        let middle = self.touch.counts().iter().map(|n| n / 2).collect();
        if self.sweep.tiles() == 0 { Ok(0) } else { self.held_from(&middle, 1, kept) }
    }

    /// The last places along an axis whose tiles do not touch the last unit, which may be a short one, and the first that do: pieces for
    /// later tiles grow in number along the way, and the most is held where units are still whole.
    fn before_the_end(&mut self, axis: usize) -> Result<Vec<usize>> {
        let (mut found, end) = (Vec::new(), self.touch.counts()[axis] - 1);
        for input in 0..self.sizes.len() {
            let Some(grid) = self.touch.grid(input).copied() else { continue };
            for own in 0..grid.shape.len() {
                if self.touch.driver(input, own) != Some(axis) {
                    continue;
                }
                let (mut low, mut high) = (0, end);
                while low < high {
                    let middle = low + (high - low).div_ceil(2);
                    let is_before = self.touch.course(input, own, middle)?.0.1 < grid.counts()[own];
                    if is_before { low = middle } else { high = middle - 1 }
                }
                found.extend(
                    [low, (low + 1).min(end)].iter().filter(|place| !found.contains(*place)).copied().collect::<Vec<_>>(),
                );
            }
        }
        Ok(found)
    }

    /// The same from one tile on. Tiles of different rows share nothing that is kept, so rows are added.
    fn held_from(&mut self, index: &Dims, depth: usize, kept: usize) -> Result<u64> {
        let counts = self.touch.counts();
        let row: usize = counts.iter().skip(kept).product();
        let last = self.sweep.tiles() - 1;
        let (mut first, mut left, mut held) = (counts.linear_of(index), depth.max(1), 0u64);
        while left > 0 && first <= last {
            let end = (first + left - 1).min(last).min(first / row * row + row - 1);
            for input in 0..self.sizes.len() {
                if self.sizes[input] > 0 {
                    let elements = self.needed(input, first, end, kept)?;
                    held = held.saturating_add(elements.saturating_mul(self.sizes[input]));
                }
            }
            left -= end - first + 1;
            first = end + 1;
        }
        Ok(held)
    }

    /// Elements of the units of an input that some tile from `first` on still reads and some tile up to `last` has touched.
    fn needed(&mut self, input: usize, first: usize, last: usize, kept: usize) -> Result<u64> {
        let counts = self.touch.counts();
        let (from, to) = (counts.index_of(first), counts.index_of(last));
        let Some(grid) = self.touch.grid(input).copied() else { return Ok(0) };
        if self.touch.is_entangled(input) {
            let mut keys = Vec::new();
            self.touch.units(first, &mut keys)?;
            let touched = 2 * keys.iter().filter(|key| key.0 == input).count();
            let all = grid.shape.count();
            let some = touched * (last - first + 1) * grid.unit.count();
            return Ok(if kept == 0 { all } else { all.min(some) } as u64);
        }
        let mut compared = Compared::START;
        let mut fixed = 1u64;
        for own in 0..grid.shape.len() {
            let driver = self.touch.driver(input, own);
            if driver.is_some_and(|axis| axis >= kept) {
                continue;
            }
            let place = driver.map_or(0, |axis| from[axis]);
            let units = self.touch.spans(input, own, place)?.count();
            let units = units.max(self.touch.beat(input, own).most);
            fixed = fixed.saturating_mul((units * grid.unit[own]).min(grid.shape[own]) as u64);
        }
        for axis in kept..counts.len() {
            let owns: Vec<usize> = (0..grid.shape.len()).filter(|own| self.touch.driver(input, *own) == Some(axis)).collect();
            if owns.is_empty() {
                let (more, before) = (from[axis] + 1 < counts[axis], to[axis] > 0);
                let window = Window { from: [0, 0, usize::from(!more)], to: [1, 1, usize::from(before)], far: 0 };
                compared = compared.along(&window);
            }
            for own in owns {
                compared = compared.along(&self.window(input, own, (from[axis], to[axis]))?);
            }
        }
        Ok(compared.total().saturating_mul(fixed))
    }

    fn window(&mut self, input: usize, own: usize, (from, to): (usize, usize)) -> Result<Window> {
        let Some(axis) = self.touch.driver(input, own) else { return Ok(Window { from: [0; 3], to: [1; 3], far: 0 }) };
        let end = self.touch.counts()[axis] - 1;
        let (start, far) = self.touch.course(input, own, 0)?;
        let (stop, far_at_end) = self.touch.course(input, own, end)?;
        // Of an axis read in two places at once the last tile may stop before the first one does.
        let all = (start.0.min(stop.0), start.1.max(stop.1));
        let after = if from < end { self.touch.course(input, own, from + 1)?.0.0 } else { usize::MAX };
        // Other tiles than these few may lie across more units. Pieces come with the whole of their unit and go alone.
        let Some(grid) = self.touch.grid(input) else { return Err(Error::bug("an input without units has no window")) };
        let (unit, extent, count) = (grid.unit[own], grid.shape[own], grid.counts()[own]);
        let whole = self.cuts.get(input).copied().flatten().filter(|(cut, _)| cut.axis == own).map_or(unit, |(_, whole)| whole);
        let (pieces, beat) = (whole / unit, self.touch.beat(input, own));
        let most = if pieces > 1 { beat.reach / unit } else { beat.most };
        let all = (all.0, all.1.next_multiple_of(pieces));
        let mut reached = |place: usize| -> Result<usize> {
            let ((first, behind), _) = self.touch.course(input, own, place)?;
            Ok(behind.next_multiple_of(pieces).max((first + most).min(all.1)))
        };
        let before = if to > 0 { reached(to - 1)? } else { 0 };
        let here = reached(to)?;
        let from = [all.0, self.touch.course(input, own, from)?.0.0, after];
        let falls = self.touch.falls(input, own)?;
        // Where a unit of this number, counted as the sweep goes, begins: the one at the array's end may be a short one.
        let begins = |number: usize| match falls {
            true => extent.saturating_sub(count.saturating_sub(number) * unit),
            false => number.saturating_mul(unit).min(extent),
        };
        Ok(Window { from: from.map(begins), to: [all.1, here, before].map(begins), far: far.max(far_at_end) * unit })
    }

    /// Pieces in which less of the units need be held, where they are kept for tiles at the same place along the axes before `kept`:
    /// of inputs that the next axis walks forwards through units of several elements. Empty where there are none.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn cuts(&mut self, program: &Program, kept: usize) -> Result<Vec<Option<Cut>>> {
        let places = self.touch.counts().get(kept).copied().unwrap_or(1);
        let mut cuts = vec![None; self.sizes.len()];
        for (input, cut) in cuts.iter_mut().enumerate() {
            let Some(grid) = self.touch.grid(input).copied() else { continue };
            let mut owns = (0..grid.shape.len()).filter(|own| self.touch.driver(input, *own) == Some(kept));
            let (Some(own), None) = (owns.next(), owns.next()) else { continue };
            if places < 2
                || program.in_order(input).is_some()
                || self.touch.is_entangled(input)
                || self.touch.falls(input, own)?
            {
                continue;
            }
            let far = self.touch.course(input, own, 0)?.1 + self.touch.course(input, own, places - 1)?.1;
            if far == 0 {
                let unit = grid.unit[own];
                let first = self.touch.first_element(input, own, places / 2)?;
                let step = first - self.touch.first_element(input, own, places / 2 - 1)?.min(first);
                *cut = Cut::along(own, unit, first % unit, step % unit);
            }
        }
        Ok(if cuts.iter().any(Option::is_some) { cuts } else { Vec::new() })
    }

    /// Streams that are decoded in part at once, and along how many of the outer axes units may be read again.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn streams(&mut self, program: &Program) -> Result<Streams> {
        let mut streams = Streams { open: 0, bytes: 0, kept: self.touch.counts().len(), again: 1.0 };
        for input in 0..self.sizes.len() {
            let (Some(order), Some(grid)) = (program.in_order(input), self.touch.grid(input).copied()) else { continue };
            let along = self.touch.driver(input, order.axis);
            let mut open = 1u64;
            for own in (0..grid.shape.len()).filter(|own| *own != order.axis) {
                let all = grid.counts()[own];
                let touched = self.touch.spans(input, own, 0)?.count().max(self.touch.beat(input, own).most);
                // Streams of an axis that moves faster are all begun before any of them goes on.
                let units = match self.touch.driver(input, own) {
                    _ if self.touch.is_entangled(input) => all,
                    Some(axis) if along.is_some_and(|along| axis > along) => all,
                    Some(_) => (2 * touched).min(all),
                    None => touched.min(all),
                };
                open = open.saturating_mul(units as u64);
            }
            let backwards = self.touch.is_entangled(input) || self.touch.falls(input, order.axis)?;
            streams.again = streams.again.max(if backwards { (grid.counts()[order.axis] + 1) as f64 / 2.0 } else { 1.0 });
            streams.open += open;
            streams.bytes = streams.bytes.saturating_add(open.saturating_mul(order.kept));
            // A unit that tiles share along a stream must be kept: to read it again is to begin the stream again.
            streams.kept = streams.kept.min(along.unwrap_or(usize::MAX));
        }
        Ok(streams)
    }

    /// How often units are read where they are kept as [`Frontier::held`] says.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn reads(&mut self, kept: usize) -> Result<Reads> {
        let counts = self.touch.counts();
        let mut reads = Reads::default();
        for input in 0..self.sizes.len() {
            let Some(grid) = self.touch.grid(input).copied() else { continue };
            let (mut all, mut distinct) = (1.0f64, 1.0f64);
            if self.touch.is_entangled(input) {
                let touched = self.most_touched(input)? as f64;
                distinct = grid.counts().count() as f64;
                all = if kept == 0 { distinct } else { distinct.max(touched * self.sweep.tiles() as f64) };
            } else {
                for own in 0..grid.shape.len() {
                    let traffic = self.traffic(input, own)?;
                    let again = self.touch.driver(input, own).is_some_and(|axis| axis < kept);
                    all *= if again { traffic.all } else { traffic.distinct };
                    distinct *= traffic.distinct;
                }
                let moves = |axis: usize| (0..grid.shape.len()).any(|own| self.touch.driver(input, own) == Some(axis));
                all *= (0..kept).filter(|axis| !moves(*axis)).map(|axis| counts[axis] as f64).product::<f64>();
            }
            let size = grid.unit.count() as u64 * self.sizes[input];
            reads.all += all as u64;
            reads.distinct += distinct as u64;
            reads.bytes = reads.bytes.saturating_add((all * size as f64) as u64);
            reads.distinct_bytes = reads.distinct_bytes.saturating_add((distinct * size as f64) as u64);
        }
        Ok(reads)
    }

    /// The most units of an entangled input that a tile touches, of those that tell.
    fn most_touched(&mut self, input: usize) -> Result<usize> {
        let middle: Dims = self.touch.counts().iter().map(|n| n / 2).collect();
        let mut most = 0;
        for axis in 0..middle.len() {
            for place in self.sweep.telling(axis) {
                for from in [middle, Dims::filled(middle.len(), 0)] {
                    let mut keys = Vec::new();
                    self.touch.units(self.touch.counts().linear_of(&from.with(axis, place)), &mut keys)?;
                    most = most.max(keys.iter().filter(|key| key.0 == input).count());
                }
            }
        }
        Ok(most)
    }

    fn traffic(&mut self, input: usize, own: usize) -> Result<Traffic> {
        if let Some(known) = self.axes.get(&(input, own)) {
            return Ok(*known);
        }
        let places = self.touch.driver(input, own).map_or(1, |axis| self.touch.counts()[axis]);
        let mut traffic = Traffic { all: 0.0, distinct: 0.0 };
        if places <= 2 * COUNTED {
            traffic = self.counted(input, own, 0..places)?;
        } else {
            let (beat, between) = (self.touch.beat(input, own), (places - 2 * COUNTED) as f64);
            let (first, last) = (self.counted(input, own, 0..COUNTED)?, self.counted(input, own, places - COUNTED..places)?);
            traffic.all = first.all + between * beat.touched + last.all;
            traffic.distinct = first.distinct + between * beat.fresh + last.distinct;
        }
        let most = self.touch.grid(input).map_or(1, |g| g.counts()[own]) as f64;
        traffic.distinct = traffic.distinct.min(most);
        self.axes.insert((input, own), traffic);
        Ok(traffic)
    }

    /// The units of some places in a row, and how many of them no place before one touches.
    fn counted(&mut self, input: usize, own: usize, places: std::ops::Range<usize>) -> Result<Traffic> {
        let mut before = if places.start > 0 { self.touch.spans(input, own, places.start - 1)? } else { Runs::default() };
        let mut traffic = Traffic { all: 0.0, distinct: 0.0 };
        for place in places {
            let here = self.touch.spans(input, own, place)?;
            let mut both = before;
            let known = both.count();
            both.extend(&here);
            traffic.all += here.count() as f64;
            traffic.distinct += both.count().saturating_sub(known) as f64;
            before = here;
        }
        Ok(traffic)
    }
}
