//! Which arguments of a call are the op's arrays and which its parameters, and where `x` comes in.
//! It does not know expressions: arguments arrive evaluated.

use super::eval::Term;
use crate::error::{Error, Result, unknown};
use crate::graph::{Args, Array, Op, Value};

/// A call's arrays and parameters, ready to be applied.
pub(super) struct Call {
    pub(super) inputs: Vec<Array>,
    pub(super) args: Args,
}

/// The evaluated arguments, and what a call that lacks its array gets.
pub(super) struct Given<'a> {
    pub(super) positional: Vec<Term>,
    pub(super) named: Vec<(String, Term)>,
    pub(super) current: &'a Array,
}

/// Deals the arguments out: arrays first, then parameters, as the op's signature has them.
///
/// A call may leave out the op's first array, which then is `x`. A number can stand for an array only beside one: where
/// the op has no parameter left that must be given (`minimum(3)`), or where exactly enough arguments are there for all.
///
/// # Errors
/// Too many, unknown, repeated or missing arguments; an array where a parameter should be.
pub(super) fn deal(op: &'static Op, given: Given<'_>) -> Result<Call> {
    let Given { mut positional, named, current } = given;
    let mut slots: Vec<Option<Term>> = op.inputs.iter().map(|_| None).collect();
    let named = named_inputs(op, named, &mut slots)?;
    let open = slots.iter().take_while(|slot| slot.is_none()).count();
    let count = leading_inputs(op, &positional, &named, open, slots.iter().flatten().any(Term::is_array));
    let parameters = positional.split_off(count);
    // One array fewer than there are places: `x` is the first.
    let first = usize::from(open > 0 && slots.iter().filter(|slot| slot.is_none()).count() == count + 1);
    if first == 1 {
        positional.insert(0, Term::Array(current.clone()));
    }
    for (slot, term) in slots.iter_mut().zip(positional) {
        *slot = Some(term);
    }
    let inputs = slots.into_iter().zip(op.inputs).map(|(slot, name)| input(op, name, slot)).collect::<Result<Vec<_>>>()?;
    if inputs.iter().all(|array| array.as_literal().is_some()) {
        return Err(Error::caller(format!("{} needs an array, got only numbers", op.name)).hint(op.signature()));
    }
    if parameters.len() > op.params.len() {
        let what = format!("{} got more arguments than it takes", op.name);
        return Err(Error::caller(what).hint(op.signature()));
    }
    let positional =
        parameters.into_iter().zip(op.params).map(|(term, param)| parameter(op, param.name, term)).collect::<Result<_>>()?;
    let named = named.into_iter().map(|(name, term)| Ok((name.clone(), parameter(op, &name, term)?))).collect::<Result<_>>()?;
    Ok(Call { inputs, args: op.args(positional, named)? })
}

/// Puts arrays that are given by name into their places; the rest of the named arguments comes back.
fn named_inputs(op: &Op, named: Vec<(String, Term)>, slots: &mut [Option<Term>]) -> Result<Vec<(String, Term)>> {
    let mut rest = Vec::new();
    for (name, term) in named {
        let is_param = op.params.iter().any(|param| param.name == name);
        match op.inputs.iter().position(|input| *input == name).and_then(|place| slots.get_mut(place)) {
            Some(slot) if slot.is_none() => *slot = Some(term),
            Some(_) => return Err(Error::caller(format!("{} got '{name}' twice", op.name)).hint(op.signature())),
            None if is_param => rest.push((name, term)),
            None => {
                let known = op.inputs.iter().copied().chain(op.params.iter().map(|param| param.name));
                return Err(unknown(&format!("parameter of {}", op.name), &name, known));
            }
        }
    }
    Ok(rest)
}

/// How many of the leading arguments are arrays of the op, of which `open` are not given by name.
fn leading_inputs(op: &Op, positional: &[Term], named: &[(String, Term)], open: usize, has_array: bool) -> usize {
    let arrays = positional.iter().take(open).take_while(|term| term.is_array()).count();
    let by_name = |name: &str| named.iter().any(|(given, _)| given == name);
    let required = op.params.iter().filter(|param| param.default.is_none() && !by_name(param.name)).count();
    if required > 0 && positional.len() != open + required {
        return arrays;
    }
    let candidates = positional.iter().take(open).take_while(|term| term.is_array() || term.is_number()).count();
    let any_array = has_array || positional.iter().take(candidates).any(Term::is_array);
    // Numbers alone are no input: the first place is left to `x`.
    if candidates == open && !any_array { candidates.saturating_sub(1) } else { candidates }
}

fn input(op: &Op, name: &str, term: Option<Term>) -> Result<Array> {
    match term {
        Some(Term::Array(array)) => Ok(array),
        Some(Term::Number(number)) => Ok(Array::literal(number)),
        Some(Term::Value(value)) => {
            Err(Error::caller(format!("{} takes an array as '{name}', got {value}", op.name)).hint(op.signature()))
        }
        None => Err(Error::caller(format!("{} needs the array '{name}'", op.name)).hint(op.signature())),
    }
}

fn parameter(op: &Op, name: &str, term: Term) -> Result<Value> {
    match term {
        Term::Array(_) => {
            let what = format!("{} got an array as '{name}'", op.name);
            Err(Error::caller(what).hint(op.signature()))
        }
        other => other.into_value(),
    }
}
