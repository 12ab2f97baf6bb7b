//! Pages whose strips are too large to be decoded whole: rows come in order, and where a strip was left is remembered until the next
//! rows are wanted. Rows that lie further on are passed over; earlier ones begin their strip again.
//! It does not know what wants rows, nor in which order it should.

use super::codec::Codec;
use super::unpack::{Feed, Unpack};
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Bytes that are kept of a strip that is decoded in part: the codec's window and tables, what was read too much.
pub(super) const KEPT: u64 = (64 << 10) + PIECE as u64;
/// Bytes that are read at once beyond what was fetched for the rows, and decoded at once of rows that nobody wants.
const PIECE: usize = 32 << 10;
/// Strips left in part that are remembered at most: views leave them behind.
const REMEMBERED: usize = 4096;

/// A plane of a page.
pub(super) type Plane = (usize, usize);

/// The strips of a plane: rows of one, rows of the plane, bytes of a row, how they are stored.
#[derive(Clone, Copy)]
pub(super) struct Strips {
    pub rows: usize,
    pub height: usize,
    pub line: usize,
    pub codec: Codec,
}

/// Where a strip was left.
struct Place {
    /// The row of the plane that comes next.
    row: usize,
    /// The end of its strip.
    end: usize,
    unpack: Unpack,
    /// Its stored bytes that were not taken yet, the first of which may have been read.
    stored: Range<u64>,
    read: Vec<u8>,
}

/// The strips of a file that were left in part.
#[derive(Default)]
pub(super) struct Streams(Mutex<HashMap<Plane, Place>>);

/// What a file gives: the stored bytes of a strip of a plane, none where none are stored, and the bytes at a place.
pub(super) trait Stored {
    fn strip(&self, plane: Plane, number: usize) -> Result<Option<Range<u64>>>;
    fn bytes_at(&self, at: u64, into: &mut [u8]) -> Result<()>;
    /// Names the block at a byte in an error.
    fn damaged(&self, error: Error, at: u64) -> Error;
    /// Fills rows that are not stored.
    fn put_missing(&self, out: &mut [u8]);
}

/// Stored bytes of a strip, fetched before or read piece by piece.
struct Bytes<'s> {
    file: &'s dyn Stored,
    /// Those in memory that were not taken, and where they lie in the file.
    held: Vec<u8>,
    taken: usize,
    left: Range<u64>,
    /// Whether the file could not be read: what is decoded is not to blame then.
    unread: bool,
}

impl Feed for Bytes<'_> {
    fn ahead(&mut self) -> Result<&[u8]> {
        if self.taken == self.held.len() && !self.left.is_empty() {
            self.taken = 0;
            self.held.resize(length(&self.left).min(PIECE), 0);
            self.file.bytes_at(self.left.start, &mut self.held).inspect_err(|_| self.unread = true)?;
        }
        Ok(self.held.get(self.taken..).unwrap_or_default())
    }

    fn take(&mut self, count: usize) {
        self.taken += count;
        self.left.start += count as u64;
    }
}

fn length(range: &Range<u64>) -> usize {
    usize::try_from(range.end - range.start).unwrap_or(usize::MAX)
}

/// Bytes fetched for rows, with where they lie in the file in front.
pub(super) struct Fetched;

impl Fetched {
    const HEAD: usize = 8;

    /// A bound on them, for rows of so many decoded bytes.
    pub fn bound(decoded: usize) -> u64 {
        (Fetched::HEAD + decoded + decoded / 128 + (1 << 10)) as u64
    }

    fn split(mut stored: Vec<u8>) -> (u64, Vec<u8>) {
        let at = stored.first_chunk().map_or(0, |head| u64::from_le_bytes(*head));
        stored.drain(..Fetched::HEAD.min(stored.len()));
        (at, stored)
    }
}

impl Streams {
    fn places(&self) -> std::sync::MutexGuard<'_, HashMap<Plane, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what these rows will probably take of their strip, judged by what the rest of it takes.
    ///
    /// # Errors
    /// I/O errors.
    pub fn fetch(&self, file: &dyn Stored, strips: Strips, plane: Plane, rows: &Range<usize>) -> Result<Vec<u8>> {
        let left = |place: &Place| (place.stored.start + place.read.len() as u64..place.stored.end, place.end - place.row);
        let known = self.places().get(&plane).filter(|place| place.row == rows.start).map(left);
        let begins = || Ok::<_, Error>(file.strip(plane, rows.start / strips.rows)?.map(|stored| (stored, strips.rows)));
        let Some((stored, rows_left)) = known.map_or_else(begins, |known| Ok(Some(known)))? else { return Ok(Vec::new()) };
        // Rather a little less than they take: the rest is read piece by piece, what is too much lies about.
        let share = length(&stored) as u128 * rows.len() as u128 / rows_left.max(1) as u128;
        let share = usize::try_from(share - share / 16).unwrap_or(usize::MAX);
        let most = usize::try_from(Fetched::bound(rows.len() * strips.line)).unwrap_or(usize::MAX) - Fetched::HEAD;
        let mut fetched = stored.start.to_le_bytes().to_vec();
        fetched.resize(Fetched::HEAD + share.min(most).min(length(&stored)), 0);
        file.bytes_at(stored.start, fetched.get_mut(Fetched::HEAD..).unwrap_or_default())?;
        Ok(fetched)
    }

    /// Decodes whole rows of a plane.
    ///
    /// # Errors
    /// Streams that are broken or too short, and I/O errors: what was fetched may not reach.
    pub fn decode(
        &self,
        file: &dyn Stored,
        strips: Strips,
        (plane, rows): (Plane, Range<usize>),
        fetched: Vec<u8>,
        out: &mut [u8],
    ) -> Result<()> {
        let place = self.places().remove(&plane);
        let strip_of = |row: usize| row / strips.rows * strips.rows;
        let mut place = place.filter(|place| place.row <= rows.start && strip_of(rows.start) < place.end);
        let (at, mut held) = Fetched::split(fetched);
        let mut done = 0;
        while done < rows.len() {
            let row = rows.start + done;
            let upto = rows.end.min(strip_of(row) + strips.rows);
            let part = out.get_mut(done * strips.line..(upto - rows.start) * strips.line).unwrap_or_default();
            done = upto - rows.start;
            let begun = match place.take() {
                Some(place) => Some(place),
                None => begin(file, strips, plane, row)?,
            };
            let Some(mut begun) = begun else {
                file.put_missing(part);
                continue;
            };
            if begun.stored.start + begun.read.len() as u64 == at {
                begun.read.append(&mut held);
            }
            place = begun.rows(file, strips, (row, part))?.then_some(begun);
        }
        let mut places = self.places();
        if let Some(place) = place.filter(|_| places.len() < REMEMBERED) {
            places.insert(plane, place);
        }
        Ok(())
    }
}

/// The beginning of the strip that a row lies in.
fn begin(file: &dyn Stored, strips: Strips, plane: Plane, row: usize) -> Result<Option<Place>> {
    let number = row / strips.rows;
    let stored = file.strip(plane, number)?;
    let end = (number * strips.rows).saturating_add(strips.rows).min(strips.height);
    Ok(stored.map(|stored| Place { row: number * strips.rows, end, unpack: Unpack::new(strips.codec), stored, read: Vec::new() }))
}

impl Place {
    /// Decodes the rows from `row` on, passing over those before; whether rows of the strip are left.
    fn rows(&mut self, file: &dyn Stored, strips: Strips, (row, out): (usize, &mut [u8])) -> Result<bool> {
        let held = std::mem::take(&mut self.read);
        let mut from = Bytes { file, held, taken: 0, left: self.stored.clone(), unread: false };
        let decoded = self.decode(&mut from, (row - self.row) * strips.line, out);
        decoded.map_err(|e| if from.unread { e } else { file.damaged(e, self.stored.start) })?;
        self.row = row + out.len() / strips.line.max(1);
        if self.row >= self.end {
            let closed = self.unpack.close(&mut from);
            closed.map_err(|e| if from.unread { e } else { file.damaged(e, self.stored.start) })?;
        }
        let rest = from.held.get(from.taken..).unwrap_or_default();
        self.read = if rest.len() <= PIECE { rest.to_vec() } else { Vec::new() };
        self.stored = from.left;
        Ok(self.row < self.end)
    }

    /// Passes over so many decoded bytes, then decodes.
    fn decode(&mut self, from: &mut Bytes<'_>, over: usize, out: &mut [u8]) -> Result<()> {
        let mut passed = vec![0; over.min(PIECE)];
        let mut over = over;
        while over > 0 {
            let piece = passed.get_mut(..over.min(PIECE)).unwrap_or_default();
            self.fill(from, piece)?;
            over -= piece.len();
        }
        self.fill(from, out)
    }

    fn fill(&mut self, from: &mut Bytes<'_>, out: &mut [u8]) -> Result<()> {
        let filled = self.unpack.fill(from, out)?;
        if filled < out.len() {
            let what = format!("a strip ends {} bytes before its rows, which end at row {}", out.len() - filled, self.end);
            return Err(Error::machine(what));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::codec::deflate;
    use super::*;
    use std::cell::RefCell;

    /// Strips in memory, one after the other, and what was read of them.
    struct Memory {
        bytes: Vec<u8>,
        strips: Vec<Range<u64>>,
        reads: RefCell<u64>,
        /// Reads that reach beyond this fail.
        end: u64,
    }

    impl Stored for Memory {
        fn strip(&self, _: Plane, number: usize) -> Result<Option<Range<u64>>> {
            Ok(self.strips.get(number).cloned().filter(|range| !range.is_empty()))
        }
        fn bytes_at(&self, at: u64, into: &mut [u8]) -> Result<()> {
            *self.reads.borrow_mut() += into.len() as u64;
            if at + into.len() as u64 > self.end {
                return Err(Error::machine("the disk is gone"));
            }
            let at = usize::try_from(at).expect("a place");
            into.copy_from_slice(&self.bytes[at..at + into.len()]);
            Ok(())
        }
        fn damaged(&self, error: Error, at: u64) -> Error {
            error.at(format!("block at byte {at}"))
        }
        fn put_missing(&self, out: &mut [u8]) {
            out.fill(9);
        }
    }

    const LINE: usize = 1000;

    /// 500 rows in strips of 300, the second of which is not stored where `hole`.
    fn strips(hole: bool) -> (Memory, Vec<u8>, Strips) {
        let mut raw: Vec<u8> = (0..500 * LINE).map(|k| (k * k / 300 % 251) as u8 ^ (k >> 9) as u8).collect();
        let mut memory = Memory { bytes: vec![0; 40], strips: vec![], reads: RefCell::new(0), end: u64::MAX };
        for (number, part) in raw.chunks(300 * LINE).enumerate() {
            let from = memory.bytes.len() as u64;
            if number == 0 || !hole {
                deflate(part, &mut memory.bytes).expect("a stream");
            }
            memory.strips.push(from..memory.bytes.len() as u64);
        }
        if hole {
            raw[300 * LINE..].fill(9);
        }
        (memory, raw, Strips { rows: 300, height: 500, line: LINE, codec: Codec::Deflate })
    }

    fn rows(streams: &Streams, file: &Memory, strips: Strips, rows: Range<usize>) -> Result<Vec<u8>> {
        let mut out = vec![0; rows.len() * LINE];
        let fetched = streams.fetch(file, strips, (0, 0), &rows)?;
        streams.decode(file, strips, ((0, 0), rows), fetched, &mut out)?;
        Ok(out)
    }

    #[test]
    fn rows_in_any_order_are_the_rows() {
        for hole in [false, true] {
            let (file, raw, of) = strips(hole);
            let streams = Streams::default();
            // In order, across strips, with gaps, backwards, past a strip that was left.
            for range in [0..7, 7..40, 40..41, 90..120, 120..300, 300..310, 350..500, 10..20, 5..8, 290..320, 0..500, 499..500] {
                let out = rows(&streams, &file, of, range.clone()).expect("rows");
                assert_eq!(out, raw[range.start * LINE..range.end * LINE], "{range:?}");
            }
            assert!(streams.places().is_empty(), "the plane's end was reached last");
        }
    }

    #[test]
    fn rows_in_order_read_each_stored_byte_about_once() {
        let (file, _, of) = strips(false);
        let streams = Streams::default();
        for start in (0..500).step_by(20) {
            rows(&streams, &file, of, start..start + 20).expect("rows");
        }
        let stored: u64 = file.strips.iter().map(|range| range.end - range.start).sum();
        assert_eq!(*file.reads.borrow(), stored);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_called_damaged() {
        let (mut file, _, of) = strips(false);
        file.end = file.strips[0].end - 10;
        let streams = Streams::default();
        let error = rows(&streams, &file, of, 0..300).unwrap_err().to_string();
        assert!(error.contains("the disk is gone") && !error.contains("block at byte"), "{error}");
        file.end = u64::MAX;
        assert!(rows(&streams, &file, of, 0..300).is_ok(), "tried again it begins anew");
    }

    #[test]
    fn a_flipped_bit_is_found_where_the_strip_ends() {
        let (mut file, _, of) = strips(false);
        let end = usize::try_from(file.strips[0].end).expect("a place");
        file.bytes[end - 1] ^= 1;
        let streams = Streams::default();
        rows(&streams, &file, of, 0..200).expect("rows before the checksum");
        let text = rows(&streams, &file, of, 200..300).unwrap_err().to_string();
        assert!(text.contains("deflate block is broken") && text.contains("block at byte"), "{text}");
        // A strip that is too short says so.
        let (mut file, _, of) = strips(false);
        file.strips[1].end -= 2000;
        assert!(rows(&streams, &file, of, 300..500).is_err());
    }
}
