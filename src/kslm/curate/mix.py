"""Which documents make up the corpus, and which split each group of them belongs to.

Both decisions look only at ids, group names and sizes, in an order fixed by hashes: they do not depend on how rows
were partitioned. A change of a few documents moves few others, because documents and groups are taken from the ends of
a fixed order until a share is full.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import xxhash

TOLERANCE = 1.15
"""How far above its share a split may go in one slice for the sake of a group that does not fit exactly."""

Sizes = dict[str, int]
"""Bytes by slice."""


class Item(NamedTuple):
    """What the mix and the split need to know of a document."""

    doc_id: str
    slice: str
    group: str
    bytes: int


def slice_budgets(sizes: Mapping[str, int], shares: Mapping[str, float]) -> dict[str, int]:
    """Bytes each slice may keep so that none exceeds its largest share of what is kept in all.

    Args:
        sizes: bytes of each slice present.
        shares: largest share of a slice; slices that are not named are not limited. Where every slice present is
            limited and the shares add up to less than 1, they are scaled up to 1: no mix could meet them.
    """
    limits = {name: shares[name] for name in sizes if name in shares}
    if sizes and len(limits) == len(sizes) and sum(limits.values()) < 1:
        scale = sum(limits.values())
        limits = {name: share / scale for name, share in limits.items()}
    trimmed: set[str] = set()
    total = float(sum(sizes.values()))
    while True:
        over = {
            name for name, share in limits.items() if name not in trimmed and sizes[name] > share * total * (1 + 1e-9)
        }
        if not over or trimmed | over == set(sizes):
            break
        trimmed |= over
        kept = sum(size for name, size in sizes.items() if name not in trimmed)
        total = kept / (1 - sum(limits[name] for name in trimmed))
    return {name: int(limits[name] * total) if name in trimmed else size for name, size in sizes.items()}


def over_share(items: Iterable[Item], shares: Mapping[str, float]) -> dict[str, float]:
    """Documents to leave out so that slices keep to their shares: id to the share the slice had before.

    Documents are dropped from the end of the order of their ids, which are hashes.
    """
    by_slice: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_slice[item.slice].append(item)
    sizes = {name: sum(item.bytes for item in found) for name, found in by_slice.items()}
    total = sum(sizes.values())
    dropped: dict[str, float] = {}
    for name, budget in slice_budgets(sizes, shares).items():
        kept = 0
        if budget >= sizes[name]:
            continue
        for item in sorted(by_slice[name]):
            if kept + item.bytes > budget:
                dropped[item.doc_id] = round(sizes[name] / total, 4)
            else:
                kept += item.bytes
    return dropped


def split_groups(items: Iterable[Item], *, val: float, test: float, seed: int) -> dict[str, str]:
    """Assign every group to train, val or test: a group is never divided.

    Groups are ordered by a hash of seed and name. Validation is filled from the start of the order and test from its
    end, in each slice up to its share of the bytes; a group too large for what is left of any of its slices stays in
    train. A slice with three groups or more has at least one in each split.
    """
    groups: dict[str, Sizes] = defaultdict(lambda: defaultdict(int))
    totals: Sizes = defaultdict(int)
    for item in items:
        groups[item.group][item.slice] += item.bytes
        totals[item.slice] += item.bytes
    order = sorted(groups, key=lambda group: (xxhash.xxh3_64_intdigest(f"{seed}\0{group}".encode()), group))
    splits = dict.fromkeys(order, "train")
    for name, fraction, candidates in (("val", val, order), ("test", test, order[::-1])):
        target = {slice_: fraction * size for slice_, size in totals.items()}
        _fill(name, candidates, groups, target, splits)
    for slice_ in sorted(totals):
        _represent(slice_, order, groups, splits)
    return splits


def _fill(
    name: str, order: list[str], groups: Mapping[str, Sizes], target: dict[str, float], splits: dict[str, str]
) -> None:
    filled: Sizes = defaultdict(int)
    for group in order:
        if splits[group] != "train":
            continue
        sizes = groups[group]
        fits = all(filled[slice_] + size <= TOLERANCE * target[slice_] for slice_, size in sizes.items())
        if fits and any(filled[slice_] < target[slice_] for slice_ in sizes):
            splits[group] = name
            for slice_, size in sizes.items():
                filled[slice_] += size


def _represent(slice_: str, order: list[str], groups: Mapping[str, Sizes], splits: dict[str, str]) -> None:
    """Move the smallest training groups of a slice to splits it is missing from, where it has groups to spare."""
    members = [group for group in order if slice_ in groups[group]]
    for name in ("val", "test"):
        spare = sorted((g for g in members if splits[g] == "train"), key=lambda g: (groups[g][slice_], order.index(g)))
        if len(members) >= 3 and len(spare) >= 2 and not any(splits[group] == name for group in members):
            splits[spare[0]] = name
