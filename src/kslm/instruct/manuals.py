"""Questions about manual pages: what a page is about, which page one is looking for, and where it comes from.

Narrow: pages are read one at a time, so that a description that two pages of a section share (lseek(2), llseek(2)) is
asked about for each of them; the answer names the page. gold.benchmark leaves out those that are both held out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kslm.curate.records import Text
from kslm.extract.cards import sentence
from kslm.instruct.question import Fact, questions, shortened
from kslm.knowledge.entities import Entities, Row

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
_NOT_RUN = ("4", "5", "7")
"""Sections of what does nothing by itself: devices, files, conventions."""
FREEBSD = "freebsd"
"""What follows the section's number in the name of a page of FreeBSD's manual, as Debian packages it."""
MOST_WORDS = 4
"""Words of a command: `nvme intel id-ctrl`, `podman system connection rename`."""

_SECTION = re.compile(r"[A-Z][A-Z0-9 /,&()'-]*(?: \([a-z]+\))?")
_SYNOPSIS = ("SYNOPSIS", "SYNTAX", "USAGE")
_LEAD = re.compile(r"(?i:usage:\s*)?(?:(?:/usr(?:/local)?)?/s?bin/)?")
_OTHER_NAME = re.compile(r"\|\S+")
_OPTIONAL = re.compile(r"\[[^\[\]]*\]|\{[^{}]*\}")
_RELEASE = re.compile(r"-[0-9]+(?:\.[0-9]+)+$")
_STARTED_BY_OTHERS = re.compile(r"\.(?:service|socket|target|timer|mount|slice|so)$|generic Postfix daemon options")
_MANUALS = re.compile(r"(?:-man|-docs?|-data)$|^(?:freebsd-)?manpages|^binutils-common$")
"""Packages of manual pages whose programs are in another package."""


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


def command_of(page: Page, text: str) -> str | None:
    """What one types to run what a page is about, as a line of its SYNOPSIS begins: git-push(1) is `git push`.

    None for a page of another section, and where no such line begins with the page's name, as a command or with its
    subcommands as words: a page about tc's fq, about iptables' extensions, or about a service that systemd starts.
    """
    if page.section[0] not in COMMANDS or _STARTED_BY_OTHERS.search(page.name):
        return None
    wanted = {page.name, _RELEASE.sub("", page.name)}
    for line in _synopsis(text):
        if _STARTED_BY_OTHERS.search(line):
            continue
        words = _OTHER_NAME.sub("", _LEAD.sub("", _without_options(line), count=1)).split()[:MOST_WORDS]
        for count in range(1, len(words) + 1):
            if "-".join(words[:count]) in wanted:
                return " ".join(words[:count])
    return None


def _synopsis(text: str) -> Iterator[str]:
    reading = False
    for line in text.splitlines():
        if _SECTION.fullmatch(line.rstrip()):
            if reading:
                return
            reading = line.startswith(_SYNOPSIS)
        elif reading and line.strip():
            yield line.strip()


def _without_options(line: str) -> str:
    """A line of a synopsis without what is in brackets, which may stand between a command and its subcommand."""
    for _ in range(4):
        line = _OPTIONAL.sub(" ", line)
    return line


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
    asked = _Asked(page, command_of(page, row["text"]), shortened(description, 300), packaged[1] if packaged else None)
    yield from _what(asked, row["path"], fact)
    yield from _find(asked, row["path"], fact)
    yield from _install(asked, row["path"], fact)


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
    def system(self) -> str:
        """The system that the page is about, where it is not this one."""
        return "FreeBSD" if FREEBSD in self.page.section else ""


def _what(asked: _Asked, path: str, fact: Fact) -> Iterator[Text]:
    page, action = asked.page, f"man {asked.page.section} {asked.page.name}"
    of = f"{asked.system}'s " if asked.system else ""
    where = f" The page is in the package {asked.package}." if asked.package else ""
    section = page.section.removesuffix(FREEBSD)
    yield from questions(
        *("page_about" if section.startswith(_NOT_RUN) else "page_what", fact, f"{path}#NAME"),
        f"{of}{page.name}({section}): {sentence(asked.description)}{where} Read it with: {action}",
        context=asked.context,
        action=action,
        asked={"name": page.name, "section": section, "on": f" on {asked.system}" if asked.system else ""},
    )


def _find(asked: _Asked, path: str, fact: Fact) -> Iterator[Text]:
    page, description = asked.page, asked.description
    what, action = _WHAT.get(page.section[0]), f"man {page.section} {page.name}"
    if page.section[0] in COMMANDS and not asked.command:
        return
    if what and len(description) >= SHORTEST_DESCRIPTION and " " in description:
        name, of = asked.command or page.name, f"{asked.system}'s " if asked.system else ""
        yield from questions(
            *("page_find", fact, f"{path}#find"),
            f"{of}{name}, described in {page}: {sentence(description)} Read more with: {action}",
            context=asked.context,
            action=action,
            asked={"what": f"{asked.system} {what}".strip(), "description": description.rstrip(".")},
        )


def _install(asked: _Asked, path: str, fact: Fact) -> Iterator[Text]:
    page, package = asked.page, asked.package
    if package and asked.command == page.name and package != f"{page.name}-common" and not _MANUALS.search(package):
        action = f"apt install {package}"
        yield from questions(
            *("page_install", fact, f"{path}#install"),
            f"{page.name} is in the package {package}; install it with: {action}\n"
            f"{page}: {sentence(asked.description)}",
            context=f"{page} is in {package}",
            action=action,
            asked={"name": page.name},
        )
