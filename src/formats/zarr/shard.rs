//! Shards as they are written: the chunks of one file, one after another, and behind them where each begins.
//! It does not know how a chunk is encoded, nor how shards are read.

use super::codec::Chunks;
use crate::grid::{Dims, Grid, Region, indices};
use crate::tile::{View, copy_view};
use std::borrow::Cow;

/// What stands in the index for a chunk that is not stored.
const MISSING: [u64; 2] = [u64::MAX; 2];

/// How shards are put together. (A library would gather a shard whole before it encodes it, and once more behind.)
#[derive(Debug)]
pub struct Shards {
    chunks: Chunks,
    /// The chunks of a shard.
    grid: Grid,
}

impl Shards {
    /// Shards of these extents, whole chunks along each axis.
    pub fn new(chunks: Chunks, shard: Dims) -> Shards {
        let grid = Grid::new(shard, chunks.shape());
        Shards { chunks, grid }
    }

    /// A bound on the bytes of a shard.
    pub fn encoded_bound(&self) -> u64 {
        let count = self.grid.counts().count() as u64;
        let raw = self.chunks.decoded_bytes() as u64;
        // What does not compress grows by its frame; the index has two numbers a chunk, and a checksum.
        count.saturating_mul(raw + raw / 100 + 256 + 16).saturating_add(4)
    }

    /// Bytes that putting one together takes beside its decoded and encoded bytes: one chunk, before and after it is encoded.
    pub fn encoding_bytes(&self) -> u64 {
        self.chunks.decoded_bytes() as u64 + self.chunks.stored_bound()
    }

    /// A shard whose first elements these are; the array ends where they do.
    ///
    /// # Errors
    /// A codec that fails.
    pub fn encode(&self, part: &View<'_>) -> Result<Vec<u8>, String> {
        let chunk = self.chunks.shape();
        let mut shard = Vec::with_capacity(usize::try_from(self.encoded_bound()).unwrap_or(0));
        let mut index = Vec::with_capacity(16 * self.grid.counts().count());
        let mut raw = vec![0; self.chunks.decoded_bytes()];
        for place in indices(Region::whole(self.grid.counts())) {
            let there = self.grid.region(&place).intersection(&Region::whole(part.shape));
            let entry = match there {
                None => MISSING,
                Some(region) => {
                    if region.shape != chunk {
                        raw.fill(0);
                    }
                    copy_view(&part.crop(&region), &mut raw, &chunk, &Dims::filled(chunk.len(), 0));
                    self.append(&raw, &mut shard)?
                }
            };
            index.extend(entry.iter().flat_map(|number| number.to_le_bytes()));
        }
        let sum = crc32c::crc32c(&index);
        shard.extend_from_slice(&index);
        shard.extend_from_slice(&sum.to_le_bytes());
        Ok(shard)
    }

    /// Appends a chunk; gives where it begins and how long it is.
    fn append(&self, raw: &[u8], shard: &mut Vec<u8>) -> Result<[u64; 2], String> {
        if raw.iter().all(|byte| *byte == 0) {
            return Ok(MISSING);
        }
        let encoded = self.chunks.encode(Cow::Borrowed(raw))?;
        let begin = shard.len() as u64;
        shard.extend_from_slice(&encoded);
        Ok([begin, encoded.len() as u64])
    }
}
