"""How far a run is, in a terminal and in a notebook. Shown once a run takes longer than a moment."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from . import _settings

# Runs shorter than this show nothing.
_MOMENT = 0.5
_WIDTH = 24


def _bar(share: float) -> str:
    full = int(share * _WIDTH)
    return "█" * full + "░" * (_WIDTH - full)


def _size(count: float) -> str:
    for unit in "B", "KiB", "MiB", "GiB":
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def text(told: tuple[Any, ...]) -> str:
    """A line about a run."""
    number, passes, done, tiles, made, all_bytes, seconds, lane = told
    share = done / tiles if tiles else 1.0
    rate = made / seconds if seconds else 0.0
    left = f", {seconds * (1 - share) / share:.0f} s left" if 0 < share < 1 else ""
    which = f"pass {number} of {passes}, " if passes > 1 else ""
    return f"{_bar(share)} {share:4.0%} {which}{_size(made)} of {_size(all_bytes)}, {_size(rate)}/s{left}, waits for {lane}"


class _Terminal:
    """One line on standard error, written over itself and taken away at the end."""

    def __init__(self) -> None:
        self.is_shown = False

    def __call__(self, *told: Any) -> None:
        number, passes, done, tiles, *_, seconds, _ = told
        over = number == passes and done == tiles
        if over and self.is_shown:
            sys.stderr.write("\r\x1b[2K")
        elif not over and seconds > _MOMENT:
            self.is_shown = True
            sys.stderr.write(f"\r{text(told)}\x1b[K")
        sys.stderr.flush()


class _Notebook:
    """One line of output, changed in place."""

    def __init__(self, display: Callable[..., Any]) -> None:
        self.display = display
        self.handle: Any = None

    def __call__(self, *told: Any) -> None:
        number, passes, done, tiles, *_, seconds, _ = told
        over = number == passes and done == tiles
        shown = {"text/plain": "" if over else text(told)}
        if self.handle is not None:
            self.handle.update(shown, raw=True)
        elif not over and seconds > _MOMENT:
            self.handle = self.display(shown, raw=True, display_id=True)


def _notebook_display() -> Callable[..., Any] | None:
    """IPython's display, where a notebook shows what this process says."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if shell is None or getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import display  # type: ignore[import-not-found, unused-ignore]

    return display


def teller() -> Callable[..., None] | None:
    """What a run tells how far it is; None where nobody looks."""
    choice = _settings.choice("progress")
    if choice is False:
        return None
    display = _notebook_display()
    if display is not None:
        return _Notebook(display)
    is_seen = choice is True or (sys.stderr is not None and sys.stderr.isatty())
    return _Terminal() if is_seen else None
