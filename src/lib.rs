//! stackmill
pub mod demo;
pub mod device;
pub mod dtype;
pub mod error;
pub mod expr;
pub mod formats;
pub mod graph;
pub mod grid;
pub mod ops;
pub mod os;
pub mod plan;
pub mod run;
pub mod session;
pub mod simd;
pub mod storage;
pub mod tile;
pub use graph::Array;
