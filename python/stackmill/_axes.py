"""Axes and indices as arguments: the one place where they are counted from the start and checked against a rank."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .errors import NoSuchAxisError, NoSuchIndexError


def one(axis: Any, rank: int) -> int:
    """An axis, counted from the start. Raises NoSuchAxisError, TypeError for what is no whole number."""
    if isinstance(axis, (bool, np.bool_)) or not hasattr(axis, "__index__"):
        raise TypeError(f"axis={axis!r} is not a whole number")
    place = operator.index(axis)
    if not -rank <= place < rank:
        raise NoSuchAxisError(place, rank)
    return place % rank


def several(axis: Any, rank: int) -> tuple[int, ...]:
    """One axis or several, counted from the start, each once."""
    made = tuple(one(a, rank) for a in (axis if np.iterable(axis) else (axis,)))
    if len(set(made)) != len(made):
        raise ValueError(f"repeated axis: {axis}")
    return made


def shape_of(shape: Any) -> tuple[int, ...]:
    """Extents: a whole number is that of the only axis."""
    return tuple(map(operator.index, shape)) if np.iterable(shape) else (operator.index(shape),)


def checked(named: dict[str, Any], rank: int) -> None:
    """Checks what an op is given as `axis` or `axes`: numbers here, names where the graph is made."""
    for key in "axis", "axes":
        given = named.get(key)
        for part in given if isinstance(given, (list, tuple, np.ndarray)) else (given,):
            if hasattr(part, "__index__") and not isinstance(part, (bool, np.bool_)):
                one(part, rank)


def index(expression: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """An index expression of numbers, slices, an ellipsis and None, checked against the extents."""
    parts = expression if isinstance(expression, tuple) else (expression,)
    made: list[Any] = []
    for part in parts:
        if isinstance(part, (bool, np.bool_)) or getattr(part, "ndim", None) or isinstance(part, list):
            raise NoSuchIndexError("an index cannot be a list, a mask or a bool\nhint: stackmill.where chooses by a mask")
        if part is None or part is Ellipsis or isinstance(part, slice):
            made.append(part)
        elif hasattr(part, "__index__"):
            made.append(operator.index(part))
        else:
            raise NoSuchIndexError(f"an index is a number, a slice, an ellipsis or None, not {type(part).__name__}")
    _within(made, shape)
    return tuple(made)


def _within(parts: list[Any], shape: tuple[int, ...]) -> None:
    taken = [part for part in parts if part is not None and part is not Ellipsis]
    if len(taken) > len(shape):
        raise NoSuchIndexError(f"too many indices: the array has {len(shape)} axes, {len(taken)} were indexed")
    if parts.count(Ellipsis) > 1:
        raise NoSuchIndexError("an index can have one ellipsis only")
    after = len([p for p in parts[parts.index(Ellipsis) :] if p is not None]) - 1 if Ellipsis in parts else 0
    for place, part in enumerate(taken):
        axis = place if place < len(taken) - after else len(shape) - len(taken) + place
        if isinstance(part, int) and not -shape[axis] <= part < shape[axis]:
            raise NoSuchIndexError(f"index {part} is out of bounds for axis {axis} with size {shape[axis]}")
