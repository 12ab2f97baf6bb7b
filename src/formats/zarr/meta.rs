//! The JSON documents of arrays and groups, version 2 and 3: which node a folder is, and an array's description.
//! It does not know codecs, chunks, nor what OME-Zarr adds.

use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::formats::npy::header::parse_descr;
use crate::grid::{Dims, MAX_RANK};
use crate::storage::{Axis, Info, Kind};
use serde_json::{Map, Value, json};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// No document of one array is longer.
const LONGEST_DOCUMENT: u64 = 64 << 20;

/// What a folder is.
pub enum Node {
    /// An array.
    Array(ArrayNode),
    /// A group, with its attributes.
    Group(Value),
}

/// An array's documents.
pub struct ArrayNode {
    /// Where its chunks are.
    pub folder: PathBuf,
    /// `zarr.json` or `.zarray`.
    pub document: PathBuf,
    /// 2 or 3.
    pub version: u8,
    /// The document without attributes.
    pub json: Map<String, Value>,
    /// The attributes, of `.zattrs` in version 2.
    pub attributes: Value,
}

impl ArrayNode {
    /// An error in the document.
    pub fn error(&self, what: &str) -> Error {
        Error::caller(format!("{}: {what}", self.document.display()))
    }
}

/// The node of a folder; `None` where it is none.
///
/// # Errors
/// Documents that cannot be read or are no JSON.
pub fn read_node(folder: &Path) -> Result<Option<Node>> {
    let document = folder.join("zarr.json");
    if let Some(mut json) = read_document(&document)? {
        let attributes = json.remove("attributes").unwrap_or(Value::Null);
        if json.get("zarr_format").and_then(Value::as_u64) != Some(3) {
            return Err(Error::caller(format!("{}: zarr_format is not 3", document.display())));
        }
        return match json.get("node_type").and_then(Value::as_str) {
            Some("group") => Ok(Some(Node::Group(attributes))),
            Some("array") => {
                Ok(Some(Node::Array(ArrayNode { folder: folder.to_owned(), document, version: 3, json, attributes })))
            }
            _ => Err(Error::caller(format!("{}: node_type is neither array nor group", document.display()))),
        };
    }
    let attributes = || read_document(&folder.join(".zattrs")).map(|a| a.map_or(Value::Null, Value::Object));
    let document = folder.join(".zarray");
    if let Some(json) = read_document(&document)? {
        let attributes = attributes()?;
        if json.get("zarr_format").and_then(Value::as_u64) != Some(2) {
            return Err(Error::caller(format!("{}: zarr_format is not 2", document.display())));
        }
        return Ok(Some(Node::Array(ArrayNode { folder: folder.to_owned(), document, version: 2, json, attributes })));
    }
    match read_document(&folder.join(".zgroup"))? {
        Some(_) => Ok(Some(Node::Group(attributes()?))),
        None => Ok(None),
    }
}

fn read_document(path: &Path) -> Result<Option<Map<String, Value>>> {
    let file = match crate::os::open(path) {
        Ok(file) => file,
        // A link whose end is gone is a document that was lost, not one that was never there.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) && path.symlink_metadata().is_err() => {
            return Ok(None);
        }
        Err(e) => return Err(Error::io("open", path, &e)),
    };
    let mut text = Vec::new();
    file.take(LONGEST_DOCUMENT + 1).read_to_end(&mut text).map_err(|e| Error::io("read", path, &e))?;
    if text.len() as u64 > LONGEST_DOCUMENT {
        return Err(Error::caller(format!(
            "{}: a document of more than {LONGEST_DOCUMENT} bytes is not believed",
            path.display()
        )));
    }
    let parsed = serde_json::from_slice(&text).or_else(|e| serde_json::from_slice(&without_bare_words(&text)).map_err(|_| e));
    match parsed {
        Ok(Value::Object(map)) => Ok(Some(map)),
        Ok(_) => Err(Error::caller(format!("{}: its JSON is no object", path.display()))),
        Err(e) => Err(Error::caller(format!("{}: no JSON: {e}", path.display()))),
    }
}

/// Python writes `NaN`, `Infinity` and `-Infinity` outside texts, which JSON does not know: texts take their place.
fn without_bare_words(text: &[u8]) -> Vec<u8> {
    const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
    let mut out = Vec::with_capacity(text.len() + 64);
    let (mut rest, mut inside, mut escaped) = (text, false, false);
    while let Some((&byte, tail)) = rest.split_first() {
        if !inside && let Some(word) = WORDS.into_iter().find(|w| rest.starts_with(w)) {
            out.push(b'"');
            out.extend_from_slice(word);
            out.push(b'"');
            rest = &rest[word.len()..];
            continue;
        }
        inside ^= byte == b'"' && !escaped;
        escaped = inside && byte == b'\\' && !escaped;
        out.push(byte);
        rest = tail;
    }
    out
}

/// Shape, dtype, axis names and what of our own attributes says more.
///
/// # Errors
/// Metadata that is missing, of the wrong type, or not supported.
pub fn info_of(node: &ArrayNode) -> Result<Info> {
    let (shape, dtype) = (extents(node, "shape", node.json.get("shape"))?, dtype_of(node)?);
    // Empty axes count as 1: strides of the other axes must be representable too.
    let reach = shape.iter().try_fold(dtype.size(), |n, d| n.checked_mul((*d).max(1)));
    if reach.is_none_or(|n| isize::try_from(n).is_err()) {
        return Err(node.error(&format!("a {dtype} array of shape {shape} is larger than can be addressed")));
    }
    let mut info = Info::new(shape, dtype);
    info.axes = axis_names(node, shape.len()).iter().map(|name| Axis::named(name)).collect();
    if dtype == Dtype::Bool {
        info.kind = Kind::Mask;
    }
    apply_own(&node.attributes, &mut info);
    Ok(info)
}

/// The extents of a chunk as they are stored; edge chunks have them too.
///
/// # Errors
/// A grid that is not regular, extents of 0, another number of axes.
pub fn chunk_of(node: &ArrayNode, rank: usize) -> Result<Dims> {
    let grid = node.json.get("chunk_grid");
    let listed = match (node.version, grid.and_then(|g| g.get("name")).and_then(Value::as_str)) {
        (2, _) => node.json.get("chunks"),
        (_, Some("regular")) => grid.and_then(|g| g.pointer("/configuration/chunk_shape")),
        (_, name) => return Err(node.error(&format!("chunk grid '{}' is not supported", name.unwrap_or("without name")))),
    };
    let chunk = extents(node, "chunk shape", listed)?;
    if chunk.len() != rank {
        return Err(node.error(&format!("the chunk shape {chunk} has {} axes, the array {rank}", chunk.len())));
    }
    match chunk.contains(&0) {
        true => Err(node.error(&format!("the chunk shape {chunk} has an empty axis"))),
        false => Ok(chunk),
    }
}

fn extents(node: &ArrayNode, what: &str, listed: Option<&Value>) -> Result<Dims> {
    let Some(listed) = listed.and_then(Value::as_array) else {
        return Err(node.error(&format!("the {what} is missing or no list")));
    };
    if listed.len() > MAX_RANK {
        return Err(node.error(&format!("the {what} has {} axes, at most {MAX_RANK} are supported", listed.len())));
    }
    let extent = |n: &Value| n.as_u64().and_then(|n| usize::try_from(n).ok());
    let dims = listed.iter().map(|n| extent(n).ok_or_else(|| node.error(&format!("the {what} holds {n}, no extent"))));
    dims.collect()
}

fn dtype_of(node: &ArrayNode) -> Result<Dtype> {
    if node.version == 2 {
        return match node.json.get("dtype") {
            Some(Value::String(descr)) => parse_descr(descr).map(|found| found.0).map_err(|why| node.error(&why)),
            Some(Value::Array(_)) => Err(node.error("structured elements are not supported")),
            _ => Err(node.error("the dtype is missing or no text")),
        };
    }
    let named = match node.json.get("data_type") {
        Some(Value::String(name)) => name,
        Some(Value::Object(map)) => match map.get("name") {
            Some(Value::String(name)) => name,
            _ => return Err(node.error("the data_type has no name")),
        },
        _ => return Err(node.error("the data_type is missing or no text")),
    };
    let found = Dtype::ALL.into_iter().find(|d| d.numpy_name() == named);
    found.ok_or_else(|| {
        let known: Vec<&str> = Dtype::ALL.iter().map(|d| d.numpy_name()).collect();
        node.error(&format!("elements of type '{named}' are not supported")).hint(format!("supported: {}", known.join(", ")))
    })
}

/// Names from `dimension_names` or xarray's `_ARRAY_DIMENSIONS`; empty where there is none or it stands twice.
fn axis_names(node: &ArrayNode, rank: usize) -> Vec<String> {
    let listed = node.json.get("dimension_names").or_else(|| node.attributes.get("_ARRAY_DIMENSIONS"));
    let texts: Vec<&str> = match listed.and_then(Value::as_array) {
        Some(names) if names.len() == rank => names.iter().map(|n| n.as_str().unwrap_or("")).collect(),
        _ => vec![""; rank],
    };
    unique_names(&texts)
}

/// Single letters in lower case; a name that stood before becomes empty.
pub fn unique_names(names: &[&str]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for name in names {
        let name = if name.chars().count() == 1 { name.to_lowercase() } else { (*name).to_owned() };
        let twice = kept.contains(&name);
        kept.push(if twice { String::new() } else { name });
    }
    kept
}

/// What other writers have no field for: kind, nodata, pixel sizes of a plain array.
pub fn own_attributes(identity: &str, info: &Info) -> Value {
    let kind = match info.kind {
        Kind::Image => "image",
        Kind::Mask => "mask",
        Kind::Labels => "labels",
        Kind::Rgb => "rgb",
    };
    let mut own = Map::new();
    own.insert("identity".to_owned(), json!(identity));
    own.insert("kind".to_owned(), json!(kind));
    if let Some(nodata) = info.nodata {
        own.insert("nodata".to_owned(), if nodata.is_finite() { json!(nodata) } else { json!(nodata.to_string()) });
    }
    own.insert("step".to_owned(), info.axes.iter().map(|a| json!(finite_step(a))).collect());
    own.insert("unit".to_owned(), info.axes.iter().map(|a| json!(a.unit)).collect());
    Value::Object(own)
}

/// The pixel size as JSON can hold it.
pub fn finite_step(axis: &Axis) -> f64 {
    if axis.step.is_finite() { axis.step } else { 1.0 }
}

/// Takes from our own attributes what they say; whatever is missing or odd stays as it is.
pub fn apply_own(attributes: &Value, info: &mut Info) {
    let Some(own) = attributes.get("stackmill") else { return };
    info.kind = match own.get("kind").and_then(Value::as_str) {
        Some("image") => Kind::Image,
        Some("mask") => Kind::Mask,
        Some("labels") if info.dtype.is_int() => Kind::Labels,
        Some("rgb") => Kind::Rgb,
        _ => info.kind,
    };
    if let Some(nodata) = own.get("nodata") {
        info.nodata = nodata.as_f64().or_else(|| nodata.as_str().and_then(|text| text.parse().ok()));
    }
    let at = |list: &str, axis: usize| own.get(list).and_then(|l| l.get(axis));
    let described = |(number, axis): (usize, &Axis)| Axis {
        name: axis.name.clone(),
        step: at("step", number).and_then(Value::as_f64).filter(|s| *s > 0.0).unwrap_or(axis.step),
        unit: at("unit", number).and_then(Value::as_str).map(str::to_owned).or_else(|| axis.unit.clone()),
    };
    info.axes = info.axes.iter().enumerate().map(described).collect();
}
