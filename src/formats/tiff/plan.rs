//! From an array to pages: which axes are inside a page, the number of each page, and the tags that all pages share.
//! It does not know where bytes go in the file.

use super::entries::Entries;
use super::imagej::ImageJ;
use super::layout::per_centimetre;
use super::page::tag;
use super::{ome, shaped, units};
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::grid::{Dims, Region};
use crate::storage::{Axis, Info, Kind};
use std::borrow::Cow;

/// How an array's pages are described.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    ImageJ,
    Shaped,
    Ome,
}

/// An array seen as pages.
#[derive(Debug)]
pub(super) struct Plan {
    pub info: Info,
    pub dialect: Dialect,
    /// Extents of the axes before a page's own.
    pub leading: Dims,
    /// Pages from one index to the next along each leading axis.
    page_steps: Dims,
    pub height: usize,
    pub width: usize,
    pub samples: usize,
    description: String,
}

impl Plan {
    /// Pages as ImageJ wants them where it can hold the array, else described as tifffile does.
    ///
    /// # Errors
    /// An array without pages: less than two axes, or an extent of 0.
    pub fn plain(info: &Info, may_be_imagej: bool) -> Result<Self> {
        let samples = samples_of(info)?;
        let letters = leading_letters(info, samples, "tzc");
        let small = matches!(info.dtype, Dtype::Bool | Dtype::U8 | Dtype::U16 | Dtype::F32);
        let is_colour = samples == 3 && info.dtype == Dtype::U8 && info.kind == Kind::Rgb;
        match letters {
            Some(letters) if may_be_imagej && small && (samples == 1 || is_colour) => Ok(imagej_plan(info, samples, &letters)),
            _ => Ok(shaped_plan(info, samples)),
        }
    }

    /// Pages described by OME-XML.
    ///
    /// # Errors
    /// As [`Plan::plain`]; axes other than t, c, z, y, x, s and dtypes that OME does not have.
    pub fn ome(info: &Info, image: &str) -> Result<Self> {
        let samples = samples_of(info)?;
        let Some(letters) = leading_letters(info, samples, "tcz") else {
            let what = format!("OME-TIFF holds axes t, c, z, y, x, this array has {} {}", info.letters(), info.shape);
            return Err(Error::caller(what).hint("name the axes, or write .tif or .zarr"));
        };
        let Some(kind) = ome::type_name(info.dtype) else {
            let what = format!("OME-TIFF cannot hold {}", info.dtype);
            return Err(Error::caller(what).hint("cast it with astype first, or write .tif or .zarr"));
        };
        let description = ome::print(info, &letters, kind, image);
        Ok(Plan { dialect: Dialect::Ome, description, ..shaped_plan(info, samples) })
    }

    /// How many pages there are.
    pub fn pages(&self) -> usize {
        self.leading.count()
    }

    /// Bytes of one row of one page.
    pub fn line_bytes(&self) -> usize {
        self.width * self.samples * self.info.dtype.size()
    }

    /// The number of the page in which a region of one page lies.
    pub fn page_of(&self, region: &Region) -> usize {
        region.start.iter().zip(self.page_steps.iter()).map(|(i, step)| i * step).sum()
    }

    /// The first row and column of a region.
    pub fn corner(&self, region: &Region) -> (usize, usize) {
        let at = |back| region.start.get(self.leading.len() + back).copied().unwrap_or(0);
        (at(0), at(1))
    }

    /// Rows and columns of a region.
    pub fn extents(&self, region: &Region) -> (usize, usize) {
        let of = |back| region.shape.get(self.leading.len() + back).copied().unwrap_or(1);
        (of(0), of(1))
    }

    /// A commit unit of these rows and columns of one page.
    pub fn unit(&self, rows: usize, columns: usize) -> Dims {
        let own = [rows.min(self.height), columns.min(self.width), self.samples];
        let rank = self.info.shape.len() - self.leading.len();
        self.leading.iter().map(|_| 1).chain(own.into_iter().take(rank)).collect()
    }

    /// The samples as they are stored: true is 255.
    pub fn stored<'a>(&self, decoded: &'a [u8]) -> Cow<'a, [u8]> {
        match self.info.dtype {
            Dtype::Bool => decoded.iter().map(|b| if *b == 0 { 0 } else { 255 }).collect(),
            _ => Cow::Borrowed(decoded),
        }
    }

    /// The tags of one page but those of its blocks; the first page carries the description.
    pub fn entries(&self, big: bool, first: bool) -> Entries {
        let mut entries = Entries::new(big);
        let samples = u16::try_from(self.samples).unwrap_or(u16::MAX);
        let (bits, format) = (self.info.dtype.size() * 8, sample_format(self.info.dtype));
        let is_rgb = self.info.kind == Kind::Rgb && matches!(samples, 3 | 4);
        entries.longs(tag::WIDTH, &[u64::try_from(self.width).unwrap_or(0)]);
        entries.longs(tag::LENGTH, &[u64::try_from(self.height).unwrap_or(0)]);
        entries.shorts(tag::BITS, &vec![u16::try_from(bits).unwrap_or(0); self.samples]);
        entries.shorts(tag::PHOTOMETRIC, &[if is_rgb { 2 } else { 1 }]);
        entries.shorts(tag::SAMPLES, &[samples]);
        entries.shorts(tag::PLANAR, &[1]);
        entries.shorts(tag::SAMPLE_FORMAT, &vec![format; self.samples]);
        match (is_rgb, samples) {
            (true, 4) => entries.shorts(tag::EXTRA_SAMPLES, &[2]),
            (false, 2..) => entries.shorts(tag::EXTRA_SAMPLES, &vec![0; self.samples - 1]),
            _ => {}
        }
        if first {
            self.first_entries(&mut entries);
        }
        entries
    }

    fn first_entries(&self, entries: &mut Entries) {
        entries.text(tag::DESCRIPTION, &self.description);
        entries.text(tag::SOFTWARE, "stackmill");
        if let Some(nodata) = self.info.nodata {
            entries.text(tag::NODATA, &nodata.to_string());
        }
        let rank = self.leading.len();
        let (Some(y), Some(x)) = (self.info.axes.get(rank), self.info.axes.get(rank + 1)) else { return };
        if self.dialect == Dialect::Ome || self.dialect == Dialect::ImageJ && y.unit == x.unit {
            pixel_sizes(entries, (y.step.recip(), x.step.recip()), 1);
        } else if let (Some(y), Some(x)) = (per_centimetre(y), per_centimetre(x)) {
            pixel_sizes(entries, (y, x), 3);
        } else {
            pixel_sizes(entries, (y.step.recip(), x.step.recip()), 1);
        }
    }
}

fn pixel_sizes(entries: &mut Entries, (y, x): (f64, f64), unit: u16) {
    if [y, x].iter().all(|r| r.is_finite() && *r > 0.0) && (unit != 1 || (y, x) != (1.0, 1.0)) {
        entries.ratio(tag::Y_RESOLUTION, y);
        entries.ratio(tag::X_RESOLUTION, x);
        entries.shorts(tag::RESOLUTION_UNIT, &[unit]);
    }
}

fn sample_format(dtype: Dtype) -> u16 {
    match dtype {
        _ if dtype.is_float() => 3,
        _ if dtype.is_signed() => 2,
        _ => 1,
    }
}

/// Samples of a pixel: the extent of a last axis named s.
fn samples_of(info: &Info) -> Result<usize> {
    let is_samples = info.axes.last().is_some_and(|a| a.name == "s") || info.kind == Kind::Rgb;
    let samples = info.shape.last().copied().filter(|_| is_samples && info.shape.len() > 2).unwrap_or(1);
    let pages = info.shape.len().saturating_sub(usize::from(is_samples && info.shape.len() > 2));
    if pages < 2 || info.shape.contains(&0) {
        let what = format!("a TIFF file holds pages of at least 1 × 1 pixels, this array is {}", info.shape);
        return Err(Error::caller(what).hint("write .npy or .zarr"));
    }
    let own = info.shape.get(pages - 2..pages).unwrap_or_default();
    if samples > usize::from(u16::MAX) || own.iter().any(|n| u32::try_from(*n).is_err()) {
        return Err(Error::caller(format!("a TIFF page cannot be as large as this array's: {}", info.shape)).hint("write .zarr"));
    }
    Ok(samples)
}

/// Letters of the axes before a page's own, all different and of `allowed`; unnamed ones are given the free letters:
/// one is z, two are t and z. `None` where the axes cannot be these.
fn leading_letters(info: &Info, samples: usize, allowed: &str) -> Option<String> {
    let own = if samples > 1 || info.axes.last().is_some_and(|a| a.name == "s") { 3 } else { 2 };
    let rank = info.axes.len().checked_sub(own)?;
    let (leading, page) = info.axes.split_at_checked(rank)?;
    if rank > 3 || !page.iter().zip(["y", "x", "s"]).all(|(axis, name)| axis.name == name || axis.name.is_empty()) {
        return None;
    }
    let unnamed = leading.iter().filter(|a| a.name.is_empty()).count();
    let wanted = match unnamed {
        3 => allowed,
        2 => "tz",
        _ => "ztc",
    };
    let mut free = wanted.chars().chain(allowed.chars()).filter(|c| info.axis(&c.to_string()).is_none());
    let mut letters = String::new();
    for axis in leading {
        let letter = if axis.name.is_empty() { free.find(|c| !letters.contains(*c))? } else { axis.name.chars().next()? };
        if axis.name.len() > 1 || !allowed.contains(letter) || letters.contains(letter) {
            return None;
        }
        letters.push(letter);
    }
    Some(letters)
}

/// Pages in the array's own order.
fn shaped_plan(info: &Info, samples: usize) -> Plan {
    let own = if samples > 1 || info.axes.last().is_some_and(|a| a.name == "s") { 3 } else { 2 };
    let rank = info.shape.len().saturating_sub(own);
    let leading = Dims::from(info.shape.get(..rank).unwrap_or_default());
    let at = |back: usize| info.shape.get(rank + back).copied().unwrap_or(1);
    let page_steps = leading.strides().into_iter().take(rank).collect();
    let description = shaped::print(info, described_spacing(info));
    Plan { info: info.clone(), dialect: Dialect::Shaped, leading, page_steps, height: at(0), width: at(1), samples, description }
}

/// Pages in ImageJ's order: channels change fastest, then slices, then frames.
fn imagej_plan(info: &Info, samples: usize, letters: &str) -> Plan {
    let plan = shaped_plan(info, samples);
    let place = |letter: char| letters.chars().position(|c| c == letter);
    let extent = |letter: char| place(letter).and_then(|axis| plan.leading.get(axis)).copied().unwrap_or(1);
    let (channels, slices, frames) = (extent('c'), extent('z'), extent('t'));
    let steps = letters.chars().map(|letter| match letter {
        'c' => 1,
        'z' => channels,
        _ => channels * slices,
    });
    let axis = |letter: char| place(letter).and_then(|axis| info.axes.get(axis));
    let unit = info.axes.get(letters.len() + 1).and_then(|x| x.unit.clone());
    let time = axis('t').filter(|t| t.unit.is_some() || t.step != 1.0);
    let meta = ImageJ {
        images: channels * slices * frames,
        channels,
        slices,
        frames,
        spacing: axis('z').and_then(|z| step_in(z, unit.as_deref())),
        unit,
        interval: time.map(|t| t.step),
        time_unit: time.and_then(|t| t.unit.clone()),
    };
    let page_steps = steps.collect();
    Plan { dialect: Dialect::ImageJ, page_steps, description: meta.print(), ..plan }
}

/// An axis's step counted in another unit; none where that cannot be said.
fn step_in(axis: &Axis, unit: Option<&str>) -> Option<f64> {
    if axis.unit.as_deref() == unit {
        return Some(axis.step);
    }
    Some(axis.step * units::centimetres(axis.unit.as_deref()?)? / units::centimetres(unit?)?)
}

/// The distance of slices in the unit of the pages' tags.
fn described_spacing(info: &Info) -> Option<f64> {
    let (z, x) = (info.axes.get(info.axis("z")?)?, info.axes.get(info.axis("x")?)?);
    match per_centimetre(x) {
        Some(_) => step_in(z, Some("centimeter")),
        None => (z.unit.is_none() && z.step != 1.0).then_some(z.step),
    }
}
