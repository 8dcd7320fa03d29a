"""Databricks: the session that is already there, and managed tables in Unity Catalog.

Nothing here sets a location, a Spark option or a cluster property: the workspace decides those. What exists is not
created: `CREATE SCHEMA IF NOT EXISTS` asks for the right to create even where the schema exists
(databricks/dbt-databricks#464), and who runs a job seldom has it. Seeing a schema or a table takes USE CATALOG and
USE SCHEMA (from Databricks' documentation, November 2026).

Databricks Connect from outside a workspace is refused: the functions that run in Spark's workers need the kslm wheel,
which a job's or notebook's environment has there, and a session from elsewhere has not.

Tested here on Spark Connect with Delta; privileges are Unity Catalog's, and were not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kslm.errors import KslmError
from kslm.lake.engine import Engine, Size
from kslm.lake.tables import Table
from kslm.settings import Settings

_INSIDE = ("DATABRICKS_RUNTIME_VERSION", "DATABRICKS_ENV_VERSION")
"""Set in jobs and notebooks, the second on serverless compute alone; MLflow and Databricks' SDK tell it by them too."""
_REFUSALS = ("PERMISSION_DENIED", "INSUFFICIENT_PERMISSIONS", "42501")
_DEPLOY = "databricks bundle deploy (it makes the schemas and grants their privileges)"


class DatabricksEngine(Engine):
    """The workspace's session."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.spark = _session()
        self._there: set[str] = set()

    def name(self, table: Table) -> str:
        """The table's name in SQL."""
        return f"{self._schema(table)}.{table.name}"

    def _schema(self, table: Table) -> str:
        return f"{self.settings.env.catalog}.{self.settings.schema_prefix}_{table.layer}"

    def create(self, table: Table) -> None:
        """Create the table, and its schema, if they are missing.

        Raises:
            KslmError: one is missing, and the caller may not create it; names the privilege.
        """
        if self.exists(table):
            return
        name, schema = self.name(table), self._schema(table)
        with _allowed(f"table {name} is not to be seen", f"USE CATALOG and USE SCHEMA of {schema}"):
            schema_found = self.spark.catalog.databaseExists(schema)
        if not schema_found:
            catalog = self.settings.env.catalog
            with _allowed(f"schema {schema} is missing, or hidden", f"CREATE SCHEMA on catalog {catalog}"):
                self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        with _allowed(f"table {name} cannot be created", f"CREATE TABLE on schema {schema}"):
            self.spark.sql(f"CREATE TABLE IF NOT EXISTS {name} ({table.ddl}) USING delta")

    def exists(self, table: Table) -> bool:
        """Whether the table is there; one that was seen once is not asked for again.

        Raises:
            KslmError: the caller may not look; names the privilege.
        """
        if str(table) not in self._there:
            name = self.name(table)
            with _allowed(f"table {name} is not to be seen", f"USE CATALOG and USE SCHEMA of {self._schema(table)}"):
                if self.spark.catalog.tableExists(name):
                    self._there.add(str(table))
        return str(table) in self._there

    def version(self, table: Table) -> int:
        """Version of the newest commit, or -1."""
        if not self.exists(table):
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


@contextmanager
def _allowed(problem: str, privilege: str) -> Iterator[None]:
    """Say what is missing where Unity Catalog refuses."""
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        if not any(sign in str(error) for sign in _REFUSALS):
            raise
        raise KslmError(
            problem,
            cause=f"no privilege: {str(error).strip().splitlines()[0][:300]}",
            remedy=f"{_DEPLOY}, or have {privilege} granted to whom this runs as",
        ) from error


def _session() -> Any:
    if not any(name in os.environ for name in _INSIDE):
        raise KslmError(
            "KSLM_ENGINE=databricks works in a Databricks job or notebook only",
            cause="Spark's workers there have no kslm when the session is made from outside",
            remedy="databricks bundle run pipeline, or a notebook of the bundle; here: KSLM_ENGINE=sail",
        )
    from pyspark.sql import SparkSession

    try:
        from databricks.connect import DatabricksSession
    except ImportError:
        return SparkSession.builder.getOrCreate()
    return DatabricksSession.builder.getOrCreate()
