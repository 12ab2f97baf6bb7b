//! What a device must do before the first tile of a pass, done by the workers while the run tells how far they are: a kernel that is
//! compiled inside the stream stops all of it. It does not know what is prepared.

use super::event::Progress;
use super::lanes::guarded;
use super::threads::Told;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::plan::Pass;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What became of the preparations that are done.
#[derive(Default)]
struct State {
    done: usize,
    failed: Option<Error>,
}

/// Prepares a pass: how many preparations there were, and the seconds that they took.
///
/// # Errors
/// One that failed, or the observer's; those under way are waited for.
pub(super) fn prepare(
    device: &dyn Device,
    pass: &Pass,
    pool: &rayon::ThreadPool,
    told: Told<'_>,
    tick: Duration,
) -> Result<(usize, f64)> {
    let all = device.preparations(pass);
    let (count, begun) = (all.len(), Instant::now());
    if count == 0 {
        return Ok((0, 0.0));
    }
    let (state, changed) = (&Mutex::new(State::default()), &Condvar::new());
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    pool.in_place_scope(|workers| {
        for one in all {
            workers.spawn(move |_| {
                let failed = guarded("a preparation", one).err();
                let mut state = lock();
                state.done += 1;
                state.failed = state.failed.take().or(failed);
                changed.notify_one();
            });
        }
        let mut heard = 0;
        loop {
            (told.observe)(&Progress::preparing((heard, count), pass, told))?;
            let waited = changed.wait_timeout_while(lock(), tick, |state| state.done == heard);
            let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
            heard = state.done;
            match state.failed.take() {
                Some(error) => return Err(error),
                None if heard == count => return Ok((count, begun.elapsed().as_secs_f64())),
                None => {}
            }
        }
    })
}
