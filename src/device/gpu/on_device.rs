//! The buffers of one block on a device, from upload to download.
//! It does not know what they hold, nor what is done with them.

use super::lock::lock;
use super::memory::{Pooled, Use};
use super::open::{Opened, Transfer};
use super::seats::Seat;
use super::{Done, Fault, Gpu};
use crate::error::Error;
use crate::plan::schedule::Schedule;
use crate::plan::{serves, size_class};
use crate::tile::Buffer;
use std::collections::HashMap;
use std::time::Instant;

/// The buffers of a block on a device; what is not given back is forgotten.
pub struct OnDevice<'g> {
    pub gpu: &'g Gpu,
    pub seat: &'g Seat,
    pub opened: &'g Opened,
    pub plan: &'g Schedule,
    pub buffers: Vec<Option<Pooled>>,
    /// What the device made of the blocks of folds, by the fold.
    pub made_of_blocks: HashMap<usize, Buffer>,
    /// Freed by this block: not used by anything before the device is done.
    pub idle: Vec<Pooled>,
}

impl<'g> OnDevice<'g> {
    /// Nothing is on the device.
    pub fn new(gpu: &'g Gpu, seat: &'g Seat, opened: &'g Opened, plan: &'g Schedule) -> Self {
        OnDevice {
            gpu,
            seat,
            opened,
            plan,
            buffers: vec![None; plan.buffers.len()],
            made_of_blocks: HashMap::new(),
            idle: Vec::new(),
        }
    }

    /// A buffer: one that this block has freed already, else one of the pool.
    pub fn take(&mut self, used: Use, bytes: u64) -> Done<Pooled> {
        let class = size_class(bytes);
        let fits = |p: &Pooled| p.used == used && serves(p.buffer.size(), class);
        let best = (0..self.idle.len()).filter(|k| fits(&self.idle[*k])).min_by_key(|k| self.idle[*k].buffer.size());
        match best {
            Some(best) => Ok(self.idle.swap_remove(best)),
            None => self.seat.pool.take(self.opened, used, bytes, &self.gpu.wish.faults),
        }
    }

    /// Makes sure that a result has its buffer: one that the CPU can read where it leaves and memory is shared.
    pub fn take_result(&mut self, buffer: usize) -> Done<()> {
        if self.buffers[buffer].is_none() {
            let leaves = self.plan.is_downloaded(buffer);
            let used = if leaves && self.opened.transfer == Transfer::Unified { Use::Out } else { Use::Local };
            self.buffers[buffer] = Some(self.take(used, self.plan.buffers[buffer].bytes())?);
        }
        Ok(())
    }

    /// A step at which a test may lose the device.
    pub fn pass_a_step(&self) {
        if self.gpu.wish.faults.loses() {
            self.opened.device.destroy();
            let _ = self.opened.device.poll(wgpu::PollType::Poll);
        }
    }

    /// Whether the device still works.
    pub fn health(&self) -> Done<()> {
        match self.opened.health.trouble() {
            None => Ok(()),
            Some(trouble) if self.opened.health.is_hung() => Err(Fault::Other(hung(trouble))),
            Some(trouble) => Err(Fault::Lost(trouble)),
        }
    }

    /// The device has not answered for as long as it may: every block that waits for it stops.
    pub fn hang(&self) -> Fault {
        let seconds = self.gpu.patience(self.opened).unwrap_or_default().as_secs_f64();
        let what = format!("the device '{}' has not answered for {seconds:.1} s", self.opened.info.name);
        self.opened.health.hang(&what);
        Fault::Other(hung(what))
    }

    /// Learns how fast the device is from a batch that is done: by its own clock, else by the host's.
    pub fn learn(&self, (work, kernels): (u64, usize), by_clock: Option<f64>, sent: Instant) {
        let mut pace = lock(&self.opened.pace);
        match by_clock {
            Some(seconds) => pace.learn(work, kernels, seconds),
            None if self.opened.ticks.is_none() => pace.learn_by_host(work, kernels, sent),
            None => {}
        }
    }
}

fn hung(what: String) -> Error {
    Error::machine(what).hint("its driver hangs: what was written is kept; --device cpu goes on without it")
}

impl Drop for OnDevice<'_> {
    /// After a failure nobody knows what the device still does with them.
    fn drop(&mut self) {
        let left = self.buffers.drain(..).flatten().chain(self.idle.drain(..));
        left.for_each(|pooled| self.seat.pool.forget(pooled));
    }
}
