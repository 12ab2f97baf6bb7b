//! Slicing, with NumPy's meaning: steps, negative indices and steps, single indices, new axes, an ellipsis.
//! It does not know how a view is read; it only says which element lies where.

use super::array::Array;
use super::node::{Origin, Pick, Stage};
use crate::error::{Error, Result};
use crate::grid::{Dims, MAX_RANK};
use crate::storage::{Axis, Info};
use std::panic::Location;
use std::sync::Arc;

/// One part of an index expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Index {
    /// A single place: the axis goes. Negative counts from the end.
    At(isize),
    /// A range with a step.
    Range(Slice),
    /// A new axis of extent 1.
    NewAxis,
    /// As many whole axes as are missing.
    Ellipsis,
}

/// `start:stop:step`, each of them optional; negative values as NumPy.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Slice {
    /// First index.
    pub start: Option<isize>,
    /// One past the last.
    pub stop: Option<isize>,
    /// Step, not 0; 1 where absent.
    pub step: Option<isize>,
}

impl Slice {
    /// First index, number of elements and step on an axis of `n`.
    ///
    /// # Errors
    /// A step of 0.
    pub fn resolve(&self, n: usize) -> Result<(usize, usize, isize)> {
        let len = n.cast_signed();
        let step = self.step.unwrap_or(1);
        if step == 0 {
            return Err(Error::caller("slice step is zero"));
        }
        let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
        let place = |given: isize| (if given < 0 { given.saturating_add(len) } else { given }).clamp(low, high);
        let start = self.start.map_or(if step > 0 { low } else { high }, place);
        let stop = self.stop.map_or(if step > 0 { high } else { low }, place);
        let span = if step > 0 { stop - start } else { start - stop };
        let count = if span <= 0 { 0 } else { (span - 1).unsigned_abs() / step.unsigned_abs() + 1 };
        Ok((start.max(0).cast_unsigned(), count, step))
    }
}

impl From<std::ops::Range<isize>> for Index {
    fn from(r: std::ops::Range<isize>) -> Self {
        Index::Range(Slice { start: Some(r.start), stop: Some(r.end), step: None })
    }
}

impl From<std::ops::RangeFull> for Index {
    fn from(_: std::ops::RangeFull) -> Self {
        Index::Range(Slice::default())
    }
}

impl From<isize> for Index {
    fn from(at: isize) -> Self {
        Index::At(at)
    }
}

/// A view under construction: per input axis its pick, and the output's extents and axes.
#[derive(Default)]
struct View {
    picks: Vec<Pick>,
    shape: Vec<usize>,
    axes: Vec<Axis>,
}

impl View {
    fn array(self, of: &Array, op: String, line: &'static Location<'static>) -> Result<Array> {
        let info = of.info()?;
        if self.shape.len() > MAX_RANK {
            return Err(Error::caller(format!("{} axes; at most {MAX_RANK} are supported", self.shape.len())));
        }
        let shape: Dims = self.shape.into_iter().collect();
        let info = Info { shape, axes: self.axes.into(), ..info.clone() };
        let origin = Origin { op, part: String::new(), line };
        Ok(Array::from_stage(Stage::View(Arc::from(self.picks)), vec![of.clone()], Ok(info), origin))
    }

    fn range(&mut self, slice: &Slice, n: usize, axis: &Axis) -> Result<()> {
        let (start, count, step) = slice.resolve(n)?;
        self.picks.push(Pick { axis: Some(self.shape.len()), start, step });
        self.shape.push(count);
        self.axes.push(Axis { step: axis.step * step.unsigned_abs() as f64, ..axis.clone() });
        Ok(())
    }
}

impl Array {
    /// The part that an index expression picks: `x.index(&[(0..8).into(), Index::Ellipsis])` is NumPy's `x[0:8, ...]`.
    #[must_use]
    #[track_caller]
    pub fn index(&self, expression: &[Index]) -> Array {
        let line = Location::caller();
        let words = "index".to_owned();
        let origin = Origin { op: words.clone(), part: String::new(), line };
        let made = self.index_view(expression).and_then(|view| view.array(self, words, line));
        made.unwrap_or_else(|e| Array::broken(e.in_op("index", line), origin))
    }

    fn index_view(&self, expression: &[Index]) -> Result<View> {
        let info = self.info()?;
        let rank = info.shape.len();
        let used = expression.iter().filter(|i| matches!(i, Index::At(_) | Index::Range(_))).count();
        let ellipses = expression.iter().filter(|i| **i == Index::Ellipsis).count();
        if used > rank || ellipses > 1 {
            let what = format!("an index of {used} axes and {ellipses} ellipses for an array of {rank} axes");
            return Err(Error::caller(what));
        }
        let mut view = View::default();
        let whole = |view: &mut View, count: usize| -> Result<()> {
            (0..count).try_for_each(|_| {
                let axis = view.picks.len();
                view.range(&Slice::default(), info.shape[axis], &info.axes[axis])
            })
        };
        for index in expression {
            let axis = view.picks.len();
            match index {
                Index::Ellipsis => whole(&mut view, rank - used)?,
                Index::NewAxis => {
                    view.shape.push(1);
                    view.axes.push(Axis::named(""));
                }
                Index::Range(slice) => view.range(slice, info.shape[axis], &info.axes[axis])?,
                Index::At(at) => {
                    let n = info.shape[axis].cast_signed();
                    let place = if *at < 0 { at.saturating_add(n) } else { *at };
                    if !(0..n).contains(&place) {
                        return Err(Error::caller(format!("index {at} is out of range for axis {axis} of {n} elements")));
                    }
                    view.picks.push(Pick { axis: None, start: place.cast_unsigned(), step: 0 });
                }
            }
        }
        let rest = rank - view.picks.len();
        whole(&mut view, rest)?;
        Ok(view)
    }

    /// The axes in another order; all of them must be named once. Same as `numpy.transpose`.
    #[must_use]
    #[track_caller]
    pub fn transpose(&self, order: &[usize]) -> Array {
        let line = Location::caller();
        let words = format!("transpose({order:?})");
        let origin = Origin { op: words.clone(), part: String::new(), line };
        let made = self.transpose_view(order).and_then(|view| view.array(self, words, line));
        made.unwrap_or_else(|e| Array::broken(e.in_op("transpose", line), origin))
    }

    fn transpose_view(&self, order: &[usize]) -> Result<View> {
        let info = self.info()?;
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if sorted != (0..info.shape.len()).collect::<Vec<_>>() {
            return Err(Error::caller(format!("axes {order:?} are not an order of the {} axes", info.shape.len())));
        }
        let place = |axis: usize| order.iter().position(|o| *o == axis);
        Ok(View {
            picks: (0..order.len()).map(|axis| Pick { axis: place(axis), start: 0, step: 1 }).collect(),
            shape: order.iter().map(|a| info.shape[*a]).collect(),
            axes: order.iter().map(|a| info.axes[*a].clone()).collect(),
        })
    }

    /// The array with the order of these axes reversed. Same as `numpy.flip`.
    pub(crate) fn flipped(&self, axes: &[usize], line: &'static Location<'static>) -> Result<Array> {
        let info = self.info()?;
        let mut view = View::default();
        for axis in 0..info.shape.len() {
            let step = if axes.contains(&axis) { Some(-1) } else { None };
            view.range(&Slice { step, ..Slice::default() }, info.shape[axis], &info.axes[axis])?;
        }
        view.array(self, "flip".to_owned(), line)
    }

    /// The array as it would be repeated to `shape`. Same as `numpy.broadcast_to`.
    #[must_use]
    #[track_caller]
    pub fn broadcast_to(&self, shape: &[usize]) -> Array {
        let line = Location::caller();
        let words = format!("broadcast_to({shape:?})");
        let origin = Origin { op: words.clone(), part: String::new(), line };
        let made = self.broadcast_view(shape).and_then(|view| view.array(self, words, line));
        made.unwrap_or_else(|e| Array::broken(e.in_op("broadcast_to", line), origin))
    }

    fn broadcast_view(&self, shape: &[usize]) -> Result<View> {
        let info = self.info()?;
        let target = Dims::from(shape);
        if super::axes::broadcast(&[info.shape, target])? != target {
            return Err(Error::caller(format!("{} does not broadcast to {target}", info.shape)));
        }
        let new = shape.len() - info.shape.len();
        let pick = |axis: usize| match info.shape[axis] {
            1 if shape[axis + new] != 1 => Pick { axis: None, start: 0, step: 0 },
            _ => Pick { axis: Some(axis + new), start: 0, step: 1 },
        };
        let axis = |out: usize| if out < new { Axis::named("") } else { info.axes[out - new].clone() };
        Ok(View {
            picks: (0..info.shape.len()).map(pick).collect(),
            shape: shape.to_vec(),
            axes: (0..shape.len()).map(axis).collect(),
        })
    }
}
