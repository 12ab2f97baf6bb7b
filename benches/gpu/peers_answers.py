"""The ops that peers are timed at, and what their answers must be: stackmill's, or NumPy's by definition.

It knows no GPU library.
"""

import dataclasses
import pathlib
import subprocess

try:
    import numpy as np
except ImportError:
    np = None

SIGMA, RADIUS = 2.0, 8
BOX = 15
# Seconds that one run of stackmill may take.
PATIENCE = 60
# The share of whole numbers that may differ by 1 after float work: those beside a tie. What rounds otherwise differs in half of them.
TIES = 0.05


@dataclasses.dataclass(frozen=True)
class Op:
    """One op at one dtype, named as in `bench gpu`: stackmill's words for it, the dtype of its result, and how near an answer must be."""

    name: str
    dtype: str
    pipeline: str
    result: str
    # Exact, or by how much an integer may differ (`whole`), or a float of itself (`relative`).
    whole: int = 0
    relative: float = 0.0
    halo: tuple = (0, 0, 0)
    is_fold: bool = False

    @property
    def bytes_px(self):
        size = {"u16": 2, "f32": 4}
        return size[self.dtype] + (0 if self.is_fold else size[self.result])


def _ops():
    around = (0, RADIUS, RADIUS), (RADIUS, RADIUS, RADIUS)
    for dtype, near in [("u16", {"whole": 1}), ("f32", {"relative": 1e-5})]:
        yield Op("gaussian2d", dtype, "gaussian([0,2,2])", dtype, halo=around[0], **near)
        yield Op("gaussian3d", dtype, "gaussian(2)", dtype, halo=around[1], **near)
    yield Op("median3", "u16", "median([1,3,3])", "u16", halo=(0, 1, 1))
    yield Op("median5", "u16", "median([1,5,5])", "u16", halo=(0, 2, 2))
    yield Op("opening15", "u16", "grey_opening([1,15,15])", "u16", halo=(0, BOX, BOX))
    yield Op("tophat15", "u16", "white_tophat([1,15,15])", "u16", halo=(0, BOX, BOX))
    yield Op("sobel", "u16", "sobel_magnitude(axes=[1,2])", "f32", relative=1e-5, halo=(0, 1, 1))
    for dtype in ["u16", "f32"]:
        exact, near = ({}, {"relative": 1e-6}) if dtype == "u16" else ({"relative": 1e-5},) * 2
        yield Op("sum", dtype, "sum(x)", "i64" if dtype == "u16" else "f32", is_fold=True, **exact)
        yield Op("mean", dtype, "mean(x)", "f64" if dtype == "u16" else "f32", is_fold=True, **near)
        yield Op("std", dtype, "std(x)", "f64" if dtype == "u16" else "f32", is_fold=True, relative=1e-4)
    # `astype` rounds to nearest, half to even: beside a tie a last place decides.
    yield Op("chain", "u16", "(astype(x, f32) - 100) / 1.7 |> clip(0, 65535) |> astype(u16)", "u16", whole=1)
    yield Op("chain", "f32", "x * 0.5 + 3 |> sqrt(x) |> x - 1 |> clip(0.75, 0.8)", "f32", relative=2e-6)


OPS = list(_ops())


def elements(shape):
    """The array as u16."""
    made = np.empty(int(np.prod(shape)), np.uint16)
    for start in range(0, made.size, 1 << 20):
        z = np.arange(start, min(start + (1 << 20), made.size), dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        made[start : start + z.size] = (z ^ (z >> np.uint64(31))) >> np.uint64(48)
    return made.reshape(shape)


def reflected(n, before, after):
    """Which element stands at each place of an axis with its edges folded back: d c b a | a b c d | d c b a."""
    i = np.arange(-before, n + after) % (2 * n)
    return np.where(i < n, i, 2 * n - 1 - i)


def gaussian_weights():
    d = np.arange(-RADIUS, RADIUS + 1)
    w = np.exp(-0.5 * d**2 / SIGMA**2)
    return w / w.sum()


# What NumPy says, slowly: ops by their definition, in f64 or integers, on a part of the array.


def _windows(x, extents):
    for axis, extent in enumerate(extents):
        x = x.take(reflected(x.shape[axis], extent // 2, extent // 2), axis)
    return np.lib.stride_tricks.sliding_window_view(x, extents).reshape(*_inner(x.shape, extents), -1)


def _inner(shape, extents):
    return [n - e + 1 for n, e in zip(shape, extents, strict=True)]


def _along(x, axis, weights):
    view = _windows(x, [len(weights) if a == axis else 1 for a in range(x.ndim)])
    return view @ np.asarray(weights, np.float64)


def _opened(x):
    for fold in (np.min, np.max):
        for extents in ([1, 1, BOX], [1, BOX, 1]):
            x = fold(_windows(x, extents), axis=-1)
    return x


def by_meaning(op, x):
    """The op's result."""
    if op.name.startswith("gaussian"):
        y = x.astype(np.float64)
        for axis in [0, 1, 2] if op.name == "gaussian3d" else [1, 2]:
            y = _along(y, axis, gaussian_weights())
        return np.rint(y).astype(np.uint16) if op.dtype == "u16" else y
    if op.name.startswith("median"):
        k = int(op.name[-1])
        return np.sort(_windows(x, [1, k, k]), axis=-1)[..., k * k // 2]
    if op.name in ("opening15", "tophat15"):
        return _opened(x) if op.name == "opening15" else x - _opened(x)
    if op.name == "sobel":
        y = x.astype(np.float64)
        gradients = [_along(_along(y, a, [-1, 0, 1]), b, [1, 2, 1]) for a, b in [(1, 2), (2, 1)]]
        return np.hypot(*gradients)
    if op.is_fold:
        exact = x.astype(np.float64) if op.dtype == "f32" or op.name == "std" else x
        return getattr(np, op.name)(exact)
    if op.dtype == "u16":
        return np.rint(np.clip((x.astype(np.float32) - 100) / np.float32(1.7), 0, 65535)).astype(np.uint16)
    return np.clip(np.sqrt(x.astype(np.float64) * 0.5 + 3) - 1, 0.75, 0.8)


class Answers:
    """What results must be: stackmill's, made once an op, or NumPy's at both corners of the array."""

    def __init__(self, arrays, stackmill, adapter, folder):
        self.arrays, self.stackmill, self.adapter, self.folder = arrays, stackmill, adapter, pathlib.Path(folder)
        self.kept = {}
        if stackmill:
            for dtype, array in arrays.items():
                np.save(self.folder / f"{dtype}.npy", array)

    def judge(self, op, made):
        """Whether a result is right, in words, and whether it is known to be."""
        try:
            wanted = self._wanted(op)
        except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as e:
            return f"UNCHECKED: {str(e)[:200]}", False
        differ = 0
        for where, right in wanted:
            found = made[where] if where else made
            if found.shape != right.shape:
                return f"WRONG: shape {found.shape}, not {right.shape}", False
            off = np.abs(found.astype(np.float64) - right.astype(np.float64))
            allowed = op.whole if not op.relative else op.relative * np.abs(right.astype(np.float64))
            wrong = ~(off <= allowed)
            if wrong.any():
                at = tuple(int(i) for i in np.argwhere(wrong)[0]) if wrong.ndim else ()
                return f"WRONG: {int(wrong.sum())} elements, at {at}: {found[at]}, not {right[at]}", False
            differ += int(np.count_nonzero(off)) if op.whole else 0
            if differ > TIES * off.size + 8:
                return f"WRONG: {differ} of {off.size} elements differ by 1: more than there are ties", False
        by = "stackmill" if self.stackmill else "NumPy at two corners"
        how = f"within {op.whole}, {differ} differ" if op.whole else f"within {op.relative:g}" if op.relative else "equal"
        return f"{how} ({by})", True

    def _wanted(self, op):
        if (op.name, op.dtype) not in self.kept:
            # One at a time: a result is as large as the array.
            self.kept = {(op.name, op.dtype): list(self._made(op))}
        return self.kept[op.name, op.dtype]

    def _made(self, op):
        if self.stackmill:
            source, out = self.folder / f"{op.dtype}.npy", self.folder / "out.npy"
            command = [self.stackmill, "run", source, out, op.pipeline, "--device", self.adapter]
            command += ["--overwrite", "--progress", "never"]
            run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
            if run.returncode:
                raise RuntimeError(f"stackmill: {run.stderr.strip() or run.returncode}".replace("\n", " "))
            yield None, np.load(out)
        elif op.is_fold:
            yield None, np.asarray(by_meaning(op, self.arrays[op.dtype]))
        else:
            for place, part, inner in _corners(self.arrays[op.dtype].shape, op.halo):
                yield place, by_meaning(op, self.arrays[op.dtype][part])[inner]


def _corners(shape, halo, kept=64):
    """Both ends of every axis: where they lie, what is read for them, and where they lie in what is read."""
    for at_end in (False, True):
        place, part, inner = [], [], []
        for n, h in zip(shape, halo, strict=True):
            keep, read = min(n, kept), min(n, kept + h)
            place.append(slice(n - keep, n) if at_end else slice(0, keep))
            part.append(slice(n - read, n) if at_end else slice(0, read))
            inner.append(slice(read - keep, read) if at_end else slice(0, keep))
        yield tuple(place), tuple(part), tuple(inner)
