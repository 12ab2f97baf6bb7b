//! What reductions and running sums mean: the elements of each output in C order, then NumPy's definition.
//! It does not know states, blocks or joins.

use super::oracle::{Case, Expected, Judge, float, int};
use stackmill::dtype::{Dtype, Number};
use stackmill::grid::{Dims, Region, indices};

fn sum_dtype(dtype: Dtype) -> Dtype {
    match dtype {
        Dtype::F16 | Dtype::F32 | Dtype::F64 => dtype,
        Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64 => Dtype::U64,
        _ => Dtype::I64,
    }
}

pub fn reduction(case: &Case) -> Expected {
    let (x, name) = (case.x(), case.op.name);
    let chosen = case.axes("axis");
    let gone = |a: usize| chosen.is_empty() || chosen.contains(&a);
    let kept: Dims = (0..x.shape.len()).map(|a| if gone(a) { 1 } else { x.shape[a] }).collect();
    let mut members: Vec<Vec<Number>> = vec![Vec::new(); kept.count()];
    for (number, index) in x.numbers.iter().zip(indices(Region::whole(x.dims()))) {
        let own: Dims = (0..index.len()).map(|a| if gone(a) { 0 } else { index[a] }).collect();
        members[kept.linear_of(&own)].push(*number);
    }
    let dtype = match name {
        "sum" => sum_dtype(x.dtype),
        "mean" | "var" | "std" if x.dtype.is_float() => x.dtype,
        "mean" | "var" | "std" => Dtype::F64,
        "argmin" | "argmax" => Dtype::I64,
        _ => x.dtype,
    };
    let shape: Vec<usize> = (0..kept.len()).filter(|a| case.is_set("keepdims") || !gone(*a)).map(|a| kept[a]).collect();
    let (numbers, scales) = members.iter().map(|m| one(name, m, case.number_or("ddof"))).unzip();
    let judge = if dtype.is_float() { Judge::Declared } else { Judge::Exact };
    Expected { shape, dtype, numbers, scales, judge }
}

/// One output and the sum of magnitudes that it is made of.
fn one(name: &str, members: &[Number], ddof: f64) -> (Number, f64) {
    let n = members.len() as f64;
    let values: Vec<f64> = members.iter().map(|v| float(*v)).collect();
    let total: f64 = values.iter().sum();
    let magnitude: f64 = values.iter().map(|v| v.abs()).sum();
    let mean = total / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - ddof).max(0.0);
    let squares = values.iter().map(|v| v * v).sum::<f64>() / (n - ddof).max(0.0);
    match name {
        "sum" if matches!(members.first(), None | Some(Number::Int(_))) => {
            (Number::Int(members.iter().map(|v| int(*v)).sum()), magnitude)
        }
        "sum" => (Number::Float(total), magnitude),
        "mean" => (Number::Float(mean), magnitude / n),
        "var" => (Number::Float(variance), squares),
        "std" => (Number::Float(variance.sqrt()), squares.sqrt()),
        _ => (extreme(name, members, &values), 0.0),
    }
}

/// The extreme or its place; the first NaN wins, equal numbers count from the first, -0 is less than +0 as a value.
fn extreme(name: &str, members: &[Number], values: &[f64]) -> Number {
    let greatest = name.ends_with("max");
    let nan = values.iter().position(|v| v.is_nan());
    let better = |a: usize, b: usize| match (members[a], members[b]) {
        (Number::Int(a), Number::Int(b)) => {
            if greatest {
                a > b
            } else {
                a < b
            }
        }
        _ if name.starts_with("arg") => {
            if greatest {
                values[a] > values[b]
            } else {
                values[a] < values[b]
            }
        }
        _ => values[a].total_cmp(&values[b]) == if greatest { std::cmp::Ordering::Greater } else { std::cmp::Ordering::Less },
    };
    let best = (1..members.len()).fold(0, |best, k| if better(k, best) { k } else { best });
    let best = nan.unwrap_or(best);
    if name.starts_with("arg") { Number::Int(best as i128) } else { members[best] }
}

impl Case {
    fn number_or(&self, name: &str) -> f64 {
        if self.op.params.iter().any(|p| p.name == name) { self.number(name) } else { 0.0 }
    }
}

/// The running sum; integers wrap in 64 bits.
pub fn cumsum(case: &Case) -> Expected {
    let (x, axis) = (case.x(), case.axes("axis")[0]);
    let shape = x.dims();
    let dtype = sum_dtype(x.dtype);
    let at = |index: &Dims, k: usize| x.numbers[shape.linear_of(&index.with(axis, k))];
    let wrapped = |v: i128| if dtype == Dtype::U64 { i128::from(v as u64) } else { i128::from(v as i64) };
    let numbers = indices(Region::whole(shape))
        .map(|index| match x.numbers[0] {
            Number::Int(_) => Number::Int(wrapped((0..=index[axis]).map(|k| int(at(&index, k))).sum())),
            _ => Number::Float((0..=index[axis]).fold(0.0, |sum, k| sum + float(at(&index, k)))),
        })
        .collect();
    Expected::exact(x.shape.clone(), dtype, numbers)
}
