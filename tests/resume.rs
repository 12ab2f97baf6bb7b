//! Runs that are cut off go on: the same bytes as in one go, under another budget too, and only what is missing is made.

use stackmill::graph::Array;
use stackmill::{Error, Options, Session};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("stackmill-resume-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A budget beside what the process itself takes.
fn options(memory: u64, threads: usize) -> Options {
    Options {
        memory: Some((memory << 20) + stackmill::plan::process_bytes(threads)),
        threads: Some(threads),
        ..Options::default()
    }
}

/// The stack that is read, as a file: only files keep their identity.
fn stack(folder: &Path) -> Array {
    let path = folder.join("in.npy");
    let pixels = ndarray::Array3::from_shape_fn((40, 300, 520), |(z, y, x)| ((z * 31 + y * 7 + x * 13 + x * y) % 4096) as u16);
    Array::from_ndarray(&pixels).save_with(&path, &options(256, 2)).unwrap();
    Array::open(path).with_axes("ZYX")
}

/// Every file below a path with its bytes; a file itself under its own name.
fn bytes_of(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![path.to_owned()];
    while let Some(next) = waiting.pop() {
        if next.is_dir() {
            waiting.extend(std::fs::read_dir(&next).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.insert(next.strip_prefix(path).unwrap().to_owned(), std::fs::read(&next).unwrap());
        }
    }
    found
}

/// What lies in a folder, hidden files too.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Runs until so many tiles of a pass are done.
fn cut_off(targets: &[(Array, &Path)], options: &Options, pass: usize, tiles: usize) -> Option<Error> {
    let session = Session::save(targets, options).unwrap();
    session
        .run(&|progress| match progress.pass.0 == pass && progress.tiles.0 >= tiles {
            true => Err(Error::caller("cut off")),
            false => Ok(()),
        })
        .err()
}

#[test]
fn every_sink_goes_on_with_the_same_bytes() {
    let folder = folder("sinks");
    let x = stack(&folder);
    let made = x.median([3, 3, 3]) + x.gaussian(1.0).mean();
    let plain = Options::default();
    let sharded = Options { chunks: Some(vec![2, 64, 64]), shards: Some(vec![8, 128, 128]), ..plain.clone() };
    let tiled = Options { tiled: true, ..plain.clone() };
    for (name, writing) in [
        ("a.zarr", &plain),
        ("shards.zarr", &sharded),
        ("a.ome.zarr", &plain),
        ("a.tif", &plain),
        ("b.tif", &tiled),
        ("a.ome.tif", &plain),
        ("a.npy", &plain),
    ] {
        let (whole, path) = (folder.join("whole"), folder.join(name));
        let _ = std::fs::remove_dir_all(&whole);
        std::fs::create_dir(&whole).unwrap();
        let asked = |memory, threads| {
            let Options { tiled, chunks, shards, .. } = writing.clone();
            Options { tiled, chunks, shards, ..options(memory, threads) }
        };
        let kept = whole.join(name);
        made.save_with(&kept, &asked(64, 2)).unwrap();
        let before = names(&folder);
        for (pass, tiles, budgets) in [(1, 2, [64, 64]), (2, 0, [64, 48]), (2, 1, [48, 128]), (2, 3, [48, 96])] {
            let error = cut_off(&[(made.clone(), &path)], &asked(budgets[0], 2), pass, tiles).expect("cut off");
            let past_one = pass == 2;
            assert!(!past_one || error.to_string().contains("what is finished is kept"), "{name}: {error}");
            assert!(!path.exists(), "{name} looks whole");
            let session = Session::save(&[(made.clone(), &path)], &asked(budgets[1], 1)).unwrap();
            let summary = session.run(&|_| Ok(())).unwrap();
            if past_one {
                assert_eq!(summary.passes[0].units_read.0, 0, "{name}: the mean is known");
                assert_eq!(summary.passes[0].passed_over, summary.passes[0].tiles);
            }
            assert!(pass == 1 || tiles < 2 || summary.resumed > 0, "{name}: nothing was kept of pass {pass}, tile {tiles}");
            assert!(bytes_of(&path) == bytes_of(&kept), "{name} cut in pass {pass} after {tiles} tiles: other bytes");
            if path.is_dir() {
                std::fs::remove_dir_all(&path).unwrap()
            } else {
                std::fs::remove_file(&path).unwrap()
            }
            assert_eq!(names(&folder), before, "{name}: something is left");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn other_work_begins_anew() {
    let folder = folder("anew");
    let x = stack(&folder);
    let (path, other) = (folder.join("a.npy"), folder.join("b.npy"));
    let asked = options(32, 2);
    let make = |sigma: f64| x.gaussian(sigma);
    make(2.0).save_with(&other, &asked).unwrap();
    // Another sigma, a source that changed, and a user who asks for it.
    cut_off(&[(make(1.0), &path)], &asked, 1, 3).expect("cut off");
    let summary = make(2.0).save_with(&path, &asked).unwrap();
    assert_eq!(summary.resumed, 0);
    assert!(bytes_of(&path) == bytes_of(&other));
    let error = make(2.0).save_with(&path, &asked).unwrap_err();
    assert!(error.to_string().contains("exists"), "{error}");
    std::fs::remove_file(&path).unwrap();
    cut_off(&[(make(2.0), &path)], &asked, 1, 3).expect("cut off");
    let restarted = make(2.0).save_with(&path, &Options { restart: true, ..asked.clone() }).unwrap();
    assert_eq!(restarted.resumed, 0);
    assert!(bytes_of(&path) == bytes_of(&other));
    std::fs::remove_file(&path).unwrap();
    // What the unfinished run wrote is gone: everything is made again.
    cut_off(&[(make(2.0), &path)], &asked, 1, 3).expect("cut off");
    std::fs::remove_file(folder.join(".a.npy.partial")).unwrap();
    let summary = make(2.0).save_with(&path, &asked).unwrap();
    assert!(bytes_of(&path) == bytes_of(&other));
    assert!(summary.passes[0].passed_over == 0);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn two_runs_do_not_write_one_output() {
    let folder = folder("two");
    let path = folder.join("a.npy");
    let x = stack(&folder).gaussian(1.0);
    let second = Cell::new(None);
    let session = Session::save(&[(x.clone(), &path)], &options(32, 2)).unwrap();
    session
        .run(&|progress| {
            if progress.tiles.0 == 2 {
                second.set(Some(x.save_with(&path, &options(32, 2)).map(|_| ())));
            }
            Ok(())
        })
        .unwrap();
    let error = second.take().expect("the first run had tiles").unwrap_err();
    assert!(error.to_string().contains("another run is writing"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Runs a session, and in the middle of it something else.
fn in_the_middle(targets: &[(Array, &Path)], what: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
    let said = Cell::new(None);
    let has_chunks = targets[0].1.extension().is_some_and(|ending| ending == "zarr");
    let session = Session::save(targets, &Options { chunks: has_chunks.then(|| vec![4, 300, 520]), ..options(32, 2) }).unwrap();
    session
        .run(&|progress| {
            if progress.tiles.0 == 2 {
                said.set(Some(what()));
            }
            Ok(())
        })
        .unwrap();
    said.take().expect("the first run had tiles")
}

#[test]
fn every_output_is_locked_however_it_is_spelled() {
    let folder = folder("locked");
    let x = stack(&folder).gaussian(1.0);
    std::fs::create_dir(folder.join("deep")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&folder, folder.join("deep/again")).unwrap();
    for (first, second) in [("a.npy", "b.npy"), ("a.tif", "b.tif"), ("a.zarr", "b.zarr"), ("a.ome.zarr", "b.ome.zarr")] {
        let (a, b) = (folder.join(first), folder.join(second));
        let targets = [(x.clone(), &*a), (x.gaussian(2.0), &*b)];
        let mut spelled = vec![b.clone(), folder.join("deep/..").join(second)];
        if cfg!(unix) {
            spelled.push(folder.join("deep/again").join(second));
        }
        for other in spelled {
            let error = in_the_middle(&targets, || x.save_with(&other, &options(256, 2)).map(|_| ())).unwrap_err();
            assert!(error.to_string().contains("another run is writing"), "{}: {error}", other.display());
            // As a second output too.
            let third = folder.join("c.npy");
            let both =
                || Session::save(&[(x.clone(), &*third), (x.clone(), &*other)], &options(256, 2))?.run(&|_| Ok(())).map(|_| ());
            let remove = || {
                [&a, &b].into_iter().for_each(|path| drop(std::fs::remove_dir_all(path).or_else(|_| std::fs::remove_file(path))))
            };
            remove();
            let error = in_the_middle(&targets, both).unwrap_err();
            assert!(error.to_string().contains("another run is writing"), "{}: {error}", other.display());
            assert!(!third.exists(), "an output of a run that was refused");
            remove();
            let error = Session::save(&[(x.clone(), &*b), (x.clone(), &*other)], &options(256, 2)).map(|_| ()).unwrap_err();
            assert!(error.to_string().contains("two results would be written"), "{error}");
        }
    }
    assert!(!names(&folder).iter().any(|name| name.ends_with(".lock")), "{:?}", names(&folder));
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A run goes on with nothing of an output that another one began since, whichever of its outputs it is.
#[test]
fn what_another_run_began_is_not_gone_on_with() {
    let folder = folder("began");
    let x = stack(&folder);
    let (own, shared, others) = (folder.join("a.npy"), folder.join("shared.npy"), folder.join("b.npy"));
    let asked = options(32, 2);
    let targets: [(Array, &Path); 2] = [(x.gaussian(1.0), &own), (x.gaussian(2.0), &shared)];
    let wanted = targets[1].0.compute_with(&options(512, 2)).unwrap().tile.data.bytes().to_vec();
    for is_first in [true, false] {
        cut_off(&targets, &asked, 1, 3).expect("cut off");
        let other = x.maximum_filter([3, 3, 3]);
        let of_other: Vec<(Array, &Path)> =
            if is_first { vec![(other, &shared)] } else { vec![(x.gaussian(3.0), &others), (other, &shared)] };
        cut_off(&of_other, &asked, 1, 3).expect("cut off too");
        let summary = Session::save(&targets, &asked).unwrap().run(&|_| Ok(())).unwrap();
        assert_eq!(summary.resumed, 0, "first of the other run: {is_first}");
        let made = std::fs::read(&shared).unwrap();
        assert!(made[made.len() - wanted.len()..] == wanted[..], "first of the other run: {is_first}");
        for path in [&own, &shared] {
            std::fs::remove_file(path).unwrap();
        }
        // Alone, it goes on.
        cut_off(&targets, &asked, 1, 3).expect("cut off");
        assert!(Session::save(&targets, &asked).unwrap().run(&|_| Ok(())).unwrap().resumed > 0);
        for path in [&own, &shared] {
            std::fs::remove_file(path).unwrap();
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
