//! Checks that a padded view, a window and an output fit together, and walks their rows.
//! It does not know what is computed over the window.

use crate::error::{Error, Result};
use crate::grid::{Dims, MAX_RANK};
use crate::tile::{View, rows_of};

/// A padded input and its output, typed and checked: every element that the view's shape reaches lies inside `input`.
pub struct Padded<'a, T> {
    /// The elements under the view.
    pub input: &'a [T],
    /// The output's elements, C order.
    pub out: &'a mut [T],
    /// How both are laid out.
    pub layout: Layout,
}

/// How a padded input and its output are laid out, in elements.
#[derive(Clone, Copy)]
pub struct Layout {
    /// The output's extents.
    pub shape: Dims,
    /// The view's first element.
    pub offset: usize,
    /// The view's strides.
    pub strides: [isize; MAX_RANK],
    /// The output's strides.
    pub out_strides: [isize; MAX_RANK],
}

/// Types and checks a padded input of extents `shape + size - 1` and its output.
///
/// # Errors
/// Extents that do not fit, rows that are not dense, a view that leaves its bytes, bytes that are not aligned: faults
/// of the caller inside the crate.
pub fn padded<'a, T: bytemuck::Pod>(view: &View<'a>, size: &Dims, shape: &Dims, out: &'a mut [u8]) -> Result<Padded<'a, T>> {
    check_extents(view, size, shape)?;
    let unaligned = |what: &str| Error::bug(format!("the {what} of a window kernel is no aligned {} buffer", view.dtype));
    let input: &[T] = bytemuck::try_cast_slice(view.bytes).map_err(|_| unaligned("input"))?;
    let found = out.len();
    let out: &mut [T] = bytemuck::try_cast_slice_mut(out).map_err(|_| unaligned("output"))?;
    if out.len() != shape.count() {
        return Err(Error::bug(format!("the output of extents {shape} has {found} bytes")));
    }
    if !out.is_empty() {
        check_reach(view, input.len())?;
    }
    let out_strides = shape.strides().map(usize::cast_signed);
    let layout = Layout { shape: *shape, offset: view.offset, strides: view.strides, out_strides };
    Ok(Padded { input, out, layout })
}

fn check_extents(view: &View<'_>, size: &Dims, shape: &Dims) -> Result<()> {
    let rank = view.shape.len();
    if rank == 0 || size.len() != rank || shape.len() != rank {
        return Err(Error::bug(format!("a window {size} over {} to {shape}: the ranks differ or are 0", view.shape)));
    }
    let fits = (0..rank).all(|a| size[a] >= 1 && shape[a].checked_add(size[a] - 1) == Some(view.shape[a]));
    if !fits {
        return Err(Error::bug(format!("a window {size} over {} does not give {shape}", view.shape)));
    }
    if !view.has_dense_rows() {
        let step = view.strides[rank - 1];
        return Err(Error::bug(format!("a window kernel was given rows with a step of {step}; it needs dense rows")));
    }
    Ok(())
}

/// The least and greatest element that the view's shape reaches must lie inside its bytes.
fn check_reach(view: &View<'_>, elements: usize) -> Result<()> {
    let (mut low, mut high) = (view.offset as i128, view.offset as i128);
    for (extent, stride) in view.shape.iter().zip(view.strides) {
        let moved = (*extent as i128 - 1) * stride as i128;
        low += moved.min(0);
        high += moved.max(0);
    }
    if low < 0 || high >= elements as i128 {
        return Err(Error::bug(format!("a view reaches elements {low} to {high} of a buffer of {elements}")));
    }
    Ok(())
}

impl Layout {
    /// Calls `each(first input element, first output element)` for every row, the axis `held` kept at index 0.
    /// Inlined, so that what it calls runs at the instruction set of the caller.
    #[inline(always)]
    pub fn each_row(&self, held: Option<usize>, mut each: impl FnMut(usize, usize)) {
        let (mut outer, row) = rows_of(&self.shape);
        if let Some(extent) = held.and_then(|axis| outer.get_mut(axis)) {
            *extent = (*extent).min(1);
        }
        let rows = if row == 0 { 0 } else { outer.count() };
        let (mut index, mut from, mut to) = ([0; MAX_RANK], self.offset, 0);
        for _ in 0..rows {
            each(from, to);
            for axis in (0..outer.len()).rev() {
                index[axis] += 1;
                from = from.wrapping_add_signed(self.strides[axis]);
                to = to.wrapping_add_signed(self.out_strides[axis]);
                if index[axis] < outer[axis] {
                    break;
                }
                from = moved(from, index[axis], self.strides[axis].wrapping_neg());
                to = moved(to, index[axis], self.out_strides[axis].wrapping_neg());
                index[axis] = 0;
            }
        }
    }

    /// The length of a row of the output.
    pub fn row(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }
}

/// The element that lies `count` steps of `stride` from `first`.
#[inline(always)]
pub fn moved(first: usize, count: usize, stride: isize) -> usize {
    first.wrapping_add_signed(count.cast_signed().wrapping_mul(stride))
}
