"""Which split each group of documents belongs to: a pure function of seed and group name, with two exceptions.

A scheduled job meets new documents every time. What was held out from one model must stay held out from the next, so a
group's split follows from a hash of its name and from nothing else; new groups move no old one. The exceptions:

* A group that is a large part of a slice always trains: held out, it would be the whole of what is measured.
* A slice of three groups or more has at least one group in each split, which matters for small corpora only.

Limits: because groups differ much in size, a split's share of a slice's bytes strays from its share of the groups
(0.02 to 0.075 was measured for 0.05). A group that grows beyond the bound moves into train, once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import xxhash

LARGE_SHARE = 0.02
"""Share of a slice's bytes above which a group always trains ..."""
LARGE_BYTES = 100_000
"""... if it has more bytes than this as well."""

Sizes = dict[str, int]
"""Bytes by slice."""


class Size(NamedTuple):
    """Bytes of a group's documents in one slice."""

    slice: str
    group: str
    bytes: int


def position(group: str, seed: int) -> float:
    """Where a group stands between 0 and 1: train is in the middle, validation below it, test above."""
    return xxhash.xxh3_64_intdigest(f"{seed}\0{group}".encode()) / 2**64


def split_groups(sizes: Iterable[Size], *, val: float, test: float, seed: int) -> dict[str, str]:
    """Assign every group to train, val or test: a group is never divided.

    Args:
        sizes: of all groups that are to have a split; several of one group and slice count together.
        val, test: shares of the groups.
    """
    groups: dict[str, Sizes] = defaultdict(lambda: defaultdict(int))
    totals: Sizes = defaultdict(int)
    for size in sizes:
        groups[size.group][size.slice] += size.bytes
        totals[size.slice] += size.bytes
    places = {group: position(group, seed) for group in groups}
    splits = {
        group: "train" if _large(groups[group], totals) else "val" if at < val else "test" if at > 1 - test else "train"
        for group, at in places.items()
    }
    members: dict[str, list[str]] = defaultdict(list)
    for group in sorted(groups, key=lambda group: (places[group], group)):
        for slice_ in groups[group]:
            members[slice_].append(group)
    for slice_ in sorted(members):
        _represent(slice_, members[slice_], groups, splits)
    return splits


def _large(sizes: Mapping[str, int], totals: Mapping[str, int]) -> bool:
    return any(size > max(LARGE_BYTES, LARGE_SHARE * totals[slice_]) for slice_, size in sizes.items())


def _represent(slice_: str, members: list[str], groups: Mapping[str, Sizes], splits: dict[str, str]) -> None:
    """Move groups of a slice to splits it is missing from: the largest to train, to the others the smallest."""
    if len(members) < 3:
        return
    by_size = sorted(members, key=lambda group: groups[group][slice_])
    for name, order in (("train", by_size[::-1]), ("val", by_size), ("test", by_size)):
        held = Counter(splits[group] for group in members)
        if not held[name]:
            donors = [group for group in order if held[splits[group]] >= 2]
            splits[min(donors, key=lambda group: splits[group] != "train")] = name
