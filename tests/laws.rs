//! Laws that hold for every pipeline: results do not depend on chunks, reach is enough and no more, views compose, folds
//! join in any cut, every unit is read once where the plan says so.
//!
//! Cases are few and come from a fixed seed, so that a failure repeats.

#[path = "conformance/data.rs"]
mod data;
#[path = "laws/engine.rs"]
mod engine;
#[path = "laws/geometry.rs"]
mod geometry;
#[path = "laws/pipelines.rs"]
mod pipelines;

use data::{Data, Units, Values};
use pipelines::{Pipeline, pipeline, positive_pipeline, shape, tile};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use stackmill::dtype::Dtype;
use stackmill::formats::memory::{MemorySink, MemorySource};
use stackmill::graph::{Array, AxisList, Index, Slice};
use stackmill::grid::{Boxes, Dims, Region, indices};
use stackmill::ops::reduce::{Argmax, Argmin, Max, Mean, Std, Sum, Var};
use stackmill::plan::{Output, input_regions, plan};
use stackmill::session::{Computed, Options};
use stackmill::storage::{Axis, Info};
use std::sync::Arc;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default() }
}

fn options(tile: Option<&[usize]>) -> Options {
    Options { memory: Some(64 << 20), threads: Some(2), tile: tile.map(<[usize]>::to_vec), ..Options::default() }
}

fn computed(array: &Array, tile: Option<&[usize]>) -> Computed {
    array.compute_with(&options(tile)).unwrap_or_else(|e| panic!("{e}"))
}

/// A tile of a result's rank, no larger than the result.
fn fitted(tile: &[usize], array: &Array) -> Vec<usize> {
    tile.iter().zip(array.shape().unwrap().iter()).map(|(t, n)| *t.min(n).max(&1)).collect()
}

proptest! {
    #![proptest_config(config(48))]

    /// A pipeline gives the same bits in one tile, in any tiles, and from any units.
    #[test]
    fn results_do_not_depend_on_chunks(
        pipeline in pipeline(), shape in shape(), tile in tile(), unit in tile(), dtype in pipelines::dtype(), seed in 0u64..1000,
    ) {
        let values = Values::new(dtype, &shape, Data::Plain, seed);
        let whole = pipeline.apply(&values.lent());
        let first = computed(&whole, None);
        let tile = fitted(&tile, &whole);
        let tiled = computed(&whole, Some(&tile));
        prop_assert!(first.tile.data.bytes() == tiled.tile.data.bytes(), "{:?} {} tile {:?}", pipeline, dtype, tile);
        let from_units = computed(&pipeline.apply(&values.in_units(&unit)), Some(&tile));
        prop_assert!(first.tile.data.bytes() == from_units.tile.data.bytes(), "{:?} {} tile {:?} unit {:?}", pipeline, dtype, tile, unit);
    }

    /// An element outside the reach of a box never changes the box.
    #[test]
    fn reach_is_enough(pipeline in pipeline().prop_filter("one pass", Pipeline::is_one_pass), shape in shape(), seed in 0u64..1000) {
        let mut values = Values::new(Dtype::F64, &shape, Data::Plain, seed);
        let array = pipeline.apply(&values.lent());
        let part = some_box(&array.shape().unwrap(), seed);
        let needs = reach(&array, &part);
        let before = box_bytes(&computed(&array, None), &part);
        let outside: Vec<usize> =
            indices(Region::whole(values.dims())).enumerate().filter(|(_, i)| !covers(&needs, i)).map(|(k, _)| k).collect();
        for k in &outside {
            values.numbers[*k] = stackmill::dtype::Number::Float(1e6 + *k as f64);
        }
        let after = box_bytes(&computed(&pipeline.apply(&values.lent()), None), &part);
        prop_assert!(before == after, "{:?}: {part} reads outside {:?}", pipeline, needs.0);
    }

    /// The first and the last plane of the reach along every axis do change the box.
    #[test]
    fn reach_is_tight(pipeline in positive_pipeline(), seed in 0u64..1000) {
        let shape = [9, 11, 12];
        let values = Values::new(Dtype::F64, &shape, Data::Plain, seed);
        let array = pipeline.apply(&values.lent());
        let part = some_box(&array.shape().unwrap(), seed);
        let needs = reach(&array, &part);
        let before = box_bytes(&computed(&array, None), &part);
        for axis in 0..3 {
            let hull = needs.0[axis].hull();
            for plane in [hull.start, hull.end - 1] {
                let mut other = values.clone();
                for (k, index) in indices(Region::whole(values.dims())).enumerate() {
                    if index[axis] == plane && covers(&needs, &index) {
                        other.numbers[k] = stackmill::dtype::Number::Float(1e6);
                    }
                }
                let after = box_bytes(&computed(&pipeline.apply(&other.lent()), None), &part);
                prop_assert!(before != after, "{:?}: {part} does not read plane {plane} of axis {axis}, needs {:?}", pipeline, needs.0);
            }
        }
    }

    /// Two slices after one another are Python's, in any tiles.
    #[test]
    fn views_compose(first in slices(), second in slices(), tile in tile(), seed in 0u64..1000) {
        let values = Values::new(Dtype::I32, &[5, 6, 7], Data::Plain, seed);
        let part = |slices: &[Slice; 3]| slices.map(Index::Range);
        let array = values.lent().index(&part(&first)).index(&part(&second));
        let mut wanted = computed(&values.lent(), None).to_ndarray::<i32>().unwrap();
        for slices in [&first, &second] {
            for (axis, slice) in slices.iter().enumerate() {
                let picked = pythons_indices(slice, wanted.shape()[axis]);
                wanted = wanted.select(ndarray::Axis(axis), &picked);
            }
        }
        let found = computed(&array, Some(&fitted(&tile, &array))).to_ndarray::<i32>().unwrap();
        prop_assert_eq!(found, wanted);
    }

    /// Sums of floats do not depend on how the array is cut, to the last bit.
    #[test]
    fn float_sums_join_alike(which in 0usize..4, axis in 0i64..4, tile in fold_tile(), seed in 0u64..1000) {
        for dtype in [Dtype::F32, Dtype::F64] {
            joins_alike(which, dtype, axis, tile, seed)?;
        }
    }

    /// Nor do sums of integers, extremes and their places.
    #[test]
    fn other_folds_join_alike(which in 0usize..7, axis in 0i64..4, tile in fold_tile(), seed in 0u64..1000) {
        joins_alike(which, Dtype::U8, axis, tile, seed)?;
        joins_alike(4 + which % 3, Dtype::F32, axis, tile, seed)?;
    }

    /// Where the plan promises to read once, each unit is fetched once and the report says so.
    #[test]
    fn units_are_read_once(
        pipeline in pipeline().prop_filter("one pass", Pipeline::is_one_pass), shape in shape(), tile in tile(), unit in tile(),
        seed in 0u64..1000,
    ) {
        let values = Values::new(Dtype::U16, &shape, Data::Plain, seed);
        let source = Units::new(&values, &unit);
        let array = pipeline.apply(&Array::from_source(source.clone()));
        let sink = Arc::new(MemorySink::new(array.info().unwrap().clone()));
        let tile = fitted(&tile, &array);
        let output = Output { array: array.clone(), sink };
        let planned = plan(&[output], &options(Some(&tile)).machine()).unwrap();
        let promised = planned.passes.iter().all(|p| p.costs.read_factor() == 1.0);
        let run = computed(&array, Some(&tile));
        let fetched = source.fetched();
        let (read, there) = run.summary.passes[0].units_read;
        prop_assert_eq!(read, fetched.iter().sum::<u64>());
        prop_assert_eq!(there, fetched.iter().filter(|n| **n > 0).count() as u64);
        prop_assert!(!promised || fetched.iter().all(|n| *n <= 1), "{:?} tile {:?} unit {:?}: {:?}", pipeline, tile, unit, fetched);
    }
}

fn fold_tile() -> impl Strategy<Value = [usize; 3]> {
    [1usize..6, 1usize..40, 1usize..400]
}

fn joins_alike(which: usize, dtype: Dtype, axis: i64, tile: [usize; 3], seed: u64) -> Result<(), TestCaseError> {
    // More than 256 outputs along every axis, so that states are kept in both ways.
    let values = Values::new(dtype, &[5, 60, 300], Data::Plain, seed);
    let axes = if axis == 3 { AxisList::Default } else { axis.into() };
    // Tenths round in every addition: an order that moves shows.
    let folded = |x: &Array| fold(&if dtype.is_float() { x * 0.1 } else { x.clone() }, which, axes.clone());
    let first = computed(&folded(&values.lent()), None);
    let tiled = computed(&folded(&values.lent()), Some(&tile));
    prop_assert!(first.tile.data.bytes() == tiled.tile.data.bytes(), "fold {which} {dtype} axis {axis} tile {tile:?}");
    let other = [tile[2] % 5 + 1, tile[0], tile[1]];
    let units = computed(&folded(&values.in_units(&[2, 9, 100])), Some(&other));
    prop_assert!(first.tile.data.bytes() == units.tile.data.bytes(), "fold {which} {dtype} axis {axis} tile {other:?} in units");
    Ok(())
}

fn fold(x: &Array, which: usize, axis: AxisList) -> Array {
    let keepdims = true;
    match which {
        0 => x.sum_with(Sum { axis, keepdims }),
        1 => x.mean_with(Mean { axis, keepdims }),
        2 => x.var_with(Var { axis, keepdims, ddof: 1.0 }),
        3 => x.std_with(Std { axis, keepdims, ddof: 0.0 }),
        4 => x.max_with(Max { axis, keepdims }),
        5 => x.argmax_with(Argmax { axis, keepdims }),
        _ => x.argmin_with(Argmin { axis, keepdims }),
    }
}

/// What a box of a one-pass result reads of its one source.
fn reach(array: &Array, part: &Region) -> Boxes {
    let sink = Arc::new(MemorySink::new(array.info().unwrap().clone()));
    let planned = plan(&[Output { array: array.clone(), sink }], &options(None).machine()).unwrap();
    let [pass] = &planned.passes[..] else { panic!("{} passes", planned.passes.len()) };
    let regions = input_regions(&pass.program, part).unwrap();
    let [only] = &regions[..] else { panic!("{} inputs", regions.len()) };
    only.clone()
}

fn covers(needs: &Boxes, index: &Dims) -> bool {
    needs.0.iter().zip(index.iter()).all(|(runs, i)| runs.ranges().iter().any(|r| r.contains(i)))
}

/// A box of an array, the same for the same seed.
fn some_box(shape: &Dims, seed: u64) -> Region {
    let mut noise = data::Noise(seed);
    let mut ranges = Vec::new();
    for n in shape.iter() {
        let start = noise.below(*n);
        ranges.push(start..start + 1 + noise.below((*n - start).min(4)));
    }
    Region::of(&ranges)
}

fn box_bytes(result: &Computed, part: &Region) -> Vec<u8> {
    let (tile, size) = (&result.tile, result.tile.dtype.size());
    let at = indices(*part).map(|i| tile.shape.linear_of(&i) * size);
    at.flat_map(|k| tile.data.bytes()[k..k + size].to_vec()).collect()
}

fn slices() -> impl Strategy<Value = [Slice; 3]> {
    let bound = || proptest::option::of(-9isize..9);
    let step = proptest::option::of(prop_oneof![-3isize..0, 1isize..4]);
    let one = (bound(), bound(), step).prop_map(|(start, stop, step)| Slice { start, stop, step });
    [one.clone(), one.clone(), one]
}

/// Walks a Python slice by its language reference: from the start, step by step, while the stop is ahead.
fn pythons_indices(slice: &Slice, n: usize) -> Vec<usize> {
    let len = n as isize;
    let step = slice.step.unwrap_or(1);
    let from_end = |i: isize| if i < 0 { i + len } else { i };
    let mut at = match (slice.start, step > 0) {
        (Some(i), true) => from_end(i).max(0),
        (Some(i), false) => from_end(i).min(len - 1),
        (None, true) => 0,
        (None, false) => len - 1,
    };
    let stop = slice.stop.map_or(if step > 0 { len } else { -1 }, |i| from_end(i).max(-1));
    let mut picked = Vec::new();
    while (step > 0 && at < stop.min(len)) || (step < 0 && at > stop) {
        picked.push(at as usize);
        at += step;
    }
    picked
}

/// Tiles of one plane that look at the planes beside them share those planes' units.
#[test]
fn units_of_a_halo_are_read_once() {
    let values = Values::new(Dtype::U16, &[12, 6, 8], Data::Plain, 3);
    let source = Units::new(&values, &[1, 6, 8]);
    let array = Array::from_source(source.clone()).maximum_filter([5, 1, 1]);
    let run = computed(&array, Some(&[1, 6, 8]));
    assert_eq!(source.fetched(), [1; 12]);
    assert_eq!(run.summary.passes[0].units_read, (12, 12));
}

/// A pipeline that meets its own mirror image needs every unit twice, at both ends of the sweep.
#[test]
fn a_mirror_image_is_read_as_often_as_the_plan_says() {
    let values = Values::new(Dtype::U16, &[200, 4, 4], Data::Plain, 3);
    let source = Units::new(&values, &[1, 4, 4]);
    let x = Array::from_source(source.clone());
    let array = &x + &x.flip();
    let sink = Arc::new(MemorySink::new(array.info().unwrap().clone()));
    let output = Output { array: array.clone(), sink };
    let planned = plan(&[output], &options(Some(&[1, 4, 4])).machine()).unwrap();
    let _ = computed(&array, Some(&[1, 4, 4]));
    let most = source.fetched().into_iter().max().unwrap();
    let promised = planned.passes[0].costs.read_factor();
    println!("read up to {most} times, the plan says {promised}");
    assert!(most as f64 <= promised.ceil(), "read up to {most} times, the plan says {promised}");
}

/// A running sum is one wherever its axis goes afterwards: dropped by an index, moved by a transpose, joined by a new one.
#[test]
fn views_of_scans_are_views_of_their_results() {
    let values = Values::new(Dtype::I32, &[4, 5, 6], Data::Plain, 9);
    let all = || Index::Range(Slice::default());
    for axis in 0..3 {
        let sums = values.lent().cumsum(axis);
        let whole = computed(&sums, None).to_ndarray::<i64>().unwrap();
        for dropped in 0..3 {
            let mut places = [all(), all(), all()];
            places[dropped] = Index::At(-2);
            let found = computed(&sums.index(&places), Some(&[2, 3])).to_ndarray::<i64>().unwrap();
            let place = whole.shape()[dropped] - 2;
            assert_eq!(found, whole.index_axis(ndarray::Axis(dropped), place), "cumsum({axis}), then axis {dropped}");
            places[dropped] = all();
            let mut wider = places.to_vec();
            wider.insert(dropped, Index::NewAxis);
            let found = computed(&sums.index(&wider), Some(&[1, 2, 1, 3])).to_ndarray::<i64>().unwrap();
            assert_eq!(found, whole.clone().insert_axis(ndarray::Axis(dropped)), "cumsum({axis}), a new axis at {dropped}");
        }
        for order in [[0, 2, 1], [1, 2, 0], [2, 1, 0]] {
            let found = computed(&sums.transpose(&order), Some(&[2, 2, 2])).to_ndarray::<i64>().unwrap();
            assert_eq!(found, whole.clone().permuted_axes(&order[..]), "cumsum({axis}), transposed {order:?}");
        }
        let first = sums.index(&[Index::At(1)]).index(&[Index::At(2)]);
        let found = computed(&first, Some(&[2])).to_ndarray::<i64>().unwrap();
        assert_eq!(found, whole.slice(ndarray::s![1, 2, ..]).into_dyn(), "cumsum({axis})[1][2]");
    }
}

/// The variance of time stamps in nanoseconds: their squares take more than 128 bits together.
#[test]
fn large_integers_vary_exactly() {
    let stamps: Vec<i64> = (0..3 * 1000).map(|k| 1_700_000_000_000_000_000 + k % 1000 * 1_000_000_000).collect();
    let array = Array::from_ndarray(&ndarray::Array2::from_shape_vec((3, 1000), stamps).unwrap());
    let one = (1000.0f64.powi(2) - 1.0) / 12.0 * 1e18;
    for (axes, wanted) in [(vec![0, 1], vec![one]), (vec![1], vec![one; 3]), (vec![0], vec![0.0; 1000])] {
        let found = computed(&array.var_with(Var { axis: AxisList::Numbers(axes.clone()), ddof: 0.0, keepdims: false }), None);
        let near = |(found, wanted): (&f64, &f64)| (found - wanted).abs() <= 4e-16 * wanted;
        let found = found.values::<f64>().unwrap();
        assert!(found.len() == wanted.len() && found.iter().zip(&wanted).all(near), "over {axes:?}: {found:?}");
    }
}

/// What a text makes of a small stack whose axes are named so.
fn made(axes: &[&str], text: &str) -> Result<Computed, stackmill::Error> {
    let values = Values::new(Dtype::F32, &[4, 5, 6], Data::Plain, 4);
    let info = Info { axes: axes.iter().map(|name| Axis::named(name)).collect(), ..values.info() };
    let numbers: Vec<f32> = bytemuck::pod_collect_to_vec(&values.bytes());
    let array = ndarray::Array3::from_shape_vec((4, 5, 6), numbers).unwrap();
    let x = Array::from_source(Arc::new(MemorySource::from_ndarray(&array)?.with_info(info)?));
    stackmill::language::evaluate(text, &x, &[])?.result.compute_with(&options(None))
}

/// A list goes with `axes` in the order in which they are named.
#[test]
fn lists_pair_with_axes_as_given() {
    for (given, sorted) in [
        ("gaussian([1, 2], axes=['x', 'y'])", "gaussian([0, 2, 1])"),
        ("gaussian(1, axes=['x', 'z'])", "gaussian([1, 0, 1])"),
        ("gaussian([1, 2], order=[1, 0], axes=[2, 0])", "gaussian([2, 0, 1], order=[0, 0, 1])"),
        ("median([3, 1, 5], axes=['y', 'z', 'x'])", "median([1, 3, 5])"),
        ("uniform([3, 5], origin=[1, -2], axes=[-1, 0])", "uniform([5, 1, 3], origin=[-2, 0, 1])"),
        ("maximum_filter([2, 3], origin=[-1, 1], axes=['y', 'x'])", "maximum_filter([1, 2, 3], origin=[0, -1, 1])"),
    ] {
        let [a, b] = [given, sorted].map(|text| made(&["z", "y", "x"], text).unwrap_or_else(|e| panic!("{text}: {e}")));
        assert_eq!(a.tile.data.bytes(), b.tile.data.bytes(), "{given}");
    }
    assert!(made(&["z", "y", "x"], "gaussian([1, 2], axes=['x', 'x'])").is_err_and(|e| e.to_string().contains("twice")));
}

/// A single number means the axes of space, by whatever name; one that would mean none is refused, and no copy.
#[test]
fn a_number_for_no_axis_is_refused() {
    for axes in [["time", "lat", "lon"], ["channel", "rows", "columns"], ["t", "latitude", "longitude"], ["", "height", "width"]]
    {
        for (scalar, list) in [("gaussian(1)", "gaussian([0, 1, 1])"), ("median(3)", "median([1, 3, 3])")] {
            let [a, b] = [scalar, list].map(|text| made(&axes, text).unwrap());
            assert_eq!(a.tile.data.bytes(), b.tile.data.bytes(), "{scalar} of {axes:?}");
        }
    }
    let odd = ["a", "b", "c"];
    for text in ["gaussian(1)", "median(3)", "uniform(3)", "grey_erosion(3)", "maximum_filter(3)", "sobel_magnitude", "laplace"] {
        let error = made(&odd, text).err().unwrap_or_else(|| panic!("{text} of {odd:?} is done")).to_string();
        assert!(error.contains("none of the axes a, b, c") && error.contains("axes="), "{text}: {error}");
    }
    for text in
        ["gaussian([1, 0, 1])", "gaussian(1, axes=['b'])", "median([1, 3, 1], origin=0)", "sum(axis='a')", "laplace(axes=['a'])"]
    {
        made(&odd, text).unwrap_or_else(|e| panic!("{text}: {e}"));
    }
}

/// NaN lies outside of floats; integers have no place for it.
#[test]
fn nan_is_a_number_where_floats_are() {
    let found = made(&["z", "y", "x"], "minimum_filter([1, 1, 3], mode='constant', cval=nan)").unwrap();
    let wanted = |(place, v): (usize, &f32)| v.is_nan() == (place % 6 == 0 || place % 6 == 5);
    assert!(found.values::<f32>().unwrap().iter().enumerate().all(wanted));
    for text in [
        "astype(u8) |> gaussian(1, mode='constant', cval=nan)",
        "astype(u8) |> clip(nan, 5)",
        "percentile_filter(nan, 3)",
        "var(ddof=nan)",
    ] {
        assert!(made(&["z", "y", "x"], text).is_err(), "{text} is done");
    }
}
