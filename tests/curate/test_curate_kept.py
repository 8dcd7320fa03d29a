"""What is kept between runs beside documents' candidates: generated texts, buckets, pairs; none changes a result."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kslm.lake
from kslm.curate.dedup.search import Near
from kslm.curate.records import CANDIDATES, TEXTS, to_batch
from kslm.curate.refine.steps import Limits, refine
from kslm.curate.reuse import cache as kept
from kslm.lake.arrow import arrow_schema
from kslm.lake.tables import Table
from kslm.texts import Text
from lake_rows import settings_in

LIMITS = Limits(5, 4000)
DOCUMENTS = Table("scratch", "documents", ("doc_id",), {"doc_id": "STRING", "text": "STRING"})


def question(number, answer="a card", version="1"):
    said = f"Question: What is device {number}?\nAnswer: It is {answer} of root@host{number}.example.org."
    return Text(f"pci_ids/{number}", "s", f"{number}", "question", "instructions", f"g{number}", version, "MIT", said)


def generated(texts, path, recipe="r"):
    worked = kept.generated(to_batch(texts, TEXTS), path, recipe, LIMITS)
    stored = pq.read_table(path).drop_columns("digest").to_pylist()
    expected = to_batch([one for text in texts for one in refine(text, LIMITS)], CANDIDATES).to_pylist()
    assert sorted(stored, key=lambda row: row["doc_id"]) == sorted(expected, key=lambda row: row["doc_id"])
    return worked


def test_only_texts_that_are_new_in_any_column_are_worked_on(tmp_path):
    texts = [question(number) for number in range(9)]
    path = tmp_path / "state" / "generated.parquet"
    assert generated(texts, path) == 9
    assert generated(texts[::-1], path) == 0
    assert generated([question(0, "a disk"), question(1, version="2"), *texts[3:]], path) == 2
    assert generated([], path) == 0
    assert generated(texts, path) == 9


def test_another_recipe_and_a_broken_file_are_no_help(tmp_path):
    path = tmp_path / "generated.parquet"
    assert generated([question(1)], path) == 1
    assert generated([question(1)], path, "other") == 1
    path.write_bytes(b"PAR1 cut short")
    assert generated([question(1)], path, "other") == 1


def test_a_table_of_other_columns_is_none(tmp_path):
    kept.store(tmp_path / "t", "r", pa.table({"a": ["1"]}))
    assert kept.load(tmp_path / "t", "r", arrow_schema(DOCUMENTS)).num_rows == 0


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
    monkeypatch.setattr(Near, "_listed", None)  # nothing is read where nothing is new
    assert pairs(changed, "kept") == pairs(changed, "anew")
