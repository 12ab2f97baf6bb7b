//! Failures on order: tests lose a device or refuse an allocation at a step that they choose.
//! It does not know what a step does.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// What should fail, counted down; nothing by default.
#[derive(Debug)]
pub struct Faults {
    lose_in: AtomicI64,
    refuse_in: AtomicI64,
    steps: AtomicUsize,
}

impl Default for Faults {
    fn default() -> Self {
        Faults { lose_in: AtomicI64::new(-1), refuse_in: AtomicI64::new(-1), steps: AtomicUsize::new(0) }
    }
}

impl Faults {
    /// Loses the device at step `step`, counted from 0, over all blocks.
    #[must_use]
    pub fn losing_at(step: u32) -> Faults {
        Faults { lose_in: AtomicI64::new(step.into()), ..Faults::default() }
    }

    /// Refuses allocation number `allocation`, counted from 0.
    #[must_use]
    pub fn refusing_at(allocation: u32) -> Faults {
        Faults { refuse_in: AtomicI64::new(allocation.into()), ..Faults::default() }
    }

    /// How many steps there were.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps.load(Ordering::Relaxed)
    }

    /// Counts a step; whether the device is to be lost now.
    pub(super) fn loses(&self) -> bool {
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.lose_in.fetch_sub(1, Ordering::Relaxed) == 0
    }

    /// Counts an allocation; whether it is to be refused.
    pub(super) fn refuses(&self) -> bool {
        self.refuse_in.fetch_sub(1, Ordering::Relaxed) == 0
    }
}
