import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.curate.dedup.shingles import encode, jaccard, shingle_sets, shingles

TEXTS = st.lists(st.text(alphabet=st.sampled_from("abAB_1é -.\n"), max_size=60), max_size=6)


def reference(text):
    words = [word.lower() for word in re.findall(rb"[A-Za-z0-9_\x80-\xff]+", text.encode())]
    return [tuple(words[index : index + 5]) for index in range(len(words) - 4)]


@given(TEXTS)
def test_equal_shingles_have_equal_hashes_and_only_those(texts):
    hashes, offsets = shingles(*encode(texts))
    expected = [reference(text) for text in texts]
    assert np.diff(offsets).tolist() == [len(found) for found in expected]
    flat = [shingle for found in expected for shingle in found]
    assert len(set(zip(flat, hashes.tolist(), strict=True))) == len(set(flat)) == len(set(hashes.tolist()))


@given(TEXTS)
def test_a_text_hashes_alike_wherever_it_stands_in_a_batch(texts):
    together = shingle_sets(texts)
    alone = [shingle_sets([text])[0] for text in texts]
    assert [found.tolist() for found in together] == [found.tolist() for found in alone]


def test_jaccard_is_the_share_of_common_shingles():
    left, right = shingle_sets(["one two three four five six", "one two three four five seven"])
    assert jaccard(left, right) == pytest.approx(1 / 3)
    assert jaccard(left, left) == 1
    assert jaccard(*shingle_sets(["too few words", "too few words"])) == 0
