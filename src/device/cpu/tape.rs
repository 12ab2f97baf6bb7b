//! Runs a tape over a box, a strip of a row at a time: registers stay in the first-level cache.
//! It does not know stages or halos: inputs are views that already hold every element a load may touch.

use crate::dtype::{CastTo, Dtype, Lane, half_of};
use crate::error::{Error, Result};
use crate::expr::{Bin, Offset, Operand, Step, StepOp, Tape, Un};
use crate::grid::{Dims, MAX_RANK};
use crate::simd::vectorized;
use crate::tile::{View, rows_of};
use crate::with_plain_type;
use bytemuck::{AnyBitPattern, NoUninit};
use half::f16;

use super::lanes::{self, Number};

/// Elements of a strip: four registers of f32 fill half of a 32 KiB cache.
pub(super) const STRIP: usize = 1024;

/// One input of a tape: a view whose element at index 0 is the output's element 0, plus `before` on each axis.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The elements. An axis of extent 1 where the output has more is repeated.
    pub view: View<'a>,
    /// How many elements lie before the output's first, per axis of the output.
    pub before: [usize; MAX_RANK],
}

/// The registers of one run, kept between runs to save their allocation.
#[derive(Default)]
pub struct Registers {
    strips: Vec<Vec<u64>>,
    scalars: Vec<(u64, Lane)>,
}

/// Evaluates the tape for every element of a box of extents `shape` and stores the results in `out`, C order.
///
/// # Errors
/// An input view that does not hold what a load needs: the plan's reach was wrong.
pub fn run(tape: &Tape, inputs: &[Input<'_>], shape: &Dims, out: &mut [u8], registers: &mut Registers) -> Result<()> {
    let program = Program::new(tape, registers)?;
    let (shape, inputs) = flattened(tape, inputs, shape);
    let (outer, row) = rows_of(&shape);
    let size = tape.dtype.size();
    for (number, row_out) in out[..shape.count() * size].chunks_exact_mut((row * size).max(1)).enumerate() {
        let index = outer.index_of(number);
        let rows: Vec<Row<'_>> = inputs.iter().map(|input| Row::at(input, &index, &shape)).collect();
        for (strip, strip_out) in row_out.chunks_mut(STRIP * size).enumerate() {
            let len = strip_out.len() / size;
            program.run_strip(&rows, &shape, strip * STRIP, len, &mut registers.strips)?;
            program.store(strip_out, len, &registers.strips)?;
        }
    }
    Ok(())
}

/// Where every input is dense, whole and read in place, the box is one long row.
fn flattened<'a>(tape: &Tape, inputs: &[Input<'a>], shape: &Dims) -> (Dims, Vec<Input<'a>>) {
    let strides = shape.strides().map(usize::cast_signed);
    let dense = |input: &Input<'_>| {
        let live = (0..shape.len()).filter(|a| shape[*a] > 1);
        input.view.shape == *shape && live.clone().all(|a| input.view.strides[a] == strides[a])
    };
    let in_place = tape.steps.iter().all(|s| !matches!(s.op, StepOp::Load { at, .. } if at != [0; MAX_RANK]));
    if shape.len() < 2 || !in_place || !inputs.iter().all(dense) {
        return (*shape, inputs.to_vec());
    }
    let flat = Dims::from([shape.count()]);
    let flatten = |input: &Input<'a>| {
        let mut view = View { shape: flat, offset: input.view.offset, ..input.view };
        view.strides[0] = 1;
        Input { view, before: [0; MAX_RANK] }
    };
    (flat, inputs.iter().map(flatten).collect())
}

/// One row of an input: where its first element lies, and how the axes step.
struct Row<'a> {
    bytes: &'a [u8],
    first: isize,
    strides: [isize; MAX_RANK],
    step: isize,
}

impl<'a> Row<'a> {
    fn at(input: &Input<'a>, index: &[usize], shape: &Dims) -> Row<'a> {
        let rank = shape.len();
        let skipped = rank - input.view.shape.len().min(rank);
        let mut strides = [0; MAX_RANK];
        let mut first = input.view.offset.cast_signed();
        for axis in skipped..rank {
            let own = axis - skipped;
            let repeats = input.view.shape[own] == 1 && shape[axis] != 1 && input.before[axis] == 0;
            strides[axis] = if repeats { 0 } else { input.view.strides[own] };
            let place = index.get(axis).copied().unwrap_or(0) + input.before[axis];
            first += strides[axis] * place.cast_signed();
        }
        Row { bytes: input.view.bytes, first, strides, step: if rank == 0 { 1 } else { strides[rank - 1] } }
    }

    fn element(&self, at: &Offset, x: usize) -> usize {
        let moved: isize = at.iter().zip(&self.strides).map(|(o, s)| *o as isize * s).sum();
        (self.first + moved + self.step * x.cast_signed()).cast_unsigned()
    }
}

/// A tape whose scalars have become registers, so that every argument is a strip.
struct Program<'t> {
    tape: &'t Tape,
    steps: Vec<(Step, [usize; 3])>,
    root: usize,
}

impl<'t> Program<'t> {
    fn new(tape: &'t Tape, registers: &mut Registers) -> Result<Self> {
        registers.scalars.clear();
        let mut place = |operand: Operand, lane: Lane| match operand {
            Operand::Register(register) => usize::from(register),
            Operand::Scalar(bits) => {
                let known = registers.scalars.iter().position(|s| *s == (bits, lane));
                tape.registers
                    + known.unwrap_or_else(|| {
                        registers.scalars.push((bits, lane));
                        registers.scalars.len() - 1
                    })
            }
        };
        let steps = tape
            .steps
            .iter()
            .map(|step| {
                let first = if step.op == StepOp::Select { Lane::Bool } else { step.lane };
                (*step, [place(step.args[0], first), place(step.args[1], step.lane), place(step.args[2], step.lane)])
            })
            .collect();
        let root = place(tape.root, tape.dtype.lane());
        let total = tape.registers + registers.scalars.len();
        registers.strips.resize_with(registers.strips.len().max(total), || vec![0; STRIP]);
        for (k, (bits, lane)) in registers.scalars.iter().enumerate() {
            lanes::splat(*bits, *lane, &mut registers.strips[tape.registers + k]);
        }
        Ok(Program { tape, steps, root })
    }

    fn run_strip(&self, rows: &[Row<'_>], shape: &Dims, x: usize, len: usize, strips: &mut [Vec<u64>]) -> Result<()> {
        for (step, args) in &self.steps {
            let out = usize::from(step.out);
            let mut target = std::mem::take(&mut strips[out]);
            let [a, b, c] = args.map(|k| strips[k].as_slice());
            let done = match step.op {
                StepOp::Load { input, at, dtype } => {
                    let x = if shape.is_empty() { 0 } else { x };
                    rows.get(usize::from(input)).map_or_else(
                        || Err(Error::bug(format!("a tape loads input {input} of {}", rows.len()))),
                        |row| load(row, dtype, row.element(&at, x), len, &mut target),
                    )
                }
                StepOp::Un(un) => {
                    un_step(un, step.lane, a, len, &mut target);
                    Ok(())
                }
                StepOp::Bin(bin) => {
                    bin_step(bin, step.lane, (a, b), len, &mut target);
                    Ok(())
                }
                StepOp::Select => {
                    select_step(step.lane, (a, b, c), len, &mut target);
                    Ok(())
                }
                StepOp::Cast(dtype) => {
                    cast_step(step.lane, dtype, a, len, &mut target);
                    Ok(())
                }
            };
            strips[out] = target;
            done?;
        }
        Ok(())
    }

    /// Writes the result's strip as elements of the tape's dtype.
    fn store(&self, out: &mut [u8], len: usize, strips: &[Vec<u64>]) -> Result<()> {
        let root = strips.get(self.root).map(Vec::as_slice).unwrap_or_default();
        vectorized(
            #[inline(always)]
            || match self.tape.dtype {
                Dtype::Bool => store_as::<u8, u8>(root, out, len, |v| v),
                Dtype::U8 => store_as::<i32, u8>(root, out, len, |v| v.clamp(0, 255) as u8),
                Dtype::I8 => store_as::<i32, i8>(root, out, len, |v| v.clamp(-128, 127) as i8),
                Dtype::U16 => store_as::<i32, u16>(root, out, len, |v| v.clamp(0, 65535) as u16),
                Dtype::I16 => store_as::<i32, i16>(root, out, len, |v| v.clamp(-32768, 32767) as i16),
                Dtype::F16 => store_as::<f32, f16>(root, out, len, f16::from_f32),
                Dtype::U32 => store_as::<u32, u32>(root, out, len, |v| v),
                Dtype::I32 => store_as::<i32, i32>(root, out, len, |v| v),
                Dtype::U64 => store_as::<u64, u64>(root, out, len, |v| v),
                Dtype::I64 => store_as::<i64, i64>(root, out, len, |v| v),
                Dtype::F32 => store_as::<f32, f32>(root, out, len, |v| v),
                Dtype::F64 => store_as::<f64, f64>(root, out, len, |v| v),
            },
        )
    }
}

/// A strip's words seen as `T`s.
#[inline(always)]
fn seen<T: AnyBitPattern>(words: &[u64], len: usize) -> &[T] {
    let all: &[T] = bytemuck::try_cast_slice(words).unwrap_or_default();
    &all[..len.min(all.len())]
}

#[inline(always)]
fn seen_mut<T: AnyBitPattern + NoUninit>(words: &mut [u64], len: usize) -> &mut [T] {
    let all: &mut [T] = bytemuck::try_cast_slice_mut(words).unwrap_or_default();
    let len = len.min(all.len());
    &mut all[..len]
}

fn misplaced() -> Error {
    Error::bug("a buffer of the tape is not aligned")
}

#[inline(always)]
fn store_as<L: AnyBitPattern, T: NoUninit + AnyBitPattern>(
    root: &[u64],
    out: &mut [u8],
    len: usize,
    f: impl Fn(L) -> T,
) -> Result<()> {
    let values: &[L] = seen(root, len);
    if let Ok(out) = bytemuck::try_cast_slice_mut::<u8, T>(out) {
        for (o, v) in out.iter_mut().zip(values) {
            *o = f(*v);
        }
        return Ok(());
    }
    for (o, v) in out.chunks_exact_mut(size_of::<T>()).zip(values) {
        o.copy_from_slice(bytemuck::bytes_of(&f(*v)));
    }
    Ok(())
}

fn load(row: &Row<'_>, dtype: Dtype, first: usize, len: usize, target: &mut [u64]) -> Result<()> {
    with_plain_type!(dtype, T => {
        let all: &[T] = bytemuck::try_cast_slice(row.bytes).map_err(|_| misplaced())?;
        let short = || Error::bug(format!("a load of {len} elements at {first} leaves a buffer of {}", all.len()));
        if row.step == 1 {
            let from = all.get(first..first + len).ok_or_else(short)?;
            vectorized(#[inline(always)] || load_dense(from, dtype, target));
        } else {
            let last = first.wrapping_add_signed(row.step * (len as isize - 1));
            if first.max(last) >= all.len() { return Err(short()); }
            let gathered: Vec<T> = (0..len).map(|k| all[first.wrapping_add_signed(row.step * k as isize)]).collect();
            load_dense(&gathered, dtype, target);
        }
    });
    Ok(())
}

/// A stored type and the lane that holds it.
trait Stored: AnyBitPattern + NoUninit {
    type Lane: Number;
    fn widen(self) -> Self::Lane;
}

macro_rules! stored {
    ($($t:ty => $l:ty),*) => {$(impl Stored for $t {
        type Lane = $l;
        #[inline(always)]
        fn widen(self) -> $l { self.into() }
    })*};
}
stored!(u8 => i32, i8 => i32, u16 => i32, i16 => i32, u32 => u32, i32 => i32, u64 => u64, i64 => i64, f32 => f32, f64 => f64, f16 => f32);

#[inline(always)]
fn load_dense<T: Stored>(from: &[T], dtype: Dtype, target: &mut [u64]) {
    if dtype == Dtype::Bool {
        let bytes: &[u8] = bytemuck::try_cast_slice(from).unwrap_or_default();
        seen_mut::<u8>(target, bytes.len()).copy_from_slice(bytes);
        return;
    }
    for (t, v) in seen_mut::<T::Lane>(target, from.len()).iter_mut().zip(from) {
        *t = v.widen();
    }
}

/// Calls a generic function with the type of a lane, compiled for wide registers but for the 64-bit integers: those are
/// rare, and every copy of these loops costs build time.
macro_rules! with_lane {
    ($lane:expr, $T:ident => $body:expr) => {
        match $lane {
            Lane::Bool => {
                type $T = u8;
                vectorized(
                    #[inline(always)]
                    || $body,
                )
            }
            Lane::I32 => {
                type $T = i32;
                vectorized(
                    #[inline(always)]
                    || $body,
                )
            }
            Lane::U32 => {
                type $T = u32;
                vectorized(
                    #[inline(always)]
                    || $body,
                )
            }
            Lane::I64 => {
                type $T = i64;
                $body
            }
            Lane::U64 => {
                type $T = u64;
                $body
            }
            Lane::F32 => {
                type $T = f32;
                vectorized(
                    #[inline(always)]
                    || $body,
                )
            }
            Lane::F64 => {
                type $T = f64;
                vectorized(
                    #[inline(always)]
                    || $body,
                )
            }
        }
    };
}

#[inline(never)]
fn un_step(un: Un, lane: Lane, a: &[u64], len: usize, target: &mut [u64]) {
    if un == Un::IsNan {
        return with_lane!(lane, T => lanes::is_nan(seen::<T>(a, len), seen_mut::<u8>(target, len)));
    }
    with_lane!(lane, T => lanes::un(un, seen::<T>(a, len), seen_mut::<T>(target, len)));
}

#[inline(never)]
fn bin_step(bin: Bin, lane: Lane, (a, b): (&[u64], &[u64]), len: usize, target: &mut [u64]) {
    if bin.compares() {
        return with_lane!(lane, T => lanes::compare(bin, seen::<T>(a, len), seen::<T>(b, len), seen_mut::<u8>(target, len)));
    }
    with_lane!(lane, T => lanes::bin(bin, seen::<T>(a, len), seen::<T>(b, len), seen_mut::<T>(target, len)));
}

#[inline(never)]
fn select_step(lane: Lane, (c, a, b): (&[u64], &[u64], &[u64]), len: usize, target: &mut [u64]) {
    with_lane!(lane, T => {
        let (a, b) = (seen::<T>(a, len), seen::<T>(b, len));
        for (((o, c), a), b) in seen_mut::<T>(target, len).iter_mut().zip(seen::<u8>(c, len)).zip(a).zip(b) {
            *o = if *c != 0 { *a } else { *b };
        }
    });
}

fn cast_step(lane: Lane, dtype: Dtype, a: &[u64], len: usize, target: &mut [u64]) {
    if (lane, dtype) == (Lane::F64, Dtype::F16) {
        for (o, v) in seen_mut::<f32>(target, len).iter_mut().zip(seen::<f64>(a, len)) {
            *o = half_of(*v).to_f32();
        }
        return;
    }
    match dtype.lane() {
        Lane::Bool => cast_to::<u8>(lane, a, len, target),
        Lane::I32 => cast_to::<i32>(lane, a, len, target),
        Lane::U32 => cast_to::<u32>(lane, a, len, target),
        Lane::I64 => cast_to::<i64>(lane, a, len, target),
        Lane::U64 => cast_to::<u64>(lane, a, len, target),
        Lane::F32 => cast_to::<f32>(lane, a, len, target),
        Lane::F64 => cast_to::<f64>(lane, a, len, target),
    }
    narrow(dtype, target, len);
}

#[inline(never)]
fn cast_to<U: Number>(lane: Lane, a: &[u64], len: usize, target: &mut [u64])
where
    u8: CastTo<U>,
    i32: CastTo<U>,
    u32: CastTo<U>,
    i64: CastTo<U>,
    u64: CastTo<U>,
    f32: CastTo<U>,
    f64: CastTo<U>,
{
    with_lane!(lane, T => {
        for (o, v) in seen_mut::<U>(target, len).iter_mut().zip(seen::<T>(a, len)) {
            *o = v.cast();
        }
    });
}

/// Holds a lane to a narrower dtype's values.
fn narrow(dtype: Dtype, target: &mut [u64], len: usize) {
    match dtype {
        Dtype::U8 | Dtype::I8 | Dtype::U16 | Dtype::I16 => {
            let (low, high) = dtype.limits();
            let bound = |v: i128| i32::try_from(v).unwrap_or_default();
            let (low, high) = (bound(low), bound(high));
            vectorized(
                #[inline(always)]
                || seen_mut::<i32>(target, len).iter_mut().for_each(|v| *v = (*v).clamp(low, high)),
            );
        }
        Dtype::F16 => seen_mut::<f32>(target, len).iter_mut().for_each(|v| *v = f16::from_f32(*v).to_f32()),
        _ => {}
    }
}
