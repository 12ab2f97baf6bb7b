//! What a program does in f64 between numbers of at most 16 bits, in f32: for devices that have nothing wider.
//! It does not touch what the user sees in f64, nor chains that start from wider numbers.

use super::program::{InputFrom, Program, Step};
use crate::dtype::Dtype;
use crate::graph::{LineTaps, Stage};
use std::sync::Arc;

/// The program with every such chain in f32: a filter keeps f32 between its axes and rounds once, at its end.
#[must_use]
pub fn in_single(program: &Program) -> Program {
    let narrow = narrowed(program);
    let mut single = program.clone();
    for (input, _) in single.inputs.iter_mut().zip(&narrow).filter(|(_, narrow)| **narrow) {
        input.info.dtype = Dtype::F32;
    }
    for (number, step) in single.steps.iter_mut().enumerate() {
        let own = program.inputs.len() + number;
        let reads = step.inputs.iter().any(|v| narrow[*v]);
        if narrow[own] {
            step.info.dtype = Dtype::F32;
        }
        let Stage::Formula { formula, .. } = &mut step.stage else { continue };
        if narrow[own] || reads || is_mean(formula) {
            *formula = Arc::new(formula.in_single());
            step.tape = Some(formula.tape());
        }
    }
    single
}

fn is_mean(formula: &crate::expr::Formula) -> bool {
    let has_wide = formula.nodes().any(|(_, dtype)| dtype == Dtype::F64);
    has_wide && formula.is_small_mean()
}

/// Which values may be f32: all f64 ones but those whose producer or a reader needs more; found by striking out.
fn narrowed(program: &Program) -> Vec<bool> {
    let first = program.inputs.len();
    let mut narrow = vec![false; program.values()];
    // A late value is small: the device turns it into f32 before anybody reads it.
    for (v, input) in program.inputs.iter().enumerate() {
        let late = matches!(input.from, InputFrom::Late(_)) && !program.ends().any(|end| end == v);
        narrow[v] = late && input.info.dtype == Dtype::F64;
    }
    for (number, step) in program.steps.iter().enumerate() {
        let own = first + number;
        narrow[own] = step.info.dtype == Dtype::F64 && !program.ends().any(|end| end == own);
    }
    loop {
        let made_small = |v: usize| v < first || is_made_small(&program.steps[v - first], &narrow);
        let struck = (0..narrow.len()).find(|v| narrow[*v] && !(made_small(*v) && is_read_small(program, *v, &narrow)));
        match struck {
            Some(value) => narrow[value] = false,
            None => return narrow,
        }
    }
}

fn is_weighted(step: &Step) -> bool {
    match &step.stage {
        Stage::Line { taps, .. } => matches!(taps, LineTaps::Weights(_)),
        Stage::Window { window, .. } => window.weighted_box().is_some(),
        _ => false,
    }
}

fn is_made_small(step: &Step, narrow: &[bool]) -> bool {
    match &step.stage {
        Stage::Formula { formula, .. } => formula.widens_small(),
        _ => is_weighted(step) && step.inputs.iter().all(|v| narrow[*v]),
    }
}

fn is_read_small(program: &Program, value: usize, narrow: &[bool]) -> bool {
    let first = program.inputs.len();
    program.steps.iter().enumerate().filter(|(_, step)| step.inputs.contains(&value)).all(|(number, step)| match &step.stage {
        Stage::Formula { formula, .. } => {
            let all = step.inputs.iter().all(|v| narrow[*v] || program.info(*v).is_ok_and(|i| i.dtype != Dtype::F64));
            all && formula.narrows_its_inputs()
        }
        _ => is_weighted(step) && narrow[first + number],
    })
}
