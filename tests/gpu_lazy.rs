//! No GPU is looked for before a run has work for one: explaining a plan and small jobs leave the drivers alone.

use stackmill::device::gpu::instances;
use stackmill::graph::Array;
use stackmill::session::Options;

#[test]
fn explaining_and_small_jobs_open_no_gpu() {
    let x = Array::from_ndarray(&ndarray::Array2::from_elem((512, 1024), 7u16));
    let filtered = x.median([3, 3]);
    let options = |device: &str| Options { device: device.to_owned(), ..Options::default() };
    for device in ["llvmpipe", "gpu", "auto"] {
        filtered.explain_with(&options(device)).expect("a plan");
        assert_eq!(instances(), 0, "explain with device {device}");
    }
    let plan = filtered.explain_with(&options("gpu")).expect("a plan");
    assert!(plan.contains("the job is 2 MiB: below 32 MiB no GPU is opened"), "{plan}");
    filtered.compute_with(&options("gpu")).expect("a result");
    assert_eq!(instances(), 0, "a job of 1 MiB in and 1 MiB out");
}
