//! Deciding: how many steps of tiles through lanes the flow takes a second on one core, every piece of work done at once, and
//! what it allocates over ten million tiles. The counts of reads, tiles and writes are checked first.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stackmill::grid::{Dims, Region};
use stackmill::plan::{Machine, Output, Plan, plan};
use stackmill::run::{Flow, Setup, sink_units, virtual_time};
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

const UNIT: [usize; 3] = [8, 64, 64];

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
        Err(Error::bug("nothing is read"))
    }
    fn decode(&self, _: &Dims, _: Option<Vec<u8>>, _: &mut [u8]) -> Result<()> {
        Err(Error::bug("nothing is read"))
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
    fn encoded_bytes(&self, region: &Region) -> u64 {
        region.shape.count() as u64
    }
    fn begin(&self, _: &Identity) -> Result<()> {
        Ok(())
    }
    fn encode(&self, _: &Region, _: &[u8]) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
    fn write(&self, _: &Region, _: &[u8]) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
    fn finish(&self) -> Result<()> {
        Ok(())
    }
    fn abandon(&self) {}
}

/// An elementwise or a filtered stack of `tiles` chunks, a tile each.
fn planned(tiles: [usize; 3], filtered: bool) -> (Plan, Vec<Output>) {
    let shape: Dims = (0..3).map(|axis| tiles[axis] * UNIT[axis]).collect();
    let x = Array::from_source(Arc::new(Nowhere(Info::new(shape, Dtype::U16))));
    let y = if filtered { x.gaussian(1.0) } else { x.gt(60) };
    let outputs = vec![Output { sink: Arc::new(Nowhere(y.info().unwrap().clone())), array: y }];
    let device = "cpu".to_owned();
    let machine = Machine {
        threads: 2,
        memory: 64 << 30,
        cache: 1 << 20,
        tile: Some(UNIT.to_vec()),
        device,
        vram: 1 << 30,
        gpus: 1,
        verify: 0,
    };
    (plan(&outputs, &machine).unwrap(), outputs)
}

fn played((plan, outputs): &(Plan, Vec<Output>)) -> u64 {
    let pass = &plan.passes[0];
    let setup = Setup { units: sink_units(pass, outputs), ..Setup::default() };
    let mut flow = Flow::new(pass, setup).unwrap();
    let steps = virtual_time::at_once(&mut flow).unwrap();
    let tiles = pass.sweep.tiles() as u64;
    assert_eq!(flow.reads(), tiles, "every unit is read once");
    assert_eq!(steps, 1 + 5 * tiles, "read, decode, compute, encode, write");
    steps
}

fn deciding(c: &mut Criterion) {
    let mut group = c.benchmark_group("flow");
    group.sample_size(10);
    for (name, filtered) in [("a tile a unit", false), ("units shared by 27 tiles", true)] {
        let work = planned([50, 50, 40], filtered);
        group.throughput(Throughput::Elements(played(&work)));
        group.bench_function(name, |b| b.iter(|| black_box(played(&work))));
    }
    group.finish();
    for tiles in [[10, 100, 100], [100, 100, 100], [250, 200, 200]] {
        let work = planned(tiles, false);
        let held = NOW.load(Ordering::Relaxed);
        MOST.store(held, Ordering::Relaxed);
        let started = std::time::Instant::now();
        let steps = played(&work);
        let (seconds, most) = (started.elapsed().as_secs_f64(), MOST.load(Ordering::Relaxed) - held);
        let count = tiles.iter().product::<usize>();
        println!(
            "{count} tiles: {:.2} million steps a second, at most {} KiB allocated",
            steps as f64 / seconds / 1e6,
            most >> 10
        );
    }
}

criterion_group!(benches, deciding);
criterion_main!(benches);
