//! One batch of a schedule: buffers are taken, parameters written, kernels recorded; then it is sent, waited for and read
//! back. It does not know what a kernel computes, nor what follows when the device fails.

use super::emit::Piece;
use super::kernels::Wanted;
use super::memory::{Pooled, Use};
use super::on_device::OnDevice;
use super::submit::{Dispatch, Order, Recording, settle, submit, wait};
use super::told::tell;
use super::transfer::{read_back, upload};
use super::words::{Parameters, Place, element_bits};
use super::{Done, Fault, folds};
use crate::device::InputData;
use crate::device::cpu::block::BlockValues;
use crate::error::Error;
use crate::graph::Stage;
use crate::grid::Dims;
use crate::plan::schedule::Act;
use crate::plan::{Pass, work_of};

/// Runs one batch: values come from the CPU's, and those that leave go there.
pub fn run<'a>(
    on: &mut OnDevice<'_>,
    pass: &Pass,
    acts: &[Act],
    inputs: &'a [InputData<'a>],
    values: &mut BlockValues<'a>,
) -> Done<()> {
    let mut recording = Recording::new();
    let played = play(on, pass, acts, inputs, values, &mut recording);
    settle(on, recording, played.is_ok());
    played
}

fn play<'a>(
    on: &mut OnDevice<'_>,
    pass: &Pass,
    acts: &[Act],
    inputs: &'a [InputData<'a>],
    values: &mut BlockValues<'a>,
    recording: &mut Recording,
) -> Done<()> {
    for act in acts {
        let recorded = recording.orders.len();
        record(on, pass, act, inputs, values, recording)?;
        recording.weigh(recorded, work_of(&pass.program, on.plan, act));
    }
    recording.send_words(on)?;
    on.pass_a_step();
    on.health()?;
    let mut awaited = submit(on, recording)?;
    on.pass_a_step();
    wait(on, &awaited)?;
    let by_clock = match on.seat.timings.as_ref().zip(awaited.timing.take()).zip(on.opened.ticks) {
        Some(((timings, timing), ticks)) => timings.end(timing, pass.sweep.number_at(&on.plan.block.start), ticks.seconds)?,
        None => None,
    };
    on.learn(recording.work(), by_clock, awaited.sent);
    on.pass_a_step();
    let _emptying = on.gpu.spent.emptying();
    for (buffer, pooled) in &recording.read {
        let compact = read_back(&on.plan.buffers[*buffer], pooled)?;
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
            let told = tell(on.plan, pass, *step, part, reads, &mut recording.words)?;
            dispatch(
                on,
                (pass, Wanted::Piece(pass.number, Piece::Step(*step))),
                value,
                reads.iter().map(|r| r.buffer),
                told,
                recording,
            )
        }
        Act::Fold { fold, buffer } => {
            on.take_result(*buffer)?;
            let told = folds::parameters(on.plan, &pass.program, *fold, &mut recording.words)?;
            let wanted = Wanted::Piece(pass.number, Piece::Fold(*fold));
            dispatch(on, (pass, wanted), *buffer, std::iter::once(pass.program.folds[*fold].value), told, recording)
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
    let wanted = Wanted::Pad(from.dtype);
    on.buffers[buffer] = Some(on.take(Use::Local, to.bytes())?);
    dispatch(on, (pass, wanted), buffer, std::iter::once(value), (offset, groups), recording)
}

fn dispatch(
    on: &OnDevice<'_>,
    (pass, wanted): (&Pass, Wanted),
    result: usize,
    reads: impl Iterator<Item = usize>,
    (parameters, groups): (u32, [u32; 3]),
    recording: &mut Recording,
) -> Done<()> {
    on.health()?;
    let pipeline = on.gpu.kernels.get(on.opened, pass, wanted);
    // A lost device compiles nothing.
    on.health()?;
    let pipeline = pipeline?;
    let result = held(on, result)?.buffer.clone();
    let reads = reads.map(|r| held(on, r).map(|p| p.buffer.clone())).collect::<Done<Vec<_>>>()?;
    recording.orders.push(Order::Dispatch(Dispatch { pipeline, parameters, groups, result, reads, work: 0 }));
    Ok(())
}
