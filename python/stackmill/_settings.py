"""What runs may use and how Python behaves: settings of the process, and over them those of a context, for a while."""

from __future__ import annotations

import contextlib
import contextvars
import dis
import operator
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import EllipsisType, MappingProxyType
from typing import Any, Literal

_NONE: Mapping[str, Any] = MappingProxyType({})
# What every thread sees; replaced whole, under the lock, so that readers need none.
_process: Mapping[str, Any] = _NONE
_lock = threading.Lock()
# What this context sees instead: all of its settings, inside a `with` statement.
_context: contextvars.ContextVar[Mapping[str, Any] | None] = contextvars.ContextVar("stackmill settings", default=None)
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
# What the engine takes, and what only Python knows with what it may be.
_ENGINE = ("memory", "threads", "tile", "device", "vram", "gpus", "scratch", "verify")
_CHOICES = {
    "default_float": ("auto", "float32", "float64"),
    "implicit_compute": ("warn", "raise", "allow"),
    "progress": ("auto", True, False),
}


def current() -> Mapping[str, Any]:
    """The settings that hold here."""
    inside = _context.get()
    return _process if inside is None else inside


@contextlib.contextmanager
def within(settings: Mapping[str, Any]) -> Iterator[None]:
    """Work that was begun elsewhere, under the settings that it was begun with."""
    token = _context.set(settings)
    try:
        yield
    finally:
        _context.reset(token)


def engine(shipped: Mapping[str, Any] = _NONE) -> dict[str, Any]:
    """The settings that the engine takes; those that came with an array hold where nothing else was said."""
    return {name: value for name, value in {**shipped, **current()}.items() if name in _ENGINE}


def choice(name: str) -> Any:
    """A setting of Python's; the first of its choices by default."""
    return current().get(name, _CHOICES[name][0])


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


def _is_entered(frame: Any) -> bool:
    """Whether the call that a frame is in is that of a `with` statement, which enters what it gives next.

    What is for a while must not be seen by other threads even for a moment, and a constructor is not told what becomes of it:
    the instruction after the call says so. Where it does not, as in `ExitStack`, the settings are the process's until they are entered.
    """
    code, at = frame.f_code.co_code, frame.f_lasti + 2
    while at < len(code) and dis.opname[code[at]] in ("CACHE", "NOT_TAKEN"):
        at += 2
    return dis.opname[code[at]] == "BEFORE_WITH" or [dis.opname[c] for c in code[at : at + 4 : 2]] == ["COPY", "LOAD_SPECIAL"]


class options:
    """Sets what later runs may use: for good and in all threads when called, in a `with` statement for a while and in it alone.

    Threads that are started inside a `with` statement see what the process has, unless they run in a copy of its context
    (`contextvars.copy_context().run`, `asyncio.to_thread`). Pickled arrays, and filters of dask's arrays, take the settings with them to
    the workers that compute them.

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

    Returns what a `with` statement enters. Raises ValueError for what a setting cannot be.

    Example: `stackmill.options(memory="8GiB", device="cpu")`
    """

    def __init__(
        self,
        *,
        memory: int | str | EllipsisType | None = ...,
        threads: int | EllipsisType | None = ...,
        tile: int | Sequence[int] | EllipsisType | None = ...,
        device: str | EllipsisType | None = ...,
        vram: int | str | EllipsisType | None = ...,
        gpus: int | EllipsisType | None = ...,
        scratch: str | os.PathLike[str] | EllipsisType | None = ...,
        verify: int | EllipsisType | None = ...,
        default_float: Literal["auto", "float32", "float64"] | EllipsisType | None = ...,
        implicit_compute: Literal["warn", "raise", "allow"] | EllipsisType | None = ...,
        progress: Literal["auto"] | bool | EllipsisType | None = ...,
    ) -> None:
        given = {name: value for name, value in locals().items() if name != "self" and value is not ...}
        self._made, self._given = _checked(given), given
        self._before: Mapping[str, Any] | None = None
        self._tokens: list[contextvars.Token[Mapping[str, Any] | None]] = []
        if _is_entered(sys._getframe(1)):
            return
        if (inside := _context.get()) is not None:
            _context.set(self._over(inside))
        else:
            self._set_process()

    def _over(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return MappingProxyType({**{k: v for k, v in settings.items() if k not in self._given}, **self._made})

    def _set_process(self) -> None:
        global _process
        with _lock:
            self._before, _process = _process, self._over(_process)

    def _unset_process(self) -> None:
        """Takes back what was set for the process: settings that others changed since stay."""
        global _process
        before = self._before
        if before is None:
            return
        with _lock:
            mine = {name for name in self._given if _process.get(name) == self._made.get(name)}
            kept = {name: value for name, value in _process.items() if name not in mine}
            _process = MappingProxyType({**kept, **{name: before[name] for name in mine if name in before}})
        self._before = None

    def __enter__(self) -> options:
        self._unset_process()
        self._tokens.append(_context.set(self._over(current())))
        return self

    def __exit__(self, *_: object) -> None:
        _context.reset(self._tokens.pop())
