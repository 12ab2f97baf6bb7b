//! stackmill
pub mod device;
pub mod dtype;
pub mod error;
pub mod grid;
pub mod os;
pub mod simd;
pub mod storage;
pub mod tile;
