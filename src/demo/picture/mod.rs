//! The demo's picture: a raw and a filtered projection side by side, with what was found, missed and wrong.
//! It does not know how either plane came about, nor how detections were paired with the truth.

mod canvas;
mod font;

use crate::error::{Error, Result};
use canvas::{Canvas, Colour, text_width};
use std::fs::File;
use std::io::BufWriter;
use std::ops::Range;
use std::path::Path;

const INK: Colour = [236, 232, 240];
const PALE: Colour = [150, 144, 162];
const PAPER: Colour = [12, 10, 18];
/// Found and true.
const HIT: Colour = [92, 230, 205];
/// True and not found.
const MISS: Colour = [255, 92, 122];
/// Found and not true.
const FALSE: Colour = [255, 255, 255];
/// Black, violet, magenta, orange, yellow, nearly white: lightness rises evenly.
const GRADIENT: [[f32; 3]; 7] = [
    [4.0, 3.0, 14.0],
    [46.0, 16.0, 92.0],
    [112.0, 30.0, 124.0],
    [186.0, 52.0, 104.0],
    [240.0, 106.0, 62.0],
    [253.0, 182.0, 72.0],
    [252.0, 250.0, 190.0],
];

/// Side of a panel, and what surrounds the two of them, in pixels.
const SIDE: usize = 784;
const MARGIN: usize = 12;
const DIVIDER: usize = 8;
const HEAD: usize = 40;
const FOOT: usize = 40;

/// A grey plane.
#[derive(Clone, Debug)]
pub struct Plane {
    /// Rows and columns.
    pub shape: [usize; 2],
    /// C order.
    pub values: Vec<f32>,
}

/// The maximum over a range of planes inside a window of the field, taken while the planes go by.
pub struct Projection {
    planes: Range<usize>,
    corner: [usize; 2],
    plane: Plane,
}

impl Projection {
    /// Of planes `planes` and of the window of `shape` at `corner` (y, x).
    #[must_use]
    pub fn new(planes: Range<usize>, corner: [usize; 2], shape: [usize; 2]) -> Self {
        Projection { planes, corner, plane: Plane { shape, values: vec![0.0; shape[0] * shape[1]] } }
    }

    /// Takes plane `z`, rows of `width` pixels; a plane outside the range changes nothing.
    pub fn take(&mut self, z: usize, pixels: &[u16], width: usize) {
        if !self.planes.contains(&z) {
            return;
        }
        let [top, left] = self.corner;
        let columns = self.plane.shape[1].max(1);
        let rows = pixels.chunks_exact(width.max(1)).skip(top);
        for (out, row) in self.plane.values.chunks_exact_mut(columns).zip(rows) {
            out.iter_mut().zip(row.iter().skip(left)).for_each(|(most, pixel)| *most = most.max(f32::from(*pixel)));
        }
    }

    /// The points (z, y, x) that are seen in the projection, as places in its plane (y, x). Objects have a depth: those
    /// less than two planes above or below shine in.
    #[must_use]
    pub fn places(&self, points: impl IntoIterator<Item = [f64; 3]>) -> Vec<[f64; 2]> {
        let inside = |at: f64, from: usize, n: usize| at > from as f64 - 0.5 && at < (from + n) as f64 - 0.5;
        let [top, left] = self.corner;
        let [rows, columns] = self.plane.shape;
        let z_near = |z: f64| z > self.planes.start as f64 - 2.0 && z < self.planes.end as f64 + 1.0;
        let seen = |p: &[f64; 3]| z_near(p[0]) && inside(p[1], top, rows) && inside(p[2], left, columns);
        points.into_iter().filter(seen).map(|p| [p[1] - top as f64, p[2] - left as f64]).collect()
    }

    /// The projection.
    #[must_use]
    pub fn plane(&self) -> &Plane {
        &self.plane
    }
}

/// What the right panel is marked with; places are y, x in the plane.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// Detections that are true.
    pub hits: Vec<[f64; 2]>,
    /// True objects that were not found.
    pub misses: Vec<[f64; 2]>,
    /// Detections that are not true.
    pub false_ones: Vec<[f64; 2]>,
}

/// What is written about the two panels.
#[derive(Clone, Debug)]
pub struct Captions {
    /// Above the left panel.
    pub raw: String,
    /// Above the right panel.
    pub filtered: String,
    /// Below the left panel, the score of the plain threshold, say.
    pub below_raw: String,
    /// Below the right panel, the score.
    pub below_filtered: String,
    /// Micrometres a pixel, for the scale bar.
    pub pixel_um: f64,
}

/// Writes the picture as a PNG: `raw` on the left, `filtered` on the right with a ring about each mark.
///
/// # Errors
/// Planes of different or no extent, or a file that cannot be written.
pub fn before_after(path: &Path, raw: &Plane, filtered: &Plane, marks: &Marks, captions: &Captions) -> Result<()> {
    check(raw, filtered)?;
    let mut canvas = Canvas::new(2 * (MARGIN + SIDE) + DIVIDER, HEAD + SIDE + FOOT, PAPER);
    let (left, right) = (MARGIN, MARGIN + SIDE + DIVIDER);
    panel(&mut canvas, left, raw, 0.01, 0.9995);
    panel(&mut canvas, right, filtered, 0.3, 0.9993);
    rings(&mut canvas, right, filtered.shape, marks);
    canvas.text([13, left], &captions.raw, 2, INK);
    canvas.text([13, right], &captions.filtered, 2, INK);
    let below = HEAD + SIDE + 13;
    canvas.text([below, left], &captions.below_raw, 2, PALE);
    let width = canvas.text([below, right], &captions.below_filtered, 2, INK);
    legend(&mut canvas, [below, right + width + 48]);
    scale_bar(&mut canvas, left, raw.shape, captions.pixel_um);
    write(path, &canvas)
}

fn check(raw: &Plane, filtered: &Plane) -> Result<()> {
    let full = |p: &Plane| p.values.len() == p.shape[0].saturating_mul(p.shape[1]) && !p.values.is_empty();
    if raw.shape == filtered.shape && full(raw) && full(filtered) {
        return Ok(());
    }
    let what = format!("a picture needs two planes of one extent, not {:?} and {:?}", raw.shape, filtered.shape);
    Err(Error::caller(what))
}

/// Pixels of the panel for one of the plane; the plane is fitted into a square.
fn zoom(shape: [usize; 2]) -> f64 {
    SIDE as f64 / shape[0].max(shape[1]).max(1) as f64
}

/// Draws a plane, the shares `low` and `high` of its sorted values being black and white.
fn panel(canvas: &mut Canvas, left: usize, plane: &Plane, low: f64, high: f64) {
    let (black, white) = span(plane, low, high);
    let scale = zoom(plane.shape);
    let fit = |n: usize| ((n as f64 * scale).round() as usize).min(SIDE);
    for y in 0..fit(plane.shape[0]) {
        for x in 0..fit(plane.shape[1]) {
            let value = bilinear(plane, (y as f64 + 0.5) / scale - 0.5, (x as f64 + 0.5) / scale - 0.5);
            let level = ((value - black) / (white - black)).clamp(0.0, 1.0).powf(0.8);
            canvas.blend(HEAD + y, left + x, colour(level), 1.0);
        }
    }
}

fn span(plane: &Plane, low: f64, high: f64) -> (f32, f32) {
    let mut sorted = plane.values.clone();
    sorted.sort_unstable_by(f32::total_cmp);
    let at = |share: f64| sorted.get(((sorted.len() - 1) as f64 * share) as usize).copied().unwrap_or(0.0);
    let (black, white) = (at(low), at(high));
    (black, if white > black { white } else { black + 1.0 })
}

fn bilinear(plane: &Plane, y: f64, x: f64) -> f32 {
    let [rows, columns] = plane.shape;
    let (y, x) = (y.clamp(0.0, (rows - 1) as f64), x.clamp(0.0, (columns - 1) as f64));
    let (top, left) = (y as usize, x as usize);
    let (bottom, right) = ((top + 1).min(rows - 1), (left + 1).min(columns - 1));
    let (v, u) = ((y - top as f64) as f32, (x - left as f64) as f32);
    let at = |row: usize, column: usize| plane.values[row * columns + column];
    let (upper, lower) = (at(top, left) * (1.0 - u) + at(top, right) * u, at(bottom, left) * (1.0 - u) + at(bottom, right) * u);
    upper * (1.0 - v) + lower * v
}

/// The gradient at a level in [0, 1].
fn colour(level: f32) -> Colour {
    let at = level * (GRADIENT.len() - 1) as f32;
    let low = (at as usize).min(GRADIENT.len() - 2);
    let share = at - low as f32;
    std::array::from_fn(|c| (GRADIENT[low][c] + (GRADIENT[low + 1][c] - GRADIENT[low][c]) * share).round() as u8)
}

fn rings(canvas: &mut Canvas, left: usize, shape: [usize; 2], marks: &Marks) {
    let scale = zoom(shape);
    let all = [(&marks.hits, HIT), (&marks.misses, MISS), (&marks.false_ones, FALSE)];
    for (places, colour) in all {
        for [y, x] in places {
            let centre = [HEAD as f64 + (y + 0.5) * scale, left as f64 + (x + 0.5) * scale];
            canvas.ring(centre, 6.0 * scale.max(1.0), colour, left..left + SIDE);
        }
    }
}

fn legend(canvas: &mut Canvas, [top, mut left]: [usize; 2]) {
    for (name, colour) in [("found", HIT), ("missed", MISS), ("false", FALSE)] {
        canvas.ring([top as f64 + 7.0, left as f64 + 7.0], 6.0, colour, 0..usize::MAX);
        left += 22;
        left += canvas.text([top, left], name, 2, PALE) + 20;
    }
}

/// Ten micrometres, lower right in the left panel.
fn scale_bar(canvas: &mut Canvas, left: usize, shape: [usize; 2], pixel_um: f64) {
    let width = (10.0 / pixel_um * zoom(shape)).round();
    if !(8.0..SIDE as f64 / 2.0).contains(&width) {
        return;
    }
    let (width, text) = (width as usize, "10 µm");
    let (x, y) = (left + SIDE - 20 - width, HEAD + SIDE - 24);
    canvas.fill([y, x], [5, width], INK);
    canvas.text([y - 24, x + width.saturating_sub(text_width(text, 2)) / 2], text, 2, INK);
}

fn write(path: &Path, canvas: &Canvas) -> Result<()> {
    let file = File::create(path).map_err(|e| Error::io("create", path, &e))?;
    let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(BufWriter::new(file), side(canvas.width), side(canvas.height));
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let failed = |e: png::EncodingError| Error::machine(format!("cannot write {}: {e}", path.display()));
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&canvas.bytes).map_err(failed)?;
    writer.finish().map_err(failed)
}
