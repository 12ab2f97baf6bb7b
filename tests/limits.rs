//! What nobody would wait for, and numbers beyond all bounds: refused at once, with a budget that would do where there is one.

mod rig;

use rig::{Chunks, Zeros, machine};
use stackmill::error::Subject;
use stackmill::graph::Array;
use stackmill::plan::{Machine, Output, Plan, plan};
use stackmill::{Dtype, language};
use std::time::{Duration, Instant};

fn output(array: Array, unit: &[usize]) -> Vec<Output> {
    vec![Output { sink: Chunks::of(&array, unit), array }]
}

fn planned(array: &Array, machine: &Machine) -> stackmill::Result<Plan> {
    let shape = array.shape()?;
    plan(&output(array.clone(), &shape.iter().map(|n| (*n).clamp(1, 64)).collect::<Vec<_>>()), machine)
}

/// Planes in units of whole planes, folded along z: under some budgets only tiles of an element fit, 69 million of them.
#[test]
fn a_plan_of_millions_of_tiles_is_refused_with_the_budget_that_would_do() {
    let planes = Array::from_source(Zeros::new(&[12, 2400, 2400], Dtype::U16, &[1, 2400, 2400]));
    let greatest = language::evaluate("max(x, axis=0)", &planes, &[]).unwrap().result;
    let (mut refused, mut fitting) = (0, 0);
    for mib in (16..160).step_by(8) {
        let begun = Instant::now();
        match planned(&greatest, &machine(mib << 20)) {
            Ok(plan) => {
                assert!(plan.passes.iter().all(|pass| pass.sweep.tiles() < 1_000_000), "{mib} MiB");
                fitting += 1;
            }
            Err(error) => {
                assert_eq!(error.subject(), Subject::Memory, "{error}");
                let text = error.to_string();
                // The budget that is named does.
                let named = text.split("raise memory to ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
                let named: f64 = named.parse().unwrap();
                let scale = if text.contains("GiB or more") { 1024.0 } else { 1.0 };
                assert!(planned(&greatest, &machine(((named * scale).ceil() as u64 + 1) << 20)).is_ok(), "{mib} MiB: {text}");
                refused += 1;
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{mib} MiB: {:?}", begun.elapsed());
    }
    assert!(refused > 0 && fitting > 5, "{refused} refused, {fitting} fit");
}

/// Who asks for such tiles gets them.
#[test]
fn tiles_that_were_asked_for_are_made() {
    let planes = Array::from_source(Zeros::new(&[12, 2400, 2400], Dtype::U16, &[1, 64, 64]));
    let greatest = language::evaluate("max(x, axis=0)", &planes, &[]).unwrap().result;
    let wish = Machine { tile: Some(vec![1, 1, 1]), ..machine(512 << 20) };
    let plan = planned(&greatest, &wish).unwrap();
    assert!(plan.passes[0].sweep.tiles() > 1_000_000);
    let words = stackmill::plan::long_words(&plan);
    assert!(words.len() == 1 && words[0].contains("handling them alone takes"), "{words:?}");
    let rank = language::evaluate("percentile_filter(50, size=[1, 2155, 2155])", &planes, &[]).unwrap().result;
    let words = stackmill::plan::long_words(&planned(&rank, &machine(2 << 30)).unwrap());
    assert!(words.len() == 1 && words[0].contains("days by a rough estimate"), "{words:?}");
}

/// Numbers near the largest that there are, in each place where a user writes one: an error or a plan, soon, never a panic.
#[test]
fn numbers_beyond_all_bounds() {
    let x = Array::from_source(Zeros::new(&[6, 40, 50], Dtype::U16, &[2, 20, 50]));
    let begun = Instant::now();
    let texts = [
        "median(N)",
        "median([1, 1, N])",
        "percentile_filter(50, size=N)",
        "percentile_filter(50, size=[2155, 2155, 2155])",
        "rank_filter(N, size=3)",
        "rank_filter(-N, size=3)",
        "minimum_filter([1, 1, N])",
        "maximum_filter(3, origin=N)",
        "grey_erosion(N)",
        "white_tophat([N, 1, 1])",
        "uniform(N)",
        "uniform(3, origin=-N)",
        "gaussian(N)",
        "gaussian(1, truncate=N)",
        "gaussian(1, order=N)",
        "gaussian(8192)",
        "correlate1d([1, N], axis=0)",
        "correlate1d([1], axis=N)",
        "correlate1d([1, 2], axis=0, origin=N)",
        "x[N]",
        "x[-N]",
        "x[::N]",
        "x[::-N]",
        "x[N:]",
        "x[:-N]",
        "x[None, ..., N]",
        "x + N",
        "x * N",
        "x ** N",
        "left_shift(x, N)",
        "x // N",
        "x % N",
        "sum(x, axis=N)",
        "sum(x, axis=-N)",
        "std(x, ddof=N)",
        "cumsum(x, axis=N)",
        "flip(x, axis=N)",
        "clip(x, -N, N)",
        "nonflat_erosion([[[N]]])",
        "nonflat_erosion([[[1]]], origin=N)",
    ];
    let numbers = [
        "0",
        "1",
        "2147483647",
        "4294967296",
        "4611686018427387904",
        "9223372036854775807",
        "18446744073709551615",
        "1e308",
        "10000000000",
    ];
    let machines = [machine(64 << 20), machine(1), machine(u64::MAX), Machine { threads: 4096, ..machine(1 << 30) }];
    for text in texts {
        for number in numbers {
            let text = text.replace('N', number);
            let from = Instant::now();
            if let Ok(made) = language::evaluate(&text, &x, &[]) {
                for machine in &machines {
                    drop(planned(&made.result, machine));
                }
            }
            assert!(from.elapsed() < Duration::from_secs(3), "{text}: {:?}", from.elapsed());
        }
    }
    let widest = [0, 1, usize::MAX, usize::MAX - 1, isize::MAX as usize, 1 << 32];
    for tile in widest.into_iter().flat_map(|n| [vec![n, 1, 1], vec![1, n, n], vec![n; 3], vec![n], vec![n; 7]]) {
        for text in ["x + 1", "sum(x, axis=0)", "cumsum(x, axis=0)", "median(3)"] {
            let made = language::evaluate(text, &x, &[]).unwrap().result;
            drop(planned(&made, &Machine { tile: Some(tile.clone()), ..machine(64 << 20) }));
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// Chunks and shards of such extents: an error or a sink whose units are the array's.
#[cfg(feature = "zarr")]
#[test]
fn chunks_beyond_all_bounds() {
    use stackmill::formats::{WriteOptions, create};
    let folder = std::env::temp_dir().join(format!("stackmill-limits-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let info = stackmill::storage::Info::new([6, 40, 50].into(), Dtype::U16).with_axes("zyx").unwrap();
    let extents = [0, 1, 7, usize::MAX, 1 << 32, 1 << 63];
    for (n, m) in extents.into_iter().flat_map(|n| extents.map(|m| (n, m))) {
        for (chunks, shards) in
            [(Some([1, n, 1]), Some([1, m, 1])), (Some([n; 3]), Some([m; 3])), (Some([n; 3]), None), (None, Some([m; 3]))]
        {
            let options =
                WriteOptions { chunks: chunks.map(Into::into), shards: shards.map(Into::into), ..WriteOptions::default() };
            for name in ["a.zarr", "a.ome.zarr"] {
                if let Ok(sink) = create(&folder.join(name), &info, options) {
                    let x = Array::from_source(Zeros::new(&[6, 40, 50], Dtype::U16, &[2, 20, 50]));
                    drop(plan(&[Output { array: x, sink: std::sync::Arc::from(sink) }], &machine(1 << 30)));
                }
            }
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A structure of 7 × 7 × 7 heights, and the largest one that is taken: as long as they are.
#[test]
fn structures_with_heights_are_made_soon() {
    let x = Array::from_source(Zeros::new(&[64, 512, 512], Dtype::U16, &[16, 64, 64]));
    let nested = |n: usize| {
        let row = format!("[{}]", vec!["1"; n].join(", "));
        let plane = format!("[{}]", vec![row; n].join(", "));
        format!("nonflat_erosion([{}])", vec![plane; n].join(", "))
    };
    let begun = Instant::now();
    for n in [7, 10] {
        planned(&language::evaluate(&nested(n), &x, &[]).unwrap().result, &machine(1 << 30)).unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
