"""Read token shards through memory maps, refusing any that disagree with their manifest.

Sizes, types and offsets are checked whenever a folder is opened, hashes on request: hashing reads every byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kslm import published
from kslm.errors import DataError
from kslm.tokens.layout import INDEX, part_stem
from kslm.tokens.manifest import Manifest

Array = NDArray[Any]


@dataclass(frozen=True)
class TokenSplit:
    """One split, document by document, in the order of the shards.

    Attributes:
        parts: arrays of token ids, uint16 or uint32, memory-mapped and read-only: end to end, the split's tokens.
        index: (documents,) of `layout.INDEX`, with `end` counted from the split's beginning.
        slice_names, kind_names: what the index's numbers stand for.
    """

    name: str
    parts: tuple[Array, ...]
    index: Array
    slice_names: tuple[str, ...]
    kind_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.index)

    @property
    def ends(self) -> NDArray[np.uint64]:
        """(documents,) uint64 offset behind each document's end-of-text token."""
        return self.index["end"]

    @property
    def slices(self) -> NDArray[np.uint8]:
        """(documents,) uint8 index into `slice_names`."""
        return self.index["slice"]

    @property
    def text_bytes(self) -> NDArray[np.uint64]:
        """(documents,) uint64 UTF-8 bytes of each document."""
        return self.index["bytes"]

    @property
    def tokens(self) -> int:
        """Tokens of the split, end-of-text tokens counted."""
        return int(self._bounds[-1])

    def read(self, start: int, stop: int) -> Array:
        """The ids at [start, stop) of the split: a view where they lie in one part."""
        bounds = self._bounds
        first = min(int(np.searchsorted(bounds, start, "right")), len(self.parts) - 1)
        begin = int(bounds[first - 1]) if first else 0
        if stop <= bounds[first]:
            return self.parts[first][start - begin : stop - begin]
        pieces = []
        for number in range(first, len(self.parts)):
            pieces.append(self.parts[number][max(start - begin, 0) : stop - begin])
            begin = int(bounds[number])
            if begin >= stop:
                break
        return np.concatenate(pieces)

    @cached_property
    def _bounds(self) -> NDArray[np.int64]:
        return np.cumsum([len(part) for part in self.parts], dtype=np.int64)

    def document(self, number: int) -> Array:
        """Token ids of one document, its end-of-text token included."""
        return self.read(int(self.ends[number - 1]) if number else 0, int(self.ends[number]))


class ShardReader:
    """A folder of shards.

    Args:
        folder: tokens/<fingerprint>/.
        verify: also compare the sha256 of every file.

    Raises:
        DataError: no manifest, or a file is missing, truncated, altered or of another type than it says.
    """

    def __init__(self, folder: Path, *, verify: bool = False) -> None:
        self.folder = folder
        self.manifest = Manifest.load(folder)
        for name, cause in published.faults(folder, self.manifest.files, hashes=verify):
            raise self._refuse(name, cause)

    def split(self, name: str) -> TokenSplit:
        """Open one split: "train", "val" or "test"."""
        if name not in self.manifest.splits:
            raise DataError(f"{self.folder} has no split {name!r}", remedy=f"one of: {', '.join(self.manifest.splits)}")
        record = self.manifest.splits[name]
        stems = [part_stem(name, part, record.parts) for part in range(record.parts)]
        indexes = [self._index(stem) for stem in stems]
        parts = tuple(self._tokens(stem, index) for stem, index in zip(stems, indexes, strict=True))
        offset = 0
        for index, part in zip(indexes, parts, strict=True):
            index["end"] += np.uint64(offset)
            offset += len(part)
        index = np.concatenate(indexes)
        if (offset, len(index)) != (record.tokens, record.documents):
            raise self._refuse(
                f"{name}-*",
                f"{offset:,} tokens of {len(index):,} documents, not {record.tokens:,} of {record.documents:,}",
            )
        return TokenSplit(name, parts, index, self.manifest.slices, self.manifest.kinds)

    def _tokens(self, stem: str, index: Array) -> Array:
        dtype = self.manifest.numpy_dtype
        count = int(index["end"][-1]) if len(index) else 0
        if self.manifest.files[f"{stem}.bin"].bytes != count * dtype.itemsize:
            raise self._refuse(f"{stem}.bin", f"not {count:,} tokens of {self.manifest.dtype}")
        if not count:
            return np.zeros(0, dtype)
        return np.memmap(self.folder / f"{stem}.bin", dtype, "r").view(np.ndarray)

    def _index(self, stem: str) -> Array:
        file = f"{stem}.idx.npy"
        try:
            index = np.load(self.folder / file, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise self._refuse(file, str(error)) from None
        if index.dtype != INDEX or index.ndim != 1:
            raise self._refuse(file, f"it holds {index.dtype} {index.shape}, not {INDEX}")
        if not np.all(index["end"][1:] > index["end"][:-1]):
            raise self._refuse(file, "offsets do not ascend")
        for column, names in (("slice", self.manifest.slices), ("kind", self.manifest.kinds)):
            if len(index) and int(index[column].max()) >= len(names):
                raise self._refuse(file, f"it names a {column} that the manifest does not")
        return index

    def _refuse(self, name: str, cause: str) -> DataError:
        return DataError(
            f"token shard {self.folder / name} disagrees with its manifest",
            cause=cause,
            remedy="make the shards again: kslm tokenize --force",
        )
