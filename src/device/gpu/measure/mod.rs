//! What a device does by itself, measured: copies, dispatches, compiling, transfers. Plain numbers come out, each answer checked.
//! It does not know ops, nor how numbers are shown; it runs no plan.

mod compile;
mod copy;
mod dispatch;
mod facts;
mod transfer;

pub use compile::{Compiled, Text};
pub use copy::Copied;
pub use dispatch::{Answered, Dispatched};
pub use facts::{Facts, Heap};
pub use transfer::{Mode, Moved, Way};

use super::Wish;
use super::lock::lock;
use super::open::{self, Opened};
use crate::error::{Error, Result, bytes_text};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use wgpu::BufferUsages as U;

/// How long a device may be silent before it is given up.
const SILENCE: Duration = Duration::from_secs(60);
/// The most repeats of one measurement, of which the median is taken.
const REPEATS: usize = 15;

/// A device to be measured.
pub struct Bench {
    opened: Arc<Opened>,
}

/// Mappings that are waited for.
struct Mapping {
    expected: usize,
    done: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
}

impl Mapping {
    fn new() -> Mapping {
        Mapping { expected: 0, done: Arc::default(), failed: Arc::default() }
    }

    /// Maps a buffer once the device is done with what is recorded.
    fn ask(&mut self, encoder: &mut wgpu::CommandEncoder, buffer: &wgpu::Buffer, mode: wgpu::MapMode) {
        let (done, failed) = (self.done.clone(), self.failed.clone());
        self.expected += 1;
        encoder.map_buffer_on_submit(buffer, mode, .., move |mapped| {
            failed.fetch_add(usize::from(mapped.is_err()), Ordering::Release);
            done.fetch_add(1, Ordering::Release);
        });
    }
}

impl Bench {
    /// Opens the adapter that is meant by `gpu` or by a part of its name.
    ///
    /// # Errors
    /// No such adapter, a driver that refuses.
    pub fn open(name: &str) -> Result<Bench> {
        Ok(Bench { opened: open::open(&Wish { name: name.to_owned(), ..Wish::default() }, 0)? })
    }

    fn buffer(&self, bytes: u64, usage: U, mapped_at_creation: bool) -> Result<wgpu::Buffer> {
        let (device, limit) = (&self.opened.device, self.opened.limits.max_buffer_size);
        if bytes > limit {
            let what = format!("a buffer of {} is asked for, the device has {} at most", bytes_text(bytes), bytes_text(limit));
            return Err(Error::machine(what));
        }
        let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let made = device.create_buffer(&wgpu::BufferDescriptor { label: None, size: bytes, usage, mapped_at_creation });
        let refused = pollster::block_on(validation.pop()).or(pollster::block_on(memory.pop()));
        self.health()?;
        refused.map_or(Ok(made), |why| Err(Error::machine(format!("the device refuses {}: {why}", bytes_text(bytes)))))
    }

    /// The kernel `main` of a shader of ours.
    fn pipeline(&self, text: &str) -> Result<wgpu::ComputePipeline> {
        let device = &self.opened.device;
        let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let source = wgpu::ShaderSource::Wgsl(text.into());
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        let refused = pollster::block_on(scope.pop());
        refused.map_or(Ok(pipeline), |error| Err(Error::bug(format!("a shader does not compile: {error}"))))
    }

    fn encoder(&self) -> wgpu::CommandEncoder {
        self.opened.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
    }

    fn submit(&self, encoder: wgpu::CommandEncoder) -> wgpu::SubmissionIndex {
        lock(&self.opened.queue).submit([encoder.finish()])
    }

    fn health(&self) -> Result<()> {
        self.opened
            .health
            .trouble()
            .map_or(Ok(()), |trouble| Err(Error::machine(format!("{}: {trouble}", self.opened.info.name))))
    }

    /// Waits until the device is done and all is mapped.
    fn wait(&self, index: &wgpu::SubmissionIndex, mapping: &Mapping) -> Result<()> {
        let begun = Instant::now();
        let poll = wgpu::PollType::Wait { submission_index: Some(index.clone()), timeout: Some(SILENCE) };
        let waited = self.opened.device.poll(poll);
        self.health()?;
        waited.map_err(|e| Error::machine(format!("{} does not answer: {e}", self.opened.info.name)))?;
        while mapping.done.load(Ordering::Acquire) < mapping.expected {
            // Another thread that waits calls back.
            std::thread::yield_now();
            let _ = self.opened.device.poll(wgpu::PollType::Poll);
            if begun.elapsed() > SILENCE {
                return Err(Error::machine(format!("{} maps no buffer", self.opened.info.name)));
            }
        }
        let failed = mapping.failed.load(Ordering::Acquire);
        if failed > 0 { Err(Error::machine(format!("{failed} buffers cannot be mapped"))) } else { Ok(()) }
    }

    /// Sends what is recorded and waits for it.
    fn finish(&self, encoder: wgpu::CommandEncoder, mapping: &Mapping) -> Result<()> {
        let index = self.submit(encoder);
        self.wait(&index, mapping)
    }

    /// The bytes of a part of a buffer that can be copied from.
    fn read(&self, buffer: &wgpu::Buffer, from: u64, bytes: u64) -> Result<Vec<u8>> {
        let back = self.buffer(bytes, U::COPY_DST | U::MAP_READ, false)?;
        let (mut encoder, mut mapping) = (self.encoder(), Mapping::new());
        encoder.copy_buffer_to_buffer(buffer, from, &back, 0, bytes);
        mapping.ask(&mut encoder, &back, wgpu::MapMode::Read);
        self.finish(encoder, &mapping)?;
        Ok(back.get_mapped_range(..).map_err(unmapped)?.to_vec())
    }

    /// Seconds that the device takes for what is recorded: by its own clock, or where it has none from sending to having waited.
    fn seconds(&self, record: &dyn Fn(&mut wgpu::CommandEncoder)) -> Result<f64> {
        let Some(ticks) = self.opened.ticks else {
            let (mut encoder, mapping) = (self.encoder(), Mapping::new());
            record(&mut encoder);
            let begun = Instant::now();
            self.finish(encoder, &mapping)?;
            return Ok(begun.elapsed().as_secs_f64());
        };
        let description = wgpu::QuerySetDescriptor { label: None, ty: wgpu::QueryType::Timestamp, count: 2 };
        let set = self.opened.device.create_query_set(&description);
        let (gathered, back) =
            (self.buffer(16, U::QUERY_RESOLVE | U::COPY_SRC, false)?, self.buffer(16, U::COPY_DST | U::MAP_READ, false)?);
        let (mut encoder, mut mapping) = (self.encoder(), Mapping::new());
        note(&mut encoder, &set, 0, ticks.copies);
        record(&mut encoder);
        note(&mut encoder, &set, 1, ticks.copies);
        encoder.resolve_query_set(&set, 0..2, &gathered, 0);
        encoder.copy_buffer_to_buffer(&gathered, 0, &back, 0, 16);
        mapping.ask(&mut encoder, &back, wgpu::MapMode::Read);
        self.finish(encoder, &mapping)?;
        let counts: Vec<u64> = bytemuck::pod_collect_to_vec(&back.get_mapped_range(..).map_err(unmapped)?);
        match counts[..] {
            [first, last] if first < last => Ok((last - first) as f64 * ticks.seconds),
            _ => Err(Error::machine(format!("{}: the device's clock does not go on: {counts:?}", self.opened.info.name))),
        }
    }
}

/// The device notes its count once it is done with what came before: between copies where it can, else at the end of an empty pass.
fn note(encoder: &mut wgpu::CommandEncoder, query_set: &wgpu::QuerySet, place: u32, between_copies: bool) {
    if between_copies {
        encoder.write_timestamp(query_set, place);
        return;
    }
    let writes =
        wgpu::ComputePassTimestampWrites { query_set, beginning_of_pass_write_index: None, end_of_pass_write_index: Some(place) };
    drop(encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes: Some(writes) }));
}

fn unmapped(error: wgpu::MapRangeError) -> Error {
    Error::machine(format!("a mapped buffer cannot be read: {error}"))
}

/// The median of what is measured again and again until the time is over; once at least.
fn median(limit: Duration, mut measure: impl FnMut() -> Result<f64>) -> Result<f64> {
    let begun = Instant::now();
    let mut found = Vec::new();
    while found.is_empty() || found.len() < REPEATS && begun.elapsed() < limit {
        found.push(measure()?);
    }
    found.sort_by(f64::total_cmp);
    Ok(found[found.len() / 2])
}
