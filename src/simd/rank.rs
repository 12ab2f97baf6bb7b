//! The element of a given rank in a window: the slow, plain meaning, and a sorted window that slides along rows.
//! It does not know borders; the input is already padded.

use super::key::{Lane, Ordered};
use super::window::{Layout, Padded, padded};
use crate::dtype::Dtype;
use crate::error::Result;

use crate::grid::{Dims, Region, indices};
use crate::tile::View;
use crate::with_plain_type;

/// The element of `rank` (0 is the least) in the window `size` at every element: gathers each window and selects.
///
/// `input.shape[a] = out_shape[a] + size[a] - 1`; any strides, all dtypes, 0 to 6 axes. Floats are compared by their
/// total order, -0 before +0 and NaN last; a NaN result is the canonical quiet NaN. Ranks beyond the window count as
/// its greatest. This is the meaning that every faster path is tested against.
///
/// Of the window only those places count that `marks`, one an element in C order, says; all where there are none.
pub fn rank_slow(input: &View<'_>, size: &Dims, marks: Option<&[bool]>, rank: usize, out_shape: &Dims, out: &mut [u8]) {
    with_plain_type!(input.dtype, T => rank_slow_of::<T>(input, size, marks, rank, out_shape, out));
}

fn is_marked(marks: Option<&[bool]>, place: usize) -> bool {
    marks.is_none_or(|marks| marks.get(place).copied().unwrap_or(false))
}

fn rank_slow_of<T: Ordered>(
    input: &View<'_>,
    size: &Dims,
    marks: Option<&[bool]>,
    rank: usize,
    out_shape: &Dims,
    out: &mut [u8],
) {
    let (bytes, last) = (size_of::<T>(), T::Key::GREATEST);
    let mut window: Vec<T::Key> = Vec::with_capacity(size.count());
    for (start, goal) in indices(Region::whole(*out_shape)).zip(out.chunks_exact_mut(bytes)) {
        let all = indices(Region { start, shape: *size }).enumerate().filter(|(place, _)| is_marked(marks, *place));
        let places = all.map(|(_, index)| input.element(&index) * bytes);
        window.clear();
        window.extend(places.map(|at| bytemuck::pod_read_unaligned::<T>(&input.bytes[at..at + bytes]).key(last)));
        let rank = rank.min(window.len().saturating_sub(1));
        if !window.is_empty() {
            let (_, found, _) = window.select_nth_unstable(rank);
            goal.copy_from_slice(bytemuck::bytes_of(&T::value(*found, last)));
        }
    }
}

/// As [`rank_slow`], exactly, faster for windows that slide along rows: u8, i8 and bool keep a histogram of the window,
/// other dtypes a sorted list of it, and both drop one column and take the next.
///
/// # Errors
/// Extents that do not fit, rows that are not dense: faults of the caller inside the crate.
pub fn rank(input: &View<'_>, size: &Dims, rank: usize, out_shape: &Dims, out: &mut [u8]) -> Result<()> {
    match input.dtype {
        Dtype::Bool | Dtype::U8 => slide::<u8>(padded(input, size, out_shape, out)?, size, rank, Histogram::new(0)),
        Dtype::I8 => slide::<i8>(padded(input, size, out_shape, out)?, size, rank, Histogram::new(128)),
        other => with_plain_type!(other, T => {
            slide::<T>(padded(input, size, out_shape, out)?, size, rank, Sorted(Vec::new()));
        }),
    }
    Ok(())
}

/// As [`rank_slow`] with marks, exactly, for rows that are dense.
///
/// # Errors
/// As [`rank`].
pub fn rank_of_places(
    input: &View<'_>,
    size: &Dims,
    marks: &[bool],
    rank: usize,
    out_shape: &Dims,
    out: &mut [u8],
) -> Result<()> {
    with_plain_type!(input.dtype, T => select::<T>(padded(input, size, out_shape, out)?, size, marks, rank));
    Ok(())
}

fn select<T: Ordered>(found: Padded<'_, T>, size: &Dims, marks: &[bool], rank: usize) {
    let Padded { input, out, layout } = found;
    let last = T::Key::GREATEST;
    let offset = |index: Dims| -> isize { index.iter().zip(&layout.strides).map(|(i, s)| i.cast_signed() * s).sum() };
    let all = indices(Region::whole(*size)).enumerate().filter(|(place, _)| is_marked(Some(marks), *place));
    let places: Vec<isize> = all.map(|(_, index)| offset(index)).collect();
    let mut window: Vec<T::Key> = Vec::with_capacity(places.len());
    layout.each_row(None, |from, to| {
        for x in 0..layout.row() {
            window.clear();
            window.extend(places.iter().map(|o| input[(from + x).wrapping_add_signed(*o)].key(last)));
            let rank = rank.min(window.len().saturating_sub(1));
            if !window.is_empty() {
                out[to + x] = T::value(*window.select_nth_unstable(rank).1, last);
            }
        }
    });
}

/// The keys of a window, some leaving and some coming.
trait Bag<K> {
    fn clear(&mut self);
    /// One column leaves and another comes; both have the same length, or the first is empty.
    fn exchange(&mut self, gone: &[K], come: &[K]);
    fn at(&mut self, rank: usize) -> K;
}

fn slide<T: Ordered>(found: Padded<'_, T>, size: &Dims, rank: usize, mut bag: impl Bag<T::Key>) {
    let Padded { input, out, layout } = found;
    let (last, width) = (T::Key::GREATEST, size.last().copied().unwrap_or(1));
    let rank = rank.min(size.count() - 1);
    let column = column_of(size, &layout);
    let read = |from: usize, x: usize, keys: &mut Vec<T::Key>| {
        keys.clear();
        keys.extend(column.iter().map(|o| input[(from + x).wrapping_add_signed(*o)].key(last)));
    };
    let (mut gone, mut come) = (Vec::with_capacity(column.len()), Vec::with_capacity(column.len()));
    layout.each_row(None, |from, to| {
        bag.clear();
        for x in 0..width {
            read(from, x, &mut come);
            bag.exchange(&[], &come);
        }
        for x in 0..layout.row() {
            if x > 0 {
                read(from, x - 1, &mut gone);
                read(from, x + width - 1, &mut come);
                bag.exchange(&gone, &come);
            }
            out[to + x] = T::value(bag.at(rank), last);
        }
    });
}

/// Where the elements of a window's first column lie, from its first element.
fn column_of(size: &Dims, layout: &Layout) -> Vec<isize> {
    let column = size.with(size.len() - 1, 1);
    let offset = |index: Dims| index.iter().zip(&layout.strides).map(|(i, s)| i.cast_signed() * s).sum();
    indices(Region::whole(column)).map(offset).collect()
}

/// Counts of 8-bit keys. The key at the last rank and how many lie below it are kept, since neighbours differ little.
struct Histogram {
    counts: Box<[u32; 256]>,
    /// What makes a key an index.
    shift: i16,
    level: usize,
    below: usize,
}

impl Histogram {
    fn new(shift: i16) -> Self {
        Histogram { counts: Box::new([0; 256]), shift, level: 0, below: 0 }
    }

    fn level_of(&self, key: impl Into<i16>) -> usize {
        usize::from((key.into() + self.shift).unsigned_abs() & 255)
    }
}

impl<K: Lane + Into<i16> + TryFrom<i16>> Bag<K> for Histogram {
    fn clear(&mut self) {
        self.counts.fill(0);
        (self.level, self.below) = (0, 0);
    }

    fn exchange(&mut self, gone: &[K], come: &[K]) {
        for key in come {
            let level = self.level_of(*key);
            self.counts[level] += 1;
            self.below += usize::from(level < self.level);
        }
        for key in gone {
            let level = self.level_of(*key);
            self.counts[level] -= 1;
            self.below -= usize::from(level < self.level);
        }
    }

    fn at(&mut self, rank: usize) -> K {
        while self.below > rank {
            self.level -= 1;
            self.below -= self.counts[self.level] as usize;
        }
        while self.level < 255 && self.below + self.counts[self.level] as usize <= rank {
            self.below += self.counts[self.level] as usize;
            self.level += 1;
        }
        K::try_from(i16::from(self.level as u8) - self.shift).unwrap_or(K::GREATEST)
    }
}

/// The window in order.
struct Sorted<K>(Vec<K>);

impl<K: Lane> Bag<K> for Sorted<K> {
    fn clear(&mut self) {
        self.0.clear();
    }

    /// Each place that falls free is moved to where the new key belongs.
    fn exchange(&mut self, gone: &[K], come: &[K]) {
        if gone.is_empty() {
            self.0.extend_from_slice(come);
            self.0.sort_unstable();
            return;
        }
        for (gone, come) in gone.iter().zip(come) {
            let free = self.0.partition_point(|k| k < gone);
            let goal = self.0.partition_point(|k| k < come);
            if goal > free {
                self.0.copy_within(free + 1..goal, free);
                self.0[goal - 1] = *come;
            } else {
                self.0.copy_within(goal..free, goal + 1);
                self.0[goal] = *come;
            }
        }
    }

    fn at(&mut self, rank: usize) -> K {
        self.0[rank]
    }
}
