//! Wide registers: run-time choice of the instruction set, elementary functions, ordered keys, medians.
//! It does not know arrays beyond a padded view, nor which op asked.

pub mod key;
pub mod math;
pub mod median;
mod network;
pub mod rank;
pub(crate) mod window;

use fearless_simd::{Level, Simd};

/// Runs `body` compiled for the widest instruction set of this machine: AVX-512, AVX2, else the target's baseline
/// (SSE2, NEON).
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
    {
        let level = Level::new();
        if let Some(avx512) = level.as_avx512() {
            return avx512.vectorize(body);
        }
        if let Some(avx2) = level.as_avx2() {
            return avx2.vectorize(body);
        }
    }
    body()
}

/// As [`vectorized`], with 256-bit registers at most: 8- and 16-bit comparator networks run slower in 512-bit ones
/// (median 5 by 5 of u16: 246 against 395 Mpx/s on a Sapphire Rapids Xeon).
#[inline]
pub fn vectorized_256<R>(body: impl FnOnce() -> R) -> R {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if let Some(avx2) = Level::new().as_avx2() {
        return avx2.vectorize(body);
    }
    body()
}
