//! What the lab is asked for. It does not know devices or variants.

use std::path::PathBuf;
use std::time::Duration;

pub const USAGE: &str = "usage: gpu_lab --device NAME [options]
  --device NAME    part of an adapter's name; gpu: the first that is no software
  --size N[xM]     pixels a row and rows (default 4096, on a software adapter 256)
  --only TEXT      families and variants whose name holds TEXT
  --seconds S      for timing each variant (default 0.5)
  --once           each variant is checked and timed once
  --timeout S      for each variant, after which the device is given up (default 20)
  --checked        shaders keep every check
  --host-clock     the device's timestamps are left alone
  --json FILE      the same numbers for programs
  --list           what there is; no device is asked for";

/// Least and greatest extent: halos reflect once, and rows are counted in 16 bits of workgroups.
const EXTENTS: std::ops::RangeInclusive<u32> = 32..=32_768;

/// What is asked for.
pub struct Args {
    /// Part of an adapter's name, or `gpu`.
    pub device: Option<String>,
    /// Pixels of a row, rows.
    pub size: Option<[u32; 2]>,
    /// What names must hold.
    pub only: Option<String>,
    /// For timing each variant.
    pub seconds: f64,
    /// One timing each.
    pub once: bool,
    /// How long a variant may take.
    pub timeout: Duration,
    /// Shaders keep every check.
    pub checked: bool,
    /// No timestamps.
    pub host_clock: bool,
    /// Where numbers go.
    pub json: Option<PathBuf>,
    /// Only names.
    pub list: bool,
}

impl Args {
    /// From the words of a command line; what is wrong with them else.
    pub fn read(words: impl Iterator<Item = String>) -> Result<Args, String> {
        let mut args = Args {
            device: None,
            size: None,
            only: None,
            seconds: 0.5,
            once: false,
            timeout: Duration::from_secs(20),
            checked: false,
            host_clock: false,
            json: None,
            list: false,
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut next = || words.next().ok_or(format!("{word} takes a value"));
            match word.as_str() {
                "--device" => args.device = Some(next()?),
                "--size" => args.size = Some(size(&next()?)?),
                "--only" => args.only = Some(next()?.to_lowercase()),
                "--seconds" => args.seconds = seconds(&word, &next()?)?,
                "--timeout" => args.timeout = Duration::from_secs_f64(seconds(&word, &next()?)?),
                "--json" => args.json = Some(next()?.into()),
                "--once" => args.once = true,
                "--checked" => args.checked = true,
                "--host-clock" => args.host_clock = true,
                "--list" => args.list = true,
                // What `cargo bench` adds.
                "--bench" => {}
                _ => return Err(format!("'{word}' is not known")),
            }
        }
        Ok(args)
    }

    /// Whether a variant is asked for.
    pub fn wants(&self, family: &str, name: &str) -> bool {
        self.only.as_ref().is_none_or(|text| family.contains(text) || name.contains(text))
    }
}

fn seconds(word: &str, text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|s| (0.001..=3600.0).contains(s));
    number.ok_or(format!("{word} {text}: seconds from 0.001 to 3600 are wanted"))
}

fn size(text: &str) -> Result<[u32; 2], String> {
    let (x, y) = text.split_once('x').unwrap_or((text, text));
    let extent = |word: &str| word.parse().ok().filter(|n| EXTENTS.contains(n));
    let both = extent(x).zip(extent(y)).map(|(x, y)| [x, y]);
    both.ok_or(format!("--size {text}: N or NxM is wanted, from {} to {} pixels", EXTENTS.start(), EXTENTS.end()))
}
