"""What an array is made over: NumPy's arrays of any layout, and arrays of other packages, none of them read silently."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import _implicit, _recipe, _settings
from .errors import CallerError, DtypeError

_HINTS = {
    "dask": "stackmill.ndimage filters dask's arrays as they are; or x.to_zarr(path) and stackmill.open(path), or x.compute()",
    "zarr": "stackmill.open(path) reads a Zarr lazily; or x[...]",
    "h5py": "x[...] reads it at once; a Zarr, TIFF or NPY file is read lazily by stackmill.open",
    "xarray": "x.data is its array; or x.load()",
}
_LIMIT_HINT = "or options(implicit_compute='allow')"


def _package(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def is_memmap(array: np.ndarray) -> bool:
    """Whether the elements lie in a file that is mapped."""
    base: Any = array
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            return True
        base = base.base
    return False


def _check_size(count: int, what: str, hint: str) -> None:
    """Refuses to read more than what is nobody's concern without being asked to."""
    if count > _implicit.QUIET_BYTES and _settings.choice("implicit_compute") != "allow":
        raise CallerError(f"{what} of {count / 2**20:.0f} MiB would be read into memory at once\nhint: {hint}, {_LIMIT_HINT}")


def as_numpy(value: Any) -> np.ndarray:
    """A NumPy array of whatever becomes one. What is stored elsewhere and large is refused with what to do, not read."""
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.is_masked(value):
            raise CallerError(
                "a masked array has elements that are none\nhint: x.filled(number), or stackmill.where with x.mask"
            )
        return value.data
    if isinstance(value, np.ndarray):
        return value
    package = _package(value)
    if package == "xarray" and hasattr(value, "variable"):
        # Its data may be lazy: `.values` would compute it.
        return as_numpy(value.data)
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if isinstance(shape, tuple) and dtype is not None and not isinstance(value, np.generic):
        if any(isinstance(n, float) and math.isnan(n) for n in shape):
            raise CallerError("an array of unknown extents\nhint: x.compute_chunk_sizes()")
        count = math.prod(shape) * np.dtype(dtype).itemsize
        if not hasattr(value, "__array_interface__"):
            _check_size(count, f"a {package} array", _HINTS.get(package, "np.asarray(x) reads it"))
    return np.asarray(value)


def lent(value: Any) -> tuple[str, tuple[Any, ...]] | Any:
    """An array over the elements where they lie, where the engine can read them there; else over a copy.

    Axes in another order, such as Fortran's, are lent in the order that they are stored in and transposed lazily. Bytes in the
    other order and elements that are not aligned are copied, of a mapped file only where it is small.
    """
    array = as_numpy(value)
    if hasattr(array, "_lazy"):
        return array
    native = array.dtype.newbyteorder("=")
    if native.name not in _recipe.DTYPES:
        raise DtypeError(f"arrays of {array.dtype} cannot be computed with; the dtypes are {', '.join(_recipe.DTYPES)}")
    order = _stored_order(array)
    stored = array.transpose(order)
    if not (array.dtype == native and array.flags.aligned and stored.flags.c_contiguous):
        if is_memmap(array):
            _check_size(array.nbytes, "a mapped file whose elements lie apart, unaligned or in the other byte order", _MAPPED)
        # Unlike ascontiguousarray, this keeps arrays without axes as they are.
        order, stored = (
            tuple(range(array.ndim)),
            np.require(np.asarray(array, native, order="C"), requirements=["C", "ALIGNED"]),
        )
    made = _recipe.made("lent", np.asarray(stored))
    back = tuple(int(k) for k in np.argsort(order))
    return made if back == tuple(range(array.ndim)) else _recipe.made("transpose", made, back)


_MAPPED = (
    "map whole rows, aligned, of native numbers, and cut them lazily: stackmill.from_array(x)[::2]; .npy and .tif open lazily"
)


def _stored_order(array: np.ndarray) -> tuple[int, ...]:
    """The axes from the one whose elements lie farthest apart."""
    if array.flags.c_contiguous or any(step < 0 for step in array.strides):
        return tuple(range(array.ndim))
    return tuple(sorted(range(array.ndim), key=lambda axis: (-array.strides[axis], axis)))
