"""What stackmill raises. Each error is also the built-in exception that fits, so that existing handlers catch it."""

from typing import Any

import numpy as np


class StackmillError(Exception):
    """Any error of stackmill. The last line may be a hint: a way out."""


class CallerError(StackmillError, ValueError):
    """A name, shape, range or file that cannot work."""


class BudgetError(CallerError, MemoryError):
    """What does not fit the memory allowed, known before anything is read."""


class DtypeError(CallerError, TypeError):
    """A dtype that cannot be computed with."""


class RangeError(CallerError, OverflowError):
    """A number beyond the range of the dtype that it meets."""


class MissingFileError(CallerError, FileNotFoundError):
    """A file that is not there."""


class ExistingFileError(CallerError, FileExistsError):
    """A file that is there already."""


class NoSuchAxisError(CallerError, np.exceptions.AxisError):
    """An axis that an array has not; NumPy's AxisError, so an IndexError too."""

    def __init__(self, axis: Any, ndim: int | None = None, msg_prefix: str | None = None) -> None:
        init: Any = np.exceptions.AxisError.__init__
        init(self, axis, ndim, msg_prefix)

    # The first base that has one is Exception, which knows of no axis.
    __str__ = np.exceptions.AxisError.__str__


class NoSuchIndexError(CallerError, IndexError):
    """An index that an array has not, or that cannot be one."""


class NotThereError(CallerError, NotImplementedError, TypeError):
    """An argument of NumPy's or SciPy's that stackmill does not have; it is named."""


class NoSuchOpError(CallerError, TypeError):
    """A function that stackmill does not have; the nearest one is named."""


class MachineError(StackmillError, OSError):
    """Memory, disk, a device, a file that changed or broke."""


class FaultError(StackmillError, RuntimeError):
    """A broken promise inside stackmill; please report it."""


class StackmillWarning(UserWarning):
    """What happened that you should know: a device lost, work that went elsewhere, integers that may wrap around."""


class ImplicitComputeWarning(StackmillWarning):
    """A large array was computed by something that does not look like a computation."""
