//! Parameters and tables of a batch as words: where rows lie, offsets of windows, positions of folded indices.
//! Axes are z, y, x everywhere else; here they turn into x, y and the axes outside, once.

use crate::dtype::{Dtype, Number, put};
use crate::error::{Error, Result};
use crate::graph::Pick;
use crate::grid::{Dims, Edge, MAX_RANK, Region};
use crate::plan::schedule::{Laid, QUAD};

/// A table's word for what no element is.
const NOWHERE: u32 = u32::MAX;
/// Words of zeros at the start: the table of an axis that is not there.
const ZEROS: usize = QUAD;
/// Invocations of a workgroup, and how many of a row where there are rows for the others.
const WORKGROUP: usize = 256;
const COLUMNS: usize = 32;
/// Arrays that a kernel may read, as `frame.wgsl` declares.
const READS: usize = 6;

/// Where rows of an array start and how its axes step, in elements.
#[derive(Clone, Copy, Default)]
pub struct Place {
    base: u32,
    x: u32,
    y: u32,
    outer: [u32; 4],
}

/// Everything that one dispatch is told.
#[derive(Default)]
pub struct Parameters {
    pub goal: Place,
    pub reads: Vec<Place>,
    pub extra: [u32; 4],
}

/// Elements are counted in 32 bits: a buffer holds 128 MiB at most.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "offsets wrap as the shader's do")]
fn word(v: isize) -> u32 {
    v as u32
}

/// The axes of a shape from the inside: x, y, and the four outside.
fn inside_out(shape: &[usize], missing: usize) -> [usize; MAX_RANK] {
    let mut axes = [missing; MAX_RANK];
    for (axis, extent) in shape.iter().rev().enumerate() {
        axes[axis] = *extent;
    }
    axes
}

impl Place {
    /// The place of `index` (the first element) in an array laid out, its axes repeated where `repeats` says so; the
    /// result that it is read for has `rank` axes.
    pub fn new(laid: &Laid, position: &[usize], repeats: &[bool]) -> Place {
        let strides = laid.extents.strides();
        let base: usize = position.iter().zip(&strides).map(|(p, s)| p * s).sum();
        let steps: Vec<usize> = (0..laid.boxes.0.len()).map(|a| if repeats[a] { 0 } else { strides[a] }).collect();
        let [x, y, a, b, c, d] = inside_out(&steps, 0).map(|s| word(s.cast_signed()));
        Place { base: word(base.cast_signed()), x, y, outer: [a, b, c, d] }
    }

    /// The same place with steps of whole blocks.
    pub fn times(&self, block: &Dims) -> Place {
        let [x, y, a, b, c, d] = inside_out(block, 1).map(|n| word(n.cast_signed()));
        let [e, f, g, h] = self.outer;
        Place { base: self.base, x: self.x * x, y: self.y * y, outer: [e * a, f * b, g * c, h * d] }
    }

    /// The same place with another axis, counted from the inside, in y's place and y in its.
    fn turned(&self, own: usize) -> Place {
        let mut turned = *self;
        if let Some(outer) = own.checked_sub(2).and_then(|outer| turned.outer.get_mut(outer)) {
            std::mem::swap(&mut turned.y, outer);
        }
        turned
    }

    /// Extents, or other numbers per axis, where steps stand.
    pub fn of(numbers: &Dims) -> Place {
        let [x, y, a, b, c, d] = inside_out(numbers, 1).map(|n| word(n.cast_signed()));
        Place { base: 0, x, y, outer: [a, b, c, d] }
    }

    fn words(&self) -> [u32; 8] {
        let [a, b, c, d] = self.outer;
        [self.base, self.x, self.y, 0, a, b, c, d]
    }
}

/// The words of one batch.
pub struct Words {
    words: Vec<u32>,
}

impl Words {
    /// Only zeros.
    pub fn new() -> Words {
        Words { words: vec![0; ZEROS] }
    }

    /// All words.
    pub fn all(&self) -> &[u32] {
        &self.words
    }

    fn start(&self) -> u32 {
        word(self.words.len().cast_signed())
    }

    /// Adds a table; where it starts.
    pub fn table(&mut self, words: impl IntoIterator<Item = u32>) -> u32 {
        let start = self.start();
        self.words.extend(words);
        start
    }

    /// Adds the parameters of a dispatch over a box; their offset in bytes and the workgroups.
    pub fn parameters(&mut self, part: &Dims, parameters: &Parameters) -> (u32, [u32; 3]) {
        self.dispatch(inside_out(part, 1), parameters)
    }

    fn dispatch(&mut self, [x, y, a, b, c, d]: [usize; MAX_RANK], parameters: &Parameters) -> (u32, [u32; 3]) {
        let quads = x.div_ceil(QUAD);
        let columns = columns_of(quads, y);
        let offset = self.told([quads, y, a * b * c * d, 0, a, b, c, d], columns.ilog2(), parameters);
        (offset, groups([quads.div_ceil(columns), y.div_ceil(WORKGROUP / columns), a * b * c * d]))
    }

    /// The same for a kernel that works along another axis than x, `rows` results of it at a time: that axis takes y's place.
    pub fn lines(&mut self, part: &Dims, axis: usize, rows: usize, parameters: &Parameters) -> (u32, [u32; 3]) {
        let own = part.len().saturating_sub(1 + axis);
        let mut turned = Parameters { goal: parameters.goal.turned(own), reads: Vec::new(), extra: parameters.extra };
        turned.reads.extend(parameters.reads.iter().map(|place| place.turned(own)));
        let mut extents = inside_out(part, 1);
        extents.swap(1, own);
        extents[1] = extents[1].div_ceil(rows);
        self.dispatch(extents, &turned)
    }

    /// The same for a kernel that gives each block of a row of blocks a workgroup of its own.
    pub fn rows_of_blocks(&mut self, counts: &Dims, parameters: &Parameters) -> (u32, [u32; 3]) {
        let [x, y, a, b, c, d] = inside_out(counts, 1);
        let offset = self.told([x, y, a * b * c * d, 0, a, b, c, d], 0, parameters);
        (offset, groups([x, y, a * b * c * d]))
    }

    fn told(&mut self, grid: [usize; 8], log_columns: u32, parameters: &Parameters) -> u32 {
        self.words.resize(self.words.len().next_multiple_of(64), 0);
        let offset = self.start() * 4;
        self.words.extend(grid.map(|n| word(n.cast_signed())));
        let [base, x, y, _, outer @ ..] = parameters.goal.words();
        self.words.extend([base, x, y, log_columns]);
        self.words.extend(outer);
        let mut reads = parameters.reads.clone();
        reads.resize(READS, Place::default());
        self.words.extend(reads.iter().flat_map(Place::words));
        self.words.extend(parameters.extra);
        offset
    }

    /// Offsets of places of a box.
    pub fn offsets(&mut self, places: impl Iterator<Item = Dims>, laid: &Laid) -> u32 {
        let strides = laid.extents.strides();
        let offset = |index: Dims| -> usize { index.iter().zip(&strides).map(|(i, s)| i * s).sum() };
        self.table(places.map(|place| word(offset(place).cast_signed())).collect::<Vec<_>>())
    }

    /// The tables of a padded copy: where each index of each axis of the span lies once it is folded back in.
    ///
    /// # Errors
    /// An index that is not held: the plan's reach was wrong.
    pub fn folded(&mut self, laid: &Laid, array: &Dims, start: &[isize], shape: &Dims, edge: Edge) -> Result<Place> {
        let strides = laid.extents.strides();
        let mut tables = Vec::with_capacity(shape.len());
        for axis in 0..shape.len() {
            let place = |i: usize| match edge.fold(start[axis] + i.cast_signed(), array[axis]) {
                None => Ok(NOWHERE),
                Some(index) => held(laid, axis, index).map(|p| word((p * strides[axis]).cast_signed())),
            };
            tables.push((0..shape[axis]).map(place).collect::<Result<Vec<u32>>>()?);
        }
        Ok(self.starts(tables))
    }

    /// The tables of a view of a box: the place of its origin in the input, and the tables' starts.
    ///
    /// # Errors
    /// An index that is not held.
    pub fn picked(&mut self, laid: &Laid, picks: &[Pick], part: &Region) -> Result<(Place, Place)> {
        let strides = laid.extents.strides();
        let mut tables: Vec<Vec<u32>> = part.shape.iter().map(|n| vec![0; *n]).collect();
        let mut base = 0;
        for (own, pick) in picks.iter().enumerate() {
            let at =
                |i: usize| held(laid, own, pick.start.wrapping_add_signed(pick.step * i.cast_signed())).map(|p| p * strides[own]);
            let Some(axis) = pick.axis else {
                base += held(laid, own, pick.start)? * strides[own];
                continue;
            };
            for (i, place) in tables[axis].iter_mut().enumerate() {
                *place += word(at(part.start[axis] + i)?.cast_signed());
            }
        }
        Ok((Place { base: word(base.cast_signed()), ..Place::default() }, self.starts(tables)))
    }

    /// Adds the tables of all axes, x in whole quads; where they start, as a place.
    fn starts(&mut self, mut tables: Vec<Vec<u32>>) -> Place {
        if let Some(x) = tables.last_mut() {
            let last = x.last().copied().unwrap_or(0);
            x.resize(x.len().next_multiple_of(QUAD), last);
        }
        let starts: Vec<usize> = tables.into_iter().map(|table| self.table(table) as usize).collect();
        let [x, y, a, b, c, d] = inside_out(&starts, 0).map(|s| word(s.cast_signed()));
        Place { base: 0, x, y, outer: [a, b, c, d] }
    }
}

/// How many quads of a row a workgroup takes: as many as there are, so that rows that are short or few leave none idle.
fn columns_of(quads: usize, rows: usize) -> usize {
    let few_rows = WORKGROUP / rows.next_power_of_two().clamp(1, WORKGROUP);
    quads.next_power_of_two().min(COLUMNS).max(few_rows)
}

/// What every device can launch along one dimension; kernels walk the rest.
fn groups(wanted: [usize; 3]) -> [u32; 3] {
    wanted.map(|n| word(n.min(65_535).cast_signed()))
}

fn held(laid: &Laid, axis: usize, index: usize) -> Result<usize> {
    laid.position(axis, index).ok_or_else(|| Error::bug(format!("axis {axis}: index {index} is needed and not held")))
}

/// The bits of a number as an element, zero-extended.
pub fn element_bits(number: Number, dtype: Dtype) -> u32 {
    let mut bytes = [0; 8];
    put(number, dtype, &mut bytes[..dtype.size()]);
    let [a, b, c, d, ..] = bytes;
    u32::from_le_bytes([a, b, c, d])
}

/// Weights as words of the sum's dtype.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "weights round to f32 or are cut to integers, as on the CPU"
)]
pub fn weight_words(weights: &[f64], dtype: Dtype) -> Vec<u32> {
    let one = |w: &f64| match dtype {
        Dtype::F32 => (*w as f32).to_bits(),
        Dtype::I32 => (*w as i32).cast_unsigned(),
        _ => *w as u32,
    };
    weights.iter().map(one).collect()
}
