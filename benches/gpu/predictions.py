"""What was foreseen of an H100 with 16 cores, before any GPU was at hand, as data beside the place where it is measured.

The figures come from reading sources and generated shaders against the card's measured 3.0 TB/s of copy. ρ is the least bytes that an
op must move, over its time, over the device's own copy. It knows no device and prints nothing.
"""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Prediction:
    """A figure foreseen: what it is of, why, from where to where, and how it is read off the results (None: not measured)."""

    group: str
    what: str
    why: str
    low: float
    high: float
    unit: str
    measured: Callable
    # Of a laptop's GPU or shared memory, where that was foreseen apart.
    shared: tuple = None
    # Counted, not timed: any device tells it.
    counted: bool = False


def _rows(results, file, key):
    return [row for row in (results.get(file) or {}).get("parts", {}).get(key) or [] if isinstance(row, dict)]


def ops(results, name, dtype="u16", file="bench"):
    """The rows of `bench gpu` of an op."""
    names = {name, f"{name}_{dtype}"}
    return [row for row in _rows(results, file, "ops") if row.get("op") in names and row.get("dtype") == dtype]


def _of_op(name, key):
    def measured(results):
        found = [row[key] for row in ops(results, name) if row.get(key)]
        return found[0] if found else None

    return measured


def variants(results, family):
    """Variants of the lab that gave the right answer in a known time."""
    rows = (results.get("lab") or {}).get("variants") or []
    return [row for row in rows if row.get("family") == family and row.get("right") and row.get("ms")]


def _today(rows):
    return next((row for row in rows if str(row["name"]).endswith("_today")), None)


def _best_rho(family):
    def measured(results):
        rows = [row for row in variants(results, family) if not str(row["name"]).endswith("_today") and row.get("rho")]
        return max((row["rho"] for row in rows), default=None)

    return measured


def _gain(family, over=None, names=None):
    """How much faster the best variant is than today's, or than one of a name."""

    def measured(results):
        rows = variants(results, family)
        base = next((row for row in rows if row["name"] == over), None) if over else _today(rows)
        others = [row for row in rows if row is not base and (names is None or row["name"].startswith(names))]
        return base["ms"] / min(row["ms"] for row in others) if base and others else None

    return measured


def _copy(results):
    found = [row.get("gb_s") for row in _rows(results, "bench", "copy")]
    return max((rate for rate in found if rate), default=None)


def number(tree, path):
    """The number under a path of keys."""
    for key in path.split("."):
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree if isinstance(tree, int | float) and not isinstance(tree, bool) else None


def _stream_part(results):
    return (results.get("stream") or {}).get("parts", {}).get("stream") or {}


def _stream(path):
    return lambda results: number(_stream_part(results), path)


def _lane(results):
    """What threads of the GPU copy in and out, in nanoseconds a byte of input."""
    part = _stream_part(results)
    spent = [number(part, key) for key in ("gpu.fill_s", "gpu.empty_s", "bytes_in")]
    return None if None in spent else 1e9 * (spent[0] + spent[1]) / spent[2]


def _slowest_compile(results):
    found = [row.get("cold_ms") for row in _rows(results, "bench", "compile") if row.get("op") != "all"]
    return max((ms for ms in found if ms), default=None)


def _overlap(of, over):
    def measured(results):
        rates = results.get("overlap") or {}
        return rates[of] / rates[over] if rates.get(of) and rates.get(over) else None

    return measured


TRAFFIC = "Bytes moved a pixel"
OPS = "Kernels today, ρ"
LAB = "Candidates"
HOST = "Transfers and the stream"

# An op, what is foreseen of the bytes that it moves (with edges copied apart and without), of ρ on an H100, of ρ where memory is
# shared, and what limits it.
_FORESEEN = [
    ("chain", "fused elementwise", (4, 4), (0.45, 0.65), (0.75, 0.85), "partial-sector stores, index arithmetic"),
    ("sum", "sum", (2, 2), (0.3, 0.5), (0.6, 0.75), "few bytes in flight, serial join"),
    ("mean", "mean", (2, 2), (0.25, 0.4), (0.6, 0.75), "few bytes in flight, serial join"),
    ("std", "std", (2, 2), (0.25, 0.4), (0.6, 0.75), "few bytes in flight, serial join"),
    ("gaussian2d", "gaussian σ2 2-D", (28, 44), (0.06, 0.10), (0.09, 0.14), "6 dispatches, f32 intermediates"),
    ("gaussian3d", "gaussian σ2 3-D", (62, 62), (0.04, 0.06), (0.06, 0.1), "6 dispatches, f32 intermediates, and halo"),
    ("median3", "median 3×3", (4, 8), (0.25, 0.45), (0.45, 0.75), "40 min/max, 36 scalar loads a quad"),
    ("median5", "median 5×5", (4, 8), (0.09, 0.10), (0.27, 0.27), "202 min/max, about 108 registers"),
    ("tophat15", "top-hat 15×15", (22, 38), (0.06, 0.11), (0.1, 0.15), "9 dispatches"),
    ("sobel", "sobel magnitude to f32", (22, 38), (0.10, 0.20), (0.15, 0.27), "5 dispatches"),
]


def _of_ops():
    for name, words, (least, most), _, _, why in _FORESEEN:
        yield Prediction(TRAFFIC, words, why, least, most, "B", _of_op(name, "bytes_px"), counted=True)
    for name, words, _, (low, high), shared, why in _FORESEEN:
        yield Prediction(OPS, words, why, low, high, "", _of_op(name, "rho"), shared)


PREDICTIONS = [
    *_of_ops(),
    Prediction(
        OPS, "slowest kernel to compile", "networks of 27 inputs",
        300, 2000, "ms", _slowest_compile,
    ),
    Prediction(
        LAB, "gaussian 2-D in one kernel, ρ", "both axes, cast and edge folded, marching along columns",
        0.55, 0.65, "", _best_rho("gaussian"),
    ),
    Prediction(
        LAB, "gaussian 2-D in one kernel, against today", "44 to about 4.6 B/px",
        7, 8, "×", _gain("gaussian"),
    ),
    Prediction(
        LAB, "top-hat in one or two kernels, ρ", "38 to 6-10 B/px",
        0.35, 0.6, "", _best_rho("tophat"),
    ),
    Prediction(
        LAB, "edges folded at the load, against padded", "a dispatch and a copy less",
        1.5, 2, "×", _gain("edge", "edge_padded", ("edge_folded", "edge_reflected")),
    ),
    Prediction(
        LAB, "wide access, elementwise, against today", "8 px a lane, divisions hoisted",
        1.4, 1.8, "×", _gain("map", None, ("map_vec",)),
    ),
    Prediction(
        LAB, "packed u16 against native, elementwise", "16-bit loads and stores",
        1.3, 1.5, "×", _gain("map", "map_today_native", ("map_today",)),
    ),
    Prediction(
        LAB, "median 3×3 with shared columns, ρ", "about 13 min/max",
        0.7, 0.9, "", _best_rho("median"),
    ),
    Prediction(
        LAB, "median 3×3 in pairs of u16, against words", "two 16-bit minima an instruction",
        1, 2, "×", _gain("median", "median_columns", ("median_pairs",)),
    ),
    Prediction(
        LAB, "sum by subgroups, ρ", "four loads in flight, integer subgroup sums",
        0.75, 0.85, "", _best_rho("fold"),
    ),
    Prediction(
        HOST, "device copy", "measured before with CUDA: 3.0 TB/s",
        2700, 3100, "GB/s", _copy,
    ),
    Prediction(
        HOST, "dedicated transfer queue against one queue", "copies both ways at once; others saw no gain on NVIDIA",
        1.0, 2.0, "×", _overlap("xfer", "ring"),
    ),
    Prediction(
        HOST, "stream RAM to RAM, each way", "three lanes of 1.0-1.5 ns/B",
        2, 3, "GB/s", _stream("gpu.in_gb_s"),
    ),
    Prediction(
        HOST, "the same job on the CPU's threads", "16 cores alone",
        3, 5, "GB/s", _stream("cpu.in_gb_s"),
    ),
    Prediction(
        HOST, "a lane's copies in and out", "fresh pages and host copies: the first bottleneck",
        1.0, 1.5, "ns/B", _lane,
    ),
    Prediction(
        HOST, "the stream's kernels alone, each way", "41 µs a Mpx",
        44, 54, "GB/s", _stream("limits.kernels_gb_s"),
    ),
]  # fmt: skip
