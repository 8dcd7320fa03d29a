"""One document of the corpus, by its id or the beginning of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kslm.errors import KslmError
from kslm.lake import Lake
from kslm.lake.tables import CORPUS, DOCUMENTS, REJECTS, SILVER_DOCUMENTS, Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PREFIX = 6
"""Fewest characters of an id that are looked for."""
_SHOWN = 10
_SEARCH = "kslm corpus search WORDS shows documents with their ids; kslm curate makes them"


@dataclass(frozen=True)
class Document:
    """What silver and gold hold of one document; of a refused one, what silver.rejects holds.

    Attributes:
        split: None where the document is not in gold.
        held_out: statements of held-out facts that were taken out of the text, which trains; 0 elsewhere.
        text: gold's, or silver's where gold has none; None where the document was refused before silver.
        reason, figure: why it is not in silver or not in gold; None where it is.
    """

    doc_id: str
    source: str
    path: str
    bytes: int
    parent_id: str | None = None
    kind: str | None = None
    slice: str | None = None
    split: str | None = None
    split_group: str | None = None
    version: str | None = None
    licence: str | None = None
    redactions: int | None = None
    quality: float | None = None
    cluster_id: str | None = None
    held_out: int | None = None
    text: str | None = None
    reason: str | None = None
    figure: float | None = None


def show(lake: Lake, prefix: str) -> Document:
    """The document whose id is `prefix`, or begins with it.

    Raises:
        KslmError: no such document, more than one, or a prefix of fewer than PREFIX characters.
        DataError: curate has not run.
    """
    doc_id = find(lake, prefix)
    fields: dict[str, Any] = {}
    for table in (REJECTS, SILVER_DOCUMENTS, CORPUS):
        for row in rows_where(lake, table, "doc_id", doc_id):
            fields |= {name: value for name, value in row.items() if name in Document.__dataclass_fields__}
    return Document(**fields)


def find(lake: Lake, prefix: str) -> str:
    """The one doc_id that begins with `prefix`; errors as in `show`."""
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    wanted = prefix.strip().lower()
    if len(wanted) < PREFIX:
        raise KslmError(f"{prefix!r} is too short", remedy=f"give at least {PREFIX} characters of the id; {_SEARCH}")

    def starting(table: Table, column: str) -> DataFrame:
        rows = lake.read(table).where(F.col(column).startswith(wanted))
        return rows.select(F.col("doc_id").alias("doc_id"), F.col("path").alias("path"))

    matches = starting(SILVER_DOCUMENTS, "doc_id").union(starting(REJECTS, "doc_id"))
    paths = {row["doc_id"]: row["path"] for row in matches.distinct().orderBy("doc_id").limit(_SHOWN + 1).collect()}
    if len(paths) == 1 or wanted in paths:
        return wanted if wanted in paths else next(iter(paths))
    if paths:
        raise KslmError(f"{len(paths)} documents or more have an id beginning with {wanted}", **_choose(paths))
    if str(DOCUMENTS) in lake.tables() and starting(DOCUMENTS, "doc_id").limit(1).collect():
        children = starting(SILVER_DOCUMENTS, "parent_id").orderBy("path", "doc_id").limit(_SHOWN).collect()
        raise KslmError(f"{wanted} is a row of {DOCUMENTS}, not a document", **_choose(dict(map(tuple, children))))
    raise KslmError(f"no document with an id beginning with {wanted}", remedy=_SEARCH)


def rows_where(lake: Lake, table: Table, column: str, value: str) -> list[dict[str, Any]]:
    """A table's rows with this value in a column, in an order of their own."""
    from pyspark.sql import functions as F  # noqa: N812

    rows = lake.read(table).where(F.col(column) == value).collect()
    return sorted((row.asDict(recursive=True) for row in rows), key=repr)


def _choose(paths: dict[str, str]) -> dict[str, str]:
    listed = [f"{doc_id}  {path}" for doc_id, path in list(paths.items())[:_SHOWN]]
    return {"cause": "\n  ".join(["it could be", *listed]), "remedy": "give more of the id"}
