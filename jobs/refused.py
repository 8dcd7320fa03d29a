"""The task of a model that is not worth releasing: it says why and fails, so that the job's notifications go out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

GATES_FAILED = 3


def parser() -> argparse.ArgumentParser:
    """The task's parameters."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--verdict", required=True, help="the gates that were missed")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Say which gates were missed; returns 3, as the command line does."""
    print(f"not released: {parser().parse_args(arguments).verdict}", file=sys.stderr)
    return GATES_FAILED


if __name__ == "__main__":
    sys.exit(main())
