//! Two processes and one output: one of them is refused, and what the other writes is right. Which of the first one's outputs it is,
//! where scratch lies, whether a function of the user's takes part, and how the name is spelled, makes no difference.

use super::rig::{computed, flags, folder, names, numbers, remove, shape_for, ways, write};
use stackmill::dtype::Dtype;
use stackmill::graph::{Array, Origin, Stage, Tiles, Walk};
use stackmill::grid::{Edge, Region};
use stackmill::storage::Info;
use stackmill::tile::{View, copy_view};
use stackmill::{Options, Session};
use std::fs;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Work that takes long enough for a process to be stopped in it.
const LONG: &str = "median([5, 5, 5])";

fn program(folder: &Path, words: &[&str], options: &Options) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stackmill"));
    command.current_dir(folder).arg("run").args(words).args(flags(options));
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn waited(what: &str, mut is_there: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_there() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what} never came");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status().unwrap().success());
}

/// Holds a process in the middle of its run: once it has the lock of an output, and some work. On a busy machine it may be over
/// before: then it is started again.
fn held(mut start: impl FnMut() -> Child, outputs: &[&Path]) -> Child {
    let mut name = std::ffi::OsString::from(".");
    name.push(outputs[0].file_name().unwrap());
    name.push(".lock");
    let lock = outputs[0].with_file_name(name);
    for _ in 0..20 {
        let mut child = start();
        let is_held = || fs::metadata(&lock).is_ok_and(|meta| meta.len() > 0);
        waited("a lock", || is_held() || child.try_wait().unwrap().is_some());
        if is_held() && child.try_wait().unwrap().is_none() {
            signal(&child, "STOP");
            if is_held() && !outputs[0].exists() && child.try_wait().unwrap().is_none() {
                return child;
            }
            signal(&child, "CONT");
        }
        assert!(ended(child).status.success());
        outputs.iter().filter(|path| path.exists()).for_each(|path| remove(path));
    }
    panic!("the first run is always over too soon");
}

fn ended(child: Child) -> Output {
    child.wait_with_output().unwrap()
}

fn refused(words: &str, done: &Output) {
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.code() == Some(2) && said.contains("another run is writing"), "{words}: {:?} {said}", done.status);
}

/// The input: enough for work that takes a while, in several units of each format.
fn input(folder: &Path) -> Array {
    write(&folder.join("in.npy"), 1, [16, 160, 160]);
    Array::open(folder.join("in.npy"))
}

fn evaluated(x: &Array, text: &str) -> Array {
    stackmill::language::evaluate(text, x, &[]).unwrap().result
}

/// Another spelling of a path in a folder.
fn spelled(number: usize, name: &str) -> String {
    match number % 4 {
        0 => name.to_owned(),
        1 => format!("./deep/../{name}"),
        2 => format!("deep/again/{name}"),
        _ => format!("./{name}"),
    }
}

#[cfg(unix)]
#[test]
fn of_two_processes_with_one_output_one_is_refused() {
    let folder = folder("two");
    let x = input(&folder);
    fs::create_dir(folder.join("deep")).unwrap();
    std::os::unix::fs::symlink(&folder, folder.join("deep/again")).unwrap();
    let (wanted, beside) = (computed(&evaluated(&x, LONG)), computed(&evaluated(&x, "x + 1")));
    for (number, (way, options)) in ways().into_iter().enumerate() {
        let (path, own) = (folder.join(way), folder.join(format!("own-{way}")));
        let (own_name, other) = (format!("own-{way}"), format!("other-{way}"));
        let named = format!("c={}", spelled(number + 1, way));
        let both = format!("c = {LONG}\ninput + 1");
        let as_first: &[&str] = &["in.npy", way, LONG];
        let as_second: &[&str] = &["in.npy", &own_name, &both, "-o", &named];
        for (words, arguments) in [("first", as_first), ("second", as_second)] {
            let child = held(|| program(&folder, arguments, &options).spawn().unwrap(), &[&path, &own]);
            let again = spelled(number, way);
            refused(
                &format!("{way}, {words}, to {again}"),
                &program(&folder, &["in.npy", &again, "x + 2"], &options).output().unwrap(),
            );
            let again = format!("y={}", spelled(number + 2, way));
            let second = program(&folder, &["in.npy", &other, "y = x + 3\nx + 4", "-o", &again], &options).output().unwrap();
            refused(&format!("{way}, {words}, second to {again}"), &second);
            assert!(!folder.join(&other).exists(), "{way}: an output of a run that was refused");
            signal(&child, "CONT");
            let done = ended(child);
            assert!(done.status.success(), "{way}, {words}: {}", String::from_utf8_lossy(&done.stderr));
            assert!(numbers(&path) == wanted, "{way}, {words}: wrong numbers");
            if own.exists() {
                assert!(numbers(&own) == beside, "{way}, {words}: wrong numbers beside");
                remove(&own);
            }
            remove(&path);
            assert_eq!(names(&folder), ["deep", "in.npy"], "{way}, {words}: something is left");
        }
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// Started at once, with nobody held: one of them writes all of it.
#[test]
fn of_processes_that_start_at_once_one_writes() {
    let folder = folder("race");
    let x = input(&folder);
    for (way, options) in ways() {
        let texts = ["x + 1", "x + 2"];
        let start = |text: &str| program(&folder, &["in.npy", way, text], &options).spawn().unwrap();
        let done = texts.map(start).map(ended);
        let wrote: Vec<&str> = texts.iter().zip(&done).filter(|(_, done)| done.status.success()).map(|(text, _)| *text).collect();
        let said: Vec<_> = done.iter().map(|done| String::from_utf8_lossy(&done.stderr).into_owned()).collect();
        let [wrote] = wrote[..] else { panic!("{way}: {wrote:?} wrote: {said:?}") };
        assert!(said.iter().any(|said| said.contains("another run is writing") || said.contains("exists")), "{way}: {said:?}");
        assert!(numbers(&folder.join(way)) == computed(&evaluated(&x, wrote)), "{way}: wrong numbers");
        remove(&folder.join(way));
        assert_eq!(names(&folder), ["in.npy"], "{way}: something is left");
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// Outputs of one name in two folders have scratch of their own in a third.
#[cfg(unix)]
#[test]
fn scratch_of_two_processes_in_one_folder_is_twofold() {
    let folder = folder("scratch-two");
    // 6 planes of 1024×1280 in small chunks: a folded plane is 10 MiB, the budget 13.
    let pixels = ndarray::Array3::from_shape_fn((6, 1024, 1280), |(z, y, x)| ((z * 831 + y * 7 + x * 13 + x * y) % 4096) as u16);
    let chunks = |chunks: &[usize]| Options { threads: Some(2), chunks: Some(chunks.to_vec()), ..Options::default() };
    Array::from_ndarray(&pixels).save_with(folder.join("in.zarr"), &chunks(&[1, 256, 256])).unwrap();
    // 48 planes, whose running sums take 48 MiB and their columns are nowhere together.
    let planes = ndarray::Array3::from_shape_fn((48, 512, 512), |(z, y, x)| ((z * 831 + y * 7 + x * 13 + x * y) % 4096) as u16);
    Array::from_ndarray(&planes).save_with(folder.join("planes.zarr"), &chunks(&[1, 512, 512])).unwrap();
    let [folded, summed] = [["std(x, axis=0)", "std(x, axis=0, ddof=1)"], ["cumsum(0)", "cumsum(0) |> x + 1"]];
    for (way, source, texts, more) in [
        ("o.zarr", "in.zarr", folded, &["--memory=13MiB", "--chunks=256,256"][..]),
        ("o.ome.zarr", "in.zarr", folded, &["--memory=13MiB", "--chunks=256,256"]),
        ("o.npy", "planes.zarr", summed, &["--memory=36MiB"]),
        ("o.tif", "planes.zarr", summed, &["--memory=36MiB"]),
        ("t.tif", "planes.zarr", summed, &["--memory=36MiB", "--tiled"]),
    ] {
        let (x, source) = (Array::open(folder.join(source)), format!("../{source}"));
        let places = ["one", "two"].map(|place| folder.join(place));
        places.iter().for_each(|place| fs::create_dir(place).unwrap());
        fs::create_dir(folder.join("scratch")).unwrap();
        let start = |place: &PathBuf, text: &str| {
            let words = ["run", &source, way, text, "--scratch=../scratch", "--threads=2", "--progress=never"];
            let mut command = Command::new(env!("CARGO_BIN_EXE_stackmill"));
            command.current_dir(place).args(words).args(more).stderr(Stdio::piped()).spawn().unwrap()
        };
        let mut one = start(&places[0], texts[0]);
        waited("scratch", || !names(&folder.join("scratch")).is_empty());
        signal(&one, "STOP");
        assert!(one.try_wait().unwrap().is_none(), "the first run is over too soon");
        let other = ended(start(&places[1], texts[1]));
        signal(&one, "CONT");
        for (done, (place, text)) in [ended(one), other].iter().zip(places.iter().zip(texts)) {
            assert!(done.status.success(), "{way}: {}", String::from_utf8_lossy(&done.stderr));
            assert!(numbers(&place.join(way)) == computed(&evaluated(&x, text)), "{way}, {text}: wrong numbers");
            remove(place);
        }
        assert!(names(&folder.join("scratch")).is_empty(), "scratch is left");
        remove(&folder.join("scratch"));
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// A function of the user's that waits in its first tile until a file lets it go on.
struct Waiting(PathBuf);

impl Tiles for Waiting {
    fn walks(&self, _: usize) -> &[Walk] {
        const WALKS: [Walk; 3] = [
            Walk { axis: Some(0), before: 0, after: 0 },
            Walk { axis: Some(1), before: 0, after: 0 },
            Walk { axis: Some(2), before: 0, after: 0 },
        ];
        &WALKS
    }
    fn edge(&self) -> (Edge, f64) {
        (Edge::Nearest, 0.0)
    }
    fn run(&self, inputs: &[View<'_>], part: &Region, out: &mut [u8]) -> stackmill::Result<()> {
        fs::write(self.0.join("runs"), []).unwrap();
        waited("leave to go on", || self.0.join("go").exists());
        copy_view(&inputs[0], out, &part.shape, &stackmill::grid::Dims::filled(3, 0));
        Ok(())
    }
    fn words(&self) -> String {
        "waiting".to_owned()
    }
}

/// The process with the function: it saves what it is told to.
#[test]
#[ignore = "a process of the test below"]
fn the_process_with_a_function() {
    let Some(path) = std::env::var_os("STACKMILL_TEST_OUTPUT").map(PathBuf::from) else { return };
    let folder = path.parent().unwrap().to_owned();
    let way = path.file_name().unwrap().to_str().unwrap();
    let options = ways().into_iter().find(|(name, _)| *name == way).unwrap().1;
    let x = Array::open(folder.join("in.npy")).with_axes("ZYX");
    let origin = Origin { op: "waiting".to_owned(), part: String::new(), line: Location::caller() };
    let info = Ok(Info { axes: x.info().unwrap().axes.clone(), ..Info::new(x.shape().unwrap(), Dtype::U16) });
    let made = Array::from_stage(Stage::Tiles(Arc::new(Waiting(folder.clone()))), vec![x.clone()], info, origin);
    let (second, is_second) = (folder.join(format!("own-{way}")), std::env::var_os("STACKMILL_TEST_SECOND").is_some());
    let targets = if is_second { vec![(x, second.as_path()), (made, &path)] } else { vec![(made, path.as_path())] };
    let options = Options { memory: Some(256 << 20), ..options };
    Session::save(&targets, &options).unwrap().run(&|_| Ok(())).unwrap();
}

#[test]
fn what_a_run_with_a_function_writes_no_other_process_may() {
    let folder = folder("function");
    for (number, (way, options)) in ways().into_iter().enumerate() {
        write(&folder.join("in.npy"), 1, shape_for(way));
        let path = folder.join(way);
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--ignored", "--exact", "processes::the_process_with_a_function"]).env("STACKMILL_TEST_OUTPUT", &path);
        if number % 2 == 1 {
            child.env("STACKMILL_TEST_SECOND", "yes");
        }
        let child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut child = child;
        waited("a tile", || folder.join("runs").exists() || child.try_wait().unwrap().is_some());
        refused(way, &program(&folder, &["in.npy", way, "x + 2"], &options).output().unwrap());
        fs::write(folder.join("go"), []).unwrap();
        let done = ended(child);
        assert!(done.status.success(), "{way}: {}", String::from_utf8_lossy(&done.stderr));
        assert!(numbers(&path) == computed(&Array::open(folder.join("in.npy"))), "{way}: wrong numbers");
        assert!(!names(&folder).iter().any(|name| name.starts_with('.')), "{way}: something is left");
        names(&folder).iter().for_each(|name| remove(&folder.join(name)));
    }
    fs::remove_dir_all(&folder).unwrap();
}
