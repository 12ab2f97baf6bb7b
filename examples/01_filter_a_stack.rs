//! Lesson 1: a stack is opened, filtered and saved without ever being whole in memory.
//!
//! `cargo run --release --example 01_filter_a_stack [STACK]`; without a stack it makes a small one.

use stackmill::{Array, Options, Result, Session};
use std::path::PathBuf;

fn main() -> Result<()> {
    let folder = std::env::temp_dir().join("stackmill-lesson-1");
    std::fs::create_dir_all(&folder).map_err(|e| stackmill::Error::io("create", &folder, &e))?;
    let options = Options { memory: Some(64 << 20), overwrite: true, ..Options::default() };

    // A real user starts with Array::open("cells.tif"); this makes a file to open.
    let path = match std::env::args().nth(1) {
        Some(path) => PathBuf::from(path),
        None => {
            let pixels = ndarray::Array3::from_shape_fn((16, 256, 256), |(z, y, x)| (100 + (z * y + 3 * x) % 97) as u16);
            let path = folder.join("stack.tif");
            Array::from_ndarray(&pixels).with_axes("ZYX").save_with(&path, &options)?;
            path
        }
    };

    let x = Array::open(&path);
    println!("{x:?}");

    // Nothing is computed here: this is an expression, and its errors surface when somebody asks.
    let clean = x.median([1, 3, 3]).white_tophat([1, 15, 15]);
    let mask = clean.gt(20);

    // Both results come out of one pass: the stack is read once.
    let (mask_path, clean_path) = (folder.join("mask.npy"), folder.join("clean.tif"));
    let session = Session::save(&[(mask, &mask_path), (clean, &clean_path)], &options)?;
    print!("{}", session.explain());
    let summary = session.run(&|_| Ok(()))?;
    let (lane, share) = summary.busiest();
    println!("{:.2} s, busiest lane {} ({:.0} %)", summary.seconds, lane.name(), 100.0 * share);
    println!("wrote {} and {}", mask_path.display(), clean_path.display());
    Ok(())
}
