//! The judge of the demo: reads stack, filtered stack and mask back plane by plane, scores and draws.
//! It does not know how they were made, and holds one band of units of each.

use super::Files;
use crate::demo::detect::Plateaus;
use crate::demo::picture::{Captions, Marks, Projection, before_after};
use crate::demo::scene::Scene;
use crate::demo::score::{Matching, Score, Tolerance, matching};
use crate::demo::sweep::ThresholdSweep;
use crate::dtype::typed;
use crate::error::{Error, Result, bytes_text};
use crate::formats;
use crate::grid::{Dims, Grid, Region, indices};
use crate::storage::Source;
use crate::tile::{Buffer, View, copy_view};
use std::ops::Range;

/// Side of the picture's window in pixels, and how many planes it looks through.
const WINDOW: usize = 448;
const DEPTH: usize = 24;

/// What the judge found.
pub struct Verdict {
    /// Of the detector.
    pub score: Score,
    /// Of the best plain threshold of the raw stack, and that threshold.
    pub plain: (u16, Score),
}

/// Scores the mask and the best plain threshold, and draws the picture.
pub fn judge(scene: &Scene, files: &Files, memory: u64) -> Result<Verdict> {
    let [rows, columns] = [scene.shape[1], scene.shape[2]];
    let mut planes = Three::open(scene.shape, files, memory)?;
    let (mut plateaus, mut sweep) = (Plateaus::new([rows, columns]), ThresholdSweep::new([rows, columns]));
    let mut found = Vec::new();
    let (slab, corner, window) = busy_window(scene);
    let mut views = [(); 2].map(|()| Projection::new(slab.clone(), corner, window));
    for z in 0..scene.shape[0] {
        let raw = typed::<u16>(planes.raw.plane(z)?)?;
        sweep.feed(raw)?;
        views[0].take(z, raw, columns);
        views[1].take(z, typed::<u16>(planes.filtered.plane(z)?)?, columns);
        found.extend(plateaus.feed(planes.mask.plane(z)?)?);
    }
    drop(planes);
    found.extend(plateaus.finish());
    let truth = scene.truth();
    let within = Tolerance::default();
    let pairs = matching(&truth, &found, within);
    let verdict = Verdict { score: pairs.score(), plain: sweep.best(&truth, within) };
    let marks = marks(&views[1], &truth, &found, &pairs);
    before_after(&files.picture, views[0].plane(), views[1].plane(), &marks, &captions(&verdict, &slab))?;
    Ok(verdict)
}

fn captions(verdict: &Verdict, slab: &Range<usize>) -> Captions {
    let words = |score: &Score| format!("recall {:.3}, precision {:.3}", score.recall(), score.precision());
    Captions {
        raw: format!("raw, planes {} to {}", slab.start, slab.end.saturating_sub(1)),
        filtered: "filtered: median, white top-hat".to_owned(),
        below_raw: format!("best threshold: {}", words(&verdict.plain.1)),
        below_filtered: words(&verdict.score),
        pixel_um: 0.1,
    }
}

fn marks(view: &Projection, truth: &[[f64; 3]], found: &[[f64; 3]], pairs: &Matching) -> Marks {
    let pick = |points: &[[f64; 3]], of: &[Option<usize>], paired: bool| {
        let chosen: Vec<[f64; 3]> = points.iter().zip(of).filter(|(_, pair)| pair.is_some() == paired).map(|(p, _)| *p).collect();
        view.places(chosen)
    };
    Marks {
        hits: pick(found, pairs.of_found(), true),
        misses: pick(truth, pairs.of_truth(), false),
        false_ones: pick(found, pairs.of_found(), false),
    }
}

/// The planes in the middle and, of the windows on a coarse grid, the one with most spots in them.
fn busy_window(scene: &Scene) -> (Range<usize>, [usize; 2], [usize; 2]) {
    let [depth, rows, columns] = [scene.shape[0], scene.shape[1], scene.shape[2]];
    let first = (depth / 2).saturating_sub(DEPTH / 2);
    let slab = first..(first + DEPTH).min(depth);
    let side = WINDOW.min(rows).min(columns);
    let steps = |n: usize| (0..=n - side).step_by((side / 8).max(1));
    let spots = |top: usize, left: usize| {
        let inside = |c: &[f64; 3]| {
            slab.contains(&(c[0] as usize))
                && (top..top + side).contains(&(c[1] as usize))
                && (left..left + side).contains(&(c[2] as usize))
        };
        scene.spots.iter().filter(|s| inside(&s.centre)).count()
    };
    let corners = steps(rows).flat_map(|top| steps(columns).map(move |left| [top, left]));
    let corner = corners.max_by_key(|[top, left]| spots(*top, *left)).unwrap_or([0, 0]);
    (slab, corner, [side, side])
}

/// The three stacks that are read side by side.
struct Three {
    raw: Planes,
    filtered: Planes,
    mask: Planes,
}

impl Three {
    fn open(shape: Dims, files: &Files, memory: u64) -> Result<Three> {
        let open = |path: &std::path::Path| Planes::new(formats::open(path)?, shape);
        let three = Three { raw: open(&files.stack)?, filtered: open(&files.filtered)?, mask: open(&files.mask)? };
        let needed = three.raw.bytes() + three.filtered.bytes() + three.mask.bytes();
        if needed > memory {
            let what = format!("memory: scoring holds {}, budget is {}", bytes_text(needed), bytes_text(memory));
            return Err(Error::caller(what).hint("raise --memory, or use a smaller --size"));
        }
        Ok(three)
    }
}

/// The planes of a source, one after the other; one band of units is held, decoded once.
struct Planes {
    source: Box<dyn Source>,
    grid: Grid,
    band: Buffer,
    /// The planes that the band holds.
    held: Range<usize>,
}

impl Planes {
    fn new(source: Box<dyn Source>, shape: Dims) -> Result<Planes> {
        let info = source.info();
        if info.shape != shape {
            return Err(Error::machine(format!("{} is {}, the demo wrote {shape}: did it change?", source.name(), info.shape)));
        }
        let grid = Grid::new(info.shape, source.unit());
        Ok(Planes { source, grid, band: Buffer::default(), held: 0..0 })
    }

    /// The most bytes that are held: a band, one decoded and one stored unit.
    fn bytes(&self) -> u64 {
        let element = self.source.info().dtype.size() as u64;
        let band = self.grid.shape.with(0, self.grid.unit[0]).count() as u64;
        let unit = self.grid.unit.count() as u64;
        (band + unit) * element + self.source.stored_bytes(&Dims::filled(self.grid.shape.len(), 0))
    }

    /// The native bytes of plane `z`.
    fn plane(&mut self, z: usize) -> Result<&[u8]> {
        if !self.held.contains(&z) {
            self.fill(z)?;
        }
        let bytes = self.grid.shape.with(0, 1).count() * self.source.info().dtype.size();
        let from = (z - self.held.start) * bytes;
        self.band.bytes().get(from..from + bytes).ok_or_else(|| Error::bug(format!("plane {z} is in no band")))
    }

    /// Reads and decodes the units of the band that plane `z` lies in.
    fn fill(&mut self, z: usize) -> Result<()> {
        let mut plane = Region::whole(self.grid.shape);
        (plane.start[0], plane.shape[0]) = (z, 1);
        let units = self.grid.touching(&plane);
        let dtype = self.source.info().dtype;
        let first = self.grid.region(&units.start);
        let shape = self.grid.shape.with(0, first.shape[0]);
        self.held = first.range(0);
        self.band.resize(shape.count() * dtype.size());
        let mut decoded = Buffer::default();
        for unit in indices(units) {
            let region = self.grid.region(&unit);
            decoded.resize(region.shape.count() * dtype.size());
            let stored = self.source.fetch(&unit)?;
            self.source.decode(&unit, stored, decoded.bytes_mut())?;
            let mut start = region.start;
            start[0] = 0;
            copy_view(&View::contiguous(decoded.bytes(), dtype, region.shape), self.band.bytes_mut(), &shape, &start);
        }
        Ok(())
    }
}
