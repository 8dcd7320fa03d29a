"""manifest.json: what a folder of shards holds. See `kslm.published` for how it makes the folder complete."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from kslm import published
from kslm.errors import DataError
from kslm.published import MANIFEST, FileRecord

FORMAT_VERSION = 4


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Counts(_Record):
    """Amounts of one slice, or of a whole part or split. `tokens` counts the end-of-text token of each document."""

    tokens: int = 0
    documents: int = 0
    text_bytes: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            tokens=self.tokens + other.tokens,
            documents=self.documents + other.documents,
            text_bytes=self.text_bytes + other.text_bytes,
        )


class PartRecord(_Record):
    """One part as it was written: its number in the layout, its amounts by slice, and its files."""

    part: int
    by_slice: dict[str, Counts]
    files: dict[str, FileRecord]


class SplitRecord(Counts):
    """One split, its parts, and its amounts by slice."""

    parts: int
    by_slice: dict[str, Counts]


class Lineage(_Record):
    """Which content the tokens were made of, and by which code.

    Attributes:
        tables: versions of all tables behind `table`, as the run that made it left them; empty where it told of none.
    """

    table: str
    version: int
    content_hash: str
    code_version: str
    tables: dict[str, int] = {}


class Manifest(_Record):
    """Everything a reader needs to know before it opens a shard.

    Attributes:
        dtype: of the .bin files, little-endian: uint32 only when the vocabulary exceeds 65,536 tokens.
        vocab_size: tokens in tokenizer.json, special ones included; ids are below it.
        slices, kinds: names; the indexes hold places in these lists.
        files: every file but the manifest, by name.
    """

    format_version: Literal[4] = 4
    fingerprint: str
    dtype: Literal["uint16", "uint32"]
    vocab_size: int
    eot_id: int
    slices: tuple[str, ...]
    kinds: tuple[str, ...]
    splits: dict[str, SplitRecord]
    tokenizer_sha256: str
    lineage: Lineage
    files: dict[str, FileRecord]

    @property
    def numpy_dtype(self) -> np.dtype[np.unsignedinteger]:
        """`dtype` as numpy spells it, little-endian on every machine."""
        return np.dtype("<u2" if self.dtype == "uint16" else "<u4")

    @property
    def content_id(self) -> str:
        """Hash of the files' hashes: equal for equal shards, whichever engine or table version they came from."""
        lines = "".join(f"{name} {record.sha256}\n" for name, record in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()[:32]

    def save(self, folder: Path) -> None:
        """Publish the folder."""
        published.seal(folder, self.model_dump(mode="json"))

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read manifest.json of a folder.

        Raises:
            DataError: there is none, or it is not a manifest of this format.
        """
        path = folder / MANIFEST
        record = published.manifest_of(folder)
        if record is None:
            raise DataError(
                f"no readable manifest at {path}",
                cause="it is damaged" if path.exists() else "the shards were never finished",
                remedy="make the shards again: kslm tokenize --force",
            )
        try:
            return cls.model_validate(record)
        except ValidationError as error:
            first = error.errors()[0]
            raise DataError(
                f"{path} is not a manifest of format {FORMAT_VERSION}",
                cause=f"{'.'.join(map(str, first['loc'])) or 'file'}: {first['msg']}",
                remedy="make the shards again: kslm tokenize --force",
            ) from None


def dtype_for(vocab_size: int) -> np.dtype[np.unsignedinteger]:
    """Smallest of uint16 and uint32 (little-endian) that holds every id below `vocab_size`."""
    return np.dtype("<u2" if vocab_size <= 1 << 16 else "<u4")
