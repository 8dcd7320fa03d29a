"""What a stage hands back: its numbers, and where the next stage finds what it published.

A report is also the publication itself. The runner writes it as one small JSON file, last and atomically, so a stage
that was killed has no report and is simply run again.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from kslm.errors import DataError
from kslm.published import write_atomically


class Anything(BaseModel):
    """What some stage handed on, to whoever reads a report without knowing which stage's."""

    model_config = ConfigDict(extra="allow")


O_co = TypeVar("O_co", bound=BaseModel, covariant=True)
R = TypeVar("R", bound=BaseModel)


@dataclass
class Report(Generic[O_co]):
    """One stage's result.

    Attributes:
        stage: the stage's name, as on the command line.
        output_id: identity of the content published (a hash); equal content gives an equal id on every engine.
        metrics: flat numbers, named as in MLflow (`val/perplexity`, `ingest/mb_per_cpu_second`).
        outputs: what the next stages need: a record of `kslm.outputs`.
        notes: sentences a person should read (a fallback taken, inputs set aside).
        fingerprint: of inputs, settings and code; filled in by the runner.
        seconds: wall time; filled in by the runner.
        reused: whether the runner found it current instead of running the stage; not saved.
    """

    stage: str
    output_id: str
    outputs: O_co
    metrics: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    fingerprint: str = ""
    seconds: float = 0.0
    reused: bool = False

    def save(self, path: Path) -> None:
        """Write the report atomically: a reader sees the old one or the new one."""
        saved = {member.name: getattr(self, member.name) for member in fields(self) if member.name != "reused"}
        saved["outputs"] = self.outputs.model_dump(exclude_none=True)
        write_atomically(path, json.dumps(saved, indent=1, sort_keys=True))

    @classmethod
    def load(cls, path: Path, record: type[R]) -> Report[R]:
        """Read a report.

        Args:
            record: what its outputs are.

        Raises:
            DataError: the file is missing or is not a report.
        """
        try:
            saved: dict[str, Any] = json.loads(path.read_text("utf-8"))
            return Report[R](**saved | {"outputs": record.model_validate(saved["outputs"])})
        except FileNotFoundError:
            raise DataError(
                f"no report of stage {path.stem!r} at {path}",
                cause="the stage has not finished here yet",
                remedy=f"run it first: kslm {path.stem} --profile {path.parent.name}",
            ) from None
        except (ValidationError, ValueError, TypeError, KeyError) as error:
            raise DataError(
                f"unreadable stage report {path}", cause=str(error), remedy="delete the file and run the stage again"
            ) from error


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
