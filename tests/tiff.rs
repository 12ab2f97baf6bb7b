//! TIFF files: real ones against tifffile's values, round trips of all we write, and files that are cut or garbled.
#![cfg(feature = "tiff")]

use stackmill::dtype::{Dtype, Number, put};
use stackmill::error::{Family, Result};
use stackmill::formats::tiff::{self, Options};
use stackmill::grid::{Dims, Grid, Region, indices};
use stackmill::storage::{Axis, Identity, Info, Kind, Sink, Source};
use stackmill::tile::{View, copy_view};
use std::path::{Path, PathBuf};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data");

/// Path, shape, dtype, axes and FNV-1a of the C-order little-endian bytes, as tifffile 2026.3.3 reads them.
#[allow(clippy::type_complexity, reason = "one row of a table")]
const GOLDEN: &[(&str, &[usize], &str, &str, u64)] = include!("golden/tiff.in");

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

/// All of a source, unit by unit, C order.
fn read_all(source: &dyn Source) -> Result<Vec<u8>> {
    let info = source.info();
    let grid = Grid::new(info.shape, source.unit());
    let mut whole = vec![0xA5; info.shape.count() * info.dtype.size()];
    for unit in indices(Region::whole(grid.counts())) {
        let region = grid.region(&unit);
        let stored = source.fetch(&unit)?;
        assert!(stored.as_ref().is_none_or(|s| s.len() as u64 <= source.stored_bytes(&unit)));
        let mut out = vec![0x5A; region.shape.count() * info.dtype.size()];
        source.decode(&unit, stored, &mut out)?;
        copy_view(&View::contiguous(&out, info.dtype, region.shape), &mut whole, &info.shape, &region.start);
    }
    Ok(whole)
}

/// Writes an array unit by unit, last unit first.
fn write_all(sink: &dyn Sink, bytes: &[u8]) -> Result<()> {
    let info = sink.info();
    sink.begin(&Identity("test".into()))?;
    let grid = Grid::new(info.shape, sink.unit().unwrap());
    let units: Vec<Dims> = indices(Region::whole(grid.counts())).collect();
    for unit in units.iter().rev() {
        let region = grid.region(unit);
        let mut part = vec![0; region.shape.count() * info.dtype.size()];
        let view = View::contiguous(bytes, info.dtype, info.shape).crop(&region);
        copy_view(&view, &mut part, &region.shape, &Dims::filled(region.shape.len(), 0));
        let encoded = sink.encode(&region, &part)?;
        assert!(encoded.len() as u64 <= sink.encoded_bytes(&region));
        sink.write(&region, &encoded)?;
    }
    sink.complete()?;
    sink.finish()
}

/// Numbers that look like an image: smooth with some noise, whole range of signs.
fn pixels(info: &Info) -> Vec<u8> {
    let size = info.dtype.size();
    let mut bytes = vec![0; info.shape.count() * size];
    let mut state = 12345u64;
    for (n, out) in bytes.chunks_exact_mut(size).enumerate() {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let value = (n % 97) as i128 + i128::from(state >> 60) - i128::from(info.dtype.is_signed()) * 40;
        put(if info.dtype.is_float() { Number::Float(value as f64 * 0.25) } else { Number::Int(value % 128) }, info.dtype, out);
    }
    if info.dtype == Dtype::Bool {
        bytes.iter_mut().enumerate().for_each(|(n, b)| *b = u8::from(n % 3 == 0));
    }
    bytes
}

/// A folder of this test alone, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stackmill-tiff-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn save(path: &Path, info: &Info, options: Options) -> Vec<u8> {
    let bytes = pixels(info);
    write_all(&*tiff::create(path, info, &options).unwrap(), &bytes).unwrap();
    bytes
}

fn message<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("an error was expected"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn real_files_equal_tifffile() {
    for (path, shape, dtype, axes, hash) in GOLDEN {
        let source = tiff::open(&Path::new(DATA).join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        let info = source.info().clone();
        assert_eq!((&*info.shape, info.dtype.numpy_name(), info.letters().as_str()), (*shape, *dtype, *axes), "{path}");
        assert_eq!(fnv1a(&read_all(&*source).unwrap()), *hash, "{path}");
        assert!(source.name().ends_with(path) && !source.fingerprint().is_empty());
    }
}

#[test]
fn real_metadata() {
    let info = |name: &str| tiff::open(&Path::new(DATA).join(name)).unwrap().info().clone();
    let beads = info("microscopy/beads_41x150x150_u8.tif");
    assert!((beads.axes[0].step - 0.125).abs() < 1e-12 && (beads.axes[2].step - 1.0 / 44.460_534).abs() < 1e-9);
    assert!(beads.axes.iter().all(|a| a.unit.as_deref() == Some("micrometer")));
    assert_eq!(info("satellite/dem_cog_500x500_i16.tif").nodata, Some(-9999.0));
    let landsat = info("satellite/landsat_718x791x3_u8.tif");
    assert_eq!((landsat.kind, landsat.nodata), (Kind::Rgb, Some(0.0)));
    let cells = info("microscopy/cell_migration_48x130x130_u16.tif");
    assert!(cells.axes.iter().all(|a| a.unit.is_none() && a.step == 1.0));
}

#[test]
fn jpeg_is_refused_by_name() {
    let text = message(tiff::open(&Path::new(DATA).join("satellite/cogeo.tif")));
    assert!(text.contains("JPEG (compression 7) is not supported") && text.contains("cogeo.tif"), "{text}");
}

#[test]
fn a_folder_is_a_stack() {
    let folder = Path::new(DATA).join("timelapse");
    let paths = tiff::expand(&folder).unwrap();
    assert_eq!(paths, tiff::expand(&folder.join("drosophila_00??.t*f")).unwrap());
    let stack = tiff::open_stack(&paths).unwrap();
    assert_eq!((stack.info().shape, stack.info().letters().as_str()), (Dims::from([12, 264, 542, 3]), "TYXS"));
    let whole = read_all(&*stack).unwrap();
    for (frame, path) in whole.chunks_exact(264 * 542 * 3).zip(&paths) {
        assert_eq!(frame, read_all(&*tiff::open(path).unwrap()).unwrap());
    }
    let mixed = [paths[0].clone(), Path::new(DATA).join("microscopy/maize_640x639_u8.tif")];
    assert!(message(tiff::open_stack(&mixed)).contains("(264, 542, 3) u8"));
    assert!(message(tiff::open_stack(&[])).contains("no files"));
    assert!(message(tiff::expand(&folder.join("*.png"))).contains("no TIFF file matches"));
    assert!(message(tiff::open(&folder)).contains("is a folder"));
}

#[test]
fn round_trips() {
    let folder = Folder::new("round");
    let shapes: &[&[usize]] =
        &[&[1, 1], &[37, 53], &[3, 31, 300], &[1, 20, 20], &[2, 3, 17, 19], &[2, 1, 3, 5, 7], &[2, 3, 4, 270, 5]];
    for dtype in Dtype::ALL {
        for shape in shapes {
            for (name, tiled, ome) in [("strips.tif", false, false), ("tiles.tif", true, false), ("a.ome.tif", false, true)] {
                let info = Info::new(Dims::from(*shape), dtype);
                let options = Options { tiled, ome, overwrite: true };
                if ome && matches!(dtype, Dtype::U64 | Dtype::I64 | Dtype::F16) {
                    assert!(message(tiff::create(&folder.file(name), &info, &options)).contains("cannot hold"));
                    continue;
                }
                let mut bytes = save(&folder.file(name), &info, options);
                let source = tiff::open(&folder.file(name)).unwrap();
                if dtype == Dtype::Bool {
                    bytes.iter_mut().for_each(|b| *b *= 255);
                }
                let squeezed: Vec<usize> = shape[..shape.len() - 2].iter().copied().filter(|n| *n > 1).collect();
                let found = source.info().shape;
                let lead: Vec<usize> = found[..found.len() - 2].iter().copied().filter(|n| *n > 1).collect();
                assert_eq!(lead, squeezed, "{dtype} {shape:?} {name}");
                let expected = if dtype == Dtype::Bool { Dtype::U8 } else { dtype };
                assert_eq!(source.info().dtype, expected);
                assert!(read_all(&*source).unwrap() == bytes, "{dtype} {shape:?} {name}");
            }
        }
    }
}

/// Axes with sizes, in any order, come back: ImageJ's pages are sorted, OME's and tifffile's are not.
#[test]
fn axes_and_sizes_come_back() {
    let folder = Folder::new("axes");
    let axis = |name: &str, step: f64, unit: &str| Axis { name: name.into(), step, unit: Some(unit.into()) };
    let mut info = Info::new(Dims::from([2, 3, 4, 20, 30]), Dtype::U16);
    let um = "micrometer";
    info.axes =
        [axis("t", 2.5, "second"), Axis::named("c"), axis("z", 0.5, um), axis("y", 0.065, um), axis("x", 0.065, um)].into();
    let bytes = save(&folder.file("a.ome.tif"), &info, Options { ome: true, ..Options::default() });
    let ome = tiff::open(&folder.file("a.ome.tif")).unwrap();
    assert_eq!(*ome.info(), info);
    assert_eq!(read_all(&*ome).unwrap(), bytes);

    save(&folder.file("a.tif"), &info, Options::default());
    let imagej = tiff::open(&folder.file("a.tif")).unwrap();
    assert_eq!(imagej.info().letters(), "TZCYX");
    let close = |a: &Axis, b: &Axis| (a.step / b.step - 1.0).abs() < 1e-9 && a.unit == b.unit && a.name == b.name;
    for (found, of) in [(0, 0), (1, 2), (3, 3), (4, 4)] {
        assert!(close(&imagej.info().axes[found], &info.axes[of]), "{:?}", imagej.info().axes);
    }
    let mut sorted: Vec<u8> = Vec::new();
    for (t, z, c) in (0..24).map(|n| (n / 12, n / 3 % 4, n % 3)) {
        sorted.extend(&bytes[((t * 3 + c) * 4 + z) * 1200..][..1200]);
    }
    assert_eq!(read_all(&*imagej).unwrap(), sorted);

    save(&folder.file("b.tif"), &info, Options { tiled: true, ..Options::default() });
    let tiled = tiff::open(&folder.file("b.tif")).unwrap();
    assert_eq!((tiled.info().letters().as_str(), read_all(&*tiled).unwrap() == bytes), ("TCZYX", true));
    assert!((tiled.info().axes[2].step / 5e-5 - 1.0).abs() < 1e-9, "{:?}", tiled.info().axes);
    assert_eq!(tiled.info().axes[2].unit.as_deref(), Some("centimeter"));
}

#[test]
fn colour_and_nodata_come_back() {
    let folder = Folder::new("colour");
    for (name, options) in [
        ("a.tif", Options::default()),
        ("b.tif", Options { tiled: true, ..Options::default() }),
        ("c.ome.tif", Options { ome: true, ..Options::default() }),
    ] {
        for (samples, dtype) in [(3, Dtype::U8), (4, Dtype::U16), (3, Dtype::F32)] {
            let mut info = Info::new(Dims::from([2, 33, 300, samples]), dtype).with_axes("zyxs").unwrap();
            (info.kind, info.nodata) = (Kind::Rgb, Some(-1.5));
            let bytes = save(&folder.file(name), &info, Options { overwrite: true, ..options });
            let source = tiff::open(&folder.file(name)).unwrap();
            assert_eq!(*source.info(), info, "{name}");
            assert_eq!(read_all(&*source).unwrap(), bytes, "{name}");
        }
    }
}

/// Pages above 4 MiB are cut into rows, wide ones into runs of tiles.
#[test]
fn large_pages_have_small_units() {
    let folder = Folder::new("large");
    for tiled in [false, true] {
        let info = Info::new(Dims::from([2, 2100, 2500]), Dtype::U16);
        let bytes = save(&folder.file("a.tif"), &info, Options { tiled, overwrite: true, ..Options::default() });
        let source = tiff::open(&folder.file("a.tif")).unwrap();
        assert!(source.unit().count() * 2 <= 4 << 20, "{}", source.unit());
        assert!(read_all(&*source).unwrap() == bytes);
    }
}

#[test]
fn targets_are_protected() {
    let folder = Folder::new("targets");
    let (path, info) = (folder.file("a.tif"), Info::new(Dims::from([4, 5]), Dtype::U8));
    save(&path, &info, Options::default());
    let error = tiff::create(&path, &info, &Options::default()).err().unwrap();
    assert!(error.family() == Family::Caller && error.to_string().contains("--overwrite"), "{error}");
    let nowhere = tiff::create(&folder.file("none/a.tif"), &info, &Options::default());
    assert!(message(nowhere).contains("there is no folder"));

    let before = std::fs::read(&path).unwrap();
    let sink = tiff::create(&path, &info, &Options { overwrite: true, ..Options::default() }).unwrap();
    sink.begin(&Identity("test".into())).unwrap();
    assert!(folder.file(".a.tif.partial").exists());
    assert!(message(sink.finish()).contains("0 of 1 units"));
    sink.abandon();
    assert!(!folder.file(".a.tif.partial").exists());
    assert_eq!(std::fs::read(&path).unwrap(), before);
    for shape in [&[5][..], &[0, 5], &[]] {
        let flat = Info::new(Dims::from(shape), Dtype::U8);
        assert!(message(tiff::create(&folder.file("b.tif"), &flat, &Options::default())).contains("pages"));
    }
    let odd = Info::new(Dims::from([2, 4, 5]), Dtype::U8).with_axes("qyx").unwrap();
    assert!(message(tiff::create(&folder.file("b.tif"), &odd, &Options { ome: true, ..Options::default() })).contains("QYX"));
}

/// Small files of each kind, for breaking.
fn samples(folder: &Folder) -> Vec<(PathBuf, Vec<u8>)> {
    let kinds = [("a.tif", false, false), ("b.tif", true, false), ("c.ome.tif", false, true)];
    let each = kinds.into_iter().map(|(name, tiled, ome)| {
        let info = Info::new(Dims::from([2, 6, 7]), Dtype::U16).with_axes("zyx").unwrap();
        let bytes = save(&folder.file(name), &info, Options { tiled, ome, overwrite: true });
        (folder.file(name), bytes)
    });
    each.collect()
}

/// An absurd shape that opened is not allocated here: its units must still be bounded by what the file holds.
fn read_if_sane(path: &Path) -> Result<Vec<u8>> {
    let source = tiff::open(path)?;
    let unit = source.unit().count() * source.info().dtype.size();
    assert!(unit < 1 << 29, "{} has units of {unit} bytes", path.display());
    if source.info().bytes() > 1 << 20 {
        let first = Dims::filled(source.info().shape.len(), 0);
        let stored = source.fetch(&first)?;
        let region = Grid::new(source.info().shape, source.unit()).region(&first);
        source.decode(&first, stored, &mut vec![0; region.shape.count() * source.info().dtype.size()])?;
        return Ok(Vec::new());
    }
    read_all(&*source)
}

#[test]
fn cut_files_are_errors_or_right() {
    let folder = Folder::new("cut");
    for (path, right) in samples(&folder) {
        let whole = std::fs::read(&path).unwrap();
        for len in 0..whole.len() {
            std::fs::write(folder.file("cut.tif"), &whole[..len]).unwrap();
            if let Ok(bytes) = read_if_sane(&folder.file("cut.tif")) {
                assert_eq!(bytes, right, "{} cut at {len}", path.display());
            }
        }
    }
}

#[test]
fn flipped_bits_never_panic() {
    let folder = Folder::new("flip");
    for (path, _) in samples(&folder) {
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            for change in [0x01, 0x80, 0xFF] {
                let mut broken = whole.clone();
                broken[at] ^= change;
                std::fs::write(folder.file("flip.tif"), &broken).unwrap();
                let _ = read_if_sane(&folder.file("flip.tif"));
            }
        }
    }
}

/// A classic little-endian file of one directory of LONG tags, followed by `data`.
fn by_hand(tags: &[(u16, u32)], data: &[u8], next: u32) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((tags.len() as u16).to_le_bytes());
    for (tag, value) in tags {
        bytes.extend([&tag.to_le_bytes()[..], &4u16.to_le_bytes(), &1u32.to_le_bytes(), &value.to_le_bytes()].concat());
    }
    bytes.extend(next.to_le_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn messages_of_bad_files() {
    let folder = Folder::new("bad");
    let path = folder.file("bad.tif");
    let page = |changes: &[(u16, u32)]| {
        let mut tags = vec![(256, 4), (257, 4), (258, 8), (259, 1), (262, 1), (273, 200), (277, 1), (278, 4), (279, 16)];
        for (tag, value) in changes {
            tags.retain(|(t, _)| t != tag);
            tags.push((*tag, *value));
        }
        by_hand(&tags, &[7; 300], 0)
    };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "no TIFF file: 0 bytes"),
        (b"PK\x03\x04aaaaaaaa".to_vec(), "starts with bytes"),
        (b"II*\0\0\0\0\0".to_vec(), "no first directory"),
        (b"II*\0\xff\0\0\0".to_vec(), "the file ends at byte 8"),
        (by_hand(&[(254, 1)], &[], 8), "form a loop"),
        (by_hand(&[(254, 1)], &[], 0), "no page but reduced images"),
        (page(&[(259, 50000)]), "Zstandard (compression 50000) is not supported"),
        (page(&[(259, 12)]), "compression 12 is not supported"),
        (page(&[(262, 6)]), "YCbCr"),
        (page(&[(258, 12)]), "samples of 12 bits"),
        (page(&[(258, 1)]), "samples of 1 bits"),
        (page(&[(339, 6)]), "complex"),
        (page(&[(256, 0)]), "width is 0"),
        (page(&[(257, 40)]), "lists 1"),
        (page(&[(256, 50_000), (257, 4)]), "too few for its 200000 bytes"),
        (page(&[(256, u32::MAX), (257, u32::MAX), (277, 65535)]), "larger than this machine"),
        (page(&[(256, 60_000), (257, 60_000), (278, 60_000), (259, 8)]), "too few"),
        (page(&[(256, 60_000), (257, 60_000), (278, 60_000), (279, 0), (259, 8)]), "is not stored"),
        (page(&[(273, 5000)]), "outside the file"),
        (page(&[(279, 15)]), "too few for its 16 bytes"),
        (page(&[(266, 2)]), "fill order 2"),
        (page(&[(284, 3)]), "planar configuration 3"),
        (page(&[(259, 5), (317, 3)]), "predictor 3 of u8"),
    ];
    for (bytes, expected) in cases {
        std::fs::write(&path, &bytes).unwrap();
        let text = message(tiff::open(&path));
        assert!(text.contains(expected) && text.contains("bad.tif"), "{expected}: {text}");
    }
    assert!(message(tiff::open(&folder.file("none.tif"))).contains("none.tif"));
    std::fs::write(&path, page(&[])).unwrap();
    assert_eq!(read_all(&*tiff::open(&path).unwrap()).unwrap(), [7; 16]);
    std::fs::write(&path, page(&[(259, 8)])).unwrap();
    let text = message(read_all(&*tiff::open(&path).unwrap()));
    assert!(text.contains("deflate block is broken") && text.contains("block at byte 200"), "{text}");
}

/// PackBits, and a page cut out of a stack that kept the stack's description.
#[test]
fn packbits_by_hand() {
    let folder = Folder::new("packbits");
    let path = folder.file("a.tif");
    let packed = [3, 1, 2, 3, 4, 0x80, 0xfd, 9];
    let tags = [(256, 4), (257, 2), (258, 8), (259, 32773), (262, 1), (273, 98), (279, 8)];
    std::fs::write(&path, by_hand(&tags, &packed, 0)).unwrap();
    assert_eq!(read_all(&*tiff::open(&path).unwrap()).unwrap(), [1, 2, 3, 4, 9, 9, 9, 9]);
}

/// One page of a file built by hand: 5 rows of 4 u16 pixels in strips of 2 rows, with gaps between the strips.
struct Page<'a> {
    extra: &'a [(u16, u64)],
    rows_per_strip: usize,
    first: u16,
}

/// A big-endian file of such pages, classic or BigTIFF.
fn big_endian(bigtiff: bool, pages: &[Page<'_>]) -> Vec<u8> {
    let offset = |n: u64| if bigtiff { n.to_be_bytes().to_vec() } else { (n as u32).to_be_bytes().to_vec() };
    let mut file = if bigtiff { b"MM\0\x2b\0\x08\0\0".to_vec() } else { b"MM\0\x2a".to_vec() };
    let mut link = file.len();
    file.extend(offset(0));
    for page in pages {
        let pixels: Vec<u8> = (page.first..page.first + 20).flat_map(u16::to_be_bytes).collect();
        let (mut offsets, mut sizes) = (Vec::new(), Vec::new());
        for strip in pixels.chunks(page.rows_per_strip * 8) {
            file.extend([0xEE; 3]);
            offsets.push(file.len() as u64);
            sizes.push(strip.len() as u64);
            file.extend(strip);
        }
        let mut tags: Vec<(u16, Vec<u64>)> =
            vec![(256, vec![4]), (257, vec![5]), (258, vec![16]), (259, vec![1]), (262, vec![1])];
        tags.extend([(273, offsets), (278, vec![page.rows_per_strip as u64]), (279, sizes)]);
        for (tag, value) in page.extra {
            tags.retain(|(t, _)| t != tag);
            tags.push((*tag, vec![*value]));
        }
        let places: Vec<Vec<u8>> = tags
            .iter()
            .map(|(_, values)| {
                let bytes: Vec<u8> = values.iter().flat_map(|v| offset(*v)).collect();
                if values.len() == 1 {
                    return bytes;
                }
                file.extend(bytes);
                offset(file.len() as u64 - values.len() as u64 * offset(0).len() as u64)
            })
            .collect();
        let here = offset(file.len() as u64);
        file[link..link + here.len()].copy_from_slice(&here);
        let count = tags.len() as u64;
        file.extend(if bigtiff { count.to_be_bytes().to_vec() } else { (count as u16).to_be_bytes().to_vec() });
        for ((tag, values), place) in tags.iter().zip(places) {
            let kind: u16 = if bigtiff { 16 } else { 4 };
            file.extend([&tag.to_be_bytes()[..], &kind.to_be_bytes(), &offset(values.len() as u64), &place].concat());
        }
        link = file.len();
        file.extend(offset(0));
    }
    file
}

#[test]
fn unusual_layouts() {
    let folder = Folder::new("unusual");
    let path = folder.file("a.tif");
    let page = |first, rows_per_strip, extra| Page { extra, rows_per_strip, first };
    for bigtiff in [false, true] {
        // Gaps, a thumbnail and a mask between the pages, a label of another size in a codec that is not supported.
        let thumbnail: &[(u16, u64)] = &[(254, 1)];
        let (mask, label) = (&[(254, 4), (258, 1)][..], &[(256, 3), (259, 7)][..]);
        let pages = [page(100, 2, &[]), page(0, 2, thumbnail), page(200, 2, &[]), page(0, 2, mask), page(0, 2, label)];
        std::fs::write(&path, big_endian(bigtiff, &pages)).unwrap();
        let source = tiff::open(&path).unwrap();
        assert_eq!((source.info().shape, source.info().letters().as_str()), (Dims::from([2, 5, 4]), "?YX"));
        let expected: Vec<u8> = (100..120).chain(200..220).flat_map(u16::to_ne_bytes).collect();
        assert_eq!(read_all(&*source).unwrap(), expected);

        // Pages cut differently.
        std::fs::write(&path, big_endian(bigtiff, &[page(100, 2, &[]), page(200, 3, &[]), page(300, 5, &[])])).unwrap();
        let source = tiff::open(&path).unwrap();
        assert_eq!(source.unit(), Dims::from([1, 5, 4]));
        let expected: Vec<u8> = (100..120).chain(200..220).chain(300..320).flat_map(u16::to_ne_bytes).collect();
        assert_eq!(read_all(&*source).unwrap(), expected);
    }
}

/// A stack whose files are cut differently is read page by page.
#[test]
fn stacks_of_unlike_files() {
    let folder = Folder::new("unlike");
    let info = Info::new(Dims::from([3, 40, 300]), Dtype::F32).with_axes("tyx").unwrap();
    let bytes = save(&folder.file("f1.tif"), &info, Options::default());
    save(&folder.file("f10.tif"), &info, Options { tiled: true, ..Options::default() });
    save(&folder.file("f9.tif"), &info, Options { tiled: true, ..Options::default() });
    let paths = tiff::expand(&folder.file("f*.tif")).unwrap();
    assert!(paths[2].ends_with("f10.tif"));
    let stack = tiff::open_stack(&paths).unwrap();
    assert_eq!((stack.info().letters().as_str(), stack.unit()), ("ZTYX", Dims::from([1, 1, 40, 300])));
    assert!(read_all(&*stack).unwrap() == bytes.repeat(3));
}
