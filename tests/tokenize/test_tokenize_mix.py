"""The mix: shares within tolerance or a note that says why not; no document too often; nothing without need."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.profile import Mix, Tokenizer
from kslm.tokenize.build import build
from kslm.tokenize.corpus import outline
from kslm.tokenize.mix import choose
from kslm.tokens import Encoder, Lineage, ShardReader

NAMES = ("admin", "hardware", "instructions", "os")
SHARES = {"os": 0.4, "hardware": 0.3, "admin": 0.2, "instructions": 0.1}


def chosen(tokens, slices, shares=SHARES, tolerance=0.01, max_repeats=2):
    return choose(
        np.array(tokens, np.int64),
        np.array(slices, np.uint8),
        NAMES,
        shares=shares,
        tolerance=tolerance,
        max_repeats=max_repeats,
    )


def documents(*counts, size=10):
    """As many documents of `size` tokens as said for each slice of NAMES, mixed up."""
    slices = [index for index, count in enumerate(counts) for _ in range(count)]
    random.Random(5).shuffle(slices)
    return [size] * len(slices), slices


def totals(choice, tokens, slices):
    used = np.bincount(slices, np.array(tokens) * choice.repeats, len(NAMES))
    return dict(zip(NAMES, used.tolist(), strict=True))


@given(
    counts=st.lists(st.integers(0, 400), min_size=4, max_size=4),
    weights=st.dictionaries(st.sampled_from(NAMES), st.integers(1, 9), min_size=1),
    max_repeats=st.integers(1, 4),
    seed=st.integers(0, 9),
)
def test_shares_are_met_or_the_notes_say_why(counts, weights, max_repeats, seed):
    rng = random.Random(seed)
    _, slices = documents(*counts)
    tokens = [rng.randint(1, 50) for _ in slices]
    shares = {name: weight / sum(weights.values()) for name, weight in weights.items()}
    choice = chosen(tokens, slices, shares, max_repeats=max_repeats)
    assert choice.repeats.max(initial=0) <= max_repeats
    used = totals(choice, tokens, slices)
    everything = sum(used.values())
    for name in NAMES:
        if name not in shares:
            assert used[name] == 0
        elif everything:
            share = used[name] / everything
            assert choice.shares[name] == pytest.approx(share)
            assert abs(share - shares[name]) <= 0.01 or any(
                name in note or "no text" in note or "not in the mix" in note for note in choice.notes
            )
    for index in set(slices):
        own = choice.repeats[np.array(slices) == index]
        assert own.max() - own.min() <= 1, "repetition is spread over the slice, not heaped on a few documents"


def test_the_binding_slice_is_repeated_and_the_others_cut():
    tokens, slices = documents(4000, 4000, 500, 9000)
    choice = chosen(tokens, slices)
    assert totals(choice, tokens, slices) == {"admin": 20000, "hardware": 30000, "instructions": 10000, "os": 40000}
    assert choice.bound_by == "instructions"
    assert "instructions bounds the mix: its 5,000 tokens, each document 2 times, allow 100,000" in choice.notes[0]
    once = chosen(tokens, slices, max_repeats=1)
    assert sum(totals(once, tokens, slices).values()) == 50_000
    assert once.repeats.max() == 1


def test_text_of_the_right_shares_is_not_repeated_for_the_sake_of_size():
    tokens, slices = documents(200, 300, 100, 400)
    choice = chosen(tokens, slices, max_repeats=5)
    assert choice.repeats.tolist() == [1] * 1000
    assert (choice.bound_by, choice.notes) == (None, ())


def test_repetition_stops_where_no_unseen_text_is_left():
    tokens, slices = documents(200, 300, 50, 400)
    choice = chosen(tokens, slices, max_repeats=9)
    assert totals(choice, tokens, slices) == {"admin": 2000, "hardware": 3000, "instructions": 1000, "os": 4000}
    assert choice.bound_by is None


def test_no_shares_means_everything_once():
    tokens, slices = documents(3, 1, 4, 1)
    choice = chosen(tokens, slices, {})
    assert choice.repeats.tolist() == [1] * 9
    assert choice.notes == ()


def test_missing_and_unnamed_slices_are_spoken_of():
    tokens, slices = documents(100, 0, 100, 100)
    choice = chosen(tokens, slices, {"os": 0.5, "hardware": 0.25, "admin": 0.25})
    assert totals(choice, tokens, slices)["instructions"] == 0
    assert choice.shares["os"] == pytest.approx(2 / 3, abs=0.01)
    assert any("25% of slice hardware, which has no text" in note for note in choice.notes)
    assert any("instructions is not in the mix" in note for note in choice.notes)
    assert chosen([], []).repeats.tolist() == []


def test_a_new_document_changes_few_others():
    tokens, slices = documents(4000, 4000, 500, 9000)
    before = chosen(tokens, slices).repeats
    after = chosen([*tokens, 10], [*slices, 2]).repeats
    assert (before != after[:-1]).sum() <= 30


ROWS = [
    {
        "doc_id": f"{n:032x}",
        "split": ("train", "train", "train", "val", "test")[n % 5],
        "kind": ("rst", "question")[n % 2],
        "slice": ("os", "os", "os", "hardware")[n // 5 % 4],
        "text": f"the driver of device {n} is loaded by udev\n" * 5,
    }
    for n in range(400)
]
LINEAGE = Lineage(table="gold.corpus", version=1, content_hash="c", code_version="0")


def reader(rows, batch=13):
    import pyarrow as pa

    table = pa.Table.from_pylist([row | {"bytes": len(row["text"])} for row in rows])
    return lambda *columns: table.select(list(columns)).to_batches(max_chunksize=batch)


def test_shards_of_a_mix(tmp_path):
    mix = Mix(shares={"os": 0.5, "hardware": 0.5})
    tokenizer = Tokenizer(vocab_size=512, train_bytes=10_000)
    built = build(reader(ROWS), tmp_path / "a", tokenizer, "f", LINEAGE, scratch=tmp_path, mix=mix)
    again = build(reader(ROWS[::-1], 29), tmp_path / "b", tokenizer, "f", LINEAGE, scratch=tmp_path, mix=mix)
    assert built.manifest == again.manifest
    assert (tmp_path / "a" / "train.bin").read_bytes() == (tmp_path / "b" / "train.bin").read_bytes()

    shards = ShardReader(tmp_path / "a", verify=True)
    train = shards.split("train")
    texts = [tuple(train.document(index).tolist()) for index in range(len(train))]
    hardware = [
        text for text, slice_ in zip(texts, train.slices, strict=True) if train.slice_names[slice_] == "hardware"
    ]
    assert len(hardware) == 2 * len(set(hardware)) == 120
    assert len(set(texts) - set(hardware)) == len(texts) - len(hardware), "os is not repeated"
    apart = [texts.index(text, texts.index(text) + 1) - texts.index(text) for text in set(hardware)]
    assert np.median(apart) > 10, "occurrences of a document lie apart"

    counts = shards.manifest.splits["train"].by_slice
    assert counts["hardware"].repeated_documents == 60
    assert counts["hardware"].repeated_tokens * 2 == counts["hardware"].tokens
    assert counts["os"].left_out_documents == 180 - counts["os"].documents
    assert shards.manifest.mix.bound_by == "hardware"
    assert shards.manifest.mix.got["os"] == pytest.approx(0.5, abs=0.01)
    assert any("hardware bounds the mix" in note for note in built.notes)
    held = shards.manifest.splits["val"].by_slice
    assert held["hardware"].repeated_documents == 0
    assert held["os"].documents == held["hardware"].documents == 20


def test_the_tokenizer_sample_has_the_mix_s_shares():
    plan = outline(reader(ROWS), 12_000, {"os": 0.5, "hardware": 0.5})
    sizes = {row["doc_id"]: (row["slice"], len(row["text"])) for row in ROWS}
    held = {name: sum(sizes[d][1] for d in plan.sample if sizes[d][0] == name) for name in ("os", "hardware")}
    assert held["os"] == pytest.approx(6000, rel=0.05)
    assert held["hardware"] == pytest.approx(6000, rel=0.05)


def test_what_somebody_wrote_is_kept_before_what_a_template_did(tmp_path):
    mix = Mix(shares={"os": 0.5, "hardware": 0.5}, max_repeats=1)
    tokenizer = Tokenizer(vocab_size=512, train_bytes=10_000)
    build(reader(ROWS), tmp_path / "a", tokenizer, "f", LINEAGE, scratch=tmp_path, mix=mix)
    kinds = Counter(row["kind"] for row in ROWS if row["slice"] == "os" and row["split"] == "train")
    shards = ShardReader(tmp_path / "a")
    counts = shards.manifest.splits["train"].by_slice["os"]
    encoder = Encoder(tmp_path / "a" / "tokenizer.json", [])
    train = shards.split("train")
    texts = {tuple(train.document(index).tolist()[:-1]) for index in range(len(train))}
    there = Counter(
        row["kind"]
        for row in ROWS
        if row["slice"] == "os"
        and row["split"] == "train"
        and tuple(encoder.encode([row["text"]]).ids.tolist()) in texts
    )
    assert kinds["question"] > 0
    assert there == {"rst": counts.documents}
