//! Sums of 64-bit integers and of their squares, exact however large the integers are, and the variance that they give.
//! It does not know arrays or axes.
//!
//! A square is below 2^128 and there are less than 2^64 of them, so their sum takes 192 bits. The variance of n numbers with sum S and
//! sum of squares Q is (n Q - S²) / (n (n - ddof)): the difference is taken in 256 bits, where nothing cancels but what is equal, and
//! rounded once. Time stamps of nanoseconds differ in their last third: Q and S²/n of doubles would have no bit of that left.

use std::cmp::Ordering;

/// Bytes of a state.
pub const BYTES: usize = 48;
const LOW: u128 = u64::MAX as u128;

/// What is kept of numbers.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct WideState {
    sum: i128,
    /// The low and the high half of the sum of squares.
    squares: [u128; 2],
}

impl WideState {
    /// One number more.
    pub fn take(&mut self, v: i128) {
        self.sum += v;
        let magnitude = v.unsigned_abs();
        self.add_squares([magnitude * magnitude, 0]);
    }

    /// The numbers of another state.
    pub fn join(&mut self, other: &WideState) {
        self.sum += other.sum;
        self.add_squares(other.squares);
    }

    fn add_squares(&mut self, more: [u128; 2]) {
        let (low, carried) = self.squares[0].overflowing_add(more[0]);
        self.squares = [low, self.squares[1].wrapping_add(more[1]).wrapping_add(u128::from(carried))];
    }

    /// The variance of the `n` numbers that were taken; `ddof` is taken off `n`. None has no variance: NaN.
    pub fn variance(&self, n: u64, ddof: f64) -> f64 {
        let spread = minus(times(self.squares, n), squared(self.sum.unsigned_abs()));
        let count = n as f64;
        rounded(spread) / (count * (count - ddof).max(0.0))
    }

    /// As it is stored.
    pub fn bytes(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let words = [self.sum.to_ne_bytes(), self.squares[0].to_ne_bytes(), self.squares[1].to_ne_bytes()];
        bytes.chunks_exact_mut(16).zip(words).for_each(|(place, word)| place.copy_from_slice(&word));
        bytes
    }

    /// What is stored; zeros where there are too few bytes.
    pub fn of(bytes: &[u8]) -> WideState {
        let mut words = bytes.chunks_exact(16).map(|word| word.try_into().map_or(0, u128::from_ne_bytes));
        let mut next = || words.next().unwrap_or(0);
        WideState { sum: next().cast_signed(), squares: [next(), next()] }
    }
}

/// A number of 192 bits times one of 64: 256 bits.
fn times([low, high]: [u128; 2], by: u64) -> [u128; 2] {
    let by = u128::from(by);
    let (first, second) = ((low & LOW) * by, (low >> 64) * by);
    let (made, carried) = first.overflowing_add(second << 64);
    [made, (high.wrapping_mul(by)).wrapping_add(second >> 64).wrapping_add(u128::from(carried))]
}

fn squared(v: u128) -> [u128; 2] {
    let (low, high) = (v & LOW, v >> 64);
    // Twice the middle product may take 129 bits: it is added twice.
    let middle = low * high;
    let (once, carried) = (low * low).overflowing_add(middle << 64);
    let (made, again) = once.overflowing_add(middle << 64);
    [made, high * high + 2 * (middle >> 64) + u128::from(carried) + u128::from(again)]
}

/// The difference of two numbers of 256 bits, the first not below the second: no variance is negative.
fn minus(a: [u128; 2], b: [u128; 2]) -> [u128; 2] {
    if (a[1], a[0]).cmp(&(b[1], b[0])) == Ordering::Less {
        return [0, 0];
    }
    let (low, borrowed) = a[0].overflowing_sub(b[0]);
    [low, a[1] - b[1] - u128::from(borrowed)]
}

/// The nearest double, but for a tie that only the lowest 128 bits could break.
fn rounded([low, high]: [u128; 2]) -> f64 {
    high as f64 * 2f64.powi(128) + low as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(numbers: &[i128]) -> WideState {
        let mut state = WideState::default();
        numbers.iter().for_each(|v| state.take(*v));
        state
    }

    #[test]
    fn time_stamps_vary_by_their_last_digits() {
        let stamps: Vec<i128> = (0..100).map(|k| 1_700_000_000_000_000_000 + k * 1_000_000_000).collect();
        // The variance of 0..n is (n² - 1) / 12.
        for (ddof, wanted) in [(0.0, 833.25e18), (1.0, 8_332_500e18 / 9900.0)] {
            let found = state(&stamps).variance(100, ddof);
            assert!((found / wanted - 1.0).abs() < 4e-16, "{found}, not {wanted}");
        }
    }

    #[test]
    fn the_ends_of_the_range_do_not_wrap() {
        let (most, least) = (i128::from(u64::MAX), i128::from(i64::MIN));
        let many = vec![most; 70_000];
        assert_eq!(state(&many).variance(70_000, 0.0), 0.0);
        assert_eq!(state(&[most, most - 2]).variance(2, 0.0), 1.0);
        let halves: Vec<i128> = (0..1000).map(|k| if k % 2 == 0 { least } else { i128::from(i64::MAX) }).collect();
        assert_eq!(state(&halves).variance(1000, 0.0), 2f64.powi(126));
        assert!(state(&[]).variance(0, 0.0).is_nan() && state(&[5]).variance(1, 1.0).is_nan());
        assert!(state(&[5, 9]).variance(2, 2.0).is_infinite());
    }

    #[test]
    fn states_join_and_are_stored_whole() {
        let numbers: Vec<i128> = (0..500).map(|k| (k * 0x1234_5678_9abc_def1_i128) % (1 << 63)).collect();
        let (a, b) = numbers.split_at(123);
        let mut joined = state(a);
        joined.join(&state(b));
        assert_eq!(joined, state(&numbers));
        assert_eq!(WideState::of(&joined.bytes()), joined);
    }
}
