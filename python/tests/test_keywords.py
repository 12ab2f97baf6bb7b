"""No argument of NumPy's is dropped: each keyword of each function, ufunc and method gives what NumPy gives, or a TypeError that
names it; an axis that an array has not is an AxisError everywhere."""

import inspect
import warnings

import numpy as np
import pytest

import stackmill as sm
from stackmill import _protocols, array_api

A = (np.arange(24).reshape(2, 3, 4) * 7 % 50 - 11).astype(np.int16)
B = (A % 5 + 1).astype(np.int16)
M = A % 3 != 0
# What each keyword is given, none of them its default.
GIVEN = {
    "axis": [0, -1, (0, 2), ()],
    "axes": [(2, 0, 1)],
    "dtype": ["u1", "i4", "f4", "f8", bool],
    "out": [np.zeros((2, 3, 4))],
    "keepdims": [True, False],
    "initial": [3, -40, 60],
    "where": [M, M[0], M[:1], True, False],
    "ddof": [1],
    "mean": [np.full((1, 1, 1), 2.0)],
    "correction": [1],
    "include_initial": [True],
    "decimals": [1, -1],
    "n": [0, 2],
    "prepend": [0],
    "append": [np.zeros((2, 3, 1), np.int16)],
    "subok": [True, False],
    "order": ["C", "F", "A"],
    "shape": [(3, 2)],
    "device": ["cpu", "gpu"],
    "casting": ["no", "safe", "unsafe"],
    "equal_nan": [True],
    "rtol": [0.5],
    "atol": [9],
    "copy": [False],
    "min": [-3, np.full(4, 2, np.int16)],
    "max": [9],
    "a_min": [-3, np.full(4, 2, np.int16), None],
    "a_max": [9, np.full((3, 1), 2, np.int16)],
    "kwargs": [],
}
# What a function needs besides its array.
NEEDS = {
    "moveaxis": (0, 1), "swapaxes": (0, 1), "expand_dims": (0,), "broadcast_to": ((5, 2, 3, 4),), "can_cast": ("f8",),
    "astype": ("f4",), "full_like": (7,), "array_equal": (B,), "isclose": (B,), "cumulative_sum": (), "round": (),
}  # fmt: skip
# These are asked along an axis where they have one.
ALONG = {"cumsum": {"axis": 1}, "cumulative_sum": {"axis": 1}, "clip": {"a_min": 0, "a_max": 20}}


def outcome(function, *args, **named):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return function(*args, **named)
        except Exception as error:  # noqa: BLE001
            return error


def agree(what, keyword, ours, theirs):
    """Equal in value, dtype and shape; or refused by the keyword's name; or an error in both."""
    if isinstance(ours, (TypeError, NotImplementedError)) and keyword in str(ours):
        return
    if isinstance(theirs, Exception):
        assert isinstance(ours, Exception), f"{what}: NumPy raises {theirs!r}, ours gives {ours!r}"
        return
    assert not isinstance(ours, Exception), f"{what}: {ours!r}"
    if isinstance(theirs, (tuple, list)):
        assert len(ours) == len(theirs), what
        for one, other in zip(ours, theirs, strict=True):
            agree(what, keyword, one, other)
        return
    if isinstance(ours, sm.Array):
        ours = ours.compute()
    if what.startswith("numpy.empty_like"):
        theirs = np.zeros_like(theirs)
    if not isinstance(theirs, (np.ndarray, np.generic)):
        assert ours == theirs, what
        return
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), (
        f"{what}: {ours.dtype} {ours.shape}, {theirs.dtype} {theirs.shape}"
    )
    if theirs.dtype.kind == "f":
        np.testing.assert_allclose(ours, theirs, rtol=1e-3 if theirs.dtype.itemsize < 8 else 1e-12, err_msg=what)
    else:
        np.testing.assert_array_equal(ours, theirs, err_msg=what)


def keywords(function):
    """Each optional argument of a function with what to give it."""
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is not parameter.empty and parameter.kind is not parameter.POSITIONAL_ONLY:
            assert name in GIVEN, f"{function.__name__} has a keyword that the law knows no value of: {name}"
            for value in GIVEN[name]:
                yield name, value


@pytest.mark.parametrize("dtype", ["int16", "uint8", "bool", "float32", "int64"])
@pytest.mark.parametrize("function", _protocols.FUNCTIONS, ids=lambda f: f.__name__)
def test_functions(function, dtype):
    a, name = A.astype(dtype), function.__name__
    needs = NEEDS.get(name, ())
    for keyword, value in keywords(function):
        named = {**ALONG.get(name, {}), keyword: value}
        if name == "clip" and keyword in ("min", "max"):
            named = {keyword: value}
        what = f"numpy.{name} of {dtype}, {named}"
        agree(
            what,
            keyword,
            outcome(function, sm.from_array(a), *needs, **named),
            outcome(function, a, *needs, **named),
        )


def test_pairs_of_keywords():
    rng = np.random.default_rng(0)
    for name in ("sum", "mean", "var", "std", "min", "max", "any", "all"):
        function = getattr(np, name)
        known = [p for p in inspect.signature(function).parameters if p in GIVEN and p != "out"]
        for _ in range(12):
            chosen = rng.choice(known, 3, replace=False)
            named = {k: GIVEN[k][rng.integers(len(GIVEN[k]))] for k in chosen}
            ours, theirs = (outcome(function, x, **named) for x in (sm.from_array(A), A))
            if isinstance(ours, TypeError) and any(f"{k}=" in str(ours) for k in chosen):
                continue
            agree(f"numpy.{name}, {named}", "none of them", ours, theirs)


UFUNCS = [*_protocols.BINARY, *_protocols.LOGICAL, *_protocols.UNARY]


@pytest.mark.parametrize("dtype", ["int16", "uint8", "float32"])
@pytest.mark.parametrize("name", UFUNCS)
def test_ufuncs(name, dtype):
    function = getattr(np, name)
    operands = [(np.abs(A) + (name == "reciprocal")).astype(dtype), np.minimum(B, 7).astype(dtype)][: function.nin]
    lazy = [sm.from_array(a) for a in operands]
    for keyword in ("where", "dtype", "casting", "order", "subok", "out", "signature", "axis", "nonsense"):
        for value in GIVEN.get(keyword, ["f->f"]):
            named = {keyword: value}
            what = f"numpy.{name} of {dtype}, {named}"
            ours, theirs = (outcome(function, *x, **named) for x in (lazy, operands))
            if keyword == "out" or not (isinstance(theirs, np.ndarray) and theirs.dtype == np.float16):
                agree(what, keyword, ours, theirs)


@pytest.mark.parametrize("method", ["reduce", "accumulate", "outer", "at", "reduceat"])
@pytest.mark.parametrize("name", UFUNCS)
def test_methods_of_ufuncs(name, method):
    function = getattr(np, name)
    a, rest = A[0], {"outer": (B[0, :1],), "at": ([0],), "reduceat": ([0, 2],)}.get(method, ())
    if outcome(getattr(function, method), a.copy(), *rest).__class__ is ValueError:
        return
    for keyword in ("axis", "dtype", "out", "keepdims", "initial", "where"):
        for value in [M[0], M[0, :1], False] if keyword == "where" else GIVEN[keyword]:
            named = {keyword: value}
            what = f"numpy.{name}.{method}, {named}"
            ours = outcome(getattr(function, method), sm.from_array(a), *rest, **named)
            theirs = outcome(getattr(function, method), a.copy(), *rest, **named)
            if isinstance(ours, sm.errors.NoSuchOpError):
                assert f"{name}.{method}" in str(ours)
                continue
            agree(what, keyword, ours, theirs)


@pytest.mark.parametrize(
    "name", ["sum", "mean", "var", "std", "min", "max", "any", "all", "argmin", "argmax", "cumsum", "round", "squeeze", "copy"]
)
def test_methods_of_arrays(name):
    function = getattr(np, name)
    for keyword, value in keywords(function):
        if keyword in ("subok", "correction"):
            continue
        named = {"axis": 1, keyword: value} if name == "cumsum" else {keyword: value}
        agree(
            f"x.{name}, {named}",
            keyword,
            outcome(getattr(sm.from_array(A), name), **named),
            outcome(getattr(A, name), **named),
        )
    known = set(inspect.signature(function).parameters) - {"a", "m", "subok"}
    assert known <= set(inspect.signature(getattr(sm.Array, name)).parameters), f"keywords of ndarray.{name}"


def axis_calls():
    """Every function that takes an axis, as (name, call of an axis)."""
    x = sm.from_array(A)

    def spec(function):
        keywords = inspect.signature(function).parameters.items()
        return [p for p, v in keywords if p in ("axis", "axes", "axis1", "source") and v.kind is not v.VAR_POSITIONAL]

    for function in _protocols.FUNCTIONS:
        for keyword in spec(function):
            rest = {"swapaxes": {"axis2": 0}, "moveaxis": {"destination": 0}}.get(function.__name__, {})
            rows = (lambda a: (a, 0, 1)) if keyword == "axes" else (lambda a: a)
            yield f"numpy.{function.__name__}", lambda a, f=function, k=keyword, r=rest, v=rows: f(x, **{k: v(a)}, **r)
    yield "numpy.swapaxes axis2", lambda a: np.swapaxes(x, 0, a)
    yield "numpy.moveaxis destination", lambda a: np.moveaxis(x, 0, a)
    for name in ("add", "minimum", "maximum", "logical_and", "logical_or"):
        yield f"numpy.{name}.reduce", lambda a, n=name: getattr(np, n).reduce(x, axis=a)
    yield "numpy.add.accumulate", lambda a: np.add.accumulate(x, axis=a)
    for name, method in inspect.getmembers(sm.Array, inspect.isfunction):
        for keyword in [] if name.startswith("_") else spec(method):
            rest = {"axis2": 0} if name == "swapaxes" else {}
            yield f"Array.{name}", lambda a, n=name, k=keyword, r=rest: getattr(x, n)(**{k: a}, **r)
    yield "Array.transpose", lambda a: x.transpose(a, 0, 1)
    for name in sm._ops.__all__:
        op = getattr(sm, name)
        for keyword in spec(op):
            needs = {
                p: 1 for p, v in list(inspect.signature(op).parameters.items())[1:] if v.default is v.empty and p != keyword
            }
            needs |= {k: v for k, v in {"weights": [1, 2, 1], "heights": [[[1]]], "footprint": [[[1]]]}.items() if k in needs}
            if name in ("correlate", "convolve"):
                needs["weights"] = [1, 2, 1]
            yield f"stackmill.{name}", lambda a, f=op, k=keyword, n=needs: f(x, **n, **{k: a})
    for name in (
        "sum",
        "flip",
        "squeeze",
        "expand_dims",
        "diff",
        "unstack",
        "cumulative_sum",
        "argmax",
        "count_nonzero",
        "std",
    ):
        yield f"array_api.{name}", lambda a, n=name: getattr(array_api, n)(x, axis=a)
    yield "map_overlap drop_axis", lambda a: sm.map_overlap(lambda b: b, x, depth=0, drop_axis=a)
    yield "map_overlap new_axis", lambda a: sm.map_overlap(lambda b: b, x, depth=0, new_axis=a)
    yield "map_overlap depth", lambda a: sm.map_overlap(lambda b: b, x, depth={a: 1})


CALLS = list(axis_calls())


@pytest.mark.parametrize(("name", "call"), CALLS, ids=[name for name, _ in CALLS])
def test_axes_out_of_range(name, call):
    for axis in (7, -9, 5):
        with pytest.raises(np.exceptions.AxisError):
            call(axis)
    if "axes" not in name:
        with pytest.raises((TypeError, ValueError)):
            call(1.5)
