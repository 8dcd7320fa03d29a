"""Where a document's tokens go: into which part of its split, and at which place there.

Shards hold every document of the corpus once. A split is cut into parts by ranges of a 128-bit hash of doc_id, and a
part's documents lie in ascending order of that hash: a fixed shuffle, whose bytes depend neither on the engine nor on
how it divides the work. How many parts there are follows from the amount of text alone.

Limits: parts are even only as far as the hash is; one document lies in one part, however long it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from kslm.errors import DataError

SPLITS = ("train", "val", "test")
PART_BYTES = 64 << 20
"""Text of one part, about: some 16 M tokens."""

INDEX = np.dtype([("end", "<u8"), ("hash", "<u8"), ("bytes", "<u8"), ("slice", "u1"), ("kind", "u1")])
"""A row of `<part>.idx.npy`, one a document: offset in its part behind its end-of-text token, the first half of the
hash it is ordered by, UTF-8 bytes of its text, and places in the manifest's lists of slices and kinds."""

ROW = np.dtype(
    [(name, "<u8") for name in ("high", "low", "bytes", "length")] + [("part", "<u4"), ("slice", "u1"), ("kind", "u1")]
)
"""A document on its way to its part: both halves of its hash, its bytes and tokens, and the numbers of its places."""

_NAMES = 256


@dataclass(frozen=True)
class Layout:
    """The parts of all splits; small enough to travel with a function to every worker.

    Attributes:
        slices, kinds: names, in the order of their numbers.
        parts: of each of SPLITS.
    """

    slices: tuple[str, ...]
    kinds: tuple[str, ...]
    parts: tuple[int, ...]

    @classmethod
    def of(cls, text_bytes: Mapping[str, int], slices: Sequence[str], kinds: Sequence[str]) -> Layout:
        """The layout of a corpus.

        Args:
            text_bytes: of each split.

        Raises:
            DataError: more slices or kinds than a byte can number.
        """
        for what, names in (("slices", slices), ("kinds", kinds)):
            if len(names) > _NAMES:
                raise DataError(f"{len(names)} {what}, and a shard's index holds at most {_NAMES}")
        parts = tuple(-(-max(1, text_bytes.get(split, 0)) // PART_BYTES) for split in SPLITS)
        return cls(tuple(slices), tuple(kinds), parts)

    def stem(self, part: int) -> str:
        """Name of a part's files without their suffix; parts of all splits are numbered through."""
        for split, parts in zip(SPLITS, self.parts, strict=True):
            if part < parts:
                return part_stem(split, part, parts)
            part -= parts
        raise IndexError(part)

    def split_of(self, part: int) -> str:
        """The split a part is of."""
        return str(np.repeat(SPLITS, self.parts)[part])

    def rows(
        self,
        doc_ids: Sequence[str],
        splits: Sequence[str],
        slices: Sequence[str],
        kinds: Sequence[str],
        *,
        text_bytes: Sequence[int],
        lengths: NDArray[Any],
    ) -> NDArray[Any]:
        """Place documents: (documents,) of ROW.

        Args:
            lengths: (documents,) tokens of each, without an end-of-text token.

        Raises:
            DataError: a split, slice or kind that the layout does not know: the corpus is not the one it was made for.
        """
        rows = np.zeros(len(doc_ids), ROW)
        digests = b"".join(xxhash.xxh3_128_digest(doc_id.encode()) for doc_id in doc_ids)
        rows["high"], rows["low"] = np.frombuffer(digests, ">u8").reshape(-1, 2).T
        rows["bytes"], rows["length"] = text_bytes, lengths
        rows["slice"] = _places("slice", self.slices, slices)
        rows["kind"] = _places("kind", self.kinds, kinds)
        split = np.array(_places("split", SPLITS, splits), np.int64)
        parts = np.array(self.parts, np.uint64)[split]
        before = (np.cumsum(self.parts) - self.parts)[split]
        rows["part"] = before + (((rows["high"] >> np.uint64(32)) * parts) >> np.uint64(32)).astype(np.int64)
        return rows


def part_stem(split: str, part: int, parts: int) -> str:
    """Name of the files of one of a split's parts, without their suffix."""
    return f"{split}-{part:05}-of-{parts:05}"


def _places(what: str, names: Sequence[str], given: Sequence[str]) -> list[int]:
    places = {name: index for index, name in enumerate(names)}
    try:
        return [places[name] for name in given]
    except KeyError as error:
        raise DataError(
            f"a document is in {what} {error}, and there are {', '.join(names)}",
            cause="gold.corpus changed while it was read",
            remedy="run the stage again: kslm tokenize",
        ) from None
