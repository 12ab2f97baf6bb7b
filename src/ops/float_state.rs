//! Sums of floats that do not depend on the order they are made in: an exact accumulator and double-doubles.
//! It does not know arrays; it adds numbers.
//!
//! The accumulator is a fixed-point number over the whole range of products of two f64 (Kulisch's long accumulator),
//! in 32-bit digits held in i64, so that carries wait until a join normalises them.

/// The weight of digit 0 is `2^-LOWEST`: below the smallest product of two denormals.
const LOWEST: i32 = 2176;
/// Digits up to `2^(32 * DIGITS - LOWEST)`: above the largest product times 2^32 terms.
const DIGITS: usize = 136;
/// After the digits: how many NaN, +inf and -inf were added.
const SPECIALS: usize = 3;
/// i64 words of one accumulator.
pub const WORDS: usize = DIGITS + SPECIALS;

/// Adds one number exactly. Up to 2^31 additions between two calls of [`normalize`].
pub fn add(words: &mut [i64], v: f64) {
    if !v.is_finite() {
        let kind = if v.is_nan() { 0 } else { 1 + usize::from(v < 0.0) };
        words[DIGITS + kind] += 1;
        return;
    }
    let bits = v.to_bits();
    let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, power) = if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    let place = (power + LOWEST).unsigned_abs() as usize;
    let wide = u128::from(mantissa) << (place % 32);
    for k in 0..3 {
        let digit = i64::try_from((wide >> (32 * k)) & 0xffff_ffff).unwrap_or(0);
        words[place / 32 + k] += if v < 0.0 { -digit } else { digit };
    }
}

/// Carries, so that every digit but the highest lies in `0..2^32`.
pub fn normalize(words: &mut [i64]) {
    let mut carry = 0;
    for digit in words.iter_mut().take(DIGITS - 1) {
        let sum = *digit + carry;
        *digit = sum & 0xffff_ffff;
        carry = sum >> 32;
    }
    words[DIGITS - 1] += carry;
}

/// The sum as a double-double: the nearest f64 and what is left.
pub fn value(words: &[i64]) -> Double {
    let [nan, up, down] = [words[DIGITS], words[DIGITS + 1], words[DIGITS + 2]];
    match (nan > 0 || up > 0 && down > 0, up > 0, down > 0) {
        (true, _, _) => return Double::of(f64::NAN),
        (_, true, _) => return Double::of(f64::INFINITY),
        (_, _, true) => return Double::of(f64::NEG_INFINITY),
        _ => {}
    }
    let mut digits = words[..DIGITS].to_vec();
    normalize(&mut digits);
    let negative = digits[DIGITS - 1] < 0;
    if negative {
        digits.iter_mut().for_each(|d| *d = -*d);
        normalize(&mut digits);
    }
    let mut sum = Double::of(0.0);
    for (k, digit) in digits.iter().enumerate().rev().filter(|(_, d)| **d != 0).take(5) {
        let power = 32 * i32::try_from(k).unwrap_or(0) - LOWEST;
        sum = sum.plus(Double::of(scaled(*digit as f64, power)));
    }
    if negative { Double { high: -sum.high, low: -sum.low } } else { sum }
}

/// `v * 2^power` in two steps, so that neither factor leaves the range of f64.
fn scaled(v: f64, power: i32) -> f64 {
    let half = power / 2;
    v * 2f64.powi(half) * 2f64.powi(power - half)
}

/// An unevaluated sum of two f64: about 106 bits.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Double {
    pub high: f64,
    pub low: f64,
}

impl Double {
    /// One f64.
    pub fn of(v: f64) -> Double {
        Double { high: v, low: 0.0 }
    }

    /// The exact sum of two f64 (Knuth's two-sum).
    fn sum(a: f64, b: f64) -> Double {
        let high = a + b;
        let b_part = high - a;
        Double { high, low: (a - (high - b_part)) + (b - b_part) }
    }

    /// The exact product of two f64 (Dekker's, with Veltkamp's split).
    pub fn product(a: f64, b: f64) -> Double {
        let split = |v: f64| {
            let c = 134_217_729.0 * v;
            let high = c - (c - v);
            (high, v - high)
        };
        let high = a * b;
        let ((ah, al), (bh, bl)) = (split(a), split(b));
        let low = ((ah * bh - high) + ah * bl + al * bh) + al * bl;
        Double { high, low: if low.is_finite() { low } else { 0.0 } }
    }

    /// A sum, to about 104 bits.
    pub fn plus(self, other: Double) -> Double {
        let s = Double::sum(self.high, other.high);
        if !s.high.is_finite() {
            return Double::of(s.high);
        }
        let t = Double::sum(self.low, other.low);
        let s = Double::sum(s.high, s.low + t.high);
        Double::sum(s.high, s.low + t.low)
    }

    /// A product, to about 102 bits.
    pub fn times(self, other: Double) -> Double {
        let p = Double::product(self.high, other.high);
        let cross = self.high * other.low + self.low * other.high;
        if cross.is_finite() { Double::sum(p.high, p.low + cross) } else { p }
    }

    /// The quotient by a number, to about 100 bits.
    pub fn over(self, divisor: f64) -> Double {
        let first = self.high / divisor;
        let back = Double::product(first, divisor);
        let rest = (self.high - back.high) - back.low + self.low;
        if first.is_finite() { Double::sum(first, rest / divisor) } else { Double::of(first) }
    }

    /// The negative.
    pub fn negated(self) -> Double {
        Double { high: -self.high, low: -self.low }
    }
}

/// The variance of `n` numbers from their sum and their sum of squares; `ddof` is taken off `n`.
pub fn variance(sum: Double, squares: Double, n: f64, ddof: f64) -> f64 {
    let mean_square = sum.times(sum).over(n);
    let spread = squares.plus(mean_square.negated());
    let spread = spread.high + spread.low;
    let positive = if spread < 0.0 { 0.0 } else { spread };
    positive / (n - ddof).max(0.0)
}
