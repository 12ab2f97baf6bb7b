//! Every op that bears a name of SciPy's or NumPy's against that function, over small arrays of many dtypes.
//!
//! `GOLDEN='uniform(size=3' cargo test --test golden_ops` runs the cases whose name holds that text.

mod golden_parts;

use golden_parts::{Case, cases, input, prove};
use stackmill::graph::{Array, Op};
use stackmill::language::evaluate;
use stackmill::ops;
use stackmill::ops::compare::COMPARE;
use stackmill::ops::correlate::CORRELATE;
use stackmill::ops::edges::EDGES;
use stackmill::ops::geometry::GEOMETRY;
use stackmill::ops::math::MATH;
use stackmill::ops::morphology::MORPHOLOGY;
use stackmill::ops::rank::RANK;
use stackmill::ops::reduce::REDUCE;
use stackmill::ops::smooth::SMOOTH;
use stackmill::ops::wrapping::WRAPPING;
use std::collections::BTreeSet;

/// Tiles of the finest tiling: small arrays may be cut to single elements.
const TILES: usize = 40;

fn prove_part(wanted: impl Fn(&Case) -> bool) {
    prove("ops.txt", input::synthetic, wanted, TILES);
}

/// The op's name, or nothing for an expression.
fn head(case: &Case) -> &str {
    case.text.split_once('(').map_or("", |(name, _)| name)
}

type Families = [&'static [&'static Op]];

const LINEAR: &Families = &[SMOOTH, EDGES, CORRELATE];
const ORDERED: &Families = &[RANK, MORPHOLOGY];
const REDUCED: &Families = &[REDUCE];
const PLACED: &Families = &[MATH, COMPARE, WRAPPING, GEOMETRY];

fn prove_families(families: &Families) {
    let names: Vec<&str> = families.concat().iter().map(|op| op.name).collect();
    prove_part(|case| names.contains(&head(case)));
}

#[test]
fn smoothing_edges_and_correlations() {
    prove_families(LINEAR);
}

#[test]
fn windows() {
    prove_families(ORDERED);
}

#[test]
fn reductions() {
    prove_families(REDUCED);
}

#[test]
fn elements_and_places() {
    prove_families(PLACED);
}

#[test]
fn expressions() {
    prove_part(|case| ops::find(head(case)).is_err());
}

#[test]
fn every_op_with_a_borrowed_name_has_cases() {
    let mut seen = BTreeSet::new();
    for case in cases("ops.txt") {
        let (x, others) = input::synthetic(&case.source);
        collect(&evaluate(&case.text, &x, &others).unwrap_or_else(|e| panic!("{}: {e}", case.text)).result, &mut seen);
    }
    let missing: Vec<&str> = ops::all().filter(|op| op.same_as.is_some() && !seen.contains(op.name)).map(|op| op.name).collect();
    assert!(missing.is_empty(), "ops without a golden case: {missing:?}");
    let tested = [LINEAR, ORDERED, REDUCED, PLACED].concat().concat();
    let forgotten: Vec<&str> = ops::all().map(|op| op.name).filter(|name| !tested.iter().any(|op| op.name == *name)).collect();
    assert!(forgotten.is_empty(), "ops whose cases no test runs: {forgotten:?}");
}

/// The names of the ops that a graph is made of.
fn collect(array: &Array, seen: &mut BTreeSet<String>) {
    let node = array.node();
    seen.insert(node.origin.op.split('(').next().unwrap_or_default().to_owned());
    node.inputs.iter().for_each(|input| collect(input, seen));
}
