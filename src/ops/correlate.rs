//! Correlation and convolution with weights that the user gives, along one axis and over a box.
//! It does not know how a weighted sum is computed.

use super::box_sum::BoxSum;
use super::lines;
use super::smooth::between_axes;
use crate::dtype::{Dtype, Number};
use crate::error::{Error, Result};
use crate::graph::Agreement::Ulp;
use crate::graph::{Array, AxisList, Nested, Origin, PerAxis, Stage, axes_of};
use crate::grid::{Dims, Edge};
use crate::ops;
use std::panic::Location;
use std::sync::Arc;

/// What the result is: a float where a weight is negative or the input a mask, else the dtype of the input.
fn result_dtype(dtype: Dtype, weights: &Nested<f64>) -> Dtype {
    if weights.items.iter().any(|w| *w < 0.0) { dtype.float() } else { lines::smooth_dtype(dtype) }
}

/// Weighted along one axis.
fn along(x: &Array, weights: &Nested<f64>, axis: &AxisList, origin: i64, mode: Edge, cval: f64) -> Result<Array> {
    let info = x.info()?;
    lines::refuse_labels(info)?;
    let [axis] = axes_of(info, axis, &[])?[..] else { return Err(Error::caller("weights go along one axis")) };
    if weights.shape.len() != 1 {
        return Err(Error::caller(format!("weights along an axis are one list, got lists of shape {}", weights.shape)));
    }
    let length = i64::try_from(weights.items.len()).unwrap_or(i64::MAX);
    let list = AxisList::Numbers(vec![i64::try_from(axis).unwrap_or(0)]);
    let spans = lines::spans(info, &PerAxis::One(length), &PerAxis::One(origin), &list)?;
    let [span] = spans[..] else { return Err(Error::bug("a window along no axis")) };
    let out = result_dtype(info.dtype, weights);
    let y = lines::cast(x, between_axes(info.dtype))?;
    lines::cast(&lines::weighted(&y, span, &weights.items, mode, cval)?, out)
}

/// Weighted over a box.
fn over(x: &Array, weights: &Nested<f64>, origin: &PerAxis<i64>, axes: &AxisList, mode: Edge, cval: f64) -> Result<Array> {
    let info = x.info()?;
    lines::refuse_labels(info)?;
    let sizes = weights.shape.iter().map(|n| i64::try_from(*n).unwrap_or(i64::MAX)).collect();
    let spans = lines::spans(info, &PerAxis::Each(sizes), origin, axes).map_err(|e| e.about("weights"))?;
    let (size, from) = lines::boxed(info.shape.len(), &spans);
    let out = result_dtype(info.dtype, weights);
    let y = lines::cast(x, between_axes(info.dtype))?;
    let stage =
        Stage::Window { window: Arc::new(BoxSum::new(size, from, &weights.items)), edge: mode, constant: Number::Float(cval) };
    let origin = Origin { op: "weighted box".to_owned(), part: "weighted box".to_owned(), line: Location::caller() };
    let described = y.info()?.clone();
    lines::cast(&Array::from_stage(stage, vec![y], Ok(described), origin), out)
}

/// SciPy's origin of a convolution as that of the correlation with reversed weights: an even length has no middle.
fn turned(origin: i64, length: usize) -> i64 {
    -origin - i64::from(length.is_multiple_of(2))
}

fn turned_each(origin: &PerAxis<i64>, shape: &Dims) -> PerAxis<i64> {
    let one = |k: usize| match origin {
        PerAxis::One(origin) => *origin,
        PerAxis::Each(each) => each.get(k).copied().unwrap_or(0),
    };
    match origin {
        PerAxis::Each(each) if each.len() != shape.len() => origin.clone(),
        _ => PerAxis::Each(shape.iter().enumerate().map(|(k, length)| turned(one(k), *length)).collect()),
    }
}

ops! {
    pub static CORRELATE: "correlate";

    /// The sum of a window along one axis, weighted: `Σ weights[k] · x[i + k - len // 2 - origin]`.
    ///
    /// Rounds once, to nearest-even. A float where a weight is negative or `x` is a mask.
    pub fn correlate1d[correlate1d_with, Correlate1d](x) {
        /// The weights, from the lowest index on.
        weights: Nested<f64>;
        /// The axis, by number or name.
        axis: AxisList = AxisList::Numbers(vec![-1]),
        /// What lies outside: reflect, constant, nearest, mirror or wrap.
        mode: Edge = Edge::Reflect,
        /// The number outside, for mode constant.
        cval: f64 = 0.0,
        /// Moves the window: positive to lower indices.
        origin: i64 = 0,
    } rule Keep; same_as Some("scipy.ndimage.correlate1d"); agreement Ulp(16);
    compose { along(x, &weights, &axis, origin, mode, cval) }

    /// The convolution along one axis: `correlate1d` with the weights reversed.
    pub fn convolve1d[convolve1d_with, Convolve1d](x) {
        /// The weights.
        weights: Nested<f64>;
        /// The axis, by number or name.
        axis: AxisList = AxisList::Numbers(vec![-1]),
        /// What lies outside: reflect, constant, nearest, mirror or wrap.
        mode: Edge = Edge::Reflect,
        /// The number outside, for mode constant.
        cval: f64 = 0.0,
        /// Moves the window: positive to higher indices.
        origin: i64 = 0,
    } rule Keep; same_as Some("scipy.ndimage.convolve1d"); agreement Ulp(16);
    compose { along(x, &weights.reversed(), &axis, turned(origin, weights.items.len()), mode, cval) }

    /// The sum of a box, weighted. Elements whose weight is nothing are left out, NaN among them.
    ///
    /// Rounds once, to nearest-even. A float where a weight is negative or `x` is a mask.
    pub fn correlate[correlate_with, Correlate](x) {
        /// The weights, as many nested lists as there are axes.
        weights: Nested<f64>;
        /// What lies outside: reflect, constant, nearest, mirror or wrap.
        mode: Edge = Edge::Reflect,
        /// The number outside, for mode constant.
        cval: f64 = 0.0,
        /// Moves the box: positive to lower indices.
        origin: PerAxis<i64> = PerAxis::One(0),
        /// Which axes the weights go along; all by default.
        axes: AxisList = AxisList::Default,
    } rule Keep; same_as Some("scipy.ndimage.correlate"); agreement Ulp(16);
    compose { over(x, &weights, &origin, &axes, mode, cval) }

    /// The convolution with a box of weights: `correlate` with the weights reversed along every axis.
    pub fn convolve[convolve_with, Convolve](x) {
        /// The weights, as many nested lists as there are axes.
        weights: Nested<f64>;
        /// What lies outside: reflect, constant, nearest, mirror or wrap.
        mode: Edge = Edge::Reflect,
        /// The number outside, for mode constant.
        cval: f64 = 0.0,
        /// Moves the box: positive to higher indices.
        origin: PerAxis<i64> = PerAxis::One(0),
        /// Which axes the weights go along; all by default.
        axes: AxisList = AxisList::Default,
    } rule Keep; same_as Some("scipy.ndimage.convolve"); agreement Ulp(16);
    compose { over(x, &weights.reversed(), &turned_each(&origin, &weights.shape), &axes, mode, cval) }
}
