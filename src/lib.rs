//! stackmill
pub mod device;
pub mod dtype;
pub mod error;
pub mod expr;
pub mod formats;
pub mod graph;
pub mod grid;
pub mod language;
pub mod ops;
pub mod os;
pub mod plan;
pub mod simd;
pub mod storage;
pub mod tile;
