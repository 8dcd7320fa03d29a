"""What becomes of every candidate: refused, duplicate, or in gold in one of the splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from kslm import kinds
from kslm.curate.dedup.minhash import components
from kslm.curate.records import DECISIONS
from kslm.curate.refine.quality import worst
from kslm.curate.split.groups import Item, split_groups
from kslm.lake.arrow import to_table
from kslm.profile import Curate


class Judged(NamedTuple):
    """A candidate without its text; `content` is the hash of that."""

    doc_id: str
    kind: str
    slice: str
    split_group: str
    bytes: int
    content: str
    quality: float
    reason: str | None
    figure: float | None


@dataclass(frozen=True)
class Decisions:
    """One row a candidate.

    Attributes:
        table: the columns of DECISIONS.
        splits: each group's split, as `holdout.HeldOut` wants to know it.
    """

    table: pa.Table
    splits: dict[str, str]


def to_compare(candidates: pa.Table) -> list[str]:
    """Ids of the documents among which near duplicates are looked for: one of each content; columns of Judged."""
    firsts: dict[str, str] = {}
    columns = (candidates.column(name).to_pylist() for name in ("doc_id", "content", "kind", "reason"))
    for doc_id, content, kind, reason in zip(*columns, strict=True):
        if reason is None and kinds.of(kind).near:
            firsts[content] = min(doc_id, firsts.get(content, doc_id))
    return sorted(firsts.values())


def decide(candidates: pa.Table, edges: pa.Table, *, curate: Curate, seed: int) -> Decisions:
    """Settle every candidate.

    Args:
        candidates: the columns of Judged.
        edges: left, right, jaccard: pairs of near duplicates among documents of distinct content.
    """
    candidates = candidates.sort_by("doc_id")  # tens of times as fast as sorting Python's rows
    rows = [*map(Judged, *(candidates.column(name).to_pylist() for name in Judged._fields))]
    verdicts: dict[str, tuple[str, float | None]] = {
        row.doc_id: (row.reason, row.figure) for row in rows if row.reason is not None
    }
    passed = [row for row in rows if row.reason is None]
    clusters = _clusters(passed, edges, verdicts)
    unique = ((row.doc_id, row.kind, row.quality) for row in passed if row.doc_id not in verdicts)
    verdicts.update(worst(unique, curate.min_quality_percentile))
    items = [Item(row.doc_id, row.slice, row.split_group, row.bytes) for row in passed if row.doc_id not in verdicts]
    splits = split_groups(items, val=curate.split.val, test=curate.split.test, seed=seed)
    placed = {item.doc_id: splits[item.group] for item in items}
    decided = [
        (doc_id, clusters.get(doc_id), *verdicts.get(doc_id, (None, None)), doc_id in placed, placed.get(doc_id))
        for doc_id in (row.doc_id for row in rows)
    ]
    return Decisions(to_table(decided, DECISIONS), splits)


def _clusters(
    passed: list[Judged], edges: pa.Table, verdicts: dict[str, tuple[str, float | None]]
) -> Mapping[str, str]:
    """Cluster of every document that has duplicates, adding a verdict for all of each cluster but its keeper.

    The figure of an exact duplicate is 1; of a near duplicate, its highest similarity to another of the cluster.
    """
    first: dict[str, str] = {}
    exact: dict[str, str] = {}
    for row in passed:
        doc_id = row.doc_id
        original = first.setdefault(row.content, doc_id)
        if original != doc_id:
            exact[doc_id] = original
            verdicts[doc_id] = ("exact duplicate", 1.0)
    closest: dict[str, float] = {}
    pairs = list(zip(*(edges.column(name).to_pylist() for name in ("left", "right", "jaccard")), strict=True))
    for left, right, similarity in pairs:
        for doc_id in (left, right):
            closest[doc_id] = max(closest.get(doc_id, 0.0), similarity)
    near = components((left, right) for left, right, _ in pairs)
    for doc_id, keeper in near.items():
        if doc_id != keeper:
            verdicts[doc_id] = ("near duplicate", round(closest[doc_id], 4))
    originals = {*exact.values()}
    clusters = {doc_id: near.get(doc_id, doc_id) for doc_id in originals} | near
    return clusters | {doc_id: clusters[original] for doc_id, original in exact.items()}
