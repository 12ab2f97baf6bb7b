"""Elements of a rank: SciPy's rank filters. They sum nothing, so every dtype keeps its bits."""

import operator

import numpy as np

from ._common import (
    Job,
    axes_of,
    axis_of,
    call,
    check_origin,
    cval_of,
    in_order,
    is_held,
    is_sequence,
    mode_of,
    per_axis,
    sizes_of,
    stored,
    wide,
)
from ._foreign import scipys


def _ranked(name, first, input, size, footprint, output, mode, cval, origin, axes):
    job = Job(input, output)
    axes = axes_of(axes, job.ndim)
    if is_sequence(mode):
        raise RuntimeError("A sequence of modes is not supported by non-separable rank filters")
    sizes, footprint = sizes_of(size, footprint, len(axes))
    axes, origins = in_order(axes, job.ndim, [operator.index(o) for o in per_axis(origin, len(axes))])
    for o, n in zip(origins, sizes, strict=True):
        check_origin(o, n)
    mode = mode_of(mode)
    if 0 in job.x.shape or not axes:
        return job.done(job.x)
    count = int(np.prod(sizes)) if footprint is None else int(footprint.sum())
    place = _place(first, count)
    if place in (0, count - 1) and not (job.dtype == job.x.dtype and is_held(cval, mode, job.x.dtype)):
        # These are the extremes of SciPy, which compare in f64 along a line and store after each axis.
        size = sizes if footprint is None else None
        return job.done(extremes(job, place != 0, size, footprint, mode, cval, origins, axes))
    window = {"size": sizes} if footprint is None else {"footprint": footprint.tolist()}
    named = dict(first, **window, origin=origins, axes=axes, mode=mode)
    if is_held(cval, mode, job.x.dtype):
        return job.done(call(name, job.x, cval=float(cval), **named))
    if job.ndim == 1:
        # One axis SciPy filters in i64, which it makes the output of as NumPy does.
        made = call(name, stored(job.x, np.int64), cval=cval_of(cval, np.dtype(np.int64)), **named)
        return job.done(call("wrap", made, dtype=job.dtype.name))
    return job.done(call(name, job.x, cval=cval_of(cval, job.x.dtype), **named))


def _place(first, count):
    """Which of so many sorted elements a rank or a percentile means."""
    if "rank" in first:
        return first["rank"] % count
    percentile = first["percentile"] % 100.0 if first["percentile"] < 0 else first["percentile"]
    return count - 1 if percentile == 100.0 else int(float(count) * percentile / 100.0)


def _count(size, footprint, input, axes):
    rank = len(axes_of(axes, np.ndim(input) if not hasattr(input, "ndim") else input.ndim))
    sizes, footprint = sizes_of(size, footprint, rank)
    return int(np.prod(sizes)) if footprint is None else int(footprint.sum())


@scipys
def rank_filter(input, rank, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    """The element of a rank, as SciPy's."""
    rank = operator.index(rank)
    count = _count(size, footprint, input, axes)
    if not -count <= rank < count:
        raise RuntimeError("rank not within filter footprint size")
    return _ranked("rank_filter", {"rank": rank}, input, size, footprint, output, mode, cval, origin, axes)


@scipys
def median_filter(input, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    """The median, as SciPy's: of an even count the upper one."""
    rank = _count(size, footprint, input, axes) // 2
    return _ranked("rank_filter", {"rank": rank}, input, size, footprint, output, mode, cval, origin, axes)


@scipys
def percentile_filter(
    input, percentile, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """The element below which a percentage lies, as SciPy's."""
    if np.iscomplexobj(percentile):
        raise TypeError("percentile must be a real number")
    if not -100.0 <= percentile <= 100.0:
        raise RuntimeError("invalid percentile")
    first = {"percentile": float(percentile)}
    return _ranked("percentile_filter", first, input, size, footprint, output, mode, cval, origin, axes)


def _extreme(x, length, axis, mode, cval, origin, name, dtype):
    check_origin(origin, length)
    mode = mode_of(mode)
    # SciPy compares in f64, so a number outside that the elements' dtype has not still counts as what it is.
    x = x if is_held(cval, mode, x.dtype) else wide(x)
    return stored(call(name, x, size=[length], axes=[axis], mode=mode, cval=float(cval), origin=[origin]), dtype)


def _extreme1d(name, input, size, axis, output, mode, cval, origin):
    job = Job(input, output)
    axis = axis_of(axis, job.ndim)
    if size < 1:
        raise RuntimeError("incorrect filter size")
    return job.done(_extreme(job.x, operator.index(size), axis, mode, cval, origin, name, job.between))


@scipys
def minimum_filter1d(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    """The least along an axis, as SciPy's."""
    return _extreme1d("minimum_filter", input, size, axis, output, mode, cval, origin)


@scipys
def maximum_filter1d(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    """The greatest along an axis, as SciPy's."""
    return _extreme1d("maximum_filter", input, size, axis, output, mode, cval, origin)


def extremes(job, greatest, size, footprint, mode, cval, origin, axes):
    """The least or greatest of a box, axis after axis, or of a footprint."""
    sizes, footprint = sizes_of(size, footprint, len(axes), separable=True)
    origins = [operator.index(o) for o in per_axis(origin, len(axes))]
    x = job.x
    if 0 in x.shape:
        return x
    if footprint is None:
        for o, n in zip(origins, sizes, strict=True):
            check_origin(o, n)
        modes = per_axis(mode, len(axes))
        for axis, n, m, o in zip(axes, sizes, modes, origins, strict=True):
            if n > 1:
                x = _extreme(x, n, axis, m, cval, o, "maximum_filter" if greatest else "minimum_filter", job.between)
        return x
    if is_sequence(mode):
        raise RuntimeError("A sequence of modes is not supported for non-separable footprints")
    axes, origins = in_order(axes, job.ndim, origins)
    for o, n in zip(origins, sizes, strict=True):
        check_origin(o, n)
    return call(
        "rank_filter",
        x,
        rank=-1 if greatest else 0,
        footprint=footprint.tolist(),
        origin=origins,
        axes=axes,
        mode=mode_of(mode),
        cval=float(cval) if is_held(cval, mode_of(mode), x.dtype) else cval_of(cval, x.dtype),
    )


def _extreme_filter(greatest, input, size, footprint, output, mode, cval, origin, axes):
    job = Job(input, output)
    axes = axes_of(axes, job.ndim)
    return job.done(extremes(job, greatest, size, footprint, mode, cval, origin, axes))


@scipys
def minimum_filter(input, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    """The least of a window, as SciPy's."""
    return _extreme_filter(False, input, size, footprint, output, mode, cval, origin, axes)


@scipys
def maximum_filter(input, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    """The greatest of a window, as SciPy's."""
    return _extreme_filter(True, input, size, footprint, output, mode, cval, origin, axes)
