//! Whether a formula's f64 may be f32, where a device has nothing wider: only between numbers of at most 16 bits.
//! It does not know steps; the plan asks about chains of them.

use super::{Arena, Bin, Formula, Node, const_bits, const_number, each_child, map_children};
use crate::dtype::Dtype;

impl Formula {
    /// Whether it is at most a change from a dtype that f32 holds exactly to f64, at its root.
    #[must_use]
    pub fn widens_small(&self) -> bool {
        let root = self.root();
        let wide = |k: usize| self.dtypes[k] == Dtype::F64;
        let small = |k: u32| self.dtypes[k as usize].float() == Dtype::F32;
        matches!(self.nodes.get(root), Some(Node::Cast(a)) if small(*a)) && (0..root).all(|k| !wide(k))
    }

    /// Whether f64 inputs do nothing but become numbers of at most 16 bits, or f32.
    #[must_use]
    pub fn narrows_its_inputs(&self) -> bool {
        self.dtype() != Dtype::F64 && self.all_wide(|node| matches!(node, Node::Read { .. })) && self.wide_children_end_in_small()
    }

    /// Whether f64 is only a quotient of integers by constants that becomes a number of at most 16 bits: a mean.
    #[must_use]
    pub fn is_small_mean(&self) -> bool {
        let quotient = |node: &Node| match node {
            Node::Const(_) | Node::Bin(Bin::Div, ..) => true,
            Node::Cast(a) => !self.dtypes[*a as usize].is_float() && self.dtypes[*a as usize].size() <= 4,
            _ => false,
        };
        self.dtype() != Dtype::F64 && self.all_wide(quotient) && self.wide_children_end_in_small()
    }

    /// The same in f32.
    #[must_use]
    pub fn in_single(&self) -> Formula {
        let mut arena = Arena::default();
        let mut at: Vec<u32> = Vec::with_capacity(self.nodes.len());
        for (node, dtype) in self.nodes() {
            let single = if dtype == Dtype::F64 { Dtype::F32 } else { dtype };
            let node = match node {
                Node::Const(bits) if dtype == Dtype::F64 => Node::Const(const_bits(const_number(*bits, dtype), single)),
                other => map_children(*other, |c| at[c as usize]),
            };
            at.push(arena.put(node, single));
        }
        Formula { root: at[self.root()], nodes: arena.nodes, dtypes: arena.dtypes, inputs: self.inputs }.pruned()
    }

    fn all_wide(&self, allowed: impl Fn(&Node) -> bool) -> bool {
        self.nodes().filter(|(_, dtype)| *dtype == Dtype::F64).all(|(node, _)| allowed(node))
    }

    /// Whether whatever leaves f64 is cast to a dtype of at most 16 bits, or to f32.
    fn wide_children_end_in_small(&self) -> bool {
        self.nodes().filter(|(_, dtype)| *dtype != Dtype::F64).all(|(node, dtype)| {
            let mut wide = false;
            each_child(node, |c| wide |= self.dtypes[c as usize] == Dtype::F64);
            !wide || matches!(node, Node::Cast(_)) && dtype.float() == Dtype::F32
        })
    }
}
