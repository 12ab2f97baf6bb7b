//! Arithmetic and elementary functions, element by element.
//! It does not know where the numbers come from; broadcasting and rounding are the graph's.

use crate::dtype::{Dtype, Number};
use crate::expr::Expr;
use crate::graph::Agreement::{Exact, Ulp};
use crate::ops;

/// A number as a constant of an expression's dtype.
fn number(value: f64, beside: Expr) -> Expr {
    Expr::of(Number::Float(value), beside.dtype())
}

/// The magnitude in the dtype of `x`: lanes are wider than 8 and 16 bits, so what they do not saturate is held here.
fn absolute(x: Expr) -> Expr {
    match x.dtype() {
        dtype @ (Dtype::I8 | Dtype::I16) => x.abs().min(Expr::of(Number::Int(dtype.limits().1), dtype)),
        _ => x.abs(),
    }
}

ops! {
    pub static MATH: "math";

    /// `x + y`. 8/16-bit integers add exactly in 32 bits, 32-bit integers saturate.
    pub fn add(x, y) {} rule Arithmetic; same_as Some("numpy.add"); agreement Exact;
    formula { x + y }

    /// `x - y`. 8/16-bit integers subtract exactly in i32, u32 in i64, so nothing wraps. u64 is held to i64 first.
    pub fn subtract(x, y) {} rule Subtract; same_as Some("numpy.subtract"); agreement Exact;
    formula { x - y }

    /// `x * y`. 8/16-bit integers multiply exactly in 32 bits, 32-bit integers saturate.
    pub fn multiply(x, y) {} rule Arithmetic; same_as Some("numpy.multiply"); agreement Exact;
    formula { x * y }

    /// `x / y`, as floats.
    pub fn divide(x, y) {} rule Quotient; same_as Some("numpy.divide"); agreement Ulp(3);
    formula { x / y }

    /// `x // y`: the quotient rounded down; 0 where an integer is divided by 0.
    pub fn floor_divide(x, y) {} rule Arithmetic; same_as Some("numpy.floor_divide"); agreement Exact;
    formula { x.floor_div(y) }

    /// `x % y`: what floor division leaves, with the sign of `y`; 0 where an integer is divided by 0.
    pub fn remainder(x, y) {} rule Remainder; same_as Some("numpy.remainder"); agreement Exact;
    formula { x.modulo(y) }

    /// `x ** y`. Integers keep to integers and saturate; a negative power of an integer is 0 (1 for 1).
    pub fn power(x, y) {} rule Arithmetic; same_as Some("numpy.power"); agreement Ulp(16);
    formula { x.pow(y) }

    /// `x * x`. 8/16-bit integers multiply exactly in 32 bits, 32-bit integers saturate.
    pub fn square(x) {} rule Arithmetic; same_as None; agreement Exact;
    formula { x * x }

    /// `-x`. Up to 16-bit integers give i32.
    pub fn negative(x) {} rule Subtract; same_as Some("numpy.negative"); agreement Exact;
    formula { -x }

    /// `|x|`, in the dtype of `x`; the most negative integer saturates.
    pub fn abs(x) {} rule Common; same_as Some("numpy.abs"); agreement Exact;
    formula { absolute(x) }

    /// The square root; NaN below 0.
    pub fn sqrt(x) {} rule Elementary; same_as Some("numpy.sqrt"); agreement Ulp(2);
    formula { x.sqrt() }

    /// `e ** x`, by our own polynomial.
    pub fn exp(x) {} rule Elementary; same_as Some("numpy.exp"); agreement Ulp(16);
    formula { x.exp() }

    /// The natural logarithm, by our own polynomial; -inf at 0, NaN below.
    pub fn log(x) {} rule Elementary; same_as Some("numpy.log"); agreement Ulp(16);
    formula { x.log() }

    /// The sine of radians, by our own polynomial.
    pub fn sin(x) {} rule Elementary; same_as Some("numpy.sin"); agreement Ulp(16);
    formula { x.sin() }

    /// The cosine of radians, by our own polynomial.
    pub fn cos(x) {} rule Elementary; same_as Some("numpy.cos"); agreement Ulp(16);
    formula { x.cos() }

    /// The largest whole number not above `x`.
    pub fn floor(x) {} rule Common; same_as Some("numpy.floor"); agreement Exact;
    formula { x.floor() }

    /// The smallest whole number not below `x`.
    pub fn ceil(x) {} rule Common; same_as Some("numpy.ceil"); agreement Exact;
    formula { x.ceil() }

    /// The nearest whole number, ties to even.
    pub fn rint(x) {} rule Common; same_as Some("numpy.rint"); agreement Exact;
    formula { x.rint() }

    /// The smaller of the two; NaN where either is.
    pub fn minimum(x, y) {} rule Common; same_as Some("numpy.minimum"); agreement Exact;
    formula { x.min(y) }

    /// The larger of the two; NaN where either is.
    pub fn maximum(x, y) {} rule Common; same_as Some("numpy.maximum"); agreement Exact;
    formula { x.max(y) }

    /// `x` held between two bounds, in its own dtype; NaN stays.
    pub fn clip(x) {
        /// The lower bound.
        lower: f64,
        /// The upper bound.
        upper: f64,
    } rule Common; same_as Some("numpy.clip"); agreement Exact;
    formula { x.max(number(lower, x)).min(number(upper, x)) }

    /// `x` in another dtype: rounded to even, saturated, NaN to 0 for integers, anything but 0 to True for bool.
    pub fn astype(x) {
        /// The dtype, as `u8` or `uint8`.
        dtype: Dtype,
    } rule Own; same_as None; agreement Exact;
    compose { crate::ops::lines::cast(x, dtype) }
}
