"""Read gold.corpus for the tokenizer: its outline, a training sample that any engine chooses alike, and its texts.

The engine delivers rows in no promised order, so what depends on order is decided here, by hashes of doc_id.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
import xxhash

from kslm.errors import DataError

Read = Callable[..., Iterable[pa.RecordBatch]]
"""Called with column names; yields the whole table's batches of those columns, in any order."""

SAMPLE_SEED = 1


class Documents(NamedTuple):
    """Columns of some rows of gold.corpus."""

    doc_id: list[str]
    split: list[str]
    kind: list[str]
    slice: list[str]
    text: list[str]


@dataclass(frozen=True)
class Outline:
    """What can be said of the corpus without its text.

    Attributes:
        bytes: of all text.
        slices: names that occur, sorted.
        sample: doc_ids whose text the tokenizer is trained on.
    """

    bytes: int
    slices: tuple[str, ...]
    sample: frozenset[str]


def outline(read: Read, train_bytes: int, shares: Mapping[str, float]) -> Outline:
    """Scan the table without its text, and choose about `train_bytes` of the train split as the sample.

    The sample is the documents with the smallest hashes, so it does not depend on order, and grows smoothly. Where the
    slices are to have shares, each gives its share of the bytes, or all it has.

    Raises:
        DataError: the table holds no training text.
    """
    train: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
    splits: Counter[str] = Counter()
    slices: set[str] = set()
    total = 0
    for batch in read("doc_id", "split", "slice", "bytes"):
        rows = zip(*(batch.column(name).to_pylist() for name in ("doc_id", "split", "slice", "bytes")), strict=True)
        for doc_id, split, slice_name, size in rows:
            splits[split] += 1
            slices.add(slice_name)
            total += size
            if split == "train":
                stratum = slice_name if shares else ""
                train[stratum].append((xxhash.xxh3_64_intdigest(doc_id.encode(), seed=SAMPLE_SEED), doc_id, size))
    if not train:
        raise DataError(
            "gold.corpus has no training documents",
            cause=f"documents by split: {dict(splits) or 'none at all'}",
            remedy="look at what curate kept: kslm curate; a profile needs sources that yield text",
        )
    budgets = {name: train_bytes * share for name, share in shares.items()} if shares else {"": train_bytes}
    sample = [doc_id for name, budget in budgets.items() for doc_id in _first(train[name], budget)]
    return Outline(total, tuple(sorted(slices)), frozenset(sample))


def _first(documents: list[tuple[int, str, int]], budget: float) -> Iterator[str]:
    """Ids of the documents (hash, id, bytes) with the smallest hashes, until they reach `budget` bytes."""
    held = 0
    for _, doc_id, size in sorted(documents):
        if held >= budget:
            return
        yield doc_id
        held += size


def sample_texts(read: Read, sample: frozenset[str]) -> list[str]:
    """The sample's texts, ordered by doc_id. All of them are in memory at once: `train_bytes` bounds them."""
    chosen: list[tuple[str, str]] = []
    for batch in read("doc_id", "text"):
        rows = zip(batch.column("doc_id").to_pylist(), batch.column("text"), strict=True)
        chosen.extend((doc_id, text.as_py()) for doc_id, text in rows if doc_id in sample)
    return [text for _, text in sorted(chosen)]


def documents(read: Read) -> Iterator[Documents]:
    """All documents, a batch at a time, in the engine's order."""
    for batch in read(*Documents._fields):
        yield Documents(*(batch.column(name).to_pylist() for name in Documents._fields))
