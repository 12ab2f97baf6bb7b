//! What computing into memory gives. It does not know how it was made.

use crate::dtype::{Element, typed};
use crate::error::{Error, Result};
use crate::run::Summary;
use crate::tile::Tile;

/// An array in memory: what `compute` gives.
#[derive(Clone, Debug)]
pub struct Computed {
    /// The elements.
    pub tile: Tile,
    /// The figures of the run.
    pub summary: Summary,
}

impl Computed {
    /// The elements as a Rust type.
    ///
    /// # Errors
    /// A type of another dtype.
    pub fn values<T: Element>(&self) -> Result<&[T]> {
        if T::DTYPE != self.tile.dtype {
            return Err(Error::caller(format!("the result is {}, not {}", self.tile.dtype, T::DTYPE)).hint("cast it with astype"));
        }
        typed(self.tile.data.bytes())
    }

    /// The result as an `ndarray` array (copied).
    ///
    /// # Errors
    /// A type of another dtype.
    pub fn to_ndarray<T: Element>(&self) -> Result<ndarray::ArrayD<T>> {
        let values = self.values::<T>()?.to_vec();
        ndarray::ArrayD::from_shape_vec(self.tile.shape.to_vec(), values).map_err(|e| Error::bug(e.to_string()))
    }
}
