//! What pipelines refuse, with the whole message.

/// Messages as they are printed.
pub const ERRORS: &[(&str, &str)] = &[
    ("", "the pipeline is empty\nhint: for example: gaussian(1.5) |> x > 60"),
    (" \n # only a comment\n", "the pipeline is empty\nhint: for example: gaussian(1.5) |> x > 60"),
    (
        "median(3) |> gausian(1.5)",
        "unknown name 'gausian'\n  in step 2, column 14: gausian(1.5)\n                        ^\nhint: did you mean 'gaussian'?",
    ),
    (
        "median(3)\nx > flt |> x",
        "unknown name 'flt'\n  in step 2, line 2, column 5: x > flt\n                                   ^\nhint: did you mean 'flat'?",
    ),
    (
        "a = x - dark\n\n  |> x + (a)",
        "unknown name 'a'\n  in step 2, line 3, column 10: x + (a)\n                                    ^\nhint: 'a' names what its whole line makes: break the line after the step that it should name",
    ),
    (
        "bg = gaussian(2) |> input - bg",
        "unknown name 'bg'\n  in step 2, column 29: input - bg\n                                ^\nhint: 'bg' names what its whole line makes: break the line after the step that it should name",
    ),
    (
        "gaussian(1) |> a = median(3) |> x > 5",
        "'a' names a step in the middle of its line\n  in step 2, column 16: a = median(3)\n                        ^\nhint: a name holds what its whole line makes: begin a new line for it, and another one after the step",
    ),
    (
        "a = median(3) |> b = x > 5",
        "two names for one line: 'a' and 'b'\n  in step 2, column 18: b = x > 5\n                        ^\nhint: a name holds what its whole line makes; begin a new line for the second",
    ),
    (
        "x = median(3)",
        "'x' cannot be given as a name: it is the current value\n  in step 1, column 1: x = median(3)\n                       ^\nhint: choose another name",
    ),
    (
        "input = median(3)",
        "'input' cannot be given as a name: it is the input file\n  in step 1, column 1: input = median(3)\n                       ^\nhint: choose another name",
    ),
    (
        "dark = median(3)",
        "'dark' cannot be given as a name: it is an input of -i\n  in step 1, column 1: dark = median(3)\n                       ^\nhint: choose another name",
    ),
    (
        "median = median(3)",
        "'median' cannot be given as a name: it is an op\n  in step 1, column 1: median = median(3)\n                       ^\nhint: choose another name",
    ),
    (
        "not = median(3)",
        "'not' cannot be given as a name: it is a word of the language\n  in step 1, column 1: not = median(3)\n                       ^\nhint: choose another name",
    ),
    (
        "a = median(3)\na = x > 5",
        "the name 'a' is given twice\n  in step 2, line 2, column 1: a = x > 5\n                               ^\nhint: choose another name",
    ),
    (
        "a < x + 1 <  b",
        "a chained comparison does not work element by element\n  in step 1, column 11: a < x + 1 <  b\n                                  ^\nhint: write (a < x + 1) & (x + 1 < b)",
    ),
    (
        "a < b <= c != d",
        "a chained comparison does not work element by element\n  in step 1, column 12: a < b <= c != d\n                                   ^\nhint: write (a < b) & (b <= c) & (c != d)",
    ),
    (
        "x > 1 & x < 5",
        "a chained comparison does not work element by element\n  in step 1, column 11: x > 1 & x < 5\n                                  ^\nhint: & binds tighter than comparisons; write (x > 1) & (x < 5)",
    ),
    (
        "x > 1 & x < 5 | x > 7",
        "a chained comparison does not work element by element\n  in step 1, column 19: x > 1 & x < 5 | x > 7\n                                          ^\nhint: | binds tighter than comparisons; write (x > 1) & (x < 5) | (x > 7)",
    ),
    (
        "x > 5 and not x < 3 + 1",
        "'and' does not work element by element\n  in step 1, column 7: x > 5 and not x < 3 + 1\n                             ^\nhint: write (x > 5) & (~(x < (3 + 1)))",
    ),
    ("not x", "'not' does not work element by element\n  in step 1, column 1: not x\n                       ^\nhint: write ~x"),
    (
        "x or dark",
        "'or' does not work element by element\n  in step 1, column 3: x or dark\n                         ^\nhint: write x | dark",
    ),
    (
        "x && dark",
        "'&&' is no operator of pipelines\n  in step 1, column 3: x && dark\n                         ^\nhint: element by element it is &, with comparisons in parentheses: (x > 1) & (x < 5)",
    ),
    (
        "x || dark",
        "'||' is no operator of pipelines\n  in step 1, column 3: x || dark\n                         ^\nhint: element by element it is |, with comparisons in parentheses: (x < 1) | (x > 5)",
    ),
    (
        "!x",
        "'!' is no operator of pipelines\n  in step 1, column 1: !x\n                       ^\nhint: element by element, not is ~",
    ),
    (
        "x << 2",
        "'<<' is no operator of pipelines\n  in step 1, column 3: x << 2\n                         ^\nhint: multiply by a power of 2",
    ),
    (
        "x; x",
        "';' is no operator of pipelines\n  in step 1, column 2: x; x\n                        ^\nhint: steps are separated by |> or line breaks",
    ),
    ("x $ 2", "unexpected character '$'\n  in step 1, column 3: x $ 2\n                         ^"),
    (
        "x.mean()",
        "attributes and methods are not part of pipelines\n  in step 1, column 2: x.mean()\n                        ^\nhint: write mean(…) with the array inside",
    ),
    (
        "x[0].T",
        "attributes and methods are not part of pipelines\n  in step 1, column 5: x[0].T\n                           ^\nhint: write T(…) with the array inside",
    ),
    (
        "x if x > 3 else 0",
        "expected an operator, |> or a line break, got 'if'\n  in step 1, column 3: x if x > 3 else 0\n                         ^\nhint: choose element by element with where(condition, a, b)",
    ),
    (
        "1.5 um",
        "expected an operator, |> or a line break, got 'um'\n  in step 1, column 5: 1.5 um\n                           ^\nhint: a unit stands directly behind its number: 0.25um",
    ),
    (
        "gaussian(3px)",
        "unknown unit 'px' in '3px'\n  in step 1, column 10: gaussian(3px)\n                                 ^\nhint: known: nm, um, mm, cm, m; pixels are plain numbers, and names do not begin with a digit",
    ),
    (
        "gaussian(0.25um)",
        "0.25um along axis 'z', which has no pixel size\n  in step 1, column 1: gaussian(0.25um)\n                       ^\nhint: give pixels",
    ),
    (
        "gaussian(2 * 0.25um)",
        "'*' is for arrays and numbers, got 0.25um\n  in step 1, column 12: gaussian(2 * 0.25um)\n                                   ^",
    ),
    ("(x + 1", "the bracket is never closed with ')'\n  in step 1, column 1: (x + 1\n                       ^"),
    ("x + 1)", "expected an operator, |> or a line break, got ')'\n  in step 1, column 6: x + 1)\n                            ^"),
    (
        "median([1, 3, 3)",
        "expected an operator, ',' or ']', got ')'\n  in step 1, column 16: median([1, 3, 3)\n                                       ^",
    ),
    (
        "median(3 4)",
        "expected an operator, ',' or ')', got '4'\n  in step 1, column 10: median(3 4)\n                                 ^",
    ),
    ("x +", "expected an expression, got the end\n  in step 1, column 4: x +\n                          ^"),
    ("x |> |> sqrt", "expected an expression, got '|>'\n  in step 2, column 6: |> sqrt\n                       ^"),
    ("|> sqrt", "expected an expression, got '|>'\n  in step 1, column 1: |> sqrt\n                       ^"),
    ("x |>", "nothing follows the last |>\n  in step 1, column 3: x |>\n                         ^"),
    ("()", "nothing between the parentheses\n  in step 1, column 1: ()\n                       ^"),
    (
        "x[]",
        "an empty subscript\n  in step 1, column 2: x[]\n                        ^\nhint: for example [0:10, ::2, -1, None, ...]",
    ),
    (
        "x == 3 = 4",
        "expected an operator, |> or a line break, got '='\n  in step 1, column 8: x == 3 = 4\n                              ^\nhint: compare with ==; a name stands at the beginning of a step",
    ),
    (
        "(sqrt)(x)",
        "expected an operator, |> or a line break, got '('\n  in step 1, column 7: (sqrt)(x)\n                             ^\nhint: only ops are called, by their names",
    ),
    (
        "dark(3)",
        "'dark' is an array, not an op\n  in step 1, column 1: dark(3)\n                       ^\nhint: dark[…] is a part of it, dark * (…) a product",
    ),
    ("astype('u8", "the string has no closing '\n  in step 1, column 8: astype('u8\n                              ^"),
    (
        "astype('u\\8')",
        "a backslash in a string\n  in step 1, column 8: astype('u\\8')\n                              ^\nhint: strings have no escapes here",
    ),
    (
        "x + 18446744073709551616",
        "18446744073709551616 does not fit in 64 bits\n  in step 1, column 5: x + 18446744073709551616\n                           ^",
    ),
    (
        "x + 2 ** 64",
        "the number does not fit in 64 bits\n  in step 1, column 7: x + 2 ** 64\n                             ^\nhint: write one of the numbers with a point",
    ),
    ("x + 1 / 0", "division by zero\n  in step 1, column 7: x + 1 / 0\n                             ^"),
    (
        "x + (-8) ** 0.5",
        "-8.0 ** 0.5 is no real number\n  in step 1, column 10: x + (-8) ** 0.5\n                                 ^\nhint: a sign binds less tightly than **",
    ),
    (
        "x & 1.5 & 2",
        "bitwise logic is for bools and integers, got f32\n  in step 1, column 3: x & 1.5 & 2\n                         ^\nhint: compare first, as in (x > 0.5) & (y > 0.5)",
    ),
    (
        "x + (1.5 | 2)",
        "'|' is for bools and whole numbers, got 1.5\n  in step 1, column 10: x + (1.5 | 2)\n                                 ^",
    ),
    ("007 + x", "'007' begins with a zero\n  in step 1, column 1: 007 + x\n                       ^\nhint: write 7"),
    ("0xZZ + x", "'0xZZ' is no whole number of at most 64 bits\n  in step 1, column 1: 0xZZ + x\n                       ^"),
    (
        "2 * 3.5",
        "the step makes 7.0, not an array\n  in step 1, column 3: 2 * 3.5\n                         ^\nhint: write it where it is used",
    ),
    (
        "'text'",
        "the step makes 'text', not an array\n  in step 1, column 1: 'text'\n                       ^\nhint: write it where it is used",
    ),
    ("x + [1, 2]", "'+' is for arrays and numbers, got [1, 2]\n  in step 1, column 3: x + [1, 2]\n                         ^"),
    ("x + 'a'", "'+' is for arrays and numbers, got 'a'\n  in step 1, column 3: x + 'a'\n                         ^"),
    ("-'a' + x", "a sign is for arrays and numbers, got 'a'\n  in step 1, column 1: -'a' + x\n                       ^"),
    (
        "median([x, 3])",
        "an array where a number, a name or a list should be\n  in step 1, column 9: median([x, 3])\n                               ^",
    ),
    (
        "median",
        "median needs 'size'\n  in step 1, column 1: median\n                       ^\nhint: median(x, size, mode='reflect', cval=0.0, origin=0, axes=None)",
    ),
    (
        "median(3, 5, 7, 8, 9, 10)",
        "median got more arguments than it takes\n  in step 1, column 1: median(3, 5, 7, 8, 9, 10)\n                       ^\nhint: median(x, size, mode='reflect', cval=0.0, origin=0, axes=None)",
    ),
    (
        "median(size=3, size=3)",
        "median got 'size' twice\n  in step 1, column 1: median(size=3, size=3)\n                       ^\nhint: median(x, size, mode='reflect', cval=0.0, origin=0, axes=None)",
    ),
    (
        "median(x, 3, x=x)",
        "median got an array as 'size'\n  in step 1, column 1: median(x, 3, x=x)\n                       ^\nhint: median(x, size, mode='reflect', cval=0.0, origin=0, axes=None)",
    ),
    (
        "median(sise=3)",
        "unknown parameter of median 'sise'\n  in step 1, column 1: median(sise=3)\n                       ^\nhint: did you mean 'size'?",
    ),
    (
        "median(size=3, x)",
        "an argument without a name after one with a name\n  in step 1, column 16: median(size=3, x)\n                                       ^",
    ),
    (
        "median(x, x)",
        "median got an array as 'size'\n  in step 1, column 1: median(x, x)\n                       ^\nhint: median(x, size, mode='reflect', cval=0.0, origin=0, axes=None)",
    ),
    (
        "median([1, 3])",
        "size has 2 values for 3 axes (array of shape (4, 20, 30), axes ZYX)\n  in step 1, column 1: median([1, 3])\n                       ^\nhint: give one value per axis, 3 in all, or a single number",
    ),
    (
        "median(2.5)",
        "parameter 'size': expected whole number, got 2.5\n  in step 1, column 1: median(2.5)\n                       ^",
    ),
    (
        "median(3, mode='reflekt')",
        "parameter 'mode': unknown mode 'reflekt'\n  in step 1, column 1: median(3, mode='reflekt')\n                       ^\nhint: did you mean 'reflect'?",
    ),
    ("sqrt(4)", "sqrt got more arguments than it takes\n  in step 1, column 1: sqrt(4)\n                       ^\nhint: sqrt(x)"),
    (
        "where(x=1)",
        "where needs the array 'condition'\n  in step 1, column 1: where(x=1)\n                       ^\nhint: where(condition, x, y)",
    ),
    (
        "where",
        "where needs the array 'condition'\n  in step 1, column 1: where\n                       ^\nhint: where(condition, x, y)",
    ),
    (
        "minimum(y=3, x=4)",
        "minimum needs an array, got only numbers\n  in step 1, column 1: minimum(y=3, x=4)\n                       ^\nhint: minimum(x, y)",
    ),
    (
        "minimum(3, 'a')",
        "minimum got more arguments than it takes\n  in step 1, column 1: minimum(3, 'a')\n                       ^\nhint: minimum(x, y)",
    ),
    (
        "subtract(3, x=dark)",
        "subtract needs the array 'y'\n  in step 1, column 1: subtract(3, x=dark)\n                       ^\nhint: subtract(x, y)",
    ),
    (
        "x\nmean(axis='q')",
        "unknown axis 'q'\n  in step 2, line 2, column 1: mean(axis='q')\n                               ^\nhint: did you mean 'z'?",
    ),
    (
        "x - x[:, :5]",
        "shapes (4, 20, 30) and (4, 5, 30) do not broadcast\n  in step 1, column 3: x - x[:, :5]\n                         ^\nhint: axes are aligned at the last one; extents must be equal or 1",
    ),
    (
        "x[0, 0, 0, 0]",
        "an index of 4 axes and 0 ellipses for an array of 3 axes\n  in step 1, column 2: x[0, 0, 0, 0]\n                        ^",
    ),
    ("x[7]", "index 7 is out of range for axis 0 of 4 elements\n  in step 1, column 2: x[7]\n                        ^"),
    ("x[::0]", "slice step is zero\n  in step 1, column 2: x[::0]\n                        ^"),
    (
        "x[x > 3]",
        "a subscript takes whole numbers and ranges, got an array\n  in step 1, column 5: x[x > 3]\n                           ^\nhint: choose elements with where(mask, x, 0)",
    ),
    ("x[1.5]", "a subscript takes whole numbers and ranges, got 1.5\n  in step 1, column 3: x[1.5]\n                         ^"),
    ("[1, 2][0]", "only arrays have subscripts, got [1, 2]\n  in step 1, column 7: [1, 2][0]\n                             ^"),
    (
        "f(x |> sqrt)",
        "expected an operator, ',' or ')', got '|>'\n  in step 1, column 5: f(x |> sqrt)\n                           ^",
    ),
    (
        "x[1:2:3:4]",
        "expected an operator, ',' or ']', got ':'\n  in step 1, column 8: x[1:2:3:4]\n                              ^",
    ),
    (
        "x / 2 |> x & 1",
        "bitwise logic is for bools and integers, got f32\n  in step 2, column 12: x & 1\n                          ^\nhint: compare first, as in (x > 0.5) & (y > 0.5)",
    ),
];
