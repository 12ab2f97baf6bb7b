//! The dispatch from an op's name to its slow meaning, and how near a result must be to it.
//! A formula without a meaning here is judged by its own nodes; any other op without one fails the matrix.

use super::data::Values;
use super::{derived, elementwise, reductions, windows};
use stackmill::dtype::{Dtype, Number, put};
use stackmill::graph::{Agreement, Op, Value, broadcast};
use stackmill::grid::{Dims, Edge, Region, indices};

/// One op applied to arrays.
pub struct Case {
    pub op: &'static Op,
    pub inputs: Vec<Values>,
    pub args: Vec<(String, Value)>,
}

impl Case {
    pub fn x(&self) -> &Values {
        &self.inputs[0]
    }

    fn value(&self, name: &str) -> Option<Value> {
        let given = self.args.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        given.or_else(|| self.op.params.iter().find(|p| p.name == name)?.default.map(|d| d()))
    }

    /// A number of every axis.
    pub fn floats(&self, name: &str) -> Vec<f64> {
        match self.value(name) {
            Some(Value::List(items)) => items.iter().map(of_value).collect(),
            Some(one) => vec![of_value(&one); self.x().shape.len()],
            None => vec![0.0; self.x().shape.len()],
        }
    }

    pub fn number(&self, name: &str) -> f64 {
        self.floats(name)[0]
    }

    pub fn cval(&self) -> f64 {
        self.number("cval")
    }

    pub fn edge(&self) -> Edge {
        let Some(Value::Text(name)) = self.value("mode") else { return Edge::Reflect };
        Edge::ALL.into_iter().find(|e| e.name() == name).unwrap()
    }

    /// The chosen axes, from the start; empty for the default.
    pub fn axes(&self, name: &str) -> Vec<usize> {
        let rank = self.x().shape.len() as i64;
        match self.value(name) {
            None | Some(Value::None) => Vec::new(),
            Some(Value::List(items)) => items.iter().map(|v| (of_value(v) as i64).rem_euclid(rank) as usize).collect(),
            Some(one) => vec![(of_value(&one) as i64).rem_euclid(rank) as usize],
        }
    }

    pub fn is_set(&self, name: &str) -> bool {
        self.value(name) == Some(Value::Bool(true))
    }

    /// The op, its arguments and its input, for messages.
    pub fn words(&self) -> String {
        let args: Vec<String> = self.args.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let inputs: Vec<String> = self.inputs.iter().map(|i| format!("{} {:?}", i.dtype, i.shape)).collect();
        format!("{}({}; {})", self.op.name, inputs.join(", "), args.join(", "))
    }
}

fn of_value(value: &Value) -> f64 {
    match value {
        Value::Int(i) => *i as f64,
        Value::Float(f) => *f,
        other => panic!("{other} is no number"),
    }
}

/// How a result is judged.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Judge {
    /// As the op's record declares.
    Declared,
    /// Bit for bit.
    Exact,
    /// An integer at most half from the exact value, and a thousandth.
    Rounded,
}

/// What a result must be; numbers are not yet rounded to the dtype.
pub struct Expected {
    pub shape: Vec<usize>,
    pub dtype: Dtype,
    pub numbers: Vec<Number>,
    pub scales: Vec<f64>,
    pub judge: Judge,
}

impl Expected {
    pub fn exact(shape: Vec<usize>, dtype: Dtype, numbers: Vec<Number>) -> Expected {
        Expected { shape, dtype, scales: vec![0.0; numbers.len()], numbers, judge: Judge::Exact }
    }
}

/// The meaning of an op; `None` where this file has none.
pub fn expected(case: &Case) -> Option<Expected> {
    Some(match case.op.name {
        "gaussian" => windows::gaussian(case),
        "uniform" => windows::uniform(case),
        "sobel" => windows::sobel(case),
        "sobel_magnitude" => windows::sobel_magnitude(case),
        "laplace" => windows::laplace(case),
        "median" => windows::median(case),
        "rank_filter" | "percentile_filter" => windows::ranked(case),
        "correlate" | "convolve" | "correlate1d" | "convolve1d" => windows::correlation(case),
        "minimum_filter" | "maximum_filter" | "grey_erosion" | "grey_dilation" | "grey_opening" | "grey_closing"
        | "white_tophat" | "black_tophat" => windows::extremes(case),
        "sum" | "mean" | "var" | "std" | "min" | "max" | "argmin" | "argmax" => reductions::reduction(case),
        "cumsum" => reductions::cumsum(case),
        "flip" => flip(case),
        "astype" => astype(case),
        "wrap" => wrap(case),
        "nonflat_erosion" | "nonflat_dilation" => windows::nonflat(case),
        "clip" => clip(case),
        name => {
            let Some(out) = elementwise::result_dtype(name, case.x().dtype) else { return derived::expected(case) };
            let mut expected = pointwise(case, out, |v| elementwise::element(name, v, case.x().dtype, out));
            expected.judge = if out.is_float() { Judge::Declared } else { Judge::Exact };
            expected
        }
    })
}

pub fn pointwise(case: &Case, dtype: Dtype, one: impl Fn(&[Number]) -> Number) -> Expected {
    let shapes: Vec<Dims> = case.inputs.iter().map(Values::dims).collect();
    let shape = broadcast(&shapes).unwrap();
    let element = |values: &Values, index: &Dims| {
        let skipped = shape.len() - values.shape.len();
        let own: Vec<usize> =
            values.shape.iter().enumerate().map(|(a, n)| if *n == 1 { 0 } else { index[a + skipped] }).collect();
        values.numbers[values.dims().linear_of(&own)]
    };
    let numbers: Vec<Number> = indices(Region::whole(shape))
        .map(|index| one(&case.inputs.iter().map(|v| element(v, &index)).collect::<Vec<_>>()))
        .collect();
    Expected {
        shape: shape.to_vec(),
        dtype,
        scales: numbers.iter().map(|n| float(*n).abs()).collect(),
        numbers,
        judge: Judge::Exact,
    }
}

fn flip(case: &Case) -> Expected {
    let (x, axes) = (case.x(), case.axes("axis"));
    let flips = |a: usize| axes.is_empty() || axes.contains(&a);
    let from =
        |index: Dims| -> Dims { (0..index.len()).map(|a| if flips(a) { x.shape[a] - 1 - index[a] } else { index[a] }).collect() };
    let numbers = indices(Region::whole(x.dims())).map(|i| x.numbers[x.dims().linear_of(&from(i))]).collect();
    Expected::exact(x.shape.clone(), x.dtype, numbers)
}

fn astype(case: &Case) -> Expected {
    let Some(Value::Text(name)) = case.value("dtype") else { panic!("astype without a dtype") };
    pointwise(case, Dtype::parse(&name).unwrap(), |v| v[0])
}

/// As C casts: the fraction is cut, the low bits stay. A float passes through the signed integer of 32 or 64 bits.
fn wrap(case: &Case) -> Expected {
    let Some(Value::Text(name)) = case.value("dtype") else { panic!("wrap without a dtype") };
    let to = Dtype::parse(&name).unwrap();
    if to.is_float() || to == Dtype::Bool {
        return pointwise(case, to, |v| v[0]);
    }
    let through = if to.size() <= 4 { Dtype::I32 } else { Dtype::I64 };
    pointwise(case, to, |v| match v[0] {
        Number::Float(f) if f < 0.0 || to.size() <= 2 => {
            Number::Int(elementwise::wrapped(int(rounded(Number::Float(f.trunc()), through)), to))
        }
        Number::Float(f) => rounded(Number::Float(f.trunc()), to),
        whole => Number::Int(elementwise::wrapped(int(whole), to)),
    })
}

fn clip(case: &Case) -> Expected {
    let (low, high) = (case.number("lower"), case.number("upper"));
    let dtype = case.x().dtype;
    let bound = |v: f64| rounded(Number::Float(v), dtype);
    pointwise(case, dtype, |v| match (v[0], bound(low), bound(high)) {
        (Number::Int(v), low, high) => Number::Int(v.clamp(int(low), int(high))),
        (v, _, _) if float(v).is_nan() => v,
        (v, low, high) => Number::Float(float(v).clamp(float(low), float(high))),
    })
}

pub fn float(n: Number) -> f64 {
    n.to_f64()
}

pub fn int(n: Number) -> i128 {
    match n {
        Number::Float(f) => panic!("{f} is no integer"),
        other => other.to_int(),
    }
}

/// A float at a multiple of `2^exponent`, ties to even.
pub fn round_to(v: f64, exponent: i32) -> f64 {
    let unit = 2f64.powi(exponent);
    let scaled = v / unit;
    if scaled.abs() >= 2f64.powi(52) || !scaled.is_finite() {
        return v;
    }
    let down = scaled.floor();
    let up = match scaled - down {
        rest if rest > 0.5 => 1.0,
        0.5 => down.rem_euclid(2.0),
        _ => 0.0,
    };
    ((down + up) * unit).copysign(v)
}

/// A half: eleven significant bits, the least exponent -24.
fn half(v: f64) -> f64 {
    if v == 0.0 || !v.is_finite() {
        return v;
    }
    let mut exponent = -14;
    while v.abs() >= 2f64.powi(exponent + 1) && exponent < 16 {
        exponent += 1;
    }
    let near = round_to(v, exponent - 10);
    if near.abs() >= 65520.0 { f64::INFINITY.copysign(v) } else { near }
}

/// A number as an element of a dtype: rounded to even, saturated, NaN to 0 for integers, all but 0 is True.
pub fn rounded(number: Number, dtype: Dtype) -> Number {
    let wide = float(number);
    match dtype {
        Dtype::F64 => Number::Float(wide),
        Dtype::F32 => Number::Float(match number {
            Number::Int(i) => (i as f32).into(),
            _ => (wide as f32).into(),
        }),
        Dtype::F16 => Number::Float(half(wide)),
        Dtype::Bool => Number::Int(i128::from(wide != 0.0)),
        _ => {
            let (low, high) = dtype.limits();
            let whole = match number {
                Number::Float(f) if f.is_nan() => 0,
                Number::Float(f) => round_to(f, 0) as i128,
                other => int(other),
            };
            Number::Int(whole.clamp(low, high))
        }
    }
}

/// The distance of neighbouring floats of a dtype at this magnitude.
pub fn ulp(dtype: Dtype, magnitude: f64) -> f64 {
    let (bits, least) = match dtype {
        Dtype::F16 => (10, -14),
        Dtype::F32 => (23, -126),
        _ => (52, -1022),
    };
    let exponent = if magnitude > 0.0 && magnitude.is_finite() { (magnitude.log2().floor() as i32).max(least) } else { least };
    2f64.powi((exponent - bits).max(-1074))
}

/// The bytes of a number, to compare bit for bit.
fn bits(number: Number, dtype: Dtype) -> Vec<u8> {
    let mut bytes = vec![0; dtype.size()];
    put(number, dtype, &mut bytes);
    bytes
}

/// Whether a result's element is near enough; else the distance in ulps of the dtype.
pub fn agrees(expected: &Expected, k: usize, found: Number, declared: Agreement) -> Result<(), String> {
    let (dtype, exact) = (expected.dtype, expected.numbers[k]);
    let wanted = rounded(exact, dtype);
    let (w, f) = (float(wanted), float(found));
    if w.is_nan() || f.is_nan() {
        return if w.is_nan() && f.is_nan() { Ok(()) } else { Err("NaN on one side".to_owned()) };
    }
    if bits(wanted, dtype) == bits(found, dtype) {
        return Ok(());
    }
    let scale = expected.scales[k].max(w.abs());
    let unit = ulp(dtype, scale);
    let distance = (f - float(exact)).abs();
    let near = match (expected.judge, declared) {
        (Judge::Exact, _) | (Judge::Declared, Agreement::Exact) => false,
        (Judge::Rounded, _) => {
            let (low, high) = dtype.limits();
            let held = float(exact).clamp(low as f64, high as f64);
            (f - held).abs() <= 0.5 + 1e-3 + 8.0 * ulp(Dtype::F64, scale)
        }
        // An overflow may come an ulp early, and the end of the range counts as the next number.
        (_, Agreement::Ulp(n)) => distance <= f64::from(n) * unit || f.is_infinite() && w.abs() >= largest(dtype) * 0.99999,
        (_, Agreement::Relative(x)) => distance <= x * scale + 2.0 * ulp(dtype, w.abs()),
    };
    if near { Ok(()) } else { Err(format!("{} ulp", distance / unit)) }
}

fn largest(dtype: Dtype) -> f64 {
    match dtype {
        Dtype::F16 => 65504.0,
        Dtype::F32 => f32::MAX.into(),
        _ => f64::MAX,
    }
}
