//! Which tiles begin, and what is taken in for them: units whole or in pieces.
//! It does not know what becomes of them.

use super::{Command, Flow, Tile};
use crate::error::{Error, Result, bytes_text};
use crate::plan::UnitKey;

impl Flow<'_> {
    /// Passes over tiles that an earlier run wrote, and forgets units that only they would have read.
    fn pass_over(&mut self, commands: &mut Vec<Command>) {
        let from = self.next_tile;
        while self.next_tile < self.count && self.is_done(self.next_tile) {
            self.next_tile += 1;
        }
        if self.next_tile > from {
            (self.done, self.passed_over) = (self.done + self.next_tile - from, self.passed_over + self.next_tile - from);
            let dead = self.next_tile;
            self.drop_units(|unit| unit.users == 0 && unit.last_use < dead, commands);
        }
    }

    /// Admits tiles in order while the ledger can hold them.
    pub(super) fn admit(&mut self, commands: &mut Vec<Command>) -> Result<()> {
        while self.ahead < self.pass.costs.ahead {
            self.pass_over(commands);
            if self.next_tile >= self.count {
                return Ok(());
            }
            let mut needs = Vec::new();
            self.touch.units(self.next_tile, &mut needs)?;
            let missing = self.missing_bytes(&needs)?;
            if !self.units.take(missing, &mut self.ledger) {
                if self.ahead > 0 {
                    return Ok(());
                }
                self.make_room(&needs, missing, commands)?;
            }
            self.start_tile(needs, commands)?;
        }
        Ok(())
    }

    /// No tile waits or computes and the next one does not fit: cached units go, furthest next use first.
    fn make_room(&mut self, needs: &[UnitKey], bytes: u64, commands: &mut Vec<Command>) -> Result<()> {
        let mut idle = self.units.idle(needs);
        while let Some(key) = idle.pop() {
            self.drop_unit(key, commands);
            if self.units.take(bytes, &mut self.ledger) {
                return Ok(());
            }
        }
        let (held, limit) = self.units.bytes();
        let (held, limit) = (bytes_text(held), bytes_text(limit));
        Err(Error::bug(format!(
            "tile {} needs units of {} beside {held} held, {limit} are meant for them",
            self.next_tile,
            bytes_text(bytes)
        )))
    }

    /// Enters the next tile, whose bytes the ledger holds already.
    fn start_tile(&mut self, needs: Vec<UnitKey>, commands: &mut Vec<Command>) -> Result<()> {
        let tile = self.next_tile;
        self.next_tile += 1;
        let mut missing = 0;
        for key in &needs {
            if !self.units.contains(key) {
                self.bring(*key, tile)?;
            }
            let unit = self.units.get_mut(key).ok_or_else(|| Error::bug(format!("unit {key:?} is needed and not brought")))?;
            unit.users += 1;
            // What an earlier tile found still holds: all up to then ask among the same tiles.
            if unit.last_use < tile || unit.users == 1 {
                unit.last_use = unit.last_use.max(self.touch.last_use(*key, tile, self.pass.costs.kept)?);
            }
            if !unit.ready {
                missing += 1;
                unit.waiting.push(tile);
            }
        }
        self.tiles.insert(tile, Tile { needs, missing, told: false, launched: false, parts_left: 0, joined: false });
        self.ahead += 1;
        self.launch_ready(commands)
    }

    /// Bytes of what comes with the units that a tile needs and nobody holds.
    fn missing_bytes(&mut self, needs: &[UnitKey]) -> Result<u64> {
        let (mut bytes, mut seen) = (0, Vec::new());
        for key in needs {
            if self.units.contains(key) {
                continue;
            }
            if self.cut(key.0).is_none() {
                bytes += self.held_bytes(*key);
                continue;
            }
            let unit = self.unit_of(*key);
            if !seen.contains(&unit) {
                seen.push(unit);
                bytes += self.coming(unit, self.next_tile)?.iter().map(|(piece, _)| self.held_bytes(*piece)).sum::<u64>();
            }
        }
        Ok(bytes)
    }

    /// Enters what comes with the unit that a tile needs this of, and has it read.
    fn bring(&mut self, key: UnitKey, tile: usize) -> Result<()> {
        let unit = self.unit_of(key);
        self.to_read.push_back(unit);
        if self.cut(key.0).is_none() {
            self.units.enter(key, self.held_bytes(key));
            return Ok(());
        }
        for (piece, last_use) in self.coming(unit, tile)? {
            self.units.enter(piece, self.held_bytes(piece)).last_use = last_use;
        }
        Ok(())
    }

    /// The pieces of a unit that nobody holds and some tile from this one on reads, each with the last one that does.
    fn coming(&mut self, unit: UnitKey, tile: usize) -> Result<Vec<(UnitKey, usize)>> {
        let mut coming = Vec::new();
        for piece in self.pieces_of(unit) {
            let last_use = self.touch.last_use(piece, tile, self.pass.costs.kept)?;
            if last_use >= tile && !self.units.contains(&piece) {
                coming.push((piece, last_use));
            }
        }
        Ok(coming)
    }

    /// Decoded bytes of a unit, or of a piece of one, as it is held.
    fn held_bytes(&self, (input, number): UnitKey) -> u64 {
        let Some(grid) = self.touch.grid(input) else { return 0 };
        let shape = grid.region(&grid.counts().index_of(number)).shape;
        (shape.count() * self.pass.program.element_bytes(input)) as u64
    }
}
