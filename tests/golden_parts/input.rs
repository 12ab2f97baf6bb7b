//! The inputs of golden cases: real files, and the arrays that make.py calls synthetic.

use stackmill::dtype::{Dtype, Number, put};
use stackmill::formats::memory::MemorySource;
use stackmill::graph::Array;
use stackmill::grid::Dims;
use stackmill::storage::Info;
use stackmill::tile::Buffer;
use std::path::PathBuf;
use std::sync::Arc;

/// `5x7x9` as numbers.
pub fn extents(words: &str) -> Vec<usize> {
    words.split('x').map(|n| n.parse().unwrap_or_else(|e| panic!("no shape: {words}: {e}"))).collect()
}

/// The next state of the generator.
pub fn next(state: u32) -> u32 {
    state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
}

/// A file or folder of the real data by `path:AXES`. Missing data is a failure, not a reason to skip.
pub fn data(words: &str) -> (Array, Vec<(String, Array)>) {
    let (path, letters) = words.rsplit_once(':').unwrap_or_else(|| panic!("no axes in {words}"));
    let full = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    assert!(full.exists(), "the test data is missing: {} (see ../shared/data/README.md); nothing was tested", full.display());
    let array = Array::open(&full);
    let own = array.info().unwrap_or_else(|e| panic!("{e}")).letters();
    let array = if path.contains("cell_migration") { array.with_axes(letters) } else { array };
    assert_eq!(array.info().unwrap().letters(), letters, "{path} says {own}");
    (array, Vec::new())
}

/// Arrays by `x=u8:5x7x9:1 y=…`: name, kind, shape, seed.
pub fn synthetic(words: &str) -> (Array, Vec<(String, Array)>) {
    let mut all: Vec<(String, Array)> = words.split(' ').map(named).collect();
    let (name, x) = all.remove(0);
    assert_eq!(name, "x");
    (x, all)
}

fn named(words: &str) -> (String, Array) {
    let (name, rest) = words.split_once('=').unwrap();
    let [kind, shape, seed] = rest.split(':').collect::<Vec<_>>()[..] else { panic!("no input: {words}") };
    let (dtype, special) = kind.split_once('-').unwrap_or((kind, ""));
    let dtype = Dtype::parse(dtype).unwrap();
    let shape = Dims::from(&extents(shape)[..]);
    let mut buffer = Buffer::zeroed(shape.count() * dtype.size());
    let mut state: u32 = seed.parse().unwrap();
    for out in buffer.bytes_mut().chunks_exact_mut(dtype.size()) {
        state = next(state);
        put(value(state, dtype, special), dtype, out);
    }
    let source = MemorySource::new(Info::new(shape, dtype), Arc::new(buffer)).unwrap();
    (name.to_owned(), Array::from_source(Arc::new(source)))
}

fn value(s: u32, dtype: Dtype, special: &str) -> Number {
    if dtype == Dtype::Bool {
        return Number::Bool(s >> 31 == 1);
    }
    if dtype.is_float() {
        let v = f64::from(s >> 8) / f64::from(1 << 24);
        return Number::Float(match special {
            "nan" if s % 17 == 2 => f64::NEG_INFINITY,
            "nan" if s % 13 == 1 => f64::INFINITY,
            "nan" if s.is_multiple_of(11) => f64::NAN,
            "" | "nan" => v * 200.0 - 100.0,
            "unit" => v + 2f64.powi(-25),
            "wide" => v * 160.0 - 80.0,
            "angle" => v * 2000.0 - 1000.0,
            other => panic!("no kind of values: {other}"),
        });
    }
    let bits = 8 * dtype.size();
    let signed = dtype.is_signed();
    Number::Int(match special {
        "few" => i128::from(s >> 29),
        "small" => i128::from(s >> 27) - if signed { 8 } else { 0 },
        "" => {
            let v = i128::from(s >> (32 - bits.min(32)));
            if signed { v - (1 << (bits - 1).min(31)) } else { v }
        }
        other => panic!("no kind of values: {other}"),
    })
}
