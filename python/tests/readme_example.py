"""Runs the README's Python in the current folder, on a small stack that it makes: all that a bare environment needs."""

import pathlib
import re

import numpy as np

import stackmill as sm

README = pathlib.Path(__file__).parents[2] / "README.md"


def blocks(language):
    """The README's blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.S)


def make_stack():
    """Cells with the dark and the flat field of a camera, where the examples look for them."""
    rng = np.random.default_rng(0)
    z, y, x = np.meshgrid(np.arange(6), np.arange(70), np.arange(90), indexing="ij")
    cells = 4000 * np.exp(-((y % 23 - 11) ** 2 + (x % 29 - 14) ** 2) / 20) * (1 + z % 2)
    dark, flat = np.full((1, 70, 90), 100, np.uint16), (3000 + 2000 * np.cos(y[:1] / 60)).astype(np.uint16)
    raw = rng.poisson(cells * (flat - 100.0) / 4900 + 300).astype(np.uint16)
    for name, array in ("cells", raw), ("dark", dark), ("flat", flat):
        sm.from_array(array, axes="ZYX").save(f"{name}.tif")


def run():
    """Both examples; what the first one wrote."""
    make_stack()
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})
    return {name: sm.open(name).compute() for name in ("mask.ome.zarr", "clean.ome.tif")}


if __name__ == "__main__":
    share = run()["mask.ome.zarr"].mean()
    assert 0.01 < share < 0.5, share
    print(f"{share:.1%} of the stack are cells")
