"""Where a document came from, what was redacted in it, and why it is in its split, or refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kslm import kinds
from kslm.curate.refine.clean import clean
from kslm.curate.split.groups import position
from kslm.explore.documents import Document, rows_where, show
from kslm.lake import Lake
from kslm.lake.tables import ALL, CORPUS, DOCUMENTS, FILES, REJECTS, SILVER_DOCUMENTS
from kslm.profile import Profile
from kslm.redact import redact
from kslm.redact.pseudonyms import PLACEHOLDER


class Member(NamedTuple):
    """One document of a cluster of duplicates; `figure` is its highest similarity to another, None of the keeper."""

    doc_id: str
    path: str
    figure: float | None


@dataclass(frozen=True)
class Placement:
    """Why a document is in its split.

    Attributes:
        position: hash of seed and group, from 0 to 1.
        by_hash: the split that follows from the position alone.
        val, test: shares of the groups.
        documents, bytes: of the whole group in gold.
    """

    split: str
    group: str
    position: float
    by_hash: str
    val: float
    test: float
    documents: int
    bytes: int

    @property
    def reason(self) -> str:
        """A sentence."""
        ranges = {
            "val": f"below {self.val:g}: validation",
            "test": f"above {1 - self.test:g}: test",
            "train": f"between {self.val:g} and {1 - self.test:g}: training",
        }
        why = f"group {self.group!r} stands at {self.position:.4f}, {ranges[self.by_hash]}"
        if self.by_hash != self.split:
            why += f"; it is in {self.split} because the group is a large part of a slice, or a slice had none there"
        return why


@dataclass(frozen=True)
class Explanation:
    """A document and its origin.

    Attributes:
        table: the bronze table it was made from.
        row: that table's row, without its text; empty where the key names no single row.
        files: rows of bronze.files: what was fetched, from where, under which licence.
        redacted: kind of personal data to how many values were replaced; never the values.
        redacted_in: which text the counts are of.
        placement: None where the document is not in gold.
        cluster: its near and exact duplicates, the keeper first; empty without any.
    """

    document: Document
    table: str
    key: str
    row: dict[str, Any]
    files: list[dict[str, Any]]
    redacted: dict[str, int]
    redacted_in: str
    placement: Placement | None
    cluster: list[Member] = field(default_factory=list)


def explain(lake: Lake, profile: Profile, prefix: str) -> Explanation:
    """Everything the tables tell of a document.

    Args:
        prefix: its doc_id, or the beginning of it.

    Raises:
        KslmError: as `kslm.explore.show`.
    """
    document = show(lake, prefix)
    table, key = _parent(document)
    row = _bronze_row(lake, table, key)
    text = row.pop("text", None) or ""
    redacted, where = _redacted(document, text, table)
    return Explanation(
        document,
        table=f"bronze.{table}",
        key=key,
        row={name: value for name, value in row.items() if value not in (None, [], {})},
        files=_files(lake, document, row),
        redacted=redacted,
        redacted_in=where,
        placement=_placement(lake, profile, document),
        cluster=_cluster(lake, document),
    )


def _parent(document: Document) -> tuple[str, str]:
    """Bronze table and key."""
    parent = document.parent_id or ""
    table, _, key = parent.partition("/")
    return (table, key) if any(table == known.name for known in ALL) else (DOCUMENTS.name, parent)


def _bronze_row(lake: Lake, table: str, key: str) -> dict[str, Any]:
    bronze = next(known for known in ALL if str(known) == f"bronze.{table}")
    if len(bronze.key) > 1 or str(bronze) not in lake.tables():
        return {}
    return next(iter(rows_where(lake, bronze, bronze.key[0], key)), {})


def _files(lake: Lake, document: Document, row: dict[str, Any]) -> list[dict[str, Any]]:
    """What was fetched for the document's source: where one file is its own, or its package's, that alone."""
    if str(FILES) not in lake.tables():
        return []
    files = rows_where(lake, FILES, "source", document.source)
    package = document.path.split("/", 1)[0]
    own = [file for file in files if row.get("sha256") == file["sha256"]]
    return own or [file for file in files if file["package"] == package] or files


def _redacted(document: Document, bronze: str, table: str) -> tuple[dict[str, int], str]:
    """Kinds and counts, from the stand-ins that are in the text now and were not in what was read."""
    if document.text is not None:
        text, where = document.text, "this text"
    else:
        text = redact(clean(bronze), machine=document.kind is not None and kinds.of(document.kind).machine).text
        where = f"the row of bronze.{table}"
    before = {match[0] for match in PLACEHOLDER.finditer(bronze)} if table == DOCUMENTS.name else set()
    counts = Counter(match[1] for match in PLACEHOLDER.finditer(text) if match[0] not in before)
    return dict(sorted(counts.items())), where


def _placement(lake: Lake, profile: Profile, document: Document) -> Placement | None:
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    if document.split is None or document.split_group is None:
        return None
    members = lake.read(CORPUS).where(F.col("split_group") == document.split_group)
    total = members.agg(F.count(F.lit(1)), F.sum("bytes")).collect()[0]
    at = position(document.split_group, profile.seed)
    shares = profile.curate.split
    by_hash = "val" if at < shares.val else "test" if at > 1 - shares.test else "train"
    return Placement(
        document.split, document.split_group, at, by_hash, shares.val, shares.test, int(total[0]), int(total[1])
    )


def _cluster(lake: Lake, document: Document) -> list[Member]:
    if document.cluster_id is None:
        return []
    members: dict[str, Member] = {}
    for table in (SILVER_DOCUMENTS, REJECTS):
        for row in rows_where(lake, table, "cluster_id", document.cluster_id):
            figure = row["figure"] if table is REJECTS else None
            members.setdefault(row["doc_id"], Member(row["doc_id"], row["path"], figure))
    return sorted(members.values(), key=lambda member: (member.doc_id != document.cluster_id, member.doc_id))
