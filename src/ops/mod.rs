//! The catalogue: what can be computed. The order here is the order of the documentation.
//! It knows the graph and nothing of how a graph is run.

mod box_sum;
pub mod compare;
pub mod correlate;
pub mod edges;
mod float_state;
mod folded_blocks;
pub mod geometry;
mod lines;
pub mod math;
pub mod morphology;
mod nonflat;
mod operators;
pub mod rank;
pub mod reduce;
mod reduced;
mod reductions;
pub mod smooth;
mod wide_state;
pub mod wrapping;

use crate::error::{Result, unknown};
use crate::graph::Op;

/// The families, in order.
pub static FAMILIES: &[&[&Op]] = &[
    math::MATH,
    compare::COMPARE,
    wrapping::WRAPPING,
    smooth::SMOOTH,
    edges::EDGES,
    correlate::CORRELATE,
    rank::RANK,
    morphology::MORPHOLOGY,
    reduce::REDUCE,
    geometry::GEOMETRY,
];

/// All ops, in order.
pub fn all() -> impl Iterator<Item = &'static Op> {
    FAMILIES.iter().flat_map(|family| family.iter().copied())
}

/// The op of this name.
///
/// # Errors
/// An unknown name; the nearest one is suggested.
pub fn find(name: &str) -> Result<&'static Op> {
    all().find(|op| op.name == name).ok_or_else(|| unknown("op", name, all().map(|op| op.name)))
}
