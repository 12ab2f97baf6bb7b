//! The pipeline language of the command line: text into lazy arrays.
//! It does not know how arrays are opened, computed or saved.
//!
//! A pipeline is steps, separated by `|>` or line breaks; each is an expression in Python's syntax with NumPy's operators
//! and precedence. `x` is what the step before made (at first the file), `input` is the file, and an op call that lacks
//! its array gets `x`. A line may begin with `name =`: the name holds what the whole line makes, up to the last `|>`, and
//! later lines use it. A line goes on inside brackets, and where it ends or the next one begins with `|>` or an operator
//! between two operands (`-` and `+` included). `#` begins a comment.

mod call;
mod eval;
mod fold;
mod parse;
mod place;
mod token;
mod tree;

use crate::error::Result;
use crate::graph::Array;
use std::panic::Location;

/// What a pipeline makes: the arrays by the names it gives, and the last value.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// What the last step makes.
    pub result: Array,
    /// The named arrays, in the order of the text.
    pub named: Vec<(String, Array)>,
}

/// Evaluates `text`; `input` is the file (`input` and, at the start, `x`), `others` are the arrays of `-i name=FILE`.
///
/// # Errors
/// What the grammar, the names, or the ops refuse, with step, column and the text.
#[track_caller]
pub fn evaluate(text: &str, input: &Array, others: &[(String, Array)]) -> Result<Pipeline> {
    let line = Location::caller();
    let steps = parse::steps(text)?;
    eval::run(text, steps, input, others, line)
}

/// How `text` is understood: one step a line, with all parentheses written.
///
/// # Errors
/// What does not follow the grammar.
pub fn parenthesised(text: &str) -> Result<String> {
    let line = |step: tree::Step| match step.name {
        Some(name) => format!("{} = {}", name.text, step.expr),
        None => step.expr.to_string(),
    };
    Ok(parse::steps(text)?.into_iter().map(line).collect::<Vec<_>>().join("\n"))
}
