//! Runs on a CPU and on a GPU, and how their results are compared. It does not know which pipelines are run.

use stackmill::device::gpu::{Faults, Gpu, Wish, report};
use stackmill::dtype::{Dtype, Number, get};
use stackmill::formats::memory::MemorySink;
use stackmill::graph::Array;
use stackmill::language::evaluate;
use stackmill::plan::{Output, Plan};
use stackmill::run::Summary;
use stackmill::session::{Options, Session};
use stackmill::storage::Info;
use stackmill::tile::Tile;
use std::sync::{Arc, Once, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Whoever loses the device on purpose is alone with it: all tests of this process share it.
static DEVICE: RwLock<()> = RwLock::new(());

/// The device's name, once it is known that there is one. Without it the tests fail; they are never skipped.
pub fn driver() -> String {
    static LOOKED: Once = Once::new();
    let name = std::env::var("STACKMILL_GPU").unwrap_or_else(|_| "llvmpipe".to_owned());
    LOOKED.call_once(|| {
        let found: Vec<String> = report().into_iter().map(|[name, _]| name).filter(|name| !name.is_empty()).collect();
        assert!(
            found.iter().any(|f| f.to_lowercase().contains(&name.to_lowercase())),
            "no device '{name}' to test with, found {found:?}. Debian: apt-get install mesa-vulkan-drivers libvulkan1, then \
             VK_ICD_FILENAMES=/usr/share/vulkan/icd.d/lvp_icd.x86_64.json XDG_RUNTIME_DIR=/tmp cargo test; another device: \
             STACKMILL_GPU"
        );
    });
    name
}

pub fn sharing() -> RwLockReadGuard<'static, ()> {
    DEVICE.read().unwrap_or_else(PoisonError::into_inner)
}

pub fn alone() -> RwLockWriteGuard<'static, ()> {
    DEVICE.write().unwrap_or_else(PoisonError::into_inner)
}

pub fn options(device: &str, tile: Option<&[usize]>) -> Options {
    let tile = tile.map(<[usize]>::to_vec);
    Options { memory: Some(512 << 20), threads: Some(2), tile, device: device.to_owned(), ..Options::default() }
}

pub fn pipeline(text: &str, input: &Array, others: &[(String, Array)]) -> Array {
    evaluate(text, input, others).unwrap_or_else(|e| panic!("{text}: {e}")).result
}

/// What a session made of its outputs.
pub struct Made {
    pub tiles: Vec<Tile>,
    pub summary: Summary,
    /// The most bytes of device memory; 0 where the session opened its own device.
    pub peak: u64,
    /// The same as the graphics library counts it.
    pub counted: u64,
    /// Steps at which a failure can be ordered.
    pub steps: usize,
    pub submissions: usize,
    /// Blocks that each adapter made.
    pub blocks: Vec<usize>,
}

impl Made {
    pub fn notices(&self) -> Vec<&str> {
        self.summary.passes.iter().flat_map(|p| &p.notices).map(String::as_str).collect()
    }
}

/// A GPU for a plan: its slots and device memory are the plan's.
fn opened(plan: &Plan, faults: Faults) -> Gpu {
    let slots = plan.passes.iter().filter_map(|p| p.gpu.as_ref()).map(|g| g.slots).max().unwrap_or(1);
    opened_with(plan.machine.vram, slots, faults)
}

pub fn opened_with(vram: u64, slots: usize, faults: Faults) -> Gpu {
    opened_as(Wish { name: driver(), vram, faults, ..Wish::default() }, slots)
}

pub fn opened_as(wish: Wish, slots: usize) -> Gpu {
    let vram = wish.vram;
    Gpu::open(wish, slots).unwrap_or_else(|e| panic!("a GPU with {vram} bytes: {e}"))
}

/// Runs outputs together, on a device of their own where failures are ordered.
pub fn run(words: &str, outputs: &[Array], options: &Options, faults: Option<Faults>) -> Made {
    run_with(words, outputs, options, faults.map(|faults| move |plan: &Plan| opened(plan, faults)))
}

/// Runs outputs together, on the device that `open` gives or else on the session's own.
pub fn run_with(words: &str, outputs: &[Array], options: &Options, open: Option<impl FnOnce(&Plan) -> Gpu>) -> Made {
    let fail = |e: stackmill::Error| -> ! { panic!("{words} on {}: {e}", options.device) };
    let infos: Vec<Info> = outputs.iter().map(|a| a.info().unwrap_or_else(|e| fail(e.clone())).clone()).collect();
    let sinks: Vec<Arc<MemorySink>> = infos.iter().map(|info| Arc::new(MemorySink::new(info.clone()))).collect();
    let pairs = outputs.iter().zip(&sinks).map(|(array, sink)| Output { array: array.clone(), sink: sink.clone() });
    let session = Session::new(pairs.collect(), options).unwrap_or_else(|e| fail(e));
    let gpu = open.map(|open| open(session.plan()));
    let summary = match &gpu {
        None => session.run(&|_| Ok(())),
        Some(gpu) => session.run_on(gpu, &|_| Ok(())),
    };
    let summary = summary.unwrap_or_else(|e| panic!("{words} on {}: {e}\n{}", options.device, session.explain()));
    let instead = summary.passes.iter().flat_map(|pass| &pass.notices).find(|notice| notice.contains("the CPU runs"));
    assert!(instead.is_none(), "{words} was to run on {}: {instead:?}", options.device);
    let (peak, counted) = gpu.as_ref().map_or((0, 0), |gpu| (gpu.peak_bytes(), gpu.counted_peak_bytes()));
    let (steps, submissions) = gpu.as_ref().map_or((0, 0), |gpu| (gpu.steps(), gpu.submissions()));
    let blocks = gpu.as_ref().map(|gpu| gpu.blocks()).unwrap_or_default();
    let tile = |(info, sink): (&Info, &Arc<MemorySink>)| {
        let data = sink.take().unwrap_or_else(|e| fail(e));
        Tile { dtype: info.dtype, shape: info.shape, data }
    };
    Made { tiles: infos.iter().zip(&sinks).map(tile).collect(), summary, peak, counted, steps, submissions, blocks }
}

/// The plan of an array.
pub fn planned(words: &str, array: &Array, options: &Options) -> Session {
    let sink = Arc::new(MemorySink::new(array.info().unwrap_or_else(|e| panic!("{words}: {e}")).clone()));
    let output = Output { array: array.clone(), sink };
    Session::new(vec![output], options).unwrap_or_else(|e| panic!("{words}: {e}"))
}

/// Whether every step on the GPU has the CPU's bits on any device.
pub fn is_exact(plan: &Plan) -> bool {
    plan.passes.iter().filter_map(|p| p.gpu.as_ref()).all(|gpu| gpu.sharing.exact)
}

/// How many steps of a plan run on a GPU, and how many stay on the CPU.
pub fn shares(plan: &Plan) -> (usize, usize) {
    let on_gpu = |pass: &stackmill::plan::Pass| {
        pass.gpu.as_ref().map_or(0, |gpu| gpu.sharing.refusals.iter().filter(|why| why.is_none()).count())
    };
    let all: usize = plan.passes.iter().map(|p| p.program.steps.len()).sum();
    let gpu: usize = plan.passes.iter().map(on_gpu).sum();
    (gpu, all - gpu)
}

fn number(tile: &Tile, k: usize) -> Number {
    get(tile.dtype, &tile.data.bytes()[k * tile.dtype.size()..])
}

fn assert_alike(words: &str, cpu: &Tile, gpu: &Tile) {
    assert!(
        cpu.dtype == gpu.dtype && cpu.shape == gpu.shape,
        "{words}: {} {} and {} {}",
        cpu.dtype,
        cpu.shape,
        gpu.dtype,
        gpu.shape
    );
}

/// The same bits; NaN has many, and all of them are one.
pub fn assert_same(words: &str, cpu: &Tile, gpu: &Tile) {
    assert_alike(words, cpu, gpu);
    if cpu.data.bytes() == gpu.data.bytes() {
        return;
    }
    let size = cpu.dtype.size();
    let (a, b) = (cpu.data.bytes().chunks_exact(size), gpu.data.bytes().chunks_exact(size));
    let differs = |k: &usize, pair: (&[u8], &[u8])| {
        pair.0 != pair.1 && !(number(cpu, *k).to_f64().is_nan() && number(gpu, *k).to_f64().is_nan())
    };
    let all: Vec<usize> = a.zip(b).enumerate().filter(|(k, pair)| differs(k, *pair)).map(|(k, _)| k).collect();
    if let Some(at) = all.first() {
        let (place, count) = (cpu.shape.index_of(*at), all.len());
        panic!(
            "{words}: {count} elements differ, first at {place}: {} on the CPU, {} on the GPU",
            number(cpu, *at),
            number(gpu, *at)
        );
    }
}

/// Float work: floats within `relative` of the element, or of a thousandth of the largest element where sums cancel;
/// integers that it ends in differ by 1 at most, where the exact value lies near a tie.
pub fn assert_near(words: &str, cpu: &Tile, gpu: &Tile, relative: f64) {
    assert_alike(words, cpu, gpu);
    let count = cpu.shape.count();
    let values = |tile: &Tile| -> Vec<f64> { (0..count).map(|k| number(tile, k).to_f64()).collect() };
    let (a, b) = (values(cpu), values(gpu));
    let largest = a.iter().copied().filter(|v| v.is_finite()).fold(0.0, |most: f64, v| most.max(v.abs()));
    let differ = (0..count).filter(|k| a[*k] != b[*k]).count();
    let whole = !cpu.dtype.is_float();
    assert!(!whole || differ <= count / 1000, "{words}: {differ} of {count} integers differ");
    for k in 0..count {
        let same = a[k] == b[k] || a[k].is_nan() && b[k].is_nan();
        let allowed = if whole { 1.0 } else { relative * a[k].abs().max(largest / 1000.0) };
        let near = cpu.dtype != Dtype::Bool && (a[k] - b[k]).abs() <= allowed;
        let place = cpu.shape.index_of(k);
        assert!(same || near, "{words}: at {place}: {} on the CPU, {} on the GPU, {allowed} is allowed", a[k], b[k]);
    }
}
