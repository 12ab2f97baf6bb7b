//! The verbs of the lazy array: open, explain, compute, save. Where ops, formats and engine meet.
//! It does not know how any of them works.

mod apart;
mod budget;
#[cfg(feature = "gpu")]
mod cache;
mod computed;
mod identity;
mod lock;
mod place;
mod running;
mod scratch;

pub use budget::default_memory;
pub use computed::Computed;

use crate::device::Device;
use crate::device::cpu::Cpu;
use crate::dtype::Element;
use crate::error::{Error, Result, Subject, bytes_text};
use crate::formats::{self, WriteOptions, memory::MemorySink, memory::MemorySource, memory::Unkept};
use crate::graph::{Array, Body};
use crate::grid::{Dims, MAX_RANK};
use crate::plan::{InputFrom, Machine, Output, Plan, all_outputs, explain, explain_at, long_words, plan_with};
use crate::run::{Job, Observer, Summary, run};
use crate::storage::{Identity, Place, Reading, Scratch, Sink};
use crate::tile::Tile;
use std::path::Path;
use std::sync::Arc;

/// A worker's share of the second-level cache, of processors that have 1 to 2 MiB a core.
const CACHE: usize = 1 << 20;

/// Bytes of a GPU's memory that a run takes where nobody said how many.
const VRAM: u64 = 1 << 30;

/// What a run may use and how it writes.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes that the run may add; by default half of what is available, rounded down to a power of the root of two.
    pub memory: Option<u64>,
    /// Worker threads; by default the cores that this process may use.
    pub threads: Option<usize>,
    /// Extents of a tile.
    pub tile: Option<Vec<usize>>,
    /// `auto`, `cpu`, or a device's name.
    pub device: String,
    /// Bytes of a GPU's memory that the run may take, staging included; by default 1 GiB.
    pub vram: Option<u64>,
    /// GPUs of one kind that the run is spread over; by default 1.
    pub gpus: usize,
    /// Whether shaders run with every bounds check: slower, to find faults.
    pub checked_shaders: bool,
    /// Whether it is told when a GPU worked, by its own clock: [`crate::run::Progress::device_spans`].
    pub timed: bool,
    /// Whether outputs that exist are replaced.
    pub overwrite: bool,
    /// Whether what an unfinished run left is thrown away instead of gone on with.
    pub restart: bool,
    /// Whether a TIFF is written in tiles.
    pub tiled: bool,
    /// Extents of the chunks of a Zarr that is written; chosen by its axes where none.
    pub chunks: Option<Vec<usize>>,
    /// Extents of its shards: files that hold many chunks. Multiples of a chunk's; none where each chunk is a file.
    pub shards: Option<Vec<usize>>,
    /// Where arrays go that a run makes for itself.
    pub scratch: ScratchIn,
    /// Whether windows run by their slow meaning only: for tests.
    pub by_meaning: bool,
    /// Tiles of each pass that are computed again by their meaning in f64 while the run goes on, and compared: a difference stops it.
    pub verify: usize,
}

/// Where arrays go that a run makes for itself: to be read in another order than they are made, or a second time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ScratchIn {
    /// In a file beside the first output; nowhere where results stay in memory.
    #[default]
    Beside,
    /// In a file in this folder.
    Folder(std::path::PathBuf),
    /// Nowhere: what does not fit the budget without is refused.
    Nowhere,
}

impl Default for Options {
    fn default() -> Self {
        let device = "auto".to_owned();
        Options {
            memory: None,
            threads: None,
            tile: None,
            device,
            vram: None,
            gpus: 1,
            checked_shaders: false,
            timed: false,
            overwrite: false,
            restart: false,
            tiled: false,
            chunks: None,
            shards: None,
            scratch: ScratchIn::Beside,
            by_meaning: false,
            verify: 0,
        }
    }
}

impl Options {
    /// How outputs are written.
    ///
    /// # Errors
    /// Extents of chunks that are none.
    pub fn writing(&self) -> Result<WriteOptions> {
        let dims = |extents: &Option<Vec<usize>>| extents.as_ref().map(|e| checked_extents(e)).transpose();
        let (chunks, shards) = (dims(&self.chunks)?, dims(&self.shards)?);
        Ok(WriteOptions { overwrite: self.overwrite, tiled: self.tiled, chunks, shards })
    }

    /// The machine that plans are made for.
    #[must_use]
    pub fn machine(&self) -> Machine {
        Machine {
            threads: self.threads.unwrap_or_else(crate::os::cores).max(1),
            memory: self.memory.unwrap_or_else(default_memory),
            cache: CACHE,
            tile: self.tile.clone(),
            device: self.device.clone(),
            vram: self.vram.unwrap_or(VRAM),
            gpus: self.gpus.max(1),
            verify: self.verify,
        }
    }
}

/// Extents of chunks or shards.
fn checked_extents(extents: &[usize]) -> Result<Dims> {
    if extents.is_empty() || extents.len() > MAX_RANK || extents.contains(&0) {
        return Err(Error::caller(format!("chunks of {extents:?}: give one extent of at least 1 for each axis")));
    }
    Ok(Dims::from(extents))
}

/// Runs that make several outputs together: what they share is computed and read once.
pub struct Session {
    /// The outputs of the user's, and how many they are; behind them arrays that the run makes for itself.
    outputs: Vec<Output>,
    own: usize,
    plan: Plan,
    scratch: Option<Arc<scratch::Room>>,
    options: Options,
}

/// What a plan's sources say of themselves, each once.
fn source_notices(plan: &Plan) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for input in plan.passes.iter().flat_map(|pass| &pass.program.inputs) {
        let InputFrom::Source(source) = &input.from else { continue };
        for notice in source.notices().into_iter().map(|notice| format!("{}: {notice}", source.name())) {
            if !told.contains(&notice) {
                told.push(notice);
            }
        }
    }
    told
}

/// Bytes of what a plan stores in scratch.
fn stored_bytes(plan: &Plan) -> u64 {
    plan.stored.iter().map(|stored| stored.source.info().bytes()).fold(0, u64::saturating_add)
}

impl Session {
    /// Plans the outputs.
    ///
    /// # Errors
    /// What makes an output impossible; a budget that is too small.
    pub fn new(outputs: Vec<Output>, options: &Options) -> Result<Session> {
        let beside = outputs.first().and_then(|first| first.sink.beside());
        let scratch = match (&options.scratch, beside) {
            (ScratchIn::Folder(folder), path) => Some(scratch::Room::within(folder, path.as_deref())),
            (ScratchIn::Beside, Some(path)) => Some(scratch::Room::beside(&path)),
            _ => None,
        };
        let plan = plan_with(&outputs, &options.machine(), scratch.as_ref().map(|room| room as &dyn Scratch))?;
        if let Some(room) = &scratch {
            room.hold(identity::of_stored(&outputs, &plan), stored_bytes(&plan));
        }
        let (own, outputs) = (outputs.len(), all_outputs(&outputs, &plan.stored));
        Ok(Session { outputs, own, plan, scratch, options: options.clone() })
    }

    /// Plans to save arrays under paths; the formats follow from the names.
    ///
    /// # Errors
    /// An unknown ending, an output that exists, two outputs of one name, one that is read or lies in what is read or around it, and as
    /// [`Session::new`].
    pub fn save(targets: &[(Array, &Path)], options: &Options) -> Result<Session> {
        let write = options.writing()?;
        let mut outputs: Vec<Output> = Vec::with_capacity(targets.len());
        for (array, path) in targets {
            let sink: Arc<dyn Sink> = Arc::from(formats::create(path, array.info()?, write)?);
            let (own, same) = (lock::real(path), |other: &(Array, &Path)| lock::real(other.1));
            if targets.iter().take(outputs.len()).any(|other| same(other) == own) {
                return Err(Error::caller(format!("two results would be written to {}", path.display())));
            }
            outputs.push(Output { array: array.clone(), sink });
        }
        let (arrays, paths): (Vec<Array>, Vec<&Path>) = targets.iter().cloned().unzip();
        apart::check(&paths, &apart::read_by(&arrays))?;
        Session::new(outputs, options)
    }

    /// Plans to compute an array into memory: the sink gives its bytes after the run.
    ///
    /// # Errors
    /// A result that does not fit the budget, and as [`Session::new`].
    pub fn in_memory(array: &Array, options: &Options) -> Result<(Session, Arc<MemorySink>)> {
        let info = array.info()?.clone();
        let memory = options.machine().memory;
        if info.bytes() > memory {
            let (bytes, budget) = (bytes_text(info.bytes()), bytes_text(memory));
            let what = format!("the result {} {} is {bytes}, budget is {budget}", info.dtype, info.shape);
            return Err(Error::caller(what).on(Subject::Memory).hint("save it to a file, or raise memory"));
        }
        let sink = Arc::new(MemorySink::new(info));
        let output = Output { array: array.clone(), sink: sink.clone() };
        Ok((Session::new(vec![output], options)?, sink))
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The plan as text.
    #[must_use]
    pub fn explain(&self) -> String {
        explain(&self.plan)
    }

    /// The plan as text, at a level: 1 is a few lines, 2 stages, tiles and bytes, 3 also tapes, taps and regions, 4 also what runs.
    ///
    /// # Errors
    /// Another level.
    pub fn explain_at(&self, level: u8) -> Result<String> {
        explain_at(&self.plan, level, &running::running)
    }

    /// Refuses a file of somebody else's making that is read, or lies in what is read: a trace, say.
    ///
    /// # Errors
    /// Such a path.
    pub fn refuse(&self, path: &Path) -> Result<()> {
        let arrays: Vec<Array> = self.outputs[..self.own].iter().map(|output| output.array.clone()).collect();
        apart::check(&[path], &apart::read_by(&arrays))
    }

    /// Runs the plan.
    ///
    /// # Errors
    /// What stopped it; outputs are given up then.
    pub fn run(&self, observe: Observer<'_>) -> Result<Summary> {
        let device = self.device()?;
        self.run_on(&*device, observe)
    }

    /// What the user must know before it runs: what sources lack, what of the plan runs elsewhere than was asked for, and why.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let asked = &self.options.device;
        let mut notices = source_notices(&self.plan);
        notices.extend(self.stored_words());
        notices.extend(long_words(&self.plan));
        if matches!(asked.as_str(), "cpu" | "auto") {
            return notices;
        }
        if !self.plan.placement.is_gpu() {
            notices.push(format!("device '{asked}' was asked for, the CPU runs it: {}", self.plan.placement.reason));
            return notices;
        }
        let stays = |(number, why): (usize, &String)| format!("pass {} runs on the CPU: {why}", number + 1);
        let passes = self.plan.passes.iter().enumerate();
        notices.extend(passes.filter_map(|(k, pass)| pass.on_cpu.as_ref().map(|why| stays((k, why)))));
        notices
    }

    /// What is stored in scratch, and where.
    fn stored_words(&self) -> Vec<String> {
        let bytes = stored_bytes(&self.plan);
        let names = self.plan.stored.iter().map(|stored| stored.array.node().origin.op.as_str()).collect::<Vec<_>>().join(", ");
        let room = self.scratch.iter().filter(|_| !self.plan.stored.is_empty());
        room.map(|room| format!("{names}: {} of scratch in {}", bytes_text(bytes), room.path().display())).collect()
    }

    /// What makes another run on a device the same work, so that it goes on where this one was cut off: a hash of what is computed,
    /// of what, and how it is written; none where a function of the user's takes part, or results stay in memory.
    #[must_use]
    pub fn identity(&self, device: &dyn Device) -> Option<Identity> {
        self.identity_of(device, &self.readings().ok()?)
    }

    fn identity_of(&self, device: &dyn Device, readings: &[Reading]) -> Option<Identity> {
        self.place()?;
        identity::identity(&self.outputs[..self.own], &self.plan, &device.kind(), readings)
    }

    /// What the run reads, and what is stored there now.
    fn readings(&self) -> Result<Vec<Reading>> {
        identity::readings(&self.outputs[..self.own])
    }

    /// Runs the plan on a device that the caller opened.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_on(&self, device: &dyn Device, observe: Observer<'_>) -> Result<Summary> {
        crate::os::give_back();
        budget::fits_the_process(&self.plan)?;
        let place = self.place();
        let readings = self.readings()?;
        let identity = self.identity_of(device, &readings);
        let place = place.filter(|_| identity.is_some());
        let identity = identity.unwrap_or(Identity(String::new()));
        let written = self.outputs[..self.own].iter().filter_map(|output| output.sink.beside());
        let locks = lock::Locks::claim(&written.collect::<Vec<_>>())?;
        if let Some(place) = place.as_ref().filter(|_| self.options.restart || !locks.are_of(&identity.0)) {
            place.forget()?;
        }
        locks.say(&identity.0)?;
        let kept = place.as_ref().map(|place| place as &dyn Place);
        let (plan, outputs, identity, readings) = (&self.plan, &self.outputs[..], &identity, &readings[..]);
        let done = run(&Job { plan, outputs, device, identity, place: kept, readings, observe });
        if done.is_ok() || !place.as_ref().is_some_and(place::Beside::is_there) {
            locks.remove();
        }
        crate::os::give_back();
        // What an unfinished run under another budget left.
        if done.is_ok() {
            self.scratch.iter().for_each(|room| room.clear());
        }
        done
    }

    /// Where the run keeps its journal: beside the first output, if all of them can be gone on with.
    fn place(&self) -> Option<place::Beside> {
        let paths: Option<Vec<_>> = self.outputs[..self.own].iter().map(|output| output.sink.beside()).collect();
        paths?.first().map(|path| place::Beside::of(path))
    }

    /// The device of the plan; a GPU is opened only where a pass has work for it.
    fn device(&self) -> Result<Box<dyn Device>> {
        if self.plan.passes.iter().any(|pass| pass.gpu.is_some()) {
            return gpu(&self.plan, &self.options);
        }
        Ok(Box::new(if self.options.by_meaning { Cpu::by_meaning() } else { Cpu::default() }))
    }
}

#[cfg(feature = "gpu")]
fn gpu(plan: &Plan, options: &Options) -> Result<Box<dyn Device>> {
    use crate::device::gpu::{Gpu, Wish};
    let slots = plan.passes.iter().filter_map(|p| p.gpu.as_ref()).map(|g| g.slots).max().unwrap_or(1);
    let checked = options.checked_shaders || std::env::var_os("STACKMILL_GPU_CHECKED").is_some_and(|v| v == "1");
    let wish = Wish {
        name: plan.placement.device.clone(),
        gpus: plan.machine.gpus,
        vram: plan.machine.vram,
        checked,
        timed: options.timed,
        cache: cache::cache(),
        ..Wish::default()
    };
    Ok(Box::new(Gpu::open(wish, slots)?))
}

#[cfg(not(feature = "gpu"))]
fn gpu(plan: &Plan, _: &Options) -> Result<Box<dyn Device>> {
    let what = format!("device '{}': this build has no GPU support", plan.placement.device);
    Err(Error::caller(what).hint("--device cpu, or build with the feature gpu"))
}

impl Array {
    /// Opens a file, a Zarr folder, or a folder or glob of files as one stack. No pixel is read.
    #[must_use]
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> Array {
        let path = path.as_ref();
        match formats::open(path) {
            Ok(source) => Array::from_source(Arc::from(source)),
            Err(error) => {
                let line = std::panic::Location::caller();
                let origin = crate::graph::Origin { op: "open".to_owned(), part: String::new(), line };
                Array::broken(error.in_op("open", line), origin)
            }
        }
    }

    /// A lazy array over an `ndarray` array; copied once.
    #[must_use]
    #[track_caller]
    pub fn from_ndarray<T: Element, D: ndarray::Dimension>(array: &ndarray::ArrayRef<T, D>) -> Array {
        match MemorySource::from_ndarray(array) {
            Ok(source) => Array::from_source(Arc::new(source)),
            Err(error) => {
                let line = std::panic::Location::caller();
                let origin = crate::graph::Origin { op: "from_ndarray".to_owned(), part: String::new(), line };
                Array::broken(error.in_op("from_ndarray", line), origin)
            }
        }
    }

    /// Computes the array into memory.
    ///
    /// # Errors
    /// What made the array impossible, what stopped the run, a result that does not fit the budget.
    pub fn compute(&self) -> Result<Computed> {
        self.compute_with(&Options::default())
    }

    /// [`Array::compute`] with options.
    ///
    /// # Errors
    /// As [`Array::compute`].
    pub fn compute_with(&self, options: &Options) -> Result<Computed> {
        let (session, sink) = Session::in_memory(self, options)?;
        let summary = session.run(&|_| Ok(()))?;
        let info = self.info()?;
        Ok(Computed { tile: Tile { dtype: info.dtype, shape: info.shape, data: sink.take()? }, summary })
    }

    /// Writes the array to a file whose name says the format.
    ///
    /// # Errors
    /// An unknown ending, an output that exists, what stopped the run.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<Summary> {
        self.save_with(path, &Options::default())
    }

    /// [`Array::save`] with options.
    ///
    /// # Errors
    /// As [`Array::save`].
    pub fn save_with(&self, path: impl AsRef<Path>, options: &Options) -> Result<Summary> {
        Session::save(&[(self.clone(), path.as_ref())], options)?.run(&|_| Ok(()))
    }

    /// What computing this array would do: passes, stages, tiles, bytes; what saving it would, where memory cannot hold it.
    ///
    /// # Errors
    /// What made the array impossible; a budget that is too small.
    pub fn explain(&self) -> Result<String> {
        self.explain_with(&Options::default())
    }

    /// [`Array::explain`] with options.
    ///
    /// # Errors
    /// As [`Array::explain`].
    pub fn explain_with(&self, options: &Options) -> Result<String> {
        self.explain_at(2, options)
    }

    /// [`Array::explain_with`] at a level, as [`Session::explain_at`] has them.
    ///
    /// # Errors
    /// As [`Array::explain`]; another level.
    pub fn explain_at(&self, level: u8, options: &Options) -> Result<String> {
        let info = self.info()?.clone();
        let fits = info.bytes() <= options.machine().memory;
        let sink: Arc<dyn Sink> = if fits { Arc::new(MemorySink::new(info)) } else { Arc::new(Unkept(info)) };
        Session::new(vec![Output { array: self.clone(), sink }], options)?.explain_at(level)
    }

    /// Whether the array is a source as it lies.
    #[must_use]
    pub fn is_source(&self) -> bool {
        matches!(self.node().body, Body::Source(_))
    }
}
