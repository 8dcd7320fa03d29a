"""Questions about manual pages: what a page is about, which page one is looking for, and where it comes from.

Narrow: pages are read one at a time, so that a description that two pages of a section share (lseek(2), llseek(2)) is
asked about for each of them; the answer names the page. gold.benchmark leaves out those that are both held out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kslm.instruct.question import Provenance, questions
from kslm.knowledge.entities import Entities, Row
from kslm.sources.man.names import COMMANDS, Page, command_of, name_line, page_of
from kslm.texts import Text, sentence, shortened

SHORTEST_DESCRIPTION = 12
"""Characters: what is shorter does not tell one page from another."""

_PACKAGED = re.compile(r"([a-z0-9][a-z0-9+.-]+)/usr/")
_WHAT = {
    **{"1": "command", "2": "system call", "3": "library function", "6": "game"},
    **{"8": "system administration command", "9": "kernel function"},
}
_NOT_RUN = ("4", "5", "7")
"""Sections of what does nothing by itself: devices, files, conventions."""
FREEBSD = "freebsd"
"""What follows the section's number in the name of a page of FreeBSD's manual, as Debian packages it."""

_MANUALS = re.compile(r"(?:-man|-docs?|-data)$|^(?:freebsd-)?manpages|^binutils-common$")
"""Packages of manual pages whose programs are in another package."""


def pages(row: Row, text: str, entities: Entities) -> Iterator[Text]:
    """What the page is, which one has its description, and the package it comes in."""
    page = page_of(row["path"])
    description = name_line(text)
    if page is None or description is None:
        return
    provenance = Provenance.of_document(row, "NAME", f"man:{page}")
    packaged = _PACKAGED.match(row["path"])
    asked = _Asked(page, command_of(page, text), shortened(description, 300), packaged[1] if packaged else None)
    yield from _what(asked, row["path"], provenance)
    yield from _find(asked, row["path"], provenance)
    yield from _install(asked, row["path"], provenance)


class _Asked(NamedTuple):
    """A page, its command where it has one, its one-line description, and the package that it is in."""

    page: Page
    command: str | None
    description: str
    package: str | None

    @property
    def context(self) -> str:
        """In short; of a page in a command's section that has no command, in words that say so."""
        page, command = self.page, self.command
        if command or page.section[0] not in COMMANDS:
            return f"{command or page.name}({page.section}): {self.description}"
        return f"{page} is a manual page: {self.description}"

    @property
    def told(self) -> dict[str, str]:
        """What is said of the page, by name."""
        return {"command": self.command or "", "described": self.description}

    @property
    def system(self) -> str:
        """The system that the page is about, where it is not this one."""
        return "FreeBSD" if FREEBSD in self.page.section else ""


def _what(asked: _Asked, path: str, provenance: Provenance) -> Iterator[Text]:
    page, action = asked.page, f"man {asked.page.section} {asked.page.name}"
    of = f"{asked.system}'s " if asked.system else ""
    where = f" The page is in the package {asked.package}." if asked.package else ""
    section = page.section.removesuffix(FREEBSD)
    yield from questions(
        *("page_about" if section.startswith(_NOT_RUN) else "page_what", provenance, f"{path}#NAME"),
        f"{of}{page.name}({section}): {sentence(asked.description)}{where} Read it with: {action}",
        context=asked.context,
        action=action,
        asked={"name": page.name, "section": section, "on": f" on {asked.system}" if asked.system else ""},
        told=asked.told,
    )


def _find(asked: _Asked, path: str, provenance: Provenance) -> Iterator[Text]:
    page, description = asked.page, asked.description
    what, action = _WHAT.get(page.section[0]), f"man {page.section} {page.name}"
    if page.section[0] in COMMANDS and not asked.command:
        return
    if what and len(description) >= SHORTEST_DESCRIPTION and " " in description:
        name, of = asked.command or page.name, f"{asked.system}'s " if asked.system else ""
        yield from questions(
            *("page_find", provenance, f"{path}#find"),
            f"{of}{name}, described in {page}: {sentence(description)} Read more with: {action}",
            context=asked.context,
            action=action,
            asked={"what": f"{asked.system} {what}".strip(), "description": description.rstrip(".")},
            told=asked.told,
        )


def _install(asked: _Asked, path: str, provenance: Provenance) -> Iterator[Text]:
    page, package = asked.page, asked.package
    if package and asked.command == page.name and package != f"{page.name}-common" and not _MANUALS.search(package):
        action = f"apt install {package}"
        yield from questions(
            *("page_install", provenance, f"{path}#install"),
            f"{page.name} is in the package {package}; install it with: {action}\n"
            f"{page}: {sentence(asked.description)}",
            context=f"{page} is in {package}",
            action=action,
            asked={"name": page.name},
            told={"package": package},
        )
