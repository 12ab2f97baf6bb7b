//! When a device worked, by its own clock: in the run, in order, in the tile's own time on the host, through lost devices; and as
//! a row of a trace. No bit depends on whether it was asked for.

use super::rig::{alone, assert_same, driver, opened_as, options, pipeline, run, sharing};
use super::stacks::synthetic;
use stackmill::device::gpu::{Faults, Gpu, Wish};
use stackmill::formats::memory::MemorySink;
use stackmill::graph::Array;
use stackmill::plan::Output;
use stackmill::run::{DeviceSpan, Lane, Span, Summary};
use stackmill::session::Session;
use stackmill::tile::Tile;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// One run of kernels a block.
const TEXT: &str = "median([1,3,3]) |> x > 60";
/// How far apart two ways to count seconds may be.
const NEAR: f64 = 1e-6;

fn stack() -> Array {
    pipeline(TEXT, &synthetic([6, 96, 120]), &[])
}

/// What a run on a device told while it went on.
struct Heard {
    tile: Tile,
    summary: Summary,
    of_device: Vec<DeviceSpan>,
    of_host: Vec<Span>,
    gpu: Gpu,
}

impl Heard {
    fn tiles(&self) -> usize {
        self.summary.passes[0].tiles
    }
}

fn heard(array: &Array, timed: bool, faults: Faults) -> Heard {
    heard_from(array, Wish { name: driver(), vram: 64 << 20, timed, faults, ..Wish::default() })
}

fn heard_from(array: &Array, wish: Wish) -> Heard {
    let info = array.info().unwrap().clone();
    let sink = Arc::new(MemorySink::new(info.clone()));
    let output = Output { array: array.clone(), sink: sink.clone() };
    let session = Session::new(vec![output], &options(&driver(), Some(&[1, 48, 60]))).unwrap();
    let gpu = opened_as(wish, 2);
    let (of_device, of_host) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let summary = session.run_on(&gpu, &|progress| {
        of_device.borrow_mut().extend(progress.device_spans.iter().cloned());
        of_host.borrow_mut().extend(progress.span);
        Ok(())
    });
    let summary = summary.unwrap_or_else(|e| panic!("{TEXT}: {e}"));
    let tile = Tile { dtype: info.dtype, shape: info.shape, data: sink.take().unwrap() };
    Heard { tile, summary, of_device: of_device.into_inner(), of_host: of_host.into_inner(), gpu }
}

/// Inside the run, one after another, and each while the host computed its tile.
fn assert_sound(words: &str, heard: &Heard) {
    let mut ended = 0.0;
    for span in &heard.of_device {
        assert!(span.device == 0 && span.seconds >= 0.0 && span.tile < heard.tiles(), "{words}: {span:?}");
        assert!(span.start >= ended - NEAR, "{words}: {span:?} begins before the last one ended, at {ended}");
        ended = span.start + span.seconds;
        let own = heard.of_host.iter().filter(|host| host.lane == Lane::Compute && host.number == span.tile);
        let within = |host: &Span| span.start >= host.start - NEAR && ended <= host.start + host.seconds + NEAR;
        let own: Vec<&Span> = own.collect();
        assert!(own.iter().any(|host| within(host)), "{words}: {span:?} is outside of {own:?}");
    }
    let (sum, wall) = (heard.of_device.iter().map(|span| span.seconds).sum::<f64>(), heard.summary.seconds);
    assert!(ended <= wall && sum <= wall, "{words}: {sum} s until {ended} s of {wall} s");
}

fn tiles_of(heard: &Heard) -> BTreeSet<usize> {
    heard.of_device.iter().filter(|span| span.what == "kernels").map(|span| span.tile).collect()
}

#[test]
fn a_device_tells_when_it_worked_and_no_bit_changes() {
    let _guard = sharing();
    let array = stack();
    let (plain, timed) = (heard(&array, false, Faults::default()), heard(&array, true, Faults::default()));
    assert_same(TEXT, &plain.tile, &timed.tile);
    assert!(plain.of_device.is_empty() && plain.summary.device_share().is_none(), "nobody asked: {:?}", plain.of_device);
    assert_sound(TEXT, &timed);
    let kernels: Vec<&DeviceSpan> = timed.of_device.iter().filter(|span| span.what == "kernels").collect();
    assert_eq!(kernels.len(), timed.gpu.submissions(), "one run of kernels a submission");
    assert_eq!(tiles_of(&timed), (0..timed.tiles()).collect(), "every tile");
    assert!(kernels.iter().all(|span| span.seconds > 0.0), "kernels take time: {kernels:?}");
    let share = timed.summary.device_share().unwrap_or_else(|| panic!("no share of {} spans", timed.of_device.len()));
    let sum: f64 = timed.of_device.iter().map(|span| span.seconds).sum();
    assert!((share - sum / timed.summary.seconds).abs() < NEAR, "a share of {share}, {sum} s of {} s", timed.summary.seconds);
    assert!(timed.summary.passes[0].notices.is_empty(), "{:?}", timed.summary.passes[0].notices);
}

/// A bound that no kernel keeps: each is a submission of its own, and all of a block come back with the last one.
#[test]
fn every_submission_of_a_block_is_timed() {
    let _guard = alone();
    let (array, longest) = (stack(), Some(Duration::from_nanos(1)));
    let whole = heard(&array, false, Faults::default());
    let wish = Wish { name: driver(), vram: 64 << 20, longest, timed: true, ..Wish::default() };
    let cut = heard_from(&array, wish);
    assert_same(TEXT, &whole.tile, &cut.tile);
    assert_sound("cut", &cut);
    let kernels = cut.of_device.iter().filter(|span| span.what == "kernels" && span.seconds > 0.0).count();
    assert!(cut.gpu.submissions() > 2 * whole.gpu.submissions(), "{} and {}", cut.gpu.submissions(), whole.gpu.submissions());
    assert_eq!(kernels, cut.gpu.submissions(), "one run of kernels a submission");
}

#[test]
fn a_lost_device_drops_what_it_still_owed_and_its_successor_goes_on() {
    let _guard = alone();
    let array = stack();
    let whole = heard(&array, true, Faults::default());
    let steps = whole.gpu.steps();
    for step in (0..steps).step_by(steps.div_ceil(12)) {
        let words = format!("lost at step {step} of {steps}");
        let made = heard(&array, true, Faults::losing_at(u32::try_from(step).unwrap()));
        assert_same(&words, &whole.tile, &made.tile);
        assert_sound(&words, &made);
        assert_eq!(tiles_of(&made), (0..made.tiles()).collect(), "{words}");
        assert_eq!(made.summary.passes[0].notices.len(), 1, "{words}: {:?}", made.summary.passes[0].notices);
    }
}

#[test]
fn work_on_the_cpu_has_no_device_spans() {
    let array = stack();
    let made =
        run(TEXT, std::slice::from_ref(&array), &stackmill::session::Options { timed: true, ..options("cpu", None) }, None);
    assert!(made.summary.device_share().is_none());
}

#[cfg(feature = "cli")]
mod shown {
    use super::{driver, sharing, synthetic};
    use serde_json::Value;
    use stackmill::session::Options;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    /// A folder with a stack, gone at the end.
    struct Place(PathBuf);

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Runs a pipeline on the device; gives what was said, the bytes of the result and the events of the trace.
    fn shown(folder: &Path, traced: bool, set: Option<(&str, &str)>) -> (String, Vec<u8>, Vec<Value>) {
        let device = driver();
        let mut command = Command::new(env!("CARGO_BIN_EXE_stackmill"));
        command.current_dir(folder).args(["run", "a.tif", "out.tif", super::TEXT, "--device", &device]);
        command.args(["--tile", "1,96,120", "--overwrite"]).args(if traced { &["--trace", "run.json"][..] } else { &[] });
        let ran = command.envs(set).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success(), "{set:?}: {said}");
        let events = traced.then(|| fs::read_to_string(folder.join("run.json")).unwrap());
        let events = events.map_or(Vec::new(), |text| serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")));
        (said, fs::read(folder.join("out.tif")).unwrap(), events)
    }

    fn of_device(events: &[Value]) -> Vec<&Value> {
        events.iter().filter(|event| event["cat"] == "device").collect()
    }

    fn assert_row(words: &str, events: &[Value]) {
        let spans = of_device(events);
        let rows: Vec<&Value> = events.iter().filter(|e| e["name"] == "thread_name" && e["tid"] == spans[0]["tid"]).collect();
        let (name, clock) = (rows[0]["args"]["name"].as_str().unwrap(), rows[0]["args"]["clock"].as_str().unwrap());
        assert!(rows.len() == 1 && name.starts_with("gpu 0: ") && clock.contains("moved by the least"), "{words}: {rows:?}");
        let last = |e: &&Value| e["ts"].as_f64().unwrap() + e["dur"].as_f64().unwrap_or(0.0);
        let end = events.iter().filter(|e| e["cat"] == "write").map(|e| last(&e)).fold(0.0, f64::max);
        assert!(spans.iter().all(|span| span["tid"] == spans[0]["tid"] && last(span) <= end), "{words}: {spans:?} in {end} µs");
    }

    #[test]
    fn a_trace_has_a_row_of_the_device() {
        let _guard = sharing();
        let place = Place(std::env::temp_dir().join(format!("stackmill-device-row-{}", std::process::id())));
        fs::create_dir_all(&place.0).unwrap();
        synthetic([6, 96, 120]).save_with(place.0.join("a.tif"), &Options::default()).unwrap();
        let (said, plain, _) = shown(&place.0, false, None);
        assert!(!said.contains("its own clock") && !said.contains("note:"), "{said}");
        let (said, traced, events) = shown(&place.0, true, None);
        assert_eq!(plain, traced, "a trace changes the result");
        assert!(said.contains("; gpu by its own clock ") && !said.contains("note:"), "{said}");
        assert_row("as it is", &events);
        let (_, staged, events) = shown(&place.0, true, Some(("STACKMILL_GPU_TRANSFER", "ring")));
        assert_eq!(plain, staged, "copies change the result");
        assert_row("with copies", &events);
        let tiles = events.iter().filter(|e| e["cat"] == "compute").count();
        assert!(tiles > 1, "{tiles} tiles");
        for tile in 0..tiles {
            let titles: Vec<String> = ["upload", "kernels", "read back"].map(|what| format!("{what}, tile {tile}")).into();
            let own = of_device(&events).into_iter().filter(|e| e["args"]["tile"] == tile);
            assert_eq!(own.map(|e| e["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), titles, "in the device's order");
        }
    }

    #[test]
    fn a_device_without_timestamps_is_told_of_once() {
        let _guard = sharing();
        let place = Place(std::env::temp_dir().join(format!("stackmill-no-clock-{}", std::process::id())));
        fs::create_dir_all(&place.0).unwrap();
        synthetic([6, 96, 120]).save_with(place.0.join("a.tif"), &Options::default()).unwrap();
        let none = Some(("STACKMILL_GPU_CLOCK", "none"));
        let (said, plain, _) = shown(&place.0, false, none);
        assert!(!said.contains("timestamps"), "nobody asked: {said}");
        let (said, traced, events) = shown(&place.0, true, none);
        assert_eq!(plain, traced);
        assert_eq!(said.matches("has no timestamps").count(), 1, "{said}");
        assert!(of_device(&events).is_empty() && events.iter().any(|e| e["cat"] == "compute"), "{said}");
    }
}
