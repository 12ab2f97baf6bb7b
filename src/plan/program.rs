//! A program: the steps that make one pass's results out of its inputs, for any box of the domain.
//! It does not know tiles, bytes or devices.

use crate::error::{Error, Result};
use crate::expr::Tape;
use crate::graph::{Array, Fold, Origin, Stage};
use crate::grid::Dims;
use crate::storage::{InOrder, Info, Source};
use std::sync::Arc;

/// Where an input of a pass comes from.
#[derive(Clone)]
pub enum InputFrom {
    /// A source, read in units.
    Source(Arc<dyn Source>),
    /// A fold's result of an earlier pass, by the key of its node.
    Late(usize),
}

/// One input of a pass.
#[derive(Clone)]
pub struct Input {
    /// Where it comes from.
    pub from: InputFrom,
    /// Its description.
    pub info: Info,
    /// What to call it.
    pub name: String,
}

/// One step: a stage of the graph over earlier values. Value `k` is input `k`, then step `k - inputs`.
#[derive(Clone)]
pub struct Step {
    /// What is computed.
    pub stage: Stage,
    /// The flattened formula, where the stage is one.
    pub tape: Option<Tape>,
    /// The values it reads.
    pub inputs: Vec<usize>,
    /// The result's description.
    pub info: Info,
    /// Which op it belongs to.
    pub origin: Origin,
    /// The stage that it belongs to: steps of one stage become one kernel on a GPU.
    pub stage_number: usize,
    /// Why it joined its stage, or why it starts one.
    pub why: String,
}

/// A fold at the end of a program.
#[derive(Clone)]
pub struct FoldEnd {
    /// What is folded.
    pub fold: Arc<dyn Fold>,
    /// The folded value.
    pub value: usize,
    /// The key of the fold's node, by which later passes know the result.
    pub key: usize,
    /// Which fold of the whole graph it is, however the graph is split into passes.
    pub number: usize,
    /// The output that the result is written to, where it is too large to be held.
    pub stored: Option<usize>,
    /// The result's description.
    pub info: Info,
    /// Which op it is.
    pub origin: Origin,
}

impl FoldEnd {
    /// Whether the last of `rank` axes is reduced.
    #[must_use]
    pub fn is_along_x(&self, rank: usize) -> bool {
        self.fold.axes().last().is_some_and(|axis| axis + 1 == rank)
    }
}

/// A result that goes to a sink.
#[derive(Clone, Copy)]
pub struct SinkEnd {
    /// The value that is written.
    pub value: usize,
    /// The number of the output.
    pub output: usize,
}

/// The steps of one pass.
#[derive(Clone)]
pub struct Program {
    /// The extents that tiles cut: those of every result of the pass.
    pub domain: Dims,
    /// What is read.
    pub inputs: Vec<Input>,
    /// What is computed, producers first.
    pub steps: Vec<Step>,
    /// What is folded.
    pub folds: Vec<FoldEnd>,
    /// What is written.
    pub sinks: Vec<SinkEnd>,
}

impl Program {
    /// How many values there are.
    #[must_use]
    pub fn values(&self) -> usize {
        self.inputs.len() + self.steps.len()
    }

    /// The description of a value.
    ///
    /// # Errors
    /// A number of no value.
    pub fn info(&self, value: usize) -> Result<&Info> {
        let info = match value.checked_sub(self.inputs.len()) {
            None => self.inputs.get(value).map(|i| &i.info),
            Some(step) => self.steps.get(step).map(|s| &s.info),
        };
        info.ok_or_else(|| Error::bug(format!("value {value} of {}", self.values())))
    }

    /// Whether the units of an input are decoded in order.
    #[must_use]
    pub fn in_order(&self, input: usize) -> Option<InOrder> {
        match &self.inputs.get(input)?.from {
            InputFrom::Source(source) => source.in_order(),
            InputFrom::Late(_) => None,
        }
    }

    /// Bytes of one element of a value.
    #[must_use]
    pub fn element_bytes(&self, value: usize) -> usize {
        self.info(value).map_or(8, |info| info.dtype.size())
    }

    /// What to call a value.
    #[must_use]
    pub fn name(&self, value: usize) -> String {
        match value.checked_sub(self.inputs.len()) {
            None => self.inputs.get(value).map_or_else(String::new, |i| i.name.clone()),
            Some(step) => format!("s{step}"),
        }
    }

    /// The values at the end: each must exist for the whole box.
    pub fn ends(&self) -> impl Iterator<Item = usize> + '_ {
        self.folds.iter().map(|f| f.value).chain(self.sinks.iter().map(|s| s.value))
    }

    /// For each value the last step that reads it; `None` where an end does or nobody.
    #[must_use]
    pub fn last_readers(&self) -> Vec<Option<usize>> {
        let mut last = vec![None; self.values()];
        for (number, step) in self.steps.iter().enumerate() {
            for value in &step.inputs {
                last[*value] = Some(number);
            }
        }
        for value in self.ends() {
            last[value] = None;
        }
        last
    }

    /// Which of a worker's buffers each value lies in: values that are never there at once share one, of the same width if there is
    /// one. So what a worker holds is the same for every block.
    #[must_use]
    pub fn slots(&self) -> Vec<usize> {
        let last = self.last_readers();
        let mut slots = vec![0; self.values()];
        let (mut widths, mut free): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
        for value in 0..self.values() {
            let width = self.element_bytes(value);
            // The narrowest that is wide enough, else the widest.
            let misfit = |slot: usize| if widths[slot] >= width { widths[slot] } else { usize::MAX - widths[slot] };
            let best = (0..free.len()).rev().min_by_key(|k| misfit(free[*k]));
            slots[value] = match best {
                Some(k) => free.swap_remove(k),
                None => widths.len(),
            };
            widths.resize(widths.len().max(slots[value] + 1), 0);
            widths[slots[value]] = widths[slots[value]].max(width);
            if let Some(number) = value.checked_sub(self.inputs.len()) {
                let mut read = self.steps[number].inputs.clone();
                read.dedup();
                free.extend(read.into_iter().filter(|v| last[*v] == Some(number)).map(|v| slots[v]));
            }
        }
        slots
    }
}

/// The nodes that a set of roots needs, producers first, stopping where `stops` says so. Iterative: graphs can be deep.
pub fn nodes_of(roots: &[Array], stops: &dyn Fn(&Array) -> bool) -> Vec<Array> {
    let mut order = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut stack: Vec<(Array, bool)> = roots.iter().rev().map(|r| (r.clone(), false)).collect();
    while let Some((array, done)) = stack.pop() {
        if done {
            order.push(array);
        } else if seen.insert(array.key()) {
            stack.push((array.clone(), true));
            if !stops(&array) {
                stack.extend(array.node().inputs.iter().rev().map(|i| (i.clone(), false)));
            }
        }
    }
    order
}
