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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from kslm import kinds
from kslm.code import code_hash, versions
from kslm.curate.records import CANDIDATES
from kslm.curate.refine.candidates import BATCH_BYTES, Limits, refine, rows
from kslm.curate.reuse.cache import Cache
from kslm.curate.reuse.lookups import Answers, lookups_of, parts_of, watch
from kslm.kinds import EVERY_SOURCE, Overrides
from kslm.knowledge.entities import Entities, Row
from kslm.lake import Lake
from kslm.lake.arrow import arrow_schema, batches_of, to_table
from kslm.lake.tables import DOCUMENTS, Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

REFINED = Table.of("scratch.refined", "doc_id", f"{CANDIDATES.ddl}, bronze_id, lookups, note")
"""Candidates, the row of bronze.documents each is of, and, with the first of a row's, what was looked up for it and
noted of it (`Kind.note`)."""

_STAMPS = Table.of("scratch.stamps", "bronze_id", "bronze_id, new_version, new_licence")
_FRESH = Table.of("scratch.fresh", "doc_id", "doc_id")
ROOMS = ("curate", "extract", "instruct", "kinds", "knowledge", "prompt", "redact", "sources", "texts")
LIBRARIES = ("numpy", "py3langid", "PyYAML", "rensa", "selectolax", "xxhash")
"""What decides a candidate, its quality and its duplicates."""
_COLUMNS = ("doc_id", "source", "path", "kind", "version", "licence", "text")

Stamp = tuple[str | None, str | None]
"""Version and licence."""


@dataclass(frozen=True)
class Refined:
    """All candidates of bronze.documents, and how many of its rows they took work for.

    Attributes:
        candidates: the columns of CANDIDATES.
        notes: doc_id, source, path, kind, version and licence of documents, and what was noted of each as `note`.
        refined, reused: rows of bronze.documents.
        retired: rows that the last run had and that are gone, or were replaced.
    """

    candidates: DataFrame
    notes: list[dict[str, Any]]
    refined: int
    reused: int
    retired: int


@dataclass(frozen=True)
class Plan:
    """Which rows of bronze.documents need work: `fresh` ids; `serving` id to its stamp before and now."""

    fresh: list[str]
    serving: dict[str, tuple[Stamp, Stamp]]
    retired: int

    @property
    def restamps(self) -> bool:
        """Whether rows that serve have another version or licence now."""
        return any(before != now for before, now in self.serving.values())


def refine_table(
    lake: Lake, cache: Cache, entities: Entities, limits: Limits, *, scratch: Path, overrides: Overrides = EVERY_SOURCE
) -> Refined:
    """Candidates of bronze.documents, made where the last run's do not serve; they become the cache.

    Args:
        scratch: folder for files that the engine reads.
        overrides: what the profile says of whole sources.
    """
    names = ", ".join(f"'{kind.name}'" for kind in kinds.KINDS.values() if kind.parse)
    documents = lake.read(DOCUMENTS).where(f"kind IN ({names})")
    known = documents.select(*_COLUMNS).drop("text").toArrow().to_pylist()
    path = cache.rows
    before = lake.read_parquet(REFINED, path) if path else None
    plan = plan_of(known, before, entities)
    if path is None or plan.fresh or plan.retired or plan.restamps:
        frames = [_restamped(lake, before, plan, scratch)] if before is not None and plan.serving else []
        if plan.fresh:
            sizes = _only(lake, documents.select("doc_id", "bytes"), plan, scratch).agg({"bytes": "sum"}).collect()
            chosen = _only(lake, documents.select(*_COLUMNS), plan, scratch).repartition(lake.parts(sizes[0][0] or 0))
            work = partial(refine_documents, entities=entities, limits=limits, overrides=overrides)
            frames.append(lake.map(chosen, work, REFINED.ddl))
        with cache.replacing() as path:
            if frames:
                lake.write_parquet(reduce(lambda left, right: left.union(right), frames), path)
            else:
                pq.write_table(arrow_schema(REFINED).empty_table(), path)
    refined = lake.read_parquet(REFINED, path)
    counts = (len(plan.fresh), len(plan.serving), plan.retired)
    noted = refined.where("note IS NOT NULL").select("bronze_id", "note").toArrow()
    note_of = dict(zip(*(noted[name].to_pylist() for name in noted.column_names), strict=True))
    notes = [row | {"note": note_of[row["doc_id"]]} for row in known if row["doc_id"] in note_of]
    return Refined(refined.select(*CANDIDATES.columns), notes, *counts)


def cache_key(entities: Entities, limits: Limits, overrides: Overrides = EVERY_SOURCE) -> str:
    """Hash of what every document's result depends on: code, limits, libraries, and what is not looked up by key."""
    fixed = {name: value for name, value in parts_of(entities).items() if not isinstance(value, Mapping)}
    overridden = [sorted(overrides.slices.items()), sorted(overrides.code)]
    code = [code_hash(ROOMS), sys.version_info[:2], versions(LIBRARIES)]
    parts = [*code, limits._asdict(), overridden, list(REFINED.columns.items()), repr(fixed)]
    return xxhash.xxh3_128_hexdigest(json.dumps(parts).encode())


def plan_of(documents: Iterable[Row], previous: DataFrame | None, entities: Entities) -> Plan:
    """Compare the rows there are with those that were made, by id and by what was looked up for them.

    Args:
        documents: of bronze.documents, texts left out.
    """
    now = {row["doc_id"]: row for row in documents}
    had: dict[str, dict[str, Any]] = {}
    if previous is not None:
        columns = previous.where("lookups IS NOT NULL").select("bronze_id", "version", "licence", "lookups")
        had = {row["bronze_id"]: row for row in columns.toArrow().to_pylist()}
    answers = Answers(entities)
    serving = {
        doc_id: ((had[doc_id]["version"], had[doc_id]["licence"]), (row["version"], row["licence"]))
        for doc_id, row in now.items()
        if doc_id in had and answers.same(had[doc_id]["lookups"], row["kind"])
    }
    return Plan(sorted(now.keys() - serving.keys()), serving, len(had.keys() - serving.keys()))


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


def _restamped(lake: Lake, previous: DataFrame, plan: Plan, scratch: Path) -> DataFrame:
    """Rows of the last run that serve, with today's version and licence."""
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    if not plan.retired and not plan.restamps:
        return previous
    stamps = [(doc_id, *now) for doc_id, (_, now) in sorted(plan.serving.items())]
    joined = previous.join(lake.from_arrow(_STAMPS, to_table(stamps, _STAMPS), scratch), "bronze_id")
    changed = {"version": F.col("new_version"), "licence": F.col("new_licence")}
    return joined.select(*(changed.get(name, F.col(name)).alias(name) for name in REFINED.columns))


def _only(lake: Lake, documents: DataFrame, plan: Plan, scratch: Path) -> DataFrame:
    """The rows that need work."""
    if not plan.serving:
        return documents
    return documents.join(lake.from_arrow(_FRESH, pa.table({"doc_id": plan.fresh}), scratch), "doc_id")
