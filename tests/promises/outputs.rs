//! What is written: never what is read, never moved or emptied unseen, under names as they are spelled.

use super::rig::{amid, bytes_of, computed, copy, cut_off, folder, names, numbers, pixels, remove, shape_for, ways, write};
use stackmill::graph::Array;
use stackmill::{Options, Session};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn options() -> Options {
    Options { memory: Some(64 << 20), threads: Some(2), overwrite: true, ..Options::default() }
}

fn stackmill(folder: &Path, words: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stackmill"));
    let done = command.current_dir(folder).args(words).output().unwrap();
    (done.status.code().unwrap(), String::from_utf8_lossy(&done.stderr).into_owned())
}

/// The unfinished output beside one.
fn partial_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap().to_str().unwrap();
    let hidden = if name.ends_with(".zarr") { "" } else { "." };
    path.with_file_name(format!("{hidden}{name}.partial"))
}

/// A file of an unfinished output that holds numbers.
fn data_of(partial: &Path) -> PathBuf {
    let name = bytes_of(partial).into_iter().find(|(_, bytes)| !bytes.is_empty()).unwrap().0;
    if name.as_os_str().is_empty() { partial.to_owned() } else { partial.join(name) }
}

type Harm = fn(&Path);

/// What happens to an unfinished output while it is written.
const HARMS: [(&str, Harm); 6] = [
    ("moved", |partial| fs::rename(partial, partial.with_extension("away")).unwrap()),
    ("removed", |partial| remove(partial)),
    ("another in its place", |partial| {
        let away = partial.with_extension("away");
        fs::rename(partial, &away).unwrap();
        copy(&away, partial);
    }),
    ("its folder moved", |partial| {
        let folder = partial.parent().unwrap();
        fs::rename(folder, folder.with_extension("away")).unwrap();
    }),
    ("a file removed", |partial| remove(&data_of(partial))),
    ("a file cut short", |partial| {
        let file = fs::File::options().write(true).open(data_of(partial)).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    }),
];

#[test]
fn an_output_that_is_moved_removed_or_emptied_during_the_run_is_an_error() {
    let folder = folder("moved");
    for (way, options) in ways() {
        let source = folder.join("in.npy");
        write(&source, 1, shape_for(way));
        let x = Array::open(&source).with_axes("ZYX") + 1;
        for (words, harm) in HARMS {
            let place = folder.join("place");
            fs::create_dir(&place).unwrap();
            let path = place.join(way);
            let done = amid(&[(x.clone(), &path)], &options, || harm(&partial_of(&path)));
            let error = done.err().unwrap_or_else(|| panic!("{way}, {words}: nothing noticed")).to_string();
            let says = ["moved or removed", "cut short", "were put into it"].iter().any(|words| error.contains(words));
            assert!(says, "{way}, {words}: {error}");
            assert!(!path.exists(), "{way}, {words}: looks whole");
            if !place.exists() {
                fs::rename(place.with_extension("away"), &place).unwrap();
            }
            // Once nobody does harm, the same work is done.
            x.save_with(&path, &options).unwrap_or_else(|e| panic!("{way}, {words}: {e}"));
            assert!(numbers(&path) == computed(&x), "{way}, {words}: wrong numbers after it");
            remove(&place);
        }
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// Another run's output, and one that a run of another name left, stay as they are.
#[test]
fn what_a_run_did_not_make_it_does_not_remove() {
    let folder = folder("theirs");
    for (way, options) in ways() {
        write(&folder.join("in.npy"), 1, shape_for(way));
        let x = Array::open(folder.join("in.npy")).with_axes("ZYX") + 1;
        let path = folder.join(way);
        let theirs = || {
            let partial = partial_of(&path);
            fs::rename(&partial, folder.join("away")).unwrap();
            if way.ends_with(".zarr") { fs::create_dir(&partial).unwrap() } else { fs::write(&partial, b"theirs").unwrap() }
        };
        amid(&[(x, &path)], &options, theirs).unwrap_err();
        assert!(partial_of(&path).exists(), "{way}");
        names(&folder).iter().for_each(|name| remove(&folder.join(name)));
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn an_input_is_never_an_output_whatever_it_is_called() {
    let folder = folder("inputs");
    let at = |name: &str| folder.join(name);
    for name in ["a.npy", "a.tif", "planes", "g.zarr"] {
        write(&at(name), 1, [6, 80, 64]);
    }
    // A group with an array in it, and an image.
    fs::create_dir(at("group.zarr")).unwrap();
    fs::write(at("group.zarr/zarr.json"), r#"{"zarr_format":3,"node_type":"group"}"#).unwrap();
    write(&at("group.zarr/sub.zarr"), 1, [6, 80, 64]);
    let image = ways().into_iter().last().unwrap();
    pixels(1, [6, 80, 64]).with_axes("ZYX").save_with(at("image.ome.zarr"), &image.1).unwrap();
    fs::hard_link(at("a.npy"), at("hard.npy")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&folder, at("again")).unwrap();
        std::os::unix::fs::symlink(at("a.tif"), at("soft.tif")).unwrap();
    }
    let before = bytes_of(&folder);
    let pairs = [
        ("a.npy", "a.npy"),
        ("a.npy", "./a.npy"),
        ("a.npy", "hard.npy"),
        ("hard.npy", "a.npy"),
        ("a.npy", "again/a.npy"),
        ("again/a.npy", "a.npy"),
        ("soft.tif", "a.tif"),
        ("a.tif", "soft.tif"),
        ("planes", "planes/p1.tif"),
        ("planes/*.tif", "planes/p1.tif"),
        ("planes/p?.tif", "again/planes/p3.tif"),
        ("g.zarr", "g.zarr"),
        ("g.zarr", "again/g.zarr"),
        ("g.zarr", "g.zarr/new.zarr"),
        ("g.zarr", "g.zarr/o.npy"),
        ("group.zarr", "group.zarr"),
        ("group.zarr", "group.zarr/sub.zarr"),
        ("group.zarr", "group.zarr/new.zarr"),
        ("group.zarr/sub.zarr", "group.zarr"),
        ("image.ome.zarr", "image.ome.zarr"),
        ("image.ome.zarr", "image.ome.zarr/1.zarr"),
        ("image.ome.zarr/0", "image.ome.zarr"),
    ];
    for (input, output) in pairs {
        let (path, x) = (at(output), Array::open(at(input)));
        let error = x.save_with(&path, &options()).map(|_| ()).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{input} to {output}: {error}");
        assert!(error.to_string().contains("read") && error.to_string().contains("hint: "), "{input} to {output}: {error}");
        // As a second output, of a pipeline in which it is the second input.
        let other = Array::open(at("a.tif"));
        let both = [(other.clone() + 1, at("other.npy")), (other.flip() + x.clone(), path.clone())];
        let targets: Vec<(Array, &Path)> = both.iter().map(|(array, path)| (array.clone(), path.as_path())).collect();
        assert!(Session::save(&targets, &options()).is_err(), "{input} to {output} beside another");
        let (code, said) = stackmill(&folder, &["run", input, output, "x + 1", "--overwrite"]);
        assert!(code == 2 && said.contains("read"), "{input} to {output}: {code} {said}");
        assert!(bytes_of(&folder) == before, "{input} to {output}: something is written");
    }
    // Beside what is read there is room.
    for (input, output) in [("planes", "planes/new.tif"), ("group.zarr/sub.zarr", "group.zarr/new.zarr"), ("a.npy", "b.npy")] {
        Array::open(at(input)).save_with(at(output), &options()).unwrap_or_else(|e| panic!("{input} to {output}: {e}"));
    }
    // Nor is a trace written over metadata.
    let trace = ["run", "g.zarr", "o.npy", "x + 1", "--trace", "g.zarr/zarr.json"];
    let (code, said) = stackmill(&folder, &trace);
    assert!(code == 2 && said.contains("read"), "{said}");
    // Nor an output into another.
    let (code, said) = stackmill(&folder, &["run", "a.npy", "g.zarr", "y = x + 1\nx", "-o", "y=g.zarr/y.npy", "--overwrite"]);
    assert!(code == 2 && said.contains("written"), "{said}");
    assert_eq!(bytes_of(&at("g.zarr")).len(), before.keys().filter(|name| name.starts_with("g.zarr")).count());
    fs::remove_dir_all(&folder).unwrap();
}

/// What a run keeps beside its output may be somebody's input.
#[test]
fn an_input_is_not_what_a_run_keeps_beside_its_output() {
    let folder = folder("beside");
    write(&folder.join("planes"), 1, [2, 80, 64]);
    fs::rename(folder.join("planes/p0.tif"), folder.join("planes/.o.tif.partial")).unwrap();
    let x = Array::open(folder.join("planes/.o.tif.p*"));
    let wanted = computed(&x);
    let error = x.save_with(folder.join("planes/o.tif"), &options()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("is read and would be lost"), "{error}");
    assert!(computed(&x) == wanted);
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn names_are_taken_as_they_are_spelled() {
    let folder = folder("names");
    write(&folder.join("in.npy"), 1, [6, 80, 64]);
    let run = |output: &str| stackmill(&folder, &["run", "in.npy", output, "x + 1", "--progress=never"]);
    for output in ["o.npy/", "o.tif/", "o.npy/.", "./o.ome.tif/"] {
        let before = names(&folder);
        let (code, said) = run(output);
        assert!(code == 2 && said.contains("ends as a folder's name does"), "{output}: {said}");
        assert_eq!(names(&folder), before, "{output}");
    }
    for output in ["o.zarr/", "o.ome.zarr/", "p.zarr/."] {
        let (code, said) = run(output);
        assert_eq!(code, 0, "{output}: {said}");
        assert!(numbers(&folder.join(output)) == computed(&(Array::open(folder.join("in.npy")) + 1)), "{output}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// A folder that may not be entered is not one that is not there. Whoever may do everything becomes somebody else for it.
#[cfg(unix)]
#[test]
fn what_may_not_be_looked_at_is_not_called_missing() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::process::CommandExt;
    let folder = folder("permission");
    let program = folder.join("stackmill");
    fs::copy(env!("CARGO_BIN_EXE_stackmill"), &program).unwrap();
    let allowed = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for name in ["closed", "open", "planes"] {
        fs::create_dir(folder.join(name)).unwrap();
    }
    write(&folder.join("closed/in.npy"), 1, [2, 8, 8]);
    write(&folder.join("closed/g.zarr"), 1, [2, 8, 8]);
    write(&folder.join("open/in.npy"), 1, [2, 8, 8]);
    write(&folder.join("planes"), 1, [2, 8, 8]);
    symlink("loop", folder.join("loop")).unwrap();
    allowed(&folder.join("closed"), 0o644);
    allowed(&folder.join("planes"), 0o644);
    allowed(&folder.join("open"), 0o777);
    let run = |words: &[&str]| {
        let mut command = Command::new(&program);
        // Not for root: it may enter everything.
        if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
            command.uid(65534).gid(65534);
        }
        let done = command.current_dir(&folder).env("STACKMILL_CACHE", "none").args(words).output().unwrap();
        (done.status.code().unwrap(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    for input in ["closed/in.npy", "closed/g.zarr", "closed/*.tif", "planes", "planes/*.tif"] {
        let (code, said) = run(&["run", input, "open/o.npy", "x + 1"]);
        assert!(code == 2 && said.contains("ermission denied"), "{input}: {said}");
    }
    for output in ["closed/o.npy", "closed/o.zarr", "closed/o.tif"] {
        let (code, said) = run(&["run", "open/in.npy", output, "x + 1"]);
        assert!(code == 2 && said.contains("ermission denied"), "{output}: {said}");
    }
    let (_, said) = run(&["run", "loop/in.npy", "open/o.npy", "x + 1"]);
    assert!(said.contains("symbolic links"), "{said}");
    for name in ["closed", "planes"] {
        allowed(&folder.join(name), 0o755);
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// A link whose end is gone is something lost: no fill value, no stack that is one plane shorter.
#[cfg(unix)]
#[test]
fn links_without_an_end_are_errors() {
    use std::os::unix::fs::symlink;
    let folder = folder("links");
    let link = |path: &Path| {
        let away = folder.join("away");
        fs::rename(path, &away).unwrap();
        symlink(&away, path).unwrap();
        away
    };
    for (source, part) in
        [("in.zarr", "c/1/0/0"), ("in.zarr", "c/1"), ("in.zarr", "c"), ("in.zarr", "zarr.json"), ("planes", "p1.tif")]
    {
        let path = folder.join(source);
        write(&path, 1, [6, 80, 64]);
        let wanted = numbers(&path);
        let away = link(&path.join(part));
        assert!(numbers(&path) == wanted, "{part}: a link with an end is followed");
        remove(&away);
        let x = Array::open(&path);
        let made = x.compute_with(&options()).map(|_| ());
        let error = made.expect_err(part).to_string();
        assert!(error.contains("No such file"), "{part}: {error}");
        remove(&path);
    }
    // What was never stored is the fill value.
    write(&folder.join("in.zarr"), 1, [6, 80, 64]);
    remove(&folder.join("in.zarr/c/1"));
    assert!(numbers(&folder.join("in.zarr")).chunks(2).any(|number| number == [0, 0]));
    fs::remove_dir_all(&folder).unwrap();
}

/// An unfinished output that lies elsewhere, with a link in its place, is not gone on with: the link would get the name.
#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_an_unfinished_output_is_nothing_to_go_on_with() {
    let folder = folder("linked");
    for (way, options) in ways() {
        write(&folder.join("in.npy"), 1, shape_for(way));
        let (x, path) = (Array::open(folder.join("in.npy")).with_axes("ZYX") + 1, folder.join(way));
        cut_off(&[(x.clone(), &path)], &options);
        fs::rename(partial_of(&path), folder.join("away")).unwrap();
        std::os::unix::fs::symlink(folder.join("away"), partial_of(&path)).unwrap();
        let away = bytes_of(&folder.join("away"));
        x.save_with(&path, &options).unwrap_or_else(|e| panic!("{way}: {e}"));
        assert!(!path.is_symlink() && numbers(&path) == computed(&x), "{way}: wrong numbers");
        assert!(bytes_of(&folder.join("away")) == away, "{way}: something is written elsewhere");
        names(&folder).iter().for_each(|name| remove(&folder.join(name)));
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// Names that are no text do not share what lies beside them.
#[cfg(target_os = "linux")]
#[test]
fn outputs_whose_names_are_no_text_are_each_their_own() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder("bytes");
    for (way, options) in ways() {
        write(&folder.join("in.npy"), 1, shape_for(way));
        let named = |byte: u8| {
            let name = [&[byte][..], way.as_bytes()].concat();
            folder.join(std::ffi::OsStr::from_bytes(&name))
        };
        let x = Array::open(folder.join("in.npy")).with_axes("ZYX");
        let (one, other) = (named(0xfe), named(0xff));
        let (first, second) = (x.clone() + 1, x.clone() + 2);
        amid(&[(first.clone(), &one)], &options, || {
            second.save_with(&other, &options).unwrap();
        })
        .unwrap();
        assert!(numbers(&one) == computed(&first) && numbers(&other) == computed(&second), "{way}");
        [&one, &other].into_iter().for_each(|path| remove(path));
        cut_off(&[(first.clone(), &one)], &options);
        second.save_with(&other, &options).unwrap();
        assert!(first.save_with(&one, &options).unwrap().resumed > 0, "{way}");
        assert!(numbers(&one) == computed(&first) && numbers(&other) == computed(&second), "{way}");
        fs::read_dir(&folder).unwrap().for_each(|entry| remove(&entry.unwrap().path()));
    }
    fs::remove_dir_all(&folder).unwrap();
}
