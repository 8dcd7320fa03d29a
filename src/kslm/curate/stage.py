"""The curate stage: bronze tables to silver.documents, silver.rejects and gold.corpus.

Texts are made, cleaned, redacted and judged in one pass, whose result is kept as Parquet in the cache while the stage
runs: everything after it (duplicates, mix, split, the tables) reads that instead of doing the pass again. Decisions
about documents as a whole are taken in this process, from some hundred bytes a document; text stays with the engine.

silver.documents holds every document that is clean and not a duplicate. gold.corpus is what is left of it once slices
keep to their shares, with its split. Whatever is left out of either has a row in silver.rejects.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

import kslm.lake
from kslm.curate import gather, reuse
from kslm.curate.decide import Decisions, decide
from kslm.curate.duplicates import NEAR_EXEMPT, near_pairs
from kslm.curate.records import CANDIDATES, DECISIONS, TEXTS, to_batch
from kslm.curate.refine import Limits, refine_texts
from kslm.curate.reuse import Refined
from kslm.lake import Lake
from kslm.lake.change import as_metrics, as_outputs
from kslm.lake.tables import ALL, CORPUS, DOCUMENTS, REJECTS, SILVER_DOCUMENTS, Table
from kslm.report import QUIET, Progress, Report
from kslm.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PARTITIONS = 8
TABLES = (SILVER_DOCUMENTS, REJECTS, CORPUS)


def run(settings: Settings, progress: Progress = QUIET) -> Report:
    """Make silver and gold equal to what the bronze tables and the profile say.

    Raises:
        DataError: a bronze table is missing: ingest has not run.
    """
    started = os.times()
    with (
        kslm.lake.open(settings) as lake,
        _scratch(settings.home.cache / "curate" / settings.schema_prefix) as folder,
        progress.task("curate", total=4, unit="steps") as task,
    ):
        lake.read(DOCUMENTS)
        inputs = {
            str(table): lake.version(table) for table in ALL if table.layer == "bronze" and lake.version(table) >= 0
        }
        task.update(note="extracting, cleaning, redacting")
        candidates, refined = _refine(lake, settings, folder)
        task.advance()
        task.update(note="looking for duplicates")
        decisions = _decide(lake, candidates, settings, folder)
        task.advance()
        task.update(note="writing silver and gold")
        versions = _write(lake, candidates, decisions, folder)
        task.advance()
        hashes = {str(table): lake.content_hash(table) for table in TABLES}
        read_bytes = _bronze_bytes(lake)
        task.advance()
    cpu = sum(os.times()[:4]) - sum(started[:4])
    return Report(
        stage="curate",
        output_id=xxhash.xxh3_128_hexdigest("".join(hashes[name] for name in sorted(hashes)).encode()),
        metrics={
            **_metrics(decisions),
            "curate/documents_refined": float(refined.refined),
            "curate/documents_reused": float(refined.reused),
            "curate/bytes_in": float(read_bytes),
            "curate/mb_per_cpu_second": read_bytes / 1e6 / max(cpu, 0.01),
            "curate/mb_per_second": read_bytes / 1e6 / max(os.times().elapsed - started.elapsed, 0.01),
        }
        | as_metrics("curate", lake.changes),
        outputs={"tables": versions, "inputs": inputs, "hashes": hashes, "changes": as_outputs(lake.changes)},
        notes=_notes(decisions),
    )


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder for this run's intermediate rows; what a killed run left is removed first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refine(lake: Lake, settings: Settings, folder: Path) -> tuple[DataFrame, Refined]:
    """All candidates, refused ones included, and how many documents they took work for."""
    curate = settings.profile.curate
    limits = Limits(curate.min_chars, curate.max_chars, curate.max_non_english)
    entities, texts = gather.facts(lake, settings)
    state = settings.home.cache / "candidates" / settings.schema_prefix
    refined = reuse.candidates(lake, state, replace(entities, devices={}), limits, partitions=PARTITIONS)
    generated = _parquet(lake, TEXTS, pa.Table.from_batches([to_batch(texts, TEXTS)]), folder)
    frames = [
        frame.mapInArrow(partial(refine_texts, limits=limits), CANDIDATES.ddl)
        for frame in (generated.repartition(2), gather.logs(lake, settings), gather.snapshots(lake, settings))
    ]
    reduce(lambda one, other: one.union(other), frames).write.parquet(str(folder / "candidates"))
    return refined.candidates.union(lake.read_parquet(CANDIDATES, folder / "candidates")), refined


def _parquet(lake: Lake, table: Table, rows: pa.Table, folder: Path) -> DataFrame:
    """Rows of this process as a DataFrame, by way of a file."""
    path = folder / f"{table.name}.parquet"
    pq.write_table(rows, path)
    return lake.read_parquet(table, path)


def _decide(lake: Lake, candidates: DataFrame, settings: Settings, folder: Path) -> Decisions:
    """Find duplicates with the engine, then settle every document's fate here."""
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    profile = settings.profile
    compared = candidates.where("reason IS NULL").where(~F.col("kind").isin(*sorted(NEAR_EXEMPT)))
    firsts = compared.groupBy("content").agg(F.min("doc_id").alias("doc_id")).select("doc_id")
    unique = compared.select("doc_id", "text").join(firsts, "doc_id")
    edges = near_pairs(lake, unique, profile.curate.near_duplicate_jaccard, folder)
    columns = ("doc_id", "kind", "slice", "split_group", "bytes", "content", "quality", "reason", "figure")
    facts = candidates.select(*columns).toArrow()
    return decide(facts, edges, curate=profile.curate, seed=profile.seed)


def _write(lake: Lake, candidates: DataFrame, decisions: Decisions, folder: Path) -> dict[str, int]:
    """Publish the three tables, gold last; returns their versions."""
    decided = _parquet(lake, DECISIONS, decisions.table, folder)
    joined = candidates.drop("reason", "figure").join(decided, "doc_id")
    frames = (
        (SILVER_DOCUMENTS, joined.where("in_silver")),
        (REJECTS, joined.where("reason IS NOT NULL")),
        (CORPUS, joined.where("split IS NOT NULL")),
    )
    return {str(table): lake.upsert(table, frame.select(*table.columns)) for table, frame in frames}


def _bronze_bytes(lake: Lake) -> int:
    from pyspark.sql import functions as F  # noqa: N812

    return int(lake.read(DOCUMENTS).agg(F.sum("bytes")).collect()[0][0] or 0)


def _metrics(decisions: Decisions) -> dict[str, float]:
    counts: Counter[str] = Counter()
    reasons, splits = (decisions.table.column(name).to_pylist() for name in ("reason", "split"))
    for slice_, size, reason, split in zip(decisions.slices, decisions.sizes, reasons, splits, strict=True):
        counts["curate/candidates"] += 1
        if reason is not None:
            counts[f"curate/rejects/{reason}"] += 1
        if split is not None:
            counts["curate/documents"] += 1
            counts["curate/bytes"] += size
            counts[f"curate/bytes/{slice_}/{split}"] += size
    return {name: float(counts[name]) for name in sorted(counts)}


def _notes(decisions: Decisions) -> list[str]:
    splits = set(decisions.table.column("split").to_pylist())
    missing = [name for name in ("train", "val", "test") if name not in splits]
    return [f"no group of documents is in split {name}: there are too few groups" for name in missing]
