"""The look-up file: what `kslm ask` needs of the tables, in one small sqlite database.

An answer must come in seconds, and starting an engine takes longer than that. So ids, modules, drivers and
configuration symbols are copied out of the bronze tables, and every row keeps where it came from, so that an answer can
cite it.

Limits: it holds names, help texts and aliases, not documents. Aliases other than PCI and USB are left out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import xxhash

from kslm.knowledge.drivers import drivers, generals

Rows = Sequence[Mapping[str, Any]]

COLUMNS = {
    "pci_ids": ("level", "vendor", "device", "name", "line", "version"),
    "usb_ids": ("level", "vendor", "device", "name", "line", "version"),
    "modules": ("module", "path", "builtin", "description", "aliases", "firmware", "depends", "version"),
    "config_symbols": ("name", "kind", "prompt", "help", "requires", "path", "line", "version"),
}
"""Bronze tables that it is made of, and their columns."""

_SCHEMA = """
CREATE TABLE pci_ids (level, vendor, device, name, line, version);
CREATE TABLE usb_ids (level, vendor, device, name, line, version);
CREATE TABLE modules (module PRIMARY KEY, path, builtin, description, firmware, depends, version);
CREATE TABLE drivers (bus, vendor, device, module, partly, alias);
CREATE TABLE general_aliases (bus, vendor, module, alias);
CREATE TABLE config_symbols (name, kind, prompt, help, requires, path, line, version);
"""
_INDICES = """
CREATE INDEX pci_by_id ON pci_ids (vendor, device);
CREATE INDEX usb_by_id ON usb_ids (vendor, device);
CREATE INDEX by_device ON drivers (bus, vendor, device);
CREATE INDEX by_vendor ON general_aliases (bus, vendor);
CREATE INDEX by_symbol ON config_symbols (name);
"""


class Built(NamedTuple):
    """What was written: a digest that equal rows have in common, and the number of rows by table."""

    digest: str
    rows: dict[str, int]


def build(path: Path, bronze: Mapping[str, Rows]) -> Built:
    """Write the database.

    Args:
        bronze: rows of the tables in COLUMNS, by name; a table that a profile has no source of may be left out.
    """
    digest, counts = xxhash.xxh3_128(), {}
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_SCHEMA)
        for table, records in _tables(bronze):
            ordered = sorted(records, key=repr)
            digest.update(repr((table, ordered)).encode())
            counts[table] = len(ordered)
            if ordered:
                places = ", ".join("?" * len(ordered[0]))
                connection.executemany(f"INSERT INTO {table} VALUES ({places})", ordered)
        connection.executescript(_INDICES)
    return Built(digest.hexdigest(), counts)


def _tables(bronze: Mapping[str, Rows]) -> Iterator[tuple[str, Iterable[tuple[Any, ...]]]]:
    """Name and rows of each table of _SCHEMA."""
    modules = bronze.get("modules", ())
    for name in ("pci_ids", "usb_ids", "config_symbols"):
        yield name, [tuple(row[column] for column in COLUMNS[name]) for row in bronze.get(name, ())]
    yield "modules", map(_module, modules)
    yield "drivers", [(*driver.device, *driver[1:]) for driver in drivers(modules)]
    yield "general_aliases", map(tuple, generals(modules))


def _module(row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = (row[column] for column in ("module", "path", "builtin", "description"))
    return (*names, " ".join(row["firmware"] or ()), " ".join(row["depends"] or ()), row["version"])
