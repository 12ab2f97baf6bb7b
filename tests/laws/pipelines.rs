//! Random pipelines of a few ops, random extents and tiles.
//! It does not know what a law says of them.

use proptest::collection::vec;
use proptest::prelude::*;
use stackmill::dtype::Dtype;
use stackmill::graph::{Array, Index, PerAxis, Slice};
use stackmill::grid::Edge;
use stackmill::ops::morphology::GreyOpening;
use stackmill::ops::rank::{MaximumFilter, MedianFilter};
use stackmill::ops::smooth::{Gaussian, Uniform};

/// One op of a pipeline.
#[derive(Clone, Debug)]
pub enum Part {
    Median(i64, Edge),
    Gaussian(f64, Edge),
    Uniform([i64; 3], Edge),
    Opening([i64; 3], Edge),
    Maximum([i64; 3], i64, Edge),
    Laplace,
    Affine,
    Flip,
    Every([isize; 3]),
    Running(i64),
    LessMean,
    MinusMirror,
}

/// A few ops in order.
#[derive(Clone, Debug)]
pub struct Pipeline(pub Vec<Part>);

impl Pipeline {
    /// Without a reduction there is one pass over one source.
    pub fn is_one_pass(&self) -> bool {
        !self.0.iter().any(|p| matches!(p, Part::LessMean))
    }

    pub fn apply(&self, x: &Array) -> Array {
        self.0.iter().fold(x.clone(), |y, part| part.apply(&y))
    }
}

fn each(size: [i64; 3]) -> PerAxis<i64> {
    PerAxis::Each(size.to_vec())
}

impl Part {
    fn apply(&self, x: &Array) -> Array {
        match self {
            Part::Median(size, mode) => x.median_with(*size, MedianFilter { mode: *mode, cval: 2.0, ..Default::default() }),
            Part::Gaussian(sigma, mode) => {
                x.gaussian_with(*sigma, Gaussian { mode: *mode, cval: 2.0, truncate: 2.0, ..Default::default() })
            }
            Part::Uniform(size, mode) => x.uniform_with(each(*size), Uniform { mode: *mode, cval: 2.0, ..Default::default() }),
            Part::Opening(size, mode) => x.grey_opening_with(each(*size), GreyOpening { mode: *mode, ..Default::default() }),
            Part::Maximum(size, origin, mode) => {
                let origin = each(size.map(|s| if s > 2 { *origin } else { 0 }));
                x.maximum_filter_with(each(*size), MaximumFilter { mode: *mode, origin, ..Default::default() })
            }
            Part::Laplace => x.laplace(),
            Part::Affine => x * 3 - 7,
            Part::Flip => x.flip(),
            Part::Every(steps) => {
                let range = |step| Index::Range(Slice { step: Some(step), ..Slice::default() });
                x.index(&steps.map(range))
            }
            Part::Running(axis) => x.cumsum(*axis),
            Part::LessMean => x - x.mean(),
            Part::MinusMirror => x - x.flip(),
        }
    }
}

fn edge() -> impl Strategy<Value = Edge> {
    prop::sample::select(Edge::ALL.to_vec())
}

fn sizes() -> impl Strategy<Value = [i64; 3]> {
    [1i64..5, 1i64..5, 1i64..5]
}

fn steps() -> impl Strategy<Value = [isize; 3]> {
    let step = || prop_oneof![-2isize..0, 1isize..3];
    [step(), step(), step()]
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        (1i64..4, edge()).prop_map(|(s, e)| Part::Median(s, e)),
        (0.3f64..1.6, edge()).prop_map(|(s, e)| Part::Gaussian(s, e)),
        (sizes(), edge()).prop_map(|(s, e)| Part::Uniform(s, e)),
        (sizes(), edge()).prop_map(|(s, e)| Part::Opening(s, e)),
        (sizes(), -1i64..2, edge()).prop_map(|(s, o, e)| Part::Maximum(s, o, e)),
        Just(Part::Laplace),
        Just(Part::Affine),
        Just(Part::Flip),
        steps().prop_map(Part::Every),
        (0i64..3).prop_map(Part::Running),
        Just(Part::LessMean),
        Just(Part::MinusMirror),
    ]
}

/// Two to four ops.
pub fn pipeline() -> impl Strategy<Value = Pipeline> {
    vec(part(), 2..5).prop_map(Pipeline)
}

/// One or two ops whose every window element counts: sums with positive weights, and views.
pub fn positive_pipeline() -> impl Strategy<Value = Pipeline> {
    let part = prop_oneof![
        (0.3f64..1.0, edge()).prop_map(|(s, e)| Part::Gaussian(s, e)),
        (sizes(), edge()).prop_map(|(s, e)| Part::Uniform(s, e)),
        Just(Part::Flip),
        steps().prop_map(Part::Every),
    ];
    vec(part, 1..3).prop_map(Pipeline)
}

pub fn shape() -> impl Strategy<Value = [usize; 3]> {
    [1usize..6, 1usize..9, 1usize..12]
}

pub fn tile() -> impl Strategy<Value = [usize; 3]> {
    [1usize..6, 1usize..7, 1usize..8]
}

pub fn dtype() -> impl Strategy<Value = Dtype> {
    prop::sample::select(vec![Dtype::U8, Dtype::I16, Dtype::U16, Dtype::F32, Dtype::F64])
}
