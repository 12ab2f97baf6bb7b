//! What a run has made, so that another can go on when it is cut off: records behind one another in a file of the engine's own.
//! It does not know where the file is, nor what an output's notes mean.
//!
//! Reading stops at the first record that is not whole. What the computer itself may lose when it stops is told by marks: of a journal
//! written before the computer was started, only what stands before the last mark counts. Results of folds are written from where they
//! lie and read to where they are wanted: they may be as large as the budget.

use super::done::Done;
use super::records::{Record, Records, around, record};
use crate::error::{Error, Result};
use crate::grid::{Dims, MAX_RANK, Region};
use crate::storage::{Identity, Place, Written};
use std::collections::HashMap;
use std::ops::Range;
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

/// What earlier runs of the same work made.
#[derive(Debug, Default, PartialEq)]
pub struct Past {
    /// Per output, what was written of it.
    pub written: HashMap<usize, Vec<Written>>,
    /// Results of folds by their numbers in the graph: where in the journal they lie, bit for bit.
    pub late: HashMap<usize, Range<u64>>,
}

impl Past {
    /// Whether nothing was made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.late.is_empty()
    }

    /// What a run must know of it: boxes in place of their units, which may be millions.
    #[must_use]
    pub fn joined(self) -> Made {
        let done = |(output, all): (usize, Vec<Written>)| {
            let count = all.len();
            (output, (Done::of(all.into_iter().map(|written| written.region).collect()), count))
        };
        Made { done: self.written.into_iter().map(done).collect(), late: self.late }
    }
}

/// What earlier runs made and this one goes on with.
#[derive(Debug, Default)]
pub struct Made {
    /// Per output, what is done of it, and how many commit units that was.
    done: HashMap<usize, (Done, usize)>,
    /// Results of folds by their numbers in the graph: where in the journal they lie.
    pub late: HashMap<usize, Range<u64>>,
}

impl Made {
    /// What was written of an output.
    #[must_use]
    pub fn done(&self, output: usize) -> Done {
        self.done.get(&output).map(|(done, _)| done.clone()).unwrap_or_default()
    }

    /// How many commit units of an output were written.
    #[must_use]
    pub fn units(&self, output: usize) -> usize {
        self.done.get(&output).map_or(0, |(_, units)| *units)
    }
}

/// The journal of a run; of a run without one it does nothing.
pub struct Journal<'p> {
    place: Option<&'p dyn Place>,
    identity: String,
    boot: String,
    collected: Vec<u8>,
    /// Bytes of the journal that are whole records, and whether more may be there, of a write that failed.
    end: u64,
    is_torn: bool,
    since: Instant,
    durable: Instant,
    records: u64,
    /// How often in a row what was collected could not be written.
    failures: usize,
}

impl<'p> Journal<'p> {
    /// Takes the journal at a place, and tells what runs of this identity left in it.
    ///
    /// # Errors
    /// Another run that has it, I/O errors.
    pub fn open(place: Option<&'p dyn Place>, identity: &Identity) -> Result<(Journal<'p>, Past)> {
        let now = Instant::now();
        let mut journal = Journal {
            place,
            identity: identity.0.clone(),
            boot: crate::os::boot().unwrap_or_default(),
            collected: Vec::new(),
            end: 0,
            is_torn: false,
            since: now,
            durable: now,
            records: 0,
            failures: 0,
        };
        let Some(place) = place else { return Ok((journal, Past::default())) };
        let len = place.claim()?;
        match journal.past(place, len)? {
            Some((past, end)) if !past.is_empty() => {
                (journal.end, journal.is_torn, journal.records) = (end, true, 1);
                journal.put(&[&record(BOOT, journal.boot.as_bytes())])?;
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
        (self.records, self.collected, self.end, self.is_torn) = (0, Vec::new(), 0, true);
        self.put(&[&record(HEAD, &self.head())])
    }

    fn head(&self) -> Vec<u8> {
        [VERSION, &self.identity, &self.boot].join("\n").into_bytes()
    }

    /// The past that a journal tells and its length, if it is of this work.
    fn past(&self, place: &dyn Place, len: u64) -> Result<Option<(Past, u64)>> {
        let mut records = Records::new(place, len);
        let Some(head) = records.next(wanted)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&head.content).into_owned();
        let words: Vec<&str> = text.split('\n').collect();
        let [version, identity, boot] = words[..] else { return Ok(None) };
        if head.kind != HEAD || version != VERSION || identity != self.identity {
            return Ok(None);
        }
        let (boot, mark) = last_start(&mut records, boot)?;
        let end = if boot == self.boot && !boot.is_empty() { Some(len) } else { mark };
        let Some(end) = end else { return Ok(None) };
        let mut records = Records::new(place, end);
        let mut past = Past::default();
        while let Some(Record { kind, at, content }) = records.next(wanted)? {
            let known = match kind {
                WRITTEN => written_of(&content).map(|(output, written)| past.written.entry(output).or_default().push(written)),
                LATE => number(&content).map(|(fold, _)| {
                    past.late.insert(fold, at.start + 8..at.end);
                }),
                _ => Some(()),
            };
            if known.is_none() {
                return Ok(None);
            }
        }
        Ok(Some((past, records.at())))
    }

    /// Reads the result of a fold that an earlier run noted into where it is wanted, which is as long.
    ///
    /// # Errors
    /// I/O errors.
    pub fn late(&self, at: &Range<u64>, result: &mut [u8]) -> Result<()> {
        let is_read =
            at.end - at.start == result.len() as u64 && self.place.map_or(Ok(false), |place| place.read(at.start, result))?;
        if is_read {
            Ok(())
        } else {
            Err(Error::bug(format!("{} bytes noted of a result of {}", at.end - at.start, result.len())))
        }
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
        self.records += 1;
        self.collected.extend(record(WRITTEN, &content));
        self.tick()
    }

    /// Notes a fold's result, written from where it lies.
    ///
    /// # Errors
    /// I/O errors.
    pub fn folded(&mut self, fold: usize, bytes: &[u8]) -> Result<()> {
        if self.place.is_none() {
            return Ok(());
        }
        self.flush()?;
        let (before, behind) = around(LATE, (fold as u64).to_le_bytes(), bytes);
        let mut tries = 0;
        while let Err(error) = self.put(&[&before, bytes, &behind]) {
            tries += 1;
            if !error.passes() || tries > TRIES {
                return Err(error);
            }
            std::thread::sleep(COLLECTED);
        }
        self.records += 1;
        Ok(())
    }

    /// Appends pieces of whole records; what a write that failed left is cut off before.
    fn put(&mut self, pieces: &[&[u8]]) -> Result<()> {
        let Some(place) = self.place else { return Ok(()) };
        if self.is_torn {
            place.cut(self.end)?;
        }
        self.is_torn = true;
        pieces.iter().try_for_each(|piece| place.append(piece))?;
        self.is_torn = false;
        self.end += pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        Ok(())
    }

    /// Writes what was collected. What fails and may pass is tried again with what follows: the output that it tells of is written.
    ///
    /// # Errors
    /// I/O errors that last; what was collected is kept then, to be written when this is asked again.
    pub fn flush(&mut self) -> Result<()> {
        self.since = Instant::now();
        if self.place.is_none() || self.collected.is_empty() {
            return Ok(());
        }
        let collected = std::mem::take(&mut self.collected);
        let Err(error) = self.put(&[&collected]) else {
            self.failures = 0;
            return Ok(());
        };
        (self.collected, self.failures) = (collected, self.failures + 1);
        // Whoever asked did not fail, and is not to try again.
        if error.passes() && self.failures <= TRIES { Ok(()) } else { Err(Error::machine(error.what())) }
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

/// How much is read of a record's content: of a result its fold's number.
fn wanted(kind: u8, len: u64) -> u64 {
    if kind == LATE { 8 } else { len }
}

/// The start of the computer under which the last records were written, and where the last mark ends.
fn last_start(records: &mut Records<'_>, first: &str) -> Result<(String, Option<u64>)> {
    let (mut boot, mut mark) = (first.to_owned(), None);
    while let Some(Record { kind, content, .. }) = records.next(wanted)? {
        match kind {
            MARK => mark = Some(records.at()),
            // What stood before was found durable then.
            BOOT => (boot, mark) = (String::from_utf8_lossy(&content).into_owned(), Some(records.at())),
            _ => {}
        }
    }
    Ok((boot, mark))
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
        fn claim(&self) -> Result<u64> {
            Ok(self.0.lock().unwrap().len() as u64)
        }
        fn read(&self, at: u64, buffer: &mut [u8]) -> Result<bool> {
            let (bytes, at) = (self.0.lock().unwrap(), usize::try_from(at).unwrap());
            let found = bytes.get(at..at + buffer.len());
            found.iter().for_each(|found| buffer.copy_from_slice(found));
            Ok(found.is_some())
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
        let whole = paper.0.lock().unwrap().clone();
        let mut most = 0;
        for end in 0..=whole.len() {
            let cut = Paper(Mutex::new(whole[..end].to_vec()));
            let (journal, past) = Journal::open(Some(&cut), &identity).unwrap();
            let count: usize = past.written.values().map(Vec::len).sum();
            assert!(count >= most && count <= 9, "{count} after {end} bytes");
            most = count;
            for (output, written) in &past.written {
                let expected =
                    (0..9).filter(|z| z % 2 == *output).map(|z| Written { region: part(z), note: vec![7; z % 4], sum: 9 });
                assert!(expected.take(written.len()).eq(written.iter().cloned()));
            }
            let mut late = [0; 3];
            let found = past.late.get(&2).map(|at| journal.late(at, &mut late).map(|()| late).unwrap());
            assert_eq!(found, (end == whole.len()).then_some([1, 2, 3]));
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
        fn claim(&self) -> Result<u64> {
            self.0.claim()
        }
        fn read(&self, at: u64, buffer: &mut [u8]) -> Result<bool> {
            self.0.read(at, buffer)
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
            let found: Vec<usize> = past.written.get(&0).into_iter().flatten().map(|written| written.region.start[0]).collect();
            assert!(found.iter().copied().eq(0..found.len()), "{found:?}");
            if for_ever {
                let failed = told.iter().position(|one| one.is_err()).unwrap();
                assert_eq!(failed, TRIES);
                assert!(!told[failed].as_ref().unwrap_err().passes(), "nobody tries that again");
            } else {
                assert!(told.iter().all(|one| one.is_ok()));
                assert!(found.len() >= 19, "{found:?}");
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
        let len = paper.claim().unwrap();
        assert_eq!(elsewhere.past(&paper, len).unwrap().unwrap().0.written[&0].len(), 1);
        let here = Journal { boot: crate::os::boot().unwrap_or_default(), ..elsewhere };
        assert_eq!(here.past(&paper, len).unwrap().unwrap().0.written[&0].len(), if here.boot.is_empty() { 1 } else { 2 });
    }
}
