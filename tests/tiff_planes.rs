//! Which pages of a TIFF are planes of its array: what differs or lacks is told, never silently left out, and tables that share
//! bytes take neither ages nor memory.
#![cfg(feature = "tiff")]

mod common_formats;

use common_formats::{Scratch, read_whole};
use stackmill::formats::tiff;
use std::time::{Duration, Instant};

/// A page of one strip of raw bytes.
#[derive(Clone)]
struct Page {
    width: u32,
    height: u32,
    bits: u32,
    samples: u32,
    subfile: u32,
    value: u8,
    description: String,
}

/// 4 × 3 pixels of u8.
fn page(value: u8) -> Page {
    Page { width: 4, height: 3, bits: 8, samples: 1, subfile: 0, value, description: String::new() }
}

/// A classic little-endian file.
fn file(pages: &[Page]) -> Vec<u8> {
    let mut bytes = b"II*\0\0\0\0\0".to_vec();
    let mut link = 4;
    for page in pages {
        let at = |bytes: &Vec<u8>| bytes.len() as u32;
        let pixels = page.width * page.height * page.samples * page.bits / 8;
        let strip = at(&bytes);
        bytes.extend(vec![page.value; pixels as usize]);
        let text = (at(&bytes), page.description.len() as u32);
        bytes.extend(page.description.bytes());
        let bits = at(&bytes);
        bytes.extend((0..page.samples.max(2)).flat_map(|_| page.bits.to_le_bytes()));
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        let here = at(&bytes);
        bytes[link..link + 4].copy_from_slice(&here.to_le_bytes());
        let bits = if page.samples == 1 { page.bits } else { bits };
        let mut tags = vec![
            (254u16, 4u16, 1, page.subfile),
            (256, 4, 1, page.width),
            (257, 4, 1, page.height),
            (258, 4, page.samples, bits),
            (259, 4, 1, 1),
            (262, 4, 1, if page.samples == 3 { 2 } else { 1 }),
        ];
        if !page.description.is_empty() {
            tags.push((270, 2, text.1, text.0));
        }
        tags.extend([(273, 4, 1, strip), (277, 4, 1, page.samples), (278, 4, 1, page.height), (279, 4, 1, pixels)]);
        bytes.extend((tags.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in tags {
            bytes.extend([&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat());
        }
        link = bytes.len();
        bytes.extend([0; 4]);
    }
    bytes
}

/// Shape, axes, the value of each plane's first pixel, and what is told.
type Opened = (Vec<usize>, String, Vec<u8>, Vec<String>);

fn opened(folder: &Scratch, pages: &[Page]) -> Result<Opened, String> {
    let path = folder.join("a.ome.tif");
    std::fs::write(&path, file(pages)).unwrap();
    let source = tiff::open(&path).map_err(|error| error.to_string())?;
    let info = source.info();
    let plane = info.shape.iter().rev().take(if info.letters().ends_with('S') { 3 } else { 2 }).product::<usize>();
    let bytes = read_whole(&*source).map_err(|error| error.to_string())?;
    let values = bytes.chunks(plane * info.dtype.size()).map(|plane| plane[0]).collect();
    Ok((info.shape.to_vec(), info.letters(), values, source.notices()))
}

fn stack(description: &str, values: std::ops::Range<u8>) -> Vec<Page> {
    let mut pages: Vec<Page> = values.map(page).collect();
    pages[0].description = description.to_owned();
    pages
}

fn told(opened: &Opened, words: &[&str]) {
    let all = opened.3.join("\n");
    assert!(words.iter().all(|word| all.contains(word)), "{words:?}: {all:?}");
}

#[test]
fn pages_that_differ_are_told() {
    let folder = Scratch::new("planes-differ");
    let odd = [
        (Page { bits: 16, ..page(9) }, "u16 3 × 4"),
        (Page { samples: 3, ..page(9) }, "3 samples"),
        (Page { width: 5, ..page(9) }, "3 × 5"),
    ];
    for (other, words) in odd {
        let mut pages = stack("", 1..5);
        pages.insert(2, other);
        let opened = opened(&folder, &pages).unwrap();
        assert_eq!((&opened.0[..], &opened.2[..]), (&[4, 3, 4][..], &[1, 2, 3, 4][..]), "{words}");
        told(&opened, &["not read: 1", "page 2 is", words, "u8 3 × 4"]);
    }
    // Reduced images and masks belong to a page.
    for subfile in [1, 4] {
        let mut pages = stack("", 1..5);
        pages.insert(1, Page { subfile, ..page(9) });
        let opened = opened(&folder, &pages).unwrap();
        assert_eq!((&opened.2[..], opened.3.len()), (&[1, 2, 3, 4][..], 0));
    }
}

fn ome(z: usize, data: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\"><Image><Pixels \
         DimensionOrder=\"XYZCT\" SizeX=\"4\" SizeY=\"3\" SizeZ=\"{z}\" SizeC=\"2\" SizeT=\"1\">{data}</Pixels></Image></OME>"
    )
}

#[test]
fn planes_that_the_file_lacks_are_told() {
    let folder = Scratch::new("planes-lack");
    // As tifffile reads it: in its place, zeros.
    let all = opened(&folder, &stack(&ome(3, "<TiffData/>"), 1..7)).unwrap();
    assert_eq!(all, (vec![2, 3, 3, 4], "CZYX".to_owned(), vec![1, 2, 3, 4, 5, 6], vec![]));
    let short = opened(&folder, &stack(&ome(3, "<TiffData/>"), 1..5)).unwrap();
    assert_eq!((&short.0[..], &short.2[..]), (&[2, 3, 3, 4][..], &[1, 2, 3, 4, 0, 0][..]));
    told(&short, &["6 planes", "2 of which are not in the file"]);
    // Of several images the first is read.
    let long = opened(&folder, &stack(&ome(2, "<TiffData/>"), 1..7)).unwrap();
    assert_eq!(&long.2[..], [1, 2, 3, 4]);
    told(&long, &["6 pages, 4 of which are read"]);
    // Directories are counted, not pages: a mask between them is one.
    let mut pages = stack(&ome(2, "<TiffData IFD='0'/><TiffData FirstZ='1' IFD='2' PlaneCount='3'/>"), 1..5);
    pages.insert(1, Page { subfile: 4, ..page(9) });
    let counted = opened(&folder, &pages).unwrap();
    assert_eq!((&counted.2[..], &counted.3[..]), (&[1, 2, 3, 4][..], &[][..]));
    // What cannot be used is told; the pages are one axis.
    for (text, words) in [
        (ome(3, "").replace("SizeZ=\"3\"", "SizeZ=\"999999999999\""), "the file has 4"),
        (ome(3, "<TiffData IFD='77' PlaneCount='6'/>"), "none of its 6 planes"),
        (ome(3, "<!-- "), "no XML"),
        ("<OME><BinaryOnly/></OME>".to_owned(), "no Pixels"),
    ] {
        let unused = opened(&folder, &stack(&text, 1..5)).unwrap();
        assert_eq!((&unused.0[..], &unused.2[..]), (&[4, 3, 4][..], &[1, 2, 3, 4][..]), "{words}");
        told(&unused, &["OME description is not used", words]);
    }
}

#[test]
fn described_shapes_that_the_pages_are_not() {
    let folder = Scratch::new("planes-shaped");
    let shaped = "{\"shape\": [2, 3, 3, 4], \"axes\": \"CZYX\"}";
    assert_eq!(opened(&folder, &stack(shaped, 1..7)).unwrap().0, [2, 3, 3, 4]);
    let error = opened(&folder, &stack(shaped, 1..5)).unwrap_err();
    assert!(error.contains("has 6 pages, the file has 4") && error.contains("truncated"), "{error}");
    told(&opened(&folder, &stack(shaped, 1..9)).unwrap(), &["8 pages, 6 of which are read"]);
    told(&opened(&folder, &stack(shaped, 1..2)).unwrap(), &["the file is one of them"]);
    let imagej = "ImageJ=1.54f\nimages=6\nslices=6\n";
    assert_eq!(opened(&folder, &stack(imagej, 1..7)).unwrap().3, [""; 0]);
    let short = opened(&folder, &stack(imagej, 1..5)).unwrap();
    assert_eq!(short.2, [1, 2, 3, 4]);
    told(&short, &["counts 6 images, the file has 4"]);
}

/// Directories of compressed strips whose tables are all at one place: `entries` of them, of which a page needs all.
fn sharing(directories: usize, entries: u32, rows: impl Fn(usize) -> u32) -> Vec<u8> {
    let mut bytes = b"II*\0\0\0\0\0".to_vec();
    let strip = bytes.len() as u32;
    bytes.extend([0; 16]);
    let (offsets, sizes) = (bytes.len() as u32, bytes.len() as u32 + 4 * entries);
    bytes.extend((0..entries).flat_map(|_| strip.to_le_bytes()));
    bytes.extend((0..entries).flat_map(|_| 8u32.to_le_bytes()));
    let mut link = 4;
    for number in 0..directories {
        let here = bytes.len() as u32;
        bytes[link..link + 4].copy_from_slice(&here.to_le_bytes());
        let tags = [
            (256u16, 1, 4),
            (257, 1, entries),
            (258, 1, 8),
            (259, 1, 8),
            (273, entries, offsets),
            (278, 1, rows(number)),
            (279, entries, sizes),
        ];
        bytes.extend((tags.len() as u16).to_le_bytes());
        for (tag, count, value) in tags {
            bytes.extend([&tag.to_le_bytes()[..], &4u16.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat());
        }
        link = bytes.len();
        bytes.extend([0; 4]);
    }
    bytes
}

/// Pages may share a list or two; a file may not be its own list over and over, however its pages are cut.
#[test]
fn shared_tables_end_soon() {
    let folder = Scratch::new("planes-shared");
    let path = folder.join("a.tif");
    std::fs::write(&path, sharing(50, 40, |_| 1)).unwrap();
    assert_eq!(tiff::open(&path).unwrap().info().shape.to_vec(), [50, 40, 4]);
    let begun = Instant::now();
    for (directories, entries) in [(40_000, 300_000), (10_000, 600_000), (60_000, 60)] {
        std::fs::write(&path, sharing(directories, entries, |_| 1)).unwrap();
        let error = tiff::open(&path).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("overlap"), "{directories} × {entries}: {error}");
    }
    // Every page cut in a way of its own.
    std::fs::write(&path, sharing(60_000, 2, |number| number as u32 + 2)).unwrap();
    tiff::open(&path).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// What is told comes to who asks: a row of `info`, a note of `run`.
#[cfg(feature = "cli")]
#[test]
fn info_and_run_tell_it() {
    let folder = Scratch::new("planes-told");
    std::fs::write(folder.join("short.ome.tif"), file(&stack(&ome(3, "<TiffData/>"), 1..5))).unwrap();
    let said = |args: &[&str]| {
        let done =
            std::process::Command::new(env!("CARGO_BIN_EXE_stackmill")).current_dir(&folder.0).args(args).output().unwrap();
        assert!(done.status.success(), "{args:?}");
        String::from_utf8([done.stdout, done.stderr].concat()).unwrap()
    };
    for text in [said(&["info", "short.ome.tif"]), said(&["run", "short.ome.tif", "o.npy", "x + 1"])] {
        assert!(text.contains("note") && text.contains("2 of which are not in the file"), "{text}");
    }
}
