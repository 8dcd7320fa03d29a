from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.curate.mix import Item, over_share, slice_budgets, split_groups


def items_of(groups, slice_="os", size=100):
    return [Item(f"{slice_}{index:04}", slice_, f"{slice_}-g{index % groups}", size) for index in range(groups * 3)]


ITEMS = st.lists(
    st.builds(
        Item,
        doc_id=st.uuids().map(str),
        slice=st.sampled_from(["os", "hardware", "admin"]),
        group=st.integers(0, 15).map(str),
        bytes=st.integers(1, 5000),
    ),
    max_size=60,
)


@given(ITEMS, st.randoms())
def test_split_is_of_whole_groups_and_independent_of_order(items, rng):
    splits = split_groups(items, val=0.05, test=0.05, seed=1)
    assert set(splits) == {item.group for item in items}
    shuffled = list(items)
    rng.shuffle(shuffled)
    assert split_groups(shuffled, val=0.05, test=0.05, seed=1) == splits


def test_fractions_are_near_in_each_slice_of_many_groups():
    items = items_of(400) + items_of(300, "admin", 70)
    splits = split_groups(items, val=0.05, test=0.05, seed=3)
    sizes = defaultdict(int)
    for item in items:
        sizes[item.slice, splits[item.group]] += item.bytes
    for slice_ in ("os", "admin"):
        total = sum(size for (name, _), size in sizes.items() if name == slice_)
        assert sizes[slice_, "val"] / total == pytest.approx(0.05, abs=0.01)
        assert sizes[slice_, "test"] / total == pytest.approx(0.05, abs=0.01)


def test_every_slice_of_three_groups_is_in_each_split():
    items = [*items_of(3), *items_of(3, "admin")]
    splits = split_groups(items, val=0.05, test=0.05, seed=0)
    for slice_ in ("os", "admin"):
        assert {splits[item.group] for item in items if item.slice == slice_} == {"train", "val", "test"}


def test_a_single_group_is_training_text():
    assert set(split_groups(items_of(1), val=0.05, test=0.05, seed=0).values()) == {"train"}


def test_another_seed_gives_another_split():
    items = items_of(200)
    assert split_groups(items, val=0.05, test=0.05, seed=1) != split_groups(items, val=0.05, test=0.05, seed=2)


def test_a_few_new_documents_move_few_groups():
    items = items_of(400)
    before = split_groups(items, val=0.05, test=0.05, seed=1)
    after = split_groups([*items, Item("new", "os", "new", 100)], val=0.05, test=0.05, seed=1)
    assert sum(before[group] != after[group] for group in before) <= 3


SIZES = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 10**9), min_size=1)
SHARES = st.dictionaries(st.sampled_from("abcd"), st.floats(0.05, 1.0))


@given(SIZES, SHARES)
def test_budgets_meet_the_shares_and_take_no_more_than_there_is(sizes, shares):
    budgets = slice_budgets(sizes, shares)
    total = sum(budgets.values())
    limited = [name for name in sizes if name in shares]
    scale = sum(shares[name] for name in limited) if len(limited) == len(sizes) else 1
    for name, budget in budgets.items():
        assert budget <= sizes[name]
        if name in shares:
            assert budget <= shares[name] / min(scale, 1) * total * 1.0001 + len(sizes) + 1


def test_over_share_trims_the_slice_and_says_what_it_was():
    items = items_of(30, "os", 100) + items_of(10, "admin", 100)
    dropped = over_share(items, {"os": 0.5})
    assert len(dropped) == 60
    assert set(dropped.values()) == {0.75}
    assert all(doc_id.startswith("os") for doc_id in dropped)
    assert over_share(items, {}) == {}
