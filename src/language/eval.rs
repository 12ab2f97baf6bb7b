//! Steps into arrays: names, operators, subscripts; every array is checked as soon as it is made.
//! It does not know the grammar, nor any particular op.

use super::call::{Given, deal};
use super::fold;
use super::place::Fault;
use super::tree::{Arguments, Binary, Expr, Form, Name, POWER, Step, Subscript, Unary};
use crate::dtype::{Dtype, Number};
use crate::error::{Error, Result, unknown};
use crate::graph::{Args, Array, Index, Op, Slice, Value};
use crate::language::Pipeline;
use crate::ops;
use std::collections::HashMap;
use std::panic::Location;

/// What an expression makes.
#[derive(Clone, Debug)]
pub(super) enum Term {
    Array(Array),
    Number(Number),
    /// A name, a list, a length or nothing.
    Value(Value),
}

type Made<T> = std::result::Result<T, Fault>;

impl Term {
    pub(super) fn is_array(&self) -> bool {
        matches!(self, Term::Array(_))
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Term::Number(_))
    }

    /// As a parameter.
    pub(super) fn into_value(self) -> Result<Value> {
        match self {
            Term::Value(value) => Ok(value),
            Term::Number(Number::Bool(b)) => Ok(Value::Bool(b)),
            Term::Number(Number::Float(v)) => Ok(Value::Float(v)),
            Term::Number(Number::Int(i)) => {
                i64::try_from(i).map(Value::Int).map_err(|_| Error::caller(format!("{i} is too large for a parameter")))
            }
            Term::Array(_) => Err(Error::caller("an array where a number, a name or a list should be")),
        }
    }

    /// For messages.
    fn words(&self) -> String {
        match self {
            Term::Array(_) => "an array".to_owned(),
            Term::Number(number) => number.to_string(),
            Term::Value(value) => value.to_string(),
        }
    }
}

/// Runs the steps.
///
/// # Errors
/// What names and ops refuse, with its place.
pub(super) fn run(
    text: &str,
    steps: Vec<Step>,
    input: &Array,
    others: &[(String, Array)],
    line: &'static Location<'static>,
) -> Result<Pipeline> {
    for (k, (name, array)) in others.iter().enumerate() {
        input_name(name, others.get(..k).unwrap_or(&[]))?;
        array.info()?;
    }
    input.info()?;
    let known = others.iter().cloned().collect();
    let (current, named) = (input.clone(), Vec::new());
    let mut scope = Scope { input, others, current, named, known, pending: None, starts_line: true, line };
    for (k, step) in steps.into_iter().enumerate() {
        let span = step.span.clone();
        scope.step(step).map_err(|fault| fault.placed(text, k + 1, &span))?;
    }
    Ok(Pipeline { result: scope.current, named: scope.named })
}

/// Refuses names of `-i` that a pipeline could not use.
fn input_name(name: &str, before: &[(String, Array)]) -> Result<()> {
    let mut chars = name.chars();
    let word = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_');
    if !word {
        return Err(Error::caller(format!("'{name}' is no name for an array")).hint("letters, digits and _, not a digit first"));
    }
    if before.iter().any(|(other, _)| other == name) {
        return Err(Error::caller(format!("two inputs are called '{name}'")));
    }
    free(name)
}

/// Refuses names that mean something already.
fn free(name: &str) -> Result<()> {
    let meaning = match name {
        "x" => "the current value",
        "input" => "the input file",
        _ if super::parse::is_reserved(name) => "a word of the language",
        _ if ops::find(name).is_ok() => "an op",
        _ => return Ok(()),
    };
    Err(Error::caller(format!("'{name}' cannot be given as a name: it is {meaning}")).hint("choose another name"))
}

struct Scope<'a> {
    input: &'a Array,
    others: &'a [(String, Array)],
    current: Array,
    named: Vec<(String, Array)>,
    /// The inputs of `-i` and what was named, by their names.
    known: HashMap<String, Array>,
    /// The name that the line's result will have.
    pending: Option<Name>,
    /// Whether the next step is the first of its line.
    starts_line: bool,
    line: &'static Location<'static>,
}

impl Scope<'_> {
    fn step(&mut self, step: Step) -> Made<()> {
        if let Some(name) = step.name {
            self.announce(name, step.ends_line)?;
        }
        self.starts_line = step.ends_line;
        let at = step.expr.at;
        self.current = match self.term(&step.expr)? {
            Term::Array(array) => array,
            other => {
                let error = Error::caller(format!("the step makes {}, not an array", other.words()));
                return Err(Fault::new(at, error.hint("write it where it is used")));
            }
        };
        if step.ends_line
            && let Some(name) = self.pending.take()
        {
            self.known.insert(name.text.clone(), self.current.clone());
            self.named.push((name.text, self.current.clone()));
        }
        Ok(())
    }

    /// Keeps the name for the end of the line, where what it names is there.
    fn announce(&mut self, name: Name, ends_line: bool) -> Made<()> {
        let Name { text, at } = name;
        let refused = |error| Err(Fault::new(at, error));
        if let Err(error) = free(&text) {
            return refused(error);
        }
        if self.others.iter().any(|(other, _)| *other == text) {
            return refused(
                Error::caller(format!("'{text}' cannot be given as a name: it is an input of -i")).hint("choose another name"),
            );
        }
        if self.known.contains_key(&text) {
            return refused(Error::caller(format!("the name '{text}' is given twice")).hint("choose another name"));
        }
        if let Some(first) = &self.pending {
            let error = Error::caller(format!("two names for one line: '{}' and '{text}'", first.text));
            return refused(error.hint("a name holds what its whole line makes; begin a new line for the second"));
        }
        // At the beginning of a line a name is for the whole line; before its last step that is the same thing.
        if !self.starts_line && !ends_line {
            let error = Error::caller(format!("'{text}' names a step in the middle of its line"));
            return refused(
                error.hint("a name holds what its whole line makes: begin a new line for it, and another one after the step"),
            );
        }
        self.pending = Some(Name { text, at });
        Ok(())
    }

    fn term(&self, expr: &Expr) -> Made<Term> {
        let at = expr.at;
        match &expr.form {
            Form::None => Ok(Term::Value(Value::None)),
            Form::Number(number) => Ok(Term::Number(*number)),
            Form::Length(v, unit) => Ok(Term::Value(Value::Length(*v, (*unit).to_owned()))),
            Form::Text(text) => Ok(Term::Value(Value::Text(text.clone()))),
            Form::Name(name) => self.name(name, at),
            Form::List(items) => self.list(items),
            Form::Sign(sign, operand) => self.sign(*sign, self.term(operand)?, at),
            Form::Chain(first, rest) => {
                let step = |left: Term, (at, binary, right): &(usize, Binary, Expr)| {
                    self.binary(*binary, [left, self.term(right)?], *at)
                };
                rest.iter().try_fold(self.term(first)?, step)
            }
            Form::Power(base, exponent) => self.binary(POWER, [self.term(base)?, self.term(exponent)?], at),
            Form::Call(name, arguments) => self.call(name, arguments, at),
            Form::Subscripts(of, all) => {
                let step = |of: Term, (at, parts): &(usize, Vec<Subscript>)| self.subscript(&of, parts, *at);
                all.iter().try_fold(self.term(of)?, step)
            }
        }
    }

    fn array(&self, name: &str) -> Option<&Array> {
        match name {
            "x" => Some(&self.current),
            "input" => Some(self.input),
            _ => self.known.get(name),
        }
    }

    /// An array of this name, else a dtype, else what an op makes of the current value.
    fn name(&self, name: &str, at: usize) -> Made<Term> {
        match self.array(name) {
            Some(array) => Ok(Term::Array(array.clone())),
            None if ops::find(name).is_err() && Dtype::parse(name).is_ok() => Ok(Term::Value(Value::Text(name.to_owned()))),
            None => self.call(name, &Arguments::default(), at),
        }
    }

    /// The op of this name, or what is near.
    fn op(&self, name: &str, at: usize) -> Made<&'static Op> {
        if let Ok(op) = ops::find(name) {
            return Ok(op);
        }
        let what = format!("unknown name '{name}'");
        let error = match &self.pending {
            Some(pending) if pending.text == name => Error::caller(what)
                .hint(format!("'{name}' names what its whole line makes: break the line after the step that it should name")),
            _ if self.array(name).is_some() => Error::caller(format!("'{name}' is an array, not an op"))
                .hint(format!("{name}[…] is a part of it, {name} * (…) a product")),
            _ => {
                let arrays = self.named.iter().chain(self.others).map(|(known, _)| known.as_str());
                unknown("name", name, ["x", "input"].into_iter().chain(arrays).chain(ops::all().map(|op| op.name)))
            }
        };
        Err(Fault::new(at, error))
    }

    fn list(&self, items: &[Expr]) -> Made<Term> {
        let item = |item: &Expr| self.term(item)?.into_value().map_err(|error| Fault::new(item.at, error));
        items.iter().map(item).collect::<Made<Vec<_>>>().map(|items| Term::Value(Value::List(items)))
    }

    fn sign(&self, sign: Unary, operand: Term, at: usize) -> Made<Term> {
        match (sign, operand) {
            (Unary::Plus, Term::Array(array)) => Ok(Term::Array(array)),
            (Unary::Minus, Term::Array(array)) => self.apply("negative", &[array], at),
            (Unary::Invert | Unary::Not, Term::Array(array)) => self.apply("invert", &[array], at),
            (sign, Term::Number(number)) => fold::sign(sign, number).map(Term::Number).map_err(|error| Fault::new(at, error)),
            (Unary::Minus, Term::Value(Value::Length(v, unit))) => Ok(Term::Value(Value::Length(-v, unit))),
            (Unary::Plus, Term::Value(Value::Length(v, unit))) => Ok(Term::Value(Value::Length(v, unit))),
            (_, other) => Err(Fault::new(at, Error::caller(format!("a sign is for arrays and numbers, got {}", other.words())))),
        }
    }

    fn binary(&self, binary: Binary, operands: [Term; 2], at: usize) -> Made<Term> {
        if let [Term::Number(a), Term::Number(b)] = operands {
            return fold::binary(binary, a, b).map(Term::Number).map_err(|error| Fault::new(at, error));
        }
        let array = |term: Term| match term {
            Term::Array(array) => Ok(array),
            Term::Number(number) => Ok(Array::literal(number)),
            Term::Value(value) => {
                let what = format!("'{}' is for arrays and numbers, got {value}", binary.sign);
                Err(Fault::new(at, Error::caller(what)))
            }
        };
        let [a, b] = operands;
        self.apply(binary.op, &[array(a)?, array(b)?], at)
    }

    fn apply(&self, op: &str, inputs: &[Array], at: usize) -> Made<Term> {
        self.made(self.op(op, at)?, inputs, Args::default(), at)
    }

    fn call(&self, name: &str, arguments: &Arguments, at: usize) -> Made<Term> {
        let op = self.op(name, at)?;
        let positional = arguments.positional.iter().map(|value| self.term(value)).collect::<Made<_>>()?;
        let named = arguments.named.iter().map(|(name, value)| Ok((name.clone(), self.term(value)?))).collect::<Made<_>>()?;
        let given = Given { positional, named, current: &self.current };
        let call = deal(op, given).map_err(|error| Fault::new(at, error))?;
        self.made(op, &call.inputs, call.args, at)
    }

    /// Applies an op and looks at once whether it could.
    fn made(&self, op: &'static Op, inputs: &[Array], args: Args, at: usize) -> Made<Term> {
        let array = op.apply(inputs, args, self.line);
        match array.info() {
            Ok(_) => Ok(Term::Array(array)),
            Err(error) => Err(Fault::new(at, error.without_places())),
        }
    }

    #[track_caller]
    fn subscript(&self, of: &Term, parts: &[Subscript], at: usize) -> Made<Term> {
        let Term::Array(of) = of else {
            return Err(Fault::new(at, Error::caller(format!("only arrays have subscripts, got {}", of.words()))));
        };
        if parts.is_empty() {
            return Err(Fault::new(at, Error::caller("an empty subscript").hint("for example [0:10, ::2, -1, None, ...]")));
        }
        let index = parts.iter().map(|part| self.index(part)).collect::<Made<Vec<_>>>()?;
        let array = of.index(&index);
        match array.info() {
            Ok(_) => Ok(Term::Array(array)),
            Err(error) => Err(Fault::new(at, error.without_places())),
        }
    }

    fn index(&self, part: &Subscript) -> Made<Index> {
        let bound = |expr: &Option<Expr>| match expr {
            None => Ok(None),
            Some(expr) => match self.term(expr)? {
                Term::Value(Value::None) => Ok(None),
                term => place(&term).map(Some).map_err(|error| Fault::new(expr.at, error)),
            },
        };
        match part {
            Subscript::Ellipsis => Ok(Index::Ellipsis),
            Subscript::At(expr) => match self.term(expr)? {
                Term::Value(Value::None) => Ok(Index::NewAxis),
                term => place(&term).map(Index::At).map_err(|error| Fault::new(expr.at, error)),
            },
            Subscript::Range([start, stop, step]) => {
                Ok(Index::Range(Slice { start: bound(start)?, stop: bound(stop)?, step: bound(step)? }))
            }
        }
    }
}

/// A whole number of a subscript.
fn place(term: &Term) -> Result<isize> {
    // Far beyond any axis, far from where sums of two overflow.
    const FURTHEST: i128 = 1 << 48;
    match term {
        Term::Number(Number::Int(i)) => match isize::try_from((*i).clamp(-FURTHEST, FURTHEST)) {
            Ok(place) => Ok(place),
            Err(_) => Err(Error::caller(format!("{i} is too large for a subscript"))),
        },
        Term::Array(_) => Err(Error::caller("a subscript takes whole numbers and ranges, got an array")
            .hint("choose elements with where(mask, x, 0)")),
        other => Err(Error::caller(format!("a subscript takes whole numbers and ranges, got {}", other.words()))),
    }
}
