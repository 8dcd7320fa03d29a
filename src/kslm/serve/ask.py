"""Answer a question: facts that the tables hold, each with its source, and the champion's own words beside them.

The two are never mixed. What the model writes is shown as the model's, and every id, option or module in it that no
cited fact holds is listed as unverified. A missing champion costs the model's words, not the facts.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field

from kslm.index import store as index
from kslm.serve import champion, lookup
from kslm.serve.lookup import Fact
from kslm.settings import Settings
from kslm.tracking import registry

__all__ = ["Answer", "Fact", "answer"]


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


def answer(question: str, settings: Settings, *, model_only: bool = False, max_new_tokens: int = 64) -> Answer:
    """Look up what the question names, then let the champion speak.

    Args:
        model_only: leave the tables out; everything the model names is then unverified.
        max_new_tokens: of the model's text.

    Raises:
        DataError: the tables have not been made yet.
    """
    begin = time.monotonic()
    result = Answer()
    if model_only:
        _let_speak(question, settings, result, max_new_tokens)
        result.unverified = lookup.unverified(result.model_text or "", (), None)
    else:
        with closing(index.connect(index.ensure(settings))) as tables:
            found = lookup.look_up(question, tables)
            result.facts, result.unknown = found.facts, found.unknown
            _let_speak(question, settings, result, max_new_tokens)
            result.unverified = lookup.unverified(result.model_text or "", result.facts, tables)
        if not result.facts and not result.unknown:
            result.notes.append("The question names no device id, module or CONFIG_ option, so no table was asked.")
    result.seconds = time.monotonic() - begin
    return result


def _let_speak(question: str, settings: Settings, result: Answer, max_new_tokens: int) -> None:
    served = registry.champion(settings)
    if served is None:
        result.notes.append(
            f"No model has been promoted yet: {settings.registered_model} has no alias {registry.CHAMPION!r}. "
            f"Make one with: kslm run --profile {settings.profile.profile}"
        )
        return
    result.model_version = f"{served.name} version {served.version}"
    result.model_text = champion.write(served, question, max_new_tokens)
