//! How much arithmetic an act of a schedule is, in rough operations on elements: what submissions are sized by.
//! It knows no device's speed.

use super::place::Sharing;
use super::program::Program;
use super::schedule::{Act, Schedule};
use crate::graph::{LineTaps, Stage};
use crate::grid::Dims;

/// Operations of an act; at least one an element.
#[must_use]
pub fn work_of(program: &Program, schedule: &Schedule, act: &Act) -> u64 {
    let elements = |shape: &Dims| shape.count() as u64;
    match act {
        Act::Run { step, part, .. } => elements(&part.shape) * an_element(program, *step),
        Act::Pad { shape, .. } => COPIED * elements(shape),
        Act::Fold { .. } => COPIED * elements(&schedule.block.shape),
        Act::Upload(_) | Act::Download(_) | Act::Free(_) => 0,
    }
}

/// Operations for one element of the heaviest kernel of what runs on a GPU: how long the longest kernel of a block takes.
#[must_use]
pub fn heaviest(program: &Program, sharing: &Sharing) -> u64 {
    let steps = (0..program.steps.len()).filter(|step| sharing.refusals[*step].is_none());
    steps.map(|step| an_element(program, step)).max().unwrap_or(0).max(COPIED)
}

/// Operations for one element of the heaviest kernel that is no step: a padded copy, a fold.
const COPIED: u64 = 4;

/// Operations for one element of a step's result.
pub(super) fn an_element(program: &Program, step: usize) -> u64 {
    let step = &program.steps[step];
    let operations = match &step.stage {
        Stage::Formula { .. } => step.tape.as_ref().map_or(1, |tape| 2 * tape.steps.len()),
        Stage::Line { taps: LineTaps::Weights(weights), .. } => 2 * weights.len(),
        Stage::Line { taps, .. } => taps.len(),
        Stage::Window { window, .. } => {
            let sorted = window.order_statistic().map(|order| order.count()).map(|n| n * n.ilog2().max(1) as usize);
            sorted.or_else(|| window.weighted_box().map(|sum| 2 * sum.taps.len())).unwrap_or(1)
        }
        _ => 4,
    };
    operations.max(1) as u64
}
