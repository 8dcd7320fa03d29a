"""`kslm tokens export` writes what training reads, whole or not at all; `datasets` opens shards without a copy."""

import errno
import json
import os

import numpy as np
import pytest

from kslm.errors import KslmError
from kslm.profile import Mix
from kslm.tokens import Encoder, ShardReader, train_tokenizer
from kslm.tokens.datasets import to_dataset
from kslm.tokens.export import FILES, export
from kslm.tokens.sampler import Sampler, held_stream
from shard_rows import Document, write_shards

TEXTS = [f"the driver of device {number % 9} of bus {number % 4} is loaded by udev\n" * 2 for number in range(200)]
MIX = Mix(shares={"os": 0.5, "hardware": 0.5})


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    tokenizer = train_tokenizer(TEXTS, 512, 2)
    encode = Encoder(tokenizer).encode
    documents = [
        Document(
            str(n), ("train", "train", "val", "test")[n % 4], ("os", "os", "hardware")[n % 3], "text", len(text), ids
        )
        for n, (text, ids) in enumerate(zip(TEXTS, encode(TEXTS).each(), strict=True))
    ]
    folder = tmp_path_factory.mktemp("shards") / "abc"
    write_shards(folder, tokenizer, documents, parts=(3, 1, 1))
    return ShardReader(folder, verify=True)


def test_the_files_hold_an_epoch_and_the_held_out_text(reader, tmp_path):
    done = export(reader, MIX, 3, epoch=1, folder=tmp_path / "new")
    written = {name: np.fromfile(tmp_path / "new" / name, "<u2") for name in FILES[:3]}
    assert written["train.bin"].tolist() == Sampler(reader.split("train"), MIX, 3).stream(1)[:].tolist()
    assert written["val.bin"].tolist() == held_stream(reader.split("val"), MIX)[:].tolist()
    assert written["test.bin"].tolist() == held_stream(reader.split("test"), MIX)[:].tolist()
    assert {name: len(ids) for name, ids in written.items()} == done.tokens
    assert written["train.bin"][-1] == reader.manifest.eot_id
    assert len(json.loads((tmp_path / "new/vocab.json").read_text())) == reader.manifest.vocab_size
    assert (done.dtype, done.epoch.number) == ("uint16", 1)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(FILES)


def test_files_that_are_there_stay_unless_forced(reader, tmp_path):
    (tmp_path / "val.bin").write_bytes(b"mine")
    with pytest.raises(KslmError, match=r"already holds val\.bin\n.*--force"):
        export(reader, MIX, 3, epoch=0, folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["val.bin"]
    export(reader, MIX, 3, epoch=0, folder=tmp_path, force=True)
    assert len((tmp_path / "val.bin").read_bytes()) > 4


def test_what_cannot_be_written_leaves_no_file_that_is_not_whole(reader, tmp_path, monkeypatch):
    calls = []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KslmError, match="the disk is full"):
        export(reader, MIX, 3, epoch=0, folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["train.bin"]
    (tmp_path / "file").touch()
    with pytest.raises(KslmError, match="cannot write to"):
        export(reader, MIX, 3, epoch=0, folder=tmp_path / "file" / "below")
    with pytest.raises(KslmError, match="no epoch -2"):
        export(reader, MIX, 3, epoch=-2, folder=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_dataset_is_the_shards_own_memory(reader):
    datasets = pytest.importorskip("datasets")
    split = reader.split("train")
    dataset = to_dataset(split)
    assert isinstance(dataset, datasets.Dataset)
    assert len(dataset) == len(split) == 100
    assert dataset.column_names == ["input_ids", "slice", "kind"]
    for number in (0, 41, 99):
        assert dataset[number]["input_ids"] == split.document(number).tolist()
        assert dataset[number]["slice"] == split.slice_names[split.slices[number]]
    chunks = dataset.data.column("input_ids").chunks
    assert [chunk.values.buffers()[1].address for chunk in chunks] == [part.ctypes.data for part in split.parts]
