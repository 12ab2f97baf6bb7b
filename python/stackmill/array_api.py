"""The Python array API (2024.12) over lazy arrays: what stackmill computes lazily of it. docs/array-api.md lists the rest with reasons."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import (
    bool,  # noqa: A004
    e,
    finfo,
    float32,
    float64,
    iinfo,
    inf,
    int8,
    int16,
    int32,
    int64,
    isdtype,
    nan,
    newaxis,
    pi,
    uint8,
    uint16,
    uint32,
    uint64,
)
from numpy import (
    can_cast as _np_can_cast,
)

from . import _operators, _protocols, _reductions
from ._array import Array, from_array

__array_api_version__ = "2024.12"
VERSIONS = ("2022.12", "2023.12", "2024.12")


def _elementwise(name: str, numpys: str | None = None):
    numpys = numpys or name

    def binary(x1: Any, x2: Any, /) -> Array:
        return _operators.binary(numpys, x1, x2)

    def logical(x1: Any, x2: Any, /) -> Array:
        return _operators.logical(numpys, x1, x2)

    def unary(x: Any, /) -> Array:
        return _operators.unary(numpys, _protocols.as_array(x))

    function = binary if numpys in _protocols.BINARY else logical if numpys in _protocols.LOGICAL else unary
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`{name}` of the array API, lazily."
    return function


abs = _elementwise("abs", "absolute")  # noqa: A001
add = _elementwise("add")
bitwise_and = _elementwise("bitwise_and")
bitwise_invert = _elementwise("bitwise_invert", "invert")
bitwise_left_shift = _elementwise("bitwise_left_shift", "left_shift")
bitwise_or = _elementwise("bitwise_or")
bitwise_right_shift = _elementwise("bitwise_right_shift", "right_shift")
bitwise_xor = _elementwise("bitwise_xor")
ceil = _elementwise("ceil")
conj = _elementwise("conj", "conjugate")
cos = _elementwise("cos")
divide = _elementwise("divide")
equal = _elementwise("equal")
exp = _elementwise("exp")
floor = _elementwise("floor")
floor_divide = _elementwise("floor_divide")
greater = _elementwise("greater")
greater_equal = _elementwise("greater_equal")
isfinite = _elementwise("isfinite")
isinf = _elementwise("isinf")
isnan = _elementwise("isnan")
less = _elementwise("less")
less_equal = _elementwise("less_equal")
log = _elementwise("log")
logical_and = _elementwise("logical_and")
logical_not = _elementwise("logical_not")
logical_or = _elementwise("logical_or")
logical_xor = _elementwise("logical_xor")
maximum = _elementwise("maximum")
minimum = _elementwise("minimum")
multiply = _elementwise("multiply")
negative = _elementwise("negative")
not_equal = _elementwise("not_equal")
positive = _elementwise("positive")
pow = _elementwise("pow", "power")  # noqa: A001
reciprocal = _elementwise("reciprocal")
remainder = _elementwise("remainder")
sign = _elementwise("sign")
sin = _elementwise("sin")
sqrt = _elementwise("sqrt")
square = _elementwise("square")
subtract = _elementwise("subtract")
trunc = _elementwise("trunc")


def real(x: Array, /) -> Array:
    """The array itself: it has no imaginary part."""
    return x


def round(x: Array, /) -> Array:  # noqa: A001
    """The nearest whole numbers, ties to even."""
    return _protocols.round_(x)


def clip(x: Array, /, min: Any = None, max: Any = None) -> Array:  # noqa: A002
    """Held between two bounds, in the dtype of `x`."""
    return _operators.clip(x, min, max)


def where(condition: Array, x1: Any, x2: Any, /) -> Array:
    """`x1` where the condition holds, else `x2`."""
    return _operators.where(condition, x1, x2)


# ---- places

permute_dims = _protocols.transpose
moveaxis = _protocols.moveaxis
broadcast_arrays = _protocols.broadcast_arrays


def broadcast_to(x: Array, /, shape: Any) -> Array:
    """Repeated along new axes and those of extent 1."""
    return _protocols.broadcast_to(x, shape)


def expand_dims(x: Array, /, *, axis: int = 0) -> Array:
    """A new axis of extent 1."""
    return _protocols.expand_dims(x, axis)


def squeeze(x: Array, /, axis: Any) -> Array:
    """Without axes of extent 1."""
    return _protocols.squeeze(x, axis)


def flip(x: Array, /, *, axis: Any = None) -> Array:
    """The elements in reverse along axes; all by default."""
    return _protocols.flip(x, axis)


def matrix_transpose(x: Array, /) -> Array:
    """The last two axes swapped."""
    return x.mT


def unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The parts along an axis."""
    return _protocols.unstack(x, axis=axis)


def diff(x: Array, /, *, axis: int = -1, n: int = 1, prepend: None = None, append: None = None) -> Array:
    """Differences of neighbours along an axis. `prepend` and `append` are refused: arrays are not joined yet."""
    return _protocols.diff(x, n, axis, prepend, append)


# ---- reductions


def _typed(x: Array, dtype: Any) -> Array:
    return x if dtype is None else x.astype(dtype)


def sum(x: Array, /, *, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Array:  # noqa: A001
    """The sum over axes."""
    return _reductions.reduced("sum", x, axis, dtype, keepdims=keepdims)


def mean(x: Array, /, *, axis: Any = None, keepdims: Any = False) -> Array:
    """The mean over axes."""
    return _reductions.reduced("mean", x, axis, keepdims=keepdims)


def var(x: Array, /, *, axis: Any = None, correction: float = 0.0, keepdims: Any = False) -> Array:
    """The variance over axes."""
    return _reductions.reduced("var", x, axis, ddof=float(correction), keepdims=keepdims)


def std(x: Array, /, *, axis: Any = None, correction: float = 0.0, keepdims: Any = False) -> Array:
    """The standard deviation over axes."""
    return _reductions.reduced("std", x, axis, ddof=float(correction), keepdims=keepdims)


def min(x: Array, /, *, axis: Any = None, keepdims: Any = False) -> Array:  # noqa: A001
    """The smallest over axes."""
    return _reductions.reduced("min", x, axis, keepdims=keepdims)


def max(x: Array, /, *, axis: Any = None, keepdims: Any = False) -> Array:  # noqa: A001
    """The largest over axes."""
    return _reductions.reduced("max", x, axis, keepdims=keepdims)


def any(x: Array, /, *, axis: Any = None, keepdims: Any = False) -> Array:  # noqa: A001
    """Whether any element is not 0."""
    return _reductions.reduced("any", x, axis, keepdims=keepdims)


def all(x: Array, /, *, axis: Any = None, keepdims: Any = False) -> Array:  # noqa: A001
    """Whether all elements are not 0."""
    return _reductions.reduced("all", x, axis, keepdims=keepdims)


def argmin(x: Array, /, *, axis: int | None = None, keepdims: Any = False) -> Array:
    """The index of the first smallest element."""
    return _reductions.place_of("argmin", x, axis, keepdims=keepdims)


def argmax(x: Array, /, *, axis: int | None = None, keepdims: Any = False) -> Array:
    """The index of the first largest element."""
    return _reductions.place_of("argmax", x, axis, keepdims=keepdims)


def count_nonzero(x: Array, /, *, axis: Any = None, keepdims: Any = False) -> Array:
    """How many elements are not 0."""
    return _reductions.reduced("sum", not_equal(x, 0), axis, keepdims=keepdims)


def cumulative_sum(x: Array, /, *, axis: int | None = None, dtype: Any = None, include_initial: Any = False) -> Array:
    """The running sum along an axis. `include_initial` is refused: arrays are not joined yet."""
    return _protocols.cumulative_sum(x, axis=axis, dtype=dtype, include_initial=include_initial)


# ---- making arrays


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: Any = None) -> Array:
    """An array over whatever NumPy makes one of."""
    _protocols.on_cpu(device)
    if isinstance(obj, Array):
        return _typed(obj, dtype)
    return from_array(np.array(obj, dtype) if copy else np.asarray(obj, dtype))


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """One number in every place."""
    _protocols.on_cpu(device)
    return _protocols.filled(fill_value, shape, dtype)


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """Zeros."""
    return full(shape, 0, dtype=dtype or float64, device=device)


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """Ones."""
    return full(shape, 1, dtype=dtype or float64, device=device)


def empty(shape: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """Zeros: nothing here is undefined."""
    return zeros(shape, dtype=dtype, device=device)


def full_like(x: Array, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """One number in every place, the shape and dtype of `x`."""
    return full(x.shape, fill_value, dtype=dtype or x.dtype, device=device)


def zeros_like(x: Array, /, *, dtype: Any = None, device: Any = None) -> Array:
    """Zeros of the shape and dtype of `x`."""
    return full_like(x, 0, dtype=dtype, device=device)


def ones_like(x: Array, /, *, dtype: Any = None, device: Any = None) -> Array:
    """Ones of the shape and dtype of `x`."""
    return full_like(x, 1, dtype=dtype, device=device)


empty_like = zeros_like


def arange(start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None) -> Array:
    """Numbers at equal distances; kept in memory."""
    _protocols.on_cpu(device)
    line: Any = np.arange
    return from_array(line(start, stop, step, dtype) if stop is not None else line(0, start, step, dtype))


def linspace(start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: Any = True) -> Array:
    """Numbers at equal distances; kept in memory."""
    _protocols.on_cpu(device)
    return from_array(np.linspace(start, stop, num, endpoint=endpoint, dtype=dtype))


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None) -> Array:
    """Ones along a diagonal; kept in memory."""
    _protocols.on_cpu(device)
    return from_array(np.eye(n_rows, n_cols, k, dtype or float64))


# ---- dtypes and what there is


def astype(x: Array, dtype: Any, /, *, copy: Any = True, device: Any = None) -> Array:
    """The elements as another dtype, as NumPy casts."""
    _protocols.on_cpu(device)
    return x.astype(dtype)


def can_cast(from_: Any, to: Any, /) -> Any:
    """Whether a cast loses nothing."""
    return _np_can_cast(from_.dtype if isinstance(from_, Array) else from_, to)


def result_type(*arrays_and_dtypes: Any) -> np.dtype:
    """The dtype that holds all."""
    return np.result_type(*[given.dtype if isinstance(given, Array) else given for given in arrays_and_dtypes])


_DTYPES = {
    "bool": bool, "int8": int8, "int16": int16, "int32": int32, "int64": int64,
    "uint8": uint8, "uint16": uint16, "uint32": uint32, "uint64": uint64, "float32": float32, "float64": float64,
}  # fmt: skip


class _Info:
    """What of the standard there is."""

    def capabilities(self) -> dict[str, Any]:
        """Nothing whose shape depends on data, and no indexing by masks."""
        return {"boolean indexing": False, "data-dependent shapes": False, "max dimensions": 6}

    def default_device(self) -> str:
        """Where elements are once computed."""
        return "cpu"

    def devices(self) -> list[str]:
        """All such places."""
        return ["cpu"]

    def default_dtypes(self, *, device: Any = None) -> dict[str, np.dtype]:
        """What numbers become where nothing is said."""
        names = {"real floating": "float64", "integral": "int64", "indexing": "int64"}
        return {name: np.dtype(dtype) for name, dtype in names.items()}

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, np.dtype]:
        """Those that can be computed with."""
        return {name: np.dtype(d) for name, d in _DTYPES.items() if kind is None or isdtype(np.dtype(d), kind)}


def __getattr__(name: str) -> Any:
    raise AttributeError(
        f"stackmill.array_api has no {name!r}: docs/array-api.md says why\nhint: x.compute() gives a NumPy array, which has all of it"
    )


def __array_namespace_info__() -> _Info:
    """What of the standard there is."""
    return _Info()
