//! Plays a flow with threads: readers, one worker pool that takes the furthest-downstream work, one writer.
//! The only place that makes threads and channels. Every channel is bounded, and never more is sent than it holds.

use super::command::{Command, Event};
use super::event::{DeviceSpan, Lane, PassReport, Progress, done_share};
use super::flow::{Flow, Setup};
use super::folds::Folds;
use super::journal::Journal;
use super::lanes::{
    DecodeOrder, Done, Outstanding, ReadOrder, Report, Work, WriteOrder, decode, guarded, launch_lane, pause, read_lane, timed,
    write_lane,
};
use super::prepare::prepare;
use super::store::{Encoded, Store, part_bytes};
use super::verify::Again;
use super::{Job, LateValues, Observer, READERS, commit_units};
use crate::device::{Device, Host, InputData, Launched, Pulse};
use crate::error::{Error, Result};
use crate::grid::Dims;
use crate::plan::{InputFrom, Output, Pass, UnitKey};
use crate::storage::{Source, checksum};
use crate::tile::Buffer;
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the observer waits for news at most.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// Reads or writes that may wait in a lane beyond those being done.
const QUEUED: usize = 2;
/// Units that are decoded or encoded or wait for it, for each worker: one that is done finds the next.
const CHORES: usize = 2;

/// A worker pool.
pub(crate) fn pool(threads: usize) -> Result<rayon::ThreadPool> {
    let made = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|k| format!("worker-{k}")).build();
    made.map_err(|e| Error::machine(format!("cannot start {threads} worker threads: {e}")).hint("use fewer: --threads 1"))
}

/// Plays one pass.
pub(crate) struct Driver<'r> {
    pass: &'r Pass,
    outputs: &'r [Output],
    device: &'r dyn Device,
    late: &'r LateValues,
    pool: &'r rayon::ThreadPool,
    /// Computes tiles again.
    again: Again<'r>,
    /// How far the tiles of the pass are, and whether it stops.
    pulse: Pulse,
    /// Whether a journal is kept, which notes the checksums of what is written.
    sums: bool,
}

/// A pass under way.
struct Running<'r, 'j, 'p> {
    flow: Flow<'r>,
    store: Store,
    folds: Folds<'r>,
    waiting: Vec<Command>,
    out: Outstanding,
    report: PassReport,
    resident: Option<u64>,
    journal: &'j mut Journal<'p>,
    /// The output of each sink end.
    outputs: Vec<usize>,
    notices: Vec<String>,
}

/// Which pass of how many it is, when the run began, and who is told.
#[derive(Clone, Copy)]
pub(crate) struct Told<'o> {
    pub numbers: (usize, usize),
    pub started: Instant,
    pub observe: Observer<'o>,
}

impl<'r> Driver<'r> {
    pub fn new(pass: &'r Pass, job: &Job<'r>, late: &'r LateValues, pool: &'r rayon::ThreadPool) -> Self {
        let (again, pulse, sums) = (Again::of(job.outputs), Pulse::new(), job.place.is_some());
        Driver { pass, outputs: job.outputs, device: job.device, late, pool, again, pulse, sums }
    }

    /// Runs the pass; gives its figures, its late values, and the most resident bytes seen.
    pub fn run(&self, setup: Setup, told: Told<'_>, journal: &mut Journal<'_>) -> Result<(PassReport, LateValues, Option<u64>)> {
        let mut running = Running {
            flow: Flow::new(self.pass, setup)?,
            store: Store::default(),
            folds: Folds::new(self.pass, self.outputs),
            waiting: Vec::new(),
            out: Outstanding::default(),
            report: PassReport::default(),
            resident: crate::os::resident_bytes(),
            journal,
            outputs: self.pass.program.sinks.iter().map(|s| s.output).collect(),
            notices: Vec::new(),
        };
        let begun = Instant::now();
        running.report.prepared = prepare(self.device, self.pass, self.pool, told, TICK)?;
        let device_lanes = self.device.lanes(self.pass);
        let threads = self.pool.current_num_threads();
        let (reports_in, reports) = bounded::<Report>(READERS + 2 * QUEUED + (1 + CHORES) * threads + device_lanes + 3);
        let (chores_in, chores) = bounded::<Work<'_>>(CHORES * threads);
        let (launches_in, launches) = bounded::<Work<'_>>(device_lanes.max(1));
        let (reads_in, reads) = bounded::<ReadOrder>(READERS + QUEUED);
        let (writes_in, writes) = bounded::<WriteOrder>(2 + QUEUED);
        let played = std::thread::scope(|scope| {
            for worker in 0..READERS {
                let (reads, reports_in) = (reads.clone(), reports_in.clone());
                scope.spawn(move || read_lane(worker, reads, |report| reports_in.send(report).is_ok(), &self.pulse));
            }
            for worker in 0..device_lanes {
                let (launches, reports_in) = (launches.clone(), reports_in.clone());
                scope.spawn(move || launch_lane(worker, launches, |report| reports_in.send(report).is_ok()));
            }
            let outputs = self.outputs;
            let write_reports = reports_in.clone();
            scope.spawn(move || write_lane(writes, |report| write_reports.send(report).is_ok(), outputs));
            let done = self.pool.in_place_scope(|workers| {
                let lanes = Lanes {
                    reads: &reads_in,
                    writes: &writes_in,
                    launches: &launches_in,
                    chores: (&chores_in, &chores),
                    reports: &reports_in,
                    of_device: device_lanes,
                };
                self.play(&mut running, workers, &lanes, &reports, told)
            });
            drop((reads_in, writes_in, launches_in));
            done
        });
        self.device.rest();
        played?;
        running.journal.flush()?;
        running.report.seconds = begun.elapsed().as_secs_f64();
        running.report.device_lanes = device_lanes;
        self.count(&mut running);
        let made = if running.flow.joins() { running.folds.finish(running.journal)? } else { LateValues::new() };
        Ok((running.report, made, running.resident))
    }

    /// The figures of a pass that is over.
    fn count(&self, running: &mut Running<'r, '_, '_>) {
        running.report.tiles = self.pass.sweep.tiles();
        running.report.passed_over = running.flow.passed_over();
        running.report.units_written.1 = commit_units(self.pass, self.outputs);
        running.report.ledger_peak = running.flow.ledger().peak();
        running.report.units_read = (running.flow.reads(), self.pass.costs.reads.distinct);
    }

    fn play<'s>(
        &'s self,
        running: &mut Running<'r, '_, '_>,
        workers: &rayon::Scope<'s>,
        lanes: &Lanes<'_, 's>,
        reports: &Receiver<Report>,
        told: Told<'_>,
    ) -> Result<()>
    where
        'r: 's,
    {
        self.obey(running, Event::Start)?;
        loop {
            self.hand_out(running, workers, lanes)?;
            let idle = running.out.all() == 0;
            if running.flow.finished() && idle {
                return Ok(());
            }
            if idle {
                let (done, all) = running.flow.progress();
                return Err(Error::bug(format!("the run stands still after {done} of {all} tiles")));
            }
            let report = reports.recv_timeout(TICK);
            let span = report.as_ref().ok().map(|report| report.span(told.started));
            let heard = match report {
                Ok(report) => self.heed(running, report),
                Err(RecvTimeoutError::Timeout) => Ok(()),
                Err(RecvTimeoutError::Disconnected) => Err(Error::bug("every lane is gone")),
            };
            let heard = heard.and_then(|()| running.journal.tick()).and_then(|()| self.ask_for_mark(running, lanes));
            let mut notices = std::mem::take(&mut running.notices);
            notices.extend(self.device.notices());
            running.report.notices.extend_from_slice(&notices);
            let timed = self.device.timed().into_iter();
            let device_spans: Vec<DeviceSpan> = timed.map(|timed| DeviceSpan::of(timed, told.started)).collect();
            device_spans.iter().for_each(|span| running.report.add(span));
            let progress = Progress { notices, span, device_spans, ..running.progress(self, told) };
            heard.and_then(|()| (told.observe)(&progress)).inspect_err(|_| {
                self.pulse.stop();
                running.drain(reports);
            })?;
        }
    }

    /// Takes a report in: its event goes to the flow; what failed and may be tried again is told again.
    fn heed(&self, running: &mut Running<'r, '_, '_>, report: Report) -> Result<()> {
        let command = report.command;
        match running.accept(report) {
            Ok(Some(event)) => self.obey(running, event),
            Ok(None) => Ok(()),
            Err(error) => {
                let again = command.and_then(|failed| running.flow.again(failed, error.passes()));
                let again = again.ok_or_else(|| error.clone())?;
                running.notices.push(format!("tried again: {}", error.what()));
                running.waiting.push(again);
                Ok(())
            }
        }
    }

    /// From time to time the writer makes durable what was written, and the journal says so.
    fn ask_for_mark(&self, running: &mut Running<'r, '_, '_>, lanes: &Lanes<'_, '_>) -> Result<()> {
        if running.out.syncs > 0 || running.out.writes > QUEUED || !running.journal.wants_mark() {
            return Ok(());
        }
        running.out.syncs += 1;
        lanes.writes.send(WriteOrder::Sync).map_err(|_| Error::bug("the writer is gone"))
    }

    /// Gives an event to the flow and does what needs no lane.
    fn obey(&self, running: &mut Running<'r, '_, '_>, event: Event) -> Result<()> {
        let mut events = vec![event];
        let mut commands = Vec::new();
        while let Some(event) = events.pop() {
            running.flow.step(event, &mut commands)?;
            for command in commands.drain(..) {
                match command {
                    Command::Drop(unit) => drop(running.store.units.remove(&unit)),
                    Command::Free(tile) => drop(running.store.launched.remove(&tile)),
                    Command::Join(tile) => {
                        let launched = running.store.launched.get(&tile).cloned();
                        let launched = launched.ok_or_else(|| Error::bug(format!("tile {tile} joins before it is computed")))?;
                        guarded("a reduction", || running.folds.join(tile, &launched.partials, running.journal))?;
                        events.push(Event::Joined(tile));
                    }
                    Command::Finish => {}
                    other => running.waiting.push(other),
                }
            }
        }
        Ok(())
    }

    /// Gives waiting commands to lanes that have room, the furthest downstream first.
    fn hand_out<'s>(&'s self, running: &mut Running<'r, '_, '_>, workers: &rayon::Scope<'s>, lanes: &Lanes<'_, 's>) -> Result<()>
    where
        'r: 's,
    {
        running.waiting.sort_by_key(|c| std::cmp::Reverse(c.urgency()));
        let mut kept = Vec::with_capacity(running.waiting.len());
        for command in std::mem::take(&mut running.waiting) {
            let room = match command {
                Command::Read(_) => running.out.reads < READERS + QUEUED,
                Command::Write(_) => running.out.writes < 1 + QUEUED,
                Command::Launch(_) if lanes.of_device > 0 => running.out.launches < lanes.of_device,
                Command::Launch(_) => running.out.launches < self.pool.current_num_threads(),
                _ => running.out.chores < CHORES * self.pool.current_num_threads(),
            };
            if room { self.give(running, workers, lanes, command)? } else { kept.push(command) }
        }
        running.waiting = kept;
        Ok(())
    }

    fn give<'s>(
        &'s self,
        running: &mut Running<'r, '_, '_>,
        workers: &rayon::Scope<'s>,
        lanes: &Lanes<'_, 's>,
        command: Command,
    ) -> Result<()>
    where
        'r: 's,
    {
        let gone = |_| Error::bug("a lane is gone");
        match command {
            Command::Read(key) => {
                let (source, index) = self.unit(running, key)?;
                running.out.reads += 1;
                let failures = running.flow.failures(command) + running.flow.failures(Command::Decode(key));
                let order = ReadOrder { unit: key, source, index, pause: pause(failures) };
                return lanes.reads.send(order).map_err(|_| Error::bug("the readers are gone"));
            }
            Command::Write(part) => {
                let encoded = running.store.encoded.get(&part).cloned();
                let encoded = encoded.ok_or_else(|| Error::bug("a write before its encoding"))?;
                let output = self.pass.program.sinks[part.1].output;
                running.out.writes += 1;
                let (region, pause) = (running.flow.part(part), pause(running.flow.failures(command)));
                return lanes.writes.send(WriteOrder::Part { part, region, output, encoded, pause }).map_err(gone);
            }
            _ => {}
        }
        let (reports, chores) = (lanes.reports.clone(), lanes.chores.1.clone());
        if let Command::Launch(tile) = command {
            running.out.launches += 1;
            let between = {
                let reports = reports.clone();
                move || do_chore(&chores, &reports)
            };
            let work = self.launch(running, tile, between)?;
            if lanes.of_device > 0 {
                return lanes.launches.send(work).map_err(|_| Error::bug("the device's threads are gone"));
            }
            workers.spawn(move |_| tell(&reports, work()));
            return Ok(());
        }
        running.out.chores += 1;
        let work = self.work(running, command)?;
        lanes.chores.0.send(work).map_err(|_| Error::bug("the workers are gone"))?;
        workers.spawn(move |_| do_chore(&chores, &reports));
        Ok(())
    }

    fn unit(&self, running: &Running<'r, '_, '_>, (input, number): UnitKey) -> Result<(Arc<dyn Source>, Dims)> {
        match (self.pass.program.inputs.get(input).map(|i| &i.from), running.flow.grid(input)) {
            (Some(InputFrom::Source(source)), Some(grid)) => Ok((source.clone(), grid.counts().index_of(number))),
            _ => Err(Error::bug("a unit of an input that is not read in units")),
        }
    }

    /// Computing a tile, as a closure that owns what it needs.
    fn launch<'s>(&'s self, running: &Running<'r, '_, '_>, tile: usize, between: impl Fn() + Send + Sync + 's) -> Result<Work<'s>>
    where
        'r: 's,
    {
        let inputs: Vec<InputData<'r>> = running.store.inputs(&running.flow, self.pass, self.late, tile)?;
        let region = self.pass.sweep.region(tile);
        let place = move |e: Error| e.at(format!("tile {region}"));
        Ok(Box::new(move || {
            timed(Lane::Compute, Some(Command::Launch(tile)), || {
                let host = Host { pulse: &self.pulse, between: &between, workers: Some(self.pool) };
                let mut launched = self.device.launch(self.pass, &region, &inputs, host).map_err(place)?;
                let verified = self.again.verify(self.pass, tile, &inputs, &mut launched, host)?;
                Ok(Done::Launched(tile, launched, verified))
            })
        }))
    }

    /// Decoding or encoding a unit, as a closure that owns what it needs.
    fn work<'s>(&'s self, running: &mut Running<'r, '_, '_>, command: Command) -> Result<Work<'s>>
    where
        'r: 's,
    {
        match command {
            Command::Decode(key) => {
                let (source, index) = self.unit(running, key)?;
                let stored = running.store.stored.remove(&key).flatten();
                let shape = running.flow.grid(key.0).map(|g| g.region(&index).shape).unwrap_or_default();
                let order = DecodeOrder { unit: key, source, index, shape, wanted: running.flow.wanted(key) };
                Ok(Box::new(move || {
                    timed(Lane::Decode, Some(command), || self.pulse.check().and_then(|()| decode(&order, stored)))
                }))
            }
            Command::Encode(part) => {
                let (launched, sink) = running.store.tile(part.0, part.1)?;
                let output = self.pass.program.sinks[sink].output;
                let region = running.flow.part(part);
                let inside = region.relative_to(&self.pass.sweep.region(part.0).start);
                let target = self.outputs.get(output).map(|o| o.sink.clone()).ok_or_else(|| Error::bug("a sink that is none"))?;
                Ok(Box::new(move || {
                    timed(Lane::Encode, Some(command), || {
                        self.pulse.check()?;
                        let mut copy = Buffer::default();
                        let bytes = target.encode(&region, part_bytes(&launched.tiles[sink], &inside, &mut copy))?;
                        // Here, where they were just made and workers are many.
                        let sum = if self.sums { checksum(0, &bytes) } else { 0 };
                        Ok(Done::Encoded(part, Encoded { bytes, sum }))
                    })
                }))
            }
            other => Err(Error::bug(format!("{other:?} is no work"))),
        }
    }
}

/// Reports what was done. The receiver outlives the workers; a closed channel means that the run gave up.
fn tell(reports: &Sender<Report>, report: Report) {
    let _ = reports.send(report);
}

/// Does one of the chores that wait, if any does.
fn do_chore(chores: &Receiver<Work<'_>>, reports: &Sender<Report>) {
    if let Ok(work) = chores.try_recv() {
        tell(reports, work());
    }
}

/// The ends of the lanes that a driver holds.
struct Lanes<'l, 's> {
    reads: &'l Sender<ReadOrder>,
    writes: &'l Sender<WriteOrder>,
    launches: &'l Sender<Work<'s>>,
    /// What workers do before anything else, also between two blocks of a tile.
    chores: (&'l Sender<Work<'s>>, &'l Receiver<Work<'s>>),
    reports: &'l Sender<Report>,
    /// Threads of the device.
    of_device: usize,
}

impl Running<'_, '_, '_> {
    /// Takes a report's data in and names its event.
    fn accept(&mut self, report: Report) -> Result<Option<Event>> {
        let place = Lane::ALL.iter().position(|l| *l == report.lane).unwrap_or(0);
        self.report.busy_seconds[place] += match &report.done {
            Ok(Done::Launched(_, Launched { busy: Some(busy), .. }, _)) => *busy,
            _ => report.seconds,
        };
        let count = match report.lane {
            Lane::Read => &mut self.out.reads,
            Lane::Write if report.command.is_none() => &mut self.out.syncs,
            Lane::Write => &mut self.out.writes,
            Lane::Compute => &mut self.out.launches,
            _ => &mut self.out.chores,
        };
        *count -= 1;
        Ok(Some(match report.done? {
            Done::Read(key, stored) => {
                self.report.read_bytes += stored.as_ref().map_or(0, Vec::len) as u64;
                self.store.stored.insert(key, stored);
                Event::Read(key)
            }
            Done::Decoded(key, held) => {
                self.store.units.extend(held.into_iter().map(|(key, buffer)| (key, Arc::new(buffer))));
                Event::Decoded(key)
            }
            Done::Launched(tile, launched, verified) => {
                self.report.verified.add(&verified.unwrap_or_default());
                self.resident = self.resident.max(crate::os::resident_bytes());
                self.store.launched.insert(tile, Arc::new(launched));
                Event::Launched(tile)
            }
            Done::Encoded(part, encoded) => {
                self.report.written_bytes += encoded.bytes.len() as u64;
                self.store.encoded.insert(part, Arc::new(encoded));
                Event::Encoded(part)
            }
            Done::Written(part, note) => {
                let sum = self.store.encoded.remove(&part).map_or(0, |encoded| encoded.sum);
                self.report.units_written.0 += 1;
                let region = self.flow.part(part);
                self.journal.wrote(self.outputs[part.1], &region, sum, &note)?;
                Event::Written(part)
            }
            Done::Durable => return self.journal.mark().map(|()| None),
        }))
    }

    /// After an error: waits for what the lanes still do, so that nothing of the run outlives it.
    fn drain(&mut self, reports: &Receiver<Report>) {
        while self.out.all() > 0 {
            let Ok(report) = reports.recv() else { return };
            let _ = self.accept(report);
        }
    }

    fn progress(&self, driver: &Driver<'_>, Told { numbers, started, .. }: Told<'_>) -> Progress {
        let tiles = self.flow.progress();
        let bytes = super::pass_bytes(driver.pass);
        let share = done_share(tiles, self.flow.passed_over(), driver.pass.program.domain.count(), driver.pulse.elements());
        let share = (bytes as f64 * share) as u64;
        let waiting_on = match (self.out.chores + self.out.launches, self.out.reads, self.out.writes) {
            (works, _, _) if works >= 1 && !self.waiting.is_empty() => Lane::Compute,
            (0, 0, _) => Lane::Write,
            (0, _, _) => Lane::Read,
            _ => Lane::Compute,
        };
        Progress {
            pass: numbers,
            tiles,
            bytes: (share, bytes),
            seconds: started.elapsed().as_secs_f64(),
            waiting_on,
            notices: Vec::new(),
            span: None,
            device_spans: Vec::new(),
            held: self.flow.ledger().held(),
            preparing: None,
            checking: None,
        }
    }
}
