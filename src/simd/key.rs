//! Ordered keys: every element as an integer whose order is the total order of the values.
//! It does not know windows; it only says what "less" means and how NaN takes part.

use half::f16;

/// An integer that registers can hold and compare.
pub trait Lane: bytemuck::Pod + Ord + std::fmt::Debug {
    /// The least key.
    const LEAST: Self;
    /// The greatest key.
    const GREATEST: Self;
}

/// An element with an ordered key: integers are their own; floats order as −∞ … −0 < +0 … ∞, NaN where asked.
pub trait Ordered: bytemuck::Pod {
    /// The key's type, as wide as the element.
    type Key: Lane;
    /// The key; any NaN becomes `nan`, which must be [`Lane::LEAST`] or [`Lane::GREATEST`] and is no number's key.
    fn key(self, nan: Self::Key) -> Self::Key;
    /// The element of this key; `nan` gives the canonical quiet NaN.
    fn value(key: Self::Key, nan: Self::Key) -> Self;
}

macro_rules! integers {
    ($($ty:ty),*) => {$(
        impl Lane for $ty {
            const LEAST: Self = <$ty>::MIN;
            const GREATEST: Self = <$ty>::MAX;
        }
        impl Ordered for $ty {
            type Key = $ty;
            #[inline(always)]
            fn key(self, _: $ty) -> $ty {
                self
            }
            #[inline(always)]
            fn value(key: $ty, _: $ty) -> $ty {
                key
            }
        }
    )*};
}
integers!(u8, i8, u16, i16, u32, i32, u64, i64);

macro_rules! floats {
    ($($ty:ty, $key:ty, $infinity:expr, $quiet:expr;)*) => {$(
        impl Ordered for $ty {
            type Key = $key;
            #[inline(always)]
            fn key(self, nan: $key) -> $key {
                let bits = self.to_bits().cast_signed();
                let key = bits ^ ((bits >> (<$key>::BITS - 1)) & <$key>::MAX);
                if (bits & <$key>::MAX) > $infinity { nan } else { key }
            }
            #[inline(always)]
            fn value(key: $key, nan: $key) -> $ty {
                let bits = key ^ ((key >> (<$key>::BITS - 1)) & <$key>::MAX);
                <$ty>::from_bits(if key == nan { $quiet } else { bits }.cast_unsigned())
            }
        }
    )*};
}
floats! {
    f16, i16, 0x7c00, 0x7e00;
    f32, i32, 0x7f80_0000, 0x7fc0_0000;
    f64, i64, 0x7ff0_0000_0000_0000, 0x7ff8_0000_0000_0000;
}
