"""The look-up index: what `kslm ask` needs of the tables, in one small sqlite file.

An answer must come in seconds, and starting an engine takes longer than that. So the ids, modules and configuration
options are copied out of the bronze tables once for each content of theirs (by the first question that needs them),
and every row keeps where it came from, so that an answer can cite it.

Limits: it holds names, help texts and aliases, not documents. Aliases other than PCI and USB are left out.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from kslm.report import Report
from kslm.settings import Settings
from kslm.sources.kernel import kconfig, kconfig_tree
from kslm.sources.kernel.modinfo import parse_pci_alias, parse_usb_alias

_FORMAT = 3
_SCHEMA = """
CREATE TABLE ids (bus, level, vendor, device, name, line, version);
CREATE TABLE modules (module PRIMARY KEY, path, builtin, description, firmware, depends, version);
CREATE TABLE aliases (bus, vendor, device, alias, module);
CREATE TABLE options (name, kind, prompt, help, depends, path, line, version);
"""
_INDICES = """
CREATE INDEX by_id ON ids (bus, vendor, device);
CREATE INDEX by_alias ON aliases (bus, vendor, device);
CREATE INDEX by_option ON options (name);
"""


def ensure(settings: Settings) -> Path:
    """The index of the current tables, built if it is not there.

    Raises:
        DataError: ingest has not run.
    """
    ingest = Report.load(settings.home.report(settings.profile.profile, "ingest"))
    folder = settings.home.cache / "lookup"
    path = folder / f"{settings.profile.profile}-{ingest.output_id}-{_FORMAT}.sqlite"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kslm-lookup-") as scratch:
        built = Path(scratch) / path.name
        build(built, _tables(settings))
        part = folder / f".{path.name}.{os.getpid()}"
        shutil.copyfile(built, part)
        part.replace(path)
    for old in folder.glob(f"{settings.profile.profile}-*.sqlite"):
        if old != path:
            old.unlink(missing_ok=True)
    return path


def build(path: Path, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Write the index.

    Args:
        rows: (table name, row) of bronze.pci_ids, usb_ids, modules, and of bronze.documents the Kconfig files.
    """
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_SCHEMA)
        for target, values in _all_records(rows):
            places = ", ".join("?" * len(values))
            connection.execute(f"INSERT OR IGNORE INTO {target} VALUES ({places})", values)
        connection.executescript(_INDICES)


def connect(path: Path) -> sqlite3.Connection:
    """Open the index, read-only."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    connection.row_factory = sqlite3.Row
    return connection


def _tables(settings: Settings) -> Iterator[tuple[str, dict[str, Any]]]:
    from kslm import lake
    from kslm.lake import tables

    ids = ("level", "vendor", "device", "name", "line", "version")
    module = ("module", "path", "builtin", "description", "aliases", "firmware", "depends", "version")
    wanted = (
        (tables.PCI_IDS, ids, "level IN ('vendor', 'device')"),
        (tables.USB_IDS, ids, "level IN ('vendor', 'device')"),
        (tables.MODULES, module, "module IS NOT NULL"),
        (tables.DOCUMENTS, ("path", "text", "version"), "kind = 'kconfig'"),
    )
    with lake.open(settings) as engine:
        for table, columns, condition in wanted:
            if engine.version(table) < 0:
                continue
            frame = engine.read(table).where(condition)
            for batch in engine.arrow_batches(frame.select(*columns)):
                for row in batch.to_pylist():
                    yield table.name, row


def _all_records(rows: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Index rows of all rows; of the Kconfig files last, as what one asks for depends on where it is sourced."""
    files: list[dict[str, Any]] = []
    for table, row in rows:
        if table == "documents":
            files.append(row)
        else:
            yield from _records(table, row)
    around = kconfig_tree.surroundings({row["path"]: row["text"] or "" for row in files})
    for row in files:
        for entry in kconfig.parse(row["text"] or "", around.get(row["path"], ())):
            said = (entry.name, entry.kind, entry.prompt, entry.help, entry.requires)
            yield "options", (*said, row["path"], entry.line, row["version"])


def _records(table: str, row: dict[str, Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Index rows of one row of an id list or of the modules."""
    if table in ("pci_ids", "usb_ids"):
        bus = table[:3]
        yield "ids", (bus, *(row[key] for key in ("level", "vendor", "device", "name", "line", "version")))
    else:
        yield (
            "modules",
            (
                *(row[key] for key in ("module", "path", "builtin", "description")),
                " ".join(row["firmware"] or ()),
                " ".join(row["depends"] or ()),
                row["version"],
            ),
        )
        for alias in row["aliases"] or ():
            if (pci := parse_pci_alias(alias)) is not None:
                yield "aliases", ("pci", pci.vendor, pci.device, alias, row["module"])
            elif (usb := parse_usb_alias(alias)) is not None:
                yield "aliases", ("usb", usb.vendor, usb.product, alias, row["module"])
