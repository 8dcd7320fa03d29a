import random

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given
from hypothesis import strategies as st

from kslm.curate.dedup.minhash import bands_for, buckets, components, left_over, pairs_to_compare, suspects, verify
from kslm.curate.dedup.shingles import jaccard, shingle_sets

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


def near_pairs(texts):
    found = suspects(pairs_to_compare(placed(texts)))
    ids = found["doc_id"].to_pylist()
    named = dict(zip(batch(texts)["doc_id"].to_pylist(), texts, strict=True))
    with_texts = found.append_column("text", pa.array([named[doc_id] for doc_id in ids]))
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


def test_suspects_are_verified_exactly():
    words = document(1, 100)
    near = [*words[:99], "other"]
    found, edges = near_pairs([" ".join(words), " ".join(document(2, 100)), " ".join(near)])
    assert found.to_pydict() == {"doc_id": ["doc000", "doc002"], "part": [0, 0], "lefts": [[], ["doc000"]]}
    assert edges.to_pydict() == {"left": ["doc000"], "right": ["doc002"], "jaccard": [95 / 97]}


def test_no_suspects_among_strangers():
    found, edges = near_pairs([" ".join(document(seed)) for seed in range(5)])
    assert found.num_rows == edges.num_rows == 0


def test_a_bucket_of_many_costs_two_pairs_each_and_is_one_cluster():
    words = document(3, 300)
    texts = [" ".join([*words[:-1], f"copy{number}"]) for number in range(60)]
    found, edges = near_pairs(texts)
    assert sum(map(len, found["lefts"].to_pylist())) <= 2 * 16 * len(texts)
    assert set(found["part"].to_pylist()) == {0}
    clusters = components(zip(edges["left"].to_pylist(), edges["right"].to_pylist(), strict=True))
    assert set(clusters.values()) == {"doc000"}
    assert len(clusters) == 60


def test_order_of_the_signatures_does_not_matter():
    texts = [" ".join([*document(seed // 2, 100)[:-1], f"copy{seed}"]) for seed in range(20)]
    rows = placed(texts)
    turned = rows.take(list(range(rows.num_rows - 1, -1, -1)))
    assert pairs_to_compare(turned) == pairs_to_compare(rows) != []


def test_questions_with_other_devices_are_not_alike():
    texts = [
        f"Question: What is PCI device 8086:{number:04x}?\nAnswer: PCI device 8086:{number:04x} is Card {number}."
        for number in range(300)
    ]
    assert near_pairs(texts)[1].num_rows == 0


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


@given(EDGES, st.randoms())
def test_components_keep_the_smallest_id_whatever_the_order(edges, rng):
    found = components(edges)
    shuffled = [edge if rng.random() < 0.5 else edge[::-1] for edge in edges]
    rng.shuffle(shuffled)
    assert components(shuffled) == found
    for left, right in edges:
        assert found[left] == found[right] <= min(left, right)
    assert all(found[keeper] == keeper for keeper in found.values())
