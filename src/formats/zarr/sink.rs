//! One Zarr v3 array, plain or as the only level of an OME-Zarr 0.5 image, as a sink.
//! It does not know what is written, nor how a chunk is encoded.

use super::codec::{Chunks, raw_bound};
use super::meta::{ArrayNode, own_attributes};
use super::ome;
use crate::error::{Error, Result};
use crate::grid::{Dims, Grid, Region};
use crate::storage::{Axis, Identity, Info, Sink, Written};
use crate::tile::{View, copy_view};
use serde_json::{Map, Value, json};
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The most elements of a chunk whose extents nobody chose.
const CHUNK_ELEMENTS: usize = 1 << 21;

/// A file in an unfinished output: what has it may be deleted by the next run.
const MARKER: &str = ".stackmill-partial";

/// How a Zarr output is laid out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// An OME-Zarr 0.5 image instead of a plain array.
    pub ome: bool,
    /// Replace a Zarr that has the name already.
    pub overwrite: bool,
    /// Extents of a chunk; chosen by the axes where none.
    pub chunk: Option<Dims>,
}

/// An array that is written.
#[derive(Debug)]
struct ZarrSink {
    info: Info,
    chunks: Chunks,
    target: PathBuf,
    partial: PathBuf,
    /// Where the array's `zarr.json` goes: the partial folder, or `0` inside it.
    array: PathBuf,
    document: Map<String, Value>,
    options: Options,
    identity: Mutex<Option<String>>,
    /// Chunk files written since they were last made durable.
    loose: Mutex<Vec<PathBuf>>,
}

/// Prepares a Zarr v3 array or OME-Zarr 0.5 image: zstd level 3, little-endian. Nothing is written before
/// [`Sink::begin`]. Chunks that hold only zeros are not stored; they read as the fill value 0.
///
/// # Errors
/// A target that exists and `overwrite` false, a folder that is no Zarr, chunk extents that do not fit the array, axes
/// that OME-Zarr does not allow.
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
    let chunk = chosen_chunk(path, &info, options.chunk)?;
    let document = document_of(&info, &chunk);
    let node = ArrayNode {
        folder: array.clone(),
        document: path.to_owned(),
        version: 3,
        json: document.clone(),
        attributes: Value::Null,
    };
    let chunks = Chunks::new(&node, info.shape.len(), info.dtype)?;
    let (target, options) = (path.to_owned(), *options);
    Ok(Box::new(ZarrSink {
        info,
        chunks,
        target,
        partial,
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

fn chosen_chunk(target: &Path, info: &Info, asked: Option<Dims>) -> Result<Dims> {
    let Some(asked) = asked else { return Ok(default_chunk(info)) };
    if asked.len() != info.shape.len() || asked.contains(&0) {
        let what = format!("{}: chunks of {asked} do not fit an array of shape {}", target.display(), info.shape);
        return Err(Error::caller(what).hint("give one extent of at least 1 for each axis"));
    }
    Ok(asked)
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
fn document_of(info: &Info, chunk: &Dims) -> Map<String, Value> {
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
    let entries = [
        ("zarr_format", json!(3)),
        ("node_type", json!("array")),
        ("shape", json!(info.shape.to_vec())),
        ("data_type", json!(info.dtype.numpy_name())),
        ("chunk_grid", json!({"name": "regular", "configuration": {"chunk_shape": chunk.to_vec()}})),
        ("chunk_key_encoding", json!({"name": "default", "configuration": {"separator": "/"}})),
        ("fill_value", fill),
        ("codecs", json!([bytes, zstd])),
        ("dimension_names", info.axes.iter().map(name).collect()),
    ];
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
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

    /// A fresh folder; what a run left that did not finish goes first.
    fn clear_partial(&self) -> Result<()> {
        let partial = &self.partial;
        if partial.symlink_metadata().is_ok() {
            if !partial.join(MARKER).is_file() {
                let what = format!("{} exists and was not left by an unfinished run", partial.display());
                return Err(Error::caller(what).hint("rename or remove it"));
            }
            fs::remove_dir_all(partial).map_err(|e| Error::io("remove", partial, &e))?;
        }
        fs::create_dir(partial).map_err(|e| Error::io("create", partial, &e))?;
        fs::write(partial.join(MARKER), []).map_err(|e| Error::io("write into", partial, &e))
    }

    fn write_document(&self, folder: &Path, mut document: Map<String, Value>, attributes: Value) -> Result<()> {
        document.insert("attributes".to_owned(), attributes);
        let path = folder.join("zarr.json");
        fs::create_dir_all(folder).map_err(|e| Error::io("create", folder, &e))?;
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
        self.write_document(&self.partial, group, attributes)
    }

    fn identity(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a file under a passing name first, so that a chunk is there whole or not at all.
fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    let passing = path.with_extension("partial");
    let written = fs::write(&passing, bytes).or_else(|e| match (e.kind(), path.parent()) {
        (ErrorKind::NotFound, Some(folder)) => fs::create_dir_all(folder).and_then(|()| fs::write(&passing, bytes)),
        _ => Err(e),
    });
    let doing = format!("write {} bytes at 0 of", bytes.len());
    written.and_then(|()| fs::rename(&passing, path)).map_err(|e| Error::io(&doing, path, &e))
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

    fn encoded_bytes(&self, _region: &Region) -> u64 {
        raw_bound(self.chunks.decoded_bytes() as u64).max(self.chunks.stored_bound())
    }

    /// What a shard or a chunk becomes whole before it is encoded.
    fn encoding_bytes(&self, _region: &Region) -> u64 {
        2 * self.chunks.decoded_bytes() as u64
    }

    fn beside(&self) -> Option<PathBuf> {
        Some(self.target.clone())
    }

    fn begin(&self, identity: &Identity) -> Result<()> {
        refuse_existing(&self.target, self.options.overwrite)?;
        self.clear_partial()?;
        *self.identity() = Some(identity.0.clone());
        Ok(())
    }

    fn resume(&self, identity: &Identity, written: &[Written]) -> Result<bool> {
        refuse_existing(&self.target, self.options.overwrite)?;
        let mut whole = self.partial.join(MARKER).is_file();
        for unit in written {
            let stored = <[u8; 8]>::try_from(unit.note.as_slice()).map_or(u64::MAX, u64::from_le_bytes);
            let found = || fs::metadata(self.chunks.file(&self.index(&unit.region)?)).map_err(|e| Error::bug(e.to_string()));
            whole = whole && (stored == 0 || found().is_ok_and(|meta| meta.len() == stored));
        }
        *self.identity() = whole.then(|| identity.0.clone());
        Ok(whole)
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
        let mut whole = vec![0u8; self.chunks.decoded_bytes()];
        let part = View::contiguous(decoded, dtype, region.shape);
        copy_view(&part, &mut whole, &chunk, &Dims::filled(chunk.len(), 0));
        self.chunks.encode(whole).map_err(|why| Error::machine(format!("{}: {region} does not encode: {why}", self.name())))
    }

    /// The note is the length of the chunk's file; 0 where there is none.
    fn write(&self, region: &Region, encoded: &[u8]) -> Result<Vec<u8>> {
        let index = self.index(region)?;
        if self.identity().is_none() {
            return Err(Error::bug(format!("{}: {region} is written outside begin and finish", self.name())));
        }
        // No bytes: only zeros, which the fill value says already.
        if !encoded.is_empty() {
            let file = self.chunks.file(&index);
            put(&file, encoded)?;
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
        self.write_documents(&identity)?;
        if self.target.symlink_metadata().is_ok() {
            fs::remove_dir_all(&self.target).map_err(|e| Error::io("replace", &self.target, &e))?;
        }
        fs::rename(&self.partial, &self.target).map_err(|e| Error::io("give its name to", &self.target, &e))?;
        *self.identity() = None;
        // An empty hidden file that no reader looks at: should it stay, nothing is wrong with the array.
        let _ = fs::remove_file(self.target.join(MARKER));
        Ok(())
    }

    fn suspend(&self) {
        *self.identity() = None;
    }

    fn abandon(&self) {
        if self.identity().take().is_some() {
            // The root document goes first: whatever else cannot be removed does not look whole.
            let _ = fs::remove_file(self.partial.join("zarr.json"));
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}
