"""Shards: exact round trips, the same bytes in any order, and refusal of whatever is not what the manifest says."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign import dear
from kslm import published
from kslm.errors import DataError
from kslm.tokens import EOT_ID, Encoded, Lineage, Manifest, ShardReader, ShardWriter
from kslm.tokens.manifest import dtype_for
from kslm.tokens.tokenizer import SPECIAL_TOKENS

LINEAGE = Lineage(table="gold.corpus", version=3, content_hash="c0ffee", code_version="0.0.0")
SLICES = ("hardware", "os")


def fake_tokenizer(size):
    """A tokenizer.json as far as the writer reads it."""
    vocab = {token: index for index, token in enumerate(SPECIAL_TOKENS)}
    vocab.update((f"t{index}", index) for index in range(3, size))
    added = [{"id": index, "content": token} for index, token in enumerate(SPECIAL_TOKENS)]
    return json.dumps({"added_tokens": added, "model": {"vocab": vocab}})


def write(folder, documents, size=1000):
    with ShardWriter(folder, fake_tokenizer(size), SLICES, scratch=folder.parent) as writer:
        for doc_id, split, slice_name, ids in documents:
            encoded = Encoded(np.array(ids, np.uint32), np.array([len(ids)]))
            writer.add([doc_id], [split], [slice_name], [2 * len(ids)], encoded)
        return writer.publish("f00d", LINEAGE)


def contents(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


DOCUMENTS = [
    (f"doc{n}", ("train", "train", "val", "test")[n % 4], SLICES[n % 2], list(range(3, 3 + n % 7))) for n in range(40)
]


@settings(max_examples=dear(0.4), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    documents=st.lists(
        st.tuples(
            st.sampled_from(["train", "val", "test"]),
            st.sampled_from(SLICES),
            st.lists(st.integers(3, 999), max_size=30),
        ),
        max_size=25,
    )
)
def test_shards_give_back_what_was_written(tmp_path_factory, documents):
    folder = tmp_path_factory.mktemp("shards") / "f00d"
    rows = [(f"d{n}", *document) for n, document in enumerate(documents)]
    write(folder, rows)
    reader = ShardReader(folder, verify=True)
    for split in ("train", "val", "test"):
        opened = reader.split(split)
        read = [
            (opened.slice_names[opened.slices[i]], opened.document(i).tolist(), int(opened.text_bytes[i]))
            for i in range(len(opened))
        ]
        assert all(ids[-1] == EOT_ID and EOT_ID not in ids[:-1] for _, ids, _ in read)
        expected = [(s, [*ids, EOT_ID], 2 * len(ids)) for _, where, s, ids in rows if where == split]
        assert sorted(read) == sorted(expected)
        record = reader.manifest.splits[split]
        assert record.tokens == sum(len(ids) for _, ids, _ in expected) == len(opened.tokens)
        assert sum(part.tokens for part in record.by_slice.values()) == record.tokens
        assert sum(part.text_bytes for part in record.by_slice.values()) == record.text_bytes


def test_the_order_of_arrival_does_not_matter(tmp_path):
    write(tmp_path / "a", DOCUMENTS)
    write(tmp_path / "b", random.Random(1).sample(DOCUMENTS, len(DOCUMENTS)))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert len(os.listdir(tmp_path)) == 2, "the spool leaves nothing behind"


def test_documents_are_shuffled(tmp_path):
    write(tmp_path / "a", [(f"doc{n:03}", "train", "os", [3 + n]) for n in range(100)])
    tokens = ShardReader(tmp_path / "a").split("train").tokens
    assert tokens[::2].tolist() != list(range(3, 103))


def test_format_is_as_documented(tmp_path):
    write(tmp_path / "a", DOCUMENTS)
    assert sorted(contents(tmp_path / "a")) == sorted(
        ["manifest.json", "tokenizer.json", "tokenizer_config.json", "vocab.json"]
        + [f"{s}{end}" for s in ("train", "val", "test") for end in (".bin", ".idx.npy", ".slices.npy", ".bytes.npy")]
    )
    raw = np.fromfile(tmp_path / "a" / "val.bin", "<u2")
    ends = np.load(tmp_path / "a" / "val.idx.npy")
    assert ends.dtype == np.uint64
    assert (raw[ends - 1] == 0).all()
    assert ends[-1] == len(raw)


@pytest.mark.parametrize(("size", "dtype"), [(65_536, "<u2"), (65_537, "<u4")])
def test_wide_vocabularies_get_wide_tokens(tmp_path, size, dtype):
    assert dtype_for(size) == np.dtype(dtype)
    write(tmp_path / "a", [("d", "train", "os", [size - 1, 3])], size)
    opened = ShardReader(tmp_path / "a").split("train")
    assert opened.tokens.dtype == np.dtype(dtype)
    assert opened.tokens.tolist() == [size - 1, 3, 0]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (("d", "dev", "os", [5]), "in split 'dev'"),
        (("d", "train", "poems", [5]), "in slice 'poems'"),
        (("d", "train", "os", [1000]), "text cannot have"),
        (("d", "train", "os", [0]), "text cannot have"),
        (("doc1", "train", "os", [5]), "occurs twice"),
    ],
)
def test_documents_that_cannot_be_right_are_refused(tmp_path, document, said):
    with pytest.raises(DataError, match=said):
        write(tmp_path / "a", [*DOCUMENTS, document])
    assert not (tmp_path / "a" / "manifest.json").exists()


def _cut(folder):
    path = folder / "train.bin"
    path.write_bytes(path.read_bytes()[:-2])


def _flip(folder):
    path = folder / "val.bin"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def _edit(**changes):
    def apply(folder):
        published.seal(folder, published.manifest_of(folder) | changes)

    return apply


def _altered(folder):
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"eot_id": 0', '"eot_id": 1'))


def _retyped(folder):
    ends = np.load(folder / "test.idx.npy")
    np.save(folder / "test.idx.npy", ends.astype(np.int64))


def _descending(folder):
    ends = np.load(folder / "test.idx.npy")
    ends[0] = ends[1]
    np.save(folder / "test.idx.npy", ends)


def _last_offset(folder):
    ends = np.load(folder / "test.idx.npy")
    ends[-1] += np.uint64(1)
    np.save(folder / "test.idx.npy", ends)


def _slice_out_of_range(folder):
    slices = np.load(folder / "test.slices.npy")
    slices[0] = 9
    np.save(folder / "test.slices.npy", slices)


FAULTS = {
    "truncated": (_cut, "bytes on disk"),
    "missing file": (lambda f: (f / "test.bytes.npy").unlink(), "it is missing"),
    "wrong dtype": (_edit(dtype="uint32"), "not .* tokens of uint32"),
    "unknown dtype": (_edit(dtype="int8"), "dtype"),
    "newer format": (_edit(format_version=99), "format_version"),
    "unknown key": (_edit(parts=3), "parts"),
    "manifest cut short": (lambda f: (f / "manifest.json").write_text("{"), "it is damaged"),
    "manifest altered": (_altered, "it is damaged"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "no readable manifest"),
    "index of another type": (_retyped, "it holds int64"),
    "offsets not ascending": (_descending, "do not ascend"),
    "offset beyond the end": (_last_offset, "last offset"),
    "unknown slice": (_slice_out_of_range, "names a slice"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_reader_refuses_what_disagrees_with_the_manifest(tmp_path, fault):
    write(tmp_path / "a", DOCUMENTS)
    break_it, said = FAULTS[fault]
    break_it(tmp_path / "a")
    with pytest.raises(DataError, match=said):
        reader = ShardReader(tmp_path / "a")
        for split in ("train", "val", "test"):
            reader.split(split)


def test_a_changed_byte_is_found_when_asked_to_look(tmp_path):
    write(tmp_path / "a", DOCUMENTS)
    _flip(tmp_path / "a")
    assert len(ShardReader(tmp_path / "a").split("val")) == 10
    with pytest.raises(DataError, match="sha256"):
        ShardReader(tmp_path / "a", verify=True)


def test_an_unknown_split_is_an_error(tmp_path):
    write(tmp_path / "a", DOCUMENTS)
    with pytest.raises(DataError, match="no split 'dev'"):
        ShardReader(tmp_path / "a").split("dev")


def test_a_full_disk_leaves_no_manifest(tmp_path):
    folder = tmp_path / "a"
    write(folder, DOCUMENTS)
    (folder / "val.bin").unlink()
    (folder / "val.bin").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write(folder, DOCUMENTS)
    assert not (folder / "manifest.json").exists()
    (folder / "val.bin").unlink()
    write(folder, DOCUMENTS)
    assert len(ShardReader(folder, verify=True).split("val")) == 10


def test_equal_content_has_an_equal_id_whatever_the_table_version(tmp_path):
    first = write(tmp_path / "a", DOCUMENTS)
    moved = first.model_copy(update={"lineage": LINEAGE.model_copy(update={"version": 9})})
    assert moved.content_id == first.content_id == Manifest.load(tmp_path / "a").content_id
    assert write(tmp_path / "b", DOCUMENTS[1:]).content_id != first.content_id


WRITTEN = ("tokenizer.json", "train.bin", "train.idx.npy", "val.bin", "test.bytes.npy")


@pytest.mark.parametrize("watched", [WRITTEN[1:3], pytest.param(WRITTEN * 5, marks=pytest.mark.long)], ids=len)
def test_sigkill_at_any_moment_then_again_gives_the_same_bytes(tmp_path, watched):
    """A real process, killed as soon as it has written a file; what it left never passes for whole."""
    folder = tmp_path / "a"
    command = [sys.executable, str(Path(__file__).with_name("slow_writer.py")), str(folder)]
    subprocess.run(command, check=True)
    undisturbed = contents(folder)
    killed = 0
    for name in watched:
        shutil.rmtree(folder)
        process = subprocess.Popen(command)
        while not (folder / name).exists() and process.poll() is None:
            time.sleep(0.0002)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        if (folder / "manifest.json").exists():
            ShardReader(folder, verify=True)
        else:
            with pytest.raises(DataError, match="never finished"):
                ShardReader(folder)
    assert killed
    subprocess.run(command, check=True)
    leftovers = {name for name in contents(tmp_path / "a") if name not in undisturbed}
    assert all(name.startswith(".") for name in leftovers), leftovers
    assert undisturbed.items() <= contents(tmp_path / "a").items()
