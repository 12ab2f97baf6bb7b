"""Runs docs/quickstart.ipynb in a folder of its own and fails where a cell does; `--write` keeps the outputs in the file."""

import pathlib
import sys
import tempfile

import nbformat
from nbclient import NotebookClient

PLACE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "quickstart.ipynb"


def main():
    notebook = nbformat.read(PLACE, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    if not {"text/html", "image/png"} <= kinds:
        sys.exit(f"the notebook shows no array and no picture: {kinds}")
    if "--write" in sys.argv[1:]:
        for cell in notebook.cells:
            cell.get("metadata", {}).pop("execution", None)
        nbformat.write(notebook, PLACE)


if __name__ == "__main__":
    main()
