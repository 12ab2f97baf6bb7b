"""The array: made of files and of NumPy's arrays, cut, pickled, shown, computed, written."""

import copy
import gc
import json
import pickle
import warnings
import weakref

import numpy as np
import pytest

import stackmill as sm

from conftest import DTYPES, same, values


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_numpy_gives_comes_back(dtype):
    a = values(dtype)
    x = sm.from_array(a)
    assert (x.shape, x.dtype, x.ndim, x.size, x.nbytes) == (a.shape, a.dtype, 2, 15, a.nbytes)
    same(x.compute(), a)
    same(np.asarray(x), a)
    same(np.array(x, dtype=np.float64), a.astype(np.float64))


def test_numpy_arrays_are_lent_and_kept_alive():
    a = np.arange(12.0)
    x = sm.from_array(a)
    a[3] = 99
    assert x.compute()[3] == 99
    held = weakref.ref(a)
    del a
    gc.collect()
    assert held() is not None and x.compute()[3] == 99
    del x
    gc.collect()
    assert held() is None


def test_any_layout_and_byte_order_is_taken():
    a = np.arange(24, dtype=">i4").reshape(2, 3, 4)
    same(sm.from_array(a.T).compute(), a.T.astype("=i4"))
    same(sm.from_array([[1, 2], [3, 4]]).compute(), np.array([[1, 2], [3, 4]]))
    same(sm.from_array(np.float32(2.5)).compute(), np.array(2.5, np.float32))
    same(sm.from_array(np.zeros((0, 3), np.uint8)).compute(), np.zeros((0, 3), np.uint8))


def test_more_axes_than_there_can_be_are_refused():
    for many in sm.from_array, lambda a: sm.array_api.zeros(a.shape), lambda a: np.broadcast_to(sm.from_array(a[0]), a.shape):
        with pytest.raises(ValueError, match="7 axes, at most 6"):
            many(np.zeros((1,) * 7))
    x = sm.from_array(np.zeros((2,) * 6))
    with pytest.raises(ValueError, match="6"):
        x[None]


def test_results_are_writable_and_their_own():
    a = np.arange(6, dtype=np.int16)
    made = sm.from_array(a).compute()
    made[0] = 7
    assert a[0] == 0


@pytest.mark.parametrize(
    "cut",
    [
        np.s_[1], np.s_[-1], np.s_[:, ::-1], np.s_[..., 2:], np.s_[None, 1, ..., ::2], np.s_[:2, 1:-1, 3], np.s_[5:2],
        np.s_[np.int64(0), :, np.newaxis], np.s_[...], np.s_[::-2, ::-1, 1::3],
    ],
)  # fmt: skip
def test_slices_are_numpys(cut):
    a = np.arange(3 * 4 * 7, dtype=np.uint16).reshape(3, 4, 7)
    same(sm.from_array(a)[cut].compute(), a[cut])


@pytest.mark.parametrize(
    "cut", [np.s_[3], np.s_[:, :, :, 0], np.s_[[0, 1]], np.s_[np.array([True, False, True])], np.s_[1.5], np.s_[..., ...]]
)
def test_slices_that_cannot_be(cut):
    with pytest.raises((IndexError, ValueError)):
        sm.from_array(np.zeros((3, 4, 7)))[cut]


def test_axes_move_and_have_names():
    a = np.arange(24).reshape(2, 3, 4)
    x = sm.from_array(a, axes="ZYX")
    assert x.axes == ("z", "y", "x") and sm.from_array(a).axes == ()
    assert x.scale == (1.0, 1.0, 1.0) and x.units == (None, None, None)
    same(x.T.compute(), a.T)
    same(x.transpose(1, 0, 2).compute(), a.transpose(1, 0, 2))
    same(x.transpose((-1, 0, 1)).compute(), a.transpose(-1, 0, 1))
    same(x.mT.compute(), a.swapaxes(-1, -2))
    assert x.transpose(1, 0, 2).axes == ("y", "z", "x")
    with pytest.raises(ValueError, match="axes 'zy'"):
        sm.from_array(a, axes="ZY")


def test_files_come_and_go(tmp_path):
    a = np.arange(5 * 40 * 50, dtype=np.uint16).reshape(5, 40, 50)
    x = sm.from_array(a, axes="ZYX")
    for name in "a.tif", "a.npy", "a.zarr", "a.ome.zarr", "a.ome.tif":
        x.save(tmp_path / name)
        same(sm.open(tmp_path / name).compute().reshape(a.shape), a)
    with pytest.raises(FileExistsError):
        x.save(tmp_path / "a.npy")
    x.save(tmp_path / "a.npy", overwrite=True)
    with pytest.raises(FileNotFoundError, match="none.tif"):
        sm.open(tmp_path / "none.tif")
    with pytest.raises(sm.errors.CallerError, match="hint"):
        x.save(tmp_path / "a.docx")


def test_several_outputs_in_one_run(tmp_path):
    a = np.arange(3 * 20 * 30, dtype=np.uint16).reshape(3, 20, 30)
    x = sm.from_array(a)
    smooth = sm.gaussian(x, 1)
    sm.save_many({tmp_path / "s.npy": smooth, tmp_path / "m.npy": smooth > 100, tmp_path / "mean.npy": smooth.mean(axis=0)})
    same(np.load(tmp_path / "m.npy"), smooth.compute() > 100)
    same(np.load(tmp_path / "s.npy"), smooth.compute())
    same(np.load(tmp_path / "mean.npy"), smooth.mean(axis=0).compute())
    with pytest.raises(TypeError, match="not a lazy array"):
        sm.save_many({tmp_path / "x.npy": a})


def test_pickles_are_recipes(tmp_path):
    a = values("int16", 3)
    np.save(tmp_path / "a.npy", a)
    x = sm.open(tmp_path / "a.npy")
    y = sm.from_array(a)
    z = (sm.maximum_filter(x, 3) - y[:, ::-1].T.T)[1:] * sm.cast(y, "f4")[:-1] + np.sqrt(abs(y[0].astype(float)))
    sent = pickle.dumps(z)
    same(pickle.loads(sent).compute(), z.compute())
    assert copy.deepcopy(z) is z
    assert len(pickle.dumps(x.T.T.T.T)) < 600


def test_deep_and_shared_graphs_are_pickled():
    x = sm.from_array(np.ones(4, np.int32))
    y = x
    for _ in range(3000):
        y = y + y[:1]
    again = pickle.loads(pickle.dumps(y))
    same(again.compute(), y.compute())


def test_casts():
    a = np.array([-1.5, 0.5, 1.5, 2.5, 300.7, -300.2, 65537.0])
    x = sm.from_array(a)
    same(sm.cast(x, np.uint8).compute(), np.array([0, 0, 2, 2, 255, 0, 255], np.uint8))
    same(x.astype(np.uint8).compute(), np.array([255, 0, 1, 2, 44, 212, 1], np.uint8))
    same(x.astype(np.int32).compute(), a.astype(np.int32))
    assert x.astype(np.float64) is x
    with pytest.raises(TypeError, match="complex128"):
        x.astype(complex)


@pytest.mark.parametrize("to", DTYPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_astype_is_numpys(dtype, to):
    a = values(dtype)
    if np.dtype(dtype).kind == "f" and np.dtype(to).kind in "iu":
        # What C leaves undefined is left out: numbers beyond the integer's range.
        a = np.where(np.isfinite(a), a, 0).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same(sm.from_array(a).astype(to).compute(), a.astype(to))


def test_numbers_and_truth():
    one = sm.from_array(np.array([[3.0]]))
    assert float(one) == 3.0 and int(one) == 3 and bool(one) and complex(one) == 3 and one.item() == 3.0
    assert [10, 20, 30, 40][sm.from_array(np.array(2))] == 30
    x = sm.from_array(np.arange(3))
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)
    with pytest.raises(TypeError):
        float(x)
    assert list(x) == [0, 1, 2]
    assert [type(row) for row in sm.from_array(np.zeros((2, 2)))] == [sm.Array, sm.Array]
    assert len(x) == 3


def test_large_implicit_computations_say_so():
    big = sm.from_array(np.zeros(9 << 20))
    total = big.sum()
    with pytest.warns(sm.errors.ImplicitComputeWarning, match=r"float\(\) computes .* 72 MiB") as told:
        float(total)
    assert told[0].filename == __file__
    with sm.options(implicit_compute="raise"), pytest.raises(ValueError, match="implicit_compute"):
        bool(total)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with sm.options(implicit_compute="allow"):
            float(total)
        np.asarray(big)
        assert float(big[:10].sum()) == 0


def test_what_other_packages_compute_says_so():
    scipy = pytest.importorskip("scipy.ndimage")
    big = sm.from_array(np.zeros((9, 1 << 20)))
    with pytest.warns(sm.errors.ImplicitComputeWarning, match="another package"):
        scipy.sum_labels(big)


def test_reductions_over_no_axis():
    a = np.array([[0, 3], [5, 0]])
    x = sm.from_array(a)
    same(np.any(x, axis=()).compute(), np.any(a, axis=()))
    same(np.all(x, axis=()).compute(), np.all(a, axis=()))
    for name in "sum", "mean", "min", "max", "var", "std":
        same(getattr(np, name)(x, axis=()).compute(), getattr(np, name)(a, axis=()))


def test_unknown_functions_name_the_nearest():
    x = sm.from_array(np.zeros(3))
    with pytest.raises(TypeError, match="nearest that it has is (cumsum|cumulative_sum)"):
        np.cumprod(x)
    with pytest.raises(TypeError, match="map_overlap"):
        np.linalg.svd(x)
    with pytest.raises(TypeError, match="arctan2"):
        np.arctan2(x, x)
    with pytest.raises(TypeError, match="immutable"):
        np.add(x, x, out=np.zeros(3))
    with pytest.raises(AttributeError, match="did you mean 'gaussian'"):
        sm.gausian  # noqa: B018


def test_options():
    with pytest.raises(TypeError, match="unexpected keyword"):
        sm.options(memry=3)
    for wrong, told in [
        ({"memory": "much"}, "no size"),
        ({"memory": -5}, "memory is a whole number above 0"),
        ({"threads": "two"}, "threads is a whole number"),
        ({"threads": 0}, "threads is"),
        ({"tile": (3, 0)}, "an extent of tile"),
        ({"device": 3}, "device is 'auto'"),
        ({"default_float": "half"}, "default_float is one of"),
    ]:
        with pytest.raises(ValueError, match=told):
            sm.options(**wrong)
    x = sm.from_array(np.zeros((64, 1024, 1024), np.float32)) + 1.0
    with sm.options(memory="100MiB"):
        with pytest.raises(MemoryError, match="256 MiB"):
            x.compute()
        with sm.options(threads=1):
            assert "1 threads" in x[0].explain() and "100 MiB" in x[0].explain()
        assert "1 threads" not in x[0].explain()
    assert "512 MiB" in x[0].explain()


def test_it_is_shown(tmp_path):
    a = np.zeros((30, 200, 300), np.uint16)
    sm.from_array(a, axes="ZYX").save(tmp_path / "a.zarr")
    x = sm.open(tmp_path / "a.zarr")
    assert repr(x) == "<stackmill.Array shape=(30, 200, 300), dtype=uint16, axes=('z', 'y', 'x'), lazy>"
    html = (x + 1)._repr_html_()
    assert "<svg" in html and "stored in" in html and "not computed" in html and "uint16" in html
    for shape in (), (3,), (0, 4), (2, 1, 3, 4, 5):
        assert "stackmill.Array" in sm.from_array(np.zeros(shape))._repr_html_()


def test_errors_are_the_built_in_ones():
    assert issubclass(sm.errors.BudgetError, MemoryError) and issubclass(sm.errors.CallerError, ValueError)
    assert issubclass(sm.errors.MachineError, OSError) and issubclass(sm.errors.DtypeError, TypeError)
    x = sm.from_array(np.zeros(4))
    with pytest.raises(TypeError, match="bools and integers"):
        sm.bitwise_and(x, 1)
    with pytest.raises(ValueError, match="size must be 1"):
        sm.median(x, 0)
    with pytest.raises(ValueError, match="(?s)mode.*hint"):
        sm.median(x, 3, mode="mirrored")


def test_the_doctor_and_the_devices():
    assert "version" in sm.doctor()
    for device in sm.devices():
        assert device.name and device.backend


def test_chunks_and_shards_are_chosen(tmp_path):
    a = np.arange(6 * 40 * 50, dtype=np.uint16).reshape(6, 40, 50)
    x = sm.from_array(a, axes="ZYX")
    x.save(tmp_path / "c.zarr", chunks=(2, 16, 50))
    x.save(tmp_path / "s.zarr", chunks=[1, 16, 16], shards=[2, 32, 64])
    for name in "c.zarr", "s.zarr":
        same(sm.open(tmp_path / name).compute(), a)
    stored = json.loads((tmp_path / "c.zarr" / "zarr.json").read_text())
    assert stored["chunk_grid"]["configuration"]["chunk_shape"] == [2, 16, 50]
    stored = json.loads((tmp_path / "s.zarr" / "zarr.json").read_text())
    assert stored["chunk_grid"]["configuration"]["chunk_shape"] == [2, 32, 64]
    assert stored["codecs"][0]["configuration"]["chunk_shape"] == [1, 16, 16]
    with pytest.raises(ValueError, match="extent of chunks"):
        x.save(tmp_path / "d.zarr", chunks=(0, 1, 1))
    with pytest.raises(sm.errors.CallerError, match="no chunks"):
        x.save(tmp_path / "d.npy", chunks=(1, 1, 1))
