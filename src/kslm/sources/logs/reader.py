"""From a file or a folder to events: which files, which format, which lines belong together."""

from __future__ import annotations

import os
import stat
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from kslm.sources.logs import formats, framed, journal, snapshot
from kslm.sources.logs.clock import Clock
from kslm.sources.logs.stream import MAX_LINE_BYTES, DamagedFileError, Line, chunks, lines
from kslm.sources.logs.traces import grouped
from kslm.sources.records import SAMPLE_BYTES, Bad, LogEvent, SnapshotSection

_SAMPLE_LINES = 50
_MAX_EVENT_CHARS = 1 << 16
_MAX_SNAPSHOT_CHARS = 64 << 20
_HEAD_BYTES = 1 << 12
# Rows of one reason a file may put into quarantine before the rest is summed up in one.
_MAX_ALIKE = 20
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c\x1b\x1e"))

Record = LogEvent | SnapshotSection | Bad


def read(path: Path, root: Path | None = None) -> Iterator[tuple[str, Record]]:
    """Read a log file, or every file below a folder in sorted order.

    Args:
        path: a file or a folder. Links inside a folder are not followed.
        root: what the yielded names are relative to; by default the folder itself, or the folder of the file.

    Yields:
        (name, record): the file's POSIX path below `root`, an event, a section of a snapshot, or what was set aside.
        Events come in the order of their first lines. LogEvent.time stays "--MM-DDThh:mm:ss" where the date exists in
        no year that fits.
    """
    base = root or (path if path.is_dir() else path.parent)
    if not path.is_dir():
        name = _name(path, base)
        yield from ((name, record) for record in _limited(name, _read_file(path, name)))
        return
    files = list(_walk(path))
    if not files:
        yield _name(path, base), Bad(_name(path, base), 0, "folder without files")
    for file in files:
        name = _name(file, base)
        yield from ((name, record) for record in _limited(name, _read_file(file, name)))


def _name(path: Path, base: Path) -> str:
    name = path.relative_to(base) if path.is_relative_to(base) else Path(path.name)
    return os.fsencode(name.as_posix()).decode("utf-8", "replace")


def _walk(folder: Path) -> Iterator[Path]:
    for current, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(current, name) for name in sorted(names))


def _limited(name: str, records: Iterator[Record]) -> Iterator[Record]:
    """At most _MAX_ALIKE rows a reason; the rest are counted and their bytes summed, so that none goes unseen."""
    seen: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for record in records:
        if isinstance(record, Bad):
            seen[record.reason] += 1
            if seen[record.reason] > _MAX_ALIKE:
                size[record.reason] += record.size
                continue
        yield record
    for reason, count in sorted(seen.items()):
        if count > _MAX_ALIKE:
            yield Bad(name, 0, f"{reason} (as {count - _MAX_ALIKE} more)", size[reason])


def _read_file(path: Path, name: str) -> Iterator[Record]:
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            yield Bad(name, 0, "link: not followed", 0, str(path.readlink()))
        elif not stat.S_ISREG(mode):
            yield Bad(name, 0, "not a regular file")
        elif path.stat().st_size == 0:
            yield Bad(name, 0, "empty file")
        else:
            yield from _Reader(path, name).records()
    except OSError as error:
        yield Bad(name, 0, f"unreadable: {error.strerror or error}")


class _Reader:
    """One file on its way: the event that further lines may still belong to, and what was noted about the file."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        self.noted: set[str] = set()
        self.damage: Bad | None = None
        self.clock = Clock(self._raw_lines, path.stat().st_mtime)

    def records(self) -> Iterator[Record]:
        source = self._lines()
        sample = list(islice(source, _SAMPLE_LINES))
        texts = [line.raw.decode("utf-8", "replace").rstrip("\r") for line in sample]
        whole = chain(sample, source)
        detected = None if _is_binary(sample) else formats.detect(texts)
        if frame := framed.detect(b"\n".join(line.raw for line in sample)[:_HEAD_BYTES] + b"\n"):
            source.close()
            yield from self._grouped(framed.read(frame, self.name, self._chunks()))
        elif _is_binary(sample):
            yield Bad(self.name, 0, "binary file", self.path.stat().st_size)
        elif snapshot.is_snapshot("\n".join(texts)):
            yield from self._snapshot(whole)
        elif detected == "journald_json":
            yield from self._grouped(self._journal(whole))
        elif detected is not None:
            yield from self._grouped(self._events(whole, detected))
        elif sample:
            first = Bad.of(self.name, 0, "no known log format", sample[0].raw)
            yield replace(first, size=self.path.stat().st_size)
        if self.damage is not None:
            yield self.damage

    def _grouped(self, records: Iterator[LogEvent | Bad]) -> Iterator[Record]:
        """Times completed and kernel reports joined; a Bad goes on as soon as it is met."""
        aside: deque[Bad] = deque()

        def events() -> Iterator[LogEvent]:
            for record in records:
                if isinstance(record, Bad):
                    aside.append(record)
                else:
                    yield self.clock.set(record)

        for event in grouped(events()):
            while aside:
                yield aside.popleft()
            yield event
        yield from aside

    def _chunks(self) -> Iterator[bytes]:
        try:
            yield from chunks(self.path)
        except DamagedFileError as error:
            self.damage = Bad(self.name, 0, str(error))

    def _raw_lines(self) -> Iterator[bytes]:
        """The lines once more, as far as they can be read, for the clock."""
        try:
            for line in lines(self.path):
                yield line.raw
        except (DamagedFileError, OSError):
            return

    def _lines(self) -> Generator[Line, None, None]:
        last = 0
        try:
            for line in lines(self.path):
                last = line.number
                yield line
        except DamagedFileError as error:
            self.damage = Bad(self.name, last, str(error))

    def _texts(self, source: Iterable[Line]) -> Iterator[tuple[int, str] | Bad]:
        """Lines as text; a Bad for each line set aside, and one for each way in which the file's text was mended."""
        for line in source:
            if line.size > MAX_LINE_BYTES:
                reason = f"line longer than {MAX_LINE_BYTES} bytes"
                yield replace(Bad.of(self.name, line.number, reason, line.raw[:SAMPLE_BYTES]), size=line.size)
                continue
            try:
                text = line.raw.decode()
            except UnicodeDecodeError:
                text = line.raw.decode("utf-8", "replace")
                yield from self._note(line, "not UTF-8: decoded with replacement")
            if "\x00" in text:
                text = text.replace("\x00", "")
                yield from self._note(line, "NUL bytes: left out")
            # A progress bar overwrites its line: what a terminal would still show is what follows the last return.
            shown = text.rstrip("\r").rpartition("\r")[2]
            yield line.number, shown.removeprefix("\ufeff") if line.number == 1 else shown

    def _note(self, line: Line, reason: str) -> Iterator[Bad]:
        if reason not in self.noted:
            self.noted.add(reason)
            yield replace(Bad.of(self.name, line.number, reason, line.raw[:SAMPLE_BYTES]), size=0)

    def _snapshot(self, source: Iterable[Line]) -> Iterator[Record]:
        texts: list[str] = []
        size = 0
        for item in self._texts(source):
            if isinstance(item, Bad):
                yield item
            elif size + len(item[1]) > _MAX_SNAPSHOT_CHARS:
                yield Bad(self.name, item[0], f"snapshot longer than {_MAX_SNAPSHOT_CHARS} characters", len(item[1]))
            else:
                texts.append(item[1])
                size += len(item[1]) + 1
        yield from snapshot.parse("\n".join(texts))

    def _journal(self, source: Iterable[Line]) -> Iterator[LogEvent | Bad]:
        for item in self._texts(source):
            if isinstance(item, Bad):
                yield item
            elif item[1].strip() and not formats.is_separator(item[1]):
                entry = journal.parse(*item)
                yield Bad.of(self.name, item[0], entry, item[1]) if isinstance(entry, str) else entry

    def _events(self, source: Iterable[Line], name: str) -> Iterator[LogEvent | Bad]:
        """Events, each with the lines that follow it in no format of their own (call traces, wrapped text)."""
        event: LogEvent | None = None
        more: list[str] = []
        room = _MAX_EVENT_CHARS
        for item in self._texts(source):
            if isinstance(item, Bad):
                yield item
                continue
            number, text = item
            if not text.strip() or formats.is_separator(text):
                continue
            start = formats.parse_line(name, number, text) or _other_format(name, number, text)
            if start is not None:
                if event is not None:
                    yield _joined(event, more)
                event, more, room = start, [], _MAX_EVENT_CHARS - len(start.message)
            elif event is None:
                yield Bad.of(self.name, number, "line before the first event", text)
            elif len(text) >= room:
                yield Bad.of(self.name, number, f"event longer than {_MAX_EVENT_CHARS} characters: rest left out", text)
            else:
                more.append(formats.unescaped(text) if event.format == "kmsg" else text)
                room -= len(text) + 1
        if event is not None:
            yield _joined(event, more)


def _is_binary(sample: list[Line]) -> bool:
    """Whether the start of the file is more than one tenth control characters (a crash leaves a few NULs)."""
    head = b"\n".join(line.raw[:_HEAD_BYTES] for line in sample)[:_HEAD_BYTES]
    return len(head) - len(head.translate(None, _CONTROL)) > len(head) // 10


def _other_format(name: str, number: int, text: str) -> LogEvent | None:
    """A line of another format in the same file (rotated over a change of settings); indented lines never are."""
    if text[0].isspace():
        return None
    for other in formats.GRAMMARS:
        if other != name and (event := formats.parse_line(other, number, text)) is not None:
            return event
    return None


def _joined(event: LogEvent, more: list[str]) -> LogEvent:
    return replace(event, message="\n".join((event.message, *more)).strip("\n")) if more else event
