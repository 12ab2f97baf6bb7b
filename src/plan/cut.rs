//! Chooses the tiles of a pass and the blocks of a tile.
//! It does not run anything; it asks the budget what a choice costs.

use super::budget::{Fixed, block_bytes, price, process_bytes, tile_bytes, worst_tile};
use super::crowd::{is_crowded, refused, relieved};
use super::place::{Sharing, share};
use super::program::Program;
use super::schedule::{self, MOST_BINDING};
use super::search::{READ_AGAIN, ordered, reads_less, searched};
use super::single::in_single;
use super::sweep::Sweep;
use super::vram::vram_bytes;
use super::{Costs, GpuPass, Machine, Output, Pass, Placement};
use crate::error::{Error, Result, Subject, bytes_text};
use crate::graph::{Stage, made_axes};
use crate::grid::{Dims, Region};
use std::cell::Cell;

/// Bytes of a tile in flight beyond which nothing is gained: reads, decodes and writes are long enough to overlap.
pub(super) const LARGE_TILE: u64 = 48 << 20;
/// Scratch of less than this part of the budget is not worth smaller blocks for the sake of what is read again.
const WIDE: u64 = 16;
/// Tiles so many times larger than wanted are priced by the usual one alone.
const FAR_TILE: u64 = 4;
/// Tiles that a pass should have at least, so that its lanes overlap; and bytes of one below which halos cost more than that saves.
const MANY_TILES: u64 = 16;
const SMALL_TILE: u64 = 4 << 20;
/// How much slower work is in a block of so many times a worker's share of the cache, and beyond the last of them.
const SPILLED: [(usize, f64); 3] = [(1, 1.0), (4, 1.3), (16, 1.6)];
const FAR: f64 = 2.5;
/// The narrowest block along x: shorter rows waste vectors.
const NARROW: usize = 128;

/// A sweep with its block and its costs.
pub(super) type Priced = (Sweep, Dims, Costs);

/// Extents that tile edges must be multiples of, and axes that a tile must cover.
pub(super) struct Rules {
    align: Dims,
    whole: Vec<bool>,
    only: Vec<Option<usize>>,
    /// Whether a tile is one block: a function of the user's is called once for it.
    undivided: bool,
}

impl Rules {
    fn of(program: &Program, outputs: &[Output]) -> Rules {
        let rank = program.domain.len();
        let mut rules =
            Rules { align: Dims::filled(rank, 1), whole: vec![false; rank], only: vec![None; rank], undivided: false };
        for unit in program.sinks.iter().filter_map(|s| outputs.get(s.output)).filter_map(|o| o.sink.unit()) {
            rules.align = rules.align.zip_with(&unit, least_common_multiple);
        }
        for fold in &program.folds {
            let axes = fold.fold.axes();
            let stored = fold.stored.and_then(|output| outputs.get(output)).and_then(|o| o.sink.unit());
            for (axis, unit) in stored.map(|unit| along_kept(&unit, &axes, rank)).unwrap_or_default() {
                rules.align[axis] = least_common_multiple(rules.align[axis], unit);
            }
            for axis in &axes {
                let block = fold.fold.block(*axis, rank);
                rules.align[*axis] = least_common_multiple(rules.align[*axis], block);
                if fold.fold.in_order() && axes.last() != Some(axis) {
                    rules.only[*axis] = Some(block);
                }
            }
        }
        for step in &program.steps {
            if let Stage::Scan(scan) = &step.stage {
                rules.whole[scan.axis()] = true;
            }
            if let Stage::Tiles(tiles) = &step.stage {
                rules.undivided = true;
                let made = made_axes(&**tiles, step.inputs.len(), step.info.shape.len());
                if made.len() == rank {
                    rules.whole.iter_mut().zip(made).for_each(|(whole, made)| *whole |= made);
                }
            }
        }
        rules
    }

    /// The smallest legal tile.
    pub(super) fn smallest(&self, domain: &Dims) -> Dims {
        (0..domain.len()).map(|a| if self.whole[a] { domain[a] } else { self.align[a].min(domain[a]) }.max(1)).collect()
    }

    /// The nearest legal extent, at least the smallest.
    pub(super) fn legal(&self, axis: usize, wish: usize, domain: &Dims) -> usize {
        if self.whole[axis] {
            return domain[axis].max(1);
        }
        let align = self.align[axis];
        let unit = self.only[axis].unwrap_or_else(|| wish.min(domain[axis]).div_ceil(align).saturating_mul(align));
        unit.clamp(1, domain[axis].max(1))
    }
}

/// The axes of the domain that a fold keeps, each with its extent of a unit of the result, whose reduced axes may be left or gone.
fn along_kept(unit: &Dims, reduced: &[usize], rank: usize) -> Vec<(usize, usize)> {
    let kept = (0..rank).filter(|axis| !reduced.contains(axis));
    let own = |(number, axis): (usize, usize)| (axis, unit[if unit.len() == rank { axis } else { number }]);
    kept.enumerate().map(own).collect()
}

fn least_common_multiple(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a.max(1), b.max(1));
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a.max(1) / x).saturating_mul(b.max(1))
}

/// Cuts one pass.
///
/// # Errors
/// A budget that the smallest legal tile does not fit, or only tiles do that are far too many.
pub fn cut(program: Program, outputs: &[Output], machine: &Machine, placement: &Placement, fixed: &Fixed) -> Result<Pass> {
    let rules = Rules::of(&program, outputs);
    let best = |machine: &Machine| best(&program, outputs, machine, &rules, fixed);
    let (sweep, block, costs) = best(machine)?;
    if costs.predicted > machine.memory {
        return Err(refusal(&program, machine, &costs, &sweep));
    }
    let found = (sweep, block, costs);
    if !is_wished(&program, machine)
        && is_crowded(&program, &found, machine.threads)
        && let Some(error) = refused(&found, &program, machine, &best)?
    {
        return Err(error);
    }
    let (sweep, block, costs) = found;
    let pass = Pass { number: 0, program, sweep, block, costs, gpu: None, on_cpu: None, check: None };
    if placement.is_gpu() { on_gpu(pass, machine, &rules) } else { Ok(pass) }
}

/// Whether the user asked for the extents of a tile of this domain.
fn is_wished(program: &Program, machine: &Machine) -> bool {
    machine.tile.as_ref().is_some_and(|wish| wish.len() == program.domain.len())
}

/// The best tiles, blocks and order that were found; they may not fit.
fn best(program: &Program, outputs: &[Output], machine: &Machine, rules: &Rules, fixed: &Fixed) -> Result<Priced> {
    let known: Cell<Option<(Dims, Dims)>> = Cell::new(None);
    let priced = |sweep: Sweep| priced(program, outputs, machine, (rules, fixed), sweep, &known);
    if let Some(wish) = machine.tile.as_ref().filter(|_| is_wished(program, machine)) {
        let wished = priced(Sweep::new(program.domain, wished(wish, rules, &program.domain)))?;
        return ordered(wished, program, machine.memory, &priced);
    }
    let goal = goal(program, machine, fixed)?;
    let found = searched(program, rules, machine, goal, &priced)?;
    if found.2.predicted <= machine.memory && is_crowded(program, &found, machine.threads) {
        return relieved(found, program, rules, machine, (goal, &priced));
    }
    Ok(found)
}

/// The price of a sweep with the best block for it.
fn priced(
    program: &Program,
    outputs: &[Output],
    machine: &Machine,
    (rules, fixed): (&Rules, &Fixed),
    sweep: Sweep,
    known: &Cell<Option<(Dims, Dims)>>,
) -> Result<Priced> {
    let priced = |block: Dims| -> Result<(Dims, Costs)> {
        let costs = price(program, outputs, &sweep, &block, fixed, (machine.memory, machine.threads))?;
        Ok((block, costs))
    };
    // In another order a tile has the same blocks.
    let block = match known.get().filter(|(tile, _)| *tile == sweep.grid.unit) {
        Some((_, block)) => block,
        None => cached_block(program, &sweep, rules, machine.cache)?,
    };
    known.set(Some((sweep.grid.unit, block)));
    let (mut block, mut costs) = priced(block)?;
    let own = block_bytes(program, &sweep.block(&block))?.0;
    let over = costs.predicted.saturating_sub(machine.memory).div_ceil(machine.threads as u64);
    let is_wide = costs.scratch > machine.memory / WIDE && costs.read_factor() > READ_AGAIN;
    // As much smaller as it must be, then as small as is swift; where units are read again only that.
    let fitting = usize::try_from(over).ok().and_then(|over| own.checked_sub(over)).filter(|_| over > 0);
    for most in fitting.into_iter().chain((over > 0 || is_wide).then_some(machine.cache)) {
        let fits = |block: &Region| Ok(block_bytes(program, block)?.0 <= most);
        let small = priced(cut_block(program, &sweep, rules, NARROW, &fits)?)?;
        if costs.predicted > machine.memory || reads_less(&small.1, &costs) {
            (block, costs) = small;
        }
    }
    Ok((sweep, block, costs))
}

/// Slots of a GPU: one is filled, one computes, one is emptied.
const SLOTS: usize = 3;
/// The narrowest block of a GPU along x.
const NARROW_ON_GPU: usize = 16;

/// Gives a pass its part on a GPU: blocks that fit its memory; or says why the CPU does all of it.
fn on_gpu(mut pass: Pass, machine: &Machine, rules: &Rules) -> Result<Pass> {
    let program = in_single(&pass.program);
    let sharing = match share(&program) {
        Ok(sharing) => sharing,
        Err(why) => return Ok(Pass { on_cpu: Some(why), ..pass }),
    };
    let on_the_cpu = std::mem::replace(&mut pass.program, program);
    let gpus = machine.gpus.max(1);
    let others = pass.costs.predicted - pass.costs.scratch;
    let spare = machine.memory.saturating_sub(others) / gpus as u64;
    for slots in (1..=SLOTS).rev() {
        let share_of = |bytes: u64| bytes / slots as u64;
        let fits = |block: &Region| -> Result<bool> {
            let (vram, host, largest) = gpu_bytes(&pass, &sharing, block)?;
            Ok(vram <= share_of(machine.vram) && vram + host <= share_of(spare) && largest <= MOST_BINDING)
        };
        let block = cut_block(&pass.program, &pass.sweep, rules, NARROW_ON_GPU, &fits)?;
        let middle = pass.sweep.block(&block);
        if fits(&middle)? {
            let (block_bytes, host, _) = gpu_bytes(&pass, &sharing, &middle)?;
            let align = (0..block.len()).map(|axis| fold_align(&pass.program, axis)).collect();
            pass.costs.scratch = (gpus * slots) as u64 * (block_bytes + host);
            pass.costs.predicted = others + pass.costs.scratch;
            pass.gpu = Some(GpuPass { sharing, block, align, gpus, slots, block_bytes });
            return Ok(pass);
        }
    }
    let what = format!("its smallest block fits neither --vram {} nor what memory leaves", bytes_text(machine.vram));
    Ok(Pass { on_cpu: Some(what), program: on_the_cpu, ..pass })
}

/// Bytes of device memory and of the CPU's memory that one block in flight takes, and those of its largest buffer.
fn gpu_bytes(pass: &Pass, sharing: &Sharing, block: &Region) -> Result<(u64, u64, u64)> {
    let plan = schedule::worst_schedule(&pass.program, sharing, block)?;
    let (vram, largest) = vram_bytes(&pass.program, &plan);
    let steps = if sharing.folds.iter().all(Option::is_none) && sharing.segments.iter().all(|s| s.gpu) {
        0
    } else {
        block_bytes(&pass.program, block)?.0 as u64
    };
    Ok((vram, vram / 2 + steps, largest))
}

/// What a fold's anchored blocks ask of the edges along an axis.
pub(super) fn fold_align(program: &Program, axis: usize) -> usize {
    let rank = program.domain.len();
    let blocks = program.folds.iter().filter(|f| f.fold.axes().contains(&axis)).map(|f| f.fold.block(axis, rank));
    blocks.fold(1, least_common_multiple)
}

/// Refuses a tile that no pass of these domains could have. One that fits only some is for those: a reduction sweeps
/// its input, and then a result of fewer axes.
///
/// # Errors
/// Extents of 0, or as many extents as no domain has axes.
pub fn check_wish(wish: &[usize], domains: &[Dims]) -> Result<()> {
    if !wish.contains(&0) && (domains.is_empty() || domains.iter().any(|d| d.len() == wish.len())) {
        return Ok(());
    }
    let domain = domains.first().copied().unwrap_or_default();
    let what = format!("tile {} for a sweep of {} axes {domain}", Dims::from(wish), domain.len());
    Err(Error::caller(what).hint("give one extent above 0 per axis, as in --tile 8,512,512"))
}

fn wished(wish: &[usize], rules: &Rules, domain: &Dims) -> Dims {
    (0..domain.len()).map(|a| rules.legal(a, wish[a], domain)).collect()
}

/// The bytes of a tile in flight that fit beside others and let lanes overlap.
fn goal(program: &Program, machine: &Machine, fixed: &Fixed) -> Result<u64> {
    let room = machine.memory.saturating_sub(fixed.total()) / 4 * 3;
    let whole = worst_tile(program, &Sweep::new(program.domain, program.domain))?.total();
    Ok((room / (machine.threads as u64 + 2)).min(LARGE_TILE).min((whole / MANY_TILES).max(SMALL_TILE)))
}

/// Halves the whole domain, axis by axis, until a tile is no larger than `target`, or until no halving frees `worth` parts in
/// 1024 of its bytes.
pub(super) fn chosen(program: &Program, target: u64, rules: &Rules, worth: u64) -> Result<Dims> {
    let domain = program.domain;
    let mut tile: Dims = (0..domain.len()).map(|a| rules.legal(a, domain[a], &domain)).collect();
    let smallest = rules.smallest(&domain);
    let cost = |tile: Dims| worst_tile(program, &Sweep::new(domain, tile));
    let usual = |tile: Dims| tile_bytes(program, &Sweep::new(domain, tile).middle());
    let mut bytes = usual(tile)?.total();
    // Far from the goal the usual tile tells enough; near it the largest one counts.
    let mut is_far = bytes > FAR_TILE * target;
    if !is_far {
        bytes = cost(tile)?.total();
    }
    loop {
        if is_far && bytes <= FAR_TILE * target {
            (is_far, bytes) = (false, cost(tile)?.total());
        }
        if bytes <= target {
            return Ok(tile);
        }
        let halves = (0..domain.len()).filter(|a| tile[*a] > smallest[*a]);
        let halved = |axis: usize| tile.with(axis, rules.legal(axis, tile[axis] / 2, &domain));
        // Halving must help, and cost the least recomputation; the outermost such axis keeps rows long.
        let mut best: Option<(f64, Dims, Option<u64>)> = None;
        for next in halves.map(halved).filter(|next| *next != tile) {
            let priced = || if is_far { usual(next) } else { cost(next) };
            let left = if worth > 0 { Some(priced()?.total()) } else { None };
            if left.is_some_and(|left| left > bytes - bytes / 1024 * worth) {
                continue;
            }
            let (_, recompute) = block_bytes(program, &Region { start: Dims::filled(domain.len(), 0), shape: next })?;
            if best.as_ref().is_none_or(|(least, ..)| recompute < least * 0.98) {
                best = Some((recompute, next, left));
            }
        }
        match best {
            Some((_, next, Some(left))) => (tile, bytes) = (next, left),
            Some((_, next, None)) => (tile, bytes) = (next, if is_far { usual(next)? } else { cost(next)? }.total()),
            None => return Ok(tile),
        }
    }
}

/// The block that is soonest done: one that fits a worker's share of the cache, unless its halos are computed so often that
/// a larger one, slowed down by what lies further away, is done sooner.
pub(super) fn cached_block(program: &Program, sweep: &Sweep, rules: &Rules, cache: usize) -> Result<Dims> {
    let mut block = sweep.grid.unit;
    let mut best = (f64::INFINITY, block);
    loop {
        let (bytes, recompute) = block_bytes(program, &sweep.block(&block))?;
        let slower = SPILLED.iter().find(|(times, _)| bytes <= times * cache).map_or(FAR, |(_, slower)| *slower);
        if recompute * slower < best.0 {
            best = (recompute * slower, block);
        }
        match halved_block(program, sweep, rules, NARROW, block)? {
            Some(next) if bytes > cache && !rules.undivided => block = next,
            _ => return Ok(best.1),
        }
    }
}

/// Halves a tile until a block fits: a worker's share of the cache, or a GPU's memory.
fn cut_block(
    program: &Program,
    sweep: &Sweep,
    rules: &Rules,
    narrow: usize,
    fits: &dyn Fn(&Region) -> Result<bool>,
) -> Result<Dims> {
    let mut block = sweep.grid.unit;
    while !rules.undivided && !fits(&sweep.block(&block))? {
        match halved_block(program, sweep, rules, narrow, block)? {
            Some(next) => block = next,
            None => break,
        }
    }
    Ok(block)
}

/// The block halved along the axis that makes the least work anew; none where no axis can be halved.
fn halved_block(program: &Program, sweep: &Sweep, rules: &Rules, narrow: usize, block: Dims) -> Result<Option<Dims>> {
    let rank = block.len();
    let mut best: Option<(f64, Dims)> = None;
    for axis in 0..rank {
        let least = if axis + 1 == rank { narrow } else { 1 };
        let half = (block[axis] / 2).next_multiple_of(fold_align(program, axis));
        if rules.whole[axis] || half < least || half >= block[axis] {
            continue;
        }
        let recompute = block_bytes(program, &sweep.block(&block.with(axis, half)))?.1;
        if best.as_ref().is_none_or(|(least, _)| recompute < least * 0.98) {
            best = Some((recompute, block.with(axis, half)));
        }
    }
    Ok(best.map(|(_, next)| next))
}

/// The refusal: what does not fit, with the numbers and the way out.
fn refusal(program: &Program, machine: &Machine, costs: &Costs, sweep: &Sweep) -> Error {
    let step = program.steps.last().map_or_else(|| "the copy".to_owned(), |s| s.origin.op.clone());
    let what = format!(
        "memory: {step} needs {} for one tile of {} + {} scratch of {} workers + {} held ({} by the process itself) = {}, budget is {}",
        bytes_text(costs.predicted - costs.scratch - costs.fixed),
        sweep.grid.unit,
        bytes_text(costs.scratch),
        machine.threads,
        bytes_text(costs.fixed),
        bytes_text(process_bytes(machine.threads)),
        bytes_text(costs.predicted),
        bytes_text(machine.memory)
    );
    Error::caller(what)
        .on(Subject::Memory)
        .hint(format!("raise memory to {} or more, or use fewer threads", bytes_text(costs.predicted.next_power_of_two())))
}
