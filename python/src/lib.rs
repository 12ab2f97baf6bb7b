//! The bridge between Python and stackmill: arrays, ops by their records, options, errors. What Python users see is written in
//! Python, over this module. It does not know NumPy: it exchanges bytes.

mod array;
mod errors;
mod run;
mod user;
mod values;

use pyo3::prelude::*;
use stackmill::ops;
use std::ffi::OsString;

/// What the system counts shall be what was asked for: the budget is a promise. It is this package's heap alone, not the process's.
#[global_allocator]
static HEAP: stackmill::os::Heap = stackmill::os::Heap;

/// What Python needs of an op's record to make a function of it.
#[pyclass(frozen, get_all)]
struct Op {
    name: &'static str,
    family: &'static str,
    doc: String,
    signature: String,
    inputs: Vec<&'static str>,
    /// Name, kind, documentation, and the default as it is written; none where it must be given.
    params: Vec<(&'static str, &'static str, &'static str, Option<String>)>,
    same_as: Option<&'static str>,
}

/// All ops.
#[pyfunction]
fn records() -> Vec<Op> {
    let param = |p: &stackmill::graph::Param| (p.name, p.kind, p.doc, p.default.map(|d| d().to_string()));
    let record = |op: &'static stackmill::graph::Op| Op {
        name: op.name,
        family: op.family,
        doc: op.doc.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n"),
        signature: op.signature(),
        inputs: op.inputs.to_vec(),
        params: op.params.iter().map(param).collect(),
        same_as: op.same_as,
    };
    ops::all().map(record).collect()
}

/// The command line; the exit code.
#[pyfunction]
fn command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| stackmill::cli::run(arguments))
}

/// What this build and this machine have.
#[pyfunction]
fn doctor(py: Python<'_>) -> String {
    py.detach(stackmill::cli::doctor)
}

/// The adapters of this machine: name, kind, backend, driver.
#[pyfunction]
fn devices(py: Python<'_>) -> Vec<(String, String, String, String)> {
    let all = py.detach(stackmill::device::gpu::available);
    all.into_iter().map(|a| (a.name, a.kind, a.backend, a.driver)).collect()
}

#[pymodule]
fn _internal(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<array::Lazy>()?;
    module.add_class::<Op>()?;
    module.add_class::<run::Elements>()?;
    module.add_function(wrap_pyfunction!(array::apply, module)?)?;
    module.add_function(wrap_pyfunction!(array::save, module)?)?;
    module.add_function(wrap_pyfunction!(array::tiles, module)?)?;
    module.add_function(wrap_pyfunction!(array::reach, module)?)?;
    module.add_function(wrap_pyfunction!(devices, module)?)?;
    module.add_function(wrap_pyfunction!(records, module)?)?;
    module.add_function(wrap_pyfunction!(command, module)?)?;
    module.add_function(wrap_pyfunction!(doctor, module)?)
}
