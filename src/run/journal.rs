//! What a run has made, so that another can go on when it is cut off: records behind one another in a file of the engine's own.
//! It does not know where the file is, nor what an output's notes mean.
//!
//! A record is a kind, a length, its content and a checksum; reading stops at the first that is not whole. What the computer
//! itself may lose when it stops is told by marks: of a journal written before the computer was started, only what stands
//! before the last mark counts.

use super::done::Done;
use crate::error::{Error, Result};
use crate::grid::{Dims, MAX_RANK, Region};
use crate::storage::{Identity, Place, Written};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Which journal this is; a change of the records changes it.
const VERSION: &str = "stackmill journal 2";

/// Records are collected this long before they are written.
const COLLECTED: Duration = Duration::from_millis(100);
/// Outputs are made durable this often.
const DURABLE: Duration = Duration::from_secs(30);

const HEAD: u8 = 1;
const WRITTEN: u8 = 2;
const LATE: u8 = 3;
const MARK: u8 = 4;
const BOOT: u8 = 5;
/// Bytes before a record's content, and behind it.
const FRAME: (usize, usize) = (5, 4);

/// What earlier runs of the same work made.
#[derive(Debug, Default, PartialEq)]
pub struct Past {
    /// Per output, what was written of it.
    pub written: HashMap<usize, Vec<Written>>,
    /// Results of folds by their numbers in the graph, bit for bit.
    pub late: HashMap<usize, Vec<u8>>,
}

impl Past {
    /// Whether nothing was made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.late.is_empty()
    }

    /// Forgets what was written of an output and is not kept.
    pub fn keep(&mut self, output: usize, is_kept: impl Fn(&Written) -> bool) {
        self.written.entry(output).or_default().retain(is_kept);
    }

    /// What was written of an output.
    #[must_use]
    pub fn done(&self, output: usize) -> Done {
        Done::of(self.written.get(&output).into_iter().flatten().map(|written| written.region).collect())
    }
}

/// The journal of a run; of a run without one it does nothing.
pub struct Journal<'p> {
    place: Option<&'p dyn Place>,
    identity: String,
    boot: String,
    collected: Vec<u8>,
    since: Instant,
    durable: Instant,
    records: u64,
}

impl<'p> Journal<'p> {
    /// Takes the journal at a place, and tells what runs of this identity left in it.
    ///
    /// # Errors
    /// Another run that has it, I/O errors.
    pub fn open(place: Option<&'p dyn Place>, identity: &Identity) -> Result<(Journal<'p>, Past)> {
        let now = Instant::now();
        let boot = crate::os::boot().unwrap_or_default();
        let mut journal =
            Journal { place, identity: identity.0.clone(), boot, collected: Vec::new(), since: now, durable: now, records: 0 };
        let Some(place) = place else { return Ok((journal, Past::default())) };
        let bytes = place.claim()?;
        match journal.past(&bytes) {
            Some((past, end)) if !past.is_empty() => {
                place.cut(end as u64)?;
                place.append(&record(BOOT, journal.boot.as_bytes()))?;
                journal.records = 1;
                Ok((journal, past))
            }
            _ => journal.restart().map(|()| (journal, Past::default())),
        }
    }

    /// Forgets what was made.
    ///
    /// # Errors
    /// I/O errors.
    pub fn restart(&mut self) -> Result<()> {
        let Some(place) = self.place else { return Ok(()) };
        (self.records, self.collected) = (0, Vec::new());
        place.cut(0)?;
        place.append(&record(HEAD, &self.head()))
    }

    fn head(&self) -> Vec<u8> {
        [VERSION, &self.identity, &self.boot].join("\n").into_bytes()
    }

    /// The past that a journal tells and its length, if it is of this work.
    fn past(&self, bytes: &[u8]) -> Option<(Past, usize)> {
        let (kind, content, mut at) = next(bytes, 0)?;
        let head = String::from_utf8(content.to_vec()).ok()?;
        let [version, identity, boot] = head.split('\n').collect::<Vec<_>>().try_into().ok()?;
        if kind != HEAD || version != VERSION || identity != self.identity {
            return None;
        }
        let (boot, mark) = last_start(bytes, at, boot);
        let end = if boot == self.boot && !boot.is_empty() { bytes.len() } else { mark? };
        let mut past = Past::default();
        while let Some((kind, content, next_at)) = next(&bytes[..end], at) {
            match kind {
                WRITTEN => {
                    let (output, written) = written_of(content)?;
                    past.written.entry(output).or_default().push(written);
                }
                LATE => {
                    let (fold, rest) = number(content)?;
                    past.late.insert(fold, rest.to_vec());
                }
                _ => {}
            }
            at = next_at;
        }
        Some((past, at))
    }

    /// Whether there is anything to go on with.
    #[must_use]
    pub fn has_records(&self) -> bool {
        self.records > 0
    }

    /// Whether a journal is kept at all.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.place.is_some()
    }

    /// Notes a commit unit that an output has written.
    ///
    /// # Errors
    /// I/O errors.
    pub fn wrote(&mut self, output: usize, region: &Region, note: &[u8]) -> Result<()> {
        if self.place.is_none() {
            return Ok(());
        }
        let numbers = [output, region.start.len()].into_iter().chain(region.start.iter().chain(region.shape.iter()).copied());
        let mut content: Vec<u8> = numbers.flat_map(|n| (n as u64).to_le_bytes()).collect();
        content.extend_from_slice(note);
        self.add(WRITTEN, &content)
    }

    /// Notes a fold's result.
    ///
    /// # Errors
    /// I/O errors.
    pub fn folded(&mut self, fold: usize, bytes: &[u8]) -> Result<()> {
        let mut content = (fold as u64).to_le_bytes().to_vec();
        content.extend_from_slice(bytes);
        self.add(LATE, &content)?;
        self.flush()
    }

    fn add(&mut self, kind: u8, content: &[u8]) -> Result<()> {
        self.records += 1;
        self.collected.extend(record(kind, content));
        self.tick()
    }

    /// Writes what was collected.
    ///
    /// # Errors
    /// I/O errors.
    pub fn flush(&mut self) -> Result<()> {
        self.since = Instant::now();
        match self.place {
            Some(place) if !self.collected.is_empty() => place.append(&std::mem::take(&mut self.collected)),
            _ => Ok(()),
        }
    }

    /// Writes what has waited long enough.
    ///
    /// # Errors
    /// I/O errors.
    pub fn tick(&mut self) -> Result<()> {
        if self.since.elapsed() >= COLLECTED { self.flush() } else { Ok(()) }
    }

    /// Whether outputs should be made durable now.
    #[must_use]
    pub fn wants_mark(&self) -> bool {
        self.place.is_some() && self.durable.elapsed() >= DURABLE
    }

    /// Notes that all that stands before is durable.
    ///
    /// # Errors
    /// I/O errors.
    pub fn mark(&mut self) -> Result<()> {
        self.durable = Instant::now();
        if self.place.is_some() {
            self.collected.extend(record(MARK, &[]));
        }
        self.flush()
    }

    /// Removes the journal: the work is done, or given up.
    pub fn remove(&mut self) {
        if let Some(place) = self.place.take() {
            place.remove();
        }
    }
}

/// The start of the computer under which the last records were written, and where the last mark ends.
fn last_start(bytes: &[u8], from: usize, first: &str) -> (String, Option<usize>) {
    let (mut at, mut boot, mut mark) = (from, first.to_owned(), None);
    while let Some((kind, content, next_at)) = next(bytes, at) {
        at = next_at;
        match kind {
            MARK => mark = Some(at),
            // What stood before was found durable then.
            BOOT => (boot, mark) = (String::from_utf8_lossy(content).into_owned(), Some(at)),
            _ => {}
        }
    }
    (boot, mark)
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let mut record = Vec::with_capacity(FRAME.0 + content.len() + FRAME.1);
    record.push(kind);
    record.extend(length.to_le_bytes());
    record.extend(content);
    record.extend(checksum(&record).to_le_bytes());
    record
}

/// The record at a place: its kind, its content, and where the next one is; none where it is not whole.
fn next(bytes: &[u8], at: usize) -> Option<(u8, &[u8], usize)> {
    let (kind, rest) = bytes.get(at..)?.split_first()?;
    let length = usize::try_from(u32::from_le_bytes(*rest.first_chunk()?)).ok()?;
    let end = at + FRAME.0 + length;
    let sum = bytes.get(end..)?.first_chunk()?;
    (checksum(&bytes[at..end]) == u32::from_le_bytes(*sum)).then(|| (*kind, &bytes[at + FRAME.0..end], end + FRAME.1))
}

/// FNV-1a.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    Some((usize::try_from(u64::from_le_bytes(*head)).ok()?, rest))
}

fn written_of(content: &[u8]) -> Option<(usize, Written)> {
    let (output, rest) = number(content)?;
    let (rank, mut rest) = number(rest)?;
    let mut numbers = Vec::with_capacity(2 * rank.min(MAX_RANK));
    for _ in 0..2 * rank.min(MAX_RANK) {
        let (found, after) = number(rest)?;
        numbers.push(found);
        rest = after;
    }
    let (start, shape) = numbers.split_at_checked(rank)?;
    let region = Region { start: Dims::from(start), shape: Dims::from(shape) };
    Some((output, Written { region, note: rest.to_vec() }))
}

/// What is said of a run that was cut off and may go on.
#[must_use]
pub fn kept(error: Error) -> Error {
    error.note("what is finished is kept: the same command goes on from there")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// A journal in memory.
    #[derive(Default)]
    struct Paper(Mutex<Vec<u8>>);

    impl Place for Paper {
        fn claim(&self) -> Result<Vec<u8>> {
            Ok(self.0.lock().unwrap().clone())
        }
        fn cut(&self, bytes: u64) -> Result<()> {
            self.0.lock().unwrap().truncate(usize::try_from(bytes).unwrap());
            Ok(())
        }
        fn append(&self, bytes: &[u8]) -> Result<()> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(())
        }
        fn remove(&self) {
            self.0.lock().unwrap().clear();
        }
    }

    fn part(z: usize) -> Region {
        Region { start: Dims::from([z, 0]), shape: Dims::from([1, 9]) }
    }

    #[test]
    fn a_journal_cut_anywhere_tells_a_beginning_and_nothing_false() {
        let (paper, identity) = (Paper::default(), Identity("work".to_owned()));
        let (mut journal, past) = Journal::open(Some(&paper), &identity).unwrap();
        assert!(past.is_empty());
        for z in 0..9 {
            journal.wrote(z % 2, &part(z), &[7; 3][..z % 4]).unwrap();
        }
        journal.folded(2, &[1, 2, 3]).unwrap();
        let whole = paper.claim().unwrap();
        let mut most = 0;
        for end in 0..=whole.len() {
            let cut = Paper(Mutex::new(whole[..end].to_vec()));
            let (_, past) = Journal::open(Some(&cut), &identity).unwrap();
            let count: usize = past.written.values().map(Vec::len).sum();
            assert!(count >= most && count <= 9, "{count} after {end} bytes");
            most = count;
            for (output, written) in &past.written {
                let expected = (0..9).filter(|z| z % 2 == *output).map(|z| Written { region: part(z), note: vec![7; z % 4] });
                assert!(expected.take(written.len()).eq(written.iter().cloned()));
            }
            assert_eq!(past.late.get(&2).cloned(), (end == whole.len()).then(|| vec![1, 2, 3]));
            // What is not whole is gone, so that the next record follows on.
            let (mut journal, _) = Journal::open(Some(&cut), &identity).unwrap();
            journal.wrote(5, &part(5), &[]).unwrap();
            journal.flush().unwrap();
            let (_, past) = Journal::open(Some(&cut), &identity).unwrap();
            assert_eq!(past.written.values().map(Vec::len).sum::<usize>(), count + 1);
        }
        let (_, other) = Journal::open(Some(&paper), &Identity("other work".to_owned())).unwrap();
        assert!(other.is_empty());
    }

    #[test]
    fn after_a_start_of_the_computer_only_what_was_durable_counts() {
        let (paper, identity) = (Paper::default(), Identity("work".to_owned()));
        let (mut journal, _) = Journal::open(Some(&paper), &identity).unwrap();
        journal.wrote(0, &part(0), &[]).unwrap();
        journal.mark().unwrap();
        journal.wrote(0, &part(1), &[]).unwrap();
        journal.flush().unwrap();
        let elsewhere = Journal { boot: "another".to_owned(), ..journal };
        let bytes = paper.claim().unwrap();
        assert_eq!(elsewhere.past(&bytes).unwrap().0.written[&0].len(), 1);
        let here = Journal { boot: crate::os::boot().unwrap_or_default(), ..elsewhere };
        assert_eq!(here.past(&bytes).unwrap().0.written[&0].len(), if here.boot.is_empty() { 1 } else { 2 });
    }
}
