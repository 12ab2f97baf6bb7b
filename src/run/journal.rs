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
const VERSION: &str = "stackmill journal 3";

/// Records are collected this long before they are written.
const COLLECTED: Duration = Duration::from_millis(100);
/// How often records that could not be written are tried again.
const TRIES: usize = 8;
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
    /// Bytes of it that are there, and how often in a row the next ones could not be added.
    length: u64,
    failures: usize,
}

impl<'p> Journal<'p> {
    /// Takes the journal at a place, and tells what runs of this identity left in it.
    ///
    /// # Errors
    /// Another run that has it, I/O errors.
    pub fn open(place: Option<&'p dyn Place>, identity: &Identity) -> Result<(Journal<'p>, Past)> {
        let now = Instant::now();
        let boot = crate::os::boot().unwrap_or_default();
        let mut journal = Journal {
            place,
            identity: identity.0.clone(),
            boot,
            collected: Vec::new(),
            since: now,
            durable: now,
            records: 0,
            length: 0,
            failures: 0,
        };
        let Some(place) = place else { return Ok((journal, Past::default())) };
        let bytes = place.claim()?;
        match journal.past(&bytes) {
            Some((past, end)) if !past.is_empty() => {
                place.cut(end as u64)?;
                (journal.records, journal.length) = (1, end as u64);
                journal.append(place, &record(BOOT, journal.boot.as_bytes()))?;
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
        (self.records, self.length, self.collected) = (0, 0, Vec::new());
        place.cut(0)?;
        self.append(place, &record(HEAD, &self.head()))
    }

    fn append(&mut self, place: &dyn Place, bytes: &[u8]) -> Result<()> {
        place.append(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
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

    /// Notes a commit unit that an output has written, with the checksum of its encoded bytes.
    ///
    /// # Errors
    /// I/O errors.
    pub fn wrote(&mut self, output: usize, region: &Region, sum: u32, note: &[u8]) -> Result<()> {
        if self.place.is_none() {
            return Ok(());
        }
        let numbers = [output, region.start.len()].into_iter().chain(region.start.iter().chain(region.shape.iter()).copied());
        let mut content: Vec<u8> = numbers.flat_map(|n| (n as u64).to_le_bytes()).collect();
        content.extend_from_slice(&sum.to_le_bytes());
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

    /// Writes what was collected. What fails and may pass is tried again with what follows: the output that it tells of is written.
    ///
    /// # Errors
    /// I/O errors that last.
    pub fn flush(&mut self) -> Result<()> {
        self.since = Instant::now();
        let Some(place) = self.place.filter(|_| !self.collected.is_empty()) else { return Ok(()) };
        let collected = std::mem::take(&mut self.collected);
        // What was added in part goes first.
        let ready = if self.failures == 0 { Ok(()) } else { place.cut(self.length) };
        match ready.and_then(|()| self.append(place, &collected)) {
            Ok(()) => self.failures = 0,
            Err(error) if error.passes() && self.failures < TRIES => {
                (self.collected, self.failures) = (collected, self.failures + 1)
            }
            // Whoever asked did not fail, and is not to try again.
            Err(error) => return Err(Error::machine(error.what())),
        }
        Ok(())
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
    let (sum, note) = rest.split_first_chunk()?;
    Some((output, Written { region, note: note.to_vec(), sum: u32::from_le_bytes(*sum) }))
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
            journal.wrote(z % 2, &part(z), 9, &[7; 3][..z % 4]).unwrap();
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
                let expected =
                    (0..9).filter(|z| z % 2 == *output).map(|z| Written { region: part(z), note: vec![7; z % 4], sum: 9 });
                assert!(expected.take(written.len()).eq(written.iter().cloned()));
            }
            assert_eq!(past.late.get(&2).cloned(), (end == whole.len()).then(|| vec![1, 2, 3]));
            // What is not whole is gone, so that the next record follows on.
            let (mut journal, _) = Journal::open(Some(&cut), &identity).unwrap();
            journal.wrote(5, &part(5), 0, &[]).unwrap();
            journal.flush().unwrap();
            let (_, past) = Journal::open(Some(&cut), &identity).unwrap();
            assert_eq!(past.written.values().map(Vec::len).sum::<usize>(), count + 1);
        }
        let (_, other) = Journal::open(Some(&paper), &Identity("other work".to_owned())).unwrap();
        assert!(other.is_empty());
    }

    /// A journal whose every other write breaks off in the middle, or all of them.
    struct Torn(Paper, Mutex<(usize, bool)>);

    impl Place for Torn {
        fn claim(&self) -> Result<Vec<u8>> {
            self.0.claim()
        }
        fn cut(&self, bytes: u64) -> Result<()> {
            self.0.cut(bytes)
        }
        fn append(&self, bytes: &[u8]) -> Result<()> {
            let (count, for_ever) = &mut *self.1.lock().unwrap();
            *count += 1;
            if *count > 1 && (*for_ever || count.is_multiple_of(2)) {
                self.0.append(&bytes[..bytes.len() / 2])?;
                return Err(Error::passing("the disk hiccuped"));
            }
            self.0.append(bytes)
        }
        fn remove(&self) {}
    }

    #[test]
    fn a_write_that_fails_for_a_while_is_done_again_and_nothing_is_told_twice() {
        let identity = Identity("work".to_owned());
        for for_ever in [false, true] {
            let paper = Torn(Paper::default(), Mutex::new((0, for_ever)));
            let (mut journal, _) = Journal::open(Some(&paper), &identity).unwrap();
            let told: Vec<Result<()>> = (0..20)
                .map(|z| {
                    journal.wrote(0, &part(z), 0, &[])?;
                    journal.flush()
                })
                .collect();
            let (_, past) = Journal::open(Some(&paper.0), &identity).unwrap();
            if for_ever {
                let failed = told.iter().position(|one| one.is_err()).unwrap();
                assert_eq!(failed, TRIES);
                assert!(!told[failed].as_ref().unwrap_err().passes(), "nobody tries that again");
                assert!(past.is_empty());
            } else {
                assert!(told.iter().all(|one| one.is_ok()));
                let found: Vec<usize> = past.written[&0].iter().map(|written| written.region.start[0]).collect();
                assert!(found.len() >= 19 && found.iter().copied().eq(0..found.len()), "{found:?}");
            }
        }
    }

    #[test]
    fn after_a_start_of_the_computer_only_what_was_durable_counts() {
        let (paper, identity) = (Paper::default(), Identity("work".to_owned()));
        let (mut journal, _) = Journal::open(Some(&paper), &identity).unwrap();
        journal.wrote(0, &part(0), 0, &[]).unwrap();
        journal.mark().unwrap();
        journal.wrote(0, &part(1), 0, &[]).unwrap();
        journal.flush().unwrap();
        let elsewhere = Journal { boot: "another".to_owned(), ..journal };
        let bytes = paper.claim().unwrap();
        assert_eq!(elsewhere.past(&bytes).unwrap().0.written[&0].len(), 1);
        let here = Journal { boot: crate::os::boot().unwrap_or_default(), ..elsewhere };
        assert_eq!(here.past(&bytes).unwrap().0.written[&0].len(), if here.boot.is_empty() { 1 } else { 2 });
    }
}
