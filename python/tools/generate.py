"""Writes what follows from the records of the ops, stackmill/_ops.py, and from the signatures of SciPy's names,
stackmill/ndimage/__init__.pyi. `--check` says whether they are up to date."""

import inspect
import pathlib
import re
import sys
import textwrap

import stackmill._internal as engine
import stackmill.ndimage as names

PLACE = pathlib.Path(__file__).parent.parent / "stackmill" / "_ops.py"
TYPES = {
    "dtype": "DTypeLike", "True or False": "bool", "whole number": "Whole", "number": "Number", "number or length": "Length",
    "nested lists": "Box", "axis or list of axes": "Axes", "mode": "Mode",
}  # fmt: skip
# What an example gives to a parameter that must be given.
GIVEN = {
    "lower": "0", "upper": "255", "dtype": "'float32'", "sigma": "1.5", "size": "3", "weights": "[1, 2, 1]", "rank": "0",
    "percentile": "90", "axis": "0", "heights": "[[0, 1, 0]]",
}  # fmt: skip
RETURNS = {
    "reduce": "a lazy array without the axes that are reduced, of extent 1 with `keepdims`",
    "geometry": "a lazy array of the dtype of `x`",
}
HEAD = '''"""stackmill's own ops as functions. Written by tools/generate.py from the records of the ops: do not edit."""

from __future__ import annotations

from ._array import Array, apply
from ._types import Axes, Box, DTypeLike, Length, Mode, Number, Operand, Whole

'''


def parameter(name, kind, default):
    """A parameter with its type."""
    if default is None:
        return f"{name}: {TYPES[kind]}"
    return f"{name}: {TYPES[kind]}{' | None' if default == 'None' else ''} = {default.replace('[-1]', '-1')}"


def ending(op):
    """What is returned and raised, and an example."""
    among = op.family in ("math", "compare", "wrapping")
    made = RETURNS.get(op.family, "a lazy array of the operands' common shape" if among else "a lazy array of the shape of `x`")
    shapes = "shapes that do not fit each other and " if len(op.inputs) > 1 else ""
    axes = "; NoSuchAxisError for an axis that `x` has not" if any(name in ("axis", "axes") for name, *_ in op.params) else ""
    values = GIVEN | ({"weights": "[[1, 2, 1]]"} if op.name in ("correlate", "convolve") else {})
    given = [*op.inputs, *[f"{name}={values[name]}" for name, _, _, default in op.params if default is None]]
    if "rank" in op.name or "percentile" in op.name:
        given.append("size=3")
    return [
        f"Returns {made}; nothing is computed.",
        f"Raises CallerError for {shapes}parameters that cannot be{axes}; DtypeError for dtypes that the op has not.",
        "",
        f"Example: `stackmill.{op.name}({', '.join(given)})`",
    ]


def function(op):
    given = [f"{name}: Operand" for name in op.inputs]
    given += [parameter(name, kind, default) for name, kind, _, default in op.params]
    doc = op.doc.strip().replace("\\", "\\\\")
    lines = [f'"""{doc}']
    if op.params:
        lines.append("")
    for name, kind, about, default in op.params:
        told = f"{name}: {kind}{'' if default is None else f', {default} by default'}. {about.strip()}"
        lines += textwrap.wrap(told, 116, subsequent_indent="    ")
    lines.append("")
    for told in ending(op):
        lines += textwrap.wrap(told, 116) or [""]
    lines.append('"""')
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


STUB = PLACE.parent / "ndimage" / "__init__.pyi"
# What an argument of SciPy's may be, by its name.
ARGUMENTS = {
    "weights": "Box", "sigma": "Number", "order": "Whole", "size": "Whole", "footprint": "Box", "structure": "Box", "structure1": "Box",
    "structure2": "Box", "rank": "SupportsIndex", "percentile": "float", "axis": "SupportsIndex", "axes": "Whole",
    "output": "DTypeLike | NDArray[Any]", "mode": "str | Sequence[str]", "cval": "complex", "origin": "Whole", "origin1": "Whole",
    "origin2": "Whole", "truncate": "float", "radius": "Whole", "iterations": "SupportsIndex", "mask": "Operand", "border_value": "int",
    "brute_force": "bool", "derivative": "Callable[..., Given]", "derivative2": "Callable[..., Given]",
    "extra_arguments": "tuple[Given, ...]", "extra_keywords": "Mapping[str, Given]", "kwargs": "Given",
}  # fmt: skip
STUB_HEAD = '''"""Types of SciPy's names. Written by tools/generate.py from their signatures: do not edit."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, SupportsIndex, TypeVar, overload

from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._array import Array
from .._types import Box, Given, Number, Operand, Whole

# An array of another package, dask's or xarray's, which stays one.
_Foreign = TypeVar("_Foreign")

'''


def argument(parameter):
    """An argument of SciPy's with its type."""
    kind = ARGUMENTS[parameter.name]
    if parameter.kind is parameter.VAR_KEYWORD:
        return f"**{parameter.name}: {kind}"
    if parameter.default is parameter.empty:
        return f"{parameter.name}: {kind}"
    default = repr(parameter.default).replace("'", '"')
    return f"{parameter.name}: {kind}{' | None' if parameter.default is None else ''} = {default}"


def overloads(name):
    """A filter of a lazy array, of what NumPy makes an array of, and of another package's array."""
    parameters = list(inspect.signature(getattr(names, name)).parameters.values())[1:]
    given = []
    for place, parameter in enumerate(parameters):
        if parameter.kind is parameter.KEYWORD_ONLY and parameters[place - 1].kind is not parameter.KEYWORD_ONLY:
            given.append("*")
        given.append(argument(parameter))
    kinds = (("Array", "Array"), ("ArrayLike", "NDArray[Any]"), ("_Foreign", "_Foreign"))
    rows = [f"@overload\ndef {name}({', '.join([f'input: {taken}', *given])}) -> {made}: ..." for taken, made in kinds]
    return "\n".join(rows)


def stub():
    filters = [name for name in names.__all__ if "input" in inspect.signature(getattr(names, name)).parameters]
    rest = """def generate_binary_structure(rank: SupportsIndex, connectivity: SupportsIndex) -> NDArray[Any]: ...
@overload
def iterate_structure(structure: Box, iterations: SupportsIndex, origin: None = None) -> NDArray[Any]: ...
@overload
def iterate_structure(structure: Box, iterations: SupportsIndex, origin: Whole) -> tuple[NDArray[Any], list[int]]: ..."""
    known = ", ".join(f'"{name}"' for name in names.__all__)
    every = "\n".join(textwrap.wrap(known + ",", 116, initial_indent="    ", subsequent_indent="    "))
    return STUB_HEAD + f"__all__ = [\n{every}\n]\n\n" + "\n".join([*map(overloads, filters), rest]) + "\n"


if __name__ == "__main__":
    for place, made in (PLACE, text()), (STUB, stub()):
        if "--check" not in sys.argv[1:]:
            place.write_text(made)
        elif place.read_text() != made:
            sys.exit(f"{place} is not what the records say; run python/tools/generate.py")
