//! What the product's kernels are told, as its planner tells them: grids, places of rows, tables of folded indices.
//! It does not know what they compute.

use crate::variants::{Before, Kernel, Laid, Shape, Slot};

/// Where elements lie: the first, steps from a quad's element to the next and from a row to the next.
#[derive(Clone, Copy, Default)]
pub struct Place {
    base: u32,
    x: u32,
    y: u32,
}

impl Place {
    /// Rows that follow one another.
    pub fn rows(pitch: u32) -> Place {
        Place { base: 0, x: 1, y: pitch }
    }

    fn words(self, log_columns: u32) -> [u32; 8] {
        [self.base, self.x, self.y, log_columns, 0, 0, 0, 0]
    }
}

/// Words of the frame: quads, rows, one plane; the result's rows; what is read.
fn params([x, y]: [u32; 2], log_columns: u32, goal: Place, reads: &[Place], extra: [u32; 4]) -> Vec<u32> {
    let mut words = vec![x, y, 1, 0, 1, 1, 1, 1];
    words.extend(goal.words(log_columns));
    let mut all = reads.to_vec();
    all.resize(6, Place::default());
    words.extend(all.iter().flat_map(|place| place.words(0)));
    words.extend(extra);
    words
}

/// How many quads of a row a workgroup of 256 takes.
fn columns_of(quads: u32, rows: u32) -> u32 {
    let few_rows = 256 / rows.next_power_of_two().clamp(1, 256);
    quads.next_power_of_two().min(32).max(few_rows)
}

/// A walked kernel over so many quads and rows.
struct Walked {
    grid: [u32; 2],
    goal: Place,
}

impl Walked {
    fn kernel(
        &self,
        text: (&'static str, &'static str),
        slots: [Slot; 3],
        reads: &[Place],
        extra: [u32; 4],
        table: Vec<u32>,
    ) -> Kernel {
        let [quads, rows] = self.grid;
        let columns = columns_of(quads, rows);
        let groups = [quads.div_ceil(columns), rows.div_ceil(256 / columns), 1].map(|n: u32| n.min(65_535));
        let params = params(self.grid, columns.ilog2(), self.goal, reads, extra);
        let [first, second, result] = slots;
        Kernel { text: text.0, section: text.1, before: Before::Walk, reads: [first, second], result, table, params, groups }
    }
}

/// A kernel that makes the image quad by quad.
#[allow(clippy::too_many_arguments, reason = "what a dispatch is told")]
pub fn quads(
    shape: Shape,
    text: &'static str,
    section: &'static str,
    [first, second]: [Slot; 2],
    result: Slot,
    reads: &[Place],
    extra: [u32; 4],
    table: Vec<u32>,
) -> Kernel {
    let walked = Walked { grid: [shape.width.div_ceil(4), shape.height], goal: Place::rows(shape.pitch()) };
    walked.kernel((text, section), [first, second, result], reads, extra, table)
}

/// The place inside whose value an index stands for: d c b a | a b c d | d c b a.
fn reflected(i: i64, count: u32) -> u32 {
    let n = i64::from(count);
    let once = if i < 0 {
        -1 - i
    } else if i >= n {
        2 * n - 1 - i
    } else {
        i
    };
    u32::try_from(once).unwrap_or(0)
}

/// A padded copy: so many rows above and below, so many pixels left and right.
pub fn pad(shape: Shape, text: &'static str, section: &'static str, [from, to]: [Slot; 2], [rows, pixels]: [u32; 2]) -> Kernel {
    let (width, height) = (shape.width + 2 * pixels, shape.height + 2 * rows);
    let table_of = |halo: u32, count: u32, step: u32| {
        (0..count + 2 * halo).map(move |i| step * reflected(i64::from(i) - i64::from(halo), count))
    };
    let mut table = vec![0; 4];
    table.extend(table_of(rows, shape.height, shape.pitch()));
    let x = table.len() as u32;
    table.extend(table_of(pixels, shape.width, 1));
    let last = table.last().copied().unwrap_or(0);
    table.resize(x as usize + width.next_multiple_of(4) as usize, last);
    let starts = Place { base: 0, x, y: 4 };
    let pitch = if pixels == 0 { shape.pitch() } else { shape.padded() };
    let walked = Walked { grid: [width.div_ceil(4), height], goal: Place::rows(pitch) };
    walked.kernel((text, section), [from, from, to], &[Place::rows(shape.pitch()), starts], [0; 4], table)
}

/// A kernel along y, `at_once` rows of results a lane.
fn along_y(
    shape: Shape,
    text: (&'static str, &'static str),
    [from, to]: [Slot; 2],
    at_once: u32,
    extra: [u32; 4],
    table: Vec<u32>,
) -> Kernel {
    let walked = Walked { grid: [shape.width.div_ceil(4), shape.height.div_ceil(at_once)], goal: Place::rows(shape.pitch()) };
    walked.kernel(text, [from, from, to], &[Place::rows(shape.pitch())], extra, table)
}

/// The six dispatches of a gaussian of 17 taps an axis, out of the nine weights that differ.
pub fn gaussian(shape: Shape, text: &'static str, weights: &[u32]) -> Vec<Kernel> {
    let (a, b) = (Slot::A, Slot::B);
    let taps: Vec<u32> = weights.iter().chain(weights.iter().rev().skip(1)).copied().collect();
    let plain = [Place::rows(shape.pitch())];
    let wide = [Place::rows(shape.padded())];
    let quads =
        |section, from, to, reads: &[Place], extra, table| quads(shape, text, section, [from, from], to, reads, extra, table);
    vec![
        quads("cast", Slot::Image, a, &plain, [0; 4], vec![0]),
        pad(shape, text, "pad", [a, b], [8, 0]),
        along_y(shape, (text, "columns"), [b, a], 4, [17, shape.height, 0, 0], taps.clone()),
        pad(shape, text, "pad", [a, b], [0, 8]),
        quads("line", b, a, &wide, [17, 0, 0, 0], taps),
        quads("rounded", a, Slot::Result, &plain, [0; 4], vec![0]),
    ]
}

/// The nine dispatches of a white top-hat of 15 x 15.
pub fn tophat(shape: Shape, text: &'static str) -> Vec<Kernel> {
    let (a, b, c) = (Slot::A, Slot::B, Slot::C);
    let along_x =
        |section, from, to| quads(shape, text, section, [from, from], to, &[Place::rows(shape.padded())], [15, 0, 0, 0], vec![0]);
    let along_y = |section, from, to| along_y(shape, (text, section), [from, to], 8, [15, shape.height, 0, 0], vec![0]);
    let pad = |from, to, halo| pad(shape, text, "pad", [from, to], halo);
    let plain = Place::rows(shape.pitch());
    vec![
        pad(Slot::Image, a, [7, 0]),
        along_y("least_y", a, b),
        pad(b, a, [0, 7]),
        along_x("least_x", a, b),
        pad(b, a, [7, 0]),
        along_y("greatest_y", a, b),
        pad(b, a, [0, 7]),
        along_x("greatest_x", a, c),
        quads(shape, text, "rest", [Slot::Image, c], Slot::Result, &[plain, plain], [0; 4], vec![0]),
    ]
}

/// The two dispatches of a median of 3 x 3.
pub fn median(shape: Shape, text: &'static str) -> Vec<Kernel> {
    let pitch = shape.padded();
    let offsets = (0..9).map(|k| k / 3 * pitch + k % 3).collect();
    let reads = [Place::rows(pitch)];
    vec![
        pad(shape, text, "pad", [Slot::Image, Slot::A], [1, 1]),
        quads(shape, text, "network", [Slot::A, Slot::A], Slot::Result, &reads, [0; 4], offsets),
    ]
}

/// The blocks of a sum, and how their words lie.
pub fn fold(shape: Shape, text: &'static str) -> (Kernel, Laid) {
    let block = [256, 16];
    let counts = [shape.width.div_ceil(block[0]), shape.height.div_ceil(block[1])];
    let pitch = counts[0].next_multiple_of(4);
    let reads = [
        Place { base: 0, x: block[0], y: block[1] * shape.pitch() },
        Place::rows(shape.pitch()),
        Place { base: 0, x: block[0], y: block[1] },
        Place { base: 0, x: shape.width, y: shape.height },
    ];
    let params = params(counts, 0, Place::rows(pitch), &reads, [pitch * counts[1], 0, 0, 0]);
    let groups = [counts[0], counts[1], 1];
    let (section, before, table) = ("", Before::Frame, vec![0]);
    let kernel = Kernel { text, section, before, reads: [Slot::Image; 2], result: Slot::Result, table, params, groups };
    (kernel, Laid::Planes(counts[0] as usize, pitch as usize, counts[1] as usize))
}
