"""What the engine's tasks do with gold.corpus: encode documents, and write the parts they belong to.

A document travels between the two as its row of the index and its ids, some half of its text's size. A task of the
first kind takes any documents, one of the second kind all documents of its parts, so the shards do not depend on how
the engine divides the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kslm.errors import DataError
from kslm.tokens.encoder import Encoded, Encoder
from kslm.tokens.layout import ROW, Layout
from kslm.tokens.manifest import dtype_for
from kslm.tokens.tokenizer import token_bytes
from kslm.tokens.writer import PartsWriter

TAKEN = ("doc_id", "split", "slice", "kind", "bytes", "text")
"""Columns of gold.corpus that `encode` reads."""
ENCODED = "part INT, row BINARY, ids BINARY"
WRITTEN = "record STRING"
BATCH_BYTES = 8 << 20
"""Text encoded at a time."""
DECODED_SHARE = 16
_MAKING = Lock()
"""One task at a time makes the tools: on the embedded engine tasks are threads of one process and start together."""


class _Tools(NamedTuple):
    """The encoder, and what decoding is checked with: the bytes of each id, and how many they are."""

    encoder: Encoder
    spelling: list[bytes]
    lengths: NDArray[np.int64]
    dtype: np.dtype[Any]


@lru_cache(1)
def _tools(tokenizer_json: str) -> _Tools:
    spelling = token_bytes(tokenizer_json)
    lengths = np.array([len(token) for token in spelling])
    return _Tools(Encoder(tokenizer_json), spelling, lengths, dtype_for(len(spelling)))


def encode(batches: Iterable[pa.RecordBatch], *, tokenizer_json: str, layout: Layout) -> Iterator[pa.RecordBatch]:
    """Columns TAKEN to columns ENCODED; for mapInArrow.

    Raises:
        DataError: no usable encoder, or a document that does not survive encoding.
    """
    with _MAKING:
        tools = _tools(tokenizer_json)
    for batch in batches:
        for start, stop in _spans(batch.column("bytes").to_pylist()):
            yield _encoded(batch.slice(start, stop - start), tools, layout)


def _encoded(batch: pa.RecordBatch, tools: _Tools, layout: Layout) -> pa.RecordBatch:
    doc_ids, splits, slices, kinds, texts = (
        batch.column(name).to_pylist() for name in ("doc_id", "split", "slice", "kind", "text")
    )
    encoded = tools.encoder.encode(texts)
    sizes = pc.binary_length(batch.column("text")).to_numpy()
    rows = layout.rows(doc_ids, splits, slices, kinds, text_bytes=sizes, lengths=encoded.lengths)
    _check_round_trip(doc_ids, texts, rows, encoded, tools)
    ids = encoded.ids.astype(tools.dtype)
    arrays = [
        pa.array(rows["part"].astype(np.int32)),
        _binary(np.full(len(rows), ROW.itemsize), rows.tobytes()),
        _binary(encoded.lengths * tools.dtype.itemsize, ids),
    ]
    return pa.RecordBatch.from_arrays(arrays, ["part", "row", "ids"])


def write(
    batches: Iterable[pa.RecordBatch], *, folder: Path, layout: Layout, vocab_size: int, workplace: Path
) -> Iterator[pa.RecordBatch]:
    """Columns ENCODED, of all documents of some parts, to a `PartRecord` as JSON of each; for mapInArrow.

    Args:
        folder, workplace: as `PartsWriter` takes them, as this task's machine sees them.

    Raises:
        DataError: a document was given twice.
    """
    with PartsWriter(folder, layout, vocab_size, workplace) as writer:
        for batch in batches:
            rows = np.frombuffer(_bytes(batch.column("row")), ROW)
            writer.add(rows, np.frombuffer(_bytes(batch.column("ids")), writer.dtype))
        records = [record.model_dump_json() for record in writer.finish()]
    yield pa.RecordBatch.from_arrays([pa.array(records, pa.string())], ["record"])


def _check_round_trip(
    doc_ids: Sequence[str], texts: Sequence[str], rows: NDArray[Any], encoded: Encoded, tools: _Tools
) -> None:
    """Compare lengths for every document, and the bytes themselves for one in DECODED_SHARE, by its hash.

    No loop over all documents: on the embedded engine the tasks' Python takes turns.
    """
    decoded = np.zeros(len(rows), np.int64)
    starts = np.cumsum(encoded.lengths) - encoded.lengths
    if (filled := encoded.lengths > 0).any():  # reduceat takes an empty run for one of length 1
        decoded[filled] = np.add.reduceat(tools.lengths.take(encoded.ids), starts[filled])
    wrong = decoded != rows["bytes"].astype(np.int64)
    for place in np.flatnonzero(~wrong & (rows["low"] % np.uint64(DECODED_SHARE) == 0)).tolist():
        ids = encoded.ids[starts[place] : starts[place] + encoded.lengths[place]]
        wrong[place] = b"".join(map(tools.spelling.__getitem__, ids.tolist())) != texts[place].encode()
    if wrong.any():
        raise DataError(
            f"document {doc_ids[int(wrong.argmax())]} of gold.corpus does not decode to its own text",
            cause="the encoder lost or changed bytes",
            remedy="install the pinned versions: pip install -r requirements.txt",
        )


def _spans(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Consecutive ranges of about BATCH_BYTES."""
    start = total = 0
    for place, size in enumerate(sizes):
        total += size
        if total >= BATCH_BYTES:
            yield start, place + 1
            start, total = place + 1, 0
    if start < len(sizes):
        yield start, len(sizes)


def _binary(lengths: NDArray[Any], data: Any) -> pa.Array:
    """Values of these lengths, which lie end to end in `data`."""
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return pa.Array.from_buffers(pa.binary(), len(lengths), [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def _bytes(column: pa.Array) -> memoryview:
    """All values of a binary column, end to end."""
    column = pc.cast(column, pa.large_binary())
    offsets = np.frombuffer(column.buffers()[1], np.int64)[column.offset : column.offset + len(column) + 1]
    data = column.buffers()[2]
    return memoryview(data)[int(offsets[0]) : int(offsets[-1])] if data is not None and len(column) else memoryview(b"")
