"""The lake: typed Delta tables that a stage makes equal to a DataFrame.

Idempotence is the point. `make_equal` first compares keys and row digests (text stays where it is), so that running a
stage again commits nothing; if anything differs, the table is replaced by one overwrite, which is one atomic commit: a
killed process leaves the old table or the new one.

Why no MERGE: on Sail 0.7.2 one changed row of 36,000 documents (520 MB) took 43 CPU-seconds and 7.7 GB of memory, the
overwrite 5.6 CPU-seconds; MERGE rewrites whole files too, and these tables have few. Limits: the DataFrame is evaluated
twice where the table was not empty, so it must be deterministic, and must not read the table it is written to. A change
of few rows is one overwrite like any other; `Lake.changes` says how many rows it was about.

A lake shows each table as it was when it was first asked for, or as this lake last wrote it: a stage reads one state of
its inputs, whatever others commit meanwhile, and its report names that version. What is gone while it is read (by
vacuum, or by hand) is an error that names the table. Open the lake anew to see what is newer.

In a notebook: `lake = kslm.lake.open("quick")`, `lake.tables()`, `lake["gold.corpus"]`, `lake.close()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from kslm.errors import DataError
from kslm.lake.change import Change
from kslm.lake.digest import PARTIAL_DDL, TableDigest, partial_digests
from kslm.lake.engine import Engine, Function, Size
from kslm.lake.failures import evaluating, explained
from kslm.lake.tables import ALL, Table
from kslm.lake.write import check_schema, content_columns, make_equal

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

RETENTION_HOURS = 168
"""How long the files of older versions are kept, so that the tables of past runs can be read: a week."""

_WRITERS = {"bronze": "kslm ingest", "silver": "kslm curate", "gold": "kslm curate"}


class Lake:
    """Tables on one running engine; made by `kslm.lake.open`.

    Attributes:
        changes: what `make_equal` did, by table, since the lake was opened.
        pinned: table to version, where the lake shows the tables as a past run left them; it is read-only then.
    """

    def __init__(self, engine: Engine, pinned: Mapping[str, int] | None = None) -> None:
        self._engine = engine
        self.changes: dict[str, Change] = {}
        self.pinned = pinned
        self._seen: dict[str, int] = {}

    def __enter__(self) -> Lake:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None and (known := explained(error, "the work")):
                raise known from error
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the engine; DataFrames of this lake cannot be evaluated afterwards."""
        self._engine.close()

    @cached_property
    def partitions(self) -> int:
        """Least number of parts that work is divided into: what the engine does at once. May be set, for tests.

        What stages write does not depend on it.
        """
        return self._engine.parallelism()

    def parts(self, size: int) -> int:
        """Number of parts for work on `size` bytes of text: a task must fit in a worker's memory."""
        return max(self.partitions, -(-size // self._engine.part_bytes) if self._engine.part_bytes else 0)

    @property
    def spark(self) -> SparkSession:
        """The session; only Spark Connect's surface may be used."""
        return self._engine.spark

    def name(self, table: Table) -> str:
        """What SQL calls the table on this engine; the table is created if it is missing."""
        self._engine.create(table)
        return self._engine.name(table)

    def tables(self) -> list[str]:
        """Names of the tables that exist (in a pinned lake: that the run recorded), as `lake[name]` takes them."""
        return [str(table) for table in ALL if self.version(table) >= 0]

    def __getitem__(self, name: str) -> DataFrame:
        """The table of this name (`gold.corpus`) as a DataFrame.

        Raises:
            DataError: no such table.
        """
        for table in ALL:
            if str(table) == name:
                return self.read(table)
        raise DataError(f"no table named {name!r}", remedy=f"one of: {', '.join(map(str, ALL))}")

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The table's rows, at a version; by default at the one that this lake shows (see `version`).

        Raises:
            DataError: the table or the version does not exist, or has other columns than this version of kslm writes.
        """
        if not (self._engine.exists(table) if self.pinned is None else str(table) in self.pinned):
            raise DataError(
                f"table {table} does not exist" + (" in that run's record" if self.pinned is not None else ""),
                remedy=f"run the stage that writes {table.layer} first: {_WRITERS[table.layer]}",
            )
        if version is None:
            version = self.version(table)
        known = (self._seen.get(str(table)), self._engine.version(table))
        if version not in known and not self._engine.holds(table, version):
            raise DataError(
                f"version {version} of table {table} cannot be read any more",
                cause="vacuum has deleted its files, or there never was such a version",
                remedy="read the newest; to keep past runs longer: kslm corpus maintain --retention-hours N",
            )
        return self._at(table, version)

    def _at(self, table: Table, version: int) -> DataFrame:
        df = self.spark.sql(f"SELECT * FROM {self.name(table)} VERSION AS OF {version}")
        check_schema(table, df, f"table {table} as stored")
        return df

    def make_equal(self, table: Table, df: DataFrame) -> int:
        """Make the table's content equal to `df`, by key; a no-op writes no commit.

        A difference in volatile columns alone is none. What was touched is left in `changes`. Where another process
        commits to the table at the same time, its commit stays in the history and is compared with and overwritten.

        Returns:
            The version at which the table holds `df`.

        Raises:
            DataError: wrong columns, a null in the key, or two rows of `df` with the same key; the table is unchanged,
                or empty if it was empty before. Or others did not cease to write to the table.
            KslmError: the engine failed, in a way that is known.
        """
        if self.pinned is not None:
            raise DataError(
                f"table {table} cannot be written", cause="the lake shows a past run", remedy="open it anew"
            )
        check_schema(table, df, "the rows to be written")
        with evaluating(f"writing table {table}"):
            change = make_equal(self._engine, table, df, lambda version: self._at(table, version))
        self.changes[str(table)] = change
        self._seen[str(table)] = change.version
        return change.version

    def version(self, table: Table) -> int:
        """The version that this lake shows, -1 if the table does not exist.

        It is the newest when the lake first looked, or what the lake wrote since (in a pinned lake: the run's), so that
        a stage reads one state of a table that others change meanwhile.
        """
        if self.pinned is not None:
            return self.pinned.get(str(table), -1)
        name = str(table)
        if name not in self._seen and (newest := self._engine.version(table)) >= 0:
            self._seen[name] = newest
        return self._seen.get(name, -1)

    def content_hash(self, table: Table) -> str:
        """Hash of all non-volatile columns of all rows, whatever their order; equal on every engine."""
        rows = self.read(table)
        with evaluating(f"reading table {table}"):
            parts = rows.mapInArrow(partial_digests(content_columns(table)), PARTIAL_DDL).collect()
        return str(sum((TableDigest(int(part["total"], 16), part["n_rows"]) for part in parts), TableDigest()))

    def history(self, table: Table) -> list[dict[str, Any]]:
        """The table's commits, newest first."""
        return self._engine.history(table)

    def size(self, table: Table) -> Size:
        """Files and bytes of the newest version, and of all versions kept where the engine can tell."""
        return self._engine.size(table)

    def optimize(self, table: Table) -> None:
        """Rewrite small files into large ones."""
        self._engine.optimize(table)
        self._seen.pop(str(table), None)

    def vacuum(self, table: Table, retention_hours: int = RETENTION_HOURS) -> None:
        """Delete files that no version younger than `retention_hours` needs: older runs' tables are gone then."""
        self._engine.vacuum(table, retention_hours)
        self._seen.pop(str(table), None)

    def map(self, df: DataFrame, function: Function, ddl: str) -> DataFrame:
        """`df.mapInArrow`, on all cores of every engine; for functions whose work is Python's own.

        Args:
            function: one call a partition, batches in, batches out; it must not rely on where batches are cut.
            ddl: columns of what it yields.
        """
        return df.mapInArrow(self._engine.on_all_cores(function), ddl)

    def read_parquet(self, table: Table, path: Path) -> DataFrame:
        """Rows with the table's columns, of a file that `kslm.lake.arrow.ParquetSpool` wrote, or `write_parquet`."""
        return self.spark.read.schema(table.ddl).parquet(self._engine.url(path)).select(*table.columns)

    def from_arrow(self, table: Table, rows: pa.Table, folder: Path) -> DataFrame:
        """Rows of this process as a DataFrame, by way of a file in `folder`."""
        path = folder / f"{table.name}.parquet"
        pq.write_table(rows, path)
        return self.read_parquet(table, path)

    def write_parquet(self, df: DataFrame, path: Path) -> None:
        """Write rows to a new folder of Parquet files, for `read_parquet`."""
        df.write.parquet(self._engine.url(path))
