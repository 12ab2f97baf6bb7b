//! How fast bytes come to a device and back, by as many threads as the pool that this is called in has.
//! It does not know what they are.
//!
//! A thread has two places, so that it fills one while the device copies the other:
//!
//! ```text
//! for each place in turn:  wait for it;  copy out what came back;  copy in what goes;  send
//! ```

use super::{Bench, Mapping, unmapped};
use crate::device::gpu::lock::lock;
use crate::device::gpu::open::Transfer;
use crate::error::{Error, Result};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use wgpu::{BufferUsages as U, MapMode};

/// How bytes come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Through mapped staging buffers, which the device copies from and to.
    Ring,
    /// Storage buffers are mapped themselves.
    Unified,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the device.
    Up,
    /// From the device.
    Down,
    /// Both at once.
    Duplex,
}

impl Way {
    fn goes_up(self) -> bool {
        self != Way::Down
    }

    fn comes_down(self) -> bool {
        self != Way::Up
    }
}

/// What was moved.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    /// Threads.
    pub threads: usize,
    /// Bytes a second to the device.
    pub up: f64,
    /// Bytes a second from the device.
    pub down: f64,
    /// Whether what came back is what went there, where both ways were taken through staging buffers.
    pub is_right: bool,
}

/// Buffers of one place, and what is waited for. Only those that its way needs are there.
struct Place {
    up: Option<wgpu::Buffer>,
    local: Option<wgpu::Buffer>,
    down: Option<wgpu::Buffer>,
    sent: Option<(wgpu::SubmissionIndex, Mapping)>,
}

/// One thread's places and the memory that is copied from and to.
struct Lane {
    places: [Place; 2],
    host: Vec<u8>,
    back: Vec<u8>,
    /// Chunks that went the whole way.
    chunks: usize,
}

impl Bench {
    /// Whether the engine maps storage buffers themselves on this device.
    #[must_use]
    pub fn is_unified(&self) -> bool {
        self.opened.transfer == Transfer::Unified
    }

    /// Moves chunks of so many bytes by every thread of this pool until the time is over.
    ///
    /// # Errors
    /// A mode that the device does not have, buffers that it refuses, a device that fails.
    pub fn transfer(&self, mode: Mode, way: Way, chunk: usize, limit: Duration) -> Result<Moved> {
        if mode == Mode::Unified && !self.is_unified() {
            return Err(Error::caller("the device's storage buffers are not mapped: memory is not shared"));
        }
        let threads = rayon::current_num_threads();
        let lanes: Vec<Mutex<Lane>> = (0..threads).map(|_| self.lane(mode, way, chunk).map(Mutex::new)).collect::<Result<_>>()?;
        // Once before the clock runs: pages are touched, the driver's own buffers made.
        rayon::broadcast(|who| lock(&lanes[who.index()]).run(self, Duration::ZERO)).into_iter().collect::<Result<()>>()?;
        lanes.iter().for_each(|lane| lock(lane).chunks = 0);
        let begun = Instant::now();
        rayon::broadcast(|who| lock(&lanes[who.index()]).run(self, limit)).into_iter().collect::<Result<()>>()?;
        let seconds = begun.elapsed().as_secs_f64().max(1e-9);
        let chunks: usize = lanes.iter().map(|lane| lock(lane).chunks).sum();
        let is_right = mode == Mode::Unified || way != Way::Duplex || lanes.iter().map(lock).all(|lane| lane.host == lane.back);
        let rate = (chunks * chunk) as f64 / seconds;
        let of = |taken: bool| if taken { rate } else { 0.0 };
        Ok(Moved { threads, up: of(way.goes_up()), down: of(way.comes_down()), is_right })
    }

    fn lane(&self, mode: Mode, way: Way, chunk: usize) -> Result<Lane> {
        let host = (0..chunk).map(|k| (k.wrapping_mul(2_654_435_761) >> 8).to_le_bytes()[0]).collect();
        Ok(Lane { places: [self.place(mode, way, chunk)?, self.place(mode, way, chunk)?], host, back: vec![0; chunk], chunks: 0 })
    }

    fn place(&self, mode: Mode, way: Way, chunk: usize) -> Result<Place> {
        let bytes = chunk as u64;
        let make = |wanted: bool, usage: U, mapped: bool| wanted.then(|| self.buffer(bytes, usage, mapped)).transpose();
        let staged = mode == Mode::Ring;
        let own = if staged { U::empty() } else { U::STORAGE };
        let (up, down) = if staged { (U::COPY_SRC, U::COPY_DST) } else { (own, own) };
        Ok(Place {
            up: make(way.goes_up(), up | U::MAP_WRITE, true)?,
            local: make(staged, U::STORAGE | U::COPY_SRC | U::COPY_DST, false)?,
            down: make(way.comes_down(), down | U::MAP_READ, false)?,
            sent: None,
        })
    }
}

impl Lane {
    /// Moves chunks until the time is over, each place at least once; waits for all of them.
    fn run(&mut self, bench: &Bench, limit: Duration) -> Result<()> {
        let begun = Instant::now();
        let mut turn = 0;
        while turn < self.places.len() || begun.elapsed() < limit {
            let which = turn % self.places.len();
            self.empty(bench, which)?;
            self.fill(bench, which)?;
            turn += 1;
        }
        (0..self.places.len()).try_for_each(|which| self.empty(bench, which))
    }

    /// Waits for a place and copies out what came back.
    fn empty(&mut self, bench: &Bench, which: usize) -> Result<()> {
        let place = &mut self.places[which];
        let Some((index, mapping)) = place.sent.take() else { return Ok(()) };
        bench.wait(&index, &mapping)?;
        if let Some(down) = &place.down {
            let range = down.get_mapped_range(..).map_err(unmapped)?;
            self.back.copy_from_slice(&range);
            drop(range);
            down.unmap();
        }
        self.chunks += 1;
        Ok(())
    }

    /// Copies in what goes, and sends.
    fn fill(&mut self, bench: &Bench, which: usize) -> Result<()> {
        let place = &mut self.places[which];
        let (mut encoder, mut mapping) = (bench.encoder(), Mapping::new());
        let bytes = self.host.len() as u64;
        if let Some(up) = &place.up {
            let mut range = up.get_mapped_range_mut(..).map_err(unmapped)?;
            range.copy_from_slice(&self.host);
            drop(range);
            up.unmap();
            place.local.iter().for_each(|local| encoder.copy_buffer_to_buffer(up, 0, local, 0, bytes));
            mapping.ask(&mut encoder, up, MapMode::Write);
        }
        if let Some(down) = &place.down {
            place.local.iter().for_each(|local| encoder.copy_buffer_to_buffer(local, 0, down, 0, bytes));
            mapping.ask(&mut encoder, down, MapMode::Read);
        }
        place.sent = Some((bench.submit(encoder), mapping));
        Ok(())
    }
}
