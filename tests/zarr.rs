//! Zarr and OME-Zarr: round trips, arrays that zarr-python wrote (tests/fixtures/zarr), and files that are broken.
#![cfg(feature = "zarr")]

mod common_formats;

use common_formats::*;
use serde_json::{Value, json};
use stackmill::dtype::{Dtype, Number};
use stackmill::formats::zarr::{self, Options};
use stackmill::grid::{Dims, Region};
use stackmill::storage::{Axis, Identity, Info, Kind};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/zarr").join(name)
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let goal = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &goal)
        } else {
            std::fs::copy(entry.path(), &goal).map(drop).unwrap()
        }
    }
}

fn document(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path.join("zarr.json")).unwrap()).unwrap()
}

/// Chunks larger than the array, of one element, and odd ones.
fn chunkings(shape: &Dims) -> Vec<Option<Dims>> {
    vec![
        None,
        Some(shape.iter().map(|n| n + 3).collect()),
        Some(Dims::filled(shape.len(), 2)),
        Some(shape.iter().map(|n| n.div_ceil(2).max(1)).collect()),
    ]
}

#[test]
fn every_dtype_rank_and_chunking_comes_back() {
    let dir = Scratch::new("zarr-round");
    for dtype in Dtype::ALL {
        for shape in odd_shapes() {
            for chunk in chunkings(&shape) {
                let path = dir.join("a.zarr");
                let info = Info::new(shape, dtype);
                let bytes = noise(dtype, shape.count());
                let options = Options { chunk, overwrite: true, ..Options::default() };
                write_whole(&*zarr::create(&path, &info, &options).unwrap(), &bytes).unwrap();
                let back = zarr::open(&path).unwrap();
                assert_eq!((back.info().shape, back.info().dtype), (shape, dtype));
                assert_eq!(read_whole(&*back).unwrap(), bytes, "{dtype} {shape} {chunk:?}");
                assert_eq!(back.info().axes, info.axes);
            }
        }
    }
    assert_eq!(dir.names(), ["a.zarr"]);
    assert!(!dir.join("a.zarr/.stackmill-partial").exists());
}

#[test]
fn shards_hold_chunks() {
    let dir = Scratch::new("zarr-shards");
    for dtype in [Dtype::Bool, Dtype::U8, Dtype::U16, Dtype::F32, Dtype::I64] {
        for (shape, chunk, shard) in
            [([9, 40, 33], [2, 8, 8], [4, 16, 32]), ([9, 40, 33], [1, 40, 33], [9, 40, 33]), ([1, 1, 5], [1, 1, 2], [1, 1, 4])]
        {
            let path = dir.join("a.zarr");
            let info = Info::new(shape.into(), dtype);
            let bytes = noise(dtype, info.shape.count());
            let options = Options { chunk: Some(chunk.into()), shard: Some(shard.into()), overwrite: true, ..Options::default() };
            let sink = zarr::create(&path, &info, &options).unwrap();
            assert_eq!(sink.unit().unwrap(), info.shape.zip_with(&shard, |n, s| s.min(n)), "a shard is written at once");
            write_whole(&*sink, &bytes).unwrap();
            let back = zarr::open(&path).unwrap();
            assert_eq!(read_whole(&*back).unwrap(), bytes, "{dtype} {shape:?} {chunk:?} {shard:?}");
        }
    }
    let create = |chunk: Option<[usize; 3]>, shard: [usize; 3]| {
        let options = Options { chunk: chunk.map(Dims::from), shard: Some(shard.into()), overwrite: true, ..Options::default() };
        zarr::create(&dir.join("b.zarr"), &Info::new([9, 1000, 999].into(), Dtype::U8), &options)
    };
    // Chunks that nobody chose fill the shards.
    create(None, [12, 1000, 1024]).unwrap();
    let error = create(Some([2, 8, 8]), [4, 20, 32]).err().unwrap().to_string();
    assert!(error.contains("shards of (4, 20, 32) are not made of whole chunks of (2, 8, 8)"), "{error}");
}

#[test]
fn default_chunks_follow_the_axes() {
    let dir = Scratch::new("zarr-chunks");
    let cases: [(&[usize], &str, &[usize]); 8] = [
        (&[5, 3, 40, 2048, 2048], "tczyx", &[1, 1, 8, 512, 512]),
        (&[40, 100, 2048], "", &[8, 100, 512]),
        (&[10, 600, 700, 3], "zyxs", &[2, 512, 512, 3]),
        (&[10, 600, 700], "tyx", &[1, 512, 512]),
        (&[9_000_000], "", &[1 << 20]),
        (&[2, 2, 9, 9, 9, 9], "", &[1, 1, 1, 8, 9, 9]),
        (&[30, 600], "yx", &[30, 512]),
        (&[0, 600], "yx", &[1, 512]),
    ];
    for (shape, letters, expected) in cases {
        let info = Info::new(Dims::from(shape), Dtype::U16);
        let info = if letters.is_empty() { info } else { info.with_axes(letters).unwrap() };
        let sink = zarr::create(&dir.join("c.zarr"), &info, &Options::default()).unwrap();
        assert_eq!(&*sink.unit().unwrap(), expected, "{shape:?} {letters}");
    }
}

#[test]
fn arrays_of_zarr_python_are_read() {
    let cases: [(&str, Dtype, &[usize], &[usize]); 22] = [
        ("v3_zstd", Dtype::U16, &[5, 7], &[3, 4]),
        ("v3_gzip", Dtype::F32, &[5, 7], &[3, 4]),
        ("v3_blosc", Dtype::I32, &[5, 7], &[3, 4]),
        ("v3_blosc_zstd", Dtype::F64, &[5, 7], &[3, 4]),
        ("v3_raw", Dtype::I8, &[5, 7], &[3, 4]),
        ("v3_bool", Dtype::Bool, &[5, 7], &[3, 4]),
        ("v3_f16", Dtype::F16, &[5, 7], &[3, 4]),
        ("v3_big", Dtype::U16, &[5, 7], &[3, 4]),
        ("v3_crc", Dtype::U64, &[5, 7], &[3, 4]),
        ("v3_dotted", Dtype::U16, &[5, 7], &[3, 4]),
        ("v3_transpose", Dtype::U32, &[3, 5, 7], &[2, 3, 4]),
        ("v3_sharded", Dtype::U16, &[9, 13], &[4, 6]),
        ("v2_zstd", Dtype::U16, &[5, 7], &[3, 4]),
        ("v2_gzip", Dtype::F32, &[5, 7], &[3, 4]),
        ("v2_blosc", Dtype::I32, &[5, 7], &[3, 4]),
        ("v2_raw_big", Dtype::F64, &[5, 7], &[3, 4]),
        ("v2_big_blosc", Dtype::I16, &[5, 7], &[3, 4]),
        ("v2_bool", Dtype::Bool, &[5, 7], &[3, 4]),
        ("v2_slash", Dtype::U16, &[5, 7], &[3, 4]),
        ("v2_xarray", Dtype::F64, &[5, 7], &[3, 4]),
        ("v2_fortran", Dtype::U32, &[3, 5, 7], &[2, 3, 4]),
        ("ome05", Dtype::U8, &[2, 4, 5], &[1, 4, 5]),
    ];
    for (name, dtype, shape, unit) in cases {
        let source = zarr::open(&fixture(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let info = source.info();
        assert_eq!((info.dtype, &*info.shape, &*source.unit()), (dtype, shape, unit), "{name}");
        assert_eq!(read_whole(&*source).unwrap(), ramp(dtype, info.shape.count()), "{name}");
        assert_eq!(info.nodata, None);
        assert_eq!(info.kind == Kind::Mask, dtype == Dtype::Bool);
    }
}

#[test]
fn missing_chunks_read_as_the_fill_value() {
    let source = zarr::open(&fixture("v3_missing")).unwrap();
    assert!(source.fetch(&[1, 1].into()).unwrap().is_none());
    let expected = elements(Dtype::F32, 35, |n| {
        let (y, x) = (n / 7, n % 7);
        if y < 3 && x < 4 { Number::Int(((y * 4 + x) * 7 % 251) as i128) } else { Number::Float(f64::NAN) }
    });
    assert_eq!(read_whole(&*source).unwrap(), expected);
    let source = zarr::open(&fixture("v3_missing_shard")).unwrap();
    let expected = elements(Dtype::I16, 64, |n| Number::Int(if n / 8 < 2 && n % 8 < 2 { 5 } else { -3 }));
    assert_eq!(read_whole(&*source).unwrap(), expected);
}

#[test]
fn a_folder_that_went_away_is_no_fill_value() {
    let dir = Scratch::new("zarr-vanished");
    copy_folder(&fixture("v3_missing"), &dir.join("a"));
    let source = zarr::open(&dir.join("a")).unwrap();
    std::fs::remove_dir_all(dir.join("a")).unwrap();
    assert!(refusal(read_whole(&*source)).contains("cannot open"));
}

#[test]
fn axes_are_read() {
    let letters = |name: &str| zarr::open(&fixture(name)).unwrap().info().axes.iter().map(|a| a.name.clone()).collect::<Vec<_>>();
    assert_eq!(letters("v3_zstd"), ["z", "x"]);
    assert_eq!(letters("v3_gzip"), ["", ""]);
    assert_eq!(letters("v2_xarray"), ["y", "x"]);
    let micro = Some("micrometer".to_owned());
    let axis = |name: &str, step: f64, unit: &Option<String>| Axis { name: name.to_owned(), step, unit: unit.clone() };
    let source = zarr::open(&fixture("ome05")).unwrap();
    assert_eq!(&*source.info().axes, [axis("c", 1.0, &None), axis("y", 1.0, &micro), axis("x", 0.5, &micro)]);
    let source = zarr::open(&fixture("ome04")).unwrap();
    assert_eq!(&*source.info().axes, [axis("z", 2.0, &micro), axis("y", 0.5, &None), axis("x", 0.5, &None)]);
    assert_eq!(read_whole(&*source).unwrap(), ramp(Dtype::U16, 60));
}

#[test]
fn groups_open_their_one_array_or_list_what_is_inside() {
    assert_eq!(read_whole(&*zarr::open(&fixture("one")).unwrap()).unwrap(), [0, 7, 14, 21]);
    let message = refusal(zarr::open(&fixture("two")));
    assert!(message.contains("a (u8 (4,)), b (u8 (4,))") && message.contains("hint: name one of them"), "{message}");
    let dir = Scratch::new("zarr-groups");
    assert!(refusal(zarr::open(&dir.0)).contains("no zarr.json"));
    assert!(refusal(zarr::open(&dir.join("none"))).contains("cannot open"));
    write_file(&dir.join("file"), b"");
    assert!(refusal(zarr::open(&dir.join("file"))).contains("is a file"));
    write_file(&dir.join("zarr.json"), br#"{"zarr_format": 3, "node_type": "group"}"#);
    assert!(refusal(zarr::open(&dir.0)).contains("nothing inside"));
    // bioformats2raw: one image inside a group.
    copy_folder(&fixture("ome05"), &dir.join("0"));
    assert_eq!(zarr::open(&dir.0).unwrap().info().letters(), "CYX");
}

#[test]
fn ome_zarr_is_written_as_0_5_says() {
    let dir = Scratch::new("zarr-ome");
    let path = dir.join("cells.ome.zarr");
    let mut info = Info::new([2, 3, 4, 5].into(), Dtype::U16).with_axes("czyx").unwrap();
    let micro = |name: &str, step: f64| Axis { name: name.to_owned(), step, unit: Some("micrometer".to_owned()) };
    info.axes = vec![Axis::named("c"), micro("z", 2.0), micro("y", 0.25), micro("x", 0.25)].into();
    let bytes = noise(Dtype::U16, 120);
    let options = Options { ome: true, ..Options::default() };
    write_whole(&*zarr::create(&path, &info, &options).unwrap(), &bytes).unwrap();
    let root = document(&path);
    let space = |name: &str| json!({"name": name, "type": "space", "unit": "micrometer"});
    let expected = json!({
        "zarr_format": 3, "node_type": "group",
        "attributes": {
            "ome": {"version": "0.5", "multiscales": [{
                "name": "cells",
                "axes": [{"name": "c", "type": "channel"}, space("z"), space("y"), space("x")],
                "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1.0, 2.0, 0.25, 0.25]}]}],
            }]},
            "stackmill": {"identity": "test", "kind": "image", "step": [1.0, 2.0, 0.25, 0.25],
                "unit": [null, "micrometer", "micrometer", "micrometer"]},
        },
    });
    assert_eq!(root, expected);
    assert_eq!(document(&path.join("0"))["dimension_names"], json!(["c", "z", "y", "x"]));
    let back = zarr::open(&path).unwrap();
    assert_eq!(back.info(), &info);
    assert_eq!(read_whole(&*back).unwrap(), bytes);
}

#[test]
fn ome_zarr_takes_only_its_axes() {
    let dir = Scratch::new("zarr-ome-axes");
    let options = Options { ome: true, ..Options::default() };
    let made = |rank: usize, letters: &str| {
        let mut info = Info::new(Dims::filled(rank, 2), Dtype::Bool);
        if !letters.is_empty() {
            info.axes = letters.chars().map(|c| Axis::named(c.to_string().trim_matches('_'))).collect();
        }
        zarr::create(&dir.join("a.ome.zarr"), &info, &options)
    };
    for (rank, letters, written) in
        [(2, "", "YX"), (3, "", "ZYX"), (4, "", "CZYX"), (5, "", "TCZYX"), (3, "t__", "TYX"), (4, "tzyx", "TZYX")]
    {
        assert_eq!(made(rank, letters).unwrap().info().letters(), written);
    }
    for (rank, letters) in [(1, ""), (6, ""), (2, "tx"), (3, "yxs"), (3, "yxz"), (3, "xyz")] {
        let message = refusal(made(rank, letters));
        assert!(message.contains("OME-Zarr") && message.contains("hint"), "{letters}: {message}");
    }
}

#[test]
fn what_no_other_field_holds_comes_back() {
    let dir = Scratch::new("zarr-own");
    for (kind, nodata) in [(Kind::Labels, Some(-1.0)), (Kind::Image, Some(f64::INFINITY)), (Kind::Rgb, None)] {
        let mut info = Info::new([4, 5].into(), Dtype::I16).with_axes("yx").unwrap();
        info.axes = vec![Axis { name: "y".to_owned(), step: 0.5, unit: Some("second".to_owned()) }, Axis::named("x")].into();
        (info.kind, info.nodata) = (kind, nodata);
        for ome in [false, true] {
            let path = dir.join("a.zarr");
            let options = Options { ome, overwrite: true, ..Options::default() };
            write_whole(&*zarr::create(&path, &info, &options).unwrap(), &noise(Dtype::I16, 20)).unwrap();
            assert_eq!(zarr::open(&path).unwrap().info(), &info);
        }
    }
}

#[test]
fn chunks_of_zeros_take_no_file_and_negative_zero_is_kept() {
    let dir = Scratch::new("zarr-zeros");
    let path = dir.join("z.zarr");
    let info = Info::new([4, 4].into(), Dtype::F32);
    let options = Options { chunk: Some([2, 2].into()), ..Options::default() };
    let bytes = elements(Dtype::F32, 16, |n| Number::Float(if n == 15 { -0.0 } else { 0.0 }));
    write_whole(&*zarr::create(&path, &info, &options).unwrap(), &bytes).unwrap();
    assert!(path.join("c/1/1").is_file() && !path.join("c/0").exists());
    assert_eq!(read_whole(&*zarr::open(&path).unwrap()).unwrap(), bytes);
}

#[test]
fn an_unfinished_array_never_looks_whole() {
    let dir = Scratch::new("zarr-unfinished");
    let path = dir.join("u.ome.zarr");
    let info = Info::new([4, 4].into(), Dtype::U8);
    let options = Options { ome: true, ..Options::default() };
    let begun = || {
        let sink = zarr::create(&path, &info, &options).unwrap();
        sink.begin(&Identity(String::new())).unwrap();
        write_units(&*sink, &noise(Dtype::U8, 16)).unwrap();
        sink
    };
    let lost = begun();
    assert_eq!(dir.names(), ["u.ome.zarr.partial"]);
    assert!(zarr::open(&dir.join("u.ome.zarr.partial")).is_err());
    drop(lost);
    // What a killed run left is replaced by the next.
    let sink = begun();
    sink.abandon();
    assert!(dir.names().is_empty());
    assert!(sink.write(&Region::whole([4, 4].into()), &[1]).is_err());
    assert!(sink.finish().is_err());
    // What looks like it and is not ours stays.
    std::fs::create_dir(dir.join("u.ome.zarr.partial")).unwrap();
    let sink = zarr::create(&path, &info, &options).unwrap();
    assert!(refusal(sink.begin(&Identity(String::new()))).contains("was not left by"));
}

#[test]
fn what_exists_is_replaced_only_when_asked() {
    let dir = Scratch::new("zarr-exists");
    let path = dir.join("e.zarr");
    let info = Info::new([4].into(), Dtype::U8);
    let options = |overwrite| Options { overwrite, ..Options::default() };
    write_whole(&*zarr::create(&path, &info, &options(false)).unwrap(), &[1, 2, 3, 4]).unwrap();
    assert!(refusal(zarr::create(&path, &info, &options(false))).contains("--overwrite"));
    let sink = zarr::create(&path, &info, &options(true)).unwrap();
    sink.begin(&Identity(String::new())).unwrap();
    // The old one is there until the new one is whole.
    assert_eq!(read_whole(&*zarr::open(&path).unwrap()).unwrap(), [1, 2, 3, 4]);
    write_units(&*sink, &[5, 6, 7, 8]).unwrap();
    sink.finish().unwrap();
    assert_eq!(read_whole(&*zarr::open(&path).unwrap()).unwrap(), [5, 6, 7, 8]);
    std::fs::create_dir(dir.join("photos")).unwrap();
    write_file(&dir.join("photos/a.jpg"), b"precious");
    assert!(refusal(zarr::create(&dir.join("photos"), &info, &options(true))).contains("is no Zarr"));
    assert_eq!(dir.names(), ["e.zarr", "photos"]);
}

#[test]
fn what_cannot_be_read_is_named() {
    assert!(refusal(zarr::open(&fixture("v3_complex"))).contains("'complex64' are not supported"));
    let dir = Scratch::new("zarr-refused");
    copy_folder(&fixture("v3_zstd"), &dir.join("a"));
    let original = document(&dir.join("a"));
    let huge = 1u64 << 62;
    let cases: [(&str, Value, &str); 15] = [
        ("/shape", json!([5, -7]), "holds -7"),
        ("/shape", json!([1, 1, 1, 1, 1, 1, 1]), "7 axes"),
        ("/shape", json!([huge, huge]), "larger than can be addressed"),
        ("/shape", json!([0, huge, huge]), "larger than can be addressed"),
        ("/shape", json!("x"), "no list"),
        ("/shape", json!([5, 7, 9]), "has 2 axes"),
        ("/zarr_format", json!(4), "zarr_format is not 3"),
        ("/node_type", json!("tree"), "neither array nor group"),
        ("/data_type", json!("r24"), "'r24'"),
        ("/chunk_grid/name", json!("rectangular"), "'rectangular'"),
        ("/chunk_grid/configuration/chunk_shape", json!([0, 4]), "empty axis"),
        ("/chunk_grid/configuration/chunk_shape", json!([1u64 << 30, 1u64 << 30]), "larger than"),
        ("/codecs", json!([]), "array metadata"),
        ("/codecs", json!([{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "lz77"}]), "lz77"),
        ("/fill_value", json!("red"), "array metadata"),
    ];
    for (pointer, value, expected) in cases {
        let mut changed = original.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        write_file(&dir.join("a/zarr.json"), changed.to_string().as_bytes());
        let message = refusal(zarr::open(&dir.join("a")));
        assert!(message.contains(expected) && message.contains("zarr.json"), "{pointer}: {message}");
    }
}

#[test]
fn a_document_cut_anywhere_is_an_error() {
    let dir = Scratch::new("zarr-document");
    for (name, file) in [("v3_sharded", "zarr.json"), ("v2_xarray", ".zarray"), ("ome05", "zarr.json")] {
        copy_folder(&fixture(name), &dir.join(name));
        let path = dir.join(name).join(file);
        let whole = std::fs::read(&path).unwrap();
        let end = whole.iter().rposition(|b| *b == b'}').unwrap();
        for len in 0..end {
            write_file(&path, &whole[..len]);
            assert!(refusal(zarr::open(&dir.join(name))).contains(file), "{name} {len}");
        }
    }
}

const CHUNKS: [(&str, &str); 9] = [
    ("v3_zstd", "c/0/0"),
    ("v3_gzip", "c/0/0"),
    ("v3_blosc", "c/0/0"),
    ("v3_blosc_zstd", "c/0/0"),
    ("v3_raw", "c/0/0"),
    ("v3_crc", "c/0/0"),
    ("v3_sharded", "c/0/0"),
    ("v2_blosc", "0.0"),
    ("v2_fortran", "0.0.0"),
];

#[test]
fn a_chunk_cut_anywhere_is_an_error_that_names_it() {
    let dir = Scratch::new("zarr-cut");
    for (name, chunk) in CHUNKS {
        copy_folder(&fixture(name), &dir.join(name));
        let path = dir.join(name).join(chunk);
        let source = zarr::open(&dir.join(name)).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for len in 0..whole.len() {
            write_file(&path, &whole[..len]);
            let message = refusal(read_whole(&*source));
            assert!(message.contains(chunk), "{name} {len}: {message}");
        }
        write_file(&path, &vec![0; 1 << 20]);
        assert!(refusal(read_whole(&*source)).contains("no codec makes more than"));
    }
}

#[test]
fn a_garbled_chunk_never_panics() {
    let dir = Scratch::new("zarr-garbled");
    // A codec that gives up is caught; its words would fill the test's output.
    for (name, chunk) in CHUNKS {
        copy_folder(&fixture(name), &dir.join(name));
        let path = dir.join(name).join(chunk);
        let source = zarr::open(&dir.join(name)).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let unit = Dims::filled(source.info().shape.len(), 0);
        let mut out = vec![0u8; source.unit().count() * source.info().dtype.size()];
        let mut refused = 0;
        for at in 0..whole.len() {
            for flip in [0x01, 0x80, 0xFF, 0x7F] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                if let Err(error) = source.decode(&unit, Some(bytes), &mut out) {
                    refused += 1;
                    assert!(error.to_string().contains(chunk), "{error}");
                }
            }
        }
        assert!(refused > 0 || name == "v3_raw", "{name}");
    }
}

#[test]
fn lengths_that_a_stream_only_claims_allocate_nothing() {
    let dir = Scratch::new("zarr-claims");
    copy_folder(&fixture("v3_zstd"), &dir.join("a"));
    let source = zarr::open(&dir.join("a")).unwrap();
    // One frame with an 8-byte content size of 2^62 and one raw block.
    let mut stream = 0xFD2F_B528u32.to_le_bytes().to_vec();
    stream.push(0xE0);
    stream.extend((1u64 << 62).to_le_bytes());
    stream.extend([9, 0, 0, 1]);
    let message = refusal(source.decode(&[0, 0].into(), Some(stream), &mut [0; 24]));
    assert!(message.contains("announces 4611686018427387904 bytes"), "{message}");
}

#[test]
fn a_garbled_document_never_panics() {
    let dir = Scratch::new("zarr-garbled-document");
    for (name, file) in
        [("v3_sharded", "zarr.json"), ("v3_transpose", "zarr.json"), ("v2_fortran", ".zarray"), ("ome05", "zarr.json")]
    {
        copy_folder(&fixture(name), &dir.join(name));
        let path = dir.join(name).join(file);
        let whole: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        // Without blanks, so that every byte matters.
        let whole = whole.to_string().into_bytes();
        for at in 0..whole.len() {
            for value in *b"09\"[]{}n-" {
                let mut bytes = whole.clone();
                bytes[at] = value;
                write_file(&path, &bytes);
                if let Ok(source) = zarr::open(&dir.join(name)) {
                    let small = source.info().bytes() < 1 << 20 && source.stored_bytes(&Dims::default()) < 1 << 24;
                    if small {
                        let _ = read_whole(&*source);
                    }
                }
            }
        }
    }
}

#[test]
fn codecs_that_do_not_fit_the_array_are_refused() {
    let dir = Scratch::new("zarr-odd-codecs");
    copy_folder(&fixture("v3_transpose"), &dir.join("a"));
    let original = document(&dir.join("a"));
    let (bytes, wide) = (json!({"name": "bytes", "configuration": {"endian": "little"}}), u64::MAX);
    let transposed = |order: Value| json!([{"name": "transpose", "configuration": {"order": order}}, bytes]);
    let sharded = |inner: Value, index: Value| {
        let configuration = json!({"chunk_shape": inner, "codecs": [bytes], "index_codecs": index, "index_location": "end"});
        json!([{"name": "sharding_indexed", "configuration": configuration}])
    };
    let cases = [
        transposed(json!([0, 1])),
        transposed(json!([0, 0, 0])),
        transposed(json!([0, 1, 7])),
        transposed(json!([])),
        sharded(json!([2, 3]), json!([bytes])),
        sharded(json!([2, 2, 4]), json!([bytes])),
        sharded(json!([0, 3, 4]), json!([bytes])),
        sharded(json!([wide, 3, 4]), json!([bytes])),
        sharded(json!([2, 3, 4]), json!([])),
        sharded(json!([2, 3, 4]), json!([bytes, {"name": "gzip", "configuration": {"level": 1}}])),
        json!([{"name": "reshape", "configuration": {"shape": [7]}}, bytes]),
        json!([{"name": "vlen-utf8"}]),
        json!([bytes, {"name": "blosc", "configuration": {"cname": "lz4", "clevel": 99, "shuffle": "shuffle", "typesize": 0, "blocksize": 0}}]),
    ];
    for codecs in cases {
        let mut changed = original.clone();
        changed["codecs"] = codecs.clone();
        write_file(&dir.join("a/zarr.json"), changed.to_string().as_bytes());
        let message = refusal(zarr::open(&dir.join("a")).and_then(|source| read_whole(&*source)));
        assert!(message.contains("/a/"), "{codecs}: {message}");
    }
}

#[test]
fn a_scalar_is_an_array_without_axes() {
    let dir = Scratch::new("zarr-scalar");
    let path = dir.join("s.zarr");
    let info = Info::new(Dims::default(), Dtype::F64);
    write_whole(&*zarr::create(&path, &info, &Options::default()).unwrap(), &2.5f64.to_ne_bytes()).unwrap();
    assert_eq!(read_whole(&*zarr::open(&path).unwrap()).unwrap(), 2.5f64.to_ne_bytes());
}
