"""`python -m kslm`, the same as `kslm`."""

from kslm.cli import main

main()
