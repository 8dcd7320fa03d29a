"""What curate keeps between runs: the candidates of bronze.documents, and what each document was made with.

Extracting, cleaning, redacting and judging is nearly all of the stage's work. Its result for a document depends on the
row, on the code with its limits (one hash for all: `recipe`), and on what the extractors looked up in the entities on
the way. Those look-ups and their answers are recorded; a document is taken from the last run if every one of them
would be answered alike now. That is exact whatever an extractor asks, where a list of what each kind of document may
ask would have to be kept true by hand (a verifying trace: Mokhov, Mitchell, Peyton Jones 2018, Build Systems à la
Carte).

Version and licence pass through a document's texts unread (a question's item names the version), so they are brought up
to date instead: a new kernel costs the files whose text changed. Texts of the other tables are cheap, and always made.

The state is a Parquet folder in the cache and a small file that names it, replaced when the folder is complete: a
killed run leaves the old state. Without it, everything is made anew.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from kslm.code import code_hash
from kslm.curate.records import CANDIDATES, Candidate, to_batch
from kslm.curate.refine.steps import BATCH_CHARS, Limits, refine, rows
from kslm.curate.reuse.lookups import Answers, parts_of, trace_of, watch
from kslm.extract.documents import EVERY_SOURCE, WITHOUT_TEXT, Overrides, extract
from kslm.instruct.kernel_messages import noted
from kslm.knowledge.entities import Entities
from kslm.lake import Lake
from kslm.lake.arrow import arrow_schema
from kslm.lake.tables import DOCUMENTS, Table
from kslm.published import write_atomically

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

KEPT = Table(
    *("scratch", "kept", ("doc_id",)),
    CANDIDATES.columns | dict.fromkeys(("bronze_id", "trace", "messages"), "STRING"),
)
"""Candidates, the row of bronze.documents each is of, and, with the first of a row's, what was looked up for it and the
messages noted of it (`kernel_messages.noted`)."""
_OF_MESSAGES = ("bronze_id", "source", "path", "version", "licence", "messages")

_IDS = Table(
    "scratch",
    "ids",
    ("bronze_id",),
    dict.fromkeys(("bronze_id", "new_version", "new_licence", "old_item", "new_item"), "STRING"),
)
_FRESH = Table("scratch", "fresh", ("doc_id",), {"doc_id": "STRING"})
_ROOMS = ("curate", "sources", "redact")
_COLUMNS = ("doc_id", "source", "path", "kind", "version", "licence", "text")
_FOLDERS = ("a", "b")


@dataclass(frozen=True)
class State:
    """What the last run left: `folder` holds rows of KEPT, made by `recipe`."""

    recipe: str
    folder: str


@dataclass(frozen=True)
class Refined:
    """All candidates of bronze.documents, and how many of its rows they took work for.

    Attributes:
        candidates: the columns of CANDIDATES.
        messages: rows for `kernel_messages.message_questions`.
        refined, reused: rows of bronze.documents.
        retired: rows that the last run had and that are gone, or were replaced.
        recipe: what made them, besides rows and entities.
    """

    candidates: DataFrame
    messages: list[dict[str, Any]]
    refined: int
    reused: int
    retired: int
    recipe: str


@dataclass(frozen=True)
class Plan:
    """Which rows of bronze.documents need work: `fresh` ids; `kept` id to (version, licence) before and now."""

    fresh: list[str]
    kept: dict[str, tuple[tuple[str | None, str | None], tuple[str | None, str | None]]]
    retired: int

    @property
    def current(self) -> bool:
        """Whether the state holds just what is wanted."""
        return not self.fresh and not self.retired and all(before == now for before, now in self.kept.values())


def candidates(
    lake: Lake, root: Path, entities: Entities, limits: Limits, overrides: Overrides = EVERY_SOURCE
) -> Refined:
    """Candidates of bronze.documents, made where the last run's do not serve; they become the state.

    Args:
        root: folder of the state.
        overrides: what the profile says of whole sources.
    """
    recipe = recipe_of(entities, limits, overrides)
    state = load(root)
    if state and state.recipe != recipe:
        state = None
    documents = lake.read(DOCUMENTS).where(f"kind NOT IN ({', '.join(map(repr, WITHOUT_TEXT))})")
    kept = lake.read_parquet(KEPT, root / state.folder) if state else None
    plan = plan_of(documents, kept, entities)
    if state is None or not plan.current:
        target = next(name for name in _FOLDERS if state is None or name != state.folder)
        shutil.rmtree(root / target, ignore_errors=True)  # of a run that was killed
        root.mkdir(parents=True, exist_ok=True)
        frames = [_brought_forward(lake, kept, plan, root)] if kept is not None and plan.kept else []
        if plan.fresh:
            rows_ = _only(lake, documents.select(*_COLUMNS), plan, root).repartition(lake.partitions)
            work = partial(refine_documents, entities=entities, limits=limits, overrides=overrides)
            frames.append(rows_.mapInArrow(work, KEPT.ddl))
        _write(frames, root / target)
        write_atomically(root / "state.json", json.dumps(asdict(State(recipe, target))))
        for name in {*_FOLDERS} - {target}:
            shutil.rmtree(root / name, ignore_errors=True)
        state = State(recipe, target)
        for table in (_IDS, _FRESH):
            (root / f"{table.name}.parquet").unlink(missing_ok=True)
    made = lake.read_parquet(KEPT, root / state.folder)
    found = made.select(*CANDIDATES.columns)
    return Refined(found, _messages(made), len(plan.fresh), len(plan.kept), plan.retired, recipe)


def _messages(made: DataFrame) -> list[dict[str, Any]]:
    noted = made.where("messages IS NOT NULL").select(*_OF_MESSAGES).toArrow()
    names = ["doc_id" if name == "bronze_id" else name for name in noted.column_names]
    return [row | {"path": row["path"].partition("#")[0]} for row in noted.rename_columns(names).to_pylist()]


def load(root: Path) -> State | None:
    """The last run's state; None where there is none that can be used."""
    try:
        state = State(**json.loads((root / "state.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return state if state.folder in _FOLDERS and (root / state.folder).is_dir() else None


def recipe_of(entities: Entities, limits: Limits, overrides: Overrides = EVERY_SOURCE) -> str:
    """Hash of what every document's result depends on: code, limits, libraries, and what is not looked up by key."""
    libraries = {re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in metadata.requires("kslm") or ()}
    found = {name: version for name in sorted(libraries) if (version := _version(name))}
    fixed = {name: value for name, value in parts_of(entities).items() if not isinstance(value, Mapping)}
    said = [sorted(overrides.slices.items()), sorted(overrides.code)]
    parts = [
        code_hash(_ROOMS),
        limits._asdict(),
        said,
        sys.version_info[:2],
        found,
        list(KEPT.columns.items()),
        repr(fixed),
    ]
    return xxhash.xxh3_128_hexdigest(json.dumps(parts).encode())


def plan_of(documents: DataFrame, kept: DataFrame | None, entities: Entities) -> Plan:
    """Compare the rows there are with those that were made, by id and by what was looked up for them."""
    now = {row["doc_id"]: row for row in documents.select("doc_id", "kind", "version", "licence").toArrow().to_pylist()}
    had: dict[str, dict[str, Any]] = {}
    if kept is not None:
        columns = kept.where("trace IS NOT NULL").select("bronze_id", "version", "licence", "trace")
        had = {row["bronze_id"]: row for row in columns.toArrow().to_pylist()}
    answers = Answers(entities)
    serves = {
        doc_id: ((had[doc_id]["version"], had[doc_id]["licence"]), (row["version"], row["licence"]))
        for doc_id, row in now.items()
        if doc_id in had and answers.same(had[doc_id]["trace"], row["kind"])
    }
    return Plan(sorted(now.keys() - serves.keys()), serves, len(had.keys() - serves.keys()))


def refine_documents(
    batches: Iterable[pa.RecordBatch], *, entities: Entities, limits: Limits, overrides: Overrides = EVERY_SOURCE
) -> Iterator[pa.RecordBatch]:
    """Rows of bronze.documents to rows of KEPT; for mapInArrow."""
    watched, seen = watch(entities)
    pending: list[tuple[object, ...]] = []
    size = 0
    for batch in batches:
        for row in rows(batch):
            seen.clear()
            texts = extract(row, watched, overrides)
            made: list[Candidate] = [candidate for text in texts for candidate in refine(text, limits)]
            of_row: tuple[str | None, str | None] = trace_of(row["kind"], seen), noted(row)
            for candidate in made:
                pending.append((*candidate, row["doc_id"], *of_row))
                size += candidate.bytes
                of_row = None, None
            if size > BATCH_CHARS:
                yield to_batch(pending, KEPT)
                pending, size = [], 0
    if pending:
        yield to_batch(pending, KEPT)


def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def _brought_forward(lake: Lake, kept: DataFrame, plan: Plan, root: Path) -> DataFrame:
    """Rows of the last run that serve, with today's version and licence."""
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    if not plan.retired and all(before == now for before, now in plan.kept.values()):
        return kept
    found = [(doc_id, *now, _named(before[0]), _named(now[0])) for doc_id, (before, now) in sorted(plan.kept.items())]
    joined = kept.join(_parquet(lake, _IDS, found, root), "bronze_id")
    item = F.expr("CASE WHEN old_item = new_item THEN item ELSE replace(item, old_item, new_item) END")
    changed = {"version": F.col("new_version"), "licence": F.col("new_licence"), "item": item}
    return joined.select(*(changed.get(name, F.col(name)).alias(name) for name in KEPT.columns))


def _named(version: str | None) -> str:
    """How a question's item (JSON) names a version; within a string its quotation marks would be escaped."""
    return f'"version": {json.dumps(version or "", ensure_ascii=False)}'


def _only(lake: Lake, documents: DataFrame, plan: Plan, root: Path) -> DataFrame:
    """The rows that need work."""
    if not plan.kept:
        return documents
    return documents.join(_parquet(lake, _FRESH, [(doc_id,) for doc_id in plan.fresh], root), "doc_id")


def _parquet(lake: Lake, table: Table, found: Sequence[tuple[object, ...]], root: Path) -> DataFrame:
    path = root / f"{table.name}.parquet"
    pq.write_table(pa.Table.from_batches([to_batch(found, table)]), path)
    return lake.read_parquet(table, path)


def _write(frames: list[DataFrame], folder: Path) -> None:
    if not frames:
        folder.mkdir()
        pq.write_table(arrow_schema(KEPT).empty_table(), folder / "none.parquet")
        return
    frame = frames[0]
    for other in frames[1:]:
        frame = frame.union(other)
    frame.write.parquet(str(folder))
