"""Progress as lines of text, which every notebook shows, and which stay."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from kslm.report import Progress, Task

SECONDS = 15.0
"""Between two lines of a task."""


class Lines(Progress):
    """Prints where a task stands every SECONDS, and once when it ends."""

    @contextmanager
    def task(self, description: str, *, total: float | None = None, unit: str = "") -> Iterator[Task]:
        """See `Progress.task`."""
        task = _Line(description, total, unit)
        yield task
        task.print()


class _Line(Task):
    def __init__(self, description: str, total: float | None, unit: str) -> None:
        self._description, self._total, self._unit = description, total, unit
        self._done, self._note, self._printed = 0.0, "", time.monotonic()

    def advance(self, amount: float = 1) -> None:
        self._done += amount
        if time.monotonic() - self._printed > SECONDS:
            self.print()

    def update(self, *, total: float | None = None, note: str | None = None) -> None:
        self._total = self._total if total is None else total
        self._note = self._note if note is None else note

    def print(self) -> None:
        """One line: how much of the total, and the note."""
        total = f" of {self._total:,.0f}" if self._total else ""
        amount = f"{self._done:,.0f}{total} {self._unit}".strip()
        print(": ".join(part for part in (self._description, amount, self._note) if part), flush=True)
        self._printed = time.monotonic()
