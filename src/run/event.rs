//! What happened in a run: all that a report may see.
//! It does not know how it is shown.

use super::Verified;
use super::threads::Told;
use crate::device::Timed;
use crate::error::bytes_text;
use crate::plan::Pass;
use std::sync::Arc;
use std::time::Instant;

/// A lane: a step of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Lane {
    Read,
    Decode,
    Compute,
    Encode,
    Write,
}

impl Lane {
    /// All lanes, in the order data flows.
    pub const ALL: [Lane; 5] = [Lane::Read, Lane::Decode, Lane::Compute, Lane::Encode, Lane::Write];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Lane::Read => "read",
            Lane::Decode => "decode",
            Lane::Compute => "compute",
            Lane::Encode => "encode",
            Lane::Write => "write",
        }
    }
}

/// A piece of work that a thread of a lane did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// The lane.
    pub lane: Lane,
    /// Which of the lane's threads, from 0.
    pub worker: usize,
    /// The number of the tile, or of the unit that is read and decoded.
    pub number: usize,
    /// Seconds from the beginning of the run.
    pub start: f64,
    /// How long it took.
    pub seconds: f64,
}

/// A piece of work that a device did, by a clock of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceSpan {
    /// Which of the run's devices, from 0.
    pub device: usize,
    /// Its name.
    pub name: Arc<str>,
    /// `upload`, `kernels` or `read back`.
    pub what: &'static str,
    /// The number of the tile.
    pub tile: usize,
    /// Seconds from the beginning of the run.
    pub start: f64,
    /// How long it took.
    pub seconds: f64,
}

impl DeviceSpan {
    /// Of a run that began at `started`.
    pub(super) fn of(timed: Timed, started: Instant) -> DeviceSpan {
        let Timed { device, name, what, tile, begun, seconds } = timed;
        DeviceSpan { device, name, what, tile, start: begun.saturating_duration_since(started).as_secs_f64(), seconds }
    }
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The pass, from 1, and how many there are.
    pub pass: (usize, usize),
    /// Tiles done, and how many there are.
    pub tiles: (usize, usize),
    /// Decoded bytes of the pass's sources and results that are done, and all of them. What is computed of tiles under way counts too.
    pub bytes: (u64, u64),
    /// Seconds since the run began.
    pub seconds: f64,
    /// The lane that the others wait for now.
    pub waiting_on: Lane,
    /// What happened since the last progress that the user must know.
    pub notices: Vec<String>,
    /// The work that was just done; none where only time went by.
    pub span: Option<Span>,
    /// What devices did since the last progress, by their own clocks, where they were asked to note it; a device's spans do not
    /// overlap and come in order.
    pub device_spans: Vec<DeviceSpan>,
    /// Bytes that the ledger holds.
    pub held: u64,
    /// What the device has prepared, and how much there is to prepare, before the first tile of the pass: kernels to compile.
    pub preparing: Option<(usize, usize)>,
    /// How many of the commit units that an unfinished run wrote were read back and compared, and how many there are: before the first
    /// pass.
    pub checking: Option<(usize, usize)>,
}

impl Progress {
    /// Before the first tile of a pass.
    pub(super) fn preparing(prepared: (usize, usize), pass: &Pass, told: Told<'_>) -> Progress {
        Progress {
            pass: told.numbers,
            tiles: (0, pass.sweep.tiles()),
            bytes: (0, super::pass_bytes(pass)),
            seconds: told.started.elapsed().as_secs_f64(),
            waiting_on: Lane::Compute,
            notices: Vec::new(),
            span: None,
            device_spans: Vec::new(),
            held: 0,
            preparing: Some(prepared),
            checking: None,
        }
    }

    /// Before the first pass of a run that goes on.
    pub(super) fn checking(checked: (usize, usize), pass: &Pass, told: Told<'_>) -> Progress {
        Progress { waiting_on: Lane::Read, preparing: None, checking: Some(checked), ..Progress::preparing((0, 0), pass, told) }
    }
}

/// The share of a pass that is done: what is computed of tiles under way counts too.
pub(super) fn done_share((done, tiles): (usize, usize), passed_over: usize, domain: usize, made: u64) -> f64 {
    if done >= tiles {
        return 1.0;
    }
    let (of_tiles, elements) = (|count: usize| count as f64 / tiles as f64, made as f64 / domain.max(1) as f64);
    (of_tiles(passed_over) + elements).min(1.0).max(of_tiles(done))
}

/// The figures of one pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PassReport {
    /// Tiles.
    pub tiles: usize,
    /// Units read, repeats counted, and how many are touched at all.
    pub units_read: (u64, u64),
    /// Stored bytes read.
    pub read_bytes: u64,
    /// Encoded bytes written.
    pub written_bytes: u64,
    /// Commit units written, and how many the pass has.
    pub units_written: (u64, u64),
    /// The most bytes that the ledger held.
    pub ledger_peak: u64,
    /// Seconds that each lane worked, summed over its threads; in the order of [`Lane::ALL`].
    pub busy_seconds: [f64; 5],
    /// Tiles that an earlier run wrote.
    pub passed_over: usize,
    /// Seconds from the first command to the last.
    pub seconds: f64,
    /// Threads of the device that launched the tiles; 0 where the worker pool did.
    pub device_lanes: usize,
    /// Seconds that each device worked, by its own clock; none where that was not asked for.
    pub device_seconds: Vec<f64>,
    /// What the device prepared before the first tile (kernels that it compiled), and the seconds that this took.
    pub prepared: (usize, f64),
    /// What happened that the user must know: a device lost, work that went elsewhere.
    pub notices: Vec<String>,
    /// What computing tiles again showed.
    pub verified: Verified,
}

/// The figures of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Each pass.
    pub passes: Vec<PassReport>,
    /// Seconds in all.
    pub seconds: f64,
    /// Decoded bytes of the sources and of the results: what throughput counts.
    pub bytes: u64,
    /// The most bytes that the plan said the run would add.
    pub predicted_bytes: u64,
    /// The most that resident memory grew while it ran, where the system tells.
    pub measured_bytes: Option<u64>,
    /// The most bytes of the process that were ever resident, where the system tells.
    pub resident_bytes: Option<u64>,
    /// The most bytes that it was allowed to add.
    pub budget_bytes: u64,
    /// Commit units that an earlier run had written.
    pub resumed: usize,
    /// Threads of the worker pool.
    pub threads: usize,
}

impl PassReport {
    /// Adds what a device did.
    pub(super) fn add(&mut self, span: &DeviceSpan) {
        self.device_seconds.resize(self.device_seconds.len().max(span.device + 1), 0.0);
        self.device_seconds[span.device] += span.seconds;
    }
}

impl Summary {
    /// What was measured, where that is more than was allowed: a fault of ours, or of whatever else goes on in the process. Not where a
    /// GPU takes part, whose driver takes memory as it likes.
    #[must_use]
    pub fn exceeds(&self) -> Option<u64> {
        let has_device = self.passes.iter().any(|pass| pass.device_lanes > 0);
        self.measured_bytes.filter(|measured| !has_device && *measured > self.budget_bytes)
    }

    /// The same in words.
    #[must_use]
    pub fn excess(&self) -> Option<String> {
        let (budget, predicted) = (bytes_text(self.budget_bytes), bytes_text(self.predicted_bytes));
        let took = bytes_text(self.exceeds()?);
        Some(format!(
            "memory: the process grew by {took}, budget is {budget}; {predicted} was predicted. What was written is whole"
        ))
    }

    /// The share of the time that devices worked, by their own clocks and taken together; none where that was not asked for.
    #[must_use]
    pub fn device_share(&self) -> Option<f64> {
        let devices = self.passes.iter().map(|pass| pass.device_seconds.len()).max().filter(|n| *n > 0)?;
        let seconds: f64 = self.passes.iter().flat_map(|pass| &pass.device_seconds).sum();
        Some(seconds / devices as f64 / self.seconds.max(1e-9))
    }

    /// What computing tiles again showed; none where that was not asked for.
    #[must_use]
    pub fn verified(&self) -> Option<Verified> {
        let mut all = Verified::default();
        self.passes.iter().for_each(|pass| all.add(&pass.verified));
        (all.tiles > 0).then_some(all)
    }

    /// How many tiles could be computed at once: by the device's own threads where it has any, else by the workers.
    #[must_use]
    pub fn launchers(&self) -> usize {
        let of_device = self.passes.iter().map(|p| p.device_lanes).max().unwrap_or(0);
        if of_device > 0 { of_device } else { self.threads.max(1) }
    }

    /// Which threads were busy for the largest share of the time, all that they did together, and that share: the run can become
    /// shorter by no more than the rest without making their work less.
    #[must_use]
    pub fn busiest_threads(&self) -> (&'static str, f64) {
        let busy = |lanes: &[usize]| self.passes.iter().flat_map(|p| lanes.iter().map(|lane| p.busy_seconds[*lane])).sum::<f64>();
        let workers = self.threads.max(1) as f64;
        let of_device = self.passes.iter().map(|p| p.device_lanes).max().unwrap_or(0);
        let all = [
            ("readers", busy(&[0]) / super::READERS as f64),
            ("workers", busy(if of_device > 0 { &[1, 3] } else { &[1, 2, 3] }) / workers),
            ("device", if of_device > 0 { busy(&[2]) / of_device as f64 } else { 0.0 }),
            ("writer", busy(&[4])),
        ];
        let (name, seconds) = all.into_iter().fold(("workers", 0.0), |best, next| if next.1 > best.1 { next } else { best });
        (name, (seconds / self.seconds.max(1e-9)).min(1.0))
    }

    /// The lane that was busiest for its threads, and its share of the time: what a faster machine must make faster.
    #[must_use]
    pub fn busiest(&self) -> (Lane, f64) {
        let share = |lane: usize| {
            let busy: f64 = self.passes.iter().map(|p| p.busy_seconds[lane]).sum();
            let servers = match Lane::ALL[lane] {
                Lane::Read => super::READERS as f64,
                Lane::Write => 1.0,
                Lane::Compute => self.launchers() as f64,
                _ => self.threads.max(1) as f64,
            };
            busy / servers / self.seconds.max(1e-9)
        };
        let best = (0..5).max_by(|a, b| share(*a).total_cmp(&share(*b))).unwrap_or(2);
        (Lane::ALL[best], share(best).min(1.0))
    }
}
