"""Long documents in parts, cut where their sections begin.

Sections are found by form: underlined titles (rst and plain text), headings at the left margin of a rendered manual,
`#` headings (HTML as rendered, markdown), nodes of a device tree. Neighbouring sections are joined greedily as long as
the part stays within the limit; a section that is too long is cut at paragraphs by `clean.split`, as is a
document without sections. A part that starts inside a document says where it is from in a first line of its own,
`[ethtool(8) — OPTIONS]`, except in a device tree, where that line would be wrong.

Limits: a title is a title by its form only; one that is quoted in an example is taken for one, which costs nothing but
a cut at an odd place. Only blanks at the cuts are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from kslm.curate.refine import clean as text_

MAX_CONTEXT = 120
"""Characters of the line that says where a part is from, brackets and line end included."""


class Heading(NamedTuple):
    """Where a section starts (characters), how deep it is (0 is the top) and what it is called."""

    start: int
    level: int
    title: str


class Part(NamedTuple):
    """Titles of the sections a part stands in, outermost first, and its text."""

    titles: tuple[str, ...]
    body: str


def split(kind: str, text: str, *, min_chars: int, max_chars: int) -> list[str]:
    """Cut a document of `kind` into parts of at most `max_chars` characters; one within the limit is left as it is.

    No part is shorter than `min_chars` where its neighbour has text to spare.
    """
    if len(text) <= max_chars:
        return [text]
    found = parts(kind, text, min_chars=min_chars, max_chars=max_chars)
    return [_with_context(part) if part.titles and kind != "dts" else part.body for part in found]


def parts(kind: str, text: str, *, min_chars: int, max_chars: int) -> list[Part]:
    """The parts of a long document before they are given their first lines, for which room is left."""
    find = _FINDERS.get(kind)
    headings = list(find(text)) if find else []
    if not headings:
        return [Part((), body) for body in _level(text_.split(text, max_chars), min_chars, max_chars)]
    limit = max_chars - MAX_CONTEXT
    found: list[Part] = []
    for titles, title, section in _sections(text, headings):
        pieces = text_.split(section, limit) if len(section) > limit else [section]
        for number, body in enumerate(pieces):
            gap = "" if not found or found[-1].body.endswith("\n") else "\n\n"
            if found and len(found[-1].body) + len(gap) + len(body) <= limit:
                found[-1] = Part(found[-1].titles, found[-1].body + gap + body)
            else:
                found.append(Part((*titles, title) if number and title else titles, body))
    bodies = _level([part.body.strip("\n") for part in found], min_chars, limit)
    if len(bodies) != len(found):
        found = found[: len(bodies)] + [found[-1]] * (len(bodies) - len(found))
    return [Part(part.titles, body) for part, body in zip(found, bodies, strict=True) if body.strip()]


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


_UNDERLINED = re.compile(r"""^(?P<title>\S[^\n]{0,150})\n(?P<mark>[-=~^"'#*+.:_`])(?P=mark){2,}$""", re.MULTILINE)
_MARGIN = re.compile(r"^(?: {3})?(?! )(?P<title>[A-Z][^\n]{0,80})$", re.MULTILINE)
_HASHES = re.compile(r"^(?P<marks>#{1,6}) (?P<title>\S[^\n]{0,150})$", re.MULTILINE)
_NODE = re.compile(r"^(?P<indent>\t?)(?P<title>[&/\w][\w,@.:+-]*(?: [\w,@.+-]+)?) \{$", re.MULTILINE)


def _underlined(text: str) -> Iterator[Heading]:
    """Titles with a line of one character under them; a character's level is the order of its first use, as in rst."""
    levels: dict[str, int] = {}
    for match in _UNDERLINED.finditer(text):
        title, mark = match["title"], match["mark"]
        line = match.end() - match.start("mark")
        if line < len(title.rstrip()) // 2 or not any(map(str.isalnum, title)):
            continue
        start = match.start()
        above = text[text.rfind("\n", 0, max(0, start - 1)) + 1 : max(0, start - 1)]
        if len(above) > 2 and above == mark * len(above):
            start -= len(above) + 1
            mark += mark  # the same character over and under a title is another level
        yield Heading(start, levels.setdefault(mark, len(levels)), title.strip())


def _manual(text: str) -> Iterator[Heading]:
    """The page's own title in its first line, then sections at the margin in capitals, subsections three blanks in."""
    end = text.find("\n")
    yield Heading(0, 0, text[: end if end >= 0 else len(text)].strip())
    for match in _MARGIN.finditer(text, max(0, end)):
        title = match["title"]
        inside = match.start("title") != match.start()
        if inside or title.isupper():
            yield Heading(match.start(), 2 if inside else 1, title.strip())


def _hashes(text: str) -> Iterator[Heading]:
    for match in _HASHES.finditer(text):
        yield Heading(match.start(), len(match["marks"]), match["title"].strip())


def _nodes(text: str) -> Iterator[Heading]:
    for match in _NODE.finditer(text):
        yield Heading(match.start(), len(match["indent"]), match["title"])


_FINDERS: dict[str, Callable[[str], Iterator[Heading]]] = {
    **dict.fromkeys(("rst", "text", "doc", "abi", "readme_debian"), _underlined),
    **dict.fromkeys(("html", "tldr"), _hashes),
    "man": _manual,
    "dts": _nodes,
}
