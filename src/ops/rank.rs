//! Rank filters: the median, the minimum, the maximum, any rank and any percentile of a window.
//! It does not know how extremes along an axis are computed; the fast kernels are in `simd`.

use super::lines::{self, Span};
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::graph::Agreement::Exact;
use crate::graph::{Array, AxisList, Nested, OrderStatistic, PerAxis, Window};
use crate::grid::{Dims, Edge};
use crate::ops;
use crate::simd::median::{has_network, median as by_network};
use crate::simd::rank::{rank as sliding, rank_of_places, rank_slow};
use crate::storage::Info;
use crate::tile::View;
use std::sync::Arc;

/// The element of a rank in a box, or in those places of a box that a footprint marks; NaN is the largest.
#[derive(Debug)]
struct Ranked {
    size: Dims,
    from: Vec<isize>,
    rank: usize,
    /// Which places of the box count; all where there is none.
    footprint: Option<Arc<[bool]>>,
}

/// How the CPU finds a rank.
enum Way<'r> {
    Places(&'r [bool]),
    Network,
    Sliding,
    /// A window of one element.
    Alone,
}

/// What a box that starts at `from` reads before and after its output's place, along an axis.
pub(super) fn reach_of(from: &[isize], size: &Dims, axis: usize) -> (usize, usize) {
    let (Some(from), Some(len)) = (from.get(axis), size.get(axis)) else { return (0, 0) };
    ((-from).max(0).unsigned_abs(), (from + len.cast_signed() - 1).max(0).unsigned_abs())
}

impl Ranked {
    fn way(&self) -> Way<'_> {
        let count = self.size.count();
        match &self.footprint {
            Some(footprint) => Way::Places(footprint),
            None if self.rank == count / 2 && has_network(&self.size) => Way::Network,
            None if count > 1 => Way::Sliding,
            None => Way::Alone,
        }
    }

    /// Element number `count / 2`: the upper median of an even count.
    fn median(info: &Info, spans: &[Span]) -> Ranked {
        let (size, from) = lines::boxed(info.shape.len(), spans);
        Ranked { rank: size.count() / 2, size, from, footprint: None }
    }

    /// The rank that `rank` chooses of the count of places that a size or a footprint has.
    fn new(info: &Info, places: &Places<'_>, rank: impl Fn(usize) -> Result<usize>) -> Result<Ranked> {
        let sizes = |shape: &Dims| PerAxis::Each(shape.iter().map(|n| i64::try_from(*n).unwrap_or(i64::MAX)).collect());
        let (spans, footprint) = match (places.size, places.footprint) {
            (Some(size), None) => (lines::spans(info, size, places.origin, places.axes)?, None),
            (None, Some(footprint)) => {
                let spans = lines::spans(info, &sizes(&footprint.shape), places.origin, places.axes);
                (spans.map_err(|e| e.about("footprint"))?, Some(&footprint.items))
            }
            _ => return Err(Error::caller("give either a size or a footprint")),
        };
        let (size, from) = lines::boxed(info.shape.len(), &spans);
        let count = footprint.map_or(size.count(), |items| items.iter().filter(|marked| **marked).count());
        if count == 0 {
            return Err(Error::caller("a footprint that marks nothing has no element of any rank"));
        }
        let footprint = footprint.filter(|_| count < size.count()).map(|items| items.clone().into());
        Ok(Ranked { rank: rank(count)?, size, from, footprint })
    }
}

/// Which places of a neighbourhood count, as they were given.
struct Places<'a> {
    size: Option<&'a PerAxis<i64>>,
    footprint: Option<&'a Nested<bool>>,
    origin: &'a PerAxis<i64>,
    axes: &'a AxisList,
}

impl Window for Ranked {
    fn reach(&self, axis: usize) -> (usize, usize) {
        reach_of(&self.from, &self.size, axis)
    }

    fn meaning(&self, input: &View<'_>, shape: &Dims, out: &mut [u8]) -> Result<()> {
        rank_slow(input, &self.size, self.footprint.as_deref(), self.rank, shape, out);
        Ok(())
    }

    fn fast(&self, input: &View<'_>, shape: &Dims, out: &mut [u8]) -> bool {
        match self.way() {
            Way::Places(footprint) => rank_of_places(input, &self.size, footprint, self.rank, shape, out).is_ok(),
            Way::Network if by_network(input, &self.size, shape, out) => true,
            Way::Network | Way::Sliding => sliding(input, &self.size, self.rank, shape, out).is_ok(),
            Way::Alone => false,
        }
    }

    fn way(&self, dtype: Dtype) -> String {
        match self.way() {
            Way::Places(_) => "the marked places of each window, its rank selected".to_owned(),
            Way::Network => "a network of comparisons over rows, SIMD".to_owned(),
            Way::Sliding if dtype.size() == 1 => "a histogram that slides along rows".to_owned(),
            Way::Sliding => "a sorted window that slides along rows".to_owned(),
            Way::Alone => "its meaning, element by element".to_owned(),
        }
    }

    fn words(&self) -> String {
        let what = match self.rank {
            rank if rank == self.size.count() / 2 && self.footprint.is_none() => "median".to_owned(),
            rank => format!("rank {rank}"),
        };
        match &self.footprint {
            None => format!("{what} of {}", self.size),
            Some(marks) => {
                let marks: String = marks.iter().map(|marked| if *marked { '1' } else { '0' }).collect();
                format!("{what} of {} where {marks}", self.size)
            }
        }
    }

    fn order_statistic(&self) -> Option<OrderStatistic> {
        Some(OrderStatistic { size: self.size, rank: self.rank, footprint: self.footprint.clone() })
    }
}

/// A rank of SciPy's: negative from the greatest on.
fn rank_of(rank: i64, count: usize) -> Result<usize> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let from_least = if rank < 0 { rank + count } else { rank };
    if !(0..count).contains(&from_least) {
        return Err(Error::caller(format!("rank {rank} of {count} elements; it must be {} to {}", -count, count - 1)));
    }
    usize::try_from(from_least).map_err(|_| Error::bug("a rank below 0"))
}

/// The rank of SciPy's percentile: `count · percentile / 100` cut to a whole number; negative from the greatest on.
fn percentile_rank(percentile: f64, count: usize) -> Result<usize> {
    let from_least = if percentile < 0.0 { percentile + 100.0 } else { percentile };
    if !(0.0..=100.0).contains(&from_least) {
        return Err(Error::caller(format!("percentile must be -100 to 100, got {percentile}")));
    }
    let place = count as f64 * from_least / 100.0;
    Ok((place as usize).min(count.saturating_sub(1)))
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
        Ok((Arc::new(Ranked::median(x, &spans)), mode, cval))
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

    /// The element of a rank in a window, 0 the least, -1 the greatest. NaN counts as the largest.
    pub fn rank_filter[rank_filter_with, RankFilter](x) {
        /// Which element of the sorted window; negative from the greatest on.
        rank: i64;
        /// Window in pixels; one for all axes or one per axis.
        size: Option<PerAxis<i64>> = None,
        /// In place of a size: which places of a box count, as nested lists.
        footprint: Option<Nested<bool>> = None,
        /// What lies outside: reflect, constant, nearest, mirror or wrap.
        mode: Edge = Edge::Reflect,
        /// The number outside, for mode constant.
        cval: f64 = 0.0,
        /// Moves the window: positive to lower indices.
        origin: PerAxis<i64> = PerAxis::One(0),
        /// Which axes; z, y, x by default where axes are named, else all.
        axes: AxisList = AxisList::Default,
    } rule Keep; same_as Some("scipy.ndimage.rank_filter"); agreement Exact;
    window {
        let places = Places { size: size.as_ref(), footprint: footprint.as_ref(), origin: &origin, axes: &axes };
        Ok((Arc::new(Ranked::new(x, &places, |count| rank_of(rank, count))?), mode, cval))
    }

    /// The element below which a percentage of a window lies. NaN counts as the largest.
    pub fn percentile_filter[percentile_filter_with, PercentileFilter](x) {
        /// The percentage, 0 to 100; negative from the greatest on.
        percentile: f64;
        /// Window in pixels; one for all axes or one per axis.
        size: Option<PerAxis<i64>> = None,
        /// In place of a size: which places of a box count, as nested lists.
        footprint: Option<Nested<bool>> = None,
        /// What lies outside: reflect, constant, nearest, mirror or wrap.
        mode: Edge = Edge::Reflect,
        /// The number outside, for mode constant.
        cval: f64 = 0.0,
        /// Moves the window: positive to lower indices.
        origin: PerAxis<i64> = PerAxis::One(0),
        /// Which axes; z, y, x by default where axes are named, else all.
        axes: AxisList = AxisList::Default,
    } rule Keep; same_as Some("scipy.ndimage.percentile_filter"); agreement Exact;
    window {
        let places = Places { size: size.as_ref(), footprint: footprint.as_ref(), origin: &origin, axes: &axes };
        Ok((Arc::new(Ranked::new(x, &places, |count| percentile_rank(percentile, count))?), mode, cval))
    }
}
