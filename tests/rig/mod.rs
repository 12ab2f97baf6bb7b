//! Sources that hold nothing and sinks that keep nothing, with faults where a test asks for them.

#![allow(dead_code, reason = "each test uses a part")]

use stackmill::graph::Array;
use stackmill::grid::{Dims, Region};
use stackmill::plan::{Machine, Output, Plan};
use stackmill::run::{Done, Flow, Job, Observer, Setup, Summary, run};
use stackmill::storage::{Identity, Info, Sink, Source};
use stackmill::{Dtype, Error, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What goes wrong at a place, and how often in a row; counted from 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fault {
    /// The number of the call that fails first; none where none does.
    pub at: Option<u64>,
    /// How many calls fail, from then on.
    pub times: u64,
    /// Whether the error may pass.
    pub passes: bool,
    /// Whether it panics instead.
    pub panics: bool,
}

impl Fault {
    pub fn check(&self, number: u64, what: &str) -> Result<()> {
        match self.at {
            Some(at) if (at..at.saturating_add(self.times)).contains(&number) => {
                assert!(!self.panics, "{what} panics at {number}, as told");
                let words = format!("{what} failed at {number}, as told");
                Err(if self.passes { Error::passing(words) } else { Error::machine(words) })
            }
            _ => Ok(()),
        }
    }
}

/// A stack that holds nothing: units of zeros, reads counted.
pub struct Zeros {
    pub info: Info,
    pub unit: Dims,
    pub fetched: AtomicU64,
    pub decoded: AtomicU64,
    pub reading: Fault,
    pub decoding: Fault,
    /// Whether elements tell their place instead.
    pub ramp: bool,
}

impl Zeros {
    pub fn new(shape: &[usize], dtype: Dtype, unit: &[usize]) -> Arc<Zeros> {
        Arc::new(Self::failing(shape, dtype, unit, Fault::default(), Fault::default()))
    }

    pub fn failing(shape: &[usize], dtype: Dtype, unit: &[usize], reading: Fault, decoding: Fault) -> Zeros {
        let info = Info::new(Dims::from(shape), dtype);
        Zeros {
            info,
            unit: Dims::from(unit),
            fetched: AtomicU64::new(0),
            decoded: AtomicU64::new(0),
            reading,
            decoding,
            ramp: false,
        }
    }
}

impl Source for Zeros {
    fn info(&self) -> &Info {
        &self.info
    }
    fn name(&self) -> String {
        "zeros".into()
    }
    fn unit(&self) -> Dims {
        self.unit
    }
    fn stored_bytes(&self, _: &Dims) -> u64 {
        (self.unit.count() * self.info.dtype.size()) as u64
    }
    fn fetch(&self, _: &Dims) -> Result<Option<Vec<u8>>> {
        self.reading.check(self.fetched.fetch_add(1, Ordering::Relaxed), "the disk")?;
        Ok(None)
    }
    fn decode(&self, unit: &Dims, _: Option<Vec<u8>>, out: &mut [u8]) -> Result<()> {
        self.decoding.check(self.decoded.fetch_add(1, Ordering::Relaxed), "the codec")?;
        let seed: usize = unit.iter().enumerate().map(|(axis, i)| (axis + 3) * i * 17).sum();
        let value = |k: usize| if self.ramp && k.is_multiple_of(2) { ((k * k / 7 + seed) % 251) as u8 } else { 0 };
        out.iter_mut().enumerate().for_each(|(k, byte)| *byte = value(k));
        Ok(())
    }
    fn fingerprint(&self) -> String {
        "zeros".into()
    }
}

/// A sink with commit units that remembers how it ended.
pub struct Chunks {
    pub info: Info,
    pub unit: Dims,
    pub encoded: AtomicU64,
    pub written: AtomicU64,
    pub tried: AtomicU64,
    pub finished: AtomicBool,
    pub abandoned: AtomicBool,
    pub encoding: Fault,
    pub writing: Fault,
    pub finishing: Fault,
    /// What was written where, if it is kept.
    pub kept: Option<Mutex<BTreeMap<Vec<usize>, Vec<u8>>>>,
}

impl Chunks {
    pub fn of(array: &Array, unit: &[usize]) -> Arc<Chunks> {
        Arc::new(Self::failing(array, unit, Fault::default(), Fault::default()))
    }

    pub fn failing(array: &Array, unit: &[usize], encoding: Fault, writing: Fault) -> Chunks {
        let info = array.info().unwrap().clone();
        let number = || AtomicU64::new(0);
        let (finished, abandoned) = (AtomicBool::new(false), AtomicBool::new(false));
        let (encoded, written, tried) = (number(), number(), number());
        let (finishing, kept) = (Fault::default(), None);
        Chunks { info, unit: Dims::from(unit), encoded, written, tried, finished, abandoned, encoding, writing, finishing, kept }
    }
}

impl Sink for Chunks {
    fn info(&self) -> &Info {
        &self.info
    }
    fn name(&self) -> String {
        "chunks".into()
    }
    fn unit(&self) -> Option<Dims> {
        Some(self.unit)
    }
    fn encoded_bytes(&self, region: &Region) -> u64 {
        (region.shape.count() * self.info.dtype.size()) as u64
    }
    fn begin(&self, _: &Identity) -> Result<()> {
        Ok(())
    }
    fn encode(&self, region: &Region, decoded: &[u8]) -> Result<Vec<u8>> {
        assert_eq!(decoded.len(), region.shape.count() * self.info.dtype.size());
        self.encoding.check(self.encoded.fetch_add(1, Ordering::Relaxed), "the encoder")?;
        Ok(decoded.to_vec())
    }
    fn write(&self, region: &Region, encoded: &[u8]) -> Result<Vec<u8>> {
        self.writing.check(self.tried.fetch_add(1, Ordering::Relaxed), "the disk")?;
        if let Some(kept) = &self.kept {
            kept.lock().unwrap().insert(region.start.to_vec(), encoded.to_vec());
        }
        self.written.fetch_add(1, Ordering::Relaxed);
        Ok(Vec::new())
    }
    fn finish(&self) -> Result<()> {
        self.finishing.check(0, "the disk")?;
        self.finished.store(true, Ordering::Relaxed);
        Ok(())
    }
    fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }
}

/// A small computer.
pub fn machine(memory: u64) -> Machine {
    Machine { threads: 2, memory, cache: 1 << 20, tile: None, device: "auto".into(), vram: 1 << 30, gpus: 1, verify: 0 }
}

/// A flow for a pass of a plan, from its beginning.
pub fn flow<'p>(plan: &'p Plan, outputs: &[Output], pass: usize) -> Flow<'p> {
    flow_after(plan, outputs, pass, Vec::new())
}

/// The same where some of the sinks' units were written before.
pub fn flow_after<'p>(plan: &'p Plan, outputs: &[Output], pass: usize, done: Vec<Done>) -> Flow<'p> {
    let pass = &plan.passes[pass];
    let units = stackmill::run::sink_units(pass, outputs);
    Flow::new(pass, Setup { units, done, folded: false }).unwrap()
}

/// Runs a plan without a journal.
pub fn play(plan: &Plan, outputs: &[Output], device: &dyn stackmill::device::Device, observe: Observer<'_>) -> Result<Summary> {
    run(&Job { plan, outputs, device, identity: &Identity(String::new()), place: None, readings: &[], observe })
}
