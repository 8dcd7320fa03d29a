"""Making a table equal to a DataFrame, by key: compare, overwrite, and again where another writer came between.

Every commit is an overwrite of the whole table and carries a token, by which its writer knows it. A writer that loses
compares anew with what the winner left, and overwrites that. On Sail 0.7.2 two overwrites of a table without rows do
not conflict: the later commit holds the rows of both until its writer, who sees that a version came between, has
overwritten it; no run reports such a version.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from kslm.errors import DataError
from kslm.lake.change import Change
from kslm.lake.digest import DIGEST_COLUMN, DIGEST_DIGITS, key_digests
from kslm.lake.engine import Engine
from kslm.lake.failures import is_conflict
from kslm.lake.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TRIES = 6
"""How often a table is overwritten before other writers are given way to."""
_PAUSE_SECONDS = 0.5

STAMPS = ("version", "sha256", "line", "fact_version")
"""Columns that say of which edition of a source a row is, and where in it: a row that differs in these alone is
restamped. One line more in pci.ids moves all that follow."""


def make_equal(engine: Engine, table: Table, df: DataFrame, read: Callable[[int], DataFrame]) -> Change:
    """Make the table's content equal to `df`; see `Lake.make_equal`.

    Args:
        read: the table's rows at a version.

    Returns:
        What the last overwrite changed, and the version at which the table holds `df`.

    Raises:
        DataError: a null in the key, or two rows of `df` with the same key.
        DataError: others wrote to the table in every one of TRIES tries.
    """
    came_between = False
    for tried in range(TRIES):
        time.sleep(tried * random.uniform(0.5, 1.5) * _PAUSE_SECONDS)
        try:
            new = not engine.exists(table)
            engine.create(table)
            base = engine.version(table)
            counts = _compared(table, df, read(base), new)
            if counts is not None and not counts.any and not came_between:
                return replace(counts, version=base)
            version = _overwrite(engine, table, df)
        except Exception as error:
            if is_conflict(error):
                continue
            raise
        if version <= base + 1:
            return (
                _verified(engine, table, read(version), version) if counts is None else replace(counts, version=version)
            )
        came_between = True
    raise DataError(
        f"table {table} could not be written in {TRIES} tries",
        cause="another process writes to it all the time; what it wrote is whole",
        remedy="let one run at a time write to this lake, and run the stage again",
    )


def _overwrite(engine: Engine, table: Table, df: DataFrame) -> int:
    """Commit `df` as the whole table; returns the version that holds it."""
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    before, token = engine.version(table), uuid.uuid4().hex
    df.writeTo(engine.name(table)).option("userMetadata", token).overwrite(F.lit(True))
    after = engine.version(table)
    if after <= before + 1:  # no commit at all: no rows over no rows
        return after
    return next(int(commit["version"]) for commit in engine.history(table) if commit.get("userMetadata") == token)


def _compared(table: Table, df: DataFrame, current: DataFrame, new: bool) -> Change | None:
    """What overwriting would change; None where all rows are to be counted afterwards, because there are none yet."""
    if not new and current.limit(1).count():
        return _count(table, df, current)
    # A table that stays empty gets no commit.
    return Change(0) if not new and df.limit(1).count() == 0 else None


def _verified(engine: Engine, table: Table, stored: DataFrame, version: int) -> Change:
    """Look at the keys as stored, which is cheaper than evaluating the DataFrame twice; empty the table if bad."""
    key = list(table.key)
    nulls = " OR ".join(f"`{name}` IS NULL" for name in key)
    bad = stored.groupBy(*key).count().where(f"count > 1 OR {nulls}").limit(1).collect()
    if bad:
        if engine.version(table) == version:
            engine.spark.sql(f"DELETE FROM {engine.name(table)}").collect()
        raise _bad_key(table, bad[0].asDict())
    return Change(version, inserted=stored.count())


def _count(table: Table, df: DataFrame, current: DataFrame) -> Change:
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
