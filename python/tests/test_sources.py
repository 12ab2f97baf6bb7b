"""What arrays are made over: any layout of NumPy's, and arrays of other packages, nothing read or computed silently."""

import numpy as np
import pytest

import stackmill as sm
import stackmill.ndimage as sn

from conftest import DTYPES, same, values


def unaligned(a, path=None):
    """The same numbers at an odd address: in memory, or in a file that is mapped."""
    data = b"H" * 13 + a.tobytes()
    if path is None:
        return np.frombuffer(data, a.dtype, offset=13).reshape(a.shape)
    path.write_bytes(data)
    return np.memmap(path, a.dtype, "r", offset=13, shape=a.shape)


@pytest.mark.parametrize("dtype", DTYPES)
def test_unaligned_arrays(dtype, tmp_path):
    a = values(dtype, shape=(5, 7))
    for u in unaligned(a), unaligned(a, tmp_path / "r.bin"):
        assert np.dtype(dtype).itemsize == 1 or not u.flags.aligned
        x = sm.from_array(u)
        same(x.compute(), a)
        same(x.max().compute(), a.max())
        same(np.where(x == x, x, x).compute(), a)
        same(sn.minimum_filter(x.astype(np.float64), 3).compute(), sn.minimum_filter(a.astype(np.float64), 3))
        same(sn.maximum_filter(u.astype(np.float32), 3), sn.maximum_filter(a.astype(np.float32), 3))


LAYOUTS = [
    lambda a: np.asfortranarray(a), lambda a: a.transpose(1, 2, 0), lambda a: a.transpose(2, 0, 1)[:, :, :], lambda a: a[::2],
    lambda a: a[:, ::-1], lambda a: a[:, :, 1:3], lambda a: a[:, :1].transpose(2, 1, 0), lambda a: np.broadcast_to(a[:, :1], a.shape),
    lambda a: a.astype(a.dtype.newbyteorder()), lambda a: np.asfortranarray(a).astype(">i4"), lambda a: a[:0], lambda a: a[0, 0, 0],
]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    a = layout(np.arange(60, dtype=np.int32).reshape(3, 4, 5))
    x = sm.from_array(a)
    same(x.compute(), np.asarray(a, a.dtype.newbyteorder("=")))
    same((x + 1).sum(axis=0).compute() if a.ndim else x.compute(), (a + 1).sum(axis=0) if a.ndim else np.asarray(a))


def test_other_orders_are_lent():
    a = np.asfortranarray(np.arange(24.0).reshape(2, 3, 4))
    x = sm.from_array(a)
    a[1, 2, 3] = 99
    assert x.compute()[1, 2, 3] == 99


def test_masked_arrays_are_refused():
    masked = np.ma.masked_equal(np.array([1.0, 2.0, -9999.0]), -9999.0)
    x = sm.from_array(np.zeros(3))
    for use in (
        lambda: sm.from_array(masked), lambda: x + masked, lambda: np.where(x == 0, masked, x), lambda: sm.median(masked, 3),
        lambda: np.add(x, masked), lambda: np.maximum(masked, x),
    ):  # fmt: skip
        with pytest.raises(sm.errors.CallerError, match="filled"):
            use()
    same(sm.from_array(np.ma.masked_array([1.0, 2.0], False)).compute(), np.array([1.0, 2.0]))


class Counted:
    """A stored array that counts what is read of it."""

    __module__ = "h5py._hl.dataset"

    def __init__(self, shape, dtype):
        self.shape, self.dtype, self.reads = shape, np.dtype(dtype), 0

    def __array__(self, dtype=None, copy=None):
        self.reads += 1
        return np.ones(self.shape, self.dtype)

    def __getitem__(self, key):
        self.reads += 1
        return np.ones(self.shape, self.dtype)[key]


USES = [
    lambda x, big: sm.from_array(big), lambda x, big: x + big, lambda x, big: np.where(x, big, 0),
    lambda x, big: sm.median(big, 3), lambda x, big: x > big, lambda x, big: np.add(x, big), lambda x, big: np.clip(x, big, None),
]  # fmt: skip


@pytest.mark.parametrize("use", USES)
def test_large_stored_arrays_are_not_read(use):
    x, big = sm.from_array(np.zeros((1, 1))), Counted((5000, 2000), "f8")
    with pytest.raises(sm.errors.CallerError, match="(?s)76 MiB.*at once.*hint:"):
        use(x, big)
    assert big.reads == 0
    with sm.options(implicit_compute="allow"):
        use(x, big)
    assert big.reads == 1


@pytest.mark.parametrize("use", USES)
def test_small_stored_arrays_are_read_once(use):
    x, small = sm.from_array(np.zeros((5, 7))), Counted((5, 7), "f8")
    use(x, small)
    assert small.reads == 1


@pytest.mark.parametrize("use", USES)
def test_dask_arrays_are_not_computed_silently(use):
    da = pytest.importorskip("dask.array")
    calls = []

    def block(b):
        calls.append(b.shape)
        return b

    def made(shape, chunks):
        return da.ones(shape, chunks=chunks).map_blocks(block, meta=np.empty((0, 0)))

    x = sm.from_array(np.zeros((1, 1)))
    with pytest.raises((sm.errors.CallerError, TypeError)):
        use(x, made((5000, 2000), 1000))
    assert not calls
    try:
        use(sm.from_array(np.zeros((4, 4))), made((4, 4), 2))
    except TypeError:
        return
    assert len(calls) in (0, 4)


def test_mapped_files_are_not_read_whole(tmp_path):
    big = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.dtype("u1"), (3, 5000, 5000), fortran_order=True)
    x = sm.from_array(big)
    assert x.shape == big.shape and x[0, 0, 0].compute() == 0
    with pytest.raises(sm.errors.CallerError, match="(?s)mapped file.*hint:"):
        sm.from_array(np.memmap(tmp_path / "a.npy", ">u2", "r", shape=(5000, 7000)))
    with pytest.raises(sm.errors.CallerError, match="(?s)mapped file.*hint:"):
        sm.from_array(np.memmap(tmp_path / "a.npy", "u1", "r", shape=(7000, 10000))[:, ::-1])
    with pytest.raises(sm.errors.CallerError, match="(?s)mapped file.*hint:"):
        sm.from_array(np.memmap(tmp_path / "a.npy", "f4", "r", offset=3, shape=(4000, 4500)))


def test_dataarrays_stay_lazy():
    xr = pytest.importorskip("xarray")
    x = sm.from_array(np.arange(12.0).reshape(3, 4))
    d = xr.DataArray(x, dims=("y", "x"))
    assert isinstance(sm.from_array(d), sm.Array)
    for made in x + d, d + x:
        assert isinstance(made, xr.DataArray) and isinstance(made.data, sm.Array)
        same(made.data.compute(), 2 * np.arange(12.0).reshape(3, 4))
