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
mod kernels;
mod lock;
pub mod measure;
mod memory;
mod on_device;
mod open;
mod pace;
mod pipeline;
mod probe;
mod seats;
mod shared_memory;
mod slots;
mod spent;
mod submit;
mod timing;
mod told;
mod transfer;
mod words;

pub use faults::Faults;
pub use open::{Adapter, available, instances, report};
pub use probe::Numerics;

use super::cpu::{Cpu, moved};
use super::{Device, Host, InputData, Launched, Partial, Preparation, Timed};
use crate::dtype::{get, put};
use crate::error::{Error, Result, bytes_text};
use crate::grid::{Dims, Grid, Region, indices};
use crate::plan::{GpuPass, Pass, heaviest};
use crate::storage::Cache;
use crate::tile::{Tile, View};
use kernels::{Kernels, missing};
use lock::lock;
use open::Opened;
use seats::{MOST_LOSSES, Seat};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use timing::Timings;

/// How long a submission to a GPU may take: a desktop that it also draws must answer.
const LONGEST: Duration = Duration::from_millis(100);
/// Elements of a block that is not halved further, whatever it takes: what sends and fetches a smaller one takes longer than its
/// kernels, and the slowest kernel that there is takes a few milliseconds for it.
const LEAST_BLOCK: usize = 1 << 16;
/// How long a device that has work may say nothing before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);

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
    /// How long a submission may take; by default 100 ms on hardware, anything on software.
    pub longest: Option<Duration>,
    /// How long a device may say nothing while it has work; by default 30 s on hardware, for ever on software.
    pub patience: Option<Duration>,
    /// Whether it is told when the devices worked: [`Device::timed`].
    pub timed: bool,
    /// Where is kept what a driver makes of kernels, so that another process need not compile them.
    pub cache: Option<Arc<dyn Cache>>,
    /// Failures on order.
    pub faults: Faults,
}

impl Default for Wish {
    /// The first GPU, with 1 GiB of its memory; nothing is kept, nothing fails on order.
    fn default() -> Wish {
        Wish {
            name: "gpu".to_owned(),
            gpus: 1,
            vram: 1 << 30,
            checked: false,
            longest: None,
            patience: None,
            timed: false,
            cache: None,
            faults: Faults::default(),
        }
    }
}

/// The GPUs of one run.
pub struct Gpu {
    wish: Wish,
    kind: String,
    seats: Vec<Seat>,
    cpu: Cpu,
    taken_over: AtomicBool,
    told_halved: AtomicBool,
    submissions: AtomicUsize,
    notices: Mutex<Vec<String>>,
    spent: spent::Spent,
    kernels: Kernels,
}

/// What a device's start-up probe found of its numbers.
///
/// # Errors
/// No such adapter, a driver that refuses.
pub fn numerics(name: &str) -> Result<Numerics> {
    open::open(&Wish { name: name.to_owned(), ..Wish::default() }, 0).map(|opened| opened.numerics)
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
        let kind = open::open(&wish, 0)?.kind();
        let seat = |which: usize| -> Result<Seat> {
            let opened = open::open(&wish, which)?;
            Ok(Seat::new(which, wish.vram, slots, wish.timed, &opened))
        };
        let seats = (0..wish.gpus.max(1)).map(seat).collect::<Result<Vec<_>>>()?;
        let has_no_clock = wish.timed && seats.iter().any(|seat| seat.timings.is_none());
        let gpu = Gpu {
            wish,
            kind,
            seats,
            cpu: Cpu::default(),
            taken_over: AtomicBool::new(false),
            told_halved: AtomicBool::new(false),
            submissions: AtomicUsize::new(0),
            notices: Mutex::default(),
            spent: spent::Spent::default(),
            kernels: Kernels::default(),
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

    /// Kernels that were compiled while a tile waited for them.
    #[must_use]
    pub fn compiled_late(&self) -> usize {
        self.kernels.late()
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

    /// How long a device may say nothing; none where it may be for ever.
    fn patience(&self, opened: &Opened) -> Option<Duration> {
        self.wish.patience.or_else(|| (!opened.is_software()).then_some(PATIENCE))
    }

    /// Whether the longest kernel of a block would take longer than a submission may, by the pace of its device; of one of which
    /// nothing is known yet the slowest is assumed.
    fn is_too_long(&self, pass: &Pass, gpu: &GpuPass, region: &Region) -> Result<bool> {
        let count = region.shape.count();
        let seat = self.seats.iter().find(|seat| !seat.is_given_up()).filter(|_| count >= 2 * LEAST_BLOCK);
        let Some(seat) = seat else { return Ok(false) };
        let opened = open::open(&self.wish, seat.which)?;
        let longest = self.longest(&opened);
        let (time, is_known) = {
            let pace = lock(&opened.pace);
            (pace.time(heaviest(&pass.program, &gpu.sharing).saturating_mul(count as u64)), pace.is_known())
        };
        let too_long = time > longest;
        if too_long && is_known && !self.told_halved.swap(true, Ordering::AcqRel) {
            self.notice(format!(
                "a kernel takes {:.0} ms of a block, {:.0} ms are allowed: such blocks are halved",
                1e3 * time.as_secs_f64(),
                1e3 * longest.as_secs_f64()
            ));
        }
        Ok(too_long)
    }

    /// Runs a box, in pieces where it would take too long; what the first of them took is known when the next is judged.
    fn run_in_pieces(&self, asked: &Asked<'_>, region: Region, made: &mut Vec<(Region, Made)>) -> Result<()> {
        let halves = halves(&region, &asked.gpu.align);
        match halves.filter(|_| self.is_too_long(asked.pass, asked.gpu, &region).unwrap_or(false)) {
            Some(two) => two.into_iter().try_for_each(|half| self.run_in_pieces(asked, half, made)),
            None => self.run(asked, region, made),
        }
    }

    fn notice(&self, what: String) {
        lock(&self.notices).push(what);
    }

    /// Runs a box, whatever happens to the device meanwhile; gives what it made in the order of its parts.
    fn run(&self, asked: &Asked<'_>, region: Region, made: &mut Vec<(Region, Made)>) -> Result<()> {
        loop {
            asked.host.pulse.check()?;
            let Some((seat, slot)) = seats::enter(&self.seats) else {
                return self.take_over(asked, region, made);
            };
            let opened = open::open(&self.wish, seat.which)?;
            if !opened.numerics.keeps_nan && !asked.gpu.sharing.exact {
                return self.on_cpu(asked, region, made);
            }
            let done = block::run(self, (seat, &opened), asked.pass, asked.gpu, &region, asked.inputs);
            drop(slot);
            match done {
                Ok(block) => {
                    asked.host.pulse.made(region.shape.count());
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
                Err(Fault::Refused(bytes)) => return self.halved(asked, region, made, bytes),
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
    fn halved(&self, asked: &Asked<'_>, region: Region, made: &mut Vec<(Region, Made)>, bytes: u64) -> Result<()> {
        let halves = halves(&region, &asked.gpu.align).ok_or_else(|| {
            Error::machine(format!(
                "the device refuses {} for a block of {}, which cannot be halved",
                bytes_text(bytes),
                region.shape
            ))
            .hint("--device cpu runs without it")
        })?;
        self.notice(format!("the device refused {}: block {region} is halved", bytes_text(bytes)));
        halves.into_iter().try_for_each(|half| self.run(asked, half, made))
    }

    /// After too many losses: the CPU goes on where its bits are the same, else the run stops.
    fn take_over(&self, asked: &Asked<'_>, region: Region, made: &mut Vec<(Region, Made)>) -> Result<()> {
        if !asked.gpu.sharing.exact {
            let what =
                format!("the device '{}' was lost {MOST_LOSSES} times, and one output is never a mix of devices", self.wish.name);
            return Err(Error::machine(what).hint("--device cpu restarts it"));
        }
        self.on_cpu(asked, region, made)
    }

    /// Computes a box on the workers of the run: not more of them than it may have, each with the scratch that the plan counts.
    fn on_cpu(&self, asked: &Asked<'_>, region: Region, made: &mut Vec<(Region, Made)>) -> Result<()> {
        if !self.taken_over.swap(true, Ordering::AcqRel) {
            self.notice(format!("the CPU takes over from '{}'", self.wish.name));
        }
        let host = Host { pulse: asked.host.pulse, ..Host::alone() };
        let work = || self.cpu.launch(asked.pass, &region, asked.inputs, host);
        let Launched { tiles, partials, .. } = asked.host.install(work)?;
        made.push((region, Made { tiles, partials }));
        Ok(())
    }
}

/// What is run of a tile, and for whom.
struct Asked<'a> {
    pass: &'a Pass,
    gpu: &'a GpuPass,
    inputs: &'a [InputData<'a>],
    host: Host<'a>,
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

impl Device for Gpu {
    fn launch(&self, pass: &Pass, tile: &Region, inputs: &[InputData<'_>], host: Host<'_>) -> Result<Launched> {
        let Some(gpu) = &pass.gpu else { return self.cpu.launch(pass, tile, inputs, host) };
        let inputs = &narrowed(pass, inputs)?[..];
        let asked = &Asked { pass, gpu, inputs, host };
        let grid = Grid::new(tile.shape, gpu.block);
        let mut made = Vec::new();
        for index in indices(Region::whole(grid.counts())) {
            let block = moved(&grid.region(&index), &tile.start);
            self.run_in_pieces(asked, block, &mut made)?;
        }
        let _emptying = self.spent.emptying();
        together(pass, tile, made)
    }

    fn lanes(&self, pass: &Pass) -> usize {
        pass.gpu.as_ref().map_or(0, |gpu| gpu.slots * self.seats.len())
    }

    /// The kernels of a pass on each of its devices, compiled side by side.
    fn preparations<'d>(&'d self, pass: &'d Pass) -> Vec<Preparation<'d>> {
        let of_seat = |seat: &'d Seat| {
            // What cannot be opened or written now is told by the first tile.
            let found = pass.gpu.as_ref().and_then(|gpu| {
                let opened = open::open(&self.wish, seat.which).ok()?;
                missing(&opened, pass, gpu).ok().map(|wanted| (opened, wanted))
            });
            found.into_iter().flat_map(move |(opened, all)| all.into_iter().map(move |wanted| (opened.clone(), wanted)))
        };
        let one = |(opened, wanted): (Arc<Opened>, kernels::Wanted)| -> Preparation<'d> {
            Box::new(move || match self.kernels.prepare(&opened, pass, wanted) {
                Err(error) if opened.health.trouble().is_none() => Err(error),
                _ => Ok(()),
            })
        };
        self.seats.iter().flat_map(of_seat).map(one).collect()
    }

    fn kind(&self) -> String {
        self.kind.clone()
    }

    fn rest(&self) {
        self.cpu.rest();
        let Some(cache) = &self.wish.cache else { return };
        let opened = self.seats.iter().filter_map(|seat| open::open(&self.wish, seat.which).ok());
        opened.for_each(|opened| opened.keep(&**cache));
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
