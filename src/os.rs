//! Everything that differs between operating systems: positional file access, memory, heaps and core counts.
//! It does not know what is read or why. Linux is tested; macOS and Windows are written for and unknown.

mod heap;
mod limits;

pub use heap::{Heap, give_back};
pub use limits::{Available, address_space_left, available, available_bytes, errors_for_long_files};

use std::fs::File;
use std::io;

/// How far each platform has been taken.
pub const PLATFORMS: &[(&str, &str)] =
    &[("Linux x86-64", "tested"), ("Linux aarch64", "unknown"), ("macOS", "unknown"), ("Windows", "unknown")];

/// Opens a file to read it in any order. What is none (a pipe, a device, a socket) is an error at once: opening a pipe waits for
/// whoever writes into it. Folders are opened; who reads them is told.
///
/// # Errors
/// As the operating system says; `InvalidInput` for what is no file.
pub fn open(path: &std::path::Path) -> io::Result<File> {
    let refuse = |meta: &std::fs::Metadata| match odd(meta.file_type()) {
        Some(kind) => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind}, not a file"))),
        None => Ok(()),
    };
    refuse(&std::fs::metadata(path)?)?;
    let mut options = std::fs::OpenOptions::new();
    // It may have become one since.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.read(true).open(path)?;
    refuse(&file.metadata()?)?;
    Ok(file)
}

/// What a thing in a file system is that is neither a file nor a folder.
#[cfg(unix)]
#[must_use]
pub fn odd(kind: std::fs::FileType) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        kind if kind.is_fifo() => Some("a pipe"),
        kind if kind.is_socket() => Some("a socket"),
        kind if kind.is_char_device() || kind.is_block_device() => Some("a device"),
        _ => None,
    }
}

/// Other systems have other oddities, which they tell themselves.
#[cfg(not(unix))]
#[must_use]
pub fn odd(_: std::fs::FileType) -> Option<&'static str> {
    None
}

/// Fills `buffer` from `offset` on, without moving any file position.
///
/// # Errors
/// As the operating system says; `UnexpectedEof` where the file ends first.
#[cfg(unix)]
pub fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

/// Fills `buffer` from `offset` on. Windows moves the file position; nobody here relies on it.
///
/// # Errors
/// As the operating system says; `UnexpectedEof` where the file ends first.
#[cfg(windows)]
pub fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while done < buffer.len() {
        match std::os::windows::fs::FileExt::seek_read(file, &mut buffer[done..], offset + done as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => done += n,
        }
    }
    Ok(())
}

/// Bytes of a piece that is read at once.
const PIECE: u64 = 256 << 10;

/// Hands over `bytes` from `offset` on, a piece at a time, in memory for one.
///
/// # Errors
/// As [`read_exact_at`].
pub fn read_in_pieces(file: &File, offset: u64, bytes: u64, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut piece = vec![0; usize::try_from(bytes.min(PIECE)).unwrap_or(0)];
    let mut done = 0;
    while done < bytes {
        let now = usize::try_from((bytes - done).min(PIECE)).unwrap_or(0);
        let piece = piece.get_mut(..now).unwrap_or_default();
        read_exact_at(file, piece, offset + done)?;
        take(piece);
        done += now as u64;
    }
    Ok(())
}

/// Writes all of `bytes` from `offset` on, without moving any file position.
///
/// # Errors
/// As the operating system says.
#[cfg(unix)]
pub fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

/// Writes all of `bytes` from `offset` on. Windows moves the file position; nobody here relies on it.
///
/// # Errors
/// As the operating system says.
#[cfg(windows)]
pub fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        done += std::os::windows::fs::FileExt::seek_write(file, &bytes[done..], offset + done as u64)?;
    }
    Ok(())
}

/// Cores this process may use: affinity and cgroup quota respected.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Bytes that may be written where a path is, as far as the file system knows.
#[cfg(unix)]
#[must_use]
#[allow(unsafe_code, reason = "no safe call says how much room a file system has")]
#[allow(clippy::useless_conversion, reason = "other systems' numbers are narrower")]
pub fn free_bytes(path: &std::path::Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).ok()?;
    // SAFETY: all bytes zero is a value of this struct of numbers.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path ends with 0 and lives until the call returns; the struct is ours and large enough.
    let said = unsafe { libc::statvfs(path.as_ptr(), &raw mut found) };
    (said == 0).then(|| u64::from(found.f_bavail).saturating_mul(u64::from(found.f_frsize)))
}

/// Other systems are asked by writing.
#[cfg(not(unix))]
#[must_use]
pub fn free_bytes(_path: &std::path::Path) -> Option<u64> {
    None
}

/// Bytes of this process that are resident now.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    status_field("VmRSS:")
}

/// The most bytes of this process that were ever resident.
#[must_use]
pub fn peak_resident_bytes() -> Option<u64> {
    status_field("VmHWM:")
}

fn status_field(name: &str) -> Option<u64> {
    limits::kib_field(&std::fs::read_to_string("/proc/self/status").ok()?, name)
}

/// What tells a file from what lay at its path before. The time of the bytes can be set back, that of the entry cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    bytes: u64,
    /// When its bytes were changed, in nanoseconds since 1970.
    written: u128,
    /// When its entry was changed, in seconds and nanoseconds; where the system says so.
    changed: (i64, i64),
    /// Which file it is.
    id: Option<(u64, u64)>,
}

impl Stamp {
    /// The stamp of a file.
    #[must_use]
    pub fn of(meta: &std::fs::Metadata) -> Stamp {
        let written = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos());
        Stamp { bytes: meta.len(), written, changed: changed(meta), id: file_id(meta) }
    }

    /// Whether the bytes are as long and as old: links and permissions may have been changed since.
    #[must_use]
    pub fn is_as_written(&self, other: &Stamp) -> bool {
        (self.bytes, self.written) == (other.bytes, other.written)
    }

    /// The same without which file it is: some network mounts number files anew whenever they forget them.
    #[must_use]
    pub fn anywhere(self) -> Stamp {
        Stamp { id: None, ..self }
    }
}

#[cfg(unix)]
fn changed(meta: &std::fs::Metadata) -> (i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (meta.ctime(), meta.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(_: &std::fs::Metadata) -> (i64, i64) {
    (0, 0)
}

/// Which file or folder it is, whatever its name: the same number for hard links, and for another file under the same name another.
#[cfg(unix)]
#[must_use]
pub fn file_id(meta: &std::fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((meta.dev(), meta.ino()))
}

/// Other systems do not say it.
#[cfg(not(unix))]
#[must_use]
pub fn file_id(_meta: &std::fs::Metadata) -> Option<(u64, u64)> {
    None
}

/// Whether a path still names the file that is open; where the system does not tell files apart, whether there is one.
#[must_use]
pub fn is_at(file: &File, path: &std::path::Path) -> bool {
    let metas = file.metadata().ok().zip(std::fs::symlink_metadata(path).ok());
    metas.is_some_and(|(own, named)| file_id(&own) == file_id(&named))
}

/// Where programs of this user keep what can be made again, where the system has such a place.
#[must_use]
pub fn cache_folder() -> Option<std::path::PathBuf> {
    let at = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(std::path::PathBuf::from);
    if cfg!(windows) {
        return at("LOCALAPPDATA");
    }
    let home = |folder: &str| at("HOME").map(|home| home.join(folder));
    if cfg!(target_os = "macos") { home("Library/Caches") } else { at("XDG_CACHE_HOME").or_else(|| home(".cache")) }
}

/// What tells this start of this computer from others, where the system says.
#[must_use]
pub fn boot() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}
