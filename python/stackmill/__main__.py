"""`python -m stackmill` is the command line."""

from ._command import main

main()
