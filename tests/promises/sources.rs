//! A source that changes between two runs, or during one, is noticed, in every format and however little of it tells.

use super::rig::{amid, bytes_of, computed, cut_off, folder, names, numbers, remove, shape_for, ways, write};
use stackmill::graph::Array;
use stackmill::{Options, Session};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Sources by their names: files, a folder of files, chunk files deep in folders, and in one folder.
const SOURCES: [&str; 6] = ["in.npy", "in.tif", "tiles.tif", "planes", "in.zarr", "flat.zarr"];

fn made(folder: &Path, name: &str, seed: usize, shape: [usize; 3]) -> PathBuf {
    let path = folder.join(name);
    write(&path, seed, shape);
    if name == "flat.zarr" {
        flatten(&path);
    }
    path
}

/// The chunk files of a Zarr of version 3 in one folder: keys with dots.
fn flatten(path: &Path) {
    let document = fs::read_to_string(path.join("zarr.json")).unwrap();
    fs::write(path.join("zarr.json"), document.replace("\"separator\": \"/\"", "\"separator\": \".\"")).unwrap();
    for name in bytes_of(path).into_keys().filter(|name| name.starts_with("c")) {
        let flat = name.to_str().unwrap().replace('/', ".");
        fs::rename(path.join(&name), path.join(flat)).unwrap();
    }
    fs::remove_dir_all(path.join("c")).unwrap();
}

/// The files that hold the numbers.
fn data(path: &Path) -> Vec<PathBuf> {
    let whole = |name: PathBuf| if name.as_os_str().is_empty() { path.to_owned() } else { path.join(name) };
    let mut all: Vec<PathBuf> = bytes_of(path).into_keys().filter(|name| !name.ends_with("zarr.json")).map(whole).collect();
    all.reverse();
    all
}

fn times(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

/// The file in place with what another stack has there, its time set back.
fn rewritten(path: &Path, other: &Path) {
    let time = times(path);
    fs::write(path, fs::read(other).unwrap()).unwrap();
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// The same under another file with its name.
fn replaced(path: &Path, other: &Path) {
    let beside = path.with_extension("new");
    fs::copy(path, &beside).unwrap();
    rewritten(&beside, other);
    fs::rename(&beside, path).unwrap();
}

type Change = fn(&Path, &Path);

/// What happens to one of the files that hold the numbers.
const CHANGES: [(&str, Change); 3] =
    [("rewritten", rewritten), ("replaced", replaced), ("removed", |path, _| fs::remove_file(path).unwrap())];

#[test]
fn a_source_that_changes_during_a_run_stops_it_at_its_end() {
    let (folder, others) = (folder("during"), folder("during-others"));
    let (way, options) = &ways()[4];
    let path = folder.join(way);
    for name in SOURCES {
        let other = made(&others, name, 2, shape_for("o.tif"));
        for (words, change) in CHANGES {
            let source = made(&folder, name, 1, shape_for("o.tif"));
            let before = names(&folder);
            // The first file, which was read, or the last, which is still to be.
            let (files, theirs) = (data(&source), data(&other));
            for (file, their) in [(&files[0], &theirs[0]), (&files[files.len() - 1], &theirs[theirs.len() - 1])] {
                let (kept, x) = (fs::read(file).unwrap(), Array::open(&source).with_axes("ZYX"));
                let error = amid(&[(&x + 1, &path)], options, || change(file, their)).err();
                let error = error.unwrap_or_else(|| panic!("{name} {words}: nothing noticed")).to_string();
                let says = error.contains("changed") || words == "removed" && error.contains("No such file");
                assert!(says, "{name} {words}: {error}");
                fs::write(file, kept).unwrap();
                assert_eq!(names(&folder), before, "{name} {words}: something is left");
            }
            remove(&source);
        }
    }
    [folder, others].iter().for_each(|folder| fs::remove_dir_all(folder).unwrap());
}

#[test]
fn nothing_is_computed_into_memory_of_a_source_that_changes() {
    let (folder, others) = (folder("memory"), folder("memory-others"));
    for name in SOURCES {
        let other = made(&others, name, 2, shape_for("o.tif"));
        let source = made(&folder, name, 1, shape_for("o.tif"));
        let x = Array::open(&source).with_axes("ZYX");
        let tile = Some(vec![4, 80, 64]);
        let options = Options { memory: Some(64 << 20), threads: Some(2), tile, ..Options::default() };
        let (session, sink) = Session::in_memory(&(&x + 1), &options).unwrap();
        let once = std::cell::Cell::new(false);
        let done = session.run(&|progress| {
            if progress.tiles.0 == 3 && !once.replace(true) {
                rewritten(&data(&source)[0], &data(&other)[0]);
            }
            Ok(())
        });
        assert!(done.is_err() && sink.take().is_err(), "{name}");
        remove(&source);
    }
    [folder, others].iter().for_each(|folder| fs::remove_dir_all(folder).unwrap());
}

#[test]
fn what_a_run_made_of_another_content_is_not_gone_on_with() {
    let (folder, others) = (folder("between"), folder("between-others"));
    fs::create_dir(folder.join("out")).unwrap();
    for ((way, options), name) in ways().iter().cycle().zip(SOURCES.iter().chain(&SOURCES)) {
        let (path, shape) = (folder.join("out").join(way), shape_for(way));
        let other = made(&others, name, 2, shape);
        for (words, change) in CHANGES {
            let source = made(&folder, name, 1, shape);
            let x = || Array::open(&source).with_axes("ZYX") + 1;
            cut_off(&[(x(), &path)], options);
            if words == "removed" && !name.ends_with(".zarr") {
                remove(&source);
                write(&source, 2, shape);
            } else {
                change(&data(&source)[0], &data(&other)[0]);
            }
            let summary = x().save_with(&path, options).unwrap();
            assert_eq!(summary.resumed, 0, "{way} of {name} {words}");
            assert!(numbers(&path) == computed(&x()), "{way} of {name} {words}: wrong numbers");
            remove(&path);
            remove(&source);
        }
        // Unchanged, it is gone on with.
        let source = made(&folder, name, 1, shape);
        let x = || Array::open(&source).with_axes("ZYX") + 1;
        cut_off(&[(x(), &path)], options);
        let summary = x().save_with(&path, options).unwrap();
        assert!(summary.resumed > 0, "{way} of {name}");
        assert!(numbers(&path) == computed(&x()), "{way} of {name}: wrong numbers");
        [path, source, other].iter().for_each(|path| remove(path));
    }
    [folder, others].iter().for_each(|folder| fs::remove_dir_all(folder).unwrap());
}

/// What was opened and is another content when it is computed is an error; what only lost its name is not.
#[test]
fn what_changed_since_it_was_opened_is_an_error() {
    let folder = folder("opened");
    for name in SOURCES {
        let source = made(&folder, name, 1, shape_for("o.tif"));
        let x = Array::open(&source);
        let wanted = computed(&x);
        remove(&source);
        made(&folder, name, 1, [12, 40, 32]);
        let made_of_it = x.compute_with(&ways()[0].1).map(|made| made.tile.data.bytes().to_vec());
        // A file that is open and was removed is still what it was.
        let is_held = name.contains("in.npy") || name.ends_with(".tif");
        match made_of_it {
            Ok(made) => assert!(cfg!(unix) && is_held && made == wanted, "{name}"),
            Err(error) => {
                assert!(error.to_string().contains("changed") || error.to_string().contains("No such file"), "{name}: {error}")
            }
        }
        remove(&source);
        // Written anew in place.
        if is_held {
            let source = made(&folder, name, 1, shape_for("o.tif"));
            let (x, other) = (Array::open(&source), fs::read(&source).unwrap());
            fs::write(&source, &other[..other.len() / 2]).unwrap();
            let error = x.compute_with(&ways()[0].1).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("changed after it was opened"), "{name}: {error}");
            remove(&source);
        }
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// What is not read may change.
#[test]
fn chunks_and_files_that_nobody_reads_may_change() {
    let folder = folder("unread");
    let (way, options) = &ways()[4];
    let path = folder.join(way);
    for name in ["planes", "in.zarr", "flat.zarr"] {
        let source = made(&folder, name, 1, shape_for("o.tif"));
        let x = Array::open(&source).with_axes("ZYX");
        let first = stackmill::language::evaluate("x[0:12]", &x, &[]).unwrap().result;
        let wanted = computed(&first);
        let last = data(&source).into_iter().find(|file| ["p23.tif", "11"].iter().any(|last| tells(file, last))).unwrap();
        let theirs = data(&source)[0].clone();
        amid(&[(first.clone(), &path)], options, || rewritten(&last, &theirs)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(numbers(&path) == wanted);
        remove(&path);
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// Whether a file is the last plane, or in the last row of chunks along z.
fn tells(file: &Path, last: &str) -> bool {
    file.ends_with(last) || file.components().any(|part| part.as_os_str() == last) || file.to_str().unwrap().contains("c.11.")
}
