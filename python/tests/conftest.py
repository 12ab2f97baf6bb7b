"""What the tests share: every dtype, and arrays that hold its edges."""

import numpy as np
import pytest

DTYPES = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"]


def values(dtype, seed=0, shape=(3, 5)):
    """Small numbers, the least and the greatest, and for floats what is no number."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    made = rng.integers(-9 if dtype.kind != "u" else 0, 10, shape).astype(dtype)
    if dtype.kind == "f":
        made = (made / dtype.type(4)).astype(dtype)
        made.flat[:4] = [np.nan, np.inf, -np.inf, -0.0]
    else:
        made.flat[:2] = np.iinfo(dtype).min, np.iinfo(dtype).max
    return np.ascontiguousarray(np.roll(made.reshape(-1), seed).reshape(shape))


def same(ours, theirs):
    """Equal element by element, NaN with NaN, and of one dtype and shape."""
    ours = np.asarray(ours)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    np.testing.assert_array_equal(ours, theirs)


@pytest.fixture(autouse=True)
def no_progress():
    import stackmill as sm

    with sm.options(progress=False, memory="512MiB"):
        yield
