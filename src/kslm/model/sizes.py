"""Llama's architecture in five sizes: grouped-query attention, SwiGLU, RoPE, RMSNorm, no biases.

They are built as `MistralForCausalLM` with `sliding_window=None`: the same weights, names and logits as Llama, but an
explicit head dimension is accepted, which transformers 5's LlamaConfig refuses where the width is not a multiple of the
number of heads (256 over 6). Every runtime that loads Mistral loads these.

Limits: weights are made in fp32 on the CPU; a model of the largest size takes 2 GB while it is built.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import MistralConfig, MistralForCausalLM

from kslm.errors import KslmError

# The ids that every tokenizer here gives its special tokens; rooms of this level do not import one another.
EOT_ID, PAD_ID = 0, 1
ROPE_THETA = 10_000.0
RMS_NORM_EPS = 1e-5


@dataclass(frozen=True)
class Size:
    """One size.

    Attributes:
        vocab_size: the vocabulary the nominal parameter count assumes; a tokenizer may yield another.
        context_length: tokens, unless the profile says otherwise.
        nominal: the parameters its name promises; a gate allows some deviation.
    """

    layers: int
    width: int
    heads: int
    head_dim: int
    kv_heads: int
    ffn: int
    vocab_size: int
    context_length: int
    tied: bool
    nominal: int


SIZES: dict[str, Size] = {
    "quick": Size(4, 192, 6, 32, 2, 512, 4096, 512, True, 2_400_000),
    "tiny": Size(6, 256, 6, 64, 2, 1024, 16_000, 1024, True, 10_000_000),
    "small": Size(8, 512, 8, 64, 2, 2048, 32_000, 2048, True, 50_000_000),
    "medium": Size(12, 768, 12, 64, 3, 3072, 32_000, 2048, False, 150_000_000),
    "large": Size(24, 1024, 16, 128, 4, 4096, 32_000, 4096, False, 500_000_000),
}


def config_for(size: str, vocab_size: int | None = None, context_length: int | None = None) -> MistralConfig:
    """Configuration of one size.

    Args:
        size: a key of SIZES.
        vocab_size: tokens, special ones included; default: the size's own.
        context_length: tokens; default: the size's own.

    Raises:
        KslmError: no such size.
    """
    if size not in SIZES:
        raise KslmError(f"no model size named {size!r}", remedy=f"one of: {', '.join(SIZES)}")
    shape = SIZES[size]
    return MistralConfig(
        vocab_size=vocab_size or shape.vocab_size,
        hidden_size=shape.width,
        intermediate_size=shape.ffn,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        max_position_embeddings=context_length or shape.context_length,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA},
        rms_norm_eps=RMS_NORM_EPS,
        sliding_window=None,
        tie_word_embeddings=shape.tied,
        attention_dropout=0.0,
        bos_token_id=None,
        eos_token_id=EOT_ID,
        pad_token_id=PAD_ID,
    )


def initialise(config: MistralConfig, seed: int) -> MistralForCausalLM:
    """A freshly initialised fp32 model; equal arguments give equal weights, and the global generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MistralForCausalLM(config)
    return model.float()


def parameter_count(config: MistralConfig) -> int:
    """Trainable numbers of a model with this configuration, tied ones once; allocates no memory for them."""
    with torch.device("meta"):
        model = MistralForCausalLM(config)
    return sum(parameter.numel() for parameter in model.parameters())
