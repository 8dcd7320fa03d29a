"""Classic Spark with Delta's jars: the second local engine, and the one for a cluster (`spark_session`).

The session stays up until the process ends, because a JVM takes many seconds to start. Delta's catalog can only stand
in for `spark_catalog`, so tables are named by path here; on a cluster that path is one that all machines see. Upkeep is
a job of the cluster, by Delta's own package; what is asked often (whether there is a table, its version) is read from
its log, which takes no job.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kslm.lake.engine import LocalEngine
from kslm.lake.spark_session import session
from kslm.lake.tables import Table
from kslm.settings import Settings

if TYPE_CHECKING:
    from delta import DeltaTable


class SparkEngine(LocalEngine):
    """The process's session, on all cores of this machine or of a cluster."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.spark = session(settings)

    def name(self, table: Table) -> str:
        """The table's name in SQL: its path."""
        return "delta.`" + str(self.path(table)).replace("`", "``") + "`"

    def url(self, path: Path) -> str:
        """The path, with what would be a glob pattern escaped."""
        return re.sub(r"([][{}*?\\])", r"\\\1", str(path))

    def create(self, table: Table) -> None:
        """Create the table if it is missing."""
        if not self.exists(table):
            self.spark.sql(f"CREATE TABLE IF NOT EXISTS {self.name(table)} ({table.ddl}) USING delta")

    def history(self, table: Table) -> list[dict[str, Any]]:
        """Commits, newest first."""
        return [row.asDict() for row in self._table(table).history().collect()] if self.exists(table) else []

    def optimize(self, table: Table) -> None:
        """Merge small files."""
        if self.exists(table):
            self._table(table).optimize().executeCompaction()

    def vacuum(self, table: Table, retention_hours: int) -> None:
        """Delete files that only old versions need."""
        if self.exists(table):
            self._table(table).vacuum(retention_hours)

    def close(self) -> None:
        """The session stays for the next stage; the process's end stops it."""

    def _table(self, table: Table) -> DeltaTable:
        from delta import DeltaTable

        return DeltaTable.forPath(self.spark, str(self.path(table)))
