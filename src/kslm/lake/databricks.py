"""Databricks: the session that is already there, and managed tables in Unity Catalog.

In a job or notebook the session exists; elsewhere Databricks Connect makes one from the user's own configuration.
Nothing here sets a location, a Spark option or a cluster property: the workspace decides those.
"""

from __future__ import annotations

from typing import Any

from kslm.lake.engine import Engine, Size
from kslm.lake.tables import Table
from kslm.settings import Settings


class DatabricksEngine(Engine):
    """The workspace's session."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.spark = _session()
        self._created: set[str] = set()

    def name(self, table: Table) -> str:
        """The table's name in SQL."""
        return f"{self._schema(table)}.{table.name}"

    def _schema(self, table: Table) -> str:
        return f"{self.settings.env.catalog}.{self.settings.schema_prefix}_{table.layer}"

    def create(self, table: Table) -> None:
        """Create the table if it is missing."""
        if str(table) not in self._created:
            self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {self._schema(table)}")
            self.spark.sql(f"CREATE TABLE IF NOT EXISTS {self.name(table)} ({table.ddl}) USING delta")
            self._created.add(str(table))

    def version(self, table: Table) -> int:
        """Version of the newest commit, or -1."""
        if not self.spark.catalog.tableExists(self.name(table)):
            return -1
        return int(self.spark.sql(f"DESCRIBE HISTORY {self.name(table)} LIMIT 1").select("version").collect()[0][0])

    def history(self, table: Table) -> list[dict[str, Any]]:
        """Commits, newest first."""
        return [row.asDict() for row in self.spark.sql(f"DESCRIBE HISTORY {self.name(table)}").collect()]

    def holds(self, table: Table, version: int) -> bool:
        """Whether the history names the version; whether its files are still there, reading it tells."""
        return any(commit["version"] == version for commit in self.history(table))

    def size(self, table: Table) -> Size:
        """From the table's own description; the workspace does not tell what older versions take."""
        row = self.spark.sql(f"DESCRIBE DETAIL {self.name(table)}").select("numFiles", "sizeInBytes").collect()[0]
        return Size(int(row[0]), int(row[1]))

    def optimize(self, table: Table) -> None:
        """Merge small files."""
        self.spark.sql(f"OPTIMIZE {self.name(table)}")

    def vacuum(self, table: Table, retention_hours: int) -> None:
        """Delete files that only old versions need."""
        self.spark.sql(f"VACUUM {self.name(table)} RETAIN {retention_hours} HOURS")

    def close(self) -> None:
        """The session belongs to the job or the notebook; it is left as it was found."""


def _session() -> Any:
    from pyspark.sql import SparkSession

    try:
        from databricks.connect import DatabricksSession
    except ImportError:
        return SparkSession.builder.getOrCreate()
    return DatabricksSession.builder.getOrCreate()
