"""What the README shows, run: the same example in Python and on the command line gives the same files."""

import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

import stackmill as sm

README = (pathlib.Path(__file__).parents[2] / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


@pytest.fixture
def stack(tmp_path, monkeypatch):
    """A small stack of cells with its dark and flat fields, where the examples look for them."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    z, y, x = np.meshgrid(np.arange(6), np.arange(70), np.arange(90), indexing="ij")
    cells = 4000 * np.exp(-((y % 23 - 11) ** 2 + (x % 29 - 14) ** 2) / 20) * (1 + z % 2)
    dark, flat = np.full((1, 70, 90), 100, np.uint16), (3000 + 2000 * np.cos(y[:1] / 60)).astype(np.uint16)
    raw = rng.poisson(cells * (flat - 100.0) / 4900 + 300).astype(np.uint16)
    for name, array in ("cells", raw), ("dark", dark), ("flat", flat):
        sm.from_array(array, axes="ZYX").save(f"{name}.tif")
    return tmp_path


def test_the_example_is_the_same_in_python_and_on_the_command_line(stack):
    python, more, *_ = blocks("python")
    exec(compile(python, "README.md", "exec"), {})
    exec(compile(more, "README.md", "exec"), {})
    made = {name: sm.open(stack / name).compute() for name in ("mask.ome.zarr", "clean.ome.tif")}
    assert 0.01 < made["mask.ome.zarr"].mean() < 0.5
    command = next(block for block in blocks("sh") if block.startswith("stackmill run"))
    words = shlex.split(command.replace("\\\n", " "))
    done = subprocess.run([sys.executable, "-m", *words, "--overwrite"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, ours in made.items():
        np.testing.assert_array_equal(sm.open(stack / name).compute(), ours)
