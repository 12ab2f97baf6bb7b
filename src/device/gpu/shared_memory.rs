//! Whether what lies in shared memory is read back at speed: some drivers give memory that the CPU reads past its caches, 90 times
//! slower than its own (Intel, Windows). A device that does gets staging buffers instead. It does not know what is read.

use crate::error::{Error, Result};
use std::time::{Duration, Instant};
use wgpu::BufferUsages as U;

/// How many times slower than the CPU's own memory a device's may be to be read.
const SLOWEST: u32 = 8;
/// Bytes that are read: more than caches near a core hold.
const BYTES: usize = 8 << 20;
/// Times that each is read; the shortest counts.
const READS: usize = 3;

/// Whether a device's mapped memory is read back about as fast as the CPU's own.
///
/// # Errors
/// A device that maps nothing.
pub fn is_read_at_speed(device: &wgpu::Device) -> Result<bool> {
    let size = BYTES as u64;
    let usage = U::STORAGE | U::MAP_READ;
    let mapped = device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
    mapped.map_async(wgpu::MapMode::Read, .., |_| ());
    let failed = |what: String| Error::machine(format!("memory that is shared with a device cannot be read: {what}"));
    device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| failed(e.to_string()))?;
    let range = mapped.get_mapped_range(..).map_err(|e| failed(e.to_string()))?;
    let (own, mut to) = (vec![1u8; BYTES], vec![2u8; BYTES]);
    let of_device = shortest(|| to.copy_from_slice(std::hint::black_box(&range)));
    let of_cpu = shortest(|| to.copy_from_slice(std::hint::black_box(&own)));
    Ok(is_at_speed(of_device, of_cpu))
}

fn shortest(mut read: impl FnMut()) -> Duration {
    let mut timed = || {
        let begun = Instant::now();
        read();
        begun.elapsed()
    };
    (0..READS).map(|_| timed()).min().unwrap_or_default()
}

fn is_at_speed(of_device: Duration, of_cpu: Duration) -> bool {
    of_device <= of_cpu * SLOWEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_read_past_the_caches_is_not_at_speed() {
        let of_cpu = Duration::from_micros(800);
        assert!(is_at_speed(Duration::from_micros(900), of_cpu), "the same memory, a little noise");
        assert!(is_at_speed(Duration::from_millis(4), of_cpu), "half as fast as it may be");
        assert!(!is_at_speed(Duration::from_millis(72), of_cpu), "90 times slower");
    }

    #[test]
    fn one_slow_read_of_several_decides_nothing() {
        let mut reads = 0;
        let read = || {
            reads += 1;
            std::thread::sleep(Duration::from_millis(if reads == 2 { 50 } else { 1 }));
        };
        assert!(shortest(read) < Duration::from_millis(40));
    }
}
