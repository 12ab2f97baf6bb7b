//! The dtype rules: as what an op reads its inputs, and what it gives. One table, printed by `stackmill ops NAME`.
//! It does not know which op follows which rule.

use crate::dtype::{Dtype, arithmetic, common, quotient};
use crate::error::{Error, Result, Subject};

/// How an op's result dtype follows from its inputs'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtypeRule {
    /// The input's dtype: smoothing, rank, flat morphology, views.
    Keep,
    /// f32, or f64 for 32/64-bit integers and f64: derivatives, magnitudes.
    Float,
    /// Sums and products: up to 16-bit integers in 32 bits, 32-bit integers saturate.
    Arithmetic,
    /// Differences: as sums, but always signed, of 32- and 64-bit unsigned integers in i64.
    Subtract,
    /// Remainders: up to 16-bit integers give i32, others the smallest dtype that holds both.
    Remainder,
    /// Quotients: f32 between up to 16-bit integers, f16 and f32, else f64.
    Quotient,
    /// Elementary functions: floats keep their dtype, integers give f32 (f64 from 32 bits on).
    Elementary,
    /// The smallest dtype that holds all inputs.
    Common,
    /// Compared as the smallest dtype that holds both; gives bool.
    Compare,
    /// Bools and integers only, in their common dtype.
    Logical,
    /// A bool condition, then the common dtype of the rest.
    Where,
    /// The input as it is; gives bool.
    Test,
    /// The op says.
    Own,
}

/// The dtypes that inputs are read as, and the dtype of the result.
pub type Read = (Vec<Dtype>, Dtype);

impl DtypeRule {
    /// Applies the rule.
    ///
    /// # Errors
    /// Dtypes that the op does not take.
    pub fn read(self, inputs: &[Dtype]) -> Result<Read> {
        let first = inputs.first().copied().unwrap_or(Dtype::F64);
        let all = |dtype: Dtype| vec![dtype; inputs.len()];
        let shared = inputs.iter().copied().fold(first, common);
        Ok(match self {
            DtypeRule::Keep | DtypeRule::Own => (all(first), first),
            DtypeRule::Float => (all(shared.float()), shared.float()),
            DtypeRule::Arithmetic | DtypeRule::Subtract => {
                let minus = self == DtypeRule::Subtract;
                let out = if inputs.len() == 1 {
                    arithmetic(first, first, minus)
                } else {
                    fold_pairs(inputs, |a, b| arithmetic(a, b, minus))
                };
                (all(working(out)), out)
            }
            DtypeRule::Remainder => {
                let small = inputs.iter().all(|dtype| dtype.is_small_int());
                let out = if small { Dtype::I32 } else { fold_pairs(inputs, |a, b| arithmetic(a, b, false)) };
                (all(working(out)), out)
            }
            DtypeRule::Quotient => {
                let out = fold_pairs(inputs, quotient);
                (all(working(out)), out)
            }
            DtypeRule::Elementary => {
                let out = if shared.is_float() { shared } else { shared.float() };
                (all(working(out)), out)
            }
            DtypeRule::Common => (all(working(shared)), shared),
            DtypeRule::Compare => (all(working(shared)), Dtype::Bool),
            DtypeRule::Logical if shared.is_float() => {
                return Err(Error::caller(format!("bitwise logic is for bools and integers, got {shared}"))
                    .on(Subject::Dtype)
                    .hint("compare first, as in (x > 0.5) & (y > 0.5)"));
            }
            DtypeRule::Logical => (all(working(shared)), shared),
            DtypeRule::Where => {
                let rest = inputs.iter().skip(1).copied().reduce(common).unwrap_or(first);
                let mut reads = vec![working(rest); inputs.len()];
                if let Some(condition) = reads.first_mut() {
                    *condition = Dtype::Bool;
                }
                (reads, rest)
            }
            DtypeRule::Test => (all(working(first)), Dtype::Bool),
        })
    }

    /// The rule in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            DtypeRule::Keep => "keeps the dtype",
            DtypeRule::Float => "gives f32, or f64 for 32/64-bit integers and f64",
            DtypeRule::Arithmetic => "8/16-bit integers give 32-bit, 32-bit saturate, floats keep",
            DtypeRule::Subtract => "8/16-bit integers give i32, unsigned 32/64-bit ones i64, i32 and i64 saturate, floats keep",
            DtypeRule::Remainder => "8/16-bit integers give i32, others keep",
            DtypeRule::Quotient => "gives f32, or f64 for 32/64-bit integers and f64",
            DtypeRule::Elementary => "floats keep, integers give f32 (f64 from 32 bits on)",
            DtypeRule::Common => "the smallest dtype that holds all inputs",
            DtypeRule::Compare | DtypeRule::Test => "gives bool",
            DtypeRule::Logical => "bools and integers, in their common dtype",
            DtypeRule::Where => "the common dtype of the two choices",
            DtypeRule::Own => "see the description",
        }
    }
}

fn fold_pairs(inputs: &[Dtype], f: impl Fn(Dtype, Dtype) -> Dtype) -> Dtype {
    inputs.iter().copied().reduce(f).unwrap_or(Dtype::F64)
}

/// The dtype in which a result of `out` is computed: f16 in f32 (rounded once at the end), the rest as they are.
fn working(out: Dtype) -> Dtype {
    if out == Dtype::F16 { Dtype::F32 } else { out }
}
