//! How fast a device gets through its work, learned from what it did; and so how much of it is one submission.
//! It does not know what the work is: it counts rough operations.

use std::time::{Duration, Instant};

/// Seconds of an operation before anything was measured: ten times those of a slow integrated GPU. The first blocks of a device are
/// made small by it, and what they took tells how large the next ones may be.
const UNKNOWN: f64 = 2e-10;
/// Seconds that a device takes for a kernel however little it does: no part of its pace.
const START: f64 = 1e-5;
/// What counts of earlier work when newer is learned.
const KEPT: f64 = 0.5;

/// The pace of one device: work and the seconds that it took, the older the less.
#[derive(Default)]
pub struct Pace {
    work: f64,
    seconds: f64,
    done: Option<Instant>,
}

impl Pace {
    /// Learns from kernels that took that many seconds by the device's own clock.
    pub fn learn(&mut self, work: u64, kernels: usize, seconds: f64) {
        let seconds = seconds - START * kernels as f64;
        if work > 0 && seconds > 0.0 {
            self.work = KEPT * self.work + work as f64;
            self.seconds = KEPT * self.seconds + seconds;
        }
    }

    /// The same for a device without a clock, from when its work was sent until it is seen to be done, now: what was sent before it
    /// was done first. Copies are counted in, so a device looks slower than it is.
    pub fn learn_by_host(&mut self, work: u64, kernels: usize, sent: Instant) {
        let now = Instant::now();
        let began = self.done.replace(now).map_or(sent, |done| done.max(sent));
        self.learn(work, kernels, now.saturating_duration_since(began).as_secs_f64());
    }

    /// Whether anything was measured.
    pub fn is_known(&self) -> bool {
        self.work > 0.0
    }

    /// How long work takes; more than that where nothing was measured.
    pub fn time(&self, work: u64) -> Duration {
        let pace = if self.is_known() { self.seconds / self.work } else { UNKNOWN };
        Duration::try_from_secs_f64(pace * work as f64).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_taken_to_be_slow() {
        let mut pace = Pace::default();
        let slow = pace.time(1 << 30);
        assert!(!pace.is_known() && slow > Duration::from_millis(200), "{slow:?}");
        pace.learn(1 << 30, 1, 0.01);
        assert!(pace.is_known() && pace.time(1 << 30) < Duration::from_millis(11));
    }

    #[test]
    fn small_work_after_large_work_changes_little_and_starting_a_kernel_nothing() {
        let mut pace = Pace::default();
        pace.learn(1_000_000_000, 10, 0.1);
        let before = pace.time(1_000_000_000);
        for _ in 0..20 {
            pace.learn(1_000, 10, 5e-5);
        }
        assert_eq!(pace.time(1_000_000_000), before, "ten kernels of no work");
        pace.learn(1_000, 1, 2e-5);
        let after = pace.time(1_000_000_000).as_secs_f64();
        assert!((after - before.as_secs_f64()).abs() < 0.01, "{before:?}, then {after} s");
    }

    #[test]
    fn a_device_that_becomes_slower_is_seen_at_once() {
        let mut pace = Pace::default();
        (0..50).for_each(|_| pace.learn(1_000_000_000, 1, 0.01));
        pace.learn(1_000_000_000, 1, 1.0);
        assert!(pace.time(1_000_000_000) > Duration::from_millis(300), "{:?}", pace.time(1_000_000_000));
    }
}
