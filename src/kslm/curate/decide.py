"""What becomes of every candidate: refused, duplicate, or in gold in one of the splits.

Decided by the engine, from rows without text. This process sees pairs of near duplicates, counts by kind, and sizes by
split group.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from kslm import kinds
from kslm.curate.dedup.minhash import components
from kslm.curate.records import DECISIONS
from kslm.curate.refine.quality import cuts, worst
from kslm.curate.split.groups import Size, split_groups
from kslm.lake import Lake
from kslm.lake.arrow import arrow_schema
from kslm.lake.tables import Table
from kslm.profile import Curate

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

JUDGED = ("doc_id", "kind", "slice", "split_group", "bytes", "content", "quality", "reason", "figure")
"""Columns of candidates that decide; `content` is the hash of the text."""

_CLUSTERS = Table.of("scratch.clusters", "doc_id", "doc_id, keeper, closest DOUBLE")
_UNIQUE = Table.of(
    "scratch.unique",
    "doc_id",
    "doc_id, kind, slice, split_group, bytes BIGINT, quality DOUBLE, cluster_id, reason, figure DOUBLE",
)
_SPLITS = Table.of("scratch.splits", "split_group", "split_group, split")


@dataclass(frozen=True)
class Decisions:
    """One row a candidate.

    Attributes:
        frame: the columns of DECISIONS.
        splits: each group's split, as `holdout.HeldOut` wants to know it.
    """

    frame: DataFrame
    splits: dict[str, str]


def to_compare(candidates: DataFrame) -> DataFrame:
    """doc_id of the documents among which near duplicates are looked for: one of each content; columns JUDGED."""
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    near = [kind.name for kind in kinds.KINDS.values() if kind.near]
    passed = candidates.where(F.col("reason").isNull() & F.col("kind").isin(near))
    return passed.groupBy("content").agg(F.min("doc_id").alias("doc_id")).select("doc_id")


def decide(lake: Lake, candidates: DataFrame, edges: pa.Table, *, curate: Curate, seed: int, folder: Path) -> Decisions:
    """Settle every candidate.

    Args:
        candidates: the columns JUDGED.
        edges: left, right, jaccard: pairs of near duplicates among documents of distinct content.
        folder: for rows on their way.
    """
    from pyspark.sql import functions as F  # noqa: N812

    near = lake.from_arrow(_CLUSTERS, _clusters(edges), folder)
    lake.write_parquet(_unique(candidates.select(*JUDGED), near), folder / "unique")
    unique = lake.read_parquet(_UNIQUE, folder / "unique")
    counts = unique.where("reason IS NULL").groupBy("kind").count().collect()
    judged = worst(unique, cuts({row["kind"]: row["count"] for row in counts}, curate.min_quality_percentile))
    placed = F.col("reason").isNull()
    sizes = judged.where(placed).groupBy("split_group", "slice").agg(F.sum("bytes").alias("bytes"))
    listed = (Size(row["slice"], row["split_group"], row["bytes"]) for row in sizes.toLocalIterator())
    splits = split_groups(listed, val=curate.split.val, test=curate.split.test, seed=seed)
    rows = pa.table([[*splits], [*splits.values()]], schema=arrow_schema(_SPLITS))
    split = F.when(placed, F.col("split")).alias("split")
    decided = judged.join(lake.from_arrow(_SPLITS, rows, folder), "split_group", "left")
    decided = decided.select("doc_id", "cluster_id", "reason", "figure", placed.alias("in_silver"), split)
    lake.write_parquet(decided, folder / "decisions")
    return Decisions(lake.read_parquet(DECISIONS, folder / "decisions"), splits)


def _clusters(edges: pa.Table) -> pa.Table:
    """Near duplicates as rows of _CLUSTERS: each with its highest similarity to another, to four decimals."""
    clusters = components(edges)
    place = {doc_id: number for number, doc_id in enumerate(clusters["doc_id"].to_pylist())}
    closest = np.zeros(len(place))
    for name in ("left", "right"):
        ends = np.array([place[doc_id] for doc_id in edges[name].to_pylist()], np.int64)
        np.maximum.at(closest, ends, edges["jaccard"].to_numpy())
    rounded = pa.array([round(similarity, 4) for similarity in closest.tolist()], pa.float64())
    return clusters.append_column("closest", rounded)


def _unique(candidates: DataFrame, near: DataFrame) -> DataFrame:
    """Candidates as rows of _UNIQUE: their cluster, and a reason for all of a cluster but its keeper.

    The figure of an exact duplicate is 1; of a near duplicate, its highest similarity to another of the cluster.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F  # noqa: N812

    passed = F.col("reason").isNull()
    # Refused candidates are alike with none: each has a content of its own here.
    alike = Window.partitionBy(F.when(passed, F.col("content")).otherwise(F.concat(F.lit("-"), "doc_id")))
    rows = candidates.withColumn("original", F.min("doc_id").over(alike)).withColumn(
        "copies", F.count(F.lit(1)).over(alike)
    )
    of_original = near.select(F.col("doc_id").alias("original"), F.col("keeper").alias("of_original"))
    rows = rows.join(near, "doc_id", "left").join(of_original, "original", "left")
    is_copy = F.col("doc_id") != F.col("original")
    is_near = F.col("keeper").isNotNull() & (F.col("keeper") != F.col("doc_id"))
    own = F.coalesce("keeper", F.when(F.col("copies") > 1, F.col("doc_id")))
    cluster = F.when(is_copy, F.coalesce("of_original", "original")).otherwise(own)
    reason = F.when(is_near, F.lit("near duplicate")).when(is_copy, F.lit("exact duplicate")).otherwise(F.col("reason"))
    figure = F.when(is_near, F.col("closest")).when(is_copy, F.lit(1.0)).otherwise(F.col("figure"))
    told = (cluster.alias("cluster_id"), reason.alias("reason"), figure.alias("figure"))
    return rows.select("doc_id", "kind", "slice", "split_group", "bytes", "quality", *told)
