//! What can be read and written: one module a format, each a [`crate::storage::Source`] and a [`crate::storage::Sink`].
//! It does not know what is computed, nor when a unit is asked for.

pub mod memory;
pub mod npy;
#[cfg(feature = "zarr")]
pub mod zarr;
