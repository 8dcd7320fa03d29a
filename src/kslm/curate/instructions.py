"""gold.instructions from the questions that are in gold.corpus: the item that travelled with a text, as columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import xxhash

from kslm.lake.arrow import to_batch
from kslm.lake.tables import INSTRUCTIONS

TAKEN = ("doc_id", "text", "version", "licence", "split", "split_group", "item")
"""Columns that a question's row is made of."""


def instruction_rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Columns TAKEN of gold.corpus and its items to rows of gold.instructions; for mapInArrow.

    Rows whose item is null are no questions and are left out. What is asked in two ways has two rows: item_id is
    xxh3-128 of table, key and text.
    """
    for batch in batches:
        columns = (batch.column(name).to_pylist() for name in TAKEN)
        yield to_batch([_row(*row) for row in zip(*columns, strict=True) if row[-1] is not None], INSTRUCTIONS)


def _row(  # noqa: PLR0917 (one for each of TAKEN)
    doc_id: str, text: str, version: str | None, licence: str | None, split: str, split_group: str, item: str
) -> tuple[object, ...]:
    """A row of gold.instructions, in its order."""
    question: dict[str, Any] = json.loads(item)
    table, key = question["table"], question["key"]
    item_id = xxhash.xxh3_128_hexdigest(f"{table}\0{key}\0{text}".encode())
    texts = (question[name] for name in ("kind", "intent", "context", "next_action"))
    return (
        item_id,
        doc_id,
        text,
        *texts,
        sorted(question["fields"].items()),
        table,
        key,
        version,
        licence,
        split,
        split_group,
    )
