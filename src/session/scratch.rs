//! Scratch in one file: arrays that a run makes for itself, unit behind unit as they are in memory. The file lies beside an output,
//! or in a folder of the user's choice, and is gone when the run is done.
//! It does not know what is stored, nor when it is read.
//!
//! The file begins with what it holds (a text of all its arrays) and a number that no other file had. Each unit is noted with that
//! number, so that a journal never tells of units that were overwritten since.

use super::identity::fnv;
use crate::error::{Error, Result, bytes_text};
use crate::grid::{Dims, Grid, Region};
use crate::os::{read_exact_at, read_in_pieces, write_all_at};
use crate::storage::{Identity, Info, Scratch, Sink, Source, Written};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes before the arrays: what the file holds, hashed, and its number.
const HEAD: usize = 16;

/// The file of a run's scratch.
pub(super) struct Room {
    path: PathBuf,
    /// Whether what an unfinished run wrote may be gone on with.
    is_kept: bool,
    /// What the file is to hold, hashed, and its bytes.
    layout: AtomicU64,
    bytes: AtomicU64,
    open: Mutex<Option<(Arc<File>, u64)>>,
}

impl Room {
    /// Beside an output: `.NAME.scratch`.
    pub fn beside(output: &Path) -> Arc<Room> {
        let mut name = std::ffi::OsString::from(".");
        name.push(output.file_name().unwrap_or_default());
        name.push(".scratch");
        Room::at(output.with_file_name(name), true)
    }

    /// In a folder, under a name of the output's own; where there is none, under one that no run draws again.
    pub fn within(folder: &Path, output: Option<&Path>) -> Arc<Room> {
        let name = output.map(|path| fnv(super::lock::real(path).as_os_str().as_encoded_bytes()));
        let name = name.unwrap_or_else(|| u128::from(fresh()) << 32 | u128::from(std::process::id()));
        Room::at(folder.join(format!(".stackmill-{name:032x}.scratch")), output.is_some())
    }

    fn at(path: PathBuf, is_kept: bool) -> Arc<Room> {
        Arc::new(Room { path, is_kept, layout: AtomicU64::new(0), bytes: AtomicU64::new(0), open: Mutex::new(None) })
    }

    /// Says what the file is to hold: what an unfinished run left of anything else is of no use.
    pub fn hold(&self, arrays: u64, bytes: u64) {
        self.layout.store(arrays, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes what an unfinished run left: nothing where there is nothing.
    pub fn clear(&self) {
        *self.state() = None;
        // A file that stays takes room and does no harm.
        let _ = std::fs::remove_file(&self.path);
    }

    fn state(&self) -> MutexGuard<'_, Option<(Arc<File>, u64)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, doing: &str, error: &std::io::Error) -> Error {
        Error::io(doing, &self.path, error).hint("--scratch DIR keeps scratch elsewhere, --scratch never does without")
    }

    /// The file and its number; made where it is not open, in place of an old one.
    fn begun(&self) -> Result<(Arc<File>, u64)> {
        let mut state = self.state();
        if let Some(open) = &*state {
            return Ok(open.clone());
        }
        self.ask_for_room()?;
        let made = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&self.path);
        let file = made.map_err(|e| self.failed("make", &e))?;
        let number = fresh();
        let head = [self.layout.load(Ordering::Relaxed).to_le_bytes(), number.to_le_bytes()].concat();
        write_all_at(&file, &head, 0).map_err(|e| self.failed("write", &e))?;
        Ok(state.insert((Arc::new(file), number)).clone())
    }

    /// Hours of work shall not end where the disk does: what is known not to fit is not begun.
    fn ask_for_room(&self) -> Result<()> {
        let needed = self.bytes.load(Ordering::Relaxed);
        let folder = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // An old file, which the new one takes the place of, gives its room back.
        let old = std::fs::metadata(&self.path).map_or(0, |meta| meta.len());
        match crate::os::free_bytes(folder) {
            Some(free) if free.saturating_add(old) < needed => {
                let (needed, free) = (bytes_text(needed), bytes_text(free));
                let what = format!("scratch of {needed} does not fit into {}, which has {free} left", folder.display());
                Err(Error::machine(what).hint("--scratch DIR keeps scratch elsewhere, --scratch never does without"))
            }
            _ => Ok(()),
        }
    }

    /// The file that an unfinished run left, if it holds the same arrays.
    fn found(&self) -> Option<(Arc<File>, u64)> {
        let mut state = self.state();
        if state.is_none() {
            let file = OpenOptions::new().read(true).write(true).open(&self.path).ok()?;
            let mut head = [0; HEAD];
            read_exact_at(&file, &mut head, 0).ok()?;
            let (own, number) = head.split_first_chunk::<8>()?;
            if u64::from_le_bytes(*own) != self.layout.load(Ordering::Relaxed) {
                return None;
            }
            *state = Some((Arc::new(file), u64::from_le_bytes(*number.first_chunk()?)));
        }
        state.clone()
    }

    fn file(&self) -> Result<(Arc<File>, u64)> {
        self.state().clone().ok_or_else(|| Error::bug(format!("{} is used before it is made", self.path.display())))
    }
}

/// A number that no other run draws.
fn fresh() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs().rotate_left(30) ^ u64::from(now.subsec_nanos()) ^ u64::from(std::process::id()).rotate_left(40)
}

/// One array of a room.
struct Shelf {
    room: Arc<Room>,
    info: Info,
    grid: Grid,
    from: u64,
}

impl Scratch for Arc<Room> {
    fn array(&self, info: &Info, unit: Dims, from: u64) -> (Arc<dyn Sink>, Arc<dyn Source>) {
        let shelf = Arc::new(Shelf {
            room: self.clone(),
            info: info.clone(),
            grid: Grid::new(info.shape, unit),
            from: HEAD as u64 + from,
        });
        (shelf.clone(), shelf)
    }
}

impl Shelf {
    /// Where a unit's bytes are. Units follow one another in C order; those that the array's end cuts are short.
    fn place(&self, unit: &Region) -> (u64, usize) {
        let shape = self.grid.shape;
        let before = |axis: usize| {
            let thick: usize = unit.shape.iter().take(axis).product();
            let behind: usize = shape.iter().skip(axis + 1).product();
            unit.start[axis] * thick * behind
        };
        let size = self.info.dtype.size();
        let elements: usize = (0..shape.len()).map(before).sum();
        (self.from + (elements * size) as u64, unit.shape.count() * size)
    }
}

impl Sink for Shelf {
    fn info(&self) -> &Info {
        &self.info
    }

    fn name(&self) -> String {
        format!("scratch {} from {} on", self.room.path.display(), self.from)
    }

    fn unit(&self) -> Option<Dims> {
        Some(self.grid.unit)
    }

    fn encoded_bytes(&self, region: &Region) -> u64 {
        (region.shape.count() * self.info.dtype.size()) as u64
    }

    fn begin(&self, _identity: &Identity) -> Result<()> {
        self.room.begun().map(|_| ())
    }

    fn resume(&self, _identity: &Identity) -> Result<bool> {
        Ok(self.room.is_kept && self.room.found().is_some())
    }

    fn read_back(&self, written: &Written, take: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let (file, number) = self.room.file()?;
        let (at, bytes) = self.place(&written.region);
        let is_there = written.note == number.to_le_bytes();
        Ok(is_there && read_in_pieces(&file, at, bytes as u64, take).is_ok())
    }

    fn encode(&self, _region: &Region, decoded: &[u8]) -> Result<Vec<u8>> {
        Ok(decoded.to_vec())
    }

    fn write(&self, region: &Region, encoded: &[u8]) -> Result<Vec<u8>> {
        let (file, number) = self.room.file()?;
        let (at, bytes) = self.place(region);
        if bytes != encoded.len() {
            return Err(Error::bug(format!("{} bytes for {region} of {}", encoded.len(), self.info.dtype)));
        }
        write_all_at(&file, encoded, at).map_err(|e| self.room.failed("write", &e))?;
        Ok(number.to_le_bytes().to_vec())
    }

    fn sync(&self) -> Result<()> {
        let (file, _) = self.room.file()?;
        file.sync_data().map_err(|e| self.room.failed("keep", &e))
    }

    fn finish(&self) -> Result<()> {
        self.room.clear();
        Ok(())
    }

    fn suspend(&self) {
        if !self.room.is_kept {
            self.room.clear();
        }
    }

    fn abandon(&self) {
        self.room.clear();
    }
}

impl Source for Shelf {
    fn info(&self) -> &Info {
        &self.info
    }

    fn name(&self) -> String {
        Sink::name(self)
    }

    fn unit(&self) -> Dims {
        self.grid.unit
    }

    fn stored_bytes(&self, unit: &Dims) -> u64 {
        self.place(&self.grid.region(unit)).1 as u64
    }

    fn fetch(&self, unit: &Dims) -> Result<Option<Vec<u8>>> {
        let (file, _) = self.room.file()?;
        let (at, bytes) = self.place(&self.grid.region(unit));
        let mut stored = vec![0; bytes];
        read_exact_at(&file, &mut stored, at).map_err(|e| self.room.failed(&format!("read {bytes} bytes at {at} of"), &e))?;
        Ok(Some(stored))
    }

    fn decode(&self, _unit: &Dims, stored: Option<Vec<u8>>, out: &mut [u8]) -> Result<()> {
        match stored {
            Some(stored) if stored.len() == out.len() => out.copy_from_slice(&stored),
            _ => return Err(Error::bug("a unit of scratch of another size")),
        }
        Ok(())
    }

    fn fingerprint(&self) -> String {
        "scratch".to_owned()
    }
}
