"""When a job runs by itself: Quartz expressions, time zones, triggers, and that all of it starts paused."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from functools import lru_cache

from bundle_rules.load import Tree, items, mapping
from bundle_rules.resolve import View

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
FIELDS = (
    *(("second", 0, 59), ("minute", 0, 59), ("hour", 0, 23)),
    *(("day of month", 1, 31), ("month", 1, 12), ("day of week", 1, 7), ("year", 1970, 2099)),
)
LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
OWN = ("schedule", "trigger", "continuous", "triggers")
TYPES = {"file_arrival", "table_update", "periodic", "model", "schedule", "continuous"}
LEAST_SECONDS = 60


def problems(job: Tree, view: View) -> Iterator[str]:
    """What is wrong with a job's schedule or trigger."""
    given = [name for name in OWN if job.get(name)]
    if len(given) > 1:
        yield f"{' and '.join(given)} exclude each other"
    for name in given:
        for starter in items(job[name]) if name == "triggers" else [mapping(job[name])]:
            yield from _starter(name, starter, view)


def _starter(name: str, starter: Tree, view: View) -> Iterator[str]:
    if starter.get("pause_status") != "PAUSED":
        yield f"the {name} is not paused"
    if name.startswith("trigger") and len(types := TYPES & starter.keys()) != 1:
        yield f"a trigger of {len(types)} types"
    if name == "schedule" or "schedule" in starter:
        cron = starter if name == "schedule" else mapping(starter["schedule"])
        yield from quartz(str(cron.get("quartz_cron_expression", "")))
        if known() and cron.get("timezone_id") not in known():
            yield f"{cron.get('timezone_id')} is not a time zone"
    for kind in ("file_arrival", "table_update"):
        for key, value in mapping(starter.get(kind)).items():
            if key.endswith("_seconds") and isinstance(value, int) and value < LEAST_SECONDS:
                yield f"{key}: at least {LEAST_SECONDS}"
    interval = mapping(starter.get("periodic")).get("interval", 1)
    if isinstance(interval, int) and interval < 1:
        yield "the interval is not positive"
    for table in mapping(starter.get("table_update")).get("table_names") or []:
        if str(table).count(".") != 2:
            yield f"{table} is not catalog.schema.table"
    if "file_arrival" in starter:
        yield from _arrival(str(mapping(starter["file_arrival"]).get("url", "")), view)


def _arrival(url: str, view: View) -> Iterator[str]:
    if url.startswith("/Volumes/"):
        if not any(f"{url}/".startswith(f"{volume}/") for volume in view.volumes):
            yield f"watches {url}, which is in no declared volume"
    elif not re.match(r"(s3|abfss|gs|r2)://\w", url):
        yield f"watches {url!r}, which is neither a volume's path nor a storage URL"


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    """The time zones there are; none where the machine has no list of them."""
    return frozenset(zoneinfo.available_timezones())


def quartz(expression: str) -> Iterator[str]:
    """What keeps an expression from being one of Quartz, with every field in its range."""
    parts = expression.split()
    if len(parts) not in (6, 7) or [parts[3], parts[5]].count("?") != 1:
        yield f"{expression!r} is not a Quartz cron expression"
        return
    for part, (name, low, high) in zip(parts, FIELDS, strict=False):
        names = {"month": MONTHS, "day of week": DAYS}.get(name, ())
        if not all(_item(item.upper(), name, low, high, names) for item in part.split(",")):
            yield f"{expression!r}: {part} is not a {name}"
    if (
        parts[3].isdigit()
        and parts[4].isdigit()
        and 1 <= int(parts[4]) <= 12
        and int(parts[3]) > LONGEST[int(parts[4]) - 1]
    ):
        yield f"{expression!r}: there is no such day"


def _item(item: str, name: str, low: int, high: int, names: tuple[str, ...]) -> bool:
    def number(text: str) -> bool:
        return text in names or (text.isdigit() and low <= int(text) <= high)

    if name == "day of month" and re.fullmatch(r"\?|L|LW|L-([1-9]|[12]\d|30)|([1-9]|[12]\d|3[01])W", item):
        return True
    if name == "day of week":
        if item in ("?", "L") or (item.endswith("L") and number(item[:-1])):
            return True
        if match := re.fullmatch(r"(\w+)#([1-5])", item):
            return number(match[1])
    span, _, step = item.partition("/")
    if "/" in item and not (step.isdigit() and 1 <= int(step) <= high):
        return False
    ends = span.split("-")
    return span == "*" or (len(ends) <= 2 and all(number(end) for end in ends))
