"""What a model makes of a stream of tokens, read in the windows of `kslm.measures`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import PreTrainedModel

from kslm.measures import Held, bits_per_byte, perplexity, scored_before, starts
from kslm.tokens.tokenizer import EOT_ID

Array = NDArray[Any]
BATCH_TOKENS = 8192


@dataclass(frozen=True)
class Scores:
    """Per token: negative log-likelihood in nats, and how many other tokens were likelier than the true one."""

    nats: Array
    rank: Array


def score(
    model: PreTrainedModel, tokens: Array, length: int, advance: Callable[[float], None] = lambda amount: None
) -> Scores:
    """Score every token of a stream.

    Args:
        tokens: (tokens,) int64 ids.
        length: tokens a window.
        advance: told of the tokens scored.
    """
    device = next(model.parameters()).device
    stream = torch.from_numpy(np.concatenate([[EOT_ID], tokens]))
    count = len(tokens)
    span, batch = min(length, count), max(1, BATCH_TOKENS // length)
    nats, rank = np.empty(count, np.float32), np.empty(count, np.int32)
    begins = starts(count, length)
    windows = list(zip(begins.tolist(), scored_before(begins, span).tolist(), strict=True))
    with torch.inference_mode():
        for first in range(0, len(windows), batch):
            together = windows[first : first + batch]
            ids = torch.stack([stream[begin : begin + span + 1] for begin, _ in together]).to(device)
            logits = model(input_ids=ids[:, :-1], use_cache=False).logits.float()
            targets = ids[:, 1:]
            losses = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
            ranks = (logits > logits.gather(-1, targets[..., None])).sum(-1)
            rows = zip(together, losses.view(targets.shape).cpu().numpy(), ranks.cpu().numpy(), strict=True)
            for (begin, skip), row_nats, row_rank in rows:
                nats[begin + skip : begin + span] = row_nats[skip:]
                rank[begin + skip : begin + span] = row_rank[skip:]
            advance(sum(span - skip for _, skip in together))
    return Scores(nats, rank)


def figures(nats: Array, held: Held) -> dict[str, float]:
    """Perplexity and bits per byte, overall (`perplexity`) and by slice (`perplexity/os`); empty ones left out."""
    values = _pair(nats, float(held.text_bytes.sum()), "")
    for index, name in enumerate(held.slice_names):
        members = held.slice_of == index
        if members.any():
            values |= _pair(nats[members], float(held.text_bytes[index]), f"/{name}")
    return values


def _pair(nats: Array, text_bytes: float, suffix: str) -> dict[str, float]:
    return {
        f"perplexity{suffix}": perplexity(nats),
        f"bits_per_byte{suffix}": bits_per_byte(float(nats.sum(dtype=np.float64)), text_bytes),
    }
