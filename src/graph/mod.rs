//! The symbolic graph: ops as records, lazy arrays, the few primitives that the engine runs.
//! It computes nothing and opens nothing.

mod args;
mod array;
mod axes;
mod define;
mod fold;
mod nested;
mod node;
mod op;
mod rule;
mod slice;

pub use args::{Args, AxisList, Extent, ParamType, PerAxis, Value};
pub use array::Array;
pub use axes::{axes_of, beside, broadcast, per_axis, pixels};
pub use fold::{BlockFold, BlockGrid, Fold, FoldedBlocks, fold_block};
pub use nested::Nested;
pub use node::{Body, LineTaps, Node, OrderStatistic, Origin, Pick, Scan, Stage, Tiles, Walk, WeightedBox, Window, made_axes};
pub use op::{Agreement, FoldMade, Meaning, Op, Param, ScanMade, WindowMade, op_name};
pub use rule::DtypeRule;
pub use slice::{Index, Slice};
