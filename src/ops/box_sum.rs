//! A weighted sum over a box that is no product of windows along axes: its meaning, and the same sum row by row.
//! It does not know dtypes beyond f32 and f64: what is summed is cast before.

use crate::error::{Error, Result};
use crate::graph::{WeightedBox, Window};
use crate::grid::{Dims, Region, indices};
use crate::tile::{View, each_row, rows_of};
use std::sync::Arc;

/// Elements that are summed together: accumulators that stay in the first cache.
const STRIP: usize = 1024;

/// A weighted sum: elements whose weight is nothing are left out, as SciPy leaves them out.
#[derive(Debug)]
pub(super) struct BoxSum {
    size: Dims,
    from: Vec<isize>,
    taps: Arc<[(Dims, f64)]>,
}

impl BoxSum {
    /// Weights of a box, C order; the box starts at `from` relative to the output's place.
    pub fn new(size: Dims, from: Vec<isize>, weights: &[f64]) -> BoxSum {
        let all = indices(Region::whole(size)).zip(weights);
        let taps = all.filter(|(_, weight)| weight.abs() > f64::EPSILON).map(|(index, weight)| (index, *weight)).collect();
        BoxSum { size, from, taps }
    }
}

/// f32 or f64.
trait Summed: bytemuck::Pod + Default + std::ops::AddAssign + std::ops::Mul<Output = Self> {
    fn of(weight: f64) -> Self;
}

impl Summed for f32 {
    #[allow(clippy::cast_possible_truncation, reason = "rounding to f32 is what is asked for")]
    fn of(weight: f64) -> Self {
        weight as f32
    }
}

impl Summed for f64 {
    fn of(weight: f64) -> Self {
        weight
    }
}

impl Window for BoxSum {
    fn reach(&self, axis: usize) -> (usize, usize) {
        super::rank::reach_of(&self.from, &self.size, axis)
    }

    fn meaning(&self, input: &View<'_>, shape: &Dims, out: &mut [u8]) -> Result<()> {
        match input.dtype {
            crate::dtype::Dtype::F32 => self.slow::<f32>(input, shape, out),
            crate::dtype::Dtype::F64 => self.slow::<f64>(input, shape, out),
            other => return Err(Error::bug(format!("a weighted sum of {other}"))),
        }
        Ok(())
    }

    fn fast(&self, input: &View<'_>, shape: &Dims, out: &mut [u8]) -> bool {
        match input.dtype {
            crate::dtype::Dtype::F32 => self.by_rows::<f32>(input, shape, out),
            crate::dtype::Dtype::F64 => self.by_rows::<f64>(input, shape, out),
            _ => None,
        }
        .is_some()
    }

    fn way(&self, dtype: crate::dtype::Dtype) -> String {
        format!("strips of {STRIP} elements in {dtype}, tap after tap")
    }

    fn words(&self) -> String {
        let told: Vec<String> = self.taps.iter().map(|(index, weight)| format!("{weight:?} at {index}")).collect();
        format!("weighted sum of {} elements of {} ({})", self.taps.len(), self.size, told.join(", "))
    }

    fn weighted_box(&self) -> Option<WeightedBox> {
        Some(WeightedBox { size: self.size, taps: self.taps.clone() })
    }
}

impl BoxSum {
    fn slow<T: Summed>(&self, input: &View<'_>, shape: &Dims, out: &mut [u8]) {
        let bytes = size_of::<T>();
        for (place, goal) in indices(Region::whole(*shape)).zip(out.chunks_exact_mut(bytes)) {
            let mut sum = T::default();
            for (index, weight) in self.taps.iter() {
                let at = input.element(&index.zip_with(&place, |a, b| a + b)) * bytes;
                sum += bytemuck::pod_read_unaligned::<T>(&input.bytes[at..at + bytes]) * T::of(*weight);
            }
            goal.copy_from_slice(bytemuck::bytes_of(&sum));
        }
    }

    /// The same additions in the same order, strips of rows at a time; none where rows are not dense.
    fn by_rows<T: Summed>(&self, input: &View<'_>, shape: &Dims, out: &mut [u8]) -> Option<()> {
        let all: &[T] = bytemuck::try_cast_slice(input.bytes).ok()?;
        let goal: &mut [T] = bytemuck::try_cast_slice_mut(out).ok()?;
        if !input.has_dense_rows() || shape.is_empty() {
            return None;
        }
        let offset = |index: &Dims| input.element(index) - input.offset;
        let taps: Vec<(usize, T)> = self.taps.iter().map(|(index, weight)| (offset(index), T::of(*weight))).collect();
        let (outer, row) = rows_of(shape);
        let strides: Vec<isize> = shape.strides().iter().map(|s| s.cast_signed()).collect();
        let mut fits = Some(());
        each_row(&outer, (input.offset, &input.strides), (0, &strides), |from, to| {
            for start in (0..row).step_by(STRIP) {
                let width = STRIP.min(row - start);
                let Some(sums) = goal.get_mut(to + start..to + start + width) else {
                    fits = None;
                    return;
                };
                sums.fill(T::default());
                for (offset, weight) in &taps {
                    let Some(elements) = all.get(from + start + offset..from + start + offset + width) else {
                        fits = None;
                        return;
                    };
                    sums.iter_mut().zip(elements).for_each(|(sum, element)| *sum += *element * *weight);
                }
            }
        });
        fits
    }
}
