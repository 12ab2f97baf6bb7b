//! The spots pipeline over real stacks and a synthetic one, each in three tilings.

use super::rig;
use super::rig::{assert_same, driver, options, pipeline, run, shares, sharing};
use stackmill::graph::Array;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub const SPOTS: &str = "median([1,3,3]) |> white_tophat([1,15,15]) |> x > 60";
const FAINT_SPOTS: &str = "median([1,3,3]) |> white_tophat([1,15,15]) |> x > 3";
const PLANE_SPOTS: &str = "median([3,3]) |> white_tophat([15,15]) |> x > 60";
/// A part of the image: rows of three elements are slow on a GPU.
const COLOUR_SPOTS: &str = "x[100:200, 150:270] |> median([3,3,1]) |> white_tophat([15,15,1]) |> x > 20";
const CHANNEL_SPOTS: &str = "median([1,1,3,3]) |> white_tophat([1,1,15,15]) |> x > 5";

/// Each readable file and its pipeline: the window lies in the plane, wherever its axes are.
const FILES: [(&str, &str); 13] = [
    ("microscopy/bbbc022_3x395x695_u16.tif", SPOTS),
    ("microscopy/beads_41x150x150_u8.tif", SPOTS),
    ("microscopy/cell_migration_48x130x130_u16.tif", SPOTS),
    ("microscopy/grid_21x150x150_u8.tif", FAINT_SPOTS),
    ("microscopy/maize_640x639_u8.tif", PLANE_SPOTS),
    ("microscopy/maize_labels_640x639_u32.tif", PLANE_SPOTS),
    ("microscopy/multi-channel-z-series.ome.tif", CHANNEL_SPOTS),
    ("microscopy/speckles_1000x1200_u16be.tif", PLANE_SPOTS),
    ("satellite/dem_cog_500x500_i16.tif", PLANE_SPOTS),
    ("satellite/landsat_718x791x3_u8.tif", COLOUR_SPOTS),
    ("satellite/ndvi_68x101x100_f32.npy", "x[..., 0] |> median([1,3,3]) |> white_tophat([1,15,15]) |> x > 0.2"),
    ("timelapse/drosophila_0000.tif", COLOUR_SPOTS),
    ("timelapse/drosophila_0011.tif", COLOUR_SPOTS),
];

/// What cannot be opened: JPEG, FITS and HDF5. A file that can be opened one day must move to the list above.
const UNREADABLE: [&str; 6] = [
    "astronomy/aia_171_128x128_f64.fits",
    "astronomy/m13_300x300_i16.fits",
    "astronomy/m13_rice.fits",
    "astronomy/stars_256x256_i16.fits",
    "satellite/cogeo.tif",
    "tomography/k11_3201x22x26_u16.h5",
];

/// A stack whose values look like an image's: slopes, spots and noise.
pub fn synthetic(shape: [usize; 3]) -> Array {
    let value = |(z, y, x): (usize, usize, usize)| {
        let noise = (z * 7919 + y * 104_729 + x * 1_299_709).wrapping_mul(2_654_435_761) >> 7 & 63;
        let spot = if y % 23 < 4 && x % 29 < 4 { 300 } else { 0 };
        u16::try_from(100 + y + 2 * (x % 97) + noise + spot).unwrap_or(u16::MAX)
    };
    Array::from_ndarray(&ndarray::Array3::from_shape_fn(shape, value))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data")
}

/// The whole array, halves of every axis, and tiles narrower than the halo along one axis.
fn tilings(shape: &[usize]) -> [Vec<usize>; 3] {
    let narrow = |axis: usize| if axis + 2 == shape.len() { 13 } else { 131 };
    [
        shape.to_vec(),
        shape.iter().map(|n| n.div_ceil(2)).collect(),
        (0..shape.len()).map(|axis| shape[axis].min(narrow(axis))).collect(),
    ]
}

fn prove(name: &str, text: &str, input: &Array) {
    let array = pipeline(text, input, &[]);
    let shape = array.shape().unwrap_or_else(|e| panic!("{text} of {name}: {e}"));
    let one = std::slice::from_ref(&array);
    let cpu = run(name, one, &options("cpu", None), None);
    let found = cpu.tiles[0].data.bytes().iter().filter(|b| **b == 1).count();
    assert!(found > 0 && found < shape.count(), "{text} of {name}: {found} elements are found, the test tells nothing");
    for tile in tilings(&shape) {
        let options = options(&driver(), Some(&tile));
        let words = format!("{text} of {name}, tile {tile:?}");
        let (on_gpu, on_cpu) = shares(rig::planned(&words, &array, &options).plan());
        assert!(on_gpu > 0 && on_cpu == 0, "{words}: {on_gpu} steps on the GPU, {on_cpu} on the CPU");
        let gpu = run(&words, one, &options, None);
        assert_same(&words, &cpu.tiles[0], &gpu.tiles[0]);
        assert!(gpu.notices().is_empty(), "{words}: {:?}", gpu.notices());
    }
}

#[test]
fn real_stacks_have_the_cpus_bytes() {
    let _guard = sharing();
    for (name, text) in FILES {
        let path = folder().join(name);
        assert!(path.exists(), "the test data is missing: {} (see ../shared/data/README.md)", path.display());
        prove(name, text, &Array::open(&path));
    }
}

#[test]
fn every_file_is_proved_or_named() {
    let mut lying = BTreeSet::new();
    for kind in std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        for file in std::fs::read_dir(&kind).unwrap().map(|e| e.unwrap().path()) {
            let name = file.strip_prefix(folder()).unwrap().to_string_lossy().into_owned();
            // One frame of the time-lapse is as good as another.
            if !name.starts_with("timelapse/") {
                lying.insert(name);
            }
        }
    }
    let named = FILES.iter().map(|(name, _)| *name).chain(UNREADABLE).map(str::to_owned);
    let named: BTreeSet<String> = named.filter(|name| !name.starts_with("timelapse/")).collect();
    assert_eq!(lying, named, "files of ../shared/data and files that the tests name");
    for name in UNREADABLE {
        let opened = Array::open(folder().join(name));
        assert!(opened.info().is_err(), "{name} can be opened: run the pipeline over it");
    }
}

#[test]
fn a_synthetic_stack_has_the_cpus_bytes() {
    let _guard = sharing();
    prove("a synthetic u16 stack", SPOTS, &synthetic([6, 131, 157]));
}
