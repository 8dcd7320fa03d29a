"""Gold as a `datasets.Dataset`: the same rows, and no second copy of them."""

import pytest

import kslm.lake
from corpus_rows import documents, write_corpus
from kslm.errors import DataError
from kslm.lake.datasets import to_dataset
from lake_rows import settings_in


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    settings = settings_in(tmp_path_factory.mktemp("home"))
    write_corpus(settings)
    return settings


def test_a_gold_table_opens_and_nothing_is_written_beside_it(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    with kslm.lake.open(settings) as lake:
        corpus = to_dataset(lake, "gold.corpus", ["doc_id", "text", "slice"])
        hardware = to_dataset(lake, "gold.corpus", where="slice = 'hardware'")
    expected = {row["doc_id"]: row["text"] for row in documents()}
    assert corpus.column_names == ["doc_id", "text", "slice"]
    assert dict(zip(corpus["doc_id"], corpus["text"], strict=True)) == expected
    assert corpus.cache_files == []
    assert not list(tmp_path.iterdir())
    assert set(hardware["slice"]) == {"hardware"}
    assert "split_group" in hardware.column_names


def test_an_unknown_table_is_an_error(settings):
    with kslm.lake.open(settings) as lake, pytest.raises(DataError, match=r"no table named 'gold\.poems'"):
        to_dataset(lake, "gold.poems")
