//! Everything that asks the `zarrs` crate: an array's codec chain, chunk keys and fill value.
//! It does not know files: bytes of whole chunks come in and go out.

use super::guard::{gunzip, zstd_bound};
use super::meta::{self, ArrayNode};
use super::plain::{CONTEXT_BYTES, Plain, unzstd};
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::grid::{Dims, Grid, Region, indices};
use crate::tile::{View, copy_view, fill};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use zarrs::array::codec::{BloscCodec, CodecChain, GzipCodec, ShardingCodec, ZstdCodec};
use zarrs::array::{Array, ArrayBytes, ArrayMetadata, ArrayToBytesCodecTraits, BytesRepresentation, CodecOptions};

/// Chunks of more bytes than this are refused when the array is opened.
const LARGEST_CHUNK: usize = 64 << 30;
/// Bytes that a stream may seem to become beyond what it can have been.
const SPARE: u64 = 1 << 20;
/// What codecs that are not our own take for themselves.
const CODEC_BYTES: u64 = 1 << 20;
/// Bytes of a shard's index for a chunk: as it lies, and as it is read.
const INDEX_BYTES: u64 = 32;

/// An array's chunks: how they are called, encoded and decoded. Codecs run on the calling thread alone.
#[derive(Debug)]
pub struct Chunks {
    array: Array<()>,
    folder: PathBuf,
    options: CodecOptions,
    /// The extents of a chunk as stored.
    chunk: Dims,
    extents: Vec<NonZeroU64>,
    dtype: Dtype,
    bound: u64,
    /// The codecs between elements and bytes, without those between bytes and bytes.
    elements: CodecChain,
    /// The most bytes that each codec between bytes and bytes is given by the one before it.
    given: Vec<u64>,
    shard: Option<Shard>,
    /// How chunks are stored that no other codec is needed for.
    plain: Option<Plain>,
}

/// What a shard holds.
#[derive(Debug)]
struct Shard {
    /// Its inner chunks, which are chunks like any other.
    inner: Box<Chunks>,
    /// How they lie in it.
    grid: Grid,
    /// Whether axes change places around it.
    is_turned: bool,
}

impl Chunks {
    /// Prepares the codecs that an array's metadata names.
    ///
    /// # Errors
    /// Metadata that is broken, and codecs, chunk keys or storage transformers that are not supported.
    pub fn new(node: &ArrayNode, rank: usize, dtype: Dtype) -> Result<Self> {
        let chunk = meta::chunk_of(node, rank)?;
        let raw = chunk.iter().try_fold(dtype.size(), |n, d| n.checked_mul(*d)).filter(|n| *n <= LARGEST_CHUNK);
        let Some(raw) = raw else {
            return Err(node.error(&format!("a chunk of {chunk} {dtype} elements is larger than {LARGEST_CHUNK} bytes")));
        };
        let array = open_array(node)?;
        let extents: Vec<NonZeroU64> = chunk.iter().filter_map(|n| NonZeroU64::new(*n as u64)).collect();
        let codecs = array.codecs();
        let size = codecs.encoded_representation(&extents, array.data_type(), array.fill_value());
        let size = size.map_err(|e| node.error(&format!("codecs: {e}")))?.size();
        let bound = size.unwrap_or(0).max(raw_bound(raw as u64));
        let (elements, given) = layers_of(&array, &extents, raw as u64);
        let shard = shard_of(node, &chunk, dtype)?;
        let folder = node.folder.clone();
        // Many chunks are worked on at once by those who call; one codec is one thread.
        let options = CodecOptions::default().with_concurrent_target(1);
        let plain = Plain::of(node, dtype);
        Ok(Chunks { array, folder, options, chunk, extents, dtype, bound, elements, given, shard, plain })
    }

    /// The extents of a chunk as stored.
    pub fn shape(&self) -> Dims {
        self.chunk
    }

    /// Bytes of a decoded chunk.
    pub fn decoded_bytes(&self) -> usize {
        self.chunk.count() * self.dtype.size()
    }

    /// A bound on the bytes of an encoded chunk.
    pub fn stored_bound(&self) -> u64 {
        self.bound
    }

    /// Bytes that decoding chunks takes beside their stored and decoded bytes, where all of a chunk is wanted and where not.
    pub fn decoding_bytes(&self, all_whole: bool) -> u64 {
        let chunk = self.decoded_bytes() as u64;
        match (self.plain, &self.shard) {
            (Some(_), _) if all_whole => CONTEXT_BYTES,
            (Some(_), _) => chunk + CONTEXT_BYTES,
            (None, Some(Shard { inner, is_turned: false, .. })) => {
                let apart = if all_whole { 0 } else { chunk };
                apart + inner.decoded_bytes() as u64 + inner.bound + inner.decoding_bytes(true) + INDEX_BYTES * self.inner_count()
            }
            (None, _) => 2 * chunk + CODEC_BYTES,
        }
    }

    /// The file of the chunk at this grid index.
    pub fn file(&self, index: &Dims) -> PathBuf {
        let index: Vec<u64> = index.iter().map(|i| *i as u64).collect();
        self.folder.join(self.array.chunk_key(&index).as_str())
    }

    /// The element that stands where no chunk is stored, native bytes.
    pub fn fill_value(&self) -> &[u8] {
        self.array.fill_value().as_ne_bytes()
    }

    /// Encodes a whole chunk of native bytes.
    ///
    /// # Errors
    /// A codec that fails.
    pub fn encode(&self, decoded: Cow<'_, [u8]>) -> std::result::Result<Vec<u8>, String> {
        if let Some(plain) = self.plain {
            return plain.encode(&decoded);
        }
        let array = &self.array;
        let bytes = ArrayBytes::new_flen(decoded);
        let encoded = array.codecs().encode(bytes, &self.extents, array.data_type(), array.fill_value(), &self.options);
        encoded.map(Cow::into_owned).map_err(|e| e.to_string())
    }

    /// Decodes a whole chunk to native bytes. The error says what is wrong with the bytes.
    ///
    /// # Errors
    /// Bytes that do not decode to a chunk; streams that become more than a chunk can have been.
    pub fn decode(&self, stored: Vec<u8>, out: &mut [u8]) -> std::result::Result<(), String> {
        if let Some(plain) = self.plain {
            if let Plain::Zstd { .. } = plain {
                let announced = zstd_bound(&stored).ok_or("it is no Zstandard stream")?;
                within("zstd", announced, out.len() as u64)?;
            }
            return plain.decode(&stored, out);
        }
        // The codecs index by what the file says; a file they trust too much must not take the process with it.
        let decoded = catch_unwind(AssertUnwindSafe(|| self.decode_layers(stored, out)));
        decoded.map_err(|_| "the codec gave up".to_owned())?
    }

    fn decode_layers(&self, stored: Vec<u8>, out: &mut [u8]) -> std::result::Result<(), String> {
        let bytes = self.unwrapped(stored)?;
        if let Some(shard) = &self.shard {
            self.each_inner(shard, &bytes, |place, part| shard.decode(part, place, out))?;
            if !shard.is_turned {
                return Ok(());
            }
        }
        let (dtype, value) = (self.array.data_type(), self.array.fill_value());
        let bytes = self.elements.decode(Cow::Owned(bytes), &self.extents, dtype, value, &self.options);
        let bytes = bytes.and_then(|bytes| Ok(bytes.into_fixed()?)).map_err(|e| e.to_string())?;
        if bytes.len() != out.len() {
            return Err(format!("it decodes to {} bytes, a chunk has {}", bytes.len(), out.len()));
        }
        out.copy_from_slice(&bytes);
        Ok(())
    }

    /// Undoes the codecs between bytes and bytes, the outermost first. What each of them makes is bounded by what it can have been given.
    fn unwrapped(&self, mut stored: Vec<u8>) -> std::result::Result<Vec<u8>, String> {
        let chain = self.array.codecs();
        for (codec, most) in chain.bytes_to_bytes_codecs().iter().zip(&self.given).rev() {
            stored = if codec.as_any().is::<GzipCodec>() {
                gunzip(&stored, *most)?
            } else if codec.as_any().is::<ZstdCodec>() {
                let announced = zstd_bound(&stored).ok_or("it is no Zstandard stream")?;
                within("zstd", announced, *most)?;
                unzstd(&stored, announced).map_err(|e| e.to_string())?
            } else {
                if codec.as_any().is::<BloscCodec>() {
                    let size = stored.get(4..8).and_then(|s| <[u8; 4]>::try_from(s).ok());
                    within("blosc", size.map(u32::from_le_bytes).ok_or("it is shorter than a Blosc header")?.into(), *most)?;
                }
                let size = BytesRepresentation::BoundedSize(*most);
                codec.decode(Cow::Owned(stored), &size, &self.options).map_err(|e| e.to_string())?.into_owned()
            };
        }
        Ok(stored)
    }

    /// Calls `each` for every inner chunk of a shard, with its place and its bytes where it is stored.
    fn each_inner(
        &self,
        shard: &Shard,
        bytes: &[u8],
        mut each: impl FnMut(Dims, Option<&[u8]>) -> std::result::Result<(), String>,
    ) -> std::result::Result<(), String> {
        let codec = self.elements.array_to_bytes_codec();
        let codec = codec.as_any().downcast_ref::<ShardingCodec>().ok_or("its shards are none")?;
        let counts: Vec<NonZeroU64> = shard.grid.counts().iter().filter_map(|n| NonZeroU64::new(*n as u64)).collect();
        let index = codec.decode_index(bytes, &counts, &self.options).map_err(|e| e.to_string())?;
        for (&[offset, size], place) in index.as_chunks::<2>().0.iter().zip(indices(Region::whole(shard.grid.counts()))) {
            if (offset, size) == (u64::MAX, u64::MAX) {
                each(place, None)?;
                continue;
            }
            let part = usize::try_from(offset).ok().zip(usize::try_from(size).ok());
            let part = part.and_then(|(o, s)| bytes.get(o..o.checked_add(s)?));
            let part = part.ok_or_else(|| format!("the shard's index names {size} bytes at {offset}, it has {}", bytes.len()))?;
            each(place, Some(part)).map_err(|why| format!("inner chunk at {offset}: {why}"))?;
        }
        Ok(())
    }

    /// How many inner chunks a shard has.
    fn inner_count(&self) -> u64 {
        self.shard.as_ref().map_or(0, |shard| shard.grid.counts().count() as u64)
    }
}

impl Shard {
    /// Decodes one inner chunk to where it lies in the shard; where axes change places it is only looked at.
    fn decode(&self, stored: Option<&[u8]>, place: Dims, out: &mut [u8]) -> std::result::Result<(), String> {
        let (region, dtype) = (self.grid.region(&place), self.inner.dtype);
        let mut raw = match stored {
            None if self.is_turned => return Ok(()),
            _ => vec![0; self.inner.decoded_bytes()],
        };
        match stored {
            None => fill(&mut raw, self.inner.fill_value()),
            Some(stored) => self.inner.decode(stored.to_vec(), &mut raw)?,
        }
        if !self.is_turned {
            copy_view(&View::contiguous(&raw, dtype, region.shape), out, &self.grid.shape, &region.start);
        }
        Ok(())
    }
}

/// Refuses a stream that becomes more than it can have been.
fn within(name: &str, announced: u64, most: u64) -> std::result::Result<(), String> {
    // Whole blocks are counted where a stream does not say its length.
    if announced <= most.saturating_add(SPARE) {
        return Ok(());
    }
    Err(format!("its {name} stream announces {announced} bytes, a chunk has {most} there"))
}

/// A bound on what incompressible bytes become.
pub fn raw_bound(raw: u64) -> u64 {
    raw.saturating_add(raw / 100).saturating_add(64 << 10)
}

fn open_array(node: &ArrayNode) -> Result<Array<()>> {
    let json = Value::Object(node.json.clone());
    let parsed = match node.version {
        2 => serde_json::from_value(json).map(ArrayMetadata::V2),
        _ => serde_json::from_value(json).map(ArrayMetadata::V3),
    };
    let metadata = parsed.map_err(|e| node.error(&format!("array metadata: {e}")))?;
    Array::new_with_metadata(std::sync::Arc::new(()), "/", metadata).map_err(|e| {
        let error = node.error(&format!("array metadata: {e}"));
        error.hint("supported codecs: bytes, transpose, sharding_indexed, zstd, gzip, blosc, shuffle, crc32c")
    })
}

/// The codecs between elements and bytes alone, and the most bytes that each codec behind them is given.
fn layers_of(array: &Array<()>, extents: &[NonZeroU64], raw: u64) -> (CodecChain, Vec<u64>) {
    let chain = array.codecs();
    let elements = CodecChain::new(chain.array_to_array_codecs().to_vec(), chain.array_to_bytes_codec().clone(), Vec::new());
    let size = elements.encoded_representation(extents, array.data_type(), array.fill_value());
    let mut most = size.ok().and_then(|size| size.size()).unwrap_or(0).max(raw_bound(raw));
    let mut given = Vec::new();
    for codec in chain.bytes_to_bytes_codecs() {
        given.push(most);
        let size = codec.encoded_representation(&BytesRepresentation::BoundedSize(most)).size();
        most = size.unwrap_or(0).max(raw_bound(most));
    }
    (elements, given)
}

/// What shards hold, where chunks are shards.
fn shard_of(node: &ArrayNode, chunk: &Dims, dtype: Dtype) -> Result<Option<Shard>> {
    let codecs = node.json.get("codecs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let name = |codec: &Value| codec.get("name").and_then(Value::as_str).map(str::to_owned);
    let Some(number) = codecs.iter().position(|codec| name(codec).as_deref() == Some("sharding_indexed")) else {
        return Ok(None);
    };
    let mut shape = *chunk;
    for codec in &codecs[..number] {
        let order = codec.pointer("/configuration/order").and_then(Value::as_array);
        let order =
            order.into_iter().flatten().map(|axis| usize::try_from(axis.as_u64()?).ok().filter(|axis| *axis < chunk.len()));
        let order = order.collect::<Option<Vec<usize>>>().filter(|order| order.len() == chunk.len());
        let order = order.ok_or_else(|| node.error("shards behind such codecs are not supported"))?;
        shape = order.iter().map(|axis| shape[*axis]).collect();
    }
    let configuration = |name: &str| codecs[number].pointer(&format!("/configuration/{name}")).cloned();
    let mut json: Map<String, Value> = node.json.clone();
    json.insert("shape".to_owned(), json!(shape.to_vec()));
    let grid = json!({"name": "regular", "configuration": {"chunk_shape": configuration("chunk_shape")}});
    json.insert("chunk_grid".to_owned(), grid);
    json.insert("codecs".to_owned(), configuration("codecs").unwrap_or_default());
    let inner =
        ArrayNode { folder: node.folder.clone(), document: node.document.clone(), version: 3, json, attributes: Value::Null };
    let inner = Box::new(Chunks::new(&inner, chunk.len(), dtype)?);
    let grid = Grid::new(shape, inner.shape());
    Ok(Some(Shard { inner, grid, is_turned: number > 0 }))
}

/// The codec chain's complaint about one chunk file.
pub fn chunk_error(file: &std::path::Path, why: &str) -> Error {
    Error::machine(format!("{}: offset 0: the chunk does not decode: {why}", file.display()))
        .hint("copy or download the file again; a chunk that is deleted reads as the fill value")
}
