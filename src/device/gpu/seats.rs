//! The adapters of a run: each has its own buffers, its own blocks in flight, its own losses.
//! It does not know what a block is.

use super::memory::Pool;
use super::open::Opened;
use super::slots::{Slot, Slots};
use super::timing::Timings;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Losses of an adapter's device in one run after which it is given up.
pub const MOST_LOSSES: usize = 3;

/// One adapter in one run.
pub struct Seat {
    /// Which of the adapters that are meant, from 0.
    pub which: usize,
    /// Its buffers.
    pub pool: Pool,
    /// Its blocks in flight.
    pub slots: Slots,
    /// When its device worked, where it has a clock.
    pub timings: Option<Timings>,
    losses: AtomicUsize,
}

impl Seat {
    /// A seat with that many slots; when its device worked is told where that is asked for.
    pub fn new(which: usize, vram: u64, slots: usize, timed: bool, opened: &Opened) -> Seat {
        let timings = opened.ticks.map(|_| Timings::new(which, timed, opened));
        let (pool, slots) = (Pool::new(vram, opened), Slots::new(slots.max(1)));
        Seat { which, pool, slots, timings, losses: AtomicUsize::new(0) }
    }

    /// Whether its device was lost too often.
    pub fn is_given_up(&self) -> bool {
        self.losses.load(Ordering::Acquire) >= MOST_LOSSES
    }

    /// Counts a loss; which one it is.
    pub fn lose(&self) -> usize {
        self.pool.clear();
        self.losses.fetch_add(1, Ordering::AcqRel) + 1
    }
}

/// The seat that is freest, with a slot of it; none where all are given up. Waits for a slot where none is free.
pub fn enter(seats: &[Seat]) -> Option<(&Seat, Slot<'_>)> {
    let seat = seats.iter().filter(|seat| !seat.is_given_up()).max_by_key(|seat| (seat.slots.free(), usize::MAX - seat.which))?;
    Some((seat, seat.slots.enter()))
}
