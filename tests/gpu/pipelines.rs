//! Pipelines of mixed steps over every rank, dtype, border and view: what is exact has the CPU's bits, f32 is near.

use super::data::{Data, Values};
use super::rig::{assert_near, assert_same, driver, options, pipeline, planned, run, shares, sharing};
use super::stacks::synthetic;
use stackmill::dtype::Dtype;
use stackmill::graph::{Array, Index, Slice};

/// What f32 results may differ by.
const NEAR: f64 = 1e-5;

fn noise(dtype: Dtype, shape: &[usize], seed: u64) -> Array {
    Values::new(dtype, shape, Data::Plain, seed).lent()
}

/// Whole tiles, and ragged ones below most halos.
fn tilings(shape: &[usize]) -> [Option<Vec<usize>>; 2] {
    let ragged = shape.iter().enumerate().map(|(axis, n)| (n / 3 + axis).clamp(1, (*n).max(1))).collect();
    [None, Some(ragged)]
}

/// One array on the CPU and, in each tiling, on the GPU, which must take part.
fn prove(words: &str, array: &Array, compare: &dyn Fn(&str, &stackmill::tile::Tile, &stackmill::tile::Tile)) {
    let shape = array.shape().unwrap_or_else(|e| panic!("{words}: {e}"));
    let one = std::slice::from_ref(array);
    let cpu = run(words, one, &options("cpu", None), None);
    for tile in tilings(&shape) {
        let options = options(&driver(), tile.as_deref());
        let words = format!("{words}, tile {tile:?}");
        let session = planned(&words, array, &options);
        assert!(shares(session.plan()).0 > 0, "{words}: nothing runs on the GPU\n{}", session.explain());
        let gpu = run(&words, one, &options, None);
        compare(&words, &cpu.tiles[0], &gpu.tiles[0]);
    }
}

fn exact(words: &str, array: &Array) {
    prove(words, array, &assert_same);
}

fn near(words: &str, array: &Array) {
    prove(words, array, &|words, cpu, gpu| assert_near(words, cpu, gpu, NEAR));
}

/// Pipelines of integers over a u16 stack of three axes.
const INTEGERS: [&str; 28] = [
    "x + 1",
    "x - 40000 |> abs(x)",
    "x * x",
    "x // 7 + 3",
    "x % 11 |> x - 5 |> x // 3",
    "-x |> ~x",
    "(x ^ 21845) & 4095 | 1",
    "square(x) // (x + 1)",
    "clip(300, 900) |> astype('u8')",
    "astype('i16') |> x - 5 |> astype('u32') |> x * 70000",
    "where(x > input[::-1], x, 7)",
    "minimum(x, 1000) + maximum(x, flip(x, axis=2))",
    "x - grey_opening(x, size=[1, 15, 15]) |> clip(0, 200) |> astype('u8')",
    "median([3,3,3]) |> grey_dilation([3,1,7], mode='wrap')",
    "minimum_filter([1,200,1], mode='constant', cval=7) |> x + 3",
    "maximum_filter([1,1,301], mode='mirror')",
    "maximum_filter([33,1,1], mode='wrap') |> minimum_filter([1,131,1], mode='nearest')",
    "median([9,1,9], mode='constant', cval=65535)",
    "median([1,9,9], mode='nearest') |> (x > 150) & (input < 40000)",
    "grey_closing([1,200,200], mode='constant', cval=9) |> x - input",
    "black_tophat([3,5,7], mode='wrap') |> median([1,3,3], mode='mirror')",
    "where(x > 200, x, 0) |> astype('f64') |> x * 2 |> astype('u16') |> median([1,5,5])",
    "median([1,3,3]) |> astype('f64') |> x / 3 |> astype('u16') |> grey_erosion([3,3,3]) |> astype('i64') |> x * 3",
    "cumsum(0) |> astype('u16') |> grey_erosion([1,3,3]) |> x > 9",
    "x - mean(x) |> x > 60",
    "median([1,3,3]) |> x > mean(x, axis=0) |> ~x",
    "flip(axis=[0,2]) |> x + flip(x, axis=1)",
    "(x + 1)[1:, ::-2, 3:-3] |> median([1,3,3]) |> x[:, None, 2]",
];

#[test]
fn pipelines_of_integers_have_the_cpus_bits() {
    let _guard = sharing();
    let x = noise(Dtype::U16, &[5, 37, 53], 1);
    for text in INTEGERS {
        exact(text, &pipeline(text, &x, &[]));
    }
}

/// Pipelines of f32 arithmetic.
const FLOATS: [&str; 14] = [
    "x * 0.1 + 3",
    "x / (abs(x) + 1)",
    "sqrt(abs(x)) - x",
    "exp(x / 100) |> log(x + 1)",
    "sin(x) * cos(x)",
    "abs(x) ** 0.5",
    "gaussian(1.5)",
    "gaussian([0, 9, 9], mode='wrap')",
    "gaussian([0.7, 1, 0], order=[1, 2, 0], mode='constant', cval=5)",
    "uniform([3,5,40], mode='mirror') |> x - input",
    "sobel_magnitude() |> gaussian([0,1,1]) |> clip(0, 100)",
    "laplace(mode='nearest') |> maximum(x, 0)",
    "x - median(x, size=[1,3,3]) |> x * 2",
    "x * 2 - mean(x) |> astype('f32')",
];

#[test]
fn pipelines_of_floats_are_near() {
    let _guard = sharing();
    let x = noise(Dtype::F32, &[5, 37, 53], 2);
    for text in FLOATS {
        near(text, &pipeline(text, &x, &[]));
    }
}

#[test]
fn order_and_selection_of_floats_have_the_cpus_bits() {
    let _guard = sharing();
    let texts = [
        "median([1,3,3])",
        "median([3,3,5], mode='wrap')",
        "grey_opening([1,5,9]) |> maximum(x, 0)",
        "where(isnan(x), 0, x)",
        "-x |> abs(x) |> minimum(x, 3)",
        "(x > 0) & ~isnan(x) |> astype('u8')",
        "x[::-1, 1:, ::3] |> maximum_filter([1,1,201], mode='constant', cval=-3)",
    ];
    for (dtype, data) in
        [Dtype::F32, Dtype::F16].into_iter().flat_map(|d| [Data::Plain, Data::Nan, Data::Special].map(|k| (d, k)))
    {
        let x = Values::new(dtype, &[4, 23, 31], data, 3).lent();
        for text in texts {
            exact(&format!("{text} of {dtype} ({data:?})"), &pipeline(text, &x, &[]));
        }
    }
}

/// Windows of extent `n` along the last two axes.
fn planar(text: &str, rank: usize) -> String {
    let list = |n: usize| -> String {
        let sizes: Vec<String> = (0..rank).map(|axis| if axis + 2 >= rank { n } else { 1 }.to_string()).collect();
        format!("[{}]", sizes.join(","))
    };
    text.replace("W3", &list(3)).replace("W9", &list(9))
}

#[test]
fn every_rank_has_the_cpus_bits() {
    let _guard = sharing();
    let shapes: [&[usize]; 8] =
        [&[211], &[1], &[37, 53], &[1, 97], &[5, 23, 31], &[2, 3, 17, 19], &[2, 2, 3, 11, 13], &[3, 1, 2, 1, 9]];
    let texts = [
        "median(W3) |> x + flip(x)",
        "x - grey_opening(x, size=W9, mode='wrap') |> x > 60",
        "median(W3, mode='constant', cval=900) |> where(x > 300, x, 0) |> x[::-1] |> maximum_filter(W9)",
        "x - mean(x) |> x > 60",
        "x + max(x, axis=-1, keepdims=True)",
        "x - 30000 |> abs(x) |> astype('u8') |> grey_dilation(W3)",
    ];
    for shape in shapes {
        let x = noise(Dtype::U16, shape, 4);
        for text in texts {
            let text = planar(text, shape.len());
            exact(&format!("{text} of {shape:?}"), &pipeline(&text, &x, &[]));
        }
        let gaussian = planar("astype('f32') |> gaussian(1.2) |> uniform(W3)", shape.len());
        near(&format!("{gaussian} of {shape:?}"), &pipeline(&gaussian, &x, &[]));
    }
}

#[test]
fn every_small_dtype_has_the_cpus_bits() {
    let _guard = sharing();
    let dtypes = [Dtype::Bool, Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::U32, Dtype::I32];
    let texts = [
        "median([1,3,3]) |> maximum(x, input)",
        "grey_closing([3,3,3], mode='wrap') |> x != input",
        "grey_erosion([1,1,77]) |> flip(axis=1)",
        "where(x > 1, x, input[::-1]) |> median([3,3,5])",
        "astype('u8') |> x // 3",
        "astype('i32') |> abs(x) % 100",
    ];
    for dtype in dtypes {
        let x = noise(dtype, &[3, 17, 29], 5);
        for text in texts {
            exact(&format!("{text} of {dtype}"), &pipeline(text, &x, &[]));
        }
    }
}

#[test]
fn operands_are_repeated_along_missing_axes() {
    let _guard = sharing();
    let x = noise(Dtype::U16, &[4, 19, 43], 6);
    let shapes: [&[usize]; 7] = [&[43], &[1], &[19, 1], &[19, 43], &[4, 1, 1], &[4, 19, 1], &[4, 1, 43]];
    for shape in shapes {
        let other = vec![("other".to_owned(), noise(Dtype::U16, shape, 7))];
        for text in
            ["x - other |> abs(x)", "where(x > other, other, x) |> median([1,3,3])", "other - median(x, size=[1,3,3]) > 5"]
        {
            exact(&format!("{text} with other {shape:?}"), &pipeline(text, &x, &other));
        }
    }
    let row = noise(Dtype::U16, &[43], 8);
    let spread = row.broadcast_to(&[4, 19, 43]).median([1, 3, 3]);
    exact("a row broadcast to a stack, median", &spread);
}

fn every(step: isize) -> Index {
    Index::Range(Slice { start: None, stop: None, step: Some(step) })
}

#[test]
fn views_have_the_cpus_bits() {
    let _guard = sharing();
    let x = noise(Dtype::U16, &[6, 21, 34], 9);
    let filtered = x.median([1, 3, 3]);
    let turned = filtered.transpose(&[2, 0, 1]);
    let views: [(&str, Array); 7] = [
        ("transpose, then a filter", turned.grey_erosion([3, 1, 5])),
        ("transpose there and back", turned.transpose(&[1, 2, 0]) - &filtered),
        ("every other plane, reversed rows", filtered.index(&[every(2), every(-1), Index::Ellipsis]).median([1, 3, 3])),
        ("one plane of a filter", filtered.index(&[Index::At(-1), Index::Ellipsis]).median([3, 3]).gt(900)),
        ("a new axis", filtered.index(&[Index::NewAxis, Index::Ellipsis, every(-3)]) + 1),
        ("a column under a stack", x.index(&[Index::Ellipsis, (3..4).into()]) + &filtered),
        ("a slice past a halo", filtered.index(&[(2..4).into(), (5..9).into(), (30..34).into()]).maximum_filter([1, 9, 9])),
    ];
    for (words, array) in views {
        exact(words, &array);
    }
}

#[test]
fn empty_and_single_elements_have_the_cpus_bits() {
    let _guard = sharing();
    for shape in [&[0, 5, 7][..], &[3, 0, 7], &[3, 5, 0], &[1, 1, 1], &[1, 1, 9]] {
        let x = noise(Dtype::U16, shape, 10);
        for text in ["median([1,3,3]) |> x + 1", "grey_opening([3,9,9], mode='wrap') |> x > 60"] {
            let words = format!("{text} of {shape:?}");
            let array = pipeline(text, &x, &[]);
            let [cpu, gpu] =
                ["cpu", &driver()].map(|device| run(&words, std::slice::from_ref(&array), &options(device, None), None));
            assert_same(&words, &cpu.tiles[0], &gpu.tiles[0]);
        }
    }
}

#[test]
fn outputs_made_together_have_the_cpus_bits() {
    let _guard = sharing();
    let x = noise(Dtype::U16, &[5, 33, 47], 11);
    let median = x.median([1, 3, 3]);
    let hat = median.white_tophat([1, 9, 9]);
    let outputs = [
        median.clone(),
        hat.gt(60),
        &median - &x,
        hat.max(),
        &median - median.mean(),
        hat.index(&[Index::At(2), Index::Ellipsis]),
        hat.transpose(&[0, 2, 1]),
        median.astype(Dtype::F64) * 0.5,
    ];
    let cpu = run("8 outputs", &outputs, &options("cpu", None), None);
    for tile in [None, Some(&[2, 11, 16][..])] {
        let gpu = run("8 outputs", &outputs, &options(&driver(), tile), None);
        for (number, (cpu, gpu)) in cpu.tiles.iter().zip(&gpu.tiles).enumerate() {
            assert_same(&format!("output {} of 8, tile {tile:?}", number + 1), cpu, gpu);
        }
    }
}

#[test]
fn what_a_gpu_has_no_numbers_for_stays_on_the_cpu_inside_the_pass() {
    let _guard = sharing();
    let text = "median([1,3,3]) |> astype('f64') |> x * 0.3 |> astype('u16') |> median([1,5,5])";
    let array = pipeline(text, &synthetic([4, 40, 50]), &[]);
    let session = planned(text, &array, &options(&driver(), None));
    let (on_gpu, on_cpu) = shares(session.plan());
    let explained = session.explain();
    assert_eq!(session.plan().passes.len(), 1, "{explained}");
    assert!(on_gpu >= 2 && on_cpu >= 1, "{on_gpu} steps on the GPU, {on_cpu} on the CPU\n{explained}");
    assert!(explained.contains("on the CPU: ") && explained.contains("64-bit"), "no reason in\n{explained}");
    exact(text, &array);
}

#[test]
fn checked_shaders_give_the_same_bits() {
    let _guard = sharing();
    let x = noise(Dtype::U16, &[3, 29, 41], 12);
    for text in ["median([3,3,3]) |> grey_erosion([1,9,9], mode='wrap') |> x > 60", "astype('f32') |> gaussian(1.5) |> sqrt(x)"] {
        let array = pipeline(text, &x, &[]);
        let trusted = options(&driver(), Some(&[2, 10, 20]));
        let checked = stackmill::Options { checked_shaders: true, ..trusted.clone() };
        let [a, b] = [&trusted, &checked].map(|options| run(text, std::slice::from_ref(&array), options, None));
        assert_same(&format!("{text}, trusted (first) and checked shaders (second)"), &a.tiles[0], &b.tiles[0]);
    }
}
