//! Errors of the crate as the exceptions of `stackmill.errors`. Places in the crate's own files are left out: the traceback
//! shows the user's line. It does not know what failed.

use pyo3::ffi::c_str;
use pyo3::prelude::*;
use stackmill::Error;
use stackmill::error::{Family, Subject};

fn class_of(error: &Error) -> &'static str {
    match (error.family(), error.subject()) {
        (Family::Caller, Subject::Memory) => "BudgetError",
        (Family::Caller, Subject::Dtype) => "DtypeError",
        (Family::Caller, Subject::MissingFile) => "MissingFileError",
        (Family::Caller, Subject::ExistingFile) => "ExistingFileError",
        (Family::Caller, Subject::Other) => "CallerError",
        (Family::Machine, _) => "MachineError",
        (Family::Bug, _) => "FaultError",
    }
}

/// The message with the places that are not in our own files, and the way out.
fn text_of(error: &Error) -> String {
    let places = error.places().iter().filter(|place| !place.contains(".rs:"));
    let mut text = places.fold(error.what().to_owned(), |text, place| text + "\n  in " + place);
    if let Some(hint) = error.way_out() {
        text = text + "\nhint: " + &hint.replace("--overwrite", "overwrite=True").replace("--", "");
    }
    text
}

/// The class of an error: that of the exception that a user's function or its checks raised, where that is one of ours.
fn class<'py>(py: Python<'py>, error: &Error, cause: Option<&PyErr>) -> PyResult<Bound<'py, PyAny>> {
    let module = py.import("stackmill.errors")?;
    match cause {
        Some(cause) if cause.is_instance(py, &module.getattr("StackmillError")?) => Ok(cause.get_type(py).into_any()),
        _ => module.getattr(class_of(error)),
    }
}

/// The exception of an error.
pub fn raised(py: Python<'_>, error: Error) -> PyErr {
    let cause = error.cause::<PyErr>().map(|cause| cause.clone_ref(py));
    let made = class(py, &error, cause.as_ref()).and_then(|class| class.call1((text_of(&error),)));
    let made = made.map_or_else(|e| e, PyErr::from_value);
    if cause.is_some() {
        made.set_cause(py, cause);
    }
    made
}

/// Says what happened as a warning.
pub fn warned(py: Python<'_>, notice: &str) -> PyResult<()> {
    let category = py.import("stackmill.errors")?.getattr("StackmillWarning")?;
    let text = std::ffi::CString::new(notice.replace('\0', " ")).unwrap_or_else(|_| c_str!("").to_owned());
    PyErr::warn(py, &category, &text, 2)
}
