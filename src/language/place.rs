//! Where in a pipeline an error lies: step, line and column, with the text and a caret below it.
//! It does not know what went wrong.

use crate::error::Error;
use std::ops::Range;

/// An error and the byte of the text that it points at.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) error: Error,
}

impl Fault {
    pub(super) fn new(at: usize, error: Error) -> Fault {
        Fault { at, error }
    }

    /// The error with its place: step `number` covers the bytes `span` of `text`.
    pub(super) fn placed(self, text: &str, number: usize, span: &Range<usize>) -> Error {
        let before = text.get(..self.at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text.get(self.at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| self.at + at);
        let column = 1 + text.get(line_start..self.at).map_or(0, |part| part.chars().count());
        let line = match text.trim_end().contains('\n') {
            true => format!("line {}, ", 1 + before.matches('\n').count()),
            false => String::new(),
        };
        let shown = span.start.max(line_start).min(self.at)..span.end.min(line_end).max(self.at);
        let (snippet, caret) = clipped(text, &shown, self.at);
        let head = format!("step {number}, {line}column {column}: ");
        // The printed place is indented by two and begins with "in ".
        let indent = " ".repeat(5 + head.chars().count() + caret);
        self.error.at(format!("{head}{snippet}\n{indent}^"))
    }
}

/// At most this many characters of a step are shown on either side of the caret.
const SIDE: usize = 50;

/// The text of a span around `at`, without control characters, and how many characters lie before `at`.
fn clipped(text: &str, span: &Range<usize>, at: usize) -> (String, usize) {
    let left = text.get(span.start..at).unwrap_or("").trim_start();
    let right = text.get(at..span.end).unwrap_or("").trim_end();
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let skipped = left.chars().count().saturating_sub(SIDE);
    let mut shown: String = if skipped > 0 { "…".to_owned() } else { String::new() };
    shown.extend(left.chars().skip(skipped).map(plain));
    let caret = shown.chars().count();
    shown.extend(right.chars().take(SIDE).map(plain));
    if right.chars().nth(SIDE).is_some() {
        shown.push('…');
    }
    (shown, caret)
}
