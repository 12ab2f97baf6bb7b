//! NPY files, NumPy's own: versions 1.0 to 3.0 are read, both byte orders and both element orders; 1.0 is written.
//! It does not know archives of them (`.npz`) nor pickled objects.
//!
//! A unit is a run of leading rows of about 2 to 4 MiB that lies in one piece in the file (of trailing columns in a
//! Fortran-order file). Output goes to `.NAME.partial` beside the target, its magic is written last, and it takes its
//! name when it is whole.

pub(crate) mod header;

use super::partial::Partial;
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::grid::{Dims, Grid, Region};
use crate::os;
use crate::storage::{Identity, Info, Kind, Sink, Source, Written};
use crate::tile::{View, copy_view};
use header::Header;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The most bytes of a unit of several rows.
const UNIT_BYTES: usize = 4 << 20;

/// An NPY file that is read.
#[derive(Debug)]
struct NpySource {
    path: PathBuf,
    /// The same from the root on, wherever the process goes.
    whole: PathBuf,
    file: File,
    info: Info,
    header: Header,
    /// Where the elements start.
    data: u64,
    unit: Dims,
    stamp: os::Stamp,
}

/// Opens an NPY file and reads its header.
///
/// # Errors
/// A file that is none, is truncated, or holds elements that are no plain numbers; the message names path and offset.
pub fn open(path: &Path) -> Result<Box<dyn Source>> {
    let file = os::open(path).map_err(|e| Error::io("open", path, &e))?;
    let meta = file.metadata().map_err(|e| Error::io("read the size of", path, &e))?;
    if meta.is_dir() {
        return Err(Error::caller(format!("{} is a folder, not an NPY file", path.display())));
    }
    let (header, data) = read_header(&file, path, meta.len())?;
    check_size(&header, data, path, meta.len())?;
    let mut info = Info::new(header.shape, header.dtype);
    if header.dtype == Dtype::Bool {
        info.kind = Kind::Mask;
    }
    let unit = unit_of(&header);
    let stamp = os::Stamp::of(&meta);
    let whole = super::from_root(path);
    Ok(Box::new(NpySource { path: path.to_owned(), whole, file, info, header, data, unit, stamp }))
}

fn broken(path: &Path, offset: u64, what: &str) -> Error {
    Error::caller(format!("{}: offset {offset}: {what}", path.display()))
}

/// The header and the offset at which the data starts.
fn read_header(file: &File, path: &Path, len: u64) -> Result<(Header, u64)> {
    let read = |bytes: &mut [u8], offset: u64| {
        if offset + bytes.len() as u64 > len {
            return Err(broken(path, len, &format!("the file ends inside its NPY header; {len} bytes are there")));
        }
        let doing = format!("read {} bytes at {offset} of", bytes.len());
        os::read_exact_at(file, bytes, offset).map_err(|e| Error::io(&doing, path, &e))
    };
    if len == 0 {
        return Err(broken(path, 0, "the file is empty, not an NPY file"));
    }
    let mut start = [0u8; 8];
    read(&mut start, 0)?;
    let [magic @ .., major, minor] = start;
    if magic != *header::MAGIC {
        let error = broken(path, 0, &format!("not an NPY file: it starts with {magic:02x?}"));
        return Err(if magic == [0; 6] { error.hint("it was not written to its end; write it again") } else { error });
    }
    let (size_at_most, text_at) = match (major, minor) {
        (1, 0) => (2, 10),
        (2 | 3, 0) => (4, 12),
        _ => return Err(broken(path, 6, &format!("NPY version {major}.{minor} is unknown; 1.0, 2.0 and 3.0 are read"))),
    };
    let mut size = [0u8; 4];
    read(&mut size[..size_at_most], 8)?;
    let size = u64::from(u32::from_le_bytes(size));
    if size > header::LONGEST as u64 {
        return Err(broken(path, 8, &format!("a header of {size} bytes is not believed")));
    }
    let mut text = vec![0u8; usize::try_from(size).unwrap_or(0)];
    read(&mut text, text_at)?;
    // Version 3 is UTF-8, the others Latin-1; what is supported is ASCII in all of them.
    let text = String::from_utf8_lossy(&text);
    let header = header::parse(&text).map_err(|why| broken(path, text_at, &format!("NPY header: {why}")))?;
    Ok((header, text_at + size))
}

fn check_size(header: &Header, data: u64, path: &Path, len: u64) -> Result<()> {
    let (shape, dtype) = (header.shape, header.dtype);
    // Empty axes count as 1: strides of the other axes must be representable too.
    let reach = shape.iter().try_fold(dtype.size(), |n, d| n.checked_mul((*d).max(1)));
    if reach.is_none_or(|n| isize::try_from(n).is_err()) {
        return Err(broken(path, 8, &format!("NPY header: a {dtype} array of shape {shape} is larger than any file")));
    }
    let needed = (shape.count() * dtype.size()) as u64;
    let there = len - data;
    if there < needed {
        let what =
            format!("truncated: a {dtype} array of shape {shape} has {needed} bytes from offset {data} on, {there} are there");
        return Err(broken(path, len, &what).hint("copy or download the file again"));
    }
    Ok(())
}

fn reversed(dims: &Dims) -> Dims {
    dims.iter().rev().copied().collect()
}

/// Runs of leading rows of at most [`UNIT_BYTES`]; where one row is larger, parts of one row.
fn slab(shape: &Dims, size: usize) -> Dims {
    let mut unit = Dims::filled(shape.len(), 1);
    let mut rest = size * shape.iter().map(|n| (*n).max(1)).product::<usize>();
    for axis in 0..shape.len() {
        let extent = shape[axis].max(1);
        rest /= extent;
        if rest <= UNIT_BYTES {
            unit[axis] = (UNIT_BYTES / rest).clamp(1, extent);
            for inner in axis + 1..shape.len() {
                unit[inner] = shape[inner].max(1);
            }
            break;
        }
    }
    unit
}

fn unit_of(header: &Header) -> Dims {
    let size = header.dtype.size();
    if header.fortran { reversed(&slab(&reversed(&header.shape), size)) } else { slab(&header.shape, size) }
}

impl NpySource {
    fn region(&self, unit: &Dims) -> Region {
        Grid::new(self.info.shape, self.unit).region(unit)
    }

    /// Where a unit's elements start in the file.
    fn offset(&self, region: &Region) -> u64 {
        let first = if self.header.fortran {
            reversed(&self.info.shape).linear_of(&reversed(&region.start))
        } else {
            self.info.shape.linear_of(&region.start)
        };
        self.data + (first * self.info.dtype.size()) as u64
    }
}

impl Source for NpySource {
    fn info(&self) -> &Info {
        &self.info
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn unit(&self) -> Dims {
        self.unit
    }

    fn stored_bytes(&self, unit: &Dims) -> u64 {
        (self.region(unit).shape.count() * self.info.dtype.size()) as u64
    }

    fn fetch(&self, unit: &Dims) -> Result<Option<Vec<u8>>> {
        let region = self.region(unit);
        let mut bytes = vec![0u8; region.shape.count() * self.info.dtype.size()];
        let offset = self.offset(&region);
        let doing = format!("read {} bytes at {offset} of", bytes.len());
        os::read_exact_at(&self.file, &mut bytes, offset).map_err(|e| Error::io(&doing, &self.path, &e))?;
        Ok(Some(bytes))
    }

    fn decode(&self, unit: &Dims, stored: Option<Vec<u8>>, out: &mut [u8]) -> Result<()> {
        let region = self.region(unit);
        let bytes = stored.unwrap_or_default();
        if bytes.len() != out.len() || bytes.len() != region.shape.count() * self.info.dtype.size() {
            let what = format!("{} bytes read for {region} of {}, {} are asked for", bytes.len(), self.name(), out.len());
            return Err(Error::bug(what));
        }
        if self.header.fortran && region.shape.len() > 1 && !out.is_empty() {
            copy_view(
                &fortran_view(&bytes, self.info.dtype, region.shape),
                out,
                &region.shape,
                &Dims::filled(region.shape.len(), 0),
            );
        } else {
            out.copy_from_slice(&bytes);
        }
        to_native(out, self.info.dtype, self.header.big_endian);
        Ok(())
    }

    fn fingerprint(&self) -> String {
        format!("{:?}", self.stamp)
    }

    fn stamp(&self, _region: &Region) -> Result<String> {
        super::stamp_of_open(&self.file, &self.path, &self.stamp)
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.whole.clone()]
    }
}

/// A view in C order of elements whose first axis varies fastest.
fn fortran_view(bytes: &[u8], dtype: Dtype, shape: Dims) -> View<'_> {
    let mut view = View::contiguous(bytes, dtype, shape);
    let mut step = 1;
    for axis in 0..shape.len() {
        view.strides[axis] = step;
        step *= shape[axis].cast_signed();
    }
    view
}

/// Swaps bytes where the file's order is not the machine's; bool bytes become 0 and 1.
fn to_native(elements: &mut [u8], dtype: Dtype, big_endian: bool) {
    if dtype == Dtype::Bool {
        elements.iter_mut().for_each(|b| *b = u8::from(*b != 0));
    } else if big_endian != cfg!(target_endian = "big") {
        elements.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
    }
}

/// An NPY file that is written.
#[derive(Debug)]
struct NpySink {
    partial: Partial,
    info: Info,
    unit: Dims,
    header: Vec<u8>,
}

/// Prepares an NPY file (version 1.0, C order, native bytes). Nothing is written before [`Sink::begin`].
///
/// # Errors
/// A target that exists and `overwrite` false, one that is a folder, a name that is none.
pub fn create(path: &Path, info: &Info, overwrite: bool) -> Result<Box<dyn Sink>> {
    let partial = Partial::at(path, overwrite)?;
    let reach = info.shape.iter().try_fold(info.dtype.size(), |n, d| n.checked_mul((*d).max(1)));
    if reach.is_none_or(|n| isize::try_from(n).is_err()) {
        let what = format!("{}: a {} array of shape {} is larger than any file", path.display(), info.dtype, info.shape);
        return Err(Error::caller(what));
    }
    let (unit, header) = (slab(&info.shape, info.dtype.size()), header::build(info.dtype, &info.shape));
    Ok(Box::new(NpySink { partial, info: info.clone(), unit, header }))
}

impl NpySink {
    fn bytes(&self) -> u64 {
        self.header.len() as u64 + self.info.bytes()
    }

    /// Where a region starts in the file, if it lies there in one piece and inside the array.
    fn offset(&self, region: &Region) -> Option<u64> {
        let shape = self.info.shape;
        if region.shape.len() != shape.len() || !Region::whole(shape).contains(region) {
            return None;
        }
        let split = (0..shape.len()).find(|a| region.shape[*a] != 1).unwrap_or(shape.len());
        let whole = (split + 1..shape.len()).all(|a| region.shape[a] == shape[a]);
        whole.then(|| (self.header.len() + shape.linear_of(&region.start) * self.info.dtype.size()) as u64)
    }
}

impl Sink for NpySink {
    fn info(&self) -> &Info {
        &self.info
    }

    fn name(&self) -> String {
        self.partial.name()
    }

    fn unit(&self) -> Option<Dims> {
        Some(self.unit)
    }

    fn encoded_bytes(&self, region: &Region) -> u64 {
        region.shape.count().saturating_mul(self.info.dtype.size()) as u64
    }

    fn beside(&self) -> Option<PathBuf> {
        Some(self.partial.path())
    }

    fn begin(&self, _identity: &Identity) -> Result<()> {
        self.partial.begin()?;
        self.partial.make_room(self.bytes())?;
        let after_magic = self.header.get(header::MAGIC.len()..).unwrap_or_default();
        self.partial.write(after_magic, header::MAGIC.len() as u64)
    }

    fn resume(&self, _identity: &Identity) -> Result<bool> {
        let is_there = self.partial.resume(self.bytes())?;
        if is_there {
            self.partial.make_room(self.bytes())?;
        }
        Ok(is_there)
    }

    fn read_back(&self, written: &Written, take: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let Some(offset) = self.offset(&written.region) else { return Ok(false) };
        self.partial.read_back(offset, self.encoded_bytes(&written.region), take)
    }

    fn encode(&self, _region: &Region, decoded: &[u8]) -> Result<Vec<u8>> {
        Ok(decoded.to_vec())
    }

    fn write(&self, region: &Region, encoded: &[u8]) -> Result<Vec<u8>> {
        match self.offset(region) {
            Some(offset) if encoded.len() as u64 == self.encoded_bytes(region) => {
                self.partial.write(encoded, offset).map(|()| Vec::new())
            }
            _ => Err(Error::bug(format!("{}: {} bytes for {region}: no commit unit", self.name(), encoded.len()))),
        }
    }

    fn sync(&self) -> Result<()> {
        self.partial.sync()
    }

    fn complete(&self) -> Result<()> {
        self.sync()
    }

    fn finish(&self) -> Result<()> {
        // All of it: what was written at the beginning may have lain about since.
        self.partial.finish(&self.header)
    }

    fn suspend(&self) {
        self.partial.suspend();
    }

    fn abandon(&self) {
        // An unfinished file has no magic: should it stay, it does not look whole.
        self.partial.abandon();
    }
}
