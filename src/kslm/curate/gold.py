"""Gold from what was decided: the corpus without held-out facts in its training text, the questions, the benchmark.

Taking a fact out can leave a document too short to keep, which is known only once its text has been looked at. So
gold's rows are made once, into the scratch folder, and silver.rejects and gold.corpus are both written from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kslm.curate.benchmark.documents import ASKED, KINDS
from kslm.curate.benchmark.items import benchmark
from kslm.curate.gather import Knowledge
from kslm.curate.instructions import TAKEN, instruction_rows
from kslm.curate.split.holdout import HELD_OUT_SPLITS, HeldOut, scrub_documents
from kslm.kinds import MAN
from kslm.knowledge.entities import Row
from kslm.lake import Lake
from kslm.lake.arrow import ParquetSpool
from kslm.lake.tables import BENCHMARK, CORPUS, INSTRUCTIONS, REJECTS, SILVER_DOCUMENTS, Table
from kslm.sources.man.names import page_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

GOLD = Table.of("scratch.gold", "doc_id", f"{CORPUS.ddl}, cluster_id, item, reason, figure DOUBLE")


def publish(
    lake: Lake,
    decided: DataFrame,
    known: Knowledge,
    notes: Iterable[Row],
    splits: Mapping[str, str],
    *,
    min_chars: int,
    folder: Path,
) -> dict[str, int]:
    """Make silver and gold equal to what was decided; returns the tables' versions.

    Args:
        decided: candidates with the columns of DECISIONS.
        notes: rows of `Refined.notes`.
        splits: split group to split.
        folder: for rows on their way.
    """
    held_out = held_out_facts(known, notes, splits)
    lake.write_parquet(_scrubbed(lake, decided, held_out, min_chars), folder / "gold")
    scrubbed = lake.read_parquet(GOLD, folder / "gold")
    placed = scrubbed.where("reason IS NULL")
    questions = placed.where("item IS NOT NULL").select(*TAKEN).mapInArrow(instruction_rows, INSTRUCTIONS.ddl)
    refused = decided.where("reason IS NOT NULL").select(*REJECTS.columns)
    versions = {
        str(SILVER_DOCUMENTS): lake.make_equal(
            SILVER_DOCUMENTS, decided.where("in_silver").select(*SILVER_DOCUMENTS.columns)
        ),
        str(REJECTS): lake.make_equal(
            REJECTS, refused.union(scrubbed.where("reason IS NOT NULL").select(*REJECTS.columns))
        ),
        str(INSTRUCTIONS): lake.make_equal(INSTRUCTIONS, questions),
    }
    spool = ParquetSpool(BENCHMARK, folder / "benchmark.parquet")
    for item in _benchmark(lake, known, splits):
        spool.add(item | {"baselines": sorted(item["baselines"].items())})
    spool.close()
    return versions | {
        str(BENCHMARK): lake.make_equal(BENCHMARK, lake.read_parquet(BENCHMARK, spool.path)),
        str(CORPUS): lake.make_equal(CORPUS, placed.select(*CORPUS.columns)),
    }


def held_out_facts(known: Knowledge, notes: Iterable[Row], splits: Mapping[str, str]) -> HeldOut:
    """What the training text must not state: facts of the devices, symbols and manual pages of validation and test.

    Args:
        notes: rows of `Refined.notes`.
    """
    held = frozenset(group for group, split in splits.items() if split in HELD_OUT_SPLITS)
    of_symbol = known.entities.of_symbol
    symbols = (
        (symbol.name, symbol.prompt or "", symbol.help or "")
        for file in known.kconfig
        for symbol in file.symbols
        if symbol.name and of_symbol(file.row["path"], symbol.help or "", symbol.name) in held
    )
    pages = ((str(page_of(row["path"])), row["note"]) for row in notes if row["kind"] == MAN.name)
    return HeldOut.build(
        known.entities,
        known.hardware.names,
        known.hardware.drivers,
        splits,
        symbols=sorted(symbols),
        pages=sorted((page, description) for page, description in pages if f"man:{page}" in held),
    )


def _scrubbed(lake: Lake, decided: DataFrame, held_out: HeldOut, min_chars: int) -> DataFrame:
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    placed = decided.where("split IS NOT NULL").withColumn("held_out", F.lit(0).cast("int"))
    scrub = partial(scrub_documents, held_out=held_out, min_chars=min_chars)
    return lake.map(placed.select(*CORPUS.columns, "cluster_id", "item"), scrub, GOLD.ddl)


def _benchmark(lake: Lake, known: Knowledge, splits: Mapping[str, str]) -> list[dict[str, Any]]:
    kinds = ", ".join(map(repr, KINDS))
    instructions = lake.read(INSTRUCTIONS).where("split IN ('train', 'test')").where(f"kind IN ({kinds})")
    asked = instructions.select(*ASKED).toArrow().to_pylist()
    asked.sort(key=lambda row: row["item_id"])
    return benchmark(known.hardware, known.modules, known.ids, known.entities, splits=splits, instructions=asked)
