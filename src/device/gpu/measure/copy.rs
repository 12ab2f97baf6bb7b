//! How fast a device copies its own memory: the bandwidth that every kernel is held against. The driver's copy of a buffer and a
//! kernel that only copies are both tried: on some devices the one is several times the other.
//! It does not know useful kernels.

use super::{Bench, median};
use crate::device::gpu::lock::lock;
use crate::device::gpu::open::Transfer;
use crate::error::{Error, Result, bytes_text};
use std::time::Duration;
use wgpu::BufferUsages as U;

const KERNEL: &str = include_str!("../../../../shaders/copy.wgsl");
/// Bytes that a workgroup of it copies at a time.
const GROUP_BYTES: u64 = 16 * 256;
/// The most workgroups of it: more than any device runs at once.
const MOST_GROUPS: u64 = 32_768;
/// Bytes that are written by the CPU and then doubled on the device.
const SEED_BYTES: usize = 1 << 20;
/// How long the copies of one measurement take together: long against what starts them.
const LEAST_SECONDS: f64 = 4e-3;
/// The most copies of one measurement.
const MOST_COPIES: usize = 64;
/// Bytes at the end of the copy that are compared.
const CHECKED_BYTES: usize = 1 << 16;

/// What copying gave.
#[derive(Clone, Copy, Debug)]
pub struct Copied {
    /// Bytes of the buffer that is copied.
    pub bytes: u64,
    /// Bytes read and bytes written in a second, taken together, by a copy of the driver's.
    pub by_driver: f64,
    /// The same by a kernel; none where a kernel may not be given so large an array.
    pub by_kernel: Option<f64>,
    /// Whether each copy has the bytes of what was copied.
    pub is_right: bool,
}

impl Copied {
    /// Bytes read and bytes written in a second, by whatever copies faster.
    pub fn bytes_a_second(&self) -> f64 {
        self.by_kernel.unwrap_or(0.0).max(self.by_driver)
    }
}

/// Records a number of copies.
type Copies<'c> = &'c dyn Fn(&mut wgpu::CommandEncoder, usize);

impl Bench {
    /// Copies a buffer of so many bytes, a multiple of 1 MiB, into another again and again.
    ///
    /// # Errors
    /// Buffers that the device refuses or that would take most of the memory that it shares with the CPU; a device that fails.
    pub fn copy(&self, bytes: u64, limit: Duration) -> Result<Copied> {
        let shared = self.opened.transfer == Transfer::Unified || self.opened.is_software();
        let available = crate::os::available_bytes().unwrap_or(u64::MAX);
        if shared && 2 * bytes > available / 2 {
            let what =
                format!("two buffers of {} are more than half of the {} that are free", bytes_text(bytes), bytes_text(available));
            return Err(Error::machine(what));
        }
        let usage = U::COPY_SRC | U::COPY_DST | U::STORAGE;
        let (from, to) = (self.buffer(bytes, usage, false)?, self.buffer(bytes, usage, false)?);
        let seed = self.fill(&from, &to, bytes)?;
        let by_driver = |encoder: &mut wgpu::CommandEncoder, copies: usize| {
            (0..copies).for_each(|_| encoder.copy_buffer_to_buffer(&from, 0, &to, 0, bytes));
        };
        let (by_driver, first) = self.copies(&by_driver, (&to, bytes), &seed, limit / 2)?;
        let limits = &self.opened.limits;
        let by_kernel = if bytes <= limits.max_storage_buffer_binding_size.min(1 << 32) {
            let kernel = self.kernel(&from, &to, bytes)?;
            Some(self.copies(&kernel, (&to, bytes), &seed, limit / 2)?)
        } else {
            None
        };
        let is_right = first && by_kernel.is_none_or(|(_, right)| right);
        Ok(Copied { bytes, by_driver, by_kernel: by_kernel.map(|(rate, _)| rate), is_right })
    }

    /// Bytes read and written in a second by copies that are recorded so, and whether the last arrived.
    fn copies(&self, record: Copies<'_>, (to, bytes): (&wgpu::Buffer, u64), seed: &[u8], limit: Duration) -> Result<(f64, bool)> {
        let mut cleared = self.encoder();
        cleared.clear_buffer(to, bytes - CHECKED_BYTES as u64, None);
        self.finish(cleared, &super::Mapping::new())?;
        let again = |copies: usize| self.seconds(&|encoder| record(encoder, copies));
        let first = again(1)?.max(1e-9);
        let copies = ((LEAST_SECONDS / first).ceil().max(1.0) as usize).min(MOST_COPIES);
        let seconds = median(limit, || again(copies))? / copies as f64;
        let end = self.read(to, bytes - CHECKED_BYTES as u64, CHECKED_BYTES as u64)?;
        Ok((2.0 * bytes as f64 / seconds.max(1e-12), end == seed[SEED_BYTES - CHECKED_BYTES..]))
    }

    /// Copies by a kernel.
    fn kernel(&self, from: &wgpu::Buffer, to: &wgpu::Buffer, bytes: u64) -> Result<impl Fn(&mut wgpu::CommandEncoder, usize)> {
        let (device, pipeline) = (&self.opened.device, self.pipeline(KERNEL)?);
        let layout = pipeline.get_bind_group_layout(0);
        let entries =
            [(0, to), (1, from)].map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() });
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &layout, entries: &entries });
        let groups = u32::try_from(bytes.div_ceil(GROUP_BYTES).min(MOST_GROUPS)).unwrap_or(1);
        Ok(move |encoder: &mut wgpu::CommandEncoder, copies: usize| {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            (0..copies).for_each(|_| pass.dispatch_workgroups(groups, 1, 1));
        })
    }

    /// Fills a buffer with the same mebibyte of noise again and again, by doubling what is there; gives the mebibyte.
    fn fill(&self, from: &wgpu::Buffer, to: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>> {
        let word = |k: u32| k.wrapping_mul(2_654_435_761).rotate_left(13) ^ k;
        let seed: Vec<u8> = (0..).map(word).flat_map(u32::to_le_bytes).take(SEED_BYTES).collect();
        lock(&self.opened.queue).write_buffer(from, 0, &seed);
        let mut encoder = self.encoder();
        let mut filled = SEED_BYTES as u64;
        while filled < bytes {
            let more = filled.min(bytes - filled);
            encoder.copy_buffer_to_buffer(from, 0, to, 0, more);
            encoder.copy_buffer_to_buffer(to, 0, from, filled, more);
            filled += more;
        }
        self.finish(encoder, &super::Mapping::new())?;
        Ok(seed)
    }
}
