//! What a formula's result is and how far it looks: dtype, halo, whether a read is at a distance.
//! It does not know arrays' extents; what lies outside is an edge's business.

use super::{Formula, Node};
use crate::dtype::Dtype;
use crate::grid::MAX_RANK;

/// How far an input is read before and after the output's own place, per axis of the output.
pub type Halo = [(usize, usize); MAX_RANK];

impl Formula {
    /// The dtype of the result.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        self.dtypes.get(self.root()).copied().unwrap_or(Dtype::F64)
    }

    /// How far input `input` is read, per axis; `None` where it is not read at all.
    #[must_use]
    pub fn halo(&self, input: usize) -> Option<Halo> {
        let mut halo: Option<Halo> = None;
        for (node, _) in self.nodes() {
            let Node::Read { input: read, at } = node else { continue };
            if usize::from(*read) != input {
                continue;
            }
            let halo = halo.get_or_insert([(0, 0); MAX_RANK]);
            for (reach, offset) in halo.iter_mut().zip(at) {
                reach.0 = reach.0.max(offset.min(&0).unsigned_abs() as usize);
                reach.1 = reach.1.max((*offset).max(0).unsigned_abs() as usize);
            }
        }
        halo
    }

    /// Whether every read is at the output's own place.
    #[must_use]
    pub fn is_pointwise(&self) -> bool {
        self.nodes().all(|(node, _)| !matches!(node, Node::Read { at, .. } if *at != [0; MAX_RANK]))
    }

    /// Whether the formula is nothing but a change of dtype.
    #[must_use]
    pub fn is_cast(&self) -> bool {
        self.is_pointwise() && self.nodes().all(|(node, _)| matches!(node, Node::Read { .. } | Node::Cast(_)))
    }
}
