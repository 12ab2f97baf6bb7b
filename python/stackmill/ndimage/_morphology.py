"""Flat grey morphology, as SciPy's; structures with heights are not there yet."""

import numpy as np

from ._common import Job, axes_of, call, footprint_of, per_axis, stored
from ._rank import extremes


def _places(size, footprint, structure, rank):
    """A size or a footprint; a structure of zeros is one."""
    if structure is not None:
        structure = np.asarray(structure)
        if structure.any():
            raise NotImplementedError("structures with heights")
        footprint = np.ones(structure.shape, bool) if footprint is None else footprint
    if size is None and footprint is None:
        raise ValueError("size, footprint, or structure must be specified")
    if footprint is None:
        return per_axis(size, rank), None
    return None, footprint_of(footprint, rank)


def _eroded(job, size, footprint, mode, cval, origin, axes):
    return extremes(job, False, size, footprint, mode, cval, origin, axes)


def _dilated(job, size, footprint, mode, cval, origin, axes):
    """The window mirrored: an even one has its middle on the other side."""
    lengths = size if footprint is None else footprint.shape
    origins = [-o - (1 if n % 2 == 0 else 0) for o, n in zip(per_axis(origin, len(axes)), lengths, strict=True)]
    if footprint is not None:
        footprint = footprint[(slice(None, None, -1),) * footprint.ndim]
    return extremes(job, True, size, footprint, mode, cval, origins, axes)


_STEPS = {"erosion": [_eroded], "dilation": [_dilated], "opening": [_eroded, _dilated], "closing": [_dilated, _eroded]}


def _steps(kind, job, size, footprint, structure, mode, cval, origin, axes):
    """The steps of an op, each on what the one before stored."""
    axes = axes_of(axes, job.ndim)
    size, footprint = _places(size, footprint, structure, len(axes))
    x = job.x
    for step in _STEPS[kind]:
        job.x = stored(step(job, size, footprint, mode, cval, origin, axes), job.dtype)
    made, job.x = job.x, x
    return made


def _grey(kind, input, size, footprint, structure, output, mode, cval, origin, axes):
    job = Job(input, output)
    return job.done(_steps(kind, job, size, footprint, structure, mode, cval, origin, axes))


def grey_erosion(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """The least of a window, as SciPy's."""
    return _grey("erosion", input, size, footprint, structure, output, mode, cval, origin, axes)


def grey_dilation(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """The greatest of the mirrored window, as SciPy's."""
    return _grey("dilation", input, size, footprint, structure, output, mode, cval, origin, axes)


def grey_opening(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """An erosion, then a dilation, as SciPy's."""
    return _grey("opening", input, size, footprint, structure, output, mode, cval, origin, axes)


def grey_closing(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """A dilation, then an erosion, as SciPy's."""
    return _grey("closing", input, size, footprint, structure, output, mode, cval, origin, axes)


def _difference(a, b, dtype):
    """A difference as NumPy's: integers wrap around, booleans differ."""
    if dtype.kind == "b":
        return call("bitwise_xor", a, b)
    if dtype.kind == "f":
        return call("subtract", a, b)
    if dtype.itemsize == 8:
        # Beyond 64 bits this holds where NumPy wraps around.
        return stored(call("subtract", a, b), dtype)
    wide = [call("astype", v, dtype="int64") for v in (a, b)]
    return stored(call("subtract", *wide), dtype)


def _tophat(kind, input, size, footprint, structure, output, mode, cval, origin, axes):
    job = Job(input, output)
    made = _steps(kind, job, size, footprint, structure, mode, cval, origin, axes)
    x = stored(job.x, job.dtype)
    return job.done(_difference(x, made, job.dtype) if kind == "opening" else _difference(made, x, job.dtype))


def white_tophat(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """The input less its opening, as SciPy's."""
    return _tophat("opening", input, size, footprint, structure, output, mode, cval, origin, axes)


def black_tophat(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """The closing less the input, as SciPy's."""
    return _tophat("closing", input, size, footprint, structure, output, mode, cval, origin, axes)


def morphological_gradient(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """The dilation less the erosion, as SciPy's."""
    job = Job(input, output)
    parts = [_steps(kind, job, size, footprint, structure, mode, cval, origin, axes) for kind in ("dilation", "erosion")]
    if job.dtype.kind == "b":
        raise TypeError("numpy boolean subtract is not supported")
    return job.done(_difference(*parts, job.dtype))


def morphological_laplace(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """The dilation and the erosion less twice the input, as SciPy's."""
    job = Job(input, output)
    x = stored(job.x, job.dtype)
    up, down = (_steps(kind, job, size, footprint, structure, mode, cval, origin, axes) for kind in ("dilation", "erosion"))
    if job.dtype.kind == "b":
        raise TypeError("numpy boolean subtract is not supported")
    return job.done(_sum(_difference(up, x, job.dtype), _difference(down, x, job.dtype), job.dtype))


def _sum(a, b, dtype):
    """A sum as NumPy's."""
    if dtype.kind == "f" or dtype.itemsize == 8:
        return stored(call("add", a, b), dtype)
    return stored(call("add", *[call("astype", v, dtype="int64") for v in (a, b)]), dtype)


def generate_binary_structure(rank, connectivity):
    """The places of a box of threes at most `connectivity` steps from its middle, as SciPy's."""
    if rank < 1:
        return np.array(connectivity >= 1, dtype=bool)
    steps = np.fabs(np.indices([3] * rank) - 1).sum(axis=0)
    return steps <= max(connectivity, 1)


def iterate_structure(structure, iterations, origin=None):
    """A structure dilated by itself, as SciPy's."""
    structure = np.asarray(structure)
    if iterations < 2:
        return structure.copy()
    marks = structure != 0
    made = marks
    for _ in range(iterations - 1):
        grown = np.zeros([a + b - 1 for a, b in zip(made.shape, marks.shape, strict=True)], bool)
        for place in np.argwhere(marks):
            grown[tuple(slice(p, p + n) for p, n in zip(place, made.shape, strict=True))] |= made
        made = grown
    if origin is None:
        return made
    return made, [iterations * o for o in per_axis(origin, structure.ndim)]
