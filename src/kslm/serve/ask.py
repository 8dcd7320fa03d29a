"""Answer questions: facts that the tables hold, each with its source, and the champion's own words beside them.

The two are never mixed. What the model writes is shown as the model's, and every id, option or module in it that no
cited fact holds is listed as unverified. A missing champion costs the model's words, not the facts.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, field
from functools import cached_property

from kslm import outputs, published
from kslm.errors import DataError
from kslm.outputs import Indexed, Ingested
from kslm.scratch import at_hand
from kslm.serve import lookup
from kslm.serve.champion import Writer
from kslm.serve.lookup import Fact
from kslm.settings import Settings
from kslm.tracking import registry

__all__ = ["Answer", "Assistant", "Fact", "answer"]


@dataclass
class Answer:
    """What is known, what is not, and what the model says.

    Attributes:
        unknown: one line for each thing asked about that no table has; `Unknown device [vvvv:dddd]` for an id.
        model_text: the model's words; None without a champion.
        model_version: `name version n` of the champion.
        unverified: ids, options and modules in the model's words that no fact confirms.
        notes: what the reader should know about how this came about.
        seconds: wall time.
    """

    facts: list[Fact] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    model_text: str | None = None
    model_version: str | None = None
    unverified: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Assistant:
    """Answers any number of questions; look-up and champion are opened by the first that needs them.

    Use it in a `with` statement.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, *_: object) -> None:
        if "_tables" in self.__dict__:
            self._tables.close()

    def answer(self, question: str, *, model_only: bool = False) -> Answer:
        """Look up what the question names, then let the champion speak.

        Args:
            model_only: leave the tables out; everything the model names is then unverified.

        Raises:
            DataError: no look-up has been published yet, or it is damaged.
        """
        begin = time.monotonic()
        result = Answer()
        if not model_only:
            findings = lookup.look_up(question, self._tables)
            result.facts, result.unknown = findings.facts, findings.unknown
        self._let_speak(question, result)
        tables = None if model_only else self._tables
        result.unverified = lookup.unverified(result.model_text or "", result.facts, tables)
        if not model_only and not result.facts and not result.unknown:
            result.notes.append("The question names no device id, module or CONFIG_ option, so no table was asked.")
        if not model_only and self._outdated:
            result.notes.append(
                "The tables have changed since they were indexed for answers. "
                f"Bring it up to date with: kslm index --profile {self._settings.profile.profile}"
            )
        result.seconds = time.monotonic() - begin
        return result

    @cached_property
    def _index(self) -> Indexed:
        return outputs.load(self._settings, Indexed).outputs

    @cached_property
    def _tables(self) -> sqlite3.Connection:
        folder = self._settings.home.at(self._index.folder)
        if published.whole(folder, hashes=False) is None:
            raise DataError(
                f"no look-up index at {folder}",
                cause="it was removed, or is not as it was published",
                remedy=f"publish it again: kslm index --profile {self._settings.profile.profile}",
            )
        file = self._settings.home.at(self._index.lookup)
        return lookup.connect(at_hand(self._settings.home, folder) / file.relative_to(folder))

    @cached_property
    def _outdated(self) -> bool:
        try:
            now = outputs.load(self._settings, Ingested).outputs.tables
        except DataError:  # an index may be asked where the tables are not
            return False
        return any(now.get(table) != version for table, version in self._index.inputs.items())

    @cached_property
    def _writer(self) -> Writer | None:
        champion = registry.champion(self._settings)
        return None if champion is None else Writer(champion)

    def _let_speak(self, question: str, result: Answer) -> None:
        if self._writer is None:
            result.notes.append(
                "No model has been promoted yet: "
                f"{self._settings.registered_model} has no alias {registry.CHAMPION!r}. "
                f"Make one with: kslm run --profile {self._settings.profile.profile}"
            )
            return
        result.model_version = self._writer.name
        result.model_text = self._writer.write(question)


def answer(question: str, settings: Settings, *, model_only: bool = False) -> Answer:
    """One question to an `Assistant`; who has several keeps one."""
    with Assistant(settings) as assistant:
        return assistant.answer(question, model_only=model_only)
