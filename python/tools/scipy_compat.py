"""Runs SciPy's own ndimage tests against stackmill.ndimage and writes docs/scipy-compat.md; `--check` fails where it gets worse.

Needs the plugin scipy_ndimage_suite on PYTHONPATH, and SciPy 1.17.1 with what its tests import.
"""

import os
import pathlib
import re
import subprocess
import sys

DOC = pathlib.Path(__file__).resolve().parents[2] / "docs" / "scipy-compat.md"
FILES = ["filters", "morphology", "measurements", "interpolation", "fourier", "splines", "datatypes", "ni_support", "c_api"]
OBJECTS = "objects need a sweep over labels"
PLACES = "interpolation is not there yet"
WHY = {
    **dict.fromkeys(
        ["label", "find_objects", "value_indices", "watershed_ift", "center_of_mass", "extrema", "histogram"], OBJECTS
    ),
    **dict.fromkeys(["sum", "mean", "median", "minimum", "maximum", "variance", "standard_deviation"], OBJECTS),
    **dict.fromkeys(["minimum_position", "maximum_position"], OBJECTS),
    **dict.fromkeys(["affine_transform", "geometric_transform", "map_coordinates", "rotate", "shift", "zoom"], PLACES),
    **dict.fromkeys(["spline_filter", "spline_filter1d"], PLACES),
    **dict.fromkeys(["fourier_ellipsoid", "fourier_gaussian", "fourier_shift", "fourier_uniform"], "FFT is not there yet"),
    **dict.fromkeys(["distance_transform_bf", "distance_transform_cdt", "distance_transform_edt"], "distances need a sweep"),
    **dict.fromkeys(["generic_filter", "generic_filter1d", "vectorized_filter"], "a Python call an element; use map_overlap"),
    "correlate": "these tests call a function that is not there as well",
    "correlate1d": "these tests call a function that is not there as well",
    "generate_binary_structure": "these tests call a function that is not there as well",
}
HEAD = """# SciPy's names

`stackmill.ndimage` has SciPy's names, arguments, defaults and results, judged by SciPy's own tests (1.17.1):
`python python/tools/scipy_compat.py` runs them and writes the tables, `--check` fails where a function passes fewer than are written here.

Where results may differ on purpose:

* NaN stays in its window: SciPy's running sums carry it along the rest of the line.
* Casts that C leaves undefined (a float beyond the integer that it becomes) are held to 32 or 64 bits, then cut; NaN becomes 0. A `cval`
  that the input's dtype has not (-1, 300 or 0.5 for bytes) is what C makes of it, as in SciPy.
* A footprint with holes along a single axis keeps its holes: SciPy takes it for a full one.
* Rank filters of one axis into an `output` of another dtype are cast: SciPy writes the bytes of one dtype into an array of another.
* Float results may differ by rounding where SciPy adds in another order: means are a sum divided once, SciPy keeps a running sum.
* Binary morphology that repeats until nothing changes (`iterations < 1`, `binary_propagation`, `binary_fill_holes`) takes NumPy's
  arrays only: how often it repeats depends on the data.
* `python/tests/test_ndimage_law.py` tries random filters and arguments over NumPy's, lazy and dask's arrays: equal to SciPy, or refused alike.
  A dask array is filtered block by block; an axis that is no longer than the filter's reach is one block, and so are all axes of gradient
  filters whose list of modes has wrap beside others.

| tests | passed | skipped | failed |
| --- | --- | --- | --- |
"""


def run(name):
    """The counts of a file, and per function what passed, failed and was not there."""
    module = f"scipy.ndimage.tests.test_{name}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "scipy_ndimage_suite", "-p", "no:cacheprovider", "--pyargs", module]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"SUBJECT": "stackmill.ndimage"}, check=False
    )
    if done.returncode not in (0, 1):
        return None, {}
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|skipped|failed|error)", done.stdout.splitlines()[-1])}
    found = re.findall(r"^(\w+) +passed +(\d+)  failed +(\d+)  unsupported +(\d+)", done.stdout, re.M)
    if counts.get("failed") or counts.get("error"):
        print(done.stdout[-4000:])
    return counts, {name: tuple(map(int, row)) for name, *row in found}


def main():
    files, functions = [], {}
    for name in FILES:
        counts, found = run(name)
        if counts is None:
            continue
        files.append((name, counts))
        for function, row in found.items():
            functions[function] = tuple(a + b for a, b in zip(functions.get(function, (0, 0, 0)), row, strict=True))
    if not files:
        sys.exit("no test was found: is scipy_ndimage_suite on PYTHONPATH, and SciPy installed with its tests?")
    failed = sum(c.get("failed", 0) + c.get("error", 0) for _, c in files)
    if "--check" in sys.argv[1:]:
        known = re.findall(r"^\| `(\w+)` \| (\d+) \|", DOC.read_text(), re.M)
        worse = [
            f"{f}: {functions.get(f, (0,))[0]} passed, {n} are documented"
            for f, n in known
            if functions.get(f, (0,))[0] < int(n)
        ]
        told = [f"{name}: {counts}" for name, counts in files]
        print("\n".join(told))
        if worse or failed or not known:
            sys.exit("\n".join([f"{failed} failed", *worse]))
        return
    text = HEAD + "".join(
        f"| test_{n} | {c.get('passed', 0)} | {c.get('skipped', 0)} | {c.get('failed', 0)} |\n" for n, c in files
    )
    text += "\nA test counts once for each function that it calls.\n\n| function | passed | not there | why |\n| --- | --- | --- | --- |\n"
    for name, (passed, _, missing) in sorted(functions.items()):
        text += f"| `{name}` | {passed} | {missing} | {WHY.get(name, '') if missing else ''} |\n"
    DOC.write_text(text)


if __name__ == "__main__":
    main()
