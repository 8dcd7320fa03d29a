"""Gold from what was decided: the corpus without held-out facts in its training text, the questions, the benchmark.

Taking a fact out can leave a document too short to keep, which is known only once its text has been looked at. So
gold's rows are made once, into the scratch folder, and silver.rejects and gold.corpus are both written from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from kslm.curate.benchmark.documents import ASKED, KINDS
from kslm.curate.benchmark.items import benchmark
from kslm.curate.gather import Knowledge
from kslm.curate.instructions import TAKEN, instruction_rows
from kslm.curate.records import to_batch
from kslm.curate.refine.steps import rows as rows_of
from kslm.curate.split.holdout import HELD_OUT, Facts, scrub_documents
from kslm.knowledge.entities import Entities
from kslm.lake import Lake
from kslm.lake.arrow import ParquetSpool
from kslm.lake.tables import BENCHMARK, CORPUS, DOCUMENTS, INSTRUCTIONS, REJECTS, SILVER_DOCUMENTS, Table
from kslm.sources.kernel import kconfig
from kslm.sources.man.names import name_line, page_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TABLES = (SILVER_DOCUMENTS, REJECTS, CORPUS, INSTRUCTIONS, BENCHMARK)
"""In the order in which they are written: gold last."""

GOLD = Table(
    "scratch",
    "gold",
    ("doc_id",),
    {**CORPUS.columns, "cluster_id": "STRING", "item": "STRING", "reason": "STRING", "figure": "DOUBLE"},
)
STATEMENTS = Table("scratch", "statements", ("name",), dict.fromkeys(("what", "name", "first", "second"), "STRING"))


class Statement(NamedTuple):
    """What a held-out symbol or page is said to be: a symbol's prompt and help, or a page's description."""

    what: str
    name: str
    first: str
    second: str


def publish(
    lake: Lake, decided: DataFrame, known: Knowledge, splits: Mapping[str, str], *, min_chars: int, folder: Path
) -> dict[str, int]:
    """Make silver and gold equal to what was decided; returns the tables' versions.

    Args:
        decided: candidates with the columns of DECISIONS.
        splits: split group to split.
        folder: for rows on their way.
    """
    facts = held_out_facts(lake, known, splits)
    _scrubbed(decided, facts, min_chars).write.parquet(str(folder / "gold"))
    made = lake.read_parquet(GOLD, folder / "gold")
    kept = made.where("reason IS NULL")
    questions = kept.where("item IS NOT NULL").select(*TAKEN).mapInArrow(instruction_rows, INSTRUCTIONS.ddl)
    refused = decided.where("reason IS NOT NULL").select(*REJECTS.columns)
    versions = {
        str(SILVER_DOCUMENTS): lake.upsert(
            SILVER_DOCUMENTS, decided.where("in_silver").select(*SILVER_DOCUMENTS.columns)
        ),
        str(REJECTS): lake.upsert(REJECTS, refused.union(made.where("reason IS NOT NULL").select(*REJECTS.columns))),
        str(INSTRUCTIONS): lake.upsert(INSTRUCTIONS, questions),
    }
    spool = ParquetSpool(BENCHMARK, folder / "benchmark.parquet")
    for item in _benchmark(lake, known, splits):
        spool.add(item | {"baselines": sorted(item["baselines"].items())})
    spool.close()
    return versions | {
        str(BENCHMARK): lake.upsert(BENCHMARK, lake.read_parquet(BENCHMARK, spool.path)),
        str(CORPUS): lake.upsert(CORPUS, kept.select(*CORPUS.columns)),
    }


def held_out_facts(lake: Lake, known: Knowledge, splits: Mapping[str, str]) -> Facts:
    """What the training text must not state: facts of the devices, symbols and manual pages of validation and test."""
    held = frozenset(group for group, split in splits.items() if split in HELD_OUT)
    documents = lake.read(DOCUMENTS).where("kind IN ('kconfig', 'man')").select("path", "kind", "text")
    found = documents.mapInArrow(partial(statements, entities=known.entities, held=held), STATEMENTS.ddl).toArrow()
    said = [Statement(**row) for row in found.to_pylist()]
    said.sort()
    return Facts.build(
        known.entities,
        known.hardware.names,
        known.hardware.drivers,
        splits,
        symbols=[(one.name, one.first, one.second) for one in said if one.what == "symbol"],
        pages=[(one.name, one.first) for one in said if one.what == "page"],
    )


def statements(
    batches: Iterable[pa.RecordBatch], *, entities: Entities, held: frozenset[str]
) -> Iterator[pa.RecordBatch]:
    """Rows (path, kind, text) of bronze.documents to what their held-out entities are said to be; for mapInArrow."""
    for batch in batches:
        found = [one for row in rows_of(batch) for one in _statements(row, entities, held)]
        yield to_batch(found, STATEMENTS)


def _statements(row: Mapping[str, str], entities: Entities, held: frozenset[str]) -> Iterator[Statement]:
    if row["kind"] == "man":
        page = page_of(row["path"])
        said = name_line(row["text"]) if page and f"man:{page}" in held else None
        if page and said:
            yield Statement("page", str(page), said, "")
        return
    for entry in kconfig.parse(row["text"]):
        if entry.name and entities.of_symbol(row["path"], entry.help or "", entry.name) in held:
            yield Statement("symbol", entry.name, entry.prompt or "", entry.help or "")


def _scrubbed(decided: DataFrame, facts: Facts, min_chars: int) -> DataFrame:
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    placed = decided.where("split IS NOT NULL").withColumn("held_out", F.lit(0).cast("int"))
    scrub = partial(scrub_documents, facts=facts, min_chars=min_chars)
    return placed.select(*CORPUS.columns, "cluster_id", "item").mapInArrow(scrub, GOLD.ddl)


def _benchmark(lake: Lake, known: Knowledge, splits: Mapping[str, str]) -> list[dict[str, Any]]:
    kinds = ", ".join(map(repr, KINDS))
    instructions = lake.read(INSTRUCTIONS).where("split IN ('train', 'test')").where(f"kind IN ({kinds})")
    asked = instructions.select(*ASKED).toArrow().to_pylist()
    asked.sort(key=lambda row: row["item_id"])
    return benchmark(known.hardware, known.modules, known.ids, known.entities, splits=splits, instructions=asked)
