//! Rust's operators on arrays and numbers: `&g - g.grey_opening(3)`, `(x - 100) / 2.0`, `(x + 1) & !mask`.
//! It does not compute: each operator is the op of NumPy's name.

use crate::graph::Array;

macro_rules! operators {
    ($($Trait:ident $method:ident $op:ident),*) => {$(
        impl<T: Into<Array>> std::ops::$Trait<T> for Array {
            type Output = Array;
            #[track_caller]
            fn $method(self, other: T) -> Array { Array::$op(&self, other) }
        }
        impl<T: Into<Array>> std::ops::$Trait<T> for &Array {
            type Output = Array;
            #[track_caller]
            fn $method(self, other: T) -> Array { Array::$op(self, other) }
        }
        operators!(@number $Trait $method $op: i32, i64, f32, f64);
    )*};
    (@number $Trait:ident $method:ident $op:ident: $($t:ty),*) => {$(
        impl std::ops::$Trait<Array> for $t {
            type Output = Array;
            #[track_caller]
            fn $method(self, other: Array) -> Array { Array::$op(&Array::from(self), other) }
        }
        impl std::ops::$Trait<&Array> for $t {
            type Output = Array;
            #[track_caller]
            fn $method(self, other: &Array) -> Array { Array::$op(&Array::from(self), other) }
        }
    )*};
}
operators!(
    Add add add, Sub sub subtract, Mul mul multiply, Div div divide, Rem rem remainder,
    BitAnd bitand bitwise_and, BitOr bitor bitwise_or, BitXor bitxor bitwise_xor
);

macro_rules! prefixes {
    ($($Trait:ident $method:ident $op:ident),*) => {$(
        impl std::ops::$Trait for Array {
            type Output = Array;
            #[track_caller]
            fn $method(self) -> Array { Array::$op(&self) }
        }
        impl std::ops::$Trait for &Array {
            type Output = Array;
            #[track_caller]
            fn $method(self) -> Array { Array::$op(self) }
        }
    )*};
}
prefixes!(Neg neg negative, Not not invert);

/// Comparisons under their short names, as in `x.gt(60)`: Rust's operators can only give a bool.
impl Array {
    /// `self > other`: [`Array::greater`].
    #[must_use]
    #[track_caller]
    pub fn gt(&self, other: impl Into<Array>) -> Array {
        self.greater(other)
    }

    /// `self >= other`: [`Array::greater_equal`].
    #[must_use]
    #[track_caller]
    pub fn ge(&self, other: impl Into<Array>) -> Array {
        self.greater_equal(other)
    }

    /// `self < other`: [`Array::less`].
    #[must_use]
    #[track_caller]
    pub fn lt(&self, other: impl Into<Array>) -> Array {
        self.less(other)
    }

    /// `self <= other`: [`Array::less_equal`].
    #[must_use]
    #[track_caller]
    pub fn le(&self, other: impl Into<Array>) -> Array {
        self.less_equal(other)
    }
}
