//! One-thread throughput of the CPU's window kernels and elementary functions, on data that fits the L2 cache.
//! Every row checks its answer against a naive loop before it is timed.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stackmill::device::cpu::line::{Lines, extreme, weighted_sum};
use stackmill::dtype::Dtype;
use stackmill::grid::Dims;
use stackmill::simd::median::{median, rank_slow};
use stackmill::simd::{math, vectorized};
use stackmill::tile::Tile;
use std::hint::black_box;

/// Rows and columns of the output: 256 KiB of u16, 512 KiB of f32.
const SIDES: [usize; 2] = [256, 512];

/// A tile of pseudo-random 16-bit numbers as `dtype` (u16 or f32).
fn noise(dtype: Dtype, shape: Dims) -> Tile {
    let mut tile = Tile::zeroed(dtype, shape);
    let mut state = 1u64;
    for element in tile.data.bytes_mut().chunks_exact_mut(dtype.size()) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let value = (state >> 48) as u16;
        match dtype {
            Dtype::F32 => element.copy_from_slice(&(f32::from(value) / 8.0).to_ne_bytes()),
            _ => element.copy_from_slice(&value.to_ne_bytes()),
        }
    }
    tile
}

fn read<T: bytemuck::Pod>(bytes: &[u8]) -> &[T] {
    bytemuck::cast_slice(bytes)
}

fn sums(c: &mut Criterion) {
    let weights: Vec<f64> = (-6i32..=6).map(|k| (-f64::from(k * k) / 8.0).exp()).collect();
    let shape = Dims::from(SIDES);
    for (axis, name) in [(1, "weighted_sum/13 f32 x"), (0, "weighted_sum/13 f32 y")] {
        let input = noise(Dtype::F32, shape.with(axis, shape[axis] + 12));
        let mut out = Tile::zeroed(Dtype::F32, shape);
        weighted_sum(&Lines::padded(input.view(), axis), &weights, &shape, out.data.bytes_mut()).unwrap();
        let (source, found): (&[f32], &[f32]) = (read(input.data.bytes()), read(out.data.bytes()));
        let step = input.shape.strides()[axis];
        for n in (0..shape.count()).step_by(97) {
            let at = input.shape.linear_of(&shape.index_of(n));
            let naive: f64 = (0..13).map(|k| f64::from(source[at + k * step]) * weights[k]).sum();
            assert!((naive - f64::from(found[n])).abs() <= 1e-5 * naive.abs(), "element {n}: {naive} and {}", found[n]);
        }
        bench(c, name, shape.count(), || {
            weighted_sum(&Lines::padded(black_box(input.view()), axis), &weights, &shape, out.data.bytes_mut()).unwrap();
        });
    }
}

fn extremes(c: &mut Criterion) {
    let shape = Dims::from(SIDES);
    for (axis, name) in [(1, "extreme/15 u16 x"), (0, "extreme/15 u16 y")] {
        let input = noise(Dtype::U16, shape.with(axis, shape[axis] + 14));
        let mut out = Tile::zeroed(Dtype::U16, shape);
        extreme(&Lines::padded(input.view(), axis), 15, true, &shape, out.data.bytes_mut()).unwrap();
        let (source, found): (&[u16], &[u16]) = (read(input.data.bytes()), read(out.data.bytes()));
        let step = input.shape.strides()[axis];
        for (n, found) in found.iter().enumerate() {
            let at = input.shape.linear_of(&shape.index_of(n));
            assert_eq!(*found, (0..15).map(|k| source[at + k * step]).max().unwrap(), "element {n}");
        }
        bench(c, name, shape.count(), || {
            extreme(&Lines::padded(black_box(input.view()), axis), 15, true, &shape, out.data.bytes_mut()).unwrap();
        });
    }
}

fn medians(c: &mut Criterion) {
    let cases: [(&str, Dtype, Vec<usize>); 6] = [
        ("median/3x3 u16", Dtype::U16, vec![3, 3]),
        ("median/5x5 u16", Dtype::U16, vec![5, 5]),
        ("median/3x3 f32", Dtype::F32, vec![3, 3]),
        ("median/5x5 f32", Dtype::F32, vec![5, 5]),
        ("median/3x3x3 u16", Dtype::U16, vec![3, 3, 3]),
        ("median/3x3x3 f32", Dtype::F32, vec![3, 3, 3]),
    ];
    for (name, dtype, size) in cases {
        let size = Dims::from(size.as_slice());
        let shape = if size.len() == 2 { Dims::from(SIDES) } else { Dims::from([8, 64, 256]) };
        let input = noise(dtype, shape.zip_with(&size, |n, s| n + s - 1));
        let (mut out, mut slow) = (Tile::zeroed(dtype, shape), Tile::zeroed(dtype, shape));
        assert!(median(&input.view(), &size, &shape, out.data.bytes_mut()));
        rank_slow(&input.view(), &size, None, size.count() / 2, &shape, slow.data.bytes_mut());
        assert_eq!(out.data.bytes(), slow.data.bytes(), "{name}");
        bench(c, name, shape.count(), || {
            assert!(median(&black_box(input.view()), &size, &shape, out.data.bytes_mut()));
        });
    }
}

/// A function over a slice. A macro and a loop: a function passed as a value, and the closure of a `for_each`, are calls
/// that would run at the baseline.
macro_rules! over {
    ($function:path) => {
        |x, out| {
            vectorized(
                #[inline(always)]
                || {
                    for (o, v) in out.iter_mut().zip(x) {
                        *o = $function(*v);
                    }
                },
            )
        }
    };
}

fn functions(c: &mut Criterion) {
    let x: Vec<f32> = (0..65536).map(|i| (i as f32 - 32768.0) / 400.0).collect();
    let mut out = vec![0f32; x.len()];
    type Function = (&'static str, fn(&[f32], &mut [f32]), fn(f64) -> f64);
    let cases: [Function; 5] = [
        ("math/exp f32", over!(math::exp_f32), f64::exp),
        ("math/log f32", over!(log_of_size), |v| v.abs().ln()),
        ("math/sin f32", over!(math::sin_f32), f64::sin),
        ("math/tanh f32", over!(math::tanh_f32), f64::tanh),
        ("math/pow f32", over!(power_of_size), |v| v.abs().powf(f64::from(2.2f32))),
    ];
    for (name, run, right) in cases {
        run(&x, &mut out);
        for (x, found) in x.iter().zip(&out) {
            let right = right(f64::from(*x));
            assert!((f64::from(*found) - right).abs() <= 1e-6 * right.abs() || *found == right as f32, "{name}({x})");
        }
        bench(c, name, x.len(), || run(black_box(&x), &mut out));
    }
}

#[inline(always)]
fn log_of_size(v: f32) -> f32 {
    math::log_f32(v.abs())
}

#[inline(always)]
fn power_of_size(v: f32) -> f32 {
    math::pow_f32(v.abs(), 2.2)
}

/// What the dispatch gives: the least of two u16 rows, at the target's baseline and at the machine's widest.
fn dispatch(c: &mut Criterion) {
    let (a, b): (Vec<u16>, Vec<u16>) = (0..4096u16).map(|v| (v.wrapping_mul(40503), v.wrapping_mul(25033))).unzip();
    let mut out = vec![0u16; a.len()];
    least(&a, &b, &mut out);
    assert!(out.iter().zip(a.iter().zip(&b)).all(|(o, (a, b))| o == a.min(b)));
    bench(c, "dispatch/min u16 baseline", a.len(), || least(black_box(&a), &b, &mut out));
    bench(c, "dispatch/min u16 dispatched", a.len(), || {
        vectorized(
            #[inline(always)]
            || least(black_box(&a), &b, &mut out),
        );
    });
}

#[inline(always)]
fn least(a: &[u16], b: &[u16], out: &mut [u16]) {
    for ((o, a), b) in out.iter_mut().zip(a).zip(b) {
        *o = *a.min(b);
    }
}

fn bench(c: &mut Criterion, name: &str, elements: usize, mut run: impl FnMut()) {
    let (group, row) = name.split_once('/').unwrap_or((name, ""));
    let mut group = c.benchmark_group(group);
    group.throughput(Throughput::Elements(elements as u64)).sample_size(20);
    group.measurement_time(std::time::Duration::from_millis(500)).warm_up_time(std::time::Duration::from_millis(200));
    group.bench_function(row, |b| b.iter(&mut run));
    group.finish();
}

criterion_group!(benches, dispatch, sums, extremes, medians, functions);
criterion_main!(benches);
