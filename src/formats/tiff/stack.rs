//! Many files of equal shape as one array with a new first axis, and the files that a folder or pattern means.
//! It does not know what is inside a file: each is a source of its own.

use super::source::TiffSource;
use crate::error::{Error, Result};
use crate::grid::{Dims, Region};
use crate::storage::{Axis, InOrder, Info, Source};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

/// Notices of a stack's files that are told.
const MOST_NOTICES: usize = 8;

/// Equal files one after another along the first axis.
struct Stack {
    files: Vec<TiffSource>,
    info: Info,
    unit: Dims,
}

/// Opens files of equal shape and dtype as one array; the new first axis is `t`, or `z` where the files have a `t`.
///
/// # Errors
/// No files, a file that cannot be read, or files that differ in shape or dtype.
pub fn open_stack(paths: &[PathBuf]) -> Result<Box<dyn Source>> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let file = TiffSource::open(path)?.without_handle();
        if let Some(first) = files.first() {
            agree(first, &file)?;
        }
        files.push(file);
    }
    let first = files.first().ok_or_else(|| Error::caller("a stack of no files has no shape"))?;
    let info = stacked(first.info(), files.len(), &first.name())?;
    if files.iter().any(|f| f.unit() != first.unit()) {
        files.iter_mut().for_each(TiffSource::set_whole_pages);
    }
    let unit = files.first().map(Source::unit).unwrap_or_default();
    let unit = std::iter::once(1).chain(unit.iter().copied()).collect();
    Ok(Box::new(Stack { files, info, unit }))
}

fn agree(first: &TiffSource, other: &TiffSource) -> Result<()> {
    let (a, b) = (first.info(), other.info());
    if a.shape == b.shape && a.dtype == b.dtype {
        return Ok(());
    }
    let what = format!("{} has {} {}, {} has {} {}", first.name(), a.shape, a.dtype, other.name(), b.shape, b.dtype);
    Err(Error::caller(what).hint("files of one stack have equal shape and dtype"))
}

fn stacked(info: &Info, count: usize, name: &str) -> Result<Info> {
    let shape: Dims = std::iter::once(count).chain(info.shape.iter().copied()).collect();
    if shape.len() != info.shape.len() + 1 {
        return Err(Error::caller(format!("a stack of files of {} axes has too many axes: {name}", info.shape.len())));
    }
    let bytes = shape.iter().try_fold(info.dtype.size(), |n, d| n.checked_mul(*d));
    if bytes.is_none_or(|n| n > isize::MAX.unsigned_abs()) {
        return Err(Error::caller(format!("a stack of {shape} {} is larger than this machine can address", info.dtype)));
    }
    let free = ["t", "z", "c"].into_iter().find(|letter| info.axis(letter).is_none()).unwrap_or("");
    let axes = std::iter::once(Axis::named(free)).chain(info.axes.iter().cloned()).collect();
    Ok(Info { shape, axes, ..info.clone() })
}

impl Stack {
    fn of(&self, unit: &Dims) -> Result<(&TiffSource, Dims)> {
        let (first, rest) = unit.split_first().ok_or_else(|| Error::bug("a stack's unit has no axes"))?;
        let file = self.files.get(*first).ok_or_else(|| Error::bug(format!("no file {first} in {}", self.name())))?;
        Ok((file, Dims::from(rest)))
    }
}

impl Source for Stack {
    fn info(&self) -> &Info {
        &self.info
    }

    fn name(&self) -> String {
        let first = self.files.first().map(Source::name).unwrap_or_default();
        format!("{first} and {} more", self.files.len().saturating_sub(1))
    }

    fn notices(&self) -> Vec<String> {
        let mut told: Vec<(String, String, usize)> = Vec::new();
        for (name, notice) in self.files.iter().flat_map(|file| file.notices().into_iter().map(|notice| (file.name(), notice))) {
            match told.iter().position(|(_, known, _)| *known == notice) {
                Some(known) => told[known].2 += 1,
                None if told.len() < MOST_NOTICES => told.push((name, notice, 0)),
                None => {}
            }
        }
        let words = |(name, notice, others): (String, String, usize)| match others {
            0 => format!("{name}: {notice}"),
            n => format!("{name} and {n} more: {notice}"),
        };
        told.into_iter().map(words).collect()
    }

    fn unit(&self) -> Dims {
        self.unit
    }

    fn in_order(&self) -> Option<InOrder> {
        // Files that are cut alike may yet be stored differently.
        let first = self.files.iter().find_map(Source::in_order);
        first.map(|order| InOrder { axis: order.axis + 1, ..order })
    }

    fn stored_bytes(&self, unit: &Dims) -> u64 {
        self.of(unit).map_or(0, |(file, unit)| file.stored_bytes(&unit))
    }

    fn most_stored(&self) -> u64 {
        self.files.iter().map(Source::most_stored).max().unwrap_or(0)
    }

    fn decoding_bytes(&self) -> u64 {
        self.files.iter().map(Source::decoding_bytes).max().unwrap_or(0)
    }

    fn fetch(&self, unit: &Dims) -> Result<Option<Vec<u8>>> {
        let (file, unit) = self.of(unit)?;
        file.fetch(&unit)
    }

    fn decode(&self, unit: &Dims, stored: Option<Vec<u8>>, out: &mut [u8]) -> Result<()> {
        let (file, unit) = self.of(unit)?;
        file.decode(&unit, stored, out)
    }

    fn fingerprint(&self) -> String {
        // FNV-1a of names and fingerprints: a text of ten thousand of them would be no help.
        let all = self.files.iter().flat_map(|f| [f.name(), f.fingerprint()]);
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = all.fold(0xcbf2_9ce4_8422_2325, |hash, text| text.bytes().chain([0]).fold(hash, mix));
        format!("{} files, {hash:016x}", self.files.len())
    }

    /// Of the files of the region only.
    fn stamp(&self, region: &Region) -> Result<String> {
        let (first, rest) = (region.range(0), Region::of(&(1..region.shape.len()).map(|a| region.range(a)).collect::<Vec<_>>()));
        let mut all = std::hash::DefaultHasher::new();
        for file in self.files.get(first.clone()).unwrap_or_default() {
            file.stamp(&rest)?.hash(&mut all);
        }
        Ok(format!("{first:?} {:016x}", all.finish()))
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.iter().flat_map(Source::files).collect()
    }
}

/// The TIFF files that a folder holds or a pattern with `*` and `?` in its file name means, in natural order:
/// `img2` before `img10`. A pattern may name files of any ending; of a folder, those ending in `.tif` or `.tiff`.
///
/// # Errors
/// A folder that cannot be read, or no file that matches.
pub fn expand(pattern_or_folder: &Path) -> Result<Vec<PathBuf>> {
    let is_folder = pattern_or_folder.is_dir();
    let parent = pattern_or_folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = if is_folder { pattern_or_folder } else { parent };
    let pattern = pattern_or_folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let wanted = |name: &str| if is_folder { is_tiff_name(name) } else { matches(&pattern, name) };
    let entries = std::fs::read_dir(folder).map_err(|e| Error::io("list", folder, &e))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| Error::io("list", folder, &e))?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if !wanted(&name) {
            continue;
        }
        // A link whose end is gone would leave a gap that nobody sees.
        if path.metadata().map_err(|e| Error::io("open", &path, &e))?.is_file() {
            found.push((name, path));
        }
    }
    if found.is_empty() {
        let what = format!("no TIFF file matches {}", pattern_or_folder.display());
        return Err(
            Error::caller(what).hint("'*' and '?' stand for parts of a file name; a folder means its .tif and .tiff files")
        );
    }
    found.sort_by(|a, b| natural(&a.0, &b.0));
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn is_tiff_name(name: &str) -> bool {
    let lower = name.to_lowercase();
    !name.starts_with('.') && (lower.ends_with(".tif") || lower.ends_with(".tiff"))
}

/// Whether a name fits a pattern of `*` (any letters) and `?` (one letter), greedily with one point to go back to.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n, mut back) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || name.get(n) == Some(c) => (p, n) = (p + 1, n + 1),
            _ => match back {
                Some((star, taken)) => {
                    back = Some((star, taken + 1));
                    (p, n) = (star + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

/// Runs of digits compare as numbers, the rest as text.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let ((text_a, number_a, rest_a), (text_b, number_b, rest_b)) = (split(a), split(b));
        let order = text_a.cmp(text_b).then_with(|| compare_digits(number_a, number_b));
        if order != Ordering::Equal || number_a.is_empty() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// Text up to the first digit, the digits, and what follows.
fn split(name: &str) -> (&str, &str, &str) {
    let digit = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
    let (text, rest) = name.split_at(digit);
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, rest) = rest.split_at(end);
    (text, number, rest)
}

fn compare_digits(a: &str, b: &str) -> Ordering {
    let (plain_a, plain_b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    plain_a.len().cmp(&plain_b.len()).then_with(|| plain_a.cmp(plain_b)).then_with(|| a.len().cmp(&b.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_natural_order() {
        assert!(matches("img*.tif", "img12.tif") && matches("*", "a") && matches("a?c*", "abcd"));
        assert!(!matches("img?.tif", "img12.tif") && !matches("*.tif", "a.tiff"));
        let mut names = ["t10.tif", "t9.tif", "t1.tif", "t010.tif", "s2"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["s2", "t1.tif", "t9.tif", "t10.tif", "t010.tif"]);
    }
}
