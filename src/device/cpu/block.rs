//! Runs a program's steps on one block, one after another, in buffers that stay in the cache.
//! It does not know tiles: what lies outside the array is folded back in when a step's input is padded.

use super::line::{self, Lines};
use super::tape::{self, Registers};
use crate::device::InputData;
use crate::dtype::{Dtype, Number, put};
use crate::error::{Error, Result};
use crate::graph::{LineTaps, Pick, Stage, Tiles, Walk, made_axes};
use crate::grid::{Boxes, Dims, Edge, MAX_RANK, Region, indices};
use crate::plan::{Program, Step, reach_of, regions};
use crate::tile::{Buffer, Padding, Tile, View, copy_padded, copy_view};

/// Buffers of one worker, kept between blocks.
#[derive(Default)]
pub struct Scratch {
    /// By the numbers that the program gives its values.
    buffers: Vec<Buffer>,
    /// A box of a value that consists of several.
    piece: Buffer,
    padded: Buffer,
    registers: Registers,
}

impl Scratch {
    /// A buffer of `len` bytes.
    fn take(&mut self, slot: usize, len: usize) -> Buffer {
        let mut buffer = self.buffers.get_mut(slot).map(std::mem::take).unwrap_or_default();
        buffer.resize(len);
        buffer
    }

    fn put_back(&mut self, slot: usize, buffer: Buffer) {
        if self.buffers.len() <= slot {
            self.buffers.resize_with(slot + 1, Buffer::default);
        }
        self.buffers[slot] = buffer;
    }
}

/// One value of a block: nothing yet, a look at an input, or a buffer of its own.
enum Held<'a> {
    Nothing,
    Lent(View<'a>),
    Own(Buffer),
}

/// The values of one block, each holding what the block's ends need of it.
pub struct BlockValues<'a> {
    held: Vec<Held<'a>>,
    boxes: Vec<Boxes>,
    dtypes: Vec<Dtype>,
    slots: Vec<usize>,
}

impl<'a> BlockValues<'a> {
    /// What `block` needs of every value; nothing is there yet.
    pub fn empty(program: &Program, block: &Region) -> Result<BlockValues<'a>> {
        let boxes = regions(program, block)?;
        let dtypes = (0..program.values()).map(|v| program.info(v).map(|i| i.dtype)).collect::<Result<Vec<_>>>()?;
        let held = boxes.iter().map(|_| Held::Nothing).collect();
        Ok(BlockValues { held, boxes, dtypes, slots: program.slots() })
    }

    /// Runs every step for `block`.
    pub fn compute(
        program: &Program,
        block: &Region,
        inputs: &'a [InputData<'a>],
        scratch: &mut Scratch,
        meanings_only: bool,
    ) -> Result<BlockValues<'a>> {
        let mut values = BlockValues::empty(program, block)?;
        for (number, input) in inputs.iter().enumerate() {
            values.bring(program, number, input, scratch)?;
        }
        let last = program.last_readers();
        for (number, step) in program.steps.iter().enumerate() {
            values.step(program, number, scratch, meanings_only)?;
            for value in step.inputs.iter().filter(|v| last[**v] == Some(number)) {
                values.release(*value, scratch);
            }
        }
        Ok(values)
    }

    /// Gathers an input, unless it is there.
    pub fn bring(&mut self, program: &Program, number: usize, input: &'a InputData<'a>, scratch: &mut Scratch) -> Result<()> {
        if matches!(self.held[number], Held::Nothing) {
            self.held[number] = self.gather(program, number, input, scratch)?;
        }
        Ok(())
    }

    /// Runs one step, whose inputs are there.
    pub fn step(&mut self, program: &Program, number: usize, scratch: &mut Scratch, meanings_only: bool) -> Result<()> {
        let own = program.inputs.len() + number;
        let buffer = self.run_step(program, &program.steps[number], own, scratch, meanings_only)?;
        self.held[own] = Held::Own(buffer);
        Ok(())
    }

    /// Takes a value that was made elsewhere: its boxes' runs laid end to end.
    #[cfg_attr(not(feature = "gpu"), allow(dead_code, reason = "only a GPU makes values elsewhere"))]
    pub fn put(&mut self, value: usize, buffer: Buffer) {
        self.held[value] = Held::Own(buffer);
    }

    /// The part of a value that `region` covers.
    pub fn view(&self, value: usize, region: &Region) -> Result<View<'_>> {
        let at = self.boxes[value].offset_of(region);
        let at = at.ok_or_else(|| Error::bug(format!("value {value} does not hold {region}")))?;
        Ok(self.whole(value)?.crop(&Region { start: at, shape: region.shape }))
    }

    /// Returns the buffers to the worker.
    pub fn give_back(mut self, scratch: &mut Scratch) {
        (0..self.held.len()).for_each(|value| self.release(value, scratch));
    }

    fn release(&mut self, value: usize, scratch: &mut Scratch) {
        if let Held::Own(buffer) = std::mem::replace(&mut self.held[value], Held::Nothing) {
            scratch.put_back(self.slots[value], buffer);
        }
    }

    /// All that is held of a value, its runs laid end to end.
    fn whole(&self, value: usize) -> Result<View<'_>> {
        match self.held.get(value) {
            Some(Held::Lent(view)) => Ok(*view),
            Some(Held::Own(buffer)) => Ok(View::contiguous(buffer.bytes(), self.dtypes[value], self.boxes[value].shape())),
            _ => Err(Error::bug(format!("value {value} is read after its release"))),
        }
    }

    /// What the block needs of an input: looked at where it lies in one piece, else copied together.
    fn gather(&self, program: &Program, number: usize, input: &'a InputData<'a>, scratch: &mut Scratch) -> Result<Held<'a>> {
        let info = program.info(number)?;
        let boxes = &self.boxes[number];
        let parts = boxes.parts();
        if boxes.0.is_empty() && !info.shape.is_empty() {
            return Ok(Held::Nothing);
        }
        if let [part] = &parts[..]
            && let Some(view) = lent(input, info.dtype, &info.shape, part)
        {
            return Ok(Held::Lent(view));
        }
        let mut buffer = scratch.take(self.slots[number], boxes.shape().count() * info.dtype.size());
        for part in &parts {
            let goal = boxes.offset_of(part).ok_or_else(|| Error::bug("a part outside its own boxes"))?;
            copy_input(input, info.dtype, &info.shape, part, (buffer.bytes_mut(), &boxes.shape(), &goal))?;
        }
        Ok(Held::Own(buffer))
    }

    fn run_step(&self, program: &Program, step: &Step, own: usize, scratch: &mut Scratch, meanings_only: bool) -> Result<Buffer> {
        let boxes = &self.boxes[own];
        let size = step.info.dtype.size();
        let extents = boxes.shape();
        let mut out = scratch.take(self.slots[own], extents.count() * size);
        let parts = boxes.parts();
        if boxes.0.is_empty() && !step.info.shape.is_empty() || extents.count() == 0 {
            return Ok(out);
        }
        if let [part] = &parts[..] {
            self.run_part(program, step, part, out.bytes_mut(), scratch, meanings_only)?;
            return Ok(out);
        }
        for part in &parts {
            let mut piece = std::mem::take(&mut scratch.piece);
            piece.resize(part.shape.count() * size);
            self.run_part(program, step, part, piece.bytes_mut(), scratch, meanings_only)?;
            let goal = boxes.offset_of(part).ok_or_else(|| Error::bug("a part outside its own boxes"))?;
            copy_view(&View::contiguous(piece.bytes(), step.info.dtype, part.shape), out.bytes_mut(), &extents, &goal);
            scratch.piece = piece;
        }
        Ok(out)
    }

    /// Runs one step for one box of its result.
    fn run_part(
        &self,
        program: &Program,
        step: &Step,
        part: &Region,
        out: &mut [u8],
        scratch: &mut Scratch,
        meanings_only: bool,
    ) -> Result<()> {
        match &step.stage {
            Stage::Formula { edge, constant, .. } => self.formula(program, step, part, (*edge, *constant), out, scratch),
            Stage::Line { axis, taps, edge, constant, .. } => {
                let mut padded = std::mem::take(&mut scratch.padded);
                let lines = match self.rows_where_they_lie(program, step, *axis, part, *edge)? {
                    Some(lines) => lines,
                    None => Lines::padded(self.padded(program, step, 0, part, (*edge, *constant), &mut padded)?, *axis),
                };
                let done = match taps {
                    LineTaps::Weights(weights) => line::weighted_sum(&lines, weights, &part.shape, out),
                    LineTaps::Least(window) => line::extreme(&lines, *window, false, &part.shape, out),
                    LineTaps::Greatest(window) => line::extreme(&lines, *window, true, &part.shape, out),
                };
                scratch.padded = padded;
                done
            }
            Stage::Window { window, edge, constant } => {
                let mut padded = std::mem::take(&mut scratch.padded);
                let input = self.padded(program, step, 0, part, (*edge, *constant), &mut padded)?;
                let fast = !meanings_only && window.fast(&input, &part.shape, out);
                let done = if fast { Ok(()) } else { window.meaning(&input, &part.shape, out) };
                scratch.padded = padded;
                done
            }
            Stage::View(picks) => self.other_places(step, picks, part, out),
            Stage::Scan(scan) => {
                let value = step.inputs.first().copied().unwrap_or_default();
                let whole = |a: usize| if a == scan.axis() { 0..step.info.shape[a] } else { part.range(a) };
                let region = Region::of(&(0..part.shape.len()).map(whole).collect::<Vec<_>>());
                let mut tile = Tile::zeroed(step.info.dtype, region.shape);
                scan.run(&self.view(value, &region)?, &mut tile)?;
                copy_view(
                    &tile.view().crop(&part.relative_to(&region.start)),
                    out,
                    &part.shape,
                    &Dims::filled(part.shape.len(), 0),
                );
                Ok(())
            }
            Stage::Tiles(tiles) => self.foreign(program, step, &**tiles, part, out),
            Stage::Fold(_) => Err(Error::bug("a fold inside a pass")),
        }
    }

    /// The rows under windows across rows, each looked at where it lies, those that an edge folds back in too; none along rows,
    /// and where a constant lies outside.
    fn rows_where_they_lie(
        &self,
        program: &Program,
        step: &Step,
        axis: usize,
        part: &Region,
        edge: Edge,
    ) -> Result<Option<Lines<'_>>> {
        let value = step.inputs.first().copied().unwrap_or_default();
        let (array, held) = (program.info(value)?.shape, &self.boxes[value]);
        let (first, last) = reach_of(step, 0, axis);
        let (start, count) = (part.start[axis].cast_signed() + first, part.shape[axis] + (last - first).unsigned_abs());
        if axis + 1 == part.shape.len() || count == 0 {
            return Ok(None);
        }
        let row = |place: usize| held.0[axis].position(edge.fold(start + place.cast_signed(), array[axis])?);
        let Some(rows) = (0..count).map(row).collect::<Option<Vec<usize>>>() else { return Ok(None) };
        // Along the other axes a part is one piece of what is held.
        let along = |own: usize| held.0[own].ranges().iter().any(|r| r.start <= part.start[own] && part.range(own).end <= r.end);
        let at = |own: usize| if own == axis { Some(0) } else { held.0[own].position(part.start[own]).filter(|_| along(own)) };
        let Some(start) = (0..part.shape.len()).map(at).collect::<Option<Dims>>() else { return Ok(None) };
        let shape = part.shape.with(axis, held.shape()[axis]);
        Ok(Some(Lines::folded(self.whole(value)?.crop(&Region { start, shape }), axis, rows)))
    }

    /// A step's input with its halo: looked at where it lies inside what is held, else copied and padded.
    fn padded<'b>(
        &'b self,
        program: &Program,
        step: &Step,
        k: usize,
        part: &Region,
        (edge, constant): (Edge, Number),
        buffer: &'b mut Buffer,
    ) -> Result<View<'b>> {
        let value = step.inputs.get(k).copied().unwrap_or_default();
        let reach: Vec<(isize, isize)> = (0..part.shape.len()).map(|axis| reach_of(step, k, axis)).collect();
        let start: Vec<isize> = reach.iter().zip(part.start.iter()).map(|((first, _), s)| s.cast_signed() + first).collect();
        let shape: Dims =
            reach.iter().zip(part.shape.iter()).map(|((first, last), n)| n + (last - first).unsigned_abs()).collect();
        self.around(program, value, (&start, shape), (edge, constant), buffer)
    }

    /// A box of a value that may reach beyond its array: looked at where it lies inside what is held, else copied and padded.
    fn around<'b>(
        &'b self,
        program: &Program,
        value: usize,
        (start, shape): (&[isize], Dims),
        (edge, constant): (Edge, Number),
        buffer: &'b mut Buffer,
    ) -> Result<View<'b>> {
        let array = program.info(value)?.shape;
        let inside = (0..array.len()).all(|a| start[a] >= 0 && start[a].unsigned_abs() + shape[a] <= array[a]);
        if inside {
            let region = Region { start: start.iter().map(|s| s.unsigned_abs()).collect(), shape };
            if let Some(at) = self.boxes[value].offset_of(&region) {
                return Ok(self.whole(value)?.crop(&Region { start: at, shape }));
            }
        }
        let dtype = self.dtypes[value];
        let mut element = vec![0; dtype.size()];
        put(constant, dtype, &mut element);
        buffer.resize(shape.count() * dtype.size());
        let padding = Padding { edge, constant: element };
        copy_padded(&self.whole(value)?, &self.boxes[value], &array, (start, &shape), &padding, buffer.bytes_mut())?;
        Ok(View::contiguous(buffer.bytes(), dtype, shape))
    }

    /// Calls a function of tiles for a box of its result, whole along the axes that it makes itself.
    fn foreign(&self, program: &Program, step: &Step, tiles: &dyn Tiles, part: &Region, out: &mut [u8]) -> Result<()> {
        let made = made_axes(tiles, step.inputs.len(), part.shape.len());
        let range = |axis: usize| if made[axis] { 0..step.info.shape[axis] } else { part.range(axis) };
        let region = Region::of(&(0..part.shape.len()).map(range).collect::<Vec<_>>());
        let (edge, constant) = tiles.edge();
        let mut buffers: Vec<Buffer> = step.inputs.iter().map(|_| Buffer::default()).collect();
        let mut inputs = Vec::with_capacity(buffers.len());
        for ((k, value), buffer) in step.inputs.iter().enumerate().zip(&mut buffers) {
            let extents = program.info(*value)?.shape;
            let read = |(own, walk): (usize, &Walk)| match walk.axis {
                None => (0, extents[own]),
                Some(_) if walk.repeats(extents[own], &step.info.shape) => (0, 1),
                Some(axis) => {
                    (region.start[axis].cast_signed() - walk.before.cast_signed(), walk.before + region.shape[axis] + walk.after)
                }
            };
            let (start, shape): (Vec<isize>, Vec<usize>) = tiles.walks(k).iter().enumerate().map(read).unzip();
            inputs.push(self.around(
                program,
                *value,
                (&start, Dims::from(&shape[..])),
                (edge, Number::Float(constant)),
                buffer,
            )?);
        }
        let place = |e: Error| e.in_op(&step.origin.op, step.origin.line);
        if region == *part {
            return tiles.run(&inputs, part, out).map_err(place);
        }
        let mut tile = Tile::zeroed(step.info.dtype, region.shape);
        tiles.run(&inputs, &region, tile.data.bytes_mut()).map_err(place)?;
        let origin = Dims::filled(part.shape.len(), 0);
        copy_view(&tile.view().crop(&part.relative_to(&region.start)), out, &part.shape, &origin);
        Ok(())
    }

    fn formula(
        &self,
        program: &Program,
        step: &Step,
        part: &Region,
        outside: (Edge, Number),
        out: &mut [u8],
        scratch: &mut Scratch,
    ) -> Result<()> {
        let tape = step.tape.as_ref().ok_or_else(|| Error::bug("a formula without its tape"))?;
        let far: Vec<bool> =
            (0..step.inputs.len()).map(|k| (0..part.shape.len()).any(|a| reach_of(step, k, a) != (0, 0))).collect();
        let mut buffers: Vec<Buffer> = far.iter().map(|_| Buffer::default()).collect();
        let mut inputs = Vec::with_capacity(far.len());
        for ((k, value), buffer) in step.inputs.iter().enumerate().zip(&mut buffers) {
            let mut before = [0; MAX_RANK];
            let view = if far[k] {
                (0..part.shape.len()).for_each(|a| before[a] = reach_of(step, k, a).0.unsigned_abs());
                self.padded(program, step, k, part, outside, buffer)?
            } else {
                self.broadcast(program, *value, step, part)?
            };
            inputs.push(tape::Input { view, before });
        }
        tape::run(tape, &inputs, &part.shape, out, &mut scratch.registers)
    }

    /// The part of a value that a box of a broadcast result reads.
    fn broadcast(&self, program: &Program, value: usize, step: &Step, part: &Region) -> Result<View<'_>> {
        let shape = program.info(value)?.shape;
        let skipped = part.shape.len() - shape.len().min(part.shape.len());
        let range = |own: usize| match shape[own] {
            1 if step.info.shape[own + skipped] != 1 => 0..1,
            _ => part.range(own + skipped),
        };
        self.view(value, &Region::of(&(0..shape.len()).map(range).collect::<Vec<_>>()))
    }

    fn other_places(&self, step: &Step, picks: &[Pick], part: &Region, out: &mut [u8]) -> Result<()> {
        let value = step.inputs.first().copied().unwrap_or_default();
        let held = self.whole(value)?;
        let mut view = View { shape: part.shape, strides: [0; MAX_RANK], ..held };
        for (own, pick) in picks.iter().enumerate() {
            let from = pick.axis.map_or(0, |axis| part.start[axis].cast_signed());
            let index = pick.start.wrapping_add_signed(pick.step * from);
            let place = self.boxes[value].0[own].position(index);
            let place =
                place.ok_or_else(|| Error::bug(format!("a view reads index {index} of axis {own}, which is not held")))?;
            view.offset = view.offset.wrapping_add_signed(place.cast_signed() * held.strides[own]);
            if let Some(axis) = pick.axis {
                view.strides[axis] = pick.step * held.strides[own];
            }
        }
        copy_view(&view, out, &part.shape, &Dims::filled(part.shape.len(), 0));
        Ok(())
    }
}

/// An input's box where it lies in one piece.
fn lent<'a>(input: &'a InputData<'a>, dtype: Dtype, shape: &Dims, part: &Region) -> Option<View<'a>> {
    match input {
        InputData::Lent(bytes) => Some(View::contiguous(bytes, dtype, *shape).crop(part)),
        InputData::Late(tile) => Some(tile.view().crop(part)),
        InputData::Units { grid, units } => {
            let touched = grid.touching(part);
            if touched.shape.count() != 1 {
                return None;
            }
            let region = grid.region(&touched.start);
            let buffer = units.get(&grid.counts().linear_of(&touched.start))?;
            Some(View::contiguous(buffer.bytes(), dtype, region.shape).crop(&part.relative_to(&region.start)))
        }
    }
}

/// Copies an input's box into a box of a buffer.
pub fn copy_input(
    input: &InputData<'_>,
    dtype: Dtype,
    shape: &Dims,
    part: &Region,
    (out, extents, goal): (&mut [u8], &Dims, &Dims),
) -> Result<()> {
    match input {
        InputData::Lent(bytes) => copy_view(&View::contiguous(bytes, dtype, *shape).crop(part), out, extents, goal),
        InputData::Late(tile) => copy_view(&tile.view().crop(part), out, extents, goal),
        InputData::Units { grid, units } => {
            for index in indices(grid.touching(part)) {
                let region = grid.region(&index);
                let Some(meet) = region.intersection(part) else { continue };
                let buffer = units.get(&grid.counts().linear_of(&index));
                let buffer = buffer.ok_or_else(|| Error::bug(format!("unit {index} is needed and not there")))?;
                let from = View::contiguous(buffer.bytes(), dtype, region.shape).crop(&meet.relative_to(&region.start));
                let place = goal.zip_with(&meet.relative_to(&part.start).start, |a, b| a + b);
                copy_view(&from, out, extents, &place);
            }
        }
    }
    Ok(())
}
