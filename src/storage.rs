//! What a stack is outside: its description, where units are read from and where commit units are written to.
//! It knows no file format and opens nothing; formats implement [`Source`] and [`Sink`].

use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::grid::{Dims, Region};
use std::path::PathBuf;
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

/// Units along an axis that are parts of one stream, each decoded after the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InOrder {
    /// The axis.
    pub axis: usize,
    /// Bytes that the source keeps of each stream that is decoded in part.
    pub kept: u64,
}

/// Where an array's units are read from. One unit is the smallest stored thing that is decoded alone.
pub trait Source: Send + Sync {
    /// Shape, dtype and the rest; known when the source was opened.
    fn info(&self) -> &Info;

    /// What to call it in messages: a path, or `memory`.
    fn name(&self) -> String;

    /// What the user must know of what was opened: what of it is not read, or is described and not there.
    fn notices(&self) -> Vec<String> {
        Vec::new()
    }

    /// The extents of a full unit. Units form a regular grid from index 0; the last along an axis may be short.
    fn unit(&self) -> Dims;

    /// Whether units are decoded in order. Of each stream one unit at a time is then fetched and decoded; one further on than the
    /// next passes over what lies between, one further back begins the stream again.
    fn in_order(&self) -> Option<InOrder> {
        None
    }

    /// A bound on the stored bytes of the unit at this grid index, known without reading it.
    fn stored_bytes(&self, unit: &Dims) -> u64;

    /// The same for every unit at once: no unit is larger.
    fn most_stored(&self) -> u64 {
        self.stored_bytes(&Dims::filled(self.info().shape.len(), 0))
    }

    /// Bytes that decoding one unit takes beside its stored and its decoded bytes.
    fn decoding_bytes(&self) -> u64 {
        0
    }

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

    /// The same of what is stored of a region now: asked when a run begins and again when all is computed, so that what changed
    /// between two runs, or during one, is noticed.
    ///
    /// # Errors
    /// What cannot be looked at, or is not what was opened.
    fn stamp(&self, _region: &Region) -> Result<String> {
        Ok(self.fingerprint())
    }

    /// The files and folders that it is read from, all that lies in those too; none where it lies in memory.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// What a run reads of a source, and what was stored there when it began.
#[derive(Clone)]
pub struct Reading {
    /// The source.
    pub source: Arc<dyn Source>,
    /// All that is read of it.
    pub region: Region,
    /// [`Source::stamp`] of that.
    pub stamp: String,
}

impl Reading {
    /// What is read of a source from now on.
    ///
    /// # Errors
    /// As [`Source::stamp`].
    pub fn begin(source: Arc<dyn Source>, region: Region) -> Result<Reading> {
        let stamp = source.stamp(&region)?;
        Ok(Reading { source, region, stamp })
    }

    /// Whether it is still what it was.
    ///
    /// # Errors
    /// Content that changed since.
    pub fn check(&self) -> Result<()> {
        match self.source.stamp(&self.region) {
            Ok(stamp) if stamp == self.stamp => Ok(()),
            Ok(_) => Err(changed(&self.source.name(), "while it was read")),
            Err(error) => Err(error),
        }
    }
}

/// A source that is not what it was.
#[must_use]
pub fn changed(name: &str, when: &str) -> Error {
    Error::machine(format!("{name} changed {when}"))
        .hint("let nobody write, replace or link what is read until the run is done, and run it again")
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

    /// What must be the same for two runs to write the same bytes, beside the elements: how the output is laid out and encoded.
    fn layout(&self) -> String {
        format!("{:?}", self.unit())
    }

    /// A bound on the encoded bytes of a region, known without its content.
    fn encoded_bytes(&self, region: &Region) -> u64;

    /// Bytes that the sink holds as long as the run lasts: a result that stays in memory, tables of places.
    fn held_bytes(&self) -> u64 {
        0
    }

    /// The path beside which a run may keep its journal; none where an unfinished output cannot be gone on with.
    fn beside(&self) -> Option<PathBuf> {
        None
    }

    /// Bytes that encoding a region takes beside its decoded and its encoded bytes.
    fn encoding_bytes(&self, _region: &Region) -> u64 {
        0
    }

    /// Makes the output ready, empty: what an unfinished run left is gone then. Called once, before the first write, where
    /// [`Sink::resume`] was not.
    ///
    /// # Errors
    /// An output that exists, a folder that does not, a full disk.
    fn begin(&self, identity: &Identity) -> Result<()>;

    /// Opens what an unfinished run of the same identity left; false where nothing of it is there.
    ///
    /// # Errors
    /// An output that exists, what cannot be opened.
    fn resume(&self, _identity: &Identity) -> Result<bool> {
        Ok(false)
    }

    /// Gives a commit unit that an unfinished run noted as it was encoded, a piece at a time, after [`Sink::resume`]; false where it is
    /// not there whole. Called from many threads at once.
    ///
    /// # Errors
    /// I/O errors.
    fn read_back(&self, _written: &Written, _take: &mut dyn FnMut(&[u8])) -> Result<bool> {
        Ok(false)
    }

    /// Takes for written what was found whole; the rest is written anew. Called once after [`Sink::resume`].
    ///
    /// # Errors
    /// Notes that are not this sink's.
    fn keep(&self, _written: &[Written]) -> Result<()> {
        Ok(())
    }

    /// Encodes one commit unit given C-order native bytes of its region. No I/O; runs on any worker.
    ///
    /// # Errors
    /// A codec that fails.
    fn encode(&self, region: &Region, decoded: &[u8]) -> Result<Vec<u8>>;

    /// Writes an encoded commit unit. Called from one thread, in any order of units; again with the same bytes where it failed.
    /// Gives what [`Sink::read_back`] must know of it.
    ///
    /// # Errors
    /// I/O errors, a full disk among them.
    fn write(&self, region: &Region, encoded: &[u8]) -> Result<Vec<u8>>;

    /// Makes what was written durable, should the computer stop.
    ///
    /// # Errors
    /// I/O errors.
    fn sync(&self) -> Result<()> {
        Ok(())
    }

    /// Does what takes time before the output can be finished. Called once all is written.
    ///
    /// # Errors
    /// I/O errors.
    fn complete(&self) -> Result<()> {
        Ok(())
    }

    /// Finishes the output: only now may it look whole.
    ///
    /// # Errors
    /// I/O errors.
    fn finish(&self) -> Result<()>;

    /// Leaves the unfinished output for another run to go on with; it must not look whole.
    fn suspend(&self) {
        self.abandon();
    }

    /// Gives up after an error: nothing that looks whole may remain.
    fn abandon(&self);
}

/// A commit unit that was written, and what its sink said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it lies.
    pub region: Region,
    /// What the sink must know to find it again.
    pub note: Vec<u8>,
    /// [`checksum`] of its encoded bytes.
    pub sum: u32,
}

/// CRC-32C of bytes that follow others of this checksum; of the first, 0. Processors have an instruction for it: about as fast as
/// memory.
#[must_use]
pub fn checksum(before: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(before, bytes)
}

/// Room for arrays that a run makes for itself: one pass writes them, later passes read them.
pub trait Scratch: Send + Sync {
    /// An array of this description in units of these extents, `from` bytes into the room: where it is written and where it is
    /// read. Nothing is made or opened yet.
    fn array(&self, info: &Info, unit: Dims, from: u64) -> (Arc<dyn Sink>, Arc<dyn Source>);
}

/// Where a run keeps its journal. One run at a time has it.
pub trait Place: Send + Sync {
    /// Takes the journal for this run; gives how many bytes it holds.
    ///
    /// # Errors
    /// Another run that has it, I/O errors.
    fn claim(&self) -> Result<u64>;

    /// Fills a buffer with what the journal holds from `at` on; false where it ends before.
    ///
    /// # Errors
    /// I/O errors.
    fn read(&self, at: u64, buffer: &mut [u8]) -> Result<bool>;

    /// Cuts the journal to its first `bytes`.
    ///
    /// # Errors
    /// I/O errors.
    fn cut(&self, bytes: u64) -> Result<()>;

    /// Adds to the journal.
    ///
    /// # Errors
    /// I/O errors.
    fn append(&self, bytes: &[u8]) -> Result<()>;

    /// Removes the journal and gives it free.
    fn remove(&self);
}

/// Where is kept between runs what can be made again: losing it costs time, so nothing of it fails.
pub trait Cache: Send + Sync + std::fmt::Debug {
    /// What was kept under a name, of at most `most` bytes.
    fn get(&self, name: &str, most: u64) -> Option<Vec<u8>>;

    /// Keeps bytes under a name, in the place of what was kept before: all of them or none.
    fn put(&self, name: &str, bytes: &[u8]);
}
