//! Bytes of a device's memory that a schedule reads and writes, counted as if every element that an act needs came once and every one
//! that it makes went once. It knows no cache, no clock and no device.

use super::Pass;
use super::program::Program;
use super::reach::reach_of;
use super::schedule::{Act, Batch, Schedule, schedule};
use crate::error::Result;
use crate::graph::Stage;
use crate::grid::{Dims, Grid, Region, indices};
use std::ops::AddAssign;

/// What acts move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Kernels that are run.
    pub dispatches: u64,
    /// Bytes that kernels read.
    pub read_bytes: u64,
    /// Bytes that kernels write.
    pub written_bytes: u64,
    /// Bytes that come from the CPU, rows padded as kernels read them.
    pub up_bytes: u64,
    /// Bytes that go to the CPU.
    pub down_bytes: u64,
}

impl Traffic {
    /// Bytes that kernels read and write.
    #[must_use]
    pub fn kernel_bytes(&self) -> u64 {
        self.read_bytes + self.written_bytes
    }

    fn of_kernel(read_bytes: u64, written_bytes: u64) -> Traffic {
        Traffic { dispatches: 1, read_bytes, written_bytes, ..Traffic::default() }
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, more: Traffic) {
        self.dispatches += more.dispatches;
        self.read_bytes += more.read_bytes;
        self.written_bytes += more.written_bytes;
        self.up_bytes += more.up_bytes;
        self.down_bytes += more.down_bytes;
    }
}

/// What one act moves.
///
/// # Errors
/// A schedule of another program.
pub fn traffic_of(program: &Program, schedule: &Schedule, act: &Act) -> Result<Traffic> {
    let laid = |buffer: usize| schedule.buffers[buffer].bytes();
    Ok(match act {
        Act::Upload(value) => Traffic { up_bytes: laid(*value), ..Traffic::default() },
        Act::Download(buffer) => Traffic { down_bytes: laid(*buffer), ..Traffic::default() },
        Act::Free(_) => Traffic::default(),
        Act::Pad { shape, buffer, .. } => {
            let bytes = bytes(shape, schedule.buffers[*buffer].dtype.size());
            Traffic::of_kernel(bytes, bytes)
        }
        Act::Run { step, part, .. } => {
            let inputs = 0..program.steps[*step].inputs.len();
            let read = inputs.map(|k| read_bytes(program, *step, k, part)).sum::<Result<u64>>()?;
            Traffic::of_kernel(read, bytes(&part.shape, program.steps[*step].info.dtype.size()))
        }
        Act::Fold { fold, buffer } => {
            let element = program.info(program.folds[*fold].value)?.dtype.size();
            Traffic::of_kernel(bytes(&schedule.block.shape, element), laid(*buffer))
        }
    })
}

/// What a pass moves in all: every block of every tile. Nothing where it runs on the CPU alone.
///
/// # Errors
/// A program that reads values that do not exist.
pub fn traffic_of_pass(pass: &Pass) -> Result<Traffic> {
    let mut all = Traffic::default();
    let Some(gpu) = &pass.gpu else { return Ok(all) };
    for tile in (0..pass.sweep.tiles()).map(|number| pass.sweep.region(number)) {
        let grid = Grid::new(tile.shape, gpu.block);
        for index in indices(Region::whole(grid.counts())) {
            let block = grid.region(&index);
            let start = block.start.zip_with(&tile.start, |a, b| a + b);
            let plan = schedule(&pass.program, &gpu.sharing, &Region { start, shape: block.shape })?;
            for batch in &plan.batches {
                let Batch::Gpu(acts) = batch else { continue };
                acts.iter().try_for_each(|act| traffic_of(&pass.program, &plan, act).map(|one| all += one))?;
            }
        }
    }
    Ok(all)
}

fn bytes(shape: &Dims, element: usize) -> u64 {
    shape.count() as u64 * element as u64
}

/// What a step reads of input `k` for a box of its result: the box and what it looks at around it, what is repeated once.
fn read_bytes(program: &Program, step: usize, k: usize, part: &Region) -> Result<u64> {
    let own = &program.steps[step];
    let info = program.info(own.inputs[k])?;
    if matches!(own.stage, Stage::View(_)) {
        return Ok(bytes(&part.shape, info.dtype.size()));
    }
    let skipped = part.shape.len() - info.shape.len().min(part.shape.len());
    let extent = |axis: usize| match info.shape[axis] {
        1 if own.info.shape[axis + skipped] != 1 => 1,
        _ => {
            let (first, last) = reach_of(own, k, axis + skipped);
            part.shape[axis + skipped] + (last - first).unsigned_abs()
        }
    };
    let shape: Dims = (0..info.shape.len()).map(extent).collect();
    Ok(bytes(&shape, info.dtype.size()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::{Dtype, Number};
    use crate::graph::{LineTaps, Origin};
    use crate::grid::Edge;
    use crate::plan::place::share;
    use crate::plan::program::{Input, InputFrom, SinkEnd, Step};
    use crate::storage::Info;

    /// The greatest of five neighbours along x of 40 rows of 100 u16.
    fn program() -> Program {
        let shape = Dims::from([40, 100]);
        let info = Info::new(shape, Dtype::U16);
        let origin = Origin { op: "greatest".to_owned(), part: String::new(), line: std::panic::Location::caller() };
        let stage = Stage::Line { axis: 1, from: -2, taps: LineTaps::Greatest(5), edge: Edge::Nearest, constant: Number::Int(0) };
        let step = Step { stage, tape: None, inputs: vec![0], info: info.clone(), origin, stage_number: 0, why: String::new() };
        let inputs = vec![Input { from: InputFrom::Late(0), info, name: "x".to_owned() }];
        Program { domain: shape, inputs, steps: vec![step], folds: Vec::new(), sinks: vec![SinkEnd { value: 1, output: 0 }] }
    }

    fn of_block(start: [usize; 2], shape: [usize; 2]) -> Traffic {
        let program = program();
        let sharing = share(&program).unwrap();
        let block = Region { start: Dims::from(start), shape: Dims::from(shape) };
        let plan = schedule(&program, &sharing, &block).unwrap();
        let mut all = Traffic::default();
        for batch in &plan.batches {
            let Batch::Gpu(acts) = batch else { panic!("all of it runs on a GPU") };
            acts.iter().for_each(|act| all += traffic_of(&program, &plan, act).unwrap());
        }
        all
    }

    #[test]
    fn a_padded_copy_is_read_and_written_and_a_window_reads_its_halo_once() {
        // At the edge: a copy of 104 columns is read, written and read again, 100 are written.
        let whole = of_block([0, 0], [40, 100]);
        let (copy, result) = (40 * 104 * 2, 40 * 100 * 2);
        assert_eq!((whole.dispatches, whole.read_bytes, whole.written_bytes), (2, 2 * copy, copy + result));
        assert_eq!(whole.kernel_bytes(), 3 * copy + result);
        // Rows are padded to quads, a buffer ends in 32 bytes for the last one's load.
        assert_eq!((whole.up_bytes, whole.down_bytes), (result + 32, result + 32));
    }

    #[test]
    fn away_from_the_edges_nothing_is_copied() {
        let inside = of_block([8, 8], [4, 64]);
        assert_eq!((inside.dispatches, inside.read_bytes, inside.written_bytes), (1, 4 * 68 * 2, 4 * 64 * 2));
    }
}
