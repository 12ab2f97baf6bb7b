//! The tuned window kernels against naive loops: all dtypes, ranks, axes, windows, crops with odd strides, NaN, ∞, -0.

use half::f16;
use stackmill::device::cpu::line::{Lines, extreme, weighted_sum};
use stackmill::dtype::{Dtype, Number, get, put};
use stackmill::grid::{Dims, Region, indices};
use stackmill::simd::median::{median, rank_slow};
use stackmill::simd::rank::rank;
use stackmill::tile::{Tile, View};

/// A stream of pseudo-random words.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ self.0 >> 31
    }
}

/// Random bits of the dtype; floats with every kind of special value strewn in where `special`.
fn fill(tile: &mut Tile, noise: &mut Noise, special: bool) {
    let (dtype, size) = (tile.dtype, tile.dtype.size());
    for element in tile.data.bytes_mut().chunks_exact_mut(size) {
        let word = noise.next();
        let strewn = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, 1e-310, -1e-310];
        match dtype {
            Dtype::Bool => element[0] = (word >> 40 & 1) as u8,
            _ if !dtype.is_float() => element.copy_from_slice(&(word >> 3).to_le_bytes()[..size]),
            _ if special && word.is_multiple_of(5) => {
                let value = strewn[(word >> 33) as usize % strewn.len()];
                put(Number::Float(value), dtype, element);
            }
            _ => put(Number::Float(((word >> 40) as f64 / 65536.0 - 128.0) * 8.0), dtype, element),
        }
    }
}

/// A view with odd strides and offset that shows a box of `shape`: a crop of a larger tile.
fn crop<'a>(tile: &'a Tile, shape: &Dims) -> View<'a> {
    tile.view().crop(&Region { start: shape.iter().enumerate().map(|(a, _)| 1 + a % 2).collect(), shape: *shape })
}

fn larger(shape: &Dims) -> Dims {
    shape.iter().map(|n| n + 3).collect()
}

fn element(view: &View<'_>, index: &[usize]) -> Number {
    let at = view.element(index) * view.dtype.size();
    get(view.dtype, &view.bytes[at..])
}

/// Small shapes of rank 1 to 4 whose last axis also crosses strips.
fn shapes() -> Vec<Dims> {
    vec![
        Dims::from([1]),
        Dims::from([37]),
        Dims::from([1100]),
        Dims::from([5, 9]),
        Dims::from([19, 3]),
        Dims::from([2, 530]),
        Dims::from([3, 4, 7]),
        Dims::from([2, 3, 2, 5]),
    ]
}

/// The elements compared as bits, with the first difference told.
fn same(dtype: Dtype, shape: &Dims, found: &[u8], right: &[u8], what: &str) {
    let size = dtype.size();
    for (n, (f, r)) in found.chunks_exact(size).zip(right.chunks_exact(size)).enumerate() {
        assert_eq!(f, r, "{what} {dtype} at {}: {} is not {}", shape.index_of(n), get(dtype, f), get(dtype, r));
    }
}

#[test]
fn extreme_is_the_naive_extreme() {
    let mut noise = Noise(1);
    for (dtype, shape) in Dtype::ALL.into_iter().flat_map(|d| shapes().into_iter().map(move |s| (d, s))) {
        for axis in 0..shape.len() {
            for window in 1..=17 {
                let padded = shape.with(axis, shape[axis] + window - 1);
                let mut tile = Tile::zeroed(dtype, larger(&padded));
                fill(&mut tile, &mut noise, true);
                let view = crop(&tile, &padded);
                let size = Dims::filled(shape.len(), 1).with(axis, window);
                let (mut found, mut right) = (Tile::zeroed(dtype, shape), Tile::zeroed(dtype, shape));
                extreme(&Lines::padded(view, axis), window, true, &shape, found.data.bytes_mut()).unwrap();
                rank_slow(&view, &size, None, window - 1, &shape, right.data.bytes_mut());
                same(dtype, &shape, found.data.bytes(), right.data.bytes(), "greatest");
                extreme(&Lines::padded(view, axis), window, false, &shape, found.data.bytes_mut()).unwrap();
                naive_least(&view, axis, window, &shape, right.data.bytes_mut());
                same(dtype, &shape, found.data.bytes(), right.data.bytes(), "least");
            }
        }
    }
}

/// The least by plain comparison: NaN wins, -0 is below +0.
fn naive_least(view: &View<'_>, axis: usize, window: usize, shape: &Dims, out: &mut [u8]) {
    let size = view.dtype.size();
    for (index, goal) in indices(Region::whole(*shape)).zip(out.chunks_exact_mut(size)) {
        let mut least = element(view, &index);
        for k in 0..window {
            let next = element(view, &index.with(axis, index[axis] + k));
            least = match (least, next) {
                (Number::Float(a), Number::Float(b)) if a.is_nan() || b.is_nan() => Number::Float(f64::NAN),
                (Number::Float(a), Number::Float(b)) if b.total_cmp(&a).is_lt() => next,
                (Number::Int(a), Number::Int(b)) if b < a => next,
                (Number::Bool(a), Number::Bool(b)) => Number::Bool(a & b),
                _ => least,
            };
        }
        put(least, view.dtype, goal);
    }
}

#[test]
fn a_long_window_takes_every_element() {
    for window in [300, 1500] {
        for axis in 0..2 {
            let shape = Dims::from([4, 6]);
            let padded = shape.with(axis, shape[axis] + window - 1);
            let mut tile = Tile::zeroed(Dtype::U16, padded);
            fill(&mut tile, &mut Noise(9), false);
            let (mut found, mut right) = (Tile::zeroed(Dtype::U16, shape), Tile::zeroed(Dtype::U16, shape));
            extreme(&Lines::padded(tile.view(), axis), window, false, &shape, found.data.bytes_mut()).unwrap();
            naive_least(&tile.view(), axis, window, &shape, right.data.bytes_mut());
            same(Dtype::U16, &shape, found.data.bytes(), right.data.bytes(), "least");
        }
    }
}

/// Weights of each pairing: symmetric, antisymmetric, neither, all one.
fn weights(kind: usize, taps: usize) -> Vec<f64> {
    let centre = (taps as f64 - 1.0) / 2.0;
    let at = |k: usize| k as f64 - centre;
    (0..taps)
        .map(|k| match kind {
            0 => (-at(k) * at(k) / 7.0).exp() * 3.0,
            1 => at(k) * 0.37,
            2 => (k as f64 * 1.7).sin() * 5.0,
            3 => (at(k) as i64 * 3) as f64,
            _ => 1.0,
        })
        .collect()
}

/// The stated order, one element at a time.
fn naive_sum<T: Copy + std::ops::Add<Output = T> + std::ops::Sub<Output = T> + std::ops::Mul<Output = T> + PartialEq>(
    taps: &[T],
    w: &[T],
    opposite: fn(T, T) -> bool,
) -> T {
    let (last, half) = (w.len() - 1, w.len() / 2);
    let odd = w.len() % 2 == 1;
    if odd && (0..half).all(|k| w[k] == w[last - k]) {
        return (0..half).fold(taps[half] * w[half], |sum, k| sum + (taps[k] + taps[last - k]) * w[k]);
    }
    if odd && (0..half).all(|k| opposite(w[k], w[last - k])) {
        return (0..half).fold(taps[half] * w[half], |sum, k| sum + (taps[k] - taps[last - k]) * w[k]);
    }
    (0..last).fold(taps[last] * w[last], |sum, k| sum + taps[k] * w[k])
}

fn check_float_sum<T>(dtype: Dtype, from: fn(f64) -> T, opposite: fn(T, T) -> bool)
where
    T: Copy + std::ops::Add<Output = T> + std::ops::Sub<Output = T> + std::ops::Mul<Output = T> + PartialEq + bytemuck::NoUninit,
{
    let mut noise = Noise(2);
    for shape in shapes() {
        for (axis, kind, taps) in (0..shape.len()).flat_map(|a| (0..5).flat_map(move |k| (1..=17).map(move |t| (a, k, t)))) {
            let padded = shape.with(axis, shape[axis] + taps - 1);
            let mut tile = Tile::zeroed(dtype, larger(&padded));
            fill(&mut tile, &mut noise, false);
            let (view, weights) = (crop(&tile, &padded), weights(kind, taps));
            let mut found = Tile::zeroed(dtype, shape);
            weighted_sum(&Lines::padded(view, axis), &weights, &shape, found.data.bytes_mut()).unwrap();
            let w: Vec<T> = weights.iter().map(|w| from(*w)).collect();
            for (index, bytes) in indices(Region::whole(shape)).zip(found.data.bytes().chunks_exact(dtype.size())) {
                let under: Vec<T> =
                    (0..taps).map(|k| from(element(&view, &index.with(axis, index[axis] + k)).to_f64())).collect();
                let right = naive_sum(&under, &w, opposite);
                assert_eq!(bytes, bytemuck::bytes_of(&right), "{dtype} {shape} axis {axis} kind {kind} taps {taps} at {index}");
            }
        }
    }
}

#[test]
fn float_sums_add_in_the_stated_order() {
    check_float_sum::<f32>(Dtype::F32, |v| v as f32, |a, b| a == -b);
    check_float_sum::<f64>(Dtype::F64, |v| v, |a, b| a == -b);
}

#[test]
fn integer_sums_wrap_and_are_exact() {
    let mut noise = Noise(3);
    for (dtype, shape) in
        [Dtype::I32, Dtype::U32, Dtype::I64, Dtype::U64].into_iter().flat_map(|d| shapes().into_iter().map(move |s| (d, s)))
    {
        for (axis, kind, taps) in
            (0..shape.len()).flat_map(|a| [3, 4].into_iter().flat_map(move |k| (1..=17).map(move |t| (a, k, t))))
        {
            if kind == 3 && !dtype.is_signed() {
                continue;
            }
            let padded = shape.with(axis, shape[axis] + taps - 1);
            let mut tile = Tile::zeroed(dtype, larger(&padded));
            fill(&mut tile, &mut noise, false);
            let (view, weights) = (crop(&tile, &padded), weights(kind, taps));
            let mut found = Tile::zeroed(dtype, shape);
            weighted_sum(&Lines::padded(view, axis), &weights, &shape, found.data.bytes_mut()).unwrap();
            for (index, bytes) in indices(Region::whole(shape)).zip(found.data.bytes().chunks_exact(dtype.size())) {
                let sum: i128 =
                    (0..taps).map(|k| element(&view, &index.with(axis, index[axis] + k)).to_int() * weights[k] as i128).sum();
                assert_eq!(bytes, &sum.to_le_bytes()[..dtype.size()], "{dtype} {shape} axis {axis} taps {taps} at {index}");
            }
        }
    }
}

#[test]
fn a_split_box_gives_the_same_bits() {
    let shape = Dims::from([23, 701]);
    for axis in 0..2 {
        let padded = shape.with(axis, shape[axis] + 12);
        let mut tile = Tile::zeroed(Dtype::F32, padded);
        fill(&mut tile, &mut Noise(4), false);
        let mut whole = Tile::zeroed(Dtype::F32, shape);
        weighted_sum(&Lines::padded(tile.view(), axis), &weights(0, 13), &shape, whole.data.bytes_mut()).unwrap();
        for (start, extent) in [([0, 0], [23, 701]), ([3, 5], [1, 1]), ([7, 130], [9, 333]), ([22, 1], [1, 700])] {
            let part = Region { start: Dims::from(start), shape: Dims::from(extent) };
            let view = tile.view().crop(&Region { start: part.start, shape: part.shape.with(axis, part.shape[axis] + 12) });
            let (mut found, mut right) = (Tile::zeroed(Dtype::F32, part.shape), Tile::zeroed(Dtype::F32, part.shape));
            weighted_sum(&Lines::padded(view, axis), &weights(0, 13), &part.shape, found.data.bytes_mut()).unwrap();
            stackmill::tile::copy_view(&whole.view().crop(&part), right.data.bytes_mut(), &part.shape, &[0, 0]);
            same(Dtype::F32, &part.shape, found.data.bytes(), right.data.bytes(), "split");
        }
    }
}

/// Sizes with a network, by rank.
fn sizes() -> Vec<Dims> {
    let all: [&[usize]; 15] = [
        &[3],
        &[5],
        &[3, 3],
        &[5, 5],
        &[3, 1],
        &[1, 3],
        &[5, 1],
        &[1, 5],
        &[1, 3, 3],
        &[1, 5, 5],
        &[3, 3, 3],
        &[3, 1, 3],
        &[5, 1, 1],
        &[1, 1, 3, 3],
        &[1, 3, 3, 3],
    ];
    all.into_iter().map(Dims::from).collect()
}

#[test]
fn median_is_the_slow_median() {
    let mut noise = Noise(5);
    for (dtype, size) in Dtype::ALL.into_iter().flat_map(|d| sizes().into_iter().map(move |s| (d, s))) {
        for row in [1, 7, 600] {
            let mut shape = Dims::filled(size.len(), 3);
            shape[size.len() - 1] = row;
            let padded = shape.zip_with(&size, |n, s| n + s - 1);
            let mut tile = Tile::zeroed(dtype, larger(&padded));
            fill(&mut tile, &mut noise, true);
            let view = crop(&tile, &padded);
            let (mut found, mut right) = (Tile::zeroed(dtype, shape), Tile::zeroed(dtype, shape));
            assert!(median(&view, &size, &shape, found.data.bytes_mut()), "{dtype} has no median of {size}");
            rank_slow(&view, &size, None, size.count() / 2, &shape, right.data.bytes_mut());
            same(dtype, &shape, found.data.bytes(), right.data.bytes(), &format!("median {size}"));
        }
    }
}

#[test]
fn what_has_no_network_is_refused() {
    let tile = Tile::zeroed(Dtype::U8, Dims::from([9, 9]));
    for (size, shape) in [([2, 2], [8, 8]), ([7, 7], [3, 3]), ([3, 5], [7, 5]), ([1, 1], [9, 9]), ([3, 3], [9, 9])] {
        let shape = Dims::from(shape);
        let mut out = Tile::zeroed(Dtype::U8, shape);
        assert!(!median(&tile.view(), &Dims::from(size), &shape, out.data.bytes_mut()), "{size:?}");
    }
}

#[test]
fn sliding_ranks_are_the_slow_ranks() {
    let mut noise = Noise(6);
    let sizes: [&[usize]; 8] = [&[1], &[4], &[9], &[2, 2], &[7, 7], &[1, 8], &[6, 1], &[2, 3, 4]];
    for (dtype, size) in Dtype::ALL.into_iter().flat_map(|d| sizes.into_iter().map(move |s| (d, Dims::from(s)))) {
        for row in [1, 40] {
            let mut shape = Dims::filled(size.len(), 3);
            shape[size.len() - 1] = row;
            let padded = shape.zip_with(&size, |n, s| n + s - 1);
            let mut tile = Tile::zeroed(dtype, larger(&padded));
            fill(&mut tile, &mut noise, true);
            let view = crop(&tile, &padded);
            for order in [0, size.count() / 3, size.count() / 2, size.count() - 1] {
                let (mut found, mut right) = (Tile::zeroed(dtype, shape), Tile::zeroed(dtype, shape));
                rank(&view, &size, order, &shape, found.data.bytes_mut()).unwrap();
                rank_slow(&view, &size, None, order, &shape, right.data.bytes_mut());
                same(dtype, &shape, found.data.bytes(), right.data.bytes(), &format!("rank {order} of {size}"));
            }
        }
    }
}

#[test]
fn a_flipped_axis_and_a_scalar_are_read() {
    let mut tile = Tile::zeroed(Dtype::F16, Dims::from([6, 5]));
    fill(&mut tile, &mut Noise(8), true);
    let mut flipped = tile.view();
    flipped.offset = flipped.element(&[5, 0]);
    flipped.strides[0] = -flipped.strides[0];
    let (size, shape) = (Dims::from([3, 3]), Dims::from([4, 3]));
    let (mut found, mut right) = (Tile::zeroed(Dtype::F16, shape), Tile::zeroed(Dtype::F16, shape));
    assert!(median(&flipped, &size, &shape, found.data.bytes_mut()));
    rank_slow(&flipped, &size, None, 4, &shape, right.data.bytes_mut());
    same(Dtype::F16, &shape, found.data.bytes(), right.data.bytes(), "flipped");
    let scalar = f16::from_f32(2.5).to_ne_bytes();
    let mut out = [0u8; 2];
    rank_slow(&View::contiguous(&scalar, Dtype::F16, Dims::default()), &Dims::default(), None, 0, &Dims::default(), &mut out);
    assert_eq!(out, scalar);
}

#[test]
fn what_does_not_fit_is_told() {
    let tile = Tile::zeroed(Dtype::F32, Dims::from([4, 8]));
    let mut out = [0u64; 16];
    let out: &mut [u8] = bytemuck::cast_slice_mut(&mut out);
    let shape = Dims::from([4, 6]);
    let told = |result: stackmill::error::Result<()>, part: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    told(weighted_sum(&Lines::padded(tile.view(), 1), &[1.0; 2], &shape, &mut out[..96]), "does not give");
    told(weighted_sum(&Lines::padded(tile.view(), 1), &[], &shape, &mut out[..96]), "does not give");
    told(weighted_sum(&Lines::padded(tile.view(), 2), &[1.0; 3], &shape, &mut out[..96]), "along axis 2");
    told(extreme(&Lines::padded(tile.view(), 1), 3, true, &shape, &mut out[..92]), "has 92 bytes");
    told(extreme(&Lines::padded(View { offset: 1, ..tile.view() }, 1), 3, true, &shape, &mut out[..96]), "reaches elements");
    let mut stepped = tile.view();
    stepped.strides[1] = 2;
    told(extreme(&Lines::padded(stepped, 1), 3, true, &shape, &mut out[..96]), "step of 2");
    let half = Tile::zeroed(Dtype::F16, Dims::from([4, 8]));
    told(weighted_sum(&Lines::padded(half.view(), 1), &[1.0; 3], &shape, &mut out[..48]), "f16");
}
