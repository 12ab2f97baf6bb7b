//! What makes two runs the same work: a run goes on where another was cut off only if every byte is the same. Made from the records: each
//! parameter of each op is changed in every way that its kind has, and whatever still has the same identity must have the same bytes.

#[path = "conformance/cases.rs"]
#[allow(dead_code, reason = "the matrix needs more of it")]
mod cases;
#[path = "conformance/data.rs"]
#[allow(dead_code, reason = "the matrix needs more of it")]
mod data;
#[path = "conformance/derived.rs"]
#[allow(dead_code, reason = "the oracle names it")]
mod derived;
#[path = "conformance/elementwise.rs"]
#[allow(dead_code, reason = "the oracle names it")]
mod elementwise;
#[path = "conformance/oracle.rs"]
#[allow(dead_code, reason = "cases name it")]
mod oracle;
#[path = "conformance/reductions.rs"]
#[allow(dead_code, reason = "the oracle names it")]
mod reductions;
#[path = "conformance/windows.rs"]
#[allow(dead_code, reason = "the oracle names it")]
mod windows;

use cases::{SHAPE, cases};
use oracle::Case;
use stackmill::device::cpu::Cpu;
use stackmill::dtype::Dtype;
use stackmill::graph::{Array, Op, Value};
use stackmill::grid::Edge;
use stackmill::language::evaluate;
use stackmill::ops;
use stackmill::session::{Options, Session};
use std::panic::Location;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("stackmill-identity-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn options() -> Options {
    Options { memory: Some(256 << 20), threads: Some(2), ..Options::default() }
}

/// Inputs as files: only files keep their identity.
fn saved(case: &Case, folder: &Path) -> Vec<Array> {
    let save = |(k, values): (usize, &data::Values)| {
        let path = folder.join(format!("{}-{k}-{}.npy", values.dtype, values.shape.len()));
        if !path.exists() {
            values.lent().save_with(&path, &options()).unwrap();
        }
        Array::open(path).with_axes(if values.shape.len() == 3 { "ZYX" } else { "YX" })
    };
    case.inputs.iter().enumerate().map(save).collect()
}

fn applied(op: &'static Op, inputs: &[Array], args: &[(String, Value)]) -> Option<Array> {
    let args = op.args(Vec::new(), args.to_vec()).ok()?;
    Some(op.apply(inputs, args, Location::caller())).filter(|array| array.info().is_ok())
}

/// The identity of writing an array, beside whatever lies there.
fn identity(array: &Array, out: &Path) -> Option<String> {
    let session = Session::save(&[(array.clone(), out)], &options()).ok()?;
    session.identity(&Cpu::default()).map(|identity| identity.0)
}

fn bytes(array: &Array) -> Option<Vec<u8>> {
    array.compute_with(&options()).ok().map(|made| made.tile.data.bytes().to_vec())
}

/// Other values of the kind of a value; one inside a list at a time.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(on) => vec![Value::Bool(!on)],
        Value::Int(n) => vec![Value::Int(n + 1), Value::Int(n - 1)],
        Value::Float(v) => vec![Value::Float(v * 1.25 + 0.5), Value::Float(v - 1.0)],
        Value::Text(_) => Edge::ALL.iter().map(|e| e.name()).chain(Dtype::ALL.iter().map(|d| d.name())).map(text).collect(),
        Value::List(items) => {
            let swapped = |k: usize, one: Value| {
                Value::List(items.iter().enumerate().map(|(i, v)| if i == k { one.clone() } else { v.clone() }).collect())
            };
            let each = items.iter().enumerate().flat_map(|(k, item)| others(item).into_iter().map(move |one| (k, one)));
            each.map(|(k, one)| swapped(k, one)).collect()
        }
        Value::None => vec![Value::Int(1), Value::Float(0.5)],
        Value::Length(n, unit) => vec![Value::Length(n + 1.0, unit.clone())],
    }
}

fn text(name: &str) -> Value {
    Value::Text(name.to_owned())
}

/// Every value of a case changed, and every parameter that it leaves at its default.
fn changed(case: &Case) -> Vec<(String, Vec<(String, Value)>)> {
    let mut all = Vec::new();
    for param in case.op.params {
        let given = case.args.iter().find(|(name, _)| name == param.name).map(|(_, value)| value.clone());
        let Some(value) = given.or_else(|| param.default.map(|default| default())) else { continue };
        for other in others(&value) {
            let mut args = case.args.clone();
            args.retain(|(name, _)| name != param.name);
            args.push((param.name.to_owned(), other.clone()));
            all.push((format!("{}={value} and {other}", param.name), args));
        }
    }
    all
}

#[derive(Default, Debug)]
struct Counts {
    differ: usize,
    same: usize,
}

fn compare(case: &Case, folder: &Path, counts: &mut Counts, holes: &mut Vec<String>) {
    let (inputs, out) = (saved(case, folder), folder.join("out.npy"));
    let Some(array) = applied(case.op, &inputs, &case.args) else { return };
    let own = identity(&array, &out).unwrap_or_else(|| panic!("{}: no identity", case.op.name));
    assert_eq!(
        identity(&applied(case.op, &inputs, &case.args).unwrap(), &out),
        Some(own.clone()),
        "{}: of the same work",
        case.op.name
    );
    for (words, args) in changed(case) {
        let Some(other) = applied(case.op, &inputs, &args) else { continue };
        match identity(&other, &out) {
            Some(found) if found == own => {
                counts.same += 1;
                if bytes(&array) != bytes(&other) {
                    holes.push(format!("{} of {}: {words}", case.op.name, case.inputs[0].dtype));
                }
            }
            _ => counts.differ += 1,
        }
    }
}

#[test]
fn whatever_changes_a_byte_changes_the_identity() {
    let folder = folder("records");
    let (mut counts, mut holes) = (Counts::default(), Vec::new());
    for op in ops::all() {
        let has_edge = op.params.iter().any(|param| param.name == "mode");
        for dtype in [Dtype::U16, Dtype::F64] {
            let edge = has_edge.then_some(Edge::Constant);
            for case in cases(op, dtype, edge, &SHAPE).iter().filter(|case| case.inputs.iter().all(|i| i.shape.len() == 3)) {
                compare(case, &folder, &mut counts, &mut holes);
            }
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    println!("{counts:?}");
    assert!(holes.is_empty(), "{} changes that another run would go on over:\n{}", holes.len(), holes.join("\n"));
    assert!(counts.differ > 1000, "{counts:?}");
}

/// Saves until all of it is written, and stops before the output has its name; nothing where nothing can be saved.
fn stopped(array: &Array, out: &Path) -> Option<()> {
    let session = Session::save(&[(array.clone(), out)], &options()).ok()?;
    let passes = session.plan().passes.len();
    let stop = session.run(&|progress| match progress.pass.0 == passes && progress.tiles.0 == progress.tiles.1 {
        true => Err(stackmill::Error::caller("stopped")),
        false => Ok(()),
    });
    assert!(stop.is_err_and(|error| error.notes().iter().any(|note| note.contains("is kept"))), "nothing is kept");
    Some(())
}

/// The same where it matters: a run is stopped when its last number is written, and goes on with one parameter changed. It begins anew,
/// and its numbers are those of the changed work.
#[test]
fn what_was_stopped_is_not_gone_on_with_when_a_parameter_is_another() {
    let folder = folder("stopped");
    let out = folder.join("out.npy");
    let (mut pairs, mut ops_of) = (0, std::collections::HashSet::new());
    for op in ops::all() {
        let edge = op.params.iter().any(|param| param.name == "mode").then_some(Edge::Constant);
        let Some(case) =
            cases(op, Dtype::U16, edge, &SHAPE).into_iter().find(|case| case.inputs.iter().all(|i| i.shape.len() == 3))
        else {
            continue;
        };
        let inputs = saved(&case, &folder);
        let Some(array) = applied(op, &inputs, &case.args) else { continue };
        let mut last = String::new();
        for (words, args) in changed(&case) {
            // One change of each parameter that changes a byte.
            let param = words.split('=').next().unwrap_or_default().to_owned();
            let Some(other) = applied(op, &inputs, &args).filter(|_| param != last) else { continue };
            let (Some(made), Some(wanted)) = (bytes(&array), bytes(&other)) else { continue };
            if made == wanted || stopped(&array, &out).is_none() {
                continue;
            }
            last = param;
            let summary = other.save_with(&out, &options()).unwrap_or_else(|e| panic!("{}: {words}: {e}", op.name));
            assert_eq!(summary.resumed, 0, "{}: {words}", op.name);
            assert!(bytes(&Array::open(&out)).as_ref() == Some(&wanted), "{}: {words}: wrong numbers", op.name);
            std::fs::remove_file(&out).unwrap();
            pairs += 1;
            ops_of.insert(op.name);
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    println!("{pairs} pairs of {} ops", ops_of.len());
    assert!(pairs > 60 && ops_of.len() > 25, "{pairs} pairs of {} ops", ops_of.len());
}

/// The same, of pipelines: late values, outputs' axes, sources.
#[test]
fn pipelines_that_differ_in_one_word_are_other_work() {
    let folder = folder("pipelines");
    let (path, out) = (folder.join("in.npy"), folder.join("out.tif"));
    data::Values::new(Dtype::U16, &SHAPE, data::Data::Plain, 7).lent().save_with(&path, &options()).unwrap();
    let of = |text: &str, axes: &str| {
        let array = evaluate(text, &Array::open(&path).with_axes(axes), &[]).unwrap_or_else(|e| panic!("{text}: {e}")).result;
        identity(&array, &out).unwrap_or_else(|| panic!("{text}: no identity"))
    };
    let pairs = [
        ("correlate([[[1,2],[3,4]]], origin=[0,0,0]) + 1", "correlate([[[1,2],[3,4]]], origin=[0,-1,-1]) + 1"),
        ("x / astype(std(x, axis=0, ddof=0), 'f64')", "x / astype(std(x, axis=0, ddof=5), 'f64')"),
        ("x - mean(x, axis=0)", "x - mean(x, axis=0, keepdims=True)"),
        ("x > 3", "x > 4"),
        ("x - mean(x)", "x - max(x)"),
    ];
    for (one, other) in pairs {
        assert_ne!(of(one, "ZYX"), of(other, "ZYX"), "{one} and {other}");
    }
    assert_ne!(of("x + 1", "ZYX"), of("x + 1", "TYX"), "axes of the output");
    let before = of("x + 1", "ZYX");
    let meta = std::fs::metadata(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(meta.modified().unwrap()).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), meta.modified().unwrap());
    assert_ne!(before, of("x + 1", "ZYX"), "a source that was written anew, its time set back");
    std::fs::remove_dir_all(&folder).unwrap();
}
