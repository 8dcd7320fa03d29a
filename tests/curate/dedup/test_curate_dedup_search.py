"""Near duplicates of a corpus that changes little between runs."""

import random
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kslm.lake
from kslm.curate.dedup.minhash import components
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


@pytest.fixture
def search(lake, tmp_path):
    """The pairs among documents, with what is kept in a folder of a name."""

    def pairs(documents, kept):
        folder = tmp_path / "scratch"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        rows = pa.table({"doc_id": list(documents), "text": list(documents.values())})
        pq.write_table(rows, folder / "documents.parquet")
        frame = lake.read_parquet(DOCUMENTS, folder / "documents.parquet").repartition(lake.partitions)
        return Near(lake, 0.8, folder, tmp_path / kept, "r").pairs(frame, frame.select("doc_id")).to_pylist()

    return pairs


def test_pairs_of_a_changed_corpus_are_those_of_a_run_from_scratch(lake, search, monkeypatch):
    first = {f"{seed}-{copy}": words(seed, copy) for seed in range(6) for copy in range(3)} | {"short": "few words"}
    found = search(first, "kept")
    assert {(row["left"], row["right"]) for row in found} >= {(f"{seed}-0", f"{seed}-1") for seed in range(6)}
    changed = {name: text for name, text in first.items() if name != "1-0"} | {"9": words(2, 1) + " more", "8": "x"}
    after = search(changed, "kept")
    assert after != found
    monkeypatch.setattr(lake, "partitions", 3)
    assert search(dict(reversed(changed.items())), "anew") == after
    monkeypatch.setattr(Lake, "from_arrow", None)  # no text is read where nothing is new
    assert search(changed, "kept") == search(changed, "anew") == after


def test_nothing_is_alike_where_there_is_nothing(search):
    assert search({"short": "few words"}, "kept") == search({"other": "few words"}, "kept") == []


def test_strangers_and_questions_with_other_devices_are_not_alike(search):
    strangers = {f"{seed}": words(seed) for seed in range(5)}
    devices = {
        f"{number:04x}": f"What is PCI device 8086:{number:04x}? PCI device 8086:{number:04x} is Card {number}."
        for number in range(300)
    }
    assert search(strangers | devices, "kept") == []


def test_a_bucket_of_many_costs_two_pairs_each_and_is_one_cluster(search, tmp_path):
    many = [word for seed in range(5) for word in words(seed).split()]
    found = search({f"doc{number:03}": " ".join([*many[:-1], f"copy{number}"]) for number in range(300)}, "kept")
    compared = pq.read_table(next((tmp_path / "kept" / "pairs").rglob("rows.parquet")))
    assert len(found) <= len(compared) <= 2 * 16 * 300
    clusters = components(pa.Table.from_pylist(found))
    assert set(clusters["keeper"].to_pylist()) == {"doc000"}
    assert len(clusters) == 300
