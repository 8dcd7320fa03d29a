"""Entries of the systemd journal: fields to an event, from JSON objects one a line (`journalctl -o json`, json-seq and
json-sse) or from the export format (kslm.sources.logs.framed).

Source: systemd.journal-fields(7) and systemd's JOURNAL_EXPORT_FORMATS.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from kslm.sources.records import LogEvent

SEVERITIES = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
_FACILITY_NAMES = """kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock
    local0 local1 local2 local3 local4 local5 local6 local7"""
FACILITIES = tuple(_FACILITY_NAMES.split())
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def looks_like_entry(line: str) -> bool:
    """Whether a line is a JSON object with fields that only the journal has."""
    start = line[:16].lstrip("\x1e").removeprefix("data: ").lstrip()
    return start.startswith("{") and any(
        field in line for field in ('"__REALTIME_TIMESTAMP"', '"MESSAGE"', '"__CURSOR"')
    )


def parse(number: int, line: str) -> LogEvent | str:
    """Read one object of `journalctl -o json` (or json-seq, json-sse); a reason when it is not one."""
    try:
        entry = json.loads(line.lstrip("\x1e").removeprefix("data: "))
    except (ValueError, RecursionError):
        return "not a JSON object"
    return event_of(number, entry, "journald_json") if isinstance(entry, dict) else "not a JSON object"


def event_of(number: int, entry: dict[str, Any], name: str) -> LogEvent | str:
    """One entry's fields as an event of format `name`, or a reason why not.

    Values are strings, but null above 4096 bytes, an array of byte numbers where not UTF-8, and an array of values
    where a field was given more than once.
    """
    message = _text(entry.get("MESSAGE"))
    if message is None:
        return (
            "journal entry whose message was too long to export"
            if "MESSAGE" in entry
            else "journal entry without MESSAGE"
        )
    severity = _index(entry.get("PRIORITY"))
    facility = _index(entry.get("SYSLOG_FACILITY"))
    stamp = _index(entry.get("__REALTIME_TIMESTAMP"))
    return LogEvent(
        number,
        name,
        message.replace("\x00", ""),
        _moment(stamp) if stamp is not None else None,
        FACILITIES[facility] if facility is not None and facility < len(FACILITIES) else None,
        SEVERITIES[severity] if severity is not None and severity < len(SEVERITIES) else None,
        _text(entry.get("_HOSTNAME")),
        _text(entry.get("SYSLOG_IDENTIFIER")) or _text(entry.get("_COMM")),
        _index(entry.get("_PID")) or _index(entry.get("SYSLOG_PID")),
    )


def _text(value: Any) -> str | None:
    """A journal field as text: see parse for the shapes it may have."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value:
        if all(isinstance(item, int) and 0 <= item < 256 for item in value):
            return bytes(value).decode("utf-8", "replace")
        texts = [text for item in value[:64] if not isinstance(item, int) and (text := _single(item)) is not None]
        return "\n".join(texts) if texts else None
    return None


def _single(value: Any) -> str | None:
    """One of the values of a repeated field, which may itself be bytes."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, int) and 0 <= item < 256 for item in value):
        return bytes(value).decode("utf-8", "replace")
    return None


def _index(value: Any) -> int | None:
    text = str(value[0] if isinstance(value, list) and value else value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _moment(microseconds: int) -> str | None:
    try:
        return (_EPOCH + timedelta(microseconds=microseconds)).isoformat()
    except OverflowError:
        return None
