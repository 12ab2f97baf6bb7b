//! The compiled kernels of a run, found by what they are for: a text is written and looked up once, not for each dispatch. Those of a
//! pass are known before its first tile, and are compiled then. It does not know how one is compiled.

use super::emit::{self, Kernel, Piece};
use super::lock::lock;
use super::open::Opened;
use super::pipeline::Pipeline;
use crate::dtype::Dtype;
use crate::error::Result;
use crate::grid::Region;
use crate::plan::schedule::{Act, Batch, schedule};
use crate::plan::{GpuPass, Pass};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What a kernel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// A step or a fold of a pass.
    Piece(usize, Piece),
    /// A padded copy of a value of this dtype.
    Pad(Dtype),
}

/// The kernels of a run, by the device and what they are for.
#[derive(Default)]
pub struct Kernels {
    made: Mutex<HashMap<(usize, Wanted), Arc<Pipeline>>>,
    late: AtomicUsize,
}

impl Kernels {
    /// The kernel of a pass that is wanted; a tile waits for it where it must be compiled now.
    pub fn get(&self, opened: &Opened, pass: &Pass, wanted: Wanted) -> Result<Arc<Pipeline>> {
        if let Some(found) = lock(&self.made).get(&(opened.number, wanted)) {
            return Ok(found.clone());
        }
        let kernel = text(opened, pass, wanted)?;
        let late = usize::from(!opened.pipelines.has(&kernel));
        self.late.fetch_add(late, Ordering::Relaxed);
        self.compile(opened, wanted, &kernel)
    }

    /// Compiles a kernel of a pass ahead of its tiles.
    pub fn prepare(&self, opened: &Opened, pass: &Pass, wanted: Wanted) -> Result<()> {
        self.compile(opened, wanted, &text(opened, pass, wanted)?).map(|_| ())
    }

    /// Kernels that a tile had to wait for.
    pub fn late(&self) -> usize {
        self.late.load(Ordering::Relaxed)
    }

    fn compile(&self, opened: &Opened, wanted: Wanted, kernel: &Kernel) -> Result<Arc<Pipeline>> {
        let made = opened.pipelines.get(&opened.device, kernel)?;
        lock(&self.made).insert((opened.number, wanted), made.clone());
        Ok(made)
    }
}

fn text(opened: &Opened, pass: &Pass, wanted: Wanted) -> Result<Kernel> {
    match wanted {
        Wanted::Piece(_, piece) => emit::kernel(&pass.program, piece, opened.dialect),
        Wanted::Pad(dtype) => Ok(emit::pad(dtype, opened.dialect)),
    }
}

/// What the first tile of a pass wants that a device has not compiled yet, each text once. Tiles elsewhere may want a padded copy more.
pub fn missing(opened: &Opened, pass: &Pass, gpu: &GpuPass) -> Result<Vec<Wanted>> {
    let mut texts = HashSet::new();
    let mut missing = Vec::new();
    for wanted in wanted(pass, gpu)? {
        let kernel = text(opened, pass, wanted)?;
        if !opened.pipelines.has(&kernel) && texts.insert(kernel) {
            missing.push(wanted);
        }
    }
    Ok(missing)
}

/// What the first block of a pass wants, each once.
fn wanted(pass: &Pass, gpu: &GpuPass) -> Result<Vec<Wanted>> {
    let tile = pass.sweep.region(0);
    let block = Region { start: tile.start, shape: tile.shape.zip_with(&gpu.block, usize::min) };
    let plan = schedule(&pass.program, &gpu.sharing, &block)?;
    let acts = plan.batches.iter().flat_map(|batch| match batch {
        Batch::Gpu(acts) => &acts[..],
        Batch::Cpu(_) => &[],
    });
    let mut seen = HashSet::new();
    let of = |act: &Act| match act {
        Act::Run { step, .. } => Some(Wanted::Piece(pass.number, Piece::Step(*step))),
        Act::Fold { fold, .. } => Some(Wanted::Piece(pass.number, Piece::Fold(*fold))),
        Act::Pad { step: (step, k), .. } => Some(Wanted::Pad(plan.buffers[pass.program.steps[*step].inputs[*k]].dtype)),
        _ => None,
    };
    Ok(acts.filter_map(of).filter(|wanted| seen.insert(*wanted)).collect())
}
