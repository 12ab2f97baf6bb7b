//! The mirror of `single`: a program whose float work is done in f64 between bounds, which hold whatever a device may rightly give.
//! It does not run it, nor know which tiles it is for.
//!
//! A step whose inputs are known bit for bit and that gives the same bits everywhere stays as it is. Any other becomes two: the least
//! and the greatest that it may give. A weighted sum of `n` taps is off by at most `(n + 3) · 2^-24 · Σ |w · x|` in f32, in any order;
//! order statistics, extremes and views give bounds for bounds; formulas are `Formula::bounds`.

use super::Pass;
use super::check::{Judged, JudgedFold};
use super::place::is_exact;
use super::program::{FoldEnd, Program, SinkEnd, Step};
use crate::dtype::{Dtype, Number, get, put};
use crate::error::{Error, Result};
use crate::expr::{Expr, Formula, Known, Rounding};
use crate::graph::{BlockFold, LineTaps, Origin, Stage, WeightedBox, Window};
use crate::grid::{Dims, Edge, Region, indices};
use crate::storage::Info;
use crate::tile::View;
use std::sync::Arc;

/// By how much of the sum of its magnitudes a sum of f32 may be off where a device makes partial sums of blocks.
const OF_MAGNITUDES: f64 = 4e-6;

/// The program that checks, and how its ends judge those of the pass.
pub struct Enclosed {
    pub program: Program,
    pub sinks: Vec<Judged>,
    pub folds: Vec<JudgedFold>,
}

/// The program that checks a pass whose inputs come as `given` describes them.
///
/// # Errors
/// A formula that reads too many arrays.
pub fn enclosed(pass: &Pass, given: &[Info]) -> Result<Enclosed> {
    let program = &pass.program;
    let rounding = if pass.gpu.is_some() { Rounding::WGSL } else { Rounding::IEEE };
    let mut made = Program { steps: Vec::new(), folds: Vec::new(), sinks: Vec::new(), ..program.clone() };
    made.inputs.iter_mut().zip(given).for_each(|(input, info)| input.info = info.clone());
    let mut enclosing = Enclosing { program, rounding, made, own: Vec::new(), kept: Vec::new() };
    for (number, input) in program.inputs.iter().enumerate() {
        let value = enclosing.as_read(number, &input.info)?;
        enclosing.own.push(value);
        enclosing.kept.push(Kept::Exact(value));
    }
    for step in &program.steps {
        let kept = enclosing.step(step)?;
        enclosing.kept.push(kept);
    }
    let sinks = program.sinks.iter().map(|end| enclosing.sink(end.value)).collect();
    let folds = program.folds.iter().map(|end| enclosing.fold(end)).collect::<Result<_>>()?;
    Ok(Enclosed { program: pruned(enclosing.made)?, sinks, folds })
}

/// A value of the program that checks, or its bounds.
#[derive(Clone, Copy, Debug)]
enum Kept {
    Exact(usize),
    Between(usize, usize),
}

struct Enclosing<'p> {
    program: &'p Program,
    rounding: Rounding,
    made: Program,
    /// Per value of the program the same as the CPU computes it in its own dtype.
    own: Vec<usize>,
    /// Per value of the program what is known of it.
    kept: Vec<Kept>,
}

/// A window along one axis or over a box that sums with weights.
struct Weighted {
    taps: usize,
    /// The sum of the weights' magnitudes.
    total: f64,
    constant: Number,
    sum: Stage,
    magnitudes: Stage,
}

fn formula_stage(formula: Formula) -> Stage {
    Stage::Formula { formula: Arc::new(formula), edge: Edge::Reflect, constant: Number::Int(0) }
}

fn bounds_dtype(dtype: Dtype) -> Dtype {
    if dtype.is_float() { Dtype::F64 } else { dtype }
}

/// A number as an array of the dtype would hold it.
fn as_stored(number: Number, dtype: Dtype) -> Number {
    let mut bytes = [0; 8];
    put(number, dtype, &mut bytes[..dtype.size()]);
    get(dtype, &bytes)
}

impl Enclosing<'_> {
    fn push(&mut self, like: &Step, stage: Stage, inputs: Vec<usize>, dtype: Dtype) -> usize {
        let tape = match &stage {
            Stage::Formula { formula, .. } => Some(formula.tape()),
            _ => None,
        };
        let info = Info { dtype, ..like.info.clone() };
        self.made.steps.push(Step { stage, tape, inputs, info, ..like.clone() });
        self.made.values() - 1
    }

    fn put(&mut self, like: &Step, inputs: &[usize], f: impl Fn(&[Expr]) -> Expr) -> Result<usize> {
        let dtypes = inputs.iter().map(|v| self.made.info(*v).map(|i| i.dtype)).collect::<Result<Vec<_>>>()?;
        let formula = Formula::build(&dtypes, |reads| Ok(f(reads)))?;
        let dtype = formula.dtype();
        Ok(self.push(like, formula_stage(formula), inputs.to_vec(), dtype))
    }

    /// An input in the dtype that the pass reads it in.
    fn as_read(&mut self, number: usize, info: &Info) -> Result<usize> {
        if self.made.info(number)?.dtype == info.dtype {
            return Ok(number);
        }
        self.put(&of_input(info), &[number], |reads| reads[0].cast(info.dtype))
    }

    /// Adds a step as it is, and what bounds its result where it is not exact.
    fn step(&mut self, step: &Step) -> Result<Kept> {
        let own: Vec<usize> = step.inputs.iter().map(|v| self.own[*v]).collect();
        let own = self.push(step, step.stage.clone(), own, step.info.dtype);
        self.own.push(own);
        let inputs: Vec<Kept> = step.inputs.iter().map(|v| self.kept[*v]).collect();
        let all_exact = inputs.iter().all(|kept| matches!(kept, Kept::Exact(_)));
        match (&step.stage, inputs.first()) {
            (Stage::Formula { formula, edge, constant }, _) => {
                let bounds = self.formula(step, formula, (*edge, *constant), &inputs)?;
                Ok(bounds.unwrap_or(Kept::Exact(own)))
            }
            _ if all_exact && is_exact(self.program, step) => Ok(Kept::Exact(own)),
            (_, Some(input)) => match weighted(step) {
                Some(weighted) if step.info.dtype.is_float() => self.weighted(step, &weighted, *input),
                Some(_) => self.whole_weighted(step, *input),
                None => self.followed(step, own, *input),
            },
            (_, None) => Ok(Kept::Exact(own)),
        }
    }

    fn formula(
        &mut self,
        step: &Step,
        formula: &Formula,
        (edge, constant): (Edge, Number),
        inputs: &[Kept],
    ) -> Result<Option<Kept>> {
        let (mut values, mut known) = (Vec::new(), Vec::new());
        let mut constant = constant;
        for (input, kept) in step.inputs.iter().zip(inputs) {
            let place =
                |k: usize| u8::try_from(k).map_err(|_| Error::caller("--verify: an expression reads more than 127 arrays"));
            match *kept {
                Kept::Exact(value) => {
                    known.push(Known::Exact(place(values.len())?));
                    values.push(value);
                }
                Kept::Between(lo, hi) => {
                    known.push(Known::Between(place(values.len())?, place(values.len() + 1)?));
                    values.extend([lo, hi]);
                    constant = as_stored(constant, self.program.info(*input)?.dtype);
                }
            }
        }
        let stored = values.iter().map(|v| self.made.info(*v).map(|i| i.dtype)).collect::<Result<Vec<_>>>()?;
        let Some(bounds) = formula.bounds(&known, &stored, self.rounding)? else { return Ok(None) };
        let dtype = bounds_dtype(step.info.dtype);
        let [lo, hi] = bounds.map(|formula| {
            let stage = Stage::Formula { formula: Arc::new(formula), edge, constant };
            self.push(step, stage, values.clone(), dtype)
        });
        Ok(Some(Kept::Between(lo, hi)))
    }

    /// A step that grows with its input, or one of which nothing is known: the CPU's own result is what the CPU gives.
    fn followed(&mut self, step: &Step, own: usize, input: Kept) -> Result<Kept> {
        let (lo, hi) = match input {
            Kept::Exact(value) => (value, value),
            Kept::Between(lo, hi) => (lo, hi),
        };
        let read = step.inputs.first().map(|v| self.program.info(*v)).transpose()?.map_or(step.info.dtype, |i| i.dtype);
        let stage = match &step.stage {
            Stage::View(picks) => Stage::View(picks.clone()),
            Stage::Line { axis, from, taps, edge, constant } => {
                Stage::Line { axis: *axis, from: *from, taps: taps.clone(), edge: *edge, constant: as_stored(*constant, read) }
            }
            Stage::Window { window, edge, constant } if window.order_statistic().is_some() => {
                Stage::Window { window: window.clone(), edge: *edge, constant: as_stored(*constant, read) }
            }
            _ if !self.rounding.flushes => return Ok(Kept::Exact(own)),
            _ => return self.anything(step),
        };
        let dtype = bounds_dtype(step.info.dtype);
        let lo = self.push(step, stage.clone(), vec![lo], dtype);
        Ok(Kept::Between(lo, self.push(step, stage, vec![hi], dtype)))
    }

    fn anything(&mut self, step: &Step) -> Result<Kept> {
        let dtype = step.info.dtype;
        let (low, high) = match dtype.is_float() {
            true => (Number::Float(f64::NEG_INFINITY), Number::Float(f64::INFINITY)),
            false => (Number::Int(dtype.limits().0), Number::Int(dtype.limits().1)),
        };
        let kept = bounds_dtype(dtype);
        let lo = self.put(step, &[], |_| Expr::of(low, kept))?;
        Ok(Kept::Between(lo, self.put(step, &[], |_| Expr::of(high, kept))?))
    }

    /// The middle and the error of what is summed, their weighted sums, and the bounds of those.
    fn weighted(&mut self, step: &Step, sum: &Weighted, input: Kept) -> Result<Kept> {
        let dtype = step.info.dtype;
        let of = |v: f64| Expr::of(Number::Float(v), Dtype::F64);
        let part = (sum.taps as f64 + 3.0) * 1.01 * Rounding::unit(dtype);
        // NaN and infinities are what they are: no rounding moves them.
        let size = move |v: Expr| (v.abs().le(of(f64::MAX))).select(v.abs(), of(0.0)) * part;
        let like = &Step { info: Info { shape: self.shape_of(input)?, ..step.info.clone() }, ..step.clone() };
        let (middle, error) = match input {
            Kept::Exact(value) => {
                (self.put(like, &[value], |r| r[0].cast(Dtype::F64))?, self.put(like, &[value], |r| size(r[0].cast(Dtype::F64)))?)
            }
            Kept::Between(lo, hi) => {
                let point = |r: &[Expr]| r[0].eq(r[1]) | r[0].is_nan();
                let far = |r: &[Expr]| r[0].abs().max(r[1].abs());
                let middle = |r: &[Expr]| far(r).eq(of(f64::INFINITY)).select(of(0.0), r[0] + (r[1] - r[0]) * 0.5);
                let error = |r: &[Expr]| (r[1] - r[0]) * 0.5 + far(r) * part;
                (
                    self.put(like, &[lo, hi], |r| point(r).select(r[0], middle(r)))?,
                    self.put(like, &[lo, hi], |r| point(r).select(size(r[0]), error(r)))?,
                )
            }
        };
        let constant = as_stored(sum.constant, dtype);
        let outside = Some(constant.to_f64().abs()).filter(|v| v.is_finite()).unwrap_or_default();
        let outside = Number::Float(outside * part);
        let middle = self.push(step, with_constant(&sum.sum, constant), vec![middle], Dtype::F64);
        let error = self.push(step, with_constant(&sum.magnitudes, outside), vec![error], Dtype::F64);
        let least = self.rounding.least(dtype) * 2.0 * (sum.taps as f64 + 1.0) * sum.total.max(1.0);
        let most = if dtype == Dtype::F32 { f64::from(f32::MAX) } else { f64::MAX };
        let bound = |r: &[Expr], greatest: bool| {
            let by = r[1].eq(of(0.0)).select(of(0.0), r[1] * (1.0 + 1e-9) + least);
            let (lo, hi) = (r[0] - by, r[0] + by);
            // Where the magnitudes are too large for the dtype, a part of the sum may be.
            let unknown = (lo.is_nan() | hi.is_nan() | r[1].ge(of(most * part))) & !r[0].is_nan();
            match greatest {
                false => (unknown | lo.le(of(-most))).select(of(f64::NEG_INFINITY), lo),
                true => (unknown | hi.ge(of(most))).select(of(f64::INFINITY), hi),
            }
        };
        let lo = self.put(step, &[middle, error], |r| bound(r, false))?;
        Ok(Kept::Between(lo, self.put(step, &[middle, error], |r| bound(r, true))?))
    }

    /// A weighted sum of integers between bounds: what grows and what falls with them apart.
    fn whole_weighted(&mut self, step: &Step, input: Kept) -> Result<Kept> {
        let Stage::Line { axis, from, taps: LineTaps::Weights(weights), edge, constant } = &step.stage else {
            return self.anything(step);
        };
        let (lo, hi) = match input {
            Kept::Exact(value) => (value, value),
            Kept::Between(lo, hi) => (lo, hi),
        };
        let dtype = step.info.dtype;
        let sum = |sign: f64, value: usize, this: &mut Self| {
            let taps = LineTaps::Weights(weights.iter().map(|w| (w * sign).max(0.0)).collect());
            let stage = Stage::Line { axis: *axis, from: *from, taps, edge: *edge, constant: *constant };
            this.push(step, stage, vec![value], dtype)
        };
        let ups = [sum(1.0, lo, self), sum(1.0, hi, self)];
        if weights.iter().all(|w| *w >= 0.0) {
            return Ok(Kept::Between(ups[0], ups[1]));
        }
        let downs = [sum(-1.0, hi, self), sum(-1.0, lo, self)];
        let lo = self.put(step, &[ups[0], downs[0]], |r| r[0] - r[1])?;
        Ok(Kept::Between(lo, self.put(step, &[ups[1], downs[1]], |r| r[0] - r[1])?))
    }

    fn shape_of(&self, kept: Kept) -> Result<Dims> {
        let (Kept::Exact(value) | Kept::Between(value, _)) = kept;
        self.made.info(value).map(|info| info.shape)
    }

    fn sink(&mut self, value: usize) -> Judged {
        let mut end = |value: usize| {
            self.made.sinks.push(SinkEnd { value, output: 0 });
            self.made.sinks.len() - 1
        };
        match self.kept[value] {
            Kept::Exact(value) => Judged::Same(end(value)),
            Kept::Between(lo, hi) => Judged::Between(end(lo), end(hi)),
        }
    }

    /// On the CPU a reduction of what the CPU makes has the same bits everywhere; on a GPU those that grow with their elements lie
    /// between the reductions of the bounds.
    fn fold(&mut self, end: &FoldEnd) -> Result<JudgedFold> {
        let device = end.fold.on_blocks();
        let sums = device == Ok(BlockFold::SingleSum);
        let (lo, hi) = match self.kept[end.value] {
            _ if !self.rounding.flushes => return Ok(JudgedFold::Same(self.fold_of(end, self.own[end.value]))),
            Kept::Exact(value) if !sums => return Ok(JudgedFold::Same(self.fold_of(end, value))),
            Kept::Exact(value) => (value, value),
            Kept::Between(lo, hi) => (lo, hi),
        };
        let dtype = self.program.info(end.value)?.dtype;
        let grows = sums
            || matches!(device, Ok(BlockFold::Extreme { .. }))
            || matches!(device, Ok(BlockFold::WholeSum { squares: false }));
        if !grows {
            return Ok(JudgedFold::Unknown);
        }
        let step = end.value.checked_sub(self.program.inputs.len()).and_then(|k| self.program.steps.get(k)).cloned();
        let like = step.unwrap_or(of_input(self.program.info(end.value)?));
        let least = self.put(&like, &[lo], |r| r[0].cast(dtype))?;
        let greatest = self.put(&like, &[hi], |r| r[0].cast(dtype))?;
        let magnitudes = self.put(&like, &[lo, hi], |r| r[0].abs().max(r[1].abs()).cast(dtype))?;
        let by = if sums { OF_MAGNITUDES } else { 0.0 };
        Ok(JudgedFold::Between {
            least: self.fold_of(end, least),
            greatest: self.fold_of(end, greatest),
            magnitudes: self.fold_of(end, magnitudes),
            by,
        })
    }

    fn fold_of(&mut self, end: &FoldEnd, value: usize) -> usize {
        self.made.folds.push(FoldEnd { value, ..end.clone() });
        self.made.folds.len() - 1
    }
}

/// What steps that read an input are described like.
fn of_input(info: &Info) -> Step {
    let origin = Origin { op: String::new(), part: String::new(), line: std::panic::Location::caller() };
    let stage = Stage::View(Arc::new([]));
    Step { stage, tape: None, inputs: Vec::new(), info: info.clone(), origin, stage_number: 0, why: String::new() }
}

fn with_constant(stage: &Stage, number: Number) -> Stage {
    let mut stage = stage.clone();
    if let Stage::Line { constant, .. } | Stage::Window { constant, .. } = &mut stage {
        *constant = number;
    }
    stage
}

/// The weighted sum that a step is, and the same of magnitudes.
fn weighted(step: &Step) -> Option<Weighted> {
    match &step.stage {
        Stage::Line { axis, from, taps: LineTaps::Weights(weights), edge, constant } => {
            let taps = LineTaps::Weights(weights.iter().map(|w| w.abs()).collect());
            let magnitudes = Stage::Line { axis: *axis, from: *from, taps, edge: *edge, constant: *constant };
            let total = weights.iter().map(|w| w.abs()).sum();
            Some(Weighted { taps: weights.len(), total, constant: *constant, sum: step.stage.clone(), magnitudes })
        }
        Stage::Window { window, edge, constant } => {
            let sum = window.weighted_box()?;
            let (taps, total) = (sum.taps.len(), sum.taps.iter().map(|(_, w)| w.abs()).sum());
            let window = Arc::new(Magnitudes { window: window.clone(), sum });
            let magnitudes = Stage::Window { window, edge: *edge, constant: *constant };
            Some(Weighted { taps, total, constant: *constant, sum: step.stage.clone(), magnitudes })
        }
        _ => None,
    }
}

/// A weighted sum over a box with the magnitudes of the weights, of f64.
#[derive(Debug)]
struct Magnitudes {
    window: Arc<dyn Window>,
    sum: WeightedBox,
}

impl Window for Magnitudes {
    fn reach(&self, axis: usize) -> (usize, usize) {
        self.window.reach(axis)
    }

    fn meaning(&self, input: &View<'_>, shape: &Dims, out: &mut [u8]) -> Result<()> {
        let read = |at: usize| bytemuck::pod_read_unaligned::<f64>(&input.bytes[at * 8..at * 8 + 8]);
        for (place, goal) in indices(Region::whole(*shape)).zip(out.chunks_exact_mut(8)) {
            let at = |index: &Dims| input.element(&index.zip_with(&place, |a, b| a + b));
            let sum: f64 = self.sum.taps.iter().map(|(index, weight)| weight.abs() * read(at(index))).sum();
            goal.copy_from_slice(&sum.to_ne_bytes());
        }
        Ok(())
    }

    fn fast(&self, _: &View<'_>, _: &Dims, _: &mut [u8]) -> bool {
        false
    }

    fn words(&self) -> String {
        format!("magnitudes of {}", self.window.words())
    }
}

/// Without the steps that no end needs.
fn pruned(mut program: Program) -> Result<Program> {
    let first = program.inputs.len();
    let mut needed = vec![false; program.values()];
    program.ends().collect::<Vec<_>>().into_iter().for_each(|end| needed[end] = true);
    for (number, step) in program.steps.iter().enumerate().rev() {
        if needed[first + number] {
            step.inputs.iter().for_each(|v| needed[*v] = true);
        }
    }
    let mut places: Vec<usize> = (0..first).collect();
    let mut next = first;
    for is_needed in needed.iter().skip(first) {
        places.push(next);
        next += usize::from(*is_needed);
    }
    let mut number = first;
    program.steps.retain(|_| {
        number += 1;
        needed[number - 1]
    });
    program.steps.iter_mut().flat_map(|s| &mut s.inputs).for_each(|v| *v = places[*v]);
    program.folds.iter_mut().for_each(|end| end.value = places[end.value]);
    program.sinks.iter_mut().for_each(|end| end.value = places[end.value]);
    Ok(program)
}
