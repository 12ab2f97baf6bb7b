//! A run spread over two adapters of one kind. This computer's driver is listed twice for that: the tests run themselves
//! again with a second copy of its manifest. Needs a Vulkan driver: without one they fail, they are never skipped.

#[path = "conformance/data.rs"]
#[allow(dead_code, reason = "the matrix needs more of it")]
mod data;
#[path = "gpu/rig.rs"]
#[allow(dead_code, reason = "the tests of one adapter need more of it")]
mod rig;

use rig::{Made, assert_same, driver, opened_as, options, pipeline, planned, run, run_with};
use stackmill::device::gpu::{Faults, Wish};
use stackmill::dtype::Dtype;
use stackmill::graph::Array;
use stackmill::plan::Plan;
use stackmill::session::Options;
use std::path::PathBuf;
use std::process::Command;

const TEXT: &str = "median([1,3,3]) |> white_tophat([1,15,15]) |> x > 60";

/// The manifest of the driver that is tested, as the loader would find it.
fn manifest() -> PathBuf {
    let named = std::env::var("VK_DRIVER_FILES").or_else(|_| std::env::var("VK_ICD_FILENAMES")).unwrap_or_default();
    let first = named.split(':').find(|path| !path.is_empty());
    PathBuf::from(first.unwrap_or("/usr/share/vulkan/icd.d/lvp_icd.x86_64.json"))
}

/// Runs the ignored tests of this file where the driver is there twice.
#[test]
fn two_adapters_of_one_kind() {
    let first = manifest();
    let folder = std::env::temp_dir().join(format!("stackmill-twins-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let second = folder.join("second.json");
    std::fs::copy(&first, &second).unwrap_or_else(|e| {
        panic!("no driver to list twice: {}: {e}; name its manifest with VK_ICD_FILENAMES", first.display());
    });
    let both = format!("{}:{}", first.display(), second.display());
    let made = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--test-threads=1"])
        .env("VK_DRIVER_FILES", &both)
        .env("VK_ICD_FILENAMES", &both)
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let said = [made.stdout, made.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(made.status.success() && said.contains("3 passed"), "{said}");
}

fn stack() -> Array {
    data::Values::new(Dtype::U16, &[12, 128, 160], data::Data::Plain, 41).lent()
}

fn spread(text: &str, array: &Array, gpus: usize, faults: Faults) -> Made {
    let tiled = Options { gpus, ..options(&driver(), Some(&[1, 64, 80])) };
    let open = |plan: &Plan| {
        assert_eq!(plan.machine.gpus, gpus, "{text}");
        let wish = Wish { name: driver(), gpus, vram: plan.machine.vram, timed: true, faults, ..Wish::default() };
        opened_as(wish, 2)
    };
    run_with(text, std::slice::from_ref(array), &tiled, Some(open))
}

#[test]
#[ignore = "run by two_adapters_of_one_kind, with two adapters"]
fn both_take_part_and_no_bit_changes() {
    for text in [TEXT, "x - mean(x) |> x > 0", "astype('f32') |> gaussian([0,1.5,1.5]) |> x - mean(x)"] {
        let array = pipeline(text, &stack(), &[]);
        let (alone, both) = (spread(text, &array, 1, Faults::default()), spread(text, &array, 2, Faults::default()));
        assert_same(text, &alone.tiles[0], &both.tiles[0]);
        assert!(both.blocks.len() == 2 && both.blocks.iter().all(|n| *n > 0), "{text}: blocks {:?}", both.blocks);
        assert!(both.notices().is_empty(), "{text}: {:?}", both.notices());
        let lanes = |made: &Made| made.summary.passes.iter().map(|pass| pass.device_lanes).max();
        assert_eq!((lanes(&alone), lanes(&both)), (Some(3), Some(6)), "{text}");
        let timed =
            |made: &Made| made.summary.passes.iter().map(|pass| pass.device_seconds.iter().filter(|s| **s > 0.0).count()).max();
        assert_eq!((timed(&alone), timed(&both)), (Some(1), Some(2)), "{text}: devices that told when they worked");
    }
    let explained = planned(TEXT, &pipeline(TEXT, &stack(), &[]), &Options { gpus: 2, ..options(&driver(), None) }).explain();
    assert!(explained.contains("each on each of 2 GPUs"), "{explained}");
}

#[test]
#[ignore = "run by two_adapters_of_one_kind, with two adapters"]
fn one_is_lost_and_the_other_goes_on() {
    let array = pipeline(TEXT, &stack(), &[]);
    let cpu = run(TEXT, std::slice::from_ref(&array), &options("cpu", None), None);
    let steps = spread(TEXT, &array, 2, Faults::default()).steps;
    for step in (0..steps).step_by(steps.div_ceil(16)) {
        let words = format!("lost at step {step} of {steps}");
        let made = spread(TEXT, &array, 2, Faults::losing_at(u32::try_from(step).unwrap()));
        assert_same(&words, &cpu.tiles[0], &made.tiles[0]);
        let told = made.notices();
        assert!(told.len() == 1 && told[0].contains("loss 1 of 3"), "{words}: {told:?}");
    }
}

#[test]
#[ignore = "run by two_adapters_of_one_kind, with two adapters"]
fn more_than_there_are_is_an_error() {
    let session = planned(TEXT, &pipeline(TEXT, &stack(), &[]), &Options { gpus: 3, ..options(&driver(), None) });
    let Err(error) = session.run(&|_| Ok(())) else { panic!("three adapters were found") };
    let text = error.to_string();
    assert!(text.contains("3 adapters were asked for, 2 of one kind are there (found: "), "{text}");
    assert!(text.contains("--gpus takes adapters of one kind only"), "{text}");
}
