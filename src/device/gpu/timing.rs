//! Timestamps of a run's batches on one adapter: a device notes its ticks around each run of copies and of kernels, and they come back
//! with the block. It does not know what ticks mean; [`Clock`] does.

use super::clock::Clock;
use super::lock::lock;
use super::memory::Pool;
use super::open::Opened;
use super::{Done, Fault};
use crate::device::Timed;
use crate::plan::CLOCK_BYTES;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wgpu::BufferUsages as U;

/// Spans of one batch that are timed; the device notes nothing of what follows them.
const MOST_SPANS: u32 = 256;
/// Bytes of a device's count.
const TICK_BYTES: u64 = 8;

/// What notes ticks, and the buffers that bring them back: [`plan::CLOCK_BYTES`](crate::plan::CLOCK_BYTES) for each block in flight.
struct Notes {
    set: wgpu::QuerySet,
    gathered: wgpu::Buffer,
    back: wgpu::Buffer,
}

impl Notes {
    /// None where the driver refuses: the batch is not timed then.
    fn new(device: &wgpu::Device) -> Option<Notes> {
        let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let (ty, count) = (wgpu::QueryType::Timestamp, 2 * MOST_SPANS);
        let set = device.create_query_set(&wgpu::QuerySetDescriptor { label: None, ty, count });
        let size = TICK_BYTES * u64::from(count);
        let buffer =
            |usage| device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
        let notes = Notes { set, gathered: buffer(U::QUERY_RESOLVE | U::COPY_SRC), back: buffer(U::COPY_DST | U::MAP_READ) };
        let refused = pollster::block_on(validation.pop()).or(pollster::block_on(memory.pop()));
        refused.is_none().then_some(notes)
    }
}

/// The timestamps of one batch, from its first order until they are read.
pub struct Timing {
    device: usize,
    number: u64,
    /// Whether the device notes ticks between copies, not only around kernels.
    copies: bool,
    notes: Notes,
    whats: Vec<&'static str>,
    /// Whether something is not timed.
    lacks: bool,
    sent: Option<Instant>,
}

impl Timing {
    /// Where the ticks of a next span go: of this place the first, of the next one the last. None where it is not timed.
    pub fn next(&mut self, what: &'static str, is_copy: bool) -> Option<u32> {
        let place = u32::try_from(self.whats.len()).ok().filter(|n| *n < MOST_SPANS && (self.copies || !is_copy));
        self.lacks |= place.is_none() && !is_copy;
        let place = place?;
        self.whats.push(what);
        Some(2 * place)
    }

    /// What a pass of kernels is told.
    pub fn of_pass(&self, place: u32) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.notes.set,
            beginning_of_pass_write_index: Some(place),
            end_of_pass_write_index: Some(place + 1),
        }
    }

    /// The device notes its count once it is done with what came before.
    pub fn note(&self, encoder: &mut wgpu::CommandEncoder, place: u32) {
        encoder.write_timestamp(&self.notes.set, place);
    }

    /// The batch is being sent: the first of its submissions counts.
    pub fn send(&mut self) {
        self.sent.get_or_insert_with(Instant::now);
    }

    /// Brings the ticks to where the CPU reads them; gives the buffer that is to be mapped.
    pub fn gather(&self, encoder: &mut wgpu::CommandEncoder) -> &wgpu::Buffer {
        let count = 2 * u32::try_from(self.whats.len()).unwrap_or(0);
        let Notes { set, gathered, back } = &self.notes;
        if count > 0 {
            encoder.resolve_query_set(set, 0..count, gathered, 0);
            encoder.copy_buffer_to_buffer(gathered, 0, back, 0, TICK_BYTES * u64::from(count));
        }
        back
    }

    /// The first and the last tick of each span, out of the mapped buffer.
    fn read(&self) -> Done<Vec<(u64, u64)>> {
        let lost = |e: wgpu::MapRangeError| Fault::Lost(e.to_string());
        let range = self.notes.back.get_mapped_range(..).map_err(lost)?;
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&range);
        drop(range);
        self.notes.back.unmap();
        Ok(ticks.chunks_exact(2).take(self.whats.len()).map(|pair| (pair[0], pair[1])).collect())
    }
}

/// A batch that is done.
struct Batch {
    whats: Vec<&'static str>,
    ticks: Vec<(u64, u64)>,
    tile: usize,
    sent: Instant,
    seen: Instant,
}

/// What is timed on the device that an adapter has now.
struct State {
    device: usize,
    clock: Clock,
    free: Vec<Notes>,
    /// The number of the batch that is sent next, and of the one that is told next.
    sent: u64,
    told: u64,
    /// Batches that are done before one that was sent earlier: fewer than there are blocks in flight.
    early: BTreeMap<u64, Batch>,
}

impl State {
    fn new(opened: &Opened) -> State {
        let clock = Clock::new(opened.ticks.map_or(0.0, |ticks| ticks.seconds));
        State { device: opened.number, clock, free: Vec::new(), sent: 0, told: 0, early: BTreeMap::new() }
    }
}

/// The timestamps of one adapter in one run.
pub struct Timings {
    /// Whether somebody asks what was told.
    asked: bool,
    which: usize,
    name: Arc<str>,
    /// When the run's devices were opened: what seconds are counted from.
    opened: Instant,
    state: Mutex<State>,
    told: Mutex<Vec<Timed>>,
}

impl Timings {
    /// Of the adapter `which`; nothing is timed. Where nobody asks, only the seconds of each batch are given.
    pub fn new(which: usize, asked: bool, opened: &Opened) -> Timings {
        let (name, state) = (opened.info.name.as_str().into(), Mutex::new(State::new(opened)));
        Timings { asked, which, name, opened: Instant::now(), state, told: Mutex::default() }
    }

    /// The timestamps of a batch that is sent next; none where the device has no clock. A device that was opened anew begins anew:
    /// what the one before it did is told, what that still owed is forgotten.
    pub fn begin(&self, opened: &Opened, pool: &Pool) -> Option<Timing> {
        let ticks = opened.ticks?;
        let mut state = lock(&self.state);
        if opened.number > state.device {
            let State { mut clock, early, .. } = std::mem::replace(&mut *state, State::new(opened));
            early.into_values().for_each(|batch| self.tell(&mut clock, batch));
        }
        let notes = if opened.number < state.device { None } else { state.free.pop().or_else(|| made(opened, pool)) }?;
        let number = state.sent;
        state.sent += 1;
        Some(Timing { device: opened.number, number, copies: ticks.copies, notes, whats: Vec::new(), lacks: false, sent: None })
    }

    /// Takes in the timestamps of a batch of a tile that is seen to be done now; gives the seconds of its kernels, if all were timed.
    /// Batches are told in the order in which they were sent.
    pub fn end(&self, timing: Timing, tile: usize, tick_seconds: f64) -> Done<Option<f64>> {
        let seen = Instant::now();
        let ticks = timing.read()?;
        let seconds = (!timing.lacks).then(|| kernel_seconds(&timing.whats, &ticks, tick_seconds)).flatten();
        let mut state = lock(&self.state);
        if timing.device != state.device {
            return Ok(None);
        }
        let Timing { number, notes, whats, sent, .. } = timing;
        state.free.push(notes);
        state.early.insert(number, Batch { whats, ticks, tile, sent: sent.unwrap_or(seen), seen });
        while let Some(batch) = state.next() {
            self.tell(&mut state.clock, batch);
        }
        Ok(seconds)
    }

    fn tell(&self, clock: &mut Clock, batch: Batch) {
        if !self.asked {
            return;
        }
        let seconds = |at: Instant| at.saturating_duration_since(self.opened).as_secs_f64();
        let spans = clock.spans(&batch.ticks, seconds(batch.sent), seconds(batch.seen));
        let timed = spans.into_iter().zip(batch.whats).map(|((from, to), what)| Timed {
            device: self.which,
            name: self.name.clone(),
            what,
            tile: batch.tile,
            begun: self.opened + Duration::try_from_secs_f64(from).unwrap_or_default(),
            seconds: to - from,
        });
        lock(&self.told).extend(timed);
    }

    /// What was told since the last call.
    pub fn take(&self) -> Vec<Timed> {
        std::mem::take(&mut *lock(&self.told))
    }
}

/// What notes ticks of one more block in flight, counted as the run's.
fn made(opened: &Opened, pool: &Pool) -> Option<Notes> {
    let notes = Notes::new(&opened.device)?;
    pool.count(opened, CLOCK_BYTES);
    Some(notes)
}

/// The seconds of a batch's kernels; none where the count stepped back.
fn kernel_seconds(whats: &[&str], ticks: &[(u64, u64)], tick_seconds: f64) -> Option<f64> {
    let kernels = whats.iter().zip(ticks).filter(|(what, _)| **what == "kernels");
    let spans = kernels.map(|(_, (from, to))| to.checked_sub(*from)).collect::<Option<Vec<u64>>>()?;
    Some(spans.into_iter().sum::<u64>() as f64 * tick_seconds)
}

impl State {
    fn next(&mut self) -> Option<Batch> {
        let batch = self.early.remove(&self.told)?;
        self.told += 1;
        Some(batch)
    }
}
