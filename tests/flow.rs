//! The flow in virtual time and with the null device: no lock-up, the ledger never above its limit, each unit read once,
//! failures leave nothing that looks whole.

use stackmill::device::null::Null;
use stackmill::formats::memory::MemorySink;
use stackmill::graph::Array;
use stackmill::grid::{Dims, Region};
use stackmill::plan::{Machine, Output, Plan, plan};
use stackmill::run::virtual_time::{self, Servers};
use stackmill::run::{Flow, run};
use stackmill::storage::{Identity, Info, Sink, Source};
use stackmill::{Dtype, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A stack that holds nothing: units of zeros, reads counted.
struct Zeros {
    info: Info,
    unit: Dims,
    fetched: AtomicU64,
    fails: bool,
}

impl Zeros {
    fn new(shape: &[usize], dtype: Dtype, unit: &[usize]) -> Arc<Zeros> {
        let info = Info::new(Dims::from(shape), dtype);
        Arc::new(Zeros { info, unit: Dims::from(unit), fetched: AtomicU64::new(0), fails: false })
    }
}

impl Source for Zeros {
    fn info(&self) -> &Info {
        &self.info
    }
    fn name(&self) -> String {
        "zeros".into()
    }
    fn unit(&self) -> Dims {
        self.unit
    }
    fn stored_bytes(&self, _: &Dims) -> u64 {
        (self.unit.count() * self.info.dtype.size()) as u64
    }
    fn fetch(&self, _: &Dims) -> Result<Option<Vec<u8>>> {
        let number = self.fetched.fetch_add(1, Ordering::Relaxed);
        if self.fails && number == 5 {
            return Err(stackmill::Error::machine("the disk went away"));
        }
        Ok(None)
    }
    fn decode(&self, _: &Dims, _: Option<Vec<u8>>, out: &mut [u8]) -> Result<()> {
        out.fill(0);
        Ok(())
    }
    fn fingerprint(&self) -> String {
        "zeros".into()
    }
}

/// A sink with commit units that remembers how it ended.
struct Chunks {
    info: Info,
    unit: Dims,
    written: AtomicU64,
    finished: AtomicBool,
    abandoned: AtomicBool,
}

impl Chunks {
    fn of(array: &Array, unit: &[usize]) -> Arc<Chunks> {
        let info = array.info().unwrap().clone();
        let (finished, abandoned) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Chunks { info, unit: Dims::from(unit), written: AtomicU64::new(0), finished, abandoned })
    }
}

impl Sink for Chunks {
    fn info(&self) -> &Info {
        &self.info
    }
    fn name(&self) -> String {
        "chunks".into()
    }
    fn unit(&self) -> Option<Dims> {
        Some(self.unit)
    }
    fn encoded_bytes(&self, region: &Region) -> u64 {
        (region.shape.count() * self.info.dtype.size()) as u64
    }
    fn begin(&self, _: &Identity) -> Result<()> {
        Ok(())
    }
    fn encode(&self, region: &Region, decoded: &[u8]) -> Result<Vec<u8>> {
        assert_eq!(decoded.len(), region.shape.count() * self.info.dtype.size());
        Ok(decoded.to_vec())
    }
    fn write(&self, _: &Region, _: Vec<u8>) -> Result<()> {
        self.written.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    fn finish(&self) -> Result<()> {
        self.finished.store(true, Ordering::Relaxed);
        Ok(())
    }
    fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }
}

fn machine(memory: u64) -> Machine {
    Machine { threads: 2, memory, cache: 1 << 20, tile: None, device: "auto".into(), vram: 1 << 30, gpus: 1 }
}

/// The demo's two outputs over a stack of planes, as a TIFF stores it.
fn demo_plan(memory: u64) -> Plan {
    let source = Zeros::new(&[64, 1024, 1024], Dtype::U16, &[1, 512, 1024]);
    let x = Array::from_source(source).with_axes("ZYX");
    let f = x.median([1, 3, 3]).white_tophat([1, 15, 15]);
    let h = f.astype(Dtype::F32);
    let signal = h.gaussian([1.3, 2.0, 2.0]) - h.uniform([9, 21, 21]);
    let noise = (x.astype(Dtype::F32).uniform([1, 21, 21]) - 100).maximum(1).sqrt();
    let mask = signal.equal(signal.maximum_filter([3, 7, 7])) & signal.gt(noise * 0.5);
    let outputs = [
        Output { sink: Chunks::of(&mask, &[8, 512, 512]), array: mask },
        Output { sink: Chunks::of(&f, &[1, 1024, 1024]), array: f },
    ];
    plan(&outputs, &machine(memory)).unwrap()
}

fn sink_units(plan: &Plan, pass: usize) -> Vec<Option<Dims>> {
    let units = [Dims::from([8, 512, 512]), Dims::from([1, 1024, 1024])];
    plan.passes[pass].program.sinks.iter().map(|s| Some(units[s.output])).collect()
}

#[test]
fn the_demo_never_locks_up_in_fifty_virtual_runs() {
    for memory in [160u64 << 20, 256 << 20, 1 << 30] {
        let plan = demo_plan(memory);
        assert!(plan.peak_bytes() <= memory);
        for seed in 0..50 {
            for (number, pass) in plan.passes.iter().enumerate() {
                let mut flow = Flow::new(pass, sink_units(&plan, number)).unwrap();
                let report = virtual_time::run(&mut flow, Servers { readers: 2, workers: 2 }, seed).unwrap();
                assert!(report.peak <= pass.costs.ledger, "seed {seed}: {} > {}", report.peak, pass.costs.ledger);
                assert_eq!(report.launches as usize, pass.sweep.tiles());
                assert!(pass.costs.read_factor > 1.0 || report.reads == 128, "seed {seed}: {} reads", report.reads);
            }
        }
    }
}

#[test]
fn plans_cost_ops_not_chunks() {
    let started = std::time::Instant::now();
    let source = Zeros::new(&[1_000_000, 32_000, 32_000], Dtype::U16, &[1, 1000, 1000]);
    let y = Array::from_source(source.clone()).median([1, 3, 3]).gaussian(1.5).gt(60);
    let sink = Chunks::of(&y, &[1, 1000, 1000]);
    let plan = plan(&[Output { array: y, sink }], &machine(8 << 30)).unwrap();
    assert!(plan.passes[0].sweep.tiles() > 1000);
    assert_eq!(source.fetched.load(Ordering::Relaxed), 0, "planning reads nothing");
    assert!(started.elapsed().as_secs() < 5, "a billion units are planned by formula: {:?}", started.elapsed());
}

#[test]
fn threads_and_virtual_time_do_the_same_work() {
    let source = Zeros::new(&[20, 300, 200], Dtype::U16, &[1, 100, 200]);
    let y = Array::from_source(source.clone()).gaussian(2.0);
    let sink = Chunks::of(&y, &[4, 128, 128]);
    let outputs = [Output { array: y, sink: sink.clone() }];
    let plan = plan(&outputs, &machine(64 << 20)).unwrap();
    let device = Null::default();
    let summary = run(&plan, &outputs, &device, &Identity(String::new()), &|_| Ok(())).unwrap();
    assert_eq!(device.launches(), plan.passes[0].sweep.tiles());
    assert_eq!(source.fetched.load(Ordering::Relaxed), 60, "every unit is read once");
    assert_eq!(summary.passes[0].units_read, (60, 60));
    assert_eq!(sink.written.load(Ordering::Relaxed), 5 * 3 * 2);
    assert!(sink.finished.load(Ordering::Relaxed) && !sink.abandoned.load(Ordering::Relaxed));
    assert!(summary.passes[0].ledger_peak <= plan.passes[0].costs.ledger);
}

#[test]
fn a_failure_anywhere_gives_up_the_output() {
    let make = |fails: bool| {
        let info = Info::new(Dims::from([20, 300, 200]), Dtype::U16);
        let source = Zeros { info, unit: Dims::from([1, 100, 200]), fetched: AtomicU64::new(0), fails };
        let y = Array::from_source(Arc::new(source)).median(3) - 1;
        let sink = Chunks::of(&y, &[4, 128, 128]);
        let outputs = vec![Output { array: y, sink: sink.clone() }];
        (plan(&outputs, &Machine { tile: Some(vec![4, 128, 128]), ..machine(64 << 20) }).unwrap(), outputs, sink)
    };
    for launch in [0, 1, 7, 29] {
        let (plan, outputs, sink) = make(false);
        let error = run(&plan, &outputs, &Null::failing_at(launch), &Identity(String::new()), &|_| Ok(())).unwrap_err();
        assert!(error.to_string().contains(&format!("failed at launch {launch}")), "{error}");
        assert!(sink.abandoned.load(Ordering::Relaxed) && !sink.finished.load(Ordering::Relaxed));
    }
    let (plan, outputs, sink) = make(true);
    let error = run(&plan, &outputs, &Null::default(), &Identity(String::new()), &|_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("the disk went away"), "{error}");
    assert!(sink.abandoned.load(Ordering::Relaxed));
}

#[test]
fn whoever_observes_a_run_may_stop_it() {
    let source = Zeros::new(&[20, 300, 200], Dtype::U16, &[1, 100, 200]);
    let y = Array::from_source(source).median(3);
    let sink = Chunks::of(&y, &[4, 128, 128]);
    let outputs = [Output { array: y, sink: sink.clone() }];
    let plan = plan(&outputs, &Machine { tile: Some(vec![4, 128, 128]), ..machine(64 << 20) }).unwrap();
    let seen = AtomicU64::new(0);
    let stop = |_: &stackmill::run::Progress| match seen.fetch_add(1, Ordering::Relaxed) {
        9 => Err(stackmill::Error::caller("enough")),
        _ => Ok(()),
    };
    let error = run(&plan, &outputs, &Null::default(), &Identity(String::new()), &stop).unwrap_err();
    assert_eq!(error.what(), "enough");
    assert_eq!(seen.load(Ordering::Relaxed), 10, "nobody is asked after a stop");
    assert!(sink.abandoned.load(Ordering::Relaxed) && !sink.finished.load(Ordering::Relaxed));
}

#[test]
fn a_budget_that_is_too_small_is_refused_before_the_first_byte() {
    let source = Zeros::new(&[64, 4096, 4096], Dtype::F32, &[1, 4096, 4096]);
    let y = Array::from_source(source.clone()).gaussian(2.0);
    let sink = Chunks::of(&y, &[1, 4096, 4096]);
    let error = plan(&[Output { array: y, sink }], &machine(32 << 20)).err().expect("64 MiB planes do not fit 32 MiB");
    assert!(error.to_string().contains("budget is 32 MiB"), "{error}");
    assert!(error.to_string().contains("hint: raise memory"), "{error}");
    assert_eq!(source.fetched.load(Ordering::Relaxed), 0);
}

#[test]
fn results_of_compute_count_in_the_budget() {
    let x = Array::from_source(Zeros::new(&[64, 512, 512], Dtype::U16, &[1, 512, 512]));
    let held =
        plan(&[Output { sink: Arc::new(MemorySink::new(x.info().unwrap().clone())), array: x.clone() }], &machine(1 << 30))
            .unwrap();
    assert!(held.peak_bytes() > 32 << 20);
}
