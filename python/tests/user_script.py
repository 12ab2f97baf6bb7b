"""A user's script over the public API: what a strict type checker must accept, and what it must find. Not run."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt

import stackmill as sm
import stackmill.ndimage as nd
from stackmill import array_api as xp

Pixels = npt.NDArray[Any]


def smoothed(path: pathlib.Path, sigma: float) -> sm.Array:
    x = sm.open(path, axes="ZYX")
    return sm.gaussian(x, [0, sigma, sigma], mode="nearest", axes=["z", "y", "x"])


def measured(x: sm.Array) -> dict[str, float]:
    flat = (x - x.mean()) / x.std(axis=(0, 1), ddof=1)
    assert_type(flat, sm.Array)
    best = int(x.argmax())
    return {
        "mean": float(x.mean()),
        "max": float(x.max(axis=None, where=x > 0, initial=0)),
        "best": best,
        "one": float(flat[0, 0, 0]),
    }


def double(tile: npt.NDArray[np.float32], by: float = 2.0) -> npt.NDArray[np.float32]:
    return (tile * by).astype(np.float32)


def planes(x: sm.Array) -> Iterator[Pixels]:
    for k in range(x.shape[0]):
        yield x[k, ::2, None].compute()


def main(folder: pathlib.Path) -> None:
    sm.options(memory="2GiB", threads=4)
    x = smoothed(folder / "cells.tif", 1.5)
    a = np.zeros((3, 4, 5), np.uint16)
    assert_type(nd.median_filter(x, (1, 3, 3), axes=(0, 1, 2)), sm.Array)
    assert_type(nd.gaussian_filter(a, 1.0, output=np.float32), Pixels)
    assert_type(nd.binary_dilation(x > 3, iterations=2, mask=a > 0), sm.Array)
    mask = (sm.white_tophat(x, [1, 15, 15]) > 60) & (abs(x) < 1000) | ~(x >= 2)
    both = sm.map_overlap(double, x.astype("float32"), a, depth={0: 1, 1: (2, 3)}, dtype="float32", by=3.0)
    assert_type(both, sm.Array)
    assert_type(x.map_blocks(double, drop_axis=0).T, sm.Array)
    assert_type(xp.sum(xp.where(mask, x, 0), axis=-1), sm.Array)
    assert_type(1 - x + a, sm.Array)
    assert_type(sm.from_array([[1, 2], [3, 4]], axes="YX").shape, tuple[int, ...])
    assert_type(sm.cast(x, np.uint8).dtype, np.dtype[Any])
    with sm.options(device="cpu", tile=(8, 64, 64)):
        mask.save(folder / "mask.ome.zarr", overwrite=True, chunks=(1, 64, 64))
        sm.save_many({folder / "m.tif": mask, folder / "b.npy": both})
    print(
        mask.explain(1), measured(x), f"{x.mean():.2f}", round(x.mean(), 1), sm.devices()[:1], sm.doctor(), len(x), *planes(x)
    )


if __name__ == "__main__":
    main(pathlib.Path("."))
