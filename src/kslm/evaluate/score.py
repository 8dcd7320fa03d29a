"""What a model makes of held-out tokens, and the figures that follow from it.

A split is one stream, begun behind an end-of-text token as every document is. It is read in windows of the training
sequence length that overlap by a quarter; in each the part not scored before is scored, so that each token counts
once and has, but for the stream's first, at least a quarter of a window before it. End-of-text tokens are predicted and
counted as tokens; they have no bytes. Bits per byte therefore charges a document's end to its text.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import PreTrainedModel

from kslm.tokens import EOT_ID, TokenSplit

Array = NDArray[Any]
BATCH_TOKENS = 8192
GRAM = 4


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


@dataclass(frozen=True)
class Scores:
    """Per token: negative log-likelihood in nats, and how many other tokens were likelier than the true one."""

    nats: Array
    rank: Array


def held_out(split: TokenSplit, max_tokens: int) -> Held:
    """About `max_tokens` tokens of a split: of each slice the first documents, as many as its share of the split gives.

    A split is shuffled, but documents differ so much in length that its first tokens may be of one slice mostly, and
    perplexity differs between slices by a factor of ten.
    """
    ends = split.ends.astype(np.int64)
    lengths = np.diff(ends, prepend=0)
    part = min(1.0, max_tokens / max(int(ends[-1]), 1))
    kept = np.zeros(len(lengths), bool)
    for index in np.unique(split.slices):
        members = np.flatnonzero(split.slices == index)
        before = np.cumsum(lengths[members]) - lengths[members]
        # A document counts if more of it lies within the share than beyond, and the first one always does.
        kept[members[before + lengths[members] / 2 <= part * lengths[members].sum()]] = True
        kept[members[0]] = True
    chosen = np.flatnonzero(kept)
    tokens = np.concatenate([split.tokens[ends[at] - lengths[at] : ends[at]] for at in chosen]).astype(np.int64)
    slices = split.slices[chosen]
    return Held(
        tokens=tokens,
        previous=np.concatenate([[EOT_ID], tokens[:-1]]),
        slice_of=np.repeat(slices, lengths[chosen]),
        text_bytes=np.bincount(slices, weights=split.text_bytes[chosen], minlength=len(split.slice_names)),
        slice_names=split.slice_names,
    )


def score(
    model: PreTrainedModel, tokens: Array, length: int, advance: Callable[[float], None] = lambda amount: None
) -> Scores:
    """Score every token of a stream.

    Args:
        tokens: (tokens,) int64 ids.
        length: tokens a window; see the module.
        advance: told of the tokens scored.
    """
    device = next(model.parameters()).device
    stream = torch.from_numpy(np.concatenate([[EOT_ID], tokens]))
    count = len(tokens)
    nats, rank = np.empty(count, np.float32), np.empty(count, np.int32)
    starts = np.minimum(np.arange(0, max(count - length // 4, 1), length - length // 4), max(count - length, 0))
    done, batch = 0, max(1, BATCH_TOKENS // length)
    span = min(length, count)
    with torch.inference_mode():
        for begin in range(0, len(starts), batch):
            chosen = starts[begin : begin + batch]
            ids = torch.stack([stream[start : start + span + 1] for start in chosen.tolist()]).to(device)
            logits = model(input_ids=ids[:, :-1], use_cache=False).logits.float()
            targets = ids[:, 1:]
            losses = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
            ranks = (logits > logits.gather(-1, targets[..., None])).sum(-1)
            rows = zip(chosen.tolist(), losses.view(targets.shape).cpu().numpy(), ranks.cpu().numpy(), strict=True)
            before = done
            for start, row_nats, row_rank in rows:
                nats[done : start + span] = row_nats[done - start :]
                rank[done : start + span] = row_rank[done - start :]
                done = start + span
            advance(done - before)
    return Scores(nats, rank)


def figures(nats: Array, held: Held) -> dict[str, float]:
    """Perplexity and bits per byte, overall (`perplexity`) and by slice (`perplexity/os`); empty ones left out."""
    values = _pair(nats, float(held.text_bytes.sum()), "")
    for index, name in enumerate(held.slice_names):
        chosen = held.slice_of == index
        if chosen.any():
            values |= _pair(nats[chosen], float(held.text_bytes[index]), f"/{name}")
    return values


def repetition(texts: list[list[int]]) -> float:
    """Share of 4-grams that occurred before in the same text, over all texts; 0 where none has four tokens."""
    total = repeated = 0
    for ids in texts:
        grams = [tuple(ids[i : i + GRAM]) for i in range(len(ids) - GRAM + 1)]
        total += len(grams)
        repeated += len(grams) - len(set(grams))
    return repeated / total if total else 0.0


def _pair(nats: Array, text_bytes: float, suffix: str) -> dict[str, float]:
    total = float(nats.sum(dtype=np.float64))
    mean = total / len(nats)
    return {
        f"perplexity{suffix}": math.exp(mean) if mean < 700 else math.inf,
        f"bits_per_byte{suffix}": total / math.log(2) / max(text_bytes, 1.0),
    }
