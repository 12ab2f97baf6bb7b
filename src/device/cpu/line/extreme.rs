//! Least and greatest elements along one axis.
//! It does not know where rows lie.

use super::{Lines, Rows, STRIP, Windows, each_strip};
use crate::error::Result;
use crate::grid::Dims;
use crate::simd::key::{Lane, Ordered};
use crate::simd::vectorized;
use crate::simd::window::moved;
use crate::with_plain_type;

/// The least (or `greatest`) element of `window` elements along the axis of the lines, for every dtype.
///
/// There are `out_shape[axis] + window - 1` rows along it; other extents are equal. Floats: -0 is less than +0, and a NaN in
/// the window gives the canonical quiet NaN.
///
/// # Errors
/// Extents that do not fit, an empty window, rows that are not dense: faults of the caller inside the crate.
pub fn extreme(input: &Lines<'_>, window: usize, greatest: bool, out_shape: &Dims, out: &mut [u8]) -> Result<()> {
    with_plain_type!(input.view.dtype, T => {
        let windows = input.windows::<T>(window, out_shape, out)?;
        if greatest { extreme_typed::<T, true>(windows, window) } else { extreme_typed::<T, false>(windows, window) }
    });
    Ok(())
}

/// One copy a type and direction, not inlined: a function of all of them together takes the compiler minutes.
#[inline(never)]
fn extreme_typed<T: Ordered, const GREATEST: bool>(windows: Windows<'_, T>, window: usize) {
    vectorized(
        #[inline(always)]
        || extreme_of::<T, GREATEST>(windows, window),
    );
}

/// Least and greatest do not depend on the order, so each axis has its own way: along rows by doubling (windows of
/// 1, 2, 4 … and two overlapping halves), across rows by van Herk's and Gil and Werman's running extremes of blocks.
#[inline(always)]
fn extreme_of<T: Ordered, const GREATEST: bool>(windows: Windows<'_, T>, window: usize) {
    if windows.axis + 1 == windows.layout.shape.len() {
        extreme_in_rows::<T, GREATEST>(windows, window);
    } else {
        extreme_across_rows::<T, GREATEST>(windows, window);
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
fn extreme_in_rows<T: Ordered, const GREATEST: bool>(windows: Windows<'_, T>, window: usize) {
    let Windows { input, out, layout, .. } = windows;
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
fn extreme_across_rows<T: Ordered, const GREATEST: bool>(windows: Windows<'_, T>, window: usize) {
    let Windows { input, out, layout, axis, places } = windows;
    let out_step = layout.out_strides[axis];
    let width = STRIP.min(layout.row());
    // Of a block only the tails that begin a window are kept.
    let longest = if axis + 1 == layout.shape.len() { 1 } else { layout.shape[axis] };
    let mut tails = vec![T::Key::LEAST; window.min(longest) * width];
    let mut head = vec![T::Key::LEAST; width];
    each_strip(
        &layout,
        axis,
        #[inline(always)]
        |line, from, to, len| {
            for first in (0..line).step_by(window) {
                let windows = window.min(line - first);
                let rows = Rows { input, first: from, places: &places[first..first + window + windows - 1], len };
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

/// Windows that start in one block of at most `window` rows: the tail of this block from the window's start on, with the head of
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
    let last = block.windows.saturating_sub(1);
    let (head, tails) = (&mut head[..n], &mut tails[..(last + 1) * n]);
    set::<T>(rows.get(window - 1), nan, &mut tails[last * n..]);
    for r in (last..window - 1).rev() {
        grow::<T, GREATEST>(rows.get(r), nan, &mut tails[last * n..]);
    }
    for r in (0..last).rev() {
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
