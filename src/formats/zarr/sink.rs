//! One Zarr v3 array, plain or as the only level of an OME-Zarr 0.5 image, as a sink.
//! It does not know what is written, nor how a chunk is encoded.

use super::codec::Chunks;
use super::folder::{DOCUMENT, Folder};
use super::meta::{ArrayNode, own_attributes};
use super::ome;
use super::shard::Shards;
use crate::error::{Error, Result};
use crate::grid::{Dims, Grid, Region};
use crate::storage::{Axis, Identity, Info, Sink, Written};
use crate::tile::{View, copy_view};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The most elements of a chunk whose extents nobody chose.
const CHUNK_ELEMENTS: usize = 1 << 21;

/// How a Zarr output is laid out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// An OME-Zarr 0.5 image instead of a plain array.
    pub ome: bool,
    /// Replace a Zarr that has the name already.
    pub overwrite: bool,
    /// Extents of a chunk; chosen by the axes where none.
    pub chunk: Option<Dims>,
    /// Extents of a shard, a file of many chunks; each chunk is a file where none.
    pub shard: Option<Dims>,
}

/// An array that is written.
#[derive(Debug)]
struct ZarrSink {
    info: Info,
    /// The files of the array: chunks, or shards.
    chunks: Chunks,
    /// How shards are put together, if the files are shards.
    shards: Option<Shards>,
    target: PathBuf,
    partial: Folder,
    /// Where the array's `zarr.json` goes: the partial folder, or `0` inside it.
    array: PathBuf,
    document: Map<String, Value>,
    options: Options,
    identity: Mutex<Option<String>>,
    /// Chunk files written since they were last made durable.
    loose: Mutex<Vec<PathBuf>>,
}

/// Prepares a Zarr v3 array or OME-Zarr 0.5 image: zstd level 3, little-endian, in shards where they are asked for. Nothing is
/// written before [`Sink::begin`]. Chunks that hold only zeros are not stored; they read as the fill value 0.
///
/// # Errors
/// A target that exists and `overwrite` false, a folder that is no Zarr, extents of chunks that do not fit the array, of shards
/// that are no multiples of the chunks', axes that OME-Zarr does not allow.
pub fn create(path: &Path, info: &Info, options: &Options) -> Result<Box<dyn Sink>> {
    let name = path.file_name().ok_or_else(|| Error::caller(format!("'{}' is no name for a folder", path.display())))?;
    let mut info = info.clone();
    if options.ome {
        info.axes = ome::axes_to_write(path, &info)?.into();
    }
    refuse_existing(path, options.overwrite)?;
    let mut partial = OsString::from(name);
    partial.push(".partial");
    let partial = path.with_file_name(partial);
    let array = if options.ome { partial.join("0") } else { partial.clone() };
    let extents = chosen_chunks(path, &info, options)?;
    let document = document_of(&info, &extents);
    let chunks_of = |json: Map<String, Value>| {
        let (folder, document) = (array.clone(), path.to_owned());
        let node = ArrayNode { folder, document, version: 3, json, attributes: Value::Null };
        Chunks::new(&node, info.shape.len(), info.dtype)
    };
    let chunks = chunks_of(document.clone())?;
    let shards = match extents.shard {
        Some(shard) => Some(Shards::new(chunks_of(document_of(&info, &Extents { shard: None, ..extents }))?, shard)),
        None => None,
    };
    let (target, options) = (path.to_owned(), *options);
    Ok(Box::new(ZarrSink {
        info,
        chunks,
        shards,
        target,
        partial: Folder::at(partial),
        array,
        document,
        options,
        identity: Mutex::new(None),
        loose: Mutex::default(),
    }))
}

fn refuse_existing(target: &Path, overwrite: bool) -> Result<()> {
    let Ok(found) = target.symlink_metadata() else { return Ok(()) };
    if !overwrite {
        return Err(Error::exists(target));
    }
    let is_zarr = ["zarr.json", ".zarray", ".zgroup"].iter().any(|name| target.join(name).is_file());
    let is_empty = || fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none());
    if found.is_dir() && (is_zarr || is_empty()) {
        return Ok(());
    }
    let what = format!("{} exists and is no Zarr; it is not replaced", target.display());
    Err(Error::caller(what).hint("choose another name, or remove it yourself"))
}

/// Extents of a chunk, and of a shard if there are any.
struct Extents {
    chunk: Dims,
    shard: Option<Dims>,
}

fn chosen_chunks(target: &Path, info: &Info, options: &Options) -> Result<Extents> {
    for (what, asked) in [("chunks", options.chunk), ("shards", options.shard)] {
        if let Some(asked) = asked.filter(|asked| asked.len() != info.shape.len() || asked.contains(&0)) {
            let what = format!("{}: {what} of {asked} do not fit an array of shape {}", target.display(), info.shape);
            return Err(Error::caller(what).hint("give one extent of at least 1 for each axis"));
        }
    }
    let Some(shard) = options.shard else {
        return Ok(Extents { chunk: options.chunk.unwrap_or_else(|| default_chunk(info)), shard: None });
    };
    // Where nobody chose the chunks, they are the largest that fill a shard.
    let filling = |shard: usize, most: usize| (1..=most.min(shard)).rev().find(|n| shard.is_multiple_of(*n)).unwrap_or(1);
    let chunk = options.chunk.unwrap_or_else(|| shard.zip_with(&default_chunk(info), filling));
    if (0..chunk.len()).any(|axis| !shard[axis].is_multiple_of(chunk[axis])) {
        let what = format!("{}: shards of {shard} are not made of whole chunks of {chunk}", target.display());
        return Err(Error::caller(what).hint("each extent of a shard is a multiple of a chunk's"));
    }
    Ok(Extents { chunk, shard: Some(shard) })
}

/// Up to 512 along y and x, up to 8 along z, all samples, 1 along every other axis. Unnamed axes count as z, y, x from
/// the last one back.
fn default_chunk(info: &Info) -> Dims {
    let rank = info.shape.len();
    let full: Dims = info.shape.iter().map(|n| (*n).max(1)).collect();
    if rank <= 1 {
        return full.iter().map(|n| (*n).min(CHUNK_ELEMENTS / 2)).collect();
    }
    let role = |axis: usize| match info.axes.get(axis).map_or("", |a| a.name.as_str()) {
        known @ ("t" | "c" | "z" | "y" | "x" | "s") => known,
        _ => ["x", "y", "z"].get(rank - 1 - axis).copied().unwrap_or("t"),
    };
    let wide = |axis: usize| match role(axis) {
        "y" | "x" => full[axis].min(512),
        "s" => full[axis].min(16),
        _ => 1,
    };
    let mut chunk: Dims = (0..rank).map(wide).collect();
    for axis in (0..rank).filter(|a| role(*a) == "z") {
        chunk[axis] = (CHUNK_ELEMENTS / chunk.count()).clamp(1, full[axis].min(8));
    }
    chunk
}

/// The `zarr.json` of the array, without attributes.
fn document_of(info: &Info, extents: &Extents) -> Map<String, Value> {
    let name = |axis: &Axis| if axis.name.is_empty() { Value::Null } else { json!(axis.name) };
    let fill = if info.dtype == crate::dtype::Dtype::Bool {
        json!(false)
    } else if info.dtype.is_float() {
        json!(0.0)
    } else {
        json!(0)
    };
    let bytes = if info.dtype.size() == 1 {
        json!({"name": "bytes"})
    } else {
        json!({"name": "bytes", "configuration": {"endian": "little"}})
    };
    let zstd = json!({"name": "zstd", "configuration": {"level": 3, "checksum": false}});
    let little = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let codecs = match extents.shard {
        None => json!([bytes, zstd]),
        Some(_) => json!([{"name": "sharding_indexed", "configuration": {
            "chunk_shape": extents.chunk.to_vec(),
            "codecs": [bytes, zstd],
            "index_codecs": [little, {"name": "crc32c"}],
            "index_location": "end",
        }}]),
    };
    let stored = extents.shard.unwrap_or(extents.chunk);
    let entries = [
        ("zarr_format", json!(3)),
        ("node_type", json!("array")),
        ("shape", json!(info.shape.to_vec())),
        ("data_type", json!(info.dtype.numpy_name())),
        ("chunk_grid", json!({"name": "regular", "configuration": {"chunk_shape": stored.to_vec()}})),
        ("chunk_key_encoding", json!({"name": "default", "configuration": {"separator": "/"}})),
        ("fill_value", fill),
        ("codecs", codecs),
        ("dimension_names", info.axes.iter().map(name).collect()),
    ];
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// What a unit's note says: the bytes of its file; 0 where there is none.
fn stored_bytes(written: &Written) -> u64 {
    <[u8; 8]>::try_from(written.note.as_slice()).map_or(u64::MAX, u64::from_le_bytes)
}

impl ZarrSink {
    /// The grid index of the chunk whose region this is.
    fn index(&self, region: &Region) -> Result<Dims> {
        let grid = Grid::new(self.info.shape, self.chunks.shape());
        if region.start.len() == grid.unit.len() {
            let index = region.start.zip_with(&grid.unit, |s, u| s / u);
            let inside = (0..index.len()).all(|a| region.start[a] < grid.shape[a]);
            if inside && grid.region(&index) == *region {
                return Ok(index);
            }
        }
        Err(Error::bug(format!("{}: {region} is no chunk of {}", self.name(), grid.unit)))
    }

    fn write_document(&self, folder: &Path, mut document: Map<String, Value>, attributes: Value) -> Result<()> {
        document.insert("attributes".to_owned(), attributes);
        let path = folder.join(DOCUMENT);
        self.partial.make(folder).map_err(|e| Error::io("create", folder, &e))?;
        let text = format!("{:#}\n", Value::Object(document));
        fs::write(&path, text).map_err(|e| Error::io("write", &path, &e))
    }

    /// All documents, the root's last.
    fn write_documents(&self, identity: &str) -> Result<()> {
        let own = own_attributes(identity, &self.info);
        if !self.options.ome {
            return self.write_document(&self.array, self.document.clone(), json!({"stackmill": own}));
        }
        self.write_document(&self.array, self.document.clone(), json!({}))?;
        let name = self.target.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let name = name.trim_end_matches(".zarr").trim_end_matches(".ome");
        let attributes = json!({"ome": ome::attribute(name, &self.info.axes), "stackmill": own});
        let mut group = Map::new();
        group.insert("zarr_format".to_owned(), json!(3));
        group.insert("node_type".to_owned(), json!("group"));
        self.write_document(self.partial.path(), group, attributes)
    }

    fn identity(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for ZarrSink {
    fn info(&self) -> &Info {
        &self.info
    }

    fn name(&self) -> String {
        self.target.display().to_string()
    }

    fn unit(&self) -> Option<Dims> {
        Some(Grid::new(self.info.shape, self.chunks.shape()).unit)
    }

    fn layout(&self) -> String {
        Value::Object(self.document.clone()).to_string()
    }

    fn encoded_bytes(&self, _region: &Region) -> u64 {
        self.shards.as_ref().map_or(self.chunks.stored_bound(), Shards::encoded_bound)
    }

    /// What the array's end cuts short becomes a whole chunk before it is encoded.
    fn encoding_bytes(&self, _region: &Region) -> u64 {
        let (extents, chunk) = (self.info.shape, self.chunks.shape());
        match &self.shards {
            Some(shards) => shards.encoding_bytes(),
            None if (0..chunk.len()).all(|axis| extents[axis].is_multiple_of(chunk[axis])) => 0,
            None => self.chunks.decoded_bytes() as u64,
        }
    }

    fn beside(&self) -> Option<PathBuf> {
        Some(self.target.clone())
    }

    fn begin(&self, identity: &Identity) -> Result<()> {
        refuse_existing(&self.target, self.options.overwrite)?;
        self.partial.begin()?;
        *self.identity() = Some(identity.0.clone());
        Ok(())
    }

    fn resume(&self, identity: &Identity) -> Result<bool> {
        refuse_existing(&self.target, self.options.overwrite)?;
        let is_there = self.partial.resume()?;
        *self.identity() = is_there.then(|| identity.0.clone());
        Ok(is_there)
    }

    fn read_back(&self, written: &Written, take: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let file = self.chunks.file(&self.index(&written.region)?);
        let found = match file.symlink_metadata() {
            Ok(meta) if meta.is_file() => Some(meta.len()),
            Ok(_) => return Ok(false),
            Err(_) => None,
        };
        if found.unwrap_or(0) != stored_bytes(written) || found == Some(0) {
            return Ok(false);
        }
        let read =
            found.map_or(Ok(()), |bytes| fs::File::open(&file).and_then(|open| crate::os::read_in_pieces(&open, 0, bytes, take)));
        read.map(|()| true).map_err(|e| Error::io("read back", &file, &e))
    }

    fn keep(&self, written: &[Written]) -> Result<()> {
        for unit in written.iter().filter(|unit| stored_bytes(unit) > 0) {
            self.partial.found(&self.chunks.file(&self.index(&unit.region)?), stored_bytes(unit));
        }
        Ok(())
    }

    fn encode(&self, region: &Region, decoded: &[u8]) -> Result<Vec<u8>> {
        let (dtype, chunk) = (self.info.dtype, self.chunks.shape());
        self.index(region)?;
        if decoded.len() != region.shape.count() * dtype.size() {
            return Err(Error::bug(format!("{}: {} bytes for {region} of {dtype}", self.name(), decoded.len())));
        }
        if decoded.iter().all(|b| *b == 0) {
            return Ok(Vec::new());
        }
        let part = View::contiguous(decoded, dtype, region.shape);
        let encoded = match &self.shards {
            Some(shards) => shards.encode(&part),
            None if region.shape == chunk => self.chunks.encode(Cow::Borrowed(decoded)),
            None => {
                let mut filled = vec![0u8; self.chunks.decoded_bytes()];
                copy_view(&part, &mut filled, &chunk, &Dims::filled(chunk.len(), 0));
                self.chunks.encode(Cow::Owned(filled))
            }
        };
        let mut encoded = encoded.map_err(|why| Error::machine(format!("{}: {region} does not encode: {why}", self.name())))?;
        // What compresses well keeps no room for what does not.
        if encoded.len() < encoded.capacity() / 2 {
            encoded.shrink_to_fit();
        }
        Ok(encoded)
    }

    /// The note is the length of the chunk's file; 0 where there is none.
    fn write(&self, region: &Region, encoded: &[u8]) -> Result<Vec<u8>> {
        let index = self.index(region)?;
        if self.identity().is_none() {
            return Err(Error::bug(format!("{}: {region} is written outside begin and finish", self.name())));
        }
        let file = self.chunks.file(&index);
        // No bytes: only zeros, which the fill value says already.
        if encoded.is_empty() {
            self.partial.put_nothing(&file)?;
        } else {
            self.partial.put(&file, encoded)?;
            self.loose.lock().unwrap_or_else(PoisonError::into_inner).push(file);
        }
        Ok((encoded.len() as u64).to_le_bytes().to_vec())
    }

    fn sync(&self) -> Result<()> {
        let loose = std::mem::take(&mut *self.loose.lock().unwrap_or_else(PoisonError::into_inner));
        let durable =
            |path: &PathBuf| fs::File::open(path).and_then(|f| f.sync_all()).map_err(|e| Error::io("complete", path, &e));
        loose.iter().try_for_each(durable)
    }

    fn finish(&self) -> Result<()> {
        let Some(identity) = self.identity().clone() else {
            return Err(Error::bug(format!("{}: finished without having begun", self.name())));
        };
        refuse_existing(&self.target, self.options.overwrite)?;
        self.partial.check_files()?;
        self.write_documents(&identity)?;
        if self.target.symlink_metadata().is_ok() {
            fs::remove_dir_all(&self.target).map_err(|e| Error::io("replace", &self.target, &e))?;
        }
        self.partial.rename(&self.target)?;
        *self.identity() = None;
        Ok(())
    }

    fn suspend(&self) {
        self.partial.close();
        *self.identity() = None;
    }

    fn abandon(&self) {
        *self.identity() = None;
        self.partial.abandon();
    }
}
