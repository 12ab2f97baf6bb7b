//! Sources whose units are parts of streams: of each stream one unit at a time is read, in order, and what is not shared is not begun
//! again; one compressed strip a page, larger than the budget, reads every byte once and gives the same pixels.
#![cfg(all(feature = "tiff", feature = "zarr"))]

use flate2::{Compression, write::ZlibEncoder};
use stackmill::error::{Error, Result};
use stackmill::graph::Array;
use stackmill::grid::{Dims, Grid};
use stackmill::storage::{InOrder, Info, Source};
use stackmill::{Dtype, Options, Session};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const KEPT: u64 = 5000;

/// A stream for each plane, a few rows a unit; it watches in which order units are asked for.
struct Streams {
    info: Info,
    rows: usize,
    /// Per plane: the unit that comes next, whether one is on its way, how often it was begun.
    state: Mutex<HashMap<usize, (usize, bool, usize)>>,
    /// The most streams that were left in part at once.
    open: Mutex<usize>,
}

impl Streams {
    fn new(shape: [usize; 3], rows: usize) -> Arc<Streams> {
        let info = Info::new(Dims::from(shape), Dtype::U16);
        Arc::new(Streams { info, rows, state: Mutex::default(), open: Mutex::default() })
    }

    fn begun(&self) -> usize {
        self.state.lock().unwrap().values().map(|(_, _, begun)| begun).sum()
    }
}

fn pixel(z: usize, y: usize, x: usize) -> u16 {
    ((z * 31 + y * y % 97 + x * 13 + x * y) % 4096) as u16
}

impl Source for Streams {
    fn info(&self) -> &Info {
        &self.info
    }
    fn name(&self) -> String {
        "streams".into()
    }
    fn unit(&self) -> Dims {
        Dims::from([1, self.rows, self.info.shape[2]])
    }
    fn in_order(&self) -> Option<InOrder> {
        Some(InOrder { axis: 1, kept: KEPT })
    }
    fn stored_bytes(&self, _: &Dims) -> u64 {
        1000
    }
    fn fetch(&self, unit: &Dims) -> Result<Option<Vec<u8>>> {
        let mut state = self.state.lock().unwrap();
        let (next, on_its_way, begun) = state.entry(unit[0]).or_insert((usize::MAX, false, 0));
        if std::mem::replace(on_its_way, true) {
            return Err(Error::bug(format!("two units of stream {} at once", unit[0])));
        }
        if unit[1] < *next {
            *begun += 1;
        }
        *next = unit[1];
        Ok(Some(vec![0; 1000]))
    }
    fn decode(&self, unit: &Dims, _: Option<Vec<u8>>, out: &mut [u8]) -> Result<()> {
        let region = Grid::new(self.info.shape, self.unit()).region(unit);
        let (rows, width) = (region.shape[1], region.shape[2]);
        for (k, element) in out.chunks_exact_mut(2).enumerate() {
            element.copy_from_slice(&pixel(unit[0], region.start[1] + k / width, k % width).to_ne_bytes());
        }
        let mut state = self.state.lock().unwrap();
        let last = (region.start[1] + rows == self.info.shape[1]).then_some(usize::MAX);
        let entry = state.get_mut(&unit[0]).unwrap();
        (entry.0, entry.1) = (last.unwrap_or(unit[1] + 1), false);
        let open = state.values().filter(|(next, ..)| *next != usize::MAX).count();
        let mut most = self.open.lock().unwrap();
        *most = open.max(*most);
        Ok(())
    }
    fn fingerprint(&self) -> String {
        String::new()
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("stackmill-streams-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A budget beside what the process itself takes.
fn options(memory: u64) -> Options {
    Options { memory: Some(memory + stackmill::plan::process_bytes(3)), threads: Some(3), overwrite: true, ..Options::default() }
}

#[test]
fn streams_are_walked_in_order_and_begun_as_often_as_stated() {
    let folder = folder("order");
    let path = folder.join("out.zarr");
    let shape = [40, 200, 300];
    let pixels = ndarray::Array3::from_shape_fn(shape, |(z, y, x)| pixel(z, y, x));
    let right = Array::from_ndarray(&pixels).gaussian(1.5).compute_with(&options(1 << 30)).unwrap();
    let (mut once, mut again) = (0, 0);
    for memory in [1500u64 << 10, 2 << 20, 2500 << 10, 3 << 20, 5 << 20, 20 << 20, 200 << 20] {
        for tile in [None, Some(vec![4, 30, 300]), Some(vec![8, 50, 100])] {
            let source = Streams::new(shape, 7);
            let y = Array::from_source(source.clone()).gaussian(1.5);
            let chunks = Some(vec![4, 50, 100]);
            let asked = Options { tile: tile.clone(), chunks, scratch: stackmill::ScratchIn::Nowhere, ..options(memory) };
            let Ok(session) = Session::save(&[(y, &path)], &asked) else { continue };
            let costs = session.plan().passes[0].costs.clone();
            let summary = session.run(&|_| Ok(())).unwrap();
            let said = format!("{memory} {tile:?}: {costs:?}");
            assert_eq!(summary.passes[0].units_read.0, costs.reads.all, "{said}");
            assert!(costs.streams.open > 0 && costs.streams.bytes == costs.streams.open * KEPT, "{said}");
            assert!(*source.open.lock().unwrap() as u64 <= costs.streams.open, "{said}: {:?}", source.open);
            // A stream is begun once, and again only for tiles that share no unit of it.
            let most = (costs.read_factor() * 40.0).ceil() as usize;
            assert!(source.begun() <= most, "{said}: begun {}", source.begun());
            let made = Array::open(&path).compute_with(&options(1 << 30)).unwrap();
            assert!(made.tile.data.bytes() == right.tile.data.bytes(), "{said}");
            if costs.read_factor() > 1.0 { again += 1 } else { once += 1 }
        }
    }
    assert!(once >= 3 && again >= 1, "{once} plans read once, {again} again");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_view_passes_over_what_lies_before_it() {
    let source = Streams::new([3, 500, 40], 10);
    let y = Array::from_source(source.clone()).index(&[1.into(), (300..320).into(), (0..40).into()]) + 1;
    let made = y.compute_with(&options(64 << 20)).unwrap();
    assert_eq!(made.to_ndarray::<u32>().unwrap()[[0, 0]], u32::from(pixel(1, 300, 0)) + 1);
    let state = source.state.lock().unwrap();
    assert!(state.len() == 1 && state[&1].2 == 1, "{state:?}");
}

#[test]
fn rows_walked_backwards_go_through_scratch_or_are_decoded_again() {
    let folder = folder("backwards");
    let (path, shape) = (folder.join("out.zarr"), [6, 2000, 300]);
    let pixels = ndarray::Array3::from_shape_fn(shape, |(z, y, x)| pixel(z, 1999 - y, x));
    let chunks = Some(vec![1, 50, 300]);
    for (scratch, stored) in [(stackmill::ScratchIn::Beside, 1), (stackmill::ScratchIn::Nowhere, 0)] {
        let source = Streams::new(shape, 5);
        let turned = Array::from_source(source.clone()).flip_with(stackmill::ops::geometry::Flip { axis: 1.into() });
        let asked = Options { chunks: chunks.clone(), scratch, tile: Some(vec![1, 50, 300]), ..options(64 << 20) };
        let session = Session::save(&[(turned, &path)], &asked).unwrap();
        assert_eq!(session.plan().stored.len(), stored, "{}", session.explain());
        assert_eq!(session.explain().contains("backwards: each 200.5 x"), stored == 0, "{}", session.explain());
        session.run(&|_| Ok(())).unwrap();
        let begun = source.begun();
        assert!(if stored == 1 { begun == 6 } else { begun > 6 * 30 }, "{stored} stored: begun {begun}");
        let made = Array::open(&path).compute_with(&options(1 << 30)).unwrap();
        assert!(made.to_ndarray::<u16>().unwrap() == pixels.clone().into_dyn());
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// A file of pages of `u16`, each one deflate strip; what is stored a page.
fn strips(path: &Path, shape: [usize; 3], predictor: bool) -> Vec<usize> {
    let mut file = b"II*\0\0\0\0\0".to_vec();
    let (mut link, mut sizes) = (4, Vec::new());
    for z in 0..shape[0] {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        for y in 0..shape[1] {
            let mut row: Vec<u16> = (0..shape[2]).map(|x| pixel(z, y, x)).collect();
            if predictor {
                (1..row.len()).rev().for_each(|x| row[x] = row[x].wrapping_sub(row[x - 1]));
            }
            encoder.write_all(&row.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
        }
        let stored = encoder.finish().unwrap();
        let at = file.len();
        file.extend(&stored);
        file.resize(file.len().next_multiple_of(2), 0);
        let directory = file.len() as u32;
        file[link..link + 4].copy_from_slice(&directory.to_le_bytes());
        let [_, height, width] = shape.map(|n| n as u32);
        let mut tags = vec![(256u16, width), (257, height), (258, 16), (259, 8), (262, 1), (273, at as u32), (277, 1)];
        tags.extend([(278, height), (279, stored.len() as u32), (317, 1 + u32::from(predictor))]);
        file.extend((tags.len() as u16).to_le_bytes());
        for (tag, value) in tags {
            file.extend([&tag.to_le_bytes()[..], &4u16.to_le_bytes(), &1u32.to_le_bytes(), &value.to_le_bytes()].concat());
        }
        link = file.len();
        file.extend([0; 4]);
        sizes.push(stored.len());
    }
    std::fs::write(path, file).unwrap();
    sizes
}

#[test]
fn one_strip_a_page_is_read_once_whatever_the_budget() {
    let folder = folder("strip");
    let (path, out) = (folder.join("in.tif"), folder.join("out.npy"));
    let shape = [3, 4000, 3000];
    for predictor in [false, true] {
        strips(&path, shape, predictor);
        let pixels = ndarray::Array3::from_shape_fn(shape, |(z, y, x)| pixel(z, y, x));
        let right = Array::from_ndarray(&pixels).median([1, 3, 3]).compute_with(&options(1 << 30)).unwrap();
        // A page is 23 MiB decoded: two budgets do not hold one and its result.
        for memory in [22u64 << 20, 40 << 20, 200 << 20] {
            let y = Array::open(&path).median([1, 3, 3]);
            let session = Session::save(&[(y, &out)], &options(memory)).unwrap();
            assert!(session.explain().contains("decoded in order"), "{}", session.explain());
            let summary = session.run(&|_| Ok(())).unwrap();
            let (read, distinct) = summary.passes[0].units_read;
            assert_eq!(read, distinct, "every band once under {memory}");
            let made = Array::open(&out).compute_with(&options(1 << 30)).unwrap();
            assert!(made.tile.data.bytes() == right.tile.data.bytes(), "{memory}");
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_damaged_strip_names_its_place() {
    let folder = folder("damaged");
    let path = folder.join("in.tif");
    let sizes = strips(&path, [2, 1600, 3000], false);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8 + sizes[0] / 2] ^= 0x55;
    bytes[8 + sizes[0] / 2 + 1] ^= 0x55;
    std::fs::write(&path, bytes).unwrap();
    let error = (Array::open(&path) + 1).compute_with(&options(200 << 20)).unwrap_err().to_string();
    assert!(error.contains("in.tif") && error.contains("block at byte 8") && error.contains("the file is damaged"), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}
