//! One block: its schedule's batches in order, values going to the device and back between them.
//! It does not know kernels, nor what happens when a device fails.

use super::batch;
use super::on_device::OnDevice;
use super::open::Opened;
use super::seats::Seat;
use super::{Done, Gpu, Made, folds};
use crate::device::cpu::block::{BlockValues, Scratch};
use crate::device::{InputData, Partial};
use crate::grid::Region;
use crate::plan::schedule::{Batch, Schedule, ends_on_the_cpu, schedule};
use crate::plan::{GpuPass, Pass};
use crate::tile::{Buffer, Tile, copy_view};
use std::collections::HashMap;

/// Runs a block.
pub fn run(
    gpu: &Gpu,
    (seat, opened): (&Seat, &Opened),
    pass: &Pass,
    part: &GpuPass,
    region: &Region,
    inputs: &[InputData<'_>],
) -> Done<Made> {
    let program = &pass.program;
    let plan = schedule(program, &part.sharing, region)?;
    let mut scratch = Scratch::default();
    let mut values = BlockValues::empty(program, region)?;
    let mut device = OnDevice::new(gpu, seat, opened, &plan);
    for number in 0..plan.batches.len() {
        match &plan.batches[number] {
            Batch::Gpu(acts) => {
                batch::run(&mut device, pass, acts, inputs, &mut values)?;
            }
            Batch::Cpu(steps) => {
                for step in steps {
                    bring(&program.steps[*step].inputs, pass, inputs, &mut values, &mut scratch)?;
                    values.step(program, *step, &mut scratch, false)?;
                }
            }
        }
    }
    let ends: Vec<usize> = ends_on_the_cpu(program, &part.sharing).collect();
    bring(&ends, pass, inputs, &mut values, &mut scratch)?;
    let made_of_blocks = std::mem::take(&mut device.made_of_blocks);
    let _emptying = gpu.spent.emptying();
    finish(pass, &plan, &values, &made_of_blocks)
}

/// Gathers those of the values that are inputs and not yet there.
fn bring<'a>(
    values: &[usize],
    pass: &Pass,
    inputs: &'a [InputData<'a>],
    held: &mut BlockValues<'a>,
    scratch: &mut Scratch,
) -> Done<()> {
    for value in values.iter().filter(|v| **v < inputs.len()) {
        held.bring(&pass.program, *value, &inputs[*value], scratch)?;
    }
    Ok(())
}

fn finish(pass: &Pass, plan: &Schedule, values: &BlockValues<'_>, made_of_blocks: &HashMap<usize, Buffer>) -> Done<Made> {
    let (program, region) = (&pass.program, &plan.block);
    let mut made = Made { tiles: Vec::new(), partials: Vec::new() };
    for sink in &program.sinks {
        let mut tile = Tile::zeroed(program.info(sink.value)?.dtype, region.shape);
        let start = crate::grid::Dims::filled(region.shape.len(), 0);
        copy_view(&values.view(sink.value, region)?, tile.data.bytes_mut(), &region.shape, &start);
        made.tiles.push(tile);
    }
    for (fold, end) in program.folds.iter().enumerate() {
        let state = match made_of_blocks.get(&fold) {
            Some(words) => folds::state(plan, end, words)?,
            None => end.fold.take(&values.view(end.value, region)?, region)?,
        };
        made.partials.push(Partial { fold, region: *region, state });
    }
    Ok(made)
}
