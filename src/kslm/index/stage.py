"""Publish the look-up index of the bronze tables, so that an answer starts no engine.

It lies in index/<profile>/, sealed, in a folder named after its content. Older ones are removed.
"""

from __future__ import annotations

from pathlib import Path

import kslm.lake
from kslm import published, scratch
from kslm.index.store import COLUMNS, Built, Rows, build
from kslm.lake import Lake
from kslm.lake.tables import CONFIG_SYMBOLS, FILES, MODULES, PCI_IDS, USB_IDS, Table
from kslm.outputs import Indexed
from kslm.report import QUIET, Progress, Report
from kslm.settings import Settings

TABLES = (PCI_IDS, USB_IDS, MODULES, CONFIG_SYMBOLS)
_FILE = "lookup.sqlite"
_WANTED = {"pci_ids": "level IN ('vendor', 'device')", "usb_ids": "level IN ('vendor', 'device')"}
"""Which rows of a table are copied, where not all."""


def run(settings: Settings, progress: Progress = QUIET) -> Report[Indexed]:
    """Copy what answers need out of the bronze tables, and publish it.

    Raises:
        DataError: a bronze table is missing: ingest has not run.
    """
    with kslm.lake.open(settings) as lake, progress.task("index", total=len(TABLES), unit="tables") as task:
        lake.read(FILES)
        bronze: dict[str, Rows] = {}
        inputs: dict[str, int] = {}
        for table in TABLES:
            if (version := lake.version(table)) >= 0:
                inputs[str(table)] = version
                bronze[table.name] = _rows(lake, table)
            task.advance()
    with scratch.emptied(settings.home.scratch / "index") as workplace:
        built = build(workplace / _FILE, bronze)
        folder = _publish(workplace, built, settings.home.index / settings.profile.profile)
    relative = settings.home.relative
    return Report(
        "index",
        built.digest,
        Indexed(folder=relative(folder), lookup=relative(folder / _FILE), inputs=inputs, rows=built.rows),
        metrics={f"index/{table}/rows": float(count) for table, count in built.rows.items()},
    )


def _rows(lake: Lake, table: Table) -> Rows:
    rows = lake.read(table).where(_WANTED.get(table.name, "true")).select(*COLUMNS[table.name])
    return rows.toArrow().to_pylist()


def _publish(made: Path, built: Built, shelf: Path) -> Path:
    """The sealed folder with the file, alone on its shelf."""
    folder = shelf / built.digest[:16]
    if published.whole(folder) is None:
        scratch.publish(made, folder, {"rows": built.rows})
    for old in shelf.iterdir():
        if old != folder:
            published.remove(old)
    return folder
