//! `bench gpu`: what a GPU does by itself and what stackmill makes of it, in tables and as JSON; every answer is held against the CPU's.
//! It does not know how a device is measured, nor how ops are run: it says what is wanted and shows what came.

#[cfg(feature = "gpu")]
mod data;
#[cfg(feature = "gpu")]
mod gpu;
#[cfg(feature = "gpu")]
mod judge;
#[cfg(feature = "gpu")]
mod ops;
#[cfg(feature = "gpu")]
mod played;
#[cfg(feature = "gpu")]
mod raw;
#[cfg(feature = "gpu")]
mod report;
#[cfg(feature = "gpu")]
mod stream;
#[cfg(feature = "gpu")]
mod subjects;
#[cfg(feature = "gpu")]
mod table;

use super::flags;
use crate::error::{Error, Result};
use clap::{Args, Subcommand};
use std::path::PathBuf;

const DATA: &str = "\
Parts: header, copy, dispatch, compile, transfer, ops, stream.
Ops: chain, threshold, sum, mean, std, gaussian2d, gaussian3d, median3, median5, tophat15, sobel, maximum5, uniform5, gaussian2d_f32.

The data: element i of an array, in C order, is splitmix64(i) >> 48 as u16, and that divided by 65536 as f32, where
  splitmix64(i): z = i + 0x9e3779b97f4a7c15; z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
                 z = (z ^ z >> 27) * 0x94d049bb133111eb; z ^ z >> 31        (64 bits, wrapping)

Exit status: 0 all answers right, 1 a wrong answer or a device that fails, 2 an argument that cannot be followed.

Examples:
  stackmill bench gpu                                          the first real GPU, about a minute
  stackmill bench gpu --device llvmpipe --seconds 5            a software driver, shortly
  stackmill bench gpu --parts ops --ops gaussian2d,median5 --size 16,2048,2048 --json found.json";

/// What is measured.
#[derive(Args, Debug)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// A GPU: copies, dispatches, compiling, transfers, ops against the CPU, and a stack streamed through it
    Gpu(OfGpu),
}

/// The arguments of `bench gpu`.
#[derive(Args, Debug)]
#[command(after_help = DATA)]
#[cfg_attr(not(feature = "gpu"), allow(dead_code, reason = "a build without GPUs only parses them"))]
pub struct OfGpu {
    /// The adapter: gpu is the first real one, else part of its name (stackmill doctor lists them)
    #[arg(long, value_name = "NAME", default_value = "gpu")]
    device: String,
    /// What is measured, separated by commas [default: all parts]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    parts: Vec<String>,
    /// Which ops are measured, separated by commas [default: all of them]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    ops: Vec<String>,
    /// Extents of the array that ops run on [default: as large as the time allows, up to 16,2048,2048]
    #[arg(long, value_name = "Z,Y,X", value_parser = size)]
    size: Option<flags::Tile>,
    /// Bytes of the stack that is streamed [default: as the time allows, up to 2GiB and a quarter of the memory that is free]
    #[arg(long, value_name = "SIZE", value_parser = flags::memory)]
    stream: Option<u64>,
    /// About how long measuring may take in all; compiling kernels comes on top
    #[arg(long, value_name = "S", default_value = "60", value_parser = seconds)]
    seconds: f64,
    /// Worker threads of the CPU [default: the cores that this process may use]
    #[arg(long, value_name = "N", value_parser = flags::threads)]
    threads: Option<usize>,
    /// Write all figures to FILE, in place of an old one, after each part
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the tables to FILE too, in place of an old one, after each part
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write what every thread and the GPU did in the stream to FILE.json, for ui.perfetto.dev
    #[arg(long, value_name = "FILE.json", value_parser = flags::trace)]
    trace: Option<PathBuf>,
}

impl Bench {
    /// Measures.
    pub fn obey(&self) -> Result<()> {
        match &self.what {
            What::Gpu(of_gpu) => of_gpu.obey(),
        }
    }
}

impl OfGpu {
    #[cfg(feature = "gpu")]
    fn obey(&self) -> Result<()> {
        gpu::measure(self)
    }

    #[cfg(not(feature = "gpu"))]
    fn obey(&self) -> Result<()> {
        let what = format!("device '{}': this build has no GPU support", self.device);
        Err(Error::caller(what).hint("build with the feature gpu: cargo build --release --features gpu"))
    }
}

/// Three extents.
fn size(text: &str) -> Result<flags::Tile> {
    let extents = flags::extents(text)?;
    if extents.len() == 3 {
        return Ok(flags::Tile(extents));
    }
    Err(Error::caller(format!("'{text}' has {} extents; write three, Z,Y,X, as in 16,2048,2048", extents.len())))
}

fn seconds(text: &str) -> Result<f64> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err(Error::caller(format!("'{text}' is no number of seconds from 0.1 to 86400"))),
    }
}
