//! stackmill
pub mod dtype;
pub mod error;
pub mod formats;
pub mod grid;
pub mod os;
pub mod storage;
pub mod expr;
pub mod graph;
pub mod ops;
pub mod plan;
pub mod device;
pub mod simd;
pub mod tile;
