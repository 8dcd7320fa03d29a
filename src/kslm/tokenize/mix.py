"""How often each document occurs in the shards, so that slices have the profile's shares of the tokens.

The policy, for the train split. With `available` tokens in a slice and its `share`, a total of T tokens takes
share x T from each slice. T is the smaller of

* the largest total at which no document occurs more than `max_repeats` times: the least of
  max_repeats x available / share over the slices; the slice that has the least is said to bind the mix, and
* the total at which every slice is used up: the largest of available / share. Beyond it nothing unseen would come in,
  only whole passes over the same text, and those are training's affair.

A slice that has more than its part is cut, one that has less is repeated, as often as it takes and no more: each of its
documents c or c + 1 times. Which ones is the order of a hash of doc_id, generated questions last, so that new documents
displace few and what somebody wrote comes before what a template did. Validation and test take the same shares with
nothing repeated. Slices that the mix does not name are left out; the shares of slices that are named and have no text
are divided among the others, and said so.

Limits: whole documents are taken, so shares are met to within half a document at the boundary of each slice: far inside
any tolerance for a corpus, not for a handful of documents; a note says where that matters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kslm.profile import Mix
from kslm.tokens.manifest import MixRecord


@dataclass(frozen=True)
class Choice:
    """How often each document occurs, and what there is to say about it.

    Attributes:
        repeats: (documents,) uint8, 0 for a document left out.
        shares: of the tokens that occur, by slice of the mix.
        bound_by: the slice that kept the total from being larger; None where all text is used.
        notes: sentences on what bound the total, and on shares that could not be met.
    """

    repeats: NDArray[np.uint8]
    shares: dict[str, float]
    bound_by: str | None
    notes: tuple[str, ...]


def choose(
    tokens: NDArray[Any],
    slices: NDArray[Any],
    names: Sequence[str],
    *,
    shares: Mapping[str, float],
    tolerance: float,
    max_repeats: int,
) -> Choice:
    """Settle how often each document of one split occurs, by the policy of this module.

    Args:
        tokens: (documents,) tokens of each document, in an order that does not depend on how they came (a hash's).
        slices: (documents,) index into `names` of each document.
        shares: by slice, positive, adding up to 1; empty: every document once.
        tolerance: deviation of a share beyond which a note is made.
        max_repeats: times a document may occur.
    """
    if not shares:
        return Choice(np.ones(len(tokens), np.uint8), {}, None, ())
    members = {name: np.flatnonzero(slices == index) for index, name in enumerate(names)}
    available = {name: int(tokens[members[name]].sum()) if name in members else 0 for name in sorted(shares)}
    present = {name: size for name, size in available.items() if size}
    repeats = np.zeros(len(tokens), np.uint8)
    weight = sum(shares[name] for name in present)
    if not present:
        return Choice(repeats, dict.fromkeys(available, 0.0), None, ("no slice of the mix has any text",))
    wanted = {name: shares[name] / weight for name in present}
    reach = {name: size / wanted[name] for name, size in present.items()}
    binding = min(reach, key=lambda name: (reach[name], name))
    total = min(max_repeats * reach[binding], max(reach.values()))
    for name in present:
        chosen = members[name]
        repeats[chosen] = _repeat(tokens[chosen], total * wanted[name], max_repeats)
    used = {name: int((tokens[members[name]] * repeats[members[name]]).sum()) for name in present}
    achieved = {name: used.get(name, 0) / max(sum(used.values()), 1) for name in available}
    bound_by = binding if total < max(reach.values()) * (1 - 1e-9) else None
    notes = [*_bounds(bound_by, available, max_repeats, total), *_misses(achieved, shares, available, tolerance)]
    notes += [f"slice {name} is not in the mix: all of it is left out" for name in names if name not in shares]
    return Choice(repeats, achieved, bound_by, tuple(notes))


def _repeat(tokens: NDArray[Any], target: float, most: int) -> NDArray[np.uint8]:
    """Whole rounds of all documents, and of the first ones once more, as near to `target` tokens as those come."""
    cumulative = np.cumsum(tokens, dtype=np.int64)
    size = int(cumulative[-1])
    rounds = min(int(target // size), most)
    repeats = np.full(len(tokens), rounds, np.uint8)
    if rounds < most:
        rest = target - rounds * size
        count = int(np.searchsorted(cumulative, rest, "right"))
        if count < len(tokens):
            below = int(cumulative[count - 1]) if count else 0
            count += bool(cumulative[count] - rest < rest - below)
        repeats[:count] += 1
    return repeats


def _bounds(bound_by: str | None, available: Mapping[str, int], most: int, total: float) -> list[str]:
    if bound_by is None:
        return []
    times = f", each document {most} times," if most > 1 else ""
    return [f"slice {bound_by} bounds the mix: its {available[bound_by]:,} tokens{times} allow {total:,.0f} in all"]


def _misses(
    achieved: Mapping[str, float], shares: Mapping[str, float], available: Mapping[str, int], tolerance: float
) -> list[str]:
    missing = [name for name, size in available.items() if not size]
    notes = [f"the mix asks for {shares[name]:.0%} of slice {name}, which has no text" for name in missing]
    if not missing:
        notes += [
            f"the share of slice {name} is {achieved[name]:.3f}, not {share:.3f}: whole documents come no closer"
            for name, share in sorted(shares.items())
            if abs(achieved[name] - share) > tolerance
        ]
    return notes


class Mixer:
    """Chooses the documents of each split in turn, for `ShardWriter.publish`, and keeps what there is to say.

    Attributes:
        notes: on the train split.
    """

    def __init__(self, mix: Mix) -> None:
        self._mix = mix
        self._train = Choice(np.zeros(0, np.uint8), {}, None, ())

    def __call__(
        self, split: str, tokens: NDArray[Any], slices: NDArray[Any], names: Sequence[str]
    ) -> NDArray[np.uint8]:
        """Repeats of each document of `split`; train's may exceed 1."""
        choice = choose(
            tokens,
            slices,
            names,
            shares={str(name): share for name, share in self._mix.shares.items()},
            tolerance=self._mix.tolerance,
            max_repeats=self._mix.max_repeats if split == "train" else 1,
        )
        if split == "train":
            self._train = choice
        return choice.repeats

    @property
    def notes(self) -> list[str]:
        """What bound the train split's total, and which shares could not be met."""
        return list(self._train.notes)

    @property
    def record(self) -> MixRecord | None:
        """For the manifest, once train is chosen; None without a mix."""
        if not self._mix.shares:
            return None
        asked = {str(name): share for name, share in sorted(self._mix.shares.items())}
        return MixRecord(
            asked=asked,
            got={name: round(share, 6) for name, share in self._train.shares.items()},
            tolerance=self._mix.tolerance,
            max_repeats=self._mix.max_repeats,
            bound_by=self._train.bound_by,
        )
