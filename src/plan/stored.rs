//! Whether a run makes arrays for itself: written to scratch by one pass, read there by later ones. Plans with and without are
//! compared by about how long they take. It opens nothing: where scratch lies is handed in.
//!
//! Three reasons to try: without it the plan does not fit its budget (a scan along an axis of planes, a folded plane that is too
//! large to be held), it reads units again and again (a transpose of planes), or it makes the same values in several passes.

use super::program::nodes_of;
use super::seconds::seconds;
use super::{Machine, Output, Pass, Plan, fuse, planned};
use crate::error::{Result, Subject, bytes_text};
use crate::graph::{Array, Body, Stage};
use crate::grid::Dims;
use crate::storage::{Info, Scratch, Sink, Source};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Units that are read more often than this are a reason to try.
const AMPLIFIED: f64 = 2.0;
/// Stored arrays must save this part of the time: how long it takes is only roughly known.
const WORTH: f64 = 0.7;
/// Bytes of a unit of a stored array, about: long enough for a disk, short enough for any tile.
const UNIT: usize = 512 << 10;
/// Extents of a thin unit along the axis that it is thin along.
const THIN: usize = 8;
/// Shapes of units that are tried: along which of their three axes they are as long as the array is, and along which they are thin. The
/// pass that writes them and the one that reads them may each have room for few of them along another axis.
const SHAPES: [(Option<usize>, Option<usize>); 7] =
    [(None, None), (None, Some(0)), (None, Some(2)), (None, Some(1)), (Some(1), None), (Some(2), None), (Some(0), None)];
/// Arrays that are tried.
const TRIED: usize = 5;

/// An array that a run makes for itself.
#[derive(Clone)]
pub struct Stored {
    /// The array.
    pub array: Array,
    /// The number of the output that it is; outputs of the user's come first.
    pub output: usize,
    /// Where it is written.
    pub sink: Arc<dyn Sink>,
    /// Where it is read.
    pub source: Arc<dyn Source>,
    /// Whether folds of it are made by the pass that writes it; else they read it.
    pub folds_join: bool,
}

impl Stored {
    /// Its name, bytes and units.
    #[must_use]
    pub fn words(&self) -> String {
        let bytes = bytes_text(self.source.info().bytes());
        format!("{} ({bytes}, units of {})", self.array.node().origin.op, self.source.unit())
    }
}

/// What was weighed: storing arrays against making them, or reading their sources, again.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighed {
    /// What would be stored.
    pub what: String,
    /// Whether it is.
    pub is_taken: bool,
    /// Seconds with it.
    pub with: f64,
    /// Seconds without it; none where that does not fit.
    pub without: Option<f64>,
    /// Why it was weighed.
    pub why: String,
}

/// Plans a run with the arrays stored that make it possible, or shorter.
///
/// # Errors
/// As [`planned`].
pub fn chosen(outputs: &[Output], machine: &Machine, scratch: Option<&dyn Scratch>) -> Result<Plan> {
    let without = planned(outputs, machine, &[]);
    let Some(scratch) = scratch else { return without };
    let Some(Reason { why, sets, is_shared }) = reason(outputs, machine, &without)? else { return without };
    let trial = Trial { outputs, machine, scratch, folds_join: is_shared };
    let Some((with, mut plan)) = trial.best(&sets)? else { return without };
    let alone = without.as_ref().ok().map(seconds);
    let what = plan.stored.iter().map(Stored::words).collect::<Vec<_>>().join(", ");
    let is_taken = alone.is_none_or(|alone| with < WORTH * alone);
    let weighed = Some(Weighed { what, is_taken, with, without: alone, why });
    if !is_taken {
        return without.map(|plan| Plan { weighed, ..plan });
    }
    plan.weighed = weighed;
    Ok(plan)
}

/// Plans under trial.
struct Trial<'t> {
    outputs: &'t [Output],
    machine: &'t Machine,
    scratch: &'t dyn Scratch,
    folds_join: bool,
}

impl Trial<'_> {
    /// The shortest plan of these sets of arrays: each in cubes, then the best one, and those of fewer arrays,
    /// in units of other shapes.
    fn best(&self, sets: &[Vec<Array>]) -> Result<Option<(f64, Plan)>> {
        let mut best: Option<(f64, Plan, &Vec<Array>)> = None;
        for shape in SHAPES {
            let is_tried = |set: &&Vec<Array>| match &best {
                Some((.., found)) => std::ptr::eq(*set, *found) || set.len() < found.len(),
                None => true,
            };
            let tried: Vec<&Vec<Array>> = sets.iter().filter(is_tried).collect();
            for set in tried {
                let Some(plan) = self.plan(set, shape)? else { continue };
                // Each further array must save as much again.
                let weight = WORTH.powi(1 - i32::try_from(set.len()).unwrap_or(i32::MAX));
                let time = seconds(&plan) * weight;
                if best.as_ref().is_none_or(|(least, ..)| time < *least) {
                    best = Some((time, plan, set));
                }
            }
        }
        Ok(best.map(|(_, plan, _)| (seconds(&plan), plan)))
    }

    /// The plan with these arrays stored; none where it does not fit.
    fn plan(&self, set: &[Array], shape: (Option<usize>, Option<usize>)) -> Result<Option<Plan>> {
        let (mut stored, mut from) = (Vec::new(), 0);
        for array in set {
            let info = array.info()?;
            let (sink, source) = self.scratch.array(info, unit_of(info, shape), from);
            let output = self.outputs.len() + stored.len();
            stored.push(Stored { array: array.clone(), output, sink, source, folds_join: self.folds_join });
            from += info.bytes();
        }
        match planned(self.outputs, self.machine, &stored) {
            Ok(plan) => Ok(Some(plan)),
            Err(error) if error.subject() == Subject::Memory => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Extents of a unit over the three longest axes: as near to a cube as its shape lets it.
fn unit_of(info: &Info, (long, thin): (Option<usize>, Option<usize>)) -> Dims {
    let mut longest: Vec<usize> = (0..info.shape.len()).collect();
    longest.sort_by_key(|axis| std::cmp::Reverse(info.shape[*axis]));
    longest.truncate(3);
    longest.sort_unstable();
    let (long, thin) = (long.and_then(|k| longest.get(k)), thin.and_then(|k| longest.get(k)));
    let most = |axis: &usize| if thin == Some(axis) { info.shape[*axis].min(THIN) } else { info.shape[*axis] };
    let mut unit = Dims::filled(info.shape.len(), 1);
    while unit.count() * info.dtype.size() < UNIT {
        let grows = longest.iter().filter(|axis| unit[**axis] < most(axis));
        let Some(axis) = grows.min_by_key(|axis| (long != Some(*axis), unit[**axis])) else { break };
        unit[*axis] = (2 * unit[*axis]).min(most(axis));
    }
    unit
}

/// Why arrays might be stored, which sets of them are tried, and whether that is because several passes make the same.
struct Reason {
    why: String,
    sets: Vec<Vec<Array>>,
    is_shared: bool,
}

/// The reason to try, where there is something to gain.
fn reason(outputs: &[Output], machine: &Machine, without: &Result<Plan>) -> Result<Option<Reason>> {
    let plan = match without {
        Ok(plan) => plan,
        Err(error) if error.subject() == Subject::Memory => {
            let why = "without it the budget is too small".to_owned();
            return Ok(Some(Reason { why, sets: hard(outputs, machine)?, is_shared: false }));
        }
        Err(_) => return Ok(None),
    };
    let factor = |pass: &Pass| pass.costs.decoded_factor();
    let most = plan.passes.iter().max_by(|a, b| factor(a).total_cmp(&factor(b)));
    if let Some(pass) = most.filter(|pass| factor(pass) > AMPLIFIED) {
        let does = if pass.costs.streams.again > 1.0 { "decodes" } else { "reads" };
        let why = format!("without it pass {} {does} every unit {:.2} x", pass.number + 1, factor(pass));
        return Ok(Some(Reason { why, sets: hard(outputs, machine)?, is_shared: false }));
    }
    if plan.passes.len() < 2 {
        return Ok(None);
    }
    let why = "without it several passes make the same".to_owned();
    Ok(Some(Reason { why, sets: shared(outputs)?, is_shared: true }))
}

/// Sets of arrays that make plans possible: stored sources, what is read along whole axes and what comes of it, results of folds that
/// are large, results.
fn hard(outputs: &[Output], machine: &Machine) -> Result<Vec<Vec<Array>>> {
    let roots: Vec<Array> = outputs.iter().map(|output| output.array.clone()).collect();
    let mut tried: Vec<Array> = Vec::new();
    let mut add = |array: &Array| {
        if !tried.iter().any(|known| known.key() == array.key()) {
            tried.push(array.clone());
        }
    };
    for array in nodes_of(&roots, &|_| false) {
        match &array.node().body {
            Body::Source(source) if source.lend().is_none() => add(&array),
            Body::Stage(Stage::Scan(_)) => {
                array.node().inputs.iter().filter(|input| !matches!(input.node().body, Body::Source(_))).for_each(&mut add);
                add(&array);
            }
            Body::Stage(Stage::Fold(_)) if array.info()?.bytes() > machine.memory / 16 => add(&array),
            _ => {}
        }
    }
    // The results themselves: their commit units may ask for more than making them does.
    roots.iter().filter(|root| matches!(root.node().body, Body::Stage(_))).for_each(&mut add);
    tried.truncate(TRIED);
    let ones = tried.iter().map(|one| vec![one.clone()]);
    let pairs = tried.iter().enumerate().flat_map(|(k, one)| tried[k + 1..].iter().map(|two| vec![one.clone(), two.clone()]));
    let all = (tried.len() > 2).then(|| tried.clone());
    Ok(ones.chain(pairs).chain(all).collect())
}

/// Sets of arrays that several passes make: those that something reads which only one pass makes.
fn shared(outputs: &[Output]) -> Result<Vec<Vec<Array>>> {
    let roots: Vec<Array> = outputs.iter().map(|output| output.array.clone()).collect();
    let passes = fuse::made(&roots)?;
    let mut times: HashMap<usize, usize> = HashMap::new();
    passes.iter().flatten().for_each(|made| *times.entry(made.key()).or_default() += 1);
    let mut ends: Vec<Array> = Vec::new();
    for made in &passes {
        let shared: HashSet<usize> = made.iter().map(Array::key).filter(|key| times[key] > 1).collect();
        // What some reader of this pass alone makes something of, and what nobody reads.
        let (mut read, mut ending) = (HashSet::new(), HashSet::new());
        for reader in made {
            for input in &reader.node().inputs {
                read.insert(input.key());
                ending.extend((times[&reader.key()] < 2).then_some(input.key()));
            }
        }
        let is_end = |key: usize| shared.contains(&key) && (!read.contains(&key) || ending.contains(&key));
        for node in made.iter().filter(|node| is_end(node.key())) {
            if ends.len() < TRIED && !ends.iter().any(|known| known.key() == node.key()) {
                ends.push(node.clone());
            }
        }
    }
    ends.truncate(TRIED);
    let all = (ends.len() > 1).then(|| ends.clone());
    Ok(ends.into_iter().map(|one| vec![one]).chain(all).collect())
}

/// The outputs of the user's and the stored arrays, by their numbers.
#[must_use]
pub fn all_outputs(outputs: &[Output], stored: &[Stored]) -> Vec<Output> {
    let own = stored.iter().map(|stored| Output { array: stored.array.clone(), sink: stored.sink.clone() });
    outputs.iter().cloned().chain(own).collect()
}
