//! The lazy array behind `stackmill.Array`, and the ops applied to it. Every computation lets other Python threads run.
//! It does not know NumPy: arrays come and go as bytes.

use super::errors::raised;
use super::values::value;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyEllipsis, PySlice};
use stackmill::dtype::Number;
use stackmill::formats::memory::{Held, MemorySource};
use stackmill::graph::{Index, Slice};
use stackmill::storage::Info;
use stackmill::{Array, Dtype, Error, Options};
use std::panic::Location;
use std::path::PathBuf;
use std::sync::Arc;

/// A lazy array.
#[pyclass(frozen, name = "Lazy")]
pub struct Lazy(Array);

/// Bytes of a Python object that exports them, kept alive.
struct Exported(PyBuffer<u8>);

impl Held for Exported {
    #[allow(unsafe_code, reason = "a buffer of another language")]
    fn bytes(&self) -> &[u8] {
        if self.0.len_bytes() == 0 {
            return &[];
        }
        // SAFETY:
        // * the buffer is contiguous, which was checked when it was taken, and is released only when `self` is dropped;
        // * u8 has no invalid values and no alignment;
        // * whoever writes to the object while it is read gets some of the old and some of the new elements, as with any
        //   library that computes without a copy and without holding the interpreter's lock.
        unsafe { std::slice::from_raw_parts(self.0.buf_ptr().cast::<u8>(), self.0.len_bytes()) }
    }
}

/// An array, or the error that it carries.
fn checked(py: Python<'_>, array: Array) -> PyResult<Lazy> {
    match array.info() {
        Ok(_) => Ok(Lazy(array)),
        Err(error) => Err(raised(py, error)),
    }
}

fn or_raised<T>(py: Python<'_>, result: Result<T, Error>) -> PyResult<T> {
    result.map_err(|error| raised(py, error))
}

/// What a run may use, out of a dictionary of those that are set.
fn options(given: &Bound<'_, PyDict>) -> PyResult<Options> {
    let mut options = Options::default();
    for (name, object) in given {
        match name.extract::<String>()?.as_str() {
            "memory" => options.memory = Some(object.extract()?),
            "threads" => options.threads = Some(object.extract()?),
            "tile" => options.tile = Some(object.extract()?),
            "device" => options.device = object.extract()?,
            "vram" => options.vram = Some(object.extract()?),
            "gpus" => options.gpus = object.extract()?,
            "overwrite" => options.overwrite = object.extract()?,
            "tiled" => options.tiled = object.extract()?,
            other => return Err(PyTypeError::new_err(format!("no option is called '{other}'"))),
        }
    }
    Ok(options)
}

fn index_of(object: &Bound<'_, PyAny>) -> PyResult<Index> {
    if object.is_none() {
        return Ok(Index::NewAxis);
    }
    if object.is_instance_of::<PyEllipsis>() {
        return Ok(Index::Ellipsis);
    }
    if object.is_instance_of::<PySlice>() {
        let part = |name: &str| -> PyResult<Option<isize>> {
            let bound = object.getattr(name)?;
            if bound.is_none() { Ok(None) } else { bound.call_method0("__index__")?.extract().map(Some) }
        };
        return Ok(Index::Range(Slice { start: part("start")?, stop: part("stop")?, step: part("step")? }));
    }
    Ok(Index::At(object.call_method0("__index__")?.extract()?))
}

#[pymethods]
impl Lazy {
    /// A file, a Zarr folder, a folder or a glob of files.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Lazy> {
        let array = py.detach(|| Array::open(path));
        checked(py, array)
    }

    /// An array whose C-order native bytes an object exports; nothing is copied.
    #[staticmethod]
    fn lent(py: Python<'_>, bytes: &Bound<'_, PyAny>, dtype: &str, shape: Vec<usize>) -> PyResult<Lazy> {
        let buffer = PyBuffer::<u8>::get(bytes)?;
        if !buffer.is_c_contiguous() {
            return Err(PyTypeError::new_err("the bytes of an array must be contiguous"));
        }
        let info = Info::new(shape.into_iter().collect(), or_raised(py, Dtype::parse(dtype))?);
        let source = or_raised(py, MemorySource::holding(info, Box::new(Exported(buffer))))?;
        checked(py, Array::from_source(Arc::new(source)))
    }

    /// A number beside arrays: its dtype follows theirs.
    #[staticmethod]
    fn number(py: Python<'_>, object: &Bound<'_, PyAny>) -> PyResult<Lazy> {
        let number = match value(object)? {
            stackmill::graph::Value::Bool(flag) => Number::Bool(flag),
            stackmill::graph::Value::Int(whole) => Number::Int(whole.into()),
            stackmill::graph::Value::Float(float) => Number::Float(float),
            _ => return Err(PyTypeError::new_err("no number")),
        };
        checked(py, Array::literal(number))
    }

    #[getter]
    fn shape(&self, py: Python<'_>) -> PyResult<Vec<usize>> {
        or_raised(py, self.0.shape()).map(|shape| shape.to_vec())
    }

    /// NumPy's name of the dtype.
    #[getter]
    fn dtype(&self, py: Python<'_>) -> PyResult<&'static str> {
        or_raised(py, self.0.dtype()).map(Dtype::numpy_name)
    }

    /// Names of the axes, a letter each; empty where none is named.
    #[getter]
    fn axes(&self, py: Python<'_>) -> PyResult<String> {
        or_raised(py, self.0.info()).map(|info| info.letters())
    }

    fn with_axes(&self, py: Python<'_>, letters: &str) -> PyResult<Lazy> {
        checked(py, self.0.with_axes(letters))
    }

    fn index(&self, py: Python<'_>, expression: Vec<Bound<'_, PyAny>>) -> PyResult<Lazy> {
        let expression = expression.iter().map(index_of).collect::<PyResult<Vec<_>>>()?;
        checked(py, self.0.index(&expression))
    }

    fn transpose(&self, py: Python<'_>, order: Vec<usize>) -> PyResult<Lazy> {
        checked(py, self.0.transpose(&order))
    }

    fn broadcast_to(&self, py: Python<'_>, shape: Vec<usize>) -> PyResult<Lazy> {
        checked(py, self.0.broadcast_to(&shape))
    }

    /// Computes the array into a writable object of as many bytes.
    fn compute_into(&self, py: Python<'_>, out: &Bound<'_, PyAny>, given: &Bound<'_, PyDict>) -> PyResult<()> {
        let (array, options) = (self.0.clone(), options(given)?);
        let computed = or_raised(py, py.detach(move || array.compute_with(&options)))?;
        PyBuffer::<u8>::get(out)?.copy_from_slice(py, computed.tile.data.bytes())
    }

    /// Writes the array to a file.
    fn save(&self, py: Python<'_>, path: PathBuf, given: &Bound<'_, PyDict>) -> PyResult<()> {
        let (array, options) = (self.0.clone(), options(given)?);
        or_raised(py, py.detach(move || array.save_with(path, &options))).map(|_| ())
    }

    /// What computing would do.
    fn explain(&self, py: Python<'_>, given: &Bound<'_, PyDict>) -> PyResult<String> {
        let (array, options) = (self.0.clone(), options(given)?);
        or_raised(py, py.detach(move || array.explain_with(&options)))
    }
}

/// Applies an op to arrays with parameters by place and by name.
#[pyfunction]
pub fn apply(
    py: Python<'_>,
    name: &str,
    inputs: Vec<PyRef<'_, Lazy>>,
    places: Vec<Bound<'_, PyAny>>,
    named: &Bound<'_, PyDict>,
) -> PyResult<Lazy> {
    let op = or_raised(py, stackmill::ops::find(name))?;
    let places = places.iter().map(value).collect::<PyResult<Vec<_>>>()?;
    let named = named.iter().map(|(k, v)| Ok((k.extract()?, value(&v)?))).collect::<PyResult<Vec<_>>>()?;
    let args = or_raised(py, op.args(places, named))?;
    let inputs: Vec<Array> = inputs.iter().map(|lazy| lazy.0.clone()).collect();
    checked(py, op.apply(&inputs, args, Location::caller()))
}
