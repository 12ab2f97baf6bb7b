//! cpu
pub mod lanes;
pub mod tape;
