"""Computations that do not look like one: `bool()`, `float()`, iteration, functions of other packages."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from . import _callers, _settings
from .errors import CallerError, ImplicitComputeWarning

if TYPE_CHECKING:
    from ._array import Array

# Computing less than this is nobody's concern.
QUIET_BYTES = 64 << 20


def computed(array: Array, what: str) -> np.ndarray:
    """The elements, for something that computes them without saying so."""
    policy, cost = _settings.choice("implicit_compute"), array._lazy.bytes_touched()
    if cost > QUIET_BYTES and policy != "allow":
        told = f"{what} computes an array of {array.shape}: up to {cost / 2**20:.0f} MiB are read and made"
        hint = "use compute() once and go on with its result, or options(implicit_compute='allow')"
        if policy == "raise":
            raise CallerError(f"{told}\nhint: {hint}")
        warnings.warn(f"{told}; {hint}", ImplicitComputeWarning, stacklevel=_callers.level())
    return array.compute()
