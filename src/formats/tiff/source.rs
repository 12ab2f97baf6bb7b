//! One TIFF file as a source: which blocks make a unit, one positional read for each run of them, and their decoding.
//! It does not know directories and tags: the layout has turned them into a table of blocks.

use super::codec::{self, Codec, Rows};
use super::layout::{self, Layout};
use super::page::Storage;
use super::streams::{self, Fetched, Plane, Stored, Streams, Strips};
use crate::error::{Error, Result};
use crate::grid::{Dims, Grid, Region};
use crate::os::read_exact_at;
use crate::storage::{InOrder, Info, Source};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A raw page up to this size is one unit; a larger one is cut into rows of about [`ROWS_BYTES`].
const WHOLE_PAGE_BYTES: usize = 4 << 20;
const ROWS_BYTES: usize = 2 << 20;
/// Small strips are taken together up to about this size.
const STRIPS_BYTES: usize = 1 << 20;
/// A strip that decodes to more than this is decoded row by row, in order.
const STRIP_BYTES: usize = 8 << 20;

/// One file's stack.
pub(super) struct TiffSource {
    path: PathBuf,
    /// The same from the root on, wherever the process goes.
    whole: PathBuf,
    /// None in stacks of many files, whose handles would not all fit into a process: they are opened for each read.
    file: Option<File>,
    layout: Layout,
    unit: Dims,
    /// The strips that are decoded in order, where they are.
    streams: Option<Streams>,
}

/// A block, or rows of one, that a unit is made of.
struct Part {
    storage: Storage,
    /// Where the stored bytes start; 0 with no bytes for a block that is not stored.
    at: u64,
    bytes: usize,
    /// Rows and columns of the page that it stands for, clipped to the page.
    rows: Range<usize>,
    columns: Range<usize>,
}

/// Where a unit lies in the strips that are decoded in order: the plane and its rows.
type InStreams<'s> = (&'s Streams, Strips, Plane, Range<usize>);

impl TiffSource {
    /// Reads a file's directories.
    ///
    /// # Errors
    /// As [`layout::read`].
    pub fn open(path: &Path) -> Result<Self> {
        let (layout, file) = layout::read(path)?;
        let unit = unit_of(&layout);
        let streams = large_strips(&layout).map(|_| Streams::default());
        let whole = crate::formats::from_root(path);
        Ok(TiffSource { path: path.to_owned(), whole, file: Some(file), layout, unit, streams })
    }

    /// Gives the file handle back; reads open the file again.
    pub fn without_handle(mut self) -> Self {
        self.file = None;
        self
    }

    /// Makes each page, or plane of one, a unit whatever its blocks are.
    pub fn set_whole_pages(&mut self) {
        self.unit = whole_page(&self.layout);
        self.streams = None;
    }

    /// The region of a unit within its page, and which page and plane that is.
    fn place(&self, unit: &Dims) -> Result<(usize, usize, Range<usize>, Range<usize>)> {
        let grid = Grid::new(self.layout.info.shape, self.unit);
        let counts = grid.counts();
        if unit.len() != counts.len() || unit.iter().zip(counts.iter()).any(|(i, n)| i >= n) {
            return Err(Error::bug(format!("{}: no unit {unit} in a grid of {counts}", self.name())));
        }
        let region = grid.region(unit);
        let rank = self.layout.leading.len();
        let start = region.start.get(..rank).unwrap_or_default();
        let plane = self.layout.leading.linear_of(start);
        let page = self.layout.page_of.as_ref().map_or(Some(plane), |order| order.get(plane).copied());
        let page = page.ok_or_else(|| Error::bug(format!("{}: no page for plane {plane}", self.name())))?;
        let sample = if self.layout.geometry.planar { region.start.get(rank).copied().unwrap_or(0) } else { 0 };
        let rows = rank + usize::from(self.layout.geometry.planar);
        Ok((page, sample, region.range(rows), region.range(rows + 1)))
    }

    /// The blocks of a unit, in the order of rows, then columns.
    fn parts(&self, unit: &Dims) -> Result<Vec<Part>> {
        let (page, sample, rows, columns) = self.place(unit)?;
        let geometry = &self.layout.geometry;
        let missing = || Error::bug(format!("{}: no block table for page {page}", self.name()));
        let storage = self.layout.blocks.storage(page).ok_or_else(missing)?;
        let (down, across) = storage.counts(geometry);
        let mut parts = Vec::new();
        for i in rows.start / storage.rows..rows.end.div_ceil(storage.rows) {
            for j in columns.start / storage.columns..columns.end.div_ceil(storage.columns) {
                let number = (sample * down + i) * across + j;
                let (at, bytes) = self.layout.blocks.block(page, number).ok_or_else(missing)?;
                let bytes = usize::try_from(bytes).map_err(|_| missing())?;
                let of = |index: usize, step: usize, end: usize| index * step..(index * step).saturating_add(step).min(end);
                let (rows_of, columns) = (of(i, storage.rows, geometry.height), of(j, storage.columns, geometry.width));
                let part = Part { storage, at, bytes, rows: rows_of, columns };
                parts.push(if storage.has_free_rows(geometry) { self.cut_rows(part, &rows) } else { part });
            }
        }
        Ok(parts)
    }

    /// Only the rows that are wanted of a raw block.
    fn cut_rows(&self, part: Part, rows: &Range<usize>) -> Part {
        let geometry = &self.layout.geometry;
        if part.bytes == 0 {
            return Part { rows: rows.clone(), ..part };
        }
        let skipped = geometry.bytes(rows.start, geometry.width);
        let at = part.at + u64::try_from(skipped).unwrap_or(0);
        Part { at, bytes: geometry.bytes(rows.len(), geometry.width), rows: rows.clone(), ..part }
    }

    /// Reads runs of parts that follow one another in the file with one read each.
    fn read(&self, file: &File, parts: &[Part], out: &mut [u8]) -> Result<()> {
        let mut stored = parts.iter().filter(|p| p.bytes > 0).peekable();
        let mut done = 0;
        while let Some(first) = stored.next() {
            let mut len = first.bytes;
            while let Some(part) = stored.next_if(|p| p.at == first.at + as_offset(len)) {
                len += part.bytes;
            }
            let into = out.get_mut(done..done + len).unwrap_or_default();
            read_exact_at(file, into, first.at).map_err(|e| self.read_error(&e, len, first.at))?;
            done += len;
        }
        Ok(())
    }

    fn read_error(&self, error: &std::io::Error, len: usize, at: u64) -> Error {
        let broken = Error::io(&format!("read {len} bytes at {at} of"), &self.path, error);
        if error.kind() == std::io::ErrorKind::UnexpectedEof {
            return broken.hint("the file became shorter since it was opened");
        }
        broken
    }

    fn decode_part(&self, part: &Part, stored: &[u8], out: &mut [u8], columns: &Range<usize>, first_row: usize) -> Result<()> {
        let geometry = &self.layout.geometry;
        let line = geometry.bytes(1, columns.len());
        let rows = part.rows.start - first_row..part.rows.end - first_row;
        let target =
            out.get_mut(rows.start * line..rows.end * line).ok_or_else(|| Error::bug("a block lies outside its unit"))?;
        if !part.storage.tiled || part.columns.len() == part.storage.columns && part.columns == *columns {
            // Padding rows at the end of a tile are not decoded: nobody wants them.
            return self.expand(part, stored, target, geometry.width.min(part.storage.columns));
        }
        let mut tile = vec![0; geometry.bytes(part.rows.len(), part.storage.columns)];
        self.expand(part, stored, &mut tile, part.storage.columns)?;
        let (kept, from) = (geometry.bytes(1, part.columns.len()), geometry.bytes(1, part.columns.start - columns.start));
        let tile_line = geometry.bytes(1, part.storage.columns);
        for (source, goal) in tile.chunks_exact(tile_line).zip(target.chunks_exact_mut(line)) {
            if let (Some(source), Some(goal)) = (source.get(..kept), goal.get_mut(from..from + kept)) {
                goal.copy_from_slice(source);
            }
        }
        Ok(())
    }

    /// The rows of a unit of strips that are decoded in order, and where they are.
    fn in_streams(&self, unit: &Dims) -> Result<Option<InStreams<'_>>> {
        let Some((streams, strips)) = self.streams.as_ref().zip(large_strips(&self.layout)) else { return Ok(None) };
        let (page, sample, rows, _) = self.place(unit)?;
        Ok(Some((streams, strips, (page, sample), rows)))
    }

    /// Decodes whole rows of one block.
    fn expand(&self, part: &Part, stored: &[u8], out: &mut [u8], width: usize) -> Result<()> {
        if part.bytes == 0 {
            self.put_missing(out);
            return Ok(());
        }
        codec::expand(part.storage.codec, stored, out).map_err(|e| self.damaged(e, part.at))?;
        self.restore(part.storage, width, out);
        Ok(())
    }

    /// Turns whole rows as stored into native numbers.
    fn restore(&self, storage: Storage, width: usize, out: &mut [u8]) {
        let geometry = &self.layout.geometry;
        let rows = Rows { dtype: geometry.dtype, width, samples: geometry.together() };
        codec::restore(out, rows, self.layout.order, storage.predictor);
    }

    /// The element that stands where nothing is stored: nodata, else 0.
    fn missing(&self) -> Vec<u8> {
        let info = &self.layout.info;
        let mut element = vec![0; info.dtype.size()];
        crate::dtype::put(crate::dtype::Number::Float(info.nodata.unwrap_or(0.0)), info.dtype, &mut element);
        element
    }
}

impl Stored for TiffSource {
    fn strip(&self, (page, sample): Plane, number: usize) -> Result<Option<Range<u64>>> {
        let geometry = &self.layout.geometry;
        let found = self.layout.blocks.storage(page).and_then(|storage| {
            let (down, _) = storage.counts(geometry);
            self.layout.blocks.block(page, sample * down + number)
        });
        let (at, bytes) = found.ok_or_else(|| Error::bug(format!("{}: no block table for page {page}", self.path.display())))?;
        Ok((bytes > 0).then(|| at..at.saturating_add(bytes)))
    }

    fn bytes_at(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let opened = match &self.file {
            Some(_) => None,
            None => Some(crate::os::open(&self.path).map_err(|e| Error::io("open", &self.path, &e))?),
        };
        let Some(file) = self.file.as_ref().or(opened.as_ref()) else { return Err(Error::bug("a file that is not open")) };
        let len = into.len();
        read_exact_at(file, into, at).map_err(|e| self.read_error(&e, len, at))
    }

    fn damaged(&self, error: Error, at: u64) -> Error {
        error.at(format!("{}, block at byte {at}", self.path.display())).hint("the file is damaged")
    }

    fn put_missing(&self, out: &mut [u8]) {
        crate::tile::fill(out, &self.missing());
    }
}

/// The strips of an array of which each is too large to be decoded whole; none where they are not.
fn large_strips(layout: &Layout) -> Option<Strips> {
    let geometry = &layout.geometry;
    let [storage] = layout.blocks.storages.as_slice() else { return None };
    let (line, rows) = (geometry.bytes(1, geometry.width).max(1), storage.rows.min(geometry.height).max(1));
    let is_large = !storage.tiled && !storage.has_free_rows(geometry) && rows.saturating_mul(line) > STRIP_BYTES;
    is_large.then_some(Strips { rows, height: geometry.height, line, codec: storage.codec })
}

fn as_offset(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// A unit of these rows and columns of one page and plane.
fn unit_with(layout: &Layout, rows: usize, columns: usize) -> Dims {
    let geometry = &layout.geometry;
    let own: &[usize] = match (geometry.samples, geometry.planar) {
        (1, _) => &[rows, columns],
        (_, true) => &[1, rows, columns],
        (n, false) => &[rows, columns, n],
    };
    layout.leading.iter().map(|_| 1).chain(own.iter().copied()).collect()
}

fn whole_page(layout: &Layout) -> Dims {
    unit_with(layout, layout.geometry.height, layout.geometry.width)
}

/// How the array is cut into units: a tile, some strips, some rows, or a page where pages are cut differently.
fn unit_of(layout: &Layout) -> Dims {
    let geometry = &layout.geometry;
    let [storage] = layout.blocks.storages.as_slice() else { return whole_page(layout) };
    let line = geometry.bytes(1, geometry.width).max(1);
    let rows = if storage.tiled {
        storage.rows
    } else if large_strips(layout).is_some() {
        (ROWS_BYTES / line).max(1)
    } else if storage.codec == Codec::None && storage.has_free_rows(geometry) {
        if geometry.plane_bytes() <= WHOLE_PAGE_BYTES { geometry.height } else { (ROWS_BYTES / line).max(1) }
    } else {
        storage.rows * (STRIPS_BYTES / line.saturating_mul(storage.rows).max(1)).max(1)
    };
    let clipped = unit_with(layout, rows.min(geometry.height), storage.columns.min(geometry.width));
    Grid::new(layout.info.shape, clipped).unit
}

impl Source for TiffSource {
    fn info(&self) -> &Info {
        &self.layout.info
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn notices(&self) -> Vec<String> {
        self.layout.notices.clone()
    }

    fn unit(&self) -> Dims {
        self.unit
    }

    fn in_order(&self) -> Option<InOrder> {
        let axis = self.layout.leading.len() + usize::from(self.layout.geometry.planar);
        self.streams.as_ref().map(|_| InOrder { axis, kept: streams::KEPT })
    }

    fn stored_bytes(&self, unit: &Dims) -> u64 {
        if self.streams.is_some() {
            return self.most_stored();
        }
        self.parts(unit).map_or(0, |parts| parts.iter().map(|p| as_offset(p.bytes)).sum())
    }

    fn most_stored(&self) -> u64 {
        let (geometry, raw) = (&self.layout.geometry, self.unit.count() * self.layout.info.dtype.size());
        if self.streams.is_some() {
            return Fetched::bound(raw);
        }
        let of = |storage: &Storage| {
            if storage.has_free_rows(geometry) {
                return as_offset(raw);
            }
            let (down, across) = storage.counts(geometry);
            let (rows, columns) = (geometry.height.div_ceil(down.max(1)), geometry.width.div_ceil(across.max(1)));
            let rank = self.layout.leading.len() + usize::from(geometry.planar);
            let cut = |extent: usize, part: usize, most: usize| extent.div_ceil(part.max(1)).min(most);
            let blocks = cut(self.unit[rank], rows, down) * cut(self.unit[rank + 1], columns, across);
            as_offset(blocks).saturating_mul(self.layout.blocks.largest)
        };
        self.layout.blocks.storages.iter().map(of).max().unwrap_or(0)
    }

    /// A block is decoded whole before the rows and columns of the unit are taken out of it.
    fn decoding_bytes(&self) -> u64 {
        if self.streams.is_some() {
            return 2 * streams::KEPT;
        }
        let geometry = &self.layout.geometry;
        let packed = self.layout.blocks.storages.iter().filter(|s| !s.has_free_rows(geometry));
        packed.map(|s| as_offset(geometry.bytes(s.rows, s.columns))).max().unwrap_or(0)
    }

    fn fetch(&self, unit: &Dims) -> Result<Option<Vec<u8>>> {
        if let Some((streams, strips, plane, rows)) = self.in_streams(unit)? {
            return streams.fetch(self, strips, plane, &rows).map(Some);
        }
        let parts = self.parts(unit)?;
        let bytes = parts.iter().map(|p| p.bytes).sum();
        if bytes == 0 {
            return Ok(None);
        }
        let mut stored = vec![0; bytes];
        match &self.file {
            Some(file) => self.read(file, &parts, &mut stored)?,
            None => {
                let file = crate::os::open(&self.path).map_err(|e| Error::io("open", &self.path, &e))?;
                self.read(&file, &parts, &mut stored)?;
            }
        }
        Ok(Some(stored))
    }

    fn decode(&self, unit: &Dims, stored: Option<Vec<u8>>, out: &mut [u8]) -> Result<()> {
        if let Some((streams, strips, plane, rows)) = self.in_streams(unit)? {
            streams.decode(self, strips, (plane, rows), stored.unwrap_or_default(), out)?;
            let Some(storage) = self.layout.blocks.storage(plane.0) else { return Err(Error::bug("a page without blocks")) };
            self.restore(storage, self.layout.geometry.width, out);
            return Ok(());
        }
        let (_, _, rows, columns) = self.place(unit)?;
        let stored = stored.unwrap_or_default();
        let mut done = 0;
        for part in self.parts(unit)? {
            let bytes = stored.get(done..done + part.bytes);
            let bytes = bytes.ok_or_else(|| Error::bug(format!("{}: unit {unit} was not fetched whole", self.name())))?;
            self.decode_part(&part, bytes, out, &columns, rows.start)?;
            done += part.bytes;
        }
        Ok(())
    }

    fn fingerprint(&self) -> String {
        format!("{:?}", self.layout.stamp)
    }

    fn stamp(&self, _region: &Region) -> Result<String> {
        match &self.file {
            Some(file) => crate::formats::stamp_of_open(file, &self.path, &self.layout.stamp),
            None => crate::formats::stamp_of_path(&self.path, &self.layout.stamp),
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.whole.clone()]
    }
}
