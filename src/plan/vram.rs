//! What a schedule takes of a device's memory, in plain numbers: the buffers that a device would make, and their staging.
//! It makes none; device and plan must agree on when a buffer is used again.

use super::program::Program;
use super::schedule::{Act, Batch, Laid, QUAD, Schedule};
use crate::graph::Stage;

/// Bytes by which a device notes when a block's batch worked, as its buffers take them: two of 256 spans, each two counts.
pub const CLOCK_BYTES: u64 = 2 * 256 * 2 * 8;
/// Bytes of parameters and tables of one batch, beside what grows with the tables.
const PARAMETERS: u64 = 512;

/// A pool of buffers in plain numbers: which are made, which can be used again.
#[derive(Clone, Debug, Default)]
struct Arena {
    sizes: Vec<u64>,
    free: Vec<usize>,
}

impl Arena {
    /// The number of a buffer of at least `bytes`: the smallest free one that serves, else a new one.
    fn take(&mut self, bytes: u64) -> usize {
        let bytes = size_class(bytes);
        let fits = |k: &usize| serves(self.sizes[*k], bytes);
        let best = (0..self.free.len()).filter(|f| fits(&self.free[*f])).min_by_key(|f| self.sizes[self.free[*f]]);
        if let Some(best) = best {
            return self.free.swap_remove(best);
        }
        self.sizes.push(bytes);
        self.sizes.len() - 1
    }

    /// Gives a buffer back.
    fn give(&mut self, buffer: usize) {
        self.free.push(buffer);
    }

    /// Bytes of all buffers.
    fn total(&self) -> u64 {
        self.sizes.iter().sum()
    }
}

/// Whether a free buffer serves where one of `class` bytes is wanted: of twice the size at most.
#[must_use]
pub fn serves(size: u64, class: u64) -> bool {
    size >= class && size <= 2 * class
}

/// Sizes in steps of an eighth, so that ragged blocks use the same buffers.
#[must_use]
pub fn size_class(bytes: u64) -> u64 {
    let step = (bytes.max(4096).next_power_of_two() / 16).max(256);
    bytes.max(256).next_multiple_of(step)
}

/// Bytes of the tables of one act: offsets of its window, positions of its copy.
fn table_bytes(program: &Program, act: &Act) -> u64 {
    let words = match act {
        Act::Pad { shape, .. } => shape.iter().map(|n| n.next_multiple_of(QUAD)).sum::<usize>(),
        Act::Run { step, part, .. } => match &program.steps[*step].stage {
            Stage::Line { taps, .. } => taps.len(),
            // Offsets, and weights.
            Stage::Window { window, .. } => {
                let width = |axis| window.reach(axis).0 + window.reach(axis).1 + 1;
                2 * (0..program.domain.len()).map(width).product::<usize>()
            }
            Stage::View(_) => part.shape.iter().map(|n| n.next_multiple_of(QUAD)).sum(),
            _ => 0,
        },
        Act::Fold { .. } => 0,
        _ => return 0,
    };
    words as u64 * 4 + PARAMETERS
}

/// Bytes of device memory that one block takes, staging included, and the bytes of its largest buffer: the more of what a
/// device with memory of its own takes and of what one that shares the computer's takes.
#[must_use]
pub fn vram_bytes(program: &Program, schedule: &Schedule) -> (u64, u64) {
    let largest = schedule.buffers.iter().map(Laid::bytes).max().unwrap_or(0);
    let own = Pricing::of(program, schedule, false);
    let shared = Pricing::of(program, schedule, true);
    (own.max(shared), largest)
}

/// Prices the acts of a schedule one after another.
struct Pricing<'s> {
    schedule: &'s Schedule,
    /// Whether values that come or go lie in memory that the CPU sees, in buffers of their own.
    shared: bool,
    arena: Arena,
    places: Vec<Option<usize>>,
    staging: u64,
}

impl Pricing<'_> {
    fn of(program: &Program, schedule: &Schedule, shared: bool) -> u64 {
        let places = vec![None; schedule.buffers.len()];
        let mut pricing = Pricing { schedule, shared, arena: Arena::default(), places, staging: 0 };
        for batch in &schedule.batches {
            let Batch::Gpu(acts) = batch else { continue };
            let words = size_class(acts.iter().map(|act| table_bytes(program, act)).sum::<u64>() + 2 * PARAMETERS);
            pricing.staging += if shared { words } else { 2 * words };
            acts.iter().for_each(|act| pricing.act(program, act));
        }
        pricing.arena.total() + pricing.staging + CLOCK_BYTES
    }

    fn act(&mut self, program: &Program, act: &Act) {
        let class = |value: usize| size_class(self.schedule.buffers[value].bytes());
        match act {
            Act::Upload(value) => {
                self.staging += class(*value);
                if !self.shared {
                    self.place(*value);
                }
            }
            Act::Run { step, .. } if self.shared && self.schedule.is_downloaded(program.inputs.len() + step) => {}
            Act::Run { step, .. } => self.place(program.inputs.len() + step),
            Act::Fold { .. } if self.shared => {}
            Act::Pad { buffer, .. } | Act::Fold { buffer, .. } => self.place(*buffer),
            Act::Download(value) => self.staging += class(*value),
            Act::Free(buffer) => {
                if let Some(place) = self.places[*buffer].take() {
                    self.arena.give(place);
                }
            }
        }
    }

    fn place(&mut self, buffer: usize) {
        if self.places[buffer].is_none() {
            self.places[buffer] = Some(self.arena.take(self.schedule.buffers[buffer].bytes()));
        }
    }
}
