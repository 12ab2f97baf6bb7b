//! Bytes of a box of an array: owned buffers, strided views, and the copies between them.
//! It does not know where the bytes came from, nor who accounts for them.

use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::grid::{Boxes, Dims, Edge, MAX_RANK, Region};

/// Owned bytes, aligned for every dtype and zeroed when made.
#[derive(Clone, Default)]
pub struct Buffer {
    words: Vec<u64>,
    len: usize,
}

impl Buffer {
    /// `len` zero bytes. Pages are touched when first written.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        Buffer { words: vec![0; len.div_ceil(8)], len }
    }

    /// Makes room for `len` bytes; what they hold is unspecified. Keeps the allocation where it is large enough.
    pub fn resize(&mut self, len: usize) {
        if self.words.len() < len.div_ceil(8) {
            // The old allocation goes first: both at once would be more than anyone counted.
            self.words = Vec::new();
            self.words = vec![0; len.div_ceil(8)];
        }
        self.len = len;
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }

    /// The bytes, to write.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.len]
    }

    /// How many bytes the allocation holds.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.words.capacity() * 8
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer({} bytes)", self.len)
    }
}

/// An owned box of an array, C order.
#[derive(Clone, Debug)]
pub struct Tile {
    /// The element type.
    pub dtype: Dtype,
    /// The extents.
    pub shape: Dims,
    /// The elements.
    pub data: Buffer,
}

impl Tile {
    /// A tile of zeros.
    #[must_use]
    pub fn zeroed(dtype: Dtype, shape: Dims) -> Self {
        Tile { dtype, shape, data: Buffer::zeroed(shape.count() * dtype.size()) }
    }

    /// The whole tile as a view.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View::contiguous(self.data.bytes(), self.dtype, self.shape)
    }
}

/// A strided look at someone else's elements. Strides and offset count elements; x is the last axis.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The bytes that hold the elements.
    pub bytes: &'a [u8],
    /// The element type.
    pub dtype: Dtype,
    /// The extents that may be read.
    pub shape: Dims,
    /// Elements from one index to the next, per axis; negative for a flipped axis, 0 for a broadcast one.
    pub strides: [isize; MAX_RANK],
    /// The element at index 0 of every axis.
    pub offset: usize,
}

impl<'a> View<'a> {
    /// A C-order view of a whole buffer.
    #[must_use]
    pub fn contiguous(bytes: &'a [u8], dtype: Dtype, shape: Dims) -> Self {
        let strides = shape.strides().map(usize::cast_signed);
        View { bytes, dtype, shape, strides, offset: 0 }
    }

    /// The part of the view that `region` covers.
    #[must_use]
    pub fn crop(&self, region: &Region) -> Self {
        let mut part = *self;
        part.shape = region.shape;
        part.offset = self.element(&region.start);
        part
    }

    /// Which element of the buffer lies at `index`.
    #[must_use]
    pub fn element(&self, index: &[usize]) -> usize {
        let moved: isize = index.iter().zip(&self.strides).map(|(i, s)| i.cast_signed() * s).sum();
        self.offset.wrapping_add_signed(moved)
    }

    /// Whether elements along the last axis lie side by side.
    #[must_use]
    pub fn has_dense_rows(&self) -> bool {
        let rank = self.shape.len();
        rank == 0 || self.strides[rank - 1] == 1 || self.shape[rank - 1] == 1
    }
}

/// The extents of all axes but the last, and the last: rows and their length. A 0-d shape is one row of one.
#[must_use]
pub fn rows_of(shape: &Dims) -> (Dims, usize) {
    match shape.split_last() {
        Some((last, outer)) => (Dims::from(outer), *last),
        None => (Dims::default(), 1),
    }
}

/// Walks the rows of a box without dividing: calls `each(first element in a, first element in b)`.
pub fn each_row(outer: &Dims, a: (usize, &[isize]), b: (usize, &[isize]), mut each: impl FnMut(usize, usize)) {
    let rank = outer.len();
    let mut index = [0usize; MAX_RANK];
    let (mut at_a, mut at_b) = (a.0.cast_signed(), b.0.cast_signed());
    for _ in 0..outer.count() {
        each(at_a.cast_unsigned(), at_b.cast_unsigned());
        for axis in (0..rank).rev() {
            index[axis] += 1;
            at_a += a.1[axis];
            at_b += b.1[axis];
            if index[axis] < outer[axis] {
                break;
            }
            at_a -= a.1[axis] * outer[axis].cast_signed();
            at_b -= b.1[axis] * outer[axis].cast_signed();
            index[axis] = 0;
        }
    }
}

/// Copies a view into a box of a C-order buffer of extents `shape`, starting at `start`.
pub fn copy_view(from: &View<'_>, to: &mut [u8], shape: &Dims, start: &[usize]) {
    let target = View::contiguous(&[], from.dtype, *shape);
    let size = from.dtype.size();
    let (outer, row) = rows_of(&from.shape);
    let step = if from.shape.is_empty() { 1 } else { from.strides[from.shape.len() - 1] };
    each_row(&outer, (from.offset, &from.strides), (target.element(start), &target.strides), |source, goal| {
        let out = &mut to[goal * size..(goal + row) * size];
        if step == 1 || row == 1 {
            out.copy_from_slice(&from.bytes[source * size..(source + row) * size]);
        } else {
            copy_steps(from.bytes, source, step, size, out);
        }
    });
}

fn copy_steps(from: &[u8], first: usize, step: isize, size: usize, out: &mut [u8]) {
    let mut at = first;
    for element in out.chunks_exact_mut(size) {
        element.copy_from_slice(&from[at * size..(at + 1) * size]);
        at = at.wrapping_add_signed(step);
    }
}

/// What a padded copy needs to know of an edge.
#[derive(Clone, Debug)]
pub struct Padding {
    /// Which rule, per axis.
    pub edge: Edge,
    /// The element that a constant edge puts there, in the array's dtype.
    pub constant: Vec<u8>,
}

/// Copies the span that starts at `start` (it may lie outside the array) with extents `shape` out of a buffer that
/// holds the parts `held` of an array of extents `array`, folding what lies outside back in by the edge's rule.
///
/// # Errors
/// A span that needs an element that `held` does not cover: the plan's reach was wrong.
pub fn copy_padded(
    from: &View<'_>,
    held: &Boxes,
    array: &Dims,
    (start, shape): (&[isize], &Dims),
    padding: &Padding,
    to: &mut [u8],
) -> Result<()> {
    let size = from.dtype.size();
    let tables = fold_tables(held, array, start, shape, padding.edge)?;
    let (outer, row) = rows_of(shape);
    let rank = shape.len();
    let runs = tables.last().map_or_else(|| vec![(Some(0), 1)], |table| runs_of(table));
    for (number, out) in to[..shape.count() * size].chunks_exact_mut((row * size).max(1)).enumerate() {
        let index = outer.index_of(number);
        let places: Option<Dims> = (0..rank.saturating_sub(1)).map(|axis| tables[axis][index[axis]]).collect();
        match places {
            Some(places) => copy_runs(from, from.element(&places), &runs, padding, out),
            None => fill(out, &padding.constant),
        }
    }
    Ok(())
}

/// Per axis and place of the span: the position in the held buffer, or none where the constant goes.
fn fold_tables(held: &Boxes, array: &Dims, start: &[isize], shape: &Dims, edge: Edge) -> Result<Vec<Vec<Option<usize>>>> {
    let position = |axis: usize, place: usize| -> Result<Option<usize>> {
        let Some(folded) = edge.fold(start[axis] + place.cast_signed(), array[axis]) else { return Ok(None) };
        let held = held.0[axis].position(folded);
        held.map(Some).ok_or_else(|| Error::bug(format!("axis {axis}: index {folded} is needed and not held")))
    };
    (0..shape.len()).map(|axis| (0..shape[axis]).map(|place| position(axis, place)).collect()).collect()
}

/// Groups a row's places into runs that lie side by side: (first position, length); none for constants.
fn runs_of(table: &[Option<usize>]) -> Vec<(Option<usize>, usize)> {
    let mut runs: Vec<(Option<usize>, usize)> = Vec::new();
    for place in table {
        match (runs.last_mut(), place) {
            (Some((Some(first), len)), Some(at)) if *first + *len == *at => *len += 1,
            (Some((None, len)), None) => *len += 1,
            _ => runs.push((*place, 1)),
        }
    }
    runs
}

fn copy_runs(from: &View<'_>, row: usize, runs: &[(Option<usize>, usize)], padding: &Padding, out: &mut [u8]) {
    let size = from.dtype.size();
    let mut done = 0;
    for (first, len) in runs {
        let part = &mut out[done * size..(done + len) * size];
        match first {
            Some(first) => part.copy_from_slice(&from.bytes[(row + first) * size..(row + first + len) * size]),
            None => fill(part, &padding.constant),
        }
        done += len;
    }
}

/// Repeats one element over a buffer.
pub fn fill(out: &mut [u8], element: &[u8]) {
    for place in out.chunks_exact_mut(element.len().max(1)) {
        place.copy_from_slice(element);
    }
}
