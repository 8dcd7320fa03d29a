"""The grammars of log lines: one regular expression a format, and what its parts mean.

Sources: dmesg(1) of util-linux, Documentation/ABI/testing/dev-kmsg, RFC 3164, RFC 5424, systemd's journalctl(1) and
systemd.journal-fields(7), Apache's ErrorLogFormat, Android's logcat ("threadtime"), Windows' CBS.log, and the published
descriptions of the BlueGene/L, Thunderbird and HPC logs. Each expression is anchored and its repetitions bounded, so
matching is linear.

Read over: labels in front of BlueGene/L and Thunderbird lines, RFC 5424's message ids and (where there is a message)
structured data, thread ids.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from kslm.sources.logs import journal
from kslm.sources.logs.journal import FACILITIES, SEVERITIES
from kslm.sources.records import LogEvent

_MONTHS = {
    name: index + 1
    for index, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])
}
# What other systems call the eight severities of syslog.
_SEVERITY = {
    "error": "err", "warning": "warn", "severe": "crit", "fatal": "crit", "failure": "alert", "critical": "crit",
    "v": "debug", "d": "debug", "i": "info", "w": "warn", "e": "err", "f": "crit", "a": "crit",
}  # fmt: skip

_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_FRACTION = r"(?:[.,][0-9]{1,9})?"
_PRIORITY = r"(?:<(?P<priority>[0-9]{1,3})>)?"
_ZONE = r"(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_MONTH = r"(?P<month>[A-Z][a-z]{2})"
_FACILITY = rf"(?P<facility>{'|'.join(FACILITIES)}) {{0,8}}:(?P<severity>[a-z]{{1,8}}) {{0,8}}: "
_LEVEL = rf"(?:{_FACILITY})?"
_SINCE_LAST = r"(?: < {0,12}[0-9]{1,10}\.[0-9]{1,9}>)?"
_SECONDS = rf"\[ {{0,12}}(?P<seconds>[0-9]{{1,10}}\.[0-9]{{1,9}}){_SINCE_LAST}\](?:\[ {{0,12}}[TC][0-9]{{1,9}}\])? ?"
_CTIME = rf"(?P<ctime>[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [ 0-9][0-9] {_CLOCK}(?:\.[0-9]{{1,6}})? [0-9]{{4}})"
_TAG = r"(?P<tag>[^\s:\[\]]{1,128}?)(?:\[(?P<pid>[0-9]{1,9})\])?: ?"
_MESSAGE = r"(?P<message>.*)"

_LEVEL_NAME = r"(?i:trace|debug|info|notice|warn|warning|error|fatal|critical)\b"
_APACHE_LEVEL = r"(?:\w{1,64}:)?(?P<severity>emerg|alert|crit|error|warn|notice|info|debug|trace[1-8])"
_EPOCH = r"(?P<epoch>[0-9]{9,10})"

# Most specific first: of two formats that both fit most lines, the earlier one is the file's.
_PATTERNS = {
    # A label ("-": none), seconds, date, rack; date and rack again, then facility, component and level.
    "bgl": rf"\S{{1,64}} {_EPOCH} [0-9]{{4}}\.[0-9]{{2}}\.[0-9]{{2}} (?P<host>\S{{1,255}}) "
    r"[0-9]{4}(?:-[0-9]{2}){3}(?:\.[0-9]{2}){2}\.(?P<micro>[0-9]{6}) \S{1,255} \S{1,64} (?P<tag>\S{1,64}) "
    rf"(?P<severity>[A-Z]{{1,16}})(?: {_MESSAGE})?$",
    # A label, seconds, date, node; then a syslog line whose day is not padded and whose host may be "source@node".
    "thunderbird": rf"\S{{1,64}} {_EPOCH} [0-9]{{4}}\.[0-9]{{2}}\.[0-9]{{2}} (?P<host>\S{{1,255}}) "
    rf"[A-Z][a-z]{{2}} {{1,2}}[0-9]{{1,2}} {_CLOCK} \S{{1,255}} (?:{_TAG})?{_MESSAGE}",
    # Line number, node, component, state, seconds, flag; the state is part of what is said.
    "hpc": rf"[0-9]{{1,12}} (?P<host>\S{{1,255}}) (?P<tag>\S{{1,64}}) (?P<state>\S{{1,128}}) {_EPOCH} [0-9] {_MESSAGE}",
    "windows_cbs": rf"(?P<time>{_DATE} {_CLOCK}), (?P<severity>[A-Z][a-z]{{2,15}}) {{1,40}}(?P<tag>\w{{1,32}}) {{1,8}}"
    rf"{_MESSAGE}",
    "android": rf"(?P<numeric>[0-9]{{2}}-[0-9]{{2}}) (?P<clock>{_CLOCK}\.[0-9]{{3,6}}) {{1,8}}(?P<pid>[0-9]{{1,9}}) "
    rf"{{1,8}}[0-9]{{1,9}} (?P<severity>[VDIWEFA]) (?P<tag>[^:]{{0,128}}?) {{0,64}}: ?{_MESSAGE}",
    "apache": rf"\[{_CTIME}\] \[{_APACHE_LEVEL}\] (?:\[pid (?P<pid>[0-9]{{1,9}})(?::tid [0-9]{{1,20}})?\] )?{_MESSAGE}",
    "dmesg_raw": rf"<(?P<priority>[0-9]{{1,3}})>{_SECONDS}{_MESSAGE}",
    "dmesg": rf"{_LEVEL}{_SECONDS}{_MESSAGE}",
    "dmesg_ctime": rf"{_LEVEL}\[{_CTIME}{_SINCE_LAST}\] ?{_MESSAGE}",
    "dmesg_iso": rf"{_LEVEL}(?P<time>{_DATE}T{_CLOCK},[0-9]{{6}}{_ZONE}) {_MESSAGE}",
    # A stamp when the minute changes, otherwise the time since the line before.
    "dmesg_reltime": rf"{_LEVEL}\[(?:{_MONTH}(?P<day>[ 0-9][0-9]) (?P<clock>[0-9]{{2}}:[0-9]{{2}})"
    rf"| {{0,12}}\+(?P<later>[0-9]{{1,10}}\.[0-9]{{1,9}}))\] ?{_MESSAGE}",
    "dmesg_delta": rf"{_LEVEL}\[< {{0,12}}(?P<later>[0-9]{{1,10}}\.[0-9]{{1,9}})>\] ?{_MESSAGE}",
    "kmsg": rf"(?P<priority>[0-9]{{1,4}}),[0-9]{{1,20}},(?P<microseconds>[0-9]{{1,18}}),[^;]{{1,64}};{_MESSAGE}",
    "rfc5424": rf"<(?P<priority>[0-9]{{1,3}})>1 (?P<time>{_DATE}T{_CLOCK}{_FRACTION}{_ZONE}|-) (?P<host>\S{{1,255}}) "
    r"(?P<tag>\S{1,48}) (?P<pid>\S{1,128}) \S{1,32} (?P<data>-|(?:\[(?:[^\]\\]|\\.){0,4096}\]){1,16})"
    rf"(?: \ufeff?{_MESSAGE})?$",
    "rfc3164": rf"{_PRIORITY}{_MONTH} (?P<day>[ 0-9]?[0-9]) (?P<clock>{_CLOCK}(?:\.[0-9]{{1,9}})?) "
    rf"(?:(?=--)|(?P<host>[^\s:]{{1,255}}) (?:{_TAG})?){_MESSAGE}",
    "syslog_iso": rf"{_PRIORITY}(?P<time>{_DATE}T{_CLOCK}{_FRACTION}{_ZONE}) "
    rf"(?!{_LEVEL_NAME})(?P<host>[^\s:\[]{{1,255}}) {_TAG}{_MESSAGE}",
    "journal_full": rf"[A-Z][a-z]{{2}} (?P<time>{_DATE} {_CLOCK}{_FRACTION}) (?P<zone>[A-Z]{{1,5}}|[+-][0-9]{{2,4}}) "
    rf"(?P<host>[^\s:]{{1,255}}) {_TAG}{_MESSAGE}",
    "journal_unix": rf"{_EPOCH}\.(?P<micro>[0-9]{{6}}) (?P<host>[^\s:]{{1,255}}) {_TAG}{_MESSAGE}",
    "timestamped": r"(?:Start-Date: {1,2}|Log started: {1,2}|(?!End-Date)(?P<tag>[\w./-]{1,64}):? |\[)?"
    rf"(?P<time>{_DATE}(?:T| {{1,2}}){_CLOCK}{_FRACTION}(?: ?(?:UTC|GMT|{_ZONE}))?)(?:[\]:, ]{{1,3}}{_MESSAGE})?$",
    # dmesg -x -t, and a kernel's console without times.
    "dmesg_levels": rf"(?:{_FACILITY}|<(?P<priority>[0-9]{{1,3}})>){_MESSAGE}",
}
GRAMMARS = {name: re.compile(pattern, re.DOTALL) for name, pattern in _PATTERNS.items()}
UNSTAMPED = "dmesg_notime"
"""`dmesg -t`: bare messages; taken for a file's format only where nothing else fits and the kernel's voice is heard."""
_KERNEL_VOICE = re.compile(
    r"Linux version [0-9]|Command line: |Kernel command line: |BIOS-(?:e820|provided)|(?:ACPI|DMI|NET|TCP|SCSI|EXT4-fs|"
    r"Memory|Freeing|clocksource|smpboot|x86/[a-z]+|pci [0-9a-f]{4}|usb [0-9]+-|usbcore|serio|input|rcu|audit|random):"
    r"|pci_bus |pci [0-9a-f]{4}:[0-9a-f]{2}|usb [0-9]+-[0-9.]+: |console \["
)
_KMSG_ESCAPE = re.compile(r"(?:\\x[0-9a-f]{2})+")


def parse_line(name: str, number: int, line: str) -> LogEvent | None:
    """Read one line by the grammar `name`; None when the line is not of that format.

    `time` may still lack its year ("--MM-DDThh:mm:ss") or be the seconds since the line before ("++0.000029").
    """
    if name == UNSTAMPED:
        return None if line[:1].isspace() else LogEvent(number, name, line, facility="kern")
    match = GRAMMARS[name].match(line)
    if match is None:
        return None
    parts = match.groupdict()
    time = _time(parts)
    if time == "":
        return None
    facility, severity = parts.get("facility"), _severity(parts.get("severity"))
    if parts.get("priority"):
        facility, severity = priority(int(parts["priority"]))
    message = parts.get("message") or ""
    if name == "hpc":
        message = f"{parts['state']} {message}"
    elif name == "rfc5424" and not message and parts["data"] != "-":
        message = parts["data"] or ""
    elif name == "kmsg" and "\\x" in message:
        message = unescaped(message)
    pid = parts.get("pid") or ""
    return LogEvent(
        number, name, message, time, facility, severity, _value(parts.get("host")), _value(parts.get("tag")),
        int(pid) if pid.isascii() and pid.isdigit() and len(pid) < 10 else None,
    )  # fmt: skip


def unescaped(text: str) -> str:
    r"""Text of /dev/kmsg, which writes bytes that do not print as \xNN."""
    return _KMSG_ESCAPE.sub(lambda match: bytes.fromhex(match[0].replace("\\x", "")).decode("utf-8", "replace"), text)


def detect(sample: list[str]) -> str | None:
    """The format of the file that begins like this, or None when no line has any.

    It is the most specific one that fits at least half as many lines as the one that fits most.
    """
    counted = [line for line in sample if line.strip() and not is_separator(line)]
    if sum(journal.looks_like_entry(line) for line in counted) * 2 > len(counted):
        return "journald_json"
    hits = {name: sum(parse_line(name, 0, line) is not None for line in counted) for name in GRAMMARS}
    most = max(hits.values())
    if not most:
        return UNSTAMPED if sum(_KERNEL_VOICE.match(line) is not None for line in counted) >= 2 else None
    return next(name for name, count in hits.items() if count * 2 >= most)


def is_separator(line: str) -> bool:
    """Lines put between entries: journalctl's -- Boot ... --, logcat's --------- beginning of main."""
    return line.startswith("--") and line.startswith(
        ("-- Boot ", "-- Reboot", "-- Journal begins", "-- Logs begin", "-- No entries", "--------- beginning of ",
         "--------- switch to ", "-- Subject", "-- cursor: ")
    )  # fmt: skip


def _time(parts: dict[str, str | None]) -> str | None:
    """ISO 8601 with what the line gives: no year becomes --MM-DD, seconds since boot become +S; "" for no real date."""
    clock = parts.get("clock") or ""
    if month := parts.get("month"):
        number = _MONTHS.get(month)
        return f"--{number:02d}-{int(parts['day'] or 0):02d}T{clock}{':00' * (len(clock) == 5)}" if number else ""
    if numeric := parts.get("numeric"):
        return f"--{numeric}T{clock}"
    if ctime := parts.get("ctime"):
        _, month, day, clock, year = ctime.split()
        return f"{year}-{_MONTHS[month]:02d}-{int(day):02d}T{clock}" if month in _MONTHS else ""
    return _counted_time(parts) or _iso_time(parts)


def _counted_time(parts: dict[str, str | None]) -> str | None:
    """A time given as a number: since boot, since the line before, or since 1970."""
    if seconds := parts.get("seconds"):
        return f"+{seconds}"
    if micro := parts.get("microseconds"):
        return f"+{int(micro) // 1_000_000}.{int(micro) % 1_000_000:06d}"
    if later := parts.get("later"):
        return f"++{later}"
    if epoch := parts.get("epoch"):
        moment = datetime.fromtimestamp(int(epoch), UTC).isoformat()
        return moment.replace("+", f".{parts['micro']}+") if parts.get("micro") else moment
    return None


def _iso_time(parts: dict[str, str | None]) -> str | None:
    time = parts.get("time")
    if time is None or time == "-":
        return None
    if (zone := parts.get("zone")) is not None:
        # What CET or IST stands for depends on the place: such a time stays local.
        time += "Z" if zone in ("UTC", "GMT", "Z") else zone if zone[0] in "+-" else ""
    return "T".join(time.replace(" UTC", "Z").replace(" GMT", "Z").split(None, 1)).replace(",", ".").replace(" ", "")


def _severity(name: str | None) -> str | None:
    if name is None:
        return None
    lowered = name.lower()
    return "debug" if lowered.startswith("trace") else _SEVERITY.get(lowered, lowered)


def priority(value: int) -> tuple[str | None, str]:
    """The names of a syslog priority, which is facility * 8 + severity."""
    facility = value >> 3
    return FACILITIES[facility] if facility < len(FACILITIES) else None, SEVERITIES[value & 7]


def _value(text: str | None) -> str | None:
    return None if text in (None, "-", "") else text
