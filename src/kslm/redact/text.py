"""The redaction of one text: collect spans from every detector, resolve overlaps, replace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

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
    windows = [(0, len(text))]
    for _ in range(_MAX_PASSES):
        found = (span for start, end in windows for span in _find(text[start:end], start))
        spans = _resolve(found, text)
        if not spans:
            break
        if stand_ins is None:
            stand_ins = Pseudonyms()
        stand_ins.reserve(text)
        text, changed = _replace(text, spans, stand_ins)
        windows = _lines_around(text, changed)
        count += len(spans)
    return Redacted(text, count)


def find(text: str) -> list[Span]:
    """The spans that a first look at `text` would replace, in order."""
    return _resolve(_find(text, 0), text)


def _find(text: str, offset: int) -> Iterator[Span]:
    lowered = _lowered(text)
    for span in chain(credentials.find(text, lowered), network.find(text), identity.find(text, lowered)):
        yield span if not offset else span._replace(start=span.start + offset, end=span.end + offset)


def _lines_around(text: str, changed: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Windows of whole lines: those with a change and their neighbours, where alone something new can be found."""
    windows: list[tuple[int, int]] = []
    for start, end in changed:
        first = text.rfind("\n", 0, max(0, text.rfind("\n", 0, start))) + 1
        last = text.find("\n", end)
        last = text.find("\n", last + 1) if last >= 0 else -1
        last = last if last >= 0 else len(text)
        if windows and first <= windows[-1][1]:
            windows[-1] = (windows[-1][0], max(last, windows[-1][1]))
        else:
            windows.append((first, last))
    return windows


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


def _replace(text: str, spans: list[Span], stand_ins: Pseudonyms) -> tuple[str, list[tuple[int, int]]]:
    """The new text, and where in it the stand-ins are."""
    parts: list[str] = []
    changed: list[tuple[int, int]] = []
    end = length = 0
    for span in spans:
        kept = text[end : span.start]
        stand_in = stand_ins.pseudonym(span.kind, span.value or text[span.start : span.end])
        parts += (kept, stand_in)
        changed.append((length + len(kept), length + len(kept) + len(stand_in)))
        length = changed[-1][1]
        end = span.end
    parts.append(text[end:])
    return "".join(parts), changed
