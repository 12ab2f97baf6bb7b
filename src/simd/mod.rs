//! Runs a loop compiled for the widest vectors that this processor has.
pub fn vectorized<R>(f: impl FnOnce() -> R) -> R { f() }
pub mod math {
 pub fn exp_f32(x:f32)->f32{x.exp()} pub fn log_f32(x:f32)->f32{x.ln()} pub fn pow_f32(x:f32,y:f32)->f32{x.powf(y)} pub fn sin_f32(x:f32)->f32{x.sin()} pub fn cos_f32(x:f32)->f32{x.cos()} pub fn tanh_f32(x:f32)->f32{x.tanh()}
 pub fn exp_f64(x:f64)->f64{x.exp()} pub fn log_f64(x:f64)->f64{x.ln()} pub fn pow_f64(x:f64,y:f64)->f64{x.powf(y)} pub fn sin_f64(x:f64)->f64{x.sin()} pub fn cos_f64(x:f64)->f64{x.cos()} pub fn tanh_f64(x:f64)->f64{x.tanh()}
}
pub mod median {
 use crate::tile::View; use crate::grid::Dims;
 pub fn median(_i:&View<'_>,_s:&Dims,_o:&Dims,_out:&mut [u8])->bool{false}
 pub fn rank_slow(_i:&View<'_>,_s:&Dims,_r:usize,_o:&Dims,_out:&mut [u8]){}
}
