//! NPY files and arrays in memory: round trips, files of other layouts, and files that are broken.

mod common_formats;

use common_formats::*;
use stackmill::dtype::{Dtype, typed};
use stackmill::formats::memory::{MemorySink, MemorySource};
use stackmill::formats::npy;
use stackmill::grid::{Dims, Region};
use stackmill::storage::{Identity, Info, Kind, Source};
use stackmill::tile::Buffer;
use std::sync::Arc;

fn file_of(version: u8, text: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    let len = text.len() as u32;
    if version == 1 {
        bytes.extend((len as u16).to_le_bytes())
    } else {
        bytes.extend(len.to_le_bytes())
    }
    bytes.extend(text.bytes());
    bytes.extend(data);
    bytes
}

fn descr(dtype: Dtype, order: char) -> String {
    let kind = match dtype {
        Dtype::Bool => 'b',
        d if d.is_float() => 'f',
        d if d.is_signed() => 'i',
        _ => 'u',
    };
    format!("{}{kind}{}", if dtype.size() == 1 { '|' } else { order }, dtype.size())
}

#[test]
fn every_dtype_and_rank_comes_back() {
    let dir = Scratch::new("npy-round");
    for dtype in Dtype::ALL {
        for shape in odd_shapes() {
            let path = dir.join("a.npy");
            let info = Info::new(shape, dtype);
            let bytes = noise(dtype, shape.count());
            write_whole(&*npy::create(&path, &info, true).unwrap(), &bytes).unwrap();
            let back = npy::open(&path).unwrap();
            assert_eq!((back.info().shape, back.info().dtype), (shape, dtype));
            assert_eq!(read_whole(&*back).unwrap(), bytes, "{dtype} {shape}");
            let data = std::fs::read(&path).unwrap();
            assert_eq!((data.len() - bytes.len()) % 64, 0);
            assert_eq!(back.info().kind == Kind::Mask, dtype == Dtype::Bool);
        }
    }
    assert_eq!(dir.names(), ["a.npy"]);
}

#[test]
fn a_scalar_is_an_array_without_axes() {
    let dir = Scratch::new("npy-scalar");
    let path = dir.join("s.npy");
    write_file(&path, &file_of(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", &1.5f32.to_le_bytes()));
    let source = npy::open(&path).unwrap();
    assert_eq!(read_whole(&*source).unwrap(), 1.5f32.to_ne_bytes());
}

#[test]
fn several_units_cover_a_large_array() {
    let dir = Scratch::new("npy-large");
    for (shape, dtype) in [([5, 700, 901], Dtype::U16), ([3, 2, 3_000_000], Dtype::U8), ([7, 1, 1_500_000], Dtype::F32)] {
        let path = dir.join("a.npy");
        let info = Info::new(shape.into(), dtype);
        let bytes = noise(dtype, info.shape.count());
        let sink = npy::create(&path, &info, true).unwrap();
        let unit_bytes = sink.unit().unwrap().count() * dtype.size();
        assert!((2 << 20..=4 << 20).contains(&unit_bytes), "{unit_bytes}");
        write_whole(&*sink, &bytes).unwrap();
        let source = npy::open(&path).unwrap();
        assert_eq!(Some(source.unit()), sink.unit());
        assert!(read_whole(&*source).unwrap() == bytes);
    }
}

#[test]
fn byte_orders_versions_and_fortran_order() {
    let dir = Scratch::new("npy-layouts");
    let shape: Dims = [3, 4, 5].into();
    for dtype in Dtype::ALL {
        let native = noise(dtype, shape.count());
        for (version, order, fortran) in [(1, '<', false), (2, '>', false), (3, '>', true), (1, '<', true)] {
            let mut data = native.clone();
            if fortran {
                // Element (i, j, k) lies at i + 3 j + 12 k.
                for (n, element) in native.chunks_exact(dtype.size()).enumerate() {
                    let [i, j, k] = [n / 20, n / 5 % 4, n % 5];
                    let at = (i + 3 * j + 12 * k) * dtype.size();
                    data[at..at + dtype.size()].copy_from_slice(element);
                }
            }
            if order == '>' {
                data.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
            }
            let word = if fortran { "True" } else { "False" };
            let text = format!("{{'descr': '{}', 'fortran_order': {word}, 'shape': (3, 4, 5), }} \n", descr(dtype, order));
            let path = dir.join("l.npy");
            write_file(&path, &file_of(version, &text, &data));
            assert_eq!(read_whole(&*npy::open(&path).unwrap()).unwrap(), native, "{dtype} {version} {order} {fortran}");
        }
    }
}

#[test]
fn a_large_fortran_file_is_read_in_units() {
    let dir = Scratch::new("npy-fortran");
    let (rows, columns) = (3000usize, 1100usize);
    let mut data = Vec::new();
    for column in 0..columns {
        for row in 0..rows {
            data.extend(((row * columns + column) as u32).to_le_bytes());
        }
    }
    let path = dir.join("f.npy");
    write_file(&path, &file_of(1, "{'descr': '<u4', 'fortran_order': True, 'shape': (3000, 1100)}", &data));
    let source = npy::open(&path).unwrap();
    assert!(source.unit()[1] < columns);
    let all = read_whole(&*source).unwrap();
    assert!(all.chunks_exact(4).enumerate().all(|(n, e)| u32::from_ne_bytes(e.try_into().unwrap()) as usize == n));
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let dir = Scratch::new("npy-cut");
    let path = dir.join("c.npy");
    let info = Info::new([3, 5].into(), Dtype::U16);
    write_whole(&*npy::create(&path, &info, false).unwrap(), &noise(Dtype::U16, 15)).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for len in 0..whole.len() {
        write_file(&path, &whole[..len]);
        let message = refusal(npy::open(&path));
        assert!(message.contains("c.npy") && message.contains("offset"), "{len}: {message}");
    }
    // Cut after it was opened.
    write_file(&path, &whole);
    let source = npy::open(&path).unwrap();
    write_file(&path, &whole[..whole.len() - 1]);
    let message = refusal(read_whole(&*source));
    assert!(message.contains("read 30 bytes at 128 of"), "{message}");
}

#[test]
fn every_single_changed_header_byte_is_an_error_or_a_right_size() {
    let dir = Scratch::new("npy-garbled");
    let path = dir.join("g.npy");
    let info = Info::new([3, 5].into(), Dtype::U16);
    write_whole(&*npy::create(&path, &info, false).unwrap(), &noise(Dtype::U16, 15)).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for at in 0..128 {
        for value in [0, 1, b' ', b'0', b'9', b'(', b',', b'}', b'L', b'f', 0x7F, 0x93, 0xFF] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            write_file(&path, &bytes);
            if let Ok(source) = npy::open(&path) {
                assert!(read_whole(&*source).unwrap().len() <= whole.len());
            }
        }
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let dir = Scratch::new("npy-refused");
    let path = dir.join("r.npy");
    let header = |descr: &str, shape: &str| format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n");
    let cases = [
        (header("'<c8'", "(1,)"), "complex"),
        (header("'|O'", "(1,)"), "objects"),
        (header("'<U5'", "(1,)"), "text"),
        (header("'<M8[ns]'", "(1,)"), "dates"),
        (header("'<f16'", "(1,)"), "floats of this width"),
        (header("[('a', '<f4')]", "(1,)"), "structured"),
        (header("'<u2'", "(1, 1, 1, 1, 1, 1, 1)"), "7 axes"),
        (header("'<u2'", "(99999999999999999999,)"), "too large"),
        (header("'<f8'", "(4294967296, 4294967296)"), "larger than any file"),
        (header("'<f8'", "(0, 4294967296, 4294967296)"), "larger than any file"),
        (header("'<f8'", "(1000000,)"), "truncated"),
        (header("'<f8'", "(-1,)"), "'-' starts no value"),
        ("{'descr': '<f8', 'shape': (1,), }".to_owned(), "missing"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), } x".to_owned(), "follows"),
        ("((((((((((".to_owned(), "is expected"),
        (header("((((((((((", "(1,)"), "starts no value"),
        (String::new(), "is expected"),
    ];
    for (text, expected) in cases {
        write_file(&path, &file_of(1, &text, &[0; 16]));
        let message = refusal(npy::open(&path));
        assert!(message.contains(expected) && message.contains("r.npy"), "{text}: {message}");
    }
    write_file(&path, b"GIF89a..........");
    assert!(refusal(npy::open(&path)).contains("not an NPY file"));
    write_file(&path, &file_of(9, "{}", &[]));
    assert!(refusal(npy::open(&path)).contains("version 9.0"));
    let mut giant = b"\x93NUMPY\x02\x00".to_vec();
    giant.extend(u32::MAX.to_le_bytes());
    write_file(&path, &giant);
    assert!(refusal(npy::open(&path)).contains("not believed"));
    assert!(refusal(npy::open(&dir.join("none.npy"))).contains("cannot open"));
    assert!(refusal(npy::open(&dir.0)).contains("is a folder"));
}

#[test]
fn an_unfinished_file_never_looks_whole() {
    let dir = Scratch::new("npy-unfinished");
    let path = dir.join("u.npy");
    let info = Info::new([4, 4].into(), Dtype::U8);
    let sink = npy::create(&path, &info, false).unwrap();
    sink.begin(&Identity(String::new())).unwrap();
    write_units(&*sink, &noise(Dtype::U8, 16)).unwrap();
    assert_eq!(dir.names(), [".u.npy.partial"]);
    assert!(refusal(npy::open(&dir.join(".u.npy.partial"))).contains("not written to its end"));
    sink.abandon();
    assert!(dir.names().is_empty());
    assert!(sink.write(&Region::whole([4, 4].into()), &[0; 16]).is_err());
}

#[test]
fn what_exists_is_replaced_only_when_asked() {
    let dir = Scratch::new("npy-exists");
    let path = dir.join("e.npy");
    let info = Info::new([4].into(), Dtype::U8);
    write_file(&path, b"precious");
    assert!(refusal(npy::create(&path, &info, false)).contains("--overwrite"));
    let sink = npy::create(&path, &info, true).unwrap();
    write_whole(&*sink, &[1, 2, 3, 4]).unwrap();
    assert_eq!(read_whole(&*npy::open(&path).unwrap()).unwrap(), [1, 2, 3, 4]);
    // A target that appears while the run goes on.
    let late = dir.join("late.npy");
    let sink = npy::create(&late, &info, false).unwrap();
    sink.begin(&Identity(String::new())).unwrap();
    write_file(&late, b"precious");
    assert!(refusal(sink.finish()).contains("exists"));
    sink.abandon();
    assert_eq!(std::fs::read(&late).unwrap(), b"precious");
    assert_eq!(dir.names(), ["e.npy", "late.npy"]);
}

#[test]
fn a_real_file_has_numpys_sums() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/satellite/ndvi_68x101x100_f32.npy");
    let source = npy::open(path.as_ref()).unwrap();
    assert_eq!((source.info().shape, source.info().dtype), (Dims::from([68, 101, 100, 1]), Dtype::F32));
    let bytes = read_whole(&*source).unwrap();
    let mut words = Buffer::zeroed(bytes.len());
    words.bytes_mut().copy_from_slice(&bytes);
    let values = typed::<f32>(words.bytes()).unwrap();
    let nans = values.iter().filter(|v| v.is_nan()).count();
    let bits = values.iter().fold(0u64, |sum, v| sum.wrapping_add(u64::from(v.to_bits())));
    assert_eq!((nans, bits), (NDVI_NANS, NDVI_BITS));
}

/// `np.isnan(a).sum()` and `a.view('u4').astype('u8').sum()`.
const NDVI_NANS: usize = 0;
const NDVI_BITS: u64 = 782_932_668_304_686;

#[test]
fn memory_lends_without_a_copy_and_keeps_results() {
    let array = ndarray::Array3::<u16>::from_shape_fn((3, 4, 5), |(z, y, x)| (z * 100 + y * 10 + x) as u16);
    let at = array.as_ptr() as usize;
    let copied = MemorySource::from_ndarray(&array.view().reversed_axes()).unwrap();
    assert_eq!(copied.info().shape, Dims::from([5, 4, 3]));
    let owned = MemorySource::from_array(array).unwrap();
    assert_eq!(owned.lend().unwrap().as_ptr() as usize, at);
    let bytes = read_whole(&owned).unwrap();
    assert_eq!(owned.lend().unwrap(), bytes);
    assert_eq!(u16::from_ne_bytes([bytes[118], bytes[119]]), 234);
    let back = read_whole(&copied).unwrap();
    assert_eq!(u16::from_ne_bytes([back[2], back[3]]), 100);
    assert_ne!(owned.fingerprint(), copied.fingerprint());
    let buffer = Arc::new(Buffer::zeroed(6));
    assert!(MemorySource::new(Info::new([3].into(), Dtype::U16), buffer.clone()).is_ok());
    assert!(refusal(MemorySource::new(Info::new([4].into(), Dtype::U16), buffer)).contains("8 bytes"));
    let deep = ndarray::ArrayD::<u8>::zeros(vec![1; 7]);
    assert!(refusal(MemorySource::from_ndarray(&deep)).contains("7 axes"));
    for dtype in Dtype::ALL {
        for shape in odd_shapes() {
            let sink = MemorySink::new(Info::new(shape, dtype));
            let bytes = noise(dtype, shape.count());
            assert!(sink.take().is_err());
            write_whole(&sink, &bytes).unwrap();
            assert_eq!(sink.take().unwrap().bytes(), bytes);
            assert!(sink.take().is_err());
        }
    }
}
