"""NumPy's own functions on lazy arrays: what stackmill has, lazily; what it has not is an error that names the nearest op."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _internal, _operators, _recipe
from ._array import Array, apply, from_array
from .errors import NoSuchOpError

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


def missing(name: str) -> NoSuchOpError:
    """The error for a function that is not there."""
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
    """A universal function of NumPy's."""
    name = called.__name__
    if named.get("out") is not None:
        raise TypeError("lazy arrays are immutable: out= cannot be one of them, nor take what they give")
    if method == "reduce" and name in _REDUCTIONS:
        kept = {k: v for k, v in named.items() if k in ("axis", "keepdims")}
        return _operators.reduced(_REDUCTIONS[name], from_array(inputs[0]), kept.pop("axis", 0), **kept)
    if method != "__call__":
        raise missing(f"{name}.{method}")
    dtype = named.pop("dtype", None)
    if unknown := [k for k, v in named.items() if k != "out" and v is not None]:
        raise TypeError(f"{name} of a lazy array takes no {unknown[0]!r}")
    if dtype is not None:
        inputs = tuple(as_array(x).astype(dtype) for x in inputs)
    if name in BINARY:
        return _operators.binary(name, *inputs)
    if name in LOGICAL:
        return _operators.logical(name, *inputs)
    if name in UNARY:
        return _operators.unary(name, *inputs)
    raise missing(name)


def as_array(value: Any) -> Array:
    """An operand as a lazy array."""
    return from_array(np.asarray(value)) if _recipe.is_number(value) else from_array(value)


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


def _no(given: Any, name: str) -> None:
    if given is not None and given is not np._NoValue:
        raise TypeError(f"{name}= is not there for lazy arrays")


def _reduction(name: str) -> Callable[..., Any]:
    def reduced(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, **more: Any) -> Array:
        _no(out, "out")
        for key in "initial", "where", "mean", "correction":
            _no(more.pop(key, None), key)
        a = as_array(a) if dtype is None else as_array(a).astype(dtype)
        return _operators.reduced(name, a, axis, keepdims=keepdims not in (False, np._NoValue), **more)

    return reduced


FUNCTIONS.update({np.sum: _reduction("sum"), np.mean: _reduction("mean")})


@_of(np.min, np.amin)
def _min(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = None) -> Array:
    return _reduction("min")(a, axis, None, out, keepdims, initial=initial, where=where)


@_of(np.max, np.amax)
def _max(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = None) -> Array:
    return _reduction("max")(a, axis, None, out, keepdims, initial=initial, where=where)


@_of(np.any)
def _any(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = None) -> Array:
    return _reduction("any")(a, axis, None, out, keepdims, where=where)


@_of(np.all)
def _all(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = None) -> Array:
    return _reduction("all")(a, axis, None, out, keepdims, where=where)


@_of(np.argmin)
def _argmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Array:
    return _reduction("argmin")(a, axis, None, out, keepdims)


@_of(np.argmax)
def _argmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Array:
    return _reduction("argmax")(a, axis, None, out, keepdims)


@_of(np.var)
def _var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False, **more: Any
) -> Array:
    return _reduction("var")(a, axis, dtype, out, keepdims, ddof=float(ddof), **more)


@_of(np.std)
def _std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False, **more: Any
) -> Array:
    return _reduction("std")(a, axis, dtype, out, keepdims, ddof=float(ddof), **more)


@_of(np.count_nonzero)
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    return _operators.reduced("sum", _operators.binary("not_equal", a, 0), axis, keepdims=keepdims)


@_of(np.cumsum, np.cumulative_sum)
def cumsum(a: Any, /, axis: Any = None, dtype: Any = None, out: Any = None, *, include_initial: bool = False) -> Array:
    """The running sum along an axis; of more than one, which must be said."""
    _no(out, "out")
    _no(include_initial or None, "include_initial")
    a = as_array(a) if dtype is None else as_array(a).astype(dtype)
    if axis is None:
        if a.ndim != 1:
            raise NotImplementedError("cumsum of all axes laid end to end; give axis=")
        axis = 0
    return apply("cumsum", (a,), (operator.index(axis) % a.ndim,))


@_of(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None) -> Array:  # noqa: A002
    _no(out, "out")
    low = min if a_min in (None, np._NoValue) and not isinstance(a_min, Array) else a_min
    high = max if a_max in (None, np._NoValue) and not isinstance(a_max, Array) else a_max
    return _operators.clip(as_array(a), None if low is np._NoValue else low, None if high is np._NoValue else high)


@_of(np.where)
def where(condition: Any, *choices: Any) -> Array:
    """`x` where a condition holds, else `y`."""
    if len(choices) != 2:
        raise missing("nonzero")
    return _operators.where(condition, *choices)


@_of(np.round, np.around)
def round_(a: Any, decimals: int = 0, out: Any = None) -> Array:
    """The nearest whole numbers, ties to even."""
    _no(out, "out")
    if decimals:
        raise NotImplementedError("rounding to decimals; scale first")
    a = as_array(a)
    return a if a.dtype.kind != "f" else apply("rint", (a,))


@_of(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Array:
    """Differences of neighbours along an axis."""
    _no(prepend, "prepend")
    _no(append, "append")
    a = as_array(a)
    axis = operator.index(axis) % a.ndim
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
    normal = lambda axes: np.lib.array_utils.normalize_axis_tuple(axes if np.iterable(axes) else (axes,), a.ndim)  # noqa: E731
    goals = dict(zip(normal(destination), normal(source), strict=True))
    rest = iter(axis for axis in range(a.ndim) if axis not in goals.values())
    return a.transpose(*[goals[k] if k in goals else next(rest) for k in range(a.ndim)]) if a.ndim else a


@_of(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Array:
    return moveaxis(a, (axis1, axis2), (axis2, axis1))


@_of(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Array:
    """New axes of extent 1."""
    a = as_array(a)
    axes = tuple(axis) if np.iterable(axis) else (axis,)
    places = np.lib.array_utils.normalize_axis_tuple(axes, a.ndim + len(axes))
    return a[tuple(None if k in places else slice(None) for k in range(a.ndim + len(axes)))]


@_of(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Array:
    """Without axes of extent 1."""
    a = as_array(a)
    axes = axis if np.iterable(axis) else (axis,)
    places = np.lib.array_utils.normalize_axis_tuple(axes, a.ndim) if axis is not None else None
    if places is not None and any(a.shape[p] != 1 for p in places):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    gone = places if places is not None else [k for k, n in enumerate(a.shape) if n == 1]
    return a[tuple(0 if k in gone else slice(None) for k in range(a.ndim))] if gone else a


@_of(np.flip)
def flip(m: Any, axis: Any = None) -> Array:
    """The elements in reverse along axes; all by default."""
    m = as_array(m)
    if axis is not None:
        axis = list(np.lib.array_utils.normalize_axis_tuple(axis if np.iterable(axis) else (axis,), m.ndim))
    return m if axis == [] or m.ndim == 0 else apply("flip", (m,), (), {"axis": axis})


FUNCTIONS.update({np.flipud: lambda m: flip(m, 0), np.fliplr: lambda m: flip(m, 1)})


@_of(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Array:
    """Repeated along new axes and those of extent 1."""
    shape = (shape,) if isinstance(shape, int) else tuple(map(operator.index, shape))
    return _recipe.made("broadcast", as_array(array), shape)


@_of(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Array, ...]:
    """All repeated to one shape."""
    shape = np.broadcast_shapes(*[np.shape(a) for a in args])
    return tuple(broadcast_to(a, shape) for a in args)


# ---- what an array is


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
        np.copy: lambda a, order="K", subok=False: a,
        np.result_type: lambda *given: np.result_type(*[g.dtype if isinstance(g, Array) else g for g in given]),
        np.can_cast: lambda from_, to, casting="safe": _can_cast(from_, to, casting),
        np.astype: lambda x, dtype, /, *, copy=True, device=None: x.astype(dtype),
    }
)


@_of(np.size)
def _size(a: Any, axis: Any = None) -> int:
    return a.size if axis is None else a.shape[axis]


@_of(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The parts along an axis."""
    x = as_array(x)
    axis = operator.index(axis) % x.ndim
    return tuple(x[(*[slice(None)] * axis, k)] for k in range(x.shape[axis]))


def filled(value: Any, shape: Any, dtype: Any) -> Array:
    """One number in every place: nothing of that size is kept."""
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(map(operator.index, shape))
    one = from_array(np.full((1,) * len(shape), value, dtype))
    return broadcast_to(one, shape) if shape else one


def _like(value: Any) -> Callable[..., Any]:
    def like(
        a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
    ) -> Array:
        return filled(value, a.shape if shape is None else shape, dtype or a.dtype)

    return like


FUNCTIONS.update({np.zeros_like: _like(0), np.ones_like: _like(1), np.empty_like: _like(0)})


@_of(np.full_like)
def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Array:
    return filled(fill_value, a.shape if shape is None else shape, dtype or a.dtype)


@_of(np.array_equal)
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    if np.shape(a1) != np.shape(a2):
        return False
    same = _operators.binary("equal", a1, a2)
    if equal_nan:
        same = _operators.logical(
            "logical_or", same, _operators.logical("logical_and", *[_operators.unary("isnan", as_array(a)) for a in (a1, a2)])
        )
    return _operators.reduced("all", same)


@_of(np.isclose)
def _isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    near = _operators.unary("absolute", as_array(a).astype(np.float64) - as_array(b).astype(np.float64))
    allowed = atol + rtol * _operators.unary("absolute", as_array(b).astype(np.float64))
    found = (near <= allowed) & _operators.unary("isfinite", as_array(b).astype(np.float64)) | _operators.binary("equal", a, b)
    return found | (_operators.unary("isnan", as_array(a)) & _operators.unary("isnan", as_array(b))) if equal_nan else found
