"""What was stopped is gone on with by the same call only: any argument that differs begins anew, and its numbers are right."""

import os

import numpy as np
import pytest

import stackmill as sm
import stackmill.ndimage as sn
from stackmill import _internal, _settings

CROSS = np.array([[[0, 1, 0], [1, 1, 1], [0, 1, 0]]], bool)
RAMP = np.arange(9).reshape(1, 3, 3)

# A function, its arguments, and what is changed: one argument at a time.
CHANGES = [
    (sn.gaussian_filter, dict(sigma=1.3, mode="constant", cval=3), dict(sigma=1.4, mode="nearest", cval=4, truncate=2, order=1, axes=(0, 1))),
    (sn.uniform_filter, dict(size=3, mode="constant"), dict(size=5, origin=1, mode="wrap", cval=7, axes=(1, 2))),
    (sn.median_filter, dict(size=3, mode="constant"), dict(size=(1, 3, 3), footprint=CROSS, origin=1, mode="mirror", cval=9, axes=(1, 2))),
    (sn.percentile_filter, dict(percentile=30, size=3), dict(percentile=40, footprint=CROSS, origin=-1, mode="wrap")),
    (sn.rank_filter, dict(rank=2, size=3), dict(rank=3, footprint=CROSS, origin=1, mode="nearest")),
    (sn.minimum_filter, dict(size=3, mode="constant", cval=9), dict(size=5, footprint=CROSS, origin=1, cval=2, axes=(0, 2))),
    (sn.maximum_filter, dict(size=3), dict(size=5, footprint=CROSS, origin=1, mode="wrap", axes=(0, 2))),
    (sn.sobel, dict(axis=1), dict(axis=2, mode="wrap")),
    (sn.prewitt, dict(axis=1), dict(axis=0, mode="constant")),
    (sn.laplace, dict(mode="constant"), dict(mode="wrap", cval=8, axes=(0, 1))),
    (sn.gaussian_laplace, dict(sigma=1), dict(sigma=2, mode="wrap")),
    (sn.correlate1d, dict(weights=[1, 2, 1], axis=0), dict(weights=[1, 3, 1], axis=1, mode="wrap", origin=1)),
    (sn.correlate, dict(weights=RAMP, mode="constant"), dict(weights=RAMP + 1, origin=(0, -1, -1), mode="wrap", cval=3)),
    (sn.convolve, dict(weights=RAMP, mode="constant"), dict(weights=RAMP[:, ::-1], origin=(0, -1, -1), mode="wrap", cval=3)),
    (sn.grey_erosion, dict(size=3), dict(size=(1, 3, 3), footprint=CROSS, structure=RAMP, origin=1, mode="wrap")),
    (sn.grey_opening, dict(size=3), dict(size=5, footprint=CROSS, structure=RAMP, mode="wrap")),
    (sn.white_tophat, dict(size=3), dict(size=5, footprint=CROSS, origin=1)),
    (sn.binary_erosion, dict(structure=CROSS), dict(structure=np.ones((1, 3, 3), bool), iterations=2, border_value=1, origin=(0, 1, 1))),
    (sn.binary_dilation, dict(structure=CROSS), dict(structure=np.ones((1, 3, 3), bool), iterations=2, origin=(0, 1, 1))),
]  # fmt: skip
PAIRS = [
    pytest.param(function, base, base | {name: value}, id=f"{function.__name__}-{name}")
    for function, base, others in CHANGES
    for name, value in others.items()
]
ARRAYS = {
    "ddof": lambda x, ddof: x / sm.std(x, axis=0, ddof=ddof),
    "axis": lambda x, axis: x - sm.mean(x, axis=axis, keepdims=True),
    "number": lambda x, number: x + number,
    "threshold": lambda x, threshold: sm.where(x > threshold, x, 0),
}


class Stopped(Exception):
    """As a kill, after all is written and before the output has its name."""


def stopped(array, path):
    """Saves an array and stops before the output has its name."""

    def teller(pass_, passes, done, tiles, *_):
        if pass_ == passes and done == tiles:
            raise Stopped

    with pytest.raises(Stopped):
        _internal.save([(array._lazy, os.fspath(path))], _settings.engine() | {"overwrite": False, "tiled": False}, teller)
    assert not path.exists()
    assert (path.parent / f".{path.name}.journal").exists(), "nothing is kept"


@pytest.fixture
def stack(tmp_path):
    made = np.random.default_rng(5).integers(1, 900, (6, 40, 50)).astype(np.uint16)
    np.save(tmp_path / "in.npy", made)
    return made, tmp_path / "in.npy", tmp_path / "out.npy"


@pytest.mark.filterwarnings("ignore:ignoring size because footprint is set")
@pytest.mark.parametrize(("function", "base", "other"), PAIRS)
def test_no_other_argument_goes_on(stack, function, base, other):
    made, source, path = stack
    wanted = np.asarray(function(made, **other))
    stopped(function(sm.open(source), **base), path)
    function(sm.open(source), **other).save(path)
    np.testing.assert_array_equal(np.load(path), wanted)


@pytest.mark.parametrize(
    ("name", "first", "second"), [("ddof", 0, 5), ("axis", 0, 1), ("number", 1, 2), ("threshold", 300, 301)]
)
def test_no_other_number_goes_on(stack, name, first, second):
    made, source, path = stack
    recipe = ARRAYS[name]
    stopped(recipe(sm.open(source), first), path)
    recipe(sm.open(source), second).save(path)
    np.testing.assert_array_equal(np.load(path), recipe(sm.from_array(made), second).compute())


def test_no_other_content_goes_on(stack):
    made, source, path = stack
    stopped(sm.open(source) + 1, path)
    times = os.stat(source)
    with open(source, "r+b") as file:
        file.seek(-2, os.SEEK_END)
        file.write(b"\7\7")
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    (sm.open(source) + 1).save(path)
    np.testing.assert_array_equal(np.load(path), np.load(source) + 1)


def test_what_is_read_is_never_written(stack):
    made, source, _ = stack
    os.link(source, source.with_name("hard.npy"))
    for name in ["in.npy", "hard.npy"]:
        with pytest.raises(ValueError, match="is read and cannot be written too"):
            (sm.open(source) + 1).save(source.with_name(name), overwrite=True)
        with pytest.raises(ValueError, match="is read"):
            sm.save_many(
                {source.with_name("o.npy"): sm.open(source), source.with_name(name): sm.open(source) + 1}, overwrite=True
            )
    np.testing.assert_array_equal(np.load(source), made)


def test_a_source_that_changes_during_a_run_is_an_error(stack):
    made, source, path = stack

    def changes(tile):
        with open(source, "r+b") as file:
            file.seek(-2, os.SEEK_END)
            file.write(b"\7\7")
        return tile

    x = sm.open(source).map_blocks(changes)
    with pytest.raises(OSError, match="changed"):
        x.save(path)
    assert sorted(os.listdir(path.parent)) == ["in.npy"]
    with pytest.raises(OSError, match="changed"):
        sm.open(source).map_blocks(changes).compute()


def test_causes_are_their_own(stack):
    """Two functions that fail with the same words: each error has its own cause."""
    _, source, _ = stack
    causes = []

    def fails(_):
        causes.append(LookupError("no"))
        raise causes[-1]

    for _ in range(2):
        causes.clear()
        with pytest.raises(ValueError, match="no") as raised, sm.options(threads=1):
            sm.open(source).map_blocks(fails).compute()
        assert any(raised.value.__cause__ is cause for cause in causes)
