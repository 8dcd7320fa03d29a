"""Corpus to shards: order and partitions do not matter, gates are measured, trouble is named."""

import hashlib
import random

import numpy as np
import pyarrow as pa
import pytest

import kslm.lake
from kslm.errors import DataError
from kslm.lake.arrow import arrow_schema
from kslm.lake.tables import CORPUS
from kslm.profile import Mix, Tokenizer
from kslm.tokenize import tasks
from kslm.tokenize.build import build
from kslm.tokenize.sample import outline, sample_texts
from kslm.tokenize.statistics import measure, shortfalls
from kslm.tokens import EOT_ID, Lineage, ShardReader, layout
from lake_rows import row, settings_in

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
        yield row(
            CORPUS,
            doc_id=hashlib.md5(str(n).encode()).hexdigest(),
            split=("train", "train", "train", "val", "test")[n % 5],
            kind="rst" if n % 3 else "c",
            slice=("os", "hardware")[n % 2],
            bytes=len(text.encode()),
            text=text,
        )


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    with kslm.lake.open(settings_in(tmp_path_factory.mktemp("home"))) as lake:
        yield lake


@pytest.fixture(scope="module")
def frame(lake):
    def make(rows, partitions=1):
        table = pa.Table.from_pylist(list(rows), arrow_schema(CORPUS))
        return lake.spark.createDataFrame(table, schema=CORPUS.ddl).repartition(partitions)

    return make


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def small_parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "PART_BYTES", 6000)
        yield


@pytest.fixture(scope="module")
def built(tmp_path_factory, frame, small_parts):
    root = tmp_path_factory.mktemp("tokens")
    return root / "f", build(frame(corpus()), root / "f", SETTINGS, "f", LINEAGE, workplace=root / "scratch")


@pytest.mark.parametrize("partitions", [2, 8])
def test_order_and_partitions_do_not_change_a_byte(built, frame, tmp_path, partitions):
    rows = random.Random(3).sample(list(corpus()), 120)
    build(frame(rows, partitions), tmp_path / "f", SETTINGS, "f", LINEAGE, workplace=tmp_path)
    assert contents(tmp_path / "f") == contents(built[0])
    assert built[1].manifest.splits["train"].parts > 2


def test_batches_do_not_change_a_byte(built, frame, tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "BATCH_BYTES", 300)
    build(frame(corpus(), 2), tmp_path / "f", SETTINGS, "f", LINEAGE, workplace=tmp_path)
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
    metrics = measure(ShardReader(folder), Mix(), 1)
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


@pytest.mark.parametrize("shares", [{}, {"os": 0.5, "hardware": 0.3, "admin": 0.2}])
def test_the_sample_is_bounded_train_only_and_free_of_order(frame, shares):
    rows = list(corpus())
    texts = sample_texts(frame(rows), 3000, shares)
    assert texts == sample_texts(frame(rows[::-1], 5), 3000, shares)
    largest = max(one["bytes"] for one in rows)
    for name, share in (shares or {None: 1.0}).items():
        train = [one["text"] for one in rows if one["split"] == "train" and name in (None, one["slice"])]
        had = sum(len(text.encode()) for text in texts if text in train)
        assert had == 0 if not train else 3000 * share <= had < 3000 * share + largest
    assert {one["text"] for one in rows if one["split"] == "train"} > {*texts}
    assert {*texts} < {*sample_texts(frame(rows), 6000, shares)}


def test_the_outline_counts_by_split(frame):
    rows = list(corpus())
    found = outline(frame(rows, 3))
    sizes = {name: sum(one["bytes"] for one in rows if one["split"] == name) for name in ("train", "val", "test")}
    assert (found.text_bytes, found.slices, found.kinds) == (sizes, ("hardware", "os"), ("c", "rst"))


def test_held_out_text_does_not_reach_the_tokenizer(frame, tmp_path):
    rows = list(corpus())
    for one in rows:
        if one["split"] != "train":
            one["text"] = "zyzzyva " * 200
            one["bytes"] = len(one["text"])
    build(frame(rows), tmp_path / "f", SETTINGS, "f", LINEAGE, workplace=tmp_path)
    assert "zyzz" not in (tmp_path / "f" / "vocab.json").read_text("utf-8")


@pytest.mark.parametrize(("keep", "said"), [("none", "none at all"), ("val", "{'val': 24}")])
def test_no_training_text_is_an_error(frame, tmp_path, keep, said):
    rows = [one for one in corpus() if one["split"] == keep]
    with pytest.raises(DataError, match=f"no training documents.*\n.*{said}"):
        build(frame(rows), tmp_path / "f", SETTINGS, "f", LINEAGE, workplace=tmp_path)


def test_an_encoder_that_loses_a_byte_is_caught(monkeypatch, frame, tmp_path):
    class Lossy(tasks.Encoder):
        def __init__(self, *args):
            super().__init__(*args)
            exact = self.encode
            self.encode = lambda texts: without_last(exact(texts))

    def without_last(encoded):
        lengths = encoded.lengths.copy()
        lengths[-1] -= 1
        return encoded._replace(ids=encoded.ids[:-1], lengths=lengths)

    monkeypatch.setattr(tasks, "Encoder", Lossy)
    tasks._tools.cache_clear()
    with pytest.raises(DataError, match=r"does not decode to its own text.*\n.*lost or changed bytes"):
        build(frame(corpus()), tmp_path / "f", SETTINGS, "f", LINEAGE, workplace=tmp_path)
    tasks._tools.cache_clear()
    assert not (tmp_path / "f" / "manifest.json").exists()


def test_a_document_given_twice_is_named_and_nothing_published(frame, tmp_path):
    rows = list(corpus())
    with pytest.raises(DataError, match="occurs twice"):
        build(frame([*rows, rows[0]], 4), tmp_path / "f", SETTINGS, "f", LINEAGE, workplace=tmp_path)
    assert not (tmp_path / "f" / "manifest.json").exists()


def test_a_fallback_leaves_a_note_and_the_same_shards(monkeypatch, built, frame, tmp_path):
    from kslm.tokens import encoder

    def refuse(tokenizer_json):
        raise RuntimeError("not here")

    monkeypatch.setattr(encoder, "_gigatoken", refuse)
    tasks._tools.cache_clear()
    result = build(frame(corpus()), tmp_path / "f", SETTINGS, "f", LINEAGE, workplace=tmp_path)
    tasks._tools.cache_clear()
    assert "tiktoken" in result.notes[0]
    assert contents(tmp_path / "f") == contents(built[0])
