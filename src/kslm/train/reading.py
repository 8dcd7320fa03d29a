"""What a run read: epochs, the shares of the slices in them, and how much of it was read before."""

from __future__ import annotations

from dataclasses import dataclass

from kslm.profile import Profile
from kslm.tokens.reader import ShardReader
from kslm.tokens.sampler import Sampler
from kslm.train.plan import sequences_of

NOTES = 3
"""On shares that single epochs missed; of a handful of documents many may."""


@dataclass(frozen=True)
class Reading:
    """Metrics and notes of a finished run's text.

    Attributes:
        metrics: train/epochs; of the epochs begun also train/epoch_tokens (the mean), train/share/<slice> and
            train/repeated (the share of tokens that had been read before), and train/unread_tokens.
    """

    metrics: dict[str, float]
    notes: list[str]


def read(reader: ShardReader, profile: Profile) -> Reading:
    """What a run of this profile reads on these shards, from its first step to its last.

    Raises:
        DataError: an epoch does not fill one optimizer step.
    """
    sequences = sequences_of(reader, profile)
    passes = sequences.passes(len(sequences))
    metrics = {"train/epochs": passes}
    if profile.train.sampling == "plain":
        return Reading(metrics, [f"read {passes:,.2f} epochs of the shards as they are stored, without the mix"])
    sampler = Sampler(reader.split("train"), profile.mix, profile.seed)
    epochs = [sampler.epoch(number) for number in range(max(1, -int(-passes // 1)))]
    total = sum(epoch.tokens for epoch in epochs)
    taken = {name: [epoch.by_slice[name] for epoch in epochs] for name in epochs[0].by_slice}
    repeated = sum(amount.repeated_tokens for amounts in taken.values() for amount in amounts) / total
    unread = sum(amounts[-1].later_tokens for amounts in taken.values())
    shares = {name: sum(amount.tokens for amount in amounts) / total for name, amounts in taken.items()}
    metrics |= {"train/epoch_tokens": total / len(epochs), "train/repeated": repeated, "train/unread_tokens": unread}
    metrics |= {f"train/share/{name}": share for name, share in shares.items()}
    told = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    notes = [
        f"read {passes:,.2f} epochs of about {total / len(epochs):,.0f} tokens ({told}); of the epochs begun "
        f"{repeated:.1%} is repetition, and {unread:,} tokens of the mix come after them",
        *sampler.notes,
    ]
    missed = [note for epoch in epochs for note in epoch.notes]
    more = [f"so in {len(missed) - NOTES} more cases"] if len(missed) > NOTES else []
    return Reading(metrics, [*notes, *missed[:NOTES], *more])
