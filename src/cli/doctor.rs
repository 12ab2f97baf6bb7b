//! `doctor`: this build and this machine in a few lines, to be pasted into a report.
//! It does not mend anything, and tells nothing about files or users.

use super::table::columns;
use crate::error::bytes_text;
use crate::session::default_memory;
use crate::{formats::FORMATS, ops, os};
use fearless_simd::Level;
use std::env::consts::{ARCH, OS};

/// The description.
#[must_use]
pub fn text() -> String {
    let told = |bytes: Option<u64>| bytes.map_or_else(|| "unknown".to_owned(), bytes_text);
    let row = |name: &str, value: String| [name.to_owned(), value];
    let formats: Vec<&str> = FORMATS.iter().map(|f| f.name).collect();
    let rows = [
        row("version", format!("{} ({})", env!("CARGO_PKG_VERSION"), profile())),
        row("platform", format!("{} {ARCH}: {}", os_name(), platform_status())),
        row("cores", format!("{} that this process may use", os::cores())),
        row("memory available", available()),
        row("default budget", format!("{} (--memory)", bytes_text(default_memory()))),
        row("resident now", told(os::resident_bytes())),
        row("SIMD", simd().to_owned()),
        row("features", features().join(", ")),
        row("formats", formats.join(", ")),
        row("ops", ops::all().count().to_string()),
        row("terminal", terminal().to_owned()),
    ];
    format!("stackmill doctor\n{}\nGPUs\n{}", columns(&rows), columns(&gpus()))
}

/// What may be taken, and which limit decided it.
fn available() -> String {
    os::available().map_or_else(|| "unknown".to_owned(), |limit| format!("{}, by {}", bytes_text(limit.bytes), limit.by))
}

#[cfg(feature = "gpu")]
fn gpus() -> Vec<[String; 2]> {
    crate::device::gpu::report()
}

#[cfg(not(feature = "gpu"))]
fn gpus() -> Vec<[String; 2]> {
    vec![["none".to_owned(), "this build has no GPU support".to_owned()]]
}

fn profile() -> &'static str {
    if cfg!(debug_assertions) { "a debug build: many times slower than --release" } else { "release build" }
}

fn os_name() -> &'static str {
    match OS {
        "linux" => "Linux",
        "macos" => "macOS",
        "windows" => "Windows",
        other => other,
    }
}

/// How far this platform has been taken.
fn platform_status() -> &'static str {
    let here = format!("{} {}", os_name(), ARCH.replace('_', "-"));
    let found = os::PLATFORMS.iter().find(|(name, _)| here == *name || os_name() == *name);
    found.map_or("unknown", |(_, status)| status)
}

/// The instruction set that the kernels choose.
pub fn simd() -> &'static str {
    let level = Level::new();
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if level.as_avx512().is_some() {
        return "AVX-512";
    } else if level.as_avx2().is_some() {
        return "AVX2";
    }
    if level.is_fallback() {
        "none: scalar code"
    } else if cfg!(target_arch = "aarch64") {
        "NEON"
    } else {
        "the target's baseline"
    }
}

fn features() -> Vec<&'static str> {
    let all = [
        ("gpu", cfg!(feature = "gpu")),
        ("tiff", cfg!(feature = "tiff")),
        ("zarr", cfg!(feature = "zarr")),
        ("cli", cfg!(feature = "cli")),
    ];
    all.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect()
}

fn terminal() -> &'static str {
    use std::io::IsTerminal;
    if std::io::stderr().is_terminal() { "yes" } else { "no: progress in lines" }
}
