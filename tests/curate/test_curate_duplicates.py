import random

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from kslm.curate.duplicates import bands_for, buckets, components, verify

WORDS = [f"word{index}" for index in range(500)]


def document(seed, length=200):
    rng = random.Random(seed)
    return [rng.choice(WORDS) for _ in range(length)]


def batch(texts):
    return pa.RecordBatch.from_pydict({"doc_id": [f"doc{index:03}" for index in range(len(texts))], "text": texts})


def bucket_sets(texts, **batching):
    found = {}
    for part in buckets([batch(texts)], bands=16):
        for doc_id, bucket in zip(part["doc_id"].to_pylist(), part["bucket"].to_pylist(), strict=True):
            found.setdefault(doc_id, set()).add(bucket)
    return found


def test_near_copies_share_a_bucket_and_strangers_do_not():
    texts = []
    for seed in range(40):
        words = document(seed)
        texts.append(" ".join(words))
        words[seed] = "changed"
        texts.append(" ".join(words))
    found = bucket_sets(texts)
    near = [bool(found[f"doc{index:03}"] & found[f"doc{index + 1:03}"]) for index in range(0, 80, 2)]
    assert sum(near) >= 39
    strangers = [bool(found["doc000"] & found[f"doc{index:03}"]) for index in range(2, 80)]
    assert not any(strangers)


def test_short_texts_have_no_bucket():
    assert bucket_sets(["four words are few", ""]) == {}


def test_signatures_do_not_depend_on_the_batch():
    texts = [" ".join(document(seed, 30)) for seed in range(5)]
    together = bucket_sets(texts)
    for index, text in enumerate(texts):
        assert bucket_sets([text])["doc000"] == together[f"doc{index:03}"]


def test_verify_measures_exactly_and_keeps_only_similar_pairs():
    words = document(1, 100)
    near = [*words[:99], "other"]
    rows = {
        "left": ["a", "a"],
        "right": ["b", "c"],
        "left_text": [" ".join(words)] * 2,
        "right_text": [" ".join(near), " ".join(document(2, 100))],
    }
    (kept,) = verify([pa.RecordBatch.from_pydict(rows)], threshold=0.8)
    assert kept.to_pydict() == {"left": ["a"], "right": ["b"], "jaccard": [95 / 97]}


def test_bands_follow_the_threshold():
    assert bands_for(0.8) == 16
    assert bands_for(0.99) <= bands_for(0.8) <= bands_for(0.3)


IDS = st.integers(0, 12).map(lambda number: f"{number:02}")
EDGES = st.lists(st.tuples(IDS, IDS), max_size=20)


@given(EDGES, st.randoms())
def test_components_keep_the_smallest_id_whatever_the_order(edges, rng):
    found = components(edges)
    shuffled = [edge if rng.random() < 0.5 else edge[::-1] for edge in edges]
    rng.shuffle(shuffled)
    assert components(shuffled) == found
    for left, right in edges:
        assert found[left] == found[right] <= min(left, right)
    assert all(found[keeper] == keeper for keeper in found.values())
