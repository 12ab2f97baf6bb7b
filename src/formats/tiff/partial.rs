//! The unfinished file beside its target: made, written at places, and renamed only when it is whole.
//! It does not know what is written.

use crate::error::{Error, Result};
use crate::os::{read_exact_at, write_all_at};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A file that does not have its name yet.
pub(super) struct Partial {
    target: PathBuf,
    beside: PathBuf,
    overwrite: bool,
    file: Mutex<Option<File>>,
}

impl Partial {
    /// The unfinished file of a target; nothing is made yet.
    ///
    /// # Errors
    /// A target that exists and may not be overwritten, or a folder that is missing.
    pub fn at(target: &Path, overwrite: bool) -> Result<Self> {
        Self::called(target, overwrite, "partial")
    }

    /// The same for a second file of the same target, `.NAME.ending`.
    ///
    /// # Errors
    /// As [`Partial::at`].
    pub fn called(target: &Path, overwrite: bool, ending: &str) -> Result<Self> {
        let Some(name) = target.file_name() else {
            return Err(Error::caller(format!("{} names no file", target.display())));
        };
        let beside = target.with_file_name(format!(".{}.{ending}", name.to_string_lossy()));
        let partial = Partial { target: target.to_owned(), beside, overwrite, file: Mutex::new(None) };
        partial.check()?;
        Ok(partial)
    }

    fn check(&self) -> Result<()> {
        let folder = self.target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            let what = format!("cannot write {}: there is no folder {}", self.target.display(), folder.display());
            return Err(Error::caller(what).hint("make the folder first"));
        }
        if self.target.is_dir() {
            return Err(Error::caller(format!("cannot write {}: it is a folder", self.target.display())));
        }
        if self.target.exists() && !self.overwrite {
            return Err(Error::exists(&self.target));
        }
        Ok(())
    }

    /// Makes the file, empty.
    ///
    /// # Errors
    /// As [`Partial::at`], and a folder that cannot be written.
    pub fn begin(&self) -> Result<()> {
        self.check()?;
        let opened = File::options().read(true).write(true).create(true).truncate(true).open(&self.beside);
        let file = opened.map_err(|e| Error::io("create", &self.beside, &e))?;
        *self.lock() = Some(file);
        Ok(())
    }

    /// Opens the file that an unfinished run left, if it has at least `bytes`; false where it is not there.
    ///
    /// # Errors
    /// As [`Partial::at`], and a file that cannot be opened.
    pub fn resume(&self, bytes: u64) -> Result<bool> {
        self.check()?;
        let file = match File::options().read(true).write(true).open(&self.beside) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            opened => opened.map_err(|e| Error::io("open", &self.beside, &e))?,
        };
        let found = file.metadata().map_err(|e| Error::io("read the size of", &self.beside, &e))?;
        let is_whole = found.len() >= bytes;
        *self.lock() = is_whole.then_some(file);
        Ok(is_whole)
    }

    /// Reads bytes that were written.
    ///
    /// # Errors
    /// I/O errors, and a file that was not begun.
    pub fn read(&self, bytes: &mut [u8], offset: u64) -> Result<()> {
        let guard = self.lock();
        let file = guard.as_ref().ok_or_else(|| Error::bug(format!("{} was not begun", self.name())))?;
        let doing = format!("read {} bytes at {offset} of", bytes.len());
        read_exact_at(file, bytes, offset).map_err(|e| Error::io(&doing, &self.beside, &e))
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// I/O errors.
    pub fn sync(&self) -> Result<()> {
        let guard = self.lock();
        let Some(file) = guard.as_ref() else { return Ok(()) };
        file.sync_data().map_err(|e| Error::io("complete", &self.beside, &e))
    }

    /// Leaves the unfinished file where it is.
    pub fn suspend(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes bytes at a place.
    ///
    /// # Errors
    /// I/O errors, a full disk among them, and a file that was not begun.
    pub fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let guard = self.lock();
        let file = guard.as_ref().ok_or_else(|| Error::bug(format!("{} was not begun", self.name())))?;
        let doing = || format!("write {} bytes at {offset} of", bytes.len());
        write_all_at(file, bytes, offset).map_err(|e| Error::io(&doing(), &self.beside, &e))
    }

    /// Writes the header last, makes all durable and gives the file its name.
    ///
    /// # Errors
    /// I/O errors.
    pub fn finish(&self, header: &[u8]) -> Result<()> {
        self.check()?;
        self.write(header, 0)?;
        let mut guard = self.lock();
        let file = guard.as_ref().ok_or_else(|| Error::bug(format!("{} was not begun", self.name())))?;
        file.sync_all().map_err(|e| Error::io("complete", &self.beside, &e))?;
        std::fs::rename(&self.beside, &self.target).map_err(|e| Error::io("name", &self.target, &e))?;
        *guard = None;
        Ok(())
    }

    /// Removes the unfinished file, if this writer made one.
    pub fn abandon(&self) {
        if self.lock().take().is_some() {
            // Nothing is lost when it stays: it has no name that looks whole.
            let _ = std::fs::remove_file(&self.beside);
        }
    }

    /// The target's path.
    pub fn name(&self) -> String {
        self.target.display().to_string()
    }

    /// The target's path, beside which the unfinished file lies.
    pub fn path(&self) -> PathBuf {
        self.target.clone()
    }

    /// The target's file name.
    pub fn file_name(&self) -> String {
        self.target.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    }
}
