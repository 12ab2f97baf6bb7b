"""Users' functions over tiles: what they are given, what they may give, what is said where they fail."""

import os
import threading

import numpy as np
import pytest

import stackmill as sm

from conftest import same


def cells(shape=(20, 60, 70), dtype=np.uint16):
    return np.random.default_rng(0).integers(0, 1000, shape).astype(dtype)


@pytest.mark.parametrize("tile", [(20, 60, 70), (7, 13, 70), (1, 60, 33), (3, 2, 1)])
def test_scikit_image_through_map_overlap_is_the_whole_arrays(tile):
    filters = pytest.importorskip("skimage.filters")
    morphology = pytest.importorskip("skimage.morphology")
    a = cells(dtype=np.float32)
    x = sm.from_array(a)
    with sm.options(tile=tile):
        made = x.map_overlap(filters.gaussian, depth=9, sigma=2.0, mode="nearest", preserve_range=True).compute()
        np.testing.assert_allclose(made, filters.gaussian(a, sigma=2.0, mode="nearest", preserve_range=True), rtol=1e-6)
        ball = morphology.ball(2)
        opened = sm.map_overlap(lambda t: morphology.opening(t, ball), x, depth=4)
        same(opened.compute(), morphology.opening(a, ball))


@pytest.mark.parametrize("mode", ["reflect", "mirror", "nearest", "wrap", "constant"])
def test_modes_are_numpys_pads(mode):
    a = cells((6, 9, 11))
    numpys = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap", "constant": "constant"}[mode]
    around = np.pad(a, [(1, 2), (0, 0), (3, 1)], numpys, **({"constant_values": 5} if mode == "constant" else {}))
    theirs = around[:-3, :, 4:][:6] + 2 * around[3:, :, :-4][:6]

    def function(t):
        assert t.shape[1] <= 9
        return t[:-3, :, 4:] + 2 * t[3:, :, :-4]

    with sm.options(tile=(2, 4, 5)):
        same(sm.map_overlap(function, sm.from_array(a), depth=[(1, 2), 0, (3, 1)], mode=mode, cval=5).compute(), theirs)


def test_several_arrays_dtypes_and_axes():
    a, b = cells((6, 9, 11)), np.arange(11, dtype=np.float32)
    x, y = sm.from_array(a), sm.from_array(b)
    with sm.options(tile=(2, 4, 5)):
        same(sm.map_blocks(lambda s, t: s * t, x, y, dtype="f4").compute(), (a * b).astype("f4"))
        same(sm.map_blocks(lambda s, t: s + t, y, x, dtype="f4").compute(), (a + b).astype("f4"))
    with sm.options(tile=(4, 5)):
        same(x.map_blocks(lambda t: t.max(axis=0), drop_axis=0).compute(), a.max(axis=0))
        same(x.map_blocks(np.median, axis=-1, dtype="f8", drop_axis=[-1]).compute(), np.median(a, axis=-1))
        both = x.map_blocks(lambda t: np.stack([t.min(0), t.max(0)]), drop_axis=0, new_axis={0: 2})
        assert both.shape == (2, 9, 11)
        same(both[1].compute(), a.max(0))
    same(x.map_blocks(lambda t: t[..., None], new_axis=3).compute(), a[..., None])
    assert sm.from_array(a, axes="ZYX").map_blocks(lambda t: t.max(0), drop_axis=0).axes == ("y", "x")


def test_it_meets_the_other_ops(tmp_path):
    a = cells()
    x = sm.from_array(a)
    smooth = sm.uniform(x, 3).map_blocks(lambda t: t // 2)
    mask = sm.maximum_filter(smooth, [1, 3, 3]) > smooth.mean()
    theirs = sm.uniform(x, 3).compute() // 2
    same(mask.compute(), sm.maximum_filter(theirs, [1, 3, 3]).compute() > theirs.mean())
    mask.save(tmp_path / "m.tif")
    assert "a function that the engine does not know" in mask.explain() and "test_tiles.py" in mask.explain()


def test_promises_are_checked_on_every_tile():
    x = sm.from_array(cells())
    with pytest.raises(TypeError, match="float64, dtype=uint16 was promised"):
        x.map_blocks(lambda t: t * 0.5).compute()
    with pytest.raises(ValueError, match=r"gave \(1, 1\) for a tile; it must give"):
        x.map_blocks(lambda t: t[:1, 0, :1]).compute()
    with pytest.raises(ValueError, match="depth has 2 entries"):
        x.map_overlap(lambda t: t, depth=(1, 2))
    with pytest.raises(ValueError, match="mode is None or one of"):
        x.map_overlap(lambda t: t, depth=1, mode="mirrored")
    with pytest.raises(TypeError, match="complex128"):
        x.map_blocks(lambda t: t, dtype=complex)


def test_an_exception_is_shown_with_its_tile_and_line():
    def fails(t):
        if t.max() > 990:
            raise RuntimeError("too bright")
        return t

    x = sm.from_array(cells()).map_blocks(fails)
    with sm.options(tile=(5, 60, 70)), pytest.raises(ValueError) as told:
        x.compute()
    text = str(told.value)
    assert "map_blocks(fails) at test_tiles.py:" in text and "tile [" in text and "RuntimeError: too bright" in text
    assert isinstance(told.value.__cause__, RuntimeError)


def test_memory_of_the_function_is_counted():
    x = sm.from_array(np.zeros((64, 512, 512), np.float32)).map_overlap(lambda t: t, depth=1)
    with sm.options(memory="96MiB", threads=2):
        assert "predicted" in x[:, :256].explain()
        # A whole tile with its halo, its copy for Python and its result are more than a tiny budget has, however small tiles are.
        with sm.options(memory="256B"), pytest.raises(MemoryError):
            x.explain()


def test_functions_run_on_other_threads_and_python_goes_on():
    seen = set()

    def function(t):
        seen.add(threading.get_ident())
        return t

    with sm.options(tile=(1, 60, 70)):
        sm.from_array(cells()).map_blocks(function).compute()
    assert threading.get_ident() not in seen or len(seen) > 1 or os.cpu_count() == 1
