"""Where the command line prints, and the options that its verbs share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

LOG_WIDTH = 110
"""Columns where the output is no terminal, whose width would be taken for 80."""
out = Console(width=None if sys.stdout.isatty() else LOG_WIDTH)
err = Console(stderr=True)

ProfileOption = Annotated[str, typer.Option("--profile", "-p", help="A name in conf/, or the path of a .yml file.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Run even what is current; fetch looks for newer versions.")]
LogsOption = Annotated[
    list[Path] | None,
    typer.Option("--logs", help="Your own log file or folder, beside the profile's sources. May be repeated."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="A value laid over the profile's, as train.max_steps=2000. May be repeated."),
]
