//! What the memory contract is held against: every op, and random pipelines, over stacks of several shapes and units.
//! It does not know what they may hold.

use stackmill::dtype::Dtype;
use stackmill::graph::{Array, Nested, Op, ParamType, Value};
use stackmill::grid::{Dims, Grid};
use stackmill::storage::{Info, Source};
use stackmill::{Error, Result};
use std::panic::Location;
use std::sync::Arc;

/// A stack of made-up numbers, stored raw in units.
pub struct Made {
    info: Info,
    unit: Dims,
}

impl Made {
    pub fn array(shape: [usize; 3], dtype: Dtype, unit: [usize; 3]) -> Array {
        let info = Info::new(Dims::from(shape), dtype);
        Array::from_source(Arc::new(Made { unit: Grid::new(info.shape, Dims::from(unit)).unit, info })).with_axes("ZYX")
    }

    fn bytes(&self, unit: &Dims) -> usize {
        Grid::new(self.info.shape, self.unit).region(unit).shape.count() * self.info.dtype.size()
    }
}

impl Source for Made {
    fn info(&self) -> &Info {
        &self.info
    }
    fn name(&self) -> String {
        "made".to_owned()
    }
    fn unit(&self) -> Dims {
        self.unit
    }
    fn stored_bytes(&self, unit: &Dims) -> u64 {
        self.bytes(unit) as u64
    }
    fn fetch(&self, unit: &Dims) -> Result<Option<Vec<u8>>> {
        // As a camera's: noise in the lower byte of small numbers of two bytes; floats between 2 and 8, noise in the lower three.
        let mut chance = Chance(unit.iter().fold(1, |seed, i| 31 * seed + *i as u64));
        let mut bytes = vec![0; self.bytes(unit)];
        let (width, top) = match self.info.dtype.size() {
            1 => (1, None),
            4 => (4, Some(0x40)),
            width => (width, Some(1)),
        };
        for eight in bytes.chunks_mut(8) {
            let noise = chance.next().to_le_bytes();
            eight.copy_from_slice(&noise[..eight.len()]);
        }
        if let Some(top) = top {
            bytes.iter_mut().skip(width - 1).step_by(width).for_each(|byte| *byte = top);
        }
        Ok(Some(bytes))
    }
    fn decode(&self, _: &Dims, stored: Option<Vec<u8>>, out: &mut [u8]) -> Result<()> {
        let stored = stored.filter(|stored| stored.len() == out.len()).ok_or_else(|| Error::bug("every unit is stored"))?;
        out.copy_from_slice(&stored);
        Ok(())
    }
    fn fingerprint(&self) -> String {
        String::new()
    }
}

/// One thing to compute.
pub struct Job {
    pub name: String,
    pub array: Array,
    /// Where it goes: a number of a few formats.
    pub sink: usize,
}

fn ints(items: &[i64]) -> Value {
    Value::List(items.iter().map(|i| Value::Int(*i)).collect())
}

fn weights() -> Value {
    Nested::<f64>::from([[[0.5, -1.0, 0.25], [0.0, 2.0, 1.0]], [[1.0, 0.25, 0.0], [3.0, 1.0, 0.5]]]).into_value()
}

/// The arguments that an op is tried with; none where it has defaults for all.
fn arguments(op: &Op) -> Vec<(&'static str, Value)> {
    match op.name {
        "gaussian" => vec![("sigma", Value::Float(1.5))],
        "median" | "minimum_filter" | "maximum_filter" | "uniform" => vec![("size", Value::Int(3))],
        "rank_filter" => vec![("rank", Value::Int(2)), ("size", ints(&[1, 3, 3]))],
        "percentile_filter" => vec![("percentile", Value::Float(20.0)), ("size", ints(&[1, 3, 3]))],
        "correlate1d" | "convolve1d" => vec![("weights", Value::List(vec![Value::Float(0.5); 5])), ("axis", Value::Int(0))],
        "correlate" | "convolve" => vec![("weights", weights())],
        "grey_erosion" | "grey_dilation" | "grey_opening" | "grey_closing" => vec![("size", ints(&[3, 9, 9]))],
        "white_tophat" | "black_tophat" => vec![("size", ints(&[1, 15, 15]))],
        "nonflat_erosion" | "nonflat_dilation" => vec![("heights", weights())],
        "cumsum" => vec![("axis", Value::Int(0))],
        "sum" | "mean" | "min" | "max" | "argmin" | "argmax" | "var" | "std" => vec![("axis", Value::Int(0))],
        "astype" | "wrap" => vec![("dtype", Value::Text("f32".to_owned()))],
        "clip" => vec![("lower", Value::Int(300)), ("upper", Value::Int(400))],
        _ => Vec::new(),
    }
}

/// Every op over a stack.
pub fn every_op(x: &Array) -> Vec<Job> {
    let job = |(number, op): (usize, &'static Op)| {
        let mut named = arguments(op);
        if op.name == "wrap" {
            named = vec![("dtype", Value::Text("u8".to_owned()))];
        }
        let args = op.args(Vec::new(), named.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()).unwrap();
        let input = |k: usize| if op.name == "where" && k == 0 { x.gt(300) } else { x.clone() };
        let inputs: Vec<Array> = (0..op.inputs.len()).map(input).collect();
        Job { name: op.name.to_owned(), array: op.apply(&inputs, args, Location::caller()), sink: number % 4 }
    };
    stackmill::ops::all().enumerate().map(job).collect()
}

/// A small generator (splitmix64).
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 16) as usize % n
    }
}

/// A stack of a random shape in random units: pages, strips, chunks.
pub fn stack(chance: &mut Chance) -> (String, Array) {
    let shape = [8 + chance.below(64), 128 + chance.below(560), 128 + chance.below(720)];
    let dtype = [Dtype::U8, Dtype::U16, Dtype::U16, Dtype::F32][chance.below(4)];
    let units = [[1, 1024, 1024], [1, 64, 1024], [8, 128, 128], [16, 256, 256], [64, 64, 64]];
    let unit = units[chance.below(units.len())];
    (format!("{dtype} {shape:?} in {unit:?}"), Made::array(shape, dtype, unit))
}

/// Two to four ops in a row.
pub fn pipeline(chance: &mut Chance, x: &Array) -> Job {
    let (mut y, mut name) = (x.clone(), String::from("x"));
    for _ in 0..2 + chance.below(3) {
        let odd = |chance: &mut Chance, most: usize| 1 + 2 * chance.below(most) as i64;
        let (word, next) = match chance.below(11) {
            0 => ("gaussian", y.gaussian(0.7 + chance.below(3) as f64 / 2.0)),
            1 => ("uniform", y.uniform([odd(chance, 3), odd(chance, 8), odd(chance, 8)])),
            2 => ("median", y.median([1, 3, 3])),
            3 => ("opening", y.grey_opening([odd(chance, 2), odd(chance, 6), odd(chance, 6)])),
            4 => ("tophat", y.white_tophat([1, odd(chance, 8), odd(chance, 8)])),
            5 => ("affine", (&y * 3 - 7).clip(0, 1000)),
            6 => ("less its mean", &y - y.mean()),
            7 => ("less smoothed", &y - y.uniform([1, 9, 9])),
            8 => ("flip", y.flip()),
            9 => ("astype", y.astype(Dtype::F32)),
            _ => ("maximum", y.maximum_filter([odd(chance, 2), odd(chance, 4), odd(chance, 4)])),
        };
        name = format!("{name} |> {word}");
        y = next;
    }
    if chance.below(3) == 0 {
        (name, y) = (format!("{name} > 300"), y.gt(300));
    }
    Job { name, array: y, sink: chance.below(4) }
}
