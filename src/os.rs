//! Everything that differs between operating systems: positional file access, memory, heaps and core counts.
//! It does not know what is read or why. Linux is tested; macOS and Windows are written for and unknown.

mod heap;
mod limits;
mod pages;

pub use heap::{Heap, Keeping, keep_pages};
pub use limits::{Available, address_space_left, available, available_bytes, errors_for_long_files};

use std::fs::File;
use std::io;

/// How far each platform has been taken.
pub const PLATFORMS: &[(&str, &str)] =
    &[("Linux x86-64", "tested"), ("Linux aarch64", "unknown"), ("macOS", "unknown"), ("Windows", "unknown")];

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

/// What tells a file from what lay at its path before: its length, when its bytes and its entry were changed, and which file it is.
/// The time of the bytes can be set back, that of the entry cannot.
#[must_use]
pub fn stamp(meta: &std::fs::Metadata) -> String {
    let nanoseconds = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos());
    format!("{} bytes {nanoseconds}{}", meta.len(), entry(meta))
}

#[cfg(unix)]
fn entry(meta: &std::fs::Metadata) -> String {
    use std::os::unix::fs::MetadataExt;
    format!(" {}.{:09} {}:{}", meta.ctime(), meta.ctime_nsec(), meta.dev(), meta.ino())
}

#[cfg(not(unix))]
fn entry(_: &std::fs::Metadata) -> String {
    String::new()
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
