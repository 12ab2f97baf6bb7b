//! How much memory a run may take where nobody said, and whether the process may take what its plan says.
//! It does not plan.

use crate::error::{Error, Result, Subject, bytes_text};
use crate::os;
use crate::plan::Plan;
use crate::run::READERS;

/// The smallest default budget: below it nothing sensible fits.
const LEAST_MEMORY: u64 = 64 << 20;
/// Addresses that a thread's stack takes, whatever it touches.
const STACK: u64 = 2 << 20;

/// Half of what is available, rounded down to a power of √2, so that plans repeat.
#[must_use]
pub fn default_memory() -> u64 {
    os::available_bytes().map_or(1 << 30, budget_of)
}

/// The budget where so many bytes are available: half of them; more of few, but never all.
fn budget_of(available: u64) -> u64 {
    let half = (available / 2).max(LEAST_MEMORY.min(available / 4 * 3)).max(1);
    let power = 1u64 << half.ilog2();
    // The next power of √2 within the octave, in integers: 181/128 is √2 to four digits.
    let between = power / 128 * 181;
    if between <= half { between } else { power }
}

/// Refuses a run that a limit on the process would end in the middle.
pub(super) fn fits_the_process(plan: &Plan) -> Result<()> {
    let Some(left) = os::address_space_left() else { return Ok(()) };
    let threads = plan.machine.threads + READERS + 1;
    let needed = plan.peak_bytes() + threads as u64 * STACK;
    if needed <= left {
        return Ok(());
    }
    let (needed, left) = (bytes_text(needed), bytes_text(left));
    let what = format!("memory: the run takes {needed}, stacks of {threads} threads included; this process may take {left} more");
    Err(Error::caller(what).on(Subject::Memory).hint("raise ulimit -v, or lower --memory or --threads"))
}

#[cfg(test)]
mod tests {
    use super::budget_of;

    #[test]
    fn a_default_budget_never_takes_all() {
        for available in [1, 3 << 20, 40 << 20, 64 << 20, 100 << 20, 1 << 30, 16 << 30, u64::MAX / 2] {
            let budget = budget_of(available);
            assert!(budget <= (available / 4 * 3).max(1), "{budget} of {available}");
            assert!(budget >= available / 4, "{budget} of {available}");
        }
        assert_eq!((budget_of(16 << 30), budget_of(12 << 30), budget_of(100 << 20)), (8 << 30, (1 << 32) / 128 * 181, 64 << 20));
    }
}
