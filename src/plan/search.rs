//! Searches the tiles of a pass and the order in which a sweep takes them.
//! It does not price them nor know what is legal; it compares prices.

use super::budget::block_bytes;
use super::cut::{LARGE_TILE, Priced, Rules, cached_block, chosen};
use super::program::Program;
use super::sweep::Sweep;
use super::{Costs, Machine};
use crate::error::Result;
use crate::grid::{Dims, Grid};

/// Tiles of fewer bytes in flight are not tried for the sake of what is read again.
const SMALL_TILE: u64 = 1 << 20;
/// Units that are read more often than this are a reason for smaller tiles.
pub const READ_AGAIN: f64 = 1.02;
/// Elements that are computed more often than this are a reason for larger tiles.
const COMPUTED_AGAIN: f64 = 1.3;
/// Tiles at the ends of a sweep whose lanes overlap with nothing.
const ENDS: f64 = 2.0;
/// A halving must free at least this part in 1024 of a tile's bytes: where the rest are units, which a smaller tile
/// holds as well, it would only make more tiles.
pub const WORTH: u64 = 24;

/// What reads less may compute so many times more.
const COMPUTED_MORE: f64 = 2.0;
/// How much longer reading and decoding an element takes than one step of computing it.
const READING: f64 = 4.0;

/// Whether one choice reads clearly less than another, without computing far more anew.
pub fn reads_less(costs: &Costs, than: &Costs) -> bool {
    costs.read_factor() < 0.95 * than.read_factor() && costs.recompute <= COMPUTED_MORE * than.recompute
}

/// The best tiles that were found: of about the wanted bytes, thicker where halos cost much, smaller where they do not fit or where
/// that leaves room for what is read again, longer where units are read again all the same.
pub fn searched(
    program: &Program,
    rules: &Rules,
    machine: &Machine,
    goal: u64,
    priced: &impl Fn(Sweep) -> Result<Priced>,
) -> Result<Priced> {
    let fits = |costs: &Costs| costs.predicted <= machine.memory;
    let tile = chosen(program, goal, rules, WORTH)?;
    let mut best = priced(Sweep::new(program.domain, tile))?;
    if fits(&best.2) && best.2.recompute > COMPUTED_AGAIN {
        let reads = best.2.read_factor();
        let next = thicker(program, rules, machine, (goal, tile), |tile| {
            let costs = priced(Sweep::new(program.domain, tile))?.2;
            Ok(fits(&costs) && costs.read_factor() <= reads)
        })?;
        best = if next == tile { best } else { priced(best.0.with_tile(next))? };
    }
    best = ordered(best, program, machine.memory, priced)?;
    let tile = best.0.grid.unit;
    best = smaller(best, program, rules, (goal, machine.memory), priced)?;
    if best.0.grid.unit != tile {
        best = ordered(best, program, machine.memory, priced)?;
    }
    if fits(&best.2) && best.2.read_factor() > READ_AGAIN {
        best = fewer_reads(best, program, rules, priced, machine.memory)?;
    }
    Ok(best)
}

/// The same tiles in another order, where units are read again or nothing fits: with one axis innermost, or those that are reduced,
/// so that what is folded along them is done part by part.
pub fn ordered(mut best: Priced, program: &Program, memory: u64, priced: &impl Fn(Sweep) -> Result<Priced>) -> Result<Priced> {
    let fits = |priced: &Priced| priced.2.predicted <= memory;
    if fits(&best) && best.2.read_factor() <= READ_AGAIN {
        return Ok(best);
    }
    let counts = best.0.grid.counts();
    let one = (0..counts.len()).filter(|axis| counts[*axis] > 1).map(|axis| vec![axis]);
    let reduced = program.folds.first().map(|end| end.fold.axes());
    let first = best.0;
    let sweeps = reduced.into_iter().chain(one).map(|axes| first.innermost(&axes));
    for sweep in sweeps.filter(|sweep| *sweep != first && is_legal(program, sweep)) {
        let next = priced(sweep)?;
        let is_better = match (fits(&next), fits(&best)) {
            (true, true) => reads_less(&next.2, &best.2),
            (false, false) => next.2.predicted < best.2.predicted,
            (fits, _) => fits,
        };
        best = if is_better { next } else { best };
    }
    Ok(best)
}

/// Whether folds that join in index order may be swept so.
fn is_legal(program: &Program, sweep: &Sweep) -> bool {
    let place = |axis: &usize| sweep.order().iter().position(|own| own == axis);
    let folds = program.folds.iter().filter(|end| end.fold.in_order());
    folds.map(|end| end.fold.axes()).all(|axes| axes.iter().map(place).is_sorted())
}

/// Smaller tiles: they leave room for what is read again. Where nothing fits every byte counts, however many tiles it takes.
fn smaller(
    mut best: Priced,
    program: &Program,
    rules: &Rules,
    (goal, memory): (u64, u64),
    priced: &impl Fn(Sweep) -> Result<Priced>,
) -> Result<Priced> {
    let fits = |costs: &Costs| costs.predicted <= memory;
    let (mut bytes, mut last) = (goal, best.0.grid.unit);
    if fits(&best.2) && best.2.read_factor() > READ_AGAIN && bytes > SMALL_TILE {
        // Where the smallest does not help, nothing between does.
        let least = priced(best.0.with_tile(chosen(program, SMALL_TILE, rules, WORTH)?))?;
        if least.2.read_factor() >= 0.95 * best.2.read_factor() {
            return Ok(best);
        }
    }
    while bytes > 0 && (!fits(&best.2) || bytes > SMALL_TILE && best.2.read_factor() > READ_AGAIN) {
        bytes /= 2;
        let tile = chosen(program, bytes, rules, if fits(&best.2) { WORTH } else { 0 })?;
        if tile == last {
            continue;
        }
        last = tile;
        let next = priced(best.0.with_tile(tile))?;
        if !fits(&best.2) || fits(&next.2) && reads_less(&next.2, &best.2) {
            best = next;
        }
    }
    Ok(best)
}

/// Larger tiles than wanted, where halos make the wanted ones compute much anew: the first and the last tile of a sweep overlap
/// with nothing, so fewer tiles cost something too.
fn thicker(
    program: &Program,
    rules: &Rules,
    machine: &Machine,
    (goal, wanted): (u64, Dims),
    fits: impl Fn(Dims) -> Result<bool>,
) -> Result<Dims> {
    let work = |tile: Dims| -> Result<(f64, f64)> {
        let sweep = Sweep::new(program.domain, tile);
        let block = cached_block(program, &sweep, rules, machine.cache)?;
        let recompute = block_bytes(program, &sweep.block(&block))?.1;
        let blocks = (sweep.tiles() * Grid::new(sweep.grid.unit, block).counts().count()).max(1);
        // The last blocks leave workers idle.
        let idle = (blocks.div_ceil(machine.threads) * machine.threads) as f64 / blocks as f64;
        Ok((recompute * idle * (1.0 + ENDS / sweep.tiles().max(1) as f64), recompute))
    };
    let (mut best, mut bytes, mut last) = (wanted, goal, wanted);
    let (mut least, mut recompute) = work(best)?;
    while recompute > COMPUTED_AGAIN && best != program.domain && bytes < 4 * LARGE_TILE {
        bytes *= 2;
        let tile = chosen(program, bytes, rules, WORTH)?;
        if tile == last {
            continue;
        }
        last = tile;
        let next = work(tile)?;
        if next.0 < 0.9 * least {
            if !fits(tile)? {
                break;
            }
            (best, least, recompute) = (tile, next.0, next.1);
        }
    }
    Ok(best)
}

/// Tiles of other shapes, longer along the axes where units are read again, while that makes less work and fits.
fn fewer_reads(
    mut best: Priced,
    program: &Program,
    rules: &Rules,
    priced: &impl Fn(Sweep) -> Result<Priced>,
    memory: u64,
) -> Result<Priced> {
    let (domain, smallest) = (program.domain, rules.smallest(&program.domain));
    let work = |(sweep, _, costs): &Priced| {
        let ends = 1.0 + ENDS / sweep.tiles().max(1) as f64;
        (costs.recompute * program.steps.len() as f64 + READING * costs.read_factor()) * ends
    };
    let improve = |shape: Dims, best: &mut Priced| -> Result<bool> {
        let next = priced(best.0.with_tile(shape))?;
        let is_less = next.2.predicted <= memory && work(&next) < 0.95 * work(best);
        if is_less {
            *best = next;
        }
        Ok(is_less)
    };
    for axis in best.0.order().iter().take(best.2.kept).copied().collect::<Vec<_>>() {
        let tile = best.0.grid.unit;
        let longer = |best: &Priced| best.0.grid.unit.with(axis, rules.legal(axis, 2 * best.0.grid.unit[axis], &domain));
        while longer(&best) != best.0.grid.unit && improve(longer(&best), &mut best)? {}
        let longest = longer(&best);
        if best.0.grid.unit != tile || longest == tile {
            continue;
        }
        // Where it does not fit, it may if it is shorter along another axis.
        for other in (0..domain.len()).filter(|other| *other != axis && longest[*other] > smallest[*other]) {
            improve(longest.with(other, rules.legal(other, longest[other] / 2, &domain)), &mut best)?;
        }
    }
    Ok(best)
}
