"""What the engine decides, beside the same rules on rows in Python."""

from __future__ import annotations

import random
import shutil
from collections import Counter, defaultdict

import pyarrow as pa
import pytest

import kslm.lake
from kslm import kinds
from kslm.curate.decide import JUDGED, decide, to_compare
from kslm.curate.dedup.minhash import EDGES
from kslm.curate.records import CANDIDATES
from kslm.curate.refine.quality import GOOD, MIN_DOCUMENTS
from kslm.curate.split.groups import Size, split_groups
from kslm.knowledge.families import Union
from kslm.lake.arrow import arrow_schema
from kslm.lake.tables import Table
from lake_rows import settings_in, to_table

ROWS = Table.of("scratch.judged", "doc_id", ", ".join(f"{name} {CANDIDATES.columns[name]}" for name in JUDGED))


def candidate(number, rng):
    kind = rng.choice(["c", "c", "c", "man", "rst", "dts", "question"])
    refused = rng.random() < 0.1
    content = f"content{rng.randrange(300)}" if rng.random() < 0.3 else f"own{number}"
    values = {
        "doc_id": f"{rng.randrange(16**8):08x}{number:04}",
        "kind": kind,
        "slice": rng.choice(["os", "admin"]),
        "split_group": f"g{rng.randrange(40)}",
        "bytes": rng.randrange(1, 20_000),
        "content": content,
        "quality": round(rng.random(), 1),
        "reason": "too short" if refused else None,
        "figure": 3.0 if refused else None,
    }
    return values


def edges_among(rows, rng):
    firsts = sorted(compared(rows))
    pairs = {tuple(sorted(rng.sample(firsts, 2))) for _ in range(60)}
    return [(*pair, round(0.8 + rng.random() / 5, 6)) for pair in sorted(pairs)]


def compared(rows):
    firsts = {}
    for row in rows:
        if row["reason"] is None and kinds.of(row["kind"]).near:
            firsts[row["content"]] = min(row["doc_id"], firsts.get(row["content"], row["doc_id"]))
    return set(firsts.values())


def expected(rows, edges, percentile, split, seed):
    """doc_id to the rest of a row of DECISIONS."""
    passed = sorted((row for row in rows if row["reason"] is None), key=lambda row: row["doc_id"])
    verdicts = {row["doc_id"]: (row["reason"], row["figure"]) for row in rows if row["reason"]}
    first, exact, closest, joined = {}, {}, defaultdict(float), Union()
    for row in passed:
        if first.setdefault(row["content"], row["doc_id"]) != row["doc_id"]:
            exact[row["doc_id"]] = first[row["content"]]
            verdicts[row["doc_id"]] = ("exact duplicate", 1.0)
    for left, right, similarity in edges:
        joined.join(left, right)
        for end in (left, right):
            closest[end] = max(closest[end], similarity)
    near = joined.roots()
    for doc_id, keeper in near.items():
        if doc_id != keeper:
            verdicts[doc_id] = ("near duplicate", round(closest[doc_id], 4))
    clusters = {doc_id: near.get(doc_id, doc_id) for doc_id in exact.values()} | near
    clusters |= {doc_id: clusters[original] for doc_id, original in exact.items()}
    scores = defaultdict(list)
    for row in passed:
        if row["doc_id"] not in verdicts and kinds.of(row["kind"]).filters.scored:
            scores[row["kind"]].append((row["quality"], row["doc_id"]))
    for of_kind in scores.values():
        if len(of_kind) >= MIN_DOCUMENTS:
            lowest = sorted(of_kind)[: int(len(of_kind) * percentile)]
            verdicts.update({doc_id: ("low quality", quality) for quality, doc_id in lowest if quality < GOOD})
    kept = [row for row in passed if row["doc_id"] not in verdicts]
    sizes = [Size(row["slice"], row["split_group"], row["bytes"]) for row in kept]
    splits = split_groups(sizes, val=split.val, test=split.test, seed=seed)
    placed = {row["doc_id"]: splits[row["split_group"]] for row in kept}
    return {
        row["doc_id"]: (
            clusters.get(row["doc_id"]),
            *verdicts.get(row["doc_id"], (None, None)),
            row["doc_id"] in placed,
            placed.get(row["doc_id"]),
        )
        for row in rows
    }, splits


@pytest.fixture
def decided(tmp_path):
    """Decisions by doc_id, and splits, for rows of JUDGED and pairs."""
    settings = settings_in(tmp_path)
    with kslm.lake.open(settings) as lake:

        def run(rows, edges, percentile, partitions=1):
            folder = tmp_path / "scratch"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            frame = lake.from_arrow(ROWS, pa.Table.from_pylist(rows, arrow_schema(ROWS)), folder)
            curate = settings.profile.curate.model_copy(update={"min_quality_percentile": percentile})
            pairs = to_table(edges, EDGES)
            found = decide(lake, frame.repartition(partitions), pairs, curate=curate, seed=1, folder=folder)
            table = found.frame.toArrow().to_pylist()
            wanted = to_compare(frame).toArrow()["doc_id"].to_pylist()
            assert sorted(wanted) == sorted(compared(rows))
            assert len({row["doc_id"] for row in table}) == len(table)
            return {row.pop("doc_id"): tuple(row.values()) for row in table}, found.splits

        yield run, settings.profile.curate.split


@pytest.mark.parametrize("seed", range(3))
def test_every_candidate_is_decided_as_the_rules_say(decided, seed):
    run, split = decided
    rng = random.Random(seed)
    rows = [candidate(number, rng) for number in range(700)]
    edges = edges_among(rows, rng)
    wanted = expected(rows, edges, 0.2, split, 1)
    assert run(rows, edges, 0.2) == wanted
    rng.shuffle(rows)
    assert run(rows, edges[::-1], 0.2, partitions=5) == wanted
    reasons = Counter(reason for _, reason, *_ in wanted[0].values())
    assert min(reasons[name] for name in ("exact duplicate", "near duplicate", "low quality", "too short", None)) > 5


def test_ties_are_settled_by_id_and_good_ones_and_few_are_not_cut(decided):
    run, _ = decided

    def rows(kind, qualities):
        base = {"kind": kind, "slice": "os", "split_group": "g", "bytes": 1, "reason": None, "figure": None}
        return [
            base | {"doc_id": f"{kind}{n:03}", "content": f"{kind}{n}", "quality": quality}
            for n, quality in enumerate(qualities)
        ]

    some = rows("c", [n / 100 for n in range(40)]) + rows("man", [0.5] * 30) + rows("html", [0.7] * 3 + [0.95] * 97)
    none = rows("rst", [0.1] * (MIN_DOCUMENTS - 1)) + rows("dts", [0.0] * 99) + rows("text", [GOOD] * 99)
    found, _ = run(some + none, [], 0.1)
    assert {doc_id: figure for doc_id, (_, reason, figure, *_) in found.items() if reason == "low quality"} == {
        **{f"c{n:03}": n / 100 for n in range(4)},
        **{f"man{n:03}": 0.5 for n in range(3)},
        **{f"html{n:03}": 0.7 for n in range(3)},
    }


def test_nothing_is_decided_of_nothing(decided):
    run, _ = decided
    assert run([], [], 0.2) == ({}, {})
