"""Seeded sampling of continuations, the same for the same weights, prompts and seed on one kind of device.

Prompts of one call have one length, so nothing is padded and no attention mask can go wrong.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import PreTrainedModel

TEMPERATURE, TOP_K = 0.8, 50


def sample(model: PreTrainedModel, prompts: torch.Tensor, new_tokens: int, *, seed: int) -> list[list[int]]:
    """Continue each prompt, drawing from the TOP_K likeliest tokens at TEMPERATURE.

    Args:
        prompts: (batch, length) token ids; a batch may be empty.
        new_tokens: tokens at most, and no more than fit the model's context; a continuation ends before its end-of-text
            token.
        seed: of the sampling; the global generators are left alone.

    Returns:
        For each prompt the new token ids, without the prompt and without the end-of-text token.
    """
    if not len(prompts):
        return []
    device = next(model.parameters()).device
    prompts = prompts.to(device)
    training = model.training
    model.eval()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.inference_mode():
        torch.manual_seed(seed)
        generate: Any = model.generate
        output = generate(
            prompts,
            attention_mask=torch.ones_like(prompts),
            max_new_tokens=min(new_tokens, model.config.max_position_embeddings - prompts.shape[1]),
            do_sample=True,
            temperature=TEMPERATURE,
            top_k=min(TOP_K, model.config.vocab_size),
        )
    model.train(training)
    end = model.config.eos_token_id
    continuations = output[:, prompts.shape[1] :].tolist()
    return [ids[: ids.index(end)] if end in ids else ids for ids in continuations]
