//! What a stack is outside: its description, where units are read from and where commit units are written to.
//! It knows no file format and opens nothing; formats implement [`Source`] and [`Sink`].

use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::grid::{Dims, Region};
use std::sync::Arc;

/// One axis: its name (`t`, `c`, `z`, `y`, `x`, `s` for samples; empty if unnamed), the pixel size and its unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// One lower-case letter by custom, or empty.
    pub name: String,
    /// Distance between neighbours; 1 where unknown.
    pub step: f64,
    /// What the step is counted in, as UDUNITS spells it (`micrometer`, `second`); none where unknown.
    pub unit: Option<String>,
}

impl Axis {
    /// An axis without pixel size.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Axis { name: name.to_owned(), step: 1.0, unit: None }
    }

    /// Whether a scalar size or sigma means this axis when any axis is named.
    #[must_use]
    pub fn is_spatial(&self) -> bool {
        matches!(self.name.as_str(), "z" | "y" | "x")
    }
}

/// What the numbers of a stack are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Kind {
    /// Intensities.
    #[default]
    Image,
    /// True and false.
    Mask,
    /// Names of objects: linear filters refuse them.
    Labels,
    /// Colour samples along the last axis.
    Rgb,
}

/// All that is known of an array without reading it.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// Extents, C order.
    pub shape: Dims,
    /// Element type.
    pub dtype: Dtype,
    /// One per axis.
    pub axes: Arc<[Axis]>,
    /// What the numbers are.
    pub kind: Kind,
    /// The value that marks missing pixels, if any.
    pub nodata: Option<f64>,
}

impl Info {
    /// An image with unnamed axes.
    #[must_use]
    pub fn new(shape: Dims, dtype: Dtype) -> Self {
        let axes = shape.iter().map(|_| Axis::named("")).collect();
        Info { shape, dtype, axes, kind: Kind::Image, nodata: None }
    }

    /// The same with axes named by letters, `"ZYX"` for example; case does not matter.
    ///
    /// # Errors
    /// A number of letters other than the number of axes, or a letter used twice.
    pub fn with_axes(mut self, letters: &str) -> Result<Self> {
        let letters = letters.to_lowercase();
        if letters.chars().count() != self.shape.len() {
            let what = format!(
                "axes '{letters}' name {} axes, the array {} has {}",
                letters.chars().count(),
                self.shape,
                self.shape.len()
            );
            return Err(Error::caller(what));
        }
        if let Some(twice) = letters.chars().find(|c| letters.matches(*c).count() > 1) {
            return Err(Error::caller(format!("axes '{letters}' name '{twice}' twice")));
        }
        let rename = |(axis, letter): (&Axis, char)| Axis { name: letter.to_string(), ..axis.clone() };
        self.axes = self.axes.iter().zip(letters.chars()).map(rename).collect();
        Ok(self)
    }

    /// The axis of this name.
    #[must_use]
    pub fn axis(&self, name: &str) -> Option<usize> {
        self.axes.iter().position(|a| !a.name.is_empty() && a.name == name)
    }

    /// The axes' letters in order, upper case; `?` for an unnamed axis.
    #[must_use]
    pub fn letters(&self) -> String {
        self.axes.iter().map(|a| if a.name.is_empty() { "?".to_owned() } else { a.name.to_uppercase() }).collect()
    }

    /// Bytes of the whole array.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shape.iter().fold(self.dtype.size() as u64, |n, d| n.saturating_mul(*d as u64))
    }
}

/// Where an array's units are read from. One unit is the smallest stored thing that is decoded alone.
pub trait Source: Send + Sync {
    /// Shape, dtype and the rest; known when the source was opened.
    fn info(&self) -> &Info;

    /// What to call it in messages: a path, or `memory`.
    fn name(&self) -> String;

    /// The extents of a full unit. Units form a regular grid from index 0; the last along an axis may be short.
    fn unit(&self) -> Dims;

    /// A bound on the stored bytes of the unit at this grid index, known without reading it.
    fn stored_bytes(&self, unit: &Dims) -> u64;

    /// Reads a unit's stored bytes: all of its I/O and no decoding. `None` where nothing is stored (fill value).
    ///
    /// # Errors
    /// I/O errors and truncated files, naming path and offset.
    fn fetch(&self, unit: &Dims) -> Result<Option<Vec<u8>>>;

    /// Decodes what [`Source::fetch`] gave into `out`: the unit's region (clipped to the array), C order, native
    /// bytes, bool as 0 and 1. No I/O.
    ///
    /// # Errors
    /// Bytes that do not decode to the unit's size, naming path and offset.
    fn decode(&self, unit: &Dims, stored: Option<Vec<u8>>, out: &mut [u8]) -> Result<()>;

    /// The whole array where it lies in memory already, C order: nothing is fetched or decoded then.
    fn lend(&self) -> Option<&[u8]> {
        None
    }

    /// What distinguishes this content from another under the same name: size and time of a file, say.
    fn fingerprint(&self) -> String;
}

/// What makes two runs the same work: graph, sources, layout of the sink, device class of each inexact stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(pub String);

/// Where an array is written to. A commit unit is what becomes durable at once; each is written once, by one writer.
pub trait Sink: Send + Sync {
    /// Shape, dtype and the rest of what is written.
    fn info(&self) -> &Info;

    /// What to call it in messages.
    fn name(&self) -> String;

    /// The extents of a commit unit on a regular grid from index 0; `None` where any region can be written.
    fn unit(&self) -> Option<Dims>;

    /// A bound on the encoded bytes of a region, known without its content.
    fn encoded_bytes(&self, region: &Region) -> u64;

    /// Bytes of the result that stay in memory until the caller takes it: counted in the budget.
    fn held_bytes(&self) -> u64 {
        0
    }

    /// Whether [`Sink::begin`] is told the run's identity: finding it out reads sources that lie in memory.
    fn wants_identity(&self) -> bool {
        true
    }

    /// Makes the output ready. Called once, before the first write.
    ///
    /// # Errors
    /// An output that exists, a folder that does not, a full disk.
    fn begin(&self, identity: &Identity) -> Result<()>;

    /// Encodes one commit unit given C-order native bytes of its region. No I/O; runs on any worker.
    ///
    /// # Errors
    /// A codec that fails.
    fn encode(&self, region: &Region, decoded: &[u8]) -> Result<Vec<u8>>;

    /// Writes an encoded commit unit. Called from one thread, in any order of units.
    ///
    /// # Errors
    /// I/O errors, a full disk among them.
    fn write(&self, region: &Region, encoded: Vec<u8>) -> Result<()>;

    /// Completes the output: only now may it look whole.
    ///
    /// # Errors
    /// I/O errors.
    fn finish(&self) -> Result<()>;

    /// Gives up after an error: nothing that looks whole may remain.
    fn abandon(&self);
}
