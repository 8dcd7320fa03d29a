"""Read token shards through a memory map, refusing any that disagree with their manifest.

Sizes, types and offsets are checked whenever a folder is opened, hashes on request: hashing reads every byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kslm import published
from kslm.errors import DataError
from kslm.tokens.manifest import Manifest

Array = NDArray[Any]


@dataclass(frozen=True)
class TokenSplit:
    """One split, document by document.

    Attributes:
        tokens: (tokens,) ids, uint16 or uint32, memory-mapped and read-only.
        ends: (documents,) uint64 offset behind each document's end-of-text token.
        slices: (documents,) uint8 index into `slice_names`.
        text_bytes: (documents,) uint64 UTF-8 bytes of each document.
        slice_names: names, as in the manifest.
    """

    name: str
    tokens: Array
    ends: NDArray[np.uint64]
    slices: NDArray[np.uint8]
    text_bytes: NDArray[np.uint64]
    slice_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ends)

    def document(self, index: int) -> Array:
        """Token ids of one document, its end-of-text token included."""
        start = int(self.ends[index - 1]) if index else 0
        return self.tokens[start : int(self.ends[index])]

    def beginnings(self, count: int, length: int) -> NDArray[np.int64]:
        """The first `length` tokens of the first `count` documents that are longer: (documents, length)."""
        lengths = np.diff(self.ends.astype(np.int64), prepend=0)
        documents = np.flatnonzero(lengths > length)[:count]
        rows = [self.document(int(index))[:length].astype(np.int64) for index in documents]
        return np.array(rows, dtype=np.int64).reshape(-1, length)


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
        ends = self._column(name, "idx", np.dtype("<u8"), record.documents)
        slices = self._column(name, "slices", np.dtype("u1"), record.documents)
        text_bytes = self._column(name, "bytes", np.dtype("<u8"), record.documents)
        if (int(ends[-1]) if len(ends) else 0) != record.tokens:
            raise self._refuse(f"{name}.idx.npy", "its last offset is not the manifest's number of tokens")
        if not np.all(ends[1:] > ends[:-1]):
            raise self._refuse(f"{name}.idx.npy", "offsets do not ascend")
        if len(slices) and int(slices.max()) >= len(self.manifest.slices):
            raise self._refuse(f"{name}.slices.npy", "it names a slice that the manifest does not")
        return TokenSplit(name, self._tokens(name, record.tokens), ends, slices, text_bytes, self.manifest.slices)

    def _tokens(self, name: str, count: int) -> Array:
        dtype = self.manifest.numpy_dtype
        file = f"{name}.bin"
        if self.manifest.files[file].bytes != count * dtype.itemsize:
            raise self._refuse(file, f"not {count:,} tokens of {self.manifest.dtype}")
        if not count:
            return np.zeros(0, dtype)
        return np.memmap(self.folder / file, dtype, "r")

    def _column(self, split: str, column: str, dtype: np.dtype[Any], length: int) -> Array:
        file = f"{split}.{column}.npy"
        try:
            array = np.load(self.folder / file, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise self._refuse(file, str(error)) from None
        if array.dtype != dtype or array.shape != (length,):
            raise self._refuse(file, f"it holds {array.dtype} {array.shape}, not {dtype} ({length},)")
        return array

    def _refuse(self, name: str, cause: str) -> DataError:
        return DataError(
            f"token shard {self.folder / name} disagrees with its manifest",
            cause=cause,
            remedy="make the shards again: kslm tokenize --force",
        )
