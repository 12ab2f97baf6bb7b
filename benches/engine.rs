//! The engine on data in memory: formulas, gaussian, median and the whole main job beside a copy of the same bytes.
//! Each bench checks its answer before it is timed.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stackmill::{Array, Dtype, Options};
use std::hint::black_box;

const SHAPE: (usize, usize, usize) = (8, 1024, 1024);

fn stack() -> ndarray::Array3<u16> {
    let mut state = 1u32;
    ndarray::Array3::from_shape_fn(SHAPE, |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 20) as u16
    })
}

fn compute(array: &Array) -> Vec<u8> {
    let options = Options { memory: Some(2 << 30), ..Options::default() };
    array.compute_with(&options).unwrap().tile.data.bytes().to_vec()
}

fn engine(c: &mut Criterion) {
    let pixels = stack();
    let x = Array::from_ndarray(&pixels);
    let floats = Array::from_ndarray(&pixels.mapv(f32::from));
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(pixels.len() as u64)).sample_size(10);

    let bytes: Vec<u16> = pixels.iter().copied().collect();
    group.bench_function("copy u16", |b| b.iter(|| black_box(bytes.clone())));

    let flat = (&x - 100) / 37.5;
    let first = f32::from_ne_bytes(compute(&flat)[..4].try_into().unwrap());
    assert_eq!(first, (f32::from(pixels[[0, 0, 0]]) - 100.0) / 37.5);
    group.bench_function("tape (x - 100) / 37.5", |b| b.iter(|| flat.compute().unwrap()));

    let smooth = floats.gaussian([0.0, 2.0, 2.0]);
    let mean = |v: &[u8]| v.chunks_exact(4).map(|b| f64::from(f32::from_ne_bytes(b.try_into().unwrap()))).sum::<f64>();
    let exact: f64 = pixels.iter().map(|v| f64::from(*v)).sum();
    assert!((mean(&compute(&smooth)) / exact - 1.0).abs() < 1e-3);
    group.bench_function("gaussian 2 f32, per plane", |b| b.iter(|| smooth.compute().unwrap()));

    let median = x.median([1, 3, 3]);
    let by_meaning = median.compute_with(&Options { by_meaning: true, ..Options::default() }).unwrap();
    assert!(compute(&median) == by_meaning.tile.data.bytes());
    group.bench_function("median 3x3 u16", |b| b.iter(|| median.compute().unwrap()));

    let job = x.median([1, 3, 3]).white_tophat([1, 15, 15]);
    assert_eq!(job.dtype().unwrap(), Dtype::U16);
    group.bench_function("median 3x3, top-hat 15x15 u16", |b| b.iter(|| job.compute().unwrap()));
    group.finish();
}

fn plan(c: &mut Criterion) {
    let x = Array::from_ndarray(&stack()).with_axes("ZYX");
    let mask = (x.median([1, 3, 3]).white_tophat([1, 15, 15]).gaussian(1.5) - x.mean()).gt(60);
    let text = mask.explain().unwrap();
    assert!(text.starts_with("plan: 2 passes"), "{text}");
    c.bench_function("plan two passes", |b| b.iter(|| mask.explain().unwrap()));
}

criterion_group!(benches, engine, plan);
criterion_main!(benches);
