//! Which cells a matrix has, and which of them `STACKMILL_CELL` asks for.
//! It does not know what a cell says.

use stackmill::dtype::Dtype;
use stackmill::graph::Op;
use stackmill::grid::Edge;

/// The edges that an op is tried with; none where it has no mode.
pub fn edges(op: &Op) -> Vec<Option<Edge>> {
    let has_mode = op.params.iter().any(|p| p.name == "mode");
    if has_mode { Edge::ALL.into_iter().map(Some).collect() } else { vec![None] }
}

pub fn edge_name(edge: Option<Edge>) -> &'static str {
    edge.map_or("-", Edge::name)
}

/// The cells that `STACKMILL_CELL` asks for: `op`, `op/dtype` or `op/dtype/edge`, each a name, names with commas, or `*`; all
/// without it.
pub fn is_wanted(op: &str, dtype: Dtype, edge: Option<Edge>) -> bool {
    let Ok(cell) = std::env::var("STACKMILL_CELL") else { return true };
    let mut parts = cell.split('/');
    let mut is_one = |name: &str| parts.next().is_none_or(|part| part == "*" || part.split(',').any(|p| p == name));
    is_one(op) && is_one(dtype.name()) && is_one(edge_name(edge))
}
