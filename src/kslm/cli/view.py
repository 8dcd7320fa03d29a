"""The live view: stages with their state, and the tasks of the one at work.

On a terminal it is redrawn in place; elsewhere (a log, a pipe) each stage prints one line when it ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, ProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.progress import Task as Bar
from rich.table import Table
from rich.text import Text

from kslm.outputs import Outputs
from kslm.pipeline import PIPELINE
from kslm.report import Progress, Report, Task
from kslm.settings import Settings

BYTES = "B"


class _Amount(ProgressColumn):
    """Done, total and rate in the task's own unit."""

    def render(self, task: Bar) -> Text:
        unit = task.fields["unit"]
        speed = task.finished_speed or task.speed
        rate = f"  {_quantity(speed, unit)}/s" if speed else ""
        total = f" of {_quantity(task.total, unit)}" if task.total else ""
        return Text(f"{_quantity(task.completed, unit)}{total}{rate}", style="cyan")


def _quantity(amount: float, unit: str) -> str:
    if unit == BYTES:
        return f"{amount / 1e6:,.1f} MB"
    return f"{amount:,.0f} {unit}" if amount >= 10 or amount == int(amount) else f"{amount:.1f} {unit}"


class _LiveTask(Task):
    def __init__(self, bars: Bars, bar: int) -> None:
        self._bars, self._bar = bars, bar

    def advance(self, amount: float = 1) -> None:
        self._bars.advance(self._bar, amount)  # type: ignore[arg-type]

    def update(self, *, total: float | None = None, note: str | None = None) -> None:
        if total is not None:
            self._bars.update(self._bar, total=total)  # type: ignore[arg-type]
        if note is not None:
            self._bars.update(self._bar, note=note)  # type: ignore[arg-type]


class _LiveProgress(Progress):
    def __init__(self, bars: Bars) -> None:
        self._bars = bars

    @contextmanager
    def task(self, description: str, *, total: float | None = None, unit: str = "") -> Iterator[Task]:
        bar = self._bars.add_task(description, total=total, unit=unit, note="")
        try:
            yield _LiveTask(self._bars, bar)
        finally:
            self._bars.remove_task(bar)


class LiveView:
    """Shows a sequence of stages at work.

    Args:
        console: where to draw.
        stages: names, in order.
        settings: for the heading.
    """

    def __init__(self, console: Console, stages: tuple[str, ...], settings: Settings) -> None:
        self._console, self._settings = console, settings
        self._state: dict[str, tuple[str, str]] = dict.fromkeys(stages, ("dim", "waiting"))
        self._begun = time.monotonic()
        self._bars = Bars(
            TextColumn("    {task.description}"),
            BarColumn(bar_width=24),
            _Amount(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
        )
        self._live = Live(get_renderable=self._draw, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> LiveView:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def _draw(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for name, (style, text) in self._state.items():
            table.add_row(Text(f"  {name}", style=f"bold {style}"), Text(text, style=style))
        minutes, seconds = divmod(int(time.monotonic() - self._begun), 60)
        head = Text(f"kslm · profile {self._settings.profile.profile} · {minutes}:{seconds:02d}", style="bold")
        return Group(head, table, self._bars)

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        """Mark a stage as running for as long as the block lasts, and as failed if it raises."""
        self._state[name] = ("yellow", PIPELINE[name].help)
        try:
            yield _LiveProgress(self._bars)
        except BaseException:
            self._state[name] = ("red", "failed")
            self._line(name)
            raise

    def done(self, name: str, report: Report[Outputs]) -> None:
        """Mark a stage as finished, or as reused."""
        text = "current, reused" if report.reused else f"{report.seconds:.1f} s{headline(report)}"
        self._state[name] = ("blue" if report.reused else "green", text)
        self._line(name)
        for note in () if report.reused else report.notes:
            self._console.print(Text(f"    note: {note}", style="yellow"))

    def _line(self, name: str) -> None:
        style, text = self._state[name]
        self._console.print(Text(f"  {name:<9} {text}", style=style))


def headline(report: Report[Outputs]) -> str:
    """The stage's own rate or result, in a few words, led by a separator; empty if it has none."""
    shown, metrics = PIPELINE[report.stage].headline, report.metrics
    return "".join(f" · {form.format(metrics[key])}" for key, form in shown if key in metrics)
