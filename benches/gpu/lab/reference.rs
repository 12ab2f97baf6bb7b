//! The image, and each family's answer by plain loops on the CPU; judging what a device made by it. It does not know devices.
//!
//! Integers must be equal. A gaussian must be the bits of the f32 sum in the product's order (over y, then over x; the centre,
//! then pairs from the outside in), each step rounded, or of the same with every multiplication fused into its addition, for
//! WGSL lets a device do either. A device that fuses some only is held to one grey level of the sum in f64.

use crate::variants::{Family, Laid, Shape, gaussian_weights};
use rayon::prelude::*;

/// What a family should make.
pub enum Answer {
    Shorts(Vec<u16>),
    Floats(Vec<f32>),
    Sum(u64),
    /// Steps rounded one by one, fused, and in f64.
    Gaussian([Vec<u16>; 3]),
}

/// How an answer was right, or how it was not.
pub type Verdict = Result<String, String>;

/// The image: noise over the whole range, with ties, and with both ends in stretches that saturate.
pub fn image(shape: Shape) -> Vec<u16> {
    let row = |y: u32| {
        (0..shape.width).map(move |x| {
            let mut v = (y * 0x9e37 + x).wrapping_mul(0x85eb_ca6b) ^ (y << 7);
            v = (v ^ (v >> 15)).wrapping_mul(0x2c1b_3c6d);
            v = (v ^ (v >> 13)).wrapping_mul(0x297a_2d39) ^ (v >> 16);
            match (x / 24 + y / 24) % 7 {
                0 => (v & 3) as u16,
                1 => 65_535 - (v & 1) as u16,
                2 => (v % 64 * 1000) as u16,
                _ => v as u16,
            }
        })
    };
    (0..shape.height).into_par_iter().flat_map_iter(row).collect()
}

/// The index inside that one outside stands for.
fn reflected(i: isize, count: usize) -> usize {
    let n = count.cast_signed();
    let once = if i < 0 {
        -1 - i
    } else if i >= n {
        2 * n - 1 - i
    } else {
        i
    };
    once.unsigned_abs()
}

/// Every result out of what lies around it along an axis: `make(element k steps away)`.
fn along<T: Copy + Sync, O: Send>(
    shape: Shape,
    data: &[T],
    along_x: bool,
    make: impl Fn(&dyn Fn(isize) -> T) -> O + Sync,
) -> Vec<O> {
    let (width, height) = (shape.width as usize, shape.height as usize);
    let make = &make;
    let row = |y: usize| {
        (0..width).map(move |x| {
            let (at, by) = (x.cast_signed(), y.cast_signed());
            if along_x {
                make(&|k| data[y * width + reflected(at + k, width)])
            } else {
                make(&|k| data[reflected(by + k, height) * width + x])
            }
        })
    };
    (0..height).into_par_iter().flat_map_iter(row).collect()
}

fn gaussian<F: Copy + Send + Sync>(
    shape: Shape,
    data: &[F],
    centre: impl Fn(F) -> F + Sync,
    pair: impl Fn(F, F, F, usize) -> F + Sync,
) -> Vec<F> {
    let one = |at: &dyn Fn(isize) -> F| (0..8).fold(centre(at(0)), |sum, k| pair(sum, at(k - 8), at(8 - k), k.unsigned_abs()));
    let once = along(shape, data, false, one);
    along(shape, &once, true, one)
}

fn gaussians(shape: Shape, image: &[u16]) -> [Vec<u16>; 3] {
    let w = gaussian_weights();
    let wide = w.map(f64::from);
    let floats: Vec<f32> = image.iter().map(|v| f32::from(*v)).collect();
    let doubles: Vec<f64> = image.iter().map(|v| f64::from(*v)).collect();
    let rounded = gaussian(shape, &floats, |v| v * w[8], |sum, a, b, k| sum + (a + b) * w[k]);
    let fused = gaussian(shape, &floats, |v| v * w[8], |sum, a, b, k| (a + b).mul_add(w[k], sum));
    let exact = gaussian(shape, &doubles, |v| v * wide[8], |sum, a, b, k| sum + (a + b) * wide[k]);
    // `as` saturates.
    let whole = |all: Vec<f32>| all.into_iter().map(|v| v.round_ties_even() as u16).collect();
    [whole(rounded), whole(fused), exact.into_iter().map(|v| v.round_ties_even() as u16).collect()]
}

fn extreme(shape: Shape, data: &[u16], better: impl Fn(u16, u16) -> u16 + Sync) -> Vec<u16> {
    let one = |at: &dyn Fn(isize) -> u16| (-7..=7).map(at).reduce(&better).unwrap_or_default();
    let once = along(shape, data, false, one);
    along(shape, &once, true, one)
}

fn tophat(shape: Shape, image: &[u16]) -> Vec<u16> {
    let opened = extreme(shape, &extreme(shape, image, u16::min), u16::max);
    image.iter().zip(opened).map(|(v, o)| v - o).collect()
}

fn median(shape: Shape, image: &[u16]) -> Vec<u16> {
    let columns: Vec<[u16; 3]> = along(shape, image, false, |at| [at(-1), at(0), at(1)]);
    along(shape, &columns, true, |at| {
        let mut nine = [at(-1), at(0), at(1)].concat();
        nine.sort_unstable();
        nine[4]
    })
}

/// What a family makes of the image.
pub fn answer(family: Family, shape: Shape, image: &[u16]) -> Answer {
    match family {
        Family::Copy => Answer::Shorts(image.to_vec()),
        Family::Map => Answer::Shorts(image.iter().map(|v| v.saturating_add(1000)).collect()),
        Family::MapFloat => Answer::Floats(image.iter().map(|v| f32::from(*v) / 2.0 + 1.0).collect()),
        Family::Taps | Family::Edge => Answer::Shorts(along(shape, image, true, |at| {
            let v = |k| u32::from(at(k));
            ((v(-2) + 4 * v(-1) + 6 * v(0) + 4 * v(1) + v(2) + 8) / 16) as u16
        })),
        Family::Gaussian => Answer::Gaussian(gaussians(shape, image)),
        Family::Tophat => Answer::Shorts(tophat(shape, image)),
        Family::Median => Answer::Shorts(median(shape, image)),
        Family::Fold => Answer::Sum(image.iter().map(|v| u64::from(*v)).sum()),
    }
}

/// The image's elements out of rows that are longer.
fn cut<T: Copy>(shape: Shape, rows: &[T]) -> Vec<T> {
    let (width, pitch) = (shape.width as usize, shape.pitch() as usize);
    rows.chunks_exact(pitch).take(shape.height as usize).flat_map(|row| row[..width].iter().copied()).collect()
}

/// How many differ, and the first that does.
fn differences<T: Copy + PartialEq + std::fmt::Debug>(shape: Shape, found: &[T], wanted: &[T]) -> Option<(usize, String)> {
    let mut all = found.iter().zip(wanted).enumerate().filter(|(_, (f, w))| f != w);
    let (n, (f, w)) = all.next()?;
    let (y, x) = (n / shape.width as usize, n % shape.width as usize);
    let count = all.count() + 1;
    Some((count, format!("y {y}, x {x}: {f:?} where {w:?} is right; {count} of {} differ", found.len())))
}

fn equal<T: Copy + PartialEq + std::fmt::Debug>(shape: Shape, found: &[T], wanted: &[T]) -> Verdict {
    if found.len() != wanted.len() {
        return Err(format!("{} elements where there are {}", found.len(), wanted.len()));
    }
    differences(shape, found, wanted).map_or(Ok("yes".to_owned()), |(_, said)| Err(said))
}

fn judge_gaussian(shape: Shape, found: &[u16], [rounded, fused, exact]: &[Vec<u16>; 3]) -> Verdict {
    if equal(shape, found, rounded).is_ok() {
        return Ok("yes: f32, each step rounded".to_owned());
    }
    if equal(shape, found, fused).is_ok() {
        return Ok("yes: f32, fused".to_owned());
    }
    let held: Vec<u16> = found.iter().zip(exact).map(|(f, e)| if f.abs_diff(*e) <= 1 { *e } else { *f }).collect();
    equal(shape, &held, exact)?;
    let [a, b] = [rounded, fused].map(|all| differences(shape, found, all).map_or(0, |(count, _)| count));
    Ok(format!("within 1 of f64; {a} differ from rounded steps, {b} from fused ones"))
}

/// Judges the bytes of a result.
pub fn judge(shape: Shape, laid: Laid, bytes: &[u8], answer: &Answer) -> Verdict {
    match answer {
        Answer::Shorts(wanted) => equal(shape, &cut(shape, &bytemuck::pod_collect_to_vec::<u8, u16>(bytes)), wanted),
        Answer::Floats(wanted) => equal(shape, &cut(shape, &bytemuck::pod_collect_to_vec::<u8, f32>(bytes)), wanted),
        Answer::Gaussian(wanted) => judge_gaussian(shape, &cut(shape, &bytemuck::pod_collect_to_vec::<u8, u16>(bytes)), wanted),
        Answer::Sum(wanted) => {
            let found = summed(laid, &bytemuck::pod_collect_to_vec::<u8, u32>(bytes))?;
            if found == *wanted { Ok("yes".to_owned()) } else { Err(format!("{found} where {wanted} is right")) }
        }
    }
}

/// The sum of what groups made.
fn summed(laid: Laid, words: &[u32]) -> Result<u64, String> {
    let pairs = |low: &[u32], high: &[u32]| low.iter().zip(high).map(|(l, h)| u64::from(*l) + (u64::from(*h) << 32)).sum::<u64>();
    match laid {
        Laid::Pairs(count) => {
            let all = words.get(..2 * count).ok_or("fewer sums than groups")?;
            Ok(all.chunks_exact(2).map(|pair| pairs(&pair[..1], &pair[1..])).sum())
        }
        Laid::Planes(count, pitch, rows) => {
            let all = words.get(..2 * pitch * rows).ok_or("fewer sums than blocks")?;
            let (low, high) = all.split_at(pitch * rows);
            Ok(low.chunks_exact(pitch).zip(high.chunks_exact(pitch)).map(|(l, h)| pairs(&l[..count], &h[..count])).sum())
        }
        Laid::Shorts | Laid::Floats => Err("no sums".to_owned()),
    }
}
