"""Near duplicates of a corpus that changes little between runs: `minhash` with the engine, nothing done twice.

A document's buckets follow from its text, and so from its doc_id; so does whether two documents are alike. Both are
kept, and only documents and pairs that were never looked at are read. The result is that of a run from scratch: which
pairs are looked at follows from all buckets of today, and a pair's similarity is the same whenever it is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from kslm.curate.dedup.minhash import (
    BUCKETS,
    EDGES,
    SUSPECTS,
    Pair,
    bands_for,
    buckets,
    pairs_to_compare,
    suspects,
    verify,
)
from kslm.curate.reuse.cache import Cache
from kslm.lake import Lake
from kslm.lake.arrow import arrow_schema, to_table
from kslm.lake.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FRESH = Table.of("scratch.fresh", "doc_id", "doc_id")
_PLACED = pa.schema([("doc_id", pa.string()), ("buckets", pa.binary())])


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

    def pairs(self, documents: DataFrame, doc_ids: Sequence[str]) -> pa.Table:
        """Pairs of near duplicates.

        Args:
            documents: doc_id and text; there may be others than those compared.
            doc_ids: documents of distinct content and of kinds that are compared.

        Returns:
            The columns of EDGES (left < right), sorted. Pairs enough to connect each cluster, not all there are.
        """
        from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

        documents = documents.select("doc_id", "text")
        pairs = pairs_to_compare(self._placed(documents, doc_ids))
        cache = self._cache("pairs")
        known = cache.load(arrow_schema(EDGES))
        had = dict(zip(_keys(known), known["jaccard"].to_pylist(), strict=True))
        similarity_of = {pair: had[pair] for pair in pairs if pair in had}
        if len(similarity_of) < len(pairs):
            unknown = [pair for pair in pairs if pair not in similarity_of]
            listed = self.lake.from_arrow(SUSPECTS, suspects(unknown), self.folder)
            compared = documents.join(listed, "doc_id")
            size = compared.agg(F.sum(F.length("text"))).collect()[0][0] or 0
            apart = compared.repartition(self.lake.parts(size), "part")
            verified = apart.mapInArrow(partial(verify, threshold=self.threshold), EDGES.ddl).toArrow()
            similarity_of.update(zip(_keys(verified), verified["jaccard"].to_pylist(), strict=True))
        if had.keys() != similarity_of.keys():
            cache.store(_edges(similarity_of))
        return _edges({pair: similarity for pair, similarity in similarity_of.items() if similarity >= self.threshold})

    def _cache(self, name: str) -> Cache:
        return Cache(self.caches / name, f"{self.made_by} {self.threshold}")

    def _placed(self, documents: DataFrame, doc_ids: Sequence[str]) -> pa.Table:
        """doc_id and buckets of the documents that have any."""
        cache = self._cache("buckets")
        before = cache.load(_PLACED)
        placed = before.filter(pc.is_in(before["doc_id"], pa.array(doc_ids, pa.string())))
        fresh = {*doc_ids} - {*placed["doc_id"].to_pylist()}
        if fresh:
            listed = self.lake.from_arrow(_FRESH, pa.table({"doc_id": sorted(fresh)}), self.folder)
            work = partial(buckets, bands=bands_for(self.threshold))
            computed = documents.join(listed, "doc_id").mapInArrow(work, BUCKETS).toArrow().cast(_PLACED)
            rest = sorted(fresh - {*computed["doc_id"].to_pylist()})  # have none, which is worth keeping too
            none = pa.table([pa.array(rest, pa.string()), pa.array([b""] * len(rest), pa.binary())], schema=_PLACED)
            placed = pa.concat_tables([placed, computed, none])
        if fresh or len(placed) < len(before):
            cache.store(placed)
        return placed.filter(pc.greater(pc.binary_length(placed["buckets"]), 0))


def _keys(edges: pa.Table) -> Iterator[Pair]:
    return zip(edges["left"].to_pylist(), edges["right"].to_pylist(), strict=True)


def _edges(pairs: Mapping[Pair, float]) -> pa.Table:
    return to_table([(*pair, pairs[pair]) for pair in sorted(pairs)], EDGES)
