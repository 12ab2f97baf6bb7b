//! Computes a tile again by its meaning, in f64 between bounds, and compares what the device made.
//! It does not know which tiles are chosen, nor what bounds follow from: the plan's check says both.

use crate::device::cpu::Cpu;
use crate::device::{Host, InputData, Launched, Partial};
use crate::dtype::{Dtype, Number, get};
use crate::error::{Error, Result};
use crate::grid::{Dims, Region, indices};
use crate::plan::{Check, FoldEnd, Judged, JudgedFold, Output, Pass};
use crate::tile::{Tile, View, rows_of};
use std::time::Instant;

/// What computing tiles again showed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Verified {
    /// Tiles that were computed again.
    pub tiles: usize,
    /// The largest difference of a float, in units of the bound that it must keep: 0 where all were equal.
    pub share: f64,
    /// Whole numbers so near to a tie that either side of it is right.
    pub ties: u64,
    /// Elements of which nothing can be said: their bounds are infinite.
    pub unknown: u64,
}

impl Verified {
    /// Takes in what other tiles showed.
    pub fn add(&mut self, more: &Verified) {
        self.tiles += more.tiles;
        self.share = self.share.max(more.share);
        self.ties += more.ties;
        self.unknown += more.unknown;
    }
}

/// Computes tiles again, on the threads that had them computed.
pub(super) struct Again<'r> {
    cpu: Cpu,
    outputs: &'r [Output],
}

/// A tile that a device made, and what it was made of.
struct Made<'m> {
    pass: &'m Pass,
    region: Region,
    inputs: &'m [InputData<'m>],
    launched: &'m Launched,
}

impl<'r> Again<'r> {
    pub fn of(outputs: &'r [Output]) -> Again<'r> {
        Again { cpu: Cpu::by_meaning(), outputs }
    }

    /// Computes a tile again, if it is one of those that are, and compares.
    ///
    /// # Errors
    /// An element that the device cannot rightly have made.
    pub fn verify(
        &self,
        pass: &Pass,
        tile: usize,
        inputs: &[InputData<'_>],
        launched: &mut Launched,
        host: Host<'_>,
    ) -> Result<Option<Verified>> {
        let Some(check) = pass.check.as_ref().filter(|check| check.takes(pass, tile)) else { return Ok(None) };
        let begun = Instant::now();
        let verified = self.compared(check, &Made { pass, region: pass.sweep.region(tile), inputs, launched }, host)?;
        launched.busy = launched.busy.map(|busy| busy + begun.elapsed().as_secs_f64());
        Ok(Some(verified))
    }

    fn compared(&self, check: &Check, made: &Made<'_>, host: Host<'_>) -> Result<Verified> {
        let Made { pass, region, inputs, launched } = made;
        let mut verified = Verified { tiles: 1, ..Verified::default() };
        let mut differing: Vec<Differing> = check.sinks.iter().map(|_| Differing::default()).collect();
        let mut partials = Vec::new();
        let grid = check.blocks(region);
        for index in indices(Region::whole(grid.counts())) {
            host.pulse.check()?;
            (host.between)();
            let inside = grid.region(&index);
            let block = Region { start: inside.start.zip_with(&region.start, |a, b| a + b), shape: inside.shape };
            let again = self.cpu.block(&check.program, &block, inputs)?;
            for ((judged, tile), differing) in check.sinks.iter().zip(&launched.tiles).zip(&mut differing) {
                let view = tile.view().crop(&inside);
                compare(&view, *judged, &again.tiles, &block.start, (differing, &mut verified));
            }
            partials.extend(again.partials);
        }
        for (sink, differing) in pass.program.sinks.iter().zip(&differing) {
            let name = self.outputs.get(sink.output).map(|output| output.sink.name()).unwrap_or_default();
            tell(&name, &op_of(pass, sink.value), region, differing, region.shape.count())?;
        }
        compare_folds(check, made, &partials, &mut verified)?;
        Ok(verified)
    }
}

/// The first element that differs, and how many do.
#[derive(Default)]
struct Differing {
    count: usize,
    first: Option<First>,
}

struct First {
    index: Dims,
    made: Number,
    bounds: (Number, Number),
}

impl Differing {
    fn add(&mut self, index: Dims, made: Number, bounds: (Number, Number)) {
        self.count += 1;
        if self.first.as_ref().is_none_or(|first| index[..] < first.index[..]) {
            self.first = Some(First { index, made, bounds });
        }
    }
}

fn compare_folds(check: &Check, made: &Made<'_>, partials: &[Partial], verified: &mut Verified) -> Result<()> {
    let region = &made.region;
    let again = |number: usize| {
        let end = check.program.folds.get(number).ok_or_else(|| Error::bug("a check without its fold"))?;
        joined(end, number, region, partials)
    };
    for (number, (judged, end)) in check.folds.iter().zip(&made.pass.program.folds).enumerate() {
        let of_device = joined(end, number, region, &made.launched.partials)?;
        let mut differing = Differing::default();
        let axes = end.fold.axes();
        let start = (0..region.shape.len()).filter(|a| !axes.contains(a)).map(|a| region.start[a]).collect();
        compare_fold((&of_device, &start), *judged, &again, (&mut differing, verified))?;
        tell("a reduction", &end.origin.op, region, &differing, of_device.shape.count())?;
    }
    Ok(())
}

fn op_of(pass: &Pass, value: usize) -> String {
    let step = value.checked_sub(pass.program.inputs.len()).and_then(|k| pass.program.steps.get(k));
    step.map_or_else(|| "a copy".to_owned(), |step| step.origin.op.clone())
}

/// Compares a block; `start` is its place in the array.
fn compare(made: &View<'_>, judged: Judged, again: &[Tile], start: &Dims, told: (&mut Differing, &mut Verified)) {
    let (lo, hi) = match judged {
        Judged::Same(one) => (one, one),
        Judged::Between(lo, hi) => (lo, hi),
    };
    let (Some(lo), Some(hi)) = (again.get(lo), again.get(hi)) else { return };
    let is_same = matches!(judged, Judged::Same(_));
    let (size, bound_size) = (made.dtype.size(), lo.dtype.size());
    let (outer, row) = rows_of(&made.shape);
    let (differing, verified) = told;
    for (number, index) in indices(Region::whole(outer)).enumerate() {
        let first: Dims = index.iter().copied().chain((!made.shape.is_empty()).then_some(0)).collect();
        let at = made.element(&first) * size;
        let bytes = &made.bytes[at..at + row * size];
        let bounds = |tile: &'_ Tile, x: usize| {
            let at = (number * row + x) * bound_size;
            get(tile.dtype, &tile.data.bytes()[at..at + bound_size])
        };
        if is_same && bytes == &lo.data.bytes()[number * row * size..(number + 1) * row * size] {
            continue;
        }
        for (x, element) in bytes.chunks_exact(size).enumerate() {
            let (value, lo, hi) = (get(made.dtype, element), bounds(lo, x), bounds(hi, x));
            if !agrees(value, (lo, hi), is_same.then_some(made.dtype), verified) {
                let mut index: Dims = first.iter().zip(start.iter()).map(|(a, b)| a + b).collect();
                if let Some(last) = index.len().checked_sub(1) {
                    index[last] += x;
                }
                differing.add(index, value, (lo, hi));
            }
        }
    }
}

/// Whether an element is right, and what that says of the tile. Elements of a dtype that is given must be equal in their bits.
fn agrees(made: Number, (lo, hi): (Number, Number), bits: Option<Dtype>, verified: &mut Verified) -> bool {
    let is_nan = |n: Number| matches!(n, Number::Float(v) if v.is_nan());
    if let Some(dtype) = bits {
        let same_sign = !dtype.is_float() || made.to_f64().is_sign_negative() == lo.to_f64().is_sign_negative();
        return is_nan(made) && is_nan(lo) || made == lo && same_sign;
    }
    let (Number::Float(low), Number::Float(high)) = (lo, hi) else {
        let (made, low, high) = (made.to_int(), lo.to_int(), hi.to_int());
        verified.ties += u64::from(low != high);
        return (low..=high).contains(&made);
    };
    let made = made.to_f64();
    if low == f64::NEG_INFINITY && high == f64::INFINITY {
        verified.unknown += 1;
        return true;
    }
    if made.is_nan() {
        return low.is_nan() || low != high && (low.is_infinite() || high.is_infinite());
    }
    let half = (high - low) / 2.0;
    if half > 0.0 && half.is_finite() {
        verified.share = verified.share.max((made - (low + half)).abs() / half);
    }
    low <= made && made <= high
}

/// The result of a reduction of a tile alone, out of the partial states of its blocks.
fn joined(end: &FoldEnd, number: usize, tile: &Region, partials: &[Partial]) -> Result<Tile> {
    let axes = end.fold.axes();
    let kept: Vec<usize> = (0..tile.shape.len()).filter(|a| !axes.contains(a)).collect();
    let whole: Dims = kept.iter().map(|a| tile.shape[*a]).collect();
    let mut state = end.fold.start(whole.count());
    for partial in partials.iter().filter(|partial| partial.fold == number) {
        let start = kept.iter().map(|a| partial.region.start[*a] - tile.start[*a]).collect();
        let shape = kept.iter().map(|a| partial.region.shape[*a]).collect();
        let mut places = indices(Region { start, shape }).map(|index| whole.linear_of(&index));
        end.fold.join(&mut state, &partial.state, &mut places)?;
    }
    let count = axes.iter().map(|a| tile.shape[*a] as u64).product();
    let mut out = Tile::zeroed(end.info.dtype, whole);
    end.fold.finish(&state, count, &mut out)?;
    Ok(out)
}

fn compare_fold(
    (made, start): (&Tile, &Dims),
    judged: JudgedFold,
    again: &dyn Fn(usize) -> Result<Tile>,
    (differing, verified): (&mut Differing, &mut Verified),
) -> Result<()> {
    match judged {
        JudgedFold::Same(number) => {
            compare(&made.view(), Judged::Same(0), &[again(number)?], start, (differing, verified));
        }
        JudgedFold::Unknown => verified.unknown += made.shape.count() as u64,
        JudgedFold::Between { least, greatest, magnitudes, by } => {
            let (least, greatest, magnitudes) = (again(least)?, again(greatest)?, again(magnitudes)?);
            let size = made.dtype.size();
            let read = |tile: &Tile, k: usize| get(tile.dtype, &tile.data.bytes()[k * size..(k + 1) * size]);
            for (k, index) in indices(Region::whole(made.shape)).enumerate() {
                let (value, lo, hi) = (read(made, k), read(&least, k), read(&greatest, k));
                let slack = by * read(&magnitudes, k).to_f64().abs();
                let (low, high) = match made.dtype.is_float() {
                    true => bounds_of(lo.to_f64(), hi.to_f64(), slack),
                    false => (lo, hi),
                };
                if !agrees(value, (low, high), None, verified) {
                    differing.add(index.zip_with(start, |a, b| a + b), value, (low, high));
                }
            }
        }
    }
    Ok(())
}

/// Bounds moved apart; none where they are no numbers but not NaN both.
fn bounds_of(lo: f64, hi: f64, slack: f64) -> (Number, Number) {
    let unknown = lo.is_nan() != hi.is_nan() || slack.is_infinite() && lo != hi;
    let slack = if slack.is_finite() { slack } else { 0.0 };
    let (lo, hi) = if unknown { (f64::NEG_INFINITY, f64::INFINITY) } else { (lo - slack, hi + slack) };
    (Number::Float(lo), Number::Float(hi))
}

/// Says what differs, if anything does.
fn tell(name: &str, op: &str, tile: &Region, differing: &Differing, all: usize) -> Result<()> {
    let Some(First { index, made, bounds: (lo, hi) }) = &differing.first else { return Ok(()) };
    let apart = match (made.to_f64(), lo.to_f64(), hi.to_f64()) {
        (_, low, high) if low == high => format!("its meaning gives {lo}, {} away", (made.to_f64() - low).abs()),
        (made, low, high) if matches!(lo, Number::Float(_)) => {
            let (middle, half) = (low + (high - low) / 2.0, (high - low) / 2.0);
            let away = (made - middle).abs();
            format!("its meaning gives {middle} within {half:e}, {away:e} away, {:.3e} times the bound", away / half)
        }
        _ => format!("its meaning gives {lo} to {hi}"),
    };
    let what = format!(
        "{name}: {} of {all} elements of a tile are not what {op} means; the first, at {index}, is {made}: {apart}",
        differing.count
    );
    let error = Error::machine(what).at(format!("tile {tile}, computed again (--verify)"));
    Err(error.hint("--device cpu runs it without a GPU; please report it with the command and what `stackmill doctor` says"))
}
