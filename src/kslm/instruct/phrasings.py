"""The reviewed phrasings of questions, read once and checked: what may be asked, and how.

A fact's phrasing is chosen by a hash of its key, so it does not change when other facts come or go.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Annotated, Literal

import xxhash
from pydantic import Field, model_validator

from kslm.profile import Section
from kslm.yaml_file import parse_yaml

Intent = Literal[
    "HARDWARE_IDENTIFY", "DRIVER_SELECT", "INSTALL_CONFIGURE", "APP_INSTALL", "SYSTEM_MANAGE", "TROUBLESHOOT"
]
FILE = "phrasings.yml"


class Phrasing(Section):
    """The ways to ask one kind of question."""

    intent: Intent
    fields: tuple[str, ...] = Field(description="placeholders that a question may use")
    required: tuple[str, ...] = Field(description="placeholders that every question uses")
    ask: tuple[str, ...] = Field(min_length=6, max_length=12)

    @model_validator(mode="after")
    def _placeholders_are_known(self) -> Phrasing:
        if len(set(self.ask)) != len(self.ask):
            raise ValueError("a question is given twice")
        for question in self.ask:
            used = {name for _, name, _, _ in Formatter().parse(question) if name is not None}
            if unknown := used - set(self.fields):
                raise ValueError(f"{question!r} uses {sorted(unknown)}, which fields does not name")
            if missing := set(self.required) - used:
                raise ValueError(f"{question!r} leaves out {sorted(missing)}")
        return self

    def chosen(self, key: str, number: int = 0) -> str:
        """The question of a fact, with placeholders; `number` 1 is its second, never the same as its first."""
        return self.ask[(xxhash.xxh3_64_intdigest(key.encode()) + number) % len(self.ask)]


class OffTopic(Section):
    """Requests that are not about the system, and the one answer to all of them."""

    answer: str
    requests: tuple[Annotated[str, Field(min_length=5)], ...] = Field(min_length=50)

    @model_validator(mode="after")
    def _differ(self) -> OffTopic:
        if len(set(self.requests)) != len(self.requests):
            raise ValueError("a request is given twice")
        return self


class Phrasings(Section):
    """The whole file."""

    questions: dict[str, Phrasing]
    off_topic: OffTopic


def parse(text: str) -> Phrasings:
    """Read the file's text.

    Raises:
        SettingsError: one line a problem, with its place in the file.
    """
    return parse_yaml(text, FILE, Phrasings)


@cache
def load() -> Phrasings:
    """The phrasings that come with this package."""
    return parse(files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
