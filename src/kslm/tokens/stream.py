"""Documents of a split, in any order and as often as wanted, as one stream of tokens.

Only the documents' places are held in memory, 24 bytes a document; tokens are read from the shards' memory maps when
they are asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kslm.tokens.reader import TokenSplit

Array = NDArray[Any]


class Stream:
    """One document behind the other, each with its end-of-text token: `len(stream)` tokens, read as `stream[a:b]`.

    Args:
        split: where the documents lie.
        documents: (documents,) their numbers in the split; any of them may occur several times.

    Attributes:
        ends: (documents,) int64 offset in the stream behind each document's end-of-text token.
        slices: (documents,) uint8 index into `slice_names`.
        text_bytes: (documents,) uint64 UTF-8 bytes of each document.
    """

    def __init__(self, split: TokenSplit, documents: Array) -> None:
        self.split = split
        self.documents = documents
        self.slice_names = split.slice_names
        ends = split.ends.astype(np.int64)
        self.ends = np.cumsum(np.diff(ends, prepend=0)[documents])
        self._to_split = ends[documents] - self.ends

    @property
    def slices(self) -> NDArray[np.uint8]:
        """See the class."""
        return self.split.slices[self.documents]

    @property
    def text_bytes(self) -> NDArray[np.uint64]:
        """See the class."""
        return self.split.text_bytes[self.documents]

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def __getitem__(self, span: slice) -> Array:
        """The ids of a span of the stream: a view where one document in one part holds it; a step is not known."""
        start, stop, _ = span.indices(len(self))
        number = int(np.searchsorted(self.ends, start, "right"))
        pieces = []
        while start < stop:
            end, shift = min(int(self.ends[number]), stop), int(self._to_split[number])
            pieces.append(self.split.read(start + shift, end + shift))
            start, number = end, number + 1
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else self.split.read(0, 0)

    def place(self, offset: int) -> tuple[int, int]:
        """Which of the stream's documents holds an offset, and how many of its tokens lie before it."""
        number = int(np.searchsorted(self.ends, offset, "right"))
        return number, offset - (int(self.ends[number - 1]) if number else 0)

    def beginnings(self, count: int, length: int) -> NDArray[np.int64]:
        """The first `length` tokens of the first `count` documents that are longer: (documents, length)."""
        begins = np.concatenate([[0], self.ends[:-1]])
        longer = np.flatnonzero(self.ends - begins[: len(self.ends)] > length)[:count]
        rows = [self[int(begins[number]) : int(begins[number]) + length].astype(np.int64) for number in longer]
        return np.array(rows, dtype=np.int64).reshape(-1, length)
