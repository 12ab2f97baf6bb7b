"""SciPy's names against SciPy, and with every kind of array: lazy, dask's, xarray's, complex. SciPy's own tests are run apart."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.ndimage as nd

import stackmill as sm
import stackmill.ndimage as sn

FILTERS = [
    ("gaussian_filter", dict(sigma=1.3)), ("gaussian_filter", dict(sigma=(0, 2, 1), order=(0, 1, 0), truncate=3)),
    ("gaussian_laplace", dict(sigma=1)), ("gaussian_gradient_magnitude", dict(sigma=1)), ("uniform_filter", dict(size=4, origin=-1)),
    ("median_filter", dict(size=(1, 3, 4))), ("percentile_filter", dict(percentile=30, size=3)), ("rank_filter", dict(rank=-2, size=3)),
    ("minimum_filter", dict(size=(3, 1, 4))), ("maximum_filter", dict(size=3, axes=(0, 2))), ("sobel", dict(axis=1)), ("prewitt", {}),
    ("laplace", {}), ("correlate1d", dict(weights=[1, 2, -1], axis=0)), ("convolve1d", dict(weights=[0.2, 0.3, 0.5, 1])),
    ("correlate", dict(weights=np.arange(8).reshape(2, 2, 2) / 3)), ("convolve", dict(weights=np.arange(9).reshape(1, 3, 3) - 2.5)),
    ("grey_opening", dict(size=3)), ("white_tophat", dict(size=(1, 3, 3))), ("black_tophat", dict(size=3)),
    ("grey_erosion", dict(structure=np.arange(9).reshape(1, 3, 3))), ("grey_dilation", dict(structure=-np.ones((2, 2, 2)) / 2)),
    ("morphological_gradient", dict(size=3)), ("morphological_laplace", dict(size=3)), ("binary_erosion", {}), ("binary_dilation", dict(iterations=2)),
    ("binary_opening", {}), ("binary_hit_or_miss", {}),
]  # fmt: skip
HAVE_MODE = [(name, named) for name, named in FILTERS if not name.startswith("binary")]


def array(dtype, seed=0):
    rng = np.random.default_rng(seed)
    made = rng.integers(0, 250, (7, 11, 13))
    return (made > 190) if dtype == "bool" else made.astype(dtype)


def near(ours, theirs):
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    if theirs.dtype.kind == "f":
        np.testing.assert_allclose(
            ours, theirs, rtol=1e-5 if theirs.dtype == np.float32 else 1e-12, atol=1e-3 if theirs.dtype == np.float32 else 1e-9
        )
    else:
        # A sum that lies on a whole number is cut one lower where it was added in another order.
        assert (np.abs(ours.astype(float) - theirs.astype(float)) > 0).mean() < 0.01


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32", "float64"])
@pytest.mark.parametrize(("name", "named"), FILTERS)
def test_results_are_scipys(name, named, dtype):
    a = array(dtype)
    near(getattr(sn, name)(a, **named), getattr(nd, name)(a, **named))


@pytest.mark.parametrize("mode", ["reflect", "constant", "nearest", "mirror", "wrap"])
@pytest.mark.parametrize(("name", "named"), HAVE_MODE)
def test_modes_are_scipys(name, named, mode):
    a = array("float64")
    near(getattr(sn, name)(a, mode=mode, cval=3.5, **named), getattr(nd, name)(a, mode=mode, cval=3.5, **named))


@pytest.mark.parametrize(("name", "named"), FILTERS)
def test_lazy_in_lazy_out(name, named):
    a = array("uint8")
    made = getattr(sn, name)(sm.from_array(a), **named)
    assert isinstance(made, sm.Array)
    np.testing.assert_array_equal(made.compute(), getattr(sn, name)(a, **named))


@pytest.mark.parametrize("mode", ["reflect", "wrap"])
@pytest.mark.parametrize(("name", "named"), FILTERS)
def test_dask_in_dask_out(name, named, mode):
    da = pytest.importorskip("dask.array")
    calls = []

    def block(block_info=None):
        calls.append(block_info)
        place = block_info[None]["array-location"]
        return a[tuple(slice(*p) for p in place)]

    a = array("uint8")
    named = named if name.startswith("binary") else dict(named, mode=mode)
    x = da.map_blocks(block, chunks=((4, 3), (6, 5), (7, 6)), dtype=a.dtype, meta=np.empty((0, 0, 0), a.dtype))
    made = getattr(sn, name)(x, **named)
    assert isinstance(made, da.Array) and not calls
    np.testing.assert_array_equal(made.compute(scheduler="threads"), getattr(sn, name)(a, **named))
    assert calls


def test_dataarray_in_dataarray_out():
    xr = pytest.importorskip("xarray")
    a = array("uint8")
    x = xr.DataArray(a, dims=("z", "y", "x"), coords={"z": np.arange(7) * 0.5}, attrs={"unit": "counts"}, name="cells")
    made = sn.median_filter(x, 3)
    assert made.dims == x.dims and made.attrs == x.attrs and made.name == "cells" and (made.z == x.z).all()
    np.testing.assert_array_equal(made.values, nd.median_filter(a, 3))
    chunked = sn.median_filter(x.chunk({"z": 3}), 3)
    assert type(chunked.data).__module__.startswith("dask")
    np.testing.assert_array_equal(chunked.values, nd.median_filter(a, 3))
    lazy = sn.median_filter(x.copy(data=sm.from_array(a)), 3)
    assert isinstance(lazy.data, sm.Array)
    np.testing.assert_array_equal(lazy.data.compute(), nd.median_filter(a, 3))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_numbers_pass_linear_filters(dtype):
    a = (array("float64") + 1j * array("float64", 1)).astype(dtype)
    for name, named in [
        ("gaussian_filter", dict(sigma=1)),
        ("uniform_filter", dict(size=3)),
        ("correlate1d", dict(weights=[1, 2j, 3])),
        ("sobel", {}),
    ]:
        ours, theirs = getattr(sn, name)(a, **named), getattr(nd, name)(a, **named)
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-4 if dtype == "complex64" else 1e-10)
    with pytest.raises(TypeError):
        sn.median_filter(a, 3)


def test_outputs_are_filled():
    a, out = array("float64"), np.zeros((7, 11, 13), np.int32)
    assert sn.gaussian_filter(a, 1, output=out) is out
    np.testing.assert_array_equal(out, nd.gaussian_filter(a, 1, output=np.int32))
    with pytest.raises(TypeError, match="save"):
        sn.gaussian_filter(sm.from_array(a), 1, output=out)


def test_what_is_not_there_says_so():
    with pytest.raises(AttributeError):
        sn.label  # noqa: B018
    with pytest.raises(NotImplementedError):
        sn.binary_propagation(sm.from_array(array("bool")))


def test_no_other_packages_kernels_are_used():
    code = """
import sys
import numpy as np
import stackmill.ndimage as nd
nd.gaussian_filter(np.zeros((20, 30), np.float32), 1)
nd.grey_opening(np.zeros((20, 30), np.uint8), 3)
found = {name.partition(".")[0] for name in sys.modules} & {"scipy", "skimage", "cv2", "cupyx", "cupy", "torch", "dask", "xarray"}
sys.exit(f"imported: {found}" if found else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
