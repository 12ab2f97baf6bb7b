//! What goes wrong at each command of the flow, and how the run ends: with the right pixels, or with an error and its outputs given
//! up; never later than that, and with nothing of the run left in memory. `cargo test --test faults -- --nocapture` prints the
//! matrix. What a GPU may do wrong is in tests/gpu/faults.rs.

mod rig;

use rig::{Chunks, Fault, Zeros, machine};
use stackmill::device::cpu::Cpu;
use stackmill::device::{Device, Host, InputData, Launched};
use stackmill::graph::{Array, Body, Fold, Stage};
use stackmill::grid::Region;
use stackmill::plan::{Machine, Output, Pass, plan};
use stackmill::run::{Job, run};
use stackmill::storage::Identity;
use stackmill::tile::{Tile, View};
use stackmill::{Dtype, Result};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// Counts live bytes.
struct Counting;
static LIVE: AtomicI64 = AtomicI64::new(0);

// SAFETY: every call is passed to the system's allocator unchanged; only a number is kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller's promise about `pointer` is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The commands that a driver carries out and that can fail.
const COMMANDS: [&str; 7] = ["Read", "Decode", "Launch", "Join", "Encode", "Write", "Finish"];

/// What may happen to one.
const FAULTS: [(&str, Fault); 5] = [
    ("once, may pass", Fault { at: None, times: 1, passes: true, panics: false }),
    ("for ever, may pass", Fault { at: None, times: u64::MAX, passes: true, panics: false }),
    ("once, lasting", Fault { at: None, times: 1, passes: false, panics: false }),
    ("for ever, lasting", Fault { at: None, times: u64::MAX, passes: false, panics: false }),
    ("panics", Fault { at: None, times: u64::MAX, passes: false, panics: true }),
];

/// Commands that get over a fault: by trying again, or by reading again what did not decode.
fn gets_over(command: &str, fault: &str) -> bool {
    match fault {
        "once, may pass" => matches!(command, "Read" | "Decode" | "Launch" | "Write"),
        "once, lasting" => command == "Decode",
        _ => false,
    }
}

/// A device that fails where it is told to.
struct Failing {
    cpu: Cpu,
    launches: AtomicU64,
    fault: Fault,
}

impl Device for Failing {
    fn launch(&self, pass: &Pass, tile: &Region, inputs: &[InputData<'_>], host: Host<'_>) -> Result<Launched> {
        self.fault.check(self.launches.fetch_add(1, Ordering::Relaxed), "the device")?;
        self.cpu.launch(pass, tile, inputs, host)
    }
}

/// A reduction whose joins fail where they are told to.
#[derive(Debug)]
struct Joining {
    inner: Arc<dyn Fold>,
    joins: Arc<AtomicU64>,
    fault: Fault,
}

impl Fold for Joining {
    fn axes(&self) -> Vec<usize> {
        self.inner.axes()
    }
    fn block(&self, axis: usize, rank: usize) -> usize {
        self.inner.block(axis, rank)
    }
    fn in_order(&self) -> bool {
        self.inner.in_order()
    }
    fn state_bytes(&self) -> usize {
        self.inner.state_bytes()
    }
    fn start(&self, outputs: usize) -> Vec<u8> {
        self.inner.start(outputs)
    }
    fn take(&self, input: &View<'_>, region: &Region) -> Result<Vec<u8>> {
        self.inner.take(input, region)
    }
    fn join(&self, state: &mut [u8], partial: &[u8], places: &mut dyn Iterator<Item = usize>) -> Result<()> {
        self.fault.check(self.joins.fetch_add(1, Ordering::Relaxed), "the reduction")?;
        self.inner.join(state, partial, places)
    }
    fn finish(&self, state: &[u8], count: u64, out: &mut Tile) -> Result<()> {
        self.inner.finish(state, count, out)
    }
    fn words(&self) -> String {
        self.inner.words()
    }
}

type Pixels = BTreeMap<Vec<usize>, Vec<u8>>;

/// How a run ended: what it wrote, or its error; and how often each command was given.
struct Ended {
    pixels: std::result::Result<Pixels, String>,
    finished: bool,
    abandoned: bool,
    counts: [u64; 7],
}

/// `median(x) - mean(x)`, two passes, with one fault.
fn ended(command: &str, fault: Fault) -> Ended {
    let of = |own: &str| if own == command { fault } else { Fault::default() };
    let mut source = Zeros::failing(&[12, 40, 50], Dtype::U16, &[2, 20, 50], of("Read"), of("Decode"));
    source.ramp = true;
    let source = Arc::new(source);
    let x = Array::from_source(source.clone());
    let joins = Arc::new(AtomicU64::new(0));
    let mean = x.mean();
    let Body::Stage(Stage::Fold(inner)) = &mean.node().body else { panic!("a mean is a reduction") };
    let joining = Joining { inner: inner.clone(), joins: joins.clone(), fault: of("Join") };
    let mean =
        Array::from_stage(Stage::Fold(Arc::new(joining)), vec![x.clone()], mean.info().cloned(), mean.node().origin.clone());
    let y = x.median([3, 3, 3]) - mean;
    let mut sink = Chunks::failing(&y, &[4, 20, 50], of("Encode"), of("Write"));
    sink.finishing = of("Finish");
    sink.kept = Some(Mutex::default());
    let sink = Arc::new(sink);
    let outputs = [Output { array: y, sink: sink.clone() }];
    let planned = plan(&outputs, &Machine { tile: Some(vec![4, 20, 50]), ..machine(64 << 20) }).unwrap();
    let device = Failing { cpu: Cpu::default(), launches: AtomicU64::new(0), fault: of("Launch") };
    let identity = Identity(String::new());
    let (identity, readings) = (&identity, &[][..]);
    let job = Job { plan: &planned, outputs: &outputs, device: &device, identity, place: None, readings, observe: &|_| Ok(()) };
    let done = run(&job);
    let number = |n: &AtomicU64| n.load(Ordering::Relaxed);
    let counts = [&source.fetched, &source.decoded, &device.launches, &joins, &sink.encoded, &sink.tried].map(number);
    let [read, decode, launch, join, encode, write] = counts;
    let pixels = sink.kept.as_ref().map(|kept| std::mem::take(&mut *kept.lock().unwrap())).unwrap_or_default();
    Ended {
        pixels: done.map(|_| pixels).map_err(|e| e.to_string()),
        finished: sink.finished.load(Ordering::Relaxed),
        abandoned: sink.abandoned.load(Ordering::Relaxed),
        counts: [read, decode, launch, join, encode, write, 1],
    }
}

/// The same on a thread of its own, so that a run that hangs is seen.
fn ended_in_time(command: &'static str, fault: Fault) -> Ended {
    let (done, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || done.send(ended(command, fault)).unwrap());
    let ended = wait.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("{command}, {fault:?}: the run hangs"));
    thread.join().unwrap();
    ended
}

/// One cell of the matrix: the fault at the first, a middle and the last command of its kind.
fn cell(command: &'static str, count: u64, (name, fault): (&str, Fault), right: &Pixels) -> &'static str {
    let mut says = "";
    for at in [0, count / 2, count - 1] {
        let words = format!("{command} {at} of {count}, {name}");
        let ended = ended_in_time(command, Fault { at: Some(at), ..fault });
        let is_over = gets_over(command, name);
        match &ended.pixels {
            Ok(pixels) => assert!(is_over && pixels == right && ended.finished && !ended.abandoned, "{words}: wrong pixels"),
            Err(error) => {
                assert!(!is_over && ended.abandoned && !ended.finished, "{words}: {error}");
                assert!(error.contains("as told") || error.contains("panicked"), "{words}: {error}");
            }
        }
        says = if is_over { "replayed" } else { "error" };
    }
    says
}

/// One test, so that nothing else allocates while it counts.
#[test]
fn faults_at_every_command_end_well() {
    // Panics that were asked for are not worth a word.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let told = info.payload_as_str().is_some_and(|words| words.contains("as told"));
        if !told {
            usual(info);
        }
    }));
    let clean = ended_in_time("none", Fault::default());
    let right = clean.pixels.unwrap();
    let mut rows = vec![format!("{:22}{}", "", COMMANDS.map(|c| format!("{c:10}")).concat())];
    for fault in FAULTS {
        let mut row = format!("{:22}", fault.0);
        for (command, count) in COMMANDS.into_iter().zip(clean.counts) {
            let before = LIVE.load(Ordering::Relaxed);
            row += &format!("{:10}", cell(command, count, fault, &right));
            let left = LIVE.load(Ordering::Relaxed) - before;
            assert!(left < 64 << 10, "{command}, {}: {left} bytes are left", fault.0);
        }
        rows.push(row);
    }
    println!("{}", rows.join("\n"));
}
