//! Linear smoothing: gaussian and uniform windows, separable, one axis after the other.
//! It does not know how a window along an axis is computed.

use super::lines::{self, Span};
use crate::dtype::{Dtype, Number};
use crate::error::{Error, Result};
use crate::graph::Agreement::Ulp;
use crate::graph::{Array, AxisList, Extent, PerAxis, beside, per_axis, pixels};
use crate::grid::Edge;
use crate::ops;
use crate::storage::Info;

/// The largest radius of a gaussian window.
const WIDEST: f64 = (1u32 << 19) as f64;

/// The dtype between the axes: f32 where its 24 bits leave an 8-bit result exact to 1e-3, else f64.
pub(super) fn between_axes(dtype: Dtype) -> Dtype {
    match dtype {
        Dtype::Bool | Dtype::U8 | Dtype::I8 | Dtype::F16 | Dtype::F32 => Dtype::F32,
        _ => Dtype::F64,
    }
}

/// SciPy's sampled gaussian of a derivative order, as correlation weights from the lowest index on.
pub(super) fn gaussian_weights(sigma: f64, order: i64, radius: usize) -> Vec<f64> {
    let places = || (0..=2 * radius).map(|k| k as f64 - radius as f64);
    let raw: Vec<f64> = places().map(|x| (-0.5 * x * x / (sigma * sigma)).exp()).collect();
    let total: f64 = raw.iter().sum();
    let s2 = sigma * sigma;
    let factor = |x: f64| match order {
        0 => 1.0,
        1 => x / s2,
        _ => x * x / (s2 * s2) - 1.0 / s2,
    };
    // Correlation reads the derivative's weights backwards: order 1 changes its sign, 0 and 2 are even.
    places().zip(raw).map(|(x, w)| factor(x) * w / total).collect()
}

/// One axis of a gaussian: which, how wide, which derivative.
struct GaussianAxis {
    axis: usize,
    sigma: f64,
    order: i64,
}

fn gaussian_axes(info: &Info, sigma: &PerAxis<Extent>, order: &PerAxis<i64>, axes: &AxisList) -> Result<Vec<GaussianAxis>> {
    let orders = beside(info, "order", order, axes)?;
    let sigmas = per_axis(info, "sigma", sigma, axes)?;
    let mut parts = Vec::new();
    for (axis, extent) in sigmas {
        let sigma = pixels(&extent, &info.axes[axis])?;
        if !sigma.is_finite() || sigma < 0.0 {
            return Err(Error::caller(format!("sigma must be finite and 0 or more, got {sigma} for axis {axis}")));
        }
        let order = orders.iter().find(|(a, _)| *a == axis).map_or(0, |(_, o)| *o);
        if !(0..=2).contains(&order) {
            return Err(Error::caller(format!("order must be 0, 1 or 2, got {order} for axis {axis}")));
        }
        if sigma == 0.0 && order > 0 {
            return Err(Error::caller(format!("a derivative (order {order}) along axis {axis} needs a sigma above 0")));
        }
        if sigma > 1e-15 {
            parts.push(GaussianAxis { axis, sigma, order });
        }
    }
    Ok(parts)
}

fn radius_of(sigma: f64, truncate: f64) -> Result<usize> {
    let radius = truncate * sigma + 0.5;
    if !(0.5..WIDEST).contains(&radius) {
        return Err(Error::caller(format!(
            "sigma {sigma} with truncate {truncate} makes a radius of {radius}; the largest is {WIDEST}"
        )));
    }
    // Floor of a number below 2^19, so the conversion is exact.
    Ok((0..).take_while(|r| f64::from(*r) <= radius).last().unwrap_or(0) as usize)
}

fn windows_sum(spans: &[Span]) -> usize {
    spans.iter().map(|s| s.len).fold(1, usize::saturating_mul)
}

/// The dtype in which the sum of a window of `count` elements is exact, or the float it is rounded in.
fn sum_dtype(dtype: Dtype, count: usize) -> Dtype {
    let fits = |sum: Dtype| {
        let (low, high) = dtype.limits();
        let count = i128::try_from(count).unwrap_or(i128::MAX);
        sum.holds(low.saturating_mul(count)) && sum.holds(high.saturating_mul(count))
    };
    match dtype {
        Dtype::F16 | Dtype::F32 => Dtype::F32,
        Dtype::F64 => Dtype::F64,
        _ => [Dtype::I32, Dtype::U32, Dtype::I64].into_iter().find(|d| fits(*d)).unwrap_or(Dtype::F64),
    }
}

/// The same where a constant takes part: exact only for a whole number that the array could hold.
fn sum_dtype_with(dtype: Dtype, count: usize, constant: f64) -> Dtype {
    let is_element = constant.fract() == 0.0 && dtype.holds(Number::Float(constant).to_int());
    if is_element || dtype.is_float() { sum_dtype(dtype, count) } else { Dtype::F64 }
}

ops! {
    pub static SMOOTH: "smooth";

    /// Gaussian smoothing: a weighted mean with weights `exp(-d²/2σ²)`, or a derivative of it, axis after axis.
    ///
    /// Rounds once: integers to nearest-even of the smoothed value, where SciPy truncates after each axis. A mask gives f32.
    pub fn gaussian[gaussian_with, Gaussian](x) {
        /// Standard deviation in pixels, or a length as `0.25um`; one for all axes or one per axis. 0 leaves an axis alone.
        sigma: PerAxis<Extent>;
        /// Derivative order per axis, 0 to 2. Above 0 the result is a float.
        order: PerAxis<i64> = PerAxis::One(0),
        /// What lies outside: reflect, constant, nearest, mirror or wrap.
        mode: Edge = Edge::Reflect,
        /// The number outside, for mode constant.
        cval: f64 = 0.0,
        /// Where the window ends, in standard deviations.
        truncate: f64 = 4.0,
        /// Which axes; z, y, x by default where axes are named, else all.
        axes: AxisList = AxisList::Default,
    } rule Keep; same_as Some("scipy.ndimage.gaussian_filter"); agreement Ulp(8);
    compose {
        let info = x.info()?;
        lines::refuse_labels(info)?;
        let parts = gaussian_axes(info, &sigma, &order, &axes)?;
        let derives = parts.iter().any(|p| p.order > 0);
        let out = if derives { info.dtype.float() } else { lines::smooth_dtype(info.dtype) };
        let mut y = lines::cast(x, between_axes(info.dtype))?;
        for GaussianAxis { axis, sigma, order } in parts {
            let radius = radius_of(sigma, truncate)?;
            let span = Span { axis, from: -radius.cast_signed(), len: 2 * radius + 1 };
            y = lines::weighted(&y, span, &gaussian_weights(sigma, order, radius), mode, cval)?;
        }
        lines::cast(&y, out)
    }

    /// The mean of a window. Sums of integers are exact; the mean rounds once, to nearest-even. A mask gives f32: its share.
    pub fn uniform[uniform_with, Uniform](x) {
        /// Window in pixels; one for all axes or one per axis.
        size: PerAxis<i64>;
        /// What lies outside: reflect, constant, nearest, mirror or wrap.
        mode: Edge = Edge::Reflect,
        /// The number outside, for mode constant.
        cval: f64 = 0.0,
        /// Moves the window: positive to lower indices.
        origin: PerAxis<i64> = PerAxis::One(0),
        /// Which axes; z, y, x by default where axes are named, else all.
        axes: AxisList = AxisList::Default,
    } rule Keep; same_as Some("scipy.ndimage.uniform_filter"); agreement Ulp(8);
    compose {
        let info = x.info()?;
        lines::refuse_labels(info)?;
        let spans = lines::spans(info, &size, &origin, &axes)?;
        let count = windows_sum(&spans);
        let dtype = if mode == Edge::Constant { sum_dtype_with(info.dtype, count, cval) } else { sum_dtype(info.dtype, count) };
        let mut y = lines::cast(x, dtype)?;
        // What lies outside is summed too: as often as the axes before have summed what lies inside.
        let mut outside = cval;
        for span in spans.into_iter().filter(|s| s.len > 1 || s.from != 0) {
            y = lines::weighted(&y, span, &vec![1.0; span.len], mode, outside)?;
            outside *= span.len as f64;
        }
        mean_of(&y, count, lines::smooth_dtype(info.dtype))
    }
}

/// A sum divided by its count, in the dtype of the input.
fn mean_of(sum: &Array, count: usize, out: Dtype) -> Result<Array> {
    let work = if sum.dtype()? == Dtype::F32 { Dtype::F32 } else { Dtype::F64 };
    let sum = lines::cast(sum, work)?;
    lines::cast(&sum.divide(count as f64), out)
}
