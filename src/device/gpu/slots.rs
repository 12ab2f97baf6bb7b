//! How many blocks may be in flight on a device.
//! It does not know what a block is.

use super::lock::lock;
use std::sync::{Condvar, Mutex, PoisonError};

struct State {
    allowed: usize,
    taken: usize,
    entered: usize,
}

/// A count that is waited for.
pub struct Slots {
    state: Mutex<State>,
    freed: Condvar,
}

/// A slot that is held; dropping it frees it.
pub struct Slot<'s>(&'s Slots);

impl Slots {
    /// That many slots.
    pub fn new(allowed: usize) -> Slots {
        Slots { state: Mutex::new(State { allowed, taken: 0, entered: 0 }), freed: Condvar::new() }
    }

    /// Waits for a slot.
    pub fn enter(&self) -> Slot<'_> {
        let mut state = lock(&self.state);
        while state.taken >= state.allowed {
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.taken += 1;
        state.entered += 1;
        Slot(self)
    }

    /// Halves the slots; false where there is only one.
    pub fn halve(&self) -> bool {
        let mut state = lock(&self.state);
        let can = state.allowed > 1;
        state.allowed = state.allowed.div_ceil(2).min(state.allowed.max(2) - 1);
        can
    }

    /// How many nobody holds.
    pub fn free(&self) -> usize {
        let state = lock(&self.state);
        state.allowed.saturating_sub(state.taken)
    }

    /// How often one was taken.
    pub fn entered(&self) -> usize {
        lock(&self.state).entered
    }

    /// How many there are.
    pub fn allowed(&self) -> usize {
        lock(&self.state).allowed
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).taken -= 1;
        self.0.freed.notify_one();
    }
}
