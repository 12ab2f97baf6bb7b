//! `run` and `explain`: files and a pipeline's text become outputs, or the plan of them.
//! It does not know the language of pipelines, nor any format.

use super::flags::{Limits, Showing, Writing};
use super::interrupt;
use super::progress::{Display, When};
use super::trace::Trace;
use super::verdict;
use crate::error::{Error, Result, unknown};
use crate::formats;
use crate::graph::Array;
use crate::grid::{Dims, Region};
use crate::language::{Pipeline, evaluate};
use crate::plan::Output;
use crate::run::Summary;
use crate::session::{Options, Session};
use crate::storage::{Identity, Info, Sink};
use clap::Args;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LANGUAGE: &str = "\
The pipeline:
  Steps separated by |> or line breaks, in Python's syntax with NumPy's operators. x is what the step before made (at
  first IN), input is IN, a call that lacks its array gets x. 'name = …' names what its line makes.
  The ops: stackmill ops. What one of them does: stackmill ops NAME.

Examples:
  stackmill run cells.tif smooth.tif 'gaussian([1, 2, 2])'
  stackmill run 'planes/*.tif' spots.ome.zarr 'median([1, 3, 3]) |> white_tophat([1, 15, 15]) |> x > 60' --memory 2GB
  stackmill run cells.tif mask.ome.zarr -i dark=dark.tif -i flat=flat.tif -o clean=clean.ome.tif '
    clean = (x - dark) / (flat - dark) |> gaussian([1, 1.5, 1.5])
    (clean - grey_opening(clean, size=[1, 15, 15]) > 0.2) & (input < 65535)'";

/// What a pipeline reads, and what else it writes.
#[derive(Args, Debug)]
struct Files {
    /// Another input: the pipeline knows FILE as NAME (may be repeated)
    #[arg(short = 'i', long = "input", value_name = "NAME=FILE", value_parser = named_file)]
    inputs: Vec<(String, PathBuf)>,
    /// Another output: the step called NAME is saved too; shared work is done once (may be repeated)
    #[arg(short = 'o', long = "output", value_name = "NAME=FILE", value_parser = named_file)]
    outputs: Vec<(String, PathBuf)>,
    /// Names of IN's axes, a letter each, where the file does not say or is wrong
    #[arg(long, value_name = "ZYX")]
    axes: Option<String>,
}

/// The arguments of `run`.
#[derive(Args, Debug)]
#[command(after_help = LANGUAGE)]
pub struct Run {
    /// A file, a Zarr folder, or a folder or (quoted) glob of files as one stack
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where the result goes; its ending says the format: .tif, .ome.tif, .zarr, .ome.zarr, .npy
    #[arg(value_name = "OUT")]
    output: Option<PathBuf>,
    /// What to compute
    pipeline: Option<String>,
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    writing: Writing,
    #[command(flatten)]
    showing: Showing,
}

/// The arguments of `explain`.
#[derive(Args, Debug)]
#[command(after_help = LANGUAGE, override_usage = "stackmill explain [OPTIONS] <IN> [OUT] <PIPELINE>")]
pub struct Explain {
    /// A file, a Zarr folder, or a folder or (quoted) glob of files as one stack
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where the result would go (may be left out), and the pipeline
    #[arg(value_name = "[OUT] PIPELINE", num_args = 0..=2)]
    rest: Vec<String>,
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    writing: Writing,
    /// How much is told: 1 a few lines; 2 stages, tiles, bytes; 3 also tapes, taps and regions; 4 also what runs, as WGSL on a GPU
    #[arg(long, value_name = "1..4", default_value = "2")]
    level: u8,
    /// Accepted as by run; nothing runs
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto", hide = true)]
    progress: When,
}

impl Run {
    /// Runs the pipeline; the exit status.
    pub fn obey(&self) -> Result<u8> {
        let missing = |what: &str| Error::caller(format!("run needs {what}")).hint(USAGE);
        let output = self.output.as_deref().ok_or_else(|| missing("OUT, the file to write, and a pipeline"))?;
        let pipeline = self.pipeline.as_deref().ok_or_else(|| missing("a pipeline"))?;
        let options = Options { timed: self.showing.trace.is_some(), ..self.limits.options(&self.writing) };
        let made = self.files.evaluate(&self.input, pipeline)?;
        let targets = self.files.targets(&self.input, output, &made)?;
        let session = Session::save(&targets, &options)?;
        let (summary, lines) = show(&session, &self.showing, "")?;
        lines.iter().for_each(|line| super::say(line));
        Ok(status(&[&summary]))
    }
}

const USAGE: &str = "stackmill run cells.tif mask.tif 'gaussian(1.5) |> x > 60'";

/// The exit status of runs that are done: whether they kept to their budget.
pub fn status(summaries: &[&Summary]) -> u8 {
    if summaries.iter().any(|summary| summary.exceeds().is_some()) { super::EXCEEDED } else { 0 }
}

/// Runs a session with its progress on standard error; gives its figures and the lines that tell them, if any are wanted.
pub fn show(session: &Session, showing: &Showing, label: &str) -> Result<(Summary, Vec<String>)> {
    let when = showing.progress;
    let display = Display::new(when, label);
    showing.trace.iter().try_for_each(|path| session.refuse(path))?;
    let trace = showing.trace.as_deref().map(Trace::create).transpose()?;
    session.notices().iter().for_each(|notice| display.note(notice));
    interrupt::listen()?;
    let at = Cell::new((1, 0));
    let done = session.run(&|progress| {
        display.show(progress);
        at.set((progress.pass.0, progress.tiles.0));
        if interrupt::heard() {
            display.note("stopping: what is finished is kept; Ctrl-C again ends at once");
            return Err(Error::caller("stopped"));
        }
        trace.as_ref().map_or(Ok(()), |trace| trace.add(progress))
    });
    display.end();
    trace.map_or(Ok(()), |trace| trace.end())?;
    let summary = done.map_err(|error| if interrupt::heard() { stopped(session, at.get(), &error) } else { error })?;
    match when {
        When::Never => summary.excess().iter().for_each(|excess| super::say(&format!("note: {excess}"))),
        _ => summary.excess().iter().for_each(|excess| display.note(excess)),
    }
    let lines = match when {
        When::Never => Vec::new(),
        When::Json => vec![verdict::object(&summary).to_string()],
        When::Auto | When::Always => verdict::lines(&summary),
    };
    Ok((summary, lines))
}

/// What a run that Ctrl-C stopped leaves: whole passes, and the tiles of one that writes.
fn stopped(session: &Session, (pass, tiles): (usize, usize), error: &Error) -> Error {
    if error.notes().is_empty() {
        return Error::caller("stopped: nothing is kept");
    }
    let passes = &session.plan().passes;
    let all: usize = passes.iter().map(|p| p.sweep.tiles()).sum();
    let before: usize = passes.iter().take(pass - 1).map(|p| p.sweep.tiles()).sum();
    let written = passes.get(pass - 1).is_some_and(|p| !p.program.sinks.is_empty());
    let kept = before + if written { tiles } else { 0 };
    Error::caller(format!("stopped: {kept} of {all} tiles are kept; the same command goes on"))
}

impl Explain {
    /// The plan as text.
    pub fn obey(&self) -> Result<String> {
        let options = self.limits.options(&self.writing);
        match self.rest.as_slice() {
            [pipeline] => {
                let made = self.files.evaluate(&self.input, pipeline)?;
                let mut outputs =
                    vec![Output { array: made.result.clone(), sink: Arc::new(Nowhere(made.result.info()?.clone())) }];
                for (array, path) in self.files.named(&self.input, &made)? {
                    outputs.push(Output { sink: sink(&array, path, &options)?, array });
                }
                Session::new(outputs, &options)?.explain_at(self.level)
            }
            [output, pipeline] => {
                let made = self.files.evaluate(&self.input, pipeline)?;
                let targets = self.files.targets(&self.input, Path::new(output), &made)?;
                Session::save(&targets, &options)?.explain_at(self.level)
            }
            _ => Err(Error::caller("explain needs a pipeline").hint("stackmill explain cells.tif 'gaussian(1.5) |> x > 60'")),
        }
    }
}

fn sink(array: &Array, path: &Path, options: &Options) -> Result<Arc<dyn Sink>> {
    formats::create(path, array.info()?, options.writing()?).map(Arc::from)
}

impl Files {
    fn evaluate(&self, input: &Path, pipeline: &str) -> Result<Pipeline> {
        let first = open(input)?;
        let first = match &self.axes {
            Some(letters) => first.described(|info| info.with_axes(letters)),
            None => first,
        };
        first.info().map_err(|e| e.hint("--axes ZYX names the axes of IN, one letter each"))?;
        let open_named = |(name, path): &(String, PathBuf)| Ok((name.clone(), open(path)?));
        let others = self.inputs.iter().map(open_named).collect::<Result<Vec<_>>>()?;
        evaluate(pipeline, &first, &others)
    }

    /// The result and the named steps, with the files that they go to.
    fn targets<'a>(&'a self, input: &Path, output: &'a Path, made: &Pipeline) -> Result<Vec<(Array, &'a Path)>> {
        self.refuse(input, output)?;
        let mut targets = vec![(made.result.clone(), output)];
        targets.extend(self.named(input, made)?);
        Ok(targets)
    }

    fn named(&self, input: &Path, made: &Pipeline) -> Result<Vec<(Array, &Path)>> {
        let find = |(name, path): &'_ (String, PathBuf)| {
            self.refuse(input, path)?;
            let found = made.named.iter().find(|(known, _)| known == name).map(|(_, array)| array.clone());
            found.ok_or_else(|| unnamed(name, made))
        };
        self.outputs.iter().map(|output| Ok((find(output)?, output.1.as_path()))).collect()
    }

    /// What cannot be written to: a pipe, and a file that is being read.
    fn refuse(&self, input: &Path, output: &Path) -> Result<()> {
        if output == Path::new("-") {
            let error = Error::caller("the result cannot be written to standard output ('-')");
            return Err(error.hint("name a file; outputs are written out of order and completed at their end"));
        }
        let whole = |path: &Path| path.canonicalize().ok();
        let read = std::iter::once(input).chain(self.inputs.iter().map(|(_, path)| path.as_path()));
        for path in read {
            if whole(path).is_some_and(|p| Some(p) == whole(output)) {
                return Err(
                    Error::caller(format!("{} is read and cannot be written too", output.display())).hint("choose another name")
                );
            }
        }
        Ok(())
    }
}

fn unnamed(name: &str, made: &Pipeline) -> Error {
    let names = made.named.iter().map(|(known, _)| known.as_str());
    let error = unknown("step of -o", name, names);
    if made.named.is_empty() {
        error.hint(format!("name a step in the pipeline: '{name} = …' on a line of its own"))
    } else {
        error
    }
}

/// Opens a source without the place in our own code that a program's author would be told.
fn open(path: &Path) -> Result<Array> {
    Ok(Array::from_source(Arc::from(formats::open(path)?)))
}

fn named_file(text: &str) -> Result<(String, PathBuf)> {
    match text.split_once('=') {
        Some((name, path)) if !name.trim().is_empty() && !path.is_empty() => Ok((name.trim().to_owned(), PathBuf::from(path))),
        _ => Err(Error::caller("write NAME=FILE, as in dark=dark.tif")),
    }
}

/// Where a result goes that is only planned.
struct Nowhere(Info);

impl Sink for Nowhere {
    fn info(&self) -> &Info {
        &self.0
    }

    fn name(&self) -> String {
        "nowhere".to_owned()
    }

    fn unit(&self) -> Option<Dims> {
        None
    }

    /// A file, if it were written.
    fn beside(&self) -> Option<PathBuf> {
        Some(PathBuf::from("OUT"))
    }

    fn encoded_bytes(&self, region: &Region) -> u64 {
        region.shape.iter().fold(self.0.dtype.size() as u64, |n, d| n.saturating_mul(*d as u64))
    }

    fn begin(&self, _identity: &Identity) -> Result<()> {
        Ok(())
    }

    fn encode(&self, _region: &Region, _decoded: &[u8]) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn write(&self, _region: &Region, _encoded: &[u8]) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn finish(&self) -> Result<()> {
        Ok(())
    }

    fn abandon(&self) {}
}
