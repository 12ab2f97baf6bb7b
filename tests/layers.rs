//! The architecture, checked: modules look one way, the engine names no op and no format, files and functions are short.

use std::fs;
use std::path::{Path, PathBuf};

/// The waist and the engine, lowest first: a module may use only modules to its left.
const ENGINE: &[&str] = &["error", "os", "dtype", "grid", "tile", "simd", "storage", "expr", "graph", "plan", "device", "run"];
/// What each module outside the engine may use besides the waist.
const WINGS: &[(&str, &[&str])] = &[
    ("ops", &[]),
    ("formats", &[]),
    ("session", &["plan", "device", "run", "ops", "formats"]),
    ("language", &["ops"]),
    ("demo", &["formats", "language", "session", "run", "plan"]),
    ("cli", &["plan", "device", "run", "ops", "formats", "session", "language", "demo"]),
    ("main", &["cli"]),
];
/// The part of the engine that the catalogues may use.
const WAIST: usize = 9;
/// The longest file and the longest function, in lines.
const LONGEST_FILE: usize = 500;
const LONGEST_FUNCTION: usize = 60;

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn all() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(&source(), &mut found);
    found.sort();
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn module_of(path: &Path) -> String {
    let first = path.strip_prefix(source()).unwrap().iter().next().unwrap().to_str().unwrap().to_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn allowed(module: &str) -> Option<Vec<&'static str>> {
    if let Some(rank) = ENGINE.iter().position(|m| *m == module) {
        return Some(ENGINE[..=rank].to_vec());
    }
    let (name, more) = WINGS.iter().find(|(name, _)| *name == module)?;
    Some(ENGINE[..WAIST].iter().chain(more.iter()).copied().chain([*name]).collect())
}

/// The modules that a line of code names after `crate::`, comments left out.
fn used(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    code.split("crate::").skip(1).map(name).collect()
}

#[test]
fn modules_look_one_way() {
    let known: Vec<&str> = ENGINE.iter().copied().chain(WINGS.iter().map(|w| w.0)).collect();
    let mut wrong = Vec::new();
    for (path, text) in all() {
        let module = module_of(&path);
        if module == "lib" {
            continue;
        }
        let allowed = allowed(&module).unwrap_or_else(|| panic!("module `{module}` has no place in tests/layers.rs"));
        for (number, line) in text.lines().enumerate() {
            for name in used(line).iter().filter(|n| known.contains(&n.as_str()) && !allowed.contains(&n.as_str())) {
                wrong.push(format!("{}:{}: `{module}` may not use `{name}`", path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_engine_names_no_op_and_no_format() {
    let ops: Vec<String> = stackmill::ops::all().map(|op| format!("\"{}\"", op.name)).collect();
    let formats: Vec<String> = stackmill::formats::FORMATS.iter().flat_map(|f| f.endings).map(|e| format!("\"{e}\"")).collect();
    let mut wrong = Vec::new();
    for (path, text) in all().into_iter().filter(|(path, _)| ["plan", "device", "run"].contains(&module_of(path).as_str())) {
        for name in ops.iter().chain(&formats).filter(|name| text.contains(name.as_str())) {
            wrong.push(format!("{} names {name}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn only_the_run_makes_threads_and_channels() {
    for (path, text) in all() {
        if path.ends_with("run/threads.rs") {
            continue;
        }
        for word in ["thread::spawn", "thread::scope", "thread::Builder", "ThreadPoolBuilder", "crossbeam::channel", "mpsc::"] {
            assert!(!text.contains(word), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn only_the_gpu_device_knows_wgpu() {
    for (path, text) in all() {
        let inside = path.strip_prefix(source()).unwrap().starts_with("device/gpu");
        for word in ["wgpu::", "use wgpu", "pollster"] {
            assert!(inside || !text.contains(word), "{} uses {word}", path.display());
        }
    }
}

/// Destroying a buffer waits for every thread that waits for the device, and all that is sent waits behind it; a dropped one waits
/// for nobody.
#[test]
fn buffers_are_dropped_and_never_destroyed() {
    for (path, text) in all().into_iter().filter(|(path, _)| path.starts_with(source().join("device/gpu"))) {
        for line in text.lines().filter(|line| line.contains(".destroy()")) {
            assert!(line.contains("device.destroy()"), "{}: {line}", path.display());
        }
    }
}

#[test]
fn plans_are_pure() {
    for (path, text) in all().into_iter().filter(|(path, _)| module_of(path) == "plan") {
        for word in ["std::fs", "std::thread", "std::time", "rayon", "crossbeam", "std::env"] {
            assert!(!text.contains(word), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn files_stay_short() {
    for (path, text) in all() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines, {LONGEST_FILE} are allowed", path.display());
    }
}

/// Lines from a function's head to the brace that closes its body; none for a declaration without a body.
fn length(lines: &[&str]) -> Option<usize> {
    let mut depth = 0usize;
    for (number, line) in lines.iter().enumerate() {
        for c in line.split("//").next().unwrap_or_default().chars() {
            match c {
                ';' if depth == 0 => return None,
                '{' => depth += 1,
                '}' if depth <= 1 => return Some(number + 1),
                '}' => depth -= 1,
                _ => {}
            }
        }
    }
    None
}

#[test]
fn functions_stay_short() {
    let mut wrong = Vec::new();
    for (path, text) in all() {
        let lines: Vec<&str> = text.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let head = ["fn ", "pub fn ", "pub(crate) fn ", "pub(super) fn ", "const fn ", "pub const fn "];
            if !head.iter().any(|h| line.trim_start().starts_with(h)) {
                continue;
            }
            let length = length(&lines[start..]).unwrap_or(0);
            if length > LONGEST_FUNCTION {
                wrong.push(format!("{}:{}: {length} lines", path.display(), start + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "functions over {LONGEST_FUNCTION} lines:\n{}", wrong.join("\n"));
}

/// Modules say what they do and what they deliberately do not know.
#[test]
fn every_module_says_what_it_is_for() {
    for (path, text) in all() {
        assert!(text.starts_with("//! "), "{} does not say what it is for", path.display());
    }
}
