"""Sources small enough to be read by this process: ID lists, kernel modules, manuals, logs.

Rows go straight to spools on disk, so the memory used does not grow with the source. A file that cannot be read at all
becomes a row of bronze.quarantine, like a bad line in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kslm import kinds
from kslm.errors import DataError
from kslm.ingest.rows import (
    Finals,
    Origin,
    Row,
    device_row,
    document_row,
    event_row,
    mine,
    module_row,
    quarantine_row,
    section_row,
    template_row,
)
from kslm.kinds import MAN
from kslm.lake import tables
from kslm.lake.arrow import ParquetSpool, with_columns
from kslm.lake.tables import DOCUMENTS, LOG_EVENTS, QUARANTINE, Table
from kslm.redact import Pseudonyms
from kslm.sources import compressed, device_ids, logs, package_docs
from kslm.sources.kernel import modinfo
from kslm.sources.logs.templates import MAX_TEMPLATES, Miner
from kslm.sources.man.page import pages_below
from kslm.sources.records import Bad, Decoded, DeviceId, KernelModule, LogEvent

# Events held at once while their templates are filled in.
_EVENTS = 4096


class Spools:
    """One Parquet file a table, and the quarantine's own rule: a finding is kept once.

    Attributes:
        folder: where the files are; readers may keep their own there while they work.
        document_bytes: of sources of bronze.documents, so far; for rates.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._spools = {table.name: ParquetSpool(table, folder / f"{table.name}.parquet") for table in tables.BRONZE}
        self._seen: dict[str, set[tuple[object, ...]]] = defaultdict(set)
        self.document_bytes = 0

    def add(self, table: Table, row: Row) -> None:
        """Take one row."""
        self._spools[table.name].add(row)

    def add_batch(self, table: Table, batch: pa.RecordBatch) -> None:
        """Take many rows, all columns given."""
        self._spools[table.name].add_batch(batch)

    def add_once(self, table: Table, row: Row) -> bool:
        """Take one row unless another one has its key; tells whether it was taken."""
        key = tuple(row[name] for name in table.key)
        if key in self._seen[table.name]:
            return False
        self._seen[table.name].add(key)
        self._spools[table.name].add(row)
        return True

    def add_document(self, row: Row) -> None:
        """Take a row of bronze.documents."""
        if self.add_once(DOCUMENTS, row):
            self.document_bytes += row["bytes"]

    def quarantine(self, bad: Bad, origin: Origin) -> None:
        """Take a finding."""
        self.add_once(QUARANTINE, quarantine_row(bad, origin))

    def close(self, table: Table) -> Path:
        """Finish one table's file, and say where it is."""
        spool = self._spools[table.name]
        spool.close()
        return spool.path


def read_ids(path: Path, origin: Origin, spools: Spools, bus: device_ids.Bus) -> None:
    """pci.ids into bronze.pci_ids, or usb.ids into bronze.usb_ids."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        spools.quarantine(Bad.of(path.name, 0, f"cannot be read: {error.strerror or error}"), origin)
        return
    if not raw:
        spools.quarantine(Bad.of(path.name, 0, "empty file"), origin)
    table = tables.PCI_IDS if bus == "pci" else tables.USB_IDS
    for record in device_ids.parse(raw, bus, path.name):
        if isinstance(record, DeviceId):
            if not spools.add_once(table, device_row(record, origin)):
                spools.quarantine(Bad.of(path.name, record.line, "identity already given", record.name), origin)
        else:
            spools.quarantine(record, origin)


def read_modules(path: Path, origin: Origin, spools: Spools) -> None:
    """A folder of kernel modules into bronze.modules; the first file of a module's name counts."""
    for record in modinfo.read_folder(path):
        if isinstance(record, KernelModule):
            if not spools.add_once(tables.MODULES, module_row(record, origin)):
                spools.quarantine(Bad.of(record.path, 0, f"module {record.module} was read from another file"), origin)
        else:
            spools.quarantine(record, origin)


def read_manuals(path: Path, origin: Origin, spools: Spools) -> None:
    """A folder of manual pages into bronze.documents, but for those that only refer to another one."""
    seen: set[str] = set()
    for page in pages_below(path):
        plain = package_docs.plain_path(page)
        text, findings = decoded(path / page, page, MAN.name)
        if plain in seen and text:
            findings = (*findings, Bad.of(page, 0, "the same page was read from another file"))
        elif text:
            seen.add(plain)
            spools.add_document(document_row(plain, MAN.name, text, origin))
        for finding in findings:
            spools.quarantine(finding, origin)


def decoded(place: Path, path: str, kind: str) -> Decoded:
    """A file's text, compressed or not, and what is wrong with it; `path` is what findings call it."""
    raw = compressed.read(place, path)
    return Decoded("", (raw,)) if isinstance(raw, Bad) else kinds.decode(kind, raw, path)


def read_logs(path: Path, origin: Origin, spools: Spools) -> None:
    """A log file, or a folder of them, into bronze.log_events and bronze.system_snapshots, redacted.

    Events wait in a file of their own until all have been read, because only then are their templates final.
    """
    names: dict[str, Pseudonyms] = defaultdict(Pseudonyms)
    events: dict[str, int] = defaultdict(int)
    miner = Miner()
    waiting = ParquetSpool(LOG_EVENTS, spools.folder / f"{origin.source}.events.parquet")
    for file, record in logs.read(path):
        if isinstance(record, Bad):
            spools.quarantine(record, origin)
        elif isinstance(record, LogEvent):
            row = event_row(record, file, events[file], names[file], origin)
            row["template_id"] = mine(row, miner)
            waiting.add(row)
            events[file] += 1
        else:
            spools.add(tables.SYSTEM_SNAPSHOTS, section_row(record, file, names[file], origin))
    waiting.close()
    finals = Finals(miner, origin)
    with pq.ParquetFile(waiting.path) as file_of_events:
        for batch in file_of_events.iter_batches(_EVENTS):
            events_of = zip(batch["template_id"].to_pylist(), batch["message"].to_pylist(), strict=True)
            ids, values = zip(*(finals.of(number, message) for number, message in events_of), strict=True)
            spools.add_batch(LOG_EVENTS, with_columns(batch, {"template_id": ids, "parameters": values}))
    for template in miner.templates():
        spools.add(tables.LOG_TEMPLATES, template_row(template, origin))
    if miner.unmatched:
        reason = f"events without a template: there are {MAX_TEMPLATES} already (as {miner.unmatched})"
        spools.quarantine(Bad(path.name, 0, reason), origin)
    waiting.path.unlink()


def require(paths: Iterable[Path]) -> None:
    """Refuse to go on when what fetch left is gone: an empty table would look like an empty source."""
    for path in paths:
        if not path.exists():
            raise DataError(f"fetched files are gone: {path}", remedy="fetch them again: kslm fetch --force")
