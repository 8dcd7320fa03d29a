"""gold.instructions from the questions that are in gold.corpus: the item that travelled with a text, as columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import xxhash

from kslm.curate.records import to_batch
from kslm.lake.tables import INSTRUCTIONS


def instruction_rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows of gold.corpus with their `item` to rows of gold.instructions; for mapInArrow.

    Rows whose item is null are no questions and are left out. What is asked in two ways has two rows: item_id is
    xxh3-128 of table, key and text.
    """
    for batch in batches:
        rows = [_row(row, json.loads(row["item"])) for row in batch.to_pylist() if row["item"] is not None]
        yield to_batch(rows, INSTRUCTIONS)


def _row(row: dict[str, Any], item: dict[str, str]) -> tuple[object, ...]:
    identity = f"{item['table']}\0{item['key']}\0{row['text']}"
    values = {
        **{name: row[name] for name in ("doc_id", "text", "licence", "split", "split_group")},
        **{name: item[name] for name in ("intent", "context", "next_action")},
        **{f"fact_{name}": item[name] for name in ("table", "key")},
        "fact_version": item["version"] or None,
        "item_id": xxhash.xxh3_128_hexdigest(identity.encode()),
    }
    return tuple(values[name] for name in INSTRUCTIONS.columns)
