//! What a pipeline says, as a tree: steps of expressions, each part with its place in the text.
//! It does not know what the names in it stand for.

use crate::dtype::Number;
use std::fmt;

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Binary {
    /// As it is written.
    pub(super) sign: &'static str,
    /// How tightly it binds; higher is tighter.
    pub(super) level: u8,
    /// The op that it stands for; empty for the words that pipelines refuse.
    pub(super) op: &'static str,
}

/// Level of comparisons.
pub(super) const COMPARISON: u8 = 3;
/// The power, the one operator that groups from the right and binds tighter than a sign before it.
pub(super) const POWER: Binary = Binary { sign: "**", level: 9, op: "power" };

const fn binary(sign: &'static str, level: u8, op: &'static str) -> Binary {
    Binary { sign, level, op }
}

/// The operators that group from the left, in NumPy's precedence.
pub(super) static BINARY: [Binary; 17] = [
    binary("or", 0, ""),
    binary("and", 1, ""),
    binary("==", COMPARISON, "equal"),
    binary("!=", COMPARISON, "not_equal"),
    binary("<", COMPARISON, "less"),
    binary("<=", COMPARISON, "less_equal"),
    binary(">", COMPARISON, "greater"),
    binary(">=", COMPARISON, "greater_equal"),
    binary("|", 4, "bitwise_or"),
    binary("^", 5, "bitwise_xor"),
    binary("&", 6, "bitwise_and"),
    binary("+", 7, "add"),
    binary("-", 7, "subtract"),
    binary("*", 8, "multiply"),
    binary("/", 8, "divide"),
    binary("//", 8, "floor_divide"),
    binary("%", 8, "remainder"),
];

/// A sign before an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Plus,
    Minus,
    Invert,
    /// The word, which pipelines refuse.
    Not,
}

/// One part of a subscript.
#[derive(Debug)]
pub(super) enum Subscript {
    Ellipsis,
    At(Expr),
    Range([Option<Expr>; 3]),
}

/// The arguments of a call.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    pub(super) positional: Vec<Expr>,
    pub(super) named: Vec<(String, Expr)>,
}

/// An expression and the byte that errors about it point at.
#[derive(Debug)]
pub(super) struct Expr {
    pub(super) at: usize,
    pub(super) form: Form,
}

/// The forms of an expression. Long chains are lists, so that a tree is no deeper than its brackets.
#[derive(Debug)]
pub(super) enum Form {
    None,
    Number(Number),
    Length(f64, &'static str),
    Text(String),
    Name(String),
    List(Vec<Expr>),
    Sign(Unary, Box<Expr>),
    /// Operators of one level, from the left; each with its place.
    Chain(Box<Expr>, Vec<(usize, Binary, Expr)>),
    Power(Box<Expr>, Box<Expr>),
    Call(String, Arguments),
    Subscripts(Box<Expr>, Vec<(usize, Vec<Subscript>)>),
}

/// A name that is given, and where.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) at: usize,
}

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: Option<Name>,
    pub(super) expr: Expr,
    /// The bytes that it covers.
    pub(super) span: std::ops::Range<usize>,
    /// Whether it is the last of its line.
    pub(super) ends_line: bool,
}

fn joined<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Subscript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |part: &Option<Expr>| part.as_ref().map(ToString::to_string).unwrap_or_default();
        match self {
            Subscript::Ellipsis => write!(f, "..."),
            Subscript::At(at) => write!(f, "{at}"),
            Subscript::Range([start, stop, None]) => write!(f, "{}:{}", text(start), text(stop)),
            Subscript::Range([start, stop, step]) => write!(f, "{}:{}:{}", text(start), text(stop), text(step)),
        }
    }
}

impl fmt::Display for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.named.iter().map(|(name, value)| format!("{name}={value}"));
        write!(f, "{}", joined(self.positional.iter().map(ToString::to_string).chain(named)))
    }
}

/// With all parentheses written; the words that pipelines refuse are shown as the operators to use instead.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.form {
            Form::None => write!(f, "None"),
            Form::Number(Number::Float(v)) => write!(f, "{v:?}"),
            Form::Number(number) => write!(f, "{number}"),
            Form::Length(v, unit) => write!(f, "{v:?}{unit}"),
            Form::Text(text) => write!(f, "'{text}'"),
            Form::Name(name) => write!(f, "{name}"),
            Form::List(items) => write!(f, "[{}]", joined(items)),
            Form::Sign(sign, operand) => {
                let sign = match sign {
                    Unary::Plus => "+",
                    Unary::Minus => "-",
                    Unary::Invert | Unary::Not => "~",
                };
                write!(f, "({sign}{operand})")
            }
            Form::Chain(first, rest) => {
                write!(f, "{}{first}", "(".repeat(rest.len()))?;
                let sign = |binary: &Binary| match binary.sign {
                    "and" => "&",
                    "or" => "|",
                    sign => sign,
                };
                rest.iter().try_for_each(|(_, binary, operand)| write!(f, " {} {operand})", sign(binary)))
            }
            Form::Power(base, exponent) => write!(f, "({base} ** {exponent})"),
            Form::Call(op, arguments) => write!(f, "{op}({arguments})"),
            Form::Subscripts(of, all) => {
                write!(f, "{of}")?;
                all.iter().try_for_each(|(_, parts)| write!(f, "[{}]", joined(parts)))
            }
        }
    }
}
