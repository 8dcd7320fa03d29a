"""Times that a line leaves unsaid: the year of a syslog stamp, the sum of dmesg's differences.

A file's last stamp cannot be later than the file itself was last written, so that is where counting years begins: one
scan over the stamps counts how often the year turns, and the years then follow backwards from the file's time. The
scan is made only for a file in which a stamp without a year turns up.

Limits: the file's time is taken in UTC, with a day's grace. A year turns where the month falls by three or more, so a
file in which several machines' logs follow one another is given years too early; in a file whose time was lost (copied
without it) all years are those of the copy. For this reason every time found here is marked as inferred.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from kslm.sources.records import LogEvent

_NAMES = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_STAMP = re.compile(
    rb"(?:<[0-9]{1,3}>)?([A-Z][a-z]{2}) ([ 0-9]?[0-9]) [0-9]{2}:|\[([A-Z][a-z]{2})([ 0-9][0-9]) [0-9]{2}:"
    rb"|([0-9]{2})-([0-9]{2}) [0-9]{2}:"
)
_TURN = 3
_MICROSECONDS = 1_000_000


class Clock:
    """The times of one file, asked for in the order of its lines."""

    def __init__(self, lines: Callable[[], Iterable[bytes]], written: float) -> None:
        """Make the clock of a file.

        Args:
            lines: gives the file's lines again, for the scan.
            written: when the file was last written, in seconds since 1970.
        """
        self._lines = lines
        self._written = datetime.fromtimestamp(written, UTC).replace(tzinfo=None)
        self._years = _Turns()
        self._first_year: int | None = None
        self._base: datetime | None = None
        self._elapsed = 0

    def set(self, event: LogEvent) -> LogEvent:
        """The event with its time completed, where that can be done."""
        time = event.time
        if time is None or not time.startswith(("--", "++")):
            return event
        full = self._dated(time) if time[0] == "-" else self._later(time)
        if full is None:
            return event
        # dataclasses.replace takes three times as long, and this is done for every line of a syslog.
        return LogEvent(**{**vars(event), "time": full, "time_inferred": True})

    def _dated(self, time: str) -> str | None:
        if self._first_year is None:
            self._first_year = first_year(self._lines(), self._written)
        year = self._first_year + self._years.at(int(time[2:4]), int(time[5:7]))
        full = f"{year:04d}{time[1:]}"
        try:
            self._base, self._elapsed = datetime.fromisoformat(full[:19]), 0
        except ValueError:
            return None
        return full

    def _later(self, time: str) -> str:
        whole, _, fraction = time[2:].partition(".")
        self._elapsed += int(whole) * _MICROSECONDS + int(fraction[:6].ljust(6, "0"))
        if self._base is None:
            return f"+{self._elapsed // _MICROSECONDS}.{self._elapsed % _MICROSECONDS:06d}"
        try:
            return (self._base + timedelta(microseconds=self._elapsed)).isoformat(timespec="microseconds")
        except OverflowError:
            return self._base.isoformat()


class _Turns:
    """How many years have passed since the first stamp."""

    def __init__(self) -> None:
        self.count = 0
        self._month = 0

    def at(self, month: int, day: int) -> int:
        if self._month and self._month - month >= _TURN:
            self.count += 1
        elif self._month == 1 and month == 12 and day > 24:
            # A line that comes late, across New Year.
            self.count -= 1
        self._month = month
        return self.count


def first_year(lines: Iterable[bytes], written: datetime) -> int:
    """The year of the first stamp without one, if the last is not after `written` (and 29 February exists)."""
    turns = _Turns()
    month, day = 0, 0
    leap_days = set[int]()
    for line in lines:
        match = _STAMP.match(line)
        stamp = _month_and_day(match) if match else None
        if stamp:
            month, day = stamp
            count = turns.at(month, day)
            if stamp == (2, 29):
                leap_days.add(count)
    limit = written + timedelta(days=1)
    last = limit.year - ((month, day) > (limit.month, limit.day))
    first = last - turns.count
    for back in range(9):
        if all(_is_leap(first - back + count) for count in leap_days):
            return max(1, first - back)
    return max(1, first)


def _month_and_day(match: re.Match[bytes]) -> tuple[int, int] | None:
    name = match[1] or match[3]
    month = (_NAMES.index(name) + 1 if name in _NAMES else 0) if name else int(match[5])
    day = int(match[2] or match[4] or match[6])
    return (month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
