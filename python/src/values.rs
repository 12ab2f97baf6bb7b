//! Parameters as Python writes them: numbers, names, lists, and whatever iterates like one.
//! It does not know ops.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString};
use stackmill::dtype::Number;
use stackmill::graph::Value;

/// A parameter out of a Python object.
pub fn value(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    if object.is_none() {
        return Ok(Value::None);
    }
    if let Ok(flag) = object.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if object.is_instance_of::<PyInt>() {
        return Ok(Value::Int(object.extract()?));
    }
    if object.is_instance_of::<PyFloat>() {
        return Ok(Value::Float(object.extract()?));
    }
    if object.is_instance_of::<PyString>() {
        return Ok(text(object.extract()?));
    }
    if let Ok(items) = object.try_iter() {
        return items.map(|item| value(&item?)).collect::<PyResult<_>>().map(Value::List);
    }
    // NumPy's scalars and everything else that says it is a number.
    if let Ok(whole) = object.call_method0("__index__") {
        return Ok(Value::Int(whole.extract()?));
    }
    match object.extract::<f64>() {
        Ok(number) => Ok(Value::Float(number)),
        Err(_) => Err(PyTypeError::new_err(format!("a parameter cannot be a {}", object.get_type().name()?))),
    }
}

/// A number beside arrays, as large as 64 bits hold.
pub fn number(object: &Bound<'_, PyAny>) -> PyResult<Number> {
    if let Ok(flag) = object.cast::<PyBool>() {
        return Ok(Number::Bool(flag.is_true()));
    }
    if object.is_instance_of::<PyInt>() {
        return match object.extract::<i64>() {
            Ok(whole) => Ok(Number::Int(whole.into())),
            Err(_) => object.extract::<u64>().map(|whole| Number::Int(whole.into())),
        };
    }
    object.extract().map(Number::Float)
}

/// A name, or a length as `0.25um`.
fn text(text: String) -> Value {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(0);
    match text[..end].parse() {
        Ok(number) => Value::Length(number, text[end..].trim().to_owned()),
        Err(_) => Value::Text(text),
    }
}
