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
from typing import TypeVar

from kslm.sources.kernel.modinfo import parse_pci_alias, parse_usb_alias

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


@dataclass(frozen=True)
class DeviceKey:
    """A device named in a text; ids are 4 lower-case hexadecimal digits."""

    bus: str
    vendor: str
    device: str

    def __str__(self) -> str:
        return f"{self.vendor}:{self.device}"


@dataclass
class Mentions:
    """What a text names."""

    devices: list[DeviceKey] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    class_code: str | None = None


@dataclass
class Found:
    """Facts about what was named, and one line for each name that no table has."""

    facts: list[Fact] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def mentions(text: str) -> Mentions:
    """Everything a text names, in order, once; `modules` are candidates, checked against the table by `look_up`."""
    devices = [
        (match.start(), DeviceKey(_bus(text, match.start()), match[1].lower(), match[2].lower()))
        for pattern in (_PAIR, _SPACED)
        for match in pattern.finditer(text)
    ]
    for match in _ALIAS.finditer(text):
        bus, vendor = ("pci", match[1]) if match[1] else ("usb", match[2])
        devices.append((match.start(), DeviceKey(bus, vendor.lower(), match[3].lower())))
    named = [match[1] for match in _NAMED.finditer(text)]
    words = [word for word in _WORD.findall(text) if re.search(r"[\d_]", word) and not word.startswith("CONFIG_")]
    code = _CLASS.search(text)
    return Mentions(
        devices=_unique(device for _, device in sorted(devices, key=lambda pair: pair[0])),
        options=_unique(match[1] for match in _OPTION.finditer(text)),
        modules=_unique(word.replace("-", "_") for word in (*named, *words)),
        class_code=code[1].lower() if code else None,
    )


def look_up(text: str, index: sqlite3.Connection) -> Found:
    """Facts about everything the text names.

    Args:
        index: as kslm.index.store.connect opens it.
    """
    named, found = mentions(text), Found()
    for device in named.devices:
        _device(device, named.class_code, index, found)
    for option in named.options:
        _option(option, index, found)
    for module in named.modules:
        _module(module, index, found)
    return found


def unverified(text: str, facts: Iterable[Fact], index: sqlite3.Connection | None) -> list[str]:
    """Ids, options and modules that a text names and no fact confirms: what a reader must not take on trust."""
    known = " ".join(fact.text for fact in facts)
    named = mentions(text)
    values = [str(device) for device in named.devices] + [f"CONFIG_{option}" for option in named.options]
    values += [m for m in named.modules if re.search(r"[\d_]", m) or (index is not None and _has_module(m, index))]
    return [value for value in _unique(values) if not re.search(rf"(?<!\w){re.escape(value)}(?!\w)", known)]


def _bus(text: str, position: int) -> str:
    """The bus an id belongs to: the last one named before it, else the first named after it, else PCI."""
    named = [(match.start(), match[1].lower()) for match in _BUS.finditer(text)]
    before = [bus for start, bus in named if start <= position]
    after = [bus for start, bus in named if start > position]
    return (before[-1:] + after[:1] + ["pci"])[0]


def _device(device: DeviceKey, class_code: str | None, index: sqlite3.Connection, found: Found) -> None:
    label = f"{device.bus.upper()} {device}"
    rows = index.execute(
        "SELECT * FROM ids WHERE bus = ? AND vendor = ? AND (level = 'vendor' OR device = ?) ORDER BY level DESC, line",
        (device.bus, device.vendor, device.device),
    ).fetchall()
    named = {row["level"]: row for row in rows}
    if row := named.get("device"):
        vendor = f"{named['vendor']['name']} " if "vendor" in named else ""
        found.facts.append(Fact(f"{label} is {vendor}{row['name']}", _id_source(device, row)))
    drivers = _drivers(device, class_code, index)
    for module, sure, alias in drivers:
        row = index.execute("SELECT * FROM modules WHERE module = ?", (module,)).fetchone()
        what = f" ({row['description']})" if row["description"] else ""
        verb = "is served by driver" if sure else "may be served, on some boards only, by driver"
        source = f"bronze.modules {module}, alias {alias}, {_place(row)}"
        found.facts.append(Fact(f"{label} {verb} {module}{what}", source))
    if not any(sure for _, sure, _ in drivers) and "device" not in named:
        found.unknown.append(f"Unknown device [{device}]")
        if row := named.get("vendor"):
            text = f"vendor {device.vendor} is {row['name']}; the device id is not in the list"
            found.facts.append(Fact(text, _id_source(device, row)))
    elif not drivers:
        found.unknown.append(f"No kernel module claims {label}")


def _drivers(device: DeviceKey, class_code: str | None, index: sqlite3.Connection) -> list[tuple[str, bool, str]]:
    """(module, whether the ids alone decide, alias) of every module that takes the device; the sure ones first."""
    rows = index.execute(
        "SELECT * FROM aliases WHERE bus = ? AND (vendor = ? OR vendor IS NULL) AND (device = ? OR device IS NULL)"
        " ORDER BY module, alias",
        (device.bus, device.vendor, device.device),
    )
    best: dict[str, tuple[str, bool, str]] = {}
    for row in rows:
        if device.bus == "pci":
            pci = parse_pci_alias(row["alias"])
            takes = pci is not None and pci.matches(device.vendor, device.device, class_code)
            sure = pci is not None and (pci.every_board or bool(class_code and not (pci.subvendor or pci.subdevice)))
        else:
            usb = parse_usb_alias(row["alias"])
            takes = usb is not None and usb.vendor is not None
            limits = usb and (usb.product is None, usb.device_class, usb.interface_class)
            sure = usb is not None and not any(limits or ())
        if takes and (row["module"] not in best or sure > best[row["module"]][1]):
            best[row["module"]] = (row["module"], sure, row["alias"])
    return sorted(best.values(), key=lambda driver: (not driver[1], driver[0]))


def _option(name: str, index: sqlite3.Connection, found: Found) -> None:
    rows = index.execute(
        "SELECT * FROM options WHERE name = ? AND (prompt IS NOT NULL OR help IS NOT NULL OR kind != '')"
        " ORDER BY help IS NULL, path, line LIMIT ?",
        (name, _SHOWN),
    ).fetchall()
    if not rows:
        found.unknown.append(f"Unknown option CONFIG_{name}")
    for row in rows:
        depends = f"; depends on {row['depends']}" if row["depends"] else ""
        text = f"CONFIG_{name} ({row['kind'] or 'option'}): {row['prompt'] or 'chosen by other options'}{depends}"
        text += f"\n{row['help'].strip()}" if row["help"] else ""
        source = f"bronze.documents, {row['path']} line {row['line']}, version {row['version']}"
        found.facts.append(Fact(text, source))


def _module(name: str, index: sqlite3.Connection, found: Found) -> None:
    row = index.execute("SELECT * FROM modules WHERE module = ?", (name,)).fetchone()
    if row is None:
        return
    kind = "is built into the kernel" if row["builtin"] else "is a kernel module"
    text = f"{name} {kind}{': ' + row['description'] if row['description'] else ''}"
    text += f"; needs {', '.join(row['depends'].split())}" if row["depends"] else ""
    text += f"; firmware {', '.join(row['firmware'].split()[:_SHOWN])}" if row["firmware"] else ""
    found.facts.append(Fact(text, f"bronze.modules {name}, {_place(row)}"))


def _has_module(name: str, index: sqlite3.Connection) -> bool:
    return index.execute("SELECT 1 FROM modules WHERE module = ?", (name,)).fetchone() is not None


def _id_source(device: DeviceKey, row: sqlite3.Row) -> str:
    return f"bronze.{device.bus}_ids {device}, line {row['line']} of {device.bus}.ids, version {row['version']}"


def _place(row: sqlite3.Row) -> str:
    return f"{row['path']}, version {row['version']}"


def _unique(values: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(values))
