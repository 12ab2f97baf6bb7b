//! The heap of programs that promise how much memory they take: large blocks are pages of their own, kept for whoever asks next, but never
//! so many that blocks in use and blocks kept are together more than were in use at once. What the system counts is then what was asked
//! for. Small blocks are the system's.
//! It does not know what blocks hold, nor what they were promised to be.
//!
//! The C library's heap keeps blocks of up to 32 MiB once the first of them was freed, in pieces that the next one does not fit: a third more
//! than was ever in use has been measured.

#![allow(unsafe_code, reason = "a heap hands out bare memory")]

use super::pages;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, TryLockError};

/// The heap: `#[global_allocator] static HEAP: stackmill::os::Heap = stackmill::os::Heap;` in a program.
#[derive(Clone, Copy, Debug)]
pub struct Heap;

/// Blocks from here on are pages of their own.
const LARGE: usize = 32 << 10;
/// Blocks are cut at multiples of the largest page that the processor has.
const GRAIN: usize = if cfg!(target_arch = "x86_64") { 4 << 10 } else { 64 << 10 };
/// What begins on such an address is pages of their own; nothing else that is large does.
const PAGE: usize = 4 << 10;
/// Blocks of pages at once; a process may have about twice as many areas of memory.
const MOST: usize = 30_000;
/// Free blocks that are kept.
const KEPT: usize = 256;
/// How often a heap that is in use is tried. It is left alone then: whoever had it may be gone, in a process that was forked.
const TRIES: usize = 300;

/// A range of free pages.
#[derive(Clone, Copy)]
struct Range {
    start: usize,
    len: usize,
    /// When it came, counted in blocks.
    since: usize,
}

/// The free pages, and the most bytes that were in use at once.
struct Pool {
    free: [Range; KEPT],
    count: usize,
    bytes: usize,
    peak: usize,
    clock: usize,
}

/// What is to be done for a block.
enum Found {
    /// Kept pages serve; what they hold is unspecified.
    Kept(usize),
    /// These are to be given back to the system first.
    Surplus(usize, usize),
    /// There is room for new pages.
    Room,
}

static POOL: Mutex<Pool> =
    Mutex::new(Pool { free: [Range { start: 0, len: 0, since: 0 }; KEPT], count: 0, bytes: 0, peak: 0, clock: 0 });
/// Bytes in blocks of pages, and how many blocks.
static IN_USE: AtomicUsize = AtomicUsize::new(0);
static BLOCKS: AtomicUsize = AtomicUsize::new(0);
/// Runs for which free pages are kept.
static RUNS: AtomicUsize = AtomicUsize::new(0);

impl Pool {
    fn remove(&mut self, place: usize) -> Range {
        let range = self.free[place];
        self.count -= 1;
        self.free[place] = self.free[self.count];
        self.bytes -= range.len;
        range
    }

    /// Keeps free pages, joined with what lies beside them; false where there are too many pieces.
    fn keep(&mut self, start: usize, len: usize) -> bool {
        self.clock += 1;
        let mut range = Range { start, len, since: self.clock };
        let mut place = 0;
        while place < self.count {
            let other = self.free[place];
            if other.start + other.len == range.start || range.start + range.len == other.start {
                self.remove(place);
                range = Range { start: other.start.min(range.start), len: other.len + range.len, ..range };
            } else {
                place += 1;
            }
        }
        if self.count == KEPT {
            return false;
        }
        self.free[self.count] = range;
        self.count += 1;
        self.bytes += range.len;
        true
    }

    /// Pages for a block of `len` bytes that is to be in use beside `others`.
    fn find(&mut self, len: usize, others: usize) -> Found {
        let fits = (0..self.count).filter(|place| self.free[*place].len >= len);
        if let Some(place) = fits.min_by_key(|place| self.free[*place].len) {
            let range = self.remove(place);
            if range.len > len {
                // There is a place for the rest: the whole has just left one.
                self.free[self.count] = Range { start: range.start + len, len: range.len - len, ..range };
                self.count += 1;
                self.bytes += range.len - len;
            }
            self.peak = self.peak.max(others + len);
            return Found::Kept(range.start);
        }
        self.make_room(len, others)
    }

    /// What must go so that `len` bytes more may be in use: the oldest first.
    fn make_room(&mut self, len: usize, others: usize) -> Found {
        self.peak = self.peak.max(others + len);
        let surplus = (others + len + self.bytes).saturating_sub(self.peak).min(self.bytes);
        let oldest = (0..self.count).min_by_key(|place| self.free[*place].since);
        let Some(place) = oldest.filter(|_| surplus > 0) else { return Found::Room };
        let range = self.remove(place);
        let rest = range.len.saturating_sub(surplus);
        if rest > 0 {
            self.free[self.count] = Range { len: rest, ..range };
            self.count += 1;
            self.bytes += rest;
        }
        Found::Surplus(range.start + rest, range.len - rest)
    }
}

/// The pool, unless it cannot be had soon.
fn pool() -> Option<MutexGuard<'static, Pool>> {
    for _ in 0..TRIES {
        match POOL.try_lock() {
            Ok(pool) => return Some(pool),
            Err(TryLockError::Poisoned(pool)) => return Some(pool.into_inner()),
            Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
        }
    }
    None
}

/// As long as it lives free pages are kept, by whichever run; then what is kept goes back to the system.
#[derive(Debug)]
pub struct Keeping(());

/// Keeps free pages from now on, up to as many as are in use at once from now on.
#[must_use]
pub fn keep_pages() -> Keeping {
    if RUNS.fetch_add(1, Relaxed) == 0 {
        give_back();
    }
    Keeping(())
}

impl Drop for Keeping {
    fn drop(&mut self) {
        if RUNS.fetch_sub(1, Relaxed) == 1 {
            give_back();
        }
    }
}

/// Gives back to the system what is kept and not in use.
fn give_back() {
    while let Some(mut pool) = pool() {
        pool.peak = IN_USE.load(Relaxed);
        if pool.count == 0 {
            return;
        }
        let range = pool.remove(0);
        drop(pool);
        // SAFETY: the pages were kept, so nobody uses them, and are kept no more.
        unsafe { pages::unmap(range.start, range.len) };
    }
}

fn rounded(len: usize) -> usize {
    len.next_multiple_of(GRAIN)
}

fn is_large(layout: Layout) -> bool {
    pages::EXIST && layout.size() >= LARGE && layout.align() <= PAGE
}

fn is_pages(start: *mut u8) -> bool {
    start.addr().is_multiple_of(PAGE)
}

/// Makes room for `len` bytes more in use: gives kept pages back, or one range of them to use.
fn found(len: usize) -> Option<usize> {
    let others = IN_USE.fetch_add(len, Relaxed);
    while let Some(mut pool) = pool() {
        match pool.find(len, others) {
            Found::Kept(start) => return Some(start),
            Found::Room => return None,
            Found::Surplus(start, len) => {
                drop(pool);
                // SAFETY: the pages were kept, so nobody uses them, and are kept no more.
                unsafe { pages::unmap(start, len) };
            }
        }
    }
    None
}

/// A large block; whether its bytes are known to be zero.
fn take(layout: Layout) -> (*mut u8, bool) {
    let len = rounded(layout.size());
    if BLOCKS.fetch_add(1, Relaxed) < MOST {
        if let Some(start) = found(len) {
            return (std::ptr::with_exposed_provenance_mut(start), false);
        }
        let new = pages::map(len);
        if !new.is_null() {
            return (new, true);
        }
        IN_USE.fetch_sub(len, Relaxed);
    }
    BLOCKS.fetch_sub(1, Relaxed);
    (elsewhere(layout), false)
}

/// Keeps a range of pages that is in use no more.
///
/// # Safety
/// The range is whole pages of [`take`]'s, and nobody uses it.
unsafe fn free(start: usize, len: usize) {
    IN_USE.fetch_sub(len, Relaxed);
    let is_kept = RUNS.load(Relaxed) > 0 && pool().is_some_and(|mut pool| pool.keep(start, len));
    if !is_kept {
        // SAFETY: as the caller promises.
        unsafe { pages::unmap(start, len) };
    }
}

/// Bytes before a large block of the system's heap. The last of them says how many they are.
const BEFORE: usize = 32;

/// A large block of the system's heap, which does not begin on a page.
fn elsewhere(layout: Layout) -> *mut u8 {
    let Some(wider) = wider(layout).filter(|_| layout.align() <= 16) else { return std::ptr::null_mut() };
    // SAFETY: the layout has a size.
    let block = unsafe { System.alloc(wider) };
    if block.is_null() {
        return block;
    }
    let before = if (block.addr() + BEFORE).is_multiple_of(PAGE) { BEFORE + 16 } else { BEFORE };
    // SAFETY: the block is at least 64 bytes longer than what is asked for, so `before` and what is asked for lie in it.
    unsafe {
        block.add(before - 1).write(before as u8);
        block.add(before)
    }
}

fn wider(layout: Layout) -> Option<Layout> {
    Layout::from_size_align(layout.size().checked_add(64)?, 16).ok()
}

// SAFETY:
// * what is small is the system's heap, call by call;
// * large blocks are pages that `mmap` gave or that were freed, each in use by one block: a range leaves the pool before it is handed out;
// * which of the two a block is follows from its layout and its address, which its owner gives back as they were.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            return take(layout).0;
        }
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !is_large(layout) {
            // SAFETY: the caller's promise about `layout` is passed on.
            return unsafe { System.alloc_zeroed(layout) };
        }
        let (block, is_zero) = take(layout);
        if !is_zero && !block.is_null() {
            // SAFETY: the block is at least so long, and ours until we return.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if !is_large(layout) {
            // SAFETY: the caller's promise about `block` and `layout` is passed on.
            return unsafe { System.dealloc(block, layout) };
        }
        if is_pages(block) {
            BLOCKS.fetch_sub(1, Relaxed);
            // SAFETY: a large block on a page is one of `take`'s, and its owner gives it back.
            return unsafe { free(block.expose_provenance(), rounded(layout.size())) };
        }
        if let Some(wider) = wider(layout) {
            // SAFETY: a large block that is not on a page is one of `elsewhere`'s, which wrote before it where it begins.
            unsafe {
                let before = usize::from(*block.sub(1));
                System.dealloc(block.sub(before), wider);
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(size, layout.align()) else { return std::ptr::null_mut() };
        match (is_large(layout), is_large(wanted)) {
            // SAFETY: the caller's promise about `block`, `layout` and `size` is passed on.
            (false, false) => return unsafe { System.realloc(block, layout, size) },
            (true, true) if is_pages(block) => {
                // SAFETY: a large block on a page is one of `take`'s, and its owner gives it back.
                let moved = unsafe { resized(block, rounded(layout.size()), rounded(size)) };
                if !moved.is_null() {
                    return moved;
                }
            }
            _ => {}
        }
        // SAFETY: the new block is at least as long as what is copied, and another than the old one, which its owner gives back.
        unsafe {
            let new = self.alloc(wanted);
            if !new.is_null() {
                new.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

/// A block of pages made longer or shorter; null where it must be copied.
///
/// # Safety
/// The block is one of [`take`]'s, `old` bytes long; its owner gives it back for the new one.
unsafe fn resized(block: *mut u8, old: usize, new: usize) -> *mut u8 {
    if new <= old {
        if new < old {
            // SAFETY: the end of the block is pages that its owner gives back.
            unsafe { free(block.expose_provenance() + new, old - new) };
        }
        return block;
    }
    let others = IN_USE.fetch_add(new - old, Relaxed);
    while let Some(mut pool) = pool() {
        let Found::Surplus(start, len) = pool.make_room(new - old, others) else { break };
        drop(pool);
        // SAFETY: the pages were kept, so nobody uses them, and are kept no more.
        unsafe { pages::unmap(start, len) };
    }
    // SAFETY: as the caller promises.
    let moved = unsafe { pages::remap(block, old, new) };
    if moved.is_null() {
        IN_USE.fetch_sub(new - old, Relaxed);
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    /// A block, and the byte that it is full of.
    struct Block(*mut u8, Layout, u8);

    impl Block {
        fn fill(&self, from: usize) {
            // SAFETY: the block is so long, and ours.
            unsafe { self.0.add(from).write_bytes(self.2, self.1.size() - from) };
        }

        /// Looks at both ends and in between.
        fn holds(&self, len: usize) {
            for at in (0..len).step_by(4093).chain(len.checked_sub(1)) {
                // SAFETY: the place lies in the block, which is ours.
                assert_eq!(unsafe { self.0.add(at).read() }, self.2, "byte {at} of {}", self.1.size());
            }
        }
    }

    /// So many random takings, changes and givings back; `look` is called after each.
    fn play(seed: u64, steps: usize, look: impl Fn()) {
        let mut state = seed;
        let mut below = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % n
        };
        let mut blocks: Vec<Block> = Vec::new();
        for step in 0..steps {
            let size = [1 + below(2000), LARGE - 5 + below(10), LARGE + below(3 * LARGE), 1 + below(2 << 20)][below(4)];
            match below(if blocks.len() > 30 { 3 } else { 4 }) {
                0 if !blocks.is_empty() => {
                    let block = blocks.swap_remove(below(blocks.len()));
                    block.holds(block.1.size());
                    // SAFETY: the block is ours and not used any more.
                    unsafe { Heap.dealloc(block.0, block.1) };
                }
                1 if !blocks.is_empty() => {
                    let number = below(blocks.len());
                    let block = &mut blocks[number];
                    let old = block.1.size();
                    // SAFETY: the block is ours, and its new size is above zero.
                    block.0 = unsafe { Heap.realloc(block.0, block.1, size) };
                    assert!(!block.0.is_null());
                    block.1 = Layout::from_size_align(size, block.1.align()).expect("a layout");
                    block.holds(old.min(size));
                    block.fill(old.min(size));
                }
                kind => {
                    let layout = Layout::from_size_align(size, [1, 8, 64, 8192][below(4)]).expect("a layout");
                    // SAFETY: the size is above zero.
                    let start = unsafe { if kind == 2 { Heap.alloc_zeroed(layout) } else { Heap.alloc(layout) } };
                    assert!(!start.is_null() && start.addr().is_multiple_of(layout.align()));
                    let block = Block(start, layout, if kind == 2 { 0 } else { (step % 250) as u8 + 1 });
                    block.holds(if kind == 2 { size } else { 0 });
                    block.fill(0);
                    blocks.push(block);
                }
            }
            look();
        }
        for block in blocks {
            block.holds(block.1.size());
            // SAFETY: the block is ours and not used any more.
            unsafe { Heap.dealloc(block.0, block.1) };
        }
    }

    /// One test: what is in use is counted for all of them together.
    #[test]
    fn blocks_keep_their_bytes_and_no_more_is_kept_than_was_in_use() {
        let keeping = keep_pages();
        play(1, 8000, || {
            let pool = pool().expect("it is nobody's");
            let free = &pool.free[..pool.count];
            assert_eq!(free.iter().map(|range| range.len).sum::<usize>(), pool.bytes);
            assert!(pool.bytes + IN_USE.load(Relaxed) <= pool.peak, "{} kept", pool.bytes);
            let meets =
                |a: &Range| free.iter().any(|b| a.start < b.start + b.len && b.start < a.start + a.len && a.start != b.start);
            assert!(!free.iter().any(meets), "one page is kept twice");
        });
        (0..8u64).into_par_iter().for_each(|seed| play(seed + 7, 1500, || {}));
        assert_eq!((IN_USE.load(Relaxed), BLOCKS.load(Relaxed)), (0, 0));
        drop(keeping);
        play(3, 1000, || assert_eq!(pool().map(|pool| pool.bytes), Some(0), "pages are kept for nobody"));
        // Where pages are not to be had the system's heap serves, and its blocks do not begin on a page.
        let layout = Layout::from_size_align(LARGE, 16).expect("a layout");
        for _ in 0..50 {
            let block = Block(elsewhere(layout), layout, 7);
            assert!(!block.0.is_null() && !is_pages(block.0));
            block.fill(0);
            block.holds(LARGE);
            // SAFETY: the block is ours and not used any more.
            unsafe { Heap.dealloc(block.0, layout) };
        }
    }
}
