//! `bench gpu` as its users meet it: every part is told and written, what cannot be followed is refused. Needs a Vulkan driver: without
//! one it fails, it is never skipped. `STACKMILL_GPU` names another adapter than llvmpipe. What a wrong answer does is tested where it
//! is judged (`cli/bench/judge.rs`, `cli/bench/report.rs`).
#![cfg(all(feature = "cli", feature = "gpu"))]

use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Once;

const OPS: [&str; 14] = [
    "chain",
    "threshold",
    "sum",
    "mean",
    "std",
    "gaussian2d",
    "gaussian3d",
    "median3",
    "median5",
    "tophat15",
    "sobel",
    "maximum5",
    "uniform5",
    "gaussian2d_f32",
];

/// The device's name, once it is known that there is one.
fn driver() -> String {
    static LOOKED: Once = Once::new();
    let name = std::env::var("STACKMILL_GPU").unwrap_or_else(|_| "llvmpipe".to_owned());
    LOOKED.call_once(|| {
        let found: Vec<String> = stackmill::device::gpu::available().into_iter().map(|adapter| adapter.name).collect();
        assert!(
            found.iter().any(|f| f.to_lowercase().contains(&name.to_lowercase())),
            "no device '{name}' to test with, found {found:?}. Debian: apt-get install mesa-vulkan-drivers libvulkan1, and name its \
             driver in VK_ICD_FILENAMES; another device: STACKMILL_GPU"
        );
    });
    name
}

/// A folder of one test, removed at the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let folder = std::env::temp_dir().join(format!("stackmill-bench-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Place(folder)
    }

    fn bench(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stackmill"));
        command.current_dir(&self.0).args(["bench", "gpu"]).args(args).env("NO_COLOR", "1").output().unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A number above 0 at a path of keys.
fn positive(value: &Value, path: &[&str]) -> f64 {
    let found = path.iter().fold(value, |value, key| &value[*key]);
    let number = found.as_f64().unwrap_or_else(|| panic!("{path:?} is {found} in {value:#}"));
    assert!(number > 0.0, "{path:?} is {number}");
    number
}

fn all_positive(value: &Value, keys: &[&str]) {
    keys.iter().for_each(|key| assert!(positive(value, &[key]) > 0.0));
}

#[test]
fn every_part_is_told_and_written_and_every_answer_is_right() {
    let (device, place) = (driver(), Place::new("all"));
    let args =
        ["--seconds", "1", "--size", "2,64,96", "--threads", "2", "--json", "f.json", "--markdown", "f.md", "--trace", "t.json"];
    let done = place.bench(&[&["--device", &device][..], &args].concat());
    let (out, said) = (text(&done.stdout), text(&done.stderr));
    assert_eq!(done.status.code(), Some(0), "{out}\n{said}");
    for head in [
        "# stackmill bench gpu",
        "## Copy",
        "## Dispatches",
        "## Compiling",
        "## Transfers",
        "## Ops on (2, 64, 96)",
        "## Stream",
    ] {
        assert!(out.contains(head), "{head} is not told:\n{out}");
    }
    assert_eq!(place.read("f.md"), out);
    assert!(!out.contains("WRONG") && said.contains("ops: gaussian2d"), "{out}\n{said}");
    assert_aligned(&out);
    let trace: Value = serde_json::from_str(&place.read("t.json")).unwrap();
    assert!(trace.as_array().is_some_and(|events| events.iter().any(|e| e["cat"] == "compute")), "{trace}");
    assert_figures(&serde_json::from_str(&place.read("f.json")).unwrap(), &device);
}

/// The bars of a table stand under one another.
fn assert_aligned(out: &str) {
    let bars = |line: &str| line.char_indices().filter(|(_, c)| *c == '|').count();
    let mut tables = 0;
    for pair in out.lines().collect::<Vec<_>>().windows(2).filter(|pair| pair.iter().all(|line| line.starts_with('|'))) {
        assert_eq!(pair[0].chars().count(), pair[1].chars().count(), "{}\n{}", pair[0], pair[1]);
        tables += bars(pair[1]);
    }
    assert!(tables > 0, "{out}");
}

fn assert_figures(found: &Value, device: &str) {
    assert_eq!((&found["wrong"], found["version"].as_str()), (&Value::from(0), Some(env!("CARGO_PKG_VERSION"))));
    assert!(found["commit"].is_string());
    let adapter = &found["adapter"];
    assert!(adapter["name"].as_str().unwrap().to_lowercase().contains(&device.to_lowercase()));
    for key in ["kind", "backend", "driver", "transfer", "numerics", "timestamps", "cpu_threads", "simd", "heaps"] {
        assert!(!adapter[key].is_null(), "adapter.{key}");
    }
    positive(adapter, &["limits", "max_buffer_bytes"]);
    let parts = &found["parts"];
    let rows = |part: &str| parts[part].as_array().unwrap_or_else(|| panic!("{part} in {parts:#}")).clone();
    assert!(rows("copy").len() == 3 && rows("copy").iter().any(|row| row["gb_s"].as_f64().is_some_and(|rate| rate > 0.0)));
    assert!(rows("copy").iter().any(|row| positive(row, &["driver_gb_s"]) > 0.0 && positive(row, &["kernel_gb_s"]) > 0.0));
    let dispatched = ["independent_us", "dependent_us", "recording_us", "submit_to_mapped_us", "least_submit_to_mapped_us"];
    all_positive(&parts["dispatch"], &dispatched);
    let compiled = rows("compile");
    assert!(compiled.iter().any(|row| row["op"] == "median5"), "{compiled:#?}");
    compiled
        .iter()
        .for_each(|row| assert!(row["kernel"].is_string() && positive(row, &["cold_ms"]) + positive(row, &["warm_ms"]) > 0.0));
    positive(compiled.last().unwrap(), &["parallel_ms"]);
    for row in rows("transfer") {
        let keys = if row["mode"] == "host copy" {
            &["copy_gb_s"][..]
        } else {
            &["up_gb_s", "down_gb_s", "duplex_up_gb_s", "duplex_down_gb_s"]
        };
        all_positive(&row, keys);
        all_positive(&row, &["threads"]);
    }
    assert_ops(&rows("ops"), adapter["timestamps"] == true);
    assert_stream(&parts["stream"]);
}

fn assert_ops(rows: &[Value], has_clock: bool) {
    assert_eq!(rows.iter().map(|row| row["op"].as_str().unwrap()).collect::<Vec<_>>(), OPS);
    for row in rows {
        let timed = if has_clock { &["device_ms", "gpx_s", "rho"][..] } else { &[] };
        all_positive(row, timed);
        all_positive(row, &["dispatches", "bytes_px", "cpu_gpx_s", "gpu_run_ms"]);
        assert_eq!(row["shape"], serde_json::json!([2, 64, 96]));
        assert!(row["dtype"] == if row["op"] == "gaussian2d_f32" { "f32" } else { "u16" });
        let verdict = row["verdict"].as_str().unwrap();
        assert!(row["is_wrong"] == false && !verdict.contains("on the CPU"), "{row:#}");
        let integers = ["threshold", "sum", "mean", "std", "median3", "median5", "tophat15", "maximum5"];
        assert!(verdict == "equal" || !integers.iter().any(|op| row["op"] == *op), "{row:#}");
    }
    // One kernel that reads u16 and writes u16 or bool; a median reads and writes a padded copy too.
    let bytes = |op: &str| positive(rows.iter().find(|row| row["op"] == op).unwrap(), &["bytes_px"]);
    assert_eq!((bytes("chain"), bytes("threshold")), (4.0, 3.0));
    let padded = 2.0 * 66.0 * 98.0 / (2.0 * 64.0 * 96.0);
    assert!((bytes("median3") - (2.0 + 6.0 * padded)).abs() < 1e-9, "{}", bytes("median3"));
}

fn assert_stream(stream: &Value) {
    assert_eq!(stream["is_wrong"], false, "{stream:#}");
    for key in [
        "seconds",
        "in_gb_s",
        "out_gb_s",
        "fill_s",
        "wait_s",
        "empty_s",
        "device_threads",
        "vram_predicted_bytes",
        "vram_counted_bytes",
    ] {
        positive(stream, &["gpu", key]);
    }
    let lanes = ["read_s", "decode_s", "compute_s", "encode_s", "write_s"];
    lanes
        .iter()
        .for_each(|lane| assert!(stream["gpu"]["lanes"][lane].is_number() && stream["cpu"]["lanes"][lane].is_number(), "{lane}"));
    assert!(positive(stream, &["gpu", "vram_counted_bytes"]) <= positive(stream, &["gpu", "vram_predicted_bytes"]));
    for key in ["transfers_gb_s", "kernels_gb_s", "host_copies_gb_s", "least_gb_s"] {
        positive(stream, &["limits", key]);
    }
    positive(stream, &["share_of_least"]);
    let [fill, wait, empty] = ["fill_s", "wait_s", "empty_s"].map(|key| positive(stream, &["gpu", key]));
    let compute = positive(stream, &["gpu", "lanes", "compute_s"]);
    assert!(fill + wait + empty <= compute, "{fill} + {wait} + {empty} of {compute}");
}

#[test]
fn only_what_is_asked_for_is_measured() {
    let (device, place) = (driver(), Place::new("some"));
    let args = ["--seconds", "0.5", "--parts", "ops,header", "--ops", "median3,chain", "--size", "1,33,35", "--json", "f.json"];
    let done = place.bench(&[&["--device", &device][..], &args].concat());
    let (out, said) = (text(&done.stdout), text(&done.stderr));
    assert_eq!(done.status.code(), Some(0), "{out}\n{said}");
    assert_eq!(
        out.lines().filter(|line| line.starts_with('#')).collect::<Vec<_>>(),
        ["# stackmill bench gpu", "## Ops on (1, 33, 35)"]
    );
    let found: Value = serde_json::from_str(&place.read("f.json")).unwrap();
    assert_eq!(found["parts"].as_object().unwrap().keys().collect::<Vec<_>>(), ["ops"]);
    let rows = found["parts"]["ops"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["op"].as_str().unwrap()).collect::<Vec<_>>(), ["chain", "median3"]);
}

#[test]
fn what_cannot_be_followed_is_refused_with_a_way_out() {
    let (device, place) = (driver(), Place::new("refused"));
    let refused: [(&[&str], &[&str]); 9] = [
        (
            &["--parts", "copy,ops,speed"],
            &["'speed' is no part", "hint: any of: header, copy, dispatch, compile, transfer, ops, stream"],
        ),
        (&["--ops", "gausian"], &["'gausian' is no op", "hint: any of: chain, threshold, sum"]),
        (&["--size", "64,64"], &["'64,64' has 2 extents", "16,2048,2048"]),
        (&["--size", "0,64,64"], &["are no extents"]),
        (&["--size", "4096,65536,65536"], &["needs about", "are free", "hint: give smaller extents"]),
        (&["--seconds", "0"], &["is no number of seconds from 0.1"]),
        (&["--stream", "900TB"], &["--stream", "are free", "hint: --stream"]),
        (&["--trace", "trace.txt"], &["does not end in .json"]),
        (&["--device", "cpu"], &["bench gpu measures a GPU", "hint: --device gpu"]),
    ];
    for (args, words) in refused {
        let own = if args.contains(&"--device") { Vec::new() } else { vec!["--device", device.as_str()] };
        let done = place.bench(&[&own[..], args].concat());
        let (out, said) = (text(&done.stdout), text(&done.stderr));
        assert_eq!((done.status.code(), out.as_str()), (Some(2), ""), "{args:?}: {said}");
        words.iter().for_each(|word| assert!(said.contains(word), "{args:?} does not say {word}:\n{said}"));
    }
    let done = place.bench(&["--device", "no-such-gpu"]);
    let said = text(&done.stderr).to_lowercase();
    assert!(
        done.status.code() == Some(2)
            && said.contains("no device is called 'no-such-gpu'")
            && said.contains(&device.to_lowercase())
    );
    let done = place.bench(&["--device", &device, "--json", "nowhere/f.json", "--parts", "header"]);
    assert!(done.status.code() == Some(2) && text(&done.stderr).contains("nowhere/f.json"), "{}", text(&done.stderr));
}
