//! Values on their way to a device and back: laid out as kernels read them, compact as the CPU does.
//! It does not know kernels, nor when a transfer is done.

use super::memory::{Pooled, Use};
use super::on_device::OnDevice;
use super::open::Transfer;
use super::submit::{Order, Recording};
use super::{Done, Fault};
use crate::device::InputData;
use crate::device::cpu::block::{BlockValues, copy_input};
use crate::error::{Error, Result};
use crate::grid::Dims;
use crate::plan::Pass;
use crate::plan::schedule::Laid;
use crate::tile::{Buffer, View, copy_view};

/// Writes a value into memory that the device sees.
pub fn upload(
    on: &mut OnDevice<'_>,
    pass: &Pass,
    value: usize,
    inputs: &[InputData<'_>],
    values: &BlockValues<'_>,
    recording: &mut Recording,
) -> Done<()> {
    let _filling = on.gpu.spent.filling();
    let laid = &on.plan.buffers[value];
    let bytes = laid.bytes();
    let mut rows = Buffer::zeroed(usize::try_from(bytes).map_err(|_| Error::bug("a buffer beyond this computer"))?);
    lay_out(pass, value, inputs, values, laid, rows.bytes_mut())?;
    on.pass_a_step();
    if on.opened.transfer == Transfer::Unified {
        let own = on.take(Use::In, bytes)?;
        on.buffers[value] = Some(own.clone());
        return own.write(rows.bytes());
    }
    let own = on.take(Use::Local, bytes)?;
    on.buffers[value] = Some(own.clone());
    let staging = on.take(Use::Up, bytes)?;
    recording.written.push(staging.clone());
    recording.orders.push(Order::CopyIn { from: staging.buffer.clone(), to: own.buffer, bytes });
    staging.write(rows.bytes())
}

/// A value's boxes as the device holds them.
fn lay_out(
    pass: &Pass,
    value: usize,
    inputs: &[InputData<'_>],
    values: &BlockValues<'_>,
    laid: &Laid,
    out: &mut [u8],
) -> Result<()> {
    let shape = pass.program.info(value)?.shape;
    let parts = laid.boxes.parts();
    let parts = if shape.is_empty() { vec![crate::grid::Region::default()] } else { parts };
    for part in &parts {
        let goal = if shape.is_empty() { Some(Dims::default()) } else { laid.offset_of(part) };
        let goal = goal.ok_or_else(|| Error::bug("a part outside its own boxes"))?;
        let extents = if shape.is_empty() { shape } else { laid.extents };
        match inputs.get(value).filter(|_| value < pass.program.inputs.len()) {
            Some(input) => copy_input(input, laid.dtype, &shape, part, (&mut *out, &extents, &goal))?,
            None => copy_view(&values.view(value, part)?, out, &extents, &goal),
        }
    }
    Ok(())
}

/// A value's boxes, compact, out of a mapped buffer.
pub fn read_back(laid: &Laid, pooled: &Pooled) -> Done<Buffer> {
    let lost = |e: wgpu::MapRangeError| Fault::Lost(e.to_string());
    let range = pooled.buffer.get_mapped_range(..).map_err(lost)?;
    let shape = laid.boxes.shape();
    let mut compact = Buffer::zeroed(shape.count() * laid.dtype.size());
    let parts = laid.boxes.parts();
    if shape.is_empty() {
        compact.bytes_mut().copy_from_slice(&range[..laid.dtype.size()]);
        drop(range);
        pooled.buffer.unmap();
        return Ok(compact);
    }
    let whole = View::contiguous(&range, laid.dtype, laid.extents);
    for part in &parts {
        let (from, to) = (laid.offset_of(part), laid.boxes.offset_of(part));
        let (Some(from), Some(to)) = (from, to) else { return Err(Error::bug("a part outside its own boxes").into()) };
        let view = whole.crop(&crate::grid::Region { start: from, shape: part.shape });
        copy_view(&view, compact.bytes_mut(), &shape, &to);
    }
    drop(range);
    pooled.buffer.unmap();
    Ok(compact)
}
