"""The lake: typed Delta tables that a stage makes equal to a DataFrame.

Idempotence is the point. `make_equal` first compares keys and row digests (text stays where it is), so that running a
stage again commits nothing; if anything differs, the table is replaced by one overwrite, which is one atomic commit: a
killed process leaves the old table or the new one.

Why no MERGE: on Sail 0.7.2 one changed row of 36,000 documents (520 MB) took 43 CPU-seconds and 7.7 GB of memory, the
overwrite 5.6 CPU-seconds; MERGE rewrites whole files too, and these tables have few. Limits: the DataFrame is evaluated
twice where the table was not empty, so it must be deterministic, and must not read the table it is written to. A change
of few rows is one overwrite like any other; `Lake.changes` says how many rows it was about.

In a notebook: `lake = kslm.lake.open("quick")`, `lake.tables()`, `lake["gold.corpus"]`, `lake.close()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from kslm.errors import DataError
from kslm.lake.change import Change
from kslm.lake.digest import DIGEST_COLUMN, DIGEST_DIGITS, PARTIAL_DDL, TableDigest, key_digests, partial_digests
from kslm.lake.engine import Engine, Function, Size
from kslm.lake.tables import ALL, Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

RETENTION_HOURS = 168
"""How long the files of older versions are kept, so that the tables of past runs can be read: a week."""

PART_BYTES = 96 << 20
"""Most text in a part: a task holds it a few times over, and Databricks' serverless workers have 1 GB for it."""

STAMPS = ("version", "sha256", "line", "fact_version")
"""Columns that say of which edition of a source a row is, and where in it: a row that differs in these alone is
restamped. One line more in pci.ids moves all that follow."""

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

    def __enter__(self) -> Lake:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
        return max(self.partitions, -(-size // PART_BYTES))

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
        """The table's rows, at an older version or at its newest (in a pinned lake: at the run's).

        Raises:
            DataError: the table or the version does not exist, or has other columns than this version of kslm writes.
        """
        if not (self._engine.exists(table) if self.pinned is None else str(table) in self.pinned):
            raise DataError(
                f"table {table} does not exist" + (" in that run's record" if self.pinned is not None else ""),
                remedy=f"run the stage that writes {table.layer} first: {_WRITERS[table.layer]}",
            )
        if version is None and self.pinned is not None:
            version = self.pinned[str(table)]
        if version is not None and version != self._engine.version(table) and not self._engine.holds(table, version):
            raise DataError(
                f"version {version} of table {table} cannot be read any more",
                cause="vacuum has deleted its files, or there never was such a version",
                remedy="read the newest; to keep past runs longer: kslm corpus maintain --retention-hours N",
            )
        at = "" if version is None else f" VERSION AS OF {int(version)}"
        df = self.spark.sql(f"SELECT * FROM {self.name(table)}{at}")
        check_schema(table, df, f"table {table} as stored")
        return df

    def make_equal(self, table: Table, df: DataFrame) -> int:
        """Make the table's content equal to `df`, by key; a no-op writes no commit.

        A difference in volatile columns alone is none. What was touched is left in `changes`.

        Returns:
            The table's version afterwards.

        Raises:
            DataError: wrong columns, a null in the key, or two rows of `df` with the same key; the table is unchanged,
                or empty if it was empty before.
        """
        if self.pinned is not None:
            raise DataError(
                f"table {table} cannot be written", cause="the lake shows a past run", remedy="open it anew"
            )
        check_schema(table, df, "the rows to be written")
        new = not self._engine.exists(table)
        self._engine.create(table)
        current = self.read(table)
        if new or current.limit(1).count() == 0:
            counts = self._fill(table, df, new)
        else:
            counts = self._count(table, df, current)
            if counts.any:
                self._replace(table, df)
        self.changes[str(table)] = change = replace(counts, version=self.version(table))
        return change.version

    def version(self, table: Table) -> int:
        """Version of the newest commit (in a pinned lake: the run's), -1 if the table does not exist."""
        if self.pinned is not None:
            return self.pinned.get(str(table), -1)
        return self._engine.version(table)

    def content_hash(self, table: Table) -> str:
        """Hash of all non-volatile columns of all rows, whatever their order; equal on every engine."""
        parts = self.read(table).mapInArrow(partial_digests(content_columns(table)), PARTIAL_DDL).collect()
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

    def vacuum(self, table: Table, retention_hours: int = RETENTION_HOURS) -> None:
        """Delete files that no version younger than `retention_hours` needs: older runs' tables are gone then."""
        self._engine.vacuum(table, retention_hours)

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

    def _replace(self, table: Table, df: DataFrame) -> None:
        from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

        df.writeTo(self._engine.name(table)).overwrite(F.lit(True))

    def _verify_keys(self, table: Table) -> None:
        """Look at the keys as stored, which is cheaper than evaluating the DataFrame twice; empty the table if bad."""
        key = list(table.key)
        nulls = " OR ".join(f"`{name}` IS NULL" for name in key)
        bad = self.read(table).groupBy(*key).count().where(f"count > 1 OR {nulls}").limit(1).collect()
        if bad:
            self.spark.sql(f"DELETE FROM {self._engine.name(table)}").collect()
            raise _bad_key(table, bad[0].asDict())

    def _fill(self, table: Table, df: DataFrame, new: bool) -> Change:
        """Write the first rows of a table; one that stays empty gets no commit."""
        if not new and df.limit(1).count() == 0:
            return Change(0)
        self._replace(table, df)
        self._verify_keys(table)
        return Change(0, inserted=self.read(table).count())

    def _count(self, table: Table, df: DataFrame, current: DataFrame) -> Change:
        """How many rows were added, changed and removed; raises if a key of `df` is bad."""
        from pyspark.sql import functions as F  # noqa: N812

        key = list(table.key)
        stamps = [name for name in content_columns(table) if name in STAMPS and name not in key]
        looked_at = [name for name in content_columns(table) if name not in (*stamps, *table.settled)]
        digest = key_digests(key, looked_at, stamps)
        ddl = ", ".join([f"{name} {table.columns[name]}" for name in key] + [f"{DIGEST_COLUMN} STRING"])
        new = df.mapInArrow(digest, ddl).withColumn("_new", F.lit(1))
        old = current.mapInArrow(digest, ddl).withColumn("_new", F.lit(0))
        compared = (
            new.unionByName(old)
            .groupBy(*key)
            .agg(
                F.sum("_new").alias("_n"),
                F.max(F.when(F.col("_new") == 1, F.col(DIGEST_COLUMN))).alias("_after"),
                F.max(F.when(F.col("_new") == 0, F.col(DIGEST_COLUMN))).alias("_before"),
            )
        )
        bad = "_n > 1 OR " + " OR ".join(f"`{name}` IS NULL" for name in key)
        same = f"substring(_before, 1, {DIGEST_DIGITS}) = substring(_after, 1, {DIGEST_DIGITS})"
        conditions = {
            "bad": bad,
            "inserted": "_before IS NULL",
            "updated": f"_before <> _after AND NOT ({same})",
            "restamped": f"_before <> _after AND {same}",
            "deleted": "_after IS NULL",
            "unchanged": "_before = _after",
        }
        counted = compared.agg(*(F.expr(f"count_if({test})").alias(name) for name, test in conditions.items()))
        counts = {name: int(count) for name, count in counted.collect()[0].asDict().items()}
        if counts.pop("bad"):
            raise _bad_key(table, compared.where(bad).limit(1).collect()[0].asDict())
        return Change(0, **counts)


def content_columns(table: Table) -> list[str]:
    """The columns that count when contents are compared."""
    return [name for name in table.columns if name not in table.volatile]


def check_schema(table: Table, df: DataFrame, what: str) -> None:
    """Compare names, order and types with the table's DDL.

    Raises:
        DataError: names the table and the first column that differs.
    """
    actual = [f"{field.name} {field.dataType.simpleString()}" for field in df.schema.fields]
    expected = [f"{name} {kind.lower()}" for name, kind in table.columns.items()]
    for number, (column, wanted) in enumerate(zip_longest(actual, expected, fillvalue="nothing"), 1):
        if column != wanted:
            raise DataError(
                f"{what}: column {number} of {table} is {column}, not {wanted}",
                cause="the table was written by another version of kslm, or a reader yields something else",
                remedy=f"remove the table {table} from the lake and run its stage again with --force",
            )


def _bad_key(table: Table, row: dict[str, Any]) -> DataError:
    example = ", ".join(f"{name}={row[name]!r}" for name in table.key)
    null = any(row[name] is None for name in table.key)
    return DataError(
        f"{'a null in the key' if null else 'more than one row with the same key'} of {table}: {example}",
        cause="two inputs claim the same identity" if not null else "an input has no identity",
        remedy="leave out one of the sources that hold it (include and exclude in the profile)",
    )
