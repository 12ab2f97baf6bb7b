//! Formulas written into each other: what several elementwise steps make becomes one formula, in time that grows with their length.
//! It does not know arrays, nor which formulas may be fused.

use super::{Arena, Formula, Node, map_children};
use crate::error::{Error, Result};
use crate::grid::MAX_RANK;

/// Where an input of a part comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whence {
    /// The fused formula's input of this number.
    Input(u8),
    /// The result of an earlier part.
    Part(usize),
}

/// A formula that is written into others, and where each of its inputs comes from.
pub struct Part<'f> {
    /// The formula.
    pub formula: &'f Formula,
    /// One for each of its inputs.
    pub from: Vec<Whence>,
}

impl Formula {
    /// The formula of the last part, the results of earlier ones in place of the inputs that are theirs; of `inputs` inputs.
    ///
    /// # Errors
    /// A part whose result is read at a distance (that would move its edges), or before it is made.
    pub fn fused(parts: &[Part<'_>], inputs: usize) -> Result<Formula> {
        let mut arena = Arena::default();
        let mut roots: Vec<u32> = Vec::with_capacity(parts.len());
        for Part { formula, from } in parts {
            let mut at: Vec<u32> = Vec::with_capacity(formula.nodes.len());
            for (node, dtype) in formula.nodes() {
                let placed = match node {
                    Node::Read { input, at } => match from.get(usize::from(*input)) {
                        Some(Whence::Input(place)) => arena.put(Node::Read { input: *place, at: *at }, dtype),
                        Some(Whence::Part(part)) if *at == [0; MAX_RANK] => {
                            let root = roots.get(*part).copied();
                            root.ok_or_else(|| Error::bug("a formula absorbs a producer that is not made yet"))?
                        }
                        Some(Whence::Part(_)) => {
                            return Err(Error::bug("a formula that reads at a distance cannot absorb its producer"));
                        }
                        None => return Err(Error::bug("a formula reads an input that it was not given")),
                    },
                    _ => arena.put(map_children(*node, |c| at[c as usize]), dtype),
                };
                at.push(placed);
            }
            roots.push(at.get(formula.root()).copied().unwrap_or(0));
        }
        let root = roots.last().copied().ok_or_else(|| Error::bug("a formula of no parts"))?;
        Ok(Formula { root, nodes: arena.nodes, dtypes: arena.dtypes, inputs }.pruned())
    }
}
