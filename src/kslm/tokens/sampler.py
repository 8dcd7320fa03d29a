"""The mix: which documents each epoch reads, so that slices have the profile's shares of the tokens in every one.

The policy. With `available` tokens in a slice and its `share`, an epoch of T tokens takes share x T from each slice.
T is the smaller of

* the largest total at which no document occurs more than `max_repeats` times in an epoch: the least of
  max_repeats x available / share over the slices; the slice that has the least is said to bind the mix, and
* the total at which every slice is used up: the largest of available / share. Beyond it nothing unseen would come in.

Each slice is an endless stream of passes over its documents, always in one order: that of a hash of the seed and the
document's own hash, what a template made behind what somebody wrote. Epoch e takes the documents whose middle lies in
[e x share x T, (e + 1) x share x T). So a slice with more than its part brings unseen text before any of it is
repeated; one with less is repeated evenly, the occurrences of its documents differing by one at most, over one epoch
or over many; an epoch follows from its number in closed form, without state; and a new document displaces few. An
epoch's documents are then shuffled together, anew each time. Hashes are arithmetic on 64-bit integers, so an epoch is
the same on every machine and with every version of numpy.

Slices that the mix does not name are left out; the shares of slices that are named and have no text are divided among
the others, and said so. Without shares, every document occurs once an epoch. Validation and test are read in the same
shares with nothing repeated, the same for every seed.

Limits: whole documents are taken, so a share is met to within half a document at both boundaries of each slice: far
inside any tolerance for a corpus, not for a handful of documents; a note says where that matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from kslm.errors import KslmError
from kslm.profile import Mix
from kslm.texts import QUESTION
from kslm.tokens.reader import TokenSplit
from kslm.tokens.stream import Stream

Array = NDArray[Any]
HELD_OUT_SEED = 0


@dataclass(frozen=True)
class Amount:
    """What an epoch takes of one slice, in tokens, end-of-text tokens counted.

    Attributes:
        share: of the epoch's tokens.
        repeated_tokens: of documents that it, or an epoch before it, had taken already.
        later_tokens: of documents that neither it nor an epoch before it took.
    """

    tokens: int
    share: float
    repeated_tokens: int
    later_tokens: int


@dataclass(frozen=True)
class Epoch:
    """One epoch in figures.

    Attributes:
        by_slice: of the slices that the mix names.
        notes: sentences on shares that it could not meet.
    """

    number: int
    by_slice: dict[str, Amount]
    notes: tuple[str, ...]

    @property
    def tokens(self) -> int:
        """Tokens of the epoch."""
        return sum(amount.tokens for amount in self.by_slice.values())


@dataclass(frozen=True)
class _Quota:
    """One slice's documents in the order of its passes, and the tokens that each epoch takes."""

    documents: Array
    ends: Array
    target: int

    @property
    def available(self) -> int:
        return int(self.ends[-1])

    @cached_property
    def _middles(self) -> Array:
        lengths = np.diff(self.ends, prepend=0)
        return self.ends - lengths + lengths // 2

    def spans(self, epoch: int) -> Iterator[tuple[int, int, int]]:
        """What an epoch takes: of which pass, from which place in the order, to before which."""
        begin, end = epoch * self.target, (epoch + 1) * self.target
        for number in range(begin // self.available, -(-end // self.available)):
            start = number * self.available
            first, last = np.searchsorted(self._middles, (max(begin - start, 0), min(end - start, self.available)))
            yield number, int(first), int(last)

    def tokens(self, first: int, last: int) -> int:
        """Tokens of the documents at [first, last) of the order."""
        return int(self.ends[last - 1] - (self.ends[first - 1] if first else 0)) if first < last else 0


class Sampler:
    """Draws the epochs of one split; see the module.

    Attributes:
        bound_by: the slice that keeps an epoch from being larger; None where all text is used.
        notes: sentences on what bounds an epoch, and on slices without text, or without a share.
    """

    def __init__(self, split: TokenSplit, mix: Mix, seed: int) -> None:
        self.split = split
        self.seed = seed
        self._tolerance = mix.tolerance
        lengths = np.diff(split.ends.astype(np.int64), prepend=0)
        totals = np.bincount(split.slices, lengths, len(split.slice_names)).astype(np.int64).tolist()
        stored = {name: size for name, size in zip(split.slice_names, totals, strict=True) if size}
        shares = {str(name): share for name, share in sorted(mix.shares.items())}
        self._names = tuple(shares) or tuple(stored)
        self._wanted = _wanted(shares or {name: size / sum(totals) for name, size in stored.items()}, stored)
        self.bound_by, total = _total(self._wanted, stored, mix.max_repeats)
        self.notes = _notes(self.bound_by, total, stored, shares, mix.max_repeats)
        self._quotas = {
            name: self._quota(split.slice_names.index(name), lengths, max(1, round(total * share)))
            for name, share in self._wanted.items()
        }

    def _quota(self, number: int, lengths: Array, target: int) -> _Quota:
        members = np.flatnonzero(self.split.slices == number)
        members = members[shuffled(self.split.index["hash"][members], self.seed)]
        if QUESTION in self.split.kind_names:
            made = self.split.index["kind"][members] == self.split.kind_names.index(QUESTION)
            members = np.concatenate([members[~made], members[made]])
        return _Quota(members, np.cumsum(lengths[members]), target)

    def tokens(self, epoch: int) -> int:
        """Tokens of an epoch, without drawing it."""
        return sum(
            quota.tokens(first, last) for quota in self._quotas.values() for _, first, last in quota.spans(epoch)
        )

    def stream(self, epoch: int) -> Stream:
        """An epoch as it is read.

        Raises:
            KslmError: there is no epoch of that number.
        """
        _check(epoch)
        drawn, keys = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
        for quota in self._quotas.values():
            for occurrence, (_, first, last) in enumerate(quota.spans(epoch)):
                drawn.append(quota.documents[first:last])
                keys.append(_mixed(self.split.index["hash"][drawn[-1]], self.seed, epoch, occurrence))
        return Stream(self.split, np.concatenate(drawn)[np.argsort(np.concatenate(keys), kind="stable")])

    def epoch(self, epoch: int) -> Epoch:
        """An epoch in figures, without drawing it.

        Raises:
            KslmError: there is no epoch of that number.
        """
        _check(epoch)
        total = max(self.tokens(epoch), 1)
        by_slice = dict.fromkeys(self._names, Amount(0, 0.0, 0, 0))
        for name, quota in self._quotas.items():
            spans = list(quota.spans(epoch))
            tokens = sum(quota.tokens(first, last) for _, first, last in spans)
            unseen = sum(quota.tokens(first, last) for number, first, last in spans if not number)
            read = spans[-1][2] if not spans[-1][0] else len(quota.documents)
            later = quota.tokens(read, len(quota.documents))
            by_slice[name] = Amount(tokens, tokens / total, tokens - unseen, later)
        notes = tuple(
            f"in epoch {epoch} the share of slice {name} is {by_slice[name].share:.3f}, not {share:.3f}: "
            "whole documents come no closer"
            for name, share in self._wanted.items()
            if abs(by_slice[name].share - share) > self._tolerance
        )
        return Epoch(epoch, by_slice, notes)


def held_stream(split: TokenSplit, mix: Mix) -> Stream:
    """Validation or test text in the mix's shares, nothing repeated: the same for every run on these shards."""
    return Sampler(split, mix.model_copy(update={"max_repeats": 1}), HELD_OUT_SEED).stream(0)


def shuffled(keys: Array, *salt: int) -> Array:
    """An order of (keys,) 64-bit integers that follows from the salt alone: their places in it."""
    return np.argsort(_mixed(keys, *salt), kind="stable")


def _mixed(keys: Array, *salt: int) -> NDArray[np.uint64]:
    """splitmix64's finalizer over each key and the salt's hash: spreads every input bit over the word."""
    value = keys.astype(np.uint64) ^ np.uint64(xxhash.xxh3_64_intdigest(repr(salt).encode()))
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def _check(epoch: int) -> None:
    if epoch < 0:
        raise KslmError(f"there is no epoch {epoch}", remedy="epochs are counted from 0")


def _wanted(shares: Mapping[str, float], stored: Mapping[str, int]) -> dict[str, float]:
    """The shares of the slices that have text, adding up to 1."""
    weight = sum(share for name, share in shares.items() if name in stored)
    return {name: share / weight for name, share in shares.items() if name in stored}


def _total(wanted: Mapping[str, float], stored: Mapping[str, int], most: int) -> tuple[str | None, float]:
    """The slice that bounds an epoch, if one does, and the epoch's tokens."""
    if not wanted:
        return None, 0.0
    reach = {name: stored[name] / share for name, share in wanted.items()}
    binding = min(reach, key=lambda name: (reach[name], name))
    total = min(most * reach[binding], max(reach.values()))
    return (binding if total < max(reach.values()) * (1 - 1e-9) else None), total


def _notes(
    bound_by: str | None, total: float, stored: Mapping[str, int], shares: Mapping[str, float], most: int
) -> tuple[str, ...]:
    notes = []
    if bound_by:
        times = f", each document {most} times," if most > 1 else ""
        notes.append(
            f"slice {bound_by} bounds the mix: its {stored[bound_by]:,} tokens{times} allow {total:,.0f} an epoch"
        )
    if shares and not any(name in stored for name in shares):
        notes.append("no slice of the mix has any text")
    notes += [
        f"the mix asks for {share:.0%} of slice {name}, which has no text"
        for name, share in shares.items()
        if name not in stored
    ]
    if shares:
        notes += [f"slice {name} is not in the mix: all of it is left out" for name in stored if name not in shares]
    return tuple(notes)
