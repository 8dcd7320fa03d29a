"""Reader of udev's hardware database (hwdb(7)): which properties a device gets, by patterns over its identity.

Grammar, one record after another, a blank line between them:

    # comment                     (anywhere; a trailing comment is part of a value's line)
    evdev:name:Dell*:dmi:*        match line, column 0: a glob over the device's modalias; one or more
     KEYBOARD_KEY_88=wlan         property line, one blank before it: KEY=VALUE

Irregularities: a comment may stand between the match lines and the properties of one record; some blocks of records
are only comments (a heading over a vendor's devices), which say what the next records are about; a property without a
match line, or a match without a property, is legal for udev's compiler with a warning, and is left out here. Files that
repeat the identity lists (pci.ids, usb.ids, the OUI and the vendor registries) are not read: `wanted` tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_COPIES = re.compile(
    r"20-(?:pci-vendor-model|pci-classes|usb-vendor-model|usb-classes|OUI|bluetooth-vendor-product|acpi-vendor|"
    r"sdio-vendor-model|sdio-classes)\.hwdb"
)
_PROPERTY = re.compile(r"\s+([A-Za-z_.][\w.:-]*)=(.*)")
_REMARK = re.compile(r"\s#.*")
_RULE = re.compile(r"#[#\s=*-]*")
_BLANKS = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class HwdbRecord:
    """One record: the comment before it, its match patterns, its properties in order, its first line (from 1)."""

    comment: str
    matches: tuple[str, ...]
    properties: tuple[tuple[str, str], ...]
    line: int


def wanted(name: str) -> bool:
    """Whether a file says more than the identity lists do; `name` is its own name, without folders."""
    return name.endswith(".hwdb") and _COPIES.fullmatch(name) is None


def parse(text: str) -> Iterator[HwdbRecord]:
    """Every record that has both a match and a property, in file order; never raises."""
    comments: list[str] = []
    matches: list[str] = []
    properties: list[tuple[str, str]] = []
    first = 0
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.startswith("#"):
            if not matches:
                comments.append(line.lstrip("#").strip())
        elif not line.strip() or (not line[0].isspace() and properties):
            if matches and properties:
                yield HwdbRecord(_joined(comments), tuple(matches), tuple(properties), first)
            if matches or properties:
                comments = []
            matches, properties = [], []
            if line.strip():
                matches, first = [line.strip()], number
        elif not line[0].isspace():
            first = first if matches else number
            matches.append(line.strip())
        elif matches and (setting := _PROPERTY.match(line)):
            properties.append((setting[1], _REMARK.sub("", setting[2]).strip()))


def _joined(comments: list[str]) -> str:
    return "\n".join(comment for comment in comments if re.search(r"\w", comment))


def document(text: str) -> str:
    """The file as one reads it: its comments (what the records are about, how to add one) and its records.

    Lines that only draw a rule are left out and runs of blank lines folded; nothing else changes.
    """
    lines = (line.rstrip() for line in text.split("\n"))
    return _BLANKS.sub("\n\n", "\n".join(line for line in lines if not _RULE.fullmatch(line))).strip("\n")
