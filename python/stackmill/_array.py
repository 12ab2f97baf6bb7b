"""The lazy array: what it is, how it is made of files and NumPy's arrays, and how it becomes one."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _axes, _methods, _recipe, _settings
from ._types import Axis, Depth, DTypeLike, Given, Index, Operand, Path
from .errors import DtypeError


class Array(_methods.Methods):
    """A lazy n-d array: an expression over files and arrays. Nothing is read or computed before `compute`, `save` or `np.asarray`.

    Made by `open`, `from_array` and the functions of this module; immutable. Operators and NumPy's functions give lazy arrays
    of the dtypes that NumPy gives, integers wrapping around; stackmill's own functions (`stackmill.subtract`) have its rules.
    """

    __slots__ = ("__weakref__", "_lazy", "_recipe", "_shipped")
    __array_priority__ = 1000
    _lazy: Any
    _recipe: tuple[str, tuple[Any, ...]]
    # Settings that came with a pickled array, and with what is made of it.
    _shipped: Mapping[str, Any]

    def __init__(self) -> None:
        raise TypeError("use stackmill.open or stackmill.from_array")

    # ---- what it is

    @property
    def shape(self) -> tuple[int, ...]:
        """The extents, one an axis."""
        return tuple(self._lazy.shape)

    @property
    def dtype(self) -> np.dtype:
        """The NumPy dtype of the elements."""
        return np.dtype(self._lazy.dtype)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes, `""` for one that has none: `("z", "y", "x")`. Empty where none is named."""
        names = tuple(self._lazy.axes)
        return names if any(names) else ()

    @property
    def scale(self) -> tuple[float, ...]:
        """Distances between neighbours along the axes, in `units`; 1 where unknown."""
        return tuple(self._lazy.scale)

    @property
    def units(self) -> tuple[str | None, ...]:
        """What the distances are counted in, as UDUNITS spells it (`"micrometer"`, `"second"`); None where unknown."""
        return tuple(self._lazy.units)

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self._lazy.shape)

    @property
    def size(self) -> int:
        """How many elements there are."""
        return math.prod(self._lazy.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the computed array."""
        return self.size * self.dtype.itemsize

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return self.dtype.itemsize

    @property
    def device(self) -> str:
        """Where the elements are once computed: memory of the CPU."""
        return "cpu"

    def to_device(self, device: str, /, *, stream: None = None) -> Array:
        """Itself: results are in memory of the CPU; `options(device=…)` says what computes them.

        Returns `x`. Raises ValueError for another device.

        Example: `x.to_device("cpu")`
        """
        if device != "cpu":
            raise ValueError(f"arrays have the device 'cpu', not {device!r}; options(device=…) says what computes them")
        return self

    # ---- other places of it

    @property
    def T(self) -> Array:
        """The axes in reverse."""
        return self.transpose()

    @property
    def mT(self) -> Array:
        """The last two axes swapped."""
        if self.ndim < 2:
            raise ValueError("mT of an array with fewer than two axes")
        return self.transpose(*range(self.ndim - 2), self.ndim - 1, self.ndim - 2)

    def transpose(self, *axes: Axis) -> Array:
        """The axes in another order; reversed by default.

        Returns a lazy array of the extents of `x` in that order. Raises NoSuchAxisError for an axis that there is not, ValueError where
        one is missing or there twice.

        Example: `x.transpose(2, 0, 1)`
        """
        if axes in ((), (None,)):
            return _recipe.made("transpose", self, tuple(reversed(range(self.ndim))))
        order = _axes.several(axes[0] if len(axes) == 1 and np.iterable(axes[0]) else axes, self.ndim)
        if len(order) != self.ndim:
            raise ValueError(f"axes don't match array: {len(order)} of {self.ndim}")
        return _recipe.made("transpose", self, order)

    def __getitem__(self, expression: Index) -> Array:
        return _recipe.made("index", self, _axes.index(expression, self.shape))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    def __iter__(self) -> Iterator[Given]:
        if not self.shape:
            raise TypeError("iteration over an array without axes")
        if self.ndim == 1:
            return iter(_implicit.computed(self, "iteration"))
        return (self[k] for k in range(self.shape[0]))

    # ---- its elements

    def astype(self, dtype: DTypeLike, *, copy: bool = True) -> Array:
        """The elements as another dtype, as NumPy casts: fractions are cut off, integers wrap around. See `stackmill.cast`.

        Returns a lazy array of the shape of `x`, or `x` where it has that dtype; there is no other copy. Raises DtypeError for dtypes that
        cannot be computed with.

        Example: `x.astype("float32")`
        """
        dtype = np.dtype(dtype)
        if dtype.name not in _recipe.DTYPES:
            raise DtypeError(f"arrays of {dtype} cannot be computed with; the dtypes are {', '.join(_recipe.DTYPES)}")
        return self if dtype == self.dtype else apply("wrap", (self,), (dtype.name,), {})

    def compute(self) -> NDArray[Any]:
        """The elements as a NumPy array. Other Python threads run meanwhile; Ctrl-C stops it.

        Returns a NumPy array of the shape and dtype of `x`, its own and writable.
        Raises BudgetError where the result does not fit the memory allowed, MachineError where the machine stops the run.

        Example: `x.compute()`
        """
        made = self._lazy.compute(_settings.engine(self._shipped), _progress.teller())
        if self.size == 0:
            return np.empty(self.shape, self.dtype)
        return np.frombuffer(made, self.dtype).reshape(self.shape)

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        tiled: bool = False,
        chunks: Sequence[int] | None = None,
        shards: Sequence[int] | None = None,
    ) -> None:
        """Writes the array to a file, whose ending says the format: .tif, .ome.tif, .zarr, .ome.zarr, .npy.

        overwrite: replace a file that exists
        tiled: write .tif as BigTIFF tiles with deflate
        chunks: extents of a Zarr's chunks, one per axis; by the axes where None
        shards: extents of the files that its chunks are stored in, multiples of a chunk's; a file a chunk where None

        Returns nothing. Raises ExistingFileError for a file that is there, CallerError for what a format cannot hold, MachineError where
        the machine stops the run.

        Example: `x.save("cells.ome.zarr", chunks=(1, 512, 512))`
        """
        save_many({path: self}, overwrite=overwrite, tiled=tiled, chunks=chunks, shards=shards)

    def explain(self, level: int = 2) -> str:
        """What computing would do: passes, stages, tiles, bytes, devices.

        level: 1 a few lines, 2 stages, tiles and bytes, 3 also tapes, taps and regions, 4 also what runs, as WGSL on a GPU

        Returns text. Raises BudgetError where the run would not fit the memory allowed.

        Example: `print(x.explain(1))`
        """
        return self._lazy.explain(_settings.engine(self._shipped), level)

    def map_blocks(self, function: Callable[..., Given], *others: Operand, **named: Given) -> Array:
        """`stackmill.map_blocks` of this array.

        Returns a lazy array. Raises CallerError for arguments that cannot be.

        Example: `x.map_blocks(np.log1p, dtype="float32")`
        """
        return _tiles.map_blocks(function, self, *others, **named)

    def map_overlap(self, function: Callable[..., Given], *others: Operand, depth: Depth, **named: Given) -> Array:
        """`stackmill.map_overlap` of this array.

        Returns a lazy array. Raises CallerError for arguments that cannot be.

        Example: `x.map_overlap(scipy.ndimage.median_filter, size=3, depth=1)`
        """
        return _tiles.map_overlap(function, self, *others, depth=depth, **named)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("a lazy array cannot become a NumPy array without being computed")
        made = _implicit.computed(self, "a function of another package") if _callers.is_foreign() else self.compute()
        return made if dtype is None else made.astype(dtype, copy=False)

    def _one(self, what: str) -> Any:
        if self.size != 1:
            raise TypeError(f"only an array of one element has {what}, this one is {self.shape}")
        return _implicit.computed(self, what).reshape(()).item()

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError("the truth of an array of more than one element is ambiguous; use stackmill.any or all")
        return bool(self._one("bool()"))

    def __int__(self) -> int:
        return int(self._one("int()"))

    def __float__(self) -> float:
        return float(self._one("float()"))

    def __complex__(self) -> complex:
        return complex(self._one("complex()"))

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise TypeError(f"only integer arrays of one element are an index, this one is {self.dtype}")
        return operator.index(self._one("an index"))

    def item(self) -> bool | int | float:
        """The one element as a Python number: computes it.

        Returns a bool, an int or a float. Raises TypeError where there are more elements or none.

        Example: `x.mean().item()`
        """
        return self._one("item()")

    def __reduce__(self) -> tuple[Any, ...]:
        settings = _settings.engine(self._shipped)
        steps = _recipe.steps_of(self)
        return (_recipe.remade, (steps, settings) if settings else (steps,))

    def __copy__(self) -> Array:
        return self

    def __deepcopy__(self, _: Any) -> Array:
        return self

    # ---- how it is shown

    def __repr__(self) -> str:
        axes = f", axes={self.axes!r}" if self.axes else ""
        return f"<stackmill.Array shape={self.shape}, dtype={self.dtype}{axes}, lazy>"

    def _repr_html_(self) -> str:
        return _show.html(self)

    # ---- operators and NumPy's functions

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **named: Any) -> Any:
        return _protocols.ufunc(ufunc, method, inputs, named)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _protocols.function(function, args, kwargs)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        from . import array_api

        if api_version not in (None, *array_api.VERSIONS):
            raise ValueError(f"the array API is that of {', '.join(array_api.VERSIONS)}, not {api_version!r}")
        return array_api


def open(path: str | os.PathLike[str], *, axes: str | None = None) -> Array:
    """A file, a Zarr folder, or a folder or glob of files as one lazy stack. No pixel is read.

    path: a path, or a pattern such as `"planes/*.tif"`
    axes: letters that name the axes, as in `"ZYX"`, where the file does not say or is wrong

    Returns a lazy array of the shape and dtype of what is stored. Raises MissingFileError, CallerError for what cannot be read.

    Example: `stackmill.open("cells.ome.zarr")`
    """
    array = _recipe.made("open", os.fspath(path))
    return _recipe.made("axes", array, axes) if axes else array


def from_array(array: Operand, *, axes: str | None = None) -> Array:
    """A lazy array over a NumPy array, or over anything that becomes one.

    array: NumPy's arrays of native numbers, in C order or any other order of whole axes, are lent without a copy: do not write to
        them while they are read. Other layouts are copied. Lists and arrays of other packages (dask, zarr, h5py, xarray) become
        NumPy arrays, if they hold no more than 64 MiB: above, they are refused with what to do instead
    axes: letters that name the axes, as in `"ZYX"`

    Returns an array of the same shape and dtype. Raises CallerError for masked elements and for what would be read silently,
    DtypeError for dtypes that cannot be computed with.

    Example: `stackmill.from_array(np.zeros((3, 4), np.uint8), axes="YX")`
    """
    if not isinstance(array, Array):
        array = _sources.lent(array)
    return _recipe.made("axes", array, axes) if axes else array


def as_operand(value: Any) -> Any:
    """An array as a lazy one, a number as it is."""
    return value if isinstance(value, Array) or _recipe.is_number(value) else from_array(value)


def apply(name: str, arrays: Sequence[Any], places: tuple[Any, ...] = (), named: dict[str, Any] | None = None) -> Array:
    """Applies an op of stackmill's: arrays may be lazy, NumPy's, or numbers."""
    operands = tuple(as_operand(array) for array in arrays)
    if named:
        _axes.checked(named, max([0, *[operand.ndim for operand in operands if isinstance(operand, Array)]]))
    return _recipe.made("apply", name, operands, places, named or {})


def as_array(value: Any) -> Array:
    """An operand as a lazy array, a number as one without axes."""
    return from_array(np.asarray(value)) if _recipe.is_number(value) else from_array(value)


def cast(x: Operand, dtype: DTypeLike) -> Array:
    """The elements as another dtype: rounded to nearest-even and held to its range, NaN as 0 in integers.

    x: an array, or a number
    dtype: as NumPy names it

    Returns a lazy array of the shape of `x`. Raises DtypeError for dtypes that cannot be computed with.

    Example: `stackmill.cast(x, "uint8")`
    """
    return apply("astype", (x,), (np.dtype(dtype).name,))


def save_many(
    targets: Mapping[Path, Array] | Sequence[tuple[Path, Array]],
    *,
    overwrite: bool = False,
    tiled: bool = False,
    chunks: Sequence[int] | None = None,
    shards: Sequence[int] | None = None,
) -> None:
    """Writes several arrays in one run: what they share is read and computed once.

    targets: a dictionary of paths and arrays, or pairs of a path and an array
    overwrite, tiled, chunks, shards: as in `Array.save`

    Returns nothing. Raises what `Array.save` raises, TypeError for what is no lazy array.

    Example: `stackmill.save_many({"mask.tif": x > 60, "mean.npy": x.mean(axis=0)})`
    """
    given: Any = targets
    pairs = list(given.items() if hasattr(given, "items") else given)
    for path, array in pairs:
        if not isinstance(array, Array):
            raise TypeError(
                f"what is written to {os.fspath(path)} is a {type(array).__name__}, not a lazy array; see from_array"
            )
    shipped = {name: value for _, array in pairs for name, value in array._shipped.items()}
    settings = _settings.engine(shipped) | {"overwrite": overwrite, "tiled": tiled}
    asked = {"chunks": chunks, "shards": shards}
    settings |= {name: _settings.extents(name, value) for name, value in asked.items() if value is not None}
    _internal.save([(array._lazy, os.fspath(path)) for path, array in pairs], settings, _progress.teller())


from . import _callers, _implicit, _internal, _operators, _progress, _protocols, _reductions, _show, _sources, _tiles  # noqa: E402

vars(_methods).update(_operators=_operators, _protocols=_protocols, _reductions=_reductions)
