"""Reader of reStructuredText as the kernel's Documentation uses it: the text, without what only Sphinx reads.

A line at a time, by the form of the line alone; the layout stays, since indentation, tables and underlined headings
say as much as the words. docutils would lose that, and takes seconds where this takes milliseconds.

    .. a comment, .. SPDX-...           left out with what is indented below it
    .. _label:, .. |name| replace:: x   left out; `.. _name: URL` becomes `name: URL`
    .. toctree::, index, only, raw, ... left out whole, _SILENT: they steer, or name text that is elsewhere
    .. note:: words                     `Note: words`, then what is indented below it
    .. c:function:: int f(void)         `int f(void)`; so with every other directive: its argument, without its options
    .. code-block:: c                   what is below it, character by character; so after a line that ends in `::`
    .. [1] words                        `[1] words`
    :Author: a name                     left out, as other fields that say who and when (_CREDITS)
    Author: a name, Copyright 2001 ...  left out, with what is indented below it
    Authors, Credits, ... underlined    left out, to the next heading that is not below it
    -  .. row 1                         left out: counts a table's rows
    :c:func:`f`, :ref:`words <label>`   `f`, `words`; padded in a table, so that its columns still stand

Limits: substitutions (|name|), emphasis and inline literals stay as they are written; the options of a directive are
taken for such by their form, `:name: value`; a role whose text goes on in the next line is not seen; a section of
credits takes with it what follows under a heading that is not underlined, and copyright that goes on in the next line
leaves that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_EXPLICIT = re.compile(r"([ \t]*+)\.\.(?:[ \t]++(.*))?$")
_DIRECTIVE = re.compile(r"([A-Za-z][\w:+.-]*?)[ \t]*+::(?:[ \t]++(.*))?$")
_LINK = re.compile(r"_(?:`([^`]+)`|([^:]+)):[ \t]*+(.*)$")
_SPHINX_ONLY = """
    toctree index only ifconfig meta raw contents sectnum include literalinclude highlight title class cssclass
    tabularcolumns default-role c:namespace c:namespace-push c:namespace-pop kernel-doc kernel-feat kernel-abi
    kernel-include kernel-render maintainers-include image figure kernel-image kernel-figure
"""
_SILENT = frozenset(_SPHINX_ONLY.split())
_VERBATIM = frozenset(("code-block", "code", "parsed-literal", "sourcecode", "math"))
_ADMONITIONS = frozenset(("note", "warning", "attention", "important", "caution", "tip", "hint", "danger", "seealso"))
_OPTION = re.compile(r"[ \t]++:[A-Za-z][\w-]*+:(?:[ \t]|$)")
_WHO = r"(?:authors?(?:\(s\))?|maintainers?|contributors?|translators?|copyright)"
_CREDITS = re.compile(
    rf"""[ \t]*+(?:
        :(?:[\w ]{{0,20}}\b{_WHO}\b[^:\n`]{{0,20}}|updated(?:\ by)?|date|last[ -]updated|contact|written\ by
          |manual\ (?:section|group)):
      | (?:[-*]\ +|\*\*)?(?:
          (?:document\ |original\ |current\ |main\ )?{_WHO}(?:\ of\ [\w ]{{1,30}})?\**:
        | (?:portions\ )?copyright\**[ ,]*+(?:\|copy\||\(c\)|©|\d{{4}}|[\w., ]{{1,60}}\b(?:19|20)\d\d)
        | (?:originally\ |document\ )?(?:written|modified|maintained|compiled|updated)\ by\b.*@
        | (?:date\ created|last\ (?:modified|updated?)):
      )
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_CREDIT_STARTS = frozenset(":aAmMcCtTpPoOdDwWlLuU-*")
_CREDITED = (
    rf"(?:(?:document |original |current |main )?{_WHO}|credits|copyrights?|acknowledge?ments?"
    r"|(?:special )?thanks(?: to)?|licen[cs]e)"
)
_CREDIT_SECTION = re.compile(rf"(?:[\dIVX]+[.)] *)?{_CREDITED}(?:(?: and |/| & |, ){_CREDITED})*:?", re.IGNORECASE)
_UNDERLINE = re.compile(r"([=~^\"'*+#:.`_-])\1{2,}+[ \t]*+\Z")
_ROW = re.compile(r"(?:[-*] +)+\.\. row \d+")
_ROLE = re.compile(r":(?P<role>[a-z][\w+-]*(?::[a-z][\w+-]*)?):`(?P<text>[^`\n]+)`(?P<column>(?=  |[ ]?\|))?")
_TARGET = re.compile(r"[ \t]*+<[^<>]*>$")
_SPANS = frozenset(("cspan", "rspan"))


def render(text: str) -> str:
    """The text of one document, without a line end at its end."""
    reader = _Reader()
    for line in _without_credits(text.split("\n")):
        reader.line(line)
    return "\n".join(reader.lines).strip("\n")


def _without_credits(lines: list[str]) -> list[str]:
    """The lines but for the sections that only say who has had a part in it."""
    left_out: set[int] = set()
    levels: list[str] = []
    start, depth = None, 0
    for first, title, style in _headings(lines):
        if style not in levels:
            levels.append(style)
        level = levels.index(style)
        if start is not None and level <= depth:
            left_out.update(range(start, first))
            start = None
        if start is None and _CREDIT_SECTION.fullmatch(title):
            start, depth = first, level
    if start is not None:
        left_out.update(range(start, len(lines)))
    return [line for number, line in enumerate(lines) if number not in left_out] if left_out else lines


def _headings(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    """Each heading's first line, its title, and the marks it is underlined, and maybe overlined, with."""
    for number in range(1, len(lines)):
        under = _UNDERLINE.match(lines[number])
        title = lines[number - 1].strip() if under else ""
        if under is None or not title or not title[0].isalnum():
            continue
        over = _UNDERLINE.match(lines[number - 2]) if number > 1 else None
        if over and over[1] == under[1]:
            yield number - 2, title, under[1] * 2
        elif lines[number - 1][0] == title[0]:
            yield number - 1, title, under[1]


class _Reader:
    """A document while its lines go by: what is left out, and what is kept as it is, to the end of its indentation."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.silent: int | None = None
        self.verbatim: int | None = None
        self.options: int | None = None

    def line(self, line: str) -> None:
        stripped = line.strip()
        indent = len(line) - len(line.lstrip())
        if self._inside(line, stripped, indent):
            return
        explicit = _EXPLICIT.match(line) if stripped[:2] == ".." else None
        if explicit:
            self._explicit(explicit[1], (explicit[2] or "").strip())
        elif stripped[:1] in _CREDIT_STARTS and _CREDITS.match(line):
            self.silent = indent
        elif ".. row" in stripped and _ROW.fullmatch(stripped):
            return
        elif stripped.endswith("::"):
            self.verbatim = indent
            if stripped != "::":
                self.lines.append(_plain(line.rstrip()[:-1]))
        else:
            self.lines.append(_plain(line))

    def _inside(self, line: str, stripped: str, indent: int) -> bool:
        """Whether the line belongs to what is left out, to a directive's options or to text kept as it is."""
        if self.silent is not None:
            if not stripped or indent > self.silent:
                return True
            self.silent = None
        if self.options is not None:
            if indent > self.options and _OPTION.match(line):
                return True
            self.options = None
        if self.verbatim is not None:
            if not stripped or indent > self.verbatim:
                self.lines.append(line)
                return True
            self.verbatim = None
        return False

    def _explicit(self, margin: str, rest: str) -> None:
        """A line that begins with two full stops."""
        indent = len(margin)
        if directive := _DIRECTIVE.match(rest):
            self._directive(margin, directive[1].lower(), (directive[2] or "").strip())
            return
        self.silent = indent
        link = _LINK.match(rest)
        if link and link[3]:
            self.lines.append(f"{margin}{link[1] or link[2]}: {link[3]}")
        elif rest[:1] == "[":
            self.silent = None
            self.lines.append(_plain(margin + rest))

    def _directive(self, margin: str, name: str, argument: str) -> None:
        if name in _SILENT:
            self.silent = len(margin)
            return
        self.options = len(margin)
        if name in _VERBATIM:
            self.verbatim = len(margin)
        elif name in _ADMONITIONS:
            self.lines.append(_plain(f"{margin}{name.capitalize()}: {argument}".rstrip()))
        elif argument:
            self.lines.append(_plain(margin + argument))


def _plain(line: str) -> str:
    """A line with its roles turned into their text."""
    return _ROLE.sub(_words, line) if ":`" in line else line


def _words(role: re.Match[str]) -> str:
    text = "" if role["role"] in _SPANS else _TARGET.sub("", role["text"]).lstrip("~!") or role["text"]
    return text.ljust(role.end() - role.start()) if role["column"] is not None else text
