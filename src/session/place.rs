//! A journal in a file beside an output: `.NAME.journal`, held by one run at a time.
//! It does not know what is written into it.

use crate::error::{Error, Result};
use crate::storage::Place;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The journal beside an output.
pub(super) struct Beside {
    path: PathBuf,
    output: PathBuf,
    file: Mutex<Option<File>>,
}

impl Beside {
    /// The place of an output's journal; nothing is made yet.
    pub fn of(output: &Path) -> Beside {
        let mut name = std::ffi::OsString::from(".");
        name.push(output.file_name().unwrap_or_default());
        name.push(".journal");
        Beside { path: output.with_file_name(name), output: output.to_owned(), file: Mutex::new(None) }
    }

    /// Whether there is a journal that another run may go on with.
    pub fn is_there(&self) -> bool {
        self.path.exists()
    }

    fn file(&self) -> MutexGuard<'_, Option<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Throws away what an unfinished run left in the journal.
    ///
    /// # Errors
    /// Another run that has it, I/O errors.
    pub fn forget(&self) -> Result<()> {
        self.claim()?;
        self.cut(0)
    }

    fn with<T>(&self, doing: &str, what: impl FnOnce(&mut File) -> std::io::Result<T>) -> Result<T> {
        let mut guard = self.file();
        let file = guard.as_mut().ok_or_else(|| Error::bug(format!("{} was not claimed", self.path.display())))?;
        what(file).map_err(|e| Error::io(doing, &self.path, &e))
    }
}

/// As locks are.
impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(file) = self.file().take() {
            let _ = file.unlock();
        }
    }
}

impl Place for Beside {
    fn claim(&self) -> Result<u64> {
        if self.file().is_none() {
            let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&self.path);
            let file = opened.map_err(|e| Error::io("keep a journal in", &self.path, &e))?;
            // A file system without locks is taken at its word.
            if let Err(TryLockError::WouldBlock) = file.try_lock() {
                let what = format!("another run is writing {}", self.output.display());
                return Err(Error::caller(what).hint("wait until it is done, or choose another name"));
            }
            *self.file() = Some(file);
        }
        self.with("read", |file| file.seek(SeekFrom::End(0)))
    }

    fn read(&self, at: u64, buffer: &mut [u8]) -> Result<bool> {
        self.with("read", |file| match crate::os::read_exact_at(file, buffer, at) {
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            done => done.map(|()| true),
        })
    }

    fn cut(&self, bytes: u64) -> Result<()> {
        self.with("write", |file| {
            file.set_len(bytes)?;
            file.seek(SeekFrom::End(0)).map(|_| ())
        })
    }

    fn append(&self, bytes: &[u8]) -> Result<()> {
        self.with("write", |file| file.write_all(bytes))
    }

    fn remove(&self) {
        if let Some(file) = self.file().take() {
            // Of an output that has its name nobody reads the journal: should it stay, nothing is wrong.
            let _ = std::fs::remove_file(&self.path);
            let _ = file.unlock();
        }
    }
}
