//! The states of reductions: sums, squares, extremes and their places, joined in any order or in index order.
//! It does not know how a sweep brings the boxes.
//!
//! Integers are exact in i128/u128 and order-free. Floats make one partial per anchored block, in a fixed order, in
//! their own precision; partials join exactly where outputs are few, else in f64 in index order.

use super::float_state::{self, Double, WORDS};
use super::reduced::{Block, Reduced, number_of};
use crate::dtype::{Dtype, Number, put};
use crate::error::{Error, Result};
use crate::graph::{BlockFold, Fold, FoldedBlocks, fold_block};
use crate::grid::{Dims, Grid, Region, indices};
use crate::tile::{Tile, View, each_row, rows_of};
use crate::with_plain_type;

/// Outputs up to which float states are exact accumulators.
const FEW: usize = 256;

/// What is made of the elements.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Goal {
    Sum,
    Mean,
    Variance { ddof: f64 },
    Deviation { ddof: f64 },
    Least,
    Greatest,
    LeastPlace,
    GreatestPlace,
}

/// How the state is kept.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Keeping {
    /// i128 sum and u128 sum of squares.
    Integer,
    /// An exact accumulator for the sum and one for the squares.
    Exact,
    /// A double-double each for the sum and the squares, joined in index order.
    InOrder,
    /// The ordered key of the extreme.
    Key,
    /// The key and the place of its first occurrence.
    Place,
}

/// One reduction.
#[derive(Debug)]
pub struct Reduction {
    pub(super) goal: Goal,
    pub(super) axes: Vec<usize>,
    pub(super) shape: Dims,
    pub(super) dtype: Dtype,
    pub(super) keeping: Keeping,
}

impl Reduction {
    pub fn new(goal: Goal, axes: Vec<usize>, shape: Dims, dtype: Dtype) -> Reduction {
        let outputs: usize = (0..shape.len()).filter(|a| !axes.contains(a)).map(|a| shape[a]).product();
        let keeping = match goal {
            Goal::Least | Goal::Greatest => Keeping::Key,
            Goal::LeastPlace | Goal::GreatestPlace => Keeping::Place,
            _ if !dtype.is_float() => Keeping::Integer,
            _ if outputs <= FEW => Keeping::Exact,
            _ => Keeping::InOrder,
        };
        Reduction { goal, axes, shape, dtype, keeping }
    }

    pub(super) fn needs_squares(&self) -> bool {
        matches!(self.goal, Goal::Variance { .. } | Goal::Deviation { .. })
    }

    /// Where an output's place lies in the extents of a region with the reduced axes at 1.
    pub(super) fn kept(&self, shape: &Dims) -> Dims {
        (0..shape.len()).map(|a| if self.axes.contains(&a) { 1 } else { shape[a] }).collect()
    }

    /// Strides of the outputs over the region's axes: 0 along reduced ones.
    fn output_strides(&self, shape: &Dims) -> Vec<isize> {
        let strides = self.kept(shape).strides();
        (0..shape.len()).map(|a| if self.axes.contains(&a) { 0 } else { strides[a].cast_signed() }).collect()
    }

    /// Calls `each(row of elements, first output, output step, region place of the row)` for every row of a box.
    fn rows<T: bytemuck::Pod>(
        &self,
        input: &View<'_>,
        part: &Region,
        whole: &Dims,
        mut each: impl FnMut(&[T], usize, usize, &mut usize),
    ) -> Result<()> {
        let view = input.crop(part);
        let all: &[T] = bytemuck::try_cast_slice(view.bytes).map_err(|_| Error::bug("a buffer of a fold is not aligned"))?;
        let strides = self.output_strides(whole);
        let base: usize = part.start.iter().zip(&strides).map(|(s, k)| s * k.unsigned_abs()).sum();
        let (outer, row) = rows_of(&view.shape);
        let step = strides.last().map_or(0, |s| s.unsigned_abs());
        if !view.has_dense_rows() {
            return Err(Error::bug("a fold got rows that are not dense"));
        }
        let mut number = 0;
        each_row(&outer, (view.offset, &view.strides), (base, &strides), |source, goal| {
            if let Some(elements) = all.get(source..source + row) {
                each(elements, goal, step, &mut number);
            }
        });
        Ok(())
    }
}

impl Fold for Reduction {
    fn axes(&self) -> Vec<usize> {
        self.axes.clone()
    }

    fn block(&self, axis: usize, rank: usize) -> usize {
        match self.keeping {
            Keeping::Exact | Keeping::InOrder => fold_block(&self.axes, rank)[axis],
            _ => 1,
        }
    }

    fn in_order(&self) -> bool {
        self.keeping == Keeping::InOrder
    }

    fn state_bytes(&self) -> usize {
        match self.keeping {
            Keeping::Integer | Keeping::InOrder => 32,
            Keeping::Exact => 2 * WORDS * 8,
            Keeping::Key => 8,
            Keeping::Place => 16,
        }
    }

    fn start(&self, outputs: usize) -> Vec<u8> {
        let least = matches!(self.goal, Goal::Least | Goal::LeastPlace);
        let empty = if least { u64::MAX } else { 0 };
        match self.keeping {
            Keeping::Key => empty.to_ne_bytes().repeat(outputs),
            Keeping::Place => bytemuck::cast::<[u64; 2], [u8; 16]>([empty, u64::MAX]).repeat(outputs),
            _ => vec![0; outputs * self.state_bytes()],
        }
    }

    fn take(&self, input: &View<'_>, region: &Region) -> Result<Vec<u8>> {
        with_plain_type!(self.dtype, T => match self.keeping {
            Keeping::Integer => self.take_integers::<T>(input),
            Keeping::Exact | Keeping::InOrder => self.take_floats::<T>(input, region),
            Keeping::Key | Keeping::Place => self.take_keys::<T>(input, region),
        })
    }

    fn join(&self, state: &mut [u8], partial: &[u8], places: &mut dyn Iterator<Item = usize>) -> Result<()> {
        let size = self.state_bytes();
        for (part, place) in partial.chunks_exact(size).zip(places) {
            let own =
                state.get_mut(place * size..(place + 1) * size).ok_or_else(|| Error::bug("a fold joins outside its outputs"))?;
            self.join_one(own, part);
        }
        Ok(())
    }

    fn finish(&self, state: &[u8], count: u64, out: &mut Tile) -> Result<()> {
        if count == 0 && !matches!(self.goal, Goal::Sum | Goal::Mean | Goal::Variance { .. } | Goal::Deviation { .. }) {
            return Err(Error::caller(format!("{} of no elements has no value", self.words())));
        }
        let dtype = out.dtype;
        let size = dtype.size();
        for (part, place) in state.chunks_exact(self.state_bytes()).zip(out.data.bytes_mut().chunks_exact_mut(size)) {
            put(self.result(part, count), dtype, place);
        }
        Ok(())
    }

    fn on_blocks(&self) -> std::result::Result<BlockFold, String> {
        self.block_fold()
    }

    fn take_blocks(&self, blocks: &FoldedBlocks<'_>, region: &Region) -> Result<Vec<u8>> {
        self.states_of(blocks, region)
    }

    fn words(&self) -> String {
        let name = match self.goal {
            Goal::Sum => "sum",
            Goal::Mean => "mean",
            Goal::Variance { .. } => "var",
            Goal::Deviation { .. } => "std",
            Goal::Least => "min",
            Goal::Greatest => "max",
            Goal::LeastPlace => "argmin",
            Goal::GreatestPlace => "argmax",
        };
        format!("{name} over axes {:?}", self.axes)
    }
}

/// Reads plain numbers of a state that may lie anywhere in a byte buffer.
fn read<T: bytemuck::AnyBitPattern, const N: usize>(bytes: &[u8]) -> [T; N] {
    std::array::from_fn(|k| bytemuck::pod_read_unaligned(&bytes[k * size_of::<T>()..(k + 1) * size_of::<T>()]))
}

impl Reduction {
    fn take_integers<T: Reduced>(&self, input: &View<'_>) -> Result<Vec<u8>> {
        let outputs = self.kept(&input.shape).count();
        let mut state: Vec<(i128, u128)> = vec![(0, 0); outputs];
        let squares = self.needs_squares();
        self.rows::<T>(input, &Region::whole(input.shape), &input.shape, |row, goal, step, _| {
            if step == 0 {
                let sum: i128 = row.iter().map(|v| v.whole()).sum();
                state[goal].0 += sum;
                if squares {
                    state[goal].1 += row.iter().map(|v| v.whole().unsigned_abs().pow(2)).sum::<u128>();
                }
                return;
            }
            for (own, v) in state[goal..].iter_mut().step_by(step).zip(row) {
                own.0 += v.whole();
                if squares {
                    own.1 += v.whole().unsigned_abs().pow(2);
                }
            }
        })?;
        Ok(state.iter().flat_map(|(s, q)| [s.to_ne_bytes(), q.to_ne_bytes()]).flatten().collect())
    }

    fn take_keys<T: Reduced>(&self, input: &View<'_>, region: &Region) -> Result<Vec<u8>> {
        let least = matches!(self.goal, Goal::Least | Goal::LeastPlace);
        let by_place = self.keeping == Keeping::Place;
        let outputs = self.kept(&input.shape).count();
        let empty = if least { u64::MAX } else { 0 };
        let mut state = vec![[empty, u64::MAX]; outputs];
        let (outer, row_len) = rows_of(&input.shape);
        self.rows::<T>(input, &Region::whole(input.shape), &input.shape, |row, goal, step, number| {
            let first = self.place_of(&outer.index_of(*number), region);
            *number += 1;
            let along = if step == 0 || row_len == 1 { self.place_step() } else { 0 };
            for (x, v) in row.iter().enumerate() {
                let own = &mut state[goal + x * step];
                let key = if by_place { v.place_key(least) } else { v.key(least) };
                let better = if least { key < own[0] } else { key > own[0] } || own[1] == u64::MAX;
                if better {
                    *own = [key, first + x as u64 * along];
                }
            }
        })?;
        Ok(match self.keeping {
            Keeping::Key => state.iter().flat_map(|s| s[0].to_ne_bytes()).collect(),
            _ => state.iter().flat_map(|s| [s[0].to_ne_bytes(), s[1].to_ne_bytes()]).flatten().collect(),
        })
    }

    /// The flat index over the reduced axes of a row's first element.
    pub(super) fn place_of(&self, row: &Dims, region: &Region) -> u64 {
        let at = |a: usize| row.get(a).copied().unwrap_or(0) + region.start[a];
        self.axes.iter().fold(0, |n, a| n * self.shape[*a] as u64 + at(*a) as u64)
    }

    /// How the flat index grows along x.
    fn place_step(&self) -> u64 {
        u64::from(self.axes.last() == Some(&(self.shape.len().wrapping_sub(1))))
    }

    /// Float sums: one partial per anchored block and output, blocks in index order.
    fn take_floats<T: Reduced>(&self, input: &View<'_>, region: &Region) -> Result<Vec<u8>> {
        let rank = input.shape.len();
        let outputs = self.kept(&input.shape).count();
        let unit = (0..rank).map(|a| if self.axes.contains(&a) { self.block(a, rank) } else { input.shape[a] }).collect();
        let grid = Grid::new(input.shape, unit);
        let _ = region;
        let mut state = vec![0u8; outputs * self.state_bytes()];
        let mut blocks = vec![Block::default(); outputs];
        for index in indices(Region::whole(grid.counts())) {
            let part = grid.region(&index);
            blocks.fill(Block::default());
            self.rows::<T>(input, &part, &input.shape, |row, goal, step, _| {
                if step == 0 {
                    blocks[goal].take_row(row, self.needs_squares());
                } else {
                    for (own, v) in blocks[goal..].iter_mut().step_by(step).zip(row) {
                        own.take_one(*v, self.needs_squares());
                    }
                }
            })?;
            for (own, block) in state.chunks_exact_mut(self.state_bytes()).zip(&blocks) {
                let (sum, squares) = block.totals(self.needs_squares());
                self.add_totals(own, [sum, squares]);
            }
        }
        Ok(state)
    }

    /// Adds a block's sum and sum of squares to a state of floats.
    pub(super) fn add_totals(&self, own: &mut [u8], totals: [Double; 2]) {
        match self.keeping {
            Keeping::Exact => {
                let mut words: Vec<i64> = read::<i64, { 2 * WORDS }>(own).to_vec();
                for (half, total) in words.chunks_exact_mut(WORDS).zip(totals) {
                    float_state::add(half, total.high);
                    if total.low != 0.0 {
                        float_state::add(half, total.low);
                    }
                    float_state::normalize(half);
                }
                own.copy_from_slice(bytemuck::cast_slice(&words));
            }
            _ => add_doubles(own, totals),
        }
    }

    pub(super) fn join_one(&self, own: &mut [u8], part: &[u8]) {
        let least = matches!(self.goal, Goal::Least | Goal::LeastPlace);
        match self.keeping {
            Keeping::Integer => {
                let ([s, q], [ps, pq]) = (read::<i128, 2>(own), read::<i128, 2>(part));
                own[..16].copy_from_slice(&(s + ps).to_ne_bytes());
                own[16..].copy_from_slice(&(q + pq).to_ne_bytes());
            }
            Keeping::Exact => {
                let mut words = read::<i64, { 2 * WORDS }>(own);
                let more = read::<i64, { 2 * WORDS }>(part);
                words.iter_mut().zip(more).for_each(|(w, m)| *w += m);
                words.chunks_exact_mut(WORDS).for_each(float_state::normalize);
                own.copy_from_slice(bytemuck::cast_slice(&words));
            }
            Keeping::InOrder => {
                let [sh, sl, qh, ql] = read::<f64, 4>(part);
                add_doubles(own, [Double { high: sh, low: sl }, Double { high: qh, low: ql }]);
            }
            Keeping::Key => {
                let ([a], [b]) = (read::<u64, 1>(own), read::<u64, 1>(part));
                own.copy_from_slice(&(if least { a.min(b) } else { a.max(b) }).to_ne_bytes());
            }
            Keeping::Place => {
                let ([a, at], [b, bt]) = (read::<u64, 2>(own), read::<u64, 2>(part));
                let better = if least { b < a } else { b > a };
                if better || b == a && bt < at {
                    own.copy_from_slice(part);
                }
            }
        }
    }

    /// The number that a state ends as.
    fn result(&self, part: &[u8], count: u64) -> Number {
        let n = count as f64;
        match self.goal {
            Goal::Least | Goal::Greatest => number_of(read::<u64, 1>(part)[0], self.dtype),
            Goal::LeastPlace | Goal::GreatestPlace => Number::Int(read::<u64, 2>(part)[1].into()),
            Goal::Sum if self.keeping == Keeping::Integer => Number::Int(read::<i128, 2>(part)[0]),
            Goal::Sum => Number::Float(self.sums(part).0.high),
            Goal::Mean => Number::Float(self.sums(part).0.over(n).high),
            Goal::Variance { ddof } => Number::Float(self.variance(part, n, ddof)),
            Goal::Deviation { ddof } => Number::Float(self.variance(part, n, ddof).sqrt()),
        }
    }

    fn variance(&self, part: &[u8], n: f64, ddof: f64) -> f64 {
        let (sum, squares) = self.sums(part);
        float_state::variance(sum, squares, n, ddof)
    }

    fn sums(&self, part: &[u8]) -> (Double, Double) {
        match self.keeping {
            Keeping::Integer => {
                let [sum, squares] = read::<i128, 2>(part);
                (wide(sum), wide(squares))
            }
            Keeping::Exact => {
                let words = read::<i64, { 2 * WORDS }>(part);
                (float_state::value(&words[..WORDS]), float_state::value(&words[WORDS..]))
            }
            _ => {
                let [sh, sl, qh, ql] = read::<f64, 4>(part);
                (Double { high: sh, low: sl }, Double { high: qh, low: ql })
            }
        }
    }
}

/// An integer as a double-double.
fn wide(v: i128) -> Double {
    let high = v as f64;
    Double::of(high).plus(Double::of((v - high as i128) as f64))
}

fn add_doubles(own: &mut [u8], more: [Double; 2]) {
    let [sh, sl, qh, ql] = read::<f64, 4>(own);
    let s = Double { high: sh, low: sl }.plus(more[0]);
    let q = Double { high: qh, low: ql }.plus(more[1]);
    own.copy_from_slice(bytemuck::cast_slice(&[s.high, s.low, q.high, q.low]));
}
