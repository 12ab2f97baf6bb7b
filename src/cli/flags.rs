//! The flags that say what a run may use, and how their values are written.
//! It does not know which command they came with.

use super::progress::When;
use crate::error::{Error, Result};
use crate::session::{Options, ScratchIn};
use clap::Args;
use std::path::{Path, PathBuf};

/// What a run may use.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What the run may use")]
pub struct Limits {
    /// Memory that the run may add: 256MiB, 2GB, 1.5GiB, or bytes [default: half of what is free]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub memory: Option<u64>,
    /// Worker threads [default: the cores that this process may use]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
    /// Extents of a tile, one per axis of the result [default: chosen by the plan]
    #[arg(long, value_name = "8,512,512", value_parser = tile)]
    pub tile: Option<Tile>,
    /// Where stages run: auto, cpu, gpu, or part of an adapter's name (stackmill doctor lists them)
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub device: String,
    /// Memory of a GPU that the run may take [default: 1GiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub vram: Option<u64>,
    /// Where arrays go that the run makes for itself, where what is read again would take longer or not fit: a folder, or never
    /// [default: a file beside OUT, gone when the run is done]
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
    /// GPUs of one kind that the run is spread over, with --device
    #[arg(long, value_name = "N", default_value = "1", value_parser = gpus)]
    pub gpus: usize,
    /// Compute N tiles of each pass again while it runs, by the ops' meaning in f64, and stop where a result is wrong
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true)]
    pub verify: usize,
}

/// How outputs are written.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "How outputs are written")]
pub struct Writing {
    /// Replace outputs that exist
    #[arg(long)]
    pub overwrite: bool,
    /// Begin anew even where an unfinished run of the same work could be gone on with
    #[arg(long)]
    pub restart: bool,
    /// Write .tif as BigTIFF tiles with deflate
    #[arg(long)]
    pub tiled: bool,
    /// Extents of the chunks of a .zarr, one per axis [default: by the axes, up to 8,512,512]
    #[arg(long, value_name = "1,1024,1024", value_parser = tile)]
    pub chunks: Option<Tile>,
    /// Write chunks into files of these extents, multiples of a chunk's [default: a file a chunk]
    #[arg(long, value_name = "16,1024,1024", value_parser = tile)]
    pub shards: Option<Tile>,
}

/// What is shown while a run goes on.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What is shown")]
pub struct Showing {
    /// The progress on standard error: auto shows a line that moves on a terminal, else a line every 5 s; always begins at
    /// once; never also leaves out the summary; json writes objects for programs
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub progress: When,
    /// Write what every thread did when to FILE.json, in place of an old one, for ui.perfetto.dev; and what a GPU did, by its
    /// own clock, where it has one
    #[arg(long, value_name = "FILE.json", value_parser = trace)]
    pub trace: Option<PathBuf>,
}

/// Extents of a tile or a chunk. (A type of its own: a list would be taken for a flag that may be repeated.)
#[derive(Clone, Debug, PartialEq)]
pub struct Tile(pub Vec<usize>);

impl Limits {
    /// The options of a run.
    #[must_use]
    pub fn options(&self, writing: &Writing) -> Options {
        if matches!(self.device.as_str(), "cpu" | "auto") {
            for (flag, _) in [("--vram", self.vram.is_some()), ("--gpus", self.gpus > 1)].iter().filter(|(_, given)| *given) {
                super::say(&format!("note: {flag} has no effect: everything runs on the CPU"));
            }
        }
        Options {
            memory: self.memory,
            threads: self.threads,
            tile: self.tile.clone().map(|t| t.0),
            device: self.device.clone(),
            vram: self.vram,
            gpus: self.gpus,
            scratch: match &self.scratch {
                None => ScratchIn::Beside,
                Some(word) if word == Path::new("never") => ScratchIn::Nowhere,
                Some(folder) => ScratchIn::Folder(folder.clone()),
            },
            verify: self.verify,
            overwrite: writing.overwrite,
            restart: writing.restart,
            tiled: writing.tiled,
            chunks: writing.chunks.clone().map(|t| t.0),
            shards: writing.shards.clone().map(|t| t.0),
            ..Options::default()
        }
    }
}

/// Bytes as people write them; KiB, MiB, … are powers of 1024, KB, MB, … of 1000, without B as with iB.
fn size(text: &str) -> Result<u64> {
    let wrong = || Error::caller(format!("'{text}' is no size; write 256MiB, 2GB, 1.5GiB, or a number of bytes"));
    let text_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(text_end);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let (base, letter) = match unit.trim().to_lowercase().as_str() {
        "" | "b" => (1.0, ""),
        "k" | "kib" => (1024.0, "k"),
        "m" | "mib" => (1024.0, "m"),
        "g" | "gib" => (1024.0, "g"),
        "t" | "tib" => (1024.0, "t"),
        "kb" => (1000.0, "k"),
        "mb" => (1000.0, "m"),
        "gb" => (1000.0, "g"),
        "tb" => (1000.0, "t"),
        _ => return Err(wrong()),
    };
    let power = ["", "k", "m", "g", "t"].iter().position(|l| *l == letter).unwrap_or(0);
    let bytes = number * f64::powi(base, i32::try_from(power).unwrap_or(0));
    if !(1.0..=1e18).contains(&bytes) {
        return Err(Error::caller(format!("'{text}' is outside 1 byte to 10^18 bytes")));
    }
    Ok(bytes as u64)
}

/// A number of worker threads.
pub fn threads(text: &str) -> Result<usize> {
    match text.parse() {
        Ok(n @ 1..=4096) => Ok(n),
        _ => Err(Error::caller(format!("'{text}' is no number of threads from 1 to 4096"))),
    }
}

fn gpus(text: &str) -> Result<usize> {
    match text.parse() {
        Ok(n @ 1..=64) => Ok(n),
        _ => Err(Error::caller(format!("'{text}' is no number of GPUs from 1 to 64"))),
    }
}

fn tile(text: &str) -> Result<Tile> {
    extents(text).map(Tile)
}

/// A file for a trace. Its ending keeps a slip from replacing a stack.
pub fn trace(text: &str) -> Result<PathBuf> {
    let path = PathBuf::from(text);
    match path.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("json") => Ok(path),
        _ => Err(Error::caller(format!("'{text}' does not end in .json, as a trace must"))),
    }
}

/// Extents separated by commas, all above zero.
pub fn extents(text: &str) -> Result<Vec<usize>> {
    let wrong = || Error::caller(format!("'{text}' are no extents; write whole numbers above 0 with commas, as in 8,512,512"));
    let extent = |word: &str| word.trim().parse::<usize>().ok().filter(|n| *n > 0).ok_or_else(wrong);
    text.split(',').map(extent).collect()
}

/// The parser of `--memory` for commands with flags of their own.
pub fn memory(text: &str) -> Result<u64> {
    size(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let table = [
            ("1", 1),
            ("4096", 4096),
            ("256MiB", 256 << 20),
            ("256 mib", 256 << 20),
            ("2GB", 2_000_000_000),
            ("1.5GiB", 3 << 29),
            ("1k", 1024),
            ("3T", 3 << 40),
        ];
        for (text, bytes) in table {
            assert_eq!(size(text).map_err(|e| e.to_string()), Ok(bytes), "{text}");
        }
        for text in ["", "0", "MiB", "1.2.3GB", "-5", "5 parsecs", "1e9", "99999999T"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn extents_are_above_zero() {
        assert_eq!(extents("8, 512,512").map_err(|e| e.to_string()), Ok(vec![8, 512, 512]));
        for text in ["", "8,,8", "0,1", "a", "8;8", "-1"] {
            assert!(extents(text).is_err(), "{text}");
        }
    }
}
