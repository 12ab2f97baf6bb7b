//! What a run was, in a few lines: time, bytes, reads, and what would make it faster.
//! It does not measure; it reads a [`Summary`].

use super::progress::seconds_text;
use crate::error::bytes_text;
use crate::run::{Lane, READERS, Summary};
use serde_json::{Map, Value, json};

/// Of its time, a lane is busy at least this share before it is called the bottleneck.
const BUSY: f64 = 0.6;

/// The summary in lines without an end of line.
#[must_use]
pub fn lines(summary: &Summary) -> Vec<String> {
    let rate = (summary.bytes as f64 / summary.seconds.max(1e-9)) as u64;
    let tiles: usize = summary.passes.iter().map(|p| p.tiles).sum();
    let plural = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let did = format!(
        "done in {}: {} in and out, {}/s, {} in {}",
        seconds_text(summary.seconds),
        bytes_text(summary.bytes),
        bytes_text(rate),
        plural(tiles, "tile", "tiles"),
        plural(summary.passes.len(), "pass", "passes")
    );
    let measured = summary.measured_bytes.map_or_else(|| "not measured".to_owned(), bytes_text);
    let memory = format!("peak memory: {} predicted, {measured} measured", bytes_text(summary.predicted_bytes));
    let mut lines = vec![did, memory, reads(summary)];
    lines.extend(verified(summary));
    lines.push(verdict(summary));
    if summary.resumed > 0 {
        let all: u64 = summary.passes.iter().map(|p| p.units_written.1).sum();
        lines.insert(1, format!("went on with an unfinished run: {} of {all} commit units were there", summary.resumed));
    }
    lines
}

/// The summary for a program.
#[must_use]
pub fn object(summary: &Summary) -> Value {
    let busy = shares(summary);
    let (threads, share) = summary.busiest_threads();
    let lanes: Map<String, Value> =
        Lane::ALL.iter().zip(busy).map(|(lane, share)| (lane.name().to_owned(), share.into())).collect();
    json!({
        "done": true, "seconds": summary.seconds, "bytes": summary.bytes, "threads": summary.threads,
        "predicted_bytes": summary.predicted_bytes, "measured_bytes": summary.measured_bytes,
        "resident_bytes": summary.resident_bytes, "budget_bytes": summary.budget_bytes, "exceeded": summary.exceeds().is_some(),
        "tiles": summary.passes.iter().map(|p| p.tiles).sum::<usize>(),
        "units_read": summary.passes.iter().map(|p| p.units_read.0).sum::<u64>(),
        "units": summary.passes.iter().map(|p| p.units_read.1).sum::<u64>(),
        "read_bytes": summary.passes.iter().map(|p| p.read_bytes).sum::<u64>(),
        "resumed": summary.resumed,
        "commit_units_written": summary.passes.iter().map(|p| p.units_written.0).sum::<u64>(),
        "commit_units": summary.passes.iter().map(|p| p.units_written.1).sum::<u64>(),
        "written_bytes": summary.passes.iter().map(|p| p.written_bytes).sum::<u64>(),
        "verified": verified_object(summary), "busy": lanes, "busiest_threads": threads, "busiest_share": share,
        "device_share": summary.device_share(), "verdict": verdict(summary),
    })
}

/// What computing tiles again showed, where that was asked for.
fn verified(summary: &Summary) -> Option<String> {
    let seen = summary.verified()?;
    let tiles: usize = summary.passes.iter().map(|p| p.tiles - p.passed_over).sum();
    let found = if seen.share > 0.0 {
        format!("within {:.2} of the bound", (seen.share * 100.0).ceil() / 100.0)
    } else {
        "equal".to_owned()
    };
    let noted = [(seen.ties, "whole numbers near a tie"), (seen.unknown, "elements without a bound not judged")];
    let noted: String = noted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!(", {n} {what}")).collect();
    Some(format!("verified {} of {tiles} tiles: {found}{noted}", seen.tiles))
}

fn verified_object(summary: &Summary) -> Value {
    let object = |seen: crate::run::Verified| json!({"tiles": seen.tiles, "share_of_bound": seen.share, "near_ties": seen.ties, "not_judged": seen.unknown});
    summary.verified().map_or(Value::Null, object)
}

fn reads(summary: &Summary) -> String {
    let (read, all) = summary.passes.iter().fold((0, 0), |(r, a), p| (r + p.units_read.0, a + p.units_read.1));
    let read_bytes: u64 = summary.passes.iter().map(|p| p.read_bytes).sum();
    let written: u64 = summary.passes.iter().map(|p| p.written_bytes).sum();
    let factor = if all == 0 { 1.0 } else { read as f64 / all as f64 };
    format!(
        "stored units read: {read} of {all} (x {factor:.2}), {} read, {} written",
        bytes_text(read_bytes),
        bytes_text(written)
    )
}

/// The share of the time that each lane was busy, its threads taken together; in the order of [`Lane::ALL`].
fn shares(summary: &Summary) -> [f64; 5] {
    std::array::from_fn(|lane| {
        let busy: f64 = summary.passes.iter().filter_map(|p| p.busy_seconds.get(lane)).sum();
        let servers = match Lane::ALL.get(lane) {
            Some(Lane::Read) => READERS as f64,
            Some(Lane::Write) => 1.0,
            Some(Lane::Compute) => summary.launchers() as f64,
            _ => summary.threads.max(1) as f64,
        };
        (busy / servers / summary.seconds.max(1e-9)).min(1.0)
    })
}

/// What the run waited for, and what would not help.
#[must_use]
pub fn verdict(summary: &Summary) -> String {
    let [read, decode, compute, encode, write] = shares(summary);
    let codec = decode + encode;
    let all = Lane::ALL.iter().zip(shares(summary)).map(|(lane, share)| format!("{} {:.0} %", lane.name(), share * 100.0));
    let all = all.collect::<Vec<_>>().join(", ");
    let workers = compute + codec;
    let sentence = if workers >= BUSY.max(read).max(write) {
        if codec > compute {
            format!("codec {:.0} %: more cores help, a faster disk or GPU will not", codec * 100.0)
        } else {
            format!("compute {:.0} %: more cores or a GPU help, a faster disk will not", compute * 100.0)
        }
    } else if read >= BUSY.max(write) {
        format!("read {:.0} %: a faster disk helps, more cores or a GPU will not", read * 100.0)
    } else if write >= BUSY {
        format!("write {:.0} %: a faster disk helps, more cores or a GPU will not", write * 100.0)
    } else {
        let (lane, share) = summary.busiest();
        format!("no lane was busy most of the time (the busiest, {}, {:.0} %)", lane.name(), share * 100.0)
    };
    let (threads, share) = summary.busiest_threads();
    let device =
        summary.device_share().map_or_else(String::new, |share| format!("; gpu by its own clock {:.0} %", share * 100.0));
    format!("{sentence} [{all}; {threads} {:.0} %{device}]", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::PassReport;

    fn verdict_of(busy_seconds: [f64; 5]) -> String {
        let pass = PassReport { busy_seconds, ..PassReport::default() };
        verdict(&Summary { passes: vec![pass], seconds: 10.0, threads: 4, ..Summary::default() })
    }

    #[test]
    fn the_verdict_names_what_will_not_help() {
        let codec = "codec 90 %: more cores help, a faster disk or GPU will not [read 5 %, decode 20 %, compute 5 %, encode 70 %, write 1 %; workers 95 %]";
        assert_eq!(verdict_of([1.0, 8.0, 2.0, 28.0, 0.1]), codec);
        let pass = PassReport { device_seconds: vec![2.0, 4.0], ..PassReport::default() };
        let timed = verdict(&Summary { passes: vec![pass], seconds: 10.0, threads: 4, ..Summary::default() });
        assert!(timed.ends_with("workers 0 %; gpu by its own clock 30 %]"), "{timed}");
        assert!(verdict_of([1.0, 8.0, 30.0, 0.0, 0.1]).starts_with("compute 75 %: more cores or a GPU help"));
        assert!(verdict_of([19.0, 8.0, 4.0, 0.0, 0.1]).starts_with("read 95 %: a faster disk helps"));
        assert!(verdict_of([1.0, 8.0, 4.0, 0.0, 9.0]).starts_with("write 90 %: a faster disk helps"));
        assert!(
            verdict_of([1.0, 8.0, 4.0, 0.0, 0.1]).starts_with("no lane was busy most of the time (the busiest, decode, 20 %)")
        );
    }
}
