//! What the threads of a device did with their time: filled it, waited for it, emptied it; seconds of all threads together.
//! It does not know what was moved.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Counts of one run.
#[derive(Debug, Default)]
pub struct Spent {
    fill: AtomicU64,
    wait: AtomicU64,
    empty: AtomicU64,
}

/// Counts from when it was made until it goes.
pub struct Counting<'s> {
    nanoseconds: &'s AtomicU64,
    since: Instant,
}

impl Spent {
    /// A value is laid out and written to where the device sees it.
    pub fn filling(&self) -> Counting<'_> {
        Counting::of(&self.fill)
    }

    /// Nothing is done until the device is.
    pub fn waiting(&self) -> Counting<'_> {
        Counting::of(&self.wait)
    }

    /// What the device made is read, and put where it belongs in a tile.
    pub fn emptying(&self) -> Counting<'_> {
        Counting::of(&self.empty)
    }

    /// Seconds of filling, waiting, emptying.
    pub fn seconds(&self) -> [f64; 3] {
        [&self.fill, &self.wait, &self.empty].map(|counted| 1e-9 * counted.load(Ordering::Relaxed) as f64)
    }
}

impl Counting<'_> {
    fn of(nanoseconds: &AtomicU64) -> Counting<'_> {
        Counting { nanoseconds, since: Instant::now() }
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        let passed = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(passed, Ordering::Relaxed);
    }
}
