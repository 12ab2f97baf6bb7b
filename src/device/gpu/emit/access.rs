//! How elements of each dtype come out of the bound arrays and go back, four neighbours at a time. Arrays hold words that 8-
//! and 16-bit numbers are packed in: a device that has 16-bit numbers moves half as much a load (decision 016). It does not know what is done with elements. Floats travel as bits until they are needed.

use crate::dtype::{Dtype, Lane};
use std::fmt::Write;

/// How kernels are written for a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// Float arithmetic made as bad as Vulkan allows, for tests: `sloppy.wgsl`.
    pub sloppy: bool,
}

/// The dtype that moves elements of a size without looking at them.
#[must_use]
pub fn raw(size: usize) -> Dtype {
    match size {
        1 => Dtype::U8,
        2 => Dtype::U16,
        _ => Dtype::U32,
    }
}

/// The arrays of a kernel: the dtypes as which it reads and writes them.
pub struct Bindings {
    /// What is read.
    pub reads: Vec<Dtype>,
    /// What is written.
    pub result: Dtype,
    /// The language.
    pub dialect: Dialect,
}

impl Bindings {
    /// One array in and one out, of the same dtype.
    pub fn alike(dtype: Dtype, dialect: Dialect) -> Bindings {
        Bindings { reads: vec![dtype], result: dtype, dialect }
    }

    fn read(&self, k: usize) -> Dtype {
        self.reads.get(k).copied().unwrap_or(Dtype::U32)
    }

    /// The declarations of the arrays.
    pub fn declared(&self) -> String {
        let mut text = "@group(0) @binding(1) var<storage, read_write> result: array<u32>;\n".to_owned();
        for k in 0..self.reads.len() {
            // Writing to a string does not fail.
            let _ = writeln!(text, "@group(0) @binding({}) var<storage, read> data_{k}: array<u32>;", k + 3);
        }
        text
    }

    /// `load_k(e)`: elements `e` to `e + 3` of input `k` in the lane of the dtype.
    pub fn load(&self, k: usize) -> String {
        let dtype = self.read(k);
        let body = match dtype.size() {
            1 => bytes(k, dtype),
            2 => shorts(k, dtype),
            _ => words(k, dtype),
        };
        format!("fn load_{k}(e: u32) -> {} {{\n{body}}}\n", super::lane_type(dtype.lane()))
    }

    /// `one_k(e)`: the bits of element `e` of input `k`, zero-extended.
    pub fn one(&self, k: usize) -> String {
        let dtype = self.read(k);
        let body = match dtype.size() {
            1 => format!("(data_{k}[e >> 2u] >> ((e & 3u) * 8u)) & 255u"),
            2 => format!("(data_{k}[e >> 1u] >> ((e & 1u) * 16u)) & 0xffffu"),
            _ => format!("data_{k}[e]"),
        };
        format!("fn one_{k}(e: u32) -> u32 {{\n    return {body};\n}}\n")
    }

    /// `value_k(e)`: element `e` of input `k` as a number of the dtype's lane; not for halves.
    pub fn value(&self, k: usize) -> String {
        let (lane, value) = match self.read(k) {
            Dtype::I8 => ("i32", "(bitcast<i32>(bits) << 24u) >> 24u"),
            Dtype::I16 => ("i32", "(bitcast<i32>(bits) << 16u) >> 16u"),
            Dtype::U8 | Dtype::U16 | Dtype::I32 => ("i32", "bitcast<i32>(bits)"),
            Dtype::F32 => ("f32", "bitcast<f32>(bits)"),
            _ => ("u32", "bits"),
        };
        format!("{}fn value_{k}(e: u32) -> {lane} {{\n    let bits = one_{k}(e);\n    return {value};\n}}\n", self.one(k))
    }

    /// `load_k(e)` where element `e` stands for the whole row.
    pub fn load_repeated(&self, k: usize) -> String {
        let dtype = self.read(k);
        let value = match dtype {
            Dtype::I8 => "(vec4<i32>(bitcast<i32>(bits)) << vec4<u32>(24u)) >> vec4<u32>(24u)",
            Dtype::I16 => "(vec4<i32>(bitcast<i32>(bits)) << vec4<u32>(16u)) >> vec4<u32>(16u)",
            Dtype::F16 => "f32_of_half(vec4<u32>(bits))",
            Dtype::F32 => "bitcast<vec4<f32>>(vec4<u32>(bits))",
            Dtype::U8 | Dtype::U16 | Dtype::I32 => "bitcast<vec4<i32>>(vec4<u32>(bits))",
            _ => "vec4<u32>(bits)",
        };
        let lane = super::lane_type(dtype.lane());
        format!("{}fn load_{k}(e: u32) -> {lane} {{\n    let bits = one_{k}(e);\n    return {value};\n}}\n", self.one(k))
    }

    /// `store(e, v)`: four elements from `e` on, a multiple of four; integers are held to the dtype.
    pub fn store(&self) -> String {
        self.store_of(self.result.lane())
    }

    /// The same for values that come as the bits of another lane: raw bits are cut to the dtype.
    pub fn store_of(&self, lane: Lane) -> String {
        let dtype = self.result;
        let mut text = format!("fn store(e: u32, v: {}) {{\n", super::lane_type(lane));
        // Writing to a string does not fail.
        let _ = writeln!(text, "    let bits = {};", stored_bits(dtype, lane));
        text += match dtype.size() {
            1 => BYTES,
            2 => SHORTS,
            _ => WORDS,
        };
        text + "}\n"
    }
}

const BYTES: &str = "    let b = (bits & vec4<u32>(255u)) << vec4<u32>(0u, 8u, 16u, 24u);
    result[e >> 2u] = b.x | b.y | b.z | b.w;
";
const SHORTS: &str = "    let s = (bits & vec4<u32>(0xffffu)) << vec4<u32>(0u, 16u, 0u, 16u);
    result[e >> 1u] = s.x | s.y;
    result[(e >> 1u) + 1u] = s.z | s.w;
";
const WORDS: &str = "    result[e] = bits.x;
    result[e + 1u] = bits.y;
    result[e + 2u] = bits.z;
    result[e + 3u] = bits.w;
";

/// The bits of `v` as they are stored, in words.
fn stored_bits(dtype: Dtype, lane: Lane) -> String {
    let clamped = |low: i32, high: i32| format!("bitcast<vec4<u32>>(clamp(v, vec4<i32>({low}), vec4<i32>({high})))");
    let is_lane = lane == dtype.lane();
    match dtype {
        Dtype::I8 if is_lane => clamped(-128, 127),
        Dtype::I16 if is_lane => clamped(-32768, 32767),
        Dtype::U8 if is_lane => clamped(0, 255),
        Dtype::U16 if is_lane => clamped(0, 65535),
        Dtype::F16 if is_lane => "half_of_f32(v)".to_owned(),
        _ => "bitcast<vec4<u32>>(v)".to_owned(),
    }
}

fn bytes(k: usize, dtype: Dtype) -> String {
    let value = match dtype {
        Dtype::I8 => "(vec4<i32>(bitcast<i32>(word)) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u)",
        Dtype::Bool => "(vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u)",
        _ => "vec4<i32>((vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u))",
    };
    format!(
        "    let at = e >> 2u;
    let shift = (e & 3u) * 8u;
    var word = data_{k}[at];
    if (shift != 0u) {{
        word = (word >> shift) | (data_{k}[at + 1u] << (32u - shift));
    }}
    return {value};
"
    )
}

fn shorts(k: usize, dtype: Dtype) -> String {
    let halves = "vec4<u32>(a & 0xffffu, a >> 16u, b & 0xffffu, b >> 16u)";
    let value = match dtype {
        Dtype::I16 => "(vec4<i32>(bitcast<i32>(a), bitcast<i32>(a), bitcast<i32>(b), bitcast<i32>(b)) << vec4<u32>(16u, 0u, 16u, 0u)) >> vec4<u32>(16u)".to_owned(),
        Dtype::F16 => format!("f32_of_half({halves})"),
        _ => format!("vec4<i32>({halves})"),
    };
    format!(
        "    let at = e >> 1u;
    var a = data_{k}[at];
    var b = data_{k}[at + 1u];
    if ((e & 1u) == 1u) {{
        a = (a >> 16u) | (b << 16u);
        b = (b >> 16u) | (data_{k}[at + 2u] << 16u);
    }}
    return {value};
"
    )
}

fn words(k: usize, dtype: Dtype) -> String {
    let four = format!("vec4<u32>(data_{k}[e], data_{k}[e + 1u], data_{k}[e + 2u], data_{k}[e + 3u])");
    match dtype {
        Dtype::U32 => format!("    return {four};\n"),
        other => format!("    return bitcast<{}>({four});\n", super::lane_type(other.lane())),
    }
}
