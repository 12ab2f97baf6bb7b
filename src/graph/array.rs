//! The lazy array: an immutable handle of a node. Nothing is read or computed before `compute` or `save`.
//! It does not know how to open, run or save: those verbs are added by the session.

use super::node::{Body, Node, Origin, Stage};
use crate::dtype::{Dtype, Number};
use crate::error::{Error, Result};
use crate::grid::Dims;
use crate::storage::{Info, Source};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A lazy n-d array: an expression over sources. Cloning copies a pointer.
///
/// An operation that cannot work gives an array that carries its error, with the op and the caller's line; the error
/// surfaces at the first [`Array::shape`], `explain`, `compute` or `save`.
#[derive(Clone)]
pub struct Array(Arc<Node>);

impl Array {
    /// An array that lies in a source.
    #[must_use]
    #[track_caller]
    pub fn from_source(source: Arc<dyn Source>) -> Array {
        let info = Ok(source.info().clone());
        let origin = Origin { op: source.name(), part: String::new(), line: Location::caller() };
        Array(Arc::new(Node { body: Body::Source(source), inputs: Vec::new(), info, origin }))
    }

    /// A number beside arrays: its dtype follows the array that it meets.
    #[must_use]
    #[track_caller]
    pub fn literal(number: Number) -> Array {
        let info = Ok(Info::new(Dims::default(), number.dtype_alone()));
        let origin = Origin { op: number.to_string(), part: String::new(), line: Location::caller() };
        Array(Arc::new(Node { body: Body::Literal(number), inputs: Vec::new(), info, origin }))
    }

    /// An array computed by a stage; `info` describes the result.
    #[must_use]
    pub fn from_stage(stage: Stage, inputs: Vec<Array>, info: Result<Info>, origin: Origin) -> Array {
        let info = stage.check().and(info);
        Array(Arc::new(Node { body: Body::Stage(stage), inputs, info, origin }))
    }

    /// An array that only carries an error.
    #[must_use]
    pub fn broken(error: Error, origin: Origin) -> Array {
        let info = Err(error);
        Array(Arc::new(Node { body: Body::Literal(Number::Bool(false)), inputs: Vec::new(), info, origin }))
    }

    /// The same array with another description; extents and dtype must be the same.
    #[must_use]
    pub fn described(&self, change: impl FnOnce(Info) -> Result<Info>) -> Array {
        let (body, inputs, origin) = (self.0.body.clone(), self.0.inputs.clone(), self.0.origin.clone());
        let info = self.0.info.clone().and_then(change);
        Array(Arc::new(Node { body, inputs, info, origin }))
    }

    /// The node.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.0
    }

    /// A number that is the same for handles of the same node.
    #[must_use]
    pub fn key(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// The node itself where this is its only handle.
    pub(super) fn into_only_node(self) -> Option<Node> {
        Arc::into_inner(self.0)
    }

    /// The description.
    ///
    /// # Errors
    /// What made this array impossible.
    pub fn info(&self) -> Result<&Info> {
        self.0.info.as_ref().map_err(Clone::clone)
    }

    /// The extents, C order.
    ///
    /// # Errors
    /// What made this array impossible.
    pub fn shape(&self) -> Result<Dims> {
        self.info().map(|info| info.shape)
    }

    /// The element type.
    ///
    /// # Errors
    /// What made this array impossible.
    pub fn dtype(&self) -> Result<Dtype> {
        self.info().map(|info| info.dtype)
    }

    /// The number, where the array is a literal.
    #[must_use]
    pub fn as_literal(&self) -> Option<Number> {
        match (&self.0.body, &self.0.info) {
            (Body::Literal(number), Ok(_)) => Some(*number),
            _ => None,
        }
    }

    /// The same array with its axes named by letters, `"ZYX"` for example.
    #[must_use]
    #[track_caller]
    pub fn with_axes(&self, letters: &str) -> Array {
        let line = Location::caller();
        self.described(|info| info.with_axes(letters).map_err(|e| e.in_op("with_axes", line)))
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.info() {
            Ok(info) => write!(f, "Array({} {} {} by {})", info.dtype, info.shape, info.letters(), self.0.origin.op),
            Err(error) => write!(f, "Array({error})"),
        }
    }
}

impl From<&Array> for Array {
    fn from(array: &Array) -> Array {
        array.clone()
    }
}

macro_rules! literals {
    ($($t:ty => $kind:ident),*) => {$(
        impl From<$t> for Array {
            #[track_caller]
            fn from(value: $t) -> Array { Array::literal(Number::$kind(value.into())) }
        }
    )*};
}
literals!(bool => Bool, i32 => Int, i64 => Int, u8 => Int, u16 => Int, u32 => Int, u64 => Int, f32 => Float, f64 => Float);
