//! The conformance matrix: every op × dtype × edge × chunking against its slow meaning. A hole fails the test.
//!
//! One cell alone: `STACKMILL_CELL=gaussian/u8/reflect cargo test --test conformance -- --nocapture`; all of them, not the share
//! of a run: `STACKMILL_MATRIX=full cargo test --test conformance`.

#[path = "conformance/cases.rs"]
mod cases;
#[path = "conformance/cells.rs"]
mod cells;
#[path = "conformance/data.rs"]
mod data;
#[path = "conformance/derived.rs"]
mod derived;
#[path = "conformance/elementwise.rs"]
mod elementwise;
#[path = "conformance/oracle.rs"]
mod oracle;
#[path = "conformance/reductions.rs"]
mod reductions;
#[path = "conformance/windows.rs"]
mod windows;

use cases::{EMPTY, FLAT, SHAPE, cases};
use cells::{Cell, SHARES, Sample, edge_name};
use data::Values;
use oracle::{Case, agrees, expected};
use stackmill::error::{Error, Family};
use stackmill::graph::Array;
use stackmill::grid::Dims;
use stackmill::session::{Computed, Options};
use std::collections::BTreeSet;
use std::panic::Location;

/// How an array is cut, in the order of the columns.
const CHUNKINGS: [(char, &str); 7] = [
    ('t', "one tile"),
    ('r', "ragged tiles"),
    ('h', "tiles smaller than the halo"),
    ('u', "ragged units"),
    ('m', "by meaning"),
    ('1', "axes of extent 1"),
    ('e', "empty"),
];

/// What a cell of the matrix says.
#[derive(Clone, Debug, PartialEq)]
enum Verdict {
    Checked(String),
    Refused(String),
    Failed(String),
}

fn options(tile: Option<[usize; 3]>, by_meaning: bool) -> Options {
    let tile = tile.map(|t| t.to_vec());
    Options { memory: Some(64 << 20), threads: Some(2), tile, by_meaning, ..Options::default() }
}

fn applied(case: &Case, lift: impl Fn(&Values) -> Array) -> Array {
    let inputs: Vec<Array> = case.inputs.iter().map(lift).collect();
    let args = case.op.args(Vec::new(), case.args.clone()).unwrap_or_else(|e| panic!("{}: {e}", case.words()));
    case.op.apply(&inputs, args, Location::caller())
}

fn computed(array: &Array, tile: Option<[usize; 3]>, by_meaning: bool) -> Result<Computed, Error> {
    // Results of another rank than their input have passes of two ranks: no one tile fits both.
    let cuts = array.shape()?.len() == 3;
    array.compute_with(&options(tile.filter(|_| cuts), by_meaning))
}

/// The first element that is not what the oracle says.
fn judged(case: &Case, result: &Computed) -> Result<(), String> {
    let wanted = expected(case).ok_or_else(|| format!("op '{}' has no oracle: write one", case.op.name))?;
    let tile = &result.tile;
    if tile.dtype != wanted.dtype || *tile.shape != *wanted.shape {
        return Err(format!("{} {}, expected {} {:?}", tile.dtype, tile.shape, wanted.dtype, wanted.shape));
    }
    let found = Values::of_bytes(tile.dtype, &tile.shape, tile.data.bytes());
    for (k, number) in found.numbers.iter().enumerate() {
        agrees(&wanted, k, *number, case.op.agreement).map_err(|why| {
            let index = Dims::from(&wanted.shape[..]).index_of(k);
            let read: Vec<String> = case.inputs.iter().filter_map(|i| i.numbers.get(k)).map(ToString::to_string).collect();
            format!("at {index}: got {number}, exact {} ({why}; inputs there: {})", wanted.numbers[k], read.join(", "))
        })?;
    }
    Ok(())
}

/// The first element where two runs differ.
fn same(first: &Computed, other: &Computed) -> Result<(), String> {
    let (a, b) = (first.tile.data.bytes(), other.tile.data.bytes());
    if first.tile.shape != other.tile.shape || first.tile.dtype != other.tile.dtype {
        return Err(format!("{} instead of {}", other.tile.shape, first.tile.shape));
    }
    match a.iter().zip(b).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(byte) => {
            let k = byte / first.tile.dtype.size();
            let number = |t: &Computed| Values::of_bytes(t.tile.dtype, &t.tile.shape, t.tile.data.bytes()).numbers[k];
            Err(format!("at {}: {} in one tile, {} here", first.tile.shape.index_of(k), number(first), number(other)))
        }
    }
}

/// Every chunking of one case. Its letters where all is well.
fn run_case(case: &Case) -> Result<String, Result<String, String>> {
    let lent = applied(case, Values::lent);
    let fail = |chunking: char, why: String| {
        let name = CHUNKINGS.iter().find(|(c, _)| *c == chunking).map_or("?", |(_, name)| name);
        Err(format!("{} [{name}]: {why}", case.words()))
    };
    let first = match computed(&lent, None, false) {
        Ok(first) => first,
        Err(error) if error.family() == Family::Caller => return Err(Ok(error.what().to_owned())),
        Err(error) => return Err(fail('t', error.to_string())),
    };
    let shape = &case.x().shape[..];
    let letter = if shape == SHAPE {
        't'
    } else if shape == FLAT {
        '1'
    } else {
        'e'
    };
    judged(case, &first).map_err(|why| fail(letter, why))?;
    let mut letters = String::from(letter);
    let units = applied(case, |v| v.in_units(&[2, 3, 4][3 - v.shape.len()..]));
    let runs: [(char, &Array, Option<[usize; 3]>, bool); 4] = [
        ('r', &lent, Some([3, 4, 5]), false),
        ('h', &lent, Some([1, 2, 3]), false),
        ('u', &units, Some([1, 4, 5]), false),
        ('m', &lent, None, true),
    ];
    for (chunking, array, tile, by_meaning) in runs {
        let run = computed(array, tile, by_meaning).map_err(|e| fail(chunking, e.to_string()))?;
        same(&first, &run).map_err(|why| fail(chunking, why))?;
        if letter == 't' {
            letters.push(chunking);
        }
    }
    Ok(letters)
}

/// All cases of one cell; what every case of a chunking agrees on.
fn run_cell(cell: &Cell) -> Verdict {
    let mut checked = String::new();
    let mut refused = None;
    for shape in [SHAPE, FLAT, EMPTY] {
        for case in cases(cell.op, cell.dtype, cell.edge, &shape) {
            match run_case(&case) {
                Ok(letters) => checked.extend(letters.chars().filter(|c| !checked.contains(*c)).collect::<Vec<_>>()),
                Err(Ok(why)) if shape == EMPTY => checked.push_str(if why.is_empty() { "" } else { "e" }),
                Err(Ok(why)) => refused = Some(why),
                Err(Err(why)) => return Verdict::Failed(why),
            }
        }
    }
    match refused {
        Some(why) if checked.trim_matches('e').is_empty() => Verdict::Refused(why),
        Some(why) => Verdict::Failed(format!("{cell}: some cases run and others are refused: {why}")),
        None => Verdict::Checked(CHUNKINGS.iter().map(|(c, _)| if checked.contains(*c) { *c } else { ' ' }).collect()),
    }
}

/// A cell's words in its line of the matrix; where it fails, why.
fn words(cell: &Cell, verdict: &Verdict) -> (String, Option<String>) {
    let whole: String = CHUNKINGS.iter().map(|(c, _)| *c).collect();
    let edge = edge_name(cell.edge);
    let rerun = format!("STACKMILL_CELL={cell} cargo test --test conformance");
    match verdict {
        Verdict::Checked(letters) if *letters == whole => (format!("{edge} ok"), None),
        Verdict::Checked(letters) => {
            (format!("{edge} HOLE[{letters}]"), Some(format!("{cell}: only [{letters}] of [{whole}]\n  {rerun}")))
        }
        Verdict::Refused(why) => (format!("{edge} refused: {why}"), None),
        Verdict::Failed(why) => (format!("{edge} FAILED"), Some(format!("{why}\n  {rerun}"))),
    }
}

#[test]
fn every_op_means_what_it_says() {
    let verdicts = cells::run_each(&cells::chosen(), run_cell);
    println!("columns: edge ok = one tile, ragged tiles, tiles below the halo, ragged units, by meaning, extent 1, empty");
    let mut failures = Vec::new();
    for row in verdicts.chunk_by(|(a, _), (b, _)| a.op.name == b.op.name && a.dtype == b.dtype) {
        let (said, failed): (Vec<String>, Vec<Option<String>>) = row.iter().map(|(cell, verdict)| words(cell, verdict)).unzip();
        println!("{:16} {:4}  {}", row[0].0.op.name, row[0].0.dtype.name(), said.join("  "));
        failures.extend(failed.into_iter().flatten());
    }
    assert!(failures.is_empty(), "{} cells fail:\n\n{}", failures.len(), failures.join("\n\n"));
}

/// What a sample leaves out now, the next runs do.
#[test]
fn every_cell_is_reached_by_any_eight_seeds_in_a_row() {
    let all = cells::all();
    let names = |chosen: Vec<Cell>| chosen.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    for start in [0, 5, 20_784] {
        let runs: Vec<BTreeSet<String>> =
            (start..start + SHARES).map(|seed| names(cells::sampled(&all, Sample::Seed(seed), &[]))).collect();
        let reached: BTreeSet<String> = runs.iter().flatten().cloned().collect();
        assert_eq!(reached, names(all.clone()), "seeds from {start}");
        println!(
            "seeds from {start}: {:?} cells, all {} reached",
            runs.iter().map(BTreeSet::len).collect::<Vec<_>>(),
            reached.len()
        );
        let most = runs.iter().map(BTreeSet::len).max().unwrap_or(0);
        assert!(3 * most < all.len(), "a run of {most} cells of {}", all.len());
    }
    let changed = cells::sampled(&all, Sample::Seed(3), &["gaussian"]);
    let whole = all.iter().filter(|cell| cell.op.name == "gaussian").count();
    assert!(changed[..whole].iter().all(|cell| cell.op.name == "gaussian"), "what changed does not come first");
    assert_eq!(names(cells::sampled(&all, Sample::Full, &[])).len(), all.len());
}

/// What changed is known by the file of an op's record: each has one.
#[test]
fn every_op_is_found_in_one_file() {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/ops")).expect("the catalogue's folder");
    let texts: Vec<String> =
        folder.map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("its text")).collect();
    for op in stackmill::ops::all() {
        let count = texts.iter().filter(|text| cells::defines(text, op.name)).count();
        assert_eq!(count, 1, "files that define {}", op.name);
    }
}
