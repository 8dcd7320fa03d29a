"""Corpus to shards without an engine: order and batching do not matter, gates are measured, trouble is named."""

import hashlib
import random

import numpy as np
import pyarrow as pa
import pytest

from kslm.errors import DataError
from kslm.profile import Tokenizer
from kslm.tokenize import build as build_module
from kslm.tokenize.build import build
from kslm.tokenize.corpus import outline, sample_texts
from kslm.tokenize.statistics import measure, shortfalls
from kslm.tokens import EOT_ID, Lineage, ShardReader

SETTINGS = Tokenizer(vocab_size=512, train_bytes=10_000)
LINEAGE = Lineage(table="gold.corpus", version=1, content_hash="c", code_version="0")
TEXT = "the driver of this device is loaded by udev when its alias matches in kernel module PCI USB 0x8086 \n"
WORDS = TEXT.split(" ")


def corpus(documents=120):
    source = random.Random(7)
    for n in range(documents):
        text = " ".join(source.choices(WORDS, k=source.randint(5, 80)))
        if n == 5:
            text += " a document holding <|endoftext|> and <|pad|>"
        if n == 6:
            text = ""
        if n == 8:
            text = "NUL \x00, umlaut ü, \U0001f600, a long line " + "x" * 5000
        yield {
            "doc_id": hashlib.md5(str(n).encode()).hexdigest(),
            "split": ("train", "train", "train", "val", "test")[n % 5],
            "kind": "rst",
            "slice": ("os", "hardware")[n % 2],
            "bytes": len(text.encode()),
            "text": text,
        }


def reader(rows, batch=17):
    table = pa.Table.from_pylist(list(rows))
    return lambda *columns: table.select(list(columns)).to_batches(max_chunksize=batch)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("tokens")
    return root / "f", build(reader(corpus()), root / "f", SETTINGS, "f", LINEAGE, scratch=root)


def test_order_and_batches_do_not_change_a_byte(built, tmp_path):
    rows = random.Random(3).sample(list(corpus()), 120)
    build(reader(rows, 5), tmp_path / "f", SETTINGS, "f", LINEAGE, scratch=tmp_path)
    assert contents(tmp_path / "f") == contents(built[0])


def test_every_document_comes_back_exactly(built):
    from tokenizers import Tokenizer as Reference

    folder, _ = built
    decode = Reference.from_file(str(folder / "tokenizer.json")).decode
    shards = ShardReader(folder, verify=True)
    for split in ("train", "val", "test"):
        opened = shards.split(split)
        texts = []
        for index in range(len(opened)):
            ids = opened.document(index)
            assert ids[-1] == EOT_ID
            assert not np.isin(ids[:-1], (0, 1, 2)).any(), "a document spelt a special token"
            texts.append(decode(ids[:-1].tolist(), skip_special_tokens=False))
            assert len(texts[-1].encode()) == opened.text_bytes[index]
        assert sorted(texts) == sorted(row["text"] for row in corpus() if row["split"] == split)


def test_statistics(built):
    folder, result = built
    metrics = measure(ShardReader(folder))
    rows = list(corpus())
    assert metrics["tokenize/documents/train"] == 72
    assert 0 < metrics["tokenize/vocabulary_coverage"] <= 1
    assert 0 <= metrics["tokenize/rare_tokens"] < 1
    size = sum(row["bytes"] for row in rows)
    tokens = sum(metrics[f"tokenize/tokens/{split}"] for split in ("train", "val", "test")) - len(rows)
    assert metrics["tokenize/bytes_per_token"] == pytest.approx(size / tokens)
    assert min(metrics["tokenize/bytes_per_token/os"], metrics["tokenize/bytes_per_token/hardware"]) > 1
    assert result.mb_per_second > 0
    assert result.notes == []


def test_missed_gates_are_said():
    good = {"tokenize/vocabulary_coverage": 0.99, "tokenize/rare_tokens": 0.01}
    assert shortfalls(good) == []
    assert "coverage is 50.0%" in shortfalls({**good, "tokenize/vocabulary_coverage": 0.5})[0]
    assert "30.0%" in shortfalls({**good, "tokenize/rare_tokens": 0.3})[0]


def test_the_sample_is_bounded_train_only_and_free_of_order():
    rows = list(corpus())
    plan = outline(reader(rows), 3000, {})
    assert plan == outline(reader(rows[::-1], 3), 3000, {})
    sizes = {row["doc_id"]: row["bytes"] for row in rows if row["split"] == "train"}
    assert plan.sample < set(sizes)
    assert 3000 <= sum(sizes[doc_id] for doc_id in plan.sample) < 3000 + max(sizes.values())
    assert sample_texts(reader(rows), plan.sample) == sample_texts(reader(rows[::-1], 3), plan.sample)
    assert plan.sample < outline(reader(rows), 6000, {}).sample


def test_held_out_text_does_not_reach_the_tokenizer(tmp_path):
    rows = list(corpus())
    for row in rows:
        if row["split"] != "train":
            row["text"] = "zyzzyva " * 200
            row["bytes"] = len(row["text"])
    build(reader(rows), tmp_path / "f", SETTINGS, "f", LINEAGE, scratch=tmp_path)
    assert "zyzz" not in (tmp_path / "f" / "vocab.json").read_text("utf-8")


@pytest.mark.parametrize("keep", ["none", "val"])
def test_no_training_text_is_an_error(tmp_path, keep):
    rows = list(corpus())
    read = reader([row for row in rows if row["split"] == keep] or rows)
    empty = (lambda *columns: []) if keep == "none" else read
    with pytest.raises(DataError, match="no training documents"):
        build(empty, tmp_path / "f", SETTINGS, "f", LINEAGE, scratch=tmp_path)


def test_an_encoder_that_loses_a_byte_is_caught(monkeypatch, tmp_path):
    class Lossy(build_module.Encoder):
        def __init__(self, *args):
            super().__init__(*args)
            exact = self.encode
            self.encode = lambda texts: without_last(exact(texts))

    def without_last(encoded):
        lengths = encoded.lengths.copy()
        lengths[-1] -= 1
        return encoded._replace(ids=encoded.ids[:-1], lengths=lengths)

    monkeypatch.setattr(build_module, "Encoder", Lossy)
    with pytest.raises(DataError, match="does not decode to its own text"):
        build(reader(corpus()), tmp_path / "f", SETTINGS, "f", LINEAGE, scratch=tmp_path)
    assert not (tmp_path / "f" / "manifest.json").exists()


def test_a_fallback_leaves_a_note_and_the_same_shards(monkeypatch, built, tmp_path):
    from kslm.tokens import encoder

    def refuse(tokenizer_json):
        raise RuntimeError("not here")

    monkeypatch.setattr(encoder, "_gigatoken", refuse)
    result = build(reader(corpus()), tmp_path / "f", SETTINGS, "f", LINEAGE, scratch=tmp_path)
    assert "tiktoken" in result.notes[0]
    assert contents(tmp_path / "f") == contents(built[0])
