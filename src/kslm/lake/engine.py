"""What the lake asks of an engine, and what the two local engines share.

A local table is a Delta folder at <home>/lake/<prefix>_<layer>/<table>. Maintenance (version, history, optimize,
vacuum) goes through delta-rs there, because the default engine has no SQL for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kslm.lake.tables import Table
from kslm.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


Function = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
"""What mapInArrow takes."""


@dataclass(frozen=True)
class Size:
    """A table's files and bytes in its newest version, and the bytes of all versions kept (None: not told)."""

    files: int
    bytes: int
    stored_bytes: int | None = None


_PARALLELISM = 8
"""Where the engine decides for itself ("auto", on Databricks)."""


class Engine(ABC):
    """One running engine.

    Attributes:
        part_bytes: most text in a part, where parts are worked on one after the other: a task holds it a few times
            over, and Databricks' serverless workers have 1 GB for it.
    """

    spark: SparkSession
    part_bytes: int | None = 96 << 20

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @abstractmethod
    def name(self, table: Table) -> str:
        """What SQL on this engine calls the table."""

    @abstractmethod
    def create(self, table: Table) -> None:
        """Make sure the table exists and that its name is known in this session."""

    def url(self, path: Path) -> str:
        """A file or folder as this engine's readers take it."""
        return str(path)

    def parallelism(self) -> int:
        """How many tasks it is meant to do at once, by what a session of Spark Connect can ask: a shuffle's parts."""
        said = str(self.spark.conf.get("spark.sql.shuffle.partitions", ""))
        return int(said) if said.isdigit() else _PARALLELISM

    def on_all_cores(self, function: Function) -> Function:
        """A function for mapInArrow as one that uses all cores; here the engine's Python workers are processes."""
        return function

    @abstractmethod
    def exists(self, table: Table) -> bool:
        """Whether there is such a table."""

    @abstractmethod
    def version(self, table: Table) -> int:
        """Version of the newest commit; -1 if there is no such table."""

    @abstractmethod
    def history(self, table: Table) -> list[dict[str, Any]]:
        """Commits, newest first: version, timestamp, operation and whatever else the engine records."""

    @abstractmethod
    def holds(self, table: Table, version: int) -> bool:
        """Whether this version of the table can still be read."""

    @abstractmethod
    def size(self, table: Table) -> Size:
        """Files and bytes of a table that exists."""

    @abstractmethod
    def optimize(self, table: Table) -> None:
        """Rewrite small files into large ones; the content stays."""

    @abstractmethod
    def vacuum(self, table: Table, retention_hours: int) -> None:
        """Delete files that no version younger than `retention_hours` refers to."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the session."""


class LocalEngine(Engine):
    """Delta folders under KSLM_HOME."""

    def path(self, table: Table) -> Path:
        """Where the table's folder is."""
        return self.settings.home.lake / self.schema(table) / table.name

    def schema(self, table: Table) -> str:
        """The schema's name, without the catalog."""
        return f"{self.settings.schema_prefix}_{table.layer}"

    def exists(self, table: Table) -> bool:
        """Whether the folder holds a Delta table."""
        from deltalake import DeltaTable

        return DeltaTable.is_deltatable(str(self.path(table)))

    def version(self, table: Table) -> int:
        """Version of the newest commit, or -1."""
        return self._delta(table).version() if self.exists(table) else -1

    def history(self, table: Table) -> list[dict[str, Any]]:
        """Commits, newest first."""
        return self._delta(table).history() if self.exists(table) else []

    def holds(self, table: Table, version: int) -> bool:
        """Whether the log still knows the version and all of its files are there."""
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        try:
            files = DeltaTable(str(self.path(table)), version=version).file_uris()
        except (DeltaError, OSError):
            return False
        return all(Path(file).exists() for file in files)

    def size(self, table: Table) -> Size:
        """From the log, and from the folder."""
        actions = self._delta(table).get_add_actions()
        files = {str(path) for path in self.path(table).rglob("*.parquet") if "_delta_log" not in path.parts}
        return Size(
            actions.num_rows,
            sum(actions.column("size_bytes").to_pylist()),
            sum(Path(file).stat().st_size for file in files),
        )

    def optimize(self, table: Table) -> None:
        """Merge small files."""
        if self.exists(table):
            self._delta(table).optimize.compact()

    def vacuum(self, table: Table, retention_hours: int) -> None:
        """Delete files that only old versions need."""
        if self.exists(table):
            self._delta(table).vacuum(retention_hours, dry_run=False, enforce_retention_duration=False)

    def _delta(self, table: Table) -> Any:
        from deltalake import DeltaTable

        return DeltaTable(str(self.path(table)))
