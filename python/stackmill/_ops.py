"""stackmill's own ops as functions. Written by tools/generate.py from the records of the ops: do not edit."""

from __future__ import annotations

from ._array import Array, apply
from ._types import Axes, Box, DTypeLike, Length, Mode, Number, Operand, Whole

__all__ = [
    "abs", "add", "argmax", "argmin", "astype", "bitwise_and", "bitwise_or", "bitwise_xor", "black_tophat", "ceil",
    "clip", "convolve", "convolve1d", "correlate", "correlate1d", "cos", "cumsum", "divide", "equal", "exp", "flip",
    "floor", "floor_divide", "gaussian", "greater", "greater_equal", "grey_closing", "grey_dilation",
    "grey_erosion", "grey_opening", "invert", "isnan", "laplace", "left_shift", "less", "less_equal", "log", "max",
    "maximum", "maximum_filter", "mean", "median", "min", "minimum", "minimum_filter", "multiply", "negative",
    "nonflat_dilation", "nonflat_erosion", "not_equal", "percentile_filter", "power", "rank_filter", "remainder",
    "right_shift", "rint", "sin", "sobel", "sobel_magnitude", "sqrt", "square", "std", "subtract", "sum", "uniform",
    "var", "where", "white_tophat", "wrap", "wrapping_add", "wrapping_multiply", "wrapping_power",
    "wrapping_subtract",
]


def add(x: Operand, y: Operand) -> Array:
    """`x + y`. 8/16-bit integers add exactly in 32 bits, 32-bit integers saturate.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.add(x, y)`
    """
    return apply("add", (x, y), (), {})


def subtract(x: Operand, y: Operand) -> Array:
    """`x - y`. 8/16-bit integers subtract exactly in i32, u32 in i64, so nothing wraps. u64 is held to i64 first.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.subtract(x, y)`
    """
    return apply("subtract", (x, y), (), {})


def multiply(x: Operand, y: Operand) -> Array:
    """`x * y`. 8/16-bit integers multiply exactly in 32 bits, 32-bit integers saturate.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.multiply(x, y)`
    """
    return apply("multiply", (x, y), (), {})


def divide(x: Operand, y: Operand) -> Array:
    """`x / y`, as floats.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.divide(x, y)`
    """
    return apply("divide", (x, y), (), {})


def floor_divide(x: Operand, y: Operand) -> Array:
    """`x // y`: the quotient rounded down; 0 where an integer is divided by 0.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.floor_divide(x, y)`
    """
    return apply("floor_divide", (x, y), (), {})


def remainder(x: Operand, y: Operand) -> Array:
    """`x % y`: what floor division leaves, with the sign of `y`; 0 where an integer is divided by 0.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.remainder(x, y)`
    """
    return apply("remainder", (x, y), (), {})


def power(x: Operand, y: Operand) -> Array:
    """`x ** y`. Integers keep to integers and saturate; a negative power of an integer is 0 (1 for 1).

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.power(x, y)`
    """
    return apply("power", (x, y), (), {})


def square(x: Operand) -> Array:
    """`x * x`. 8/16-bit integers multiply exactly in 32 bits, 32-bit integers saturate.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.square(x)`
    """
    return apply("square", (x,), (), {})


def negative(x: Operand) -> Array:
    """`-x`. Up to 16-bit integers give i32.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.negative(x)`
    """
    return apply("negative", (x,), (), {})


def abs(x: Operand) -> Array:
    """`|x|`, in the dtype of `x`; the most negative integer saturates.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.abs(x)`
    """
    return apply("abs", (x,), (), {})


def sqrt(x: Operand) -> Array:
    """The square root; NaN below 0.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.sqrt(x)`
    """
    return apply("sqrt", (x,), (), {})


def exp(x: Operand) -> Array:
    """`e ** x`, by our own polynomial.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.exp(x)`
    """
    return apply("exp", (x,), (), {})


def log(x: Operand) -> Array:
    """The natural logarithm, by our own polynomial; -inf at 0, NaN below.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.log(x)`
    """
    return apply("log", (x,), (), {})


def sin(x: Operand) -> Array:
    """The sine of radians, by our own polynomial.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.sin(x)`
    """
    return apply("sin", (x,), (), {})


def cos(x: Operand) -> Array:
    """The cosine of radians, by our own polynomial.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.cos(x)`
    """
    return apply("cos", (x,), (), {})


def floor(x: Operand) -> Array:
    """The largest whole number not above `x`.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.floor(x)`
    """
    return apply("floor", (x,), (), {})


def ceil(x: Operand) -> Array:
    """The smallest whole number not below `x`.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.ceil(x)`
    """
    return apply("ceil", (x,), (), {})


def rint(x: Operand) -> Array:
    """The nearest whole number, ties to even.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.rint(x)`
    """
    return apply("rint", (x,), (), {})


def minimum(x: Operand, y: Operand) -> Array:
    """The smaller of the two; NaN where either is.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.minimum(x, y)`
    """
    return apply("minimum", (x, y), (), {})


def maximum(x: Operand, y: Operand) -> Array:
    """The larger of the two; NaN where either is.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.maximum(x, y)`
    """
    return apply("maximum", (x, y), (), {})


def clip(x: Operand, lower: Number, upper: Number) -> Array:
    """`x` held between two bounds, in its own dtype; NaN stays.

    lower: number. The lower bound.
    upper: number. The upper bound.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.clip(x, lower=0, upper=255)`
    """
    return apply("clip", (x,), (), {"lower": lower, "upper": upper})


def astype(x: Operand, dtype: DTypeLike) -> Array:
    """`x` in another dtype: rounded to even, saturated, NaN to 0 for integers, anything but 0 to True for bool.

    dtype: dtype. The dtype, as `u8` or `uint8`.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.astype(x, dtype='float32')`
    """
    return apply("astype", (x,), (), {"dtype": dtype})


def equal(x: Operand, y: Operand) -> Array:
    """`x == y`; False where either is NaN.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.equal(x, y)`
    """
    return apply("equal", (x, y), (), {})


def not_equal(x: Operand, y: Operand) -> Array:
    """`x != y`; True where either is NaN.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.not_equal(x, y)`
    """
    return apply("not_equal", (x, y), (), {})


def less(x: Operand, y: Operand) -> Array:
    """`x < y`.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.less(x, y)`
    """
    return apply("less", (x, y), (), {})


def less_equal(x: Operand, y: Operand) -> Array:
    """`x <= y`.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.less_equal(x, y)`
    """
    return apply("less_equal", (x, y), (), {})


def greater(x: Operand, y: Operand) -> Array:
    """`x > y`.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.greater(x, y)`
    """
    return apply("greater", (x, y), (), {})


def greater_equal(x: Operand, y: Operand) -> Array:
    """`x >= y`.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.greater_equal(x, y)`
    """
    return apply("greater_equal", (x, y), (), {})


def where(condition: Operand, x: Operand, y: Operand) -> Array:
    """`x` where the condition is true, else `y`; in the smallest dtype that holds both.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.where(condition, x, y)`
    """
    return apply("where", (condition, x, y), (), {})


def bitwise_and(x: Operand, y: Operand) -> Array:
    """`x & y`, of bools or integers.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.bitwise_and(x, y)`
    """
    return apply("bitwise_and", (x, y), (), {})


def bitwise_or(x: Operand, y: Operand) -> Array:
    """`x | y`, of bools or integers.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.bitwise_or(x, y)`
    """
    return apply("bitwise_or", (x, y), (), {})


def bitwise_xor(x: Operand, y: Operand) -> Array:
    """`x ^ y`, of bools or integers.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.bitwise_xor(x, y)`
    """
    return apply("bitwise_xor", (x, y), (), {})


def invert(x: Operand) -> Array:
    """`~x`, of bools or integers.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.invert(x)`
    """
    return apply("invert", (x,), (), {})


def isnan(x: Operand) -> Array:
    """Whether `x` is NaN; False for integers.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.isnan(x)`
    """
    return apply("isnan", (x,), (), {})


def wrapping_add(x: Operand, y: Operand) -> Array:
    """`x + y` in their common dtype; integers wrap around.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.wrapping_add(x, y)`
    """
    return apply("wrapping_add", (x, y), (), {})


def wrapping_subtract(x: Operand, y: Operand) -> Array:
    """`x - y` in their common dtype; integers wrap around.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.wrapping_subtract(x, y)`
    """
    return apply("wrapping_subtract", (x, y), (), {})


def wrapping_multiply(x: Operand, y: Operand) -> Array:
    """`x * y` in their common dtype; integers wrap around.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.wrapping_multiply(x, y)`
    """
    return apply("wrapping_multiply", (x, y), (), {})


def wrapping_power(x: Operand, y: Operand) -> Array:
    """`x ** y` in their common dtype; integers wrap around. The sign of an integer's power is left out: it must not be negative.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.wrapping_power(x, y)`
    """
    return apply("wrapping_power", (x, y), (), {})


def left_shift(x: Operand, y: Operand) -> Array:
    """`x << y`: bits beyond the dtype are lost, all of them where `y` is no number of its bits.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.left_shift(x, y)`
    """
    return apply("left_shift", (x, y), (), {})


def right_shift(x: Operand, y: Operand) -> Array:
    """`x >> y`: the quotient by a power of two, rounded down; 0 or -1 where `y` is no number of the dtype's bits.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for shapes that do not fit each other and parameters that cannot be; DtypeError for dtypes that
    the op has not.

    Example: `stackmill.right_shift(x, y)`
    """
    return apply("right_shift", (x, y), (), {})


def wrap(x: Operand, dtype: DTypeLike) -> Array:
    """`x` in another dtype as C and NumPy cast: fractions are cut off, integers wrap around. See `astype` for rounding.

    dtype: dtype. The dtype, as `u8` or `uint8`.

    Returns a lazy array of the operands' common shape; nothing is computed.
    Raises CallerError for parameters that cannot be; DtypeError for dtypes that the op has not.

    Example: `stackmill.wrap(x, dtype='float32')`
    """
    return apply("wrap", (x,), (), {"dtype": dtype})


def gaussian(x: Operand, sigma: Length, order: Whole = 0, mode: Mode = 'reflect', cval: Number = 0.0, truncate: Number = 4.0, axes: Axes | None = None) -> Array:
    """Gaussian smoothing: a weighted mean with weights `exp(-d²/2σ²)`, or a derivative of it, axis after axis.

    Rounds once: integers to nearest-even of the smoothed value, where SciPy truncates after each axis. A mask gives f32.

    sigma: number or length. Standard deviation in pixels, or a length as `0.25um`; one for all axes or one per axis. 0
        leaves an axis alone.
    order: whole number, 0 by default. Derivative order per axis, 0 to 2. Above 0 the result is a float.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    truncate: number, 4.0 by default. Where the window ends, in standard deviations.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.gaussian(x, sigma=1.5)`
    """
    return apply("gaussian", (x,), (), {"sigma": sigma, "order": order, "mode": mode, "cval": cval, "truncate": truncate, "axes": axes})


def uniform(x: Operand, size: Whole, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None) -> Array:
    """The mean of a window. Sums of integers are exact; the mean rounds once, to nearest-even. A mask gives f32: its share.

    size: whole number. Window in pixels; one for all axes or one per axis.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the window: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.uniform(x, size=3)`
    """
    return apply("uniform", (x,), (), {"size": size, "mode": mode, "cval": cval, "origin": origin, "axes": axes})


def sobel(x: Operand, axis: Axes = -1, mode: Mode = 'reflect', cval: Number = 0.0) -> Array:
    """The Sobel derivative along one axis: `[-1, 0, 1]` along it, `[1, 2, 1]` along the others.

    axis: axis or list of axes, [-1] by default. The axis of the derivative, by number or name.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.sobel(x)`
    """
    return apply("sobel", (x,), (), {"axis": axis, "mode": mode, "cval": cval})


def sobel_magnitude(x: Operand, mode: Mode = 'reflect', cval: Number = 0.0, axes: Axes | None = None) -> Array:
    """The length of the Sobel gradient: `sqrt(Σ sobel(x, axis)²)`.

    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.sobel_magnitude(x)`
    """
    return apply("sobel_magnitude", (x,), (), {"mode": mode, "cval": cval, "axes": axes})


def laplace(x: Operand, mode: Mode = 'reflect', cval: Number = 0.0, axes: Axes | None = None) -> Array:
    """The Laplacian: the sum of second differences `[1, -2, 1]`.

    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.laplace(x)`
    """
    return apply("laplace", (x,), (), {"mode": mode, "cval": cval, "axes": axes})


def correlate1d(x: Operand, weights: Box, axis: Axes = -1, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0) -> Array:
    """The sum of a window along one axis, weighted: `Σ weights[k] · x[i + k - len // 2 - origin]`.

    Rounds once, to nearest-even. A float where a weight is negative or `x` is a mask.

    weights: nested lists. The weights, from the lowest index on.
    axis: axis or list of axes, [-1] by default. The axis, by number or name.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the window: positive to lower indices.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.correlate1d(x, weights=[1, 2, 1])`
    """
    return apply("correlate1d", (x,), (), {"weights": weights, "axis": axis, "mode": mode, "cval": cval, "origin": origin})


def convolve1d(x: Operand, weights: Box, axis: Axes = -1, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0) -> Array:
    """The convolution along one axis: `correlate1d` with the weights reversed.

    weights: nested lists. The weights.
    axis: axis or list of axes, [-1] by default. The axis, by number or name.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the window: positive to higher indices.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.convolve1d(x, weights=[1, 2, 1])`
    """
    return apply("convolve1d", (x,), (), {"weights": weights, "axis": axis, "mode": mode, "cval": cval, "origin": origin})


def correlate(x: Operand, weights: Box, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None) -> Array:
    """The sum of a box, weighted. Elements whose weight is nothing are left out, NaN among them.

    Rounds once, to nearest-even. A float where a weight is negative or `x` is a mask.

    weights: nested lists. The weights, as many nested lists as there are axes.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the box: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes the weights go along; all by default.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.correlate(x, weights=[[1, 2, 1]])`
    """
    return apply("correlate", (x,), (), {"weights": weights, "mode": mode, "cval": cval, "origin": origin, "axes": axes})


def convolve(x: Operand, weights: Box, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None) -> Array:
    """The convolution with a box of weights: `correlate` with the weights reversed along every axis.

    weights: nested lists. The weights, as many nested lists as there are axes.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the box: positive to higher indices.
    axes: axis or list of axes, None by default. Which axes the weights go along; all by default.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.convolve(x, weights=[[1, 2, 1]])`
    """
    return apply("convolve", (x,), (), {"weights": weights, "mode": mode, "cval": cval, "origin": origin, "axes": axes})


def median(x: Operand, size: Whole, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None) -> Array:
    """The median of a window; the upper one of an even count. NaN counts as the largest.

    size: whole number. Window in pixels; one for all axes or one per axis.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the window: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.median(x, size=3)`
    """
    return apply("median", (x,), (), {"size": size, "mode": mode, "cval": cval, "origin": origin, "axes": axes})


def minimum_filter(x: Operand, size: Whole, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None) -> Array:
    """The smallest of a window; NaN where the window holds one.

    size: whole number. Window in pixels; one for all axes or one per axis.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the window: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.minimum_filter(x, size=3)`
    """
    return apply("minimum_filter", (x,), (), {"size": size, "mode": mode, "cval": cval, "origin": origin, "axes": axes})


def maximum_filter(x: Operand, size: Whole, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None) -> Array:
    """The largest of a window; NaN where the window holds one.

    size: whole number. Window in pixels; one for all axes or one per axis.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the window: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.maximum_filter(x, size=3)`
    """
    return apply("maximum_filter", (x,), (), {"size": size, "mode": mode, "cval": cval, "origin": origin, "axes": axes})


def rank_filter(x: Operand, rank: Whole, size: Whole | None = None, footprint: Box | None = None, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None) -> Array:
    """The element of a rank in a window, 0 the least, -1 the greatest. NaN counts as the largest.

    rank: whole number. Which element of the sorted window; negative from the greatest on.
    size: whole number, None by default. Window in pixels; one for all axes or one per axis.
    footprint: nested lists, None by default. In place of a size: which places of a box count, as nested lists.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the window: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.rank_filter(x, rank=0, size=3)`
    """
    return apply("rank_filter", (x,), (), {"rank": rank, "size": size, "footprint": footprint, "mode": mode, "cval": cval, "origin": origin, "axes": axes})


def percentile_filter(x: Operand, percentile: Number, size: Whole | None = None, footprint: Box | None = None, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None) -> Array:
    """The element below which a percentage of a window lies. NaN counts as the largest.

    percentile: number. The percentage, 0 to 100; negative from the greatest on.
    size: whole number, None by default. Window in pixels; one for all axes or one per axis.
    footprint: nested lists, None by default. In place of a size: which places of a box count, as nested lists.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the window: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.percentile_filter(x, percentile=90, size=3)`
    """
    return apply("percentile_filter", (x,), (), {"percentile": percentile, "size": size, "footprint": footprint, "mode": mode, "cval": cval, "origin": origin, "axes": axes})


def grey_erosion(x: Operand, size: Whole, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None) -> Array:
    """Flat erosion: the smallest of a box.

    size: whole number. Window in pixels; one for all axes or one per axis.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the window: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.grey_erosion(x, size=3)`
    """
    return apply("grey_erosion", (x,), (), {"size": size, "mode": mode, "cval": cval, "origin": origin, "axes": axes})


def grey_dilation(x: Operand, size: Whole, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None) -> Array:
    """Flat dilation: the largest of the mirrored box.

    size: whole number. Window in pixels; one for all axes or one per axis.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the window: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.grey_dilation(x, size=3)`
    """
    return apply("grey_dilation", (x,), (), {"size": size, "mode": mode, "cval": cval, "origin": origin, "axes": axes})


def grey_opening(x: Operand, size: Whole, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None) -> Array:
    """Flat opening: an erosion, then a dilation. Removes bright details smaller than the box.

    size: whole number. Window in pixels; one for all axes or one per axis.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the window: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.grey_opening(x, size=3)`
    """
    return apply("grey_opening", (x,), (), {"size": size, "mode": mode, "cval": cval, "origin": origin, "axes": axes})


def grey_closing(x: Operand, size: Whole, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None) -> Array:
    """Flat closing: a dilation, then an erosion. Removes dark details smaller than the box.

    size: whole number. Window in pixels; one for all axes or one per axis.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the window: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.grey_closing(x, size=3)`
    """
    return apply("grey_closing", (x,), (), {"size": size, "mode": mode, "cval": cval, "origin": origin, "axes": axes})


def white_tophat(x: Operand, size: Whole, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None) -> Array:
    """What an opening removes: `x - grey_opening(x)`, bright details smaller than the box.

    size: whole number. Window in pixels; one for all axes or one per axis.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the window: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.white_tophat(x, size=3)`
    """
    return apply("white_tophat", (x,), (), {"size": size, "mode": mode, "cval": cval, "origin": origin, "axes": axes})


def black_tophat(x: Operand, size: Whole, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None) -> Array:
    """What a closing adds: `grey_closing(x) - x`, dark details smaller than the box.

    size: whole number. Window in pixels; one for all axes or one per axis.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the window: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes; z, y, x by default where axes are named, else all.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.black_tophat(x, size=3)`
    """
    return apply("black_tophat", (x,), (), {"size": size, "mode": mode, "cval": cval, "origin": origin, "axes": axes})


def nonflat_erosion(x: Operand, heights: Box, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None, wraps: bool = False) -> Array:
    """Erosion by a structure with heights: the smallest of a box's elements less their heights. Up to 16-bit integers with
    whole heights give i32, all else f64.

    heights: nested lists. A height for every place of the box, nested as the axes are; -inf leaves a place out.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the box: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes the box has; z, y, x by default where axes are named, else
        all.
    wraps: True or False, False by default. Whether sums wrap around in the dtype of `x`, as SciPy's do in all places
        but the first.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.nonflat_erosion(x, heights=[[0, 1, 0]])`
    """
    return apply("nonflat_erosion", (x,), (), {"heights": heights, "mode": mode, "cval": cval, "origin": origin, "axes": axes, "wraps": wraps})


def nonflat_dilation(x: Operand, heights: Box, mode: Mode = 'reflect', cval: Number = 0.0, origin: Whole = 0, axes: Axes | None = None, wraps: bool = False) -> Array:
    """Dilation by a structure with heights: the largest of the mirrored box's elements and their heights. Up to 16-bit
    integers with whole heights give i32, all else f64.

    heights: nested lists. A height for every place of the box, nested as the axes are; -inf leaves a place out.
    mode: mode, 'reflect' by default. What lies outside: reflect, constant, nearest, mirror or wrap.
    cval: number, 0.0 by default. The number outside, for mode constant.
    origin: whole number, 0 by default. Moves the box: positive to lower indices.
    axes: axis or list of axes, None by default. Which axes the box has; z, y, x by default where axes are named, else
        all.
    wraps: True or False, False by default. Whether sums wrap around in the dtype of `x`, as SciPy's do in all places
        but the first.

    Returns a lazy array of the shape of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.nonflat_dilation(x, heights=[[0, 1, 0]])`
    """
    return apply("nonflat_dilation", (x,), (), {"heights": heights, "mode": mode, "cval": cval, "origin": origin, "axes": axes, "wraps": wraps})


def sum(x: Operand, axis: Axes | None = None, keepdims: bool = False) -> Array:
    """The sum over axes. Integers are exact and give i64 or u64; floats keep their dtype.

    axis: axis or list of axes, None by default. Which axes; all by default.
    keepdims: True or False, False by default. Whether reduced axes stay with extent 1.

    Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.sum(x)`
    """
    return apply("sum", (x,), (), {"axis": axis, "keepdims": keepdims})


def mean(x: Operand, axis: Axes | None = None, keepdims: bool = False) -> Array:
    """The mean over axes. Integers give f64, correctly rounded; floats keep their dtype.

    axis: axis or list of axes, None by default. Which axes; all by default.
    keepdims: True or False, False by default. Whether reduced axes stay with extent 1.

    Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.mean(x)`
    """
    return apply("mean", (x,), (), {"axis": axis, "keepdims": keepdims})


def var(x: Operand, axis: Axes | None = None, ddof: Number = 0.0, keepdims: bool = False) -> Array:
    """The variance over axes: the mean square distance from the mean. Integers give f64; floats keep their dtype.

    axis: axis or list of axes, None by default. Which axes; all by default.
    ddof: number, 0.0 by default. Taken off the count that the sum of squares is divided by.
    keepdims: True or False, False by default. Whether reduced axes stay with extent 1.

    Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.var(x)`
    """
    return apply("var", (x,), (), {"axis": axis, "ddof": ddof, "keepdims": keepdims})


def std(x: Operand, axis: Axes | None = None, ddof: Number = 0.0, keepdims: bool = False) -> Array:
    """The standard deviation over axes. Integers give f64; floats keep their dtype.

    axis: axis or list of axes, None by default. Which axes; all by default.
    ddof: number, 0.0 by default. Taken off the count that the sum of squares is divided by.
    keepdims: True or False, False by default. Whether reduced axes stay with extent 1.

    Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.std(x)`
    """
    return apply("std", (x,), (), {"axis": axis, "ddof": ddof, "keepdims": keepdims})


def min(x: Operand, axis: Axes | None = None, keepdims: bool = False) -> Array:
    """The smallest over axes, in the dtype of `x`; NaN where there is one.

    axis: axis or list of axes, None by default. Which axes; all by default.
    keepdims: True or False, False by default. Whether reduced axes stay with extent 1.

    Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.min(x)`
    """
    return apply("min", (x,), (), {"axis": axis, "keepdims": keepdims})


def max(x: Operand, axis: Axes | None = None, keepdims: bool = False) -> Array:
    """The largest over axes, in the dtype of `x`; NaN where there is one.

    axis: axis or list of axes, None by default. Which axes; all by default.
    keepdims: True or False, False by default. Whether reduced axes stay with extent 1.

    Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.max(x)`
    """
    return apply("max", (x,), (), {"axis": axis, "keepdims": keepdims})


def argmin(x: Operand, axis: Axes | None = None, keepdims: bool = False) -> Array:
    """The index of the first smallest element along one axis, or over all in C order; the first NaN where there is one.

    axis: axis or list of axes, None by default. Which axis; all by default.
    keepdims: True or False, False by default. Whether reduced axes stay with extent 1.

    Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.argmin(x)`
    """
    return apply("argmin", (x,), (), {"axis": axis, "keepdims": keepdims})


def argmax(x: Operand, axis: Axes | None = None, keepdims: bool = False) -> Array:
    """The index of the first largest element along one axis, or over all in C order; the first NaN where there is one.

    axis: axis or list of axes, None by default. Which axis; all by default.
    keepdims: True or False, False by default. Whether reduced axes stay with extent 1.

    Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.argmax(x)`
    """
    return apply("argmax", (x,), (), {"axis": axis, "keepdims": keepdims})


def flip(x: Operand, axis: Axes | None = None) -> Array:
    """The array with the order of elements reversed along the given axes.

    axis: axis or list of axes, None by default. Which axes; all by default.

    Returns a lazy array of the dtype of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.flip(x)`
    """
    return apply("flip", (x,), (), {"axis": axis})


def cumsum(x: Operand, axis: Axes) -> Array:
    """The running sum along one axis, in NumPy's dtype of a sum.

    axis: axis or list of axes. The axis, by number or name.

    Returns a lazy array of the dtype of `x`; nothing is computed.
    Raises CallerError for parameters that cannot be; NoSuchAxisError for an axis that `x` has not; DtypeError for
    dtypes that the op has not.

    Example: `stackmill.cumsum(x, axis=0)`
    """
    return apply("cumsum", (x,), (), {"axis": axis})
