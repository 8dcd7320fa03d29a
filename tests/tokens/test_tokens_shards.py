"""Shards: exact round trips, the same bytes in any order, and refusal of whatever is not what the manifest says."""

import hashlib
import json
import os
import random
import resource
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
from kslm.tokens import EOT_ID, Layout, Manifest, PartRecord, ShardReader, publish
from kslm.tokens.layout import INDEX, PART_BYTES
from kslm.tokens.manifest import dtype_for
from kslm.tokens.tokenizer import SPECIAL_TOKENS
from shard_rows import LINEAGE, Document, write_shards

SLICES = ("hardware", "os")


def fake_tokenizer(size):
    """A tokenizer.json as far as the writer reads it."""
    vocab = {token: index for index, token in enumerate(SPECIAL_TOKENS)}
    vocab.update((f"t{index}", index) for index in range(3, size))
    added = [{"id": index, "content": token} for index, token in enumerate(SPECIAL_TOKENS)]
    return json.dumps({"added_tokens": added, "model": {"vocab": vocab}})


def write(folder, documents, size=1000, parts=(2, 1, 1)):
    rows = [
        Document(doc_id, split, slice_name, f"kind of {slice_name}", 2 * len(ids), np.array(ids, np.uint32))
        for doc_id, split, slice_name, ids in documents
    ]
    return write_shards(folder, fake_tokenizer(size), rows, parts=parts)


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
    ),
    parts=st.tuples(*[st.integers(1, 5)] * 3),
)
def test_shards_give_back_what_was_written(tmp_path_factory, documents, parts):
    folder = tmp_path_factory.mktemp("shards") / "f00d"
    rows = [(f"d{n}", *document) for n, document in enumerate(documents)]
    write(folder, rows, parts=parts)
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
        assert record.tokens == sum(len(ids) for _, ids, _ in expected) == opened.tokens
        assert [opened.kind_names[k] for k in opened.index["kind"]] == [f"kind of {s}" for s, _, _ in read]
        whole = np.concatenate(opened.parts).tolist()
        for start in range(0, opened.tokens, 5):
            assert opened.read(start, start + 11).tolist() == whole[start : start + 11]
        assert sum(part.tokens for part in record.by_slice.values()) == record.tokens
        assert sum(part.text_bytes for part in record.by_slice.values()) == record.text_bytes


def test_the_order_of_arrival_does_not_matter(tmp_path):
    write(tmp_path / "a", DOCUMENTS)
    write(tmp_path / "b", random.Random(1).sample(DOCUMENTS, len(DOCUMENTS)))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert len(os.listdir(tmp_path)) == 2, "the spool leaves nothing behind"


def test_documents_are_shuffled(tmp_path):
    documents = [(f"doc{n:03}", "train", "os", [3 + n]) for n in range(100)]
    write(tmp_path / "a", documents)
    write(tmp_path / "b", documents, parts=(7, 1, 1))
    tokens, others = (ShardReader(tmp_path / name).split("train") for name in "ab")
    assert tokens.read(0, 200)[::2].tolist() != list(range(3, 103))
    assert tokens.read(0, 200).tolist() == others.read(0, 200).tolist(), "parts are ranges of one order"
    assert len([part for part in others.parts if len(part) > 4]) == 7


def test_format_is_as_documented(tmp_path):
    write(tmp_path / "a", DOCUMENTS)
    assert sorted(contents(tmp_path / "a")) == sorted(
        ["manifest.json", "tokenizer.json", "tokenizer_config.json", "vocab.json"]
        + [
            f"{stem}{end}"
            for stem in ("train-00000-of-00002", "train-00001-of-00002", "val-00000-of-00001", "test-00000-of-00001")
            for end in (".bin", ".idx.npy")
        ]
    )
    raw = np.fromfile(tmp_path / "a" / "val-00000-of-00001.bin", "<u2")
    index = np.load(tmp_path / "a" / "val-00000-of-00001.idx.npy")
    assert index.dtype == INDEX
    assert (raw[index["end"] - 1] == 0).all()
    assert index["end"][-1] == len(raw)
    assert (index["hash"][1:] > index["hash"][:-1]).all()


def test_parts_follow_the_amount_of_text():
    layout = Layout.of({"train": 3 * PART_BYTES + 1, "val": 1}, ("os",), ("c",))
    assert layout.parts == (4, 1, 1)
    assert [layout.stem(part) for part in (3, 4, 5)] == [
        *("train-00003-of-00004", "val-00000-of-00001", "test-00000-of-00001")
    ]
    assert [layout.split_of(part) for part in range(6)] == ["train"] * 4 + ["val", "test"]
    with pytest.raises(DataError, match="at most 256"):
        Layout.of({}, [str(n) for n in range(257)], ())


@pytest.mark.parametrize(("size", "dtype"), [(65_536, "<u2"), (65_537, "<u4")])
def test_wide_vocabularies_get_wide_tokens(tmp_path, size, dtype):
    assert dtype_for(size) == np.dtype(dtype)
    write(tmp_path / "a", [("d", "train", "os", [size - 1, 3])], size)
    opened = ShardReader(tmp_path / "a").split("train")
    assert opened.read(0, 3).dtype == np.dtype(dtype)
    assert opened.read(0, 3).tolist() == [size - 1, 3, 0]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (("d", "dev", "os", [5]), "in split 'dev'"),
        (("d", "train", "os", [1000]), "text cannot have"),
        (("d", "train", "os", [0]), "text cannot have"),
        (("doc1", "train", "os", [5]), "occurs twice"),
    ],
)
def test_documents_that_cannot_be_right_are_refused(tmp_path, document, said):
    with pytest.raises(DataError, match=said):
        write(tmp_path / "a", [*DOCUMENTS, document])
    assert not (tmp_path / "a" / "manifest.json").exists()


def test_a_slice_that_appeared_meanwhile_is_named():
    layout = Layout.of({}, ("os",), ("c",))
    with pytest.raises(DataError, match=r"in slice 'poems'.*\n.*changed while it was read"):
        layout.rows(["d"], ["train"], ["poems"], ["c"], text_bytes=[1], lengths=np.ones(1, np.int64))


def test_what_tasks_wrote_and_is_gone_is_not_published(tmp_path):
    folder = tmp_path / "a"
    write(folder, DOCUMENTS)
    (folder / "manifest.json").unlink()
    record = write(tmp_path / "b", DOCUMENTS)
    layout = Layout(record.slices, record.kinds, (2, 1, 1))
    with pytest.raises(DataError, match=r"train-00000-of-00002\.bin is not as it was written.*\n.*all workers see"):
        _published_again(folder, layout, tmp_path / "b", gone="train-00000-of-00002.bin")
    assert not (folder / "manifest.json").exists()


def _published_again(folder, layout, other, gone):
    """Publish `folder` by the records of its equal `other`, one file less."""
    manifest = Manifest.load(other)
    records = []
    for part in range(sum(layout.parts)):
        files = {name: file for name, file in manifest.files.items() if name.startswith(f"{layout.stem(part)}.")}
        records.append(PartRecord(part=part, by_slice={}, files=files))
    (folder / gone).unlink()
    publish(folder, fake_tokenizer(1000), layout, records, fingerprint="f00d", lineage=LINEAGE)


def _cut(folder):
    path = folder / "train-00001-of-00002.bin"
    path.write_bytes(path.read_bytes()[:-2])


def _flip(folder):
    path = folder / "val-00000-of-00001.bin"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def _edit(**changes):
    def apply(folder):
        published.seal(folder, published.manifest_of(folder) | changes)

    return apply


def _altered(folder):
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"eot_id": 0', '"eot_id": 1'))


def _index(change):
    def apply(folder):
        path = folder / "test-00000-of-00001.idx.npy"
        np.save(path, change(np.load(path)))
        manifest = published.manifest_of(folder)
        size = path.stat().st_size
        published.seal(folder, manifest | {"files": manifest["files"] | {path.name: {"bytes": size, "sha256": ""}}})

    return apply


def _with(column, place, value):
    def change(index):
        index[column][place] = value(index)
        return index

    return _index(change)


FAULTS = {
    "truncated": (_cut, "bytes on disk"),
    "missing part": (lambda f: (f / "train-00000-of-00002.idx.npy").unlink(), "it is missing"),
    "wrong dtype": (_edit(dtype="uint32"), "not .* tokens of uint32"),
    "unknown dtype": (_edit(dtype="int8"), "dtype"),
    "newer format": (_edit(format_version=99), "format_version"),
    "unknown key": (_edit(parts=3), "parts"),
    "manifest cut short": (lambda f: (f / "manifest.json").write_text("{"), "it is damaged"),
    "manifest altered": (_altered, "it is damaged"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "no readable manifest"),
    "index of another type": (_index(lambda index: index["end"].astype(np.int64)), "it holds int64"),
    "offsets not ascending": (_with("end", 0, lambda index: index["end"][1]), "do not ascend"),
    "offset beyond the end": (_with("end", -1, lambda index: index["end"][-1] + np.uint64(1)), "not .* tokens of"),
    "unknown slice": (_with("slice", 0, lambda index: 9), "names a slice"),
    "unknown kind": (_with("kind", 0, lambda index: 9), "names a kind"),
    "a document less": (_index(lambda index: index[1:]), "documents, not"),
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


def test_a_disk_that_takes_no_more_leaves_no_manifest(tmp_path):
    def full():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    command = [sys.executable, str(Path(__file__).with_name("slow_writer.py")), str(tmp_path / "a")]
    failed = subprocess.run(command, check=False, preexec_fn=full, capture_output=True, text=True)
    assert "OSError" in failed.stderr
    assert os.listdir(tmp_path) == ["a"], "no unfinished file is left"
    assert not (tmp_path / "a" / "manifest.json").exists()


def test_equal_content_has_an_equal_id_whatever_the_table_version(tmp_path):
    first = write(tmp_path / "a", DOCUMENTS)
    moved = first.model_copy(update={"lineage": LINEAGE.model_copy(update={"version": 9})})
    assert moved.content_id == first.content_id == Manifest.load(tmp_path / "a").content_id
    assert write(tmp_path / "b", DOCUMENTS[1:]).content_id != first.content_id


WRITTEN = (
    *("tokenizer.json", "train-00001-of-00004.bin", "train-00003-of-00004.idx.npy", "val-00000-of-00001.bin"),
    "test-00000-of-00001.idx.npy",
)


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
