//! One array of chunk files as a source.
//! It does not know metadata formats, nor how a chunk is encoded.

use super::codec::{Chunks, chunk_error};
use super::meta::ArrayNode;
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::grid::{Dims, Grid};
use crate::storage::{Info, Source};
use crate::tile::{View, copy_view, fill};
use std::fs::File;
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
    fingerprint: String,
}

impl ZarrSource {
    /// Prepares the codecs.
    ///
    /// # Errors
    /// Chunk grids and codecs that are not supported.
    pub fn new(node: ArrayNode, info: Info) -> Result<Self> {
        let chunks = Chunks::new(&node, info.shape.len(), info.dtype)?;
        let text = serde_json::Value::Object(node.json).to_string();
        let fingerprint = format!("zarr {} {} {text}", changed(&node.document), changed(&node.folder));
        Ok(ZarrSource { info, chunks, folder: node.folder, document: node.document, fingerprint })
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

/// What tells a file or a folder from what lay at its path before; nothing where it cannot be looked at.
fn changed(path: &Path) -> String {
    std::fs::metadata(path).map(|meta| crate::os::stamp(&meta)).unwrap_or_default()
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
            Err(e) if e.kind() == ErrorKind::NotFound && self.document.exists() => Ok(None),
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

    /// The metadata and when it and the folder changed. A chunk replaced in place later is not seen.
    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }
}
