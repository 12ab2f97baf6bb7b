//! Arithmetic as NumPy's between arrays of one dtype: the dtype stays, integers wrap around. And casts as C makes them.
//! It does not know who promoted the operands: the Python package casts them before.

use super::lines::recast;
use crate::dtype::{Dtype, Number};
use crate::expr::Expr;
use crate::graph::Agreement::{Exact, Ulp};
use crate::ops;

fn whole(value: i128, beside: Expr) -> Expr {
    Expr::of(Number::Int(value), beside.dtype())
}

/// In 32-bit lanes where the dtype has fewer bits, so that no bit is lost on the way.
fn widened(x: Expr) -> Expr {
    if x.dtype().is_small_int() { x.cast(Dtype::I32) } else { x }
}

/// The low bits of an i32 as a dtype of at most 16 bits.
fn low_bits(v: Expr, dtype: Dtype) -> Expr {
    let bits = 8 * dtype.size();
    let low = v & whole((1 << bits) - 1, v);
    let sign = whole(1 << (bits - 1), v);
    let held = if dtype.is_signed() { (low ^ sign) - sign } else { low };
    held.cast(dtype)
}

/// A function of two numbers whose result keeps the low bits of their dtype.
pub(super) fn wrapped(x: Expr, y: Expr, f: impl Fn(Expr, Expr) -> Expr) -> Expr {
    let dtype = x.dtype();
    let made = f(widened(x), widened(y));
    if dtype.is_small_int() && dtype != Dtype::Bool { low_bits(made, dtype) } else { made }
}

/// By squaring, a bit of the exponent after the other.
fn power(x: Expr, y: Expr) -> Expr {
    if x.dtype().is_float() {
        return x.pow(y);
    }
    let bits = if x.dtype().is_small_int() { 16 } else { 8 * x.dtype().size() };
    wrapped(x, y, |x, y| {
        let (mut made, mut square) = (whole(1, x), x);
        for bit in 0..bits - usize::from(y.dtype().is_signed()) {
            let is_set = (y & whole(1 << bit, y)).ne(whole(0, y));
            made = is_set.select(made.wrapping_mul(square), made);
            square = square.wrapping_mul(square);
        }
        made
    })
}

/// The bits of an integer as the other integer of its size, which has the other sign.
fn resigned(v: Expr, dtype: Dtype) -> Expr {
    let top = 1 << (8 * dtype.size() - 1);
    let low = (v & whole(top - 1, v)).cast(dtype);
    let has_top = if dtype.is_signed() { v.ge(whole(top, v)) } else { v.lt(whole(0, v)) };
    let high = if dtype.is_signed() { low.wrapping_add(whole(-top, low)) } else { low | whole(top, low) };
    has_top.select(high, low)
}

/// An integer in another integer dtype: its low bits.
fn integer_of_integer(v: Expr, dtype: Dtype) -> Expr {
    let from = v.dtype();
    let ((low, high), bits) = (from.limits(), 8 * dtype.size());
    match (from.size(), dtype.size()) {
        _ if dtype.holds(low) && dtype.holds(high) => v.cast(dtype),
        (1 | 2, 1 | 2) => low_bits(v.cast(Dtype::I32), dtype),
        (4, 1 | 2) if from == Dtype::I32 => low_bits(v, dtype),
        (_, 1 | 2) => low_bits((v & whole((1 << bits) - 1, v)).cast(Dtype::I32), dtype),
        (8, 4) if dtype == Dtype::U32 => (v & whole((1 << bits) - 1, v)).cast(Dtype::U32),
        (8, 4) => resigned((v & whole((1 << bits) - 1, v)).cast(Dtype::U32), dtype),
        (wide, narrow) if wide == narrow => resigned(v, dtype),
        (_, 4) => resigned(v.cast(Dtype::I32), dtype),
        _ => resigned(v.cast(Dtype::I64), dtype),
    }
}

/// A float in an integer dtype: its fraction cut off; through the signed integer of 32 bits, or as many as the dtype has.
fn integer_of_float(v: Expr, dtype: Dtype) -> Expr {
    let zero = Expr::of(Number::Float(0.0), v.dtype());
    let cut = v.lt(zero).select(v.ceil(), v.floor());
    match dtype {
        Dtype::I32 | Dtype::I64 => cut.cast(dtype),
        Dtype::U32 => v.lt(zero).select(resigned(cut.cast(Dtype::I32), dtype), cut.cast(dtype)),
        Dtype::U64 => v.lt(zero).select(resigned(cut.cast(Dtype::I64), dtype), cut.cast(dtype)),
        _ => low_bits(cut.cast(Dtype::I32), dtype),
    }
}

/// A number in another dtype, as C casts it.
pub(super) fn recasted(v: Expr, dtype: Dtype) -> Expr {
    let v = if v.dtype() == Dtype::F16 { v.cast(Dtype::F32) } else { v };
    match (v.dtype(), dtype) {
        (Dtype::Bool, _) | (_, Dtype::Bool) => v.cast(dtype),
        (_, to) if to.is_float() => v.cast(to),
        (from, to) if from.is_float() => integer_of_float(v, to),
        (_, to) => integer_of_integer(v, to),
    }
}

ops! {
    pub static WRAPPING: "wrapping";

    /// `x + y` in their common dtype; integers wrap around.
    pub fn wrapping_add(x, y) {} rule Common; same_as None; agreement Exact;
    formula { wrapped(x, y, Expr::wrapping_add) }

    /// `x - y` in their common dtype; integers wrap around.
    pub fn wrapping_subtract(x, y) {} rule Common; same_as None; agreement Exact;
    formula { wrapped(x, y, Expr::wrapping_sub) }

    /// `x * y` in their common dtype; integers wrap around.
    pub fn wrapping_multiply(x, y) {} rule Common; same_as None; agreement Exact;
    formula { wrapped(x, y, Expr::wrapping_mul) }

    /// `x ** y` in their common dtype; integers wrap around. The sign of an integer's power is left out: it must not be negative.
    pub fn wrapping_power(x, y) {} rule Common; same_as None; agreement Ulp(16);
    formula { power(x, y) }

    /// `x << y`: bits beyond the dtype are lost, all of them where `y` is no number of its bits.
    pub fn left_shift(x, y) {} rule Logical; same_as Some("numpy.left_shift"); agreement Exact;
    formula { wrapped(x, y, Expr::shift_left) }

    /// `x >> y`: the quotient by a power of two, rounded down; 0 or -1 where `y` is no number of the dtype's bits.
    pub fn right_shift(x, y) {} rule Logical; same_as Some("numpy.right_shift"); agreement Exact;
    formula { wrapped(x, y, Expr::shift_right) }

    /// `x` in another dtype as C and NumPy cast: fractions are cut off, integers wrap around. See `astype` for rounding.
    pub fn wrap(x) {
        /// The dtype, as `u8` or `uint8`.
        dtype: Dtype,
    } rule Own; same_as None; agreement Exact;
    compose { recast(x, dtype, recasted) }
}
