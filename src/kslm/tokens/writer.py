"""Write token shards: the same bytes for the same documents, in whatever order they arrive.

Documents reach the writer of their part in any order, and a part need not fit in memory. Their tokens are therefore
spooled to an unnamed scratch file as they arrive (a killed process leaves nothing behind), and gathered at the end in
the order of their hashes. A file is finished in scratch and then moved to its name, so that a task that is run twice
leaves one whole file; the manifest comes last and makes the parts valid.

Limits: memory holds 46 bytes a document; scratch twice a part's tokens.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from kslm import published, scratch
from kslm.errors import DataError
from kslm.published import FileRecord, write_atomically
from kslm.tokens.layout import INDEX, ROW, SPLITS, Layout
from kslm.tokens.manifest import Counts, Lineage, Manifest, PartRecord, SplitRecord, dtype_for
from kslm.tokens.tokenizer import EOT_ID, UNK_ID, huggingface_config, vocabulary

BLOCK_TOKENS = 1 << 20


class PartsWriter:
    """Collects documents of one or several parts, and writes each part's files.

    Args:
        folder: tokens/<fingerprint>/.
        vocab_size: tokens there are; decides the width of an id.
        workplace: folder on a local disk, for the spool and unfinished files; it is made.
    """

    def __init__(self, folder: Path, layout: Layout, vocab_size: int, workplace: Path) -> None:
        self.folder = folder
        self.layout = layout
        self.vocab_size = vocab_size
        self.dtype = dtype_for(vocab_size)
        workplace.mkdir(parents=True, exist_ok=True)
        self._workplace = tempfile.TemporaryDirectory(dir=workplace)
        self._spool: IO[bytes] = tempfile.TemporaryFile(dir=self._workplace.name)  # noqa: SIM115 - closed by __exit__
        self._spooled = 0
        self._rows: list[NDArray[Any]] = []
        self._starts: list[NDArray[np.uint64]] = []

    def __enter__(self) -> PartsWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spool.close()
        self._workplace.cleanup()

    def add(self, rows: NDArray[Any], ids: NDArray[Any]) -> None:
        """Take some documents.

        Args:
            rows: (documents,) of `layout.ROW`.
            ids: (tokens,) of all of them, end to end, without end-of-text tokens.

        Raises:
            DataError: an id that text cannot have.
        """
        if len(ids) and (int(ids.max()) >= self.vocab_size or int(ids.min()) <= UNK_ID):
            raise DataError(
                "a document holds a token id that text cannot have",
                cause=f"ids {UNK_ID + 1} to {self.vocab_size - 1} are text; got {ids.min()} to {ids.max()}",
            )
        lengths = rows["length"]
        self._starts.append(np.uint64(self._spooled) + np.cumsum(lengths) - lengths)
        self._rows.append(rows)
        self._spool.write(ids.astype(self.dtype, copy=False).data)
        self._spooled += len(ids)

    def finish(self) -> list[PartRecord]:
        """Write the files of every part that has documents.

        Raises:
            DataError: a document was given twice.
        """
        rows = np.concatenate([np.zeros(0, ROW), *self._rows])
        starts = np.concatenate([np.zeros(0, np.uint64), *self._starts])
        order = np.lexsort((rows["low"], rows["high"], rows["part"]))
        rows, starts = rows[order], starts[order]
        same = np.logical_and.reduce([rows[name][1:] == rows[name][:-1] for name in ("part", "high", "low")])
        if np.any(same):
            raise DataError("a doc_id occurs twice in the corpus", remedy="make the tables again: kslm curate --force")
        numbers, begins = np.unique(rows["part"], return_index=True)
        ends = np.append(begins, len(rows))[1:]
        return [
            self._write_part(int(part), rows[begin:end], starts[begin:end])
            for part, begin, end in zip(numbers, begins, ends, strict=True)
        ]

    def _write_part(self, part: int, rows: NDArray[Any], starts: NDArray[np.uint64]) -> PartRecord:
        index = np.zeros(len(rows), INDEX)
        tokens = rows["length"].astype(np.int64) + 1
        index["end"], index["hash"] = np.cumsum(tokens), rows["high"]
        for name in ("bytes", "slice", "kind"):
            index[name] = rows[name]
        stem = self.layout.stem(part)
        files = {
            f"{stem}.bin": self._write(f"{stem}.bin", self._gathered(starts, rows["length"])),
            f"{stem}.idx.npy": self._write(f"{stem}.idx.npy", [_npy(index)]),
        }
        by_slice = {}
        for number, name in enumerate(self.layout.slices):
            chosen = rows["slice"] == number
            if chosen.any():
                by_slice[name] = Counts(
                    tokens=int(tokens[chosen].sum()),
                    documents=int(chosen.sum()),
                    text_bytes=int(rows["bytes"][chosen].sum()),
                )
        return PartRecord(part=part, by_slice=by_slice, files=files)

    def _gathered(self, starts: NDArray[np.uint64], lengths: NDArray[np.uint64]) -> Iterator[bytes]:
        """Documents in order, each with its end-of-text token, in blocks of about BLOCK_TOKENS."""
        self._spool.flush()
        spool: NDArray[Any] = np.zeros(0, self.dtype)
        if self._spooled:
            spool = np.memmap(self._spool, self.dtype, "r").view(np.ndarray)  # slices of a memmap proper are slow
        end = np.full(1, EOT_ID, self.dtype)
        block: list[NDArray[Any]] = []
        held = 0
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
            block += (spool[start : start + length], end)
            held += length + 1
            if held >= BLOCK_TOKENS:
                yield np.concatenate(block).tobytes()
                block, held = [], 0
        if block:
            yield np.concatenate(block).tobytes()

    def _write(self, name: str, blocks: Iterable[bytes]) -> FileRecord:
        """Write blocks in sequence, hash them on the way, and bring the file to its place."""
        unfinished = Path(self._workplace.name) / name
        digest, size = hashlib.sha256(), 0
        with unfinished.open("wb") as stream:
            for block in blocks:
                stream.write(block)
                digest.update(block)
                size += len(block)
        scratch.move(unfinished, self.folder / name)
        return FileRecord(bytes=size, sha256=digest.hexdigest())


def publish(
    folder: Path,
    tokenizer_json: str,
    layout: Layout,
    parts: Iterable[PartRecord],
    *,
    fingerprint: str,
    lineage: Lineage,
) -> Manifest:
    """Seal a folder whose parts were written, its tokenizer and the parts without documents added here.

    Args:
        parts: what `PartsWriter.finish` returned, from wherever they were written.

    Raises:
        DataError: a part was written twice with different bytes, or a file is not there as it was written.
    """
    written: dict[int, PartRecord] = {}
    for record in parts:
        if written.setdefault(record.part, record) != record:
            raise DataError(
                f"token shard {layout.stem(record.part)} was written by two tasks, with different bytes",
                cause="documents of one part reached two tasks, or gold.corpus changed while it was read",
                remedy="run the stage again: kslm tokenize",
            )
    vocab = vocabulary(tokenizer_json)
    files = _write_tokenizer(folder, tokenizer_json, vocab)
    empty = np.zeros(0, INDEX)
    for part in sorted({*range(sum(layout.parts))} - written.keys()):
        stem = layout.stem(part)
        contents = {f"{stem}.bin": b"", f"{stem}.idx.npy": _npy(empty)}
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        written[part] = PartRecord(part=part, by_slice={}, files={name: _record(raw) for name, raw in contents.items()})
    for part in sorted(written):
        files |= written[part].files
    for name, cause in published.faults(folder, files, hashes=False):
        raise DataError(
            f"token shard {folder / name} is not as it was written",
            cause=f"{cause}; do all workers see this folder?",
            remedy="run the stage again: kslm tokenize; KSLM_HOME must be a path that every worker can write",
        )
    for path in folder.iterdir():
        if path.is_file() and path.name not in files:
            path.unlink()
    manifest = Manifest(
        fingerprint=fingerprint,
        dtype="uint16" if dtype_for(len(vocab)).itemsize == 2 else "uint32",
        vocab_size=len(vocab),
        eot_id=EOT_ID,
        slices=layout.slices,
        kinds=layout.kinds,
        splits=_splits(layout, written),
        tokenizer_sha256=files["tokenizer.json"].sha256,
        lineage=lineage,
        files=files,
    )
    manifest.save(folder)
    return manifest


def _splits(layout: Layout, written: dict[int, PartRecord]) -> dict[str, SplitRecord]:
    splits = {}
    for split, parts in zip(SPLITS, layout.parts, strict=True):
        records = [record for part, record in written.items() if layout.split_of(part) == split]
        by_slice = {
            name: sum((record.by_slice.get(name, Counts()) for record in records), Counts()) for name in layout.slices
        }
        total = sum(by_slice.values(), Counts())
        splits[split] = SplitRecord(**total.model_dump(), parts=parts, by_slice=by_slice)
    return splits


def _write_tokenizer(folder: Path, tokenizer_json: str, vocab: dict[str, int]) -> dict[str, FileRecord]:
    """tokenizer.json, vocab.json and tokenizer_config.json: transformers loads the folder as it is."""
    texts = {
        "tokenizer.json": tokenizer_json,
        "vocab.json": json.dumps(vocab, ensure_ascii=False, indent=0),
        "tokenizer_config.json": json.dumps(huggingface_config(), indent=1),
    }
    for name, text in texts.items():
        write_atomically(folder / name, text)
    return {name: _record(text.encode()) for name, text in texts.items()}


def _record(raw: bytes) -> FileRecord:
    return FileRecord(bytes=len(raw), sha256=hashlib.sha256(raw).hexdigest())


def _npy(values: NDArray[Any]) -> bytes:
    """The array in numpy's own file format, version 1.0."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, version=(1, 0), allow_pickle=False)
    return stream.getvalue()
