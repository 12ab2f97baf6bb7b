//! When a device's ticks were, by the host's clock. It does not know what was done between them, nor how they come here.
//!
//! **The rule.** A device counts ticks of its own; when the count was what is never measured. Of each batch it is known when it
//! was sent and when it was seen to be done, by the host. The first batch is taken to have begun when it was sent. Every other
//! one lies where its ticks put it behind the one before, moved by the least that makes it begin no sooner than it was sent and
//! end no later than it was seen to be done. So times are off by no more than the shortest way that any batch so far had from
//! being sent to being begun, and a clock that goes fast or slow is followed. Spans keep the order that they have on the device and do
//! not overlap. A count that steps back (it ran over, the device slept) tells nothing of its batch, and the rule begins anew.

/// A span: when it began and when it ended, in seconds of the host.
pub type Span = (f64, f64);

/// What is known of a device's clock.
pub struct Clock {
    /// Seconds of a tick.
    tick: f64,
    /// A count, and when it was.
    known: Option<(u64, f64)>,
    /// When the last span ended.
    ended: f64,
}

impl Clock {
    /// Of a device whose ticks are that many seconds; nothing else is known.
    pub fn new(tick: f64) -> Clock {
        Clock { tick, known: None, ended: 0.0 }
    }

    /// The spans of a batch, from pairs of ticks in the order of the device; none where they step back. `sent` and `seen` are when
    /// the batch was sent and seen to be done. Batches come in the order in which they were sent.
    pub fn spans(&mut self, ticks: &[(u64, u64)], sent: f64, seen: f64) -> Vec<Span> {
        let Some(&(first, _)) = ticks.first() else { return Vec::new() };
        let before = self.known.map_or(first, |(tick, _)| tick);
        let ascend = ticks.iter().try_fold(before, |last, &(from, to)| (last <= from && from <= to).then_some(from)).is_some();
        let Some(last) = ticks.iter().map(|(_, to)| *to).max().filter(|_| ascend) else {
            self.known = None;
            return Vec::new();
        };
        let told = self.known.map_or(sent, |(tick, at)| at + self.seconds(first - tick));
        let begun = told.max(sent).min(seen - self.seconds(last - first));
        self.known = Some((first, begun));
        ticks
            .iter()
            .map(|&(from, to)| self.behind(begun + self.seconds(from - first), begun + self.seconds(to - first)))
            .collect()
    }

    /// A span behind the last one.
    fn behind(&mut self, from: f64, to: f64) -> Span {
        let from = from.max(self.ended);
        self.ended = to.max(from);
        (from, self.ended)
    }

    fn seconds(&self, ticks: u64) -> f64 {
        self.tick * ticks as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock of milliseconds.
    fn clock() -> Clock {
        Clock::new(1e-3)
    }

    fn assert_spans(found: &[Span], wanted: &[Span]) {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        let same = found.len() == wanted.len() && found.iter().zip(wanted).all(|(f, w)| near(f.0, w.0) && near(f.1, w.1));
        assert!(same, "{found:?}, wanted {wanted:?}");
    }

    #[test]
    fn the_first_batch_begins_when_it_was_sent_and_others_lie_behind_it() {
        let mut clock = clock();
        let ticks = 7_000_000_000_000;
        assert_spans(&clock.spans(&[(ticks, ticks + 10), (ticks + 10, ticks + 30)], 1.0, 1.1), &[(1.0, 1.01), (1.01, 1.03)]);
        // Sent long before: it waited for the one before.
        assert_spans(&clock.spans(&[(ticks + 50, ticks + 60)], 1.0, 1.2), &[(1.05, 1.06)]);
    }

    #[test]
    fn what_would_begin_before_it_was_sent_moves_the_clock_for_good() {
        let mut clock = clock();
        assert_spans(&clock.spans(&[(0, 10)], 1.0, 2.0), &[(1.0, 1.01)]);
        assert_spans(&clock.spans(&[(100, 110)], 1.3, 2.0), &[(1.3, 1.31)]);
        assert_spans(&clock.spans(&[(200, 210)], 1.3, 2.0), &[(1.4, 1.41)]);
    }

    #[test]
    fn what_would_end_after_it_was_seen_moves_the_clock_back_and_overlaps_nothing() {
        let mut clock = clock();
        assert_spans(&clock.spans(&[(0, 100)], 1.0, 2.0), &[(1.0, 1.1)]);
        assert_spans(&clock.spans(&[(100, 200)], 1.0, 1.18), &[(1.1, 1.18)]);
        assert_spans(&clock.spans(&[(200, 220)], 1.0, 2.0), &[(1.18, 1.2)]);
    }

    #[test]
    fn a_count_that_steps_back_is_not_told_and_the_next_begins_anew() {
        let mut clock = clock();
        assert_spans(&clock.spans(&[(1000, 1010)], 1.0, 2.0), &[(1.0, 1.01)]);
        assert_spans(&clock.spans(&[(3, 5)], 1.5, 2.0), &[]);
        assert_spans(&clock.spans(&[(10, 20)], 1.6, 2.0), &[(1.6, 1.61)]);
        assert_spans(&clock.spans(&[(30, 25)], 1.7, 2.0), &[]);
        assert_spans(&clock.spans(&[], 1.7, 2.0), &[]);
    }
}
