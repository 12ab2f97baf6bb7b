//! Plays a flow with threads: readers, one worker pool that takes the furthest-downstream work, one writer.
//! The only place that makes threads and channels. Every channel is bounded, and never more is sent than it holds.

use super::event::{Lane, PassReport, Progress, Span};
use super::flow::{Command, Event, Flow, PartKey, UnitKey};
use super::store::{Store, part_bytes};
use super::{Folds, LateValues, Observer, READERS};
use crate::device::{Device, InputData, Launched};
use crate::error::{Error, Result};
use crate::grid::Region;
use crate::plan::{InputFrom, Output, Pass};
use crate::storage::Source;
use crate::tile::Buffer;
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the observer waits for news at most.
const TICK: Duration = Duration::from_millis(100);
/// Reads or writes that may wait in a lane beyond those being done.
const QUEUED: usize = 2;

/// A worker pool.
pub(crate) fn pool(threads: usize) -> Result<rayon::ThreadPool> {
    let made = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|k| format!("worker-{k}")).build();
    made.map_err(|e| Error::machine(format!("cannot start {threads} worker threads: {e}")).hint("use fewer: --threads 1"))
}

/// How far downstream a command is: the further, the sooner it is done.
pub(crate) fn urgency(command: &Command) -> usize {
    match command {
        Command::Write(_) => 4,
        Command::Encode(_) => 3,
        Command::Launch(_) => 2,
        Command::Decode(_) => 1,
        _ => 0,
    }
}

/// What a lane finished.
enum Done {
    Read(UnitKey, Option<Vec<u8>>),
    Decoded(UnitKey, Buffer),
    Launched(usize, Launched),
    Encoded(PartKey, Vec<u8>),
    Written(PartKey),
}

/// A finished piece of work: what, by which thread of which lane, when and in how many seconds, and whether a thread of the
/// device did it.
struct Report {
    done: Result<Done>,
    lane: Lane,
    worker: usize,
    number: usize,
    begun: Instant,
    seconds: f64,
    by_device: bool,
}

impl Report {
    fn span(&self, started: Instant) -> Span {
        let start = self.begun.saturating_duration_since(started).as_secs_f64();
        Span { lane: self.lane, worker: self.worker, number: self.number, start, seconds: self.seconds }
    }
}

/// Work that owns what it needs.
type Work<'s> = Box<dyn FnOnce() -> Report + Send + 's>;

/// Runs one piece of work; a panic becomes an error, so that nobody waits for ever.
fn timed(lane: Lane, number: usize, work: impl FnOnce() -> Result<Done>) -> Report {
    let begun = Instant::now();
    let done =
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::bug(format!("the {} lane panicked", lane.name()))));
    let worker = rayon::current_thread_index().unwrap_or(0);
    Report { done, lane, worker, number, begun, seconds: begun.elapsed().as_secs_f64(), by_device: false }
}

/// Orders for the I/O lanes.
type ReadOrder = (UnitKey, Arc<dyn Source>, crate::grid::Dims);
type WriteOrder = (PartKey, Region, usize, Vec<u8>);

/// Plays one pass.
pub(crate) struct Driver<'r> {
    pass: &'r Pass,
    outputs: &'r [Output],
    device: &'r dyn Device,
    late: &'r LateValues,
    pool: &'r rayon::ThreadPool,
}

/// Counts of work given to lanes and not yet reported.
#[derive(Default)]
struct Outstanding {
    reads: usize,
    works: usize,
    launches: usize,
    writes: usize,
}

impl Outstanding {
    fn all(&self) -> usize {
        self.reads + self.works + self.launches + self.writes
    }
}

/// A pass under way.
struct Running<'r> {
    flow: Flow<'r>,
    store: Store,
    folds: Folds<'r>,
    waiting: Vec<Command>,
    out: Outstanding,
    report: PassReport,
    resident: Option<u64>,
}

impl<'r> Driver<'r> {
    pub fn new(
        pass: &'r Pass,
        outputs: &'r [Output],
        device: &'r dyn Device,
        late: &'r LateValues,
        pool: &'r rayon::ThreadPool,
    ) -> Self {
        Driver { pass, outputs, device, late, pool }
    }

    /// Runs the pass; gives its figures, its late values, and the most resident bytes seen.
    pub fn run(
        &self,
        numbers: (usize, usize),
        started: Instant,
        observe: Observer<'_>,
    ) -> Result<(PassReport, LateValues, Option<u64>)> {
        let units = self.pass.program.sinks.iter().map(|s| self.outputs.get(s.output).and_then(|o| o.sink.unit())).collect();
        let mut running = Running {
            flow: Flow::new(self.pass, units)?,
            store: Store::default(),
            folds: Folds::new(self.pass),
            waiting: Vec::new(),
            out: Outstanding::default(),
            report: PassReport::default(),
            resident: crate::os::resident_bytes(),
        };
        let begun = Instant::now();
        let device_lanes = self.device.lanes(self.pass);
        let (reports_in, reports) = bounded::<Report>(READERS + 2 * QUEUED + self.pool.current_num_threads() + device_lanes + 2);
        let (launches_in, launches) = bounded::<Work<'_>>(device_lanes.max(1));
        let (reads_in, reads) = bounded::<ReadOrder>(READERS + QUEUED);
        let (writes_in, writes) = bounded::<WriteOrder>(1 + QUEUED);
        std::thread::scope(|scope| {
            for worker in 0..READERS {
                let (reads, reports_in) = (reads.clone(), reports_in.clone());
                scope.spawn(move || read_lane(worker, &reads, &reports_in));
            }
            for worker in 0..device_lanes {
                let (launches, reports_in) = (launches.clone(), reports_in.clone());
                scope.spawn(move || launch_lane(worker, &launches, &reports_in));
            }
            let outputs = self.outputs;
            let write_reports = reports_in.clone();
            scope.spawn(move || write_lane(&writes, &write_reports, outputs));
            let done = self.pool.in_place_scope(|workers| {
                let lanes = Lanes {
                    reads: &reads_in,
                    writes: &writes_in,
                    launches: &launches_in,
                    reports: &reports_in,
                    of_device: device_lanes,
                };
                self.play(&mut running, workers, &lanes, &reports, (numbers, started, observe))
            });
            drop((reads_in, writes_in, launches_in));
            done
        })?;
        running.report.seconds = begun.elapsed().as_secs_f64();
        running.report.tiles = self.pass.sweep.tiles();
        running.report.device_lanes = device_lanes;
        running.report.ledger_peak = running.flow.ledger().peak();
        let all =
            (0..self.pass.program.inputs.len()).filter_map(|k| running.flow.grid(k)).map(|g| g.counts().count() as u64).sum();
        running.report.units_read = (running.flow.reads(), all);
        Ok((running.report, running.folds.finish()?, running.resident))
    }

    fn play<'s>(
        &'s self,
        running: &mut Running<'r>,
        workers: &rayon::Scope<'s>,
        lanes: &Lanes<'_, 's>,
        reports: &Receiver<Report>,
        (numbers, started, observe): ((usize, usize), Instant, Observer<'_>),
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
            let span = report.as_ref().ok().map(|report| report.span(started));
            let told = match report {
                Ok(report) => running.accept(report).and_then(|event| self.obey(running, event)),
                Err(RecvTimeoutError::Timeout) => Ok(()),
                Err(RecvTimeoutError::Disconnected) => Err(Error::bug("every lane is gone")),
            };
            let notices = self.device.notices();
            running.report.notices.extend_from_slice(&notices);
            let progress = Progress { notices, span, ..running.progress(self.pass, numbers, started) };
            told.and_then(|()| observe(&progress)).inspect_err(|_| running.drain(reports))?;
        }
    }

    /// Gives an event to the flow and does what needs no lane.
    fn obey(&self, running: &mut Running<'r>, event: Event) -> Result<()> {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for command in running.flow.step(event)? {
                match command {
                    Command::Drop(unit) => drop(running.store.units.remove(&unit)),
                    Command::Free(tile) => drop(running.store.launched.remove(&tile)),
                    Command::Join(tile) => {
                        let launched = running.store.launched.get(&tile).cloned();
                        let launched = launched.ok_or_else(|| Error::bug(format!("tile {tile} joins before it is computed")))?;
                        running.folds.join(&launched.partials)?;
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
    fn hand_out<'s>(&'s self, running: &mut Running<'r>, workers: &rayon::Scope<'s>, lanes: &Lanes<'_, 's>) -> Result<()>
    where
        'r: 's,
    {
        running.waiting.sort_by_key(|c| std::cmp::Reverse(urgency(c)));
        let mut kept = Vec::with_capacity(running.waiting.len());
        for command in std::mem::take(&mut running.waiting) {
            let room = match command {
                Command::Read(_) => running.out.reads < READERS + QUEUED,
                Command::Write(_) => running.out.writes < 1 + QUEUED,
                Command::Launch(_) if lanes.of_device > 0 => running.out.launches < lanes.of_device,
                _ => running.out.works < self.pool.current_num_threads(),
            };
            if room { self.give(running, workers, lanes, command)? } else { kept.push(command) }
        }
        running.waiting = kept;
        Ok(())
    }

    fn give<'s>(
        &'s self,
        running: &mut Running<'r>,
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
                return lanes.reads.send((key, source, index)).map_err(|_| Error::bug("the readers are gone"));
            }
            Command::Write(part) => {
                let encoded = running.store.encoded.remove(&part).ok_or_else(|| Error::bug("a write before its encoding"))?;
                let output = self.pass.program.sinks[part.1].output;
                running.report.written_bytes += encoded.len() as u64;
                running.out.writes += 1;
                return lanes.writes.send((part, running.flow.part(part), output, encoded)).map_err(gone);
            }
            _ => {}
        }
        if matches!(command, Command::Launch(_)) && lanes.of_device > 0 {
            running.out.launches += 1;
            let work = self.work(running, command)?;
            return lanes.launches.send(work).map_err(|_| Error::bug("the device's threads are gone"));
        }
        running.out.works += 1;
        let reports = lanes.reports.clone();
        let work = self.work(running, command)?;
        workers.spawn(move |_| {
            let report = work();
            // The receiver outlives the workers; a closed channel means that the run gave up.
            let _ = reports.send(report);
        });
        Ok(())
    }

    fn unit(&self, running: &Running<'r>, (input, number): UnitKey) -> Result<(Arc<dyn Source>, crate::grid::Dims)> {
        match (self.pass.program.inputs.get(input).map(|i| &i.from), running.flow.grid(input)) {
            (Some(InputFrom::Source(source)), Some(grid)) => Ok((source.clone(), grid.counts().index_of(number))),
            _ => Err(Error::bug("a unit of an input that is not read in units")),
        }
    }

    /// The work of a command as a closure that owns what it needs.
    fn work<'s>(&'s self, running: &mut Running<'r>, command: Command) -> Result<Work<'s>>
    where
        'r: 's,
    {
        match command {
            Command::Decode(key) => {
                let (source, index) = self.unit(running, key)?;
                let stored = running.store.stored.remove(&key).flatten();
                let shape = running.flow.grid(key.0).map(|g| g.region(&index).shape).unwrap_or_default();
                let bytes = shape.count() * self.pass.program.element_bytes(key.0);
                Ok(Box::new(move || timed(Lane::Decode, key.1, || decode(&*source, key, &index, stored, bytes))))
            }
            Command::Launch(tile) => {
                let inputs: Vec<InputData<'r>> = running.store.inputs(&running.flow, self.pass, self.late, tile)?;
                let region = self.pass.sweep.region(tile);
                let place = move |e: Error| e.at(format!("tile {region}"));
                Ok(Box::new(move || {
                    timed(Lane::Compute, tile, || {
                        Ok(Done::Launched(tile, self.device.launch(self.pass, &region, &inputs).map_err(place)?))
                    })
                }))
            }
            Command::Encode(part) => {
                let (launched, sink) = running.store.tile(part.0, part.1)?;
                let output = self.pass.program.sinks[sink].output;
                let region = running.flow.part(part);
                let inside = region.relative_to(&self.pass.sweep.region(part.0).start);
                let target = self.outputs.get(output).map(|o| o.sink.clone()).ok_or_else(|| Error::bug("a sink that is none"))?;
                Ok(Box::new(move || {
                    timed(Lane::Encode, part.0, || {
                        let mut copy = Buffer::default();
                        let encoded = target.encode(&region, part_bytes(&launched.tiles[sink], &inside, &mut copy))?;
                        Ok(Done::Encoded(part, encoded))
                    })
                }))
            }
            other => Err(Error::bug(format!("{other:?} is no work"))),
        }
    }
}

fn decode(source: &dyn Source, key: UnitKey, index: &crate::grid::Dims, stored: Option<Vec<u8>>, bytes: usize) -> Result<Done> {
    let mut buffer = Buffer::zeroed(bytes);
    source.decode(index, stored, buffer.bytes_mut()).map_err(|e| e.at(format!("unit {index} of {}", source.name())))?;
    Ok(Done::Decoded(key, buffer))
}

/// The ends of the lanes that a driver holds.
struct Lanes<'l, 's> {
    reads: &'l Sender<ReadOrder>,
    writes: &'l Sender<WriteOrder>,
    launches: &'l Sender<Work<'s>>,
    reports: &'l Sender<Report>,
    /// Threads of the device.
    of_device: usize,
}

fn read_lane(worker: usize, orders: &Receiver<ReadOrder>, reports: &Sender<Report>) {
    for (key, source, index) in orders {
        let fetch = || source.fetch(&index).map(|stored| Done::Read(key, stored));
        let report = timed(Lane::Read, key.1, || fetch().map_err(|e| e.at(format!("unit {index} of {}", source.name()))));
        if reports.send(Report { worker, ..report }).is_err() {
            return;
        }
    }
}

/// A thread of the device: fills it, waits for it, empties it, one tile after another.
fn launch_lane(worker: usize, orders: &Receiver<Work<'_>>, reports: &Sender<Report>) {
    for work in orders {
        if reports.send(Report { by_device: true, worker, ..work() }).is_err() {
            return;
        }
    }
}

fn write_lane(orders: &Receiver<WriteOrder>, reports: &Sender<Report>, outputs: &[Output]) {
    for (part, region, output, encoded) in orders {
        let report = timed(Lane::Write, part.0, || {
            let sink = outputs.get(output).map(|o| &o.sink).ok_or_else(|| Error::bug("a sink that is none"))?;
            sink.write(&region, encoded)?;
            Ok(Done::Written(part))
        });
        if reports.send(report).is_err() {
            return;
        }
    }
}

impl Running<'_> {
    /// Takes a report's data in and names its event.
    fn accept(&mut self, report: Report) -> Result<Event> {
        let place = Lane::ALL.iter().position(|l| *l == report.lane).unwrap_or(0);
        self.report.busy_seconds[place] += report.seconds;
        let count = match report.lane {
            Lane::Read => &mut self.out.reads,
            Lane::Write => &mut self.out.writes,
            _ if report.by_device => &mut self.out.launches,
            _ => &mut self.out.works,
        };
        *count -= 1;
        Ok(match report.done? {
            Done::Read(key, stored) => {
                self.report.read_bytes += stored.as_ref().map_or(0, Vec::len) as u64;
                self.store.stored.insert(key, stored);
                Event::Read(key)
            }
            Done::Decoded(key, buffer) => {
                self.store.units.insert(key, Arc::new(buffer));
                Event::Decoded(key)
            }
            Done::Launched(tile, launched) => {
                self.resident = self.resident.max(crate::os::resident_bytes());
                self.store.launched.insert(tile, Arc::new(launched));
                Event::Launched(tile)
            }
            Done::Encoded(part, encoded) => {
                self.store.encoded.insert(part, encoded);
                Event::Encoded(part)
            }
            Done::Written(part) => Event::Written(part),
        })
    }

    /// After an error: waits for what the lanes still do, so that nothing of the run outlives it.
    fn drain(&mut self, reports: &Receiver<Report>) {
        while self.out.all() > 0 {
            let Ok(report) = reports.recv() else { return };
            let _ = self.accept(report);
        }
    }

    fn progress(&self, pass: &Pass, numbers: (usize, usize), started: Instant) -> Progress {
        let tiles = self.flow.progress();
        let bytes = super::pass_bytes(pass);
        let share = if tiles.1 == 0 { bytes } else { bytes / tiles.1 as u64 * tiles.0 as u64 };
        let waiting_on = match (self.out.works + self.out.launches, self.out.reads, self.out.writes) {
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
            held: self.flow.ledger().held(),
        }
    }
}
