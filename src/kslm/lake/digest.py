"""Row digests: what "the same content" means, computed by us and not by an engine.

Engines' own hash functions differ, and maps compare differently or not at all. So a row is turned into canonical bytes
(each column as `length:value`, a null as `-:`; maps as JSON with sorted keys) and hashed with XXH3-128. A table's hash
is the sum of its rows' digests modulo 2^128, and the row count: independent of order, files and partitions.

Almost all of it is vectorised in Arrow; per row there is one call of the hash. Limits: XXH3 is not cryptographic, it
guards against accidents, not against somebody who forges rows; floating-point columns must be equal to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

_MODULUS = 1 << 128
_BINARY = pa.large_binary()


@dataclass(frozen=True)
class TableDigest:
    """Sum of row digests modulo 2^128, and how many there were."""

    total: int = 0
    rows: int = 0

    def __add__(self, other: TableDigest) -> TableDigest:
        return TableDigest((self.total + other.total) % _MODULUS, self.rows + other.rows)

    def __str__(self) -> str:
        return f"{self.total:032x}-{self.rows}"


def row_digests(batch: pa.RecordBatch, columns: Sequence[str]) -> list[int]:
    """One 128-bit digest a row, over `columns` in that order."""
    return [xxhash.xxh3_128_intdigest(row) for row in canonical_rows(batch, columns).to_pylist()]


def digest_of(batches: Iterable[pa.RecordBatch], columns: Sequence[str]) -> TableDigest:
    """The digest of all rows of `batches` over `columns`."""
    total, rows = 0, 0
    for batch in batches:
        total += sum(row_digests(batch, columns))
        rows += batch.num_rows
    return TableDigest(total % _MODULUS, rows)


def canonical_rows(batch: pa.RecordBatch, columns: Sequence[str]) -> pa.Array:
    """Rows as bytes, such that two rows give equal bytes only if they are equal."""
    parts = []
    for name in columns:
        cells = _cells(batch.column(batch.schema.get_field_index(name)))
        lengths = pc.fill_null(pc.cast(pc.binary_length(cells), pa.large_string()), "-")
        parts += [pc.cast(lengths, _BINARY), pc.fill_null(cells, b"")]
    return pc.binary_join_element_wise(*parts, pa.scalar(b":", _BINARY))


def _cells(column: pa.Array) -> pa.Array:
    """A column as bytes; nulls stay null."""
    kind = column.type
    if pa.types.is_nested(kind):
        values = [None if value is None else _canonical_json(kind, value) for value in column.to_pylist()]
        return pa.array(values, _BINARY)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pc.cast(column, _BINARY)
    return pc.cast(pc.cast(column, pa.large_string()), _BINARY)


def _canonical_json(kind: pa.DataType, value: object) -> bytes:
    if pa.types.is_map(kind):
        value = sorted(value)  # type: ignore[call-overload]
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode("ascii")


DIGEST_COLUMN = "_digest"


DIGEST_DIGITS = 32


def key_digests(
    key: Sequence[str], columns: Sequence[str], stamps: Sequence[str]
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for mapInArrow: the key columns, and the row's digests over `columns` and over `stamps`.

    Both are hexadecimal, of DIGEST_DIGITS each, in one column.
    """

    def keyed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            stamped = row_digests(batch, stamps) if stamps else [0] * batch.num_rows
            pairs = zip(row_digests(batch, columns), stamped, strict=True)
            digests = pa.array([f"{digest:032x}{stamp:032x}" for digest, stamp in pairs], pa.string())
            keys = [batch.column(batch.schema.get_field_index(name)) for name in key]
            yield pa.RecordBatch.from_arrays([*keys, digests], [*key, DIGEST_COLUMN])

    return keyed


PARTIAL_DDL = "total STRING, n_rows BIGINT"


def partial_digests(columns: Sequence[str]) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for mapInArrow: one row a partition, holding that partition's `TableDigest`."""

    def partial(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        digest = digest_of(batches, columns)
        yield pa.RecordBatch.from_arrays(
            [pa.array([f"{digest.total:032x}"], pa.string()), pa.array([digest.rows], pa.int64())], ["total", "n_rows"]
        )

    return partial
