"""The lazy array and the functions of the ops, made from their records."""

import math
import operator
import os

import numpy as np

from . import _internal, _settings
from .errors import CallerError

_DTYPES = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64")


class Array:
    """A lazy n-d array: an expression over files and arrays. Nothing is read or computed before `compute`, `save` or `np.asarray`.

    Made by `open`, `from_array` and the functions of this module; immutable.
    """

    __slots__ = ("_lazy", "__weakref__")
    __array_priority__ = 1000
    # NumPy's functions and operators must not take an Array apart: what is not offered here is an error, not a computation.
    __array_ufunc__ = None

    def __init__(self, lazy):
        if not isinstance(lazy, _internal.Lazy):
            raise TypeError("use stackmill.open or stackmill.from_array")
        self._lazy = lazy

    @property
    def shape(self):
        """The extents, one an axis."""
        return tuple(self._lazy.shape)

    @property
    def dtype(self):
        """The NumPy dtype of the elements."""
        return np.dtype(self._lazy.dtype)

    @property
    def axes(self):
        """Names of the axes, a letter each; empty where none is named."""
        return self._lazy.axes.strip("?")

    @property
    def ndim(self):
        """How many axes there are."""
        return len(self.shape)

    @property
    def size(self):
        """How many elements there are."""
        return math.prod(self.shape)

    @property
    def nbytes(self):
        """Bytes of the computed array."""
        return self.size * self.dtype.itemsize

    @property
    def T(self):
        """The axes in reverse."""
        return self.transpose()

    def transpose(self, *axes):
        """The axes in another order; reversed by default."""
        if len(axes) == 1 and not isinstance(axes[0], int):
            axes = axes[0]
        order = range(self.ndim - 1, -1, -1) if not axes or axes[0] is None else [operator.index(a) % self.ndim for a in axes]
        return Array(self._lazy.transpose(list(order)))

    def astype(self, dtype):
        """The elements as another dtype: rounded to nearest-even and held to its range."""
        return apply("astype", [self], (np.dtype(dtype).name,), {})

    def compute(self):
        """The elements as a NumPy array. Other Python threads run meanwhile.

        Raises MachineError where the run is stopped, CallerError where the result does not fit the memory allowed.
        """
        out = np.empty(self.shape, self.dtype)
        self._lazy.compute_into(_bytes_of(out), _settings.current())
        return out

    def save(self, path, *, overwrite=False, tiled=False):
        """Writes the array to a file, whose ending says the format: .tif, .ome.tif, .zarr, .ome.zarr, .npy."""
        self._lazy.save(os.fspath(path), _settings.current() | {"overwrite": overwrite, "tiled": tiled})

    def explain(self):
        """What computing would do: passes, stages, tiles, bytes, devices."""
        return self._lazy.explain(_settings.current())

    def __getitem__(self, expression):
        return Array(self._lazy.index(list(expression) if isinstance(expression, tuple) else [expression]))

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("a lazy array cannot become a NumPy array without being computed")
        made = self.compute()
        return made if dtype is None else made.astype(dtype, copy=False)

    def __len__(self):
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    def __iter__(self):
        raise TypeError("iterating over a lazy array would compute it piece by piece; use compute() first")

    def __bool__(self):
        raise TypeError("the truth of a lazy array is known only when it is computed; use compute() first")

    def __repr__(self):
        axes = f", axes={self.axes!r}" if self.axes else ""
        return f"<stackmill.Array shape={self.shape}, dtype={self.dtype}{axes}, lazy>"


def _bytes_of(array):
    """The bytes of a contiguous NumPy array, without a copy."""
    return array.reshape(-1).view(np.uint8)


def open(path, *, axes=None):
    """A file, a Zarr folder, or a folder or glob of files as one lazy stack. No pixel is read.

    axes: letters that name the axes, as in `"ZYX"`, where the file does not say or is wrong
    """
    lazy = _internal.Lazy.open(os.fspath(path))
    return Array(lazy.with_axes(axes) if axes else lazy)


def from_array(array, *, axes=None):
    """A lazy array over a NumPy array, or over anything that becomes one. C-order native arrays are lent without a copy: do not
    write to them while they are read.

    axes: letters that name the axes, as in `"ZYX"`
    """
    if isinstance(array, Array):
        return array if axes is None else Array(array._lazy.with_axes(axes))
    array = np.asarray(array)
    dtype = array.dtype.newbyteorder("=")
    if dtype.name not in _DTYPES:
        raise TypeError(f"arrays of {array.dtype} cannot be computed with; the dtypes are {', '.join(_DTYPES)}")
    # Unlike ascontiguousarray, this keeps arrays without axes as they are.
    array = np.asarray(array, dtype=dtype, order="C")
    lazy = _internal.Lazy.lent(_bytes_of(array), dtype.name, list(array.shape))
    return Array(lazy.with_axes(axes) if axes else lazy)


def apply(name, arrays, places, named):
    """Applies an op: arrays may be lazy, NumPy's, or numbers."""
    inputs = [_lazy(array) for array in arrays]
    return Array(_internal.apply(name, inputs, list(places), dict(named)))


def _lazy(array):
    if isinstance(array, Array):
        return array._lazy
    if isinstance(array, (bool, int, float, np.bool_, np.integer, np.floating)):
        return _internal.Lazy.number(array.item() if isinstance(array, np.generic) else array)
    return from_array(array)._lazy


def function_of(record):
    """The function of an op: its arrays first, then its parameters."""
    count = len(record.inputs)

    def function(*given, **named):
        if len(given) < count:
            raise CallerError(f"{record.name} takes {count} array{'s' if count > 1 else ''}: {record.signature}")
        return apply(record.name, given[:count], given[count:], named)

    lines = [record.doc, "", record.signature, ""]
    for name, kind, doc, default in record.params:
        lines.append(f"{name}: {kind}{'' if default is None else f', {default} by default'}. {doc.strip()}")
    function.__name__ = function.__qualname__ = record.name
    function.__module__ = "stackmill"
    function.__doc__ = "\n".join(lines)
    return function
