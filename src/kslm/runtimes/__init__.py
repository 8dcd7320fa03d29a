"""Ways to run a model's files on this machine: a module here for each, named as it is opened.

Importing this package loads none of their libraries; a graph's process never loads torch, so that its memory is its
own.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Logits = NDArray[np.float32]


class Runtime(Protocol):
    """A model that runs, one text at a time.

    Attributes:
        context_length: tokens of prompt and text together, at most.
    """

    context_length: int

    def weights(self) -> dict[str, int]:
        """What it can tell of its weights: parameters (tied ones once), non_finite_weights, missing_weights."""
        ...

    def logits(self, window: Ids) -> Logits:
        """Logits of one window: (tokens,) to (tokens, vocabulary)."""
        ...

    def start(self, prompt: Ids) -> Logits:
        """Begin a text: logits (vocabulary,) of the token after `prompt`."""
        ...

    def step(self, token: int) -> Logits:
        """Add one token: logits (vocabulary,) of the next."""
        ...

    def timed(self, prompt: Ids, count: int) -> tuple[float, float]:
        """Seconds to read `prompt`, and to write `count` tokens greedily after it, end-of-text ignored."""
        ...


def open_runtime(name: str, folder: Path, threads: int) -> Runtime:
    """Load a model.

    Args:
        name: a module of this package.
        threads: of one operation; 0 leaves the library's own choice.
    """
    return import_module(f"kslm.runtimes.{name}").load(folder, threads)
