//! Weighted sums along one axis, in the order of additions of SciPy's `correlate1d`.
//! It does not know where rows lie.

use super::{Lines, Rows, Windows, each_strip};
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::grid::Dims;
use crate::simd::vectorized;
use crate::simd::window::moved;

/// `out[.., i, ..] = Σ_k weights[k] · input[.., i + k, ..]` along the axis of the lines, in the dtype of the input.
///
/// There are `out_shape[axis] + weights.len() - 1` rows along it; other extents are equal. f32 and f64: weights are rounded to
/// the dtype first. The order of additions is SciPy's `correlate1d`, the same for every element: an odd number of
/// symmetric weights takes the centre, then pairs from the outermost to the innermost, each `(left + right) · w`;
/// antisymmetric weights likewise with `(left - right) · w`; else the last tap comes first, then all others from left
/// to right. i32, u32, i64, u64: weights are truncated to integers and sums wrap, so they are exact where they fit.
///
/// # Errors
/// Another dtype, no weights, extents that do not fit, rows that are not dense: faults of the caller inside the crate.
pub fn weighted_sum(input: &Lines<'_>, weights: &[f64], out_shape: &Dims, out: &mut [u8]) -> Result<()> {
    match input.view.dtype {
        Dtype::F32 => weighted_sum_of::<f32>(input, weights, out_shape, out),
        Dtype::F64 => weighted_sum_of::<f64>(input, weights, out_shape, out),
        Dtype::I32 => weighted_sum_of::<i32>(input, weights, out_shape, out),
        Dtype::U32 => weighted_sum_of::<u32>(input, weights, out_shape, out),
        Dtype::I64 => weighted_sum_of::<i64>(input, weights, out_shape, out),
        Dtype::U64 => weighted_sum_of::<u64>(input, weights, out_shape, out),
        other => Err(Error::bug(format!("a weighted sum was asked for {other}; cast to 32 or 64 bits first"))),
    }
}

/// Numbers that weighted sums are made of; integers wrap.
pub(in crate::device::cpu) trait Term: bytemuck::Pod + PartialEq {
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
pub(in crate::device::cpu) enum Pairing {
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
pub(in crate::device::cpu) struct Taps<T> {
    pub(in crate::device::cpu) pairing: Pairing,
    first: (usize, T),
    rest: Vec<(usize, T)>,
    count: usize,
}

impl<T: Term> Taps<T> {
    pub(in crate::device::cpu) fn new(weights: &[f64]) -> Self {
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

fn weighted_sum_of<T: Term>(input: &Lines<'_>, weights: &[f64], out_shape: &Dims, out: &mut [u8]) -> Result<()> {
    let windows = input.windows::<T>(weights.len(), out_shape, out)?;
    let taps = Taps::<T>::new(weights);
    match taps.pairing {
        Pairing::Sums => sum_typed::<T, SUMS>(windows, &taps),
        Pairing::Differences => sum_typed::<T, DIFFERENCES>(windows, &taps),
        Pairing::Single => sum_typed::<T, SINGLE>(windows, &taps),
        Pairing::Box => sum_typed::<T, BOX>(windows, &taps),
    }
    Ok(())
}

#[inline(never)]
fn sum_typed<T: Term, const PAIRING: u8>(windows: Windows<'_, T>, taps: &Taps<T>) {
    vectorized(
        #[inline(always)]
        || sum_lines::<T, PAIRING>(windows, taps),
    );
}

const SUMS: u8 = 0;
const DIFFERENCES: u8 = 1;
const SINGLE: u8 = 2;
const BOX: u8 = 3;

/// Lines of windows: for every line along `axis` and strip of a row, one output strip after the other.
#[inline(always)]
fn sum_lines<T: Term, const PAIRING: u8>(windows: Windows<'_, T>, taps: &Taps<T>) {
    let Windows { input, out, layout, axis, places } = windows;
    each_strip(
        &layout,
        axis,
        #[inline(always)]
        |line, from, to, len| {
            for i in 0..line {
                let goal = moved(to, i, layout.out_strides[axis]);
                let rows = Rows { input, first: from, places: &places[i..i + taps.count], len };
                if PAIRING == BOX && i > 0 {
                    let (done, goal) = out.split_at_mut(goal);
                    let before = &done[done.len() - layout.out_strides[axis].unsigned_abs()..][..len];
                    let gone = Rows { places: &places[i - 1..], ..rows }.get(0);
                    slide(before, gone, rows.get(taps.count - 1), &mut goal[..len]);
                } else {
                    sum_strip::<T, PAIRING>(rows, taps, &mut out[goal..goal + len]);
                }
            }
        },
    );
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
