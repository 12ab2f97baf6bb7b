//! How fast a device copies its own memory: the bandwidth that every kernel is held against.
//! It does not know kernels.

use super::{Bench, median};
use crate::device::gpu::lock::lock;
use crate::device::gpu::open::Transfer;
use crate::error::{Error, Result, bytes_text};
use std::time::Duration;
use wgpu::BufferUsages as U;

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
    /// Bytes read and bytes written in a second, taken together.
    pub bytes_a_second: f64,
    /// Whether the copy has the bytes of what was copied.
    pub is_right: bool,
}

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
        let (from, to) =
            (self.buffer(bytes, U::COPY_SRC | U::COPY_DST, false)?, self.buffer(bytes, U::COPY_SRC | U::COPY_DST, false)?);
        let seed = self.fill(&from, &to, bytes)?;
        let again = |copies: usize| {
            self.seconds(&|encoder| (0..copies).for_each(|_| encoder.copy_buffer_to_buffer(&from, 0, &to, 0, bytes)))
        };
        let first = again(1)?.max(1e-9);
        let copies = ((LEAST_SECONDS / first).ceil().max(1.0) as usize).min(MOST_COPIES);
        let seconds = median(limit, || again(copies))? / copies as f64;
        let end = self.read(&to, bytes - CHECKED_BYTES as u64, CHECKED_BYTES as u64)?;
        let is_right = end == seed[SEED_BYTES - CHECKED_BYTES..];
        Ok(Copied { bytes, bytes_a_second: 2.0 * bytes as f64 / seconds.max(1e-12), is_right })
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
