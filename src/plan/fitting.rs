//! How much of a pass goes on at once: as many tiles as the room lets, and units kept for as many tiles as it lets.
//! It does not know what else takes room.

use super::budget::results_bytes;
use super::frontier::Frontier;
use super::pieces::Cut;
use super::program::Program;
use super::sweep::Sweep;
use crate::error::Result;
use crate::grid::Dims;

/// Pieces are not tried where whole units take more than so many times the room: they take half at best.
const HOPELESS: u64 = 2;

/// What a pass asks of the room that is left for its tiles, in bytes.
pub(super) struct Fitting<'f> {
    pub program: &'f Program,
    pub sweep: &'f Sweep,
    pub block: &'f Dims,
    pub left: u64,
    /// Results of a tile; a stored and an encoded unit; encoded units of a tile.
    pub tile_out: u64,
    pub stored: u64,
    pub encoded: u64,
    pub parts: usize,
    pub threads: usize,
    /// Units on their way to be decoded, where there is room.
    pub reading: usize,
}

/// How many tiles and units are on their way at once.
#[derive(Clone, Copy)]
pub(super) struct Flight {
    pub ahead: usize,
    pub behind: usize,
    pub reading: usize,
    pub writing: usize,
}

/// What is held: for tiles at the same place along how many axes, by how many at once, in how many bytes, in which pieces.
pub(super) struct Held {
    pub kept: usize,
    pub flight: Flight,
    pub units: u64,
    pub cuts: Vec<Option<Cut>>,
}

impl<'f> Fitting<'f> {
    /// Keeps units for as many tiles as there is room for, in pieces where they do not fit whole and `more` bytes for cutting do; at least
    /// for those at the same place along `most` axes.
    pub fn held(&self, frontier: &mut Frontier<'f>, most: usize, more: u64) -> Result<Held> {
        for kept in 0..=most {
            if let Some((flight, units)) = self.flight(frontier, kept, self.left)? {
                return Ok(Held { kept, flight, units, cuts: Vec::new() });
            }
            let Some(left) = self.left.checked_sub(more).filter(|_| more > 0) else { continue };
            let cuts = if frontier.held_in_the_middle(kept)? / HOPELESS > left {
                Vec::new()
            } else {
                frontier.cuts(self.program, kept)?
            };
            if !cuts.is_empty() {
                let mut in_pieces = Frontier::holding(self.program, *self.sweep, &cuts)?;
                if let Some((flight, units)) = self.flight(&mut in_pieces, kept, left)? {
                    return Ok(Held { kept, flight, units, cuts });
                }
            }
        }
        // Where nothing else fits: one tile, one unit on its way in, one on its way out.
        let flight = Flight { ahead: 1, behind: 1, reading: 1, writing: 1 };
        Ok(Held { kept: most, flight, units: frontier.held(1, most)?, cuts: Vec::new() })
    }

    /// As many tiles and units at once as there is room for; none where there is none for one.
    fn flight(&self, frontier: &mut Frontier<'f>, kept: usize, left: u64) -> Result<Option<(Flight, u64)>> {
        let others = self.tile_out + self.stored + self.encoded;
        if frontier.held_in_the_middle(kept)?.saturating_add(others) > left
            || frontier.held(1, kept)?.saturating_add(others) > left
        {
            return Ok(None);
        }
        let most = (self.threads + 1).min(self.sweep.tiles().max(1));
        let writing = |behind: usize| self.threads.max(2).min(self.parts * behind);
        for (ahead, behind) in (2..=most).rev().map(|n| (n, n)).chain([(1, 2.min(most)), (1, 1)]) {
            let units = frontier.held(ahead, kept)?;
            let tiles = units.saturating_add(results_bytes(self.program, self.sweep, self.block, behind));
            for (reading, writing) in [(self.reading, writing(behind)), (self.threads.min(self.reading), 2.min(writing(behind)))]
            {
                if tiles.saturating_add(reading as u64 * self.stored + writing as u64 * self.encoded) <= left {
                    return Ok(Some((Flight { ahead, behind, reading, writing }, units)));
                }
            }
        }
        Ok(None)
    }
}
