//! Files as nobody wrote them: mutated TIFF (tables that share bytes, OME-XML), NPY and Zarr are opened and read. Each is an error or an
//! array; none panics, takes longer than 5 s, or more than 256 MiB. In the suite some thousands; a soak is
//!
//!     STACKMILL_FUZZ=1000000 TMPDIR=/dev/shm cargo test --release --test fuzz -- --nocapture
//!
//! and `STACKMILL_FUZZ_FROM=N` begins with file N: a number makes the same file each time.
#![cfg(all(feature = "tiff", feature = "zarr"))]

mod common_formats;
#[path = "fuzz/files.rs"]
mod files;

use common_formats::Scratch;
use files::{Random, Seed, seeds};
use stackmill::formats;
use stackmill::grid::{Dims, Grid};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Counts what is allocated now, and the most that was.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as it came.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as it came.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many files the suite reads.
const IN_THE_SUITE: u64 = 1200;
const LONGEST: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 256 << 20;
/// Units that are read of each array, and the largest that is: what a plan would refuse is not asked for.
const UNITS: usize = 12;
const LARGEST_UNIT: u64 = 32 << 20;

/// Opens and reads; whether it could be opened, and whether all of what was read could be.
fn read(path: &Path) -> (bool, bool) {
    let Ok(source) = formats::open(path) else { return (false, false) };
    let (info, unit) = (source.info().clone(), source.unit());
    let (_, _, _) = (source.notices(), source.fingerprint(), source.name());
    let grid = Grid::new(info.shape, unit);
    let counts = grid.counts();
    let bytes = |shape: &Dims| shape.iter().fold(info.dtype.size() as u64, |n, d| n.saturating_mul(*d as u64));
    let last = counts.count().saturating_sub(1);
    let mut whole = true;
    for number in (0..counts.count().min(UNITS)).chain([last]) {
        let index = counts.index_of(number);
        if counts.count() == 0 || bytes(&grid.region(&index).shape) > LARGEST_UNIT || source.stored_bytes(&index) > LARGEST_UNIT {
            continue;
        }
        let mut out = vec![0; bytes(&grid.region(&index).shape) as usize];
        whole &= source.fetch(&index).and_then(|stored| source.decode(&index, stored, &mut out)).is_ok();
    }
    (true, whole)
}

#[derive(Default)]
struct Figures {
    files: u64,
    opened: u64,
    read: u64,
    longest: Duration,
    most: usize,
}

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_file_panics_hangs_or_takes_memory() {
    let folder = Scratch::new("fuzz");
    let seeds: Vec<Seed> = seeds(&folder);
    let mut kinds: Vec<&str> = seeds.iter().map(|seed| seed.name).collect();
    kinds.dedup();
    let count = environment("STACKMILL_FUZZ").unwrap_or(IN_THE_SUITE);
    let from = environment("STACKMILL_FUZZ_FROM").unwrap_or(0);
    std::panic::set_hook(Box::new(|_| {}));
    let mut figures: BTreeMap<&str, Figures> = BTreeMap::new();
    let mut faults = Vec::new();
    for number in from..from + count {
        let mut random = Random::of(number);
        let kind = kinds[random.below(kinds.len())];
        let of_kind: Vec<&Seed> = seeds.iter().filter(|seed| seed.name == kind).collect();
        let seed = of_kind[random.below(of_kind.len())];
        let (path, mutated) = seed.mutated(&folder, &mut random);
        let before = NOW.load(Ordering::Relaxed);
        MOST.store(before, Ordering::Relaxed);
        let begun = Instant::now();
        let done = catch_unwind(AssertUnwindSafe(|| read(&path)));
        let (took, most) = (begun.elapsed(), MOST.load(Ordering::Relaxed).saturating_sub(before));
        let own = figures.entry(seed.name).or_default();
        own.files += 1;
        (own.longest, own.most) = (own.longest.max(took), own.most.max(most));
        match done {
            Ok((opened, read)) => (own.opened, own.read) = (own.opened + u64::from(opened), own.read + u64::from(read)),
            Err(_) => faults.push(format!("file {number} ({}) panics", seed.name)),
        }
        if took > LONGEST || most > MOST_BYTES {
            faults.push(format!("file {number} ({}): {took:?}, {} MiB", seed.name, most >> 20));
        }
        seed.restore(&mutated);
    }
    let _ = std::panic::take_hook();
    for (name, Figures { files, opened, read, longest, most }) in &figures {
        println!("{name:14} {files:8} files, {opened:8} opened, {read:8} read, longest {longest:8.1?}, most {} KiB", most >> 10);
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults[..faults.len().min(20)].join("\n"));
    // Files that are all errors would test nothing.
    assert!(figures.values().all(|own| own.files < 100 || own.opened > 0 && own.read > 0), "none could be opened");
}
