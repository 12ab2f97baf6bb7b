//! Tokens into steps of expressions, with Python's syntax and NumPy's precedence.
//! It does not know which names exist; it refuses what Python would read otherwise than people mean it for arrays.

use super::place::Fault;
use super::token::{Kind, Token, tokens};
use super::tree::{Arguments, BINARY, Binary, COMPARISON, Expr, Form, Name, POWER, Step, Subscript, Unary};
use crate::dtype::Number;
use crate::error::{Error, Result};
use std::ops::Range;

/// Brackets, signs and powers inside each other: enough for people, few enough for the stack.
const DEEPEST: usize = 200;

type Parsed<T> = std::result::Result<T, Fault>;

/// The steps of a pipeline.
///
/// # Errors
/// What does not follow the grammar, with its place.
pub(super) fn steps(text: &str) -> Result<Vec<Step>> {
    let mut parser = Parser { text, tokens: tokens(text), next: 0, depth: 0, worded: None };
    let mut steps = Vec::new();
    if matches!(parser.peek(), Kind::End) {
        return Err(Error::caller("the pipeline is empty").hint("for example: gaussian(1.5) |> x > 60"));
    }
    loop {
        let first = parser.next;
        let step = parser.step().map_err(|fault| fault.placed(text, steps.len() + 1, &parser.step_span(first)))?;
        let start = step.span.start;
        steps.push(step);
        match (parser.peek(), parser.kind_at(parser.next + 1)) {
            (Kind::End, _) => return Ok(steps),
            (Kind::Symbol("|>"), Kind::End) => {
                let fault = Fault::new(parser.start(), Error::caller("nothing follows the last |>"));
                return Err(fault.placed(text, steps.len(), &(start..text.len())));
            }
            _ => {}
        }
        parser.next += 1;
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
    next: usize,
    depth: usize,
    /// The first `and`, `or` or `not` of the step.
    worded: Option<(usize, &'static str)>,
}

fn separates(kind: &Kind) -> bool {
    matches!(kind, Kind::Break | Kind::End | Kind::Symbol("|>"))
}

impl<'a> Parser<'a> {
    fn kind_at(&self, place: usize) -> &Kind<'a> {
        self.tokens.get(place).map_or(&Kind::End, |token| &token.kind)
    }

    fn peek(&self) -> &Kind<'a> {
        self.kind_at(self.next)
    }

    /// First byte of the next token.
    fn start(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |token| token.start)
    }

    /// One past the last byte of the token before.
    fn end(&self) -> usize {
        self.next.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |token| token.end)
    }

    /// The bytes of the step that begins with token `first`, for messages.
    fn step_span(&self, first: usize) -> Range<usize> {
        let rest = self.tokens.get(first..).unwrap_or(&[]);
        let own = self.next.saturating_sub(first);
        let ended = rest.iter().enumerate().position(|(k, token)| k > own && separates(&token.kind)).unwrap_or(rest.len());
        let bad = |token: &Token| matches!(token.kind, Kind::Bad(_));
        let end = match rest.get(..ended).and_then(<[_]>::last) {
            Some(last) if !bad(last) => last.end,
            _ => self.text.len(),
        };
        rest.first().map_or(end, |token| token.start)..end
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Kind::Symbol(s) if *s == symbol)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let taken = self.is(symbol);
        self.next += usize::from(taken);
        taken
    }

    fn step(&mut self) -> Parsed<Step> {
        let start = self.start();
        self.worded = None;
        let name = match (self.peek(), self.kind_at(self.next + 1)) {
            (Kind::Name(name), Kind::Symbol("=")) => Some(Name { text: (*name).to_owned(), at: start }),
            _ => None,
        };
        self.next += if name.is_some() { 2 } else { 0 };
        let expr = self.expr(0)?;
        if let Some((at, word)) = self.worded {
            return Err(Fault::new(at, worded(word, &expr)));
        }
        if !separates(self.peek()) {
            return Err(self.unexpected("an operator, |> or a line break"));
        }
        Ok(Step { name, expr, span: start..self.end(), ends_line: !self.is("|>") })
    }

    /// What stands here is not what should.
    fn unexpected(&self, wanted: &str) -> Fault {
        let at = self.start();
        let word = self.tokens.get(self.next).and_then(|token| self.text.get(token.start..token.end)).unwrap_or("");
        let (got, hint) = match self.peek() {
            Kind::Bad(error) => return Fault::new(at, error.clone()),
            Kind::End => ("the end".to_owned(), ""),
            Kind::Break => ("a line break".to_owned(), "a line goes on inside brackets and after an operator"),
            Kind::Symbol("=") => ("'='".to_owned(), "compare with ==; a name stands at the beginning of a step"),
            Kind::Symbol("(") => ("'('".to_owned(), "only ops are called, by their names"),
            Kind::Name("nm" | "um" | "µm" | "mm" | "cm" | "m") => {
                (format!("'{word}'"), "a unit stands directly behind its number: 0.25um")
            }
            Kind::Name("if" | "else") => (format!("'{word}'"), "choose element by element with where(condition, a, b)"),
            _ => (format!("'{word}'"), ""),
        };
        let error = Error::caller(format!("expected {wanted}, got {got}"));
        Fault::new(at, if hint.is_empty() { error } else { error.hint(hint) })
    }

    fn binary(&self) -> Option<Binary> {
        let sign = match self.peek() {
            Kind::Symbol(sign) => *sign,
            Kind::Name(word) => word,
            _ => return None,
        };
        BINARY.iter().find(|binary| binary.sign == sign).copied()
    }

    /// An expression of operators that bind at least as tightly as `least`.
    fn expr(&mut self, least: u8) -> Parsed<Expr> {
        let start = self.start();
        let mut left = self.operand()?;
        let mut compared = Compared::default();
        let mut last = None;
        while let Some(binary) = self.binary().filter(|binary| binary.level >= least) {
            let (at, before) = (self.start(), start..self.end());
            self.next += 1;
            if binary.op.is_empty() {
                self.worded.get_or_insert((at, binary.sign));
            }
            let from = self.start();
            let right = self.expr(binary.level + 1)?;
            if binary.level == COMPARISON {
                compared.push(before, binary.sign, from..self.end(), &right);
            }
            left = match left.form {
                Form::Chain(first, mut rest) if last == Some(binary.level) => {
                    rest.push((at, binary, right));
                    Expr { at, form: Form::Chain(first, rest) }
                }
                _ => Expr { at, form: Form::Chain(Box::new(left), vec![(at, binary, right)]) },
            };
            last = Some(binary.level);
        }
        match compared.chained(self.text) {
            Some(error) => Err(Fault::new(left.at, error)),
            None => Ok(left),
        }
    }

    /// Signs, powers, and what they apply to.
    fn operand(&mut self) -> Parsed<Expr> {
        let at = self.start();
        self.depth += 1;
        if self.depth > DEEPEST {
            let what = format!("brackets, signs and powers are nested deeper than {DEEPEST}");
            return Err(Fault::new(at, Error::caller(what).hint("name a part in a step of its own")));
        }
        let sign = match self.peek() {
            Kind::Symbol("+") => Some(Unary::Plus),
            Kind::Symbol("-") => Some(Unary::Minus),
            Kind::Symbol("~") => Some(Unary::Invert),
            Kind::Name("not") => Some(Unary::Not),
            _ => None,
        };
        self.next += usize::from(sign.is_some());
        let form = match sign {
            Some(Unary::Not) => {
                self.worded.get_or_insert((at, "not"));
                Form::Sign(Unary::Not, Box::new(self.expr(COMPARISON)?))
            }
            Some(sign) => Form::Sign(sign, Box::new(self.operand()?)),
            None => {
                let base = self.postfix()?;
                let place = self.start();
                if !self.take(POWER.sign) {
                    self.depth -= 1;
                    return Ok(base);
                }
                let form = Form::Power(Box::new(base), Box::new(self.operand()?));
                self.depth -= 1;
                return Ok(Expr { at: place, form });
            }
        };
        self.depth -= 1;
        Ok(Expr { at, form })
    }

    /// Something and the subscripts behind it.
    fn postfix(&mut self) -> Parsed<Expr> {
        let of = self.primary()?;
        let mut all = Vec::new();
        while self.is("[") {
            let at = self.start();
            all.push((at, self.bracketed("]", Self::subscript)?.0));
        }
        if self.is(".") {
            let what = "attributes and methods are not part of pipelines";
            let hint = match self.kind_at(self.next + 1) {
                Kind::Name(name) => format!("write {name}(…) with the array inside"),
                _ => "write op(array)".to_owned(),
            };
            return Err(Fault::new(self.start(), Error::caller(what).hint(hint)));
        }
        if all.is_empty() { Ok(of) } else { Ok(Expr { at: of.at, form: Form::Subscripts(Box::new(of), all) }) }
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let at = self.start();
        let form = match *self.peek() {
            Kind::Number(number) => Form::Number(number),
            Kind::Length(v, unit) => Form::Length(v, unit),
            Kind::Text(text) => Form::Text(text.to_owned()),
            Kind::Name("None") => Form::None,
            Kind::Name("True") => Form::Number(Number::Bool(true)),
            Kind::Name("False") => Form::Number(Number::Bool(false)),
            Kind::Name(word) if !is_reserved(word) => {
                self.next += 1;
                let form =
                    if self.is("(") { Form::Call(word.to_owned(), self.arguments()?) } else { Form::Name(word.to_owned()) };
                return Ok(Expr { at, form });
            }
            Kind::Symbol("[") => return Ok(Expr { at, form: Form::List(self.bracketed("]", |p| p.expr(0))?.0) }),
            Kind::Symbol("(") => return self.parenthesised(at),
            _ => return Err(self.unexpected("an expression")),
        };
        self.next += 1;
        Ok(Expr { at, form })
    }

    /// An expression in parentheses; with a comma, Python's tuple, which is a list here.
    fn parenthesised(&mut self, at: usize) -> Parsed<Expr> {
        let (mut items, comma) = self.bracketed(")", |p| p.expr(0))?;
        match items.pop() {
            Some(only) if items.is_empty() && !comma => Ok(Expr { at, form: only.form }),
            Some(last) => {
                items.push(last);
                Ok(Expr { at, form: Form::List(items) })
            }
            None => Err(Fault::new(at, Error::caller("nothing between the parentheses"))),
        }
    }

    /// Items between the bracket that stands here and `close`, separated by commas, and whether there was a comma.
    fn bracketed<T>(&mut self, close: &'static str, mut item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<(Vec<T>, bool)> {
        let open = self.start();
        self.next += 1;
        let (mut items, mut comma) = (Vec::new(), false);
        while !self.take(close) {
            if matches!(self.peek(), Kind::End) {
                return Err(Fault::new(open, Error::caller(format!("the bracket is never closed with '{close}'"))));
            }
            items.push(item(self)?);
            match self.take(",") {
                true => comma = true,
                false if self.is(close) || matches!(self.peek(), Kind::End) => {}
                false => return Err(self.unexpected(&format!("an operator, ',' or '{close}'"))),
            }
        }
        Ok((items, comma))
    }

    fn arguments(&mut self) -> Parsed<Arguments> {
        let mut arguments = Arguments::default();
        self.bracketed(")", |p| {
            let at = p.start();
            match (p.peek().clone(), p.kind_at(p.next + 1)) {
                (Kind::Name(name), Kind::Symbol("=")) => {
                    p.next += 2;
                    let value = p.expr(0)?;
                    arguments.named.push((name.to_owned(), value));
                }
                _ if arguments.named.is_empty() => arguments.positional.push(p.expr(0)?),
                _ => return Err(Fault::new(at, Error::caller("an argument without a name after one with a name"))),
            }
            Ok(())
        })?;
        Ok(arguments)
    }

    fn subscript(&mut self) -> Parsed<Subscript> {
        if self.take("...") {
            return Ok(Subscript::Ellipsis);
        }
        let mut parts = [None, None, None];
        let mut colons = 0;
        for part in &mut parts {
            let absent = self.is(":") || self.is(",") || self.is("]");
            *part = if absent && (colons > 0 || self.is(":")) { None } else { Some(self.expr(0)?) };
            if colons == 2 || !self.take(":") {
                break;
            }
            colons += 1;
        }
        match parts {
            [Some(at), None, None] if colons == 0 => Ok(Subscript::At(at)),
            parts => Ok(Subscript::Range(parts)),
        }
    }
}

/// Words of Python that are no names.
pub(super) fn is_reserved(word: &str) -> bool {
    const WORDS: [&str; 15] =
        ["None", "True", "False", "and", "or", "not", "if", "else", "for", "in", "is", "lambda", "import", "def", "return"];
    WORDS.contains(&word)
}

fn worded(word: &str, expr: &Expr) -> Error {
    let text = expr.to_string();
    let bare = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
        .filter(|_| matches!(expr.form, Form::Chain(..) | Form::Sign(..)));
    Error::caller(format!("'{word}' does not work element by element")).hint(format!("write {}", bare.unwrap_or(&text)))
}

/// The comparisons of one level: what is compared, and with which signs.
#[derive(Default)]
struct Compared {
    operands: Vec<Range<usize>>,
    signs: Vec<&'static str>,
    /// Per operand but the first: where an `&`, `^` or `|` without parentheses divides it.
    divided: Vec<Option<usize>>,
}

impl Compared {
    fn push(&mut self, left: Range<usize>, sign: &'static str, right: Range<usize>, expr: &Expr) {
        if self.operands.is_empty() {
            self.operands.push(left);
        }
        self.operands.push(right);
        self.signs.push(sign);
        self.divided.push(match &expr.form {
            Form::Chain(_, rest) => match rest.as_slice() {
                [(at, binary, _)] if *at == expr.at && ["&", "^", "|"].contains(&binary.sign) => Some(*at),
                _ => None,
            },
            _ => None,
        });
    }

    /// The error where there is more than one: it prints what was probably meant.
    fn chained(&self, text: &str) -> Option<Error> {
        let (last, pairs) = (self.signs.len().checked_sub(1)?, self.operands.iter().skip(1).zip(&self.signs).zip(&self.divided));
        let words = |span: Range<usize>| text.get(span).unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" ");
        let mut left = words(self.operands.first()?.clone());
        let (mut form, mut tighter) = (String::new(), None);
        for (k, ((right, sign), divided)) in pairs.enumerate() {
            match divided.filter(|_| k < last) {
                Some(at) => {
                    let joint = words(at..at + 1);
                    form.push_str(&format!("({left} {sign} {}) {joint} ", words(right.start..at)));
                    left = words(at + 1..right.end);
                    tighter = Some(joint);
                }
                None => {
                    form.push_str(&format!("({left} {sign} {}){}", words(right.clone()), if k < last { " & " } else { "" }));
                    left = words(right.clone());
                }
            }
        }
        let hint = match tighter {
            Some(joint) => format!("{joint} binds tighter than comparisons; write {form}"),
            None => format!("write {form}"),
        };
        (last > 0).then(|| Error::caller("a chained comparison does not work element by element").hint(hint))
    }
}
