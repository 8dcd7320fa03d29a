"""When training has gone wrong, and what to change before going on.

Each abort is recorded in the run's folder, and the recipe is computed from the profile and those records. So a process
that is killed and started again makes the same decisions.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from kslm.errors import KslmError
from kslm.profile import Train
from kslm.published import write_atomically

Reason = Literal["not_finite", "grad_norm", "no_progress", "out_of_memory"]
LEARNING_RATE_CUT = 0.5


class Diverged(Exception):  # noqa: N818 - it ends an attempt, not the run
    """This attempt is not worth going on with."""

    def __init__(self, reason: Reason, step: int, detail: str) -> None:
        self.reason: Reason = reason
        self.step = step
        self.detail = detail
        super().__init__(f"step {step}: {detail}")


@dataclass(frozen=True)
class Abort:
    """One attempt that was given up.

    Attributes:
        step: optimizer steps done when it ended.
        restart_step: step of the checkpoint that the next attempt starts from; 0 for none.
    """

    reason: Reason
    step: int
    detail: str
    restart_step: int


@dataclass(frozen=True)
class Recipe:
    """What an attempt may change of the profile. The tokens of an optimizer step stay the same."""

    learning_rate: float
    embedding_learning_rate: float
    micro_batch_size: int
    grad_accum_steps: int
    gradient_checkpointing: bool = False

    @classmethod
    def of(cls, train: Train) -> Recipe:
        """The profile's."""
        return cls(train.learning_rate, train.embedding_learning_rate, train.micro_batch_size, train.grad_accum_steps)

    def per_rank(self, world: int) -> tuple[int, int]:
        """Micro batch and accumulation of each rank, so that all take the sequences that one process would take.

        Raises:
            KslmError: they do not divide over so many.
        """
        shared = math.gcd(self.grad_accum_steps, world)
        micro_batch_size, rest = divmod(self.micro_batch_size, world // shared)
        if rest:
            raise KslmError(
                f"the sequences of one optimizer step do not divide over {world} ranks",
                cause=f"train.micro_batch_size {self.micro_batch_size}, train.grad_accum_steps {self.grad_accum_steps}",
                remedy="make one of them a multiple of the number of ranks, or start another number of ranks",
            )
        return micro_batch_size, self.grad_accum_steps // shared


def recipe_after(train: Train, aborts: list[Abort]) -> Recipe:
    """The profile's recipe, adjusted for each abort: a lower learning rate, or less memory for the same step."""
    recipe = Recipe.of(train)
    for abort in aborts:
        if abort.reason != "out_of_memory":
            recipe = replace(
                recipe,
                learning_rate=recipe.learning_rate * LEARNING_RATE_CUT,
                embedding_learning_rate=recipe.embedding_learning_rate * LEARNING_RATE_CUT,
            )
        elif recipe.micro_batch_size % 2 == 0:
            recipe = replace(
                recipe,
                micro_batch_size=recipe.micro_batch_size // 2,
                grad_accum_steps=recipe.grad_accum_steps * 2,
            )
        else:
            recipe = replace(recipe, gradient_checkpointing=True)
    return recipe


def describe(before: Recipe, after: Recipe) -> str:
    """What changed between two recipes, for people."""
    old, new = asdict(before), asdict(after)
    return ", ".join(f"{key} {old[key]:g} → {new[key]:g}" for key in new if new[key] != old[key])


class Guard:
    """Watches one attempt.

    Args:
        start_step: losses logged up to this step belong to earlier attempts.
    """

    def __init__(self, abort_grad_norm: float, patience_steps: int, start_step: int) -> None:
        self.abort_grad_norm = abort_grad_norm
        self.patience_steps = patience_steps
        self.best_loss = math.inf
        self.best_step = start_step

    def gradient(self, norm: float, step: int) -> None:
        """Judge a gradient norm, taken before clipping. A loss that is not finite has a norm that is not either.

        Raises:
            Diverged: it is NaN, infinite or too large.
        """
        if not math.isfinite(norm):
            raise Diverged("not_finite", step, f"the loss or its gradient is not finite (gradient norm {norm})")
        if norm > self.abort_grad_norm:
            raise Diverged("grad_norm", step, f"gradient norm {norm:.4g} exceeds {self.abort_grad_norm:g}")

    def loss(self, loss: float, step: int) -> None:
        """Judge a mean training loss.

        Raises:
            Diverged: no lower one was seen for `patience_steps`.
        """
        if loss < self.best_loss:
            self.best_loss, self.best_step = loss, step
        elif step - self.best_step >= self.patience_steps:
            detail = f"no loss below {self.best_loss:.4g} since step {self.best_step}"
            raise Diverged("no_progress", step, detail)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means too little memory, of a GPU or of the machine."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


class AbortLog:
    """The aborts of one run, in aborts.json of its folder."""

    def __init__(self, run: Path) -> None:
        self.path = run / "aborts.json"
        self.aborts: list[Abort] = []
        if self.path.exists():
            self.aborts = [Abort(**entry) for entry in json.loads(self.path.read_text("utf-8"))]

    def add(self, abort: Abort, *, write: bool) -> None:
        """Count one more; with `write`, it is on disk when this returns."""
        self.aborts.append(abort)
        if write:
            write_atomically(self.path, json.dumps([asdict(entry) for entry in self.aborts], indent=1))
