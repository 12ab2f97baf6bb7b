//! What the tests of runs on a GPU share: a stack, pipelines from text, runs that may be told to fail.
//! It does not know what is asserted.

use stackmill::device::gpu::{Faults, Gpu, Wish};
use stackmill::formats::memory::MemorySink;
use stackmill::graph::Array;
use stackmill::language::evaluate;
use stackmill::plan::Output;
use stackmill::run::Summary;
use stackmill::session::{Options, Session};
use std::sync::Arc;

pub const SPOTS: &str = "median([1,3,3]) |> white_tophat([1,15,15]) |> x > 60";

pub fn device() -> String {
    std::env::var("STACKMILL_GPU").unwrap_or_else(|_| "llvmpipe".to_owned())
}

/// A stack whose values look like an image's: slopes, spots and noise.
pub fn stack(shape: [usize; 3]) -> Array {
    let value = |(z, y, x): (usize, usize, usize)| {
        let noise = (z * 7919 + y * 104_729 + x * 1_299_709).wrapping_mul(2_654_435_761) >> 7 & 63;
        let spot = if y % 23 < 4 && x % 29 < 4 { 300 } else { 0 };
        u16::try_from(100 + y + 2 * (x % 97) + noise + spot).unwrap_or(u16::MAX)
    };
    Array::from_ndarray(&ndarray::Array3::from_shape_fn(shape, value))
}

pub fn made(text: &str, input: &Array) -> Array {
    evaluate(text, input, &[]).unwrap_or_else(|e| panic!("{text}: {e}")).result
}

pub fn session(array: &Array, options: &Options) -> (Session, Arc<MemorySink>) {
    let sink = Arc::new(MemorySink::new(array.info().expect("a description").clone()));
    let output = Output { array: array.clone(), sink: sink.clone() };
    (Session::new(vec![output], options).expect("a plan"), sink)
}

pub fn bytes(array: &Array, options: &Options) -> Vec<u8> {
    let (session, sink) = session(array, options);
    session.run(&|_| {}).unwrap_or_else(|e| panic!("{e}\n{}", session.explain()));
    sink.take().expect("a result").bytes().to_vec()
}

/// A run on a GPU that may be told to fail: its bytes, its figures, the most device memory, its steps.
pub fn on_gpu(array: &Array, options: &Options, faults: Faults) -> (Vec<u8>, Summary, u64, usize) {
    let (session, sink) = session(array, options);
    let vram = options.vram.unwrap_or(1 << 30);
    let wish = Wish { name: device(), vram, checked: false, faults };
    let gpu = Gpu::open(wish, 3).expect("a GPU");
    let summary = session.run_on(&gpu, &|_| {}).unwrap_or_else(|e| panic!("{e}\n{}", session.explain()));
    (sink.take().expect("a result").bytes().to_vec(), summary, gpu.peak_bytes(), gpu.steps())
}

pub fn options(device: &str, tile: Option<Vec<usize>>) -> Options {
    Options { memory: Some(512 << 20), threads: Some(2), tile, device: device.to_owned(), ..Options::default() }
}

pub fn assert_same(words: &str, cpu: &[u8], gpu: &[u8]) {
    assert_eq!(cpu.len(), gpu.len(), "{words}");
    if let Some(at) = cpu.iter().zip(gpu).position(|(a, b)| a != b) {
        panic!("{words}: byte {at} is {} on the CPU and {} on the GPU", cpu[at], gpu[at]);
    }
}

pub fn notices(summary: &Summary) -> Vec<String> {
    summary.passes.iter().flat_map(|p| p.notices.clone()).collect()
}
