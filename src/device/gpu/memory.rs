//! Buffers of a run: pooled by use and size, never more than the run may take. They are dropped, never destroyed: destroying one
//! waits until no thread waits for the device, and all that is sent waits behind it; what is dropped goes once nothing uses it.
//! It does not know what they hold.

use super::faults::Faults;
use super::lock::lock;
use super::open::Opened;
use super::{Done, Fault};
use crate::plan::size_class;
use std::sync::Mutex;
use wgpu::BufferUsages as U;

/// What a buffer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A value that stays on the device.
    Local,
    /// A value that the CPU writes and a kernel reads, in shared memory.
    In,
    /// A value that a kernel writes and the CPU reads, in shared memory.
    Out,
    /// Written by the CPU, copied from.
    Up,
    /// Copied to, read by the CPU.
    Down,
    /// Parameters and tables.
    Words,
    /// Parameters and tables that the CPU writes in shared memory.
    SharedWords,
}

impl Use {
    fn usages(self) -> U {
        match self {
            Use::Local => U::STORAGE | U::COPY_SRC | U::COPY_DST,
            Use::In => U::STORAGE | U::MAP_WRITE,
            Use::Out => U::STORAGE | U::MAP_READ,
            Use::Up => U::COPY_SRC | U::MAP_WRITE,
            Use::Down => U::COPY_DST | U::MAP_READ,
            Use::Words => U::STORAGE | U::UNIFORM | U::COPY_DST,
            Use::SharedWords => U::STORAGE | U::UNIFORM | U::MAP_WRITE,
        }
    }

    fn is_written_by_the_cpu(self) -> bool {
        matches!(self, Use::In | Use::Up | Use::SharedWords)
    }
}

/// A buffer that goes back to its pool.
#[derive(Clone, Debug)]
pub struct Pooled {
    /// The buffer; one that the CPU writes is mapped while it lies in the pool.
    pub buffer: wgpu::Buffer,
    /// What it is for.
    pub used: Use,
    /// The device that it belongs to.
    pub device: usize,
}

impl Pooled {
    /// Writes the start of the buffer, which is mapped, and unmaps it.
    pub fn write(&self, bytes: &[u8]) -> Done<()> {
        let lost = |e: wgpu::MapRangeError| Fault::Lost(e.to_string());
        let mut range = self.buffer.get_mapped_range_mut(..bytes.len() as u64).map_err(lost)?;
        range.copy_from_slice(bytes);
        drop(range);
        self.buffer.unmap();
        Ok(())
    }
}

#[derive(Default)]
struct Held {
    free: Vec<Pooled>,
    bytes: u64,
    peak: u64,
    counted_peak: u64,
}

/// The pool of one run.
pub struct Pool {
    limit: u64,
    /// Which device was first used, and what its buffers had before this run.
    before: (usize, u64),
    held: Mutex<Held>,
}

impl Pool {
    /// A pool that never holds more than `limit` bytes.
    pub fn new(limit: u64, opened: &Opened) -> Pool {
        // What earlier runs have dropped is freed first. A device that fails here is found out later.
        let _ = opened.device.poll(wgpu::PollType::Poll);
        Pool { limit, before: (opened.number, opened.buffer_bytes()), held: Mutex::default() }
    }

    /// The most bytes that buffers had at once as the graphics library counts them, beyond those before this run.
    pub fn counted_peak(&self) -> u64 {
        lock(&self.held).counted_peak
    }

    /// The most bytes that were held at once.
    pub fn peak(&self) -> u64 {
        lock(&self.held).peak
    }

    /// A buffer of at least `bytes`: a free one, else a new one; idle buffers make room for it.
    pub fn take(&self, opened: &Opened, used: Use, bytes: u64, faults: &Faults) -> Done<Pooled> {
        let bytes = size_class(bytes);
        let mut held = lock(&self.held);
        // Of just this size: larger ones would make a block hold more than the plan says.
        if let Some(same) = held.free.iter().position(|p| p.device == opened.number && p.used == used && p.buffer.size() == bytes)
        {
            return Ok(held.free.swap_remove(same));
        }
        while held.bytes + bytes > self.limit {
            let Some(idle) = held.free.pop() else { return Err(Fault::Refused(bytes)) };
            held.bytes -= idle.buffer.size();
        }
        if faults.refuses() {
            return Err(Fault::Refused(bytes));
        }
        let made = create(opened, used, bytes)?;
        self.note(&mut held, opened, bytes);
        Ok(made)
    }

    /// Takes a buffer back that no submission uses any more.
    pub fn give(&self, pooled: Pooled) {
        lock(&self.held).free.push(pooled);
    }

    /// Forgets a buffer that is not coming back.
    pub fn forget(&self, pooled: Pooled) {
        let mut held = lock(&self.held);
        held.bytes = held.bytes.saturating_sub(pooled.buffer.size());
        drop((held, pooled));
    }

    /// Counts bytes of the device that are held beside the pool's buffers, until the run ends.
    pub fn count(&self, opened: &Opened, bytes: u64) {
        self.note(&mut lock(&self.held), opened, bytes);
    }

    /// Notes that so many bytes more are held.
    fn note(&self, held: &mut Held, opened: &Opened, bytes: u64) {
        held.bytes += bytes;
        held.peak = held.peak.max(held.bytes);
        let before = if self.before.0 == opened.number { self.before.1 } else { 0 };
        held.counted_peak = held.counted_peak.max(opened.buffer_bytes().saturating_sub(before));
    }

    /// Drops what lies idle: after a lost device its buffers are worth nothing.
    pub fn clear(&self) {
        let mut held = lock(&self.held);
        for pooled in std::mem::take(&mut held.free) {
            held.bytes = held.bytes.saturating_sub(pooled.buffer.size());
        }
    }
}

fn create(opened: &Opened, used: Use, bytes: u64) -> Done<Pooled> {
    if bytes > opened.limits.max_storage_buffer_binding_size.min(opened.limits.max_buffer_size) {
        return Err(Fault::Refused(bytes));
    }
    let memory = opened.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let validation = opened.device.push_error_scope(wgpu::ErrorFilter::Validation);
    let buffer = opened.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: bytes,
        usage: used.usages(),
        mapped_at_creation: used.is_written_by_the_cpu(),
    });
    let refused = pollster::block_on(validation.pop()).or(pollster::block_on(memory.pop()));
    match (opened.health.trouble(), refused) {
        (Some(trouble), _) => Err(Fault::Lost(trouble)),
        (None, Some(_)) => Err(Fault::Refused(bytes)),
        (None, None) => Ok(Pooled { buffer, used, device: opened.number }),
    }
}
