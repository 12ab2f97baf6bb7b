//! Elements as reductions see them: whole numbers, parts of a block's sum, ordered keys; and the partial of one block.
//! It does not know states, nor how partials are joined.

use super::float_state::Double;
use crate::dtype::{Dtype, Number};

/// An element type of a reduction.
pub(super) trait Reduced: bytemuck::Pod {
    /// The type that a block's partial sum is made in.
    type Part: Part;
    fn whole(self) -> i128;
    fn part(self) -> Self::Part;
    /// Ordered as the numbers; NaN is the largest or, for `least`, the smallest key of all.
    fn key(self, least: bool) -> u64;
    /// The same where zeros of both signs are equal, so that the first of them is found.
    fn place_key(self, least: bool) -> u64 {
        self.key(least)
    }
}

/// f32 or f64.
pub(super) trait Part:
    Copy + std::ops::Add<Output = Self> + std::ops::AddAssign + std::ops::Sub<Output = Self> + Default
{
    fn wide(self) -> f64;
}
impl Part for f32 {
    fn wide(self) -> f64 {
        self.into()
    }
}
impl Part for f64 {
    fn wide(self) -> f64 {
        self
    }
}

macro_rules! reduced_integers {
    ($($t:ty),*) => {$(impl Reduced for $t {
        type Part = f64;
        fn whole(self) -> i128 { self.into() }
        fn part(self) -> f64 { self as f64 }
        fn key(self, _: bool) -> u64 { (i128::from(self) - i128::from(<$t>::MIN)).unsigned_abs() as u64 }
    })*};
}
reduced_integers!(u8, i8, u16, i16, u32, i32, u64, i64);

macro_rules! reduced_floats {
    ($($t:ty: $part:ty, $v:ident => $value:expr;)*) => {$(impl Reduced for $t {
        type Part = $part;
        fn whole(self) -> i128 { 0 }
        fn part(self) -> $part { let $v = self; $value }
        fn key(self, least: bool) -> u64 {
            let bits = f64::from(self).to_bits();
            if f64::from(self).is_nan() { return if least { 0 } else { u64::MAX }; }
            if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
        }
        fn place_key(self, least: bool) -> u64 {
            if f64::from(self) == 0.0 { 1 << 63 } else { self.key(least) }
        }
    })*};
}
reduced_floats! { half::f16: f32, v => v.to_f32(); f32: f32, v => v; f64: f64, v => v; }

/// The number that a key came from.
pub(super) fn number_of(key: u64, dtype: Dtype) -> Number {
    if dtype.is_float() {
        return Number::Float(match key {
            0 | u64::MAX => f64::NAN,
            k if k >> 63 == 1 => f64::from_bits(k & !(1 << 63)),
            k => f64::from_bits(!k),
        });
    }
    Number::Int(i128::from(key) + dtype.limits().0)
}

/// The fixed order of a row's sum: 16 lanes, then halves.
fn row_sum<P: Part>(count: usize, element: impl Fn(usize) -> P) -> P {
    let mut lanes = [P::default(); 16];
    for k in 0..count {
        lanes[k % 16] += element(k);
    }
    for width in [8, 4, 2, 1] {
        for k in 0..width {
            lanes[k] += lanes[k + width];
        }
    }
    lanes[0]
}

/// The running partial of one output in one block. Squares are taken about the block's first element, so that they do
/// not cancel.
#[derive(Clone, Copy, Default)]
pub(super) struct Block {
    single: f32,
    sum: f64,
    first: Option<f64>,
    squares: f64,
    count: f64,
    is_single: bool,
}

impl Block {
    pub(super) fn take_one<T: Reduced>(&mut self, v: T, squares: bool) {
        let wide = v.part().wide();
        if squares {
            let d = wide - *self.first.get_or_insert(wide);
            self.sum += d;
            self.squares += d * d;
            self.count += 1.0;
        } else if size_of::<T::Part>() == 4 {
            self.is_single = true;
            self.single += narrow(wide);
        } else {
            self.sum += wide;
        }
    }

    pub(super) fn take_row<T: Reduced>(&mut self, row: &[T], squares: bool) {
        let Some(head) = row.first() else { return };
        if squares {
            let first = *self.first.get_or_insert(head.part().wide());
            self.sum += row_sum(row.len(), |k| row[k].part().wide() - first);
            self.squares += row_sum(row.len(), |k| (row[k].part().wide() - first) * (row[k].part().wide() - first));
            self.count += row.len() as f64;
        } else if size_of::<T::Part>() == 4 {
            self.is_single = true;
            self.single += narrow(row_sum(row.len(), |k| row[k].part()).wide());
        } else {
            self.sum += row_sum(row.len(), |k| row[k].part()).wide();
        }
    }

    /// The sums about 0 out of those about the first element.
    pub(super) fn totals(&self, squares: bool) -> (Double, Double) {
        if !squares {
            return (Double::of(if self.is_single { self.single.into() } else { self.sum }), Double::default());
        }
        let c = self.first.unwrap_or(0.0);
        let sum = Double::product(c, self.count).plus(Double::of(self.sum));
        let cross = Double::product(2.0 * c, self.sum);
        let square = Double::product(c, c).times(Double::of(self.count)).plus(cross).plus(Double::of(self.squares));
        (sum, square)
    }
}

/// An f32 that was widened.
#[allow(clippy::cast_possible_truncation, reason = "the value was an f32")]
fn narrow(v: f64) -> f32 {
    v as f32
}
