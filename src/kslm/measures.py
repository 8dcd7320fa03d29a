"""Figures of a language model, each defined once: what is held out, how it is read in windows, perplexity, repetition.

Held-out text is one stream, begun behind an end-of-text token as every document is. It is read in windows that overlap
by a quarter; in each the part not scored before is scored, so that each token counts once and has, but for the
stream's first, at least a quarter of a window before it. End-of-text tokens are predicted and counted as tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kslm.tokens.stream import Stream
from kslm.tokens.tokenizer import EOT_ID

Array = NDArray[Any]
GRAM = 4
_LARGEST_EXPONENT = 700.0


@dataclass(frozen=True)
class Held:
    """Held-out tokens, cut at a document's end.

    Attributes:
        tokens, previous: (tokens,) int64 ids, and the id before each.
        slice_of: (tokens,) index into `slice_names`.
        text_bytes: (slices,) UTF-8 bytes.
    """

    tokens: Array
    previous: Array
    slice_of: Array
    text_bytes: Array
    slice_names: tuple[str, ...]


def held_out(stream: Stream, max_tokens: int) -> Held:
    """About `max_tokens` tokens of a stream: of each slice the first documents, as many as its share of it gives.

    A stream is shuffled, but documents differ so much in length that its first tokens may be of one slice mostly, and
    perplexity differs between slices by a factor of ten.
    """
    ends, slices = stream.ends, stream.slices
    lengths = np.diff(ends, prepend=0)
    part = min(1.0, max_tokens / max(int(ends[-1]), 1))
    chosen = np.zeros(len(lengths), bool)
    for index in np.unique(slices):
        members = np.flatnonzero(slices == index)
        before = np.cumsum(lengths[members]) - lengths[members]
        # A document counts if more of it lies within the share than beyond, and the first one always does.
        chosen[members[before + lengths[members] / 2 <= part * lengths[members].sum()]] = True
        chosen[members[0]] = True
    documents = np.flatnonzero(chosen)
    tokens = np.concatenate([stream[ends[at] - lengths[at] : ends[at]] for at in documents]).astype(np.int64)
    slices = slices[documents]
    return Held(
        tokens=tokens,
        previous=np.concatenate([[EOT_ID], tokens[:-1]]),
        slice_of=np.repeat(slices, lengths[documents]),
        text_bytes=np.bincount(slices, weights=stream.text_bytes[documents], minlength=len(stream.slice_names)),
        slice_names=stream.slice_names,
    )


def starts(count: int, length: int) -> Array:
    """Where the windows over a stream begin: (windows,) offsets, ascending; see the module.

    Args:
        count: tokens of the stream.
        length: tokens that a window predicts, or `count` where that is less.
    """
    return np.minimum(np.arange(0, max(count - length // 4, 1), length - length // 4), max(count - length, 0))


def scored_before(starts: Array, length: int) -> Array:
    """How many of each window's first tokens the windows before it have scored: (windows,)."""
    return np.concatenate([[0], starts[:-1] + length - starts[1:]])


def perplexity(nats: Array | float) -> float:
    """Perplexity of tokens with these negative log-likelihoods in nats, of any shape; infinite beyond a double."""
    mean = float(np.mean(nats, dtype=np.float64))
    return math.exp(mean) if mean < _LARGEST_EXPONENT else math.inf


def bits_per_byte(nats: float, text_bytes: float) -> float:
    """Bits that a byte of text costs, given the sum of its tokens' negative log-likelihoods."""
    return nats / math.log(2) / max(text_bytes, 1.0)


def repetition(texts: Sequence[Sequence[int]]) -> float:
    """Share of 4-grams that occurred before in the same text, over all texts; 0 where none has four tokens."""
    total = repeated = 0
    for ids in texts:
        grams = [tuple(ids[i : i + GRAM]) for i in range(len(ids) - GRAM + 1)]
        total += len(grams)
        repeated += len(grams) - len(set(grams))
    return repeated / total if total else 0.0
