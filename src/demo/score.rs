//! One-to-one scores of detections against a truth: recall, precision, F1.
//! It does not know where either came from; points are z, y, x.

use std::collections::HashMap;

/// How far a detection may lie from its truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Planes.
    pub z: f64,
    /// Pixels in the plane, as the crow flies.
    pub yx: f64,
}

impl Default for Tolerance {
    /// One plane and two pixels.
    fn default() -> Self {
        Tolerance { z: 1.0, yx: 2.0 }
    }
}

impl Tolerance {
    /// Whether two points are the same within this tolerance.
    #[must_use]
    pub fn holds(&self, a: [f64; 3], b: [f64; 3]) -> bool {
        (a[0] - b[0]).abs() <= self.z && (a[1] - b[1]).hypot(a[2] - b[2]) <= self.yx
    }

    /// The cell of a grid whose cells are at least as large as the tolerance.
    fn cell(&self, point: [f64; 3]) -> [i64; 3] {
        let (z, yx) = (self.z.max(1.0), self.yx.max(1.0));
        [(point[0] / z).floor() as i64, (point[1] / yx).floor() as i64, (point[2] / yx).floor() as i64]
    }
}

/// How many there were, how many were found, and how many of these are right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Detections.
    pub found: usize,
    /// True objects.
    pub truth: usize,
    /// Pairs of a detection and a true object, each used once.
    pub matched: usize,
}

impl Score {
    /// The share of the true objects that were found; 1 where there are none.
    #[must_use]
    pub fn recall(&self) -> f64 {
        share(self.matched, self.truth)
    }

    /// The share of the detections that are true; 1 where there are none.
    #[must_use]
    pub fn precision(&self) -> f64 {
        share(self.matched, self.found)
    }

    /// The harmonic mean of recall and precision.
    #[must_use]
    pub fn f1(&self) -> f64 {
        share(2 * self.matched, self.truth + self.found)
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// The most pairs that can be made of `truth` and `found`, each point used once.
#[must_use]
pub fn score(truth: &[[f64; 3]], found: &[[f64; 3]], within: Tolerance) -> Score {
    matching(truth, found, within).score()
}

/// The pairs behind [`score`].
#[must_use]
pub fn matching(truth: &[[f64; 3]], found: &[[f64; 3]], within: Tolerance) -> Matching {
    let mut matching = Matching::new(truth, within);
    for point in found {
        matching.add(*point);
    }
    matching
}

/// A maximum matching between a fixed truth and detections that are added one by one.
///
/// Adding a detection grows a maximum matching by at most one pair, and only along an alternating path that begins at
/// the new detection (Berge 1957), so one breadth-first search a detection keeps it maximum.
pub struct Matching {
    within: Tolerance,
    truth: Vec<[f64; 3]>,
    cells: HashMap<[i64; 3], Vec<usize>>,
    /// The true objects that each detection may be.
    reach: Vec<Vec<usize>>,
    of_truth: Vec<Option<usize>>,
    of_found: Vec<Option<usize>>,
    /// Who led to a true object, and in which search.
    came: Vec<(usize, usize)>,
    matched: usize,
}

impl Matching {
    /// No detections yet.
    #[must_use]
    pub fn new(truth: &[[f64; 3]], within: Tolerance) -> Self {
        let mut cells: HashMap<[i64; 3], Vec<usize>> = HashMap::new();
        for (n, point) in truth.iter().enumerate() {
            cells.entry(within.cell(*point)).or_default().push(n);
        }
        Matching {
            within,
            truth: truth.to_vec(),
            cells,
            reach: Vec::new(),
            of_truth: vec![None; truth.len()],
            of_found: Vec::new(),
            came: vec![(0, 0); truth.len()],
            matched: 0,
        }
    }

    /// Adds a detection; tells whether one more pair was made.
    pub fn add(&mut self, point: [f64; 3]) -> bool {
        self.reach.push(self.near(point));
        self.of_found.push(None);
        let grown = self.augment(self.of_found.len() - 1);
        self.matched += usize::from(grown);
        grown
    }

    /// The counts.
    #[must_use]
    pub fn score(&self) -> Score {
        Score { found: self.of_found.len(), truth: self.truth.len(), matched: self.matched }
    }

    /// For each true object the number of its detection; `None` where it was missed.
    #[must_use]
    pub fn of_truth(&self) -> &[Option<usize>] {
        &self.of_truth
    }

    /// For each detection the number of its true object; `None` where it is false.
    #[must_use]
    pub fn of_found(&self) -> &[Option<usize>] {
        &self.of_found
    }

    fn near(&self, point: [f64; 3]) -> Vec<usize> {
        let [z, y, x] = self.within.cell(point);
        (0..27)
            .filter_map(|n| {
                let step = |at: i64, by: i64| at.saturating_add(by - 1);
                self.cells.get(&[step(z, n / 9), step(y, n / 3 % 3), step(x, n % 3)])
            })
            .flatten()
            .copied()
            .filter(|n| self.within.holds(self.truth[*n], point))
            .collect()
    }

    /// Searches from detection `start` for a true object that is still free; pairs along the way are exchanged.
    fn augment(&mut self, start: usize) -> bool {
        let search = start + 1;
        let mut queue = vec![start];
        let mut next = 0;
        while let Some(found) = queue.get(next).copied() {
            next += 1;
            for n in 0..self.reach[found].len() {
                let truth = self.reach[found][n];
                if self.came[truth].1 == search {
                    continue;
                }
                self.came[truth] = (found, search);
                match self.of_truth[truth] {
                    Some(rival) => queue.push(rival),
                    None => {
                        self.exchange(truth);
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Pairs along the path that ends at `truth`; it begins at the detection that has no partner.
    fn exchange(&mut self, mut truth: usize) {
        loop {
            let found = self.came[truth].0;
            self.of_truth[truth] = Some(found);
            match self.of_found[found].replace(truth) {
                Some(before) => truth = before,
                None => return,
            }
        }
    }
}
