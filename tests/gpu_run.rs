//! Runs on a GPU: the same bytes as the CPU for real stacks and any tile, inside the memory that was allowed and through
//! refused allocations. Needs a Vulkan driver: without one it fails, it is never skipped.

mod gpu_parts;

use gpu_parts::{SPOTS, assert_same, bytes, device, made, notices, on_gpu, options, session, stack};
use stackmill::device::gpu::Faults;
use stackmill::graph::Array;
use stackmill::session::Options;
use std::path::Path;

#[test]
fn real_stacks_have_the_cpus_bytes_in_any_tile() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let files = [
        ("microscopy/bbbc022_3x395x695_u16.tif", SPOTS),
        ("microscopy/beads_41x150x150_u8.tif", SPOTS),
        ("microscopy/cell_migration_48x130x130_u16.tif", SPOTS),
        ("microscopy/grid_21x150x150_u8.tif", "median([1,3,3]) |> white_tophat([1,15,15]) |> x > 0"),
        ("microscopy/maize_640x639_u8.tif", "median(3) |> white_tophat(15) |> x > 60"),
        ("microscopy/speckles_1000x1200_u16be.tif", "median(3) |> white_tophat(15) |> x > 60"),
        ("satellite/dem_cog_500x500_i16.tif", "median(3) |> white_tophat(15) |> x > 60"),
        ("satellite/landsat_718x791x3_u8.tif", "median([3,3,1]) |> white_tophat([15,15,1]) |> x > 60"),
        ("satellite/ndvi_68x101x100_f32.npy", "median([1,3,3,1]) |> grey_opening([1,15,15,1]) |> x > 0.2"),
        ("timelapse/drosophila_0000.tif", "median([3,3,1]) |> white_tophat([15,15,1]) |> x > 60"),
    ];
    for (name, pipeline) in files {
        let input = Array::open(data.join(name));
        let array = made(pipeline, &input);
        let shape = array.shape().unwrap_or_else(|e| panic!("{name}: {e}"));
        let cpu = bytes(&array, &options("cpu", None));
        assert!(cpu.contains(&1), "{name}: nothing is found, the test tells nothing");
        let tiles = [Some(shape.to_vec()), Some(shape.iter().map(|n| (*n).min(187).div_ceil(2)).collect())];
        for tile in tiles {
            let words = format!("{pipeline} of {name}, tile {tile:?}");
            assert_same(&words, &cpu, &bytes(&array, &options(&device(), tile)));
        }
    }
}

#[test]
fn mixed_pipelines_have_the_cpus_bytes() {
    let x = stack([7, 61, 93]);
    let pipelines = [
        "x - grey_opening(x, size=[1, 15, 15]) |> clip(0, 200) |> astype('u8')",
        "median([3,3,3]) |> grey_dilation([3,1,7], mode='wrap')",
        "minimum_filter([1,200,1], mode='constant', cval=7) |> x + 3",
        "maximum_filter([1,1,301], mode='mirror')",
        "where(x > 200, x, 0) |> astype('f64') |> x * 2 |> astype('u16') |> median([1,5,5])",
        "flip(axis=[0,2]) |> x + flip(x, axis=1)",
        "median([1,9,9], mode='nearest') |> (x > 150) & (input < 400)",
        "x > mean(x)",
        "cumsum(0) |> astype('u16') |> grey_erosion([1,3,3])",
        "uniform([1,3,3]) |> abs(x - 200) |> astype('u16') |> median([1,3,3]) |> x * 0",
    ];
    for pipeline in pipelines {
        let array = made(pipeline, &x);
        let cpu = bytes(&array, &options("cpu", None));
        for tile in [None, Some(vec![3, 20, 31])] {
            let words = format!("{pipeline}, tile {tile:?}");
            assert_same(&words, &cpu, &bytes(&array, &options(&device(), tile)));
        }
    }
}

#[test]
fn elementary_functions_are_near_over_all_floats() {
    let count = 1usize << 20;
    let floats = ndarray::Array1::from_iter((0..count).map(|k| f32::from_bits((k as u32).wrapping_mul(2_654_435_761))));
    let x = Array::from_ndarray(&floats);
    for name in ["exp", "log", "sin", "cos", "sqrt"] {
        let array = made(name, &x);
        let [cpu, gpu] = ["cpu", &device()].map(|d| bytes(&array, &options(d, None)));
        let floats = |bytes: &[u8]| -> Vec<f32> { bytemuck::pod_collect_to_vec(bytes) };
        for (k, (a, b)) in floats(&cpu).into_iter().zip(floats(&gpu)).enumerate() {
            let unit = f64::from(f32::MIN_POSITIVE).max(f64::from(a.abs()) * 2f64.powi(-23));
            let near = a == b || a.is_nan() && b.is_nan() || (f64::from(a) - f64::from(b)).abs() <= 16.0 * unit;
            assert!(near, "{name}({}) is {a} on the CPU and {b} on the GPU", floats_at(&floats_in(&x), k));
        }
    }
}

fn floats_in(x: &Array) -> Vec<u8> {
    bytes(x, &options("cpu", None))
}

fn floats_at(bytes: &[u8], k: usize) -> f32 {
    bytemuck::pod_read_unaligned(&bytes[4 * k..4 * k + 4])
}

#[test]
fn device_memory_stays_below_what_is_allowed() {
    let (large, small) = (stack([8, 900, 900]), stack([3, 300, 300]));
    let pipelines = [SPOTS, "gaussian(2)", "uniform([3,9,9])", "median([3,3,3]) |> x - input", "sqrt(x) |> x > 12"];
    for (vram, x) in [(64 << 20, &large), (1 << 20, &small)] {
        for pipeline in pipelines {
            let array = made(pipeline, x);
            let options = Options { vram: Some(vram), ..options(&device(), None) };
            let (gpu, summary, peak, _) = on_gpu(&array, &options, Faults::default());
            assert!(peak > 0 && peak <= vram, "{pipeline}: {peak} bytes of {vram}");
            assert!(notices(&summary).is_empty(), "{pipeline} under {vram}: {:?}", notices(&summary));
            let whole = on_gpu(&array, &gpu_parts::options(&device(), None), Faults::default()).0;
            assert_same(&format!("{pipeline} under {vram}"), &whole, &gpu);
        }
    }
    let array = made(SPOTS, &small);
    let (session, _) = session(&array, &Options { vram: Some(4096), ..options(&device(), None) });
    assert!(session.explain().contains("fits neither --vram"), "{}", session.explain());
}

#[test]
fn a_refused_allocation_halves_what_is_in_flight_and_then_blocks() {
    let array = made(SPOTS, &stack([10, 64, 64]));
    let options = options(&device(), Some(vec![2, 64, 64]));
    let cpu = bytes(&array, &Options { device: "cpu".to_owned(), ..options.clone() });
    for allocation in 0..12 {
        let (gpu, summary, _, _) = on_gpu(&array, &options, Faults::refusing_at(allocation));
        assert_same(&format!("allocation {allocation} refused"), &cpu, &gpu);
        assert!(notices(&summary).iter().any(|n| n.contains("refused")), "{allocation}: {:?}", notices(&summary));
    }
}

#[test]
fn an_unknown_device_says_what_was_found() {
    let array = made(SPOTS, &stack([4, 32, 32]));
    let (session, _) = session(&array, &options("no-such-gpu", None));
    let error = session.run(&|_| {}).expect_err("no such device");
    assert!(error.to_string().contains("no device is called 'no-such-gpu' (found: "), "{error}");
    assert_eq!(error.exit_code(), 2);
}
