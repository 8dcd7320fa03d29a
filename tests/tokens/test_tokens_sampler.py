"""The mix: shares within tolerance in every epoch or a note; unseen text first; the same anywhere."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.errors import KslmError
from kslm.profile import Mix
from kslm.tokens.layout import INDEX
from kslm.tokens.reader import TokenSplit
from kslm.tokens.sampler import Sampler, held_stream

NAMES = ("admin", "hardware", "instructions", "os")
SHARES = {"os": 0.4, "hardware": 0.3, "admin": 0.2, "instructions": 0.1}
KINDS = ("question", "text")


def split_of(counts, size=10, seed=0, made=()):
    """As many documents of each of NAMES as said, each of `size` tokens or, of a range, within it, in two parts.

    A document's tokens are its number in the split.
    """
    random = np.random.default_rng(seed)
    slices = random.permutation(np.repeat(np.arange(len(NAMES)), counts))
    lengths = random.integers(*size, len(slices)) if isinstance(size, tuple) else np.full(len(slices), size)
    index = np.zeros(len(slices), INDEX)
    index["end"], index["slice"], index["bytes"] = np.cumsum(lengths), slices, lengths
    index["hash"] = random.integers(0, 1 << 63, len(slices), np.uint64)
    index["kind"] = 1
    index["kind"][list(made)] = 0
    tokens = np.repeat(np.arange(len(slices), dtype=np.uint32), lengths)
    half = lengths[: len(lengths) // 2].sum()
    return TokenSplit("train", (tokens[:half], tokens[half:]), index, NAMES, KINDS)


def sampler(split, shares=SHARES, max_repeats=2, seed=1):
    return Sampler(split, Mix(shares=shares, max_repeats=max_repeats), seed)


def taken(split, stream):
    """Tokens of each slice in a stream, counted in what it reads."""
    ids, counts = np.unique(stream[:], return_counts=True)
    return dict(zip(NAMES, np.bincount(split.slices[ids], counts, len(NAMES)).astype(int).tolist(), strict=True))


@given(
    counts=st.lists(st.integers(0, 60), min_size=4, max_size=4).filter(any),
    weights=st.dictionaries(st.sampled_from(NAMES), st.integers(1, 9), min_size=1),
    max_repeats=st.integers(1, 4),
    seed=st.integers(0, 9),
)
def test_every_epoch_has_the_shares_or_notes_that_say_why(counts, weights, max_repeats, seed):
    split = split_of(counts, (1, 50), seed)
    shares = {name: weight / sum(weights.values()) for name, weight in weights.items()}
    drawn = sampler(split, shares, max_repeats, seed)
    occurred = Counter()
    for number in range(12):
        stream, epoch = drawn.stream(number), drawn.epoch(number)
        got = taken(split, stream)
        assert len(stream) == drawn.tokens(number) == epoch.tokens == sum(got.values())
        assert set(epoch.by_slice) == set(shares)
        for name in NAMES:
            if name not in shares:
                assert not got[name]
                continue
            assert epoch.by_slice[name].tokens == got[name]
            share = got[name] / max(len(stream), 1)
            assert abs(share - shares[name]) <= 0.01 or any(
                name in note or "no text" in note for note in (*drawn.notes, *epoch.notes)
            )
        here = Counter(stream.documents.tolist())
        assert max(here.values(), default=0) <= max_repeats
        occurred += here
        for name in shares:
            times = [occurred[at] for at in np.flatnonzero(split.slices == NAMES.index(name)).tolist()]
            assert not times or max(times) - min(times) <= 1, "no document comes again before each has come"
            unread = sum(
                int(np.diff(split.ends, prepend=0)[at])
                for at in np.flatnonzero(split.slices == NAMES.index(name))
                if not occurred[int(at)]
            )
            assert epoch.by_slice[name].later_tokens == unread


def test_shares_of_a_corpus_are_within_tolerance_in_every_epoch():
    split = split_of([4000, 4000, 500, 9000], (1, 400))
    drawn = sampler(split)
    for number in range(60):
        epoch = drawn.epoch(number)
        assert epoch.notes == ()
        for name, share in SHARES.items():
            assert epoch.by_slice[name].share == pytest.approx(share, abs=0.01)


def test_the_binding_slice_is_repeated_and_the_others_wait_for_their_epoch():
    split = split_of([4000, 4000, 500, 9000])
    drawn = sampler(split)
    assert taken(split, drawn.stream(0)) == {"admin": 20000, "hardware": 30000, "instructions": 10000, "os": 40000}
    assert drawn.bound_by == "instructions"
    assert drawn.notes == (
        "slice instructions bounds the mix: its 5,000 tokens, each document 2 times, allow 100,000 an epoch",
    )
    first, second, third = (drawn.epoch(number).by_slice for number in range(3))
    assert (first["os"].repeated_tokens, first["os"].later_tokens) == (0, 50_000)
    assert (second["os"].repeated_tokens, second["os"].later_tokens) == (0, 10_000)
    assert (third["os"].repeated_tokens, third["os"].later_tokens) == (30_000, 0)
    assert first["instructions"].repeated_tokens == 5000
    assert second["instructions"].repeated_tokens == 10_000
    assert not {*drawn.stream(0).documents[split.slices[drawn.stream(0).documents] == 3]} & {
        *drawn.stream(1).documents[split.slices[drawn.stream(1).documents] == 3]
    }
    assert drawn.tokens(10**12) == 100_000, "no epoch is too far"


def test_text_of_the_right_shares_is_read_once_an_epoch_and_repetition_ends_where_nothing_unseen_is_left():
    exact = sampler(split_of([200, 300, 100, 400]), max_repeats=5)
    assert sorted(exact.stream(3).documents) == list(range(1000))
    assert (exact.bound_by, exact.notes) == (None, ())
    more = sampler(split_of([200, 300, 50, 400]), max_repeats=9)
    assert (more.tokens(0), more.bound_by) == (10_000, None)


def test_without_shares_every_document_comes_once_an_epoch_in_a_new_order():
    split = split_of([3, 1, 4, 1], (1, 9))
    drawn = sampler(split, {})
    orders = [drawn.stream(number).documents.tolist() for number in range(5)]
    assert all(sorted(order) == list(range(9)) for order in orders)
    assert len({tuple(order) for order in orders}) == 5
    assert drawn.notes == drawn.epoch(0).notes == ()


def test_missing_and_unnamed_slices_are_spoken_of():
    split = split_of([100, 0, 100, 100])
    drawn = sampler(split, {"os": 0.5, "hardware": 0.25, "admin": 0.25})
    assert taken(split, drawn.stream(0))["instructions"] == 0
    assert drawn.epoch(0).by_slice["os"].share == pytest.approx(2 / 3, abs=0.01)
    assert "the mix asks for 25% of slice hardware, which has no text" in drawn.notes
    assert "slice instructions is not in the mix: all of it is left out" in drawn.notes
    nothing = sampler(split_of([0, 3, 0, 0]), {"os": 1.0})
    assert len(nothing.stream(0)) == nothing.epoch(0).tokens == 0
    assert "no slice of the mix has any text" in nothing.notes


def test_what_somebody_wrote_comes_before_what_a_template_did():
    split = split_of([0, 100, 0, 100], made=range(0, 200, 2))
    drawn = sampler(split, {"os": 0.2, "hardware": 0.8}, max_repeats=1)
    written = {at for at in range(1, 200, 2) if NAMES[split.slices[at]] == "os"}
    first = [at for at in drawn.stream(0).documents.tolist() if NAMES[split.slices[at]] == "os"]
    assert len(first) == 25
    assert {*first} <= written


def test_an_epoch_follows_from_seed_and_number_alone():
    split = split_of([40, 40, 10, 90], (1, 30))
    orders = {
        (seed, number): tuple(sampler(split, seed=seed).stream(number).documents.tolist())
        for seed in (1, 2)
        for number in range(3)
    }
    assert len(set(orders.values())) == 6
    assert tuple(sampler(split, seed=1).stream(2).documents.tolist()) == orders[1, 2]
    few = split_of([2, 2, 1, 3])
    few.index["hash"], few.index["slice"] = np.arange(8) * 0x123456789ABCDEF, [0, 0, 1, 1, 2, 3, 3, 3]
    assert sampler(few).stream(0).documents.tolist() == PINNED, "the same on every machine, with every numpy"


PINNED = [7, 5, 3, 4, 1, 6, 5, 0, 3, 2]


def test_held_out_text_has_the_shares_and_no_seed():
    split = split_of([40, 400, 40, 900])
    stream = held_stream(split, Mix(shares=SHARES, max_repeats=4))
    assert len({*stream.documents.tolist()}) == len(stream.documents) == 200
    assert taken(split, stream) == {"admin": 400, "hardware": 600, "instructions": 200, "os": 800}


def test_a_new_document_moves_few():
    split = split_of([400, 400, 50, 900])
    before = sampler(split).stream(0)
    index = np.concatenate([split.index, split.index[-1:]])
    index["end"][-1] += 10
    index["hash"][-1] = 7
    after = sampler(TokenSplit("train", (*split.parts, split.parts[1][-10:]), index, NAMES, KINDS)).stream(0)
    moved = Counter(before.documents.tolist())
    moved.subtract(after.documents.tolist())
    assert sum(map(abs, moved.values())) <= 30


def test_epochs_are_counted_from_0():
    for draw in (sampler(split_of([1, 1, 1, 1])).stream, sampler(split_of([1, 1, 1, 1])).epoch):
        with pytest.raises(KslmError, match="no epoch -1"):
            draw(-1)


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_span_of_a_stream_is_what_its_documents_say(start, stop):
    split = split_of([5, 5, 2, 8], (1, 30), seed=4)
    stream = sampler(split).stream(0)
    whole = np.concatenate([split.document(number) for number in stream.documents])
    assert stream[start:stop].tolist() == whole[start:stop].tolist()
    assert len(stream) == len(whole)
    if start < len(whole):
        number, offset = stream.place(start)
        assert split.document(int(stream.documents[number]))[offset] == whole[start]


def test_beginnings_are_of_the_first_documents_that_are_long_enough():
    split = split_of([5, 5, 2, 8], (1, 30), seed=4)
    stream = sampler(split).stream(0)
    found = stream.beginnings(3, 20)
    longer = [number for number in stream.documents if len(split.document(int(number))) > 20]
    assert found.tolist() == [[number] * 20 for number in longer[:3]]
