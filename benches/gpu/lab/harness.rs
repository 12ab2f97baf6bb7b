//! One variant at a time: its text put together, its kernels compiled, its answer fetched, its dispatches timed.
//! It does not know which variants there are nor what is right.

use crate::device::{Buffers, Done, Fault, Gpu, Pipeline};
use crate::variants::{Before, Kernel, Needs, PRELUDE, Shape, Slot, TODAY, Variant, Work};
use std::time::Instant;
use wgpu::BufferUsages as U;

/// Most timings of a variant.
const MOST: u32 = 50;
/// Seconds that one submission may take, so that no watchdog wakes.
const SUBMISSION: f64 = 0.25;
/// Seconds of one reading of the host's clock: below it what a submission itself costs would count.
const HOST_READING: f64 = 0.02;

/// The arrays on the device, and what they are filled with.
pub struct Bench<'b> {
    pub gpu: &'b Gpu,
    pub shape: Shape,
    pub image: &'b [u16],
    pub buffers: Buffers<Slot>,
}

/// How long a variant takes.
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    /// The median of its timings, in seconds.
    pub seconds: f64,
    /// How many there were.
    pub count: usize,
    /// Whether the device's clock told them.
    pub by_device: bool,
}

/// A variant that is ready to run.
pub struct Ready {
    steps: Vec<Step>,
    /// Seconds that compiling took.
    pub compile_seconds: Option<f64>,
    result: wgpu::Buffer,
    result_bytes: u64,
}

enum Step {
    Copy { from: wgpu::Buffer, bytes: u64 },
    Dispatch { pipeline: Pipeline, group: wgpu::BindGroup, groups: [u32; 3] },
}

/// A kernel of a text: what all of its kernels share, and the sections `// kernel NAMES` that name it. Without a name what is
/// shared.
fn section(text: &str, name: &str) -> Option<String> {
    let mut parts = text.split("\n// kernel ");
    let shared = parts.next()?;
    let named = |part: &&str| part.lines().next().is_some_and(|names| names.split(' ').any(|one| one == name));
    let own: Vec<&str> = parts.filter(named).filter_map(|part| part.split_once('\n')).map(|(_, rest)| rest).collect();
    (name.is_empty() || !own.is_empty()).then(|| [&[shared], own.as_slice()].concat().join("\n"))
}

/// The module of a kernel. What it enables must come first.
pub fn module(kernel: &Kernel) -> Result<String, String> {
    let missing = || format!("no kernel '{}' in its text", kernel.section);
    let before = match kernel.before {
        Before::Lab => PRELUDE.to_owned(),
        Before::Frame => section(TODAY, "").ok_or_else(missing)?,
        Before::Walk => section(TODAY, "walk").ok_or_else(missing)?,
    };
    let own = section(kernel.text, kernel.section).ok_or_else(missing)?;
    let (enabled, rest): (Vec<&str>, Vec<&str>) = own.lines().partition(|line| line.starts_with("enable "));
    Ok([enabled.join("\n"), before, rest.join("\n")].join("\n"))
}

/// Why a device cannot run a variant at all.
pub fn lacks(gpu: &Gpu, needs: Needs) -> Option<String> {
    let has = |feature| gpu.features.contains(feature);
    let most = gpu.limits.max_compute_workgroup_storage_size;
    if needs.shorts && !has(wgpu::Features::SHADER_I16) {
        Some("not on this device: no 16-bit integers in its WGSL".to_owned())
    } else if needs.subgroups && !has(wgpu::Features::SUBGROUP) {
        Some("not on this device: no subgroup operations".to_owned())
    } else if needs.workgroup_bytes > most {
        Some(format!("not on this device: needs {} bytes of workgroup memory, it has {most}", needs.workgroup_bytes))
    } else {
        None
    }
}

impl Bench<'_> {
    /// Rows of the image with so many reflected pixels left and right, made longer to `pitch`.
    fn rows<T: Copy + Default>(&self, halo: u32, pitch: u32, make: impl Fn(u16) -> T) -> Vec<T> {
        let (width, halo) = (self.shape.width as usize, halo as usize);
        let mut all = Vec::with_capacity(pitch as usize * self.shape.height as usize);
        for row in self.image.chunks_exact(width) {
            let (before, after) = (row[..halo].iter().rev(), row[width - halo..].iter().rev());
            all.extend(before.chain(row).chain(after).map(|v| make(*v)));
            all.resize(all.len().next_multiple_of(pitch as usize), T::default());
        }
        all
    }

    fn buffer(&mut self, slot: Slot) -> Done<wgpu::Buffer> {
        let (gpu, bytes, pitch) = (self.gpu, self.shape.bytes(slot), self.shape.pitch());
        let mut buffers = std::mem::replace(&mut self.buffers, Buffers::new());
        let made = buffers.get(gpu, slot, bytes, || match slot {
            Slot::Image => Some(bytemuck::cast_slice(&self.rows(0, pitch, |v| v)).to_vec()),
            Slot::Floats => Some(bytemuck::cast_slice(&self.rows(0, pitch, f32::from)).to_vec()),
            Slot::Padded => Some(bytemuck::cast_slice(&self.rows(2, self.shape.padded(), |v| v)).to_vec()),
            Slot::Result | Slot::FloatResult | Slot::A | Slot::B | Slot::C => None,
        });
        self.buffers = buffers;
        made
    }

    fn words(&self, words: &[u32], usage: U) -> Done<wgpu::Buffer> {
        let made = self.gpu.buffer(4 * words.len().max(4) as u64, usage | U::COPY_DST)?;
        self.gpu.queue.write_buffer(&made, 0, bytemuck::cast_slice(words));
        Ok(made)
    }

    /// A kernel bound to its arrays, and the seconds that compiling it took.
    fn step(&mut self, kernel: &Kernel) -> Done<(Step, f64)> {
        let text = module(kernel).map_err(Fault::Refused)?;
        let begun = Instant::now();
        let pipeline = self.gpu.compile(&text)?;
        let seconds = begun.elapsed().as_secs_f64();
        let [first, second] = kernel.reads;
        let bound = [
            self.words(&kernel.params, U::UNIFORM)?,
            self.buffer(kernel.result)?,
            self.words(&kernel.table, U::STORAGE)?,
            self.buffer(first)?,
            self.buffer(second)?,
        ];
        let entry = |(binding, buffer): (u32, &wgpu::Buffer)| (binding, buffer.clone());
        let buffers: Vec<(u32, wgpu::Buffer)> = (0..).zip(&bound).map(entry).collect();
        let entries: Vec<wgpu::BindGroupEntry<'_>> = buffers
            .iter()
            .map(|(binding, b)| wgpu::BindGroupEntry { binding: *binding, resource: b.as_entire_binding() })
            .collect();
        let description = wgpu::BindGroupDescriptor { label: None, layout: &pipeline.layout, entries: &entries };
        let group = self.gpu.refusable(|| self.gpu.device.create_bind_group(&description))?;
        Ok((Step::Dispatch { pipeline, group, groups: kernel.groups }, seconds))
    }

    /// Compiles a variant and makes its arrays.
    pub fn ready(&mut self, variant: &Variant) -> Done<Ready> {
        let result_bytes = variant.laid.bytes(self.shape);
        let Work::Kernels(kernels) = &variant.work else {
            let (from, result) = (self.buffer(Slot::Image)?, self.buffer(Slot::Result)?);
            return Ok(Ready {
                steps: vec![Step::Copy { from, bytes: result_bytes }],
                compile_seconds: None,
                result,
                result_bytes,
            });
        };
        let result = self.buffer(kernels.last().map_or(Slot::Result, |kernel| kernel.result))?;
        let made = kernels.iter().map(|kernel| self.step(kernel)).collect::<Done<Vec<(Step, f64)>>>()?;
        let (steps, seconds): (Vec<Step>, Vec<f64>) = made.into_iter().unzip();
        Ok(Ready { steps, compile_seconds: Some(seconds.iter().sum()), result, result_bytes })
    }

    /// Runs it once over a cleared result; what it made.
    pub fn made(&mut self, ready: &Ready) -> Done<Vec<u8>> {
        let scratch = [Slot::A, Slot::B, Slot::C].map(|slot| self.buffers.found(slot));
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.clear_buffer(&ready.result, 0, None);
        scratch.iter().flatten().for_each(|buffer| encoder.clear_buffer(buffer, 0, None));
        ready.encode(&mut encoder, None);
        self.gpu.refusable(|| self.gpu.queue.submit([encoder.finish()]))?;
        self.gpu.read(&ready.result, ready.result_bytes)
    }

    /// How long it takes: the median of as many runs as `seconds` allow, 50 at most, one where there are none.
    pub fn timed(&self, ready: &Ready, seconds: f64) -> Done<Timed> {
        let mut clock = self.clock(ready);
        let mut first = self.readings(ready, 1, clock)?[0];
        if clock.is_some_and(|tick| first <= tick) {
            // A clock that stands still tells nothing.
            clock = None;
            first = self.by_host(ready)?;
        }
        let by_device = clock.is_some();
        if seconds <= 0.0 {
            return Ok(Timed { seconds: first, count: 1, by_device });
        }
        let reading = if by_device { first.max(1e-7) } else { first.max(HOST_READING) };
        let fit = |seconds: f64| (seconds / reading).clamp(1.0, f64::from(MOST)) as u32;
        // Clocks and caches warm up; what that takes is not told.
        self.readings(ready, fit(0.1 * seconds).min(fit(SUBMISSION)), clock)?;
        let (mut all, wanted) = (Vec::new(), fit(0.9 * seconds) as usize);
        while all.len() < wanted {
            let next = (wanted - all.len()).min(fit(SUBMISSION) as usize);
            all.extend(self.readings(ready, next as u32, clock)?);
        }
        all.sort_by(f64::total_cmp);
        Ok(Timed { seconds: all[all.len() / 2], count: all.len(), by_device })
    }

    /// Seconds of a tick where the device's own clock can time it.
    fn clock(&self, ready: &Ready) -> Option<f64> {
        let copies = ready.steps.iter().any(|step| matches!(step, Step::Copy { .. }));
        let between = self.gpu.features.contains(wgpu::Features::TIMESTAMP_QUERY_INSIDE_ENCODERS);
        self.gpu.tick.filter(|_| between || !copies)
    }

    fn readings(&self, ready: &Ready, count: u32, clock: Option<f64>) -> Done<Vec<f64>> {
        match clock {
            Some(tick) => self.ticks(ready, count, tick),
            None => (0..count).map(|_| self.by_host(ready)).collect(),
        }
    }

    /// So many runs in one submission, each between two timestamps.
    fn ticks(&self, ready: &Ready, count: u32, tick: f64) -> Done<Vec<f64>> {
        let description = wgpu::QuerySetDescriptor { label: None, ty: wgpu::QueryType::Timestamp, count: 2 * count };
        let bytes = u64::from(16 * count);
        let set = self.gpu.refusable(|| self.gpu.device.create_query_set(&description))?;
        let gathered = self.gpu.buffer(bytes, U::QUERY_RESOLVE | U::COPY_SRC)?;
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        (0..count).for_each(|k| ready.encode(&mut encoder, Some((&set, 2 * k))));
        encoder.resolve_query_set(&set, 0..2 * count, &gathered, 0);
        self.gpu.refusable(|| self.gpu.queue.submit([encoder.finish()]))?;
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&self.gpu.read(&gathered, bytes)?);
        // A count that stands still or steps back tells nothing.
        Ok(ticks.chunks_exact(2).map(|pair| tick * pair[1].saturating_sub(pair[0]) as f64).collect())
    }

    /// By the host's clock, as many runs in a submission as its price needs to vanish.
    fn by_host(&self, ready: &Ready) -> Done<f64> {
        let run = |count: u32| {
            let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            (0..count).for_each(|_| ready.encode(&mut encoder, None));
            let begun = Instant::now();
            self.gpu.refusable(|| self.gpu.queue.submit([encoder.finish()]))?;
            self.gpu.wait()?;
            Ok(begun.elapsed().as_secs_f64() / f64::from(count))
        };
        let once: f64 = run(1)?;
        if once >= HOST_READING { Ok(once) } else { run((HOST_READING / once.max(1e-6)).clamp(1.0, 100.0) as u32) }
    }
}

impl Ready {
    /// Records one run, between two timestamps where they are wanted.
    fn encode(&self, encoder: &mut wgpu::CommandEncoder, notes: Option<(&wgpu::QuerySet, u32)>) {
        if let [Step::Copy { from, bytes }] = self.steps.as_slice() {
            notes.iter().for_each(|(set, at)| encoder.write_timestamp(set, *at));
            encoder.copy_buffer_to_buffer(from, 0, &self.result, 0, *bytes);
            notes.iter().for_each(|(set, at)| encoder.write_timestamp(set, *at + 1));
            return;
        }
        let timestamp_writes = notes.map(|(query_set, at)| wgpu::ComputePassTimestampWrites {
            query_set,
            beginning_of_pass_write_index: Some(at),
            end_of_pass_write_index: Some(at + 1),
        });
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
        for step in &self.steps {
            if let Step::Dispatch { pipeline, group, groups: [x, y, z] } = step {
                pass.set_pipeline(&pipeline.pipeline);
                pass.set_bind_group(0, group, &[]);
                pass.dispatch_workgroups(*x, *y, *z);
            }
        }
    }
}
