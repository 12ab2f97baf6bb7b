//! The header of an NPY file: magic, version and a Python dictionary of dtype, order and shape; and dtype strings.
//! It does not know where in a file the data lies beyond its own end, nor how it is read.

use crate::dtype::Dtype;
use crate::grid::{Dims, MAX_RANK};
use std::iter::Peekable;
use std::str::Chars;

/// The six bytes that every NPY file begins with.
pub const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Beyond this a header is garbage: real ones of plain dtypes have 54 or 118 bytes.
pub const LONGEST: usize = 1 << 20;

/// What the dictionary says.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The element type.
    pub dtype: Dtype,
    /// Whether elements are stored with the most significant byte first.
    pub big_endian: bool,
    /// Whether the first axis varies fastest.
    pub fortran: bool,
    /// The extents.
    pub shape: Dims,
}

/// A NumPy dtype string (`<u2`, `|b1`, `>f4`): the dtype, and whether it is big-endian. The error says why not.
pub fn parse_descr(descr: &str) -> Result<(Dtype, bool), String> {
    let mut letters = descr.chars();
    let native = if cfg!(target_endian = "big") { '>' } else { '<' };
    let order = match letters.next() {
        Some('=' | '|') => native,
        Some(c @ ('<' | '>')) => c,
        _ => return Err(format!("'{descr}' is no NumPy dtype string")),
    };
    let dtype = match letters.as_str() {
        "b1" => Dtype::Bool,
        "u1" => Dtype::U8,
        "i1" => Dtype::I8,
        "u2" => Dtype::U16,
        "i2" => Dtype::I16,
        "u4" => Dtype::U32,
        "i4" => Dtype::I32,
        "u8" => Dtype::U64,
        "i8" => Dtype::I64,
        "f2" => Dtype::F16,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        other => return Err(why_not(descr, other)),
    };
    if descr.starts_with('|') && dtype.size() > 1 {
        return Err(format!("'{descr}' does not say its byte order"));
    }
    Ok((dtype, order == '>'))
}

fn why_not(descr: &str, kind: &str) -> String {
    let what = match kind.chars().next() {
        Some('c') => "complex numbers",
        Some('O') => "Python objects",
        Some('U' | 'S' | 'a') => "text",
        Some('M' | 'm') => "dates and durations",
        Some('V') => "structured or raw elements",
        Some('f') => "floats of this width",
        _ => return format!("'{descr}' is no dtype that NumPy writes"),
    };
    format!("{what} ('{descr}') are not supported")
}

/// The dtype string of native data.
pub fn descr_of(dtype: Dtype) -> String {
    let order = match dtype.size() {
        1 => '|',
        _ if cfg!(target_endian = "big") => '>',
        _ => '<',
    };
    let kind = match dtype {
        Dtype::Bool => 'b',
        _ if dtype.is_float() => 'f',
        _ if dtype.is_signed() => 'i',
        _ => 'u',
    };
    format!("{order}{kind}{}", dtype.size())
}

/// A whole version 1.0 header of native C-order data, magic included, padded so that the data starts at a multiple of 64.
pub fn build(dtype: Dtype, shape: &Dims) -> Vec<u8> {
    let text = format!("{{'descr': '{}', 'fortran_order': False, 'shape': {shape}, }}", descr_of(dtype));
    let total = (10 + text.len() + 1).next_multiple_of(64);
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    // Six axes of twenty digits and the words around them stay below 300 characters.
    bytes.extend(u16::try_from(total - 10).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend(text.bytes());
    bytes.resize(total - 1, b' ');
    bytes.push(b'\n');
    bytes
}

/// A Python literal, as far as headers have them.
enum Literal {
    Text(String),
    Truth(bool),
    Whole(u64),
    Row(Vec<Literal>),
}

/// Reads the dictionary. The error says what is wrong with it.
pub fn parse(text: &str) -> Result<Header, String> {
    let mut words = Words { left: text.trim_end_matches([' ', '\n', '\0']).chars().peekable() };
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    words.expect('{')?;
    while !words.take('}') {
        let Literal::Text(key) = words.literal(0)? else { return Err("a key is no text".to_owned()) };
        words.expect(':')?;
        let value = words.literal(0)?;
        match (key.as_str(), value) {
            ("descr", Literal::Text(text)) => descr = Some(parse_descr(&text)?),
            ("descr", _) => return Err("structured elements are not supported".to_owned()),
            ("fortran_order", Literal::Truth(truth)) => fortran = Some(truth),
            ("shape", Literal::Row(row)) => shape = Some(extents(&row)?),
            (other, _) => return Err(format!("key '{other}' is unknown or its value is of the wrong type")),
        }
        if !words.take(',') {
            words.expect('}')?;
            break;
        }
    }
    words.end()?;
    let ((dtype, big_endian), fortran, shape) = match (descr, fortran, shape) {
        (Some(d), Some(f), Some(s)) => (d, f, s),
        _ => return Err("one of the keys descr, fortran_order, shape is missing".to_owned()),
    };
    Ok(Header { dtype, big_endian, fortran, shape })
}

fn extents(row: &[Literal]) -> Result<Dims, String> {
    if row.len() > MAX_RANK {
        return Err(format!("the array has {} axes, at most {MAX_RANK} are supported", row.len()));
    }
    let extent = |item: &Literal| match item {
        Literal::Whole(n) => usize::try_from(*n).map_err(|_| format!("an extent of {n} is too large")),
        _ => Err("an extent is no whole number".to_owned()),
    };
    row.iter().map(extent).collect()
}

/// The characters not read yet.
struct Words<'a> {
    left: Peekable<Chars<'a>>,
}

impl Words<'_> {
    fn skip_blank(&mut self) {
        while self.left.next_if(char::is_ascii_whitespace).is_some() {}
    }

    fn take(&mut self, wanted: char) -> bool {
        self.skip_blank();
        self.left.next_if_eq(&wanted).is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.take(wanted) {
            return Ok(());
        }
        let found = self.left.peek().map_or("its end".to_owned(), |c| format!("'{}'", c.escape_default()));
        Err(format!("'{wanted}' is expected where {found} stands"))
    }

    fn end(&mut self) -> Result<(), String> {
        self.skip_blank();
        self.left.next().map_or(Ok(()), |c| Err(format!("'{}' follows the dictionary", c.escape_default())))
    }

    /// One literal; `depth` bounds the nesting.
    fn literal(&mut self, depth: usize) -> Result<Literal, String> {
        self.skip_blank();
        match self.left.peek().copied() {
            Some(quote @ ('\'' | '"')) => self.text(quote),
            Some('(') if depth < 4 => self.row('(', ')', depth),
            Some('[') if depth < 4 => self.row('[', ']', depth),
            Some(c) if c.is_ascii_digit() => self.whole(),
            Some(c) if c.is_ascii_alphabetic() => self.truth(),
            Some(c) => Err(format!("'{}' starts no value", c.escape_default())),
            None => Err("it ends early".to_owned()),
        }
    }

    fn text(&mut self, quote: char) -> Result<Literal, String> {
        self.left.next();
        let mut text = String::new();
        for c in self.left.by_ref() {
            if c == quote {
                return Ok(Literal::Text(text));
            }
            text.push(c);
        }
        Err("a text is not closed".to_owned())
    }

    fn row(&mut self, open: char, close: char, depth: usize) -> Result<Literal, String> {
        self.expect(open)?;
        let mut row = Vec::new();
        while !self.take(close) {
            row.push(self.literal(depth + 1)?);
            if !self.take(',') {
                self.expect(close)?;
                break;
            }
        }
        Ok(Literal::Row(row))
    }

    fn whole(&mut self) -> Result<Literal, String> {
        let mut number = 0u64;
        while let Some(digit) = self.left.peek().and_then(|c| c.to_digit(10)) {
            self.left.next();
            let next = number.checked_mul(10).and_then(|n| n.checked_add(u64::from(digit)));
            number = next.ok_or("a number is too large")?;
        }
        // Python 2 wrote long integers with an L.
        let _ = self.left.next_if_eq(&'L');
        Ok(Literal::Whole(number))
    }

    fn truth(&mut self) -> Result<Literal, String> {
        let mut word = String::new();
        while let Some(c) = self.left.next_if(char::is_ascii_alphanumeric) {
            word.push(c);
        }
        match word.as_str() {
            "True" => Ok(Literal::Truth(true)),
            "False" => Ok(Literal::Truth(false)),
            other => Err(format!("'{other}' is no value")),
        }
    }
}
