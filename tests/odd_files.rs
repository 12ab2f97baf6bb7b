//! Pipes, devices, sockets and folders where files are wanted: an error at once, never a wait.
#![cfg(all(unix, feature = "tiff", feature = "zarr"))]

mod common_formats;

use common_formats::{Scratch, refusal};
use stackmill::formats::{self, WriteOptions};
use stackmill::grid::Dims;
use stackmill::storage::Info;
use stackmill::{Dtype, Error};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// The error of what would wait for ever, were it opened.
fn soon<T>(work: impl FnOnce() -> Result<T, Error> + Send + 'static, what: &str) -> String
where
    T: 'static,
{
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || done.send(refusal(work())));
    wait.recv_timeout(Duration::from_secs(5)).unwrap_or_else(|_| panic!("{what} is waited for"))
}

const ENDINGS: [&str; 5] = ["npy", "tif", "ome.tif", "zarr", "ome.zarr"];

#[test]
fn inputs_that_are_no_files() {
    let folder = Scratch::new("odd-inputs");
    for ending in ENDINGS {
        let at = |name: &str| folder.join(&format!("{name}.{ending}"));
        pipe(&at("pipe"));
        let _socket = UnixListener::bind(at("socket")).unwrap();
        symlink("/dev/zero", at("device")).unwrap();
        symlink(at("pipe"), at("link")).unwrap();
        for (name, word) in [("pipe", "pipe"), ("socket", "socket"), ("device", "device"), ("link", "pipe")] {
            let path = at(name);
            let text = soon(move || formats::open(&path), &format!("{name}.{ending}"));
            assert!(text.contains(word) && text.contains(name), "{name}.{ending}: {text}");
        }
    }
    // Inside a Zarr folder, and in a stack.
    for name in ["zarr.json", ".zarray"] {
        let path = folder.join(&format!("inside{name}.zarr"));
        std::fs::create_dir(&path).unwrap();
        pipe(&path.join(name));
        soon(move || formats::open(&path), name);
    }
    std::fs::create_dir(folder.join("planes")).unwrap();
    pipe(&folder.join("planes/a.tif"));
    let text = refusal(formats::open(&folder.join("planes/*.tif")));
    assert!(text.contains("no TIFF file"), "{text}");
    for name in ["folder.npy", "folder.tif"] {
        std::fs::create_dir(folder.join(name)).unwrap();
        let text = refusal(formats::open(&folder.join(name)));
        assert!(text.contains("folder"), "{text}");
    }
    std::fs::write(folder.join("file.zarr"), "no folder").unwrap();
    refusal(formats::open(&folder.join("file.zarr")));
}

#[test]
fn outputs_that_are_no_files() {
    let folder = Scratch::new("odd-outputs");
    let info = Info::new(Dims::from([3, 4]), Dtype::U8).with_axes("YX").unwrap();
    for ending in ENDINGS {
        let at = |name: &str| folder.join(&format!("{name}.{ending}"));
        pipe(&at("pipe"));
        symlink("/dev/null", at("device")).unwrap();
        let is_zarr = ending.ends_with("zarr");
        let other = at("other");
        if is_zarr {
            std::fs::write(&other, "a file").unwrap()
        } else {
            std::fs::create_dir(&other).unwrap()
        }
        for overwrite in [false, true] {
            for (name, word) in [("pipe", "pipe"), ("device", "device"), ("other", if is_zarr { "file" } else { "folder" })] {
                let (path, info): (PathBuf, Info) = (at(name), info.clone());
                let options = WriteOptions { overwrite, ..WriteOptions::default() };
                let text = soon(move || formats::create(&path, &info, options).map(drop), name);
                assert!(text.contains(word) && text.contains(name), "{name}.{ending}: {text}");
            }
        }
    }
}
