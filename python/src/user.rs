//! Functions of Python over tiles: `map_overlap`. Each call copies its tiles into Python's memory and its result back.
//! It does not know what the function does; `stackmill._tiles` checks what it gives.

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyList};
use stackmill::graph::{Tiles, Walk};
use stackmill::grid::{Dims, Edge, Region};
use stackmill::tile::{View, copy_view};
use stackmill::{Error, Result};

/// A Python callable as a stage.
pub struct UserTiles {
    /// Takes a list of (bytes, dtype, shape), the start and the extents of the result; gives its bytes.
    pub function: Py<PyAny>,
    /// What it is called, and where.
    pub name: String,
    /// How each input is read.
    pub walks: Vec<Vec<Walk>>,
    /// What lies outside.
    pub edge: Edge,
    /// The number outside.
    pub constant: f64,
}

impl UserTiles {
    fn call(&self, py: Python<'_>, inputs: &[View<'_>], part: &Region, out: &mut [u8]) -> PyResult<()> {
        let given = PyList::empty(py);
        for view in inputs {
            let len = view.shape.count() * view.dtype.size();
            let copy = |bytes: &mut [u8]| {
                copy_view(view, bytes, &view.shape, &Dims::filled(view.shape.len(), 0));
                Ok(())
            };
            given.append((PyByteArray::new_with(py, len, copy)?, view.dtype.numpy_name(), view.shape.to_vec()))?;
        }
        let made = self.function.call1(py, (given, part.start.to_vec(), part.shape.to_vec()))?;
        PyBuffer::<u8>::get(made.bind(py))?.copy_to_slice(py, out)
    }
}

impl Tiles for UserTiles {
    fn walks(&self, k: usize) -> &[Walk] {
        self.walks.get(k).map_or(&[], Vec::as_slice)
    }

    fn edge(&self) -> (Edge, f64) {
        (self.edge, self.constant)
    }

    fn run(&self, inputs: &[View<'_>], part: &Region, out: &mut [u8]) -> Result<()> {
        Python::attach(|py| {
            self.call(py, inputs, part, out)
                .map_err(|cause| Error::caller(format!("{} failed on the tile {part}: {cause}", self.name)).caused_by(cause))
        })
    }

    fn words(&self) -> String {
        self.name.clone()
    }
}
