"""Where the user's code is: the nearest frame that is not stackmill's or NumPy's."""

from __future__ import annotations

import os
import sys
from types import FrameType

_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep


def _outside() -> tuple[int, FrameType | None]:
    """The frame, and the `stacklevel` that means it where the caller's caller of this function warns."""
    frame: FrameType | None = sys._getframe(2)
    level = 1
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if not frame.f_code.co_filename.startswith(_OWN) and name.partition(".")[0] != "numpy":
            break
        frame, level = frame.f_back, level + 1
    return level, frame


def level() -> int:
    """The `stacklevel` for a warning given by the caller of this function."""
    return _outside()[0]


def place() -> str:
    """The user's file and line."""
    frame = _outside()[1]
    return "?" if frame is None else f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


def is_foreign() -> bool:
    """Whether an installed package, and not the user's own code, called stackmill."""
    frame = _outside()[1]
    return frame is not None and "site-packages" in frame.f_code.co_filename
