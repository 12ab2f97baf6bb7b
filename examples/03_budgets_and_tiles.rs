//! Lesson 3: the budget decides the tiles, the tiles never decide the numbers.
//!
//! `cargo run --release --example 03_budgets_and_tiles`

use stackmill::{Array, Options, Result};

fn main() -> Result<()> {
    let pixels = ndarray::Array3::from_shape_fn((24, 200, 300), |(z, y, x)| ((z * 31 + y * 7 + x * 3) % 1021) as u16);
    let x = Array::from_ndarray(&pixels).with_axes("ZYX");
    let smooth = x.gaussian(2.0);

    let whole = smooth.compute()?;
    for (memory, tile) in
        [(64u64 << 20, None), (16 << 20, None), (64 << 20, Some(vec![5, 37, 300])), (64 << 20, Some(vec![1, 3, 64]))]
    {
        let options = Options { memory: Some(memory), tile, ..Options::default() };
        println!("{}", smooth.explain_with(&options)?);
        let again = smooth.compute_with(&options)?;
        assert!(again.tile.data.bytes() == whole.tile.data.bytes(), "the same numbers, whatever the tiles");
    }

    // A budget that nothing legal fits is refused before the first byte, with the numbers.
    let refused = smooth.compute_with(&Options { memory: Some(1 << 20), ..Options::default() });
    println!("{}", refused.err().map_or_else(String::new, |e| e.to_string()));
    Ok(())
}
