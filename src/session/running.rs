//! What runs for each step of a pass: the CPU's loops, and the texts of a GPU's kernels.
//! It opens no device: the texts are those of one that has no 16-bit integers.

use crate::device::cpu::way;
use crate::plan::Pass;

/// What runs for each step and then for each fold, line by line.
pub(super) fn running(pass: &Pass) -> Vec<Vec<String>> {
    let steps = 0..pass.program.steps.len();
    let folds = 0..pass.program.folds.len();
    steps.map(|number| of_step(pass, number)).chain(folds.map(|number| of_fold(pass, number))).collect()
}

fn of_step(pass: &Pass, number: usize) -> Vec<String> {
    match &pass.gpu {
        Some(gpu) if gpu.sharing.refusals[number].is_none() => kernel(pass, number, false),
        _ => vec![format!("on the CPU: {}", way(&pass.program, &pass.program.steps[number]))],
    }
}

fn of_fold(pass: &Pass, number: usize) -> Vec<String> {
    match &pass.gpu {
        Some(gpu) if gpu.sharing.folds[number].is_none() => kernel(pass, number, true),
        _ => vec!["on the CPU: a partial state a block, joined in the order of the blocks".to_owned()],
    }
}

#[cfg(feature = "gpu")]
fn kernel(pass: &Pass, number: usize, is_fold: bool) -> Vec<String> {
    use crate::device::gpu::emit::{Dialect, Piece, kernel};
    let piece = if is_fold { Piece::Fold(number) } else { Piece::Step(number) };
    match kernel(&pass.program, piece, Dialect::default()) {
        Ok(kernel) => {
            std::iter::once("on the GPU:".to_owned()).chain(kernel.text.lines().map(|line| format!("  {line}"))).collect()
        }
        Err(error) => vec![format!("on the GPU, without a text: {error}")],
    }
}

#[cfg(not(feature = "gpu"))]
fn kernel(_: &Pass, _: usize, _: bool) -> Vec<String> {
    vec!["on a GPU, which this build does not know".to_owned()]
}
