"""Near duplicates of a corpus that changes little between runs."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kslm.lake
from kslm.curate.dedup.search import Near
from kslm.lake import Lake
from kslm.lake.tables import Table
from lake_rows import settings_in

DOCUMENTS = Table.of("scratch.documents", "doc_id", "doc_id, text")


def words(seed, changed=0):
    rng = random.Random(seed)
    return " ".join([str(rng.random()) for _ in range(60)][: 60 - changed] + [f"new{seed}"] * changed)


@pytest.fixture
def lake(tmp_path):
    with kslm.lake.open(settings_in(tmp_path)) as opened:
        yield opened


def test_pairs_of_a_changed_corpus_are_those_of_a_run_from_scratch(lake, tmp_path, monkeypatch):
    def pairs(documents, state):
        rows = pa.table({"doc_id": list(documents), "text": list(documents.values())})
        pq.write_table(rows, tmp_path / "documents.parquet")
        frame = lake.read_parquet(DOCUMENTS, tmp_path / "documents.parquet")
        return Near(lake, 0.8, tmp_path, tmp_path / state, "r").pairs(frame, [*documents]).to_pylist()

    first = {f"{seed}-{copy}": words(seed, copy) for seed in range(6) for copy in range(3)} | {"short": "few words"}
    found = pairs(first, "kept")
    assert {(row["left"], row["right"]) for row in found} >= {(f"{seed}-0", f"{seed}-1") for seed in range(6)}
    changed = {name: text for name, text in first.items() if name != "1-0"} | {"9": words(2, 1) + " more", "8": "x"}
    assert pairs(changed, "kept") == pairs(changed, "anew") != found
    monkeypatch.setattr(Lake, "from_arrow", None)  # nothing is read where nothing is new
    assert pairs(changed, "kept") == pairs(changed, "anew")
