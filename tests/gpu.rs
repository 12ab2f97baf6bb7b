//! Whole pipelines on a GPU: real stacks, every rank and border, in any tile, have the CPU's bytes; through lost devices
//! and refused allocations; inside the device memory that was allowed. Needs a Vulkan driver: without one it fails, it is
//! never skipped. `STACKMILL_GPU` names another adapter than llvmpipe.

#[path = "conformance/data.rs"]
#[allow(dead_code, reason = "the matrix needs more of it")]
mod data;
#[path = "gpu/faults.rs"]
mod faults;
#[path = "gpu/folds.rs"]
mod folds;
#[path = "gpu/functions.rs"]
mod functions;
#[path = "gpu/pipelines.rs"]
mod pipelines;
#[path = "gpu/rig.rs"]
mod rig;
#[path = "gpu/stacks.rs"]
mod stacks;
#[path = "gpu/trace.rs"]
mod trace;
#[path = "gpu/windows.rs"]
mod windows;

use rig::{driver, options, pipeline, planned};

#[test]
fn an_unknown_device_is_an_error_that_lists_what_was_found() {
    let _guard = rig::sharing();
    let adapter = driver();
    let array = pipeline(stacks::SPOTS, &stacks::synthetic([3, 20, 30]), &[]);
    let session = planned(stacks::SPOTS, &array, &options("no-such-gpu", None));
    let Err(error) = session.run(&|_| Ok(())) else { panic!("a device called no-such-gpu was found") };
    let text = error.to_string().to_lowercase();
    assert_eq!((error.family(), error.exit_code()), (stackmill::error::Family::Caller, 2), "{error}");
    assert!(text.contains("no device is called 'no-such-gpu'") && text.contains(&adapter.to_lowercase()), "{error}");
    assert!(text.contains("--device cpu"), "no way out: {error}");
    assert!(array.compute_with(&options("no-such-gpu", None)).is_err(), "compute ran on a device that is not there");
}

#[test]
fn a_name_is_found_by_a_part_in_any_case() {
    let _guard = rig::sharing();
    let name = driver().to_uppercase();
    let array = pipeline("x + 1", &stacks::synthetic([3, 20, 30]), &[]);
    let cpu = rig::run("x + 1", std::slice::from_ref(&array), &options("cpu", None), None);
    let gpu = rig::run("x + 1", std::slice::from_ref(&array), &options(&name, None), None);
    rig::assert_same("x + 1", &cpu.tiles[0], &gpu.tiles[0]);
}
