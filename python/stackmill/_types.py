"""Names of what arguments may be, for annotations alone."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, TypeAlias, TypeVar

import numpy.typing as npt
from numpy.typing import DTypeLike as DTypeLike

if TYPE_CHECKING:
    from ._array import Array

# A lazy array, or anything that becomes one: NumPy's arrays, numbers, lists of numbers.
Operand: TypeAlias = "Array | npt.ArrayLike"
# Nested lists of numbers, or a NumPy array: weights, footprints, heights.
Box: TypeAlias = npt.ArrayLike
# One for all axes, or one an axis.
Whole: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
Number: TypeAlias = float | Sequence[float]
# A number of pixels, or a length as `"0.25um"`.
Length: TypeAlias = float | str | Sequence[float | str]
# Axes by number, or by name where they are named.
Axes: TypeAlias = SupportsIndex | str | Sequence[SupportsIndex | str]
Axis: TypeAlias = SupportsIndex | Sequence[SupportsIndex] | None
Mode: TypeAlias = Literal["reflect", "constant", "nearest", "mirror", "wrap"]
# What an array is cut by.
_Part: TypeAlias = SupportsIndex | slice | EllipsisType | None
Index: TypeAlias = _Part | tuple[_Part, ...]
# How far a function of tiles looks: one for all axes, one an axis, pairs (before, after), or by axis.
Depth: TypeAlias = (
    SupportsIndex | Sequence[SupportsIndex | Sequence[SupportsIndex]] | Mapping[int, SupportsIndex | Sequence[SupportsIndex]]
)
# A path; a dictionary's keys are all of one kind of them.
Path = TypeVar("Path", bound=str | os.PathLike[str])
# Where something is given to a function of the user's as it is.
Given: TypeAlias = Any
