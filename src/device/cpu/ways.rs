//! Which loop the CPU runs for a step, in words, asked of the code that chooses it.
//! It does not know tiles: a loop is the same for all of them.

use super::line::{Pairing, Taps};
use super::tape;
use crate::dtype::Dtype;
use crate::graph::{LineTaps, Stage};
use crate::plan::{Program, Step};

/// The loop of a step.
#[must_use]
pub fn way(program: &Program, step: &Step) -> String {
    let read = step.inputs.first().and_then(|v| program.info(*v).ok()).map_or(step.info.dtype, |info| info.dtype);
    match &step.stage {
        Stage::Formula { .. } => {
            let (steps, registers) = step.tape.as_ref().map_or((0, 0), |tape| (tape.steps.len(), tape.registers));
            format!("a tape of {steps} steps over strips of {} elements, {registers} registers, SIMD", tape::STRIP)
        }
        Stage::Line { axis, taps: LineTaps::Weights(weights), .. } => {
            format!("a weighted line along axis {axis} in {read}, {}, SIMD", pairs(read, weights))
        }
        Stage::Line { axis, .. } if axis + 1 == step.info.shape.len() => {
            "extremes of 1, 2, 4, … elements along rows, two of them overlapping, SIMD".to_owned()
        }
        Stage::Line { axis, .. } => format!("running extremes of blocks across rows along axis {axis}, SIMD"),
        Stage::Window { window, .. } => window.way(read),
        Stage::View(_) => "rows copied from other places".to_owned(),
        Stage::Scan(scan) => format!("lines along axis {}, one element after another", scan.axis()),
        Stage::Tiles(_) => "a function of the user's, called once for a tile".to_owned(),
        Stage::Fold(fold) => fold.words(),
    }
}

/// How the taps of a weighted line are taken.
fn pairs(dtype: Dtype, weights: &[f64]) -> &'static str {
    let pairing = match dtype {
        Dtype::F32 => Taps::<f32>::new(weights).pairing,
        Dtype::F64 => Taps::<f64>::new(weights).pairing,
        Dtype::U32 => Taps::<u32>::new(weights).pairing,
        Dtype::I64 => Taps::<i64>::new(weights).pairing,
        Dtype::U64 => Taps::<u64>::new(weights).pairing,
        _ => Taps::<i32>::new(weights).pairing,
    };
    match pairing {
        Pairing::Sums => "sums of mirrored pairs by one weight",
        Pairing::Differences => "differences of mirrored pairs by one weight",
        Pairing::Single => "tap after tap",
        Pairing::Box => "a box that slides: what comes less what goes",
    }
}
