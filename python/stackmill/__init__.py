"""stackmill: filters and measurements of image stacks bigger than memory.

    import stackmill as sm

    x = sm.open("cells.tif")
    mask = sm.greater(sm.white_tophat(sm.median(x, [1, 3, 3]), [1, 15, 15]), 60)
    print(mask.explain())          # what will be read, kept and computed
    mask.save("mask.ome.zarr")     # or mask.compute()

The functions of this module are stackmill's own ops, with its rules for dtypes and rounding; `stackmill.ndimage` has SciPy's.
"""

from . import _internal, errors
from ._array import Array, from_array, function_of, open
from ._settings import options

__version__ = _internal.__version__


def doctor():
    """What this build and this machine have, as text for a bug report; GPUs included."""
    return _internal.doctor()


_records = {record.name: record for record in _internal.records()}
globals().update({name: function_of(record) for name, record in _records.items()})

__all__ = ["Array", "doctor", "errors", "from_array", "ndimage", "open", "options", *sorted(_records)]


def __getattr__(name):
    # SciPy's names cost an import of their own only where they are used.
    if name == "ndimage":
        import importlib

        return importlib.import_module("stackmill.ndimage")
    import difflib

    near = difflib.get_close_matches(name, __all__, 1)
    raise AttributeError(f"stackmill has no {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
