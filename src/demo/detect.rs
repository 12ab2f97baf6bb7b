//! Detections from a mask of peaks read plane by plane: touching voxels are one detection, at their centroid.
//! It does not know how the peaks were found, and holds the runs of one previous plane only.

use crate::error::{Error, Result};

/// Touching set pixels of one row, `from..to`, and the component they belong to.
#[derive(Clone, Copy)]
struct Run {
    y: usize,
    from: usize,
    to: usize,
    of: usize,
}

/// Sums over the voxels of a component; `parent` leads to the one it was joined to, or to itself.
#[derive(Clone, Copy)]
struct Component {
    parent: usize,
    voxels: f64,
    sums: [f64; 3],
}

/// Merges the set voxels of a mask that touch, edges and corners included, while its planes go by.
pub struct Plateaus {
    plane: [usize; 2],
    z: usize,
    runs: Vec<Run>,
    components: Vec<Component>,
}

impl Plateaus {
    /// For planes of `[rows, columns]`; the first plane fed has z 0.
    #[must_use]
    pub fn new(plane: [usize; 2]) -> Self {
        Plateaus { plane, z: 0, runs: Vec::new(), components: Vec::new() }
    }

    /// Takes the next plane, any non-zero byte is set. Gives the detections that ended above it, as z, y, x.
    ///
    /// # Errors
    /// A plane of another size.
    pub fn feed(&mut self, mask: &[u8]) -> Result<Vec<[f64; 3]>> {
        let [rows, columns] = self.plane;
        if mask.len() != rows.saturating_mul(columns) {
            let what = format!("plane {} of the mask has {} pixels, expected {rows} x {columns}", self.z, mask.len());
            return Err(Error::bug(what));
        }
        let above = std::mem::take(&mut self.runs);
        let (mut row_above, mut upper) = (0..0, 0);
        for (y, row) in mask.chunks_exact(columns.max(1)).enumerate() {
            let first = self.runs.len();
            self.take_row(y, row);
            for at in first..self.runs.len() {
                self.join_touching(at, row_above.clone());
                upper = self.join_above(at, &above, upper);
            }
            row_above = first..self.runs.len();
        }
        self.z += 1;
        Ok(self.close())
    }

    /// The detections that reach into the last plane.
    #[must_use]
    pub fn finish(mut self) -> Vec<[f64; 3]> {
        self.runs.clear();
        self.close()
    }

    /// Lists the runs of a row, each a component of its own.
    fn take_row(&mut self, y: usize, row: &[u8]) {
        let mut x = 0;
        while let Some(skip) = row[x..].iter().position(|m| *m != 0) {
            let from = x + skip;
            let to = row[from..].iter().position(|m| *m == 0).map_or(row.len(), |n| from + n);
            let voxels = (to - from) as f64;
            let sums = [self.z as f64 * voxels, y as f64 * voxels, (from + to - 1) as f64 / 2.0 * voxels];
            let of = self.components.len();
            self.components.push(Component { parent: of, voxels, sums });
            self.runs.push(Run { y, from, to, of });
            x = to;
        }
    }

    /// Joins run `at` with the touching runs of the row above it in its plane.
    fn join_touching(&mut self, at: usize, row_above: std::ops::Range<usize>) {
        let run = self.runs[at];
        let first = row_above.start + self.runs[row_above.clone()].partition_point(|other| other.to < run.from);
        for n in first..row_above.end {
            let other = self.runs[n];
            if other.from > run.to {
                break;
            }
            self.join(other.of, run.of);
        }
    }

    /// Joins run `at` with the touching runs of the plane before. `upper` is where rows near this one begin there;
    /// it only grows, and is given back for the next run.
    fn join_above(&mut self, at: usize, above: &[Run], mut upper: usize) -> usize {
        let run = self.runs[at];
        while above.get(upper).is_some_and(|other| other.y + 1 < run.y) {
            upper += 1;
        }
        let near = &above[upper..];
        for y in run.y.saturating_sub(1)..=run.y + 1 {
            let first = near.partition_point(|other| (other.y, other.to) < (y, run.from));
            for other in near[first..].iter().take_while(|other| other.y == y && other.from <= run.to) {
                self.join(other.of, run.of);
            }
        }
        upper
    }

    fn root(&mut self, mut of: usize) -> usize {
        while self.components[of].parent != of {
            let grandparent = self.components[self.components[of].parent].parent;
            self.components[of].parent = grandparent;
            of = grandparent;
        }
        of
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return;
        }
        let (gone, kept) = (self.components[a.max(b)], &mut self.components[a.min(b)]);
        kept.voxels += gone.voxels;
        kept.sums.iter_mut().zip(gone.sums).for_each(|(sum, more)| *sum += more);
        self.components[a.max(b)].parent = a.min(b);
    }

    /// Gives the components without a run in the newest plane and renumbers the others.
    fn close(&mut self) -> Vec<[f64; 3]> {
        let roots: Vec<usize> = self.runs.iter().map(|run| run.of).collect();
        let roots: Vec<usize> = roots.into_iter().map(|of| self.root(of)).collect();
        let mut new_of = vec![usize::MAX; self.components.len()];
        let mut alive = Vec::new();
        for (run, root) in self.runs.iter_mut().zip(roots) {
            if new_of[root] == usize::MAX {
                new_of[root] = alive.len();
                alive.push(Component { parent: alive.len(), ..self.components[root] });
            }
            run.of = new_of[root];
        }
        let ended =
            |(of, c): (usize, &Component)| (c.parent == of && new_of[of] == usize::MAX).then(|| c.sums.map(|s| s / c.voxels));
        let found = self.components.iter().enumerate().filter_map(ended).collect();
        self.components = alive;
        found
    }
}
