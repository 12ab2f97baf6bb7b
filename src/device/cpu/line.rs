//! Windows along one axis of a padded box: weighted sums, least and greatest elements.
//! It does not know borders: the input is already padded, so that every window is whole.

use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::grid::Dims;
use crate::simd::key::{Lane, Ordered};
use crate::simd::vectorized;
use crate::simd::window::{Layout, Padded, moved, padded};
use crate::tile::View;
use crate::with_plain_type;

/// Outputs of a row that are computed together: the rows under them stay in the L1 cache.
const STRIP: usize = 512;

/// `out[.., i, ..] = Σ_k weights[k] · input[.., i + k, ..]` along `axis`, in the dtype of the input.
///
/// `input.shape[axis] = out_shape[axis] + weights.len() - 1`, other extents equal. f32 and f64: weights are rounded to
/// the dtype first. The order of additions is SciPy's `correlate1d`, the same for every element: an odd number of
/// symmetric weights takes the centre, then pairs from the outermost to the innermost, each `(left + right) · w`;
/// antisymmetric weights likewise with `(left - right) · w`; else the last tap comes first, then all others from left
/// to right. i32, u32, i64, u64: weights are truncated to integers and sums wrap, so they are exact where they fit.
///
/// # Errors
/// Another dtype, no weights, extents that do not fit, rows that are not dense: faults of the caller inside the crate.
pub fn weighted_sum(input: &View<'_>, axis: usize, weights: &[f64], out_shape: &Dims, out: &mut [u8]) -> Result<()> {
    match input.dtype {
        Dtype::F32 => weighted_sum_of::<f32>(input, axis, weights, out_shape, out),
        Dtype::F64 => weighted_sum_of::<f64>(input, axis, weights, out_shape, out),
        Dtype::I32 => weighted_sum_of::<i32>(input, axis, weights, out_shape, out),
        Dtype::U32 => weighted_sum_of::<u32>(input, axis, weights, out_shape, out),
        Dtype::I64 => weighted_sum_of::<i64>(input, axis, weights, out_shape, out),
        Dtype::U64 => weighted_sum_of::<u64>(input, axis, weights, out_shape, out),
        other => Err(Error::bug(format!("a weighted sum was asked for {other}; cast to 32 or 64 bits first"))),
    }
}

/// The least (or `greatest`) element of `window` elements along `axis`, for every dtype.
///
/// `input.shape[axis] = out_shape[axis] + window - 1`, other extents equal. Floats: -0 is less than +0, and a NaN in
/// the window gives the canonical quiet NaN.
///
/// # Errors
/// Extents that do not fit, an empty window, rows that are not dense: faults of the caller inside the crate.
pub fn extreme(input: &View<'_>, axis: usize, window: usize, greatest: bool, out_shape: &Dims, out: &mut [u8]) -> Result<()> {
    with_plain_type!(input.dtype, T => {
        let box_ = along::<T>(input, axis, window, out_shape, out)?;
        if greatest { extreme_typed::<T, true>(box_, axis, window) } else { extreme_typed::<T, false>(box_, axis, window) }
    });
    Ok(())
}

/// One copy a type and direction, not inlined: a function of all of them together takes the compiler minutes.
#[inline(never)]
fn extreme_typed<T: Ordered, const GREATEST: bool>(box_: Padded<'_, T>, axis: usize, window: usize) {
    vectorized(
        #[inline(always)]
        || extreme_of::<T, GREATEST>(box_, axis, window),
    );
}

/// Checks a window along one axis.
fn along<'a, T: bytemuck::Pod>(
    input: &View<'a>,
    axis: usize,
    window: usize,
    out_shape: &Dims,
    out: &'a mut [u8],
) -> Result<Padded<'a, T>> {
    if axis >= out_shape.len() {
        return Err(Error::bug(format!("a window along axis {axis} of {out_shape}")));
    }
    padded(input, &Dims::filled(out_shape.len(), 1).with(axis, window), out_shape, out)
}

/// Numbers that weighted sums are made of; integers wrap.
pub(super) trait Term: bytemuck::Pod + PartialEq {
    const IS_INTEGER: bool;
    const ONE: Self;
    fn from_weight(weight: f64) -> Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    fn is_opposite(self, other: Self) -> bool;
}

macro_rules! terms {
    ($($ty:ty: $integer:literal, $one:literal, |$a:ident, $b:ident| $plus:expr, $minus:expr, $times:expr, $zero:expr;)*) => {$(
        impl Term for $ty {
            const IS_INTEGER: bool = $integer;
            const ONE: Self = $one;
            #[inline(always)]
            fn from_weight(weight: f64) -> Self {
                weight as $ty
            }
            #[inline(always)]
            fn plus(self, $b: Self) -> Self {
                let $a = self;
                $plus
            }
            #[inline(always)]
            fn minus(self, $b: Self) -> Self {
                let $a = self;
                $minus
            }
            #[inline(always)]
            fn times(self, $b: Self) -> Self {
                let $a = self;
                $times
            }
            fn is_opposite(self, $b: Self) -> bool {
                let $a = self;
                $zero
            }
        }
    )*};
}
terms! {
    f32: false, 1.0, |a, b| a + b, a - b, a * b, a == -b;
    f64: false, 1.0, |a, b| a + b, a - b, a * b, a == -b;
    i32: true, 1, |a, b| a.wrapping_add(b), a.wrapping_sub(b), a.wrapping_mul(b), a.wrapping_add(b) == 0;
    u32: true, 1, |a, b| a.wrapping_add(b), a.wrapping_sub(b), a.wrapping_mul(b), a.wrapping_add(b) == 0;
    i64: true, 1, |a, b| a.wrapping_add(b), a.wrapping_sub(b), a.wrapping_mul(b), a.wrapping_add(b) == 0;
    u64: true, 1, |a, b| a.wrapping_add(b), a.wrapping_sub(b), a.wrapping_mul(b), a.wrapping_add(b) == 0;
}

/// How taps are paired.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pairing {
    /// `(left + right) · w`
    Sums,
    /// `(left - right) · w`
    Differences,
    /// No pairs: `tap · w`
    Single,
    /// Integers, all weights 1: `tap`
    Box,
}

/// The taps in the order in which they are added.
pub(super) struct Taps<T> {
    pub(super) pairing: Pairing,
    first: (usize, T),
    rest: Vec<(usize, T)>,
    count: usize,
}

impl<T: Term> Taps<T> {
    pub(super) fn new(weights: &[f64]) -> Self {
        let w: Vec<T> = weights.iter().map(|w| T::from_weight(*w)).collect();
        let (last, half) = (w.len() - 1, w.len() / 2);
        let mirrored = |same: fn(T, T) -> bool| w.len() % 2 == 1 && (0..half).all(|k| same(w[k], w[last - k]));
        let pairing = match () {
            () if T::IS_INTEGER && w.iter().all(|v| *v == T::ONE) => Pairing::Box,
            () if mirrored(|a, b| a == b) => Pairing::Sums,
            () if mirrored(T::is_opposite) => Pairing::Differences,
            () => Pairing::Single,
        };
        let paired = matches!(pairing, Pairing::Sums | Pairing::Differences);
        let first = if paired { half } else { last };
        Taps { pairing, first: (first, w[first]), rest: (0..first).map(|k| (k, w[k])).collect(), count: w.len() }
    }
}

fn weighted_sum_of<T: Term>(input: &View<'_>, axis: usize, weights: &[f64], out_shape: &Dims, out: &mut [u8]) -> Result<()> {
    let box_ = along::<T>(input, axis, weights.len(), out_shape, out)?;
    let taps = Taps::<T>::new(weights);
    match taps.pairing {
        Pairing::Sums => sum_typed::<T, SUMS>(box_, axis, &taps),
        Pairing::Differences => sum_typed::<T, DIFFERENCES>(box_, axis, &taps),
        Pairing::Single => sum_typed::<T, SINGLE>(box_, axis, &taps),
        Pairing::Box => sum_typed::<T, BOX>(box_, axis, &taps),
    }
    Ok(())
}

#[inline(never)]
fn sum_typed<T: Term, const PAIRING: u8>(box_: Padded<'_, T>, axis: usize, taps: &Taps<T>) {
    vectorized(
        #[inline(always)]
        || sum_lines::<T, PAIRING>(box_, axis, taps),
    );
}

const SUMS: u8 = 0;
const DIFFERENCES: u8 = 1;
const SINGLE: u8 = 2;
const BOX: u8 = 3;

/// Lines of windows: for every line along `axis` and strip of a row, one output strip after the other.
#[inline(always)]
fn sum_lines<T: Term, const PAIRING: u8>(box_: Padded<'_, T>, axis: usize, taps: &Taps<T>) {
    let Padded { input, out, layout } = box_;
    each_strip(
        &layout,
        axis,
        #[inline(always)]
        |line, from, to, len| {
            for i in 0..line {
                let first = moved(from, i, layout.strides[axis]);
                let goal = moved(to, i, layout.out_strides[axis]);
                let rows = Rows { input, first, step: layout.strides[axis], len };
                if PAIRING == BOX && i > 0 {
                    let (done, goal) = out.split_at_mut(goal);
                    let before = &done[done.len() - layout.out_strides[axis].unsigned_abs()..][..len];
                    let (gone, come) = (&input[moved(from, i - 1, rows.step)..][..len], rows.get(taps.count - 1));
                    slide(before, gone, come, &mut goal[..len]);
                } else {
                    sum_strip::<T, PAIRING>(rows, taps, &mut out[goal..goal + len]);
                }
            }
        },
    );
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
    step: isize,
    len: usize,
}

impl<'a, T> Rows<'a, T> {
    #[inline(always)]
    fn get(&self, tap: usize) -> &'a [T] {
        &self.input[moved(self.first, tap, self.step)..][..self.len]
    }
}

/// All taps of one strip, four at a time, so that the running sum is loaded and stored once for four.
#[inline(always)]
fn sum_strip<T: Term, const PAIRING: u8>(rows: Rows<'_, T>, taps: &Taps<T>, out: &mut [T]) {
    start::<T, PAIRING>(rows.get(taps.first.0), taps.first.1, out);
    let last = taps.count - 1;
    macro_rules! pick {
        ($tap:expr) => {{
            let (k, weight) = $tap;
            (rows.get(k), rows.get(if PAIRING <= DIFFERENCES { last - k } else { k }), weight)
        }};
    }
    let mut fours = taps.rest.chunks_exact(4);
    for four in &mut fours {
        add_four::<T, PAIRING>(pick!(four[0]), pick!(four[1]), pick!(four[2]), pick!(four[3]), out);
    }
    for one in fours.remainder() {
        add_one::<T, PAIRING>(pick!(*one), out);
    }
}

#[inline(always)]
fn start<T: Term, const PAIRING: u8>(tap: &[T], weight: T, out: &mut [T]) {
    for (o, v) in out.iter_mut().zip(tap) {
        *o = if PAIRING == BOX { *v } else { v.times(weight) };
    }
}

/// One pair (or tap) by its weight.
#[inline(always)]
fn term<T: Term, const PAIRING: u8>(left: T, right: T, weight: T) -> T {
    match PAIRING {
        SUMS => left.plus(right).times(weight),
        DIFFERENCES => left.minus(right).times(weight),
        SINGLE => left.times(weight),
        _ => left,
    }
}

type Pick<'a, T> = (&'a [T], &'a [T], T);

#[inline(always)]
fn add_one<T: Term, const PAIRING: u8>(a: Pick<'_, T>, out: &mut [T]) {
    for ((o, l), r) in out.iter_mut().zip(a.0).zip(a.1) {
        *o = o.plus(term::<T, PAIRING>(*l, *r, a.2));
    }
}

#[inline(always)]
fn add_four<T: Term, const PAIRING: u8>(a: Pick<'_, T>, b: Pick<'_, T>, c: Pick<'_, T>, d: Pick<'_, T>, out: &mut [T]) {
    let n = out.len();
    let [a, b, c, d] = [a, b, c, d].map(
        #[inline(always)]
        |p| (&p.0[..n], &p.1[..n], p.2),
    );
    for (x, o) in out.iter_mut().enumerate() {
        let mut sum = *o;
        sum = sum.plus(term::<T, PAIRING>(a.0[x], a.1[x], a.2));
        sum = sum.plus(term::<T, PAIRING>(b.0[x], b.1[x], b.2));
        sum = sum.plus(term::<T, PAIRING>(c.0[x], c.1[x], c.2));
        *o = sum.plus(term::<T, PAIRING>(d.0[x], d.1[x], d.2));
    }
}

/// The next window of a box sum of integers from the one before it; wrapping makes it exact.
#[inline(always)]
fn slide<T: Term>(before: &[T], gone: &[T], come: &[T], out: &mut [T]) {
    for (((o, b), g), c) in out.iter_mut().zip(before).zip(gone).zip(come) {
        *o = b.plus(*c).minus(*g);
    }
}

/// Least and greatest do not depend on the order, so each axis has its own way: along rows by doubling (windows of
/// 1, 2, 4 … and two overlapping halves), across rows by van Herk's and Gil and Werman's running extremes of blocks.
#[inline(always)]
fn extreme_of<T: Ordered, const GREATEST: bool>(box_: Padded<'_, T>, axis: usize, window: usize) {
    if axis + 1 == box_.layout.shape.len() {
        extreme_in_rows::<T, GREATEST>(box_, window);
    } else {
        extreme_across_rows::<T, GREATEST>(box_, axis, window);
    }
}

/// The key that NaN takes so that it wins.
#[inline(always)]
fn winner<K: Lane, const GREATEST: bool>() -> K {
    if GREATEST { K::GREATEST } else { K::LEAST }
}

#[inline(always)]
fn better<K: Lane, const GREATEST: bool>(a: K, b: K) -> K {
    if GREATEST { a.max(b) } else { a.min(b) }
}

#[inline(always)]
fn extreme_in_rows<T: Ordered, const GREATEST: bool>(box_: Padded<'_, T>, window: usize) {
    let Padded { input, out, layout } = box_;
    let (row, nan) = (layout.row(), winner::<T::Key, GREATEST>());
    let strip = STRIP.max(2 * window).min(row.max(1));
    let mut scratch = [vec![T::Key::LEAST; strip + window - 1], vec![T::Key::LEAST; strip + window - 1]];
    layout.each_row(
        None,
        #[inline(always)]
        |from, to| {
            for x in (0..row).step_by(strip) {
                let len = strip.min(row - x);
                let source = &input[from + x..from + x + len + window - 1];
                extreme_strip::<T, GREATEST>(source, window, nan, &mut scratch, &mut out[to + x..to + x + len]);
            }
        },
    );
}

#[inline(always)]
fn extreme_strip<T: Ordered, const GREATEST: bool>(
    source: &[T],
    window: usize,
    nan: T::Key,
    scratch: &mut [Vec<T::Key>; 2],
    out: &mut [T],
) {
    let [a, b] = scratch;
    let (mut now, mut next) = (&mut a[..source.len()], &mut b[..source.len()]);
    for (k, v) in now.iter_mut().zip(source) {
        *k = v.key(nan);
    }
    let mut covered = 1;
    while covered * 2 <= window {
        let len = now.len() - covered;
        double::<T::Key, GREATEST>(&now[..len], &now[covered..], &mut next[..len]);
        std::mem::swap(&mut now, &mut next);
        now = &mut std::mem::take(&mut now)[..len];
        covered *= 2;
    }
    let n = out.len();
    for ((o, p), q) in out.iter_mut().zip(&now[..n]).zip(&now[window - covered..]) {
        *o = T::value(better::<T::Key, GREATEST>(*p, *q), nan);
    }
}

#[inline(always)]
fn double<K: Lane, const GREATEST: bool>(near: &[K], far: &[K], out: &mut [K]) {
    for ((o, p), q) in out.iter_mut().zip(near).zip(far) {
        *o = better::<K, GREATEST>(*p, *q);
    }
}

#[inline(always)]
fn extreme_across_rows<T: Ordered, const GREATEST: bool>(box_: Padded<'_, T>, axis: usize, window: usize) {
    let Padded { input, out, layout } = box_;
    let (step, out_step) = (layout.strides[axis], layout.out_strides[axis]);
    let width = STRIP.min(layout.row());
    let mut tails = vec![T::Key::LEAST; window * width];
    let mut head = vec![T::Key::LEAST; width];
    each_strip(
        &layout,
        axis,
        #[inline(always)]
        |line, from, to, len| {
            for first in (0..line).step_by(window) {
                let rows = Rows { input, first: moved(from, first, step), step, len };
                let windows = window.min(line - first);
                let block = Block { to: moved(to, first, out_step), step: out_step, windows };
                extreme_block::<T, GREATEST>(rows, window, block, (&mut tails, &mut head), out);
            }
        },
    );
}

/// Where the outputs of one block go.
struct Block {
    to: usize,
    step: isize,
    windows: usize,
}

/// Windows that start in one block of `window` rows: the tail of this block from the window's start on, with the head of
/// the next block up to the window's end.
#[inline(always)]
fn extreme_block<T: Ordered, const GREATEST: bool>(
    rows: Rows<'_, T>,
    window: usize,
    block: Block,
    (tails, head): (&mut [T::Key], &mut [T::Key]),
    out: &mut [T],
) {
    let (nan, n) = (winner::<T::Key, GREATEST>(), rows.len);
    let (head, tails) = (&mut head[..n], &mut tails[..window * n]);
    set::<T>(rows.get(window - 1), nan, &mut tails[(window - 1) * n..]);
    for r in (0..window - 1).rev() {
        let (this, next) = tails[r * n..].split_at_mut(n);
        tail::<T, GREATEST>(rows.get(r), &next[..n], nan, this);
    }
    for i in 0..block.windows {
        let goal = &mut out[moved(block.to, i, block.step)..][..n];
        let tail = &tails[i * n..][..n];
        match i {
            0 => {
                finish::<T, GREATEST>(tail, tail, nan, goal);
                continue;
            }
            1 => set::<T>(rows.get(window), nan, head),
            _ => grow::<T, GREATEST>(rows.get(window + i - 1), nan, head),
        }
        finish::<T, GREATEST>(tail, head, nan, goal);
    }
}

#[inline(always)]
fn set<T: Ordered>(row: &[T], nan: T::Key, keys: &mut [T::Key]) {
    for (k, v) in keys.iter_mut().zip(row) {
        *k = v.key(nan);
    }
}

/// Lanes of one step of [`tail`]: which pass through an array, so that the compiler sees no overlap.
const LANES: usize = 64;

/// The tail that starts one row earlier.
#[inline(always)]
fn tail<T: Ordered, const GREATEST: bool>(row: &[T], next: &[T::Key], nan: T::Key, this: &mut [T::Key]) {
    let (rows, row_rest) = row.as_chunks::<LANES>();
    let (nexts, next_rest) = next.as_chunks::<LANES>();
    let (goals, goal_rest) = this.as_chunks_mut::<LANES>();
    for ((goal, next), row) in goals.iter_mut().zip(nexts).zip(rows) {
        let mut best = [T::Key::LEAST; LANES];
        for l in 0..LANES {
            best[l] = better::<T::Key, GREATEST>(next[l], row[l].key(nan));
        }
        *goal = best;
    }
    for ((k, n), v) in goal_rest.iter_mut().zip(next_rest).zip(row_rest) {
        *k = better::<T::Key, GREATEST>(*n, v.key(nan));
    }
}

/// The head that ends one row later.
#[inline(always)]
fn grow<T: Ordered, const GREATEST: bool>(row: &[T], nan: T::Key, head: &mut [T::Key]) {
    for (k, v) in head.iter_mut().zip(row) {
        *k = better::<T::Key, GREATEST>(*k, v.key(nan));
    }
}

#[inline(always)]
fn finish<T: Ordered, const GREATEST: bool>(tail: &[T::Key], head: &[T::Key], nan: T::Key, out: &mut [T]) {
    for ((o, t), h) in out.iter_mut().zip(tail).zip(head) {
        *o = T::value(better::<T::Key, GREATEST>(*t, *h), nan);
    }
}
