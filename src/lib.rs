//! stackmill
pub mod demo;
pub mod dtype;
pub mod error;
pub mod grid;
pub mod os;
pub mod storage;
pub mod tile;
