"""Write token shards: the same bytes for the same documents, in whatever order they arrive.

Documents come from an engine that promises no order, and may not fit in memory. Their tokens are therefore spooled to
an unnamed scratch file as they arrive (a killed process leaves nothing behind), and gathered at the end in the order of
a 128-bit hash of doc_id: a fixed shuffle. Once the tokens of all are known, some documents may be left out and others
made to occur several times, apart from each other. Shards are written under their final names, because a rename on a
Volume copies the file; the manifest comes last and makes them valid.

Limits: one part a split. Memory holds 43 bytes a document, and disk twice the tokens while publishing.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from kslm import published
from kslm.errors import DataError
from kslm.published import FileRecord, write_atomically
from kslm.tokens.encoder import Encoded
from kslm.tokens.manifest import Lineage, Manifest, SplitRecord, dtype_for
from kslm.tokens.repeats import Chooser, Everything, shuffled, slice_counts
from kslm.tokens.tokenizer import EOT_ID, UNK_ID, huggingface_config, vocabulary

SPLITS = ("train", "val", "test")
BLOCK_TOKENS = 1 << 20
_ROW = np.dtype(
    [(name, "u8") for name in ("high", "low", "start", "length", "bytes")]
    + [(name, "u1") for name in ("split", "slice", "spare")]
)
"""What is kept of a document: both halves of its hash, where its tokens lie in the spool, and what it is."""


class ShardWriter:
    """Collects encoded documents and publishes them as one folder of shards.

    Args:
        folder: tokens/<fingerprint>/; a manifest in it is withdrawn before the first byte changes.
        tokenizer_json: the tokenizer the ids belong to.
        slices: slice names, in the order their indices are to have.
        scratch: folder for the spool; None for the system's temporary folder.
    """

    def __init__(
        self, folder: Path, tokenizer_json: str, slices: Sequence[str], *, scratch: Path | None = None
    ) -> None:
        self.folder = folder
        self.tokenizer_json = tokenizer_json
        self.vocab = vocabulary(tokenizer_json)
        self.dtype = dtype_for(len(self.vocab))
        self.slices = tuple(slices)
        if len(self.slices) > 256:
            raise DataError(f"{len(self.slices)} slices, and a shard's index holds at most 256")
        self._spool: IO[bytes] = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - closed by __exit__
        self._spooled = 0
        self._rows: list[NDArray[Any]] = []

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spool.close()

    def add(
        self,
        doc_ids: Sequence[str],
        splits: Sequence[str],
        slices: Sequence[str],
        text_bytes: Sequence[int],
        encoded: Encoded,
        *,
        spare: Sequence[bool] = (),
    ) -> None:
        """Take some documents' token ids, without end-of-text tokens.

        Args:
            spare: of training documents: whether others of their slice are to be taken before them; none by default.

        Raises:
            DataError: unknown split or slice, or an id that text cannot have.
        """
        rows = np.zeros(len(doc_ids), _ROW)
        rows["split"] = self._places("split", SPLITS, splits)
        rows["slice"] = self._places("slice", self.slices, slices)
        digests = b"".join(xxhash.xxh3_128_digest(doc_id.encode()) for doc_id in doc_ids)
        rows["high"], rows["low"] = np.frombuffer(digests, ">u8").reshape(-1, 2).T
        rows["start"] = self._spooled + np.cumsum(encoded.lengths) - encoded.lengths
        rows["length"], rows["bytes"] = encoded.lengths, text_bytes
        if len(spare):
            rows["spare"] = spare & (rows["split"] == SPLITS.index("train"))
        self._spool_ids(encoded.ids)
        self._rows.append(rows)

    def _places(self, what: str, names: Sequence[str], given: Sequence[str]) -> list[int]:
        places = {name: index for index, name in enumerate(names)}
        try:
            return [places[name] for name in given]
        except KeyError as error:
            raise DataError(f"a document is in {what} {error}, and there are {', '.join(names)}") from None

    def _spool_ids(self, ids: NDArray[np.uint32]) -> None:
        if len(ids) and (int(ids.max()) >= len(self.vocab) or int(ids.min()) <= UNK_ID):
            raise DataError(
                "a document holds a token id that text cannot have",
                cause=f"ids {UNK_ID + 1} to {len(self.vocab) - 1} are text; got {ids.min()} to {ids.max()}",
            )
        self._spool.write(ids.astype(self.dtype).data)
        self._spooled += len(ids)

    def publish(self, fingerprint: str, lineage: Lineage, choose: Chooser | None = None) -> Manifest:
        """Write every file, the manifest last.

        Args:
            choose: how often each document is to occur; by default, once.

        Raises:
            DataError: a document was given twice.
        """
        choose = choose or Everything()
        self.folder.mkdir(parents=True, exist_ok=True)
        published.withdraw(self.folder)
        rows = self._shuffled_rows()
        files, splits = self._write_tokenizer(), {}
        for index, split in enumerate(SPLITS):
            splits[split] = self._write_split(split, rows[rows["split"] == index], choose, files)
        manifest = Manifest(
            fingerprint=fingerprint,
            dtype="uint16" if self.dtype.itemsize == 2 else "uint32",
            vocab_size=len(self.vocab),
            eot_id=EOT_ID,
            slices=self.slices,
            splits=splits,
            mix=choose.record,
            tokenizer_sha256=files["tokenizer.json"].sha256,
            lineage=lineage,
            files=files,
        )
        manifest.save(self.folder)
        return manifest

    def _shuffled_rows(self) -> NDArray[Any]:
        """All documents in the order of their hashes."""
        rows = np.concatenate([np.zeros(0, _ROW), *self._rows])
        rows = rows[np.lexsort((rows["low"], rows["high"]))]
        if np.any((rows["high"][1:] == rows["high"][:-1]) & (rows["low"][1:] == rows["low"][:-1])):
            raise DataError("a doc_id occurs twice in the corpus", remedy="make the tables again: kslm curate --force")
        return rows

    def _write_split(
        self, split: str, rows: NDArray[Any], choose: Chooser, files: dict[str, FileRecord]
    ) -> SplitRecord:
        tokens = rows["length"].astype(np.int64) + 1
        slices, text_bytes = rows["slice"], rows["bytes"]
        preferred = np.argsort(rows["spare"], kind="stable")
        repeats = np.zeros(len(rows), np.uint8)
        repeats[preferred] = choose(split, tokens[preferred], slices[preferred], self.slices)
        written = shuffled(repeats, rows["high"], rows["low"])
        files[f"{split}.bin"] = _write(self.folder / f"{split}.bin", self._gathered(rows[written]))
        columns = {
            "idx": np.cumsum(tokens[written], dtype="<u8"),
            "slices": slices[written],
            "bytes": text_bytes[written].astype("<u8"),
        }
        for column, values in columns.items():
            name = f"{split}.{column}.npy"
            files[name] = _write(self.folder / name, _npy(values))
        by_slice = slice_counts(tokens, text_bytes, slices, repeats, self.slices)
        return SplitRecord(
            tokens=sum(part.tokens for part in by_slice.values()),
            documents=sum(part.documents for part in by_slice.values()),
            text_bytes=sum(part.text_bytes for part in by_slice.values()),
            by_slice=by_slice,
        )

    def _gathered(self, rows: NDArray[Any]) -> Iterator[bytes]:
        """Documents in the order of `rows`, each with its end-of-text token, in blocks of about BLOCK_TOKENS."""
        self._spool.flush()
        spool: NDArray[Any] = np.zeros(0, self.dtype)
        if self._spooled:
            spool = np.memmap(self._spool, self.dtype, "r").view(np.ndarray)  # slices of a memmap proper are slow
        end = np.full(1, EOT_ID, self.dtype)
        block: list[NDArray[Any]] = []
        held = 0
        for start, length in zip(rows["start"].tolist(), rows["length"].tolist(), strict=True):
            block += (spool[start : start + length], end)
            held += length + 1
            if held >= BLOCK_TOKENS:
                yield np.concatenate(block).tobytes()
                block, held = [], 0
        if block:
            yield np.concatenate(block).tobytes()

    def _write_tokenizer(self) -> dict[str, FileRecord]:
        """tokenizer.json, vocab.json and tokenizer_config.json: transformers loads the folder as it is."""
        texts = {
            "tokenizer.json": self.tokenizer_json,
            "vocab.json": json.dumps(self.vocab, ensure_ascii=False, indent=0),
            "tokenizer_config.json": json.dumps(huggingface_config(), indent=1),
        }
        files = {}
        for name, text in texts.items():
            write_atomically(self.folder / name, text)
            raw = text.encode()
            files[name] = FileRecord(bytes=len(raw), sha256=hashlib.sha256(raw).hexdigest())
        return files


def _write(path: Path, blocks: Iterator[bytes]) -> FileRecord:
    """Write blocks in sequence, as a Volume demands, and hash them on the way; on disk when this returns."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as stream:
        for block in blocks:
            stream.write(block)
            digest.update(block)
            size += len(block)
        stream.flush()
        os.fsync(stream.fileno())
    return FileRecord(bytes=size, sha256=digest.hexdigest())


def _npy(values: NDArray[Any]) -> Iterator[bytes]:
    """The array in numpy's own file format, version 1.0."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, version=(1, 0), allow_pickle=False)
    yield stream.getvalue()
