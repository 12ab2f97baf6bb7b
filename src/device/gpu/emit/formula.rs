//! A tape as straight-line WGSL over four lanes, one `let` a step.
//! It does not know where its inputs lie; `load_k` does.

use super::access::Bindings;
use super::{Dialect, EXACT, Kernel, LANES, MAP, MATH, assembled, lane_type, near};
use crate::dtype::{Dtype, Lane};
use crate::error::{Error, Result};
use crate::expr::{Bin, Formula, Offset, Operand, Step, StepOp, Tape, Un};
use crate::grid::MAX_RANK;
use std::fmt::Write;

/// The kernel of a formula over these arrays, some of them repeated along x, for a result of `rank` axes.
pub fn kernel(formula: &Formula, tape: &Tape, bound: &Bindings, repeated: &[bool], rank: usize) -> Result<Kernel> {
    let mut text = String::new();
    let count = bound.reads.len();
    for (k, is_repeated) in repeated.iter().enumerate().take(count) {
        text += &if *is_repeated { bound.load_repeated(k) } else { bound.load(k) };
    }
    text += &bound.store();
    let lane = lane_type(tape.dtype.lane());
    // Writing to a string does not fail.
    let _ = writeln!(text, "fn formula(x: u32, y: u32, outer: vec4<u32>) -> {lane} {{");
    for (k, one) in repeated.iter().enumerate().filter(|(k, _)| formula.halo(*k).is_some()) {
        let x = if *one { "" } else { " + x" };
        let _ = writeln!(text, "    let at_{k} = row_of(p.reads[{k}], y, outer){x};");
    }
    let befores: Vec<Offset> = (0..count).map(|k| before(formula, k)).collect();
    let mut latest = vec![usize::MAX; tape.registers];
    for (number, step) in tape.steps.iter().enumerate() {
        let value = value_of(step, &latest, &befores, rank, bound.dialect)?;
        let _ = writeln!(text, "    let s{number} = {value};");
        if let Some(place) = latest.get_mut(usize::from(step.out)) {
            *place = number;
        }
    }
    let _ = writeln!(text, "    return {};\n}}", operand(tape.root, tape.dtype.lane(), &latest));
    Ok(assembled(bound, &libraries(tape, bound.dialect), &(text + MAP)))
}

/// What the text of a tape calls.
fn libraries(tape: &Tape, dialect: Dialect) -> Vec<&'static str> {
    let needs = |what: fn(StepOp) -> bool| tape.steps.iter().any(|s| s.lane == Lane::F32 && what(s.op));
    let (exact, math) = (needs(needs_exact), needs(needs_math));
    let mut all = vec![LANES];
    all.extend((exact || math || dialect.sloppy).then(|| near(dialect)));
    all.extend(exact.then_some(EXACT));
    all.extend(math.then_some(MATH));
    all
}

fn before(formula: &Formula, k: usize) -> Offset {
    let halo = formula.halo(k).unwrap_or([(0, 0); MAX_RANK]);
    halo.map(|(before, _)| i32::try_from(before).unwrap_or(0))
}

fn needs_math(op: StepOp) -> bool {
    match op {
        StepOp::Un(un) => matches!(un, Un::Exp | Un::Log | Un::Sin | Un::Cos),
        StepOp::Bin(bin) => bin == Bin::Pow,
        _ => false,
    }
}

fn needs_exact(op: StepOp) -> bool {
    match op {
        StepOp::Un(un) => matches!(un, Un::Sqrt | Un::Floor | Un::Ceil),
        StepOp::Bin(bin) => matches!(bin, Bin::Div | Bin::Rem | Bin::FloorDiv),
        _ => false,
    }
}

/// An argument: an earlier step, or a constant of a lane.
fn operand(operand: Operand, lane: Lane, latest: &[usize]) -> String {
    match operand {
        Operand::Register(register) => format!("s{}", latest.get(usize::from(register)).copied().unwrap_or(0)),
        Operand::Scalar(bits) => constant(bits, lane),
    }
}

fn constant(bits: u64, lane: Lane) -> String {
    let [a, b, c, d, ..] = bits.to_le_bytes();
    let word = u32::from_le_bytes([a, b, c, d]);
    match lane {
        Lane::Bool => format!("vec4<u32>({}u)", u32::from(a != 0)),
        Lane::U32 | Lane::U64 => format!("vec4<u32>({word}u)"),
        Lane::I32 | Lane::I64 => format!("bitcast<vec4<i32>>(vec4<u32>({word}u))"),
        // Only a number that is no constant expression may be infinite or NaN, and a compiler may flush a denormal one: `p.grid.w`
        // is zero.
        Lane::F32 | Lane::F64 if !f32::from_bits(word).is_finite() || f32::from_bits(word).is_subnormal() => {
            format!("bitcast<vec4<f32>>(vec4<u32>({word}u | p.grid.w))")
        }
        Lane::F32 | Lane::F64 => format!("bitcast<vec4<f32>>(vec4<u32>({word}u))"),
    }
}

fn value_of(step: &Step, latest: &[usize], befores: &[Offset], rank: usize, dialect: Dialect) -> Result<String> {
    let arg = |k: usize, lane: Lane| operand(step.args[k], lane, latest);
    let (a, b) = (arg(0, step.lane), arg(1, step.lane));
    Ok(match step.op {
        StepOp::Load { input, at, .. } => load(usize::from(input), &at, befores, rank)?,
        StepOp::Un(un) => un_of(un, step.lane, &a),
        StepOp::Bin(bin) if dialect.sloppy && step.lane == Lane::F32 => sloppy(bin, &a, &b),
        StepOp::Bin(bin) => bin_of(bin, step.lane, &a, &b),
        StepOp::Select => format!("select({}, {b}, {} != vec4<u32>(0u))", arg(2, step.lane), arg(0, Lane::Bool)),
        StepOp::Cast(dtype) => cast(step.lane, dtype, &a),
    })
}

fn load(k: usize, at: &Offset, befores: &[Offset], rank: usize) -> Result<String> {
    let before = befores.get(k).ok_or_else(|| Error::bug("a tape loads an input that it has not"))?;
    let mut place = format!("at_{k}");
    for axis in 0..rank {
        let moved = at[axis] + before[axis];
        let step = match rank - 1 - axis {
            0 => "x".to_owned(),
            1 => "y".to_owned(),
            outer => format!("outer[{}]", outer - 2),
        };
        if moved != 0 {
            let _ = write!(place, " + {moved}u * p.reads[{k}].{step}");
        }
    }
    Ok(format!("load_{k}({place})"))
}

/// The part of a function's name that says the lane.
fn suffix(lane: Lane) -> &'static str {
    match lane {
        Lane::I32 | Lane::I64 => "i32",
        Lane::F32 | Lane::F64 => "f32",
        Lane::Bool | Lane::U32 | Lane::U64 => "u32",
    }
}

fn un_of(un: Un, lane: Lane, a: &str) -> String {
    let float = lane == Lane::F32;
    match un {
        Un::Neg if matches!(lane, Lane::U32 | Lane::Bool) => "vec4<u32>(0u)".to_owned(),
        Un::Abs if matches!(lane, Lane::U32 | Lane::Bool) => a.to_owned(),
        Un::Neg => format!("neg_{}({a})", suffix(lane)),
        Un::Abs => format!("abs_{}({a})", suffix(lane)),
        Un::Not if lane == Lane::Bool => format!("({a} ^ vec4<u32>(1u))"),
        Un::Not if float => a.to_owned(),
        Un::Not => format!("~({a})"),
        Un::IsNan if float => format!("truth(is_nan_f32({a}))"),
        Un::IsNan => "vec4<u32>(0u)".to_owned(),
        _ if !float => a.to_owned(),
        Un::Sqrt => format!("sqrt_f32({a})"),
        Un::Exp => format!("exp_f32({a})"),
        Un::Log => format!("log_f32({a})"),
        Un::Sin => format!("sin_f32({a})"),
        Un::Cos => format!("cos_f32({a})"),
        Un::Floor => format!("floor_f32({a})"),
        Un::Ceil => format!("ceil_f32({a})"),
        Un::Rint => format!("rint_f32({a})"),
    }
}

fn bin_of(bin: Bin, lane: Lane, a: &str, b: &str) -> String {
    let (float, name) = (lane == Lane::F32, suffix(lane));
    match bin {
        Bin::WrapAdd => format!("({a} + {b})"),
        Bin::WrapSub => format!("({a} - {b})"),
        Bin::WrapMul => format!("({a} * {b})"),
        Bin::Add if float => format!("({a} + {b})"),
        Bin::Sub if float => format!("({a} - {b})"),
        Bin::Mul if float => format!("({a} * {b})"),
        Bin::Div if float => format!("div_f32({a}, {b})"),
        Bin::Add => format!("add_{name}({a}, {b})"),
        Bin::Sub => format!("sub_{name}({a}, {b})"),
        Bin::Mul => format!("mul_{name}({a}, {b})"),
        Bin::Div | Bin::FloorDiv => format!("floor_div_{name}({a}, {b})"),
        Bin::Rem => format!("rem_{name}({a}, {b})"),
        Bin::Pow => format!("pow_{name}({a}, {b})"),
        Bin::Min if float => format!("min_f32({a}, {b})"),
        Bin::Max if float => format!("max_f32({a}, {b})"),
        Bin::Min => format!("min({a}, {b})"),
        Bin::Max => format!("max({a}, {b})"),
        Bin::And | Bin::Or | Bin::Xor | Bin::Shl | Bin::Shr if float => a.to_owned(),
        Bin::Shl => format!("shl_{name}({a}, {b})"),
        Bin::Shr => format!("shr_{name}({a}, {b})"),
        Bin::And => format!("({a} & {b})"),
        Bin::Or => format!("({a} | {b})"),
        Bin::Xor => format!("({a} ^ {b})"),
        _ => format!("truth({})", compared(bin, float, a, b)),
    }
}

/// Sums and products of a device that flushes denormals.
fn sloppy(bin: Bin, a: &str, b: &str) -> String {
    match bin {
        Bin::Add | Bin::WrapAdd => format!("near_sum({a}, {b})"),
        Bin::Sub | Bin::WrapSub => format!("near_sum({a}, neg_f32({b}))"),
        Bin::Mul | Bin::WrapMul => format!("near_product({a}, {b})"),
        _ => bin_of(bin, Lane::F32, a, b),
    }
}

fn compared(bin: Bin, float: bool, a: &str, b: &str) -> String {
    match (bin, float) {
        (Bin::Eq, true) => format!("eq_f32({a}, {b})"),
        (Bin::Ne, true) => format!("!eq_f32({a}, {b})"),
        (Bin::Lt, true) => format!("lt_f32({a}, {b})"),
        (Bin::Le, true) => format!("le_f32({a}, {b})"),
        (Bin::Gt, true) => format!("lt_f32({b}, {a})"),
        (_, true) => format!("le_f32({b}, {a})"),
        (Bin::Eq, _) => format!("{a} == {b}"),
        (Bin::Ne, _) => format!("{a} != {b}"),
        (Bin::Lt, _) => format!("{a} < {b}"),
        (Bin::Le, _) => format!("{a} <= {b}"),
        (Bin::Gt, _) => format!("{a} > {b}"),
        _ => format!("{a} >= {b}"),
    }
}

/// From a lane to the lane of a dtype, then held to the dtype.
fn cast(from: Lane, dtype: Dtype, a: &str) -> String {
    let moved = match (from, dtype.lane()) {
        (Lane::F32, Lane::Bool) => format!("bool_of_f32({a})"),
        (Lane::Bool, Lane::Bool) => a.to_owned(),
        (Lane::I32, Lane::Bool) => format!("truth({a} != vec4<i32>(0))"),
        (_, Lane::Bool) => format!("truth({a} != vec4<u32>(0u))"),
        (Lane::F32, Lane::I32) => format!("i32_of_f32({a})"),
        (Lane::F32, Lane::U32) => format!("u32_of_f32({a})"),
        (Lane::I32, Lane::I32) | (Lane::F32, Lane::F32) | (Lane::U32, Lane::U32) => a.to_owned(),
        (Lane::I32, Lane::U32) => format!("vec4<u32>(max({a}, vec4<i32>(0)))"),
        (Lane::Bool, Lane::U32) => a.to_owned(),
        (_, Lane::I32) => format!("vec4<i32>(min({a}, vec4<u32>(2147483647u)))"),
        _ => format!("vec4<f32>({a})"),
    };
    match dtype {
        Dtype::U8 | Dtype::I8 | Dtype::U16 | Dtype::I16 => {
            let (low, high) = dtype.limits();
            format!("clamp({moved}, vec4<i32>({low}), vec4<i32>({high}))")
        }
        Dtype::F16 => format!("rounded_half({moved})"),
        _ => moved,
    }
}
