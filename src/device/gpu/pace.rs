//! How fast a device gets through its work, learned from what it did; and so how much of it is one submission.
//! It does not know what the work is: it counts rough operations.

use std::time::{Duration, Instant};

/// Seconds per operation before anything was measured: a slow integrated GPU.
const GUESS: f64 = 2e-11;

/// The pace of one device.
pub struct Pace {
    seconds: f64,
    done: Option<Instant>,
}

impl Pace {
    /// A guess.
    pub fn new() -> Pace {
        Pace { seconds: GUESS, done: None }
    }

    /// Learns from work that was sent at `sent` and is done now: the device did what was sent before it first.
    pub fn learn(&mut self, work: u64, sent: Instant) {
        let now = Instant::now();
        let began = self.done.map_or(sent, |done| done.max(sent));
        self.done = Some(now);
        if work > 0 {
            let measured = now.saturating_duration_since(began).as_secs_f64() / work as f64;
            self.seconds = 0.5 * (self.seconds + measured);
        }
    }

    /// How long work takes.
    pub fn time(&self, work: u64) -> Duration {
        Duration::try_from_secs_f64(self.seconds * work as f64).unwrap_or(Duration::MAX)
    }
}
