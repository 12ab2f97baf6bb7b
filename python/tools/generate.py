"""Writes what follows from the records of the ops: stackmill/_ops.py. `--check` says whether it is up to date."""

import pathlib
import re
import sys
import textwrap

import stackmill._internal as engine

PLACE = pathlib.Path(__file__).parent.parent / "stackmill" / "_ops.py"
TYPES = {
    "dtype": "Any", "true or false": "bool", "text": "str", "whole number": "int", "number": "float",
}  # fmt: skip
HEAD = '''"""stackmill's own ops as functions. Written by tools/generate.py from the records of the ops: do not edit."""

from __future__ import annotations

from typing import Any

from ._array import Array, apply

'''


def function(op):
    given = [f"{name}: Any" for name in op.inputs]
    given += [f"{name}: Any" + ("" if default is None else f" = {default}") for name, _, _, default in op.params]
    doc = op.doc.strip().replace("\\", "\\\\")
    lines = [f'"""{doc}']
    if op.params:
        lines.append("")
    for name, kind, about, default in op.params:
        told = f"{name}: {kind}{'' if default is None else f', {default} by default'}. {about.strip()}"
        lines += textwrap.wrap(told, 116, subsequent_indent="    ")
    lines.append('"""' if len(lines) > 1 or "\n" in doc else "")
    if len(lines) == 2 and not lines[1]:
        lines = [lines[0] + '"""']
    text = f"def {op.name}({', '.join(given)}) -> Array:\n"
    text += "\n".join(("    " + line).rstrip() for part in lines for line in part.split("\n")) + "\n"
    named = ", ".join(f'"{name}": {name}' for name, *_ in op.params)
    inputs = ", ".join(op.inputs) + ("," if len(op.inputs) == 1 else "")
    text += f'    return apply("{op.name}", ({inputs}), (), {{{named}}})\n'
    return text


def text():
    ops = engine.records()
    names = "\n".join(
        textwrap.wrap(
            ", ".join(f'"{op.name}"' for op in sorted(ops, key=lambda o: o.name)) + ",",
            116,
            initial_indent="    ",
            subsequent_indent="    ",
        )
    )
    body = "\n\n".join(function(op) for op in ops)
    made = HEAD + f"__all__ = [\n{names}\n]\n\n\n" + body
    return re.sub(r"[ \t]+\n", "\n", made)


if __name__ == "__main__":
    made = text()
    if "--check" in sys.argv[1:]:
        if PLACE.read_text() != made:
            sys.exit(f"{PLACE} is not what the records say; run python/tools/generate.py")
    else:
        PLACE.write_text(made)
