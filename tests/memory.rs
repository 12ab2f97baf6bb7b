//! The memory contract: what a run allocates at its peak is no more than its plan predicted, and not much less; resident memory
//! grows by little more; refusals are few. `cargo test --test memory -- --nocapture` prints the figures.

#[path = "memory/jobs.rs"]
mod jobs;
mod rig;

use jobs::{Chance, Job, Made};
use stackmill::device::cpu::Cpu;
use stackmill::plan::{Output, plan, process_bytes};
use stackmill::{Array, Dtype, Options, Session};
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
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Large ones move by their page tables: both are never there at once.
        if size > layout.size() {
            PEAK.fetch_max(LIVE.fetch_add(size - layout.size(), Relaxed) + size - layout.size(), Relaxed);
        } else {
            LIVE.fetch_sub(layout.size() - size, Relaxed);
        }
        // SAFETY: the caller's promise about `pointer`, `layout` and `size` is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise about `pointer` is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Small things that plans count to the process itself: messages, maps, thread stacks' books.
const SLACK: usize = 2 << 20;

/// What of a prediction is not the process itself.
fn of_the_run(predicted: u64) -> u64 {
    predicted - process_bytes(2)
}

fn folder() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("stackmill-memory-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// One test, so that nothing else allocates while it counts.
#[test]
fn runs_stay_below_what_they_predicted() {
    let folder = folder();
    files();
    matrix();
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Budgets of the matrix.
const BUDGETS: [u64; 3] = [64 << 20, 256 << 20, 1 << 30];
/// What resident memory may grow beyond the prediction: the allocator's own, threads' stacks, code that is touched first.
const RESIDENT: u64 = 32 << 20;
/// Predictions from here on must be near.
const LARGE: u64 = 64 << 20;

/// What the matrix found.
#[derive(Default)]
struct Found {
    runs: usize,
    /// Plans that are those of a smaller budget.
    again: usize,
    refused: [usize; 3],
    /// Predicted over allocated, of predictions above [`LARGE`].
    near: Vec<(f64, String)>,
    growth: i64,
}

/// Every op and 200 random pipelines under each budget.
fn matrix() {
    let x = Made::array([40, 384, 512], Dtype::U16, [8, 128, 128]);
    let mut jobs = jobs::every_op(&x);
    let mut chance = Chance(1);
    for _ in 0..200 {
        let (words, x) = jobs::stack(&mut chance);
        let Job { name, array, sink } = jobs::pipeline(&mut chance, &x);
        jobs.push(Job { name: format!("{words}: {name}"), array, sink });
    }
    // A part of a job's name, to look at it alone.
    let wanted = std::env::var("STACKMILL_JOB").unwrap_or_default();
    jobs.retain(|job| job.name.contains(&wanted));
    let mut found = Found { growth: i64::MIN, ..Found::default() };
    for job in &jobs {
        let mut last = String::new();
        for (number, budget) in BUDGETS.into_iter().enumerate() {
            held_to_its_word(job, (number, budget), 0, &mut last, &mut found);
        }
    }
    for job in jobs.iter().step_by(13) {
        held_to_its_word(job, (1, BUDGETS[1]), 3, &mut String::new(), &mut found);
    }
    found.near.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (ratio, words) in &found.near {
        println!("{ratio:.2} {words}");
    }
    let within = found.near.iter().filter(|(ratio, _)| *ratio <= 1.5).count();
    println!(
        "{} jobs: {} runs, {} plans as under the budget before, refused {:?} of {BUDGETS:?}; {} predictions above 64 MiB, {within} of them within 1.5 times what was \
         allocated (median {:.2}, most {:?}); resident at most {} KiB beyond the prediction",
        jobs.len(),
        found.runs,
        found.again,
        found.refused,
        found.near.len(),
        found.near.get(found.near.len() / 2).map_or(0.0, |n| n.0),
        found.near.last(),
        found.growth >> 10
    );
    assert!(10 * within >= 9 * found.near.len(), "{within} of {} predictions are near", found.near.len());
    assert!(10 * found.refused[1] <= jobs.len(), "{} of {} are refused under 256 MiB", found.refused[1], jobs.len());
}

fn held_to_its_word(job: &Job, (number, budget): (usize, u64), verify: usize, last: &mut String, found: &mut Found) {
    let words = format!("{} under {} MiB", job.name, budget >> 20);
    let array = &job.array;
    let info = array.info().unwrap_or_else(|e| panic!("{words}: {e}"));
    let unit: Vec<usize> = info.shape.iter().map(|n| (*n).clamp(1, 128)).collect();
    let small: Vec<usize> = unit.iter().map(|n| if n.is_multiple_of(64) { 64 } else { *n }).collect();
    let options = Options { memory: Some(budget), threads: Some(2), overwrite: true, verify, ..Options::default() };
    let (name, options) = match job.sink {
        0 => ("chunks.zarr", Options { chunks: Some(unit), ..options }),
        1 => ("all.npy", options),
        2 => ("strips.tif", options),
        _ => ("shards.zarr", Options { chunks: Some(small), shards: Some(unit), ..options }),
    };
    let words = format!("{words} to {name}");
    let sink = stackmill::formats::create(&folder().join(name), info, options.writing().unwrap());
    let outputs = [Output { array: array.clone(), sink: sink.unwrap_or_else(|e| panic!("{words}: {e}")).into() }];
    let planned = match plan(&outputs, &options.machine()) {
        Ok(planned) => planned,
        Err(error) => {
            assert!(error.to_string().contains("budget is"), "{words}: {error}");
            found.refused[number] += 1;
            return;
        }
    };
    // A larger budget that makes no other plan makes no other run.
    let text: String = stackmill::plan::explain(&planned).split_inclusive('\n').skip(1).collect();
    if std::mem::replace(last, text.clone()) == text {
        found.again += 1;
        return;
    }
    let (before, predicted) = (LIVE.load(Relaxed), planned.peak_bytes());
    PEAK.store(before, Relaxed);
    let device = Cpu::default();
    let summary = rig::play(&planned, &outputs, &device, &|_| Ok(())).unwrap_or_else(|e| panic!("{words}: {e}"));
    let peak = (PEAK.load(Relaxed) - before) as u64;
    let words = format!("{words} ({})", shares(&planned, &summary));
    found.runs += 1;
    assert!(predicted <= budget, "{words}: {predicted} predicted");
    let of_the_run = of_the_run(predicted);
    assert!(peak <= of_the_run + SLACK as u64, "{words}: {peak} allocated, {of_the_run} predicted");
    if of_the_run > LARGE && verify == 0 {
        found.near.push((of_the_run as f64 / peak as f64, words.clone()));
    }
    if let Some(grown) = summary.measured_bytes {
        found.growth = found.growth.max(grown as i64 - predicted as i64);
        assert!(grown <= predicted + RESIDENT, "{words}: resident memory grew {grown}, {predicted} predicted");
    }
}

/// Where the largest pass says that its bytes go, and what was found.
fn shares(plan: &stackmill::plan::Plan, summary: &stackmill::run::Summary) -> String {
    let mut passes = plan.passes.iter().zip(&summary.passes).collect::<Vec<_>>();
    passes.sort_by_key(|(pass, _)| pass.costs.predicted);
    let Some((pass, report)) = passes.last() else { return String::new() };
    let costs = &pass.costs;
    let mib = |bytes: u64| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
    format!(
        "{} tiles of {}, units {} of {} + {} results of {}, ledger {} of {}, reading {}, writing {}, scratch {}, fixed {}",
        pass.sweep.tiles(),
        pass.sweep.grid.unit,
        mib(costs.units),
        costs.ahead,
        costs.behind,
        mib(costs.tile_out),
        mib(report.ledger_peak),
        mib(costs.ledger),
        mib(costs.reading.1),
        mib(costs.writing.1),
        mib(costs.scratch),
        mib(costs.fixed)
    )
}

/// Sources and sinks that are files.
fn files() {
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
        ("turned.npy", x.transpose(&[2, 0, 1])),
        ("shared.npy", {
            let slow = x.median([3, 5, 5]);
            &slow - slow.mean()
        }),
        ("normal.zarr", &x / x.std_with(stackmill::ops::reduce::Std { axis: 0.into(), ..Default::default() })),
    ];
    let mut stored = 0;
    for (name, array) in jobs {
        for memory in [16, 24, 32, 48, 96, 256] {
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
            assert!(session.plan().peak_bytes() <= memory << 20);
            let (peak, predicted) = (PEAK.load(Relaxed) - before, of_the_run(session.plan().peak_bytes()));
            let scratch = session.plan().stored.len();
            println!("{name} under {memory} MiB: peak {peak}, predicted {predicted}, {scratch} arrays stored");
            assert!(peak as u64 <= predicted + SLACK as u64, "{name} under {memory} MiB: peak {peak} > predicted {predicted}");
            stored += session.plan().stored.len();
        }
    }
    // Running sums, a transpose, what two passes make: arrays in scratch count like any other.
    assert!(stored >= 6, "{stored} arrays were stored");
}
