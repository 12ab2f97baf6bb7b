"""What runs may use and how Python behaves: settings of this context, changed for a while or for good."""

from __future__ import annotations

import contextvars
import operator
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_NONE: Mapping[str, Any] = MappingProxyType({})
_settings: contextvars.ContextVar[Mapping[str, Any]] = contextvars.ContextVar("stackmill settings", default=_NONE)
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
# What the engine takes, and what only Python knows with what it may be.
_ENGINE = ("memory", "threads", "tile", "device", "vram", "gpus", "scratch", "verify")
_CHOICES = {
    "default_float": ("auto", "float32", "float64"),
    "implicit_compute": ("warn", "raise", "allow"),
    "progress": ("auto", True, False),
}


def engine() -> dict[str, Any]:
    """The settings of this context that the engine takes."""
    return {name: value for name, value in _settings.get().items() if name in _ENGINE}


def choice(name: str) -> Any:
    """A setting of Python's; the first of its choices by default."""
    return _settings.get().get(name, _CHOICES[name][0])


def _bytes(value: str) -> int:
    """Bytes of `"512MiB"`, `"2GB"`, `"1.5GiB"`; powers of 1024, or of 1000 where a B without i says so."""
    text = value.strip().lower()
    unit = text.lstrip("0123456789.")
    number, unit = text[: len(text) - len(unit)], unit.strip()
    known = {**_UNITS, **{f"{letter}i{b}": _UNITS[letter] for letter in "kmgt" for b in ("", "b")}, "b": 1}
    if unit not in known or not number or number.count(".") > 1:
        raise ValueError(f"{value!r} is no size; write '512MiB', '2GB', '1.5GiB' or a number of bytes")
    return int(float(number) * known[unit])


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    names = (*_ENGINE, *_CHOICES)
    unknown = [name for name in given if name not in names]
    if unknown:
        raise TypeError(f"options() has no {unknown[0]!r}; it takes {', '.join(names)}")
    made = {}
    for name, value in given.items():
        if value is None:
            continue
        if name in _CHOICES and value not in _CHOICES[name]:
            raise ValueError(f"{name} is one of {', '.join(map(repr, _CHOICES[name]))}, got {value!r}")
        made[name] = _of_kind(name, value)
    return made


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or operator.index(value) < 1:
        raise ValueError(f"{name} is a whole number above 0, got {value!r}")
    return operator.index(value)


def extents(name: str, value: Any) -> list[int]:
    """Extents, one per axis; a number is that of the only one."""
    return [_count(f"an extent of {name}", extent) for extent in (value if hasattr(value, "__iter__") else [value])]


def _of_kind(name: str, value: Any) -> Any:
    """A setting as the engine takes it."""
    if name in ("memory", "vram"):
        return _count(name, _bytes(value)) if isinstance(value, str) else _count(name, value)
    if name in ("threads", "gpus"):
        return _count(name, value)
    if name == "verify":
        return 0 if value == 0 and not isinstance(value, bool) else _count(name, value)
    if name == "tile":
        return extents(name, value)
    if name == "device" and not isinstance(value, str):
        raise ValueError(f"device is 'auto', 'cpu', 'gpu' or part of an adapter's name, got {value!r}")
    if name == "scratch":
        return os.fspath(value)
    return value


class options:
    """Sets what later runs may use: for good when called, for a while in a `with` statement.

    memory: bytes that a run may add, as a number or `"512MiB"`; half of what is free by default
    threads: worker threads
    tile: extents of a tile, one an axis
    device: `"auto"`, `"cpu"`, `"gpu"` or part of an adapter's name
    vram: bytes of a GPU's memory
    gpus: GPUs of one kind that a run is spread over
    scratch: a folder for arrays that a run makes for itself, where reading again would take longer or not fit, or `"never"`;
        by default a file beside what is saved, and none where the result stays in memory
    verify: tiles of each pass that are computed again in f64 while it runs; a wrong result stops the run
    default_float: what a Python float counts as beside integers: `"auto"` (f32 beside at most 16 bits, else f64), or always
        `"float32"`, or `"float64"` as NumPy has it
    implicit_compute: what happens when something that does not look like it computes more than 64 MiB: `"warn"`, `"raise"`
        or `"allow"`
    progress: whether runs show how far they are: `"auto"` (in a terminal and in a notebook), True or False

    None takes a setting back to its default.
    """

    def __init__(
        self,
        *,
        memory: Any = ...,
        threads: Any = ...,
        tile: Any = ...,
        device: Any = ...,
        vram: Any = ...,
        gpus: Any = ...,
        scratch: Any = ...,
        verify: Any = ...,
        default_float: Any = ...,
        implicit_compute: Any = ...,
        progress: Any = ...,
    ) -> None:
        given = {name: value for name, value in locals().items() if name != "self" and value is not ...}
        made = _checked(given)
        kept = {name: value for name, value in _settings.get().items() if name not in given}
        self._token = _settings.set({**kept, **made})

    def __enter__(self) -> options:
        return self

    def __exit__(self, *_: object) -> None:
        _settings.reset(self._token)
