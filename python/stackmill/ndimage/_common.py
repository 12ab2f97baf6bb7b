"""What SciPy's filters have in common: arguments per axis, modes, outputs, and how results are stored."""

import operator
import warnings

import numpy as np

from .._array import Array, apply, from_array

_MODES = {mode: mode for mode in ("reflect", "constant", "nearest", "mirror", "wrap")} | {
    "grid-mirror": "reflect",
    "grid-constant": "constant",
    "grid-nearest": "nearest",
    "grid-wrap": "wrap",
}


def mode_of(mode):
    """stackmill's name of a mode of SciPy's."""
    if not isinstance(mode, str) or mode not in _MODES:
        raise RuntimeError("boundary mode not supported")
    return _MODES[mode]


def is_sequence(value):
    return not isinstance(value, str) and np.iterable(value)


def per_axis(value, count):
    """One value for each of `count` axes."""
    if not is_sequence(value):
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise RuntimeError("sequence argument must have length equal to input rank")
    return values


def axes_of(axes, rank):
    """The chosen axes from the start, in the order given; all by default."""
    if axes is None:
        return tuple(range(rank))
    axes = axes if is_sequence(axes) else (axes,)
    made = []
    for axis in axes:
        axis = operator.index(axis)
        if not -rank <= axis < rank:
            raise ValueError(f"specified axis: {axis} is out of range")
        made.append(axis % rank)
    if len(set(made)) != len(made):
        raise ValueError("axes must be unique")
    return tuple(made)


def in_order(axes, rank, origins):
    """Axes in the array's order with their origins. As SciPy pairs them: boxes lie along the axes in the array's order, origins
    belong to the axes as they are given, or, where all axes are given, to the array's."""
    if len(axes) == rank:
        return list(range(rank)), list(origins)
    paired = sorted(zip(axes, origins, strict=True))
    return [axis for axis, _ in paired], [origin for _, origin in paired]


def axis_of(axis, rank):
    axis = operator.index(axis)
    if not -rank <= axis < rank:
        raise np.exceptions.AxisError(axis, rank)
    return axis % rank


def check_origin(origin, length):
    if not -(length // 2) <= origin <= (length - 1) // 2:
        raise ValueError("invalid origin")


def between(dtype):
    """What SciPy keeps between its steps: a bool is the byte that C makes of a number, and that byte is read again."""
    return np.dtype(np.uint8) if dtype == np.bool_ else dtype


class Job:
    """One call: its input as a lazy array, and where its result goes."""

    def __init__(self, given, output=None):
        self.is_lazy = isinstance(given, Array)
        given = given if self.is_lazy else np.asarray(given)
        if given.dtype.kind == "c":
            raise TypeError("Complex type not supported")
        if given.dtype.kind not in "biuf" or given.dtype.itemsize > 8:
            raise NotImplementedError(f"arrays of {given.dtype}")
        self.given = given
        self.x = from_array(given)
        self.out = output if isinstance(output, np.ndarray) else None
        if given.dtype == np.float16:
            raise RuntimeError("array type float16 not supported")
        self.dtype = np.dtype(given.dtype if output is None else output if self.out is None else output.dtype)
        if self.dtype.kind == "c":
            raise NotImplementedError("a complex output of a real input")
        if self.dtype.kind not in "biuf" or self.dtype.itemsize > 8:
            raise RuntimeError("data type not supported")
        if self.out is not None and self.out.shape != self.x.shape:
            raise RuntimeError("output shape not correct")
        if self.is_lazy and self.out is not None:
            raise TypeError("a lazy array has no output to be written into; use save()")
        self.between = between(self.dtype)

    @property
    def ndim(self):
        return self.x.ndim

    def done(self, y):
        """The result: lazy as the input is, else computed, in the output where there is one."""
        if y is self.x:
            # What no filter touched is copied as NumPy copies.
            y = y if y.dtype == self.dtype else call("wrap", y, dtype=self.dtype.name)
        y = stored(y, self.dtype)
        if self.is_lazy:
            return y
        made = y.compute()
        if self.out is None:
            return made
        self.out[...] = made
        return self.out


def wide(x):
    """The elements in f64, as SciPy sums them."""
    return x if x.dtype == np.float64 else cast(x, np.float64)


def cast(x, dtype):
    return apply("astype", [x], (np.dtype(dtype).name,), {})


def call(name, *arrays, **named):
    if named.get("mode", "constant") != "constant":
        # No number lies outside, whatever it is: it may be none.
        named["cval"] = 0.0
    return apply(name, arrays, (), named)


def stored(x, dtype):
    """The elements as C stores them: fractions cut off, integers wrapped around, a bool as a byte of which any but 0 is True."""
    dtype = np.dtype(dtype)
    if x.dtype == dtype:
        return x
    if dtype == np.bool_ and x.dtype != np.uint8:
        x = call("wrap", x, dtype="uint8")
    if dtype == np.uint32 and x.dtype.kind == "f":
        # C makes 32 bits without a sign of 64 with one.
        x = call("wrap", x, dtype="int64")
    return call("wrap", x, dtype=dtype.name)


def cval_of(cval, dtype):
    """The number outside as C casts it to the elements' dtype: cut, and wrapped around in integers."""
    cval = float(cval)
    if dtype.kind == "f" or not np.isfinite(cval):
        return cval
    bits = 8 * dtype.itemsize
    # What C leaves undefined is held to 32 or 64 bits first, as in casts of elements.
    most = 63 if bits == 64 or dtype == np.uint32 else 31
    whole = max(-(1 << most), min((1 << most) - 1, int(cval)))
    if dtype == np.uint64:
        whole = max(0, min((1 << 64) - 1, int(cval)))
    if dtype.kind == "b":
        return float(whole % 256 != 0)
    whole %= 1 << bits
    return float(whole - (1 << bits) if dtype.kind == "i" and whole >> (bits - 1) else whole)


def is_held(cval, mode, dtype):
    """Whether an array of a dtype holds the number outside as it is, or none is read."""
    return mode != "constant" or dtype.kind == "f" or cval_of(cval, dtype) == float(cval)


def footprint_of(footprint, rank):
    """A footprint as booleans with as many axes as are filtered."""
    footprint = np.asarray(footprint, dtype=bool)
    if footprint.ndim != rank:
        raise RuntimeError(f"footprint.ndim ({footprint.ndim}) must match len(axes) ({rank})")
    if footprint.size == 0 or not footprint.any():
        raise ValueError("All-zero footprint is not supported.")
    return footprint


def sizes_of(size, footprint, count, separable=False):
    """Sizes an axis, or the footprint, of which one is given. A full footprint is a size where a filter is `separable`."""
    if footprint is not None:
        if separable and np.asarray(footprint, dtype=bool).all():
            return per_axis(np.shape(footprint), count), None
        if size is not None:
            warnings.warn("ignoring size because footprint is set", UserWarning, stacklevel=4)
        footprint = footprint_of(footprint, count)
        return list(footprint.shape), None if footprint.all() else footprint
    if size is None:
        raise RuntimeError("no footprint or filter size provided")
    return [operator.index(n) for n in per_axis(size, count)], None
