//! The functions of the formula language on strips of each lane type.
//! It does not know tapes or registers: a strip is a slice.

use crate::dtype::Lane;
use crate::expr::{Bin, Un};
use crate::simd::math;
use bytemuck::{AnyBitPattern, NoUninit};

/// A lane's type: what every function of the language does to it. Integers saturate; bool is a byte of 0 or 1.
pub trait Number: NoUninit + AnyBitPattern + PartialOrd + Copy {
    fn neg(self) -> Self;
    fn abs(self) -> Self;
    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn mul(self, b: Self) -> Self;
    fn wrap_add(self, b: Self) -> Self;
    fn wrap_sub(self, b: Self) -> Self;
    fn wrap_mul(self, b: Self) -> Self;
    fn shl(self, b: Self) -> Self;
    fn shr(self, b: Self) -> Self;
    fn div(self, b: Self) -> Self;
    fn floor_div(self, b: Self) -> Self;
    fn rem(self, b: Self) -> Self;
    fn pow(self, b: Self) -> Self;
    fn min(self, b: Self) -> Self;
    fn max(self, b: Self) -> Self;
    fn and(self, b: Self) -> Self;
    fn or(self, b: Self) -> Self;
    fn xor(self, b: Self) -> Self;
    fn not(self) -> Self;
    fn is_nan(self) -> bool;
    /// A function that only floats have; integers and bools stay what they are.
    fn float(self, un: Un) -> Self;
}

macro_rules! integer_lane {
    ($t:ty, $neg:expr, $abs:expr, $floor_div:expr, $rem:expr, $not:expr) => {
        impl Number for $t {
            #[inline(always)]
            fn neg(self) -> Self {
                $neg(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $abs(self)
            }
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                self.saturating_add(b)
            }
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                self.saturating_sub(b)
            }
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                self.saturating_mul(b)
            }
            #[inline(always)]
            fn wrap_add(self, b: Self) -> Self {
                self.wrapping_add(b)
            }
            #[inline(always)]
            fn wrap_sub(self, b: Self) -> Self {
                self.wrapping_sub(b)
            }
            #[inline(always)]
            fn wrap_mul(self, b: Self) -> Self {
                self.wrapping_mul(b)
            }
            #[inline(always)]
            fn shl(self, b: Self) -> Self {
                u32::try_from(b).ok().and_then(|n| self.checked_shl(n)).unwrap_or(0)
            }
            #[inline(always)]
            fn shr(self, b: Self) -> Self {
                let all_but_sign = self >> (<$t>::BITS - 1);
                let none = if <$t>::MIN == 0 { 0 } else { all_but_sign };
                u32::try_from(b).ok().and_then(|n| self.checked_shr(n)).unwrap_or(none)
            }
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                Number::floor_div(self, b)
            }
            #[inline(always)]
            fn floor_div(self, b: Self) -> Self {
                $floor_div(self, b)
            }
            #[inline(always)]
            fn rem(self, b: Self) -> Self {
                $rem(self, b)
            }
            #[inline(always)]
            #[allow(
                clippy::cast_sign_loss,
                clippy::cast_possible_truncation,
                reason = "exponents beyond 64 saturate every base but 0 and ±1, whose parity is kept"
            )]
            fn pow(self, b: Self) -> Self {
                integer_power(self, b)
            }
            #[inline(always)]
            fn min(self, b: Self) -> Self {
                Ord::min(self, b)
            }
            #[inline(always)]
            fn max(self, b: Self) -> Self {
                Ord::max(self, b)
            }
            #[inline(always)]
            fn and(self, b: Self) -> Self {
                self & b
            }
            #[inline(always)]
            fn or(self, b: Self) -> Self {
                self | b
            }
            #[inline(always)]
            fn xor(self, b: Self) -> Self {
                self ^ b
            }
            #[inline(always)]
            fn not(self) -> Self {
                $not(self)
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                false
            }
            #[inline(always)]
            fn float(self, _: Un) -> Self {
                self
            }
        }
    };
}

/// NumPy's floor division and remainder of signed integers; 0 where the divisor is 0.
macro_rules! signed_lane {
    ($t:ty) => {
        integer_lane!(
            $t,
            <$t>::saturating_neg,
            <$t>::saturating_abs,
            |a: $t, b: $t| match (b, a.checked_div(b)) {
                (0, _) => 0,
                (_, None) => <$t>::MAX,
                (_, Some(q)) => q - <$t>::from(a % b != 0 && (a < 0) != (b < 0)),
            },
            |a: $t, b: $t| match a.checked_rem(b) {
                None => 0,
                Some(r) =>
                    if r != 0 && (r < 0) != (b < 0) {
                        r + b
                    } else {
                        r
                    },
            },
            |a: $t| !a
        );
    };
}
signed_lane!(i32);
signed_lane!(i64);

macro_rules! unsigned_lane {
    ($t:ty, $not:expr) => {
        integer_lane!(
            $t,
            |_: $t| 0,
            |a: $t| a,
            |a: $t, b: $t| a.checked_div(b).unwrap_or(0),
            |a: $t, b: $t| a.checked_rem(b).unwrap_or(0),
            $not
        );
    };
}
unsigned_lane!(u32, |a: u32| !a);
unsigned_lane!(u64, |a: u64| !a);
unsigned_lane!(u8, |a: u8| a ^ 1);

/// What [`integer_power`] needs of an integer.
trait Power: Copy + PartialOrd {
    const ZERO: Self;
    const ONE: Self;
    fn times(self, b: Self) -> Self;
    fn halved(self) -> (Self, bool);
}

macro_rules! power {
    ($($t:ty),*) => {$(impl Power for $t {
        const ZERO: Self = 0;
        const ONE: Self = 1;
        #[inline(always)]
        fn times(self, b: Self) -> Self { self.saturating_mul(b) }
        #[inline(always)]
        fn halved(self) -> (Self, bool) { (self >> 1, self & 1 == 1) }
    })*};
}
power!(u8, i32, u32, i64, u64);

/// `base` to a whole power by squaring, saturating; a negative power of anything but 1 is 0.
fn integer_power<T: Power>(base: T, exponent: T) -> T {
    if exponent < T::ZERO {
        return if base == T::ONE { T::ONE } else { T::ZERO };
    }
    let (mut result, mut square, mut rest) = (T::ONE, base, exponent);
    while rest > T::ZERO {
        let (half, odd) = rest.halved();
        if odd {
            result = result.times(square);
        }
        square = square.times(square);
        rest = half;
    }
    result
}

macro_rules! float_lane {
    ($t:ty, $exp:path, $log:path, $pow:path, $sin:path, $cos:path) => {
        impl Number for $t {
            #[inline(always)]
            fn neg(self) -> Self {
                -self
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                self + b
            }
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                self - b
            }
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                self * b
            }
            #[inline(always)]
            fn wrap_add(self, b: Self) -> Self {
                self + b
            }
            #[inline(always)]
            fn wrap_sub(self, b: Self) -> Self {
                self - b
            }
            #[inline(always)]
            fn wrap_mul(self, b: Self) -> Self {
                self * b
            }
            #[inline(always)]
            fn shl(self, _: Self) -> Self {
                self
            }
            #[inline(always)]
            fn shr(self, _: Self) -> Self {
                self
            }
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                self / b
            }
            #[inline(always)]
            fn floor_div(self, b: Self) -> Self {
                // NumPy's: from the exact remainder, so that a rounded quotient never reaches the next whole number.
                let rest = self % b;
                let exact = (self - rest) / b - if rest != 0.0 && (rest < 0.0) != (b < 0.0) { 1.0 } else { 0.0 };
                let down = exact.floor();
                let down = if exact - down > 0.5 { down + 1.0 } else { down };
                let quotient = self / b;
                let down = if exact == 0.0 { (0.0 as $t).copysign(quotient) } else { down };
                if b == 0.0 { quotient } else { down }
            }
            #[inline(always)]
            fn rem(self, b: Self) -> Self {
                let r = self % b;
                let moved = if (r < 0.0) != (b < 0.0) { r + b } else { r };
                if r == 0.0 { r.copysign(b) } else { moved }
            }
            #[inline(always)]
            fn pow(self, b: Self) -> Self {
                $pow(self, b)
            }
            #[inline(always)]
            fn min(self, b: Self) -> Self {
                let less = if self < b || (self == b && self.is_sign_negative()) { self } else { b };
                if self.is_nan() { self } else { less }
            }
            #[inline(always)]
            fn max(self, b: Self) -> Self {
                let more = if self > b || (self == b && self.is_sign_positive()) { self } else { b };
                if self.is_nan() { self } else { more }
            }
            #[inline(always)]
            fn and(self, _: Self) -> Self {
                self
            }
            #[inline(always)]
            fn or(self, _: Self) -> Self {
                self
            }
            #[inline(always)]
            fn xor(self, _: Self) -> Self {
                self
            }
            #[inline(always)]
            fn not(self) -> Self {
                self
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                <$t>::is_nan(self)
            }
            #[inline(always)]
            fn float(self, un: Un) -> Self {
                match un {
                    Un::Sqrt => self.sqrt(),
                    Un::Exp => $exp(self),
                    Un::Log => $log(self),
                    Un::Sin => $sin(self),
                    Un::Cos => $cos(self),
                    Un::Floor => self.floor(),
                    Un::Ceil => self.ceil(),
                    Un::Rint => self.round_ties_even(),
                    Un::Neg | Un::Abs | Un::Not | Un::IsNan => self,
                }
            }
        }
    };
}
float_lane!(f32, math::exp_f32, math::log_f32, math::pow_f32, math::sin_f32, math::cos_f32);
float_lane!(f64, math::exp_f64, math::log_f64, math::pow_f64, math::sin_f64, math::cos_f64);

#[inline(always)]
fn map<T: Copy, U>(a: &[T], out: &mut [U], f: impl Fn(T) -> U) {
    for (o, a) in out.iter_mut().zip(a) {
        *o = f(*a);
    }
}

#[inline(always)]
fn zip<T: Copy, U>(a: &[T], b: &[T], out: &mut [U], f: impl Fn(T, T) -> U) {
    for ((o, a), b) in out.iter_mut().zip(a).zip(b) {
        *o = f(*a, *b);
    }
}

/// A function of one number over a strip.
#[inline(always)]
pub fn un<T: Number>(un: Un, a: &[T], out: &mut [T]) {
    match un {
        Un::Neg => map(a, out, T::neg),
        Un::Abs => map(a, out, T::abs),
        Un::Not => map(a, out, T::not),
        Un::Sqrt => map(
            a,
            out,
            #[inline(always)]
            |v| v.float(Un::Sqrt),
        ),
        Un::Exp => map(
            a,
            out,
            #[inline(always)]
            |v| v.float(Un::Exp),
        ),
        Un::Log => map(
            a,
            out,
            #[inline(always)]
            |v| v.float(Un::Log),
        ),
        Un::Sin => map(
            a,
            out,
            #[inline(always)]
            |v| v.float(Un::Sin),
        ),
        Un::Cos => map(
            a,
            out,
            #[inline(always)]
            |v| v.float(Un::Cos),
        ),
        Un::Floor => map(
            a,
            out,
            #[inline(always)]
            |v| v.float(Un::Floor),
        ),
        Un::Ceil => map(
            a,
            out,
            #[inline(always)]
            |v| v.float(Un::Ceil),
        ),
        Un::Rint => map(
            a,
            out,
            #[inline(always)]
            |v| v.float(Un::Rint),
        ),
        Un::IsNan => map(a, out, |v| v),
    }
}

/// Which elements of a strip are NaN.
#[inline(always)]
pub fn is_nan<T: Number>(a: &[T], out: &mut [u8]) {
    map(a, out, |v| u8::from(v.is_nan()));
}

/// A function of two numbers over a strip.
#[inline(always)]
pub fn bin<T: Number>(bin: Bin, a: &[T], b: &[T], out: &mut [T]) {
    match bin {
        Bin::Add => zip(a, b, out, T::add),
        Bin::Sub => zip(a, b, out, T::sub),
        Bin::Mul => zip(a, b, out, T::mul),
        Bin::WrapAdd => zip(a, b, out, T::wrap_add),
        Bin::WrapSub => zip(a, b, out, T::wrap_sub),
        Bin::WrapMul => zip(a, b, out, T::wrap_mul),
        Bin::Div => zip(a, b, out, T::div),
        Bin::FloorDiv => zip(a, b, out, T::floor_div),
        Bin::Rem => zip(a, b, out, T::rem),
        Bin::Pow => zip(a, b, out, T::pow),
        Bin::Min => zip(a, b, out, T::min),
        Bin::Max => zip(a, b, out, T::max),
        Bin::And => zip(a, b, out, T::and),
        Bin::Or => zip(a, b, out, T::or),
        Bin::Xor => zip(a, b, out, T::xor),
        Bin::Shl => zip(a, b, out, T::shl),
        Bin::Shr => zip(a, b, out, T::shr),
        Bin::Eq | Bin::Ne | Bin::Lt | Bin::Le | Bin::Gt | Bin::Ge => {}
    }
}

/// A comparison over a strip; false where either is NaN, but for `!=`.
#[inline(always)]
pub fn compare<T: Number>(bin: Bin, a: &[T], b: &[T], out: &mut [u8]) {
    match bin {
        Bin::Eq => zip(a, b, out, |a, b| u8::from(a == b)),
        Bin::Ne => zip(a, b, out, |a, b| u8::from(a != b)),
        Bin::Lt => zip(a, b, out, |a, b| u8::from(a < b)),
        Bin::Le => zip(a, b, out, |a, b| u8::from(a <= b)),
        Bin::Gt => zip(a, b, out, |a, b| u8::from(a > b)),
        _ => zip(a, b, out, |a, b| u8::from(a >= b)),
    }
}

/// Fills a strip with one value of a lane.
pub fn splat(bits: u64, lane: Lane, strip: &mut [u64]) {
    let [a, b, c, d, e, f, g, h] = bits.to_ne_bytes();
    let word = match lane {
        Lane::Bool => u64::from_ne_bytes([a; 8]),
        Lane::I32 | Lane::U32 | Lane::F32 => u64::from_ne_bytes([a, b, c, d, a, b, c, d]),
        Lane::I64 | Lane::U64 | Lane::F64 => u64::from_ne_bytes([a, b, c, d, e, f, g, h]),
    };
    strip.fill(word);
}
