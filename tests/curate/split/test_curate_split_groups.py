from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.curate.split.groups import LARGE_BYTES, Size, position, split_groups


def items_of(groups, slice_="os", size=100):
    return [Size(slice_, f"{slice_}-g{index % groups}", size) for index in range(groups * 3)]


ITEMS = st.lists(
    st.builds(
        Size,
        slice=st.sampled_from(["os", "hardware", "admin"]),
        group=st.integers(0, 15).map(str),
        bytes=st.integers(1, 500_000),
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


@given(ITEMS)
def test_train_always_has_text_of_a_slice_of_three_groups(items):
    splits = split_groups(items, val=0.4, test=0.4, seed=2)
    groups = defaultdict(set)
    for item in items:
        groups[item.slice].add(item.group)
    one_slice = len(groups) == 1
    for members in groups.values():
        if len(members) >= 3 and one_slice:
            assert {splits[group] for group in members} >= {"train"}


def test_fractions_are_near_in_each_slice_of_many_groups():
    items = items_of(4000) + items_of(3000, "admin", 70)
    splits = split_groups(items, val=0.05, test=0.1, seed=3)
    sizes = defaultdict(int)
    for item in items:
        sizes[item.slice, splits[item.group]] += item.bytes
    for slice_ in ("os", "admin"):
        total = sum(size for (name, _), size in sizes.items() if name == slice_)
        assert sizes[slice_, "val"] / total == pytest.approx(0.05, abs=0.01)
        assert sizes[slice_, "test"] / total == pytest.approx(0.1, abs=0.015)


def test_every_slice_of_three_groups_is_in_each_split(tries):
    items = [*items_of(3), *items_of(3, "admin")]
    for seed in range(tries(20)):
        splits = split_groups(items, val=0.05, test=0.05, seed=seed)
        for slice_ in ("os", "admin"):
            assert {splits[item.group] for item in items if item.slice == slice_} == {"train", "val", "test"}


def test_a_single_group_is_training_text():
    assert set(split_groups(items_of(2), val=0.05, test=0.05, seed=0).values()) == {"train"}


def test_another_seed_gives_another_split():
    items = items_of(200)
    assert split_groups(items, val=0.05, test=0.05, seed=1) != split_groups(items, val=0.05, test=0.05, seed=2)


def test_new_documents_and_groups_move_no_old_group():
    items = items_of(400)
    before = split_groups(items, val=0.05, test=0.05, seed=1)
    more = [Size("os", f"new{n % 150}", 90) for n in range(900)]
    after = split_groups([*items, *more], val=0.05, test=0.05, seed=1)
    assert {group: after[group] for group in before} == before


def test_a_group_that_is_a_large_part_of_a_slice_trains():
    items = items_of(400)
    held = next(group for group in sorted({item.group for item in items}) if position(group, 1) < 0.05)
    grown = [*items, Size("os", held, LARGE_BYTES + 1)]
    assert split_groups(items, val=0.05, test=0.05, seed=1)[held] == "val"
    assert split_groups(grown, val=0.05, test=0.05, seed=1)[held] == "train"
    dwarfed = [*grown, Size("os", "rest", 100 * LARGE_BYTES)]
    assert split_groups(dwarfed, val=0.05, test=0.05, seed=1)[held] == "val"
