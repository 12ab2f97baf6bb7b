//! What a pass holds while it runs: stored units, decoded units, results of tiles, encoded commit units.
//! It decides nothing: the flow says when each is made and dropped.

use super::LateValues;
use super::command::PartKey;
use super::flow::Flow;
use crate::device::{InputData, Launched};
use crate::error::{Error, Result};
use crate::plan::{InputFrom, Pass, UnitKey};
use crate::tile::{Buffer, Tile};
use std::collections::HashMap;
use std::sync::Arc;

/// The data of one pass.
#[derive(Default)]
pub(crate) struct Store {
    /// Stored bytes of units that were read and are not yet decoded.
    pub stored: HashMap<UnitKey, Option<Vec<u8>>>,
    /// Decoded units.
    pub units: HashMap<UnitKey, Arc<Buffer>>,
    /// Results of tiles.
    pub launched: HashMap<usize, Arc<Launched>>,
    /// Encoded commit units that are not yet written.
    pub encoded: HashMap<PartKey, Arc<Encoded>>,
}

/// An encoded commit unit, with its checksum where a journal is to note it.
pub(crate) struct Encoded {
    pub bytes: Vec<u8>,
    pub sum: u32,
}

impl Store {
    /// What a tile reads of each input.
    pub fn inputs<'p>(&self, flow: &Flow<'p>, pass: &'p Pass, late: &LateValues, tile: usize) -> Result<Vec<InputData<'p>>> {
        let mut inputs = Vec::with_capacity(pass.program.inputs.len());
        for (number, input) in pass.program.inputs.iter().enumerate() {
            inputs.push(match (&input.from, flow.held_grid(number)) {
                (InputFrom::Late(key), _) => {
                    InputData::Late(late.get(key).cloned().ok_or_else(|| Error::bug("a late value is read before it is made"))?)
                }
                (InputFrom::Source(source), None) => {
                    InputData::Lent(source.lend().ok_or_else(|| Error::bug("a source that lends nothing and has no units"))?)
                }
                (InputFrom::Source(_), Some(grid)) => {
                    let keys = flow.needs(tile).iter().filter(|key| key.0 == number);
                    let found = |key: &UnitKey| {
                        let unit = self.units.get(key).cloned();
                        unit.map(|u| (key.1, u)).ok_or_else(|| Error::bug(format!("unit {key:?} is needed and not there")))
                    };
                    InputData::Units { grid: *grid, units: keys.map(found).collect::<Result<_>>()? }
                }
            });
        }
        Ok(inputs)
    }

    /// The result of a tile for one sink end.
    pub fn tile(&self, tile: usize, sink: usize) -> Result<(Arc<Launched>, usize)> {
        let launched = self.launched.get(&tile).cloned().filter(|l| sink < l.tiles.len());
        launched.map(|l| (l, sink)).ok_or_else(|| Error::bug(format!("tile {tile} has no result {sink}")))
    }
}

/// The bytes of a box of a tile: lent where the box is the whole tile, else copied together.
pub(crate) fn part_bytes<'t>(tile: &'t Tile, region: &crate::grid::Region, copy: &'t mut Buffer) -> &'t [u8] {
    if region.shape == tile.shape {
        return tile.data.bytes();
    }
    let start = crate::grid::Dims::filled(region.shape.len(), 0);
    copy.resize(region.shape.count() * tile.dtype.size());
    crate::tile::copy_view(&tile.view().crop(region), copy.bytes_mut(), &region.shape, &start);
    copy.bytes()
}
