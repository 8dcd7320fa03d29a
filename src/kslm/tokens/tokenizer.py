"""Train the byte-level BPE tokenizer, and describe it to those who load it.

The split pattern is cl100k's, spelt as in Llama 3's tokenizer.json so that every runtime recognises it: on kernel text
it needs a fifth fewer tokens than GPT-2's. All 256 byte tokens are in the vocabulary, so any text round-trips exactly
and `<|unk|>` is never produced; it exists because consumers ask for one.

Limits: a text with too few repeated pairs yields fewer tokens than asked for; read the size from the result.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

CL100K_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL_TOKENS = ("<|endoftext|>", "<|pad|>", "<|unk|>")
EOT_ID, PAD_ID, UNK_ID = range(3)


def train_tokenizer(texts: Iterable[str], vocab_size: int, min_frequency: int) -> str:
    """Learn merges (Sennrich et al. 2016, arXiv:1508.07909, over bytes) and return a tokenizer.json.

    Args:
        texts: training text; the result depends on their content only, not on their order or the thread count.
        vocab_size: tokens at most, the 256 bytes and the special tokens included.
        min_frequency: occurrences a pair needs to be merged.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer: Any = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(CL100K_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer.to_str()


def vocabulary(tokenizer_json: str) -> dict[str, int]:
    """Token to id, in id order, special tokens included; tokens are spelt in the byte-level alphabet."""
    tree = json.loads(tokenizer_json)
    vocab: dict[str, int] = dict(tree["model"]["vocab"])
    vocab.update((token["content"], token["id"]) for token in tree["added_tokens"])
    return dict(sorted(vocab.items(), key=lambda item: item[1]))


def without_special_tokens(tokenizer_json: str) -> str:
    """The same tokenizer with the special tokens taken out, ids unchanged: `<|endoftext|>` in a text is just text."""
    tree = json.loads(tokenizer_json)
    for token in tree["added_tokens"]:
        tree["model"]["vocab"].pop(token["content"], None)
    tree["added_tokens"] = []
    return json.dumps(tree, ensure_ascii=False)


def token_bytes(tokenizer_json: str) -> list[bytes]:
    """The bytes each id stands for; a special token stands for none."""
    decode = _byte_of_character()
    special = {token["content"] for token in json.loads(tokenizer_json)["added_tokens"]}
    return [
        b"" if token in special else bytes(decode[character] for character in token)
        for token in vocabulary(tokenizer_json)
    ]


def huggingface_config() -> dict[str, Any]:
    """Content of the tokenizer_config.json beside tokenizer.json, with which transformers loads the folder.

    `split_special_tokens` keeps a special token's spelling in a prompt from becoming the special id.
    """
    eos, pad, unk = SPECIAL_TOKENS
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": eos,
        "pad_token": pad,
        "unk_token": unk,
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": True,
    }


def _byte_of_character() -> dict[str, int]:
    """GPT-2's table of printable stand-ins: Latin-1's printable bytes are themselves, the rest follow from U+0100."""
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    table = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if byte not in printable)
    table.update((chr(256 + index), byte) for index, byte in enumerate(others))
    return table
