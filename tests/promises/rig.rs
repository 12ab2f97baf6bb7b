//! Folders, a stack in every format, runs that are cut off, and what is left of them.

use stackmill::graph::Array;
use stackmill::run::Summary;
use stackmill::{Error, Options, Result, Session};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("stackmill-promises-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder.canonicalize().unwrap()
}

/// Ways of writing a stack: the output's name, and how it is cut.
pub fn ways() -> Vec<(&'static str, Options)> {
    let plain = Options { memory: Some(64 << 20), threads: Some(2), ..Options::default() };
    let chunks = Options { chunks: Some(vec![4, 40, 32]), ..plain.clone() };
    vec![
        ("o.npy", plain.clone()),
        ("o.tif", plain.clone()),
        ("tiles.tif", Options { tiled: true, ..plain.clone() }),
        ("o.ome.tif", plain),
        ("o.zarr", chunks.clone()),
        ("shards.zarr", Options { shards: Some(vec![4, 80, 64]), ..chunks.clone() }),
        ("o.ome.zarr", chunks),
    ]
}

/// The same as flags of the command line.
pub fn flags(options: &Options) -> Vec<String> {
    let list =
        |extents: &Option<Vec<usize>>| extents.as_ref().map(|e| e.iter().map(usize::to_string).collect::<Vec<_>>().join(","));
    let mut flags = vec!["--memory=64MiB".to_owned(), "--threads=2".to_owned(), "--progress=never".to_owned()];
    flags.extend(options.tiled.then(|| "--tiled".to_owned()));
    flags.extend(list(&options.chunks).map(|e| format!("--chunks={e}")));
    flags.extend(list(&options.shards).map(|e| format!("--shards={e}")));
    flags
}

/// Planes, rows and columns that make several commit units of a file of this name.
pub fn shape_for(name: &str) -> [usize; 3] {
    if name.ends_with(".npy") { [24, 512, 512] } else { [24, 80, 64] }
}

/// The tiles in which such a stack is made.
fn tile_for(name: &str) -> Option<Vec<usize>> {
    Some(if name.ends_with(".npy") { vec![8, 512, 512] } else { vec![4, 80, 64] })
}

/// A number of the stack of a seed; never 0, so that what is not written is seen.
fn number(seed: usize, z: usize, y: usize, x: usize) -> u16 {
    ((z * 31 + y * 7 + x * 13 + x * y + seed * (x + 3 * z + 1)) % 4096 + 1) as u16
}

pub fn pixels(seed: usize, [planes, rows, columns]: [usize; 3]) -> Array {
    Array::from_ndarray(&ndarray::Array3::from_shape_fn((planes, rows, columns), |(z, y, x)| number(seed, z, y, x)))
}

/// Writes a stack of a seed in chunks of two planes; a folder of files where the name has no ending.
pub fn write(path: &Path, seed: usize, shape: [usize; 3]) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let tiled = name.starts_with("tiles");
    let chunks = name.ends_with(".zarr").then(|| vec![2, 40, 32]);
    let options = Options { memory: Some(64 << 20), threads: Some(2), overwrite: true, tiled, chunks, ..Options::default() };
    if path.extension().is_some() {
        pixels(seed, shape).with_axes("ZYX").save_with(path, &options).unwrap();
        return;
    }
    std::fs::create_dir_all(path).unwrap();
    for z in 0..shape[0] {
        let plane = ndarray::Array2::from_shape_fn((shape[1], shape[2]), |(y, x)| number(seed, z, y, x));
        Array::from_ndarray(&plane).save_with(path.join(format!("p{z}.tif")), &options).unwrap();
    }
}

/// Every file below a path with its bytes; a file itself under its own name.
pub fn bytes_of(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![path.to_owned()];
    while let Some(next) = waiting.pop() {
        if next.is_dir() && !next.is_symlink() {
            waiting.extend(std::fs::read_dir(&next).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            // Of a link, where it leads.
            let bytes = std::fs::read_link(&next).map(|to| to.into_os_string().into_encoded_bytes());
            found.insert(next.strip_prefix(path).unwrap().to_owned(), bytes.unwrap_or_else(|_| std::fs::read(&next).unwrap()));
        }
    }
    found
}

/// What lies in a folder, hidden files too.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The numbers that a file holds.
pub fn numbers(path: &Path) -> Vec<u8> {
    computed(&Array::open(path))
}

pub fn computed(array: &Array) -> Vec<u8> {
    let options = Options { memory: Some(512 << 20), threads: Some(2), ..Options::default() };
    array.compute_with(&options).unwrap().tile.data.bytes().to_vec()
}

/// Removes a file or a folder, whoever writes into it meanwhile.
pub fn remove(path: &Path) {
    if !path.is_dir() {
        return std::fs::remove_file(path).unwrap();
    }
    while let Err(error) = std::fs::remove_dir_all(path) {
        assert_eq!(error.kind(), std::io::ErrorKind::DirectoryNotEmpty, "{}", path.display());
    }
}

/// Copies a file or a folder with all that lies in it.
pub fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        std::fs::copy(from, to).unwrap();
        return;
    }
    std::fs::create_dir_all(to).unwrap();
    for name in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().file_name()) {
        copy(&from.join(&name), &to.join(&name));
    }
}

/// Saves, and does something once in the middle of it.
pub fn amid(targets: &[(Array, &Path)], options: &Options, what: impl Fn()) -> Result<Summary> {
    let done = std::cell::Cell::new(false);
    let tile = tile_for(&targets[0].1.to_string_lossy());
    let done_in = Session::save(targets, &Options { tile, ..options.clone() })?.run(&|progress| {
        // Some of it is written then.
        if progress.tiles.0 >= progress.tiles.1 / 2 && !done.replace(true) {
            what();
        }
        Ok(())
    });
    assert!(done.get(), "there was no middle");
    done_in
}

/// Saves until some of it is written.
pub fn cut_off(targets: &[(Array, &Path)], options: &Options) {
    let tile = tile_for(&targets[0].1.to_string_lossy());
    let session = Session::save(targets, &Options { tile, ..options.clone() }).unwrap();
    let passes = session.plan().passes.len();
    let cut = session.run(&|progress| match progress.pass.0 == passes && progress.tiles.0 > progress.tiles.1 / 2 {
        true => Err(Error::caller("cut off")),
        false => Ok(()),
    });
    assert!(cut.unwrap_err().to_string().contains("cut off"));
}
