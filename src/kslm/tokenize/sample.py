"""What the tokenizer is to know of gold.corpus before it is encoded: its amounts, and a sample to learn merges from.

The sample is the documents of the train split with the smallest hashes of doc_id, so it depends neither on an engine's
order nor on its partitions, and grows smoothly. Where the slices are to have shares, each gives its share of the bytes,
or all it has. The engine first adds up bytes by hash: so no more text is brought here than the sample has, and about
one part in BUCKETS of the corpus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import xxhash

from kslm.errors import DataError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SEED = 1
BUCKETS = 1 << 14
_ALL = ""
_WEIGHED = "stratum STRING, bucket INT, bytes BIGINT"
_PICKED = "stratum STRING, hash BINARY, doc_id STRING, bytes BIGINT, text STRING"


@dataclass(frozen=True)
class Outline:
    """What can be said of the corpus without its text.

    Attributes:
        text_bytes: of each split that occurs.
        slices, kinds: names that occur, sorted.
    """

    text_bytes: Mapping[str, int]
    slices: tuple[str, ...]
    kinds: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """Of all text."""
        return sum(self.text_bytes.values())


def outline(corpus: DataFrame) -> Outline:
    """Amounts, counted by the engine.

    Raises:
        DataError: the table holds no training text.
    """
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    counted = corpus.groupBy("split", "slice", "kind").agg(F.sum("bytes").alias("bytes"), F.count("doc_id").alias("n"))
    rows = counted.collect()
    sizes = {split: sum(row["bytes"] for row in rows if row["split"] == split) for split in {r["split"] for r in rows}}
    if "train" not in sizes:
        documents = {split: sum(row["n"] for row in rows if row["split"] == split) for split in sorted(sizes)}
        raise DataError(
            "gold.corpus has no training documents",
            cause=f"documents by split: {documents or 'none at all'}",
            remedy="look at what curate kept: kslm curate; a profile needs sources that yield text",
        )
    slices, kinds = ({row[name] for row in rows} for name in ("slice", "kind"))
    return Outline(sizes, tuple(sorted(slices)), tuple(sorted(kinds)))


def sample_texts(corpus: DataFrame, train_bytes: int, shares: Mapping[str, float]) -> list[str]:
    """Texts of about `train_bytes` of the train split, ordered by doc_id. They are in memory at once.

    Args:
        corpus: doc_id, split, slice, bytes and text.
        shares: of the slices; empty: the whole is one stratum.
    """
    train = corpus.where("split = 'train'")
    budgets = {name: train_bytes * share for name, share in shares.items()} if shares else {_ALL: float(train_bytes)}
    weigh = partial(_weigh, by_slice=bool(shares))
    weighed = train.select("doc_id", "slice", "bytes").mapInArrow(weigh, _WEIGHED)
    rows = weighed.groupBy("stratum", "bucket").sum("bytes").toArrow()
    limits = _limits(rows.rename_columns(["stratum", "bucket", "bytes"]), budgets)
    pick = partial(_pick, by_slice=bool(shares), limits=limits)
    picked = train.select("doc_id", "slice", "bytes", "text").mapInArrow(pick, _PICKED).toArrow()
    names = picked.drop_columns(["text"]).to_pylist()
    chosen: list[tuple[str, int]] = []
    held = dict.fromkeys(budgets, 0)
    for place in sorted(range(len(names)), key=lambda place: (names[place]["hash"], names[place]["doc_id"])):
        row = names[place]
        if held[row["stratum"]] < budgets[row["stratum"]]:
            held[row["stratum"]] += row["bytes"]
            chosen.append((row["doc_id"], place))
    texts = picked["text"]
    return [texts[place].as_py() for _, place in sorted(chosen)]


def _limits(weighed: pa.Table, budgets: Mapping[str, float]) -> dict[str, int]:
    """The last bucket of each stratum that the sample reaches into."""
    limits = {}
    strata = np.array(weighed["stratum"].to_pylist(), object)
    for stratum, budget in budgets.items():
        chosen = weighed.filter(pa.array(strata == stratum)).sort_by("bucket")
        if len(chosen):
            reached = int(np.searchsorted(np.cumsum(chosen["bytes"].to_numpy()), budget))
            limits[stratum] = chosen["bucket"][min(reached, len(chosen) - 1)].as_py()
    return limits


def _hashed(batch: pa.RecordBatch, by_slice: bool) -> tuple[list[str], list[bytes], np.ndarray]:
    """Stratum, hash and bucket of each row."""
    strata = batch.column("slice").to_pylist() if by_slice else [_ALL] * batch.num_rows
    hashes = [xxhash.xxh3_64_digest(doc_id.encode(), seed=SEED) for doc_id in batch.column("doc_id").to_pylist()]
    buckets = np.frombuffer(b"".join(hashes), ">u8").astype(np.uint64) // np.uint64(2**64 // BUCKETS)
    return strata, hashes, buckets.astype(np.int64)


def _weigh(batches: Iterable[pa.RecordBatch], *, by_slice: bool) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        strata, _, buckets = _hashed(batch, by_slice)
        columns = [pa.array(strata, pa.string()), pa.array(buckets, pa.int32()), batch.column("bytes")]
        yield pa.RecordBatch.from_arrays(columns, ["stratum", "bucket", "bytes"])


def _pick(batches: Iterable[pa.RecordBatch], *, by_slice: bool, limits: Mapping[str, int]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        strata, hashes, buckets = _hashed(batch, by_slice)
        bounds = np.array([limits.get(stratum, -1) for stratum in strata], np.int64)
        places = np.flatnonzero(buckets <= bounds)
        chosen = batch.take(pa.array(places))
        columns = [
            pa.array([strata[place] for place in places], pa.string()),
            pa.array([hashes[place] for place in places], pa.binary()),
            *(chosen.column(name) for name in ("doc_id", "bytes", "text")),
        ]
        yield pa.RecordBatch.from_arrays(columns, ["stratum", "hash", "doc_id", "bytes", "text"])
