//! Planning takes as long as a pipeline is long: the time of chains and sums of 10^2 to 10^4 ops lies on a line, nowhere on a parabola.
//! `cargo test --test plan_scale -- --nocapture` prints the seconds.

mod rig;

use rig::{Chunks, Zeros, machine};
use stackmill::graph::Array;
use stackmill::plan::{Machine, Output, explain, plan};
use stackmill::{Dtype, language};
use std::fmt::Write;
use std::time::Instant;

fn source() -> Array {
    Array::from_source(Zeros::new(&[64, 512, 512], Dtype::U16, &[16, 64, 64]))
}

/// Makes, plans and explains; gives the seconds.
fn seconds(make: &impl Fn(usize) -> Vec<Array>, n: usize, device: &str) -> f64 {
    let begun = Instant::now();
    let outputs: Vec<Output> =
        make(n).into_iter().map(|array| Output { sink: Chunks::of(&array, &[16, 64, 64]), array }).collect();
    let planned = plan(&outputs, &Machine { device: device.to_owned(), ..machine(1 << 30) }).unwrap();
    assert!(!explain(&planned).is_empty());
    drop((planned, outputs));
    begun.elapsed().as_secs_f64()
}

/// Ten times the length may take 30 times as long at most: on a line it takes 10 times, on a parabola 100 times. What takes no time is
/// not measured.
fn on_a_line(name: &str, most: usize, make: impl Fn(usize) -> Vec<Array>) {
    let (mut before, mut n) = (0.0, 100);
    let (name, device) = name.split_once(" on a ").unwrap_or((name, "cpu"));
    while n <= most {
        let took = seconds(&make, n, device);
        println!("{name:24} {n:6} {took:8.3} s");
        assert!(before == 0.0 || took < 30.0 * f64::max(before, 0.02), "{name}: {n} takes {took} s, a tenth {before} s");
        (before, n) = (took, n * 10);
    }
}

fn evaluated(text: &str) -> Vec<Array> {
    vec![language::evaluate(text, &source(), &[]).unwrap().result]
}

#[test]
fn plans_of_long_pipelines() {
    let chain = |n: usize, step: &dyn Fn(Array) -> Array| vec![(0..n).fold(source(), |y, _| step(y))];
    on_a_line("y = y + 1", 10_000, |n| chain(n, &|y| y + 1));
    on_a_line("y = y + 1 on a gpu", 10_000, |n| chain(n, &|y| y + 1));
    on_a_line("y = uniform(y) on a gpu", 1000, |n| chain(n, &|y: Array| y.uniform([1, 1, 3])));
    on_a_line("y = y + y", 10_000, |n| chain(n, &|y: Array| y.maximum(&y)));
    on_a_line("y = y * 2 - x", 10_000, |n| {
        let x = source();
        vec![(0..n).fold(x.clone(), |y, _| (y - &x).maximum(&x))]
    });
    on_a_line("y = uniform(y)", 1000, |n| chain(n, &|y: Array| y.uniform([1, 1, 3])));
    on_a_line("steps of a text", 10_000, |n| evaluated(&vec!["x + 1"; n].join(" |> ")));
    on_a_line("terms of a text", 10_000, |n| evaluated(&vec!["x"; n].join(" + ")));
    on_a_line("names of a text", 10_000, |n| {
        let mut text = "v0 = x + 1\n".to_owned();
        (1..n).for_each(|k| writeln!(text, "v{k} = v{} + input", k - 1).unwrap());
        evaluated(&text)
    });
    on_a_line("arguments of a text", 1000, |n| evaluated(&format!("correlate1d([{}], axis=2)", vec!["1"; n].join(", "))));
    on_a_line("inputs", 1000, |n| vec![(0..n).map(|_| source()).reduce(|a, b| a.maximum(&b)).unwrap()]);
    on_a_line("outputs", 1000, |n| {
        let x = source();
        (0..n).map(|k| &x + k as i32).collect()
    });
    on_a_line("reductions", 1000, |n| {
        let x = source();
        let means = (0..n).map(|k| (&x + k as i32).mean());
        vec![&x + means.reduce(|a, b| a + b).unwrap()]
    });
}
