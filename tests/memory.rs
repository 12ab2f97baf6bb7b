//! The memory contract: what a run allocates at its peak is no more than its plan predicted.

use stackmill::{Array, Options, Session};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Counts live bytes and the most there ever were.
struct Counting;
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed to the system's allocator unchanged; only numbers are kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(LIVE.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(LIVE.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise about `pointer` is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Small things that no plan counts: messages, maps, thread stacks' books.
const SLACK: usize = 2 << 20;

fn folder() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("stackmill-memory-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// One test, so that nothing else allocates while it counts.
#[test]
fn runs_stay_below_what_they_predicted() {
    let folder = folder();
    let options = |memory: u64| Options { memory: Some(memory << 20), threads: Some(2), overwrite: true, ..Options::default() };
    let path = folder.join("stack.tif");
    {
        let pixels = ndarray::Array3::from_shape_fn((48, 512, 512), |(z, y, x)| ((z * 31 + y * 7 + x * 13) % 4096) as u16);
        Array::from_ndarray(&pixels).with_axes("ZYX").save_with(&path, &options(512)).unwrap();
    }
    let x = Array::open(&path);
    let jobs: Vec<(&str, Array)> = vec![
        ("median.tif", x.median([1, 3, 3]).white_tophat([1, 15, 15])),
        ("gaussian.npy", x.gaussian(2.0)),
        ("mask.ome.zarr", (x.gaussian([2.0, 4.0, 4.0]) - x.mean()).gt(60)),
        ("mean.npy", x.mean_with(stackmill::ops::reduce::Mean { axis: 0.into(), keepdims: false })),
        ("cumsum.npy", x.cumsum(0)),
    ];
    for (name, array) in jobs {
        for memory in [48, 96, 256] {
            let target = folder.join(name);
            let session = match Session::save(&[(array.clone(), &target)], &options(memory)) {
                Ok(session) => session,
                Err(error) => {
                    assert!(error.to_string().contains("budget is"), "{name}: {error}");
                    println!("{name} under {memory} MiB: refused, {}", error.what());
                    continue;
                }
            };
            let before = LIVE.load(Relaxed);
            PEAK.store(before, Relaxed);
            session.run(&|_| Ok(())).unwrap();
            let (peak, predicted) = (PEAK.load(Relaxed) - before, session.plan().peak_bytes());
            println!("{name} under {memory} MiB: peak {peak}, predicted {predicted}");
            assert!(peak as u64 <= predicted + SLACK as u64, "{name} under {memory} MiB: peak {peak} > predicted {predicted}");
            assert!(predicted <= memory << 20);
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
