"""What a data card says, read from the tables and the stages' reports; nothing here is estimated.

Counting is the engine's work: only grouped rows and one sample of texts come back. Two figures are measured anew:
how much duplication is left (exactly, on a sample), and how redaction does on its labelled cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

import kslm.lake
from kslm.card.redaction import Scores, load_cases, measure, unseen_cases
from kslm.curate.dedup.minhash import left_over
from kslm.curate.dedup.shingles import encode, shingles
from kslm.lake import Lake, Table
from kslm.lake.tables import (
    BENCHMARK,
    CORPUS,
    FILES,
    INSTRUCTIONS,
    QUARANTINE,
    REJECTS,
    SILVER_DOCUMENTS,
)
from kslm.report import QUIET, Anything, Progress, Report
from kslm.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LARGEST_SAMPLE = 40_000_000
"""Bytes of text, about, that come back to be compared with one another ..."""
SAMPLED_ONE_IN = 10
"""... at most one document in so many, however small the corpus."""
_AT_ONCE = 200
"""Texts shingled together: the arrays take some fifty bytes for each of text."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Statistics:
    """One corpus in figures; rows are dictionaries, ordered as they are to be read.

    Attributes:
        profile, description: of the profile.
        versions: Delta version of each table, by name: what to read to get the same corpus again.
        files: one row a fetched file or package.
        sources: documents and bytes of gold by source, kind and slice.
        slices: documents and bytes of gold by slice and split.
        licences: documents and bytes of gold by SPDX expression.
        rejects: documents and bytes refused, by reason.
        quarantine: findings by source and reason.
        instructions: questions by intent and split; `facts`, by the table that their fact is from.
        benchmark: items by task.
        lengths: documents of gold by slice and power of two of their bytes.
        totals: single figures, named.
        left_over: share of sampled documents, and of their bytes, that still resemble another of the sample.
        sampled_one_in: how many documents there are for one of the sample.
        redaction, unseen: scores on the labelled cases that detectors were mended with, and on those they were not.
        metrics: of the reports of ingest, curate and tokenize.
    """

    profile: str
    description: str
    versions: dict[str, int]
    files: Rows
    sources: Rows
    slices: Rows
    licences: Rows
    rejects: Rows
    quarantine: Rows
    instructions: Rows
    facts: Rows
    benchmark: Rows
    lengths: Rows
    totals: dict[str, int]
    left_over: tuple[float, float]
    sampled_one_in: int
    redaction: Scores
    unseen: Scores
    metrics: dict[str, float] = field(default_factory=dict)
    asked_shares: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def collect(settings: Settings, progress: Progress = QUIET) -> Statistics:
    """Count one profile's corpus.

    Raises:
        DataError: curate or tokenize has not run.
    """
    profile = settings.profile
    reports = {
        stage: Report.load(settings.home.report(profile.profile, stage), Anything)
        for stage in ("ingest", "curate", "tokenize")
    }
    curated = settings.home.report(profile.profile, "curate")
    with kslm.lake.open(settings, at=curated) as lake, progress.task("counting the corpus", total=8) as task:
        totals = _totals(lake)
        one_in = max(SAMPLED_ONE_IN, -(-totals["gold_bytes"] // LARGEST_SAMPLE))

        def rows(table: Table, *keys: str) -> Rows:
            task.advance()
            return _grouped(lake.read(table), keys)

        return Statistics(
            profile=profile.profile,
            description=profile.description,
            versions=dict(lake.pinned or {}),
            files=_files(lake),
            sources=rows(CORPUS, "source", "kind", "slice"),
            slices=rows(CORPUS, "slice", "split"),
            licences=sorted(rows(CORPUS, "licence"), key=lambda row: (-row["bytes"], str(row["licence"]))),
            rejects=sorted(rows(REJECTS, "reason"), key=lambda row: -row["documents"]),
            quarantine=rows(QUARANTINE, "source", "reason"),
            instructions=rows(INSTRUCTIONS, "intent", "split"),
            facts=rows(INSTRUCTIONS, "fact_table"),
            benchmark=rows(BENCHMARK, "task"),
            lengths=_lengths(lake),
            totals=totals,
            left_over=left_over(_sample(lake, one_in), profile.curate.near_duplicate_jaccard),
            sampled_one_in=one_in,
            redaction=measure(load_cases()),
            unseen=measure(unseen_cases()),
            metrics={name: value for report in reports.values() for name, value in report.metrics.items()},
            asked_shares={str(name): share for name, share in profile.mix.shares.items()},
            notes=tuple(note for report in reports.values() for note in report.notes),
        )


def _grouped(frame: DataFrame, keys: tuple[str, ...]) -> Rows:
    """Documents and bytes by the given columns, ordered by them."""
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    size = F.sum("bytes") if "bytes" in frame.columns else F.lit(0)
    counted = frame.groupBy(*keys).agg(F.count(F.lit(1)).alias("documents"), size.alias("bytes"))
    return sorted(counted.toArrow().to_pylist(), key=lambda row: tuple(str(row[key]) for key in keys))


def _files(lake: Lake) -> Rows:
    columns = ("source", "package", "version", "licence", "origin", "bytes", "sha256")
    files = lake.read(FILES).select(*columns).toArrow().to_pylist()
    return sorted(files, key=lambda row: (row["source"], str(row["package"])))


def _lengths(lake: Lake) -> Rows:
    from pyspark.sql import functions as F  # noqa: N812

    power = F.floor(F.log2(F.greatest(F.col("bytes"), F.lit(1)).cast("double"))).cast("int")
    return _grouped(lake.read(CORPUS).select("slice", power.alias("power"), "bytes"), ("slice", "power"))


def _totals(lake: Lake) -> dict[str, int]:
    from pyspark.sql import functions as F  # noqa: N812

    silver = lake.read(SILVER_DOCUMENTS).agg(
        F.sum("redactions").alias("redactions"),
        F.count_distinct("cluster_id").alias("clusters"),
    )
    gold = lake.read(CORPUS).agg(
        F.count(F.lit(1)).alias("gold_documents"),
        F.sum("bytes").alias("gold_bytes"),
        F.sum("held_out").alias("held_out_statements"),
        F.count_distinct("split_group").alias("split_groups"),
        F.sum(F.when(F.col("licence").isNull() | (F.col("licence") == ""), 1).otherwise(0)).alias("without_licence"),
    )
    rows = (frame.toArrow().to_pylist()[0] for frame in (silver, gold))
    return {name: int(value or 0) for row in rows for name, value in row.items()}


def _sample(lake: Lake, one_in: int) -> list[str]:
    """Texts that resemble each other are in the sample together, or not at all, as often as they are alike."""
    texts = lake.read(CORPUS).where("kind <> 'question'").select("text")
    sampled = texts.mapInArrow(partial(alike_together, one_in=one_in), "text STRING").toArrow()
    return sorted(sampled.column("text").to_pylist())


def alike_together(batches: Iterable[pa.RecordBatch], *, one_in: int) -> Iterator[pa.RecordBatch]:
    """Keep the texts whose smallest shingle hash is divisible by `one_in`; for mapInArrow.

    Two texts have the same smallest hash with a probability of their Jaccard similarity (Broder 1997), so a pair is
    sampled together nearly as often as one text is. A sample drawn text by text would split almost every pair, and
    duplication measured on it would be next to nothing whatever the corpus holds.
    """
    for piece in (batch.slice(start, _AT_ONCE) for batch in batches for start in range(0, batch.num_rows, _AT_ONCE)):
        texts = piece.column("text").to_pylist()
        hashes, offsets = shingles(*encode(texts))
        starts = offsets[:-1]
        has = np.diff(offsets) > 0
        smallest = np.minimum.reduceat(hashes, starts[has]) if has.any() else hashes[:0]
        chosen = np.flatnonzero(has)[smallest % np.uint64(one_in) == 0]
        yield pa.RecordBatch.from_arrays([piece.column("text").take(pa.array(chosen))], ["text"])
