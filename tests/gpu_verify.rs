//! Tiles that a GPU made, computed again in f64: none is wrong. Needs a Vulkan driver: without one it fails, it is never skipped.
//! `STACKMILL_GPU` names another adapter than llvmpipe.

#[path = "gpu/rig.rs"]
#[allow(dead_code, reason = "the tests of one adapter need more of it")]
mod rig;

#[path = "conformance/data.rs"]
#[allow(dead_code, reason = "the matrix needs more of it")]
mod data;

use rig::{driver, options, pipeline};
use stackmill::Options;
use stackmill::dtype::Dtype;

const PIPELINES: &[&str] = &[
    "gaussian(1.5)",
    "gaussian(1.5) |> x > 60",
    "gaussian(1) |> median([1, 3, 3]) |> x - mean(x)",
    "white_tophat([1, 5, 5]) |> x > 60",
    "gaussian(1) |> astype('u8')",
    "sobel_magnitude() |> x / 3",
    "sobel(0, mode='wrap') |> abs(x) |> x > 20",
    "uniform([1, 5, 5], mode='mirror')",
    "(x - min(x)) / (max(x) - min(x)) |> gaussian(1)",
    "astype('f32') |> sqrt(abs(x)) + exp(x / 5000) * sin(x) - log(abs(x) + 1)",
    "sum(gaussian(x, 1), axis=0)",
    "std(gaussian(x, 1))",
    "correlate([[[1, 2, 1], [0, 0, 0], [-1, -2, -1]]], mode='constant', cval=7)",
    "where(gaussian(x, 1) > 50, x, 0)",
];

#[test]
fn a_gpu_makes_what_its_meaning_gives() {
    for dtype in [Dtype::U16, Dtype::F32] {
        for text in PIPELINES {
            let array = data::Values::new(dtype, &[6, 40, 70], data::Data::Plain, 41).lent();
            let options = Options { verify: usize::MAX, ..options(&driver(), Some(&[3, 16, 32])) };
            let made = pipeline(text, &array, &[]).compute_with(&options);
            let summary = made.unwrap_or_else(|error| panic!("{dtype} {text}: {error}")).summary;
            let seen = summary.verified().unwrap();
            println!("{dtype} {text:70} {seen:?}");
            assert!(seen.share <= 1.0 && summary.passes.iter().any(|pass| pass.device_lanes > 0), "{dtype} {text}: {seen:?}");
        }
    }
}
