"""Reader of tldr pages: a command's few most useful invocations, each with what it does.

Grammar (tldr-pages' style guide):

    # command
    > What it does.
    > More information: <https://example.org>.
    - How to do this:
    `command --flag {{placeholder}}`

Irregularities: an example's text may have its command after a blank line or right below it; a back-quoted command may
hold back-quotes itself (the outermost pair counts); `{{[-l|--long]}}` offers the short and the long form of an option,
`{{path/to/file}}` a placeholder, and `\\{\\{` a literal brace; pages with only an alias say "View documentation for the
original command". Pages for other languages live in folders `pages.xx`, not read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CHOICE = re.compile(r"\{\{\[([^|\[\]{}\n]*)\|([^\[\]{}\n]*)\]\}\}")
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")


@dataclass(frozen=True)
class TldrPage:
    """One page; `examples` are (what it does, the command as written, placeholders included)."""

    command: str
    description: str
    examples: tuple[tuple[str, str], ...]


def parse(text: str) -> TldrPage:
    """Read one page; parts that are missing are empty, an example without a command is left out. Never raises."""
    command, description = "", []
    examples: list[tuple[str, str]] = []
    how = ""
    for line in (raw.strip() for raw in text.split("\n")):
        if line.startswith("# ") and not command:
            command = line[2:].strip()
        elif line.startswith(">"):
            description.append(line[1:].strip())
        elif line.startswith("- "):
            how = line[2:].strip().removesuffix(":").strip()
        elif line.startswith("`") and line.endswith("`") and len(line) > 2 and how:
            examples.append((how, line[1:-1].strip()))
            how = ""
    sentences = [part for part in description if part and not part.startswith("More information:")]
    return TldrPage(command, " ".join(sentences), tuple(examples))


def plain(command: str) -> str:
    """A command as one would type it: the long form of each choice, placeholders without their braces.

    >>> plain("ls {{[-l|--long]}} {{path/to/folder}}")
    'ls --long path/to/folder'
    """
    return _PLACEHOLDER.sub(r"\1", _CHOICE.sub(r"\2", command)).replace("\\{\\{", "{{").replace("\\}\\}", "}}")
