//! Derivatives: Sobel and Laplace, as floats.
//! It does not know how a window along an axis is computed.

use super::lines::{self, Span};
use crate::error::{Error, Result};
use crate::graph::Agreement::Ulp;
use crate::graph::{Array, AxisList, axes_of};
use crate::grid::Edge;
use crate::ops;
use crate::storage::Info;

/// The spatial axes, or all where no axis is named.
fn all_axes(info: &Info, axes: &AxisList) -> Result<Vec<usize>> {
    let ones = crate::graph::per_axis(info, "axes", &crate::graph::PerAxis::One(()), axes)?;
    Ok(ones.into_iter().map(|(axis, ())| axis).collect())
}

fn three(x: &Array, axis: usize, weights: [f64; 3], edge: Edge, cval: f64) -> Result<Array> {
    lines::weighted(x, Span { axis, from: -1, len: 3 }, &weights, edge, cval)
}

/// The derivative along one axis, smoothed along the others.
fn sobel_along(x: &Array, axis: usize, others: &[usize], edge: Edge, cval: f64) -> Result<Array> {
    let mut y = three(x, axis, [-1.0, 0.0, 1.0], edge, cval)?;
    for other in others.iter().filter(|a| **a != axis) {
        y = three(&y, *other, [1.0, 2.0, 1.0], edge, cval)?;
    }
    Ok(y)
}

ops! {
    pub static EDGES: "edges";

    /// The Sobel derivative along one axis: `[-1, 0, 1]` along it, `[1, 2, 1]` along the others.
    pub fn sobel[sobel_with, Sobel](x) {
        ;
        /// The axis of the derivative, by number or name.
        axis: AxisList = AxisList::Numbers(vec![-1]),
        /// What lies outside: reflect, constant, nearest, mirror or wrap.
        mode: Edge = Edge::Reflect,
        /// The number outside, for mode constant.
        cval: f64 = 0.0,
    } rule Float; same_as Some("scipy.ndimage.sobel"); agreement Ulp(32);
    compose {
        let info = x.info()?;
        lines::refuse_labels(info)?;
        let [axis] = axes_of(info, &axis, &[])?[..] else { return Err(Error::caller("sobel takes one axis")) };
        let y = lines::cast(x, info.dtype.float())?;
        sobel_along(&y, axis, &all_axes(info, &AxisList::Default)?, mode, cval)
    }

    /// The length of the Sobel gradient: `sqrt(Σ sobel(x, axis)²)`.
    pub fn sobel_magnitude[sobel_magnitude_with, SobelMagnitude](x) {
        ;
        /// What lies outside: reflect, constant, nearest, mirror or wrap.
        mode: Edge = Edge::Reflect,
        /// The number outside, for mode constant.
        cval: f64 = 0.0,
        /// Which axes; z, y, x by default where axes are named, else all.
        axes: AxisList = AxisList::Default,
    } rule Float; same_as None; agreement Ulp(16);
    compose {
        let info = x.info()?;
        lines::refuse_labels(info)?;
        let axes = all_axes(info, &axes)?;
        let y = lines::cast(x, info.dtype.float())?;
        let squares = axes.iter().map(|axis| sobel_along(&y, *axis, &axes, mode, cval).map(|g| &g * &g));
        let sum = squares.reduce(|a, b| Ok(a? + b?)).ok_or_else(|| Error::caller("sobel_magnitude needs at least one axis"))??;
        Ok(sum.sqrt())
    }

    /// The Laplacian: the sum of second differences `[1, -2, 1]`.
    pub fn laplace[laplace_with, Laplace](x) {
        ;
        /// What lies outside: reflect, constant, nearest, mirror or wrap.
        mode: Edge = Edge::Reflect,
        /// The number outside, for mode constant.
        cval: f64 = 0.0,
        /// Which axes; z, y, x by default where axes are named, else all.
        axes: AxisList = AxisList::Default,
    } rule Float; same_as Some("scipy.ndimage.laplace"); agreement Ulp(8);
    compose {
        let info = x.info()?;
        lines::refuse_labels(info)?;
        let y = lines::cast(x, info.dtype.float())?;
        let parts = all_axes(info, &axes)?.into_iter().map(|axis| three(&y, axis, [1.0, -2.0, 1.0], mode, cval));
        parts.reduce(|a, b| Ok(a? + b?)).ok_or_else(|| Error::caller("laplace needs at least one axis"))?
    }
}
