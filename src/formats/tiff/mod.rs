//! TIFF, BigTIFF, ImageJ and OME-TIFF files, read and written by our own directory walker.
//! It does not know what is computed, nor when a unit is read.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `directory` | image file directories: classic and BigTIFF, both byte orders |
//! | `page` | one directory's pixels and blocks, checked against the file |
//! | `layout`, `blocks` | directories → shape, axes, pixel sizes; the table of blocks |
//! | `imagej`, `ome`, `shaped` | the three dialects of image descriptions |
//! | `units` | names of units |
//! | `codec`, `unpack` | LZW, deflate, PackBits, predictors, byte order; a block piece by piece |
//! | `streams` | rows of strips that are too large to be decoded whole |
//! | `source`, `stack` | one file, many files, as a [`Source`] |
//! | `plan`, `entries`, `strips`, `tiles` | writing: pages of an array, directories, the two layouts |

mod blocks;
mod codec;
mod directory;
mod entries;
mod imagej;
mod layout;
mod ome;
mod page;
mod plan;
mod shaped;
mod source;
mod stack;
mod streams;
mod strips;
mod tiles;
mod units;
mod unpack;

use super::partial::Partial;
use crate::error::Result;
use crate::storage::{Info, Sink, Source};
use std::path::Path;

pub use stack::{expand, open_stack};

/// Opens one file.
///
/// # Errors
/// A file that is missing, truncated or damaged, or uses a codec, sample type or colour space that is not supported.
pub fn open(path: &Path) -> Result<Box<dyn Source>> {
    Ok(Box::new(source::TiffSource::open(path)?))
}

/// How a file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// BigTIFF with compressed tiles of 256 × 256 in place of raw strips.
    pub tiled: bool,
    /// As `tiled`, described by OME-XML.
    pub ome: bool,
    /// Replace a file that is there already.
    pub overwrite: bool,
}

/// Makes a sink for one file; nothing is written before [`Sink::begin`].
///
/// # Errors
/// A file that exists, a folder that does not, and arrays that the kind of file cannot hold.
pub fn create(path: &Path, info: &Info, options: &Options) -> Result<Box<dyn Sink>> {
    let partial = Partial::at(path, options.overwrite)?;
    if options.tiled || options.ome {
        let ordered = Partial::called(path, options.overwrite, "ordered")?;
        return Ok(Box::new(tiles::Tiles::new((partial, ordered), info, options.ome)?));
    }
    Ok(Box::new(strips::Strips::new(partial, info, strips::CLASSIC_BYTES)?))
}
