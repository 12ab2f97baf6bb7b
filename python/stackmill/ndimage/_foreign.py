"""Arrays of other packages, and complex numbers, for functions that know real NumPy and lazy arrays.

dask arrays stay dask arrays and nothing is computed: blocks are filtered one by one, each with as much around it as the filter
reads. A DataArray stays one. Complex numbers pass linear filters as their two real parts. No package is imported for that.
"""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _internal, _recipe, _settings
from .._array import Array
from . import _docs


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
    _docs.described(function)

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


def _block(*blocks: np.ndarray, filter_name: str, bound: dict[str, Any], settings: dict[str, Any]) -> np.ndarray:
    """One block of a dask array, and of its mask, with what is around it, under the settings of who asked for it."""
    named = bound if len(blocks) == 1 else bound | {"mask": blocks[1]}
    with _settings.within(settings or _settings.current()):
        return getattr(sys.modules["stackmill.ndimage"], filter_name)(blocks[0], **named)


# Filters that step over an axis twice, and one of their steps. Mirrored at an end of the array, the steps of a window that is
# not symmetric add up on one side, where in the middle one goes back what the other went.
_TWICE = dict.fromkeys(("grey_opening", "grey_closing", "white_tophat", "black_tophat"), "grey_erosion")
# Filters whose modes are one a part of the result, each along all axes, and not one an axis.
_BY_PART = ("gaussian_gradient_magnitude", "gaussian_laplace", "generic_gradient_magnitude", "generic_laplace")


def _reach(name: str, rank: int, dtype: np.dtype, bound: dict[str, Any]) -> list[int]:
    """How far a filter looks along each axis at most, ends of the array included."""
    # As many elements as no window reaches across, in an array that lies nowhere.
    nowhere = _placeholder((1 << 57 // rank,) * rank, np.dtype(np.float64) if dtype.kind == "c" else dtype)
    function = lambda called: getattr(sys.modules["stackmill.ndimage"], called)(nowhere, **bound)  # noqa: E731
    depth = [max(pair) for pair in _internal.reach(function(name)._lazy)]
    if name in _TWICE:
        depth = [2 * max(pair) for pair in _internal.reach(function(_TWICE[name])._lazy)]
    return depth


def _wraps(name: str, rank: int, bound: dict[str, Any]) -> tuple[list[bool], list[bool]]:
    """Per axis: whether the other end is read at its ends, and whether only some parts of the result do."""
    axes, mode = bound.get("axes"), bound.get("mode", "reflect")
    axes = range(rank) if axes is None else [a % rank for a in (axes if np.iterable(axes) else (axes,))]
    modes = [mode] * rank if isinstance(mode, str) else list(mode)
    wrapped, mixed = [False] * rank, [False] * rank
    if "axis" in bound and isinstance(mode, str):
        axes = range(rank)
    is_wrap = [one in ("wrap", "grid-wrap") for one in modes]
    if name in _BY_PART and any(is_wrap):
        return [all(is_wrap)] * rank, [not all(is_wrap)] * rank
    for axis, one in zip(axes, is_wrap, strict=False):
        wrapped[axis] = one
    return wrapped, mixed


def _blocks(name: str, x: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """The filter of a dask array: block by block, with as much around each as the filter reads.

    An axis that is no longer than that is one block: a window that turns back at both ends reads all of it.
    """
    import dask.array as da  # type: ignore[import-untyped, import-not-found, unused-ignore]

    function = getattr(sys.modules["stackmill.ndimage"], name)
    bound = inspect.signature(function).bind(x, *given, **named).arguments
    bound.pop("input")
    bound |= bound.pop("kwargs", {})
    if isinstance(bound.get("output"), np.ndarray):
        raise TypeError("a dask array has no output to be written into")
    if any(np.isnan(n) for n in x.shape):
        raise ValueError("a filter of a dask array whose extents are not known\nhint: x.compute_chunk_sizes()")
    mask = bound.pop("mask", None)
    # What the result is, and what is wrong with the arguments, is told by a single element.
    probed = function(np.ones((1,) * x.ndim, x.dtype), **bound)
    arrays = [x] if mask is None else [x, _mask_like(da, mask, x)]
    call = dict(dtype=probed.dtype, meta=np.empty((0,) * x.ndim, probed.dtype), filter_name=name, bound=bound)
    call["settings"] = dict(_settings.current())
    if x.ndim == 0 or 0 in x.shape:
        return da.map_blocks(_block, *arrays, **call)
    depth, (wrapped, mixed) = _reach(name, x.ndim, x.dtype, bound), _wraps(name, x.ndim, bound)
    whole = [axis for axis, n in enumerate(x.shape) if depth[axis] >= n or mixed[axis] and depth[axis]]
    depth = [0 if axis in whole else reach for axis, reach in enumerate(depth)]
    arrays = [array.rechunk(dict.fromkeys(whole, -1)) for array in arrays]
    around = dict(enumerate(depth))
    ends = {axis: "periodic" if wraps and depth[axis] else "none" for axis, wraps in enumerate(wrapped)}
    many = len(arrays)
    return da.map_overlap(_block, *arrays, depth=[around] * many, boundary=[ends] * many, trim=True, **call)


def _mask_like(da: Any, mask: Any, x: Any) -> Any:
    """A mask in the blocks of an array."""
    mask = da.asarray(mask)
    if mask.shape != x.shape:
        raise RuntimeError("mask and input must have equal sizes")
    return (mask if mask.dtype == bool else mask != 0).rechunk(x.chunks)
