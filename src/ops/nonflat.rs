//! Extremes of elements less or plus the heights of a structure, as one formula that reads at a distance.
//! It does not know which way a structure lies: that is the morphology's.

use super::lines;
use super::wrapping::{recasted, wrapped};
use crate::dtype::{Dtype, Number};
use crate::error::{Error, Result};
use crate::expr::{Expr, Formula};
use crate::graph::{Array, AxisList, Nested, Origin, PerAxis, Stage};
use crate::grid::{Edge, Region, indices};
use crate::storage::{Info, Kind};
use std::panic::Location;
use std::sync::Arc;

/// Places that one formula may read: beyond, its text is no longer one that a GPU's compiler takes.
const MOST_PLACES: usize = 1024;
/// Heights below this keep sums with 16-bit integers within 32 bits.
const MOST_HEIGHT: f64 = 1e9;

/// A structure with heights; a height of -inf marks a place that it has not.
pub struct Structure {
    pub heights: Nested<f64>,
    pub origin: PerAxis<i64>,
    pub axes: AxisList,
    pub dilates: bool,
    /// Whether sums of all places but the first wrap around in the dtype of the array.
    pub wraps: bool,
}

/// A place of the structure: how far from the output's own place, per axis, and its height.
type Place = (Vec<(usize, i32)>, f64);

impl Structure {
    /// The places that the structure has, in C order of its box.
    fn places(&self, info: &Info) -> Result<Vec<Place>> {
        let sizes = self.heights.shape.iter().map(|n| i64::try_from(*n).unwrap_or(i64::MAX)).collect();
        let spans = lines::spans(info, &PerAxis::Each(sizes), &self.origin, &self.axes).map_err(|e| e.about("heights"))?;
        let (spans, heights) =
            if self.dilates { (lines::mirrored(&spans), self.heights.reversed()) } else { (spans, self.heights.clone()) };
        let away = |from: isize, index: usize| i32::try_from(from + index.cast_signed()).unwrap_or(0);
        let places =
            indices(Region::whole(heights.shape)).zip(&heights.items).filter(|(_, height)| **height != f64::NEG_INFINITY);
        let places: Vec<Place> = places
            .map(|(index, height)| (spans.iter().zip(index.iter()).map(|(s, i)| (s.axis, away(s.from, *i))).collect(), *height))
            .collect();
        match places.len() {
            0 => Err(Error::caller("heights: the structure has no place")),
            1..=MOST_PLACES => Ok(places),
            n => Err(Error::caller(format!("heights: the structure has {n} places; the most are {MOST_PLACES}"))),
        }
    }

    /// The dtype in which sums of elements and heights are exact.
    fn sums(&self, dtype: Dtype) -> Dtype {
        let is_whole = |h: &f64| *h == f64::NEG_INFINITY || h.fract() == 0.0 && h.abs() < MOST_HEIGHT;
        if dtype.is_small_int() && self.heights.items.iter().all(is_whole) { Dtype::I32 } else { Dtype::F64 }
    }

    fn formula(&self, dtype: Dtype, places: &[Place]) -> Result<Formula> {
        let sums = self.sums(dtype);
        Formula::build(&[dtype], |reads| {
            let at = |(k, (offsets, height)): (usize, &Place)| {
                let read = offsets.iter().fold(reads[0], |read, (axis, by)| read.shifted(*axis, *by));
                let height = if self.dilates { *height } else { -height };
                if self.wraps && k > 0 { wrapping_sum(read, height).cast(sums) } else { read.cast(sums) + height }
            };
            let best = |a: Expr, b: Expr| if self.dilates { a.max(b) } else { a.min(b) };
            places.iter().enumerate().map(at).reduce(best).ok_or_else(|| Error::bug("a structure of no places"))
        })
    }
}

/// An element and a height as C adds them in the element's type.
fn wrapping_sum(read: Expr, height: f64) -> Expr {
    let read = if read.dtype() == Dtype::F16 { read.cast(Dtype::F32) } else { read };
    let height = recasted(Expr::of(Number::Float(height), Dtype::F64), read.dtype());
    wrapped(read, height, Expr::wrapping_add)
}

/// The erosion or dilation.
pub fn filtered(x: &Array, structure: &Structure, edge: Edge, cval: f64) -> Result<Array> {
    let info = x.info()?;
    lines::refuse_labels(info)?;
    let formula = structure.formula(info.dtype, &structure.places(info)?)?;
    let described =
        Info { dtype: formula.dtype(), kind: if info.kind == Kind::Mask { Kind::Image } else { info.kind }, ..info.clone() };
    let stage = Stage::Formula { formula: Arc::new(formula), edge, constant: Number::Float(cval) };
    let origin = Origin { op: "with heights".to_owned(), part: "with heights".to_owned(), line: Location::caller() };
    Ok(Array::from_stage(stage, vec![x.clone()], Ok(described), origin))
}
