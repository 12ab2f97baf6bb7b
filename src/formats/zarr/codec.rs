//! Everything that asks the `zarrs` crate: an array's codec chain, chunk keys and fill value.
//! It does not know files: bytes of whole chunks come in and go out.

use super::guard::zstd_bound;
use super::meta::{self, ArrayNode};
use super::plain::{CONTEXT_BYTES, Plain};
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::grid::Dims;
use serde_json::Value;
use std::borrow::Cow;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use zarrs::array::codec::ShardingCodec;
use zarrs::array::{Array, ArrayBytes, ArrayMetadata, ArrayToBytesCodecTraits, CodecOptions};

/// Chunks of more bytes than this are refused when the array is opened.
const LARGEST_CHUNK: usize = 64 << 30;

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
    /// The codecs that made the stored bytes of a chunk, or of an inner chunk of a shard.
    names: Vec<String>,
    shard: Option<Shard>,
    /// How chunks are stored that no other codec is needed for.
    plain: Option<Plain>,
}

/// The inner chunks of a shard that nothing is wrapped around.
#[derive(Debug)]
struct Shard {
    counts: Vec<NonZeroU64>,
    inner_bytes: usize,
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
        let (names, shard) = layers_of(node, &chunk, dtype);
        let folder = node.folder.clone();
        // Many chunks are worked on at once by those who call; one codec is one thread.
        let options = CodecOptions::default().with_concurrent_target(1);
        let plain = Plain::of(node, dtype);
        Ok(Chunks { array, folder, options, chunk, extents, dtype, bound, names, shard, plain })
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
        match self.plain {
            Some(_) if all_whole => CONTEXT_BYTES,
            Some(_) => chunk + CONTEXT_BYTES,
            None => 2 * chunk,
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
    /// Bytes that do not decode to a chunk.
    pub fn decode(&self, stored: Vec<u8>, out: &mut [u8]) -> std::result::Result<(), String> {
        self.check(&stored)?;
        if let Some(plain) = self.plain {
            return plain.decode(&stored, out);
        }
        let array = &self.array;
        // The codecs index by what the file says; a file they trust too much must not take the process with it.
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            let (dtype, fill) = (array.data_type(), array.fill_value());
            array.codecs().decode(Cow::Owned(stored), &self.extents, dtype, fill, &self.options)
        }));
        let bytes = decoded.map_err(|_| "the codec gave up".to_owned())?.map_err(|e| e.to_string())?;
        let bytes = bytes.into_fixed().map_err(|e| e.to_string())?;
        if bytes.len() != out.len() {
            return Err(format!("it decodes to {} bytes, a chunk has {}", bytes.len(), out.len()));
        }
        out.copy_from_slice(&bytes);
        Ok(())
    }

    /// Looks at lengths and offsets in the stored bytes before a codec allocates or slices by them.
    fn check(&self, stored: &[u8]) -> std::result::Result<(), String> {
        let Some(shard) = &self.shard else {
            return check_stream(&self.names, stored, self.decoded_bytes());
        };
        let codecs = self.array.codecs();
        let Some(codec) = codecs.array_to_bytes_codec().as_any().downcast_ref::<ShardingCodec>() else { return Ok(()) };
        let index = codec.decode_index(stored, &shard.counts, &self.options).map_err(|e| e.to_string())?;
        for &[offset, size] in index.as_chunks::<2>().0 {
            if (offset, size) == (u64::MAX, u64::MAX) {
                continue;
            }
            let part = usize::try_from(offset).ok().zip(usize::try_from(size).ok());
            let part = part.and_then(|(o, s)| stored.get(o..o.checked_add(s)?));
            let part =
                part.ok_or_else(|| format!("the shard's index names {size} bytes at {offset}, it has {}", stored.len()))?;
            check_stream(&self.names, part, shard.inner_bytes).map_err(|why| format!("inner chunk at {offset}: {why}"))?;
        }
        Ok(())
    }
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

/// The codec names whose bytes can be looked at, outermost last, and the inner chunks of a plain shard.
fn layers_of(node: &ArrayNode, chunk: &Dims, dtype: Dtype) -> (Vec<String>, Option<Shard>) {
    let name = |codec: &Value| {
        let found = codec.get("name").or_else(|| codec.get("id")).unwrap_or(codec);
        found.as_str().unwrap_or("").trim_start_matches("numcodecs.").to_owned()
    };
    let names = |codecs: Option<&Value>| codecs.and_then(Value::as_array).map_or(vec![], |all| all.iter().map(name).collect());
    if node.version == 2 {
        return (node.json.get("compressor").iter().map(|c| name(c)).collect(), None);
    }
    let codecs = node.json.get("codecs");
    let shard = codecs.and_then(|c| c.get(0)).and_then(|first| shard_of(first, chunk, dtype));
    match (shard, codecs.and_then(Value::as_array)) {
        (Some(shard), Some(all)) if all.len() == 1 => {
            (names(codecs.and_then(|c| c.pointer("/0/configuration/codecs"))), Some(shard))
        }
        _ => (names(codecs), None),
    }
}

fn shard_of(codec: &Value, chunk: &Dims, dtype: Dtype) -> Option<Shard> {
    if codec.get("name")?.as_str()? != "sharding_indexed" {
        return None;
    }
    let inner = codec.pointer("/configuration/chunk_shape")?.as_array()?;
    let inner: Vec<u64> = inner.iter().map(Value::as_u64).collect::<Option<_>>()?;
    let counts = chunk.iter().zip(&inner).map(|(n, i)| NonZeroU64::new((*n as u64).checked_div(*i)?));
    let bytes = inner.iter().try_fold(dtype.size() as u64, |n, i| n.checked_mul(*i))?;
    Some(Shard { counts: counts.collect::<Option<_>>()?, inner_bytes: usize::try_from(bytes).ok()? })
}

/// Refuses streams whose own headers announce far more bytes than a chunk has.
fn check_stream(names: &[String], stored: &[u8], decoded: usize) -> std::result::Result<(), String> {
    let mut stream = stored;
    for name in names.iter().rev() {
        let announced = match name.as_str() {
            "crc32c" | "adler32" | "fletcher32" => {
                stream = &stream[..stream.len().saturating_sub(4)];
                continue;
            }
            "zstd" => zstd_bound(stream).ok_or("it is no Zstandard stream")?,
            "blosc" => {
                let size = stream.get(4..8).and_then(|s| <[u8; 4]>::try_from(s).ok());
                size.map(u32::from_le_bytes).ok_or("it is shorter than a Blosc header")?.into()
            }
            _ => return Ok(()),
        };
        return match announced <= 4 * decoded as u64 + (1 << 20) {
            true => Ok(()),
            false => Err(format!("its {name} stream announces {announced} bytes, a chunk has {decoded}")),
        };
    }
    Ok(())
}

/// The codec chain's complaint about one chunk file.
pub fn chunk_error(file: &std::path::Path, why: &str) -> Error {
    Error::machine(format!("{}: offset 0: the chunk does not decode: {why}", file.display()))
        .hint("copy or download the file again; a chunk that is deleted reads as the fill value")
}
