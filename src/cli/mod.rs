//! The command line: arguments in, text and exit codes out; one file a command.
//! It does not compute, read or write pixels: it calls what every user of the library can call.

mod bench;
mod demo;
mod doctor;
mod flags;
mod formats;
mod info;
mod interrupt;
mod ops;
mod progress;
mod run;
mod table;
mod trace;
mod verdict;

use crate::error::{Error, Result};
use clap::{Parser, Subcommand};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  stackmill demo                                   see it work on a stack of its own
  stackmill run cells.tif mask.tif 'median([1, 3, 3]) |> white_tophat([1, 15, 15]) |> x > 60'
  stackmill explain cells.tif 'gaussian(2) |> x - mean(x)' --memory 512MiB
  stackmill bench gpu                              what a GPU does, every answer held against the CPU's
  stackmill ops gaussian                           what an op does, with its arguments
  stackmill info cells.tif mask.ome.zarr           shape, dtype, axes, chunks

Exit status: 0 done, 1 the machine's fault (disk, memory, a broken file), 2 the caller's, 3 done, but with more memory than
--memory allows, 130 stopped by Ctrl-C.";

/// The exit status of a run that is done and took more memory than it was allowed.
const EXCEEDED: u8 = 3;

/// Filters image stacks that are bigger than memory: lazily, in chunks, inside a memory budget.
#[derive(Parser)]
#[command(name = "stackmill", bin_name = "stackmill", version, after_help = EXAMPLES, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a pipeline over a stack and write what it makes
    Run(run::Run),
    /// Say what a run would do, without doing it: passes, tiles, bytes
    Explain(run::Explain),
    /// Describe files: shape, dtype, axes, chunks
    Info(info::Info),
    /// List the ops, or describe one
    Ops(ops::Ops),
    /// List the file formats
    Formats,
    /// Describe this build and this machine, for a bug report
    Doctor,
    /// Measure this computer: what a GPU does, and what stackmill makes of it
    Bench(bench::Bench),
    /// Make a stack with known spots, filter it, find the spots, score them, draw a picture
    Demo(demo::Demo),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os()))
}

/// Runs a command, the program's name first; the exit code. Help and arguments that cannot be parsed end the process.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> u8 {
    crate::os::errors_for_long_files();
    // What one step of a command has used the next may use again.
    let _keeping = crate::os::keep_pages();
    // Before anything else: the demo reports how much the whole command added.
    let resident = crate::os::resident_bytes();
    match obey(Cli::parse_from(arguments).command, resident) {
        Ok(status) => status,
        Err(error) if interrupt::heard() => {
            say(error.what());
            interrupt::STATUS
        }
        Err(error) => {
            say(&worded(&error, std::io::stderr().is_terminal()));
            error.exit_code()
        }
    }
}

/// What `stackmill doctor` prints.
#[must_use]
pub fn doctor() -> String {
    doctor::text()
}

/// Obeys a command; the exit status.
fn obey(command: Command, resident: Option<u64>) -> Result<u8> {
    let done = match command {
        Command::Run(run) => return run.obey(),
        Command::Demo(demo) => return demo.obey(resident),
        Command::Explain(explain) => print(&explain.obey()?),
        Command::Info(info) => info.obey(),
        Command::Ops(ops) => print(&ops.obey()?),
        Command::Formats => print(&formats::text()),
        Command::Doctor => print(&doctor::text()),
        Command::Bench(bench) => bench.obey(),
    };
    done.map(|()| 0)
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no error.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::machine(format!("cannot write to standard output: {e}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error, where there is nobody left to tell if that fails.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// `error: …` with its places and its hint; in colour on a terminal, unless `NO_COLOR` is set.
fn worded(error: &Error, terminal: bool) -> String {
    let text = format!("error: {error}");
    if !terminal || std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) {
        return text;
    }
    let text = text.replacen("error:", "\u{1b}[1;31merror:\u{1b}[0m", 1);
    text.replacen("\nhint:", "\n\u{1b}[1;36mhint:\u{1b}[0m", 1)
}
