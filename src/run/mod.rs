//! Running a plan: a pure flow decides, a driver does. It knows no op and no format, only stages, sources and sinks.
//! It decides nothing about tiles or placement; that is the plan's.

mod command;
mod done;
mod event;
mod flow;
mod folds;
mod held;
mod journal;
mod lanes;
mod ledger;
mod prepare;
mod records;
mod resume;
mod store;
pub(crate) mod threads;
mod verify;
pub mod virtual_time;

pub use command::{Command, Event, PartKey};
pub use done::Done;
pub use event::{DeviceSpan, Lane, PassReport, Progress, Span, Summary};
pub use flow::{Flow, Setup};
pub use ledger::Ledger;
pub use verify::Verified;

use crate::device::Device;
use crate::error::{Error, Result};
use crate::grid::{Dims, Grid};
use crate::plan::{Output, Pass, Plan, SinkEnd};
use crate::storage::{Identity, Place, Reading, Sink};
use crate::tile::Tile;
use journal::{Journal, Made};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// Reader threads: enough to keep a disk or a network mount busy.
pub const READERS: usize = 2;

/// Results of folds that are held, by the keys of their nodes.
pub(crate) type LateValues = HashMap<usize, Arc<Tile>>;

/// Sees the progress of a run and may stop it with an error; called often, at least ten times a second, on the thread that runs;
/// must be quick.
pub type Observer<'o> = &'o dyn Fn(&Progress) -> Result<()>;

/// A run: a plan and all that it needs to be played.
#[derive(Clone, Copy)]
pub struct Job<'j> {
    /// What to do.
    pub plan: &'j Plan,
    /// Where the results go.
    pub outputs: &'j [Output],
    /// What computes.
    pub device: &'j dyn Device,
    /// What makes two runs the same work.
    pub identity: &'j Identity,
    /// Where the run keeps its journal; without one it cannot be gone on with.
    pub place: Option<&'j dyn Place>,
    /// What it reads, looked at again when all is computed.
    pub readings: &'j [Reading],
    /// Who is told.
    pub observe: Observer<'j>,
}

/// Runs a plan: every output is written. A run that stops leaves what it finished for another to go on with where it keeps a
/// journal; else its outputs are given up, so that nothing looks whole.
///
/// # Errors
/// What stopped it: a source that fails, a sink that fails, a fault of ours.
pub fn run(job: &Job<'_>) -> Result<Summary> {
    let started = Instant::now();
    let before = (crate::os::resident_bytes(), crate::os::peak_resident_bytes());
    let (mut journal, past) = Journal::open(job.place, job.identity)?;
    let mut begun = Vec::new();
    let pool = threads::pool(job.plan.machine.threads)?;
    let told = threads::Told { numbers: (1, job.plan.passes.len()), started, observe: job.observe };
    let past = resume::begin(job, &mut journal, past, &mut begun, (&pool, told));
    let done = past.and_then(|past| run_passes(job, &past, &mut journal, (&pool, told)));
    let sinks = || job.outputs.iter().map(|output| &output.sink);
    if done.is_ok()
        && let Err(error) = job.readings.iter().try_for_each(Reading::check)
    {
        // Whatever was made may be of both contents: no run can go on with it.
        begun.iter().for_each(|sink| sink.abandon());
        journal.remove();
        return Err(error.at("what the run read, looked at again when all was computed"));
    }
    let finished = done.and_then(|summary| {
        lanes::guarded("an output", || {
            sinks().try_for_each(|sink| sink.complete())?;
            sinks().try_for_each(|sink| sink.finish())
        })?;
        Ok(summary)
    });
    let finished = finished.map_err(|error| give_up(error, &mut journal, &begun));
    finished.map(|mut summary| {
        journal.remove();
        summary.measured_bytes = grown(before, summary.measured_bytes);
        summary.predicted_bytes = job.plan.peak_bytes();
        summary.resident_bytes = crate::os::peak_resident_bytes();
        summary.budget_bytes = job.plan.machine.memory;
        summary.seconds = started.elapsed().as_secs_f64();
        summary.threads = job.plan.machine.threads;
        summary
    })
}

/// By how much the process grew at most, as the system counts it: since what is resident and what was at most, before the run. Where it was
/// larger before, what was seen between tiles must do.
fn grown((before, peak): (Option<u64>, Option<u64>), seen: Option<u64>) -> Option<u64> {
    let most = crate::os::peak_resident_bytes().filter(|now| peak.is_some_and(|before| *now > before));
    most.max(seen).map(|most| most.saturating_sub(before.unwrap_or(most)))
}

/// After an error: what was finished is kept where another run can go on, else nothing is.
fn give_up(error: Error, journal: &mut Journal<'_>, begun: &[&dyn Sink]) -> Error {
    if journal.is_kept() && journal.has_records() {
        let durable = begun.iter().try_for_each(|sink| sink.sync()).and_then(|()| journal.mark());
        begun.iter().for_each(|sink| sink.suspend());
        return if durable.is_ok() { journal::kept(error) } else { error };
    }
    begun.iter().for_each(|sink| sink.abandon());
    journal.remove();
    error
}

fn run_passes(
    job: &Job<'_>,
    past: &Made,
    journal: &mut Journal<'_>,
    (pool, told): (&rayon::ThreadPool, threads::Told<'_>),
) -> Result<Summary> {
    let plan = job.plan;
    let mut late = LateValues::new();
    let written = |end: &SinkEnd| past.units(end.output);
    let resumed = plan.passes.iter().flat_map(|pass| &pass.program.sinks).map(written).sum();
    let mut summary = Summary { resumed, ..Summary::default() };
    for (number, pass) in plan.passes.iter().enumerate() {
        let known = folds::known(pass, job.outputs, past, journal)?;
        let numbers = (number + 1, plan.passes.len());
        let setup = Setup { units: sink_units(pass, job.outputs), done: done_before(pass, past), folded: known.is_some() };
        let driver = threads::Driver::new(pass, job, &late, pool);
        let told = threads::Told { numbers, ..told };
        let played = driver.run(setup, told, journal);
        let (report, made, resident) = played.map_err(|e| e.at(format!("pass {} of {}", numbers.0, numbers.1)))?;
        for end in pass.program.folds.iter().filter(|end| known.is_none() && end.stored.is_none()) {
            let result = made.get(&end.key).ok_or_else(|| Error::bug("a fold without a result"))?;
            journal.folded(end.number, result.data.bytes())?;
        }
        late.extend(known.unwrap_or(made));
        summary.bytes += pass_bytes(pass);
        summary.measured_bytes = summary.measured_bytes.max(resident);
        summary.passes.push(report);
    }
    Ok(summary)
}

/// The extents of the commit units of each of a pass's sink ends.
#[must_use]
pub fn sink_units(pass: &Pass, outputs: &[Output]) -> Vec<Option<Dims>> {
    pass.program.sinks.iter().map(|s| outputs.get(s.output).and_then(|o| o.sink.unit())).collect()
}

/// How many commit units a pass writes; tiles where any region can be written.
fn commit_units(pass: &Pass, outputs: &[Output]) -> u64 {
    let of = |unit: Option<Dims>| unit.map_or(pass.sweep.tiles(), |unit| Grid::new(pass.program.domain, unit).counts().count());
    sink_units(pass, outputs).into_iter().map(|unit| of(unit) as u64).sum()
}

/// What of each of a pass's sink ends was written before.
fn done_before(pass: &Pass, past: &Made) -> Vec<Done> {
    pass.program.sinks.iter().map(|end| past.done(end.output)).collect()
}

/// Decoded bytes of a pass's sources and of its results.
fn pass_bytes(pass: &Pass) -> u64 {
    let inputs: u64 = pass.program.inputs.iter().map(|i| i.info.bytes()).sum();
    let sinks: u64 = pass.program.sinks.iter().filter_map(|s| pass.program.info(s.value).ok()).map(|i| i.bytes()).sum();
    inputs + sinks
}
