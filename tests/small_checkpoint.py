"""A trained checkpoint in miniature: random weights, and a tokenizer of twenty lines."""

import json
from pathlib import Path

import torch
from transformers import MistralConfig, MistralForCausalLM

from kslm.tokens import train_tokenizer

LINES = [f"The driver e1000e, number {n}, serves Intel PCI devices; option CONFIG_E{n} builds it." for n in range(20)]


def write_checkpoint(folder: Path) -> Path:
    """A folder as transformers saves it; its head_dim is not width / heads."""
    torch.manual_seed(0)
    tokenizer = train_tokenizer(LINES * 5, 512, 2)
    vocabulary = len(json.loads(tokenizer)["model"]["vocab"])
    config = MistralConfig(
        vocab_size=vocabulary, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=1, head_dim=32, max_position_embeddings=64, sliding_window=None,
        tie_word_embeddings=True, bos_token_id=None, eos_token_id=0, pad_token_id=1,
    )  # fmt: skip
    MistralForCausalLM(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_text(tokenizer)
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>", "pad_token": "<|pad|>"})
    )
    return folder
