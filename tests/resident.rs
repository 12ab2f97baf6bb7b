//! Memory as the system counts it: programs are run, each in a process of its own, and the most that was ever resident, beyond what a
//! process has that does nothing, is no more than its plan said, which is no more than its budget.
//!
//! `cargo test --release --test resident -- --nocapture` prints the figures; `STACKMILL_RESIDENT=100` runs a hundred pipelines, and the
//! mean of 12 planes of 6000×6000.
#![cfg(target_os = "linux")]

#[path = "resident/place.rs"]
mod place;

use place::{Chance, Place, Plain};

const MIB: f64 = (1 << 20) as f64;

/// Steps of random pipelines.
const STEPS: &[&str] = &[
    "gaussian([1, 2, 2])",
    "uniform(x, [3, 7, 7])",
    "median([1, 3, 3])",
    "grey_opening([1, 9, 9])",
    "white_tophat([1, 15, 15])",
    "maximum_filter([3, 5, 5])",
    "minimum_filter(size=[1, 1, 5000])",
    "x * 3 - 7",
    "x - mean(x)",
    "x - min(x, axis=0)",
    "x - uniform(x, [1, 9, 9])",
    "flip()",
    "astype(x, 'float32')",
    "astype(x, 'float64') * 2.5",
    "cumsum(x, axis=0)",
    "x > 300",
];
/// What some of them end with.
const FOLDS: &[&str] = &["mean(x, axis=0)", "std(x, axis=0)", "max(x, axis=1)", "argmax(x, axis=2)", "sum(x)"];

const BUDGETS: [u64; 9] = [20, 24, 32, 48, 64, 96, 128, 256, 400];

/// One random job: its arguments.
fn job(place: &Place, chance: &mut Chance) -> Vec<String> {
    let inputs = place.inputs();
    let mut steps: Vec<&str> = (0..chance.below(3)).map(|_| STEPS[chance.below(STEPS.len())]).collect();
    steps.push(if chance.below(4) == 0 { FOLDS[chance.below(FOLDS.len())] } else { STEPS[chance.below(STEPS.len())] });
    let outputs: [&[&str]; 5] =
        [&["o.npy"], &["o.tif"], &["o.zarr"], &["t.tif", "--tiled"], &["s.zarr", "--chunks", "4,64,64", "--shards", "8,256,256"]];
    let three_axes = !steps.last().is_some_and(|last| FOLDS.contains(last));
    // A sum has no pages.
    let output = outputs[if three_axes { chance.below(5) } else { [0, 0, 2][chance.below(3)] }];
    let budget = format!("{}MiB", BUDGETS[chance.below(BUDGETS.len())]);
    let threads = ["1", "2", "2", "3"][chance.below(4)];
    let mut words = vec!["run", &inputs[chance.below(inputs.len())], output[0]];
    let pipeline = steps.join(" |> ");
    words.extend([pipeline.as_str(), "--memory", &budget, "--threads", threads, "--overwrite", "--progress", "json"]);
    words.extend(&output[1..]);
    words.into_iter().map(str::to_owned).collect()
}

/// Runs a job; what it took over what was predicted, if it was not refused.
fn held_to_its_word(place: &Place, words: &[String], nothing: u64) -> Option<f64> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ran = place.run(&words);
    let said = words[1..].join(" ");
    if ran.status == 2 {
        assert!(ran.err.contains("budget is"), "{said}: {}", ran.err);
        println!("refused           {said}");
        return None;
    }
    assert_eq!(ran.status, 0, "{said}: {}", ran.err);
    let (predicted, budget) = (ran.figure("predicted_bytes"), ran.figure("budget_bytes"));
    let grown = ran.peak.saturating_sub(nothing);
    println!("{:6.1} of {:6.1} MiB  {said}", grown as f64 / MIB, predicted as f64 / MIB);
    assert!(predicted <= budget, "{said}: {predicted} predicted under {budget}");
    assert!(grown <= predicted, "{said}: the process grew by {grown}, {predicted} were predicted");
    Some(grown as f64 / predicted as f64)
}

#[test]
fn processes_grow_by_no_more_than_was_predicted() {
    let place = Place::with_inputs("pipelines");
    let asked = std::env::var("STACKMILL_RESIDENT").ok().and_then(|n| n.parse().ok());
    let (nothing, wanted) = (place.nothing(), asked.unwrap_or(20));
    let (mut chance, mut shares) = (Chance(7), Vec::new());
    if asked.is_some() {
        place.noise("wide.npy", "<u2", &[12, 6000, 6000]);
        let words = ["run", "wide.npy", "o.npy", "mean(x, axis=0)", "--memory", "400MiB", "--threads", "2", "--progress", "json"];
        shares.extend(held_to_its_word(&place, &words.map(str::to_owned), nothing));
    }
    while shares.len() < wanted {
        shares.extend(held_to_its_word(&place, &job(&place, &mut chance), nothing));
    }
    shares.sort_by(f64::total_cmp);
    let (median, most) = (shares[shares.len() / 2], shares[shares.len() - 1]);
    println!("{} runs: median {median:.2} of what was predicted, most {most:.2}", shares.len());
    assert!(median >= 0.6, "predictions are {median:.2} of what is taken");
}

/// A result of a fold is held once, however it gets into the journal, and when an unfinished run is gone on with.
#[test]
fn a_folded_plane_is_held_once() {
    let place = Place::new("fold");
    place.noise("a.npy", "<u2", &[3, 2200, 2400]);
    let nothing = place.nothing();
    // 40 MiB of f64: a second copy would not fit.
    let words = [
        "run",
        "a.npy",
        "o.tif",
        "x - mean(x, axis=0)",
        "--memory",
        "80MiB",
        "--threads",
        "2",
        "--scratch",
        "never",
        "--progress",
        "json",
    ];
    let words = words.map(str::to_owned);
    let whole = held_to_its_word(&place, &words, nothing);
    assert!(whole.is_some(), "80 MiB are not enough");
    let right = place.bytes("o.tif");
    place.remove("o.tif");
    place.cut_off(&words.each_ref().map(String::as_str), ".o.tif.journal", 40 << 20);
    assert!(held_to_its_word(&place, &words, nothing).is_some());
    assert!(place.bytes("o.tif") == right, "other pixels");
}

/// Windows longer than what they look at.
#[test]
fn long_windows_take_what_the_array_has() {
    let place = Place::new("windows");
    place.noise("a.npy", "<u2", &[4, 3000]);
    let nothing = place.nothing();
    for op in ["minimum_filter", "maximum_filter", "uniform", "grey_opening"] {
        for (size, mode) in [
            ("500000, axes=[0]", "reflect"),
            ("1000000, axes=[1]", "mirror"),
            ("999999", "nearest"),
            ("777777", "wrap"),
            ("70000", "constant"),
        ] {
            let pipeline = format!("{op}(size={size}, mode='{mode}')");
            let words =
                ["run", "a.npy", "o.npy", &pipeline, "--memory", "256MiB", "--threads", "2", "--overwrite", "--progress", "json"];
            let share = held_to_its_word(&place, &words.map(str::to_owned), nothing);
            // A sum of all that lies outside has no shorter form.
            assert!(share.is_some() || op == "uniform", "{pipeline} is refused");
        }
    }
}

/// A few bytes that become gigabytes are told from a chunk before they are any.
#[test]
fn a_stream_becomes_no_more_than_a_chunk() {
    let place = Place::new("bombs");
    let nothing = place.nothing();
    let zeros = || Plain::Zeros(256 << 20);
    let gzip = place::gzip(Plain::Bytes(&place::gzip(zeros())));
    let zstd = place::zstd(zeros());
    let cases: [(&str, &[&str], Vec<u8>); 7] = [
        ("gzip in gzip", &["gzip", "gzip"], gzip.clone()),
        ("gzip", &["gzip"], place::gzip(zeros())),
        ("zstd", &["zstd"], zstd.clone()),
        ("zstd in gzip", &["zstd", "gzip"], place::gzip(Plain::Bytes(&zstd))),
        ("gzip in zstd", &["gzip", "zstd"], place::zstd(Plain::Bytes(&gzip))),
        ("gzip in a shard", &["shard", "gzip", "gzip"], gzip.clone()),
        ("gzip in a turned shard", &["turn", "shard", "gzip", "gzip"], gzip),
    ];
    for (number, (name, codecs, stored)) in cases.iter().enumerate() {
        let input = format!("{number}.zarr");
        place.zarr(&input, codecs, stored);
        let ran = place.run(&["run", &input, "o.npy", "x + 1", "--memory", "64MiB", "--threads", "2"]);
        let grown = ran.peak.saturating_sub(nothing);
        println!(
            "{name}: {} stored bytes, {:.1} MiB: {}",
            stored.len(),
            grown as f64 / MIB,
            ran.err.lines().next().unwrap_or_default()
        );
        assert_eq!(ran.status, 1, "{name}: {}", ran.err);
        assert!(
            ["a chunk has", "no codec makes more"].iter().any(|words| ran.err.contains(words)) && ran.err.contains(&input),
            "{name}: {}",
            ran.err
        );
        assert!(grown < 64 << 20, "{name}: {grown} bytes");
    }
}

/// What limits a process is told of before it ends it.
#[test]
fn limits_of_the_process_are_errors() {
    let place = Place::new("limits");
    place.noise("a.npy", "<u2", &[40, 700, 900]);
    let smooth = "run a.npy o.npy 'gaussian(2)' --threads 2 --overwrite --progress never";
    let right = place.shell("true", smooth);
    assert_eq!(right.status, 0, "{}", right.err);
    for (limit, command, status, said) in [
        ("ulimit -v 400000", smooth.to_owned(), 0, ""),
        ("ulimit -v 60000", smooth.to_owned(), 2, "budget is"),
        ("ulimit -v 150000", format!("{smooth} --memory 2GiB --tile 40,700,900"), 2, "ulimit -v"),
        ("ulimit -f 1000", smooth.to_owned(), 1, "File too large"),
    ] {
        let ran = place.shell(limit, &command);
        assert!(ran.status == status && ran.err.contains(said), "{limit}: {command}: {}, {}", ran.status, ran.err);
    }
}

/// Of a run that takes more than its budget the status tells, and a line.
#[test]
fn a_run_beyond_its_budget_says_so() {
    let summary = stackmill::run::Summary {
        predicted_bytes: 5 << 20,
        measured_bytes: Some(9 << 20),
        budget_bytes: 8 << 20,
        ..Default::default()
    };
    let said = summary.excess().unwrap_or_default();
    assert!(said.contains("grew by 9 MiB, budget is 8 MiB"), "{said}");
    assert_eq!(stackmill::run::Summary { budget_bytes: 9 << 20, ..summary.clone() }.excess(), None);
    // The system does not say everywhere.
    assert_eq!(stackmill::run::Summary { measured_bytes: None, ..summary }.excess(), None);
}
