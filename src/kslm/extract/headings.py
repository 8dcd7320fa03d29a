"""Where the sections of a rendered document begin, by form.

Limits: a title is a title by its form only; one that is quoted in an example is taken for one, which costs nothing but
a cut at an odd place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Heading(NamedTuple):
    """Where a section starts (characters), how deep it is (0 is the top) and what it is called."""

    start: int
    level: int
    title: str


_UNDERLINED = re.compile(r"""^(?P<title>\S[^\n]{0,150})\n(?P<mark>[-=~^"'#*+.:_`])(?P=mark){2,}$""", re.MULTILINE)
_MARGIN = re.compile(r"^(?: {3})?(?! )(?P<title>[A-Z][^\n]{0,80})$", re.MULTILINE)
_HASHES = re.compile(r"^(?P<marks>#{1,6}) (?P<title>\S[^\n]{0,150})$", re.MULTILINE)
_NODE = re.compile(r"^(?P<indent>\t?)(?P<title>[&/\w][\w,@.:+-]*(?: [\w,@.+-]+)?) \{$", re.MULTILINE)


def underlined(text: str) -> Iterator[Heading]:
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


def manual(text: str) -> Iterator[Heading]:
    """The page's own title in its first line, then sections at the margin in capitals, subsections three blanks in."""
    end = text.find("\n")
    yield Heading(0, 0, text[: end if end >= 0 else len(text)].strip())
    for match in _MARGIN.finditer(text, max(0, end)):
        title = match["title"]
        inside = match.start("title") != match.start()
        if inside or title.isupper():
            yield Heading(match.start(), 2 if inside else 1, title.strip())


def hashes(text: str) -> Iterator[Heading]:
    """Titles after `#` signs: HTML as rendered, markdown."""
    for match in _HASHES.finditer(text):
        yield Heading(match.start(), len(match["marks"]), match["title"].strip())


def nodes(text: str) -> Iterator[Heading]:
    """The nodes of a device tree, two deep."""
    for match in _NODE.finditer(text):
        yield Heading(match.start(), len(match["indent"]), match["title"])
