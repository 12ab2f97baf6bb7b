//! Plans of so many tiles that handling them takes far longer than their work: they fit a budget only because nothing larger does.
//! It does not choose tiles; it says which choice is none, and which budget would do.

use super::cut::{Priced, Rules, chosen};
use super::program::Program;
use super::search::{WORTH, ordered};
use super::seconds::{of_tiles, of_work};
use super::sweep::Sweep;
use super::{Machine, Plan};
use crate::error::{Error, Result, Subject, bytes_text};

/// Seconds of handling tiles that are nobody's concern, and how many times their work it must be beyond.
const PATIENCE: f64 = 60.0;
const TIMES: f64 = 10.0;
/// Seconds of work beyond which the user is told.
const DAY: f64 = 86_400.0;
/// Tiles of fewer bytes are not tried in other orders.
const LEAST: u64 = 64 << 10;
/// Budgets so many times larger are tried for the sake of the error's hint, and how near to the least of them it is.
const LARGER: u64 = 1 << 12;
const NEAR: u64 = 16;

/// Whether handling its tiles takes a minute, and ten times as long as what is done in them.
pub(super) fn is_crowded(program: &Program, (sweep, _, costs): &Priced, threads: usize) -> bool {
    let handled = of_tiles(sweep.tiles());
    handled > PATIENCE && handled > TIMES * of_work(program, costs, threads)
}

/// Larger tiles, each in every order: a search that found none that fits went on in one order alone.
pub(super) fn relieved(
    found: Priced,
    program: &Program,
    rules: &Rules,
    machine: &Machine,
    (goal, priced): (u64, &impl Fn(Sweep) -> Result<Priced>),
) -> Result<Priced> {
    let mut bytes = goal;
    while bytes >= LEAST {
        let first = priced(Sweep::new(program.domain, chosen(program, bytes, rules, WORTH)?))?;
        let next = ordered(first, program, machine.memory, priced)?;
        if next.2.predicted <= machine.memory && !is_crowded(program, &next, machine.threads) {
            return Ok(next);
        }
        bytes /= 2;
    }
    Ok(found)
}

/// The error of a crowded choice, if another budget would give a better one: the least of them is found by search.
pub(super) fn refused(
    found: &Priced,
    program: &Program,
    machine: &Machine,
    best: &dyn Fn(&Machine) -> Result<Priced>,
) -> Result<Option<Error>> {
    let is_better = |memory: u64| -> Result<bool> {
        let there = Machine { memory, ..machine.clone() };
        let next = best(&there)?;
        Ok(next.2.predicted <= memory && !is_crowded(program, &next, machine.threads))
    };
    let (mut low, mut high) = (machine.memory, machine.memory.saturating_mul(2));
    while !is_better(high)? {
        if high / LARGER > machine.memory {
            return Ok(None);
        }
        (low, high) = (high, high.saturating_mul(2));
    }
    while high - low > low / NEAR {
        let middle = low + (high - low) / 2;
        if is_better(middle)? { high = middle } else { low = middle }
    }
    let step = program.steps.last().map_or_else(|| words(program), |s| s.origin.op.clone());
    let what = format!(
        "memory: {step} fits {} only in {} tiles of {}, about {} s of handling them alone",
        bytes_text(machine.memory),
        found.0.tiles(),
        found.0.grid.unit,
        of_tiles(found.0.tiles()).round()
    );
    let enough = bytes_text(high.next_multiple_of(1 << 20));
    let error = Error::caller(what).on(Subject::Memory);
    Ok(Some(error.hint(format!("raise memory to {enough} or more, or give scratch room"))))
}

fn words(program: &Program) -> String {
    program.folds.first().map_or_else(|| "the copy".to_owned(), |end| end.origin.op.clone())
}

/// What is said of passes that nobody may want to wait for: of tiles that were asked for and are far too many, of work that is
/// thought to take over a day.
#[must_use]
pub fn long_words(plan: &Plan) -> Vec<String> {
    let threads = plan.machine.threads;
    let is_crowded = |pass: &&super::Pass| {
        let priced = (pass.sweep, pass.block, pass.costs.clone());
        is_crowded(&pass.program, &priced, threads)
    };
    let days = |pass: &super::Pass| {
        let days = of_work(&pass.program, &pass.costs, threads) / DAY;
        let words =
            || format!("pass {} takes about {days:.0} days by a rough estimate: explain tells its steps", pass.number + 1);
        (days >= 1.0).then(words)
    };
    let crowded = plan.passes.iter().filter(is_crowded);
    let words = |pass: &super::Pass| {
        let (tiles, unit) = (pass.sweep.tiles(), pass.sweep.grid.unit);
        format!("pass {} has {tiles} tiles of {unit}: handling them alone takes about {:.0} s", pass.number + 1, of_tiles(tiles))
    };
    crowded.map(words).chain(plan.passes.iter().filter_map(days)).collect()
}
