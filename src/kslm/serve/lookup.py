"""Exact look-ups: what a question names, and what the tables say about it. Nothing here guesses.

Recognised: PCI ids (`8086:1533`, `[8086:1533]`, `pci 8086 1533`, a `pci:v...d...` alias), USB ids where the question
speaks of USB, `CONFIG_` options, and kernel modules. A module is taken for one where its name could not be an ordinary
word (it holds a digit or an underscore) or where it follows `driver`, `module` or `modprobe`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from kslm.knowledge.drivers import Device, Driver, because_of
from kslm.knowledge.hardware import BUS, PARTS

_HEX4 = r"(?:0x)?([0-9a-fA-F]{4})"
_PAIR = re.compile(rf"(?<![\w:.]){_HEX4}:{_HEX4}(?![\w:])")
_SPACED = re.compile(rf"\b(?:pci|usb)\s+(?:id\s+|device\s+)?{_HEX4}\s+{_HEX4}\b", re.IGNORECASE)
_ALIAS = re.compile(r"\b(?:pci:v0000([0-9a-fA-F]{4})d0000|usb:v([0-9a-fA-F]{4})p)([0-9a-fA-F]{4})")
_BUS = re.compile(r"\b(pci|usb)", re.IGNORECASE)
_CLASS = re.compile(r"\bclass\s+(?:0x)?([0-9a-fA-F]{6}|[0-9a-fA-F]{4}|[0-9a-fA-F]{2})\b", re.IGNORECASE)
_OPTION = re.compile(r"\bCONFIG_(\w+)")
_WORD = re.compile(r"(?<![\w:.])[A-Za-z][\w-]+(?![\w:])")
_NAMED = re.compile(r"\b(?:drivers?|modules?|modprobe|insmod)\s+[`'\"]?([A-Za-z][\w-]*)", re.IGNORECASE)
_SHOWN = 3
T = TypeVar("T")


@dataclass(frozen=True)
class Fact:
    """One statement and the place in the tables that says so."""

    text: str
    source: str


@dataclass
class Mentions:
    """What a text names."""

    devices: list[Device] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    class_code: str | None = None


@dataclass
class Findings:
    """Facts about what was named, and one line for each name that no table has."""

    facts: list[Fact] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def connect(path: Path) -> sqlite3.Connection:
    """Open the database that stage `index` published, read-only."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    connection.row_factory = sqlite3.Row
    return connection


def mentions(text: str) -> Mentions:
    """Everything a text names, in order, once; `modules` are candidates, checked against the table by `look_up`."""
    devices = [
        (match.start(), Device(_bus(text, match.start()), match[1].lower(), match[2].lower()))
        for pattern in (_PAIR, _SPACED)
        for match in pattern.finditer(text)
    ]
    for match in _ALIAS.finditer(text):
        bus, vendor = ("pci", match[1]) if match[1] else ("usb", match[2])
        devices.append((match.start(), Device(bus, vendor.lower(), match[3].lower())))
    named = [match[1] for match in _NAMED.finditer(text)]
    words = [word for word in _WORD.findall(text) if re.search(r"[\d_]", word) and not word.startswith("CONFIG_")]
    code = _CLASS.search(text)
    return Mentions(
        devices=_unique(device for _, device in sorted(devices, key=lambda pair: pair[0])),
        options=_unique(match[1] for match in _OPTION.finditer(text)),
        modules=_unique(word.replace("-", "_") for word in (*named, *words)),
        class_code=code[1].lower() if code else None,
    )


def look_up(text: str, index: sqlite3.Connection) -> Findings:
    """Facts about everything the text names.

    Args:
        index: as `connect` opens it.
    """
    named, findings = mentions(text), Findings()
    class_code = named.class_code if len(named.devices) == 1 else None  # of several nobody can tell whose it is
    for device in named.devices:
        _device(device, class_code, index, findings)
    for option in named.options:
        _option(option, index, findings)
    for module in named.modules:
        _module(module, index, findings)
    return findings


def unverified(text: str, facts: Iterable[Fact], index: sqlite3.Connection | None) -> list[str]:
    """Ids, options and modules that a text names and no fact confirms: what a reader must not take on trust."""
    known = " ".join(fact.text for fact in facts)
    named = mentions(text)
    values = [str(device) for device in named.devices] + [f"CONFIG_{option}" for option in named.options]
    values += [m for m in named.modules if re.search(r"[\d_]", m) or (index is not None and _listed_module(m, index))]
    return [value for value in _unique(values) if not re.search(rf"(?<!\w){re.escape(value)}(?!\w)", known)]


def _bus(text: str, position: int) -> str:
    """The bus an id belongs to: the last one named before it, else the first named after it, else PCI."""
    named = [(match.start(), match[1].lower()) for match in _BUS.finditer(text)]
    before = [bus for start, bus in named if start <= position]
    after = [bus for start, bus in named if start > position]
    return (before[-1:] + after[:1] + ["pci"])[0]


def _device(device: Device, class_code: str | None, index: sqlite3.Connection, findings: Findings) -> None:
    """What an id is called and what drives it: the modules that name it, then what is known of its vendor or class."""
    label = f"{BUS[device.bus]} {device}"
    name, vendor = (_listed(level, device, index) for level in ("device", "vendor"))
    if name:
        maker = f"{vendor['name']} " if vendor else ""
        findings.facts.append(Fact(f"{label} is {maker}{name['name']}", _id_source(device, name)))
    own = _drivers(device, index)
    for driver in own:
        verb = f"may be served, on some {PARTS[device.bus]} only," if driver.partly else "is served"
        findings.facts.append(_driver_fact(f"{label} {verb} by driver", driver.module, driver.alias, "", index))
    if not name and not own:
        findings.unknown.append(f"Unknown device [{device}]")
        if vendor:
            text = f"vendor {device.vendor} is {vendor['name']}; the device id is not in the list"
            findings.facts.append(Fact(text, _id_source(device, vendor)))
    general = _by_vendor_or_class(device, class_code, index)
    for module, (alias, reason) in general.items():
        if module not in {driver.module for driver in own}:
            statement, because = f"{label} may be served by driver", f", because of its {reason}"
            findings.facts.append(_driver_fact(statement, module, alias, because, index))
    if name and not own and not general:
        findings.unknown.append(f"No kernel module claims {label}")


def _listed(level: str, device: Device, index: sqlite3.Connection) -> sqlite3.Row | None:
    """What the id list has of a device or its vendor; an id given twice means what it says first."""
    return index.execute(
        f"SELECT * FROM {device.bus}_ids WHERE level = ? AND vendor = ? AND (level = 'vendor' OR device = ?)"
        " ORDER BY line LIMIT 1",
        (level, device.vendor, device.device),
    ).fetchone()


def _drivers(device: Device, index: sqlite3.Connection) -> list[Driver]:
    """The modules that name a device, those for all of its boards first."""
    query = "SELECT * FROM drivers WHERE bus = ? AND vendor = ? AND device = ? ORDER BY partly, module"
    return [Driver(device, row["module"], bool(row["partly"]), row["alias"]) for row in index.execute(query, device)]


def _by_vendor_or_class(
    device: Device, class_code: str | None, index: sqlite3.Connection
) -> dict[str, tuple[str, str]]:
    """Modules that would take the device for its vendor or class: each with an alias that says so, and why."""
    query = "SELECT * FROM general_aliases WHERE bus = ? AND (vendor = ? OR vendor IS NULL) ORDER BY module, alias"
    reasons: dict[str, tuple[str, str]] = {}
    for row in index.execute(query, (device.bus, device.vendor)):
        if row["module"] not in reasons and (reason := because_of(row["alias"], device, class_code)):
            reasons[row["module"]] = (row["alias"], reason)
    return reasons


def _driver_fact(statement: str, module: str, alias: str, because: str, index: sqlite3.Connection) -> Fact:
    row = _listed_module(module, index)
    what = f" ({row['description']})" if row["description"] else ""
    return Fact(f"{statement} {module}{what}{because}", f"bronze.modules {module}, alias {alias}, {_place(row)}")


def _option(name: str, index: sqlite3.Connection, findings: Findings) -> None:
    rows = index.execute(
        "SELECT * FROM config_symbols WHERE name = ? AND (prompt IS NOT NULL OR help IS NOT NULL OR kind != '')"
        " ORDER BY help IS NULL, path, line LIMIT ?",
        (name, _SHOWN),
    ).fetchall()
    if not rows:
        findings.unknown.append(f"Unknown option CONFIG_{name}")
    for row in rows:
        depends = f"; depends on {row['requires']}" if row["requires"] else ""
        text = f"CONFIG_{name} ({row['kind'] or 'option'}): {row['prompt'] or 'chosen by other options'}{depends}"
        text += f"\n{row['help'].strip()}" if row["help"] else ""
        source = f"bronze.config_symbols {name}, {row['path']} line {row['line']}, version {row['version']}"
        findings.facts.append(Fact(text, source))


def _module(name: str, index: sqlite3.Connection, findings: Findings) -> None:
    if (row := _listed_module(name, index)) is None:
        return
    kind = "is built into the kernel" if row["builtin"] else "is a kernel module"
    text = f"{name} {kind}{': ' + row['description'] if row['description'] else ''}"
    text += f"; needs {', '.join(row['depends'].split())}" if row["depends"] else ""
    text += f"; firmware {', '.join(row['firmware'].split()[:_SHOWN])}" if row["firmware"] else ""
    findings.facts.append(Fact(text, f"bronze.modules {name}, {_place(row)}"))


def _listed_module(name: str, index: sqlite3.Connection) -> Any:
    return index.execute("SELECT * FROM modules WHERE module = ?", (name,)).fetchone()


def _id_source(device: Device, row: sqlite3.Row) -> str:
    return f"bronze.{device.bus}_ids {device}, line {row['line']} of {device.bus}.ids, version {row['version']}"


def _place(row: sqlite3.Row) -> str:
    return f"{row['path']}, version {row['version']}"


def _unique(values: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(values))
