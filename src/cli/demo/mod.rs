//! `demo`: the whole way in one command, on a stack whose truth is known: write, filter, detect, score, show.
//! It does not know how a scene, a score or a picture is made; it passes them on and holds the clock.

mod judge;
mod report;

use super::flags::{Showing, extents, memory};
use super::progress::{When, seconds_text};
use super::run::{show, status};
use crate::demo::scene::{Scene, SceneSource};
use crate::error::{Error, Result, bytes_text};
use crate::graph::Array;
use crate::language::evaluate;
use crate::run::Summary;
use crate::session::{Options, Session};
use clap::Args;
use judge::Verdict;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What finds the spots: a filtered stack, and a mask of the voxels that are the peak of a spot.
const DETECTOR: &str = "\
filtered = median([1, 3, 3]) |> white_tophat([1, 15, 15])
h        = astype(filtered, 'f32')
signal   = gaussian(h, [1.3, 2, 2]) - uniform(h, [9, 21, 21])
noise    = sqrt(maximum(uniform(astype(input, 'f32'), [1, 21, 21]) - 100, 1))
(signal == maximum_filter(signal, [3, 7, 7])) & (signal > 0.5 * noise)";

/// The least recall and precision of a build that works.
const LEAST: f64 = 0.95;

const WRITES: &str = "\
It writes stack.tif, filtered.tif, mask.ome.zarr and demo.png into its folder, and replaces those of an earlier demo there;
other files are left alone. It exits with 1 where recall or precision is below 0.95, so that a script can rely on it.";

/// The arguments of `demo`.
#[derive(Args, Debug)]
#[command(after_help = WRITES)]
pub struct Demo {
    /// The number that the stack follows from: the same seed gives the same stack everywhere
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The folder to write into; made if it does not exist
    #[arg(long, value_name = "DIR", default_value = "stackmill-demo")]
    out: PathBuf,
    /// Extents of the stack; the glow shrinks with it, and below 768 pixels its edges look like spots
    #[arg(long, value_name = "Z,Y,X", default_value = "64,1024,1024", value_parser = shape)]
    size: Shape,
    /// Memory that the demo may add: 256MiB, 2GB, 1.5GiB, or bytes [default: half of what is free]
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory: Option<u64>,
    /// Worker threads [default: the cores that this process may use]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Where stages run: auto, cpu, gpu, or part of an adapter's name
    #[arg(long, value_name = "NAME", default_value = "auto")]
    device: String,
    /// Memory of a GPU that the demo may take [default: 1GiB]
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    vram: Option<u64>,
    /// Accepted for scripts: the demo replaces its own outputs anyway
    #[arg(long, hide = true)]
    overwrite: bool,
    #[command(flatten)]
    showing: Showing,
}

/// Extents of the stack. (A type of its own: a list would be taken for a flag that may be repeated.)
#[derive(Clone, Debug)]
struct Shape(Vec<usize>);

fn shape(text: &str) -> Result<Shape> {
    extents(text).map(Shape)
}

/// The files of a demo.
struct Files {
    stack: PathBuf,
    filtered: PathBuf,
    mask: PathBuf,
    picture: PathBuf,
}

impl Files {
    fn of(folder: &Path) -> Files {
        let file = |name: &str| folder.join(name);
        Files { stack: file("stack.tif"), filtered: file("filtered.tif"), mask: file("mask.ome.zarr"), picture: file("demo.png") }
    }
}

/// What was done, for the report.
struct Done {
    spots: usize,
    written: Summary,
    filtered: Summary,
    judged_seconds: f64,
    verdict: Verdict,
}

impl Demo {
    /// Runs the demo; `resident` is what the process held when it started. Gives the exit status.
    pub fn obey(&self, resident: Option<u64>) -> Result<u8> {
        let scene = Arc::new(Scene::new(self.seed, self.size.0.as_slice())?);
        std::fs::create_dir_all(&self.out).map_err(|e| Error::io("make the folder", &self.out, &e))?;
        let files = Files::of(&self.out);
        let done = self.make(&scene, &files)?;
        let grown = crate::os::peak_resident_bytes().zip(resident).map(|(peak, start)| peak.saturating_sub(start));
        super::print(&report::text(&done, &files, grown, self.options().machine().memory))?;
        self.check(&done.verdict)?;
        Ok(status(&[&done.written, &done.filtered]))
    }

    fn options(&self) -> Options {
        Options {
            memory: self.memory,
            threads: self.threads,
            device: self.device.clone(),
            vram: self.vram,
            timed: self.showing.trace.is_some(),
            overwrite: true,
            ..Options::default()
        }
    }

    fn make(&self, scene: &Arc<Scene>, files: &Files) -> Result<Done> {
        let options = self.options();
        let bytes = bytes_text(2 * scene.shape.count() as u64);
        self.tell(&format!("1. a stack of seed {}: {} spots in {} u16, {bytes}", self.seed, scene.spots.len(), scene.shape));
        let stack = Array::from_source(Arc::new(SceneSource::new(scene.clone())?));
        let written = self.run(&Session::save(&[(stack, &files.stack)], &options)?, "write")?;
        self.tell(&format!("2. filter and detect in one run, two outputs:\n{}", indented(DETECTOR)));
        let filtered = self.run(&detector(files, &options)?, "filter")?;
        self.tell("3. score against the truth, and against the best plain threshold");
        let started = Instant::now();
        let verdict = judge::judge(scene, files, options.machine().memory)?;
        let judged_seconds = started.elapsed().as_secs_f64();
        self.tell(&format!("   done in {}\n", seconds_text(judged_seconds)));
        Ok(Done { spots: scene.spots.len(), written, filtered, judged_seconds, verdict })
    }

    /// Runs one session, its figures indented.
    fn run(&self, session: &Session, label: &str) -> Result<Summary> {
        // The trace is that of the filters, not of writing the stack that they read.
        let trace = self.showing.trace.clone().filter(|_| label == "filter");
        let (summary, lines) = show(session, &Showing { trace, ..self.showing.clone() }, label)?;
        lines.iter().for_each(|line| match self.showing.progress {
            When::Json => super::say(line),
            _ => self.tell(&format!("   {line}")),
        });
        Ok(summary)
    }

    fn tell(&self, text: &str) {
        if !matches!(self.showing.progress, When::Never | When::Json) {
            super::say(text);
        }
    }

    fn check(&self, verdict: &Verdict) -> Result<()> {
        let (recall, precision) = (verdict.score.recall(), verdict.score.precision());
        if recall >= LEAST && precision >= LEAST {
            return Ok(());
        }
        let what =
            format!("the demo found too little: recall {recall:.3}, precision {precision:.3}, both should be at least {LEAST}");
        let small = self.size.0.iter().skip(1).any(|n| *n < 768);
        let hint = if small {
            "in a stack of less than 768 x 768 pixels the glow is as narrow as the spots: use a larger --size"
        } else {
            "please report it with the output of 'stackmill doctor' and the command that showed it"
        };
        Err(Error::bug(what).hint(hint))
    }
}

/// Filtered stack and mask in one session: what they share is read and computed once.
fn detector(files: &Files, options: &Options) -> Result<Session> {
    let made = evaluate(DETECTOR, &Array::open(&files.stack), &[])?;
    let filtered = made.named.iter().find(|(name, _)| name == "filtered").map(|(_, array)| array.clone());
    let filtered = filtered.ok_or_else(|| Error::bug("the detector names no filtered stack"))?;
    Session::save(&[(filtered, &files.filtered), (made.result, &files.mask)], options)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("     {line}")).collect::<Vec<_>>().join("\n")
}
