//! Kernels of reductions: one result a block, row by row where x is reduced, column by column where it is kept.
//! It does not know how blocks are joined.

use super::access::{Bindings, Dialect};
use super::window::{key_dtype, keyed};
use super::{Kernel, LANES, assembled, framed, lane_type, near};
use crate::dtype::{Dtype, Lane};
use crate::error::{Error, Result};
use crate::graph::BlockFold;
use crate::plan::Program;

const BLOCKS: &str = include_str!("../../../../shaders/blocks.wgsl");
const COLUMNS: &str = include_str!("../../../../shaders/columns.wgsl");
const ROWS: &str = include_str!("../../../../shaders/rows.wgsl");
const SINGLE: &str = include_str!("../../../../shaders/single.wgsl");
const WHOLE: &str = include_str!("../../../../shaders/whole.wgsl");
const FIRST: &str = include_str!("../../../../shaders/first.wgsl");

/// The kernel of a fold's blocks.
pub fn kernel(program: &Program, number: usize, dialect: Dialect) -> Result<Kernel> {
    let end = program.folds.get(number).ok_or_else(|| Error::bug("a kernel of no fold"))?;
    let kind = end.fold.on_blocks().map_err(Error::bug)?;
    let dtype = program.info(end.value)?.dtype;
    let stored = match kind {
        BlockFold::SingleSum => dtype,
        BlockFold::WholeSum { .. } if dtype != Dtype::Bool => dtype,
        _ => key_dtype(dtype).0,
    };
    let bound = Bindings { reads: vec![stored], result: Dtype::U32, dialect };
    let made = match kind {
        BlockFold::SingleSum => [near(dialect), &bound.load(0), SINGLE].join("\n"),
        BlockFold::WholeSum { squares } => whole(squares, &bound),
        BlockFold::Extreme { greatest } => first(dtype, greatest, false, &bound),
        BlockFold::Place { greatest } => first(dtype, greatest, true, &bound),
    };
    let along_x = end.is_along_x(program.domain.len());
    let text = format!("const WORDS = {}u;\n{made}", kind.words());
    Ok(if along_x { framed(&bound, &[LANES, BLOCKS, &text, ROWS]) } else { assembled(&bound, &[LANES, BLOCKS, &text], COLUMNS) })
}

/// `bits` and `sign` of integers beside their sums.
fn whole(squares: bool, bound: &Bindings) -> String {
    let lane = bound.reads.first().map_or(Lane::U32, |dtype| dtype.lane());
    let sign = if lane == Lane::I32 { "bitcast<vec4<u32>>(v >> vec4<u32>(31u))" } else { "vec4<u32>(0u)" };
    format!(
        "{}alias Lane = {};
const SQUARES = {squares};
fn bits(v: Lane) -> vec4<u32> {{
    return bitcast<vec4<u32>>(v);
}}
fn sign(v: Lane) -> vec4<u32> {{
    return {sign};
}}
{WHOLE}",
        bound.load(0),
        lane_type(lane),
    )
}

/// Keys beside the search for the first: where the place counts, zeros of both signs are one.
fn first(dtype: Dtype, greatest: bool, by_place: bool, bound: &Bindings) -> String {
    let signed = dtype.is_float() || dtype != Dtype::U32;
    let worst = match (signed, greatest) {
        (true, true) => "(-2147483647 - 1)",
        (true, false) => "2147483647",
        (false, true) => "0u",
        (false, false) => "4294967295u",
    };
    let is_better = if greatest { "a > b" } else { "a < b" };
    // The key of -0 is -1, that of +0 is 0.
    let key = if by_place && dtype.is_float() { "select(key(v), Lane(0), key(v) == Lane(-1))" } else { "key(v)" };
    format!(
        "{}const WORST = {worst};
fn is_better(a: Lane, b: Lane) -> vec4<bool> {{
    return {is_better};
}}
fn key_of_place(v: Lane) -> Lane {{
    return {key};
}}
{FIRST}",
        keyed(dtype, greatest, bound),
    )
}
