//! Windows along one axis of a padded box: weighted sums, least and greatest elements.
//! It does not know borders: every window is whole, though its rows may lie anywhere along the axis.

mod extreme;
mod sum;

pub use extreme::extreme;
pub use sum::weighted_sum;
pub(super) use sum::{Pairing, Taps};

use crate::error::{Error, Result};
use crate::grid::Dims;
use crate::simd::window::{Layout, Padded, folded};
use crate::tile::View;

/// Outputs of a row that are computed together: the rows under them stay in the L1 cache.
const STRIP: usize = 512;

/// A box whose windows lie along one axis: where along it the rows under them are, one after the other. What an edge folds back in
/// is a row that comes again, and is not copied.
pub struct Lines<'a> {
    view: View<'a>,
    axis: usize,
    rows: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// The box as it lies: padded, each row once.
    #[must_use]
    pub fn padded(view: View<'a>, axis: usize) -> Lines<'a> {
        let count = if axis < view.shape.len() { view.shape[axis] } else { 0 };
        Lines { view, axis, rows: (0..count).collect() }
    }

    /// A box whose rows along `axis`, which is not the last, are these of the view, in this order.
    #[must_use]
    pub fn folded(view: View<'a>, axis: usize, rows: Vec<usize>) -> Lines<'a> {
        Lines { view, axis, rows }
    }

    /// Checks a window along the axis and types the elements.
    fn windows<'o, T: bytemuck::Pod>(&self, window: usize, out_shape: &Dims, out: &'o mut [u8]) -> Result<Windows<'o, T>>
    where
        'a: 'o,
    {
        let axis = self.axis;
        if axis >= out_shape.len() {
            return Err(Error::bug(format!("a window along axis {axis} of {out_shape}")));
        }
        let Padded { input, out, layout } = folded(&self.view, (axis, &self.rows), window, out_shape, out)?;
        let places = self.rows.iter().map(|row| row.cast_signed() * layout.strides[axis]).collect();
        Ok(Windows { input, out, layout, axis, places })
    }
}

/// Windows along an axis, typed.
struct Windows<'a, T> {
    input: &'a [T],
    out: &'a mut [T],
    layout: Layout,
    axis: usize,
    /// How far each row lies from the view's first.
    places: Vec<isize>,
}

/// Calls `each(windows along the axis, first input element, first output element, length)` for every strip of a row.
/// Along the last axis a row is its own line, so that there is one window start an element.
#[inline(always)]
fn each_strip(layout: &Layout, axis: usize, mut each: impl FnMut(usize, usize, usize, usize)) {
    let (row, is_last) = (layout.row(), axis + 1 == layout.shape.len());
    let line = if is_last { 1 } else { layout.shape[axis] };
    layout.each_row(
        Some(axis),
        #[inline(always)]
        |from, to| {
            for x in (0..row).step_by(STRIP) {
                each(line, from + x, to + x, STRIP.min(row - x));
            }
        },
    );
}

/// The strips under the taps of one output strip.
#[derive(Clone, Copy)]
struct Rows<'a, T> {
    input: &'a [T],
    first: usize,
    /// How far from the first element the strip under each tap lies.
    places: &'a [isize],
    len: usize,
}

impl<'a, T> Rows<'a, T> {
    #[inline(always)]
    fn get(&self, tap: usize) -> &'a [T] {
        &self.input[self.first.wrapping_add_signed(self.places[tap])..][..self.len]
    }
}
