//! Sine, cosine and tangent: the argument is reduced in integers (Payne and Hanek), exactly for every finite float.
//! It does not know the other functions; above π/4 one path serves all arguments, below it the argument stands.

use super::horner;

/// 2/π as a binary fraction after a word of zeros, as far as f32's largest exponent needs it.
const TWO_OVER_PI: [u32; 8] = [0, 0xa2f9_836e, 0x4e44_1529, 0xfc27_57d1, 0xf534_ddc0, 0xdb62_9599, 0x3c43_9041, 0xfe51_63ab];

/// π/2 as its leading 12 bits and the rest.
const HALF_PI: [f32; 2] = [1.570_312_5, 4.838_268e-4];

/// Where |x| lies: quarter turn 0 to 3, and the rest in [-π/4, π/4] as a sum of two floats.
#[inline(always)]
fn reduce_f32(ax: f32) -> (u32, f32, f32) {
    let bits = ax.to_bits();
    let mantissa = u64::from((bits & 0x007f_ffff) | 0x0080_0000);
    // The first bit of 2/π whose product with the mantissa is no whole number of turns.
    let exponent = bits >> 23;
    let place = if exponent < 126 { 6 } else { exponent - 120 };
    let (word, shift) = (place >> 5, place & 31);
    let pick = |k: usize| {
        let w = if word >= 1 { TWO_OVER_PI[k + 1] } else { TWO_OVER_PI[k] };
        let w = if word >= 2 { TWO_OVER_PI[k + 2] } else { w };
        let w = if word >= 3 { TWO_OVER_PI[k + 3] } else { w };
        u64::from(if word >= 4 { TWO_OVER_PI[k + 4] } else { w })
    };
    let (a, b, c, d) = (pick(0), pick(1), pick(2), pick(3));
    let join = |high: u64, low: u64| u64::from((((high << 32) | low) << shift >> 32) as u32);
    let product = ((mantissa * join(a, b)) << 32).wrapping_add(mantissa * join(b, c)).wrapping_add((mantissa * join(c, d)) >> 32);
    // `product` counts 2^-62 quarter turns, modulo 4.
    let rounded = product.wrapping_add(1 << 61);
    let fraction = (rounded & ((1 << 62) - 1)).cast_signed() - (1 << 61);
    let high = ((fraction >> 42) as i32) as f32 * (1.0 / (1u64 << 20) as f32);
    let middle = ((fraction >> 21) as i32 & 0x001f_ffff) as f32 * (1.0 / (1u64 << 41) as f32);
    let low = (fraction as i32 & 0x001f_ffff) as f32 * (1.0 / (1u64 << 62) as f32);
    let turn = high + middle;
    let turn_rest = ((high - turn) + middle) + low;
    let t = f32::from_bits(turn.to_bits() & 0xffff_f000);
    let t_rest = turn - t;
    let r = turn * std::f32::consts::FRAC_PI_2;
    let product_rest = (t * HALF_PI[0] - r) + t_rest * HALF_PI[0] + turn * HALF_PI[1];
    let r_low = product_rest + turn_rest * std::f32::consts::FRAC_PI_2;
    if ax < std::f32::consts::FRAC_PI_4 { (0, ax, 0.0) } else { ((rounded >> 62) as u32, r, r_low) }
}

/// The sine and cosine of a sum of two floats in [-π/4, π/4]: Taylor's series.
#[inline(always)]
fn sin_cos_near_0_f32(r: f32, low: f32) -> (f32, f32) {
    let z = r * r;
    let series = horner!(z; -1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0, 1.0 / 362_880.0);
    let sin = r + (r * z * series + low * (1.0 - 0.5 * z));
    let series = horner!(z; 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40_320.0, -1.0 / 3_628_800.0);
    let head = 1.0 - 0.5 * z;
    let cos = head + (((1.0 - head) - 0.5 * z) + (z * z * series - r * low));
    (sin, cos)
}

#[inline(always)]
fn magnitude_f32(x: f32) -> f32 {
    f32::from_bits(x.to_bits() & 0x7fff_ffff)
}

/// sin x, x in radians; NaN for ±∞.
#[inline(always)]
#[must_use]
pub fn sin_f32(x: f32) -> f32 {
    let ax = magnitude_f32(x);
    let (quarter, r, low) = reduce_f32(ax);
    let (sin, cos) = sin_cos_near_0_f32(r, low);
    let value = if quarter & 1 == 0 { sin } else { cos };
    let sign = ((quarter & 2) << 30) ^ (x.to_bits() & 0x8000_0000);
    if ax < f32::INFINITY { f32::from_bits(value.to_bits() ^ sign) } else { f32::NAN }
}

/// cos x, x in radians; NaN for ±∞.
#[inline(always)]
#[must_use]
pub fn cos_f32(x: f32) -> f32 {
    let ax = magnitude_f32(x);
    let (quarter, r, low) = reduce_f32(ax);
    let (sin, cos) = sin_cos_near_0_f32(r, low);
    let value = if quarter & 1 == 0 { cos } else { sin };
    let sign = ((quarter + 1) & 2) << 30;
    if ax < f32::INFINITY { f32::from_bits(value.to_bits() ^ sign) } else { f32::NAN }
}

/// tan x, x in radians; NaN for ±∞.
#[inline(always)]
#[must_use]
pub fn tan_f32(x: f32) -> f32 {
    let ax = magnitude_f32(x);
    let (quarter, r, low) = reduce_f32(ax);
    let (sin, cos) = sin_cos_near_0_f32(r, low);
    let value = if quarter & 1 == 0 { sin / cos } else { -cos / sin };
    let value = f32::from_bits(value.to_bits() ^ (x.to_bits() & 0x8000_0000));
    if ax < f32::INFINITY { value } else { f32::NAN }
}

/// 2/π as a binary fraction after a word of zeros, as far as f64's largest exponent needs it. No shader has f64, so that
/// here a table and 128-bit integers are allowed; loops over the f64 functions are not widened.
const TWO_OVER_PI_LONG: [u64; 20] = [
    0,
    0xa2f9_836e_4e44_1529,
    0xfc27_57d1_f534_ddc0,
    0xdb62_9599_3c43_9041,
    0xfe51_63ab_debb_c561,
    0xb724_6e3a_424d_d2e0,
    0x0649_2eea_09d1_921c,
    0xfe1d_eb1c_b129_a73e,
    0xe882_35f5_2ebb_4484,
    0xe99c_7026_b45f_7e41,
    0x3991_d639_8353_39f4,
    0x9c84_5f8b_bdf9_283b,
    0x1ff8_97ff_de05_980f,
    0xef2f_118b_5a0a_6d1f,
    0x6d36_7ecf_27cb_09b7,
    0x4f46_3f66_9e5f_ea2d,
    0x7527_bac7_ebe5_f17b,
    0x3d07_39f7_8a52_92ea,
    0x6bfb_5fb1_1f8d_5d08,
    0x5603_3046_fc7b_6bab,
];

/// π/2 as its leading 26 bits, the rest of the double, and what the double leaves.
const HALF_PI_LONG: [f64; 3] = [1.570_796_310_901_641_8, 1.589_325_477_352_819_6e-8, 6.123_233_995_736_766e-17];

/// As [`reduce_f32`], with twice as many bits.
#[inline(always)]
fn reduce_f64(ax: f64) -> (u32, f64, f64) {
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};
    if ax < FRAC_PI_4 {
        return (0, ax, 0.0);
    }
    let bits = ax.to_bits();
    let mantissa = u128::from((bits & ((1 << 52) - 1)) | (1 << 52));
    let place = ((bits >> 52) as usize).clamp(1022, 2046) - 1013;
    let (word, shift) = (place >> 6, place & 63);
    let join = |k: usize| {
        let (high, low) = (TWO_OVER_PI_LONG[word + k], TWO_OVER_PI_LONG[word + k + 1]);
        (((u128::from(high) << 64) | u128::from(low)) << shift) >> 64
    };
    let product = ((mantissa * join(0)) << 64).wrapping_add(mantissa * join(1)).wrapping_add((mantissa * join(2)) >> 64);
    let rounded = product.wrapping_add(1 << 125);
    let fraction = (rounded & ((1 << 126) - 1)).cast_signed() - (1 << 125);
    let unit = 1.0 / (1u128 << 126) as f64;
    let turn = fraction as f64;
    let turn_rest = (fraction - turn as i128) as f64 * unit;
    let turn = turn * unit;
    let t = f64::from_bits(turn.to_bits() & 0xffff_ffff_f800_0000);
    let t_rest = turn - t;
    let r = turn * FRAC_PI_2;
    let product_rest = (t * HALF_PI_LONG[0] - r) + t_rest * HALF_PI_LONG[0] + turn * HALF_PI_LONG[1];
    let r_low = product_rest + (turn_rest * FRAC_PI_2 + turn * HALF_PI_LONG[2]);
    ((rounded >> 126) as u32, r, r_low)
}

#[inline(always)]
fn sin_cos_near_0_f64(r: f64, low: f64) -> (f64, f64) {
    let z = r * r;
    let series = horner!(
        z; -1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0, 1.0 / 362_880.0, -1.0 / 39_916_800.0, 1.0 / 6_227_020_800.0,
        -1.0 / 1_307_674_368_000.0, 1.0 / 355_687_428_096_000.0
    );
    let sin = r + (r * z * series + low * (1.0 - 0.5 * z));
    let series = horner!(
        z; 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40_320.0, -1.0 / 3_628_800.0, 1.0 / 479_001_600.0, -1.0 / 87_178_291_200.0,
        1.0 / 20_922_789_888_000.0
    );
    let head = 1.0 - 0.5 * z;
    let cos = head + (((1.0 - head) - 0.5 * z) + (z * z * series - r * low));
    (sin, cos)
}

/// sin x, x in radians; NaN for ±∞.
#[inline(always)]
#[must_use]
pub fn sin_f64(x: f64) -> f64 {
    let (quarter, r, low) = reduce_f64(x.abs());
    let (sin, cos) = sin_cos_near_0_f64(r, low);
    let value = if quarter & 1 == 0 { sin } else { cos };
    let value = if (quarter & 2 != 0) == (x.to_bits() >> 63 == 1) { value } else { -value };
    if x.abs() < f64::INFINITY { value } else { f64::NAN }
}

/// cos x, x in radians; NaN for ±∞.
#[inline(always)]
#[must_use]
pub fn cos_f64(x: f64) -> f64 {
    let (quarter, r, low) = reduce_f64(x.abs());
    let (sin, cos) = sin_cos_near_0_f64(r, low);
    let value = if quarter & 1 == 0 { cos } else { sin };
    let value = if (quarter + 1) & 2 == 0 { value } else { -value };
    if x.abs() < f64::INFINITY { value } else { f64::NAN }
}
