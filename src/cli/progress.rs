//! How far a run is, on standard error: a line that moves on a terminal, else a line now and then.
//! It does not know what runs; it is shown a [`Progress`] many times a second and draws few of them.

use crate::error::bytes_text;
use crate::run::Progress;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::cell::Cell;
use std::io::IsTerminal;

/// Seconds between two drawings of the moving line: ten a second look alive.
const REDRAW: f64 = 0.1;
/// Seconds between two plain lines; shorter runs have none.
const LINES: f64 = 5.0;
/// Seconds between two objects for a program.
const OBJECTS: f64 = 0.5;
/// Seconds of a run before its pace says anything about its end.
const SETTLED: f64 = 0.5;

/// When progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal a line that moves, else a line every 5 s
    Auto,
    /// As auto, but plain lines begin at once
    Always,
    /// Nothing, not even a summary
    Never,
    /// A JSON object a line, for programs: progress every half second, notes, and the figures at the end
    Json,
}

/// Shows the progress of one run.
pub struct Display {
    label: String,
    bar: Option<ProgressBar>,
    lines: bool,
    objects: bool,
    next: Cell<f64>,
}

impl Display {
    /// Of a run that is called `label` (may be empty).
    #[must_use]
    pub fn new(when: When, label: &str) -> Display {
        let objects = when == When::Json;
        let moves = !objects && when != When::Never && std::io::stderr().is_terminal();
        let bar = moves.then(|| {
            let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:24.cyan/blue} {wide_msg}");
            style.map_or(bar.clone(), |style| bar.with_style(style.progress_chars("━╸─")))
        });
        let first = if moves || objects || when == When::Always { 0.0 } else { LINES };
        Display { label: label.to_owned(), bar, lines: when != When::Never, objects, next: Cell::new(first) }
    }

    /// Shows `progress`, if it is time.
    pub fn show(&self, progress: &Progress) {
        progress.notices.iter().for_each(|notice| self.note(notice));
        if !self.lines || progress.seconds < self.next.get() {
            return;
        }
        let every = if self.bar.is_some() { REDRAW } else { LINES };
        self.next.set(progress.seconds + if self.objects { OBJECTS } else { every });
        if self.objects {
            return super::say(&object(progress).to_string());
        }
        let words = self.words(progress);
        match &self.bar {
            Some(bar) => {
                bar.set_position((share(progress) * 1000.0) as u64);
                bar.set_message(words);
            }
            None => super::say(&words),
        }
    }

    /// Says what happened.
    pub fn note(&self, notice: &str) {
        match &self.bar {
            _ if !self.lines => {}
            Some(bar) => bar.println(format!("note: {notice}")),
            None if self.objects => super::say(&json!({"note": notice}).to_string()),
            None => super::say(&format!("note: {notice}")),
        }
    }

    /// Takes the moving line away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn words(&self, progress: &Progress) -> String {
        let ((pass, passes), (tile, tiles)) = (progress.pass, progress.tiles);
        let (done, all) = progress.bytes;
        let rate = done as f64 / progress.seconds.max(1e-3);
        let label = if self.label.is_empty() { String::new() } else { format!("{}, ", self.label) };
        if let Some((done, all)) = progress.preparing {
            return format!("{label}pass {pass}/{passes}, compiling {all} kernels: {done} done");
        }
        if let Some((done, all)) = progress.checking {
            return format!("{label}{done} of {all} units of an unfinished run read back");
        }
        let parts = [
            format!("{label}pass {pass}/{passes}"),
            format!("tile {tile}/{tiles}"),
            format!("{} of {}", bytes_text(done), bytes_text(all)),
            format!("{}/s", bytes_text(rate as u64)),
            left(progress),
            format!("waiting on {}", progress.waiting_on.name()),
        ];
        parts.join(", ")
    }
}

/// Progress for a program: bytes, seconds, and the seconds that are left where the pace says anything about them.
fn object(progress: &Progress) -> Value {
    json!({
        "pass": progress.pass.0, "passes": progress.pass.1,
        "tile": progress.tiles.0, "tiles": progress.tiles.1,
        "bytes": progress.bytes.0, "all_bytes": progress.bytes.1, "held_bytes": progress.held,
        "seconds": progress.seconds, "seconds_left": seconds_left(progress), "waiting_on": progress.waiting_on.name(),
        "compiling": progress.preparing.map(|(done, all)| [done, all]),
        "read_back": progress.checking.map(|(done, all)| [done, all]),
    })
}

/// The share of the pass that is done.
fn share(progress: &Progress) -> f64 {
    match progress.bytes {
        (done, all) if all > 0 => done as f64 / all as f64,
        _ => progress.tiles.0 as f64 / progress.tiles.1.max(1) as f64,
    }
}

/// How long this pass still takes at the pace so far; earlier passes count as part of the pace.
fn left(progress: &Progress) -> String {
    seconds_left(progress).map_or_else(|| "time left unknown".to_owned(), |left| format!("{} left", seconds_text(left)))
}

fn seconds_left(progress: &Progress) -> Option<f64> {
    let done = (progress.pass.0.saturating_sub(1)) as f64 + share(progress);
    let passes = progress.pass.1 as f64;
    (progress.seconds >= SETTLED && done > 0.0).then(|| progress.seconds / done * (passes - done).max(0.0))
}

/// Seconds as people say them.
#[must_use]
pub fn seconds_text(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match seconds {
        s if s < 0.0995 => format!("{:.0} ms", s * 1000.0),
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 99.5 => format!("{s:.0} s"),
        s if s < 3570.0 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Lane;

    #[test]
    fn a_line_says_all() {
        let display = Display { label: "demo".to_owned(), bar: None, lines: true, objects: false, next: Cell::new(0.0) };
        let bytes = (64 << 20, 128 << 20);
        let (notices, waiting_on) = (Vec::new(), Lane::Compute);
        let (span, device_spans) = (None, Vec::new());
        let progress = Progress {
            pass: (1, 2),
            tiles: (3, 6),
            bytes,
            seconds: 2.0,
            waiting_on,
            notices,
            span,
            device_spans,
            held: 5,
            preparing: None,
            checking: None,
        };
        assert_eq!(object(&progress)["seconds_left"], 6.0);
        let line = "demo, pass 1/2, tile 3/6, 64 MiB of 128 MiB, 32 MiB/s, 6.0 s left, waiting on compute";
        assert_eq!(display.words(&progress), line);
        let compiling = Progress { preparing: Some((3, 12)), ..progress };
        assert_eq!(display.words(&compiling), "demo, pass 1/2, compiling 12 kernels: 3 done");
        assert_eq!(object(&compiling)["compiling"], json!([3, 12]));
    }

    #[test]
    fn seconds_are_short() {
        let table = [(0.004, "4 ms"), (0.25, "0.2 s"), (12.3, "12 s"), (125.0, "2 min 05 s"), (7384.0, "2 h 03 min")];
        for (seconds, text) in table {
            assert_eq!(seconds_text(seconds), text);
        }
    }
}
