//! The twelve dtypes, the one promotion table and the one place for casts.
//! It does not know arrays: a buffer here is bytes and a dtype.

use crate::error::{Error, Result, unknown};
use half::f16;
use std::fmt;

/// The type of one element.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Dtype {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    F32,
    F64,
}

impl Dtype {
    /// All dtypes, in the order of the tables.
    pub const ALL: [Dtype; 12] = [
        Dtype::Bool,
        Dtype::U8,
        Dtype::I8,
        Dtype::U16,
        Dtype::I16,
        Dtype::U32,
        Dtype::I32,
        Dtype::U64,
        Dtype::I64,
        Dtype::F16,
        Dtype::F32,
        Dtype::F64,
    ];

    /// Bytes of one element.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Dtype::Bool | Dtype::U8 | Dtype::I8 => 1,
            Dtype::U16 | Dtype::I16 | Dtype::F16 => 2,
            Dtype::U32 | Dtype::I32 | Dtype::F32 => 4,
            Dtype::U64 | Dtype::I64 | Dtype::F64 => 8,
        }
    }

    /// NumPy's name without the width's spelling: `u16`, `f32`, `bool`.
    #[must_use]
    pub fn name(self) -> &'static str {
        ["bool", "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f16", "f32", "f64"][self as usize]
    }

    /// NumPy's long name: `uint16`, `float32`, `bool`.
    #[must_use]
    pub fn numpy_name(self) -> &'static str {
        const NAMES: [&str; 12] =
            ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"];
        NAMES[self as usize]
    }

    /// The dtype of this name, short (`u16`) or NumPy's (`uint16`).
    ///
    /// # Errors
    /// A name that is neither.
    pub fn parse(name: &str) -> Result<Dtype> {
        let found = Dtype::ALL.into_iter().find(|d| d.name() == name || d.numpy_name() == name);
        found.ok_or_else(|| unknown("dtype", name, Dtype::ALL.iter().map(|d| d.name())))
    }

    /// f16, f32 or f64.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Dtype::F16 | Dtype::F32 | Dtype::F64)
    }

    /// An integer, not bool.
    #[must_use]
    pub fn is_int(self) -> bool {
        !self.is_float() && self != Dtype::Bool
    }

    /// A signed integer or a float.
    #[must_use]
    pub fn is_signed(self) -> bool {
        matches!(self, Dtype::I8 | Dtype::I16 | Dtype::I32 | Dtype::I64) || self.is_float()
    }

    /// Bool or an integer of at most 16 bits: every value is exact in 32-bit lanes, integer or float.
    #[must_use]
    pub fn is_small_int(self) -> bool {
        self.size() <= 2 && self != Dtype::F16
    }

    /// The smallest and largest value of an integer or bool; infinities for floats.
    #[must_use]
    pub fn limits(self) -> (i128, i128) {
        match self {
            Dtype::Bool => (0, 1),
            Dtype::F16 | Dtype::F32 | Dtype::F64 => (i128::MIN, i128::MAX),
            _ => {
                let bits = 8 * self.size();
                if self.is_signed() { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) }
            }
        }
    }

    /// Whether an integer value is one of this integer dtype, or any value for a float.
    #[must_use]
    pub fn holds(self, value: i128) -> bool {
        let (low, high) = self.limits();
        (low..=high).contains(&value)
    }

    /// The float in which smoothing and derivatives of this dtype work: f32 where that is exact for the input
    /// (up to 16-bit integers, f16, f32), else f64.
    #[must_use]
    pub fn float(self) -> Dtype {
        if self.size() <= 2 || self == Dtype::F32 { Dtype::F32 } else { Dtype::F64 }
    }

    /// The lane in which one element is held while it is computed with.
    #[must_use]
    pub fn lane(self) -> Lane {
        match self {
            Dtype::Bool => Lane::Bool,
            Dtype::U8 | Dtype::I8 | Dtype::U16 | Dtype::I16 | Dtype::I32 => Lane::I32,
            Dtype::U32 => Lane::U32,
            Dtype::U64 => Lane::U64,
            Dtype::I64 => Lane::I64,
            Dtype::F16 | Dtype::F32 => Lane::F32,
            Dtype::F64 => Lane::F64,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a register holds: 32- and 64-bit numbers, and bool as 0 or 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Lane {
    Bool,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

impl Lane {
    /// The dtype whose numbers a register of this lane holds as they are.
    #[must_use]
    pub fn dtype(self) -> Dtype {
        match self {
            Lane::Bool => Dtype::Bool,
            Lane::I32 => Dtype::I32,
            Lane::U32 => Dtype::U32,
            Lane::I64 => Dtype::I64,
            Lane::U64 => Dtype::U64,
            Lane::F32 => Dtype::F32,
            Lane::F64 => Dtype::F64,
        }
    }
}

/// A number of any dtype: integers exactly, floats as f64.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Number {
    /// True or false.
    Bool(bool),
    /// An integer of at most 64 bits.
    Int(i128),
    /// A float; f16 and f32 are exact in it.
    Float(f64),
}

impl Number {
    /// The value as f64, rounded where it must be.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "rounding to the nearest f64 is what is asked for")]
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Bool(b) => f64::from(u8::from(b)),
            Number::Int(i) => i as f64,
            Number::Float(f) => f,
        }
    }

    /// The value as an integer: rounded to even, saturated, NaN as 0.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "`as` saturates and takes NaN to 0, which is the rule of casts here")]
    pub fn to_int(self) -> i128 {
        match self {
            Number::Bool(b) => i128::from(b),
            Number::Int(i) => i,
            Number::Float(f) => f.round_ties_even() as i128,
        }
    }

    /// The dtype that a literal takes beside an array of `other`: its own where it fits, else the smallest that holds
    /// both. A float literal beside up to 16-bit integers, f16 or f32 counts as f32, beside wider types as f64.
    #[must_use]
    pub fn dtype_beside(self, other: Dtype) -> Dtype {
        match self {
            Number::Bool(_) => Dtype::Bool,
            Number::Int(_) if other.is_float() => other,
            Number::Int(v) if other.is_int() && other.holds(v) => other,
            Number::Int(v) => Self::smallest(v),
            Number::Float(_) => other.float(),
        }
    }

    /// The dtype of a literal that stands alone.
    #[must_use]
    pub fn dtype_alone(self) -> Dtype {
        match self {
            Number::Bool(_) => Dtype::Bool,
            Number::Int(v) if Dtype::I64.holds(v) => Dtype::I64,
            Number::Int(_) => Dtype::U64,
            Number::Float(_) => Dtype::F64,
        }
    }

    fn smallest(v: i128) -> Dtype {
        const WIDENING: [Dtype; 8] =
            [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::U32, Dtype::I32, Dtype::U64, Dtype::I64];
        WIDENING.into_iter().find(|d| d.holds(v)).unwrap_or(Dtype::F64)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Bool(b) => write!(f, "{}", if *b { "True" } else { "False" }),
            Number::Int(i) => write!(f, "{i}"),
            Number::Float(v) => write!(f, "{v:?}"),
        }
    }
}

/// The smallest dtype that holds both, as NumPy's `result_type` for two arrays.
#[must_use]
pub fn common(a: Dtype, b: Dtype) -> Dtype {
    let (small, large) = if a.size() <= b.size() { (a, b) } else { (b, a) };
    match (small, large) {
        _ if a == b => a,
        (Dtype::Bool, other) | (other, Dtype::Bool) => other,
        _ if a.is_float() && b.is_float() => large,
        _ if a.is_float() || b.is_float() => common_with_float(a, b),
        _ if a.is_signed() == b.is_signed() => large,
        _ => signed_holding_both(a, b),
    }
}

fn common_with_float(a: Dtype, b: Dtype) -> Dtype {
    let (float, int) = if a.is_float() { (a, b) } else { (b, a) };
    let needed = match int.size() {
        1 => Dtype::F16,
        2 => Dtype::F32,
        _ => Dtype::F64,
    };
    if needed.size() > float.size() { needed } else { float }
}

fn signed_holding_both(a: Dtype, b: Dtype) -> Dtype {
    let (signed, unsigned) = if a.is_signed() { (a, b) } else { (b, a) };
    if signed.size() > unsigned.size() {
        return signed;
    }
    match unsigned.size() {
        1 => Dtype::I16,
        2 => Dtype::I32,
        4 => Dtype::I64,
        _ => Dtype::F64,
    }
}

/// The dtype of `a + b`, `a - b`, `a * b`. Up to 16-bit integers compute exactly in 32 bits, 32-bit integers stay
/// 32-bit and saturate, u32 with a signed integer gives i64; floats follow [`common`], with f16 kept. A difference is never
/// unsigned: of u32 and u64 it is i64, exact of the first (decision 017).
///
/// ```
/// use stackmill::dtype::{Dtype, arithmetic};
/// assert_eq!(arithmetic(Dtype::U16, Dtype::U16, false), Dtype::U32); // u16 + u16
/// assert_eq!(arithmetic(Dtype::U16, Dtype::U16, true), Dtype::I32); // u16 - u16
/// assert_eq!(arithmetic(Dtype::U32, Dtype::U16, true), Dtype::I64); // u16 * u16 - u16
/// assert_eq!(arithmetic(Dtype::I32, Dtype::U32, false), Dtype::I64);
/// ```
#[must_use]
pub fn arithmetic(a: Dtype, b: Dtype, subtracts: bool) -> Dtype {
    if a.is_float() || b.is_float() {
        return common(a, b);
    }
    if a.is_small_int() && b.is_small_int() {
        let unsigned = !a.is_signed() && !b.is_signed();
        return if unsigned && !subtracts { Dtype::U32 } else { Dtype::I32 };
    }
    match common(a, b) {
        Dtype::U32 | Dtype::U64 if subtracts => Dtype::I64,
        wide => wide,
    }
}

/// The dtype of a quotient: f32 between up to 16-bit integers, f16 and f32 (f16 by f16 stays), else f64.
#[must_use]
pub fn quotient(a: Dtype, b: Dtype) -> Dtype {
    if a == Dtype::F16 && b == Dtype::F16 {
        return Dtype::F16;
    }
    if a.float() == Dtype::F32 && b.float() == Dtype::F32 { Dtype::F32 } else { Dtype::F64 }
}

/// A Rust type that is an element of an array.
pub trait Element:
    Copy + Send + Sync + PartialEq + bytemuck::NoUninit + bytemuck::CheckedBitPattern + fmt::Debug + 'static
{
    /// Its dtype.
    const DTYPE: Dtype;
    /// Its value, exactly where f64 or i128 can.
    fn number(self) -> Number;
}

macro_rules! elements {
    ($($ty:ty: $dtype:ident, |$v:ident| $number:expr;)*) => {$(
        impl Element for $ty {
            const DTYPE: Dtype = Dtype::$dtype;
            fn number(self) -> Number { let $v = self; $number }
        }
    )*};
}
elements! {
    bool: Bool, |v| Number::Bool(v);
    u8: U8, |v| Number::Int(v.into());
    i8: I8, |v| Number::Int(v.into());
    u16: U16, |v| Number::Int(v.into());
    i16: I16, |v| Number::Int(v.into());
    u32: U32, |v| Number::Int(v.into());
    i32: I32, |v| Number::Int(v.into());
    u64: U64, |v| Number::Int(v.into());
    i64: I64, |v| Number::Int(v.into());
    f16: F16, |v| Number::Float(v.into());
    f32: F32, |v| Number::Float(v.into());
    f64: F64, |v| Number::Float(v);
}

/// The bytes seen as elements.
///
/// # Errors
/// Bytes that are no whole number of aligned elements, or a bool byte that is neither 0 nor 1.
pub fn typed<T: Element>(bytes: &[u8]) -> Result<&[T]> {
    bytemuck::checked::try_cast_slice(bytes)
        .map_err(|e| Error::bug(format!("{} bytes are no {} buffer: {e}", bytes.len(), T::DTYPE)))
}

/// Calls a generic function with the plain type of a dtype; bool is its byte.
#[macro_export]
macro_rules! with_plain_type {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::dtype::Dtype::Bool | $crate::dtype::Dtype::U8 => {
                type $T = u8;
                $body
            }
            $crate::dtype::Dtype::I8 => {
                type $T = i8;
                $body
            }
            $crate::dtype::Dtype::U16 => {
                type $T = u16;
                $body
            }
            $crate::dtype::Dtype::I16 => {
                type $T = i16;
                $body
            }
            $crate::dtype::Dtype::U32 => {
                type $T = u32;
                $body
            }
            $crate::dtype::Dtype::I32 => {
                type $T = i32;
                $body
            }
            $crate::dtype::Dtype::U64 => {
                type $T = u64;
                $body
            }
            $crate::dtype::Dtype::I64 => {
                type $T = i64;
                $body
            }
            $crate::dtype::Dtype::F16 => {
                type $T = half::f16;
                $body
            }
            $crate::dtype::Dtype::F32 => {
                type $T = f32;
                $body
            }
            $crate::dtype::Dtype::F64 => {
                type $T = f64;
                $body
            }
        }
    };
}

/// The cast rule between lanes, pair by pair: rounds to even, saturates, NaN to 0. The bool lane is the byte 0 or 1, so
/// a cast to `u8` is a cast to bool: anything but 0 is true.
pub trait CastTo<U>: Copy {
    /// The value in the other type.
    fn cast(self) -> U;
}

macro_rules! casts {
    ($($a:ty => $b:ty: |$v:ident| $value:expr;)*) => {$(impl CastTo<$b> for $a {
        #[inline(always)]
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap, clippy::cast_precision_loss,
            reason = "each row clamps first, or saturating and rounding are the rule")]
        fn cast(self) -> $b { let $v = self; $value }
    })*};
}
casts! {
    u8 => u8: |v| v; i32 => i32: |v| v; u32 => u32: |v| v; i64 => i64: |v| v; u64 => u64: |v| v; f32 => f32: |v| v; f64 => f64: |v| v;
    u8 => i32: |v| v.into(); u8 => u32: |v| v.into(); u8 => i64: |v| v.into(); u8 => u64: |v| v.into(); u8 => f32: |v| v.into(); u8 => f64: |v| v.into();
    i32 => u8: |v| u8::from(v != 0); u32 => u8: |v| u8::from(v != 0); i64 => u8: |v| u8::from(v != 0); u64 => u8: |v| u8::from(v != 0);
    f32 => u8: |v| u8::from(v != 0.0); f64 => u8: |v| u8::from(v != 0.0);
    i32 => u32: |v| v.max(0) as u32; i32 => i64: |v| v.into(); i32 => u64: |v| v.max(0) as u64; i32 => f32: |v| v as f32; i32 => f64: |v| v.into();
    u32 => i32: |v| v.min(i32::MAX as u32) as i32; u32 => i64: |v| v.into(); u32 => u64: |v| v.into(); u32 => f32: |v| v as f32; u32 => f64: |v| v.into();
    i64 => i32: |v| v.clamp(i32::MIN.into(), i32::MAX.into()) as i32; i64 => u32: |v| v.clamp(0, u32::MAX.into()) as u32;
    i64 => u64: |v| v.max(0) as u64; i64 => f32: |v| v as f32; i64 => f64: |v| v as f64;
    u64 => i32: |v| v.min(i32::MAX as u64) as i32; u64 => u32: |v| v.min(u32::MAX.into()) as u32;
    u64 => i64: |v| v.min(i64::MAX as u64) as i64; u64 => f32: |v| v as f32; u64 => f64: |v| v as f64;
    f32 => i32: |v| v.round_ties_even() as i32; f32 => u32: |v| v.round_ties_even() as u32;
    f32 => i64: |v| v.round_ties_even() as i64; f32 => u64: |v| v.round_ties_even() as u64; f32 => f64: |v| v.into();
    f64 => i32: |v| v.round_ties_even() as i32; f64 => u32: |v| v.round_ties_even() as u32;
    f64 => i64: |v| v.round_ties_even() as i64; f64 => u64: |v| v.round_ties_even() as u64; f64 => f32: |v| v as f32;
}

/// The nearest half, ties to even. The single between is rounded to odd, so that the number is rounded only once.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
pub fn half_of(v: f64) -> f16 {
    let near = v as f32;
    let (wide, bits) = (f64::from(near), near.to_bits());
    let odd = match () {
        () if wide == v || v.is_nan() || bits & 1 == 1 => bits,
        () if wide.abs() < v.abs() => bits + 1,
        () => bits - 1,
    };
    f16::from_f32(f32::from_bits(odd))
}

/// Writes one number as an element of `dtype` into `out`, by the cast rule.
pub fn put(number: Number, dtype: Dtype, out: &mut [u8]) {
    #[allow(clippy::cast_possible_truncation, reason = "clamped to the dtype's limits, or rounding to nearest is asked for")]
    let int = |n: Number| n.to_int().clamp(dtype.limits().0, dtype.limits().1);
    match dtype {
        Dtype::Bool => out.copy_from_slice(&[u8::from(number.to_f64() != 0.0)]),
        Dtype::F16 => out.copy_from_slice(&half_of(number.to_f64()).to_ne_bytes()),
        Dtype::F32 => out.copy_from_slice(&(number.to_f64() as f32).to_ne_bytes()),
        Dtype::F64 => out.copy_from_slice(&number.to_f64().to_ne_bytes()),
        _ if cfg!(target_endian = "big") => out.copy_from_slice(&int(number).to_be_bytes()[16 - dtype.size()..]),
        _ => out.copy_from_slice(&int(number).to_le_bytes()[..dtype.size()]),
    }
}

/// Reads the element that starts `bytes`.
#[must_use]
pub fn get(dtype: Dtype, bytes: &[u8]) -> Number {
    let bytes = &bytes[..dtype.size()];
    if dtype == Dtype::Bool {
        return Number::Bool(bytes[0] != 0);
    }
    with_plain_type!(dtype, T => bytemuck::pod_read_unaligned::<T>(bytes).number())
}
