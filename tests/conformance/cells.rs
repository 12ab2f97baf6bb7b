//! Which cells a matrix has, which of them one run takes, and the threads that run them.
//! It does not know what a cell says.
//!
//! A matrix grows with the catalogue, so a run takes a part of it: the cells of ops whose source changed first, the boundary
//! cells always, and of the rest one share of [`SHARES`]:
//!
//! ```text
//!     seed        0   1   2   …   7   8   9
//!     share       0   1   2   …   7   0   1       seed mod SHARES; a cell's share is a hash of its name
//! ```
//!
//! Any `SHARES` seeds in a row reach every cell. `STACKMILL_MATRIX` is the seed, or `full`; without it the seed is the day's number.

use stackmill::dtype::Dtype;
use stackmill::graph::Op;
use stackmill::grid::Edge;
use stackmill::ops;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Seeds in a row that reach every cell.
pub const SHARES: u64 = 8;

/// Where numbers meet a limit: bytes, which saturate and are packed on a GPU, and floats with NaN and infinities, which it computes.
const BOUNDARY_DTYPES: [Dtype; 2] = [Dtype::U8, Dtype::F32];

/// Ops that changed have all of their cells run, unless they are more than this part of the matrix.
const MOST_CHANGED: f64 = 0.25;

/// One cell: an op at a dtype and, where it has a mode, an edge.
#[derive(Clone, Copy)]
pub struct Cell {
    pub op: &'static Op,
    pub dtype: Dtype,
    pub edge: Option<Edge>,
}

/// The cell's name, as `STACKMILL_CELL` takes it.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.op.name, self.dtype, edge_name(self.edge))
    }
}

impl Cell {
    fn is_boundary(&self) -> bool {
        BOUNDARY_DTYPES.contains(&self.dtype) && self.edge.is_none_or(|edge| edge == Edge::Constant)
    }

    fn share(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.to_string().hash(&mut hasher);
        hasher.finish() % SHARES
    }

    /// Whether a pattern asks for it: `op`, `op/dtype` or `op/dtype/edge`, each a name, names with commas, or `*`.
    fn matches(&self, pattern: &str) -> bool {
        let mut parts = pattern.split('/');
        let mut is_one = |name: &str| parts.next().is_none_or(|part| part == "*" || part.split(',').any(|p| p == name));
        is_one(self.op.name) && is_one(self.dtype.name()) && is_one(edge_name(self.edge))
    }
}

pub fn edge_name(edge: Option<Edge>) -> &'static str {
    edge.map_or("-", Edge::name)
}

/// The whole matrix, in the order of the catalogue. Ops that have no mode have one edge, none.
pub fn all() -> Vec<Cell> {
    let edges = |op: &Op| {
        let has_mode = op.params.iter().any(|p| p.name == "mode");
        if has_mode { Edge::ALL.into_iter().map(Some).collect() } else { vec![None] }
    };
    let of_op = |op: &'static Op| {
        let edges = edges(op);
        Dtype::ALL.into_iter().flat_map(move |dtype| edges.clone().into_iter().map(move |edge| Cell { op, dtype, edge }))
    };
    ops::all().flat_map(of_op).collect()
}

/// Which part of a matrix a run takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sample {
    Full,
    Seed(u64),
}

/// What `STACKMILL_MATRIX` says; where it says nothing, all of what a pattern asks for, and today's share without one.
pub fn sample() -> Sample {
    match std::env::var("STACKMILL_MATRIX").as_deref() {
        Ok("full") => Sample::Full,
        Ok(seed) => Sample::Seed(seed.parse().unwrap_or_else(|_| panic!("STACKMILL_MATRIX is `full` or a seed, not '{seed}'"))),
        Err(_) if pattern().is_some() => Sample::Full,
        Err(_) => Sample::Seed(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs() / 86_400)),
    }
}

/// Which cells are asked for by name.
fn pattern() -> Option<String> {
    std::env::var("STACKMILL_CELL").ok()
}

/// The cells that a run takes, those of what changed first.
pub fn sampled(cells: &[Cell], sample: Sample, changed: &[&str]) -> Vec<Cell> {
    let Sample::Seed(seed) = sample else { return cells.to_vec() };
    let (first, rest): (Vec<Cell>, Vec<Cell>) = cells.iter().partition(|cell| changed.contains(&cell.op.name));
    let later = rest.into_iter().filter(|cell| cell.is_boundary() || cell.share() == seed % SHARES);
    first.into_iter().chain(later).collect()
}

/// The ops whose files are among the changed ones (`STACKMILL_CHANGED`: paths from the root); none where they are most of the matrix.
fn changed_ops(cells: &[Cell]) -> Vec<&'static str> {
    let files = std::env::var("STACKMILL_CHANGED").unwrap_or_default();
    let texts: Vec<String> = files
        .split_whitespace()
        .filter(|file| file.starts_with("src/ops/"))
        .filter_map(|file| std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).ok())
        .collect();
    let defined = |name: &str| texts.iter().any(|text| defines(text, name));
    let changed: Vec<&str> = ops::all().map(|op| op.name).filter(|name| defined(name)).collect();
    let count = cells.iter().filter(|cell| changed.contains(&cell.op.name)).count();
    if count as f64 > MOST_CHANGED * cells.len() as f64 { Vec::new() } else { changed }
}

/// Whether a file's text has the record of this op, in its `ops!` block; an op named like a keyword is written with `_` behind it.
pub fn defines(text: &str, name: &str) -> bool {
    let records = text.split_once("ops! {").map_or("", |(_, records)| records);
    ["(", "[", "_("].iter().any(|after| records.contains(&format!("pub fn {name}{after}")))
}

/// What the environment asks for: cells, a sample of them. Says what it chose.
pub fn chosen() -> Vec<Cell> {
    let (pattern, sample) = (pattern(), sample());
    let cells: Vec<Cell> = all().into_iter().filter(|cell| pattern.as_ref().is_none_or(|p| cell.matches(p))).collect();
    let changed = changed_ops(&cells);
    let chosen = sampled(&cells, sample, &changed);
    assert!(!chosen.is_empty(), "no such cell: {pattern:?}, {sample:?}");
    say(&match sample {
        Sample::Full => format!("cells: all {}", chosen.len()),
        Sample::Seed(seed) => format!(
            "cells: {} of {}: what changed {changed:?}, the boundary, share {} of {SHARES}; STACKMILL_MATRIX={seed} runs these \
             again, STACKMILL_MATRIX=full all",
            chosen.len(),
            cells.len(),
            seed % SHARES
        ),
    });
    chosen
}

/// Into the log of a run that passes too, where what tests print is kept back.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// Runs the cells one by one on two threads, in their order; results in the order of the catalogue.
pub fn run_each<R: Send>(cells: &[Cell], run: impl Fn(&Cell) -> R + Sync) -> Vec<(Cell, R)> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = run(cell);
            done.lock().expect("the other thread did not panic").push((*cell, result));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    let mut done = done.into_inner().expect("no thread panicked");
    let names: Vec<&str> = ops::all().map(|op| op.name).collect();
    let place = |cell: &Cell| {
        let edge = cell.edge.and_then(|edge| Edge::ALL.iter().position(|e| *e == edge));
        (names.iter().position(|n| *n == cell.op.name), Dtype::ALL.iter().position(|d| *d == cell.dtype), edge)
    };
    done.sort_by_key(|(cell, _)| place(cell));
    done
}
