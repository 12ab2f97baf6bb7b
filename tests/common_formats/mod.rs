//! Reads a whole source by its units and writes a whole sink by its own, as an engine would.
#![allow(dead_code)]

use stackmill::dtype::{Dtype, Number, put};
use stackmill::error::Result;
use stackmill::grid::{Dims, Grid, Region, indices};
use stackmill::storage::{Identity, Sink, Source};
use stackmill::tile::{View, copy_view};
use std::path::{Path, PathBuf};

/// All bytes of an array, C order.
pub fn read_whole(source: &dyn Source) -> Result<Vec<u8>> {
    let info = source.info();
    let grid = Grid::new(info.shape, source.unit());
    let mut all = vec![0u8; info.shape.count() * info.dtype.size()];
    for index in indices(Region::whole(grid.counts())) {
        let region = grid.region(&index);
        // Filled with something odd, so that a decoder that leaves places out is seen.
        let mut part = vec![0xA5u8; region.shape.count() * info.dtype.size()];
        let stored = source.fetch(&index)?;
        assert!(stored.as_ref().is_none_or(|s| s.len() as u64 <= source.stored_bytes(&index)));
        source.decode(&index, stored, &mut part)?;
        copy_view(&View::contiguous(&part, info.dtype, region.shape), &mut all, &info.shape, &region.start);
    }
    Ok(all)
}

/// Writes all units of an array, the last first.
pub fn write_units(sink: &dyn Sink, bytes: &[u8]) -> Result<()> {
    let info = sink.info();
    let unit = sink.unit().unwrap_or_else(|| info.shape.iter().map(|n| n.div_ceil(2)).collect());
    let grid = Grid::new(info.shape, unit);
    let all: Vec<Dims> = indices(Region::whole(grid.counts())).collect();
    for index in all.into_iter().rev() {
        let region = grid.region(&index);
        let mut part = vec![0u8; region.shape.count() * info.dtype.size()];
        let view = View::contiguous(bytes, info.dtype, info.shape).crop(&region);
        copy_view(&view, &mut part, &region.shape, &Dims::filled(region.shape.len(), 0));
        let encoded = sink.encode(&region, &part)?;
        assert!(encoded.len() as u64 <= sink.encoded_bytes(&region));
        sink.write(&region, &encoded)?;
    }
    Ok(())
}

/// Begins, writes, finishes.
pub fn write_whole(sink: &dyn Sink, bytes: &[u8]) -> Result<()> {
    sink.begin(&Identity("test".to_owned()))?;
    write_units(sink, bytes)?;
    sink.complete()?;
    sink.finish()
}

/// `7 i mod 251` as the fixtures have it, true for even ones where bool.
pub fn ramp(dtype: Dtype, count: usize) -> Vec<u8> {
    let value = |i: usize| (i * 7 % 251) as i128;
    elements(dtype, count, |i| if dtype == Dtype::Bool { Number::Bool(value(i) % 2 == 0) } else { Number::Int(value(i)) })
}

/// Bits that look random, also in the high bytes; bool as 0 and 1.
pub fn noise(dtype: Dtype, count: usize) -> Vec<u8> {
    let mut state = 0x1234_5678_9abc_def0u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..count * dtype.size()).map(|_| if dtype == Dtype::Bool { next() & 1 } else { next() }).collect()
}

/// Elements by number.
pub fn elements(dtype: Dtype, count: usize, value: impl Fn(usize) -> Number) -> Vec<u8> {
    let mut bytes = vec![0u8; count * dtype.size()];
    for (i, place) in bytes.chunks_exact_mut(dtype.size()).enumerate() {
        // Small dtypes must hold what NumPy's `astype` keeps: wrapped, not saturated.
        let number = match value(i) {
            Number::Int(v) if dtype == Dtype::I8 => Number::Int(i128::from(v as u8 as i8)),
            other => other,
        };
        put(number, dtype, place);
    }
    bytes
}

/// A folder of this test's own, removed when dropped.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stackmill-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(&self.0).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Shapes of rank 1 to 6 that no chunk divides, with empty and single axes among them.
pub fn odd_shapes() -> Vec<Dims> {
    vec![
        [11].into(),
        [1].into(),
        [0].into(),
        [5, 7].into(),
        [3, 0].into(),
        [1, 13].into(),
        [3, 5, 7].into(),
        [2, 3, 5, 3].into(),
        [2, 1, 3, 2, 5].into(),
        [2, 3, 1, 2, 3, 5].into(),
    ]
}

/// The message of what must fail.
pub fn refusal<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("it must be refused"),
        Err(error) => error.to_string(),
    }
}

pub fn write_file(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}
