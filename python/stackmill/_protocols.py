"""NumPy's own functions on lazy arrays: what stackmill has, lazily; what it has not is an error that names the nearest op."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _axes, _internal, _operators, _recipe, _reductions
from ._array import Array, apply, as_array, as_operand, from_array
from ._reductions import is_given, refuse
from .errors import NoSuchOpError, NotThereError

BINARY = (
    "add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power", "minimum", "maximum", "bitwise_and",
    "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "equal", "not_equal", "less", "less_equal", "greater",
    "greater_equal",
)  # fmt: skip
UNARY = (
    "negative", "positive", "conjugate", "absolute", "fabs", "sqrt", "square", "reciprocal", "exp", "log", "sin", "cos",
    "floor", "ceil", "rint", "trunc", "sign", "invert", "isnan", "isinf", "isfinite", "logical_not",
)  # fmt: skip
LOGICAL = ("logical_and", "logical_or", "logical_xor")
_REDUCTIONS = {"add": "sum", "minimum": "min", "maximum": "max", "logical_and": "all", "logical_or": "any"}


# What does the work of a function that is not there, where its name is like that of something else.
_JOINED = "parts are written with save_many, or computed and joined by NumPy"
WAYS = {
    "median": "stackmill.median is the filter of a window", "percentile": "stackmill.percentile_filter is the filter of a window",
    "quantile": "stackmill.percentile_filter is the filter of a window", "isin": "(x == a) | (x == b)", "save": "x.save('a.npy')",
    "reshape": "x[None], np.squeeze and np.moveaxis change axes lazily", "ravel": "reductions take all axes by default",
    "concatenate": _JOINED, "stack": _JOINED, "vstack": _JOINED, "hstack": _JOINED, "dstack": _JOINED, "block": _JOINED,
    "take": "x[3], x[2:9] and x[::2] cut lazily", "nonzero": "np.count_nonzero counts, np.argmax finds the first",
    "pad": "filters take mode= and cval= for what lies outside", "average": "np.mean(x, where=) or np.sum(x * weights) / weights.sum()",
    "nanmean": "np.mean(x, where=~np.isnan(x))", "nansum": "np.sum(x, where=~np.isnan(x))",
    "nanmax": "np.max(x, where=~np.isnan(x), initial=-np.inf)", "nanmin": "np.min(x, where=~np.isnan(x), initial=np.inf)",
    "nanstd": "np.std(x, where=~np.isnan(x))", "nanvar": "np.var(x, where=~np.isnan(x))", "ptp": "x.max() - x.min()",
    "dot": "np.sum(x * y, axis=)", "log10": "np.log(x) / np.log(10)", "log2": "np.log(x) / np.log(2)", "log1p": "np.log(1 + x)",
    "expm1": "np.exp(x) - 1", "tan": "np.sin(x) / np.cos(x)", "hypot": "np.sqrt(x * x + y * y)",
}  # fmt: skip


def missing(name: str) -> NoSuchOpError:
    """The error for a function that is not there."""
    if name in WAYS:
        return NoSuchOpError(
            f"stackmill does not compute {name} of a lazy array\nhint: {WAYS[name]}; or x.compute() gives an array that NumPy computes it of"
        )
    known = {record.name for record in _internal.records()} | {f.__name__ for f in FUNCTIONS} | {*BINARY, *UNARY, *LOGICAL}
    # Names of functions that do nothing here are no help.
    known -= {"conjugate", "copy", "positive", "real"}
    near = max(sorted(known), key=lambda other: _likeness(name, other))
    nearest = f"the nearest that it has is {near}; " if _likeness(name, near) > 0.75 else ""
    return NoSuchOpError(
        f"stackmill does not compute {name} of a lazy array\nhint: {nearest}x.compute() gives an array that NumPy computes it of, "
        "x.map_blocks and x.map_overlap apply functions of your own"
    )


def _likeness(a: str, b: str) -> float:
    """How much two names have in common, their beginnings most."""
    import difflib
    import os

    return difflib.SequenceMatcher(None, a, b).ratio() + 0.1 * len(os.path.commonprefix([a, b]))


def ufunc(called: np.ufunc, method: str, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """A universal function of NumPy's, or a method of one."""
    name, named = called.__name__, dict(named)
    refuse(name, out=named.pop("out", None))
    if method == "reduce" and name in _REDUCTIONS:
        return _reductions.reduced(_REDUCTIONS[name], as_array(inputs[0]), named.pop("axis", 0), **named)
    if method == "accumulate" and name == "add":
        return _reductions.running_sum(as_array(inputs[0]), **{"axis": 0, **named})
    if name not in (*BINARY, *LOGICAL, *UNARY) or method not in ("__call__", "outer"):
        raise missing(name if method == "__call__" else f"{name}.{method}")
    if method == "outer":
        x, y = map(as_array, inputs)
        inputs = x[(..., *[None] * y.ndim)], y
    how = _called(name, named)
    if name in UNARY:
        return _operators.unary(name, as_operand(inputs[0]), **how)
    return (_operators.logical if name in LOGICAL else _operators.binary)(name, *inputs, **how)


def _called(name: str, named: dict[str, Any]) -> dict[str, Any]:
    """What a call of a ufunc says besides its operands: the dtype of the loop, and which casts may lead to it."""
    where = named.pop("where", True)
    if not (isinstance(where, (bool, np.bool_)) and where):
        raise NotThereError(f"{name} of a lazy array takes no where=\nhint: stackmill.where chooses by a mask")
    ordered(name, named.pop("order", "K"))
    named.pop("subok", True)
    how = {"dtype": named.pop("dtype", None), "casting": named.pop("casting", None)}
    if named:
        raise NotThereError(f"{name} of a lazy array takes no {next(iter(named))}=\nhint: dtype= says what is computed in")
    return {key: value for key, value in how.items() if value is not None}


def ordered(name: str, order: Any) -> None:
    """Refuses an order that computed arrays have not."""
    if order not in ("K", "A", "C", None):
        raise NotThereError(f"{name} of a lazy array takes no order={order!r}: computed arrays are in C order")


def function(called: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Any other function of NumPy's that knows of arrays like this."""
    ours = FUNCTIONS.get(called)
    if ours is None:
        name = called.__name__
        raise missing(name if called.__module__ == "numpy" else f"{called.__module__.removeprefix('numpy.')}.{name}")
    return ours(*args, **named)


FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}


def _of(*numpys: Callable[..., Any]) -> Callable[..., Any]:
    """Registers what a function of NumPy's does here."""

    def registered(ours: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS.update(dict.fromkeys(numpys, ours))
        return ours

    return registered


def _reduction(name: str) -> Callable[..., Any]:
    def reduction(a: Any, *given: Any, **named: Any) -> Array:
        return _reductions.reduced(name, as_array(a), *given, **named)

    return reduction


FUNCTIONS.update({np.sum: _reduction("sum")})


@_of(np.mean)
def _mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = None) -> Array:
    return _reductions.reduced("mean", as_array(a), axis, dtype, out, keepdims, where=where)


@_of(np.min, np.amin)
def _min(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = None) -> Array:
    return _reductions.reduced("min", as_array(a), axis, None, out, keepdims, initial, where)


@_of(np.max, np.amax)
def _max(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = None) -> Array:
    return _reductions.reduced("max", as_array(a), axis, None, out, keepdims, initial, where)


@_of(np.any)
def _any(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = None) -> Array:
    return _reductions.reduced("any", as_array(a), axis, None, out, keepdims, where=where)


@_of(np.all)
def _all(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = None) -> Array:
    return _reductions.reduced("all", as_array(a), axis, None, out, keepdims, where=where)


@_of(np.argmin)
def _argmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Array:
    return _reductions.place_of("argmin", as_array(a), axis, out, keepdims)


@_of(np.argmax)
def _argmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Array:
    return _reductions.place_of("argmax", as_array(a), axis, out, keepdims)


@_of(np.var)
def _var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False, **more: Any
) -> Array:
    return _reductions.reduced("var", as_array(a), axis, dtype, out, keepdims, ddof=ddof, **more)


@_of(np.std)
def _std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False, **more: Any
) -> Array:
    return _reductions.reduced("std", as_array(a), axis, dtype, out, keepdims, ddof=ddof, **more)


@_of(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """How many elements are not 0."""
    return _reductions.reduced("sum", _operators.binary("not_equal", as_array(a), 0), axis, keepdims=keepdims)


@_of(np.cumsum)
def _cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    return _reductions.running_sum(as_array(a), axis, dtype, out)


@_of(np.cumulative_sum)
def cumulative_sum(x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False) -> Array:
    """The running sum along an axis, which must be said of more than one."""
    x = as_array(x)
    if axis is None and x.ndim != 1:
        raise ValueError("For arrays which have more than one dimension ``axis`` argument is required.")
    return _reductions.running_sum(x, axis, dtype, out, include_initial)


def clip(x: Array, low: Any, high: Any, out: Any = None) -> Array:
    """Held between two bounds."""
    refuse("clip", out=out)
    return _operators.clip(x, low if is_given(low) else None, high if is_given(high) else None)


@_of(np.clip)
def _clip(
    a: Any,
    a_min: Any = np._NoValue,
    a_max: Any = np._NoValue,
    out: Any = None,
    *,
    min: Any = np._NoValue,  # noqa: A002
    max: Any = np._NoValue,  # noqa: A002
    **named: Any,
) -> Array:
    refuse("clip", out=out, **named)
    bounds = []
    for old, new in (a_min, min), (a_max, max):
        if old is not np._NoValue and new is not np._NoValue:
            raise ValueError("Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided is forbidden.")
        bounds.append(new if old is np._NoValue else old)
    return clip(as_array(a), *bounds)


@_of(np.where)
def where(condition: Any, *choices: Any) -> Array:
    """`x` where a condition holds, else `y`."""
    if len(choices) != 2:
        raise missing("nonzero")
    return _operators.where(condition, *choices)


@_of(np.round, np.around)
def round_(a: Any, decimals: int = 0, out: Any = None) -> Array:
    """The nearest numbers of so many decimals, ties to even: scaled, rounded, scaled back, as NumPy does."""
    refuse("round", out=out)
    a = as_array(a)
    if decimals < 0 and a.dtype.kind != "f":
        raise NotThereError("round of a lazy array of integers takes no decimals= below 0\nhint: x.astype(float) first")
    if a.dtype == np.bool_ and decimals:
        raise NotThereError("round of a lazy array of bools takes no decimals=")
    if a.dtype.kind != "f":
        return a
    if decimals == 0:
        return apply("rint", (a,))
    there, back = ("multiply", "divide") if decimals > 0 else ("divide", "multiply")
    scale = float(10 ** abs(decimals))
    return _operators.binary(back, apply("rint", (_operators.binary(there, a, scale),)), scale)


@_of(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Array:
    """Differences of neighbours along an axis."""
    refuse("diff", prepend=prepend, append=append)
    a = as_array(a)
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n}")
    axis = _axes.one(axis, a.ndim)
    for _ in range(n):
        later = a[(*[slice(None)] * axis, slice(1, None))]
        before = a[(*[slice(None)] * axis, slice(None, -1))]
        a = _operators.binary("not_equal" if a.dtype == bool else "subtract", later, before)
    return a


# ---- places


@_of(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Array:
    """The axes in another order."""
    return as_array(a).transpose(axes)


@_of(np.matrix_transpose)
def _matrix_transpose(x: Any, /) -> Array:
    return as_array(x).mT


@_of(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Array:
    """Axes moved to other places, the rest in order."""
    a = as_array(a)
    goals = dict(zip(_axes.several(destination, a.ndim), _axes.several(source, a.ndim), strict=True))
    rest = iter(axis for axis in range(a.ndim) if axis not in goals.values())
    return a.transpose(*[goals[k] if k in goals else next(rest) for k in range(a.ndim)]) if a.ndim else a


@_of(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Array:
    """Two axes swapped."""
    a = as_array(a)
    order = list(range(a.ndim))
    one, two = _axes.one(axis1, a.ndim), _axes.one(axis2, a.ndim)
    order[one], order[two] = two, one
    return a.transpose(order)


@_of(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Array:
    """New axes of extent 1."""
    a = as_array(a)
    axes = tuple(axis) if np.iterable(axis) else (axis,)
    places = _axes.several(axes, a.ndim + len(axes))
    return a[tuple(None if k in places else slice(None) for k in range(a.ndim + len(axes)))]


@_of(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Array:
    """Without axes of extent 1."""
    a = as_array(a)
    places = _axes.several(axis, a.ndim) if axis is not None else None
    if places is not None and any(a.shape[p] != 1 for p in places):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    gone = places if places is not None else [k for k, n in enumerate(a.shape) if n == 1]
    return a[tuple(0 if k in gone else slice(None) for k in range(a.ndim))] if gone else a


@_of(np.flip)
def flip(m: Any, axis: Any = None) -> Array:
    """The elements in reverse along axes; all by default."""
    m = as_array(m)
    if axis is not None:
        axis = list(_axes.several(axis, m.ndim))
    return m if axis == [] or m.ndim == 0 else apply("flip", (m,), (), {"axis": axis})


FUNCTIONS.update({np.flipud: lambda m: flip(m, 0), np.fliplr: lambda m: flip(m, 1)})


@_of(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Array:
    """Repeated along new axes and those of extent 1."""
    return _recipe.made("broadcast", as_array(array), _axes.shape_of(shape))


@_of(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Array, ...]:
    """All repeated to one shape."""
    shape = np.broadcast_shapes(*[np.shape(a) for a in args])
    return tuple(broadcast_to(a, shape) for a in args)


# ---- what an array is


def on_cpu(device: Any) -> None:
    """Refuses a device other than the memory of the CPU."""
    if device not in (None, "cpu"):
        raise ValueError(f"arrays have the device 'cpu', not {device!r}; options(device=…) says what computes them")


def _can_cast(given: Any, to: Any, casting: Any) -> bool:
    wanted: Any = getattr(to, "dtype", to)
    return np.can_cast(given.dtype, wanted, casting)


FUNCTIONS.update(
    {
        np.shape: lambda a: a.shape,
        np.ndim: lambda a: a.ndim,
        np.iscomplexobj: lambda x: False,
        np.isrealobj: lambda x: True,
        np.real: lambda val: val,
        np.result_type: lambda *given: np.result_type(*[g.dtype if isinstance(g, Array) else g for g in given]),
        np.can_cast: lambda from_, to, casting="safe": _can_cast(from_, to, casting),
    }
)


@_of(np.copy)
def _copy(a: Any, order: str = "K", subok: bool = False) -> Array:
    ordered("copy", order)
    return a


@_of(np.astype)
def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Array:
    on_cpu(device)
    return x.astype(dtype)


@_of(np.size)
def _size(a: Any, axis: Any = None) -> int:
    return a.size if axis is None else math.prod(a.shape[k] for k in _axes.several(axis, a.ndim))


@_of(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The parts along an axis."""
    x = as_array(x)
    axis = _axes.one(axis, x.ndim)
    return tuple(x[(*[slice(None)] * axis, k)] for k in range(x.shape[axis]))


def filled(value: Any, shape: Any, dtype: Any) -> Array:
    """One number in every place: nothing of that size is kept."""
    shape = _axes.shape_of(shape)
    one = from_array(np.full((1,) * len(shape), value, dtype))
    return broadcast_to(one, shape) if shape else one


def _like(value: Any) -> Callable[..., Any]:
    def like(
        a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
    ) -> Array:
        ordered("an array like this", order)
        on_cpu(device)
        return filled(value, a.shape if shape is None else shape, dtype or a.dtype)

    return like


FUNCTIONS.update({np.zeros_like: _like(0), np.ones_like: _like(1), np.empty_like: _like(0)})


@_of(np.full_like)
def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Array:
    ordered("full_like", order)
    on_cpu(device)
    return filled(fill_value, a.shape if shape is None else shape, dtype or a.dtype)


@_of(np.array_equal)
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    if np.shape(a1) != np.shape(a2):
        return False
    same = _operators.binary("equal", a1, a2)
    if equal_nan:
        one, two = (_operators.unary("isnan", as_array(a)) for a in (a1, a2))
        same = _operators.logical("logical_or", same, _operators.logical("logical_and", one, two))
    return _reductions.reduced("all", same)


@_of(np.isclose)
def _isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    near = _operators.unary("absolute", as_array(a).astype(np.float64) - as_array(b).astype(np.float64))
    allowed = atol + rtol * _operators.unary("absolute", as_array(b).astype(np.float64))
    found = (near <= allowed) & _operators.unary("isfinite", as_array(b).astype(np.float64)) | _operators.binary("equal", a, b)
    return found | (_operators.unary("isnan", as_array(a)) & _operators.unary("isnan", as_array(b))) if equal_nan else found
