//! Elementary functions on a GPU over all floats: within 16 ulp of the CPU's, denormals aside.

use super::rig::{driver, options, pipeline, run, sharing};
use stackmill::graph::Array;

/// Bit patterns spread over all floats.
const COUNT: u32 = 1 << 19;

fn patterns() -> Vec<f32> {
    (0..COUNT).map(|k| f32::from_bits(k.wrapping_mul(2_654_435_761))).collect()
}

fn near(a: f32, b: f32) -> bool {
    let (a, b) = (f64::from(a), f64::from(b));
    let unit = f64::from(f32::MIN_POSITIVE).max(a.abs() * 2f64.powi(-23));
    a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 16.0 * unit
}

#[test]
fn elementary_functions_are_near_over_all_floats() {
    let _guard = sharing();
    let x = patterns();
    let input = Array::from_ndarray(&ndarray::Array1::from(x.clone()));
    for text in ["exp", "log", "sin", "cos", "sqrt", "power(x, 0.37)", "x // 0.3", "x % 0.3"] {
        let array = pipeline(text, &input, &[]);
        let [cpu, gpu] = ["cpu", &driver()].map(|device| {
            let made = run(text, std::slice::from_ref(&array), &options(device, None), None);
            bytemuck::pod_collect_to_vec::<u8, f32>(made.tiles[0].data.bytes())
        });
        for (k, (a, b)) in cpu.into_iter().zip(gpu).enumerate() {
            assert!(near(a, b), "{text} of {:e} is {a:e} on the CPU and {b:e} on the GPU", x[k]);
        }
    }
}
