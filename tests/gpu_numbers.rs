//! Floats on a GPU, bit by bit: quotients, roots and remainders are IEEE's and NumPy's on any device whose own division is within
//! some units of the last place, and what looks at bits alone leaves denormals as they are. The same tests run on a device that is
//! made as bad as Vulkan allows (`STACKMILL_GPU_NUMBERS=sloppy`). Needs a Vulkan driver: without one it fails, it is never skipped.
//! `STACKMILL_GPU` names another adapter than llvmpipe.

#[path = "conformance/data.rs"]
#[allow(dead_code, reason = "the matrix needs more of it")]
mod data;
#[path = "gpu_numbers/exact.rs"]
mod exact;
#[path = "gpu/rig.rs"]
#[allow(dead_code, reason = "the tests of one adapter need more of it")]
mod rig;

use data::Noise;
use rig::{assert_same, driver, is_exact, options, pipeline, planned, run, sharing};
use stackmill::device::gpu::numerics;
use stackmill::dtype::Dtype;
use stackmill::graph::Array;
use std::process::Command;

/// Pairs of one run on the device.
const AT_ONCE: usize = 1 << 20;
/// Random pairs of each op.
const PAIRS: usize = 10_000_000;

/// An op of two floats as a pipeline, and what it must give.
type Judge = (&'static str, fn(f32, f32) -> f32);
const JUDGES: [Judge; 4] =
    [("x / y", |a, b| a / b), ("sqrt(x)", |a, _| a.sqrt()), ("x // y", exact::floor_divide), ("x % y", exact::remainder)];

fn is_sloppy() -> bool {
    std::env::var_os("STACKMILL_GPU_NUMBERS").is_some_and(|v| v == "sloppy")
}

fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

/// Every op of these pairs on the device, each result against what it must be.
fn judge(pairs: &[[f32; 2]]) {
    let side = |k: usize| Array::from_ndarray(&ndarray::Array1::from_iter(pairs.iter().map(|pair| pair[k])));
    let (x, y) = (side(0), [("y".to_owned(), side(1))]);
    for (text, meaning) in JUDGES {
        let array = pipeline(text, &x, &y);
        let on_gpu = options(&driver(), None);
        assert!(is_exact(planned(text, &array, &on_gpu).plan()), "{text} is not promised to be exact");
        let made = run(text, std::slice::from_ref(&array), &on_gpu, None);
        let found: Vec<f32> = bytemuck::pod_collect_to_vec(made.tiles[0].data.bytes());
        assert_eq!(found.len(), pairs.len());
        let wrong = |([a, b], found): &(&[f32; 2], f32)| !same(meaning(*a, *b), *found);
        let wrong: Vec<_> = pairs.iter().zip(found.iter().copied()).filter(wrong).collect();
        if let Some(([a, b], found)) = wrong.first() {
            let (count, all, wanted) = (wrong.len(), pairs.len(), meaning(*a, *b));
            let bits = |v: &f32| format!("{v:e} ({:08x})", v.to_bits());
            panic!(
                "{text} is wrong for {count} of {all} pairs, first {} and {}: {} is not {}",
                bits(a),
                bits(b),
                bits(found),
                bits(&wanted)
            );
        }
        for ([a, b], found) in pairs.iter().zip(found).filter(|_| text == "x // y") {
            let whole = exact::whole_quotient(*a, *b).unwrap_or(found);
            assert!(
                whole == found || found.is_nan(),
                "{text} of {a:e} and {b:e} is {found:e}, and {whole:e} is the whole number below"
            );
        }
    }
}

#[test]
fn boundary_pairs_are_exact() {
    let _guard = sharing();
    let special = exact::special();
    let pairs: Vec<[f32; 2]> = special.iter().flat_map(|a| special.iter().map(move |b| [*a, *b])).collect();
    println!("{} values, {} pairs", special.len(), pairs.len());
    judge(&pairs);
}

/// A quotient near the middle between two floats: m 2^k = ±1 modulo n, mantissas m and n of any exponent.
fn near_tie(noise: &mut Noise) -> [f32; 2] {
    let bits = noise.next();
    let n = 0x80_0001 | (bits & 0x7f_ffff) as u32;
    let mut m = if bits >> 40 & 1 == 0 { 1 } else { n - 1 };
    for _ in 0..25 + (bits >> 41 & 1) {
        m = if m.is_multiple_of(2) { m / 2 } else { (m + n) / 2 };
    }
    let exponent = |shift: u32| 2f32.powi((bits >> shift & 127) as i32 - 90);
    [m as f32 * exponent(42), n as f32 * exponent(49)]
}

/// A whole multiple of a number and its neighbours; the factor may have more bits than a mantissa.
fn near_whole(noise: &mut Noise) -> [f32; 2] {
    let bits = noise.next();
    let b = f32::from_bits((bits & 0x81ff_ffff) as u32 + 0x3000_0000);
    let factor = (noise.next() >> (36 + bits % 28)) as f64;
    let a = (f64::from(b) * factor) as f32;
    [f32::from_bits(a.to_bits().wrapping_add((bits >> 40 & 3) as u32).wrapping_sub(1)), b]
}

/// The root of the first lies near the middle between two floats.
fn near_root(noise: &mut Noise) -> [f32; 2] {
    let s = (noise.next() >> 40 | 1 << 24 | 1) as f64;
    let scale = 2f64.powi(2 * ((noise.next() % 120) as i32 - 90));
    [(s * s * scale) as f32, f32::from_bits(noise.next() as u32)]
}

fn any(noise: &mut Noise) -> [f32; 2] {
    let bits = noise.next();
    [f32::from_bits(bits as u32), f32::from_bits((bits >> 32) as u32)]
}

#[test]
fn random_pairs_are_exact() {
    let _guard = sharing();
    let kinds: [fn(&mut Noise) -> [f32; 2]; 4] = [any, near_tie, near_whole, near_root];
    let mut noise = Noise(41);
    let mut judged = 0;
    while judged < PAIRS {
        let pairs: Vec<[f32; 2]> = (0..AT_ONCE.min(PAIRS - judged)).map(|k| kinds[k % 4](&mut noise)).collect();
        judge(&pairs);
        judged += pairs.len();
    }
    println!("{judged} pairs, {} ops each", JUDGES.len());
}

/// What looks at bits alone: order, signs, whole numbers, moves, casts.
const OF_BITS: [&str; 21] = [
    "floor(x)",
    "ceil(x)",
    "rint(x)",
    "-x",
    "abs(x)",
    "minimum(x, y)",
    "maximum(x, y)",
    "x < y",
    "x >= y",
    "x == y",
    "where(x > y, x, y)",
    "isnan(x)",
    "astype('f16')",
    "astype('bool')",
    "astype('i8')",
    "astype('u16')",
    "astype('i32')",
    "astype('u32')",
    "flip(x)",
    "median([3])",
    "clip(-1, 1) |> grey_erosion([5]) |> floor(x) // y",
];

#[test]
fn what_looks_at_bits_leaves_denormals() {
    let _guard = sharing();
    let special = exact::special();
    let mut noise = Noise(43);
    let side = |noise: &mut Noise| -> Vec<f32> { (0..30_000).map(|_| special[noise.below(special.len())]).collect() };
    let lent = |values: Vec<f32>| Array::from_ndarray(&ndarray::Array1::from(values));
    let x = lent(side(&mut noise));
    let others = [("y".to_owned(), lent(side(&mut noise)))];
    for text in OF_BITS {
        let array = pipeline(text, &x, &others);
        let [cpu, gpu] = ["cpu", &driver()].map(|name| run(text, std::slice::from_ref(&array), &options(name, None), None));
        assert!(is_exact(planned(text, &array, &options(&driver(), None)).plan()), "{text} is not promised to be exact");
        assert_same(text, &cpu.tiles[0], &gpu.tiles[0]);
    }
    for fold in ["min", "max", "argmin", "argmax"] {
        let array = pipeline(fold, &x, &[]);
        let [cpu, gpu] = ["cpu", &driver()].map(|name| run(fold, std::slice::from_ref(&array), &options(name, None), None));
        assert_same(fold, &cpu.tiles[0], &gpu.tiles[0]);
    }
}

/// Sums and products of denormals are theirs, or those of zeros where the device flushes them.
#[test]
fn float_arithmetic_is_exact_or_flushes() {
    let _guard = sharing();
    let values: Vec<f32> = exact::special().into_iter().filter(|v| v.is_finite()).collect();
    let pairs: Vec<[f32; 2]> = values.iter().flat_map(|a| values.iter().map(move |b| [*a, *b])).collect();
    let side = |k: usize| Array::from_ndarray(&ndarray::Array1::from_iter(pairs.iter().map(|pair| pair[k])));
    let (x, y) = (side(0), [("y".to_owned(), side(1))]);
    let keeps = numerics(&driver()).unwrap().keeps_denormals;
    let zero = |v: f32| if v.is_subnormal() { 0f32.copysign(v) } else { v };
    let arithmetic: [Judge; 3] = [("x + y", |a, b| a + b), ("x - y", |a, b| a - b), ("x * y", |a, b| a * b)];
    for (text, meaning) in arithmetic {
        let made = run(text, &[pipeline(text, &x, &y)], &options(&driver(), None), None);
        let found: Vec<f32> = bytemuck::pod_collect_to_vec(made.tiles[0].data.bytes());
        for ([a, b], found) in pairs.iter().zip(found) {
            let (wanted, flushed) = (meaning(*a, *b), zero(meaning(zero(*a), zero(*b))));
            let right = same(wanted, found) || !keeps && (flushed == found || zero(wanted) == found);
            assert!(right, "{text} of {a:e} and {b:e} is {found:e}, not {wanted:e} (keeps denormals: {keeps})");
        }
    }
}

#[test]
fn the_probe_tells_what_the_device_does() {
    let _guard = sharing();
    let found = numerics(&driver()).unwrap();
    println!("{found}");
    assert!(found.corrects && found.keeps_nan && found.rounds, "{found}");
    if is_sloppy() {
        assert!(!found.divides && found.ulps == 3 && !found.keeps_denormals, "a sloppy device passes for a good one: {found}");
        assert!(found.to_string().contains("within 3 ulp") && found.to_string().contains("flushes"), "{found}");
    }
}

/// All of this file on a device that is as bad as Vulkan allows, in a process of its own.
#[test]
fn a_sloppy_device_is_put_right() {
    if is_sloppy() {
        return;
    }
    let program = std::env::current_exe().unwrap();
    let made = Command::new(program).arg("--nocapture").env("STACKMILL_GPU_NUMBERS", "sloppy").output().unwrap();
    let text = String::from_utf8_lossy(&made.stdout).into_owned() + &String::from_utf8_lossy(&made.stderr);
    println!("{text}");
    assert!(made.status.success(), "on a sloppy device:\n{text}");
    assert!(text.contains("within 3 ulp") && text.contains(&format!("{PAIRS} pairs")), "the device was not sloppy:\n{text}");
}

/// A device without f16 in its formulas still rounds halves as the CPU does, denormal ones too.
#[test]
fn halves_divide_exactly() {
    let _guard = sharing();
    let x = data::Values::new(Dtype::F16, &[40_000], data::Data::Special, 7).lent();
    let others = [("y".to_owned(), data::Values::new(Dtype::F16, &[40_000], data::Data::Special, 8).lent())];
    for (text, _) in JUDGES {
        let array = pipeline(text, &x, &others);
        let [cpu, gpu] = ["cpu", &driver()].map(|name| run(text, std::slice::from_ref(&array), &options(name, None), None));
        assert_same(text, &cpu.tiles[0], &gpu.tiles[0]);
    }
}
