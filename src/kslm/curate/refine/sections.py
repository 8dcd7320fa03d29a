"""Long documents in parts, cut where their sections begin.

Sections begin at headings (`kslm.extract.headings`). Neighbouring sections are joined greedily as long as the part
stays within the limit; a section that is too long is cut at paragraphs by `clean.split`, as is a document without
sections. A part that starts inside a document says where it is from in a first line of its own,
`[ethtool(8) — OPTIONS]`, except in a device tree, where that line would be wrong. Only blanks at the cuts are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kslm.curate.refine import clean as text_
from kslm.extract.headings import Heading
from kslm.kinds import Kind

MAX_CONTEXT = 120
"""Characters of the line that says where a part is from, brackets and line end included."""


class Part(NamedTuple):
    """Titles of the sections a part stands in, outermost first, and its text."""

    titles: tuple[str, ...]
    body: str


def split(kind: Kind[Any], text: str, *, min_chars: int, max_chars: int) -> list[str]:
    """Cut a document of `kind` into parts of at most `max_chars` characters; one within the limit is left as it is.

    No part is shorter than `min_chars` where its neighbour has text to spare.
    """
    if len(text) <= max_chars:
        return [text]
    cut = parts(kind, text, min_chars=min_chars, max_chars=max_chars)
    return [_with_context(part) if part.titles and kind.names_parts else part.body for part in cut]


def parts(kind: Kind[Any], text: str, *, min_chars: int, max_chars: int) -> list[Part]:
    """The parts of a long document before they are given their first lines, for which room is left."""
    headings = list(kind.headings(text)) if kind.headings else []
    if not headings:
        return [Part((), body) for body in _level(text_.split(text, max_chars), min_chars, max_chars)]
    limit = max_chars - MAX_CONTEXT
    cut: list[Part] = []
    for titles, title, section in _sections(text, headings):
        pieces = text_.split(section, limit) if len(section) > limit else [section]
        for number, body in enumerate(pieces):
            gap = "" if not cut or cut[-1].body.endswith("\n") else "\n\n"
            if cut and len(cut[-1].body) + len(gap) + len(body) <= limit:
                cut[-1] = Part(cut[-1].titles, cut[-1].body + gap + body)
            else:
                cut.append(Part((*titles, title) if number and title else titles, body))
    bodies = _level([part.body.strip("\n") for part in cut], min_chars, limit)
    if len(bodies) != len(cut):
        cut = cut[: len(bodies)] + [cut[-1]] * (len(bodies) - len(cut))
    return [Part(part.titles, body) for part, body in zip(cut, bodies, strict=True) if body.strip()]


def _sections(text: str, headings: list[Heading]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Each section: the titles above it, its own title (none of what stands before the first), and its text."""
    yield (), "", text[: headings[0].start]
    above: list[Heading] = []
    for place, heading in enumerate(headings):
        above = [outer for outer in above if outer.level < heading.level]
        end = headings[place + 1].start if place + 1 < len(headings) else len(text)
        yield tuple(outer.title for outer in above), heading.title, text[heading.start : end]
        above.append(heading)


def _level(bodies: list[str], min_chars: int, max_chars: int) -> list[str]:
    """Join a last part that is too short with the one before it, and cut the two nearer to their middle."""
    if len(bodies) < 2 or len(bodies[-1].strip()) >= min_chars:
        return bodies
    joined = f"{bodies[-2]}\n\n{bodies[-1]}"
    if len(joined) <= max_chars:
        return [*bodies[:-2], joined]
    return [*bodies[:-2], *text_.split(joined, max(1, len(joined) * 2 // 3))]


def _with_context(part: Part) -> str:
    line = " — ".join(part.titles)
    room = MAX_CONTEXT - len("[]\n")
    return f"[{line if len(line) <= room else line[: room - 1] + '…'}]\n{part.body}"
