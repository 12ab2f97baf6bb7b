//! Unfinished outputs are not trusted: a byte that is another one since it was written is noticed or harmless, in every format.

use super::rig::{bytes_of, computed, copy, cut_off, folder, names, numbers, remove, shape_for, ways, write};
use stackmill::graph::Array;
use stackmill::{Error, Options, Session};
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes that are changed in all, and in one unfinished output.
const PLACES: usize = 200;
const AT_ONCE: usize = 20;

/// A small generator (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

/// Changes one byte of what lies unfinished there: of all that is not empty, in proportion to its length.
fn flip(files: &[PathBuf], chance: &mut Chance) {
    let lengths: Vec<usize> = files.iter().map(|file| fs::metadata(file).map_or(0, |meta| meta.len() as usize)).collect();
    let mut at = chance.below(lengths.iter().sum());
    for (file, length) in files.iter().zip(lengths) {
        if at < length {
            let mut bytes = fs::read(file).unwrap();
            bytes[at] ^= 1 << chance.below(8);
            return fs::write(file, bytes).unwrap();
        }
        at -= length;
    }
}

/// Puts back what was kept of a folder.
fn put_back(kept: &Path, folder: &Path) {
    names(folder).iter().for_each(|name| remove(&folder.join(name)));
    copy(kept, folder);
}

/// What lies unfinished in a folder, empty files left out.
fn unfinished(folder: &Path) -> Vec<PathBuf> {
    bytes_of(folder).into_iter().filter(|(_, bytes)| !bytes.is_empty()).map(|(name, _)| folder.join(name)).collect()
}

/// Goes on after bytes were changed: the same bytes as in one go, or an error. `run` says how many units were gone on with.
fn tried(words: &str, folder: &Path, at_once: usize, run: impl Fn() -> Result<u64, Error>, is_right: impl Fn() -> bool) {
    let kept = folder.with_extension("kept");
    copy(folder, &kept);
    let all = run().unwrap();
    assert!(all > 0 && is_right(), "{words}: nothing is gone on with");
    let (mut chance, mut noticed) = (Chance(7), 0);
    for trial in 0..PLACES / at_once {
        put_back(&kept, folder);
        let files = unfinished(folder);
        (0..at_once).for_each(|_| flip(&files, &mut chance));
        match run() {
            Ok(resumed) => {
                assert!(is_right(), "{words}: wrong bytes after changes of trial {trial}");
                noticed += usize::from(resumed < all);
            }
            Err(error) => {
                let looks_whole = |name: &String| !name.starts_with('.') && !name.ends_with(".partial");
                assert!(!names(folder).iter().any(looks_whole), "{words}: {error}");
                noticed += 1;
            }
        }
    }
    assert!(noticed > PLACES / at_once / 2, "{words}: {noticed} of {} noticed", PLACES / at_once);
    // One byte of the numbers costs one unit, not all of them.
    put_back(&kept, folder);
    let is_kept_beside =
        |file: &&PathBuf| file.extension().is_some_and(|e| ["journal", "lock", "scratch"].iter().any(|end| e == *end));
    let data: Vec<PathBuf> = unfinished(folder).iter().filter(|file| !is_kept_beside(file)).cloned().collect();
    flip(&data, &mut chance);
    let resumed = run().unwrap();
    assert!(is_right() && resumed + 1 >= all, "{words}: {resumed} of {all} gone on with after one change");
    put_back(&kept, folder);
    names(folder).iter().for_each(|name| remove(&folder.join(name)));
    fs::remove_dir_all(kept).unwrap();
}

#[test]
fn a_byte_that_changed_in_an_unfinished_output_is_noticed() {
    let (inputs, folder, whole) = (folder("flips-in"), folder("flips"), folder("flips-whole"));
    for (way, options) in ways() {
        write(&inputs.join("in.npy"), 1, shape_for(way));
        let x = Array::open(inputs.join("in.npy")).with_axes("ZYX") + 1;
        let path = folder.join(way);
        x.save_with(whole.join(way), &options).unwrap();
        let wanted = bytes_of(&whole.join(way));
        cut_off(&[(x.clone(), &path)], &options);
        let run = || Session::save(&[(x.clone(), &path)], &options)?.run(&|_| Ok(())).map(|summary| summary.resumed as u64);
        tried(way, &folder, AT_ONCE, run, || bytes_of(&path) == wanted);
    }
    for folder in [inputs, folder, whole] {
        fs::remove_dir_all(&folder).unwrap();
    }
}

#[test]
fn a_byte_that_changed_in_scratch_is_noticed() {
    let (inputs, folder) = (folder("scratch-in"), folder("scratch"));
    let pixels = ndarray::Array3::from_shape_fn((6, 1024, 1280), |(z, y, x)| ((z * 831 + y * 7 + x * 13 + x * y) % 4096) as u16);
    let options = |memory: u64, chunks: &[usize]| Options {
        memory: Some(memory << 20),
        threads: Some(2),
        chunks: Some(chunks.to_vec()),
        ..Options::default()
    };
    Array::from_ndarray(&pixels).save_with(inputs.join("in.zarr"), &options(512, &[1, 256, 256])).unwrap();
    let x = Array::open(inputs.join("in.zarr"));
    let std = x.std_with(stackmill::ops::reduce::Std { axis: 0.into(), ..Default::default() });
    let (path, asked, wanted) = (folder.join("o.zarr"), options(13, &[256, 256]), computed(&std));
    let session = || Session::save(&[(std.clone(), &path)], &asked);
    assert_eq!(session().unwrap().plan().stored.len(), 1, "no scratch");
    let cut = session().unwrap().run(&|progress| match progress.pass.0 == 2 && progress.tiles.0 > 4 {
        true => Err(Error::caller("cut off")),
        false => Ok(()),
    });
    assert!(cut.is_err());
    // Of what is in scratch the first pass says how much it passed over.
    let run = || session()?.run(&|_| Ok(())).map(|summary| (summary.resumed + summary.passes[0].passed_over) as u64);
    tried("scratch", &folder, 2 * AT_ONCE, run, || numbers(&path) == wanted);
    for folder in [inputs, folder] {
        fs::remove_dir_all(&folder).unwrap();
    }
}

/// What another run left under the name of a second output is not taken for one's own, locks or not.
#[test]
fn what_lies_there_of_another_run_is_noticed_by_its_bytes() {
    let (inputs, folder) = (folder("other-in"), folder("other"));
    for (way, options) in ways() {
        write(&inputs.join("in.npy"), 1, shape_for(way));
        let x = Array::open(inputs.join("in.npy")).with_axes("ZYX");
        let (first, second) = (folder.join(format!("first-{way}")), folder.join(way));
        let (own, other) = ([(x.clone() + 1, first.as_path()), (x.clone() + 2, second.as_path())], x.clone() + 3);
        cut_off(&own, &options);
        // The other one's unfinished output, with the lock that says whose it is put back.
        let lock = folder.join(format!(".{way}.lock"));
        let said = fs::read(&lock).unwrap();
        cut_off(&[(other, &second)], &options);
        fs::write(&lock, said).unwrap();
        Session::save(&own, &options).unwrap().run(&|_| Ok(())).unwrap();
        for (array, path) in &own {
            assert!(numbers(path) == computed(array), "{way}: wrong numbers in {}", path.display());
        }
        names(&folder).iter().for_each(|name| remove(&folder.join(name)));
    }
    for folder in [inputs, folder] {
        fs::remove_dir_all(&folder).unwrap();
    }
}
