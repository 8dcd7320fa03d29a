"""Reader of systemd's message catalogue: what a journal message means and what to do about it.

Grammar of a `.catalog` file:

    # comment
    -- fc2e22bc6ee647b6b90729ab34a250b1 [language]
    Subject: Process @COREDUMP_PID@ (@COREDUMP_COMM@) dumped core
    Defined-By: systemd
    Support: %SUPPORT_URL%
    Documentation: man:core(5)

    Explanation, of several paragraphs.

Headers end at the first blank line; `@FIELD@` stands for a field of the journal entry. Irregularities: the identity may
be written with dashes; header names come in any case and order, and Documentation may be repeated; a subject may run on
in an indented line; translations live in files of their own (`systemd.de.catalog`), or have the language after the
identity: both are left out. `filled` is for those who read an explanation without an entry. Text before the first entry
is the file's licence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ENTRY = re.compile(r"--[ \t]+([0-9a-fA-F-]{32,36})(?:[ \t]+(\S+))?[ \t]*")
_HEADER = re.compile(r"([A-Za-z][A-Za-z-]*):[ \t]*(.*)")


_UNIT = re.compile(r"(?:\b[Tt]he )?(?:\bunit )?@UNIT(?!\w)@?(?: unit)?")
_USER = re.compile(r"(?:\bthe )?\buser @(?:USER_ID|_UID)@")
_ASIDE = re.compile(r" (?:\(@[A-Z_]+@\)|with the ID @[A-Z_]+@|with its leader PID @[A-Z_]+@|with result '@[A-Z_]+@')")
# Fields after a noun that says what they are, so that a sentence can do without: "Seat @SEAT_ID@ has been removed".
_NAMED = re.compile(
    r"'?@(?:COREDUMP_PID|SESSION_ID|SEAT_ID|SLEEP|NAME|EXECUTABLE|WHERE|USER_GROUP_NAME|MOUNT_POINT|OFFENDING_UNITS)@'?"
)
_SAID = {"OFFENDING_USER": "nobody", "COMMAND": "ExecStart", "TIMEZONE": "another one"}
_SAID |= {"SIZE_LIMIT": "so many", "REALTIME": "so many"}
_FIELD = re.compile(r"@([A-Z_]+)@")
_SENTENCE = re.compile(r"(?<=[.:])\s+(?=[A-Z])|\n[ \t]*\n")


@dataclass(frozen=True)
class CatalogEntry:
    """One message: `message_id` is 32 lower-case hexadecimal digits; an absent header is ""; `line` counts from 1."""

    message_id: str
    subject: str
    defined_by: str
    support: str
    documentation: str
    text: str
    line: int


def is_english(name: str) -> bool:
    """Whether a catalogue's own file name tells of no other language: `systemd.catalog`, not `systemd.de.catalog`."""
    return name.endswith(".catalog") and "." not in name.removesuffix(".catalog")


def parse(text: str) -> Iterator[CatalogEntry]:
    """Every English entry, in file order; an entry without subject and text is left out. Never raises."""
    heading: tuple[str, int] | None = None
    body: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        match = _ENTRY.fullmatch(line.rstrip("\r"))
        identity = match[1].replace("-", "").lower() if match else ""
        if match is None or len(identity) != 32:
            if not line.startswith("#"):
                body.append(line.rstrip())
            continue
        if heading and (entry := _entry(*heading, body)):
            yield entry
        heading = (identity, number) if match[2] in (None, "en", "en_US", "C") else None
        body = []
    if heading and (entry := _entry(*heading, body)):
        yield entry


def filled(text: str) -> str:
    """A subject or explanation without the fields of a journal entry, as it reads of no entry in particular.

    A field gives way to what it stands for ("the unit", "the user") or to nothing where a noun names it; a sentence
    that only reports the value of another field is left out.

    >>> filled("The stop job of unit @UNIT@ has finished.\\nThe job identifier is @JOB_ID@.")
    'The stop job of the unit has finished.'
    """
    if "@" not in text:
        return text
    text = _UNIT.sub("the unit", _USER.sub("the user", _ASIDE.sub("", text)))
    text = _FIELD.sub(lambda match: _SAID.get(match[1], match[0]), _NAMED.sub("", text))
    sentences = (part for part in _SENTENCE.split(text) if not _FIELD.search(part))
    told = (re.sub(r"\s+([,.;])(?=\s|$)", r"\1", " ".join(part.split())) for part in sentences)
    return " ".join(part[0].upper() + part[1:] for part in told if part)


def _entry(identity: str, line: int, body: list[str]) -> CatalogEntry | None:
    headers: dict[str, str] = {}
    last = ""
    index = 0
    for index, raw in enumerate([*body, ""]):  # noqa: B007  the index is where the headers end
        header = _HEADER.fullmatch(raw)
        if header:
            last = header[1].lower()
            headers[last] = f"{headers[last]} {header[2]}".strip() if last in headers else header[2]
        elif last and raw[:1].isspace() and raw.strip():
            headers[last] = f"{headers[last]} {raw.strip()}".strip()
        else:
            break
    text = "\n".join(body[index:]).strip()
    named = [headers.get(name, "") for name in ("subject", "defined-by", "support", "documentation")]
    return CatalogEntry(identity, named[0], named[1], named[2], named[3], text, line) if named[0] or text else None
