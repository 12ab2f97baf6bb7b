//! The unfinished file beside its target: made, written at places, and renamed only when it is whole.
//! It does not know what is written.

use crate::error::{Error, Result};
use crate::os::{is_at, read_in_pieces, write_all_at};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A file that does not have its name yet.
#[derive(Debug)]
pub(super) struct Partial {
    target: PathBuf,
    beside: PathBuf,
    overwrite: bool,
    file: Mutex<Option<Arc<File>>>,
    /// Where the file ended at least, after what was written.
    end: AtomicU64,
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
        // Not as text: names that are none would share one file.
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(".");
        hidden.push(ending);
        let beside = target.with_file_name(hidden);
        let partial = Partial { target: target.to_owned(), beside, overwrite, file: Mutex::new(None), end: AtomicU64::new(0) };
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
        if self.target.symlink_metadata().is_ok() && !self.overwrite {
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
        // A new file, so that whoever may still hold the old one finds that it has no name.
        let _ = std::fs::remove_file(&self.beside);
        let opened = File::options().read(true).write(true).create_new(true).open(&self.beside);
        let file = opened.map_err(|e| Error::io("create", &self.beside, &e))?;
        self.end.store(0, Ordering::Relaxed);
        *self.lock() = Some(Arc::new(file));
        Ok(())
    }

    /// Gives the file its length.
    ///
    /// # Errors
    /// I/O errors, a full disk among them.
    pub fn make_room(&self, bytes: u64) -> Result<()> {
        let made = self.held()?.set_len(bytes);
        made.map_err(|e| Error::io(&format!("make room for {bytes} bytes in"), &self.beside, &e))?;
        self.end.fetch_max(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// The file, if it still has the name under which it was made, and all of what was written.
    fn held(&self) -> Result<Arc<File>> {
        let file = self.lock().clone().ok_or_else(|| Error::bug(format!("{} was not begun", self.name())))?;
        let what = match file.metadata() {
            _ if !is_at(&file, &self.beside) => "moved or removed",
            Ok(meta) if meta.len() < self.end.load(Ordering::Relaxed) => "cut short",
            _ => return Ok(file),
        };
        let what = format!("{}, which becomes {}, was {what} while it was written", self.beside.display(), self.name());
        Err(Error::machine(what).hint("leave it and its folder as they are until the run is done, and run it again"))
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
        // A link is not gone on with: the name would be given to it.
        let is_whole = found.len() >= bytes && is_at(&file, &self.beside);
        self.end.store(found.len(), Ordering::Relaxed);
        *self.lock() = is_whole.then(|| Arc::new(file));
        Ok(is_whole)
    }

    /// Reads back what was written at a place, a piece at a time; false where the file ends before.
    ///
    /// # Errors
    /// I/O errors, and a file that was not begun.
    pub fn read_back(&self, offset: u64, bytes: u64, take: &mut dyn FnMut(&[u8])) -> Result<bool> {
        match read_in_pieces(&*self.held()?, offset, bytes, take) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(e) => Err(self.failed("read back", bytes, offset, &e)),
        }
    }

    fn failed(&self, doing: &str, bytes: u64, offset: u64, error: &io::Error) -> Error {
        Error::io(&format!("{doing} {bytes} bytes at {offset} of"), &self.beside, error)
    }

    /// Reads bytes that were written.
    ///
    /// # Errors
    /// I/O errors, and a file that was not begun.
    #[cfg(feature = "tiff")]
    pub fn read(&self, bytes: &mut [u8], offset: u64) -> Result<()> {
        crate::os::read_exact_at(&*self.held()?, bytes, offset).map_err(|e| self.failed("read", bytes.len() as u64, offset, &e))
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// I/O errors.
    pub fn sync(&self) -> Result<()> {
        let Some(file) = self.lock().clone() else { return Ok(()) };
        file.sync_data().map_err(|e| Error::io("complete", &self.beside, &e))
    }

    /// Leaves the unfinished file where it is.
    pub fn suspend(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<File>>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes bytes at a place.
    ///
    /// # Errors
    /// I/O errors, a full disk among them, and a file that was not begun.
    pub fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let length = bytes.len() as u64;
        if length == 0 {
            return Ok(());
        }
        write_all_at(&*self.held()?, bytes, offset).map_err(|e| self.failed("write", length, offset, &e))?;
        self.end.fetch_max(offset + length, Ordering::Relaxed);
        Ok(())
    }

    /// Writes the header last, makes all durable and gives the file its name.
    ///
    /// # Errors
    /// I/O errors, a file that was moved, removed or cut short.
    pub fn finish(&self, header: &[u8]) -> Result<()> {
        self.check()?;
        let file = self.held()?;
        write_all_at(&file, header, 0).map_err(|e| self.failed("write", header.len() as u64, 0, &e))?;
        file.sync_all().map_err(|e| Error::io("complete", &self.beside, &e))?;
        std::fs::rename(&self.beside, &self.target).map_err(|e| Error::io("name", &self.target, &e))?;
        *self.lock() = None;
        Ok(())
    }

    /// Removes the unfinished file, if this writer made one.
    pub fn abandon(&self) {
        if self.lock().take().is_some_and(|file| is_at(&file, &self.beside)) {
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
    #[cfg(feature = "tiff")]
    pub fn file_name(&self) -> String {
        self.target.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    }
}
