"""Reader of a kernel source tree kept as an uncompressed tar with an index.

A tar that is not compressed can be read at any offset, so many workers share one file and each reads its own members in
a few long sequential reads; unpacking 80,000 small files, or decompressing the archive in every worker, costs far more.
The index is a JSON list of [name, offset of the data, bytes], names without the archive's top folder.

What a file is follows from its name alone; what is no text `decode` refuses, with the reason.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from kslm.errors import DataError
from kslm.sources.kernel.kbuild import is_makefile
from kslm.sources.licences import normalised
from kslm.sources.records import Bad, Decoded

# The largest file of a kernel tree has 24 MB (register tables of one GPU).
LARGEST_FILE = 64 << 20
_LONGEST_READ = 8 << 20
_WIDEST_GAP = 64 << 10
_MOST_NULS = 8

_KINDS = {"c": "c", "h": "c", "S": "c", "rst": "rst", "dts": "dts", "dtsi": "dts"}
_SPDX = re.compile(r"SPDX-License-Identifier:([A-Za-z0-9.+:() \t-]*)")
_SPDX_CHARS = 2000
_NOTICE_CHARS = 4000
_MARKS = str.maketrans("*#/;", "    ")
_GPL = re.compile(r"(?<!Lesser )(?<!Library )General Public Licen[sc]e|GNU GPL|the GPL\b|GPL version")
_CHOICE = re.compile(
    r"(?i)alternatively|\bdual|choice of|one of (?:the )?two|terms of either|either license|OpenIB\.org"
)
_NOTICES = (
    ("MIT", re.compile(r"Permission is hereby granted, free of charge, to any person")),
    ("Linux-OpenIB", re.compile(r"OpenIB\.org BSD license")),
    ("BSD-4-Clause", re.compile(r"advertising materials mentioning features or use of this")),
    ("BSD-3-Clause", re.compile(r"Redistribution and use in source and binary forms.{1,1500}endorse or promote")),
    ("BSD-2-Clause", re.compile(r"Redistribution and use in source and binary forms")),
    (
        "ISC",
        re.compile(r"Permission to use, copy, modify,? and(?: or)? distribute this software for any purpose with or"),
    ),
    ("LGPL-2.1-or-later", re.compile(r"Lesser General Public License.{1,80}version 2\.1.{1,80}any later version")),
)
"""How the notices of common licences begin, marks of comments and line ends taken for blanks; the first counts."""


class Member(NamedTuple):
    """One regular file of the tar: path below the tree's root, offset and size of its data in bytes."""

    name: str
    offset: int
    size: int


def load_index(path: Path) -> list[Member]:
    """Read the index of a tar, in the order of the data.

    Raises:
        DataError: the file is missing or is not an index.
    """
    try:
        rows = json.loads(path.read_text("utf-8"))
        members = [Member(str(name), int(offset), int(size)) for name, offset, size in rows]
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"cannot read the archive's index {path}", cause=str(error), remedy="run the fetch stage again with --force"
        ) from error
    if any(member.offset < 0 or member.size < 0 for member in members):
        raise DataError(f"the index {path} holds negative numbers", remedy="run the fetch stage again with --force")
    return sorted(members, key=lambda member: (member.offset, member.name))


def select(members: Iterable[Member], include: Iterable[str], exclude: Iterable[str]) -> list[Member]:
    """Members whose name matches a pattern of `include` (all, when it is empty) and none of `exclude`.

    Patterns are globs over the whole path in which `*` also matches `/`; case matters.
    """
    wanted, unwanted = _any_of(include), _any_of(exclude)
    return [
        member
        for member in members
        if (wanted is None or wanted.match(member.name)) and not (unwanted and unwanted.match(member.name))
    ]


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    translated = [fnmatch.translate(pattern) for pattern in patterns]
    return re.compile("|".join(translated)) if translated else None


def read_members(tar_path: Path, members: Iterable[Member]) -> Iterator[tuple[Member, bytes]]:
    """Read members in the order of their data, neighbours in one read of at most 8 MB (or one member's size).

    A caller that minds memory leaves out members over LARGEST_FILE first; `decode` refuses them anyway.

    Raises:
        DataError: the tar is missing, or shorter than its index says.
    """
    try:
        with tar_path.open("rb") as tar:
            for run in _runs(sorted(members, key=lambda member: member.offset)):
                first = run[0].offset
                end = max(member.offset + member.size for member in run)
                tar.seek(first)
                data = tar.read(end - first)
                if len(data) < end - first:
                    raise DataError(
                        f"{tar_path} ends before byte {end}, inside {run[-1].name}",
                        cause="the file was cut short, or is not the one its index was made from",
                        remedy="run the fetch stage again with --force",
                    )
                for member in run:
                    yield member, data[member.offset - first : member.offset - first + member.size]
    except OSError as error:
        raise DataError(f"cannot read {tar_path}", cause=str(error), remedy="run the fetch stage again") from error


def _runs(members: list[Member]) -> Iterator[list[Member]]:
    """Group members, sorted by offset, into stretches worth one read."""
    run: list[Member] = []
    for member in members:
        if run and (
            member.offset - (run[-1].offset + run[-1].size) > _WIDEST_GAP
            or member.offset + member.size - run[0].offset > _LONGEST_READ
        ):
            yield run
            run = []
        run.append(member)
    if run:
        yield run


def kind_of(name: str) -> str:
    """What a file of the tree is: c, kconfig, makefile, rst, dt_binding, dts, abi or text; "other" is not ingested."""
    base = name.rpartition("/")[2]
    extension = base.rpartition(".")[2] if "." in base else ""
    if base.startswith("Kconfig"):
        return "kconfig"
    if is_makefile(name):
        return "makefile"
    if extension in _KINDS:
        return _KINDS[extension]
    if name.startswith("Documentation/ABI/"):
        return "abi"
    if name.startswith("Documentation/devicetree/bindings/") and extension in ("yaml", "txt"):
        return "dt_binding"
    return "text" if name.startswith("Documentation/") and extension == "txt" else "other"


def decode(raw: bytes, path: str) -> Decoded:
    """Decode one file as UTF-8, without byte order mark and with lines ended by a line feed alone.

    Bytes outside UTF-8 and a few NUL bytes become U+FFFD, the text is kept. A file with many NUL bytes, or larger than
    LARGEST_FILE, is no text and set aside whole.
    """
    if len(raw) > LARGEST_FILE:
        return Decoded("", (Bad.of(path, 0, f"larger than {LARGEST_FILE >> 20} MiB", raw),))
    nuls = raw.count(0) if 0 in raw else 0
    if nuls > _MOST_NULS:
        return Decoded("", (Bad.of(path, 0, "binary: many NUL bytes", raw),))
    reasons = []
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("utf-8-sig", "replace")
        reasons.append("not UTF-8: decoded with replacement")
    if nuls:
        text = text.replace("\x00", "\ufffd")
        reasons.append("NUL bytes replaced")
    if not text:
        reasons.append("empty file")
    findings = tuple(replace(Bad.of(path, 0, reason, raw), size=0 if text else len(raw)) for reason in reasons)
    return Decoded(text.replace("\r\n", "\n") if "\r" in text else text, findings)


def spdx_of(text: str) -> str | None:
    """The licence that a file's SPDX line, within its first 2000 characters, states in `licences.normalised` form.

    Of plain alternatives the GNU ones come first. None where there is no such line, or it is no expression.
    """
    line = _SPDX.search(text, 0, _SPDX_CHARS)
    expression = normalised(line[1].strip(" \t-")) if line else None
    if expression is None or " AND " in expression:
        return expression
    return " OR ".join(sorted(expression.split(" OR "), key=lambda name: ("GPL" not in name, name)))


def licence_of(text: str) -> str | None:
    """The licence a file states: its SPDX line, else the notice at its beginning; None where it has neither.

    A notice counts by its usual first words (`_NOTICES`). Where the GPL is named beside it, both hold unless the words
    offer a choice; "any later version" makes the GPL 2.0-or-later. A bare GPL-2.0, the tree's own licence, and a notice
    of another kind give None.
    """
    stated = spdx_of(text)
    if stated:
        return stated
    head = text[:_NOTICE_CHARS]
    if "icense" not in head and "ermission" not in head and "edistribution" not in head:
        return None
    words = " ".join(head.translate(_MARKS).split())
    gpl = ("GPL-2.0-or-later" if "any later version" in words else "GPL-2.0-only") if _GPL.search(words) else None
    notice = next((name for name, pattern in _NOTICES if pattern.search(words)), None)
    if notice is None:
        return None if gpl == "GPL-2.0-only" else gpl
    return f"{gpl} {'OR' if _CHOICE.search(words) else 'AND'} {notice}" if gpl else notice
