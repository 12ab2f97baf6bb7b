//! The demo's parts: a scene with a known truth, detections from a mask, their score, and a picture of both.
//! It does not know the engine: planes come in, numbers and a picture come out, a few planes are held at a time.

pub mod detect;
#[cfg(feature = "cli")]
pub mod picture;
pub mod random;
pub mod scene;
pub mod score;
pub mod sweep;
