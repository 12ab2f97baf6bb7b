"""Binary morphology, as SciPy's: places that hold, or do not, whatever the dtype of the input."""

import operator

import numpy as np

from .._array import Array
from ._common import Job, axes_of, call, check_origin, in_order, per_axis
from ._foreign import scipys
from ._morphology import generate_binary_structure


def _structure_of(structure, rank):
    structure = generate_binary_structure(rank, 1) if structure is None else np.asarray(structure, dtype=bool)
    if structure.ndim != rank:
        raise RuntimeError("structure and input must have same dimensionality")
    if structure.size < 1:
        raise RuntimeError("structure must not be empty")
    return structure


def _step(x, structure, axes, origins, border, dilates):
    """One erosion or dilation: what lies outside counts as the border."""
    if not structure.any():
        # Of no places all hold, and none.
        return call("astype", call("bitwise_and" if dilates else "bitwise_or", x, not dilates), dtype="bool")
    return call(
        "rank_filter",
        x,
        rank=-1 if dilates else 0,
        footprint=structure.tolist(),
        origin=origins,
        axes=axes,
        mode="constant",
        cval=float(bool(border)),
    )


def _repeated(input, structure, iterations, mask, output, border, origin, axes, dilates):
    if np.iscomplexobj(input):
        raise TypeError("Complex type not supported")
    job = Job(input, bool if output is None else output)
    axes = axes_of(axes, job.ndim)
    structure = _structure_of(structure, len(axes))
    # In the array's order, as the structure lies.
    axes, origins = in_order(axes, job.ndim, [operator.index(o) for o in per_axis(origin, len(axes))])
    if dilates:
        structure = structure[(slice(None, None, -1),) * structure.ndim]
        origins = [-o - (1 if n % 2 == 0 else 0) for o, n in zip(origins, structure.shape, strict=True)]
    for o, n in zip(origins, structure.shape, strict=True):
        check_origin(o, n)
    iterations = operator.index(iterations)
    given = call("not_equal", job.x, 0) if job.x.dtype != bool else job.x
    if 0 in given.shape or not axes:
        return job.done(given)
    if mask is not None:
        mask = mask if isinstance(mask, Array) else np.asarray(mask)
        if mask.shape != given.shape:
            raise RuntimeError("mask and input must have equal sizes")
        mask = call("not_equal", mask, 0) if mask.dtype != bool else mask

    def once(x):
        made = _step(x, structure, axes, origins, border, dilates)
        return made if mask is None else call("where", mask, made, x)

    if iterations >= 1:
        for _ in range(iterations):
            given = once(given)
        return job.done(given)
    if job.is_lazy:
        raise NotImplementedError("repeating until nothing changes, of a lazy array")
    before = given.compute()
    while True:
        after = once(before).compute()
        if np.array_equal(before, after):
            return job.done(call("astype", after, dtype="bool"))
        before = after


@scipys
def binary_erosion(
    input, structure=None, iterations=1, mask=None, output=None, border_value=0, origin=0, brute_force=False, *, axes=None
):
    """Where all places of the structure hold, as SciPy's."""
    return _repeated(input, structure, iterations, mask, output, border_value, origin, axes, False)


@scipys
def binary_dilation(
    input, structure=None, iterations=1, mask=None, output=None, border_value=0, origin=0, brute_force=False, *, axes=None
):
    """Where any place of the mirrored structure holds, as SciPy's."""
    return _repeated(input, structure, iterations, mask, output, border_value, origin, axes, True)


@scipys
def binary_opening(
    input, structure=None, iterations=1, output=None, origin=0, mask=None, border_value=0, brute_force=False, *, axes=None
):
    """An erosion, then a dilation, as SciPy's."""
    tmp = binary_erosion(input, structure, iterations, mask, None, border_value, origin, brute_force, axes=axes)
    return binary_dilation(tmp, structure, iterations, mask, output, border_value, origin, brute_force, axes=axes)


@scipys
def binary_closing(
    input, structure=None, iterations=1, output=None, origin=0, mask=None, border_value=0, brute_force=False, *, axes=None
):
    """A dilation, then an erosion, as SciPy's."""
    tmp = binary_dilation(input, structure, iterations, mask, None, border_value, origin, brute_force, axes=axes)
    return binary_erosion(tmp, structure, iterations, mask, output, border_value, origin, brute_force, axes=axes)


@scipys
def binary_propagation(input, structure=None, mask=None, output=None, border_value=0, origin=0, *, axes=None):
    """Dilations inside a mask until nothing changes, as SciPy's."""
    return binary_dilation(input, structure, -1, mask, output, border_value, origin, axes=axes)


@scipys
def binary_hit_or_miss(input, structure1=None, structure2=None, output=None, origin1=0, origin2=None, *, axes=None):
    """Where one structure holds and no place of another does, as SciPy's."""
    if np.iscomplexobj(input):
        raise TypeError("Complex type not supported")
    job = Job(input, bool if output is None else output)
    axes = axes_of(axes, job.ndim)
    first = _structure_of(structure1, len(axes))
    second = np.logical_not(first) if structure2 is None else _structure_of(structure2, len(axes))
    each = [[operator.index(o) for o in per_axis(o, len(axes))] for o in (origin1, origin1 if origin2 is None else origin2)]
    origins = [in_order(axes, job.ndim, o)[1] for o in each]
    axes = sorted(axes)
    for structure, each in zip((first, second), origins, strict=True):
        for o, n in zip(each, structure.shape, strict=True):
            check_origin(o, n)
    given = call("not_equal", job.x, 0) if job.x.dtype != bool else job.x
    hit = _step(given, first, axes, origins[0], False, False)
    miss = _step(given, second, axes, origins[1], False, True)
    return job.done(call("bitwise_and", hit, call("invert", miss)))


@scipys
def binary_fill_holes(input, structure=None, output=None, origin=0, *, axes=None):
    """Fills what the outside does not reach, as SciPy's."""
    if isinstance(input, Array):
        raise NotImplementedError("repeating until nothing changes, of a lazy array")
    mask = np.logical_not(np.asarray(input))
    reached = binary_dilation(np.zeros(mask.shape, bool), structure, -1, mask, None, 1, origin, axes=axes)
    filled = np.logical_not(reached)
    if output is None:
        return filled
    if isinstance(output, np.ndarray):
        output[...] = filled
        return output
    return filled.astype(output)
