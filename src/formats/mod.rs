//! The catalogue of file formats: one folder or file each, all speaking `storage`'s Source and Sink.
//! It does not know what is computed between reading and writing.

#[cfg(feature = "tiff")]
pub mod tiff;
