//! Failures on order: tests lose a device or refuse an allocation at a step that they choose.
//! It does not know what a step does.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// What should fail, counted down; nothing by default.
#[derive(Debug)]
pub struct Faults {
    lose_in: AtomicI64,
    refuse_in: AtomicI64,
    hang_in: AtomicI64,
    loses_again: bool,
    steps: AtomicUsize,
}

impl Default for Faults {
    fn default() -> Self {
        let never = || AtomicI64::new(-1);
        Faults { lose_in: never(), refuse_in: never(), hang_in: never(), loses_again: false, steps: AtomicUsize::new(0) }
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

    /// Loses every device from step `step` on, counted from 0.
    #[must_use]
    pub fn losing_from(step: u32) -> Faults {
        Faults { loses_again: true, ..Faults::losing_at(step) }
    }

    /// From wait number `wait` on, counted from 0, a device never answers.
    #[must_use]
    pub fn hanging_at(wait: u32) -> Faults {
        Faults { hang_in: AtomicI64::new(wait.into()), ..Faults::default() }
    }

    /// How many steps there were.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps.load(Ordering::Relaxed)
    }

    /// Counts a step; whether the device is to be lost now.
    pub(super) fn loses(&self) -> bool {
        self.steps.fetch_add(1, Ordering::Relaxed);
        let left = self.lose_in.load(Ordering::Relaxed);
        if left < 0 {
            return false;
        }
        // Once it is time, it stays time where devices are lost again and again.
        if left > 0 || !self.loses_again {
            return self.lose_in.fetch_sub(1, Ordering::Relaxed) == 0;
        }
        true
    }

    /// Counts a wait; whether the device hangs from now on.
    pub(super) fn hangs(&self) -> bool {
        match self.hang_in.load(Ordering::Relaxed) {
            0 => true,
            left if left < 0 => false,
            _ => {
                self.hang_in.fetch_sub(1, Ordering::Relaxed);
                false
            }
        }
    }

    /// Counts an allocation; whether it is to be refused.
    pub(super) fn refuses(&self) -> bool {
        self.refuse_in.fetch_sub(1, Ordering::Relaxed) == 0
    }
}
