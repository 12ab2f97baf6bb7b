//! One submission: buffers are taken, parameters written, kernels recorded; then it is sent, waited for and read back.
//! It does not know what a kernel computes, nor what follows when the device fails.

use super::emit::{self, Kernel, Piece};
use super::lock::lock;
use super::memory::{Pooled, Use};
use super::open::{Opened, Transfer};
use super::pipeline::{PARAMETER_BYTES, Pipeline, bound};
use super::told::parameters;
use super::transfer::{read_back, upload, write};
use super::words::{Parameters, Place, Words, element_bits};
use super::{Done, Fault, Gpu, folds};
use crate::device::InputData;
use crate::device::cpu::block::{BlockValues, Scratch};
use crate::error::Error;
use crate::graph::Stage;
use crate::grid::Dims;
use crate::plan::Pass;
use crate::plan::schedule::{Act, Schedule, size_class};
use crate::tile::Buffer;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long one wait for a device lasts before its health is looked at.
const PATIENCE: Duration = Duration::from_secs(1);

/// The buffers of a block on a device; what is not given back is forgotten.
pub struct OnDevice<'g> {
    gpu: &'g Gpu,
    pub opened: &'g Opened,
    pub plan: &'g Schedule,
    pub buffers: Vec<Option<Pooled>>,
    /// What the device made of the blocks of folds, by the fold.
    pub made_of_blocks: HashMap<usize, Buffer>,
    idle: Vec<Pooled>,
}

impl<'g> OnDevice<'g> {
    /// Nothing is on the device.
    pub fn new(gpu: &'g Gpu, opened: &'g Opened, plan: &'g Schedule) -> Self {
        OnDevice { gpu, opened, plan, buffers: vec![None; plan.buffers.len()], made_of_blocks: HashMap::new(), idle: Vec::new() }
    }

    /// A buffer: one that this block has freed already, else one of the pool.
    pub fn take(&mut self, used: Use, bytes: u64) -> Done<Pooled> {
        let class = size_class(bytes);
        let fits = |p: &Pooled| p.used == used && p.buffer.size() >= class && p.buffer.size() <= 2 * class;
        let best = (0..self.idle.len()).filter(|k| fits(&self.idle[*k])).min_by_key(|k| self.idle[*k].buffer.size());
        match best {
            Some(best) => Ok(self.idle.swap_remove(best)),
            None => self.gpu.pool.take(self.opened, used, bytes, &self.gpu.wish.faults),
        }
    }

    /// Makes sure that a result has its buffer: one that the CPU can read where it leaves and memory is shared.
    fn take_result(&mut self, buffer: usize) -> Done<()> {
        if self.buffers[buffer].is_none() {
            let leaves = self.plan.is_downloaded(buffer);
            let used = if leaves && self.opened.transfer == Transfer::Unified { Use::Out } else { Use::Local };
            self.buffers[buffer] = Some(self.take(used, self.plan.buffers[buffer].bytes())?);
        }
        Ok(())
    }

    /// A step at which a test may lose the device.
    pub fn pass_a_step(&self) {
        if self.gpu.wish.faults.loses() {
            self.opened.device.destroy();
            let _ = self.opened.device.poll(wgpu::PollType::Poll);
        }
    }

    fn health(&self) -> Done<()> {
        self.opened.health.trouble().map_or(Ok(()), |trouble| Err(Fault::Lost(trouble)))
    }
}

impl Drop for OnDevice<'_> {
    /// After a failure nobody knows what the device still does with them.
    fn drop(&mut self) {
        let left = self.buffers.drain(..).flatten().chain(self.idle.drain(..));
        left.for_each(|pooled| self.gpu.pool.forget(&pooled));
    }
}

/// What is recorded.
pub enum Order {
    CopyIn { from: wgpu::Buffer, to: wgpu::Buffer, bytes: u64 },
    Dispatch { pipeline: Arc<Pipeline>, parameters: u32, groups: [u32; 3], result: wgpu::Buffer, reads: Vec<wgpu::Buffer> },
    CopyOut { from: wgpu::Buffer, to: wgpu::Buffer, bytes: u64 },
}

/// A batch on its way to the device.
pub struct Recording {
    words: Words,
    pub orders: Vec<Order>,
    /// Written by the CPU; mapped again once the device is done.
    pub written: Vec<Pooled>,
    /// To be read: the value, its buffer.
    read: Vec<(usize, Pooled)>,
    /// In shared memory: freed, but still to be read.
    parting: Vec<Pooled>,
    /// Parameters and tables, and their staging where memory is not shared.
    sent: Vec<Pooled>,
}

/// Runs one batch: values come from the CPU's, and those that leave go there.
pub fn run<'a>(
    on: &mut OnDevice<'_>,
    pass: &Pass,
    acts: &[Act],
    inputs: &'a [InputData<'a>],
    values: &mut BlockValues<'a>,
    scratch: &mut Scratch,
) -> Done<()> {
    let mut recording = Recording {
        words: Words::new(),
        orders: Vec::new(),
        written: Vec::new(),
        read: Vec::new(),
        parting: Vec::new(),
        sent: Vec::new(),
    };
    let played = play(on, pass, acts, inputs, values, scratch, &mut recording);
    settle(on, recording, played.is_ok());
    played
}

fn play<'a>(
    on: &mut OnDevice<'_>,
    pass: &Pass,
    acts: &[Act],
    inputs: &'a [InputData<'a>],
    values: &mut BlockValues<'a>,
    scratch: &mut Scratch,
    recording: &mut Recording,
) -> Done<()> {
    for act in acts {
        record(on, pass, act, inputs, values, recording)?;
    }
    recording.send_words(on)?;
    on.pass_a_step();
    on.health()?;
    let awaited = submit(on, recording)?;
    on.pass_a_step();
    wait(on, &awaited)?;
    on.pass_a_step();
    for (buffer, pooled) in &recording.read {
        let compact = read_back(&on.plan.buffers[*buffer], pooled, scratch)?;
        match folded_in(acts, *buffer) {
            Some(fold) => drop(on.made_of_blocks.insert(fold, compact)),
            None => values.put(*buffer, compact),
        }
    }
    on.health()
}

fn record(
    on: &mut OnDevice<'_>,
    pass: &Pass,
    act: &Act,
    inputs: &[InputData<'_>],
    values: &BlockValues<'_>,
    recording: &mut Recording,
) -> Done<()> {
    match act {
        Act::Upload(value) => upload(on, pass, *value, inputs, values, recording),
        Act::Pad { step: (step, k), start, shape, buffer } => pad(on, pass, (*step, *k), start, shape, *buffer, recording),
        Act::Run { step, part, reads } => {
            let value = pass.program.inputs.len() + step;
            on.take_result(value)?;
            let parameters = parameters(on.plan, pass, *step, part, reads, &mut recording.words)?;
            let (offset, groups) = recording.words.parameters(&part.shape, &parameters);
            let kernel = on.gpu.kernel(pass, Piece::Step(*step))?;
            dispatch(on, &kernel, value, reads.iter().map(|r| r.buffer), (offset, groups), recording)
        }
        Act::Fold { fold, buffer } => {
            on.take_result(*buffer)?;
            let told = folds::parameters(on.plan, &pass.program, *fold, &mut recording.words)?;
            let kernel = on.gpu.kernel(pass, Piece::Fold(*fold))?;
            dispatch(on, &kernel, *buffer, std::iter::once(pass.program.folds[*fold].value), told, recording)
        }
        Act::Download(value) => {
            let from = held(on, *value)?.clone();
            if from.used == Use::Out {
                recording.read.push((*value, from));
                return Ok(());
            }
            let bytes = on.plan.buffers[*value].bytes();
            let down = on.take(Use::Down, bytes)?;
            recording.orders.push(Order::CopyOut { from: from.buffer, to: down.buffer.clone(), bytes });
            recording.read.push((*value, down));
            Ok(())
        }
        Act::Free(buffer) => {
            // What the CPU still has to write or read cannot be used again before the device is done.
            match on.buffers[*buffer].take() {
                Some(pooled) if pooled.used == Use::Local => on.idle.push(pooled),
                Some(pooled) if pooled.used == Use::In => recording.written.push(pooled),
                Some(pooled) => recording.parting.push(pooled),
                None => {}
            }
            Ok(())
        }
    }
}

/// The fold whose blocks a buffer holds.
fn folded_in(acts: &[Act], wanted: usize) -> Option<usize> {
    acts.iter().find_map(|act| match act {
        Act::Fold { fold, buffer } if *buffer == wanted => Some(*fold),
        _ => None,
    })
}

fn held<'o>(on: &'o OnDevice<'_>, buffer: usize) -> Done<&'o Pooled> {
    on.buffers[buffer].as_ref().ok_or_else(|| Fault::Other(Error::bug(format!("buffer {buffer} is used and not there"))))
}

fn pad(
    on: &mut OnDevice<'_>,
    pass: &Pass,
    (number, k): (usize, usize),
    start: &[isize],
    shape: &Dims,
    buffer: usize,
    recording: &mut Recording,
) -> Done<()> {
    let step = &pass.program.steps[number];
    let value = step.inputs[k];
    let (edge, constant) = match &step.stage {
        Stage::Formula { edge, constant, .. } | Stage::Line { edge, constant, .. } | Stage::Window { edge, constant, .. } => {
            (*edge, *constant)
        }
        _ => return Err(Error::bug("a padded copy for a step that reads no neighbours").into()),
    };
    let (from, to) = (&on.plan.buffers[value], &on.plan.buffers[buffer]);
    let starts = recording.words.folded(from, &pass.program.info(value)?.shape, start, shape, edge)?;
    let whole = vec![false; shape.len()];
    let parameters = Parameters {
        goal: Place::new(to, &Dims::filled(shape.len(), 0), &whole),
        reads: vec![Place::default(), starts],
        extra: [0, 0, 0, element_bits(constant, from.dtype)],
    };
    let (offset, groups) = recording.words.parameters(shape, &parameters);
    let kernel = emit::pad(from.dtype);
    on.buffers[buffer] = Some(on.take(Use::Local, to.bytes())?);
    dispatch(on, &kernel, buffer, std::iter::once(value), (offset, groups), recording)
}

fn dispatch(
    on: &OnDevice<'_>,
    kernel: &Kernel,
    result: usize,
    reads: impl Iterator<Item = usize>,
    (parameters, groups): (u32, [u32; 3]),
    recording: &mut Recording,
) -> Done<()> {
    on.health()?;
    let pipeline = on.opened.pipelines.get(&on.opened.device, kernel)?;
    let result = held(on, result)?.buffer.clone();
    let reads = reads.map(|r| held(on, r).map(|p| p.buffer.clone())).collect::<Done<Vec<_>>>()?;
    recording.orders.push(Order::Dispatch { pipeline, parameters, groups, result, reads });
    Ok(())
}

impl Recording {
    fn send_words(&mut self, on: &mut OnDevice<'_>) -> Done<()> {
        self.words.table([0; 128]);
        let bytes: &[u8] = bytemuck::cast_slice(self.words.all());
        let size = (bytes.len() as u64).next_multiple_of(16);
        let padded: Vec<u8> =
            bytes.iter().copied().chain(std::iter::repeat_n(0, 16)).take(usize::try_from(size).unwrap_or(0)).collect();
        if on.opened.transfer == Transfer::Unified {
            let own = on.take(Use::SharedWords, size)?;
            self.sent.push(own.clone());
            return write(&own, &padded);
        }
        let own = on.take(Use::Words, size)?;
        self.sent.push(own.clone());
        let staging = on.take(Use::Up, size)?;
        self.sent.push(staging.clone());
        self.orders.insert(0, Order::CopyIn { from: staging.buffer.clone(), to: own.buffer, bytes: size });
        write(&staging, &padded)
    }
}

/// What is waited for: how many mappings, of which some may have failed.
struct Awaited {
    index: wgpu::SubmissionIndex,
    expected: usize,
    mapped: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
}

fn submit(on: &OnDevice<'_>, recording: &Recording) -> Done<Awaited> {
    let words = &recording.sent.first().ok_or_else(|| Error::bug("a batch without parameters"))?.buffer;
    let device = &on.opened.device;
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut orders = recording.orders.iter().peekable();
    while let Some(order) = orders.next() {
        match order {
            Order::CopyIn { from, to, bytes } | Order::CopyOut { from, to, bytes } => {
                encoder.copy_buffer_to_buffer(from, 0, to, 0, *bytes);
            }
            Order::Dispatch { .. } => {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                encode(device, &mut pass, order, words);
                while let Some(next) = orders.next_if(|o| matches!(o, Order::Dispatch { .. })) {
                    encode(device, &mut pass, next, words);
                }
            }
        }
    }
    let (mapped, failed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut expected = 0;
    let mut map = |buffer: &wgpu::Buffer, mode: wgpu::MapMode| {
        let (mapped, failed) = (mapped.clone(), failed.clone());
        expected += 1;
        encoder.map_buffer_on_submit(buffer, mode, .., move |done| {
            if done.is_err() {
                failed.fetch_add(1, Ordering::Release);
            }
            mapped.fetch_add(1, Ordering::Release);
        });
    };
    let words_written = recording.sent.iter().filter(|p| p.used != Use::Words);
    recording.written.iter().chain(words_written).for_each(|p| map(&p.buffer, wgpu::MapMode::Write));
    recording.read.iter().for_each(|(_, p)| map(&p.buffer, wgpu::MapMode::Read));
    let index = lock(&on.opened.queue).submit([encoder.finish()]);
    Ok(Awaited { index, expected, mapped, failed })
}

fn encode(device: &wgpu::Device, pass: &mut wgpu::ComputePass<'_>, order: &Order, words: &wgpu::Buffer) {
    let Order::Dispatch { pipeline, parameters, groups, result, reads } = order else { return };
    let uniform = wgpu::BufferBinding { buffer: words, offset: 0, size: std::num::NonZeroU64::new(PARAMETER_BYTES) };
    let first = wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(uniform) };
    let mut entries = vec![first, bound(1, result), bound(2, words)];
    entries.extend(reads.iter().enumerate().map(|(k, buffer)| bound(k + 3, buffer)));
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &pipeline.layout, entries: &entries });
    pass.set_pipeline(&pipeline.pipeline);
    pass.set_bind_group(0, &group, &[*parameters]);
    let [x, y, z] = *groups;
    pass.dispatch_workgroups(x, y, z);
}

/// Waits until every mapping is there, or the device is known to be gone.
fn wait(on: &OnDevice<'_>, awaited: &Awaited) -> Done<()> {
    loop {
        let waited = on
            .opened
            .device
            .poll(wgpu::PollType::Wait { submission_index: Some(awaited.index.clone()), timeout: Some(PATIENCE) });
        on.health()?;
        match waited {
            Err(wgpu::PollError::Timeout) => continue,
            Err(other) => return Err(Fault::Lost(other.to_string())),
            Ok(_) => {}
        }
        if awaited.failed.load(Ordering::Acquire) > 0 {
            return Err(Fault::Lost("a buffer cannot be mapped".to_owned()));
        }
        if awaited.mapped.load(Ordering::Acquire) == awaited.expected {
            return Ok(());
        }
        std::thread::yield_now();
    }
}

/// Gives back what the device is done with; after a failure nobody knows what it still does, and all is forgotten.
fn settle(on: &mut OnDevice<'_>, recording: Recording, done: bool) {
    let pool = &on.gpu.pool;
    let Recording { written, read, parting, sent, .. } = recording;
    let downs = read.into_iter().map(|(_, pooled)| pooled).filter(|p| p.used == Use::Down);
    let used = written.into_iter().chain(downs).chain(parting).chain(sent);
    if done {
        used.chain(std::mem::take(&mut on.idle)).for_each(|pooled| pool.give(pooled));
    } else {
        used.for_each(|pooled| pool.forget(&pooled));
    }
}
