//! Other places and running sums: flip, cumulative sum.
//! It does not know how a view is read or a scan is swept.

use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::graph::Agreement::Exact;
use crate::graph::{AxisList, Scan, axes_of};
use crate::ops;
use crate::tile::{Tile, View, each_row, rows_of};
use crate::with_plain_type;
use std::panic::Location;
use std::sync::Arc;

/// A cumulative sum along one axis. Integers wrap as NumPy's; floats add in index order, in f64 for f32 and f16.
#[derive(Debug)]
struct Cumsum {
    axis: usize,
}

/// The sum type of an element type.
trait Summed: bytemuck::Pod {
    type Sum: bytemuck::Pod + Default;
    type Out: bytemuck::Pod;
    fn plus(sum: Self::Sum, v: Self) -> Self::Sum;
    fn out(sum: Self::Sum) -> Self::Out;
}

macro_rules! summed {
    ($($t:ty: $sum:ty => $out:ty, |$s:ident, $v:ident| $plus:expr, |$r:ident| $done:expr;)*) => {$(impl Summed for $t {
        type Sum = $sum;
        type Out = $out;
        fn plus($s: $sum, $v: $t) -> $sum { $plus }
        fn out($r: $sum) -> $out { $done }
    })*};
}
summed! {
    u8: u64 => u64, |s, v| s.wrapping_add(v.into()), |r| r;
    u16: u64 => u64, |s, v| s.wrapping_add(v.into()), |r| r;
    u32: u64 => u64, |s, v| s.wrapping_add(v.into()), |r| r;
    u64: u64 => u64, |s, v| s.wrapping_add(v), |r| r;
    i8: i64 => i64, |s, v| s.wrapping_add(v.into()), |r| r;
    i16: i64 => i64, |s, v| s.wrapping_add(v.into()), |r| r;
    i32: i64 => i64, |s, v| s.wrapping_add(v.into()), |r| r;
    i64: i64 => i64, |s, v| s.wrapping_add(v), |r| r;
    half::f16: f64 => half::f16, |s, v| s + f64::from(v), |r| crate::dtype::half_of(r);
    f32: f64 => f32, |s, v| s + f64::from(v), |r| rounded(r);
    f64: f64 => f64, |s, v| s + v, |r| r;
}

#[allow(clippy::cast_possible_truncation, reason = "rounding to the nearest f32 is what is asked for")]
fn rounded(v: f64) -> f32 {
    v as f32
}

/// NumPy's dtype of a sum.
pub(super) fn sum_dtype(dtype: Dtype) -> Dtype {
    match dtype {
        Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64 => Dtype::U64,
        _ if dtype.is_float() => dtype,
        _ => Dtype::I64,
    }
}

impl Scan for Cumsum {
    fn axis(&self) -> usize {
        self.axis
    }

    fn run(&self, input: &View<'_>, out: &mut Tile) -> Result<()> {
        with_plain_type!(input.dtype, T => self.scan::<T>(input, out))
    }

    fn words(&self) -> String {
        format!("cumulative sum along axis {}", self.axis)
    }
}

impl Cumsum {
    /// Walks every line along the axis; lines side by side share cache lines, so the axis is the inner loop of a row.
    fn scan<T: Summed>(&self, input: &View<'_>, out: &mut Tile) -> Result<()> {
        let misaligned = |_| Error::bug("a buffer of a scan is not aligned");
        let from: &[T] = bytemuck::try_cast_slice(input.bytes).map_err(misaligned)?;
        let shape = out.shape;
        let to: &mut [T::Out] = bytemuck::try_cast_slice_mut(out.data.bytes_mut()).map_err(misaligned)?;
        let strides = shape.strides().map(usize::cast_signed);
        let lines = shape.with(self.axis, 1);
        let (outer, row) = rows_of(&lines);
        let last = shape.len().saturating_sub(1);
        let (step_in, step_out) = (input.strides[self.axis], strides[self.axis]);
        let mut sums = vec![T::Sum::default(); row];
        each_row(&outer, (input.offset, &input.strides), (0, &strides), |source, goal| {
            sums.fill(T::Sum::default());
            for k in 0..shape[self.axis].cast_signed() {
                for (x, sum) in sums.iter_mut().enumerate() {
                    let x = x.cast_signed();
                    *sum = T::plus(*sum, from[source.wrapping_add_signed(k * step_in + x * input.strides[last])]);
                    to[goal.wrapping_add_signed(k * step_out + x)] = T::out(*sum);
                }
            }
        });
        Ok(())
    }
}

ops! {
    pub static GEOMETRY: "geometry";

    /// The array with the order of elements reversed along the given axes.
    pub fn flip[flip_with, Flip](x) {
        ;
        /// Which axes; all by default.
        axis: AxisList = AxisList::Default,
    } rule Keep; same_as Some("numpy.flip"); agreement Exact;
    compose {
        let info = x.info()?;
        let all: Vec<usize> = (0..info.shape.len()).collect();
        x.flipped(&axes_of(info, &axis, &all)?, Location::caller())
    }

    /// The running sum along one axis, in NumPy's dtype of a sum.
    pub fn cumsum(x) {
        /// The axis, by number or name.
        axis: AxisList,
    } rule Own; same_as Some("numpy.cumsum"); agreement Exact;
    scan {
        let [axis] = axes_of(x, &axis, &[])?[..] else { return Err(Error::caller("cumsum takes one axis")) };
        Ok((Arc::new(Cumsum { axis }), sum_dtype(x.dtype)))
    }
}
