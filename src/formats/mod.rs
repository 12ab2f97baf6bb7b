//! The catalogue of formats: one file or folder each, all speaking storage's [`Source`] and [`Sink`].
//! It does not know what is computed between reading and writing, nor when a unit is asked for.

pub mod memory;
pub mod npy;
mod partial;
#[cfg(feature = "tiff")]
pub mod tiff;
#[cfg(feature = "zarr")]
pub mod zarr;

use crate::error::{Error, Result, Subject, unknown};
use crate::grid::Dims;
use crate::os::Stamp;
use crate::storage::{Info, Sink, Source, changed};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// How an output is written, beyond what its name says.
#[derive(Clone, Copy, Debug, Default)]
pub struct WriteOptions {
    /// Whether an output that exists is replaced.
    pub overwrite: bool,
    /// Whether a TIFF is tiled.
    pub tiled: bool,
    /// Extents of a Zarr's chunks; chosen by the axes where none.
    pub chunks: Option<Dims>,
    /// Extents of a Zarr's shards, multiples of a chunk's; no shards where none.
    pub shards: Option<Dims>,
}

/// One format: its name, the endings that mean it, what is read and written.
#[derive(Clone, Copy)]
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// Endings of file names, longest first.
    pub endings: &'static [&'static str],
    /// What of it is read.
    pub reads: &'static str,
    /// What of it is written.
    pub writes: &'static str,
    /// Whether it is written in chunks whose extents can be asked for.
    chunked: bool,
    open: fn(&Path) -> Result<Box<dyn Source>>,
    create: fn(&Path, &Info, WriteOptions) -> Result<Box<dyn Sink>>,
}

/// The formats of this build, in the order in which endings are tried.
pub static FORMATS: &[Format] = &[
    #[cfg(feature = "zarr")]
    Format {
        name: "OME-Zarr",
        endings: &[".ome.zarr"],
        reads: "0.4 (Zarr v2) and 0.5 (v3), full resolution",
        writes: "0.5, one resolution, zstd, shards",
        chunked: true,
        open: zarr::open,
        create: |path, info, options| zarr::create(path, info, &zarr_options(options, true)),
    },
    #[cfg(feature = "zarr")]
    Format {
        name: "Zarr",
        endings: &[".zarr"],
        reads: "v2 and v3 arrays: raw, gzip, zstd, blosc, shards, transpose",
        writes: "v3, zstd, shards, dimension names",
        chunked: true,
        open: zarr::open,
        create: |path, info, options| zarr::create(path, info, &zarr_options(options, false)),
    },
    #[cfg(feature = "tiff")]
    Format {
        name: "OME-TIFF",
        endings: &[".ome.tif", ".ome.tiff"],
        reads: "as TIFF, axes and pixel sizes from OME-XML",
        writes: "BigTIFF, tiles, deflate",
        chunked: false,
        open: tiff::open,
        create: |path, info, options| tiff::create(path, info, &tiff_options(options, true)),
    },
    #[cfg(feature = "tiff")]
    Format {
        name: "TIFF",
        endings: &[".tif", ".tiff"],
        reads: "classic and Big, strips and tiles, raw, LZW, deflate, PackBits, predictors 1-3, many pages, ImageJ",
        writes: "strips as ImageJ writes them; --tiled: BigTIFF tiles, deflate",
        chunked: false,
        open: tiff::open,
        create: |path, info, options| tiff::create(path, info, &tiff_options(options, false)),
    },
    Format {
        name: "NPY",
        endings: &[".npy"],
        reads: "1.0 to 3.0, both byte orders, both memory orders",
        writes: "1.0, C order",
        chunked: false,
        open: npy::open,
        create: |path, info, options| npy::create(path, info, options.overwrite),
    },
];

#[cfg(feature = "zarr")]
fn zarr_options(options: WriteOptions, ome: bool) -> zarr::Options {
    zarr::Options { ome, overwrite: options.overwrite, chunk: options.chunks, shard: options.shards }
}

#[cfg(feature = "tiff")]
fn tiff_options(options: WriteOptions, ome: bool) -> tiff::Options {
    tiff::Options { tiled: options.tiled || ome, ome, overwrite: options.overwrite }
}

/// The format that a file's name means.
///
/// # Errors
/// An ending of no format.
pub fn by_name(path: &Path) -> Result<&'static Format> {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let found = FORMATS.iter().find(|f| f.endings.iter().any(|e| name.ends_with(e)));
    found.ok_or_else(|| {
        let ending = name.rfind('.').map_or("", |dot| &name[dot..]);
        unknown("file ending", ending, FORMATS.iter().flat_map(|f| f.endings.iter().copied())).at(path.display().to_string())
    })
}

/// Opens a file, a Zarr folder, or a folder or glob of files as one stack. Nothing but descriptions is read.
///
/// # Errors
/// What is missing, of no format, broken, or not supported, each naming the path.
pub fn open(path: &Path) -> Result<Box<dyn Source>> {
    let text = path.to_string_lossy();
    let found = there(path, "open")?;
    let is_dir = found.as_ref().is_some_and(std::fs::Metadata::is_dir);
    let is_pattern = text.contains(['*', '?']) && found.is_none();
    let mut is_zarr = false;
    for name in ["zarr.json", ".zarray", ".zgroup", ".zattrs"].iter().filter(|_| is_dir) {
        is_zarr |= there(&path.join(name), "open")?.is_some();
    }
    if is_zarr {
        return by_ending(".zarr", path).and_then(|format| (format.open)(path));
    }
    if is_pattern || is_dir && by_name(path).is_err() {
        return open_stack(path);
    }
    if found.is_none() {
        let error = Error::caller(format!("no such file: {}", path.display())).on(Subject::MissingFile);
        return Err(match near(path) {
            Some(name) => error.hint(format!("did you mean '{}'?", name.display())),
            None => error,
        });
    }
    (by_name(path)?.open)(path)
}

/// What lies at a path; none where nothing does.
///
/// # Errors
/// Paths that lead nowhere for another reason: folders that may not be entered, links in a circle.
fn there(path: &Path, doing: &str) -> Result<Option<std::fs::Metadata>> {
    match path.metadata() {
        Ok(meta) => Ok(Some(meta)),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(Error::io(doing, path, &e)),
    }
}

/// A path from the root on.
fn from_root(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The stamp of a file that is open, whose bytes are to be those of then.
fn stamp_of_open(file: &std::fs::File, path: &Path, then: &Stamp) -> Result<String> {
    let now = file.metadata().map_err(|e| Error::io("look at", path, &e))?;
    unchanged(path, Stamp::of(&now), then)
}

/// The same of a file that is opened anew for each read.
#[cfg(feature = "tiff")]
fn stamp_of_path(path: &Path, then: &Stamp) -> Result<String> {
    let now = path.metadata().map_err(|e| Error::io("look at", path, &e))?;
    unchanged(path, Stamp::of(&now).anywhere(), then)
}

fn unchanged(path: &Path, now: Stamp, then: &Stamp) -> Result<String> {
    match now.is_as_written(then) {
        true => Ok(format!("{now:?}")),
        false => Err(changed(&path.display().to_string(), "after it was opened")),
    }
}

fn by_ending(ending: &str, path: &Path) -> Result<&'static Format> {
    let found = FORMATS.iter().find(|f| f.endings.contains(&ending));
    found.ok_or_else(|| Error::caller(format!("{} is a {ending} folder, which this build does not read", path.display())))
}

/// A file of nearly this name beside it.
fn near(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wanted = path.file_name()?.to_string_lossy().into_owned();
    let names: Vec<String> =
        std::fs::read_dir(folder).ok()?.flatten().take(4096).map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    let name = crate::error::nearest(&wanted, names.iter().map(String::as_str))?;
    Some(path.with_file_name(name))
}

#[cfg(feature = "tiff")]
fn open_stack(path: &Path) -> Result<Box<dyn Source>> {
    tiff::open_stack(&tiff::expand(path)?)
}

#[cfg(not(feature = "tiff"))]
fn open_stack(path: &Path) -> Result<Box<dyn Source>> {
    Err(Error::caller(format!("{} is a folder or pattern; stacks of files need the feature tiff", path.display())))
}

/// Refuses as an output what can be none whether it is replaced or not: a pipe, a device, a folder where a file is written.
fn refuse_odd(path: &Path, format: &Format) -> Result<()> {
    let Ok(meta) = std::fs::metadata(path) else { return Ok(()) };
    let kind = match crate::os::odd(meta.file_type()) {
        None if meta.is_dir() && !format.chunked => "a folder",
        None if meta.is_file() && format.chunked => "a file",
        None => return Ok(()),
        Some(kind) => kind,
    };
    let wanted = if format.chunked { "a folder" } else { "a file" };
    let what = format!("{} is {kind}; a {} is written as {wanted}", path.display(), format.name);
    Err(Error::caller(what).on(Subject::ExistingFile).hint("choose another name"))
}

/// Whether a path ends in a separator, or in a dot behind one.
fn is_spelled_as_folder(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    let text = text.strip_suffix(b".").unwrap_or(text);
    text.last().is_some_and(|last| std::path::is_separator(char::from(*last)))
}

/// Creates an output of the format that its name means. Nothing is written before the run begins.
///
/// # Errors
/// An unknown ending, an output that exists, a description that the format cannot hold.
pub fn create(path: &Path, info: &Info, options: WriteOptions) -> Result<Box<dyn Sink>> {
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty())
        && !there(folder, "write into")?.is_some_and(|meta| meta.is_dir())
    {
        return Err(Error::caller(format!("no such folder: {}", folder.display())).hint("create it first"));
    }
    let format = by_name(path)?;
    let plain: PathBuf = path.components().collect();
    if !format.chunked && plain.as_os_str().len() != path.as_os_str().len() && is_spelled_as_folder(path) {
        let what = format!("{} ends as a folder's name does, and {} is a file", path.display(), format.name);
        return Err(Error::caller(what).hint(format!("write {}", plain.display())));
    }
    let path = &plain;
    refuse_odd(path, format)?;
    if !format.chunked && (options.chunks.is_some() || options.shards.is_some()) {
        let what = format!("{} is {}, which has no chunks of a shape to choose", path.display(), format.name);
        return Err(Error::caller(what).hint("a name that ends in .zarr or .ome.zarr has; leave out --chunks and --shards"));
    }
    (format.create)(path, info, options)
}
