//! The units that a pass holds or awaits: who waits for each, who uses it, until which tile it is kept.
//! It decides nothing about tiles; the flow says what is taken in, used and dropped.

use super::ledger::Ledger;
use crate::plan::UnitKey;
use rustc_hash::FxHashMap;

/// A unit that is held or on its way.
pub(super) struct Unit {
    /// Bytes when it is decoded.
    pub decoded: u64,
    /// Whether it is decoded.
    pub ready: bool,
    /// Tiles that are not computed yet and read it.
    pub users: usize,
    /// The last tile that it is kept for.
    pub last_use: usize,
    /// Tiles that wait for it.
    pub waiting: Vec<usize>,
}

/// All of them, never more bytes than are meant for them.
pub(super) struct Held {
    units: FxHashMap<UnitKey, Unit>,
    bytes: u64,
    limit: u64,
}

impl Held {
    pub fn new(limit: u64) -> Held {
        Held { units: FxHashMap::default(), bytes: 0, limit }
    }

    /// Bytes of the units in the ledger, and the most that are meant for them.
    pub fn bytes(&self) -> (u64, u64) {
        (self.bytes, self.limit)
    }

    pub fn contains(&self, key: &UnitKey) -> bool {
        self.units.contains_key(key)
    }

    pub fn get(&self, key: &UnitKey) -> Option<&Unit> {
        self.units.get(key)
    }

    pub fn get_mut(&mut self, key: &UnitKey) -> Option<&mut Unit> {
        self.units.get_mut(key)
    }

    /// Takes decoded bytes for units that come, if they fit; all or nothing.
    pub fn take(&mut self, bytes: u64, ledger: &mut Ledger) -> bool {
        let fits = self.bytes + bytes <= self.limit && ledger.take(bytes);
        self.bytes += if fits { bytes } else { 0 };
        fits
    }

    /// Enters a unit, whose bytes were taken.
    pub fn enter(&mut self, key: UnitKey, decoded: u64) -> &mut Unit {
        let unit = Unit { decoded, ready: false, users: 0, last_use: 0, waiting: Vec::new() };
        self.units.entry(key).insert_entry(unit).into_mut()
    }

    /// Forgets a unit and gives its bytes back; false where there is none.
    pub fn forget(&mut self, key: UnitKey, ledger: &mut Ledger) -> bool {
        let Some(unit) = self.units.remove(&key) else { return false };
        ledger.release(unit.decoded);
        self.bytes -= unit.decoded;
        true
    }

    /// The decoded units of which something is true, in order.
    pub fn ready(&self, is: impl Fn(&Unit) -> bool) -> Vec<UnitKey> {
        let mut keys: Vec<UnitKey> = self.units.iter().filter(|(_, unit)| unit.ready && is(unit)).map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys
    }

    /// Units that no tile in flight uses and that are none of these, the one that is kept longest last.
    pub fn idle(&self, needs: &[UnitKey]) -> Vec<UnitKey> {
        let free = |(key, unit): (&UnitKey, &Unit)| (unit.users == 0 && !needs.contains(key)).then_some((unit.last_use, *key));
        let mut idle: Vec<(usize, UnitKey)> = self.units.iter().filter_map(free).collect();
        idle.sort_unstable();
        idle.into_iter().map(|(_, key)| key).collect()
    }
}
