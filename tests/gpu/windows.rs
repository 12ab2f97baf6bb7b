//! Windows along an axis: every length around where kernels change, every axis, ragged groups of rows, every dtype that has
//! a kernel, with trusted and with checked shaders.

use super::data::{Data, Values};
use super::rig::{assert_near, assert_same, driver, options, pipeline, run, sharing};
use stackmill::dtype::Dtype;
use stackmill::graph::Array;
use stackmill::session::Options;

const SHAPES: [&[usize]; 5] = [&[131], &[23, 41], &[13, 9, 37], &[6, 11, 7, 3], &[5, 3, 4, 9, 1]];

/// The CPU's result beside those of the GPU: in one tile, in ragged ones, with checked shaders.
fn prove(text: &str, x: &Array, near: Option<f64>) {
    let array = pipeline(text, x, &[]);
    let one = std::slice::from_ref(&array);
    let shape = x.shape().unwrap();
    let words = format!("{text} of {} {shape}", x.dtype().unwrap());
    let cpu = run(&words, one, &options("cpu", None), None);
    let ragged: Vec<usize> = shape.iter().map(|n| n.div_ceil(2).max(1)).collect();
    let whole = options(&driver(), None);
    let all = [
        ("one tile", whole.clone()),
        ("ragged tiles", options(&driver(), Some(&ragged))),
        ("checked shaders", Options { checked_shaders: true, ..whole }),
    ];
    for (how, options) in all {
        let made = run(&words, one, &options, None);
        let words = format!("{words}, {how}");
        match near {
            Some(relative) => assert_near(&words, &cpu.tiles[0], &made.tiles[0], relative),
            None => assert_same(&words, &cpu.tiles[0], &made.tiles[0]),
        }
    }
}

/// A size for one axis, 1 elsewhere.
fn along(rank: usize, axis: usize, length: usize) -> String {
    let sizes: Vec<String> = (0..rank).map(|a| if a == axis { length.to_string() } else { "1".to_owned() }).collect();
    format!("[{}]", sizes.join(","))
}

#[test]
fn extremes_of_every_length_along_every_axis_have_the_cpus_bits() {
    let _guard = sharing();
    for (k, shape) in SHAPES.iter().enumerate() {
        let dtype = [Dtype::U16, Dtype::F32, Dtype::U8, Dtype::I16, Dtype::U32][k];
        let x = Values::new(dtype, shape, if dtype == Dtype::F32 { Data::Special } else { Data::Plain }, 21).lent();
        for axis in 0..shape.len() {
            for length in [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 33] {
                let size = along(shape.len(), axis, length);
                let op = if length % 2 == 0 { "minimum_filter" } else { "maximum_filter" };
                prove(&format!("{op}({size}, mode='nearest')"), &x, None);
            }
        }
    }
}

#[test]
fn extremes_of_every_dtype_have_the_cpus_bits() {
    let _guard = sharing();
    for dtype in Dtype::ALL.into_iter().filter(|d| d.size() <= 4) {
        let data = if dtype.is_float() { Data::Special } else { Data::Plain };
        let x = Values::new(dtype, &[9, 21, 30], data, 22).lent();
        for size in ["[1,1,6]", "[1,6,1]", "[11,1,1]", "[3,9,5]"] {
            prove(&format!("minimum_filter({size}, mode='wrap')"), &x, None);
            prove(&format!("maximum_filter({size}, mode='constant')"), &x, None);
        }
    }
}

/// Sums of floats are near the CPU's; those of integers have its bits.
#[test]
fn weighted_sums_of_every_length_along_every_axis_mean_the_same() {
    let _guard = sharing();
    for shape in SHAPES {
        let x = Values::new(Dtype::F32, shape, Data::Plain, 23).lent();
        for axis in 0..shape.len() {
            for sigma in [0.3, 0.6, 1.0, 1.5, 2.6, 5.1] {
                let sigma: Vec<String> =
                    (0..shape.len()).map(|a| if a == axis { sigma.to_string() } else { "0".to_owned() }).collect();
                prove(&format!("gaussian([{}])", sigma.join(",")), &x, Some(1e-5));
            }
            for length in [2, 3, 4, 5, 8, 13] {
                prove(&format!("uniform({})", along(shape.len(), axis, length)), &x, Some(1e-5));
            }
            prove(&format!("sobel(axis={axis})"), &x, Some(1e-5));
        }
    }
}

#[test]
fn weighted_sums_of_small_integers_mean_the_same() {
    let _guard = sharing();
    for dtype in [Dtype::U8, Dtype::I16, Dtype::U16] {
        let x = Values::new(dtype, &[9, 21, 30], Data::Plain, 24).lent();
        for text in [
            "gaussian([1.5,0,0])",
            "gaussian([0,1.5,1.5])",
            "uniform([1,4,1])",
            "uniform([5,1,3], mode='wrap')",
            "sobel(axis=0)",
            "laplace()",
        ] {
            // Of 12 bits or fewer: hardly any sum lies so near a tie that f32 and f64 round apart.
            prove(&format!("x // 16 |> {text}"), &x, Some(1e-5));
        }
    }
}
