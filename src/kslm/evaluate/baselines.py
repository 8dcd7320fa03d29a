"""Unigram and bigram models of the training tokens: the figures below which a language model has learnt something.

Unigram: counts with one added to each. Bigram: interpolated Kneser-Ney with one discount (Kneser and Ney 1995; Chen and
Goodman 1999, section 2.7), the strongest of the standard smoothings: a bigram that was not seen is judged by how many
different tokens its second one follows, not by how often it occurs.

Limits: counts are kept in sorted arrays, 16 bytes a distinct bigram; training reads at most MAX_TOKENS tokens.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
MAX_TOKENS = 50_000_000


class Tokens(Protocol):
    """An array of ids, or a stream of them."""

    def __getitem__(self, span: slice) -> Array:
        """A span of the ids."""


class Unigram:
    """Add-one smoothed frequencies.

    Args:
        tokens: (tokens,) training ids below vocab_size.
    """

    def __init__(self, tokens: Tokens, vocab_size: int) -> None:
        counts = np.bincount(tokens[:MAX_TOKENS], minlength=vocab_size) + 1.0
        self.nats = -np.log(counts / counts.sum())

    def score(self, previous: Array, tokens: Array) -> Array:
        """Negative log-likelihood of each token, in nats; `previous` is not used."""
        return np.asarray(self.nats[tokens])


class Bigram:
    """Interpolated Kneser-Ney over pairs of neighbouring tokens; see the module.

    Args:
        tokens: (tokens,) training ids below vocab_size.
    """

    def __init__(self, tokens: Tokens, vocab_size: int) -> None:
        ids = tokens[:MAX_TOKENS].astype(np.int64)
        self.vocab_size = vocab_size
        self.pairs, self.counts = np.unique(ids[:-1] * vocab_size + ids[1:], return_counts=True)
        once, twice = int((self.counts == 1).sum()), int((self.counts == 2).sum())
        self.discount = once / (once + 2 * twice) if once else 0.5
        first, second = np.divmod(self.pairs, vocab_size)
        self.total = np.bincount(first, weights=self.counts, minlength=vocab_size)
        self.followers = np.bincount(first, minlength=vocab_size)
        # Continuation counts, with one added so that tokens never seen keep some probability.
        preceders = np.bincount(second, minlength=vocab_size) + 1.0
        self.continuation = preceders / preceders.sum()

    def score(self, previous: Array, tokens: Array) -> Array:
        """Negative log-likelihood of each token after its predecessor, in nats.

        Args:
            previous: (tokens,) the token before each.
        """
        before, after = previous.astype(np.int64), tokens.astype(np.int64)
        keys = before * self.vocab_size + after
        places = np.minimum(np.searchsorted(self.pairs, keys), len(self.pairs) - 1)
        counts = np.where(self.pairs[places] == keys, self.counts[places], 0)
        total = self.total[before]
        seen = np.maximum(total, 1.0)
        held_back = np.where(total > 0, self.discount * self.followers[before] / seen, 1.0)
        direct = np.maximum(counts - self.discount, 0.0) / seen
        return np.asarray(-np.log(direct + held_back * self.continuation[after]))
