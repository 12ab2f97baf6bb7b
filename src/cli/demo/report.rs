//! The demo's report: scores side by side, time and memory of each step, and where the files are.
//! It does not judge; the command's exit code does.

use super::{Done, Files};
use crate::cli::progress::seconds_text;
use crate::cli::table::columns;
use crate::demo::score::Score;
use crate::error::bytes_text;
use crate::run::Summary;

/// The report as text.
pub fn text(done: &Done, files: &Files, grown: Option<u64>, memory: u64) -> String {
    let told = |bytes: Option<u64>| bytes.map_or_else(|| "unknown".to_owned(), bytes_text);
    let cells = |words: [&str; 6]| words.map(str::to_owned);
    let (threshold, plain) = &done.verdict.plain;
    let scores = [
        cells(["", "recall", "precision", "F1", "found", "right"]),
        scored("stackmill", &done.verdict.score),
        scored(&format!("best plain threshold ({threshold})"), plain),
    ];
    let steps = [
        ["step", "time", "throughput", "peak predicted", "peak measured"].map(str::to_owned),
        stepped("write the stack", &done.written),
        stepped("filter and detect", &done.filtered),
        ["score and draw".to_owned(), seconds_text(done.judged_seconds), String::new(), String::new(), String::new()],
    ];
    let path = |what: &str, path: &std::path::Path| [what.to_owned(), path.display().to_string()];
    let paths = [
        path("stack", &files.stack),
        path("filtered", &files.filtered),
        path("detections", &files.mask),
        path("picture", &files.picture),
    ];
    let memory = format!("memory: the whole command added {}, budget {}", told(grown), bytes_text(memory));
    format!("{} spots\n{}\n{}\n{memory}\n\n{}", done.spots, columns(&scores), columns(&steps), columns(&paths))
}

fn scored(name: &str, score: &Score) -> [String; 6] {
    let three = |value: f64| format!("{value:.3}");
    let counts = [score.found.to_string(), score.matched.to_string()];
    let [found, matched] = counts;
    [name.to_owned(), three(score.recall()), three(score.precision()), three(score.f1()), found, matched]
}

fn stepped(name: &str, summary: &Summary) -> [String; 5] {
    let rate = (summary.bytes as f64 / summary.seconds.max(1e-9)) as u64;
    let measured = summary.measured_bytes.map_or_else(|| "unknown".to_owned(), bytes_text);
    [
        name.to_owned(),
        seconds_text(summary.seconds),
        format!("{}/s", bytes_text(rate)),
        bytes_text(summary.predicted_bytes),
        measured,
    ]
}
