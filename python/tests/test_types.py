"""Types and help: a user's script is strictly typed, no public signature says Any, everything public says what it takes and gives."""

import ast
import importlib
import inspect
import pathlib
import subprocess
import sys

import pytest

import stackmill as sm
import stackmill.ndimage as sn

PACKAGE = pathlib.Path(sm.__file__).parent
SCRIPT = pathlib.Path(__file__).parent / "user_script.py"


def test_a_users_script_is_strictly_typed(tmp_path):
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(SCRIPT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "import stackmill as sm\nx = sm.open(3)\nsm.gaussian(x, 1.0, mode='mirrored')\nx.sum(axiss=0)\nsm.options(threads='two')\n"
    )
    done = subprocess.run([*command[:-1], str(wrong)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.count("error:") == 4, done.stdout


def signatures(path):
    """Public functions of a file, and public methods of its public classes, with their annotations."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for part in node.body:
                is_ours = isinstance(part, ast.FunctionDef) and (
                    not part.name.startswith("_") or part.name.strip("_") in OPERATORS
                )
                if is_ours:
                    yield f"{node.name}.{part.name}", part
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node


OPERATORS = ("init", "add", "radd", "getitem", "lt", "pow", "and", "rtruediv")
FILES = ["__init__.py", "_array.py", "_methods.py", "_ops.py", "_settings.py", "_tiles.py", "ndimage/__init__.pyi"]
# Not public for all that their names have no underscore.
INNER = ("apply", "as_array", "as_operand", "choice", "current", "engine", "extents", "within")


@pytest.mark.parametrize("file", FILES)
def test_no_public_signature_says_any(file):
    found = 0
    for name, node in signatures(PACKAGE / file):
        if name in INNER:
            continue
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        for argument in arguments:
            if argument is not None and argument.arg not in ("self", "_"):
                assert argument.annotation is not None, f"{name}: {argument.arg} has no type"
                told = ast.unparse(argument.annotation)
                assert told.replace("NDArray[Any]", "").find("Any") < 0, f"{name}: {argument.arg} is {told}"
                found += 1
        assert node.returns is not None and ast.unparse(node.returns) != "Any" or name.endswith("__round__"), name
    assert found or file == "__init__.py"


OPS = [(f"stackmill.{name}", getattr(sm, name)) for name in sm._ops.__all__]
FILTERS = [(f"ndimage.{name}", getattr(sn, name)) for name in sn.__all__]
OTHERS = [
    (f"stackmill.{n}", getattr(sm, n))
    for n in ("open", "from_array", "cast", "save_many", "map_blocks", "map_overlap", "options")
]
METHODS = [(f"Array.{n}", m) for n, m in inspect.getmembers(sm.Array, inspect.isfunction) if not n.startswith("_")]


@pytest.mark.parametrize(
    ("name", "function"), [*OPS, *FILTERS, *OTHERS, *METHODS], ids=lambda v: v if isinstance(v, str) else ""
)
def test_help_says_what_is_taken_and_given(name, function):
    told = inspect.getdoc(function)
    assert "Returns" in told or "returns" in told, name
    assert "Raises" in told and "Example: `" in told, name
    taken = [
        p
        for p in inspect.signature(function).parameters
        if p not in ("self", "x", "y", "condition", "named", "others", "arrays", "out")
    ]
    if not name.startswith("Array."):
        assert all(p in told for p in taken), f"{name}: {[p for p in taken if p not in told]}"
    example = told.split("Example: `")[1].split("`")[0]
    ast.parse(example)


def test_examples_of_help_run():
    import numpy as np

    a = np.arange(60, dtype=np.int32).reshape(5, 12) % 7
    for name, function in [*OPS, *FILTERS]:
        example = inspect.getdoc(function).split("Example: `")[1].split("`")[0]
        heights = {"f": lambda x, axis, output, mode, cval: sn.correlate1d(x, [1, -2, 1], axis, output, mode, cval)}
        names = {
            "stackmill": sm,
            "x": sm.from_array(a),
            "y": sm.from_array(a + 1),
            "condition": sm.from_array(a > 2),
            **heights,
        }
        if name in (
            "ndimage.generate_binary_structure",
            "ndimage.iterate_structure",
            "ndimage.binary_fill_holes",
            "ndimage.binary_propagation",
        ):
            names["x"] = a > 3
        made = eval(example, names)
        assert made is not None, name


def test_every_module_is_typed():
    assert (PACKAGE / "py.typed").exists()
    assert importlib.import_module("stackmill._types").Operand
