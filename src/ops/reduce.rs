//! Reductions over axes: sum, mean, variance, deviation, extremes and their places, with NumPy's dtypes.
//! It does not know how states are kept or joined.

use super::geometry::sum_dtype;
use super::reductions::{Goal, Reduction};
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::graph::Agreement::{Exact, Relative};
use crate::graph::{AxisList, FoldMade, axes_of};
use crate::ops;
use crate::storage::Info;
use ::std::sync::Arc;

fn reduction(info: &Info, axis: &AxisList, keepdims: bool, goal: Goal, dtype: Dtype) -> Result<FoldMade> {
    let all: Vec<usize> = (0..info.shape.len()).collect();
    let axes = axes_of(info, axis, &all)?;
    Ok((Arc::new(Reduction::new(goal, axes, info.shape, info.dtype)), dtype, keepdims))
}

/// Places are counted along one axis or over all.
fn place(info: &Info, axis: &AxisList, keepdims: bool, goal: Goal) -> Result<FoldMade> {
    let chosen = axes_of(info, axis, &(0..info.shape.len()).collect::<Vec<_>>())?;
    if chosen.len() != 1 && chosen.len() != info.shape.len() {
        return Err(Error::caller(format!(
            "the place of an extreme is found along one axis or over all, got {} axes",
            chosen.len()
        )));
    }
    reduction(info, axis, keepdims, goal, Dtype::I64)
}

fn mean_dtype(dtype: Dtype) -> Dtype {
    if dtype.is_float() { dtype } else { Dtype::F64 }
}

fn ddof_checked(ddof: f64) -> Result<f64> {
    if ddof.is_finite() && ddof >= 0.0 { Ok(ddof) } else { Err(Error::caller(format!("ddof must be 0 or more, got {ddof}"))) }
}

ops! {
    pub static REDUCE: "reduce";

    /// The sum over axes. Integers are exact and give i64 or u64; floats keep their dtype.
    pub fn sum[sum_with, Sum](x) {
        ;
        /// Which axes; all by default.
        axis: AxisList = AxisList::Default,
        /// Whether reduced axes stay with extent 1.
        keepdims: bool = false,
    } rule Own; same_as Some("numpy.sum"); agreement Relative(3e-6);
    fold { reduction(x, &axis, keepdims, Goal::Sum, sum_dtype(x.dtype)) }

    /// The mean over axes. Integers give f64, correctly rounded; floats keep their dtype.
    pub fn mean[mean_with, Mean](x) {
        ;
        /// Which axes; all by default.
        axis: AxisList = AxisList::Default,
        /// Whether reduced axes stay with extent 1.
        keepdims: bool = false,
    } rule Own; same_as Some("numpy.mean"); agreement Relative(3e-6);
    fold { reduction(x, &axis, keepdims, Goal::Mean, mean_dtype(x.dtype)) }

    /// The variance over axes: the mean square distance from the mean. Integers give f64; floats keep their dtype.
    pub fn var[var_with, Var](x) {
        ;
        /// Which axes; all by default.
        axis: AxisList = AxisList::Default,
        /// Taken off the count that the sum of squares is divided by.
        ddof: f64 = 0.0,
        /// Whether reduced axes stay with extent 1.
        keepdims: bool = false,
    } rule Own; same_as Some("numpy.var"); agreement Relative(3e-6);
    fold {
        let ddof = ddof_checked(ddof)?;
        reduction(x, &axis, keepdims, Goal::Variance { ddof }, mean_dtype(x.dtype))
    }

    /// The standard deviation over axes. Integers give f64; floats keep their dtype.
    pub fn std[std_with, Std](x) {
        ;
        /// Which axes; all by default.
        axis: AxisList = AxisList::Default,
        /// Taken off the count that the sum of squares is divided by.
        ddof: f64 = 0.0,
        /// Whether reduced axes stay with extent 1.
        keepdims: bool = false,
    } rule Own; same_as Some("numpy.std"); agreement Relative(3e-6);
    fold {
        let ddof = ddof_checked(ddof)?;
        reduction(x, &axis, keepdims, Goal::Deviation { ddof }, mean_dtype(x.dtype))
    }

    /// The smallest over axes, in the dtype of `x`; NaN where there is one.
    pub fn min[min_with, Min](x) {
        ;
        /// Which axes; all by default.
        axis: AxisList = AxisList::Default,
        /// Whether reduced axes stay with extent 1.
        keepdims: bool = false,
    } rule Keep; same_as Some("numpy.min"); agreement Exact;
    fold { reduction(x, &axis, keepdims, Goal::Least, x.dtype) }

    /// The largest over axes, in the dtype of `x`; NaN where there is one.
    pub fn max[max_with, Max](x) {
        ;
        /// Which axes; all by default.
        axis: AxisList = AxisList::Default,
        /// Whether reduced axes stay with extent 1.
        keepdims: bool = false,
    } rule Keep; same_as Some("numpy.max"); agreement Exact;
    fold { reduction(x, &axis, keepdims, Goal::Greatest, x.dtype) }

    /// The index of the first smallest element along one axis, or over all in C order; the first NaN where there is one.
    pub fn argmin[argmin_with, Argmin](x) {
        ;
        /// Which axis; all by default.
        axis: AxisList = AxisList::Default,
        /// Whether reduced axes stay with extent 1.
        keepdims: bool = false,
    } rule Own; same_as Some("numpy.argmin"); agreement Exact;
    fold { place(x, &axis, keepdims, Goal::LeastPlace) }

    /// The index of the first largest element along one axis, or over all in C order; the first NaN where there is one.
    pub fn argmax[argmax_with, Argmax](x) {
        ;
        /// Which axis; all by default.
        axis: AxisList = AxisList::Default,
        /// Whether reduced axes stay with extent 1.
        keepdims: bool = false,
    } rule Own; same_as Some("numpy.argmax"); agreement Exact;
    fold { place(x, &axis, keepdims, Goal::GreatestPlace) }
}
