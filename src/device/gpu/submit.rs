//! What is recorded, sent in submissions of bounded length, waited for, and given back.
//! It does not know schedules, nor what a kernel computes.

use super::lock::lock;
use super::memory::{Pooled, Use};
use super::on_device::OnDevice;
use super::open::Transfer;
use super::pipeline::{PARAMETER_BYTES, Pipeline, bound};
use super::timing::Timing;
use super::words::Words;
use super::{Done, Fault};
use crate::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long one wait for a device lasts before its health is looked at.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is recorded.
pub enum Order {
    CopyIn { from: wgpu::Buffer, to: wgpu::Buffer, bytes: u64 },
    Dispatch(Dispatch),
    CopyOut { from: wgpu::Buffer, to: wgpu::Buffer, bytes: u64 },
}

/// One kernel over one box.
pub struct Dispatch {
    pub pipeline: Arc<Pipeline>,
    pub parameters: u32,
    pub groups: [u32; 3],
    pub result: wgpu::Buffer,
    pub reads: Vec<wgpu::Buffer>,
    /// Rough operations.
    pub work: u64,
}

impl Order {
    /// What it is called where it is timed.
    fn what(&self) -> &'static str {
        match self {
            Order::CopyIn { .. } => "upload",
            Order::Dispatch(_) => "kernels",
            Order::CopyOut { .. } => "read back",
        }
    }

    fn work(&self) -> u64 {
        match self {
            Order::Dispatch(dispatch) => dispatch.work,
            Order::CopyIn { .. } | Order::CopyOut { .. } => 0,
        }
    }
}

/// A batch on its way to the device.
pub struct Recording {
    pub words: Words,
    pub orders: Vec<Order>,
    /// Written by the CPU; mapped again once the device is done.
    pub written: Vec<Pooled>,
    /// To be read: the value, its buffer.
    pub read: Vec<(usize, Pooled)>,
    /// In shared memory: freed, but still to be read.
    pub parting: Vec<Pooled>,
    /// Parameters and tables, and their staging where memory is not shared.
    pub sent: Vec<Pooled>,
}

impl Recording {
    /// Nothing is recorded.
    pub fn new() -> Recording {
        Recording {
            words: Words::new(),
            orders: Vec::new(),
            written: Vec::new(),
            read: Vec::new(),
            parting: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Says how much work the kernel of the last act is, where it has one.
    pub fn weigh(&mut self, from: usize, work: u64) {
        for order in self.orders.iter_mut().skip(from) {
            if let Order::Dispatch(dispatch) = order {
                dispatch.work = work;
            }
        }
    }

    /// The work of all kernels, and how many they are.
    pub fn work(&self) -> (u64, usize) {
        (self.orders.iter().map(Order::work).sum(), self.orders.iter().filter(|order| order.work() > 0).count())
    }

    /// Sends parameters and tables ahead of all.
    pub fn send_words(&mut self, on: &mut OnDevice<'_>) -> Done<()> {
        self.words.table([0; 128]);
        let bytes: &[u8] = bytemuck::cast_slice(self.words.all());
        let size = (bytes.len() as u64).next_multiple_of(16);
        let padded: Vec<u8> =
            bytes.iter().copied().chain(std::iter::repeat_n(0, 16)).take(usize::try_from(size).unwrap_or(0)).collect();
        if on.opened.transfer == Transfer::Unified {
            let own = on.take(Use::SharedWords, size)?;
            self.sent.push(own.clone());
            return own.write(&padded);
        }
        let own = on.take(Use::Words, size)?;
        self.sent.push(own.clone());
        let staging = on.take(Use::Up, size)?;
        self.sent.push(staging.clone());
        self.orders.insert(0, Order::CopyIn { from: staging.buffer.clone(), to: own.buffer, bytes: size });
        staging.write(&padded)
    }
}

/// What is waited for: how many mappings, of which some may have failed.
pub struct Awaited {
    index: wgpu::SubmissionIndex,
    expected: usize,
    mapped: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
    /// When it was sent.
    pub sent: Instant,
    /// When the device did it, where that is asked for.
    pub timing: Option<Timing>,
}

/// Cuts orders where a submission would take longer than `longest`; a single kernel is never cut.
fn parts(orders: &[Order], time: impl Fn(u64) -> Duration, longest: Duration) -> Vec<&[Order]> {
    let (mut parts, mut start, mut work) = (Vec::new(), 0, 0u64);
    for (k, order) in orders.iter().enumerate() {
        if work > 0 && order.work() > 0 && time(work.saturating_add(order.work())) > longest {
            parts.push(&orders[start..k]);
            (start, work) = (k, 0);
        }
        work = work.saturating_add(order.work());
    }
    parts.push(&orders[start..]);
    parts
}

/// Sends a batch in submissions of bounded length. One thread at a time encodes and sends: drivers have crashed otherwise.
pub fn submit(on: &OnDevice<'_>, recording: &Recording) -> Done<Awaited> {
    let words = &recording.sent.first().ok_or_else(|| Error::bug("a batch without parameters"))?.buffer;
    let device = &on.opened.device;
    let longest = on.gpu.longest(on.opened);
    let queue = lock(&on.opened.queue);
    let parts = {
        let pace = lock(&on.opened.pace);
        parts(&recording.orders, |work| pace.time(work), longest)
    };
    let new = || device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut timing = on.seat.timings.as_ref().and_then(|timings| timings.begin(on.opened, &on.seat.pool));
    let (before, last) = parts.split_at(parts.len().saturating_sub(1));
    for part in before {
        let mut encoder = new();
        encode(device, &mut encoder, part, words, &mut timing);
        timing.iter_mut().for_each(Timing::send);
        queue.submit([encoder.finish()]);
    }
    let mut encoder = new();
    last.iter().for_each(|part| encode(device, &mut encoder, part, words, &mut timing));
    let (mapped, failed) = (Arc::default(), Arc::default());
    let ticks = timing.as_ref().map(|timing| timing.gather(&mut encoder));
    let expected = map_all(&mut encoder, recording, ticks, &mapped, &failed);
    timing.iter_mut().for_each(Timing::send);
    let sent = Instant::now();
    let index = queue.submit([encoder.finish()]);
    on.gpu.submitted(parts.len());
    Ok(Awaited { index, expected, mapped, failed, sent, timing })
}

/// Buffers that the CPU writes or reads next are mapped once the device is done; gives how many there are.
fn map_all(
    encoder: &mut wgpu::CommandEncoder,
    recording: &Recording,
    ticks: Option<&wgpu::Buffer>,
    mapped: &Arc<AtomicUsize>,
    failed: &Arc<AtomicUsize>,
) -> usize {
    let mut expected = 0;
    let mut map = |buffer: &wgpu::Buffer, mode: wgpu::MapMode| {
        let (mapped, failed) = (mapped.clone(), failed.clone());
        expected += 1;
        encoder.map_buffer_on_submit(buffer, mode, .., move |done| {
            if done.is_err() {
                failed.fetch_add(1, Ordering::Release);
            }
            mapped.fetch_add(1, Ordering::Release);
        });
    };
    let words_written = recording.sent.iter().filter(|p| p.used != Use::Words);
    recording.written.iter().chain(words_written).for_each(|p| map(&p.buffer, wgpu::MapMode::Write));
    recording.read.iter().map(|(_, p)| &p.buffer).chain(ticks).for_each(|buffer| map(buffer, wgpu::MapMode::Read));
    expected
}

/// Records orders: kernels that follow one another are one pass. Each run of kernels, or of copies one way, is one span of time.
fn encode(
    device: &wgpu::Device,
    encoder: &mut wgpu::CommandEncoder,
    orders: &[Order],
    words: &wgpu::Buffer,
    timing: &mut Option<Timing>,
) {
    for alike in orders.chunk_by(|a, b| a.what() == b.what()) {
        let is_copy = !matches!(alike[0], Order::Dispatch(_));
        let place = timing.as_mut().and_then(|timing| timing.next(alike[0].what(), is_copy));
        let span = timing.as_ref().zip(place);
        if is_copy {
            copied(encoder, alike, span);
        } else {
            let timestamp_writes = span.map(|(timing, place)| timing.of_pass(place));
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
            alike.iter().for_each(|order| dispatched(device, &mut pass, order, words));
        }
    }
}

fn copied(encoder: &mut wgpu::CommandEncoder, copies: &[Order], span: Option<(&Timing, u32)>) {
    span.iter().for_each(|(timing, place)| timing.note(encoder, *place));
    for order in copies {
        if let Order::CopyIn { from, to, bytes } | Order::CopyOut { from, to, bytes } = order {
            encoder.copy_buffer_to_buffer(from, 0, to, 0, *bytes);
        }
    }
    span.iter().for_each(|(timing, place)| timing.note(encoder, *place + 1));
}

fn dispatched(device: &wgpu::Device, pass: &mut wgpu::ComputePass<'_>, order: &Order, words: &wgpu::Buffer) {
    let Order::Dispatch(Dispatch { pipeline, parameters, groups, result, reads, .. }) = order else { return };
    let uniform = wgpu::BufferBinding { buffer: words, offset: 0, size: std::num::NonZeroU64::new(PARAMETER_BYTES) };
    let first = wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(uniform) };
    let mut entries = vec![first, bound(1, result), bound(2, words)];
    entries.extend(reads.iter().enumerate().map(|(k, buffer)| bound(k + 3, buffer)));
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &pipeline.layout, entries: &entries });
    pass.set_pipeline(&pipeline.pipeline);
    pass.set_bind_group(0, &group, &[*parameters]);
    let [x, y, z] = *groups;
    pass.dispatch_workgroups(x, y, z);
}

/// Waits until every mapping is there, the device is known to be gone, or it has not answered for too long.
pub fn wait(on: &OnDevice<'_>, awaited: &Awaited) -> Done<()> {
    let until = on.gpu.patience(on.opened).and_then(|patience| Instant::now().checked_add(patience));
    let _waiting = on.gpu.spent.waiting();
    loop {
        on.health()?;
        let waited = if on.gpu.wish.faults.hangs() { hung() } else { poll(on, awaited, until) };
        on.health()?;
        match waited {
            Err(wgpu::PollError::Timeout) if until.is_some_and(|until| Instant::now() >= until) => return Err(on.hang()),
            Err(wgpu::PollError::Timeout) => continue,
            Err(other) => return Err(Fault::Lost(other.to_string())),
            Ok(_) => {}
        }
        if awaited.failed.load(Ordering::Acquire) > 0 {
            return Err(Fault::Lost("a buffer cannot be mapped".to_owned()));
        }
        if awaited.mapped.load(Ordering::Acquire) == awaited.expected {
            return Ok(());
        }
        std::thread::yield_now();
    }
}

type Polled = Result<wgpu::PollStatus, wgpu::PollError>;

fn poll(on: &OnDevice<'_>, awaited: &Awaited, until: Option<Instant>) -> Polled {
    let left = until.map_or(PATIENCE, |until| until.saturating_duration_since(Instant::now()).min(PATIENCE));
    on.opened.device.poll(wgpu::PollType::Wait { submission_index: Some(awaited.index.clone()), timeout: Some(left) })
}

/// What a device answers that hangs.
fn hung() -> Polled {
    std::thread::sleep(Duration::from_millis(1));
    Err(wgpu::PollError::Timeout)
}

/// Gives back what the device is done with; after a failure nobody knows what it still does, and all is forgotten.
pub fn settle(on: &mut OnDevice<'_>, recording: Recording, done: bool) {
    let pool = &on.seat.pool;
    let Recording { written, read, parting, sent, .. } = recording;
    let downs = read.into_iter().map(|(_, pooled)| pooled).filter(|p| p.used == Use::Down);
    let used = written.into_iter().chain(downs).chain(parting).chain(sent);
    if done {
        used.chain(std::mem::take(&mut on.idle)).for_each(|pooled| pool.give(pooled));
    } else {
        used.for_each(|pooled| pool.forget(pooled));
    }
}
