//! The flow in virtual time and with the null device: no lock-up, the ledger never above its limit, each unit read once,
//! failures leave nothing that looks whole.

mod rig;

use rig::{Chunks, Fault, Zeros, flow, machine, play};
use stackmill::Dtype;
use stackmill::device::cpu::Cpu;
use stackmill::device::null::Null;
use stackmill::formats::memory::MemorySink;
use stackmill::graph::Array;
use stackmill::grid::{Dims, Edge, Region};
use stackmill::ops::smooth::Gaussian;
use stackmill::plan::{Machine, Output, Plan, plan, process_bytes};
use stackmill::run::virtual_time::{self, Script, Servers, Spread};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The demo's two outputs over a stack of planes, as a TIFF stores it.
fn demo_plan(memory: u64) -> (Plan, [Output; 2]) {
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
    (plan(&outputs, &machine(memory)).unwrap(), outputs)
}

#[test]
fn the_demo_never_locks_up_in_fifty_virtual_runs() {
    for memory in [160u64 << 20, 256 << 20, 1 << 30] {
        let (plan, outputs) = demo_plan(memory);
        assert!(plan.peak_bytes() <= memory);
        for seed in 0..50 {
            for (number, pass) in plan.passes.iter().enumerate() {
                let mut flow = flow(&plan, &outputs, number);
                let report = virtual_time::run(&mut flow, &Script::usual(Servers { readers: 2, workers: 2 }, seed)).unwrap();
                assert!(report.peak <= pass.costs.ledger, "seed {seed}: {} > {}", report.peak, pass.costs.ledger);
                assert_eq!(report.launches as usize, pass.sweep.tiles());
                assert!(pass.costs.read_factor() > 1.0 || report.reads == 128, "seed {seed}: {} reads", report.reads);
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
    let summary = play(&plan, &outputs, &device, &|_| Ok(())).unwrap();
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
        let reading = Fault { at: fails.then_some(5), times: u64::MAX, ..Fault::default() };
        let source = Zeros::failing(&[20, 300, 200], Dtype::U16, &[1, 100, 200], reading, Fault::default());
        let y = Array::from_source(Arc::new(source)).median(3) - 1;
        let sink = Chunks::of(&y, &[4, 128, 128]);
        let outputs = vec![Output { array: y, sink: sink.clone() }];
        (plan(&outputs, &Machine { tile: Some(vec![4, 128, 128]), ..machine(64 << 20) }).unwrap(), outputs, sink)
    };
    for launch in [0, 1, 7, 29] {
        let (plan, outputs, sink) = make(false);
        let error = play(&plan, &outputs, &Null::failing_at(launch), &|_| Ok(())).unwrap_err();
        assert!(error.to_string().contains(&format!("failed at launch {launch}")), "{error}");
        assert!(sink.abandoned.load(Ordering::Relaxed) && !sink.finished.load(Ordering::Relaxed));
    }
    let (plan, outputs, sink) = make(true);
    let error = play(&plan, &outputs, &Null::default(), &|_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("the disk failed at 5"), "{error}");
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
    let error = play(&plan, &outputs, &Null::default(), &stop).unwrap_err();
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

/// A pipeline over a stack in chunks and where its result would go.
fn chunked(shape: &[usize], unit: &[usize], make: impl Fn(&Array) -> Array) -> [Output; 1] {
    let x = Array::from_source(Zeros::new(shape, Dtype::U16, unit));
    let y = make(&x);
    [Output { sink: Chunks::of(&y, unit), array: y }]
}

#[test]
fn lanes_overlap_so_that_the_slowest_sets_the_pace() {
    let servers = Servers { readers: 2, workers: 2 };
    let outputs = chunked(&[600, 64, 64], &[1, 64, 64], |x| x.median([3, 3, 3]));
    let plan = plan(&outputs, &Machine { tile: Some(vec![1, 64, 64]), ..machine(64 << 20) }).unwrap();
    assert_eq!(plan.passes[0].sweep.tiles(), 600);
    let mut worst = (0.0f64, 0);
    for seed in 0..1000 {
        // Means from 1:1 to 1:4, drawn by the seed.
        let means = std::array::from_fn(|lane| 1000 + (seed * 2_654_435_761 + lane as u64 * 40_503_971).rotate_left(17) % 3001);
        let script = Script { means, spread: Spread::Half, ..Script::usual(servers, seed) };
        let mut flow = flow(&plan, &outputs, 0);
        let report = virtual_time::run(&mut flow, &script).unwrap();
        let [read, decode, compute, encode, write] = report.busy;
        let slowest = (read / 2).max((decode + compute + encode) / 2).max(write);
        let ratio = report.makespan as f64 / slowest as f64;
        assert!(ratio <= 1.15, "seed {seed}, means {means:?}: {} for {slowest}, {ratio:.3} times", report.makespan);
        worst = if ratio > worst.0 { (ratio, seed) } else { worst };
    }
    println!("1000 seeds: at most {:.3} times the slowest lane (seed {})", worst.0, worst.1);
}

/// What is made of a stack.
type Make = fn(&Array) -> Array;

#[test]
fn units_are_read_as_often_as_the_plan_says() {
    let (shape, unit) = ([96, 1024, 1024], [16, 256, 256]);
    let jobs: [(&str, Make); 5] = [
        ("gaussian", |x| x.gaussian(2.0)),
        ("wrap", |x| x.gaussian_with(2.0, Gaussian { mode: Edge::Wrap, ..Gaussian::default() })),
        ("flipped", |x| x.flip().uniform([5, 1, 9])),
        ("both ways", |x| x + x.flip()),
        ("along z", |x| x.median([9, 1, 1])),
    ];
    for (name, make) in jobs {
        let outputs = chunked(&shape, &unit, make);
        let mut once = 0;
        for memory in [48u64 << 20, 64 << 20, 96 << 20, 160 << 20, 320 << 20, 1 << 30] {
            let planned = match plan(&outputs, &machine(memory)) {
                Ok(planned) => planned,
                Err(error) => {
                    println!("{name} under {} MiB: {}", memory >> 20, error.what());
                    continue;
                }
            };
            let costs = &planned.passes[0].costs;
            let mut flow = flow(&planned, &outputs, 0);
            virtual_time::at_once(&mut flow).unwrap();
            let measured = flow.reads() as f64 / costs.reads.distinct as f64;
            let stated = costs.read_factor();
            println!(
                "{name} under {} MiB: {stated:.3} stated, {measured:.3} measured, held {} of {}",
                memory >> 20,
                flow.ledger().peak() >> 20,
                costs.ledger >> 20
            );
            assert!(measured <= 1.01 * stated, "{name} under {} MiB: {measured} for {stated}", memory >> 20);
            // Where an edge wraps, the first tile of a row finds units of the last one of the row before: fewer reads than stated.
            let is_exact = !matches!(name, "wrap" | "both ways");
            assert!(!is_exact || measured >= 0.99 * stated, "{name} under {} MiB: {measured} for {stated}", memory >> 20);
            assert!(stated > 1.0 || flow.reads() == 6 * 16, "{name}: {} reads", flow.reads());
            once += usize::from(stated == 1.0);
        }
        assert!(once > 0, "{name} is never read once");
    }
}

#[test]
fn what_was_written_before_is_passed_over() {
    let outputs = chunked(&[40, 128, 128], &[4, 64, 64], |x| x.gaussian(1.0));
    let plans = [[4, 64, 64], [8, 128, 64], [16, 64, 128]].map(|tile| {
        let machine = Machine { tile: Some(tile.to_vec()), ..machine(64 << 20) };
        plan(&outputs, &machine).unwrap()
    });
    let grid = stackmill::grid::Grid::new(Dims::from([40, 128, 128]), Dims::from([4, 64, 64]));
    let units: Vec<Region> = stackmill::grid::indices(Region::whole(grid.counts())).map(|index| grid.region(&index)).collect();
    for plan in &plans {
        for keep in [1usize, 2, 3, 7, 40] {
            let done: Vec<Region> = units.iter().copied().enumerate().filter(|(k, _)| k % keep != 0).map(|(_, r)| r).collect();
            let missing = units.len() - done.len();
            let mut flow = rig::flow_after(plan, &outputs, 0, vec![stackmill::run::Done::of(done)]);
            let script = Script::usual(Servers { readers: 2, workers: 2 }, keep as u64);
            let report = virtual_time::run(&mut flow, &script).unwrap();
            assert_eq!(report.writes as usize, missing, "one in {keep}");
            assert!(report.launches as usize <= missing);
            assert_eq!(report.launches as usize + flow.passed_over(), plan.passes[0].sweep.tiles());
        }
        // A hole that goes through the whole stack: what lies on its two sides does not make it whole.
        let done: Vec<Region> = units.iter().copied().filter(|unit| !(12..24).contains(&unit.start[0])).collect();
        let mut flow = rig::flow_after(plan, &outputs, 0, vec![stackmill::run::Done::of(done)]);
        let report = virtual_time::run(&mut flow, &Script::usual(Servers { readers: 2, workers: 2 }, 0)).unwrap();
        assert_eq!(report.writes, 12);
        let mut flow = rig::flow_after(plan, &outputs, 0, vec![stackmill::run::Done::of(units.clone())]);
        assert_eq!(virtual_time::at_once(&mut flow).unwrap(), 1, "nothing is left to do");
    }
}

/// Whatever tiles and units are, what the plan says is held suffices, and is no more than a few times too much.
#[test]
fn what_is_held_is_foreseen_for_any_tiles_and_units() {
    let mut state = 7u64;
    let mut below = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let mut over = Vec::new();
    for case in 0..400 {
        let shape: Vec<usize> = (0..3).map(|_| 1 + below(40)).collect();
        let unit: Vec<usize> = shape.iter().map(|n| 1 + below(*n)).collect();
        let tile: Vec<usize> = shape.iter().map(|n| 1 + below(*n)).collect();
        let x = Array::from_source(Zeros::new(&shape, Dtype::U16, &unit));
        let size: Vec<i64> = (0..3).map(|_| 1 + 2 * below(8) as i64).collect();
        let y = match below(5) {
            0 => x.uniform([size[0], size[1], size[2]]),
            1 => x.uniform([size[0], size[1], size[2]]).flip(),
            2 => x.gaussian_with(1.0, Gaussian { mode: Edge::Wrap, ..Gaussian::default() }),
            3 => &x + x.flip(),
            _ => x.maximum_filter([size[0], 1, size[2]]) - x.mean(),
        };
        let sink = Arc::new(MemorySink::new(y.info().unwrap().clone()));
        let outputs = [Output { array: y, sink }];
        let threads = 1 + below(4);
        let planned = plan(&outputs, &Machine { tile: Some(tile.clone()), threads, ..machine(1 << 30) }).unwrap();
        for number in 0..planned.passes.len() {
            let mut flow = flow(&planned, &outputs, number);
            let words = format!("case {case}: {shape:?} in units {unit:?}, tiles {tile:?}, size {size:?}, pass {number}");
            let script = Script::usual(Servers { readers: 2, workers: 2 }, case);
            let report = virtual_time::run(&mut flow, &script).unwrap_or_else(|e| panic!("{words}: {e}"));
            let costs = &planned.passes[number].costs;
            assert_eq!(report.reads, costs.reads.distinct, "{words}: with room for all of it units are read once");
            over.push(costs.ledger as f64 / flow.ledger().peak().max(1) as f64);
        }
    }
    over.sort_by(f64::total_cmp);
    println!(
        "ledger foreseen over held: median {:.2}, 90 % below {:.2}, most {:.2}",
        over[over.len() / 2],
        over[over.len() * 9 / 10],
        over[over.len() - 1]
    );
}

/// Where whole units do not fit, pieces of them do: the ledger suffices then too, units are read as often as stated, and as often as
/// one read alone would.
#[test]
fn what_is_held_in_pieces_is_foreseen() {
    let mut state = 11u64;
    let mut below = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let (mut in_pieces, mut once) = (0, 0);
    for case in 0..150 {
        let shape: Vec<usize> = (0..3).map(|_| 20 + below(44)).collect();
        let unit: Vec<usize> = shape.iter().map(|n| (1 + below(*n)).min([4, 8, 12, 16, 24][below(5)])).collect();
        let tile: Vec<usize> = shape.iter().zip(&unit).map(|(n, unit)| (unit * (1 + below(2))).min(*n)).collect();
        let x = Array::from_source(Zeros::new(&shape, Dtype::U16, &unit));
        let size: Vec<i64> = (0..3).map(|_| 1 + 2 * below(5) as i64).collect();
        let y = match below(4) {
            0 => x.uniform([size[0], size[1], size[2]]),
            1 => x.maximum_filter([size[0], 1, size[2]]).transpose(&[1, 0, 2]),
            2 => &x + Array::from_source(Zeros::new(&shape, Dtype::U8, &[5, 20, 9])).minimum_filter([size[0], size[1], 1]),
            _ => x.maximum_filter([size[0], size[1], size[2]]) - x.mean(),
        };
        let outputs = [Output { sink: Chunks::of(&y, &[1, 1, 1]), array: y }];
        let threads = 1 + below(3);
        let asked = |memory| Machine { tile: Some(tile.clone()), threads, ..machine(memory) };
        // What the process itself takes is not the pass's.
        let own = process_bytes(threads);
        let most = plan(&outputs, &asked(1 << 30)).unwrap().peak_bytes() - own;
        for part in (30..100).step_by(7) {
            let Ok(planned) = plan(&outputs, &asked(own + most * part / 100)) else { continue };
            for number in 0..planned.passes.len() {
                let costs = &planned.passes[number].costs;
                if costs.cuts.is_empty() {
                    continue;
                }
                in_pieces += 1;
                once += usize::from(costs.kept == 0);
                let words =
                    format!("case {case}: {shape:?} in units {unit:?}, tiles {tile:?}, size {size:?}, {part} %: {costs:?}");
                let script = Script::usual(Servers { readers: 2, workers: threads }, case);
                let mut hurried = flow(&planned, &outputs, number);
                let report = virtual_time::run(&mut hurried, &script).unwrap_or_else(|e| panic!("{words}: {e}"));
                let mut orderly = flow(&planned, &outputs, number);
                virtual_time::at_once(&mut orderly).unwrap_or_else(|e| panic!("{words}: {e}"));
                assert_eq!(report.reads, orderly.reads(), "peak {} {words}", hurried.ledger().peak());
                assert!(orderly.reads() as f64 <= 1.01 * costs.reads.all as f64, "{words}: {} read", orderly.reads());
                assert!(costs.kept > 0 || orderly.reads() == costs.reads.distinct, "{} read {words}", orderly.reads());
            }
        }
    }
    assert!(in_pieces > 100 && once > 30, "{in_pieces} passes in pieces, {once} read once");
}

/// Pieces are where they were in their units: the pixels are those of a run with room for whole units.
#[test]
fn pieces_hold_the_pixels_of_their_units() {
    let source = Arc::new(Zeros {
        ramp: true,
        ..Zeros::failing(&[70, 96, 80], Dtype::U16, &[16, 32, 16], Fault::default(), Fault::default())
    });
    let run = |memory: u64| {
        let x = Array::from_source(source.clone());
        let y = x.maximum_filter([5, 7, 3]) - x.gaussian(1.0);
        let kept = Some(std::sync::Mutex::default());
        let sink = Arc::new(Chunks { kept, ..Chunks::failing(&y, &[16, 32, 16], Fault::default(), Fault::default()) });
        let outputs = [Output { array: y, sink: sink.clone() }];
        let planned = plan(&outputs, &Machine { tile: Some(vec![16, 32, 16]), ..machine(process_bytes(2) + memory) }).ok()?;
        let summary = play(&planned, &outputs, &Cpu::default(), &|_| Ok(())).unwrap();
        let costs = &planned.passes[0].costs;
        assert_eq!(summary.passes[0].units_read.0, costs.reads.all);
        let written = std::mem::take(&mut *sink.kept.as_ref().unwrap().lock().unwrap());
        Some((costs.cuts.iter().flatten().count(), written))
    };
    let (_, right) = run(1 << 30).unwrap();
    let mut in_pieces = 0;
    for memory in (4..40).map(|k| k << 17) {
        let Some((cuts, written)) = run(memory) else { continue };
        assert!(written == right, "{cuts} cut under {memory}");
        in_pieces += usize::from(cuts > 0);
    }
    assert!(in_pieces > 0 && !right.is_empty());
}
