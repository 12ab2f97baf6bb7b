//! Planning: five ops with halos along three axes over a thousand, a million and a billion chunks, and what it allocates.
//! A plan costs ops, not chunks: the times and bytes of the three must be alike. Checked before it is timed.

use criterion::{Criterion, criterion_group, criterion_main};
use stackmill::grid::Dims;
use stackmill::plan::{Machine, Output, Plan, plan};
use stackmill::storage::{Identity, Info, Sink, Source};
use stackmill::{Array, Dtype, Error, Result};
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what is allocated now, and the most that was.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code, reason = "an allocator that counts")]
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

const UNIT: [usize; 3] = [16, 64, 64];

/// A stack that lies nowhere, in chunks.
struct Nowhere(Info);

impl Source for Nowhere {
    fn info(&self) -> &Info {
        &self.0
    }
    fn name(&self) -> String {
        "nowhere".to_owned()
    }
    fn unit(&self) -> Dims {
        Dims::from(UNIT)
    }
    fn stored_bytes(&self, _: &Dims) -> u64 {
        2 * UNIT.iter().product::<usize>() as u64
    }
    fn fetch(&self, _: &Dims) -> Result<Option<Vec<u8>>> {
        Err(Error::bug("nothing is read to plan"))
    }
    fn decode(&self, _: &Dims, _: Option<Vec<u8>>, _: &mut [u8]) -> Result<()> {
        Err(Error::bug("nothing is read to plan"))
    }
    fn fingerprint(&self) -> String {
        String::new()
    }
}

impl Sink for Nowhere {
    fn info(&self) -> &Info {
        &self.0
    }
    fn name(&self) -> String {
        "nowhere".to_owned()
    }
    fn unit(&self) -> Option<Dims> {
        Some(Dims::from(UNIT))
    }
    fn encoded_bytes(&self, region: &stackmill::grid::Region) -> u64 {
        region.shape.count() as u64
    }
    fn begin(&self, _: &Identity) -> Result<()> {
        Err(Error::bug("nothing is run"))
    }
    fn encode(&self, _: &stackmill::grid::Region, _: &[u8]) -> Result<Vec<u8>> {
        Err(Error::bug("nothing is run"))
    }
    fn write(&self, _: &stackmill::grid::Region, _: &[u8]) -> Result<Vec<u8>> {
        Err(Error::bug("nothing is run"))
    }
    fn finish(&self) -> Result<()> {
        Ok(())
    }
    fn abandon(&self) {}
}

/// Five ops over `side`³ chunks.
fn outputs(side: usize) -> Vec<Output> {
    let shape = Dims::from([side * UNIT[0], side * UNIT[1], side * UNIT[2]]);
    let x = Array::from_source(Arc::new(Nowhere(Info::new(shape, Dtype::U16))));
    let y = x.gaussian(1.5).median(3).white_tophat([3, 15, 15]).uniform(3).gt(60);
    let info = y.info().unwrap().clone();
    vec![Output { array: y, sink: Arc::new(Nowhere(info)) }]
}

fn planned(outputs: &[Output]) -> Plan {
    let machine = Machine {
        threads: 8,
        memory: 4 << 30,
        cache: 1 << 20,
        tile: None,
        device: "cpu".to_owned(),
        vram: 1 << 30,
        gpus: 1,
        verify: 0,
    };
    plan(outputs, &machine).unwrap()
}

fn planning(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan");
    group.sample_size(20);
    for (name, side) in [("10^3 chunks", 10), ("10^6 chunks", 100), ("10^9 chunks", 1000)] {
        let outputs = outputs(side);
        let held = NOW.load(Ordering::Relaxed);
        MOST.store(held, Ordering::Relaxed);
        let plan = planned(&outputs);
        let peak = MOST.load(Ordering::Relaxed) - held;
        let kept = NOW.load(Ordering::Relaxed) - held;
        let pass = &plan.passes[0];
        assert!(plan.passes.len() == 1 && plan.peak_bytes() <= 4 << 30 && pass.costs.read_factor() >= 1.0);
        let (tiles, factor) = (pass.sweep.tiles(), pass.costs.read_factor());
        println!(
            "{name}: {} KiB at most while planning, {} KiB kept, {tiles} tiles, read {factor:.2} times",
            peak >> 10,
            kept >> 10
        );
        group.bench_function(name, |b| b.iter(|| black_box(planned(&outputs))));
    }
}

criterion_group!(benches, planning);
criterion_main!(benches);
