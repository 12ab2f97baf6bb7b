//! Errors of the crate as the exceptions of `stackmill.errors`. Places in the crate's own files are left out: the traceback
//! shows the user's line. It does not know what failed.

use pyo3::prelude::*;
use stackmill::Error;
use stackmill::error::Family;

/// The exception of an error.
pub fn raised(py: Python<'_>, error: Error) -> PyErr {
    let name = match error.family() {
        Family::Caller => "CallerError",
        Family::Machine => "MachineError",
        Family::Bug => "FaultError",
    };
    let text = error.without_places().to_string();
    let made = py.import("stackmill.errors").and_then(|m| m.getattr(name)).and_then(|class| class.call1((text,)));
    made.map_or_else(|e| e, PyErr::from_value)
}
