"""Reader of phase-1 system snapshots: one text file of ten sections, each the output of a file of /proc or of a tool.

    ================ System Monitoring Report ================
    Timestamp: Sat Nov 21 10:27:32 UTC 2026
    ----- CPU Information -----
    ...

The timestamp's form depends on the locale. A section ends where the next begins, never at a blank line. Sections may be
missing, empty, repeated, translated or unknown: one whose title is not known is recognised by what it holds where that
is unmistakable (files of /proc read the same in every language), and otherwise kept raw as "unknown".

The fields of a section: kslm.sources.logs.snapshot_fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from kslm.sources.logs.snapshot_fields import fields_of
from kslm.sources.records import SnapshotSection

HEADER = "================ System Monitoring Report ================"
# Canonical key to the title a snapshot is written with.
TITLES = {
    "cpu_information": "CPU Information",
    "cpu_usage": "CPU Usage",
    "ram_usage": "RAM Usage",
    "process_list": "Process List",
    "open_files": "Open Files by Top Processes",
    "gpu_information": "GPU Information",
    "disk_usage": "Disk Usage",
    "disk_activity": "Disk Read/Write Activity",
    "network_usage": "Network Usage",
    "ports": "Open Ports & Active Connections",
}
_BY_TITLE = {re.sub(r"[^a-z]", "", title.lower()): key for key, title in TITLES.items()}
_TITLE = re.compile(r"-{4,8} ?([^\s\W](?:[^|+\n]{0,118}[^\s|+-])?) ?-{4,8}\s*")
_REPORT = re.compile(r"={8,32} [^=\n]{1,100} ={8,32}\s*")
_STAMP = re.compile(r"[^\W\d][\w .]{1,30}: ?(\S.{0,99})")

# What a section in any language is recognised by, most telling first.
_CONTENTS = (
    ("ram_usage", re.compile(r"^MemTotal:", re.MULTILINE)),
    ("cpu_information", re.compile(r"^(?:processor|BogoMIPS)\s{0,16}:", re.MULTILINE)),
    ("cpu_usage", re.compile(r"^cpu +[0-9]+ [0-9]+ ", re.MULTILINE)),
    ("network_usage", re.compile(r"^ {0,8}lo: *[0-9]|^\s*face \|bytes", re.MULTILINE)),
    ("open_files", re.compile(r"^PID: [0-9]+", re.MULTILINE)),
    ("gpu_information", re.compile(r"NVIDIA-SMI|^card[0-9]+|No GPU detected", re.MULTILINE)),
    ("process_list", re.compile(r"^USER +PID +%CPU|^root +1 +[0-9.]+ ", re.MULTILINE)),
    ("disk_activity", re.compile(r"^ +[0-9]+ +[0-9]+ [a-z]+[\w-]* [0-9]+ [0-9]+ [0-9]+ ", re.MULTILINE)),
    ("disk_usage", re.compile(r"^(?:tmpfs|overlay|udev|/dev/\S+) .* [0-9]+% /", re.MULTILINE)),
    ("ports", re.compile(r"^Netid +|^(?:tcp|udp) +(?:LISTEN|UNCONN|ESTAB)", re.MULTILINE)),
)


def is_snapshot(head: str) -> bool:
    """Whether a file that begins like this is a snapshot: by its header, or by two titles of known sections."""
    lines = head.splitlines()
    if any(line.strip() == HEADER for line in lines):
        return True
    return sum(_known_title(match[1]) is not None for line in lines if (match := _TITLE.fullmatch(line))) >= 2


def parse(text: str) -> Iterator[SnapshotSection]:
    """The sections of a snapshot, in order; text before the first section that is no header is an "unknown" one.

    Several snapshots in one file (appended) are read as one: `index` goes on, `timestamp` is that of each.
    """
    title, body, timestamp, index = "", list[str](), None, 0
    in_preamble = True
    for line in text.splitlines():
        match = _TITLE.fullmatch(line)
        if match is None and not _REPORT.fullmatch(line):
            stamp = _STAMP.fullmatch(line.strip()) if in_preamble else None
            if stamp is not None and timestamp is None:
                timestamp = stamp[1]
            else:
                body.append(line)
            continue
        if title or any(row.strip() for row in body):
            yield _section(title, body, index, timestamp)
            index += 1
        title, body = (match[1], []) if match else ("", [])
        in_preamble = match is None
        timestamp = None if in_preamble else timestamp
    if title or any(row.strip() for row in body):
        yield _section(title, body, index, timestamp)


# The first letters of months in the languages of Western Europe, enough to tell them apart.
_MONTH_WORDS = """
    jan jän gen ene ian janv|feb fév fev fév febr févr|mar mär mrz mär mrt maa mars már|apr abr avr apr kwi|may mai mei
    maj mag maio|jun jui juin giu giugno haz|jul juil lug luglio|aug aoû aou ago août|sep set sept syys|oct okt ott out
    |nov nóv noi|dec déc dez dic des
"""
_MONTH_NUMBERS = {word: number + 1 for number, words in enumerate(_MONTH_WORDS.split("|")) for word in words.split()}
_CLOCK = re.compile(r"(?<![0-9:])([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?![0-9:])(?: ?(AM|PM|am|pm)\b)?")
_NUMERIC_DATE = re.compile(r"(?<![0-9])(20[0-9]{2})[-/.年] ?([0-9]{1,2})[-/.月] ?([0-9]{1,2})(?![0-9])")
_YEAR = re.compile(r"(?<![0-9])(20[0-9]{2})(?![0-9])")
_DAY = re.compile(r"(?<![0-9:])([0-9]{1,2})(?![0-9:])")
_OFFSET = re.compile(r"(?<=[0-9 ])([+-][0-9]{2}):?([0-9]{2})?(?![0-9])")


def moment(stamp: str | None) -> str | None:
    """The time of a report in ISO 8601, in whatever language `date` wrote it; None where it cannot be told.

    UTC and numeric offsets are kept; of other zones' names (CET) no offset is known, so such a time stays local.
    """
    clock = _CLOCK.search(stamp or "")
    if stamp is None or clock is None:
        return None
    rest = stamp.replace(clock[0], " ", 1)
    date = _date(rest)
    hour = int(clock[1]) % 12 + 12 * (clock[4].lower() == "pm") if clock[4] else int(clock[1])
    if date is None or hour > 23:
        return None
    try:
        local = datetime(*date, hour, int(clock[2]), int(clock[3])).isoformat()
    except ValueError:
        return None
    if re.search(r"\b(?:UTC|GMT)\b", rest):
        return f"{local}+00:00"
    offset = _OFFSET.search(stamp, clock.end())
    return f"{local}{offset[1]}:{offset[2] or '00'}" if offset else local


def _date(text: str) -> tuple[int, int, int] | None:
    if numeric := _NUMERIC_DATE.search(text):
        return int(numeric[1]), int(numeric[2]), int(numeric[3])
    words = re.findall(r"[^\W\d_]+", text.lower())
    # A weekday (mar. is Tuesday in French) comes first, so the last word that can be a month is it.
    months = [number for word in words if (number := _month(word))]
    year, days = _YEAR.search(text), _DAY.search(text)
    return (int(year[1]), months[-1], int(days[1])) if year and days and months else None


def _month(word: str) -> int | None:
    return next((_MONTH_NUMBERS[word[:size]] for size in (5, 4, 3) if word[:size] in _MONTH_NUMBERS), None)


def _section(title: str, body: list[str], index: int, timestamp: str | None) -> SnapshotSection:
    text = "\n".join(body).strip("\n")
    by_content = (key for key, content in _CONTENTS if title and content.search(text))
    key = _known_title(title) or next(by_content, "unknown")
    return SnapshotSection(key, title, index, timestamp, tuple(fields_of(key, text).items()), text)


def _known_title(title: str) -> str | None:
    return _BY_TITLE.get(re.sub(r"[^a-z]", "", title.lower()))
