#!/usr/bin/env python3
"""What others do with the same arrays on the same device: torch, CuPy and cuCIM, in the columns of `stackmill bench gpu`.

Times are the device's own (events around a call, the median of several); an answer is checked before it is timed: by stackmill's
on the whole array (`--stackmill`), else by NumPy on two corners of it. Element i of an array, in C order, is `splitmix64(i) >> 48`
as u16, that divided by 65536 as f32. A library that is missing is a line of the table. It knows no shader and opens no adapter.

    peers.py [--size 16,2048,2048] [--seconds 35] [--ops median3,sum] [--device cuda|cpu] [--json FILE]
             [--stackmill PATH [--adapter NAME]]

Exit status: 0 done, 1 a wrong answer or one that could not be checked, 2 bad arguments.
"""

import argparse
import json
import os
import sys
import tempfile
import time

from peers_answers import OPS, Answers, elements, np
from peers_libraries import LIBRARIES

RATES = ["copy_gb_s", "up_gb_s", "down_gb_s", "duplex_gb_s"]
HEAD = ["op", "dtype", "shape", "device ms", "Gpx/s", "ρ", "library", "how", "answer"]


class Table:
    """Rows, printed as they come and kept in the file: what stops the program leaves what was measured."""

    def __init__(self, path, top):
        self.path, self.top = path, {**top, "rows": []}
        self.wrong = 0

    def head(self):
        print("| " + " | ".join(HEAD) + " |\n|" + " --- |" * len(HEAD), flush=True)

    def add(self, library, op, how, shape, ms, copy, words, right):
        pixels = shape[0] * shape[1] * shape[2]
        rate = ms and pixels / 1e6 / ms
        rho = rate and copy and op and op.bytes_px * rate / copy
        row = {"library": library, "op": op.name if op else "-", "dtype": op.dtype if op else "-", "shape": list(shape)}
        row |= {"how": how, "device_ms": ms, "gpx_s": rate, "rho": rho, "verdict": words}
        self.top["rows"].append(row)
        self.wrong += not right
        self.top["wrong"] = self.wrong
        self.save()
        number = [f"{v:.3g}" if v else "-" for v in (ms, rate, rho)]
        cells = [row["op"], row["dtype"], "×".join(map(str, shape)), *number, library, how, words]
        print("| " + " | ".join(cells) + " |", flush=True)

    def save(self):
        if self.path:
            part = f"{self.path}.part"
            with open(part, "w") as file:
                json.dump(self.top, file, indent=1)
            os.replace(part, self.path)


def tried(calls):
    """The first of the calls that works, and what it made."""
    for last, call in enumerate(calls, 1):
        try:
            return call, call()
        except (RuntimeError, TypeError, NotImplementedError):
            if last == len(calls):
                raise
    raise RuntimeError("no way to write it")


def measure(library, op, way, x, answers, table, share):
    """One row: the answer first, then the time."""
    how, calls = way
    shape = answers.arrays[op.dtype].shape
    add = lambda ms, words, right: table.add(library.name, op, how, shape, ms, table.top["copy_gb_s"], words, right)  # noqa: E731
    if share <= 0:
        return add(None, "no time left", True)
    until = time.perf_counter() + share
    try:
        call, made = tried(calls)
        words, right = answers.judge(op, library.back(made, op))
        del made
        return add(library.median_ms(call, until), words, right)
    except Exception as e:  # whatever a library says is a row of the table
        words = f"failed: {type(e).__name__}: {e}".splitlines()[0][:160].replace("|", "/")
        return add(None, words, True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="16,2048,2048", help="extents z,y,x")
    parser.add_argument("--seconds", type=float, default=35, help="about how long all of it may take")
    parser.add_argument(
        "--ops", help="names with commas; `copies`, always measured, alone: " + ", ".join(dict.fromkeys(op.name for op in OPS))
    )
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="cpu only tries the program out")
    parser.add_argument("--json", help="a file for the figures")
    parser.add_argument("--stackmill", help="the program whose answers are compared, on the whole array")
    parser.add_argument("--adapter", default="cpu", help="stackmill's --device")
    asked = parser.parse_args()
    try:
        asked.size = tuple(int(n) for n in asked.size.split(","))
        names = {op.name for op in OPS} | {"copies"}
        asked.ops = names if asked.ops is None else {name for name in asked.ops.split(",") if name}
        if len(asked.size) != 3 or min(asked.size) < 1:
            raise ValueError("--size is three extents of at least 1, as 16,2048,2048")
        if not asked.ops or asked.ops - names:
            raise ValueError(f"--ops: {', '.join(sorted(asked.ops - names)) or 'none'}; known: {', '.join(sorted(names))}")
        if not asked.seconds > 0:
            raise ValueError(f"--seconds {asked.seconds}: more than 0")
        if asked.stackmill and not os.access(asked.stackmill, os.X_OK):
            raise ValueError(f"--stackmill {asked.stackmill}: no program there")
        if asked.adapter != "cpu" and not asked.stackmill:
            raise ValueError("--adapter says where stackmill runs: it needs --stackmill")
    except ValueError as e:
        parser.error(str(e))
    return asked


def opened(asked, table):
    """The libraries that are here; the others have their line."""
    found = []
    for kind in LIBRARIES:
        try:
            if np is None:
                raise ImportError("peers.py needs NumPy, which is not here")
            found.append(kind(asked.device, asked.seconds))
        except Exception as e:  # a broken installation says so in many ways
            words = str(e).splitlines()[0][:160] if str(e) else type(e).__name__
            table.add(kind.name, None, "-", asked.size, None, None, f"not here: {words}", True)
    return found


def main():
    asked = arguments()
    began = time.perf_counter()
    top = {"device": asked.device, "size": list(asked.size), "seconds": asked.seconds, **dict.fromkeys(RATES)}
    table = Table(asked.json, top)
    if asked.device == "cpu":
        table.top["device"] = "cpu (a dry run: its speed says nothing)"
        print("A dry run on the CPU: it tries the program out, its speed says nothing.\n")
    table.head()
    libraries = opened(asked, table)
    if not libraries:
        return table.save()
    ops = [op for op in OPS if op.name in asked.ops]
    try:
        table.top.update(libraries[0].transfers(asked.seconds / (10 if ops else 1)))
    except Exception as e:  # what a driver refuses is said, and the ops are tried all the same
        print(f"copies failed: {type(e).__name__}: {e}")
    table.top["libraries"] = [library.title for library in libraries]
    table.save()
    if ops:
        time_ops(asked, began, ops, libraries, table)
    rates = [f"{name.removesuffix('_gb_s')} {table.top[name]:.1f}" for name in RATES if table.top[name]]
    print(f"\n{'; '.join(table.top['libraries'])}\nGB/s: {', '.join(rates)}")
    print(f"{table.wrong} answers wrong or unchecked, {time.perf_counter() - began:.1f} s")
    return table.wrong


def time_ops(asked, began, ops, libraries, table):
    """Every op in every library, in all ways."""
    whole = elements(asked.size)
    arrays = {"u16": whole, "f32": whole.astype(np.float32) / np.float32(65536)}
    with tempfile.TemporaryDirectory(prefix="stackmill-peers-") as folder:
        answers = Answers(arrays, asked.stackmill, asked.adapter, folder)
        there = {(lib.name, dtype): lib.there(array) for lib in libraries for dtype, array in arrays.items()}
        rows = [(lib, op, way) for op in ops for lib in libraries for way in lib.ways(op, there[lib.name, op.dtype])]
        # What has to be compiled comes last: it is what may take too long.
        rows.sort(key=lambda row: "compiled" in row[2][0])
        for number, (library, op, way) in enumerate(rows):
            left = began + asked.seconds - time.perf_counter()
            measure(library, op, way, there[library.name, op.dtype], answers, table, left / (len(rows) - number))


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
