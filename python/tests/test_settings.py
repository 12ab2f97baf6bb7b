"""Settings reach threads and workers: those of the process are seen everywhere, those of a `with` statement in it alone."""

import concurrent.futures
import contextlib
import contextvars
import pickle
import threading

import numpy as np
import pytest

import stackmill as sm
import stackmill.ndimage as sn
from stackmill import _settings


@pytest.fixture(autouse=True)
def bare():
    """A context without the suite's own settings, and a process that is left as it was."""
    before = _settings._process
    token = _settings._context.set(None)
    yield
    _settings._context.reset(token)
    _settings._process = before


def in_thread(function):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def threads():
    return _settings.engine().get("threads")


def test_what_is_called_is_seen_by_all_threads():
    sm.options(threads=3, default_float="float64")
    kept = sm.options(memory="1GiB")
    assert threads() == 3 and in_thread(threads) == 3 and in_thread(lambda: _settings.choice("default_float")) == "float64"
    assert in_thread(lambda: _settings.engine()["memory"]) == 1 << 30
    x = sm.from_array(np.arange(4, dtype=np.uint8))
    assert in_thread(lambda: (x + 1.5).dtype) == np.float64
    started = []
    thread = threading.Thread(target=lambda: started.append(threads()))
    thread.start()
    thread.join()
    assert started == [3]
    sm.options(threads=None)
    assert threads() is None and in_thread(threads) is None
    del kept


def test_a_with_statement_is_seen_by_itself_alone():
    sm.options(threads=3)
    with sm.options(threads=2) as outer:
        assert threads() == 2 and in_thread(threads) == 3
        with sm.options(memory="1GiB"):
            assert threads() == 2 and in_thread(lambda: "memory" in _settings.engine()) is False
        # Called inside: for the rest of the statement.
        sm.options(threads=1)
        assert threads() == 1 and in_thread(threads) == 3
        assert contextvars.copy_context().run(threads) == 1
    assert threads() == 3 and isinstance(outer, sm.options)


def test_statements_may_be_entered_later():
    sm.options(threads=3)
    one = sm.options(threads=7)
    assert in_thread(threads) == 7
    with one:
        assert threads() == 7 and in_thread(threads) == 3
    assert threads() == 3
    with contextlib.ExitStack() as stack:
        stack.enter_context(sm.options(threads=5))
        assert threads() == 5 and in_thread(threads) == 3
    assert threads() == 3 == in_thread(threads)


def test_no_thread_sees_what_another_has_for_a_while():
    seen, stop = set(), threading.Event()

    def look():
        while not stop.is_set():
            seen.add(threads())

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(3000):
        with sm.options(threads=9):
            pass
    stop.set()
    looking.join()
    assert seen == {None}


def test_pickled_arrays_take_them_along():
    x = sm.from_array(np.arange(6.0))
    with sm.options(threads=1):
        sent = pickle.dumps(x + 1)
    there = pickle.loads(sent)
    assert "1 threads" in there.explain() and "1 threads" in (there * 2).sum().explain()
    assert "1 threads" not in x.explain()
    with sm.options(threads=2):
        assert "2 threads" in there.explain()
    assert pickle.loads(pickle.dumps(there))._shipped == {"threads": 1}


def test_dasks_workers_filter_under_them():
    da = pytest.importorskip("dask.array")
    seen = []

    def derivative(x, axis, output, mode, cval):
        seen.append(threads())
        return sn.correlate1d(x, [1, -1], axis, output, mode, cval)

    x = da.ones((8, 8), chunks=4)
    with sm.options(threads=1):
        made = sn.generic_laplace(x, derivative)
        seen.clear()
    made.compute(scheduler="threads")
    assert set(seen) == {1}
