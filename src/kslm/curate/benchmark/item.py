"""One question of gold.benchmark, before it is a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import xxhash

from kslm import prompt
from kslm.knowledge.entities import module_name


class Item(NamedTuple):
    """A question about a held-out entity.

    Attributes:
        answers: each of them right.
        baselines: what simple guesses answer, by name.
        table, key, version: the row that holds the answer.
        described: what the answer is described as, for a `command_completion`.
    """

    task: str
    question: str
    answers: Sequence[str]
    baselines: Mapping[str, str]
    table: str
    key: str
    version: str | None
    group: str
    described: str = ""

    @property
    def prompt(self) -> str:
        """What a model is given."""
        return prompt.ask(self.question)

    @property
    def item_id(self) -> str:
        """xxh3-128 of task and prompt."""
        return xxhash.xxh3_128_hexdigest(f"{self.task}\0{self.prompt}".encode())


def loading(module: str) -> list[str]:
    """What loads a module: as it is written, and with either of the signs that modprobe takes for one another."""
    return [f"modprobe {name}" for name in (module, module_name(module), module.replace("_", "-"))]


def most_frequent(counts: Counter[str]) -> str:
    """The most frequent, the first by name of several; "" of none."""
    return min(counts, key=lambda name: (-counts[name], name), default="")
