//! Reductions whose blocks a GPU makes: the CPU's bits, whatever the axes, extents, dtypes and tiles.

use super::data::{Data, Values};
use super::rig::{assert_same, driver, options, pipeline, planned, run, sharing};
use stackmill::device::gpu::numerics;
use stackmill::dtype::Dtype;
use stackmill::graph::Array;

const GOALS: [&str; 8] = ["sum", "mean", "min", "max", "argmin", "argmax", "var", "std"];

/// Whether the blocks of a reduction are made on the CPU: its states are wider than a GPU's numbers.
fn is_wide(goal: &str, dtype: Dtype) -> bool {
    matches!(goal, "var" | "std") && (dtype.is_float() || dtype.size() == 4)
}

/// The dtypes that a GPU has numbers for.
const DTYPES: [Dtype; 9] =
    [Dtype::Bool, Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::U32, Dtype::I32, Dtype::F16, Dtype::F32];

/// How many folds of a plan are made of blocks on the GPU, and how many of elements on the CPU.
fn shares(words: &str, array: &Array, tile: Option<&[usize]>) -> (usize, usize) {
    let session = planned(words, array, &options(&driver(), tile));
    let folds = |pass: &stackmill::plan::Pass| match &pass.gpu {
        Some(gpu) => (gpu.sharing.folds.iter().filter(|f| f.is_none()).count(), gpu.sharing.folds.iter().flatten().count()),
        None => (0, pass.program.folds.len()),
    };
    session.plan().passes.iter().map(folds).fold((0, 0), |sum, (gpu, cpu)| (sum.0 + gpu, sum.1 + cpu))
}

/// One pipeline that reduces, on the CPU and on the GPU in each tiling.
fn prove(text: &str, input: &Array, tilings: &[Option<Vec<usize>>], on_cpu: usize) {
    let array = pipeline(text, input, &[]);
    let one = std::slice::from_ref(&array);
    let cpu = run(text, one, &options("cpu", None), None);
    for tile in tilings {
        let words = format!("{text} of {} {:?}, tile {tile:?}", input.dtype().unwrap(), input.shape().unwrap());
        let (gpu, left) = shares(&words, &array, tile.as_deref());
        assert!(gpu + left > 0 && left == on_cpu, "{words}: {gpu} folds on the GPU, {left} on the CPU");
        let made = run(&words, one, &options(&driver(), tile.as_deref()), None);
        assert_same(&words, &cpu.tiles[0], &made.tiles[0]);
    }
}

fn axes_of(rank: usize, goal: &str) -> Vec<String> {
    let mut all: Vec<String> = (0..rank).map(|axis| axis.to_string()).collect();
    if rank == 3 && !goal.starts_with("arg") {
        all.extend(["[0,1]", "[1,2]", "[0,2]"].map(str::to_owned));
    }
    all
}

/// Rows longer than a block, more rows than a workgroup takes at once, ragged ends along every axis.
#[test]
fn every_reduction_over_every_axis_has_the_cpus_bits() {
    let _guard = sharing();
    for dtype in DTYPES {
        for goal in GOALS {
            let x = Values::new(dtype, &[35, 19, 521], Data::Plain, 3).lent();
            let on_cpu = usize::from(is_wide(goal, dtype));
            let tilings = [None, Some(vec![16, 16, 256])];
            prove(goal, &x, &tilings, on_cpu);
            for axis in axes_of(3, goal) {
                prove(&format!("{goal}(axis={axis})"), &x, &tilings, on_cpu);
            }
        }
    }
}

/// NaN, infinities, zeros of both signs, denormals. A device that flushes denormals adds zeros in their place: its sums are asked for
/// without them.
#[test]
fn special_floats_reduce_as_on_the_cpu() {
    let _guard = sharing();
    let keeps_denormals = numerics(&driver()).unwrap().keeps_denormals;
    for dtype in [Dtype::F16, Dtype::F32] {
        let special = Values::new(dtype, &[20, 17, 270], Data::Special, 5).lent();
        for goal in ["min", "max", "argmin", "argmax", "sum"] {
            let flushed = || pipeline("where(abs(x) < 1.1754944e-38, 0, x)", &special, &[]);
            let x = if goal == "sum" && !keeps_denormals { flushed() } else { special.clone() };
            for axis in axes_of(3, goal) {
                prove(&format!("{goal}(axis={axis})"), &x, &[None, Some(vec![16, 16, 256])], 0);
            }
            prove(goal, &x, &[None], 0);
        }
    }
}

/// Sums that round at almost every addition: another order would give other bits.
#[test]
fn sums_of_floats_keep_the_order_of_additions() {
    let _guard = sharing();
    let value = |(z, y, x): (usize, usize, usize)| {
        let bits = (z * 7919 + y * 104_729 + x * 1_299_709 + 17).wrapping_mul(2_654_435_761) & 0xff_ffff;
        (bits as f32 - 7e6) * 10f32.powi((x % 13) as i32 - 6)
    };
    let x = Array::from_ndarray(&ndarray::Array3::from_shape_fn([40, 33, 700], value));
    for text in ["sum", "sum(axis=0)", "sum(axis=2)", "sum(axis=[1,2])", "sum(axis=[0,1])", "x - mean(x)", "x - mean(x, axis=0)"]
    {
        prove(text, &x, &[None, Some(vec![16, 32, 512]), Some(vec![32, 16, 256])], 0);
    }
}

/// The folded value is held with a halo, is an input, is written as well, or comes from the CPU.
#[test]
fn a_fold_reads_a_value_wherever_it_lies() {
    let _guard = sharing();
    let x = Values::new(Dtype::U16, &[21, 40, 300], Data::Plain, 9).lent();
    let tilings = [None, Some(vec![7, 13, 77])];
    for (text, on_cpu) in [
        ("median([1,3,3]) |> x - mean(x)", 0),
        ("grey_erosion([3,5,7], mode='wrap') |> x > mean(x, axis=0)", 0),
        ("x + 1 |> grey_dilation([1,3,3]) |> x - min(x, axis=2, keepdims=True)", 0),
        ("astype('f64') |> sqrt(x) |> x - mean(x) |> astype('f32')", 1),
        ("x[:, ::-2, 3:-3] |> argmax(axis=1)", 0),
        ("where(x > 20000, x, 0) |> sum(axis=[0,2])", 0),
        ("maximum(x, x[::-1]) |> std(axis=[1,2])", 0),
        ("sum(x, axis=0) * 2 - max(x)", 0),
    ] {
        prove(text, &x, &tilings, on_cpu);
    }
}

#[test]
fn every_rank_reduces() {
    let _guard = sharing();
    let shapes: [&[usize]; 7] =
        [&[1], &[1000], &[700, 3], &[3, 700], &[2, 3, 17, 300], &[2, 2, 3, 18, 31], &[2, 2, 2, 3, 18, 31]];
    for shape in shapes {
        let x = Values::new(Dtype::I16, shape, Data::Plain, 11).lent();
        for goal in ["sum", "argmin", "max"] {
            prove(goal, &x, &[None], 0);
            for axis in axes_of(shape.len(), goal) {
                prove(&format!("{goal}(axis={axis})"), &x, &[None], 0);
            }
        }
    }
}
