//! From directories to an array: which pages form the stack, its shape, axes and pixel sizes, and the table of blocks.
//! It does not know how blocks are read or decoded.

use super::blocks::Blocks;
use super::directory::{Directory, Order, Reader};
use super::page::{self, Geometry, tag};
use super::{imagej, ome, shaped, units};
use crate::error::Result;
use crate::grid::{Dims, MAX_RANK};
use crate::os::Stamp;
use crate::storage::{Axis, Info, Kind};
use std::path::Path;

/// All that a file says of its stack.
pub(super) struct Layout {
    pub info: Info,
    pub geometry: Geometry,
    pub order: Order,
    pub blocks: Blocks,
    /// Extents before the page's own axes.
    pub leading: Dims,
    /// The page of each plane where that is not its number; [`ome::MISSING`] for one that the file does not have.
    pub page_of: Option<Vec<usize>>,
    /// What of the file is not read, or is described and not there.
    pub notices: Vec<String>,
    /// Of the file as it was opened.
    pub stamp: Stamp,
}

/// What the first page tells of the whole, and what is to be told of it.
#[derive(Default)]
struct Told {
    notices: Vec<String>,
    description: String,
    nodata: Option<f64>,
    /// Pixel sizes along y and x.
    steps: [Option<f64>; 2],
    unit: Option<&'static str>,
}

/// Directories that are no reduced images and yet not read: how many, and what the first of them is.
#[derive(Default)]
struct Others {
    count: usize,
    first: String,
}

impl Others {
    fn add(&mut self, number: usize, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.count == 1 {
            self.first = format!("page {number} is {}", what());
        }
    }
}

/// Reads all directories of a file.
///
/// # Errors
/// As [`Reader::open`]; pages that are not supported or do not fit the file; a file without pages.
pub(super) fn read(path: &Path) -> Result<(Layout, std::fs::File)> {
    let mut reader = Reader::open(path)?;
    let (mut blocks, mut first, mut told) = (Blocks::default(), None, Told::default());
    let mut others = Others::default();
    // Each table entry takes two bytes of the file at least: more entries are tables that overlap.
    let mut left = reader.len / 2;
    reader.walk(|reader, directory| {
        let Some(geometry) = page_like(reader, directory, first, &mut others)? else {
            blocks.pass();
            return Ok(true);
        };
        if first.is_none() {
            told = tell(reader, directory)?;
            first = Some(geometry);
        }
        let page = page::page(reader, directory, &geometry)?;
        let spent = u64::try_from(page.offsets.len()).unwrap_or(u64::MAX);
        left = left.checked_sub(spent).ok_or_else(|| reader.fault("the pages' block tables overlap", directory.offset))?;
        blocks.add(&page);
        Ok(true)
    })?;
    let geometry = first.ok_or_else(|| reader.fault("the file holds no page but reduced images and masks", 0))?;
    if others.count > 0 {
        let what = format!("pages that differ from the first, {}, are not read: {}", geometry.words(), others.count);
        told.notices.push(format!("{what}; {}", others.first));
    }
    let layout = arrange(&reader, geometry, blocks, told)?;
    Ok((layout, reader.file))
}

/// What a directory's pixels are, if they are those of the first page or it is the first; reduced images and masks are passed over,
/// and so are, noted among the `others`, pages that differ: thumbnails and labels unread.
fn page_like(
    reader: &mut Reader,
    directory: &Directory,
    first: Option<Geometry>,
    others: &mut Others,
) -> Result<Option<Geometry>> {
    if page::is_secondary(reader, directory)? {
        return Ok(None);
    }
    let Some(first) = first else { return page::geometry(reader, directory).map(Some) };
    let (width, height) = page::extents(reader, directory)?;
    if (width, height) != (Some(first.width), Some(first.height)) {
        let text = |n: Option<usize>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
        others.add(directory.number, || format!("{} × {}", text(height), text(width)));
        return Ok(None);
    }
    let geometry = page::geometry(reader, directory)?;
    if geometry != first {
        others.add(directory.number, || geometry.words());
        return Ok(None);
    }
    Ok(Some(geometry))
}

fn tell(reader: &mut Reader, directory: &Directory) -> Result<Told> {
    let mut text = |tag| directory.find(tag).map(|e| reader.text(e)).transpose();
    let (description, nodata) = (text(tag::DESCRIPTION)?, text(tag::NODATA)?);
    let mut step = |tag| -> Result<Option<f64>> {
        let Some(entry) = directory.find(tag) else { return Ok(None) };
        Ok(reader.ratio(entry)?.filter(|r| *r > 0.0).map(f64::recip))
    };
    let steps = [step(tag::Y_RESOLUTION)?, step(tag::X_RESOLUTION)?];
    let unit = match directory.find(tag::RESOLUTION_UNIT).map(|e| reader.first_number(e)).transpose()? {
        Some(2) => Some("inch"),
        Some(3) => Some("centimeter"),
        _ => None,
    };
    let nodata = nodata.and_then(|text| text.trim().parse().ok());
    Ok(Told { notices: Vec::new(), description: description.unwrap_or_default(), nodata, steps, unit })
}

/// The leading axes and, where it is no identity, the page of each plane.
struct Leading {
    shape: Dims,
    letters: String,
    page_of: Option<Vec<usize>>,
    steps: Vec<Axis>,
}

impl Leading {
    fn unnamed(pages: usize) -> Self {
        let shape = if pages > 1 { Dims::from([pages]) } else { Dims::default() };
        Leading { letters: "?".repeat(shape.len()), shape, page_of: None, steps: Vec::new() }
    }
}

fn arrange(reader: &Reader, geometry: Geometry, mut blocks: Blocks, mut told: Told) -> Result<Layout> {
    let description = std::mem::take(&mut told.description);
    let name = reader.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let leading = if let Some(meta) = imagej::parse(&description) {
        continue_planes(reader, &geometry, &mut blocks, meta.images)?;
        imagej_leading(&meta, blocks.pages, &geometry, &mut told)
    } else if let Some(meta) = ome::parse(&description, &name) {
        let planes = meta.and_then(|meta| ome_leading(&meta, &blocks, &geometry, &mut told.notices));
        planes.map_err(|why| told.notices.push(format!("its OME description is not used, its pages are one axis: {why}"))).ok()
    } else if let Some(meta) = shaped::parse(&description) {
        shaped_leading(reader, &meta, &mut blocks, &geometry, &mut told.notices)?
    } else {
        None
    };
    let leading = leading.unwrap_or_else(|| Leading::unnamed(blocks.pages));
    let info = describe(reader, &geometry, &leading, &told)?;
    let Leading { shape, page_of, .. } = leading;
    let notices = told.notices;
    Ok(Layout { info, geometry, order: reader.order, blocks, leading: shape, page_of, notices, stamp: reader.stamp })
}

/// One directory may stand for many planes that follow its own: ImageJ's rule for files beyond 4 GB.
fn continue_planes(reader: &Reader, geometry: &Geometry, blocks: &mut Blocks, planes: usize) -> Result<()> {
    let raw = blocks.storage(0).is_some_and(|s| s.has_free_rows(geometry)) && geometry.planes() == 1;
    if blocks.pages != 1 || planes <= 1 || !raw {
        return Ok(());
    }
    let Some((first, size)) = blocks.block(0, 0) else { return Ok(()) };
    let after = reader.len.saturating_sub(first);
    let needed = u64::try_from(planes).ok().and_then(|n| n.checked_mul(size));
    // Where the directory lies among what would be planes, what follows the page is no plane.
    if (first..first.saturating_add(needed.unwrap_or(u64::MAX))).contains(&reader.first) {
        return Ok(());
    }
    if needed.is_some_and(|n| n <= after) {
        (blocks.pages, blocks.stride) = (planes, Some(size));
        return Ok(());
    }
    // A page cut out of a stack keeps the stack's description: with no second plane behind it, it is just a page.
    if after < size.saturating_mul(2) {
        return Ok(());
    }
    let what = format!("{planes} planes of {size} bytes are described, {} are in the file", after / size.max(1));
    Err(reader.fault(&what, first).hint("the file is truncated"))
}

fn imagej_leading(meta: &imagej::ImageJ, pages: usize, geometry: &Geometry, told: &mut Told) -> Option<Leading> {
    let mut meta = meta.clone();
    if meta.images > pages {
        told.notices.push(format!("ImageJ's description counts {} images, the file has {pages}", meta.images));
    }
    if meta.channels == geometry.samples && meta.frames.checked_mul(meta.slices) == Some(pages) {
        meta.channels = 1;
    }
    let plain = || Leading::unnamed(pages);
    let (shape, letters) =
        meta.leading(pages).filter(|(s, _)| s.len() + 3 <= MAX_RANK).unwrap_or_else(|| (plain().shape, plain().letters));
    let unit = meta.unit.clone().or(told.unit.map(str::to_owned));
    let axis = |name: &str, step: f64, unit: Option<String>| Axis { name: name.to_owned(), step, unit };
    let mut steps = Vec::new();
    for (name, step) in [("z", meta.spacing), ("y", told.steps[0]), ("x", told.steps[1])] {
        steps.extend(step.map(|s| axis(name, s, unit.clone())));
    }
    let time = meta.time_unit.unwrap_or_else(|| "second".to_owned());
    steps.extend(meta.interval.map(|s| axis("t", s, Some(time))));
    Some(Leading { shape, letters, page_of: None, steps })
}

/// The planes by OME-XML. Planes that the file does not have (a recording that was stopped, a file that was cut) are nodata or 0 as
/// tifffile reads them, and told.
fn ome_leading(
    meta: &ome::Ome,
    blocks: &Blocks,
    geometry: &Geometry,
    notices: &mut Vec<String>,
) -> std::result::Result<Leading, String> {
    let planes = meta.planes(blocks.pages, geometry.samples, |directory| blocks.page_of(directory))?;
    let (count, missing) = (planes.pages.len(), planes.missing());
    if missing == count {
        return Err(format!("none of its {count} planes is in the file"));
    }
    if missing > 0 {
        notices.push(format!("its OME description has {count} planes, {missing} of which are not in the file and read as empty"));
    }
    if count < blocks.pages {
        notices.push(format!("the file has {} pages, {count} of which are read: those of its first image", blocks.pages));
    }
    let is_plain = planes.pages.iter().enumerate().all(|(plane, page)| plane == *page);
    let page_of = (!is_plain).then_some(planes.pages);
    Ok(Leading { shape: planes.shape, letters: planes.letters, page_of, steps: meta.steps.clone() })
}

/// The leading extents and letters of a described shape that ends in the page's own.
fn shaped_planes(meta: &shaped::Shaped, geometry: &Geometry) -> Option<(Dims, Option<String>)> {
    let rank = meta.shape.len().checked_sub(page_shape(geometry).len())?;
    let (lead, own) = meta.shape.split_at(rank);
    let letters = meta.axes.as_ref().map(|a| a.chars().take(rank).collect());
    (own == &*page_shape(geometry)).then(|| (Dims::from(lead), letters))
}

/// The planes by tifffile's description.
///
/// # Errors
/// Fewer pages than are described, unless it is one: a page cut out of a stack keeps the stack's description.
fn shaped_leading(
    reader: &Reader,
    meta: &shaped::Shaped,
    blocks: &mut Blocks,
    geometry: &Geometry,
    notices: &mut Vec<String>,
) -> Result<Option<Leading>> {
    let Some((shape, letters)) = shaped_planes(meta, geometry) else { return Ok(None) };
    let planes = shape.iter().try_fold(1usize, |n, extent| n.checked_mul(*extent)).unwrap_or(usize::MAX);
    continue_planes(reader, geometry, blocks, planes)?;
    let pages = blocks.pages;
    if planes > pages && pages > 1 {
        let what = format!("its description {} has {planes} pages, the file has {pages}", meta.shape);
        return Err(reader.fault(&what, 0).hint("the file is truncated, or its description is another file's"));
    }
    if planes > pages {
        notices.push(format!("its description {} has {planes} pages, the file is one of them", meta.shape));
        return Ok(None);
    }
    if planes < pages {
        notices.push(format!("the file has {pages} pages, {planes} of which are read: those of its first series"));
    }
    let letters = letters.unwrap_or_else(|| "?".repeat(shape.len()));
    let steps = meta.spacing.map(|step| Axis { name: "z".to_owned(), step, unit: None }).into_iter().collect();
    Ok(Some(Leading { shape, letters, page_of: None, steps }))
}

/// The extents of one page.
fn page_shape(geometry: &Geometry) -> Dims {
    match (geometry.samples, geometry.planar) {
        (1, _) => Dims::from([geometry.height, geometry.width]),
        (n, true) => Dims::from([n, geometry.height, geometry.width]),
        (n, false) => Dims::from([geometry.height, geometry.width, n]),
    }
}

fn describe(reader: &Reader, geometry: &Geometry, leading: &Leading, told: &Told) -> Result<Info> {
    let own = match (geometry.samples, geometry.planar) {
        (1, _) => "yx",
        (_, true) => "syx",
        (_, false) => "yxs",
    };
    let rank = leading.shape.len() + own.len();
    if rank > MAX_RANK {
        return Err(reader.fault(&format!("the stack has {rank} axes, {MAX_RANK} are supported"), 0));
    }
    let shape: Dims = leading.shape.iter().chain(page_shape(geometry).iter()).copied().collect();
    let bytes = shape.iter().try_fold(geometry.dtype.size(), |n, d| n.checked_mul(*d));
    if bytes.is_none_or(|n| n > isize::MAX.unsigned_abs()) {
        return Err(reader.fault(&format!("a stack of {shape} {} is larger than this machine can address", geometry.dtype), 0));
    }
    let mut info = Info::new(shape, geometry.dtype);
    let from_tags = |name: &str| match name {
        "y" => told.steps[0],
        "x" => told.steps[1],
        _ => None,
    };
    // A z spacing beside tags in centimetres is in centimetres too: that is how we write it.
    let step_of = |name: String| {
        let given = leading.steps.iter().find(|axis| axis.name == name).cloned();
        let unit = told.unit.map(str::to_owned);
        match given {
            Some(axis) => Axis { unit: axis.unit.or(unit.filter(|_| matches!(axis.name.as_str(), "z" | "y" | "x"))), ..axis },
            None if leading.steps.is_empty() || leading.steps.iter().all(|a| a.name == "z" && a.unit.is_none()) => {
                let step = from_tags(&name);
                let unit = step.and(unit);
                Axis { step: step.unwrap_or(1.0), unit, name }
            }
            None => Axis::named(&name),
        }
    };
    let letters = leading.letters.chars().chain(own.chars());
    info.axes =
        letters.map(|c| if c == '?' || c == 'q' || c == 'i' { String::new() } else { c.to_string() }).map(step_of).collect();
    info.kind = if geometry.rgb && !geometry.planar { Kind::Rgb } else { Kind::Image };
    info.nodata = told.nodata;
    Ok(info)
}

/// Pixels per centimetre of an axis whose unit is a length.
pub(super) fn per_centimetre(axis: &Axis) -> Option<f64> {
    let unit = units::centimetres(axis.unit.as_deref()?)?;
    Some(1.0 / (axis.step * unit)).filter(|r| r.is_finite() && *r > 0.0)
}
