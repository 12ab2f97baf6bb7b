//! BigTIFF of compressed tiles: blocks are appended as they come and put in order at the end, so that the file's bytes do not
//! depend on who was first; the directories follow, the header points to them last.
//! It does not know the array's axes: the plan numbers the pages.

use super::codec::{self, Rows};
use super::entries;
use super::page::tag;
use super::plan::Plan;
use super::strips::{check_complete, wide};
use crate::error::{Error, Result};
use crate::formats::partial::Partial;
use crate::grid::{Dims, Region};
use crate::storage::{Identity, Info, Sink, Written};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Edge of a tile in pixels; smaller pages have smaller tiles, whose edges must be multiples of 16.
const EDGE: usize = 256;
/// Tiles side by side in one commit unit.
const TOGETHER: usize = 8;
/// Bytes of the BigTIFF header.
const HEADER: u64 = 16;
/// Bytes of blocks that are copied together.
const COPY_BYTES: usize = 1 << 20;

/// A file of tiles.
pub(super) struct Tiles {
    partial: Partial,
    /// The file whose blocks lie in order, once all are there.
    ordered: Partial,
    plan: Plan,
    tile_rows: usize,
    tile_columns: usize,
    across: usize,
    down: usize,
    state: Mutex<State>,
}

/// What was written so far.
#[derive(Clone, Default)]
struct State {
    end: u64,
    offsets: Vec<u64>,
    sizes: Vec<u64>,
    units: usize,
    /// Where the first directory is, once they are written.
    directory: u64,
}

impl Tiles {
    /// Lays the file out, with OME-XML or tifffile's description.
    ///
    /// # Errors
    /// As [`Plan::plain`] and [`Plan::ome`].
    pub fn new((partial, ordered): (Partial, Partial), info: &Info, ome: bool) -> Result<Self> {
        let plan = if ome { Plan::ome(info, &partial.file_name())? } else { Plan::plain(info, false)? };
        let edge = |extent: usize| extent.next_multiple_of(16).min(EDGE);
        let (tile_rows, tile_columns) = (edge(plan.height), edge(plan.width));
        let (across, down) = (plan.width.div_ceil(tile_columns), plan.height.div_ceil(tile_rows));
        Ok(Tiles { partial, ordered, plan, tile_rows, tile_columns, across, down, state: Mutex::new(State::default()) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file without a block.
    fn nothing(&self) -> State {
        let blocks = self.plan.pages().saturating_mul(self.across).saturating_mul(self.down);
        State { end: HEADER, offsets: vec![0; blocks], sizes: vec![0; blocks], units: 0, directory: 0 }
    }

    fn predicts(&self) -> bool {
        !self.plan.info.dtype.is_float()
    }

    fn rows(&self) -> Rows {
        // Masks are stored as bytes; their size is the same.
        Rows { dtype: self.plan.info.dtype, width: self.tile_columns, samples: self.plan.samples }
    }

    fn tile_line(&self) -> usize {
        self.tile_columns * self.plan.samples * self.plan.info.dtype.size()
    }

    /// Tiles that a region of this many columns covers.
    fn tiles_in(&self, region: &Region) -> usize {
        self.plan.extents(region).1.div_ceil(self.tile_columns)
    }

    /// One tile cut out of a unit's rows; what lies beyond the image repeats its last column and row, which costs least.
    fn cut(&self, decoded: &[u8], line: usize, number: usize, tile: &mut [u8]) {
        let pixel = self.plan.samples * self.plan.info.dtype.size();
        let start = number * self.tile_line();
        let width = self.tile_line().min(line - start);
        let mut filled = 0;
        for (source, goal) in decoded.chunks_exact(line).zip(tile.chunks_exact_mut(self.tile_line())) {
            let (image, beyond) = goal.split_at_mut(width);
            image.copy_from_slice(source.get(start..start + width).unwrap_or_default());
            crate::tile::fill(beyond, image.rchunks_exact(pixel).next().unwrap_or_default());
            filled += self.tile_line();
        }
        if filled < tile.len() {
            tile.copy_within(filled - self.tile_line()..filled, filled);
            for at in (filled + self.tile_line()..tile.len()).step_by(self.tile_line()) {
                tile.copy_within(filled..filled + self.tile_line(), at);
            }
        }
    }

    /// The number of a region's first block, and how many it has.
    fn blocks(&self, region: &Region) -> (usize, usize) {
        let (row, column) = self.plan.corner(region);
        let first = (self.plan.page_of(region) * self.down + row / self.tile_rows) * self.across + column / self.tile_columns;
        (first, self.tiles_in(region))
    }

    /// What was noted of a unit: each block's number, place and length.
    fn places<'w>(&self, written: &'w Written) -> impl Iterator<Item = (usize, u64, u64)> + use<'w> {
        let (first, count) = self.blocks(&written.region);
        let places = written.note.as_chunks::<8>().0.as_chunks::<2>().0.iter().take(count);
        (first..).zip(places).map(|(block, place)| (block, u64::from_le_bytes(place[0]), u64::from_le_bytes(place[1])))
    }

    /// Copies the blocks into the second file, one behind the other in the order of pages, rows and columns.
    fn put_in_order(&self, state: &State) -> Result<State> {
        self.ordered.begin()?;
        let mut ordered = State { end: HEADER, ..state.clone() };
        let (mut held, mut from) = (Vec::with_capacity(COPY_BYTES), HEADER);
        for (block, (at, size)) in state.offsets.iter().zip(&state.sizes).enumerate() {
            let start = held.len();
            held.resize(start + usize::try_from(*size).unwrap_or(0), 0);
            self.partial.read(held.get_mut(start..).unwrap_or_default(), *at)?;
            if let Some(place) = ordered.offsets.get_mut(block) {
                *place = ordered.end;
            }
            ordered.end += size;
            if held.len() >= COPY_BYTES {
                self.ordered.write(&held, from)?;
                held.clear();
                from = ordered.end;
            }
        }
        self.ordered.write(&held, from)?;
        Ok(ordered)
    }

    fn write_directories(&self, state: &State) -> Result<u64> {
        let (per_page, first) = (self.across * self.down, state.end.next_multiple_of(16));
        let mut at = first;
        for page in 0..self.plan.pages() {
            let mut entries = self.plan.entries(true, page == 0);
            let blocks = page * per_page..(page + 1) * per_page;
            entries.shorts(tag::COMPRESSION, &[8]);
            entries.shorts(tag::PREDICTOR, &[if self.predicts() { 2 } else { 1 }]);
            entries.longs(tag::TILE_WIDTH, &[wide(self.tile_columns)]);
            entries.longs(tag::TILE_LENGTH, &[wide(self.tile_rows)]);
            entries.longs(tag::TILE_OFFSETS, state.offsets.get(blocks.clone()).unwrap_or_default());
            entries.longs(tag::TILE_BYTES, state.sizes.get(blocks).unwrap_or_default());
            let next = (at + entries.len()).next_multiple_of(16);
            let is_last = page + 1 == self.plan.pages();
            self.ordered.write(&entries.bytes(at, if is_last { 0 } else { next }), at)?;
            at = next;
        }
        Ok(first)
    }
}

impl Sink for Tiles {
    fn info(&self) -> &Info {
        &self.plan.info
    }

    fn name(&self) -> String {
        self.partial.name()
    }

    fn unit(&self) -> Option<Dims> {
        Some(self.plan.unit(self.tile_rows, self.tile_columns * TOGETHER))
    }

    fn encoded_bytes(&self, region: &Region) -> u64 {
        let tile = codec::deflate_bound(self.tile_rows * self.tile_line()) + 8;
        wide(tile.saturating_mul(self.tiles_in(region)))
    }

    /// The tables of all blocks.
    fn held_bytes(&self) -> u64 {
        32 * wide(self.plan.pages().saturating_mul(self.across).saturating_mul(self.down))
    }

    fn encoding_bytes(&self, _region: &Region) -> u64 {
        wide(2 * self.tile_rows * self.tile_line()) + codec::DEFLATING_BYTES
    }

    fn beside(&self) -> Option<PathBuf> {
        Some(self.partial.path())
    }

    fn begin(&self, _identity: &Identity) -> Result<()> {
        *self.lock() = self.nothing();
        self.partial.begin()
    }

    fn resume(&self, _identity: &Identity) -> Result<bool> {
        self.partial.resume(0)
    }

    fn read_back(&self, written: &Written, take: &mut dyn FnMut(&[u8])) -> Result<bool> {
        for (_, at, size) in self.places(written) {
            take(&size.to_ne_bytes());
            if !self.partial.read_back(at, size, take)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn keep(&self, written: &[Written]) -> Result<()> {
        let mut state = self.nothing();
        for unit in written {
            for (block, at, size) in self.places(unit) {
                let (Some(offset), Some(bytes)) = (state.offsets.get_mut(block), state.sizes.get_mut(block)) else {
                    return Err(Error::bug(format!("{} has no tile {block}", self.name())));
                };
                (*offset, *bytes) = (at, size);
                state.end = state.end.max(at.saturating_add(size));
            }
            state.units += 1;
        }
        *self.lock() = state;
        Ok(())
    }

    /// The unit's tiles, each behind the eight bytes of its length.
    fn encode(&self, region: &Region, decoded: &[u8]) -> Result<Vec<u8>> {
        let decoded = self.plan.stored(decoded);
        let line = self.plan.extents(region).1 * self.plan.samples * self.plan.info.dtype.size();
        let mut tile = vec![0; self.tile_rows * self.tile_line()];
        let mut out = Vec::with_capacity(usize::try_from(self.encoded_bytes(region)).unwrap_or(0));
        for number in 0..self.tiles_in(region) {
            self.cut(&decoded, line, number, &mut tile);
            if self.predicts() {
                codec::predict(&mut tile, self.rows());
            }
            let head = out.len();
            out.extend([0; 8]);
            codec::deflate(&tile, &mut out)?;
            let len = wide(out.len() - head - 8);
            if let Some(place) = out.get_mut(head..head + 8) {
                place.copy_from_slice(&len.to_ne_bytes());
            }
        }
        Ok(out)
    }

    /// The note is the place and the length of each block.
    fn write(&self, region: &Region, encoded: &[u8]) -> Result<Vec<u8>> {
        let (first, count) = self.blocks(region);
        let mut state = self.lock();
        let (mut rest, mut joined, mut note) = (encoded, Vec::with_capacity(encoded.len()), Vec::with_capacity(16 * count));
        let start = state.end;
        for block in first..first + count {
            let lost = || Error::bug(format!("tile {block} was not encoded whole"));
            let (head, body) = rest.split_first_chunk::<8>().ok_or_else(lost)?;
            let size = u64::from_ne_bytes(*head);
            let (tile, next) = usize::try_from(size).ok().and_then(|n| body.split_at_checked(n)).ok_or_else(lost)?;
            let at = start + wide(joined.len());
            *state.offsets.get_mut(block).ok_or_else(lost)? = at;
            *state.sizes.get_mut(block).ok_or_else(lost)? = size;
            note.extend([at, size].iter().flat_map(|n| n.to_le_bytes()));
            joined.extend_from_slice(tile);
            rest = next;
        }
        self.partial.write(&joined, start)?;
        state.end = start + wide(joined.len());
        state.units += 1;
        Ok(note)
    }

    fn sync(&self) -> Result<()> {
        self.partial.sync()
    }

    fn complete(&self) -> Result<()> {
        let mut state = self.lock();
        check_complete(&self.plan.info, self.plan.unit(self.tile_rows, self.tile_columns * TOGETHER), state.units, &self.name())?;
        let mut ordered = self.put_in_order(&state)?;
        ordered.directory = self.write_directories(&ordered)?;
        *state = ordered;
        self.ordered.sync()
    }

    fn finish(&self) -> Result<()> {
        self.ordered.finish(&entries::header(true, self.lock().directory))?;
        self.partial.abandon();
        Ok(())
    }

    fn suspend(&self) {
        self.ordered.abandon();
        self.partial.suspend();
    }

    fn abandon(&self) {
        self.ordered.abandon();
        self.partial.abandon();
    }
}
