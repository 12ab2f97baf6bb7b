//! What a formula may give where its inputs lie between bounds and every float step rounds: two formulas, the least and the
//! greatest, with floats in f64. It does not know which device rounds, nor what the bounds are good for.
//!
//! A float between bounds is two f64; equal bounds say what it is, two NaN that it is NaN, and infinities of both signs that it may
//! be anything. An integer or a bool between bounds is two of its own dtype, so that its roundings and its saturation are kept.

use super::{Bin, Expr, Formula, Node, Un, push};
use crate::dtype::{Dtype, Number};
use crate::error::Result;

/// What is known of an input, by its places among the inputs of the two formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Itself.
    Exact(u8),
    /// Its least and its greatest value.
    Between(u8, u8),
}

/// How float steps round, in units of the last place of their dtype's half: `2^-24` of the result for f32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounding {
    /// Sums and products; a little more than 1, for what f64 rounds itself.
    pub sum: f64,
    /// Quotients and roots.
    pub quotient: f64,
    /// Powers, exponentials, logarithms, sines.
    pub elementary: f64,
    /// Whether numbers too small to be normal may be taken for 0.
    pub flushes: bool,
}

impl Rounding {
    /// IEEE's arithmetic; elementary functions within 4 units in the last place.
    pub const IEEE: Rounding = Rounding { sum: 1.01, quotient: 1.01, elementary: 10.0, flushes: false };
    /// Our WGSL's: quotients and roots as IEEE's, elementary functions within 16 units in the last place.
    pub const WGSL: Rounding = Rounding { sum: 1.01, quotient: 1.01, elementary: 36.0, flushes: true };

    /// By how much of itself a correctly rounded number of a dtype may be off; f64 counts twice: here it rounds too.
    #[must_use]
    pub fn unit(dtype: Dtype) -> f64 {
        match dtype {
            Dtype::F16 => 2f64.powi(-11),
            Dtype::F32 => 2f64.powi(-24),
            _ => 2f64.powi(-52),
        }
    }

    /// The most that rounding adds where numbers are too small to be normal.
    #[must_use]
    pub fn least(self, dtype: Dtype) -> f64 {
        match dtype {
            Dtype::F16 => 2f64.powi(-24),
            Dtype::F32 if self.flushes => SMALLEST_NORMAL,
            Dtype::F32 => 2f64.powi(-149),
            _ => f64::from_bits(2),
        }
    }
}

/// The smallest normal f32.
const SMALLEST_NORMAL: f64 = 1.175_494_350_822_287_5e-38;

fn most(dtype: Dtype) -> f64 {
    match dtype {
        Dtype::F16 => 65504.0,
        Dtype::F32 => f64::from(f32::MAX),
        _ => f64::MAX,
    }
}

fn wide(v: f64) -> Expr {
    Expr::of(Number::Float(v), Dtype::F64)
}

/// The number itself, or its bounds.
#[derive(Clone, Copy)]
enum Kept {
    Exact(Expr),
    Between(Pair),
}

#[derive(Clone, Copy)]
struct Pair {
    lo: Expr,
    hi: Expr,
}

impl Pair {
    fn of(lo: Expr, hi: Expr) -> Pair {
        Pair { lo, hi }
    }

    fn same(v: Expr) -> Pair {
        Pair { lo: v, hi: v }
    }

    fn anything() -> Pair {
        Pair { lo: wide(f64::NEG_INFINITY), hi: wide(f64::INFINITY) }
    }

    fn both(self, f: impl Fn(Expr) -> Expr) -> Pair {
        Pair { lo: f(self.lo), hi: f(self.hi) }
    }

    fn is_anything(self) -> Expr {
        self.lo.eq(wide(f64::NEG_INFINITY)) & self.hi.eq(wide(f64::INFINITY))
    }

    /// Whether it is known: both bounds equal, or NaN.
    fn is_point(self) -> Expr {
        self.lo.eq(self.hi) | self.lo.is_nan()
    }

    fn holds_zero(self) -> Expr {
        let zero = Expr::of(Number::Int(0), self.lo.dtype());
        self.lo.le(zero) & self.hi.ge(zero)
    }

    /// This where `choice`, else the other.
    fn unless(self, choice: Expr, other: Pair) -> Pair {
        Pair { lo: choice.select(other.lo, self.lo), hi: choice.select(other.hi, self.hi) }
    }

    /// The least and greatest of some numbers.
    fn around(all: &[Expr]) -> Pair {
        let of = |f: fn(Expr, Expr) -> Expr| all.iter().copied().reduce(f).unwrap_or_else(|| wide(f64::NAN));
        Pair { lo: of(Expr::min), hi: of(Expr::max) }
    }

    /// Of a sum, product, …: NaN where an argument is, anything where an argument may be or where bounds give no number.
    fn settled(self, arguments: &[Pair]) -> Pair {
        let any = |f: fn(Pair) -> Expr| arguments.iter().map(|a| f(*a)).reduce(|a, b| a | b);
        let nan = any(|a| a.lo.is_nan());
        let loose = any(|a| !a.is_point()).map(|loose| loose & (self.lo.is_nan() | self.hi.is_nan()));
        let unknown = [loose, any(Pair::is_anything)].into_iter().flatten().reduce(|a, b| a | b);
        let made = unknown.map_or(self, |unknown| self.unless(unknown, Pair::anything()));
        nan.map_or(made, |nan| made.unless(nan, Pair::same(wide(f64::NAN))))
    }
}

fn points(arguments: &[Pair]) -> Option<Expr> {
    arguments.iter().map(|a| a.is_point()).reduce(|a, b| a & b)
}

impl Formula {
    /// The least and the greatest that the formula may give; none where what it gives is known bit for bit. `stored` are the dtypes
    /// of the inputs of the two formulas.
    ///
    /// # Errors
    /// A formula that is none: a fault of the op that wrote it.
    pub fn bounds(&self, known: &[Known], stored: &[Dtype], rounding: Rounding) -> Result<Option<[Formula; 2]>> {
        let mut is_exact = false;
        let mut side = |greatest: bool| {
            Formula::build(stored, |_| {
                let bounding = Bounding { formula: self, known, rounding };
                Ok(match bounding.root() {
                    Some(Kept::Between(pair)) => {
                        if greatest {
                            pair.hi
                        } else {
                            pair.lo
                        }
                    }
                    Some(Kept::Exact(expr)) => {
                        is_exact = true;
                        expr
                    }
                    None => Expr::of(Number::Int(0), self.dtype()),
                })
            })
        };
        let both = [side(false)?, side(true)?];
        Ok((!is_exact).then_some(both))
    }
}

struct Bounding<'f> {
    formula: &'f Formula,
    known: &'f [Known],
    rounding: Rounding,
}

/// Whether a dtype holds every number of another.
fn holds(to: Dtype, from: Dtype) -> bool {
    match (from, to) {
        _ if from == to => true,
        (Dtype::F16 | Dtype::F32, Dtype::F64) | (Dtype::F16, Dtype::F32) => true,
        (Dtype::I32 | Dtype::U32, Dtype::F64) => true,
        (from, Dtype::F32 | Dtype::F64) => from.is_small_int(),
        _ => false,
    }
}

impl Bounding<'_> {
    fn root(&self) -> Option<Kept> {
        let mut at: Vec<Kept> = Vec::with_capacity(self.formula.nodes.len());
        let dtypes = &self.formula.dtypes;
        for (node, dtype) in self.formula.nodes() {
            let child = |k: u32| (at[k as usize], dtypes[k as usize]);
            let kept = match *node {
                Node::Const(_) => Kept::Exact(push(*node, dtype)),
                Node::Read { input, at } => self.read(usize::from(input), at, dtype),
                Node::Un(un, a) => self.un(un, child(a), dtype),
                Node::Bin(bin, a, b) => self.bin(bin, child(a), child(b).0, a == b),
                Node::Select(c, a, b) => self.select(child(c).0, child(a), child(b).0),
                Node::Cast(a) => self.cast(child(a), dtype),
            };
            at.push(kept);
        }
        at.get(self.formula.root()).copied()
    }

    fn read(&self, input: usize, at: super::Offset, dtype: Dtype) -> Kept {
        let kept = if dtype.is_float() { Dtype::F64 } else { dtype };
        let read = |input: u8, dtype: Dtype| push(Node::Read { input, at }, dtype);
        match self.known.get(input) {
            Some(Known::Between(lo, hi)) => Kept::Between(Pair::of(read(*lo, kept), read(*hi, kept))),
            Some(Known::Exact(place)) => Kept::Exact(read(*place, dtype)),
            None => Kept::Between(Pair::anything()),
        }
    }

    /// The bounds of what may be known: floats as f64.
    fn pair(&self, kept: Kept, dtype: Dtype) -> Pair {
        match kept {
            Kept::Between(pair) => pair,
            Kept::Exact(expr) if !dtype.is_float() => Pair::same(expr),
            Kept::Exact(expr) => {
                let v = expr.cast(Dtype::F64);
                if dtype != Dtype::F32 || !self.rounding.flushes {
                    return Pair::same(v);
                }
                let small = v.abs().lt(wide(SMALLEST_NORMAL));
                Pair::same(v).unless(small, Pair::of(v.min(wide(0.0)), v.max(wide(0.0))))
            }
        }
    }

    /// Bounds moved apart by what rounding to a dtype does; what is a number of the dtype stays where it is `known`.
    fn rounded(&self, pair: Pair, dtype: Dtype, units: f64, known: Option<Expr>) -> Pair {
        let (by, least, most) = (Rounding::unit(dtype) * units, self.rounding.least(dtype), most(dtype));
        let away = |v: Expr| v.abs().min(wide(f64::MAX)) * by + least;
        let (lo, hi) = (pair.lo - away(pair.lo), pair.hi + away(pair.hi));
        let lo = lo.le(wide(-most)).select(wide(f64::NEG_INFINITY), lo);
        let hi = hi.ge(wide(most)).select(wide(f64::INFINITY), hi);
        let Some(known) = known else { return Pair::of(lo, hi) };
        let v = pair.lo;
        let mut stays = known & v.cast(dtype).cast(Dtype::F64).eq(v);
        if self.rounding.flushes && dtype == Dtype::F32 {
            stays = stays & (v.abs().ge(wide(SMALLEST_NORMAL)) | v.eq(wide(0.0)));
        }
        Pair::of(lo, hi).unless(stays, pair)
    }

    fn un(&self, un: Un, (a, from): (Kept, Dtype), dtype: Dtype) -> Kept {
        if let Kept::Exact(a) = a
            && (!from.is_float() || un.is_exact_of_floats())
        {
            return Kept::Exact(push(Node::Un(un, a.0), dtype));
        }
        let a = self.pair(a, from);
        let zero = || Expr::of(Number::Int(0), a.lo.dtype());
        let whole = |f: fn(Expr) -> Expr| a.both(f).settled(&[a]);
        Kept::Between(match un {
            Un::Neg => Pair::of(-a.hi, -a.lo),
            Un::Not if from.is_float() => a,
            Un::Not => Pair::of(!a.hi, !a.lo),
            Un::Abs => {
                let far = Pair::around(&[a.lo.abs(), a.hi.abs()]);
                let made = Pair::of(a.holds_zero().select(zero(), far.lo), far.hi);
                if from.is_float() { made.settled(&[a]) } else { made }
            }
            Un::IsNan if from.is_float() => Pair::of(a.lo.is_nan(), a.lo.is_nan() | a.is_anything()),
            Un::IsNan => a.both(Expr::is_nan),
            Un::Floor => whole(Expr::floor),
            Un::Ceil => whole(Expr::ceil),
            Un::Rint => whole(Expr::rint),
            Un::Sqrt => {
                let known = points(&[a]).filter(|_| !self.rounding.flushes);
                self.rounded(whole(Expr::sqrt), from, self.rounding.quotient, known)
            }
            Un::Exp => self.rounded(whole(Expr::exp), from, self.rounding.elementary, None),
            Un::Log => self.rounded(whole(Expr::log), from, self.rounding.elementary, None),
            Un::Sin => self.wave(a, Expr::sin, from),
            Un::Cos => self.wave(a, Expr::cos, from),
        })
    }

    /// Sine and cosine move by no more than what they are of; they are near to within a part of 1.
    fn wave(&self, a: Pair, f: fn(Expr) -> Expr, dtype: Dtype) -> Pair {
        let half = a.is_point().select(wide(0.0), (a.hi - a.lo) * 0.5);
        let middle = f(a.lo + half);
        let by = half + Rounding::unit(dtype) * self.rounding.elementary;
        self.rounded(Pair::of(middle - by, middle + by).settled(&[a]), dtype, self.rounding.elementary, None)
    }

    fn bin(&self, bin: Bin, (a, from): (Kept, Dtype), b: Kept, is_same: bool) -> Kept {
        if let (Kept::Exact(a), Kept::Exact(b)) = (a, b)
            && (!from.is_float() || bin.is_exact_of_floats())
        {
            return Kept::Exact(a.bin(bin, b));
        }
        let (a, b) = (self.pair(a, from), self.pair(b, from));
        Kept::Between(match bin {
            _ if bin.compares() => compared(bin, a, b, from.is_float()),
            _ if from.is_float() => self.float_bin(bin, a, b, from, is_same),
            _ => whole_bin(bin, a, b, from),
        })
    }

    fn float_bin(&self, bin: Bin, a: Pair, b: Pair, dtype: Dtype, is_same: bool) -> Pair {
        let known = points(&[a, b]);
        let settled = |lo: Expr, hi: Expr| Pair::of(lo, hi).settled(&[a, b]);
        let sum = |pair: Pair| self.rounded(pair, dtype, self.rounding.sum, known);
        match bin {
            Bin::Add | Bin::WrapAdd => sum(settled(a.lo + b.lo, a.hi + b.hi)),
            Bin::Sub | Bin::WrapSub => sum(settled(a.lo - b.hi, a.hi - b.lo)),
            Bin::Mul | Bin::WrapMul => {
                let corners = Pair::around(&[a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi]);
                let lo = if is_same { a.holds_zero().select(wide(0.0), corners.lo.max(wide(0.0))) } else { corners.lo };
                sum(settled(lo, corners.hi))
            }
            Bin::Div => {
                let known = known.filter(|_| !self.rounding.flushes);
                self.rounded(quotient(a, b), dtype, self.rounding.quotient, known)
            }
            Bin::FloorDiv => {
                let units = self.rounding.quotient;
                self.rounded(self.rounded(quotient(a, b), dtype, units, known).both(Expr::floor), dtype, units, known)
            }
            Bin::Rem => self.remainder(a, b, dtype),
            Bin::Pow => self.power(a, b, dtype),
            Bin::Min => settled(a.lo.min(b.lo), a.hi.min(b.hi)),
            Bin::Max => settled(a.lo.max(b.lo), a.hi.max(b.hi)),
            // Bits of floats are left alone.
            _ => a,
        }
    }

    /// The remainder of known numbers; of others anything from 0 to the divisor, where the quotient is a number.
    fn remainder(&self, a: Pair, b: Pair, dtype: Dtype) -> Pair {
        let zero = wide(0.0);
        let known = a.is_point() & b.is_point();
        let rest = a.lo.modulo(b.lo);
        let by = b.lo.abs() * (4.0 * Rounding::unit(dtype));
        let exact = if self.rounding.flushes { known & rest.is_nan() } else { known };
        let between = Pair::of(b.lo.min(zero), b.hi.max(zero));
        let unknown = b.holds_zero() | a.lo.abs().eq(wide(f64::INFINITY)) | a.hi.abs().eq(wide(f64::INFINITY));
        let between = between.unless(unknown, Pair::anything());
        between.unless(exact, Pair::of(rest - by, rest + by)).settled(&[a, b])
    }

    fn power(&self, a: Pair, b: Pair, dtype: Dtype) -> Pair {
        let (zero, known) = (wide(0.0), a.is_point() & b.is_point());
        let corners = Pair::around(&[a.lo.pow(b.lo), a.lo.pow(b.hi), a.hi.pow(b.lo), a.hi.pow(b.hi)]);
        // Whole positive powers go on through 0; even ones turn there.
        let whole = b.is_point() & b.lo.floor().eq(b.lo) & b.lo.gt(zero);
        let lo = a.holds_zero().select(corners.lo.min(zero), corners.lo);
        let is_odd = (b.lo * 0.5).floor().ne(b.lo * 0.5);
        let turned = Pair::of(is_odd.select(corners.lo, lo.max(zero)), corners.hi);
        let certain = known | whole | a.lo.gt(zero);
        let made = corners.unless(whole, turned).unless(!certain, Pair::anything());
        let unsure = (made.lo.is_nan() | made.hi.is_nan()) & !known;
        self.rounded(made.unless(unsure, Pair::anything()), dtype, self.rounding.elementary, None)
    }

    fn select(&self, c: Kept, (a, dtype): (Kept, Dtype), b: Kept) -> Kept {
        if let (Kept::Exact(c), Kept::Exact(a), Kept::Exact(b)) = (c, a, b) {
            return Kept::Exact(c.select(a, b));
        }
        let (a, b) = (self.pair(a, dtype), self.pair(b, dtype));
        let sure = match c {
            Kept::Exact(c) => return Kept::Between(b.unless(c, a)),
            Kept::Between(c) => c,
        };
        let mut either = Pair::of(a.lo.min(b.lo), a.hi.max(b.hi));
        if dtype.is_float() {
            let one_is_nan = (either.lo.is_nan() | either.hi.is_nan()) & !(a.lo.is_nan() & b.lo.is_nan());
            either = either.unless(one_is_nan, Pair::anything());
        }
        Kept::Between(b.unless(sure.hi, either).unless(sure.lo, a))
    }

    fn cast(&self, (a, from): (Kept, Dtype), to: Dtype) -> Kept {
        let is_exact = holds(to, from) || !to.is_float();
        let pair = match a {
            Kept::Exact(a) if is_exact || to == Dtype::F16 && from.is_float() => return Kept::Exact(a.cast(to)),
            _ => self.pair(a, from),
        };
        Kept::Between(match (from.is_float(), to.is_float()) {
            _ if to == Dtype::Bool => truth(pair),
            (_, false) => pair.both(|v| v.cast(to)),
            (true, true) if holds(to, from) => pair,
            (true, true) => self.rounded(pair, to, self.rounding.sum, points(&[pair])),
            (false, true) => {
                let known = pair.lo.eq(pair.hi);
                let near = pair.both(|v| v.cast(Dtype::F64));
                let near = if from.size() == 8 { self.rounded(near, Dtype::F64, 1.0, None) } else { near };
                if holds(to, from) { near } else { self.rounded(near, to, self.rounding.sum, Some(known)) }
            }
        })
    }
}

/// Whether a number is surely, and whether it may be anything but 0.
fn truth(a: Pair) -> Pair {
    let zero = Expr::of(Number::Int(0), a.lo.dtype());
    Pair::of(!a.holds_zero(), !(a.lo.eq(zero) & a.hi.eq(zero)))
}

/// Before it is rounded; anything where the divisor may be 0 and is not known.
fn quotient(a: Pair, b: Pair) -> Pair {
    let made = Pair::around(&[a.lo / b.lo, a.lo / b.hi, a.hi / b.lo, a.hi / b.hi]);
    made.unless(b.holds_zero() & !b.is_point(), Pair::anything()).settled(&[a, b])
}

/// Whether a comparison surely holds, and whether it may.
fn compared(bin: Bin, a: Pair, b: Pair, is_float: bool) -> Pair {
    let unsure = is_float.then(|| a.is_anything() | b.is_anything());
    let (sure, maybe) = match bin {
        Bin::Lt => (a.hi.lt(b.lo), a.lo.lt(b.hi)),
        Bin::Le => (a.hi.le(b.lo), a.lo.le(b.hi)),
        Bin::Gt => (a.lo.gt(b.hi), a.hi.gt(b.lo)),
        Bin::Ge => (a.lo.ge(b.hi), a.hi.ge(b.lo)),
        _ => {
            let equal = a.lo.eq(a.hi) & b.lo.eq(b.hi) & a.lo.eq(b.lo);
            let may = a.lo.le(b.hi) & b.lo.le(a.hi);
            if bin == Bin::Eq { (equal, may) } else { (!may, !equal) }
        }
    };
    match unsure {
        Some(unsure) => Pair::of(sure & !unsure, maybe | unsure),
        None => Pair::of(sure, maybe),
    }
}

/// Of integers and bools: what grows with its arguments by their bounds, all else only where both are known.
fn whole_bin(bin: Bin, a: Pair, b: Pair, dtype: Dtype) -> Pair {
    match bin {
        Bin::Add => Pair::of(a.lo + b.lo, a.hi + b.hi),
        Bin::Sub => Pair::of(a.lo - b.hi, a.hi - b.lo),
        Bin::Mul => Pair::around(&[a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi]),
        Bin::Min => Pair::of(a.lo.min(b.lo), a.hi.min(b.hi)),
        Bin::Max => Pair::of(a.lo.max(b.lo), a.hi.max(b.hi)),
        Bin::And | Bin::Or if dtype == Dtype::Bool => Pair::of(a.lo.bin(bin, b.lo), a.hi.bin(bin, b.hi)),
        _ => {
            let (low, high) = dtype.limits();
            let limits = Pair::of(Expr::of(Number::Int(low), dtype), Expr::of(Number::Int(high), dtype));
            limits.unless(a.lo.eq(a.hi) & b.lo.eq(b.hi), Pair::same(a.lo.bin(bin, b.lo)))
        }
    }
}
