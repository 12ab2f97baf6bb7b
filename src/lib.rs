//! **stackmill** is a lazy chunked n-d array for image stacks bigger than memory. Array code becomes a small graph; a
//! planner fuses it, infers halos and fits it to a memory budget; the engine streams tiles through it.
//!
//! ```
//! use stackmill::Array;
//!
//! let pixels = ndarray::Array3::from_shape_fn((4, 32, 32), |(z, y, x)| (z * 7 + y * 3 + x * 5) as u16);
//! let x = Array::from_ndarray(&pixels);                    // or Array::open("cells.tif")
//! let background = x.grey_opening([1, 15, 15]);
//! let mask = (x.median([1, 3, 3]) - background).gt(60);    // nothing is computed yet
//!
//! println!("{}", mask.explain()?);                         // what will be read, kept and computed, before it is
//! let found = mask.compute()?;                             // or mask.save("mask.ome.zarr")
//! assert_eq!(found.values::<bool>()?.len(), 4 * 32 * 32);
//! # Ok::<(), stackmill::Error>(())
//! ```
//!
//! The modules go one way (`tests/layers.rs` holds it): `error → os → dtype → grid → simd → tile → storage → expr →
//! graph`, then the catalogues `ops` and `formats` beside the engine `plan → device → run`, and on top `session`,
//! `language`, `demo` and the command line, the only places where the wings meet. ARCHITECTURE.md draws it.

#![deny(unsafe_code, reason = "no kernel needs it: fearless_simd and bytemuck keep theirs behind safe functions")]
#![deny(missing_docs, reason = "the API is the product")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::todo,
    clippy::unimplemented,
    clippy::unreachable,
    reason = "bad input is an error with a way out, never a panic"
)]
#![deny(clippy::dbg_macro, clippy::print_stdout, clippy::print_stderr, reason = "a library reports; the command line prints")]
#![warn(clippy::allow_attributes_without_reason, reason = "an exception says why")]

#[cfg(feature = "cli")]
pub mod cli;
pub mod demo;
pub mod device;
pub mod dtype;
pub mod error;
pub mod expr;
pub mod formats;
pub mod graph;
pub mod grid;
pub mod language;
pub mod ops;
pub mod os;
pub mod plan;
pub mod run;
pub mod session;
pub mod simd;
pub mod storage;
pub mod tile;

pub use dtype::Dtype;
pub use error::{Error, Result};
pub use graph::Array;
pub use grid::Edge;
pub use session::{Computed, Options, ScratchIn, Session};
