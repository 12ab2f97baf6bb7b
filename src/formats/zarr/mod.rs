//! Zarr arrays and OME-Zarr images in folders: version 2 and 3 are read, version 3 and OME-Zarr 0.5 are written.
//! It does not know stores other than folders, nor the levels of a pyramid below the finest.
//!
//! A unit is one chunk; of a sharded array it is one shard, read and decoded whole. Output goes to `NAME.partial` beside
//! the target, its root `zarr.json` is written last, and it takes its name when it is whole.

mod codec;
mod folder;
mod guard;
mod meta;
mod ome;
mod plain;
mod shard;
mod sink;
mod source;

pub use sink::{Options, create};

use crate::error::{Error, Result};
use crate::storage::Source;
use meta::{ArrayNode, Node};
use serde_json::Value;
use source::ZarrSource;
use std::path::{Component, Path};

/// Opens a Zarr array, the finest level of an OME-Zarr image, or the one array or image of a group.
///
/// # Errors
/// A path that is none of these (the message lists what is inside), metadata that is broken, and dtypes, chunk grids
/// and codecs that are not supported.
pub fn open(path: &Path) -> Result<Box<dyn Source>> {
    let found = std::fs::metadata(path).map_err(|e| Error::io("open", path, &e))?;
    if !found.is_dir() {
        let kind = crate::os::odd(found.file_type()).unwrap_or("a file");
        return Err(Error::caller(format!("{} is {kind}; a Zarr array is a folder", path.display())));
    }
    match meta::read_node(path)? {
        Some(node) => open_node(path, path, node),
        None => {
            let what = format!("{}: no Zarr array or group: it has no zarr.json, .zarray or .zgroup", path.display());
            Err(Error::caller(what))
        }
    }
}

/// Opens a node of what was named: itself, or what lies in it.
fn open_node(named: &Path, path: &Path, node: Node) -> Result<Box<dyn Source>> {
    match node {
        Node::Array(array) => open_array(named, array),
        Node::Group(attributes) if ome::is_image(&attributes) => open_image(named, path, &attributes),
        Node::Group(_) => open_only_child(named, path),
    }
}

fn open_array(named: &Path, node: ArrayNode) -> Result<Box<dyn Source>> {
    let info = meta::info_of(&node)?;
    Ok(Box::new(ZarrSource::new(named, node, info)?))
}

fn open_image(named: &Path, path: &Path, attributes: &Value) -> Result<Box<dyn Source>> {
    let image = ome::parse(path, attributes)?;
    let inside = Path::new(&image.path);
    if !inside.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(Error::caller(format!("{}: multiscales name the level '{}' outside the image", path.display(), image.path)));
    }
    let folder = path.join(inside);
    let Some(Node::Array(node)) = meta::read_node(&folder)? else {
        return Err(Error::caller(format!("{}: multiscales name level '{}', which is no array", path.display(), image.path)));
    };
    let mut info = meta::info_of(&node)?;
    image.describe(path, &mut info)?;
    meta::apply_own(attributes, &mut info);
    Ok(Box::new(ZarrSource::new(named, node, info)?))
}

/// What a group holds, with what it is in words.
fn children(path: &Path) -> Result<Vec<(String, Node)>> {
    let entries = std::fs::read_dir(path).map_err(|e| Error::io("list", path, &e))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::io("list", path, &e))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let mut found = Vec::new();
    for name in names {
        // A folder that cannot be read as a node is no child; only the one that is opened must be faultless.
        if let Ok(Some(node)) = meta::read_node(&path.join(&name)) {
            found.push((name, node));
        }
    }
    Ok(found)
}

fn open_only_child(named: &Path, path: &Path) -> Result<Box<dyn Source>> {
    let mut found = children(path)?;
    let opens = |node: &Node| match node {
        Node::Array(_) => true,
        Node::Group(attributes) => ome::is_image(attributes),
    };
    let listed: Vec<String> = found.iter().map(|(name, node)| format!("{name} ({})", words_of(node))).collect();
    found.retain(|(_, node)| opens(node));
    if found.len() == 1
        && let Some((name, node)) = found.pop()
    {
        return open_node(named, &path.join(name), node);
    }
    let what = match listed.len() {
        0 => format!("{}: a Zarr group with nothing inside", path.display()),
        _ => format!("{}: a Zarr group, not one array; inside: {}", path.display(), listed.join(", ")),
    };
    let error = Error::caller(what);
    Err(match found.first() {
        Some((name, _)) => error.hint(format!("name one of them, {} for example", path.join(name).display())),
        None => error,
    })
}

fn words_of(node: &Node) -> String {
    match node {
        Node::Group(attributes) if ome::is_image(attributes) => "OME-Zarr image".to_owned(),
        Node::Group(_) => "group".to_owned(),
        Node::Array(array) => meta::info_of(array).map_or("array".to_owned(), |info| format!("{} {}", info.dtype, info.shape)),
    }
}
