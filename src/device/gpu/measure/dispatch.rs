//! What it costs to ask a device for anything: a dispatch, one that waits for the one before, and an answer in the CPU's hands.
//! It does not know useful kernels.

use super::{Bench, Mapping, median};
use crate::error::{Error, Result};
use std::time::{Duration, Instant};
use wgpu::BufferUsages as U;

const COUNT: &str = include_str!("../../../../shaders/count.wgsl");
/// Dispatches of one measurement.
const DISPATCHES: usize = 256;
/// Bytes that one dispatch counts in.
const BYTES: u64 = 256;
/// Answers of which the median is taken.
const ANSWERS: usize = 200;

/// Seconds a dispatch.
#[derive(Clone, Copy, Debug)]
pub struct Dispatched {
    /// Where each has a buffer of its own: the device may overlap them.
    pub independent: f64,
    /// Where each reads what the one before wrote.
    pub dependent: f64,
    /// Of the CPU, for recording one.
    pub recording: f64,
    /// Whether every dispatch was counted.
    pub is_right: bool,
}

/// Seconds from sending one dispatch and a copy of its result until the CPU sees that mapped.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// Of half of all.
    pub median: f64,
    /// The shortest.
    pub least: f64,
}

/// A kernel that counts, and what it counts in.
struct Counting {
    pipeline: wgpu::ComputePipeline,
    cells: Vec<(wgpu::Buffer, wgpu::BindGroup)>,
}

impl Bench {
    /// Runs a tiny kernel very often.
    ///
    /// # Errors
    /// A device that fails.
    pub fn dispatch(&self, limit: Duration) -> Result<Dispatched> {
        let counting = self.counting(DISPATCHES + 1)?;
        let (alone, apart) = counting.cells.split_first().ok_or_else(|| Error::bug("nothing to count in"))?;
        let mut runs = [0u32; 2];
        let mut recording = Vec::new();
        let mut pass = |which: usize| -> Result<f64> {
            runs[which] += 1;
            let begun = Instant::now();
            let cell = |k: usize| if which == 0 { &apart[k].1 } else { &alone.1 };
            let recorded = std::cell::Cell::new(0.0);
            let seconds = self.seconds(&|encoder| {
                counting.run(encoder, (0..DISPATCHES).map(cell));
                recorded.set(begun.elapsed().as_secs_f64());
            })?;
            recording.push(recorded.get() / DISPATCHES as f64);
            Ok(seconds / DISPATCHES as f64)
        };
        // The first runs find buffers that are yet to be cleared.
        pass(0)?;
        pass(1)?;
        let independent = median(limit / 2, || pass(0))?;
        let dependent = median(limit / 2, || pass(1))?;
        recording.sort_by(f64::total_cmp);
        let counts = |cell: &(wgpu::Buffer, wgpu::BindGroup), wanted: u32| -> Result<bool> {
            Ok(self.read(&cell.0, 0, BYTES)?.chunks_exact(4).all(|bytes| bytes == wanted.to_le_bytes()))
        };
        let all = runs[1] * u32::try_from(DISPATCHES).unwrap_or(u32::MAX);
        let is_right = counts(alone, all)? && counts(&apart[0], runs[0])? && counts(&apart[DISPATCHES - 1], runs[0])?;
        Ok(Dispatched { independent, dependent, recording: recording[recording.len() / 2], is_right })
    }

    /// Asks the device for one small thing again and again.
    ///
    /// # Errors
    /// A device that fails.
    pub fn answer(&self, limit: Duration) -> Result<Answered> {
        let counting = self.counting(1)?;
        let (buffer, group) = &counting.cells[0];
        let back = self.buffer(BYTES, U::COPY_DST | U::MAP_READ, false)?;
        let begun = Instant::now();
        let mut found = Vec::new();
        while found.is_empty() || found.len() < ANSWERS && begun.elapsed() < limit {
            let (mut encoder, mut mapping) = (self.encoder(), Mapping::new());
            counting.run(&mut encoder, std::iter::once(group));
            encoder.copy_buffer_to_buffer(buffer, 0, &back, 0, BYTES);
            mapping.ask(&mut encoder, &back, wgpu::MapMode::Read);
            let sent = Instant::now();
            self.finish(encoder, &mapping)?;
            found.push(sent.elapsed().as_secs_f64());
            back.unmap();
        }
        found.sort_by(f64::total_cmp);
        Ok(Answered { median: found[found.len() / 2], least: found[0] })
    }

    fn counting(&self, cells: usize) -> Result<Counting> {
        let device = &self.opened.device;
        let pipeline = self.pipeline(COUNT)?;
        let layout = pipeline.get_bind_group_layout(0);
        let cell = |_| -> Result<(wgpu::Buffer, wgpu::BindGroup)> {
            let buffer = self.buffer(BYTES, U::STORAGE | U::COPY_SRC, false)?;
            let entries = [wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() }];
            let group = device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &layout, entries: &entries });
            Ok((buffer, group))
        };
        Ok(Counting { cells: (0..cells).map(cell).collect::<Result<_>>()?, pipeline })
    }
}

impl Counting {
    /// One pass of a dispatch for each cell.
    fn run<'c>(&self, encoder: &mut wgpu::CommandEncoder, cells: impl Iterator<Item = &'c wgpu::BindGroup>) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&self.pipeline);
        for cell in cells {
            pass.set_bind_group(0, cell, &[]);
            pass.dispatch_workgroups(1, 1, 1);
        }
    }
}
