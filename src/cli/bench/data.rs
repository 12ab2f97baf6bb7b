//! The numbers that are measured on: noise that any other program can make again from the place of an element alone.
//! It does not know what is done with them.
//!
//! Element `i` in C order is the upper 16 bits of `splitmix64(i)` as u16; that divided by 65536 as f32.

use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::formats::memory::MemorySource;
use crate::graph::Array;
use crate::grid::Dims;
use crate::storage::Info;
use crate::tile::Buffer;
use rayon::prelude::*;
use std::sync::Arc;

/// Elements that one thread makes at a time.
const RUN: usize = 1 << 16;
/// The largest number is below this.
pub const BELOW: f64 = 65536.0;

/// The mixing function of Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014, of a count.
fn splitmix64(i: u64) -> u64 {
    let z = i.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn number(i: usize) -> u16 {
    let [.., low, high] = splitmix64(i as u64).to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// An array of noise in memory, made by the pool that this is called in; u16 or f32, whose numbers are from 0 to below 1.
///
/// # Errors
/// Another dtype.
pub fn noise(dtype: Dtype, shape: Dims) -> Result<Array> {
    let mut made = Buffer::zeroed(shape.count() * dtype.size());
    let runs = made.bytes_mut().par_chunks_mut(RUN * dtype.size()).enumerate();
    match dtype {
        Dtype::U16 => runs.for_each(|(run, bytes)| {
            let numbers = (run * RUN..).map(number);
            bytes.as_chunks_mut::<2>().0.iter_mut().zip(numbers).for_each(|(out, v)| *out = v.to_ne_bytes());
        }),
        Dtype::F32 => runs.for_each(|(run, bytes)| {
            let numbers = (run * RUN..).map(|i| f32::from(number(i)) / BELOW as f32);
            bytes.as_chunks_mut::<4>().0.iter_mut().zip(numbers).for_each(|(out, v)| *out = v.to_ne_bytes());
        }),
        other => return Err(Error::bug(format!("no noise is made as {other}"))),
    }
    let source = MemorySource::new(Info::new(shape, dtype), Arc::new(made))?;
    Ok(Array::from_source(Arc::new(source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Python says: `z = (i + 0x9e3779b97f4a7c15) % 2**64` and so on.
    #[test]
    fn numbers_are_those_of_the_formula() {
        assert_eq!([splitmix64(0), splitmix64(1)], [0xe220_a839_7b1d_cdaf, 0x910a_2dec_8902_5cc1]);
        assert_eq!([number(0), number(1)], [0xe220, 0x910a]);
        let lent = |array: &Array| match &array.node().body {
            crate::graph::Body::Source(source) => source.lend().map(<[u8]>::to_vec),
            _ => None,
        };
        let shape = Dims::from([2, 3, RUN / 4]);
        let shorts = lent(&noise(Dtype::U16, shape).unwrap()).unwrap();
        let floats = lent(&noise(Dtype::F32, shape).unwrap()).unwrap();
        for i in [0, 1, RUN - 1, RUN, RUN + 1, shape.count() - 1] {
            assert_eq!(shorts[2 * i..2 * i + 2], number(i).to_ne_bytes());
            assert_eq!(floats[4 * i..4 * i + 4], (f32::from(number(i)) / 65536.0).to_ne_bytes());
        }
    }
}
