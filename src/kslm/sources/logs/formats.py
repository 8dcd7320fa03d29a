"""The grammars of log lines: one regular expression a format, and what its parts mean.

Sources: dmesg(1) of util-linux, Documentation/ABI/testing/dev-kmsg, RFC 3164, RFC 5424, systemd's journalctl(1) and
systemd.journal-fields(7). Each expression is anchored and its repetitions bounded, so matching is linear.
"""

from __future__ import annotations

import re

from kslm.sources.logs import journal
from kslm.sources.logs.journal import FACILITIES, SEVERITIES
from kslm.sources.records import LogEvent

_MONTHS = {
    name: index + 1
    for index, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])
}

_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_FRACTION = r"(?:[.,][0-9]{1,9})?"
_PRIORITY = r"(?:<(?P<priority>[0-9]{1,3})>)?"
_ZONE = r"(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_LEVEL = r"(?:(?P<facility>[a-z0-9]{1,8}) {0,8}:(?P<severity>[a-z]{1,8}) {0,8}: )?"
_SECONDS = r"\[ {0,12}(?P<seconds>[0-9]{1,10}\.[0-9]{1,9})\](?:\[ {0,12}[TC][0-9]{1,9}\])? ?"
_TAG = r"(?P<tag>[^\s:\[\]]{1,128}?)(?:\[(?P<pid>[0-9]{1,9})\])?: ?"
_MESSAGE = r"(?P<message>.*)"

_LEVEL_NAME = r"(?i:trace|debug|info|notice|warn|warning|error|fatal|critical)\b"

# Most specific first: on a tie the earlier one is the file's format.
_PATTERNS = {
    "dmesg_raw": rf"<(?P<priority>[0-9]{{1,3}})>{_SECONDS}{_MESSAGE}",
    "dmesg": rf"{_LEVEL}{_SECONDS}{_MESSAGE}",
    "dmesg_ctime": rf"{_LEVEL}\[(?P<ctime>[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [ 0-9][0-9] {_CLOCK} [0-9]{{4}})\] ?"
    rf"{_MESSAGE}",
    "dmesg_iso": rf"{_LEVEL}(?P<time>{_DATE}T{_CLOCK},[0-9]{{6}}{_ZONE}) {_MESSAGE}",
    "kmsg": rf"(?P<priority>[0-9]{{1,4}}),[0-9]{{1,20}},(?P<microseconds>[0-9]{{1,18}}),[^;]{{1,64}};{_MESSAGE}",
    "rfc5424": rf"<(?P<priority>[0-9]{{1,3}})>1 (?P<time>{_DATE}T{_CLOCK}{_FRACTION}{_ZONE}|-) (?P<host>\S{{1,255}}) "
    r"(?P<tag>\S{1,48}) (?P<pid>\S{1,128}) \S{1,32} (?:-|(?:\[(?:[^\]\\]|\\.){0,4096}\]){1,16})"
    rf"(?: \ufeff?{_MESSAGE})?$",
    "rfc3164": rf"{_PRIORITY}(?P<month>[A-Z][a-z]{{2}}) (?P<day>[ 0-9]?[0-9]) (?P<clock>{_CLOCK}) "
    rf"(?:(?=--)|(?P<host>[^\s:]{{1,255}}) (?:{_TAG})?){_MESSAGE}",
    "syslog_iso": rf"{_PRIORITY}(?P<time>{_DATE}T{_CLOCK}{_FRACTION}{_ZONE}) "
    rf"(?!{_LEVEL_NAME})(?P<host>[^\s:\[]{{1,255}}) {_TAG}{_MESSAGE}",
    "timestamped": r"(?:Start-Date: {1,2}|Log started: {1,2}|(?!End-Date)(?P<tag>[\w./-]{1,64}):? |\[)?"
    rf"(?P<time>{_DATE}(?:T| {{1,2}}){_CLOCK}{_FRACTION}(?: ?(?:UTC|GMT|{_ZONE}))?)(?:[\]:, ]{{1,3}}{_MESSAGE})?$",
}
GRAMMARS = {name: re.compile(pattern, re.DOTALL) for name, pattern in _PATTERNS.items()}


def parse_line(name: str, number: int, line: str) -> LogEvent | None:
    """Read one line by the grammar `name`; None when the line is not of that format."""
    match = GRAMMARS[name].match(line)
    if match is None:
        return None
    parts = match.groupdict()
    time = _time(parts)
    if time == "":
        return None
    facility, severity = parts.get("facility"), parts.get("severity")
    if parts.get("priority"):
        facility, severity = _priority(int(parts["priority"]))
    message = parts.get("message") or ""
    pid = parts.get("pid") or ""
    return LogEvent(
        number, name, message, time, facility, severity, _value(parts.get("host")), _value(parts.get("tag")),
        int(pid) if pid.isascii() and pid.isdigit() and len(pid) < 10 else None,
    )  # fmt: skip


def detect(sample: list[str]) -> str | None:
    """The format that most of the sample's lines have, or None when no line has any."""
    counted = [line for line in sample if line.strip() and not is_separator(line)]
    if sum(journal.looks_like_entry(line) for line in counted) * 2 > len(counted):
        return "journald_json"
    hits = {name: sum(parse_line(name, 0, line) is not None for line in counted) for name in GRAMMARS}
    best = max(hits, key=lambda name: hits[name])
    return best if hits[best] else None


def is_separator(line: str) -> bool:
    """Lines journalctl puts between entries: -- Boot ... --, -- Journal begins at ... --."""
    return line.startswith(("-- Boot ", "-- Reboot", "-- Journal begins", "-- Logs begin", "-- No entries"))


def _time(parts: dict[str, str | None]) -> str | None:
    """ISO 8601 with what the line gives: no year becomes --MM-DD, seconds since boot become +S; "" for no real date."""
    if parts.get("seconds"):
        return f"+{parts['seconds']}"
    if micro := parts.get("microseconds"):
        return f"+{int(micro) // 1_000_000}.{int(micro) % 1_000_000:06d}"
    if month := parts.get("month"):
        number = _MONTHS.get(month)
        return f"--{number:02d}-{int(parts['day'] or 0):02d}T{parts['clock']}" if number else ""
    if ctime := parts.get("ctime"):
        _, month, day, clock, year = ctime.split()
        return f"{year}-{_MONTHS[month]:02d}-{int(day):02d}T{clock}" if month in _MONTHS else ""
    time = parts.get("time")
    if time is None or time == "-":
        return None
    return "T".join(time.replace(" UTC", "Z").replace(" GMT", "Z").split(None, 1)).replace(",", ".").replace(" ", "")


def _priority(value: int) -> tuple[str | None, str]:
    facility = value >> 3
    return FACILITIES[facility] if facility < len(FACILITIES) else None, SEVERITIES[value & 7]


def _value(text: str | None) -> str | None:
    return None if text in (None, "-", "") else text
