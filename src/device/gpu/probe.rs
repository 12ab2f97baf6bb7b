//! A start-up probe of a device's numbers: whether NaN survives arithmetic, how it rounds, what it does to denormals.
//! It does not know programs; a device that loses NaN gets no float stage.

use super::emit::Kernel;
use super::pipeline::{Pipelines, bound};
use crate::error::{Error, Result};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wgpu::BufferUsages as U;

const PROBE: &str = include_str!("../../../shaders/probe.wgsl");
/// Results of a pair.
const OPERATIONS: usize = 5;

/// What the probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numerics {
    /// NaN goes through sums, products, quotients, roots and rounding.
    pub keeps_nan: bool,
    /// Sums and products of normal numbers are the CPU's bits, and halves round to even.
    pub rounds: bool,
    /// Denormals are not flushed to zero.
    pub keeps_denormals: bool,
    /// Quotients and roots are the CPU's bits too.
    pub divides: bool,
}

impl fmt::Display for Numerics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |on: bool, yes: &'static str, no: &'static str| if on { yes } else { no };
        let nan = word(self.keeps_nan, "keeps NaN", "loses NaN (float stages run on the CPU)");
        let rounds = word(self.rounds, "rounds as the CPU", "rounds otherwise than the CPU");
        let divides = word(self.divides, "divides exactly", "divides within some ulps");
        let denormals = word(self.keeps_denormals, "keeps denormals", "flushes denormals");
        write!(f, "{nan}, {rounds}, {divides}, {denormals}")
    }
}

fn pairs() -> Vec<[f32; 2]> {
    let special = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        2.5,
        3.5,
        -0.5,
        1.0e-40,
        3.0e38,
        1.0 / 3.0,
        16_777_217.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
    ];
    special.iter().flat_map(|a| special.iter().map(move |b| [*a, *b])).collect()
}

fn exact([a, b]: [f32; 2]) -> [f32; OPERATIONS] {
    [a + b, a * b, a / b, a.sqrt(), a.round_ties_even()]
}

/// Runs the probe.
///
/// # Errors
/// A device that does not compile or run it.
pub fn numerics(device: &wgpu::Device, queue: &wgpu::Queue, pipelines: &Pipelines) -> Result<Numerics> {
    let pairs = pairs();
    let found = run(device, queue, pipelines, &pairs)?;
    let mut numerics = Numerics { keeps_nan: true, rounds: true, keeps_denormals: true, divides: true };
    for (pair, made) in pairs.iter().zip(found.chunks_exact(OPERATIONS)) {
        for (k, (want, bits)) in exact(*pair).iter().zip(made).enumerate() {
            let got = f32::from_bits(*bits);
            let tiny = |v: f32| v.is_subnormal();
            let same = want.to_bits() == *bits || want.is_nan() && got.is_nan();
            match () {
                () if same => {}
                () if want.is_nan() || got.is_nan() => numerics.keeps_nan = false,
                () if tiny(*want) || pair.iter().any(|v| tiny(*v)) => numerics.keeps_denormals = false,
                () if k == 2 || k == 3 => numerics.divides = false,
                () => numerics.rounds = false,
            }
        }
    }
    Ok(numerics)
}

fn run(device: &wgpu::Device, queue: &wgpu::Queue, pipelines: &Pipelines, pairs: &[[f32; 2]]) -> Result<Vec<u32>> {
    let pipeline = pipelines.get(device, &Kernel { text: PROBE.to_owned(), inputs: 0 })?;
    let buffer = |usage: U, bytes: usize, mapped: bool| {
        device.create_buffer(&wgpu::BufferDescriptor { label: None, size: bytes as u64, usage, mapped_at_creation: mapped })
    };
    let filled = |usage: U, words: &[u32]| -> Result<wgpu::Buffer> {
        let made = buffer(usage, 4 * words.len(), true);
        let mut range = made.get_mapped_range_mut(..).map_err(|e| Error::machine(e.to_string()))?;
        range.copy_from_slice(bytemuck::cast_slice(words));
        drop(range);
        made.unmap();
        Ok(made)
    };
    let words: Vec<u32> = pairs.iter().flatten().map(|v| v.to_bits()).collect();
    let (count, bytes) = (pairs.len(), 4 * OPERATIONS * pairs.len());
    let parameters = filled(U::UNIFORM, &[u32::try_from(count).unwrap_or(0), 0, 0, 0])?;
    let (table, result) = (filled(U::STORAGE, &words)?, buffer(U::STORAGE | U::COPY_SRC, bytes, false));
    let back = buffer(U::COPY_DST | U::MAP_READ, bytes, false);
    let entries = [bound(0, &parameters), bound(1, &result), bound(2, &table)];
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &pipeline.layout, entries: &entries });
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    pass.set_pipeline(&pipeline.pipeline);
    pass.set_bind_group(0, &group, &[0]);
    pass.dispatch_workgroups(u32::try_from(count.div_ceil(64)).unwrap_or(1), 1, 1);
    drop(pass);
    encoder.copy_buffer_to_buffer(&result, 0, &back, 0, bytes as u64);
    let done = Arc::new(AtomicBool::new(false));
    let told = done.clone();
    encoder.map_buffer_on_submit(&back, wgpu::MapMode::Read, .., move |mapped| told.store(mapped.is_ok(), Ordering::Release));
    queue.submit([encoder.finish()]);
    let waited = device.poll(wgpu::PollType::wait_indefinitely());
    if waited.is_err() || !done.load(Ordering::Acquire) {
        return Err(Error::machine("a device does not answer its start-up probe"));
    }
    let range = back.get_mapped_range(..).map_err(|e| Error::machine(e.to_string()))?;
    Ok(bytemuck::pod_collect_to_vec(&range))
}
