//! Elementary functions with fixed steps, so that every instruction set and a shader can follow them: f32 here, f64 alike.
//! It does not know slices: each function is branch-free straight-line code that a loop around it widens.
//!
//! Only `+ - * /`, integer bit operations, comparisons and selects are used; nothing is contracted. Errors are at most
//! 4 ulp over the whole range, denormals included. NaN gives NaN; infinities and signed zeros follow IEEE 754 and C99.

mod trig;

pub use trig::{cos_f32, cos_f64, sin_f32, sin_f64, tan_f32};

/// Horner's rule, the constant term first.
macro_rules! horner {
    ($x:expr; $only:expr) => { $only };
    ($x:expr; $first:expr, $($rest:expr),+) => { $first + $x * horner!($x; $($rest),+) };
}
pub(crate) use horner;

/// One width of float: its functions are the same steps with other constants.
macro_rules! elementary {
    (
        $float:ty, $bits:ty, $int:ty, mantissa $mantissa:literal, keep $keep:literal,
        exp $exp:ident, $expm1_near_0:ident, $truncate:ident, log $log:ident, pow $pow:ident, $power_of_2:ident, $scale:ident, $split:ident,
        ln2 [$ln2:expr, $ln2_high:literal, $ln2_low:literal], ln2_split [$lg_high:literal, $lg_low:literal],
        third [$cp:literal, $cp_high:literal, $cp_low:literal], largest_y $largest_y:literal,
        exp_range [$exp_low:literal, $exp_high:literal], exp2_range [$exp2_low:literal, $exp2_high:literal],
        root_half $root_half:literal,
        exp_series [$($exp_term:expr),+], log_series [$($log_term:expr),+], pow_series [$($pow_term:expr),+],
    ) => {
        const _: () = assert!(<$float>::MANTISSA_DIGITS == $mantissa + 1);

        /// 2^k of a normal exponent.
        #[inline(always)]
        fn $power_of_2(k: i32) -> $float {
            <$float>::from_bits(((k + (<$float>::MAX_EXP - 1)) as $bits) << $mantissa)
        }

        /// x · 2^k for k from twice the least to twice the largest exponent, rounded once.
        #[inline(always)]
        fn $scale(x: $float, k: i32) -> $float {
            let half = k >> 1;
            x * $power_of_2(half) * $power_of_2(k - half)
        }

        /// The whole part of a float below 2^31 in magnitude, and below the last bit of the mantissa; a saturating `as`
        /// would keep loops from being widened.
        #[inline(always)]
        fn $truncate(x: $float) -> $int {
            let exponent = (x.to_bits() >> $mantissa) & ((1 << (<$bits>::BITS - 1 - $mantissa)) - 1);
            let down = ($mantissa + <$float>::MAX_EXP as $bits - 1).wrapping_sub(exponent);
            let down = if down > $mantissa + 1 { $mantissa + 1 } else { down };
            let digits = (x.to_bits() & ((1 << $mantissa) - 1)) | (1 << $mantissa);
            let size = (digits >> (down & (<$bits>::BITS as $bits - 1))).cast_signed();
            if x < 0.0 { -size } else { size }
        }

        /// The leading half of the bits, so that a product of two such halves is exact.
        #[inline(always)]
        fn $split(x: $float) -> $float {
            <$float>::from_bits(x.to_bits() & $keep)
        }

        /// e^r - 1 for |r| ≤ ln 2 / 2 and a little more: Taylor's series.
        #[inline(always)]
        fn $expm1_near_0(r: $float) -> $float {
            r + r * r * horner!(r; $($exp_term),+)
        }

        /// e^x.
        #[inline(always)]
        #[must_use]
        pub fn $exp(x: $float) -> $float {
            let near = if x < $exp_low { $exp_low } else { x };
            let near = if near > $exp_high { $exp_high } else { near };
            let half = if near < 0.0 { -0.5 } else { 0.5 };
            let k = $truncate(near * (1.0 / $ln2) + half) as i32;
            let n = k as $float;
            let r = (near - n * $ln2_high) - n * $ln2_low;
            $scale(1.0 + $expm1_near_0(r), k)
        }

        /// ln x; -∞ for ±0, NaN below.
        #[inline(always)]
        #[must_use]
        pub fn $log(x: $float) -> $float {
            let is_small = x < <$float>::MIN_POSITIVE;
            let normal = if is_small { x * $power_of_2($mantissa + 1) } else { x };
            let shifted = normal.to_bits().wrapping_add((1.0 as $float).to_bits() - $root_half);
            let exponent = (shifted >> $mantissa) as i32 - (<$float>::MAX_EXP - 1);
            let n = (if is_small { exponent - ($mantissa + 1) } else { exponent }) as $float;
            let m = <$float>::from_bits((shifted & ((1 << $mantissa) - 1)).wrapping_add($root_half));
            let f = m - 1.0;
            let s = f / (2.0 + f);
            let z = s * s;
            let half_square = 0.5 * f * f;
            let rest = z * horner!(z; $($log_term),+);
            let log = n * $ln2_high - ((half_square - (s * (half_square + rest) + n * $ln2_low)) - f);
            let log = if x == <$float>::INFINITY { x } else { log };
            let log = if x == 0.0 { <$float>::NEG_INFINITY } else { log };
            if x >= 0.0 { log } else { <$float>::NAN }
        }

        /// x^y with all special cases of IEEE 754's `pow`: log2 x and its product by y are carried in two floats.
        #[inline(always)]
        #[must_use]
        pub fn $pow(x: $float, y: $float) -> $float {
            let ax = <$float>::from_bits(x.to_bits() & (<$bits>::MAX >> 1));
            let is_small = ax < <$float>::MIN_POSITIVE;
            let normal = if is_small { ax * $power_of_2($mantissa + 1) } else { ax };
            let shifted = normal.to_bits().wrapping_add((1.0 as $float).to_bits() - $root_half);
            let exponent = (shifted >> $mantissa) as i32 - (<$float>::MAX_EXP - 1);
            let n = (if is_small { exponent - ($mantissa + 1) } else { exponent }) as $float;
            let f = <$float>::from_bits((shifted & ((1 << $mantissa) - 1)).wrapping_add($root_half)) - 1.0;

            // log2 x = n + 2 / (3 ln 2) · s · (3 + s² + rest), s = f / (2 + f), in high and low parts.
            let sum = 2.0 + f;
            let s = f / sum;
            let (s_high, sum_high) = ($split(s), $split(sum));
            let s_low = ((f - s_high * sum_high) - s_high * (f - (sum_high - 2.0))) / sum;
            let square = s * s;
            let rest = square * square * horner!(square; $($pow_term),+) + s_low * (s_high + s);
            let square = s_high * s_high;
            let t_high = $split(3.0 + square + rest);
            let t_low = rest - ((t_high - 3.0) - square);
            let (u, v) = (s_high * t_high, s_low * t_high + t_low * s);
            let p_high = $split(u + v);
            let p_low = v - (p_high - u);
            let (z_high, z_low) = ($cp_high * p_high, $cp_low * p_high + p_low * $cp);
            let log_high = $split((z_high + z_low) + n);
            let log_low = z_low - ((log_high - n) - z_high);

            // 2^(y log2 x)
            let near = if y > $largest_y { $largest_y } else { y };
            let near = if near < -$largest_y { -$largest_y } else { near };
            let y_high = $split(near);
            let (p_high, p_low) = (y_high * log_high, (near - y_high) * log_high + near * log_low);
            let z = p_high + p_low;
            let inside = if z < $exp2_low { $exp2_low } else { z };
            let inside = if inside > $exp2_high { $exp2_high } else { inside };
            let k = $truncate(inside + if inside < 0.0 { -0.5 } else { 0.5 }) as i32;
            let t = p_high - k as $float;
            let t_high = $split(p_low + t);
            let (u, v) = (t_high * $lg_high, (p_low - (t_high - t)) * $ln2 + t_high * $lg_low);
            let w = u + v;
            let error = v - (w - u);
            let power = $scale(1.0 + ($expm1_near_0(w) + (error + error * w)), k);
            let power = if z >= $exp2_high { <$float>::INFINITY } else { power };
            let power = if z <= $exp2_low { 0.0 } else { power };

            // The special cases, the strongest last.
            let (vanishes, explodes) = (ax == 0.0, ax == <$float>::INFINITY);
            let power = if (vanishes & (y > 0.0)) | (explodes & (y < 0.0)) { 0.0 } else { power };
            let power = if (vanishes & (y < 0.0)) | (explodes & (y > 0.0)) { <$float>::INFINITY } else { power };
            let ay = <$float>::from_bits(y.to_bits() & (<$bits>::MAX >> 1));
            let is_even = ay >= $power_of_2($mantissa + 1);
            let whole = $truncate(if is_even { 0.0 } else { ay });
            let is_whole = is_even | (whole as $float == ay);
            let is_odd = !is_even & is_whole & (whole & 1 == 1);
            let is_negative = x.to_bits() >> (<$bits>::BITS - 1) == 1;
            let power = if is_negative & is_odd { -power } else { power };
            let power = if (x < 0.0) & !explodes & !is_whole { <$float>::NAN } else { power };
            let power = if x.is_nan() | y.is_nan() { <$float>::NAN } else { power };
            if (y == 0.0) | (x == 1.0) { 1.0 } else { power }
        }
    };
}

elementary! {
    f32, u32, i32, mantissa 23, keep 0xffff_f000,
    exp exp_f32, expm1_near_0_f32, truncate_f32, log log_f32, pow pow_f32, power_of_2_f32, scale_f32, split_f32,
    ln2 [std::f32::consts::LN_2, 0.693_115_25, 3.194_618_4e-5], ln2_split [0.693_115_25, 3.194_618_4e-5],
    third [0.961_796_7, 0.961_669_9, 1.267_720_5e-4], largest_y 4_294_967_296.0,
    exp_range [-105.0, 90.0], exp2_range [-152.0, 129.0],
    root_half 0x3f35_04f3,
    exp_series [0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0],
    log_series [2.0 / 3.0, 2.0 / 5.0, 2.0 / 7.0, 2.0 / 9.0],
    pow_series [3.0 / 5.0, 3.0 / 7.0, 3.0 / 9.0, 3.0 / 11.0, 3.0 / 13.0, 3.0 / 15.0],
}

elementary! {
    f64, u64, i64, mantissa 52, keep 0xffff_ffff_f800_0000,
    exp exp_f64, expm1_near_0_f64, truncate_f64, log log_f64, pow pow_f64, power_of_2_f64, scale_f64, split_f64,
    ln2 [std::f64::consts::LN_2, 0.693_147_180_485_539_1, 7.440_617_110_012_397e-11],
    ln2_split [0.693_147_167_563_438_4, 1.299_650_689_388_988_9e-8],
    third [0.961_796_693_925_975_6, 0.961_796_686_053_276_1, 7.872_699_542_894_897e-9],
    largest_y 18_446_744_073_709_551_616.0,
    exp_range [-746.0, 711.0], exp2_range [-1077.0, 1025.0],
    root_half 0x3fe6_a09e_667f_3bcd,
    exp_series [
        0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0, 1.0 / 40_320.0, 1.0 / 362_880.0,
        1.0 / 3_628_800.0, 1.0 / 39_916_800.0, 1.0 / 479_001_600.0, 1.0 / 6_227_020_800.0
    ],
    log_series [
        2.0 / 3.0, 2.0 / 5.0, 2.0 / 7.0, 2.0 / 9.0, 2.0 / 11.0, 2.0 / 13.0, 2.0 / 15.0, 2.0 / 17.0, 2.0 / 19.0, 2.0 / 21.0
    ],
    pow_series [
        3.0 / 5.0, 3.0 / 7.0, 3.0 / 9.0, 3.0 / 11.0, 3.0 / 13.0, 3.0 / 15.0, 3.0 / 17.0, 3.0 / 19.0, 3.0 / 21.0,
        3.0 / 23.0, 3.0 / 25.0
    ],
}

/// Hyperbolic tangent: t / (t + 2) with t = e^(2|x|) - 1.
#[inline(always)]
#[must_use]
pub fn tanh_f32(x: f32) -> f32 {
    let sign = x.to_bits() & 0x8000_0000;
    let ax = f32::from_bits(x.to_bits() & 0x7fff_ffff);
    let near = if ax > 10.0 { 10.0 } else { ax };
    let double = 2.0 * near;
    let k = truncate_f32(double * std::f32::consts::LOG2_E + 0.5);
    let n = k as f32;
    let r = (double - n * 0.693_115_25) - n * 3.194_618_4e-5;
    let power = power_of_2_f32(k);
    let t = power * expm1_near_0_f32(r) + (power - 1.0);
    f32::from_bits((t / (t + 2.0)).to_bits() | sign)
}
