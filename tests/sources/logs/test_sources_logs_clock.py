"""Years that are not in the line: from the file's time, across New Year and over leap days."""

import gzip
import os
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.logs import read
from kslm.sources.logs.clock import Clock, first_year


@pytest.fixture
def times(tmp_path):
    def parse(text, *written, name="syslog"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        moment = datetime(*written, tzinfo=UTC).timestamp()
        os.utime(path, (moment, moment))
        return [(record.time, record.time_inferred) for _, record in read(path)]

    return parse


LINE = "{} 10:00:00 box cron[1]: m\n"


def lines(*days):
    return "".join(LINE.format(day) for day in days)


@pytest.mark.parametrize("name", ["syslog", "syslog.2.gz"])
def test_across_new_year(times, name):
    found = times(lines("Nov 30", "Dec 31", "Jan  1", "Jan  2"), 2026, 1, 2, 11, name=name)
    years = ["2025-11-30", "2025-12-31", "2026-01-01", "2026-01-02"]
    assert found == [(f"{day}T10:00:00", True) for day in years]


def test_written_just_after_and_just_before_midnight(times):
    assert times(lines("Dec 31"), 2026, 1, 1, 0) == [("2025-12-31T10:00:00", True)]
    # A clock ahead of UTC: the first of January is not of the year before.
    assert times(lines("Dec 31", "Jan  1"), 2025, 12, 31, 20) == [
        ("2025-12-31T10:00:00", True),
        ("2026-01-01T10:00:00", True),
    ]


def test_a_late_line_at_new_year_is_of_the_old_year(times):
    found = times(lines("Dec 31", "Jan  1", "Dec 31", "Jan  1"), 2026, 1, 5)
    assert [time[:4] for time, _ in found] == ["2025", "2026", "2025", "2026"]


def test_files_of_several_years_and_old_ones(times):
    found = times(lines("Jun 14", "Feb  1", "Sep  1", "Mar  1"), 2020, 8, 1)
    assert [time[:7] for time, _ in found] == ["2018-06", "2019-02", "2019-09", "2020-03"]
    assert times(lines("Jun 14"), 2006, 6, 13)[0][0] == "2006-06-14T10:00:00"
    assert times(lines("Jun 14"), 2006, 6, 12)[0][0] == "2005-06-14T10:00:00"


def test_leap_days_choose_a_leap_year_and_no_date_stays_without(times):
    assert times(lines("Feb 29", "Mar  1"), 2026, 5, 1)[0][0] == "2024-02-29T10:00:00"
    assert times(lines("Feb 30"), 2026, 5, 1) == [("--02-30T10:00:00", False)]


def test_android_dates_are_completed_too(times):
    line = "12-31 23:59:59.900  1  2 I Tag: m\n01-01 00:00:00.100  1  2 I Tag: m\n"
    assert [time for time, _ in times(line, 2026, 2, 1)] == ["2025-12-31T23:59:59.900", "2026-01-01T00:00:00.100"]


STARTS = st.sampled_from([b"Feb 29 10:00", b"Jan  1 10:00", b"12-31 10:", b"[Nov21 10:"])


@given(st.lists(st.binary(max_size=40) | STARTS), st.integers(0, 4_000_000_000))
def test_any_lines_give_a_year_not_after_the_file(found, written):
    moment = datetime.fromtimestamp(written, UTC).replace(tzinfo=None)
    assert 1 <= first_year(found, moment) <= moment.year + 1
    Clock(lambda: found, written)
