"""The tables of docs/python-dtypes.md and docs/array-api.md, from what happens. Run as a script it writes them."""

import pathlib
import warnings

import numpy as np

import stackmill as sm
from stackmill import array_api

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
DTYPES = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"]

STANDARD = [
    "arange",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "full",
    "full_like",
    "linspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tril",
    "triu",
    "zeros",
    "zeros_like",
    "astype",
    "broadcast_arrays",
    "broadcast_to",
    "can_cast",
    "finfo",
    "iinfo",
    "isdtype",
    "result_type",
    "abs",
    "acos",
    "acosh",
    "add",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_invert",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "ceil",
    "clip",
    "conj",
    "copysign",
    "cos",
    "cosh",
    "divide",
    "equal",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "hypot",
    "imag",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "nextafter",
    "not_equal",
    "positive",
    "pow",
    "real",
    "reciprocal",
    "remainder",
    "round",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "square",
    "sqrt",
    "subtract",
    "tan",
    "tanh",
    "trunc",
    "take",
    "take_along_axis",
    "__array_namespace_info__",
    "matmul",
    "matrix_transpose",
    "tensordot",
    "vecdot",
    "concat",
    "expand_dims",
    "flip",
    "moveaxis",
    "permute_dims",
    "repeat",
    "reshape",
    "roll",
    "squeeze",
    "stack",
    "tile",
    "unstack",
    "argmax",
    "argmin",
    "count_nonzero",
    "nonzero",
    "searchsorted",
    "where",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
    "argsort",
    "sort",
    "cumulative_prod",
    "cumulative_sum",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
    "all",
    "any",
    "diff",
    "e",
    "inf",
    "nan",
    "newaxis",
    "pi",
]

_POLYNOMIAL = "no polynomial of its own yet"
_DATA = "its result's shape depends on the data"
_JOINING = "arrays are not joined or reshaped yet; write parts with save_many"
_INDICES = "places cannot be numbers that are computed"
SKIPPED = {
    **dict.fromkeys(["acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cosh", "sinh", "tan", "tanh"], _POLYNOMIAL),
    **dict.fromkeys(["expm1", "log1p", "log2", "log10", "logaddexp", "hypot"], _POLYNOMIAL),
    **dict.fromkeys(["copysign", "nextafter", "signbit"], "the bits of floats are not taken apart"),
    **dict.fromkeys(["nonzero", "unique_all", "unique_counts", "unique_inverse", "unique_values"], _DATA),
    **dict.fromkeys(["concat", "stack", "reshape", "repeat", "roll", "tile"], _JOINING),
    **dict.fromkeys(["take", "take_along_axis", "searchsorted"], _INDICES),
    **dict.fromkeys(["argsort", "sort"], "a stack bigger than memory is not sorted"),
    **dict.fromkeys(["matmul", "tensordot", "vecdot"], "linear algebra is not what this is for"),
    **dict.fromkeys(["prod", "cumulative_prod"], "no reduction of products"),
    **dict.fromkeys(["tril", "triu", "meshgrid"], "use broadcast_to and where"),
    "from_dlpack": "numpy.from_dlpack, then asarray",
    "imag": "there are no complex dtypes",
}

# What of the functions that there are does not hold: a call of each, and why. A test tries that each is refused.
PARTLY = {
    "cumulative_sum(x, include_initial=True)": _JOINING,
    "diff(x, prepend=x)": _JOINING,
    "diff(x, append=x)": _JOINING,
    "cumulative_sum(x)": "of more than one axis, axis= must be said (the standard asks for it too)",
    "astype(x, np.complex64)": "there are no complex dtypes",
    "asarray([1j])": "there are no complex dtypes",
    "full((2,), 1j)": "there are no complex dtypes",
    "pow(asarray([1]), asarray([1]) * 1j)": "there are no complex dtypes",
    "x[x > 0]": "its result's shape depends on the data",
    "x[asarray([0])]": _INDICES,
    "x.__setitem__(0, 1)": "arrays are immutable",
    "x.__dlpack__()": "a lazy array has no memory; numpy.asarray(x) has",
    "zeros((1,) * 7)": "arrays have at most 6 axes",
}


def implemented():
    """Names of the standard that there are."""
    return [name for name in STANDARD if hasattr(array_api, name)]


def _made(symbol, left, right):
    a, b = [sm.from_array(np.ones(3, k)) if isinstance(k, str) else k for k in (left, right)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made = {"+": lambda: a + b, "-": lambda: a - b, "/": lambda: a / b, "&": lambda: a & b, "<<": lambda: a << b}[
                symbol
            ]()
        except TypeError:
            return "–"
    return made.dtype.name


def _short(name):
    for long, short in ("uint", "u"), ("float", "f"), ("int", "i"):
        name = name.replace(long, short)
    return name


def _table(symbol, rights):
    head = f"| `{symbol}` | " + " | ".join(_short(r) if isinstance(r, str) else f"`{r}`" for r in rights) + " |\n"
    head += "| --- " * (len(rights) + 1) + "|\n"
    rows = [
        f"| **{_short(left)}** | " + " | ".join(_short(_made(symbol, left, right)) for right in rights) + " |"
        for left in DTYPES
    ]
    return head + "\n".join(rows) + "\n"


def dtype_table():
    """All dtypes with all dtypes and with Python's numbers."""
    arrays = "\n".join(_table(symbol, DTYPES) for symbol in ("+", "-", "/", "&", "<<"))
    numbers = "\n".join(_table(symbol, [True, 1, 1.5]) for symbol in ("+", "/"))
    return f"{arrays}\n## With Python's numbers\n\n{numbers}"


def dtype_text():
    return f"""# Dtypes in Python

Written by `python/tools/stackmill_tables.py` from what happens; `python/tests/test_dtypes.py` compares every operator between all
dtypes, elements and all, with NumPy.

* Between arrays, operators and NumPy's functions give **NumPy's dtypes**; integers wrap around. A difference without a sign warns once
  at its line.
* A Python int takes the dtype of the array that it meets; one that does not fit is an `OverflowError`, compared it is a number.
* A Python float, and a float of no axes that stackmill computes (`x - x.mean()`), counts as f32 beside bools, integers of at most
  16 bits, f16 and f32, and as f64 beside wider types. `options(default_float="float64")` gives NumPy's rule, `"float32"` always f32.
* `x.astype(d)` is NumPy's cast: fractions are cut off, integers wrap around; what C leaves undefined (numbers beyond the integer) is
  held to 32 or 64 bits first. `stackmill.cast(x, d)` rounds to nearest-even and holds numbers to the range.
* stackmill's own functions (`stackmill.subtract`, `stackmill.add`, …) have the rules of the command line and of Rust: 8/16-bit integers
  compute exactly in 32 bits, 32-bit integers saturate.

`*`, `//`, `%`, `**` are as `+`; `|`, `^` as `&`; `>>` as `<<`; comparisons give bool; – is an error, as NumPy's.

## Between arrays

{dtype_table()}"""


def api_text():
    there = ", ".join(f"`{name}`" for name in implemented())
    rows = "\n".join(f"| `{name}` | {why} |" for name, why in SKIPPED.items())
    partly = "\n".join(f"| `{call}` | {why} |" for call, why in PARTLY.items())
    return f"""# The Python array API

`x.__array_namespace__()` is `stackmill.array_api`, version 2024.12, lazily. `python/tests/test_array_api.py` compares every function
with NumPy on arrays that hypothesis chooses. Written by `python/tools/stackmill_tables.py`.

**There are** {there}; all dtypes but complex64 and complex128.

**There are not**, and why:

| function | why |
| --- | --- |
{rows}

**Of what there is, this is refused**, and why (`PARTLY` in `python/tools/stackmill_tables.py`; a test tries each):

| call | why |
| --- | --- |
{partly}

Sums of integers beyond 64 bits are held to the range, where NumPy's wrap around: the standard leaves that open.
Arrays are immutable: no assignment into them, no `out=`, no boolean masks as indices. The extensions `linalg` and `fft` are not there.
"""


if __name__ == "__main__":
    (DOCS / "python-dtypes.md").write_text(dtype_text())
    (DOCS / "array-api.md").write_text(api_text())
