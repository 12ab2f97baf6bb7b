//! The shader texts of every op: valid WGSL for any device, and the texts that were read and committed. No device is used.
//!
//! `tests/shaders/OP.wgsl` holds what an op's first arguments give for u16 (f32 where u16 has no kernel): what the emitter
//! writes, with each file of `shaders/` by its name alone. `tests/shaders/hashes.txt` has one line per op and dtype, a hash
//! over the texts of all arguments and edges. `BLESS=1 cargo test --test shaders` writes both.

#[path = "conformance/cases.rs"]
#[allow(dead_code, reason = "the matrices try other shapes too")]
mod cases;
#[path = "conformance/data.rs"]
#[allow(dead_code, reason = "only descriptions are needed: nothing is computed")]
mod data;

/// What the table of arguments makes; the matrices judge results by it, nothing is judged here.
mod oracle {
    use super::data::Values;
    use stackmill::graph::{Op, Value};

    pub struct Case {
        pub op: &'static Op,
        pub inputs: Vec<Values>,
        pub args: Vec<(String, Value)>,
    }
}

use cases::{FLAT, SHAPE, cases};
use data::Values;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use oracle::Case;
use stackmill::device::gpu::emit::{Dialect, Piece, kernel};
use stackmill::dtype::Dtype;
use stackmill::formats::memory::MemorySink;
use stackmill::graph::Op;
use stackmill::grid::Edge;
use stackmill::ops;
use stackmill::plan::{Output, Pass};
use stackmill::session::{Options, Session};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The dtypes that a GPU has numbers for.
const DTYPES: [Dtype; 9] =
    [Dtype::U16, Dtype::F32, Dtype::Bool, Dtype::U8, Dtype::I8, Dtype::I16, Dtype::U32, Dtype::I32, Dtype::F16];

/// Arrays that a kernel may read, beside its result, its table and its parameters.
const MOST_INPUTS: usize = 6;

/// The kernels of one op and dtype.
#[derive(Default)]
struct Texts {
    /// What the first case gives, step by step.
    first: Vec<String>,
    /// What all cases give, each text once.
    all: Vec<String>,
}

impl Texts {
    fn add(&mut self, texts: Vec<String>) {
        if self.first.is_empty() {
            self.first.clone_from(&texts);
        }
        for text in texts {
            if !self.all.contains(&text) {
                self.all.push(text);
            }
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shaders")
}

/// The files of `shaders/`: names and texts.
fn library() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut all: Vec<(String, String)> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "wgsl"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    all.sort();
    assert!(all.iter().any(|(name, _)| name == "frame.wgsl"), "the frame of all kernels is not in {}", folder.display());
    all
}

/// A kernel's text with each file of `shaders/` as one line.
fn abridged(text: &str, library: &[(String, String)]) -> String {
    library.iter().fold(text.to_owned(), |text, (name, file)| text.replace(file.trim_end(), &format!("// {name}")))
}

/// The passes of a case on some GPU; none where the op refuses the case.
fn planned(case: &Case) -> Option<Session> {
    let inputs: Vec<_> = case.inputs.iter().map(Values::lent).collect();
    let args = case.op.args(Vec::new(), case.args.clone()).ok()?;
    let array = case.op.apply(&inputs, args, Location::caller());
    let sink = Arc::new(MemorySink::new(array.info().ok()?.clone()));
    let options = Options { memory: Some(64 << 20), threads: Some(2), device: "any".to_owned(), ..Options::default() };
    let words = || format!("{} {} {:?}", case.op.name, case.inputs[0].dtype, case.args);
    Some(Session::new(vec![Output { array, sink }], &options).unwrap_or_else(|e| panic!("{}: {e}", words())))
}

/// The texts of the steps that run on a GPU.
fn texts_of(pass: &Pass, words: &str) -> Vec<String> {
    let Some(gpu) = &pass.gpu else { return Vec::new() };
    let steps = (0..pass.program.steps.len()).filter(|k| gpu.sharing.refusals[*k].is_none()).map(Piece::Step);
    let folds = (0..pass.program.folds.len()).filter(|k| gpu.sharing.folds[*k].is_none()).map(Piece::Fold);
    let text = |piece: Piece| {
        let made = kernel(&pass.program, piece, Dialect::default())
            .unwrap_or_else(|e| panic!("{words}: {piece:?} is planned for a GPU: {e}"));
        let again = kernel(&pass.program, piece, Dialect::default()).unwrap();
        assert!(made == again, "{words}: {piece:?} has two texts");
        assert!(made.inputs <= MOST_INPUTS, "{words}: {piece:?} reads {} arrays", made.inputs);
        let reads = match piece {
            Piece::Step(step) => pass.program.steps[step].inputs.len(),
            Piece::Fold(_) => 1,
        };
        assert_eq!(made.inputs, reads, "{words}: arrays of {piece:?}");
        made.text
    };
    steps.chain(folds).map(text).collect()
}

fn edges(op: &Op) -> Vec<Option<Edge>> {
    let has_mode = op.params.iter().any(|p| p.name == "mode");
    if has_mode { Edge::ALL.into_iter().map(Some).collect() } else { vec![None] }
}

fn words_of(case: &Case) -> String {
    let shapes: Vec<&[usize]> = case.inputs.iter().map(|i| &i.shape[..]).collect();
    format!("{} of {} {shapes:?} with {:?}", case.op.name, case.inputs[0].dtype, case.args)
}

fn texts(op: &'static Op, dtype: Dtype) -> Texts {
    let mut texts = Texts::default();
    for shape in [SHAPE, FLAT] {
        for case in edges(op).into_iter().flat_map(|edge| cases(op, dtype, edge, &shape)) {
            let Some(session) = planned(&case) else { continue };
            session.plan().passes.iter().for_each(|pass| texts.add(texts_of(pass, &words_of(&case))));
        }
    }
    texts
}

/// Every op's texts, dtype by dtype.
fn matrix() -> Vec<(&'static Op, Dtype, Texts)> {
    ops::all().flat_map(|op| DTYPES.map(|dtype| (op, dtype, texts(op, dtype)))).collect()
}

/// Whether a text is a kernel for a device without any optional feature.
fn check(text: &str) -> Result<(), String> {
    let module = naga::front::wgsl::parse_str(text).map_err(|e| e.emit_to_string(text))?;
    let entries: Vec<(&str, naga::ShaderStage)> = module.entry_points.iter().map(|e| (e.name.as_str(), e.stage)).collect();
    if entries != [("main", naga::ShaderStage::Compute)] {
        return Err(format!("its entry points are {entries:?}"));
    }
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
    validator.validate(&module).map(|_| ()).map_err(|e| e.emit_to_string(text))
}

#[test]
fn every_kernel_is_valid_for_any_device() {
    let mut checked: BTreeSet<String> = BTreeSet::new();
    let mut failures = Vec::new();
    for (op, dtype, texts) in matrix() {
        for text in texts.all {
            if !checked.insert(text.clone()) {
                continue;
            }
            if let Err(why) = check(&text) {
                failures.push(format!("{} {dtype}: {why}", op.name));
            }
        }
    }
    println!("{} texts", checked.len());
    assert!(checked.len() > 200, "only {} texts were found", checked.len());
    assert!(failures.is_empty(), "{} kernels are not valid:\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn padding_is_valid_for_any_device() {
    for dtype in Dtype::ALL.into_iter().filter(|d| d.size() <= 4) {
        let kernel = stackmill::device::gpu::emit::pad(dtype, Dialect::default());
        check(&kernel.text).unwrap_or_else(|why| panic!("padding of {dtype}: {why}"));
    }
}

/// FNV-1a.
fn hashed(words: &str) -> u64 {
    words.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The texts of steps, each once, after the numbers of the kernels that have it.
fn listed(texts: &[String]) -> String {
    let mut list = String::new();
    for (k, text) in texts.iter().enumerate().filter(|(k, text)| !texts[..*k].contains(text)) {
        let same: Vec<String> = (k..texts.len()).filter(|n| texts[*n] == *text).map(|n| (n + 1).to_string()).collect();
        let _ = writeln!(list, "\n// kernel {} of {}\n\n{}", same.join(", "), texts.len(), text.trim());
    }
    list
}

/// The files that should lie in the folder: names and texts.
fn snapshots() -> BTreeMap<String, String> {
    let library = library();
    let mut files = BTreeMap::new();
    let mut hashes = String::new();
    for (op, dtype, texts) in matrix().into_iter().filter(|(_, _, texts)| !texts.all.is_empty()) {
        let short = |texts: &[String]| -> Vec<String> { texts.iter().map(|text| abridged(text, &library)).collect() };
        let _ = writeln!(hashes, "{} {dtype} {:016x}", op.name, hashed(&short(&texts.all).concat()));
        // u16 comes first, then f32.
        if matches!(dtype, Dtype::U16 | Dtype::F32) {
            let head = format!("// {} of {dtype}\n", op.name);
            files.entry(format!("{}.wgsl", op.name)).or_insert_with(|| head + &listed(&short(&texts.first)));
        }
    }
    files.insert("hashes.txt".to_owned(), hashes);
    files
}

/// The first line that differs.
fn first_difference(committed: &str, made: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (committed.lines().collect(), made.lines().collect());
    let at = (0..old.len().max(new.len())).find(|k| old.get(*k) != new.get(*k)).unwrap_or(0);
    let line = |lines: &[&str]| lines.get(at).map_or_else(|| "(no line)".to_owned(), ToString::to_string);
    format!("line {}:\n    committed: {}\n    now:       {}", at + 1, line(&old), line(&new))
}

fn committed() -> BTreeMap<String, String> {
    let Ok(files) = std::fs::read_dir(folder()) else { return BTreeMap::new() };
    let paths = files.map(|file| file.unwrap().path());
    paths.map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&p).unwrap())).collect()
}

#[test]
fn texts_are_the_committed_ones() {
    let (made, committed) = (snapshots(), committed());
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        committed.keys().filter(|name| !made.contains_key(*name)).for_each(|n| std::fs::remove_file(folder().join(n)).unwrap());
        made.iter().for_each(|(name, text)| std::fs::write(folder().join(name), text).unwrap());
        return;
    }
    let names: BTreeSet<&String> = made.keys().chain(committed.keys()).collect();
    let mut failures = Vec::new();
    for name in names {
        match (committed.get(name), made.get(name)) {
            (Some(old), Some(new)) if old == new => {}
            (Some(old), Some(new)) => failures.push(format!("tests/shaders/{name}, {}", first_difference(old, new))),
            (Some(_), None) => failures.push(format!("tests/shaders/{name} is committed, but nothing makes it")),
            (None, _) => failures.push(format!("tests/shaders/{name} is not committed")),
        }
    }
    let way_out = "read them, then BLESS=1 cargo test --test shaders";
    assert!(failures.is_empty(), "{} files differ ({way_out}):\n{}", failures.len(), failures.join("\n"));
}
