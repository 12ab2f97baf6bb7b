//! The demo's parts: the scene keeps its promises, plateaus merge, the matching is a maximum, the sweep finds the best.

use proptest::prelude::*;
use stackmill::demo::detect::Plateaus;
use stackmill::demo::random::{draw, normal, poisson};
use stackmill::demo::scene::{OFFSET, SPACING, Scene, SceneSource};
use stackmill::demo::score::{Matching, Score, Tolerance, matching, score};
use stackmill::demo::sweep::ThresholdSweep;
use stackmill::dtype::Dtype;
use stackmill::grid::Dims;
use stackmill::storage::Source;
use std::sync::Arc;

const SMALL: [usize; 3] = [8, 96, 128];
const FULL: [usize; 3] = [64, 1024, 1024];

fn plane(scene: &Scene, z: usize) -> Vec<u16> {
    let mut out = vec![0; scene.shape[1] * scene.shape[2]];
    scene.render(z, &mut out);
    out
}

#[test]
fn a_plane_is_the_same_twice_and_in_any_order() {
    let (a, b) = (Scene::new(7, SMALL).unwrap(), Scene::new(7, SMALL).unwrap());
    let upwards: Vec<_> = (0..8).map(|z| plane(&a, z)).collect();
    let downwards: Vec<_> = (0..8).rev().map(|z| plane(&b, z)).collect();
    assert!(upwards.iter().eq(downwards.iter().rev()));
    assert_eq!(a.spots, b.spots);
}

#[test]
fn seeds_and_planes_differ() {
    let (a, b) = (Scene::new(7, SMALL).unwrap(), Scene::new(8, SMALL).unwrap());
    assert_ne!(a.spots, b.spots);
    assert_ne!(plane(&a, 3), plane(&b, 3));
    assert_ne!(plane(&a, 3), plane(&a, 4));
}

#[test]
fn a_scene_keeps_its_promises() {
    for seed in 1..=5 {
        let scene = Scene::new(seed, FULL).unwrap();
        assert!(scene.spots.len() >= 400, "seed {seed}: {} spots", scene.spots.len());
        for spot in &scene.spots {
            let over = spot.peak / scene.noise(spot.centre);
            assert!((3.0..10.0).contains(&over), "seed {seed}: peak {over} x the noise");
            assert!(spot.centre.iter().zip(FULL).all(|(c, n)| *c > 1.0 && *c < n as f64 - 2.0), "{spot:?}");
        }
        for (n, a) in scene.spots.iter().enumerate() {
            for b in &scene.spots[..n] {
                let d: [f64; 3] = std::array::from_fn(|i| a.centre[i] - b.centre[i]);
                let apart = d[0].abs() >= SPACING[0] || d[1].hypot(d[2]) >= SPACING[1];
                assert!(apart, "seed {seed}: {a:?} and {b:?}");
            }
        }
    }
}

#[test]
fn the_background_varies_fivefold_even_over_the_offset() {
    for seed in 1..=5 {
        let scene = Scene::new(seed, FULL).unwrap();
        let grid = (0..64).step_by(8).flat_map(|z| (0..1024).step_by(32).map(move |y| (z, y)));
        let places = grid.flat_map(|(z, y)| (0..1024).step_by(32).map(move |x| [f64::from(z), f64::from(y), f64::from(x)]));
        let (low, high) = places.fold((f64::MAX, 0.0f64), |(low, high), p| {
            let b = OFFSET + scene.background(p);
            (low.min(b), high.max(b))
        });
        assert!(high / low >= 5.0, "seed {seed}: {low} to {high}");
    }
}

#[test]
fn pixels_have_the_mean_and_the_noise_that_the_scene_says() {
    let scene = Scene::new(3, [8, 256, 256]).unwrap();
    let (mut sum, mut squares, mut n) = (0.0, 0.0, 0.0);
    let pixels = plane(&scene, 4);
    for (at, pixel) in pixels.iter().enumerate() {
        let here = [4.0, (at / 256) as f64, (at % 256) as f64];
        let near = |c: [f64; 3]| (c[0] - here[0]).abs() < 7.0 && (c[1] - here[1]).hypot(c[2] - here[2]) < 10.0;
        let off = (f64::from(*pixel) - OFFSET - scene.background(here)) / scene.noise(here);
        if !scene.truth().into_iter().any(near) && off < 6.0 {
            (sum, squares, n) = (sum + off, squares + off * off, n + 1.0);
        }
    }
    assert!(n > 50_000.0);
    assert!((sum / n).abs() < 0.02, "mean {}", sum / n);
    assert!((squares / n - 1.0).abs() < 0.03, "variance {}", squares / n);
}

#[test]
fn poisson_has_its_mean_and_variance_on_both_sides_of_the_switch() {
    for mean in [0.0f32, 0.5, 4.0, 49.0, 51.0, 900.0] {
        let counts: Vec<f64> = (0..100_000).map(|n| f64::from(poisson(mean, draw(5, n)))).collect();
        let m = counts.iter().sum::<f64>() / 1e5;
        let v = counts.iter().map(|c| (c - m).powi(2)).sum::<f64>() / 1e5;
        let mean = f64::from(mean);
        assert!((m - mean).abs() <= 0.015 * mean.sqrt() && (v - mean).abs() <= 0.03 * mean + 0.1, "{mean}: {m}, {v}");
    }
    // The sum over the binomial and the triangle gives 1248 in a million, a true normal 1350.
    let tail = (0..4_000_000).filter(|n| normal(draw(6, *n)) > 3.0).count();
    assert!(tail.abs_diff(4 * 1248) < 280, "{tail} of four million above 3 sigma, expected {} within 4 sigma", 4 * 1248);
}

#[test]
fn a_source_renders_planes_even_to_unaligned_bytes() {
    let scene = Arc::new(Scene::new(2, SMALL).unwrap());
    let source = SceneSource::new(scene.clone()).unwrap();
    assert_eq!((source.info().dtype, source.info().letters().as_str()), (Dtype::U16, "ZYX"));
    assert_eq!(source.unit(), Dims::from([1, 96, 128]));
    let steps: Vec<f64> = source.info().axes.iter().map(|a| a.step).collect();
    assert_eq!(steps, [0.5, 0.1, 0.1]);
    let unit = Dims::from([5, 0, 0]);
    assert!(source.fetch(&unit).unwrap().is_none());
    let expected: Vec<u8> = plane(&scene, 5).into_iter().flat_map(u16::to_ne_bytes).collect();
    let mut bytes = vec![0u8; expected.len() + 1];
    for shift in [0, 1] {
        source.decode(&unit, None, &mut bytes[shift..shift + expected.len()]).unwrap();
        assert_eq!(bytes[shift..shift + expected.len()], expected);
    }
    assert!(source.decode(&Dims::from([8, 0, 0]), None, &mut bytes[1..]).is_err());
}

#[test]
fn scenes_that_cannot_be_are_refused() {
    for shape in [Dims::from([64, 64]), Dims::from([4, 64, 64]), Dims::from([8, 8, 64]), Dims::from([8, 64, 1 << 21])] {
        let error = Scene::new(1, shape).err().unwrap().to_string();
        assert!(error.contains(&shape.to_string()) && error.contains("hint"), "{error}");
    }
}

/// Feeds planes drawn as rows of text, `#` being set.
fn merged(planes: &[&[&str]]) -> Vec<[f64; 3]> {
    let mut plateaus = Plateaus::new([planes[0].len(), planes[0][0].len()]);
    let mut found = Vec::new();
    for rows in planes {
        let mask: Vec<u8> = rows.concat().bytes().map(|b| u8::from(b == b'#')).collect();
        found.extend(plateaus.feed(&mask).unwrap());
    }
    found.extend(plateaus.finish());
    found
}

#[test]
fn plateaus_merge_in_the_plane_and_across_planes() {
    assert_eq!(merged(&[&["....", ".##.", "...."]]), [[0.0, 1.0, 1.5]]);
    assert_eq!(merged(&[&["#...", ".#..", "..#."]]), [[0.0, 1.0, 1.0]]);
    assert_eq!(merged(&[&["#...", "....", "...."], &["....", ".#..", "...."]]), [[0.5, 0.5, 0.5]]);
    assert_eq!(merged(&[&["#..."], &["...."], &["#..."]]), [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]]);
    assert_eq!(merged(&[&["#..#"], &["####"]]).len(), 1, "two that meet one plane later are one");
    assert_eq!(merged(&[&["#.#.#"]]).len(), 3);
    assert_eq!(merged(&[&["...."], &["...."]]).len(), 0);
}

#[test]
fn plateaus_refuse_a_plane_of_another_size() {
    assert!(Plateaus::new([4, 4]).feed(&[0; 15]).is_err());
}

/// Connected components by flooding, the slow way.
fn flooded(mask: &[bool], shape: [usize; 3]) -> Vec<[f64; 3]> {
    let mut left = mask.to_vec();
    let mut found = Vec::new();
    for start in 0..left.len() {
        let (mut stack, mut sums, mut n) = (vec![start], [0.0; 3], 0.0);
        while let Some(at) = stack.pop() {
            if !std::mem::take(&mut left[at]) {
                continue;
            }
            let here = [at / (shape[1] * shape[2]), at / shape[2] % shape[1], at % shape[2]];
            (0..3).for_each(|i| sums[i] += here[i] as f64);
            n += 1.0;
            for (other, set) in left.iter().enumerate() {
                let there = [other / (shape[1] * shape[2]), other / shape[2] % shape[1], other % shape[2]];
                if *set && (0..3).all(|i| here[i].abs_diff(there[i]) <= 1) {
                    stack.push(other);
                }
            }
        }
        if n > 0.0 {
            found.push(sums.map(|s| s / n));
        }
    }
    found
}

fn sorted(mut points: Vec<[f64; 3]>) -> Vec<[i64; 3]> {
    let mut whole: Vec<[i64; 3]> = points.drain(..).map(|p| p.map(|c| (c * 1e6).round() as i64)).collect();
    whole.sort_unstable();
    whole
}

/// The largest matching by trying everything.
fn most_pairs(truth: &[[f64; 3]], found: &[[f64; 3]], used: u32) -> usize {
    let Some((first, rest)) = found.split_first() else { return 0 };
    let free = (0..truth.len()).filter(|n| used >> n & 1 == 0 && Tolerance::default().holds(truth[*n], *first));
    free.map(|n| 1 + most_pairs(truth, rest, used | 1 << n)).max().unwrap_or(0).max(most_pairs(truth, rest, used))
}

proptest! {
    #[test]
    fn plateaus_are_connected_components(bits in prop::collection::vec(prop::bool::weighted(0.2), 4 * 5 * 7)) {
        let mut plateaus = Plateaus::new([5, 7]);
        let mut found = Vec::new();
        for plane in bits.chunks(35) {
            let mask: Vec<u8> = plane.iter().map(|b| u8::from(*b)).collect();
            found.extend(plateaus.feed(&mask).unwrap());
        }
        found.extend(plateaus.finish());
        prop_assert_eq!(sorted(found), sorted(flooded(&bits, [4, 5, 7])));
    }

    #[test]
    fn no_matching_is_larger(
        truth in prop::collection::vec(prop::array::uniform3(0.0..5.0f64), 0..7),
        found in prop::collection::vec(prop::array::uniform3(-1.0..5.0f64), 0..7),
    ) {
        let made = matching(&truth, &found, Tolerance::default());
        prop_assert_eq!(made.score().matched, most_pairs(&truth, &found, 0));
        for (f, t) in made.of_found().iter().enumerate().filter_map(|(f, t)| t.map(|t| (f, t))) {
            prop_assert_eq!(made.of_truth()[t], Some(f));
            prop_assert!(Tolerance::default().holds(truth[t], found[f]));
        }
        prop_assert_eq!(made.of_truth().iter().flatten().count(), made.score().matched);
    }
}

#[test]
fn the_nearest_pair_is_not_always_right() {
    // The detection at 1.0 is nearest to the truth at 1.5, but only it reaches the one at -0.5.
    let truth = [[0.0, 0.0, -0.5], [0.0, 0.0, 1.5]];
    let found = [[0.0, 0.0, 1.0], [0.0, 0.0, 3.0]];
    assert_eq!(score(&truth, &found, Tolerance::default()).matched, 2);
    let long: Vec<[f64; 3]> = (0..20_000).map(|n| [0.0, 0.0, 2.0 * f64::from(n)]).collect();
    let shifted: Vec<[f64; 3]> = long.iter().map(|p| [0.0, 0.0, p[2] - 1.0]).collect();
    assert_eq!(score(&long, &shifted, Tolerance::default()).matched, 20_000);
}

#[test]
fn tolerances_are_one_plane_and_two_pixels() {
    let at = |z, y, x| score(&[[5.0, 5.0, 5.0]], &[[z, y, x]], Tolerance::default()).matched;
    assert_eq!([at(6.0, 5.0, 7.0), at(4.0, 3.0, 5.0)], [1, 1]);
    assert_eq!([at(6.1, 5.0, 5.0), at(5.0, 6.5, 6.5), at(5.0, 5.0, 7.01), at(f64::NAN, 5.0, 5.0)], [0; 4]);
}

#[test]
fn a_true_object_counts_once() {
    let twice = score(&[[0.0; 3]], &[[0.0; 3], [0.0, 0.0, 1.0]], Tolerance::default());
    assert_eq!(twice, Score { found: 2, truth: 1, matched: 1 });
    assert_eq!((twice.recall(), twice.precision()), (1.0, 0.5));
    assert!((twice.f1() - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(Matching::new(&[], Tolerance::default()).score().f1(), 1.0);
}

/// Twenty columns of peaks: the `bright` of them true and of value 500, the others 300.
fn peaked(bright: usize) -> (Vec<Vec<u16>>, Vec<[f64; 3]>) {
    let mut planes = vec![vec![100u16; 40 * 200]; 5];
    let mut truth = Vec::new();
    for n in 0..20 {
        planes[2][20 * 200 + 10 * n + 4] = if n < bright { 500 } else { 300 };
        if n < bright {
            truth.push([2.0, 20.0, (10 * n + 4) as f64]);
        }
    }
    (planes, truth)
}

#[test]
fn the_sweep_finds_the_obvious_threshold() {
    for limit in [15, 200_000] {
        let (planes, truth) = peaked(12);
        let mut sweep = ThresholdSweep::keeping([40, 200], limit);
        planes.iter().for_each(|p| sweep.feed(p).unwrap());
        let (threshold, best) = sweep.best(&truth, Tolerance::default());
        assert_eq!((threshold, best), (500, Score { found: 12, truth: 12, matched: 12 }));
    }
    assert!(ThresholdSweep::new([4, 4]).feed(&[0; 15]).is_err());
}

#[test]
fn the_sweep_takes_one_maximum_of_a_plateau_across_planes() {
    let mut planes = vec![vec![100u16; 30 * 30]; 4];
    for (z, at) in [(0, 15 * 30 + 15), (1, 15 * 30 + 16), (3, 0), (3, 899)] {
        planes[z][at] = 900;
    }
    let truth = [[0.0, 15.0, 15.0], [3.0, 0.0, 0.0], [3.0, 29.0, 29.0]];
    let mut sweep = ThresholdSweep::new([30, 30]);
    planes.iter().for_each(|p| sweep.feed(p).unwrap());
    let best = sweep.best(&truth, Tolerance::default());
    assert_eq!(best, (900, Score { found: 3, truth: 3, matched: 3 }));
}

#[cfg(feature = "cli")]
#[test]
fn a_picture_is_written_and_bad_planes_are_refused() {
    use stackmill::demo::picture::{Captions, Marks, Plane, Projection, before_after};
    let scene = Scene::new(1, SMALL).unwrap();
    let mut projection = Projection::new(2..6, [10, 20], [64, 64]);
    (0..8).for_each(|z| projection.take(z, &plane(&scene, z), 128));
    let most = (2..6).map(|z| plane(&scene, z)[10 * 128 + 20]).max().unwrap();
    assert_eq!(projection.plane().values[0], f32::from(most));
    assert_eq!(projection.places([[3.0, 12.0, 25.0], [7.0, 12.0, 25.0], [3.0, 9.0, 25.0]]), [[2.0, 5.0]]);
    let words = || "text".to_owned();
    let captions = Captions { raw: words(), filtered: words(), below_raw: words(), below_filtered: words(), pixel_um: 0.1 };
    let marks = Marks { hits: vec![[2.0, 5.0], [-3.0, 63.9]], ..Marks::default() };
    let path = std::env::temp_dir().join(format!("stackmill-demo-{}.png", std::process::id()));
    before_after(&path, projection.plane(), projection.plane(), &marks, &captions).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(bytes.starts_with(b"\x89PNG") && bytes.len() > 5_000);
    let short = Plane { shape: [64, 64], values: vec![0.0; 5] };
    assert!(before_after(&path, &short, &short, &marks, &captions).is_err() && !path.exists());
}
