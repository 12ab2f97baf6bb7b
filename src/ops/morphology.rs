//! Flat grey morphology with boxes: erosion, dilation and what is made of them.
//! It does not know how extremes along an axis are computed.

use super::lines::{self, Span};
use super::nonflat::{self, Structure};
use super::rank::extremes;
use crate::dtype::Dtype;
use crate::error::Result;
use crate::graph::Agreement::Exact;
use crate::graph::{Array, AxisList, Nested, PerAxis};
use crate::grid::Edge;
use crate::ops;

fn eroded(x: &Array, spans: &[Span], mode: Edge, cval: f64) -> Result<Array> {
    extremes(x, spans, false, mode, cval)
}

fn dilated(x: &Array, spans: &[Span], mode: Edge, cval: f64) -> Result<Array> {
    extremes(x, &lines::mirrored(spans), true, mode, cval)
}

fn opened(x: &Array, spans: &[Span], mode: Edge, cval: f64) -> Result<Array> {
    dilated(&eroded(x, spans, mode, cval)?, spans, mode, cval)
}

fn closed(x: &Array, spans: &[Span], mode: Edge, cval: f64) -> Result<Array> {
    eroded(&dilated(x, spans, mode, cval)?, spans, mode, cval)
}

/// `a - b` in their own dtype, saturated; for bools where they differ.
fn difference(a: &Array, b: &Array) -> Result<Array> {
    let dtype = a.dtype()?;
    match dtype {
        Dtype::Bool => Ok(a ^ b),
        // Where signed numbers that hold both are twice as wide, or nowhere.
        Dtype::U32 | Dtype::U64 => Ok(a.maximum(b).wrapping_subtract(b)),
        _ => lines::cast(&(a - b), dtype),
    }
}

ops! {
    pub static MORPHOLOGY: "morphology";

    /// Flat erosion: the smallest of a box.
    pub fn grey_erosion[grey_erosion_with, GreyErosion](x) {
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
    } rule Keep; same_as Some("scipy.ndimage.grey_erosion"); agreement Exact;
    compose {
        let spans = lines::spans(x.info()?, &size, &origin, &axes)?;
        eroded(x, &spans, mode, cval)
    }

    /// Flat dilation: the largest of the mirrored box.
    pub fn grey_dilation[grey_dilation_with, GreyDilation](x) {
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
    } rule Keep; same_as Some("scipy.ndimage.grey_dilation"); agreement Exact;
    compose {
        let spans = lines::spans(x.info()?, &size, &origin, &axes)?;
        dilated(x, &spans, mode, cval)
    }

    /// Flat opening: an erosion, then a dilation. Removes bright details smaller than the box.
    pub fn grey_opening[grey_opening_with, GreyOpening](x) {
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
    } rule Keep; same_as Some("scipy.ndimage.grey_opening"); agreement Exact;
    compose {
        let spans = lines::spans(x.info()?, &size, &origin, &axes)?;
        opened(x, &spans, mode, cval)
    }

    /// Flat closing: a dilation, then an erosion. Removes dark details smaller than the box.
    pub fn grey_closing[grey_closing_with, GreyClosing](x) {
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
    } rule Keep; same_as Some("scipy.ndimage.grey_closing"); agreement Exact;
    compose {
        let spans = lines::spans(x.info()?, &size, &origin, &axes)?;
        closed(x, &spans, mode, cval)
    }

    /// What an opening removes: `x - grey_opening(x)`, bright details smaller than the box.
    pub fn white_tophat[white_tophat_with, WhiteTophat](x) {
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
    } rule Keep; same_as Some("scipy.ndimage.white_tophat"); agreement Exact;
    compose {
        let spans = lines::spans(x.info()?, &size, &origin, &axes)?;
        difference(x, &opened(x, &spans, mode, cval)?)
    }

    /// What a closing adds: `grey_closing(x) - x`, dark details smaller than the box.
    pub fn black_tophat[black_tophat_with, BlackTophat](x) {
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
    } rule Keep; same_as Some("scipy.ndimage.black_tophat"); agreement Exact;
    compose {
        let spans = lines::spans(x.info()?, &size, &origin, &axes)?;
        difference(&closed(x, &spans, mode, cval)?, x)
    }

    /// Erosion by a structure with heights: the smallest of a box's elements less their heights. Up to 16-bit integers with
    /// whole heights give i32, all else f64.
    pub fn nonflat_erosion[nonflat_erosion_with, NonflatErosion](x) {
        /// A height for every place of the box, nested as the axes are; -inf leaves a place out.
        heights: Nested<f64>;
        /// What lies outside: reflect, constant, nearest, mirror or wrap.
        mode: Edge = Edge::Reflect,
        /// The number outside, for mode constant.
        cval: f64 = 0.0,
        /// Moves the box: positive to lower indices.
        origin: PerAxis<i64> = PerAxis::One(0),
        /// Which axes the box has; z, y, x by default where axes are named, else all.
        axes: AxisList = AxisList::Default,
        /// Whether sums wrap around in the dtype of `x`, as SciPy's do in all places but the first.
        wraps: bool = false,
    } rule Own; same_as None; agreement Exact;
    compose { nonflat::filtered(x, &Structure { heights, origin, axes, dilates: false, wraps }, mode, cval) }

    /// Dilation by a structure with heights: the largest of the mirrored box's elements and their heights. Up to 16-bit
    /// integers with whole heights give i32, all else f64.
    pub fn nonflat_dilation[nonflat_dilation_with, NonflatDilation](x) {
        /// A height for every place of the box, nested as the axes are; -inf leaves a place out.
        heights: Nested<f64>;
        /// What lies outside: reflect, constant, nearest, mirror or wrap.
        mode: Edge = Edge::Reflect,
        /// The number outside, for mode constant.
        cval: f64 = 0.0,
        /// Moves the box: positive to lower indices.
        origin: PerAxis<i64> = PerAxis::One(0),
        /// Which axes the box has; z, y, x by default where axes are named, else all.
        axes: AxisList = AxisList::Default,
        /// Whether sums wrap around in the dtype of `x`, as SciPy's do in all places but the first.
        wraps: bool = false,
    } rule Own; same_as None; agreement Exact;
    compose { nonflat::filtered(x, &Structure { heights, origin, axes, dilates: true, wraps }, mode, cval) }
}
