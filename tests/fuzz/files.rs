//! Small files of every kind, and what is done to them. The same number gives the same file.

use super::common_formats::{Scratch, noise, write_whole};
use stackmill::Dtype;
use stackmill::formats::{self, WriteOptions};
use stackmill::grid::Dims;
use stackmill::storage::Info;
use std::fs;
use std::path::{Path, PathBuf};

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn of(number: u64) -> Random {
        Random(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5eed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn word<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn of_list<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// What is mutated.
enum Kind {
    /// A file's bytes.
    Bytes(PathBuf, Vec<u8>),
    /// One of the files of a folder, all of which are given back.
    Folder(PathBuf, Vec<(PathBuf, Vec<u8>)>),
    /// A TIFF around an OME-XML text.
    Ome(Vec<String>),
    /// A TIFF whose directories point to tables as they like.
    Tables,
}

pub struct Seed {
    pub name: &'static str,
    kind: Kind,
}

/// One seed or several of each format and way of writing.
pub fn seeds(folder: &Scratch) -> Vec<Seed> {
    let mut all = Vec::new();
    let arrays: [(&[usize], &str, Dtype); 5] = [
        (&[3, 20, 30], "zyx", Dtype::U16),
        (&[2, 2, 9, 11], "czyx", Dtype::U8),
        (&[40, 30], "yx", Dtype::F32),
        (&[2, 17, 19, 3], "zyxs", Dtype::U8),
        (&[4, 300, 20], "tyx", Dtype::I16),
    ];
    let names: [(&str, &str, bool); 6] = [
        ("tiff", "tif", false),
        ("tiff tiled", "tif", true),
        ("ome-tiff", "ome.tif", false),
        ("npy", "npy", false),
        ("zarr", "zarr", false),
        ("zarr shards", "zarr", true),
    ];
    for (name, ending, other) in names {
        for (number, (shape, axes, dtype)) in arrays.iter().enumerate() {
            let path = folder.join(&format!("{}-{number}.{ending}", name.replace(' ', "-")));
            let info = Info::new(Dims::from(*shape), *dtype).with_axes(axes).unwrap();
            let chunks: Dims = shape.iter().map(|n| n.div_ceil(2)).collect();
            let shards = chunks.iter().map(|n| n * 2).collect();
            let is_zarr = ending == "zarr";
            let options = WriteOptions {
                tiled: other && !is_zarr,
                chunks: is_zarr.then_some(chunks),
                shards: (is_zarr && other).then_some(shards),
                ..WriteOptions::default()
            };
            let Ok(sink) = formats::create(&path, &info, options) else { continue };
            write_whole(&*sink, &noise(*dtype, info.shape.count())).unwrap();
            let kind = if is_zarr {
                Kind::Folder(path.clone(), files_of(&path))
            } else {
                Kind::Bytes(path.clone(), fs::read(&path).unwrap())
            };
            all.push(Seed { name, kind });
        }
    }
    all.extend(version_2(folder));
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/microscopy/multi-channel-z-series.ome.tif");
    let real = fs::read(data).ok().filter(|bytes| bytes.len() < 1 << 20);
    all.extend(real.map(|bytes| Seed { name: "ome-tiff", kind: Kind::Bytes(folder.join("real.ome.tif"), bytes) }));
    (0..4).for_each(|_| all.push(Seed { name: "ome-xml", kind: Kind::Ome(parts_of_xml()) }));
    (0..3).for_each(|_| all.push(Seed { name: "shared tables", kind: Kind::Tables }));
    all
}

/// Zarr of version 2, raw and compressed, from the fixtures.
fn version_2(folder: &Scratch) -> Vec<Seed> {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/zarr");
    let mut all = Vec::new();
    for entry in fs::read_dir(fixtures).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let target = folder.join(&format!("fixture-{}.zarr", entry.file_name().to_string_lossy()));
        for (path, bytes) in files_of(&entry.path()) {
            let to = target.join(path.strip_prefix(entry.path()).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, bytes).unwrap();
        }
        let files = files_of(&target);
        if !files.is_empty() && files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < 1 << 20 {
            all.push(Seed { name: "zarr fixtures", kind: Kind::Folder(target, files) });
        }
    }
    all
}

fn files_of(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { found.push((path.clone(), fs::read(&path).unwrap())) }
        }
    }
    found.sort();
    found
}

impl Seed {
    /// Writes a mutation; gives the path to open, and the file that was changed.
    pub fn mutated(&self, folder: &Scratch, random: &mut Random) -> (PathBuf, PathBuf) {
        let (path, file, bytes) = match &self.kind {
            Kind::Bytes(path, bytes) => (path.clone(), path.clone(), changed(bytes.clone(), random)),
            Kind::Folder(path, files) => {
                // The description is what decides most.
                let described: Vec<_> = files.iter().filter(|(path, _)| is_text(path)).collect();
                let (file, bytes) = match random.below(3) {
                    0 => random.of_list(files),
                    _ => *random.of_list(&described),
                };
                let bytes = if is_text(file) { text_changed(bytes.clone(), random) } else { changed(bytes.clone(), random) };
                (path.clone(), file.clone(), bytes)
            }
            Kind::Ome(parts) => {
                let path = folder.join("xml.ome.tif");
                (path.clone(), path, around(&xml(parts, random), random.below(6) + 1))
            }
            Kind::Tables => {
                let path = folder.join("tables.tif");
                (path.clone(), path, tables(random))
            }
        };
        fs::write(&file, bytes).unwrap();
        (path, file)
    }

    /// Gives back what the next mutation of a folder begins with.
    pub fn restore(&self, mutated: &Path) {
        if let Kind::Folder(_, files) = &self.kind {
            files.iter().filter(|(path, _)| path == mutated).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
        }
    }
}

fn is_text(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.ends_with(".json") || name.starts_with(".z")
}

const NUMBERS: [u64; 14] = [0, 1, 2, 3, 7, 8, 255, 256, 65535, 1 << 24, (1 << 31) - 1, u32::MAX as u64, 1 << 62, u64::MAX];

/// One to four changes of bytes, in places where formats keep numbers as often as elsewhere.
fn changed(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    for _ in 0..=random.below(4) {
        let len = bytes.len();
        if len == 0 {
            return bytes;
        }
        // The beginning and the end hold headers and directories.
        let at = match random.below(3) {
            0 => random.below(len),
            1 => random.below(len.min(512)),
            _ => len - 1 - random.below(len.min(512)),
        };
        match random.below(9) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 | 3 => {
                let number = random.of_list(&NUMBERS).to_le_bytes();
                let size = *random.of_list(&[2, 4, 8]);
                let at = if random.below(2) == 0 { at & !1 } else { at };
                bytes[at..].iter_mut().zip(&number[..size]).for_each(|(byte, new)| *byte = *new);
            }
            4 => bytes.truncate(at),
            // A pointer or an entry becomes another one: tables are shared, directories loop.
            5 | 6 => {
                let size = *random.of_list(&[2, 4, 8, 12, 20]);
                let from = random.below(len);
                let part: Vec<u8> = bytes[from..(from + size).min(len)].to_vec();
                bytes[at..].iter_mut().zip(part).for_each(|(byte, new)| *byte = new);
            }
            7 => {
                let from = random.below(len);
                let part: Vec<u8> = bytes[from..(from + random.below(200)).min(len)].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                let end = (at + random.below(64)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }
    bytes
}

/// Changes of a text: its numbers, its words, its brackets.
fn text_changed(bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    for _ in 0..=random.below(3) {
        let digits: Vec<(usize, &str)> = text.match_indices(|c: char| c.is_ascii_digit()).collect();
        let place = random.below(text.len());
        match random.below(6) {
            0..=2 if !digits.is_empty() => {
                let (start, _) = *random.of_list(&digits);
                let end = text[start..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |len| start + len);
                text.replace_range(start..end, &random.of_list(&NUMBERS).to_string());
            }
            3 if text.is_char_boundary(place) => text.truncate(place),
            4 => {
                let words = [
                    "gzip",
                    "zstd",
                    "blosc",
                    "crc32c",
                    "bytes",
                    "transpose",
                    "sharding_indexed",
                    "uint64",
                    "null",
                    "-1",
                    "1e300",
                ];
                let found: Vec<&str> = words.iter().copied().filter(|word| text.contains(*word)).collect();
                if !found.is_empty() {
                    let old = random.word(&found);
                    text = text.replacen(old, random.word(&words), 1);
                }
            }
            _ => return changed(text.into_bytes(), random),
        }
    }
    text.into_bytes()
}

fn parts_of_xml() -> Vec<String> {
    let pixels = "<Pixels ID=\"Pixels:0\" DimensionOrder=\"XYZCT\" Type=\"uint8\" SizeX=\"4\" SizeY=\"3\" SizeZ=\"3\" SizeC=\"2\" SizeT=\"1\" \
                  PhysicalSizeX=\"0.5\" PhysicalSizeXUnit=\"µm\">";
    let mut parts: Vec<String> =
        ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<OME xmlns=\"http://x\" UUID=\"urn:uuid:1\">", "<Image>", pixels]
            .map(str::to_owned)
            .to_vec();
    parts.extend((0..6).map(|k| {
        format!(
            "<TiffData IFD=\"{k}\" FirstZ=\"{}\" FirstC=\"{}\"><UUID FileName=\"a.tif\">urn:uuid:1</UUID></TiffData>",
            k % 3,
            k / 3
        )
    }));
    parts.extend(["</Pixels>", "</Image>", "</OME>"].map(str::to_owned));
    parts
}

/// A text of these parts, some of them left out, repeated, changed or replaced.
fn xml(parts: &[String], random: &mut Random) -> String {
    let odd = [
        "<![CDATA[<Pixels]]>",
        "<!-- ",
        "-->",
        "<!DOCTYPE x [<!ENTITY a \"&a;&a;\">]>",
        "&#x110000;",
        "&a;",
        "<Pixels/>",
        "<a:Pixels>",
        "</Pixels>",
        "<TiffData/>",
        "<TiffData PlaneCount='9'/>",
        "\u{0}",
        "<a b='",
        "<UUID>",
        "\u{feff}",
        "<",
        ">",
        "]]>",
        "<?x",
    ];
    let repeated = [
        "&amp;",
        "<a>",
        "</a>",
        "<TiffData/>",
        "<a b='1' b='2' ",
        "<TiffData IFD='1' PlaneCount='9999'/>",
        "<!-- -->",
        "x='&#181;' ",
    ];
    let mut text = String::new();
    for part in parts {
        match random.below(16) {
            0 => {}
            1 => text.push_str(&part.repeat(random.below(4))),
            2 => text.push_str(random.word(&odd)),
            3 => {
                let at = (0..=random.below(part.len())).rev().find(|at| part.is_char_boundary(*at)).unwrap_or(0);
                text.push_str(&part[..at]);
                text.push_str(random.word(&odd));
                text.push_str(&part[at..]);
            }
            4 => text.push_str(&part.replacen(['0', '1', '2', '3'], &random.of_list(&NUMBERS).to_string(), 1 + random.below(3))),
            5 if random.below(20) == 0 => {
                text.push_str(part);
                text.push_str(&random.word(&repeated).repeat(random.below(50_000)));
            }
            6 if random.below(20) == 0 => {
                text.push_str(&part.replacen(' ', &format!(" n='{}' ", "&amp;".repeat(random.below(50_000))), 1))
            }
            _ => text.push_str(part),
        }
    }
    text
}

/// A classic file of so many pages of 4 × 3 pixels, the first of which has this description.
fn around(description: &str, pages: usize) -> Vec<u8> {
    let mut bytes = b"II*\0\0\0\0\0".to_vec();
    let text = bytes.len() as u32;
    bytes.extend(description.bytes());
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    let mut link = 4;
    for page in 0..pages {
        let strip = bytes.len() as u32;
        bytes.extend([page as u8; 12]);
        let mut tags = vec![(256u16, 4u16, 1, 4), (257, 4, 1, 3), (258, 4, 1, 8), (259, 4, 1, 1), (262, 4, 1, 1)];
        tags.extend((page == 0).then_some((270, 2, description.len() as u32, text)));
        tags.extend([(273, 4, 1, strip), (278, 4, 1, 3), (279, 4, 1, 12)]);
        link = directory(&mut bytes, link, &tags);
    }
    bytes
}

/// Adds a directory behind the link at `link`; gives the place of its own.
fn directory(bytes: &mut Vec<u8>, link: usize, tags: &[(u16, u16, u32, u32)]) -> usize {
    let here = bytes.len() as u32;
    bytes[link..link + 4].copy_from_slice(&here.to_le_bytes());
    bytes.extend((tags.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in tags {
        bytes.extend([&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat());
    }
    let link = bytes.len();
    bytes.extend([0; 4]);
    link
}

/// Directories whose lists lie in few places, of any length: strips, bits, offsets, sizes. Two of three have nothing else odd.
fn tables(random: &mut Random) -> Vec<u8> {
    let mut bytes = b"II*\0\0\0\0\0".to_vec();
    let is_odd = random.below(3) == 0;
    let odd = |random: &mut Random, usual: u32, others: &[u32]| if is_odd { *random.of_list(others) } else { usual };
    let most = *random.of_list(&[4usize, 40, 400, 4000]);
    let entries = 1 + random.below(most);
    let number = odd(random, 8, &[0, 8, 8, 12, u32::MAX]);
    bytes.extend((0..entries * 2).flat_map(|_| number.to_le_bytes()));
    bytes.resize(bytes.len().max(64), 0);
    let most = *random.of_list(&[2usize, 20, 200, 2000]);
    let mut link = 4;
    for page in 0..1 + random.below(most) {
        let (all, some) = (entries as u32, random.below(2 * entries) as u32);
        let count = odd(random, all, &[all, all, all, some]);
        let place = 8 + 4 * if is_odd { random.below(2) * random.below(entries) } else { 0 } as u32;
        let rows = if random.below(4) == 0 { page as u32 + 1 } else { 1 };
        let (kind, listed) = (odd(random, 4, &[4, 4, 3, 1, 16]) as u16, odd(random, 1, &[1, 1, count]));
        let tags = [
            (256u16, 4u16, 1, 4),
            (257, 4, 1, all),
            (258, odd(random, 3, &[3, 3, 1, 4]) as u16, listed, 8),
            (259, 4, 1, *random.of_list(&[8, 8, 5, 32773])),
            (262, 4, 1, 1),
            (273, kind, count, place),
            (277, 4, 1, 1),
            (278, 4, 1, rows),
            (279, 4, count, place + 4 * all),
        ];
        link = directory(&mut bytes, link, &tags);
    }
    bytes
}
