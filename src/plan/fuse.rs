//! Splits a graph into passes and fuses each pass's nodes into steps and stages, saying why.
//! It does not know extents' bytes; only which edges may be crossed.

use super::program::{FoldEnd, Input, InputFrom, Program, SinkEnd, Step, nodes_of};
use crate::error::{Error, Result};
use crate::expr::Formula;
use crate::graph::{Array, Body, Node, Stage};
use crate::grid::Dims;
use crate::storage::Info;
use std::collections::HashMap;
use std::sync::Arc;

/// What one pass must make, before fusing.
struct Wanted {
    level: usize,
    domain: Dims,
    folds: Vec<Array>,
    sinks: Vec<(Array, usize)>,
}

/// The fold of a node, where it is one.
fn fold_of(node: &Node) -> Option<&Arc<dyn crate::graph::Fold>> {
    match &node.body {
        Body::Stage(Stage::Fold(fold)) => Some(fold),
        _ => None,
    }
}

/// The passes that make the outputs, in order: each level of late values, each domain.
///
/// # Errors
/// An output that carries an error or is a number.
pub fn passes(outputs: &[Array]) -> Result<Vec<Program>> {
    for output in outputs {
        output.info()?;
        if output.as_literal().is_some() {
            return Err(Error::caller("the result is a number, not an array").hint("nothing needs to be computed"));
        }
    }
    let nodes = nodes_of(outputs, &|_| false);
    let mut levels: HashMap<usize, usize> = HashMap::new();
    for node in &nodes {
        let above = |i: &Array| levels.get(&i.key()).copied().unwrap_or(0) + usize::from(fold_of(i.node()).is_some());
        let level = node.node().inputs.iter().map(above).max().unwrap_or(0);
        levels.insert(node.key(), level);
    }
    wanted(outputs, &nodes, &levels)?.into_iter().map(|w| fuse(&w, &levels)).collect()
}

fn wanted(outputs: &[Array], nodes: &[Array], levels: &HashMap<usize, usize>) -> Result<Vec<Wanted>> {
    let mut all: Vec<Wanted> = Vec::new();
    let place = |level: usize, domain: Dims, all: &mut Vec<Wanted>| {
        all.iter().position(|w| w.level == level && w.domain == domain).unwrap_or_else(|| {
            all.push(Wanted { level, domain, folds: Vec::new(), sinks: Vec::new() });
            all.len() - 1
        })
    };
    for node in nodes.iter().filter(|n| fold_of(n.node()).is_some()) {
        let folded = node.node().inputs.first().ok_or_else(|| Error::bug("a fold of nothing"))?;
        let k = place(levels.get(&node.key()).copied().unwrap_or(0), folded.shape()?, &mut all);
        all[k].folds.push(node.clone());
    }
    for (number, output) in outputs.iter().enumerate() {
        let late = usize::from(fold_of(output.node()).is_some());
        let level = levels.get(&output.key()).copied().unwrap_or(0) + late;
        let k = place(level, output.shape()?, &mut all);
        all[k].sinks.push((output.clone(), number));
    }
    all.sort_by_key(|w| w.level);
    Ok(all)
}

/// A node on its way into the program: a value, or a formula waiting to be absorbed by its only reader.
#[derive(Clone)]
enum Built {
    Value(usize),
    Waiting(Pending),
}

/// A formula and the values that it reads.
#[derive(Clone)]
struct Pending {
    formula: Arc<Formula>,
    values: Vec<usize>,
    node: Array,
}

struct Fusing<'l> {
    program: Program,
    built: HashMap<usize, Built>,
    readers: HashMap<usize, Vec<Array>>,
    ends: Vec<usize>,
    levels: &'l HashMap<usize, usize>,
    level: usize,
}

fn fuse(wanted: &Wanted, levels: &HashMap<usize, usize>) -> Result<Program> {
    let folded: Vec<Array> = wanted.folds.iter().filter_map(|f| f.node().inputs.first().cloned()).collect();
    let roots: Vec<Array> = folded.iter().cloned().chain(wanted.sinks.iter().map(|s| s.0.clone())).collect();
    let program = Program { domain: wanted.domain, inputs: vec![], steps: vec![], folds: vec![], sinks: vec![] };
    let ends = roots.iter().map(Array::key).collect();
    let mut fusing = Fusing { program, built: HashMap::new(), readers: HashMap::new(), ends, levels, level: wanted.level };
    let nodes = nodes_of(&roots, &|a| fusing.is_input(a));
    fusing.add_inputs(&nodes)?;
    for node in nodes.iter().filter(|n| !fusing.is_input(n)).cloned().collect::<Vec<_>>() {
        fusing.add(&node)?;
    }
    fusing.number_stages();
    fusing.finish(wanted, &folded)
}

impl Fusing<'_> {
    /// Sources, and folds of earlier passes.
    fn is_input(&self, array: &Array) -> bool {
        match &array.node().body {
            Body::Source(_) => true,
            _ => fold_of(array.node()).is_some() && self.levels.get(&array.key()).is_some_and(|l| *l < self.level),
        }
    }

    fn add_inputs(&mut self, nodes: &[Array]) -> Result<()> {
        for array in nodes {
            for input in &array.node().inputs {
                self.readers.entry(input.key()).or_default().push(array.clone());
            }
            if !self.is_input(array) {
                continue;
            }
            let node = array.node();
            let from = match &node.body {
                Body::Source(source) => InputFrom::Source(source.clone()),
                _ => InputFrom::Late(array.key()),
            };
            let input = Input { from, info: array.info()?.clone(), name: node.origin.op.clone() };
            self.built.insert(array.key(), Built::Value(self.program.inputs.len()));
            self.program.inputs.push(input);
        }
        Ok(())
    }

    fn add(&mut self, array: &Array) -> Result<()> {
        let node = array.node();
        let Body::Stage(stage) = &node.body else { return Err(Error::bug("a literal where an array is computed")) };
        let built = match stage {
            Stage::Formula { formula, edge, constant } => {
                let pending = self.absorb(formula, array)?;
                if self.can_wait(array, &pending.formula)? {
                    Built::Waiting(pending)
                } else {
                    let stage = Stage::Formula { formula: pending.formula.clone(), edge: *edge, constant: *constant };
                    Built::Value(self.push(stage, pending.values, array)?)
                }
            }
            other => {
                let values = node.inputs.iter().map(|i| self.value(i)).collect::<Result<Vec<_>>>()?;
                Built::Value(self.push(other.clone(), values, array)?)
            }
        };
        self.built.insert(array.key(), built);
        Ok(())
    }

    /// Whether a formula's only reader is a formula of the same extents that reads it in place.
    fn can_wait(&self, array: &Array, formula: &Formula) -> Result<bool> {
        let readers = self.readers.get(&array.key()).map(Vec::as_slice).unwrap_or_default();
        let [reader] = readers else { return Ok(false) };
        let Body::Stage(Stage::Formula { formula: outer, .. }) = &reader.node().body else { return Ok(false) };
        let same_extents = reader.shape()? == array.shape()?;
        Ok(!self.ends.contains(&array.key()) && formula.is_pointwise() && outer.is_pointwise() && same_extents)
    }

    /// The formula with every waiting producer written into it.
    fn absorb(&mut self, formula: &Arc<Formula>, array: &Array) -> Result<Pending> {
        let inputs = &array.node().inputs;
        let waiting: Vec<Option<Pending>> = inputs
            .iter()
            .map(|i| match self.built.get(&i.key()) {
                Some(Built::Waiting(pending)) => Some(pending.clone()),
                _ => None,
            })
            .collect();
        let mut values: Vec<usize> = Vec::new();
        let mut place = |value: usize| {
            let known = values.iter().position(|v| *v == value).unwrap_or_else(|| {
                values.push(value);
                values.len() - 1
            });
            u8::try_from(known).map_err(|_| Error::caller("an expression reads more than 255 arrays at once"))
        };
        let mut places = Vec::with_capacity(inputs.len());
        for (input, pending) in inputs.iter().zip(&waiting) {
            places.push(match pending {
                Some(pending) => pending.values.iter().map(|v| place(*v)).collect::<Result<Vec<_>>>()?,
                None => vec![place(self.value(input)?)?],
            });
        }
        let producers: Vec<Option<&Formula>> = waiting.iter().map(|w| w.as_ref().map(|p| &*p.formula)).collect();
        let fused = formula.fused(&producers, &places, values.len())?;
        Ok(Pending { formula: Arc::new(fused), values, node: array.clone() })
    }

    /// The value of an input; a waiting formula becomes a step now.
    fn value(&mut self, input: &Array) -> Result<usize> {
        match self.built.get(&input.key()).cloned() {
            Some(Built::Value(value)) => Ok(value),
            Some(Built::Waiting(pending)) => {
                let stage = Stage::Formula {
                    formula: pending.formula.clone(),
                    edge: crate::grid::Edge::Reflect,
                    constant: crate::dtype::Number::Int(0),
                };
                let value = self.push(stage, pending.values, &pending.node)?;
                self.built.insert(input.key(), Built::Value(value));
                Ok(value)
            }
            None => Err(Error::bug("a node is read before it is built")),
        }
    }

    fn push(&mut self, stage: Stage, inputs: Vec<usize>, array: &Array) -> Result<usize> {
        let tape = match &stage {
            Stage::Formula { formula, .. } => Some(formula.tape()),
            _ => None,
        };
        let info: Info = array.info()?.clone();
        let origin = array.node().origin.clone();
        self.program.steps.push(Step { stage, tape, inputs, info, origin, stage_number: 0, why: String::new() });
        Ok(self.program.values() - 1)
    }

    /// Gives steps their stages: a formula joins the neighbourhood whose result only it reads.
    fn number_stages(&mut self) {
        let first = self.program.inputs.len();
        let mut readers = vec![0usize; self.program.values()];
        self.program.steps.iter().flat_map(|s| &s.inputs).for_each(|v| readers[*v] += 1);
        let mut next = 0;
        for number in 0..self.program.steps.len() {
            let step = &self.program.steps[number];
            let anchor = step.inputs.iter().filter(|v| **v >= first && readers[**v] == 1).map(|v| *v - first).next_back();
            let pointwise = matches!(&step.stage, Stage::Formula { formula, .. } if formula.is_pointwise());
            let joined = anchor.filter(|a| pointwise && !matches!(self.program.steps[*a].stage, Stage::View(_)));
            let (stage_number, why) = match joined {
                Some(anchor) => (
                    self.program.steps[anchor].stage_number,
                    "joins: reads the stage before in place, nobody else does".to_owned(),
                ),
                None => {
                    next += 1;
                    (next - 1, self.reason(number, pointwise, &readers))
                }
            };
            let step = &mut self.program.steps[number];
            (step.stage_number, step.why) = (stage_number, why);
        }
    }

    /// Why a step starts a stage of its own.
    fn reason(&self, number: usize, pointwise: bool, readers: &[usize]) -> String {
        let step = &self.program.steps[number];
        let first = self.program.inputs.len();
        let reads_inputs = step.inputs.iter().all(|v| *v < first);
        let shared = step.inputs.iter().any(|v| readers[*v] > 1 && *v >= first);
        match (&step.stage, pointwise) {
            (Stage::View(_), _) => "starts: other places of its input",
            (Stage::Scan(_), _) => "starts: a scan needs its whole axis",
            (Stage::Fold(_), _) => "starts: a fold",
            (Stage::Tiles(_), _) => "starts: a function that the engine does not know",
            (_, true) if reads_inputs => "starts: reads the inputs",
            (_, true) if shared => "starts: what it reads is also read elsewhere",
            (_, true) => "starts: joins several stages",
            (_, false) if reads_inputs => "starts: a neighbourhood of the input",
            (_, false) => "starts: a neighbourhood is never substituted into another (its edge would move)",
        }
        .to_owned()
    }

    fn finish(mut self, wanted: &Wanted, folded: &[Array]) -> Result<Program> {
        for (array, input) in wanted.folds.iter().zip(folded) {
            let fold = fold_of(array.node()).cloned().ok_or_else(|| Error::bug("a fold that is none"))?;
            let value = self.value(input)?;
            let (info, origin) = (array.info()?.clone(), array.node().origin.clone());
            self.program.folds.push(FoldEnd { fold, value, key: array.key(), info, origin });
        }
        for (array, output) in &wanted.sinks {
            let value = self.value(array)?;
            self.program.sinks.push(SinkEnd { value, output: *output });
        }
        Ok(self.program)
    }
}
