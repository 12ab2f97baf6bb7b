//! Medians of small windows by comparator networks, the sorting of columns shared by neighbours along a row.
//! It does not know borders, other ranks than the middle, nor larger windows: those are `rank`'s.

use super::key::{Lane, Ordered};
use super::network::{median_of_columns3, median_of_columns5, median_of_sheets3, median3, sort3, sort5};
use super::vectorized;
use super::window::{Layout, Padded, padded};
use crate::grid::{Dims, MAX_RANK};
use crate::tile::View;
use crate::with_plain_type;

pub use super::rank::rank_slow;

/// Outputs of a row that are computed together; a whole number of every machine's registers.
const STRIP: usize = 256;
/// A strip's columns: the outputs and what the widest window adds.
const COLUMNS: usize = STRIP + 4;

/// Columns in order: row `r` holds the key of rank `r` of each column.
type Columns<K, const ROWS: usize> = [[K; COLUMNS]; ROWS];

/// The median of the window `size` at every element, where a network is known; says whether it was.
///
/// `input.shape[a] = out_shape[a] + size[a] - 1`. Networks: a line of 3 or 5 along any axis, 3 by 3 and 5 by 5 with one
/// side along the last axis, 3 by 3 by 3 with one side along the last axis. All dtypes. Floats are compared by their
/// total order, -0 before +0 and NaN last; a NaN result is the canonical quiet NaN. False also for extents that do not
/// fit and for rows that are not dense: [`rank_slow`] then tells what is wrong, or does it.
#[must_use]
pub fn median(input: &View<'_>, size: &Dims, out_shape: &Dims, out: &mut [u8]) -> bool {
    let Some(window) = Window::of(size, &input.strides) else { return false };
    with_plain_type!(input.dtype, T => median_typed::<T>(input, size, out_shape, out, window))
}

/// Whether there is a network for a window of this size: [`median`] then fails only for rows that are not dense.
#[must_use]
pub fn has_network(size: &Dims) -> bool {
    Window::of(size, &[0; MAX_RANK]).is_some()
}

/// One copy a type, not inlined: a function of all types together takes the compiler minutes.
#[inline(never)]
fn median_typed<T: Ordered>(input: &View<'_>, size: &Dims, out_shape: &Dims, out: &mut [u8], window: Window) -> bool {
    let Ok(found) = padded::<T>(input, size, out_shape, out) else { return false };
    vectorized(
        #[inline(always)]
        || median_of(found, window),
    );
    true
}

/// The windows with a network, with the strides of the axes across rows.
#[derive(Clone, Copy)]
enum Window {
    Line3(isize),
    Line5(isize),
    Square3(isize),
    Square5(isize),
    Cube3(isize, isize),
}

impl Window {
    fn of(size: &Dims, strides: &[isize]) -> Option<Window> {
        let last = size.len().checked_sub(1)?;
        let wide: Vec<usize> = (0..=last).filter(|axis| size[*axis] != 1).collect();
        let all = |n: usize| wide.iter().all(|axis| size[*axis] == n);
        match *wide.as_slice() {
            [a] if all(3) => Some(Window::Line3(strides[a])),
            [a] if all(5) => Some(Window::Line5(strides[a])),
            [a, x] if x == last && all(3) => Some(Window::Square3(strides[a])),
            [a, x] if x == last && all(5) => Some(Window::Square5(strides[a])),
            [a, b, x] if x == last && all(3) => Some(Window::Cube3(strides[a], strides[b])),
            _ => None,
        }
    }
}

#[inline(always)]
fn median_of<T: Ordered>(found: Padded<'_, T>, window: Window) {
    let Padded { input, out, layout } = found;
    let zero = T::Key::LEAST;
    match window {
        Window::Line3(s) => each_strip(
            &layout,
            out,
            #[inline(always)]
            |at, out| line3(rows::<T, 3>(input, at, s, out.len()), out),
        ),
        Window::Line5(s) => each_strip(
            &layout,
            out,
            #[inline(always)]
            |at, out| line5(rows::<T, 5>(input, at, s, out.len()), out),
        ),
        Window::Square3(s) => {
            let mut columns: Columns<T::Key, 3> = [[zero; COLUMNS]; 3];
            each_strip(
                &layout,
                out,
                #[inline(always)]
                |at, out| {
                    columns3(rows(input, at, s, out.len() + 2), &mut columns);
                    across3(&columns, out);
                },
            );
        }
        Window::Square5(s) => {
            let mut columns: Columns<T::Key, 5> = [[zero; COLUMNS]; 5];
            each_strip(
                &layout,
                out,
                #[inline(always)]
                |at, out| {
                    columns5(rows(input, at, s, out.len() + 4), &mut columns);
                    across5(&columns, out);
                },
            );
        }
        Window::Cube3(s, t) => {
            let mut sheets: Columns<T::Key, 9> = [[zero; COLUMNS]; 9];
            each_strip(
                &layout,
                out,
                #[inline(always)]
                |at, out| {
                    let n = out.len() + 2;
                    let plane = [0, 1, 2].map(|b| super::window::moved(at, b, t));
                    sheets3(plane.map(|first| rows::<T, 3>(input, first, s, n)), &mut sheets);
                    across_sheets3(&sheets, out);
                },
            );
        }
    }
}

/// Calls `each(first input element, output strip)` for every strip of every row.
#[inline(always)]
fn each_strip<T>(layout: &Layout, out: &mut [T], mut each: impl FnMut(usize, &mut [T])) {
    let row = layout.row();
    layout.each_row(
        None,
        #[inline(always)]
        |from, to| {
            for x in (0..row).step_by(STRIP) {
                each(from + x, &mut out[to + x..to + row.min(x + STRIP)]);
            }
        },
    );
}

/// `ROWS` strips of `len`, `step` apart.
#[inline(always)]
fn rows<T, const ROWS: usize>(input: &[T], first: usize, step: isize, len: usize) -> [&[T]; ROWS] {
    std::array::from_fn(
        #[inline(always)]
        |r| &input[super::window::moved(first, r, step)..][..len],
    )
}

/// NaN comes last.
#[inline(always)]
fn key<T: Ordered>(element: T) -> T::Key {
    element.key(T::Key::GREATEST)
}

#[inline(always)]
fn value<T: Ordered>(key: T::Key) -> T {
    T::value(key, T::Key::GREATEST)
}

#[inline(always)]
fn line3<T: Ordered>([a, b, c]: [&[T]; 3], out: &mut [T]) {
    for (((o, a), b), c) in out.iter_mut().zip(a).zip(b).zip(c) {
        *o = value(median3(key(*a), key(*b), key(*c)));
    }
}

#[inline(always)]
fn line5<T: Ordered>([a, b, c, d, e]: [&[T]; 5], out: &mut [T]) {
    for (((((o, a), b), c), d), e) in out.iter_mut().zip(a).zip(b).zip(c).zip(d).zip(e) {
        *o = value(sort5([key(*a), key(*b), key(*c), key(*d), key(*e)])[2]);
    }
}

/// Sorts each column of three.
#[inline(always)]
fn columns3<T: Ordered>([a, b, c]: [&[T]; 3], [low, mid, high]: &mut Columns<T::Key, 3>) {
    let n = a.len().min(COLUMNS);
    let (a, b, c) = (&a[..n], &b[..n], &c[..n]);
    for x in 0..n {
        [low[x], mid[x], high[x]] = sort3([key(a[x]), key(b[x]), key(c[x])]);
    }
}

#[inline(always)]
fn three<K: Lane>(row: &[K; COLUMNS], x: usize) -> [K; 3] {
    [row[x], row[x + 1], row[x + 2]]
}

#[inline(always)]
fn across3<T: Ordered>([low, mid, high]: &Columns<T::Key, 3>, out: &mut [T]) {
    let n = out.len().min(STRIP);
    for (x, o) in out[..n].iter_mut().enumerate() {
        *o = value(median_of_columns3(three(low, x), three(mid, x), three(high, x)));
    }
}

/// Sorts each column of five.
#[inline(always)]
fn columns5<T: Ordered>([a, b, c, d, e]: [&[T]; 5], [p, q, r, s, t]: &mut Columns<T::Key, 5>) {
    let n = a.len().min(COLUMNS);
    let (a, b, c, d, e) = (&a[..n], &b[..n], &c[..n], &d[..n], &e[..n]);
    for x in 0..n {
        [p[x], q[x], r[x], s[x], t[x]] = sort5([key(a[x]), key(b[x]), key(c[x]), key(d[x]), key(e[x])]);
    }
}

#[inline(always)]
fn across5<T: Ordered>(columns: &Columns<T::Key, 5>, out: &mut [T]) {
    let n = out.len().min(STRIP);
    for (x, o) in out[..n].iter_mut().enumerate() {
        let window = std::array::from_fn(
            #[inline(always)]
            |place| columns[place / 5][x + place % 5],
        );
        *o = value(median_of_columns5(window));
    }
}

/// Sorts each sheet of three by three along both axes: row `3 · a + b`.
#[inline(always)]
fn sheets3<T: Ordered>([a, b, c]: [[&[T]; 3]; 3], sheets: &mut Columns<T::Key, 9>) {
    let n = a[0].len().min(COLUMNS);
    let [a, b, c] = [a, b, c].map(
        #[inline(always)]
        |rows| [&rows[0][..n], &rows[1][..n], &rows[2][..n]],
    );
    for x in 0..n {
        let [a0, a1, a2] = sort3([key(a[0][x]), key(a[1][x]), key(a[2][x])]);
        let [b0, b1, b2] = sort3([key(b[0][x]), key(b[1][x]), key(b[2][x])]);
        let [c0, c1, c2] = sort3([key(c[0][x]), key(c[1][x]), key(c[2][x])]);
        [sheets[0][x], sheets[1][x], sheets[2][x]] = sort3([a0, b0, c0]);
        [sheets[3][x], sheets[4][x], sheets[5][x]] = sort3([a1, b1, c1]);
        [sheets[6][x], sheets[7][x], sheets[8][x]] = sort3([a2, b2, c2]);
    }
}

#[inline(always)]
fn across_sheets3<T: Ordered>(sheets: &Columns<T::Key, 9>, out: &mut [T]) {
    let n = out.len().min(STRIP);
    for (x, o) in out[..n].iter_mut().enumerate() {
        let window = std::array::from_fn(
            #[inline(always)]
            |place| sheets[place / 3][x + place % 3],
        );
        *o = value(median_of_sheets3(window));
    }
}
