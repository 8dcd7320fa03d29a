"""Near duplicates of a corpus that changes little between runs: `minhash` with the engine, nothing done twice.

A document's buckets follow from its text, and so from its doc_id; so does whether two documents are alike. Both are
kept, and only documents and pairs that were never looked at are read. The result is that of a run from scratch: which
pairs are looked at follows from all buckets of today, and a pair's similarity is the same whenever it is computed.

What comes back to this process are the pairs that are not yet compared, and those that are alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from kslm.curate.dedup.minhash import EDGES, SUSPECTS, bands_for, bucket_rows, buckets, suspects, verify
from kslm.curate.reuse.cache import Cache
from kslm.lake import Lake
from kslm.lake.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PLACED = Table.of("scratch.placed", "doc_id", "doc_id, buckets BINARY")
PAIRS = Table.of("scratch.pairs", "left, right", "left, right")
_IDS = Table.of("scratch.wanted", "doc_id", "doc_id")


@dataclass(frozen=True)
class Near:
    """A search for near duplicates.

    Attributes:
        lake: the engine.
        threshold: least Jaccard similarity of five-word shingles.
        folder: where files for the engine may be written.
        caches: folder of what is kept between runs.
        made_by: names the code that made the documents.
    """

    lake: Lake
    threshold: float
    folder: Path
    caches: Path
    made_by: str

    def pairs(self, documents: DataFrame, wanted: DataFrame) -> pa.Table:
        """Pairs of near duplicates.

        Args:
            documents: doc_id and text; there may be others than those compared.
            wanted: doc_id of documents of distinct content and of kinds that are compared.

        Returns:
            The columns of EDGES (left < right), sorted. Pairs enough to connect each cluster, not all there are.
        """
        self.lake.write_parquet(wanted, self.folder / "wanted")
        documents = documents.select("doc_id", "text")
        self.lake.write_parquet(self._to_compare(documents), self.folder / "pairs")
        pairs, cache = self.lake.read_parquet(PAIRS, self.folder / "pairs"), self._cache("pairs")
        rows = cache.rows
        if rows is None:
            had, unknown = 0, pairs.toArrow()
        else:
            known = self.lake.read_parquet(EDGES, rows)
            had, unknown = known.count(), pairs.join(known, ["left", "right"], "left_anti").toArrow()
        if rows is None or unknown.num_rows or pairs.count() < had:
            frames = [] if rows is None else [pairs.join(known, ["left", "right"])]
            if unknown.num_rows or not frames:
                frames.append(self._verified(documents, unknown))
            rows = cache.fill(self.lake, EDGES, frames)
        alike = self.lake.read_parquet(EDGES, rows).where(f"jaccard >= {self.threshold!r}").toArrow()
        return alike.sort_by([("left", "ascending"), ("right", "ascending")])

    def _cache(self, name: str) -> Cache:
        return Cache(self.caches / name, f"{self.made_by} {self.threshold}")

    def _verified(self, documents: DataFrame, pairs: pa.Table) -> DataFrame:
        from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

        listed = self.lake.from_arrow(SUSPECTS, suspects(pairs), self.folder)
        # The few are on the left in this and other joins: what is there is what one engine holds in memory.
        compared = listed.join(documents, "doc_id")
        size = compared.agg(F.sum(F.length("text"))).collect()[0][0] or 0
        together = compared.repartition(self.lake.parts(size), "part")
        return together.mapInArrow(partial(verify, threshold=self.threshold), EDGES.ddl)

    def _to_compare(self, documents: DataFrame) -> DataFrame:
        """Pairs of documents to compare: those of a bucket, each with its first and with the one before it."""
        from pyspark.sql import Window
        from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

        placed = self.lake.read_parquet(PLACED, self._placed(documents))
        rows = placed.mapInArrow(bucket_rows, "doc_id STRING, bucket BIGINT")
        # Nearly all buckets have one document: they are counted before ids are looked at.
        several = rows.groupBy("bucket").count().where("count > 1").select("bucket")
        of_bucket = Window.partitionBy("bucket")
        lefts = (F.min("doc_id").over(of_bucket), F.lag("doc_id").over(of_bucket.orderBy("doc_id")))
        shared = several.join(rows, "bucket")
        pairs = [shared.select(left.alias("left"), F.col("doc_id").alias("right")) for left in lefts]
        return pairs[0].union(pairs[1]).where("left < right").distinct()

    def _placed(self, documents: DataFrame) -> Path:
        """Where doc_id and buckets of the documents are; those that have none have no bytes."""
        wanted = self.lake.read_parquet(_IDS, self.folder / "wanted")
        cache = self._cache("buckets")
        rows = cache.rows
        work = partial(_placed_rows, bands=bands_for(self.threshold))
        if rows is None:
            return cache.fill(self.lake, PLACED, [wanted.join(documents, "doc_id").mapInArrow(work, PLACED.ddl)])
        before = self.lake.read_parquet(PLACED, rows)
        serving = wanted.join(before, "doc_id")
        asked, had, served = wanted.count(), before.count(), serving.count()
        if served == asked == had:
            return rows
        fresh = wanted.join(before.select("doc_id"), "doc_id", "left_anti").join(documents, "doc_id")
        return cache.fill(self.lake, PLACED, [serving, fresh.mapInArrow(work, PLACED.ddl)])


def _placed_rows(batches: Iterable[pa.RecordBatch], *, bands: int) -> Iterator[pa.RecordBatch]:
    """(doc_id, text) rows to rows of PLACED; for mapInArrow."""
    for batch in batches:
        found = list(buckets([batch], bands=bands))
        yield from found
        ids = batch.column("doc_id")
        has = pa.chunked_array([part.column("doc_id") for part in found], pa.string())
        rest = ids.filter(pc.invert(pc.is_in(ids, has)))
        yield pa.RecordBatch.from_arrays([rest, pa.array([b""] * len(rest), pa.binary())], ["doc_id", "buckets"])
