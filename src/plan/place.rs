//! Where each step of a pass runs, and why: what a GPU has no numbers for stays on the CPU inside the same pass.
//! It opens no device: it decides from what was asked and from what every GPU can do.

use super::program::{FoldEnd, Program, Step};
use super::{Machine, Output};
use crate::dtype::{Dtype, Lane};
use crate::error::bytes_text;
use crate::expr::{StepOp, Tape};
use crate::graph::{BlockFold, LineTaps, Stage};

/// Below this many bytes of inputs and results no GPU is opened: opening it costs more than the work.
pub const SMALL_JOB: u64 = 32 << 20;
/// Arrays that one kernel may read: every GPU offers eight storage buffers, two of which are the result and a table.
const MOST_INPUTS: usize = 6;

/// Where stages run.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// `cpu`, `gpu` for the first real GPU, or part of an adapter's name.
    pub device: String,
    /// Why this one.
    pub reason: String,
}

impl Placement {
    /// Whether a GPU was chosen.
    #[must_use]
    pub fn is_gpu(&self) -> bool {
        self.device != "cpu"
    }
}

/// Chooses a device. `auto` is the CPU until a measurement of this computer says that a GPU is faster.
#[must_use]
pub fn place(machine: &Machine, outputs: &[Output], programs: &[Program]) -> Placement {
    let small = job_bytes(outputs, programs);
    let (device, reason) = match machine.device.as_str() {
        "cpu" => ("cpu", "asked for".to_owned()),
        "auto" => ("cpu", "no GPU of this computer was measured to be faster; --device gpu asks for one".to_owned()),
        "gpu" if small < SMALL_JOB => {
            let why = format!("the job is {}: below {} no GPU is opened", bytes_text(small), bytes_text(SMALL_JOB));
            ("cpu", why)
        }
        name => (name, "asked for".to_owned()),
    };
    Placement { device: device.to_owned(), reason }
}

fn job_bytes(outputs: &[Output], programs: &[Program]) -> u64 {
    let written: u64 = outputs.iter().filter_map(|o| o.array.info().ok()).map(crate::storage::Info::bytes).sum();
    let read: u64 = programs.iter().flat_map(|p| &p.inputs).map(|i| i.info.bytes()).sum();
    written.saturating_add(read)
}

/// Steps of one pass that run one after another on one device.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Whether they run on the GPU.
    pub gpu: bool,
    /// The steps, producers first.
    pub steps: Vec<usize>,
}

/// How the steps of one pass are shared between a GPU and the CPU.
#[derive(Clone, Debug, PartialEq)]
pub struct Sharing {
    /// What runs where, in order.
    pub segments: Vec<Segment>,
    /// Per step, why it stays on the CPU; none where it runs on the GPU.
    pub refusals: Vec<Option<String>>,
    /// The same per fold: whether its blocks are reduced on the GPU.
    pub folds: Vec<Option<String>>,
    /// Whether every step on the GPU gives the CPU's bits on any device.
    pub exact: bool,
}

/// Shares a pass.
///
/// # Errors
/// Why nothing of it can run on a GPU.
pub fn share(program: &Program) -> Result<Sharing, String> {
    let refusals: Vec<Option<String>> = program.steps.iter().map(|step| refusal(program, step)).collect();
    let folds: Vec<Option<String>> = program.folds.iter().map(|end| fold_refusal(program, end, &refusals)).collect();
    if refusals.iter().chain(&folds).all(Option::is_some) {
        let mut reasons: Vec<String> = refusals.into_iter().chain(folds).flatten().collect();
        reasons.dedup();
        return Err(if reasons.is_empty() { "there is nothing to compute".to_owned() } else { reasons.join("; ") });
    }
    let gpu: Vec<usize> = (0..refusals.len()).filter(|k| refusals[*k].is_none()).collect();
    let folded = program.folds.iter().zip(&folds).filter(|(_, why)| why.is_none()).map(|(end, _)| end);
    let exact = gpu.iter().all(|k| is_exact(program, &program.steps[*k]))
        && folded.clone().all(|end| end.fold.on_blocks() != Ok(BlockFold::SingleSum));
    let mut segments = segments(program, &refusals);
    if folded.count() > 0 && !segments.iter().any(|s| s.gpu) {
        segments.push(Segment { gpu: true, steps: Vec::new() });
    }
    Ok(Sharing { segments, refusals, folds, exact })
}

/// Why the blocks of a fold cannot be reduced on a GPU.
fn fold_refusal(program: &Program, end: &FoldEnd, refusals: &[Option<String>]) -> Option<String> {
    let made_by_the_cpu = end.value.checked_sub(program.inputs.len()).is_some_and(|step| refusals[step].is_some());
    match end.fold.on_blocks() {
        Err(why) => Some(why),
        Ok(_) if program.domain.is_empty() => Some("a single number".to_owned()),
        Ok(_) if made_by_the_cpu => Some("what it reduces is made on the CPU".to_owned()),
        Ok(_) => None,
    }
}

/// Takes all steps that are ready for one device, then all for the other, so that data changes sides seldom.
fn segments(program: &Program, refusals: &[Option<String>]) -> Vec<Segment> {
    let first = program.inputs.len();
    let mut done = vec![false; refusals.len()];
    let mut segments: Vec<Segment> = Vec::new();
    let mut gpu = true;
    while done.contains(&false) {
        let mut steps = Vec::new();
        for (k, step) in program.steps.iter().enumerate() {
            let ready = step.inputs.iter().all(|v| *v < first || done[*v - first]);
            if !done[k] && ready && refusals[k].is_none() == gpu {
                done[k] = true;
                steps.push(k);
            }
        }
        if !steps.is_empty() {
            segments.push(Segment { gpu, steps });
        }
        gpu = !gpu;
    }
    segments
}

/// Why a step cannot run on a GPU.
fn refusal(program: &Program, step: &Step) -> Option<String> {
    let wide = |dtype: Dtype| (dtype.size() == 8).then(|| format!("{dtype}: GPUs have no 64-bit numbers"));
    let read = step.inputs.iter().filter_map(|v| program.info(*v).ok()).find_map(|info| wide(info.dtype));
    if let Some(why) = wide(step.info.dtype).or(read) {
        return Some(why);
    }
    if step.inputs.len() > MOST_INPUTS {
        return Some(format!("reads {} arrays at once, a kernel may read {MOST_INPUTS}", step.inputs.len()));
    }
    match &step.stage {
        Stage::Formula { .. } => step.tape.as_ref().and_then(wide_lane),
        Stage::Window { window, .. } if window.order_statistic().is_none() && window.weighted_box().is_none() => {
            Some("no kernel for this window".to_owned())
        }
        Stage::Scan(_) => Some("a running sum is carried in 64 bits".to_owned()),
        Stage::Fold(_) => Some("a fold".to_owned()),
        Stage::Tiles(_) => Some("a function of the user's runs on the CPU".to_owned()),
        Stage::Line { .. } | Stage::Window { .. } | Stage::View(_) => None,
    }
}

/// The first 64-bit number that a formula works with.
fn wide_lane(tape: &Tape) -> Option<String> {
    let lane = tape.steps.iter().map(|s| s.lane).find(|lane| matches!(lane, Lane::I64 | Lane::U64 | Lane::F64));
    let cast = tape.steps.iter().find_map(|s| match s.op {
        StepOp::Cast(dtype) | StepOp::Load { dtype, .. } if dtype.size() == 8 => Some(dtype),
        _ => None,
    });
    let name = lane.map(|lane| format!("{lane:?}").to_lowercase()).or_else(|| cast.map(|dtype| dtype.to_string()))?;
    Some(format!("works in {name}: GPUs have no 64-bit numbers"))
}

/// Whether a step gives the same bits on every device: integers, comparisons, order, moves.
pub(super) fn is_exact(program: &Program, step: &Step) -> bool {
    let float = |v: usize| program.info(v).is_ok_and(|info| info.dtype.is_float());
    match &step.stage {
        Stage::Line { taps: LineTaps::Weights(_), .. } => !step.inputs.iter().any(|v| float(*v)),
        Stage::Window { window, .. } => window.weighted_box().is_none(),
        Stage::Formula { .. } => step.tape.as_ref().is_some_and(|tape| tape.steps.iter().all(is_exact_step)),
        _ => true,
    }
}

/// Rounding, and what a device may do to denormals and the signs of zeros, is for sums, products and functions of floats alone.
fn is_exact_step(step: &crate::expr::Step) -> bool {
    let float = matches!(step.lane, Lane::F32 | Lane::F64);
    match step.op {
        StepOp::Load { .. } | StepOp::Select => true,
        StepOp::Un(un) => !float || un.is_exact_of_floats(),
        StepOp::Bin(bin) => !float || bin.is_exact_of_floats(),
        StepOp::Cast(dtype) => !dtype.is_float() || dtype == Dtype::F16 && float,
    }
}
