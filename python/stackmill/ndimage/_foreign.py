"""Arrays of other packages, and complex numbers, for functions that know real NumPy and lazy arrays.

dask arrays stay dask arrays and nothing is computed: blocks are filtered one by one, each with as much around it as the filter
reads. A DataArray stays one. Complex numbers pass linear filters as their two real parts. No package is imported for that.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _internal, _recipe
from .._array import Array


def scipys(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that takes any array."""
    return _taking(function, function)


def linear(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that takes any array, of complex numbers too."""
    names = function.__code__.co_varnames[: function.__code__.co_argcount + function.__code__.co_kwonlyargcount]

    @functools.wraps(function)
    def over_parts(*given: Any, **named: Any) -> Any:
        bound = dict(zip(names, given, strict=False)) | named
        parts: list[Any] = [bound.get(name) for name in ("input", "weights")]
        is_complex = any(map(np.iscomplexobj, parts))
        if len(given) > len(names) or "input" not in bound or not is_complex:
            return function(*given, **named)
        return _complex(function, bound)

    return _taking(function, over_parts)


def _taking(function: Callable[..., Any], inner: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def outer(input: Any, *given: Any, **named: Any) -> Any:  # noqa: A002
        kind = type(input).__module__.partition(".")[0]
        if kind == "xarray" and hasattr(input, "coords"):
            return input.copy(data=outer(input.data, *given, **named))
        if kind == "dask" and hasattr(input, "dask"):
            return _blocks(function.__name__, input, given, named)
        return inner(input, *given, **named)

    return outer


# ---- complex numbers


def _complex_output(output: Any, dtype: np.dtype) -> tuple[np.dtype, np.ndarray | None]:
    if output is None:
        return np.promote_types(dtype, np.complex64), None
    if isinstance(output, np.ndarray):
        if output.dtype.kind != "c":
            raise RuntimeError("output must have complex dtype")
        return output.dtype, output
    wanted = np.dtype(output)
    if wanted.kind != "c":
        warnings.warn("promoting specified output dtype to complex", stacklevel=5)
        wanted = np.promote_types(wanted, np.complex64)
    return wanted, None


def _complex(function: Callable[..., Any], bound: dict[str, Any]) -> np.ndarray:
    """Both parts through the real filter; with complex weights four passes."""
    x = np.asarray(bound.pop("input"))
    weights, cval = bound.pop("weights", None), bound.pop("cval", 0.0)
    if np.iscomplexobj(weights) and "correlate" in function.__name__:
        # As numpy.correlate: the weights, not the input, are conjugated.
        weights = np.conj(weights)
    if x.dtype.kind != "c" and np.iscomplexobj(cval):
        raise ValueError("Cannot provide a complex-valued cval when the input is real.")
    dtype, out = _complex_output(bound.pop("output", None), np.result_type(x.dtype, np.complex64))
    part = np.dtype(np.float32 if dtype == np.complex64 else np.float64)

    def filtered(real: np.ndarray, imaginary_weights: bool, cval: float, stored: np.dtype) -> np.ndarray:
        named = dict(bound, output=stored, cval=cval)
        if weights is not None:
            named["weights"] = np.imag(weights) if imaginary_weights else np.real(weights)
        return function(real, **named)

    made = np.zeros(x.shape, dtype) if out is None else out
    two = np.iscomplexobj(weights) if weights is not None else False
    real, imaginary = np.ascontiguousarray(x.real), np.ascontiguousarray(x.imag) if x.dtype.kind == "c" else None
    made.real = filtered(real, False, np.real(cval), part)
    if two:
        made.imag = filtered(real, True, np.real(cval), part)
    if imaginary is not None and two:
        made.real -= filtered(imaginary, True, np.imag(cval), imaginary.dtype)
        made.imag += filtered(imaginary, False, np.imag(cval), imaginary.dtype)
    elif imaginary is not None:
        made.imag = filtered(imaginary, False, np.imag(cval), part)
    return made


# ---- dask


def _placeholder(shape: tuple[int, ...], dtype: np.dtype) -> Array:
    return _recipe.made("placeholder", shape, dtype.name)


def _block(block: np.ndarray, *, filter_name: str, given: tuple[Any, ...], named: dict[str, Any]) -> np.ndarray:
    """One block of a dask array with what is around it."""
    return getattr(sys.modules["stackmill.ndimage"], filter_name)(block, *given, **named)


def _wraps(rank: int, mode: Any, axes: Any) -> list[bool]:
    """The axes at whose ends the other end is read."""
    axes = range(rank) if axes is None else [a % rank for a in (axes if np.iterable(axes) else (axes,))]
    modes = [mode] * rank if isinstance(mode, str) else list(mode)
    wrapped = [False] * rank
    for axis, one in zip(axes, modes, strict=False):
        wrapped[axis] = one in ("wrap", "grid-wrap")
    return wrapped


def _blocks(name: str, x: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """The filter of a dask array: block by block, with as much around each as the filter reads."""
    import dask.array as da  # type: ignore[import-untyped, import-not-found, unused-ignore]

    function = getattr(sys.modules["stackmill.ndimage"], name)
    if isinstance(named.get("output"), np.ndarray):
        raise TypeError("a dask array has no output to be written into")
    # As many elements as no window reaches across, in an array that lies nowhere.
    probe = function(_placeholder((1 << 57 // x.ndim,) * x.ndim, x.dtype), *given, **named)
    reach = _internal.reach(probe._lazy)
    code = function.__wrapped__.__code__
    bound = dict(zip(code.co_varnames[1 : code.co_argcount], given, strict=False)) | named
    wrapped = _wraps(x.ndim, bound.get("mode", "reflect"), bound.get("axes"))
    return da.map_overlap(
        _block,
        x,
        depth={axis: max(pair) for axis, pair in enumerate(reach)},
        boundary={axis: "periodic" if wraps else "none" for axis, wraps in enumerate(wrapped)},
        dtype=probe.dtype,
        meta=np.empty((0,) * x.ndim, probe.dtype),
        filter_name=name,
        given=given,
        named=named,
    )
