//! A device that is lost at any step of a run: the block is run again on a new one, and the bytes are the same. A process
//! of its own: whoever shares the device would lose it too. Needs a Vulkan driver, as `gpu_run` does.

#[allow(dead_code, reason = "the other tests of runs use the rest")]
mod gpu_parts;

use gpu_parts::{SPOTS, assert_same, bytes, device, made, notices, on_gpu, options, stack};
use stackmill::device::gpu::Faults;
use stackmill::session::Options;

#[test]
fn a_lost_device_is_replaced_and_its_block_run_again() {
    let array = made(SPOTS, &stack([10, 64, 64]));
    let options = options(&device(), Some(vec![1, 32, 13]));
    let cpu = bytes(&array, &Options { device: "cpu".to_owned(), ..options.clone() });
    let (gpu, summary, _, steps) = on_gpu(&array, &options, Faults::default());
    assert_same("without a fault", &cpu, &gpu);
    assert_eq!(summary.passes[0].tiles, 100);
    assert!(notices(&summary).is_empty(), "{:?}", notices(&summary));
    assert!(steps >= 400, "{steps} steps");
    for step in 0..u32::try_from(steps).expect("few steps") {
        let (gpu, summary, _, _) = on_gpu(&array, &options, Faults::losing_at(step));
        assert_same(&format!("lost at step {step}"), &cpu, &gpu);
        assert!(notices(&summary).iter().any(|n| n.contains("lost")), "step {step}: {:?}", notices(&summary));
    }
}
