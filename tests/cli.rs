//! The command line as its users meet it: each command once, exit codes, and every refusal with its whole message.
#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of one test with a few tiny stacks, removed at the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let folder = std::env::temp_dir().join(format!("stackmill-cli-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        // Messages name the folder as the system does, links resolved.
        let place = Place(folder.canonicalize().unwrap());
        place.fill();
        place
    }

    fn fill(&self) {
        let ramp: Vec<u16> = (0..4 * 20 * 30).map(|i| (i * 37 % 1000) as u16).collect();
        let bytes: Vec<u8> = ramp.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.put("a.npy", &npy("<u2", "(4, 20, 30)", &bytes));
        self.put("wide.npy", &npy("<u2", "(4, 20, 31)", &vec![0; 4 * 20 * 31 * 2]));
        self.put("f.npy", &npy("<f4", "(4, 20, 30)", &vec![0; 4 * 20 * 30 * 4]));
        self.put("half.npy", &npy("<u2", "(4, 20, 30)", &bytes[..1000]));
        self.put("empty.npy", b"");
        self.put("words.npy", b"this is a text, not an array");
        self.put("complex.npy", &npy("<c8", "(4,)", &[0; 32]));
        self.put("huge.npy", &npy("<u2", "(4611686018427387904, 4611686018427387904)", &[]));
        self.put("empty.tif", b"");
        self.put("words.tif", b"this is a text, not an image");
        self.put("words.txt", b"this is a text");
        fs::create_dir(self.0.join("nothing")).unwrap();
        fs::create_dir(self.0.join("broken.zarr")).unwrap();
        self.put("broken.zarr/zarr.json", b"{\"zarr_format\": 3,");
        self.run(&["run", "a.npy", "a.tif", "x", "--axes", "ZYX"]).ok();
        let tif = fs::read(self.0.join("a.tif")).unwrap();
        self.put("half.tif", &tif[..tif.len() / 2]);
        self.put("codec.tif", &with_compression(tif, 34892));
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join(name), bytes).unwrap();
    }

    fn run(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stackmill"));
        command.current_dir(&self.0).args(args).env_remove("NO_COLOR").env("COLUMNS", "100");
        Ran { output: command.output().unwrap(), args: args.join(" ") }
    }

    /// All files and folders, hidden ones too.
    fn list(&self) -> Vec<PathBuf> {
        let (mut all, mut folders) = (Vec::new(), vec![self.0.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path.clone());
                }
                all.push(path);
            }
        }
        all.sort();
        all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a command did.
struct Ran {
    output: Output,
    args: String,
}

impl Ran {
    fn code(&self) -> i32 {
        self.output.status.code().unwrap_or(-1)
    }

    fn out(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).unwrap()
    }

    fn err(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).unwrap()
    }

    #[track_caller]
    fn ok(self) -> Ran {
        assert_eq!(self.code(), 0, "stackmill {}\n{}", self.args, self.err());
        self
    }
}

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// A little-endian TIFF with another number in its compression tags (259, SHORT, 1).
fn with_compression(mut tif: Vec<u8>, code: u16) -> Vec<u8> {
    let entry = [3, 1, 3, 0, 1, 0, 0, 0];
    let places: Vec<usize> = (0..tif.len() - 12).filter(|i| tif[*i..].starts_with(&entry)).collect();
    assert!(!places.is_empty());
    for place in places {
        tif[place + 8..place + 10].copy_from_slice(&code.to_le_bytes());
    }
    tif
}

/// The elements of an NPY file of the tests.
fn values_u16(path: &Path) -> Vec<u16> {
    let bytes = fs::read(path).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[header..].chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect()
}

#[test]
fn run_writes_the_result_and_named_steps_and_sums_up() {
    let place = Place::new("run");
    let ran = place
        .run(&[
            "run",
            "a.npy",
            "sum.npy",
            "y = x + d\nastype(y - input, 'u16')",
            "-i",
            "d=a.npy",
            "-o",
            "y=y.npy",
            "--threads",
            "1",
        ])
        .ok();
    assert!(values_u16(&place.0.join("sum.npy")) == values_u16(&place.0.join("a.npy")));
    assert!(place.0.join("y.npy").is_file());
    let err = ran.err();
    assert_eq!(err.lines().count(), 4, "{err}");
    assert!(err.starts_with("done in ") && err.contains("predicted") && err.contains("(x 1.00)"), "{err}");
    assert!(err.contains("[read ") && err.contains("write "), "{err}");
    assert_eq!(ran.out(), "");
}

#[test]
fn run_is_silent_when_asked_and_overwrites_when_asked() {
    let place = Place::new("silent");
    let silent = ["run", "a.tif", "b.tif", "x", "--progress", "never", "--memory", "64MiB", "--tile", "1,20,30"];
    assert_eq!(place.run(&silent).ok().err(), "");
    assert_eq!(place.run(&silent).code(), 2);
    place.run(&[&silent[..], &["--overwrite", "--tiled"]].concat()).ok();
    let vram = place.run(&["run", "a.tif", "c.tif", "x", "--vram", "2GB", "--progress", "never"]).ok();
    assert_eq!(vram.err(), "note: --vram has no effect: everything runs on the CPU\n");
}

#[test]
fn run_reads_folders_and_globs_as_one_stack() {
    let place = Place::new("glob");
    fs::create_dir(place.0.join("planes")).unwrap();
    for k in 0..3 {
        place.run(&["run", "a.npy", &format!("planes/p{k}.tif"), &format!("x[{k}]")]).ok();
    }
    for input in ["planes", "planes/*.tif"] {
        let info = place.run(&["info", input]).ok().out();
        assert!(info.contains("(3, 20, 30)") && !info.contains("unknown"), "{info}");
    }
    place.run(&["run", "planes/p?.tif", "whole.npy", "x"]).ok();
    assert!(values_u16(&place.0.join("whole.npy")) == values_u16(&place.0.join("a.npy"))[..1800]);
}

#[test]
fn explain_writes_nothing() {
    let place = Place::new("explain");
    let before = place.list();
    let pipeline = "median([1, 3, 3]) |> x - mean(x)";
    for args in [vec!["a.tif", pipeline], vec!["a.tif", "out.zarr", pipeline]] {
        let args = [&["explain"], args.as_slice(), &["--threads", "2", "--memory", "64MiB"]].concat();
        let text = place.run(&args).ok().out();
        assert!(text.starts_with("plan: 2 passes on cpu") && text.contains("budget 64 MiB") && text.contains("median"), "{text}");
    }
    assert_eq!(place.list(), before);
}

#[test]
fn explain_without_an_output_counts_no_result_in_memory() {
    let place = Place::new("nowhere");
    let flat = npy("<u2", "(64, 1024, 1024)", &[]);
    fs::write(place.0.join("big.npy"), &flat).unwrap();
    let file = fs::OpenOptions::new().write(true).open(place.0.join("big.npy")).unwrap();
    file.set_len(flat.len() as u64 + (128 << 20)).unwrap();
    place.run(&["explain", "big.npy", "gaussian(1.5)", "--memory", "96MiB", "--threads", "2"]).ok();
}

#[test]
fn info_tells_what_a_file_is() {
    let place = Place::new("info");
    let text = place.run(&["info", "a.tif", "f.npy"]).ok().out();
    for word in ["a.tif", "(4, 20, 30)", "u16", "z, y, x", "image", "decoded", "4.6 KiB", "f.npy", "f32"] {
        assert!(text.contains(word), "{word}\n{text}");
    }
    let mixed = place.run(&["info", "gone.npy", "a.npy", "words.tif"]);
    assert_eq!(mixed.code(), 1);
    assert!(mixed.out().contains("a.npy") && mixed.err().matches("error: ").count() == 2, "{}", mixed.err());
}

#[test]
fn ops_lists_and_describes_every_op() {
    let place = Place::new("ops");
    let list = place.run(&["ops"]).ok().out();
    for op in stackmill::ops::all() {
        assert!(list.contains(&format!("  {}", op.signature())), "{}", op.name);
        let text = place.run(&["ops", op.name]).ok().out();
        let types = text.lines().skip_while(|l| !l.starts_with("Dtypes")).skip(1).take(2).collect::<Vec<_>>();
        let count =
            |line: &str| line.split_whitespace().rev().take_while(|w| *w != "array" && *w != "arrays" && *w != "choices").count();
        assert_eq!(count(types[0]), 12, "{text}");
        assert!(types[1].trim_start().starts_with("result"), "{text}");
        assert!(text.contains("\nMeaning\n") && op.params.iter().all(|p| text.contains(&format!("  {} (", p.name))), "{text}");
    }
}

#[test]
fn the_dtype_table_is_what_the_op_gives() {
    let place = Place::new("dtypes");
    let line = |op: &str| {
        let text = place.run(&["ops", op]).ok().out();
        let words = text.lines().find(|l| l.trim_start().starts_with("result")).unwrap().to_owned();
        words.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(line("greater").iter().all(|t| t == "bool"));
    let median: Vec<String> = stackmill::dtype::Dtype::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(line("median"), median);
}

#[test]
fn formats_and_doctor_describe_this_build() {
    let place = Place::new("doctor");
    let formats = place.run(&["formats"]).ok().out();
    for ending in stackmill::formats::FORMATS.iter().flat_map(|f| f.endings) {
        assert!(formats.contains(ending), "{formats}");
    }
    let doctor = place.run(&["doctor"]).ok().out();
    for word in [env!("CARGO_PKG_VERSION"), "cores", "default budget", "SIMD", "GPUs", "features"] {
        assert!(doctor.contains(word), "{word}\n{doctor}");
    }
}

#[test]
fn a_small_demo_finds_its_spots_and_may_run_again() {
    let place = Place::new("demo");
    let args = ["demo", "--size", "24,768,768", "--seed", "3", "--out", "d", "--memory", "256MiB", "--progress", "never"];
    for _ in 0..2 {
        let ran = place.run(&args).ok();
        assert!(ran.out().contains("recall") && ran.err().is_empty(), "{}{}", ran.out(), ran.err());
    }
    for name in ["stack.tif", "filtered.tif", "mask.ome.zarr", "demo.png"] {
        assert!(place.0.join("d").join(name).exists(), "{name}");
    }
    assert_eq!(place.run(&["demo", "--size", "4,4,4"]).code(), 2);
}

#[test]
fn help_is_no_error() {
    let place = Place::new("help");
    for args in [vec!["--help"], vec!["run", "--help"], vec!["explain", "-h"], vec!["demo", "--help"], vec!["--version"]] {
        assert!(!place.run(&args).ok().out().is_empty());
    }
    assert_eq!(place.run(&[]).code(), 2);
}

#[test]
fn a_trace_has_every_piece_of_work_once_and_a_row_a_thread() {
    let place = Place::new("trace");
    let args = ["run", "a.tif", "out.tif", "median(3)", "--tile", "2,16,16", "--trace", "run.json", "--progress", "never"];
    place.run(&args).ok();
    let text = fs::read_to_string(place.0.join("run.json")).unwrap();
    let events: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let of = |lane: &str| events.iter().filter(|e| e["cat"] == lane).collect::<Vec<_>>();
    let names =
        |lane: &str| of(lane).iter().map(|e| e["name"].as_str().unwrap().to_owned()).collect::<std::collections::BTreeSet<_>>();
    let tiles = of("compute").len();
    assert!(tiles >= 2 && names("compute").len() == tiles, "each tile is computed once: {:?}", names("compute"));
    assert_eq!(of("read").len(), names("read").len());
    for lane in ["read", "decode", "compute", "encode", "write"] {
        assert!(of(lane).iter().all(|e| e["dur"].as_f64().unwrap() >= 0.0 && e["ts"].as_f64().unwrap() >= 0.0), "{lane}");
        let rows: std::collections::BTreeSet<u64> = of(lane).iter().map(|e| e["tid"].as_u64().unwrap()).collect();
        for row in rows {
            let name = events.iter().find(|e| e["name"] == "thread_name" && e["tid"] == row).unwrap();
            assert!(name["args"]["name"].as_str().unwrap().starts_with(lane));
        }
    }
    assert!(events.iter().any(|e| e["ph"] == "C" && e["args"]["bytes"].as_u64().unwrap() > 0));
    let before = fs::read(place.0.join("a.tif")).unwrap();
    assert_eq!(place.run(&["run", "a.tif", "c.tif", "x", "--trace", "a.tif"]).code(), 2);
    assert_eq!(fs::read(place.0.join("a.tif")).unwrap(), before, "a slip replaces no stack");
    let nowhere = place.run(&["run", "a.tif", "b.npy", "x", "--trace", "no/such/folder.json"]);
    assert_eq!(nowhere.code(), 2);
    assert!(!place.0.join("b.npy").exists());
}

#[test]
fn progress_for_programs_is_an_object_a_line() {
    let place = Place::new("objects");
    let err = place.run(&["run", "a.tif", "out.npy", "gaussian(1)", "--progress", "json", "--device", "gpu"]).ok().err();
    let lines: Vec<serde_json::Value> =
        err.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
    assert!(lines[0]["note"].as_str().unwrap().contains("the CPU runs it"));
    assert!(lines.iter().any(|l| l["tiles"].as_u64().is_some() && l["waiting_on"].is_string() && l["passes"] == 1));
    let done = lines.last().unwrap();
    assert_eq!(done["done"], true);
    assert!(done["busy"]["compute"].is_number() && done["predicted_bytes"].as_u64().unwrap() > 0 && done["verdict"].is_string());
}

/// Ctrl-C while a run of a few seconds goes on: what is written is kept, and the same command makes the bytes of one in one go.
#[cfg(unix)]
#[test]
fn a_run_that_is_stopped_goes_on() {
    use std::io::BufRead;
    let place = Place::new("stopped");
    let pixels: Vec<u8> =
        (0..48 * 256 * 256u32).flat_map(|i| ((i.wrapping_mul(2_654_435_761) >> 20) as u16).to_le_bytes()).collect();
    place.put("s.npy", &npy("<u2", "(48, 256, 256)", &pixels));
    let job = |out: &'static str| {
        let text = "gaussian(6) |> median([3, 9, 9]) |> x - mean(input)";
        ["run", "s.npy", out, text, "--threads", "1", "--tile", "4,64,64", "--chunks", "4,64,64", "--progress", "json"]
    };
    let mut child = Command::new(env!("CARGO_BIN_EXE_stackmill"))
        .current_dir(&place.0)
        .args(job("out.zarr"))
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines().map(|line| line.unwrap());
    let begun = |line: &String| {
        serde_json::from_str::<serde_json::Value>(line).is_ok_and(|l| l["tile"].as_u64() > Some(2) && l["pass"] == 2)
    };
    assert!(lines.by_ref().any(|line| begun(&line)), "it ends before it can be stopped");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    let last = rest.last().unwrap();
    assert!(last.starts_with("stopped: ") && last.ends_with("of 384 tiles are kept; the same command goes on"), "{last}");
    assert!(!place.0.join("out.zarr/zarr.json").exists());
    let again = place.run(&job("out.zarr")).ok().err();
    let done: serde_json::Value = serde_json::from_str(again.lines().last().unwrap()).unwrap();
    assert!(done["resumed"].as_u64() > Some(0), "{again}");
    place.run(&job("whole.zarr")).ok();
    place.run(&["run", "out.zarr", "out.npy", "x"]).ok();
    place.run(&["run", "whole.zarr", "whole.npy", "x"]).ok();
    assert!(fs::read(place.0.join("out.npy")).unwrap() == fs::read(place.0.join("whole.npy")).unwrap());
}

#[test]
fn names_of_dtypes_need_no_quotes() {
    let place = Place::new("dtypes");
    place.run(&["run", "a.npy", "bare.npy", "astype(f32) |> x / 3 |> astype(uint8)"]).ok();
    place.run(&["run", "a.npy", "quoted.npy", "astype('f32') |> x / 3 |> astype('uint8')"]).ok();
    assert_eq!(fs::read(place.0.join("bare.npy")).unwrap(), fs::read(place.0.join("quoted.npy")).unwrap());
    // A name that is given means what it names.
    place.run(&["run", "a.npy", "named.npy", "f32 = x + 1\nf32 - 1"]).ok();
    let wrong = place.run(&["run", "a.npy", "no.npy", "f32"]);
    assert_eq!(wrong.code(), 2);
    assert!(wrong.err().contains("the step makes"), "{}", wrong.err());
}

/// Tiles computed again are told of, in words and to programs.
#[test]
fn tiles_computed_again_are_told_of() {
    let place = Place::new("verified");
    let err = place.run(&["run", "a.npy", "b.npy", "median(3)", "--verify", "2"]).ok().err();
    assert!(err.contains("verified 1 of 1 tiles: equal"), "{err}");
    let err = place.run(&["run", "a.npy", "c.npy", "gaussian(1)", "--verify", "1", "--progress", "json"]).ok().err();
    let done: serde_json::Value = serde_json::from_str(err.lines().last().unwrap()).unwrap();
    assert_eq!(done["verified"]["tiles"], 1);
}

/// Each level of `explain` tells more, and the last what runs.
#[test]
fn explain_has_levels() {
    let place = Place::new("levels");
    let text = "gaussian([0, 1, 1]) |> median([1, 3, 3]) |> x - mean(input) |> x > 60";
    let at = |more: &[&str]| {
        place.run(&[&["explain", "a.npy", text, "--memory", "64MiB", "--threads", "2"], more].concat()).ok().out()
    };
    let [one, two, three, four] = ["1", "2", "3", "4"].map(|level| at(&["--level", level]));
    assert_eq!(two, at(&[]));
    assert_eq!(one.lines().count(), 3, "{one}");
    assert!(
        one.starts_with("2 passes on cpu, ") && one.contains("pass 1 on cpu: a.npy u16 (4, 20, 30) -> mean; 1 tiles"),
        "{one}"
    );
    assert!(three.starts_with(&two) && four.starts_with(&two) && four.len() > three.len());
    for words in ["load", "store r", "axis 1 from -4: ", "median of (1, 3, 3)", "[0:4, 0:20, 0:30]"] {
        assert!(three.contains(words), "{words}: {three}");
    }
    for words in ["a network of comparisons over rows, SIMD", "sums of mirrored pairs by one weight", "a tape of"] {
        assert!(four.contains(words) && !three.contains(words), "{words}: {four}");
    }
    let on_gpu = at(&["--level", "4", "--device", "some"]);
    if cfg!(feature = "gpu") {
        assert!(on_gpu.contains("on the GPU:") && on_gpu.contains("@compute"), "{on_gpu}");
    }
}

/// A disk that takes no more: files of more than two blocks.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_the_machines_fault() {
    let place = Place::new("full");
    let words = "trap '' XFSZ; ulimit -f 2; exec \"$0\" run a.tif out.tif x --progress never";
    let done = Command::new("sh").args(["-c", words, env!("CARGO_BIN_EXE_stackmill")]).current_dir(&place.0).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("File too large"), "{said}");
    assert!(!place.0.join("out.tif").exists() && !place.0.join(".out.tif.partial").exists());
}

mod rejects {
    //! Each file of `tests/rejects` is a list of commands with what they print and their exit status. `BLESS=1` writes
    //! the files anew: read the difference before you keep it.

    use super::*;

    /// `$ ARGS`, what was expected.
    struct Case {
        args: String,
        expected: String,
    }

    fn cases(text: &str) -> Vec<Case> {
        let parts = text.split("\n$ ").map(|part| part.trim_start_matches("$ "));
        let case = |part: &str| {
            let (args, expected) = part.split_once('\n').unwrap_or((part, ""));
            Case { args: args.to_owned(), expected: expected.trim().to_owned() }
        };
        parts.filter(|part| !part.trim().is_empty()).map(case).collect()
    }

    /// Splits at spaces outside of single quotes; `\n` in quotes is a line break.
    fn words(args: &str) -> Vec<String> {
        let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
        for c in args.chars() {
            match c {
                '\'' => (quoted, begun) = (!quoted, true),
                ' ' if !quoted => {
                    if begun {
                        words.push(std::mem::take(&mut word));
                    }
                    begun = false;
                }
                c => {
                    word.push(c);
                    begun = true;
                }
            }
        }
        if begun {
            words.push(word);
        }
        words.into_iter().map(|w| w.replace("\\n", "\n").replace('"', "'")).collect()
    }

    fn check(name: &str) -> usize {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rejects").join(format!("{name}.txt"));
        let text = fs::read_to_string(&path).unwrap();
        let bless = std::env::var_os("BLESS").is_some();
        let place = Place::new(&format!("rejects-{name}"));
        let before = place.list();
        let (mut found, mut wrong) = (String::new(), Vec::new());
        for case in cases(&text) {
            let words = words(&case.args);
            let ran = place.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
            let printed = ran.err().replace(&place.0.display().to_string(), "<DIR>");
            let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
            let actual = format!("{}\nexit {}", printed.join("\n").trim(), ran.code());
            assert!(matches!(ran.code(), 1 | 2), "{}\n{actual}", case.args);
            assert_eq!(place.list(), before, "{} left something behind", case.args);
            found += &format!("$ {}\n{actual}\n\n", case.args);
            if actual != case.expected {
                wrong.push(format!("$ {}\n--- expected\n{}\n--- got\n{actual}", case.args, case.expected));
            }
        }
        if bless {
            fs::write(&path, found.trim_end().to_owned() + "\n").unwrap();
        } else {
            assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
        }
        cases(&text).len()
    }

    #[test]
    fn arguments() {
        assert!(check("arguments") >= 15);
    }

    #[test]
    fn files() {
        assert!(check("files") >= 12);
    }

    #[test]
    fn outputs() {
        assert!(check("outputs") >= 8);
    }

    #[test]
    fn pipelines() {
        assert!(check("pipelines") >= 20);
    }
}
