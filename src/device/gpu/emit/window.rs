//! Kernels of windows: weighted sums and extremes along an axis, elements of a rank in a box.
//! It does not know borders: operands are padded.

use super::access::{Bindings, Dialect};
use super::{Kernel, assembled, lane_type};
use crate::dtype::{Dtype, Lane};
use crate::error::{Error, Result};
use crate::graph::LineTaps;
use std::fmt::Write;

const LINE: &str = include_str!("../../../../shaders/line.wgsl");
const LINES: &str = include_str!("../../../../shaders/lines.wgsl");
const EXTREME: &str = include_str!("../../../../shaders/extreme.wgsl");
const EXTREMES: &str = include_str!("../../../../shaders/extremes.wgsl");
const RANK: &str = include_str!("../../../../shaders/rank.wgsl");
const BOX: &str = include_str!("../../../../shaders/box.wgsl");
const NETWORK: &str = include_str!("../../../../shaders/network.wgsl");

/// The largest box whose elements fit the registers of an invocation.
const NETWORK_MOST: usize = 27;

/// How taps are paired: as the CPU pairs them, so that sums round alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// `(left + right) · w`
    Sums,
    /// `(left - right) · w`
    Differences,
    /// No pairs.
    Single,
}

/// The pairing of weights that are already rounded to the dtype of the sum.
#[must_use]
pub fn pairing(weights: &[f64]) -> Pairing {
    let (last, half) = (weights.len().saturating_sub(1), weights.len() / 2);
    let mirrored = |sign: f64| weights.len() % 2 == 1 && (0..half).all(|k| weights[k] == sign * weights[last - k]);
    match () {
        () if mirrored(1.0) => Pairing::Sums,
        () if mirrored(-1.0) => Pairing::Differences,
        () => Pairing::Single,
    }
}

/// Rows of results that an invocation makes along another axis than x: what their windows share is read once. Windows
/// shorter than that share too little.
#[must_use]
pub fn rows_at_once(taps: &LineTaps) -> usize {
    match taps {
        LineTaps::Weights(_) => 4,
        LineTaps::Least(n) | LineTaps::Greatest(n) => [8, 4, 2].into_iter().find(|rows| n >= rows).unwrap_or(1),
    }
}

/// A weighted sum along x or another axis, in the dtype of the input.
pub fn weighted(weights: &[f64], along_x: bool, bound: &Bindings) -> Result<Kernel> {
    let dtype = bound.result;
    let (weight, lane) = match dtype {
        Dtype::F32 => ("bitcast<f32>(table[p.extra.z + k])", "f32"),
        Dtype::I32 => ("bitcast<i32>(table[p.extra.z + k])", "i32"),
        Dtype::U32 => ("table[p.extra.z + k]", "u32"),
        other => return Err(Error::bug(format!("a weighted sum of {other} was sent to a GPU"))),
    };
    let paired = pairing(&weights.iter().map(|w| rounded(*w, dtype)).collect::<Vec<_>>());
    let sign = if paired == Pairing::Differences { "-" } else { "+" };
    let text = format!(
        "alias Lane = vec4<{lane}>;
{}{}const PAIRED = {};
fn weight(k: u32) -> Lane {{
    return Lane({weight});
}}
fn pair(left: Lane, right: Lane) -> Lane {{
    return left {sign} right;
}}
",
        bound.load(0),
        bound.store(),
        paired != Pairing::Single,
    );
    let text = if along_x { text + &bound.value(0) + LINE } else { text + LINES };
    Ok(assembled(bound, &[], &text))
}

/// A weighted sum over a box, in f32.
pub fn weighted_box(bound: &Bindings) -> Result<Kernel> {
    if bound.result != Dtype::F32 {
        return Err(Error::bug(format!("a weighted box of {} was sent to a GPU", bound.result)));
    }
    Ok(assembled(bound, &[], &(bound.load(0) + &bound.store() + BOX)))
}

#[allow(clippy::cast_possible_truncation, reason = "rounding to f32 is what is asked for")]
fn rounded(weight: f64, dtype: Dtype) -> f64 {
    if dtype == Dtype::F32 { f64::from(weight as f32) } else { weight.trunc() }
}

/// The dtype whose bits are the keys, and the lane that holds them: floats are ordered as signed integers.
pub(super) fn key_dtype(dtype: Dtype) -> (Dtype, Lane) {
    match dtype {
        Dtype::F32 => (Dtype::I32, Lane::I32),
        Dtype::F16 => (Dtype::I16, Lane::I32),
        Dtype::Bool => (Dtype::U8, Lane::I32),
        other => (other, other.lane()),
    }
}

/// The arrays of a kernel that looks at keys alone.
fn keys(dtype: Dtype, dialect: Dialect) -> Bindings {
    Bindings::alike(key_dtype(dtype).0, dialect)
}

/// `load_0`, `key`, `value` and `store` of a dtype; any NaN takes the key that wins, and comes back as the quiet NaN.
pub(super) fn keyed(dtype: Dtype, nan_is_greatest: bool, bound: &Bindings) -> String {
    let (bits, lane) = key_dtype(dtype);
    let vector = lane_type(lane);
    let mut text = format!("alias Lane = {vector};\n") + &bound.load(0);
    let (low, infinity, quiet) = match dtype {
        Dtype::F32 => ("2147483647", "0x7f800000", "0x7fc00000"),
        Dtype::F16 => ("32767", "0x7c00", "0x7e00"),
        _ => {
            let stored = lane_type(other_lane(bits));
            let _ = write!(
                text,
                "fn key(v: Lane) -> Lane {{\n    return v;\n}}\nfn value(k: Lane) -> {stored} {{\n    return bitcast<{stored}>(k);\n}}\n"
            );
            return text;
        }
    };
    let winner = if nan_is_greatest { low.to_owned() } else { format!("(-{low} - 1)") };
    let _ = write!(
        text,
        "const WINNER = Lane({winner});
fn key(v: Lane) -> Lane {{
    let order = v ^ ((v >> vec4<u32>(31u)) & Lane({low}));
    return select(order, WINNER, (v & Lane({low})) > Lane({infinity}));
}}
fn value(k: Lane) -> vec4<u32> {{
    let bits = k ^ ((k >> vec4<u32>(31u)) & Lane({low}));
    return bitcast<vec4<u32>>(select(bits, Lane({quiet}), k == WINNER));
}}
"
    );
    text
}

/// `store` of what `value` gives.
fn stored_keys(bound: &Bindings) -> String {
    bound.store_of(other_lane(bound.result))
}

/// Stores cut bits and do not clamp: the bits come as unsigned words.
fn other_lane(bits: Dtype) -> Lane {
    if bits.lane() == Lane::U32 { Lane::I32 } else { Lane::U32 }
}

/// The least or greatest of a window along x or another axis.
pub fn extreme(taps: &LineTaps, along_x: bool, dtype: Dtype, dialect: Dialect) -> Kernel {
    let bound = keys(dtype, dialect);
    let greatest = matches!(taps, LineTaps::Greatest(_));
    let better = if greatest { "max(a, b)" } else { "min(a, b)" };
    let text = format!(
        "{}{}fn better(a: Lane, b: Lane) -> Lane {{\n    return {better};\n}}\n",
        keyed(dtype, greatest, &bound),
        stored_keys(&bound)
    );
    let text = if along_x { text + &bound.value(0) + EXTREME } else { text + EXTREMES + &rows_of_extremes(rows_at_once(taps)) };
    assembled(&bound, &[], &text)
}

/// `quad` for that many rows of results: each is what comes before the shared part, the shared part, what comes after it.
fn rows_of_extremes(rows: usize) -> String {
    let last = rows - 1;
    let mut text = String::from("\nfn quad(x: u32, group: u32, outer: vec4<u32>) {\n");
    // Writing to a string does not fail.
    let _ = writeln!(text, "    let y = {rows}u * group;\n    let first = row_of(p.reads[0], y, outer) + x;");
    let _ = writeln!(text, "    let rows = p.extra.y - y;\n    let from_{last} = shared_part(first, {last}u);");
    for row in (0..last).rev() {
        let _ = writeln!(text, "    let from_{row} = better(key_at(first, {row}u), from_{});", row + 1);
    }
    text += "    let goal = row_of(p.goal, y, outer) + x;\n    store(goal, value(from_0));\n";
    for row in 1..rows {
        let _ = writeln!(text, "    if (rows <= {row}u) {{\n        return;\n    }}");
        let next = format!("key_at(first, p.extra.x + {}u)", row - 1);
        let _ = match row {
            1 => writeln!(text, "    var after = {next};"),
            _ => writeln!(text, "    after = better(after, {next});"),
        };
        let _ = writeln!(text, "    store(goal + {row}u * p.goal.y, value(better(from_{row}, after)));");
    }
    text + "}\n"
}

/// The element of a rank in a box of `count`.
pub fn rank(dtype: Dtype, count: usize, rank: usize, dialect: Dialect) -> Kernel {
    let bound = keys(dtype, dialect);
    let keyed = keyed(dtype, true, &bound) + &stored_keys(&bound);
    let text = if count <= NETWORK_MOST {
        keyed + NETWORK + &network(count, rank)
    } else {
        let bits = 8 * dtype.size();
        // Signed keys become unsigned ones by their offset, so that bits decide from the highest on.
        let signed = dtype.is_signed();
        let offset = if signed { 1u64 << (bits - 1) } else { 0 };
        keyed
            + &format!(
                "const BITS = {bits}u;
fn place_in_order(e: u32) -> vec4<u32> {{
    return bitcast<vec4<u32>>(key(load_0(e))) + vec4<u32>({offset}u);
}}
fn from_order(found: vec4<u32>) -> Lane {{
    return bitcast<Lane>(found - vec4<u32>({offset}u));
}}
"
            )
            + RANK
    };
    assembled(&bound, &[], &text)
}

/// `middle(first)`: Batcher's odd-even merging network for `count` keys, without what the wanted place does not need.
fn network(count: usize, rank: usize) -> String {
    let mut text = String::from("fn middle(first: u32) -> Lane {\n");
    for k in 0..count {
        let _ = writeln!(text, "    var v{k} = at(first, {k}u);");
    }
    for (number, (a, b, keeps)) in pruned(&batcher(count), rank).into_iter().enumerate() {
        let _ = match keeps {
            Keeps::Both => {
                writeln!(text, "    let t{number} = min(v{a}, v{b});\n    v{b} = max(v{a}, v{b});\n    v{a} = t{number};")
            }
            Keeps::Least => writeln!(text, "    v{a} = min(v{a}, v{b});"),
            Keeps::Greatest => writeln!(text, "    v{b} = max(v{a}, v{b});"),
        };
    }
    let _ = writeln!(text, "    return v{rank};\n}}");
    text
}

/// Batcher's odd-even merge sort: pairs of places, the lesser goes first.
fn batcher(count: usize) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let mut p = 1;
    while p < count {
        let mut k = p;
        while k >= 1 {
            for j in (k % p..count - k).step_by(2 * k) {
                for i in 0..k.min(count - j - k) {
                    if (i + j) / (2 * p) == (i + j + k) / (2 * p) {
                        pairs.push((i + j, i + j + k));
                    }
                }
            }
            k /= 2;
        }
        p *= 2;
    }
    pairs
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Keeps {
    Both,
    Least,
    Greatest,
}

/// Only what the wanted place depends on, found from the end.
fn pruned(pairs: &[(usize, usize)], wanted: usize) -> Vec<(usize, usize, Keeps)> {
    let mut needed = std::collections::HashSet::from([wanted]);
    let mut kept = Vec::new();
    for (a, b) in pairs.iter().rev() {
        let keeps = match (needed.contains(a), needed.contains(b)) {
            (true, true) => Keeps::Both,
            (true, false) => Keeps::Least,
            (false, true) => Keeps::Greatest,
            (false, false) => continue,
        };
        needed.extend([*a, *b]);
        kept.push((*a, *b, keeps));
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(network: &[(usize, usize, Keeps)], mut v: Vec<u32>, rank: usize) -> u32 {
        for (a, b, keeps) in network {
            let (least, greatest) = (v[*a].min(v[*b]), v[*a].max(v[*b]));
            if *keeps != Keeps::Greatest {
                v[*a] = least;
            }
            if *keeps != Keeps::Least {
                v[*b] = greatest;
            }
        }
        v[rank]
    }

    /// By the 0-1 principle for small boxes; for larger ones on many orders.
    #[test]
    fn networks_find_every_rank() {
        for count in 1..=NETWORK_MOST {
            for rank in 0..count {
                let network = pruned(&batcher(count), rank);
                let mut seed = 7u64;
                for trial in 0..if count <= 9 { 1 << count } else { 300 } {
                    let bit = |k: usize| {
                        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        if count <= 9 { trial >> k & 1 } else { (seed >> 33) as u32 % 50 }
                    };
                    let v: Vec<u32> = (0..count).map(bit).collect();
                    let mut sorted = v.clone();
                    sorted.sort_unstable();
                    assert_eq!(run(&network, v, rank), sorted[rank], "rank {rank} of {count}");
                }
            }
        }
    }
}
