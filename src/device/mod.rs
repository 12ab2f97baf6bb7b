//! Devices: what computes the tiles of a plan. A device takes a tile's inputs and gives its results.
//! No device knows an op by name, a file format, or the order of tiles.

pub mod cpu;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod null;

use crate::error::{Error, Result};
use crate::grid::{Grid, Region};
use crate::plan::Pass;
use crate::tile::{Buffer, Tile};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// What a tile reads of one input.
#[derive(Clone)]
pub enum InputData<'a> {
    /// The whole array, lent, C order.
    Lent(&'a [u8]),
    /// A result of an earlier pass.
    Late(Arc<Tile>),
    /// Decoded units by their number in the grid.
    Units {
        /// The grid.
        grid: Grid,
        /// Every unit that the tile touches.
        units: HashMap<usize, Arc<Buffer>>,
    },
}

/// A partial state of a fold: of one block of the domain.
pub struct Partial {
    /// Which fold of the program.
    pub fold: usize,
    /// The block.
    pub region: Region,
    /// The state of the block's outputs.
    pub state: Vec<u8>,
}

/// What launching a tile gives.
#[derive(Default)]
pub struct Launched {
    /// The tile of each sink end, in the program's order.
    pub tiles: Vec<Tile>,
    /// Partial states, in index order of their blocks.
    pub partials: Vec<Partial>,
    /// Seconds that all workers together were busy with it, where the device knows; else the launch took one.
    pub busy: Option<f64>,
}

/// A piece of work that a device did, by a clock of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Timed {
    /// Which of the run's devices, from 0.
    pub device: usize,
    /// Its name.
    pub name: Arc<str>,
    /// `upload`, `kernels` or `read back`.
    pub what: &'static str,
    /// The number of the tile.
    pub tile: usize,
    /// When it began, as near as a clock of the device's tells.
    pub begun: Instant,
    /// How many seconds it took.
    pub seconds: f64,
}

/// What a run and whoever computes its tiles tell each other between blocks: that the run stops, and how far they are.
#[derive(Debug, Default)]
pub struct Pulse {
    stopped: AtomicBool,
    made: AtomicU64,
}

impl Pulse {
    /// A run that has just begun.
    #[must_use]
    pub const fn new() -> Pulse {
        Pulse { stopped: AtomicBool::new(false), made: AtomicU64::new(0) }
    }

    /// The run stops: no further block is begun.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Asked before each block, and before whatever takes time.
    ///
    /// # Errors
    /// The run stops.
    pub fn check(&self) -> Result<()> {
        if self.stopped.load(Ordering::Relaxed) { Err(Error::caller("the run stops")) } else { Ok(()) }
    }

    /// So many elements of the domain are made: a block is done.
    pub fn made(&self, elements: usize) {
        self.made.fetch_add(elements as u64, Ordering::Relaxed);
    }

    /// The elements of the domain that were made.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }
}

/// The run on whose behalf a device computes: what is done between two blocks, and whose workers compute.
#[derive(Clone, Copy)]
pub struct Host<'h> {
    /// Whether the run stops, and how far it is.
    pub pulse: &'h Pulse,
    /// Called between blocks, by whoever computes them: what is more urgent is done there.
    pub between: &'h (dyn Fn() + Sync),
    /// The run's worker pool, for a device whose own threads have work for the CPU; none: the pool that is called in.
    pub workers: Option<&'h rayon::ThreadPool>,
}

impl Host<'_> {
    /// Nothing is more urgent, and the pool is the one that is called in.
    #[must_use]
    pub fn alone() -> Host<'static> {
        static NOBODY: Pulse = Pulse::new();
        Host { pulse: &NOBODY, between: &|| (), workers: None }
    }

    /// Does work on the run's workers.
    pub fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match self.workers {
            Some(workers) => workers.install(work),
            None => work(),
        }
    }
}

/// Work that must be done before the first tile of a pass: on any thread, in any order.
pub type Preparation<'d> = Box<dyn FnOnce() -> Result<()> + Send + 'd>;

/// What computes tiles.
pub trait Device: Sync {
    /// Computes one tile for a host, block by block.
    ///
    /// # Errors
    /// A fault of a kernel or of the plan; a run that stops.
    fn launch(&self, pass: &Pass, tile: &Region, inputs: &[InputData<'_>], host: Host<'_>) -> Result<Launched>;

    /// What must be done before the first tile of a pass, so that none waits for it: kernels to compile. Empty where all is ready.
    fn preparations<'d>(&'d self, _pass: &'d Pass) -> Vec<Preparation<'d>> {
        Vec::new()
    }

    /// What the bits of its float results depend on beside the plan; nothing where they are the same on every computer.
    fn kind(&self) -> String {
        String::new()
    }

    /// How many tiles of a pass are launched at once by threads of the device's own; 0 where the worker pool does it.
    fn lanes(&self, _pass: &Pass) -> usize {
        0
    }

    /// A pass is over: what was kept between its blocks goes.
    fn rest(&self) {}

    /// What happened since the last call that the user must know: a device lost, work that went elsewhere.
    fn notices(&self) -> Vec<String> {
        Vec::new()
    }

    /// What it did since the last call, by its own clock, where it was asked to note that: in order of time for each device.
    fn timed(&self) -> Vec<Timed> {
        Vec::new()
    }
}
