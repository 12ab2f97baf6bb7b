//! What drivers do that nobody wishes for, and that a run must outlive: kernels that take seconds to compile, caches that are damaged,
//! devices that are lost again and again, that never answer, that are not the one of yesterday. Needs a Vulkan driver: without one
//! the tests fail, they are never skipped. One at a time: they lose the device that they share, and count this process's threads.

#[path = "conformance/data.rs"]
#[allow(dead_code, reason = "the matrix needs more of it")]
mod data;
#[path = "gpu/rig.rs"]
#[allow(dead_code, reason = "the tests of pipelines need more of it")]
mod rig;

use rig::{Made, alone, assert_same, driver, is_exact, options, pipeline, planned, run};
use stackmill::device::cpu::Cpu;
use stackmill::device::gpu::{Faults, Gpu, Wish};
use stackmill::device::{Device, Host, InputData, Launched};
use stackmill::dtype::Dtype;
use stackmill::error::{Error, Family, Result};
use stackmill::formats::memory::MemorySink;
use stackmill::graph::Array;
use stackmill::grid::Region;
use stackmill::plan::{Output, Pass};
use stackmill::run::Summary;
use stackmill::session::{Options, Session};
use stackmill::storage::Cache;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const EXACT: &str = "median([1,3,3]) |> white_tophat([1,5,5]) |> x > 60";
const INEXACT: &str = "astype('f32') |> gaussian([0,1.5,1.5])";

fn stack() -> Array {
    data::Values::new(Dtype::U16, &[6, 96, 120], data::Data::Plain, 43).lent()
}

/// A device that this process has not opened before: its name, cut short by so many letters.
fn another(cut: usize) -> String {
    let name = driver();
    name[..name.len() - cut].to_owned()
}

struct Heard {
    summary: Result<Summary>,
    preparing: Vec<(usize, usize)>,
    gpu: Gpu,
}

/// Runs a pipeline on a device of its own; what its observer was told of preparations.
fn heard(text: &str, wish: Wish, observe: &dyn Fn()) -> Heard {
    heard_in(&[1, 48, 60], text, wish, observe)
}

fn heard_in(tile: &[usize], text: &str, wish: Wish, observe: &dyn Fn()) -> Heard {
    let array = pipeline(text, &stack(), &[]);
    let sink = Arc::new(MemorySink::new(array.info().unwrap().clone()));
    let tiled = Options { device: wish.name.clone(), ..options(&driver(), Some(tile)) };
    let session = Session::new(vec![Output { array, sink }], &tiled).unwrap();
    let gpu = Gpu::open(wish, 2).unwrap();
    let preparing = RefCell::new(Vec::new());
    let summary = session.run_on(&gpu, &|progress| {
        preparing.borrow_mut().extend(progress.preparing);
        observe();
        Ok(())
    });
    Heard { summary, preparing: preparing.into_inner(), gpu }
}

#[test]
fn kernels_are_compiled_before_the_first_tile_once_and_that_is_told() {
    let _guard = alone();
    let wish = || Wish { name: another(1), ..Wish::default() };
    let first = heard(EXACT, wish(), &|| ());
    let prepared = first.summary.unwrap().passes[0].prepared;
    assert!(prepared.0 >= 4 && prepared.1 > 0.0, "kernels of {EXACT}: {prepared:?}");
    assert_eq!(first.preparing.first(), Some(&(0, prepared.0)), "told before any is compiled");
    assert!(first.preparing.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{:?}", first.preparing);
    assert_eq!(first.gpu.compiled_late(), 0, "a tile waited for a kernel");
    let again = heard(EXACT, wish(), &|| ());
    assert_eq!(again.summary.unwrap().passes[0].prepared, (0, 0.0), "compiled a second time");
    assert!(again.preparing.is_empty(), "{:?}", again.preparing);
}

/// Of a device that nobody knows yet the first batch is cut as well: each kernel that might take too long is sent alone.
#[test]
fn the_first_submission_of_a_device_is_bounded() {
    let _guard = alone();
    let submissions = |longest: Option<Duration>, cut: usize| {
        let wish = Wish { name: another(cut), longest, ..Wish::default() };
        let made = heard_in(&[6, 96, 120], "median([1,9,9])", wish, &|| ());
        assert_eq!(made.gpu.blocks(), [1], "one block, one batch");
        (made.gpu.submissions(), made.summary.unwrap().passes[0].prepared.0)
    };
    assert_eq!(submissions(None, 0).0, 1, "software is not bounded");
    // 69,120 elements of 486 operations: 7 ms on a device of which nothing is known.
    let (cut, kernels) = submissions(Some(Duration::from_millis(1)), 6);
    assert_eq!((cut, kernels), (2, 2), "a padded copy and a median, each a submission");
}

/// A cache that notes what is asked of it.
#[derive(Debug, Default)]
struct Kept {
    files: Mutex<HashMap<String, Vec<u8>>>,
    asked: Mutex<Vec<String>>,
}

impl Cache for Kept {
    fn get(&self, name: &str, most: u64) -> Option<Vec<u8>> {
        self.asked.lock().unwrap().push(name.to_owned());
        self.files.lock().unwrap().get(name).filter(|bytes| bytes.len() as u64 <= most).cloned()
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        self.files.lock().unwrap().insert(name.to_owned(), bytes.to_vec());
    }
}

#[test]
fn what_a_driver_made_of_kernels_is_kept_and_given_back_to_it() {
    let _guard = alone();
    let cache = Arc::new(Kept::default());
    let run_with = |cut: usize| {
        let wish = Wish { name: another(cut), cache: Some(cache.clone()), ..Wish::default() };
        heard(EXACT, wish, &|| ()).summary.unwrap();
    };
    run_with(2);
    let kept = cache.files.lock().unwrap().clone();
    let (name, bytes) = kept.iter().next().expect("this driver has a cache, and nothing was kept");
    assert_eq!((kept.len(), cache.asked.lock().unwrap().as_slice()), (1, &[name.clone()][..]), "asked once, kept once");
    // A header at least: llvmpipe keeps nothing behind it.
    assert!(bytes.len() >= 64, "{} bytes of compiled kernels", bytes.len());
    // Of another driver, cut short, not a cache at all: an empty one is made instead, and the run is the same.
    let damaged = [bytes[..bytes.len() / 2].to_vec(), vec![0xa5; 4096], Vec::new()];
    for (cut, bytes) in (3..).zip(damaged) {
        cache.files.lock().unwrap().insert(name.clone(), bytes);
        run_with(cut);
    }
    assert_eq!(cache.asked.lock().unwrap().len(), 4, "once for each device that was opened");
}

#[test]
fn a_device_that_never_answers_is_given_up_with_an_error() {
    let _guard = alone();
    for wait in [0, 1, 5] {
        let patience = Some(Duration::from_millis(300));
        let wish = Wish { name: driver(), patience, faults: Faults::hanging_at(wait), ..Wish::default() };
        let begun = Instant::now();
        let error = heard(EXACT, wish, &|| ()).summary.expect_err("it ended, and the device hangs");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        assert_eq!(error.family(), Family::Machine, "{error}");
        let text = error.to_string();
        assert!(text.contains("has not answered for 0.3 s") && text.contains("--device cpu"), "{text}");
        heard(EXACT, Wish { name: driver(), ..Wish::default() }, &|| ()).summary.expect("the next run opens it anew");
    }
}

/// How many threads of this process have such a name: a thread that names itself nothing has that of the one that made it.
fn threads(named: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux says which threads there are");
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with(named)).count()
}

/// The same once threads that are ending have ended.
fn settled_threads(named: &str) -> usize {
    let mut fewest = threads(named);
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_millis(300) {
        std::thread::sleep(Duration::from_millis(20));
        let now = threads(named);
        if now < fewest {
            (fewest, since) = (now, Instant::now());
        }
    }
    fewest
}

/// What a device is lost to again and again the CPU does: on the workers of the run, and no thread beside them.
#[test]
fn the_cpu_takes_over_on_the_runs_own_workers() {
    let _guard = alone();
    let cpu = run(EXACT, &[pipeline(EXACT, &stack(), &[])], &options("cpu", None), None);
    let own = std::fs::read_to_string("/proc/thread-self/comm").unwrap().trim().to_owned();
    // Drivers keep threads of their own: they are those of a device that this thread's run opened.
    let once = Wish { name: driver(), faults: Faults::losing_at(2), ..Wish::default() };
    heard(EXACT, once, &|| ()).summary.unwrap();
    let before = settled_threads(&own);
    let workers = RefCell::new(BTreeSet::new());
    let wish = Wish { name: driver(), faults: Faults::losing_from(3), ..Wish::default() };
    let Heard { summary, gpu, .. } = heard(EXACT, wish, &|| {
        workers.borrow_mut().insert(threads("worker-"));
    });
    drop(gpu);
    let notices = summary.unwrap().passes[0].notices.join("\n");
    assert!(notices.contains("the CPU takes over"), "{notices}");
    // Those of the run before may not be gone yet.
    assert!(workers.borrow().iter().all(|seen| *seen <= 4), "2 workers were allowed: {:?}", workers.borrow());
    let left = settled_threads(&own);
    assert!(left <= before, "{left} threads are left, {before} were there before");
    let again = taken_over();
    assert_same(EXACT, &cpu.tiles[0], &again.tiles[0]);
}

fn taken_over() -> Made {
    let array = pipeline(EXACT, &stack(), &[]);
    let made = run(EXACT, &[array], &options(&driver(), Some(&[1, 48, 60])), Some(Faults::losing_from(3)));
    assert!(made.notices().iter().any(|notice| notice.contains("takes over")), "{:?}", made.notices());
    made
}

#[test]
fn a_device_lost_again_and_again_stops_float_work() {
    let _guard = alone();
    let wish = Wish { name: driver(), faults: Faults::losing_from(0), ..Wish::default() };
    let error = heard(INEXACT, wish, &|| ()).summary.expect_err("one output of two devices");
    assert!(error.to_string().contains("never a mix of devices"), "{error}");
}

/// A CPU that says it is a device of another kind.
struct Named(Cpu, &'static str);

impl Device for Named {
    fn launch(&self, pass: &Pass, tile: &Region, inputs: &[InputData<'_>], host: Host<'_>) -> Result<Launched> {
        self.0.launch(pass, tile, inputs, host)
    }

    fn kind(&self) -> String {
        self.1.to_owned()
    }
}

/// Runs a pipeline of the stack `in.npy` beside its output, until so many tiles are done or to its end. Only files keep their identity.
fn cut_off(text: &str, path: &Path, device: &dyn Device, tiles: usize) -> Result<Summary> {
    let tiled = Options { chunks: Some(vec![1, 48, 120]), ..options(&driver(), Some(&[1, 48, 120])) };
    let stack = Array::open(path.with_file_name("in.npy")).with_axes("ZYX");
    let session = Session::save(&[(pipeline(text, &stack, &[]), path)], &tiled)?;
    session.run_on(device, &|progress| if progress.tiles.0 >= tiles { Err(Error::caller("cut off")) } else { Ok(()) })
}

#[test]
fn float_work_is_gone_on_with_on_the_same_adapter_and_driver_alone() {
    let folder = std::env::temp_dir().join(format!("stackmill-kinds-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    stack().save_with(folder.join("in.npy"), &options("cpu", None)).unwrap();
    let [old, new] = ["GPU (vulkan 1:2, driver 1.0)", "GPU (vulkan 1:2, driver 1.1)"];
    for (text, goes_on) in [(INEXACT, false), (EXACT, true)] {
        let path = folder.join(if goes_on { "exact.zarr" } else { "inexact.zarr" });
        let is_float = !is_exact(planned(text, &pipeline(text, &stack(), &[]), &options(&driver(), None)).plan());
        assert_eq!(is_float, !goes_on, "{text}");
        let resumed = |device: &'static str, tiles: usize| {
            let made = cut_off(text, &path, &Named(Cpu::default(), device), tiles);
            made.map(|summary| summary.resumed)
        };
        resumed(old, 5).expect_err("cut off");
        let found = resumed(new, usize::MAX).unwrap();
        assert_eq!(found > 0, goes_on, "{text}: {found} units of another driver were kept");
        std::fs::remove_dir_all(&path).unwrap();
        resumed(old, 5).expect_err("cut off");
        assert!(resumed(old, usize::MAX).unwrap() > 0, "{text}: nothing was kept for the same driver");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A container that has a GPU and no Vulkan: neither the loader nor a driver is found.
#[test]
fn without_a_driver_the_error_says_what_a_container_lacks() {
    let file = std::env::temp_dir().join(format!("stackmill-no-driver-{}.npy", std::process::id()));
    let (input, output) = (file.with_extension("in.npy"), file.with_extension("out.npy"));
    Array::from_ndarray(&ndarray::Array3::<u16>::zeros((16, 1024, 1024))).save_with(&input, &options("cpu", None)).unwrap();
    let made = std::process::Command::new(env!("CARGO_BIN_EXE_stackmill"))
        .args([
            std::ffi::OsStr::new("run"),
            input.as_os_str(),
            output.as_os_str(),
            "x + 1".as_ref(),
            "--device".as_ref(),
            "gpu".as_ref(),
        ])
        .env("VK_DRIVER_FILES", "/nowhere.json")
        .env("VK_ICD_FILENAMES", "/nowhere.json")
        .output()
        .unwrap();
    std::fs::remove_file(&input).unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert_eq!(made.status.code(), Some(1), "{said}");
    assert!(
        said.contains("no GPU to run on (no Vulkan") && said.contains("in a container") && said.contains("--device cpu"),
        "{said}"
    );
    assert!(!output.exists(), "a file without a run");
}
