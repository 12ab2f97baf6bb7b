//! Which arguments and which numbers each op is tried with.
//! It does not know what the results should be.

use super::data::{Data, Values};
use super::oracle::Case;
use stackmill::dtype::Dtype;
use stackmill::graph::{Nested, Op, ParamType, Value};
use stackmill::grid::Edge;

pub const SHAPE: [usize; 3] = [4, 6, 9];
pub const FLAT: [usize; 3] = [1, 6, 1];
pub const EMPTY: [usize; 3] = [0, 5, 7];

type Named = Vec<(String, Value)>;

fn ints<const N: usize>(items: [i64; N]) -> Value {
    Value::List(items.into_iter().map(Value::Int).collect())
}

fn floats<const N: usize>(items: [f64; N]) -> Value {
    Value::List(items.into_iter().map(Value::Float).collect())
}

fn weights<const N: usize, const M: usize, const K: usize>(planes: [[[f64; N]; M]; K]) -> Value {
    Nested::<f64>::from(planes).into_value()
}

/// A cross in the plane and one place beside it in the next.
fn footprint() -> Value {
    let planes =
        [[[false, true, false], [true, true, true], [false, true, false]], [[false; 3], [false, false, true], [false; 3]]];
    Nested::<bool>::from(planes).into_value()
}

fn named<const N: usize>(items: [(&str, Value); N]) -> Named {
    items.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The parameters that an op is tried with, beside mode and cval. An op with parameters that this table does not know
/// is tried with none, which fails where one must be given.
fn arguments(op: &Op, dtype: Dtype) -> Vec<Named> {
    match op.name {
        "gaussian" => vec![
            named([("sigma", Value::Float(0.8))]),
            named([("sigma", floats([0.0, 1.7, 0.6])), ("truncate", Value::Float(3.0))]),
            named([("sigma", floats([0.7, 1.0, 0.0])), ("order", ints([1, 2, 0]))]),
        ],
        "uniform" | "median" | "minimum_filter" | "maximum_filter" => vec![
            named([("size", Value::Int(3))]),
            named([("size", ints([1, 4, 5])), ("origin", ints([0, -1, 2]))]),
            named([("size", ints([2, 1, 2]))]),
        ],
        "rank_filter" => vec![
            named([("rank", Value::Int(1)), ("size", Value::Int(3))]),
            named([("rank", Value::Int(-2)), ("size", ints([1, 4, 5])), ("origin", ints([0, -1, 2]))]),
            named([("rank", Value::Int(2)), ("footprint", footprint())]),
        ],
        "percentile_filter" => vec![
            named([("percentile", Value::Float(20.0)), ("size", Value::Int(3))]),
            named([("percentile", Value::Float(-35.0)), ("size", ints([2, 1, 4])), ("origin", ints([0, 0, 1]))]),
            named([("percentile", Value::Float(100.0)), ("footprint", footprint())]),
        ],
        "correlate1d" | "convolve1d" => vec![
            named([("weights", floats([0.25, 0.5, 0.25])), ("axis", Value::Int(0))]),
            named([("weights", floats([0.4, 0.3, 0.2, 0.1])), ("origin", Value::Int(1)), ("axis", Value::Int(1))]),
            named([("weights", floats([1.0, -3.0, 0.0, 2.5, 0.5]))]),
        ],
        "correlate" | "convolve" => vec![
            named([("weights", weights([[[0.1, 0.2, 0.0], [0.3, 0.2, 0.2]]]))]),
            named([
                ("weights", weights([[[0.5, -1.0], [0.0, 2.0], [1.0, 0.25]], [[0.0, 3.0], [-0.5, 1.0], [0.0, 0.0]]])),
                ("origin", ints([0, 1, -1])),
            ]),
        ],
        "grey_erosion" | "grey_dilation" | "grey_opening" | "grey_closing" | "white_tophat" | "black_tophat" => vec![
            named([("size", Value::Int(3))]),
            named([("size", ints([2, 1, 5])), ("origin", ints([0, 0, -2]))]),
            named([("size", ints([1, 4, 1]))]),
        ],
        "nonflat_erosion" | "nonflat_dilation" => vec![
            named([("heights", weights([[[1.0, 2.0, 0.0], [3.0, f64::NEG_INFINITY, 2.0]]]))]),
            named([
                (
                    "heights",
                    weights([[[0.5, -1.0], [0.0, 2.0], [f64::NEG_INFINITY, 0.25]], [[0.0, 3.0], [-0.5, 1.0], [0.0, 0.0]]]),
                ),
                ("origin", ints([0, 1, -1])),
            ]),
            named([("heights", weights([[[1.0, -2.5, 0.0]], [[3.0, f64::NEG_INFINITY, 2.0]]])), ("wraps", Value::Bool(true))]),
        ],
        "sobel" => vec![Named::new(), named([("axis", Value::Int(0))])],
        "flip" => vec![Named::new(), named([("axis", ints([0, -1]))])],
        "cumsum" => (0..3).map(|axis| named([("axis", Value::Int(axis))])).collect(),
        "var" | "std" => [
            reduced(),
            vec![
                named([("ddof", Value::Float(1.0)), ("keepdims", Value::Bool(true))]),
                named([("ddof", Value::Float(7.0)), ("axis", Value::Int(1)), ("keepdims", Value::Bool(true))]),
            ],
        ]
        .concat(),
        "sum" | "mean" | "min" | "max" => reduced(),
        "argmin" | "argmax" => reduced().into_iter().filter(|a| !a.iter().any(|(_, v)| *v == ints([0, 2]))).collect(),
        "astype" | "wrap" => Dtype::ALL.iter().map(|d| named([("dtype", Value::Text(d.name().to_owned()))])).collect(),
        "clip" => {
            let (low, high) = match dtype {
                Dtype::Bool => (0, 1),
                _ => (3, 77),
            };
            vec![named([("lower", Value::Int(low)), ("upper", Value::Int(high))])]
        }
        _ => vec![Named::new()],
    }
}

fn reduced() -> Vec<Named> {
    let keep = || ("keepdims", Value::Bool(true));
    let axis = |axis: Value| named([("axis", axis), ("keepdims", Value::Bool(true))]);
    vec![
        Named::new(),
        named([keep()]),
        axis(Value::Int(0)),
        axis(Value::Int(1)),
        axis(Value::Int(-1)),
        axis(ints([0, 2])),
        named([("axis", Value::Int(1))]),
    ]
}

/// Sums of infinities and of what a float cannot hold mean little: linear ops see NaN and infinities one at a time.
fn data(op: &Op, dtype: Dtype) -> Vec<Data> {
    let is_linear = matches!(op.family, "smooth" | "edges" | "correlate") || matches!(op.name, "sum" | "mean" | "var" | "std");
    match (is_linear, dtype.is_float()) {
        (true, true) => vec![Data::Plain, Data::Nan, Data::Infinite],
        (true, false) => vec![Data::Plain],
        (false, _) => vec![Data::Plain, Data::Special],
    }
}

/// All cases of a cell at one shape.
pub fn cases(op: &'static Op, dtype: Dtype, edge: Option<Edge>, shape: &[usize]) -> Vec<Case> {
    let mut all = Vec::new();
    for mut args in arguments(op, dtype) {
        if let Some(edge) = edge {
            args.extend(named([("mode", Value::Text(edge.name().to_owned())), ("cval", Value::Float(3.0))]));
        }
        for data in data(op, dtype) {
            let array = |k: usize, shape: &[usize]| Values::new(dtype, shape, data, 40 + k as u64);
            let whole = (0..op.inputs.len()).map(|k| array(k, shape)).collect();
            all.push(Case { op, inputs: whole, args: args.clone() });
            if op.inputs.len() > 1 {
                // The last input repeated along the outer and the middle axis.
                let last = op.inputs.len() - 1;
                let thin = (0..last).map(|k| array(k, shape)).chain([array(last, &[1, shape[2]])]).collect();
                all.push(Case { op, inputs: thin, args: args.clone() });
            }
        }
    }
    all
}
