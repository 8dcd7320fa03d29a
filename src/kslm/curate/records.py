"""The rows between bronze and silver: raw texts going in, candidates coming out, and what is decided about them.

They live in the cache for as long as the stage runs, and are described like tables so that the lake can read them.
"""

from __future__ import annotations

from typing import NamedTuple

from kslm.lake.tables import Table
from kslm.texts import Text


class Candidate(NamedTuple):
    """A cleaned, redacted text, or why there is none: `text` is None exactly when `reason` is given."""

    doc_id: str
    parent_id: str
    source: str
    path: str
    kind: str
    slice: str
    split_group: str
    version: str | None
    licence: str | None
    bytes: int
    redactions: int
    content: str
    quality: float
    text: str | None
    item: str | None
    reason: str | None
    figure: float | None


STAMPS = ("version", "licence")
"""Columns that candidates have from their text as they are, unread."""

_NUMBERS = {"bytes": "BIGINT", "redactions": "INT", "figure": "DOUBLE", "quality": "DOUBLE"}

TEXTS = Table.of("scratch.texts", "source, path", ", ".join(Text._fields))
CANDIDATES = Table.of(
    "scratch.candidates", "doc_id", ", ".join(f"{name} {_NUMBERS.get(name, 'STRING')}" for name in Candidate._fields)
)
DECISIONS = Table.of(
    "scratch.decisions", "doc_id", "doc_id, cluster_id, reason, figure DOUBLE, in_silver BOOLEAN, split"
)
