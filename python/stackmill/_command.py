"""The command line, from the wheel."""

import sys

from . import _internal


def main() -> None:
    """Runs `stackmill` with this process's arguments."""
    sys.exit(_internal.command(["stackmill", *sys.argv[1:]]))
