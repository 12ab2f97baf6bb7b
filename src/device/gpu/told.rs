//! What a kernel is told for one box of its result: where its operands lie, its window, its weights.
//! It does not know how parameters reach the device.

use super::emit::rows_at_once;
use super::words::{Parameters, Place, Words, weight_words};
use crate::error::{Error, Result};
use crate::graph::{LineTaps, Stage, Window};
use crate::grid::Dims;
use crate::plan::schedule::{Laid, Operand, Schedule};
use crate::plan::{Pass, Step};

/// Tells a step's kernel about one box of its result; the offset of its parameters in bytes and the workgroups.
pub fn tell(
    plan: &Schedule,
    pass: &Pass,
    number: usize,
    part: &crate::grid::Region,
    reads: &[Operand],
    words: &mut Words,
) -> Result<(u32, [u32; 3])> {
    let told = parameters(plan, pass, number, part, reads, words)?;
    Ok(match &pass.program.steps[number].stage {
        Stage::Line { axis, taps, .. } if axis + 1 < part.shape.len() => {
            words.lines(&part.shape, *axis, rows_at_once(taps), &told)
        }
        _ => words.parameters(&part.shape, &told),
    })
}

fn parameters(
    plan: &Schedule,
    pass: &Pass,
    number: usize,
    part: &crate::grid::Region,
    reads: &[Operand],
    words: &mut Words,
) -> Result<Parameters> {
    let (program, step) = (&pass.program, &pass.program.steps[number]);
    let goal = &plan.buffers[program.inputs.len() + number];
    let rank = part.shape.len();
    let at = if rank == 0 { Some(Dims::default()) } else { goal.offset_of(part) };
    let at = at.ok_or_else(|| Error::bug("a part outside its own boxes"))?;
    let mut told = Parameters { goal: Place::new(goal, &at, &vec![false; rank]), ..Parameters::default() };
    if let (Stage::View(picks), Some(read)) = (&step.stage, reads.first()) {
        let (origin, starts) = words.picked(&plan.buffers[read.buffer], picks, part)?;
        told.reads = vec![origin, starts];
        return Ok(told);
    }
    for (read, value) in reads.iter().zip(&step.inputs) {
        told.reads.push(place_of(plan, pass, read, *value, step)?);
    }
    let Some(read) = reads.first().map(|r| &plan.buffers[r.buffer]) else { return Ok(told) };
    match &step.stage {
        Stage::Line { axis, taps, .. } => {
            let table = match taps {
                LineTaps::Weights(weights) => words.table(weight_words(weights, read.dtype)),
                _ => 0,
            };
            told.extra = [count(taps.len())?, count(part.shape[*axis])?, table, 0];
        }
        Stage::Window { window, .. } => told.extra = window_words(&**window, read, words)?,
        _ => {}
    }
    Ok(told)
}

/// The tables of a window: offsets of its elements and, where it is a weighted sum, their weights.
fn window_words(window: &dyn Window, read: &Laid, words: &mut Words) -> Result<[u32; 4]> {
    if let Some(order) = window.order_statistic() {
        let places = order.places();
        return Ok([count(places.len())?, 0, words.offsets(places.into_iter(), read), count(order.rank)?]);
    }
    let sum = window.weighted_box().ok_or_else(|| Error::bug("a window without a kernel"))?;
    let offsets = words.offsets(sum.taps.iter().map(|(place, _)| *place), read);
    let weights: Vec<f64> = sum.taps.iter().map(|(_, weight)| *weight).collect();
    let weights = words.table(weight_words(&weights, read.dtype));
    Ok([count(sum.taps.len())?, offsets, weights, 0])
}

fn count(n: usize) -> Result<u32> {
    u32::try_from(n).map_err(|_| Error::bug("a window of more elements than a word counts"))
}

/// Where an operand's first element lies and how its axes step: 0 along those that are repeated.
fn place_of(plan: &Schedule, pass: &Pass, read: &Operand, value: usize, step: &Step) -> Result<Place> {
    let laid = &plan.buffers[read.buffer];
    let array = pass.program.info(value)?.shape;
    let skipped = step.info.shape.len() - array.len().min(step.info.shape.len());
    let repeats: Vec<bool> = (0..array.len()).map(|own| array[own] == 1 && step.info.shape[own + skipped] != 1).collect();
    if read.buffer != value {
        return Ok(Place::new(laid, &Dims::filled(array.len(), 0), &repeats));
    }
    let position = |axis: usize| laid.position(axis, read.start[axis].unsigned_abs());
    let position: Option<Dims> = (0..array.len()).map(position).collect();
    let position = position.ok_or_else(|| Error::bug("an operand is read where it is not held"))?;
    Ok(Place::new(laid, &position, &repeats))
}
