//! Lesson 2: a statistic of the whole stack inside an expression. The plan gets a second pass by itself.
//!
//! `cargo run --release --example 02_late_values`

use stackmill::ops::reduce::Std;
use stackmill::{Array, Result};

fn main() -> Result<()> {
    let pixels = ndarray::Array3::from_shape_fn((32, 128, 128), |(z, y, x)| (1000 + 13 * z + (x * y) % 251) as u16);
    let x = Array::from_ndarray(&pixels).with_axes("TYX");

    // mean(x) is one number, std along t is an image: both are late values, made by the first pass.
    let spread = x.std_with(Std { axis: "t".into(), keepdims: true, ..Std::default() });
    let score = (&x - x.mean()) / (spread + 1.0);
    print!("{}", score.explain()?);

    let computed = score.compute()?;
    println!("{:?}", score);
    println!("first scores: {:.4?}", &computed.values::<f64>()?[..4]);
    Ok(())
}
