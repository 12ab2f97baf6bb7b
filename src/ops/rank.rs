//! Rank filters: median, minimum and maximum of a window.
//! It does not know how extremes along an axis are computed; the median's fast kernels are in `simd`.

use super::lines::{self, Span};
use crate::error::Result;
use crate::graph::Agreement::Exact;
use crate::graph::{Array, AxisList, OrderStatistic, PerAxis, Window};
use crate::grid::{Dims, Edge};
use crate::ops;
use crate::simd::median::median as by_network;
use crate::simd::rank::{rank as sliding, rank_slow};
use crate::storage::Info;
use crate::tile::View;
use std::sync::Arc;

/// The median of a box: element number `count / 2` of the sorted window, NaN last.
struct Median {
    size: Dims,
    from: Vec<isize>,
}

impl Median {
    fn new(info: &Info, spans: &[Span]) -> Median {
        let mut median = Median { size: Dims::filled(info.shape.len(), 1), from: vec![0; info.shape.len()] };
        for span in spans {
            median.size[span.axis] = span.len;
            median.from[span.axis] = span.from;
        }
        median
    }
}

impl Window for Median {
    fn reach(&self) -> Vec<(usize, usize)> {
        let reach =
            |(from, len): (&isize, &usize)| ((-from).max(0).unsigned_abs(), (from + len.cast_signed() - 1).max(0).unsigned_abs());
        self.from.iter().zip(self.size.iter()).map(reach).collect()
    }

    fn meaning(&self, input: &View<'_>, shape: &Dims, out: &mut [u8]) -> Result<()> {
        rank_slow(input, &self.size, self.size.count() / 2, shape, out);
        Ok(())
    }

    fn fast(&self, input: &View<'_>, shape: &Dims, out: &mut [u8]) -> bool {
        let count = self.size.count();
        by_network(input, &self.size, shape, out) || count > 1 && sliding(input, &self.size, count / 2, shape, out).is_ok()
    }

    fn words(&self) -> String {
        format!("median of {}", self.size)
    }

    fn order_statistic(&self) -> Option<OrderStatistic> {
        Some(OrderStatistic { size: self.size, rank: self.size.count() / 2 })
    }
}

/// A flat extreme over windows, axis after axis: exact in any order.
pub(super) fn extremes(x: &Array, spans: &[Span], greatest: bool, mode: Edge, cval: f64) -> Result<Array> {
    let mut y = x.clone();
    for span in spans.iter().filter(|s| s.len > 1) {
        y = lines::extreme(&y, *span, greatest, mode, cval)?;
    }
    Ok(y)
}

ops! {
    pub static RANK: "rank";

    /// The median of a window; the upper one of an even count. NaN counts as the largest.
    pub fn median[median_with, MedianFilter](x) {
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
    } rule Keep; same_as Some("scipy.ndimage.median_filter"); agreement Exact;
    window {
        let spans = lines::spans(x, &size, &origin, &axes)?;
        Ok((Arc::new(Median::new(x, &spans)), mode, cval))
    }

    /// The smallest of a window; NaN where the window holds one.
    pub fn minimum_filter[minimum_filter_with, MinimumFilter](x) {
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
    } rule Keep; same_as Some("scipy.ndimage.minimum_filter"); agreement Exact;
    compose { extremes(x, &lines::spans(x.info()?, &size, &origin, &axes)?, false, mode, cval) }

    /// The largest of a window; NaN where the window holds one.
    pub fn maximum_filter[maximum_filter_with, MaximumFilter](x) {
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
    } rule Keep; same_as Some("scipy.ndimage.maximum_filter"); agreement Exact;
    compose { extremes(x, &lines::spans(x.info()?, &size, &origin, &axes)?, true, mode, cval) }
}
