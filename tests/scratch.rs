//! Arrays that a run makes for itself: what no order of tiles reads once under a small budget goes through scratch, gives the same bytes,
//! is said before, goes on where it was cut off, and leaves nothing behind.

mod rig;

use stackmill::graph::Array;
use stackmill::ops::reduce::Std;
use stackmill::{Error, Options, ScratchIn, Session};
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("stackmill-scratch-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A budget beside what the process itself takes.
fn options(memory_mib: u64) -> Options {
    Options { memory: Some((memory_mib << 20) + stackmill::plan::process_bytes(2)), threads: Some(2), ..Options::default() }
}

/// 96 planes of 384×512 in chunks of one plane: 36 MiB.
fn planes(folder: &Path) -> Array {
    let path = folder.join("in.zarr");
    let pixels =
        ndarray::Array3::from_shape_fn((96, 384, 512), |(z, y, x)| ((z * 31 + y * 7 + x * 13 + x * y + z * z) % 4096) as u16);
    let asked = Options { chunks: Some(vec![1, 384, 512]), ..options(512) };
    Array::from_ndarray(&pixels).save_with(&path, &asked).unwrap();
    Array::open(path)
}

/// What lies in a folder, hidden files too.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn bytes_of(path: &Path) -> Vec<u8> {
    let made = Array::open(path).compute_with(&options(2048)).unwrap();
    made.tile.data.bytes().to_vec()
}

/// 6 planes of 1024×1280 in chunks of 1×256×256: a folded plane is 10 MiB.
fn wide(folder: &Path) -> Array {
    let path = folder.join("wide.zarr");
    let pixels = ndarray::Array3::from_shape_fn((6, 1024, 1280), |(z, y, x)| ((z * 831 + y * 7 + x * 13 + x * y) % 4096) as u16);
    let asked = Options { chunks: Some(vec![1, 256, 256]), ..options(512) };
    Array::from_ndarray(&pixels).save_with(&path, &asked).unwrap();
    Array::open(path)
}

/// A job: its output, what is made, a budget in MiB that is too small to do well without scratch, how it is written, its passes.
struct Job {
    name: &'static str,
    array: Array,
    memory: u64,
    chunks: Option<Vec<usize>>,
    passes: usize,
}

impl Job {
    fn options(&self, memory: u64) -> Options {
        Options { chunks: self.chunks.clone(), ..options(memory) }
    }
}

fn jobs(folder: &Path) -> Vec<Job> {
    let (x, wide) = (planes(folder), wide(folder));
    let std = |x: &Array| x.std_with(Std { axis: 0.into(), ..Default::default() });
    let job = |name, array: Array, memory, passes| Job { name, array, memory, chunks: None, passes };
    vec![
        job("turned.npy", x.transpose(&[2, 0, 1]), 24, 2),
        job("swapped.npy", x.transpose(&[1, 0, 2]), 24, 2),
        job("cumsum.npy", x.cumsum(0), 24, 3),
        job("cumsum.tif", x.gaussian(1.0).cumsum(0), 40, 3),
        Job { chunks: Some(vec![1, 256, 256]), ..job("normal.zarr", &wide / std(&wide), 13, 2) },
        Job { chunks: Some(vec![256, 256]), ..job("std.zarr", std(&wide), 13, 2) },
    ]
}

fn removed(path: &Path) {
    if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
}

#[test]
fn what_does_not_fit_goes_through_scratch_with_the_same_bytes() {
    let folder = folder("fits");
    for job in jobs(&folder) {
        let Job { name, array, memory, passes, .. } = &job;
        let (whole, path) = (folder.join(format!("whole-{name}")), folder.join(name));
        array.save_with(&whole, &job.options(1024)).unwrap();
        let before = names(&folder);
        let never = Options { scratch: ScratchIn::Nowhere, ..job.options(*memory) };
        let worse = match Session::save(&[(array.clone(), &path)], &never) {
            Ok(session) => session.plan().passes.iter().any(|pass| pass.costs.read_factor() > 2.0),
            Err(error) => error.to_string().contains("memory"),
        };
        assert!(worse, "{name}: {memory} MiB suffice");
        let session = Session::save(&[(array.clone(), &path)], &job.options(*memory)).unwrap();
        let said = session.explain();
        assert!(said.contains("scratch: ") && said.contains("without it"), "{name}:\n{said}");
        let brief = session.explain_at(1).unwrap();
        assert!(brief.contains("scratch: ") && !brief.contains("output 2"), "{name}:\n{brief}");
        assert!(session.notices().iter().any(|n| n.contains("of scratch in")), "{name}: {:?}", session.notices());
        assert_eq!(session.plan().passes.len(), *passes, "{name}:\n{said}");
        assert!(session.plan().passes.iter().all(|pass| pass.costs.read_factor() < 2.0), "{name}:\n{said}");
        let summary = session.run(&|_| Ok(())).unwrap();
        for (pass, report) in session.plan().passes.iter().zip(&summary.passes) {
            assert_eq!(report.units_read.0, pass.costs.reads.all, "{name}: stated and read");
        }
        assert!(bytes_of(&path) == bytes_of(&whole), "{name}: other numbers");
        let left: Vec<String> = names(&folder).into_iter().filter(|n| !before.contains(n)).collect();
        assert_eq!(left, [*name], "something is left");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_run_with_scratch_goes_on_where_it_was_cut_off() {
    let folder = folder("resume");
    for job in jobs(&folder) {
        let Job { name, array, memory, passes, .. } = &job;
        let (whole, path) = (folder.join(format!("whole-{name}")), folder.join(name));
        array.save_with(&whole, &job.options(1024)).unwrap();
        // Runs until a tile of a pass is done; whether it was cut off.
        let cut = |memory: u64, pass: usize| {
            let session = Session::save(&[(array.clone(), &path)], &job.options(memory)).unwrap();
            let stop = session.run(&|progress| match progress.pass.0 == pass && progress.tiles.0 >= 1 {
                true => Err(Error::caller("cut off")),
                false => Ok(()),
            });
            stop.is_err()
        };
        // In each pass; then under another budget in between, which has another scratch or none.
        let all = (1..=*passes).map(|pass| (pass, *memory)).chain([(*passes, 1024), (2, 2 * memory)]);
        for (pass, between) in all {
            assert!(cut(*memory, pass), "{name} ends before a tile of pass {pass}");
            assert!(!path.exists(), "{name} looks whole");
            if between == *memory || cut(between, 1) {
                let session = Session::save(&[(array.clone(), &path)], &job.options(*memory)).unwrap();
                let summary = session.run(&|_| Ok(())).unwrap();
                let first = &summary.passes[0];
                let is_known = first.passed_over == first.tiles || first.units_read.0 == 0;
                assert!(pass == 1 || between != *memory || is_known, "{name}: pass 1 was done, {first:?}");
            }
            assert!(bytes_of(&path) == bytes_of(&whole), "{name} cut in pass {pass}, then {between} MiB: other numbers");
            removed(&path);
            let left: Vec<String> = names(&folder).into_iter().filter(|n| n.starts_with('.')).collect();
            assert!(left.is_empty(), "{name}: {left:?} is left");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_several_passes_make_is_stored_where_that_is_shorter() {
    let folder = folder("shared");
    let x = planes(&folder);
    let slow = x.median([3, 5, 5]);
    let job = |array: Array, name: &str, scratch: ScratchIn| {
        let path = folder.join(name);
        let session = Session::save(&[(array, &path)], &Options { scratch, ..options(256) }).unwrap();
        let said = session.explain();
        session.run(&|_| Ok(())).unwrap();
        (said, bytes_of(&path), session.plan().stored.len())
    };
    let (said, stored, count) = job(&slow - slow.mean(), "a.npy", ScratchIn::Beside);
    let line = said.lines().nth(1).unwrap_or_default();
    assert!(line.contains(" s, else ") && count == 1, "{line}");
    let (said, again, count) = job(&slow - slow.mean(), "b.npy", ScratchIn::Nowhere);
    assert!(!said.contains("scratch:") && count == 0, "{said}");
    assert!(stored == again, "stored and made again differ");
    // Adding one is no reason to write a stack.
    let cheap = &x + 1;
    let (said, _, count) = job(&cheap - cheap.mean(), "c.npy", ScratchIn::Beside);
    assert!(said.contains("scratch: none; ") && count == 0, "{said}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn scratch_goes_where_it_is_told() {
    let folder = folder("place");
    let x = planes(&folder);
    let (elsewhere, path) = (folder.join("elsewhere"), folder.join("a.npy"));
    std::fs::create_dir(&elsewhere).unwrap();
    let there = Options { scratch: ScratchIn::Folder(elsewhere.clone()), ..options(24) };
    let array = x.cumsum(0);
    let session = Session::save(&[(array.clone(), &path)], &there).unwrap();
    let stop = session.run(&|progress| if progress.pass.0 == 2 { Err(Error::caller("cut off")) } else { Ok(()) });
    assert!(stop.is_err());
    assert_eq!(names(&elsewhere).len(), 1, "{:?}", names(&elsewhere));
    let summary = Session::save(&[(array.clone(), &path)], &there).unwrap().run(&|_| Ok(())).unwrap();
    assert_eq!(summary.passes[0].passed_over, summary.passes[0].tiles);
    assert!(names(&elsewhere).is_empty());
    // Results in memory have scratch only where a folder is named.
    let small = x.cumsum(0).slice_mean();
    assert!(small.compute_with(&options(24)).is_err());
    let made = small.compute_with(&there).unwrap();
    assert_eq!(made.tile.shape.count(), 1);
    assert!(names(&elsewhere).is_empty());
    // A folder that is not there.
    let nowhere = Options { scratch: ScratchIn::Folder(folder.join("none")), ..options(24) };
    std::fs::remove_file(&path).unwrap();
    let error = array.save_with(&path, &nowhere).unwrap_err().to_string();
    assert!(error.contains("none") && error.contains("--scratch"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A number that needs a whole running sum.
trait SliceMean {
    fn slice_mean(&self) -> Array;
}

impl SliceMean for Array {
    fn slice_mean(&self) -> Array {
        self.astype(stackmill::dtype::Dtype::F64).mean()
    }
}

#[test]
fn what_does_not_fit_on_the_disk_is_not_begun() {
    let folder = folder("disk");
    // Running sums along 200,000 planes: nobody's disk for temporary files.
    let planes = rig::Zeros::new(&[200_000, 8000, 8000], stackmill::Dtype::U16, &[1, 1000, 1000]);
    let sums = Array::from_source(planes.clone()).cumsum(0);
    let path = folder.join("out.zarr");
    let asked = Options { chunks: Some(vec![1, 1000, 1000]), ..options(2048) };
    let session = Session::save(&[(sums, &path)], &asked).unwrap();
    assert!(!session.plan().stored.is_empty(), "{}", session.explain());
    let error = session.run(&|_| Ok(())).unwrap_err().to_string();
    assert!(error.contains("TiB does not fit into") && error.contains("--scratch DIR"), "{error}");
    assert_eq!(planes.fetched.load(std::sync::atomic::Ordering::Relaxed), 0);
    assert_eq!(names(&folder), Vec::<String>::new(), "nothing is left behind");
    std::fs::remove_dir_all(folder).unwrap();
}
