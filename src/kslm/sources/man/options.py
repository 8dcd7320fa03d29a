"""Options of a manual page, from its rendered text (see kslm.sources.man.page): what each is called and what it does.

Rendered pages have one shape for every macro package: a line with the option's forms, and below it, further in, its
description:

    -a, --all
        do not ignore entries starting with .

Irregularities: several lines of forms may share one description (they are joined by commas); forms may stand in a table
or a verbatim block, two or more blanks before their description on the same line; LVM's pages put the description right
below, no further in; an option's value may stand before its description (`<file> Read it.`), and is put with its forms.
Left out: the sections SYNOPSIS and EXAMPLES, options without a description, paragraphs that merely begin with a dash,
and whatever is indented below another option's description.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SECTION = re.compile(r"[A-Z][A-Z0-9 /,&()'-]*")
_UNREAD = re.compile(r"SYNOPSIS|EXAMPLE|SEE ALSO|AUTHOR|HISTORY|BUGS|COPYRIGHT|NAME$")
# One form, with its value: -o file, --all, --color[=WHEN], -Wl,x, -I<dir>, -?, --[no-]x. Atomic: time is linear.
_FORM = (
    r"(?>-{1,2}(?:\[no-?\])?[A-Za-z0-9?@#$%!:_\[.][^\s,|]*"
    r"(?: (?!-)[\w<>\[\]{}()|/.:=…*+'\"-]+){0,3})"
)
_TAG = re.compile(rf"{_FORM}(?:(?:\s*\|\s*|(?:,? or|,|;)?\s+){_FORM})*\.{{0,3}}")
_NAME = re.compile(r"(?:^|(?<=[\s,|(/]))(-{1,2}(?:\[no-?\])?[A-Za-z0-9?@#$%!:_][\w.+?@#:-]*)")
# A value before a description, known by its brackets or because the description names it again: TYPE[,TYPE]...
_REPEATED = r"(?P<of>[A-Z]{3,})(?:\[,(?P=of)\](?:\.{3})?)?(?=[\s,].*\b(?P=of)\b)"
_VALUE = re.compile(rf"((?:<[^<>\n]{{1,40}}>|{_REPEATED})(?:, --[\w=-]+)?)(?:\s+|\.?$)", re.DOTALL)
_HAS_VALUE = re.compile(r"[=<\[]|\S ")
_LONGEST = 160
_INLINE = re.compile(r"(-\S.{0,80}?)(?: {2,}|\t)\s*(\S.*)")


def man_options(text: str) -> Iterator[tuple[str, str]]:
    """Each option's forms as one line, and its description with its paragraphs apart by a blank line; never raises."""
    lines = text.split("\n")
    reading, index = True, 0
    while index < len(lines):
        line = lines[index]
        index += 1
        if line[:1].isalnum():
            if _SECTION.fullmatch(line.rstrip()):
                reading = _UNREAD.match(line) is None
            continue
        stripped = line.strip()
        if not reading or stripped[:1] != "-" or len(stripped) < 2:
            continue
        if inline := _INLINE.fullmatch(stripped):
            if is_forms(inline[1]):
                yield from _option(inline[1], inline[2])
            continue
        if not is_forms(stripped):
            continue
        indent = _indent(line)
        forms = [stripped]
        while index < len(lines) and _indent(lines[index]) == indent and is_forms(lines[index].strip()):
            forms.append(lines[index].strip())
            index += 1
        if index < len(lines) and _indent(lines[index]) == indent and lines[index].strip()[:1].isupper():
            end = next((place for place in range(index, len(lines)) if not lines[place].strip()), len(lines))
            description, index = "\n".join(part.strip() for part in lines[index:end]), end
        else:
            description, index = _below(lines, index, indent)
        yield from _option(", ".join(forms), description)


def _option(forms: str, description: str) -> Iterator[tuple[str, str]]:
    """The option with its value among its forms, where a page sets it before the description."""
    last = forms.rpartition(",")[2].strip()
    if _HAS_VALUE.search(last) is None and (value := _VALUE.match(description)):
        forms, description = f"{forms} {value[1]}", description[value.end() :]
    if description:
        yield forms, description


def is_forms(text: str) -> bool:
    """Whether a line holds nothing but the forms of an option.

    >>> is_forms("-o, --output=FILE"), is_forms("- that is, a list's item")
    (True, False)
    """
    return text.startswith("-") and len(text) <= _LONGEST and _TAG.fullmatch(text) is not None


def spellings(forms: str) -> list[str]:
    """An option's names without their values, as one may type them, in the order of its forms.

    >>> spellings("-o, --output=FILE"), spellings("--[no-]verify"), spellings("-I<dir>")
    (['-o', '--output'], ['--verify'], ['-I'])
    """
    names = (match[1].replace("[no-]", "").replace("[no]", "").rstrip(".:+") for match in _NAME.finditer(forms))
    return [name for name in dict.fromkeys(names) if name.strip("-")]


def _below(lines: list[str], index: int, indent: int) -> tuple[str, int]:
    """What stands further in than `indent` from a line on, and the index of the first line after it."""
    block: list[str] = []
    while index < len(lines):
        line = lines[index]
        if line.strip() and _indent(line) <= indent:
            break
        block.append(line.strip())
        index += 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(block)).strip(), index


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
