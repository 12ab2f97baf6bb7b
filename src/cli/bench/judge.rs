//! Whether a GPU's answer is right: it has the CPU's bits, or is as near as both promise to be to the exact value. Anything else is wrong,
//! and wrong is what the command ends with.
//! It does not know what was computed.
//!
//! Both devices are within an op's bound of the exact value, so they are within twice the bound of each other. A whole number that
//! float work ends in may be the next one where the exact value is near a tie: those that differ by 1 are counted and shown. The
//! numbers are noise, whose exact values lie anywhere between ties, so a bound of `e` lets the share `2 e` of them differ and no more.

use crate::dtype::{Number, get};
use crate::error::{Error, Result};
use crate::graph::Agreement;
use crate::tile::Tile;
use std::fmt;

/// How far from the CPU's an answer may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// The same bits.
    Bits,
    /// A whole number, or one near it for some of all elements.
    Near {
        /// How far: 1, or 2 where two of them are subtracted.
        by: f64,
        /// The share of the elements that may differ.
        share: f64,
    },
    /// A float this far, in units in the last place of an f32 of `scale` or of the CPU's number, whichever is larger.
    Ulps {
        /// How many.
        count: f64,
        /// The largest number that went in.
        scale: f64,
    },
    /// A float this far, of the CPU's number.
    Relative(f64),
}

/// The first element that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    /// Its index.
    pub index: String,
    /// The GPU's number.
    pub gpu: String,
    /// The CPU's.
    pub cpu: String,
    /// How many are wrong.
    pub count: usize,
}

/// What comparing showed.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Every bit is the same.
    Equal,
    /// Floats within their bound: the largest share of it.
    Within(f64),
    /// So many whole numbers differ, by so much at most.
    Ties(usize, f64),
    /// Some are too far.
    Wrong(Wrong),
}

impl Verdict {
    /// Whether the command ends with an error.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        matches!(self, Verdict::Wrong(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Equal => write!(f, "equal"),
            Verdict::Within(share) => write!(f, "within {:.2} of the bound", (share * 100.0).ceil() / 100.0),
            Verdict::Ties(count, by) => write!(f, "{count} off by at most {by} (ties)"),
            Verdict::Wrong(Wrong { index, gpu, cpu, count }) => {
                write!(f, "WRONG: {count} elements, the first at {index}: gpu {gpu}, cpu {cpu}")
            }
        }
    }
}

/// The bound of an op: `exact` where each of its steps on the GPU promises the CPU's bits. `scale` is the largest number that went in.
#[must_use]
pub fn bound(exact: bool, is_float: bool, agreement: Agreement, scale: f64) -> Bound {
    match agreement {
        _ if exact => Bound::Bits,
        Agreement::Ulp(count) if !is_float => Bound::Near { by: 1.0, share: 2.0 * f64::from(count) * ulp(scale) },
        _ if !is_float => Bound::Near { by: 1.0, share: 2.0 * ulp(scale) },
        Agreement::Exact => Bound::Ulps { count: 2.0, scale },
        Agreement::Ulp(count) => Bound::Ulps { count: 2.0 * f64::from(count), scale },
        Agreement::Relative(share) => Bound::Relative(2.0 * share),
    }
}

impl Bound {
    /// The bound of the difference of two such whole numbers.
    #[must_use]
    pub fn of_a_difference(self) -> Bound {
        match self {
            Bound::Near { by, share } => Bound::Near { by: 2.0 * by, share: 2.0 * share },
            other => other,
        }
    }

    /// How much of the bound the distance of two numbers is; more than 1 is too far.
    fn share(self, cpu: Number, gpu: Number) -> f64 {
        let (wanted, found) = (cpu.to_f64(), gpu.to_f64());
        if wanted.is_nan() && found.is_nan() {
            return 0.0;
        }
        let distance = (wanted - found).abs();
        let allowed = match self {
            Bound::Bits => 0.0,
            Bound::Near { by, .. } => by,
            Bound::Ulps { count, scale } => count * ulp(scale.max(wanted.abs())),
            Bound::Relative(share) => share * wanted.abs(),
        };
        match distance / allowed {
            _ if self == Bound::Bits => f64::INFINITY,
            share if share.is_nan() => f64::INFINITY,
            share => share,
        }
    }
}

/// The distance of neighbouring f32 of this size.
fn ulp(size: f64) -> f64 {
    let exponent = (size.max(f64::from(f32::MIN_POSITIVE)).log2().floor() as i32).min(127);
    2f64.powi(exponent - 23)
}

/// Compares a GPU's answer with the CPU's.
///
/// # Errors
/// Answers of different shapes or dtypes: a fault of ours.
pub fn judge(cpu: &Tile, gpu: &Tile, bound: Bound) -> Result<Verdict> {
    if (cpu.dtype, cpu.shape) != (gpu.dtype, gpu.shape) {
        return Err(Error::bug(format!("{} {} is held against {} {}", gpu.dtype, gpu.shape, cpu.dtype, cpu.shape)));
    }
    let size = cpu.dtype.size();
    let (mut differ, mut worst, mut wrong) = (0usize, 0f64, None::<Wrong>);
    let mut first = None::<Wrong>;
    let pairs = cpu.data.bytes().chunks_exact(size).zip(gpu.data.bytes().chunks_exact(size)).enumerate();
    for (k, (a, b)) in pairs.filter(|(_, (a, b))| a != b) {
        let (a, b) = (get(cpu.dtype, a), get(cpu.dtype, b));
        let share = bound.share(a, b);
        let here = || Wrong { index: cpu.shape.index_of(k).to_string(), gpu: b.to_string(), cpu: a.to_string(), count: 0 };
        if share <= 1.0 {
            differ += 1;
            worst = worst.max(share);
            first.get_or_insert_with(here);
            continue;
        }
        wrong.get_or_insert_with(here).count += 1;
    }
    Ok(match (wrong, first, bound) {
        (Some(wrong), ..) => Verdict::Wrong(wrong),
        (None, None, _) => Verdict::Equal,
        // Beside ties there cannot be so many; a few elements more are a chance of small arrays.
        (None, Some(first), Bound::Near { share, .. }) if differ as f64 > 8.0 + share * cpu.shape.count() as f64 => {
            Verdict::Wrong(Wrong { count: differ, ..first })
        }
        (None, Some(_), Bound::Near { by, .. }) => Verdict::Ties(differ, worst * by),
        (None, Some(_), _) => Verdict::Within(worst),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::{Dtype, put};
    use crate::grid::Dims;

    fn tile(dtype: Dtype, numbers: &[f64]) -> Tile {
        let mut made = Tile::zeroed(dtype, Dims::from([2, numbers.len() / 2]));
        let elements = made.data.bytes_mut().chunks_exact_mut(dtype.size());
        elements.zip(numbers).for_each(|(out, v)| put(Number::Float(*v), dtype, out));
        made
    }

    fn verdict(dtype: Dtype, cpu: &[f64], gpu: &[f64], bound: Bound) -> Verdict {
        judge(&tile(dtype, cpu), &tile(dtype, gpu), bound).unwrap()
    }

    #[test]
    fn one_wrong_bit_is_wrong_and_says_where() {
        let cpu = [0.0, 7.0, 65535.0, 300.0, 5.0, 6.0];
        assert_eq!(verdict(Dtype::U16, &cpu, &cpu, Bound::Bits), Verdict::Equal);
        for (k, index) in ["(0, 0)", "(0, 1)", "(0, 2)", "(1, 0)", "(1, 1)", "(1, 2)"].iter().enumerate() {
            let mut gpu = tile(Dtype::U16, &cpu);
            gpu.data.bytes_mut()[2 * k] ^= 1;
            let found = judge(&tile(Dtype::U16, &cpu), &gpu, Bound::Bits).unwrap();
            assert!(
                found.is_wrong() && found.to_string().starts_with(&format!("WRONG: 1 elements, the first at {index}: gpu")),
                "{found}"
            );
        }
    }

    #[test]
    fn whole_numbers_beside_a_tie_are_counted_and_others_are_wrong() {
        let cpu = [10.0, 20.0, 30.0, 40.0];
        let near = bound(false, false, Agreement::Ulp(8), 65536.0);
        assert_eq!(near, Bound::Near { by: 1.0, share: 0.125 });
        assert_eq!(verdict(Dtype::U16, &cpu, &[11.0, 20.0, 29.0, 40.0], near), Verdict::Ties(2, 1.0));
        let found = verdict(Dtype::U16, &cpu, &[11.0, 22.0, 27.0, 40.0], near);
        let wrong = Wrong { index: "(0, 1)".to_owned(), gpu: "22".to_owned(), cpu: "20".to_owned(), count: 2 };
        assert_eq!(found, Verdict::Wrong(wrong));
        assert!(verdict(Dtype::U16, &[0.0, 0.0], &[65535.0, 0.0], near).is_wrong());
        let of_two = near.of_a_difference();
        assert_eq!(verdict(Dtype::U16, &cpu, &[11.0, 22.0, 30.0, 40.0], of_two), Verdict::Ties(2, 2.0));
        assert!(verdict(Dtype::U16, &cpu, &[11.0, 23.0, 30.0, 40.0], of_two).is_wrong());
    }

    /// A kernel that rounds down is never off by more than 1, and far more often than ties are.
    #[test]
    fn more_neighbours_than_there_are_ties_are_wrong() {
        let near = bound(false, false, Agreement::Ulp(8), 65536.0);
        let cpu: Vec<f64> = (0..1000).map(f64::from).collect();
        let off =
            |every: usize| cpu.iter().enumerate().map(|(k, v)| if k % every == 1 { v + 1.0 } else { *v }).collect::<Vec<f64>>();
        assert_eq!(verdict(Dtype::U16, &cpu, &off(10), near), Verdict::Ties(100, 1.0));
        let found = verdict(Dtype::U16, &cpu, &off(4), near);
        assert_eq!(found.to_string(), "WRONG: 250 elements, the first at (0, 1): gpu 2, cpu 1");
    }

    #[test]
    fn floats_are_right_up_to_their_bound_and_not_beyond() {
        let bound = bound(false, true, Agreement::Ulp(4), 1.0);
        assert_eq!(bound, Bound::Ulps { count: 8.0, scale: 1.0 });
        let ulps = |n: f64| 0.25 + n * f64::from(f32::EPSILON);
        assert_eq!(verdict(Dtype::F32, &[0.25, 0.5], &[ulps(4.0), 0.5], bound), Verdict::Within(0.5));
        assert_eq!(verdict(Dtype::F32, &[0.25, 0.5], &[ulps(8.0), 0.5], bound), Verdict::Within(1.0));
        assert!(verdict(Dtype::F32, &[0.25, 0.5], &[ulps(8.25), 0.5], bound).is_wrong());
        assert!(verdict(Dtype::F32, &[0.25, 0.5], &[f64::NAN, 0.5], bound).is_wrong());
        assert!(verdict(Dtype::F32, &[0.25, f64::INFINITY], &[0.25, 0.5], bound).is_wrong());
        assert_eq!(verdict(Dtype::F32, &[f64::NAN, 0.5], &[f64::NAN, 0.5], bound), Verdict::Equal);
    }

    #[test]
    fn what_promises_bits_is_held_to_them() {
        let near = [1.0, 1.0 + f64::from(f32::EPSILON)];
        assert!(verdict(Dtype::F32, &[1.0, 1.0], &near, bound(true, true, Agreement::Ulp(8), 1.0)).is_wrong());
        assert!(
            verdict(Dtype::F64, &[1e6, 1.0], &[1e6 * 1.001, 1.0], bound(false, true, Agreement::Relative(3e-6), 1.0)).is_wrong()
        );
        assert!(
            !verdict(Dtype::F64, &[1e6, 1.0], &[1e6 + 5.0, 1.0], bound(false, true, Agreement::Relative(3e-6), 1.0)).is_wrong()
        );
        let other = judge(&tile(Dtype::F32, &[1.0, 2.0]), &tile(Dtype::F64, &[1.0, 2.0]), Bound::Bits);
        assert!(other.is_err());
    }
}
