//! A start-up probe of a device's numbers: whether NaN survives arithmetic, how it rounds and divides, what it does to denormals;
//! and whether what is made by integers is right. It does not know programs; a device that loses NaN gets no float stage, one
//! whose integers are wrong is not used.

use super::emit::{self, Dialect, Kernel};
use super::pipeline::{Pipelines, bound};
use crate::device::cpu::Number;
use crate::error::{Error, Result};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wgpu::BufferUsages as U;

/// What is computed of a pair: by the device's own arithmetic, then by integers. Of the first only sums and products are kept as
/// they are; its quotients and roots are guesses, which integers mend.
const OPERATIONS: [&str; 9] = ["a + b", "a * b", "a / b", "root a", "a / b", "root a", "round a", "a // b", "a % b"];
/// The device's own quotient and root.
const GUESSES: std::ops::Range<usize> = 2..EXACT;
/// The first of those that are made by integers.
const EXACT: usize = 4;

/// What the probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numerics {
    /// NaN goes through sums and products, and comes of nothing else than on the CPU.
    pub keeps_nan: bool,
    /// Sums and products of normal numbers are the CPU's bits.
    pub rounds: bool,
    /// Denormals are not flushed to zero.
    pub keeps_denormals: bool,
    /// The device's own quotients and roots are the CPU's bits too; ops do not depend on it.
    pub divides: bool,
    /// The most units of the last place that they were off, for divisors up to 2^126.
    pub ulps: u32,
    /// What ops make of them by integers is the CPU's bits, as it must be.
    pub corrects: bool,
    /// A sum or product that is not as on the CPU, for those who mend drivers.
    pub odd: Option<Odd>,
}

/// A result and what it should have been, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Odd {
    operation: &'static str,
    of: [u32; 2],
    wanted: u32,
    got: u32,
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b] = self.of.map(f32::from_bits);
        let (wanted, got) = (f32::from_bits(self.wanted), f32::from_bits(self.got));
        write!(f, "{} is {got:e} for a = {a:e}, b = {b:e}, {wanted:e} on the CPU", self.operation)
    }
}

impl fmt::Display for Numerics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |on: bool, yes: &'static str, no: &'static str| if on { yes } else { no };
        let nan = word(self.keeps_nan, "keeps NaN", "loses NaN (float stages run on the CPU)");
        let rounds = word(self.rounds, "rounds as the CPU", "rounds otherwise than the CPU");
        let divides = match (self.divides, self.ulps) {
            (true, _) => "divides exactly".to_owned(),
            (false, ulps) => format!("divides within {ulps} ulp (ops correct it)"),
        };
        let denormals =
            word(self.keeps_denormals, "keeps denormals", "flushes denormals (in float sums, products and functions)");
        let wrong = word(self.corrects, "", "; COMPUTES WRONGLY with integers");
        write!(f, "{nan}, {rounds}, {divides}, {denormals}{wrong}")?;
        self.odd.map_or(Ok(()), |odd| write!(f, " ({odd})"))
    }
}

/// Numbers that are tried two by two: edges of the range, of the whole numbers, of what devices divide by.
fn special() -> Vec<f32> {
    let bits =
        [1, 0x116c2, 0x007f_ffff, 0x0080_0000, 0x0080_0001, 0x3eaa_aaab, 0x3f7f_ffff, 0x3f80_0001, 0x4b80_0001, 0x7e80_0001];
    let whole = [0.0, 1.0, 2.5, 3.5, 3.0, 7.0, 16_777_215.0, 3.0e38, f32::MAX, f32::INFINITY, f32::NAN];
    let positive: Vec<f32> = bits.into_iter().map(f32::from_bits).chain(whole).collect();
    positive.iter().flat_map(|v| [*v, -*v]).collect()
}

/// Pairs whose quotient lies as near to the middle between two floats as any, by one unit in its divisor's place: for an odd
/// divisor n, m = ±1 / 2^k modulo n.
fn near_ties(k: u32) -> impl Iterator<Item = [f32; 2]> {
    let halved = |m: u32, n: u32| if m.is_multiple_of(2) { m / 2 } else { (m + n) / 2 };
    let divisors = (0..48u32).map(|j| 0x80_0001 | (j.wrapping_mul(0x9e37_79b1) >> 9));
    divisors.flat_map(move |n| [1, n - 1].map(|unit| [(0..k).fold(unit, |m, _| halved(m, n)) as f32, n as f32]))
}

/// Numbers whose root lies as near to the middle between two floats: odd roots s of 25 bits with s² = c modulo 2^k for a small c,
/// found bit by bit.
fn near_tied_roots(k: u32) -> impl Iterator<Item = f32> {
    let root = move |c: u64| (3..k).fold(1u64, |s, i| if (s * s).wrapping_sub(c) >> i & 1 == 1 { s + (1 << (i - 1)) } else { s });
    let residues = (0..8u64).flat_map(move |j| [8 * j + 1, (1 << k) - 8 * j - 7]);
    let all = residues.flat_map(move |c| [root(c), root(c) + (1 << (k - 1))].map(|s| s % (1 << k)));
    let all = all.flat_map(move |s| [s, (1 << k) - s]).filter(|s| s >> 24 == 1);
    let mantissas = all.map(move |s| (s * s + (1u64 << (k - 1))) >> k).filter(|m| m >> 23 == 1);
    // The exponent of a mantissa as it stands is even.
    mantissas.map(move |m| if k == 25 { 2.0 * m as f32 } else { m as f32 })
}

fn pairs() -> Vec<[f32; 2]> {
    let special = special();
    let squared = special.iter().flat_map(|a| special.iter().map(move |b| [*a, *b]));
    let roots = [25, 26].into_iter().flat_map(|k| near_tied_roots(k).map(|v| [v, 3.0]));
    squared.chain([25, 26].into_iter().flat_map(near_ties)).chain(roots).collect()
}

fn wanted([a, b]: [f32; 2]) -> [f32; OPERATIONS.len()] {
    let (floor, rest) = (Number::floor_div(a, b), Number::rem(a, b));
    [a + b, a * b, a / b, a.sqrt(), a / b, a.sqrt(), a.round_ties_even(), floor, rest]
}

/// Steps from one float to another of the same sign.
fn ulps(a: f32, b: f32) -> u32 {
    a.to_bits().abs_diff(b.to_bits())
}

/// Whether a device is used whatever the probe finds.
fn is_trusted() -> bool {
    std::env::var_os("STACKMILL_GPU_NUMBERS").is_some_and(|v| v == "trusted")
}

impl Numerics {
    /// Notes that operation `k` of a pair gave something else than the CPU.
    fn note(&mut self, pair: [f32; 2], k: usize, want: f32, got: f32) -> Result<()> {
        let ([a, b], name) = (pair, OPERATIONS[k]);
        if k >= EXACT {
            if is_trusted() {
                self.corrects = false;
                return Ok(());
            }
            let what = format!("the device computes wrongly: {name} is {got:e} for a = {a:e}, b = {b:e}, must be {want:e}");
            return Err(
                Error::machine(what).hint("--device cpu does without it; STACKMILL_GPU_NUMBERS=trusted uses it all the same")
            );
        }
        if GUESSES.contains(&k) {
            self.note_guess(k, pair, want, got);
            return Ok(());
        }
        // What flushes may do so before it rounds: what rounds to the least normal number is zero then.
        let tiny = [a, b, want].iter().any(|v| *v != 0.0 && v.abs() <= f32::MIN_POSITIVE);
        if tiny && !a.is_nan() && !b.is_nan() {
            self.keeps_denormals = false;
            return Ok(());
        }
        let odd = Odd { operation: name, of: pair.map(f32::to_bits), wanted: want.to_bits(), got: got.to_bits() };
        let loses = want.is_nan() || got.is_nan();
        if self.odd.is_none() || loses && self.keeps_nan {
            self.odd = Some(odd);
        }
        self.keeps_nan &= !loses;
        self.rounds &= loses;
        Ok(())
    }

    /// Notes how far off a quotient or root of normal numbers is. Beyond 2^126 devices divide by zero or nothing.
    fn note_guess(&mut self, k: usize, pair: [f32; 2], want: f32, got: f32) {
        let read = &pair[..if k == 3 { 1 } else { 2 }];
        if want.is_normal() && read.iter().all(|v| v.is_normal() && v.abs() <= 2f32.powi(126)) {
            self.ulps = Ord::max(self.ulps, ulps(want, got));
        }
        self.divides = false;
    }
}

/// Runs the probe.
///
/// # Errors
/// A device that does not compile or run it, or whose integers are wrong.
pub fn numerics(device: &wgpu::Device, queue: &wgpu::Queue, pipelines: &Pipelines, dialect: Dialect) -> Result<Numerics> {
    let pairs = pairs();
    let found = run(device, queue, pipelines, &emit::probe(dialect), &pairs)?;
    let mut numerics =
        Numerics { keeps_nan: true, rounds: true, keeps_denormals: true, divides: true, ulps: 0, corrects: true, odd: None };
    for (pair, made) in pairs.iter().zip(found.chunks_exact(OPERATIONS.len())) {
        for (k, (want, bits)) in wanted(*pair).into_iter().zip(made).enumerate() {
            let got = f32::from_bits(*bits);
            if want.to_bits() != *bits && !(want.is_nan() && got.is_nan()) {
                numerics.note(*pair, k, want, got)?;
            }
        }
    }
    Ok(numerics)
}

fn run(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    pipelines: &Pipelines,
    kernel: &Kernel,
    pairs: &[[f32; 2]],
) -> Result<Vec<u32>> {
    let pipeline = pipelines.get(device, kernel)?;
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
    let (count, bytes) = (pairs.len(), 4 * OPERATIONS.len() * pairs.len());
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
