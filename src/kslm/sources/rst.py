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
    :c:func:`f`, :ref:`words <label>`   `f`, `words`; padded in a table, so that its columns still stand

Limits: substitutions (|name|), emphasis and inline literals stay as they are written; the options of a directive are
taken for such by their form, `:name: value`; a role whose text goes on in the next line is not seen.
"""

from __future__ import annotations

import re

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
_CREDITS = re.compile(
    r"([ \t]*+):(?:Authors?|Updated(?: by)?|Date|Last[ -]updated|Copyright|Contact|Maintainers?|Translators?"
    r"|Written by):",
    re.IGNORECASE,
)
_ROLE = re.compile(r":(?P<role>[a-z][\w+-]*(?::[a-z][\w+-]*)?):`(?P<text>[^`\n]+)`(?P<column>(?=  |[ ]?\|))?")
_TARGET = re.compile(r"[ \t]*+<[^<>]*>$")
_SPANS = frozenset(("cspan", "rspan"))


def render(text: str) -> str:
    """The text of one document, without a line end at its end."""
    reader = _Reader()
    for line in text.split("\n"):
        reader.line(line)
    return "\n".join(reader.kept).strip("\n")


class _Reader:
    """A document while its lines go by: what is left out, and what is kept as it is, to the end of its indentation."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.silent: int | None = None
        self.verbatim: int | None = None
        self.options: int | None = None

    def line(self, line: str) -> None:
        """Take the next line."""
        stripped = line.strip()
        indent = len(line) - len(line.lstrip())
        if self._inside(line, stripped, indent):
            return
        explicit = _EXPLICIT.match(line) if stripped[:2] == ".." else None
        if explicit:
            self._explicit(explicit[1], (explicit[2] or "").strip())
        elif stripped[:1] == ":" and _CREDITS.match(line):
            self.silent = indent
        elif stripped.endswith("::"):
            self.verbatim = indent
            if stripped != "::":
                self.kept.append(_plain(line.rstrip()[:-1]))
        else:
            self.kept.append(_plain(line))

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
                self.kept.append(line)
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
            self.kept.append(f"{margin}{link[1] or link[2]}: {link[3]}")
        elif rest[:1] == "[":
            self.silent = None
            self.kept.append(_plain(margin + rest))

    def _directive(self, margin: str, name: str, argument: str) -> None:
        if name in _SILENT:
            self.silent = len(margin)
            return
        self.options = len(margin)
        if name in _VERBATIM:
            self.verbatim = len(margin)
        elif name in _ADMONITIONS:
            self.kept.append(_plain(f"{margin}{name.capitalize()}: {argument}".rstrip()))
        elif argument:
            self.kept.append(_plain(margin + argument))


def _plain(line: str) -> str:
    """A line with its roles turned into their text."""
    return _ROLE.sub(_words, line) if ":`" in line else line


def _words(role: re.Match[str]) -> str:
    text = "" if role["role"] in _SPANS else _TARGET.sub("", role["text"]).lstrip("~!") or role["text"]
    return text.ljust(role.end() - role.start()) if role["column"] is not None else text
