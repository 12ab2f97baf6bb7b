//! A directory to be written: its tags, its bytes at a place, and the header that points to the first.
//! It does not know what the tags mean. Numbers are written in this machine's byte order.

use std::collections::BTreeMap;

/// The tags of one directory, sorted as the specification wants them.
#[derive(Clone, Debug)]
pub(super) struct Entries {
    big: bool,
    items: BTreeMap<u16, (u16, u64, Vec<u8>)>,
}

impl Entries {
    /// No tags yet; `big` for BigTIFF.
    pub fn new(big: bool) -> Self {
        Entries { big, items: BTreeMap::new() }
    }

    /// 16-bit numbers.
    pub fn shorts(&mut self, tag: u16, values: &[u16]) {
        self.put(tag, 3, values.len(), values.iter().flat_map(|v| v.to_ne_bytes()).collect());
    }

    /// Offsets and counts: 32 bits, 64 in BigTIFF.
    pub fn longs(&mut self, tag: u16, values: &[u64]) {
        let bytes = values.iter().flat_map(|v| self.offset(*v)).collect();
        self.put(tag, if self.big { 16 } else { 4 }, values.len(), bytes);
    }

    /// A text; what is not ASCII must have been escaped.
    pub fn text(&mut self, tag: u16, text: &str) {
        let bytes: Vec<u8> = text.bytes().chain([0]).collect();
        self.put(tag, 2, bytes.len(), bytes);
    }

    /// A positive number as the ratio that comes closest.
    pub fn ratio(&mut self, tag: u16, value: f64) {
        let (above, below) = ratio_of(value);
        self.put(tag, 5, 1, [above.to_ne_bytes(), below.to_ne_bytes()].concat());
    }

    fn put(&mut self, tag: u16, kind: u16, count: usize, bytes: Vec<u8>) {
        self.items.insert(tag, (kind, wide(count), bytes));
    }

    fn inline(&self) -> usize {
        if self.big { 8 } else { 4 }
    }

    /// A file offset; what does not fit 32 bits was refused when the layout was made.
    fn offset(&self, value: u64) -> Vec<u8> {
        if self.big { value.to_ne_bytes().to_vec() } else { u32::try_from(value).unwrap_or(u32::MAX).to_ne_bytes().to_vec() }
    }

    /// Bytes of the directory and the values behind it; even.
    pub fn len(&self) -> u64 {
        let values = self.items.values().map(|(_, _, bytes)| bytes.len()).filter(|n| *n > self.inline());
        let values: usize = values.map(|n| n.next_multiple_of(2)).sum();
        self.table_len() + wide(values)
    }

    fn table_len(&self) -> u64 {
        let (head, item, tail) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        (head + item * wide(self.items.len()) + tail).next_multiple_of(2)
    }

    /// The bytes of the directory when it starts at `at`; `next` is where the next one starts, or 0.
    pub fn bytes(&self, at: u64, next: u64) -> Vec<u8> {
        let count = self.items.len();
        let (mut table, mut values) = (Vec::new(), Vec::new());
        match u16::try_from(count) {
            Ok(short) if !self.big => table.extend(short.to_ne_bytes()),
            _ => table.extend(wide(count).to_ne_bytes()),
        }
        for (tag, (kind, count, bytes)) in &self.items {
            table.extend(tag.to_ne_bytes());
            table.extend(kind.to_ne_bytes());
            table.extend(self.offset(*count));
            if bytes.len() <= self.inline() {
                table.extend(bytes.iter().copied().chain(std::iter::repeat(0)).take(self.inline()));
            } else {
                table.extend(self.offset(at + self.table_len() + wide(values.len())));
                values.extend(bytes);
                values.resize(values.len().next_multiple_of(2), 0);
            }
        }
        table.extend(self.offset(next));
        table.resize(table.len().next_multiple_of(2), 0);
        table.append(&mut values);
        table
    }
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// The header of a file whose first directory starts at `first`.
pub(super) fn header(big: bool, first: u64) -> Vec<u8> {
    let mut bytes = if cfg!(target_endian = "big") { b"MM".to_vec() } else { b"II".to_vec() };
    if big {
        bytes.extend([43u16, 8, 0].iter().flat_map(|n| n.to_ne_bytes()));
        bytes.extend(first.to_ne_bytes());
    } else {
        bytes.extend(42u16.to_ne_bytes());
        bytes.extend(u32::try_from(first).unwrap_or(0).to_ne_bytes());
    }
    bytes
}

/// The continued fraction of a positive number, as far as 32 bits hold it: 15.384615… is 200/13.
fn ratio_of(value: f64) -> (u32, u32) {
    let (mut before, mut last) = ((0u64, 1u64), (1u64, 0u64));
    let mut rest = value.clamp(0.0, f64::from(u32::MAX));
    for _ in 0..40 {
        let whole = whole_part(rest);
        let next = (whole * last.0 + before.0, whole * last.1 + before.1);
        if next.0 > u64::from(u32::MAX) || next.1 > u64::from(u32::MAX) {
            break;
        }
        (before, last) = (last, next);
        let fraction = rest - rest.floor();
        if fraction < 1e-10 {
            break;
        }
        rest = fraction.recip();
    }
    (u32::try_from(last.0).unwrap_or(1), u32::try_from(last.1).unwrap_or(1).max(1))
}

fn whole_part(value: f64) -> u64 {
    match crate::dtype::Number::Float(value.floor()).to_int() {
        n @ 0..=0xffff_ffff => u64::try_from(n).unwrap_or(0),
        _ => u64::from(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_close() {
        assert_eq!(ratio_of(1.0 / 0.065), (200, 13));
        assert_eq!(ratio_of(10.0), (10, 1));
        let (a, b) = ratio_of(std::f64::consts::PI * 1e4);
        assert!((f64::from(a) / f64::from(b) / (std::f64::consts::PI * 1e4) - 1.0).abs() < 1e-9);
        let (a, b) = ratio_of(1.0 / 3.0e5);
        assert_eq!((a, b), (1, 300_000));
    }
}
