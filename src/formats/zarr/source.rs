//! One array of chunk files as a source.
//! It does not know metadata formats, nor how a chunk is encoded.

use super::codec::{Chunks, chunk_error};
use super::meta::{self, ArrayNode, Node};
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::grid::{Dims, Grid, Region, indices};
use crate::os::Stamp;
use crate::storage::{Info, Source, changed};
use crate::tile::{View, copy_view, fill};
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// An array that is read.
#[derive(Debug)]
pub struct ZarrSource {
    info: Info,
    chunks: Chunks,
    /// Its array folder.
    folder: PathBuf,
    /// The metadata document: while it is there, a chunk that is not was never written.
    document: PathBuf,
    /// What was opened (the array, or a group or image around it) and the array's folder, from the root on.
    whole: Vec<PathBuf>,
    /// The document without attributes, as it was read.
    text: String,
}

impl ZarrSource {
    /// Prepares the codecs.
    ///
    /// # Errors
    /// Chunk grids and codecs that are not supported.
    pub fn new(named: &Path, node: ArrayNode, info: Info) -> Result<Self> {
        let chunks = Chunks::new(&node, info.shape.len(), info.dtype)?;
        let text = serde_json::Value::Object(node.json).to_string();
        let whole = [named, &node.folder].map(crate::formats::from_root).to_vec();
        Ok(ZarrSource { info, chunks, folder: node.folder, document: node.document, whole, text })
    }

    /// Whether a chunk's file that is not found was never written.
    fn is_absent(&self, path: &Path) -> bool {
        self.document.exists() && !is_cut_link(path, &self.folder)
    }

    fn decode_chunk(&self, unit: &Dims, stored: Vec<u8>, out: &mut [u8]) -> Result<()> {
        self.chunks.decode(stored, out).map_err(|why| chunk_error(&self.chunks.file(unit), &why))
    }

    fn read(&self, path: &Path, file: File) -> Result<Vec<u8>> {
        let len = file.metadata().map_err(|e| Error::io("read the size of", path, &e))?.len();
        let bound = self.chunks.stored_bound();
        if len > bound {
            let raw = self.chunks.decoded_bytes();
            let what = format!("{}: the chunk file has {len} bytes; no codec makes more than {bound} of {raw}", path.display());
            return Err(Error::machine(what));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
        let doing = format!("read {len} bytes at 0 of");
        file.take(len).read_to_end(&mut bytes).map_err(|e| Error::io(&doing, path, &e))?;
        Ok(bytes)
    }
}

/// Whether a path leads to a link whose end is not there: that is something lost, not something that was never stored.
fn is_cut_link(path: &Path, root: &Path) -> bool {
    let mut at = path;
    loop {
        match (at.symlink_metadata(), at.parent()) {
            (Ok(_), _) => return !at.exists(),
            // What lies above may be the link.
            (Err(_), Some(above)) if at != root => at = above,
            _ => return false,
        }
    }
}

impl Source for ZarrSource {
    fn info(&self) -> &Info {
        &self.info
    }

    fn name(&self) -> String {
        self.folder.display().to_string()
    }

    fn unit(&self) -> Dims {
        Grid::new(self.info.shape, self.chunks.shape()).unit
    }

    fn stored_bytes(&self, _unit: &Dims) -> u64 {
        self.chunks.stored_bound()
    }

    /// A chunk that the array's end cuts short is decoded whole before what lies inside is copied.
    fn decoding_bytes(&self) -> u64 {
        let (extents, chunk) = (self.info.shape, self.chunks.shape());
        self.chunks.decoding_bytes((0..chunk.len()).all(|axis| extents[axis].is_multiple_of(chunk[axis])))
    }

    fn fetch(&self, unit: &Dims) -> Result<Option<Vec<u8>>> {
        let path = self.chunks.file(unit);
        match crate::os::open(&path) {
            Ok(file) => self.read(&path, file).map(Some),
            Err(e) if e.kind() == ErrorKind::NotFound && self.is_absent(&path) => Ok(None),
            Err(e) => Err(Error::io("open", &path, &e)),
        }
    }

    fn decode(&self, unit: &Dims, stored: Option<Vec<u8>>, out: &mut [u8]) -> Result<()> {
        let (dtype, chunk) = (self.info.dtype, self.chunks.shape());
        let region = Grid::new(self.info.shape, chunk).region(unit);
        if out.len() != region.shape.count() * dtype.size() {
            return Err(Error::bug(format!("{}: {} bytes are asked for of {region}", self.name(), out.len())));
        }
        match stored {
            None => fill(out, self.chunks.fill_value()),
            Some(stored) if region.shape == chunk => self.decode_chunk(unit, stored, out)?,
            Some(stored) => {
                let mut decoded = vec![0; self.chunks.decoded_bytes()];
                self.decode_chunk(unit, stored, &mut decoded)?;
                let mut part = View::contiguous(&decoded, dtype, chunk);
                part.shape = region.shape;
                copy_view(&part, out, &region.shape, &Dims::filled(chunk.len(), 0));
            }
        }
        if dtype == Dtype::Bool {
            out.iter_mut().for_each(|b| *b = u8::from(*b != 0));
        }
        Ok(())
    }

    fn fingerprint(&self) -> String {
        format!("zarr {}", self.text)
    }

    /// The metadata, and a hash of what tells the file of each chunk of the region from others, also where none is stored. It looks at
    /// every such file, for chunks are rewritten in place, deep in folders that do not change: 3 µs a file (an EPYC, a local disk), beside
    /// 80 that a run takes for one of 1 KiB.
    fn stamp(&self, region: &Region) -> Result<String> {
        let now = match meta::read_node(&self.folder)? {
            Some(Node::Array(node)) => serde_json::Value::Object(node.json).to_string(),
            _ => String::new(),
        };
        if now != self.text {
            return Err(changed(&self.name(), "after it was opened"));
        }
        let mut all = std::hash::DefaultHasher::new();
        for unit in indices(Grid::new(self.info.shape, self.chunks.shape()).touching(region)) {
            let path = self.chunks.file(&unit);
            match path.metadata() {
                Ok(meta) => Stamp::of(&meta).anywhere().hash(&mut all),
                Err(e) if e.kind() == ErrorKind::NotFound => "".hash(&mut all),
                Err(e) => return Err(Error::io("look at", &path, &e)),
            }
        }
        Ok(format!("{:016x}", all.finish()))
    }

    fn files(&self) -> Vec<PathBuf> {
        self.whole.clone()
    }
}
