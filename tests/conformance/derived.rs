//! The meaning of an elementwise op that has no oracle of its own: its formula, node by node, in f64 and i128.
//! It judges how a formula is flattened, fused and run; what the formula should say, an oracle of its own would judge.

use super::oracle::{Case, Expected, Judge, float, int, pointwise, rounded};
use stackmill::dtype::{Dtype, Number, get};
use stackmill::expr::{Bin, Formula, Node, Un};
use stackmill::graph::Meaning;

/// What the formula of an op gives; `None` where the op is no formula.
pub fn expected(case: &Case) -> Option<Expected> {
    let Meaning::Formula(body) = case.op.meaning else { return None };
    let args = case.op.args(Vec::new(), case.args.clone()).ok()?;
    let dtypes: Vec<Dtype> = case.inputs.iter().map(|i| i.dtype).collect();
    let (reads, out) = case.op.rule.read(&dtypes).ok()?;
    let formula = Formula::build(&dtypes, |loaded| {
        let exprs: Vec<_> = loaded.iter().zip(&reads).map(|(e, dtype)| e.cast(*dtype)).collect();
        body(&exprs, &args).map(|e| e.cast(out))
    });
    let formula = formula.ok()?;
    let mut expected = pointwise(case, out, |elements| element(&formula, elements));
    expected.judge = if out.is_float() { Judge::Declared } else { Judge::Exact };
    Some(expected)
}

fn element(formula: &Formula, elements: &[Number]) -> Number {
    let mut values: Vec<Number> = Vec::new();
    let mut dtypes: Vec<Dtype> = Vec::new();
    for (node, dtype) in formula.nodes() {
        let value = |k: &u32| values[*k as usize];
        let made = match node {
            Node::Const(bits) => get(dtype, &bits.to_ne_bytes()),
            Node::Read { input, .. } => elements[usize::from(*input)],
            Node::Cast(a) => value(a),
            Node::Select(c, a, b) => {
                if float(value(c)) != 0.0 {
                    value(a)
                } else {
                    value(b)
                }
            }
            Node::Un(un, a) => one(*un, value(a)),
            Node::Bin(bin, a, b) => two(*bin, value(a), value(b), dtypes[*a as usize].is_float()),
        };
        values.push(rounded(made, dtype));
        dtypes.push(dtype);
    }
    values[formula.root()]
}

fn one(un: Un, a: Number) -> Number {
    let f = |g: fn(f64) -> f64| match a {
        Number::Float(v) => Number::Float(g(v)),
        whole => whole,
    };
    match un {
        Un::Neg => {
            if let Number::Float(v) = a {
                Number::Float(-v)
            } else {
                Number::Int(-int(a))
            }
        }
        Un::Abs => {
            if let Number::Float(v) = a {
                Number::Float(v.abs())
            } else {
                Number::Int(int(a).abs())
            }
        }
        Un::Not => {
            if let Number::Bool(b) = a {
                Number::Bool(!b)
            } else {
                Number::Int(!int(a))
            }
        }
        Un::IsNan => Number::Bool(float(a).is_nan()),
        Un::Sqrt => f(f64::sqrt),
        Un::Exp => f(f64::exp),
        Un::Log => f(f64::ln),
        Un::Sin => f(f64::sin),
        Un::Cos => f(f64::cos),
        Un::Floor => f(f64::floor),
        Un::Ceil => f(f64::ceil),
        Un::Rint => f(f64::round_ties_even),
    }
}

fn two(bin: Bin, a: Number, b: Number, floats: bool) -> Number {
    let (x, y) = (float(a), float(b));
    match (bin, floats) {
        (Bin::Eq, _) => Number::Bool(if floats { x == y } else { int(a) == int(b) }),
        (Bin::Ne, _) => Number::Bool(if floats { x != y } else { int(a) != int(b) }),
        (Bin::Lt, _) => Number::Bool(if floats { x < y } else { int(a) < int(b) }),
        (Bin::Le, _) => Number::Bool(if floats { x <= y } else { int(a) <= int(b) }),
        (Bin::Gt, _) => Number::Bool(if floats { x > y } else { int(a) > int(b) }),
        (Bin::Ge, _) => Number::Bool(if floats { x >= y } else { int(a) >= int(b) }),
        (Bin::Min, true) => Number::Float(if x.is_nan() || y.is_nan() { f64::NAN } else { x.min(y) }),
        (Bin::Max, true) => Number::Float(if x.is_nan() || y.is_nan() { f64::NAN } else { x.max(y) }),
        (Bin::WrapAdd, true) => Number::Float(x + y),
        (Bin::WrapSub, true) => Number::Float(x - y),
        (Bin::WrapMul, true) => Number::Float(x * y),
        (Bin::WrapAdd | Bin::WrapSub | Bin::WrapMul | Bin::Shl | Bin::Shr, _) => panic!("{bin:?} needs an oracle of its own"),
        (Bin::Add, true) => Number::Float(x + y),
        (Bin::Sub, true) => Number::Float(x - y),
        (Bin::Mul, true) => Number::Float(x * y),
        (Bin::Div, true) => Number::Float(x / y),
        (Bin::FloorDiv, true) => Number::Float((x / y).floor()),
        (Bin::Rem, true) => Number::Float(x - y * (x / y).floor()),
        (Bin::Pow, true) => Number::Float(x.powf(y)),
        (Bin::Min, false) => Number::Int(int(a).min(int(b))),
        (Bin::Max, false) => Number::Int(int(a).max(int(b))),
        (Bin::Add, false) => Number::Int(int(a) + int(b)),
        (Bin::Sub, false) => Number::Int(int(a) - int(b)),
        (Bin::Mul, false) => Number::Int(int(a).saturating_mul(int(b))),
        (Bin::And, _) => Number::Int(int(a) & int(b)),
        (Bin::Or, _) => Number::Int(int(a) | int(b)),
        (Bin::Xor, _) => Number::Int(int(a) ^ int(b)),
        (Bin::Div | Bin::FloorDiv, false) => Number::Int(if int(b) == 0 { 0 } else { int(a).div_euclid(int(b)) }),
        (Bin::Rem, false) => Number::Int(if int(b) == 0 { 0 } else { int(a).rem_euclid(int(b)) }),
        (Bin::Pow, false) => Number::Int((0..int(b).clamp(0, 256)).fold(1, |p: i128, _| p.saturating_mul(int(a)))),
    }
}
