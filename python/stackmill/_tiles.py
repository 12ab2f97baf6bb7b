"""Your own functions over tiles: `map_blocks` and `map_overlap`."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from . import _axes, _callers, _recipe
from ._array import Array, from_array
from ._types import Axis, Depth, DTypeLike, Given, Mode, Operand
from .errors import CallerError, DtypeError, NotThereError

_MODES = ("reflect", "constant", "nearest", "mirror", "wrap")


class _Called:
    """A user's function as the engine calls it: bytes in, bytes out, shape and dtype checked."""

    def __init__(self, function: Callable[..., Any], plan: dict[str, Any], named: dict[str, Any]) -> None:
        self.function = function
        self.plan = plan
        self.named = named

    def __call__(self, inputs: list[tuple[bytearray, str, list[int]]], start: list[int], extents: list[int]) -> np.ndarray:
        arrays = [np.frombuffer(data, dtype).reshape(shape) for data, dtype, shape in inputs]
        cuts = [self._beyond(k, start, extents) for k in range(len(arrays))]
        if self.plan["inside"]:
            arrays = [self._inner(a, c) for a, c in zip(arrays, cuts, strict=True)]
        made = np.asarray(self.function(*arrays, **self.named))
        return self._checked(made, extents, self._halo(cuts))

    def _is_repeated(self, k: int, own: int) -> bool:
        axis = self.plan["walks"][k][own][0]
        return axis is not None and self.plan["shapes"][k][own] == 1 and self.plan["shape"][axis] != 1

    def _beyond(self, k: int, start: list[int], extents: list[int]) -> list[tuple[int, int]]:
        """How much of a tile lies outside its array, per axis."""
        beyond = []
        for own, (axis, before, after) in enumerate(self.plan["walks"][k]):
            if axis is None or self._is_repeated(k, own):
                beyond.append((0, 0))
            else:
                end = start[axis] + extents[axis]
                beyond.append((max(0, before - start[axis]), max(0, end + after - self.plan["shapes"][k][own])))
        return beyond

    def _halo(self, cuts: list[list[tuple[int, int]]]) -> list[tuple[int, int]]:
        """What a result has around the tile, per axis of the result."""
        halo = [(0, 0)] * len(self.plan["shape"])
        for k, walks in enumerate(self.plan["walks"]):
            for own, (axis, before, after) in enumerate(walks):
                if axis is not None and not self._is_repeated(k, own):
                    a, b = cuts[k][own] if self.plan["inside"] else (0, 0)
                    halo[axis] = (before - a, after - b)
        return halo

    @staticmethod
    def _inner(array: np.ndarray, cut: list[tuple[int, int]]) -> np.ndarray:
        return array[tuple(slice(a, n - b) for (a, b), n in zip(cut, array.shape, strict=True))]

    def _checked(self, made: np.ndarray, extents: list[int], trims: list[tuple[int, int]]) -> np.ndarray:
        """The tile itself: what a function gives of the halo is cut off."""
        padded = tuple(n + a + b for n, (a, b) in zip(extents, trims, strict=True))
        if made.dtype != self.plan["dtype"]:
            raise DtypeError(f"the function gave {made.dtype}, dtype={self.plan['dtype']} was promised")
        if made.shape == padded:
            made = self._inner(made, trims)
        elif made.shape != tuple(extents):
            either = f"{tuple(extents)}" if padded == tuple(extents) else f"{padded} (with its halo) or {tuple(extents)}"
            raise CallerError(f"the function gave {made.shape} for a tile; it must give {either}")
        return _recipe.bytes_of(np.ascontiguousarray(made))


def _whole(value: Any, depth: Any) -> int:
    if isinstance(value, (bool, np.bool_, str)) or not hasattr(value, "__index__") or operator.index(value) < 0:
        raise CallerError(f"depth is how many elements a function looks around itself, whole numbers from 0 on, not {depth!r}")
    return operator.index(value)


def _depths(depth: Any, rank: int) -> list[tuple[int, int]]:
    """How far each axis is read before and after: from a number, one an axis, pairs, or a dictionary by axis."""
    if isinstance(depth, dict):
        by_axis = {_axes.one(axis, rank): one for axis, one in depth.items()}
        if len(by_axis) != len(depth):
            raise CallerError(f"depth names an axis twice: {depth!r}")
        each = [by_axis.get(axis, 0) for axis in range(rank)]
    else:
        each = list(depth) if np.iterable(depth) and not isinstance(depth, str) else [depth] * rank
    if len(each) != rank:
        raise CallerError(f"depth has {len(each)} entries for an array of {rank} axes")
    pairs = []
    for one in each:
        ends = list(one) if np.iterable(one) and not isinstance(one, str) else [one, one]
        if len(ends) != 2:
            raise CallerError(f"depth of an axis is a number or a pair (before, after), not {one!r}")
        pairs.append((_whole(ends[0], depth), _whole(ends[1], depth)))
    return pairs


def _new_axes(new_axis: Any, kept: int) -> dict[int, int]:
    """Axes that only the result has, and their extents."""
    if new_axis is None:
        return {}
    extents = (
        dict(new_axis) if isinstance(new_axis, dict) else dict.fromkeys(new_axis if np.iterable(new_axis) else (new_axis,), 1)
    )
    rank = kept + len(extents)
    _axes.several(list(extents), rank)
    return {_axes.one(axis, rank): _whole(n, n) for axis, n in extents.items()}


# Arguments of dask's functions of these names that mean nothing here, and what says the same.
_DASKS = {
    "boundary": "mode= says what lies outside: None, 'reflect', 'constant' (with cval=), 'nearest', 'mirror', 'wrap'",
    "trim": "a result with its halo is cut, one without is taken as it is",
    "chunks": "tiles have no chunks; new_axis= takes a dictionary of extents",
    "meta": "dtype= says what the function gives",
    "name": "functions are told apart by what they are",
    "token": "functions are told apart by what they are",
    "align_arrays": "arrays are repeated as NumPy repeats them",
    "allow_rechunk": "a halo may be as wide as it likes",
    "enforce_ndim": "shapes are always checked",
}


def _refuse_dasks(function: Callable[..., Any], named: dict[str, Any]) -> None:
    """Refuses dask's keywords, unless the function has a parameter of that name."""
    try:
        own = set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        own = set()
    for key in named:
        if key in _DASKS and key not in own:
            raise NotThereError(f"map_overlap and map_blocks take no {key}=\nhint: {_DASKS[key]}")


def map_overlap(
    function: Callable[..., Given],
    *arrays: Operand,
    depth: Depth,
    dtype: DTypeLike | None = None,
    drop_axis: Axis = None,
    new_axis: Axis | Mapping[int, int] = None,
    mode: Mode | None = None,
    cval: float = 0.0,
    **named: Given,
) -> Array:
    """A function of NumPy arrays over tiles of lazy ones, each with its halo.

    function: takes one NumPy array per lazy one, and `named`; gives the tile's result, with its halo (which is cut off) or
        without. Called on worker threads, in any order, perhaps more than once for a tile
    depth: how far the function looks: a number, one an axis, pairs (before, after), or a dictionary by axis
    dtype: of the result, checked for every tile; that of the first array by default
    drop_axis: axes that the result has not; the function is given them whole
    new_axis: axes that only the result has, of extent 1, or a dictionary of their extents
    mode: what lies outside the array: None, nothing (tiles at the border end there), or reflect, constant, nearest, mirror, wrap
    cval: the number outside, for mode constant

    Arrays of fewer axes, or of extents of 1, are repeated as NumPy does.

    Returns a lazy array of the arrays' common shape, less `drop_axis`, and `new_axis`. Raises CallerError for arguments that cannot be,
    NoSuchAxisError for an axis that there is not, NotThereError for dask's keywords; what the function raises is raised by the run.

    Example: `stackmill.map_overlap(scipy.ndimage.median_filter, x, size=3, depth=1)`
    """
    if not arrays:
        raise CallerError("a function of no arrays")
    if mode is not None and mode not in _MODES:
        raise CallerError(f"mode is None or one of {', '.join(_MODES)}, got {mode!r}")
    _refuse_dasks(function, named)
    lazies = tuple(from_array(array) for array in arrays)
    whole = np.broadcast_shapes(*[a.shape for a in lazies])
    dropped = () if drop_axis is None else _axes.several(drop_axis, len(whole))
    kept = [axis for axis in range(len(whole)) if axis not in dropped]
    new = _new_axes(new_axis, len(kept))
    rank = len(kept) + len(new)
    places = iter([a for a in range(rank) if a not in new])
    place = {axis: next(places) for axis in kept}
    shape = [0] * rank
    for axis in kept:
        shape[place[axis]] = whole[axis]
    for axis, extent in new.items():
        shape[axis] = extent
    around = _depths(depth, len(whole))
    walks = []
    for lazy in lazies:
        skipped = len(whole) - lazy.ndim
        own = range(skipped, len(whole))
        walks.append([(place.get(axis), *(around[axis] if axis in place else (0, 0))) for axis in own])
    plan = {
        "name": f"{_name_of(function, depth)} at {_callers.place()}",
        "walks": walks,
        "mode": mode or "reflect",
        "cval": float(cval),
        "dtype": np.dtype(lazies[0].dtype if dtype is None else dtype).name,
        "shape": shape,
        "shapes": [lazy.shape for lazy in lazies],
        "inside": mode is None,
    }
    if plan["dtype"] not in _recipe.DTYPES:
        raise DtypeError(f"a function cannot give {plan['dtype']}; the dtypes are {', '.join(_recipe.DTYPES)}")
    return _recipe.made("tiles", _Called(function, plan, named), lazies, plan)


def _name_of(function: Callable[..., Any], depth: Any) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return f"map_blocks({name})" if isinstance(depth, int) and depth == 0 else f"map_overlap({name}, depth={depth})"


def map_blocks(
    function: Callable[..., Given],
    *arrays: Operand,
    dtype: DTypeLike | None = None,
    drop_axis: Axis = None,
    new_axis: Axis | Mapping[int, int] = None,
    **named: Given,
) -> Array:
    """A function of NumPy arrays over tiles of lazy ones: `map_overlap` that looks at nothing but the tile itself.

    function, dtype, drop_axis, new_axis: as in `map_overlap`

    Returns a lazy array, and Raises as `map_overlap` does.

    Example: `stackmill.map_blocks(np.log1p, x, dtype="float32")`
    """
    return map_overlap(function, *arrays, depth=0, dtype=dtype, drop_axis=drop_axis, new_axis=new_axis, **named)
