//! One array, computed into memory as any user's is, again and again on one device; what its threads and the GPU's clock said.
//! It does not know what the array is, nor what is made of the seconds.

use super::super::trace::Trace;
use crate::device::cpu::Cpu;
use crate::device::gpu::{Gpu, Wish};
use crate::error::{Error, Result};
use crate::formats::memory::MemorySink;
use crate::graph::Array;
use crate::plan::{Plan, Traffic, traffic_of_pass};
use crate::run::Summary;
use crate::session::{Options, Session};
use crate::storage::Info;
use crate::tile::Tile;
use std::cell::Cell;
use std::sync::Arc;

/// What runs may use.
#[derive(Clone, Debug)]
pub struct Means {
    /// The adapter's whole name: asked for by it, small jobs run there too.
    pub adapter: String,
    /// Threads of the worker pool.
    pub threads: usize,
}

/// An array that is planned for a device and can be computed there often.
pub struct Prepared {
    session: Session,
    sink: Arc<MemorySink>,
    info: Info,
    gpu: Option<Gpu>,
}

/// One run.
#[derive(Debug)]
pub struct Played {
    /// The figures of the run.
    pub summary: Summary,
    /// Seconds of the GPU's kernels by its own clock; none where it told of none.
    pub kernels: Option<f64>,
}

impl Prepared {
    /// For the GPU, within a budget where one is given.
    ///
    /// # Errors
    /// What makes the array or the plan impossible, a GPU that cannot be opened.
    pub fn on_gpu(array: &Array, means: &Means, memory: Option<u64>) -> Result<Prepared> {
        let options =
            Options { memory, threads: Some(means.threads), device: means.adapter.clone(), timed: true, ..Options::default() };
        let (session, sink) = Session::in_memory(array, &options)?;
        let plan = session.plan();
        let slots = plan.passes.iter().filter_map(|pass| pass.gpu.as_ref()).map(|gpu| gpu.slots).max();
        let gpu = slots.map(|slots| Gpu::open(wish(plan), slots)).transpose()?;
        Ok(Prepared { info: array.info()?.clone(), session, sink, gpu })
    }

    /// For the CPU.
    ///
    /// # Errors
    /// What makes the array or the plan impossible.
    pub fn on_cpu(array: &Array, means: &Means, memory: Option<u64>) -> Result<Prepared> {
        let options = Options { memory, threads: Some(means.threads), device: "cpu".to_owned(), ..Options::default() };
        let (session, sink) = Session::in_memory(array, &options)?;
        Ok(Prepared { info: array.info()?.clone(), session, sink, gpu: None })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        self.session.plan()
    }

    /// The GPU, where any step runs on one.
    pub fn gpu(&self) -> Option<&Gpu> {
        self.gpu.as_ref()
    }

    /// Computes the array.
    ///
    /// # Errors
    /// What stopped the run.
    pub fn play(&self, trace: Option<&Trace>) -> Result<Played> {
        let kernels = Cell::new(None);
        let observe = |progress: &crate::run::Progress| {
            for span in progress.device_spans.iter().filter(|span| span.what == "kernels") {
                kernels.set(Some(kernels.get().unwrap_or(0.0) + span.seconds));
            }
            progress.notices.iter().for_each(|notice| super::report::progress(notice));
            trace.map_or(Ok(()), |trace| trace.add(progress))
        };
        let summary = match &self.gpu {
            Some(gpu) => self.session.run_on(gpu, &observe)?,
            None => self.session.run_on(&Cpu::default(), &observe)?,
        };
        Ok(Played { summary, kernels: kernels.get() })
    }

    /// What the last run made.
    ///
    /// # Errors
    /// None was made, or it was taken before.
    pub fn answer(&self) -> Result<Tile> {
        Ok(Tile { dtype: self.info.dtype, shape: self.info.shape, data: self.sink.take()? })
    }

    /// What the schedules of all passes move.
    ///
    /// # Errors
    /// A fault of the plan.
    pub fn traffic(&self) -> Result<Traffic> {
        let mut all = Traffic::default();
        self.plan().passes.iter().try_for_each(|pass| traffic_of_pass(pass).map(|one| all += one))?;
        Ok(all)
    }

    /// Whether each step on the GPU promises the CPU's bits.
    pub fn is_exact(&self) -> bool {
        self.plan().passes.iter().filter_map(|pass| pass.gpu.as_ref()).all(|gpu| gpu.sharing.exact)
    }

    /// Why steps stay on the CPU, if any do.
    pub fn on_the_cpu(&self) -> Option<String> {
        let mut reasons: Vec<String> = Vec::new();
        for pass in &self.plan().passes {
            match &pass.gpu {
                Some(gpu) => reasons.extend(gpu.sharing.refusals.iter().chain(&gpu.sharing.folds).flatten().cloned()),
                // The pass that writes a reduction's result computes nothing.
                None if pass.program.steps.is_empty() && pass.program.folds.is_empty() => {}
                None => reasons.extend(pass.on_cpu.clone()),
            }
        }
        reasons.dedup();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

fn wish(plan: &Plan) -> Wish {
    let (name, gpus, vram) = (plan.placement.device.clone(), plan.machine.gpus, plan.machine.vram);
    Wish { name, gpus, vram, timed: true, ..Wish::default() }
}

/// The median of numbers; an error where there is none.
///
/// # Errors
/// No numbers.
pub fn median(mut numbers: Vec<f64>) -> Result<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().ok_or_else(|| Error::bug("the median of nothing"))
}
