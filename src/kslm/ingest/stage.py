"""The stage: every fetched source into bronze, each table made equal to what the sources say now.

All of a table's rows, from whichever sources, go in by one commit; tables are independent, so a killed run leaves some
of them new and some old, and the next run makes up for it. The report is what publishes them together. Its rates (MB of
source per second of wall and of processor time) are those of bronze.documents, nearly all of the bytes: reading,
hashing and writing.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

import kslm.lake
from kslm import outputs
from kslm.ingest.kernel import KernelTree, Tree, config_symbols, plan
from kslm.ingest.local import Spools, read_ids, read_logs, read_manuals, read_modules, require
from kslm.ingest.packages import read_packages, read_tldr
from kslm.ingest.rows import Origin, file_row, symbol_row
from kslm.lake.change import as_metrics, as_outputs
from kslm.lake.tables import BRONZE, CONFIG_SYMBOLS, DOCUMENTS, FILES, QUARANTINE, Table
from kslm.outputs import Fetched, FetchedSource, Ingested
from kslm.redact import redact
from kslm.report import QUIET, Progress, Report
from kslm.scratch import emptied
from kslm.settings import Settings
from kslm.sources.records import Bad

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

READERS: Mapping[str, Callable[[Path, Origin, Spools], None]] = {
    "pci_ids": partial(read_ids, bus="pci"),
    "usb_ids": partial(read_ids, bus="usb"),
    "kernel_modules": read_modules,
    "man_pages": read_manuals,
    "logs": read_logs,
    "tldr": read_tldr,
}
"""Kinds of sources that a function reads by itself."""


def run(settings: Settings, progress: Progress = QUIET) -> Report[Ingested]:
    """Read what `fetch` left in the landing folder and publish the bronze tables.

    Raises:
        DataError: fetch has not run or its files are gone, or two inputs claim one identity.
        KslmError: the engine cannot be had.
    """
    sources = outputs.load(settings, Fetched).outputs.sources
    with (
        kslm.lake.open(settings) as lake,
        # In the home, not in its scratch: the engine reads it, and its workers may be on other machines.
        emptied(settings.home.cache / "ingest" / settings.schema_prefix) as folder,
    ):
        lake.spark.dataSource.register(KernelTree)
        stage = _Stage(settings, lake, folder)
        with progress.task("reading sources", total=len(sources), unit="sources") as task:
            for name, source in sorted(sources.items()):
                task.update(note=name)
                stage.read(name, source)
                task.advance()
        with progress.task("writing bronze", total=len(BRONZE), unit="tables") as task:
            for table in BRONZE:
                task.update(note=str(table))
                stage.write(table)
                task.advance()
        with progress.task("checking contents", total=len(BRONZE), unit="tables") as task:
            hashes = {}
            for table in BRONZE:
                hashes[str(table)] = lake.content_hash(table)
                task.advance()
    rows = {name: int(value.rpartition("-")[2]) for name, value in hashes.items()}
    return Report(
        stage="ingest",
        output_id=hashlib.sha256("\n".join(f"{name} {hashes[name]}" for name in sorted(hashes)).encode()).hexdigest(),
        metrics={f"ingest/{name.partition('.')[2]}/rows": float(count) for name, count in rows.items()}
        | {f"ingest/{name}": value for name, value in stage.rates.items()}
        | {"ingest/quarantined": float(rows[str(QUARANTINE)])}
        | as_metrics("ingest", lake.changes),
        outputs=Ingested(tables=stage.versions, hashes=hashes, changes=as_outputs(lake.changes)),
        notes=[*stage.notes, *_notes(rows, sources, settings)],
    )


class _Stage:
    """One run: what has been read so far, and what has been written."""

    def __init__(self, settings: Settings, lake: kslm.lake.Lake, folder: Path) -> None:
        self.lake = lake
        self.versions: dict[str, int] = {}
        self.rates: dict[str, float] = {}
        self.notes: list[str] = []
        self._settings = settings
        self._folder = folder
        self._spools = Spools(folder)
        self._plans: list[Path] = []
        self._ingested_at = datetime.now(UTC).isoformat(timespec="seconds")

    def read(self, name: str, source: FetchedSource) -> None:
        """Spool one source; a kernel tree is only planned, its findings and configuration symbols are spooled."""
        origin = Origin(name, source.version, source.licence, source.sha256, self._ingested_at)
        if source.kind != "packages":  # which has a row for each package
            self._spools.add(FILES, file_row(source, origin))
        members = self._settings.home.at(source.members)
        index = self._settings.home.at(source.index) if source.index else None
        require([members, *([index] if index else [])])
        if source.kind == "packages":
            counts = read_packages(members, source, origin, self._spools)
            if left := ", ".join(f"{counts[why]:,} {why}" for why in sorted(counts) if why != "files"):
                self.notes.append(f"{name}: of {counts['files']:,} files not ingested: {left}")
        elif index:
            self._plan(origin, members, index)
        else:
            READERS[source.kind](members, origin, self._spools)
        for file in source.unreadable:
            self._spools.quarantine(Bad(file.path, 0, file.reason, file.bytes), origin)

    def _plan(self, origin: Origin, tar: Path, index: Path) -> None:
        wanted = self._settings.profile.sources[origin.source]
        tree = Tree(origin.source, str(tar), origin.version, origin.licence, origin.ingested_at)
        path = self._folder / f"{origin.source}.plan.json"
        size, counts = plan(tree, index, wanted.include, wanted.exclude, path, partitions=self.lake.partitions)
        self._spools.document_bytes += size
        self._plans.append(path)
        if counts["other"]:
            self.notes.append(
                f"{origin.source}: {counts['other']:,} of {counts.total():,} files are of no kind ingested"
            )
        for row in self._documents(path, findings="true").toArrow().to_pylist():
            self._spools.add_once(QUARANTINE, row | {"sample": redact(row["sample"]).text})
        for doc_id, file, symbol in config_symbols(tree, path):
            self._spools.add_once(CONFIG_SYMBOLS, symbol_row(symbol, file, doc_id, origin))

    def _documents(self, path: Path, **options: str) -> DataFrame:
        return self.lake.spark.read.format(KernelTree.name()).options(plan=str(path), **options).load()

    def write(self, table: Table) -> None:
        """Make one table equal to everything read for it."""
        path = self._spools.close(table)
        frames = [self.lake.read_parquet(table, path)]
        if table is DOCUMENTS:
            frames += [self._documents(plan_path) for plan_path in self._plans]
        meter = _Meter()
        self.versions[str(table)] = self.lake.make_equal(table, reduce(lambda left, right: left.union(right), frames))
        if table is DOCUMENTS:
            self.rates = meter.read(self._spools.document_bytes)


def _notes(rows: dict[str, int], sources: Mapping[str, FetchedSource], settings: Settings) -> list[str]:
    notes = []
    if rows[str(QUARANTINE)]:
        notes.append(f"{rows[str(QUARANTINE)]:,} findings in bronze.quarantine, each with its reason")
    missing = sorted(set(settings.profile.sources) - {name.removesuffix("_collected") for name in sources})
    if missing:
        notes.append(f"not fetched, so not ingested: {', '.join(missing)}")
    return notes


class _Meter:
    """Wall and processor time since it was made; an engine's own processes count."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = _cpu_seconds()

    def read(self, size: int) -> dict[str, float]:
        """The figures for `size` bytes of source: MB, and MB per second of wall and of processor time."""
        wall = time.perf_counter() - self._wall
        cpu = _cpu_seconds() - self._cpu
        return {"mb": size / 1e6, "mb_per_s": size / 1e6 / wall, "mb_per_cpu_second": size / 1e6 / max(cpu, 1e-9)}


def _cpu_seconds() -> float:
    process = psutil.Process()
    total = 0.0
    for running in [process, *process.children(recursive=True)]:
        try:
            times = running.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total
