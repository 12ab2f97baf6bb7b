//! Raw pages one after another behind the first directory, as ImageJ reads them at any size.
//! It does not know the array's axes: the plan numbers the pages.

use super::entries::{self, Entries};
use super::page::tag;
use super::plan::{Dialect, Plan};
use crate::error::{Error, Result};
use crate::formats::partial::Partial;
use crate::grid::{Dims, Grid, Region};
use crate::storage::{Identity, Info, Sink, Written};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What 32-bit offsets reach.
pub(super) const CLASSIC_BYTES: u64 = 1 << 32;

/// A page up to this size is one commit unit, a larger one is cut into rows of about as much.
const UNIT_BYTES: usize = 4 << 20;

/// Bytes of directories that are collected before they are written.
const WRITE_BYTES: usize = 1 << 20;

/// A file of raw strips, one a page.
pub(super) struct Strips {
    partial: Partial,
    plan: Plan,
    unit: Dims,
    big: bool,
    /// One directory stands for all pages: ImageJ's rule beyond 4 GB.
    alone: bool,
    data: u64,
    page_bytes: u64,
    written: AtomicUsize,
}

impl Strips {
    /// Lays the file out; `limit` is what 32-bit offsets reach.
    ///
    /// # Errors
    /// As [`Plan::plain`].
    pub fn new(partial: Partial, info: &Info, limit: u64) -> Result<Self> {
        let mut plan = Plan::plain(info, true)?;
        let page_bytes = wide(plan.line_bytes()).saturating_mul(wide(plan.height));
        if page_bytes >= limit && plan.dialect == Dialect::ImageJ {
            plan = Plan::plain(info, false)?;
        }
        let rows = (UNIT_BYTES / plan.line_bytes().max(1)).max(1);
        let unit = plan.unit(if page_bytes <= wide(UNIT_BYTES) { plan.height } else { rows }, plan.width);
        let mut strips =
            Strips { partial, unit, big: false, alone: false, data: 0, page_bytes, written: AtomicUsize::new(0), plan };
        strips.data = strips.data_start();
        let directories = strips.entries(1).len().saturating_mul(wide(strips.plan.pages()));
        if strips.data_end().saturating_add(directories) >= limit {
            (strips.alone, strips.big) = (strips.plan.dialect == Dialect::ImageJ, strips.plan.dialect != Dialect::ImageJ);
            strips.data = strips.data_start();
        }
        Ok(strips)
    }

    fn entries(&self, page: usize) -> Entries {
        let mut entries = self.plan.entries(self.big, page == 0);
        entries.shorts(tag::COMPRESSION, &[1]);
        entries.longs(tag::ROWS_PER_STRIP, &[wide(self.plan.height)]);
        entries.longs(tag::STRIP_OFFSETS, &[self.page_at(page)]);
        entries.longs(tag::STRIP_BYTES, &[self.page_bytes]);
        entries
    }

    fn first_directory(&self) -> u64 {
        if self.big { 16 } else { 8 }
    }

    fn data_start(&self) -> u64 {
        (self.first_directory() + self.entries(0).len()).next_multiple_of(16)
    }

    fn page_at(&self, page: usize) -> u64 {
        self.data.saturating_add(self.page_bytes.saturating_mul(wide(page)))
    }

    /// Where a region of a page begins.
    fn place(&self, region: &Region) -> u64 {
        let (row, _) = self.plan.corner(region);
        let skipped = wide(row).saturating_mul(wide(self.plan.line_bytes()));
        self.page_at(self.plan.page_of(region)).saturating_add(skipped)
    }

    fn data_end(&self) -> u64 {
        self.page_at(self.plan.pages()).next_multiple_of(2)
    }

    /// The directories of the pages after the first, one behind the other after the data.
    fn write_directories(&self) -> Result<()> {
        let (mut at, mut held, mut from) = (self.data_end(), Vec::new(), self.data_end());
        let pages = if self.alone { 1 } else { self.plan.pages() };
        for page in 1..pages {
            let entries = self.entries(page);
            let next = at + entries.len();
            held.extend(entries.bytes(at, if page + 1 < pages { next } else { 0 }));
            at = next;
            if held.len() >= WRITE_BYTES {
                self.partial.write(&held, from)?;
                held.clear();
                from = at;
            }
        }
        self.partial.write(&held, from)?;
        let next = if pages > 1 { self.data_end() } else { 0 };
        self.partial.write(&self.entries(0).bytes(self.first_directory(), next), self.first_directory())
    }
}

/// A length as files count it.
pub(super) fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// An error unless as many commit units were written as there are.
pub(super) fn check_complete(info: &Info, unit: Dims, written: usize, name: &str) -> Result<()> {
    let units = Grid::new(info.shape, unit).counts().count();
    if written == units {
        return Ok(());
    }
    Err(Error::bug(format!("{name} is to be completed with {written} of {units} units written")))
}

impl Sink for Strips {
    fn info(&self) -> &Info {
        &self.plan.info
    }

    fn name(&self) -> String {
        self.partial.name()
    }

    fn unit(&self) -> Option<Dims> {
        Some(self.unit)
    }

    fn encoded_bytes(&self, region: &Region) -> u64 {
        wide(region.shape.count().saturating_mul(self.plan.info.dtype.size()))
    }

    fn beside(&self) -> Option<PathBuf> {
        Some(self.partial.path())
    }

    fn begin(&self, _identity: &Identity) -> Result<()> {
        self.written.store(0, Ordering::Relaxed);
        self.partial.begin()
    }

    fn resume(&self, _identity: &Identity) -> Result<bool> {
        self.partial.resume(0)
    }

    fn read_back(&self, written: &Written, take: &mut dyn FnMut(&[u8])) -> Result<bool> {
        self.partial.read_back(self.place(&written.region), self.encoded_bytes(&written.region), take)
    }

    fn keep(&self, written: &[Written]) -> Result<()> {
        self.written.store(written.len(), Ordering::Relaxed);
        Ok(())
    }

    fn encode(&self, _region: &Region, decoded: &[u8]) -> Result<Vec<u8>> {
        Ok(self.plan.stored(decoded).into_owned())
    }

    fn write(&self, region: &Region, encoded: &[u8]) -> Result<Vec<u8>> {
        self.partial.write(encoded, self.place(region))?;
        self.written.fetch_add(1, Ordering::Relaxed);
        Ok(Vec::new())
    }

    fn sync(&self) -> Result<()> {
        self.partial.sync()
    }

    fn complete(&self) -> Result<()> {
        check_complete(&self.plan.info, self.unit, self.written.load(Ordering::Relaxed), &self.name())?;
        self.write_directories()?;
        self.partial.sync()
    }

    fn finish(&self) -> Result<()> {
        check_complete(&self.plan.info, self.unit, self.written.load(Ordering::Relaxed), &self.name())?;
        self.partial.finish(&entries::header(self.big, self.first_directory()))
    }

    fn suspend(&self) {
        self.partial.suspend();
    }

    fn abandon(&self) {
        self.partial.abandon();
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::TiffSource;
    use super::*;
    use crate::dtype::Dtype;
    use crate::grid::indices;
    use crate::storage::Source;

    /// The layouts beyond 4 GB, with a limit of 5,000 bytes.
    #[test]
    fn beyond_the_limit() {
        let path = std::env::temp_dir().join(format!("stackmill-limit-{}.tif", std::process::id()));
        for (dtype, big) in [(Dtype::U16, false), (Dtype::F64, true)] {
            let info = Info::new(Dims::from([9, 20, 30]), dtype).with_axes("zyx").unwrap();
            let strips = Strips::new(Partial::at(&path, true).unwrap(), &info, 5_000).unwrap();
            assert_eq!((strips.big, strips.alone), (big, !big));
            strips.begin(&Identity(String::new())).unwrap();
            let grid = Grid::new(info.shape, strips.unit);
            for unit in indices(Region::whole(grid.counts())) {
                let region = grid.region(&unit);
                let page = vec![u8::try_from(unit[0]).unwrap(); region.shape.count() * dtype.size()];
                strips.write(&region, &strips.encode(&region, &page).unwrap()).unwrap();
            }
            strips.complete().unwrap();
            strips.finish().unwrap();
            let source = TiffSource::open(&path).unwrap();
            assert_eq!(*source.info(), info);
            for z in 0..9 {
                let mut page = vec![0; 600 * dtype.size()];
                let unit = Dims::from([z, 0, 0]);
                source.decode(&unit, source.fetch(&unit).unwrap(), &mut page).unwrap();
                assert!(page.iter().all(|b| usize::from(*b) == z));
            }
            let whole = std::fs::read(&path).unwrap();
            std::fs::write(&path, &whole[..whole.len() - 1300 * dtype.size()]).unwrap();
            let error = TiffSource::open(&path).err().unwrap().to_string();
            assert!(error.contains("truncated"), "{error}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}
