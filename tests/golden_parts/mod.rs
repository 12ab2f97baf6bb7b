//! Reads golden cases, makes their inputs, runs them under several tilings, and says what differs.
//!
//! `tests/golden/make.py` describes the format and makes the same inputs from the same words.
#![allow(dead_code)]

pub mod input;

use stackmill::dtype::{Dtype, Number, get};
use stackmill::graph::Array;
use stackmill::grid::Dims;
use stackmill::language::evaluate;
use stackmill::session::Options;
use stackmill::tile::Tile;

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
/// Up to this many elements a result is small: fewer digests and samples are kept of it.
const SMALL: usize = 400;
/// Failures that are told; the rest is only counted.
const TOLD: usize = 12;

/// One case: a pipeline over an input and what it must give.
#[derive(Clone, Debug)]
pub struct Case {
    pub source: String,
    pub text: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub check: Check,
}

/// What a result must be.
#[derive(Clone, Debug)]
pub enum Check {
    /// All elements by their hashes.
    Exact { hash: u64, digests: Vec<u16> },
    /// The same, but at these places both neighbours of a tie are right; each with the parity of the lower one.
    Tie { hash: u64, digests: Vec<u16>, places: Vec<(usize, i64)> },
    /// Samples, each with its tolerance.
    Near { values: Vec<(f64, f64)> },
}

/// The cases of a file below `tests/golden`.
pub fn cases(name: &str) -> Vec<Case> {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut source = String::new();
    let mut all = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("@ ") {
            Some(words) => words.clone_into(&mut source),
            None => all.push(case(&source, line)),
        }
    }
    assert!(!all.is_empty(), "{path} holds no case");
    all
}

fn case(source: &str, line: &str) -> Case {
    let [text, kind, check] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("no golden case: {line}") };
    let (dtype, shape) = kind.split_once(' ').unwrap_or_else(|| panic!("no dtype and shape: {line}"));
    Case {
        source: source.to_owned(),
        text: text.to_owned(),
        dtype: Dtype::parse(dtype).unwrap(),
        shape: if shape == "()" { Vec::new() } else { input::extents(shape) },
        check: parse_check(check),
    }
}

fn parse_check(words: &str) -> Check {
    let mut words = words.split(' ');
    let kind = words.next().unwrap();
    if kind == "near" {
        let common = words.next().unwrap();
        return Check::Near { values: words.map(|word| sample(word, common)).collect() };
    }
    let hash = u64::from_str_radix(words.next().unwrap(), 16).unwrap();
    let digits = words.next().unwrap().trim_matches('-');
    let digests = (0..digits.len() / 4).map(|k| u16::from_str_radix(&digits[4 * k..4 * k + 4], 16).unwrap()).collect();
    if kind == "exact" {
        return Check::Exact { hash, digests };
    }
    assert_eq!(kind, "tie");
    let mut at = 0;
    let places = words.filter(|w| *w != "-").map(|word| {
        let gap = usize::from_str_radix(word, 36).unwrap();
        at += gap / 2;
        (at, i64::from(gap % 2 == 1))
    });
    let places = places.collect();
    Check::Tie { hash, digests, places }
}

fn sample(word: &str, common: &str) -> (f64, f64) {
    let (value, tolerance) = word.split_once(':').unwrap_or((word, common));
    let value = match value {
        "nan" => f64::NAN,
        digits => f64::from_bits(u64::from_str_radix(&format!("{digits:0<16}"), 16).unwrap()),
    };
    (value, tolerance.parse().unwrap())
}

/// Runs all cases that `wanted` picks (and that the variable GOLDEN names, if it is set) under all tilings.
pub fn prove(file: &str, array_of: impl Fn(&str) -> (Array, Vec<(String, Array)>), wanted: impl Fn(&Case) -> bool, most: usize) {
    let only = std::env::var("GOLDEN").unwrap_or_default();
    let picked: Vec<Case> = cases(file).into_iter().filter(|c| wanted(c) && key(c).contains(&only)).collect();
    assert!(!picked.is_empty(), "no case is picked by GOLDEN='{only}'");
    let mut failures = Vec::new();
    for case in &picked {
        let (x, others) = array_of(&case.source);
        let made = evaluate(&case.text, &x, &others).unwrap_or_else(|e| panic!("{}: {e}", key(case)));
        failures.extend(prove_case(case, &x, &made.result, most).err());
    }
    let told = failures.iter().take(TOLD).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(failures.is_empty(), "{} of {} golden cases differ; the first:\n\n{told}\n", failures.len(), picked.len());
}

fn key(case: &Case) -> String {
    format!("{} | {}", case.source, case.text)
}

/// The whole array as one tile against the golden values, then other tilings against that, bit for bit.
fn prove_case(case: &Case, x: &Array, y: &Array, most: usize) -> Result<(), String> {
    let headed = |tiling: &str, what: String| {
        let rerun = format!("rerun: GOLDEN='{}' cargo test --test golden --test golden_ops", case.text);
        format!("{}\n  {} {}, {tiling}\n  {what}\n  {rerun}", key(case), case.dtype, Dims::from(&case.shape[..]))
    };
    let info = y.info().map_err(|e| headed("not run", e.to_string()))?;
    if info.dtype != case.dtype || info.shape[..] != case.shape[..] {
        return Err(headed("not run", format!("the result is {} {}", info.dtype, info.shape)));
    }
    let whole = compute(y, None).map_err(|e| headed("tile chosen", e))?;
    check(case, &whole).map_err(|e| headed("tile chosen", e))?;
    for tile in tilings(&x.shape().unwrap(), most) {
        let tiling = format!("tile {tile:?}");
        let other = compute(y, Some(tile)).map_err(|e| headed(&tiling, e))?;
        same_bits(&whole, &other).map_err(|e| headed(&tiling, e))?;
    }
    Ok(())
}

fn compute(y: &Array, tile: Option<Vec<usize>>) -> Result<Tile, String> {
    let options = Options { memory: Some(256 << 20), threads: Some(2), tile, ..Options::default() };
    y.compute_with(&options).map(|made| made.tile).map_err(|e| e.to_string())
}

/// Ways to cut an array beside the one that a plan chooses, at most about `most` tiles each: whole, ragged, planes,
/// rows, and one that is smaller than a halo along all axes but the last.
pub fn tilings(shape: &[usize], most: usize) -> Vec<Vec<usize>> {
    const PATTERNS: [[usize; 3]; 4] = [[5, 37, 61], [1, 1000, 1000], [1000, 7, 1000], [1, 3, 4]];
    let extent = |pattern: &[usize; 3], axis: usize| match (axis + 3).checked_sub(shape.len()) {
        Some(k) => pattern[k],
        None => 2,
    };
    let cut = |pattern: &[usize; 3]| {
        let mut tile: Vec<usize> = (0..shape.len()).map(|a| extent(pattern, a).clamp(1, shape[a].max(1))).collect();
        // Doubled from the last axis on, so that the outer axes stay narrow.
        for axis in (0..shape.len()).rev().cycle().take(64 * shape.len().max(1)) {
            let count: usize = shape.iter().zip(&tile).map(|(n, t)| n.div_ceil(*t)).product();
            if count > most && tile[axis] < shape[axis] {
                tile[axis] = (tile[axis] * 2).min(shape[axis]);
            }
        }
        tile
    };
    let mut all: Vec<Vec<usize>> = vec![shape.iter().map(|n| (*n).max(1)).collect()];
    all.extend(PATTERNS.iter().map(cut));
    all
}

fn number(tile: &Tile, k: usize) -> Number {
    get(tile.dtype, &tile.data.bytes()[k * tile.dtype.size()..])
}

fn same_bits(whole: &Tile, other: &Tile) -> Result<(), String> {
    let (a, b) = (whole.data.bytes(), other.data.bytes());
    if a == b {
        return Ok(());
    }
    let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len())) / whole.dtype.size();
    Err(format!("{} here, {} in the tile chosen; first at {}", number(other, at), number(whole, at), place(whole, at)))
}

fn place(tile: &Tile, at: usize) -> String {
    format!("element {at} {:?}", &tile.shape.index_of(at)[..])
}

fn check(case: &Case, tile: &Tile) -> Result<(), String> {
    match &case.check {
        Check::Exact { hash, digests } => check_words(case, tile, &words(tile), *hash, digests),
        Check::Tie { hash, digests, places } => {
            let mut words = words(tile);
            for (at, odd) in places {
                // The lower neighbour and the one above it become the same number.
                let value = i64::try_from(number(tile, *at).to_int()).unwrap();
                words[*at] = ((value + odd) >> 1).cast_unsigned();
            }
            check_words(case, tile, &words, *hash, digests)
        }
        Check::Near { values } => check_samples(tile, values),
    }
}

/// Every element as its bits (signed integers widened where ties need it), with one NaN and one zero.
fn words(tile: &Tile) -> Vec<u64> {
    let bits = |k: usize| match number(tile, k) {
        Number::Float(v) if v.is_nan() => 1,
        // Both zeros.
        Number::Float(0.0) => 0,
        Number::Float(_) | Number::Bool(_) => raw(tile, k),
        Number::Int(_) if tile.dtype.size() == 8 => raw(tile, k),
        Number::Int(v) => i64::try_from(v).unwrap().cast_unsigned(),
    };
    (0..tile.shape.count()).map(bits).collect()
}

fn raw(tile: &Tile, k: usize) -> u64 {
    let size = tile.dtype.size();
    tile.data.bytes()[k * size..(k + 1) * size].iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

fn hashed(words: &[u64]) -> u64 {
    words.iter().fold(1, |hash: u64, word| hash.wrapping_mul(FACTOR).wrapping_add(*word))
}

fn check_words(case: &Case, tile: &Tile, words: &[u64], hash: u64, digests: &[u16]) -> Result<(), String> {
    if hashed(words) == hash {
        return Ok(());
    }
    let run = words.len().div_ceil(if words.len() <= SMALL { 8 } else { 32 }).max(1);
    let bad: Vec<usize> = (0..digests.len())
        .filter(|k| (hashed(&words[k * run..words.len().min((k + 1) * run)]) >> 48) as u16 != digests[*k])
        .collect();
    let from = bad.first().copied().unwrap_or(0) * run;
    let to = words.len().min(from + run);
    let shown: Vec<String> = (from..to.min(from + 12)).map(|k| number(tile, k).to_string()).collect();
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("golden-{hash:016x}.bin"));
    let kept = std::fs::write(&file, tile.data.bytes()).map_or_else(|e| e.to_string(), |()| file.display().to_string());
    Err(format!(
        "{} of {} runs of elements differ, the first from {} to {to}; ours there: {} ...\n  first difference with both \
         values: python tests/golden/make.py diff '{}' {kept}",
        bad.len(),
        digests.len(),
        place(tile, from),
        shown.join(" "),
        key(case),
    ))
}

fn check_samples(tile: &Tile, values: &[(f64, f64)]) -> Result<(), String> {
    let count = tile.shape.count();
    let samples = if count <= SMALL { 16 } else { 96 };
    let mut state = 1;
    let mut bad = Vec::new();
    for (k, (want, tolerance)) in values.iter().enumerate() {
        let at = if count <= samples {
            k
        } else {
            state = input::next(state);
            usize::try_from((u64::from(state) * count as u64) >> 32).unwrap()
        };
        let ours = number(tile, at).to_f64();
        let equal = ours == *want || ours.is_nan() && want.is_nan() || (ours - want).abs() <= *tolerance;
        if !equal {
            bad.push(format!(
                "{}: ours {ours:?}, SciPy's {want:?}, apart {:.3e}, allowed {tolerance:.3e}",
                place(tile, at),
                (ours - want).abs()
            ));
        }
    }
    assert_eq!(values.len(), count.min(samples), "a golden case has too few samples");
    if bad.is_empty() { Ok(()) } else { Err(format!("{} of {} samples differ; {}", bad.len(), values.len(), bad[0])) }
}
