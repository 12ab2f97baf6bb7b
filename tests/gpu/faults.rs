//! Lost devices, refused allocations, and how much device memory runs hold. Every result is the CPU's, or the same as
//! without the failure.

use super::rig::{
    Made, alone, assert_near, assert_same, driver, is_exact, opened_as, opened_with, options, pipeline, planned, run, run_with,
    shares, sharing,
};
use super::stacks::{SPOTS, synthetic};
use stackmill::device::gpu::{Faults, Wish};
use stackmill::graph::Array;
use stackmill::plan::Plan;
use stackmill::session::Options;
use std::time::Duration;

/// A run of 100 tiles.
fn many_tiles() -> (Array, Options) {
    (pipeline(SPOTS, &synthetic([10, 64, 64]), &[]), options(&driver(), Some(&[1, 32, 13])))
}

/// Loses the device once, at one of so many steps: the bits are the wanted ones, and the GPU goes on afterwards. However
/// many blocks were in flight, it was lost once, so the CPU does not take over.
fn assert_survives(text: &str, outputs: &[Array], options: &Options, (step, steps): (usize, usize), wanted: &Made) {
    let words = format!("{text}, tile {:?}, lost at step {step} of {steps}", options.tile);
    let made = run(&words, outputs, options, Some(Faults::losing_at(u32::try_from(step).unwrap())));
    assert_same(&words, &wanted.tiles[0], &made.tiles[0]);
    let notices = made.notices();
    assert!(notices.iter().any(|n| n.contains("lost")), "{words}: {notices:?}");
    assert!(!notices.iter().any(|n| n.contains("takes over")), "{words}: lost once, and given up: {notices:#?}");
    assert!(made.steps > steps, "{words}: only {} steps, no block was run again: {notices:#?}", made.steps);
}

#[test]
fn a_device_lost_at_any_step_changes_no_bit() {
    let _guard = alone();
    let (array, options) = many_tiles();
    let one = std::slice::from_ref(&array);
    let cpu = run(SPOTS, one, &self::options("cpu", None), None);
    let whole = run(SPOTS, one, &options, Some(Faults::default()));
    assert_eq!(whole.summary.passes[0].tiles, 100, "tiles");
    assert!(whole.notices().is_empty(), "without a fault: {:?}", whole.notices());
    assert_same("without a fault", &cpu.tiles[0], &whole.tiles[0]);
    assert!(whole.steps > 100, "{} steps of 100 tiles", whole.steps);
    for step in 0..whole.steps {
        assert_survives(SPOTS, one, &options, (step, whole.steps), &cpu);
    }
}

#[test]
fn a_device_lost_in_float_work_changes_no_bit() {
    let _guard = alone();
    let text = "gaussian([0,1.5,1.5]) |> astype('f32') |> x - uniform(x, size=[1,5,5]) |> sqrt(abs(x))";
    let array = pipeline(text, &synthetic([4, 40, 50]), &[]);
    let one = std::slice::from_ref(&array);
    let options = options(&driver(), Some(&[1, 20, 25]));
    assert!(!is_exact(planned(text, &array, &options).plan()), "{text}: the CPU could take over");
    let whole = run(text, one, &options, Some(Faults::default()));
    assert!(whole.steps > 0, "nothing of {text} ran on the GPU");
    for step in (0..whole.steps).step_by(whole.steps.div_ceil(12)) {
        assert_survives(text, one, &options, (step, whole.steps), &whole);
    }
}

#[test]
fn a_device_lost_in_a_fold_changes_no_bit() {
    let _guard = alone();
    let text = "median([1,3,3]) |> x - mean(x) |> x > 0";
    let array = pipeline(text, &synthetic([4, 40, 50]), &[]);
    let one = std::slice::from_ref(&array);
    let options = options(&driver(), Some(&[1, 20, 25]));
    let cpu = run(text, one, &self::options("cpu", None), None);
    let whole = run(text, one, &options, Some(Faults::default()));
    assert_same(text, &cpu.tiles[0], &whole.tiles[0]);
    for step in (0..whole.steps).step_by(whole.steps.div_ceil(12)) {
        assert_survives(text, one, &options, (step, whole.steps), &cpu);
    }
}

#[test]
fn a_refused_allocation_changes_no_bit_and_is_told() {
    let _guard = sharing();
    let (array, options) = many_tiles();
    let one = std::slice::from_ref(&array);
    let cpu = run(SPOTS, one, &self::options("cpu", None), None);
    for allocation in [0, 1, 2, 3, 5, 8, 11] {
        let words = format!("allocation {allocation} is refused");
        let made = run(&words, one, &options, Some(Faults::refusing_at(allocation)));
        assert_same(&words, &cpu.tiles[0], &made.tiles[0]);
        assert!(made.notices().iter().any(|n| n.contains("refused")), "{words}: {:?}", made.notices());
    }
}

/// One block at a time, in the bytes that the plan says a block takes and not one more: what a failure leaves counted as
/// held would be missing afterwards.
fn tight(array: &Array, wanted: &Made, faults: Faults, words: &str) -> Made {
    let options = Options { vram: Some(1 << 20), ..options(&driver(), None) };
    let open = |plan: &Plan| {
        let needed = plan.passes.iter().filter_map(|p| p.gpu.as_ref()).map(|gpu| gpu.block_bytes).max();
        opened_with(needed.unwrap_or_else(|| panic!("{words}: nothing runs on the GPU")), 1, faults)
    };
    let made = run_with(words, std::slice::from_ref(array), &options, Some(open));
    assert_same(words, &wanted.tiles[0], &made.tiles[0]);
    made
}

fn refusals(made: &Made) -> Vec<&str> {
    made.notices().into_iter().filter(|n| n.contains("refused")).collect()
}

#[test]
fn a_failure_leaves_nothing_counted_as_held() {
    let _guard = alone();
    for text in [SPOTS, "median([3,3,3]) |> x - input |> abs(x)"] {
        let array = pipeline(text, &synthetic([4, 200, 300]), &[]);
        let cpu = run(text, std::slice::from_ref(&array), &options("cpu", None), None);
        let whole = tight(&array, &cpu, Faults::default(), text);
        assert!(whole.notices().is_empty(), "{text} in the bytes of one block: {:#?}", whole.notices());
        for step in (0..whole.steps).step_by(whole.steps.div_ceil(12)) {
            let words = format!("{text} in the bytes of one block, lost at step {step} of {}", whole.steps);
            let made = tight(&array, &cpu, Faults::losing_at(u32::try_from(step).unwrap()), &words);
            assert!(refusals(&made).is_empty(), "{words}: refused afterwards: {:#?}", made.notices());
        }
        for allocation in 0..6 {
            let words = format!("{text} in the bytes of one block, allocation {allocation} refused");
            let made = tight(&array, &cpu, Faults::refusing_at(allocation), &words);
            assert!(refusals(&made).len() <= 1, "{words}: refused more than once: {:#?}", made.notices());
        }
    }
}

/// A bound that no kernel keeps: every kernel is a submission of its own, blocks are halved, and no bit changes.
#[test]
fn submissions_are_bounded_and_change_no_bit() {
    let _guard = alone();
    for text in [SPOTS, "gaussian([0,1,1]) |> x - mean(x)", "median([1,3,3]) |> sum(axis=[0,1])"] {
        let array = pipeline(text, &synthetic([4, 200, 300]), &[]);
        let one = std::slice::from_ref(&array);
        let options = options(&driver(), Some(&[4, 200, 300]));
        let bounded = |longest: Option<Duration>| {
            let open = |plan: &Plan| {
                let wish = Wish { name: driver(), vram: plan.machine.vram, longest, ..Wish::default() };
                opened_as(wish, 2)
            };
            run_with(text, one, &options, Some(open))
        };
        let (whole, cut) = (bounded(None), bounded(Some(Duration::from_nanos(1))));
        assert_same(text, &whole.tiles[0], &cut.tiles[0]);
        assert!(whole.notices().is_empty(), "{text}: {:?}", whole.notices());
        assert!(cut.submissions > 4 * whole.submissions, "{text}: {} and {}", whole.submissions, cut.submissions);
        assert!(cut.blocks[0] > whole.blocks[0], "{text}: {:?} and {:?} blocks", whole.blocks, cut.blocks);
        let told = cut.notices();
        assert!(told.len() == 1 && told[0].contains("blocks are halved"), "{text}: {told:?}");
    }
}

/// What is run inside a limit of device memory: filters of all kinds, chains, several inputs, a CPU step in between.
const LIMITED: [&str; 12] = [
    SPOTS,
    "x + 1",
    "median([3,3,3])",
    "gaussian([0,2,2])",
    "uniform([3,9,9])",
    "grey_opening([1,15,15]) |> input - x",
    "median([1,3,3]) |> x - input |> abs(x)",
    "sobel_magnitude(axes=[1,2])",
    "flip(axis=[0,2]) |> maximum(x, input)",
    "minimum_filter([1,1,101], mode='wrap')",
    "x + 1 |> astype('f32') |> sqrt(x) |> x > 12",
    "median([1,3,3]) |> astype('f64') |> x * 0.5 |> astype('u16') |> grey_erosion([1,3,3])",
];

fn limited(text: &str, array: &Array, vram: u64) -> Made {
    let options = Options { vram: Some(vram), ..options(&driver(), None) };
    let words = format!("{text} with {vram} bytes of device memory");
    let made = run(&words, std::slice::from_ref(array), &options, Some(Faults::default()));
    assert!(made.peak > 0, "{words}: nothing ran on the GPU\n{}", planned(&words, array, &options).explain());
    assert!(made.peak <= vram, "{words}: {} bytes were held", made.peak);
    // Two counts of the same buffers: the library's has each one's alignment in it, and what is freed only once it is idle.
    assert!(made.counted >= made.peak, "{words}: {} bytes counted, {} held: the count does not work", made.counted, made.peak);
    assert!(made.counted <= vram, "{words}: {} bytes by the library's count, {} by ours", made.counted, made.peak);
    assert!(made.notices().is_empty(), "{words}: {:?}", made.notices());
    made
}

#[test]
fn runs_hold_no_more_device_memory_than_they_may() {
    // The library counts the buffers of all runs on a device.
    let _guard = alone();
    let x = synthetic([12, 1024, 1024]);
    for text in LIMITED {
        let array = pipeline(text, &x, &[]);
        let made = limited(text, &array, 64 << 20);
        let cpu = run(text, std::slice::from_ref(&array), &options("cpu", None), None);
        let exact = is_exact(planned(text, &array, &options(&driver(), None)).plan());
        let compare = |cpu, gpu| if exact { assert_same(text, cpu, gpu) } else { assert_near(text, cpu, gpu, 1e-5) };
        compare(&cpu.tiles[0], &made.tiles[0]);
    }
}

#[test]
fn one_mebibyte_of_device_memory_gives_the_same_bits() {
    let _guard = alone();
    let x = synthetic([3, 512, 1024]);
    for text in LIMITED {
        let array = pipeline(text, &x, &[]);
        let (wide, narrow) = (limited(text, &array, 64 << 20), limited(text, &array, 1 << 20));
        assert_same(&format!("{text}, 64 MiB (first) and 1 MiB (second)"), &wide.tiles[0], &narrow.tiles[0]);
    }
}

/// All of it on the CPU, with the reason in the plan and the CPU's bits.
fn assert_does_not_fit(text: &str, x: &Array, vram: u64) {
    let array = pipeline(text, x, &[]);
    let options = Options { vram: Some(vram), ..options(&driver(), None) };
    let session = planned(text, &array, &options);
    let explained = session.explain();
    assert_eq!(shares(session.plan()).0, 0, "{text}: steps on the GPU in {vram} bytes\n{explained}");
    assert!(explained.contains("fits neither --vram"), "{text}: no reason in\n{explained}");
    let one = std::slice::from_ref(&array);
    let cpu = run(text, one, &self::options("cpu", None), None);
    assert_same(text, &cpu.tiles[0], &run(text, one, &options, None).tiles[0]);
}

#[test]
fn with_too_little_device_memory_the_cpu_does_all_and_says_why() {
    let _guard = sharing();
    let x = synthetic([3, 256, 256]);
    assert_does_not_fit(SPOTS, &x, 4 << 10);
    for text in LIMITED {
        assert_does_not_fit(text, &x, 1 << 10);
    }
}

/// A stop is heard between the blocks of a tile, and progress moves there.
#[test]
fn a_stop_inside_a_tile_is_heard() {
    let _guard = sharing();
    let text = "median([1, 5, 5]) |> median([1, 5, 5])";
    let array = pipeline(text, &synthetic([32, 192, 192]), &[]);
    let options = Options { vram: Some(3 << 20), ..options(&driver(), Some(&[32, 192, 192])) };
    let session = planned(text, &array, &options);
    let pass = &session.plan().passes[0];
    let block = pass.gpu.as_ref().expect("it runs on the GPU").block;
    assert!(pass.sweep.tiles() == 1 && block.count() * 12 < 32 * 192 * 192, "blocks of {block}");
    let seen = std::cell::Cell::new(0.0);
    let stopped = session.run(&|progress| {
        seen.set(progress.bytes.0 as f64 / progress.bytes.1 as f64);
        if seen.get() > 0.0 { Err(stackmill::Error::caller("stopped")) } else { Ok(()) }
    });
    assert!(stopped.is_err_and(|error| error.to_string().contains("stopped")) && seen.get() < 0.9, "at {}", seen.get());
}
