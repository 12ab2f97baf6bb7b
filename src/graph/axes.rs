//! Which axes an op means: defaults by name, choices by number or name, per-axis values, broadcasting of shapes.
//! It does not know what the op does along them.

use super::args::{AxisList, Extent, PerAxis};
use crate::error::{Error, Result, unknown};
use crate::grid::Dims;
use crate::storage::{Axis, Info};

/// The axes of a list, ascending and without repeats; `default` where the list is the default.
///
/// # Errors
/// A number outside the rank, an unknown name, an axis named twice.
pub fn axes_of(info: &Info, list: &AxisList, default: &[usize]) -> Result<Vec<usize>> {
    let mut axes = listed(info, list, || Ok(default.to_vec()))?;
    axes.sort_unstable();
    Ok(axes)
}

/// The same in the order in which they are given.
fn listed(info: &Info, list: &AxisList, default: impl FnOnce() -> Result<Vec<usize>>) -> Result<Vec<usize>> {
    let rank = info.shape.len();
    let axes = match list {
        AxisList::Default => return default(),
        AxisList::Numbers(numbers) => numbers.iter().map(|n| axis_number(*n, rank)).collect::<Result<Vec<_>>>()?,
        AxisList::Names(names) => names.iter().map(|name| axis_named(info, name)).collect::<Result<Vec<_>>>()?,
    };
    match axes.iter().enumerate().find(|(k, axis)| axes[..*k].contains(axis)) {
        Some((_, twice)) => Err(Error::caller(format!("axis {twice} is given twice"))),
        None => Ok(axes),
    }
}

fn axis_number(number: i64, rank: usize) -> Result<usize> {
    let from_end = if number < 0 { number + i64::try_from(rank).unwrap_or(0) } else { number };
    let axis = usize::try_from(from_end).ok().filter(|axis| *axis < rank);
    axis.ok_or_else(|| Error::caller(format!("axis {number} is out of range for an array of {rank} axes")))
}

fn axis_named(info: &Info, name: &str) -> Result<usize> {
    let lower = name.to_lowercase();
    info.axis(&lower).ok_or_else(|| {
        let known: Vec<&str> = info.axes.iter().map(|a| a.name.as_str()).filter(|n| !n.is_empty()).collect();
        if known.is_empty() {
            return Error::caller(format!("axis '{name}' is not known: the axes have no names"))
                .hint("name them, as in axes=\"ZYX\"");
        }
        unknown("axis", name, known)
    })
}

/// The axes that a scalar size or sigma means: those of space where any axis is named, all where none is.
///
/// # Errors
/// Named axes of which none is one of space: a filter of no axis would be a copy.
fn meant(info: &Info) -> Result<Vec<usize>> {
    let named = info.axes.iter().any(|a| !a.name.is_empty());
    let meant: Vec<usize> = (0..info.shape.len()).filter(|a| !named || info.axes[*a].is_spatial()).collect();
    if !named || !meant.is_empty() {
        return Ok(meant);
    }
    let names: Vec<&str> = info.axes.iter().map(|a| if a.name.is_empty() { "?" } else { a.name.as_str() }).collect();
    let what = format!("none of the axes {} is known to be one of space: a single number touches none", names.join(", "));
    Err(Error::caller(what).hint(format!("say which, as in axes=[\"{}\"], or give one value per axis", names[names.len() - 1])))
}

/// Pairs axes with values: a scalar goes to the axes that are meant, a list is per axis in array order, or per chosen
/// axis, in the order of `axes`, where that chooses. The pairs are in the array's order.
///
/// # Errors
/// A list of another length than the axes it is for; a scalar for named axes of which none is one of space.
pub fn per_axis<T: Clone>(info: &Info, what: &str, values: &PerAxis<T>, axes: &AxisList) -> Result<Vec<(usize, T)>> {
    let all: Vec<usize> = (0..info.shape.len()).collect();
    match values {
        PerAxis::One(one) => {
            let mut axes = listed(info, axes, || meant(info))?;
            axes.sort_unstable();
            Ok(axes.into_iter().map(|axis| (axis, one.clone())).collect())
        }
        PerAxis::Each(each) => {
            let chosen = listed(info, axes, || Ok(all))?;
            if each.len() != chosen.len() {
                let what = format!(
                    "{what} has {} values for {} axes (array of shape {}, axes {})",
                    each.len(),
                    chosen.len(),
                    info.shape,
                    info.letters()
                );
                return Err(
                    Error::caller(what).hint(format!("give one value per axis, {} in all, or a single number", chosen.len()))
                );
            }
            let mut pairs: Vec<(usize, T)> = chosen.into_iter().zip(each.iter().cloned()).collect();
            pairs.sort_by_key(|(axis, _)| *axis);
            Ok(pairs)
        }
    }
}

/// The same for what goes with another value, as the origin does with the size: a single number is every axis's.
///
/// # Errors
/// A list of another length than the axes it is for.
pub fn beside<T: Clone>(info: &Info, what: &str, values: &PerAxis<T>, axes: &AxisList) -> Result<Vec<(usize, T)>> {
    match values {
        PerAxis::One(one) => Ok((0..info.shape.len()).map(|axis| (axis, one.clone())).collect()),
        PerAxis::Each(_) => per_axis(info, what, values, axes),
    }
}

/// An extent in pixels of an axis.
///
/// # Errors
/// A length along an axis without a pixel size, or in a unit that does not convert.
pub fn pixels(extent: &Extent, axis: &Axis) -> Result<f64> {
    match extent {
        Extent::Pixels(v) => Ok(*v),
        Extent::Length(v, unit) => {
            let own = axis.unit.as_deref().and_then(metres);
            match (metres(unit), own) {
                (Some(given), Some(own)) if axis.step > 0.0 => Ok(v * given / (own * axis.step)),
                (None, _) => Err(Error::caller(format!("unknown unit '{unit}'")).hint("known: nm, um, mm, cm, m")),
                _ => {
                    Err(Error::caller(format!("{v}{unit} along axis '{}', which has no pixel size", axis.name))
                        .hint("give pixels"))
                }
            }
        }
    }
}

fn metres(unit: &str) -> Option<f64> {
    Some(match unit {
        "nm" | "nanometer" => 1e-9,
        "um" | "µm" | "micron" | "micrometer" => 1e-6,
        "mm" | "millimeter" => 1e-3,
        "cm" | "centimeter" => 1e-2,
        "m" | "meter" | "metre" => 1.0,
        "inch" => 0.0254,
        _ => return None,
    })
}

/// The shape that all broadcast to, as NumPy: aligned at the last axis, extents equal or 1.
///
/// # Errors
/// Shapes that do not go together.
pub fn broadcast(shapes: &[Dims]) -> Result<Dims> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut out = Dims::filled(rank, 1);
    for shape in shapes {
        for (axis, extent) in (rank - shape.len()..).zip(shape.iter()) {
            match (out[axis], *extent) {
                (a, b) if a == b || b == 1 => {}
                (1, b) => out[axis] = b,
                _ => {
                    let all: Vec<String> = shapes.iter().map(ToString::to_string).collect();
                    return Err(Error::caller(format!("shapes {} do not broadcast", all.join(" and ")))
                        .hint("axes are aligned at the last one; extents must be equal or 1"));
                }
            }
        }
    }
    Ok(out)
}
