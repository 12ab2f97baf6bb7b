//! Plays a flow in virtual time: an event heap, seeded delays, scripted faults, no thread and no element. Finds lock-ups,
//! overruns and idle lanes. It does not know real devices; how long a lane takes comes from a script.

use super::command::{Command, Event};
use super::event::Lane;
use super::flow::Flow;
use crate::error::{Error, Result};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// What a virtual run found.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct VirtualReport {
    /// Virtual time at the end.
    pub makespan: u64,
    /// Time that each lane worked, its servers together; in the order of [`Lane::ALL`].
    pub busy: [u64; 5],
    /// The most bytes that the ledger held.
    pub peak: u64,
    /// Units read, repeats counted.
    pub reads: u64,
    /// Tiles computed.
    pub launches: u64,
    /// Commit units written.
    pub writes: u64,
    /// Events that the flow took.
    pub steps: u64,
    /// The command whose failure stopped the run.
    pub stopped_by: Option<Command>,
}

/// How many of each kind work at once; there is one writer.
#[derive(Clone, Copy, Debug)]
pub struct Servers {
    /// Readers.
    pub readers: usize,
    /// Workers: they decode, compute and encode.
    pub workers: usize,
}

/// How delays spread around their mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Evenly from half the mean to one and a half.
    Half,
    /// Evenly up to twice the mean; one in sixteen takes sixteen times as long: stragglers are what reorders a pipeline.
    Stragglers,
}

/// What happens to a command that fails: whether the failure may pass.
pub type Fault = Option<bool>;

/// How a virtual run goes.
#[derive(Clone, Copy)]
pub struct Script<'s> {
    /// Who works.
    pub servers: Servers,
    /// The mean time of a piece of work, in the order of [`Lane::ALL`].
    pub means: [u64; 5],
    /// How times spread.
    pub spread: Spread,
    /// Where times come from.
    pub seed: u64,
    /// Which commands fail, given how many have been done before.
    pub fails: &'s dyn Fn(Command, u64) -> Fault,
}

impl Script<'_> {
    /// A script without faults, of lanes that take what lanes usually take.
    #[must_use]
    pub fn usual(servers: Servers, seed: u64) -> Script<'static> {
        Script { servers, means: [40, 20, 100, 30, 25], spread: Spread::Stragglers, seed, fails: &|_, _| None }
    }
}

/// A small generator of delays (splitmix64).
struct Delays(u64, Spread);

impl Delays {
    fn next(&mut self, mean: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        match self.1 {
            Spread::Half => mean / 2 + (z >> 8) % (mean + 1),
            Spread::Stragglers => 1 + (z >> 8) % (2 * mean) * if z.is_multiple_of(16) { 16 } else { 1 },
        }
    }
}

/// A run under way.
struct Playing<'f, 'p, 's> {
    flow: &'f mut Flow<'p>,
    script: Script<'s>,
    delays: Delays,
    heap: BinaryHeap<Reverse<(u64, u64, usize)>>,
    pending: std::collections::HashMap<u64, Command>,
    queues: [VecDeque<Command>; 3],
    idle: [usize; 3],
    begun: u64,
    now: u64,
    report: VirtualReport,
}

/// Runs a flow to its end, or to the first failure that it does not get over.
///
/// # Errors
/// A flow that stops before its end, or a ledger above its limit.
pub fn run(flow: &mut Flow<'_>, script: &Script<'_>) -> Result<VirtualReport> {
    let mut playing = Playing {
        flow,
        delays: Delays(script.seed, script.spread),
        idle: [script.servers.readers, script.servers.workers, 1],
        script: *script,
        heap: BinaryHeap::new(),
        pending: std::collections::HashMap::new(),
        queues: Default::default(),
        begun: 0,
        now: 0,
        report: VirtualReport::default(),
    };
    playing.tell(Event::Start)?;
    while playing.report.stopped_by.is_none() {
        playing.hand_out();
        let Some(Reverse((time, number, kind))) = playing.heap.pop() else { break };
        playing.now = time;
        playing.idle[kind] += 1;
        playing.finish(number)?;
    }
    if !playing.flow.finished() && playing.report.stopped_by.is_none() {
        let (done, all) = playing.flow.progress();
        return Err(Error::bug(format!("the flow stopped after {done} of {all} tiles")));
    }
    let ledger = playing.flow.ledger();
    (playing.report.makespan, playing.report.peak, playing.report.reads) = (playing.now, ledger.peak(), playing.flow.reads());
    Ok(playing.report)
}

impl Playing<'_, '_, '_> {
    /// Gives an event to the flow and queues what it tells.
    fn tell(&mut self, event: Event) -> Result<()> {
        let mut events = vec![event];
        let mut commands = Vec::new();
        while let Some(event) = events.pop() {
            self.report.steps += 1;
            self.flow.step(event, &mut commands)?;
            for command in commands.drain(..) {
                match command {
                    Command::Join(tile) => events.push(Event::Joined(tile)),
                    Command::Drop(_) | Command::Free(_) | Command::Finish => {}
                    other => self.queues[server(other)].push_back(other),
                }
            }
            if self.flow.ledger().held() > self.flow.ledger().limit() {
                return Err(Error::bug("the ledger holds more than its limit"));
            }
        }
        Ok(())
    }

    /// Gives queued commands to idle servers, the furthest downstream first.
    fn hand_out(&mut self) {
        for kind in 0..3 {
            while self.idle[kind] > 0 {
                let Some(command) = take(&mut self.queues[kind]) else { break };
                let lane = lane(command);
                let delay = self.delays.next(self.script.means[lane]);
                self.idle[kind] -= 1;
                self.report.busy[lane] += delay;
                self.pending.insert(self.begun, command);
                self.heap.push(Reverse((self.now + delay, self.begun, kind)));
                self.begun += 1;
            }
        }
    }

    /// A piece of work is over: it is done, or fails as the script says.
    fn finish(&mut self, number: u64) -> Result<()> {
        let command = self.pending.remove(&number).ok_or_else(|| Error::bug("work that nobody began"))?;
        if let Some(passes) = (self.script.fails)(command, number) {
            match self.flow.again(command, passes) {
                Some(again) => self.queues[server(again)].push_back(again),
                None => self.report.stopped_by = Some(command),
            }
            return Ok(());
        }
        let event = match command {
            Command::Read(unit) => Event::Read(unit),
            Command::Decode(unit) => Event::Decoded(unit),
            Command::Launch(tile) => {
                self.report.launches += 1;
                Event::Launched(tile)
            }
            Command::Encode(part) => Event::Encoded(part),
            Command::Write(part) => {
                self.report.writes += 1;
                Event::Written(part)
            }
            other => return Err(Error::bug(format!("{other:?} takes no time"))),
        };
        self.tell(event)
    }
}

/// Plays a flow as fast as it goes, every piece of work done at once and in order: what deciding alone costs. Gives the number
/// of its steps.
///
/// # Errors
/// As [`run`].
pub fn at_once(flow: &mut Flow<'_>) -> Result<u64> {
    let (mut commands, mut events) = (Vec::new(), VecDeque::from([Event::Start]));
    let mut steps = 0;
    while let Some(event) = events.pop_front() {
        steps += 1;
        flow.step(event, &mut commands)?;
        events.extend(commands.drain(..).filter_map(|command| match command {
            Command::Read(unit) => Some(Event::Read(unit)),
            Command::Decode(unit) => Some(Event::Decoded(unit)),
            Command::Launch(tile) => Some(Event::Launched(tile)),
            Command::Encode(part) => Some(Event::Encoded(part)),
            Command::Write(part) => Some(Event::Written(part)),
            Command::Join(tile) => Some(Event::Joined(tile)),
            Command::Drop(_) | Command::Free(_) | Command::Finish => None,
        }));
    }
    if flow.finished() { Ok(steps) } else { Err(Error::bug("the flow stopped before its end")) }
}

/// The lane of a command, as a place in [`Lane::ALL`].
fn lane(command: Command) -> usize {
    let lane = match command {
        Command::Read(_) => Lane::Read,
        Command::Decode(_) => Lane::Decode,
        Command::Encode(_) => Lane::Encode,
        Command::Write(_) => Lane::Write,
        _ => Lane::Compute,
    };
    Lane::ALL.iter().position(|known| *known == lane).unwrap_or(0)
}

/// Which servers do a command: readers, workers, the writer.
fn server(command: Command) -> usize {
    match command {
        Command::Read(_) => 0,
        Command::Write(_) => 2,
        _ => 1,
    }
}

/// The furthest-downstream command of a queue.
fn take(queue: &mut VecDeque<Command>) -> Option<Command> {
    let best = (0..queue.len()).max_by_key(|k| (queue[*k].urgency(), Reverse(*k)))?;
    queue.remove(best)
}
