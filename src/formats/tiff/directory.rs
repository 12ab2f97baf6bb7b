//! Image file directories: classic and BigTIFF, both byte orders, walked with bounds, overlap and loop checks.
//! It does not know what the tags mean; it hands out their numbers, texts and ratios.

use crate::error::{Error, Result};
use crate::os::Stamp;
use crate::os::read_exact_at;
use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Bytes read at once while directories are walked: most directories and their small values lie in one window.
const WINDOW: usize = 4096;

/// The longest text that is read from a tag. OME-XML of a screen's plate stays well below.
const LONGEST_TEXT: u64 = 64 << 20;

/// Lists of numbers may be read so many times the file's bytes in all, and this many in any file: some writers let pages share
/// one list, and a file whose every page has the whole file as its list would take ages.
const LISTED: u64 = 4;
const LEAST_LISTED: u64 = 1 << 20;

/// Byte order of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    /// Whether numbers of this order must be swapped on this machine.
    pub fn swaps(self) -> bool {
        (self == Order::Big) != cfg!(target_endian = "big")
    }

    /// An unsigned number of up to eight bytes.
    fn number(self, bytes: &[u8]) -> u64 {
        let join = |n: u64, b: &u8| n << 8 | u64::from(*b);
        match self {
            Order::Big => bytes.iter().fold(0, join),
            Order::Little => bytes.iter().rev().fold(0, join),
        }
    }
}

/// One tag of a directory: where its values lie, not yet read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub tag: u16,
    kind: u16,
    count: u64,
    at: u64,
}

/// One image file directory.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// Where it starts in the file.
    pub offset: u64,
    /// Which directory of the main chain it is, from 0.
    pub number: usize,
    entries: Vec<Entry>,
    next: u64,
}

impl Directory {
    /// The first entry of this tag: Micro-Manager repeats 270, and its first is the one that matters.
    pub fn find(&self, tag: u16) -> Option<Entry> {
        self.entries.iter().copied().find(|e| e.tag == tag)
    }
}

/// A TIFF file whose directories can be read.
pub(super) struct Reader {
    pub file: File,
    pub path: PathBuf,
    pub len: u64,
    /// What tells the file from what lies at its path later.
    pub stamp: Stamp,
    pub order: Order,
    big: bool,
    /// Where the first directory starts.
    pub first: u64,
    window: Vec<u8>,
    window_start: u64,
    /// Bytes of lists of numbers that may yet be read.
    lists: u64,
}

impl Reader {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// A file that cannot be opened, is empty or does not start as TIFF or BigTIFF.
    pub fn open(path: &Path) -> Result<Self> {
        let io = |e: std::io::Error| Error::io("open", path, &e);
        let meta = std::fs::metadata(path).map_err(io)?;
        if meta.is_dir() {
            let what = format!("{} is a folder, not a TIFF file", path.display());
            return Err(Error::caller(what).hint("name a file, or open the folder as a stack"));
        }
        let file = crate::os::open(path).map_err(io)?;
        let stamp = Stamp::of(&file.metadata().map_err(io)?);
        let (len, path) = (meta.len(), path.to_owned());
        let (order, window) = (Order::Little, Vec::new());
        let lists = LISTED.saturating_mul(len).max(LEAST_LISTED);
        let mut reader = Reader { file, path, len, stamp, order, big: false, first: 0, window, window_start: 0, lists };
        reader.header()?;
        Ok(reader)
    }

    fn header(&mut self) -> Result<()> {
        if self.len < 8 {
            let what = format!("{} is no TIFF file: {} bytes, a header alone has 8", self.path.display(), self.len);
            return Err(Error::machine(what).hint("the file is empty or its copying broke off"));
        }
        let mark: Vec<u8> = self.bytes(0, 4)?.to_vec();
        self.order = if mark.starts_with(b"MM") { Order::Big } else { Order::Little };
        let magic = self.order.number(mark.get(2..4).unwrap_or_default());
        if !(mark.starts_with(b"II") || mark.starts_with(b"MM")) || !(magic == 42 || magic == 43) {
            let what = format!("{} is no TIFF file: it starts with bytes {mark:02x?}", self.path.display());
            return Err(Error::machine(what).hint("a TIFF file starts with 'II' or 'MM' and 42 or 43"));
        }
        self.big = magic == 43;
        if self.big && (self.number(4, 2)? != 8 || self.number(6, 2)? != 0) {
            return Err(self.fault("the BigTIFF header does not have 8-byte offsets", 4));
        }
        self.first = if self.big { self.number(8, 8)? } else { self.number(4, 4)? };
        if self.first == 0 {
            let fault = self.fault("the file has no first directory", 4);
            return Err(fault.hint("its writer did not finish; write the file again"));
        }
        Ok(())
    }

    /// An error of this file's content at `offset`.
    pub fn fault(&self, what: &str, offset: u64) -> Error {
        Error::machine(format!("{}: {what} (byte {offset})", self.path.display()))
    }

    /// Calls `each` with every directory of the main chain, in order, until it returns false.
    ///
    /// # Errors
    /// Directories that lie outside the file, overlap or form a loop, and what `each` raises.
    pub fn walk(&mut self, mut each: impl FnMut(&mut Reader, &Directory) -> Result<bool>) -> Result<()> {
        let (mut at, mut seen, mut spent) = (self.first, HashSet::new(), 0u64);
        let mut directory = Directory::default();
        while at != 0 {
            if !seen.insert(at) {
                return Err(self.fault("the directories form a loop", at));
            }
            spent = spent.saturating_add(self.directory(at, &mut directory)?);
            if spent > self.len {
                return Err(self.fault("directories overlap", at));
            }
            if !each(self, &directory)? {
                return Ok(());
            }
            directory.number += 1;
            at = directory.next;
        }
        Ok(())
    }

    /// Reads the directory at `offset` into `out` and returns its bytes.
    fn directory(&mut self, offset: u64, out: &mut Directory) -> Result<u64> {
        let (head, item, tail) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let count = self.number(offset, head)?;
        if count == 0 {
            return Err(self.fault("a directory has no entries", offset));
        }
        let bytes = count.checked_mul(item).and_then(|n| n.checked_add(head + tail));
        let Some(bytes) = bytes.filter(|n| *n <= self.len) else {
            return Err(self.fault(&format!("a directory claims {count} entries, more than the file holds"), offset));
        };
        let (order, big, start) = (self.order, self.big, offset + head);
        let body = self.bytes(start, bytes - head)?;
        let (items, next) = body.split_at(body.len() - if big { 8 } else { 4 });
        out.offset = offset;
        out.next = order.number(next);
        out.entries.clear();
        let width = if big { 20 } else { 12 };
        let places = (start..).step_by(width);
        out.entries.extend(items.chunks_exact(width).zip(places).filter_map(|(bytes, at)| entry(order, big, bytes, at)));
        Ok(bytes)
    }

    /// `len` bytes from `offset` on.
    ///
    /// # Errors
    /// A range outside the file, or an I/O error.
    pub fn bytes(&mut self, offset: u64, len: u64) -> Result<&[u8]> {
        let end = offset.checked_add(len).filter(|end| *end <= self.len);
        let Some(end) = end else {
            let what = format!("{len} bytes are needed and the file ends at byte {}", self.len);
            return Err(self.fault(&what, offset).hint("the file is truncated or damaged"));
        };
        let held = u64::try_from(self.window.len()).unwrap_or(u64::MAX);
        if offset < self.window_start || end > self.window_start.saturating_add(held) {
            self.move_window(offset, len)?;
        }
        let from = usize::try_from(offset - self.window_start).unwrap_or(usize::MAX);
        let to = usize::try_from(end - self.window_start).unwrap_or(usize::MAX);
        self.window.get(from..to).ok_or_else(|| Error::bug(format!("window misses bytes {offset}..{end}")))
    }

    fn move_window(&mut self, offset: u64, len: u64) -> Result<()> {
        let wanted = usize::try_from(len).unwrap_or(usize::MAX).max(WINDOW);
        let left = usize::try_from(self.len - offset).unwrap_or(usize::MAX);
        self.window.clear();
        self.window.resize(wanted.min(left), 0);
        self.window_start = offset;
        let doing = || format!("read {} bytes at {offset} of", wanted.min(left));
        read_exact_at(&self.file, &mut self.window, offset).map_err(|e| Error::io(&doing(), &self.path, &e))
    }

    fn number(&mut self, offset: u64, len: u64) -> Result<u64> {
        let order = self.order;
        Ok(order.number(self.bytes(offset, len)?))
    }

    /// All values of an entry of unsigned integers.
    ///
    /// # Errors
    /// A type that is no unsigned integer, or values outside the file.
    pub fn numbers(&mut self, entry: Entry) -> Result<Vec<u64>> {
        let size = match entry.kind {
            1 | 7 => 1,
            3 => 2,
            4 | 13 => 4,
            16 | 18 => 8,
            kind => {
                let what = format!("tag {} has field type {kind}, an unsigned integer is needed", entry.tag);
                return Err(self.fault(&what, entry.at));
            }
        };
        let order = self.order;
        let step = usize::try_from(size).unwrap_or(1);
        let read = entry.count.saturating_mul(size);
        if entry.at.saturating_add(read) <= self.len {
            let left = self.lists.checked_sub(read);
            self.lists = left.ok_or_else(|| self.fault("the directories' lists of numbers overlap", entry.at))?;
        }
        let bytes = self.bytes(entry.at, entry.count.saturating_mul(size))?;
        Ok(bytes.chunks_exact(step).map(|b| order.number(b)).collect())
    }

    /// The only or first value of an entry of unsigned integers.
    ///
    /// # Errors
    /// As [`Reader::numbers`], and an entry without values.
    pub fn first_number(&mut self, entry: Entry) -> Result<u64> {
        let one = Entry { count: entry.count.min(1), ..entry };
        let first = self.numbers(one)?.first().copied();
        first.ok_or_else(|| self.fault(&format!("tag {} has no value", entry.tag), entry.at))
    }

    /// The text of an entry up to its first NUL: UTF-8, else Latin-1.
    ///
    /// # Errors
    /// A text outside the file or of absurd length.
    pub fn text(&mut self, entry: Entry) -> Result<String> {
        if entry.count > LONGEST_TEXT {
            return Err(self.fault(&format!("tag {} claims a text of {} bytes", entry.tag, entry.count), entry.at));
        }
        let bytes = self.bytes(entry.at, entry.count)?;
        let text = bytes.split(|b| *b == 0).next().unwrap_or_default();
        Ok(String::from_utf8(text.to_vec()).unwrap_or_else(|_| text.iter().map(|b| char::from(*b)).collect()))
    }

    /// The first value of an entry of ratios or floats; `None` where it has another type or divides by zero.
    ///
    /// # Errors
    /// A value outside the file.
    pub fn ratio(&mut self, entry: Entry) -> Result<Option<f64>> {
        let order = self.order;
        let value = match (entry.kind, entry.count) {
            (_, 0) => None,
            (5, _) => {
                let bytes = self.bytes(entry.at, 8)?;
                let part = |b: &[u8]| u32::try_from(order.number(b)).map(f64::from).unwrap_or(0.0);
                let (above, below) = bytes.split_at(4);
                Some(part(above) / part(below))
            }
            (11, _) => {
                let bits = u32::try_from(order.number(self.bytes(entry.at, 4)?)).unwrap_or(0);
                Some(f64::from(f32::from_bits(bits)))
            }
            (12, _) => Some(f64::from_bits(order.number(self.bytes(entry.at, 8)?))),
            _ => None,
        };
        Ok(value.filter(|v| v.is_finite()))
    }
}

/// One entry; `None` for a field type that is not known, as the specification asks of readers.
fn entry(order: Order, big: bool, bytes: &[u8], at: u64) -> Option<Entry> {
    let number = |from: usize, len: usize| bytes.get(from..from + len).map(|b| order.number(b));
    let tag = u16::try_from(number(0, 2)?).ok()?;
    let kind = u16::try_from(number(2, 2)?).ok()?;
    let size: u64 = match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => return None,
    };
    let (count, value, inline) = if big { (number(4, 8)?, 12, 8) } else { (number(4, 4)?, 8, 4) };
    let total = count.checked_mul(size)?;
    let place = if total <= inline { at + if big { 12 } else { 8 } } else { number(value, if big { 8 } else { 4 })? };
    Some(Entry { tag, kind, count, at: place })
}
