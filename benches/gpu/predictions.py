"""What was foreseen of an H100 with 16 cores, before any GPU was at hand, as data beside the place where it is measured.

The figures come from reading sources and generated shaders against the card's measured 3.0 TB/s of copy. ρ is the least bytes that an
op must move, over its time, over the device's own copy. It knows no device and prints nothing.
"""

import dataclasses
import re
import statistics
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


def _rows(results, file, key):
    return [row for row in (results.get(file) or {}).get("parts", {}).get(key) or [] if isinstance(row, dict)]


def _key(name):
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def ops(results, *names, dtype="u16", file="bench"):
    """The rows of `bench gpu` of an op, under any of its names."""
    wanted = {_key(name) for name in names}
    return [row for row in _rows(results, file, "ops") if _key(row.get("op")) in wanted and row.get("dtype") == dtype]


def _rho(*names, dtype="u16"):
    def measured(results):
        found = [row["rho"] for row in ops(results, *names, dtype=dtype) if row.get("rho")]
        return found[0] if found else None

    return measured


def _packed_gain(results):
    """How much faster 16-bit integers packed in words are than native ones: the median over ops."""
    gains = []
    for row in _rows(results, "bench", "ops"):
        same = [
            other
            for other in _rows(results, "packed", "ops")
            if (other.get("op"), other.get("dtype"), other.get("shape")) == (row.get("op"), row.get("dtype"), row.get("shape"))
        ]
        if row.get("dtype") == "u16" and row.get("device_ms") and same and same[0].get("device_ms"):
            gains.append(row["device_ms"] / same[0]["device_ms"])
    return statistics.median(gains) if gains else None


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


def number(tree, *paths):
    """The first number found under any of the paths of keys."""
    for path in paths:
        at = tree
        for key in path.split("."):
            at = at.get(key) if isinstance(at, dict) else None
        if isinstance(at, int | float) and not isinstance(at, bool):
            return at
    return None


def _stream(*paths):
    return lambda results: number((results.get("stream") or {}).get("parts", {}).get("stream") or {}, *paths)


def _slowest_compile(results):
    found = [number(row, "cold_ms", "ms") for row in _rows(results, "bench", "compile")]
    return max((ms for ms in found if ms), default=None)


def _overlap(of, over):
    def measured(results):
        rates = results.get("overlap") or {}
        return rates[of] / rates[over] if rates.get(of) and rates.get(over) else None

    return measured


OPS = "Kernels today, ρ"
LAB = "Candidates"
HOST = "Transfers and the stream"

PREDICTIONS = [
    Prediction(
        OPS, "fused elementwise", "partial-sector stores, index arithmetic",
        0.45, 0.65, "", _rho("chain", "elementwise", "fused", "fused elementwise"), (0.75, 0.85),
    ),
    Prediction(
        OPS, "sum", "few bytes in flight, serial join",
        0.3, 0.5, "", _rho("sum"), (0.6, 0.75),
    ),
    Prediction(
        OPS, "mean", "the same",
        0.25, 0.4, "", _rho("mean"), (0.6, 0.75),
    ),
    Prediction(
        OPS, "std", "the same",
        0.25, 0.4, "", _rho("std"), (0.6, 0.75),
    ),
    Prediction(
        OPS, "gaussian σ2 2-D", "6 dispatches, f32 intermediates",
        0.06, 0.10, "", _rho("gaussian_2d", "gaussian 2-D", "gaussian"), (0.09, 0.14),
    ),
    Prediction(
        OPS, "gaussian σ2 3-D", "the same, and halo",
        0.04, 0.06, "", _rho("gaussian_3d", "gaussian 3-D"), (0.06, 0.1),
    ),
    Prediction(
        OPS, "median 3×3", "40 min/max, 36 scalar loads a quad",
        0.25, 0.45, "", _rho("median_3x3", "median 3×3", "median3", "median"), (0.45, 0.75),
    ),
    Prediction(
        OPS, "median 5×5", "202 min/max, about 108 registers",
        0.09, 0.10, "", _rho("median_5x5", "median 5×5", "median5"), (0.27, 0.27),
    ),
    Prediction(
        OPS, "top-hat 15×15", "9 dispatches",
        0.06, 0.11, "", _rho("white_tophat", "tophat", "white_tophat_15"), (0.1, 0.15),
    ),
    Prediction(
        OPS, "sobel magnitude to f32", "5 dispatches",
        0.10, 0.20, "", _rho("sobel_magnitude", "sobel"), (0.15, 0.27),
    ),
    Prediction(
        OPS, "16-bit packed over native, median of ops", "four 16-bit loads and stores of native shorts",
        1.3, 1.5, "×", _packed_gain,
    ),
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
        2, 3, "GB/s", _stream("gpu.gb_s", "gpu.gb_s_in", "gpu_gb_s", "gb_s"),
    ),
    Prediction(
        HOST, "the same job on the CPU's threads", "16 cores alone",
        3, 5, "GB/s", _stream("cpu.gb_s", "cpu.gb_s_in", "cpu_gb_s"),
    ),
    Prediction(
        HOST, "a lane's time", "host copies: the first bottleneck",
        1.0, 1.5, "ns/B", _stream("lane_ns_per_byte", "gpu.lane_ns_per_byte"),
    ),
]  # fmt: skip
