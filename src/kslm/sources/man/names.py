"""What a manual page is called, what it says it is, and what one types to run it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_PAGE = re.compile(r"(?:^|/)([^/]+?)\.([0-9][a-z]*)(?:\.(?:gz|xz|zst|bz2))?$")


_HEADING = re.compile(r"^\S")


_NAME_LINE = re.compile(r"\s+(?:-|--|–|—)\s+")


COMMANDS = ("1", "6", "8")
"""Sections of what one may type."""


MOST_WORDS = 4
"""Words of a command: `nvme intel id-ctrl`, `podman system connection rename`."""


_SECTION = re.compile(r"[A-Z][A-Z0-9 /,&()'-]*(?: \([a-z]+\))?")


_SYNOPSIS = ("SYNOPSIS", "SYNTAX", "USAGE")


_LEAD = re.compile(r"(?i:usage:\s*)?(?:(?:/usr(?:/local)?)?/s?bin/)?")


_OTHER_NAME = re.compile(r"\|\S+")


_OPTIONAL = re.compile(r"\[[^\[\]]*\]|\{[^{}]*\}")


_RELEASE = re.compile(r"-[0-9]+(?:\.[0-9]+)+$")


_STARTED_BY_OTHERS = re.compile(r"\.(?:service|socket|target|timer|mount|slice|so)$|generic Postfix daemon options")


class Page(NamedTuple):
    """A manual page's name and section, as in ls(1)."""

    name: str
    section: str

    def __str__(self) -> str:
        return f"{self.name}({self.section})"


def page_of(path: str) -> Page | None:
    """The page that a file holds, by its name: `man1/ls.1.gz` is ls(1)."""
    match = _PAGE.search(path)
    return Page(match[1], match[2]) if match else None


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
