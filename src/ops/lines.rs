//! The pieces that separable filters are composed of: casts, windows along one axis, window geometry and its checks.
//! It does not know which filter it serves.

use crate::dtype::{Dtype, Number};
use crate::error::{Error, Result};
use crate::expr::{Expr, Formula};
use crate::graph::{Array, AxisList, LineTaps, Origin, PerAxis, Stage, per_axis};
use crate::grid::{Dims, Edge};
use crate::storage::{Info, Kind};
use std::panic::Location;
use std::sync::Arc;

/// The longest window along one axis.
const LONGEST: usize = 1 << 20;

/// A window along one axis: its first element relative to the output's place, and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub axis: usize,
    pub from: isize,
    pub len: usize,
}

fn part(name: &str) -> Origin {
    Origin { op: name.to_owned(), part: name.to_owned(), line: Location::caller() }
}

/// The array in another dtype; itself where it has that dtype.
pub fn cast(x: &Array, dtype: Dtype) -> Result<Array> {
    recast(x, dtype, Expr::cast)
}

/// The array in another dtype by a rule for its elements; itself where it has that dtype.
pub fn recast(x: &Array, dtype: Dtype, rule: impl Fn(Expr, Dtype) -> Expr) -> Result<Array> {
    let info = x.info()?.clone();
    if info.dtype == dtype {
        return Ok(x.clone());
    }
    let formula = Formula::build(&[info.dtype], |reads| Ok(rule(reads[0], dtype)))?;
    let stage = Stage::Formula { formula: Arc::new(formula), edge: Edge::Reflect, constant: Number::Int(0) };
    let kind = if dtype == Dtype::Bool {
        Kind::Mask
    } else if info.kind == Kind::Mask {
        Kind::Image
    } else {
        info.kind
    };
    Ok(Array::from_stage(stage, vec![x.clone()], Ok(Info { dtype, kind, ..info }), part(&format!("as {dtype}"))))
}

/// A weighted sum along an axis, in the dtype of `x` (f32, f64 or an integer with whole weights).
pub fn weighted(x: &Array, span: Span, weights: &[f64], edge: Edge, cval: f64) -> Result<Array> {
    line(x, span, LineTaps::Weights(weights.into()), edge, cval)
}

/// The smallest or largest of a window along an axis. A window longer than what the axis has is the same as one that sees it all.
pub fn extreme(x: &Array, span: Span, greatest: bool, edge: Edge, cval: f64) -> Result<Array> {
    let span = clipped(span, x.info()?.shape[span.axis], edge);
    let taps = if greatest { LineTaps::Greatest(span.len) } else { LineTaps::Least(span.len) };
    line(x, span, taps, edge, cval)
}

/// The shortest window that sees the same elements from each of `n` places, however often: a period of an edge that comes again, of any
/// other the places from which the whole axis and what lies outside are seen.
fn clipped(span: Span, n: usize, edge: Edge) -> Span {
    let period = match edge {
        Edge::Reflect => 2 * n,
        Edge::Mirror => (2 * n).saturating_sub(2).max(1),
        Edge::Wrap => n,
        Edge::Nearest | Edge::Constant => {
            // An end of the axis is all that is seen beyond, or the constant, which lies one further on.
            let far = n.cast_signed() - isize::from(edge == Edge::Nearest && n > 0);
            let (first, last) = (span.from, span.from + span.len.cast_signed() - 1);
            let (first, last) = (first.clamp(-far, far), last.clamp(-far, far));
            return Span { from: first, len: (last - first).unsigned_abs() + 1, ..span };
        }
    };
    Span { len: span.len.min(period.max(1)), ..span }
}

fn line(x: &Array, span: Span, taps: LineTaps, edge: Edge, cval: f64) -> Result<Array> {
    let info = x.info()?.clone();
    let along = match info.axes[span.axis].name.as_str() {
        "" => format!("along axis {}", span.axis),
        name => format!("along {name}"),
    };
    let stage = Stage::Line { axis: span.axis, from: span.from, taps, edge, constant: Number::Float(cval) };
    Ok(Array::from_stage(stage, vec![x.clone()], Ok(info), part(&along)))
}

/// The windows that sizes and origins mean, as SciPy centres them: `size // 2 + origin` elements lie before.
pub fn spans(info: &Info, size: &PerAxis<i64>, origin: &PerAxis<i64>, axes: &AxisList) -> Result<Vec<Span>> {
    let sizes = per_axis(info, "size", size, axes)?;
    let origins = per_axis(info, "origin", origin, axes)?;
    let found = |axis: usize| origins.iter().find(|(a, _)| *a == axis).map_or(0, |(_, o)| *o);
    sizes.into_iter().map(|(axis, size)| span(axis, size, found(axis))).collect()
}

fn span(axis: usize, size: i64, origin: i64) -> Result<Span> {
    let len = usize::try_from(size).ok().filter(|n| (1..=LONGEST).contains(n));
    let len = len.ok_or_else(|| Error::caller(format!("size must be 1 to {LONGEST}, got {size} for axis {axis}")))?;
    let (low, high) = (-(size / 2), (size - 1) / 2);
    if !(low..=high).contains(&origin) {
        return Err(Error::caller(format!("origin must be {low} to {high} for size {size}, got {origin}")));
    }
    let from = isize::try_from(-(size / 2) - origin).unwrap_or(0);
    Ok(Span { axis, from, len })
}

/// The box that windows along axes make: its extents, and where it starts relative to the output's place.
pub fn boxed(rank: usize, spans: &[Span]) -> (Dims, Vec<isize>) {
    let (mut size, mut from) = (Dims::filled(rank, 1), vec![0; rank]);
    for span in spans {
        size[span.axis] = span.len;
        from[span.axis] = span.from;
    }
    (size, from)
}

/// The same windows mirrored, as a dilation reads them.
pub fn mirrored(spans: &[Span]) -> Vec<Span> {
    spans.iter().map(|s| Span { from: 1 - s.from - s.len.cast_signed(), ..*s }).collect()
}

/// Refuses labels: a sum of names means nothing.
pub fn refuse_labels(info: &Info) -> Result<()> {
    if info.kind == Kind::Labels {
        return Err(
            Error::caller("a linear filter mixes labels, which are names").hint("use a rank filter, or cast with astype first")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From every place, what a window sees and what the clipped one sees.
    #[test]
    fn a_clipped_window_sees_the_same() {
        for edge in Edge::ALL {
            for (n, len) in (1..7).flat_map(|n| (1..30).map(move |len| (n, len))) {
                for from in -35..12 {
                    let span = Span { axis: 0, from, len };
                    let short = clipped(span, n, edge);
                    let seen = |span: Span, place: isize| {
                        let all = (0..span.len.cast_signed()).map(|k| edge.fold(place + span.from + k, n));
                        all.collect::<std::collections::BTreeSet<_>>()
                    };
                    let same = (0..n.cast_signed()).all(|place| seen(span, place) == seen(short, place));
                    assert!(same, "{edge:?}, {n} elements: {span:?} is not {short:?}");
                    assert!(short.len <= 2 * n + 1 && short.len <= len, "{edge:?}, {n} elements: {short:?}");
                }
            }
        }
    }
}
