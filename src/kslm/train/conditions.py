"""Under what a run was trained that does not name it: versions, processor, threads, ranks.

Weights depend on these in their last digits only, so a run goes on under others; what they were is kept in the run's
folder, and where they changed is said in its report.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path

import torch

from kslm import ranks
from kslm.code import versions
from kslm.model import processor_name
from kslm.published import write_atomically

LIBRARIES = ("accelerate", "numpy", "torch", "transformers")


def conditions(*, bf16: bool) -> dict[str, str]:
    """The conditions of this process."""
    return versions(LIBRARIES) | {
        "python": platform.python_version(),
        "processor": processor_name(),
        "precision": "bfloat16" if bf16 else "float32",
        "threads": str(torch.get_num_threads()),
        "ranks": str(ranks.world()),
    }


class ConditionLog:
    """The conditions of each start of one run, in conditions.json of its folder.

    Attributes:
        starts: for each, the step it went on from and its conditions, in order.
    """

    def __init__(self, run: Path) -> None:
        self.path = run / "conditions.json"
        self.starts: list[tuple[int, dict[str, str]]] = []
        if self.path.exists():
            self.starts = [(entry["step"], entry["conditions"]) for entry in json.loads(self.path.read_text("utf-8"))]

    def add(self, step: int, conditions: dict[str, str]) -> None:
        """Count one more start; it is on disk when this returns."""
        self.starts.append((step, conditions))
        entries = [{"step": step, "conditions": conditions} for step, conditions in self.starts]
        write_atomically(self.path, json.dumps(entries, indent=1))

    def changes(self) -> list[str]:
        """Sentences on each start under other conditions than the one before."""
        sentences = []
        for (_, before), (step, after) in zip(self.starts, self.starts[1:], strict=False):
            changed = [
                f"{name} {before.get(name, 'none')} → {after.get(name, 'none')}"
                for name in sorted(before | after)
                if before.get(name) != after.get(name)
            ]
            if changed:
                sentences.append(f"went on from step {step} under other conditions: {', '.join(changed)}")
        return sentences
