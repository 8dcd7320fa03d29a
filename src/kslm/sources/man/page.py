"""Reader of manual pages in man(7) and mdoc(7): their text, readable, without a typesetter.

Renderers (groff, mandoc) differ between machines and versions, and with them the text; this one gives the same text
everywhere, so it is the only one, also where mandoc is installed. Nothing is lost by that: over 1,500 pages of Debian
12 (a third of them FreeBSD's mdoc) 99.9 % of the five-word runs of mandoc 1.14's output occur in this one's, and 99.9 %
of this one's in mandoc's. What a page says is kept, how it was to look is not. See `roff` for what is shared, `mdoc`
for BSD pages, `tbl` for tables.
Narrow: equations are left out, and nested conditions count as not taken.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from kslm.sources.man import mdoc, tbl
from kslm.sources.man.roff import Page, arguments, joined, statements, unescape
from kslm.sources.records import Decoded

_FILE = re.compile(r"(.+)\.([0-9][0-9A-Za-z]*|[nl])(\.gz|\.xz)?$")
_MACRO = re.compile(r"[.']\s*([A-Za-z0-9]+)\s*(.*)")
_HEADING = re.compile(r"^(?=[A-Z][A-Z ,/&()-]*$)", re.MULTILINE)
_LEGAL_TITLE = re.compile(r"(?:COPYRIGHTS?|LICEN[CS]E|LICENSING|COPYING)(?:(?:[ /]| AND )(?:LICEN[CS]E|NOTICE))?\n")
_LEGAL = re.compile(r"(?i)copyright|\(c\)|©|licen[cs]e|licensing|warranty|free software|public domain")
_LONGEST_NOTICE = 4000
_REFERS = re.compile(r"^[.'][ \t]*so[ \t]", re.MULTILINE)
_SAYS = re.compile(r"^(?![.'][ \t]*(?:so[ \t]|\\\")|[ \t]*$)", re.MULTILINE)
"""A line that neither refers to another page nor is a comment nor blank."""


def decode(raw: bytes, path: str) -> Decoded:
    """A page's source, uncompressed: UTF-8, else Latin-1; "" where it only refers to another page (`.so man2/x.2`)."""
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        source = raw.decode("latin-1")
    source = source.replace("\r\n", "\n").replace("\x00", "")
    return Decoded("" if _REFERS.search(source) and not _SAYS.search(source) else source)


def render(source: str, title: str) -> str:
    """Text of one page.

    Args:
        source: as decoded.
        title: what to call the page when its own title line is missing, as `ls(1)`.
    """
    lines = list(statements(joined(source)))
    if any(re.match(r"\.\s*Dd\b|\.\s*Dt\b", line) for line in lines):
        return mdoc.render(lines, title)
    return _Man(title).render(lines)


def title_of(path: str) -> str:
    """What a page is called by its file's name, as `ls(1)`; the path where it is none of a page."""
    name = _FILE.fullmatch(path.rpartition("/")[2])
    return f"{name[1]}({name[2]})" if name else path


def pages_below(root: Path) -> Iterator[str]:
    """Paths of the pages below a folder, in order of folder and name; links lead to pages that are met anyway."""
    for folder, folders, files in os.walk(root):
        folders.sort()
        for file in sorted(files):
            place = Path(folder, file)
            if _FILE.fullmatch(file) and not place.is_symlink():
                yield place.relative_to(root).as_posix()


def without_notice(text: str) -> str:
    """A page's text without a section that only says whose it is and under which licence, by its title and its words.

    Sections of more than 4,000 characters stay: pages about licences have them.
    """
    if "COPYRIGHT" not in text and "LICEN" not in text and "COPYING" not in text:
        return text
    return "".join(part for part in _HEADING.split(text) if not _is_notice(part)).strip("\n")


def _is_notice(section: str) -> bool:
    title = _LEGAL_TITLE.match(section)
    return bool(title and len(section) <= _LONGEST_NOTICE and _LEGAL.search(section, title.end()))


class _Man:
    """A man(7) page being laid out."""

    _ALTERNATING = frozenset(("BR", "BI", "IB", "IR", "RB", "RI"))
    _FONTS = frozenset(("B", "I", "SM", "SB", "R", "CW"))
    _PARAGRAPHS = frozenset(("PP", "P", "LP", "HP"))

    def __init__(self, title: str) -> None:
        self.title = title
        self.page = Page()
        self.strings: dict[str, str] = {}
        self.level = 0
        self.pending = ""
        self.url = ""

    def render(self, lines: list[str]) -> str:
        index = 0
        while index < len(lines):
            line = lines[index]
            index += 1
            macro = _MACRO.match(line)
            if macro and macro[1] in ("TS", "EQ"):
                end = next((i for i in range(index, len(lines)) if lines[i][:3] in (".TE", ".EN")), len(lines))
                if macro[1] == "TS":
                    self._table(lines[index:end])
                index = end + 1
            elif macro:
                self._macro(macro[1], macro[2])
            elif not line.startswith((".", "'\\")):
                self._text(line)
        return self.page.text()

    def _text(self, line: str) -> None:
        if not line.strip() and self.page.filling:
            self.page.blank()
        else:
            self._put(unescape(line, self.strings))

    def _put(self, text: str) -> None:
        """Text where it belongs: into the heading or tag that the last macro announced, or the paragraph."""
        pending, self.pending = self.pending, ""
        if pending in ("SH", "SS"):
            self._heading(text)
        elif pending == "TP":
            self._tag(text)
        else:
            self.page.add(text)

    def _heading(self, text: str) -> None:
        self.level = 0
        self.page.heading(" ".join(text.split()))

    def _tag(self, text: str) -> None:
        self.page.indent = self.level
        self.page.add(text)
        self.page.end_line()
        self.page.indent = self.level + 1

    def _table(self, lines: list[str]) -> None:
        self.page.blank()
        for row in tbl.rows(lines):
            self.page.add(unescape(row, self.strings).strip())
            self.page.end_line()
        self.page.blank()

    def _macro(self, macro: str, rest: str) -> None:
        if macro in self._ALTERNATING or macro in self._FONTS or macro in ("OP", "SY"):
            words = [unescape(word, self.strings) for word in arguments(rest)]
            if macro == "OP":
                self.page.add(f"[{' '.join(words)}]")
            elif words:
                self._put(("" if macro in self._ALTERNATING else " ").join(words))
            elif macro in ("B", "I", "SM", "SB"):
                return
        elif macro in ("SH", "SS", "TP", "IP", "TQ") or macro in self._PARAGRAPHS:
            self._structure(macro, [unescape(word, self.strings) for word in arguments(rest)])
        else:
            self._request(macro, rest)

    def _structure(self, macro: str, words: list[str]) -> None:
        if macro in ("SH", "SS"):
            self.pending = "" if words else macro
            if words:
                self._heading(" ".join(words))
            return
        (self.page.end_line if macro == "TQ" else self.page.blank)()
        self.page.indent = self.level
        self.pending = "TP" if macro in ("TP", "TQ") else ""
        if macro == "IP":
            if words and words[0].strip() in ("•", "*", "-", "—", "o", "+"):
                self.page.add(words[0])
            elif words and words[0].strip():
                self._tag(words[0])
            else:
                self.page.indent = self.level + 1

    def _request(self, macro: str, rest: str) -> None:
        page = self.page
        words = arguments(rest)
        match macro:
            case "TH":
                title = f"{words[0]}({words[1]})" if len(words) > 1 else self.title
                page.heading(unescape(title, self.strings))
                page.blank()
            case "br" | "YS":
                page.end_line()
            case "sp" | "Sp":
                page.blank()
            case "nf" | "EX" | "Vb":
                page.end_line()
                page.filling = False
            case "fi" | "EE" | "Ve":
                page.filling = True
            case "RS" | "RE":
                page.end_line()
                self.level = max(0, self.level + (1 if macro == "RS" else -1))
                page.indent = self.level
            case "UR" | "MT":
                self.url = unescape(words[0], self.strings) if words else ""
            case "UE" | "ME":
                page.add(f"<{self.url}>{unescape(''.join(words), self.strings)}")
            case "ds":
                name, _, value = rest.partition(" ")
                self.strings[name] = unescape(value.lstrip().removeprefix('"'), self.strings)[:1000]
            case _:
                return
