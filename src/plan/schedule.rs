//! What a GPU does for one block of a tile, as plain data: uploads, padded copies, kernels, downloads, and which buffers
//! live when. The device plays it; the plan prices it. It does not know shaders, nor how a buffer is made.

use super::place::{Segment, Sharing};
use super::program::Program;
use super::reach::{reach_of, regions};
use crate::dtype::Dtype;
use crate::error::Result;
use crate::graph::{BlockGrid, Stage};
use crate::grid::{Boxes, Dims, Region};

/// Elements that one invocation makes: the start of every run of a row is a multiple of it.
pub const QUAD: usize = 4;
/// Bytes after the last element that a load of a whole quad may touch.
const SLACK: usize = 32;
/// The most bytes of one buffer that every GPU can bind.
pub const MOST_BINDING: u64 = 128 << 20;

/// How the boxes of a value lie in a buffer: runs end to end, rows and runs of x padded to whole quads.
#[derive(Clone, Debug, PartialEq)]
pub struct Laid {
    /// What is held.
    pub boxes: Boxes,
    /// The extents in the buffer; the last is the pitch of a row. A 0-d value is a row of one quad.
    pub extents: Dims,
    /// The element type.
    pub dtype: Dtype,
}

impl Laid {
    /// Lays boxes out.
    #[must_use]
    pub fn new(boxes: &Boxes, dtype: Dtype) -> Laid {
        let mut extents = boxes.shape();
        if let Some((last, runs)) = extents.last_mut().zip(boxes.0.last()) {
            *last = runs.ranges().iter().map(|r| r.len().next_multiple_of(QUAD)).sum();
        } else {
            extents = Dims::from([QUAD]);
        }
        Laid { boxes: boxes.clone(), extents, dtype }
    }

    /// Bytes of the buffer.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.extents.count() * self.dtype.size() + SLACK).next_multiple_of(16) as u64
    }

    /// Where index `i` of an axis lies.
    #[must_use]
    pub fn position(&self, axis: usize, i: usize) -> Option<usize> {
        let runs = self.boxes.0.get(axis)?;
        if axis + 1 < self.boxes.0.len() {
            return runs.position(i);
        }
        let mut before = 0;
        for run in runs.ranges() {
            if run.contains(&i) {
                return Some(before + i - run.start);
            }
            before += run.len().next_multiple_of(QUAD);
        }
        None
    }

    /// Where a region that lies in one part starts.
    #[must_use]
    pub fn offset_of(&self, region: &Region) -> Option<Dims> {
        self.boxes.offset_of(region)?;
        (0..region.start.len()).map(|axis| self.position(axis, region.start[axis])).collect()
    }
}

/// What a kernel reads: a value, or a padded copy of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// The buffer: a value's number, or beyond the values a copy's.
    pub buffer: usize,
    /// The index of the array at the operand's element 0, per axis of the array; negative before its start.
    pub start: Vec<isize>,
}

/// One thing that a GPU does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Brings a value from the CPU.
    Upload(usize),
    /// Copies a step's input with its halo into a buffer of its own, what lies outside folded back in.
    Pad {
        /// Which step, and which of its inputs.
        step: (usize, usize),
        /// The index of the array at the copy's element 0.
        start: Vec<isize>,
        /// The copy's extents.
        shape: Dims,
        /// The copy's buffer.
        buffer: usize,
    },
    /// Runs a step for one box of its result.
    Run {
        /// Which step.
        step: usize,
        /// Which box.
        part: Region,
        /// What is read, an operand an input.
        reads: Vec<Operand>,
    },
    /// Reduces the blocks of a fold's value.
    Fold {
        /// Which fold.
        fold: usize,
        /// The buffer of what is made of the blocks.
        buffer: usize,
    },
    /// Sends a buffer to the CPU.
    Download(usize),
    /// The buffer is not needed any more.
    Free(usize),
}

/// A stretch of work on one device.
#[derive(Clone, Debug, PartialEq)]
pub enum Batch {
    /// Acts of the GPU: one submission.
    Gpu(Vec<Act>),
    /// Steps of the CPU.
    Cpu(Vec<usize>),
}

/// The whole of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// In order.
    pub batches: Vec<Batch>,
    /// How each buffer is laid out: values, then copies and what is made of folds' blocks.
    pub buffers: Vec<Laid>,
    /// The box that is computed: what folds reduce.
    pub block: Region,
}

impl Schedule {
    /// Whether a buffer is sent to the CPU.
    #[must_use]
    pub fn is_downloaded(&self, value: usize) -> bool {
        self.batches.iter().any(|batch| matches!(batch, Batch::Gpu(acts) if acts.contains(&Act::Download(value))))
    }
}

/// Plans one block.
///
/// # Errors
/// A program that reads values that do not exist.
pub fn schedule(program: &Program, sharing: &Sharing, block: &Region) -> Result<Schedule> {
    written(program, sharing, block, false)
}

/// The most that a block of these extents asks for, wherever it lies: every neighbourhood reads a padded copy.
///
/// # Errors
/// As [`schedule`].
pub fn worst_schedule(program: &Program, sharing: &Sharing, block: &Region) -> Result<Schedule> {
    written(program, sharing, block, true)
}

fn written(program: &Program, sharing: &Sharing, block: &Region, always_copies: bool) -> Result<Schedule> {
    let boxes = regions(program, block)?;
    let laid = |v: usize| program.info(v).map(|info| Laid::new(&boxes[v], info.dtype));
    let buffers = (0..program.values()).map(laid).collect::<Result<Vec<_>>>()?;
    let mut writer = Writer {
        always_copies,
        program,
        sharing,
        on_gpu: vec![false; buffers.len()],
        schedule: Schedule { batches: Vec::new(), buffers, block: *block },
    };
    for (number, segment) in sharing.segments.iter().enumerate() {
        let batch = if segment.gpu { writer.gpu(number)? } else { Batch::Cpu(segment.steps.clone()) };
        writer.schedule.batches.push(batch);
    }
    Ok(writer.schedule)
}

struct Writer<'p> {
    always_copies: bool,
    program: &'p Program,
    sharing: &'p Sharing,
    on_gpu: Vec<bool>,
    schedule: Schedule,
}

impl Writer<'_> {
    fn is_held(&self, value: usize) -> bool {
        let boxes = &self.schedule.buffers[value].boxes;
        (boxes.0.is_empty() && self.program.info(value).is_ok_and(|i| i.shape.is_empty()))
            || boxes.shape().iter().all(|n| *n > 0) && !boxes.0.is_empty()
    }

    fn gpu(&mut self, number: usize) -> Result<Batch> {
        let mut acts = Vec::new();
        let first = self.program.inputs.len();
        let steps = self.sharing.segments[number].steps.clone();
        if self.sharing.segments[..number].iter().all(|s| !s.gpu) {
            self.fold_inputs(number, &mut acts);
        }
        for (place, step) in steps.iter().enumerate() {
            let value = first + step;
            if !self.is_held(value) {
                continue;
            }
            for input in self.program.steps[*step].inputs.clone() {
                if !self.on_gpu[input] && self.is_held(input) {
                    acts.push(Act::Upload(input));
                    self.on_gpu[input] = true;
                }
            }
            self.run(*step, &mut acts)?;
            self.on_gpu[value] = true;
            self.folds_of(value, &mut acts);
            if self.leaves(value, number) {
                acts.push(Act::Download(value));
            }
            for input in 0..self.on_gpu.len() {
                let read_now = input == value || self.program.steps[*step].inputs.contains(&input);
                if read_now && self.on_gpu[input] && !self.read_later(input, number, &steps[place + 1..]) {
                    self.on_gpu[input] = false;
                    acts.push(Act::Free(input));
                }
            }
        }
        Ok(Batch::Gpu(acts))
    }

    /// Reduces inputs as they come; the first segment of the GPU does it.
    fn fold_inputs(&mut self, number: usize, acts: &mut Vec<Act>) {
        for input in 0..self.program.inputs.len() {
            if !self.is_held(input) || !self.is_folded(input) {
                continue;
            }
            acts.push(Act::Upload(input));
            self.folds_of(input, acts);
            self.on_gpu[input] = self.read_later(input, number, &self.sharing.segments[number].steps);
            if !self.on_gpu[input] {
                acts.push(Act::Free(input));
            }
        }
    }

    fn is_folded(&self, value: usize) -> bool {
        self.program.folds.iter().zip(&self.sharing.folds).any(|(end, why)| end.value == value && why.is_none())
    }

    /// Reduces a value's blocks for each fold that reads it.
    fn folds_of(&mut self, value: usize, acts: &mut Vec<Act>) {
        for (fold, end) in self.program.folds.iter().enumerate() {
            let Ok(kind) = end.fold.on_blocks() else { continue };
            if end.value != value || self.sharing.folds[fold].is_some() {
                continue;
            }
            let buffer = self.schedule.buffers.len();
            let grid = BlockGrid::new(&end.fold.axes(), &self.schedule.block.shape, QUAD);
            let words = Region::whole(Dims::from([grid.plane() * kind.words()]));
            self.schedule.buffers.push(Laid::new(&Boxes::one(&words), Dtype::U32));
            acts.extend([Act::Fold { fold, buffer }, Act::Download(buffer), Act::Free(buffer)]);
        }
    }

    /// Whether a value is an end on the CPU, or a later segment of the CPU reads it.
    fn leaves(&self, value: usize, number: usize) -> bool {
        let read = |s: &Segment| !s.gpu && s.steps.iter().any(|k| self.program.steps[*k].inputs.contains(&value));
        ends_on_the_cpu(self.program, self.sharing).any(|v| v == value) || self.sharing.segments[number + 1..].iter().any(read)
    }

    fn read_later(&self, value: usize, number: usize, rest: &[usize]) -> bool {
        let reads = |k: &usize| self.program.steps[*k].inputs.contains(&value);
        rest.iter().any(reads) || self.sharing.segments[number + 1..].iter().filter(|s| s.gpu).any(|s| s.steps.iter().any(reads))
    }

    fn run(&mut self, step: usize, acts: &mut Vec<Act>) -> Result<()> {
        let parts = self.schedule.buffers[self.program.inputs.len() + step].boxes.parts();
        let parts = if parts.is_empty() { vec![Region::default()] } else { parts };
        for part in parts {
            let mut copies = Vec::new();
            let count = self.program.steps[step].inputs.len();
            let reads = (0..count).map(|k| self.operand(step, k, &part, acts, &mut copies)).collect::<Result<Vec<_>>>()?;
            acts.push(Act::Run { step, part, reads });
            acts.extend(copies.into_iter().map(Act::Free));
        }
        Ok(())
    }

    /// The operand of one input: in place where the value holds the halo in one piece, else a padded copy.
    fn operand(&mut self, step: usize, k: usize, part: &Region, acts: &mut Vec<Act>, copies: &mut Vec<usize>) -> Result<Operand> {
        let own = &self.program.steps[step];
        let value = own.inputs[k];
        let array = self.program.info(value)?.shape;
        if let Stage::View(_) = own.stage {
            return Ok(Operand { buffer: value, start: vec![0; array.len()] });
        }
        let reach: Vec<(isize, isize)> = (0..part.shape.len()).map(|axis| reach_of(own, k, axis)).collect();
        if reach.iter().all(|r| *r == (0, 0)) {
            let start = broadcast_start(&array, &own.info.shape, part);
            return Ok(Operand { buffer: value, start });
        }
        let start: Vec<isize> = reach.iter().zip(part.start.iter()).map(|(r, s)| s.cast_signed() + r.0).collect();
        let shape: Dims = reach.iter().zip(part.shape.iter()).map(|(r, n)| n + (r.1 - r.0).unsigned_abs()).collect();
        let inside = (0..array.len()).all(|a| start[a] >= 0 && start[a].unsigned_abs() + shape[a] <= array[a]);
        let whole = Region { start: start.iter().map(|s| s.unsigned_abs()).collect(), shape };
        if !self.always_copies && inside && self.schedule.buffers[value].offset_of(&whole).is_some() {
            return Ok(Operand { buffer: value, start });
        }
        let buffer = self.schedule.buffers.len();
        let dtype = self.schedule.buffers[value].dtype;
        let copy = Boxes::one(&Region { start: Dims::filled(shape.len(), 0), shape });
        self.schedule.buffers.push(Laid::new(&copy, dtype));
        acts.push(Act::Pad { step: (step, k), start: start.clone(), shape, buffer });
        copies.push(buffer);
        Ok(Operand { buffer, start })
    }
}

/// Values that the CPU needs of a block: those that are written, and those whose elements it reduces.
pub fn ends_on_the_cpu<'p>(program: &'p Program, sharing: &'p Sharing) -> impl Iterator<Item = usize> + 'p {
    let folded = program.folds.iter().zip(&sharing.folds).filter(|(_, why)| why.is_some()).map(|(end, _)| end.value);
    folded.chain(program.sinks.iter().map(|s| s.value))
}

/// The first index that a box of a broadcast result reads of an input.
fn broadcast_start(array: &Dims, result: &Dims, part: &Region) -> Vec<isize> {
    let skipped = part.shape.len() - array.len().min(part.shape.len());
    let start = |own: usize| match array[own] {
        1 if result[own + skipped] != 1 => 0,
        _ => part.start[own + skipped].cast_signed(),
    };
    (0..array.len()).map(start).collect()
}
