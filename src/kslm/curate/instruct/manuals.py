"""Questions about manual pages: what a page is about, which page one is looking for, and where it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kslm.curate.entities import Entities, Row
from kslm.curate.facts import sentence
from kslm.curate.instruct.question import Fact, questions, shortened
from kslm.curate.records import Text

SHORTEST_DESCRIPTION = 12
"""Characters: what is shorter does not tell one page from another."""

_PAGE = re.compile(r"(?:^|/)([^/]+?)\.([0-9][a-z]*)(?:\.(?:gz|xz|zst|bz2))?$")
_PACKAGED = re.compile(r"([a-z0-9][a-z0-9+.-]+)/usr/")
_HEADING = re.compile(r"^\S")
_NAME_LINE = re.compile(r"\s+(?:-|--|–|—)\s+")
_WHAT = {
    **{"1": "command", "2": "system call", "3": "library function", "6": "game"},
    **{"8": "system administration command", "9": "kernel function"},
}
COMMANDS = ("1", "6", "8")
"""Sections of what one may type."""


class Page(NamedTuple):
    """A manual page's name and section, as in ls(1)."""

    name: str
    section: str

    def __str__(self) -> str:
        return f"{self.name}({self.section})"


def page_of(path: str) -> Page | None:
    """The page that a file holds, by its name: `man1/ls.1.gz` is ls(1)."""
    found = _PAGE.search(path)
    return Page(found[1], found[2]) if found else None


def name_line(page: str) -> str | None:
    """What a rendered manual page says after the dash in its NAME section; None where it has none."""
    lines = iter(page.splitlines())
    for line in lines:
        if line.strip().upper() == "NAME":
            break
    body: list[str] = []
    for line in lines:
        if body and (not line.strip() or _HEADING.match(line)):
            break
        if line.strip():
            body.append(line.strip())
    parts = _NAME_LINE.split(" ".join(body), maxsplit=1)
    return parts[1].strip() or None if len(parts) == 2 else None


def pages(row: Row, entities: Entities) -> Iterator[Text]:
    """What the page is, which one has its description, and the package it comes in."""
    page = page_of(row["path"])
    description = name_line(row["text"])
    if page is None or description is None:
        return
    fact = Fact(
        *("bronze.documents", f"{row['doc_id']}#NAME", row["version"], f"man:{page}", row["source"], row["licence"])
    )
    packaged = _PACKAGED.match(row["path"])
    package = packaged[1] if packaged else None
    yield from _name(page, shortened(description, 300), package, row["path"], fact)


def _name(page: Page, description: str, package: str | None, path: str, fact: Fact) -> Iterator[Text]:
    context, action = f"{page}: {description}", f"man {page.section} {page.name}"
    said = sentence(description)
    where = f" It is in the package {package}." if package else ""
    yield from questions(
        *("page_what", fact, f"{path}#NAME", f"{page}: {said}{where} Read it with: {action}"),
        context=context,
        action=action,
        asked={"name": page.name, "section": page.section},
    )
    what = _WHAT.get(page.section[0])
    if what and len(description) >= SHORTEST_DESCRIPTION and " " in description:
        answer = f"{page.name}, described in {page}: {said} Read more with: {action}"
        asked = {"what": what, "description": description.rstrip(".")}
        yield from questions("page_find", fact, f"{path}#find", answer, context=context, action=action, asked=asked)
    if package and page.section[0] in COMMANDS:
        action = f"apt install {package}"
        answer = f"The manual page {page} is in the package {package}; install it with: {action}\n{page.name}: {said}"
        context, asked = f"{page} is in {package}", {"name": page.name}
        place = f"{path}#install"
        yield from questions("page_install", fact, place, answer, context=context, action=action, asked=asked)
