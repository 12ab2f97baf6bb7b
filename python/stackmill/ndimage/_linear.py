"""Weighted sums: SciPy's linear filters, each axis summed in f64 and stored as the output's dtype."""

import numbers
import operator

import numpy as np

from .._array import from_array
from .._operators import unary
from ._common import Job, axes_of, axis_of, call, check_origin, in_order, is_sequence, mode_of, per_axis, stored, wide
from ._foreign import linear

# The longest list of weights that is made: longer windows are the engine's own filters.
_LONGEST = 4096


def _reals(weights):
    return np.asarray(weights, dtype=np.float64)


def _check_cval(cval):
    if isinstance(cval, numbers.Complex) and not isinstance(cval, numbers.Real):
        raise ValueError("Cannot provide a complex-valued cval when the input is real.")


def _along(x, weights, axis, mode, cval, origin, dtype):
    """One axis of a filter, from what is stored to what is stored."""
    y = call("correlate1d", wide(x), weights=weights.tolist(), axis=axis, mode=mode_of(mode), cval=float(cval), origin=origin)
    return stored(y, dtype)


@linear
def correlate1d(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    """The correlation along an axis, as SciPy's."""
    _check_cval(cval)
    job = Job(input, output)
    weights = _reals(weights)
    if weights.ndim != 1 or weights.shape[0] < 1:
        raise RuntimeError("no filter weights given")
    axis = axis_of(axis, job.ndim)
    check_origin(origin, len(weights))
    return job.done(_along(job.x, weights, axis, mode, cval, origin, job.between))


@linear
def convolve1d(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    """The convolution along an axis, as SciPy's."""
    weights = np.asarray(weights)
    weights = weights[::-1] if weights.ndim else weights
    origin = -origin - (1 if len(np.atleast_1d(weights)) % 2 == 0 else 0)
    return correlate1d(input, weights, axis, output, mode, cval, origin)


def _over(input, weights, output, mode, cval, origin, axes, convolves):
    _check_cval(cval)
    job = Job(input, output)
    axes = axes_of(axes, job.ndim)
    weights = _reals(weights)
    if weights.ndim != len(axes):
        raise RuntimeError(f"weights.ndim ({weights.ndim}) must match len(axes) ({len(axes)})")
    if is_sequence(mode):
        raise RuntimeError("A sequence of modes is not supported")
    axes, origins = in_order(axes, job.ndim, per_axis(origin, len(axes)))
    if convolves:
        weights = weights[(slice(None, None, -1),) * weights.ndim]
        origins = [-o - (1 if n % 2 == 0 else 0) for o, n in zip(origins, weights.shape, strict=True)]
    for o, n in zip(origins, weights.shape, strict=True):
        check_origin(o, n)
    mode = mode_of(mode)
    if weights.size == 0 or 0 in job.x.shape or not axes:
        return job.done(job.x)
    y = call(
        "correlate",
        wide(job.x),
        weights=weights.tolist(),
        origin=origins,
        axes=axes,
        mode=mode,
        cval=float(cval),
    )
    return job.done(y)


@linear
def correlate(input, weights, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    """The correlation with a box of weights, as SciPy's."""
    return _over(input, weights, output, mode, cval, origin, axes, False)


@linear
def convolve(input, weights, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    """The convolution with a box of weights, as SciPy's."""
    return _over(input, weights, output, mode, cval, origin, axes, True)


def _gaussian_weights(sigma, order, radius):
    """The sampled gaussian, or its derivative, for a convolution."""
    if order < 0:
        raise ValueError("order must be non-negative")
    x = np.arange(-radius, radius + 1)
    bell = np.exp(-0.5 / (sigma * sigma) * x**2)
    bell = bell / bell.sum()
    # Each derivative of q(x) exp(-x²/2σ²) is (q' - x q / σ²) exp(-x²/2σ²).
    q = np.array([1.0])
    for _ in range(order):
        slope = np.append(q[1:] * np.arange(1, len(q)), [0.0, 0.0])
        q = slope - np.append(0.0, q) / (sigma * sigma)
    return bell if order == 0 else bell * np.power.outer(x.astype(float), np.arange(len(q))).dot(q)


def _radius_of(sigma, truncate, radius):
    if radius is not None:
        if not isinstance(radius, numbers.Integral) or radius < 0:
            raise ValueError("Radius must be a nonnegative integer.")
        return int(radius)
    return int(truncate * float(sigma) + 0.5)


@linear
def gaussian_filter1d(input, sigma, axis=-1, order=0, output=None, mode="reflect", cval=0.0, truncate=4.0, *, radius=None):
    """The gaussian along an axis, as SciPy's."""
    _check_cval(cval)
    job = Job(input, output)
    axis, radius = axis_of(axis, job.ndim), _radius_of(sigma, truncate, radius)
    return job.done(_bell(job.x, float(sigma), order, radius, axis, mode, cval, job.between))


def _bell(x, sigma, order, radius, axis, mode, cval, dtype):
    """One axis of a gaussian; a list of weights, or the engine's own gaussian where the list were a long one."""
    if radius <= _LONGEST // 2 or order > 2:
        return _along(x, _gaussian_weights(sigma, order, radius)[::-1], axis, mode, cval, 0, dtype)
    named = dict(order=order, mode=mode_of(mode), cval=float(cval), truncate=radius / sigma, axes=[axis])
    return stored(call("gaussian", wide(x), sigma=sigma, **named), dtype)


def _gaussian(x, sigmas, orders, modes, radii, axes, cval, truncate, dtype):
    for axis, sigma, order, mode, radius in zip(axes, sigmas, orders, modes, radii, strict=True):
        if sigma > 1e-15:
            x = _bell(x, float(sigma), order, _radius_of(sigma, truncate, radius), axis, mode, cval, dtype)
    return x


@linear
def gaussian_filter(input, sigma, order=0, output=None, mode="reflect", cval=0.0, truncate=4.0, *, radius=None, axes=None):
    """The gaussian, axis after axis, as SciPy's."""
    _check_cval(cval)
    job = Job(input, output)
    axes = axes_of(axes, job.ndim)
    sigmas, orders, modes, radii = (per_axis(v, len(axes)) for v in (sigma, order, mode, radius))
    return job.done(_gaussian(job.x, sigmas, orders, modes, radii, axes, cval, truncate, job.between))


@linear
def uniform_filter1d(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    """The mean along an axis, as SciPy's."""
    _check_cval(cval)
    job = Job(input, output)
    axis = axis_of(axis, job.ndim)
    return job.done(_mean(job.x, size, axis, mode, cval, origin, job.between))


def _mean(x, size, axis, mode, cval, origin, dtype):
    if size < 1:
        raise RuntimeError("incorrect filter size")
    check_origin(origin, size)
    if size > _LONGEST:
        named = dict(mode=mode_of(mode), cval=float(cval), origin=origin, axes=[axis])
        return stored(call("uniform", wide(x), size=int(size), **named), dtype)
    total = call("correlate1d", wide(x), weights=[1.0] * size, axis=axis, mode=mode_of(mode), cval=float(cval), origin=origin)
    return stored(call("divide", total, float(size)), dtype)


@linear
def uniform_filter(input, size=3, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    """The mean of a box, axis after axis, as SciPy's."""
    _check_cval(cval)
    job = Job(input, output)
    axes = axes_of(axes, job.ndim)
    sizes, origins, modes = (per_axis(v, len(axes)) for v in (size, origin, mode))
    x = job.x
    for axis, n, o, m in zip(axes, sizes, origins, modes, strict=True):
        if n > 1:
            x = _mean(x, operator.index(n), axis, m, cval, o, job.between)
    return job.done(x)


def _derivative(input, axis, output, mode, cval, beside):
    job = Job(input, output)
    axis = axis_of(axis, job.ndim)
    modes = per_axis(mode, job.ndim)
    x = _along(job.x, np.array([-1.0, 0.0, 1.0]), axis, modes[axis], cval, 0, job.between)
    for other in range(job.ndim):
        if other != axis:
            x = _along(x, np.array(beside), other, modes[other], cval, 0, job.between)
    return job.done(x)


@linear
def sobel(input, axis=-1, output=None, mode="reflect", cval=0.0):
    """The Sobel derivative, as SciPy's."""
    return _derivative(input, axis, output, mode, cval, [1.0, 2.0, 1.0])


@linear
def prewitt(input, axis=-1, output=None, mode="reflect", cval=0.0):
    """The Prewitt derivative, as SciPy's."""
    return _derivative(input, axis, output, mode, cval, [1.0, 1.0, 1.0])


def _sum_of(parts, dtype):
    """A sum whose terms are stored as the output's dtype."""
    total = stored(parts[0], dtype)
    for part in parts[1:]:
        total = stored(call("wrapping_add", total, stored(part, dtype)), dtype)
    return total


@linear
def laplace(input, output=None, mode="reflect", cval=0.0, *, axes=None):
    """The sum of second differences, as SciPy's."""
    job = Job(input, output)
    axes = axes_of(axes, job.ndim)
    if not axes:
        return job.done(job.x)
    modes = per_axis(mode, len(axes))
    taps = np.array([1.0, -2.0, 1.0])
    parts = [_along(job.x, taps, axis, m, cval, 0, job.between) for axis, m in zip(axes, modes, strict=True)]
    return job.done(_sum_of(parts, job.dtype))


@linear
def gaussian_laplace(input, sigma, output=None, mode="reflect", cval=0.0, *, axes=None, **kwargs):
    """The laplacian of a gaussian, as SciPy's."""
    job = Job(input, output)
    axes = axes_of(axes, job.ndim)
    sigmas, modes = per_axis(sigma, len(axes)), per_axis(mode, len(axes))
    unknown = set(kwargs) - {"truncate", "radius"}
    if unknown:
        raise TypeError(f"gaussian_laplace() got an unexpected keyword argument {unknown.pop()!r}")
    radii, truncate = per_axis(kwargs.get("radius"), len(axes)), kwargs.get("truncate", 4.0)
    # Each part smooths the axes in the array's order; where all are given, so are their sigmas.
    places, sigmas = in_order(axes, job.ndim, sigmas)
    parts = []
    for axis, mode in zip(axes, modes, strict=True):
        orders = [2 if place == axis else 0 for place in places]
        # One derivative has one mode, along all axes.
        each = [mode] * len(places)
        parts.append(_gaussian(job.x, sigmas, orders, each, radii, places, cval, truncate, job.between))
    return job.done(_sum_of(parts, job.dtype) if parts else job.x)


def _magnitude(job, derivative, modes, cval, axes, given, named):
    """The root of the sum of squares of derivatives, each stored as the output's dtype."""
    total = None
    for axis, mode in zip(axes, modes, strict=True):
        part = stored(
            from_array(derivative(job.x if job.is_lazy else job.given, axis, job.dtype, mode, cval, *given, **named)), job.dtype
        )
        part = stored(call("wrapping_multiply", part, part), job.dtype)
        total = part if total is None else stored(call("wrapping_add", total, part), job.dtype)
    return stored(unary("sqrt", total), job.dtype)


@linear
def generic_gradient_magnitude(
    input, derivative, output=None, mode="reflect", cval=0.0, extra_arguments=(), extra_keywords=None, *, axes=None
):
    """The length of a gradient whose parts a function gives, as SciPy's."""
    job = Job(input, output)
    axes = axes_of(axes, job.ndim)
    if not axes:
        return job.done(job.x)
    modes = per_axis(mode, len(axes))
    return job.done(_magnitude(job, derivative, modes, cval, axes, extra_arguments, extra_keywords or {}))


@linear
def gaussian_gradient_magnitude(input, sigma, output=None, mode="reflect", cval=0.0, *, axes=None, **kwargs):
    """The length of the gradient of a gaussian, as SciPy's."""

    def derivative(x, axis, output, mode, cval):
        order = [1 if k == axis else 0 for k in range(x.ndim)]
        return gaussian_filter(x, sigma, order, output, mode, cval, **kwargs)

    return generic_gradient_magnitude(input, derivative, output, mode, cval, axes=axes)


@linear
def generic_laplace(
    input, derivative2, output=None, mode="reflect", cval=0.0, extra_arguments=(), extra_keywords=None, *, axes=None
):
    """The sum of second derivatives that a function gives, as SciPy's."""
    job = Job(input, output)
    axes = axes_of(axes, job.ndim)
    if not axes:
        return job.done(job.x)
    x, named = job.x if job.is_lazy else job.given, extra_keywords or {}
    modes = per_axis(mode, len(axes))
    parts = [
        from_array(derivative2(x, a, job.dtype, m, cval, *extra_arguments, **named)) for a, m in zip(axes, modes, strict=True)
    ]
    return job.done(_sum_of(parts, job.dtype))
