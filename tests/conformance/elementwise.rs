//! What each elementwise op means, one element at a time, in f64 and i128.
//! It does not know arrays; dtypes of results are a table of its own, not the crate's rules.

use super::oracle::{float, int, round_to};
use stackmill::dtype::{Dtype, Number};

/// The dtype of an op's result for inputs of one dtype; `None` for an op that is not elementwise.
pub fn result_dtype(op: &str, dtype: Dtype) -> Option<Dtype> {
    use Dtype::{Bool, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
    let float = match dtype {
        Bool | U8 | I8 | U16 | I16 | F32 => F32,
        F16 => F16,
        _ => F64,
    };
    Some(match op {
        "add" | "multiply" | "floor_divide" | "power" => match dtype {
            Bool | U8 | U16 => U32,
            I8 | I16 => I32,
            other => other,
        },
        "subtract" | "remainder" | "negative" => match dtype {
            Bool | U8 | U16 | I8 | I16 => I32,
            U32 | U64 if op != "remainder" => I64,
            other => other,
        },
        "divide" | "sqrt" | "exp" | "log" | "sin" | "cos" => float,
        "abs" | "floor" | "ceil" | "rint" | "minimum" | "maximum" | "clip" | "where" | "bitwise_and" | "bitwise_or"
        | "bitwise_xor" | "invert" | "wrapping_add" | "wrapping_subtract" | "wrapping_multiply" | "wrapping_power"
        | "left_shift" | "right_shift" => dtype,
        "equal" | "not_equal" | "less" | "less_equal" | "greater" | "greater_equal" | "isnan" => Bool,
        _ => return None,
    })
}

/// One element of an op's result, before it is rounded to `out`.
pub fn element(op: &str, v: &[Number], dtype: Dtype, out: Dtype) -> Number {
    let truth = |b: bool| Number::Int(i128::from(b));
    if op == "where" {
        return v[if float(v[0]) != 0.0 { 1 } else { 2 }];
    }
    let (x, y) = (v[0], v.get(1).copied().unwrap_or(v[0]));
    let order = match (x, y) {
        (Number::Float(_), _) | (_, Number::Float(_)) => float(x).partial_cmp(&float(y)),
        _ => Some(int(x).cmp(&int(y))),
    };
    use std::cmp::Ordering::{Equal, Greater, Less};
    match op {
        "equal" => return truth(order == Some(Equal)),
        "not_equal" => return truth(order != Some(Equal)),
        "less" => return truth(order == Some(Less)),
        "less_equal" => return truth(matches!(order, Some(Less | Equal))),
        "greater" => return truth(order == Some(Greater)),
        "greater_equal" => return truth(matches!(order, Some(Greater | Equal))),
        "isnan" => return truth(float(x).is_nan()),
        _ => {}
    }
    match (dtype.is_float(), out.is_float()) {
        (false, false) => Number::Int(of_integers(op, int(x), int(y), dtype)),
        (true, _) if dtype != Dtype::F64 => Number::Float(of_singles(op, float(x), float(y))),
        _ => Number::Float(of_floats(op, float(x), float(y))),
    }
}

/// Integers exactly; saturation to the result's dtype comes after.
fn of_integers(op: &str, x: i128, y: i128, dtype: Dtype) -> i128 {
    match op {
        "add" => x + y,
        "subtract" if dtype == Dtype::U64 => x.min(i64::MAX.into()) - y.min(i64::MAX.into()),
        "subtract" => x - y,
        "multiply" => x.saturating_mul(y),
        "floor_divide" if y == 0 => 0,
        "floor_divide" => x.div_euclid(y) - i128::from(y < 0 && x.rem_euclid(y) != 0),
        "remainder" if y == 0 => 0,
        "remainder" => x - y * of_integers("floor_divide", x, y, dtype),
        "power" => power(x, y),
        "negative" if dtype == Dtype::U64 => -x.min(i64::MAX.into()),
        "negative" => -x,
        "abs" => x.abs(),
        "floor" | "ceil" | "rint" => x,
        "minimum" => x.min(y),
        "maximum" => x.max(y),
        "wrapping_add" => wrapped(x + y, dtype),
        "wrapping_subtract" => wrapped(x - y, dtype),
        "wrapping_multiply" => wrapped(x.wrapping_mul(y), dtype),
        "wrapping_power" => wrapping_power(x, y, dtype),
        "left_shift" if shifts(y, dtype) => wrapped(x << y, dtype),
        "right_shift" if shifts(y, dtype) => x >> y,
        "left_shift" => 0,
        "right_shift" => -i128::from(x < 0),
        "bitwise_and" => x & y,
        "bitwise_or" => x | y,
        "bitwise_xor" => x ^ y,
        // The mirrored value: the sum of a value and its inverse has every bit set.
        "invert" if dtype.is_signed() => -1 - x,
        "invert" => dtype.limits().1 - x,
        other => panic!("no meaning of {other} for integers"),
    }
}

/// Whether a number of bits is one that a dtype's lane moves by.
fn shifts(y: i128, dtype: Dtype) -> bool {
    (0..8 * dtype.size().max(4) as i128).contains(&y)
}

/// The number of a dtype with the same low bits; bools are true where any bit is set.
pub fn wrapped(v: i128, dtype: Dtype) -> i128 {
    if dtype == Dtype::Bool {
        return i128::from(v != 0);
    }
    let (low, high) = dtype.limits();
    (v - low).rem_euclid(high - low + 1) + low
}

/// A power modulo the dtype's range, factor by factor; of a negative exponent its bits but the sign's.
fn wrapping_power(x: i128, y: i128, dtype: Dtype) -> i128 {
    let bits = if dtype.size() <= 2 { 16 } else { 8 * dtype.size() as u32 };
    let kept = bits - u32::from(dtype.is_signed());
    let modulus = 1i128 << if dtype.size() <= 2 { 32 } else { bits };
    let (mut made, mut square, mut rest) = (1i128, x.rem_euclid(modulus), y & ((1i128 << kept) - 1));
    while rest > 0 {
        if rest % 2 == 1 {
            made = (made.wrapping_mul(square)).rem_euclid(modulus);
        }
        square = square.wrapping_mul(square).rem_euclid(modulus);
        rest /= 2;
    }
    wrapped(made, dtype)
}

fn power(x: i128, y: i128) -> i128 {
    match (x, y) {
        (1, _) | (_, 0) => 1,
        (_, n) if n < 0 => 0,
        (0, _) => 0,
        (-1, n) => 1 - 2 * (n % 2),
        (_, n) => {
            let large = if x < 0 && n % 2 == 1 { i128::MIN } else { i128::MAX };
            u32::try_from(n).ok().and_then(|n| x.checked_pow(n)).unwrap_or(large)
        }
    }
}

macro_rules! divided {
    ($name:ident, $t:ty) => {
        /// NumPy's `divmod`: the quotient rounded down and the remainder with the divisor's sign.
        fn $name(a: $t, b: $t) -> ($t, $t) {
            let rest = a % b;
            let quotient = (a - rest) / b;
            let (quotient, rest) = match () {
                () if rest == 0.0 => (quotient, (0.0 as $t).copysign(b)),
                () if (b < 0.0) != (rest < 0.0) => (quotient - 1.0, rest + b),
                () => (quotient, rest),
            };
            let down = quotient.floor();
            let down = if quotient - down > 0.5 { down + 1.0 } else { down };
            let down = if quotient == 0.0 { (0.0 as $t).copysign(a / b) } else { down };
            (if b == 0.0 { a / b } else { down }, rest)
        }
    };
}
divided!(divided_f32, f32);
divided!(divided_f64, f64);

/// Halves and singles: division works in f32, the rest is exact enough in f64 to round once.
fn of_singles(op: &str, x: f64, y: f64) -> f64 {
    match op {
        "floor_divide" => divided_f32(x as f32, y as f32).0.into(),
        "remainder" => divided_f32(x as f32, y as f32).1.into(),
        _ => of_floats(op, x, y),
    }
}

fn of_floats(op: &str, x: f64, y: f64) -> f64 {
    let either = |v: f64| if x.is_nan() || y.is_nan() { f64::NAN } else { v };
    match op {
        "add" | "wrapping_add" => x + y,
        "subtract" | "wrapping_subtract" => x - y,
        "multiply" | "wrapping_multiply" => x * y,
        "divide" => x / y,
        "floor_divide" => divided_f64(x, y).0,
        "remainder" => divided_f64(x, y).1,
        "power" | "wrapping_power" => x.powf(y),
        "negative" => -x,
        "abs" => x.abs(),
        "sqrt" => x.sqrt(),
        "exp" => x.exp(),
        "log" => x.ln(),
        "sin" => x.sin(),
        "cos" => x.cos(),
        "floor" => x.floor(),
        "ceil" => x.ceil(),
        "rint" => round_to(x, 0),
        "minimum" => either(if x < y || x == y && x.is_sign_negative() { x } else { y }),
        "maximum" => either(if x > y || x == y && x.is_sign_positive() { x } else { y }),
        other => panic!("no meaning of {other} for floats"),
    }
}
