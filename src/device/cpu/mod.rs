//! The CPU's tuned kernels: pure functions over views and slices.
//! It does not know threads; callers cut the work into blocks.

pub mod line;
