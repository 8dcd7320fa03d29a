"""Gold from what was decided: the corpus without held-out facts in its training text, the questions, the benchmark.

Taking a fact out can leave a document too short to keep, which is known only once its text has been looked at. So
gold's rows are made once, into the scratch folder, and silver.rejects and gold.corpus are both written from there.
Where the tables hold already what was decided, nothing is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import xxhash

from kslm.curate.benchmark.documents import KINDS
from kslm.curate.benchmark.items import benchmark
from kslm.curate.gather import Knowledge
from kslm.curate.instructions import TAKEN, instruction_rows
from kslm.curate.records import CANDIDATES, DECISIONS
from kslm.curate.reuse.written import Written
from kslm.curate.split.holdout import HELD_OUT_SPLITS, HeldOut, scrub_documents
from kslm.kinds import MAN
from kslm.lake import Lake
from kslm.lake.arrow import ParquetSpool
from kslm.lake.digest import PARTIAL_DDL, TableDigest, partial_digests
from kslm.lake.tables import BENCHMARK, CORPUS, INSTRUCTIONS, REJECTS, SILVER_DOCUMENTS, Table
from kslm.sources.man.names import page_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

GOLD = Table.of("scratch.gold", "doc_id", f"{CORPUS.ddl}, cluster_id, item, reason, figure DOUBLE")
PAGES = "page STRING, description STRING"


@dataclass
class Publishing:
    """The tables to be, from what was decided.

    Attributes:
        decided: candidates with the columns of DECISIONS.
        held_out: what training text must not state.
        folder: for rows on their way.
    """

    lake: Lake
    decided: DataFrame
    held_out: HeldOut
    min_chars: int
    folder: Path

    def silver(self) -> DataFrame:
        """Rows of silver.documents."""
        return self.decided.where("in_silver").select(*SILVER_DOCUMENTS.columns)

    def rejects(self) -> DataFrame:
        """Rows of silver.rejects."""
        refused = self.decided.where("reason IS NOT NULL").select(*REJECTS.columns)
        return refused.union(self._scrubbed.where("reason IS NOT NULL").select(*REJECTS.columns))

    def corpus(self) -> DataFrame:
        """Rows of gold.corpus."""
        return self._scrubbed.where("reason IS NULL").select(*CORPUS.columns)

    def instructions(self) -> DataFrame:
        """Rows of gold.instructions."""
        questions = self._scrubbed.where("reason IS NULL AND item IS NOT NULL").select(*TAKEN)
        return questions.mapInArrow(instruction_rows, INSTRUCTIONS.ddl)

    @cached_property
    def _scrubbed(self) -> DataFrame:
        from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

        placed = self.decided.where("split IS NOT NULL").withColumn("held_out", F.lit(0).cast("int"))
        scrub = partial(scrub_documents, held_out=self.held_out, min_chars=self.min_chars)
        rows = self.lake.map(placed.select(*CORPUS.columns, "cluster_id", "item"), scrub, GOLD.ddl)
        self.lake.write_parquet(rows, self.folder / "gold")
        return self.lake.read_parquet(GOLD, self.folder / "gold")

    def digest(self) -> str:
        """Hash of all that silver and gold follow from: what was decided, and what is held out.

        A candidate's text is not looked at, as its doc_id holds a hash of it.
        """
        columns = [name for name in {**CANDIDATES.columns, **DECISIONS.columns} if name != "text"]
        parts = self.decided.select(*columns).mapInArrow(partial_digests(columns), PARTIAL_DDL).collect()
        rows = sum((TableDigest(int(part["total"], 16), part["n_rows"]) for part in parts), TableDigest())
        return xxhash.xxh3_128_hexdigest(f"{rows} {self.min_chars} {self.held_out.digest()}".encode())


def publish(written: Written, publishing: Publishing, ask: Callable[[], DataFrame], bronze: str) -> None:
    """Make silver and gold equal to what was decided.

    Args:
        ask: gives the rows of gold.benchmark, once gold.instructions is there.
        bronze: names the versions of bronze's tables, whose rows the benchmark asks about.
    """
    made_of = publishing.digest()
    written.make_equal(SILVER_DOCUMENTS, made_of, publishing.silver)
    written.make_equal(REJECTS, made_of, publishing.rejects)
    written.make_equal(INSTRUCTIONS, made_of, publishing.instructions)
    written.make_equal(BENCHMARK, f"{made_of} {bronze}", ask)
    written.make_equal(CORPUS, made_of, publishing.corpus)


def held_out_facts(known: Knowledge, notes: DataFrame, splits: Mapping[str, str]) -> HeldOut:
    """What the training text must not state: facts of the devices, symbols and manual pages of validation and test.

    Args:
        notes: kind, path and note, of `Refined.notes`.
    """
    held = frozenset(group for group, split in splits.items() if split in HELD_OUT_SPLITS)
    of_symbol = known.entities.of_symbol
    symbols = (
        (symbol.name, symbol.prompt or "", symbol.help or "")
        for file in known.kconfig
        for symbol in file.symbols
        if symbol.name and of_symbol(file.row["path"], symbol.help or "", symbol.name) in held
    )
    manuals = notes.where(f"kind = '{MAN.name}'").select("path", "note")
    of_manuals = frozenset(group for group in held if group.startswith("man:"))
    pages = manuals.mapInArrow(partial(held_pages, held=of_manuals), PAGES).collect()
    return HeldOut.build(
        known.entities,
        known.hardware.names,
        known.hardware.drivers,
        splits,
        symbols=sorted(symbols),
        pages=sorted((row["page"], row["description"]) for row in pages),
    )


def held_pages(batches: Iterable[pa.RecordBatch], *, held: frozenset[str]) -> Iterator[pa.RecordBatch]:
    """path and note of manual pages to page and description of those whose group is held out; for mapInArrow."""
    for batch in batches:
        noted = zip(batch.column("path").to_pylist(), batch.column("note").to_pylist(), strict=True)
        rows = [(page, note) for path, note in noted if f"man:{(page := str(page_of(path)))}" in held]
        pages, descriptions = (pa.array([row[number] for row in rows], pa.string()) for number in (0, 1))
        yield pa.RecordBatch.from_arrays([pages, descriptions], ["page", "description"])


def benchmark_rows(lake: Lake, known: Knowledge, splits: Mapping[str, str], folder: Path) -> DataFrame:
    """Rows of gold.benchmark, of gold.instructions as it is."""
    kinds = ", ".join(map(repr, KINDS))
    instructions = lake.read(INSTRUCTIONS).where("split IN ('train', 'test')").where(f"kind IN ({kinds})")
    items = benchmark(
        known.hardware, known.modules, known.ids, known.entities, splits=splits, instructions=instructions
    )
    spool = ParquetSpool(BENCHMARK, folder / "benchmark.parquet")
    for item in items:
        spool.add(item | {"baselines": sorted(item["baselines"].items())})
    spool.close()
    return lake.read_parquet(BENCHMARK, spool.path)
