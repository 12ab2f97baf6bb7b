"""Grey morphology, as SciPy's, with flat structures and with heights."""

import operator

import numpy as np

from ._common import (
    Job,
    axes_of,
    between,
    call,
    check_origin,
    cval_of,
    footprint_of,
    in_order,
    is_held,
    is_sequence,
    mode_of,
    per_axis,
    stored,
)
from ._foreign import scipys
from ._rank import extremes


def _places(size, footprint, structure, rank):
    """Sizes an axis, a footprint, or heights, -inf where there is no place; a structure of zeros is a footprint."""
    heights = None
    if structure is not None:
        heights = np.asarray(structure, dtype=np.float64)
        footprint = np.ones(heights.shape, bool) if footprint is None else footprint
        heights = heights if heights.any() else None
    if size is None and footprint is None:
        raise ValueError("size, footprint, or structure must be specified")
    if footprint is None:
        return per_axis(size, rank), None, None
    footprint = footprint_of(footprint, rank)
    if heights is not None and heights.shape != footprint.shape:
        raise RuntimeError("structure array has incorrect shape")
    return None, footprint, None if heights is None else np.where(footprint, heights, -np.inf)


def _with_heights(job, heights, mode, cval, origins, axes, dilates):
    if is_sequence(mode):
        raise RuntimeError("A sequence of modes is not supported for non-separable footprints")
    origins = [operator.index(o) for o in per_axis(origins, len(axes))]
    if dilates:
        # The origins of the mirrored box are what SciPy pairs with axes.
        origins = [-o - (1 if n % 2 == 0 else 0) for o, n in zip(origins, heights.shape, strict=True)]
    axes, origins = in_order(axes, job.ndim, origins)
    for o, n in zip(origins, heights.shape, strict=True):
        check_origin(o, n)
    if dilates:
        origins = [-o - (1 if n % 2 == 0 else 0) for o, n in zip(origins, heights.shape, strict=True)]
    mode = mode_of(mode)
    return call(
        "nonflat_dilation" if dilates else "nonflat_erosion",
        call("astype", job.x, dtype="uint8") if job.x.dtype == bool else job.x,
        wraps=True,
        heights=heights.tolist(),
        origin=origins,
        axes=axes,
        mode=mode,
        cval=float(cval) if is_held(cval, mode, job.x.dtype) else cval_of(cval, job.x.dtype),
    )


def _eroded(job, size, footprint, heights, mode, cval, origin, axes):
    if heights is not None:
        return _with_heights(job, heights, mode, cval, origin, axes, False)
    return extremes(job, False, size, footprint, mode, cval, origin, axes)


def _dilated(job, size, footprint, heights, mode, cval, origin, axes):
    """The window mirrored: an even one has its middle on the other side."""
    if heights is not None:
        return _with_heights(job, heights, mode, cval, origin, axes, True)
    lengths = size if footprint is None else footprint.shape
    origins = [-o - (1 if n % 2 == 0 else 0) for o, n in zip(per_axis(origin, len(axes)), lengths, strict=True)]
    if footprint is not None:
        footprint = footprint[(slice(None, None, -1),) * footprint.ndim]
    return extremes(job, True, size, footprint, mode, cval, origins, axes)


_STEPS = {"erosion": [_eroded], "dilation": [_dilated], "opening": [_eroded, _dilated], "closing": [_dilated, _eroded]}


def _steps(kind, job, size, footprint, structure, mode, cval, origin, axes):
    """The steps of an op, each on what the one before stored."""
    axes = axes_of(axes, job.ndim)
    size, footprint, heights = _places(size, footprint, structure, len(axes))
    x = job.x
    wanted = job.dtype
    for last, step in zip((len(_STEPS[kind]) == 1, True), _STEPS[kind], strict=False):
        # The first of two steps is stored as the input is.
        job.between = between(wanted if last else x.dtype)
        job.x = stored(step(job, size, footprint, heights, mode, cval, origin, axes), job.between)
    made, job.x, job.between = stored(job.x, wanted), x, between(wanted)
    return made


def _grey(kind, input, size, footprint, structure, output, mode, cval, origin, axes):
    job = Job(input, output)
    return job.done(_steps(kind, job, size, footprint, structure, mode, cval, origin, axes))


@scipys
def grey_erosion(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """The least of a window, as SciPy's."""
    return _grey("erosion", input, size, footprint, structure, output, mode, cval, origin, axes)


@scipys
def grey_dilation(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """The greatest of the mirrored window, as SciPy's."""
    return _grey("dilation", input, size, footprint, structure, output, mode, cval, origin, axes)


@scipys
def grey_opening(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """An erosion, then a dilation, as SciPy's."""
    return _grey("opening", input, size, footprint, structure, output, mode, cval, origin, axes)


@scipys
def grey_closing(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """A dilation, then an erosion, as SciPy's."""
    return _grey("closing", input, size, footprint, structure, output, mode, cval, origin, axes)


def _difference(a, b, dtype):
    """A difference as NumPy's: integers wrap around, booleans differ."""
    return call("bitwise_xor" if dtype.kind == "b" else "wrapping_subtract", a, b)


def _tophat(kind, input, size, footprint, structure, output, mode, cval, origin, axes):
    job = Job(input, output)
    made = _steps(kind, job, size, footprint, structure, mode, cval, origin, axes)
    x = stored(job.x, job.dtype)
    return job.done(_difference(x, made, job.dtype) if kind == "opening" else _difference(made, x, job.dtype))


@scipys
def white_tophat(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """The input less its opening, as SciPy's."""
    return _tophat("opening", input, size, footprint, structure, output, mode, cval, origin, axes)


@scipys
def black_tophat(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """The closing less the input, as SciPy's."""
    return _tophat("closing", input, size, footprint, structure, output, mode, cval, origin, axes)


@scipys
def morphological_gradient(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """The dilation less the erosion, as SciPy's."""
    job = Job(input, output)
    parts = [_steps(kind, job, size, footprint, structure, mode, cval, origin, axes) for kind in ("dilation", "erosion")]
    if job.dtype.kind == "b":
        raise TypeError("numpy boolean subtract is not supported")
    return job.done(_difference(*parts, job.dtype))


@scipys
def morphological_laplace(
    input, size=None, footprint=None, structure=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """The dilation and the erosion less twice the input, as SciPy's."""
    job = Job(input, output)
    x = stored(job.x, job.dtype)
    up, down = (_steps(kind, job, size, footprint, structure, mode, cval, origin, axes) for kind in ("dilation", "erosion"))
    if job.dtype.kind == "b":
        raise TypeError("numpy boolean subtract is not supported")
    return job.done(call("wrapping_add", _difference(up, x, job.dtype), _difference(down, x, job.dtype)))


def generate_binary_structure(rank, connectivity):
    """The places of a box of threes at most `connectivity` steps from its middle, as SciPy's.

    rank: how many axes
    connectivity: 1 for a cross, `rank` for the whole box

    Returns a NumPy array of bools. Raises nothing.

    Example: `stackmill.ndimage.generate_binary_structure(3, 1)`
    """
    if rank < 1:
        return np.array(connectivity >= 1, dtype=bool)
    steps = np.fabs(np.indices([3] * rank) - 1).sum(axis=0)
    return steps <= max(connectivity, 1)


def iterate_structure(structure, iterations, origin=None):
    """A structure dilated by itself, as SciPy's.

    structure: a box of bools
    iterations: how often it counts; below 2 it stays as it is
    origin: of the structure, one for all axes or one an axis

    Returns a NumPy array, and the new origins where `origin` is given. Raises RuntimeError for origins that do not fit the axes.

    Example: `stackmill.ndimage.iterate_structure(stackmill.ndimage.generate_binary_structure(2, 1), 2)`
    """
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
