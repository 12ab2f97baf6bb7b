//! math
#![allow(missing_docs)]
macro_rules! m { ($($n:ident $t:ty, $f:ident;)*) => {$(#[inline(always)] pub fn $n(x: $t) -> $t { x.$f() })*} }
m! { exp_f32 f32, exp; log_f32 f32, ln; sin_f32 f32, sin; cos_f32 f32, cos; tanh_f32 f32, tanh; exp_f64 f64, exp; log_f64 f64, ln; sin_f64 f64, sin; cos_f64 f64, cos; tanh_f64 f64, tanh; }
pub fn pow_f32(x: f32, y: f32) -> f32 { x.powf(y) }
pub fn pow_f64(x: f64, y: f64) -> f64 { x.powf(y) }
