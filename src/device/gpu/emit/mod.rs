//! Steps as WGSL: skeletons from `shaders/` with what a step adds written beside them. Text in, text out.
//! It knows no device, no buffer and no extents: a step has one text, whatever its tiles are.

mod access;
mod fold;
mod formula;
mod window;

use crate::dtype::{Dtype, Lane};
use crate::error::{Error, Result};
use crate::graph::{LineTaps, Stage};
use crate::plan::Program;
use access::Bindings;
pub use access::{Dialect, raw};
pub use window::{pairing, rows_at_once};

const FRAME: &str = include_str!("../../../../shaders/frame.wgsl");
const WALK: &str = include_str!("../../../../shaders/walk.wgsl");
const LANES: &str = include_str!("../../../../shaders/lanes.wgsl");
const NEAR: &str = include_str!("../../../../shaders/near.wgsl");
const SLOPPY: &str = include_str!("../../../../shaders/sloppy.wgsl");
const EXACT: &str = include_str!("../../../../shaders/exact.wgsl");
const MATH: &str = include_str!("../../../../shaders/math.wgsl");
const MAP: &str = include_str!("../../../../shaders/map.wgsl");
const PAD: &str = include_str!("../../../../shaders/pad.wgsl");
const PROBE: &str = include_str!("../../../../shaders/probe.wgsl");

/// One kernel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kernel {
    /// The whole shader; its entry point is `main`.
    pub text: String,
    /// How many arrays it reads.
    pub inputs: usize,
}

/// What of a program has a kernel of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Piece {
    /// A step.
    Step(usize),
    /// The blocks of a fold.
    Fold(usize),
}

/// The kernel of a piece.
///
/// # Errors
/// A piece that the plan should have kept on the CPU.
pub fn kernel(program: &Program, piece: Piece, dialect: Dialect) -> Result<Kernel> {
    match piece {
        Piece::Step(number) => step(program, number, dialect),
        Piece::Fold(number) => fold::kernel(program, number, dialect),
    }
}

fn step(program: &Program, number: usize, dialect: Dialect) -> Result<Kernel> {
    let step = program.steps.get(number).ok_or_else(|| Error::bug("a kernel of no step"))?;
    let stored = step.inputs.iter().map(|v| program.info(*v).map(|i| i.dtype)).collect::<Result<Vec<_>>>()?;
    let first = stored.first().copied().unwrap_or(step.info.dtype);
    match &step.stage {
        Stage::Formula { formula, .. } => {
            let tape = step.tape.as_ref().ok_or_else(|| Error::bug("a formula without its tape"))?;
            let splat: Vec<bool> = step.inputs.iter().map(|v| is_repeated(program, *v, number)).collect();
            formula::kernel(
                formula,
                tape,
                &Bindings { reads: stored, result: tape.dtype, dialect },
                &splat,
                step.info.shape.len(),
            )
        }
        Stage::Line { axis, taps, .. } => {
            let along_x = axis + 1 == step.info.shape.len();
            match taps {
                LineTaps::Weights(weights) => window::weighted(weights, along_x, &Bindings::alike(first, dialect)),
                _ => Ok(window::extreme(taps, along_x, first, dialect)),
            }
        }
        Stage::Window { window, .. } => match window.order_statistic() {
            Some(order) => Ok(window::rank(first, order.count(), order.rank, dialect)),
            None if window.weighted_box().is_some() => window::weighted_box(&Bindings::alike(first, dialect)),
            None => Err(Error::bug("a window without a kernel")),
        },
        Stage::View(_) => Ok(pad(first, dialect)),
        Stage::Fold(_) | Stage::Scan(_) | Stage::Tiles(_) => Err(Error::bug("a scan was sent to a GPU")),
    }
}

/// The kernel that copies other places of a value.
#[must_use]
pub fn pad(dtype: Dtype, dialect: Dialect) -> Kernel {
    let bound = Bindings::alike(raw(dtype.size()), dialect);
    let text = [bound.one(0), bound.store_of(Lane::U32), PAD.to_owned()].join("\n");
    assembled(&bound, &[], &text)
}

/// Whether a value has one element along x where the step has more.
fn is_repeated(program: &Program, value: usize, number: usize) -> bool {
    let last = |shape: &crate::grid::Dims| shape.last().copied();
    let own = program.info(value).ok().and_then(|info| last(&info.shape));
    own.is_none() || own == Some(1) && last(&program.steps[number].info.shape) != Some(1)
}

/// The lane of a WGSL type.
fn lane_type(lane: Lane) -> &'static str {
    match lane {
        Lane::I32 | Lane::I64 => "vec4<i32>",
        Lane::F32 | Lane::F64 => "vec4<f32>",
        Lane::Bool | Lane::U32 | Lane::U64 => "vec4<u32>",
    }
}

/// What a device's own float instructions give.
fn near(dialect: Dialect) -> &'static str {
    if dialect.sloppy { SLOPPY } else { NEAR }
}

/// The start-up probe of a device's numbers.
#[must_use]
pub fn probe(dialect: Dialect) -> Kernel {
    let head = "struct Parameters {\n    grid: vec4<u32>,\n}\n\n@group(0) @binding(0) var<uniform> p: Parameters;\n";
    Kernel { text: [head, LANES, near(dialect), EXACT, PROBE].join("\n"), inputs: 0 }
}

/// A kernel that walks its result quad by quad, with the libraries that it calls.
fn assembled(bound: &Bindings, libraries: &[&str], text: &str) -> Kernel {
    framed(bound, &[libraries, &[text, WALK]].concat())
}

/// The frame, bindings, and then the parts of a kernel.
fn framed(bound: &Bindings, parts: &[&str]) -> Kernel {
    let text = [&[FRAME, bound.declared().as_str()], parts].concat().join("\n");
    Kernel { text, inputs: bound.reads.len() }
}
