//! Which elements of each value a box of the domain needs, edges folded back into the array.
//! It does not know bytes or tiles; it is exact integer geometry.

use super::program::{Program, Step};
use crate::error::{Error, Result};
use crate::graph::{Pick, Stage, Walk};
use crate::grid::{Boxes, Dims, Edge, Region, Runs};

/// How far one axis is read around a place: before and after.
pub type Reach = (isize, isize);

/// What a step reads of input number `k`, given what it must make.
fn needed(step: &Step, k: usize, input: &Dims, out: &Boxes) -> Boxes {
    match &step.stage {
        Stage::Formula { edge, .. } => broadcast_needs(step, k, input, out, *edge),
        Stage::View(picks) => Boxes(picks.iter().map(|pick| picked(pick, out)).collect()),
        Stage::Scan(scan) => {
            let whole = |axis: usize, runs: &Runs| if axis == scan.axis() { Runs::one(0..input[axis]) } else { runs.clone() };
            Boxes(out.0.iter().enumerate().map(|(axis, runs)| whole(axis, runs)).collect())
        }
        Stage::Line { edge, .. } | Stage::Window { edge, .. } => {
            let axis = |(axis, runs): (usize, &Runs)| widened(runs, reach_of(step, k, axis), input[axis], *edge);
            Boxes(out.0.iter().enumerate().map(axis).collect())
        }
        Stage::Tiles(tiles) => Boxes(walked(tiles.walks(k), input, out, &step.info.shape, tiles.edge().0)),
        Stage::Fold(_) => out.clone(),
    }
}

/// How far a step reads input `k` along an output axis: the first and the last element relative to the output's place.
#[must_use]
pub fn reach_of(step: &Step, k: usize, axis: usize) -> Reach {
    match &step.stage {
        Stage::Line { axis: own, from, taps, .. } if *own == axis => (*from, from + taps.len().cast_signed() - 1),
        Stage::Window { window, .. } => {
            let (before, after) = window.reach(axis);
            (-before.cast_signed(), after.cast_signed())
        }
        Stage::Formula { formula, .. } => {
            let (before, after) = formula.halo(k).map_or((0, 0), |h| h.get(axis).copied().unwrap_or((0, 0)));
            (-before.cast_signed(), after.cast_signed())
        }
        _ => (0, 0),
    }
}

fn widened(runs: &Runs, (first, last): Reach, n: usize, edge: Edge) -> Runs {
    if (first, last) == (0, 0) {
        return runs.clone();
    }
    let mut all = Runs::default();
    for run in runs.ranges() {
        all.extend(&edge.needs(run.start.cast_signed() + first, run.end.cast_signed() + last, n));
    }
    all
}

/// Inputs are aligned at the last axis; an extent of 1 is repeated.
fn broadcast_needs(step: &Step, k: usize, input: &Dims, out: &Boxes, edge: Edge) -> Boxes {
    let skipped = out.0.len() - input.len().min(out.0.len());
    let axis = |own: usize| {
        let axis = own + skipped;
        match input[own] {
            1 if step.info.shape[axis] != 1 => Runs::one(0..1),
            n => widened(&out.0[axis], reach_of(step, k, axis), n, edge),
        }
    };
    Boxes((0..input.len()).map(axis).collect())
}

/// What a function of tiles reads of an input, axis by axis.
fn walked(walks: &[Walk], input: &Dims, out: &Boxes, extents: &Dims, edge: Edge) -> Vec<Runs> {
    let axis = |(own, walk): (usize, &Walk)| match walk.axis {
        None => Runs::one(0..input[own]),
        Some(_) if walk.repeats(input[own], extents) => Runs::one(0..1),
        Some(axis) => widened(&out.0[axis], (-walk.before.cast_signed(), walk.after.cast_signed()), input[own], edge),
    };
    walks.iter().enumerate().map(axis).collect()
}

fn picked(pick: &Pick, out: &Boxes) -> Runs {
    let Some(axis) = pick.axis else { return Runs::one(pick.start..pick.start + 1) };
    let mut runs = Runs::default();
    for run in out.0[axis].ranges() {
        let at = |i: usize| pick.start.wrapping_add_signed(pick.step * i.cast_signed());
        let (a, b) = (at(run.start), at(run.end - 1));
        runs.add(a.min(b)..a.max(b) + 1);
    }
    runs
}

/// What every value must hold so that the ends can be made for a box of the domain.
///
/// # Errors
/// A program that reads values that do not exist.
pub fn regions(program: &Program, part: &Region) -> Result<Vec<Boxes>> {
    let mut regions = vec![Boxes::default(); program.values()];
    let wanted = Boxes::one(part);
    for end in program.ends() {
        regions[end].extend(&wanted);
    }
    for (number, step) in program.steps.iter().enumerate().rev() {
        // A step reads what comes before it.
        let (before, own) = regions.split_at_mut(program.inputs.len() + number);
        let Some(own) = own.first().filter(|own| !own.0.is_empty() || step.info.shape.is_empty()) else { continue };
        for (k, value) in step.inputs.iter().enumerate() {
            let needs = needed(step, k, &program.info(*value)?.shape, own);
            let held = before.get_mut(*value).ok_or_else(|| Error::bug("a step that reads what comes after it"))?;
            if held.0.is_empty() { *held = needs } else { held.extend(&needs) }
        }
    }
    Ok(regions)
}

/// The axes of the domain along which what is made of a step moves along an axis of the step's own array: through views that is another
/// axis, several or none.
///
/// # Errors
/// As [`regions`].
pub fn moving(program: &Program, step: usize, own: usize) -> Result<Vec<bool>> {
    let domain = &program.domain;
    let (value, one) = (program.inputs.len() + step, Dims::filled(domain.len(), 1));
    let read = |start: Dims| -> Result<Option<Runs>> {
        Ok(regions(program, &Region { start, shape: one })?.get(value).and_then(|boxes| boxes.0.get(own).cloned()))
    };
    let origin = Dims::filled(domain.len(), 0);
    let first = read(origin)?;
    (0..domain.len()).map(|axis| Ok(domain[axis] > 1 && read(origin.with(axis, domain[axis] - 1))? != first)).collect()
}

/// The region of each input that a box of the domain reads: the hull of what is needed.
///
/// # Errors
/// As [`regions`].
pub fn input_regions(program: &Program, part: &Region) -> Result<Vec<Boxes>> {
    regions(program, part).map(|mut all| {
        all.truncate(program.inputs.len());
        all
    })
}
