//! Running a plan: a pure flow decides, a driver does. It knows no op and no format, only stages, sources and sinks.
//! It decides nothing about tiles or placement; that is the plan's.

mod event;
mod flow;
mod keep;
mod ledger;
mod store;
pub(crate) mod threads;
pub mod virtual_time;

pub use event::{Lane, PassReport, Progress, Span, Summary};
pub use flow::{Command, Event, Flow, PartKey, UnitKey};
pub use ledger::Ledger;

use crate::device::Device;
use crate::error::{Error, Result};
use crate::plan::{Output, Pass, Plan};
use crate::storage::Identity;
use crate::tile::Tile;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// Reader threads: enough to keep a disk or a network mount busy.
pub const READERS: usize = 2;

/// Results of folds, by the keys of their nodes.
pub(crate) type LateValues = HashMap<usize, Arc<Tile>>;

/// Sees the progress of a run and may stop it with an error; called often, at least ten times a second, on the thread that runs;
/// must be quick.
pub type Observer<'o> = &'o dyn Fn(&Progress) -> Result<()>;

/// Runs a plan: every output is written, or given up so that nothing looks whole.
///
/// # Errors
/// What stopped it: a source that fails, a sink that fails, a fault of ours.
pub fn run(plan: &Plan, outputs: &[Output], device: &dyn Device, identity: &Identity, observe: Observer<'_>) -> Result<Summary> {
    let started = Instant::now();
    let before = crate::os::resident_bytes();
    let mut begun = 0;
    let mut ready = || -> Result<()> {
        for output in outputs {
            output.sink.begin(identity)?;
            begun += 1;
        }
        Ok(())
    };
    let done = ready().and_then(|()| run_passes(plan, outputs, device, observe, started));
    let finished = done.and_then(|summary| outputs.iter().try_for_each(|o| o.sink.finish()).map(|()| summary));
    if finished.is_err() {
        outputs.iter().take(begun).for_each(|o| o.sink.abandon());
    }
    finished.map(|mut summary| {
        let grown = |after: u64| after.saturating_sub(before.unwrap_or(after));
        summary.measured_bytes = summary.measured_bytes.map(grown);
        summary.predicted_bytes = plan.peak_bytes();
        summary.seconds = started.elapsed().as_secs_f64();
        summary.threads = plan.machine.threads;
        summary
    })
}

fn run_passes(plan: &Plan, outputs: &[Output], device: &dyn Device, observe: Observer<'_>, started: Instant) -> Result<Summary> {
    let pool = threads::pool(plan.machine.threads)?;
    let mut late = LateValues::new();
    let mut summary = Summary::default();
    for (number, pass) in plan.passes.iter().enumerate() {
        let numbers = (number + 1, plan.passes.len());
        let driver = threads::Driver::new(pass, outputs, device, &late, &pool);
        let (report, made, resident) =
            driver.run(numbers, started, observe).map_err(|e| e.at(format!("pass {} of {}", numbers.0, numbers.1)))?;
        late.extend(made);
        summary.bytes += pass_bytes(pass);
        summary.measured_bytes = summary.measured_bytes.max(resident);
        summary.passes.push(report);
    }
    Ok(summary)
}

/// Decoded bytes of a pass's sources and of its results.
fn pass_bytes(pass: &Pass) -> u64 {
    let inputs: u64 = pass.program.inputs.iter().map(|i| i.info.bytes()).sum();
    let sinks: u64 = pass.program.sinks.iter().filter_map(|s| pass.program.info(s.value).ok()).map(|i| i.bytes()).sum();
    inputs + sinks
}

/// The states of a pass's folds, joined as tiles come.
pub(crate) struct Folds<'p> {
    pass: &'p Pass,
    states: Vec<Vec<u8>>,
}

impl<'p> Folds<'p> {
    pub(crate) fn new(pass: &'p Pass) -> Folds<'p> {
        let states = pass.program.folds.iter().map(|f| f.fold.start(f.info.shape.count())).collect();
        Folds { pass, states }
    }

    /// Joins the partial states of one tile, in the order of its blocks.
    pub(crate) fn join(&mut self, partials: &[crate::device::Partial]) -> Result<()> {
        for partial in partials {
            let end = self.pass.program.folds.get(partial.fold).ok_or_else(|| Error::bug("a partial of no fold"))?;
            let axes = end.fold.axes();
            let kept: Vec<usize> = (0..partial.region.shape.len()).filter(|a| !axes.contains(a)).collect();
            let whole: crate::grid::Dims = kept.iter().map(|a| self.pass.program.domain[*a]).collect();
            let start: crate::grid::Dims = kept.iter().map(|a| partial.region.start[*a]).collect();
            let shape: crate::grid::Dims = kept.iter().map(|a| partial.region.shape[*a]).collect();
            let mut places = crate::grid::indices(crate::grid::Region { start, shape }).map(|index| whole.linear_of(&index));
            let state = self.states.get_mut(partial.fold).ok_or_else(|| Error::bug("a fold without a state"))?;
            end.fold.join(state, &partial.state, &mut places)?;
        }
        Ok(())
    }

    /// The results, by the keys of their nodes.
    pub(crate) fn finish(self) -> Result<LateValues> {
        let domain = self.pass.program.domain;
        let mut late = LateValues::new();
        for (end, state) in self.pass.program.folds.iter().zip(&self.states) {
            let count: u64 = end.fold.axes().iter().map(|a| domain[*a] as u64).product();
            let mut tile = Tile::zeroed(end.info.dtype, end.info.shape);
            end.fold.finish(state, count, &mut tile).map_err(|e| e.in_op(&end.origin.op, end.origin.line))?;
            late.insert(end.key, Arc::new(tile));
        }
        Ok(late)
    }
}
