"""Formats whose entries are no lines: `dmesg -J` (and `journalctl -o json-pretty`), and the journal's export format.

dmesg -J is one JSON document, {"dmesg": [{"pri": 6, "time":    1.5, "msg": "..."}, ...]}; with -x "fac" and "pri" are
names. json-pretty is a row of objects. Both are read object by object, so neither needs to be whole: what is damaged
costs its own object, and what was cut off at the end nothing before it.

The export format (systemd's JOURNAL_EXPORT_FORMATS) separates entries by blank lines; a field is `KEY=text`, or `KEY`,
a line feed, the length as eight bytes (little endian), that many bytes and a line feed. After a field that is neither,
reading goes on at the next blank line.

Memory stays bounded: an object above 1 MiB is set aside, of a binary field at most 64 KiB are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from kslm.sources.logs import journal
from kslm.sources.logs.formats import priority
from kslm.sources.records import Bad, LogEvent

FRAMED = ("dmesg_json", "journald_pretty", "journald_export")
_MAX_OBJECT = 1 << 20
_MAX_FIELD = 1 << 16
_MAX_LINE = 1 << 20
_MAX_FIELDS = 1024
_KEY = re.compile(rb"[A-Z_][A-Z0-9_]{0,63}")
_EXPORT_HEAD = re.compile(rb"\s{0,8}__(?:CURSOR|REALTIME_TIMESTAMP)=[^\n]{1,512}\n_?_?[A-Z_]{2,64}[=\n]")
_DMESG_HEAD = re.compile(rb'\s{0,64}\{\s{0,64}"dmesg"\s{0,64}:')
_PRETTY_HEAD = re.compile(rb'\s{0,64}\{\s{1,64}"[A-Z_]{1,64}" ?: ')


def detect(head: bytes) -> str | None:
    """Which of the three a file that begins like this is, if any."""
    for name, pattern in zip(FRAMED, (_DMESG_HEAD, _PRETTY_HEAD, _EXPORT_HEAD), strict=True):
        if pattern.match(head):
            return name
    return None


def read(name: str, path: str, chunks: Iterable[bytes]) -> Iterator[LogEvent | Bad]:
    """The events of a file in format `name`; `path` is what a Bad names."""
    if name == "journald_export":
        yield from _export(path, _Buffer(chunks))
        return
    for line, text in _objects(_without_head(chunks) if name == "dmesg_json" else chunks):
        event = "JSON object longer than 1 MiB" if text is None else _event(name, line, text)
        yield Bad.of(path, line, event, text or b"") if isinstance(event, str) else event


def _without_head(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The outer object's opening brace blanked, so that the objects of its list are the outermost ones."""
    is_open = False
    for chunk in chunks:
        yield chunk if is_open else chunk.replace(b"{", b" ", 1)
        is_open = is_open or b"{" in chunk


def _event(name: str, line: int, raw: bytes) -> LogEvent | str:
    try:
        # strict=False: older versions write control characters as they are.
        entry = json.loads(raw.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return "not a JSON object"
    if not isinstance(entry, dict):
        return "not a JSON object"
    if name == "journald_pretty":
        return journal.event_of(line, entry, name)
    message = entry.get("msg")
    if not isinstance(message, str):
        return "dmesg object without msg"
    return LogEvent(line, name, message.replace("\x00", ""), _dmesg_time(entry.get("time")), *_level(entry))


def _dmesg_time(value: Any) -> str | None:
    if isinstance(value, float | int) and not isinstance(value, bool) and 0 <= value < 1e12:
        return f"+{value:.6f}"
    text = value.strip() if isinstance(value, str) else ""
    return f"+{text}" if re.fullmatch(r"[0-9]{1,12}\.[0-9]{1,9}", text) else text[:40].replace(",", ".") or None


def _level(entry: dict[str, Any]) -> tuple[str | None, str | None]:
    level, facility = entry.get("pri"), entry.get("fac")
    if isinstance(level, int) and not isinstance(level, bool) and 0 <= level < 1024:
        named = priority(level)
        return (facility.strip() if isinstance(facility, str) else named[0]), named[1]
    name = level.strip()[:16] if isinstance(level, str) else None
    return (facility.strip()[:16] if isinstance(facility, str) else None), name or None


_TOKEN = re.compile(rb'[{}"\n]|\\.', re.DOTALL)


def _objects(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """The outermost JSON objects with the lines they begin in; None for one that is too long, a torn one as it is.

    Only braces and strings are looked at. A string ends at the latest with its line, as both writers escape line
    feeds: a lost quotation mark costs one object, not the file.
    """
    line, depth, in_string = 1, 0, False
    current = _Object(line)
    for chunk in _whole_escapes(chunks):
        begin = 0
        for match in _TOKEN.finditer(chunk):
            token = match[0]
            if token == b"\n":
                line += 1
                in_string = False
            elif token == b'"':
                in_string = depth > 0 and not in_string
            elif token == b"{" and not in_string:
                if depth:
                    current.add(chunk[begin : match.start()])
                    begin = match.start()
                if depth and current.is_torn():
                    yield current.done()
                    depth = 0
                if not depth:
                    current, begin = _Object(line), match.start()
                depth += 1
            elif token == b"}" and depth and not in_string:
                depth -= 1
                if not depth:
                    current.add(chunk[begin : match.end()])
                    yield current.done()
        if depth:
            current.add(chunk[begin:])
    if depth:
        yield current.done()


class _Object:
    """The bytes of one object so far, and the line it begins in."""

    def __init__(self, line: int) -> None:
        self._line = line
        self._bytes = bytearray()
        self._size = 0

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        self._bytes += piece[: max(0, _MAX_OBJECT - len(self._bytes))]

    def is_torn(self) -> bool:
        """Whether another object may not begin here: no value of these objects follows a comma."""
        return self._bytes[-64:].rstrip().endswith(b",")

    def done(self) -> tuple[int, bytes | None]:
        return self._line, bytes(self._bytes) if self._size <= _MAX_OBJECT else None


def _whole_escapes(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, no chunk ending inside a pair of a backslash and what it escapes."""
    held = b""
    for chunk in chunks:
        whole = held + chunk
        odd = (len(whole) - len(whole.rstrip(b"\\"))) % 2
        held = whole[len(whole) - odd :]
        yield whole[: len(whole) - odd]
    yield held


class _Buffer:
    """Bytes taken from chunks by line or by length, with the number of the line reached."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.line = 1
        self._chunks = iter(chunks)
        self._held = b""
        self._at = 0

    def _more(self) -> bool:
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._held = self._held[self._at :] + chunk
        self._at = 0
        return True

    def readline(self) -> tuple[bytes, int] | None:
        """The next line without its end (cut at 1 MiB) and its size; None at the end of the file."""
        line, size = b"", 0
        while True:
            end = self._held.find(b"\n", self._at)
            piece = self._held[self._at : end if end >= 0 else None]
            line = (line + piece)[:_MAX_LINE]
            size += len(piece)
            self._at = end + 1 if end >= 0 else len(self._held)
            if end >= 0:
                self.line += 1
                return line, size
            if not self._more():
                return (line, size) if size else None

    def take(self, size: int) -> tuple[bytes, int]:
        """The next `size` bytes (at most 64 KiB of them kept), and how many there were."""
        value, left = b"", size
        while left:
            piece = self._held[self._at : self._at + left]
            if not piece and not self._more():
                break
            value = (value + piece)[:_MAX_FIELD]
            self.line += piece.count(b"\n")
            self._at += len(piece)
            left -= len(piece)
        return value, size - left


def _export(path: str, source: _Buffer) -> Iterator[LogEvent | Bad]:
    entry: dict[str, str] = {}
    size, start, trouble = 0, 1, ""
    head = b""
    while True:
        number = source.line
        line = source.readline()
        if line is None or not line[0].strip():
            if entry or trouble:
                event = trouble or journal.event_of(start, entry, "journald_export")
                yield (
                    Bad(path, start, event, size, head.decode("utf-8", "replace")) if isinstance(event, str) else event
                )
            if line is None:
                return
            entry, size, trouble, head = {}, 0, "", b""
            continue
        if not size:
            start, head = number, line[0][:200].replace(b"\x00", b"?")
        size += line[1] + 1
        if not trouble:
            taken, trouble = _field(line, source, entry)
            size += taken


def _field(line: tuple[bytes, int], source: _Buffer, entry: dict[str, str]) -> tuple[int, str]:
    """Put one field into the entry; says how many further bytes it had, and what is wrong with it."""
    key, equals, value = line[0].partition(b"=")
    if not _KEY.fullmatch(key):
        return 0, "journal export: not a field"
    taken = 0
    if not equals:
        raw, _ = source.take(8)
        length = int.from_bytes(raw, "little")
        if len(raw) < 8 or length > 1 << 40:
            return len(raw), "journal export: length of a binary field is damaged"
        value, taken = source.take(length)
        if taken < length:
            return 8 + taken, "journal export: cut inside a binary field"
        end = source.take(1)[0]
        if end not in (b"\n", b""):
            return 9 + taken, "journal export: binary field without its end"
        taken += 8 + len(end)
    if len(entry) < _MAX_FIELDS:
        entry.setdefault(key.decode(), value[:_MAX_FIELD].decode("utf-8", "replace"))
    return taken, ""
