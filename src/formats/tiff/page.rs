//! One page: what a directory's tags say of its pixels and of the blocks that store them, checked against the file.
//! It does not know other pages, axes, or how blocks are read.

use super::codec::{Codec, Predictor};
use super::directory::{Directory, Reader};
use crate::dtype::Dtype;
use crate::error::{Error, Result};

/// The most bytes of a block that is not stored at all (GDAL's sparse files): what no file size vouches for.
const LARGEST_SPARSE: u64 = 256 << 20;

/// Numbers of the tags that are read or written.
pub(super) mod tag {
    pub const SUBFILE: u16 = 254;
    pub const WIDTH: u16 = 256;
    pub const LENGTH: u16 = 257;
    pub const BITS: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC: u16 = 262;
    pub const FILL_ORDER: u16 = 266;
    pub const DESCRIPTION: u16 = 270;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const SAMPLES: u16 = 277;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const STRIP_BYTES: u16 = 279;
    pub const X_RESOLUTION: u16 = 282;
    pub const Y_RESOLUTION: u16 = 283;
    pub const PLANAR: u16 = 284;
    pub const RESOLUTION_UNIT: u16 = 296;
    pub const SOFTWARE: u16 = 305;
    pub const PREDICTOR: u16 = 317;
    pub const TILE_WIDTH: u16 = 322;
    pub const TILE_LENGTH: u16 = 323;
    pub const TILE_OFFSETS: u16 = 324;
    pub const TILE_BYTES: u16 = 325;
    pub const EXTRA_SAMPLES: u16 = 338;
    pub const SAMPLE_FORMAT: u16 = 339;
    pub const IMAGE_DEPTH: u16 = 32997;
    pub const NODATA: u16 = 42113;
}

/// What the pixels of a page are: pages of one series agree in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Geometry {
    pub width: usize,
    pub height: usize,
    pub samples: usize,
    /// Samples lie in planes of their own (planar configuration 2).
    pub planar: bool,
    pub rgb: bool,
    pub dtype: Dtype,
}

impl Geometry {
    /// `u16, 512 × 512 × 3 samples`, for messages.
    pub fn words(&self) -> String {
        let samples = if self.samples > 1 { format!(" × {} samples", self.samples) } else { String::new() };
        let planar = if self.planar { ", in planes" } else { "" };
        format!("{} {} × {}{samples}{planar}", self.dtype, self.height, self.width)
    }

    /// Samples of a pixel that lie side by side.
    pub fn together(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }

    /// Planes that are stored one after another.
    pub fn planes(&self) -> usize {
        if self.planar { self.samples } else { 1 }
    }

    /// Bytes of `rows` rows of `width` pixels of one plane; checked when the page was read.
    pub fn bytes(&self, rows: usize, width: usize) -> usize {
        rows * width * self.together() * self.dtype.size()
    }

    /// Bytes of one plane.
    pub fn plane_bytes(&self) -> usize {
        self.bytes(self.height, self.width)
    }
}

/// How a page's blocks cut and store it. Raw strips that lie end to end count as one block of all rows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Storage {
    pub tiled: bool,
    pub rows: usize,
    pub columns: usize,
    pub codec: Codec,
    pub predictor: Predictor,
}

impl Storage {
    /// Blocks down and across one plane.
    pub fn counts(&self, geometry: &Geometry) -> (usize, usize) {
        (geometry.height.div_ceil(self.rows), geometry.width.div_ceil(self.columns))
    }

    /// Whether any rows can be read without reading others.
    pub fn has_free_rows(&self, geometry: &Geometry) -> bool {
        !self.tiled && self.codec == Codec::None && self.rows == geometry.height
    }

    /// Rows that the block which starts at `row` stores: a tile is padded, a strip is clipped.
    pub fn stored_rows(&self, geometry: &Geometry, row: usize) -> usize {
        if self.tiled { self.rows } else { self.rows.min(geometry.height - row) }
    }
}

/// A page's blocks: where each starts and how many stored bytes it has; 0 at 0 is a block that is not stored.
#[derive(Debug)]
pub(super) struct Page {
    pub storage: Storage,
    pub offsets: Vec<u64>,
    pub sizes: Vec<u64>,
}

/// A directory's tags, read one by one.
struct Tags<'a> {
    reader: &'a mut Reader,
    directory: &'a Directory,
}

impl Tags<'_> {
    fn fault(&self, what: &str) -> Error {
        self.reader.fault(what, self.directory.offset)
    }

    fn number(&mut self, tag: u16, default: u64) -> Result<u64> {
        self.directory.find(tag).map_or(Ok(default), |entry| self.reader.first_number(entry))
    }

    fn extent(&mut self, tag: u16, what: &str) -> Result<usize> {
        let Some(entry) = self.directory.find(tag) else {
            return Err(self.fault(&format!("a page has no {what}")));
        };
        match self.reader.first_number(entry)? {
            0 => Err(self.fault(&format!("a page's {what} is 0"))),
            n if n > u64::from(u32::MAX) => Err(self.fault(&format!("a page's {what} is {n}"))),
            n => usize::try_from(n).map_err(|_| self.fault(&format!("a page's {what} is {n}"))),
        }
    }

    /// One number for all samples of a pixel; files that give each its own are refused.
    fn shared(&mut self, tag: u16, what: &str) -> Result<u64> {
        let Some(entry) = self.directory.find(tag) else { return Ok(1) };
        let all = self.reader.numbers(entry)?;
        match all.split_first() {
            Some((first, rest)) if rest.iter().all(|n| n == first) => Ok(*first),
            Some(_) => Err(self.fault(&format!("samples of one pixel differ in {what}, which is not supported"))),
            None => Ok(1),
        }
    }

    fn list(&mut self, tag: u16) -> Result<Option<Vec<u64>>> {
        self.directory.find(tag).map(|entry| self.reader.numbers(entry)).transpose()
    }

    fn dtype(&mut self) -> Result<Dtype> {
        let (bits, format) = (self.shared(tag::BITS, "bits")?, self.shared(tag::SAMPLE_FORMAT, "format")?);
        match (format, bits) {
            (1 | 4, 8) => Ok(Dtype::U8),
            (1 | 4, 16) => Ok(Dtype::U16),
            (1 | 4, 32) => Ok(Dtype::U32),
            (1 | 4, 64) => Ok(Dtype::U64),
            (2, 8) => Ok(Dtype::I8),
            (2, 16) => Ok(Dtype::I16),
            (2, 32) => Ok(Dtype::I32),
            (2, 64) => Ok(Dtype::I64),
            (3, 16) => Ok(Dtype::F16),
            (3, 32) => Ok(Dtype::F32),
            (3, 64) => Ok(Dtype::F64),
            (5 | 6, _) => Err(self.fault("complex samples are not supported")),
            _ => Err(self.fault(&format!("samples of {bits} bits (sample format {format}) are not supported"))),
        }
    }

    fn is_rgb(&mut self) -> Result<bool> {
        match self.number(tag::PHOTOMETRIC, 1)? {
            0 | 1 | 3 | 4 | 5 | 8 | 32803 | 34892 => Ok(false),
            2 => Ok(true),
            6 => Err(self.fault("YCbCr pixels are not supported")),
            other => Err(self.fault(&format!("pixels of photometric interpretation {other} are not supported"))),
        }
    }

    fn codec(&mut self) -> Result<Codec> {
        let number = self.number(tag::COMPRESSION, 1)?;
        Codec::of(number).map_err(|name| {
            let hint = "supported: uncompressed, LZW, deflate and PackBits; write the file again with one of them";
            self.fault(&format!("{name} is not supported")).hint(hint)
        })
    }

    fn predictor(&mut self, codec: Codec, dtype: Dtype) -> Result<Predictor> {
        match self.number(tag::PREDICTOR, 1)? {
            _ if codec == Codec::None => Ok(Predictor::None),
            1 => Ok(Predictor::None),
            2 => Ok(Predictor::Horizontal),
            3 if dtype.is_float() => Ok(Predictor::Float),
            other => Err(self.fault(&format!("predictor {other} of {dtype} samples is not supported"))),
        }
    }
}

/// Whether a directory is a reduced image or a transparency mask: no part of the stack.
///
/// # Errors
/// A tag that cannot be read.
pub(super) fn is_secondary(reader: &mut Reader, directory: &Directory) -> Result<bool> {
    Ok(Tags { reader, directory }.number(tag::SUBFILE, 0)? & 0b101 != 0)
}

/// Width and height of a directory's pixels, where it gives them.
///
/// # Errors
/// A tag that cannot be read.
pub(super) fn extents(reader: &mut Reader, directory: &Directory) -> Result<(Option<usize>, Option<usize>)> {
    let mut extent = |tag| directory.find(tag).map(|e| reader.first_number(e)).transpose();
    let (width, height) = (extent(tag::WIDTH)?, extent(tag::LENGTH)?);
    let small = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok());
    Ok((small(width), small(height)))
}

/// What a directory's pixels are.
///
/// # Errors
/// Codecs, photometric interpretations and sample types that are not supported, extents of zero or absurd size.
pub(super) fn geometry(reader: &mut Reader, directory: &Directory) -> Result<Geometry> {
    let mut tags = Tags { reader, directory };
    let (width, height) = (tags.extent(tag::WIDTH, "width")?, tags.extent(tag::LENGTH, "height")?);
    // The codec first: "JPEG is not supported" says more than what the pixels inside would be.
    tags.codec()?;
    let rgb = tags.is_rgb()?;
    let dtype = tags.dtype()?;
    let samples = match tags.number(tag::SAMPLES, 1)? {
        n @ 1..=65535 => usize::try_from(n).unwrap_or(1),
        n => return Err(tags.fault(&format!("a pixel has {n} samples"))),
    };
    let planar = match tags.number(tag::PLANAR, 1)? {
        1 => false,
        2 => samples > 1,
        n => return Err(tags.fault(&format!("planar configuration {n} is not known"))),
    };
    if tags.number(tag::FILL_ORDER, 1)? != 1 {
        return Err(tags.fault("bytes with their bits reversed (fill order 2) are not supported"));
    }
    if tags.number(tag::IMAGE_DEPTH, 1)? != 1 {
        return Err(tags.fault("pages with a depth are not supported"));
    }
    let bytes = [height, samples, dtype.size()].iter().try_fold(width, |n, d| n.checked_mul(*d));
    if bytes.is_none_or(|n| n > isize::MAX.unsigned_abs()) {
        return Err(
            tags.fault(&format!("a page of {height} × {width} × {samples} pixels is larger than this machine can address"))
        );
    }
    Ok(Geometry { width, height, samples, planar, rgb: rgb && matches!(samples, 3 | 4), dtype })
}

/// The blocks of a directory's page.
///
/// # Errors
/// Blocks that are missing, lie outside the file or cannot hold the pixels that they stand for.
pub(super) fn page(reader: &mut Reader, directory: &Directory, geometry: &Geometry) -> Result<Page> {
    let mut tags = Tags { reader, directory };
    let codec = tags.codec()?;
    let predictor = tags.predictor(codec, geometry.dtype)?;
    let tiled = directory.find(tag::TILE_OFFSETS).is_some() || directory.find(tag::TILE_WIDTH).is_some();
    let (rows, columns) = if tiled {
        (tags.extent(tag::TILE_LENGTH, "tile height")?, tags.extent(tag::TILE_WIDTH, "tile width")?)
    } else {
        let rows = tags.number(tag::ROWS_PER_STRIP, u64::MAX)?;
        let rows = usize::try_from(rows).unwrap_or(usize::MAX).min(geometry.height);
        (if rows == 0 { geometry.height } else { rows }, geometry.width)
    };
    let storage = Storage { tiled, rows, columns, codec, predictor };
    let (offsets, sizes) = tables(&mut tags, &storage, geometry)?;
    let mut page = Page { storage, offsets, sizes };
    check_blocks(&tags, &mut page, geometry)?;
    join_strips(&mut page, geometry);
    Ok(page)
}

/// The offsets and byte counts of all blocks, plane by plane.
fn tables(tags: &mut Tags<'_>, storage: &Storage, geometry: &Geometry) -> Result<(Vec<u64>, Vec<u64>)> {
    let (down, across) = storage.counts(geometry);
    let needed = down.checked_mul(across).and_then(|n| n.checked_mul(geometry.planes()));
    let numbers = if storage.tiled { (tag::TILE_OFFSETS, tag::TILE_BYTES) } else { (tag::STRIP_OFFSETS, tag::STRIP_BYTES) };
    let offsets = match tags.list(numbers.0)? {
        // Some writers keep the tiles' tables under the strips' tags.
        None if storage.tiled => tags.list(tag::STRIP_OFFSETS)?,
        found => found,
    };
    let mut offsets = offsets.ok_or_else(|| tags.fault("a page has no block offsets"))?;
    let needed = needed.filter(|n| *n <= offsets.len());
    let Some(needed) = needed else {
        let what = format!("a page of {down} × {across} blocks in {} planes lists {}", geometry.planes(), offsets.len());
        return Err(tags.fault(&what));
    };
    offsets.truncate(needed);
    let sizes = match tags.list(numbers.1)? {
        None if storage.tiled => tags.list(tag::STRIP_BYTES)?,
        found => found,
    };
    let mut sizes = match sizes {
        Some(sizes) if sizes.len() >= needed => sizes,
        _ if storage.codec == Codec::None => vec![u64::MAX; needed],
        _ => return Err(tags.fault("a page with compressed blocks does not list their byte counts")),
    };
    sizes.truncate(needed);
    Ok((offsets, sizes))
}

/// Checks each block against the file and trims its size to what decoding can need.
fn check_blocks(tags: &Tags<'_>, page: &mut Page, geometry: &Geometry) -> Result<()> {
    let storage = page.storage;
    let (down, across) = storage.counts(geometry);
    let len = tags.reader.len;
    for (number, (offset, size)) in page.offsets.iter_mut().zip(&mut page.sizes).enumerate() {
        let row = number / across % down * storage.rows;
        let Some(decoded) = block_bytes(&storage, geometry, row) else {
            return Err(tags.fault(&format!("blocks of {} × {} pixels are absurd", storage.rows, storage.columns)));
        };
        let unstored = *offset == 0 || *size == 0 && storage.codec != Codec::None;
        if unstored {
            (*offset, *size) = (0, 0);
            if decoded > LARGEST_SPARSE {
                return Err(tags.fault(&format!("block {number} of {decoded} bytes is not stored")));
            }
            continue;
        }
        let holds = match storage.codec {
            Codec::None if *size == 0 => decoded,
            Codec::None => (*size).min(decoded),
            codec => size.saturating_mul(codec.largest_ratio()),
        };
        if holds < decoded {
            return Err(tags.fault(&format!("block {number} has {size} bytes, too few for its {decoded} bytes of pixels")));
        }
        // A compressed block never needs twice the bytes that it becomes; a last strip may be stored with all its rows.
        let full = block_bytes(&storage, geometry, 0).unwrap_or(decoded);
        *size = if storage.codec == Codec::None { decoded } else { (*size).min(full.saturating_mul(2).saturating_add(1024)) };
        if offset.checked_add(*size).is_none_or(|end| end > len) {
            let what = format!("block {number} of {size} bytes at byte {offset} lies outside the file of {len} bytes");
            return Err(tags.fault(&what).hint("the file is truncated or damaged"));
        }
    }
    Ok(())
}

fn block_bytes(storage: &Storage, geometry: &Geometry, row: usize) -> Option<u64> {
    let rows = storage.stored_rows(geometry, row);
    let line = storage.columns.checked_mul(geometry.together())?.checked_mul(geometry.dtype.size())?;
    u64::try_from(rows.checked_mul(line)?).ok().filter(|n| *n <= isize::MAX.unsigned_abs().try_into().unwrap_or(u64::MAX))
}

/// Raw strips that follow one another become one block a plane: any rows of it can be read, and it costs two numbers.
fn join_strips(page: &mut Page, geometry: &Geometry) {
    let storage = page.storage;
    if storage.tiled || storage.codec != Codec::None {
        return;
    }
    let per_plane = storage.counts(geometry).0;
    let adjoin = |offsets: &[u64], sizes: &[u64]| {
        let ends = offsets.iter().zip(sizes).map(|(o, s)| o + s);
        offsets.first() != Some(&0) && offsets.iter().skip(1).zip(ends).all(|(next, end)| *next == end)
    };
    let mut planes = page.offsets.chunks(per_plane).zip(page.sizes.chunks(per_plane));
    if planes.all(|(offsets, sizes)| adjoin(offsets, sizes)) {
        page.offsets = page.offsets.iter().copied().step_by(per_plane).collect();
        page.sizes = page.sizes.chunks(per_plane).map(|sizes| sizes.iter().sum()).collect();
        page.storage.rows = geometry.height;
    }
}
