"""Which checkpoints of a run there are, which is the best, and which stay.

The Trainer recognises checkpoints by their names alone; here one counts only while it is whole (`kslm.published`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kslm import published

_PREFIX = "checkpoint-"


def folder_of(run: Path, step: int) -> Path:
    """A step's checkpoint: the Trainer's name for it, and the published one's."""
    return run / f"{_PREFIX}{step}"


def step_of(folder: Path) -> int:
    """The optimizer step in a checkpoint's name."""
    return int(folder.name.removeprefix(_PREFIX))


def listed(run: Path) -> list[Path]:
    """Checkpoint folders of a run, whole or not, by ascending step."""
    folders = [path for path in run.glob(f"{_PREFIX}*") if path.name.removeprefix(_PREFIX).isdigit()]
    return sorted(folders, key=step_of)


def latest_whole(run: Path) -> Path | None:
    """The newest whole checkpoint."""
    return next((path for path in reversed(listed(run)) if published.whole(path)), None)


def best_step(history: list[dict[str, Any]], run: Path) -> int | None:
    """The evaluated step of lowest validation loss among those with a checkpoint; None without one.

    Args:
        history: the Trainer's log.
    """
    losses = {entry["step"]: entry["eval_loss"] for entry in history if "eval_loss" in entry}
    saved = [step for step in losses if folder_of(run, step).is_dir()]
    return min(saved, key=lambda step: (losses[step], step), default=None)


def discard_broken(run: Path) -> None:
    """Remove checkpoints that are not whole."""
    for path in listed(run):
        if not published.whole(path):
            published.remove(path)


def rotate(run: Path, keep: int, best: Path | None) -> None:
    """Keep the newest `keep` checkpoints and the best."""
    for path in listed(run)[:-keep]:
        if path != best:
            published.remove(path)
