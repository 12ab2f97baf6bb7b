//! The element of a given rank in a window: the slow, plain meaning, and a sorted window that slides along rows.
//! It does not know borders; the input is already padded.

use super::key::{Lane, Ordered};

use crate::grid::{Dims, Region, indices};
use crate::tile::View;
use crate::with_plain_type;

/// The element of `rank` (0 is the least) in the window `size` at every element: gathers each window and selects.
///
/// `input.shape[a] = out_shape[a] + size[a] - 1`; any strides, all dtypes, 0 to 6 axes. Floats are compared by their
/// total order, -0 before +0 and NaN last; a NaN result is the canonical quiet NaN. Ranks beyond the window count as
/// its greatest. This is the meaning that every faster path is tested against.
pub fn rank_slow(input: &View<'_>, size: &Dims, rank: usize, out_shape: &Dims, out: &mut [u8]) {
    with_plain_type!(input.dtype, T => rank_slow_of::<T>(input, size, rank, out_shape, out));
}

fn rank_slow_of<T: Ordered>(input: &View<'_>, size: &Dims, rank: usize, out_shape: &Dims, out: &mut [u8]) {
    let (bytes, last) = (size_of::<T>(), T::Key::GREATEST);
    let mut window: Vec<T::Key> = Vec::with_capacity(size.count());
    for (start, goal) in indices(Region::whole(*out_shape)).zip(out.chunks_exact_mut(bytes)) {
        let places = indices(Region { start, shape: *size }).map(|index| input.element(&index) * bytes);
        window.clear();
        window.extend(places.map(|at| bytemuck::pod_read_unaligned::<T>(&input.bytes[at..at + bytes]).key(last)));
        let rank = rank.min(window.len().saturating_sub(1));
        if !window.is_empty() {
            let (_, found, _) = window.select_nth_unstable(rank);
            goal.copy_from_slice(bytemuck::bytes_of(&T::value(*found, last)));
        }
    }
}
