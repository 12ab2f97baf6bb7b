//! The table of blocks of all pages, and which directories are pages.
//! It does not know what blocks hold nor how they are read.

use super::ome::MISSING;
use super::page::{Page, Storage};
use std::collections::HashMap;

/// The blocks of all pages, two numbers each.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// The ways in which pages are cut and stored, almost always one, and the place of each.
    pub storages: Vec<Storage>,
    places: HashMap<Storage, usize>,
    /// For more than one way: each page's way and first block.
    ways: Vec<(usize, usize)>,
    offsets: Vec<u64>,
    sizes: Vec<u64>,
    /// Blocks of a page where all pages are alike.
    per_page: usize,
    pub pages: usize,
    /// Directories that are none of the pages, by their numbers, in order.
    passed: Vec<usize>,
    /// The stored bytes of the largest block.
    pub largest: u64,
    /// Set where one directory stands for planes that follow one another: bytes from each to the next.
    pub stride: Option<u64>,
}

impl Blocks {
    /// The page of the next directory.
    pub fn add(&mut self, page: &Page) {
        let next = self.storages.len();
        let way = *self.places.entry(page.storage).or_insert(next);
        if way == next {
            self.storages.push(page.storage);
        }
        if way > 0 && self.ways.is_empty() {
            self.ways = (0..self.pages).map(|n| (0, n * self.per_page)).collect();
        }
        if self.storages.len() > 1 {
            self.ways.push((way, self.offsets.len()));
        }
        self.per_page = page.offsets.len();
        self.pages += 1;
        self.largest = page.sizes.iter().copied().fold(self.largest, u64::max);
        self.offsets.extend(&page.offsets);
        self.sizes.extend(&page.sizes);
    }

    /// The next directory is no page.
    pub fn pass(&mut self) {
        self.passed.push(self.pages + self.passed.len());
    }

    /// The page that a directory is, by its number in the file.
    pub fn page_of(&self, directory: usize) -> Option<usize> {
        let before = self.passed.partition_point(|passed| *passed < directory);
        (self.passed.get(before) != Some(&directory)).then(|| directory - before)
    }

    /// How one page is stored; one that is missing as the first is.
    pub fn storage(&self, page: usize) -> Option<Storage> {
        let way = if self.ways.is_empty() || page == MISSING { 0 } else { self.ways.get(page)?.0 };
        self.storages.get(way).copied()
    }

    /// Where one block of a page starts and its stored bytes; 0, 0 for one that is not stored.
    pub fn block(&self, page: usize, block: usize) -> Option<(u64, u64)> {
        if page == MISSING {
            return Some((0, 0));
        }
        if let Some(stride) = self.stride {
            let skipped = stride.checked_mul(u64::try_from(page).ok()?)?;
            return Some((self.offsets.get(block)?.checked_add(skipped)?, *self.sizes.get(block)?));
        }
        let first = if self.ways.is_empty() { page.checked_mul(self.per_page)? } else { self.ways.get(page)?.1 };
        Some((*self.offsets.get(first + block)?, *self.sizes.get(first + block)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_that_are_no_page_are_not_counted() {
        let mut blocks = Blocks::default();
        for is_page in [true, false, true, false, false, true] {
            if is_page { blocks.pages += 1 } else { blocks.pass() }
        }
        let pages: Vec<_> = (0..7).map(|directory| blocks.page_of(directory)).collect();
        assert_eq!(pages, [Some(0), None, Some(1), None, None, Some(2), Some(3)]);
    }
}
