//! Arrays that lie in memory already, lent without a copy, and results that stay there.
//! It does not know files, nor who else holds the bytes.

use crate::dtype::{Dtype, Element};
use crate::error::{Error, Result};
use crate::grid::{Dims, MAX_RANK, Region};
use crate::storage::{Identity, Info, Sink, Source};
use crate::tile::{Buffer, View, copy_view};
use ndarray::{Array, ArrayRef, Dimension};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Something that holds the C-order native bytes of an array for as long as it lives.
pub trait Held: Send + Sync {
    /// The bytes.
    fn bytes(&self) -> &[u8];
}

impl Held for Arc<Buffer> {
    fn bytes(&self) -> &[u8] {
        Buffer::bytes(self)
    }
}

/// The storage of an owned `ndarray` array: `len` elements from `first` on.
struct Elements<T> {
    all: Vec<T>,
    first: usize,
    len: usize,
}

impl<T: Element> Held for Elements<T> {
    fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.all[self.first..self.first + self.len])
    }
}

/// An array in memory as a source. Its one unit is the whole array; [`Source::lend`] gives it without a copy.
pub struct MemorySource {
    info: Info,
    held: Box<dyn Held>,
}

impl std::fmt::Debug for MemorySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemorySource({} {})", self.info.dtype, self.info.shape)
    }
}

impl MemorySource {
    /// The C-order native bytes of an array that `info` describes; bool as bytes 0 and 1. Nothing is copied.
    ///
    /// # Errors
    /// A number of bytes other than the shape and dtype need.
    pub fn new(info: Info, bytes: Arc<Buffer>) -> Result<Self> {
        Self::holding(info, Box::new(bytes))
    }

    /// The same for whatever holds the bytes: another language's array, a mapped file.
    ///
    /// # Errors
    /// A number of bytes other than the shape and dtype need.
    pub fn holding(info: Info, held: Box<dyn Held>) -> Result<Self> {
        let (needed, given) = (byte_count(&info)?, held.bytes().len());
        if needed != given {
            let what = format!("memory: a {} array of shape {} has {needed} bytes, the buffer {given}", info.dtype, info.shape);
            return Err(Error::caller(what));
        }
        Ok(MemorySource { info, held })
    }

    /// A copy of an `ndarray` array or view, in any layout.
    ///
    /// # Errors
    /// More than six axes.
    pub fn from_ndarray<T: Element, D: Dimension>(array: &ArrayRef<T, D>) -> Result<Self> {
        Self::from_array(array.to_owned())
    }

    /// An owned `ndarray` array; its elements are taken over without a copy where they lie in C order.
    ///
    /// # Errors
    /// More than six axes.
    pub fn from_array<T: Element, D: Dimension>(array: Array<T, D>) -> Result<Self> {
        let shape = dims_of(array.shape())?;
        let array = if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() };
        let len = array.len();
        let (all, first) = array.into_raw_vec_and_offset();
        let held = Elements { all, first: first.unwrap_or(0), len };
        Ok(MemorySource { info: Info::new(shape, T::DTYPE), held: Box::new(held) })
    }

    /// The same array described by `info`: axis names, pixel sizes, kind.
    ///
    /// # Errors
    /// Another shape or dtype.
    pub fn with_info(mut self, info: Info) -> Result<Self> {
        if (info.shape, info.dtype) != (self.info.shape, self.info.dtype) {
            let (mine, theirs) = (&self.info, &info);
            let what = format!("memory: {} {} cannot be called {} {}", mine.dtype, mine.shape, theirs.dtype, theirs.shape);
            return Err(Error::caller(what));
        }
        self.info = info;
        Ok(self)
    }
}

impl Source for MemorySource {
    fn info(&self) -> &Info {
        &self.info
    }

    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn unit(&self) -> Dims {
        self.info.shape.iter().map(|n| (*n).max(1)).collect()
    }

    fn stored_bytes(&self, _unit: &Dims) -> u64 {
        0
    }

    fn fetch(&self, _unit: &Dims) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn decode(&self, _unit: &Dims, _stored: Option<Vec<u8>>, out: &mut [u8]) -> Result<()> {
        let bytes = self.held.bytes();
        if bytes.len() != out.len() {
            return Err(Error::bug(format!("memory: {} bytes are asked for, the array has {}", out.len(), bytes.len())));
        }
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn lend(&self) -> Option<&[u8]> {
        Some(self.held.bytes())
    }

    /// A hash of the content: a few gigabytes a second.
    fn fingerprint(&self) -> String {
        format!("memory {} {} {:016x}", self.info.dtype, self.info.shape, hash(self.held.bytes()))
    }

    /// Nothing: whoever lends memory keeps it as it is, and looking at all of it twice would be as long as a run.
    fn stamp(&self, _region: &Region) -> Result<String> {
        Ok(String::new())
    }
}

/// Bytes of the whole array, refused where no machine addresses them.
fn byte_count(info: &Info) -> Result<usize> {
    let wide = info.shape.iter().try_fold(info.dtype.size(), |n, d| n.checked_mul(*d));
    wide.filter(|n| isize::try_from(*n).is_ok())
        .ok_or_else(|| Error::caller(format!("memory: a {} array of shape {} is larger than any memory", info.dtype, info.shape)))
}

fn dims_of(shape: &[usize]) -> Result<Dims> {
    if shape.len() > MAX_RANK {
        let what = format!("memory: the array has {} axes, at most {MAX_RANK} are possible", shape.len());
        return Err(Error::caller(what).hint("merge axes with `to_shape`, or pass one index of the outer axes at a time"));
    }
    Ok(Dims::from(shape))
}

/// Four independent multiply-and-rotate lanes over 32-byte blocks, so that memory is the limit. Not cryptographic.
fn hash(bytes: &[u8]) -> u64 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut lanes = [MIX, MIX.rotate_left(16), MIX.rotate_left(32), MIX.rotate_left(48)];
    let word = |part: &[u8]| part.iter().rev().fold(0u64, |w, b| (w << 8) | u64::from(*b));
    let blocks = bytes.chunks_exact(32);
    let rest = blocks.remainder();
    for block in blocks {
        for (lane, part) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
            *lane = (*lane ^ u64::from_le_bytes(*part)).wrapping_mul(MIX).rotate_left(29);
        }
    }
    for (lane, part) in lanes.iter_mut().zip(rest.chunks(8)) {
        *lane = (*lane ^ word(part)).wrapping_mul(MIX).rotate_left(29);
    }
    lanes.iter().fold(bytes.len() as u64, |h, lane| (h ^ lane).wrapping_mul(MIX).rotate_left(31))
}

/// A result that stays in memory. Any region can be written; [`MemorySink::take`] gives the array once it is finished.
#[derive(Debug)]
pub struct MemorySink {
    info: Info,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Fresh,
    Open(Buffer),
    Whole(Buffer),
    Gone,
}

impl MemorySink {
    /// Room for an array; it is allocated when the run begins.
    #[must_use]
    pub fn new(info: Info) -> Self {
        MemorySink { info, state: Mutex::new(State::Fresh) }
    }

    /// The finished array: C-order native bytes, bool as 0 and 1. It can be taken once.
    ///
    /// # Errors
    /// A run that has not finished, and a result that was taken before.
    pub fn take(&self) -> Result<Buffer> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Gone) {
            State::Whole(buffer) => Ok(buffer),
            State::Gone => Err(Error::bug("memory: the result was taken before, or given up")),
            unfinished => {
                *state = unfinished;
                Err(Error::bug("memory: the result is asked for before the run finished"))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of a region of this dtype.
fn region_bytes(region: &Region, dtype: Dtype) -> usize {
    region.shape.count().saturating_mul(dtype.size())
}

impl Sink for MemorySink {
    fn info(&self) -> &Info {
        &self.info
    }

    fn held_bytes(&self) -> u64 {
        self.info.bytes()
    }

    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn unit(&self) -> Option<Dims> {
        None
    }

    fn encoded_bytes(&self, region: &Region) -> u64 {
        region_bytes(region, self.info.dtype) as u64
    }

    fn begin(&self, _identity: &Identity) -> Result<()> {
        *self.state() = State::Open(Buffer::zeroed(byte_count(&self.info)?));
        Ok(())
    }

    fn encode(&self, _region: &Region, decoded: &[u8]) -> Result<Vec<u8>> {
        Ok(decoded.to_vec())
    }

    fn write(&self, region: &Region, encoded: &[u8]) -> Result<Vec<u8>> {
        let (shape, dtype) = (self.info.shape, self.info.dtype);
        let fits = region.shape.len() == shape.len() && Region::whole(shape).contains(region);
        if !fits || encoded.len() != region_bytes(region, dtype) {
            return Err(Error::bug(format!("memory: {} bytes for {region} of a {dtype} array {shape}", encoded.len())));
        }
        match &mut *self.state() {
            State::Open(buffer) if region.shape.count() > 0 => {
                copy_view(&View::contiguous(encoded, dtype, region.shape), buffer.bytes_mut(), &shape, &region.start);
                Ok(Vec::new())
            }
            State::Open(_) => Ok(Vec::new()),
            _ => Err(Error::bug(format!("memory: {region} is written outside begin and finish"))),
        }
    }

    fn finish(&self) -> Result<()> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Gone) {
            State::Open(buffer) => *state = State::Whole(buffer),
            _ => return Err(Error::bug("memory: finished without having begun")),
        }
        Ok(())
    }

    fn abandon(&self) {
        *self.state() = State::Gone;
    }
}

/// A result that is not kept: what a plan is asked about that nobody runs.
#[derive(Debug)]
pub struct Unkept(pub Info);

impl Sink for Unkept {
    fn info(&self) -> &Info {
        &self.0
    }

    fn name(&self) -> String {
        "a file".to_owned()
    }

    fn unit(&self) -> Option<Dims> {
        None
    }

    fn beside(&self) -> Option<PathBuf> {
        Some(PathBuf::from("OUT"))
    }

    fn encoded_bytes(&self, region: &Region) -> u64 {
        region_bytes(region, self.0.dtype) as u64
    }

    fn begin(&self, _identity: &Identity) -> Result<()> {
        Err(Error::bug("a result that is not kept was asked for"))
    }

    fn encode(&self, _region: &Region, _decoded: &[u8]) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn write(&self, _region: &Region, _encoded: &[u8]) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn finish(&self) -> Result<()> {
        Ok(())
    }

    fn abandon(&self) {}
}
