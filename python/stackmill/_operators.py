"""NumPy's operators on lazy arrays: its promotion, and integers that wrap around.

The front end casts operands before the engine sees them, so that the graph has one meaning. Between arrays the dtypes are those
that NumPy's ufunc of the operator has. A Python int takes the dtype of the array it meets. A Python float, or a float of no axes
that stackmill computes, counts as f32 beside bools, integers of at most 16 bits, f16 and f32, and as f64 beside wider ones;
`options(default_float=…)` changes that.
"""

from __future__ import annotations

import warnings
from typing import Any, cast

import numpy as np

from . import _callers, _settings
from ._array import Array, apply, as_operand
from .errors import DtypeError, RangeError, StackmillWarning

# A dtype, or the Python type of a number whose dtype follows the array that it meets.
_Kind = Any
_COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
_INTEGERS = {"add": "wrapping_add", "subtract": "wrapping_subtract", "multiply": "wrapping_multiply", "power": "wrapping_power"}
_BOOLS = {"add": "bitwise_or", "multiply": "bitwise_and", "power": "wrapping_power"}


def _is_weak_result(value: Any) -> bool:
    return isinstance(value, Array) and value.ndim == 0 and value.dtype.kind == "f"


def _kind(value: Any) -> _Kind:
    if isinstance(value, (bool, np.bool_)):
        return np.dtype(bool)
    if isinstance(value, (int, float)) and not isinstance(value, np.generic):
        return int if isinstance(value, int) else float
    if isinstance(value, complex) and not isinstance(value, np.generic):
        raise NotImplementedError("complex numbers")
    return np.dtype(value.dtype)


def _default_float(beside: np.dtype) -> _Kind:
    """What a Python float counts as beside a dtype."""
    choice = _settings.choice("default_float")
    if choice == "float64":
        return float
    wide = beside.itemsize > 2 and beside != np.float32 if choice == "auto" else beside == np.float64
    return np.dtype(np.float64 if wide else np.float32)


def _kinds(values: list[Any]) -> list[_Kind]:
    """What operands count as: Python's numbers and computed floats without axes follow the others."""
    kinds = [_kind(value) for value in values]
    weak = [kind is float or _is_weak_result(value) for kind, value in zip(kinds, values, strict=True)]
    strong = [kind for kind, is_weak in zip(kinds, weak, strict=True) if not is_weak and kind is not int]
    if strong and any(weak):
        beside = np.result_type(*strong)
        float_ = _default_float(beside)
        # NumPy's own rule for a computed float is that of its dtype.
        follow = lambda kind: kind if float_ is float and kind is not float else float_  # noqa: E731
        kinds = [follow(kind) if is_weak else kind for kind, is_weak in zip(kinds, weak, strict=True)]
    return kinds


def _resolved(ufunc: np.ufunc, kinds: list[_Kind], dtype: Any = None, casting: str = "same_kind") -> tuple[np.dtype, ...]:
    """The dtypes that a ufunc of NumPy's takes and gives; `dtype` and `casting` are the ufunc's."""
    if all(isinstance(kind, type) for kind in kinds):
        kinds = [np.dtype(np.int64 if kind is int else np.float64) for kind in kinds]
    try:
        loop: dict[str, Any] = {} if dtype is None else {"signature": (*[None] * ufunc.nin, np.dtype(dtype))}
        dtypes = ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout), casting=cast("Any", casting), **loop)
    except TypeError as error:
        names = ", ".join(k.__name__ if isinstance(k, type) else k.name for k in kinds)
        raise DtypeError(f"{ufunc.__name__} of {names}: {error}") from None
    if any(dtype.kind == "c" or dtype.itemsize > 8 for dtype in dtypes):
        raise NotImplementedError(f"{ufunc.__name__} in {dtypes[-1]}")
    return dtypes


def _as(value: Any, dtype: np.dtype) -> Any:
    """An operand in the dtype that a loop takes it in."""
    if isinstance(value, (bool, np.bool_)):
        return from_number(value, dtype)
    if isinstance(value, (int, float)) and not isinstance(value, np.generic):
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            if not limits.min <= value <= limits.max:
                raise RangeError(f"Python integer {value} out of bounds for {dtype}")
        return from_number(value, dtype)
    value = as_operand(value)
    if not isinstance(value, Array):
        return from_number(value, dtype)
    return value if value.dtype == dtype else value.astype(dtype)


def from_number(value: Any, dtype: np.dtype) -> Any:
    """A number as one of a dtype. An f16 beside arrays is one only as an array with an axis: alone it would count as f32."""
    made = np.asarray(value).astype(dtype)
    return as_operand(made.reshape(1)) if dtype == np.float16 else made[()].item()


def _is_number(value: Any) -> bool:
    return not isinstance(value, Array)


def _in(dtype: np.dtype, made: Array) -> Array:
    return made if made.dtype == dtype else made.astype(dtype)


def binary(name: str, x: Any, y: Any, dtype: Any = None, casting: str = "same_kind") -> Any:
    """One of NumPy's functions of two numbers; NotImplemented for what is no operand."""
    if not (_is_operand(x) and _is_operand(y)):
        return NotImplemented
    if name in _COMPARISONS:
        return _compared(name, x, y, dtype, casting)
    loop = _resolved(getattr(np, name), _kinds([x, y]), dtype, casting)
    if name == "divide":
        loop = (loop[-1],) * 3
    if name == "power" and isinstance(y, (int, np.integer)) and loop[1].kind == "i" and y < 0:
        raise ValueError("Integers to negative integer powers are not allowed.")
    if name == "subtract" and loop[-1].kind == "u":
        what = f"{loop[0]} - {loop[1]} wraps around below 0; stackmill.subtract(x, y) is exact, and so is a signed dtype"
        warnings.warn(what, StackmillWarning, stacklevel=_callers.level())
    a, b = _as(x, loop[0]), _as(y, loop[1])
    if _is_number(a) and _is_number(b):
        a = as_operand(np.asarray(a, loop[0]))
    return _in(loop[-1], _computed(name, a, b, loop[-1]))


def _is_operand(value: Any) -> bool:
    if isinstance(value, (Array, np.ndarray, np.generic, int, float, complex)):
        return True
    # xarray's arrays, whose data may be a lazy array, do the operator themselves.
    return hasattr(value, "__array__") and not type(value).__module__.startswith("xarray.")


def _computed(name: str, x: Any, y: Any, dtype: np.dtype) -> Array:
    """The op behind an operator, for operands of one dtype."""
    if dtype.kind == "b" and name in _BOOLS:
        return apply(_BOOLS[name], (x, y))
    if dtype.kind == "f" and name == "power" and _is_number(y) and y in (2.0, 0.5):
        return apply("multiply", (x, x)) if y == 2.0 else apply("sqrt", (x,))
    if dtype.kind in "iu" and name == "floor_divide":
        return _floor_divided(x, y, dtype)
    return apply(_INTEGERS.get(name, name) if dtype.kind in "iu" else name, (x, y))


def _floor_divided(x: Any, y: Any, dtype: np.dtype) -> Array:
    """NumPy's: the one quotient that does not fit, of the least integer by -1, wraps around."""
    made = _in(dtype, apply("floor_divide", (x, y)))
    if dtype.kind == "u" or _is_number(y) and y != -1:
        return made
    turned = apply("wrapping_subtract", (0, x))
    return turned if _is_number(y) else apply("where", (apply("equal", (y, -1)), turned, made))


def _compared(name: str, x: Any, y: Any, dtype: Any, casting: str) -> Array:
    kinds = _kinds([x, y])
    if dtype is not None or casting != "same_kind":
        _resolved(getattr(np, name), kinds, dtype, casting)
    # A dtype equals the Python type that it comes from: kinds are told apart by what they are.
    if any(kind is int for kind in kinds) and any(isinstance(kind, np.dtype) and kind.kind in "iu" for kind in kinds):
        # The engine compares an integer with numbers of any size.
        return apply(name, (x, y))
    loop = _resolved(getattr(np, name), kinds)
    if loop[0] != loop[1]:
        return _compared_mixed(name, x, y, loop)
    a, b = _as(x, loop[0]), _as(y, loop[1])
    if _is_number(a) and _is_number(b):
        a = as_operand(np.asarray(a, loop[0]))
    return apply(name, (a, b))


def _compared_mixed(name: str, x: Any, y: Any, loop: tuple[np.dtype, ...]) -> Array:
    """u64 with i64: a negative number is less than all that have no sign, the rest are compared as u64."""
    signed_first = loop[0].kind == "i"
    signed, other = (_as(x, loop[0]), _as(y, loop[1])) if signed_first else (_as(y, loop[1]), _as(x, loop[0]))
    if not isinstance(signed, Array):
        signed = as_operand(np.asarray(signed, np.int64))
    whole = signed.astype(np.uint64)
    made = apply(name, (whole, other) if signed_first else (other, whole))
    less = "less" in name if signed_first else "greater" in name
    return apply("where", (apply("less", (signed, 0)), less or name == "not_equal", made)).astype(bool)


def unary(name: str, x: Any, dtype: Any = None, casting: str = "same_kind") -> Array:
    """One of NumPy's functions of one number."""
    source, dtype = _resolved(getattr(np, name), [_kind(x)], dtype, casting)
    x = _as(x, source)
    whole = source.kind != "f"
    made = x
    match name:
        case "negative" if whole:
            made = apply("wrapping_subtract", (0, x))
        case "absolute" | "fabs" | "sign" | "square" | "reciprocal" | "trunc" | "isinf" | "isfinite":
            made = _composed(name, x, whole)
        case "positive" | "conjugate":
            pass
        case "floor" | "ceil" | "rint" if whole:
            pass
        case "logical_not":
            made = apply("equal", (x, 0)) if source.kind != "b" else apply("invert", (x,))
        case _:
            made = apply(name, (x,))
    return _in(dtype, made)


def _composed(name: str, x: Array, whole: bool) -> Any:
    match name:
        case "absolute" | "fabs" if whole and x.dtype.kind == "i":
            return apply("where", (apply("less", (x, 0)), apply("wrapping_subtract", (0, x)), x))
        case "absolute" | "fabs":
            return apply("abs", (x,)) if not whole else x
        case "sign":
            above, below = apply("greater", (x, 0)), apply("less", (x, 0))
            made = apply("subtract", (above.astype(np.int8), below.astype(np.int8))).astype(x.dtype)
            return made if whole else apply("where", (apply("isnan", (x,)), x, made))
        case "square":
            return _computed("multiply", x, x, x.dtype)
        case "reciprocal" if whole:
            return _floor_divided(np.asarray(1, x.dtype), x, x.dtype)
        case "reciprocal":
            return apply("divide", (1.0, x))
        case "trunc":
            return x if whole else apply("where", (apply("less", (x, 0.0)), apply("ceil", (x,)), apply("floor", (x,))))
    return apply("equal" if name == "isinf" else "less", (apply("abs", (x,)), float("inf")))


def logical(name: str, x: Any, y: Any, dtype: Any = None, casting: str = "same_kind") -> Array:
    """and, or and xor of what is not 0."""
    _resolved(getattr(np, name), _kinds([x, y]), dtype, casting)
    parts = [binary("not_equal", part, 0) if _kind(part) != np.dtype(bool) else part for part in (x, y)]
    return binary({"logical_and": "bitwise_and", "logical_or": "bitwise_or", "logical_xor": "bitwise_xor"}[name], *parts)


def where(condition: Any, x: Any, y: Any) -> Array:
    """`x` where the condition is not 0, else `y`, in their common dtype."""
    kinds = _kinds([x, y])
    if all(isinstance(kind, type) for kind in kinds):
        dtype = np.result_type(*[np.int64 if kind is int else np.float64 for kind in kinds])
    else:
        dtype = np.result_type(*[kind(0) if isinstance(kind, type) else kind for kind in kinds])
    condition = binary("not_equal", condition, 0) if _kind(condition) != np.dtype(bool) else as_operand(condition)
    made = apply("where", (condition, _as(x, dtype), _as(y, dtype)))
    return _in(dtype, made)


def clip(x: Any, low: Any = None, high: Any = None) -> Array:
    """Held between two bounds; integers beyond an integer dtype do not hold it."""
    low, high = (bound if bound is None else as_operand(bound) for bound in (low, high))
    arrays = [bound.dtype for bound in (low, high) if isinstance(bound, Array) and bound.ndim]
    # Both bounds count at once: a bool between a number and an array has the array's dtype.
    x = x.astype(np.result_type(x.dtype, *arrays))
    for name, bound in ("maximum", low), ("minimum", high):
        if bound is None:
            continue
        if isinstance(bound, int) and not isinstance(bound, bool) and x.dtype.kind in "iu":
            limits = np.iinfo(x.dtype)
            bound = max(limits.min, min(limits.max, bound))
        x = binary(name, x, bound)
    return x
