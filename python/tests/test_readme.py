"""What the README shows, run: the same example in Python and on the command line gives the same files."""

import shlex
import subprocess
import sys

import numpy as np

import stackmill as sm

from readme_example import blocks, run


def test_the_example_is_the_same_in_python_and_on_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = run()
    assert 0.01 < made["mask.ome.zarr"].mean() < 0.5
    command = next(block for block in blocks("sh") if block.startswith("stackmill run"))
    words = shlex.split(command.replace("\\\n", " "))
    done = subprocess.run([sys.executable, "-m", *words, "--overwrite"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, ours in made.items():
        np.testing.assert_array_equal(sm.open(tmp_path / name).compute(), ours)
