"""The lazy array: what it is, how it is made of files and NumPy's arrays, and how it becomes one."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from . import _recipe, _settings
from .errors import DtypeError


class Array:
    """A lazy n-d array: an expression over files and arrays. Nothing is read or computed before `compute`, `save` or `np.asarray`.

    Made by `open`, `from_array` and the functions of this module; immutable. Operators and NumPy's functions give lazy arrays
    of the dtypes that NumPy gives, integers wrapping around; stackmill's own functions (`stackmill.subtract`) have its rules.
    """

    __slots__ = ("__weakref__", "_lazy", "_recipe")
    __array_priority__ = 1000
    _lazy: Any
    _recipe: tuple[str, tuple[Any, ...]]

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
    def axes(self) -> str:
        """Names of the axes, a letter each; empty where none is named."""
        letters = self._lazy.axes
        return "" if set(letters) == {"?"} else letters

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
        """Itself: results are in memory of the CPU; `options(device=…)` says what computes them."""
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

    def transpose(self, *axes: Any) -> Array:
        """The axes in another order; reversed by default."""
        if len(axes) == 1 and (axes[0] is None or np.iterable(axes[0])):
            axes = tuple(axes[0] or ())
        order = tuple(operator.index(a) % self.ndim for a in axes) if axes else tuple(reversed(range(self.ndim)))
        return _recipe.made("transpose", self, order)

    def __getitem__(self, expression: Any) -> Array:
        parts = expression if isinstance(expression, tuple) else (expression,)
        for part in parts:
            if not (part is None or part is Ellipsis or isinstance(part, slice) or hasattr(part, "__index__")):
                what = "a lazy array" if isinstance(part, Array) else f"{type(part).__name__}"
                raise IndexError(f"an index is a number, a slice, an ellipsis or None, not {what}; see stackmill.where")
            if isinstance(part, (bool, np.bool_)) or hasattr(part, "ndim") and part.ndim:
                raise IndexError("an index cannot be a list, a mask or a bool; see stackmill.where")
        return _recipe.made("index", self, tuple(operator.index(p) if hasattr(p, "__index__") else p for p in parts))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over an array without axes")
        if self.ndim == 1:
            return iter(_implicit.computed(self, "iteration"))
        return (self[k] for k in range(self.shape[0]))

    # ---- its elements

    def astype(self, dtype: Any, *, copy: bool = True) -> Array:
        """The elements as another dtype, as NumPy casts: fractions are cut off, integers wrap around. See `stackmill.cast`."""
        dtype = np.dtype(dtype)
        if dtype.name not in _recipe.DTYPES:
            raise DtypeError(f"arrays of {dtype} cannot be computed with; the dtypes are {', '.join(_recipe.DTYPES)}")
        return self if dtype == self.dtype else apply("wrap", (self,), (dtype.name,), {})

    def compute(self) -> np.ndarray:
        """The elements as a NumPy array. Other Python threads run meanwhile; Ctrl-C stops it.

        Raises BudgetError where the result does not fit the memory allowed, MachineError where the machine stops the run.
        """
        made = self._lazy.compute(_settings.engine(), _progress.teller())
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
        """
        save_many({path: self}, overwrite=overwrite, tiled=tiled, chunks=chunks, shards=shards)

    def explain(self, level: int = 2) -> str:
        """What computing would do: passes, stages, tiles, bytes, devices.

        level: 1 a few lines, 2 stages, tiles and bytes, 3 also tapes, taps and regions, 4 also what runs, as WGSL on a GPU
        """
        return self._lazy.explain(_settings.engine(), level)

    def map_blocks(self, function: Callable[..., Any], *others: Any, **named: Any) -> Array:
        """`stackmill.map_blocks` of this array."""
        return _tiles.map_blocks(function, self, *others, **named)

    def map_overlap(self, function: Callable[..., Any], *others: Any, depth: Any, **named: Any) -> Array:
        """`stackmill.map_overlap` of this array."""
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

    def item(self) -> Any:
        """The one element as a Python number: computes it."""
        return self._one("item()")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_recipe.remade, (_recipe.steps_of(self),))

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

    def __add__(self, other: Any) -> Array:
        return _operators.binary("add", self, other)

    def __radd__(self, other: Any) -> Array:
        return _operators.binary("add", other, self)

    def __sub__(self, other: Any) -> Array:
        return _operators.binary("subtract", self, other)

    def __rsub__(self, other: Any) -> Array:
        return _operators.binary("subtract", other, self)

    def __mul__(self, other: Any) -> Array:
        return _operators.binary("multiply", self, other)

    def __rmul__(self, other: Any) -> Array:
        return _operators.binary("multiply", other, self)

    def __truediv__(self, other: Any) -> Array:
        return _operators.binary("divide", self, other)

    def __rtruediv__(self, other: Any) -> Array:
        return _operators.binary("divide", other, self)

    def __floordiv__(self, other: Any) -> Array:
        return _operators.binary("floor_divide", self, other)

    def __rfloordiv__(self, other: Any) -> Array:
        return _operators.binary("floor_divide", other, self)

    def __mod__(self, other: Any) -> Array:
        return _operators.binary("remainder", self, other)

    def __rmod__(self, other: Any) -> Array:
        return _operators.binary("remainder", other, self)

    def __pow__(self, other: Any) -> Array:
        return _operators.binary("power", self, other)

    def __rpow__(self, other: Any) -> Array:
        return _operators.binary("power", other, self)

    def __and__(self, other: Any) -> Array:
        return _operators.binary("bitwise_and", self, other)

    def __rand__(self, other: Any) -> Array:
        return _operators.binary("bitwise_and", other, self)

    def __or__(self, other: Any) -> Array:
        return _operators.binary("bitwise_or", self, other)

    def __ror__(self, other: Any) -> Array:
        return _operators.binary("bitwise_or", other, self)

    def __xor__(self, other: Any) -> Array:
        return _operators.binary("bitwise_xor", self, other)

    def __rxor__(self, other: Any) -> Array:
        return _operators.binary("bitwise_xor", other, self)

    def __lshift__(self, other: Any) -> Array:
        return _operators.binary("left_shift", self, other)

    def __rlshift__(self, other: Any) -> Array:
        return _operators.binary("left_shift", other, self)

    def __rshift__(self, other: Any) -> Array:
        return _operators.binary("right_shift", self, other)

    def __rrshift__(self, other: Any) -> Array:
        return _operators.binary("right_shift", other, self)

    def __eq__(self, other: object) -> Array:  # type: ignore[override]
        return _operators.binary("equal", self, other)

    def __ne__(self, other: object) -> Array:  # type: ignore[override]
        return _operators.binary("not_equal", self, other)

    def __lt__(self, other: Any) -> Array:
        return _operators.binary("less", self, other)

    def __le__(self, other: Any) -> Array:
        return _operators.binary("less_equal", self, other)

    def __gt__(self, other: Any) -> Array:
        return _operators.binary("greater", self, other)

    def __ge__(self, other: Any) -> Array:
        return _operators.binary("greater_equal", self, other)

    # Equal arrays are not one array: what it hashes by is which one it is.
    __hash__ = object.__hash__

    def __neg__(self) -> Array:
        return _operators.unary("negative", self)

    def __pos__(self) -> Array:
        return _operators.unary("positive", self)

    def __abs__(self) -> Array:
        return _operators.unary("absolute", self)

    def __invert__(self) -> Array:
        return _operators.unary("invert", self)

    # ---- reductions

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> Array:
        """The sum over axes, as NumPy's."""
        return _operators.reduced("sum", self, axis, keepdims=keepdims)

    def mean(self, axis: Any = None, *, keepdims: bool = False) -> Array:
        """The mean over axes, as NumPy's."""
        return _operators.reduced("mean", self, axis, keepdims=keepdims)

    def var(self, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
        """The variance over axes, as NumPy's."""
        return _operators.reduced("var", self, axis, ddof=float(ddof), keepdims=keepdims)

    def std(self, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
        """The standard deviation over axes, as NumPy's."""
        return _operators.reduced("std", self, axis, ddof=float(ddof), keepdims=keepdims)

    def min(self, axis: Any = None, *, keepdims: bool = False) -> Array:
        """The smallest over axes, as NumPy's."""
        return _operators.reduced("min", self, axis, keepdims=keepdims)

    def max(self, axis: Any = None, *, keepdims: bool = False) -> Array:
        """The largest over axes, as NumPy's."""
        return _operators.reduced("max", self, axis, keepdims=keepdims)

    def any(self, axis: Any = None, *, keepdims: bool = False) -> Array:
        """Whether any element over axes is not 0."""
        return _operators.reduced("any", self, axis, keepdims=keepdims)

    def all(self, axis: Any = None, *, keepdims: bool = False) -> Array:
        """Whether all elements over axes are not 0."""
        return _operators.reduced("all", self, axis, keepdims=keepdims)

    def argmin(self, axis: Any = None, *, keepdims: bool = False) -> Array:
        """The index of the first smallest element, as NumPy's."""
        return _operators.reduced("argmin", self, axis, keepdims=keepdims)

    def argmax(self, axis: Any = None, *, keepdims: bool = False) -> Array:
        """The index of the first largest element, as NumPy's."""
        return _operators.reduced("argmax", self, axis, keepdims=keepdims)

    def clip(self, min: Any = None, max: Any = None) -> Array:
        """The elements held between two bounds, as NumPy's."""
        return _operators.clip(self, min, max)


def open(path: str | os.PathLike[str], *, axes: str | None = None) -> Array:
    """A file, a Zarr folder, or a folder or glob of files as one lazy stack. No pixel is read.

    axes: letters that name the axes, as in `"ZYX"`, where the file does not say or is wrong
    """
    array = _recipe.made("open", os.fspath(path))
    return _recipe.made("axes", array, axes) if axes else array


def from_array(array: Any, *, axes: str | None = None) -> Array:
    """A lazy array over a NumPy array, or over anything that becomes one. C-order native arrays are lent without a copy: do not
    write to them while they are read.

    axes: letters that name the axes, as in `"ZYX"`
    """
    if not isinstance(array, Array):
        array = np.asarray(array)
        if array.dtype.newbyteorder("=").name not in _recipe.DTYPES:
            raise DtypeError(f"arrays of {array.dtype} cannot be computed with; the dtypes are {', '.join(_recipe.DTYPES)}")
        # Unlike ascontiguousarray, this keeps arrays without axes as they are.
        array = _recipe.made("lent", np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C"))
    return _recipe.made("axes", array, axes) if axes else array


def as_operand(value: Any) -> Any:
    """An array as a lazy one, a number as it is."""
    return value if isinstance(value, Array) or _recipe.is_number(value) else from_array(value)


def apply(name: str, arrays: Sequence[Any], places: tuple[Any, ...] = (), named: dict[str, Any] | None = None) -> Array:
    """Applies an op of stackmill's: arrays may be lazy, NumPy's, or numbers."""
    return _recipe.made("apply", name, tuple(as_operand(array) for array in arrays), places, named or {})


def cast(x: Any, dtype: Any) -> Array:
    """The elements as another dtype: rounded to nearest-even and held to its range, NaN as 0 in integers."""
    return apply("astype", (x,), (np.dtype(dtype).name,))


def save_many(
    targets: Any,
    *,
    overwrite: bool = False,
    tiled: bool = False,
    chunks: Sequence[int] | None = None,
    shards: Sequence[int] | None = None,
) -> None:
    """Writes several arrays in one run: what they share is read and computed once.

    targets: a dictionary of paths and arrays, or pairs of a path and an array; the rest as in `Array.save`
    """
    pairs = list(targets.items() if hasattr(targets, "items") else targets)
    for path, array in pairs:
        if not isinstance(array, Array):
            raise TypeError(
                f"what is written to {os.fspath(path)} is a {type(array).__name__}, not a lazy array; see from_array"
            )
    settings = _settings.engine() | {"overwrite": overwrite, "tiled": tiled}
    asked = {"chunks": chunks, "shards": shards}
    settings |= {name: _settings.extents(name, value) for name, value in asked.items() if value is not None}
    _internal.save([(array._lazy, os.fspath(path)) for path, array in pairs], settings, _progress.teller())


from . import _callers, _implicit, _internal, _operators, _progress, _protocols, _show, _tiles  # noqa: E402
