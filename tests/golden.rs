//! The numbers of real stacks against SciPy's and NumPy's, under six tilings each.
//!
//! `GOLDEN='median(5)' cargo test --test golden beads` runs the cases whose name holds that text.

mod golden_parts;

use golden_parts::{Case, input, prove};

/// Tiles of the finest tiling of a real stack: enough for many seams, few enough for a test.
const TILES: usize = 500;

fn prove_file(path: &str) {
    prove("data.txt", input::data, |case: &Case| case.source.starts_with(path), TILES);
}

macro_rules! files {
    ($($name:ident $path:literal;)*) => {$(
        #[test]
        fn $name() {
            prove_file($path);
        }
    )*

        #[test]
        fn every_file_is_proved() {
            let named = [$($path),*];
            for case in golden_parts::cases("data.txt") {
                assert!(named.iter().any(|path| case.source.starts_with(path)), "no test for {}", case.source);
            }
        }
    };
}

files! {
    beads "microscopy/beads_41x150x150_u8.tif";
    grid "microscopy/grid_21x150x150_u8.tif";
    cell_migration "microscopy/cell_migration_48x130x130_u16.tif";
    bbbc022 "microscopy/bbbc022_3x395x695_u16.tif";
    multi_channel "microscopy/multi-channel-z-series.ome.tif";
    speckles "microscopy/speckles_1000x1200_u16be.tif";
    maize "microscopy/maize_640x639_u8.tif";
    timelapse "timelapse";
    ndvi "satellite/ndvi_68x101x100_f32.npy";
}

/// A source of one large unit counts whole in every tile, however small: the plan must not halve tiles for that.
#[test]
fn one_large_unit_does_not_make_tiny_tiles() {
    let (x, _) = input::data("microscopy/speckles_1000x1200_u16be.tif:YX");
    let made = x.median(3).compute().unwrap();
    let tiles: usize = made.summary.passes.iter().map(|p| p.tiles).sum();
    assert!((2..=256).contains(&tiles), "{tiles} tiles of 1000 by 1200 elements");
}
