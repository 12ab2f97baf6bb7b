//! What happens next: a pure state machine from events to commands. Order, admission by bytes, cache, commit.
//! It has no thread, clock or channel, and never sees an element: two drivers play it, one with threads, one in
//! virtual time.
//!
//! Tiles are admitted in sweep order when the ledger can hold their missing units and their results. A unit stays until
//! the last tile that needs it; under pressure the unit needed furthest in the future goes first and is read again. The
//! oldest tile in flight never waits for a younger one, so the flow cannot lock up.

use super::keep::LastUse;
use super::ledger::Ledger;
use crate::error::{Error, Result, bytes_text};
use crate::grid::{Dims, Grid, Region, indices};
use crate::plan::{InputFrom, Pass, input_regions};
use std::collections::{BTreeMap, HashMap};

/// A unit: which input, which number in its grid.
pub type UnitKey = (usize, usize);

/// A commit unit of a tile: which tile, which sink end, which unit of the tile.
pub type PartKey = (usize, usize, usize);

/// What a driver is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Read a unit's stored bytes.
    Read(UnitKey),
    /// Decode them.
    Decode(UnitKey),
    /// Forget a decoded unit.
    Drop(UnitKey),
    /// Compute a tile.
    Launch(usize),
    /// Encode one commit unit of a tile.
    Encode(PartKey),
    /// Write it.
    Write(PartKey),
    /// Join a tile's partial states; tiles come in order.
    Join(usize),
    /// Forget a tile's results.
    Free(usize),
    /// Every tile is done.
    Finish,
}

/// What a driver reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The run begins.
    Start,
    /// A unit's stored bytes are there.
    Read(UnitKey),
    /// A unit is decoded.
    Decoded(UnitKey),
    /// A tile is computed.
    Launched(usize),
    /// A commit unit is encoded.
    Encoded(PartKey),
    /// A commit unit is written.
    Written(PartKey),
    /// A tile's partial states are joined.
    Joined(usize),
}

/// A unit that is held or on its way.
struct Unit {
    decoded: u64,
    stored: u64,
    ready: bool,
    users: usize,
    last_use: usize,
    waiting: Vec<usize>,
}

/// A tile in flight.
struct Tile {
    needs: Vec<UnitKey>,
    missing: usize,
    out: u64,
    launched: bool,
    parts_left: usize,
    joined: bool,
}

/// The state of one pass.
pub struct Flow<'p> {
    pass: &'p Pass,
    sink_units: Vec<Option<Dims>>,
    grids: Vec<Option<Grid>>,
    last_use: LastUse,
    ledger: Ledger,
    units: HashMap<UnitKey, Unit>,
    tiles: BTreeMap<usize, Tile>,
    next_tile: usize,
    next_join: usize,
    done: usize,
    reads: u64,
    finished: bool,
}

impl<'p> Flow<'p> {
    /// A flow for a pass whose sink ends have these commit units.
    ///
    /// # Errors
    /// A program that reads values that do not exist.
    pub fn new(pass: &'p Pass, sink_units: Vec<Option<Dims>>) -> Result<Flow<'p>> {
        let grids = pass
            .program
            .inputs
            .iter()
            .map(|input| match &input.from {
                InputFrom::Source(source) if source.lend().is_none() => Some(Grid::new(input.info.shape, source.unit())),
                _ => None,
            })
            .collect();
        Ok(Flow {
            pass,
            sink_units,
            grids,
            last_use: LastUse::new(pass)?,
            ledger: Ledger::new(pass.costs.ledger),
            units: HashMap::new(),
            tiles: BTreeMap::new(),
            next_tile: 0,
            next_join: 0,
            done: 0,
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
        (self.done, self.pass.sweep.tiles())
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

    /// The grid of an input's units, where it is read in units.
    #[must_use]
    pub fn grid(&self, input: usize) -> Option<&Grid> {
        self.grids.get(input).and_then(Option::as_ref)
    }

    /// The units that a tile reads of each input.
    #[must_use]
    pub fn needs(&self, tile: usize) -> &[UnitKey] {
        self.tiles.get(&tile).map(|t| t.needs.as_slice()).unwrap_or_default()
    }

    /// The region of a commit unit.
    #[must_use]
    pub fn part(&self, (tile, sink, part): PartKey) -> Region {
        let region = self.pass.sweep.region(tile);
        match self.sink_units.get(sink).copied().flatten() {
            None => region,
            Some(unit) => {
                let grid = Grid::new(self.pass.program.domain, unit);
                let units = grid.touching(&region);
                let index = units.shape.index_of(part).zip_with(&units.start, |i, s| i + s);
                grid.region(&index)
            }
        }
    }

    fn parts(&self, tile: usize, sink: usize) -> usize {
        let region = self.pass.sweep.region(tile);
        match self.sink_units.get(sink).copied().flatten() {
            None => 1,
            Some(unit) => Grid::new(self.pass.program.domain, unit).touching(&region).shape.count(),
        }
    }

    /// Takes an event, gives commands.
    ///
    /// # Errors
    /// An event that does not belong to the state: a fault of the driver.
    pub fn step(&mut self, event: Event) -> Result<Vec<Command>> {
        let mut commands = Vec::new();
        match event {
            Event::Start => {}
            Event::Read(unit) => commands.push(Command::Decode(unit)),
            Event::Decoded(unit) => self.decoded(unit, &mut commands)?,
            Event::Launched(tile) => self.launched(tile, &mut commands)?,
            Event::Encoded(part) => commands.push(Command::Write(part)),
            Event::Written((tile, ..)) => {
                self.tile(tile)?.parts_left -= 1;
                self.settle(tile, &mut commands)?;
            }
            Event::Joined(tile) => {
                self.tile(tile)?.joined = true;
                self.next_join = tile + 1;
                self.join_next(&mut commands);
                self.settle(tile, &mut commands)?;
            }
        }
        self.admit(&mut commands)?;
        if self.done == self.pass.sweep.tiles() && !self.finished {
            self.finished = true;
            self.drop_units(|_| true, &mut commands);
            commands.push(Command::Finish);
        }
        Ok(commands)
    }

    fn tile(&mut self, tile: usize) -> Result<&mut Tile> {
        self.tiles.get_mut(&tile).ok_or_else(|| Error::bug(format!("an event of tile {tile}, which is not in flight")))
    }

    fn decoded(&mut self, key: UnitKey, commands: &mut Vec<Command>) -> Result<()> {
        let unit = self.units.get_mut(&key).ok_or_else(|| Error::bug(format!("unit {key:?} was decoded and not asked for")))?;
        unit.ready = true;
        self.ledger.release(unit.stored);
        unit.stored = 0;
        for tile in std::mem::take(&mut unit.waiting) {
            let tile_state = self.tile(tile)?;
            tile_state.missing -= 1;
            if tile_state.missing == 0 {
                commands.push(Command::Launch(tile));
            }
        }
        Ok(())
    }

    fn launched(&mut self, tile: usize, commands: &mut Vec<Command>) -> Result<()> {
        let needs = std::mem::take(&mut self.tile(tile)?.needs);
        for key in needs {
            if let Some(unit) = self.units.get_mut(&key) {
                unit.users -= 1;
            }
        }
        let dead = self.next_tile;
        self.drop_units(|unit| unit.users == 0 && unit.last_use < dead, commands);
        for sink in 0..self.sink_units.len() {
            let parts = self.parts(tile, sink);
            self.tile(tile)?.parts_left += parts;
            commands.extend((0..parts).map(|part| Command::Encode((tile, sink, part))));
        }
        self.tile(tile)?.launched = true;
        self.join_next(commands);
        self.settle(tile, commands)
    }

    /// Tells the next tile in order to join, if it is computed; without folds there is nothing to join.
    fn join_next(&mut self, commands: &mut Vec<Command>) {
        if let Some(tile) = self.tiles.get(&self.next_join)
            && tile.launched
            && !tile.joined
            && !self.pass.program.folds.is_empty()
        {
            commands.push(Command::Join(self.next_join));
            // The driver joins one tile at a time; the next is told when this one is reported.
            self.next_join = usize::MAX;
        }
    }

    /// Frees a tile whose results are all used.
    fn settle(&mut self, number: usize, commands: &mut Vec<Command>) -> Result<()> {
        let no_folds = self.pass.program.folds.is_empty();
        let tile = self.tile(number)?;
        if tile.launched && tile.parts_left == 0 && (tile.joined || no_folds) {
            let out = tile.out;
            self.tiles.remove(&number);
            self.ledger.release(out);
            self.done += 1;
            commands.push(Command::Free(number));
        }
        Ok(())
    }

    fn drop_units(&mut self, dead: impl Fn(&Unit) -> bool, commands: &mut Vec<Command>) {
        let mut keys: Vec<UnitKey> = self.units.iter().filter(|(_, u)| u.ready && dead(u)).map(|(k, _)| *k).collect();
        keys.sort_unstable();
        for key in keys {
            if let Some(unit) = self.units.remove(&key) {
                self.ledger.release(unit.decoded);
                commands.push(Command::Drop(key));
            }
        }
    }

    /// Admits tiles in order while the ledger can hold them.
    fn admit(&mut self, commands: &mut Vec<Command>) -> Result<()> {
        while self.next_tile < self.pass.sweep.tiles() && self.tiles.len() < self.pass.costs.depth {
            let needs = self.units_of(self.next_tile)?;
            let mut missing = 0;
            for key in needs.iter().filter(|k| !self.units.contains_key(*k)) {
                let (decoded, stored) = self.unit_bytes(*key);
                missing += decoded + stored;
            }
            let out = self.pass.costs.tile_out;
            if !self.ledger.take(missing + out) {
                if !self.tiles.is_empty() {
                    return Ok(());
                }
                self.make_room(&needs, missing + out, commands)?;
            }
            self.start_tile(needs, out, commands)?;
        }
        Ok(())
    }

    /// Nothing is in flight and the next tile does not fit: cached units go, furthest next use first.
    fn make_room(&mut self, needs: &[UnitKey], bytes: u64, commands: &mut Vec<Command>) -> Result<()> {
        let mut idle: Vec<(usize, UnitKey)> =
            self.units.iter().filter(|(k, u)| u.users == 0 && !needs.contains(k)).map(|(k, u)| (u.last_use, *k)).collect();
        idle.sort_unstable();
        while let Some((_, key)) = idle.pop() {
            self.drop_units_of(key, commands);
            if self.ledger.take(bytes) {
                return Ok(());
            }
        }
        let (held, limit) = (bytes_text(self.ledger.held()), bytes_text(self.ledger.limit()));
        Err(Error::bug(format!(
            "tile {} needs {} beside {held} held, the ledger's limit is {limit}",
            self.next_tile,
            bytes_text(bytes)
        )))
    }

    fn drop_units_of(&mut self, key: UnitKey, commands: &mut Vec<Command>) {
        if let Some(unit) = self.units.remove(&key) {
            self.ledger.release(unit.decoded);
            commands.push(Command::Drop(key));
        }
    }

    /// Enters the next tile, whose bytes the ledger holds already.
    fn start_tile(&mut self, needs: Vec<UnitKey>, out: u64, commands: &mut Vec<Command>) -> Result<()> {
        let tile = self.next_tile;
        self.next_tile += 1;
        let mut missing = 0;
        for key in &needs {
            if !self.units.contains_key(key) {
                let (decoded, stored) = self.unit_bytes(*key);
                let last_use = self.last_use_of(*key)?;
                self.reads += 1;
                self.units.insert(*key, Unit { decoded, stored, ready: false, users: 0, last_use, waiting: Vec::new() });
                commands.push(Command::Read(*key));
            }
            if let Some(unit) = self.units.get_mut(key) {
                unit.users += 1;
                if !unit.ready {
                    missing += 1;
                    unit.waiting.push(tile);
                }
            }
        }
        self.tiles.insert(tile, Tile { needs, missing, out, launched: false, parts_left: 0, joined: false });
        if missing == 0 {
            commands.push(Command::Launch(tile));
        }
        Ok(())
    }

    fn last_use_of(&mut self, (input, number): UnitKey) -> Result<usize> {
        let Some(Some(grid)) = self.grids.get(input).copied() else { return Ok(0) };
        self.last_use.tile(self.pass, input, &grid, &grid.counts().index_of(number))
    }

    /// Decoded and stored bytes of a unit.
    fn unit_bytes(&self, (input, number): UnitKey) -> (u64, u64) {
        let Some(Some(grid)) = self.grids.get(input) else { return (0, 0) };
        let index = grid.counts().index_of(number);
        let decoded = grid.region(&index).shape.count() * self.pass.program.element_bytes(input);
        match &self.pass.program.inputs[input].from {
            InputFrom::Source(source) => (decoded as u64, source.stored_bytes(&index)),
            InputFrom::Late(_) => (0, 0),
        }
    }

    fn units_of(&self, tile: usize) -> Result<Vec<UnitKey>> {
        let regions = input_regions(&self.pass.program, &self.pass.sweep.region(tile))?;
        let mut keys = Vec::new();
        for (input, boxes) in regions.iter().enumerate() {
            let Some(Some(grid)) = self.grids.get(input) else { continue };
            for part in boxes.parts() {
                keys.extend(indices(grid.touching(&part)).map(|index| (input, grid.counts().linear_of(&index))));
            }
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }
}
