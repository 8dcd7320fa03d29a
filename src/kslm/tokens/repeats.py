"""How often each document occurs in a shard, where its further occurrences go, and what the manifest says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kslm.tokens.manifest import MixRecord, SliceCounts

Repeats = NDArray[np.uint8]
"""(documents,) times each is to occur; 0 leaves it out."""

_ODD = 0x9E3779B97F4A7C15


class Chooser(Protocol):
    """Decides, split by split, how often each document is to occur."""

    def __call__(
        self, split: str, tokens: NDArray[np.int64], slices: NDArray[np.uint8], names: Sequence[str]
    ) -> Repeats:
        """Repeats of the documents of a split.

        Args:
            tokens: (documents,) of each, its end-of-text token included, in the order of the shuffle,
                those that can be spared last.
            slices: (documents,) index into `names`.
        """

    @property
    def record(self) -> MixRecord | None:
        """What the manifest is to say; read when all splits have been chosen."""


class Everything:
    """Every document once."""

    record = None

    def __call__(
        self, split: str, tokens: NDArray[np.int64], slices: NDArray[np.uint8], names: Sequence[str]
    ) -> Repeats:
        """Ones."""
        return np.ones(len(tokens), np.uint8)


def shuffled(repeats: Repeats, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Positions of documents in the order they are written, each as often as it occurs.

    Args:
        high, low: (documents,) halves of a hash of each, ascending: the order of first occurrences.

    A hash times an odd number is another order of all hashes: one for each further occurrence, so that the occurrences
    of a document lie apart.
    """
    rounds = range(int(repeats.max(initial=0)))
    positions = np.concatenate([np.zeros(0, np.int64), *(np.flatnonzero(repeats > number) for number in rounds)])
    multiplier = np.concatenate(
        [
            np.zeros(0, np.uint64),
            *(
                np.full(int((repeats > number).sum()), (1 + number * (_ODD - 1)) % 2**64, np.uint64)
                for number in rounds
            ),
        ]
    )
    return positions[np.lexsort((multiplier, low[positions], high[positions] * multiplier))]


def slice_counts(
    tokens: NDArray[np.int64], text_bytes: NDArray[Any], slices: NDArray[Any], repeats: Repeats, names: Sequence[str]
) -> dict[str, SliceCounts]:
    """What lies in a split of each slice, what of that is repetition, and what was left out."""
    copies = repeats.astype(np.int64)
    again, out = np.maximum(copies - 1, 0), (copies == 0).astype(np.int64)

    def totals(chosen: NDArray[np.bool_]) -> SliceCounts:
        return SliceCounts(
            tokens=int((tokens * copies)[chosen].sum()),
            documents=int(copies[chosen].sum()),
            text_bytes=int((text_bytes.astype(np.int64) * copies)[chosen].sum()),
            repeated_documents=int(again[chosen].sum()),
            repeated_tokens=int((tokens * again)[chosen].sum()),
            left_out_documents=int(out[chosen].sum()),
            left_out_tokens=int((tokens * out)[chosen].sum()),
        )

    return {name: totals(slices == index) for index, name in enumerate(names)}
