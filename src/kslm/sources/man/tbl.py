"""Tables of manual pages in tbl(1)'s language, as rows of text with their cells two blanks apart.

    .TS
    allbox tab(:);          options, up to a semicolon; the cells' separator, a tab unless said
    lB lB                   formats, one line each, the last one ended by a full stop
    l l.
    Name:Meaning            data; a cell that is a lone _ or = draws a rule, \\^ continues the cell above
    -v:T{                   a text block: a cell of several lines
    be loud
    T}
    .T&                     formats anew, to a full stop
    .TE

How columns are aligned and ruled is not kept. Requests inside a text block print their words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kslm.sources.man.roff import arguments

_TAB = re.compile(r"tab\s*\(\s*(.)\s*\)")
_OPTIONS = re.compile(r"[^.']*;\s*")
_EMPTY = frozenset(("", "\\^", "_", "=", "\\_"))
_SILENT = frozenset(
    ("sp", "PP", "P", "LP", "RS", "RE", "br", "nf", "fi", "ad", "na", "nh", "hy", "in", "ti", "ne", "IP")
)


def rows(lines: list[str]) -> Iterator[str]:
    """Rows of one table: the lines between .TS and .TE; escapes are left as they are."""
    separator = "\t"
    index = 0
    if lines and _OPTIONS.fullmatch(lines[0]):
        index = 1
        if option := _TAB.search(lines[0]):
            separator = option[1]
    index = _after_formats(lines, index)
    cells: list[str] = []
    block: list[str] | None = None
    while index < len(lines):
        line = lines[index]
        index += 1
        if block is not None:
            if not line.startswith("T}"):
                block.append(_words(line))
                continue
            cells[-1:] = [" ".join(part for part in block if part), *line[2:].split(separator)[1:]]
            block = None
        elif line.startswith((".T&", "'T&")):
            index = _after_formats(lines, index)
            continue
        elif line.startswith((".", "'")) and not line.startswith((".\\", "'\\")):
            continue
        else:
            cells = line.split(separator)
        if cells and cells[-1].strip() == "T{":
            block = []
        elif filled := [cell.strip() for cell in cells if cell.strip() not in _EMPTY]:
            yield "  ".join(filled)
    if block:
        yield "  ".join([*(cell.strip() for cell in cells[:-1] if cell.strip()), " ".join(filter(None, block))])


def _after_formats(lines: list[str], index: int) -> int:
    """Index of the first line of data: after the format that a full stop ends."""
    for place in range(index, len(lines)):
        if lines[place].rstrip().endswith("."):
            return place + 1
    return index


def _words(line: str) -> str:
    """What a line of a text block prints."""
    line = line.strip()
    if not line.startswith((".", "'")):
        return line
    name, _, rest = line[1:].lstrip().partition(" ")
    words = arguments(rest)
    return "" if name in _SILENT else ("" if name in ("BR", "BI", "IB", "IR", "RB", "RI") else " ").join(words)
