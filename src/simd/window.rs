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
    check_window(size, &view.shape, shape)?;
    typed(view, shape, out)
}

/// The same for a window along one axis, under which lie these rows of the view, in this order; along the last axis one after the
/// other.
///
/// # Errors
/// As [`padded`]; rows that the view does not have.
pub fn folded<'o, T: bytemuck::Pod>(
    view: &View<'o>,
    (axis, rows): (usize, &[usize]),
    window: usize,
    shape: &Dims,
    out: &'o mut [u8],
) -> Result<Padded<'o, T>> {
    check_window(&Dims::filled(shape.len(), 1).with(axis, window), &view.shape.with(axis, rows.len()), shape)?;
    let in_order = axis + 1 < shape.len() || rows.windows(2).all(|pair| pair[1] == pair[0] + 1);
    if rows.iter().any(|row| *row >= view.shape[axis]) || !in_order {
        return Err(Error::bug(format!("rows {rows:?} along axis {axis} of {}", view.shape)));
    }
    typed(view, shape, out)
}

/// Types and checks what a view reaches, and an output.
fn typed<'a, T: bytemuck::Pod>(view: &View<'a>, shape: &Dims, out: &'a mut [u8]) -> Result<Padded<'a, T>> {
    if !view.has_dense_rows() {
        let step = view.strides[view.shape.len() - 1];
        return Err(Error::bug(format!("a window kernel was given rows with a step of {step}; it needs dense rows")));
    }
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

fn check_window(size: &Dims, input: &Dims, shape: &Dims) -> Result<()> {
    let rank = input.len();
    if rank == 0 || size.len() != rank || shape.len() != rank {
        return Err(Error::bug(format!("a window {size} over {input} to {shape}: the ranks differ or are 0")));
    }
    let fits = (0..rank).all(|a| size[a] >= 1 && shape[a].checked_add(size[a] - 1) == Some(input[a]));
    if fits { Ok(()) } else { Err(Error::bug(format!("a window {size} over {input} does not give {shape}"))) }
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
