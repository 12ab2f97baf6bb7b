//! Pages of memory: new ones, given back, made more in place or elsewhere.
//! It does not know who uses them.

#![allow(unsafe_code, reason = "bare memory")]

#[cfg(target_os = "linux")]
mod system {
    /// Whether the system has what this heap needs.
    pub const EXIST: bool = true;

    /// New pages of zeros; null where there are none.
    pub fn map(len: usize) -> *mut u8 {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new pages at a place of the system's choice take nothing from anybody.
        let new = unsafe { libc::mmap(std::ptr::null_mut(), len, access, kind, -1, 0) };
        if new == libc::MAP_FAILED { std::ptr::null_mut() } else { new.cast() }
    }

    /// Gives pages back.
    ///
    /// # Safety
    /// The range is whole pages that [`map`] or [`remap`] gave, and nobody uses it.
    pub unsafe fn unmap(start: usize, len: usize) {
        // SAFETY: as the caller promises. It can fail where the system has too many areas: the pages are lost then, not harmed.
        unsafe { libc::munmap(std::ptr::with_exposed_provenance_mut(start), len) };
    }

    /// Makes a range of pages longer, wherever it fits; null where that cannot be done.
    ///
    /// # Safety
    /// As [`unmap`], for whoever used the old range.
    pub unsafe fn remap(start: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: as the caller promises; where it fails nothing has changed.
        let moved = unsafe { libc::mremap(start.cast(), old, new, libc::MREMAP_MAYMOVE) };
        if moved == libc::MAP_FAILED { std::ptr::null_mut() } else { moved.cast() }
    }
}

/// Other systems' heaps give memory back by their own rules.
#[cfg(not(target_os = "linux"))]
mod system {
    pub const EXIST: bool = false;

    pub fn map(_: usize) -> *mut u8 {
        std::ptr::null_mut()
    }

    pub unsafe fn unmap(_: usize, _: usize) {}

    pub unsafe fn remap(_: *mut u8, _: usize, _: usize) -> *mut u8 {
        std::ptr::null_mut()
    }
}

pub(super) use system::{EXIST, map, remap, unmap};
