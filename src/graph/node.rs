//! One node of the graph: what the engine can run, with its inputs and where the user asked for it.
//! It does not know ops; an op's meaning ends in these primitives.

use super::array::Array;
use super::fold::Fold;
use crate::dtype::{Dtype, Number};
use crate::error::{Error, Result};
use crate::expr::Formula;
use crate::grid::{Dims, Edge, Region, indices};
use crate::storage::{Info, Source};
use crate::tile::{Tile, View};
use std::panic::Location;
use std::sync::Arc;

/// Which op made a node, for messages and explanations.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The op and its arguments: `gaussian(sigma=1.5)`.
    pub op: String,
    /// What part of the op this node is: `along z`; empty where it is the whole.
    pub part: String,
    /// The caller's line.
    pub line: &'static Location<'static>,
}

/// The weights or the extreme of a window along one axis.
#[derive(Clone, Debug, PartialEq)]
pub enum LineTaps {
    /// A weighted sum.
    Weights(Arc<[f64]>),
    /// The smallest of a window of this many.
    Least(usize),
    /// The largest of a window of this many.
    Greatest(usize),
}

impl LineTaps {
    /// How many elements the window covers.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            LineTaps::Weights(weights) => weights.len(),
            LineTaps::Least(n) | LineTaps::Greatest(n) => *n,
        }
    }

    /// Whether the window covers nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A neighbourhood op that is no formula: a slow, obviously right function of a padded tile, and perhaps a fast one.
/// Its `Debug` tells all that its results depend on: two windows that tell the same are the same work.
pub trait Window: Send + Sync + std::fmt::Debug {
    /// How far it looks along an axis, before and after.
    fn reach(&self, axis: usize) -> (usize, usize);
    /// The result for a box of extents `shape`, whose input is `input`, padded by the reach on every side.
    ///
    /// # Errors
    /// A fault of the op.
    fn meaning(&self, input: &View<'_>, shape: &Dims, out: &mut [u8]) -> Result<()>;
    /// The same, fast; false where this input has no fast path.
    fn fast(&self, input: &View<'_>, shape: &Dims, out: &mut [u8]) -> bool;
    /// How the fast one works on an input of a dtype, for explanations.
    fn way(&self, _dtype: Dtype) -> String {
        "its meaning, element by element".to_owned()
    }
    /// What makes two windows the same, for explanations and identities.
    fn words(&self) -> String;
    /// Where the window is nothing but the element of one rank in a box: which. Devices have kernels for those.
    fn order_statistic(&self) -> Option<OrderStatistic> {
        None
    }
    /// Where the window is nothing but a weighted sum of a box's elements: which.
    fn weighted_box(&self) -> Option<WeightedBox> {
        None
    }
}

/// The element of a rank in a box; NaN is the largest.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderStatistic {
    /// The extents of the box.
    pub size: Dims,
    /// The rank: 0 is the least.
    pub rank: usize,
    /// Which places of the box count, C order; all where there is none.
    pub footprint: Option<Arc<[bool]>>,
}

impl OrderStatistic {
    /// How many elements there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.footprint.as_ref().map_or(self.size.count(), |marks| marks.iter().filter(|marked| **marked).count())
    }

    /// The places that count, C order.
    #[must_use]
    pub fn places(&self) -> Vec<Dims> {
        let all = indices(Region::whole(self.size)).enumerate();
        all.filter(|(k, _)| self.footprint.as_ref().is_none_or(|marks| marks[*k])).map(|(_, index)| index).collect()
    }
}

/// A sum of elements of a box, each times its weight, in this order, in the dtype of the input.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedBox {
    /// The extents of the box.
    pub size: Dims,
    /// Places in the box and their weights.
    pub taps: Arc<[(Dims, f64)]>,
}

/// How a function of tiles reads one axis of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    /// The output axis that walks it; none where the function is given the whole axis.
    pub axis: Option<usize>,
    /// How far it is read before the output's own places.
    pub before: usize,
    /// And after them.
    pub after: usize,
}

impl Walk {
    /// Whether an axis of this extent is one element that is repeated along a longer output axis.
    #[must_use]
    pub fn repeats(&self, extent: usize, out: &Dims) -> bool {
        extent == 1 && self.axis.is_some_and(|axis| out[axis] != 1)
    }
}

/// A function of whole tiles of which nothing else is known: a user's. It may take several arrays, drop axes and make new ones.
pub trait Tiles: Send + Sync {
    /// How each axis of input `k` is read.
    fn walks(&self, k: usize) -> &[Walk];
    /// What lies outside the array, and the number there for a constant edge.
    fn edge(&self) -> (Edge, f64);
    /// The result for a box of the output, given each input's box with its halo. New axes are always whole.
    ///
    /// # Errors
    /// What the function says.
    fn run(&self, inputs: &[View<'_>], part: &Region, out: &mut [u8]) -> Result<()>;
    /// What it is, for explanations and identities.
    fn words(&self) -> String;
}

/// A running computation along one axis. Its `Debug` tells all that its results depend on.
pub trait Scan: Send + Sync + std::fmt::Debug {
    /// The axis.
    fn axis(&self) -> usize;
    /// The result for a box that covers the whole axis.
    ///
    /// # Errors
    /// A fault of the op.
    fn run(&self, input: &View<'_>, out: &mut Tile) -> Result<()>;
    /// What it does, for explanations.
    fn words(&self) -> String;
}

/// How an input axis is seen by a view: which output axis walks it, from where, in which steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The output axis; none where the input axis is held at `start`.
    pub axis: Option<usize>,
    /// The input index at output index 0.
    pub start: usize,
    /// Input elements per output element; negative for a flipped axis.
    pub step: isize,
}

/// What a stage computes from its inputs: the primitives of the engine.
#[derive(Clone)]
pub enum Stage {
    /// One output element from elements of the inputs; shorter inputs are broadcast as NumPy does.
    Formula {
        /// The formula.
        formula: Arc<Formula>,
        /// What lies outside, where the formula reads at a distance.
        edge: Edge,
        /// The number outside, for a constant edge.
        constant: Number,
    },
    /// A window along one axis.
    Line {
        /// Which axis.
        axis: usize,
        /// The window's first element relative to the output's place.
        from: isize,
        /// What is done with the window.
        taps: LineTaps,
        /// What lies outside.
        edge: Edge,
        /// The number outside, for a constant edge.
        constant: Number,
    },
    /// A window over several axes.
    Window {
        /// What is done with it.
        window: Arc<dyn Window>,
        /// What lies outside.
        edge: Edge,
        /// The number outside, for a constant edge.
        constant: Number,
    },
    /// Other places of the input, per input axis.
    View(Arc<[Pick]>),
    /// A reduction.
    Fold(Arc<dyn Fold>),
    /// A running computation.
    Scan(Arc<dyn Scan>),
    /// A function of the user's.
    Tiles(Arc<dyn Tiles>),
}

/// What a node is.
#[derive(Clone)]
pub enum Body {
    /// An array that lies somewhere.
    Source(Arc<dyn Source>),
    /// A number, 0-d; `weak` where its dtype follows the array that it meets.
    Literal(Number),
    /// Something to compute.
    Stage(Stage),
}

/// One node: immutable, shared, with its error where it has one.
pub struct Node {
    /// What it is.
    pub body: Body,
    /// What it reads.
    pub inputs: Vec<Array>,
    /// Its description, or why it has none.
    pub info: Result<Info>,
    /// Who made it.
    pub origin: Origin,
}

impl Drop for Node {
    /// Long chains are taken apart in a loop: dropping them link by link would overflow the stack.
    fn drop(&mut self) {
        let mut waiting = std::mem::take(&mut self.inputs);
        while let Some(array) = waiting.pop() {
            if let Some(mut node) = array.into_only_node() {
                waiting.append(&mut node.inputs);
            }
        }
    }
}

/// Output axes of `rank` that no input axis walks: made by the function itself.
#[must_use]
pub fn made_axes(tiles: &dyn Tiles, inputs: usize, rank: usize) -> Vec<bool> {
    let walked = |axis: usize| (0..inputs).any(|k| tiles.walks(k).iter().any(|walk| walk.axis == Some(axis)));
    (0..rank).map(|axis| !walked(axis)).collect()
}

impl Stage {
    /// The dtype of the result, given the inputs'.
    #[must_use]
    pub fn dtype(&self, inputs: &[Dtype], own: Dtype) -> Dtype {
        match self {
            Stage::Formula { formula, .. } => formula.dtype(),
            Stage::Line { .. } | Stage::Window { .. } | Stage::View(_) => inputs.first().copied().unwrap_or(own),
            Stage::Fold(_) | Stage::Scan(_) | Stage::Tiles(_) => own,
        }
    }

    /// A fault of ours where a stage is built from what it cannot run on.
    ///
    /// # Errors
    /// An empty window.
    pub fn check(&self) -> Result<()> {
        match self {
            Stage::Line { taps, .. } if taps.is_empty() => Err(Error::bug("a window of no elements")),
            _ => Ok(()),
        }
    }
}
