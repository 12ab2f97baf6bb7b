//! What happens next: a pure state machine from events to commands. Order, admission by bytes, cache, retries, commit.
//! It has no thread, clock or channel, and never sees an element: two drivers play it, one with threads, one in
//! virtual time.
//!
//! Tiles are admitted in sweep order when the ledger can hold their missing units, a bounded number before they are computed;
//! they are computed when there is room for their results, a bounded number before these are written. A unit stays until
//! the last tile that the plan keeps it for. Reads are told in the order of the tiles, a bounded number ahead of their
//! decoding, and commit units are encoded a bounded number ahead of their write, so what is on its way is bounded too. The
//! oldest tile never waits for a younger one, so the flow cannot lock up. Tiles that an earlier run wrote are passed over.

mod admit;

use super::command::{Command, Event, PartKey};
use super::done::Done;
use super::held::{Held, Unit};
use super::ledger::Ledger;
use crate::error::{Error, Result, bytes_text};
use crate::grid::{Dims, Grid, Region};
use crate::plan::{Cut, InputFrom, Pass, Touch, UnitKey, unit_grid};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// How often a command that failed is given again: reads and writes where the failure may pass, a decoding by reading once
/// more (what arrived may have been garbled on the way), a tile where its device says that it may pass.
const AGAIN: usize = 3;
const DECODED_AGAIN: usize = 1;

/// What a flow must know beside the pass.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The extents of each sink end's commit units; none where any region can be written.
    pub units: Vec<Option<Dims>>,
    /// What of each sink end was written before.
    pub done: Vec<Done>,
    /// Whether the results of the folds are known already.
    pub folded: bool,
}

/// A tile in flight.
struct Tile {
    needs: Vec<UnitKey>,
    missing: usize,
    /// Whether it was told to be computed: room for its results is taken.
    told: bool,
    launched: bool,
    parts_left: usize,
    joined: bool,
}

/// The state of one pass.
pub struct Flow<'p> {
    pass: &'p Pass,
    setup: Setup,
    touch: Touch<'p>,
    /// The units of each input, as they are read.
    grids: Vec<Option<Grid>>,
    ledger: Ledger,
    /// Stored bytes of units that are read and not yet decoded.
    stored: Ledger,
    units: Held,
    tiles: BTreeMap<usize, Tile>,
    to_read: VecDeque<UnitKey>,
    reading: usize,
    /// Streams of which a unit is being read or decoded; sources without streams have none.
    busy: HashSet<UnitKey>,
    to_encode: VecDeque<PartKey>,
    encoding: usize,
    /// Tiles that are not computed yet, and tiles whose results are held or being made.
    ahead: usize,
    behind: usize,
    failures: HashMap<Command, usize>,
    joins: bool,
    count: usize,
    next_tile: usize,
    next_join: usize,
    done: usize,
    passed_over: usize,
    reads: u64,
    finished: bool,
}

impl<'p> Flow<'p> {
    /// A flow for a pass.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn new(pass: &'p Pass, setup: Setup) -> Result<Flow<'p>> {
        Ok(Flow {
            pass,
            touch: Touch::holding(&pass.program, pass.sweep, &pass.costs.cuts)?,
            grids: (0..pass.program.inputs.len()).map(|input| unit_grid(&pass.program, input)).collect(),
            ledger: Ledger::new(pass.costs.ledger),
            stored: Ledger::new(pass.costs.reading.1),
            units: Held::new(pass.costs.units),
            tiles: BTreeMap::new(),
            to_read: VecDeque::new(),
            reading: 0,
            busy: HashSet::new(),
            to_encode: VecDeque::new(),
            encoding: 0,
            ahead: 0,
            behind: 0,
            failures: HashMap::new(),
            joins: !pass.program.folds.is_empty() && !setup.folded,
            setup,
            count: pass.sweep.tiles(),
            next_tile: 0,
            next_join: 0,
            done: 0,
            passed_over: 0,
            reads: 0,
            finished: false,
        })
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Tiles done, and how many there are.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.done, self.count)
    }

    /// Tiles that an earlier run wrote.
    #[must_use]
    pub fn passed_over(&self) -> usize {
        self.passed_over
    }

    /// How many units were asked for, repeats counted.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.reads
    }

    /// Whether [`Command::Finish`] was given.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.finished
    }

    /// Whether partial states are joined.
    #[must_use]
    pub fn joins(&self) -> bool {
        self.joins
    }

    /// The grid of an input's units, where it is read in units.
    #[must_use]
    pub fn grid(&self, input: usize) -> Option<&Grid> {
        self.grids.get(input)?.as_ref()
    }

    /// The grid of what is held of an input: its units, or pieces of them.
    #[must_use]
    pub fn held_grid(&self, input: usize) -> Option<&Grid> {
        self.touch.grid(input)
    }

    /// The pieces of a unit that are to be held, each with the part of the unit that it is; none where it is held whole.
    #[must_use]
    pub fn wanted(&self, unit: UnitKey) -> Option<Vec<(UnitKey, Region)>> {
        let pieces = self.cut(unit.0)?.pieces_of(self.grid(unit.0)?, unit);
        Some(pieces.filter(|(piece, _)| self.units.get(piece).is_some_and(|held| !held.ready)).collect())
    }

    fn cut(&self, input: usize) -> Option<Cut> {
        self.pass.costs.cuts.get(input).copied().flatten()
    }

    /// The unit that what is held is a piece of.
    fn unit_of(&self, held: UnitKey) -> UnitKey {
        self.cut(held.0).zip(self.grid(held.0)).map_or(held, |(cut, grid)| cut.unit_of(grid, held))
    }

    /// What a unit is held in.
    fn pieces_of(&self, unit: UnitKey) -> Vec<UnitKey> {
        let cut = self.cut(unit.0).zip(self.grid(unit.0));
        cut.map_or_else(|| vec![unit], |(cut, grid)| cut.pieces_of(grid, unit).map(|(piece, _)| piece).collect())
    }

    /// A bound on the stored bytes of a unit.
    fn stored_bytes(&self, (input, number): UnitKey) -> u64 {
        match (self.grid(input), &self.pass.program.inputs[input].from) {
            (Some(grid), InputFrom::Source(source)) => source.stored_bytes(&grid.counts().index_of(number)),
            _ => 0,
        }
    }

    /// The units, or pieces of units, that a tile reads of each input.
    #[must_use]
    pub fn needs(&self, tile: usize) -> &[UnitKey] {
        self.tiles.get(&tile).map(|t| t.needs.as_slice()).unwrap_or_default()
    }

    /// The region of a commit unit.
    #[must_use]
    pub fn part(&self, (tile, sink, part): PartKey) -> Region {
        let region = self.pass.sweep.region(tile);
        match self.commit_grid(sink) {
            None => region,
            Some(grid) => {
                let units = grid.touching(&region);
                let index = units.shape.index_of(part).zip_with(&units.start, |i, s| i + s);
                grid.region(&index)
            }
        }
    }

    fn commit_grid(&self, sink: usize) -> Option<Grid> {
        let unit = self.setup.units.get(sink).copied().flatten()?;
        Some(Grid::new(self.pass.program.domain, unit))
    }

    /// The numbers of a tile's commit units that no earlier run wrote.
    fn parts(&self, tile: usize, sink: usize) -> Vec<usize> {
        let Some(grid) = self.commit_grid(sink) else { return vec![0] };
        let count = grid.touching(&self.pass.sweep.region(tile)).shape.count();
        match self.setup.done.get(sink).filter(|done| !done.is_empty()) {
            None => (0..count).collect(),
            Some(done) => (0..count).filter(|part| !done.covers(&self.part((tile, sink, *part)), &grid)).collect(),
        }
    }

    /// Whether nothing of a tile is left to make.
    fn is_done(&self, tile: usize) -> bool {
        if self.joins {
            return false;
        }
        let region = self.pass.sweep.region(tile);
        (0..self.pass.program.sinks.len()).all(|sink| {
            let done = self.setup.done.get(sink).filter(|done| !done.is_empty());
            done.zip(self.commit_grid(sink)).is_some_and(|(done, grid)| done.covers(&region, &grid))
        })
    }

    /// Takes an event; adds what is to be done to `commands`.
    ///
    /// # Errors
    /// An event that does not belong to the state: a fault of the driver.
    pub fn step(&mut self, event: Event, commands: &mut Vec<Command>) -> Result<()> {
        match event {
            Event::Start => {}
            Event::Read(unit) => commands.push(Command::Decode(unit)),
            Event::Decoded(unit) => self.decoded(unit, commands)?,
            Event::Launched(tile) => self.launched(tile, commands)?,
            Event::Encoded(part) => commands.push(Command::Write(part)),
            Event::Written(part) => self.written(part, commands)?,
            Event::Joined(tile) => {
                self.tile(tile)?.joined = true;
                self.next_join = tile + 1;
                self.join_next(commands);
                self.settle(tile, commands)?;
            }
        }
        self.admit(commands)?;
        self.read_ahead(commands)?;
        if self.done == self.count && !self.finished {
            self.finished = true;
            self.drop_units(|_| true, commands);
            commands.push(Command::Finish);
        }
        Ok(())
    }

    /// What to do in place of a command that failed; none where the failure stops the run. `passes` says whether the failure
    /// may be over when it is tried again.
    pub fn again(&mut self, failed: Command, passes: bool) -> Option<Command> {
        let (most, instead) = match failed {
            Command::Read(_) | Command::Write(_) | Command::Launch(_) if passes => (AGAIN, failed),
            Command::Decode(unit) => (DECODED_AGAIN, Command::Read(unit)),
            _ => return None,
        };
        let count = self.failures.entry(failed).or_insert(0);
        *count += 1;
        (*count <= most).then_some(instead)
    }

    /// How often a command has failed.
    #[must_use]
    pub fn failures(&self, command: Command) -> usize {
        self.failures.get(&command).copied().unwrap_or(0)
    }

    fn tile(&mut self, tile: usize) -> Result<&mut Tile> {
        self.tiles.get_mut(&tile).ok_or_else(|| Error::bug(format!("an event of tile {tile}, which is not in flight")))
    }

    fn decoded(&mut self, key: UnitKey, commands: &mut Vec<Command>) -> Result<()> {
        let mut waiting = Vec::new();
        for piece in self.pieces_of(key) {
            let Some(held) = self.units.get_mut(&piece).filter(|held| !held.ready) else { continue };
            held.ready = true;
            waiting.append(&mut held.waiting);
            // Tiles that were passed over meanwhile leave what only they would have read.
            if held.users == 0 && held.last_use < self.next_tile {
                self.drop_unit(piece, commands);
            }
        }
        self.stored.release(self.stored_bytes(key));
        self.reading -= 1;
        if let Some(stream) = self.stream(key) {
            self.busy.remove(&stream);
        }
        for tile in waiting {
            self.tile(tile)?.missing -= 1;
        }
        self.launch_ready(commands)
    }

    /// Tells tiles to be computed whose units are there, while there is room for results; the last room is the oldest's.
    fn launch_ready(&mut self, commands: &mut Vec<Command>) -> Result<()> {
        let mut oldest = true;
        for (number, tile) in self.tiles.iter_mut().filter(|(_, tile)| !tile.told) {
            let room = self.pass.costs.behind.saturating_sub(self.behind);
            if room == 0 {
                return Ok(());
            }
            if tile.missing == 0 && (oldest || room > 1) {
                if !self.ledger.take(self.pass.result_bytes(*number)) {
                    return Err(Error::bug(format!("the ledger has no room for the results of tile {number}")));
                }
                tile.told = true;
                self.behind += 1;
                commands.push(Command::Launch(*number));
            } else {
                oldest = false;
            }
        }
        Ok(())
    }

    fn launched(&mut self, tile: usize, commands: &mut Vec<Command>) -> Result<()> {
        let needs = std::mem::take(&mut self.tile(tile)?.needs);
        for key in needs {
            let Some(unit) = self.units.get_mut(&key) else { continue };
            unit.users -= 1;
            if unit.users == 0 && unit.last_use < self.next_tile {
                self.drop_unit(key, commands);
            }
        }
        for sink in 0..self.pass.program.sinks.len() {
            let parts = self.parts(tile, sink);
            self.tile(tile)?.parts_left += parts.len();
            self.to_encode.extend(parts.into_iter().map(|part| (tile, sink, part)));
        }
        self.tile(tile)?.launched = true;
        self.ahead -= 1;
        self.encode_ahead(commands);
        self.join_next(commands);
        self.settle(tile, commands)
    }

    fn written(&mut self, (tile, ..): PartKey, commands: &mut Vec<Command>) -> Result<()> {
        self.encoding -= 1;
        self.encode_ahead(commands);
        self.tile(tile)?.parts_left -= 1;
        self.settle(tile, commands)
    }

    /// Tells parts to be encoded while there is room between encoding and write.
    fn encode_ahead(&mut self, commands: &mut Vec<Command>) {
        while self.encoding < self.pass.costs.writing.0.max(1) {
            let Some(part) = self.to_encode.pop_front() else { return };
            self.encoding += 1;
            commands.push(Command::Encode(part));
        }
    }

    /// Tells units to be read while there is room between read and decoding; of a stream one at a time.
    fn read_ahead(&mut self, commands: &mut Vec<Command>) -> Result<()> {
        let mut passed_by = 0;
        while self.reading < self.pass.costs.reading.0.max(1) {
            let Some(key) = self.to_read.get(passed_by).copied() else { return Ok(()) };
            let stream = self.stream(key);
            if stream.is_some_and(|stream| self.busy.contains(&stream)) {
                passed_by += 1;
                continue;
            }
            let bytes = self.stored_bytes(key);
            if !self.stored.take(bytes) {
                if self.reading > 0 {
                    return Ok(());
                }
                let limit = bytes_text(self.stored.limit());
                return Err(Error::bug(format!("a unit of {} where the largest is to have {limit}", bytes_text(bytes))));
            }
            self.to_read.remove(passed_by);
            self.busy.extend(stream);
            self.reading += 1;
            self.reads += 1;
            commands.push(Command::Read(key));
        }
        Ok(())
    }

    /// The stream that a unit is a part of: its first unit.
    fn stream(&self, (input, number): UnitKey) -> Option<UnitKey> {
        let axis = self.pass.program.in_order(input)?.axis;
        let counts = self.grid(input)?.counts();
        Some((input, counts.linear_of(&counts.index_of(number).with(axis, 0))))
    }

    /// Tells the next tile in order to join, if it is computed; without folds there is nothing to join.
    fn join_next(&mut self, commands: &mut Vec<Command>) {
        if let Some(tile) = self.tiles.get(&self.next_join)
            && tile.launched
            && !tile.joined
            && self.joins
        {
            commands.push(Command::Join(self.next_join));
            // The driver joins one tile at a time; the next is told when this one is reported.
            self.next_join = usize::MAX;
        }
    }

    /// Frees a tile whose results are all used.
    fn settle(&mut self, number: usize, commands: &mut Vec<Command>) -> Result<()> {
        let joins = self.joins;
        let tile = self.tile(number)?;
        if tile.launched && tile.parts_left == 0 && (tile.joined || !joins) {
            self.tiles.remove(&number);
            self.ledger.release(self.pass.result_bytes(number));
            self.behind -= 1;
            self.done += 1;
            commands.push(Command::Free(number));
            self.launch_ready(commands)?;
        }
        Ok(())
    }

    fn drop_units(&mut self, dead: impl Fn(&Unit) -> bool, commands: &mut Vec<Command>) {
        self.units.ready(dead).into_iter().for_each(|key| self.drop_unit(key, commands));
    }

    fn drop_unit(&mut self, key: UnitKey, commands: &mut Vec<Command>) {
        if self.units.forget(key, &mut self.ledger) {
            commands.push(Command::Drop(key));
        }
    }
}
