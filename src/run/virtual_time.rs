//! Plays a flow in virtual time: an event heap, seeded delays, no thread and no element. Finds lock-ups and overruns.
//! It does not know real devices; delays come from a seed.

use super::flow::{Command, Event, Flow};
use crate::error::{Error, Result};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// What a virtual run found.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct VirtualReport {
    /// Virtual time at the end.
    pub makespan: u64,
    /// The most bytes that the ledger held.
    pub peak: u64,
    /// Units read, repeats counted.
    pub reads: u64,
    /// Tiles computed.
    pub launches: u64,
    /// Commit units written.
    pub writes: u64,
}

/// How many of each kind work at once.
#[derive(Clone, Copy, Debug)]
pub struct Servers {
    /// Readers.
    pub readers: usize,
    /// Workers.
    pub workers: usize,
}

/// A small generator of delays (splitmix64).
struct Delays(u64);

impl Delays {
    fn next(&mut self, mean: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // One in sixteen takes sixteen times as long: stragglers are what reorders a pipeline.
        let slow = if z.is_multiple_of(16) { 16 } else { 1 };
        1 + (z >> 8) % (2 * mean) * slow
    }
}

/// Runs a flow to its end.
///
/// # Errors
/// A flow that stops before its end, or a ledger above its limit.
pub fn run(flow: &mut Flow<'_>, servers: Servers, seed: u64) -> Result<VirtualReport> {
    let mut report = VirtualReport::default();
    let mut delays = Delays(seed);
    let mut heap: BinaryHeap<Reverse<(u64, u64, usize)>> = BinaryHeap::new();
    let mut pending: Vec<Command> = Vec::new();
    let mut queues: [VecDeque<Command>; 3] = Default::default();
    let mut idle = [servers.readers, servers.workers, 1];
    let mut now = 0;
    let mut waiting: VecDeque<Command> = flow.step(Event::Start)?.into();
    loop {
        while let Some(command) = waiting.pop_front() {
            match command {
                Command::Join(tile) => waiting.extend(flow.step(Event::Joined(tile))?),
                Command::Drop(_) | Command::Free(_) | Command::Finish => {}
                other => queues[lane(other)].push_back(other),
            }
            if flow.ledger().held() > flow.ledger().limit() {
                return Err(Error::bug("the ledger holds more than its limit"));
            }
        }
        for kind in 0..3 {
            while idle[kind] > 0 && !queues[kind].is_empty() {
                let Some(command) = take(&mut queues[kind]) else { break };
                idle[kind] -= 1;
                pending.push(command);
                heap.push(Reverse((now + delays.next(mean(command)), pending.len() as u64 - 1, kind)));
            }
        }
        let Some(Reverse((time, index, kind))) = heap.pop() else { break };
        now = time;
        idle[kind] += 1;
        let event = done(pending[usize::try_from(index).unwrap_or(0)], &mut report)?;
        waiting.extend(flow.step(event)?);
    }
    if !flow.finished() {
        let (done, all) = flow.progress();
        return Err(Error::bug(format!("the flow stopped after {done} of {all} tiles")));
    }
    report.makespan = now;
    report.peak = flow.ledger().peak();
    report.reads = flow.reads();
    Ok(report)
}

/// Which servers do a command: readers, workers, the writer.
fn lane(command: Command) -> usize {
    match command {
        Command::Read(_) => 0,
        Command::Write(_) => 2,
        _ => 1,
    }
}

/// The furthest-downstream command of a queue.
fn take(queue: &mut VecDeque<Command>) -> Option<Command> {
    let best = (0..queue.len()).max_by_key(|k| (super::threads::urgency(&queue[*k]), Reverse(*k)))?;
    queue.remove(best)
}

fn mean(command: Command) -> u64 {
    match command {
        Command::Read(_) => 40,
        Command::Decode(_) => 20,
        Command::Launch(_) => 100,
        Command::Encode(_) => 30,
        _ => 25,
    }
}

fn done(command: Command, report: &mut VirtualReport) -> Result<Event> {
    Ok(match command {
        Command::Read(unit) => Event::Read(unit),
        Command::Decode(unit) => Event::Decoded(unit),
        Command::Launch(tile) => {
            report.launches += 1;
            Event::Launched(tile)
        }
        Command::Encode(part) => Event::Encoded(part),
        Command::Write(part) => {
            report.writes += 1;
            Event::Written(part)
        }
        other => return Err(Error::bug(format!("{other:?} takes no time"))),
    })
}
