//! Arithmetic between numbers alone, as Python does it; whole numbers are exact and stay within 64 bits.
//! It does not know arrays.

use super::tree::{Binary, Unary};
use crate::dtype::{Dtype, Number};
use crate::error::{Error, Result};

/// A sign before a number.
pub(super) fn sign(sign: Unary, number: Number) -> Result<Number> {
    match (sign, number) {
        (Unary::Invert | Unary::Not, Number::Bool(b)) => Ok(Number::Bool(!b)),
        (Unary::Invert | Unary::Not, Number::Int(i)) => checked(Some(!i)),
        (Unary::Invert | Unary::Not, Number::Float(v)) => {
            Err(Error::caller(format!("'~' is for bools and whole numbers, got {v:?}")))
        }
        (Unary::Minus, Number::Float(v)) => Ok(Number::Float(-v)),
        (Unary::Minus, whole) => checked(Some(-whole.to_int())),
        (Unary::Plus, Number::Bool(b)) => Ok(Number::Int(b.into())),
        (Unary::Plus, number) => Ok(number),
    }
}

/// An operator between two numbers.
pub(super) fn binary(binary: Binary, a: Number, b: Number) -> Result<Number> {
    match (binary.sign, a, b) {
        ("==" | "!=" | "<" | "<=" | ">" | ">=", ..) => Ok(Number::Bool(compared(binary.sign, a, b))),
        ("&", Number::Bool(a), Number::Bool(b)) => Ok(Number::Bool(a & b)),
        ("|", Number::Bool(a), Number::Bool(b)) => Ok(Number::Bool(a | b)),
        ("^", Number::Bool(a), Number::Bool(b)) => Ok(Number::Bool(a ^ b)),
        ("&" | "|" | "^", Number::Float(v), _) | ("&" | "|" | "^", _, Number::Float(v)) => {
            Err(Error::caller(format!("'{}' is for bools and whole numbers, got {v:?}", binary.sign)))
        }
        ("/" | "//" | "%", _, b) if b.to_f64() == 0.0 => Err(Error::caller("division by zero")),
        ("/", ..) => Ok(Number::Float(a.to_f64() / b.to_f64())),
        (_, Number::Float(_), _) | (_, _, Number::Float(_)) => floats(binary.sign, a.to_f64(), b.to_f64()),
        _ => whole(binary.sign, a.to_int(), b.to_int()),
    }
}

fn compared(sign: &str, a: Number, b: Number) -> bool {
    let order = match (a, b) {
        (Number::Float(_), _) | (_, Number::Float(_)) => a.to_f64().partial_cmp(&b.to_f64()),
        _ => Some(a.to_int().cmp(&b.to_int())),
    };
    match (sign, order) {
        ("==", order) => order.is_some_and(|o| o.is_eq()),
        ("!=", order) => order.is_none_or(|o| o.is_ne()),
        ("<", order) => order.is_some_and(|o| o.is_lt()),
        ("<=", order) => order.is_some_and(|o| o.is_le()),
        (">", order) => order.is_some_and(|o| o.is_gt()),
        (_, order) => order.is_some_and(|o| o.is_ge()),
    }
}

fn floats(sign: &str, a: f64, b: f64) -> Result<Number> {
    Ok(Number::Float(match sign {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "//" => divided(a, b).0,
        "%" => divided(a, b).1,
        "**" if a == 0.0 && b < 0.0 => return Err(Error::caller("division by zero")),
        "**" if a < 0.0 && a.is_finite() && b.is_finite() && b.fract() != 0.0 => {
            return Err(Error::caller(format!("{a:?} ** {b:?} is no real number")).hint("a sign binds less tightly than **"));
        }
        "**" => a.powf(b),
        _ => return Err(unknown(sign)),
    }))
}

/// The quotient rounded down, and what it leaves, with the sign of `b`.
fn divided(a: f64, b: f64) -> (f64, f64) {
    let rest = a % b;
    let quotient = ((a - rest) / b).round();
    if rest != 0.0 && (rest < 0.0) != (b < 0.0) { (quotient - 1.0, rest + b) } else { (quotient, rest) }
}

fn whole(sign: &str, a: i128, b: i128) -> Result<Number> {
    let rest = || Some(a.checked_rem(b)?).map(|rest| if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest });
    checked(match sign {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "//" => rest().and_then(|rest| (a - rest).checked_div(b)),
        "%" => rest(),
        "&" => Some(a & b),
        "|" => Some(a | b),
        "^" => Some(a ^ b),
        "**" if b < 0 => return floats(sign, Number::Int(a).to_f64(), Number::Int(b).to_f64()),
        "**" => match (a, u32::try_from(b)) {
            (0 | 1, _) => Some(if b == 0 { 1 } else { a }),
            (-1, _) => Some(if b % 2 == 0 { 1 } else { -1 }),
            (_, Ok(b)) => a.checked_pow(b),
            (_, Err(_)) => None,
        },
        _ => return Err(unknown(sign)),
    })
}

/// A whole number where it fits in 64 bits.
fn checked(value: Option<i128>) -> Result<Number> {
    let fits = value.filter(|v| Dtype::I64.holds(*v) || Dtype::U64.holds(*v));
    fits.map(Number::Int)
        .ok_or_else(|| Error::caller("the number does not fit in 64 bits").hint("write one of the numbers with a point"))
}

fn unknown(sign: &str) -> Error {
    Error::bug(format!("no arithmetic for '{sign}'"))
}
