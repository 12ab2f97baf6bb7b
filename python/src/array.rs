//! The lazy array behind `stackmill.Array`, and the ops applied to it. Every computation lets other Python threads run.
//! It does not know NumPy: arrays come and go as bytes.

use super::errors::raised;
use super::run::{self, Elements, options};
use super::user::UserTiles;
use super::values::{number, value};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyEllipsis, PySlice};
use stackmill::formats::memory::{Held, MemorySource};
use stackmill::graph::{Body, Index, Origin, ParamType, Slice, Stage, Value, Walk};
use stackmill::grid::{Dims, Edge, MAX_RANK};
use stackmill::storage::{Axis, Info, Source};
use stackmill::{Array, Dtype, Error};
use std::collections::HashSet;
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

/// A description without elements.
struct Placeholder(Info);

impl Source for Placeholder {
    fn info(&self) -> &Info {
        &self.0
    }

    fn name(&self) -> String {
        "placeholder".to_owned()
    }

    fn unit(&self) -> Dims {
        self.0.shape
    }

    fn stored_bytes(&self, _unit: &Dims) -> u64 {
        0
    }

    fn fetch(&self, _unit: &Dims) -> Result<Option<Vec<u8>>, Error> {
        Err(Error::bug("a placeholder has no elements"))
    }

    fn decode(&self, _unit: &Dims, _stored: Option<Vec<u8>>, _out: &mut [u8]) -> Result<(), Error> {
        Err(Error::bug("a placeholder has no elements"))
    }

    fn fingerprint(&self) -> String {
        String::new()
    }
}

/// How far an array looks into its source, before and after, per axis.
#[pyfunction]
pub fn reach(py: Python<'_>, lazy: PyRef<'_, Lazy>) -> PyResult<Vec<(usize, usize)>> {
    or_raised(py, stackmill::plan::reach_into_source(&lazy.0))
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

/// Extents, if there are not too many.
fn dims(py: Python<'_>, shape: &[usize]) -> PyResult<Dims> {
    if shape.len() <= MAX_RANK {
        return Ok(Dims::from(shape));
    }
    Err(raised(py, Error::caller(format!("an array of {} axes, at most {MAX_RANK} are possible", shape.len()))))
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
        let info = Info::new(dims(py, &shape)?, or_raised(py, Dtype::parse(dtype))?);
        let source = or_raised(py, MemorySource::holding(info, Box::new(Exported(buffer))))?;
        checked(py, Array::from_source(Arc::new(source)))
    }

    /// An array that lies nowhere: to ask what would be read of one.
    #[staticmethod]
    fn placeholder(py: Python<'_>, shape: Vec<usize>, dtype: &str) -> PyResult<Lazy> {
        let info = Info::new(dims(py, &shape)?, or_raised(py, Dtype::parse(dtype))?);
        checked(py, Array::from_source(Arc::new(Placeholder(info))))
    }

    /// A number beside arrays: its dtype follows theirs.
    #[staticmethod]
    fn number(py: Python<'_>, object: &Bound<'_, PyAny>) -> PyResult<Lazy> {
        checked(py, Array::literal(number(object)?))
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

    /// Names of the axes, empty where one has none.
    #[getter]
    fn axes(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        or_raised(py, self.0.info()).map(|info| info.axes.iter().map(|axis| axis.name.clone()).collect())
    }

    /// Distances between neighbours along the axes; 1 where unknown.
    #[getter]
    fn scale(&self, py: Python<'_>) -> PyResult<Vec<f64>> {
        or_raised(py, self.0.info()).map(|info| info.axes.iter().map(|axis| axis.step).collect())
    }

    /// What the distances are counted in, as UDUNITS spells it.
    #[getter]
    fn units(&self, py: Python<'_>) -> PyResult<Vec<Option<String>>> {
        or_raised(py, self.0.info()).map(|info| info.axes.iter().map(|axis| axis.unit.clone()).collect())
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
        dims(py, &shape)?;
        checked(py, self.0.broadcast_to(&shape))
    }

    /// The files and arrays that are read: name, shape, dtype, extents of what is stored alone, bytes, whether it is in memory.
    fn sources(&self, py: Python<'_>) -> PyResult<Vec<SourceRow>> {
        let mut rows = Vec::new();
        let (mut seen, mut waiting) = (HashSet::new(), vec![self.0.clone()]);
        while let Some(array) = waiting.pop() {
            if !seen.insert(array.key()) {
                continue;
            }
            waiting.extend(array.node().inputs.iter().cloned());
            if let Body::Source(source) = &array.node().body {
                let info = or_raised(py, array.info())?;
                let unit = source.unit().to_vec();
                let (shape, dtype) = (info.shape.to_vec(), info.dtype.numpy_name());
                rows.push((source.name(), shape, dtype, unit, info.bytes(), source.lend().is_some()));
            }
        }
        Ok(rows)
    }

    /// Bytes that are read and made to compute the array.
    fn bytes_touched(&self, py: Python<'_>) -> PyResult<u64> {
        or_raised(py, stackmill::plan::bytes_touched(&self.0))
    }

    /// Computes the array; its bytes, and a callable that hears how far the run is.
    fn compute(&self, py: Python<'_>, given: &Bound<'_, PyDict>, teller: Option<Py<PyAny>>) -> PyResult<Elements> {
        run::compute(py, &self.0, given, teller)
    }

    /// What computing would do.
    fn explain(&self, py: Python<'_>, given: &Bound<'_, PyDict>, level: u8) -> PyResult<String> {
        let (array, options) = (self.0.clone(), options(given)?);
        or_raised(py, py.detach(move || array.explain_at(level, &options)))
    }
}

/// A source: name, shape, dtype, unit, bytes, whether it lies in memory.
type SourceRow = (String, Vec<usize>, &'static str, Vec<usize>, u64, bool);

/// Writes arrays to files in one run.
#[pyfunction]
pub fn save(
    py: Python<'_>,
    targets: Vec<(PyRef<'_, Lazy>, PathBuf)>,
    given: &Bound<'_, PyDict>,
    teller: Option<Py<PyAny>>,
) -> PyResult<()> {
    let targets: Vec<(Array, PathBuf)> = targets.iter().map(|(lazy, path)| (lazy.0.clone(), path.clone())).collect();
    run::save(py, &targets, given, teller)
}

/// A function of tiles: what it reads, and what it gives.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct TilesMade {
    name: String,
    /// Per input and axis: the output axis that walks it, or none; how far before and after.
    walks: Vec<Vec<(Option<usize>, usize, usize)>>,
    mode: String,
    cval: f64,
    dtype: String,
    shape: Vec<usize>,
}

/// The array that a Python function makes tile by tile.
#[pyfunction]
pub fn tiles(py: Python<'_>, function: Py<PyAny>, inputs: Vec<PyRef<'_, Lazy>>, made: TilesMade) -> PyResult<Lazy> {
    let first = inputs.first().ok_or_else(|| PyTypeError::new_err("a function of no arrays"))?;
    let walk = |(axis, before, after): &(Option<usize>, usize, usize)| Walk { axis: *axis, before: *before, after: *after };
    let walks: Vec<Vec<Walk>> = made.walks.iter().map(|axes| axes.iter().map(walk).collect()).collect();
    let described = or_raised(py, first.0.info())?;
    let from = |axis: usize| walks[0].iter().position(|walk| walk.axis == Some(axis)).map(|own| described.axes[own].clone());
    let axes: Vec<Axis> = (0..made.shape.len()).map(|axis| from(axis).unwrap_or_else(|| Axis::named(""))).collect();
    let info = Info::new(dims(py, &made.shape)?, or_raised(py, Dtype::parse(&made.dtype))?);
    let edge = or_raised(py, Edge::from_value(&Value::Text(made.mode)))?;
    let origin = Origin { op: made.name.clone(), part: String::new(), line: Location::caller() };
    let tiles = UserTiles { function, name: made.name, walks, edge, constant: made.cval };
    let arrays = inputs.iter().map(|lazy| lazy.0.clone()).collect();
    checked(py, Array::from_stage(Stage::Tiles(Arc::new(tiles)), arrays, Ok(Info { axes: axes.into(), ..info }), origin))
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
