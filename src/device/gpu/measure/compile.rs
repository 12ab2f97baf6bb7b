//! How long kernels take to compile: each by itself the first time and once more, and all at once.
//! It does not know what they compute.
//!
//! Drivers keep what they have compiled, on disk too. So that *cold* is cold, a kernel gets a first line that nothing can leave out and
//! that no kernel of an earlier process has: it returns where a parameter that is always 0 has a number of this moment.

use super::Bench;
use crate::device::gpu::emit::{Kernel, Piece, kernel, pad};
use crate::device::gpu::pipeline::Pipelines;
use crate::error::{Error, Result};
use crate::graph::{LineTaps, Stage};
use crate::plan::schedule::{Act, Batch, schedule};
use crate::plan::{Pass, Plan, Step};
use rayon::prelude::*;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A kernel and what to call it.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The op and the part of it.
    pub name: String,
    kernel: Kernel,
}

impl Text {
    /// Whether two are compiled once.
    #[must_use]
    pub fn is_same(&self, other: &Text) -> bool {
        self.kernel == other.kernel
    }
}

/// Seconds of compiling.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Of each kernel by itself: the first time, and once more.
    pub each: Vec<[f64; 2]>,
    /// Of all of them at once, as others of the same kind: the first time.
    pub parallel: f64,
    /// By how many threads.
    pub threads: usize,
}

impl Bench {
    /// The kernels of a plan, in the order in which they run, none twice.
    ///
    /// # Errors
    /// A plan that the device cannot run.
    pub fn texts(&self, plan: &Plan) -> Result<Vec<Text>> {
        let mut texts: Vec<Text> = Vec::new();
        for pass in &plan.passes {
            for text in self.texts_of(pass)? {
                if !texts.iter().any(|known| known.is_same(&text)) {
                    texts.push(text);
                }
            }
        }
        Ok(texts)
    }

    fn texts_of(&self, pass: &Pass) -> Result<Vec<Text>> {
        let Some(gpu) = &pass.gpu else { return Ok(Vec::new()) };
        let (program, dialect) = (&pass.program, self.opened.dialect);
        let mut texts = Vec::new();
        let tile = pass.sweep.region(0);
        let plan =
            schedule(program, &gpu.sharing, &crate::grid::Region { shape: tile.shape.zip_with(&gpu.block, usize::min), ..tile })?;
        for act in plan.batches.iter().filter_map(|b| if let Batch::Gpu(acts) = b { Some(acts) } else { None }).flatten() {
            let (name, kernel) = match act {
                Act::Run { step, .. } => (named(&program.steps[*step]), kernel(program, Piece::Step(*step), dialect)?),
                Act::Fold { fold, .. } => {
                    (format!("blocks of {}", program.folds[*fold].origin.op), kernel(program, Piece::Fold(*fold), dialect)?)
                }
                Act::Pad { buffer, .. } => {
                    let dtype = plan.buffers[*buffer].dtype;
                    (format!("padded copy of {dtype}"), pad(dtype, dialect))
                }
                Act::Upload(_) | Act::Download(_) | Act::Free(_) => continue,
            };
            texts.push(Text { name, kernel });
        }
        Ok(texts)
    }

    /// Compiles kernels one after another and all at once by the pool that this is called in.
    ///
    /// # Errors
    /// A kernel that does not compile.
    pub fn compile(&self, texts: &[Text]) -> Result<Compiled> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        // The low bits of nanoseconds: any number above 0 serves.
        let salt = u32::try_from(now & 0x7fff_fffe).unwrap_or(0) | 1;
        let one = |kernel: &Kernel| -> Result<f64> {
            let begun = Instant::now();
            // A cache of its own: those of the device's would give back what is there.
            Pipelines::new(false, None).get(&self.opened.device, kernel)?;
            Ok(begun.elapsed().as_secs_f64())
        };
        let salted = |salt: u32| texts.iter().map(|text| salted(&text.kernel, salt)).collect::<Result<Vec<_>>>();
        let each = salted(salt)?.iter().map(|kernel| Ok([one(kernel)?, one(kernel)?])).collect::<Result<_>>()?;
        let others = salted(salt + 1)?;
        let begun = Instant::now();
        others.par_iter().with_max_len(1).try_for_each(|kernel| one(kernel).map(drop))?;
        Ok(Compiled { each, parallel: begun.elapsed().as_secs_f64(), threads: rayon::current_num_threads() })
    }
}

/// What a step is called: a window along an axis by what it does, anything else by its op.
fn named(step: &Step) -> String {
    match &step.stage {
        Stage::Line { axis, taps, .. } => match taps {
            LineTaps::Weights(weights) => format!("weighted sum of {} along axis {axis}", weights.len()),
            LineTaps::Least(n) => format!("least of {n} along axis {axis}"),
            LineTaps::Greatest(n) => format!("greatest of {n} along axis {axis}"),
        },
        Stage::View(_) => "other places of an array".to_owned(),
        _ if step.origin.part.is_empty() || step.origin.part == step.origin.op => step.origin.op.clone(),
        _ => format!("{}: {}", step.origin.op, step.origin.part),
    }
}

/// The same kernel as a driver has never seen it.
fn salted(kernel: &Kernel, salt: u32) -> Result<Kernel> {
    let head = kernel.text.find("fn main(").and_then(|at| kernel.text[at..].find('{').map(|brace| at + brace + 1));
    let (before, after) = kernel.text.split_at(head.ok_or_else(|| Error::bug("a kernel without main"))?);
    let text = format!("{before}\n    if (p.grid.w == {salt}u) {{ return; }}{after}");
    Ok(Kernel { text, inputs: kernel.inputs })
}
