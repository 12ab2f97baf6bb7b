"""Filters of SciPy's names on random inputs and arguments, over NumPy's, lazy and dask's arrays: equal, or refused alike.

`STACKMILL_DRAWS=2000` tries as many draws; a draw that fails is named by its number, and `STACKMILL_DRAW=number` runs just it.
"""

import os
import warnings

import numpy as np
import pytest
import scipy.ndimage as nd

import stackmill as sm
import stackmill.ndimage as sn

MODES = ["reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-constant", "grid-wrap"]
DTYPES = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "float32", "float64"]
LINEAR = [
    "gaussian_filter", "gaussian_filter1d", "gaussian_laplace", "gaussian_gradient_magnitude", "uniform_filter", "uniform_filter1d",
    "correlate", "convolve", "correlate1d", "convolve1d", "sobel", "prewitt", "laplace",
]  # fmt: skip
WINDOWS = [
    "minimum_filter",
    "maximum_filter",
    "median_filter",
    "rank_filter",
    "percentile_filter",
    "minimum_filter1d",
    "maximum_filter1d",
]
GREY = [
    "grey_erosion", "grey_dilation", "grey_opening", "grey_closing", "white_tophat", "black_tophat", "morphological_gradient",
    "morphological_laplace",
]  # fmt: skip
BINARY = ["binary_erosion", "binary_dilation", "binary_opening", "binary_closing", "binary_hit_or_miss"]
ONE_AXIS = ("gaussian_filter1d", "uniform_filter1d", "correlate1d", "convolve1d", "minimum_filter1d", "maximum_filter1d")
BY_AXIS = (
    "gaussian_filter",
    "gaussian_laplace",
    "gaussian_gradient_magnitude",
    "uniform_filter",
    "sobel",
    "prewitt",
    "laplace",
)


class Draw:
    """One filter with its input and arguments, chosen by a number."""

    def __init__(self, number):
        self.rng = rng = np.random.default_rng(number)
        self.name = str(rng.choice([*LINEAR, *WINDOWS, *GREY, *BINARY]))
        self.rank = int(rng.integers(1, 4))
        longest = (40, 12, 7)[self.rank - 1]
        self.shape = tuple(int(n) for n in rng.integers(1, longest, self.rank))
        self.dtype = str(rng.choice(DTYPES))
        values = rng.integers(-100, 100, self.shape) if rng.random() < 0.8 else rng.integers(-9, 9, self.shape) * 10**7
        # Sums beyond 32 bits, whose casts C leaves undefined, are left out.
        values = np.abs(values) % 200 if self.dtype.startswith("uint") else values
        self.a = values > 0 if self.dtype == "bool" else values.astype(self.dtype)
        self.axes = None
        self.named = {}
        if self.name in BINARY:
            self.binary()
        else:
            self.filter()
        # Chunks of one to a few elements, thin ones at the ends among them.
        self.chunks = tuple(self.cut(n) for n in self.shape)

    def cut(self, n):
        parts = []
        while sum(parts) < n:
            parts.append(min(int(self.rng.choice([1, 1, 2, 3, 5, 9])), n - sum(parts)))
        return tuple(parts)

    def maybe(self, chance):
        return self.rng.random() < chance

    def mode(self):
        return str(self.rng.choice(MODES))

    def window(self, count):
        """A box whose places are chosen: at least one of them."""
        made = self.rng.random(tuple(int(n) for n in self.rng.integers(1, 4, count))) < 0.6
        made.flat[self.rng.integers(made.size)] = True
        return made

    def origin(self, lengths):
        return [int(self.rng.integers(-(n // 2), (n - 1) // 2 + 1)) for n in lengths]

    def filter(self):
        rng, named = self.rng, self.named
        if self.name in ONE_AXIS:
            named["axis"] = int(rng.integers(-self.rank, self.rank))
        elif self.name not in ("sobel", "prewitt") and self.maybe(0.3):
            count = int(rng.integers(1, self.rank + 1))
            named["axes"] = self.axes = tuple(int(a) for a in rng.permutation(self.rank)[:count])
        elif self.name in ("sobel", "prewitt"):
            named["axis"] = int(rng.integers(-self.rank, self.rank))
        count = self.rank if self.axes is None else len(self.axes)
        named["mode"] = self.mode()
        listed = self.name in BY_AXIS or self.name in ("minimum_filter", "maximum_filter", *GREY)
        if listed and self.maybe(0.4):
            named["mode"] = [self.mode() for _ in range(count if self.name not in ("sobel", "prewitt") else self.rank)]
        if self.maybe(0.6):
            named["cval"] = float(rng.choice([3.5, -1, 300, -70000, 1e6, 0.5, np.nan]))
        if self.maybe(0.2) and self.name not in GREY[4:]:
            named["output"] = np.dtype(str(rng.choice(DTYPES)))
        getattr(self, "linear" if self.name in LINEAR else "windowed")(count)

    def linear(self, count):
        rng, named, name = self.rng, self.named, self.name
        if name.startswith("gaussian"):
            one = lambda: float(rng.choice([0.4, 0.8, 1.3, 2.6]))  # noqa: E731
            named["sigma"] = [one() for _ in range(count)] if self.maybe(0.4) and name != "gaussian_filter1d" else one()
            if self.maybe(0.3):
                named["truncate"] = float(rng.choice([1.0, 2.5]))
            if name in ("gaussian_filter", "gaussian_filter1d") and self.maybe(0.3):
                named["order"] = int(rng.integers(0, 4))
        elif name.startswith("uniform"):
            several = [int(n) for n in rng.integers(1, 7, count)]
            one = self.maybe(0.5) or name.endswith("1d")
            named["size"] = several[0] if one else several
            if self.maybe(0.4):
                named["origin"] = self.origin(several[:1])[0] if one else self.origin(several)
        elif name in ("correlate", "convolve"):
            named["weights"] = rng.integers(-3, 5, tuple(rng.integers(1, 4, count))) / 4
            if self.maybe(0.4):
                named["origin"] = self.origin(named["weights"].shape)
        elif name.endswith("1d"):
            named["weights"] = rng.integers(-3, 5, int(rng.integers(1, 8))) / 4
            if self.maybe(0.4):
                named["origin"] = self.origin(named["weights"].shape)[0]

    def windowed(self, count):
        rng, named, name = self.rng, self.named, self.name
        sizes = [int(n) for n in rng.integers(1, 6, count)]
        if name.endswith("1d") or self.maybe(0.5):
            named["size"] = sizes[0] if name.endswith("1d") or self.maybe(0.5) else sizes
            sizes = [sizes[0]] * count if isinstance(named["size"], int) else sizes
        elif name in GREY and self.maybe(0.3):
            named["structure"] = rng.integers(-4, 5, tuple(rng.integers(1, 4, count)))
            sizes = list(named["structure"].shape)
        else:
            named["footprint"] = self.window(count)
            sizes = list(named["footprint"].shape)
        if self.maybe(0.4):
            named["origin"] = self.origin(sizes[:1])[0] if name.endswith("1d") else self.origin(sizes)
        places = int(named["footprint"].sum()) if "footprint" in named else int(np.prod(sizes))
        if name == "rank_filter":
            named["rank"] = int(rng.integers(-places, places))
        if name == "percentile_filter":
            named["percentile"] = float(rng.choice([0, 17, 50, 80, 100, -30]))

    def binary(self):
        rng, named = self.rng, self.named
        structure = self.window(self.rank)
        if self.name == "binary_hit_or_miss":
            named.update(structure1=structure)
            return
        named["structure"] = structure if self.maybe(0.8) else None
        if named["structure"] is not None and self.maybe(0.4):
            named["origin"] = self.origin(structure.shape)
        if self.maybe(0.4):
            named["iterations"] = int(rng.integers(1, 4))
        if self.maybe(0.5):
            named["mask"] = rng.random(self.shape) < 0.7
        if self.maybe(0.4):
            named["border_value"] = 1

    def __str__(self):
        return f"{self.name} of {self.dtype} {self.shape}, {self.named}, dask's chunks {self.chunks}"


def takes_nan():
    """Whether the engine takes NaN for the number outside."""
    try:
        sn.median_filter(np.ones(1), 1, mode="constant", cval=np.nan)
    except sm.errors.CallerError as error:
        assert "NaN" in str(error)
        return False
    return True


NAN = takes_nan()


def outcome(function, *args, **named):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return function(*args, **named)
        except Exception as error:  # noqa: BLE001
            return error


def is_known(draw):
    """What docs/scipy-compat.md names as different on purpose, and what SciPy itself does not do."""
    named, cval = draw.named, draw.named.get("cval", 0.0)
    constants = [m for m in np.atleast_1d(named.get("mode", "reflect")) if m in ("constant", "grid-constant")]
    whole = draw.a.dtype.kind != "f" or np.dtype(named.get("output", draw.dtype)).kind != "f"
    if np.isnan(cval) and constants and (not NAN or whole or draw.name.startswith("uniform")):
        return "NaN in integers, and in running sums"
    if draw.rank == 1 and "footprint" in named and not named["footprint"].all():
        return "SciPy leaves out the footprint along one axis"
    if draw.rank == 1 and draw.name in WINDOWS[2:5] and draw.dtype in ("int64", "float32", "float64") and "output" in named:
        return "SciPy writes the bytes of one dtype into an array of another, beyond its end"
    if "output" in named and draw.dtype in ("int32", "int64", "float32", "float64") and named["output"].kind in "bu":
        return "C leaves casts of large numbers undefined" if np.abs(draw.a.astype(float)).max() > 10**6 else None
    return None


def judged(draw, ours, theirs):
    if isinstance(theirs, Exception) or isinstance(ours, Exception):
        assert isinstance(ours, Exception) and isinstance(theirs, Exception), f"ours {ours!r}, SciPy's {theirs!r}"
        return
    ours = np.asarray(ours.compute() if hasattr(ours, "compute") else ours)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    if theirs.dtype.kind == "f":
        big = max(
            1.0,
            np.nanmax(np.abs(np.where(np.isfinite(theirs), theirs, 0)), initial=0),
            float(np.abs(draw.a.astype(float)).max()),
        )
        np.testing.assert_allclose(
            ours,
            theirs,
            rtol=1e-5 if theirs.dtype == np.float32 else 1e-9,
            atol=big * (1e-6 if theirs.dtype == np.float32 else 1e-12),
        )
        return
    if theirs.dtype == np.bool_:
        # SciPy leaves bytes other than 0 and 1 in its bools.
        theirs = theirs.view(np.uint8) != 0
    wrong = ours != theirs
    if draw.name in LINEAR and theirs.dtype != np.bool_ and wrong.any():
        # A sum that lies on a whole number is cut one lower where it was added in another order.
        apart = (
            np.minimum(ours - theirs, theirs - ours)
            if theirs.dtype.kind == "u"
            else np.abs(ours.astype(object) - theirs.astype(object))
        )
        if (apart <= 2 * draw.rank).all():
            return
    assert not wrong.any(), f"{wrong.sum()} of {wrong.size}\n{ours}\n{theirs}"


def numbers():
    if "STACKMILL_DRAW" in os.environ:
        return [int(os.environ["STACKMILL_DRAW"])]
    return list(range(int(os.environ.get("STACKMILL_DRAWS", "200"))))


@pytest.mark.parametrize("number", numbers())
def test_equal_or_refused_alike(number):
    da = pytest.importorskip("dask.array")
    draw = Draw(number)
    if is_known(draw):
        return
    theirs = outcome(getattr(nd, draw.name), draw.a, **draw.named)
    function = getattr(sn, draw.name)
    for kind, x in [
        ("NumPy", draw.a),
        ("lazy", sm.from_array(draw.a)),
        ("dask", da.from_array(draw.a, chunks=draw.chunks)),
    ]:
        named = dict(draw.named)
        if kind == "dask" and named.get("mask") is not None and number % 2:
            named["mask"] = da.from_array(named["mask"], chunks=2)
        made = outcome(function, x, **named)
        if kind != "NumPy" and not isinstance(made, Exception):
            made = outcome(made.compute, **({"scheduler": "sync"} if kind == "dask" else {}))
        try:
            judged(draw, made, theirs)
        except AssertionError as error:
            raise AssertionError(f"draw {number}, {kind}: {draw}\n{error}") from None
