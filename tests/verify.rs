//! Tiles computed again while a run goes on: right results pass whatever they are made of, wrong ones are caught with their place.

use stackmill::device::cpu::Cpu;
use stackmill::device::{Device, Host, InputData, Launched};
use stackmill::grid::Region;
use stackmill::language::evaluate;
use stackmill::plan::Pass;
use stackmill::run::{Summary, Verified};
use stackmill::{Array, Options, Result, Session};

const SHAPE: (usize, usize, usize) = (6, 40, 70);

fn random(seed: usize) -> u64 {
    let mut z = (seed as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 20
}

fn whole() -> Array {
    let at = |(z, y, x): (usize, usize, usize)| (random((z * 40 + y) * 70 + x) % 4096) as u16;
    Array::from_ndarray(&ndarray::Array3::from_shape_fn(SHAPE, at))
}

fn bytes() -> Array {
    let at = |(z, y, x): (usize, usize, usize)| random((z * 40 + y) * 70 + x) as u8;
    Array::from_ndarray(&ndarray::Array3::from_shape_fn(SHAPE, at))
}

fn single() -> Array {
    let at = |(z, y, x): (usize, usize, usize)| (random((z * 40 + y) * 70 + x) % 1_000_003) as f32 / 1000.0 - 300.0;
    Array::from_ndarray(&ndarray::Array3::from_shape_fn(SHAPE, at))
}

fn double() -> Array {
    let at = |(z, y, x): (usize, usize, usize)| (random((z * 40 + y) * 70 + x) % 1_000_003) as f64 / 1000.0 - 300.0;
    Array::from_ndarray(&ndarray::Array3::from_shape_fn(SHAPE, at))
}

/// Numbers that floats have and that few think of.
fn strange() -> Array {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 1e-40, f32::MAX, f32::MIN, 1e-38];
    let at = |(z, y, x): (usize, usize, usize)| match random((z * 40 + y) * 70 + x) as usize % 97 {
        k if k < odd.len() => odd[k],
        k => k as f32 - 50.0,
    };
    Array::from_ndarray(&ndarray::Array3::from_shape_fn(SHAPE, at))
}

fn options(verify: usize) -> Options {
    Options { tile: Some(vec![3, 16, 32]), threads: Some(2), memory: Some(256 << 20), verify, ..Options::default() }
}

fn made(text: &str, x: &Array) -> Array {
    evaluate(text, x, &[]).unwrap().result
}

fn run(text: &str, x: &Array, options: &Options) -> Result<Summary> {
    made(text, x).compute_with(options).map(|computed| computed.summary)
}

fn verified(text: &str, x: &Array, verify: usize) -> Verified {
    let summary = run(text, x, &options(verify)).unwrap_or_else(|error| panic!("{text}: {error}"));
    summary.verified().unwrap_or_default()
}

const PIPELINES: &[&str] = &[
    "x",
    "gaussian(1.5)",
    "gaussian([0.7, 1, 2], mode='constant', cval=3)",
    "gaussian(1.5) |> x > 100",
    "gaussian(1) |> astype('u8')",
    "median([1, 3, 3])",
    "gaussian(1) |> median(3) |> x > mean(x)",
    "white_tophat([1, 5, 5]) |> x > 60",
    "gaussian(1) |> white_tophat([1, 5, 5]) |> astype('u16')",
    "sobel(-1)",
    "sobel(0, mode='wrap') |> abs(x) |> x > 20",
    "uniform([1, 5, 5], mode='mirror')",
    "gaussian(2) |> uniform(3) |> astype('i16')",
    "(x - mean(x)) / std(x)",
    "gaussian(1, mode='nearest') |> (x - min(x)) / (max(x) - min(x))",
    "laplace(x) |> x * 3 + 1",
    "sobel_magnitude()",
    "gaussian(1, order=[0, 1, 2])",
    "gaussian(1) |> percentile_filter(30, [1, 3, 3]) |> clip(20, 90)",
    "nonflat_dilation([[[0, 1.5, 0]]]) |> gaussian(1)",
    "gaussian(1) |> remainder(7) |> x ** 3",
    "uniform(3) |> var(x, axis=2)",
    "gaussian(1) |> isnan(x) |> ~x",
    "astype('f16') |> gaussian(1) |> x / 3",
    "sqrt(abs(x)) + exp(x / 5000) * sin(x) - log(abs(x) + 1)",
    "where(gaussian(x, 1) > 50, x, 0)",
    "grey_opening([1, 3, 3]) |> x + 1",
    "gaussian(1) |> x[::2, ::-1, 3:50] |> cumsum(1)",
    "sum(gaussian(x, 1), axis=0)",
    "std(gaussian(x, 1))",
    "argmax(x, axis=1)",
    "mean(x > 100, axis=2)",
    "correlate([[[1, 2, 1], [0, 0, 0], [-1, -2, -1]]], mode='reflect')",
    "x % 7 + x // 3",
    "(x / 3) ** 2 |> gaussian(1) |> x ** 0.5",
    "(x > 50) & (gaussian(x, 1) < 200) | (x < 3)",
    "gaussian(0.5) |> (x > 60) ^ (x > 70)",
];

#[test]
fn right_results_pass_whatever_they_are_made_of() {
    for (kind, x) in [("u16", whole()), ("u8", bytes()), ("f32", single()), ("f64", double()), ("strange f32", strange())] {
        for text in PIPELINES {
            let result = made(text, &x);
            if result.info().is_err() {
                println!("{kind} {text}: {}", result.info().unwrap_err());
                continue;
            }
            let seen = verified(text, &x, usize::MAX);
            println!("{kind:12} {text:60} {seen:?}");
            assert!(seen.tiles > 0 && seen.share <= 1.0, "{kind} {text}: {seen:?}");
        }
    }
}

/// A CPU that makes one element of one tile wrong.
struct Wrong {
    cpu: Cpu,
    /// Where the tile starts whose element is wrong.
    tile: [usize; 3],
    /// Which of its bytes.
    byte: usize,
    /// Which byte of the first partial state.
    state: usize,
}

impl Wrong {
    fn at(tile: [usize; 3], byte: usize) -> Wrong {
        Wrong { cpu: Cpu::default(), tile, byte, state: 1 }
    }
}

impl Device for Wrong {
    fn launch(&self, pass: &Pass, tile: &Region, inputs: &[InputData<'_>], host: Host<'_>) -> Result<Launched> {
        let mut launched = self.cpu.launch(pass, tile, inputs, host)?;
        if tile.start[..] == self.tile {
            if let Some(made) = launched.tiles.first_mut() {
                made.data.bytes_mut()[self.byte] ^= 1;
            }
            for partial in launched.partials.iter_mut().take(1) {
                partial.state[self.state] ^= 1;
            }
        }
        Ok(launched)
    }
}

fn run_on(device: &dyn Device, text: &str, x: &Array, options: &Options) -> Result<Summary> {
    let (session, _) = Session::in_memory(&made(text, x), options)?;
    session.run_on(device, &|_| Ok(()))
}

/// Row 2, element 5 of the second plane of the tile at (3, 16, 32).
const PLACE: [usize; 3] = [3, 16, 32];
const ELEMENT: usize = (16 + 2) * 32 + 5;

#[test]
fn one_bit_of_an_exact_result_is_caught_with_its_place() {
    let error = run_on(&Wrong::at(PLACE, 4 * ELEMENT), "median([1, 3, 3]) |> x + 1", &whole(), &options(usize::MAX)).unwrap_err();
    let text = error.to_string();
    println!("{text}");
    assert!(text.contains("1 of 1536 elements") && text.contains("(4, 18, 37)") && text.contains(", 1 away"), "{text}");
    assert!(text.contains("tile") && text.contains("hint: --device cpu"), "{text}");
    assert_eq!(error.exit_code(), 1);
}

#[test]
fn one_wrong_float_is_caught_and_the_last_bit_of_one_is_not() {
    let text = "gaussian(1.5) |> x * 3";
    let error = run_on(&Wrong::at(PLACE, 4 * ELEMENT + 2), text, &single(), &options(usize::MAX)).unwrap_err().to_string();
    println!("{error}");
    assert!(error.contains("1 of 1536") && error.contains("(4, 18, 37)") && error.contains("times the bound"), "{error}");
    let seen = run_on(&Wrong::at(PLACE, 4 * ELEMENT), text, &single(), &options(usize::MAX)).unwrap().verified().unwrap();
    assert!(seen.share > 0.0 && seen.share <= 1.0, "{seen:?}");
}

#[test]
fn a_threshold_far_from_its_tie_is_not_excused() {
    let text = "gaussian(1.5) |> x > 100";
    let error = run_on(&Wrong::at(PLACE, ELEMENT), text, &single(), &options(usize::MAX)).unwrap_err().to_string();
    assert!(error.contains("1 of 1536") && error.contains("(4, 18, 37)"), "{error}");
}

#[test]
fn a_wrong_reduction_is_caught() {
    // The digit of an exact accumulator that holds 2^10; a byte of a key; a byte of a sum.
    for (text, x, state) in [("x - mean(x)", single(), 544), ("x > max(x)", whole(), 1), ("sum(x, axis=0)", whole(), 1)] {
        let error = run_on(&Wrong { state, ..Wrong::at([0, 0, 0], 0) }, text, &x, &options(usize::MAX)).unwrap_err().to_string();
        println!("{error}");
        assert!(error.contains("a reduction"), "{text}: {error}");
    }
}

#[test]
fn as_many_tiles_as_asked_for_are_computed_again_and_always_the_same() {
    let all = 18;
    for n in [1, 2, 5, 17, 18, 19, 1000] {
        let seen = verified("gaussian(1)", &whole(), n);
        assert_eq!(seen.tiles, n.min(all), "--verify {n}");
    }
    assert!(run("gaussian(1)", &whole(), &options(0)).unwrap().verified().is_none());
    let caught = |n: usize, tile: [usize; 3]| run_on(&Wrong::at(tile, 0), "median(3)", &whole(), &options(n)).is_err();
    let tiles =
        || [0, 3].into_iter().flat_map(|z| [0, 16, 32].map(move |y| (z, y))).flat_map(|(z, y)| [0, 32, 64].map(|x| [z, y, x]));
    let first: Vec<bool> = tiles().map(|tile| caught(3, tile)).collect();
    assert_eq!(first.iter().filter(|caught| **caught).count(), 3, "{first:?}");
    assert!(first.chunks(6).all(|part| part.contains(&true)), "one in each third of the sweep: {first:?}");
    assert_eq!(first, tiles().map(|tile| caught(3, tile)).collect::<Vec<_>>());
}

#[test]
fn a_budget_leaves_room_for_it_or_the_plan_says_so() {
    let x = whole();
    let with = |verify: usize, memory: u64| {
        let options = Options { memory: Some(memory), tile: None, ..options(verify) };
        Session::in_memory(&made("gaussian(2) |> x > 60", &x), &options).map(|(session, _)| session.plan().peak_bytes())
    };
    let (without, beside) = (with(0, 64 << 20).unwrap(), with(4, 64 << 20).unwrap());
    assert!(beside > without && beside <= 64 << 20, "{without} {beside}");
    let error = with(4, 300_000).unwrap_err().to_string();
    assert!(error.starts_with("memory: "), "{error}");
}
