//! `info`: what files say about themselves. No pixel is read.
//! It does not know any format.

use super::table::columns;
use crate::error::{Error, Result, bytes_text};
use crate::formats;
use crate::grid::Grid;
use crate::storage::{Axis, Kind, Source};
use clap::Args;
use std::path::{Path, PathBuf};

/// The arguments of `info`.
#[derive(Args, Debug)]
pub struct Info {
    /// Files, Zarr folders, folders or (quoted) globs of files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

impl Info {
    /// Describes each file; those that cannot be described do not keep the others from it.
    pub fn obey(&self) -> Result<()> {
        let mut failed: Option<Error> = None;
        for path in &self.files {
            match formats::open(path) {
                Ok(source) => super::print(&format!("{}\n{}", path.display(), columns(&rows(path, source.as_ref()))))?,
                Err(error) => {
                    if let Some(before) = failed.replace(error) {
                        super::say(&format!("error: {before}"));
                    }
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

fn rows(path: &Path, source: &dyn Source) -> Vec<[String; 2]> {
    let info = source.info();
    let unit = source.unit();
    let units = Grid::new(info.shape, unit).counts().count();
    let row = |name: &str, value: String| [name.to_owned(), value];
    let stored = stored_bytes(path).map_or_else(|| "unknown".to_owned(), bytes_text);
    let mut rows = vec![
        row("shape", info.shape.to_string()),
        row("dtype", info.dtype.to_string()),
        row("axes", axes(&info.axes)),
        row("kind", kind(info.kind).to_owned()),
    ];
    rows.extend(info.nodata.map(|value| row("nodata", value.to_string())));
    rows.push(row("unit", format!("{unit}: the smallest part that is read alone, {units} of them")));
    rows.push(row("stored", stored));
    rows.push(row("decoded", bytes_text(info.bytes())));
    rows.extend(source.notices().into_iter().map(|notice| row("note", notice)));
    rows
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Image => "image",
        Kind::Mask => "mask",
        Kind::Labels => "labels",
        Kind::Rgb => "colour samples along the last axis",
    }
}

/// `z 0.5 micrometer, y 0.1 micrometer, x 0.1 micrometer`; unnamed axes are `?`.
fn axes(axes: &[Axis]) -> String {
    let words = |axis: &Axis| {
        let name = if axis.name.is_empty() { "?" } else { axis.name.as_str() };
        match (&axis.unit, axis.step) {
            (Some(unit), step) => format!("{name} {step} {unit}"),
            (None, step) if step != 1.0 => format!("{name} {step}"),
            _ => name.to_owned(),
        }
    };
    if axes.is_empty() { "none".to_owned() } else { axes.iter().map(words).collect::<Vec<_>>().join(", ") }
}

/// Bytes on disk of a file, of all files of a folder, or of those that a glob means.
fn stored_bytes(path: &Path) -> Option<u64> {
    if !path.exists() {
        return glob_bytes(path);
    }
    let (mut total, mut folders) = (0u64, Vec::new());
    let mut add = |path: &Path, folders: &mut Vec<PathBuf>| -> Option<()> {
        let meta = std::fs::metadata(path).ok()?;
        if meta.is_dir() {
            folders.push(path.to_owned())
        } else {
            total = total.saturating_add(meta.len())
        }
        Some(())
    };
    add(path, &mut folders)?;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).ok()? {
            let entry = entry.ok()?;
            // A link to a folder is not followed: it may lead back here.
            if !entry.file_type().ok()?.is_symlink() {
                add(&entry.path(), &mut folders)?;
            }
        }
    }
    Some(total)
}

#[cfg(feature = "tiff")]
fn glob_bytes(path: &Path) -> Option<u64> {
    let files = formats::tiff::expand(path).ok()?;
    files.iter().map(|file| std::fs::metadata(file).ok().map(|m| m.len())).sum()
}

#[cfg(not(feature = "tiff"))]
fn glob_bytes(_path: &Path) -> Option<u64> {
    None
}
