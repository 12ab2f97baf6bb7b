//! Ctrl-C as the command line hears it: answered at once, ended soon, finished tiles kept and gone on with.
#![cfg(all(unix, feature = "cli", feature = "tiff"))]

mod common_formats;

use common_formats::{Scratch, noise, write_whole};
use stackmill::Dtype;
use stackmill::formats::{self, WriteOptions};
use stackmill::grid::Dims;
use stackmill::storage::Info;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const PIPELINE: &str = "median([5, 5, 5])";

#[test]
fn the_first_ctrl_c_is_answered_and_keeps_what_is_done() {
    let folder = Scratch::new("ctrl-c");
    let info = Info::new(Dims::from([16, 256, 256]), Dtype::U16).with_axes("ZYX").unwrap();
    let sink = formats::create(&folder.join("a.tif"), &info, WriteOptions::default()).unwrap();
    write_whole(&*sink, &noise(Dtype::U16, info.shape.count())).unwrap();
    let command = |output: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stackmill"));
        let tile = ["--tile", "1,256,256", "--threads", "2", "--progress", "json"];
        command.current_dir(&folder.0).args(["run", "a.tif", output, PIPELINE]).args(tile).stderr(Stdio::piped());
        command
    };
    let mut child = command("b.tif").spawn().unwrap();
    let (said, heard) = mpsc::channel();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| said.send((Instant::now(), line))));
    // Progress is told twice a second; one tile is enough.
    let limit = Instant::now() + Duration::from_secs(60);
    loop {
        let (_, line) = heard.recv_timeout(limit - Instant::now()).expect("a tile in time");
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        if told["tile"].as_u64().unwrap_or(0) > 0 {
            break;
        }
    }
    let pressed = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let answered = loop {
        let (when, line) = heard.recv_timeout(Duration::from_secs(10)).expect("an answer");
        if line.contains("stopping") {
            break when;
        }
    };
    let status = child.wait().unwrap();
    let ended = pressed.elapsed();
    let rest: String = heard.iter().map(|(_, line)| line).collect();
    assert_eq!(status.code(), Some(130), "{rest}");
    assert!(rest.contains("tiles are kept"), "{rest}");
    let answered = answered.saturating_duration_since(pressed);
    // Alone it is 0.1 s and 0.3 s; other tests may hold the cores.
    assert!(answered < Duration::from_secs(1) && ended < Duration::from_secs(4), "answered {answered:?}, ended {ended:?}");
    println!("answered in {answered:?}, ended in {ended:?}");
    // What is gone on with is what would have been.
    assert!(command("b.tif").status().unwrap().success());
    assert!(command("c.tif").status().unwrap().success());
    assert!(std::fs::read(folder.join("b.tif")).unwrap() == std::fs::read(folder.join("c.tif")).unwrap());
}
