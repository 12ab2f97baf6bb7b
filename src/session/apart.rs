//! What a run writes lies apart from what it reads, and its outputs from each other, however their paths are spelled: by the real paths,
//! by which file a name leads to, and by what lies in what.
//! It does not know formats: of a source it knows the files and folders that it is read from.

use super::lock::real;
use crate::error::{Error, Result};
use crate::graph::{Array, Body};
use crate::os::file_id;
use crate::plan::nodes_of;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What a run keeps beside an output, before its name and behind it: whoever reads that would read what is written.
const BESIDE: [(&str, &str); 6] =
    [(".", ".partial"), (".", ".ordered"), (".", ".journal"), (".", ".lock"), (".", ".scratch"), ("", ".partial")];

/// The files and folders that arrays are read from.
pub(super) fn read_by(arrays: &[Array]) -> Vec<PathBuf> {
    let nodes = nodes_of(arrays, &|_| false);
    let sources = nodes.iter().filter_map(|array| match &array.node().body {
        Body::Source(source) => Some(source.files()),
        _ => None,
    });
    sources.flatten().collect()
}

/// Refuses outputs that are read, lie in what is read or around it, or in each other.
///
/// # Errors
/// The first of them.
pub(super) fn check(outputs: &[&Path], read: &[PathBuf]) -> Result<()> {
    let inputs = Inputs::of(read);
    outputs.iter().try_for_each(|output| inputs.refuse(output))?;
    for (number, one) in outputs.iter().enumerate() {
        for other in outputs.iter().take(number) {
            let (a, b) = (real(one), real(other));
            if a.starts_with(&b) || b.starts_with(&a) {
                let (inner, outer) = if a.starts_with(&b) { (one, other) } else { (other, one) };
                let what = format!("{} would be written into {}, which is written too", inner.display(), outer.display());
                return Err(Error::caller(what).hint("choose another name"));
            }
        }
    }
    Ok(())
}

/// What is read, as the system knows it.
struct Inputs<'p> {
    read: &'p [PathBuf],
    /// The files and folders themselves, whatever their names.
    ids: HashMap<(u64, u64), &'p Path>,
    /// The folders among them.
    folders: Vec<(PathBuf, &'p Path)>,
}

impl<'p> Inputs<'p> {
    fn of(read: &'p [PathBuf]) -> Inputs<'p> {
        let mut inputs = Inputs { read, ids: HashMap::new(), folders: Vec::new() };
        for path in read {
            // What is not there any more is nothing that could be written over.
            let Ok(meta) = path.metadata() else { continue };
            inputs.ids.extend(file_id(&meta).map(|id| (id, path.as_path())));
            if meta.is_dir() {
                inputs.folders.extend(path.canonicalize().map(|whole| (whole, path.as_path())));
            }
        }
        inputs
    }

    /// An input may only be an output, or lie in one, where there is something already.
    fn refuse(&self, output: &Path) -> Result<()> {
        let own = real(output);
        if let Some((_, folder)) = self.folders.iter().find(|(folder, _)| own.starts_with(folder) && own != *folder) {
            let what = format!("{} would be written into {}, which is read", output.display(), folder.display());
            return Err(Error::caller(what).hint("choose a name outside of it"));
        }
        let name = own.file_name().unwrap_or_default();
        let beside = BESIDE.iter().map(|(before, behind)| {
            let mut beside = OsString::from(before);
            beside.push(name);
            beside.push(behind);
            own.with_file_name(beside)
        });
        for path in std::iter::once(own.clone()).chain(beside) {
            let Ok(meta) = path.metadata() else { continue };
            let same = file_id(&meta).and_then(|id| self.ids.get(&id).copied());
            let whole = path.canonicalize().unwrap_or(path.clone());
            let around = |read: &&PathBuf| read.canonicalize().is_ok_and(|read| read.starts_with(&whole));
            match same.or_else(|| self.inside(&meta, around)) {
                None => {}
                Some(_) if path == own && !meta.is_dir() => {
                    return Err(Error::caller(format!("{} is read and cannot be written too", output.display()))
                        .hint("choose another name"));
                }
                Some(read) => {
                    let what = format!("{} is read and would be lost: it is or lies in {}", read.display(), path.display());
                    return Err(Error::caller(what).hint("choose another name"));
                }
            }
        }
        Ok(())
    }

    fn inside(&self, meta: &std::fs::Metadata, around: impl Fn(&&PathBuf) -> bool) -> Option<&'p Path> {
        // Files that are told apart by their numbers need no such look; where they are not, names must do.
        if meta.is_dir() || file_id(meta).is_none() {
            return self.read.iter().find(around).map(PathBuf::as_path);
        }
        None
    }
}
