"""Makes the golden values that tests/golden.rs and tests/golden_ops.rs compare with: NumPy's and SciPy's results.

    python tests/golden/make.py                         writes data.txt and ops.txt beside this file
    python tests/golden/make.py show 'KEY' START STOP   prints the expected elements of one case
    python tests/golden/make.py diff 'KEY' FILE         prints where the elements that a failed test kept first differ

The versions are pinned: another release may round differently. A line `@ input` begins the cases of an input, one line
each, fields separated by tabs:

    pipeline    dtype and shape    check

An input is a file below ../shared/data with its axes, or `name=dtype:shape:seed` arrays of `synthetic`. Checks:

    exact HASH DIGESTS        all elements are equal; a hash of all, and 16 bits of the hash of each of some runs of elements
    tie HASH PLACES           equal, but at PLACES, where the exact value lies within 1e-3 of a half and either
                              neighbour is right; each place is gap * 2 + parity of the lower neighbour, in base 36
    near TOLERANCE VALUES     sampled (or all) elements, as the high hex digits of f64, each at most TOLERANCE away;
                              a value may bring its own tolerance behind a colon
"""

import sys
from pathlib import Path

import numpy as np
import scipy
import scipy.ndimage as nd
import tifffile

for module, version in (np, "2.4.6"), (scipy, "1.17.1"), (tifffile, "2026.3.3"):
    assert module.__version__ == version, f"{module.__name__} {module.__version__} is not the pinned {version}"
assert sys.byteorder == "little"
np.seterr(all="ignore")

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data"
SHORT = {
    "bool": "bool", "uint8": "u8", "int8": "i8", "uint16": "u16", "int16": "i16", "uint32": "u32",
    "int32": "i32", "uint64": "u64", "int64": "i64", "float16": "f16", "float32": "f32", "float64": "f64",
}
LONG = {short: np.dtype(long) for long, short in SHORT.items()}
FACTOR = 0x9E3779B97F4A7C15
# Up to this many elements a result is small: fewer digests and samples are kept of it.
SMALL = 400
MODES = ["reflect", "constant", "nearest", "mirror", "wrap"]


# ---- what both sides make alike -------------------------------------------------------------------------------------

def lcg(seed, count):
    """The states after 1 to `count` steps of `s * 1664525 + 1013904223` modulo 2**32."""
    out, s = np.empty(count, np.uint32), seed
    for k in range(count):
        s = (s * 1664525 + 1013904223) & 0xFFFFFFFF
        out[k] = s
    return out


def synthetic(kind, shape, seed):
    """An array that tests/golden_parts makes from the same words. A suffix changes the values: few levels, NaN, signs."""
    dtype, _, special = kind.partition("-")
    s = lcg(seed, int(np.prod(shape)))
    if dtype == "bool":
        v = s >> 31 == 1
    elif dtype.startswith("f"):
        v = (s >> 8).astype(np.float64) / 2.0**24
        v = {"": v * 200 - 100, "nan": v * 200 - 100, "unit": v + 2.0**-25, "wide": v * 160 - 80, "angle": v * 2000 - 1000}[special]
        if special == "nan":
            v[s % 11 == 0] = np.nan
            v[s % 13 == 1] = np.inf
            v[s % 17 == 2] = -np.inf
    else:
        bits = 8 * LONG[dtype].itemsize
        v = (s >> max(32 - bits, 0)).astype(np.int64)
        if special == "few":
            v = (s >> 29).astype(np.int64)
        elif special == "small":
            v = (s >> 27).astype(np.int64) - (8 if dtype.startswith("i") else 0)
        elif dtype.startswith("i"):
            v = v - 2 ** min(bits - 1, 31)
    return v.astype(LONG[dtype]).reshape(shape)


def bits_of(a):
    """Every element as 64 bits: integers widened, floats as their bits with one NaN and one zero."""
    a = np.ascontiguousarray(a)
    if a.dtype.kind == "f":
        bits = (a + np.array(0, a.dtype)).view(f"u{a.itemsize}").astype(np.uint64)
        return np.where(np.isnan(a), np.uint64(1), bits).ravel()
    return a.astype(np.int64 if a.dtype.kind == "i" else np.uint64).view(np.uint64).ravel()


def hashed(words):
    """`h = h * FACTOR + word` over all words, modulo 2**64, from h = 1."""
    powers = np.full(len(words) + 1, FACTOR, np.uint64)
    powers[0] = 1
    powers = np.multiply.accumulate(powers)[::-1]
    return int(powers[0] + (powers[1:] * words).sum(dtype=np.uint64)) & 0xFFFFFFFFFFFFFFFF


def runs(count):
    return 8 if count <= SMALL else 32


def hash_and_digests(words):
    run = max(-(-len(words) // runs(len(words))), 1)
    digests = [f"{hashed(words[k:k + run]) >> 48:04x}" for k in range(0, len(words), run)]
    return f"{hashed(words):016x} {''.join(digests) or '-'}"


def places(count):
    """Where `near` samples: everywhere in small results."""
    samples = 16 if count <= SMALL else 96
    if count <= samples:
        return np.arange(count)
    return (lcg(1, samples).astype(np.uint64) * np.uint64(count) >> np.uint64(32)).astype(np.int64)


# ---- checks ---------------------------------------------------------------------------------------------------------

def base36(n):
    digits = ""
    while True:
        n, digit = divmod(n, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
        if n == 0:
            return digits


class Exact:
    """All elements equal."""

    def __init__(self, value, dtype=None):
        value = np.asarray(value)
        self.value = value.astype(LONG[dtype] if dtype else value.dtype)

    def words(self):
        if self.value.size <= 4 and np.array_equal(self.value.astype(np.float64).astype(self.value.dtype), self.value):
            return Near(self.value, 0.0).words()
        return "exact " + hash_and_digests(bits_of(self.value))


class Tie:
    """The exact value as f64, rounded to an integer dtype; ties may go either way."""

    def __init__(self, exact, dtype):
        self.exact = np.asarray(exact, np.float64)
        limits = np.iinfo(LONG[dtype])
        self.value = np.clip(np.rint(self.exact), limits.min, limits.max).astype(LONG[dtype])

    def words(self):
        flat, lower = self.value.ravel().astype(np.int64), np.floor(self.exact.ravel()).astype(np.int64)
        ties = np.flatnonzero(np.abs(self.exact.ravel() - lower - 0.5) < 1e-3)
        flat[ties] = (lower[ties] + (lower[ties] & 1)) >> 1
        gaps = np.diff(ties, prepend=0) * 2 + (lower[ties] & 1)
        words = hash_and_digests(flat.view(np.uint64))
        return f"tie {words} " + (" ".join(base36(int(g)) for g in gaps) or "-")


class Near:
    """Sampled elements within a tolerance: one for all, or one each."""

    def __init__(self, value, tolerance, dtype=None):
        value = np.asarray(value)
        self.dtype = LONG[dtype] if dtype else value.dtype
        self.value, self.tolerance = value.astype(np.float64), np.asarray(tolerance, np.float64)

    def words(self):
        at, flat = places(self.value.size), self.value.ravel()
        each = np.broadcast_to(self.tolerance, self.value.shape).ravel()
        common = float(self.tolerance) if self.tolerance.ndim == 0 else None
        digits = 16 if self.dtype.itemsize == 8 or common == 0.0 else 10
        words = [f"near {'each' if common is None else repr(common)}"]
        for k in at:
            word = (f"{flat[k].view(np.uint64):016x}"[:digits].rstrip("0") or "0") if not np.isnan(flat[k]) else "nan"
            words.append(word if common is not None else f"{word}:{each[k]:.2g}")
        return " ".join(words)


def ulps(value, dtype, count):
    """`count` units in the last place of each value as `dtype`."""
    magnitude = np.abs(np.asarray(value)).astype(LONG[dtype])
    return count * np.where(np.isfinite(magnitude), np.spacing(magnitude), 0).astype(np.float64)


EPSILON = {"f16": 2.0**-10, "f32": 2.0**-23, "f64": 2.0**-52}


# ---- case lists -----------------------------------------------------------------------------------------------------

def shape_words(value):
    return "x".join(map(str, value.shape)) or "()"


class Cases:
    """Lines in order; a key is `input | pipeline`."""

    def __init__(self):
        self.all = {}

    def add(self, source, text, check):
        key = f"{source} | {text}"
        assert key not in self.all, key
        self.all[key] = check

    def lines(self):
        before = None
        for key, check in self.all.items():
            source, text = key.split(" | ", 1)
            if source != before:
                yield f"@ {source}"
            before = source
            dtype = SHORT[str(getattr(check, "dtype", check.value.dtype))]
            yield f"{text}\t{dtype} {shape_words(check.value)}\t{check.words()}"


STACKS = [
    ("microscopy/beads_41x150x150_u8.tif", "ZYX"),
    ("microscopy/grid_21x150x150_u8.tif", "ZYX"),
    ("microscopy/cell_migration_48x130x130_u16.tif", "TYX"),
    ("microscopy/bbbc022_3x395x695_u16.tif", "CYX"),
    ("microscopy/multi-channel-z-series.ome.tif", "CZYX"),
    ("microscopy/speckles_1000x1200_u16be.tif", "YX"),
    ("microscopy/maize_640x639_u8.tif", "YX"),
    ("timelapse", "TYXS"),
    ("satellite/ndvi_68x101x100_f32.npy", "????"),
]


def opened(path):
    where = DATA / path
    if where.is_dir():
        return np.stack([tifffile.imread(file) for file in sorted(where.glob("*.tif"))])
    return np.load(where) if where.suffix == ".npy" else tifffile.imread(where)


def spatial(letters):
    return [k for k, letter in enumerate(letters) if letter in "ZYX?"]


def per_axis(letters, size):
    return [size if k in spatial(letters) else 1 for k in range(len(letters))]


def along(x, axis, weights, mode, cval):
    return nd.correlate1d(x, weights, axis, mode=mode, cval=cval)


ALONG = along


def sobel(x, axis, axes, mode="reflect", cval=0.0):
    """scipy.ndimage.sobel, but smoothed along `axes` only; over all axes it is SciPy's own, which is asserted."""
    y = along(x, axis, [-1, 0, 1], mode, cval)
    for other in axes:
        if other != axis:
            y = along(y, other, [1, 2, 1], mode, cval)
    if len(axes) == x.ndim and along is ALONG:
        assert np.array_equal(y, nd.sobel(x, axis, mode=mode, cval=cval))
    return y


def magnitude(derivative, x, *arguments):
    """The sum of |weight| * |x| that a derivative of sums of `along` is made of."""
    global along
    plain, along = along, lambda v, axis, weights, mode, cval: plain(np.abs(v), axis, np.abs(weights), mode, abs(cval))
    try:
        return derivative(x, *arguments)
    finally:
        along = plain


def stack_cases(cases, path, letters):
    x = opened(path)
    source = f"{path}:{letters}"
    axes = spatial(letters)
    wide, small = x.astype(np.float64), x.dtype.kind in "iu"
    single = "" if x.dtype == np.float32 else "astype(dtype='f32') |> "
    for size in 3, 5:
        if small or size == 3:
            cases.add(source, f"median({size})", Exact(nd.median_filter(x, size=per_axis(letters, size))))
    cases.add(source, "grey_opening(9)", Exact(nd.grey_opening(x, size=per_axis(letters, 9))))
    cases.add(source, "white_tophat(9)", Exact(nd.white_tophat(x, size=per_axis(letters, 9))))
    smooth = nd.gaussian_filter(wide, 1.5, axes=axes)
    if small:
        cases.add(source, "gaussian(1.5)", Tie(smooth, SHORT[str(x.dtype)]))
    local = nd.maximum_filter(np.abs(wide), size=per_axis(letters, 13))
    cases.add(source, f"{single}gaussian(1.5)", Near(smooth, 8 * EPSILON["f32"] * local, "f32"))
    for axis in axes:
        f32 = x.astype(np.float32)
        # Of integers every sum is exact; of floats one ulp of the sum of magnitudes.
        exact = sobel(wide, axis, axes)
        assert not small or np.array_equal(exact, sobel(f32, axis, axes))
        bound = EPSILON["f32"] * magnitude(sobel, wide, axis, axes)
        check = Exact(exact, "f32") if small else Near(exact, bound, "f32")
        cases.add(source, f"{single}sobel(axis={axis})", check)
    cases.add(source, "max(axis=0)", Exact(x.max(axis=0)))
    if small:
        largest = np.abs(wide).max()
        cases.add(source, "mean(axis=0)", Near(x.mean(axis=0), 1e-12 * np.abs(wide.mean(axis=0))))
        cases.add(source, "std(axis=0)", Near(x.std(axis=0), 1e-12 * x.std(axis=0)))
        cases.add(source, "mean()", Near(x.mean(), 1e-12 * abs(float(x.mean()))))
        cases.add(source, "std()", Near(x.std(), 1e-12 * float(x.std())))
    else:
        for axis, words in ((0,), "0"), ((1,), "1"), ((2,), "2"), ((0, 2), "[0, 2]"), (None, ""):
            call = f"axis={words}" if words else ""
            bound = 3e-6 * np.abs(wide).mean(axis=axis)
            cases.add(source, f"mean({call})", Near(wide.mean(axis=axis), bound, "f32"))
            cases.add(source, f"std({call})", Near(wide.std(axis=axis), bound, "f32"))


def main():
    data, ops = Cases(), Cases()
    for path, letters in STACKS:
        stack_cases(data, path, letters)
    from make_ops import op_cases
    op_cases(ops)
    if sys.argv[1:2] == ["show"]:
        key, start, stop = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
        check = (data.all | ops.all)[key]
        for k, v in enumerate(check.value.ravel()[start:stop].tolist(), start):
            print(k, [int(i) for i in np.unravel_index(k, check.value.shape)], v)
        return
    if sys.argv[1:2] == ["diff"]:
        check = (data.all | ops.all)[sys.argv[2]]
        ours, want = np.fromfile(sys.argv[3], check.value.dtype), check.value.ravel()
        apart = bits_of(ours) != bits_of(want)
        if hasattr(check, "exact"):
            apart &= np.abs(ours - check.exact.ravel()) > 0.501
        for k in np.flatnonzero(apart)[:1]:
            at = [int(i) for i in np.unravel_index(k, check.value.shape)]
            print(f"{apart.sum()} of {apart.size} differ; first element {k} {at}: ours {ours[k]}, SciPy's {want[k]}")
        print(f"{apart.sum()} differences")
        return
    for name, cases in ("data.txt", data), ("ops.txt", ops):
        text = "\n".join(cases.lines()) + "\n"
        (HERE / name).write_text(text)
        print(name, len(cases.all), "cases", len(text), "bytes")


if __name__ == "__main__":
    sys.modules["make"] = sys.modules["__main__"]
    main()
