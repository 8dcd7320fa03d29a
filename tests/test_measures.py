import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.measures import held_out, perplexity, repetition, scored_before, starts
from kslm.tokens.layout import INDEX
from kslm.tokens.reader import TokenSplit
from kslm.tokens.stream import Stream


def stream_of(ends, slices, text_bytes):
    index = np.zeros(len(ends), INDEX)
    index["end"], index["slice"], index["bytes"] = ends, slices, text_bytes
    split = TokenSplit("test", (np.arange(ends[-1], dtype=np.uint16),), index, ("os", "hardware"), ("text",))
    return Stream(split, np.arange(len(ends)))


@given(st.integers(1, 300), st.integers(4, 40))
def test_windows_score_each_token_once_with_a_quarter_of_a_window_before_it(count, length):
    begins, span = starts(count, length), min(length, count)
    skips = scored_before(begins, span)
    scored = [place for begin, skip in zip(begins, skips, strict=True) for place in range(begin + skip, begin + span)]
    assert scored == list(range(count))
    assert skips[0] == 0 and (skips[1:] >= length // 4).all()


def test_perplexity_is_of_the_mean_and_never_overflows():
    assert perplexity(np.full((2, 3), math.log(8), np.float32)) == pytest.approx(8)
    assert perplexity(np.array([1e6])) == math.inf


def test_held_out_tokens_are_of_all_slices_as_the_split_is():
    lengths = [5000] + [50] * 100
    stream = stream_of(np.cumsum(lengths).tolist(), [0] + [1] * 100, [1] * 101)
    held = held_out(stream, 2000)
    assert np.bincount(held.slice_of).tolist() == [5000, 1000]
    assert len(held_out(stream, 20_000).tokens) == 10_000


def test_held_out_tokens_end_with_a_document():
    held = held_out(stream_of([3, 7, 12], [0, 1, 0], [30, 40, 50]), 8)
    assert held.tokens.tolist() == list(range(7)) and held.previous.tolist() == [0, 0, 1, 2, 3, 4, 5]
    assert held.slice_of.tolist() == [0, 0, 0, 1, 1, 1, 1] and held.text_bytes.tolist() == [30, 40]
    assert len(held_out(stream_of([30], [0], [99]), 8).tokens) == 30


def test_repetition_counts_four_grams_seen_before():
    assert repetition([[1, 2, 3, 4, 5, 6]]) == 0
    assert repetition([[7] * 8]) == pytest.approx(4 / 5)
    assert repetition([[1, 2], []]) == 0
