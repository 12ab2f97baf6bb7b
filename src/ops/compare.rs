//! Comparison, choice and logic, element by element.
//! It does not know which dtypes meet: both sides are read as the smallest dtype that holds both.

use crate::dtype::{Dtype, Number};
use crate::expr::Expr;
use crate::graph::Agreement::Exact;
use crate::ops;

/// Not, bit by bit; True and False swap. Unsigned integers are mirrored in their range.
fn inverted(x: Expr) -> Expr {
    match x.dtype() {
        dtype @ (Dtype::U8 | Dtype::U16) => Expr::of(Number::Int(dtype.limits().1), dtype) - x,
        _ => !x,
    }
}

ops! {
    pub static COMPARE: "compare";

    /// `x == y`; False where either is NaN.
    pub fn equal(x, y) {} rule Compare; same_as Some("numpy.equal"); agreement Exact;
    formula { x.eq(y) }

    /// `x != y`; True where either is NaN.
    pub fn not_equal(x, y) {} rule Compare; same_as Some("numpy.not_equal"); agreement Exact;
    formula { x.ne(y) }

    /// `x < y`.
    pub fn less(x, y) {} rule Compare; same_as Some("numpy.less"); agreement Exact;
    formula { x.lt(y) }

    /// `x <= y`.
    pub fn less_equal(x, y) {} rule Compare; same_as Some("numpy.less_equal"); agreement Exact;
    formula { x.le(y) }

    /// `x > y`.
    pub fn greater(x, y) {} rule Compare; same_as Some("numpy.greater"); agreement Exact;
    formula { x.gt(y) }

    /// `x >= y`.
    pub fn greater_equal(x, y) {} rule Compare; same_as Some("numpy.greater_equal"); agreement Exact;
    formula { x.ge(y) }

    /// `x` where the condition is true, else `y`; in the smallest dtype that holds both.
    pub fn where_(condition, x, y) {} rule Where; same_as Some("numpy.where"); agreement Exact;
    formula { condition.select(x, y) }

    /// `x & y`, of bools or integers.
    pub fn bitwise_and(x, y) {} rule Logical; same_as Some("numpy.bitwise_and"); agreement Exact;
    formula { x & y }

    /// `x | y`, of bools or integers.
    pub fn bitwise_or(x, y) {} rule Logical; same_as Some("numpy.bitwise_or"); agreement Exact;
    formula { x | y }

    /// `x ^ y`, of bools or integers.
    pub fn bitwise_xor(x, y) {} rule Logical; same_as Some("numpy.bitwise_xor"); agreement Exact;
    formula { x ^ y }

    /// `~x`, of bools or integers.
    pub fn invert(x) {} rule Logical; same_as Some("numpy.invert"); agreement Exact;
    formula { inverted(x) }

    /// Whether `x` is NaN; False for integers.
    pub fn isnan(x) {} rule Test; same_as Some("numpy.isnan"); agreement Exact;
    formula { x.is_nan() }
}
