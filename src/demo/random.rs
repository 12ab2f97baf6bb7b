//! Random numbers that depend on a key and a counter only, so that any pixel can be drawn alone and in any order.
//! It does not know what is drawn with them. The mixer is splitmix64 (Steele, Lea, Flood 2014).

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of splitmix64: every input bit changes each output bit with probability near one half.
#[must_use]
#[inline]
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Draw number `counter` of the stream `key`.
#[must_use]
#[inline]
pub fn draw(key: u64, counter: u64) -> u64 {
    mix(key.wrapping_add(counter.wrapping_add(1).wrapping_mul(GOLDEN)))
}

/// The key of a stream named by `name` under `seed`.
#[must_use]
pub fn stream(seed: u64, name: u64) -> u64 {
    mix(mix(seed.wrapping_add(GOLDEN)) ^ name.wrapping_mul(GOLDEN))
}

/// 64 random bits as a number in [0, 1).
#[must_use]
#[inline]
pub fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// A standard normal number from 64 random bits, the same on every machine: only sums, and one root that is exact.
///
/// The ones among 64 bits are binomial with variance 16; a triangular number of variance 1/6 fills the steps
/// between the integers linearly. Excess kurtosis is -0.03: 1248 in a million lie above 3 deviations, 1350 of a true
/// normal. The tails reach 8 deviations.
#[must_use]
#[inline]
pub fn normal(bits: u64) -> f32 {
    let steps = bits.count_ones() as f32 - 32.0;
    let more = mix(bits ^ GOLDEN);
    let scale = 1.0 / 65_536.0;
    let between = ((more & 0xFFFF) as f32 + (more >> 16 & 0xFFFF) as f32) * scale - 1.0;
    const DEVIATION: f32 = 4.020_779; // sqrt(16 + 1/6)
    (steps + between) / DEVIATION
}

/// A Poisson count of mean `mean` from 64 random bits: by inversion up to 50, by the normal limit above.
#[must_use]
#[inline]
pub fn poisson(mean: f32, bits: u64) -> f32 {
    if mean > 50.0 { (mean + mean.sqrt() * normal(bits)).round().max(0.0) } else { inverted(mean.max(0.0), unit(bits)) }
}

/// The smallest count whose distribution function exceeds `u`; the tail is cut where it is below 10^-12.
fn inverted(mean: f32, u: f64) -> f32 {
    let mean = f64::from(mean);
    let mut term = (-mean).exp();
    let (mut sum, mut count) = (term, 0.0);
    while u >= sum && count < 150.0 {
        count += 1.0;
        term *= mean / count;
        sum += term;
    }
    count as f32
}

/// A sequence of draws from one stream, for what is made once and in order.
pub struct Sequence {
    key: u64,
    next: u64,
}

impl Sequence {
    /// The stream `key` from its beginning.
    #[must_use]
    pub fn new(key: u64) -> Self {
        Sequence { key, next: 0 }
    }

    /// The next number in `[low, high)`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        self.next += 1;
        low + (high - low) * unit(draw(self.key, self.next))
    }
}
