"""The redaction of one text: collect spans from every detector, resolve overlaps, replace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kslm.redact import credentials, identity, network
from kslm.redact.pseudonyms import PLACEHOLDER, Pseudonyms, Span

# Replacing one value can make the end of a word of what stood beside it; a second look nearly always finds nothing.
_MAX_PASSES = 8


@dataclass(frozen=True)
class Redacted:
    """Redacted text and the number of replacements made in it."""

    text: str
    count: int


def redact(text: str, *, pseudonyms: Pseudonyms | None = None) -> Redacted:
    """Replace personal data in `text`.

    Args:
        text: one document, or one message of a log.
        pseudonyms: stand-ins to share between texts that belong together; by default each text has its own.

    Returns:
        The text, which redacts to itself, and how many values were replaced (occurrences, not distinct values).
    """
    stand_ins = pseudonyms
    count = 0
    for _ in range(_MAX_PASSES):
        spans = _resolve(_find(text), text)
        if not spans:
            break
        if stand_ins is None:
            stand_ins = Pseudonyms()
        stand_ins.reserve(text)
        text = _replace(text, spans, stand_ins)
        count += len(spans)
    return Redacted(text, count)


def _find(text: str) -> Iterator[Span]:
    lowered = _lowered(text)
    yield from credentials.find(text, lowered)
    yield from network.find(text)
    yield from identity.find(text, lowered)


def _lowered(text: str) -> str:
    """Lower case with every position kept: one Turkish letter is the only one that would grow."""
    return text.lower() if text.isascii() else text.replace("\u0130", "I").lower()


def _resolve(found: Iterator[Span], text: str) -> list[Span]:
    """Spans in order, none overlapping another or a stand-in; the earlier wins, then the longer."""
    spans = sorted(found, key=lambda span: (span.start, -span.end))
    if not spans:
        return spans
    taken = [match.span() for match in PLACEHOLDER.finditer(text)]
    kept: list[Span] = []
    end = position = 0
    for span in spans:
        while position < len(taken) and taken[position][1] <= span.start:
            position += 1
        inside = position < len(taken) and taken[position][0] < span.end
        if span.start >= end and not inside:
            kept.append(span)
            end = span.end
    return kept


def _replace(text: str, spans: list[Span], stand_ins: Pseudonyms) -> str:
    parts: list[str] = []
    end = 0
    for span in spans:
        parts += (text[end : span.start], stand_ins.pseudonym(span.kind, span.value or text[span.start : span.end]))
        end = span.end
    parts.append(text[end:])
    return "".join(parts)
