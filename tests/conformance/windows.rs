//! What each window op means: windows gathered element by element, outside indices folded by the edge.
//! It does not know tiles, kernels or running sums.

use super::data::Values;
use super::elementwise::wrapped;
use super::oracle::{Case, Expected, Judge, float, int, rounded};
use stackmill::dtype::{Dtype, Number};
use stackmill::graph::Value;
use stackmill::grid::{Dims, Edge, Region, indices};
use std::cmp::Ordering;

/// A field of floats with the magnitude that each was made of.
#[derive(Clone)]
struct Field {
    shape: Dims,
    values: Vec<f64>,
    scales: Vec<f64>,
}

impl Field {
    fn of(values: &Values) -> Field {
        let numbers: Vec<f64> = values.numbers.iter().map(|n| float(*n)).collect();
        Field { shape: values.dims(), scales: numbers.iter().map(|v| v.abs()).collect(), values: numbers }
    }

    /// `Σ weights[k] · self[i + from + k]` along an axis.
    fn correlated(&self, axis: usize, from: isize, weights: &[f64], edge: Edge, cval: f64) -> Field {
        let mut out = self.clone();
        for (place, index) in indices(Region::whole(self.shape)).enumerate() {
            let (mut sum, mut scale) = (0.0, 0.0);
            for (k, weight) in weights.iter().enumerate() {
                let at = index[axis].cast_signed() + from + k.cast_signed();
                let found = edge.fold(at, self.shape[axis]).map(|i| self.shape.linear_of(&index.with(axis, i)));
                sum += weight * found.map_or(cval, |i| self.values[i]);
                scale += weight.abs() * found.map_or(cval.abs(), |i| self.scales[i]);
            }
            (out.values[place], out.scales[place]) = (sum, scale);
        }
        out
    }

    fn plus(mut self, other: &Field) -> Field {
        self.values.iter_mut().zip(&other.values).for_each(|(a, b)| *a += b);
        self.scales.iter_mut().zip(&other.scales).for_each(|(a, b)| *a += b);
        self
    }

    fn expected(self, case: &Case, dtype: Dtype) -> Expected {
        let judge = if dtype.is_float() { Judge::Declared } else { Judge::Rounded };
        let numbers = self.values.into_iter().map(Number::Float).collect();
        Expected { shape: case.x().shape.clone(), dtype, numbers, scales: self.scales, judge }
    }
}

/// The float that derivatives of a dtype are.
fn derived(dtype: Dtype) -> Dtype {
    match dtype {
        Dtype::U32 | Dtype::I32 | Dtype::U64 | Dtype::I64 | Dtype::F64 => Dtype::F64,
        _ => Dtype::F32,
    }
}

fn gaussian_taps(sigma: f64, order: i64, truncate: f64) -> (isize, Vec<f64>) {
    let radius = (truncate * sigma + 0.5).floor() as isize;
    let bell = |x: f64| (-x * x / (2.0 * sigma * sigma)).exp();
    let total: f64 = (-radius..=radius).map(|x| bell(x as f64)).sum();
    // f(i) -> Σ f(i + x) g(-x): a derivative of the bell is read backwards.
    let tap = |x: f64| match order {
        0 => bell(x) / total,
        1 => -(-x / sigma.powi(2)) * bell(x) / total,
        _ => (x * x - sigma * sigma) / sigma.powi(4) * bell(x) / total,
    };
    (-radius, (-radius..=radius).map(|x| tap(x as f64)).collect())
}

/// A mask is smoothed to its share, which no bool holds.
fn smoothed(dtype: Dtype) -> Dtype {
    if dtype == Dtype::Bool { Dtype::F32 } else { dtype }
}

pub fn gaussian(case: &Case) -> Expected {
    let (sigma, order) = (case.floats("sigma"), case.floats("order"));
    let mut field = Field::of(case.x());
    for axis in 0..3 {
        if sigma[axis] > 0.0 {
            let (from, taps) = gaussian_taps(sigma[axis], order[axis] as i64, case.number("truncate"));
            field = field.correlated(axis, from, &taps, case.edge(), case.cval());
        }
    }
    let dtype = smoothed(case.x().dtype);
    field.expected(case, if order.iter().any(|o| *o > 0.0) { derived(dtype) } else { dtype })
}

/// The Sobel derivative along `axis`, smoothed along the others of `axes`.
fn sobel_field(case: &Case, axis: usize) -> Field {
    let mut field = Field::of(case.x()).correlated(axis, -1, &[-1.0, 0.0, 1.0], case.edge(), case.cval());
    for other in (0..3).filter(|a| *a != axis) {
        field = field.correlated(other, -1, &[1.0, 2.0, 1.0], case.edge(), case.cval());
    }
    field
}

pub fn sobel(case: &Case) -> Expected {
    let axis = case.axes("axis").first().copied().unwrap_or(2);
    sobel_field(case, axis).expected(case, derived(case.x().dtype))
}

pub fn sobel_magnitude(case: &Case) -> Expected {
    let fields: Vec<Field> = (0..3).map(|axis| sobel_field(case, axis)).collect();
    let mut sum = fields[0].clone();
    for k in 0..sum.values.len() {
        sum.values[k] = fields.iter().map(|f| f.values[k] * f.values[k]).sum::<f64>().sqrt();
        sum.scales[k] = fields.iter().map(|f| f.scales[k] * f.scales[k]).sum::<f64>().sqrt();
    }
    sum.expected(case, derived(case.x().dtype))
}

pub fn laplace(case: &Case) -> Expected {
    let part = |axis| Field::of(case.x()).correlated(axis, -1, &[1.0, -2.0, 1.0], case.edge(), case.cval());
    part(0).plus(&part(1)).plus(&part(2)).expected(case, derived(case.x().dtype))
}

/// The window of every element as numbers; `mirrored` reads it at the other side of its centre.
fn windows(case: &Case, values: &Values, mirrored: bool) -> Vec<Vec<Number>> {
    let size: Dims = case.floats("size").iter().map(|s| *s as usize).collect();
    gathered(case, values, size, mirrored)
}

fn gathered(case: &Case, values: &Values, size: Dims, mirrored: bool) -> Vec<Vec<Number>> {
    let origin = case.floats("origin");
    let shape = values.dims();
    let outside = rounded(Number::Float(case.cval()), values.dtype);
    let from: Vec<isize> = size.iter().zip(&origin).map(|(s, o)| -(*s as isize / 2) - *o as isize).collect();
    let one = |index: Dims| {
        indices(Region::whole(size))
            .map(|k| {
                let at = |a: usize| {
                    let offset = from[a] + k[a].cast_signed();
                    index[a].cast_signed() + if mirrored { -offset } else { offset }
                };
                let folded: Option<Dims> = (0..3).map(|a| case.edge().fold(at(a), shape[a])).collect();
                folded.map_or(outside, |i| values.numbers[shape.linear_of(&i)])
            })
            .collect()
    };
    indices(Region::whole(shape)).map(one).collect()
}

/// Nested lists as extents and numbers; `[1, 1, n]` along one axis where it is a single list.
fn nested(case: &Case, name: &str) -> Option<(Vec<usize>, Vec<f64>)> {
    fn walk(value: &Value, depth: usize, shape: &mut Vec<usize>, items: &mut Vec<f64>) {
        let Value::List(level) = value else {
            items.push(match value {
                Value::Bool(marked) => f64::from(u8::from(*marked)),
                Value::Int(i) => *i as f64,
                Value::Float(v) => *v,
                other => panic!("{other} is no number"),
            });
            return;
        };
        if shape.len() == depth {
            shape.push(level.len());
        }
        level.iter().for_each(|part| walk(part, depth + 1, shape, items));
    }
    let value = case.args.iter().find(|(n, _)| n == name).map(|(_, v)| v)?;
    let (mut shape, mut items) = (Vec::new(), Vec::new());
    walk(value, 0, &mut shape, &mut items);
    Some((shape, items))
}

/// The element of a rank among the marked places of every window.
pub fn ranked(case: &Case) -> Expected {
    let marks = nested(case, "footprint");
    let size: Dims = match &marks {
        Some((shape, _)) => shape.iter().copied().collect(),
        None => case.floats("size").iter().map(|s| *s as usize).collect(),
    };
    let counts = |k: usize| marks.as_ref().is_none_or(|(_, marks)| marks[k] != 0.0);
    let count = (0..size.count()).filter(|k| counts(*k)).count();
    let rank = match case.op.name {
        "rank_filter" => case.number("rank").rem_euclid(count as f64) as usize,
        _ => {
            let percent = case.number("percentile");
            let percent = if percent < 0.0 { percent + 100.0 } else { percent };
            ((count as f64 * percent / 100.0) as usize).min(count - 1)
        }
    };
    let pick = |window: Vec<Number>| {
        let mut marked: Vec<Number> = window.into_iter().enumerate().filter(|(k, _)| counts(*k)).map(|(_, v)| v).collect();
        marked.sort_by(order);
        marked[rank]
    };
    let numbers = gathered(case, case.x(), size, false).into_iter().map(pick).collect();
    Expected::exact(case.x().shape.clone(), case.x().dtype, numbers)
}

/// A box of weights over every element: reversed, and with the other middle, where it is a convolution.
pub fn correlation(case: &Case) -> Expected {
    let (shape, weights) = nested(case, "weights").expect("weights");
    let convolves = case.op.name.starts_with("convolve");
    let axis = case.axes("axis").first().copied().unwrap_or(2);
    let size: Dims = if shape.len() == 1 {
        (0..3).map(|a| if a == axis { shape[0] } else { 1 }).collect()
    } else {
        shape.iter().copied().collect()
    };
    let origin = |a: usize| if shape.len() == 1 && a != axis { 0 } else { case.floats("origin")[a] as isize };
    let (x, extents) = (case.x(), case.x().dims());
    // A convolution reads x[i - k]: its middle is that of the reversed weights.
    let start = |a: usize| match convolves {
        false => -(size[a] as isize / 2) - origin(a),
        true => -(size[a] as isize / 2) + origin(a) + isize::from(size[a].is_multiple_of(2)),
    };
    let all: Vec<(Dims, f64)> = indices(Region::whole(size)).zip(weights.iter().copied()).collect();
    let mut field = Field::of(x);
    for (place, index) in indices(Region::whole(extents)).enumerate() {
        let (mut sum, mut scale) = (0.0, 0.0);
        for (k, weight) in all.iter().filter(|(_, weight)| shape.len() == 1 || *weight != 0.0) {
            let step = |a: usize| if convolves { (size[a] - 1 - k[a]).cast_signed() } else { k[a].cast_signed() };
            let at: Option<Dims> =
                (0..3).map(|a| case.edge().fold(index[a].cast_signed() + start(a) + step(a), extents[a])).collect();
            let value = at.map_or(case.cval(), |i| float(x.numbers[extents.linear_of(&i)]));
            (sum, scale) = (sum + weight * value, scale + (weight * value).abs());
        }
        (field.values[place], field.scales[place]) = (sum, scale);
    }
    let out = if weights.iter().any(|w| *w < 0.0) { derived(x.dtype) } else { smoothed(x.dtype) };
    field.expected(case, out)
}

/// A sum as C makes it in a type: of integers the low bits, of floats rounded once.
fn sum_in(value: Number, height: f64, dtype: Dtype) -> f64 {
    match dtype {
        Dtype::F64 => float(value) + height,
        Dtype::F16 | Dtype::F32 => f64::from(float(value) as f32 + height as f32),
        Dtype::Bool => f64::from(u8::from(float(value) != 0.0 || height != 0.0)),
        _ => wrapped(int(value) + wrapped(height.trunc() as i128, dtype), dtype) as f64,
    }
}

/// Extremes of elements less or plus heights; a dilation's structure is mirrored.
pub fn nonflat(case: &Case) -> Expected {
    let (shape, heights) = nested(case, "heights").expect("heights");
    let size: Dims = shape.iter().copied().collect();
    let (dilates, wraps) = (case.op.name == "nonflat_dilation", case.is_set("wraps"));
    let (x, extents) = (case.x(), case.x().dims());
    let start = |a: usize| match (dilates, case.floats("origin")[a] as isize) {
        (false, origin) => -(size[a] as isize / 2) - origin,
        (true, origin) => 1 - size[a].cast_signed() + size[a] as isize / 2 + origin,
    };
    let places: Vec<(Dims, f64)> = indices(Region::whole(size)).zip(heights.iter().copied()).collect();
    let mut places: Vec<(Dims, f64)> = places.into_iter().filter(|(_, h)| *h != f64::NEG_INFINITY).collect();
    if dilates {
        places.reverse();
    }
    let whole = x.dtype.is_small_int() && places.iter().all(|(_, h)| h.fract() == 0.0);
    let outside = rounded(Number::Float(case.cval()), x.dtype);
    let sums = |index: &Dims| -> Vec<Number> {
        let one = |(number, (k, height)): (usize, &(Dims, f64))| {
            let step = |a: usize| if dilates { size[a] - 1 - k[a] } else { k[a] }.cast_signed();
            let at: Option<Dims> =
                (0..3).map(|a| case.edge().fold(index[a].cast_signed() + start(a) + step(a), extents[a])).collect();
            let value = at.map_or(outside, |i| x.numbers[extents.linear_of(&i)]);
            let height = if dilates { *height } else { -height };
            Number::Float(if wraps && number > 0 { sum_in(value, height, x.dtype) } else { float(value) + height })
        };
        places.iter().enumerate().map(one).collect()
    };
    let numbers = indices(Region::whole(extents)).map(|index| {
        let mut sums = sums(&index);
        sums.sort_by(order);
        let (least, most) = (sums[0], sums[sums.len() - 1]);
        // NaN is last, and what an extreme of it is.
        let best = if dilates || float(most).is_nan() { most } else { least };
        if whole { Number::Int(float(best) as i128) } else { best }
    });
    Expected::exact(x.shape.clone(), if whole { Dtype::I32 } else { Dtype::F64 }, numbers.collect())
}

/// -0 before +0, NaN last.
fn order(a: &Number, b: &Number) -> Ordering {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => a.cmp(b),
        _ => match (float(*a).is_nan(), float(*b).is_nan()) {
            (false, false) => float(*a).total_cmp(&float(*b)),
            (a, b) => a.cmp(&b),
        },
    }
}

fn extreme(case: &Case, values: &Values, greatest: bool, mirrored: bool) -> Values {
    let pick = |window: Vec<Number>| {
        let nan = window.iter().copied().find(|n| float(*n).is_nan());
        let least = window.iter().copied().min_by(order);
        nan.unwrap_or(if greatest { window.iter().copied().max_by(order).unwrap() } else { least.unwrap() })
    };
    let numbers = windows(case, values, mirrored).into_iter().map(pick).collect();
    Values { numbers, ..values.clone() }
}

fn difference(a: &Values, b: &Values) -> Values {
    let one = |(a, b): (&Number, &Number)| match a {
        Number::Int(v) => Number::Int(v - int(*b)),
        _ => Number::Float(float(*a) - float(*b)),
    };
    let numbers = a.numbers.iter().zip(&b.numbers);
    let numbers = if a.dtype == Dtype::Bool {
        numbers.map(|(a, b)| Number::Int(int(*a) ^ int(*b))).collect()
    } else {
        numbers.map(one).collect()
    };
    Values { numbers, ..a.clone() }
}

pub fn extremes(case: &Case) -> Expected {
    let x = case.x();
    let eroded = |v: &Values| extreme(case, v, false, false);
    let dilated = |v: &Values| extreme(case, v, true, true);
    let made = match case.op.name {
        "minimum_filter" | "grey_erosion" => eroded(x),
        "maximum_filter" => extreme(case, x, true, false),
        "grey_dilation" => dilated(x),
        "grey_opening" => dilated(&eroded(x)),
        "grey_closing" => eroded(&dilated(x)),
        "white_tophat" => difference(x, &dilated(&eroded(x))),
        _ => difference(&eroded(&dilated(x)), x),
    };
    Expected::exact(made.shape, made.dtype, made.numbers)
}

pub fn median(case: &Case) -> Expected {
    let pick = |mut window: Vec<Number>| {
        window.sort_by(order);
        window[window.len() / 2]
    };
    let numbers = windows(case, case.x(), false).into_iter().map(pick).collect();
    Expected::exact(case.x().shape.clone(), case.x().dtype, numbers)
}

/// The mean: of integers exactly, rounded to even once.
pub fn uniform(case: &Case) -> Expected {
    let dtype = case.x().dtype;
    let (mut numbers, mut scales) = (Vec::new(), Vec::new());
    // What lies outside of a mask is any number, as what comes of it is.
    let values = Values { dtype: if dtype == Dtype::Bool { Dtype::U8 } else { dtype }, ..case.x().clone() };
    for window in windows(case, &values, false) {
        let count = window.len() as f64;
        scales.push(window.iter().map(|v| float(*v).abs()).sum::<f64>() / count);
        numbers.push(Number::Float(match window[0] {
            Number::Int(_) => window.iter().map(|v| int(*v)).sum::<i128>() as f64 / count,
            _ => window.iter().map(|v| float(*v)).sum::<f64>() / count,
        }));
    }
    let narrow = !dtype.is_float() && dtype.size() <= 4;
    let judge = if narrow { Judge::Exact } else { Judge::Rounded };
    let dtype = smoothed(dtype);
    let judge = if dtype.is_float() { Judge::Declared } else { judge };
    Expected { shape: case.x().shape.clone(), dtype, numbers, scales, judge }
}
