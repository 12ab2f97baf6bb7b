//! Arrays of every dtype as plain numbers, and a source that serves them in ragged units.
//! It does not know ops.

use stackmill::dtype::{Dtype, Number, get, put};
use stackmill::error::Result;
use stackmill::formats::memory::MemorySource;
use stackmill::graph::Array;
use stackmill::grid::{Dims, Grid};
use stackmill::storage::{Info, Source};
use stackmill::tile::{Buffer, View, copy_view};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which numbers an array holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(dead_code, reason = "the laws use some, the conformance matrix all")]
pub enum Data {
    /// Finite, over the whole range of small dtypes.
    Plain,
    /// Finite but for a few NaN.
    Nan,
    /// Finite but for a few infinities.
    Infinite,
    /// Limits, zeros of both signs, denormals, NaN, infinities, numbers that round badly.
    Special,
}

/// An array as numbers, C order.
#[derive(Clone, Debug)]
pub struct Values {
    pub shape: Vec<usize>,
    pub dtype: Dtype,
    pub numbers: Vec<Number>,
}

/// splitmix64: the same numbers in every run.
pub struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }
}

fn plain(dtype: Dtype, noise: &mut Noise) -> Number {
    let bits = i128::from(noise.next());
    if dtype.is_float() {
        return Number::Float(((bits % 40_001) - 20_000) as f64 / 128.0);
    }
    let (low, high) = dtype.limits();
    // Sums of squares of 64-bit integers leave every float: smaller ones are what a filter can promise anything about.
    let (low, high) = (low.max(-(1 << 40)), high.min(1 << 40));
    Number::Int(low + bits % (high - low + 1))
}

fn special(dtype: Dtype, noise: &mut Noise) -> Number {
    if dtype.is_float() {
        let halfway = 1.0 + 2f64.powi(-11) + 2f64.powi(-40);
        let all = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.0,
            -0.0,
            0.5,
            -1.0,
            2.5,
            -3.5,
            1.0,
            0.1,
            halfway,
            6e-8,
            -1e-40,
            5e-324,
            65504.0,
            3.4e38,
            -1.7e308,
            2e9,
            -3e9,
            1e19,
            255.5,
        ];
        return Number::Float(all[noise.below(all.len())]);
    }
    let (low, high) = dtype.limits();
    let all = [0, 1, 2, 3, low, low + 1, high, high - 1, high / 2, -1, -2, 7];
    Number::Int(all[noise.below(all.len())].clamp(low, high))
}

impl Values {
    /// The same array for the same arguments.
    pub fn new(dtype: Dtype, shape: &[usize], data: Data, seed: u64) -> Values {
        let mut noise = Noise(seed.wrapping_mul(77).wrapping_add(dtype as u64));
        let mut one = |k: usize| match data {
            Data::Nan if dtype.is_float() && k % 61 == 17 => Number::Float(f64::NAN),
            Data::Infinite if dtype.is_float() && k % 61 == 17 => {
                Number::Float(if k.is_multiple_of(2) { f64::INFINITY } else { f64::NEG_INFINITY })
            }
            Data::Special if noise.next().is_multiple_of(2) => special(dtype, &mut noise),
            Data::Special => {
                let small = i128::from(noise.next() % 12) - if dtype.is_signed() { 4 } else { 0 };
                if dtype.is_float() { Number::Float(small as f64 * 0.75) } else { Number::Int(small.clamp(0, dtype.limits().1)) }
            }
            _ => plain(dtype, &mut noise),
        };
        let numbers = (0..shape.iter().product()).map(|k| stored(one(k), dtype)).collect();
        Values { shape: shape.to_vec(), dtype, numbers }
    }

    /// The numbers of a buffer.
    pub fn of_bytes(dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Values {
        let numbers = bytes.chunks_exact(dtype.size()).map(|b| plain_number(get(dtype, b))).collect();
        Values { shape: shape.to_vec(), dtype, numbers }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let size = self.dtype.size();
        let mut bytes = vec![0; self.numbers.len() * size];
        for (number, out) in self.numbers.iter().zip(bytes.chunks_exact_mut(size)) {
            put(*number, self.dtype, out);
        }
        bytes
    }

    fn buffer(&self) -> Buffer {
        let bytes = self.bytes();
        let mut buffer = Buffer::zeroed(bytes.len());
        buffer.bytes_mut().copy_from_slice(&bytes);
        buffer
    }

    pub fn info(&self) -> Info {
        Info::new(Dims::from(&self.shape[..]), self.dtype)
    }

    /// The array, lent in one piece.
    pub fn lent(&self) -> Array {
        Array::from_source(Arc::new(MemorySource::new(self.info(), Arc::new(self.buffer())).unwrap()))
    }

    /// The array, read in units.
    pub fn in_units(&self, unit: &[usize]) -> Array {
        Array::from_source(Units::new(self, unit))
    }

    pub fn dims(&self) -> Dims {
        Dims::from(&self.shape[..])
    }
}

/// What is left of a number once it is an element of a dtype.
fn stored(number: Number, dtype: Dtype) -> Number {
    let mut bytes = vec![0; dtype.size()];
    put(number, dtype, &mut bytes);
    plain_number(get(dtype, &bytes))
}

/// True and False as 1 and 0.
fn plain_number(number: Number) -> Number {
    if let Number::Bool(b) = number { Number::Int(i128::from(b)) } else { number }
}

/// A source that keeps its array to itself: it is fetched unit by unit, and counts how often.
pub struct Units {
    info: Info,
    grid: Grid,
    bytes: Buffer,
    fetched: Vec<AtomicU64>,
}

impl Units {
    pub fn new(values: &Values, unit: &[usize]) -> Arc<Units> {
        let grid = Grid::new(values.dims(), Dims::from(unit));
        let fetched = (0..grid.counts().count()).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Units { info: values.info(), grid, bytes: values.buffer(), fetched })
    }

    /// How often each unit was fetched.
    #[allow(dead_code, reason = "the laws count, the conformance matrix does not")]
    pub fn fetched(&self) -> Vec<u64> {
        self.fetched.iter().map(|n| n.load(Ordering::Relaxed)).collect()
    }
}

impl Source for Units {
    fn info(&self) -> &Info {
        &self.info
    }

    fn name(&self) -> String {
        "units".to_owned()
    }

    fn unit(&self) -> Dims {
        self.grid.unit
    }

    fn stored_bytes(&self, unit: &Dims) -> u64 {
        self.grid.region(unit).shape.count() as u64 * self.info.dtype.size() as u64
    }

    fn fetch(&self, unit: &Dims) -> Result<Option<Vec<u8>>> {
        self.fetched[self.grid.counts().linear_of(unit)].fetch_add(1, Ordering::Relaxed);
        let region = self.grid.region(unit);
        let mut bytes = Buffer::zeroed(region.shape.count() * self.info.dtype.size());
        let whole = View::contiguous(self.bytes.bytes(), self.info.dtype, self.info.shape);
        copy_view(&whole.crop(&region), bytes.bytes_mut(), &region.shape, &Dims::filled(region.shape.len(), 0));
        Ok(Some(bytes.bytes().to_vec()))
    }

    fn decode(&self, _unit: &Dims, stored: Option<Vec<u8>>, out: &mut [u8]) -> Result<()> {
        out.copy_from_slice(&stored.expect("every unit is stored"));
        Ok(())
    }

    fn fingerprint(&self) -> String {
        "units".to_owned()
    }
}
