"""Reader of the kernel's ABI documentation: what each file of sysfs, debugfs or configfs is for.

Grammar: Documentation/ABI/README. A file is a run of stanzas. A stanza begins with one or more `What:` lines and has
the fields Date, KernelVersion, Contact, Description and Users, each `Name:` at the beginning of a line, with its text
beside it or indented below; names differ in case, and authors add fields of their own (Values, Note). Contact and Users
name people and are left out; a field of another name is part of the description.

Narrow: text before the first What, and stanzas without a description, are left out; a file without any stanza (README)
comes back as it is. A description that is not indented ends at a line that looks like one of the fields.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

_FIELD = re.compile(r"(What|W?Date|Kernel ?Version|Contact|Description|Users?)[ \t]*:[ \t]*(.*)", re.IGNORECASE)


@dataclass(frozen=True)
class Stanza:
    """One piece of the interface.

    Attributes:
        what: paths, as written (with *, X, <n> where they vary).
        date: when it came, as written; "" where not given.
        version: the kernel it came with; "" where not given.
        description: its text, without its indentation.
    """

    what: tuple[str, ...]
    date: str
    version: str
    description: str


def parse(text: str) -> Iterator[Stanza]:
    """The stanzas of one file that describe something; no text raises."""
    fields: dict[str, list[str]] = {}
    current = ""
    for line in text.expandtabs().split("\n"):
        field = _FIELD.match(line)
        if not field:
            if current:
                fields[current].append(line)
            continue
        name = field[1].lower().replace(" ", "")
        if name == "what" and current != "what":
            yield from _stanza(fields)
            fields = {}
        current = name
        fields.setdefault(name, []).append(field[2])
    yield from _stanza(fields)


def extract(text: str) -> str:
    """The stanzas of one file as text: paths, when they came, and what they do."""
    stanzas = ["\n".join([*stanza.what, *_since(stanza), stanza.description]) for stanza in parse(text)]
    return "\n\n".join(stanzas) if stanzas or _FIELD.search(text) else text.strip()


def _stanza(fields: dict[str, list[str]]) -> Iterator[Stanza]:
    what = tuple(line.strip() for line in fields.get("what", ()) if line.strip())
    first, *rest = fields.get("description", [""])
    description = "\n".join([first.strip(), textwrap.dedent("\n".join(rest))]).strip()
    if what and description:
        date, version = (_line(fields.get(name, ())) for name in ("date", "kernelversion"))
        yield Stanza(what, date, version, description)


def _line(lines: list[str] | tuple[()]) -> str:
    return " ".join(" ".join(lines).split())


def _since(stanza: Stanza) -> list[str]:
    version = f"kernel {stanza.version.removeprefix('v')}" if stanza.version else ""
    since = ", ".join(part for part in (version, stanza.date) if part)
    return [f"Since {since}."] if since else []
