//! A lock that a panicked holder does not poison: what it guards here is caches and counts.
//! It does not know what it guards.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The guarded value.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
