//! Splits a graph into passes and fuses each pass's nodes into steps and stages, saying why.
//! It does not know extents' bytes; only which edges may be crossed, and which values are stored between passes.

use super::program::{FoldEnd, Input, InputFrom, Program, SinkEnd, Step, nodes_of};
use super::stored::Stored;
use crate::error::{Error, Result};
use crate::expr::{Formula, Part, Whence};
use crate::graph::{Array, Body, Node, Stage};
use crate::grid::Dims;
use crate::storage::Info;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What one pass must make, before fusing.
struct Wanted {
    level: usize,
    domain: Dims,
    folds: Vec<Array>,
    sinks: Vec<(Array, usize)>,
}

impl Wanted {
    /// What is folded.
    fn folded(&self) -> Vec<Array> {
        self.folds.iter().filter_map(|fold| fold.node().inputs.first().cloned()).collect()
    }

    /// What the pass ends in.
    fn roots(&self) -> Vec<Array> {
        self.folded().into_iter().chain(self.sinks.iter().map(|sink| sink.0.clone())).collect()
    }
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
pub fn passes(outputs: &[Array], stored: &[Stored]) -> Result<Vec<Program>> {
    for output in outputs {
        output.info()?;
        if output.as_literal().is_some() {
            return Err(Error::caller("the result is a number, not an array").hint("nothing needs to be computed"));
        }
    }
    let graph = Graph::new(outputs, stored);
    wanted(outputs, &graph)?.into_iter().map(|w| fuse(&w, &graph)).collect()
}

/// The arrays that each pass makes where nothing is stored, folds and what is read left out.
///
/// # Errors
/// An output that carries an error.
pub fn made(outputs: &[Array]) -> Result<Vec<Vec<Array>>> {
    let graph = Graph::new(outputs, &[]);
    let of = |wanted: Wanted| {
        let roots = wanted.roots();
        let made = nodes_of(&roots, &|a| graph.input(a, wanted.level).is_some()).into_iter();
        made.filter(|a| graph.input(a, wanted.level).is_none()).collect()
    };
    Ok(wanted(outputs, &graph)?.into_iter().map(of).collect())
}

/// The nodes that the outputs need, and in which pass each can be made.
struct Graph<'s> {
    nodes: Vec<Array>,
    levels: HashMap<usize, usize>,
    folds: Vec<usize>,
    stored: &'s [Stored],
}

impl<'s> Graph<'s> {
    fn new(outputs: &[Array], stored: &'s [Stored]) -> Graph<'s> {
        let nodes = nodes_of(outputs, &|_| false);
        let folds = nodes.iter().filter(|n| fold_of(n.node()).is_some()).map(Array::key).collect();
        let mut graph = Graph { nodes: Vec::new(), levels: HashMap::new(), folds, stored };
        for node in &nodes {
            let level = node.node().inputs.iter().map(|input| graph.level_after(node, input)).max().unwrap_or(0);
            graph.levels.insert(node.key(), level);
        }
        Graph { nodes, ..graph }
    }

    /// The level at which a node can be made.
    fn level(&self, array: &Array) -> usize {
        self.levels.get(&array.key()).copied().unwrap_or(0)
    }

    /// The level from which on it can be read: a later one where it is folded or stored.
    fn read_from(&self, array: &Array) -> usize {
        self.level(array) + usize::from(fold_of(array.node()).is_some() || self.stored(array).is_some())
    }

    /// The level from which on a reader of it can be made: a fold may be made of what is only about to be stored.
    fn level_after(&self, reader: &Array, array: &Array) -> usize {
        let joins = fold_of(reader.node()).is_some() && fold_of(array.node()).is_none();
        match self.stored(array).filter(|stored| joins && stored.folds_join) {
            Some(_) => self.level(array),
            None => self.read_from(array),
        }
    }

    fn stored(&self, array: &Array) -> Option<&'s Stored> {
        self.stored.iter().find(|stored| stored.array.key() == array.key())
    }

    /// What a pass of a level reads instead of making it.
    fn input(&self, array: &Array, level: usize) -> Option<Input> {
        let node = array.node();
        let name = node.origin.op.clone();
        let info = node.info.as_ref().ok()?.clone();
        let is_earlier = self.level(array) < level;
        if let Some(stored) = self.stored(array).filter(|_| is_earlier) {
            return Some(Input { from: InputFrom::Source(stored.source.clone()), info, name: format!("{name} (stored)") });
        }
        match &node.body {
            Body::Source(source) => Some(Input { from: InputFrom::Source(source.clone()), info, name }),
            _ if fold_of(node).is_some() && is_earlier => Some(Input { from: InputFrom::Late(array.key()), info, name }),
            _ => None,
        }
    }
}

fn wanted(outputs: &[Array], graph: &Graph<'_>) -> Result<Vec<Wanted>> {
    let mut all: Vec<Wanted> = Vec::new();
    let place = |level: usize, domain: Dims, all: &mut Vec<Wanted>| {
        all.iter().position(|w| w.level == level && w.domain == domain).unwrap_or_else(|| {
            all.push(Wanted { level, domain, folds: Vec::new(), sinks: Vec::new() });
            all.len() - 1
        })
    };
    for node in &graph.nodes {
        if fold_of(node.node()).is_some() {
            let folded = node.node().inputs.first().ok_or_else(|| Error::bug("a fold of nothing"))?;
            let k = place(graph.level(node), folded.shape()?, &mut all);
            all[k].folds.push(node.clone());
        } else if let Some(stored) = graph.stored(node) {
            let k = place(graph.level(node), node.shape()?, &mut all);
            all[k].sinks.push((node.clone(), stored.output));
        }
    }
    for (number, output) in outputs.iter().enumerate() {
        let k = place(graph.read_from(output), output.shape()?, &mut all);
        all[k].sinks.push((output.clone(), number));
    }
    all.sort_by_key(|w| w.level);
    Ok(all)
}

/// The most values that one formula reads: sums of more are made in parts.
const MOST_VALUES: usize = 200;

/// A node on its way into the program: a value, or a formula waiting to be written into that of its only reader.
enum Built {
    Value(usize),
    /// The values that it reads, with those of the formulas that wait for it.
    Waiting(Array, Vec<usize>),
}

fn formula_of(array: &Array) -> Result<&Formula> {
    match &array.node().body {
        Body::Stage(Stage::Formula { formula, .. }) => Ok(formula),
        _ => Err(Error::bug("a formula that is none")),
    }
}

/// The number of a value among those that a formula reads.
fn place(values: &mut Vec<usize>, value: usize) -> Result<u8> {
    let known = values.iter().position(|known| *known == value).unwrap_or_else(|| {
        values.push(value);
        values.len() - 1
    });
    u8::try_from(known).map_err(|_| Error::bug("a formula that reads more values than it may"))
}

struct Fusing<'g> {
    program: Program,
    built: HashMap<usize, Built>,
    readers: HashMap<usize, Vec<Array>>,
    ends: HashSet<usize>,
    graph: &'g Graph<'g>,
    level: usize,
}

fn fuse(wanted: &Wanted, graph: &Graph<'_>) -> Result<Program> {
    let roots = wanted.roots();
    let program = Program { domain: wanted.domain, inputs: vec![], steps: vec![], folds: vec![], sinks: vec![] };
    let ends = roots.iter().map(Array::key).collect();
    let mut fusing = Fusing { program, built: HashMap::new(), readers: HashMap::new(), ends, graph, level: wanted.level };
    let nodes = nodes_of(&roots, &|a| graph.input(a, wanted.level).is_some());
    fusing.add_inputs(&nodes);
    for node in &nodes {
        fusing.add(node)?;
    }
    fusing.number_stages();
    fusing.finish(wanted)
}

impl Fusing<'_> {
    /// Sources, and what earlier passes folded or stored.
    fn add_inputs(&mut self, nodes: &[Array]) {
        for array in nodes {
            let Some(input) = self.graph.input(array, self.level) else {
                for read in &array.node().inputs {
                    self.readers.entry(read.key()).or_default().push(array.clone());
                }
                continue;
            };
            self.built.insert(array.key(), Built::Value(self.program.inputs.len()));
            self.program.inputs.push(input);
        }
    }

    fn add(&mut self, array: &Array) -> Result<()> {
        if self.built.contains_key(&array.key()) {
            return Ok(());
        }
        let node = array.node();
        let Body::Stage(stage) = &node.body else { return Err(Error::bug("a literal where an array is computed")) };
        let built = match stage {
            Stage::Formula { formula, .. } => {
                let values = self.values_of(array)?;
                if self.can_wait(array, formula)? {
                    Built::Waiting(array.clone(), values)
                } else {
                    Built::Value(self.write(array, stage)?)
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

    /// The values that a formula reads, with those of the formulas that wait for it. Where that is too many these become steps.
    fn values_of(&mut self, array: &Array) -> Result<Vec<usize>> {
        let mut values: Vec<usize> = Vec::new();
        let inputs = &array.node().inputs;
        for input in inputs {
            // Whoever waits has one reader: its list becomes the reader's.
            let own = match self.built.get_mut(&input.key()) {
                Some(Built::Value(value)) => vec![*value],
                Some(Built::Waiting(_, own)) if own.len() <= MOST_VALUES => std::mem::take(own),
                Some(Built::Waiting(..)) => Vec::new(),
                None => return Err(Error::bug("a node is read before it is built")),
            };
            let (mut all, few) = if own.len() > values.len() { (own, values) } else { (values, own) };
            few.into_iter().for_each(|value| {
                if !all.contains(&value) {
                    all.push(value)
                }
            });
            values = all;
        }
        if values.len() <= MOST_VALUES {
            return Ok(values);
        }
        inputs.iter().map(|input| self.value(input)).collect()
    }

    /// A step of a formula with every formula that waits for it written into it.
    fn write(&mut self, array: &Array, stage: &Stage) -> Result<usize> {
        let Stage::Formula { edge, constant, .. } = stage else { return Err(Error::bug("a formula that is none")) };
        let (formula, values) = self.fused(array)?;
        let stage = Stage::Formula { formula: Arc::new(formula), edge: *edge, constant: *constant };
        self.push(stage, values, array)
    }

    /// The formula of a node and of those that wait for it, producers first, and the values that it reads. Chains are long, so this walks
    /// without recursion: of each node on the way, which of its inputs are done and where they come from.
    fn fused(&self, array: &Array) -> Result<(Formula, Vec<usize>)> {
        let (mut values, mut parts): (Vec<usize>, Vec<Part<'_>>) = (Vec::new(), Vec::new());
        let mut way: Vec<(&Array, Vec<Whence>)> = vec![(array, Vec::new())];
        while let Some((node, from)) = way.last_mut() {
            let node: &Array = node;
            let Some(input) = node.node().inputs.get(from.len()) else {
                let formula = formula_of(node)?;
                parts.push(Part { formula, from: std::mem::take(from) });
                way.pop();
                if let Some((_, from)) = way.last_mut() {
                    from.push(Whence::Part(parts.len() - 1));
                }
                continue;
            };
            match self.built.get(&input.key()) {
                Some(Built::Value(value)) => from.push(Whence::Input(place(&mut values, *value)?)),
                Some(Built::Waiting(..)) => way.push((input, Vec::new())),
                None => return Err(Error::bug("a node is read before it is built")),
            }
        }
        Ok((Formula::fused(&parts, values.len())?, values))
    }

    /// The value of an input; a waiting formula becomes a step now.
    fn value(&mut self, input: &Array) -> Result<usize> {
        let waiting = match self.built.get(&input.key()) {
            Some(Built::Value(value)) => return Ok(*value),
            Some(Built::Waiting(array, _)) => array.clone(),
            None => return Err(Error::bug("a node is read before it is built")),
        };
        let (formula, values) = self.fused(&waiting)?;
        let (edge, constant) = (crate::grid::Edge::Reflect, crate::dtype::Number::Int(0));
        let value = self.push(Stage::Formula { formula: Arc::new(formula), edge, constant }, values, &waiting)?;
        self.built.insert(input.key(), Built::Value(value));
        Ok(value)
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

    fn finish(mut self, wanted: &Wanted) -> Result<Program> {
        for (array, input) in wanted.folds.iter().zip(&wanted.folded()) {
            let fold = fold_of(array.node()).cloned().ok_or_else(|| Error::bug("a fold that is none"))?;
            let value = self.value(input)?;
            let (info, origin) = (array.info()?.clone(), array.node().origin.clone());
            let number = self.graph.folds.iter().position(|key| *key == array.key()).unwrap_or(0);
            let stored = self.graph.stored(array).map(|stored| stored.output);
            self.program.folds.push(FoldEnd { fold, value, key: array.key(), number, stored, info, origin });
        }
        for (array, output) in &wanted.sinks {
            let value = self.value(array)?;
            self.program.sinks.push(SinkEnd { value, output: *output });
        }
        Ok(self.program)
    }
}
