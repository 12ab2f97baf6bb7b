"""stackmill: filters and measurements of image stacks bigger than memory.

    import stackmill as sm

    x = sm.open("cells.tif")
    mask = sm.white_tophat(sm.median(x, [1, 3, 3]), [1, 15, 15]) > 60
    print(mask.explain())          # what will be read, kept and computed
    mask.save("mask.ome.zarr")     # or mask.compute()

The functions of this module are stackmill's own ops, with its rules for dtypes and rounding; operators and NumPy's functions have
NumPy's, and `stackmill.ndimage` has SciPy's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from . import _internal, _ops, errors
from ._array import Array, cast, from_array, open, save_many  # noqa: A004
from ._ops import *  # noqa: F403
from ._settings import options
from ._tiles import map_blocks, map_overlap

if TYPE_CHECKING:
    from . import array_api as array_api
    from . import ndimage as ndimage

__version__: str = _internal.__version__


class Device(NamedTuple):
    """An adapter of this machine; part of its name in `options(device=…)` asks for it."""

    name: str
    kind: str
    backend: str
    driver: str


def devices() -> list[Device]:
    """The GPUs of this machine, real ones first. None is opened."""
    return [Device(*row) for row in _internal.devices()]


def doctor() -> str:
    """What this build and this machine have, as text for a bug report; GPUs included."""
    return _internal.doctor()


__all__ = [
    "Array", "Device", "cast", "devices", "doctor", "errors", "from_array", "map_blocks", "map_overlap", "ndimage", "open", "options",
    "save_many",
]  # fmt: skip
__all__ += _ops.__all__


def __getattr__(name: str) -> Any:
    # SciPy's names and the array API cost an import of their own only where they are used.
    if name in ("ndimage", "array_api"):
        import importlib

        return importlib.import_module(f"stackmill.{name}")
    import difflib

    near = difflib.get_close_matches(name, __all__, 1)
    raise AttributeError(f"module 'stackmill' has no attribute {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
