//! A seeded fluorescence-like stack: spots of known centres on an uneven background, with photon noise.
//! It does not know who reads it, nor how spots are found; any plane is rendered alone and in any order.

use crate::demo::random::{Sequence, draw, poisson, stream, unit};
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::grid::Dims;
use crate::storage::{Axis, Info, Source};
use std::collections::HashMap;
use std::sync::Arc;

/// What the camera adds to every pixel; it carries no noise.
pub const OFFSET: f64 = 100.0;
/// Spots are at least this far apart: along z, or else in the plane (one of the two is exceeded).
pub const SPACING: [f64; 2] = [6.0, 14.0];
/// Standard deviations of a spot along z, y, x in pixels.
pub const SIGMA: [f64; 3] = [1.3, 2.0, 2.0];
/// A spot's peak in units of the standard deviation of the background's photon noise at its centre.
pub const PEAK_OVER_NOISE: [f64; 2] = [3.0, 10.0];

const DARK: f64 = 150.0;
const VIGNETTE: f64 = 0.6;
const GLOWS: usize = 26;
const VOXELS_PER_SPOT: usize = 90_000;
const SALT_PER_PLANE: u64 = 6;
const BORDER: [f64; 3] = [2.0, 10.0, 10.0];

/// One spot: a Gaussian in z, y, x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// z, y, x in pixels; a pixel's centre is at its integer index.
    pub centre: [f64; 3],
    /// Photons at the centre above the background.
    pub peak: f64,
    /// Standard deviations along z, y, x in pixels.
    pub sigma: [f64; 3],
}

/// A wide glow of the background: a Gaussian far larger than a spot.
struct Glow {
    height: f64,
    centre: [f64; 3],
    sigma: [f64; 3],
    /// The Gaussian along x and along y at each pixel, height left out.
    along: [Vec<f32>; 2],
}

impl Glow {
    fn random(numbers: &mut Sequence, shape: &Dims) -> Glow {
        let extent = [shape[0] as f64, shape[1] as f64, shape[2] as f64];
        let wide = extent[1].min(extent[2]);
        let height = numbers.between(300.0, 1800.0);
        let centre = extent.map(|n| n * numbers.between(0.05, 0.95));
        let sigma =
            [numbers.between(0.12, 0.4) * extent[0], numbers.between(0.05, 0.13) * wide, numbers.between(0.05, 0.13) * wide];
        let line = |axis: usize| (0..shape[axis]).map(|i| gauss(i as f64, centre[axis], sigma[axis]) as f32).collect();
        Glow { height, centre, sigma, along: [line(1), line(2)] }
    }

    fn at(&self, point: [f64; 3]) -> f64 {
        (0..3).fold(self.height, |value, axis| value * gauss(point[axis], self.centre[axis], self.sigma[axis]))
    }
}

/// All that there is to see, known before a pixel is rendered: seed, shape, spots, background.
pub struct Scene {
    /// z, y, x.
    pub shape: Dims,
    /// What everything follows from.
    pub seed: u64,
    /// The truth.
    pub spots: Vec<Spot>,
    glows: Vec<Glow>,
}

impl Scene {
    /// The scene of this seed: about one spot in 90 000 voxels, 745 in 64 × 1024 × 1024.
    ///
    /// # Errors
    /// A shape that is not z, y, x, or smaller than 8 × 64 × 64, or larger than 2^20 along an axis.
    pub fn new(seed: u64, shape: impl Into<Dims>) -> Result<Scene> {
        let shape = shape.into();
        let fits = shape.len() == 3 && shape[0] >= 8 && shape[1] >= 64 && shape[2] >= 64;
        if !fits || shape.iter().any(|n| *n > 1 << 20) {
            let what = format!("a demo scene has z, y, x of at least (8, 64, 64) and at most 2^20 each, not {shape}");
            return Err(Error::caller(what).hint("the usual scene is (64, 1024, 1024)"));
        }
        let mut numbers = Sequence::new(stream(seed, 1));
        let glows = (0..GLOWS).map(|_| Glow::random(&mut numbers, &shape)).collect();
        let mut scene = Scene { shape, seed, spots: Vec::new(), glows };
        scene.scatter();
        Ok(scene)
    }

    /// The spots' centres.
    #[must_use]
    pub fn truth(&self) -> Vec<[f64; 3]> {
        self.spots.iter().map(|s| s.centre).collect()
    }

    /// Photons of the background at a point, the camera's offset left out.
    #[must_use]
    pub fn background(&self, point: [f64; 3]) -> f64 {
        let glow: f64 = self.glows.iter().map(|g| g.at(point)).sum();
        (DARK + glow) * (1.0 - self.shade(1, point[1]) - self.shade(2, point[2]))
    }

    /// The standard deviation of the background's photon noise at a point.
    #[must_use]
    pub fn noise(&self, point: [f64; 3]) -> f64 {
        self.background(point).sqrt()
    }

    /// What vignetting takes away because of the place along one axis; half of it all at that axis' ends.
    fn shade(&self, axis: usize, at: f64) -> f64 {
        let half = self.shape[axis] as f64 / 2.0;
        VIGNETTE / 2.0 * ((at + 0.5 - half) / half).powi(2)
    }

    /// Places the spots, more of them where the background glows, none nearer to another than [`SPACING`].
    fn scatter(&mut self) {
        let wanted = (self.shape.count() / VOXELS_PER_SPOT).max(1);
        let mut numbers = Sequence::new(stream(self.seed, 2));
        let mut cells: HashMap<[i64; 3], Vec<[f64; 3]>> = HashMap::new();
        let bright = self.glows.iter().map(|g| self.background(g.centre)).fold(DARK, f64::max);
        for _ in 0..wanted.saturating_mul(40) {
            if self.spots.len() == wanted {
                break;
            }
            let centre: [f64; 3] = std::array::from_fn(|a| numbers.between(BORDER[a], self.shape[a] as f64 - 1.0 - BORDER[a]));
            let background = self.background(centre);
            let crowded = numbers.between(0.0, 1.0) > 0.25 + background / bright || is_near(&cells, centre);
            let over_noise = numbers.between(PEAK_OVER_NOISE[0], PEAK_OVER_NOISE[1]);
            if !crowded {
                cells.entry(cell(centre)).or_default().push(centre);
                self.spots.push(Spot { centre, peak: over_noise * background.sqrt(), sigma: SIGMA });
            }
        }
    }

    /// Renders plane `z` into `out`, one value a pixel; rows beyond the scene are left as they are.
    pub fn render(&self, z: usize, out: &mut [u16]) {
        let spots: Vec<&Spot> = self.spots.iter().filter(|s| (s.centre[0] - z as f64).abs() < 4.5 * s.sigma[0]).collect();
        let mut row = vec![0.0f32; self.shape[2]];
        for (y, line) in out.chunks_exact_mut(self.shape[2]).take(self.shape[1]).enumerate() {
            self.glow_row(z, y, &mut row);
            for spot in &spots {
                add_spot(spot, z, y, &mut row);
            }
            self.expose(z, y, &row, line);
        }
        self.salt(z, out);
    }

    /// The background of a row, without noise.
    fn glow_row(&self, z: usize, y: usize, row: &mut [f32]) {
        row.fill(DARK as f32);
        for glow in &self.glows {
            let scale = (glow.height * gauss(z as f64, glow.centre[0], glow.sigma[0])) as f32 * glow.along[0][y];
            if scale > 1e-3 {
                row.iter_mut().zip(&glow.along[1]).for_each(|(value, x)| *value += scale * x);
            }
        }
        let left = 1.0 - self.shade(1, y as f64);
        row.iter_mut().enumerate().for_each(|(x, value)| *value *= (left - self.shade(2, x as f64)) as f32);
    }

    /// Counts photons: Poisson noise keyed by seed, z, y and x alone.
    fn expose(&self, z: usize, y: usize, row: &[f32], line: &mut [u16]) {
        let key = stream(self.seed, 3);
        let place = ((z as u64) << 40) | ((y as u64) << 20);
        for ((x, mean), out) in (0u64..).zip(row).zip(line) {
            *out = (OFFSET as f32 + poisson(*mean, draw(key, place | x))) as u16;
        }
    }

    /// A few hot pixels a mega-pixel: single voxels far too bright.
    fn salt(&self, z: usize, out: &mut [u16]) {
        let key = stream(self.seed, 4);
        let pixels = (self.shape[1] * self.shape[2]) as u64;
        for n in 0..(SALT_PER_PLANE * pixels).div_ceil(1 << 20) {
            let place = ((z as u64) << 32) | (2 * n);
            let at = (unit(draw(key, place)) * pixels as f64) as usize;
            if let Some(pixel) = out.get_mut(at) {
                *pixel = pixel.saturating_add((300.0 + 2700.0 * unit(draw(key, place | 1))) as u16);
            }
        }
    }
}

fn gauss(at: f64, centre: f64, sigma: f64) -> f64 {
    (-0.5 * ((at - centre) / sigma).powi(2)).exp()
}

fn add_spot(spot: &Spot, z: usize, y: usize, row: &mut [f32]) {
    let [cz, cy, cx] = spot.centre;
    let reach = 4.5 * spot.sigma[2];
    if (y as f64 - cy).abs() > reach {
        return;
    }
    let height = spot.peak * gauss(z as f64, cz, spot.sigma[0]) * gauss(y as f64, cy, spot.sigma[1]);
    let (from, to) = ((cx - reach).max(0.0) as usize, ((cx + reach) as usize + 1).min(row.len()));
    for (x, value) in row.iter_mut().enumerate().take(to).skip(from) {
        *value += (height * gauss(x as f64, cx, spot.sigma[2])) as f32;
    }
}

fn cell(centre: [f64; 3]) -> [i64; 3] {
    let [z, yx] = SPACING;
    [(centre[0] / z) as i64, (centre[1] / yx) as i64, (centre[2] / yx) as i64]
}

fn is_near(cells: &HashMap<[i64; 3], Vec<[f64; 3]>>, centre: [f64; 3]) -> bool {
    let [z, y, x] = cell(centre);
    (0..27).any(|n| {
        let there = cells.get(&[z + n / 9 - 1, y + n / 3 % 3 - 1, x + n % 3 - 1]);
        there.is_some_and(|all| all.iter().any(|other| are_near(*other, centre)))
    })
}

fn are_near(a: [f64; 3], b: [f64; 3]) -> bool {
    (a[0] - b[0]).abs() < SPACING[0] && (a[1] - b[1]).hypot(a[2] - b[2]) < SPACING[1]
}

/// A scene read as if it were stored: one unit is one plane, nothing is fetched, decoding renders.
pub struct SceneSource {
    scene: Arc<Scene>,
    info: Info,
}

impl SceneSource {
    /// u16, axes ZYX, 0.5 µm between planes and 0.1 µm between pixels.
    ///
    /// # Errors
    /// None for a scene that was made; the axes' names are checked as everybody's are.
    pub fn new(scene: Arc<Scene>) -> Result<SceneSource> {
        let mut info = Info::new(scene.shape, Dtype::U16).with_axes("ZYX")?;
        let sized = |(axis, step): (&Axis, f64)| Axis { step, unit: Some("micrometer".to_owned()), ..axis.clone() };
        info.axes = info.axes.iter().zip([0.5, 0.1, 0.1]).map(sized).collect();
        Ok(SceneSource { scene, info })
    }
}

impl Source for SceneSource {
    fn info(&self) -> &Info {
        &self.info
    }

    fn name(&self) -> String {
        format!("scene of seed {}", self.scene.seed)
    }

    fn unit(&self) -> Dims {
        self.info.shape.with(0, 1)
    }

    fn stored_bytes(&self, _unit: &Dims) -> u64 {
        0
    }

    fn fetch(&self, _unit: &Dims) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn decode(&self, unit: &Dims, _stored: Option<Vec<u8>>, out: &mut [u8]) -> Result<()> {
        let z = unit.first().copied().unwrap_or(0);
        let bytes = 2 * self.info.shape.with(0, 1).count();
        if z >= self.info.shape[0] || out.len() != bytes {
            let what = format!("{}: plane {z} into {} bytes, the scene is {}", self.name(), out.len(), self.info.shape);
            return Err(Error::bug(what));
        }
        match bytemuck::try_cast_slice_mut(out) {
            Ok(pixels) => self.scene.render(z, pixels),
            Err(_) => self.render_bytes(z, out),
        }
        Ok(())
    }

    fn fingerprint(&self) -> String {
        format!("scene 1, seed {}, shape {}", self.scene.seed, self.info.shape)
    }
}

impl SceneSource {
    /// Where the bytes do not lie on a multiple of two: by way of a plane of our own.
    fn render_bytes(&self, z: usize, out: &mut [u8]) {
        let mut plane = vec![0u16; out.len() / 2];
        self.scene.render(z, &mut plane);
        out.chunks_exact_mut(2).zip(&plane).for_each(|(bytes, pixel)| bytes.copy_from_slice(&pixel.to_ne_bytes()));
    }
}
