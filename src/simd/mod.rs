//! Wide registers: run-time choice of the instruction set, elementary functions, ordered keys, medians.
//! It does not know arrays beyond a padded view, nor which op asked.

pub mod key;
pub mod math;
pub mod median;
mod network;
pub mod rank;
pub(crate) mod window;

use fearless_simd::{Level, Simd};

/// Runs `body` compiled for 256-bit registers (AVX2) where the machine has them, else for the target's baseline (SSE2,
/// NEON). 512-bit registers are left alone: comparator networks run slower in them (median 5 by 5 of u16: 246 against
/// 395 Mpx/s on a Sapphire Rapids Xeon), the rest is bound by memory, and a third copy of every kernel costs build time.
///
/// Everything that `body` calls must be `#[inline(always)]`, and so must the closure itself, or that part runs at the
/// baseline: write loops rather than `for_each`, whose inner closure is a call too, and pass no function as a value. The
/// loops inside are widened by the compiler; Rust never contracts `a * b + c`, so every instruction set gives the same
/// bits.
///
/// ```
/// let (a, mut out) = ([3u16, 1, 2], [0u16; 3]);
/// stackmill::simd::vectorized(
///     #[inline(always)]
///     || {
///         for (o, v) in out.iter_mut().zip(&a) {
///             *o = (*v).min(2);
///         }
///     },
/// );
/// assert_eq!(out, [2, 1, 2]);
/// ```
#[inline]
pub fn vectorized<R>(body: impl FnOnce() -> R) -> R {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if let Some(avx2) = Level::new().as_avx2() {
        return avx2.vectorize(body);
    }
    body()
}
