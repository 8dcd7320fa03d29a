"""From Databricks' source format to Jupyter's: `python -m kslm.notebook FILE...` writes an .ipynb beside each file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kslm.errors import DataError

HEADER = "# Databricks notebook source\n"
SEPARATOR = "\n# COMMAND ----------\n"
_MAGIC = "# MAGIC "


def cells(source: str) -> list[tuple[str, str]]:
    """The cells of a notebook in Databricks' source format: their type (markdown or code) and their text.

    Cells of other magics (%pip, %restart_python) prepare a Databricks session, and are left out.

    Raises:
        DataError: the text is not in that format.
    """
    if not source.startswith(HEADER):
        raise DataError(
            "not a notebook in Databricks' source format", cause=f"its first line is not {HEADER.strip()!r}"
        )
    found = []
    for part in source.removeprefix(HEADER).split(SEPARATOR):
        text = part.strip("\n")
        if not text.startswith("# MAGIC"):
            found.append(("code", text))
        elif text.startswith(f"{_MAGIC}%md"):
            lines = [line.removeprefix(_MAGIC).removeprefix("# MAGIC") for line in text.split("\n")]
            found.append(("markdown", "\n".join(lines).removeprefix("%md").lstrip("\n")))
    return found


def to_jupyter(source: str) -> str:
    """The same notebook as an .ipynb document (nbformat 4.5), without outputs."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    entries: list[dict[str, Any]] = []
    for number, (kind, text) in enumerate(cells(source)):
        unrun: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
        entries.append({"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text} | unrun)
    return json.dumps({"cells": entries, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def convert(path: Path) -> Path:
    """Write the notebook's .ipynb beside it; returns its path."""
    target = path.with_suffix(".ipynb")
    target.write_text(to_jupyter(path.read_text("utf-8")), "utf-8")
    return target
