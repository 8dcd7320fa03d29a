"""The tables' columns as Arrow types, and Parquet files written for the engine to read.

Rows that this process makes reach an engine as a Parquet file: a DataFrame made of local rows travels inside the query
(at most 128 MB on Databricks) and stays in memory as long as the query does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kslm.lake.tables import Table

_TYPES = {
    "STRING": pa.string(),
    "BIGINT": pa.int64(),
    "INT": pa.int32(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "BINARY": pa.binary(),
    "ARRAY<STRING>": pa.list_(pa.string()),
    "MAP<STRING,STRING>": pa.map_(pa.string(), pa.string()),
}
_FLUSH_ROWS = 20_000
_FLUSH_CHARS = 16 << 20


def arrow_schema(table: Table) -> pa.Schema:
    """The table's columns as an Arrow schema; all nullable."""
    return pa.schema([(name, _TYPES[kind]) for name, kind in table.columns.items()])


class ParquetSpool:
    """Collects rows of one table in a Parquet file, holding at most some 16 MB of them in memory."""

    def __init__(self, table: Table, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.table = table
        self.path = path
        self.rows = 0
        self._schema = arrow_schema(table)
        self._writer = pq.ParquetWriter(path, self._schema, compression="snappy")
        self._held: list[Mapping[str, Any]] = []
        self._chars = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one row; missing columns are null."""
        self._held.append(row)
        self._chars += sum([len(value) for value in row.values() if value.__class__ is str])
        self.rows += 1
        if len(self._held) >= _FLUSH_ROWS or self._chars >= _FLUSH_CHARS:
            self._flush()

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Take many rows at once, after those already held; the columns are the table's, in its order."""
        if self._held:
            self._flush()
        self._writer.write_batch(batch)
        self.rows += batch.num_rows

    def _flush(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._held, self._schema))
        self._held, self._chars = [], 0

    def close(self) -> None:
        """Finish the file; it is readable from now on."""
        self._flush()
        self._writer.close()


def to_batch(rows: Iterable[tuple[Any, ...]], table: Table) -> pa.RecordBatch:
    """Rows as one record batch with the table's columns."""
    schema = arrow_schema(table)
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def batches_of(table: Table, rows: Iterable[tuple[Any, ...]], limit: int) -> Iterator[pa.RecordBatch]:
    """Group rows of a table into record batches of about `limit` bytes, as its column `bytes` counts them."""
    size_of = list(table.columns).index("bytes")
    held: list[tuple[Any, ...]] = []
    size = 0
    for row in rows:
        held.append(row)
        size += row[size_of]
        if size >= limit:
            yield to_batch(held, table)
            held, size = [], 0
    if held:
        yield to_batch(held, table)


def with_columns(batch: pa.RecordBatch, columns: Mapping[str, Sequence[Any]]) -> pa.RecordBatch:
    """The batch with the values of some columns replaced."""
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else batch.column(field.name)
        for field in batch.schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)
