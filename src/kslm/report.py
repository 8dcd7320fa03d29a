"""What a stage hands back: its numbers, and where the next stage finds what it published.

A report is also the publication itself. The runner writes it as one small JSON file, last and atomically, so a stage
that was killed has no report and is simply run again.
"""

from __future__ import annotations

import json
import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kslm.errors import DataError


@dataclass
class Report:
    """One stage's result.

    Attributes:
        stage: the stage's name, as on the command line.
        output_id: identity of the content published (a hash); equal content gives an equal id on every engine.
        metrics: flat numbers, named as in MLflow (`val/perplexity`, `ingest/mb_per_cpu_second`).
        outputs: JSON values the next stages need: paths, table versions, run ids.
        notes: sentences a person should read (a fallback taken, inputs set aside).
        fingerprint: of inputs, settings and code; filled in by the runner.
        seconds: wall time; filled in by the runner.
        reused: whether the runner found it current instead of running the stage; not saved.
    """

    stage: str
    output_id: str
    metrics: dict[str, float] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    fingerprint: str = ""
    seconds: float = 0.0
    reused: bool = False

    def save(self, path: Path) -> None:
        """Write the report atomically: a reader sees the old one or the new one."""
        saved = asdict(self)
        del saved["reused"]
        write_atomically(path, json.dumps(saved, indent=1, sort_keys=True))

    @classmethod
    def load(cls, path: Path) -> Report:
        """Read a report.

        Raises:
            DataError: the file is missing or is not a report.
        """
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            raise DataError(
                f"no report of stage {path.stem!r} at {path}",
                cause="the stage has not finished here yet",
                remedy=f"run it first: kslm {path.stem} --profile {path.parent.name}",
            ) from None
        except (ValueError, TypeError) as error:
            raise DataError(
                f"unreadable stage report {path}", cause=str(error), remedy="delete the file and run the stage again"
            ) from error


def write_atomically(path: Path, text: str) -> None:
    """Write `text` as UTF-8 so that `path` holds either its old content or all of the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class Task:
    """One piece of long work, as seen by whoever watches it."""

    def advance(self, amount: float = 1) -> None:
        """Report `amount` more of the task's unit as done."""

    def update(self, *, total: float | None = None, note: str | None = None) -> None:
        """Correct the expected total, or say what is being worked on (a loss, a file name)."""


class Progress:
    """Where stages report progress. This one is silent; the command line draws a live view."""

    def task(self, description: str, *, total: float | None = None, unit: str = "") -> AbstractContextManager[Task]:
        """Open a task; `unit` is what `advance` counts: "B" (bytes), "docs", "steps", "tokens"."""
        return nullcontext(Task())


QUIET = Progress()
