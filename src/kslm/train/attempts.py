"""Attempts at one run: one that is given up is followed by an adjusted one, from the last good checkpoint."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from kslm import published, ranks
from kslm.errors import KslmError
from kslm.model import initialise
from kslm.paths import Home
from kslm.report import Progress
from kslm.scratch import at_hand
from kslm.tracking.run import Tracker
from kslm.train import checkpoints
from kslm.train.guards import Abort, AbortLog, Diverged, describe, is_out_of_memory, recipe_after
from kslm.train.loop import Job, fit


class Attempts:
    """All attempts of one run, those of a process killed earlier included.

    Attributes:
        notes: what was changed, and why.
    """

    def __init__(self, job: Job, tracker: Tracker, home: Home) -> None:
        self.job = job
        self.home = home
        self.tracker = tracker
        self.log = AbortLog(job.folder)
        self.notes: list[str] = []

    def run(self, progress: Progress) -> list[dict[str, Any]]:
        """Train until an attempt reaches max_steps; returns the Trainer's log.

        Raises:
            KslmError: max_attempts attempts were given up.
        """
        while True:
            start = self._latest()
            done = checkpoints.step_of(start) if start else 0
            try:
                with progress.task("training", total=self.job.train.max_steps, unit="steps") as task:
                    task.advance(done)
                    model = initialise(self.job.model, self.job.seed)
                    recipe = recipe_after(self.job.train, self.log.aborts)
                    resume = ranks.in_turn(partial(at_hand, self.home, start)) if start else None
                    return fit(self.job, model, recipe, resume, tracker=self.tracker, task=task)
            except Diverged as reason:
                failure = reason
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or ranks.world() > 1:
                    raise
                failure = Diverged("out_of_memory", done, str(error)[:300])
            self._give_up(failure, start)

    def _give_up(self, failure: Diverged, start: Path | None) -> None:
        restart = self._restart(failure, start)
        before = recipe_after(self.job.train, self.log.aborts)
        abort = Abort(failure.reason, failure.step, failure.detail, checkpoints.step_of(restart) if restart else 0)
        self.log.add(abort, write=not ranks.rank())
        number = len(self.log.aborts)
        self.tracker.tags({f"abort/{number}": str(failure), "abort/reason": failure.reason})
        if number >= self.job.train.max_attempts:
            raise KslmError(
                f"training {self.job.folder.name} failed {number} times",
                cause="; ".join(f"step {entry.step}: {entry.detail}" for entry in self.log.aborts),
                remedy="lower train.learning_rate, or train.micro_batch_size if memory ran out, and train again",
            )
        change = describe(before, recipe_after(self.job.train, self.log.aborts))
        self.notes.append(f"attempt {number} ended at {failure}; went on from step {abort.restart_step} with {change}")

    def _restart(self, failure: Diverged, start: Path | None) -> Path | None:
        """The checkpoint to go on from: the newest, unless nothing was gained since it: it may hold the trouble."""
        latest = self._latest()
        if failure.reason == "out_of_memory" or latest is None or latest != start:
            return latest
        if not ranks.rank():
            published.remove(latest)
        return self._latest()

    def _latest(self) -> Path | None:
        """The newest whole checkpoint, as the first rank sees it."""
        return ranks.agree(None if ranks.rank() else checkpoints.latest_whole(self.job.folder))
