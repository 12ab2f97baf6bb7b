"""How arrays are made: a few verbs over the engine, each array with its own, so that it can be made again elsewhere.

A recipe is a verb and its arguments, arrays among them. Pickled arrays are their recipes in order, each shared one once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _internal

if TYPE_CHECKING:
    from ._array import Array

DTYPES = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64")
_NONE: dict[str, Any] = {}
_NUMBERS = (bool, int, float, np.bool_, np.integer, np.floating)


def bytes_of(array: np.ndarray) -> np.ndarray:
    """The bytes of a contiguous NumPy array, without a copy."""
    return array.reshape(-1).view(np.uint8)


def _lazy(value: Any) -> _internal.Lazy:
    lazy = getattr(value, "_lazy", None)
    if lazy is not None:
        return lazy
    return _internal.Lazy.number(value.item() if isinstance(value, np.generic) else value)


def _lent(array: np.ndarray) -> _internal.Lazy:
    return _internal.Lazy.lent(bytes_of(array), array.dtype.name, list(array.shape))


def _applied(name: str, arrays: tuple[Any, ...], places: tuple[Any, ...], named: dict[str, Any]) -> _internal.Lazy:
    return _internal.apply(name, [_lazy(array) for array in arrays], list(places), named)


def _tiled(function: Any, arrays: tuple[Any, ...], made: dict[str, Any]) -> _internal.Lazy:
    return _internal.tiles(function, [_lazy(array) for array in arrays], made)


_VERBS: dict[str, Callable[..., _internal.Lazy]] = {
    "open": _internal.Lazy.open,
    "lent": _lent,
    "placeholder": lambda shape, dtype: _internal.Lazy.placeholder(list(shape), dtype),
    "apply": _applied,
    "tiles": _tiled,
    "axes": lambda x, letters: _lazy(x).with_axes(letters),
    "index": lambda x, expression: _lazy(x).index(list(expression)),
    "transpose": lambda x, order: _lazy(x).transpose(list(order)),
    "broadcast": lambda x, shape: _lazy(x).broadcast_to(list(shape)),
}


def made(verb: str, *args: Any) -> Array:
    """The array of a recipe."""
    from ._array import Array

    array = object.__new__(Array)
    array._lazy = _VERBS[verb](*args)
    array._recipe = (verb, args)
    array._shipped = _NONE
    for arg in args:
        for part in arg if isinstance(arg, tuple) else (arg,):
            if getattr(part, "_shipped", None):
                array._shipped = part._shipped
    return array


class _Earlier:
    """An array made by an earlier step of a recipe."""

    __slots__ = ("step",)

    def __init__(self, step: int) -> None:
        self.step = step


def _each(args: tuple[Any, ...], change):
    """Arguments with every array changed; arrays are arguments or lie in a tuple that is one."""
    is_array = lambda value: hasattr(value, "_recipe")  # noqa: E731
    one = lambda value: change(value) if is_array(value) else value  # noqa: E731
    return tuple(tuple(map(one, arg)) if isinstance(arg, tuple) else one(arg) for arg in args)


def steps_of(array: Array) -> list[tuple[str, tuple[Any, ...]]]:
    """The recipes that an array needs, in order, arrays replaced by the numbers of their steps. Not recursive: graphs are deep."""
    numbers: dict[int, int] = {}
    steps: list[tuple[str, tuple[Any, ...]]] = []
    waiting = [array]
    while waiting:
        top = waiting[-1]
        missing: list[Array] = []
        verb, args = top._recipe
        _each(args, lambda part, missing=missing: missing.append(part) if id(part) not in numbers else None)
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        if id(top) not in numbers:
            numbers[id(top)] = len(steps)
            steps.append((verb, _each(args, lambda part: _Earlier(numbers[id(part)]))))
    return steps


def remade(steps: list[tuple[str, tuple[Any, ...]]], settings: dict[str, Any] | None = None) -> Array:
    """The array that steps make, and the settings that it came with."""
    arrays: list[Array] = []
    known = lambda value: arrays[value.step] if isinstance(value, _Earlier) else value  # noqa: E731
    for verb, args in steps:
        args = tuple(tuple(map(known, arg)) if isinstance(arg, tuple) else known(arg) for arg in args)
        arrays.append(made(verb, *args))
    if settings:
        arrays[-1]._shipped = settings
    return arrays[-1]


def is_number(value: Any) -> bool:
    """Whether a value is a number beside arrays."""
    return isinstance(value, _NUMBERS)
