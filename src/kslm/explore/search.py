"""Full-text search of gold.corpus by the engine: no index to build or to keep, one pass over the text for a query.

Ranked by BM25 (Robertson and Zaragoza 2009; k1 1.2, b 0.75) over occurrences of each word, also within longer words:
`igb` finds `igb_main`. Letter case is ignored.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from kslm.errors import KslmError
from kslm.lake import Lake
from kslm.lake.tables import CORPUS

if TYPE_CHECKING:
    from pyspark.sql import Column

K1, B = 1.2, 0.75
_BEFORE, _SNIPPET = 60, 200
"""Characters of a snippet before the first word found, and in all."""


@dataclass(frozen=True)
class Hit:
    """One document found; `snippet` is text around the rarest of the words."""

    doc_id: str
    slice: str
    kind: str
    split: str
    path: str
    score: float
    snippet: str


def search(lake: Lake, words: str, *, slice_: str | None = None, kind: str | None = None, limit: int = 10) -> list[Hit]:
    """Documents of gold.corpus that hold any of the words, the best first.

    Args:
        slice_, kind: only these.
        limit: how many at most.

    Raises:
        KslmError: no word to look for.
        DataError: curate has not run.
    """
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    wanted = sorted(set(words.lower().split()))
    if not wanted:
        raise KslmError("no word to look for", remedy='such as: kslm corpus search "interrupt coalescing"')
    rows = lake.read(CORPUS)
    for column, value in (("slice", slice_), ("kind", kind)):
        rows = rows if value is None else rows.where(F.col(column) == value)
    counts = [f"n{number}" for number in range(len(wanted))]
    lowered = F.lower("text")
    counted = rows.select(
        *("doc_id", "slice", "kind", "split", "path", F.length("text").alias("chars")),
        *(_occurrences(lowered, word).alias(name) for name, word in zip(counts, wanted, strict=True)),
    )
    totals = counted.agg(
        F.count(F.lit(1)).alias("documents"),
        F.sum("chars").alias("chars"),
        *(F.expr(f"count_if({name} > 0)").alias(name) for name in counts),
    ).collect()[0]
    documents = int(totals["documents"])
    if not documents or not any(totals[name] for name in counts):
        return []
    mean = totals["chars"] / documents
    score = reduce(lambda a, b: a + b, (_bm25(name, int(totals[name]), documents, mean) for name in counts))
    best = counted.withColumn("score", F.round(score, 4)).where("score > 0").orderBy(F.desc("score"), "doc_id")
    hits = best.drop(*counts, "chars").limit(limit).collect()
    rarest = sorted(wanted, key=lambda word: int(totals[counts[wanted.index(word)]]))
    chosen = rows.where(F.col("doc_id").isin([row["doc_id"] for row in hits]))
    texts = {row["doc_id"]: row["text"] for row in chosen.select("doc_id", "text").collect()}
    return [Hit(**row.asDict(), snippet=_snippet(texts[row["doc_id"]], rarest)) for row in hits]


def _occurrences(lowered: Column, word: str) -> Column:
    from pyspark.sql import functions as F  # noqa: N812

    without = F.replace(lowered, F.lit(word), F.lit(""))
    return ((F.length(lowered) - F.length(without)) / len(word)).cast("int")


def _bm25(name: str, having: int, documents: int, mean: float) -> Column:
    from pyspark.sql import functions as F  # noqa: N812

    rarity = math.log(1 + (documents - having + 0.5) / (having + 0.5))
    damped = F.col(name) + F.lit(K1) * (F.lit(1 - B) + F.lit(B / mean) * F.col("chars"))
    return F.lit(rarity * (K1 + 1)) * F.col(name) / damped


def _snippet(text: str, words: Sequence[str]) -> str:
    """Text around the first of the words that occurs, on one line."""
    lowered = text.lower()
    at = next((place for word in words if (place := lowered.find(word)) >= 0), 0)
    start = max(0, at - _BEFORE)
    cut = " ".join(text[start : start + _SNIPPET].split())
    return f"{'…' if start else ''}{cut}{'…' if start + _SNIPPET < len(text) else ''}"
