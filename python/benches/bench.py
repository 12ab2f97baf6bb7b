"""What a Python user waits for: importing, building a large lazy pipeline, a small filter from NumPy to NumPy beside SciPy.

Each answer is checked before it is timed. `python python/benches/bench.py`; ratios count, the machine is noisy.
"""

import functools
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc

import numpy as np

import stackmill as sm
import stackmill.ndimage as sn


def seconds(function, times=40):
    """The median time of a call."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        function()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def cold_start(code):
    """The median of 20 processes that run a line, less those that only import what it needs anyway."""

    def once(line):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", line], check=True)
        return time.perf_counter() - started

    once(code)
    pairs = [(once(code), once("pass")) for _ in range(20)]
    return statistics.median(a - b for a, b in pairs)


def importing():
    yield "import stackmill", f"{cold_start('import stackmill') * 1e3:.0f} ms"
    yield "import stackmill.ndimage", f"{cold_start('import stackmill.ndimage') * 1e3:.0f} ms"
    yield "import numpy alone", f"{cold_start('import numpy') * 1e3:.0f} ms"


def million_chunks(folder):
    """A Zarr array of 100 x 100 x 100 chunks, none of which is stored: its description is all that planning reads."""
    path = pathlib.Path(folder) / "million.zarr"
    path.mkdir()
    shape = [100 * 64, 100 * 128, 100 * 128]
    description = {
        "zarr_format": 3, "node_type": "array", "shape": shape, "data_type": "uint16", "fill_value": 7, "attributes": {},
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [64, 128, 128]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
    }  # fmt: skip
    (path / "zarr.json").write_text(json.dumps(description))

    def build():
        x = sm.open(path)
        smooth = sm.gaussian(x, 1.5)
        opened = sm.white_tophat(sm.median(smooth, [1, 3, 3]), [1, 15, 15])
        return (opened > 60).astype("uint8")

    assert build()[0, :4, :4].compute().tolist() == [[0] * 4] * 4
    tracemalloc.start()
    held = build()
    current, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    resident = _grown(build)
    yield "10^6 chunks, 5 ops, built", f"{seconds(build) * 1e3:.2f} ms"
    yield "  Python's memory for it", f"{current / 1024:.0f} KiB, {peak / 1024:.0f} KiB at most"
    yield "  resident memory of 100 of them", f"{resident / 2**20:.1f} MiB"
    yield "  explained", f"{seconds(held.explain, 5) * 1e3:.1f} ms"
    yield "  its first plane's corner computed", f"{seconds(lambda: held[0, :512, :512].compute(), 5) * 1e3:.1f} ms"


def _grown(build):
    status = pathlib.Path("/proc/self/status")
    if not status.exists():
        return 0
    resident = lambda: int(next(line for line in status.read_text().splitlines() if line.startswith("VmRSS")).split()[1]) * 1024  # noqa: E731
    before = resident()
    held = [build() for _ in range(100)]
    grown = resident() - before
    del held
    return grown


def filtering(array, named, function):
    """A call to be timed."""
    return lambda: function(array, **named)


def small_filters():
    import scipy.ndimage as nd

    a = np.random.default_rng(0).random((512, 512), dtype=np.float32)
    jobs = [
        ("gaussian_filter", {"sigma": 2.0}),
        ("median_filter", {"size": 5}),
        ("uniform_filter", {"size": 5}),
        ("grey_opening", {"size": 9}),
    ]
    for name, named in jobs:
        ours, theirs = getattr(sn, name), getattr(nd, name)
        np.testing.assert_allclose(ours(a, **named), theirs(a, **named), rtol=1e-5)
        timed = functools.partial(filtering, a, named)
        both = [(seconds(timed(ours), 7), seconds(timed(theirs), 7)) for _ in range(9)]
        ratio = statistics.median(other / mine for mine, other in both)
        mine, other = (statistics.median(times) * 1e3 for times in zip(*both, strict=True))
        yield f"{name} of 512 x 512 f32, {named}", f"{mine:.2f} ms, SciPy {other:.2f} ms: {ratio:.2f} x as fast"


def main():
    with tempfile.TemporaryDirectory() as folder:
        for rows in (importing(), million_chunks(folder), small_filters()):
            for name, told in rows:
                print(f"{name:60s} {told}")


if __name__ == "__main__":
    main()
