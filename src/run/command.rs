//! What a flow tells its driver to do, and what the driver reports. Neither says how.

use crate::plan::UnitKey;

/// A commit unit of a tile: which tile, which sink end, which unit of the tile.
pub type PartKey = (usize, usize, usize);

/// What a driver is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

impl Command {
    /// How far downstream a command is: the further, the sooner it is done.
    #[must_use]
    pub fn urgency(&self) -> usize {
        match self {
            Command::Write(_) => 4,
            Command::Encode(_) => 3,
            Command::Launch(_) => 2,
            Command::Decode(_) => 1,
            _ => 0,
        }
    }
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
