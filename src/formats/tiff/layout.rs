//! From directories to an array: which pages form the stack, its shape, axes and pixel sizes, and the table of blocks.
//! It does not know how blocks are read or decoded.

use super::directory::{Directory, Order, Reader};
use super::page::{self, Geometry, Page, Storage, tag};
use super::{imagej, ome, shaped, units};
use crate::error::Result;
use crate::grid::{Dims, MAX_RANK};
use crate::os::Stamp;
use crate::storage::{Axis, Info, Kind};
use std::path::Path;

/// The blocks of all pages, two numbers each.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// The ways in which pages are cut and stored: almost always one.
    pub storages: Vec<Storage>,
    /// For more than one way: each page's way and first block.
    ways: Vec<(usize, usize)>,
    offsets: Vec<u64>,
    sizes: Vec<u64>,
    /// Blocks of a page where all pages are alike.
    per_page: usize,
    pages: usize,
    /// Set where one directory stands for planes that follow one another: bytes from each to the next.
    stride: Option<u64>,
}

impl Blocks {
    fn add(&mut self, page: &Page) {
        let way = self.storages.iter().position(|s| *s == page.storage).unwrap_or_else(|| {
            self.storages.push(page.storage);
            self.storages.len() - 1
        });
        if way > 0 && self.ways.is_empty() {
            self.ways = (0..self.pages).map(|n| (0, n * self.per_page)).collect();
        }
        if self.storages.len() > 1 {
            self.ways.push((way, self.offsets.len()));
        }
        self.per_page = page.offsets.len();
        self.pages += 1;
        self.offsets.extend(&page.offsets);
        self.sizes.extend(&page.sizes);
    }

    /// How one page is stored.
    pub fn storage(&self, page: usize) -> Option<Storage> {
        let way = if self.ways.is_empty() { 0 } else { self.ways.get(page)?.0 };
        self.storages.get(way).copied()
    }

    /// The stored bytes of the largest block.
    pub fn largest(&self) -> u64 {
        self.sizes.iter().copied().max().unwrap_or(0)
    }

    /// Where one block of a page starts and its stored bytes; 0, 0 for one that is not stored.
    pub fn block(&self, page: usize, block: usize) -> Option<(u64, u64)> {
        if let Some(stride) = self.stride {
            let skipped = stride.checked_mul(u64::try_from(page).ok()?)?;
            return Some((self.offsets.get(block)?.checked_add(skipped)?, *self.sizes.get(block)?));
        }
        let first = if self.ways.is_empty() { page.checked_mul(self.per_page)? } else { self.ways.get(page)?.1 };
        Some((*self.offsets.get(first + block)?, *self.sizes.get(first + block)?))
    }
}

/// All that a file says of its stack.
pub(super) struct Layout {
    pub info: Info,
    pub geometry: Geometry,
    pub order: Order,
    pub blocks: Blocks,
    /// Extents before the page's own axes.
    pub leading: Dims,
    /// The page of each plane where that is not its number.
    pub page_of: Option<Vec<usize>>,
    /// Of the file as it was opened.
    pub stamp: Stamp,
}

/// What the first page tells of the whole.
#[derive(Default)]
struct Told {
    description: String,
    nodata: Option<f64>,
    /// Pixel sizes along y and x.
    steps: [Option<f64>; 2],
    unit: Option<&'static str>,
}

/// Reads all directories of a file.
///
/// # Errors
/// As [`Reader::open`]; pages that are not supported or do not fit the file; a file without pages.
pub(super) fn read(path: &Path) -> Result<(Layout, std::fs::File)> {
    let mut reader = Reader::open(path)?;
    let (mut blocks, mut first, mut told) = (Blocks::default(), None, Told::default());
    let mut budget = reader.len;
    reader.walk(|reader, directory| {
        if page::is_secondary(reader, directory)? {
            return Ok(true);
        }
        let geometry = match first {
            None => page::geometry(reader, directory)?,
            Some(_) if !same_extents(reader, directory, first.as_ref())? => return Ok(true),
            Some(_) => page::geometry(reader, directory)?,
        };
        if first.is_none() {
            told = tell(reader, directory)?;
        }
        if *first.get_or_insert(geometry) != geometry {
            return Ok(true);
        }
        let page = page::page(reader, directory, &geometry)?;
        // Each table entry takes bytes of the file: more entries than bytes are tables that overlap.
        let spent = u64::try_from(page.offsets.len()).unwrap_or(u64::MAX);
        let Some(left) = budget.checked_sub(spent) else {
            return Err(reader.fault("the pages' block tables overlap", directory.offset));
        };
        budget = left;
        blocks.add(&page);
        Ok(true)
    })?;
    let geometry = first.ok_or_else(|| reader.fault("the file holds no page but reduced images and masks", 0))?;
    let layout = arrange(&reader, geometry, blocks, &told)?;
    Ok((layout, reader.file))
}

/// Whether a later page has the first one's extents; others are thumbnails and labels that are passed over unread.
fn same_extents(reader: &mut Reader, directory: &Directory, first: Option<&Geometry>) -> Result<bool> {
    let mut extent = |tag| directory.find(tag).map(|e| reader.first_number(e)).transpose();
    let (width, height) = (extent(tag::WIDTH)?, extent(tag::LENGTH)?);
    let is = |found: Option<u64>, wanted: usize| found.and_then(|n| usize::try_from(n).ok()) == Some(wanted);
    Ok(first.is_some_and(|g| is(width, g.width) && is(height, g.height)))
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
    Ok(Told { description: description.unwrap_or_default(), nodata, steps, unit })
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

fn arrange(reader: &Reader, geometry: Geometry, mut blocks: Blocks, told: &Told) -> Result<Layout> {
    let leading = if let Some(meta) = imagej::parse(&told.description) {
        continue_planes(reader, &geometry, &mut blocks, meta.images)?;
        imagej_leading(&meta, blocks.pages, &geometry, told)
    } else if let Some(meta) = ome::parse(&told.description) {
        ome_leading(&meta, blocks.pages, &geometry)
    } else if let Some(meta) = shaped::parse(&told.description) {
        let planes = shaped_planes(&meta, &geometry).map_or(1, |(shape, _)| shape.count());
        continue_planes(reader, &geometry, &mut blocks, planes)?;
        shaped_leading(&meta, blocks.pages, &geometry)
    } else {
        None
    };
    let leading = leading.unwrap_or_else(|| Leading::unnamed(blocks.pages));
    let info = describe(reader, &geometry, &leading, told)?;
    let Leading { shape, page_of, .. } = leading;
    Ok(Layout { info, geometry, order: reader.order, blocks, leading: shape, page_of, stamp: reader.stamp })
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

fn imagej_leading(meta: &imagej::ImageJ, pages: usize, geometry: &Geometry, told: &Told) -> Option<Leading> {
    let mut meta = meta.clone();
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

fn ome_leading(meta: &ome::Ome, pages: usize, geometry: &Geometry) -> Option<Leading> {
    let (shape, letters, order) = meta.leading(pages, geometry.samples)?;
    let is_plain = order.iter().enumerate().all(|(plane, page)| plane == *page);
    Some(Leading { shape, letters, page_of: (!is_plain).then_some(order), steps: meta.steps.clone() })
}

/// The leading extents and letters of a described shape that ends in the page's own.
fn shaped_planes(meta: &shaped::Shaped, geometry: &Geometry) -> Option<(Dims, Option<String>)> {
    let rank = meta.shape.len().checked_sub(page_shape(geometry).len())?;
    let (lead, own) = meta.shape.split_at(rank);
    let letters = meta.axes.as_ref().map(|a| a.chars().take(rank).collect());
    (own == &*page_shape(geometry)).then(|| (Dims::from(lead), letters))
}

fn shaped_leading(meta: &shaped::Shaped, pages: usize, geometry: &Geometry) -> Option<Leading> {
    let (shape, letters) = shaped_planes(meta, geometry).filter(|(shape, _)| shape.count() <= pages)?;
    let letters = letters.unwrap_or_else(|| "?".repeat(shape.len()));
    let steps = meta.spacing.map(|step| Axis { name: "z".to_owned(), step, unit: None }).into_iter().collect();
    Some(Leading { shape, letters, page_of: None, steps })
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
