//! stackmill
pub mod dtype;
pub mod error;
pub mod formats;
pub mod grid;
pub mod os;
pub mod storage;
pub mod tile;
