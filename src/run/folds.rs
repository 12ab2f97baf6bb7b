//! The states of a pass's folds: joined as tiles come, finished panel by panel, held or written to where later passes read them.
//! It does not know what is folded, nor in which order tiles come; the plan's sweep says which of them make a panel.

use super::LateValues;
use super::journal::{Journal, Made};
use super::store::part_bytes;
use crate::device::Partial;
use crate::error::{Error, Result};
use crate::grid::{Dims, Grid, Region, indices};
use crate::plan::{FoldEnd, Output, Pass};
use crate::storage::checksum;
use crate::tile::{Buffer, Tile, copy_view};
use std::sync::Arc;

/// One fold on its way: the part of the result that is being made, its state, and the result as far as it is held.
struct Folding<'p> {
    end: &'p FoldEnd,
    panel: Region,
    state: Vec<u8>,
    result: Option<Tile>,
}

impl Folding<'_> {
    /// Where the panel lies in the result: reduced axes may be left there with one element each.
    fn place(&self) -> Region {
        let rank = self.end.info.shape.len();
        if rank == self.panel.shape.len() {
            return self.panel;
        }
        let axes = self.end.fold.axes();
        let spread = |kept: &Dims, reduced: usize| {
            let mut kept = kept.iter();
            (0..rank).map(|axis| if axes.contains(&axis) { reduced } else { kept.next().copied().unwrap_or(reduced) }).collect()
        };
        Region { start: spread(&self.panel.start, 0), shape: spread(&self.panel.shape, 1) }
    }

    /// The result for the panel.
    fn finished(&self, count: u64) -> Result<Tile> {
        let mut tile = Tile::zeroed(self.end.info.dtype, self.place().shape);
        let done = self.end.fold.finish(&self.state, count, &mut tile);
        done.map_err(|e| e.in_op(&self.end.origin.op, self.end.origin.line)).map(|()| tile)
    }

    /// Goes on to another panel.
    fn begin(&mut self, panel: Region) {
        // The old state goes first: both at once would be more than anyone counted.
        self.state = Vec::new();
        (self.panel, self.state) = (panel, self.end.fold.start(panel.shape.count()));
    }

    /// Joins a partial state of a box within the panel.
    fn join(&mut self, partial: &Partial) -> Result<()> {
        let axes = self.end.fold.axes();
        let kept = (0..partial.region.shape.len()).filter(|a| !axes.contains(a));
        let (start, shape) = kept.map(|a| (partial.region.start[a], partial.region.shape[a])).unzip::<_, _, Vec<_>, Vec<_>>();
        let inside = Region { start: start[..].into(), shape: shape[..].into() }.relative_to(&self.panel.start);
        let whole = self.panel.shape;
        let mut places = indices(inside).map(|index| whole.linear_of(&index));
        self.end.fold.join(&mut self.state, &partial.state, &mut places)
    }
}

/// The folds of a pass.
pub(super) struct Folds<'p> {
    pass: &'p Pass,
    outputs: &'p [Output],
    all: Vec<Folding<'p>>,
}

impl<'p> Folds<'p> {
    pub fn new(pass: &'p Pass, outputs: &'p [Output]) -> Folds<'p> {
        let first = pass.sweep.at(&Dims::filled(pass.program.domain.len(), 0));
        let begun = |end: &'p FoldEnd| {
            let panel = pass.sweep.panel(&first, &end.fold.axes());
            Folding { end, panel, state: end.fold.start(panel.shape.count()), result: None }
        };
        Folds { pass, outputs, all: pass.program.folds.iter().map(begun).collect() }
    }

    /// Joins the partial states of a tile, in the order of its blocks; tiles come in the order of the sweep.
    pub fn join(&mut self, tile: usize, partials: &[Partial], journal: &mut Journal<'_>) -> Result<()> {
        let region = self.pass.sweep.region(tile);
        for number in 0..self.all.len() {
            let panel = self.pass.sweep.panel(&region, &self.all[number].end.fold.axes());
            if panel != self.all[number].panel {
                self.close(number, journal)?;
                self.all[number].begin(panel);
            }
        }
        for partial in partials {
            let folding = self.all.get_mut(partial.fold).ok_or_else(|| Error::bug("a partial of no fold"))?;
            folding.join(partial)?;
        }
        Ok(())
    }

    /// Finishes the panel of a fold: it is written where the result is stored, else kept.
    fn close(&mut self, number: usize, journal: &mut Journal<'_>) -> Result<()> {
        let domain = self.pass.program.domain;
        let folding = &mut self.all[number];
        let count = folding.end.fold.axes().iter().map(|axis| domain[*axis] as u64).product();
        let made = folding.finished(count)?;
        let (info, place) = (&folding.end.info, folding.place());
        if let Some(output) = folding.end.stored {
            return store(self.outputs, output, &made, &place, journal);
        }
        if place.shape == info.shape {
            folding.result = Some(made);
            return Ok(());
        }
        let whole = folding.result.get_or_insert_with(|| Tile::zeroed(info.dtype, info.shape));
        copy_view(&made.view(), whole.data.bytes_mut(), &info.shape, &place.start);
        Ok(())
    }

    /// The results that are held, by the keys of their nodes.
    pub fn finish(mut self, journal: &mut Journal<'_>) -> Result<LateValues> {
        (0..self.all.len()).try_for_each(|number| self.close(number, journal))?;
        let held = self.all.into_iter().filter_map(|folding| folding.result.map(|tile| (folding.end.key, Arc::new(tile))));
        Ok(held.collect())
    }
}

/// Writes a part of a result, unit by unit.
fn store(outputs: &[Output], output: usize, made: &Tile, part: &Region, journal: &mut Journal<'_>) -> Result<()> {
    let sink = outputs.get(output).map(|o| &o.sink).ok_or_else(|| Error::bug("a result that is stored nowhere"))?;
    let whole = sink.info().shape;
    let grid = Grid::new(whole, sink.unit().unwrap_or(part.shape));
    for index in indices(grid.touching(part)) {
        let region = grid.region(&index);
        let mut copy = Buffer::default();
        let encoded = sink.encode(&region, part_bytes(made, &region.relative_to(&part.start), &mut copy))?;
        let sum = if journal.is_kept() { checksum(0, &encoded) } else { 0 };
        let note = sink.write(&region, &encoded)?;
        journal.wrote(output, &region, sum, &note)?;
    }
    Ok(())
}

/// The results of a pass's folds, where an earlier run made all of them.
pub(super) fn known(pass: &Pass, outputs: &[Output], past: &Made, journal: &Journal<'_>) -> Result<Option<LateValues>> {
    let folds = &pass.program.folds;
    let is_known = |end: &FoldEnd| match end.stored {
        None => past.late.contains_key(&end.number),
        Some(output) => outputs
            .get(output)
            .and_then(|o| o.sink.unit())
            .is_some_and(|unit| past.done(output).covers(&Region::whole(end.info.shape), &Grid::new(end.info.shape, unit))),
    };
    if folds.is_empty() || !folds.iter().all(is_known) {
        return Ok(None);
    }
    let mut known = LateValues::new();
    for end in folds.iter().filter(|end| end.stored.is_none()) {
        let at = past.late.get(&end.number).ok_or_else(|| Error::bug("a result that is known and not noted"))?;
        let mut tile = Tile::zeroed(end.info.dtype, end.info.shape);
        journal.late(at, tile.data.bytes_mut()).map_err(|e| e.at(format!("the result of {}", end.origin.op)))?;
        known.insert(end.key, Arc::new(tile));
    }
    Ok(Some(known))
}
