"""The redaction of one text: collect spans from every detector, resolve overlaps, replace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from kslm.redact import credentials, domains, hosts, mail, network, serials, users
from kslm.redact.pseudonyms import PLACEHOLDER, Detector, Pseudonyms, Span

# Replacing one value can make the end of a word of what stood beside it; a second look nearly always finds nothing.
_MAX_PASSES = 8
_OF_QUOTES = (*users.MESSAGES, *hosts.MESSAGES)


def _quotes(text: str, lowered: str) -> Iterator[Span]:
    """Names on the lines of a log that a published text quotes."""
    for start, end in hosts.logged_lines(text, lowered):
        line, lowered_line = text[start:end], lowered[start:end]
        for detector in _OF_QUOTES:
            if detector.literal in lowered_line:
                for span in detector.find(line, lowered_line):
                    yield span._replace(start=span.start + start, end=span.end + start)


_PUBLISHED_DETECTORS = (
    *credentials.PUBLISHED,
    *network.PUBLISHED,
    *mail.PUBLISHED,
    *users.PUBLISHED,
    *serials.PUBLISHED,
    Detector(":", True, _quotes, hosts.BARE_HEADER),
)
_MACHINE_DETECTORS = (
    *credentials.MACHINE,
    *network.MACHINE,
    *mail.MACHINE,
    *users.MACHINE,
    *hosts.MACHINE,
    *serials.MACHINE,
    *domains.MACHINE,
)
_DIGITS = b"0123456789"
_WITHOUT_DIGITS = {
    machine: [(detector, detector.literal.encode().translate(None, _DIGITS)) for detector in detectors]
    for machine, detectors in ((False, _PUBLISHED_DETECTORS), (True, _MACHINE_DETECTORS))
}
# The longest text taken for a message, in characters.
_SHORT = 512


@dataclass(frozen=True)
class Redacted:
    """Redacted text and the number of replacements made in it."""

    text: str
    count: int


def redact(text: str, *, pseudonyms: Pseudonyms | None = None, machine: bool = False) -> Redacted:
    """Replace personal data in `text`.

    Args:
        text: one document, or one message of a log.
        pseudonyms: stand-ins to share between texts that belong together; by default each text has its own.
        machine: the text is some machine's own (log, snapshot, output of a tool), where any name of a host or a person
            is that machine's; otherwise it is published, where names, identifiers and most addresses are the world's.

    Returns:
        The text, which redacts to itself, and how many values were replaced (occurrences, not distinct values).
    """
    count = 0
    stand_ins = pseudonyms or Pseudonyms()
    spans = _spans(text, _find(text, machine), stand_ins, machine)
    if not spans:
        return Redacted(text, 0)
    for _ in range(_MAX_PASSES):
        stand_ins.reserve(text)
        text, changed = _replace(text, spans, stand_ins)
        count += len(spans)
        spans = _spans(text, _find_around(text, changed, machine), stand_ins, machine)
        if not spans:
            break
    return Redacted(text, count)


def find(text: str, *, machine: bool = False) -> list[Span]:
    """The spans that a first look at `text` would replace, in order."""
    return _spans(text, _find(text, machine), Pseudonyms(), machine)


def _spans(text: str, spans: list[Span], stand_ins: Pseudonyms, machine: bool) -> list[Span]:
    """What was found, and in a machine's text the names known by now, wherever they stand."""
    if machine:
        for span in spans:
            if span.is_name:
                stand_ins.know(span.kind, text[span.start : span.end])
        spans.extend(stand_ins.known(_lowered(text)))
    return _resolve(spans, text)


def _find(text: str, machine: bool) -> list[Span]:
    lowered = _lowered(text)
    spans: list[Span] = []
    detectors: Iterable[Detector] = _MACHINE_DETECTORS if machine else _PUBLISHED_DETECTORS
    if len(text) <= _SHORT and text.isascii():
        detectors = _possible(text.encode().translate(None, _DIGITS), machine)
    for literal, is_cased, detect, _ in detectors:
        if literal in (text if is_cased else lowered):
            spans += detect(text, lowered)
    return spans


@lru_cache(maxsize=1 << 14)
def _possible(text: bytes, machine: bool) -> tuple[Detector, ...]:
    """The detectors that may find something in the ASCII texts that are this one once their digits are deleted.

    A log says the same with other numbers, so its messages need not be searched for every literal each time. Without
    its digits a text holds whatever literal it held with them, the literal's own digits left out as well.
    """
    lowered = text.lower()
    return tuple(
        detector
        for detector, literal in _WITHOUT_DIGITS[machine]
        if literal in (text if detector.is_cased else lowered) and (detector.bare is None or detector.bare.search(text))
    )


def _find_around(text: str, changed: list[tuple[int, int]], machine: bool) -> list[Span]:
    if "\n" not in text:
        return _find(text, machine)
    spans: list[Span] = []
    for start, end in _lines_around(text, changed):
        local = _find(text[start:end], machine)
        spans += [span._replace(start=span.start + start, end=span.end + start) for span in local] if start else local
    return spans


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


def _resolve(candidates: list[Span], text: str) -> list[Span]:
    """Spans in order, none overlapping another or a stand-in; the earlier wins, then the longer."""
    if not candidates:
        return candidates
    spans = sorted(candidates, key=lambda span: (span.start, -span.end))
    taken = [match.span() for match in PLACEHOLDER.finditer(text)]
    chosen: list[Span] = []
    end = position = 0
    for span in spans:
        while position < len(taken) and taken[position][1] <= span.start:
            position += 1
        inside = position < len(taken) and taken[position][0] < span.end
        if span.start >= end and not inside:
            chosen.append(span)
            end = span.end
    return chosen


def _replace(text: str, spans: list[Span], stand_ins: Pseudonyms) -> tuple[str, list[tuple[int, int]]]:
    """The new text, and where in it the stand-ins are."""
    parts: list[str] = []
    changed: list[tuple[int, int]] = []
    end = length = 0
    for span in spans:
        between = text[end : span.start]
        stand_in = stand_ins.pseudonym(span.kind, span.value or text[span.start : span.end])
        parts += (between, stand_in)
        changed.append((length + len(between), length + len(between) + len(stand_in)))
        length = changed[-1][1]
        end = span.end
    parts.append(text[end:])
    return "".join(parts), changed
