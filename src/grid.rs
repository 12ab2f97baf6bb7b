//! Integer geometry: extents, regions, unit grids, edges. Everything is closed-form; nothing is a list of chunks.
//! It does not know what the numbers at these places are, nor where they are stored.

use std::fmt;
use std::ops::{Deref, DerefMut, Range};

/// The most axes an array can have.
pub const MAX_RANK: usize = 6;

/// One number per axis: extents, an index, or a step. Copyable, 0 to [`MAX_RANK`] axes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Dims {
    rank: u8,
    of: [usize; MAX_RANK],
}

impl Dims {
    /// `rank` axes that all hold `value`. Ranks above [`MAX_RANK`] are cut to it; front ends refuse them first.
    #[must_use]
    pub fn filled(rank: usize, value: usize) -> Self {
        (0..rank).map(|_| value).collect()
    }

    /// How many elements a box of these extents has. Saturates.
    #[must_use]
    pub fn count(&self) -> usize {
        self.iter().fold(1, |n: usize, d| n.saturating_mul(*d))
    }

    /// C-order strides in elements.
    #[must_use]
    pub fn strides(&self) -> [usize; MAX_RANK] {
        let mut strides = [0; MAX_RANK];
        let mut step = 1;
        for axis in (0..self.len()).rev() {
            strides[axis] = step;
            step *= self[axis];
        }
        strides
    }

    /// The index of element number `linear` in C order.
    #[must_use]
    pub fn index_of(&self, linear: usize) -> Dims {
        let mut rest = linear;
        let mut index = *self;
        for axis in (0..self.len()).rev() {
            index[axis] = rest % self[axis].max(1);
            rest /= self[axis].max(1);
        }
        index
    }

    /// The number of the element at `index` in C order.
    #[must_use]
    pub fn linear_of(&self, index: &[usize]) -> usize {
        self.iter().zip(index).fold(0, |n, (extent, i)| n * extent + i)
    }

    /// The same with `axis` replaced by `value`.
    #[must_use]
    pub fn with(mut self, axis: usize, value: usize) -> Self {
        self[axis] = value;
        self
    }

    /// Pairs each axis with another's and maps them.
    #[must_use]
    pub fn zip_with(&self, other: &[usize], f: impl Fn(usize, usize) -> usize) -> Dims {
        self.iter().zip(other).map(|(a, b)| f(*a, *b)).collect()
    }
}

impl Deref for Dims {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.of[..usize::from(self.rank)]
    }
}

impl DerefMut for Dims {
    fn deref_mut(&mut self) -> &mut [usize] {
        &mut self.of[..usize::from(self.rank)]
    }
}

impl FromIterator<usize> for Dims {
    fn from_iter<I: IntoIterator<Item = usize>>(items: I) -> Self {
        let mut dims = Dims::default();
        for (axis, item) in items.into_iter().take(MAX_RANK).enumerate() {
            dims.of[axis] = item;
            dims.rank += 1;
        }
        dims
    }
}

impl From<&[usize]> for Dims {
    fn from(items: &[usize]) -> Self {
        items.iter().copied().collect()
    }
}

impl<const N: usize> From<[usize; N]> for Dims {
    fn from(items: [usize; N]) -> Self {
        items.into_iter().collect()
    }
}

impl fmt::Debug for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Dims {
    /// As NumPy prints a shape: `(64, 1024, 1024)`, `(5,)`, `()`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &**self {
            [only] => write!(f, "({only},)"),
            all => write!(f, "({})", all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// An n-d box of an array: where it starts and how large it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Region {
    /// First index along each axis.
    pub start: Dims,
    /// Extent along each axis.
    pub shape: Dims,
}

impl Region {
    /// The region of a whole array.
    #[must_use]
    pub fn whole(shape: Dims) -> Self {
        Region { start: Dims::filled(shape.len(), 0), shape }
    }

    /// The region from per-axis ranges.
    #[must_use]
    pub fn of(ranges: &[Range<usize>]) -> Self {
        Region {
            start: ranges.iter().map(|r| r.start).collect(),
            shape: ranges.iter().map(|r| r.end.saturating_sub(r.start)).collect(),
        }
    }

    /// The range along one axis.
    #[must_use]
    pub fn range(&self, axis: usize) -> Range<usize> {
        self.start[axis]..self.start[axis] + self.shape[axis]
    }

    /// What both cover; `None` where they do not meet.
    #[must_use]
    pub fn intersection(&self, other: &Region) -> Option<Region> {
        let mut meet = *self;
        for axis in 0..self.shape.len() {
            let (a, b) = (self.range(axis), other.range(axis));
            let (start, end) = (a.start.max(b.start), a.end.min(b.end));
            if start >= end {
                return None;
            }
            meet.start[axis] = start;
            meet.shape[axis] = end - start;
        }
        Some(meet)
    }

    /// Whether `other` lies inside.
    #[must_use]
    pub fn contains(&self, other: &Region) -> bool {
        (0..self.shape.len()).all(|axis| {
            let (a, b) = (self.range(axis), other.range(axis));
            a.start <= b.start && b.end <= a.end
        })
    }

    /// The same box seen from `origin`.
    #[must_use]
    pub fn relative_to(&self, origin: &[usize]) -> Region {
        Region { start: self.start.zip_with(origin, |a, b| a - b), shape: self.shape }
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Region {
    /// As NumPy writes a slice: `[0:8, 64:128]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let axes: Vec<String> = (0..self.shape.len()).map(|a| self.range(a)).map(|r| format!("{}:{}", r.start, r.end)).collect();
        write!(f, "[{}]", axes.join(", "))
    }
}

/// A regular grid of boxes over an array; the last box along an axis may be short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grid {
    /// The array's extents.
    pub shape: Dims,
    /// The extents of a full box; at least 1 along each axis.
    pub unit: Dims,
}

impl Grid {
    /// A grid of `unit`-sized boxes over `shape`; units are clipped to the array and are at least 1.
    #[must_use]
    pub fn new(shape: Dims, unit: Dims) -> Self {
        Grid { shape, unit: shape.zip_with(&unit, |n, u| u.clamp(1, n.max(1))) }
    }

    /// Boxes along each axis.
    #[must_use]
    pub fn counts(&self) -> Dims {
        self.shape.zip_with(&self.unit, |n, u| n.div_ceil(u))
    }

    /// The region of the box at `index`.
    #[must_use]
    pub fn region(&self, index: &[usize]) -> Region {
        let start = self.unit.zip_with(index, |u, i| u * i);
        let shape = (0..start.len()).map(|a| self.unit[a].min(self.shape[a] - start[a])).collect();
        Region { start, shape }
    }

    /// The box of indices whose boxes meet `region`, as a region in index space.
    #[must_use]
    pub fn touching(&self, region: &Region) -> Region {
        let ranges: Vec<Range<usize>> = (0..self.shape.len())
            .map(|a| region.range(a))
            .zip(self.unit.iter())
            .map(|(r, u)| if r.is_empty() { 0..0 } else { r.start / u..(r.end - 1) / u + 1 })
            .collect();
        Region::of(&ranges)
    }
}

/// All indices of a region in C order.
pub fn indices(region: Region) -> impl Iterator<Item = Dims> + Clone {
    (0..region.shape.count()).map(move |n| region.shape.index_of(n).zip_with(&region.start, |i, s| i + s))
}

/// What lies outside an array, with SciPy's names and meaning. `d c b a | a b c d | d c b a` is reflect.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Edge {
    /// `d c b a | a b c d | d c b a`: mirrored about the edge, the edge sample repeated.
    #[default]
    Reflect,
    /// `d c b | a b c d | c b a`: mirrored about the centre of the edge sample.
    Mirror,
    /// `a a a a | a b c d | d d d d`: the edge sample repeated.
    Nearest,
    /// `a b c d | a b c d | a b c d`: periodic.
    Wrap,
    /// `k k k k | a b c d | k k k k`: a constant.
    Constant,
}

impl Edge {
    /// All modes, in SciPy's documentation order.
    pub const ALL: [Edge; 5] = [Edge::Reflect, Edge::Constant, Edge::Nearest, Edge::Mirror, Edge::Wrap];

    /// SciPy's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Edge::Reflect => "reflect",
            Edge::Mirror => "mirror",
            Edge::Nearest => "nearest",
            Edge::Wrap => "wrap",
            Edge::Constant => "constant",
        }
    }

    /// Where index `i` of an axis of `n` elements is found, however far outside it lies; `None` for a constant.
    #[must_use]
    pub fn fold(self, i: isize, n: usize) -> Option<usize> {
        let len = isize::try_from(n).unwrap_or(isize::MAX);
        if (0..len).contains(&i) {
            return Some(i.unsigned_abs());
        }
        if n == 0 {
            return None;
        }
        let at = match self {
            Edge::Constant => return None,
            Edge::Nearest => i.clamp(0, len - 1),
            Edge::Wrap => i.rem_euclid(len),
            Edge::Reflect => {
                let m = i.rem_euclid(2 * len);
                m.min(2 * len - 1 - m)
            }
            Edge::Mirror if n == 1 => 0,
            Edge::Mirror => {
                let m = i.rem_euclid(2 * len - 2);
                m.min(2 * len - 2 - m)
            }
        };
        Some(at.unsigned_abs())
    }

    /// Which indices of an axis of `n` the span `[start, stop)` reads, outside parts folded back in.
    #[must_use]
    pub fn needs(self, start: isize, stop: isize, n: usize) -> Runs {
        let len = isize::try_from(n).unwrap_or(isize::MAX);
        let mut runs = Runs::default();
        let (a, b) = (start.clamp(0, len), stop.clamp(0, len));
        runs.add(a.unsigned_abs()..b.unsigned_abs());
        if stop <= start || n == 0 {
            return runs;
        }
        let (before, after) = ((-start).max(0), (stop - len).max(0));
        let overhang = before.max(after);
        match self {
            Edge::Constant => {}
            Edge::Nearest => {
                runs.add(if before > 0 { 0..1 } else { 0..0 });
                runs.add(if after > 0 { n - 1..n } else { 0..0 });
            }
            _ if overhang >= len - 1 => runs.add(0..n),
            Edge::Reflect | Edge::Mirror => {
                let one = isize::from(self == Edge::Mirror);
                runs.add(if before > 0 { 0..(before + one).unsigned_abs() } else { 0..0 });
                runs.add(if after > 0 { (len - after - one).unsigned_abs()..n } else { 0..0 });
            }
            Edge::Wrap => {
                runs.add(if before > 0 { (len - before).unsigned_abs()..n } else { 0..0 });
                runs.add(0..after.unsigned_abs());
            }
        }
        runs
    }
}

/// The most ranges that runs keep apart.
const MOST_RUNS: usize = 2;

/// A few disjoint index ranges of one axis, in order. Almost always one; two where an edge wraps.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Runs {
    /// The first `count` of them; the rest are empty.
    ranges: [Range<usize>; MOST_RUNS],
    count: usize,
}

impl Runs {
    /// One range.
    #[must_use]
    pub fn one(range: Range<usize>) -> Self {
        let mut runs = Runs::default();
        runs.add(range);
        runs
    }

    /// Adds a range, merging what meets. Beyond two ranges the closest are joined, so the list stays short.
    pub fn add(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        // Almost always there is none yet, or one that it meets.
        if let [only] = &mut self.ranges[..self.count.max(1)]
            && (self.count == 0 || range.start <= only.end && only.start <= range.end)
        {
            *only = if self.count == 0 { range } else { only.start.min(range.start)..only.end.max(range.end) };
            self.count = 1;
            return;
        }
        let mut all: [Range<usize>; MOST_RUNS + 1] = Default::default();
        let before = self.ranges().iter().take_while(|r| r.start <= range.start).count();
        all[..before].clone_from_slice(&self.ranges()[..before]);
        all[before] = range;
        all[before + 1..=self.count].clone_from_slice(&self.ranges()[before..]);
        let mut merged: [Range<usize>; MOST_RUNS + 1] = Default::default();
        let mut count = 0;
        for next in all.into_iter().take(self.count + 1) {
            if count > 0 && next.start <= merged[count - 1].end {
                merged[count - 1].end = merged[count - 1].end.max(next.end);
            } else {
                merged[count] = next;
                count += 1;
            }
        }
        if count > MOST_RUNS {
            let closest = (1..count).min_by_key(|k| merged[*k].start - merged[*k - 1].end).unwrap_or(1);
            merged[closest - 1].end = merged[closest].end;
            merged[closest..].rotate_left(1);
            count -= 1;
        }
        let [first, second, _] = merged;
        *self = Runs { ranges: [first, if count > 1 { second } else { 0..0 }], count };
    }

    /// Adds every range of another.
    pub fn extend(&mut self, other: &Runs) {
        for range in other.ranges() {
            self.add(range.clone());
        }
    }

    /// The ranges, in order.
    #[must_use]
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.ranges[..self.count]
    }

    /// How many indices are covered.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ranges().iter().map(ExactSizeIterator::len).sum()
    }

    /// Where index `i` lies when the ranges are laid end to end.
    #[must_use]
    pub fn position(&self, i: usize) -> Option<usize> {
        let mut before = 0;
        for range in self.ranges() {
            if range.contains(&i) {
                return Some(before + i - range.start);
            }
            before += range.len();
        }
        None
    }

    /// The smallest range that covers all.
    #[must_use]
    pub fn hull(&self) -> Range<usize> {
        match (self.ranges().first(), self.ranges().last()) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => 0..0,
        }
    }
}

/// Per-axis runs: the product of a few ranges along each axis. The region a stage keeps for one block.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Boxes(pub Vec<Runs>);

impl Boxes {
    /// A single box.
    #[must_use]
    pub fn one(region: &Region) -> Self {
        Boxes((0..region.shape.len()).map(|a| Runs::one(region.range(a))).collect())
    }

    /// The extents when every axis's runs are laid end to end.
    #[must_use]
    pub fn shape(&self) -> Dims {
        self.0.iter().map(Runs::count).collect()
    }

    /// The smallest single region that covers all.
    #[must_use]
    pub fn hull(&self) -> Region {
        Region::of(&self.0.iter().map(Runs::hull).collect::<Vec<_>>())
    }

    /// Covers another's runs too.
    pub fn extend(&mut self, other: &Boxes) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
            return;
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            mine.extend(theirs);
        }
    }

    /// The single boxes, in C order of their ranges.
    #[must_use]
    pub fn parts(&self) -> Vec<Region> {
        let counts: Dims = self.0.iter().map(|r| r.ranges().len()).collect();
        indices(Region::whole(counts))
            .map(|pick| {
                let ranges: Vec<Range<usize>> = pick.iter().zip(&self.0).map(|(k, runs)| runs.ranges()[*k].clone()).collect();
                Region::of(&ranges)
            })
            .collect()
    }

    /// Where `region`, which lies in one part, starts when the runs are laid end to end.
    #[must_use]
    pub fn offset_of(&self, region: &Region) -> Option<Dims> {
        let mut at = region.start;
        for axis in 0..region.shape.len() {
            let runs = &self.0[axis];
            let range = region.range(axis);
            runs.ranges().iter().find(|r| r.start <= range.start && range.end <= r.end)?;
            at[axis] = runs.position(range.start)?;
        }
        Some(at)
    }
}
