"""The dtype table: every operator between all dtypes and with Python's numbers, dtypes and elements."""

import operator
import pathlib
import warnings

import numpy as np
import pytest

import stackmill as sm

from conftest import DTYPES, values

ARITHMETIC = ["+", "-", "*", "/", "//", "%", "**"]
LOGIC = ["&", "|", "^", "<<", ">>"]
COMPARED = ["==", "!=", "<", "<=", ">", ">="]
OPERATORS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv, "%": operator.mod,
    "**": operator.pow, "&": operator.and_, "|": operator.or_, "^": operator.xor, "<<": operator.lshift, ">>": operator.rshift,
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
SYMBOLS = [*ARITHMETIC, *LOGIC, *COMPARED]


def applied(symbol, a, b):
    """What NumPy gives, or the exception's type."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            # NumPy's operator takes a shortcut for squares that gives bools another dtype than numpy.power.
            power = symbol == "**" and not isinstance(a, sm.Array) and not isinstance(b, sm.Array)
            return np.power(a, b) if power else OPERATORS[symbol](a, b)
        except (TypeError, ValueError, OverflowError) as error:
            return type(error)


def judged(symbol, ours, theirs, loop):
    """Dtype and shape exactly; integers exactly, floats within the ops' bounds."""
    if isinstance(theirs, type):
        assert ours is theirs or issubclass(ours, theirs), f"{ours} for {theirs}"
        return
    assert not isinstance(ours, type), ours
    ours = ours.compute()
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    if theirs.dtype.kind != "f":
        np.testing.assert_array_equal(ours, theirs)
        return
    tolerance = {"/": 4, "**": 20}.get(symbol, 1) * np.finfo(theirs.dtype).eps
    np.testing.assert_allclose(
        ours.astype(np.float64), theirs.astype(np.float64), rtol=tolerance, atol=np.finfo(theirs.dtype).tiny
    )


def operands(symbol, a, b):
    """Numbers that an operator is defined for: powers and shifts of integers by few."""
    if symbol == "**" and np.dtype(b.dtype).kind in "iu":
        return a, np.abs(b.astype(np.int64) % 5).astype(b.dtype)
    if symbol == "**":
        return np.abs(np.where(np.isfinite(a.astype(float)), a, 1)).astype(a.dtype), np.clip(np.nan_to_num(b), -3, 3).astype(
            b.dtype
        )
    if symbol == "//" and "f" in (a.dtype.kind, b.dtype.kind):
        # Quotients of infinities differ between NumPy's own loops.
        return np.nan_to_num(a, posinf=5, neginf=-5) if a.dtype.kind == "f" else a, np.where(
            np.nan_to_num(b.astype(float), posinf=3, neginf=3) == 0, 1, np.nan_to_num(b, posinf=3, neginf=3)
        ).astype(b.dtype)
    return a, b


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("left", DTYPES)
def test_between_arrays_it_is_numpys(left, symbol):
    for right in DTYPES:
        a, b = operands(symbol, values(left, 1), values(right, 2))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sm.errors.StackmillWarning)
            ours = applied(symbol, sm.from_array(a), sm.from_array(b))
        theirs = applied(symbol, a, b)
        if theirs is not TypeError and not isinstance(theirs, type) and theirs.dtype == np.longdouble:
            continue
        judged(symbol, ours, theirs, None)


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_with_python_ints_and_bools_it_is_numpys(dtype, symbol):
    a = values(dtype, 1)
    for number in (True, 2, 300, -1):
        for swapped in (False, True):
            a_, _ = operands(symbol, a, np.asarray(number))
            if symbol in ("**", "<<", ">>") and swapped:
                a_ = (
                    values(dtype, 1)
                    if np.dtype(dtype).kind in "fb"
                    else np.abs(values(dtype, 1).astype(np.int64) % 4).astype(dtype)
                )
            pair = (number, a_) if swapped else (a_, number)
            lazy = tuple(sm.from_array(p) if isinstance(p, np.ndarray) else p for p in pair)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", sm.errors.StackmillWarning)
                judged(symbol, applied(symbol, *lazy), applied(symbol, *pair), None)


def float_beside(dtype):
    """DESIGN: a Python float counts as f32 beside at most 16 bits, f16 and f32, as f64 beside wider types."""
    narrow = ["bool", "uint8", "int8", "uint16", "int16", "float16", "float32"]
    return np.dtype("float32" if dtype in narrow else "float64")


@pytest.mark.parametrize("symbol", [*ARITHMETIC, *COMPARED])
@pytest.mark.parametrize("dtype", DTYPES)
def test_python_floats_count_as_the_default_float(dtype, symbol):
    a = operands(symbol, values(dtype, 1), np.asarray(1.5))[0]
    number = float_beside(dtype).type(1.5)
    judged(symbol, applied(symbol, sm.from_array(a), 1.5), applied(symbol, a, np.full(a.shape, number)), None)
    with sm.options(default_float="float64"):
        judged(symbol, applied(symbol, sm.from_array(a), 1.5), applied(symbol, a, 1.5), None)


@pytest.mark.parametrize("dtype", DTYPES)
def test_computed_numbers_count_as_python_floats(dtype):
    a = np.nan_to_num(values(dtype, 1), posinf=1, neginf=1)
    x = sm.from_array(a)
    made = x + x.mean()
    assert made.dtype == float_beside(dtype)
    with sm.options(default_float="float64"):
        assert (x + x.mean()).dtype == np.result_type(a.dtype, a.mean().dtype)


def test_a_condition_narrows_no_computed_number():
    x = sm.from_array(np.array([1.0, 1.0 + 1e-12]))
    made = np.where(x > 0, x.max(), x.min())
    assert made.dtype == np.float64 and (made.compute() == 1.0 + 1e-12).all()


def test_subtractions_without_a_sign_warn_once_where_they_are():
    x = sm.from_array(np.zeros(3, np.uint16))
    with pytest.warns(sm.errors.StackmillWarning, match="wraps around") as told:
        x - x  # noqa: B018
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sm.subtract(x, x)
        x.astype("i4") - x  # noqa: B018


def test_integers_beyond_the_dtype_are_refused():
    with pytest.raises(OverflowError, match="300 out of bounds for uint8"):
        sm.from_array(np.zeros(3, np.uint8)) + 300


def test_complex_numbers_are_refused():
    with pytest.raises(NotImplementedError):
        sm.from_array(np.zeros(3)) * 1j


def test_the_documented_table_is_what_happens():
    text = (pathlib.Path(__file__).parents[2] / "docs" / "python-dtypes.md").read_text()
    from stackmill_tables import dtype_table

    assert dtype_table() in text, "docs/python-dtypes.md is not what happens; run python python/tools/tables.py"
