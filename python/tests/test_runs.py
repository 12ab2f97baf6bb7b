"""Runs: other threads go on, Ctrl-C stops them, progress is told, the command line is there."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import stackmill as sm


def slow():
    return sm.median(sm.from_array(np.random.default_rng(0).random((40, 400, 400), dtype=np.float32)), 5)


def test_other_threads_go_on():
    counted = 0
    over = threading.Event()

    def count():
        nonlocal counted
        while not over.is_set():
            counted += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    started = time.perf_counter()
    slow().compute()
    seconds = time.perf_counter() - started
    over.set()
    thread.join()
    assert counted > 20 * seconds, f"{counted} turns in {seconds:.2f} s"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to a process alone")
def test_ctrl_c_stops_a_run():
    # Whoever runs the tests in the background may have had the signal ignored, which processes inherit.
    code = """
import signal, sys, time
import numpy as np
import stackmill as sm
signal.signal(signal.SIGINT, signal.default_int_handler)
x = sm.from_array(np.zeros((4000, 64, 64), np.float32)).map_blocks(lambda t: (time.sleep(0.05), t)[1])
print("ready", flush=True)
try:
    with sm.options(tile=(4, 64, 64), threads=1):
        x.compute()
except KeyboardInterrupt:
    print("stopped", flush=True)
    print(float(sm.from_array(np.ones(3)).sum()), flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(1.0)
    asked = time.perf_counter()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert out == "stopped\n3.0\n"
    assert time.perf_counter() - asked < 20
    assert process.returncode == 0


def test_a_stopped_run_leaves_no_output(tmp_path):
    def fails(t):
        raise RuntimeError("no")

    x = sm.from_array(np.zeros((8, 64, 64))).map_blocks(fails)
    with pytest.raises(ValueError, match="no"):
        x.save(tmp_path / "a.npy")
    assert os.listdir(tmp_path) == []


def test_progress_is_told():
    from stackmill import _progress

    told = []
    x = slow()
    with sm.options(tile=(1, 400, 400)):
        x._lazy.compute({"tile": [1, 400, 400]}, lambda *news: told.append(news))
    assert told[-1][2] == told[-1][3] == 40 and told[0][0] == 1
    line = _progress.text((1, 2, 10, 40, 5 << 20, 20 << 20, 2.0, "compute"))
    assert "25%" in line and "pass 1 of 2" in line and "6 s left" in line and "5.0 MiB of 20.0 MiB" in line


def test_progress_in_a_terminal(capsys):
    from stackmill import _progress

    line = _progress._Terminal()
    line(1, 1, 1, 4, 1, 4, 0.1, "read")
    assert capsys.readouterr().err == ""
    line(1, 1, 2, 4, 2, 4, 1.0, "read")
    assert "50%" in capsys.readouterr().err
    line(1, 1, 4, 4, 4, 4, 2.0, "read")
    assert capsys.readouterr().err == "\r\x1b[2K"


def test_progress_that_fails_stops_the_run():
    def teller(*_):
        raise LookupError("nobody listens")

    with pytest.raises(LookupError, match="nobody listens"):
        slow()._lazy.compute({}, teller)


def test_a_device_that_is_not_there_is_an_error():
    with sm.options(device="no-such-gpu"):
        x = sm.from_array(np.zeros((64, 512, 512), np.float32)) + 1.0
        with pytest.raises(Exception, match="no-such-gpu"):
            x.compute()


def test_a_small_job_stays_on_the_cpu_and_says_so():
    with sm.options(device="gpu"), pytest.warns(sm.errors.StackmillWarning, match="the CPU runs it"):
        (sm.from_array(np.zeros(4)) + 1.0).compute()


def test_the_command_line_is_in_the_wheel():
    done = subprocess.run([sys.executable, "-m", "stackmill", "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("stackmill ")
    done = subprocess.run(
        [sys.executable, "-m", "stackmill", "run", "none.tif", "out.tif", "x"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "none.tif" in done.stderr


@pytest.mark.parametrize("name", ["o.npy", "o.tif", "o.zarr"])
def test_what_a_run_with_functions_writes_no_other_run_may(tmp_path, name):
    said = []

    def block(tile):
        if not said:
            said.append(None)
            with pytest.raises(ValueError, match="another run is writing") as error:
                sm.from_array(np.ones((8, 64, 64))).save(tmp_path / name)
            said[0] = str(error.value)
        return tile

    sm.from_array(np.zeros((8, 64, 64))).map_blocks(block).save(tmp_path / name)
    assert said[0], "the function never ran"
    assert not sm.open(tmp_path / name).compute().any()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_a_run_with_functions_writes_no_other_process_may(tmp_path):
    names = ["o.npy", "o.tif", "o.ome.tif", "o.zarr", "o.ome.zarr"]
    code = """
import sys
import numpy as np
import stackmill as sm
for name in sys.argv[1:]:
    try:
        sm.from_array(np.ones((8, 64, 64), np.float32), axes="ZYX").save(name)
    except ValueError as error:
        assert "another run is writing" in str(error), error
    else:
        raise SystemExit(f"{name} was written")
"""
    said = []

    def block(tile):
        if not said:
            said.append(None)
            spelled = [f"../{tmp_path.name}/{name}" for name in names]
            said[0] = subprocess.run(
                [sys.executable, "-c", code, *spelled], cwd=tmp_path, capture_output=True, text=True, check=False
            )
        return tile

    x = sm.from_array(np.zeros((8, 64, 64), np.float32), axes="ZYX").map_overlap(block, depth=1, mode="nearest")
    sm.save_many({tmp_path / name: x for name in names})
    assert said[0].returncode == 0, said[0].stderr
    for name in names:
        assert not sm.open(tmp_path / name).compute().any()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
