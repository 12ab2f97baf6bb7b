//! What each lane does with an order, and how it reports: reading, decoding, a device's threads, writing. It makes no thread and
//! decides nothing.

use super::Verified;
use super::command::{Command, PartKey};
use super::event::{Lane, Span};
use super::store::Encoded;
use crate::device::{Launched, Pulse};
use crate::error::{Error, Result};
use crate::grid::{Dims, Region};
use crate::plan::{Output, UnitKey};
use crate::storage::Source;
use crate::tile::{Buffer, View, copy_view};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The pause before what failed once is tried again; each further one is four times as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// What a lane finished.
pub(super) enum Done {
    Read(UnitKey, Option<Vec<u8>>),
    /// A unit, in what is held of it.
    Decoded(UnitKey, Vec<(UnitKey, Buffer)>),
    Launched(usize, Launched, Option<Verified>),
    Encoded(PartKey, Encoded),
    Written(PartKey, Vec<u8>),
    Durable,
}

/// A finished piece of work: what, by which thread of which lane, when and in how many seconds.
pub(super) struct Report {
    pub done: Result<Done>,
    /// What was told; none for what the flow knows nothing of.
    pub command: Option<Command>,
    pub lane: Lane,
    pub worker: usize,
    pub number: usize,
    pub begun: Instant,
    pub seconds: f64,
}

impl Report {
    pub fn span(&self, started: Instant) -> Span {
        let start = self.begun.saturating_duration_since(started).as_secs_f64();
        Span { lane: self.lane, worker: self.worker, number: self.number, start, seconds: self.seconds }
    }
}

/// Counts of work given to lanes and not yet reported.
#[derive(Default)]
pub(super) struct Outstanding {
    pub reads: usize,
    /// Units that are decoded or encoded.
    pub chores: usize,
    pub launches: usize,
    pub writes: usize,
    pub syncs: usize,
}

impl Outstanding {
    pub fn all(&self) -> usize {
        self.reads + self.chores + self.launches + self.writes + self.syncs
    }
}

/// Work that owns what it needs.
pub(super) type Work<'s> = Box<dyn FnOnce() -> Report + Send + 's>;

/// A panic of work becomes an error.
pub(super) fn guarded<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::bug(format!("{what} panicked"))))
}

/// Runs one piece of work; a panic becomes an error, so that nobody waits for ever.
pub(super) fn timed(lane: Lane, command: Option<Command>, work: impl FnOnce() -> Result<Done>) -> Report {
    let begun = Instant::now();
    let done = guarded(&format!("the {} lane", lane.name()), work);
    let worker = rayon::current_thread_index().unwrap_or(0);
    let number = command.map_or(0, number_of);
    Report { done, command, lane, worker, number, begun, seconds: begun.elapsed().as_secs_f64() }
}

/// The number of the tile, or of the unit, that a command is about.
fn number_of(command: Command) -> usize {
    match command {
        Command::Read(unit) | Command::Decode(unit) | Command::Drop(unit) => unit.1,
        Command::Encode(part) | Command::Write(part) => part.0,
        Command::Launch(tile) | Command::Join(tile) | Command::Free(tile) => tile,
        Command::Finish => 0,
    }
}

/// A unit to read, after a pause where it was tried before.
pub(super) struct ReadOrder {
    pub unit: UnitKey,
    pub source: Arc<dyn Source>,
    pub index: Dims,
    pub pause: Duration,
}

/// What the writer is told.
pub(super) enum WriteOrder {
    /// A commit unit for an output, after a pause where it was tried before.
    Part { part: PartKey, region: Region, output: usize, encoded: Arc<Encoded>, pause: Duration },
    /// All that was written shall outlast the computer.
    Sync,
}

/// How long to wait before what failed is tried again.
pub(super) fn pause(failures: usize) -> Duration {
    match failures {
        0 => Duration::ZERO,
        n => FIRST_PAUSE * 4u32.saturating_pow(u32::try_from(n - 1).unwrap_or(8)),
    }
}

/// A unit to decode: its shape, and the pieces that are to be held of it.
pub(super) struct DecodeOrder {
    pub unit: UnitKey,
    pub source: Arc<dyn Source>,
    pub index: Dims,
    pub shape: Dims,
    pub wanted: Option<Vec<(UnitKey, Region)>>,
}

pub(super) fn decode(order: &DecodeOrder, stored: Option<Vec<u8>>) -> Result<Done> {
    let DecodeOrder { unit, source, index, shape, wanted } = order;
    let dtype = source.info().dtype;
    let mut whole = Buffer::zeroed(shape.count() * dtype.size());
    source.decode(index, stored, whole.bytes_mut()).map_err(|e| e.at(format!("unit {index} of {}", source.name())))?;
    let Some(wanted) = wanted else { return Ok(Done::Decoded(*unit, vec![(*unit, whole)])) };
    let whole = View::contiguous(whole.bytes(), dtype, *shape);
    let cut = |(piece, part): &(UnitKey, Region)| {
        let mut held = Buffer::zeroed(part.shape.count() * dtype.size());
        copy_view(&whole.crop(part), held.bytes_mut(), &part.shape, &Dims::filled(part.shape.len(), 0));
        (*piece, held)
    };
    Ok(Done::Decoded(*unit, wanted.iter().map(cut).collect()))
}

/// Reads one unit after another, until nobody wants the reports or the run stops.
pub(super) fn read_lane(
    worker: usize,
    orders: impl IntoIterator<Item = ReadOrder>,
    report: impl Fn(Report) -> bool,
    pulse: &Pulse,
) {
    for ReadOrder { unit, source, index, pause } in orders {
        std::thread::sleep(pause);
        let fetch = || {
            pulse.check()?;
            source.fetch(&index).map(|stored| Done::Read(unit, stored))
        };
        let place = |e: Error| e.at(format!("unit {index} of {}", source.name()));
        let done = timed(Lane::Read, Some(Command::Read(unit)), || fetch().map_err(place));
        if !report(Report { worker, ..done }) {
            return;
        }
    }
}

/// A thread of the device: fills it, waits for it, empties it, one tile after another.
pub(super) fn launch_lane<'w>(worker: usize, orders: impl IntoIterator<Item = Work<'w>>, report: impl Fn(Report) -> bool) {
    for work in orders {
        if !report(Report { worker, ..work() }) {
            return;
        }
    }
}

/// Writes one commit unit after another, until nobody wants the reports.
pub(super) fn write_lane(orders: impl IntoIterator<Item = WriteOrder>, report: impl Fn(Report) -> bool, outputs: &[Output]) {
    for order in orders {
        let done = match order {
            WriteOrder::Part { part, region, output, encoded, pause } => {
                std::thread::sleep(pause);
                timed(Lane::Write, Some(Command::Write(part)), || {
                    let sink = outputs.get(output).map(|o| &o.sink).ok_or_else(|| Error::bug("a sink that is none"))?;
                    Ok(Done::Written(part, sink.write(&region, &encoded.bytes)?))
                })
            }
            WriteOrder::Sync => timed(Lane::Write, None, || {
                outputs.iter().try_for_each(|o| o.sink.sync())?;
                Ok(Done::Durable)
            }),
        };
        if !report(done) {
            return;
        }
    }
}
