//! Records behind one another in a file: a kind, a length, a content and a checksum. They are written and read piece by piece, so that a
//! content of gigabytes is held once, by whoever has it.
//! It does not know what the records say.

use crate::error::Result;
use crate::storage::Place;
use std::ops::Range;

/// Bytes before a record's content, and behind it.
const FRAME: (usize, usize) = (9, 4);
/// Bytes that are read at once; a multiple of a checksum's words.
const WINDOW: usize = 64 << 10;

/// A record that is whole.
pub(super) struct Record {
    pub kind: u8,
    /// Where its content lies.
    pub at: Range<u64>,
    /// Its content, or as much of it as was asked for.
    pub content: Vec<u8>,
}

/// A record as one piece: for what is small.
pub(super) fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(FRAME.0 + content.len() + FRAME.1);
    record.extend(head(kind, content.len() as u64));
    record.extend(content);
    record.extend(Sum::of(kind, content.len() as u64).with(content).end());
    record
}

/// What stands before and behind a content that begins with eight bytes and goes on with others.
pub(super) fn around(kind: u8, first: [u8; 8], rest: &[u8]) -> (Vec<u8>, [u8; 4]) {
    let len = (first.len() + rest.len()) as u64;
    let sum = Sum::of(kind, len).with(&first).with(rest);
    ([&head(kind, len)[..], &first].concat(), sum.end())
}

fn head(kind: u8, len: u64) -> [u8; FRAME.0] {
    let mut head = [kind; FRAME.0];
    head[1..].copy_from_slice(&len.to_le_bytes());
    head
}

/// A checksum, a word at a time: multiplied and folded, so that a gigabyte takes less than a disk does.
struct Sum(u64);

impl Sum {
    fn of(kind: u8, len: u64) -> Sum {
        Sum(0x811c_9dc5).word(u64::from(kind)).word(len)
    }

    fn word(self, word: u64) -> Sum {
        let mixed = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Sum(mixed ^ (mixed >> 32))
    }

    /// Adds bytes, whole words but for the last of a content.
    fn with(mut self, bytes: &[u8]) -> Sum {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self = self.word(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self = self.word(u64::from_le_bytes(word));
        }
        self
    }

    fn end(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.0.to_le_bytes();
        [a, b, c, d]
    }
}

/// The records of a file, one after another.
pub(super) struct Records<'p> {
    place: &'p dyn Place,
    len: u64,
    /// Where the next record begins.
    at: u64,
    window: Vec<u8>,
}

impl<'p> Records<'p> {
    pub fn new(place: &'p dyn Place, len: u64) -> Records<'p> {
        Records { place, len, at: 0, window: vec![0; WINDOW] }
    }

    /// Where the next record begins: all before it are whole.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// The next record with as many bytes of its content as `wanted` says of its kind and length; none where it is not whole.
    ///
    /// # Errors
    /// I/O errors.
    pub fn next(&mut self, wanted: impl Fn(u8, u64) -> u64) -> Result<Option<Record>> {
        let mut head = [0; FRAME.0];
        if !self.read(self.at, &mut head)? {
            return Ok(None);
        }
        let [kind, len @ ..] = head;
        let (len, from) = (u64::from_le_bytes(len), self.at + FRAME.0 as u64);
        let Some(end) = from.checked_add(len).filter(|end| *end <= self.len) else { return Ok(None) };
        let (mut content, mut sum, mut at) = (Vec::new(), Sum::of(kind, len), from);
        let wanted = wanted(kind, len).min(len);
        let mut window = std::mem::take(&mut self.window);
        while at < end {
            let part = usize::try_from(end - at).unwrap_or(WINDOW).min(WINDOW);
            if !self.read(at, &mut window[..part])? {
                return Ok(None);
            }
            sum = sum.with(&window[..part]);
            let left = usize::try_from(wanted).unwrap_or(usize::MAX).saturating_sub(content.len());
            content.extend_from_slice(&window[..part.min(left)]);
            at += part as u64;
        }
        self.window = window;
        let mut noted = [0; FRAME.1];
        if !self.read(end, &mut noted)? || noted != sum.end() {
            return Ok(None);
        }
        self.at = end + FRAME.1 as u64;
        Ok(Some(Record { kind, at: from..end, content }))
    }

    /// Fills a buffer from a place of the file; false where the file ends before.
    fn read(&self, at: u64, buffer: &mut [u8]) -> Result<bool> {
        if self.len.checked_sub(at).is_none_or(|left| left < buffer.len() as u64) {
            return Ok(false);
        }
        self.place.read(at, buffer)
    }
}
