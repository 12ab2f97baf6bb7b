//! A lock beside every output, `.NAME.lock`: one run at a time writes it, whichever of the run's outputs it is, and however its path is
//! spelled. It holds the identity of the run that began what lies there unfinished: another one goes on with nothing of it.
//! It does not know what is written.

use crate::error::{Error, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How often a lock is tried that whoever had it takes away at the same time.
const TRIES: usize = 100;
/// The longest identity that is read.
const LONGEST: u64 = 4096;

/// The locks of one run's outputs. Dropped, they are free, and what they say stays.
pub(super) struct Locks(Vec<Lock>);

struct Lock {
    path: PathBuf,
    file: File,
    /// The run that began what lies there; empty where nothing does.
    began: String,
}

/// Said, not left to closing: a process that is just being started from this one still has the file, and its lock.
impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl Locks {
    /// Takes the locks of outputs, or none.
    ///
    /// # Errors
    /// Another run that has one, a folder that cannot be written.
    pub fn claim(outputs: &[PathBuf]) -> Result<Locks> {
        let mut locks = Locks(Vec::with_capacity(outputs.len()));
        for output in outputs {
            match claimed(output) {
                Ok(lock) => locks.0.push(lock),
                Err(error) => {
                    locks.0.retain(|lock| lock.began.is_empty());
                    locks.remove();
                    return Err(error);
                }
            }
        }
        Ok(locks)
    }

    /// Whether a run of this identity began all that lies there.
    pub fn are_of(&self, identity: &str) -> bool {
        self.0.iter().all(|lock| !identity.is_empty() && lock.began == identity)
    }

    /// Says that a run of this identity writes them from now on.
    ///
    /// # Errors
    /// I/O errors.
    pub fn say(&self, identity: &str) -> Result<()> {
        for Lock { path, file, .. } in &self.0 {
            let mut file = file;
            let mut write = || {
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0))?;
                file.write_all(identity.as_bytes())
            };
            write().map_err(|e| Error::io("write", path, &e))?;
        }
        Ok(())
    }

    /// Nothing unfinished lies there any more.
    pub fn remove(self) {
        // While it is still locked: nobody else has it. One that stays says that nothing is to be gone on with by anyone else.
        self.0.iter().for_each(|lock| drop(std::fs::remove_file(&lock.path)));
    }
}

/// The folder of a path as the system names it, and the name in it: one for all spellings.
pub(super) fn real(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let parent = parent.canonicalize().unwrap_or_else(|_| parent.to_owned());
    path.file_name().map_or_else(|| path.canonicalize().unwrap_or_else(|_| path.to_owned()), |name| parent.join(name))
}

fn claimed(output: &Path) -> Result<Lock> {
    let output = real(output);
    let mut name = std::ffi::OsString::from(".");
    name.push(output.file_name().unwrap_or_default());
    name.push(".lock");
    let path = output.with_file_name(name);
    for _ in 0..TRIES {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|e| Error::io("keep a lock in", &path, &e))?;
        // A file system without locks is taken at its word.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            let what = format!("another run is writing {}", output.display());
            return Err(Error::caller(what).hint("wait until it is done, or choose another name"));
        }
        // Whoever had it may have taken it away since it was opened: then another file has its name, or none.
        if is_still_there(&file, &path) {
            let mut began = String::new();
            let read = (&file).take(LONGEST).read_to_string(&mut began);
            read.map_err(|e| Error::io("read", &path, &e))?;
            return Ok(Lock { path, file, began });
        }
    }
    Err(Error::machine(format!("{} is taken away again and again", path.display())))
}

fn is_still_there(file: &File, path: &Path) -> bool {
    let stamps = file.metadata().ok().zip(std::fs::metadata(path).ok());
    stamps.is_some_and(|(own, named)| crate::os::Stamp::of(&own) == crate::os::Stamp::of(&named))
}
