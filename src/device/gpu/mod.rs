//! GPUs through WGSL: a tile is cut into blocks that fit the device's memory; each block is one schedule of kernels.
//! What a GPU has no numbers for runs on the CPU inside the same block. It does not know how tiles are chosen.
//!
//! A lost device is opened anew and the block is run again; a refused allocation halves what is in flight, then blocks.

mod batch;
mod block;
mod clock;
pub mod emit;
mod faults;
mod folds;
mod lock;
pub mod measure;
mod memory;
mod on_device;
mod open;
mod pace;
mod pipeline;
mod probe;
mod seats;
mod slots;
mod spent;
mod submit;
mod timing;
mod told;
mod transfer;
mod words;

pub use faults::Faults;
pub use open::{Adapter, available, instances, report};

use super::cpu::{Cpu, moved};
use super::{Between, Device, InputData, Launched, Partial, Timed};
use crate::dtype::{get, put};
use crate::error::{Error, Result, bytes_text};
use crate::grid::{Dims, Grid, Region, indices};
use crate::plan::{GpuPass, Pass};
use crate::tile::{Tile, View};
use emit::Dialect;
use lock::lock;
use open::Opened;
use seats::{MOST_LOSSES, Seat};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use timing::Timings;

/// How long a submission to a GPU may take: a desktop that it also draws must answer.
const LONGEST: Duration = Duration::from_millis(100);
/// Halvings of blocks after which no smaller ones are tried.
const MOST_HALVINGS: usize = 6;

/// What stops a block.
pub(crate) enum Fault {
    /// The device is gone: what happened.
    Lost(String),
    /// An allocation of this many bytes was refused.
    Refused(u64),
    /// Anything else.
    Other(Error),
}

/// What a block's work ends in.
type Done<T> = std::result::Result<T, Fault>;

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Other(error)
    }
}

/// What a run asks of a GPU.
#[derive(Debug)]
pub struct Wish {
    /// `gpu`, or part of an adapter's name.
    pub name: String,
    /// How many adapters of one kind; none differs from another in a bit.
    pub gpus: usize,
    /// Bytes that may be taken of each, staging included.
    pub vram: u64,
    /// Whether shaders keep every check.
    pub checked: bool,
    /// How long a submission may take; by default [`LONGEST`] on hardware, anything on software.
    pub longest: Option<Duration>,
    /// Whether the devices note when they work: [`Device::timed`] tells.
    pub timed: bool,
    /// Failures on order.
    pub faults: Faults,
}

/// The GPUs of one run.
pub struct Gpu {
    wish: Wish,
    seats: Vec<Seat>,
    cpu: Cpu,
    taken_over: AtomicBool,
    halvings: AtomicUsize,
    submissions: AtomicUsize,
    notices: Mutex<Vec<String>>,
    spent: spent::Spent,
    kernels: Mutex<HashMap<(usize, emit::Piece, Dialect), Arc<emit::Kernel>>>,
}

/// What a block made: a tile for each sink, partial states.
struct Made {
    tiles: Vec<Tile>,
    partials: Vec<Partial>,
}

impl Gpu {
    /// Opens the GPUs of a run, each with that many blocks in flight.
    ///
    /// # Errors
    /// No such adapter, fewer than are asked for, a driver that refuses.
    pub fn open(wish: Wish, slots: usize) -> Result<Gpu> {
        let seat = |which: usize| -> Result<Seat> {
            let opened = open::open(&wish.name, wish.checked, which)?;
            Ok(Seat::new(which, wish.vram, slots, wish.timed, &opened))
        };
        let seats = (0..wish.gpus.max(1)).map(seat).collect::<Result<Vec<_>>>()?;
        let has_no_clock = wish.timed && seats.iter().any(|seat| seat.timings.is_none());
        let gpu = Gpu {
            wish,
            seats,
            cpu: Cpu::default(),
            taken_over: AtomicBool::new(false),
            halvings: AtomicUsize::new(0),
            submissions: AtomicUsize::new(0),
            notices: Mutex::default(),
            spent: spent::Spent::default(),
            kernels: Mutex::default(),
        };
        if has_no_clock {
            gpu.notice(format!("'{}' has no timestamps: when it worked is not told", gpu.wish.name));
        }
        Ok(gpu)
    }

    /// The most bytes of one device's memory that the run held at once, by its own count.
    #[must_use]
    pub fn peak_bytes(&self) -> u64 {
        self.seats.iter().map(|seat| seat.pool.peak()).max().unwrap_or(0)
    }

    /// Blocks that each adapter made.
    #[must_use]
    pub fn blocks(&self) -> Vec<usize> {
        self.seats.iter().map(|seat| seat.slots.entered()).collect()
    }

    /// The same as the graphics library counts it: what other runs on this device hold meanwhile is in it.
    #[must_use]
    pub fn counted_peak_bytes(&self) -> u64 {
        self.seats.iter().map(|seat| seat.pool.counted_peak()).max().unwrap_or(0)
    }

    /// Steps at which a failure can be ordered, so far.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.wish.faults.steps()
    }

    /// Submissions so far.
    #[must_use]
    pub fn submissions(&self) -> usize {
        self.submissions.load(Ordering::Relaxed)
    }

    /// Seconds in which the device's threads filled it, waited for it and emptied it so far, taken together.
    #[must_use]
    pub fn spent_seconds(&self) -> [f64; 3] {
        self.spent.seconds()
    }

    fn submitted(&self, count: usize) {
        self.submissions.fetch_add(count, Ordering::Relaxed);
    }

    /// How long a submission may take.
    fn longest(&self, opened: &Opened) -> Duration {
        let default = if opened.is_software() { Duration::MAX } else { LONGEST };
        self.wish.longest.unwrap_or(default)
    }

    /// How often blocks are halved because whole ones take too long.
    fn halvings(&self) -> usize {
        self.halvings.load(Ordering::Acquire)
    }

    /// Halves later blocks where the largest kernel of one, halved `level` times, takes longer than a submission may.
    fn judge(&self, opened: &Opened, work: u64, level: usize) {
        let (time, longest) = (lock(&opened.pace).time(work), self.longest(opened));
        if time <= longest || level >= MOST_HALVINGS {
            return;
        }
        // Of the blocks in flight the first one decides.
        let first = self.halvings.compare_exchange(level, level + 1, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if first && level == 0 {
            self.notice(format!(
                "a kernel takes {:.0} ms of a block, {:.0} ms are allowed: blocks are halved from now on",
                1e3 * time.as_secs_f64(),
                1e3 * longest.as_secs_f64()
            ));
        }
    }

    fn notice(&self, what: String) {
        lock(&self.notices).push(what);
    }

    fn kernel(&self, pass: &Pass, piece: emit::Piece, dialect: Dialect) -> Result<Arc<emit::Kernel>> {
        let mut kernels = lock(&self.kernels);
        if let Some(found) = kernels.get(&(pass.number, piece, dialect)) {
            return Ok(found.clone());
        }
        let made = Arc::new(emit::kernel(&pass.program, piece, dialect)?);
        kernels.insert((pass.number, piece, dialect), made.clone());
        Ok(made)
    }

    /// Runs a box, whatever happens to the device meanwhile; gives what it made in the order of its parts.
    fn run(
        &self,
        pass: &Pass,
        gpu: &GpuPass,
        region: Region,
        inputs: &[InputData<'_>],
        made: &mut Vec<(Region, Made)>,
    ) -> Result<()> {
        loop {
            let Some((seat, slot)) = seats::enter(&self.seats) else {
                return self.take_over(pass, gpu, region, inputs, made);
            };
            let opened = open::open(&self.wish.name, self.wish.checked, seat.which)?;
            if !opened.numerics.keeps_nan && !gpu.sharing.exact {
                return self.on_cpu(pass, region, inputs, made);
            }
            let done = block::run(self, (seat, &opened), pass, gpu, &region, inputs);
            drop(slot);
            match done {
                Ok(block) => {
                    made.push((region, block));
                    return Ok(());
                }
                Err(Fault::Other(error)) => return Err(error),
                Err(Fault::Lost(why)) => self.lost(seat, &opened, &why, &region),
                Err(Fault::Refused(bytes)) if seat.slots.halve() => {
                    self.notice(format!(
                        "the device refused {}: {} blocks in flight from now on",
                        bytes_text(bytes),
                        seat.slots.allowed()
                    ));
                }
                Err(Fault::Refused(bytes)) => return self.halved(pass, gpu, region, inputs, made, bytes),
            }
        }
    }

    fn lost(&self, seat: &Seat, opened: &Opened, why: &str, region: &Region) {
        // Every block in flight meets the same loss; it counts once.
        if opened.health.condemn(why) {
            let number = seat.lose();
            self.notice(format!(
                "{} was lost ({why}); block {region} is run again (loss {number} of {MOST_LOSSES})",
                opened.info.name
            ));
        }
    }

    /// Runs the halves of a box whose buffers were refused.
    fn halved(
        &self,
        pass: &Pass,
        gpu: &GpuPass,
        region: Region,
        inputs: &[InputData<'_>],
        made: &mut Vec<(Region, Made)>,
        bytes: u64,
    ) -> Result<()> {
        let halves = halves(&region, &gpu.align).ok_or_else(|| {
            Error::machine(format!(
                "the device refuses {} for a block of {}, which cannot be halved",
                bytes_text(bytes),
                region.shape
            ))
            .hint("--device cpu runs without it")
        })?;
        self.notice(format!("the device refused {}: block {region} is halved", bytes_text(bytes)));
        halves.into_iter().try_for_each(|half| self.run(pass, gpu, half, inputs, made))
    }

    /// After too many losses: the CPU goes on where its bits are the same, else the run stops.
    fn take_over(
        &self,
        pass: &Pass,
        gpu: &GpuPass,
        region: Region,
        inputs: &[InputData<'_>],
        made: &mut Vec<(Region, Made)>,
    ) -> Result<()> {
        if !gpu.sharing.exact {
            let what =
                format!("the device '{}' was lost {MOST_LOSSES} times, and one output is never a mix of devices", self.wish.name);
            return Err(Error::machine(what).hint("--device cpu restarts it"));
        }
        self.on_cpu(pass, region, inputs, made)
    }

    fn on_cpu(&self, pass: &Pass, region: Region, inputs: &[InputData<'_>], made: &mut Vec<(Region, Made)>) -> Result<()> {
        if !self.taken_over.swap(true, Ordering::AcqRel) {
            self.notice(format!("the CPU takes over from '{}'", self.wish.name));
        }
        let Launched { tiles, partials, .. } = self.cpu.launch(pass, &region, inputs, &|| ())?;
        made.push((region, Made { tiles, partials }));
        Ok(())
    }
}

/// The halves of a box along its longest axis that edges may cut.
fn halves(region: &Region, align: &Dims) -> Option<[Region; 2]> {
    let cut = |axis: usize| (region.shape[axis] / 2).next_multiple_of(align[axis].max(1));
    let axis = (0..region.shape.len()).filter(|a| cut(*a) > 0 && cut(*a) < region.shape[*a]).max_by_key(|a| region.shape[*a])?;
    let near = Region { start: region.start, shape: region.shape.with(axis, cut(axis)) };
    let far = Region {
        start: region.start.with(axis, region.start[axis] + cut(axis)),
        shape: region.shape.with(axis, region.shape[axis] - cut(axis)),
    };
    Some([near, far])
}

/// A box halved that often, as far as it can be.
fn pieces(region: Region, align: &Dims, times: usize) -> Vec<Region> {
    match halves(&region, align).filter(|_| times > 0) {
        Some(two) => two.into_iter().flat_map(|half| pieces(half, align, times - 1)).collect(),
        None => vec![region],
    }
}

impl Device for Gpu {
    fn launch(&self, pass: &Pass, tile: &Region, inputs: &[InputData<'_>], between: Between<'_>) -> Result<Launched> {
        let Some(gpu) = &pass.gpu else { return self.cpu.launch(pass, tile, inputs, between) };
        let inputs = &narrowed(pass, inputs)?[..];
        let grid = Grid::new(tile.shape, gpu.block);
        let mut made = Vec::new();
        for index in indices(Region::whole(grid.counts())) {
            let block = moved(&grid.region(&index), &tile.start);
            for piece in pieces(block, &gpu.align, self.halvings()) {
                self.run(pass, gpu, piece, inputs, &mut made)?;
            }
        }
        let _emptying = self.spent.emptying();
        together(pass, tile, made)
    }

    fn lanes(&self, pass: &Pass) -> usize {
        pass.gpu.as_ref().map_or(0, |gpu| gpu.slots * self.seats.len())
    }

    fn notices(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.notices))
    }

    fn timed(&self) -> Vec<Timed> {
        self.seats.iter().filter_map(|seat| seat.timings.as_ref()).flat_map(Timings::take).collect()
    }
}

/// The inputs in the dtypes that the pass reads: late values in f64 that it reads in f32 are rounded here.
fn narrowed<'a>(pass: &Pass, inputs: &[InputData<'a>]) -> Result<Vec<InputData<'a>>> {
    let one = |(number, input): (usize, &InputData<'a>)| -> Result<InputData<'a>> {
        let dtype = pass.program.info(number)?.dtype;
        let InputData::Late(tile) = input else { return Ok(input.clone()) };
        if tile.dtype == dtype {
            return Ok(input.clone());
        }
        let mut made = Tile::zeroed(dtype, tile.shape);
        let elements = tile.data.bytes().chunks_exact(tile.dtype.size()).map(|bytes| get(tile.dtype, bytes));
        made.data.bytes_mut().chunks_exact_mut(dtype.size()).zip(elements).for_each(|(out, number)| put(number, dtype, out));
        Ok(InputData::Late(Arc::new(made)))
    };
    inputs.iter().enumerate().map(one).collect()
}

/// A tile out of its blocks: one block is the tile itself.
fn together(pass: &Pass, tile: &Region, mut made: Vec<(Region, Made)>) -> Result<Launched> {
    if let [(region, _)] = &made[..]
        && region == tile
    {
        let (_, Made { tiles, partials }) = made.swap_remove(0);
        return Ok(Launched { tiles, partials, busy: None });
    }
    let mut launched = Launched::default();
    for (number, sink) in pass.program.sinks.iter().enumerate() {
        let mut whole = Tile::zeroed(pass.program.info(sink.value)?.dtype, tile.shape);
        for (region, block) in &made {
            let part: &View<'_> = &block.tiles[number].view();
            crate::tile::copy_view(part, whole.data.bytes_mut(), &tile.shape, &region.relative_to(&tile.start).start);
        }
        launched.tiles.push(whole);
    }
    launched.partials = made.into_iter().flat_map(|(_, block)| block.partials).collect();
    Ok(launched)
}
