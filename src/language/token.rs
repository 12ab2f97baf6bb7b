//! Text into tokens: numbers with units, names, strings, symbols, and the line breaks that end a step.
//! It does not know which sequences of tokens mean something.

use crate::dtype::{Dtype, Number};
use crate::error::{Error, Result};

/// What a token is.
#[derive(Clone, Debug)]
pub(super) enum Kind<'a> {
    /// A number.
    Number(Number),
    /// A length and its unit.
    Length(f64, &'static str),
    /// A name or a keyword.
    Name(&'a str),
    /// A string, without its quotes.
    Text(&'a str),
    /// An operator, a bracket or other punctuation.
    Symbol(&'static str),
    /// A line break that ends a step.
    Break,
    /// The end of the text.
    End,
    /// Something that is no token; nothing follows it.
    Bad(Error),
}

/// A token and the bytes that it covers.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Longest first, so that the first that fits is the right one.
const SYMBOLS: [&str; 29] = [
    "...", "|>", "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "&", "|", "^", "~", "<", ">", "(", ")", "[", "]",
    ",", ":", "=", ".", "{", "}",
];

/// Symbols that carry a step on over a line break, at the end of a line or at the beginning of the next.
const CARRIES_ON: [&str; 17] = ["|>", "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "&", "|", "^", "<", ">"];

/// Units as they are written and as they are passed on.
const UNITS: [(&str, &str); 7] = [("nm", "nm"), ("um", "um"), ("µm", "um"), ("μm", "um"), ("mm", "mm"), ("cm", "cm"), ("m", "m")];

/// The tokens of a text; the last one is `End` or `Bad`.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0, depth: 0, broken: false, found: Vec::new() };
    while lexer.next() {}
    lexer.found
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Brackets that are open.
    depth: usize,
    /// A line break was met that ends the step unless the next token carries it on.
    broken: bool,
    found: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip(&mut self) {
        while let Some(c) = self.rest().chars().next() {
            match c {
                '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                '\n' => {
                    self.broken |= self.depth == 0;
                    self.at += 1;
                }
                c if c.is_whitespace() => self.at += c.len_utf8(),
                _ => return,
            }
        }
    }

    /// Finds one token; false after the last.
    fn next(&mut self) -> bool {
        self.skip();
        let start = self.at;
        let kind = self.kind().unwrap_or_else(Kind::Bad);
        if self.broken && self.ends_step(&kind) {
            let end = self.found.last().map_or(0, |token| token.end);
            self.found.push(Token { kind: Kind::Break, start: end, end });
        }
        self.broken = false;
        match kind {
            Kind::Symbol("(" | "[" | "{") => self.depth += 1,
            Kind::Symbol(")" | "]" | "}") => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        let more = !matches!(kind, Kind::End | Kind::Bad(_));
        self.found.push(Token { kind, start, end: self.at });
        more
    }

    /// Whether a line break before this token ends a step.
    fn ends_step(&self, next: &Kind) -> bool {
        let carries_on = |kind: &Kind| matches!(kind, Kind::Symbol(symbol) if CARRIES_ON.contains(symbol));
        self.found.last().is_some_and(|last| !carries_on(&last.kind)) && !carries_on(next) && !matches!(next, Kind::End)
    }

    fn kind(&mut self) -> Result<Kind<'a>> {
        let rest = self.rest();
        let mut chars = rest.chars();
        let Some(first) = chars.next() else { return Ok(Kind::End) };
        let digit_next = chars.next().is_some_and(|c| c.is_ascii_digit());
        match first {
            c if c.is_ascii_digit() || c == '.' && digit_next => self.number(),
            c if c.is_alphabetic() || c == '_' => Ok(Kind::Name(self.take(word_len(rest)))),
            '\'' | '"' => self.string(first),
            _ => self.symbol(first),
        }
    }

    /// Takes this many bytes; they end at a character's end.
    fn take(&mut self, bytes: usize) -> &'a str {
        let taken = self.rest().get(..bytes).unwrap_or("");
        self.at += taken.len();
        taken
    }

    fn symbol(&mut self, first: char) -> Result<Kind<'a>> {
        let rest = self.rest();
        let hint = [
            ("&&", "element by element it is &, with comparisons in parentheses: (x > 1) & (x < 5)"),
            ("||", "element by element it is |, with comparisons in parentheses: (x < 1) | (x > 5)"),
            ("<<", "multiply by a power of 2"),
            (">>", "divide by a power of 2 with //"),
            (";", "steps are separated by |> or line breaks"),
            ("@", "element by element it is *"),
        ];
        if let Some((wrong, hint)) = hint.into_iter().find(|(wrong, _)| rest.starts_with(wrong)) {
            return Err(Error::caller(format!("'{wrong}' is no operator of pipelines")).hint(hint));
        }
        match SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
            Some(symbol) => {
                self.at += symbol.len();
                Ok(Kind::Symbol(symbol))
            }
            None if first == '!' => Err(Error::caller("'!' is no operator of pipelines").hint("element by element, not is ~")),
            None => Err(Error::caller(format!("unexpected character {first:?}"))),
        }
    }

    fn string(&mut self, quote: char) -> Result<Kind<'a>> {
        let body = self.rest().get(1..).unwrap_or("");
        let end = body.find([quote, '\n', '\\']);
        match end.and_then(|end| Some((end, body.get(end..)?.chars().next()?))) {
            Some((_, '\\')) => Err(Error::caller("a backslash in a string").hint("strings have no escapes here")),
            Some((end, c)) if c == quote => {
                self.at += end + 2;
                Ok(Kind::Text(body.get(..end).unwrap_or("")))
            }
            _ => Err(Error::caller(format!("the string has no closing {quote}"))),
        }
    }

    fn number(&mut self) -> Result<Kind<'a>> {
        let rest = self.rest();
        for (prefix, radix) in [("0x", 16), ("0b", 2), ("0o", 8)] {
            if rest.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
                return self.radix(radix);
            }
        }
        let digits = self.take(decimal_len(rest));
        let unit = self.take(word_len(self.rest()));
        let plain: String = digits.chars().filter(|c| *c != '_').collect();
        if unit.is_empty() {
            return if digits.contains(['.', 'e', 'E']) {
                float(&plain).map(|v| Kind::Number(Number::Float(v)))
            } else {
                whole(&plain)
            };
        }
        match UNITS.into_iter().find(|(written, _)| *written == unit) {
            Some((_, unit)) => Ok(Kind::Length(float(&plain)?, unit)),
            None => Err(Error::caller(format!("unknown unit '{unit}' in '{digits}{unit}'"))
                .hint("known: nm, um, mm, cm, m; pixels are plain numbers, and names do not begin with a digit")),
        }
    }

    fn radix(&mut self, radix: u32) -> Result<Kind<'a>> {
        let word = self.take(word_len(self.rest()));
        let plain: String = word.chars().skip(2).filter(|c| *c != '_').collect();
        match u64::from_str_radix(&plain, radix) {
            Ok(v) => Ok(Kind::Number(Number::Int(v.into()))),
            Err(_) => Err(Error::caller(format!("'{word}' is no whole number of at most 64 bits"))),
        }
    }
}

/// Bytes of the word that a text begins with.
fn word_len(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// Bytes of the digits that a text begins with; an underscore counts between two digits.
fn digits_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |k: usize| bytes.get(k).is_some_and(u8::is_ascii_digit);
    let part = |k: &usize| digit(*k) || *k > 0 && bytes.get(*k) == Some(&b'_') && digit(k - 1) && digit(k + 1);
    (0..bytes.len()).take_while(part).count()
}

/// Bytes of the decimal number that a text begins with: digits, fraction, exponent.
fn decimal_len(text: &str) -> usize {
    let after = |n: usize| text.get(n..).unwrap_or("");
    let mut len = digits_len(text);
    if after(len).starts_with('.') && !after(len).starts_with("..") {
        len += 1 + digits_len(after(len + 1));
    }
    if after(len).starts_with(['e', 'E']) {
        let sign = usize::from(after(len + 1).starts_with(['+', '-']));
        let exponent = digits_len(after(len + 1 + sign));
        len += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    len
}

fn float(digits: &str) -> Result<f64> {
    digits.parse().map_err(|_| Error::caller(format!("'{digits}' is no number")))
}

fn whole(digits: &str) -> Result<Kind<'static>> {
    let significant = digits.trim_start_matches('0');
    if significant.len() < digits.len() && !significant.is_empty() {
        return Err(Error::caller(format!("'{digits}' begins with a zero")).hint(format!("write {significant}")));
    }
    let value = digits.parse::<i128>().ok().filter(|v| Dtype::U64.holds(*v));
    value.map(|v| Kind::Number(Number::Int(v))).ok_or_else(|| Error::caller(format!("{digits} does not fit in 64 bits")))
}
