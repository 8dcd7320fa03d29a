"""Candidates of bronze.documents, kept between runs with what each document was made with.

Extracting, cleaning, redacting and judging is nearly all of the stage's work. Its result for a document depends on the
row, on the code with its limits (one hash for all: `cache_key`), and on what the extractors looked up in the entities
on the way. Those look-ups and their answers are recorded; a document is taken from the last run if every one of them
would be answered alike now. That is exact whatever an extractor asks, where a list of what each kind of document may
ask would have to be kept true by hand (a verifying trace: Mokhov, Mitchell, Peyton Jones 2018, Build Systems à la
Carte).

Version and licence pass through a document's texts unread, so they are brought up to date instead: a new kernel costs
the files whose text changed. Without the cache, everything is made anew.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from kslm import kinds
from kslm.code import code_hash, versions
from kslm.curate.records import CANDIDATES, STAMPS
from kslm.curate.refine.candidates import BATCH_BYTES, Limits, refine, rows
from kslm.curate.reuse.cache import Cache
from kslm.curate.reuse.lookups import Answers, lookups_of, parts_of, watch
from kslm.kinds import EVERY_SOURCE, Overrides
from kslm.knowledge.entities import Entities, Row
from kslm.lake import Lake
from kslm.lake.arrow import arrow_schema, batches_of
from kslm.lake.tables import DOCUMENTS, Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

REFINED = Table.of("scratch.refined", "doc_id", f"{CANDIDATES.ddl}, bronze_id, lookups, note")
"""Candidates, the row of bronze.documents each is of, and, with the first of a row's, what was looked up for it and
noted of it (`Kind.note`)."""

PLAN = Table.of("scratch.plan", "bronze_id", "bronze_id, new_version, new_licence, fate")
"""What becomes of a row of bronze.documents, there now or before: one of the fates below."""
_FRESH, _REDONE, _SERVES, _RESTAMPED, _GONE = "fresh", "redone", "serves", "restamped", "gone"
NOTES = Table.of("scratch.notes", "doc_id", "doc_id, source, path, kind, version, licence, note")
ROOMS = ("curate", "extract", "instruct", "kinds", "knowledge", "prompt", "redact", "sources", "texts")
LIBRARIES = ("numpy", "py3langid", "PyYAML", "rensa", "selectolax", "xxhash")
"""What decides a candidate, its quality and its duplicates."""
_COLUMNS = ("doc_id", "source", "path", "kind", "version", "licence", "text")


@dataclass(frozen=True)
class Refined:
    """All candidates of bronze.documents, and how many of its rows they took work for.

    Attributes:
        candidates: the columns of CANDIDATES.
        notes: the columns of NOTES: documents, and what was noted of each.
        refined, reused: rows of bronze.documents.
        retired: rows that the last run had and that are gone, or were replaced.
    """

    candidates: DataFrame
    notes: DataFrame
    refined: int
    reused: int
    retired: int


def refine_table(
    lake: Lake, cache: Cache, entities: Entities, limits: Limits, *, scratch: Path, overrides: Overrides = EVERY_SOURCE
) -> Refined:
    """Candidates of bronze.documents, made where the last run's do not serve; they become the cache.

    Args:
        scratch: folder for files that the engine reads.
        overrides: what the profile says of whole sources.
    """
    names = ", ".join(f"'{kind.name}'" for kind in kinds.KINDS.values() if kind.parse)
    documents = lake.read(DOCUMENTS).where(f"kind IN ({names})").select(*_COLUMNS, "bytes")
    path = cache.rows
    before = lake.read_parquet(REFINED, path if path else _no_rows(scratch))
    lake.write_parquet(_plan(documents, before, entities), scratch / "plan")
    plan = lake.read_parquet(PLAN, scratch / "plan")
    counts = Counter({row["fate"]: row["count"] for row in plan.groupBy("fate").count().collect()})
    refined, reused = counts[_FRESH] + counts[_REDONE], counts[_SERVES] + counts[_RESTAMPED]
    if path is None or reused < counts.total() or counts[_RESTAMPED]:
        frames = [_restamped(before, plan)] if reused else []
        if refined:
            chosen = plan.where(f"fate IN ('{_FRESH}', '{_REDONE}')").selectExpr("bronze_id AS doc_id")
            chosen = chosen.join(documents, "doc_id") if reused else documents
            parts = lake.parts(chosen.agg({"bytes": "sum"}).collect()[0][0] or 0)
            work = partial(refine_documents, entities=entities, limits=limits, overrides=overrides)
            frames.append(lake.map(chosen.select(*_COLUMNS).repartition(parts), work, REFINED.ddl))
        path = cache.fill(lake, REFINED, frames)
    rows = lake.read_parquet(REFINED, path)
    return Refined(
        rows.select(*CANDIDATES.columns),
        _notes(documents, rows),
        refined,
        reused,
        counts[_REDONE] + counts[_GONE],
    )


def cache_key(entities: Entities, limits: Limits, overrides: Overrides = EVERY_SOURCE) -> str:
    """Hash of what every document's result depends on: code, limits, libraries, and what is not looked up by key."""
    fixed = {name: value for name, value in parts_of(entities).items() if not isinstance(value, Mapping)}
    overridden = [sorted(overrides.slices.items()), sorted(overrides.code)]
    code = [code_hash(ROOMS), sys.version_info[:2], versions(LIBRARIES)]
    parts = [*code, limits._asdict(), overridden, list(REFINED.columns.items()), repr(fixed)]
    return xxhash.xxh3_128_hexdigest(json.dumps(parts).encode())


def _plan(documents: DataFrame, before: DataFrame, entities: Entities) -> DataFrame:
    """Compare the rows there are with those that were made, by id and by what was looked up for them; as PLAN.

    Args:
        documents: of bronze.documents.
        before: of REFINED.
    """
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    now = documents.select("doc_id", "kind", *(F.col(name).alias(f"new_{name}") for name in STAMPS))
    had = before.where("lookups IS NOT NULL").select("bronze_id", *STAMPS, "lookups")
    both = now.join(had, F.col("doc_id") == F.col("bronze_id"), "full")
    return both.mapInArrow(partial(judge_rows, entities=entities), PLAN.ddl)


def judge_rows(batches: Iterable[pa.RecordBatch], *, entities: Entities) -> Iterator[pa.RecordBatch]:
    """Rows there are beside those that were made (bronze_id is null where there is none) to rows of PLAN."""
    answers = Answers(entities)
    names = ("doc_id", "bronze_id", "kind", "lookups", *STAMPS, *(f"new_{name}" for name in STAMPS))

    def fate(now: str | None, had: str | None, kind: str, lookups: str, *stamps: str | None) -> str:
        if had is None or now is None:
            return _FRESH if had is None else _GONE
        if not answers.same(lookups, kind):
            return _REDONE
        return _SERVES if stamps[:2] == stamps[2:] else _RESTAMPED

    for batch in batches:
        columns = [batch.column(name).to_pylist() for name in names]
        fates = [fate(*row) for row in zip(*columns, strict=True)]
        ids = pc.coalesce(batch.column("doc_id"), batch.column("bronze_id"))
        stamps = [batch.column(f"new_{name}") for name in STAMPS]
        yield pa.RecordBatch.from_arrays([ids, *stamps, pa.array(fates, pa.string())], list(PLAN.columns))


def refine_documents(
    batches: Iterable[pa.RecordBatch], *, entities: Entities, limits: Limits, overrides: Overrides = EVERY_SOURCE
) -> Iterator[pa.RecordBatch]:
    """Rows of bronze.documents to rows of REFINED; for mapInArrow."""
    documents = (row for batch in batches for row in rows(batch))
    return batches_of(REFINED, _refine(documents, entities, limits, overrides), BATCH_BYTES)


def _refine(
    documents: Iterable[Row], entities: Entities, limits: Limits, overrides: Overrides
) -> Iterator[tuple[object, ...]]:
    watched, seen = watch(entities)
    for row in documents:
        seen.clear()
        kind = kinds.of(row["kind"])
        parsed = kind.parse(row) if kind.parse else None
        texts = kind.texts(row, parsed, watched, overrides)
        candidates = [candidate for text in texts for candidate in refine(text, limits)]
        note = kind.note(row, parsed) if kind.note else None
        of_row: tuple[str | None, str | None] = lookups_of(kind.name, seen), note
        for candidate in candidates:
            yield (*candidate, row["doc_id"], *of_row)
            of_row = None, None


def _restamped(previous: DataFrame, plan: DataFrame) -> DataFrame:
    """Rows of the last run that serve, with today's version and licence."""
    from pyspark.sql import functions as F  # noqa: N812

    joined = plan.where(f"fate IN ('{_SERVES}', '{_RESTAMPED}')").join(previous, "bronze_id")
    changed = {name: F.col(f"new_{name}").alias(name) for name in STAMPS}
    return joined.select(*(changed.get(name, F.col(name)) for name in REFINED.columns))


def _notes(documents: DataFrame, refined: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F  # noqa: N812

    noted = refined.where("note IS NOT NULL").select(F.col("bronze_id").alias("doc_id"), "note")
    return documents.drop("text").join(noted, "doc_id").select(*NOTES.columns)


def _no_rows(scratch: Path) -> Path:
    path = scratch / "nothing.parquet"
    pq.write_table(arrow_schema(REFINED).empty_table(), path)
    return path
