"""NumPy's reductions and running sums: each keyword of theirs is honoured, or refused by its name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import _axes, _operators
from ._array import Array, apply, as_array
from .errors import NotThereError


def is_given(value: Any) -> bool:
    """Whether an optional argument of NumPy's was given."""
    return value is not None and value is not np._NoValue


def refuse(function: str, **named: Any) -> None:
    """The error for the first keyword that was given."""
    for name, value in named.items():
        if name == "out" and is_given(value):
            raise TypeError("lazy arrays are immutable: out= cannot be one of them, nor take what they give")
        if is_given(value):
            raise NotThereError(
                f"{function} of a lazy array takes no {name}=\nhint: x.compute() gives an array that NumPy takes it for"
            )


def _mask(where: Any, x: Array) -> Array | None:
    """Which elements count; none where all do."""
    if not is_given(where) or isinstance(where, (bool, np.bool_)) and where:
        return None
    mask = as_array(where)
    if mask.dtype != np.bool_:
        raise TypeError(f"where= is an array of bools, not of {mask.dtype}")
    if np.broadcast_shapes(mask.shape, x.shape) != x.shape:
        raise ValueError(f"where= of {mask.shape} does not fit an array of {x.shape}")
    return mask


def _in(dtype: np.dtype, x: Array) -> Array:
    return x if x.dtype == dtype else x.astype(dtype)


def _filled(x: Array, mask: Array | None, number: Any) -> Array:
    """The elements that count, a number in place of the others."""
    if mask is None:
        return x
    return _in(x.dtype, apply("where", (mask, x, _operators.from_number(number, x.dtype))))


def _engines(name: str, x: Array, places: tuple[int, ...] | None, keep: bool, **more: Any) -> Array:
    """The engine's own reduction; of no axes it is that of a new axis of extent 1."""
    if places == () or x.ndim == 0:
        return apply(name, (x[None],), (), {"axis": [0], **more})
    return apply(name, (x,), (), {"axis": None if places is None else list(places), "keepdims": keep, **more})


def _with(ufunc: str, made: Array, initial: Any) -> Array:
    """What a reduction gives, begun at a number."""
    number = np.asarray(initial, made.dtype)
    if number.ndim:
        raise ValueError("initial= is a number")
    other = as_array(number)
    joined = _operators.logical(ufunc, made, other) if ufunc.startswith("logical") else _operators.binary(ufunc, made, other)
    return _in(made.dtype, joined)


def _reduced_shape(shape: tuple[int, ...], places: tuple[int, ...] | None, keep: bool) -> tuple[int, ...]:
    gone = range(len(shape)) if places is None else places
    return tuple(1 if axis in gone else n for axis, n in enumerate(shape) if keep or axis not in gone)


def _count(shape: tuple[int, ...], places: tuple[int, ...] | None) -> int:
    return math.prod(shape if places is None else [shape[axis] for axis in places])


def _sum(x: Array, places: Any, keep: bool, dtype: Any, initial: Any, mask: Array | None) -> Array:
    made = _engines("sum", _filled(x if dtype is None else x.astype(dtype), mask, 0), places, keep)
    made = made if dtype is None else _in(np.dtype(dtype), made)
    return made if initial is None else _with("add", made, initial)


def _extreme(name: str, x: Array, places: Any, keep: bool, dtype: Any, initial: Any, mask: Array | None) -> Array:
    x = x if dtype is None else x.astype(dtype)
    ufunc = {"min": "minimum", "max": "maximum"}[name]
    if mask is not None and initial is None:
        raise ValueError(
            f"reduction operation '{ufunc}' does not have an identity, so to use a where mask one has to specify 'initial'"
        )
    if initial is not None and _count(x.shape, places) == 0:
        return _protocols.filled(initial, _reduced_shape(x.shape, places, keep), x.dtype)
    made = _engines(name, _filled(x, mask, initial), places, keep)
    return made if initial is None else _with(ufunc, made, initial)


def _holds(name: str, x: Array, places: Any, keep: bool, dtype: Any, initial: Any, mask: Array | None) -> Array:
    if dtype is not None and np.dtype(dtype) != np.bool_:
        raise NotThereError(f"{name} of a lazy array gives bools: dtype={dtype!r} is not there")
    x = x if x.dtype == np.bool_ else apply("not_equal", (x, 0))
    if _count(x.shape, places) == 0:
        made = _protocols.filled(name == "all", _reduced_shape(x.shape, places, keep), bool)
    else:
        made = _engines("max" if name == "any" else "min", _filled(x, mask, name == "all"), places, keep)
    return made if initial is None else _with("logical_or" if name == "any" else "logical_and", made, bool(initial))


def _share(total: Array, x: Array, places: Any, keep: bool, mask: Array | None, ddof: float = 0) -> Array:
    """A sum over how many elements were summed, in the dtype of the sum: NumPy stores the quotient so."""
    if mask is None:
        count = as_array(np.asarray(max(_count(x.shape, places) - ddof, 0), np.float64))
    else:
        counted = _engines("sum", _protocols.broadcast_to(mask, x.shape), places, keep).astype(np.float64)
        count = counted if not ddof else _operators.binary("maximum", counted - ddof, 0.0)
    return _in(total.dtype, apply("divide", (total.astype(np.float64), count)))


def _mean(x: Array, places: Any, keep: bool, dtype: Any, mask: Array | None) -> Array:
    floats = np.dtype(dtype).kind == "f" if dtype is not None else True
    if mask is None and floats:
        return _engines("mean", x if dtype is None else x.astype(dtype), places, keep)
    wanted = np.dtype(dtype if dtype is not None else x.dtype if x.dtype.kind == "f" else np.float64)
    return _share(_sum(x, places, keep, wanted, None, mask), x, places, keep, mask)


def _spread(name: str, x: Array, places: Any, keep: bool, dtype: Any, ddof: float, mask: Array | None, mean: Any) -> Array:
    """Variance and standard deviation; two sweeps where some elements do not count or the mean is known."""
    if dtype is not None and np.dtype(dtype).kind != "f":
        raise NotThereError(f"{name} of a lazy array is a float: dtype={dtype!r} is not there")
    x = x if dtype is None else x.astype(dtype)
    if mask is None and not is_given(mean):
        return _engines(name, x, places, keep, ddof=ddof)
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    middle = as_array(mean) if is_given(mean) else _mean(x, places, True, None, mask)
    far = _operators.binary("subtract", x, middle)
    made = _share(_sum(apply("multiply", (far, far)), places, keep, None, None, mask), x, places, keep, mask, ddof)
    made = made if name == "var" else _operators.unary("sqrt", made)
    return made if dtype is None else _in(np.dtype(dtype), made)


def _degrees(ddof: Any, correction: Any) -> float:
    if not is_given(correction):
        return float(ddof)
    if ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    return float(correction)


def reduced(
    name: str,
    x: Array,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = None,
    *,
    ddof: float = 0,
    mean: Any = None,
    correction: Any = None,
) -> Array:
    """A reduction with NumPy's arguments; `name` is the method's."""
    refuse(name, out=out)
    keep = keepdims is not np._NoValue and bool(keepdims)
    places = None if axis is None else _axes.several(axis, x.ndim)
    initial = initial if is_given(initial) else None
    mask = _mask(where, x)
    match name:
        case "sum":
            return _sum(x, places, keep, dtype, initial, mask)
        case "min" | "max":
            return _extreme(name, x, places, keep, dtype, initial, mask)
        case "any" | "all":
            return _holds(name, x, places, keep, dtype, initial, mask)
        case "mean":
            return _mean(x, places, keep, dtype, mask)
        case _:
            return _spread(name, x, places, keep, dtype, _degrees(ddof, correction), mask, mean)


def place_of(name: str, x: Array, axis: Any = None, out: Any = None, keepdims: Any = False) -> Array:
    """Where the least or greatest element is: along one axis, or among all in C order."""
    refuse(name, out=out)
    keep = keepdims is not np._NoValue and bool(keepdims)
    return _engines(name, x, None if axis is None else (_axes.one(axis, x.ndim),), keep)


def running_sum(x: Array, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False) -> Array:
    """The running sum along an axis; of more than one, which must be said."""
    refuse("cumsum", out=out, include_initial=include_initial or None)
    x = x if dtype is None else x.astype(dtype)
    if axis is None and x.ndim > 1:
        raise NotThereError("cumsum of all axes laid end to end is not there\nhint: give axis=")
    x = x[None] if x.ndim == 0 else x
    made = apply("cumsum", (x,), (0 if axis is None else _axes.one(axis, x.ndim),))
    return made if dtype is None else _in(np.dtype(dtype), made)


from . import _protocols  # noqa: E402
