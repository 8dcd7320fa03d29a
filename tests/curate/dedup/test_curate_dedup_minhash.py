import itertools
import random

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given
from hypothesis import strategies as st

from kslm.curate.dedup.minhash import bands_for, bucket_rows, buckets, components, left_over, suspects, verify
from kslm.curate.dedup.shingles import jaccard, shingle_sets
from kslm.knowledge.families import Union

WORDS = [f"word{index}" for index in range(500)]


def document(seed, length=200):
    rng = random.Random(seed)
    return [rng.choice(WORDS) for _ in range(length)]


def batch(texts):
    return pa.RecordBatch.from_pydict({"doc_id": [f"doc{index:03}" for index in range(len(texts))], "text": texts})


def placed(texts):
    return pa.Table.from_batches(buckets([batch(texts)], bands=16))


def bucket_sets(texts):
    rows = placed(texts).to_pylist() if any(len(text.split()) > 4 for text in texts) else []
    return {row["doc_id"]: set(np.frombuffer(row["buckets"], np.int64).tolist()) for row in rows}


def compared(texts, pairs):
    """What is to be read for these pairs of numbers of texts, and the pairs that are alike."""
    ids = [f"doc{index:03}" for index in range(len(texts))]
    rows = [{"left": ids[left], "right": ids[right]} for left, right in pairs]
    found = suspects(pa.Table.from_pylist(rows, pa.schema([("left", pa.string()), ("right", pa.string())])))
    named = dict(zip(ids, texts, strict=True))
    with_texts = found.append_column("text", pa.array([named[doc_id] for doc_id in found["doc_id"].to_pylist()]))
    (edges,) = verify(with_texts.to_batches() or [pa.RecordBatch.from_pylist([], with_texts.schema)], threshold=0.8)
    return found, pa.Table.from_batches([edges.filter(pc.greater(edges["jaccard"], 0))])


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


def test_there_is_a_row_for_each_bucket():
    rows = placed([" ".join(document(seed)) for seed in range(3)])
    none = pa.table({"doc_id": ["none"], "buckets": pa.array([b""], pa.binary())})
    (found,) = bucket_rows(pa.concat_tables([none, rows]).combine_chunks().to_batches())
    expected = {(row["doc_id"], bucket) for row in rows.to_pylist() for bucket in np.frombuffer(row["buckets"], "i8")}
    assert {(row["doc_id"], row["bucket"]) for row in found.to_pylist()} == expected
    assert len(expected) == found.num_rows == 48


def test_suspects_are_verified_exactly():
    words = document(1, 100)
    near = [*words[:99], "other"]
    found, edges = compared([" ".join(words), " ".join(document(2, 100)), " ".join(near)], [(0, 2)])
    assert found.to_pydict() == {"doc_id": ["doc000", "doc002"], "part": [0, 0], "lefts": [[], ["doc000"]]}
    assert edges.to_pydict() == {"left": ["doc000"], "right": ["doc002"], "jaccard": [95 / 97]}


def test_connected_suspects_are_in_one_part():
    texts = [" ".join(document(seed)) for seed in range(9)]
    found, edges = compared(texts, [(7, 8), (0, 2), (2, 4), (1, 3), (0, 4)])
    part = dict(zip(found["doc_id"].to_pylist(), found["part"].to_pylist(), strict=True))
    lefts = dict(zip(found["doc_id"].to_pylist(), found["lefts"].to_pylist(), strict=True))
    assert part == {"doc000": 0, "doc001": 1, "doc002": 0, "doc003": 1, "doc004": 0, "doc007": 2, "doc008": 2}
    assert lefts["doc004"] == ["doc000", "doc002"] and lefts["doc001"] == []
    assert edges.num_rows == 0


def test_nothing_to_compare_is_no_trouble():
    found, edges = compared([], [])
    assert found.num_rows == edges.num_rows == 0


def test_left_over_counts_documents_and_bytes():
    words = document(1, 100)
    texts = [" ".join(words), " ".join([*words[:99], "other"]), *(" ".join(document(seed, 100)) for seed in (2, 3))]
    documents, size = left_over(texts, 0.8)
    assert documents == 0.5
    assert size == sum(map(len, texts[:2])) / sum(map(len, texts))
    assert left_over([" ".join([*words[:-1], f"copy{number}"]) for number in range(80)], 0.8) == (1.0, 1.0)
    assert left_over([], 0.8) == (0.0, 0.0)
    assert left_over(["few words"], 0.8) == (0.0, 0.0)


SHORT = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=12).map(" ".join), max_size=8)


@given(SHORT)
def test_left_over_agrees_with_comparing_all_pairs(texts):
    sets = shingle_sets(texts)
    similar = {
        index
        for index in range(len(texts))
        for other in range(len(texts))
        if index != other and jaccard(sets[index], sets[other]) >= 0.8
    }
    assert left_over(texts, 0.8)[0] == len(similar) / max(1, len(texts))


def test_bands_follow_the_threshold():
    assert bands_for(0.8) == 16
    assert bands_for(0.99) <= bands_for(0.8) <= bands_for(0.3)


IDS = st.integers(0, 12).map(lambda number: f"{number:02}")
EDGES = st.lists(st.tuples(IDS, IDS), max_size=20)


def clusters(edges):
    columns = zip(*edges, strict=True) if edges else ((), ())
    found = components(pa.table([pa.array(column, pa.string()) for column in columns], ["left", "right"]))
    assert found["doc_id"].to_pylist() == sorted({end for edge in edges for end in edge})
    return dict(zip(found["doc_id"].to_pylist(), found["keeper"].to_pylist(), strict=True))


@given(EDGES, st.randoms())
def test_components_keep_the_smallest_id_whatever_the_order(edges, rng):
    found = clusters(edges)
    shuffled = [edge if rng.random() < 0.5 else edge[::-1] for edge in edges]
    rng.shuffle(shuffled)
    assert clusters(shuffled) == found
    joined = Union()
    for edge in edges:
        joined.join(*edge)
    assert found == joined.roots()


def test_a_long_chain_is_one_component():
    order = [f"{number:04}" for number in range(1000)]
    random.Random(1).shuffle(order)
    assert set(clusters(list(itertools.pairwise(order))).values()) == {"0000"}
