//! A look at a large lazily filtered stack: from opening it to the numbers of its first plane. A view computes only what it needs,
//! so the size of the stack must not show. Checked before it is timed: a stack of a few planes gives the same numbers.

use criterion::{Criterion, criterion_group, criterion_main};
use stackmill::graph::Index;
use stackmill::grid::Dims;
use stackmill::{Array, Options};
use std::hint::black_box;
use std::path::{Path, PathBuf};

/// A stack of a million chunks, of which the first planes are stored; the others read as the fill value.
struct Stack {
    name: &'static str,
    planes: usize,
    plane: [usize; 2],
    chunk: [usize; 3],
    /// Planes that are stored.
    stored: usize,
    /// What of the first plane is looked at.
    seen: [usize; 2],
}

const STACKS: [Stack; 3] = [
    Stack {
        name: "10^6 planes of 512",
        planes: 1_000_000,
        plane: [512, 512],
        chunk: [1, 512, 512],
        stored: 24,
        seen: [512, 512],
    },
    Stack {
        name: "10^4 planes of 100 chunks",
        planes: 10_000,
        plane: [1280, 1280],
        chunk: [1, 128, 128],
        stored: 24,
        seen: [1280, 1280],
    },
    Stack {
        name: "a corner of 100^3 chunks",
        planes: 6400,
        plane: [12800, 12800],
        chunk: [64, 128, 128],
        stored: 64,
        seen: [512, 512],
    },
];

fn filtered(x: &Array) -> Array {
    x.gaussian(1.5).median([1, 3, 3]).white_tophat([1, 15, 15]).gt(8)
}

fn corner(x: &Array, shape: [usize; 3]) -> Array {
    x.index(&shape.map(|n| Index::from(0..n as isize)))
}

fn first_plane(stack: &Stack, path: &Path) -> Vec<u8> {
    let plane = corner(&filtered(&Array::open(path)), [1, stack.seen[0], stack.seen[1]]);
    plane.compute().expect("a plane").tile.data.bytes().to_vec()
}

/// Writes the stored planes, then says that there are many more.
fn written(folder: &Path, stack: &Stack) -> PathBuf {
    let path = folder.join("large.zarr");
    let shape = [stack.stored, stack.plane[0].min(1280), stack.plane[1].min(1280)];
    let noise = |z: usize, y: usize, x: usize| {
        let mut k = (z * 1_000_003 + y * 1009 + x) as u64;
        k = (k ^ (k >> 7)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        200 + (k >> 58) as u16 + if (z / 4 + y / 9 + x / 11).is_multiple_of(5) { 40 } else { 0 }
    };
    let pixels = ndarray::Array3::from_shape_fn(shape, |(z, y, x)| noise(z, y, x));
    let options = Options { chunks: Some(stack.chunk.to_vec()), overwrite: true, ..Options::default() };
    Array::from_ndarray(&pixels).with_axes("ZYX").save_with(&path, &options).expect("a stack");
    let document = path.join("zarr.json");
    let text = std::fs::read_to_string(&document).expect("its description");
    let mut json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    json["shape"] = serde_json::json!([stack.planes, stack.plane[0], stack.plane[1]]);
    std::fs::write(&document, json.to_string()).expect("its description");
    path
}

fn view(c: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("stackmill-view-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut group = c.benchmark_group("view");
    group.sample_size(10);
    for stack in &STACKS {
        let path = written(&folder, stack);
        let chunks = Dims::from([stack.planes, stack.plane[0], stack.plane[1]]).zip_with(&stack.chunk, usize::div_ceil).count();
        assert_eq!(chunks, 1_000_000, "{}", stack.name);
        let seen = first_plane(stack, &path);
        // The same of a small stack: what lies far away does not count.
        let around = |axis: usize| (stack.seen[axis] + 64).min(stack.plane[axis]);
        let small = corner(&Array::open(&path), [stack.stored - 1, around(0), around(1)]).compute().expect("a small stack");
        let small = small.to_ndarray::<u16>().expect("its numbers");
        let expected = corner(&filtered(&Array::from_ndarray(&small)), [1, stack.seen[0], stack.seen[1]]);
        assert!(expected.compute().expect("its plane").tile.data.bytes() == seen, "{}", stack.name);
        assert!(seen.contains(&1) && seen.contains(&0), "{}", stack.name);
        group.bench_function(stack.name, |b| b.iter(|| black_box(first_plane(stack, &path))));
    }
    group.finish();
    std::fs::remove_dir_all(&folder).expect("the folder");
}

criterion_group!(benches, view);
criterion_main!(benches);
