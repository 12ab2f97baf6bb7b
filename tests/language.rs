//! The pipeline language: precedence, names, calls, and what it refuses with which words.

#[path = "language/errors.rs"]
mod errors;

use errors::ERRORS;
use ndarray::{ArrayD, IxDyn};
use proptest::prelude::*;
use stackmill::dtype::Dtype;
use stackmill::formats::memory::MemorySource;
use stackmill::graph::Array;
use stackmill::language::{Pipeline, evaluate, parenthesised};
use std::sync::Arc;

fn stack() -> Array {
    let array = ArrayD::<u16>::zeros(IxDyn(&[4, 20, 30]));
    Array::from_source(Arc::new(MemorySource::from_ndarray(&array).unwrap())).with_axes("ZYX")
}

fn others() -> Vec<(String, Array)> {
    vec![("dark".to_owned(), stack()), ("flat".to_owned(), stack())]
}

fn run(text: &str) -> Pipeline {
    evaluate(text, &stack(), &others()).unwrap_or_else(|e| panic!("{text}\n{e}"))
}

fn error(text: &str) -> String {
    match evaluate(text, &stack(), &others()) {
        Ok(made) => panic!("{text} makes {:?}", made.result),
        Err(e) => {
            assert_eq!(e.exit_code(), 2, "{e}");
            e.to_string()
        }
    }
}

/// The graph in words: op and arguments, then the inputs.
fn words(array: &Array) -> String {
    let node = array.node();
    match node.inputs.len() {
        0 => node.origin.op.clone(),
        _ => format!("{} <- {}", node.origin.op, node.inputs.iter().map(words).collect::<Vec<_>>().join(", ")),
    }
}

fn origin(text: &str) -> String {
    run(text).result.node().origin.op.clone()
}

fn same(a: &str, b: &str) {
    let (a, b) = (run(a).result, run(b).result);
    assert_eq!(words(&a), words(&b));
    assert_eq!((a.shape().unwrap(), a.dtype().unwrap()), (b.shape().unwrap(), b.dtype().unwrap()));
}

#[test]
fn precedence_is_numpys() {
    let table = [
        ("-x ** 2", "(-(x ** 2))"),
        ("2 ** -x", "(2 ** (-x))"),
        ("2 ** 3 ** x", "(2 ** (3 ** x))"),
        ("-x ** -2 ** x", "(-(x ** (-(2 ** x))))"),
        ("~x & 1", "((~x) & 1)"),
        ("- ~ + x", "(-(~(+x)))"),
        ("a + b * c", "(a + (b * c))"),
        ("a - b - c + d", "(((a - b) - c) + d)"),
        ("a / b // c % d * e", "((((a / b) // c) % d) * e)"),
        ("-a * -b", "((-a) * (-b))"),
        ("a & b + 1", "(a & (b + 1))"),
        ("a | b ^ c & d", "(a | (b ^ (c & d)))"),
        ("a & b ^ c | d", "(((a & b) ^ c) | d)"),
        ("a > b | c", "(a > (b | c))"),
        ("a - b > 0.2", "((a - b) > 0.2)"),
        ("(a > b) | c", "((a > b) | c)"),
        ("(a < b) == c", "((a < b) == c)"),
        ("(a + b) * c", "((a + b) * c)"),
        ("a - (b - c)", "(a - (b - c))"),
        ("x[0:10, ::2, -1, None, ...]", "x[0:10, ::2, (-1), None, ...]"),
        ("x[:, 1:, ::, :5:-1] ** 2", "(x[:, 1:, :, :5:(-1)] ** 2)"),
        ("-f(a, b=[1, 2.5, -3], c='z')[0][1:2]", "(-f(a, b=[1, 2.5, (-3)], c='z')[0][1:2])"),
        ("f((1, 2,), [], g=(3,),)", "f([1, 2], [], g=[3])"),
        ("m = a |> b * 2", "m = a\n(b * 2)"),
        ("1_000 + 0x_F + 1e3 + .5 + 5. + 0.25um + 3µm", "((((((1000 + 15) + 1000.0) + 0.5) + 5.0) + 0.25um) + 3.0um)"),
        ("\n\n# nothing\n a # one\n\n  b\r\n\t\n", "a\nb"),
        ("a |>\n b\n |> c", "a\nb\nc"),
        ("a +\n# between\n\n b\n * c\n(d,\n e)", "(a + (b * c))\n[d, e]"),
        ("f(\n a\n,\n b=[\n1]\n)\n~a", "f(a, b=[1])\n(~a)"),
    ];
    for (text, expected) in table {
        assert_eq!(parenthesised(text).unwrap_or_else(|e| panic!("{text}\n{e}")), expected, "{text}");
    }
}

#[test]
fn the_examples_of_the_design() {
    let made = run("
  clean = (x - dark) / (flat - dark) |> gaussian([1, 1.5, 1.5])
  (clean - grey_opening(clean, size=[1, 15, 15]) > 0.2) & (input < 65535)");
    assert_eq!(made.result.dtype().unwrap(), Dtype::Bool);
    assert_eq!(made.result.shape().unwrap()[..], [4, 20, 30]);
    assert_eq!(made.result.node().origin.op, "bitwise_and");
    let [(name, clean)] = &made.named[..] else { panic!("{:?}", made.named) };
    assert_eq!((name.as_str(), clean.dtype().unwrap()), ("clean", Dtype::F64));
    assert_eq!(clean.node().origin.op, "gaussian(sigma=[1, 1.5, 1.5])");
    assert!(words(clean).ends_with("divide <- subtract <- memory, memory, subtract <- memory, memory"), "{}", words(clean));

    let made = run("median([1,3,3]) |> white_tophat([1,15,15]) |> x > 60");
    assert_eq!((made.result.dtype().unwrap(), made.named.len()), (Dtype::Bool, 0));
    let words = words(&made.result);
    assert!(words.starts_with("greater <- white_tophat(size=[1, 15, 15])"), "{words}");
    assert!(words.contains("median(size=[1, 3, 3]) <- memory"), "{words}");
}

#[test]
fn calls_that_lack_their_array_get_the_current_value() {
    for (short, long) in [
        ("gaussian(1.5)", "gaussian(x, 1.5)"),
        ("gaussian(1.5)", "gaussian(sigma=1.5, x=input)"),
        ("gaussian(x, 1.5)", "gaussian(input, sigma=1.5)"),
        ("minimum(3)", "minimum(x, 3)"),
        ("minimum(3, x)", "minimum(3, y=x)"),
        ("subtract(x, 3)", "x - 3"),
        ("subtract(3, x)", "3 - x"),
        ("subtract(3)", "x - 3"),
        ("subtract(y=3)", "x - 3"),
        ("subtract(dark)", "x - dark"),
        ("sqrt", "sqrt(x)"),
        ("sqrt()", "sqrt(x)"),
        ("mean(0)", "mean(x, axis=0)"),
        ("mean('z')", "mean(axis=\"z\")"),
        ("x / max", "x / max(x)"),
        ("clip(0, 255)", "clip(x, 0, 255)"),
        ("clip(0, upper=255)", "clip(lower=0, upper=255)"),
        ("astype('u8')", "astype(x, dtype='u8')"),
        ("where(x > 5, x, 0)", "where(condition=x > 5, x=x, y=0)"),
        ("where(x > 5, x, 0)", "where(x > 5, x, y=0)"),
        ("x > 5 |> where(input, 0)", "where(x > 5, input, 0)"),
        ("where(x > 5, 1, 0)", "where(condition=x > 5, x=1, y=0)"),
        ("median(size=(1, 3, 3))", "median([1, 1 + 2, 9 // 3])"),
        ("cumsum(0)", "cumsum(x, axis=0)"),
        ("x + 2 * 3.5", "x + 7.0"),
        ("2 * x", "multiply(2, x)"),
        ("+x + 1", "x + 1"),
    ] {
        same(short, long);
    }
    assert_eq!(origin("clip(0, 255)"), "clip(lower=0, upper=255)");
    assert_eq!(origin("median(3, mode='nearest')"), "median(size=3, mode='nearest')");
    assert_eq!(origin("gaussian(2 ** 0.5)"), "gaussian(sigma=1.4142135623730951)");
    assert_eq!(origin("mean(keepdims=True, axis=['y', 'x'])"), "mean(axis=['y', 'x'], keepdims=True)");
}

/// Arithmetic between numbers, as Python prints it.
#[test]
fn numbers_alone_are_folded_as_python_does() {
    for (text, expected) in [
        ("7 // 2", "3"),
        ("-7 // 2", "-4"),
        ("7 // -2", "-4"),
        ("-7 % 3", "2"),
        ("7 % -3", "-2"),
        ("7.5 // -2", "-4.0"),
        ("-7.5 % 2", "0.5"),
        ("7 / 2", "3.5"),
        ("2 ** 10", "1024"),
        ("2 ** -1", "0.5"),
        ("-2 ** 2", "-4"),
        ("2 ** 3 ** 2", "512"),
        ("(-2) ** 3", "-8"),
        ("0 ** 0", "1"),
        ("(-1) ** 1001", "-1"),
        ("1e3 + 1", "1001.0"),
        ("True + 1", "2"),
        ("-True", "-1"),
        ("6 & 3", "2"),
        ("6 | 3", "7"),
        ("6 ^ 3", "5"),
        ("~5", "-6"),
        ("5 - 2 - 1", "2"),
        ("2 + 3 * 4", "14"),
        ("1 < 2", "True"),
        ("1 == 1.0", "True"),
        ("(1 < 2) & (3 > 4)", "False"),
        ("0x10 + 0b11 + 0o17", "34"),
        ("1_000", "1000"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("-1 // 3.0", "-1.0"),
        ("1 - -1", "2"),
        ("-1.0 % 1e3", "999.0"),
    ] {
        let error = error(text);
        let value = error.strip_prefix("the step makes ").and_then(|rest| rest.split(',').next());
        assert_eq!(value, Some(expected), "{text}");
    }
}

#[test]
fn shapes_and_dtypes_follow() {
    for (text, dtype, shape) in [
        ("x - dark", Dtype::I32, &[4, 20, 30][..]),
        ("x / 2", Dtype::F32, &[4, 20, 30]),
        ("x & 0xFF", Dtype::U16, &[4, 20, 30]),
        ("-x", Dtype::I32, &[4, 20, 30]),
        ("x * 2 - 100", Dtype::I64, &[4, 20, 30]),
        ("sum(x) - 5", Dtype::I64, &[]),
        ("(x > 60) |> gaussian(1)", Dtype::F32, &[4, 20, 30]),
        ("(x > 60) |> uniform(3)", Dtype::F32, &[4, 20, 30]),
        ("where(x > 5, astype(x, f32), nan)", Dtype::F32, &[4, 20, 30]),
        ("astype(f32) |> gaussian(1, mode='constant', cval=nan) |> minimum(x, inf)", Dtype::F32, &[4, 20, 30]),
        ("~(x > 3)", Dtype::Bool, &[4, 20, 30]),
        ("x[0:10, ::2, -1]", Dtype::U16, &[4, 10]),
        ("x[0:2, ::2, None, ..., -1]", Dtype::U16, &[2, 10, 1]),
        ("(x + 1)[0][::-1][1 + 1:]", Dtype::U32, &[18, 30]),
        ("x - mean(x, axis='z')", Dtype::F64, &[4, 20, 30]),
        ("x[99999999999999999:, :, -5:-1:0x2]", Dtype::U16, &[0, 20, 2]),
    ] {
        let result = run(text).result;
        assert_eq!((result.dtype().unwrap(), &result.shape().unwrap()[..]), (dtype, shape), "{text}");
    }
}

#[test]
fn names_hold_what_their_whole_line_makes() {
    let made = run("bg = gaussian(3)\nm = input - bg |> median(3)\nx > bg\nlast = x");
    let named: Vec<_> = made.named.iter().map(|(name, array)| (name.as_str(), array.node().origin.op.as_str())).collect();
    assert_eq!(named, [("bg", "gaussian(sigma=3)"), ("m", "median(size=3)"), ("last", "greater")]);
    let made = run("gaussian(3) |> bg = median(3)\nx\n- bg");
    assert_eq!(made.result.node().origin.op, "subtract");
    assert_eq!(made.named[0].0, "bg");
    assert!(error("bg =\n gaussian(3)").starts_with("expected an expression, got a line break"));
}

#[test]
fn the_line_of_a_node_is_the_callers() {
    assert!(run("x + 1").result.node().origin.line.file().ends_with("language.rs"));
}

#[test]
fn errors_say_what_and_where() {
    for (text, expected) in ERRORS {
        assert_eq!(error(text), *expected, "{text}");
    }
}

#[test]
fn depth_is_bounded_and_length_is_not() {
    let within = |n: usize| format!("{}x{}", "(".repeat(n), ")".repeat(n));
    run(&within(199));
    let work = move || {
        for text in
            [within(200), within(100_000), "-".repeat(100_000), "[".repeat(9_999), "x**".repeat(5_000) + "x", "f(".repeat(900)]
        {
            let message = error(&text);
            assert!(message.contains("nested deeper than 200"), "{message}");
            assert!(message.lines().all(|line| line.chars().count() < 200), "{message}");
        }
        // Every level of operators inside every bracket: the deepest stack that a pipeline can ask for.
        let nested = format!("{}x{}", "(1==1|1^1&1+1*(".repeat(99), "))".repeat(99));
        run(&nested);
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
    run(&format!("x{}", " + 1".repeat(5_000)));
    run(&format!("x{}", "[::]".repeat(2_000)));
    run(&"sqrt\n".repeat(2_000));
}

#[test]
fn names_of_inputs_are_checked() {
    let refuse = |names: &[&str]| {
        let others: Vec<_> = names.iter().map(|name| ((*name).to_owned(), stack())).collect();
        evaluate("x", &stack(), &others).unwrap_err().to_string()
    };
    assert_eq!(refuse(&["x"]), "'x' cannot be given as a name: it is the current value\nhint: choose another name");
    assert_eq!(refuse(&["median"]), "'median' cannot be given as a name: it is an op\nhint: choose another name");
    assert_eq!(refuse(&["a", "a"]), "two inputs are called 'a'");
    assert_eq!(refuse(&["2a"]), "'2a' is no name for an array\nhint: letters, digits and _, not a digit first");
    assert_eq!(refuse(&[""]), "'' is no name for an array\nhint: letters, digits and _, not a digit first");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "[x-z0-9_.eum+*/%&|^~<>=()\\[\\]{},:'\"#!\\\\; \n\t-]{0,60}") {
        let _ = evaluate(&text, &stack(), &others());
        let _ = parenthesised(&text);
    }

    #[test]
    fn no_characters_panic(text in any::<String>()) {
        let _ = evaluate(&text, &stack(), &others());
    }

    #[test]
    fn no_sequence_of_words_panics(parts in proptest::collection::vec(prop::sample::select(vec![
        "x", "input", "dark", "a", "a =", "|>", "\n", "+", "-", "~", "**", "//", "/", "%", "&", "<", "==", "(", ")", "[", "]", ",", ":", "...",
        "None", "True", "and", "not", "median(", "gaussian", "where(", "minimum(", "size=", "axis=", "'z'", "'", "3", "2.5", "0.25um", "µ", "mean",
        "x[", "-1", "0", "18446744073709551615", "9223372036854775808", "1e400", "#", "é", ".", "x[::", "argmax(", "cumsum(", "clip(", "astype('u8')",
    ]), 0..14), spaced in any::<bool>()) {
        let text = parts.join(if spaced { " " } else { "" });
        let _ = evaluate(&text, &stack(), &others());
    }

    /// What is printed with all parentheses is read back as the same.
    #[test]
    fn printing_and_reading_agree(parts in proptest::collection::vec((prop::sample::select(vec!["", "-", "~", "- ~"]),
        prop::sample::select(vec!["a", "2", "0.5", "f(a, k=b)", "(a - b)", "x[1:, None]", "[1, -2]"]),
        prop::sample::select(vec!["+", "-", "*", "/", "//", "%", "**", "&", "|", "^"])), 1..9)) {
        let mut text: String = parts.iter().map(|(sign, operand, op)| format!("{sign}{operand} {op} ")).collect();
        text.push('x');
        let once = parenthesised(&text).unwrap();
        prop_assert_eq!(parenthesised(&once).unwrap(), once);
    }
}
